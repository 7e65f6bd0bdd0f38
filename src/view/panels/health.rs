//! Health of the stream at every station, times of every stage, and trouble worth telling.
use egui::{Grid, Label, RichText, Ui};

use super::side::heading;
use crate::engine::StageTimes;
use crate::notice::Severity;
use crate::recording::RecordingState;
use crate::stream::StreamHealth;
use crate::view::scene::Scene;
use crate::view::theme;
use crate::words::{say, say_with};

/// Trouble listed at most.
const NOTICES_SHOWN: usize = 6;

/// Repaints behind the drawing times shown: about ten seconds.
const DRAWINGS_KEPT: usize = 300;

/// The page and the times the window took to draw itself.
#[derive(Debug, Default)]
pub(super) struct HealthPage {
    /// Milliseconds, the oldest overwritten first.
    drawings: Vec<f32>,
    next: usize,
}

impl HealthPage {
    /// Takes note of one repaint.
    pub(super) fn note_drawing(&mut self, seconds: f32) {
        let millis = seconds * 1e3;
        match self.drawings.get_mut(self.next) {
            Some(slot) => *slot = millis,
            None => self.drawings.push(millis),
        }
        self.next = (self.next + 1) % DRAWINGS_KEPT;
    }

    /// Draws the page.
    pub(super) fn ui(&self, ui: &mut Ui, scene: &Scene<'_>) {
        notices_ui(ui, scene);
        stream_ui(ui, scene);
        if !self.drawings.is_empty() {
            let mut sorted = self.drawings.clone();
            sorted.sort_by(f32::total_cmp);
            let at = |share: f32| format!("{:.1}", quantile(&sorted, share));
            let values = [("half", at(0.5)), ("most", at(0.99))];
            let values: Vec<(&str, &str)> =
                values.iter().map(|(name, v)| (*name, v.as_str())).collect();
            figure(ui, &say_with("view-health-drawing", &values));
        }
    }
}

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    let index = (share * sorted.len().saturating_sub(1) as f32).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

fn stream_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let look = scene.look;
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
    let recording = stations.recording;
    let key = match recording.state {
        RecordingState::Off => return,
        RecordingState::Running => "view-health-recording",
        RecordingState::Stopped => "view-health-recording-stopped",
    };
    let (stored, lost) = (recording.stored.to_string(), recording.lost.to_string());
    figure(ui, &say_with(key, &[("stored", &stored), ("lost", &lost)]));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_times_forget_the_oldest_and_give_their_quantiles() {
        let mut page = HealthPage::default();
        for millis in 0..500_u16 {
            page.note_drawing(f32::from(millis) / 1e3);
        }
        let mut sorted = page.drawings.clone();
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted.len(), DRAWINGS_KEPT);
        assert!((quantile(&sorted, 0.0) - 200.0).abs() < 0.01);
        assert!((quantile(&sorted, 0.5) - 350.0).abs() < 1.01);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
