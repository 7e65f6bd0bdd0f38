//! Sheets over the window: the start notice, which must be acknowledged, and the list of all keys.
use egui::{Button, Label, RichText, Sense, Ui, vec2};

use super::bars::key_cap;
use super::emergency::{EMERGENCY_WIDTH, emergency_ui};
use super::settings::{SettingsSheet, settings_width};
use super::sources::{SourcesSheet, warning};
use crate::view::keys::{Binding, KEYS};
use crate::view::scene::{Act, Actions, Change, Scene, Sheet};
use crate::view::theme;
use crate::words::say;

/// Room of one key in the list, in points.
const KEY_WIDTH: f32 = 400.0;
const KEY_HEIGHT: f32 = 29.0;
/// Room of the connection screen, in points.
const SOURCES_WIDTH: f32 = 900.0;

/// Draws the sheet that is open, if one is.
pub(in crate::view) fn sheet(
    ui: &mut Ui,
    scene: &Scene<'_>,
    sources: &mut SourcesSheet,
    settings: &mut SettingsSheet,
    actions: &mut Actions,
) {
    let Some(sheet) = scene.display.sheet else {
        return;
    };
    let (name, width) = match sheet {
        Sheet::Sources => ("sources", SOURCES_WIDTH),
        Sheet::Notice => ("notice", 620.0),
        Sheet::Emergency => ("emergency", EMERGENCY_WIDTH),
        Sheet::Keys => ("keys", keys_width(ui)),
        Sheet::Settings => ("settings", settings_width(ui)),
    };
    let frame = egui::Frame::new()
        .fill(theme::PANEL)
        .stroke(egui::Stroke::new(1.0, theme::RAIL))
        .corner_radius(10.0)
        .inner_margin(28.0);
    egui::Modal::new(egui::Id::unique(name))
        .frame(frame)
        .backdrop_color(theme::BACKDROP)
        .show(ui.ctx(), |ui| {
            ui.set_width(width);
            match sheet {
                Sheet::Notice => notice_ui(ui, scene, actions),
                Sheet::Settings => settings.ui(ui, scene, width, actions),
                Sheet::Emergency => emergency_ui(ui, actions),
                Sheet::Sources => sources.ui(ui, scene, actions),
                Sheet::Keys => keys_ui(ui, scene, width, actions),
            }
        });
}

fn title(ui: &mut Ui, words: String) {
    let text = RichText::new(words).font(theme::strong(24.0));
    ui.add(Label::new(text).selectable(false));
}

fn notice_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    title(ui, say("view-notice-title"));
    ui.add_space(8.0);
    let text = RichText::new(say("notice-research-long")).font(theme::regular(19.0));
    ui.add(Label::new(text).selectable(false).wrap());
    // Who begins should know that the window is not as it was left.
    if let Some(trouble) = &scene.display.settings_trouble {
        ui.add_space(8.0);
        warning(ui, trouble);
    }
    ui.add_space(18.0);
    let words = RichText::new(say("view-notice-acknowledge")).font(theme::strong(18.0));
    let button = Button::new(words)
        .fill(theme::RAISED)
        .stroke(egui::Stroke::new(2.0, theme::SEEN));
    if ui
        .add_sized(vec2(ui.available_width(), 56.0), button)
        .clicked()
    {
        actions.ask(Act::Acknowledge);
    }
}

fn keys_width(ui: &Ui) -> f32 {
    let columns = ((ui.content_rect().width() - 80.0) / KEY_WIDTH).floor();
    KEY_WIDTH * columns.clamp(1.0, 3.0)
}

fn keys_ui(ui: &mut Ui, scene: &Scene<'_>, width: f32, actions: &mut Actions) {
    let situation = scene.situation();
    title(ui, say("view-help-title"));
    ui.add_space(4.0);
    let columns = ((width / KEY_WIDTH) as usize).max(1);
    ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
    let listed: Vec<&Binding> = KEYS.iter().filter(|b| b.serves(situation)).collect();
    columns_ui(ui, scene, &listed, columns);
    let others: Vec<&Binding> = KEYS.iter().filter(|b| !b.serves(situation)).collect();
    if !others.is_empty() {
        ui.add_space(6.0);
        let words = RichText::new(say("view-help-other")).color(theme::QUIET);
        ui.add(Label::new(words).selectable(false));
        columns_ui(ui, scene, &others, columns);
    }
    ui.add_space(8.0);
    let close = Button::new(say("view-help-close"));
    if ui.add_sized(vec2(width, theme::TARGET), close).clicked() {
        actions.ask(Act::Display(Change::Close));
    }
}

fn columns_ui(ui: &mut Ui, scene: &Scene<'_>, listed: &[&Binding], columns: usize) {
    let rows = listed.len().div_ceil(columns).max(1);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for part in listed.chunks(rows) {
            ui.vertical(|ui| {
                ui.set_width(KEY_WIDTH);
                for binding in part {
                    key_row(ui, scene, binding);
                }
            });
        }
    });
}

fn key_row(ui: &mut Ui, scene: &Scene<'_>, binding: &Binding) {
    let left = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(vec2(KEY_WIDTH, KEY_HEIGHT), left, |ui| {
        ui.set_height(KEY_HEIGHT);
        let caps = vec2(104.0, KEY_HEIGHT);
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.allocate_ui_with_layout(caps, right, |ui| {
            ui.set_min_size(caps);
            key_cap(ui, &scene.display.keys.legend(binding));
        });
        ui.add_space(10.0);
        let words = RichText::new(binding.meaning()).font(theme::regular(14.0));
        ui.add(Label::new(words).selectable(false).sense(Sense::hover()));
    });
}
