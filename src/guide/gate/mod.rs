//! May a path be suggested at all? Every reason against it is named, and all of them are given.
use crate::detect::{Contact, Face, Finding, Port, PortState};
use crate::guide::limits::{
    CONFIDENCE_LEAST, FACE_BENT_MOST_DEGREES, NOT_LIVE_AFTER, PORT_OFF_FACE_MOST, PORT_WIDTH_LEAST,
    PORT_WIDTH_MOST, SIGMA_MOST, SPEED_REFUSE_MM_S, STALE_AFTER, TILT_REFUSE_DEGREES,
};
use crate::guide::planner::{Unplannable, plan};
use crate::guide::way::{by_way, corridor};
use crate::guide::{
    Basis, Guidance, NeedlePath, Setup, Standing, WayObstacle, Withheld, longest_reach,
};
use crate::pump::{Needle, PumpModel};

/// A path for what was found, or every reason why there is none.
///
/// A path is offered from `Locked` on, provisionally until a second plane confirms it, and provisionally on the
/// candidate of a single picture. Anything that is no number, or that contradicts itself, withholds.
pub fn advise(
    finding: &Finding,
    basis: &Basis,
    setup: &Setup<'_>,
    standing: &Standing,
) -> Guidance {
    let mut against = Vec::new();
    judge_time(*standing, &mut against);
    judge_setup(basis, setup, &mut against);
    judge_state(finding, *standing, &mut against);
    // Written so that a speed that is no number counts as movement.
    let still = finding.motion.speed_mm_s <= SPEED_REFUSE_MM_S;
    if finding.motion.moving || !still {
        against.push(Withheld::Moving);
    }
    let mut way_obstacle = None;
    let path = judge_geometry(finding, basis, setup, &mut against);
    let path = path.and_then(|square| {
        judge_way(square, finding, basis, setup)
            .map_err(|obstacle| way_obstacle = Some(obstacle))
            .ok()
    });
    if way_obstacle.is_some() {
        against.push(Withheld::TooTilted);
    }
    judge_needle(path.as_ref(), setup, &mut against);
    against.sort_unstable();
    against.dedup();
    Guidance {
        frame: finding.frame,
        path: path.filter(|_| against.is_empty()),
        withheld: against,
        planes: setup.planes,
        plane_refused: setup.plane_refused,
        way_obstacle,
    }
}

fn judge_time(standing: Standing, against: &mut Vec<Withheld>) {
    match standing {
        Standing::NoFrames => against.push(Withheld::NotLive),
        Standing::Stream { age } => {
            if age > NOT_LIVE_AFTER {
                against.push(Withheld::NotLive);
            }
            if age > STALE_AFTER {
                against.push(Withheld::StalePicture);
            }
        }
        Standing::Still => {}
    }
}

fn judge_setup(basis: &Basis, setup: &Setup<'_>, against: &mut Vec<Withheld>) {
    if !basis.has_scale {
        against.push(Withheld::NoScale);
    }
    if !setup.certificate.holds() {
        against.push(Withheld::NotCalibrated);
    }
    if !setup.pump.plannable {
        against.push(Withheld::PumpUnknown);
    }
    if !setup.needle.is_some_and(|needle| needle.is_sound()) {
        against.push(Withheld::NeedleUnknown);
    }
}

fn judge_state(finding: &Finding, standing: Standing, against: &mut Vec<Withheld>) {
    let measured = finding.port.is_some() && finding.face.is_some() && !finding.held;
    match finding.state {
        PortState::Locked if measured => {}
        PortState::Candidate if measured && standing == Standing::Still => {}
        PortState::None | PortState::Candidate | PortState::Locked => {
            against.push(Withheld::PortNotLocked);
        }
        PortState::AccessPortSuspected => against.push(Withheld::AccessPortSuspected),
        PortState::InvertedSuspected => against.push(Withheld::InvertedSuspected),
    }
}

/// Judges what was measured, and plans as soon as there is enough to plan with, so that a needle that is too short
/// is named while other reasons still stand.
fn judge_geometry(
    finding: &Finding,
    basis: &Basis,
    setup: &Setup<'_>,
    against: &mut Vec<Withheld>,
) -> Option<NeedlePath> {
    let steep = |face: &Face| face.tilt.degrees().abs() > TILT_REFUSE_DEGREES;
    if finding.face.as_ref().is_some_and(steep) {
        against.push(Withheld::TooTilted);
    }
    let port = finding.port?;
    if !is_certain(finding, &port) {
        against.push(Withheld::LowConfidence);
    }
    let face = finding.face?;
    if !basis.has_scale {
        return None;
    }
    if !is_consistent(&port, &face, setup.pump) {
        against.push(Withheld::LowConfidence);
        return None;
    }
    if !setup.pump.plannable {
        return None;
    }
    // A still is one plane for ever.
    let confirmed = setup.planes.confirmed() && finding.state == PortState::Locked;
    match plan(port.center, face.tilt, &basis.beams, setup.pump, !confirmed) {
        Ok(path) => Some(path),
        Err(Unplannable::BesideProbe) => {
            against.push(Withheld::TooTilted);
            None
        }
        Err(Unplannable::Nonsense) => {
            against.push(Withheld::LowConfidence);
            None
        }
    }
}

/// The path of the way chosen, with its corridor.
fn judge_way(
    square: NeedlePath,
    finding: &Finding,
    basis: &Basis,
    setup: &Setup<'_>,
) -> Result<NeedlePath, WayObstacle> {
    let mut path = by_way(setup.way, square, basis, setup.pump.needle_stop)?;
    if let Some(port) = &finding.port {
        path.corridor = corridor(port, setup.pump, setup.needle, path.lean);
    }
    Ok(path)
}

/// Whether the needle reaches along this path.
fn judge_needle(path: Option<&NeedlePath>, setup: &Setup<'_>, against: &mut Vec<Withheld>) {
    let (Some(path), Some(needle)) = (path, setup.needle.filter(Needle::is_sound)) else {
        return;
    };
    if path.depth.most > longest_reach(needle) {
        against.push(Withheld::NeedleTooShort);
    }
}

/// Whether the detector is sure enough of the port; anything that is no number is not.
fn is_certain(finding: &Finding, port: &Port) -> bool {
    (CONFIDENCE_LEAST..=1.0).contains(&finding.confidence)
        && (0.0..=SIGMA_MOST.0).contains(&port.sigma.0)
        && finding.contact != Contact::None
}

/// Whether port and face fit each other and the model.
fn is_consistent(port: &Port, face: &Face, pump: &PumpModel) -> bool {
    let finite = port.center.is_finite()
        && face.segment.left.is_finite()
        && face.segment.right.is_finite()
        && face.tilt.0.is_finite();
    // Nothing is known of the generic model, so no width contradicts it.
    let whole = pump.port_width.value.0;
    let (narrowest, widest) = if pump.plannable {
        (whole * PORT_WIDTH_LEAST, whole * PORT_WIDTH_MOST)
    } else {
        (f64::MIN_POSITIVE, f64::MAX)
    };
    let bent = (face.tilt - face.segment.tilt()).degrees().abs();
    let off_face = (port.center.z - face.segment.z_at(port.center.x)).abs();
    finite
        && (narrowest..=widest).contains(&port.width.0)
        && off_face <= PORT_OFF_FACE_MOST.0
        && bent <= FACE_BENT_MOST_DEGREES
}

#[cfg(test)]
mod tests;
