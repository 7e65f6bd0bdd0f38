//! The panel on the right: the four numbers, and under them one page of controls at a time.
use egui::{Button, RichText, ScrollArea, Ui, vec2};

use super::health::HealthPage;
use super::imaging::ImagingPage;
use super::numbers::numbers_ui;
use super::probe::ProbePage;
use super::refill::RefillPage;
use super::saved::SavedPage;
use super::setup::SetupPage;
use super::source::source_ui;
use super::training::training_ui;
use crate::frame::Origin;
use crate::guide::Tone;
use crate::notice::Severity;
use crate::view::scene::{Act, Actions, Change, Scene, Tab};
use crate::view::signs;
use crate::view::theme;
use crate::words::say;

/// The panel and the state of its pages.
#[derive(Default)]
pub(in crate::view) struct SidePanel {
    setup: SetupPage,
    imaging: ImagingPage,
    saved: SavedPage,
    health: HealthPage,
    probe: ProbePage,
    refill: RefillPage,
}

impl SidePanel {
    /// Takes note of the time the window took to draw itself.
    pub(in crate::view) fn note_drawing(&mut self, seconds: f32) {
        self.health.note_drawing(seconds);
    }

    /// Draws the panel.
    pub(in crate::view) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        // What the detector measures would give the answer away.
        if scene.training.is_none() {
            numbers_ui(ui, scene);
        }
        tabs_ui(ui, scene, actions);
        let tab = shown_tab(scene);
        ScrollArea::vertical()
            .id_salt(tab_words(tab))
            .auto_shrink(false)
            .show(ui, |ui| match tab {
                Tab::Setup => self.setup.ui(ui, scene, actions),
                Tab::Image => self.imaging.ui(ui, scene, actions),
                Tab::Saved => self.saved.ui(ui, scene, actions),
                Tab::Health => self.health.ui(ui, scene),
                Tab::Refill => self.refill.ui(ui, scene, actions),
                Tab::Training => training_ui(ui, scene, actions),
                Tab::Probe if scene.look.origin == Origin::Live => source_ui(ui, scene, actions),
                Tab::Probe => self.probe.ui(ui, scene, actions),
            });
    }
}

/// The page chosen; a recording has no probe.
fn shown_tab(scene: &Scene<'_>) -> Tab {
    let tab = scene.display.tab;
    if scene.training.is_some() {
        return match tab {
            Tab::Image | Tab::Probe => tab,
            Tab::Setup | Tab::Saved | Tab::Health | Tab::Refill | Tab::Training => Tab::Training,
        };
    }
    let is_without_probe = tab == Tab::Probe && scene.look.origin == Origin::Replay;
    if is_without_probe || tab == Tab::Training {
        Tab::Setup
    } else {
        tab
    }
}

fn tab_words(tab: Tab) -> &'static str {
    match tab {
        Tab::Setup => "view-tab-setup",
        Tab::Image => "view-tab-image",
        Tab::Saved => "view-tab-saved",
        Tab::Health => "view-tab-health",
        Tab::Probe => "view-tab-probe",
        Tab::Refill => "view-tab-refill",
        Tab::Training => "view-tab-training",
    }
}

fn tabs_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let mut tabs = vec![Tab::Refill, Tab::Setup, Tab::Image, Tab::Saved, Tab::Health];
    if scene.training.is_some() {
        tabs = vec![Tab::Training, Tab::Image];
    }
    if scene.look.origin != Origin::Replay {
        tabs.push(Tab::Probe);
    }
    let trouble = scene
        .look
        .notices
        .iter()
        .any(|notice| notice.severity > Severity::Note);
    let shown = shown_tab(scene);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding.x = 2.0;
        let share = (ui.available_width() - 3.0 * (tabs.len() - 1) as f32) / tabs.len() as f32;
        for tab in tabs {
            let chosen = tab == shown;
            let words = say(tab_words(tab));
            let color = match (chosen, tab == Tab::Health && trouble) {
                (_, true) => theme::WARNING,
                (true, false) => theme::TEXT,
                (false, false) => theme::QUIET,
            };
            let font = if chosen {
                theme::strong(14.0)
            } else {
                theme::regular(14.0)
            };
            let fill = if chosen { theme::RAISED } else { theme::PANEL };
            let button = Button::new(RichText::new(words).font(font).color(color))
                .fill(fill)
                .min_size(vec2(share, theme::TARGET));
            let response = ui.add(button);
            if chosen {
                let line = egui::Stroke::new(3.0, theme::SEEN);
                let rect = response.rect;
                ui.painter()
                    .hline(rect.x_range(), rect.bottom() - 1.5, line);
            }
            if tab == Tab::Health && trouble {
                let corner = response.rect.right_top() + vec2(-9.0, 9.0);
                signs::paint_tone(ui.painter(), corner, 5.0, Tone::Caution);
            }
            if response.clicked() {
                actions.ask(Act::Display(Change::Show(tab)));
            }
        }
    });
}

/// The heading of a group of controls.
pub(super) fn heading(ui: &mut Ui, key: &str) -> egui::Response {
    let words = RichText::new(say(key))
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(egui::Label::new(words).selectable(false))
}

/// A button large enough for a glove.
pub(super) fn glove_button(ui: &mut Ui, words: &str, width: f32) -> egui::Response {
    ui.add(Button::new(words).min_size(vec2(width, theme::TARGET)))
}

/// A button with a sign on it, and words for what it does.
pub(super) fn sign_button(ui: &mut Ui, sign: &str, width: f32, meaning: &str) -> egui::Response {
    let text = RichText::new(sign).font(theme::strong(18.0));
    let response = ui.add(Button::new(text).min_size(vec2(width, theme::TARGET)));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, meaning));
    response
}
