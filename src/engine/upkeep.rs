//! What the desk looks after while nothing is asked of it: room on the disk, and a refill that was left lying open.
use std::time::Duration;

use crate::clock::Timestamp;
use crate::notice::{Notice, Severity};
use crate::procedure::{Action, NeedlePlace, SessionFolder};
use crate::words::{say, say_with};

use super::desk::Desk;

/// How often the disk is asked for its room.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// With less room than this, MB, the user is told (H25): about a quarter of an hour of recording.
const TOLD_BELOW_MB: u64 = 1000;
/// With less room than this, MB, nothing more is recorded (H25): it is kept for journal, pictures and report.
const RECORDED_FROM_MB: u64 = 300;
/// A refill without an action for this long, and no needle in the skin, is closed (H22): whoever comes back to it may
/// have another patient.
const IDLE_MOST: Duration = Duration::from_mins(30);

/// How much room there is for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Room {
    /// Enough.
    #[default]
    Enough,
    /// Little: the user is told.
    Little,
    /// So little that recording ends.
    ForTheJournalOnly,
}

impl Room {
    fn of(free_mb: u64) -> Self {
        if free_mb < RECORDED_FROM_MB {
            Self::ForTheJournalOnly
        } else if free_mb < TOLD_BELOW_MB {
            Self::Little
        } else {
            Self::Enough
        }
    }
}

/// What the desk remembers for its upkeep.
#[derive(Default)]
pub(super) struct Upkeep {
    looked: Option<Timestamp>,
    room: Room,
}

impl Desk {
    /// Looks after what nobody asks for.
    pub(super) fn look_after(&mut self) {
        let now = self.shared.clock.now();
        let is_due = |at: Timestamp| now.since(at) >= LOOK_EVERY;
        if self.upkeep.looked.is_none_or(is_due) {
            self.upkeep.looked = Some(now);
            let free = self.folder.as_ref().and_then(SessionFolder::free_mb);
            if let Some(free) = free {
                self.mind_the_room(free);
            }
        }
        self.close_when_left(now);
    }

    /// Tells when there is less room than before; video goes first, the journal last.
    fn mind_the_room(&mut self, free_mb: u64) {
        let room = Room::of(free_mb);
        let is_worse = room > self.upkeep.room;
        self.upkeep.room = room;
        if !is_worse {
            return;
        }
        let free = free_mb.to_string();
        let text = match room {
            Room::Enough => return,
            Room::Little => say_with("engine-disk-little", &[("free", &free)]),
            Room::ForTheJournalOnly => {
                if let Some(tape) = &self.shared.tape {
                    tape.stop();
                }
                say_with("engine-disk-full", &[("free", &free)])
            }
        };
        self.shared.tell_trouble(Notice {
            severity: Severity::Warning,
            text,
            hint: Some(say("engine-disk-hint")),
        });
    }

    fn close_when_left(&mut self, now: Timestamp) {
        let refill = self.log.refill();
        let is_open = refill.moments().begun.is_some() && refill.outcome().is_none();
        let is_left = self.log.idle(now).is_some_and(|idle| idle >= IDLE_MOST);
        if !is_open || !is_left || refill.needle() != NeedlePlace::Out {
            return;
        }
        self.shared
            .tell_trouble(Notice::note(say("engine-left-open")));
        self.take_action(&Action::Abandon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_ends_before_the_journal_has_no_room() {
        for (free, room) in [
            (0, Room::ForTheJournalOnly),
            (299, Room::ForTheJournalOnly),
            (300, Room::Little),
            (999, Room::Little),
            (1000, Room::Enough),
        ] {
            assert_eq!(Room::of(free), room, "{free} MB");
        }
        for key in [
            "engine-disk-little",
            "engine-disk-full",
            "engine-disk-hint",
            "engine-left-open",
        ] {
            assert!(crate::words::has(key), "{key}");
        }
    }
}
