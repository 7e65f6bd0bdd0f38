//! Straight bright-after-dark interfaces: the onset map and the lines that run through most of it.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the grid's sizes"
)]
use super::grid::{BeamGrid, Line};

/// Steepest line looked for, degrees.
const STEEPEST_DEG: i32 = 26;
/// The first millimetres hold the skin and the probe's own ringing.
pub(super) const BLIND_MM: f64 = 4.0;
/// Lines kept for a closer look.
const KEPT: usize = 8;
/// Two lines nearer than this at both quarters of the picture are one, mm.
const SAME_MM: f64 = 1.0;
/// Beams and samples pooled into one cell of the coarse map.
const POOL: usize = 2;

/// Buffers of the line search, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct LineSearch {
    /// Onset of every cell, 0 to 255: `beams / POOL` rows of `samples / POOL`.
    onset: Vec<u8>,
    votes: Vec<u32>,
    row: Vec<u8>,
}

impl LineSearch {
    /// The strongest lines of a picture, strongest first, no two the same.
    pub(super) fn find(&mut self, grid: &BeamGrid, found: &mut Vec<Line>) {
        found.clear();
        let (rows, cells) = (grid.beams.len() / POOL, grid.samples / POOL);
        if rows < 8 || cells < 8 {
            return;
        }
        self.map(grid, rows, cells);
        let tilts = (2 * STEEPEST_DEG + 1) as usize;
        let top = grid.beams.iter().map(|b| b.oz).fold(f64::MAX, f64::min);
        let deepest = grid.beams.iter().map(|b| b.oz).fold(f64::MIN, f64::max)
            + grid.samples as f64 * grid.step;
        let cell = grid.step * POOL as f64;
        let depths = (((deepest - top) / cell) as usize).clamp(8, 640);
        self.votes.clear();
        self.votes.resize(tilts * depths, 0);
        // the slanted beams of a curved array cost more per vote and there are more of them: every second will do
        let slanted = grid.beams.first().is_some_and(|b| b.dx != 0.0);
        let stride = if slanted && rows > 100 { 2 } else { 1 };
        for t in 0..tilts {
            let slope = slope_of(t);
            let votes = &mut self.votes[t * depths..(t + 1) * depths];
            for r in (0..rows).step_by(stride) {
                let b = &grid.beams[r * POOL];
                let across = b.dz - slope * b.dx;
                if across < 0.3 {
                    continue;
                }
                let start = (top + slope * (b.ox - grid.middle) - b.oz) / across / cell;
                add_row(
                    &self.onset[r * cells..(r + 1) * cells],
                    start,
                    1.0 / across,
                    votes,
                );
            }
        }
        self.pick(grid, (tilts, depths), (top, cell), found);
    }

    /// Fills the coarse onset map: mean of the next 0.45 mm less that of the 0.9 mm above, kept if positive.
    fn map(&mut self, grid: &BeamGrid, rows: usize, cells: usize) {
        self.onset.clear();
        self.onset.resize(rows * cells, 0);
        self.row.resize(grid.samples, 0);
        let below = (0.45 / grid.step).round().max(1.0) as usize;
        let above = (0.9 / grid.step).round().max(1.0) as usize;
        let gap = (0.3 / grid.step).round() as usize;
        let least = grid.edge_least * 0.75;
        let blind = (BLIND_MM / grid.step) as usize;
        for b in 0..rows * POOL {
            let beam = &grid.beams[b];
            let sums = grid.sums(b);
            self.row.fill(0);
            let from = (beam.first + above + gap).max(blind);
            for i in from..beam.last.saturating_sub(below).max(from) {
                let up = (sums[i + below] - sums[i]) / below as f32;
                let base = (sums[i - gap] - sums[i - gap - above]) / above as f32;
                // an onset counts for more where the echo is bright: metal is the brightest thing there is
                let rise = (up - base - least).clamp(0.0, 90.0) * (0.3 + up / 360.0);
                self.row[i] = (rise * 2.0) as u8;
            }
            let out = &mut self.onset[(b / POOL) * cells..(b / POOL + 1) * cells];
            for (c, cell) in out.iter_mut().enumerate() {
                let most = self.row[c * POOL].max(self.row[c * POOL + 1]);
                *cell = (*cell).max(most);
            }
        }
    }

    /// Takes the strongest votes, leaving out lines already taken.
    fn pick(
        &self,
        grid: &BeamGrid,
        (tilts, depths): (usize, usize),
        (top, cell): (f64, f64),
        found: &mut Vec<Line>,
    ) {
        let reach = grid.beams.len() as f64 * grid.pitch / 4.0;
        for _ in 0..KEPT {
            let mut best: Option<(u32, Line)> = None;
            for (k, votes) in self.votes.iter().enumerate().take(tilts * depths) {
                if *votes <= best.map_or(0, |b| b.0) {
                    continue;
                }
                let line = Line {
                    pivot: grid.middle,
                    z0: top + (k % depths) as f64 * cell,
                    slope: slope_of(k / depths),
                };
                if !found.iter().any(|other| same(other, &line, reach)) {
                    best = Some((*votes, line));
                }
            }
            let Some((_, line)) = best else { break };
            found.push(line);
        }
    }
}

/// Slope of a row of votes.
fn slope_of(tilt: usize) -> f64 {
    f64::from(tilt as i32 - STEEPEST_DEG).to_radians().tan()
}

/// Whether two lines run together at both quarters of the picture.
fn same(a: &Line, b: &Line, reach: f64) -> bool {
    [-reach, reach]
        .iter()
        .all(|x| (a.z_at(a.pivot + x) - b.z_at(a.pivot + x)).abs() < SAME_MM)
}

/// Adds one row of onsets to the votes of all depths: `votes[d] += row[start + d * stride]`.
fn add_row(row: &[u8], start: f64, stride: f64, votes: &mut [u32]) {
    let cells = row.len() as f64;
    let low = (-start / stride).ceil().max(0.0) as usize;
    let high = (((cells - 1.0 - start) / stride).floor() + 1.0).clamp(0.0, votes.len() as f64);
    let high = high as usize;
    if low >= high {
        return;
    }
    if (stride - 1.0).abs() < 1e-12 {
        let from = (start + low as f64).max(0.0) as usize;
        let count = (high - low).min(row.len() - from);
        for (vote, onset) in votes[low..low + count].iter_mut().zip(&row[from..]) {
            *vote += u32::from(*onset);
        }
        return;
    }
    // 16.16 fixed point: exact and the same everywhere
    let mut at = ((start + low as f64 * stride).max(0.0) * 65536.0) as u64;
    let by = (stride * 65536.0) as u64;
    for vote in &mut votes[low..high] {
        let cell = ((at >> 16) as usize).min(row.len() - 1);
        *vote += u32::from(row[cell]);
        at += by;
    }
}
