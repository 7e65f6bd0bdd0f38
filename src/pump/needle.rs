//! Refill needles: gauge and length as people write them, such as `22G:38`.
use std::fmt;
use std::str::FromStr;

use crate::notice::Problem;
use crate::pump::Needle;
use crate::space::Millimeters;

/// Gauges of regular-wall needles and their outer diameters, mm.
const OUTER_DIAMETERS: [(u8, f64); 10] = [
    (18, 1.270),
    (19, 1.067),
    (20, 0.908),
    (21, 0.819),
    (22, 0.718),
    (23, 0.642),
    (24, 0.566),
    (25, 0.515),
    (26, 0.464),
    (27, 0.413),
];
const SHORTEST: f64 = 20.0;
const LONGEST: f64 = 120.0;
/// A thinner needle can pass the screen of the catheter access port (H08).
const THINNEST_FOR_REFILL: u8 = 22;

/// A needle that cannot be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NeedleError {
    /// Not gauge and length.
    #[error("needle: expected gauge and length such as 22G:38, got {got:?}")]
    Form {
        /// What was given.
        got: String,
    },
    /// A gauge that no refill needle has.
    #[error("needle: expected a gauge of 18 to 27, got {got}")]
    Gauge {
        /// What was given.
        got: String,
    },
    /// A length that no refill needle has.
    #[error("needle: expected a length of 20 to 120 mm, got {got}")]
    Length {
        /// What was given.
        got: String,
    },
}

impl Problem for NeedleError {
    fn hint(&self) -> Option<String> {
        Some(
            "Read gauge and length from the needle's packing: 1.5 in is 38 mm, 2 in is 51 mm."
                .to_owned(),
        )
    }
}

impl Needle {
    /// A needle of gauge 18 to 27 and 20 to 120 mm.
    pub fn new(gauge: u8, length: Millimeters) -> Result<Self, NeedleError> {
        let needle = Self { gauge, length };
        if needle.outer_diameter().is_none() {
            return Err(NeedleError::Gauge {
                got: gauge.to_string(),
            });
        }
        if !needle.is_sound() {
            return Err(NeedleError::Length {
                got: format!("{} mm", length.0),
            });
        }
        Ok(needle)
    }

    /// Outer diameter of a regular-wall needle of this gauge; `None` outside 18 to 27.
    pub fn outer_diameter(&self) -> Option<Millimeters> {
        OUTER_DIAMETERS
            .iter()
            .find(|(gauge, _)| *gauge == self.gauge)
            .map(|(_, diameter)| Millimeters(*diameter))
    }

    /// Whether gauge and length are those of a needle that exists.
    pub fn is_sound(&self) -> bool {
        self.outer_diameter().is_some() && (SHORTEST..=LONGEST).contains(&self.length.0)
    }

    /// Whether it is thinner than a refill needle, so that it can enter the catheter access port (H08).
    pub fn is_thinner_than_refill(&self) -> bool {
        self.gauge > THINNEST_FOR_REFILL
    }
}

impl fmt::Display for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}G:{}", self.gauge, self.length.0)
    }
}

impl FromStr for Needle {
    type Err = NeedleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || NeedleError::Form {
            got: text.to_owned(),
        };
        let (gauge, length) = text.trim().split_once(':').ok_or_else(form)?;
        let gauge = gauge.trim();
        let gauge = gauge.strip_suffix(['G', 'g']).ok_or_else(form)?;
        if gauge.is_empty() || !gauge.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(form());
        }
        let length = length.trim();
        let length = length.strip_suffix("mm").unwrap_or(length).trim_end();
        let length: f64 = match length.parse() {
            Ok(length) => length,
            Err(_) => return Err(form()),
        };
        let gauge: u8 = match gauge.parse() {
            Ok(gauge) => gauge,
            Err(_) => {
                return Err(NeedleError::Gauge {
                    got: gauge.to_owned(),
                });
            }
        };
        Self::new(gauge, Millimeters(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gauge_and_length_are_read_as_people_write_them() {
        for text in ["22G:38", "22g:38", " 22G : 38 mm ", "22G:38.0"] {
            let needle: Needle = text.parse().expect(text);
            assert_eq!(
                needle,
                Needle {
                    gauge: 22,
                    length: Millimeters(38.0)
                }
            );
            assert_eq!(needle.to_string(), "22G:38");
        }
        let odd: Needle = "24G:38.1".parse().expect("a tenth");
        assert_eq!(odd.to_string(), "24G:38.1");
        assert!(odd.is_thinner_than_refill());
    }

    #[test]
    fn what_is_no_needle_is_refused_with_what_was_expected() {
        for text in [
            "",
            "22",
            "22G",
            "G:38",
            "22G:",
            "22:38",
            "22G:long",
            "22G:38:1",
            "-22G:38",
            "22G:38 in",
        ] {
            assert!(
                matches!(text.parse::<Needle>(), Err(NeedleError::Form { .. })),
                "{text}"
            );
        }
        for text in ["17G:38", "28G:38", "0G:38", "999G:38"] {
            let error = text.parse::<Needle>().expect_err(text);
            assert!(matches!(error, NeedleError::Gauge { .. }), "{text}");
            assert!(error.to_string().contains("18 to 27"));
        }
        for text in [
            "22G:19.9", "22G:121", "22G:-38", "22G:NaN", "22G:inf", "22G:1e9",
        ] {
            let error = text.parse::<Needle>().expect_err(text);
            assert!(matches!(error, NeedleError::Length { .. }), "{text}");
            assert!(error.to_string().contains("20 to 120 mm"));
        }
    }

    #[test]
    fn outer_diameters_are_those_of_standard_tables() {
        let diameter = |gauge| {
            Needle {
                gauge,
                length: Millimeters(38.0),
            }
            .outer_diameter()
        };
        assert_eq!(diameter(22), Some(Millimeters(0.718)));
        assert_eq!(diameter(24), Some(Millimeters(0.566)));
        assert_eq!(diameter(17), None);
        let thinner_each_step = OUTER_DIAMETERS
            .windows(2)
            .all(|pair| pair[1].0 == pair[0].0 + 1 && pair[1].1 < pair[0].1);
        assert!(thinner_each_step);
    }

    proptest! {
        #[test]
        fn every_needle_is_read_back_from_its_own_words(gauge in 18u8..=27, tenths in 200u32..=1200) {
            let needle = Needle::new(gauge, Millimeters(f64::from(tenths) / 10.0)).expect("within limits");
            prop_assert_eq!(needle.to_string().parse::<Needle>(), Ok(needle));
        }

        #[test]
        fn no_text_makes_the_needle_reader_panic(text in "\\PC{0,20}") {
            if let Ok(needle) = text.parse::<Needle>() {
                prop_assert!(needle.is_sound());
            }
        }
    }
}
