//! The connection screen: every source there is, whether it may be used, what to do if not, and one press to take it.
//! Nothing is ever taken by itself, and a running probe is left by the second press only.
use std::path::PathBuf;

use egui::{Align, Button, Label, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::bars::key_cap;
use crate::engine::{Command, Liveness, Look, SourceChoice};
use crate::frame::Origin;
use crate::guide::Tone;
use crate::probe::{Access, ListedSource, ProbeState};
use crate::simulate::Preset;
use crate::view::scene::{Act, Actions, Change, Scene};
use crate::view::signs;
use crate::view::theme;
use crate::words::{say, say_with};

/// Room of the button at the end of a row, in points.
const BUTTON_WIDTH: f32 = 190.0;
/// Room of the name before an entry, in points.
const NAME_WIDTH: f32 = 150.0;
/// Most characters of a network address.
const ADDRESS_MOST: usize = 260;

/// Most characters of the path of a file.
const PATH_MOST: usize = 1024;

/// What a button takes, and what stands on it.
struct Offer<'a> {
    choice: Option<SourceChoice>,
    firmware: Option<PathBuf>,
    words: &'a str,
    /// Of the source; spoken with the words.
    name: &'a str,
}

/// The screen and its unfinished entries.
#[derive(Debug)]
pub(in crate::view) struct SourcesSheet {
    address: String,
    address_problem: Option<String>,
    preset: Preset,
    /// The firmware file as it was typed; before that the one used last stands in its entry.
    firmware: Option<String>,
    /// The source asked for while a probe is running; the second press takes it.
    asked: Option<SourceChoice>,
}

impl Default for SourcesSheet {
    fn default() -> Self {
        Self {
            address: "localhost:18944".to_owned(),
            address_problem: None,
            preset: Preset::Easy,
            firmware: None,
            asked: None,
        }
    }
}

/// The sources found that can be taken, in the order of their rows.
fn found(look: &Look) -> Vec<&ListedSource> {
    look.listing
        .as_deref()
        .map(|listing| listing.sources.iter().collect())
        .unwrap_or_default()
}

/// Whether taking another source would stop a probe that is delivering.
fn leaves_a_running_probe(look: &Look) -> bool {
    look.origin == Origin::Live
        && matches!(
            look.liveness,
            Liveness::Running | Liveness::Stale | Liveness::Frozen
        )
}

impl SourcesSheet {
    /// Forgets a press that was not confirmed.
    pub(in crate::view) fn closed(&mut self) {
        self.asked = None;
        self.address_problem = None;
    }

    /// A number key was pressed: the row of that number, counted from 1.
    pub(in crate::view) fn pick(&mut self, look: &Look, number: usize, actions: &mut Actions) {
        let row = number.checked_sub(1);
        let source = row.and_then(|row| found(look).get(row).copied());
        if let Some(source) = source.filter(|source| self.can_be_taken(source))
            && let Ok(choice) = source.spec.parse()
        {
            let firmware = self.firmware_for(source);
            self.take(look, choice, firmware, actions);
        }
    }

    /// Whether a source can be taken: one that asks for firmware when a file is named.
    fn can_be_taken(&self, source: &ListedSource) -> bool {
        match (source.access, source.state) {
            (Access::Refused, _) => false,
            (Access::Allowed | Access::Unknown | Access::Busy, ProbeState::Ready) => true,
            (Access::Allowed | Access::Unknown | Access::Busy, ProbeState::WantsFirmware) => {
                self.firmware_for(source).is_some()
            }
        }
    }

    /// The firmware file a source would be given.
    fn firmware_for(&self, source: &ListedSource) -> Option<PathBuf> {
        if source.state != ProbeState::WantsFirmware {
            return None;
        }
        match &self.firmware {
            Some(typed) => Some(typed.trim())
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            None => source.firmware.clone(),
        }
    }

    fn take(
        &mut self,
        look: &Look,
        choice: SourceChoice,
        firmware: Option<PathBuf>,
        actions: &mut Actions,
    ) {
        if leaves_a_running_probe(look) && self.asked.as_ref() != Some(&choice) {
            self.asked = Some(choice);
            return;
        }
        self.asked = None;
        actions.send(Command::Connect(choice));
        if let Some(file) = firmware {
            actions.send(Command::SetFirmware(file));
        }
        actions.ask(Act::Display(Change::Close));
    }

    /// Draws the screen.
    pub(in crate::view) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let look = scene.look;
        let title = RichText::new(say("view-sources-title")).font(theme::strong(24.0));
        ui.add(Label::new(title).selectable(false));
        present_ui(ui, look);
        if let Some(last) = &scene.display.settings.last_source {
            quiet(ui, &say_with("view-sources-last", &[("name", last)]));
        }
        ui.add_space(6.0);
        let most = (ui.content_rect().height() - 480.0).max(160.0);
        ScrollArea::vertical()
            .max_height(most)
            .auto_shrink([false, true])
            .show(ui, |ui| self.found_ui(ui, look, actions));
        ui.separator();
        self.network_ui(ui, look, actions);
        self.virtual_ui(ui, look, actions);
        training_ui(ui, actions);
        ui.add_space(8.0);
        let close = Button::new(say("view-help-close"));
        let width = ui.available_width();
        if ui.add_sized(vec2(width, theme::TARGET), close).clicked() {
            actions.ask(Act::Display(Change::Close));
        }
    }

    fn found_ui(&mut self, ui: &mut Ui, look: &Look, actions: &mut Actions) {
        let Some(listing) = look.listing.as_deref() else {
            quiet(ui, &say("view-sources-looking"));
            return;
        };
        if listing.sources.is_empty() {
            quiet(ui, &say("view-sources-none"));
        }
        for (index, source) in listing.sources.iter().enumerate() {
            self.row_ui(ui, look, index + 1, source, actions);
        }
        for reason in &listing.reasons {
            quiet(ui, reason);
        }
    }

    fn row_ui(
        &mut self,
        ui: &mut Ui,
        look: &Look,
        number: usize,
        source: &ListedSource,
        actions: &mut Actions,
    ) {
        let choice: Option<SourceChoice> = source.spec.parse().ok();
        let is_open = look.facts.as_ref().is_some_and(|f| f.spec == source.spec);
        let is_present = is_open || (choice.is_some() && look.choice == choice);
        ui.horizontal(|ui| {
            key_cap(ui, &number.to_string());
            let width = ui.available_width() - BUTTON_WIDTH - 16.0;
            ui.allocate_ui_with_layout(
                vec2(width, theme::TARGET),
                Layout::top_down(Align::Min),
                |ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    describe_ui(ui, source, is_present);
                },
            );
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let words = if is_present {
                    say("view-sources-again")
                } else {
                    say("view-sources-connect")
                };
                let choice = choice.filter(|_| self.can_be_taken(source));
                let offer = Offer {
                    choice,
                    firmware: self.firmware_for(source),
                    words: &words,
                    name: &source.name,
                };
                self.button_ui(ui, look, offer, actions);
            });
        });
        if source.state == ProbeState::WantsFirmware {
            self.firmware_ui(ui, source);
        }
        ui.add_space(4.0);
    }

    /// Where the maker's firmware file of a probe lies.
    fn firmware_ui(&mut self, ui: &mut Ui, source: &ListedSource) {
        ui.horizontal(|ui| {
            let label = name_ui(ui, "view-sources-firmware-file");
            let width = ui.available_width();
            let path = self.firmware.get_or_insert_with(|| {
                let used_last = source.firmware.as_ref();
                used_last.map_or_else(String::new, |file| file.display().to_string())
            });
            let entry = TextEdit::singleline(path)
                .char_limit(PATH_MOST)
                .align(egui::Align2::LEFT_CENTER)
                .min_size(vec2(width, theme::TARGET))
                .desired_width(width);
            ui.add(entry).labelled_by(label.id);
        });
    }

    /// The button that takes a source; it asks once more before a running probe is left.
    fn button_ui(&mut self, ui: &mut Ui, look: &Look, offer: Offer<'_>, actions: &mut Actions) {
        let Offer {
            choice,
            firmware,
            words,
            name,
        } = offer;
        let is_asked = choice.is_some() && self.asked == choice;
        let text = if is_asked {
            RichText::new(say("view-sources-really")).color(theme::WARNING)
        } else {
            RichText::new(words)
        };
        let button = Button::new(text).min_size(vec2(BUTTON_WIDTH, theme::TARGET));
        let response = ui.add_enabled(choice.is_some(), button);
        let spoken = format!("{words}: {name}");
        let is_enabled = choice.is_some();
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, is_enabled, &spoken));
        if response.clicked()
            && let Some(choice) = choice
        {
            self.take(look, choice, firmware, actions);
        }
    }

    fn network_ui(&mut self, ui: &mut Ui, look: &Look, actions: &mut Actions) {
        ui.horizontal(|ui| {
            let label = name_ui(ui, "view-sources-network");
            let width = ui.available_width() - BUTTON_WIDTH - 16.0;
            let entry = TextEdit::singleline(&mut self.address)
                .char_limit(ADDRESS_MOST)
                .align(egui::Align2::LEFT_CENTER)
                .min_size(vec2(width, theme::TARGET))
                .desired_width(width);
            if ui.add(entry).labelled_by(label.id).changed() {
                self.address_problem = None;
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let name = self.address.trim().to_owned();
                let words = say("view-sources-connect");
                let button = Button::new(&words).min_size(vec2(BUTTON_WIDTH, theme::TARGET));
                let response = ui.add(button);
                let spoken = format!("{words}: OpenIGTLink");
                response
                    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &spoken));
                if response.clicked() {
                    match format!("igtl:{name}").parse::<SourceChoice>() {
                        Ok(choice) => self.take(look, choice, None, actions),
                        Err(problem) => self.address_problem = Some(problem.to_string()),
                    }
                }
            });
        });
        if let Some(problem) = &self.address_problem {
            warning(ui, problem);
        } else if self
            .asked
            .as_ref()
            .is_some_and(|choice| matches!(choice, SourceChoice::Igtl(_)))
        {
            warning(ui, &say("view-sources-really"));
        }
    }

    fn virtual_ui(&mut self, ui: &mut Ui, look: &Look, actions: &mut Actions) {
        ui.horizontal(|ui| {
            let label = name_ui(ui, "view-sources-virtual");
            let width = ui.available_width() - BUTTON_WIDTH - 16.0;
            let combo = egui::ComboBox::from_id_salt("virtual patient")
                .width(width)
                .height(320.0)
                .selected_text(self.preset.name())
                .show_ui(ui, |ui| {
                    for preset in Preset::ALL {
                        ui.selectable_value(&mut self.preset, preset, preset.name());
                    }
                });
            combo.response.labelled_by(label.id);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let choice = SourceChoice::Virtual(self.preset);
                let words = say("view-sources-simulate");
                let name = self.preset.name();
                let offer = Offer {
                    choice: Some(choice),
                    firmware: None,
                    words: &words,
                    name,
                };
                self.button_ui(ui, look, offer, actions);
            });
        });
    }
}

/// The way to training, which is no source: a session of its own.
fn training_ui(ui: &mut Ui, actions: &mut Actions) {
    ui.horizontal(|ui| {
        name_ui(ui, "view-tab-training");
        let width = ui.available_width() - BUTTON_WIDTH - 16.0;
        let place = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(vec2(width, theme::TARGET), place, |ui| {
            ui.set_min_width(width);
            quiet(ui, &say("training-offer"));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = say("training-begin");
            let button = Button::new(&words).min_size(vec2(BUTTON_WIDTH, theme::TARGET));
            if ui.add(button).clicked() {
                actions.ask(Act::Train);
            }
        });
    });
}

/// The name before an entry; all of one width, so that the entries stand under each other.
fn name_ui(ui: &mut Ui, key: &str) -> egui::Response {
    let place = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(NAME_WIDTH, theme::TARGET), place, |ui| {
        ui.set_min_width(NAME_WIDTH);
        ui.add(Label::new(say(key)).selectable(false))
    })
    .inner
}

fn present_ui(ui: &mut Ui, look: &Look) {
    let source = look
        .choice
        .as_ref()
        .map_or_else(String::new, |choice| format!(" ({choice})"));
    let name = format!("{}{source}", look.source_name);
    quiet(ui, &say_with("view-sources-present", &[("name", &name)]));
}

/// Name, place and standing of a source, and what to do when it cannot be used.
fn describe_ui(ui: &mut Ui, source: &ListedSource, is_present: bool) {
    let name = RichText::new(&source.name).font(theme::strong(16.0));
    ui.add(Label::new(name).selectable(false).truncate());
    let mut parts = vec![source.spec.clone()];
    if let (Some(vendor), Some(product)) = (source.vendor, source.product) {
        parts.push(format!("{vendor:04x}:{product:04x}"));
    }
    if let Some(serial) = &source.serial {
        parts.push(say_with("view-sources-serial", &[("serial", serial)]));
    }
    let standing = match (source.state, source.access) {
        // It is this session that holds it.
        (ProbeState::Ready, _) if is_present => "view-sources-in-use",
        (ProbeState::WantsFirmware, _) => "view-sources-firmware",
        (ProbeState::Ready, Access::Allowed) => "view-sources-ready",
        (ProbeState::Ready, Access::Refused) => "view-sources-refused",
        (ProbeState::Ready, Access::Busy) => "view-sources-busy",
        (ProbeState::Ready, Access::Unknown) => "view-sources-unknown",
    };
    parts.push(say(standing));
    quiet(ui, &parts.join("   "));
    if source.experimental {
        warning(ui, &say("source-experimental"));
    }
    if let Some(hint) = source.hint.as_ref().filter(|_| !is_present) {
        let text = RichText::new(hint).font(theme::regular(14.0));
        ui.add(Label::new(text).wrap());
    }
}

fn quiet(ui: &mut Ui, words: &str) {
    let text = RichText::new(words)
        .font(theme::regular(14.0))
        .color(theme::QUIET);
    ui.add(Label::new(text).selectable(false).wrap());
}

/// Words with a sign of caution before them, so that colour is not all.
pub(super) fn warning(ui: &mut Ui, words: &str) {
    ui.horizontal(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(16.0, 18.0), egui::Sense::hover());
        signs::paint_tone(ui.painter(), place.center(), 6.0, Tone::Caution);
        let text = RichText::new(words)
            .font(theme::regular(14.0))
            .color(theme::WARNING);
        ui.add(Label::new(text).selectable(false).wrap());
    });
}
