//! A guided refill as a state machine: actions in, events and a state out. Pure: time and picture come with the action.
//!
//! Facts can always be recorded, in any step; steps are passed in order, forward when nothing is missing, back at any
//! time. Passing a step over is the operator's word and is journalled with what was missing; it changes nothing about
//! what is withheld, which `guide` decides alone. No dose is computed (H21).
mod reading;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::frame::FrameId;
use crate::guide::Way;
use crate::guide::limits::CENTERED_WITHIN;
use crate::pump::{Needle, PumpModel};

use super::form::{Field, FieldError, FluidAnswer, Value};
use super::missing::{Missing, Refusal};
use super::refill_event::{Move, RefillEvent};
use super::step::Step;
use super::volume::{ALIQUOT, ASPIRATION_LEAST, Gap, GapKind, Volume};

/// More punctures, redirections or aliquots than this are a key held down.
const COUNT_MOST: u32 = 999;

/// Something the operator does or says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Fill in, change or empty a field.
    Enter(Field, String),
    /// Choose the way to the port.
    ChooseWay(Way),
    /// Answer whether fluid lies over the pump.
    AnswerFluid(FluidAnswer),
    /// Go to the next step; from the last one, close the refill.
    Forward,
    /// Go back one step; opens a closed refill again.
    Back,
    /// Go to the next step although something is missing.
    PassOver,
    /// Forbid the path of the way in force because something is in it, or allow it again.
    Veto,
    /// Keep the path shown: the skin is marked at it, or the needle is brought up under it.
    Locate,
    /// Count a puncture of the skin.
    Puncture,
    /// Count a redirection of the needle under the skin.
    Redirect,
    /// The metal stop is felt.
    FeelStop,
    /// The needle is out.
    TakeNeedleOut,
    /// An aliquot was injected, mL as typed.
    Inject(String),
    /// Back-flow was looked for.
    Check(BackFlow),
    /// A large gap was seen.
    AcknowledgeGap(GapKind),
    /// Take back the last of something counted by mistake.
    TakeBack(Counted),
    /// Open the emergency card.
    OpenCard,
    /// End the refill without completing it.
    Abandon,
}

/// What came back through the needle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackFlow {
    /// Drug flowed back.
    Seen,
    /// None did.
    None,
}

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Punctures.
    Puncture,
    /// Redirections.
    Redirection,
    /// Aliquots.
    Aliquot,
}

impl Counted {
    /// The key of the words for one that was taken back.
    pub fn key(self) -> &'static str {
        match self {
            Self::Puncture => "event-puncture-taken-back",
            Self::Redirection => "event-redirection-taken-back",
            Self::Aliquot => "event-aliquot-taken-back",
        }
    }
}

/// How a refill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps were gone through.
    Completed,
    /// It was ended before.
    Abandoned,
}

impl Outcome {
    /// The key of its words.
    pub fn key(self) -> &'static str {
        match self {
            Self::Completed => "outcome-completed",
            Self::Abandoned => "outcome-abandoned",
        }
    }
}

/// A path as it was shown. Lengths in mm, angles in degrees.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct PathSeen {
    /// The frame it was shown on.
    pub frame: FrameId,
    /// From the middle of the probe to the entry, positive toward the marked side.
    pub offset_mm: f64,
    /// Least and most depth to the needle stop.
    pub depth_mm: [f64; 2],
    /// Against the beam.
    pub tilt_deg: f64,
    /// Against the normal of the face, on the way chosen.
    pub lean_deg: f64,
    /// Whether it waits for a second plane.
    pub provisional: bool,
}

/// What is so while an action is taken.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The pump chosen.
    pub pump: &'a PumpModel,
    /// The needle chosen.
    pub needle: Option<Needle>,
    /// Whether the port is established in the picture.
    pub port_locked: bool,
    /// Whether it is confirmed in two planes.
    pub planes_confirmed: bool,
    /// The path shown, when one is.
    pub path: Option<PathSeen>,
}

/// Moments of a refill, on the session's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Moments {
    /// The first action.
    pub begun: Option<Timestamp>,
    /// The search for the port began.
    pub search: Option<Timestamp>,
    /// The stop was felt for the first time.
    pub stop: Option<Timestamp>,
    /// The first puncture.
    pub puncture: Option<Timestamp>,
    /// The needle was taken out for the last time.
    pub out: Option<Timestamp>,
}

/// An aliquot or a check, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// An aliquot.
    Aliquot(Volume),
    /// A check.
    Check(BackFlow),
}

/// Where the needle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NeedlePlace {
    /// Outside.
    #[default]
    Out,
    /// In the tissue.
    InTissue,
    /// At the metal stop, as far as it was felt.
    AtStop,
}

/// The state of one refill.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Refill {
    pub(super) step: Step,
    pub(super) passed_over: BTreeMap<Step, Vec<Missing>>,
    pub(super) fields: BTreeMap<Field, Value>,
    pub(super) way: Way,
    pub(super) vetoed: BTreeSet<Way>,
    pub(super) fluid: Option<FluidAnswer>,
    pub(super) located: Option<PathSeen>,
    pub(super) needle: NeedlePlace,
    pub(super) punctures: u32,
    pub(super) redirections: u32,
    pub(super) filling: Vec<Filling>,
    pub(super) acknowledged: Vec<Gap>,
    pub(super) moments: Moments,
    pub(super) outcome: Option<Outcome>,
    /// A volume above capacity that was entered once.
    asked_twice: Option<(Option<Field>, Volume)>,
    refused: Option<Refusal>,
}

type Answer = Result<Vec<RefillEvent>, Refusal>;

impl Refill {
    /// Takes an action; returns what happened, in order. An action that is refused changes nothing but
    /// [`Self::refused`], and says so in an event.
    pub fn take(&mut self, action: &Action, at: &Circumstances<'_>) -> Vec<RefillEvent> {
        let asked = self.asked_twice.take();
        let answer = self.carry_out(action, asked, at);
        self.moments.begun.get_or_insert(at.now);
        match answer {
            Ok(events) => {
                self.refused = None;
                events
            }
            Err(refusal) => {
                let reason = refusal.name().to_owned();
                self.refused = Some(refusal);
                vec![RefillEvent::Refused { reason }]
            }
        }
    }

    fn carry_out(
        &mut self,
        action: &Action,
        asked: Option<(Option<Field>, Volume)>,
        at: &Circumstances<'_>,
    ) -> Answer {
        let stays_open = matches!(
            action,
            Action::Enter(..) | Action::Back | Action::OpenCard | Action::TakeNeedleOut
        );
        if self.outcome.is_some() && !stays_open {
            return Err(Refusal::Closed);
        }
        match action {
            Action::Enter(field, text) => self.enter(*field, text, asked, at),
            Action::ChooseWay(way) => {
                self.way = *way;
                Ok(vec![RefillEvent::WayChosen { way: *way }])
            }
            Action::AnswerFluid(answer) => {
                self.fluid = Some(*answer);
                Ok(vec![RefillEvent::FluidAnswered { answer: *answer }])
            }
            Action::Forward => self.forward(at),
            Action::PassOver => Ok(self.go_on(Move::PassedOver, at)),
            Action::Back => self.back(),
            Action::Veto => Ok(vec![self.veto()]),
            Action::Locate => self.locate(at),
            Action::Puncture => self.puncture(at),
            Action::Redirect => self.redirect(),
            Action::FeelStop => self.feel_stop(at),
            Action::TakeNeedleOut => self.take_needle_out(at),
            Action::Inject(text) => self.inject(text, asked, at),
            Action::Check(back_flow) => {
                self.room_for_one_more()?;
                self.filling.push(Filling::Check(*back_flow));
                Ok(vec![RefillEvent::Checked {
                    back_flow: *back_flow,
                    after: self.injected(),
                }])
            }
            Action::AcknowledgeGap(kind) => self.acknowledge(*kind, at),
            Action::TakeBack(counted) => self.take_back(*counted),
            Action::OpenCard => Ok(vec![RefillEvent::EmergencyCardOpened]),
            Action::Abandon => Ok(self.close(Outcome::Abandoned)),
        }
    }

    fn enter(
        &mut self,
        field: Field,
        text: &str,
        asked: Option<(Option<Field>, Volume)>,
        at: &Circumstances<'_>,
    ) -> Answer {
        let value = Value::read(field, text)?;
        if self.fields.get(&field) == value.as_ref() {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        if let Some(Value::Volume(volume)) = value {
            events.extend(self.within_capacity(Some(field), volume, volume, asked, at)?);
        }
        let before = match &value {
            Some(value) => self.fields.insert(field, value.clone()),
            None => self.fields.remove(&field),
        };
        events.insert(
            0,
            RefillEvent::Entered {
                field,
                is_correction: before.is_some(),
                value: value.filter(|_| !field.is_identifying()),
            },
        );
        let compared = match field {
            Field::ExpectedResidual | Field::Aspirated => Some(GapKind::Aspirated),
            Field::Programmed => Some(GapKind::Injected),
            Field::StudyCode
            | Field::FirstIdentifier
            | Field::SecondIdentifier
            | Field::PumpSerial
            | Field::Drug
            | Field::Strength
            | Field::Lot
            | Field::AspirateLook
            | Field::OtherConfirmation
            | Field::Remarks => None,
        };
        let gap = compared.and_then(|kind| self.gap(kind, at.pump));
        events.extend(gap.map(|gap| RefillEvent::Compared { gap }));
        if field == Field::ExpectedResidual
            && let Some(expected) = self.volume(field).filter(|v| *v <= ASPIRATION_LEAST)
        {
            events.push(RefillEvent::AspirationCannotConfirm { expected });
        }
        Ok(events)
    }

    /// A volume that fits is taken; one that does not is asked for a second time, and then taken and said so.
    fn within_capacity(
        &mut self,
        field: Option<Field>,
        entered: Volume,
        total: Volume,
        asked: Option<(Option<Field>, Volume)>,
        at: &Circumstances<'_>,
    ) -> Result<Option<RefillEvent>, Refusal> {
        let capacity = Volume::capacity(at.pump);
        if total <= capacity {
            return Ok(None);
        }
        if asked == Some((field, entered)) {
            return Ok(Some(RefillEvent::AboveCapacityTaken { total, capacity }));
        }
        self.asked_twice = Some((field, entered));
        Err(Refusal::AboveCapacity { total, capacity })
    }

    fn forward(&mut self, at: &Circumstances<'_>) -> Answer {
        match self.missing(at).first() {
            Some(missing) => Err(Refusal::Incomplete(*missing)),
            None => Ok(self.go_on(Move::Forward, at)),
        }
    }

    fn go_on(&mut self, how: Move, at: &Circumstances<'_>) -> Vec<RefillEvent> {
        let missing = self.missing(at);
        let how = if missing.is_empty() {
            Move::Forward
        } else {
            how
        };
        if missing.is_empty() {
            self.passed_over.remove(&self.step);
        } else {
            self.passed_over.insert(self.step, missing.clone());
        }
        let Some(step) = self.step.next() else {
            return self.close(Outcome::Completed);
        };
        self.step = step;
        if step == Step::FindPort {
            self.moments.search.get_or_insert(at.now);
        }
        vec![RefillEvent::StepEntered { step, how, missing }]
    }

    fn back(&mut self) -> Answer {
        if self.outcome.take().is_some() {
            return Ok(vec![RefillEvent::Reopened]);
        }
        let step = self.step.previous().ok_or(Refusal::FirstStep)?;
        self.step = step;
        self.passed_over.remove(&step);
        Ok(vec![RefillEvent::StepEntered {
            step,
            how: Move::Back,
            missing: Vec::new(),
        }])
    }

    fn locate(&mut self, at: &Circumstances<'_>) -> Answer {
        let path = at
            .path
            .filter(|path| !path.provisional)
            .ok_or(Refusal::NoPath)?;
        // The skin is marked at the middle of the probe: beside it the mark would lie beside the port.
        let is_marked = self.way == Way::MarkThenStick;
        if is_marked && path.offset_mm.abs() > CENTERED_WITHIN.0 {
            return Err(Refusal::NotCentered);
        }
        self.located = Some(path);
        Ok(vec![RefillEvent::Located {
            path,
            way: self.way,
        }])
    }

    fn veto(&mut self) -> RefillEvent {
        let way = self.way_in_force();
        let is_set = self.vetoed.insert(way);
        if !is_set {
            self.vetoed.remove(&way);
        }
        RefillEvent::Veto { way, is_set }
    }

    fn puncture(&mut self, at: &Circumstances<'_>) -> Answer {
        if self.needle != NeedlePlace::Out {
            return Err(Refusal::NeedleIsIn);
        }
        if self.punctures >= COUNT_MOST {
            return Err(Refusal::TooMany);
        }
        self.needle = NeedlePlace::InTissue;
        self.punctures += 1;
        self.moments.puncture.get_or_insert(at.now);
        Ok(vec![RefillEvent::Punctured {
            count: self.punctures,
        }])
    }

    fn redirect(&mut self) -> Answer {
        if self.needle == NeedlePlace::Out {
            return Err(Refusal::NoNeedleIn);
        }
        if self.redirections >= COUNT_MOST {
            return Err(Refusal::TooMany);
        }
        self.needle = NeedlePlace::InTissue;
        self.redirections += 1;
        Ok(vec![RefillEvent::Redirected {
            count: self.redirections,
        }])
    }

    fn feel_stop(&mut self, at: &Circumstances<'_>) -> Answer {
        if self.needle == NeedlePlace::Out {
            return Err(Refusal::NoNeedleIn);
        }
        self.needle = NeedlePlace::AtStop;
        self.moments.stop.get_or_insert(at.now);
        Ok(vec![RefillEvent::StopFelt])
    }

    fn take_needle_out(&mut self, at: &Circumstances<'_>) -> Answer {
        if self.needle == NeedlePlace::Out {
            return Err(Refusal::NoNeedleIn);
        }
        self.needle = NeedlePlace::Out;
        self.moments.out = Some(at.now);
        Ok(vec![RefillEvent::NeedleOut])
    }

    fn room_for_one_more(&self) -> Result<(), Refusal> {
        if self.filling.len() >= COUNT_MOST as usize {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    fn inject(
        &mut self,
        text: &str,
        asked: Option<(Option<Field>, Volume)>,
        at: &Circumstances<'_>,
    ) -> Answer {
        let volume: Volume = text
            .parse()
            .map_err(|problem| Refusal::Field(FieldError::Volume(problem)))?;
        if volume == Volume::ZERO {
            return Err(Refusal::EmptyVolume);
        }
        self.room_for_one_more()?;
        let total = self.injected().plus(volume);
        let inside = total.plus(self.left_behind());
        let above = self.within_capacity(None, volume, inside, asked, at)?;
        self.filling.push(Filling::Aliquot(volume));
        let mut events = vec![RefillEvent::Injected { volume, total }];
        events.extend(above);
        let gap = self.gap(GapKind::Injected, at.pump);
        events.extend(gap.map(|gap| RefillEvent::Compared { gap }));
        Ok(events)
    }

    fn acknowledge(&mut self, kind: GapKind, at: &Circumstances<'_>) -> Answer {
        let gap = self
            .gap(kind, at.pump)
            .filter(|gap| gap.is_large)
            .ok_or(Refusal::NoGap)?;
        self.acknowledged.retain(|known| known.kind != kind);
        self.acknowledged.push(gap);
        Ok(vec![RefillEvent::GapAcknowledged { kind }])
    }

    fn take_back(&mut self, counted: Counted) -> Answer {
        let mut volume = None;
        match counted {
            Counted::Puncture => {
                self.punctures = less_one(self.punctures)?;
                self.needle = NeedlePlace::Out;
                if self.punctures == 0 {
                    self.moments.puncture = None;
                    self.moments.stop = None;
                }
            }
            Counted::Redirection => self.redirections = less_one(self.redirections)?,
            Counted::Aliquot => {
                let last = self
                    .filling
                    .iter()
                    .rposition(|f| matches!(f, Filling::Aliquot(_)))
                    .ok_or(Refusal::NothingToTakeBack)?;
                if let Filling::Aliquot(taken) = self.filling.remove(last) {
                    volume = Some(taken);
                }
            }
        }
        Ok(vec![RefillEvent::TakenBack { counted, volume }])
    }

    fn close(&mut self, outcome: Outcome) -> Vec<RefillEvent> {
        self.outcome = Some(outcome);
        vec![RefillEvent::Closed { outcome }]
    }

    /// What may still be in the reservoir of what was expected there; nothing before it was aspirated.
    fn left_behind(&self) -> Volume {
        match (
            self.volume(Field::ExpectedResidual),
            self.volume(Field::Aspirated),
        ) {
            (Some(expected), Some(aspirated)) => expected.minus(aspirated),
            (Some(expected), None) => expected,
            (None, _) => Volume::ZERO,
        }
    }

    /// All aliquots together.
    pub fn injected(&self) -> Volume {
        self.filling
            .iter()
            .fold(Volume::ZERO, |sum, filling| match filling {
                Filling::Aliquot(volume) => sum.plus(*volume),
                Filling::Check(_) => sum,
            })
    }

    /// Injected since the last check; `None` before the first aliquot.
    pub fn since_check(&self) -> Option<Volume> {
        let mut since = None;
        for filling in &self.filling {
            match filling {
                Filling::Aliquot(volume) => {
                    since = Some(since.unwrap_or(Volume::ZERO).plus(*volume));
                }
                Filling::Check(_) => since = since.map(|_| Volume::ZERO),
            }
        }
        since
    }

    /// Whether a check is due: after the first aliquot, and after every 5 mL.
    pub fn check_is_due(&self) -> bool {
        let mut after_first = self
            .filling
            .iter()
            .skip_while(|f| matches!(f, Filling::Check(_)));
        let is_first = !after_first.any(|f| matches!(f, Filling::Check(_)));
        self.since_check()
            .is_some_and(|since| since >= ALIQUOT || (is_first && since > Volume::ZERO))
    }

    /// What the last action was refused for; `None` when it was taken.
    pub fn refused(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }
}

fn less_one(count: u32) -> Result<u32, Refusal> {
    count.checked_sub(1).ok_or(Refusal::NothingToTakeBack)
}
