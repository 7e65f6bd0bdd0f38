//! Health of the stream at every station, times of every stage, and trouble worth telling.
use egui::{Grid, Label, RichText, Ui};

use super::side::heading;
use crate::engine::StageTimes;
use crate::notice::Severity;
use crate::stream::StreamHealth;
use crate::view::scene::Scene;
use crate::view::theme;
use crate::words::say;

/// Trouble listed at most.
const NOTICES_SHOWN: usize = 6;

/// Draws the page.
pub(super) fn health_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let look = scene.look;
    notices_ui(ui, scene);
    let stations = &look.stations;
    ui.spacing_mut().interact_size.y = 22.0;
    Grid::new("stations")
        .num_columns(4)
        .spacing([10.0, 2.0])
        .min_col_width(56.0)
        .show(ui, |ui| {
            for key in ["capture", "form", "read"] {
                if key == "capture" {
                    ui.label("");
                }
                column_head(ui, &format!("view-station-{key}"));
            }
            ui.end_row();
            let all = [&stations.capture, &stations.form, &stations.read];
            station_row(ui, "view-health-rate", all, |h| format!("{:.1}", h.rate_hz));
            station_row(ui, "view-health-frames", all, |h| h.frames.to_string());
            station_row(ui, "view-health-missing", all, |h| h.missing.to_string());
            station_row(ui, "view-health-gaps", all, |h| h.gaps.to_string());
            station_row(ui, "view-health-skipped", all, |h| h.skipped.to_string());
            let times = [&stations.form_times, &stations.read_times];
            stage_row(ui, "view-health-p50", times, |t| t.p50_ms);
            stage_row(ui, "view-health-p99", times, |t| t.p99_ms);
        });
    let age = look.age.map_or_else(
        || "–".to_owned(),
        |age| format!("{:.0} ms", age.as_secs_f64() * 1e3),
    );
    figure(ui, &format!("{}: {age}", say("view-health-age")));
}

fn notices_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let notices = &scene.look.notices;
    if notices.is_empty() {
        return;
    }
    heading(ui, "view-health-notices");
    for notice in notices.iter().rev().take(NOTICES_SHOWN) {
        let (sign, color) = match notice.severity {
            Severity::Note => ("●", theme::QUIET),
            Severity::Warning => ("▲", theme::WARNING),
            Severity::Error => ("✗", theme::STOP),
        };
        let text = RichText::new(format!("{sign} {}", notice.line()))
            .font(theme::regular(13.0))
            .color(color);
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(6.0);
}

fn column_head(ui: &mut Ui, key: &str) {
    let words = RichText::new(say(key))
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(words).selectable(false));
}

fn figure(ui: &mut Ui, text: &str) {
    let text = RichText::new(text).font(theme::regular(13.0));
    ui.add(Label::new(text).selectable(false));
}

fn station_row(
    ui: &mut Ui,
    key: &str,
    stations: [&StreamHealth; 3],
    read: impl Fn(&StreamHealth) -> String,
) {
    column_head(ui, key);
    for station in stations {
        figure(ui, &read(station));
    }
    ui.end_row();
}

fn stage_row(ui: &mut Ui, key: &str, stages: [&StageTimes; 2], read: impl Fn(&StageTimes) -> f64) {
    column_head(ui, key);
    figure(ui, "");
    for stage in stages {
        let text = if stage.count == 0 {
            "–".to_owned()
        } else {
            format!("{:.1} ms", read(stage))
        };
        figure(ui, &text);
    }
    ui.end_row();
}
