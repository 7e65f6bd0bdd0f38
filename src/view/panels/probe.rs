//! The pad of the virtual probe: its pose against the virtual patient, its needle, and faults on cue.
use egui::{Label, RichText, Ui, vec2};

use super::side::{glove_button, heading, sign_button};
use crate::engine::{Command, Fault, Nudge};
use crate::view::scene::{Act, Actions};
use crate::view::theme;
use crate::words::say;

/// One movement in both directions: name, and what each button does, in words and in deed.
type Row = (&'static str, [(&'static str, &'static str, Act); 2]);

fn rows() -> [Row; 6] {
    let nudge = |sign, words, nudge| (sign, words, Act::Nudge(nudge));
    [
        (
            "view-probe-slide",
            [
                ("←", "view-key-slide-left", Act::SlideOnScreen(-1.0)),
                ("→", "view-key-slide-right", Act::SlideOnScreen(1.0)),
            ],
        ),
        (
            "view-probe-elevation",
            [
                nudge("↓", "view-key-elevate-back", Nudge::Elevation(-1.0)),
                nudge("↑", "view-key-elevate-forward", Nudge::Elevation(1.0)),
            ],
        ),
        (
            "view-probe-tilt",
            [
                nudge("−", "view-key-tilt-away", Nudge::Tilt(-2.0)),
                nudge("+", "view-key-tilt-marker", Nudge::Tilt(2.0)),
            ],
        ),
        (
            "view-probe-rotate",
            [
                nudge("−", "view-key-rotate-left", Nudge::Rotate(-5.0)),
                nudge("+", "view-key-rotate-right", Nudge::Rotate(5.0)),
            ],
        ),
        (
            "view-probe-push",
            [
                nudge("−", "view-key-ease", Nudge::Push(-1.0)),
                nudge("+", "view-key-push", Nudge::Push(1.0)),
            ],
        ),
        (
            "view-probe-needle",
            [
                nudge("−", "view-key-needle-out", Nudge::Needle(-2.0)),
                nudge("+", "view-key-needle-in", Nudge::Needle(2.0)),
            ],
        ),
    ]
}

/// Draws the pad.
pub(super) fn probe_ui(ui: &mut Ui, actions: &mut Actions) {
    ui.spacing_mut().item_spacing.y = 3.0;
    for pair in rows().chunks(2) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let width = (ui.available_width() - 10.0) / 2.0;
            for (index, row) in pair.iter().enumerate() {
                if index > 0 {
                    ui.add_space(8.0);
                }
                movement_ui(ui, row, width, actions);
            }
        });
    }
    if glove_button(ui, &say("view-key-pose-reset"), ui.available_width()).clicked() {
        actions.ask(Act::Nudge(Nudge::Reset));
    }
    heading(ui, "view-probe-faults");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 2.0;
        let width = (ui.available_width() - 12.0) / 4.0;
        for (key, fault) in [
            ("view-fault-stall", Fault::Stall),
            ("view-fault-gap", Fault::Gap),
            ("view-fault-flip", Fault::Flip),
            ("view-fault-unplug", Fault::Unplug),
        ] {
            if glove_button(ui, &say(key), width).clicked() {
                actions.send(Command::Fault(fault));
            }
        }
    });
}

/// The movement's name between its two buttons.
fn movement_ui(ui: &mut Ui, row: &Row, width: f32, actions: &mut Actions) {
    let (name, [back, forth]) = row;
    let mut press = |ui: &mut Ui, (sign, words, act): &(&str, &str, Act)| {
        if sign_button(ui, sign, theme::TARGET, &say(words)).clicked() {
            actions.ask(act.clone());
        }
    };
    press(ui, back);
    let middle = width - 2.0 * (theme::TARGET + ui.spacing().item_spacing.x);
    let words = RichText::new(say(name)).font(theme::regular(13.0));
    let label = Label::new(words).selectable(false);
    ui.add_sized(vec2(middle, theme::TARGET), label);
    press(ui, forth);
}
