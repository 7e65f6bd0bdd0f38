//! What every panel reads, and what it may ask for. Panels draw and ask; they do not act.
use std::sync::Arc;
use std::time::Duration;

use egui::Vec2;

use crate::clock::Timestamp;
use crate::engine::{Advice, Command, Liveness, Look, Nudge, Picture};
use crate::frame::FrameId;
use crate::overlay;
use crate::procedure::Action;
use crate::training::{Aid, TrainingAction, TrainingLook};

use super::keymap::{KeyMap, Press};
use super::keys::Situation;
use crate::settings::{Settings, TextSize, Tones};
use crate::sound::Standing;

/// After a picture that had no marks of its own the line does not speak of a path for this long: with marks that come
/// and go it would change with every frame, and nobody could read it. What it says meanwhile is true with marks and
/// without.
const LATE_HELD: Duration = Duration::from_millis(300);
/// The largest magnification of the picture.
const ZOOM_MOST: f32 = 8.0;

/// Everything a panel may look at during one repaint.
pub(super) struct Scene<'a> {
    /// The session, as it was when this repaint began.
    pub(super) look: &'a Look,
    /// The picture on the screen.
    pub(super) picture: Option<&'a Arc<Picture>>,
    /// What belongs to the view alone.
    pub(super) display: &'a Display,
    /// The course of training, when this is one.
    pub(super) training: Option<&'a TrainingLook>,
}

impl Scene<'_> {
    /// In what the window is used, as far as keys ask for it.
    pub(super) fn situation(&self) -> Situation {
        Situation {
            origin: self.look.origin,
            is_training: self.training.is_some(),
        }
    }

    /// Whether the user wants to see marks. In training they are hidden until the answer, unless they are to help.
    fn marks_wanted(&self) -> bool {
        match self.training {
            Some(training) => training.aid == Aid::Shown || training.scored.is_some(),
            None => self.display.marks == MarksShown::Yes,
        }
    }

    /// The advice, if it may stand beside what is shown: not for a picture that is stale or gone, and not when it
    /// was read from a picture of long ago.
    pub(super) fn fresh_advice(&self) -> Option<&Advice> {
        /// Numbers may lag the picture by this much at most, ms (H02).
        const LAG_MOST_MILLIS: u128 = 250;
        let current = match self.look.liveness {
            Liveness::Running | Liveness::Frozen | Liveness::Ended => true,
            Liveness::Waiting | Liveness::Stale | Liveness::NotLive => false,
        };
        let advice = self.look.advice.as_deref()?;
        let picture = self.picture?;
        let shown_at = picture.image.captured_at;
        let read_at = advice.finding.captured_at;
        let lag = shown_at.since(read_at).max(read_at.since(shown_at));
        (current && lag.as_millis() <= LAG_MOST_MILLIS).then_some(advice)
    }

    /// The advice whose marks may be painted: only that of the very picture on the screen (H02).
    pub(super) fn marked_advice(&self) -> Option<&Advice> {
        let advice = self.fresh_advice()?;
        let same = overlay::may_draw(&advice.marks, self.picture?.image.frame);
        (same && self.marks_wanted()).then_some(advice)
    }

    /// Why the marks of the newest advice do not stand on the picture shown; `None` when they do, or when there is no
    /// advice that could have any.
    pub(super) fn undrawn(&self) -> Option<Undrawn> {
        let advice = self.fresh_advice()?;
        if !self.marks_wanted() {
            return Some(Undrawn::Hidden);
        }
        let is_own = overlay::may_draw(&advice.marks, self.picture?.image.frame);
        let is_held = self
            .display
            .marks_late_at
            .is_some_and(|at| self.look.now.since(at) < LATE_HELD);
        (!is_own || is_held).then_some(Undrawn::Late)
    }

    /// The frame on the screen.
    pub(super) fn frame(&self) -> Option<FrameId> {
        self.picture.map(|picture| picture.image.frame)
    }
}

/// Why marks do not stand on the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undrawn {
    /// The picture shown has not been read yet, or one just before it was not in time.
    Late,
    /// The user has hidden them.
    Hidden,
}

/// Whether marks are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarksShown {
    Yes,
    No,
}

/// Whether left and right change places on the screen, and only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mirror {
    Off,
    On,
}

/// A sheet over the whole window that asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sheet {
    /// That this is research software; must be acknowledged once a run.
    Notice,
    /// All keys.
    Keys,
    /// The connection screen.
    Sources,
    /// Signs and first steps when something went wrong.
    Emergency,
    /// What is remembered: size of words, tones, keys.
    Settings,
}

/// The page shown under the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// Pump, needle and scale.
    Setup,
    /// Depth, gain and the rest of image formation.
    Image,
    /// Snapshots and journal.
    Saved,
    /// Health of the stream.
    Health,
    /// The virtual probe, or what a live source says of itself.
    Probe,
    /// What the present step of the refill asks for.
    Refill,
    /// The course of training; stands in the place of all pages of a refill.
    Training,
}

/// How much of the picture is shown, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Zoom {
    /// Magnification against the fitted picture, 1 to 8.
    pub(super) factor: f32,
    /// The part of the picture that stands in the middle, as a share of its sides.
    pub(super) center: Vec2,
}

impl Default for Zoom {
    fn default() -> Self {
        Self {
            factor: 1.0,
            center: Vec2::splat(0.5),
        }
    }
}

impl Zoom {
    /// Magnified by `factor` with the part at `anchor` (a share of the sides) staying where it is.
    pub(super) fn by(self, factor: f32, anchor: Vec2) -> Self {
        let wanted = (self.factor * factor).clamp(1.0, ZOOM_MOST);
        let share = self.factor / wanted;
        Self {
            factor: wanted,
            center: anchor + (self.center - anchor) * share,
        }
        .within()
    }

    /// Moved by a share of the sides.
    pub(super) fn moved(self, by: Vec2) -> Self {
        Self {
            factor: self.factor,
            center: self.center + by,
        }
        .within()
    }

    fn within(self) -> Self {
        let margin = 0.5 / self.factor;
        let keep = |v: f32| v.clamp(margin.min(0.5), (1.0 - margin).max(0.5));
        Self {
            factor: self.factor,
            center: Vec2::new(keep(self.center.x), keep(self.center.y)),
        }
    }
}

/// What belongs to the view alone: how things are shown, never what is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Display {
    pub(super) marks: MarksShown,
    pub(super) mirror: Mirror,
    pub(super) zoom: Zoom,
    pub(super) sheet: Option<Sheet>,
    pub(super) tab: Tab,
    /// Whether passing a step over was asked for once; the second press does it (H35).
    pub(super) pass_over_asked: bool,
    pub(super) lock: Lock,
    /// When a picture was shown last before its marks had come.
    pub(super) marks_late_at: Option<Timestamp>,
    /// Whether the second window is open.
    pub(super) second: bool,
    /// Why the last thing asked for was not done, as a key of words, until the next one.
    pub(super) refused: Option<&'static str>,
    /// What is remembered from one run to the next.
    pub(super) settings: Settings,
    /// Which key does what.
    pub(super) keys: KeyMap,
    /// The binding whose new key is waited for.
    pub(super) listening: Option<&'static str>,
    /// The key that was refused last, and the words of what it does already.
    pub(super) key_taken: Option<(Press, &'static str)>,
    /// What is wrong with the file of settings.
    pub(super) settings_trouble: Option<String>,
    /// What can be heard.
    pub(super) speaker: Standing,
}

/// Whether settings can be changed (H35).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// They can.
    Open,
    /// They cannot.
    Locked,
    /// They cannot, and something was just asked for that would have changed one.
    Refused,
}

/// A change of what is remembered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Setting {
    Text(TextSize),
    Tones(Tones),
    /// The next press is to be the key of this binding.
    Listen(&'static str),
    /// It was this one.
    Press(Press),
    /// None of it: the key stays.
    StopListening,
    /// Every key as on the first day.
    KeysReset,
}

/// A change of how things are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    ToggleMarks,
    Mirror,
    /// Magnify about a part of the picture given as a share of its sides.
    Zoom(f32, Vec2),
    Pan(Vec2),
    ZoomReset,
    Show(Tab),
    ShowKeys,
    ShowSources,
    ShowEmergency,
    ShowSettings,
    /// Opens or closes the second window.
    ToggleSecond,
    Close,
}

/// Everything a key or a panel can ask for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    ToggleFreeze,
    TakeSnapshot,
    /// Something that concerns the view alone.
    Display(Change),
    /// Gain, dB.
    Gain(f64),
    /// Depth, mm.
    Depth(f64),
    /// The next or previous pump model.
    StepPump(i32),
    /// The next or previous usual needle length.
    StepNeedle(i32),
    Restart,
    Nudge(Nudge),
    /// Slide toward the right (+) or left (-) edge of the screen, mm.
    SlideOnScreen(f64),
    Acknowledge,
    /// To the next step of the refill; the first press begins it.
    NextStep,
    /// Passes a step over, at the second press.
    PassOver,
    /// The next of the three ways to the port.
    NextWay,
    /// Takes back what was counted last at this step.
    TakeBack,
    /// Says that the large gap was seen.
    AcknowledgeGap,
    /// Locks what a stray touch must not change, or unlocks it.
    ToggleLock,
    /// Changes what is remembered.
    Set(Setting),
    /// Begins training, or ends it.
    Train,
    /// Something a trainee does.
    Training(TrainingAction),
    /// The source in the row of this number on the connection screen.
    PickSource(usize),
    /// Left to the window system: moves between widgets.
    MoveFocus,
    Send(Command),
}

/// What was asked for during one repaint, in order.
#[derive(Debug, Default)]
pub(super) struct Actions {
    asked: Vec<Act>,
}

impl Act {
    /// Whether it changes what the lock keeps: pump, needle, source, picture and flip.
    pub(super) fn is_kept_by_lock(&self) -> bool {
        match self {
            Self::Gain(_)
            | Self::Depth(_)
            | Self::StepPump(_)
            | Self::StepNeedle(_)
            | Self::PickSource(_)
            | Self::Set(_)
            | Self::Display(Change::Mirror) => true,
            Self::Send(command) => matches!(
                command,
                Command::SetImaging(_)
                    | Command::ChoosePump(_)
                    | Command::ChooseNeedle(_)
                    | Command::GiveScale(_)
                    | Command::SetPicture(_)
                    | Command::ChooseMode(_)
                    | Command::SetFirmware(_)
                    | Command::Connect(_)
            ),
            Self::ToggleFreeze
            | Self::TakeSnapshot
            | Self::Display(_)
            | Self::Restart
            | Self::Nudge(_)
            | Self::SlideOnScreen(_)
            | Self::Acknowledge
            | Self::NextStep
            | Self::PassOver
            | Self::NextWay
            | Self::TakeBack
            | Self::AcknowledgeGap
            | Self::ToggleLock
            | Self::Train
            | Self::Training(_)
            | Self::MoveFocus => false,
        }
    }

    /// Whether it means something in training: the probe, the picture and the window, nothing of a refill.
    pub(super) fn counts_in_training(&self) -> bool {
        match self {
            Self::ToggleFreeze
            | Self::Gain(_)
            | Self::Depth(_)
            | Self::Nudge(_)
            | Self::SlideOnScreen(_)
            | Self::Acknowledge
            | Self::Set(_)
            | Self::Train
            | Self::Training(_)
            | Self::MoveFocus => true,
            Self::Send(command) => {
                matches!(command, Command::SetImaging(_) | Command::FlipShown(_))
            }
            Self::Display(change) => !matches!(
                change,
                Change::ToggleMarks | Change::ShowSources | Change::ShowEmergency
            ),
            Self::TakeSnapshot
            | Self::StepPump(_)
            | Self::StepNeedle(_)
            | Self::Restart
            | Self::NextStep
            | Self::PassOver
            | Self::NextWay
            | Self::TakeBack
            | Self::AcknowledgeGap
            | Self::ToggleLock
            | Self::PickSource(_) => false,
        }
    }
}

impl Actions {
    /// Asks for something.
    pub(super) fn ask(&mut self, act: Act) {
        self.asked.push(act);
    }

    /// Asks the session for something.
    pub(super) fn send(&mut self, command: Command) {
        self.asked.push(Act::Send(command));
    }

    /// Asks for something in the refill.
    pub(super) fn refill(&mut self, action: Action) {
        self.send(Command::Refill(action));
    }

    /// All that was asked for.
    pub(super) fn into_list(self) -> Vec<Act> {
        self.asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_anchor_where_it_is_and_the_picture_in_view() {
        let anchor = Vec2::new(0.6, 0.4);
        let before = Zoom::default().by(2.0, Vec2::splat(0.5));
        let after = before.by(1.5, anchor);
        let on_screen = |z: Zoom| (anchor - z.center) * z.factor;
        assert!((on_screen(before) - on_screen(after)).length() < 1e-5);
        let corner = before.moved(Vec2::splat(9.0));
        assert!(corner.center.x <= 0.75 + 1e-6 && corner.center.y <= 0.75 + 1e-6);
        assert_eq!(Zoom::default().by(0.1, anchor), Zoom::default());
    }
}
