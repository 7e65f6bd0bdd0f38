//! The four numbers and the confidence.
use egui::{Align, Layout, RichText, Sense, Ui, vec2};

use crate::view::readings::{Reading, Standing, confidence, readings};
use crate::view::scene::Scene;
use crate::view::theme;
use crate::words::say;

/// Room each number takes and the size of its figure, in points.
struct Sizes {
    row: f32,
    figure: f32,
    words: f32,
}

/// On a small window, and on one as high as a full-HD screen.
const SMALL: Sizes = Sizes {
    row: 62.0,
    figure: 25.0,
    words: 13.0,
};
const LARGE: Sizes = Sizes {
    row: 106.0,
    figure: 44.0,
    words: 15.0,
};
/// From this height of the window on the figures are large.
const LARGE_FROM: f32 = 1000.0;

/// Draws them, always in the same places.
pub(super) fn numbers_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let width = ui.available_width();
    let spacing = std::mem::take(&mut ui.spacing_mut().item_spacing.y);
    let sizes = if ui.content_rect().height() >= LARGE_FROM {
        LARGE
    } else {
        SMALL
    };
    for reading in readings(scene) {
        let layout = Layout::top_down(Align::Min);
        ui.allocate_ui_with_layout(vec2(width, sizes.row), layout, |ui| {
            ui.set_min_size(vec2(width, sizes.row));
            ui.spacing_mut().item_spacing.y = 0.0;
            reading_ui(ui, &reading, &sizes);
        });
    }
    confidence_ui(ui, scene, &sizes);
    ui.spacing_mut().item_spacing.y = spacing;
}

fn reading_ui(ui: &mut Ui, reading: &Reading, sizes: &Sizes) {
    quiet(ui, &reading.title, sizes.words);
    let color = match reading.standing {
        Standing::Plain => theme::TEXT,
        Standing::Good => theme::SUGGESTED,
        Standing::Bad => theme::STOP,
        Standing::Held | Standing::Missing => theme::QUIET,
    };
    ui.horizontal(|ui| {
        ui.set_height(sizes.figure * 1.2);
        // A degree sign belongs to its figure; other units stand apart.
        ui.spacing_mut().item_spacing.x = if reading.unit == "°" { 1.0 } else { 8.0 };
        let value = reading.value.as_deref().unwrap_or("–");
        let figure = RichText::new(value)
            .font(theme::strong(sizes.figure))
            .color(color);
        ui.add(egui::Label::new(figure).selectable(false).extend());
        if !reading.unit.is_empty() {
            let unit = RichText::new(reading.unit)
                .font(theme::regular(sizes.figure * 0.55))
                .color(theme::QUIET);
            ui.add(egui::Label::new(unit).selectable(false));
        }
    });
    let note = if reading.standing == Standing::Held {
        format!("{}, {}", reading.note, say("view-held"))
    } else {
        reading.note.clone()
    };
    if reading.cautions.is_empty() {
        quiet(ui, &note, sizes.words);
    }
    // A caution takes the place of the note, which repeats another number; further ones let the row grow.
    for caution in &reading.cautions {
        let words = RichText::new(format!("▲ {caution}"))
            .font(theme::regular(sizes.words))
            .color(theme::WARNING);
        ui.add(egui::Label::new(words).selectable(false).wrap());
    }
}

fn quiet(ui: &mut Ui, text: &str, size: f32) {
    let words = RichText::new(text)
        .font(theme::regular(size))
        .color(theme::QUIET);
    ui.add(egui::Label::new(words).selectable(false).truncate());
}

fn confidence_ui(ui: &mut Ui, scene: &Scene<'_>, sizes: &Sizes) {
    let confidence = confidence(scene);
    ui.horizontal(|ui| {
        ui.set_height(20.0);
        quiet(ui, &say("view-confidence"), sizes.words);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let word = RichText::new(&confidence.word).font(theme::strong(sizes.words + 1.0));
            ui.add(egui::Label::new(word).selectable(false));
        });
    });
    ui.add_space(2.0);
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    ui.painter().rect_filled(bar, 3.0, theme::RAIL);
    if confidence.share > 0.0 {
        let filled = bar.with_max_x(bar.left() + bar.width() * confidence.share);
        ui.painter().rect_filled(filled, 3.0, theme::SEEN);
    }
}
