//! What was read from a recording, as lines a program can read, and how right it was against a known truth.
//!
//! The lines are the stable `analyze` interface (docs/ANALYZE.md). Accuracy on synthetic pictures is not clinical
//! accuracy; every table says so.
mod interval;
mod lines;
mod measure;
mod plots;
mod report;
mod score;
mod table;
mod truth;
mod truth_file;

pub use interval::wilson;
pub use lines::{LineWriter, Tally};
pub use measure::{Bin, Measures, Reading, Reliability, Share};
pub use report::{FailurePicture, ReportHead, report};
pub use score::{CaseScore, Failure, Scorer};
pub use table::{Evaluated, summary_json, table, table_json};
pub use truth::{CaseFacts, FrameTruth, NeedleTruth, Origin, PortTruth, RecordingTruth, Truth};
pub use truth_file::{TruthProblem, read_truth};
