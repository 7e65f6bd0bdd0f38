//! Marks on the picture: thin, outlined, told apart by shape as well as colour, with words that never lie over each
//! other or over the port (H32).
use std::sync::Arc;

use egui::{Color32, Galley, Painter, Pos2, Rect, Shape, Stroke, Vec2, vec2};

use super::placement::Placement;
use super::theme;
use crate::detect::{Finding, Port};
use crate::engine::Advice;
use crate::image::ScanImage;
use crate::overlay::{Look as Meaning, Mark, Stroke as Manner};
use crate::space::ScanPoint;
use crate::training::TrainingLook;
use crate::words::{say, say_with};

const LINE_WIDTH: f32 = 2.2;
/// How far the dark outline reaches beyond a line on each side.
const OUTLINE: f32 = 1.0;
/// Width and strength of an edge that must not hide what lies under it.
const FAINT_WIDTH: f32 = 1.2;
const FAINT: f32 = 0.55;
const DASH: f32 = 10.0;
const GAP: f32 = 6.0;
/// How far marks may reach beyond the picture.
const BEYOND: f32 = 14.0;
/// Between a point and its words.
const BESIDE: f32 = 12.0;
/// Free depth kept above and below an opening, mm.
const PORT_ABOVE: f64 = 1.5;
const PORT_BELOW: f64 = 7.0;

/// Paints the marks of the picture and returns where their words stand, with the words.
pub(super) fn paint(
    painter: &Painter,
    placement: &Placement,
    image: &ScanImage,
    advice: &Advice,
) -> Vec<(Rect, String)> {
    let mut labels = Vec::new();
    // A ring at the skin may reach a little beyond the picture; words may not.
    let edge = painter.with_clip_rect(painter.clip_rect().expand(BEYOND));
    for mark in &advice.marks.marks {
        match mark {
            Mark::Line {
                from,
                to,
                look,
                stroke,
            } => {
                let ends = [from, to].map(|point| placement.screen_of(image, *point));
                paint_line(&edge, ends, theme::mark_color(*look), *stroke);
            }
            Mark::Ring {
                center,
                radius,
                look,
            } => {
                let at = placement.screen_of(image, *center);
                let radius = placement.length(image, *radius).max(3.0);
                paint_ring(&edge, at, radius, theme::mark_color(*look));
            }
            Mark::Label { at, text, look } => labels.push((*at, text, *look)),
        }
    }
    paint_labels(painter, placement, image, &advice.finding, &labels)
}

fn paint_line(painter: &Painter, ends: [Pos2; 2], color: Color32, manner: Manner) {
    let under = Stroke::new(LINE_WIDTH + 2.0 * OUTLINE, theme::MARK_OUTLINE);
    let over = Stroke::new(LINE_WIDTH, color);
    match manner {
        Manner::Solid => {
            painter.line_segment(ends, under);
            painter.line_segment(ends, over);
        }
        Manner::Faint => {
            painter.line_segment(ends, Stroke::new(FAINT_WIDTH, color.gamma_multiply(FAINT)));
        }
        Manner::Dashed => {
            painter.extend(Shape::dashed_line(&ends, under, DASH, GAP));
            painter.extend(Shape::dashed_line(&ends, over, DASH, GAP));
        }
    }
}

fn paint_ring(painter: &Painter, at: Pos2, radius: f32, color: Color32) {
    let under = Stroke::new(LINE_WIDTH + 2.0 * OUTLINE, theme::MARK_OUTLINE);
    painter.circle_stroke(at, radius, under);
    painter.circle_stroke(at, radius, Stroke::new(LINE_WIDTH, color));
}

fn paint_labels(
    painter: &Painter,
    placement: &Placement,
    image: &ScanImage,
    finding: &Finding,
    labels: &[(ScanPoint, &String, Meaning)],
) -> Vec<(Rect, String)> {
    let mut taken: Vec<Rect> = [finding.port, finding.other_port]
        .into_iter()
        .flatten()
        .map(|port| around_port(placement, image, port))
        .collect();
    let mut placed = Vec::new();
    for (at, text, meaning) in labels {
        let color = theme::mark_color(*meaning);
        let galley = painter.layout_no_wrap((*text).clone(), theme::strong(15.0), color);
        let anchor = placement.screen_of(image, *at);
        let right_first = placement.marked_side_is_right();
        let Some(rect) = free_place(
            anchor,
            galley.size(),
            right_first,
            painter.clip_rect(),
            &taken,
        ) else {
            continue;
        };
        paint_outlined(painter, rect.min, &galley, color);
        taken.push(rect);
        placed.push((rect, (*text).clone()));
    }
    placed
}

fn around_port(placement: &Placement, image: &ScanImage, port: Port) -> Rect {
    let half = port.width.0 / 2.0 + 1.0;
    let corner = |dx: f64, dz: f64| {
        placement.screen_of(
            image,
            ScanPoint::new(port.center.x + dx, port.center.z + dz),
        )
    };
    Rect::from_two_pos(corner(-half, -PORT_ABOVE), corner(half, PORT_BELOW))
}

/// The first place beside `anchor` where words of `size` lie inside `room` and over nothing taken. The words of a
/// mark stand on one side of it first; when nothing is free there they move down, up, and to the other side.
fn free_place(
    anchor: Pos2,
    size: Vec2,
    right_first: bool,
    room: Rect,
    taken: &[Rect],
) -> Option<Rect> {
    let size = size + vec2(4.0, 2.0);
    let sides = if right_first {
        [1.0, -1.0]
    } else {
        [-1.0, 1.0]
    };
    let room = room.shrink(4.0);
    let step = size.y + 2.0;
    for reach in [0.0, 40.0, 90.0, 160.0] {
        for side in sides {
            for row in [0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0] {
                let x = if side > 0.0 {
                    anchor.x + BESIDE + reach
                } else {
                    anchor.x - BESIDE - reach - size.x
                };
                let y = anchor.y - size.y / 2.0 + row * step;
                let rect = Rect::from_min_size(egui::pos2(x, y), size);
                let free = taken.iter().all(|other| !other.intersects(rect));
                if free && room.contains_rect(rect) {
                    return Some(rect);
                }
            }
        }
    }
    None
}

/// Words with a dark rim, legible over bright echo without a plate that would hide it.
pub(super) fn paint_outlined(painter: &Painter, at: Pos2, galley: &Arc<Galley>, color: Color32) {
    let around = [
        vec2(-1.5, 0.0),
        vec2(1.5, 0.0),
        vec2(0.0, -1.5),
        vec2(0.0, 1.5),
        vec2(-1.0, -1.0),
        vec2(1.0, 1.0),
        vec2(-1.0, 1.0),
        vec2(1.0, -1.0),
    ];
    for shift in around {
        painter.galley_with_override_text_color(
            at + shift,
            Arc::clone(galley),
            theme::MARK_OUTLINE,
        );
    }
    painter.galley(at, Arc::clone(galley), color);
}

/// The truth of training over the picture of its own frame and no other: a double ring where the port lies, a cross
/// where it was pointed at.
pub(super) fn paint_truth(
    painter: &Painter,
    placement: &Placement,
    image: &ScanImage,
    training: &TrainingLook,
) {
    let Some(reveal) = training.reveal.filter(|r| r.frame == image.frame) else {
        return;
    };
    if let Some((middle, across)) = reveal.port {
        let at = placement.screen_of(image, middle);
        let stroke = Stroke::new(2.0, theme::TEXT);
        painter.circle_stroke(at, 9.0, stroke);
        painter.circle_stroke(at, 4.0, stroke);
        let words = say_with(
            "training-truth",
            &[("across", &format!("{:.1}", across.abs()))],
        );
        plate_text(painter, at + vec2(16.0, 22.0), &words);
    }
    if let Some(aim) = reveal.aim {
        let at = placement.screen_of(image, aim);
        let stroke = Stroke::new(2.0, theme::WARNING);
        for arm in [vec2(8.0, 0.0), vec2(0.0, 8.0)] {
            painter.line_segment([at - arm, at + arm], stroke);
        }
        plate_text(painter, at + vec2(16.0, -38.0), &say("training-aimed"));
    }
}

fn plate_text(painter: &Painter, at: Pos2, words: &str) {
    let galley = painter.layout_no_wrap(words.to_owned(), theme::strong(15.0), theme::TEXT);
    let rect = Rect::from_min_size(at, galley.size()).expand(4.0);
    painter.rect_filled(rect, 4.0, theme::PLATE);
    painter.galley(at, galley, theme::TEXT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    const ROOM: Rect = Rect {
        min: Pos2::new(0.0, 0.0),
        max: Pos2::new(400.0, 300.0),
    };

    #[test]
    fn words_never_lie_over_each_other_nor_over_the_port_nor_outside() {
        let port = Rect::from_center_size(pos2(220.0, 150.0), vec2(60.0, 80.0));
        let mut taken = vec![port];
        for step in 0..12_u8 {
            let anchor = pos2(150.0 + f32::from(step) * 12.0, 150.0);
            if let Some(rect) = free_place(anchor, vec2(90.0, 18.0), true, ROOM, &taken) {
                assert!(taken.iter().all(|other| !other.intersects(rect)));
                assert!(ROOM.contains_rect(rect));
                taken.push(rect);
            }
        }
        assert!(taken.len() > 5, "{} places", taken.len());
    }

    #[test]
    fn words_stand_on_the_side_that_is_asked_for_when_it_is_free() {
        let anchor = pos2(200.0, 150.0);
        let size = vec2(50.0, 16.0);
        let right = free_place(anchor, size, true, ROOM, &[]).expect("room");
        let left = free_place(anchor, size, false, ROOM, &[]).expect("room");
        assert!(right.left() > anchor.x && left.right() < anchor.x);
        assert!(free_place(anchor, vec2(900.0, 16.0), true, ROOM, &[]).is_none());
    }
}
