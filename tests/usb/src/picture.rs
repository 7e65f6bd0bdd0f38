//! What a virtual probe sees: a synthetic pump under a few layers, as log-compressed scan lines. No speckle statistics,
//! no physics: enough to look at, and the same bytes every time.

/// A layered picture with a pump face (a bright line with a darker port in its middle) at 30 mm, for a probe that
/// samples from `near_mm` to `far_mm`. `phase` shifts the grain, so that pictures that follow one another differ.
///
/// The geometry of the probe is not undone: the face follows an arc of equal depth.
pub fn pump_lines(
    lines: usize,
    samples: usize,
    (near_mm, far_mm): (f64, f64),
    phase: u32,
) -> Vec<u8> {
    let mut grain = Grain(0x9E37_79B9 ^ phase.wrapping_mul(0x85EB_CA6B).wrapping_add(1));
    let mut picture = Vec::with_capacity(lines * samples);
    for line in 0..lines {
        let across = (line as f64 + 0.5) / lines as f64 - 0.5;
        let is_pump = across.abs() < 0.33;
        let is_port = across.abs() < 0.045;
        for sample in 0..samples {
            let depth = near_mm + (far_mm - near_mm) * (sample as f64 + 0.5) / samples as f64;
            let tissue = 95.0 - 0.6 * depth + 14.0 * (depth * 0.9 + 3.0 * across).sin();
            let level = if is_pump && depth > 30.0 {
                let below = depth - if is_port { 32.0 } else { 30.0 };
                if (0.0..0.9).contains(&below) {
                    if is_port { 150.0 } else { 245.0 }
                } else if (5.5..6.1).contains(&below) && !is_port {
                    120.0
                } else {
                    12.0
                }
            } else {
                tissue
            };
            let noisy = level + grain.next_centred() * 22.0;
            picture.push(noisy.clamp(0.0, 255.0) as u8);
        }
    }
    picture
}

/// xorshift32: the same grain on every machine.
struct Grain(u32);

impl Grain {
    fn next_centred(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0 >> 8) / f64::from(1u32 << 24) - 0.5
    }
}

/// A checkable byte: everything that can slip (frame, line, sample) is in it.
pub fn pattern_byte(frame: u64, line: usize, sample: usize) -> u8 {
    (frame as u8)
        .wrapping_mul(31)
        .wrapping_add((line as u8).wrapping_mul(7))
        .wrapping_add((sample as u8).wrapping_mul(3))
        .wrapping_add((sample >> 8) as u8)
}
