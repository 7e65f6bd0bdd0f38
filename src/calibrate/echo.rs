//! Wire echoes: compact bright spots, each to a fraction of a pixel.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the picture's sizes"
)]

/// Spots kept of a frame, the brightest first.
const MOST_ECHOES: usize = 26;
/// Least level of an echo, and its least share of the level only one pixel in a thousand exceeds.
const LEVEL_LEAST: u8 = 32;
const LEVEL_SHARE: f64 = 0.22;
/// Largest width and height of an echo as shares of the picture's (a wire shows as a short arc).
const WIDTH_MOST: f64 = 0.14;
const HEIGHT_MOST: f64 = 0.09;
/// Share of its peak down to which a spot is one.
const SPOT_SHARE: f64 = 0.5;

/// Level and largest change of what stands still.
const STILL_LEAST: u8 = 60;
const STILL_CHANGE: u8 = 40;

/// A grey picture, row by row, row 0 on top.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    columns: usize,
    rows: usize,
    pixels: &'a [u8],
}

impl<'a> Picture<'a> {
    /// The picture, if there are as many pixels as its sides say and both are at least 8.
    pub fn new(columns: usize, rows: usize, pixels: &'a [u8]) -> Option<Self> {
        let sound = columns >= 8 && rows >= 8 && columns.checked_mul(rows) == Some(pixels.len());
        sound.then_some(Self {
            columns,
            rows,
            pixels,
        })
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.columns, self.rows)
    }

    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.columns..(y + 1) * self.columns]
    }

    pub(super) fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.columns + x]
    }

    /// The level that one pixel in `1 / share` exceeds.
    pub(super) fn level_above(&self, share: f64) -> u8 {
        let mut counts = [0_usize; 256];
        for value in self.pixels {
            counts[usize::from(*value)] += 1;
        }
        let mut left = (share * self.pixels.len() as f64) as usize;
        for level in (0..=255_u8).rev() {
            let count = counts[usize::from(level)];
            if count > left {
                return level;
            }
            left -= count;
        }
        0
    }
}

/// What does not change in a recording: text, rulers and frames drawn over the picture.
#[derive(Clone, Debug, Default)]
pub struct StillParts {
    low: Vec<u8>,
    high: Vec<u8>,
}

impl StillParts {
    /// Takes another picture of the same recording into account; one of another size is ignored.
    pub fn add(&mut self, picture: &Picture<'_>) {
        if self.low.is_empty() {
            self.low = picture.pixels.to_vec();
            self.high = picture.pixels.to_vec();
        }
        if self.low.len() == picture.pixels.len() {
            for (i, level) in picture.pixels.iter().enumerate() {
                self.low[i] = self.low[i].min(*level);
                self.high[i] = self.high[i].max(*level);
            }
        }
    }

    /// The picture without what stood still and bright in all pictures added, and without the pixels beside that.
    pub fn cleared(&self, picture: &Picture<'_>) -> Vec<u8> {
        let mut pixels = picture.pixels.to_vec();
        if self.low.len() != pixels.len() {
            return pixels;
        }
        let (columns, rows) = picture.size();
        for y in 0..rows {
            for x in 0..columns {
                let i = y * columns + x;
                if self.low[i] < STILL_LEAST || self.high[i] - self.low[i] > STILL_CHANGE {
                    continue;
                }
                for v in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
                    for u in x.saturating_sub(1)..=(x + 1).min(columns - 1) {
                        pixels[v * columns + u] = 0;
                    }
                }
            }
        }
        pixels
    }
}

/// A compact bright spot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Echo {
    /// Column of its centre.
    pub x: f64,
    /// Row of its centre.
    pub y: f64,
    /// Its peak level, 0 to 255.
    pub peak: f64,
}

/// The compact bright spots of a picture, brightest first, at most 26. Long lines, arcs and areas are none.
pub fn find_echoes(picture: &Picture<'_>) -> Vec<Echo> {
    let (columns, rows) = picture.size();
    let bright = picture.level_above(0.001);
    let least = LEVEL_LEAST.max((LEVEL_SHARE * f64::from(bright)) as u8);
    let mut seeds: Vec<(u8, usize, usize)> = Vec::new();
    for y in 1..rows - 1 {
        for (x, level) in picture.row(y).iter().enumerate() {
            if *level >= least && x > 0 && x + 1 < columns && is_peak(picture, x, y, *level) {
                seeds.push((*level, x, y));
            }
        }
    }
    seeds.sort_by(|a, b| b.cmp(a));
    let widest = (WIDTH_MOST * columns as f64) as usize;
    let highest = (HEIGHT_MOST * rows as f64) as usize;
    let mut taken = vec![false; columns * rows];
    let mut spot = Vec::new();
    let mut echoes = Vec::new();
    for (level, x, y) in seeds {
        if taken[y * columns + x] {
            continue;
        }
        let floor = (SPOT_SHARE * f64::from(level)) as u8;
        grow(picture, (x, y), floor, &mut taken, &mut spot);
        if let Some(echo) = centre(picture, &spot, floor, (widest, highest)) {
            echoes.push(echo);
            if echoes.len() == MOST_ECHOES {
                break;
            }
        }
    }
    echoes
}

fn is_peak(picture: &Picture<'_>, x: usize, y: usize, level: u8) -> bool {
    (y - 1..=y + 1).all(|v| (x - 1..=x + 1).all(|u| picture.at(u, v) <= level))
}

/// All pixels that hang together with the seed and are brighter than `floor`.
fn grow(
    picture: &Picture<'_>,
    seed: (usize, usize),
    floor: u8,
    taken: &mut [bool],
    spot: &mut Vec<(usize, usize)>,
) {
    let (columns, rows) = picture.size();
    spot.clear();
    spot.push(seed);
    taken[seed.1 * columns + seed.0] = true;
    let mut next = 0;
    while next < spot.len() {
        let (x, y) = spot[next];
        next += 1;
        for v in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
            for u in x.saturating_sub(1)..=(x + 1).min(columns - 1) {
                let slot = &mut taken[v * columns + u];
                if !*slot && picture.at(u, v) > floor {
                    *slot = true;
                    spot.push((u, v));
                }
            }
        }
    }
}

/// The centre of gravity of what rises above the floor, if the spot is compact and of more than a few pixels.
fn centre(
    picture: &Picture<'_>,
    spot: &[(usize, usize)],
    floor: u8,
    most: (usize, usize),
) -> Option<Echo> {
    let side = |f: fn(&(usize, usize)) -> usize| {
        let low = spot.iter().map(f).min().unwrap_or_default();
        spot.iter().map(f).max().unwrap_or_default() - low + 1
    };
    let (wide, high) = (side(|p| p.0), side(|p| p.1));
    if spot.len() < 4 || wide < 2 || high < 2 || wide > most.0 || high > most.1 {
        return None;
    }
    let (mut sum, mut sx, mut sy, mut peak) = (0.0, 0.0, 0.0, 0.0_f64);
    for (x, y) in spot {
        let level = f64::from(picture.at(*x, *y));
        let weight = level - f64::from(floor);
        sum += weight;
        sx += weight * *x as f64;
        sy += weight * *y as f64;
        peak = peak.max(level);
    }
    (sum > 0.0).then(|| Echo {
        x: sx / sum,
        y: sy / sum,
        peak,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_found_to_a_fraction_of_a_pixel_and_a_line_is_none() {
        let (w, h) = (200_usize, 150_usize);
        let mut pixels = vec![0_u8; w * h];
        for y in 0..h {
            for x in 0..w {
                let r = ((x as f64 - 60.3) / 4.0).powi(2) + ((y as f64 - 70.6) / 2.0).powi(2);
                let line = ((y as f64 - 120.0) / 2.0).powi(2);
                pixels[y * w + x] = (220.0 * ((-0.5 * r).exp() + (-0.5 * line).exp())) as u8;
            }
        }
        let picture = Picture::new(w, h, &pixels).expect("a picture");
        let echoes = find_echoes(&picture);
        assert_eq!(echoes.len(), 1, "{echoes:?}");
        assert!((echoes[0].x - 60.3).abs() < 0.1 && (echoes[0].y - 70.6).abs() < 0.1);
        assert!(Picture::new(w, h + 1, &pixels).is_none());
    }
}
