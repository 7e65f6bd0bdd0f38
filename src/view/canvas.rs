//! The picture with everything that stands inside it: what it is, where the marked side is, the marks, the ruler.
use egui::{Align2, Painter, Rect, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::hint::hint_line;
use super::marks;
use super::placement::Placement;
use super::ruler;
use super::scene::{Act, Actions, Change, Mirror, Scene};
use super::texture::PictureTexture;
use super::theme;
use crate::engine::Liveness;
use crate::frame::{FrameId, Origin};
use crate::image::{LengthUnit, ScanImage};
use crate::stream::Maturity;
use crate::training::{TrainingAction, TrainingLook};
use crate::words::say;

/// Between the picture and the edge of its panel.
const MARGIN: f32 = 8.0;
const BADGE_HEIGHT: f32 = 30.0;
const MARKER_RADIUS: f32 = 13.0;

/// The panel that holds the picture.
#[derive(Default)]
pub(super) struct Canvas {
    texture: PictureTexture,
}

/// What was painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Painted {
    /// The frame of the picture.
    pub(super) frame: FrameId,
    /// The frame of the marks over it.
    pub(super) marks: Option<FrameId>,
}

impl Canvas {
    /// Draws the picture and returns what was painted.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        scene: &Scene<'_>,
        actions: &mut Actions,
    ) -> Option<Painted> {
        let panel = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(panel, Sense::click_and_drag());
        let painter = ui.painter().with_clip_rect(panel);
        let room = picture_room(panel, scene.display.mirror);
        let Some(picture) = scene.picture else {
            paint_border(&painter, panel, scene);
            badges(ui, &painter, room, scene);
            return None;
        };
        let image = &picture.image;
        let placement = Placement::fit(
            room,
            image.columns,
            image.rows,
            scene.display.zoom,
            scene.display.mirror,
        );
        let gray_map = scene.look.settings.gray_map;
        if let Some(texture) = self.texture.of(ui.ctx(), image, gray_map) {
            let inside = painter.with_clip_rect(placement.seen);
            let window = placement.texture_window();
            inside.image(texture, placement.whole, window, theme::UNTINTED);
        }
        zoom_by_pointer(ui, &response, &placement, actions);
        let marks = paint_marks(ui, &painter, scene, image, &placement);
        if let Some(training) = scene.training {
            aim_by_pointer(&response, image, &placement, training, actions);
            marks::paint_truth(
                &painter.with_clip_rect(placement.seen),
                &placement,
                image,
                training,
            );
        }
        ruler::paint(&painter, image, &placement);
        if let Some(at) = ruler::unit_place(image, &placement) {
            let align = Align2::CENTER_CENTER;
            painter.text(at, align, "cm", theme::regular(13.0), theme::QUIET);
        }
        paint_not_live(ui, &painter, scene, &placement);
        paint_border(&painter, panel, scene);
        badges(ui, &painter, placement.seen, scene);
        paint_hint(ui, &painter, placement.seen, scene);
        orientation_marker(ui, &painter, scene, &placement);
        Some(Painted {
            frame: image.frame,
            marks,
        })
    }
}

/// The panel without its margin and the ruler's gutter, which lies on the marked side.
fn picture_room(panel: Rect, mirror: Mirror) -> Rect {
    let mut room = panel.shrink(MARGIN);
    room.min.y += ruler::UNIT_ROOM - MARGIN / 2.0;
    match mirror {
        Mirror::Off => room.max.x -= ruler::GUTTER,
        Mirror::On => room.min.x += ruler::GUTTER,
    }
    room
}

fn zoom_by_pointer(
    ui: &Ui,
    response: &egui::Response,
    placement: &Placement,
    actions: &mut Actions,
) {
    if response.dragged() {
        actions.ask(Act::Display(Change::Pan(
            -placement.share_of(response.drag_delta()),
        )));
    }
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    let factor = (scroll * 0.004).exp() * pinch;
    if (factor - 1.0).abs() > 1e-4 {
        actions.ask(Act::Display(Change::Zoom(
            factor,
            placement.share_at(pointer),
        )));
    }
}

/// In training a press on the picture names the middle of the port.
fn aim_by_pointer(
    response: &egui::Response,
    image: &ScanImage,
    placement: &Placement,
    training: &TrainingLook,
    actions: &mut Actions,
) {
    let Some(pointer) = response.interact_pointer_pos() else {
        return;
    };
    let is_open = training.scored.is_none() && image.unit == LengthUnit::Millimeters;
    if response.clicked() && is_open && placement.seen.contains(pointer) {
        let at = placement.point_at(image, pointer);
        actions.ask(Act::Training(TrainingAction::Aim(at)));
    }
}

fn paint_marks(
    ui: &Ui,
    painter: &Painter,
    scene: &Scene<'_>,
    image: &ScanImage,
    placement: &Placement,
) -> Option<FrameId> {
    let advice = scene.marked_advice()?;
    let inside = painter.with_clip_rect(placement.seen);
    let labels = marks::paint(&inside, placement, image, advice);
    for (index, (rect, text)) in labels.into_iter().enumerate() {
        announce(ui, rect, ("mark", index), &text);
    }
    Some(advice.marks.frame)
}

/// Tells programs that read the screen aloud (and tests) what is painted in `rect`.
fn announce(ui: &Ui, rect: Rect, salt: impl egui::AsIdSalt, text: &str) {
    let id = ui.scope_id().with(salt);
    ui.interact(rect, id, Sense::hover())
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
}

/// What the picture is, inside it, top left, where no screenshot can lose it (H28).
fn badges(ui: &Ui, painter: &Painter, seen: Rect, scene: &Scene<'_>) {
    let look = scene.look;
    let (source, color) = match look.origin {
        Origin::Live => ("source-live", theme::TEXT),
        Origin::Replay => ("source-replay", theme::SEEN),
        Origin::Simulation => ("source-simulation", theme::WARNING),
    };
    let state = match look.liveness {
        Liveness::Running => None,
        Liveness::Waiting => Some(("view-state-waiting", theme::QUIET)),
        Liveness::Stale => Some(("view-state-stale", theme::WARNING)),
        Liveness::NotLive => Some(("view-state-not-live", theme::STOP)),
        Liveness::Frozen => Some(("view-state-frozen", theme::SEEN)),
        Liveness::Ended => Some(("view-state-ended", theme::WARNING)),
    };
    let flipped =
        (scene.display.mirror == Mirror::On).then_some(("view-state-flipped", theme::SEEN));
    let scaleless = scene
        .picture
        .is_some_and(|picture| picture.image.unit == LengthUnit::Pixels)
        .then_some(("view-state-no-scale", theme::WARNING));
    // A driver that was never run on hardware says so wherever its picture is shown.
    let experimental = look
        .facts
        .as_ref()
        .is_some_and(|facts| facts.maturity == Maturity::NeverRunOnHardware)
        .then_some(("view-state-experimental", theme::WARNING));
    let training = scene.training.map(|_| ("source-training", theme::WARNING));
    let mut at = seen.min + vec2(10.0, 10.0);
    let right = seen.right() - 2.0 * MARKER_RADIUS - 16.0;
    let shown = [
        Some((source, color)),
        training,
        state,
        experimental,
        scaleless,
        flipped,
    ];
    for (key, color) in shown.into_iter().flatten() {
        let galley = painter.layout_no_wrap(say(key), theme::strong(17.0), color);
        let size = vec2(galley.size().x + 22.0, BADGE_HEIGHT);
        if at.x + size.x > right && at.x > seen.left() + 11.0 {
            at = pos2(seen.left() + 10.0, at.y + BADGE_HEIGHT + 6.0);
        }
        let rect = Rect::from_min_size(at, size);
        painter.rect_filled(rect, 4.0, theme::PLATE);
        painter.rect_stroke(rect, 4.0, Stroke::new(1.5, color), StrokeKind::Inside);
        let text_at = rect.center() - galley.size() / 2.0;
        painter.galley(text_at, galley, color);
        announce(ui, rect, key, &say(key));
        at.x += size.x + 8.0;
    }
}

/// What would show more, inside the picture at its lower edge, where no tissue of interest lies.
fn paint_hint(ui: &Ui, painter: &Painter, seen: Rect, scene: &Scene<'_>) {
    let Some(words) = hint_line(scene) else {
        return;
    };
    let width = seen.width() - 42.0;
    let galley = painter.layout(words.clone(), theme::regular(17.0), theme::WARNING, width);
    let size = galley.size() + vec2(22.0, 10.0);
    let corner = pos2(seen.left() + 10.0, seen.bottom() - 10.0 - size.y);
    let rect = Rect::from_min_size(corner, size);
    painter.rect_filled(rect, 4.0, theme::PLATE);
    painter.galley(rect.center() - galley.size() / 2.0, galley, theme::WARNING);
    announce(ui, rect, "hint", &words);
}

/// A ring with a P at the marked side (H03).
fn orientation_marker(ui: &Ui, painter: &Painter, scene: &Scene<'_>, placement: &Placement) {
    let inset = MARKER_RADIUS + 10.0;
    let seen = placement.seen;
    let center = match scene.display.mirror {
        Mirror::Off => pos2(seen.right() - inset, seen.top() + inset + 2.0),
        // Below the badges, which keep the top left.
        Mirror::On => pos2(
            seen.left() + inset,
            seen.top() + inset + BADGE_HEIGHT * 2.0 + 20.0,
        ),
    };
    painter.circle_filled(center, MARKER_RADIUS + 2.0, theme::PLATE);
    painter.circle_stroke(center, MARKER_RADIUS, Stroke::new(2.0, theme::SEEN));
    painter.text(
        center,
        Align2::CENTER_CENTER,
        "P",
        theme::strong(16.0),
        theme::SEEN,
    );
    let rect = Rect::from_center_size(center, Vec2::splat(2.0 * MARKER_RADIUS));
    announce(ui, rect, "orientation", &say("view-marked-side"));
}

/// Dims a picture that is not live and says so across it (H01).
fn paint_not_live(ui: &Ui, painter: &Painter, scene: &Scene<'_>, placement: &Placement) {
    if scene.look.liveness != Liveness::NotLive {
        return;
    }
    let seen = placement.seen;
    painter.rect_filled(seen, 0.0, theme::DIM);
    let words = say("view-state-not-live");
    let size = (seen.width() / 7.0).clamp(28.0, 96.0);
    let galley = painter.layout_no_wrap(words.clone(), theme::strong(size), theme::STOP);
    let plate = Rect::from_center_size(seen.center(), galley.size() + vec2(48.0, 24.0));
    painter.rect_filled(plate, 8.0, theme::PLATE);
    painter.rect_stroke(
        plate,
        8.0,
        Stroke::new(3.0, theme::STOP),
        StrokeKind::Inside,
    );
    painter.galley(plate.center() - galley.size() / 2.0, galley, theme::STOP);
    announce(ui, plate, "not-live-large", &words);
}

/// A border of its own for each kind of source: plain for live, long dashes for a recording, short ones for the
/// virtual probe; a thick one when the picture is not live.
fn paint_border(painter: &Painter, panel: Rect, scene: &Scene<'_>) {
    let inner = panel.shrink(2.0);
    if scene.look.liveness == Liveness::NotLive {
        let stroke = Stroke::new(4.0, theme::STOP);
        painter.rect_stroke(inner, 0.0, stroke, StrokeKind::Inside);
        return;
    }
    let (dash, gap, color) = match scene.look.origin {
        Origin::Live => {
            let stroke = Stroke::new(2.0, theme::TEXT);
            painter.rect_stroke(inner, 0.0, stroke, StrokeKind::Inside);
            return;
        }
        Origin::Replay => (36.0, 12.0, theme::SEEN),
        Origin::Simulation => (10.0, 10.0, theme::WARNING),
    };
    let corners = [
        inner.left_top(),
        inner.right_top(),
        inner.right_bottom(),
        inner.left_bottom(),
        inner.left_top(),
    ];
    painter.extend(Shape::dashed_line(
        &corners,
        Stroke::new(2.0, color),
        dash,
        gap,
    ));
}
