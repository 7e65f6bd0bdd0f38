//! What can go wrong with a recording.
use std::path::PathBuf;

use super::form::FormProblem;
use crate::notice::Problem;
use crate::stream::SourceProblem;

/// Why a recording could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingProblem {
    /// The file could not be made, or is there already.
    #[error("recording {} could not be begun: {cause}", path.display())]
    NotBegun {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Writing failed; what was written before is whole.
    #[error("the recording stopped after {frames} frames: {cause}")]
    Stopped {
        /// Frames that are in the file.
        frames: u64,
        /// What the system or the container said.
        cause: mcap::McapError,
    },
    /// A frame cannot be put into words that can be read back.
    #[error("frame {id} could not be recorded: {cause}")]
    Unrecordable {
        /// The number of the frame.
        id: u64,
        /// What is wrong with it.
        cause: FormProblem,
    },
    /// The file cannot be opened or read at all.
    #[error("{} could not be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no recording, or holds no frame.
    #[error("{}: expected a recording with frames in it, got {got}", path.display())]
    NoRecording {
        /// The file.
        path: PathBuf,
        /// What it is.
        got: &'static str,
    },
    /// One chunk is damaged: its own frame is lost and no other.
    #[error("{}: the chunk at byte {offset} is damaged ({cause}); its frame is lost", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the chunk begins.
        offset: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// There is no frame of that place.
    #[error("{}: expected a frame from 0 to {last}, got {index}", path.display())]
    FrameOutside {
        /// The file.
        path: PathBuf,
        /// The frame asked for.
        index: usize,
        /// The last one there is.
        last: usize,
    },
}

impl Problem for RecordingProblem {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::NotBegun { .. } => {
                    "Give a file that does not exist yet, in a folder that may be written to."
                }
                Self::Stopped { .. } => "Free some space; what was recorded before is kept.",
                Self::Unrecordable { .. } => "The frame is counted as lost; the recording goes on.",
                Self::Unreadable { .. } => "Check the name and the rights of the file.",
                Self::NoRecording { .. } => {
                    "Give a file that portsight recorded; `portsight verify FILE` says more."
                }
                Self::Damaged { .. } => {
                    "Go on with the next frame; `portsight recover FILE` keeps what is whole."
                }
                Self::FrameOutside { .. } => return None,
            }
            .to_owned(),
        )
    }
}

impl RecordingProblem {
    /// The same as a source says it.
    pub(super) fn into_source_problem(self, source_name: String) -> SourceProblem {
        SourceProblem::Unreadable {
            source_name,
            what: self.to_string(),
            hint: Problem::hint(&self),
        }
    }
}
