//! The slice is not the pump: how far beside the middle of the port it may run, and which slice of a sweep was best.
//!
//! A slice at the distance e from the axis of a round port of radius R cuts it in a chord w with
//! (w / 2)^2 = R^2 - e^2. One chord alone gives e without its side, and near the middle hardly that. Over a sweep at
//! a steady pace w^2 is a parabola in time, and its vertex is the slice through the middle; no measure of the
//! travel itself is needed for that.
use super::{BestSlice, Centring};
use crate::clock::Timestamp;
use crate::frame::FrameId;
use crate::space::Millimeters;

/// Slices remembered: eight seconds at 30 a second.
const KEPT: usize = 240;
/// A pause that ends a sweep, s.
const PAUSE_S: f64 = 0.4;
/// Fewest slices, and the shortest sweep, that are fitted.
const LEAST_SLICES: usize = 10;
const LEAST_S: f64 = 0.3;
/// The chord must have been shorter by this after the best slice, mm: more than it is measured wrong by. Before it
/// less is enough: a quick sweep is near the middle already when the port is first measured.
const FALL_MM: f64 = 0.8;
const RISE_MM: f64 = 0.3;
/// The best chord may fall short of the whole width by this, where that is known, mm.
const SHORT_MM: f64 = 0.7;
/// Slices whose chord is shorter than the longest by more than this are left out of the fit, mm: there the thickness
/// of the slice blurs the edges, and the chord no longer follows the circle.
const SPAN_MM: f64 = 2.4;
/// Chords are smoothed over this many slices before they are compared.
const SMOOTHED: usize = 5;
/// Times the fit is repeated with outliers weighed down (Tukey's biweight, cut at 4.7 standard deviations).
const ROUNDS: usize = 4;
const TUKEY: f64 = 4.7;
/// A chord this close to the whole width says nothing of the distance, mm: an error of 0.5 mm there is 1.3 mm off.
const BLIND_MM: f64 = 0.5;

#[derive(Clone, Copy, Debug)]
struct Slice {
    frame: FrameId,
    captured_at: Timestamp,
    time: f64,
    chord: f64,
}

/// Follows the chords of one port over a sweep.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    slices: Vec<Slice>,
    smooth: Vec<f64>,
    sorted: Vec<f64>,
    weights: Vec<f64>,
}

impl Sweep {
    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.slices.clear();
    }

    /// Takes the chord measured in one more slice of the same port.
    pub(super) fn note(&mut self, frame: FrameId, captured_at: Timestamp, time: f64, chord: f64) {
        let last = self.slices.last().map(|s| s.time);
        if last.is_some_and(|last| !(0.0..=PAUSE_S).contains(&(time - last))) {
            self.slices.clear();
        }
        if last == Some(time) {
            return;
        }
        if self.slices.len() == KEPT {
            self.slices.remove(0);
        }
        self.slices.push(Slice {
            frame,
            captured_at,
            time,
            chord,
        });
    }

    /// What the chord of this slice and the sweep so far say. `whole` is the width of the port through its middle,
    /// when the pump is known.
    pub(super) fn read(&mut self, chord: f64, whole: Option<f64>) -> Centring {
        Centring {
            chord: Millimeters(chord),
            whole: whole.map(Millimeters),
            off_middle: whole
                .and_then(|whole| off_middle(chord, whole))
                .map(Millimeters),
            best: self.best(whole),
        }
    }

    /// The best slice, once the chord has grown and fallen again.
    fn best(&mut self, whole: Option<f64>) -> Option<BestSlice> {
        let first = self.slices.first()?.time;
        let last = self.slices.last()?.time;
        if self.slices.len() < LEAST_SLICES || last - first < LEAST_S {
            return None;
        }
        self.smooth_chords();
        let (peak, most) = self
            .smooth
            .iter()
            .copied()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let (before, after) = self.smooth.split_at(peak);
        let least = |part: &[f64]| part.iter().copied().fold(f64::INFINITY, f64::min);
        let is_past = least(before) <= most - RISE_MM && least(after) <= most - FALL_MM;
        if !is_past || whole.is_some_and(|whole| most < whole - SHORT_MM) {
            return None;
        }
        let within = |chord: &f64| *chord >= most - SPAN_MM;
        let from = peak - before.iter().rev().take_while(|c| within(c)).count();
        let to = peak + after.iter().take_while(|c| within(c)).count();
        let vertex = self.vertex(from, to)?;
        let slice = self
            .slices
            .get(from..to)?
            .iter()
            .min_by(|a, b| (a.time - vertex).abs().total_cmp(&(b.time - vertex).abs()))?;
        Some(BestSlice {
            frame: slice.frame,
            captured_at: slice.captured_at,
            chord: Millimeters(most),
        })
    }

    fn smooth_chords(&mut self) {
        self.smooth.clear();
        for k in 0..self.slices.len() {
            let from = k.saturating_sub(SMOOTHED / 2);
            let to = (k + SMOOTHED / 2 + 1).min(self.slices.len());
            self.sorted.clear();
            let near = self.slices.get(from..to).unwrap_or_default();
            self.sorted.extend(near.iter().map(|s| s.chord));
            self.sorted.sort_by(f64::total_cmp);
            let middle = self.sorted.get(self.sorted.len() / 2);
            self.smooth.push(middle.copied().unwrap_or_default());
        }
    }

    /// Time of the vertex of the parabola through the squared chords of the slices `from..to`; `None` when they lie
    /// on none that opens downward, or when its vertex lies outside them.
    fn vertex(&mut self, from: usize, to: usize) -> Option<f64> {
        let slices = self.slices.get(from..to)?;
        let (first, last) = (slices.first()?.time, slices.last()?.time);
        let (middle, half) = (f64::midpoint(first, last), (last - first) / 2.0);
        if slices.len() < LEAST_SLICES / 2 || half <= 0.0 {
            return None;
        }
        let points = |s: &Slice| ((s.time - middle) / half, s.chord * s.chord);
        self.weights.clear();
        self.weights.resize(slices.len(), 1.0);
        let mut found = None;
        for _ in 0..ROUNDS {
            let [a, b, c] = parabola(slices.iter().map(points).zip(self.weights.iter().copied()))?;
            let residual = |s: &Slice| {
                let (x, y) = points(s);
                y - (a + x * (b + x * c))
            };
            self.sorted.clear();
            self.sorted.extend(slices.iter().map(|s| residual(s).abs()));
            self.sorted.sort_by(f64::total_cmp);
            let median = self.sorted.get(self.sorted.len() / 2).copied()?;
            let cut = (TUKEY * 1.483 * median).max(1e-6);
            for (weight, slice) in self.weights.iter_mut().zip(slices) {
                let share = (residual(slice) / cut).abs().min(1.0);
                *weight = (1.0 - share * share).powi(2);
            }
            found = (c < 0.0).then(|| -b / (2.0 * c)).filter(|x| x.abs() <= 1.0);
        }
        found.map(|x| middle + half * x)
    }
}

/// Distance of the slice from the middle of a round port by its chord, mm; `None` where the chord says nothing.
fn off_middle(chord: f64, whole: f64) -> Option<f64> {
    (chord > 0.0 && chord < whole - BLIND_MM)
        .then(|| ((whole / 2.0).powi(2) - (chord / 2.0).powi(2)).sqrt())
}

/// Weighted least squares of y = a + b x + c x^2.
fn parabola(points: impl Iterator<Item = ((f64, f64), f64)>) -> Option<[f64; 3]> {
    let mut s = [0.0; 5];
    let mut t = [0.0; 3];
    for ((x, y), weight) in points {
        let mut power = weight;
        for (k, sum) in s.iter_mut().enumerate() {
            *sum += power;
            if let Some(t) = t.get_mut(k) {
                *t += power * y;
            }
            power *= x;
        }
    }
    let [s0, s1, s2, s3, s4] = s;
    let [t0, t1, t2] = t;
    let det = |m: [[f64; 3]; 3]| {
        let [[a, b, c], [d, e, f], [g, h, i]] = m;
        a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    };
    let whole = det([[s0, s1, s2], [s1, s2, s3], [s2, s3, s4]]);
    if whole.abs() < 1e-9 {
        return None;
    }
    Some([
        det([[t0, s1, s2], [t1, s2, s3], [t2, s3, s4]]) / whole,
        det([[s0, t0, s2], [s1, t1, s3], [s2, t2, s4]]) / whole,
        det([[s0, s1, t0], [s1, s2, t1], [s2, s3, t2]]) / whole,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sweep at a steady pace past the middle at `middle_s`, read every 1/30 s; the chord is wrong by `wrong`.
    fn swept(speed: f64, middle_s: f64, wrong: impl Fn(u64) -> f64) -> (Sweep, Option<BestSlice>) {
        let mut sweep = Sweep::default();
        let mut best = None;
        for k in 0..120_u64 {
            let time = k as f64 / 30.0;
            let e = speed * (time - middle_s);
            let squared = 3.5 * 3.5 - e * e;
            if squared < 4.0 {
                continue;
            }
            let chord = 2.0 * squared.sqrt() + wrong(k);
            let at = Timestamp::from_seconds(time);
            sweep.note(FrameId(k), at, time, chord);
            best = sweep.read(chord, Some(7.0)).best.or(best);
        }
        (sweep, best)
    }

    #[test]
    fn the_best_slice_of_a_sweep_is_the_one_through_the_middle() {
        for speed in [2.0, 4.0, 8.0] {
            // Wrong by up to 0.4 mm, and far off every seventh time.
            let wrong = |k: u64| {
                let noise = ((k * 7919 % 101) as f64 / 100.0 - 0.5) * 0.8;
                if k.is_multiple_of(7) {
                    noise - 1.5
                } else {
                    noise
                }
            };
            let (_, best) = swept(speed, 2.0, wrong);
            let best = best.expect("the chord rose and fell");
            let off = speed * (best.frame.0 as f64 / 30.0 - 2.0);
            assert!(off.abs() < 0.7, "{off} mm off at {speed} mm/s");
        }
    }

    #[test]
    fn a_probe_held_still_and_a_sweep_not_yet_past_the_middle_have_no_best_slice() {
        let (_, held) = swept(0.0, 2.0, |k| if k.is_multiple_of(2) { 0.2 } else { -0.2 });
        assert_eq!(held, None);
        let (_, rising) = swept(1.0, 4.2, |_| 0.0);
        assert_eq!(rising, None);
    }

    #[test]
    fn a_pause_begins_a_new_sweep() {
        let (mut sweep, best) = swept(4.0, 2.0, |_| 0.0);
        assert!(best.is_some());
        sweep.note(FrameId(500), Timestamp::from_seconds(9.0), 9.0, 6.0);
        assert_eq!(sweep.read(6.0, Some(7.0)).best, None);
    }

    #[test]
    fn one_chord_gives_a_distance_without_a_side_and_nothing_near_the_middle() {
        let mut sweep = Sweep::default();
        let off = sweep.read(5.8, Some(7.0)).off_middle.expect("short");
        assert!((off.0 - 1.96).abs() < 0.01, "{off:?}");
        assert_eq!(sweep.read(6.7, Some(7.0)).off_middle, None);
        assert_eq!(sweep.read(5.8, None).off_middle, None);
        assert_eq!(sweep.read(f64::NAN, Some(7.0)).off_middle, None);
    }
}
