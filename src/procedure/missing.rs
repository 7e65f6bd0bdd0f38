//! What a step still needs before the next one, and why an action was not taken.
use super::form::FieldError;
use super::volume::{GapKind, Volume};

/// Something a step still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// A study code, or two identifiers (H22).
    Identity,
    /// A pump model that a path can be planned with (H23).
    PumpModel,
    /// Gauge and length of the needle (H13).
    Needle,
    /// The drug as it stands on the label.
    Drug,
    /// The residual that the programmer expects.
    ExpectedResidual,
    /// The scan for fluid over the pump.
    FluidScan,
    /// Fluid was seen: the refill is not to go on as if nothing were there.
    FluidSeen,
    /// A fill port that is established in the picture.
    Port,
    /// The port confirmed in two planes (H08).
    TwoPlanes,
    /// The mark on the skin, or the path under which the needle is brought up.
    Localisation,
    /// A puncture.
    Puncture,
    /// The metal stop, felt.
    Stop,
    /// The volume aspirated.
    Aspirated,
    /// A confirmation other than aspiration (H19).
    OtherConfirmation,
    /// The word that a gap between aspirated and expected was seen (H20).
    AspiratedGap,
    /// An aliquot.
    Aliquot,
    /// A check that the needle is still in the reservoir (H18).
    Check,
    /// The last check showed no back-flow (H18).
    NoBackFlow,
    /// The volume entered into the programmer, as read.
    Programmed,
    /// The word that a gap between injected and programmed was seen (H20).
    InjectedGap,
    /// The needle out of the skin.
    NeedleOut,
}

impl Missing {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Identity,
        Self::PumpModel,
        Self::Needle,
        Self::Drug,
        Self::ExpectedResidual,
        Self::FluidScan,
        Self::FluidSeen,
        Self::Port,
        Self::TwoPlanes,
        Self::Localisation,
        Self::Puncture,
        Self::Stop,
        Self::Aspirated,
        Self::OtherConfirmation,
        Self::AspiratedGap,
        Self::Aliquot,
        Self::Check,
        Self::NoBackFlow,
        Self::Programmed,
        Self::InjectedGap,
        Self::NeedleOut,
    ];

    /// Its name in journal and words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::PumpModel => "pump_model",
            Self::Needle => "needle",
            Self::Drug => "drug",
            Self::ExpectedResidual => "expected_residual",
            Self::FluidScan => "fluid_scan",
            Self::FluidSeen => "fluid_seen",
            Self::Port => "port",
            Self::TwoPlanes => "two_planes",
            Self::Localisation => "localisation",
            Self::Puncture => "puncture",
            Self::Stop => "stop",
            Self::Aspirated => "aspirated",
            Self::OtherConfirmation => "other_confirmation",
            Self::AspiratedGap => "aspirated_gap",
            Self::Aliquot => "aliquot",
            Self::Check => "check",
            Self::NoBackFlow => "no_back_flow",
            Self::Programmed => "programmed",
            Self::InjectedGap => "injected_gap",
            Self::NeedleOut => "needle_out",
        }
    }

    /// The key of its words: one short sentence that says what to do.
    pub fn key(self) -> String {
        format!("missing-{}", self.name())
    }

    /// What is missing when a gap was not acknowledged.
    pub fn of_gap(kind: GapKind) -> Self {
        match kind {
            GapKind::Aspirated => Self::AspiratedGap,
            GapKind::Injected => Self::InjectedGap,
        }
    }
}

/// Why an action was not taken. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The step needs something first.
    #[error("{}", crate::words::say(&.0.key()))]
    Incomplete(Missing),
    /// What was typed does not fit the field.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The volume is more than the reservoir holds; the same entry once more is taken (H20, H23).
    #[error(
        "{}",
        crate::words::say_with(
            "refusal-above-capacity",
            &[("total", &.total.to_string()), ("capacity", &.capacity.to_string())],
        )
    )]
    AboveCapacity {
        /// What the reservoir would then hold.
        total: Volume,
        /// What it can hold.
        capacity: Volume,
    },
    /// No path is shown, or one that waits for a second plane: nothing to mark.
    #[error("{}", crate::words::say("refusal-no-path"))]
    NoPath,
    /// The entry of the path is not under the middle of the probe, where the skin is marked.
    #[error("{}", crate::words::say("refusal-not-centered"))]
    NotCentered,
    /// No needle is in the skin.
    #[error("{}", crate::words::say("refusal-no-needle"))]
    NoNeedleIn,
    /// A needle is in the skin already.
    #[error("{}", crate::words::say("refusal-needle-in"))]
    NeedleIsIn,
    /// There is no large gap of this kind to acknowledge.
    #[error("{}", crate::words::say("refusal-no-gap"))]
    NoGap,
    /// Nothing was counted that could be taken back.
    #[error("{}", crate::words::say("refusal-nothing"))]
    NothingToTakeBack,
    /// No volume, or none at all.
    #[error("{}", crate::words::say("refusal-empty-volume"))]
    EmptyVolume,
    /// Counted as often as anybody could.
    #[error("{}", crate::words::say("refusal-too-many"))]
    TooMany,
    /// This is the first step.
    #[error("{}", crate::words::say("refusal-first-step"))]
    FirstStep,
    /// The refill is closed: go back one step to open it again.
    #[error("{}", crate::words::say("refusal-closed"))]
    Closed,
}

impl Refusal {
    /// Its name in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Incomplete(missing) => missing.name(),
            Self::Field(_) => "not_understood",
            Self::AboveCapacity { .. } => "above_capacity",
            Self::NoPath => "no_path",
            Self::NotCentered => "not_centered",
            Self::NoNeedleIn => "no_needle_in",
            Self::NeedleIsIn => "needle_is_in",
            Self::NoGap => "no_gap",
            Self::NothingToTakeBack => "nothing_to_take_back",
            Self::EmptyVolume => "empty_volume",
            Self::TooMany => "too_many",
            Self::FirstStep => "first_step",
            Self::Closed => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{has, say};

    #[test]
    fn everything_missing_has_a_sentence_that_says_what_to_do() {
        for missing in Missing::ALL {
            assert!(has(&missing.key()), "{}", missing.key());
            assert!(say(&missing.key()).ends_with('.'), "{}", missing.key());
        }
        let refusals = [
            Refusal::NoPath,
            Refusal::NotCentered,
            Refusal::NoNeedleIn,
            Refusal::NeedleIsIn,
            Refusal::NoGap,
            Refusal::NothingToTakeBack,
            Refusal::EmptyVolume,
            Refusal::TooMany,
            Refusal::FirstStep,
            Refusal::Closed,
            Refusal::AboveCapacity {
                total: Volume::ZERO,
                capacity: Volume::ZERO,
            },
        ];
        for refusal in refusals {
            let said = refusal.to_string();
            assert!(said.ends_with('.') && said.contains(' '), "{said}");
        }
    }
}
