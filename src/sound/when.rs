//! When a tone is due.
use std::time::Duration;

use crate::clock::Timestamp;

/// No two tones follow each other faster than this: a picture at the edge of a limit would ring all the time.
const REST: Duration = Duration::from_secs(3);

/// What a tone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// A path that was shown is withheld.
    PathGone,
    /// The port is established no more.
    LockLost,
    /// The picture is not live.
    NotLive,
}

impl Tone {
    /// Every tone.
    pub const ALL: [Self; 3] = [Self::PathGone, Self::LockLost, Self::NotLive];
}

/// What counts for tones, as it stands on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Heard {
    /// Pictures come in time.
    pub is_live: bool,
    /// The port is established.
    pub is_locked: bool,
    /// A path is shown.
    pub has_path: bool,
}

/// Follows what stands on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToneWatch {
    before: Heard,
    last: Option<Timestamp>,
}

impl ToneWatch {
    /// The tone that is due now: the gravest of what has gone since the last look. `is_meant` says that somebody did
    /// it on purpose (froze the picture, took another source), which is no news.
    pub fn look(&mut self, now: Timestamp, heard: Heard, is_meant: bool) -> Option<Tone> {
        let before = std::mem::replace(&mut self.before, heard);
        if is_meant {
            return None;
        }
        let tone = if before.is_live && !heard.is_live {
            Tone::NotLive
        } else if before.is_locked && !heard.is_locked {
            Tone::LockLost
        } else if before.has_path && !heard.has_path {
            Tone::PathGone
        } else {
            return None;
        };
        // The gravest is never held back by a lesser one.
        let is_resting = self.last.is_some_and(|last| now.since(last) < REST);
        if is_resting && tone != Tone::NotLive {
            return None;
        }
        self.last = Some(now);
        Some(tone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_WELL: Heard = Heard {
        is_live: true,
        is_locked: true,
        has_path: true,
    };

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_tone_is_due_when_something_goes_and_the_gravest_is_heard() {
        let gone = |heard| {
            let mut watch = ToneWatch::default();
            assert_eq!(watch.look(at(1.0), ALL_WELL, false), None, "it came");
            watch.look(at(2.0), heard, false)
        };
        let no_path = Heard {
            has_path: false,
            ..ALL_WELL
        };
        let no_lock = Heard {
            is_locked: false,
            ..no_path
        };
        assert_eq!(gone(ALL_WELL), None);
        assert_eq!(gone(no_path), Some(Tone::PathGone));
        assert_eq!(gone(no_lock), Some(Tone::LockLost));
        assert_eq!(gone(Heard::default()), Some(Tone::NotLive));
    }

    #[test]
    fn it_does_not_ring_all_the_time_and_what_was_meant_is_no_news() {
        let mut watch = ToneWatch::default();
        let no_path = Heard {
            has_path: false,
            ..ALL_WELL
        };
        let mut rung = 0;
        for step in 0..30 {
            let heard = if step % 2 == 0 { ALL_WELL } else { no_path };
            let tone = watch.look(at(1.0 + 0.1 * f64::from(step)), heard, false);
            rung += usize::from(tone.is_some());
        }
        assert_eq!(rung, 1, "in three seconds");
        assert_eq!(watch.look(at(4.05), ALL_WELL, false), None);
        // Not live is heard at once.
        let dead = Heard::default();
        assert_eq!(watch.look(at(4.1), dead, false), Some(Tone::NotLive));
        assert_eq!(watch.look(at(9.0), ALL_WELL, false), None);
        assert_eq!(watch.look(at(10.0), dead, true), None, "frozen on purpose");
        assert_eq!(watch.look(at(10.1), dead, false), None);
    }
}
