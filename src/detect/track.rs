//! What stays in the picture: one opening followed over time, and when it may be called locked.
//!
//! Face and openings are measured anew in every frame, so nothing drifts; the track only says which opening is
//! the same as before and how often it was seen. Time comes from the stamps of the frames.
use super::opening::{Opening, OpeningClass};

/// A remembered port is shown at most this long, seconds.
const HOLD_S: f64 = 0.5;
/// Frames in which an opening must be seen in the same place before it is locked.
const HITS_TO_LOCK: u32 = 4;
/// Of the last [`LATELY`] frames that showed it, those that must show it plainly, wide and with [`LOCK_FACE_MM`] of face on both sides: a look-alike
/// passes for a port now and then, a port most of the time.
const GOOD_TO_LOCK: u32 = 3;
const LATELY: u32 = 12;
/// Share of the opening that must be clear of shadows to acquire a lock.
const LOCK_VISIBLE: f64 = 0.75;
/// Face on each side needed to acquire a lock, mm.
const LOCK_FACE_MM: f64 = 10.0;
/// Least score of an opening that is followed, that starts a track, that locks, and that counts in a single picture.
const SCORE_FOLLOW: f64 = 0.35;
const SCORE_START: f64 = 0.72;
const SCORE_LOCK: f64 = 0.85;
const SCORE_SINGLE: f64 = 0.62;
/// How far an opening may be from where it is expected: in calm, and in a jerk when width and step agree, mm.
const CALM_GATE_MM: f64 = 2.5;
const JERK_GATE_MM: f64 = 12.0;
/// How far the height of a septum may change from one frame to the next, mm.
const STEP_CHANGE_MM: f64 = 1.2;
/// A gap in time that ends a track, seconds.
const FORGET_S: f64 = 1.0;

/// An opening with its place in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub opening: Opening,
    /// The interface it lies in, by its place in the frame's list.
    pub face: usize,
    /// Centre of the opening on the face plane (or on the rim), analysis mm.
    pub x: f64,
    pub z: f64,
}

/// What the track says about a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub locked: bool,
    pub held: bool,
    pub port: Option<Placed>,
    pub other: Option<Placed>,
    pub confidence: f64,
}

/// The opening that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    last: Placed,
    seen_at: f64,
    velocity: f64,
    hits: u32,
    /// One bit a frame that showed it, the last one lowest: whether it was plain to be a port.
    plain: u32,
    misses: u32,
    score: f64,
    /// Frames in a row in which the rim of the pump or of the port speaks against the fill port.
    against: u32,
    locked: bool,
}

impl Followed {
    /// In how many of the last frames that showed it it was plain to be a port.
    fn plain_in(&self, last: u32) -> u32 {
        (self.plain & ((1 << last) - 1)).count_ones()
    }
}

/// Follows the port from frame to frame.
#[derive(Debug, Default)]
pub(super) struct PortTrack {
    followed: Option<Followed>,
    last_time: Option<f64>,
}

impl PortTrack {
    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// What a single picture says: never more than a candidate.
    pub(super) fn single(openings: &[Placed]) -> Verdict {
        let fill = openings
            .iter()
            .find(|p| p.opening.class == OpeningClass::Fill && p.opening.score >= SCORE_SINGLE);
        let other = openings
            .iter()
            .find(|p| p.opening.class == OpeningClass::Access && p.opening.score >= SCORE_LOCK);
        Verdict {
            port: fill.copied(),
            other: if fill.is_some() { None } else { other.copied() },
            confidence: fill.map_or(0.0, |p| confidence(p.opening.score, 1)),
            ..Verdict::default()
        }
    }

    /// Takes the openings of the next frame.
    pub(super) fn update(&mut self, openings: &[Placed], time: f64) -> Verdict {
        let passed = self.last_time.map_or(0.0, |t| time - t);
        if !(0.0..=FORGET_S).contains(&passed) {
            self.followed = None;
        }
        let repeated = self.last_time.is_some() && passed == 0.0;
        self.last_time = Some(time);
        let chosen = self.choose(openings, time);
        match chosen {
            Some(placed) => self.hit(placed, time, repeated),
            None => self.miss(openings, time, repeated),
        }
    }

    /// The opening that continues the track, or the one that starts a track.
    fn choose(&self, openings: &[Placed], time: f64) -> Option<Placed> {
        let Some(f) = &self.followed else {
            return start_of(openings);
        };
        let age = (time - f.seen_at).max(0.0);
        let expected = f.last.x + f.velocity * age.min(0.12);
        let near = openings
            .iter()
            .filter(|p| {
                (p.x - expected).abs().min((p.x - f.last.x).abs()) <= CALM_GATE_MM + 4.0 * age
                    && p.opening.score >= SCORE_FOLLOW
                    && same_septum(&p.opening, &f.last.opening, STEP_CHANGE_MM)
            })
            .max_by(|a, b| a.opening.score.total_cmp(&b.opening.score));
        if let Some(p) = near {
            return Some(*p);
        }
        openings
            .iter()
            .filter(|p| {
                let (a, b) = (&p.opening, &f.last.opening);
                (p.x - f.last.x).abs() <= JERK_GATE_MM
                    && a.class == OpeningClass::Fill
                    && a.score >= SCORE_LOCK
                    && (a.width() - b.width()).abs() <= 1.3
                    && same_septum(a, b, 0.6)
            })
            .max_by(|a, b| a.opening.score.total_cmp(&b.opening.score))
            .copied()
    }

    fn hit(&mut self, placed: Placed, time: f64, repeated: bool) -> Verdict {
        let o = placed.opening;
        let f = self.followed.get_or_insert(Followed {
            last: placed,
            seen_at: time,
            velocity: 0.0,
            hits: 0,
            plain: 0,
            misses: 0,
            score: o.score,
            against: 0,
            locked: false,
        });
        let passed = time - f.seen_at;
        let speed = if passed > 0.0 {
            (placed.x - f.last.x) / passed
        } else {
            f.velocity
        };
        if !repeated {
            f.velocity += 0.4 * (speed - f.velocity);
            f.hits = f.hits.saturating_add(1);
            f.misses = 0;
            f.score += 0.3 * (o.score - f.score);
            let wide = o.class == OpeningClass::Fill && o.may_be_fill();
            // of a port that is partly in a shadow one end is a guess
            let faced = o.left_face.min(o.right_face) >= LOCK_FACE_MM && o.visible >= LOCK_VISIBLE;
            let plain = wide && faced && o.settled && o.score >= SCORE_LOCK;
            f.plain = f.plain << 1 | u32::from(plain);
            let near_rim = o.rim.is_some_and(|r| r < super::opening::RIM_LEAST_MM);
            let left = near_rim || o.along_rim();
            f.against = if left { f.against + 1 } else { 0 };
        }
        f.last = placed;
        f.seen_at = time;
        if f.hits >= HITS_TO_LOCK && f.plain_in(LATELY) >= GOOD_TO_LOCK && f.score >= SCORE_LOCK {
            f.locked = true;
        }
        if f.against >= 2 {
            f.locked = false;
            f.plain = 0;
        }
        let fill = f.locked || (o.class == OpeningClass::Fill && f.against < 2);
        if !fill {
            return Verdict {
                other: (o.class == OpeningClass::Access && o.score >= SCORE_START)
                    .then_some(placed),
                ..Verdict::default()
            };
        }
        Verdict {
            locked: f.locked,
            held: false,
            port: Some(placed),
            other: None,
            confidence: confidence(f.score.min(o.score.max(0.6 * f.score)), f.hits),
        }
    }

    fn miss(&mut self, openings: &[Placed], time: f64, repeated: bool) -> Verdict {
        let Some(f) = &mut self.followed else {
            return Verdict::default();
        };
        if !repeated {
            f.misses += 1;
            // an unsettled track is not worth waiting for
            if f.plain == 0 && f.misses > 1 {
                self.followed = None;
                return Verdict::default();
            }
        }
        let age = time - f.seen_at;
        if age > HOLD_S {
            self.followed = None;
            return match start_of(openings) {
                Some(placed) => self.hit(placed, time, false),
                None => Verdict::default(),
            };
        }
        let shown = f.locked || (f.plain != 0 && f.hits >= 3);
        // seen again elsewhere: not the same opening until it has been established anew
        f.hits = f.hits.min(HITS_TO_LOCK - 1);
        Verdict {
            held: shown,
            port: shown.then_some(f.last),
            confidence: if shown { remembered(age) } else { 0.0 },
            ..Verdict::default()
        }
    }
}

/// Whether two openings may have the same septum: its height agrees, unless it is not seen in one of them.
fn same_septum(a: &Opening, b: &Opening, within: f64) -> bool {
    !(a.septum_seen() && b.septum_seen()) || (a.step - b.step).abs() <= within
}

fn start_of(openings: &[Placed]) -> Option<Placed> {
    let best = |class: OpeningClass| {
        openings
            .iter()
            .filter(|p| {
                p.opening.class == class && p.opening.score >= SCORE_START && p.opening.settled
            })
            .max_by(|a, b| a.opening.score.total_cmp(&b.opening.score))
            .copied()
    };
    best(OpeningClass::Fill).or_else(|| best(OpeningClass::Access))
}

/// Shift and stretch of the logit that make of the score a probability: fitted to 13,422 shown openings of 320 virtual
/// patients (seeds 300001 to 300240 and 310001 to 310080), checked on others (docs/ACCURACY.md).
const CALIBRATION: [f64; 2] = [1.5, 1.15];
/// Nothing is said more certain than this.
const CERTAIN: f64 = 0.995;
/// Probability that a port that has just gone out of sight is still where it was.
const HELD: f64 = 0.5;

/// Probability that an opening of this score, seen in so many frames, is the fill port. It holds for virtual patients.
fn confidence(score: f64, hits: u32) -> f64 {
    let settled = 1.0 - 0.5 * (-f64::from(hits) / 3.0).exp();
    let raw = (score * settled).clamp(0.001, 0.98);
    let [shift, stretch] = CALIBRATION;
    let logit = shift + stretch * (raw / (1.0 - raw)).ln();
    (1.0 / (1.0 + (-logit).exp())).min(CERTAIN)
}

/// The same of a port remembered for so long, seconds: hardly less at first, nothing at the end.
fn remembered(age: f64) -> f64 {
    HELD * (1.0 - (age / HOLD_S).clamp(0.0, 1.0).powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(x: f64, width: f64, score: f64, class: OpeningClass) -> Placed {
        Placed {
            opening: Opening {
                from: x - width / 2.0,
                to: x + width / 2.0,
                step: 1.5,
                score,
                class,
                settled: true,
                left_face: 15.0,
                right_face: 15.0,
                visible: 1.0,
                ..Opening::default()
            },
            face: 0,
            x,
            z: 20.0,
        }
    }

    fn fill(x: f64) -> Placed {
        opening(x, 7.0, 0.9, OpeningClass::Fill)
    }

    fn locked(track: &mut PortTrack) -> f64 {
        let mut time = 0.0;
        for _ in 0..6 {
            time += 0.04;
            track.update(&[fill(3.0)], time);
        }
        time
    }

    #[test]
    fn a_lock_takes_several_frames_and_a_single_picture_never_gets_there() {
        let mut track = PortTrack::default();
        assert!(!track.update(&[fill(3.0)], 0.04).locked);
        assert!(!track.update(&[fill(3.0)], 0.08).locked);
        let mut track = PortTrack::default();
        let time = locked(&mut track);
        assert!(track.update(&[fill(3.1)], time + 0.04).locked);
        assert!(!PortTrack::single(&[fill(3.0)]).locked);
    }

    #[test]
    fn a_frame_shown_again_is_no_further_evidence() {
        let mut track = PortTrack::default();
        for _ in 0..50 {
            assert!(!track.update(&[fill(3.0)], 1.0).locked);
        }
    }

    #[test]
    fn a_lost_port_is_held_as_a_candidate_for_half_a_second_at_most() {
        let mut track = PortTrack::default();
        let time = locked(&mut track);
        let soon = track.update(&[], time + 0.04);
        assert!(soon.held && !soon.locked && soon.port.is_some());
        assert!(soon.confidence <= 0.5);
        let late = track.update(&[], time + 0.55);
        assert!(!late.held && late.port.is_none());
    }

    #[test]
    fn a_narrow_opening_never_starts_a_lock_but_a_locked_port_may_narrow() {
        let narrow = opening(3.0, 3.8, 0.9, OpeningClass::Access);
        let mut track = PortTrack::default();
        for k in 1..30 {
            let verdict = track.update(&[narrow], f64::from(k) * 0.04);
            assert!(!verdict.locked && verdict.port.is_none() && verdict.other.is_some());
        }
        let mut track = PortTrack::default();
        let time = locked(&mut track);
        assert!(track.update(&[narrow], time + 0.04).locked);
    }

    #[test]
    fn a_port_that_jumps_with_the_patient_stays_the_same_port() {
        let mut track = PortTrack::default();
        let time = locked(&mut track);
        assert!(track.update(&[fill(-5.0)], time + 0.04).locked);
    }

    #[test]
    fn an_opening_near_the_rim_loses_the_lock() {
        let mut track = PortTrack::default();
        let time = locked(&mut track);
        let mut near_rim = opening(3.0, 4.0, 0.9, OpeningClass::Access);
        near_rim.opening.rim = Some(10.0);
        let mut last = Verdict::default();
        for k in 1..4 {
            last = track.update(&[near_rim], time + 0.04 * f64::from(k));
        }
        assert!(!last.locked && last.port.is_none());
    }

    #[test]
    fn a_slice_along_the_rim_of_a_raised_port_loses_the_lock() {
        let mut slice = opening(3.0, 5.4, 0.9, OpeningClass::Access);
        let o = &mut slice.opening;
        (o.step, o.septum, o.septum_cover, o.shoulder) = (-1.8, 60.0, 1.0, 48.0);
        for (dip, stays) in [(60.0, true), (5.0, false)] {
            slice.opening.dip = dip;
            let mut track = PortTrack::default();
            let mut first = fill(3.0);
            first.opening.step = -1.8;
            let mut time = 0.0;
            let mut last = Verdict::default();
            for k in 0..8 {
                time += 0.04;
                last = track.update(&[if k < 5 { first } else { slice }], time);
                assert!(k != 4 || last.locked);
            }
            assert_eq!(
                (last.locked, last.port.is_some()),
                (stays, stays),
                "dip {dip}"
            );
        }
    }
}
