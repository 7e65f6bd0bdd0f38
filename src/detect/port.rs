//! Openings in the face: where its bright body is broken, how wide, and what is seen inside.
//!
//! Not its edge but its body is searched, the levels just below the line: the capsule of the pocket runs on over a
//! port and has an edge of its own there, while only metal shines on below it. The body may begin somewhat under
//! the line that was fitted (which may be the capsule's), so it is looked for at several heights.
//!
//! A break alone is not a port. A port's break starts at the face (the tissue above is as bright as beside it),
//! has the face on both sides and shows the septum inside: a second echo parallel to the face, above or below it,
//! with reverberation behind it. A shadow shows none of these.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the columns of the interface"
)]
use super::context::DetectorContext;
use super::face::{Interface, median, ranked};
use super::grid::BeamGrid;
use super::opening::{Opening, Profiles, visibility};
use super::port_class::classify;

/// Openings kept per frame.
const KEPT: usize = 5;
/// Least and most width of a break looked for, mm (the rims of a raised port hide part of the face).
const NARROWEST_MM: f64 = 1.8;
const WIDEST_MM: f64 = 12.0;
/// Face beside a break that is compared with it, mm.
const FLANK_MM: f64 = 5.0;
/// Heights under the line at which the body is looked for, mm, and how much of it is read.
const UNDER_MM: [f64; 4] = [0.0, 0.5, 1.0, 1.6];
/// Width of a port of which only one end is clear of a shadow, mm, when the pump is not known.
const WIDTH_MM: f64 = 7.0;
/// Least of such a port, and of the face beside it, that must be seen, mm; its fit counts less.
const SEEN_MM: f64 = 2.2;
const ONE_END: f64 = 0.85;
const BODY_MM: f64 = 0.75;
/// Least levels by which the body of a face outshines the tissue above it.
const BODY_LEAST: f32 = 24.0;
/// Reach over which the body's usual level is taken, mm: a face dims toward where it is oblique to the beams.
const USUAL_MM: f64 = 15.0;
/// Share of the body's usual level from which on a column shows it.
const LIT_LEAST: f32 = 0.5;
/// Least fit of a box that is looked into.
const FIT_LEAST: f64 = 0.25;
/// Fall of the face's body that marks its end, grey levels (6 dB of a 60 dB picture, and what saturation hides).
const EDGE_DROP: f32 = 30.0;

/// 0 at `none`, 1 at `full`, straight between.
pub(super) fn rise(value: f64, none: f64, full: f64) -> f64 {
    ((value - none) / (full - none)).clamp(0.0, 1.0)
}

/// The body of the face at one height under its line.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// Height under the line, mm.
    pub under: f64,
    /// Mean level of each column; 0 where it is not met.
    pub level: Vec<f32>,
    /// Share of what is usual around it, 0 to 1.
    pub lit: Vec<f32>,
}

impl Body {
    /// Whether the face is seen in a column.
    pub(super) fn shows(&self, column: usize) -> bool {
        self.lit.get(column).is_some_and(|l| *l >= LIT_LEAST)
    }

    fn read(&mut self, grid: &BeamGrid, face: &Interface, under: f64, tissue: f32) {
        self.under = under;
        self.level.clear();
        self.level
            .extend(face.columns.iter().enumerate().map(|(b, c)| {
                let from = c.range + under + 0.1;
                let level = c.met.then(|| grid.mean(b, from, from + BODY_MM));
                level.flatten().unwrap_or(0.0)
            }));
        self.lit.clear();
        let reach = (USUAL_MM / grid.pitch) as usize;
        let block = (3.0 / grid.pitch).max(1.0) as usize;
        let n = self.level.len();
        let mut around: Vec<f32> = Vec::with_capacity(2 * reach + 1);
        while self.lit.len() < n {
            let start = self.lit.len();
            let middle = (start + block / 2).min(n - 1);
            let near = middle.saturating_sub(reach)..(middle + reach).min(n);
            around.clear();
            around.extend(near.filter(|b| face.columns[*b].met).map(|b| self.level[b]));
            let upper = around.len() * 7 / 10;
            let usual = ranked(&mut around, upper).unwrap_or(0.0);
            let over = usual - tissue;
            for b in start..(start + block).min(n) {
                self.lit.push(if over >= BODY_LEAST {
                    ((self.level[b] - tissue) / over).clamp(0.0, 1.0)
                } else {
                    0.0
                });
            }
        }
    }
}

/// A break found: its fit, the body in which it was, its columns, and which of them are clear of shadows when one
/// end is not.
#[derive(Clone, Copy, Debug)]
struct Break {
    fit: f64,
    body: usize,
    from: usize,
    to: usize,
    seen: Option<(usize, usize)>,
}

/// To which side of its clear end a break runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Buffers of the search, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct PortSearch {
    bodies: [Body; UNDER_MM.len()],
    /// Running sums over columns of evidence x visibility x width, and of visibility x width.
    evidence: Vec<f64>,
    weight: Vec<f64>,
    position: Vec<f64>,
    /// First column of the flank before each column, and last of the flank after it.
    before: Vec<usize>,
    after: Vec<usize>,
    breaks: Vec<Break>,
    kept: Vec<Break>,
    profiles: Profiles,
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
        let tissue = tissue_level(grid, face);
        self.breaks.clear();
        let width = context.whole_width.map_or(WIDTH_MM, |w| w.0);
        for (k, under) in UNDER_MM.into_iter().enumerate() {
            self.bodies[k].read(grid, face, under, tissue);
            self.sums(grid, face, k);
            self.boxes(grid, k);
            self.half_hidden(face, k, width);
        }
        self.keep();
        for k in 0..self.kept.len() {
            let found_break = self.kept[k];
            let mut opening = Opening {
                fit: found_break.fit,
                ..Opening::default()
            };
            let body = &self.bodies[found_break.body];
            let (from, to) = (found_break.from, found_break.to);
            (opening.from, opening.to) = edges(face, body, from, to);
            let seen = found_break.seen.unwrap_or((from, to));
            if seen.0 > from {
                opening.from = opening.to - width;
            }
            if seen.1 < to {
                opening.to = opening.from + width;
            }
            self.profiles.look(grid, face, body, seen, &mut opening);
            if found_break.seen.is_some() {
                opening.visible *= (seen.1 - seen.0) as f64 / (to - from).max(1) as f64;
            }
            classify(face, context, &mut opening);
            found.push(opening);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
    }

    fn sums(&mut self, grid: &BeamGrid, face: &Interface, body: usize) {
        self.evidence.clear();
        self.weight.clear();
        self.position.clear();
        self.evidence.push(0.0);
        self.weight.push(0.0);
        let lit = &self.bodies[body].lit;
        let (mut total, mut weight) = (0.0, 0.0);
        for (b, c) in face.columns.iter().enumerate() {
            let width = if c.met {
                face.width_of(b, grid.pitch)
            } else {
                0.0
            };
            let clear = visibility(f64::from(c.shade)) * width;
            let sign = ((f64::from(lit[b]) - 0.5) / 0.25).clamp(-1.0, 1.0);
            total += sign * clear;
            weight += clear;
            self.evidence.push(total);
            self.weight.push(weight);
            self.position.push(if c.met { c.u } else { f64::NAN });
        }
        let n = self.position.len();
        let position = &self.position;
        self.before.clear();
        self.before.extend((0..n).map(|i| {
            let mut k = i;
            while k > 0 && position[i] - position[k - 1] <= FLANK_MM {
                k -= 1;
            }
            k
        }));
        self.after.clear();
        self.after.extend((0..n).map(|j| {
            let mut k = j;
            while k + 1 < n && position[k + 1] - position[j] <= FLANK_MM {
                k += 1;
            }
            k
        }));
    }

    /// The best boxes of one body.
    fn boxes(&mut self, grid: &BeamGrid, body: usize) {
        let n = self.position.len();
        let least = ((NARROWEST_MM / grid.pitch) as usize).max(1);
        let bright = |b: usize| self.bodies[body].lit[b] >= LIT_LEAST;
        for i in 1..n {
            // a break begins where the face ends
            if !bright(i - 1) || bright(i) {
                continue;
            }
            for j in i + least..n {
                let width = self.position[j] - self.position[i];
                if width.is_nan() || width > WIDEST_MM {
                    break;
                }
                if width < NARROWEST_MM || !bright(j) || bright(j - 1) {
                    continue;
                }
                let fit = self.fit(i, j);
                if fit > FIT_LEAST {
                    self.breaks.push(Break {
                        fit,
                        body,
                        from: i,
                        to: j,
                        seen: None,
                    });
                }
            }
        }
    }

    /// Breaks of which one end lies in a shadow from above: the other end and the usual width tell where they are.
    fn half_hidden(&mut self, face: &Interface, body: usize, width: f64) {
        let n = self.position.len();
        let lit = |b: usize| self.bodies[body].lit[b] >= LIT_LEAST;
        let mut more: Vec<Break> = Vec::new();
        for end in 1..n {
            let side = match (lit(end - 1), lit(end)) {
                (false, true) => Side::Left,
                (true, false) => Side::Right,
                _ => continue,
            };
            more.extend(self.hidden_beside(face, body, width, (end, side)));
        }
        self.breaks.append(&mut more);
    }

    /// The break whose clear end lies between the columns `end - 1` and `end`, and which runs to one side from there
    /// into a shadow.
    fn hidden_beside(
        &self,
        face: &Interface,
        body: usize,
        width: f64,
        (end, side): (usize, Side),
    ) -> Option<Break> {
        let n = self.position.len();
        let lit = |b: usize| self.bodies[body].lit[b] >= LIT_LEAST;
        let clear = |b: usize| {
            let c = &face.columns[b];
            c.met && visibility(f64::from(c.shade)) > 0.5
        };
        let step = |b: usize| match side {
            Side::Left => b.checked_sub(1),
            Side::Right => (b + 1 < n).then_some(b + 1),
        };
        let start = match side {
            Side::Left => end - 1,
            Side::Right => end,
        };
        let away = |b: usize| (self.position[b] - self.position[start]).abs();
        let mut last = start;
        while let Some(next) = step(last).filter(|b| clear(*b) && !lit(*b)) {
            last = next;
        }
        // what ends the part that is seen must be a shadow, not the face
        let hidden = step(last).is_some_and(|b| face.columns[b].met && !clear(b));
        if !hidden || !(SEEN_MM..width - 0.5).contains(&away(last)) {
            return None;
        }
        let mut far = last;
        while let Some(next) = step(far).filter(|b| away(*b) <= width) {
            far = next;
        }
        let ((from, to), seen, flank) = match side {
            Side::Left => ((far, end), (last, end), (end, self.after[end] + 1)),
            Side::Right => ((end, far + 1), (end, last + 1), (self.before[end], end)),
        };
        let mean = |(a, b): (usize, usize)| {
            let weight = self.weight[b] - self.weight[a];
            (weight >= 1.0).then(|| (self.evidence[b] - self.evidence[a]) / weight)
        };
        let (dark, bright) = mean(seen).zip(mean(flank))?;
        let fit = ONE_END * (-dark).min(bright);
        (fit > FIT_LEAST).then_some(Break {
            fit,
            body,
            from,
            to,
            seen: Some(seen),
        })
    }

    /// The best breaks, no two overlapping by much.
    fn keep(&mut self) {
        self.breaks.sort_by(|a, b| {
            b.fit
                .total_cmp(&a.fit)
                .then((a.body, a.from).cmp(&(b.body, b.from)))
        });
        self.kept.clear();
        for candidate in &self.breaks {
            let apart = self
                .kept
                .iter()
                .all(|b| candidate.to <= b.from + 1 || candidate.from + 1 >= b.to);
            if apart {
                self.kept.push(*candidate);
                if self.kept.len() == KEPT {
                    break;
                }
            }
        }
    }

    /// How well columns `i..j` are dark between bright flanks: -1 to 1, from the columns that can be judged.
    fn fit(&self, i: usize, j: usize) -> f64 {
        let sum = |a: usize, b: usize| {
            (
                self.evidence[b] - self.evidence[a],
                self.weight[b] - self.weight[a],
            )
        };
        let (inside, inside_weight) = sum(i, j);
        let (left, left_weight) = sum(self.before[i], i);
        let (right, right_weight) = sum(j, self.after[j] + 1);
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
}

/// Usual level of the tissue above a face, without the capsule next to it.
fn tissue_level(grid: &BeamGrid, face: &Interface) -> f32 {
    median(face.columns.iter().enumerate().filter_map(|(b, c)| {
        let from = (c.range - 8.0).max(2.5);
        let wanted = c.met && b % 2 == 0;
        wanted.then(|| grid.mean(b, from, (c.range - 1.8).max(from + 0.6)))?
    }))
}

/// Ends of a box along the line: where the face's body has lost [`EDGE_DROP`] grey levels, or half of its level when
/// that is less. A body that saturates the picture falls late, so half of the fall would lie far inside.
fn edges(face: &Interface, body: &Body, i: usize, j: usize) -> (f64, f64) {
    let reach = 16;
    let flank = |range: std::ops::Range<usize>| {
        median(range.filter(|b| body.shows(*b)).map(|b| body.level[b]))
    };
    let left = flank(i.saturating_sub(reach)..i);
    let right = flank(j..(j + reach).min(body.level.len()));
    let inside = median(body.level[i..j].iter().copied());
    let at = |outside: f32| outside - (0.5 * (outside - inside)).min(EDGE_DROP);
    let middle = usize::midpoint(i, j) as i64;
    (
        crossing(face, body, middle, -1, at(left)),
        crossing(face, body, middle, 1, at(right)),
    )
}

/// Where, going from a column to one side, the smoothed level of the body first stays above a level.
fn crossing(face: &Interface, body: &Body, from: i64, side: i64, level: f32) -> f64 {
    let bright = |b: i64| {
        let near = |k: i64| {
            usize::try_from(k)
                .ok()
                .and_then(|k| body.level.get(k))
                .map_or(0.0, |l| *l)
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
        let (here, there, then) = (bright(b), bright(next), bright(next + side));
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
