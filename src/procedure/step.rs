//! The steps of a refill, in their order.

/// One step of a refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Who, which pump, which needle, what is expected.
    #[default]
    Identify,
    /// Fluid over the pump, looked for before anything is punctured.
    ScanForFluid,
    /// The fill port is found.
    FindPort,
    /// It is confirmed in two planes.
    ConfirmPlanes,
    /// The skin is marked, or the needle is brought up under live guidance.
    Approach,
    /// The needle goes in until the metal stop is felt.
    Puncture,
    /// The reservoir is emptied, and what came is compared with what was expected.
    EmptyAndCompare,
    /// The reservoir is filled in aliquots, with checks between them.
    Fill,
    /// The refill is closed and its report written.
    Report,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 9] = [
        Self::Identify,
        Self::ScanForFluid,
        Self::FindPort,
        Self::ConfirmPlanes,
        Self::Approach,
        Self::Puncture,
        Self::EmptyAndCompare,
        Self::Fill,
        Self::Report,
    ];

    /// Its number for people, 1 to 9.
    pub fn number(self) -> usize {
        Self::ALL
            .iter()
            .position(|s| *s == self)
            .map_or(1, |p| p + 1)
    }

    /// The step after it; `None` after the last.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self.number()).copied()
    }

    /// The step before it; `None` before the first.
    pub fn previous(self) -> Option<Self> {
        Self::ALL.get(self.number().checked_sub(2)?).copied()
    }

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Identify => "step-identify",
            Self::ScanForFluid => "step-fluid",
            Self::FindPort => "step-find",
            Self::ConfirmPlanes => "step-planes",
            Self::Approach => "step-approach",
            Self::Puncture => "step-puncture",
            Self::EmptyAndCompare => "step-empty",
            Self::Fill => "step-fill",
            Self::Report => "step-report",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_in_order_and_lead_back_where_they_came_from() {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step.number(), index + 1);
            if let Some(next) = step.next() {
                assert_eq!(next.previous(), Some(step));
            }
            assert!(crate::words::has(step.key()), "{}", step.key());
        }
        assert_eq!(Step::Identify.previous(), None);
        assert_eq!(Step::Report.next(), None);
    }
}
