//! How far an answer was off the truth.
use serde::{Deserialize, Serialize};

use crate::simulate::PortPlace;
use crate::space::ScanPoint;

/// Nearer than this in the skin, or in the picture, an answer is a good one: half the width of a port, mm.
pub const GOOD_WITHIN_MM: f64 = 3.5;

/// What a trainee says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// The needle goes in at the middle of the probe, square to the face.
    SkinMark,
    /// The middle of the port lies here in the picture.
    AimPoint(ScanPoint),
    /// This patient has no fill port that faces the skin.
    NoPort,
}

/// The kind of an answer, for the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// A mark on the skin.
    SkinMark,
    /// A point in the picture.
    AimPoint,
    /// That there is no port.
    NoPort,
}

impl Answer {
    /// Its kind.
    pub fn kind(&self) -> Answered {
        match self {
            Self::SkinMark => Answered::SkinMark,
            Self::AimPoint(_) => Answered::AimPoint,
            Self::NoPort => Answered::NoPort,
        }
    }
}

/// How far off, in the axes of the probe, mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    /// Along the picture, positive when the answer lies toward the marked side.
    pub lateral_mm: f64,
    /// Across the picture.
    pub elevational_mm: f64,
    /// Positive when the answer lies too deep; a mark on the skin has none.
    pub depth_mm: Option<f64>,
}

impl Miss {
    /// The whole distance, mm.
    pub fn distance_mm(&self) -> f64 {
        self.lateral_mm
            .hypot(self.elevational_mm)
            .hypot(self.depth_mm.unwrap_or(0.0))
    }

    /// Whether it would have been good enough.
    pub fn is_good(&self) -> bool {
        self.distance_mm() <= GOOD_WITHIN_MM
    }
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// A place was named, and there is a port.
    Off(Miss),
    /// There is no port, and it was said.
    RightlyNone,
    /// There is a port, and it was not found.
    PortMissed,
    /// A place was named where there is no port.
    NoSuchPort,
}

/// One answer with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Seed of the patient.
    pub seed: u64,
    /// What was answered.
    pub answer: Answered,
    /// Whether marks of the detector were shown at any time.
    pub aided: bool,
    /// From the patient's first picture to the answer.
    pub seconds: f64,
    /// What came of it.
    pub verdict: Verdict,
}

/// Judges an answer by where the port lies; `None` for a patient without one.
pub fn judge(answer: &Answer, place: Option<PortPlace>) -> Verdict {
    let Some(place) = place else {
        return match answer {
            Answer::NoPort => Verdict::RightlyNone,
            Answer::SkinMark | Answer::AimPoint(_) => Verdict::NoSuchPort,
        };
    };
    let [along, across, deep] = place.middle_mm;
    let [entry_along, entry_across] = place.entry_mm;
    match answer {
        Answer::NoPort => Verdict::PortMissed,
        // The middle of the probe is where both are zero.
        Answer::SkinMark => Verdict::Off(Miss {
            lateral_mm: -entry_along,
            elevational_mm: -entry_across,
            depth_mm: None,
        }),
        Answer::AimPoint(at) => Verdict::Off(Miss {
            lateral_mm: at.x - along,
            elevational_mm: -across,
            depth_mm: Some(at.z - deep),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: PortPlace = PortPlace {
        middle_mm: [3.0, -2.0, 20.0],
        entry_mm: [4.0, -1.0],
    };

    #[test]
    fn a_mark_on_the_skin_is_judged_by_where_a_square_needle_goes_in() {
        let Verdict::Off(miss) = judge(&Answer::SkinMark, Some(PLACE)) else {
            panic!("there is a port");
        };
        assert_eq!((miss.lateral_mm, miss.elevational_mm), (-4.0, 1.0));
        assert_eq!(miss.depth_mm, None);
        assert!((miss.distance_mm() - 17.0_f64.sqrt()).abs() < 1e-12);
        assert!(!miss.is_good());
    }

    #[test]
    fn a_point_in_the_picture_is_judged_along_across_and_in_depth() {
        let at = Answer::AimPoint(ScanPoint::new(4.0, 22.0));
        let Verdict::Off(miss) = judge(&at, Some(PLACE)) else {
            panic!("there is a port");
        };
        assert_eq!(miss.lateral_mm, 1.0);
        assert_eq!(miss.elevational_mm, 2.0);
        assert_eq!(miss.depth_mm, Some(2.0));
        assert!(miss.is_good(), "3 mm in all");
    }

    #[test]
    fn that_there_is_no_port_is_right_or_wrong_and_has_no_millimetres() {
        let at = Answer::AimPoint(ScanPoint::new(0.0, 20.0));
        assert_eq!(judge(&Answer::NoPort, None), Verdict::RightlyNone);
        assert_eq!(judge(&Answer::NoPort, Some(PLACE)), Verdict::PortMissed);
        assert_eq!(judge(&Answer::SkinMark, None), Verdict::NoSuchPort);
        assert_eq!(judge(&at, None), Verdict::NoSuchPort);
    }
}
