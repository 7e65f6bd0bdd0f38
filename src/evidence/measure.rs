//! What is counted beside found, missed and false: the path, the confidence, and everything else the detector says.
use std::collections::BTreeMap;

use crate::detect::{Finding, Port, PortState};
use crate::guide::limits::TILT_REFUSE_DEGREES;
use crate::guide::{Guidance, Withheld};
use crate::pump::Needle;

use super::truth::{CaseFacts, FrameTruth};

/// A path is square enough to the face within this, degrees.
const SQUARE_WITHIN: f64 = 1.0;
/// Widest range of depth, as a share of its middle.
const RANGE_MOST: f64 = 0.30;
/// A port this close to the access port is the access port, mm.
const AT_ACCESS: f64 = 2.5;
/// Fluid must be noticed from this thickness on, mm, within [`FLUID_WITHIN`] seconds.
const FLUID_LEAST: f64 = 2.0;
const FLUID_WITHIN: f64 = 2.0;
/// A port faster than this, mm/s, is jerked; below [`CALM`] it has come to rest. Tremor and breathing of the virtual
/// patients together stay below 17 mm/s.
const JERK: f64 = 20.0;
const CALM: f64 = 16.0;
/// A lock must be back this long after a jerk, s; after [`GIVEN_UP`] it is counted as not come back.
const BACK_WITHIN: f64 = 0.2;
const GIVEN_UP: f64 = 1.0;
/// An inverted pump must be named by the last this many seconds.
const LAST: f64 = 1.0;

/// A count out of a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub n: u64,
}

impl Share {
    /// Counts one more.
    pub fn note(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.n += 1;
    }

    /// The share, if anything was counted.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| self.hits as f64 / self.n as f64)
    }

    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.n += other.n;
    }
}

/// One bin of confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Frames in it, and those of them whose port was right.
    pub right: Share,
    /// Sum of what was claimed.
    pub claimed: f64,
}

/// Claimed against true: ten bins of equal width over the frames with a reported opening.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    /// The bins, from 0 to 1.
    pub bins: [Bin; 10],
    /// Sum of squared differences between claim and truth.
    squares: f64,
}

impl Reliability {
    fn note(&mut self, confidence: f64, is_right: bool) {
        let place = (confidence.clamp(0.0, 1.0) * 10.0) as usize;
        if let Some(bin) = self.bins.get_mut(place.min(9)) {
            bin.right.note(is_right);
            bin.claimed += confidence;
        }
        self.squares += (confidence - f64::from(u8::from(is_right))).powi(2);
    }

    fn add(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.right.add(more.right);
            bin.claimed += more.claimed;
        }
        self.squares += other.squares;
    }

    /// Frames with a reported opening.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|b| b.right.n).sum()
    }

    /// Expected calibration error: the mean gap between claim and truth, weighted by frames.
    pub fn ece(&self) -> Option<f64> {
        let n = self.count();
        let gap = |bin: &Bin| (bin.claimed - bin.right.hits as f64).abs();
        (n > 0).then(|| self.bins.iter().map(gap).sum::<f64>() / n as f64)
    }

    /// Brier score.
    pub fn brier(&self) -> Option<f64> {
        let n = self.count();
        (n > 0).then(|| self.squares / n as f64)
    }
}

/// Counts and errors beside found, missed and false. Shares are of frames unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Locked frames (stills: with a port) that carry a path.
    pub path_offered: Share,
    /// Why the others carry none: frames by reason, a frame under each of its reasons.
    pub withheld: BTreeMap<Withheld, u64>,
    /// Paths within a degree of square to the true face.
    pub path_square: Share,
    /// Angles between path and the square to the true face, degrees.
    pub path_angle: Vec<f64>,
    /// Paths whose range holds the true distance to the needle stop.
    pub stop_inside: Share,
    /// Paths with a range no wider than 30 % of its middle.
    pub range_narrow: Share,
    /// Widths of the range as a share of its middle.
    pub range_width: Vec<f64>,
    /// Paths on a face tilted by more than the limit, truly or as read.
    pub path_too_tilted: Share,
    /// Paths with a needle shorter than the true distance to the stop.
    pub path_too_short: Share,
    /// Locked frames (stills: with a port) that are not right: the risk at the lock.
    pub lock_not_right: Share,
    /// Claimed against true.
    pub reliability: Reliability,
    /// Frames without a port on which one is shown, locked or not.
    pub shown_empty: Share,
    /// Frames with an access port in the slice on which it is called the fill port.
    pub access_as_fill: Share,
    /// Inverted pumps under a sweep named as such in the last second (recordings).
    pub inverted_named: Share,
    /// Frames of pumps that are not inverted, or of none, called inverted.
    pub inverted_false: Share,
    /// Layers of 2 mm noticed within 2 s (recordings).
    pub fluid_noticed: Share,
    /// Seconds from a layer of 2 mm to the notice; 0 when it came earlier.
    pub fluid_delay: Vec<f64>,
    /// Frames without fluid that carry a notice.
    pub fluid_false: Share,
    /// Frames with a needle in the plane on which one is reported.
    pub needle_seen: Share,
    /// Frames without any needle on which one is reported.
    pub needle_false: Share,
    /// Frames with a needle whose tip is not in the slice on which a tip is reported.
    pub tip_false: Share,
    /// Distances from reported to true tip, mm.
    pub tip: Vec<f64>,
    /// Angles between reported and true shaft, degrees.
    pub needle_angle: Vec<f64>,
    /// Jerks after which the lock was back within 0.2 s (jerks of a port that was locked before).
    pub relocked: Share,
    /// Seconds from rest to lock after a jerk.
    pub relock: Vec<f64>,
}

impl Measures {
    /// Every share with its name, in the order of the tables.
    pub fn shares(&self) -> [(&'static str, Share); 18] {
        [
            ("path_offered_on_locked", self.path_offered),
            ("path_within_1_deg", self.path_square),
            ("path_stop_inside_range", self.stop_inside),
            ("path_range_within_30_percent", self.range_narrow),
            ("path_beyond_20_deg", self.path_too_tilted),
            ("path_needle_too_short", self.path_too_short),
            ("lock_not_right", self.lock_not_right),
            ("port_shown_on_empty", self.shown_empty),
            ("access_port_called_fill", self.access_as_fill),
            ("inverted_sweeps_named", self.inverted_named),
            ("inverted_false", self.inverted_false),
            ("fluid_noticed_within_2_s", self.fluid_noticed),
            ("fluid_false", self.fluid_false),
            ("needle_seen_in_plane", self.needle_seen),
            ("needle_false", self.needle_false),
            ("needle_tip_false", self.tip_false),
            ("relocked_within_200_ms", self.relocked),
            ("opening_reported_right", self.opening_right()),
        ]
    }

    fn opening_right(&self) -> Share {
        let mut sum = Share::default();
        for bin in &self.reliability.bins {
            sum.add(bin.right);
        }
        sum
    }

    /// Every list of errors with its name.
    pub fn errors(&self) -> [(&'static str, &[f64]); 6] {
        [
            ("path_angle_deg", &self.path_angle),
            ("path_range_share", &self.range_width),
            ("fluid_delay_s", &self.fluid_delay),
            ("needle_tip_mm", &self.tip),
            ("needle_angle_deg", &self.needle_angle),
            ("relock_s", &self.relock),
        ]
    }

    /// Adds another recording's.
    pub fn add(&mut self, other: &Self) {
        for (mine, more) in [
            (&mut self.path_offered, other.path_offered),
            (&mut self.path_square, other.path_square),
            (&mut self.stop_inside, other.stop_inside),
            (&mut self.range_narrow, other.range_narrow),
            (&mut self.path_too_tilted, other.path_too_tilted),
            (&mut self.path_too_short, other.path_too_short),
            (&mut self.lock_not_right, other.lock_not_right),
            (&mut self.shown_empty, other.shown_empty),
            (&mut self.access_as_fill, other.access_as_fill),
            (&mut self.inverted_named, other.inverted_named),
            (&mut self.inverted_false, other.inverted_false),
            (&mut self.fluid_noticed, other.fluid_noticed),
            (&mut self.fluid_false, other.fluid_false),
            (&mut self.needle_seen, other.needle_seen),
            (&mut self.needle_false, other.needle_false),
            (&mut self.tip_false, other.tip_false),
            (&mut self.relocked, other.relocked),
        ] {
            mine.add(more);
        }
        for (mine, more) in [
            (&mut self.path_angle, &other.path_angle),
            (&mut self.range_width, &other.range_width),
            (&mut self.fluid_delay, &other.fluid_delay),
            (&mut self.tip, &other.tip),
            (&mut self.needle_angle, &other.needle_angle),
            (&mut self.relock, &other.relock),
        ] {
            mine.extend(more);
        }
        for (reason, frames) in &other.withheld {
            *self.withheld.entry(*reason).or_default() += frames;
        }
        self.reliability.add(&other.reliability);
    }
}

/// What was read from a frame and advised on it.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// What was found.
    pub finding: &'a Finding,
    /// What was advised.
    pub guidance: &'a Guidance,
}

/// How the port of a frame was judged.
pub(super) struct Judged {
    /// The port that counts as reported: locked in a sequence, any in a still.
    pub(super) said: Option<Port>,
    /// Whether it is right.
    pub(super) said_right: bool,
    /// Whether the port shown, locked or not, is right.
    pub(super) shown_right: bool,
    /// Whether the frame is one in which a lock would be false.
    pub(super) is_empty: bool,
}

/// A jerk that has not been settled yet.
#[derive(Debug)]
struct Jerk {
    last_fast: f64,
    back: Option<f64>,
}

/// Measures one recording frame by frame.
#[derive(Debug)]
pub(super) struct Meter {
    needle: Option<Needle>,
    last_port: Option<(f64, f64, f64)>,
    was_locked: bool,
    jerk: Option<Jerk>,
    fluid_due: Option<f64>,
    fluid_notice: Option<f64>,
    inverted_at: Option<f64>,
    inverted_frames: u64,
    frames: u64,
    now: f64,
}

impl Meter {
    pub(super) fn new(needle: Option<Needle>) -> Self {
        Self {
            needle,
            last_port: None,
            was_locked: false,
            jerk: None,
            fluid_due: None,
            fluid_notice: None,
            inverted_at: None,
            inverted_frames: 0,
            frames: 0,
            now: 0.0,
        }
    }

    pub(super) fn note(
        &mut self,
        measures: &mut Measures,
        read: &Reading<'_>,
        truth: &FrameTruth,
        judged: &Judged,
        seconds: f64,
    ) {
        self.frames += 1;
        self.now = seconds;
        let finding = read.finding;
        if judged.said.is_some() {
            measures.path_offered.note(read.guidance.path.is_some());
            for reason in &read.guidance.withheld {
                *measures.withheld.entry(*reason).or_default() += 1;
            }
            measures.lock_not_right.note(!judged.said_right);
        }
        if finding.port.is_some() {
            let reliability = &mut measures.reliability;
            reliability.note(finding.confidence, judged.shown_right);
        }
        if judged.is_empty {
            measures.shown_empty.note(finding.port.is_some());
        }
        if let Some(access) = truth.access_port {
            let is_there = judged
                .said
                .is_some_and(|port| (port.center.x - access.x).abs() <= AT_ACCESS);
            measures.access_as_fill.note(is_there && !judged.said_right);
        }
        if finding.state == PortState::InvertedSuspected {
            self.inverted_at = Some(seconds);
            self.inverted_frames += 1;
        }
        self.path(measures, read.guidance, truth);
        self.fluid(measures, finding, truth, seconds);
        note_needle(measures, finding, truth);
        self.motion(measures, judged, truth, seconds);
    }

    fn path(&self, measures: &mut Measures, guidance: &Guidance, truth: &FrameTruth) {
        let Some(path) = guidance.path else { return };
        let (least, most) = (path.depth.least.0, path.depth.most.0);
        let width = (most - least) / (0.5 * (least + most)).max(1e-9);
        measures.range_width.push(width);
        measures.range_narrow.note(width <= RANGE_MOST);
        let tilt = truth.tilt_deg.unwrap_or(0.0).abs();
        let tilt = tilt.max(path.tilt.degrees().abs());
        measures.path_too_tilted.note(tilt > TILT_REFUSE_DEGREES);
        if let Some(face) = truth.tilt_deg {
            let angle = path.tilt.degrees() - face;
            measures.path_angle.push(angle);
            measures.path_square.note(angle.abs() <= SQUARE_WITHIN);
        }
        if let (Some(stop), Some(_)) = (truth.stop_mm, truth.port) {
            measures.stop_inside.note((least..=most).contains(&stop));
            if let Some(needle) = self.needle {
                measures.path_too_short.note(needle.length.0 < stop);
            }
        }
    }

    fn fluid(
        &mut self,
        measures: &mut Measures,
        finding: &Finding,
        truth: &FrameTruth,
        seconds: f64,
    ) {
        if truth.fluid_mm <= 0.0 {
            measures.fluid_false.note(finding.fluid.is_some());
            return;
        }
        if finding.fluid.is_some() {
            self.fluid_notice.get_or_insert(seconds);
        }
        if truth.fluid_mm >= FLUID_LEAST {
            self.fluid_due.get_or_insert(seconds);
        }
    }

    /// Jerks are read from the truth itself: the fast travel of the true port.
    fn motion(
        &mut self,
        measures: &mut Measures,
        judged: &Judged,
        truth: &FrameTruth,
        seconds: f64,
    ) {
        let place = truth.port.map(|port| (port.x, port.z, seconds));
        let speed = match (self.last_port, place) {
            (Some((x0, z0, t0)), Some((x, z, t))) if t > t0 => {
                ((x - x0).powi(2) + (z - z0).powi(2)).sqrt() / (t - t0)
            }
            _ => 0.0,
        };
        self.last_port = place;
        if speed > JERK && self.jerk.is_none() && self.was_locked {
            self.jerk = Some(Jerk {
                last_fast: seconds,
                back: None,
            });
        }
        self.was_locked = judged.said_right;
        let Some(jerk) = &mut self.jerk else { return };
        if place.is_none() {
            self.jerk = None;
            return;
        }
        if speed > CALM {
            jerk.last_fast = seconds;
            jerk.back = None;
        } else if judged.said_right {
            jerk.back.get_or_insert(seconds);
        }
        let rest = seconds - jerk.last_fast;
        if let (Some(back), true) = (jerk.back, rest > BACK_WITHIN) {
            let took = back - jerk.last_fast;
            measures.relock.push(took);
            measures.relocked.note(took <= BACK_WITHIN + 1e-9);
            self.jerk = None;
        } else if rest > GIVEN_UP {
            measures.relocked.note(false);
            self.jerk = None;
        }
    }

    /// What only the end of a recording shows.
    pub(super) fn finish(self, measures: &mut Measures, facts: &CaseFacts) {
        if facts.is_inverted {
            if facts.is_sweep {
                let named = self.inverted_at.is_some_and(|at| at >= self.now - LAST);
                measures.inverted_named.note(named);
            }
        } else {
            measures.inverted_false.add(Share {
                hits: self.inverted_frames,
                n: self.frames,
            });
        }
        if let Some(due) = self.fluid_due {
            let delay = self.fluid_notice.map(|notice| (notice - due).max(0.0));
            // A recording that ends before the two seconds are over shows nothing either way.
            if delay.is_some() || self.now >= due + FLUID_WITHIN {
                let in_time = delay.is_some_and(|d| d <= FLUID_WITHIN);
                measures.fluid_noticed.note(in_time);
            }
            measures.fluid_delay.extend(delay);
        }
    }
}

fn note_needle(measures: &mut Measures, finding: &Finding, truth: &FrameTruth) {
    let Some(needle) = truth.needle else {
        measures.needle_false.note(finding.needle.is_some());
        return;
    };
    let tip_said = finding.needle.and_then(|seen| seen.tip);
    // a needle that crosses the slice may end in it: its tip is there, though not all of its shaft
    match (tip_said, needle.tip) {
        (Some(said), Some([x, z])) => measures.tip.push((said.x - x).hypot(said.z - z)),
        (None, Some(_)) => {}
        (said, None) => measures.tip_false.note(said.is_some()),
    }
    if !needle.in_plane {
        return;
    }
    measures.needle_seen.note(finding.needle.is_some());
    if let Some(seen) = finding.needle {
        let slope = |[ax, az]: [f64; 2], [bx, bz]: [f64; 2]| (bz - az).atan2(bx - ax);
        let said = slope([seen.a.x, seen.a.z], [seen.b.x, seen.b.z]);
        let gap = (said - slope(needle.a, needle.b))
            .to_degrees()
            .rem_euclid(180.0);
        measures.needle_angle.push(gap.min(180.0 - gap));
    }
}

#[cfg(test)]
mod tests {
    use super::super::truth::PortTruth;
    use super::*;

    fn judged(is_right: bool) -> Judged {
        Judged {
            said: None,
            said_right: is_right,
            shown_right: is_right,
            is_empty: false,
        }
    }

    fn at(x: f64) -> FrameTruth {
        FrameTruth {
            port: Some(PortTruth {
                x,
                z: 20.0,
                width: 7.0,
            }),
            ..FrameTruth::default()
        }
    }

    #[test]
    fn the_time_to_the_lock_after_a_jerk_begins_when_the_port_comes_to_rest() {
        let (mut meter, mut measures) = (Meter::new(None), Measures::default());
        // At rest until 0.2 s, 8 mm within two frames, then at rest again; locked but from 0.24 to 0.36 s.
        for i in 0..25 {
            let t = f64::from(i) * 0.04;
            let x = f64::from((i - 5).clamp(0, 2)) * 4.0;
            let is_locked = !(6..10).contains(&i);
            meter.motion(&mut measures, &judged(is_locked), &at(x), t);
        }
        assert_eq!((measures.relocked.hits, measures.relocked.n), (1, 1));
        let took = measures.relock[0];
        assert!((took - 0.12).abs() < 1e-9, "{took}");
    }

    #[test]
    fn a_claim_that_is_met_costs_nothing_and_one_that_is_not_costs_its_gap() {
        let mut reliability = Reliability::default();
        for i in 0..10 {
            reliability.note(0.95, i < 9);
        }
        assert!((reliability.ece().expect("frames") - 0.05).abs() < 1e-9);
        assert_eq!(reliability.bins[9].right, Share { hits: 9, n: 10 });
        assert!(Reliability::default().ece().is_none());
    }

    #[test]
    fn a_late_notice_of_fluid_is_not_in_time_and_an_inverted_pump_is_named_at_the_end() {
        let (mut meter, mut measures) = (Meter::new(None), Measures::default());
        meter.fluid_due = Some(1.0);
        meter.fluid_notice = Some(3.5);
        meter.inverted_at = Some(4.2);
        meter.now = 5.0;
        let facts = CaseFacts {
            is_inverted: true,
            is_sweep: true,
            ..CaseFacts::default()
        };
        meter.finish(&mut measures, &facts);
        assert_eq!(measures.fluid_noticed, Share { hits: 0, n: 1 });
        assert_eq!(measures.fluid_delay, [2.5]);
        assert_eq!(measures.inverted_named, Share { hits: 1, n: 1 });
    }
}
