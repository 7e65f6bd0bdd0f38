//! Fluid above the face: a dark layer that was not there in the first second of locked frames (H18).
//!
//! The band above the face is laid out in face coordinates, along the face from the port and up from the metal, and
//! compared with its look at the lock. Fluid darkens what lies on the face, leaves what lies higher as it was and
//! does not dim the face below it. So a turn of the gain (all darkens), a shadow (the face darkens too) and tissue
//! that slides (the pattern changes, its level does not) are told from it. An even film thinner than about a
//! millimetre is below what is claimed, and a pool beside the slice is not in it.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel over arrays of fixed size; every index is below BINS or ROWS"
)]
use super::FluidSeen;
use super::face::Interface;
use super::grid::BeamGrid;
use crate::clock::Timestamp;
use crate::space::Millimeters;

/// Cells along the face and above it, and their size, mm: three beams wide, a few speckle grains high.
const BINS: usize = 24;
const ROWS: usize = 24;
const BIN_MM: f64 = 1.5;
const ROW_MM: f64 = 0.5;
/// Height at which the cells begin: closer, the rise of the metal echo itself is read, mm.
const FLOOR_MM: f64 = 0.5;
/// First row of the tissue that is the reference: above any layer that must still be noticed.
const REFERENCE_ROW: usize = 12;
/// Locked frames and seconds that make the baseline.
const BASE_FRAMES: u32 = 10;
const BASE_S: f64 = 1.0;
/// Fall of level against baseline and reference that makes a cell dark, grey levels of 255 (about 5.6 dB of 60).
const DARK: f32 = 24.0;
/// Most of its own fall that may also be seen on the face below it: more is a shadow.
const SHADOW_SHARE: f32 = 0.5;
/// Least thickness of a layer, mm, and area of a pool, mm^2, that count (algorithms.md, part 6).
const THICK_MM: f64 = 1.5;
const AREA_MM2: f64 = 20.0;
/// Evidence that raises the notice and the most that is kept, s: how long a pool of twice the area must last.
const RAISE_S: f64 = 0.35;
const KEPT_S: f64 = 1.0;
/// What breathing and pressure take away from the evidence, as a share of [`AREA_MM2`].
const DRIFT: f64 = 0.8;
/// The baseline holds for this long without the face, s: after it the probe may be anywhere.
const FORGET_S: f64 = 3.0;
/// How far the face may lie from where the baseline saw it, mm, and how much its slope may differ.
const DEPTH_MM: f64 = 10.0;
const SLOPE: f64 = 0.15;

/// Levels of one frame, or of the baseline, in face coordinates. A level below zero was not seen.
#[derive(Clone, Debug)]
struct Band {
    level: [[f32; ROWS]; BINS],
    /// Brightest level of the face.
    peak: [f32; BINS],
    /// Whether the face is seen there.
    shown: [bool; BINS],
}

impl Default for Band {
    fn default() -> Self {
        Self {
            level: [[-1.0; ROWS]; BINS],
            peak: [0.0; BINS],
            shown: [false; BINS],
        }
    }
}

/// Where a frame shows the face and the port in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Stamp of the frame, s, and as given.
    pub time: f64,
    pub captured_at: Timestamp,
    /// Whether the port is measured and locked, and whether it is shown at all.
    pub locked: bool,
    pub shown: bool,
    /// Middle of the port, analysis mm; `None` when it is not measured.
    pub x: Option<f64>,
}

/// Watches the band above the face.
#[derive(Debug, Default)]
pub(super) struct FluidWatch {
    now: Band,
    base: Band,
    counts: [[u16; ROWS]; BINS],
    frames: u32,
    begun: f64,
    settled: bool,
    /// Depth and slope of the face in the baseline, and where the port was last.
    face: (f64, f64),
    x: f64,
    seen_at: Option<f64>,
    evidence: f64,
    since: Option<Timestamp>,
    raised: Option<FluidSeen>,
    /// Thickness and area of the pool in the last frame read.
    pool: (f64, f64),
}

impl FluidWatch {
    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes a frame without a face, or one that moves too fast to be compared: what was said stays for a while.
    pub(super) fn pass(&mut self, time: f64) -> Option<FluidSeen> {
        self.forget(time);
        self.raised
    }

    /// Takes the next frame.
    pub(super) fn read(
        &mut self,
        grid: &BeamGrid,
        interface: &Interface,
        place: &Place,
    ) -> Option<FluidSeen> {
        self.forget(place.time);
        let Some(line) = interface.line else {
            return self.raised;
        };
        let known = self.settled || self.frames > 0;
        if !known && !place.locked {
            return None;
        }
        self.x = place.x.unwrap_or(self.x);
        let lies = (line.z_at(self.x), line.slope);
        let fits = !known
            || ((lies.0 - self.face.0).abs() <= DEPTH_MM && (lies.1 - self.face.1).abs() <= SLOPE);
        // a slice that has left the port is another slice
        if !fits || !(place.shown || self.evidence > 0.0) {
            return self.raised;
        }
        let stretch = (1.0 + line.slope * line.slope).sqrt();
        self.now
            .read(grid, interface, (self.x - line.pivot) * stretch);
        let passed = self
            .seen_at
            .map_or(0.0, |t| (place.time - t).clamp(0.0, 0.1));
        self.seen_at = Some(place.time);
        if self.settled {
            self.compare(passed, place.captured_at);
        } else if place.locked {
            self.learn(place.time, lies);
        }
        self.raised
    }

    /// Thickness and area of the pool and the evidence, for evaluation reports.
    pub(super) fn explain(&self) -> String {
        let (thick, area) = self.pool;
        format!("F {thick:.2} {area:.1} {:.2}\n", self.evidence)
    }

    fn forget(&mut self, time: f64) {
        if self
            .seen_at
            .is_some_and(|t| !(0.0..=FORGET_S).contains(&(time - t)))
        {
            self.reset();
        }
    }

    /// Adds a locked frame to the baseline.
    fn learn(&mut self, time: f64, lies: (f64, f64)) {
        if self.frames == 0 {
            self.begun = time;
            self.face = lies;
        }
        self.frames += 1;
        for bin in 0..BINS {
            let share = 1.0 / self.frames as f32;
            self.base.peak[bin] += (self.now.peak[bin] - self.base.peak[bin]) * share;
            self.base.shown[bin] |= self.now.shown[bin];
            for row in 0..ROWS {
                let level = self.now.level[bin][row];
                if level < 0.0 {
                    continue;
                }
                let count = &mut self.counts[bin][row];
                *count = count.saturating_add(1);
                let mean = &mut self.base.level[bin][row];
                *mean = mean.max(0.0) + (level - mean.max(0.0)) / f32::from(*count);
            }
        }
        self.settled = self.frames >= BASE_FRAMES && time - self.begun >= BASE_S;
    }

    /// Measures the pool against the baseline and weighs it over time.
    fn compare(&mut self, passed: f64, captured_at: Timestamp) {
        let (thickness, area) = self.measure();
        self.pool = (thickness, area);
        let share = if thickness >= THICK_MM {
            area / AREA_MM2
        } else {
            0.0
        };
        self.evidence += (share - DRIFT).clamp(-1.0, 1.0) * passed;
        self.evidence = self.evidence.clamp(0.0, KEPT_S);
        if self.evidence <= 0.0 {
            self.since = None;
            self.raised = None;
            return;
        }
        let since = *self.since.get_or_insert(captured_at);
        if self.evidence >= RAISE_S || self.raised.is_some() {
            let last = self.raised.map_or(0.0, |r| r.area_mm2);
            // of a pool that is for a moment not measured, the last measure stands
            let (thickness, area) = if area >= AREA_MM2 || last <= 0.0 {
                (thickness, area)
            } else {
                self.raised
                    .map_or((thickness, area), |r| (r.thickness.0, r.area_mm2))
            };
            self.raised = Some(FluidSeen {
                thickness: Millimeters(thickness),
                area_mm2: area,
                since,
            });
        }
    }

    /// Largest thickness, mm, and area, mm^2, of the largest dark layer that lies on the face.
    fn measure(&self) -> (f64, f64) {
        let mut fall = [[f32::NAN; ROWS]; BINS];
        let Some(all) = self.fall(&mut fall) else {
            return (0.0, 0.0);
        };
        let (mut best, mut run) = ((0.0_f64, 0.0_f64), (0.0_f64, 0.0_f64));
        let mut gap = 0_u32;
        for bin in 0..BINS {
            let thick = if self.now.shown[bin] && self.base.shown[bin] {
                self.thickness(&fall, bin, all)
            } else {
                0.0
            };
            if thick > 0.0 {
                run = (run.0.max(thick), run.1 + thick * BIN_MM);
                gap = 0;
            } else {
                // over the port the face itself is not seen
                gap += 1;
                let hidden = !self.now.shown[bin] || !self.base.shown[bin];
                if gap > 6 || !hidden {
                    run = (0.0, 0.0);
                }
            }
            if run.1 > best.1 {
                best = run;
            }
        }
        best
    }

    /// How far each cell fell below the baseline and the reference; returns the reference's own fall.
    fn fall(&self, fall: &mut [[f32; ROWS]; BINS]) -> Option<f32> {
        let mut own = [f32::NAN; BINS];
        for bin in 0..BINS {
            let levels = self.base.level[bin].iter().zip(&self.now.level[bin]);
            for (cell, (was, is)) in fall[bin].iter_mut().zip(levels) {
                if *was >= 0.0 && *is >= 0.0 {
                    *cell = was - is;
                }
            }
            let reference = &fall[bin][REFERENCE_ROW..];
            let seen = reference.iter().filter(|f| f.is_finite());
            let (sum, count) = seen.fold((0.0, 0.0), |(s, n), f| (s + f, n + 1.0_f32));
            if count >= 3.0 {
                own[bin] = sum / count;
            }
        }
        let mut sorted = own;
        sorted.sort_by(f32::total_cmp);
        let count = sorted.iter().filter(|f| f.is_finite()).count();
        // NaN sorts behind every number
        let all = (count >= 4).then(|| sorted[count / 2])?;
        for bin in 0..BINS {
            let near = &own[bin.saturating_sub(1)..(bin + 2).min(BINS)];
            let own = near.iter().copied().filter(|f| f.is_finite());
            let (sum, n) = own.fold((0.0, 0.0), |(s, n), f| (s + f, n + 1.0_f32));
            let base = if n > 0.0 { (sum / n).max(all) } else { all };
            for cell in &mut fall[bin][..] {
                *cell -= base;
            }
        }
        Some(all)
    }

    /// Thickness of the dark layer on the face over one bin, mm; 0 when there is none or the face is dimmed with it.
    fn thickness(&self, fall: &[[f32; ROWS]; BINS], bin: usize, all: f32) -> f64 {
        let around = |row: usize| {
            let (mut sum, mut count) = (0.0_f32, 0.0_f32);
            for line in &fall[bin.saturating_sub(1)..(bin + 2).min(BINS)] {
                for f in &line[row..(row + 2).min(ROWS)] {
                    if f.is_finite() {
                        sum += f;
                        count += 1.0;
                    }
                }
            }
            if count > 0.0 { sum / count } else { 0.0 }
        };
        let dimmed = self.base.peak[bin] - self.now.peak[bin] - all;
        let (mut rows, mut sum) = (0_usize, 0.0_f32);
        while rows + 1 < REFERENCE_ROW + 4 {
            let here = around(rows);
            if here < DARK {
                break;
            }
            sum += here;
            rows += 1;
        }
        if rows == 0 || dimmed > SHADOW_SHARE * sum / rows as f32 {
            return 0.0;
        }
        // a window of two rows reaches half a row beyond the layer's edge
        let thick = FLOOR_MM + (rows as f64 + 0.5) * ROW_MM;
        if thick >= THICK_MM - 0.3 { thick } else { 0.0 }
    }
}

impl Band {
    /// Lays a frame out along the face from `center`, the port's place on the line.
    fn read(&mut self, grid: &BeamGrid, interface: &Interface, center: f64) {
        *self = Self::default();
        let mut counts = [0_u32; BINS];
        let mut shown = [0_u32; BINS];
        let mut sums = [[(0.0_f32, 0.0_f32); ROWS]; BINS];
        for (b, column) in interface.columns.iter().enumerate() {
            let at = (column.u - center) / BIN_MM + BINS as f64 / 2.0;
            if !column.met || !(0.0..BINS as f64).contains(&at) {
                continue;
            }
            let bin = at as usize;
            counts[bin] += 1;
            shown[bin] += u32::from(column.shows_face());
            self.peak[bin] += column.peak;
            let levels = grid.rows_above(b, column.range, (FLOOR_MM, ROW_MM));
            for (sum, level) in sums[bin].iter_mut().zip(levels) {
                if let Some(level) = level {
                    *sum = (sum.0 + level, sum.1 + 1.0);
                }
            }
        }
        for bin in 0..BINS {
            self.peak[bin] /= counts[bin].max(1) as f32;
            self.shown[bin] = shown[bin] * 2 >= counts[bin].max(1);
            for (level, (sum, count)) in self.level[bin].iter_mut().zip(&sums[bin]) {
                if *count > 0.0 {
                    *level = sum / count;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A settled watch that now sees what it saw at the lock, at this level.
    fn settled(level: f32) -> FluidWatch {
        let band = Band {
            level: [[level; ROWS]; BINS],
            peak: [200.0; BINS],
            shown: [true; BINS],
        };
        FluidWatch {
            now: band.clone(),
            base: band,
            settled: true,
            ..FluidWatch::default()
        }
    }

    /// Darkens the lowest rows of ten bins.
    fn darken(watch: &mut FluidWatch, rows: usize) {
        for bin in &mut watch.now.level[6..16] {
            for level in &mut bin[..rows] {
                *level -= 50.0;
            }
        }
    }

    #[test]
    fn a_dark_layer_on_the_face_is_a_pool_of_its_size() {
        let mut watch = settled(90.0);
        assert_eq!(watch.measure(), (0.0, 0.0));
        darken(&mut watch, 5);
        let (thick, area) = watch.measure();
        assert!((2.0..=4.0).contains(&thick), "{thick}");
        assert!((20.0..=60.0).contains(&area), "{area}");
    }

    #[test]
    fn a_turn_of_the_gain_and_a_shadow_are_no_pool() {
        let mut watch = settled(90.0);
        for level in watch.now.level.iter_mut().flatten() {
            *level -= 40.0;
        }
        assert_eq!(watch.measure(), (0.0, 0.0), "all fell alike");
        let mut watch = settled(90.0);
        darken(&mut watch, 5);
        for peak in &mut watch.now.peak {
            *peak -= 50.0;
        }
        assert_eq!(watch.measure(), (0.0, 0.0), "the face fell too");
    }

    #[test]
    fn a_pool_must_last_before_it_is_said_and_the_notice_ends_with_it() {
        let at = |k: i32| Timestamp::from_seconds(f64::from(k) * 0.04);
        let mut watch = settled(90.0);
        darken(&mut watch, 5);
        watch.compare(0.04, at(0));
        assert!(watch.raised.is_none());
        for k in 1..25 {
            watch.compare(0.04, at(k));
        }
        assert!(watch.raised.is_some_and(|f| f.since == at(0)));
        watch.now = watch.base.clone();
        for k in 25..100 {
            watch.compare(0.04, at(k));
        }
        assert!(watch.raised.is_none());
    }
}
