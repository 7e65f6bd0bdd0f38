//! Which echo is which wire, without being told: triples of echoes propose a scale and a pose, all wires vote.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index comes from the list it is used on"
)]
use super::echo::Echo;
use super::phantom::Phantom;

/// Lateral over axial scale a hypothesis may have. Wider than what is accepted, so that it can be named.
const RATIO_MOST: f64 = 1.45;
/// Misfit of a triple of echoes, as a share: without a known scale, and with one.
const TRIPLE_MISFIT: f64 = 0.03;
const KNOWN_MISFIT: f64 = 0.07;
/// How far the picture may be turned against the phantom's axes, radians (25 degrees).
const TURN_MOST: f64 = 0.436;
/// Distance at which an echo is a wire's, as a share of the phantom's extent.
const NEAR_SHARE: f64 = 0.03;
/// Hypotheses kept of a frame.
const KEPT: usize = 6;
/// Scales that differ less than this are the same, as a share.
const ALIKE: f64 = 0.03;

/// Depths the first row may have when a coordinate is a depth, mm.
const FIRST_ROW: std::ops::RangeInclusive<f64> = -10.0..=25.0;

/// Lateral and axial scale, mm/px.
pub(super) type Scales = [f64; 2];

/// A point of the phantom, the same in the picture (both mm), and its weight.
pub(super) type Pair = ([f64; 2], [f64; 2], f64);

/// Where the phantom lies in a frame: `image = turn(p) + shift`, with `p` mirrored first if need be; mm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    /// Cosine and sine of the turn.
    pub(super) turn: [f64; 2],
    pub(super) mirrored: bool,
    pub(super) shift: [f64; 2],
    /// Position of the slice along the fixed wires, mm.
    pub(super) position: f64,
}

impl Pose {
    /// Turns a direction of the phantom into one of the picture.
    pub(super) fn turned(&self, p: [f64; 2]) -> [f64; 2] {
        let v = if self.mirrored { -p[1] } else { p[1] };
        let [c, s] = self.turn;
        [c * p[0] - s * v, s * p[0] + c * v]
    }

    /// Turns a direction of the picture into one of the phantom.
    pub(super) fn back(&self, e: [f64; 2]) -> [f64; 2] {
        let [c, s] = self.turn;
        let p = [c * e[0] + s * e[1], -s * e[0] + c * e[1]];
        if self.mirrored { [p[0], -p[1]] } else { p }
    }

    /// Quarter turn the phantom stands in, 0 to 3.
    fn quarter(&self) -> i64 {
        let angle = self.turn[1].atan2(self.turn[0]);
        ((angle / std::f64::consts::FRAC_PI_2).round() as i64).rem_euclid(4)
    }

    fn upright(&self) -> bool {
        let angle = self.turn[1].atan2(self.turn[0]);
        let quarter = std::f64::consts::FRAC_PI_2;
        (angle - (angle / quarter).round() * quarter).abs() <= TURN_MOST
    }

    /// The pose that brings `p` (phantom) to `e` (picture) best, by weight; the position stays.
    pub(super) fn fitted(&self, pairs: &[Pair]) -> Self {
        let sum: f64 = pairs.iter().map(|p| p.2).sum::<f64>().max(1e-12);
        let mean = |f: &dyn Fn(&Pair) -> f64| pairs.iter().map(|p| p.2 * f(p)).sum::<f64>() / sum;
        let (pu, pv) = (mean(&|p| p.0[0]), mean(&|p| p.0[1]));
        let (ex, ey) = (mean(&|p| p.1[0]), mean(&|p| p.1[1]));
        let (mut c, mut s) = (0.0, 0.0);
        for (p, e, w) in pairs {
            let (u, v) = (p[0] - pu, p[1] - pv);
            let v = if self.mirrored { -v } else { v };
            let (x, y) = (e[0] - ex, e[1] - ey);
            c += w * (x * u + y * v);
            s += w * (y * u - x * v);
        }
        let length = c.hypot(s);
        let mut pose = *self;
        if length > 1e-12 {
            pose.turn = [c / length, s / length];
        }
        let middle = pose.turned([pu, pv]);
        pose.shift = [ex - middle[0], ey - middle[1]];
        pose
    }
}

/// A scale and a pose with the echoes that speak for them.
#[derive(Clone, Debug)]
pub(super) struct Hypothesis {
    pub(super) scales: Scales,
    pub(super) pose: Pose,
    /// Wire and echo.
    pub(super) pairs: Vec<(usize, usize)>,
    score: f64,
}

impl Hypothesis {
    fn alike(&self, other: &Self) -> bool {
        let near = |k: usize| (self.scales[k] / other.scales[k]).ln().abs() < ALIKE;
        near(0) && near(1) && self.kind() == other.kind()
    }

    fn kind(&self) -> (bool, i64) {
        (self.pose.mirrored, self.pose.quarter())
    }
}

/// The scale, mirroring and quarter turn most frames agree on; `None` when no frame shows the phantom.
pub(super) fn agree(phantom: &Phantom, frames: &[&[Echo]]) -> Option<Hypothesis> {
    let all: Vec<Vec<Hypothesis>> = frames
        .iter()
        .map(|echoes| hypotheses(phantom, echoes, None))
        .collect();
    let mut best: Option<(f64, &Hypothesis)> = None;
    for candidate in all.iter().flatten() {
        let votes: f64 = all
            .iter()
            .map(|of_frame| {
                let agreeing = of_frame.iter().filter(|h| h.alike(candidate));
                agreeing.map(|h| h.score).fold(0.0, f64::max)
            })
            .sum();
        if best.is_none_or(|(most, _)| votes > most) {
            best = Some((votes, candidate));
        }
    }
    best.map(|(_, hypothesis)| hypothesis.clone())
}

/// The best reading of a frame in the scale and stand of `known`.
pub(super) fn read(phantom: &Phantom, echoes: &[Echo], known: &Hypothesis) -> Option<Hypothesis> {
    hypotheses(phantom, echoes, Some(known)).into_iter().next()
}

/// The best hypotheses of a frame, the best first.
fn hypotheses(phantom: &Phantom, echoes: &[Echo], known: Option<&Hypothesis>) -> Vec<Hypothesis> {
    let mut kept: Vec<Hypothesis> = Vec::new();
    for triple in phantom.triples() {
        for a in 0..echoes.len() {
            for b in 0..echoes.len() {
                for c in 0..echoes.len() {
                    if a == b || b == c || a == c {
                        continue;
                    }
                    let Some((scales, pose)) = propose(phantom, triple, echoes, [a, b, c], known)
                    else {
                        continue;
                    };
                    if let Some(found) = vote(phantom, echoes, scales, pose) {
                        keep(&mut kept, found);
                    }
                }
            }
        }
    }
    kept
}

fn keep(kept: &mut Vec<Hypothesis>, found: Hypothesis) {
    if kept.len() == KEPT && kept.last().is_some_and(|worst| worst.score >= found.score) {
        return;
    }
    match kept.iter_mut().find(|h| h.alike(&found)) {
        Some(same) if same.score >= found.score => return,
        Some(same) => *same = found,
        None => kept.push(found),
    }
    kept.sort_by(|a, b| b.score.total_cmp(&a.score));
    kept.truncate(KEPT);
}

/// Scale and pose that bring three fixed wires to three echoes: the products of the two vectors between them do not
/// depend on the turn, and are linear in the squares of the two scales.
fn propose(
    phantom: &Phantom,
    triple: [usize; 3],
    echoes: &[Echo],
    at: [usize; 3],
    known: Option<&Hypothesis>,
) -> Option<(Scales, Pose)> {
    let p = triple.map(|i| phantom.wires[i].at);
    let e = at.map(|i| [echoes[i].x, echoes[i].y]);
    let less = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
    let (p1, p2) = (less(p[1], p[0]), less(p[2], p[0]));
    let (e1, e2) = (less(e[1], e[0]), less(e[2], e[0]));
    let root = std::f64::consts::SQRT_2;
    let rows = [
        (e1[0] * e1[0], e1[1] * e1[1], p1[0] * p1[0] + p1[1] * p1[1]),
        (e2[0] * e2[0], e2[1] * e2[1], p2[0] * p2[0] + p2[1] * p2[1]),
        (
            root * e1[0] * e2[0],
            root * e1[1] * e2[1],
            root * (p1[0] * p2[0] + p1[1] * p2[1]),
        ),
    ];
    let dot = |f: &dyn Fn(&(f64, f64, f64)) -> f64| rows.iter().map(f).sum::<f64>();
    let (lateral, axial) = if let Some(known) = known {
        (known.scales[0].powi(2), known.scales[1].powi(2))
    } else {
        let (xx, xy, yy) = (
            dot(&|r| r.0 * r.0),
            dot(&|r| r.0 * r.1),
            dot(&|r| r.1 * r.1),
        );
        let (xp, yp) = (dot(&|r| r.0 * r.2), dot(&|r| r.1 * r.2));
        let det = xx * yy - xy * xy;
        if det <= 1e-6 * xx * yy {
            return None;
        }
        ((yy * xp - xy * yp) / det, (xx * yp - xy * xp) / det)
    };
    let ratio = lateral / axial;
    let sane = lateral > 0.0 && axial > 0.0 && ratio.max(1.0 / ratio) < RATIO_MOST * RATIO_MOST;
    let misfit = dot(&|r| (lateral * r.0 + axial * r.1 - r.2).powi(2)) / dot(&|r| r.2 * r.2);
    let limit = if known.is_some() {
        KNOWN_MISFIT
    } else {
        TRIPLE_MISFIT
    };
    if !sane || misfit > limit * limit {
        return None;
    }
    let scales = [lateral.sqrt(), axial.sqrt()];
    let turns = (e1[0] * e2[1] - e1[1] * e2[0]) * (p1[0] * p2[1] - p1[1] * p2[0]);
    let start = Pose {
        turn: [1.0, 0.0],
        mirrored: turns < 0.0,
        shift: [0.0, 0.0],
        position: f64::midpoint(phantom.reach.0, phantom.reach.1),
    };
    let pairs = [0, 1, 2].map(|k| (p[k], [e[k][0] * scales[0], e[k][1] * scales[1]], 1.0));
    let pose = start.fitted(&pairs);
    let stands = known
        .is_none_or(|k| k.pose.mirrored == pose.mirrored && k.pose.quarter() == pose.quarter());
    (pose.upright() && stands).then_some((scales, pose))
}

/// Lets every wire look for its echo: fixed wires first, then the slanted ones agree on a position.
fn vote(phantom: &Phantom, echoes: &[Echo], scales: Scales, pose: Pose) -> Option<Hypothesis> {
    let near = NEAR_SHARE * phantom.extent();
    let in_slice = |e: &Echo| {
        pose.back([
            e.x * scales[0] - pose.shift[0],
            e.y * scales[1] - pose.shift[1],
        ])
    };
    let places: Vec<[f64; 2]> = echoes.iter().map(in_slice).collect();
    let mut tally = Tally {
        near,
        used: vec![false; echoes.len()],
        pairs: Vec::new(),
        square: 0.0,
    };
    tally.take(phantom, true, 0.0, &places);
    if tally.pairs.len() < 3 {
        return None;
    }
    let mut pose = pose;
    if let Some((position, with_slanted)) = slanted(phantom, &places, &tally) {
        pose.position = position;
        tally = with_slanted;
    }
    let rough = (tally.square / tally.pairs.len() as f64).sqrt() / near;
    let score = tally.pairs.len() as f64 - rough + stand_bonus(phantom, &tally.pairs, &pose);
    Some(Hypothesis {
        scales,
        pose,
        pairs: tally.pairs,
        score,
    })
}

/// The position along the fixed wires that most slanted wires agree on, with their echoes counted in.
fn slanted(phantom: &Phantom, places: &[[f64; 2]], fixed: &Tally) -> Option<(f64, Tally)> {
    let mut best: Option<(f64, Tally)> = None;
    for wire in phantom.wires.iter().filter(|w| !w.fixed) {
        let walk = wire.walk[0].hypot(wire.walk[1]);
        let margin = fixed.near / walk;
        for (place, taken) in places.iter().zip(&fixed.used) {
            let off = [place[0] - wire.at[0], place[1] - wire.at[1]];
            let position = (off[0] * wire.walk[0] + off[1] * wire.walk[1]) / (walk * walk);
            let inside =
                position >= phantom.reach.0 - margin && position <= phantom.reach.1 + margin;
            if *taken || !inside {
                continue;
            }
            let mut tried = fixed.clone();
            tried.take(phantom, false, position, places);
            let better = best.as_ref().is_none_or(|(_, least)| {
                let (n, m) = (tried.pairs.len(), least.pairs.len());
                n > m || (n == m && tried.square < least.square)
            });
            if better {
                best = Some((position, tried));
            }
        }
    }
    best
}

/// Less than a wire's worth, for phantoms that look the same upside down or mirrored: the first axis usually runs to
/// the right; the second is a depth if the first row then lies near 0 mm, and else a height.
fn stand_bonus(phantom: &Phantom, pairs: &[(usize, usize)], pose: &Pose) -> f64 {
    let (first, second) = (pose.turned([1.0, 0.0]), pose.turned([0.0, 1.0]));
    let axis = usize::from(second[1].abs() > first[1].abs());
    let (down, right) = if axis == 1 {
        (second[1], first[0])
    } else {
        (first[1], second[0])
    };
    let of_pair = pairs.first().map(|(wire, _)| phantom.wires[*wire].at);
    let first_row = of_pair.map_or(0.0, |at| at[axis] - pose.turned(at)[1] - pose.shift[1]);
    let stands = if down > 0.0 && FIRST_ROW.contains(&first_row) {
        0.3
    } else if down < 0.0 {
        0.15
    } else {
        0.0
    };
    stands + if right > 0.0 { 0.1 } else { 0.0 }
}

/// Echoes given to wires so far.
#[derive(Clone)]
struct Tally {
    /// Distance at which an echo is a wire's, mm.
    near: f64,
    used: Vec<bool>,
    /// Wire and echo.
    pairs: Vec<(usize, usize)>,
    /// Sum of squared distances, mm^2.
    square: f64,
}

impl Tally {
    /// Gives each fixed (or each slanted) wire the nearest free echo within reach.
    fn take(&mut self, phantom: &Phantom, fixed: bool, position: f64, places: &[[f64; 2]]) {
        let wires = phantom.wires.iter().enumerate();
        for (index, wire) in wires.filter(|(_, w)| w.fixed == fixed) {
            let at = [
                wire.at[0] + wire.walk[0] * position,
                wire.at[1] + wire.walk[1] * position,
            ];
            let mut best = (self.near * self.near, None);
            for (echo, place) in places.iter().enumerate() {
                let miss = (place[0] - at[0]).powi(2) + (place[1] - at[1]).powi(2);
                if !self.used[echo] && miss < best.0 {
                    best = (miss, Some(echo));
                }
            }
            if let (miss, Some(echo)) = best {
                self.used[echo] = true;
                self.pairs.push((index, echo));
                self.square += miss;
            }
        }
    }
}
