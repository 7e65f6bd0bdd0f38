//! How far the face and the port have moved in the time a mark takes from echo to eye (H16).
//!
//! What a mark is wrong by is not the speed of one moment but the way travelled while it is measured, drawn and seen. So
//! the largest travel within that time is what counts: a jerk is over the limit within one frame, a tremor of a few
//! tenths of a millimetre never is.

/// Time from echo to eye, seconds.
const LAG_S: f64 = 0.12;
/// A gap after which nothing is known of the travel, seconds.
const GAP_S: f64 = 0.5;
/// Most frames kept: [`LAG_S`] at 500 frames a second.
const MOST: usize = 60;

#[derive(Clone, Copy, Debug)]
struct Place {
    time: f64,
    depth: f64,
    port: Option<f64>,
}

/// Where the face was in the last frames.
#[derive(Debug, Default)]
pub(super) struct Travel {
    places: Vec<Place>,
}

impl Travel {
    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.places.clear();
    }

    /// Takes the depth of the face and the lateral place of the port in the next frame, mm; returns the largest travel
    /// from any frame of the last 0.12 s to this one over 0.12 s, mm/s (from the last frame over its own time where
    /// that is longer). 0 for the first frame and after a gap.
    pub(super) fn note(&mut self, time: f64, depth: f64, port: Option<f64>) -> f64 {
        let last = self.places.last().map(|p| p.time);
        if last.is_some_and(|last| !(0.0..=GAP_S).contains(&(time - last))) {
            self.places.clear();
        }
        // the frame before always counts, however long ago it was
        let recent = self.places.len().saturating_sub(1);
        let old = |p: &Place| time - p.time > LAG_S + 1e-9;
        let gone = self
            .places
            .iter()
            .take(recent)
            .take_while(|p| old(p))
            .count();
        self.places.drain(..gone);
        let speed = |p: &Place| {
            let lateral = port.zip(p.port).map_or(0.0, |(now, then)| now - then);
            (depth - p.depth).hypot(lateral) / (time - p.time).max(LAG_S)
        };
        let fastest = self.places.iter().map(speed).fold(0.0, f64::max);
        if last != Some(time) {
            if self.places.len() == MOST {
                self.places.remove(0);
            }
            self.places.push(Place { time, depth, port });
        }
        fastest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest speed said over a second of frames of this rate.
    fn fastest(rate: f64, place: impl Fn(f64) -> (f64, f64)) -> f64 {
        let mut travel = Travel::default();
        (0..rate as u32)
            .map(|k| {
                let time = f64::from(k) / rate;
                let (x, z) = place(time);
                travel.note(time, z, Some(x))
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn a_steady_speed_is_said_as_it_is_at_any_frame_rate() {
        for rate in [5.0, 25.0, 60.0] {
            let said = fastest(rate, |t| (12.0 * t, 9.0 * t));
            assert!((said - 15.0).abs() < 2.0, "{said} at {rate} frames/s");
        }
    }

    #[test]
    fn a_tremor_that_goes_nowhere_is_slow_and_a_jerk_is_fast_in_its_first_frame() {
        let tremor = |t: f64| (0.25 * (std::f64::consts::TAU * 9.0 * t).sin(), 20.0);
        assert!(fastest(30.0, tremor) < 5.0);
        let mut travel = Travel::default();
        for k in 0..10 {
            assert!(travel.note(f64::from(k) / 30.0, 20.0, Some(1.0)) < 1.0);
        }
        assert!(travel.note(10.0 / 30.0, 20.0, Some(4.0)) > 20.0);
        assert!(
            travel.note(11.0 / 30.0, 20.0, None) < 1.0,
            "no port, no way of its own"
        );
    }

    #[test]
    fn a_frame_shown_again_and_a_gap_say_nothing_of_speed() {
        let mut travel = Travel::default();
        travel.note(1.0, 20.0, None);
        assert!(travel.note(1.0, 20.0, None) < 1e-9);
        assert!(travel.note(2.0, 30.0, None) < 1e-9);
        assert!(travel.note(1.5, 10.0, None) < 1e-9, "time that goes back");
    }
}
