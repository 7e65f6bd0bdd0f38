//! How a needle that is seen lies to the port: how far its tip still has to go, where it would arrive, and how far it
//! is off square to the face.
use crate::detect::Finding;
use crate::space::{Millimeters, Radians};

/// Flattest meeting of needle and face for which a point of arrival is given, sine of the angle between them: at 17
/// degrees half a degree of error in the shaft is 1 mm on the face for every 10 mm to go.
const LEAST_MEETING: f64 = 0.3;

/// How a needle lies to the port in this slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeedleAim {
    /// From the tip along the needle to the plane of the port's opening, under which the septum lies; negative once
    /// the tip is past it. Only of a tip that was followed in the plane (H17).
    pub to_port: Option<Millimeters>,
    /// Where the needle's line meets that plane, from the port's middle along the face, positive to greater x.
    pub beside: Option<Millimeters>,
    /// Angle between the needle and the normal of the face, 0 to 90 degrees: the error of a path square to the face.
    pub off_square: Radians,
}

/// How the needle of a finding lies to its port; `None` without a needle in the plane or without a face.
///
/// Errors are those of the finding: half a degree of the shaft and half a millimetre of the tip are usual.
pub fn needle_aim(finding: &Finding) -> Option<NeedleAim> {
    let needle = finding.needle.filter(|n| n.in_plane)?;
    let face = finding.face?;
    let (sin, cos) = face.tilt.0.sin_cos();
    let length = needle.a.distance(needle.b);
    if !(length > 0.0 && sin.is_finite()) {
        return None;
    }
    let (dx, dz) = (
        (needle.b.x - needle.a.x) / length,
        (needle.b.z - needle.a.z) / length,
    );
    // the share of a step along the needle that leads into the face
    let inward = dz * cos - dx * sin;
    let off_square = Radians(inward.abs().min(1.0).acos());
    let port = finding
        .port
        .filter(|_| !finding.held && inward >= LEAST_MEETING);
    let arrival = port.map(|port| {
        let from = needle.tip.unwrap_or(needle.b);
        let (x, z) = (port.center.x - from.x, port.center.z - from.z);
        let to_go = (z * cos - x * sin) / inward;
        let beside = (to_go * dx - x) * cos + (to_go * dz - z) * sin;
        (to_go, beside)
    });
    Some(NeedleAim {
        to_port: arrival
            .filter(|_| needle.tip.is_some())
            .map(|(to_go, _)| Millimeters(to_go)),
        beside: arrival.map(|(_, beside)| Millimeters(beside)),
        off_square,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Face, NeedleSeen, Port};
    use crate::space::{ScanPoint, Segment};

    fn finding(a: [f64; 2], b: [f64; 2], has_tip: bool, tilt_deg: f64) -> Finding {
        let [a, b] = [a, b].map(|[x, z]| ScanPoint::new(x, z));
        let tilt = Radians::from_degrees(tilt_deg);
        let middle = ScanPoint::new(2.0, 20.0);
        Finding {
            face: Some(Face {
                segment: Segment::new(middle.along(tilt, -15.0), middle.along(tilt, 15.0)),
                tilt,
            }),
            port: Some(Port {
                center: middle,
                width: Millimeters(7.0),
                sigma: Millimeters(0.2),
            }),
            needle: Some(NeedleSeen {
                a,
                b,
                angle: Segment::new(a, b).tilt(),
                tip: has_tip.then_some(b),
                confidence: 0.9,
                in_plane: true,
            }),
            ..Finding::default()
        }
    }

    #[test]
    fn a_needle_at_45_degrees_to_a_level_face_meets_it_where_its_line_does() {
        // from (-13, 5) down to the right at 45 degrees: meets z = 20 at x = 2, 10 mm in x and z behind the tip
        let aim = needle_aim(&finding([-13.0, 5.0], [-8.0, 10.0], true, 0.0)).expect("an aim");
        let to_port = aim.to_port.expect("a tip").0;
        assert!((to_port - 200.0_f64.sqrt()).abs() < 1e-9, "{to_port}");
        assert!(aim.beside.expect("a port").0.abs() < 1e-9);
        assert!((aim.off_square.degrees() - 45.0).abs() < 1e-9);
    }

    #[test]
    fn a_needle_square_to_a_tilted_face_is_off_by_nothing() {
        // the normal of a face that is deeper on the right by 10 degrees leans to the left going down
        let (sin, cos) = 10.0_f64.to_radians().sin_cos();
        let at = |up: f64| [3.0 * cos + 2.0 + up * sin, 20.0 + 3.0 * sin - up * cos];
        let aim = needle_aim(&finding(at(12.0), at(4.0), true, 10.0)).expect("an aim");
        assert!(aim.off_square.degrees() < 1e-4);
        assert!((aim.to_port.expect("a tip").0 - 4.0).abs() < 1e-9);
        assert!((aim.beside.expect("a port").0 - 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_end_of_a_shaft_that_is_no_tip_has_no_distance() {
        let aim = needle_aim(&finding([-13.0, 5.0], [-8.0, 10.0], false, 0.0)).expect("an aim");
        assert_eq!(aim.to_port, None);
        let mut crossing = finding([-13.0, 5.0], [-8.0, 10.0], true, 0.0);
        if let Some(needle) = &mut crossing.needle {
            needle.in_plane = false;
        }
        assert_eq!(needle_aim(&crossing), None);
    }
}
