//! Right, missed and false, counted as the interface says.
use crate::detect::{Port, PortState};
use crate::engine::quantile;
use crate::pump::Needle;

use super::measure::{Judged, Measures, Meter, Reading};
use super::truth::{CaseFacts, FrameTruth, PortTruth};

/// Least chord that counts as visible, mm.
const VISIBLE_CHORD: f64 = 4.0;
/// A port must have been visible this many frames before it has to be found.
const VISIBLE_FROM: u32 = 5;
/// Largest lateral error that is right, mm.
const LATERAL_RIGHT: f64 = 2.0;
/// Largest depth error that is right in a still, mm.
const DEPTH_RIGHT_STILL: f64 = 2.5;
/// Largest depth error that is right in a sequence, mm.
const DEPTH_RIGHT_SEQUENCE: f64 = 3.0;
/// Frames after the port vanished in which a lock is not yet false.
const GRACE: u32 = 2;

/// The score of one recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseScore {
    /// Its name.
    pub name: String,
    /// Whether it is a single picture.
    pub still: bool,
    /// Frames read.
    pub frames: u32,
    /// Frames (or 1 for a still) in which the port had to be found.
    pub visible: u32,
    /// Of these, found in the right place.
    pub right: u32,
    /// Of these, not reported.
    pub missed: u32,
    /// Reported, but in another place than the truth.
    pub wrong: u32,
    /// Reported where there is none: `locked` in a sequence, any port in a still.
    pub false_locks: u32,
    /// Frames without a port in which a lock would be false.
    pub empty: u32,
    /// Frames with a path that should have none (no port in the slice).
    pub false_paths: u32,
    /// Frames in state `candidate`.
    pub candidates: u32,
    /// Frames in state `inverted_suspected`.
    pub inverted: u32,
    /// Signed lateral errors where port and truth are both there, mm.
    pub lateral: Vec<f64>,
    /// Signed depth errors, mm.
    pub depth: Vec<f64>,
    /// Signed tilt errors, degrees.
    pub tilt: Vec<f64>,
    /// From the first visible frame to the first lock, s.
    pub seconds_to_lock: Option<f64>,
    /// What is true of the whole recording.
    pub facts: CaseFacts,
    /// Everything counted beside these.
    pub measures: Measures,
}

/// What went wrong in a frame, for the pictures of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// A visible port was not reported.
    Missed,
    /// A port was reported in a wrong place.
    WrongPlace,
    /// A port was reported where there is none.
    FalseLock,
    /// A path was offered where there is no port.
    FalsePath,
}

impl Failure {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::FalsePath,
        Self::FalseLock,
        Self::WrongPlace,
        Self::Missed,
    ];

    /// Its words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::WrongPlace => "wrong place",
            Self::FalseLock => "false lock",
            Self::FalsePath => "false path",
        }
    }
}

impl CaseScore {
    /// Median, 95th percentile and mean of absolute values; `None` without values.
    pub fn spread(values: &[f64]) -> Option<[f64; 3]> {
        if values.is_empty() {
            return None;
        }
        let mut sorted: Vec<f64> = values.iter().map(|v| v.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some([quantile(&sorted, 0.5), quantile(&sorted, 0.95), mean])
    }

    /// Adds another case's counts and errors to this one.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.visible += other.visible;
        self.right += other.right;
        self.missed += other.missed;
        self.wrong += other.wrong;
        self.false_locks += other.false_locks;
        self.empty += other.empty;
        self.false_paths += other.false_paths;
        self.candidates += other.candidates;
        self.inverted += other.inverted;
        self.lateral.extend(&other.lateral);
        self.depth.extend(&other.depth);
        self.tilt.extend(&other.tilt);
        self.measures.add(&other.measures);
    }
}

/// Counts one recording, frame by frame.
#[derive(Debug)]
pub struct Scorer {
    score: CaseScore,
    visible_so_far: u32,
    empty_for: Option<u32>,
    first_visible: Option<f64>,
    meter: Meter,
}

impl Scorer {
    /// A scorer of a still or a sequence called `name`, of which `facts` are true, read for `needle`.
    pub fn new(name: &str, still: bool, facts: CaseFacts, needle: Option<Needle>) -> Self {
        Self {
            score: CaseScore {
                name: name.to_owned(),
                still,
                facts,
                ..CaseScore::default()
            },
            visible_so_far: 0,
            empty_for: None,
            first_visible: None,
            meter: Meter::new(needle),
        }
    }

    /// Takes one frame into account; says what went wrong in it. Reading and truth in the same coordinates (mm).
    pub fn note(&mut self, read: &Reading<'_>, truth: &FrameTruth, seconds: f64) -> Vec<Failure> {
        let before = self.failures();
        let finding = read.finding;
        let has_path = read.guidance.path.is_some();
        self.score.frames += 1;
        self.score.candidates += u32::from(finding.state == PortState::Candidate);
        self.score.inverted += u32::from(finding.state == PortState::InvertedSuspected);
        if let (Some(face), Some(tilt)) = (finding.face, truth.tilt_deg) {
            self.score.tilt.push(face.tilt.degrees() - tilt);
        }
        let said = match (self.score.still, finding.state) {
            (_, PortState::Locked) | (true, PortState::Candidate) => finding.port,
            _ => None,
        };
        let error = match (said, truth.port) {
            (Some(port), Some(truth)) => Some((port.center.x - truth.x, port.center.z - truth.z)),
            _ => None,
        };
        if let Some((lateral, depth)) = error {
            self.score.lateral.push(lateral);
            self.score.depth.push(depth);
        }
        let empty_before = self.score.empty;
        match truth.port {
            Some(port) => self.with_port(port, error, seconds),
            None => self.without_port(said.is_some(), has_path),
        }
        let is_right = |port: Option<Port>| match (port, truth.port) {
            (Some(port), Some(truth)) => {
                self.is_right(port.center.x - truth.x, port.center.z - truth.z)
            }
            _ => false,
        };
        let judged = Judged {
            said,
            said_right: is_right(said),
            shown_right: is_right(finding.port),
            is_empty: self.score.empty > empty_before,
        };
        self.meter
            .note(&mut self.score.measures, read, truth, &judged, seconds);
        Failure::ALL
            .into_iter()
            .zip(before.into_iter().zip(self.failures()))
            .filter(|(_, (before, after))| after > before)
            .map(|(failure, _)| failure)
            .collect()
    }

    /// Counts of every kind of failure so far, in the order of [`Failure::ALL`].
    fn failures(&self) -> [u32; 4] {
        let score = &self.score;
        [
            score.false_paths,
            score.false_locks,
            score.wrong,
            score.missed,
        ]
    }

    fn is_right(&self, lateral: f64, depth: f64) -> bool {
        let most = if self.score.still {
            DEPTH_RIGHT_STILL
        } else {
            DEPTH_RIGHT_SEQUENCE
        };
        lateral.abs() <= LATERAL_RIGHT && depth.abs() <= most
    }

    fn with_port(&mut self, port: PortTruth, error: Option<(f64, f64)>, seconds: f64) {
        self.empty_for = Some(0);
        let is_right = error.is_some_and(|(l, d)| self.is_right(l, d));
        self.score.wrong += u32::from(error.is_some() && !is_right);
        if port.width >= VISIBLE_CHORD {
            self.visible_so_far += 1;
            let first = *self.first_visible.get_or_insert(seconds);
            if is_right && self.score.seconds_to_lock.is_none() {
                self.score.seconds_to_lock = Some(seconds - first);
            }
            if self.score.still || self.visible_so_far >= VISIBLE_FROM {
                self.score.visible += 1;
                self.score.right += u32::from(is_right);
                self.score.missed += u32::from(error.is_none());
            }
        }
    }

    fn without_port(&mut self, said: bool, has_path: bool) {
        // Before the port was ever there, no grace is due.
        let is_empty = match &mut self.empty_for {
            None => true,
            Some(frames) => {
                *frames += 1;
                *frames > GRACE
            }
        };
        if is_empty {
            self.score.empty += 1;
            self.score.false_locks += u32::from(said);
            self.score.false_paths += u32::from(has_path);
        }
    }

    /// The score of the whole recording.
    pub fn finish(mut self) -> CaseScore {
        self.meter
            .finish(&mut self.score.measures, &self.score.facts);
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Finding, Port};
    use crate::guide::{Guidance, NeedlePath};
    use crate::space::{Millimeters, ScanPoint};

    fn locked(x: f64) -> Finding {
        Finding {
            state: PortState::Locked,
            port: Some(Port {
                center: ScanPoint::new(x, 20.0),
                width: Millimeters(7.0),
                sigma: Millimeters(0.2),
            }),
            ..Finding::default()
        }
    }

    fn truth(x: f64) -> FrameTruth {
        FrameTruth {
            port: Some(PortTruth {
                x,
                z: 20.0,
                width: 7.0,
            }),
            ..FrameTruth::default()
        }
    }

    fn note(
        scorer: &mut Scorer,
        finding: &Finding,
        with_path: bool,
        truth: &FrameTruth,
        t: f64,
    ) -> Vec<Failure> {
        let path = with_path.then(|| NeedlePath {
            entry: ScanPoint::new(0.0, 0.0),
            aim: ScanPoint::new(0.0, 24.0),
            stop: ScanPoint::new(0.0, 28.0),
            tilt: crate::space::Radians(0.0),
            depth: crate::guide::DepthSpan {
                least: Millimeters(25.0),
                most: Millimeters(31.0),
            },
            provisional: false,
            way: crate::guide::Way::MarkThenStick,
            lean: crate::space::Radians(0.0),
            corridor: Millimeters(2.0),
        });
        let guidance = Guidance {
            frame: finding.frame,
            path,
            withheld: Vec::new(),
            planes: crate::guide::Planes::None,
            plane_refused: None,
            way_obstacle: None,
        };
        let read = Reading {
            finding,
            guidance: &guidance,
        };
        scorer.note(&read, truth, t)
    }

    fn scorer() -> Scorer {
        Scorer::new("case", false, CaseFacts::default(), None)
    }

    #[test]
    fn a_lock_counts_from_the_fifth_visible_frame_and_is_false_three_frames_after_the_port_went() {
        let mut scorer = scorer();
        for i in 0..6 {
            note(
                &mut scorer,
                &locked(0.0),
                false,
                &truth(0.5),
                f64::from(i) * 0.04,
            );
        }
        for _ in 0..4 {
            note(&mut scorer, &locked(0.0), true, &FrameTruth::default(), 1.0);
        }
        note(&mut scorer, &locked(9.0), false, &truth(0.0), 2.0);
        let score = scorer.finish();
        assert_eq!((score.visible, score.right, score.wrong), (3, 2, 1));
        assert_eq!(
            (score.empty, score.false_locks, score.false_paths),
            (2, 2, 2)
        );
        assert_eq!(score.seconds_to_lock, Some(0.0));
    }

    #[test]
    fn a_lock_where_there_never_was_a_port_is_false_at_once() {
        let mut scorer = scorer();
        note(
            &mut scorer,
            &locked(0.0),
            false,
            &FrameTruth::default(),
            0.0,
        );
        assert_eq!(scorer.finish().false_locks, 1);
    }

    #[test]
    fn what_went_wrong_in_a_frame_is_named() {
        let mut scorer = scorer();
        let nothing = FrameTruth::default();
        let wrong = note(&mut scorer, &locked(0.0), true, &nothing, 0.0);
        assert_eq!(wrong, [Failure::FalsePath, Failure::FalseLock]);
        let wrong = note(&mut scorer, &locked(9.0), false, &truth(0.0), 0.1);
        assert_eq!(wrong, [Failure::WrongPlace]);
        for _ in 0..3 {
            note(&mut scorer, &locked(0.0), false, &truth(0.0), 0.2);
        }
        let wrong = note(&mut scorer, &Finding::default(), false, &truth(0.0), 0.3);
        assert_eq!(wrong, [Failure::Missed]);
    }
}
