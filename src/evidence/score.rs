//! Right, missed and false, counted as the interface says.
use crate::detect::Finding;
use crate::detect::PortState;
use crate::engine::quantile;

use super::truth::{FrameTruth, PortTruth};

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
    }
}

/// Counts one recording, frame by frame.
#[derive(Debug)]
pub struct Scorer {
    score: CaseScore,
    visible_so_far: u32,
    empty_for: Option<u32>,
    first_visible: Option<f64>,
}

impl Scorer {
    /// A scorer of a still or a sequence called `name`.
    pub fn new(name: &str, still: bool) -> Self {
        Self {
            score: CaseScore {
                name: name.to_owned(),
                still,
                ..CaseScore::default()
            },
            visible_so_far: 0,
            empty_for: None,
            first_visible: None,
        }
    }

    /// Takes one frame into account. Finding and truth in the same coordinates (mm).
    pub fn note(&mut self, finding: &Finding, has_path: bool, truth: &FrameTruth, seconds: f64) {
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
        match truth.port {
            Some(port) => self.with_port(port, error, seconds),
            None => self.without_port(said.is_some(), has_path),
        }
    }

    fn with_port(&mut self, port: PortTruth, error: Option<(f64, f64)>, seconds: f64) {
        self.empty_for = Some(0);
        let depth_right = if self.score.still {
            DEPTH_RIGHT_STILL
        } else {
            DEPTH_RIGHT_SEQUENCE
        };
        let is_right =
            error.is_some_and(|(l, d)| l.abs() <= LATERAL_RIGHT && d.abs() <= depth_right);
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
    pub fn finish(self) -> CaseScore {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Port;
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
            tilt_deg: None,
        }
    }

    #[test]
    fn a_lock_counts_from_the_fifth_visible_frame_and_is_false_three_frames_after_the_port_went() {
        let mut scorer = Scorer::new("case", false);
        for i in 0..6 {
            scorer.note(&locked(0.0), false, &truth(0.5), f64::from(i) * 0.04);
        }
        for _ in 0..4 {
            scorer.note(&locked(0.0), true, &FrameTruth::default(), 1.0);
        }
        scorer.note(&locked(9.0), false, &truth(0.0), 2.0);
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
        let mut scorer = Scorer::new("case", false);
        scorer.note(&locked(0.0), false, &FrameTruth::default(), 0.0);
        assert_eq!(scorer.finish().false_locks, 1);
    }
}
