//! One trainee, patient after patient.
use std::sync::Arc;

use super::score::{Answer, Score, judge};
use crate::clock::Timestamp;
use crate::frame::FrameId;
use crate::simulate::PortPlace;
use crate::space::ScanPoint;

/// Whether the detector's marks help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Aid {
    /// Marks are hidden.
    #[default]
    Hidden,
    /// Marks are shown.
    Shown,
}

/// What a trainee asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainingAction {
    /// The one way on: marks the skin, or goes to the next patient once that was judged.
    Forward,
    /// The middle of the port lies here in the picture.
    Aim(ScanPoint),
    /// This patient has no fill port.
    NoPort,
    /// Shows the detector's marks, or hides them.
    ToggleAid,
}

/// The truth over the picture of one frame, once it may be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reveal {
    /// The frame it belongs to, and no other.
    pub frame: FrameId,
    /// Where the middle of the port lies, and how far across the picture; `None` without a port.
    pub port: Option<(ScanPoint, f64)>,
    /// What the trainee pointed at.
    pub aim: Option<ScanPoint>,
}

/// What the screen sees of a course.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingLook {
    /// Seed of the present patient.
    pub seed: u64,
    /// The present patient's number in this course, from 1.
    pub number: u32,
    /// Whether marks help.
    pub aid: Aid,
    /// The verdict on the present patient, once there is one.
    pub scored: Option<Score>,
    /// The truth, once it may be seen.
    pub reveal: Option<Reveal>,
    /// All answers that are known, oldest first.
    pub history: Arc<Vec<Score>>,
    /// Seconds since the patient's first picture.
    pub seconds: f64,
    /// Trouble worth telling.
    pub note: Option<String>,
}

/// The present patient and what was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    seed: u64,
    number: u32,
    begun: Option<Timestamp>,
    aid: Aid,
    was_aided: bool,
    aim: Option<ScanPoint>,
    scored: Option<Score>,
}

impl Course {
    /// A course that begins with the patient of this seed.
    pub fn new(seed: u64, aid: Aid) -> Self {
        Self {
            seed,
            number: 1,
            begun: None,
            aid,
            was_aided: aid == Aid::Shown,
            aim: None,
            scored: None,
        }
    }

    /// Seed of the present patient.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The present patient's number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether marks help.
    pub fn aid(&self) -> Aid {
        self.aid
    }

    /// What was pointed at.
    pub fn aim(&self) -> Option<ScanPoint> {
        self.aim
    }

    /// The verdict, once there is one.
    pub fn scored(&self) -> Option<&Score> {
        self.scored.as_ref()
    }

    /// A picture of the present patient is on the screen: time runs from the first one.
    pub fn note_picture(&mut self, now: Timestamp) {
        self.begun.get_or_insert(now);
    }

    /// Seconds since the first picture; they stand still once it was answered.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        match (&self.scored, self.begun) {
            (Some(score), _) => score.seconds,
            (None, Some(begun)) => now.since(begun).as_secs_f64(),
            (None, None) => 0.0,
        }
    }

    /// Shows the marks, or hides them; a patient for whom they were ever shown counts as aided.
    pub fn toggle_aid(&mut self) {
        self.aid = match self.aid {
            Aid::Hidden => Aid::Shown,
            Aid::Shown => Aid::Hidden,
        };
        if self.scored.is_none() {
            self.was_aided |= self.aid == Aid::Shown;
        }
    }

    /// Takes an answer, once a patient; `None` when it was answered already, or nothing of the patient was seen yet.
    pub fn answer(
        &mut self,
        answer: &Answer,
        place: Option<PortPlace>,
        now: Timestamp,
    ) -> Option<Score> {
        if self.scored.is_some() || self.begun.is_none() {
            return None;
        }
        let score = Score {
            seed: self.seed,
            answer: answer.kind(),
            aided: self.was_aided,
            seconds: self.seconds(now),
            verdict: judge(answer, place),
        };
        self.aim = match answer {
            Answer::AimPoint(at) => Some(*at),
            Answer::SkinMark | Answer::NoPort => None,
        };
        self.scored = Some(score.clone());
        Some(score)
    }

    /// On to the patient of the next seed.
    pub fn go_on(&mut self) {
        *self = Self {
            seed: self.seed.wrapping_add(1),
            number: self.number.saturating_add(1),
            ..Self::new(self.seed, self.aid)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Verdict;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_patient_is_answered_once_and_time_runs_from_the_first_picture() {
        let mut course = Course::new(11, Aid::Hidden);
        assert_eq!(course.answer(&Answer::NoPort, None, at(1.0)), None);
        course.note_picture(at(2.0));
        course.note_picture(at(3.0));
        let score = course
            .answer(&Answer::NoPort, None, at(9.5))
            .expect("seen and not answered");
        assert_eq!(score.seconds, 7.5);
        assert_eq!((score.seed, score.verdict), (11, Verdict::RightlyNone));
        assert_eq!(course.answer(&Answer::SkinMark, None, at(10.0)), None);
        assert_eq!(course.seconds(at(99.0)), 7.5);
        course.go_on();
        assert_eq!((course.seed(), course.number()), (12, 2));
        assert_eq!(course.scored(), None);
        assert_eq!(course.seconds(at(99.0)), 0.0);
    }

    #[test]
    fn marks_that_were_ever_shown_make_an_answer_an_aided_one() {
        let mut course = Course::new(1, Aid::Hidden);
        course.note_picture(at(0.0));
        course.toggle_aid();
        course.toggle_aid();
        let score = course.answer(&Answer::SkinMark, None, at(1.0));
        assert!(score.expect("answered").aided);
        course.go_on();
        course.note_picture(at(2.0));
        let score = course.answer(&Answer::SkinMark, None, at(3.0));
        assert!(
            !score.expect("answered").aided,
            "a new patient, marks hidden"
        );
    }
}
