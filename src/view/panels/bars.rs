//! The bars above and below the picture: what is going on, the one line, and the keys.
use std::sync::Arc;

use egui::{Align, Align2, Label, Layout, RichText, Sense, Ui, vec2};

use crate::engine::Liveness;
use crate::view::headline::headline;
use crate::view::keys::{Binding, KEYS};
use crate::view::readings::needle_name;
use crate::view::scene::{Lock, Scene};
use crate::view::signs;
use crate::view::theme;
use crate::words::{say, say_with};

/// From this height of the window on the one line is larger.
const LARGE_FROM: f32 = 1000.0;
/// Between the keys of the footer and its notice.
const NOTICE_GAP: f32 = 12.0;
/// Type sizes of the one line, the largest that fits is used.
const LINE_SIZES: [f32; 5] = [34.0, 28.0, 24.0, 21.0, 18.0];
const LEAST_LINE: f32 = 15.0;

/// Source, pump and needle on the left; rate, age and the sign of life on the right.
pub(in crate::view) fn top_bar(ui: &mut Ui, scene: &Scene<'_>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        stream_figures(ui, scene);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let name = RichText::new(say("app-name")).font(theme::strong(18.0));
            ui.add(Label::new(name).selectable(false));
            let look = scene.look;
            let needle = look
                .needle
                .map_or_else(|| say("view-no-needle"), needle_name);
            let mut parts = match scene.training {
                Some(_) => vec![look.source_name.clone(), say("training-no-procedure")],
                None => vec![look.source_name.clone(), look.pump.name.clone(), needle],
            };
            if !look.snapshots.is_empty() {
                let count = look.snapshots.len().to_string();
                parts.push(say_with("view-snapshot-count", &[("count", &count)]));
            }
            if scene.display.lock != Lock::Open {
                parts.push(say("view-locked"));
            }
            let line = parts.join("   ");
            let line = RichText::new(line).color(theme::QUIET);
            ui.add(Label::new(line).truncate().selectable(false));
        });
    });
}

fn stream_figures(ui: &mut Ui, scene: &Scene<'_>) {
    let look = scene.look;
    let (place, _) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::hover());
    let frame = scene.frame().map_or(0, |frame| frame.0);
    signs::paint_life(ui.painter(), place.center(), 8.0, frame);
    let current = look.liveness == Liveness::Running;
    let color = if current { theme::TEXT } else { theme::QUIET };
    let age = match look.age {
        Some(age) if age.as_millis() < 1000 => format!("{} ms", age.as_millis()),
        Some(age) if age.as_secs() < 60 => format!("{:.1} s", age.as_secs_f64()),
        Some(age) => format!("{} min", age.as_secs() / 60),
        None => "–".to_owned(),
    };
    let rate = if current {
        format!("{:.0}", look.stations.capture.rate_hz)
    } else {
        "–".to_owned()
    };
    let text = say_with("view-rate-and-age", &[("rate", &rate), ("age", &age)]);
    ui.add(Label::new(RichText::new(text).color(color)).selectable(false));
}

/// The one line under the picture.
pub(in crate::view) fn headline_bar(ui: &mut Ui, scene: &Scene<'_>) {
    let line = headline(scene);
    let text = line.text();
    let room = ui.available_rect_before_wrap();
    let center = egui::pos2(room.left() + 36.0, room.center().y);
    signs::paint_tone(ui.painter(), center, 18.0, line.tone);
    let text_room = room.with_min_x(room.left() + 72.0).shrink2(vec2(4.0, 0.0));
    let color = signs::tone_color(line.tone);
    let sizes = if ui.content_rect().height() >= LARGE_FROM {
        &LINE_SIZES[..]
    } else {
        LINE_SIZES.get(1..).unwrap_or_default()
    };
    let lay = |size: f32| {
        let font = theme::strong(size);
        let words = text.clone();
        ui.painter().layout(words, font, color, text_room.width())
    };
    let galley = sizes
        .iter()
        .map(|size| lay(*size))
        .find(|galley| galley.size().y <= room.height())
        .unwrap_or_else(|| lay(LEAST_LINE));
    let at = egui::pos2(text_room.left(), room.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
    let response = ui.allocate_rect(room, Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
}

/// What this program is not, whole on every window, and as many of the main keys as there is room for beside it; all
/// of them are in the list of keys.
pub(in crate::view) fn footer(ui: &mut Ui, scene: &Scene<'_>) {
    let situation = scene.situation();
    let room = ui.available_width();
    let main: Vec<&Binding> = KEYS
        .iter()
        .filter(|b| b.is_main() && b.serves(situation))
        .collect();
    let widths: Vec<f32> = main.iter().map(|b| hint_width(ui, scene, b)).collect();
    let notice = notice_galley(ui, room, widths.iter().sum());
    let size = notice.size();
    let mut left = room - size.x - NOTICE_GAP;
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        for (binding, width) in main.iter().zip(&widths) {
            left -= width;
            if left >= 0.0 {
                key_hint(ui, scene, binding);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            let words = notice.text().to_owned();
            ui.painter().galley(rect.min, notice, theme::QUIET);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &words));
        });
    });
}

/// The notice on one line if all keys fit beside it, else on two.
fn notice_galley(ui: &Ui, room: f32, keys: f32) -> Arc<egui::Galley> {
    let lay = |width: f32| {
        let font = theme::regular(13.0);
        let words = say("notice-research");
        ui.painter().layout(words, font, theme::QUIET, width)
    };
    let whole = lay(f32::INFINITY);
    if whole.size().x + keys + NOTICE_GAP <= room {
        return whole;
    }
    // Words are not of one length: a little more than half of the line, until two rows hold all of it.
    (0..8_u8)
        .map(|step| lay(whole.size().x * (0.51 + 0.03 * f32::from(step))))
        .find(|galley| galley.rows.len() <= 2)
        .unwrap_or(whole)
}

/// The room a key takes in the footer.
fn hint_width(ui: &Ui, scene: &Scene<'_>, binding: &Binding) -> f32 {
    let wide = |words: String, font| {
        let galley = ui.painter().layout_no_wrap(words, font, theme::TEXT);
        galley.size().x
    };
    let cap = (wide(scene.display.keys.legend(binding), theme::strong(13.0)) + 12.0).max(22.0);
    let words = wide(binding.meaning(), theme::regular(13.0));
    cap + words + 2.0 + 3.0 * ui.spacing().item_spacing.x
}

fn key_hint(ui: &mut Ui, scene: &Scene<'_>, binding: &Binding) {
    key_cap(ui, &scene.display.keys.legend(binding));
    let words = RichText::new(binding.meaning())
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(words).selectable(false));
    ui.add_space(2.0);
}

/// A key's legend in a frame.
pub(super) fn key_cap(ui: &mut Ui, legend: &str) {
    let galley = ui
        .painter()
        .layout_no_wrap(legend.to_owned(), theme::strong(13.0), theme::TEXT);
    let size = vec2((galley.size().x + 12.0).max(22.0), 22.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let line = egui::Stroke::new(1.0, theme::RAIL);
    ui.painter()
        .rect_stroke(rect, 4.0, line, egui::StrokeKind::Inside);
    let place = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(place.min, galley, theme::TEXT);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, legend));
}
