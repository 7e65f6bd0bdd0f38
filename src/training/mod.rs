//! Training: a virtual patient with hidden truth, an answer, how far it was off, and the history of all answers.
//!
//! Nothing of it is a refill: no steps, no session folder, no journal. What stands on the screen says TRAINING beside
//! SIMULATION, and the history is a file of its own. The course of one patient and the scores read no clock and touch
//! no file; only [`HistoryFile`] does. It knows neither pictures nor the window.
mod course;
mod history;
mod score;

pub use course::{Aid, Course, Reveal, TrainingAction, TrainingLook};
pub use history::{HistoryFile, HistoryProblem, Past};
pub use score::{Answer, Answered, GOOD_WITHIN_MM, Miss, Score, Verdict, judge};
