//! The switchboard: wires a session and owns its workers.
//!
//! The screen sees a session only through [`Session`]: it looks, and it sends commands. Nothing here draws.
mod board;
mod capture;
mod choice;
mod desk;
mod feed;
mod file_feed;
mod keep_frames;
mod keeping;
mod live;
mod live_feed;
mod publish;
mod read_log;
mod reader;
mod recorder;
mod recording_feed;
mod refill_desk;
mod state;
mod stopwatch;
mod training;
mod transitions;
mod upkeep;
mod virtual_feed;
mod watch;

pub use choice::{ChoiceProblem, SourceChoice};
pub use feed::{Connector, Feed, Scout};
pub use file_feed::FileFeed;
pub use keeping::{Beside, kept_picture};
pub use live::{Engine, Listener, SessionOptions};
pub use live_feed::LiveFeed;
pub use read_log::{FormedNote, PlaneWord, ReadNote, Scribe, Sight};
pub use reader::{Moment, Reader};
pub use recorder::{RecordingPlan, sequence_form};
pub use recording_feed::RecordingFeed;
pub use state::{
    Advice, Command, Fault, Liveness, Look, Nudge, Picture, ProbePose, Session, Snapshot,
    StageTimes, Stations,
};
pub use stopwatch::{Stopwatch, quantile};
pub use training::{TrainingOptions, TrainingSession};
pub use transitions::Transitions;
pub use virtual_feed::{FrameGate, VirtualFeed};
