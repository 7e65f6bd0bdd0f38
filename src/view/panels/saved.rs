//! Snapshots of this session, and where the journal lies.
use egui::{Align, Label, Layout, RichText, Ui};

use super::side::{glove_button, heading};
use crate::engine::{Command, Snapshot};
use crate::view::scene::{Act, Actions, Scene};
use crate::view::theme;
use crate::words::{say, say_with};

/// The page and the snapshot that is about to be thrown away.
#[derive(Debug, Default)]
pub(super) struct SavedPage {
    /// The first press asks, the second one deletes (H35).
    asked: Option<u32>,
}

impl SavedPage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let look = scene.look;
        if glove_button(ui, &say("view-snapshot-take"), ui.available_width()).clicked() {
            actions.ask(Act::TakeSnapshot);
        }
        if look.snapshots.is_empty() {
            heading(ui, "view-snapshot-none");
        }
        for snapshot in look.snapshots.iter().rev() {
            self.snapshot_ui(ui, snapshot, actions);
        }
        ui.add_space(8.0);
        heading(ui, "view-journal");
        let path = look
            .journal_path
            .clone()
            .unwrap_or_else(|| say("view-journal-none"));
        quiet_path(ui, &path);
    }

    fn snapshot_ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Actions) {
        ui.horizontal(|ui| {
            let number = snapshot.number.to_string();
            let frame = snapshot.frame.0.to_string();
            let name = say_with(
                "view-snapshot-name",
                &[("number", &number), ("frame", &frame)],
            );
            ui.add(Label::new(name).selectable(false));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let asked = self.asked == Some(snapshot.number);
                let key = if asked {
                    "view-snapshot-really"
                } else {
                    "view-snapshot-delete"
                };
                if glove_button(ui, &say(key), 92.0).clicked() {
                    if asked {
                        actions.send(Command::DeleteSnapshot(snapshot.number));
                        self.asked = None;
                    } else {
                        self.asked = Some(snapshot.number);
                    }
                }
            });
        });
        quiet_path(ui, &snapshot.path);
    }
}

fn quiet_path(ui: &mut Ui, path: &str) {
    let text = RichText::new(path)
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(text).wrap());
}
