//! Volumes as a syringe shows them, and the gaps between what was expected and what came. No dose is computed here
//! or anywhere (H21): volumes are recorded and subtracted.
use std::fmt;
use std::str::FromStr;

use crate::pump::PumpModel;

/// No reservoir and no syringe of a refill holds more, mL.
const MOST_ML: u16 = 100;
/// A reservoir up to this size has the narrower limit for gaps, mL: it is the 20 mL pump's (Maino 2017).
const SMALL_RESERVOIR_ML: f64 = 20.0;
/// Gaps above this may matter in small reservoirs (H20).
const GAP_SMALL: Volume = Volume { tenths: 10 };
/// Gaps above this may matter in large reservoirs (H20).
const GAP_LARGE: Volume = Volume { tenths: 20 };
/// Up to this expected residual, nothing may flow back although the needle is in place (H19).
pub const ASPIRATION_LEAST: Volume = Volume { tenths: 20 };
/// First aliquot of a filling, and the most between two checks (clinical notes, refills chapter).
pub const ALIQUOT: Volume = Volume { tenths: 50 };

/// A volume in tenths of a millilitre, 0 to 100 mL: what is typed is what is kept, without rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Volume {
    tenths: u16,
}

/// A text that is no volume (H20).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected mL from 0 to 100 with at most one decimal, such as 3.2 or 3,2; got {got:?}")]
pub struct VolumeError {
    /// What was typed.
    pub got: String,
}

impl Volume {
    /// Nothing.
    pub const ZERO: Self = Self { tenths: 0 };

    /// From tenths of a millilitre; `None` above 100 mL.
    pub fn from_tenths(tenths: u16) -> Option<Self> {
        (tenths <= MOST_ML * 10).then_some(Self { tenths })
    }

    /// In tenths of a millilitre.
    pub fn tenths(self) -> u16 {
        self.tenths
    }

    /// In millilitres.
    pub fn milliliters(self) -> f64 {
        f64::from(self.tenths) / 10.0
    }

    /// What a pump's reservoir holds, rounded down.
    pub fn capacity(pump: &PumpModel) -> Self {
        let tenths = (pump.reservoir.value.0 * 10.0).floor();
        let tenths = tenths.clamp(0.0, f64::from(MOST_ML * 10));
        Self {
            tenths: tenths as u16,
        }
    }

    /// The sum; above 6553.5 mL it stays there.
    pub fn plus(self, other: Self) -> Self {
        Self {
            tenths: self.tenths.saturating_add(other.tenths),
        }
    }

    /// The difference; zero when `other` is larger.
    pub fn minus(self, other: Self) -> Self {
        Self {
            tenths: self.tenths.saturating_sub(other.tenths),
        }
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} mL", self.tenths / 10, self.tenths % 10)
    }
}

impl serde::Serialize for Volume {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.milliliters())
    }
}

impl FromStr for Volume {
    type Err = VolumeError;

    /// Point or comma, one decimal, no sign, no grouping: `1,234.5` and `1.25` are refused, not guessed at.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || VolumeError {
            got: text.chars().take(40).collect(),
        };
        let figure = text.trim();
        let figure = ["mL", "ml", "ML"]
            .iter()
            .find_map(|unit| figure.strip_suffix(unit))
            .unwrap_or(figure)
            .trim_end();
        let (whole, decimal) = figure
            .split_once(['.', ','])
            .map_or((figure, "0"), |(whole, decimal)| (whole, decimal));
        let is_plain = |digits: &str, most: usize| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        };
        if !is_plain(whole, 3) || !is_plain(decimal, 1) {
            return Err(wrong());
        }
        let whole: u16 = whole.parse().map_err(|_not_a_number| wrong())?;
        let decimal: u16 = decimal.parse().map_err(|_not_a_number| wrong())?;
        Self::from_tenths(whole * 10 + decimal).ok_or_else(wrong)
    }
}

/// Which two volumes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Aspirated against the residual that the programmer expects.
    Aspirated,
    /// Injected against the reservoir volume entered into the programmer.
    Injected,
}

impl GapKind {
    /// Both, in the order of the procedure.
    pub const ALL: [Self; 2] = [Self::Aspirated, Self::Injected];
}

/// The difference between two volumes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Gap {
    /// What is compared.
    pub kind: GapKind,
    /// What should have been: expected residual, or programmed volume.
    pub expected: Volume,
    /// What was: aspirated, or injected.
    pub found: Volume,
    /// Found less expected, mL.
    pub by_ml: f64,
    /// The same as a share of what was expected, percent; `None` when nothing was expected.
    pub percent: Option<f64>,
    /// Gaps above this have to be acknowledged.
    pub limit: Volume,
    /// Whether it is above the limit.
    pub is_large: bool,
}

impl Gap {
    /// Compares two volumes for a pump.
    pub fn new(kind: GapKind, expected: Volume, found: Volume, pump: &PumpModel) -> Self {
        let by_tenths = i32::from(found.tenths) - i32::from(expected.tenths);
        let limit = gap_limit(pump);
        Self {
            kind,
            expected,
            found,
            by_ml: f64::from(by_tenths) / 10.0,
            percent: (expected > Volume::ZERO)
                .then(|| f64::from(by_tenths) / f64::from(expected.tenths) * 100.0),
            limit,
            is_large: by_tenths.unsigned_abs() > u32::from(limit.tenths),
        }
    }
}

/// The gap above which volumes do not match: 1 mL up to 20 mL reservoirs, 2 mL above; 1 mL when the pump is not known.
pub fn gap_limit(pump: &PumpModel) -> Volume {
    if pump.plannable && pump.reservoir.value.0 > SMALL_RESERVOIR_ML {
        GAP_LARGE
    } else {
        GAP_SMALL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pump;

    fn ml(text: &str) -> Volume {
        text.parse().expect(text)
    }

    #[test]
    fn volumes_are_read_with_point_or_comma_and_never_guessed_at() {
        for (text, tenths) in [
            ("3.2", 32),
            ("3,2", 32),
            (" 3.2 mL ", 32),
            ("0", 0),
            ("20ml", 200),
            ("100", 1000),
            ("007", 70),
        ] {
            assert_eq!(ml(text).tenths(), tenths, "{text}");
        }
        for bad in [
            "", "-1", "+1", "1.25", "1,234.5", "1.2.3", "1e1", "100.1", "999", "3.", ".5", "3 2",
            "٣", "NaN", "3 cc", "mL", "1’0",
        ] {
            let problem = bad.parse::<Volume>().expect_err(bad);
            assert!(problem.to_string().contains("expected mL"), "{problem}");
        }
    }

    #[test]
    fn a_gap_matters_above_one_milliliter_in_20_and_above_two_in_40() {
        let small = pump::find("synchromed2-20").expect("known");
        let large = pump::find("synchromed2-40").expect("known");
        let is_large = |pump, expected, found| {
            Gap::new(GapKind::Aspirated, ml(expected), ml(found), pump).is_large
        };
        assert!(!is_large(small, "3.2", "2.2"));
        assert!(is_large(small, "3.2", "2.1"));
        assert!(is_large(small, "3.2", "4.3"));
        assert!(!is_large(large, "3.2", "5.2"));
        assert!(is_large(large, "3.2", "5.3"));
        assert!(is_large(&pump::generic(), "3.2", "4.3"));
    }

    #[test]
    fn a_gap_is_told_in_milliliters_and_percent() {
        let pump = pump::find("synchromed2-20").expect("known");
        let gap = Gap::new(GapKind::Injected, ml("20"), ml("18.5"), pump);
        assert_eq!(gap.by_ml, -1.5);
        assert_eq!(gap.percent, Some(-7.5));
        let from_nothing = Gap::new(GapKind::Aspirated, ml("0"), ml("0.5"), pump);
        assert_eq!(from_nothing.percent, None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(tenths in 0_u16..=1000) {
            let volume = Volume::from_tenths(tenths).expect("in range");
            prop_assert_eq!(volume.to_string().parse(), Ok(volume));
            let comma = volume.to_string().replace('.', ",");
            prop_assert_eq!(comma.parse(), Ok(volume));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            if let Ok(volume) = text.parse::<Volume>() {
                prop_assert!(volume.tenths() <= 1000);
            }
        }
    }
}
