//! The path of each way to the port. Every way has a drawing of its own, because each shows something else: where to
//! mark the skin, where a needle crosses the picture, or the lane along which it comes.
use crate::guide::limits::{CENTERED_WITHIN, IN_PLANE_STANDOFF, OUT_OF_PLANE_STANDOFF};
use crate::guide::{NeedlePath, Way};
use crate::image::ScanImage;
use crate::overlay::{Look, Stroke};
use crate::space::{PixelPoint, Radians, ScanPoint};
use crate::words;

use super::{LABEL_GAP, Sheet};

/// Distance of the path's depth ticks, and half their width, mm.
const TICK_STEP: f64 = 5.0;
const TICK_HALF: f64 = 0.9;
/// Half the width of the bar at the needle stop, mm.
const STOP_HALF: f64 = 2.2;
/// Radius of the ring at the skin, mm.
const ENTRY_RADIUS: f64 = 1.0;
/// The arrow from the middle of the probe to the entry runs this deep, mm, and its head is this long.
const ARROW_DEPTH: f64 = 1.6;
const ARROW_HEAD: f64 = 0.9;

impl Sheet {
    /// The path, drawn as its way wants it.
    pub(super) fn path(&mut self, path: &NeedlePath, image: &ScanImage) {
        let length = path.entry.distance(path.stop);
        if !length.is_finite() || length <= ENTRY_RADIUS {
            return;
        }
        match path.way {
            Way::MarkThenStick => {
                self.lane(path);
                self.ring(path.entry, ENTRY_RADIUS, Look::Suggested);
                self.way_to_the_entry(path);
            }
            Way::LiveOutOfPlane => self.crossing(path),
            Way::LiveInPlane => {
                self.lane(path);
                self.beside_the_end(path, image);
            }
        }
        self.stop(path, image);
    }

    /// Dashed from the skin to the stop with a tick every 5 mm, and the corridor's edges on either side.
    fn lane(&mut self, path: &NeedlePath) {
        let length = path.entry.distance(path.stop);
        let start = path.entry.toward(path.stop, ENTRY_RADIUS / length);
        self.line(start, path.stop, Look::Suggested, Stroke::Dashed);
        let mut depth = TICK_STEP;
        while depth < length - 1.0 {
            let middle = path.entry.toward(path.stop, depth / length);
            self.across(middle, path.tilt, TICK_HALF);
            depth += TICK_STEP;
        }
        for side in [-1.0, 1.0] {
            let beside = |point: ScanPoint| point.along(path.tilt, side * path.corridor.0);
            self.line(
                beside(start),
                beside(path.stop),
                Look::Suggested,
                Stroke::Faint,
            );
        }
    }

    /// While the entry is not under the middle of the probe, an arrow from there to it with the distance: the skin is
    /// marked at the middle of the probe, where nothing else can be seen of it.
    fn way_to_the_entry(&mut self, path: &NeedlePath) {
        let off = path.entry.x;
        if off.abs() <= CENTERED_WITHIN.0 {
            let at = ScanPoint::new(path.entry.x + LABEL_GAP, path.entry.z + ARROW_DEPTH);
            self.label(at, words::say("overlay-entry"), Look::Suggested);
            return;
        }
        let z = path.entry.z + ARROW_DEPTH;
        let (from, to) = (
            ScanPoint::new(0.0, z),
            ScanPoint::new(off - off.signum() * ENTRY_RADIUS, z),
        );
        self.line(from, to, Look::Suggested, Stroke::Solid);
        for up in [-1.0, 1.0] {
            let feather =
                ScanPoint::new(to.x - off.signum() * ARROW_HEAD, z + up * ARROW_HEAD / 2.0);
            self.line(feather, to, Look::Suggested, Stroke::Solid);
        }
        let distance = format!("{:.0}", off.abs());
        let text = words::say_with("overlay-off-middle", &[("distance", &distance)]);
        self.label(ScanPoint::new(off / 2.0, z + 1.2), text, Look::Suggested);
    }

    /// Across the picture nothing of the way in is seen: a frame where the needle crosses, and no line to it (H17).
    fn crossing(&mut self, path: &NeedlePath) {
        let half = path.corridor.0;
        let corner = |along: f64, deep: f64| {
            let beside = path.aim.along(path.tilt, along * half);
            super::off_face(beside, path.tilt, -deep * half)
        };
        let corners = [
            corner(-1.0, -1.0),
            corner(1.0, -1.0),
            corner(1.0, 1.0),
            corner(-1.0, 1.0),
        ];
        for (from, to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            self.line(*from, *to, Look::Suggested, Stroke::Solid);
        }
        let beside = path.aim.along(path.tilt, half + 1.0);
        self.label(beside, words::say("overlay-crossing"), Look::Suggested);
        let lean = format!("{:.0}", path.lean.degrees().abs());
        let away = format!("{:.0}", OUT_OF_PLANE_STANDOFF.0);
        let text = words::say_with("overlay-beside", &[("away", &away), ("lean", &lean)]);
        // A bar at the skin, not a ring: the entry is not in this picture.
        self.across(path.entry, path.tilt, STOP_HALF);
        let at = ScanPoint::new(path.entry.x + STOP_HALF + 1.0, path.entry.z + ARROW_DEPTH);
        self.label(at, text, Look::Suggested);
    }

    /// The entry lies beside the picture: its words stand at the picture's edge.
    fn beside_the_end(&mut self, path: &NeedlePath, image: &ScanImage) {
        let lean = format!("{:.0}", path.lean.degrees().abs());
        let away = format!("{:.0}", IN_PLANE_STANDOFF.0);
        let text = words::say_with("overlay-beside-end", &[("away", &away), ("lean", &lean)]);
        let columns = [0.0, image.columns as f64];
        let edges = columns.map(|column| image.point_of(PixelPoint::new(column, 0.0)).x);
        let x = path
            .entry
            .x
            .clamp(edges[0] + LABEL_GAP, edges[1] - LABEL_GAP);
        let at = ScanPoint::new(x, path.entry.z.max(0.0) + ARROW_DEPTH);
        self.label(at, text, Look::Suggested);
    }

    /// A bar at the needle stop and its range in words.
    fn stop(&mut self, path: &NeedlePath, image: &ScanImage) {
        self.across(path.stop, path.tilt, STOP_HALF);
        let least = format!("{:.0}", path.depth.least.0.floor());
        let most = format!("{:.0}", path.depth.most.0.ceil());
        let text = words::say_with("overlay-needle-stop", &[("least", &least), ("most", &most)]);
        // Below the picture there is no room for words: they go to the last line that has.
        let lowest = image.point_of(PixelPoint::new(0.0, image.rows as f64)).z - LABEL_GAP;
        let beside = path.stop.along(path.tilt, STOP_HALF + 1.0);
        let at = ScanPoint::new(beside.x, beside.z.min(lowest));
        self.label(at, text, Look::Suggested);
    }

    fn across(&mut self, middle: ScanPoint, tilt: Radians, half: f64) {
        let ends = (middle.along(tilt, -half), middle.along(tilt, half));
        self.line(ends.0, ends.1, Look::Suggested, Stroke::Solid);
    }
}
