//! The scales and every frame's pose together, by least squares with Tukey's weights.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index comes from the list it is used on"
)]
use super::matching::{Pose, Scales};
use super::phantom::Phantom;

/// Rounds of the fit, and of the pose within a round.
const ROUNDS: usize = 30;
const POSE_ROUNDS: usize = 6;
/// Tukey's constant in standard deviations (95 % efficiency under normal errors), and the least deviation, mm.
const TUKEY: f64 = 4.685;
const LEAST_SPREAD: f64 = 0.03;

/// Wires are one above the other (or side by side) when they are off by less than this share of their distance.
const BESIDE: f64 = 0.2;

/// An echo that is a wire's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) wire: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) weight: f64,
    /// Distance from where the fit has it, mm.
    pub(super) miss: f64,
}

/// A frame in which the phantom was recognised.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) frame: usize,
    pub(super) pose: Pose,
    pub(super) seen: Vec<Seen>,
}

/// Fits the scales and all poses; weights and misses are left in the sights.
pub(super) fn fit(phantom: &Phantom, sights: &mut [Sight], start: Scales) -> Scales {
    let mut scales = start;
    for round in 0..ROUNDS {
        for sight in sights.iter_mut() {
            settle(phantom, sight, scales);
        }
        scales = rescale(phantom, sights, scales);
        if round >= 2 {
            weigh(sights);
        }
    }
    for sight in sights.iter_mut() {
        settle(phantom, sight, scales);
    }
    scales
}

/// The scale along each axis as the median over all pairs of parallel wires one above the other (or side by side) and
/// all frames of known distance by pixels (Theil and Sen); the fit's own where the phantom has no such pair. One wire
/// that hangs out of place then moves nothing.
pub(super) fn from_pairs(phantom: &Phantom, sights: &mut [Sight], fitted: Scales) -> Scales {
    let mut found: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for sight in sights.iter() {
        let firm = |s: &&Seen| phantom.wires[s.wire].fixed;
        for (n, a) in sight.seen.iter().enumerate().filter(|(_, s)| firm(s)) {
            for b in sight.seen.iter().skip(n + 1).filter(firm) {
                let (p, q) = (phantom.wires[a.wire].at, phantom.wires[b.wire].at);
                let square = (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
                let px = [(a.x - b.x).abs(), (a.y - b.y).abs()];
                for (axis, scales) in found.iter_mut().enumerate() {
                    let other = px[1 - axis] * fitted[1 - axis];
                    let left = square - other * other;
                    if other <= BESIDE * px[axis] * fitted[axis] && left > 0.0 {
                        scales.push(left.sqrt() / px[axis]);
                    }
                }
            }
        }
    }
    let mut scales = fitted;
    for (scale, pairs) in scales.iter_mut().zip(found) {
        if pairs.len() >= sights.len().max(1) {
            *scale = median(pairs);
        }
    }
    for sight in sights.iter_mut() {
        settle(phantom, sight, scales);
    }
    scales
}

fn slice(phantom: &Phantom, wire: usize, position: f64) -> [f64; 2] {
    let wire = &phantom.wires[wire];
    [
        wire.at[0] + wire.walk[0] * position,
        wire.at[1] + wire.walk[1] * position,
    ]
}

/// Where a wire shows in a frame, mm from the stored picture's first pixel.
pub(super) fn shown(phantom: &Phantom, pose: &Pose, wire: usize) -> [f64; 2] {
    let at = pose.turned(slice(phantom, wire, pose.position));
    [at[0] + pose.shift[0], at[1] + pose.shift[1]]
}

/// The pose of one frame, given the scales, and what each echo is off.
fn settle(phantom: &Phantom, sight: &mut Sight, scales: Scales) {
    for _ in 0..POSE_ROUNDS {
        let pairs: Vec<_> = sight
            .seen
            .iter()
            .map(|s| {
                let p = slice(phantom, s.wire, sight.pose.position);
                (p, [s.x * scales[0], s.y * scales[1]], s.weight)
            })
            .collect();
        sight.pose = sight.pose.fitted(&pairs);
        let (mut along, mut length) = (0.0, 0.0);
        for s in &sight.seen {
            let wire = &phantom.wires[s.wire];
            let e = [
                s.x * scales[0] - sight.pose.shift[0],
                s.y * scales[1] - sight.pose.shift[1],
            ];
            let p = sight.pose.back(e);
            along += s.weight
                * (wire.walk[0] * (p[0] - wire.at[0]) + wire.walk[1] * (p[1] - wire.at[1]));
            length += s.weight * (wire.walk[0].powi(2) + wire.walk[1].powi(2));
        }
        if length > 1e-9 {
            sight.pose.position = along / length;
        }
    }
    for s in &mut sight.seen {
        let at = shown(phantom, &sight.pose, s.wire);
        s.miss = (s.x * scales[0] - at[0]).hypot(s.y * scales[1] - at[1]);
    }
}

/// The scales, given all poses: each is a regression of millimetres on pixels about the middle of every frame.
fn rescale(phantom: &Phantom, sights: &[Sight], before: Scales) -> Scales {
    let mut sums = [[0.0; 2]; 2];
    for sight in sights {
        let total: f64 = sight.seen.iter().map(|s| s.weight).sum();
        if total <= 0.0 {
            continue;
        }
        for (axis, sum) in sums.iter_mut().enumerate() {
            let points: Vec<(f64, f64, f64)> = sight
                .seen
                .iter()
                .map(|s| {
                    let mm = shown(phantom, &sight.pose, s.wire)[axis];
                    (if axis == 0 { s.x } else { s.y }, mm, s.weight)
                })
                .collect();
            let px = points.iter().map(|p| p.0 * p.2).sum::<f64>() / total;
            let mm = points.iter().map(|p| p.1 * p.2).sum::<f64>() / total;
            for (x, m, w) in points {
                sum[0] += w * (x - px) * (m - mm);
                sum[1] += w * (x - px).powi(2);
            }
        }
    }
    let mut scales = before;
    for (scale, sum) in scales.iter_mut().zip(sums) {
        if sum[1] > 0.0 && sum[0] > 0.0 {
            *scale = sum[0] / sum[1];
        }
    }
    scales
}

fn weigh(sights: &mut [Sight]) {
    let misses = sights.iter().flat_map(|s| s.seen.iter().map(|p| p.miss));
    // The median distance in a plane is 1.177 standard deviations of one coordinate (Rayleigh).
    let spread = (median(misses.collect()) / 1.177).max(LEAST_SPREAD);
    for seen in sights.iter_mut().flat_map(|s| &mut s.seen) {
        let off = seen.miss / (TUKEY * spread);
        seen.weight = (1.0 - off * off).max(0.0).powi(2);
    }
}

/// How far each wire lies from where a fit without it puts it: wire and median distance, mm.
pub(super) fn leave_one_out(
    phantom: &Phantom,
    sights: &[Sight],
    scales: Scales,
) -> Vec<(usize, f64)> {
    let mut errors = Vec::new();
    for left in 0..phantom.wires.len() {
        let mut others: Vec<Sight> = Vec::new();
        let mut out: Vec<Vec<Seen>> = Vec::new();
        for sight in sights {
            let (gone, rest): (Vec<Seen>, Vec<Seen>) =
                sight.seen.iter().partition(|s| s.wire == left);
            let slanted = rest
                .iter()
                .any(|s| !phantom.wires[s.wire].fixed && s.weight > 0.0);
            let solved = rest.len() >= 4 && (phantom.wires[left].fixed || slanted);
            if solved && !gone.is_empty() {
                others.push(Sight {
                    seen: rest,
                    ..sight.clone()
                });
                out.push(gone);
            }
        }
        if others.is_empty() {
            continue;
        }
        let without = fit(phantom, &mut others, scales);
        let misses: Vec<f64> = others
            .iter()
            .zip(&out)
            .flat_map(|(sight, gone)| {
                let at = shown(phantom, &sight.pose, left);
                gone.iter()
                    .map(move |s| (s.x * without[0] - at[0]).hypot(s.y * without[1] - at[1]))
            })
            .collect();
        errors.push((left, median(misses)));
    }
    errors
}

/// The middle value; 0 of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
