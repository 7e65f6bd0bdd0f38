//! The brightest long straight interface of a picture, whatever it is.
use super::face::Interface;
use super::grid::{BeamGrid, Line};

/// Shortest interface reported, mm.
const SHORTEST_MM: f64 = 6.0;

/// How strongly an interface asks to be the surface: brightness times length.
pub(super) fn weight(interface: &Interface) -> f64 {
    if interface.length < SHORTEST_MM {
        return 0.0;
    }
    f64::from(interface.peak) * interface.length * interface.cover.max(0.3).sqrt()
}

/// Fits a line to the brightest samples just below an interface's edge. Returns it with the first and last
/// column that show it.
pub(super) fn brightest(
    grid: &BeamGrid,
    interface: &Interface,
    points: &mut Vec<(f64, f64, f64)>,
) -> Option<(Line, usize, usize)> {
    let mut line = interface.line?;
    for reach in [1.4, 0.8, 0.6] {
        points.clear();
        for (b, column) in interface.columns.iter().enumerate() {
            if !column.shows_face() {
                continue;
            }
            let Some(range) = grid.meet(b, &line) else {
                continue;
            };
            let from = if points.is_empty() && reach > 1.0 {
                -0.3
            } else {
                -reach
            };
            let Some((at, level)) = brightest_near(grid, b, range + from, range + reach) else {
                continue;
            };
            let (x, z) = grid.point(b, at);
            let off = (z - line.z_at(x)) / (reach * 1.2);
            let tukey = (1.0 - off * off).max(0.0);
            points.push((x, z, f64::from(level) * tukey * tukey));
        }
        line = super::face::weighted_line(points, line.pivot)?;
    }
    let (first, last) = interface.ends(grid.pitch)?;
    Some((line, first, last))
}

/// Range (sub-sample) and level of the brightest sample of a beam between two ranges.
fn brightest_near(grid: &BeamGrid, beam: usize, from: f64, to: f64) -> Option<(f64, f32)> {
    let b = grid.beams.get(beam)?;
    let row = grid.row(beam);
    let low = ((from / grid.step).round().max(0.0) as usize).max(b.first + 1);
    let high = ((to / grid.step).round().max(0.0) as usize).min(b.last.saturating_sub(1));
    let mut best = (low, 0.0_f32);
    for i in low..high {
        let level = row.get(i).copied().unwrap_or(0.0);
        if level > best.1 {
            best = (i, level);
        }
    }
    if best.1 <= 0.0 {
        return None;
    }
    // a saturated echo has a plateau: take the middle of what is nearly as bright
    let (mut sum, mut weight) = (0.0_f64, 0.0_f64);
    let reach = (0.5 / grid.step).round() as usize;
    for i in best.0.saturating_sub(reach)..=best.0 + reach {
        let level = row.get(i).copied().unwrap_or(0.0);
        let over = f64::from(level - 0.7 * best.1).max(0.0);
        sum += over * i as f64;
        weight += over;
    }
    (weight > 0.0).then(|| (sum / weight * grid.step, best.1))
}
