//! Where the scan lies in a grabbed picture, and how large a pixel is: given by the user for every device, mode and
//! depth setting of the scanner, and asked again when one of them changes (H05).
use egui::{ComboBox, DragValue, TextEdit, Ui, vec2};

use super::side::{glove_button, heading};
use super::sources::warning;
use crate::engine::Command;
use crate::frame::{Orientation, PictureSetup, PixelRect, PixelSpacing};
use crate::stream::SourceFacts;
use crate::view::scene::Actions;
use crate::view::theme;
use crate::words::{say, say_with};

/// Most characters of a depth setting.
const DEPTH_MOST: usize = 24;
/// Largest picture a grabber delivers, pixels.
const SIDE_MOST: u32 = 8192;

/// The entries, and the setup they were begun from.
#[derive(Debug, Default)]
pub(super) struct GrabberEntries {
    begun_from: Option<PictureSetup>,
    depth_setting: String,
    crop: [u32; 4],
    spacing: [f64; 2],
    orientation: Orientation,
    /// The suggestion that was last put into the entries.
    suggested: Option<PixelRect>,
}

impl GrabberEntries {
    /// Draws the entries of a source that wants them.
    pub(super) fn ui(&mut self, ui: &mut Ui, facts: &SourceFacts, actions: &mut Actions) {
        if self.begun_from != facts.picture_setup {
            self.begin(facts.picture_setup.as_ref());
        }
        modes_ui(ui, facts, actions);
        let has_scale = facts
            .picture_setup
            .as_ref()
            .is_some_and(|setup| setup.spacing.is_some());
        if !has_scale {
            warning(ui, &say("view-grabber-asked"));
        }
        if facts.offers.drawn_inside {
            warning(ui, &say("view-grabber-drawn"));
        }
        for saved in &facts.saved_setups {
            saved_ui(ui, saved, actions);
        }
        let label = heading(ui, "view-grabber-depth");
        let width = ui.available_width();
        let entry = TextEdit::singleline(&mut self.depth_setting)
            .char_limit(DEPTH_MOST)
            .align(egui::Align2::LEFT_CENTER)
            .min_size(vec2(width, theme::TARGET))
            .desired_width(width);
        ui.add(entry).labelled_by(label.id);
        self.crop_ui(ui);
        self.suggestion_ui(ui, facts.offers.suggested_crop, actions);
        self.scale_ui(ui, actions);
    }

    /// A press fills the area entries with where the scan seems to lie; nothing is in force before it is used.
    fn suggestion_ui(&mut self, ui: &mut Ui, told: Option<PixelRect>, actions: &mut Actions) {
        let words = say("view-grabber-suggest");
        let is_pressed = glove_button(ui, &words, ui.available_width()).clicked();
        if is_pressed {
            actions.send(Command::SuggestCrop);
        }
        if (is_pressed || told != self.suggested)
            && let Some(crop) = told
        {
            self.crop = [crop.x, crop.y, crop.width, crop.height];
        }
        self.suggested = told;
        if told.is_some() {
            heading(ui, "view-grabber-suggested");
        }
    }

    fn begin(&mut self, setup: Option<&PictureSetup>) {
        let setup = setup.cloned().unwrap_or_default();
        let crop = setup
            .crop
            .map_or([0; 4], |crop| [crop.x, crop.y, crop.width, crop.height]);
        self.depth_setting.clone_from(&setup.depth_setting);
        self.crop = crop;
        self.spacing = setup.spacing.map_or([0.1; 2], |s| [s.lateral.0, s.axial.0]);
        self.orientation = setup.orientation;
        self.begun_from = Some(setup);
    }

    fn crop_ui(&mut self, ui: &mut Ui) {
        heading(ui, "view-grabber-crop");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let width = ((ui.available_width() - 12.0) / 4.0).max(theme::TARGET);
            let names = ["left", "top", "width", "height"];
            for (name, value) in names.into_iter().zip(&mut self.crop) {
                let entry = DragValue::new(value)
                    .range(0..=SIDE_MOST)
                    .min_size(vec2(width, theme::TARGET));
                let words = say(&format!("view-grabber-{name}"));
                ui.add(entry).on_hover_text(&words);
            }
        });
    }

    fn scale_ui(&mut self, ui: &mut Ui, actions: &mut Actions) {
        heading(ui, "view-scale");
        ui.horizontal(|ui| {
            let width = ((ui.available_width() - 16.0) / 3.0).max(theme::TARGET);
            let names = ["view-scale-lateral", "view-scale-axial"];
            for (key, value) in names.into_iter().zip(&mut self.spacing) {
                let entry = DragValue::new(value)
                    .range(0.005..=5.0)
                    .speed(0.001)
                    .fixed_decimals(3)
                    .min_size(vec2(width, theme::TARGET));
                let words = say(key);
                ui.add(entry).on_hover_text(&words);
            }
            if glove_button(ui, &say("view-scale-use"), width).clicked() {
                actions.send(Command::SetPicture(self.setup()));
            }
        });
        heading(ui, "view-scale-note");
    }

    fn setup(&self) -> PictureSetup {
        let [x, y, width, height] = self.crop;
        let crop = (width > 0 && height > 0).then_some(PixelRect {
            x,
            y,
            width,
            height,
        });
        let [lateral, axial] = self.spacing;
        PictureSetup {
            depth_setting: self.depth_setting.trim().to_owned(),
            crop,
            spacing: PixelSpacing::new(lateral, axial),
            orientation: self.orientation,
        }
    }
}

/// In which of its ways the grabber delivers, where there is a choice.
fn modes_ui(ui: &mut Ui, facts: &SourceFacts, actions: &mut Actions) {
    let offers = &facts.offers;
    if offers.modes.len() < 2 {
        return;
    }
    let label = heading(ui, "view-grabber-mode");
    let combo = ComboBox::from_id_salt("grabber mode")
        .width(ui.available_width())
        .height(320.0)
        .truncate()
        .selected_text(offers.mode.as_deref().unwrap_or("–"))
        .show_ui(ui, |ui| {
            ui.spacing_mut().interact_size.y = theme::TARGET;
            for mode in &offers.modes {
                let is_now = offers.mode.as_ref() == Some(mode);
                if ui.selectable_label(is_now, mode).clicked() && !is_now {
                    actions.send(Command::ChooseMode(mode.clone()));
                }
            }
        });
    combo.response.labelled_by(label.id);
}

/// A setup used before, to be taken again with one press; its depth setting says which.
fn saved_ui(ui: &mut Ui, saved: &PictureSetup, actions: &mut Actions) {
    let scale = saved.spacing.map_or_else(
        || say("view-grabber-no-scale"),
        |s| format!("{:.3} x {:.3} mm", s.lateral.0, s.axial.0),
    );
    let depth = if saved.depth_setting.is_empty() {
        "–"
    } else {
        &saved.depth_setting
    };
    let words = say_with("view-grabber-saved", &[("depth", depth), ("scale", &scale)]);
    if glove_button(ui, &words, ui.available_width()).clicked() {
        actions.send(Command::SetPicture(saved.clone()));
    }
}
