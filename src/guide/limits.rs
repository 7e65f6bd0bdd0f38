//! Every limit of what may be advised, each with its unit, its reason and the hazards of docs/HAZARDS.md it serves.
//!
//! All are choices of the team, made from docs/HAZARDS.md and its sources, and none has been validated on patients.
use std::time::Duration;

use crate::pump::Provenance;
use crate::space::Millimeters;

/// Newest frame older than this: marks and path go (H01, H02).
pub const STALE_AFTER: Duration = Duration::from_millis(250);

/// Newest frame older than this: the picture is dimmed and says NOT LIVE (H01).
pub const NOT_LIVE_AFTER: Duration = Duration::from_millis(500);

/// Tilt of the face in this plane, degrees, above which the operator is warned (H12): at 15 degrees the needle drifts
/// 2 mm sideways over 8 mm of port if it is held square to the skin instead of the face.
pub const TILT_WARN_DEGREES: f64 = 15.0;

/// Tilt of the face in this plane, degrees, above which no path is offered (H12): the drift nears the 3.1 mm that
/// the port's radius leaves for a 22 G needle.
pub const TILT_REFUSE_DEGREES: f64 = 20.0;

/// Speed of the face in the picture (its largest travel within 0.12 s), mm/s, above which no path is offered (H16):
/// with up to 120 ms from echo to eye a mark at this speed stands 1.2 mm beside what it marks, as much as the whole
/// lateral budget (1.28 mm).
pub const SPEED_REFUSE_MM_S: f64 = 10.0;

/// Probability that the opening is the fill port below which no path is offered (H09, H10): one in five is more than
/// anybody should puncture on. The detector's own bar for a lock is higher; this one catches a lock whose certainty has
/// drained away.
pub const CONFIDENCE_LEAST: f64 = 0.8;

/// One standard deviation of the port's lateral position, mm, above which no path is offered (H10): a 22 G needle
/// enters a 7 mm port 9 times in 10 with 1.46 mm per axis.
pub const SIGMA_MOST: Millimeters = Millimeters(1.5);

/// A reported opening wider than this multiple of the model's port says that the scale or the model is wrong
/// (H05, H23).
pub const PORT_WIDTH_MOST: f64 = 1.4;

/// An opening narrower than this share of the model's port is a chord near its edge (H10): at 0.6 the slice lies 2.8 mm
/// beside the middle of a 7 mm port, and a needle in it meets the edge.
pub const PORT_WIDTH_LEAST: f64 = 0.6;

/// Least and most picture depth from skin to face, mm, that a path is offered for (H05): skin and capsule alone
/// are about 3 mm; nothing beyond 80 mm is an implanted pump.
pub const TISSUE_RANGE: (Millimeters, Millimeters) = (Millimeters(2.0), Millimeters(80.0));

/// How far off the face line, mm, a reported port may lie before finding and face contradict each other (H10).
/// A raised port lies up to 5 mm above.
pub const PORT_OFF_FACE_MOST: Millimeters = Millimeters(6.0);

/// How far, degrees, the tilt reported for a face may be from that of its own two ends before they contradict each
/// other (H10).
pub const FACE_BENT_MOST_DEGREES: f64 = 3.0;

/// Share of the soft tissue by which fat makes the picture too deep (H07): 1540 m/s assumed, 1428 at the slowest,
/// is 7.3 % of the depth shown.
pub const FAT_SHARE: f64 = 0.08;

/// Share of the soft tissue by which the free path is longer than the picture when the probe presses (H07).
pub const PRESSURE_SHARE: f64 = 0.20;

/// The range is no wider than this share of the depth to the stop on the picture, or it would say nothing (H07).
/// The allowance for pressure gives way first: above it, press less.
pub const SPAN_SHARE: f64 = 0.26;

/// Kept of the needle's length for skin bulge and hub, mm (H13).
pub const NEEDLE_RESERVE: Millimeters = Millimeters(2.0);

/// A path less than this, mm, short of the needle's reach earns a caution (H13).
pub const NEEDLE_TIGHT: Millimeters = Millimeters(3.0);

/// A needle longer than the deepest stop by more than this, mm, earns a caution (H14).
pub const NEEDLE_LONG: Millimeters = Millimeters(25.0);

/// The entry counts as centred within this many mm of the middle of the picture: the skin is marked at the middle of
/// the probe, and half a lateral budget goes to that.
pub const CENTERED_WITHIN: Millimeters = Millimeters(1.5);

/// By how much the depth of the needle stop below the face may be off, mm (H07).
pub fn stop_uncertainty(provenance: Provenance) -> Millimeters {
    match provenance {
        Provenance::Sourced => Millimeters(0.3),
        Provenance::Measured => Millimeters(0.5),
        // Working guesses in the notes run from 6 to 9 mm around the 8 in the catalogue.
        Provenance::Guessed => Millimeters(1.5),
    }
}

/// From the middle of the probe to where a needle can go in beside it, mm, for the live way out of plane (H12): half
/// the housing of a slim probe and room for the needle. A broader probe needs more; the corridor is the same.
pub const OUT_OF_PLANE_STANDOFF: Millimeters = Millimeters(8.0);

/// From the end of the array to where a needle can go in beside it, mm, for the live way in plane (H12): the housing
/// beyond the last element and room for the needle.
pub const IN_PLANE_STANDOFF: Millimeters = Millimeters(5.0);

/// The middle of the port keeps at least this, mm, from the end of the picture for the live way in plane (H09): half
/// the opening and enough of the face beside it to tell it from the end of the metal.
pub const IN_PLANE_EDGE_LEAST: Millimeters = Millimeters(6.0);

/// Half the width of a phased array's face, mm: its picture begins in a point and does not say.
pub const PHASED_HALF_WIDTH: Millimeters = Millimeters(10.0);

/// So many standard deviations of the port's place are taken off the corridor on either side (H10): 95 in 100.
pub const CORRIDOR_SIGMAS: f64 = 2.0;

/// The corridor is drawn no narrower than this to either side, mm (H10): no hand holds a needle better, and a thinner
/// strip would pretend to.
pub const CORRIDOR_LEAST: Millimeters = Millimeters(0.5);

/// The slice counts as beside the middle of the port from this distance on; below it the chord says too little (H08).
pub const OFF_MIDDLE_WARN: Millimeters = Millimeters(1.5);
/// The chord must be shorter than that of the best slice by this before the line says to go back.
pub const BEST_PAST: Millimeters = Millimeters(0.6);
/// A best slice is pointed back to for this long, s.
pub const BEST_HELD_S: f64 = 4.0;

/// The port may stand this far from below the middle of the probe when a plane is confirmed: further out it leaves the
/// picture while the probe is turned about its own axis (H08).
pub const PLANE_OFF_AXIS: Millimeters = Millimeters(5.0);
/// The port may lie this much deeper or shallower in the second plane: breath and pressure move it by 3 mm, another
/// opening of a tilted pump by more (H08).
pub const PLANE_DEPTH_APART: Millimeters = Millimeters(4.0);
/// Nobody turns a probe over a port and finds it again in less (H08).
pub const PLANE_TURN_LEAST: Duration = Duration::from_secs(1);
/// A first plane counts for this long (H16).
pub const PLANE_TURN_MOST: Duration = Duration::from_secs(45);
/// A confirmed port may be out of sight for this long; then it may be another opening that is seen next (H08, H16).
pub const PLANE_HOLD: Duration = Duration::from_secs(1);
/// A refused press is explained for this long.
pub const PLANE_REFUSAL_SHOWN: Duration = Duration::from_secs(4);
