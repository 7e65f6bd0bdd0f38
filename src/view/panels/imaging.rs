//! Depth, gain, time-gain compensation, dynamic range and grey map.
use egui::{Button, RichText, Slider, Ui, vec2};

use crate::clock::Timestamp;
use crate::engine::Command;
use crate::frame::{GrayMap, ImagingSettings, TGC_SLIDERS};
use crate::view::scene::{Actions, Scene};
use crate::view::theme;
use crate::words::say;

/// How long a moved slider shows what was asked for before it shows what is in force again, ms.
const EDIT_MILLIS: u128 = 600;
/// From this height of the window on the page shows the picture's settings and the gain over depth together.
const ALL_FROM: f32 = 1000.0;
const VALUE_WIDTH: f32 = 62.0;
const NAME_WIDTH: f32 = 62.0;
/// Time-gain sliders that make up near, middle and far when folded.
const FOLDED: [(&str, std::ops::Range<usize>); 3] = [
    ("view-tgc-near", 0..3),
    ("view-tgc-middle", 3..5),
    ("view-tgc-far", 5..TGC_SLIDERS),
];

/// What the page shows; a small window has room for one part at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Depth, gain, dynamic range and grey map.
    #[default]
    Picture,
    /// Gain over depth in three parts.
    Folded,
    /// Gain over depth, slider by slider.
    Unfolded,
}

/// The page and the settings being changed.
#[derive(Debug, Default)]
pub(super) struct ImagingPage {
    edit: Option<(ImagingSettings, Timestamp)>,
    part: Part,
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
        let room_for_all = ui.content_rect().height() >= ALL_FROM;
        let parts = if room_for_all && self.part == Part::Picture {
            vec![Part::Picture, Part::Folded]
        } else if room_for_all {
            vec![Part::Picture, self.part]
        } else {
            vec![self.part]
        };
        self.parts_ui(ui);
        for part in parts {
            match part {
                Part::Picture => picture_ui(ui, &mut after),
                Part::Folded => folded_ui(ui, &mut after),
                Part::Unfolded => unfolded_ui(ui, &mut after),
            }
        }
        if after != before {
            let after = after.limited();
            actions.send(Command::SetImaging(after.clone()));
            self.edit = Some((after, look.now));
        }
    }

    fn parts_ui(&mut self, ui: &mut Ui) {
        let parts = [
            (Part::Picture, "view-part-picture"),
            (Part::Folded, "view-part-folded"),
            (Part::Unfolded, "view-part-unfolded"),
        ];
        choice_ui(ui, &mut self.part, &parts);
    }
}

fn picture_ui(ui: &mut Ui, settings: &mut ImagingSettings) {
    row(ui, "view-depth", &mut settings.depth.0, 20.0..=160.0, "mm");
    row(ui, "view-gain", &mut settings.gain_db, -30.0..=30.0, "dB");
    let range = &mut settings.dynamic_range_db;
    row(ui, "view-dynamic-range", range, 30.0..=90.0, "dB");
    let maps = [
        (GrayMap::Linear, "view-gray-linear"),
        (GrayMap::Contrast, "view-gray-contrast"),
        (GrayMap::Soft, "view-gray-soft"),
    ];
    choice_ui(ui, &mut settings.gray_map, &maps);
}

fn folded_ui(ui: &mut Ui, settings: &mut ImagingSettings) {
    for (key, members) in FOLDED {
        let Some(values) = settings.tgc_db.get_mut(members) else {
            continue;
        };
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut wanted = mean;
        row(ui, key, &mut wanted, -20.0..=20.0, "dB");
        for value in values {
            *value += wanted - mean;
        }
    }
}

fn unfolded_ui(ui: &mut Ui, settings: &mut ImagingSettings) {
    for (index, db) in settings.tgc_db.iter_mut().enumerate() {
        let name = format!("{} {}", say("view-tgc"), index + 1);
        slider_row(ui, &name, db, -20.0..=20.0, "dB");
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
        let slider = Slider::new(&mut shown, range)
            .show_value(false)
            .step_by(1.0);
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

/// One of a few, side by side; the chosen one is framed and bold.
pub(super) fn choice_ui<T: Copy + PartialEq>(ui: &mut Ui, value: &mut T, choices: &[(T, &str)]) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 2.0;
        let count = choices.len().max(1) as f32;
        let width = (ui.available_width() - 4.0 * (count - 1.0)) / count;
        for (choice, key) in choices {
            let chosen = *value == *choice;
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
                *value = *choice;
            }
        }
    });
}
