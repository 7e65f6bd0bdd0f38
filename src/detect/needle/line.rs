//! From a rough run to a shaft: sub-sample fit on the picture, how even it is, and where it ends.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the profile's sizes"
)]
use super::super::grid::Sampler;
use super::map::Run;

/// Distance of stations along the shaft and of samples across it, mm.
const ALONG_MM: f64 = 0.3;
const ACROSS_MM: f64 = 0.15;
/// The same for flat shafts: blur along beams is less than across them, and what lies beside a needle is nearer.
const ACROSS_FLAT_MM: f64 = 0.1;
/// Samples to either side of the line.
const SIDE: usize = 12;
const WIDTH: usize = 2 * SIDE + 1;
/// Stations at most: 90 mm.
const MOST: usize = 300;
/// How far a shaft is looked for beyond the ends of its run, mm.
const BEYOND_MM: f64 = 3.0;
/// How far a ridge may lie off a line that runs on it, mm.
const ON_LINE_MM: f32 = 0.32;
/// Passes of the fit: how far off the line its ridge may lie, and the length from the shallow end over which it counts
/// in full, mm. A needle is straightest near the skin; what lies deeper counts as far as it runs on.
const PASSES: [(f64, f64); 4] = [(0.9, 4.0), (0.45, 7.0), (0.3, 14.0), (0.3, 30.0)];
/// Samples from the middle that belong to the flanks.
const FLANK: usize = 7;

/// A straight shaft, analysis mm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shaft {
    /// Shallow and deep end of what is seen.
    pub from: [f64; 2],
    pub to: [f64; 2],
    /// Usual contrast against the brighter flank, grey levels, and against its spread.
    pub contrast: f32,
    pub clear: f32,
    /// Share of stations that show it.
    pub cover: f32,
    /// The same over the first third.
    pub cover_first: f32,
    /// Scatter of the ridge about the line, mm.
    pub rough: f32,
    /// Width at half height across the line, mm.
    pub thick: f32,
    /// How much contrast is lost right behind the deep end, share of what it was right before it.
    pub drop: f32,
    /// Contrast right before the deep end and over the deepest third, each against the usual: where a shaft leaves the
    /// plane it fades, at a tip it does not.
    pub last: f32,
    pub fade: f32,
    /// Difference of the flanks against the contrast: an edge has it, a line has not.
    pub step: f32,
    /// Score of the run it came from.
    pub score: f32,
}

impl Shaft {
    pub(super) fn length(&self) -> f64 {
        (self.to[0] - self.from[0]).hypot(self.to[1] - self.from[1])
    }

    /// Unit vector from the shallow to the deep end.
    pub(super) fn direction(&self) -> [f64; 2] {
        let l = self.length().max(1e-9);
        [
            (self.to[0] - self.from[0]) / l,
            (self.to[1] - self.from[1]) / l,
        ]
    }

    /// Angle against the skin, degrees, 0 to 90.
    pub(super) fn steepness(&self) -> f64 {
        let [dx, dz] = self.direction();
        dz.atan2(dx.abs()).to_degrees()
    }
}

/// One station along the shaft.
#[derive(Clone, Copy, Debug, Default)]
struct Station {
    /// Where the ridge lies across the line, mm.
    off: f32,
    /// Height over the brighter flank.
    contrast: f32,
    /// Difference of the flanks.
    step: f32,
    /// Standard deviation of the flanks.
    noise: f32,
}

/// Buffers of the fit, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct ShaftFit {
    stations: Vec<Station>,
    levels: Vec<[f32; WIDTH]>,
    mean: [f32; WIDTH],
    /// Values of which the middle one is looked for.
    sorted: Vec<f32>,
    /// Distance of samples across the shaft that is fitted, mm.
    across: f64,
}

impl ShaftFit {
    /// Fits a run; `None` when no shaft is left of it.
    pub(super) fn fit(&mut self, picture: &Sampler<'_>, run: &Run) -> Option<Shaft> {
        let (mut from, mut to) = (run.from, run.to);
        if run.length() < 2.0 {
            return None;
        }
        let [dx, dz] = unit(from, to);
        self.across = if dz < 0.5 * dx.abs() {
            ACROSS_FLAT_MM
        } else {
            ACROSS_MM
        };
        let mut beyond = 0.0;
        self.read(picture, from, to, beyond);
        for (k, (reach, straight)) in PASSES.into_iter().enumerate() {
            self.judge(reach);
            (from, to) = self.straighten(from, to, beyond, (reach, straight))?;
            beyond = BEYOND_MM;
            self.read(picture, from, to, beyond);
            self.judge(0.6);
            let (first, last) = self.ends(from, to)?;
            if k + 1 == PASSES.len() {
                return Some(self.shaft(from, to, (first, last), run));
            }
            let [start, end] = [first - BEYOND_MM, last - BEYOND_MM];
            (from, to) = (along(from, to, start), along(from, to, end));
            self.read(picture, from, to, beyond);
        }
        None
    }

    /// The shaft between two stations of a line that has been read.
    fn shaft(
        &mut self,
        from: [f64; 2],
        to: [f64; 2],
        (first, last): (f64, f64),
        run: &Run,
    ) -> Shaft {
        let mut shaft = Shaft {
            from: along(from, to, first - BEYOND_MM),
            to: along(from, to, last - BEYOND_MM),
            score: run.score,
            ..Shaft::default()
        };
        self.judge(0.45);
        self.measure(&mut shaft, first, last);
        shaft
    }

    /// Reads the levels across the line at every station, `beyond` mm further at both ends.
    fn read(&mut self, picture: &Sampler<'_>, from: [f64; 2], to: [f64; 2], beyond: f64) {
        let d = unit(from, to);
        let length = (to[0] - from[0]).hypot(to[1] - from[1]) + 2.0 * beyond;
        let count = ((length / ALONG_MM) as usize + 1).min(MOST);
        self.levels.clear();
        for i in 0..count {
            let t = i as f64 * ALONG_MM - beyond;
            let mut levels = [0.0_f32; WIDTH];
            for (k, level) in levels.iter_mut().enumerate() {
                let a = (k as f64 - SIDE as f64) * self.across;
                // two samples along the shaft calm the speckle
                let (x, z) = (from[0] + d[0] * t - d[1] * a, from[1] + d[1] * t + d[0] * a);
                let (hx, hz) = (0.25 * ALONG_MM * d[0], 0.25 * ALONG_MM * d[1]);
                *level = 0.5 * (picture.at(x - hx, z - hz) + picture.at(x + hx, z + hz));
            }
            self.levels.push(levels);
        }
    }

    /// Finds the ridge of every station within `reach` mm of the line.
    fn judge(&mut self, reach: f64) {
        let within = ((reach / self.across).round() as usize).min(SIDE - 2);
        self.stations.clear();
        for i in 0..self.levels.len() {
            self.stations.push(self.station(i, within));
        }
    }

    /// Ridge of one station within so many samples of the line.
    fn station(&self, i: usize, within: usize) -> Station {
        let before = &self.levels[i.saturating_sub(1)];
        let here = &self.levels[i];
        let after = &self.levels[(i + 1).min(self.levels.len() - 1)];
        let level = |k: usize| 0.5 * here[k] + 0.25 * (before[k] + after[k]);
        let flank = |low: usize, high: usize| {
            let n = (high - low) as f32;
            let mean = (low..high).map(level).sum::<f32>() / n;
            let spread = (low..high).map(|k| (level(k) - mean).powi(2)).sum::<f32>() / n;
            (mean, spread)
        };
        let (left, left_spread) = flank(0, SIDE + 1 - FLANK);
        let (right, right_spread) = flank(SIDE + FLANK, WIDTH);
        let base = left.max(right);
        let mut peak = (SIDE, f32::MIN);
        for k in SIDE - within..=SIDE + within {
            let v = (level(k - 1) + level(k) + level(k + 1)) / 3.0;
            if v > peak.1 {
                peak = (k, v);
            }
        }
        // the middle of what rises above the flanks
        let (mut sum, mut weight) = (0.0_f32, 0.0_f32);
        let low = peak.0.saturating_sub(3).max(SIDE - within.min(SIDE));
        for k in low..=(peak.0 + 3).min(SIDE + within) {
            let over = (level(k) - base).max(0.0);
            sum += over * (k as f32 - SIDE as f32);
            weight += over;
        }
        Station {
            off: if weight > 0.0 {
                sum / weight * self.across as f32
            } else {
                0.0
            },
            contrast: peak.1 - base,
            step: left - right,
            noise: (0.5 * (left_spread + right_spread)).sqrt(),
        }
    }

    /// Moves the line onto the ridge; `None` when there is none.
    fn straighten(
        &mut self,
        from: [f64; 2],
        to: [f64; 2],
        beyond: f64,
        (reach, straight): (f64, f64),
    ) -> Option<([f64; 2], [f64; 2])> {
        let usual = self.usual().max(1.0);
        let (mut s, mut st, mut stt, mut so, mut sto) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (i, station) in self.stations.iter().enumerate() {
            let w = f64::from((station.contrast / usual).clamp(0.0, 1.5));
            let t = i as f64 * ALONG_MM - beyond;
            // a needle is straightest near the skin, and what lies behind its tip is none of it
            let w = w / (1.0 + (t.max(0.0) / straight).powi(4));
            let inside = 1.0 - (f64::from(station.off) / (1.2 * reach)).powi(2);
            let w = w * inside.max(0.0);
            let off = f64::from(station.off);
            s += w;
            st += w * t;
            stt += w * t * t;
            so += w * off;
            sto += w * t * off;
        }
        let det = s * stt - st * st;
        if s < 2.0 || det <= 1e-6 {
            return None;
        }
        let slope = (s * sto - st * so) / det;
        let zero = (so - slope * st) / s;
        let d = unit(from, to);
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let moved = |p: [f64; 2], by: f64| [p[0] - d[1] * by, p[1] + d[0] * by];
        Some((moved(from, zero), moved(to, zero + slope * length)))
    }

    /// Usual contrast of the stations.
    fn usual(&mut self) -> f32 {
        middle(
            &mut self.sorted,
            self.stations.iter().map(|s| s.contrast.clamp(-30.0, 200.0)),
        )
    }

    /// Where the shaft begins and ends, mm from the first station: the stretch that half the usual contrast fits best.
    fn ends(&mut self, from: [f64; 2], to: [f64; 2]) -> Option<(f64, f64)> {
        let inner = (BEYOND_MM / ALONG_MM) as usize;
        let count = self.stations.len();
        if count < 2 * inner + 5 {
            return None;
        }
        let inside = &self.stations[inner..count - inner];
        let usual = middle(
            &mut self.sorted,
            inside.iter().map(|s| s.contrast.clamp(-30.0, 200.0)),
        );
        if usual < 3.0 {
            return None;
        }
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let middle = ((BEYOND_MM + 0.5 * length) / ALONG_MM) as usize;
        let says = |s: &Station| {
            if s.off.abs() > ON_LINE_MM {
                -0.4
            } else {
                (s.contrast / usual).clamp(-0.2, 1.2) - 0.5
            }
        };
        let (mut sum, mut best, mut last) = (0.0_f32, 0.0_f32, middle);
        for (i, s) in self.stations.iter().enumerate().skip(middle) {
            sum += says(s);
            if sum > best {
                (best, last) = (sum, i);
            }
        }
        let (mut sum, mut best, mut first) = (0.0_f32, 0.0_f32, middle);
        for i in (0..middle.min(self.stations.len())).rev() {
            sum += says(&self.stations[i]);
            if sum > best {
                (best, first) = (sum, i);
            }
        }
        if last <= first + 4 {
            return None;
        }
        // the half-level crossing between the last station and the next
        let here = self.stations[last].contrast;
        let next = self.stations.get(last + 1).map_or(0.0, |s| s.contrast);
        let share = ((here - 0.5 * usual) / (here - next).max(1.0)).clamp(0.0, 1.0);
        Some((
            first as f64 * ALONG_MM,
            (last as f64 + f64::from(share)) * ALONG_MM,
        ))
    }

    /// What the stretch between two stations looks like.
    fn measure(&mut self, shaft: &mut Shaft, first: f64, last: f64) {
        let (a, b) = ((first / ALONG_MM) as usize, (last / ALONG_MM) as usize);
        let seen = &self.stations[a..=b.min(self.stations.len() - 1)];
        shaft.contrast = middle(&mut self.sorted, seen.iter().map(|s| s.contrast));
        let noise = middle(&mut self.sorted, seen.iter().map(|s| s.noise)).max(2.0);
        shaft.clear = shaft.contrast / noise;
        let on = |s: &&Station| s.contrast > 0.4 * shaft.contrast;
        let share =
            |part: &[Station]| part.iter().filter(on).count() as f32 / part.len().max(1) as f32;
        shaft.cover = share(seen);
        shaft.cover_first = share(&seen[..seen.len().div_ceil(3)]);
        shaft.rough = 1.48
            * middle(
                &mut self.sorted,
                seen.iter().filter(on).map(|s| s.off.abs()),
            );
        shaft.step =
            middle(&mut self.sorted, seen.iter().map(|s| s.step)).abs() / shaft.contrast.max(1.0);
        self.mean = [0.0; WIDTH];
        for levels in &self.levels[a..=b.min(self.levels.len() - 1)] {
            for (sum, level) in self.mean.iter_mut().zip(levels) {
                *sum += level;
            }
        }
        let flank = |r: std::ops::Range<usize>| {
            let n = r.len() as f32;
            self.mean[r].iter().sum::<f32>() / n
        };
        let base = flank(0..SIDE + 1 - FLANK).max(flank(SIDE + FLANK..WIDTH));
        let top = self.mean[SIDE - 2..=SIDE + 2]
            .iter()
            .fold(0.0_f32, |m, v| m.max(*v));
        let half = 0.5 * (top + base);
        let wide = self.mean.iter().filter(|v| **v > half).count();
        shaft.thick = wide as f32 * self.across as f32;
        let n = (1.2 / ALONG_MM) as usize;
        let mean = |part: &[Station]| {
            part.iter().map(|s| s.contrast).sum::<f32>() / part.len().max(1) as f32
        };
        let end = b.min(self.stations.len() - 1);
        let before = mean(&self.stations[(end + 1).saturating_sub(n)..=end]);
        let after =
            mean(&self.stations[(end + 2).min(end + 1)..(end + 2 + n).min(self.stations.len())]);
        shaft.drop = (before - after) / before.max(1.0);
        shaft.last = before / shaft.contrast.max(1.0);
        let third = seen.len().div_ceil(3);
        let [middle, deepest] = [
            &seen[third..seen.len() - third / 2],
            &seen[seen.len() - third..],
        ]
        .map(mean);
        shaft.fade = deepest / middle.max(1.0);
    }
}

/// The middle one of some values; 0 of none.
fn middle(sorted: &mut Vec<f32>, values: impl Iterator<Item = f32>) -> f32 {
    sorted.clear();
    sorted.extend(values.filter(|v| v.is_finite()));
    if sorted.is_empty() {
        return 0.0;
    }
    let half = sorted.len() / 2;
    *sorted.select_nth_unstable_by(half, f32::total_cmp).1
}

/// The point of a line so many mm behind its first end.
fn along(from: [f64; 2], to: [f64; 2], by: f64) -> [f64; 2] {
    let d = unit(from, to);
    [from[0] + d[0] * by, from[1] + d[1] * by]
}

/// Unit vector between two points.
fn unit(from: [f64; 2], to: [f64; 2]) -> [f64; 2] {
    let (dx, dz) = (to[0] - from[0], to[1] - from[1]);
    let length = dx.hypot(dz).max(1e-9);
    [dx / length, dz / length]
}
