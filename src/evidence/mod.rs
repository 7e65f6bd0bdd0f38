//! What was read from a recording, as lines a program can read, and how right it was against a known truth.
//!
//! The lines are the stable `analyze` interface (docs/ANALYZE.md). Accuracy on synthetic pictures is not clinical
//! accuracy; every table says so.
mod lines;
mod score;
mod table;
mod truth;

pub use lines::{LineWriter, Tally};
pub use score::{CaseScore, Scorer};
pub use table::{table, table_json};
pub use truth::{FrameTruth, PortTruth, Truth, TruthProblem, read_truth};
