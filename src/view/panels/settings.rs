//! What is remembered: size of words, tones, and the key of every action.
use egui::{Button, Label, RichText, Ui, vec2};

use super::imaging::choice_ui;
use super::side::{glove_button, heading};
use super::sources::warning;
use crate::settings::{TextSize, Tones};
use crate::sound::Standing;
use crate::view::keys::{Binding, KEYS};
use crate::view::scene::{Act, Actions, Change, Lock, Scene, Setting};
use crate::view::theme;
use crate::words::{say, say_with};

/// Columns of keys.
const COLUMNS: usize = 3;
/// Height of everything but the keys.
const AROUND: f32 = 352.0;
/// Height of one row of keys.
const ROW: f32 = theme::TARGET + 4.0;

/// The sheet and the page of keys it shows.
#[derive(Debug, Default)]
pub(in crate::view) struct SettingsSheet {
    page: usize,
}

/// As wide as the window allows.
pub(super) fn settings_width(ui: &Ui) -> f32 {
    (ui.content_rect().width() - 96.0).clamp(600.0, 1180.0)
}

impl SettingsSheet {
    /// Draws the sheet.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32, actions: &mut Actions) {
        ui.spacing_mut().item_spacing.y = 4.0;
        let title = RichText::new(say("settings-title")).font(theme::strong(24.0));
        ui.add(Label::new(title).selectable(false));
        ui.columns(2, |columns| {
            let [left, right] = columns else { return };
            text_ui(left, scene, actions);
            tones_ui(right, scene, actions);
        });
        told_ui(ui, scene);
        self.keys_ui(ui, scene, width, actions);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let third = (width - 12.0) / 3.0;
            if glove_button(ui, &say("settings-more-keys"), third).clicked() {
                self.page += 1;
            }
            if glove_button(ui, &say("settings-keys-reset"), third).clicked() {
                actions.ask(Act::Set(Setting::KeysReset));
            }
            if glove_button(ui, &say("view-help-close"), third).clicked() {
                actions.ask(Act::Display(Change::Close));
            }
        });
    }

    fn keys_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, width: f32, actions: &mut Actions) {
        let editable: Vec<&'static Binding> = KEYS.iter().filter(|b| b.is_editable()).collect();
        let room = ui.content_rect().height() - AROUND;
        let rows = ((room / ROW) as usize).clamp(2, 12);
        let pages = editable.len().div_ceil(rows * COLUMNS).max(1);
        self.page %= pages;
        let share = (width - 6.0 * (COLUMNS - 1) as f32) / COLUMNS as f32;
        let shown: Vec<&Binding> = editable
            .into_iter()
            .skip(self.page * rows * COLUMNS)
            .take(rows * COLUMNS)
            .collect();
        for row in 0..rows {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.set_min_height(theme::TARGET);
                for column in 0..COLUMNS {
                    if let Some(binding) = shown.get(column * rows + row) {
                        key_ui(ui, scene, binding, share, actions);
                    }
                }
            });
        }
    }
}

fn key_ui(ui: &mut Ui, scene: &Scene<'_>, binding: &Binding, width: f32, actions: &mut Actions) {
    let is_waited_for = scene.display.listening == Some(binding.name());
    let legend = if is_waited_for {
        say("settings-press")
    } else {
        scene.display.keys.legend(binding)
    };
    let spoken = format!("{legend}: {}", binding.meaning());
    let text = RichText::new(&spoken).font(theme::regular(14.0));
    let mut button = Button::new(text)
        .truncate()
        .min_size(vec2(width, theme::TARGET));
    if is_waited_for {
        button = button.stroke(egui::Stroke::new(2.0, theme::SEEN));
    }
    let response = ui.add_sized(vec2(width, theme::TARGET), button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &spoken));
    if response.clicked() {
        actions.ask(Act::Set(Setting::Listen(binding.name())));
    }
}

fn text_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    heading(ui, "settings-text");
    let before = scene.display.settings.text;
    let mut size = before;
    let choices = [
        (TextSize::Usual, "settings-text-usual"),
        (TextSize::Large, "settings-text-large"),
        (TextSize::Largest, "settings-text-largest"),
    ];
    choice_ui(ui, &mut size, &choices);
    if size != before {
        actions.ask(Act::Set(Setting::Text(size)));
    }
}

fn tones_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    heading(ui, "settings-tones");
    let before = scene.display.settings.tones;
    let mut tones = before;
    let choices = [
        (Tones::Off, "settings-tones-off"),
        (Tones::On, "settings-tones-on"),
    ];
    choice_ui(ui, &mut tones, &choices);
    if tones != before {
        actions.ask(Act::Set(Setting::Tones(tones)));
    }
}

/// One line of what is so: the key waited for or refused, what can be heard, what is wrong with the file.
fn told_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let display = scene.display;
    let tones = match &display.speaker {
        Standing::Ready(program) => say_with("settings-tones-by", &[("program", program)]),
        Standing::NoProgram => say("settings-tones-none"),
        Standing::Failed(why) => say_with("settings-tones-failed", &[("why", why)]),
    };
    quiet(ui, &tones);
    let taken = display.key_taken.map(|(press, words)| {
        let values = [("key", press.legend()), ("action", say(words))];
        let values = values.each_ref().map(|(n, v)| (*n, v.as_str()));
        say_with("settings-key-taken", &values)
    });
    if let Some(taken) = taken {
        warning(ui, &taken);
    } else if let Some(trouble) = &display.settings_trouble {
        warning(ui, trouble);
    } else if display.lock != Lock::Open {
        warning(ui, &say("view-lock-refused"));
    } else {
        quiet(ui, &say("settings-keys"));
    }
}

fn quiet(ui: &mut Ui, text: &str) {
    let words = RichText::new(text)
        .font(theme::regular(14.0))
        .color(theme::QUIET);
    ui.add(Label::new(words).selectable(false).wrap());
}
