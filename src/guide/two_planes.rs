//! Two planes: one slice cannot tell the middle of the pump, two across each other can (H08, H12).
//!
//! The operator says when a plane is to count; nothing here can see how the probe was turned. What can be checked is
//! checked: the port is locked and measured, cut through its middle, stands below the middle of the probe (else
//! turning loses it), and lies equally deep in both.
use std::time::Duration;

use crate::clock::Timestamp;
use crate::detect::{Finding, PortState};
use crate::frame::FrameId;
use crate::guide::limits::{
    OFF_MIDDLE_WARN, PLANE_DEPTH_APART, PLANE_HOLD, PLANE_OFF_AXIS, PLANE_REFUSAL_SHOWN,
    PLANE_TURN_LEAST, PLANE_TURN_MOST, TILT_REFUSE_DEGREES,
};
use crate::space::{Millimeters, Radians};

/// The port as it was seen in one plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneSeen {
    /// The frame.
    pub frame: FrameId,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// Depth of the port's centre.
    pub depth: Millimeters,
    /// Tilt of the face in this plane.
    pub tilt: Radians,
}

/// How many planes have shown the port.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Planes {
    /// None yet.
    #[default]
    None,
    /// One: the probe is to be turned.
    First(PlaneSeen),
    /// Two, across each other.
    Both {
        /// The first.
        first: PlaneSeen,
        /// The second.
        second: PlaneSeen,
    },
}

impl Planes {
    /// Whether the port is confirmed.
    pub fn confirmed(&self) -> bool {
        matches!(self, Self::Both { .. })
    }

    /// Tilt of the face against the probe in space, from its tilt in two planes at right angles; `None` with fewer.
    pub fn tilt_in_space(&self) -> Option<Radians> {
        match self {
            Self::None | Self::First(_) => None,
            Self::Both { first, second } => Some(Radians(
                first.tilt.0.tan().hypot(second.tilt.0.tan()).atan(),
            )),
        }
    }
}

/// Why a plane does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaneRefusal {
    /// The port is not locked and measured in this very frame.
    NotLocked,
    /// The picture moves.
    Moving,
    /// The slice runs beside the middle of the port.
    OffMiddle,
    /// The port does not stand below the middle of the probe.
    OffAxis,
    /// So soon after the first plane the probe cannot have been turned.
    TooSoon,
    /// The port lies at another depth than in the first plane: it may be another opening.
    OtherDepth,
    /// The face is tilted too far, in this plane or in both together.
    TooTilted,
}

impl PlaneRefusal {
    /// Every refusal.
    pub const ALL: [Self; 7] = [
        Self::NotLocked,
        Self::Moving,
        Self::OffMiddle,
        Self::OffAxis,
        Self::TooSoon,
        Self::OtherDepth,
        Self::TooTilted,
    ];

    /// The key of its words: one short sentence that says what to do.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotLocked => "plane-not-locked",
            Self::Moving => "plane-moving",
            Self::OffMiddle => "plane-off-middle",
            Self::OffAxis => "plane-off-axis",
            Self::TooSoon => "plane-too-soon",
            Self::OtherDepth => "plane-other-depth",
            Self::TooTilted => "plane-too-tilted",
        }
    }
}

/// Follows what the operator has confirmed, and forgets it when the port is lost.
#[derive(Clone, Debug, Default)]
pub struct TwoPlanes {
    planes: Planes,
    locked_at: Option<Timestamp>,
    refused: Option<(PlaneRefusal, Timestamp)>,
}

impl TwoPlanes {
    /// What counts now.
    pub fn planes(&self) -> Planes {
        self.planes
    }

    /// The last refusal, while it is worth showing.
    pub fn refusal(&self, now: Timestamp) -> Option<PlaneRefusal> {
        self.refused
            .filter(|(_, at)| now.since(*at) <= PLANE_REFUSAL_SHOWN)
            .map(|(refusal, _)| refusal)
    }

    /// Takes note of the next frame; returns whether a confirmation was lost with it.
    ///
    /// Between the planes the probe is turned and the port may be out of sight for a while; once both count, it must
    /// stay locked but for moments, or it may be another opening that is seen next.
    pub fn note(&mut self, finding: &Finding) -> bool {
        let now = finding.captured_at;
        if is_measured(finding) {
            self.locked_at = Some(now);
        }
        let unseen = self.locked_at.map_or(Duration::MAX, |at| now.since(at));
        let is_lost = match self.planes {
            Planes::None => false,
            Planes::First(seen) => now.since(seen.captured_at) > PLANE_TURN_MOST,
            Planes::Both { .. } => unseen > PLANE_HOLD,
        };
        if is_lost {
            self.planes = Planes::None;
        }
        is_lost
    }

    /// The operator says that the plane of `finding` is to count.
    pub fn take(&mut self, finding: &Finding) -> Result<Planes, PlaneRefusal> {
        match self.judge(finding) {
            Ok(planes) => {
                self.planes = planes;
                self.refused = None;
                Ok(planes)
            }
            Err(refusal) => {
                self.refused = Some((refusal, finding.captured_at));
                Err(refusal)
            }
        }
    }

    fn judge(&self, finding: &Finding) -> Result<Planes, PlaneRefusal> {
        let seen = self::seen(finding)?;
        // With both confirmed, one more press begins again with this plane.
        let Planes::First(first) = self.planes else {
            return Ok(Planes::First(seen));
        };
        if seen.captured_at.since(first.captured_at) < PLANE_TURN_LEAST {
            return Err(PlaneRefusal::TooSoon);
        }
        if (seen.depth - first.depth).0.abs() > PLANE_DEPTH_APART.0 {
            return Err(PlaneRefusal::OtherDepth);
        }
        let both = Planes::Both {
            first,
            second: seen,
        };
        let is_steep = both
            .tilt_in_space()
            .is_none_or(|tilt| tilt.degrees() > TILT_REFUSE_DEGREES);
        if is_steep {
            return Err(PlaneRefusal::TooTilted);
        }
        Ok(both)
    }
}

fn is_measured(finding: &Finding) -> bool {
    finding.state == PortState::Locked && finding.port.is_some() && !finding.held
}

/// What one frame shows of the port, if it may count. Written so that a number that is none is refused.
fn seen(finding: &Finding) -> Result<PlaneSeen, PlaneRefusal> {
    let port = finding
        .port
        .filter(|_| is_measured(finding))
        .ok_or(PlaneRefusal::NotLocked)?;
    let face = finding.face.ok_or(PlaneRefusal::NotLocked)?;
    if finding.motion.moving {
        return Err(PlaneRefusal::Moving);
    }
    let off_middle = finding.centring.and_then(|c| c.off_middle);
    if off_middle.is_some_and(|off| off >= OFF_MIDDLE_WARN) {
        return Err(PlaneRefusal::OffMiddle);
    }
    let is_below = port.center.x.abs() <= PLANE_OFF_AXIS.0;
    if !is_below {
        return Err(PlaneRefusal::OffAxis);
    }
    let is_level = face.tilt.degrees().abs() <= TILT_REFUSE_DEGREES;
    if !is_level {
        return Err(PlaneRefusal::TooTilted);
    }
    if !port.center.z.is_finite() {
        return Err(PlaneRefusal::NotLocked);
    }
    Ok(PlaneSeen {
        frame: finding.frame,
        captured_at: finding.captured_at,
        depth: Millimeters(port.center.z),
        tilt: face.tilt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Centring, Face, Motion, Port};
    use crate::space::{ScanPoint, Segment};

    fn locked(seconds: f64) -> Finding {
        let tilt = Radians::from_degrees(4.0);
        Finding {
            frame: FrameId((seconds * 30.0) as u64),
            captured_at: Timestamp::from_seconds(seconds),
            state: PortState::Locked,
            port: Some(Port {
                center: ScanPoint::new(1.0, 20.0),
                width: Millimeters(6.9),
                sigma: Millimeters(0.2),
            }),
            face: Some(Face {
                segment: Segment::new(ScanPoint::new(-15.0, 19.0), ScanPoint::new(15.0, 21.0)),
                tilt,
            }),
            ..Finding::default()
        }
    }

    fn changed(seconds: f64, change: impl FnOnce(&mut Finding)) -> Finding {
        let mut finding = locked(seconds);
        change(&mut finding);
        finding
    }

    fn confirmed() -> TwoPlanes {
        let mut planes = TwoPlanes::default();
        planes.take(&locked(1.0)).expect("first");
        planes.take(&locked(5.0)).expect("second");
        planes.note(&locked(5.0));
        planes
    }

    #[test]
    fn two_planes_confirm_and_a_third_press_begins_again() {
        let mut planes = confirmed();
        assert!(planes.planes().confirmed());
        let tilt = planes.planes().tilt_in_space().expect("both");
        assert!((tilt.degrees() - 5.65).abs() < 0.1, "{tilt:?}");
        planes.take(&locked(6.0)).expect("again");
        assert!(!planes.planes().confirmed());
    }

    #[test]
    fn every_refusal_has_its_reason_and_changes_nothing() {
        let port = |change: fn(&mut Port)| {
            move |finding: &mut Finding| {
                if let Some(port) = &mut finding.port {
                    change(port);
                }
            }
        };
        let tilted = |degrees: f64| {
            move |finding: &mut Finding| {
                if let Some(face) = &mut finding.face {
                    face.tilt = Radians::from_degrees(degrees);
                }
            }
        };
        let cases: Vec<(PlaneRefusal, Finding)> = vec![
            (
                PlaneRefusal::NotLocked,
                changed(9.0, |f| f.state = PortState::Candidate),
            ),
            (PlaneRefusal::NotLocked, changed(9.0, |f| f.held = true)),
            (PlaneRefusal::NotLocked, changed(9.0, |f| f.face = None)),
            (
                PlaneRefusal::Moving,
                changed(9.0, |f| {
                    f.motion = Motion {
                        moving: true,
                        speed_mm_s: 40.0,
                    };
                }),
            ),
            (
                PlaneRefusal::OffMiddle,
                changed(9.0, |f| {
                    f.centring = Some(Centring {
                        chord: Millimeters(5.5),
                        whole: Some(Millimeters(7.0)),
                        off_middle: Some(Millimeters(2.2)),
                        best: None,
                    });
                }),
            ),
            (
                PlaneRefusal::OffAxis,
                changed(9.0, port(|p| p.center.x = 9.0)),
            ),
            (
                PlaneRefusal::OffAxis,
                changed(9.0, port(|p| p.center.x = f64::NAN)),
            ),
            (PlaneRefusal::TooSoon, locked(1.2)),
            (
                PlaneRefusal::OtherDepth,
                changed(9.0, port(|p| p.center.z = 26.0)),
            ),
            (PlaneRefusal::TooTilted, changed(9.0, tilted(24.0))),
            // Each plane is within its limit, both together are not.
            (PlaneRefusal::TooTilted, changed(9.0, tilted(19.8))),
        ];
        for refusal in PlaneRefusal::ALL {
            assert!(cases.iter().any(|(r, _)| *r == refusal), "{refusal:?}");
            assert!(crate::words::has(refusal.key()), "{refusal:?}");
        }
        for (refusal, finding) in cases {
            let mut planes = TwoPlanes::default();
            let first = planes.take(&locked(1.0)).expect("first");
            assert_eq!(planes.take(&finding), Err(refusal));
            assert_eq!(planes.planes(), first);
            assert_eq!(planes.refusal(finding.captured_at), Some(refusal));
        }
    }

    #[test]
    fn a_confirmed_port_that_is_lost_has_to_be_confirmed_anew() {
        let unseen = |seconds| changed(seconds, |f| f.state = PortState::None);
        let mut planes = confirmed();
        assert!(!planes.note(&unseen(5.5)), "a moment is no loss");
        assert!(!planes.note(&locked(5.6)));
        assert!(planes.note(&unseen(8.0)));
        assert_eq!(planes.planes(), Planes::None);

        let mut turning = TwoPlanes::default();
        turning.take(&locked(1.0)).expect("first");
        assert!(!turning.note(&unseen(12.0)), "the probe is being turned");
        assert!(turning.note(&unseen(60.0)));
        assert_eq!(turning.planes(), Planes::None);
    }
}
