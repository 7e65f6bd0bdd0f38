//! Depth, gain, time-gain compensation, dynamic range and grey map.
use egui::{Button, RichText, Slider, Ui, vec2};

use super::side::{glove_button, heading};
use crate::clock::Timestamp;
use crate::engine::Command;
use crate::frame::{GrayMap, ImagingSettings, TGC_SLIDERS};
use crate::space::Millimeters;
use crate::view::scene::{Actions, Scene};
use crate::view::theme;
use crate::words::say;

/// How long a moved slider shows what was asked for before it shows what is in force again, ms.
const EDIT_MILLIS: u128 = 600;
const VALUE_WIDTH: f32 = 62.0;
const NAME_WIDTH: f32 = 62.0;
/// Time-gain sliders that make up near, middle and far when folded.
const FOLDED: [(&str, std::ops::Range<usize>); 3] = [
    ("view-tgc-near", 0..3),
    ("view-tgc-middle", 3..5),
    ("view-tgc-far", 5..TGC_SLIDERS),
];

/// The page and the settings being changed.
#[derive(Debug, Default)]
pub(super) struct ImagingPage {
    edit: Option<(ImagingSettings, Timestamp)>,
    all_tgc: bool,
}

impl ImagingPage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let look = scene.look;
        let in_force = look.settings.as_ref();
        self.edit
            .take_if(|(_, at)| look.now.since(*at).as_millis() > EDIT_MILLIS);
        let before = self
            .edit
            .as_ref()
            .map_or_else(|| in_force.clone(), |(settings, _)| settings.clone());
        let mut after = before.clone();
        ui.spacing_mut().item_spacing.y = 0.0;
        row(ui, "view-depth", &mut after.depth.0, 20.0..=160.0, "mm");
        row(ui, "view-gain", &mut after.gain_db, -30.0..=30.0, "dB");
        self.tgc_ui(ui, &mut after);
        let range = &mut after.dynamic_range_db;
        row(ui, "view-dynamic-range", range, 30.0..=90.0, "dB");
        ui.add_space(4.0);
        gray_map_ui(ui, &mut after.gray_map);
        // Sliders move in whole steps; what is in force may lie between two.
        after.depth = Millimeters(after.depth.0.round());
        if after != before && after != rounded(&before) {
            let after = after.limited();
            actions.send(Command::SetImaging(after.clone()));
            self.edit = Some((after, look.now));
        }
    }

    fn tgc_ui(&mut self, ui: &mut Ui, settings: &mut ImagingSettings) {
        if self.all_tgc {
            for (index, db) in settings.tgc_db.iter_mut().enumerate() {
                let name = format!("{} {}", say("view-tgc"), index + 1);
                slider_row(ui, &name, db, -20.0..=20.0, "dB");
            }
        } else {
            for (key, members) in FOLDED {
                let Some(values) = settings.tgc_db.get_mut(members) else {
                    continue;
                };
                let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
                let mut wanted = mean;
                row(ui, key, &mut wanted, -20.0..=20.0, "dB");
                // A slider that is not moved must not change the values it stands for.
                if (wanted - mean).abs() > 0.25 {
                    for value in values {
                        *value += wanted - mean;
                    }
                }
            }
        }
        let words = if self.all_tgc {
            "view-tgc-fold"
        } else {
            "view-tgc-unfold"
        };
        if glove_button(ui, &say(words), ui.available_width()).clicked() {
            self.all_tgc = !self.all_tgc;
        }
    }
}

fn rounded(settings: &ImagingSettings) -> ImagingSettings {
    ImagingSettings {
        depth: Millimeters(settings.depth.0.round()),
        ..settings.clone()
    }
}

fn row(ui: &mut Ui, key: &str, value: &mut f64, range: std::ops::RangeInclusive<f64>, unit: &str) {
    slider_row(ui, &say(key), value, range, unit);
}

/// Name, slider and figure on one line, as high as a glove needs.
fn slider_row(
    ui: &mut Ui,
    name: &str,
    value: &mut f64,
    range: std::ops::RangeInclusive<f64>,
    unit: &str,
) {
    ui.horizontal(|ui| {
        let font = theme::regular(14.0);
        let words = RichText::new(name).font(font.clone()).color(theme::QUIET);
        let label = egui::Label::new(words).selectable(false).truncate();
        let label = ui.add_sized(vec2(NAME_WIDTH, theme::TARGET), label);
        let free = ui.available_width() - VALUE_WIDTH - ui.spacing().item_spacing.x;
        ui.spacing_mut().slider_width = free.max(60.0);
        let before = *value;
        let mut shown = *value;
        let slider = Slider::new(&mut shown, range).show_value(false).step_by(1.0);
        let response = ui.add(slider).labelled_by(label.id);
        if response.changed() {
            *value = shown;
        } else {
            *value = before;
        }
        let figure = RichText::new(format!("{:.0} {unit}", *value)).font(font);
        let figure = egui::Label::new(figure).selectable(false);
        ui.add_sized(vec2(VALUE_WIDTH, theme::TARGET), figure);
    });
}

fn gray_map_ui(ui: &mut Ui, map: &mut GrayMap) {
    heading(ui, "view-gray-map");
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 16.0) / 3.0;
        for (choice, key) in [
            (GrayMap::Linear, "view-gray-linear"),
            (GrayMap::Contrast, "view-gray-contrast"),
            (GrayMap::Soft, "view-gray-soft"),
        ] {
            let chosen = *map == choice;
            let font = if chosen {
                theme::strong(14.0)
            } else {
                theme::regular(14.0)
            };
            let text = RichText::new(say(key)).font(font);
            let mut button = Button::new(text).min_size(vec2(width, theme::TARGET));
            if chosen {
                button = button.stroke(egui::Stroke::new(2.0, theme::SEEN));
            }
            if ui.add(button).clicked() {
                *map = choice;
            }
        }
    });
}
