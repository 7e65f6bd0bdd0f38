//! The rail on the left: where the refill stands, how to go on, punctures and time.
use egui::{Align2, Button, RichText, Sense, Ui, vec2};

use crate::guide::Tone;
use crate::procedure::{Action, Step};
use crate::view::scene::{Act, Actions, Change, Scene};
use crate::view::signs;
use crate::view::steps;
use crate::view::theme;
use crate::words::{say, say_with};

/// From this width of the window on the rail has words.
const WIDE_FROM: f32 = 1600.0;
/// Room of the buttons and counts below the steps.
const BELOW_STEPS: f32 = 242.0;
const BELOW_STEPS_WIDE: f32 = 262.0;
/// Least height of a step.
const LEAST_STEP: f32 = 22.0;

/// Whether there is room for words.
pub(in crate::view) fn rail_is_wide(ui: &Ui) -> bool {
    ui.content_rect().width() >= WIDE_FROM
}

/// Draws the rail.
pub(in crate::view) fn rail(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let is_wide = rail_is_wide(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    // Steps are looked at, not pressed: with larger words on a small window they give way to the buttons.
    let below = if is_wide {
        BELOW_STEPS_WIDE
    } else {
        BELOW_STEPS
    };
    let share = (ui.available_height() - below) / Step::ALL.len() as f32 - 2.0;
    let height = share.clamp(LEAST_STEP, theme::TARGET);
    for step in Step::ALL {
        step_ui(ui, scene, step, vec2(ui.available_width(), height));
    }
    ui.add_space(8.0);
    buttons_ui(ui, is_wide, actions);
    ui.add_space(8.0);
    counts_ui(ui, scene, is_wide);
}

fn step_ui(ui: &mut Ui, scene: &Scene<'_>, step: Step, size: egui::Vec2) {
    let is_wide = rail_is_wide(ui);
    let refill = &scene.look.refill;
    let is_begun = steps::is_begun(refill);
    let is_now = is_begun && refill.step() == step;
    let is_past = is_begun && step < refill.step();
    let is_passed_over = refill.passed_over().contains_key(&step);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter();
    if is_now {
        painter.rect_filled(rect, 6.0, theme::RAISED);
        painter.rect_filled(rect.with_max_x(rect.left() + 4.0), 2.0, theme::SEEN);
    }
    let sign = egui::pos2(rect.left() + 22.0, rect.center().y);
    let color = if is_now { theme::TEXT } else { theme::QUIET };
    if is_passed_over {
        signs::paint_tone(painter, sign, 8.0, Tone::Caution);
    } else if is_past {
        signs::paint_tone(painter, sign, 8.0, Tone::Go);
    } else {
        let number = step.number().to_string();
        painter.text(
            sign,
            Align2::CENTER_CENTER,
            number,
            theme::strong(16.0),
            color,
        );
    }
    let name = say(step.key());
    if is_wide {
        let at = egui::pos2(rect.left() + 44.0, rect.center().y);
        let font = if is_now {
            theme::strong(16.0)
        } else {
            theme::regular(16.0)
        };
        painter.text(at, Align2::LEFT_CENTER, &name, font, color);
    }
    let state = match (is_now, is_passed_over, is_past) {
        (true, _, _) => "view-rail-now",
        (_, true, _) => "view-rail-passed-over",
        (_, _, true) => "view-rail-done",
        _ => "view-rail-ahead",
    };
    let told = say_with(state, &[("step", &name)]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &told));
}

fn buttons_ui(ui: &mut Ui, is_wide: bool, actions: &mut Actions) {
    let width = ui.available_width();
    let mut button = |words: &str, sign: &str, color| {
        let text = if is_wide { say(words) } else { sign.to_owned() };
        let text = RichText::new(text).font(theme::strong(15.0)).color(color);
        let response = ui.add(Button::new(text).min_size(vec2(width, theme::TARGET)));
        let told = say(words);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &told));
        response.clicked()
    };
    if button("view-rail-next", "→", theme::TEXT) {
        actions.ask(Act::NextStep);
    }
    if button("view-rail-back", "←", theme::QUIET) {
        actions.refill(Action::Back);
    }
    if button("view-rail-emergency", "E", theme::STOP) {
        actions.ask(Act::Display(Change::ShowEmergency));
    }
}

fn counts_ui(ui: &mut Ui, scene: &Scene<'_>, is_wide: bool) {
    let mut count = |words: &str, value: &str| {
        let size = if is_wide { 13.0 } else { 11.0 };
        let title = RichText::new(say(words))
            .font(theme::regular(size))
            .color(theme::QUIET);
        ui.add(egui::Label::new(title).selectable(false).truncate());
        let value = RichText::new(value).font(theme::strong(if is_wide { 22.0 } else { 16.0 }));
        ui.add(egui::Label::new(value).selectable(false));
    };
    count(
        "view-rail-punctures",
        &scene.look.refill.punctures().to_string(),
    );
    count("view-rail-elapsed", &steps::elapsed(scene));
}
