//! Durations of one stage over its last frames, as median and 99th percentile.
use std::time::Duration;

use super::StageTimes;

/// Frames behind the figures: about 17 s at 30 frames/s.
const WINDOW: usize = 512;

/// Collects durations of one stage.
#[derive(Debug, Default)]
pub struct Stopwatch {
    recent: Vec<f64>,
    next: usize,
    count: u64,
}

impl Stopwatch {
    /// Takes note of one duration.
    pub fn note(&mut self, span: Duration) {
        let millis = span.as_secs_f64() * 1e3;
        match self.recent.get_mut(self.next) {
            Some(slot) => *slot = millis,
            None => self.recent.push(millis),
        }
        self.next = (self.next + 1) % WINDOW;
        self.count += 1;
    }

    /// The figures so far.
    pub fn times(&self) -> StageTimes {
        let mut sorted = self.recent.clone();
        sorted.sort_by(f64::total_cmp);
        StageTimes {
            p50_ms: quantile(&sorted, 0.5),
            p99_ms: quantile(&sorted, 0.99),
            count: self.count,
        }
    }
}

/// The `q` quantile (0 to 1) of ascending values by linear interpolation; 0 when there are none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(top) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = q.clamp(0.0, 1.0) * top as f64;
    let below = place.floor();
    let at = |index: usize| sorted.get(index.min(top)).copied().unwrap_or(0.0);
    let low = at(below as usize);
    let high = at(below as usize + 1);
    low + (high - low) * (place - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_an_empty_list_gives_zero() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[3.0], 0.99), 3.0);
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 2.5).abs() < 1e-12);
        let mut watch = Stopwatch::default();
        for ms in 1..=100 {
            watch.note(Duration::from_millis(ms));
        }
        let times = watch.times();
        assert_eq!(times.count, 100);
        assert!((times.p50_ms - 50.5).abs() < 1e-9);
    }
}
