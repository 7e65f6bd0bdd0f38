//! Where thin bright lines run that come from the skin: ridge maps of the picture and the best run along every line.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the map's sizes"
)]
use crate::frame::Beams;
use crate::image::ScanImage;

/// Edge of a cell, mm, and most cells a map may have: bounds the time for any picture.
const CELL_MM: f64 = 0.3;
const MOST_CELLS: f64 = 34_000.0;
/// Deepest point searched, mm.
const DEEPEST_MM: f64 = 70.0;
/// Distance of the flanks from the ridge, mm: the blur across beams is wider than that along them.
const FLANK_ACROSS_MM: f64 = 1.2;
const FLANK_ALONG_MM: f64 = 0.6;
/// Steepest line (against the vertical) in steps of [`STEP_DEG`]; flat lines lie between the two angles to the skin.
const STEEP_DEG: f64 = 60.0;
const FLAT_DEG: [f64; 2] = [10.0, 32.5];
const STEP_DEG: f64 = 2.5;
/// How far under the skin, and how far under it at the side of the picture, a needle may come into view, mm.
const ENTRY_MM: f32 = 7.0;
const SIDE_ENTRY_MM: f32 = 22.0;
const SIDE_MM: f32 = 3.0;
/// Units of the map per standard deviation, what a cell must exceed to speak for a line, and bounds of what it says.
const UNIT: f32 = 8.0;
const USUAL: f32 = 0.55;
const LEAST: f32 = -1.6;
const MOST: f32 = 2.6;
/// Level of a run that may not begin here.
const CLOSED: i16 = -12_000;
/// Least standard deviation of a map, grey levels: black water has none.
const LEAST_UNIT: f32 = 4.0;
/// Least sum of a run that is traced, units of the map.
const LEAST_SCORE: i16 = 60;
/// Lines traced per picture, and lines found at most.
const TRACED: usize = 90;
const FOUND: usize = 10;

/// A run along a straight line, analysis mm, from its shallow end on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Run {
    pub from: [f64; 2],
    pub to: [f64; 2],
    /// Sum of what its cells say, in standard deviations of the map.
    pub score: f32,
}

impl Run {
    pub(super) fn length(&self) -> f64 {
        (self.to[0] - self.from[0]).hypot(self.to[1] - self.from[1])
    }
}

/// One family of lines: a map laid out so that all lines of it cross its rows.
#[derive(Debug, Default)]
struct Family {
    rows: usize,
    width: usize,
    /// What each cell says for a line of the family.
    ridge: Vec<i16>,
    /// 0 where a run may begin, [`CLOSED`] elsewhere.
    floor: Vec<i16>,
}

/// A line of a family: shift per row, where it meets row 0, direction of the rows, score.
#[derive(Clone, Copy, Debug)]
struct Hit {
    family: usize,
    slope: f64,
    at: i64,
    score: i16,
}

/// Ridge maps of one picture, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct NeedleMap {
    pub columns: usize,
    pub rows: usize,
    /// Edge of a cell, analysis mm.
    pub cell: f64,
    origin: [f64; 2],
    pub level: Vec<f32>,
    ridge: Vec<f32>,
    /// Where the beams of a curved array meet.
    apex: Option<[f64; 2]>,
    /// Depth under the skin of every cell and distance from the side of the picture, mm.
    depth: Vec<f32>,
    side: Vec<f32>,
    families: [Family; 3],
    run: Vec<i16>,
    best: Vec<i16>,
    hits: Vec<Hit>,
    /// Size, scale and place of the picture read last.
    laid: Option<Layout>,
}

/// Columns, rows, scale, shift, and analysis mm per unit.
type Layout = (usize, usize, [f64; 2], [f64; 2], f64);

impl NeedleMap {
    /// Reads a picture; `scale` is analysis mm per unit of the picture. `false` when there is nothing to search.
    pub(super) fn read(&mut self, image: &ScanImage, scale: f64) -> bool {
        let placing = image.scan_from_pixel;
        self.laid = Some((
            image.columns,
            image.rows,
            placing.scale(),
            placing.shift(),
            scale,
        ));
        let [sx, sz] = placing.scale().map(|s| s * scale);
        if !(sx > 0.0 && sz > 0.0 && (sx - sz).abs() < 0.01 * sx) {
            return false;
        }
        let deep = ((DEEPEST_MM / sz) as usize).min(image.rows);
        let area = image.columns as f64 * deep as f64 * sx * sz;
        let cell = CELL_MM.max((area / MOST_CELLS).sqrt());
        let factor = ((cell / sx).round() as usize).max(1);
        self.cell = sx * factor as f64;
        self.columns = image.columns / factor;
        self.rows = deep / factor;
        if self.columns < 24 || self.rows < 16 || self.columns * self.rows > 160_000 {
            return false;
        }
        let [tx, tz] = image.scan_from_pixel.shift().map(|s| s * scale);
        let half = (factor as f64 - 1.0) / 2.0;
        self.origin = [tx + half * sx, tz + half * sz];
        self.shrink(image, factor);
        self.lay_zones(image, scale);
        self.fill_families();
        true
    }

    /// Whether a picture is laid out as the one read last.
    pub(super) fn fits(&self, image: &ScanImage, scale: f64) -> bool {
        self.laid
            == Some((
                image.columns,
                image.rows,
                image.scan_from_pixel.scale(),
                image.scan_from_pixel.shift(),
                scale,
            ))
    }

    /// Means over squares of pixels.
    fn shrink(&mut self, image: &ScanImage, factor: usize) {
        self.level.clear();
        self.level.resize(self.columns * self.rows, 0.0);
        let mut sums = [0_u32; 2048];
        let columns = self.columns.min(sums.len());
        for r in 0..self.rows {
            sums[..columns].fill(0);
            for k in 0..factor {
                let start = (r * factor + k) * image.columns;
                let line = &image.pixels[start..start + columns * factor];
                for (sum, pixels) in sums.iter_mut().zip(line.chunks_exact(factor)) {
                    let mut here = 0_u32;
                    for p in pixels {
                        here = here.wrapping_add(u32::from(*p));
                    }
                    *sum = sum.wrapping_add(here);
                }
            }
            let weight = 1.0 / (factor * factor) as f32;
            let row = &mut self.level[r * self.columns..r * self.columns + columns];
            for (out, sum) in row.iter_mut().zip(&sums) {
                *out = *sum as f32 * weight;
            }
        }
    }

    /// The point of a cell.
    pub(super) fn point(&self, column: f64, row: f64) -> [f64; 2] {
        [
            self.origin[0] + column * self.cell,
            self.origin[1] + row * self.cell,
        ]
    }

    /// Depth under the skin and distance from the side at a point, mm.
    pub(super) fn place(&self, point: [f64; 2]) -> (f64, f64) {
        let at = |v: f64, origin: f64, count: usize| {
            ((v - origin) / self.cell)
                .round()
                .clamp(0.0, (count - 1) as f64) as usize
        };
        let c = at(point[0], self.origin[0], self.columns);
        let r = at(point[1], self.origin[1], self.rows);
        let k = r * self.columns + c;
        (f64::from(self.depth[k]), f64::from(self.side[k]))
    }

    /// Direction in which layers of tissue run between two points: along the skin.
    pub(super) fn layers_at(&self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        let Some([ax, az]) = self.apex else {
            return [1.0, 0.0];
        };
        let (dx, dz) = (
            f64::midpoint(a[0], b[0]) - ax,
            f64::midpoint(a[1], b[1]) - az,
        );
        let range = dx.hypot(dz).max(1e-6);
        [dz / range, -dx / range]
    }

    /// Depth under the skin and distance from the sides of the picture.
    fn lay_zones(&mut self, image: &ScanImage, scale: f64) {
        let count = self.columns * self.rows;
        self.depth.clear();
        self.depth.resize(count, 0.0);
        self.side.clear();
        self.side.resize(count, 0.0);
        if let Beams::Fan {
            apex, near, half, ..
        } = image.beams
        {
            let (ax, az, near) = (apex.x * scale, apex.z * scale, near * scale);
            self.apex = Some([ax, az]);
            for r in 0..self.rows {
                for c in 0..self.columns {
                    let [x, z] = self.point(c as f64, r as f64);
                    let (dx, dz) = (x - ax, z - az);
                    let range = dx.hypot(dz);
                    self.depth[r * self.columns + c] = (range - near) as f32;
                    // distance to the nearer edge of the fan
                    let (sin, cos) = half.0.sin_cos();
                    self.side[r * self.columns + c] = (dz * sin - dx.abs() * cos) as f32;
                }
            }
            return;
        }
        self.apex = None;
        let (top, left, right) = self.content();
        for r in 0..self.rows {
            for c in 0..self.columns {
                let k = r * self.columns + c;
                self.depth[k] = ((r as f64 - top as f64) * self.cell) as f32;
                let near = (c as f64 - left as f64).min(right as f64 - c as f64);
                self.side[k] = (near * self.cell) as f32;
            }
        }
    }

    /// Uppermost row and outermost columns of a picture of parallel beams that show anything.
    fn content(&self) -> (usize, usize, usize) {
        let dark = |r: usize, c: usize| self.level[r * self.columns + c] < 6.0;
        let upper = self.rows / 2;
        let lit = |c: usize| (0..upper).filter(|r| !dark(*r, c)).count() * 3 > upper;
        let left = (0..self.columns).find(|c| lit(*c)).unwrap_or(0);
        let right = (0..self.columns)
            .rev()
            .find(|c| lit(*c))
            .unwrap_or(self.columns - 1);
        let span = (right + 1).saturating_sub(left);
        let top = (0..upper)
            .find(|r| (left..=right).filter(|c| !dark(*r, *c)).count() * 2 > span)
            .unwrap_or(0);
        (top, left, right)
    }

    /// Fills the three maps: steep lines row by row, flat ones column by column to either side.
    fn fill_families(&mut self) {
        let (w, h) = (self.columns, self.rows);
        let mut families = std::mem::take(&mut self.families);
        let [steep, right, left] = &mut families;
        steep.shape(h, w);
        right.shape(w, h);
        left.shape(w, h);
        let across = (FLANK_ACROSS_MM / self.cell).round().max(2.0) as usize;
        let unit = self.ridge(1, across);
        for k in 0..w * h {
            steep.ridge[k] = said(self.ridge[k], unit);
            steep.floor[k] = floor_of(self.depth[k], self.side[k]);
        }
        let along = (FLANK_ALONG_MM / self.cell).round().max(2.0) as usize;
        let unit = self.ridge(w, along);
        for r in 0..h {
            for c in 0..w {
                let k = r * w + c;
                let says = said(self.ridge[k], unit);
                let floor = steep.floor[k];
                right.ridge[c * h + r] = says;
                right.floor[c * h + r] = floor;
                left.ridge[(w - 1 - c) * h + r] = says;
                left.floor[(w - 1 - c) * h + r] = floor;
            }
        }
        self.families = families;
    }

    /// How much every cell stands out from its brighter flank, `reach` cells of `stride` away; returns the standard
    /// deviation of that.
    fn ridge(&mut self, stride: usize, reach: usize) -> f32 {
        let count = self.level.len();
        self.ridge.clear();
        self.ridge.resize(count, -255.0);
        let edge = stride * (reach + 1);
        let mut tally = [0_u32; 256];
        for k in edge..count.saturating_sub(edge) {
            let l = |at: usize| self.level[at];
            let middle = 0.25 * (l(k - stride) + l(k + stride)) + 0.5 * l(k);
            let before = 0.5 * (l(k - edge) + l(k - edge + stride));
            let after = 0.5 * (l(k + edge) + l(k + edge - stride));
            let out = middle - before.max(after);
            self.ridge[k] = out;
            if self.level[k] > 3.0 {
                tally[(out.abs() as usize).min(255)] += 1;
            }
        }
        // what lies left of the left edge is what lies right of the right edge one row higher: no evidence
        if stride == 1 {
            for r in 0..self.rows {
                let row = &mut self.ridge[r * self.columns..(r + 1) * self.columns];
                row[..=reach].fill(0.0);
                row[self.columns - reach - 1..].fill(0.0);
            }
        }
        let half = tally.iter().sum::<u32>() / 2;
        let mut seen = 0;
        let middle = tally.iter().position(|n| {
            seen += n;
            seen >= half
        });
        (1.48 * (middle.unwrap_or(0) as f32 + 0.5)).max(LEAST_UNIT)
    }

    /// The strongest runs of the picture, strongest first, no two the same.
    pub(super) fn find(&mut self, found: &mut Vec<Run>) {
        found.clear();
        self.hits.clear();
        let families = std::mem::take(&mut self.families);
        let steep = (STEEP_DEG / STEP_DEG) as i64;
        for k in -steep..=steep {
            self.sweep(&families[0], 0, (k as f64 * STEP_DEG).to_radians().tan());
        }
        let flat = ((FLAT_DEG[1] - FLAT_DEG[0]) / STEP_DEG) as i64;
        for k in 0..=flat {
            let slope = (FLAT_DEG[0] + k as f64 * STEP_DEG).to_radians().tan();
            self.sweep(&families[1], 1, slope);
            self.sweep(&families[2], 2, slope);
        }
        // an order without ties, so that the unstable sort, which needs no memory, has one outcome
        self.hits.sort_unstable_by_key(|h| {
            (
                std::cmp::Reverse(h.score),
                h.family,
                h.at,
                h.slope.to_bits(),
            )
        });
        for hit in self.hits.iter().take(TRACED) {
            if found.len() == FOUND {
                break;
            }
            let Some(run) = self.trace(&families[hit.family], hit) else {
                continue;
            };
            // layers enter the picture anywhere at its side, a flat needle only near the skin
            let deep = f64::from(ENTRY_MM) < self.place(run.from).0;
            if !(hit.family > 0 && deep || found.iter().any(|other| same(other, &run))) {
                found.push(run);
            }
        }
        self.families = families;
    }

    /// Best runs of all parallel lines of one slope; keeps the two strongest.
    fn sweep(&mut self, family: &Family, index: usize, slope: f64) {
        let (rows, width) = (family.rows, family.width);
        let most = (slope.abs() * rows as f64).ceil() as usize + 1;
        let length = width + most;
        // where a line meets row 0 runs from -most to width - 1 when it leans right, from 0 when it leans left
        let pad = if slope > 0.0 { most } else { 0 };
        self.run.clear();
        self.run.resize(length, CLOSED);
        self.best.clear();
        self.best.resize(length, 0);
        for r in 0..rows {
            let shift = (slope * r as f64).round() as i64;
            let start = (pad as i64 - shift) as usize;
            let ridge = &family.ridge[r * width..(r + 1) * width];
            let floor = &family.floor[r * width..(r + 1) * width];
            let run = &mut self.run[start..start + width];
            let best = &mut self.best[start..start + width];
            for (((run, best), says), floor) in run.iter_mut().zip(best).zip(ridge).zip(floor) {
                *run = run.saturating_add(*says).max(*floor);
                *best = (*best).max(*run);
            }
        }
        let apart = (1.5 / self.cell) as usize;
        let mut first: Option<(usize, i16)> = None;
        for _ in 0..2 {
            let free = |k: usize| first.is_none_or(|(f, _)| k.abs_diff(f) > apart);
            let hit = (0..length)
                .filter(|k| free(*k))
                .max_by_key(|k| self.best[*k]);
            let Some(at) = hit else { break };
            let score = self.best[at];
            if score < LEAST_SCORE {
                break;
            }
            first = Some((at, score));
            self.hits.push(Hit {
                family: index,
                slope,
                at: at as i64 - pad as i64,
                score,
            });
        }
    }

    /// Where the best run of a line begins and ends.
    fn trace(&self, family: &Family, hit: &Hit) -> Option<Run> {
        let (mut run, mut start) = (CLOSED, 0);
        let (mut best, mut span) = (0, None);
        for r in 0..family.rows {
            let x = hit.at + (hit.slope * r as f64).round() as i64;
            if x < 0 || x >= family.width as i64 {
                continue;
            }
            let k = r * family.width + x as usize;
            let next = run.saturating_add(family.ridge[k]);
            if next <= family.floor[k] {
                run = family.floor[k];
                start = r + 1;
            } else {
                run = next;
            }
            if run > best {
                best = run;
                span = Some((start, r));
            }
        }
        let (first, last) = span?;
        let end = |r: usize| {
            let x = hit.at as f64 + hit.slope * r as f64;
            match hit.family {
                0 => self.point(x, r as f64),
                1 => self.point(r as f64, x),
                _ => self.point((self.columns - 1) as f64 - r as f64, x),
            }
        };
        let stretch = (1.0 + hit.slope * hit.slope).sqrt();
        Some(Run {
            from: end(first),
            to: end(last),
            score: f32::from(best) / UNIT * stretch as f32 * self.cell as f32,
        })
    }
}

impl Family {
    fn shape(&mut self, rows: usize, width: usize) {
        self.rows = rows;
        self.width = width;
        self.ridge.resize(rows * width, 0);
        self.floor.resize(rows * width, 0);
    }
}

/// What a cell that stands out this much says for a line.
fn said(out: f32, unit: f32) -> i16 {
    ((out / unit - USUAL).clamp(LEAST, MOST) * UNIT) as i16
}

/// Whether a run may begin at a place.
fn floor_of(depth: f32, side: f32) -> i16 {
    let inside = depth >= -0.5 && side >= -0.5;
    if inside && (depth <= ENTRY_MM || (depth <= SIDE_ENTRY_MM && side <= SIDE_MM)) {
        0
    } else {
        CLOSED
    }
}

/// Whether two runs lie on each other.
fn same(a: &Run, b: &Run) -> bool {
    let off = |p: [f64; 2]| {
        let (dx, dz) = (a.to[0] - a.from[0], a.to[1] - a.from[1]);
        let length = dx.hypot(dz).max(1e-6);
        ((p[0] - a.from[0]) * dz - (p[1] - a.from[1]) * dx).abs() / length
    };
    off(b.from) < 0.9 && off(b.to) < 1.2
}
