//! The page of a live source: what it says of itself, what passed and what was lost, and what can be set.
use egui::{Label, RichText, Ui};

use super::side::{glove_button, heading};
use super::sources::warning;
use crate::engine::Command;
use crate::frame::ImagingSettings;
use crate::stream::{AcousticOutput, Maturity, SourceFacts, WireCounts};
use crate::view::scene::{Act, Actions, Change, Scene};
use crate::view::theme;
use crate::words::{say, say_with};

/// Draws the page.
pub(super) fn source_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let look = scene.look;
    ui.spacing_mut().interact_size.y = 22.0;
    if glove_button(ui, &say("view-key-sources"), ui.available_width()).clicked() {
        actions.ask(Act::Display(Change::ShowSources));
    }
    let Some(facts) = look.facts.as_deref() else {
        heading(ui, "view-source-opening");
        return;
    };
    let name = RichText::new(&facts.name).font(theme::strong(15.0));
    ui.add(Label::new(name).wrap());
    if facts.maturity == Maturity::NeverRunOnHardware {
        warning(ui, &say("source-experimental"));
    }
    let acoustic = match facts.acoustic {
        AcousticOutput::NotReportedByProbe => "view-source-mi-not-reported",
        AcousticOutput::ShownByScanner => "view-source-mi-scanner",
        AcousticOutput::None => "view-source-mi-none",
    };
    line(ui, &say(acoustic));
    choices_ui(ui, facts, &look.settings, actions);
    if let Some(wire) = look.stations.wire {
        counts_ui(ui, &wire, look.stations.outages);
    }
    for detail in &facts.details {
        line(ui, detail);
    }
}

fn line(ui: &mut Ui, words: &str) {
    let text = RichText::new(words)
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(text).wrap());
}

fn counts_ui(ui: &mut Ui, wire: &WireCounts, outages: u64) {
    let values = [
        ("frames", wire.frames),
        ("lost", wire.lost_frames),
        ("damaged", wire.damaged_frames),
        ("resyncs", wire.resyncs),
        ("outages", outages),
    ]
    .map(|(name, count)| (name, count.to_string()));
    let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
    line(ui, &say_with("view-source-counts", &values));
}

/// Frequency, receive filter and frame rate, where the source lets them be chosen.
fn choices_ui(ui: &mut Ui, facts: &SourceFacts, in_force: &ImagingSettings, actions: &mut Actions) {
    let limits = &facts.limits;
    let mut wanted = in_force.clone();
    let frequency = chooser_ui(
        ui,
        "view-source-frequency",
        "MHz",
        &limits.frequency_mhz,
        Some(in_force.frequency_mhz),
    );
    let filter = chooser_ui(
        ui,
        "view-source-filter",
        "MHz",
        &limits.receive_filter_mhz,
        in_force.receive_filter_mhz,
    );
    let rate = chooser_ui(
        ui,
        "view-source-rate",
        "/s",
        &limits.frame_rate_hz,
        in_force.frame_rate_hz,
    );
    if let Some(frequency) = frequency {
        wanted.frequency_mhz = frequency;
    }
    wanted.receive_filter_mhz = filter.or(wanted.receive_filter_mhz);
    wanted.frame_rate_hz = rate.or(wanted.frame_rate_hz);
    if wanted != *in_force {
        actions.send(Command::SetImaging(wanted.limited()));
    }
}

/// One of the values a source offers; returns the one chosen anew. Draws nothing where there is no choice.
fn chooser_ui(
    ui: &mut Ui,
    key: &str,
    unit: &str,
    choices: &[f64],
    in_force: Option<f64>,
) -> Option<f64> {
    if choices.len() < 2 {
        return None;
    }
    let words = |value: f64| format!("{value:.2} {unit}");
    let label = heading(ui, key);
    let mut chosen = None;
    let combo = egui::ComboBox::from_id_salt(key)
        .width(ui.available_width())
        .height(320.0)
        .selected_text(in_force.map_or_else(|| "–".to_owned(), words))
        .show_ui(ui, |ui| {
            ui.spacing_mut().interact_size.y = theme::TARGET;
            for value in choices {
                let is_now = in_force.is_some_and(|now| (now - value).abs() < 1e-6);
                if ui.selectable_label(is_now, words(*value)).clicked() && !is_now {
                    chosen = Some(*value);
                }
            }
        });
    combo.response.labelled_by(label.id);
    chosen
}
