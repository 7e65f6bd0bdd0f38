//! Straight bright-after-dark interfaces: the onset map and the lines that run through most of it.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the grid's sizes"
)]
use super::grid::{BELOW_MM, Beam, BeamGrid, Line, Windows, nearest, rises};

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

/// Windows of an onset, mm: as much below as in the grid's rises, more of the tissue above.
const GAP_MM: f64 = 0.3;
const ABOVE_MM: f64 = 0.9;
/// Most columns and cells of the map in which lines are straight.
const MOST_COLUMNS: usize = 400;
const MOST_CELLS: usize = 640;

/// Buffers of the line search, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct LineSearch {
    /// Onset of every cell along the beams, 0 to 255: `beams / POOL` rows of `samples / POOL`.
    onset: Vec<u8>,
    /// The same over columns and depths, column by column: in it a line has one slope whatever the array.
    flat: Vec<u8>,
    votes: Vec<u16>,
    rise: Vec<f32>,
    row: Vec<u8>,
    layout: Option<Layout>,
}

/// Where the cells of the flat map lie on the beams of one grid.
#[derive(Debug)]
struct Layout {
    beams: Vec<Beam>,
    samples: usize,
    step: f64,
    columns: usize,
    cells: usize,
    /// Depth of the first cell, and edge of a cell, analysis mm.
    top: f64,
    cell: f64,
    /// Index into the onsets for each cell of the flat map, one past their end where no beam runs.
    source: Vec<u32>,
}

impl Layout {
    fn fits(&self, grid: &BeamGrid) -> bool {
        self.samples == grid.samples && self.step == grid.step && self.beams == grid.beams
    }

    fn of(grid: &BeamGrid) -> Self {
        let (rows, along) = (grid.beams.len() / POOL, grid.samples / POOL);
        let top = grid.beams.iter().map(|b| b.oz).fold(f64::MAX, f64::min);
        let ends = |b: &Beam| (b.ox, b.ox + grid.samples as f64 * grid.step * b.dx);
        let half = grid
            .beams
            .iter()
            .map(ends)
            .flat_map(|(a, b)| [(a - grid.middle).abs(), (b - grid.middle).abs()])
            .fold(0.0, f64::max);
        let deepest = grid.beams.iter().map(|b| b.oz).fold(f64::MIN, f64::max)
            + grid.samples as f64 * grid.step;
        let cell = grid.step * POOL as f64;
        let width = grid.pitch * POOL as f64;
        let columns = ((2.0 * half / width) as usize + 1).clamp(8, MOST_COLUMNS);
        let cells = (((deepest - top) / cell) as usize).clamp(8, MOST_CELLS);
        let mut layout = Self {
            beams: grid.beams.clone(),
            samples: grid.samples,
            step: grid.step,
            columns,
            cells,
            top,
            cell,
            source: Vec::with_capacity(columns * cells),
        };
        let nothing = (rows * along) as u32;
        for c in 0..columns {
            let x = grid.middle + (c as f64 - (columns - 1) as f64 / 2.0) * width;
            for d in 0..cells {
                let z = top + (d as f64 + 0.5) * cell;
                let at = grid.beam_at(x, z).and_then(|(beam, range)| {
                    let (row, i) = ((beam / POOL as f64) as usize, range / cell);
                    (i >= 0.0 && row < rows && (i as usize) < along)
                        .then(|| (row * along + i as usize) as u32)
                });
                layout.source.push(at.unwrap_or(nothing));
            }
        }
        layout
    }
}

impl LineSearch {
    /// The strongest lines of a picture, strongest first, no two the same.
    pub(super) fn find(&mut self, grid: &BeamGrid, found: &mut Vec<Line>) {
        found.clear();
        let (rows, along) = (grid.beams.len() / POOL, grid.samples / POOL);
        if rows < 8 || along < 8 {
            return;
        }
        let layout = match self.layout.take() {
            Some(layout) if layout.fits(grid) => layout,
            Some(_) | None => Layout::of(grid),
        };
        self.map(grid, rows, along);
        self.flat.clear();
        // one past the last onset: the cells that no beam reaches
        self.onset.push(0);
        let onset = &self.onset;
        let cell = |source: &u32| onset[*source as usize];
        self.flat.extend(layout.source.iter().map(cell));
        self.vote(&layout, grid.pitch * POOL as f64);
        self.pick(grid, &layout, found);
        self.layout = Some(layout);
    }

    /// Sums the onsets along every line: a column is shifted by a whole number of cells for each slope.
    fn vote(&mut self, layout: &Layout, width: f64) {
        let (columns, cells) = (layout.columns, layout.cells);
        let tilts = (2 * STEEPEST_DEG + 1) as usize;
        self.votes.clear();
        self.votes.resize(tilts * cells, 0);
        for (t, votes) in self.votes.chunks_exact_mut(cells).enumerate() {
            let slope = slope_of(t);
            for (c, column) in self.flat.chunks_exact(cells).enumerate() {
                let x = (c as f64 - (columns - 1) as f64 / 2.0) * width;
                let shift = nearest(slope * x / layout.cell);
                let (over, under) = (shift.max(0) as usize, (-shift).max(0) as usize);
                if over >= cells || under >= cells {
                    continue;
                }
                // a sum beyond 16 bits is a line like no other already
                for (vote, onset) in votes[under..].iter_mut().zip(&column[over..]) {
                    *vote = vote.saturating_add(u16::from(*onset));
                }
            }
        }
    }

    /// Fills the coarse onset map: mean of the next 0.45 mm less that of the 0.9 mm above, kept if positive.
    fn map(&mut self, grid: &BeamGrid, rows: usize, cells: usize) {
        self.onset.clear();
        self.onset.resize(rows * cells, 0);
        self.row.resize(grid.samples, 0);
        self.rise.resize(grid.samples, 0.0);
        let windows = Windows::of(BELOW_MM, GAP_MM, ABOVE_MM, grid.step);
        let Windows { below, gap, above } = windows;
        let least = grid.edge_least * 0.75;
        let blind = (BLIND_MM / grid.step) as usize;
        for b in 0..rows * POOL {
            let beam = &grid.beams[b];
            let sums = grid.sums(b);
            rises(sums, windows, &mut self.rise);
            let from = (beam.first + above + gap).max(blind);
            let to = beam.last.saturating_sub(below);
            self.row.fill(0);
            if from >= to {
                continue;
            }
            let part = 1.0 / below as f32;
            let (up, here) = (&sums[from + below..], &sums[from..]);
            let row = self.row[from..to].iter_mut().zip(&self.rise[from..to]);
            for ((out, rise), (up, here)) in row.zip(up.iter().zip(here)) {
                // an onset counts for more where the echo is bright: metal is the brightest thing there is
                let rise = (rise - least).clamp(0.0, 90.0) * (0.3 + (up - here) * part / 360.0);
                *out = (rise * 2.0) as u8;
            }
            let out = &mut self.onset[(b / POOL) * cells..(b / POOL + 1) * cells];
            for (cell, pair) in out.iter_mut().zip(self.row.chunks_exact(POOL)) {
                *cell = (*cell).max(pair[0].max(pair[1]));
            }
        }
    }

    /// Takes the strongest votes, leaving out lines already taken.
    fn pick(&self, grid: &BeamGrid, layout: &Layout, found: &mut Vec<Line>) {
        let Layout {
            cells, top, cell, ..
        } = *layout;
        let reach = grid.beams.len() as f64 * grid.pitch / 4.0;
        for _ in 0..KEPT {
            let mut best: Option<(u16, Line)> = None;
            for (k, votes) in self.votes.iter().enumerate() {
                if *votes <= best.map_or(0, |b| b.0) {
                    continue;
                }
                let line = Line {
                    pivot: grid.middle,
                    z0: top + (k % cells) as f64 * cell,
                    slope: slope_of(k / cells),
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
