//! From a rough line to a face: sub-sample fit, what each beam shows of it, and whether it is metal at all.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the grid's sizes"
)]
use super::grid::{BeamGrid, Line, nearest};
use super::lines::BLIND_MM;

/// Share of the usual onset from which on a column shows the interface.
const ON_LEAST: f32 = 0.45;
/// Darkness of the shadow and fall of the echo into it, grey levels, that make a face known by its fall.
const FADING_SHADOW: f32 = 30.0;
const FADING_FALL: f32 = 30.0;
/// Length over which a fading face must be known by its fall, mm.
const FADING_MM: f64 = 16.0;
/// Widest strip that counts as a shadow from above, mm: as wide as an opening is looked for.
const SHADOW_MM: f64 = 11.0;
/// Length over which a line must hold together to count, mm, and the share of columns that must show it.
const RUN_MM: f64 = 3.0;
const RUN_SHARE: f64 = 0.75;

/// What one beam shows where it meets the line. Levels are grey values, lengths mm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    /// Whether the beam meets the line inside the picture.
    pub met: bool,
    /// Range at which it does.
    pub range: f64,
    /// Distance along the line from its pivot.
    pub u: f64,
    /// Rise of the echo at the line.
    pub contrast: f32,
    /// Brightest level within half a millimetre below the line.
    pub peak: f32,
    /// Mean level of the tissue above.
    pub above: f32,
    /// Level 1.2 to 2.2 mm below the line: ring-down of metal, or tissue again.
    pub tail: f32,
    /// Level 2.5 to 3.7 mm below the line: ring-down lasts, a thick layer does not.
    pub late: f32,
    /// Level 4.5 to 8.5 mm below the line.
    pub deep: f32,
    /// How much darker the tissue above is than that of its neighbours: a shadow.
    pub shade: f32,
    /// Distance of the edge from the line, mm.
    pub off: f32,
    /// Share of the face's usual onset, 0 to 1.
    pub on: f32,
    /// Whether most of the columns around show the line too: speckle does so only by chance.
    pub solid: bool,
}

impl Column {
    /// Whether the face is seen here.
    pub(super) fn shows_face(&self) -> bool {
        self.met && self.solid && self.on >= ON_LEAST
    }
}

/// A straight interface and what speaks for its being metal.
#[derive(Clone, Debug, Default)]
pub(super) struct Interface {
    pub line: Option<Line>,
    pub columns: Vec<Column>,
    /// Usual onset of the columns that show it.
    pub onset: f32,
    /// Usual peak level of those columns.
    pub peak: f32,
    /// Ring-down: how much of the echo above the tissue level is left 1.2 to 2.2 mm deeper, 0 to 1.
    pub tail: f32,
    /// The same 2.5 to 3.7 mm deeper.
    pub late: f32,
    /// How much darker than the tissue above it is 4.5 to 8.5 mm below, grey levels.
    pub drop: f32,
    /// Whether its copy at twice the depth is seen, 0 to 1.
    pub copy: f64,
    /// Its peak level against the brightest of the picture, 0 to 1.
    pub bright: f32,
    /// Root mean square distance of the edge from the line, mm.
    pub rough: f64,
    /// Length of face seen, mm.
    pub length: f64,
    /// Usual range at which it is met, mm.
    pub depth: f64,
    /// Share of the columns between its ends that show it.
    pub cover: f64,
    /// Probability-like score of being metal, 0 to 1.
    pub metal: f64,
    /// Whether no second layer close below could be behind that score.
    pub settled: bool,
    /// What the rule says of it, and how far the fitted sum is believed, 0 to 1.
    pub rule: f64,
    pub possible: f64,
    /// The logit of its score.
    pub logit: f64,
    /// What speaks for or against metal, in the order of `metal.rs`.
    pub traits: [f64; super::metal::TRAITS],
}

/// The edge nearest a range on one beam: its range (half-way up the rise) and its onset.
pub(super) fn edge_near(
    grid: &BeamGrid,
    beam: usize,
    range: f64,
    reach: f64,
) -> Option<(f64, f32)> {
    let step = grid.step;
    let edges = grid.edges(beam);
    let windows = grid.windows();
    let (below, first) = (windows.below, edges.start);
    let low = (nearest((range - reach) / step).max(0) as usize).max(first);
    let high = (nearest((range + reach) / step).max(0) as usize).min(edges.end);
    let mut best = (grid.edge_least, 0_usize);
    let near = grid.rise(beam).get(low..high).unwrap_or_default();
    for (rise, i) in near.iter().zip(low..) {
        if *rise > best.0 {
            best = (*rise, i);
        }
    }
    let (onset, at) = best;
    if at == 0 {
        return None;
    }
    let (row, sums) = (grid.row(beam), grid.sums(beam));
    let base = at - windows.gap;
    let base = (sums[base] - sums[base - windows.above]) / windows.above as f32;
    let top = row[at..at + below].iter().copied().fold(0.0_f32, f32::max);
    let half = f32::midpoint(base, top);
    let mut i = at + below - 1;
    while i > first && row[i] < half {
        i -= 1;
    }
    // not far: what merges with the echo from above belongs to another layer
    let far = at.saturating_sub(2).max(first);
    while i > far && row[i - 1] >= half {
        i -= 1;
    }
    let (low_level, high_level) = (row[i - 1], row[i]);
    let part = if high_level > low_level {
        ((half - low_level) / (high_level - low_level)).clamp(0.0, 1.0)
    } else {
        1.0
    };
    Some((((i - 1) as f64 + f64::from(part)) * step, onset))
}

/// Windows, mm, of the steps of a fit that starts from a coarse line, and of one that starts near the truth.
pub(super) const FROM_AFAR: [f64; 5] = [1.3, 0.9, 0.6, 0.45, 0.45];
pub(super) const FROM_NEAR: [f64; 4] = [0.6, 0.5, 0.45, 0.45];

/// Fits a line to the edges near it, robustly. Returns the line and the RMS distance of the edges that agree.
pub(super) fn refine(
    grid: &BeamGrid,
    start: Line,
    reaches: &[f64],
    points: &mut Vec<(f64, f64, f64)>,
) -> Option<(Line, f64)> {
    let mut line = start;
    let mut rough = f64::MAX;
    for reach in reaches.iter().copied() {
        points.clear();
        for b in 0..grid.beams.len() {
            let Some(range) = grid.meet(b, &line) else {
                continue;
            };
            if range < BLIND_MM {
                continue;
            }
            if let Some((at, onset)) = edge_near(grid, b, range, reach) {
                let (x, z) = grid.point(b, at);
                let off = (z - line.z_at(x)) / reach;
                let tukey = (1.0 - off * off).max(0.0);
                points.push((x, z, f64::from(onset.min(90.0)) * tukey * tukey));
            }
        }
        if points.len() < 14 {
            return None;
        }
        line = weighted_line(points, line.pivot)?;
        rough = spread(points, &line, reach);
    }
    Some((line, rough))
}

/// Weighted least squares of `z` on `x`.
pub(super) fn weighted_line(points: &[(f64, f64, f64)], pivot: f64) -> Option<Line> {
    let (mut sw, mut sx, mut sz) = (0.0, 0.0, 0.0);
    for (x, z, w) in points {
        sw += w;
        sx += w * (x - pivot);
        sz += w * z;
    }
    if sw <= 0.0 {
        return None;
    }
    let (mx, mz) = (sx / sw, sz / sw);
    let (mut sxx, mut sxz) = (0.0, 0.0);
    for (x, z, w) in points {
        let dx = x - pivot - mx;
        sxx += w * dx * dx;
        sxz += w * dx * (z - mz);
    }
    if sxx <= 1e-9 {
        return None;
    }
    let slope = sxz / sxx;
    Some(Line {
        pivot,
        z0: mz - slope * mx,
        slope,
    })
}

fn spread(points: &[(f64, f64, f64)], line: &Line, reach: f64) -> f64 {
    let (mut sum, mut weight) = (0.0, 1e-9);
    for (x, z, w) in points {
        let off = z - line.z_at(*x);
        if off.abs() < reach {
            sum += w * off * off;
            weight += w;
        }
    }
    (sum / weight).sqrt()
}

impl Interface {
    /// Reads every beam along a refined line.
    pub(super) fn read(&mut self, grid: &BeamGrid, line: Line, rough: f64) {
        self.line = Some(line);
        self.rough = rough;
        self.columns.clear();
        let stretch = (1.0 + line.slope * line.slope).sqrt();
        for b in 0..grid.beams.len() {
            let Some(range) = grid.meet(b, &line).filter(|r| *r >= BLIND_MM) else {
                self.columns.push(Column::default());
                continue;
            };
            let (x, _) = grid.point(b, range);
            let mean = |from: f64, to: f64| grid.mean(b, range + from, range + to);
            let above = mean(-2.4, -0.9).or_else(|| mean(-1.2, -0.6)).unwrap_or(0.0);
            let peak = (0..4)
                .filter_map(|k| mean(-0.15 + 0.15 * f64::from(k), 0.3 + 0.15 * f64::from(k)))
                .fold(0.0_f32, f32::max);
            let (off, contrast) = edge_near(grid, b, range, 0.45)
                .map_or((0.0, 0.0), |(at, onset)| ((at - range) as f32, onset));
            self.columns.push(Column {
                met: true,
                range,
                u: (x - line.pivot) * stretch,
                contrast,
                off,
                solid: false,
                peak,
                above,
                tail: mean(1.2, 2.2).unwrap_or(above),
                late: mean(2.5, 3.7).unwrap_or(above),
                deep: mean(4.5, 8.5).unwrap_or(above),
                shade: 0.0,
                on: 0.0,
            });
        }
        self.judge(grid);
    }

    /// Sets what is usual for the interface and from it each column's share, then its score as metal.
    fn judge(&mut self, grid: &BeamGrid) {
        let mut rises: Vec<f32> = self
            .columns
            .iter()
            .filter(|c| c.met)
            .map(|c| c.contrast)
            .collect();
        if rises.len() < 14 {
            self.metal = 0.0;
            self.logit = super::metal::NOT_METAL;
            return;
        }
        // the upper part: a face half hidden by a shadow is still judged by the part that is seen
        let upper = rises.len() * 7 / 10;
        self.onset = ranked(&mut rises, upper).unwrap_or(0.0).max(1.0);
        let floor = grid.edge_least - 2.0;
        let usual = self.local_onsets(grid);
        for (c, usual) in self.columns.iter_mut().zip(usual) {
            c.on = if c.met {
                ((c.contrast - floor) / (usual - floor)).clamp(0.0, 1.0)
            } else {
                0.0
            };
        }
        self.mark_solid(grid);
        self.add_fading(grid);
        self.mark_solid(grid);
        self.measure_shade(grid);
        self.measure_metal(grid);
    }

    /// The onset that is usual around each column: a face dims toward where it is oblique to the beams.
    fn local_onsets(&self, grid: &BeamGrid) -> Vec<f32> {
        let reach = (15.0 / grid.pitch) as usize;
        let block = (3.0 / grid.pitch).max(1.0) as usize;
        let n = self.columns.len();
        let least = (0.45 * self.onset).max(grid.edge_least + 8.0);
        let mut usual = Vec::with_capacity(n);
        let mut around: Vec<f32> = Vec::with_capacity(2 * reach + 1);
        while usual.len() < n {
            let middle = (usual.len() + block / 2).min(n - 1);
            around.clear();
            around.extend(
                self.columns[middle.saturating_sub(reach)..(middle + reach).min(n)]
                    .iter()
                    .filter(|c| c.met)
                    .map(|c| c.contrast),
            );
            let upper = around.len() * 7 / 10;
            let here = ranked(&mut around, upper).unwrap_or(0.0);
            let here = here.clamp(least, least.max(110.0));
            for _ in 0..block.min(n - usual.len()) {
                usual.push(here);
            }
        }
        usual
    }

    /// Adds the columns in which the capsule of the pocket hides the rise of a fading face: they show it by its fall
    /// into the shadow, nearly as deep as where the face is plain.
    fn add_fading(&mut self, grid: &BeamGrid) {
        let fall = |c: &Column| c.peak - c.tail.max(c.late);
        let plain = || self.columns.iter().filter(|c| c.shows_face());
        let usual = median(plain().map(fall));
        let shadow = median(plain().map(|c| c.above - c.deep));
        if plain().count() < 30 || shadow < FADING_SHADOW || usual < FADING_FALL {
            return;
        }
        let least = (0.4 * usual).max(FADING_FALL);
        let fading: Vec<bool> = self
            .columns
            .iter()
            .map(|c| {
                let shown = fall(c) >= least && c.above - c.deep >= 0.5 * shadow;
                c.met && c.on < ON_LEAST && shown
            })
            .collect();
        // only over a length that no opening has: what lies in a port may fall off in the same way
        let run = ((FADING_MM / grid.pitch) as usize).clamp(1, fading.len());
        for (start, window) in fading.windows(run).enumerate() {
            if window.iter().filter(|f| **f).count() * 5 < run * 3 {
                continue;
            }
            for (c, _) in self.columns[start..start + run]
                .iter_mut()
                .zip(window)
                .filter(|(_, fading)| **fading)
            {
                c.on = ON_LEAST + 0.2;
                c.off = 0.0;
            }
        }
    }

    /// Marks the columns that lie in a piece of line that holds together.
    fn mark_solid(&mut self, grid: &BeamGrid) {
        let run = ((RUN_MM / grid.pitch).round() as usize).clamp(4, self.columns.len());
        let least = (run as f64 * RUN_SHARE).ceil() as usize;
        for start in 0..=self.columns.len() - run {
            let window = &mut self.columns[start..start + run];
            let on = window
                .iter()
                .filter(|c| c.met && c.on >= ON_LEAST && c.off.abs() < 0.45)
                .count();
            if on >= least {
                for c in window {
                    c.solid = true;
                }
            }
        }
    }

    /// Darkness of the tissue above each column against that on both sides of it, where the dark strip is narrower
    /// than [`SHADOW_MM`]: a wider one (a scar) covers an opening together with the face beside it and hides neither.
    fn measure_shade(&mut self, grid: &BeamGrid) {
        let tissue: Vec<f32> = self
            .columns
            .iter()
            .enumerate()
            .map(|(b, c)| {
                if !c.met {
                    return f32::NAN;
                }
                let from = (c.range - 7.0).max(2.5);
                grid.mean(b, from, (c.range - 1.0).max(from + 0.6))
                    .unwrap_or(f32::NAN)
            })
            .collect();
        let near = (0.9 / grid.pitch).round().max(1.0) as usize;
        let n = tissue.len();
        let own: Vec<f32> = (0..n)
            .map(|b| mean_of(&tissue[b.saturating_sub(near)..(b + near + 1).min(n)]))
            .collect();
        // the strip is filled up from the brighter of what lies within reach, then cut back
        let block = (1.2 / grid.pitch).round().max(1.0) as usize;
        let levels: Vec<f32> = own.chunks(block).map(mean_of).collect();
        let reach = (SHADOW_MM / 2.0 / (block as f64 * grid.pitch))
            .round()
            .max(1.0) as usize;
        let around = |v: &[f32], k: usize, pick: fn(f32, f32) -> f32| {
            v[k.saturating_sub(reach)..(k + reach + 1).min(v.len())]
                .iter()
                .copied()
                .fold(v[k], pick)
        };
        let spread: Vec<f32> = (0..levels.len())
            .map(|k| around(&levels, k, f32::max))
            .collect();
        for (b, c) in self.columns.iter_mut().enumerate() {
            if c.met {
                c.shade = (around(&spread, b / block, f32::min) - own[b]).max(0.0);
            }
        }
    }

    /// Length of line that a column stands for, mm.
    pub(super) fn width_of(&self, column: usize, pitch: f64) -> f64 {
        let near = |b: usize| self.columns.get(b).filter(|c| c.met).map(|c| c.u);
        match (column.checked_sub(1).and_then(near), near(column + 1)) {
            (Some(before), Some(after)) => (after - before) / 2.0,
            _ => pitch,
        }
    }

    /// First and last column of the face that is seen, leaving out specks shorter than 2 mm.
    pub(super) fn ends(&self, pitch: f64) -> Option<(usize, usize)> {
        let run = (2.0 / pitch).round().max(3.0) as usize;
        let solid = |w: &[Column]| {
            w.iter().filter(|c| c.shows_face()).count() * 4 >= w.len() * 3
                && w.first().is_some_and(Column::shows_face)
        };
        let first = self.columns.windows(run).position(solid)?;
        let back = |w: &[Column]| {
            w.iter().filter(|c| c.shows_face()).count() * 4 >= w.len() * 3
                && w.last().is_some_and(Column::shows_face)
        };
        let last = self.columns.windows(run).rposition(back)? + run - 1;
        (last > first).then_some((first, last))
    }
}

/// Mean of the finite values; 0 without any.
fn mean_of(values: &[f32]) -> f32 {
    let (mut sum, mut count) = (0.0_f32, 0.0_f32);
    for v in values.iter().filter(|v| v.is_finite()) {
        sum += v;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Median; 0 of nothing.
pub(super) fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.filter(|v| v.is_finite()).collect();
    let middle = values.len() / 2;
    ranked(&mut values, middle).unwrap_or(0.0)
}

/// The value that would stand at a place if the values were sorted; leaves them in another order.
pub(super) fn ranked(values: &mut [f32], place: usize) -> Option<f32> {
    if place >= values.len() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(place, f32::total_cmp);
    Some(*value)
}
