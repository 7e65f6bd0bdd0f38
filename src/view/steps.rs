//! The refill as the window words it: what the step wants, in the one line.
use super::scene::{Act, Scene};
use crate::engine::Look;
use crate::guide::{Headline, Tone, Way, limits};
use crate::procedure::{
    Action, Circumstances, Counted, GapKind, Missing, NeedlePlace, Refill, Refusal, Step,
};
use crate::pump::PumpModel;
use crate::words::say;

/// Whether a refill was begun; before that the window is for looking only.
pub(super) fn is_begun(refill: &Refill) -> bool {
    refill.moments().begun.is_some()
}

/// What the present step still needs, as far as the screen knows.
pub(super) fn missing(scene: &Scene<'_>) -> Vec<Missing> {
    scene.look.refill.missing(&circumstances(scene))
}

fn circumstances<'a>(scene: &Scene<'a>) -> Circumstances<'a> {
    scene.look.circumstances()
}

/// The line of the step, when it comes before that of the picture.
///
/// Fluid comes before everything (H18). While the port is looked for, the picture's own line says what to do until
/// the step is complete; in all other steps the step's does. What was refused is said until the next action.
pub(super) fn step_line(scene: &Scene<'_>, picture: &Headline) -> Option<Headline> {
    let refill = &scene.look.refill;
    if !is_begun(refill) || picture.key == "headline-fluid" {
        return None;
    }
    if scene.display.pass_over_asked {
        return Some(plain("step-pass-over-asked", Tone::Caution));
    }
    if let Some(outcome) = refill.outcome() {
        return Some(plain(outcome.key(), Tone::Quiet));
    }
    let is_picture_step = matches!(
        refill.step(),
        Step::FindPort | Step::ConfirmPlanes | Step::Approach
    );
    if let Some(refusal) = refill.refused()
        && !(is_picture_step && matches!(refusal, Refusal::Incomplete(_)))
    {
        return Some(Headline {
            key: "step-says".to_owned(),
            values: vec![("text", refusal.to_string())],
            tone: Tone::Caution,
        });
    }
    if is_picture_step && picture.tone == Tone::Stop {
        return None;
    }
    match missing(scene).first() {
        // The live ways say in the picture's own line where and how the needle goes in.
        Some(Missing::Localisation)
            if refill.way() == Way::MarkThenStick && is_ready_to_mark(scene) =>
        {
            Some(plain("step-mark-now", Tone::Go))
        }
        Some(_) if is_picture_step => None,
        Some(first) => {
            let tone = if [Missing::FluidSeen, Missing::NoBackFlow].contains(first) {
                Tone::Stop
            } else if [
                Missing::AspiratedGap,
                Missing::InjectedGap,
                Missing::OtherConfirmation,
            ]
            .contains(first)
            {
                Tone::Caution
            } else {
                Tone::Quiet
            };
            Some(plain(&first.key(), tone))
        }
        None => Some(plain(done_key(refill), Tone::Go)),
    }
}

/// Whether a path stands on the picture that waits for nothing, its entry under the middle of the probe.
fn is_ready_to_mark(scene: &Scene<'_>) -> bool {
    scene.undrawn().is_none()
        && circumstances(scene).path.is_some_and(|path| {
            !path.provisional && path.offset_mm.abs() <= limits::CENTERED_WITHIN.0
        })
}

/// The words for a step that has everything.
fn done_key(refill: &Refill) -> &'static str {
    if refill.step() == Step::Report {
        "step-close"
    } else {
        "step-complete"
    }
}

fn plain(key: &str, tone: Tone) -> Headline {
    Headline {
        key: key.to_owned(),
        values: Vec::new(),
        tone,
    }
}

/// What a key asks of the refill as it stands now.
pub(super) fn action_of(act: &Act, look: &Look) -> Option<Action> {
    let refill = &look.refill;
    let gap = gap_in_question(refill, &look.pump);
    [
        (Act::NextStep, Action::Forward),
        (Act::NextWay, Action::ChooseWay(refill.way().next())),
        (Act::TakeBack, Action::TakeBack(last_counted(refill))),
        (Act::AcknowledgeGap, Action::AcknowledgeGap(gap)),
    ]
    .into_iter()
    .find_map(|(asked, action)| (asked == *act).then_some(action))
}

/// What a press on the key that takes back means now: what is counted at this step.
fn last_counted(refill: &Refill) -> Counted {
    if refill.step() >= Step::Fill {
        Counted::Aliquot
    } else if refill.needle() != NeedlePlace::Out && refill.redirections() > 0 {
        Counted::Redirection
    } else {
        Counted::Puncture
    }
}

/// The large gap that waits for a word; the first of them when none does.
fn gap_in_question(refill: &Refill, pump: &PumpModel) -> GapKind {
    GapKind::ALL
        .into_iter()
        .find(|kind| refill.wants_word_on(*kind, pump))
        .unwrap_or(GapKind::Aspirated)
}

/// Minutes and seconds since the refill began.
pub(super) fn elapsed(scene: &Scene<'_>) -> String {
    let Some(begun) = scene.look.refill.moments().begun else {
        return say("view-rail-not-begun");
    };
    let seconds = scene.look.now.since(begun).as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
