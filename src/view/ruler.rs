//! The depth ruler beside the picture: centimetres from the probe face, and nothing without a scale (H05).
use egui::{Align2, Painter, Stroke, pos2};

use super::placement::Placement;
use super::theme;
use crate::image::{LengthUnit, ScanImage};
use crate::space::ScanPoint;

/// Room beside the picture that the ruler takes, in points.
pub(super) const GUTTER: f32 = 46.0;
/// Room above the picture that the ruler's unit takes, in points.
pub(super) const UNIT_ROOM: f32 = 22.0;
/// Least distance between two millimetre ticks, in points.
const FINE_LEAST: f32 = 9.0;

/// A tick of the ruler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    /// Depth below the probe face, mm.
    pub(super) depth: i32,
    /// Where it stands on the screen.
    pub(super) y: f32,
}

impl Tick {
    fn length(self) -> f32 {
        match (self.depth % 10, self.depth % 5) {
            (0, _) => 16.0,
            (_, 0) => 9.0,
            _ => 5.0,
        }
    }
}

/// The ticks between the upper and lower edge of what is seen; none without a scale.
pub(super) fn ticks(image: &ScanImage, placement: &Placement) -> Vec<Tick> {
    if image.unit != LengthUnit::Millimeters {
        return Vec::new();
    }
    let per_mm = placement.length(image, 1.0);
    let step = if per_mm >= FINE_LEAST { 1 } else { 5 };
    let y_of = |depth: i32| {
        placement
            .screen_of(image, ScanPoint::new(0.0, f64::from(depth)))
            .y
    };
    // 400 mm is the deepest picture there is.
    (0..=400)
        .step_by(step)
        .map(|depth| Tick {
            depth,
            y: y_of(depth),
        })
        .filter(|tick| placement.seen.y_range().contains(tick.y))
        .collect()
}

/// Paints the ruler along the marked side's edge of the picture.
pub(super) fn paint(painter: &Painter, image: &ScanImage, placement: &Placement) {
    let right = placement.marked_side_is_right();
    let (edge, outward) = if right {
        (placement.seen.right() + 4.0, 1.0)
    } else {
        (placement.seen.left() - 4.0, -1.0)
    };
    for tick in ticks(image, placement) {
        let end = edge + outward * tick.length();
        let major = tick.depth % 10 == 0;
        let color = if major { theme::TEXT } else { theme::QUIET };
        painter.line_segment(
            [pos2(edge, tick.y), pos2(end, tick.y)],
            Stroke::new(1.5, color),
        );
        if major {
            let align = if right {
                Align2::LEFT_CENTER
            } else {
                Align2::RIGHT_CENTER
            };
            let at = pos2(end + outward * 4.0, tick.y);
            let text = (tick.depth / 10).to_string();
            painter.text(at, align, text, theme::strong(15.0), theme::TEXT);
        }
    }
}

/// Where the ruler's unit stands: above its first number.
pub(super) fn unit_place(image: &ScanImage, placement: &Placement) -> Option<egui::Pos2> {
    let first = ticks(image, placement).first()?.y;
    let x = if placement.marked_side_is_right() {
        placement.seen.right() + GUTTER - 17.0
    } else {
        placement.seen.left() - GUTTER + 17.0
    };
    Some(pos2(
        x,
        placement.seen.top().min(first) - UNIT_ROOM / 2.0 - 1.0,
    ))
}
