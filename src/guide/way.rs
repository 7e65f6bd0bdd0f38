//! The three ways to bring a needle to the port. Each is drawn as what it can show and refused where it cannot hold its
//! promise: a corridor within which the needle ends in the port, never a line that pretends to be exact.
use crate::detect::Port;
use crate::frame::Beams;
use crate::guide::limits::{
    CORRIDOR_LEAST, CORRIDOR_SIGMAS, IN_PLANE_EDGE_LEAST, IN_PLANE_STANDOFF, OUT_OF_PLANE_STANDOFF,
    PHASED_HALF_WIDTH, TILT_REFUSE_DEGREES,
};
use crate::guide::{Basis, NeedlePath, depth_span};
use crate::pump::{Known, Needle, PumpModel};
use crate::space::{Millimeters, Radians, ScanPoint};

/// The way the needle is brought to the port.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The skin is marked over the port, the probe is put away, then the needle goes in.
    #[default]
    MarkThenStick,
    /// Under the probe, across the picture.
    LiveOutOfPlane,
    /// Along the picture, steeply.
    LiveInPlane,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::MarkThenStick, Self::LiveOutOfPlane, Self::LiveInPlane];

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::MarkThenStick => "way-mark",
            Self::LiveOutOfPlane => "way-out-of-plane",
            Self::LiveInPlane => "way-in-plane",
        }
    }

    /// The key of what it can and cannot show.
    pub fn limits_key(self) -> &'static str {
        match self {
            Self::MarkThenStick => "way-mark-limits",
            Self::LiveOutOfPlane => "way-out-of-plane-limits",
            Self::LiveInPlane => "way-in-plane-limits",
        }
    }

    /// The next one, round and round.
    pub fn next(self) -> Self {
        match self {
            Self::MarkThenStick => Self::LiveOutOfPlane,
            Self::LiveOutOfPlane => Self::LiveInPlane,
            Self::LiveInPlane => Self::MarkThenStick,
        }
    }
}

/// A side of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where the marker is: positive x.
    Marked,
    /// The other one.
    Unmarked,
}

impl Side {
    fn sign(self) -> f64 {
        match self {
            Self::Marked => 1.0,
            Self::Unmarked => -1.0,
        }
    }
}

/// Why the way chosen cannot be gone here (H12).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WayObstacle {
    /// The port lies so shallow that the needle would lean by this much against the face, wherever the probe stands.
    TooShallow {
        /// Against the normal of the face.
        lean: Radians,
    },
    /// The port has to come nearer to one end of the probe: slide the probe by this much the other way.
    SlideFrom {
        /// The end that the port has to come nearer to.
        end: Side,
        /// How far.
        by: Millimeters,
    },
}

/// Half the width of the corridor: within it a needle ends in the port, with the port's own uncertainty and the drift
/// of a leaning needle through the upper half of the port taken off.
pub(super) fn corridor(
    port: &Port,
    pump: &PumpModel,
    needle: Option<Needle>,
    lean: Radians,
) -> Millimeters {
    let radius = needle
        .and_then(|needle| needle.outer_diameter())
        .map_or(0.0, |outer| outer.0 / 2.0);
    let drift = pump.needle_stop.value.0 / 2.0 * lean.0.tan().abs();
    let unsure = port.sigma.0 * CORRIDOR_SIGMAS;
    let half = pump.port_width.value.0 / 2.0 - radius - drift - unsure;
    Millimeters(half.max(CORRIDOR_LEAST.0))
}

/// The path of the way chosen, made from the one that is square to the face.
pub(super) fn by_way(
    way: Way,
    square: NeedlePath,
    basis: &Basis,
    stop: Known<Millimeters>,
) -> Result<NeedlePath, WayObstacle> {
    match way {
        Way::MarkThenStick => Ok(square),
        Way::LiveOutOfPlane => out_of_plane(square, stop),
        Way::LiveInPlane => in_plane(square, basis, stop),
    }
}

/// Beside the probe, leaning toward the plane of the picture: what the picture shows of it is where it crosses.
fn out_of_plane(square: NeedlePath, stop: Known<Millimeters>) -> Result<NeedlePath, WayObstacle> {
    let depth = square.entry.distance(square.aim);
    let lean = Radians(OUT_OF_PLANE_STANDOFF.0.atan2(depth));
    if lean.degrees() > TILT_REFUSE_DEGREES {
        return Err(WayObstacle::TooShallow { lean });
    }
    Ok(NeedlePath {
        way: Way::LiveOutOfPlane,
        lean,
        depth: leaning_depth(Millimeters(depth), lean, stop),
        ..square
    })
}

/// Depth along a needle that leans by `lean` toward the aim `depth` below its entry, measured along the face's normal.
fn leaning_depth(
    depth: Millimeters,
    lean: Radians,
    stop: Known<Millimeters>,
) -> crate::guide::DepthSpan {
    let longer = 1.0 / lean.0.cos();
    let tissue = (depth - stop.value / 2.0) * longer;
    let stop = Known {
        value: stop.value * longer,
        provenance: stop.provenance,
    };
    depth_span(tissue, stop)
}

/// From the skin beside one end of the probe, along the picture.
fn in_plane(
    square: NeedlePath,
    basis: &Basis,
    stop: Known<Millimeters>,
) -> Result<NeedlePath, WayObstacle> {
    let ends = [Side::Marked, Side::Unmarked].map(|side| from_end(&square, basis, side));
    let [marked, unmarked] = ends;
    let nearer = if marked.lean.0.abs() <= unmarked.lean.0.abs() {
        marked
    } else {
        unmarked
    };
    if nearer.lean.degrees().abs() > TILT_REFUSE_DEGREES {
        return Err(nearer.obstacle(&square));
    }
    let (aim, needle) = (square.aim, nearer.needle);
    let beyond = stop.value.0 / 2.0 / nearer.lean.0.cos();
    Ok(NeedlePath {
        way: Way::LiveInPlane,
        entry: nearer.entry,
        stop: ScanPoint::new(
            aim.x - needle.0.sin() * beyond,
            aim.z + needle.0.cos() * beyond,
        ),
        tilt: needle,
        lean: nearer.lean,
        depth: leaning_depth(
            Millimeters(nearer.entry.distance(aim) * nearer.lean.0.cos()),
            nearer.lean,
            stop,
        ),
        ..square
    })
}

/// A needle from beside one end of the probe to the aim.
#[derive(Clone, Copy)]
struct FromEnd {
    side: Side,
    /// The end of the probe's face.
    end: ScanPoint,
    /// On the skin beside it. What the skin does there is not seen; it is taken to go on level with the probe's end.
    entry: ScanPoint,
    /// The needle against z, with the sign of a tilt.
    needle: Radians,
    /// The needle against the normal of the face.
    lean: Radians,
}

fn from_end(square: &NeedlePath, basis: &Basis, side: Side) -> FromEnd {
    let sign = side.sign();
    let end = match basis.beams {
        Beams::Parallel => ScanPoint::new(sign * basis.half_width.0, 0.0),
        Beams::Fan { apex, near, .. } if near < PHASED_HALF_WIDTH.0 => {
            ScanPoint::new(apex.x + sign * PHASED_HALF_WIDTH.0, apex.z)
        }
        Beams::Fan {
            apex, near, half, ..
        } => ScanPoint::new(
            apex.x + sign * near * half.0.sin(),
            apex.z + near * half.0.cos(),
        ),
    };
    let entry = ScanPoint::new(end.x + sign * IN_PLANE_STANDOFF.0, end.z);
    let needle = Radians((entry.x - square.aim.x).atan2(square.aim.z - entry.z));
    FromEnd {
        side,
        end,
        entry,
        needle,
        lean: needle - square.tilt,
    }
}

impl FromEnd {
    fn obstacle(&self, square: &NeedlePath) -> WayObstacle {
        let sign = self.side.sign();
        let steepest = square.tilt.0 + sign * TILT_REFUSE_DEGREES.to_radians();
        let reach = (square.aim.z - self.entry.z) * steepest.tan();
        let by = sign * (self.entry.x - square.aim.x - reach);
        let left = sign * (self.end.x - square.aim.x) - by;
        if !by.is_finite() || left < IN_PLANE_EDGE_LEAST.0 {
            return WayObstacle::TooShallow { lean: self.lean };
        }
        WayObstacle::SlideFrom {
            end: self.side,
            by: Millimeters(by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::DepthSpan;
    use crate::guide::planner::plan;
    use crate::pump::find;
    use crate::words::{has, say};

    fn square(x: f64, z: f64, degrees: f64, beams: &Beams) -> NeedlePath {
        let tilt = Radians::from_degrees(degrees);
        plan(ScanPoint::new(x, z), tilt, beams, pump(), false).expect("sound")
    }

    fn pump() -> &'static PumpModel {
        find("synchromed2-20").expect("listed")
    }

    fn basis(beams: Beams) -> Basis {
        Basis {
            has_scale: true,
            beams,
            half_width: Millimeters(20.0),
        }
    }

    fn gone(way: Way, x: f64, z: f64, degrees: f64) -> Result<NeedlePath, WayObstacle> {
        let square = square(x, z, degrees, &Beams::Parallel);
        by_way(way, square, &basis(Beams::Parallel), pump().needle_stop)
    }

    fn width(span: DepthSpan) -> (f64, f64) {
        (span.least.0, span.most.0)
    }

    #[test]
    fn a_needle_from_beside_the_probe_leans_more_the_shallower_the_port_and_is_refused_above_20_degrees()
     {
        // The middle of the port's axis lies 4 mm below the face.
        for (z, degrees) in [(18.5, 19.6), (26.0, 14.9), (36.0, 11.3)] {
            let path = gone(Way::LiveOutOfPlane, 0.0, z, 0.0).expect("deep enough");
            assert!(
                (path.lean.degrees() - degrees).abs() < 0.1,
                "{z}: {:?}",
                path.lean
            );
            let square = square(0.0, z, 0.0, &Beams::Parallel);
            assert!(width(path.depth).0 > width(square.depth).0);
            assert!(width(path.depth).1 > width(square.depth).1);
        }
        let refused = gone(Way::LiveOutOfPlane, 0.0, 15.0, 0.0);
        assert!(matches!(refused, Err(WayObstacle::TooShallow { .. })));
        assert!(gone(Way::MarkThenStick, 0.0, 5.0, 0.0).is_ok());
    }

    #[test]
    fn in_the_plane_the_port_has_to_come_near_the_end_of_the_probe_and_the_slide_asked_for_is_enough()
     {
        for (x, degrees, end) in [
            (2.0, 0.0, Side::Marked),
            (-2.0, 0.0, Side::Unmarked),
            (0.0, 6.0, Side::Marked),
            (0.0, -6.0, Side::Unmarked),
        ] {
            let Err(WayObstacle::SlideFrom { end: told, by }) =
                gone(Way::LiveInPlane, x, 32.0, degrees)
            else {
                panic!("{x} mm, {degrees} degrees: no slide");
            };
            assert_eq!(told, end);
            let slid = x + told.sign() * (by.0 + 0.2);
            let path = gone(Way::LiveInPlane, slid, 32.0, degrees).expect("slid far enough");
            assert!(path.lean.degrees().abs() <= TILT_REFUSE_DEGREES);
            assert!(
                path.entry.x.abs() > 20.0,
                "beside the probe: {:?}",
                path.entry
            );
            let lean = (path.entry.x - path.stop.x).atan2(path.stop.z - path.entry.z);
            assert!((lean - path.tilt.0).abs() < 1e-9, "one line");
        }
        let shallow = gone(Way::LiveInPlane, 12.0, 18.0, 0.0);
        assert!(matches!(shallow, Err(WayObstacle::TooShallow { .. })));
    }

    #[test]
    fn beside_a_curved_probe_the_skin_goes_on_level_with_its_end() {
        let curved = Beams::Fan {
            apex: ScanPoint::new(0.0, -60.0),
            near: 60.0,
            far: 130.0,
            half: Radians::from_degrees(30.0),
        };
        let square = square(20.0, 45.0, 0.0, &curved);
        let path = by_way(Way::LiveInPlane, square, &basis(curved), pump().needle_stop)
            .expect("deep enough");
        assert!((path.entry.x - 35.0).abs() < 0.01 && (path.entry.z + 8.04).abs() < 0.01);
    }

    #[test]
    fn the_corridor_narrows_with_doubt_and_lean_and_never_to_nothing() {
        let half = |sigma, lean| {
            let port = Port {
                center: ScanPoint::new(0.0, 20.0),
                width: Millimeters(7.0),
                sigma: Millimeters(sigma),
            };
            corridor(
                &port,
                pump(),
                "22G:51".parse().ok(),
                Radians::from_degrees(lean),
            )
            .0
        };
        assert!((half(0.3, 0.0) - (3.5 - 0.359 - 0.6)).abs() < 1e-9);
        assert!(half(0.6, 0.0) < half(0.3, 0.0) && half(0.3, 18.0) < half(0.3, 0.0));
        assert!((half(5.0, 0.0) - CORRIDOR_LEAST.0).abs() < 1e-9);
    }

    #[test]
    fn every_way_has_words_and_its_limits_in_words_are_those_in_force() {
        for way in Way::ALL {
            assert!(has(way.key()) && has(way.limits_key()), "{way:?}");
        }
        let steepest = TILT_REFUSE_DEGREES.to_radians().tan();
        let half_port = pump().needle_stop.value.0 / 2.0;
        let beside = OUT_OF_PLANE_STANDOFF.0;
        let words = say(Way::LiveOutOfPlane.limits_key());
        assert!(words.contains(&format!("{beside:.0} mm beside")), "{words}");
        let least = beside / steepest - half_port;
        assert!(words.contains(&format!("about {least:.0} mm")), "{words}");
        let beside = IN_PLANE_STANDOFF.0;
        let words = say(Way::LiveInPlane.limits_key());
        assert!(words.contains(&format!("{beside:.0} mm beside")), "{words}");
        let least = (beside + IN_PLANE_EDGE_LEAST.0) / steepest - half_port;
        assert!(words.contains(&format!("about {least:.0} mm")), "{words}");
        for way in [Way::MarkThenStick, Way::LiveOutOfPlane, Way::LiveInPlane] {
            assert_ne!(way.next(), way);
        }
    }
}
