//! The path: through mid-depth of the port axis, at right angles to the face (H12).
use crate::frame::Beams;
use crate::guide::limits::TISSUE_RANGE;
use crate::guide::{NeedlePath, Way, depth_span};
use crate::pump::PumpModel;
use crate::space::{Millimeters, Radians, ScanPoint};

/// Below this radius, mm, a fan has no face to speak of (a phased array) and the skin is a flat line at its apex.
const FLAT_BELOW: f64 = 1.0;

/// The unit vector that leads from the face into the port, for a face of this tilt: (x, z).
fn into_port(tilt: Radians) -> (f64, f64) {
    (-tilt.0.sin(), tilt.0.cos())
}

fn moved(point: ScanPoint, (x, z): (f64, f64), by: f64) -> ScanPoint {
    ScanPoint::new(point.x + x * by, point.z + z * by)
}

/// Where a line through `point`, at right angles to a face of `tilt`, meets the skin above it.
///
/// The skin is the probe face: z = 0 for parallel beams, the arc of radius `near` for a fan. `None` when the line
/// passes beside the probe or the point does not lie below the skin.
pub fn entry_on_skin(point: ScanPoint, tilt: Radians, beams: &Beams) -> Option<ScanPoint> {
    let (dx, dz) = into_port(tilt);
    let flat = |z: f64| {
        let rise = (point.z - z) / dz;
        (dz > 0.0 && rise > 0.0).then(|| moved(point, (dx, dz), -rise))
    };
    let entry = match *beams {
        Beams::Parallel => flat(0.0)?,
        Beams::Fan { apex, near, .. } if near < FLAT_BELOW => flat(apex.z)?,
        Beams::Fan {
            apex, near, half, ..
        } => {
            let (px, pz) = (point.x - apex.x, point.z - apex.z);
            let outside = px * px + pz * pz - near * near;
            // |p - t d| = near; the smaller root is the side of the arc that faces the point.
            let along = px * dx + pz * dz;
            let root = along * along - outside;
            if outside <= 0.0 || along <= 0.0 || root < 0.0 {
                return None;
            }
            let entry = moved(point, (dx, dz), -(along - root.sqrt()));
            let off_axis = (entry.x - apex.x).atan2(entry.z - apex.z).abs();
            // Beyond the end of the arc there is no probe, and so no knowledge of where the skin is.
            if off_axis > half.0 {
                return None;
            }
            entry
        }
    };
    entry.is_finite().then_some(entry)
}

fn is_below_skin(point: ScanPoint, beams: &Beams) -> bool {
    match *beams {
        Beams::Parallel => point.z > 0.0,
        Beams::Fan { apex, near, .. } => point.z > apex.z && apex.distance(point) > near,
    }
}

/// Why a path cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unplannable {
    /// The line at right angles to the face passes beside the probe.
    BesideProbe,
    /// The numbers cannot be those of a port.
    Nonsense,
}

/// The path to a port centred at `center` on a face of `tilt`, square to it; its corridor is for the gate to set.
pub(super) fn plan(
    center: ScanPoint,
    tilt: Radians,
    beams: &Beams,
    pump: &PumpModel,
    provisional: bool,
) -> Result<NeedlePath, Unplannable> {
    let stop_below = pump.needle_stop.value;
    if !(center.is_finite() && tilt.0.is_finite() && stop_below.0 > 0.0) {
        return Err(Unplannable::Nonsense);
    }
    if !is_below_skin(center, beams) {
        return Err(Unplannable::Nonsense);
    }
    let entry = entry_on_skin(center, tilt, beams).ok_or(Unplannable::BesideProbe)?;
    let tissue = Millimeters(entry.distance(center));
    let (least, most) = TISSUE_RANGE;
    if !(least.0..=most.0).contains(&tissue.0) {
        return Err(Unplannable::Nonsense);
    }
    let inward = into_port(tilt);
    Ok(NeedlePath {
        entry,
        aim: moved(center, inward, stop_below.0 / 2.0),
        stop: moved(center, inward, stop_below.0),
        tilt,
        depth: depth_span(tissue, pump.needle_stop),
        provisional,
        way: Way::MarkThenStick,
        lean: Radians(0.0),
        corridor: Millimeters(0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pump::find;
    use proptest::prelude::*;

    fn curved() -> Beams {
        Beams::Fan {
            apex: ScanPoint::new(0.0, -60.0),
            near: 60.0,
            far: 130.0,
            half: Radians::from_degrees(30.0),
        }
    }

    #[test]
    fn a_level_face_is_entered_straight_above_the_port() {
        let pump = find("synchromed2-20").expect("listed");
        let path = plan(
            ScanPoint::new(-3.0, 18.0),
            Radians(0.0),
            &Beams::Parallel,
            pump,
            false,
        )
        .expect("sound");
        assert_eq!(path.entry, ScanPoint::new(-3.0, 0.0));
        assert_eq!(path.aim, ScanPoint::new(-3.0, 22.0));
        assert_eq!(path.stop, ScanPoint::new(-3.0, 26.0));
        assert!(path.depth.least.0 < 26.0 && path.depth.most.0 > 26.0);
    }

    #[test]
    fn a_face_deeper_on_the_right_is_entered_from_the_right() {
        let pump = find("synchromed2-20").expect("listed");
        let tilt = Radians::from_degrees(10.0);
        let path = plan(
            ScanPoint::new(0.0, 25.0),
            tilt,
            &Beams::Parallel,
            pump,
            false,
        )
        .expect("sound");
        // clinical table: 4.4 mm of skin offset at 25 mm and 10 degrees
        assert!((path.entry.x - 4.4).abs() < 0.05, "{:?}", path.entry);
        assert!(path.stop.x < 0.0);
        assert_eq!(path.tilt, tilt);
    }

    #[test]
    fn a_curved_probe_is_entered_on_its_arc() {
        let entry = entry_on_skin(
            ScanPoint::new(8.0, 33.0),
            Radians::from_degrees(5.0),
            &curved(),
        )
        .expect("under the probe");
        let radius = entry.distance(ScanPoint::new(0.0, -60.0));
        assert!((radius - 60.0).abs() < 1e-9);
        assert!(entry.z < 0.0 && entry.x > 8.0);
    }

    #[test]
    fn a_line_that_passes_beside_the_probe_has_no_entry() {
        let tight = Beams::Fan {
            apex: ScanPoint::new(0.0, -10.0),
            near: 10.0,
            far: 80.0,
            half: Radians::from_degrees(60.0),
        };
        let beside = entry_on_skin(ScanPoint::new(30.0, 40.0), Radians(0.0), &tight);
        assert_eq!(beside, None);
        let above = entry_on_skin(ScanPoint::new(0.0, -3.0), Radians(0.0), &Beams::Parallel);
        assert_eq!(above, None);
        let inside = entry_on_skin(ScanPoint::new(0.0, -5.0), Radians(0.0), &tight);
        assert_eq!(inside, None);
    }

    #[test]
    fn a_phased_probe_is_entered_on_the_level_of_its_apex() {
        let phased = Beams::Fan {
            apex: ScanPoint::new(0.0, 0.0),
            near: 0.0,
            far: 100.0,
            half: Radians::from_degrees(45.0),
        };
        let entry = entry_on_skin(ScanPoint::new(4.0, 30.0), Radians(0.0), &phased);
        assert_eq!(entry, Some(ScanPoint::new(4.0, 0.0)));
    }

    proptest! {
        #[test]
        fn entry_aim_and_stop_lie_on_one_line_within_a_degree_of_the_normal(
            x in -15.0f64..15.0, z in 6.0f64..60.0, degrees in -20.0f64..20.0, fan in any::<bool>(),
        ) {
            let beams = if fan { curved() } else { Beams::Parallel };
            let pump = find("medstream-40").expect("listed");
            let tilt = Radians::from_degrees(degrees);
            if let Ok(path) = plan(ScanPoint::new(x, z), tilt, &beams, pump, false) {
                for end in [path.aim, path.stop] {
                    let lean = (path.entry.x - end.x).atan2(end.z - path.entry.z).to_degrees();
                    prop_assert!((lean - degrees).abs() < 1e-6, "{} against {}", lean, degrees);
                }
                prop_assert!((path.aim.distance(path.stop) - pump.needle_stop.value.0 / 2.0).abs() < 1e-9);
                let shown = path.entry.distance(path.stop);
                prop_assert!(path.depth.least.0 < shown && shown < path.depth.most.0);
            } else {
                prop_assert!(fan, "a linear probe always has an entry");
            }
        }
    }
}
