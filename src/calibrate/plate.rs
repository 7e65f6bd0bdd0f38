//! The straight bright line of a flat plate: the bottom of a water tank, a gel pad's far side.
use super::echo::Picture;

/// Columns looked at.
const STRIDE: usize = 4;
/// Least level of the line, and its least share of the level one pixel in a thousand exceeds.
const LEVEL_LEAST: u8 = 24;
const LEVEL_SHARE: f64 = 0.3;
/// Distance at which a column agrees with a line, rows.
const NEAR: f64 = 4.0;
/// Columns that must agree.
const LEAST_COLUMNS: usize = 12;
/// Steepest line (tangent; 30 degrees).
const STEEPEST: f64 = 0.577;

/// A line `y = y_middle + slope * (x - x_middle)` in pixels of the stored picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateLine {
    /// The picture's middle column.
    pub x_middle: f64,
    /// Row at the middle column.
    pub y_middle: f64,
    /// Rows per column.
    pub slope: f64,
    /// Columns that agree, of those looked at.
    pub columns: usize,
}

/// The line most columns agree on; `None` where there is none.
pub fn plate_line(picture: &Picture<'_>) -> Option<PlateLine> {
    let (columns, rows) = picture.size();
    let bright = f64::from(picture.level_above(0.001));
    let least = LEVEL_LEAST.max((LEVEL_SHARE * bright) as u8);
    let mut points = Vec::new();
    for x in (0..columns).step_by(STRIDE) {
        let peak = (0..rows).max_by_key(|y| picture.at(x, *y))?;
        let level = picture.at(x, peak);
        if level < least {
            continue;
        }
        let floor = f64::from(level) / 2.0;
        let (mut sum, mut sy) = (0.0, 0.0);
        for y in peak.saturating_sub(5)..(peak + 6).min(rows) {
            let above = (f64::from(picture.at(x, y)) - floor).max(0.0);
            sum += above;
            sy += above * y as f64;
        }
        points.push((x as f64, sy / sum.max(1e-9)));
    }
    let middle = (columns - 1) as f64 / 2.0;
    let mut best: (usize, f64, f64) = (0, 0.0, 0.0);
    for (n, a) in points.iter().enumerate() {
        for b in points.iter().skip(n + LEAST_COLUMNS / 2) {
            let slope = (b.1 - a.1) / (b.0 - a.0);
            if slope.abs() > STEEPEST {
                continue;
            }
            let at = a.1 + slope * (middle - a.0);
            let off = |p: &&(f64, f64)| (p.1 - at - slope * (p.0 - middle)).abs() < NEAR;
            let count = points.iter().filter(off).count();
            if count > best.0 {
                best = (count, at, slope);
            }
        }
    }
    if best.0 < LEAST_COLUMNS {
        return None;
    }
    let (mut at, mut slope) = (best.1, best.2);
    for _ in 0..4 {
        let mut sums = [0.0; 5];
        for (x, y) in points.iter().copied() {
            let x = x - middle;
            let off = (y - at - slope * x) / NEAR;
            let w = (1.0 - off * off).max(0.0).powi(2);
            for (sum, term) in sums
                .iter_mut()
                .zip([1.0, x, y, x * x, x * y].map(|t| t * w))
            {
                *sum += term;
            }
        }
        let [n, sx, sy, sxx, sxy] = sums;
        let det = n * sxx - sx * sx;
        if n <= 0.0 || det <= 1e-9 {
            return None;
        }
        slope = (n * sxy - sx * sy) / det;
        at = (sy - slope * sx) / n;
    }
    Some(PlateLine {
        x_middle: middle,
        y_middle: at,
        slope,
        columns: best.0,
    })
}
