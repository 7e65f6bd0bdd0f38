//! How fast sound runs in what was scanned.
use std::str::FromStr;

/// Speed of sound scanners assume and patients are measured with, m/s (IEC 61157, soft tissue).
pub const TISSUE_SPEED: f64 = 1540.0;
/// Temperatures the water formula holds for, degrees Celsius.
const WATER_RANGE: std::ops::RangeInclusive<f64> = 0.0..=95.0;

/// What lies between probe and wires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Medium {
    /// Pure water at a temperature in degrees Celsius.
    Water(f64),
    /// Tissue-equivalent material of 1540 m/s.
    Tissue,
}

/// A medium that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("medium: expected tissue, or water:T with T from 0 to 95 degrees Celsius, got {got:?}")]
pub struct MediumProblem {
    /// What was given.
    pub got: String,
}

impl Medium {
    /// Speed of sound, m/s.
    pub fn speed(self) -> f64 {
        match self {
            Self::Water(celsius) => water_speed(celsius),
            Self::Tissue => TISSUE_SPEED,
        }
    }
}

impl FromStr for Medium {
    type Err = MediumProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MediumProblem {
            got: text.to_owned(),
        };
        if text == "tissue" {
            return Ok(Self::Tissue);
        }
        let celsius = text.strip_prefix("water:").ok_or_else(wrong)?;
        let celsius: f64 = celsius.trim().parse().ok().ok_or_else(wrong)?;
        if WATER_RANGE.contains(&celsius) {
            Ok(Self::Water(celsius))
        } else {
            Err(wrong())
        }
    }
}

/// Speed of sound in pure water at `celsius` (0 to 95) and one atmosphere, m/s: the fifth-order polynomial of
/// N. Bilaniuk and G. S. K. Wong, J. Acoust. Soc. Am. 93 (1993) 1609 and 99 (1996) 3257 (148-point set).
pub fn water_speed(celsius: f64) -> f64 {
    const TERMS: [f64; 6] = [
        1_402.387_54,
        5.038_213_44,
        -5.809_098_98e-2,
        3.342_958_65e-4,
        -1.478_028_63e-6,
        3.148_936_5e-9,
    ];
    TERMS
        .iter()
        .rev()
        .fold(0.0, |sum, term| sum * celsius + term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_is_as_fast_as_the_tables_say() {
        // Del Grosso and Mader 1972: 1482.36 at 20, 1496.73 at 25, 1523.6 at 37 degrees.
        for (celsius, speed) in [(20.0, 1482.36), (25.0, 1496.73), (37.0, 1523.6)] {
            assert!((water_speed(celsius) - speed).abs() < 0.3, "{celsius}");
        }
    }

    #[test]
    fn media_are_read_or_refused() {
        assert_eq!("water:22".parse(), Ok(Medium::Water(22.0)));
        assert_eq!("tissue".parse(), Ok(Medium::Tissue));
        for bad in ["", "water", "water:hot", "water:NaN", "water:120", "fat"] {
            assert!(bad.parse::<Medium>().is_err(), "{bad}");
        }
    }
}
