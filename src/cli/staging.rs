//! What a script asks of a session so that the window stands at a step of a refill when its picture is taken.
use crate::engine::{Command, Nudge};
use crate::guide::Way;
use crate::procedure::{Action, BackFlow, Field, FluidAnswer};

/// Degrees of one turn of the probe, how many make a right angle, and frames between two.
const TURN_DEG: f64 = 5.0;
const TURNS: u32 = 18;
const TURN_FRAMES: u32 = 2;

/// Frames to be shown before the picture is taken.
pub(super) const STAGED_BY: u32 = 270;
/// The same with a way to be chosen and a slide to be made.
pub(super) const WAY_STAGED_BY: u32 = 400;
/// One movement of a slide, mm, and frames between two.
const SLIDE_MM: f64 = 0.5;
const SLIDE_FRAMES: u32 = 2;

/// The approach by one of the ways, the probe slid as far as the way asks for.
pub(super) fn approach_by(way: Way, slide_mm: f64) -> Vec<(u32, Command)> {
    let commands = staging(5);
    let frame = commands.last().map_or(0, |(frame, _)| *frame);
    let mut stage = Stage { frame, commands };
    stage.go(4, Action::ChooseWay(way));
    let steps = (slide_mm.abs() / SLIDE_MM).round().min(120.0) as u32;
    for _ in 0..steps {
        let by = SLIDE_MM.copysign(slide_mm);
        stage.at(SLIDE_FRAMES, Command::Nudge(Nudge::Slide(by)));
    }
    // The picture stands still with its own marks, however busy the machine is.
    stage.commands.push((WAY_STAGED_BY, Command::Freeze));
    stage.commands
}

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
        for way in Way::ALL {
            let staged = approach_by(way, -20.0);
            assert!(staged.is_sorted_by_key(|(frame, _)| *frame), "{way:?}");
            let moves = staged.iter().filter(|(_, c)| *c != Command::Freeze);
            let last = moves.map(|(frame, _)| *frame).max().unwrap_or(0);
            assert!(last + 10 < WAY_STAGED_BY, "{way:?} ends at {last}");
        }
    }
}
