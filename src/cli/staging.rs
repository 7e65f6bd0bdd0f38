//! What a script asks of a session so that the window stands at a step of a refill when its picture is taken.
use crate::engine::{Command, Nudge};
use crate::procedure::{Action, BackFlow, Field, FluidAnswer};

/// Degrees of one turn of the probe, how many make a right angle, and frames between two.
const TURN_DEG: f64 = 5.0;
const TURNS: u32 = 18;
const TURN_FRAMES: u32 = 2;

/// Frames to be shown before the picture is taken.
pub(super) const STAGED_BY: u32 = 270;

/// Commands after so many frames each, until the refill stands at step `number` (1 to 9) with something to see.
pub(super) fn staging(number: usize) -> Vec<(u32, Command)> {
    let mut stage = Stage::default();
    stage.go(4, Action::Forward);
    stage.enter(Field::StudyCode, "S-0147");
    stage.enter(Field::Drug, "baclofen");
    if number >= 2 {
        stage.enter(Field::Strength, "2000 micrograms per mL");
        stage.enter(Field::ExpectedResidual, "3.2");
        stage.go(4, Action::Forward);
    }
    if number >= 3 {
        stage.go(10, Action::AnswerFluid(FluidAnswer::NoneSeen));
        stage.go(4, Action::Forward);
    }
    if number >= 4 {
        stage.go(40, Action::Forward);
        // The port under the middle of the probe, or turning would lose it.
        for _ in 0..4 {
            stage.at(3, Command::Nudge(Nudge::Slide(0.5)));
        }
        stage.at(20, Command::ConfirmPlane);
    }
    if number >= 5 {
        for _ in 0..TURNS {
            stage.at(TURN_FRAMES, Command::Nudge(Nudge::Rotate(TURN_DEG)));
        }
        stage.at(30, Command::ConfirmPlane);
        stage.go(6, Action::Forward);
    }
    if number >= 6 {
        stage.go(6, Action::Locate);
        stage.go(4, Action::Forward);
        stage.go(4, Action::Puncture);
    }
    if number >= 7 {
        stage.go(4, Action::FeelStop);
        stage.go(4, Action::Forward);
        stage.enter(Field::Aspirated, if number == 7 { "1.4" } else { "3.0" });
    }
    if number >= 8 {
        stage.go(4, Action::Forward);
        stage.go(4, Action::Inject("4.9".to_owned()));
    }
    if number >= 9 {
        stage.go(3, Action::Check(BackFlow::Seen));
        for _ in 0..3 {
            stage.go(3, Action::Inject("4.9".to_owned()));
            stage.go(3, Action::Check(BackFlow::Seen));
        }
        stage.enter(Field::Programmed, "19.6");
        stage.go(4, Action::Forward);
    }
    stage.commands
}

#[derive(Default)]
struct Stage {
    frame: u32,
    commands: Vec<(u32, Command)>,
}

impl Stage {
    fn at(&mut self, later: u32, command: Command) {
        self.frame += later;
        self.commands.push((self.frame, command));
    }

    fn go(&mut self, later: u32, action: Action) {
        self.at(later, Command::Refill(action));
    }

    fn enter(&mut self, field: Field, text: &str) {
        self.go(2, Action::Enter(field, text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_staged_in_order_and_in_time() {
        for number in 1..=9 {
            let staged = staging(number);
            assert!(
                staged.is_sorted_by_key(|(frame, _)| *frame),
                "step {number}"
            );
            let last = staged.last().map_or(0, |(frame, _)| *frame);
            assert!(last + 10 < STAGED_BY, "step {number} ends at {last}");
        }
    }
}
