//! Openings in the face: where its line is broken, how wide, and what is seen inside.
//!
//! A break alone is not a port. A port's break starts at the face (the tissue above is as bright as beside it),
//! has the face on both sides and shows the septum inside: a second echo parallel to the face, above or below it,
//! with reverberation behind it. A shadow shows none of these.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the columns of the interface"
)]
use super::context::DetectorContext;
use super::face::{Interface, edge_near, median};
use super::grid::BeamGrid;
use super::weights::{OPENING, OPENING_BIAS, logit, probability};

/// Openings kept per frame.
const KEPT: usize = 5;
/// Least and most width of a break looked for, mm (the rims of a raised port hide part of the face).
const NARROWEST_MM: f64 = 1.8;
const WIDEST_MM: f64 = 12.0;
/// Face beside a break that is compared with it, mm.
const FLANK_MM: f64 = 5.0;
/// An opening at least this wide may be taken for the fill port when first seen, mm.
pub(super) const FILL_LEAST_MM: f64 = 5.2;
/// The fill port of the smallest pump lies farther from the rim than this, mm.
pub(super) const RIM_LEAST_MM: f64 = 24.0;
/// Heights of the profile inside an opening against the face line, mm.
const PROFILE_FROM_MM: f64 = -4.5;
const PROFILE_STEPS: usize = 124;
const PROFILE_STEP_MM: f64 = 0.15;

/// Fall of the face's echo that marks its end, grey levels (6 dB of a 60 dB picture, and what saturation hides).
const EDGE_DROP: f32 = 30.0;

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
    /// Height of the septum's echo against the face (negative: raised).
    pub step: f64,
    /// Rise of that echo, and share of the opening over which it is seen.
    pub septum: f64,
    pub septum_cover: f64,
    /// How far that echo strays from a parallel of the face, mm.
    pub septum_rough: f64,
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
    /// What is left of the face echo inside.
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
    /// What it is taken for.
    pub class: OpeningClass,
    /// What speaks for or against its being a pump's opening, in the order of `classify`.
    pub traits: [f64; OPENING_TRAITS],
}

/// Number of traits of an opening.
pub(super) const OPENING_TRAITS: usize = 36;

impl Opening {
    /// Whether a septum was seen at `step`.
    pub(super) fn septum_seen(&self) -> bool {
        self.septum >= 20.0 && self.septum_cover >= 0.6
    }

    /// How far the opening stands above the face plane, mm: its rim when raised, 0 when recessed or not known.
    pub(super) fn raised(&self) -> f64 {
        if self.septum_seen() {
            (-self.step).max(0.0)
        } else {
            0.0
        }
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

/// Buffers of the search, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct PortSearch {
    /// Running sums over columns of evidence x visibility x width, and of visibility x width.
    evidence: Vec<f64>,
    weight: Vec<f64>,
    position: Vec<f64>,
    boxes: Vec<(f64, usize, usize)>,
    inside: Vec<f32>,
    beside: Vec<f32>,
    offsets: Vec<f32>,
}

/// 0 at `none`, 1 at `full`, straight between.
pub(super) fn rise(value: f64, none: f64, full: f64) -> f64 {
    ((value - none) / (full - none)).clamp(0.0, 1.0)
}

impl PortSearch {
    /// The openings of a face, most port-like first.
    pub(super) fn find(
        &mut self,
        grid: &BeamGrid,
        face: &Interface,
        context: &DetectorContext,
        found: &mut Vec<Opening>,
    ) {
        found.clear();
        let Some((first, last)) = face.ends(grid.pitch) else {
            return;
        };
        self.sums(grid, face);
        self.boxes(first, last);
        for k in 0..self.boxes.len().min(KEPT) {
            let (fit, i, j) = self.boxes[k];
            let mut opening = Opening {
                fit,
                ..Opening::default()
            };
            (opening.from, opening.to) = edges(face, i, j);
            self.look_inside(grid, face, (i, j), &mut opening);
            Self::look_beside(grid, face, (i, j), &mut opening);
            classify(face, context, &mut opening);
            found.push(opening);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
    }

    fn sums(&mut self, grid: &BeamGrid, face: &Interface) {
        self.evidence.clear();
        self.weight.clear();
        self.position.clear();
        self.evidence.push(0.0);
        self.weight.push(0.0);
        let (mut total, mut weight) = (0.0, 0.0);
        for (b, c) in face.columns.iter().enumerate() {
            let width = if c.met {
                face.width_of(b, grid.pitch)
            } else {
                0.0
            };
            let clear = visibility(f64::from(c.shade)) * width;
            let sign = ((f64::from(c.on) - 0.45) / 0.3).clamp(-1.0, 1.0);
            total += sign * clear;
            weight += clear;
            self.evidence.push(total);
            self.weight.push(weight);
            self.position.push(if c.met { c.u } else { f64::NAN });
        }
    }

    /// The best boxes between two columns, no two overlapping by much.
    fn boxes(&mut self, first: usize, last: usize) {
        let mut all: Vec<(f64, usize, usize)> = Vec::new();
        for i in first + 1..last {
            for j in i + 1..=last {
                let width = self.position[j] - self.position[i];
                if width.is_nan() || width > WIDEST_MM {
                    break;
                }
                if width < NARROWEST_MM {
                    continue;
                }
                let fit = self.fit(i, j, first, last);
                if fit > 0.2 {
                    all.push((fit, i, j));
                }
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.boxes.clear();
        for candidate in all {
            let apart = self
                .boxes
                .iter()
                .all(|b| candidate.2 <= b.1 + 1 || candidate.1 + 1 >= b.2);
            if apart {
                self.boxes.push(candidate);
                if self.boxes.len() == KEPT {
                    break;
                }
            }
        }
    }

    /// How well columns `i..j` are dark between bright flanks: -1 to 1, from the columns that can be judged.
    fn fit(&self, i: usize, j: usize, first: usize, last: usize) -> f64 {
        let sum = |a: usize, b: usize| {
            (
                self.evidence[b] - self.evidence[a],
                self.weight[b] - self.weight[a],
            )
        };
        let (mut before, mut after) = (i, j);
        while before > first && self.position[i] - self.position[before - 1] <= FLANK_MM {
            before -= 1;
        }
        while after < last && self.position[after + 1] - self.position[j] <= FLANK_MM {
            after += 1;
        }
        let (inside, inside_weight) = sum(i, j);
        let (left, left_weight) = sum(before, i);
        let (right, right_weight) = sum(j, after + 1);
        let width = self.position[j] - self.position[i];
        if inside_weight < 0.4 * width || left_weight < 1.0 || right_weight < 1.0 {
            return -1.0;
        }
        // the weaker flank decides: an end of the face is not an opening
        let flank = (left / left_weight).min(right / right_weight);
        let gain = -inside + left + right;
        let dark = -inside / inside_weight;
        (gain / (inside_weight + left_weight + right_weight))
            .min(flank + 0.35)
            .min(dark + 0.35)
    }

    /// The profile inside the opening: septum, what lies behind it, cup bottom.
    fn look_inside(
        &mut self,
        grid: &BeamGrid,
        face: &Interface,
        (i, j): (usize, usize),
        o: &mut Opening,
    ) {
        let trim = ((j - i) as f64 * 0.15).round() as usize;
        let (low, high) = (i + trim, j.saturating_sub(trim).max(i + trim + 1));
        average(grid, face, low..high, false, &mut self.inside);
        let reach = (6.0 / grid.pitch) as usize;
        let flanks = i.saturating_sub(reach)..(j + reach).min(face.columns.len());
        average(grid, face, flanks, true, &mut self.beside);
        let tissue = window(&self.beside, -3.5, -1.2);
        let mut best = (0.0_f64, 0.0_f64);
        for k in 0..46 {
            let step = -3.3 + 0.15 * f64::from(k);
            if step.abs() < 0.4 {
                continue;
            }
            let mut gain = onset(&self.inside, step);
            if !(-0.4..1.1).contains(&step) {
                // a layer that runs on over or under the flanks is not the port's
                let layer = (-2..=2)
                    .map(|k| onset(&self.beside, step + 0.15 * f64::from(k)))
                    .fold(0.0, f64::max);
                gain -= 1.5 * layer;
            }
            if gain > best.0 {
                best = (gain, step);
            }
        }
        (o.septum, o.step) = best;
        o.rest = (0..5)
            .map(|k| onset(&self.inside, -0.3 + 0.15 * f64::from(k)))
            .fold(0.0, f64::max);
        if o.step > 0.0 && o.step < 0.8 {
            o.rest = o.rest.min(onset(&self.inside, -0.15));
        }
        o.behind = window(&self.inside, o.step + 0.45, o.step + 2.2) - tissue;
        let beyond = o.step.max(0.0);
        o.through = window(&self.inside, beyond + 1.5, beyond + 5.5)
            - window(&self.beside, beyond + 2.5, beyond + 6.5);
        let mut cup = (0.0_f64, 0.0_f64);
        for k in 0..56 {
            let at = o.step.max(0.0) + 2.2 + 0.15 * f64::from(k);
            let gain = deep_onset(&self.inside, at) - deep_onset(&self.beside, at).max(0.0);
            if gain > cup.0 {
                cup = (gain, at);
            }
        }
        (o.cup, o.cup_at) = cup;
        let met = || (low..high).filter(|b| face.columns[*b].met);
        let count = met().count().max(1) as f64;
        let clear: f64 = met()
            .map(|b| visibility(f64::from(face.columns[b].shade)))
            .sum();
        o.visible = clear / count;
        (o.septum_cover, o.septum_rough) =
            parallel(grid, face, low..high, o.step, &mut self.offsets);
        (o.cup_cover, o.cup_rough) = parallel(grid, face, low..high, o.cup_at, &mut self.offsets);
    }

    /// Face seen on both sides and the nearest end of it.
    fn look_beside(grid: &BeamGrid, face: &Interface, (i, j): (usize, usize), o: &mut Opening) {
        let seen = |b: usize| {
            if face.columns[b].shows_face() {
                face.width_of(b, grid.pitch)
            } else {
                0.0
            }
        };
        o.left_face = (0..i).map(seen).sum();
        o.right_face = (j..face.columns.len()).map(seen).sum();
        let Some((first, last)) = face.ends(grid.pitch) else {
            return;
        };
        let center = o.center();
        let mut rim: Option<f64> = None;
        if ends_at(grid, face, first, -1) {
            rim = Some(center - face.columns[first].u);
        }
        if ends_at(grid, face, last, 1) {
            let right = face.columns[last].u - center;
            rim = Some(rim.map_or(right, |left: f64| left.min(right)));
        }
        o.rim = rim;
    }
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
fn visibility(shade: f64) -> f64 {
    1.0 - rise(shade, 16.0, 34.0)
}

/// Whether the face really ends at a column: bright up to it, then at least 4 mm that would show it and do not.
fn ends_at(grid: &BeamGrid, face: &Interface, column: usize, side: i64) -> bool {
    let pick = |mm: f64| {
        let at = column as i64 + side * (mm / grid.pitch).round() as i64;
        usize::try_from(at).ok().and_then(|b| face.columns.get(b))
    };
    let beyond = (6..=18).step_by(2).all(|k| {
        pick(f64::from(k) * 0.25)
            .is_some_and(|c| c.met && c.on < 0.35 && visibility(f64::from(c.shade)) > 0.5)
    });
    let before = (2..=8)
        .step_by(2)
        .filter(|k| pick(-f64::from(*k) * 0.25).is_some_and(|c| c.on > 0.6))
        .count();
    beyond && before >= 3
}

/// Ends of a box along the line: where the face's echo has lost [`EDGE_DROP`] grey levels, or half of its rise when
/// that is less. An echo that saturates the picture falls late, so half of the rise would lie far inside.
fn edges(face: &Interface, i: usize, j: usize) -> (f64, f64) {
    let reach = 16;
    let flank = |range: std::ops::Range<usize>| {
        median(
            face.columns[range]
                .iter()
                .filter(|c| c.shows_face())
                .map(|c| c.contrast),
        )
    };
    let left = flank(i.saturating_sub(reach)..i);
    let right = flank(j..(j + reach).min(face.columns.len()));
    let inside = median(face.columns[i..j].iter().map(|c| c.contrast));
    let at = |outside: f32| outside - (0.5 * (outside - inside)).min(EDGE_DROP);
    let middle = usize::midpoint(i, j) as i64;
    (
        crossing(face, middle, -1, at(left)),
        crossing(face, middle, 1, at(right)),
    )
}

/// Where, going from a column to one side, the smoothed rise of the echo first stays above a level.
fn crossing(face: &Interface, from: i64, side: i64, level: f32) -> f64 {
    let rise = |b: i64| {
        let near = |k: i64| {
            usize::try_from(k)
                .ok()
                .and_then(|k| face.columns.get(k))
                .map_or(0.0, |c| c.contrast)
        };
        (near(b - 1) + 2.0 * near(b) + near(b + 1)) / 4.0
    };
    let u = |b: i64| {
        usize::try_from(b)
            .ok()
            .and_then(|k| face.columns.get(k))
            .map_or(f64::NAN, |c| c.u)
    };
    let mut b = from;
    for _ in 0..60 {
        let next = b + side;
        let (here, there, then) = (rise(b), rise(next), rise(next + side));
        if there >= level && then >= level {
            let part = if there > here {
                f64::from((level - here) / (there - here)).clamp(0.0, 1.0)
            } else {
                0.5
            };
            return u(b) + (u(next) - u(b)) * part;
        }
        b = next;
    }
    u(from)
}

/// Mean profile over columns, in steps of [`PROFILE_STEP_MM`] from [`PROFILE_FROM_MM`] against the line.
fn average(
    grid: &BeamGrid,
    face: &Interface,
    columns: std::ops::Range<usize>,
    only_face: bool,
    out: &mut Vec<f32>,
) {
    out.clear();
    out.resize(PROFILE_STEPS, f32::NAN);
    for (k, value) in out.iter_mut().enumerate() {
        let height = PROFILE_FROM_MM + PROFILE_STEP_MM * k as f64;
        let (mut sum, mut count) = (0.0_f32, 0.0_f32);
        for b in columns.clone() {
            let c = &face.columns[b];
            if !c.met || (only_face && !c.shows_face()) {
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

/// Scores an opening and says what it may be.
fn classify(face: &Interface, context: &DetectorContext, o: &mut Opening) {
    let fit = rise(o.fit, 0.45, 0.82);
    // a shadow is dark behind whatever casts it; a port is not
    let open = rise(o.behind, 2.0, 16.0).max(rise(o.through, 8.0, 22.0));
    let septum = rise(o.septum, 14.0, 34.0)
        * rise(o.septum_cover, 0.4, 0.75)
        * rise(o.step.abs(), 0.55, 0.9)
        * (1.0 - rise(o.septum_rough, 0.16, 0.3))
        * (1.0 - rise(o.rest - 0.5 * o.septum, 0.0, 20.0));
    let cup = rise(o.cup, 14.0, 40.0);
    let recessed = if o.width() >= FILL_LEAST_MM {
        rise(o.step.abs(), 0.7, 1.05)
    } else {
        1.0
    };
    // the cup's bottom, flat and bright, seen through the hole in the metal's shadow: no look-alike has it
    let bottom = rise(o.cup, 45.0, 80.0)
        * rise(o.through, 2.0, 10.0)
        * rise(o.cup_cover, 0.75, 0.95)
        * (1.0 - rise(o.cup_rough, 0.06, 0.14));
    let inside = (septum * recessed * open * (0.85 + 0.15 * cup)).max(bottom);
    let visible = rise(o.visible, 0.45, 0.8);
    let beside = rise(o.left_face.min(o.right_face), 2.5, 6.0)
        * rise(o.left_face + o.right_face, 14.0, 21.0);
    o.traits = [
        o.fit.clamp(0.0, 1.0),
        (o.septum / 40.0).clamp(0.0, 2.0),
        o.septum_cover,
        (5.0 * o.septum_rough).clamp(0.0, 2.0),
        o.step.clamp(-3.5, 3.5).max(0.0),
        (-o.step).clamp(0.0, 3.5),
        (o.rest / 40.0).clamp(0.0, 2.0),
        (o.behind / 30.0).clamp(-2.0, 3.0),
        (o.through / 30.0).clamp(-2.0, 3.0),
        (o.cup / 50.0).clamp(0.0, 3.0),
        o.cup_cover,
        (5.0 * o.cup_rough).clamp(0.0, 2.0),
        ((o.cup_at - o.step.max(0.0)) / 5.0).clamp(0.0, 2.5),
        o.visible,
        (o.left_face.min(o.right_face) / 10.0).min(2.0),
        (o.left_face + o.right_face).min(50.0) / 20.0,
        o.width() / 7.0,
        fit,
        open,
        septum,
        cup,
        bottom,
        inside,
        visible,
        beside,
        face.logit.clamp(-6.0, 6.0),
        (o.width() - 7.0).abs(),
        (5.2 - o.width()).max(0.0),
        face.traits[3],
        face.traits[5],
        face.traits[7],
        face.traits[9],
        face.traits[10],
        face.traits[13],
        face.traits[14],
        (o.cup_at - o.step.max(0.0) - 3.0).clamp(0.0, 4.0),
    ];
    o.score = probability(logit(OPENING_BIAS, &OPENING, &o.traits)) * rise(o.visible, 0.3, 0.5);
    let width = o.width();
    let most = context.port_width.1.0 + if o.step < 0.0 { 3.5 } else { 1.5 };
    o.class = match o.rim {
        Some(rim) if rim < RIM_LEAST_MM => {
            if width < FILL_LEAST_MM + 0.6 {
                OpeningClass::Access
            } else {
                OpeningClass::Other
            }
        }
        _ if width > most => OpeningClass::Other,
        _ if width >= FILL_LEAST_MM => OpeningClass::Fill,
        _ => OpeningClass::Access,
    };
    let allowed = !o.septum_seen() || context.family.allows(o.step);
    if !allowed && o.class == OpeningClass::Fill {
        o.class = OpeningClass::Other;
    }
}
