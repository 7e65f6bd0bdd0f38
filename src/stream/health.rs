//! What a station can say of its stream: rate, age, gaps, drops.
use std::time::Duration;

use crate::clock::Timestamp;
use crate::frame::FrameId;

/// Frames of history behind the rate shown.
const RATE_WINDOW: usize = 30;

/// The health of a stream at one station.
#[derive(Clone, Copy, Debug, PartialEq, Default, serde::Serialize)]
pub struct StreamHealth {
    /// Frames seen.
    pub frames: u64,
    /// Frames a second over the last second or so; 0 until two frames came.
    pub rate_hz: f64,
    /// Frames missing by their numbers: lost before this station.
    pub missing: u64,
    /// How many times numbers jumped.
    pub gaps: u64,
    /// Frames skipped on purpose because a newer one was there.
    pub skipped: u64,
}

/// Keeps the account of one station.
#[derive(Debug, Default)]
pub struct HealthMeter {
    health: StreamHealth,
    last: Option<(FrameId, Timestamp)>,
    recent: Vec<Timestamp>,
    next_slot: usize,
}

impl HealthMeter {
    /// Takes note of a frame.
    pub fn note(&mut self, id: FrameId, at: Timestamp) {
        self.health.frames += 1;
        if let Some((before, _)) = self.last
            && id.0 > before.0 + 1
        {
            self.health.gaps += 1;
            self.health.missing += id.0 - before.0 - 1;
        }
        self.last = Some((id, at));
        self.push_recent(at);
        self.health.rate_hz = self.rate();
    }

    /// Takes note of frames skipped on purpose, as a running total.
    pub fn set_skipped(&mut self, total: u64) {
        self.health.skipped = total;
    }

    /// The account so far.
    pub fn health(&self) -> StreamHealth {
        self.health
    }

    /// How long ago the last frame came; `None` before the first.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.last.map(|(_, at)| now.since(at))
    }

    fn push_recent(&mut self, at: Timestamp) {
        match self.recent.get_mut(self.next_slot) {
            Some(slot) => *slot = at,
            None => self.recent.push(at),
        }
        self.next_slot = (self.next_slot + 1) % RATE_WINDOW;
    }

    fn rate(&self) -> f64 {
        let first = self.recent.iter().min();
        let last = self.recent.iter().max();
        match (first, last) {
            (Some(first), Some(last)) if last > first => {
                (self.recent.len() - 1) as f64 / last.since(*first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_gaps_come_from_numbers_and_stamps() {
        let mut meter = HealthMeter::default();
        for (id, ms) in [(0, 0), (1, 40), (2, 80), (5, 200)] {
            meter.note(FrameId(id), Timestamp::from_nanos(ms * 1_000_000));
        }
        let health = meter.health();
        assert_eq!((health.frames, health.missing, health.gaps), (4, 2, 1));
        assert!((health.rate_hz - 15.0).abs() < 1e-9);
        let age = meter.age(Timestamp::from_nanos(450_000_000));
        assert_eq!(age, Some(Duration::from_millis(250)));
    }
}
