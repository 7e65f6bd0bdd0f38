//! The four numbers and the confidence.
use egui::{Align, Layout, RichText, Sense, Ui, vec2};

use crate::view::readings::{Reading, Standing, confidence, readings};
use crate::view::scene::Scene;
use crate::view::theme;
use crate::words::say;

/// Room each number takes, in points.
const ROW: f32 = 78.0;

/// Draws them, always in the same places.
pub(super) fn numbers_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let width = ui.available_width();
    for reading in readings(scene) {
        let layout = Layout::top_down(Align::Min);
        ui.allocate_ui_with_layout(vec2(width, ROW), layout, |ui| {
            ui.set_min_size(vec2(width, ROW));
            ui.spacing_mut().item_spacing.y = 0.0;
            reading_ui(ui, &reading);
        });
    }
    confidence_ui(ui, scene);
}

fn reading_ui(ui: &mut Ui, reading: &Reading) {
    quiet(ui, &reading.title);
    let color = match reading.standing {
        Standing::Plain => theme::TEXT,
        Standing::Good => theme::SUGGESTED,
        Standing::Bad => theme::STOP,
        Standing::Held | Standing::Missing => theme::QUIET,
    };
    ui.horizontal(|ui| {
        ui.set_height(36.0);
        ui.spacing_mut().item_spacing.x = 8.0;
        let value = reading.value.as_deref().unwrap_or("–");
        let figure = RichText::new(value).font(theme::strong(30.0)).color(color);
        ui.add(egui::Label::new(figure).selectable(false).extend());
        if !reading.unit.is_empty() {
            let unit = RichText::new(reading.unit)
                .font(theme::regular(17.0))
                .color(theme::QUIET);
            ui.add(egui::Label::new(unit).selectable(false));
        }
    });
    let note = if reading.standing == Standing::Held {
        format!("{}, {}", reading.note, say("view-held"))
    } else {
        reading.note.clone()
    };
    quiet(ui, &note);
}

fn quiet(ui: &mut Ui, text: &str) {
    let words = RichText::new(text)
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(egui::Label::new(words).selectable(false).truncate());
}

fn confidence_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let confidence = confidence(scene);
    ui.horizontal(|ui| {
        ui.set_height(20.0);
        quiet(ui, &say("view-confidence"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let word = RichText::new(&confidence.word).font(theme::strong(14.0));
            ui.add(egui::Label::new(word).selectable(false));
        });
    });
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    ui.painter().rect_filled(bar, 3.0, theme::RAIL);
    if confidence.share > 0.0 {
        let filled = bar.with_max_x(bar.left() + bar.width() * confidence.share);
        ui.painter().rect_filled(filled, 3.0, theme::SEEN);
    }
}
