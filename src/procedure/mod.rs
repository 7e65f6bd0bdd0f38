//! What happened: the append-only journal of a session.
//!
//! One JSON object a line, numbered, with wall-clock time in UTC and the session's monotonic time. A line is on the
//! disk before the next one is taken (H24), and carries a hash over itself and the line before it (H26). The journal holds no name and no dose (H21, H27).
mod chain;
mod event;
mod journal;
mod verify;

pub use event::{Entry, Event};
pub use journal::{Journal, JournalProblem};
pub use verify::{EntryFault, JournalVerdict, UnreadableJournal, verify_journal};
