//! Echo amplitude to brightness: log compression, gain and time gain, by table.
#![expect(
    clippy::indexing_slicing,
    reason = "a table of 65,536 entries is read at 16-bit numbers"
)]
use crate::frame::{DepthRange, ImagingSettings, TGC_SLIDERS};

/// Bits below the grey level in the tables.
const FINE_BITS: u32 = 5;
const FINE: f64 = (1 << FINE_BITS) as f64;
const HALF: i32 = 1 << (FINE_BITS - 1);
/// Level of the loudest echo at no gain.
const WHITE: f64 = 255.0;
/// Amplitude that counts as 0 dB.
const FULL_SCALE: f64 = 65_535.0;

/// What the tables were made for.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    depth: DepthRange,
    samples: usize,
    gain_db: f64,
    tgc_db: [f64; TGC_SLIDERS],
    dynamic_range_db: f64,
}

/// Makes `level = 255 * (20 log10(a / 65535) + gain + tgc(depth) + range) / range`, kept within 0 and 255.
#[derive(Debug, Default)]
pub(super) struct Brightness {
    key: Option<Key>,
    /// Level of each amplitude without gain, below white (so never positive), with [`FINE_BITS`].
    curve: Vec<i16>,
    curve_range_db: f64,
    /// Level added at each sample of a line by gain and time gain, with [`FINE_BITS`].
    offsets: Vec<i32>,
}

impl Brightness {
    /// Makes the tables for these settings, unless they are there. `compress`: whether amplitudes will come.
    pub(super) fn prepare(
        &mut self,
        settings: &ImagingSettings,
        depth: DepthRange,
        samples: usize,
        compress: bool,
    ) {
        let limited = settings.limited();
        let key = Key {
            depth,
            samples,
            gain_db: limited.gain_db,
            tgc_db: limited.tgc_db,
            dynamic_range_db: limited.dynamic_range_db,
        };
        let range = key.dynamic_range_db;
        if compress && (self.curve.is_empty() || self.curve_range_db != range) {
            self.curve.clear();
            self.curve
                .extend((0..=u16::MAX).map(|a| below_white(a, range)));
            self.curve_range_db = range;
        }
        if self.key.as_ref() != Some(&key) {
            self.offsets.clear();
            self.offsets.extend((0..samples).map(|sample| {
                let at = depth.near.0 + (sample as f64 + 0.5) * depth.span().0 / samples as f64;
                let gain = key.gain_db + time_gain(&key.tgc_db, at / depth.far.0);
                (WHITE * FINE * gain / range).round() as i32
            }));
            self.key = Some(key);
        }
    }

    /// Whether brightness samples stay what they are.
    pub(super) fn is_neutral(&self) -> bool {
        self.offsets.iter().all(|&offset| offset == 0)
    }

    /// Linear amplitudes to brightness.
    pub(super) fn compress(&self, amplitudes: &[u16], out: &mut [u8]) {
        let white = (WHITE * FINE) as i32 + HALF;
        self.each(amplitudes, out, |amplitude, offset| {
            i32::from(self.curve[usize::from(amplitude)]) + white + offset
        });
    }

    /// Linear 8-bit amplitudes to brightness; 255 is the loudest.
    pub(super) fn compress_coarse(&self, amplitudes: &[u8], out: &mut [u8]) {
        let white = (WHITE * FINE) as i32 + HALF;
        self.each(amplitudes, out, |amplitude, offset| {
            i32::from(self.curve[usize::from(amplitude) * 257]) + white + offset
        });
    }

    /// Brightness with gain and time gain.
    pub(super) fn amplify(&self, brightness: &[u8], out: &mut [u8]) {
        self.each(brightness, out, |level, offset| {
            (i32::from(level) << FINE_BITS) + HALF + offset
        });
    }

    /// 16-bit brightness with gain and time gain.
    pub(super) fn amplify_fine(&self, brightness: &[u16], out: &mut [u8]) {
        self.each(brightness, out, |level, offset| {
            (i32::from(level) >> (8 - FINE_BITS)) + offset
        });
    }

    fn each<T: Copy>(&self, values: &[T], out: &mut [u8], level: impl Fn(T, i32) -> i32) {
        let samples = self.offsets.len().max(1);
        for (line, out) in values
            .chunks_exact(samples)
            .zip(out.chunks_exact_mut(samples))
        {
            for ((&value, out), &offset) in line.iter().zip(out).zip(&self.offsets) {
                *out = (level(value, offset) >> FINE_BITS).clamp(0, 255) as u8;
            }
        }
    }
}

/// Level of an amplitude below white, with [`FINE_BITS`]; 96 dB at a range of 30 dB still fit into 16 bits.
fn below_white(amplitude: u16, range_db: f64) -> i16 {
    if amplitude == 0 {
        return i16::MIN;
    }
    let db = 20.0 * (f64::from(amplitude) / FULL_SCALE).log10();
    (WHITE * FINE * db / range_db).round() as i16
}

/// Time gain at a share of the full depth: sliders stand evenly from 0 to 1, straight lines between them.
fn time_gain(sliders: &[f64; TGC_SLIDERS], share: f64) -> f64 {
    let last = TGC_SLIDERS - 1;
    let at = (share * last as f64).clamp(0.0, last as f64);
    let lower = (at as usize).min(last - 1);
    sliders[lower] + (sliders[lower + 1] - sliders[lower]) * (at - lower as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Millimeters;

    fn depth() -> DepthRange {
        DepthRange::new(Millimeters(0.0), Millimeters(70.0)).expect("sound")
    }

    fn settings() -> ImagingSettings {
        ImagingSettings {
            gain_db: 4.0,
            tgc_db: [-20.0, -10.0, 0.0, 0.0, 3.0, 5.0, 8.0, 20.0],
            dynamic_range_db: 55.0,
            ..ImagingSettings::default()
        }
    }

    #[test]
    fn compression_follows_its_formula_within_a_grey_level() {
        let samples = 140;
        let mut brightness = Brightness::default();
        brightness.prepare(&settings(), depth(), samples, true);
        for amplitude in [0_u16, 1, 7, 100, 1000, 9000, 40_000, 65_535] {
            let mut out = vec![0; samples];
            brightness.compress(&vec![amplitude; samples], &mut out);
            for (i, &got) in out.iter().enumerate() {
                let share = (i as f64 + 0.5) / samples as f64;
                let db = 20.0 * (f64::from(amplitude) / 65_535.0).log10()
                    + 4.0
                    + time_gain(&settings().tgc_db, share);
                let expected = (255.0 * (db + 55.0) / 55.0).clamp(0.0, 255.0);
                assert!(
                    (f64::from(got) - expected).abs() < 0.6,
                    "{amplitude} at {i}"
                );
            }
        }
    }

    #[test]
    fn time_gain_stands_at_its_sliders_and_is_straight_between_them() {
        let sliders = settings().tgc_db;
        assert_eq!(time_gain(&sliders, 0.0), -20.0);
        assert_eq!(time_gain(&sliders, 1.0), 20.0);
        assert!((time_gain(&sliders, 0.5 / 7.0) + 15.0).abs() < 1e-9);
        assert!((time_gain(&sliders, 6.5 / 7.0) - 14.0).abs() < 1e-9);
    }

    #[test]
    fn gain_moves_brightness_by_its_share_of_the_range_and_stops_at_black_and_white() {
        let mut brightness = Brightness::default();
        let loud = ImagingSettings {
            gain_db: 12.0,
            dynamic_range_db: 60.0,
            ..ImagingSettings::default()
        };
        brightness.prepare(&loud, depth(), 3, false);
        assert!(!brightness.is_neutral());
        let mut out = [0; 3];
        brightness.amplify(&[0, 100, 250], &mut out);
        assert_eq!(out, [51, 151, 255]);
        brightness.amplify_fine(&[0, 100 << 8, 250 << 8], &mut out);
        assert_eq!(out, [51, 151, 255]);
        brightness.prepare(&ImagingSettings::default(), depth(), 3, false);
        assert!(brightness.is_neutral());
    }

    #[test]
    fn coarse_amplitudes_span_the_same_range() {
        let mut brightness = Brightness::default();
        brightness.prepare(&ImagingSettings::default(), depth(), 3, true);
        let mut out = [9; 3];
        brightness.compress_coarse(&[255, 0, 26], &mut out);
        assert_eq!((out[0], out[1]), (255, 0));
        assert!((f64::from(out[2]) - 255.0 * (60.0 - 19.83) / 60.0).abs() < 1.0);
    }
}
