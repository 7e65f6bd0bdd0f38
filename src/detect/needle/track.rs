//! One needle followed over time: whether it exists, and whether its deep end is a tip.
//!
//! The end of a line is where it leaves the plane or where it stops; only an end that went forward is a tip (H17).
use super::line::Shaft;
use super::map::Run;
use super::{Candidate, SKIN_MM, weight};

/// How far a shaft may turn and move from one frame to the next.
const TURN_DEG: f64 = 5.0;
const APART_MM: f64 = 2.5;
/// A gap in time that ends a track, seconds.
const FORGET_S: f64 = 0.6;
/// Least likeness that is followed, and that starts a track.
const FOLLOW: f64 = 0.1;
const START: f64 = 0.3;
/// Log odds of a new track, of a miss, the most there are, and those from which on it is shown.
const BEGIN: f64 = -2.2;
const MISS: f64 = -0.9;
const MOST: f64 = 3.5;
const SHOWN: f64 = 1.2;
/// Most log odds of a flat line that has not grown: layers are flat too.
const FLAT_MOST: f64 = 0.6;
/// Likeness, as a line of a single picture, from which on a line that does not come steeply from the skin may be called
/// a needle without having grown: strands of tissue deep in the picture are steep and straight, too.
const PLAIN: f64 = 0.85;
/// How far an end must have gone forward to be a tip, mm, and in how many frames.
const GROWN_MM: f64 = 2.0;
const GROWN_FRAMES: u32 = 5;
/// Distance from where it is expected beyond which an end is not the one that was followed, mm: least and most.
const JUMP_MM: [f64; 2] = [0.9, 2.0];
/// What an end must be to be a tip: frames in a row it was where expected, how near that, mm, and how fast it goes
/// forward, mm/s. An end that stands still may be where the shaft dips into a gap, with the tip further on.
const STEADY_FRAMES: u32 = 5;
const NEAR_MM: f64 = 0.6;
const FORWARD_MM_S: f64 = 3.0;
/// Contrast lost behind it, contrast at it and over the deepest third against the rest, and contrast against the best
/// that was seen of this needle: a shaft that leaves the plane fades.
const DROP_LEAST: f32 = 0.5;
const LAST_LEAST: f32 = 0.8;
const FADE_LEAST: f32 = 0.9;
const SHINE_LEAST: f64 = 0.9;
/// Contrast against the best below which the shaft is leaving the plane.
const LEAVING: f64 = 0.6;
/// Standard deviation of a measured length, mm, and of its unknown change of speed, mm/s^2.
const LENGTH_SIGMA: f64 = 0.4;
const SPEED_CHANGE: f64 = 30.0;

/// The needle as it is seen in one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracked {
    pub shaft: Shaft,
    /// Probability that it is a needle.
    pub probability: f64,
    /// Whether its deep end is the tip, and whether it fades as a shaft does that leaves the plane.
    pub tip: bool,
    pub leaving: bool,
}

/// How far the shaft reaches and its speed.
#[derive(Clone, Copy, Debug)]
struct Growth {
    length: f64,
    speed: f64,
    /// Covariance: of length, of both, of speed.
    p: [f64; 3],
    /// How far the last end was from where it was expected, mm.
    off: f64,
}

impl Growth {
    fn at(length: f64) -> Self {
        Self {
            length,
            speed: 0.0,
            p: [LENGTH_SIGMA * LENGTH_SIGMA, 0.0, 100.0],
            off: 0.0,
        }
    }

    /// Where the length should be after `t` seconds, then the measured one taken in; `false` if it is another end.
    fn step(&mut self, measured: f64, t: f64) -> bool {
        let q = SPEED_CHANGE * SPEED_CHANGE;
        let [a, b, c] = self.p;
        let (t2, t3) = (t * t, t * t * t);
        let p = [
            a + 2.0 * t * b + t2 * c + q * t2 * t2 / 4.0,
            b + t * c + q * t3 / 2.0,
            c + q * t2,
        ];
        self.length += self.speed * t;
        let off = measured - self.length;
        let s = p[0] + LENGTH_SIGMA * LENGTH_SIGMA;
        self.off = off;
        if off.abs() > (3.0 * s.sqrt()).clamp(JUMP_MM[0], JUMP_MM[1]) {
            self.p = p;
            return false;
        }
        let (k0, k1) = (p[0] / s, p[1] / s);
        self.length += k0 * off;
        self.speed += k1 * off;
        self.p = [p[0] * (1.0 - k0), p[1] * (1.0 - k0), p[2] - k1 * p[1]];
        true
    }
}

/// The needle that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    shaft: Shaft,
    seen_at: f64,
    odds: f64,
    growth: Growth,
    /// Shortest and longest it was, and frames in which it was longer than before.
    least: f64,
    longest: f64,
    forward: u32,
    /// Frames in a row in which its end was not where it was expected, and in which it was.
    jumps: u32,
    steady: u32,
    /// Strongest contrast it had, smoothed.
    shine: f64,
}

/// How far along its own direction a shaft ends, mm. Its shallow end is no mark to measure from: it comes and goes.
fn reach(shaft: &Shaft) -> f64 {
    let [dx, dz] = shaft.direction();
    shaft.to[0] * dx + shaft.to[1] * dz
}

impl Followed {
    fn new(c: &Candidate, time: f64) -> Self {
        let at = reach(&c.shaft);
        Self {
            shaft: c.shaft,
            seen_at: time,
            odds: BEGIN,
            growth: Growth::at(at),
            least: at,
            longest: at,
            forward: 0,
            jumps: 0,
            steady: 0,
            shine: f64::from(c.shaft.contrast),
        }
    }

    /// Whether its end went forward far enough to be a tip.
    fn grown(&self) -> bool {
        self.forward >= GROWN_FRAMES && self.longest - self.least >= GROWN_MM
    }

    /// Whether the end that is seen is the tip: it went forward, is where it was expected, and stops rather than fades.
    fn tip(&self) -> bool {
        let s = &self.shaft;
        self.grown()
            && self.steady >= STEADY_FRAMES
            && self.growth.off.abs() <= NEAR_MM
            && self.growth.speed >= FORWARD_MM_S
            && s.drop >= DROP_LEAST
            && s.last >= LAST_LEAST
            && s.fade >= FADE_LEAST
            && f64::from(s.contrast) >= SHINE_LEAST * self.shine
    }

    /// Whether a candidate may be the same needle.
    fn is(&self, c: &Candidate) -> bool {
        let (a, b) = (self.shaft.direction(), c.shaft.direction());
        let turn = (a[0] * b[1] - a[1] * b[0]).abs();
        let forward = a[0] * b[0] + a[1] * b[1] > 0.0;
        let off = |p: [f64; 2]| {
            let d = [p[0] - self.shaft.from[0], p[1] - self.shaft.from[1]];
            (d[0] * a[1] - d[1] * a[0]).abs()
        };
        forward
            && turn <= TURN_DEG.to_radians().sin()
            && off(c.shaft.from).max(off(c.shaft.to)) <= APART_MM
    }
}

/// Follows one needle from frame to frame.
#[derive(Debug, Default)]
pub(super) struct NeedleTrack {
    followed: Option<Followed>,
    last_time: Option<f64>,
}

impl NeedleTrack {
    /// Where the needle that is followed should lie in the next frame.
    pub(super) fn expected(&self) -> Option<Run> {
        self.followed.map(|f| Run {
            from: f.shaft.from,
            to: f.shaft.to,
            score: f.shaft.score,
        })
    }

    /// What is known of the end that is followed, for evaluation reports.
    pub(super) fn explain(&self) -> Option<String> {
        self.followed.map(|f| {
            let s = &f.shaft;
            format!(
                "T grown {} steady {} drop {:.2} last {:.2} fade {:.2} shine {:.2} off {:.2} speed {:.1} went {:.1} tip {} end {:.2},{:.2} odds {:.1}\n",
                u8::from(f.grown()), f.steady, s.drop, s.last, s.fade, f64::from(s.contrast) / f.shine.max(1.0), f.growth.off,
                f.growth.speed, f.longest - f.least, u8::from(f.tip()), s.to[0], s.to[1], f.odds
            )
        })
    }

    /// Takes the candidates of the next frame. Returns the needle seen in it, once it is established.
    pub(super) fn update(&mut self, candidates: &[Candidate], time: f64) -> Option<Tracked> {
        let passed = self.last_time.map_or(0.0, |t| time - t);
        let repeated = self.last_time.is_some() && passed == 0.0;
        self.last_time = Some(time);
        if passed < 0.0 || self.followed.is_some_and(|f| time - f.seen_at > FORGET_S) {
            self.followed = None;
        }
        let strongest = |least: f64| {
            candidates
                .iter()
                .filter(move |c| c.likeness >= least)
                .max_by(|a, b| weight(a).total_cmp(&weight(b)))
        };
        let Some(f) = &mut self.followed else {
            let c = strongest(START)?;
            self.followed = Some(Followed::new(c, time));
            return None;
        };
        let same = candidates
            .iter()
            .filter(|c| c.likeness >= FOLLOW && f.is(c))
            .max_by(|a, b| weight(a).total_cmp(&weight(b)));
        let Some(c) = same else {
            if !repeated {
                f.odds += MISS;
            }
            if f.odds < BEGIN {
                self.followed = strongest(START).map(|c| Followed::new(c, time));
            }
            return None;
        };
        if !repeated {
            f.take(c, time);
        }
        // another line that looks more like a needle takes over while this one is not established
        if f.odds < SHOWN {
            if let Some(other) = strongest(START)
                && !f.is(other)
                && weight(other) > 1.5 * weight(c)
            {
                self.followed = Some(Followed::new(other, time));
            }
            return None;
        }
        Some(Tracked {
            shaft: c.shaft,
            probability: 1.0 / (1.0 + (-f.odds).exp()),
            tip: f.tip(),
            leaving: f64::from(c.shaft.contrast) < LEAVING * f.shine,
        })
    }
}

impl Followed {
    /// Takes in what was measured of it.
    fn take(&mut self, c: &Candidate, time: f64) {
        let passed = time - self.seen_at;
        self.shaft = c.shaft;
        self.seen_at = time;
        let shines = f64::from(c.shaft.contrast);
        self.shine = self.shine.max(self.shine + 0.3 * (shines - self.shine));
        if self.growth.step(reach(&c.shaft), passed) {
            self.jumps = 0;
            self.steady += 1;
            self.forward += u32::from(self.growth.length > self.longest + 0.02);
            self.longest = self.longest.max(self.growth.length);
            self.least = self.least.min(self.growth.length);
        } else {
            self.jumps += 1;
            self.steady = 0;
            if self.jumps >= 3 {
                // the end is another one for good: it has to go forward again before it is a tip
                *self = Self {
                    odds: self.odds,
                    shine: self.shine,
                    ..Self::new(c, time)
                };
            }
        }
        let says = 1.6 * c.likeness - 0.5;
        let most = if c.steep || self.grown() || (c.single >= PLAIN && c.depth <= SKIN_MM) {
            MOST
        } else {
            FLAT_MOST
        };
        self.odds = (self.odds + says).min(most.max(self.odds - 0.3)).min(MOST);
    }
}
