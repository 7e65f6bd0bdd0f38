//! What an opening in the face shows: septum, what lies behind it, the cup's bottom, the face beside it.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the columns of the interface"
)]
use super::face::{Interface, edge_near, median};
use super::grid::BeamGrid;
use super::port::{Body, rise};

/// An opening at least this wide may be taken for the fill port when first seen, mm.
pub(super) const FILL_LEAST_MM: f64 = 5.2;
/// A narrower one counts when the cup's bottom is this far under its septum, mm; that of an access port is not as deep.
/// Guesses, as every figure of the inside of a pump: in simulated pictures 5.4 to 10.4 and 2.2 to 4.6.
const CHORD_LEAST_MM: f64 = 3.8;
const FILL_FLOOR_MM: f64 = 5.4;
pub(super) const ACCESS_FLOOR_MM: f64 = 4.9;
/// Least rise of the cup's bottom that is seen plainly, grey levels.
const FLOOR_LEAST: f64 = 40.0;
/// The fill port of the smallest pump lies farther from the rim than this, mm.
pub(super) const RIM_LEAST_MM: f64 = 24.0;
/// Least rise of the rim's echoes by which an opening is known to be raised, with a septum above the face and without
/// one, grey levels.
const SHOULDER_LEAST: f64 = 12.0;
const SHOULDER_ALONE: f64 = 20.0;
/// Least rise of a recessed septum, grey levels, and its least share of that of an echo above the face, by which the
/// opening is known to be recessed. Measured on virtual patients: raised ports stay below in 95 of 100 frames, recessed
/// ones above in 95.
const SEPTUM_LEAST: f64 = 14.0;
const RECESSED_SHARE: f64 = 0.4;
/// Width of the rim of a raised port, mm: a guess, as in the simulated pumps.
const RAISED_RIM_MM: f64 = 1.2;
/// Least by which the rims of a raised port outshine what lies between them, grey levels, and the width up to which a
/// slice that shows less is one along the rim.
const DIP_LEAST: f64 = 15.0;
const RIM_SLICE_MM: f64 = 4.0;
/// Where a septum ends to be one: under the face plane, and above it, mm. The figures of `assets/pumps.toml` are guesses
/// of 1 to 2 mm below and 2 mm above; these leave room.
const DEEP_MM: (f64, f64) = (2.3, 2.8);
const HIGH_MM: (f64, f64) = (2.7, 3.2);
/// Width of the rim at each end of an opening, mm, in which its echo is looked for.
const RIM_WIDE_MM: f64 = 1.4;
/// Heights of the profile inside an opening against the line, mm.
const PROFILE_FROM_MM: f64 = -4.5;
const PROFILE_STEPS: usize = 136;
const PROFILE_STEP_MM: f64 = 0.15;

/// What an opening may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum OpeningClass {
    /// The fill port.
    Fill,
    /// The catheter access port, or a narrow slice that may be one.
    Access,
    /// A shadow, a loop, anything else.
    #[default]
    Other,
}

/// A break of the face line with what was measured on it. Lengths mm, levels grey values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    /// Ends along the line.
    pub from: f64,
    pub to: f64,
    /// How well the break fits a box, -1 to 1.
    pub fit: f64,
    /// Height of the metal under the line at which the columns meet, mm. Heights below are against it.
    pub base: f64,
    /// Height of the septum's echo against the face (negative: raised).
    pub step: f64,
    /// Rise of that echo, and share of the opening over which it is seen.
    pub septum: f64,
    /// Rise of the strongest such echo under the face plane, and of the strongest one above it.
    pub septum_low: f64,
    pub septum_high: f64,
    pub septum_cover: f64,
    /// How far that echo strays from a parallel of the face, mm.
    pub septum_rough: f64,
    /// Rise of the echoes of a rim that stands above the face at both ends of the opening, and its height.
    pub shoulder: f64,
    pub rim_up: f64,
    /// How much darker it is between these echoes, at their height, than they are: metal against a septum.
    pub dip: f64,
    /// Level behind the septum over the tissue's level.
    pub behind: f64,
    /// Level farther behind it over that below the face beside it: the metal's shadow has a hole there.
    pub through: f64,
    /// Rise of an echo farther below that the flanks do not have (cup bottom), and its height.
    pub cup: f64,
    pub cup_at: f64,
    /// Share of the opening over which that echo is seen, and how far it strays from a parallel of the face, mm.
    pub cup_cover: f64,
    pub cup_rough: f64,
    /// What is left of the face's edge inside.
    pub rest: f64,
    /// Share of the opening that is not in a shadow from above.
    pub visible: f64,
    /// Length of face seen on each side.
    pub left_face: f64,
    pub right_face: f64,
    /// Distance from the centre to the nearest end of the face that was really seen.
    pub rim: Option<f64>,
    /// Probability-like score of being an opening of a pump, 0 to 1.
    pub score: f64,
    /// What the rule says of it, 0 to 1.
    pub rule: f64,
    /// What it is taken for.
    pub class: OpeningClass,
    /// Whether the face it lies in is settled and a port is plainly seen inside: without both there is no lock.
    pub settled: bool,
}

/// Number of traits of an opening.
pub(super) const OPENING_TRAITS: usize = 33;

impl Opening {
    /// Whether a septum was seen at `step`.
    pub(super) fn septum_seen(&self) -> bool {
        self.septum >= 20.0 && self.septum_cover >= 0.6
    }

    /// Whether an echo under the face plane, along most of the opening, says that it is recessed.
    fn sunk(&self) -> bool {
        self.step > 0.0 && self.septum >= SEPTUM_LEAST && self.septum_cover >= 0.6
    }

    /// How far the opening stands above the face plane, mm: its rim when raised, 0 when recessed or not known. A layer
    /// of the capsule or of a scar above the opening is no septum: the echoes of the rim at both its ends must be
    /// there too.
    pub(super) fn raised(&self) -> f64 {
        if self.step < 0.0 && self.septum_seen() && self.shoulder >= SHOULDER_LEAST {
            -self.step
        } else if self.shoulder >= SHOULDER_ALONE && !self.sunk() {
            self.rim_up
        } else {
            0.0
        }
    }

    /// Height of the cup's bottom under the septum, mm, when it is seen plainly: bright, flat and over most of the opening.
    pub(super) fn floor(&self) -> Option<f64> {
        let plain = self.cup >= FLOOR_LEAST && self.cup_cover >= 0.75 && self.cup_rough <= 0.14;
        plain.then_some(self.cup_depth())
    }

    /// Height of the cup's bottom under a recessed septum, or under the face, mm.
    pub(super) fn cup_depth(&self) -> f64 {
        self.cup_at - self.step.max(0.0)
    }

    /// Whether the width of the opening may be a chord of the fill port: wide enough, or narrower over a cup as deep as
    /// only the fill port has.
    pub(super) fn may_be_fill(&self) -> bool {
        let least = match self.floor() {
            Some(depth) if depth >= FILL_FLOOR_MM => CHORD_LEAST_MM,
            _ => FILL_LEAST_MM,
        };
        self.port_width() >= least
    }

    /// Width of the port itself: of a raised one the rim at both ends hides the face beside it too.
    pub(super) fn port_width(&self) -> f64 {
        if self.raised() > 0.0 {
            (self.width() - 2.0 * RAISED_RIM_MM).max(0.0)
        } else {
            self.width()
        }
    }

    /// Whether the slice runs along the rim of a raised port, past its septum: narrow, and as bright in the middle as at
    /// both ends.
    pub(super) fn along_rim(&self) -> bool {
        self.raised() > 0.0 && self.dip < DIP_LEAST && self.port_width() < RIM_SLICE_MM
    }

    /// Whether the septum lies where one may, 0 to 1: no pump is known to have it deeper or higher.
    pub(super) fn septum_in_reach(&self) -> f64 {
        1.0 - rise(self.step, DEEP_MM.0, DEEP_MM.1).max(rise(-self.step, HIGH_MM.0, HIGH_MM.1))
    }

    /// Centre along the line.
    pub(super) fn center(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// Width along the line.
    pub(super) fn width(&self) -> f64 {
        self.to - self.from
    }
}

/// Mean profiles inside and beside an opening, with buffers kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    inside: Vec<f32>,
    beside: Vec<f32>,
    rims: [Vec<f32>; 2],
    offsets: Vec<f32>,
}

impl Profiles {
    /// Fills an opening with what is seen in and beside the columns `from..to`.
    pub(super) fn look(
        &mut self,
        grid: &BeamGrid,
        face: &Interface,
        body: &Body,
        (i, j): (usize, usize),
        o: &mut Opening,
    ) {
        let trim = ((j - i) as f64 * 0.15).round() as usize;
        let (low, high) = (i + trim, j.saturating_sub(trim).max(i + trim + 1));
        average(grid, face, &(low..high), &mut self.inside);
        let reach = (6.0 / grid.pitch) as usize;
        let flanks = i.saturating_sub(reach)..(j + reach).min(face.columns.len());
        average(
            grid,
            face,
            &flanks.filter(|b| body.shows(*b)),
            &mut self.beside,
        );
        o.base = self.base(body.under);
        self.look_inside(o);
        let rim = (RIM_WIDE_MM / grid.pitch).ceil() as usize;
        for (columns, shoulder) in [(i..i + rim, 0), (j.saturating_sub(rim)..j, 1)] {
            average(grid, face, &columns, &mut self.rims[shoulder]);
        }
        (o.shoulder, o.rim_up) = self.rim(o.base);
        o.dip = self.dip(o);
        let met = || (low..high).filter(|b| face.columns[*b].met);
        let count = met().count().max(1) as f64;
        let clear: f64 = met()
            .map(|b| visibility(f64::from(face.columns[b].shade)))
            .sum();
        o.visible = clear / count;
        let mut flat = |at: f64| parallel(grid, face, low..high, at, &mut self.offsets);
        (o.septum_cover, o.septum_rough) = flat(o.base + o.step);
        (o.cup_cover, o.cup_rough) = flat(o.base + o.cup_at);
        look_beside(grid, face, body, (i, j), o);
    }

    /// Where the levels beside the opening first leave those inside it: there the metal begins.
    fn base(&self, under: f64) -> f64 {
        let steps = 12;
        let at = |k: usize| under - 0.9 + PROFILE_STEP_MM * k as f64;
        let apart = |k: usize| {
            let (from, to) = (at(k) - 0.15, at(k) + 0.15);
            window(&self.beside, from, to) - window(&self.inside, from, to)
        };
        let most = (0..steps).map(apart).fold(0.0, f64::max);
        let half = 0.5 * most;
        let Some(first) = (0..steps).find(|k| apart(*k) >= half) else {
            return under;
        };
        if most <= 0.0 || first == 0 {
            return at(first);
        }
        let (low, high) = (apart(first - 1), apart(first));
        let part = if high > low {
            (half - low) / (high - low)
        } else {
            1.0
        };
        at(first - 1) + PROFILE_STEP_MM * part.clamp(0.0, 1.0)
    }

    /// Rise of the echoes above the face at both ends of the opening, the weaker end counting, and their height.
    fn rim(&self, base: f64) -> (f64, f64) {
        let mut best = (0.0_f64, 0.0_f64);
        for k in 0..20 {
            let up = 0.6 + 0.15 * f64::from(k);
            let [left, right] = &self.rims;
            // a layer that runs on over the flanks is no rim
            let layer = (-2..=2)
                .map(|k| onset(&self.beside, base - up + 0.15 * f64::from(k)))
                .fold(0.0, f64::max);
            let near = |profile: &[f32]| {
                (-1..=1)
                    .map(|k| onset(profile, base - up + 0.15 * f64::from(k)))
                    .fold(0.0, f64::max)
            };
            let gain = near(left).min(near(right)) - 1.5 * layer;
            if gain > best.0 {
                best = (gain, up);
            }
        }
        best
    }

    /// The weaker of the two rims' echoes against the echo between them.
    fn dip(&self, o: &Opening) -> f64 {
        let strongest = |profile: &[f32]| {
            (0..6)
                .map(|k| o.base - o.rim_up - 0.3 + 0.15 * f64::from(k))
                .map(|at| window(profile, at, at + 0.3))
                .fold(0.0, f64::max)
        };
        let [left, right] = &self.rims;
        strongest(left).min(strongest(right)) - strongest(&self.inside)
    }

    /// The profile inside the opening: septum, what lies behind it, cup bottom.
    fn look_inside(&self, o: &mut Opening) {
        let inside = |from: f64, to: f64| window(&self.inside, o.base + from, o.base + to);
        let beside = |from: f64, to: f64| window(&self.beside, o.base + from, o.base + to);
        let edge = |at: f64| onset(&self.inside, o.base + at);
        let tissue = beside(-3.5, -1.2);
        let (mut below, mut over) = ((0.0_f64, 0.0_f64), (0.0_f64, 0.0_f64));
        for k in 0..46 {
            let step = -3.3 + 0.15 * f64::from(k);
            if step.abs() < 0.4 {
                continue;
            }
            let mut gain = edge(step);
            if !(-0.4..1.1).contains(&step) {
                // a layer that runs on over or under the flanks is not the port's
                let layer = (-2..=2)
                    .map(|k| onset(&self.beside, o.base + step + 0.15 * f64::from(k)))
                    .fold(0.0, f64::max);
                gain -= 1.5 * layer;
            }
            let best = if step > 0.0 { &mut below } else { &mut over };
            if gain > best.0 {
                *best = (gain, step);
            }
        }
        (o.septum_low, o.septum_high) = (below.0, over.0);
        // a recessed septum is seen through the opening only; a layer above it is not the port's
        let recessed = below.0 >= SEPTUM_LEAST && below.0 >= RECESSED_SHARE * over.0;
        let (septum, step) = if recessed || over.0 <= below.0 {
            below
        } else {
            over
        };
        let mut rest = (0..5)
            .map(|k| edge(-0.3 + 0.15 * f64::from(k)))
            .fold(0.0, f64::max);
        if step > 0.0 && step < 0.8 {
            rest = rest.min(edge(-0.15));
        }
        let behind = inside(step + 0.45, step + 2.2) - tissue;
        let beyond = step.max(0.0);
        let through = inside(beyond + 1.5, beyond + 5.5) - beside(beyond + 2.5, beyond + 6.5);
        let mut cup = (0.0_f64, 0.0_f64);
        for k in 0..56 {
            let at = beyond + 2.2 + 0.15 * f64::from(k);
            let gain = deep_onset(&self.inside, o.base + at)
                - deep_onset(&self.beside, o.base + at).max(0.0);
            if gain > cup.0 {
                cup = (gain, at);
            }
        }
        (o.septum, o.step, o.rest) = (septum, step, rest);
        (o.behind, o.through) = (behind, through);
        (o.cup, o.cup_at) = cup;
    }
}

/// Face seen on both sides and the nearest end of it.
fn look_beside(
    grid: &BeamGrid,
    face: &Interface,
    body: &Body,
    (i, j): (usize, usize),
    o: &mut Opening,
) {
    let seen = |b: usize| {
        if body.shows(b) {
            face.width_of(b, grid.pitch)
        } else {
            0.0
        }
    };
    o.left_face = (0..i).map(seen).sum();
    o.right_face = (j..face.columns.len()).map(seen).sum();
    let run = (2.0 / grid.pitch).round().max(3.0) as usize;
    let solid = |b: usize| {
        let shown = (b..b + run).filter(|k| body.shows(*k)).count();
        shown * 4 >= run * 3
    };
    let count = face.columns.len();
    let first = (0..i).find(|b| body.shows(*b) && solid(*b));
    let last = (j..count)
        .rev()
        .find(|b| body.shows(*b) && *b + 1 >= run && solid(*b + 1 - run));
    let center = o.center();
    let mut rim: Option<f64> = None;
    if let Some(first) = first.filter(|b| ends_at(grid, face, body, *b, -1)) {
        rim = Some(center - face.columns[first].u);
    }
    if let Some(last) = last.filter(|b| ends_at(grid, face, body, *b, 1)) {
        let right = face.columns[last].u - center;
        rim = Some(rim.map_or(right, |left: f64| left.min(right)));
    }
    o.rim = rim;
}

/// Share of columns that show an edge at a height, and how far these edges stray from a parallel of the face.
fn parallel(
    grid: &BeamGrid,
    face: &Interface,
    columns: std::ops::Range<usize>,
    height: f64,
    offsets: &mut Vec<f32>,
) -> (f64, f64) {
    offsets.clear();
    let mut count = 0.0;
    for b in columns {
        let c = &face.columns[b];
        if !c.met {
            continue;
        }
        count += 1.0;
        if let Some((at, _)) = edge_near(grid, b, c.range + height, 0.6) {
            offsets.push((at - c.range) as f32);
        }
    }
    let usual = median(offsets.iter().copied());
    let stray = median(offsets.iter().map(|v| (v - usual).abs()));
    (
        offsets.len() as f64 / f64::max(count, 1.0),
        1.48 * f64::from(stray),
    )
}

/// Weight of a column whose tissue above is darker than its surroundings by `shade`.
pub(super) fn visibility(shade: f64) -> f64 {
    1.0 - rise(shade, 16.0, 34.0)
}

/// Whether the face really ends at a column: bright up to it, then at least 4 mm that would show it and do not.
fn ends_at(grid: &BeamGrid, face: &Interface, body: &Body, column: usize, side: i64) -> bool {
    let pick = |mm: f64| {
        let at = column as i64 + side * (mm / grid.pitch).round() as i64;
        let b = usize::try_from(at).ok()?;
        Some((face.columns.get(b)?, *body.lit.get(b)?))
    };
    let beyond = (6..=18).step_by(2).all(|k| {
        pick(f64::from(k) * 0.25)
            .is_some_and(|(c, lit)| c.met && lit < 0.35 && visibility(f64::from(c.shade)) > 0.5)
    });
    let before = (2..=8)
        .step_by(2)
        .filter(|k| pick(-f64::from(*k) * 0.25).is_some_and(|(_, lit)| lit > 0.6))
        .count();
    beyond && before >= 3
}

/// Mean profile over columns, in steps of [`PROFILE_STEP_MM`] from [`PROFILE_FROM_MM`] against the line.
fn average(
    grid: &BeamGrid,
    face: &Interface,
    columns: &(impl Iterator<Item = usize> + Clone),
    out: &mut Vec<f32>,
) {
    out.clear();
    out.resize(PROFILE_STEPS, f32::NAN);
    for (k, value) in out.iter_mut().enumerate() {
        let height = PROFILE_FROM_MM + PROFILE_STEP_MM * k as f64;
        let (mut sum, mut count) = (0.0_f32, 0.0_f32);
        for b in columns.clone() {
            let c = &face.columns[b];
            if !c.met {
                continue;
            }
            if let Some(level) = grid.mean(b, c.range + height, c.range + height + PROFILE_STEP_MM)
            {
                sum += level;
                count += 1.0;
            }
        }
        if count > 0.0 {
            *value = sum / count;
        }
    }
}

/// Mean of a profile between two heights; 0 where it is not known.
fn window(profile: &[f32], from: f64, to: f64) -> f64 {
    let at = |h: f64| ((h - PROFILE_FROM_MM) / PROFILE_STEP_MM).round().max(0.0) as usize;
    let (low, high) = (at(from).min(PROFILE_STEPS - 1), at(to).min(PROFILE_STEPS));
    let (mut sum, mut count) = (0.0, 0.0);
    for v in profile[low..high.max(low + 1)]
        .iter()
        .filter(|v| v.is_finite())
    {
        sum += f64::from(*v);
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

fn onset(profile: &[f32], at: f64) -> f64 {
    window(profile, at, at + 0.45) - window(profile, at - 1.05, at - 0.15)
}

fn deep_onset(profile: &[f32], at: f64) -> f64 {
    window(profile, at, at + 0.6) - window(profile, at - 1.8, at - 0.45)
}
