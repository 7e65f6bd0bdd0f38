//! What happens in a session: the steps of a refill as a state machine, and the append-only journal.
//!
//! The journal is one JSON object a line, numbered, with wall-clock time in UTC and the session's monotonic time. A
//! line is on the disk before the next one is taken (H24), and carries a hash over itself and the line before it
//! (H26). It holds no name (H27) and computes no dose (H21).
mod chain;
mod event;
mod folder;
mod form;
mod journal;
mod missing;
mod refill;
mod refill_event;
mod step;
mod verify;
mod verify_session;
mod volume;

pub use event::{Entry, Event, Kept};
pub use folder::{
    FRAMES_FILE, FileRecord, FolderProblem, IMAGES_FOLDER, JOURNAL_FILE, RECORDING_FILE,
    SESSION_FILE, SessionFolder,
};
pub use form::{Field, FieldError, FluidAnswer, Value};
pub use journal::{Journal, JournalProblem};
pub use missing::{Missing, Refusal};
pub use refill::{
    Action, BackFlow, Circumstances, Counted, Filling, Moments, NeedlePlace, Outcome, PathSeen,
    Refill,
};
pub use refill_event::{Move, RefillEvent, gap_line};
pub use step::Step;
pub use verify::{EntryFault, JournalVerdict, UnreadableJournal, verify_journal};
pub use verify_session::{
    BadFile, FileFault, SessionVerdict, session_of, verify_file, verify_session,
};
pub use volume::{ALIQUOT, ASPIRATION_LEAST, Gap, GapKind, Volume, VolumeError, gap_limit};
