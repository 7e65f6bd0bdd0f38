//! Time as a value: monotonic stamps that travel with frames, and the only doors to the machine's clocks.
//!
//! Working rooms never read a clock; they compare [`Timestamp`]s that came with frames.
use std::time::Duration;

/// Monotonic time since the start of the process (live) or of the recording (replay), in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    nanos: u64,
}

impl Timestamp {
    /// The origin of the clock.
    pub const ZERO: Self = Self { nanos: 0 };

    /// A stamp `nanos` nanoseconds after the origin.
    pub fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// A stamp from seconds after the origin; negative and non-finite values become the origin.
    pub fn from_seconds(seconds: f64) -> Self {
        Self::ZERO.plus(self::seconds(seconds))
    }

    /// Nanoseconds after the origin.
    pub fn nanos(self) -> u64 {
        self.nanos
    }

    /// Seconds after the origin.
    pub fn as_seconds(self) -> f64 {
        self.nanos as f64 * 1e-9
    }

    /// The time from `earlier` to `self`; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }

    /// The stamp `span` later.
    pub fn plus(self, span: Duration) -> Self {
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanos: self.nanos.saturating_add(span),
        }
    }
}

/// A span of `seconds`; negative, non-finite and absurd values become zero or the longest span.
pub fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(if seconds > 0.0 {
        Duration::MAX
    } else {
        Duration::ZERO
    })
}

/// Where live time comes from. Tests hand in a clock of their own.
pub trait Clock: Send + Sync {
    /// The monotonic time now.
    fn now(&self) -> Timestamp;
    /// The wall-clock time now, as RFC 3339 text in UTC, for journals only.
    fn wall(&self) -> String;
}

/// The machine's clocks; its origin is the moment it was made.
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: std::time::Instant,
}

impl SystemClock {
    /// A clock whose origin is now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door to the machine's clock"
    )]
    pub fn start() -> Self {
        Self {
            origin: std::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO.plus(self.origin.elapsed())
    }

    fn wall(&self) -> String {
        jiff::Timestamp::now().to_string()
    }
}

/// A clock that moves only when it is told to: a rehearsal runs as fast as the machine, in its own time. Its wall
/// clock begins at the machine's and goes with it.
#[derive(Debug)]
pub struct SteppedClock {
    nanos: std::sync::atomic::AtomicU64,
    begun: jiff::Timestamp,
}

impl SteppedClock {
    /// A clock at zero; its wall clock stands at the present time.
    pub fn start() -> Self {
        Self {
            nanos: std::sync::atomic::AtomicU64::new(0),
            begun: jiff::Timestamp::now(),
        }
    }

    /// Moves the clock to `to`; it never goes back.
    pub fn go_to(&self, to: Timestamp) {
        self.nanos
            .fetch_max(to.nanos, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn wall(&self) -> String {
        let span = jiff::SignedDuration::from_nanos(i64::try_from(self.now().nanos()).unwrap_or(0));
        self.begun
            .checked_add(span)
            .unwrap_or(self.begun)
            .to_string()
    }
}

/// A clock that a test moves by hand.
#[derive(Debug, Default)]
pub struct ManualClock {
    nanos: std::sync::atomic::AtomicU64,
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.nanos
            .fetch_add(span, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn wall(&self) -> String {
        format!("1970-01-01T00:00:00Z+{}ns", self.now().nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_moves_when_told_and_takes_its_wall_clock_along() {
        let clock = SteppedClock::start();
        let wall =
            |clock: &SteppedClock| -> jiff::Timestamp { clock.wall().parse().expect("time") };
        let before = wall(&clock);
        clock.go_to(Timestamp::from_seconds(2.0));
        clock.go_to(Timestamp::from_seconds(1.0));
        assert_eq!(clock.now(), Timestamp::from_seconds(2.0));
        assert_eq!(wall(&clock).duration_since(before).as_secs(), 2);
    }

    #[test]
    fn spans_never_panic_and_never_go_backwards() {
        for odd in [f64::NAN, f64::INFINITY, -3.0, 1e300] {
            let _ = Timestamp::from_seconds(odd);
        }
        let early = Timestamp::from_seconds(1.0);
        let late = Timestamp::from_seconds(1.5);
        assert_eq!(late.since(early), Duration::from_millis(500));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
