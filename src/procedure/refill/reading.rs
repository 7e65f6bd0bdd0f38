//! What a refill's state says: what a step still needs, the gaps, and the figures of the report.
use std::collections::BTreeMap;
use std::time::Duration;

use super::{BackFlow, Circumstances, Filling, Moments, NeedlePlace, Outcome, PathSeen, Refill};
use crate::guide::Way;
use crate::procedure::form::{Field, FluidAnswer, Value};
use crate::procedure::missing::Missing;
use crate::procedure::step::Step;
use crate::procedure::volume::{ASPIRATION_LEAST, Gap, GapKind, Volume};
use crate::pump::PumpModel;

impl Refill {
    /// The step it stands at.
    pub fn step(&self) -> Step {
        self.step
    }

    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Whether a patient was named, by code or by two identifiers.
    pub fn is_identified(&self) -> bool {
        let has = |field| self.fields.contains_key(&field);
        has(Field::StudyCode) || (has(Field::FirstIdentifier) && has(Field::SecondIdentifier))
    }

    /// What a field holds.
    pub fn field(&self, field: Field) -> Option<&Value> {
        self.fields.get(&field)
    }

    /// Every field that holds something.
    pub fn fields(&self) -> &BTreeMap<Field, Value> {
        &self.fields
    }

    /// The volume in a field.
    pub fn volume(&self, field: Field) -> Option<Volume> {
        match self.fields.get(&field) {
            Some(Value::Volume(volume)) => Some(*volume),
            Some(Value::Text(_)) | None => None,
        }
    }

    /// The way to the port.
    pub fn way(&self) -> Way {
        self.way
    }

    /// The way that paths are to be shown for: the one chosen from the approach on, while the refill is open. Before
    /// that the port is looked for and confirmed, which is the same for all.
    pub fn way_in_force(&self) -> Way {
        if self.step >= Step::Approach && self.outcome.is_none() {
            self.way
        } else {
            Way::default()
        }
    }

    /// Whether the operator has seen something in the path of the way in force.
    pub fn is_vetoed(&self) -> bool {
        self.vetoed.contains(&self.way_in_force())
    }

    /// Whether fluid was seen over the pump.
    pub fn fluid(&self) -> Option<FluidAnswer> {
        self.fluid
    }

    /// The path under which the skin was marked or the needle brought up.
    pub fn located(&self) -> Option<PathSeen> {
        self.located
    }

    /// Where the needle is.
    pub fn needle(&self) -> NeedlePlace {
        self.needle
    }

    /// Punctures of the skin.
    pub fn punctures(&self) -> u32 {
        self.punctures
    }

    /// Redirections under the skin.
    pub fn redirections(&self) -> u32 {
        self.redirections
    }

    /// Aliquots and checks, in order.
    pub fn filling(&self) -> &[Filling] {
        &self.filling
    }

    /// Its moments.
    pub fn moments(&self) -> Moments {
        self.moments
    }

    /// Steps passed over, and what they lacked.
    pub fn passed_over(&self) -> &BTreeMap<Step, Vec<Missing>> {
        &self.passed_over
    }

    /// From the beginning of the search to the stop, felt.
    pub fn time_to_port(&self) -> Option<Duration> {
        Some(self.moments.stop?.since(self.moments.search?))
    }

    /// From the first puncture until the needle was out.
    pub fn time_under_skin(&self) -> Option<Duration> {
        Some(self.moments.out?.since(self.moments.puncture?))
    }

    /// The gap of a kind, once both of its volumes are known.
    pub fn gap(&self, kind: GapKind, pump: &PumpModel) -> Option<Gap> {
        let (expected, found) = match kind {
            GapKind::Aspirated => (
                self.volume(Field::ExpectedResidual)?,
                self.volume(Field::Aspirated)?,
            ),
            GapKind::Injected => {
                let injected = self.injected();
                let found = (injected > Volume::ZERO).then_some(injected)?;
                (self.volume(Field::Programmed)?, found)
            }
        };
        Some(Gap::new(kind, expected, found, pump))
    }

    /// Whether a large gap waits for the operator's word.
    pub fn wants_word_on(&self, kind: GapKind, pump: &PumpModel) -> bool {
        self.gap(kind, pump)
            .is_some_and(|gap| gap.is_large && !self.acknowledged.contains(&gap))
    }

    /// Whether the expected residual is so small that aspiration cannot confirm where the needle is (H19).
    pub fn aspiration_cannot_confirm(&self) -> bool {
        self.volume(Field::ExpectedResidual)
            .is_some_and(|expected| expected <= ASPIRATION_LEAST)
    }

    /// What the present step still needs, the first thing first.
    pub fn missing(&self, at: &Circumstances<'_>) -> Vec<Missing> {
        let has = |field| self.fields.contains_key(&field);
        let needs: Vec<(bool, Missing)> = match self.step {
            Step::Identify => vec![
                (!self.is_identified(), Missing::Identity),
                (!at.pump.plannable, Missing::PumpModel),
                (at.needle.is_none(), Missing::Needle),
                (!has(Field::Drug), Missing::Drug),
                (!has(Field::ExpectedResidual), Missing::ExpectedResidual),
            ],
            Step::ScanForFluid => vec![
                (self.fluid.is_none(), Missing::FluidScan),
                (self.fluid == Some(FluidAnswer::Seen), Missing::FluidSeen),
            ],
            Step::FindPort => vec![(!at.port_locked, Missing::Port)],
            Step::ConfirmPlanes => vec![(!at.planes_confirmed, Missing::TwoPlanes)],
            Step::Approach => vec![(self.located.is_none(), Missing::Localisation)],
            Step::Puncture => vec![
                (self.punctures == 0, Missing::Puncture),
                (self.needle != NeedlePlace::AtStop, Missing::Stop),
            ],
            Step::EmptyAndCompare => vec![
                (!has(Field::Aspirated), Missing::Aspirated),
                (
                    self.aspiration_cannot_confirm() && !has(Field::OtherConfirmation),
                    Missing::OtherConfirmation,
                ),
                (
                    self.wants_word_on(GapKind::Aspirated, at.pump),
                    Missing::AspiratedGap,
                ),
            ],
            Step::Fill => self.filling_needs(at),
            Step::Report => vec![(self.needle != NeedlePlace::Out, Missing::NeedleOut)],
        };
        needs
            .into_iter()
            .filter_map(|(is_missing, what)| is_missing.then_some(what))
            .collect()
    }

    fn filling_needs(&self, at: &Circumstances<'_>) -> Vec<(bool, Missing)> {
        let last = self.filling.last();
        let last_check = self.filling.iter().rev().find_map(|f| match f {
            Filling::Check(back_flow) => Some(*back_flow),
            Filling::Aliquot(_) => None,
        });
        let is_unchecked = matches!(last, Some(Filling::Aliquot(_)));
        vec![
            (self.injected() == Volume::ZERO, Missing::Aliquot),
            (last_check == Some(BackFlow::None), Missing::NoBackFlow),
            (is_unchecked, Missing::Check),
            (
                !self.fields.contains_key(&Field::Programmed),
                Missing::Programmed,
            ),
            (
                self.wants_word_on(GapKind::Injected, at.pump),
                Missing::InjectedGap,
            ),
        ]
    }
}
