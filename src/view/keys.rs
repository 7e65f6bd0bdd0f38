//! The keyboard: one table that both dispatches the keys and lists them in the help.
use egui::{Key, Vec2};

use super::scene::{Act, Change, Tab};
use crate::engine::{Command, Fault, Nudge};
use crate::frame::Origin;
use crate::procedure::{Action, BackFlow, FluidAnswer};
use crate::words::say;

/// Whether the shift key matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    /// It must be up.
    Up,
    /// It must be down.
    Down,
    /// Where a sign needs it is up to the keyboard's layout.
    Any,
}

/// For which sources a key does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    All,
    Only(Origin),
}

/// Whether holding a key repeats what it does, and whether it is named in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Once a press, named in the footer.
    Main,
    /// Once a press.
    Once,
    /// Again and again while it is held.
    Repeats,
}

/// One key and what it does.
#[derive(Debug)]
pub(super) struct Binding {
    keys: &'static [Key],
    shift: Shift,
    /// The key's legend: a sign, or the name of words.
    legend: &'static str,
    /// The name of the words that say what it does.
    words: &'static str,
    act: Act,
    source: For,
    manner: Manner,
}

impl Binding {
    /// The key's legend as a person reads it.
    pub(super) fn legend(&self) -> String {
        let sign = if self.legend.starts_with("view-") {
            say(self.legend)
        } else {
            self.legend.to_owned()
        };
        match self.shift {
            Shift::Down => format!("{} {sign}", say("view-cap-shift")),
            Shift::Up | Shift::Any => sign,
        }
    }

    /// What the key does, in words.
    pub(super) fn meaning(&self) -> String {
        say(self.words)
    }

    /// Whether it does something with a source of this kind.
    pub(super) fn serves(&self, origin: Origin) -> bool {
        match self.source {
            For::All => true,
            For::Only(wanted) => wanted == origin,
        }
    }

    /// What it asks for.
    pub(super) fn act(&self) -> &Act {
        &self.act
    }

    /// Whether it asks again and again while it is held.
    pub(super) fn repeats(&self) -> bool {
        self.manner == Manner::Repeats
    }

    /// Whether it is named in the footer.
    pub(super) fn is_main(&self) -> bool {
        self.manner == Manner::Main
    }

    /// Whether it is the binding of this key.
    pub(super) fn answers(&self, key: Key, shift: bool) -> bool {
        let shift_fits = match self.shift {
            Shift::Up => !shift,
            Shift::Down => shift,
            Shift::Any => true,
        };
        shift_fits && self.keys.contains(&key)
    }
}

const fn bind(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
    manner: Manner,
) -> Binding {
    Binding {
        keys,
        shift: Shift::Up,
        legend,
        words,
        act,
        source: For::All,
        manner,
    }
}

const fn shifted(mut binding: Binding) -> Binding {
    binding.shift = Shift::Down;
    binding
}

const fn any_shift(mut binding: Binding) -> Binding {
    binding.shift = Shift::Any;
    binding
}

/// A key of the virtual probe.
const fn probe(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
) -> Binding {
    let mut binding = bind(keys, legend, words, act, Manner::Repeats);
    binding.source = For::Only(Origin::Simulation);
    binding
}

/// A fault of the virtual probe: once a press.
const fn fault(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    fault: Fault,
) -> Binding {
    let mut binding = probe(keys, legend, words, Act::Send(Command::Fault(fault)));
    binding.manner = Manner::Once;
    binding
}

const MIDDLE: Vec2 = Vec2::splat(0.5);
/// One press of a zoom key.
const ZOOM_STEP: f32 = 1.25;

/// Every key there is.
pub(super) static KEYS: &[Binding] = &[
    bind(
        &[Key::Space],
        "view-cap-space",
        "view-key-freeze",
        Act::ToggleFreeze,
        Manner::Main,
    ),
    bind(
        &[Key::Enter],
        "view-cap-enter",
        "view-key-next-step",
        Act::NextStep,
        Manner::Main,
    ),
    shifted(bind(
        &[Key::Enter],
        "view-cap-enter",
        "view-key-pass-over",
        Act::PassOver,
        Manner::Once,
    )),
    refill(
        &[Key::Backspace],
        "view-cap-backspace",
        "view-key-step-back",
        Action::Back,
    ),
    bind(
        &[Key::E],
        "E",
        "view-key-emergency",
        Act::Display(Change::ShowEmergency),
        Manner::Once,
    ),
    bind(
        &[Key::Num6],
        "6",
        "view-key-tab-refill",
        Act::Display(Change::Show(Tab::Refill)),
        Manner::Once,
    ),
    refill(
        &[Key::A],
        "A",
        "view-key-fluid-none",
        Action::AnswerFluid(FluidAnswer::NoneSeen),
    ),
    shifted(refill(
        &[Key::A],
        "A",
        "view-key-fluid-seen",
        Action::AnswerFluid(FluidAnswer::Seen),
    )),
    refill(&[Key::L], "L", "view-key-locate", Action::Locate),
    bind(&[Key::W], "W", "view-key-way", Act::NextWay, Manner::Once),
    refill(&[Key::U], "U", "view-key-puncture", Action::Puncture),
    refill(&[Key::J], "J", "view-key-redirect", Action::Redirect),
    refill(&[Key::T], "T", "view-key-stop-felt", Action::FeelStop),
    refill(
        &[Key::X],
        "X",
        "view-key-needle-out-of-skin",
        Action::TakeNeedleOut,
    ),
    bind(
        &[Key::M],
        "M",
        "view-key-second",
        Act::Display(Change::ToggleSecond),
        Manner::Once,
    ),
    refill(&[Key::H], "H", "view-key-veto", Action::Veto),
    bind(
        &[Key::Q],
        "Q",
        "view-key-lock",
        Act::ToggleLock,
        Manner::Once,
    ),
    bind(
        &[Key::Z],
        "Z",
        "view-key-take-back",
        Act::TakeBack,
        Manner::Once,
    ),
    bind(
        &[Key::K],
        "K",
        "view-key-gap-seen",
        Act::AcknowledgeGap,
        Manner::Once,
    ),
    refill(
        &[Key::B],
        "B",
        "view-key-back-flow",
        Action::Check(BackFlow::Seen),
    ),
    shifted(refill(
        &[Key::B],
        "B",
        "view-key-no-back-flow",
        Action::Check(BackFlow::None),
    )),
    bind(
        &[Key::V],
        "V",
        "view-key-plane",
        Act::Send(Command::ConfirmPlane),
        Manner::Main,
    ),
    bind(
        &[Key::S],
        "S",
        "view-key-snapshot",
        Act::TakeSnapshot,
        Manner::Main,
    ),
    bind(
        &[Key::O],
        "O",
        "view-key-marks",
        Act::Display(Change::ToggleMarks),
        Manner::Main,
    ),
    bind(
        &[Key::F],
        "F",
        "view-key-flip",
        Act::Display(Change::Mirror),
        Manner::Main,
    ),
    any_shift(bind(
        &[Key::Plus, Key::Equals],
        "+",
        "view-key-zoom-in",
        Act::Display(Change::Zoom(ZOOM_STEP, MIDDLE)),
        Manner::Repeats,
    )),
    any_shift(bind(
        &[Key::Minus],
        "−",
        "view-key-zoom-out",
        Act::Display(Change::Zoom(1.0 / ZOOM_STEP, MIDDLE)),
        Manner::Repeats,
    )),
    bind(
        &[Key::Num0],
        "0",
        "view-key-zoom-reset",
        Act::Display(Change::ZoomReset),
        Manner::Once,
    ),
    bind(
        &[Key::G],
        "G",
        "view-key-gain-up",
        Act::Gain(2.0),
        Manner::Repeats,
    ),
    shifted(bind(
        &[Key::G],
        "G",
        "view-key-gain-down",
        Act::Gain(-2.0),
        Manner::Repeats,
    )),
    bind(
        &[Key::D],
        "D",
        "view-key-depth-up",
        Act::Depth(5.0),
        Manner::Repeats,
    ),
    shifted(bind(
        &[Key::D],
        "D",
        "view-key-depth-down",
        Act::Depth(-5.0),
        Manner::Repeats,
    )),
    bind(
        &[Key::P],
        "P",
        "view-key-pump-next",
        Act::StepPump(1),
        Manner::Once,
    ),
    shifted(bind(
        &[Key::P],
        "P",
        "view-key-pump-previous",
        Act::StepPump(-1),
        Manner::Once,
    )),
    bind(
        &[Key::N],
        "N",
        "view-key-needle-longer",
        Act::StepNeedle(1),
        Manner::Once,
    ),
    shifted(bind(
        &[Key::N],
        "N",
        "view-key-needle-shorter",
        Act::StepNeedle(-1),
        Manner::Once,
    )),
    bind(
        &[Key::Num1],
        "1",
        "view-key-tab-setup",
        Act::Display(Change::Show(Tab::Setup)),
        Manner::Once,
    ),
    bind(
        &[Key::Num2],
        "2",
        "view-key-tab-image",
        Act::Display(Change::Show(Tab::Image)),
        Manner::Once,
    ),
    bind(
        &[Key::Num3],
        "3",
        "view-key-tab-saved",
        Act::Display(Change::Show(Tab::Saved)),
        Manner::Once,
    ),
    bind(
        &[Key::Num4],
        "4",
        "view-key-tab-health",
        Act::Display(Change::Show(Tab::Health)),
        Manner::Once,
    ),
    bind(
        &[Key::C],
        "C",
        "view-key-sources",
        Act::Display(Change::ShowSources),
        Manner::Main,
    ),
    replay(&[Key::R], "R", "view-key-restart", Act::Restart),
    any_shift(bind(
        &[Key::Questionmark, Key::Slash],
        "?",
        "view-key-help",
        Act::Display(Change::ShowKeys),
        Manner::Main,
    )),
    bind(
        &[Key::Escape],
        "view-cap-escape",
        "view-key-close",
        Act::Display(Change::Close),
        Manner::Once,
    ),
    any_shift(bind(
        &[Key::Tab],
        "view-cap-tab",
        "view-key-focus",
        Act::MoveFocus,
        Manner::Repeats,
    )),
    bind(
        &[Key::Num5],
        "5",
        "view-key-tab-probe",
        Act::Display(Change::Show(Tab::Probe)),
        Manner::Once,
    ),
    probe(
        &[Key::ArrowRight],
        "→",
        "view-key-slide-right",
        Act::SlideOnScreen(1.0),
    ),
    probe(
        &[Key::ArrowLeft],
        "←",
        "view-key-slide-left",
        Act::SlideOnScreen(-1.0),
    ),
    probe(
        &[Key::ArrowUp],
        "↑",
        "view-key-elevate-forward",
        Act::Nudge(Nudge::Elevation(1.0)),
    ),
    probe(
        &[Key::ArrowDown],
        "↓",
        "view-key-elevate-back",
        Act::Nudge(Nudge::Elevation(-1.0)),
    ),
    probe(
        &[Key::Period],
        ".",
        "view-key-tilt-marker",
        Act::Nudge(Nudge::Tilt(2.0)),
    ),
    probe(
        &[Key::Comma],
        ",",
        "view-key-tilt-away",
        Act::Nudge(Nudge::Tilt(-2.0)),
    ),
    probe(
        &[Key::CloseBracket],
        "]",
        "view-key-rotate-right",
        Act::Nudge(Nudge::Rotate(5.0)),
    ),
    probe(
        &[Key::OpenBracket],
        "[",
        "view-key-rotate-left",
        Act::Nudge(Nudge::Rotate(-5.0)),
    ),
    probe(
        &[Key::PageDown],
        "view-cap-page-down",
        "view-key-push",
        Act::Nudge(Nudge::Push(1.0)),
    ),
    probe(
        &[Key::PageUp],
        "view-cap-page-up",
        "view-key-ease",
        Act::Nudge(Nudge::Push(-1.0)),
    ),
    probe(
        &[Key::I],
        "I",
        "view-key-needle-in",
        Act::Nudge(Nudge::Needle(2.0)),
    ),
    shifted(probe(
        &[Key::I],
        "I",
        "view-key-needle-out",
        Act::Nudge(Nudge::Needle(-2.0)),
    )),
    probe(
        &[Key::Home],
        "view-cap-home",
        "view-key-pose-reset",
        Act::Nudge(Nudge::Reset),
    ),
    fault(&[Key::F5], "F5", "view-key-fault-stall", Fault::Stall),
    fault(&[Key::F6], "F6", "view-key-fault-gap", Fault::Gap),
    fault(&[Key::F7], "F7", "view-key-fault-flip", Fault::Flip),
    fault(&[Key::F8], "F8", "view-key-fault-unplug", Fault::Unplug),
];

/// A key of the refill: once a press, so that nothing is counted twice by holding it.
const fn refill(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    action: Action,
) -> Binding {
    bind(
        keys,
        legend,
        words,
        Act::Send(Command::Refill(action)),
        Manner::Once,
    )
}

/// A key that only a recording answers to.
const fn replay(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
) -> Binding {
    let mut binding = bind(keys, legend, words, act, Manner::Once);
    binding.source = For::Only(Origin::Replay);
    binding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::has;

    #[test]
    fn no_key_does_two_things_for_one_source() {
        for origin in [Origin::Live, Origin::Replay, Origin::Simulation] {
            for key in Key::ALL {
                for shift in [false, true] {
                    let answers = KEYS
                        .iter()
                        .filter(|b| b.serves(origin) && b.answers(*key, shift));
                    assert!(answers.count() <= 1, "{key:?} with shift {shift}");
                }
            }
        }
    }

    #[test]
    fn every_key_has_words_and_a_legend() {
        for binding in KEYS {
            assert!(has(binding.words), "{}", binding.words);
            assert!(!binding.legend().starts_with("view-"), "{}", binding.legend);
        }
    }
}
