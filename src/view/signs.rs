//! Small signs drawn by hand, so that no meaning hangs on colour or on a font's stock of glyphs.
use egui::{Color32, Painter, Pos2, Shape, Stroke, pos2};

use super::theme;
use crate::guide::Tone;

/// The colour of a tone.
pub(super) fn tone_color(tone: Tone) -> Color32 {
    match tone {
        Tone::Quiet => theme::TEXT,
        Tone::Go => theme::SUGGESTED,
        Tone::Caution => theme::WARNING,
        Tone::Stop => theme::STOP,
    }
}

/// Three dots in a ring, a tick in a ring, a triangle with a bar, or a cross in an octagon.
pub(super) fn paint_tone(painter: &Painter, center: Pos2, radius: f32, tone: Tone) {
    let color = tone_color(tone);
    let stroke = Stroke::new((radius / 6.0).max(2.0), color);
    let at = |x: f32, y: f32| pos2(center.x + x * radius, center.y + y * radius);
    match tone {
        Tone::Quiet => {
            painter.circle_stroke(center, radius, stroke);
            for x in [-0.42, 0.0, 0.42] {
                painter.circle_filled(at(x, 0.0), stroke.width * 0.75, color);
            }
        }
        Tone::Go => {
            painter.circle_stroke(center, radius, stroke);
            painter.line(vec![at(-0.45, 0.05), at(-0.1, 0.4), at(0.5, -0.35)], stroke);
        }
        Tone::Caution => {
            let corners = vec![at(0.0, -1.0), at(1.1, 0.9), at(-1.1, 0.9)];
            painter.add(Shape::closed_line(corners, stroke));
            painter.line_segment([at(0.0, -0.35), at(0.0, 0.3)], stroke);
            painter.circle_filled(at(0.0, 0.6), stroke.width * 0.7, color);
        }
        Tone::Stop => {
            let (near, far) = (0.41, 1.0);
            let corners = vec![
                at(-near, -far),
                at(near, -far),
                at(far, -near),
                at(far, near),
                at(near, far),
                at(-near, far),
                at(-far, near),
                at(-far, -near),
            ];
            painter.add(Shape::closed_line(corners, stroke));
            painter.line_segment([at(-0.4, -0.4), at(0.4, 0.4)], stroke);
            painter.line_segment([at(-0.4, 0.4), at(0.4, -0.4)], stroke);
        }
    }
}

/// A sign of life that moves by one step with every frame, and by nothing else (H01).
pub(super) fn paint_life(painter: &Painter, center: Pos2, radius: f32, frame: u64) {
    for step in 0..8_u8 {
        let angle = f32::from(step) * std::f32::consts::FRAC_PI_4;
        let at = pos2(
            center.x + angle.sin() * radius,
            center.y - angle.cos() * radius,
        );
        let is_now = frame % 8 == u64::from(step);
        let color = if is_now { theme::TEXT } else { theme::RAIL };
        painter.circle_filled(at, if is_now { 2.6 } else { 1.8 }, color);
    }
}
