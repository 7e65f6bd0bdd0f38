//! The emergency card: signs and first steps, one key away in every state. No drug amounts (H21).
use egui::{Button, Label, RichText, Ui, vec2};

use crate::view::scene::{Act, Actions, Change};
use crate::view::theme;
use crate::words::say;

/// Room of the card, in points.
pub(super) const EMERGENCY_WIDTH: f32 = 860.0;

/// Headings and their lines, by key.
const PARTS: [(&str, &[&str]); 4] = [
    (
        "card-first",
        &[
            "card-first-stop",
            "card-first-aspirate",
            "card-first-measure",
            "card-first-monitor",
            "card-first-call",
        ],
    ),
    ("card-pocket", &["card-pocket-signs"]),
    ("card-much", &["card-much-signs"]),
    ("card-little", &["card-little-signs", "card-little-when"]),
];

/// Draws the card.
pub(super) fn emergency_ui(ui: &mut Ui, actions: &mut Actions) {
    let title = RichText::new(say("card-title"))
        .font(theme::strong(24.0))
        .color(theme::STOP);
    ui.add(Label::new(title).selectable(false));
    for (heading, lines) in PARTS {
        ui.add_space(8.0);
        let words = RichText::new(say(heading)).font(theme::strong(18.0));
        ui.add(Label::new(words).selectable(false));
        for line in lines {
            let words = RichText::new(say(line)).font(theme::regular(17.0));
            ui.add(Label::new(words).selectable(false).wrap());
        }
    }
    ui.add_space(12.0);
    let close = Button::new(say("card-close"));
    let size = vec2(ui.available_width(), theme::TARGET);
    if ui.add_sized(size, close).clicked() {
        actions.ask(Act::Display(Change::Close));
    }
}
