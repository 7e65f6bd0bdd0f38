//! How much of the face a sweep has shown without an opening: what "may be upside down" rests on (H11).
//!
//! No picture tells how far a hand has moved across its plane. Speckle does, roughly: it is another one once the
//! slice has left the one before it. So the tissue above the face is kept for every slice that differs from all
//! those kept before, and the travel is estimated as their number times [`SLICE_MM`]. A hand that trembles or comes
//! back meets slices that it has already seen and gains nothing. The estimate is good to a third at best.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the sizes of a patch"
)]
use super::face::{Column, Interface};
use super::grid::BeamGrid;

/// Travel that a new slice stands for, mm. Measured on sweeps of known length: 1.16 mm on a recording of a scatterer
/// model, 1.3 mm and more on virtual probes; below both, so that less is claimed than was seen.
const SLICE_MM: f64 = 1.1;
/// Most slices kept: a sweep of 50 mm. The bound on memory and time.
const SLICES: usize = 56;
/// A patch of tissue: rows of [`ROW_MM`] from [`FLOOR_MM`] above the face up, columns of every second beam.
const ROWS: usize = 18;
const COLUMNS: usize = 160;
const ROW_MM: f64 = 0.4;
const FLOOR_MM: f64 = 0.8;
/// Columns to each side whose mean is taken off: layers along the face look alike in every slice.
const BLUR: usize = 6;
/// How far two patches may be shifted against each other, in columns: with the frame before, with a slice kept, and
/// with all others.
const REACH: i32 = 4;
/// Correlation with the frame before below which the picture is not followed: noise, a jerk, no contact.
const FOLLOWED: f32 = 0.5;
/// Correlation with the slice kept, as a share of that with the frame before, below which it has been left; and the
/// correlation with another one from which on it has come back to that.
const LEFT: f32 = 0.45;
const BACK: f32 = 0.55;
/// Share of a disc of this radius round the middle of the face that must have been seen (algorithms.md, part 3), mm.
const DISC_MM: f64 = 15.0;
const SHARE: f64 = 0.8;
/// Least width of face in a slice that counts, and travel, mm. The width leaves room for no fill port beside it in the
/// disc; the travel is what a strip of the disc's width needs to cover 80 % of it.
const WIDTH_MM: f64 = 20.0;
const TRAVEL_MM: f64 = 20.5;
/// Least score as metal of a face that counts, and share of its columns that must show it.
const METAL: f64 = 0.75;
const COVER: f64 = 0.85;
/// A gap in the face longer than this ends a stretch of it, mm: a fill port's narrowest countable chord.
const GAP_MM: f64 = 3.0;
/// Face on both sides of a gap that makes a port of it, and the widest such gap, mm. A shadow may hide a port too.
const FLANK_MM: f64 = 8.0;
const PORT_MOST_MM: f64 = 16.0;
/// An end of the face this far inside the picture is the casing's edge, mm. A slice with both edges nearer to each
/// other than [`CHORD_MM`] runs near the rim, where no port is expected.
const EDGE_MM: f64 = 3.0;
const CHORD_MM: f64 = 60.0;
/// A face that is gone for longer than this ends the sweep, s.
const GONE_S: f64 = 1.0;
/// An opening shown within this time keeps the question closed, s.
const OPENING_S: f64 = 5.0;

/// Frames with an opening, less [`FORGIVEN`] of those without, after which the face is not called closed: a shadow or a
/// grain of speckle passes for one in a frame or two, a port stays for millimetres of a sweep.
const OPENINGS: f32 = 4.0;
const FORGIVEN: f32 = 0.2;
/// What a frame counts for in which a port is shown.
const SHOWN: f32 = 1.5;

/// Tissue above the face in one slice, freed of its layers.
#[derive(Clone, Debug, Default)]
struct Patch {
    columns: usize,
    level: Vec<f32>,
}

/// A slice that differs from all before it.
#[derive(Clone, Debug, Default)]
struct Slice {
    patch: Patch,
    /// Width of face seen without an opening, mm; 0 where it does not count.
    width: f64,
}

/// What a frame says of openings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Nothing that could be a port.
    No,
    /// An opening that may be one, in this frame alone.
    Maybe,
    /// A port that is shown, of whatever kind.
    Shown,
    /// The fill port is locked: the pump is not upside down.
    Locked,
}

/// Gathers what a sweep has shown of a face.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    now: Patch,
    before: Patch,
    raw: Vec<f32>,
    slices: Vec<Slice>,
    /// How many of `slices` belong to this sweep, and the one the picture is in.
    count: usize,
    current: usize,
    face_at: Option<f64>,
    opening_at: Option<f64>,
    openings: f32,
    /// Whether the fill port was locked since the last reset.
    has_port: bool,
    raised: bool,
    correlation: f32,
}

impl Coverage {
    /// Forgets everything seen, and keeps its buffers.
    pub(super) fn reset(&mut self) {
        self.clear();
        self.face_at = None;
        self.opening_at = None;
        self.openings = 0.0;
        self.has_port = false;
    }

    /// Takes the next frame; says whether a wide enough face was seen over a long enough way without an opening.
    pub(super) fn read(
        &mut self,
        grid: &BeamGrid,
        face: Option<&Interface>,
        opened: Opened,
        time: f64,
    ) -> bool {
        let gone = |at: f64| !(0.0..=GONE_S).contains(&(time - at));
        if self.face_at.is_some_and(gone) {
            self.clear();
        }
        self.openings = match opened {
            Opened::No => (self.openings - FORGIVEN).max(0.0),
            // once said, it takes a port that is shown to take it back
            Opened::Maybe if self.raised => self.openings,
            Opened::Maybe => self.openings + 1.0,
            Opened::Shown => self.openings + SHOWN,
            Opened::Locked => OPENINGS,
        };
        if self.openings >= OPENINGS {
            self.clear();
            self.opening_at = Some(time);
            self.has_port |= opened == Opened::Locked;
        }
        let was_open = |at: f64| (0.0..=OPENING_S).contains(&(time - at));
        let Some(face) = face.filter(|f| f.metal >= METAL) else {
            self.before.columns = 0;
            return self.raised;
        };
        self.face_at = Some(time);
        if self.has_port || self.opening_at.is_some_and(was_open) {
            return false;
        }
        self.cut(grid, face);
        let width = if opened == Opened::No {
            seen_width(grid, face)
        } else {
            0.0
        };
        self.follow(width);
        std::mem::swap(&mut self.now, &mut self.before);
        self.raised |= self.covered();
        self.raised
    }

    /// Estimated travel and area, and the correlation with the slice, for evaluation reports.
    pub(super) fn explain(&self) -> String {
        let (travel, area) = self.sums();
        let (count, correlation) = (self.count, self.correlation);
        format!(
            "C {count} {travel:.1} {area:.0} {correlation:.3} {}\n",
            self.raised
        )
    }

    fn clear(&mut self) {
        self.count = 0;
        self.current = 0;
        self.before.columns = 0;
        self.raised = false;
    }

    /// Whether what was seen covers enough of the disc.
    fn covered(&self) -> bool {
        let (travel, area) = self.sums();
        travel >= TRAVEL_MM && area >= SHARE * std::f64::consts::PI * DISC_MM * DISC_MM
    }

    /// Estimated travel over slices that count, mm, and area of face seen in them within the disc's width, mm^2.
    fn sums(&self) -> (f64, f64) {
        let seen = self.slices[..self.count].iter().filter(|s| s.width > 0.0);
        seen.fold((0.0, 0.0), |(travel, area), s| {
            let width = s.width.min(2.0 * DISC_MM);
            (travel + SLICE_MM, area + SLICE_MM * width)
        })
    }

    /// Finds the slice the picture is in, or keeps a new one.
    fn follow(&mut self, width: f64) {
        if self.count == 0 {
            self.keep(width);
            return;
        }
        let steady = like(&self.now, &self.before, REACH);
        self.correlation = like(&self.now, &self.slices[self.current].patch, REACH);
        if steady < FOLLOWED {
            return;
        }
        if self.correlation >= LEFT * steady {
            // a slice counts for the face that was seen best in it
            let slice = &mut self.slices[self.current];
            slice.width = slice.width.max(width);
            return;
        }
        let back = (0..self.count)
            .filter(|k| *k != self.current)
            .find(|k| like(&self.now, &self.slices[*k].patch, REACH) >= BACK * steady);
        match back {
            Some(k) => self.current = k,
            None => self.keep(width),
        }
    }

    fn keep(&mut self, width: f64) {
        if self.count == SLICES {
            return;
        }
        if self.slices.len() == self.count {
            self.slices.push(Slice::default());
        }
        let slice = &mut self.slices[self.count];
        slice.width = width;
        slice.patch.columns = self.now.columns;
        slice.patch.level.clone_from(&self.now.level);
        self.current = self.count;
        self.count += 1;
    }

    /// Cuts the tissue above the face out and takes its layers off.
    fn cut(&mut self, grid: &BeamGrid, face: &Interface) {
        let columns = (face.columns.len() / 2).min(COLUMNS);
        self.now.columns = columns;
        self.raw.clear();
        self.raw.resize(ROWS * columns, 0.0);
        for k in 0..columns {
            let column = &face.columns[2 * k];
            if !column.met {
                continue;
            }
            let levels = grid.rows_above(2 * k, column.range, (FLOOR_MM, ROW_MM));
            for (row, level) in levels.take(ROWS).enumerate() {
                self.raw[row * columns + k] = level.unwrap_or(0.0);
            }
        }
        let level = &mut self.now.level;
        level.clear();
        level.resize(ROWS * columns, 0.0);
        for row in 0..ROWS {
            let raw = &self.raw[row * columns..(row + 1) * columns];
            let out = &mut level[row * columns..(row + 1) * columns];
            for k in 0..columns {
                let near = &raw[k.saturating_sub(BLUR)..(k + BLUR + 1).min(columns)];
                let (sum, n) = near
                    .iter()
                    .filter(|v| **v > 0.0)
                    .fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0_f32));
                if raw[k] > 0.0 && n > 0.0 {
                    out[k] = raw[k] - sum / n;
                }
            }
        }
    }
}

/// Best correlation of two patches over shifts along the face up to `reach` columns; 0 when they cannot be compared.
fn like(a: &Patch, b: &Patch, reach: i32) -> f32 {
    if a.columns != b.columns || a.columns < 24 {
        return 0.0;
    }
    (-reach..=reach)
        .map(|shift| correlation(a, b, shift))
        .fold(0.0, f32::max)
}

fn correlation(a: &Patch, b: &Patch, shift: i32) -> f32 {
    let by = shift.unsigned_abs() as usize;
    let n = a.columns - by;
    let (from_a, from_b) = if shift >= 0 { (by, 0) } else { (0, by) };
    let (mut ab, mut aa, mut bb) = (0.0_f32, 0.0_f32, 0.0_f32);
    for row in 0..ROWS {
        let start = row * a.columns;
        let one = &a.level[start + from_a..start + from_a + n];
        let two = &b.level[start + from_b..start + from_b + n];
        for (x, y) in one.iter().zip(two) {
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
    }
    let norm = (aa * bb).sqrt();
    if norm > 1.0 { ab / norm } else { 0.0 }
}

/// Longest stretch of face seen in a slice, mm; 0 where it does not count or where a gap could be a port. Columns in a
/// shadow show no face, so they are a gap and not seen.
fn seen_width(grid: &BeamGrid, face: &Interface) -> f64 {
    let Some((first, last)) = face.ends(grid.pitch) else {
        return 0.0;
    };
    let place = |k: usize| face.columns.get(k).filter(|c| c.met).map(|c| c.u);
    let (Some(from), Some(to)) = (place(first), place(last)) else {
        return 0.0;
    };
    let met = |inside: std::ops::Range<usize>| -> f64 {
        inside
            .filter(|k| place(*k).is_some())
            .map(|k| face.width_of(k, grid.pitch))
            .sum()
    };
    let is_edge = [met(0..first), met(last + 1..face.columns.len())].map(|w| w >= EDGE_MM);
    if is_edge == [true, true] && to - from < CHORD_MM {
        return 0.0;
    }
    let mut run = Run::default();
    let mut before: Option<Run> = None;
    let mut widest = 0.0_f64;
    for k in first..=last + 1 {
        let column = face.columns.get(k).filter(|_| k <= last);
        let gap = column.map_or(f64::MAX, |c| c.u - run.to);
        if run.seen > 0 && gap > GAP_MM && column.is_none_or(Column::shows_face) {
            if before.is_some_and(|b| run.may_hide_port_after(&b)) {
                return 0.0;
            }
            if run.width() >= WIDTH_MM && run.seen as f64 >= COVER * run.count as f64 {
                widest = widest.max(run.width());
            }
            before = Some(run);
            run = Run::default();
        }
        if let Some(column) = column {
            run.note(column);
        }
    }
    widest
}

/// A stretch of face without a gap wider than [`GAP_MM`].
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    from: f64,
    to: f64,
    /// Columns that show the face, and all up to the last of them.
    seen: usize,
    count: usize,
    since: usize,
}

impl Run {
    fn note(&mut self, column: &Column) {
        if column.shows_face() {
            if self.seen == 0 {
                self.from = column.u;
                self.since = 0;
            }
            self.to = column.u;
            self.seen += 1;
            self.count += self.since + 1;
            self.since = 0;
        } else {
            self.since += 1;
        }
    }

    fn width(&self) -> f64 {
        self.to - self.from
    }

    /// Whether a port may lie between an earlier stretch and this one: both are flanks, and the gap is one of its size.
    fn may_hide_port_after(&self, before: &Self) -> bool {
        let flanks = before.width().min(self.width());
        flanks >= FLANK_MM && self.from - before.to <= PORT_MOST_MM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speckle of its own for every slice, with a little noise of its own for every frame.
    fn patch(slice: u32, frame: u32) -> Patch {
        let noise = |seed: u32, k: u32| {
            let mixed = (seed.wrapping_mul(0x9E37_79B9) ^ k.wrapping_mul(0x85EB_CA6B))
                .wrapping_mul(0xC2B2_AE35);
            (mixed >> 16) as f32 / 32768.0 - 1.0
        };
        let columns = 60;
        let cells = 0..(ROWS * columns) as u32;
        Patch {
            columns,
            level: cells
                .map(|k| noise(slice + 1, k) + 0.3 * noise(1000 + frame, k))
                .collect(),
        }
    }

    /// Shows the slices one after another, each in three frames.
    fn shown(slices: impl Iterator<Item = u32>, width: f64) -> Coverage {
        let mut coverage = Coverage::default();
        let mut frame = 0;
        for slice in slices {
            for _ in 0..3 {
                frame += 1;
                coverage.now = patch(slice, frame);
                // a real sweep changes little from frame to frame
                coverage.before = patch(slice, frame + 5000);
                coverage.follow(width);
            }
        }
        coverage
    }

    #[test]
    fn a_long_way_over_a_wide_face_is_covered_and_a_narrow_or_short_one_is_not() {
        assert!(shown(0..24, 38.0).covered());
        assert!(!shown(0..24, 0.0).covered());
        assert!(!shown(0..10, 38.0).covered());
    }

    #[test]
    fn a_hand_that_goes_to_and_fro_gains_nothing() {
        let coverage = shown((0..40).map(|k| k % 4), 38.0);
        assert_eq!(coverage.count, 4);
        assert!(!coverage.covered());
    }
}
