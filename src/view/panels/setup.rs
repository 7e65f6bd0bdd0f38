//! Pump, needle and, for a source that brings none, the scale.
use egui::{ComboBox, DragValue, RichText, Ui, vec2};

use super::grabber::GrabberEntries;
use super::side::{glove_button, heading, sign_button};
use crate::engine::Command;
use crate::frame::PixelSpacing;
use crate::image::LengthUnit;
use crate::pump::Needle;
use crate::space::Millimeters;
use crate::view::scene::{Act, Actions, Change, Scene};
use crate::view::theme;
use crate::words::say;

/// Usual needle lengths, mm.
const LENGTHS: [f64; 8] = [25.0, 32.0, 38.0, 45.0, 51.0, 64.0, 76.0, 89.0];
/// Gauges there are.
const GAUGES: std::ops::RangeInclusive<u8> = 18..=27;
/// What the first press chooses: the needle of a refill kit.
const USUAL: Needle = Needle {
    gauge: 22,
    length: Millimeters(38.0),
};

/// The page and its unfinished entries.
#[derive(Debug)]
pub(super) struct SetupPage {
    lateral: f64,
    axial: f64,
    grabber: GrabberEntries,
}

impl Default for SetupPage {
    fn default() -> Self {
        Self {
            lateral: 0.1,
            axial: 0.1,
            grabber: GrabberEntries::default(),
        }
    }
}

impl SetupPage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let scaleless = scene
            .picture
            .is_some_and(|picture| picture.image.unit == LengthUnit::Pixels);
        let facts = scene.look.facts.as_deref();
        if let Some(facts) = facts.filter(|facts| facts.wants_picture_setup) {
            self.grabber.ui(ui, facts, actions);
            ui.add_space(4.0);
        } else if scaleless {
            self.scale_ui(ui, actions);
            ui.add_space(4.0);
        }
        pump_ui(ui, scene, actions);
        ui.add_space(4.0);
        needle_ui(ui, scene, actions);
        ui.add_space(4.0);
        let width = ui.available_width();
        if glove_button(ui, &say("settings-open"), width).clicked() {
            actions.ask(Act::Display(Change::ShowSettings));
        }
    }

    fn scale_ui(&mut self, ui: &mut Ui, actions: &mut Actions) {
        heading(ui, "view-scale");
        ui.horizontal(|ui| {
            let width = ((ui.available_width() - 16.0) / 3.0).max(theme::TARGET);
            for (key, value) in [
                ("view-scale-lateral", &mut self.lateral),
                ("view-scale-axial", &mut self.axial),
            ] {
                let entry = DragValue::new(value)
                    .range(0.005..=5.0)
                    .speed(0.001)
                    .fixed_decimals(3)
                    .min_size(vec2(width, theme::TARGET));
                let words = say(key);
                ui.add(entry).on_hover_text(&words);
            }
            if glove_button(ui, &say("view-scale-use"), width).clicked()
                && let Some(spacing) = PixelSpacing::new(self.lateral, self.axial)
            {
                actions.send(Command::GiveScale(spacing));
            }
        });
        heading(ui, "view-scale-note");
    }
}

fn pump_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let label = heading(ui, "view-pump");
    let look = scene.look;
    let combo = ComboBox::from_id_salt("pump")
        .width(ui.available_width())
        .height(400.0)
        .truncate()
        .selected_text(look.pump.name.clone())
        .show_ui(ui, |ui| {
            for pump in look.pumps.iter() {
                let chosen = pump.id == look.pump.id;
                if ui.selectable_label(chosen, pump.name.as_str()).clicked() && !chosen {
                    actions.send(Command::ChoosePump(pump.id.clone()));
                }
            }
        });
    combo.response.labelled_by(label.id);
    if !look.pump.plannable {
        warn(ui, "view-pump-no-path");
    }
}

fn needle_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let needle = scene.look.needle;
    let gauge = needle.map_or_else(|| "–".to_owned(), |n| format!("{}G", n.gauge));
    let length = needle.map_or_else(|| "–".to_owned(), |n| format!("{:.0} mm", n.length.0));
    ui.horizontal_top(|ui| {
        let between = if ui.available_width() > 320.0 {
            28.0
        } else {
            6.0
        };
        ui.spacing_mut().item_spacing.x = 2.0;
        let width = (ui.available_width() - between - 2.0) / 2.0;
        ui.vertical(|ui| {
            let words = ["view-needle-thicker", "view-needle-thinner"];
            heading(ui, "view-needle-gauge");
            if let Some(step) = stepper(ui, &gauge, width - 8.0, words) {
                actions.send(Command::ChooseNeedle(Some(with_gauge(needle, step))));
            }
        });
        ui.add_space(between);
        ui.vertical(|ui| {
            let words = ["view-key-needle-shorter", "view-key-needle-longer"];
            heading(ui, "view-needle-length");
            if let Some(step) = stepper(ui, &length, width + 8.0, words) {
                actions.ask(Act::StepNeedle(step));
            }
        });
    });
}

/// A figure between two buttons; returns the step asked for.
fn stepper(ui: &mut Ui, value: &str, width: f32, words: [&str; 2]) -> Option<i32> {
    let mut step = None;
    let [less, more] = words;
    ui.horizontal(|ui| {
        let middle = width - 2.0 * (theme::TARGET + ui.spacing().item_spacing.x);
        if sign_button(ui, "−", theme::TARGET, &say(less)).clicked() {
            step = Some(-1);
        }
        let text = RichText::new(value).font(theme::strong(16.0));
        let label = egui::Label::new(text).selectable(false);
        ui.add_sized(vec2(middle, theme::TARGET), label);
        if sign_button(ui, "+", theme::TARGET, &say(more)).clicked() {
            step = Some(1);
        }
    });
    step
}

fn warn(ui: &mut Ui, key: &str) {
    let words = RichText::new(format!("▲ {}", say(key)))
        .font(theme::regular(13.0))
        .color(theme::WARNING);
    ui.add(egui::Label::new(words).selectable(false).wrap());
}

fn with_gauge(needle: Option<Needle>, step: i32) -> Needle {
    let Some(needle) = needle else { return USUAL };
    let gauge = i32::from(needle.gauge) + step;
    let gauge = gauge.clamp(i32::from(*GAUGES.start()), i32::from(*GAUGES.end()));
    Needle {
        gauge: u8::try_from(gauge).unwrap_or(USUAL.gauge),
        length: needle.length,
    }
}

/// The needle with the next usual length, longer or shorter; the usual needle when none was chosen.
pub(in crate::view) fn with_length(needle: Option<Needle>, step: i32) -> Needle {
    let Some(needle) = needle else { return USUAL };
    let now = needle.length.0;
    let next = if step > 0 {
        LENGTHS.iter().find(|length| **length > now + 0.5)
    } else {
        LENGTHS.iter().rev().find(|length| **length < now - 0.5)
    };
    Needle {
        gauge: needle.gauge,
        length: Millimeters(next.copied().unwrap_or(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_chooses_the_usual_needle_and_steps_stop_at_the_ends() {
        assert_eq!(with_length(None, -1), USUAL);
        let mut needle = USUAL;
        for _ in 0..20 {
            needle = with_length(Some(needle), 1);
        }
        assert_eq!(needle.length, Millimeters(89.0));
        for _ in 0..20 {
            needle = with_gauge(Some(needle), -1);
        }
        assert_eq!(needle.gauge, 18);
    }
}
