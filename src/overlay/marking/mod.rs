//! What is drawn over a picture: shape says what a thing is, its look says how it is known (H32).
mod approach;

use crate::detect::{Face, Finding, NeedleSeen, Port, PortState};
use crate::guide::{Guidance, needle_aim};
use crate::image::{LengthUnit, ScanImage};
use crate::overlay::{Look, Mark, Marks, Stroke};
use crate::pump::PumpModel;
use crate::space::{Radians, ScanPoint};
use crate::words;

/// The face line runs this far above the metal, mm, so that the metal stays visible.
const ABOVE_METAL: f64 = 0.5;
/// The brackets at a port reach this far above and below the face, mm.
const BRACKET_UP: f64 = 2.2;
const BRACKET_DOWN: f64 = 1.2;
/// The feet of a bracket point this far inward, mm.
const BRACKET_FOOT: f64 = 0.9;
/// Clear space between the opening and its brackets, mm.
const BRACKET_GAP: f64 = 0.3;
/// Radius of the ring round a tip that was followed, mm.
const TIP_RADIUS: f64 = 0.8;
/// Clear space between a mark and its words, mm.
const LABEL_GAP: f64 = 2.0;

/// The marks of one picture. Without a scale there are none: nothing measured in pixels may look like a length.
pub fn marks(finding: &Finding, guidance: &Guidance, image: &ScanImage, pump: &PumpModel) -> Marks {
    let mut sheet = Sheet {
        frame: finding.frame,
        marks: Vec::new(),
    };
    let own = finding.frame == image.frame && guidance.frame == image.frame;
    if image.unit == LengthUnit::Millimeters && own {
        sheet.draw(finding, guidance, image, pump);
    }
    Marks {
        frame: sheet.frame,
        marks: sheet.marks,
    }
}

struct Sheet {
    frame: crate::frame::FrameId,
    marks: Vec<Mark>,
}

impl Sheet {
    fn draw(
        &mut self,
        finding: &Finding,
        guidance: &Guidance,
        image: &ScanImage,
        pump: &PumpModel,
    ) {
        let tilt = finding.face.map_or(Radians(0.0), |face| face.tilt);
        let opening = finding.port.or(finding.other_port);
        if let Some(face) = finding.face {
            self.face(&face, opening, finding.held);
        }
        if let Some(port) = finding.port {
            self.port(finding, &port, tilt, pump);
        } else if let Some(other) = finding.other_port {
            self.brackets(&other, tilt, Look::Warning, Stroke::Solid);
            self.port_label(
                &other,
                tilt,
                words::say("overlay-access-port"),
                Look::Warning,
            );
        }
        if let Some(path) = guidance.path {
            self.path(&path, image);
        }
        if let Some(needle) = finding.needle {
            self.needle(&needle, finding);
        }
        self.notice_above_face(finding);
    }

    fn line(&mut self, from: ScanPoint, to: ScanPoint, look: Look, stroke: Stroke) {
        if from.is_finite() && to.is_finite() {
            self.marks.push(Mark::Line {
                from,
                to,
                look,
                stroke,
            });
        }
    }

    fn label(&mut self, at: ScanPoint, text: String, look: Look) {
        if at.is_finite() {
            self.marks.push(Mark::Label { at, text, look });
        }
    }

    fn ring(&mut self, center: ScanPoint, radius: f64, look: Look) {
        if center.is_finite() {
            self.marks.push(Mark::Ring {
                center,
                radius,
                look,
            });
        }
    }

    /// The face line, just above the metal, left open where the port is.
    fn face(&mut self, face: &Face, opening: Option<Port>, held: bool) {
        let lifted = |point: ScanPoint| off_face(point, face.tilt, ABOVE_METAL);
        let (left, right) = (face.segment.left, face.segment.right);
        let (look, stroke) = if held {
            (Look::Held, Stroke::Dashed)
        } else {
            (Look::Seen, Stroke::Solid)
        };
        let Some(port) = opening else {
            self.line(lifted(left), lifted(right), look, stroke);
            return;
        };
        let half = port.width.0 / 2.0 + BRACKET_GAP;
        let on_face = |x: f64| ScanPoint::new(x, face.segment.z_at(x));
        let near = on_face(port.center.x - half * face.tilt.0.cos());
        let far = on_face(port.center.x + half * face.tilt.0.cos());
        if left.x < near.x {
            self.line(lifted(left), lifted(near), look, stroke);
        }
        if far.x < right.x {
            self.line(lifted(far), lifted(right), look, stroke);
        }
    }

    fn port(&mut self, finding: &Finding, port: &Port, tilt: Radians, pump: &PumpModel) {
        let width = format!("{:.1}", port.width.0);
        let whole = format!("{:.1}", pump.port_width.value.0);
        let (key, look, stroke) = match finding.state {
            _ if finding.held => ("overlay-port-held", Look::Held, Stroke::Dashed),
            PortState::Locked if pump.plannable => {
                ("overlay-port-locked-of", Look::Seen, Stroke::Solid)
            }
            PortState::Locked => ("overlay-port-locked", Look::Seen, Stroke::Solid),
            PortState::Candidate
            | PortState::None
            | PortState::AccessPortSuspected
            | PortState::InvertedSuspected => {
                ("overlay-port-candidate", Look::Seen, Stroke::Dashed)
            }
        };
        self.brackets(port, tilt, look, stroke);
        let text = words::say_with(key, &[("width", &width), ("whole", &whole)]);
        self.port_label(port, tilt, text, look);
    }

    /// A bracket at either side of an opening, its feet pointing inward above it.
    fn brackets(&mut self, port: &Port, tilt: Radians, look: Look, stroke: Stroke) {
        let half = port.width.0 / 2.0 + BRACKET_GAP;
        for side in [-1.0, 1.0] {
            let edge = port.center.along(tilt, side * half);
            let up = off_face(edge, tilt, BRACKET_UP);
            let down = off_face(edge, tilt, -BRACKET_DOWN);
            let foot = up.along(tilt, -side * BRACKET_FOOT);
            self.line(down, up, look, stroke);
            self.line(up, foot, look, Stroke::Solid);
        }
    }

    /// Words stand to the right of the opening and above the face, never over it.
    fn port_label(&mut self, port: &Port, tilt: Radians, text: String, look: Look) {
        let beside = port.center.along(tilt, port.width.0 / 2.0 + LABEL_GAP);
        self.label(off_face(beside, tilt, BRACKET_UP + 1.8), text, look);
    }

    /// A needle is called a needle; a tip only when it was followed in the plane (H17).
    fn needle(&mut self, needle: &NeedleSeen, finding: &Finding) {
        self.line(needle.a, needle.b, Look::Seen, Stroke::Solid);
        let tip = needle.tip.filter(|_| needle.in_plane);
        if let Some(tip) = tip {
            self.ring(tip, TIP_RADIUS, Look::Seen);
        }
        let aim = needle_aim(finding);
        let off = aim.map(|aim| format!("{:.0}", aim.off_square.degrees()));
        let far = aim
            .and_then(|aim| aim.to_port)
            .filter(|_| tip.is_some())
            .map(|far| format!("{:.0}", far.0));
        let text = match (tip, needle.in_plane, &far, &off) {
            (Some(_), _, Some(far), Some(off)) => {
                words::say_with("overlay-needle-tip-to", &[("far", far), ("off", off)])
            }
            (Some(_), ..) => words::say("overlay-needle-tip"),
            (None, true, _, Some(off)) => words::say_with("overlay-needle-off", &[("off", off)]),
            (None, true, _, None) => words::say("overlay-needle"),
            (None, false, ..) => words::say("overlay-needle-crossing"),
        };
        let beside = ScanPoint::new(needle.a.x.max(needle.b.x) + 1.0, needle.a.z.min(needle.b.z));
        self.label(beside, text, Look::Seen);
    }

    /// Fluid and an upside-down pump are said at the left end of the face, clear of the port.
    fn notice_above_face(&mut self, finding: &Finding) {
        let Some(face) = finding.face else { return };
        let at = off_face(face.segment.left, face.tilt, 3.0);
        if let Some(fluid) = finding.fluid {
            let thickness = format!("{:.1}", fluid.thickness.0);
            let text = words::say_with("overlay-fluid", &[("thickness", &thickness)]);
            self.label(at, text, Look::Warning);
        } else if finding.state == PortState::InvertedSuspected {
            self.label(at, words::say("overlay-inverted"), Look::Warning);
        }
    }
}

/// A point moved `up` mm off a face of `tilt`, toward the skin.
fn off_face(point: ScanPoint, tilt: Radians, up: f64) -> ScanPoint {
    ScanPoint::new(point.x + tilt.0.sin() * up, point.z - tilt.0.cos() * up)
}

#[cfg(test)]
pub(super) mod tests;
