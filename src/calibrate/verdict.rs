//! From echoes of many frames to a calibration that is accepted, or refused with a reason.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index comes from the list it is used on"
)]
use serde::Serialize;

use super::echo::Echo;
use super::fit::{Seen, Sight, fit, from_pairs, leave_one_out, median, shown};
use super::matching::{Hypothesis, Scales, agree, read};
use super::medium::{Medium, TISSUE_SPEED};
use super::phantom::Phantom;

/// Frames looked at to agree on scale and stand.
const LOOKS: usize = 20;
/// Wires and depth needed, mm (docs/CALIBRATION.md).
const WIRES_NEEDED: usize = 5;
const DEPTH_NEEDED: f64 = 15.0;
/// Difference of lateral and axial scale accepted; up to 12 % is seen on good recordings.
const SKEW_MOST: f64 = 0.125;
/// Residual accepted, as a share of the phantom's extent: a curved array scanned in water bends the picture.
const RESIDUAL_SHARE: f64 = 0.016;
/// Shares of the phantom's wires and of the frames that must be seen.
const WIRE_SHARE: f64 = 0.6;
const FRAME_SHARE: f64 = 0.3;
/// Share of the phantom's extent an echo may be off to be written as a wire's.
const NAMED_SHARE: f64 = 0.025;

/// A wire as it was seen in a frame, in pixels of the stored picture.
#[derive(Clone, Debug, PartialEq)]
pub struct WirePosition {
    /// Number of the frame.
    pub frame: usize,
    /// Name of the wire in the phantom file.
    pub wire: String,
    /// Column.
    pub x_px: f64,
    /// Row.
    pub y_px: f64,
}

/// What a recording of a phantom says of the scale. Figures are `None` when nothing could be measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// Width of a pixel in the medium scanned, mm.
    pub lateral_mm_per_px: Option<f64>,
    /// Height of a pixel in the medium scanned, mm.
    pub axial_mm_per_px: Option<f64>,
    /// Height of a pixel in tissue of 1540 m/s, mm: the time a row stands for, at that speed.
    pub axial_mm_per_px_1540: Option<f64>,
    /// Depth in the phantom's coordinates minus row times scale, mm; row 0 is the top of the stored picture.
    pub axial_offset_mm: Option<f64>,
    /// Root mean square distance of the echoes from the wires, mm.
    pub residual_rms_mm: Option<f64>,
    /// Mean distance of a wire from where a fit without it puts it, mm.
    pub leave_one_out_mm: Option<f64>,
    /// 95 % interval of that mean over wires (Student's t), mm.
    pub leave_one_out_ci95_mm: Option<[f64; 2]>,
    /// Wires seen in half of the frames used or more.
    pub wires_used: usize,
    /// Frames in which the phantom was recognised.
    pub frames_used: usize,
    /// Whether it may be used.
    pub accepted: bool,
    /// Why not, or that it is.
    pub reason: String,
    /// Every wire seen; not part of the line.
    #[serde(skip)]
    pub wires: Vec<WirePosition>,
}

/// Calibrates from the echoes of each frame (stored pixels). Never fails: it refuses with a reason.
pub fn calibrate(phantom: &Phantom, frames: &[Vec<Echo>], medium: Medium) -> Calibration {
    let looks = LOOKS.min(frames.len()).max(1);
    let looked: Vec<&[Echo]> = (0..looks)
        .filter_map(|k| frames.get(k * frames.len() / looks).map(Vec::as_slice))
        .collect();
    let typical = median(frames.iter().map(|f| f.len() as f64).collect());
    let Some(known) = agree(phantom, &looked) else {
        return refused(format!(
            "the wires of the phantom were not recognised (usually {typical:.0} bright spots in a frame, \
             {WIRES_NEEDED} wires needed): is the right phantom chosen, and are all wires in the picture?"
        ));
    };
    let mut sights = sights_of(phantom, frames, &known);
    if sights.is_empty() {
        return refused(format!(
            "only {} wires seen, {WIRES_NEEDED} needed",
            known.pairs.len()
        ));
    }
    let scales = fit(phantom, &mut sights, known.scales);
    drop_strays(phantom, &mut sights);
    let scales = fit(phantom, &mut sights, scales);
    let scales = from_pairs(phantom, &mut sights, scales);
    let mut result = measured(phantom, &sights, scales, medium);
    let complaint = complaint(phantom, &sights, frames.len(), &result);
    result.accepted = complaint.is_none();
    result.reason = complaint.unwrap_or_else(|| {
        format!(
            "fits {} wires in {} of {} frames",
            result.wires_used,
            result.frames_used,
            frames.len()
        )
    });
    result
}

fn refused(reason: String) -> Calibration {
    Calibration {
        reason,
        ..Calibration::default()
    }
}

fn wires_wanted(phantom: &Phantom) -> usize {
    ((WIRE_SHARE * phantom.wire_count() as f64).ceil() as usize).max(3)
}

fn sights_of(phantom: &Phantom, frames: &[Vec<Echo>], known: &Hypothesis) -> Vec<Sight> {
    let wanted = wires_wanted(phantom);
    let mut sights = Vec::new();
    for (frame, echoes) in frames.iter().enumerate() {
        let Some(found) = read(phantom, echoes, known) else {
            continue;
        };
        let seen: Vec<Seen> = found
            .pairs
            .iter()
            .map(|(wire, echo)| Seen {
                wire: *wire,
                x: echoes[*echo].x,
                y: echoes[*echo].y,
                weight: 1.0,
                miss: 0.0,
            })
            .collect();
        if seen.len() >= wanted {
            sights.push(Sight {
                frame,
                pose: found.pose,
                seen,
            });
        }
    }
    sights
}

/// Echoes that lie where no wire is are not a wire's; frames left with too few say nothing.
fn drop_strays(phantom: &Phantom, sights: &mut Vec<Sight>) {
    let most = NAMED_SHARE * phantom.extent();
    let wanted = wires_wanted(phantom);
    for sight in sights.iter_mut() {
        sight.seen.retain(|s| s.miss <= most);
        for seen in &mut sight.seen {
            seen.weight = 1.0;
        }
    }
    sights.retain(|s| s.seen.len() >= wanted);
}

fn measured(phantom: &Phantom, sights: &[Sight], scales: Scales, medium: Medium) -> Calibration {
    let believed = || {
        sights
            .iter()
            .flat_map(|s| &s.seen)
            .filter(|s| s.weight > 0.0)
    };
    let count = believed().count().max(1) as f64;
    let square: f64 = believed().map(|s| s.miss * s.miss).sum();
    let errors = leave_one_out(phantom, sights, scales);
    let (mean, half) = mean_and_interval(&errors.iter().map(|e| e.1).collect::<Vec<_>>());
    let wires = sights
        .iter()
        .flat_map(|sight| {
            sight.seen.iter().map(|s| WirePosition {
                frame: sight.frame,
                wire: phantom.wires[s.wire].name.clone(),
                x_px: s.x,
                y_px: s.y,
            })
        })
        .collect();
    Calibration {
        lateral_mm_per_px: Some(scales[0]),
        axial_mm_per_px: Some(scales[1]),
        axial_mm_per_px_1540: Some(scales[1] * TISSUE_SPEED / medium.speed()),
        axial_offset_mm: Some(offset(phantom, sights, scales)),
        residual_rms_mm: Some((square / count).sqrt()),
        leave_one_out_mm: mean,
        leave_one_out_ci95_mm: mean.zip(half).map(|(m, h)| [(m - h).max(0.0), m + h]),
        wires_used: used(phantom, sights).len(),
        frames_used: sights.len(),
        accepted: false,
        reason: String::new(),
        wires,
    }
}

/// Wires seen in half of the frames or more.
fn used(phantom: &Phantom, sights: &[Sight]) -> Vec<usize> {
    let times = |wire: usize| {
        let of = sights.iter().flat_map(|s| &s.seen);
        of.filter(|s| s.wire == wire && s.weight > 0.0).count()
    };
    (0..phantom.wire_count())
        .filter(|wire| 2 * times(*wire) >= sights.len().max(1))
        .collect()
}

/// Median over frames and fixed wires of depth minus row times scale. Depth is the phantom's coordinate that runs
/// along the rows; where it runs against them its negative.
fn offset(phantom: &Phantom, sights: &[Sight], scales: Scales) -> f64 {
    let mut offsets = Vec::new();
    for sight in sights {
        let first = sight.pose.turned([1.0, 0.0]);
        let second = sight.pose.turned([0.0, 1.0]);
        let axis = usize::from(second[1].abs() > first[1].abs());
        let sign = if axis == 1 { second[1] } else { first[1] }.signum();
        for s in sight.seen.iter().filter(|s| s.weight > 0.0) {
            let wire = &phantom.wires[s.wire];
            if wire.fixed {
                offsets.push(sign * wire.at[axis] - s.y * scales[1]);
            }
        }
    }
    offsets.sort_by(f64::total_cmp);
    // the mean of the middle half: wires left and right of a tilted picture cancel
    let quarter = offsets.len() / 4;
    let middle = offsets.get(quarter..offsets.len() - quarter).unwrap_or(&[]);
    middle.iter().sum::<f64>() / middle.len().max(1) as f64
}

/// Mean and half its 95 % interval by Student's t.
fn mean_and_interval(values: &[f64]) -> (Option<f64>, Option<f64>) {
    /// Two-sided 95 % quantiles for 1, 2, .. degrees of freedom (any table of Student's t).
    const T95: [f64; 12] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
    ];
    let n = values.len();
    if n == 0 {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    if n == 1 {
        return (Some(mean), None);
    }
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let t = T95.get(n - 2).copied().unwrap_or(2.1);
    (Some(mean), Some(t * (variance / n as f64).sqrt()))
}

fn complaint(
    phantom: &Phantom,
    sights: &[Sight],
    frames: usize,
    result: &Calibration,
) -> Option<String> {
    let (lateral, axial) = (result.lateral_mm_per_px?, result.axial_mm_per_px?);
    let used = used(phantom, sights);
    let wanted = WIRES_NEEDED.max(wires_wanted(phantom));
    if used.len() < wanted {
        return Some(format!("only {} wires seen, {wanted} needed", used.len()));
    }
    if (sights.len() as f64) < FRAME_SHARE * frames as f64 {
        return Some(format!(
            "the phantom was recognised in only {} of {frames} frames: is the right phantom chosen?",
            sights.len()
        ));
    }
    let depth = median(
        sights
            .iter()
            .map(|sight| {
                let z = |w: &usize| shown(phantom, &sight.pose, *w)[1];
                let deepest = used.iter().map(z).fold(f64::MIN, f64::max);
                deepest - used.iter().map(z).fold(f64::MAX, f64::min)
            })
            .collect(),
    );
    if depth < DEPTH_NEEDED {
        return Some(format!(
            "wires span {depth:.0} mm of depth, {DEPTH_NEEDED:.0} needed"
        ));
    }
    let skew = lateral.max(axial) / lateral.min(axial) - 1.0;
    if skew > SKEW_MOST {
        return Some(format!(
            "lateral and axial scale differ by {:.0} %: is the right phantom chosen?",
            100.0 * skew
        ));
    }
    let limit = RESIDUAL_SHARE * phantom.extent();
    let residual = result.residual_rms_mm?;
    (residual > limit).then(|| {
        format!(
            "the wires lie {residual:.2} mm from where the phantom has them, {limit:.2} allowed: \
             is the right phantom chosen?"
        )
    })
}
