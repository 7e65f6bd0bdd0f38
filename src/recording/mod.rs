//! Disk as a sink and as a source: every frame as it came, with what was said and done about it, in one file.
//!
//! The container is MCAP, written and read by its own crate; our part is what is in it (docs/ARCHITECTURE.md,
//! "Recordings"). One frame is one chunk, flushed as it is written and synced about once a second, so a kill costs
//! no frame that was acknowledged and a power cut at most the last second. A chunk that was damaged costs its own
//! frame and no other. Promises: samples come back bit for bit; every frame that could not be taken is counted, in
//! the file and in [`RecordingCounts`]; nothing here waits for a disk on anybody else's worker.
mod carve;
mod chunk;
mod disk;
mod form;
mod open;
mod playback;
mod problem;
mod recorder;
mod verify;
mod writer;

pub use chunk::{Chunk, Note};
pub use disk::{Disk, FileDisk};
pub use form::{FormProblem, FrameHead};
pub use open::{Condition, Heading, Recording};
pub use playback::Playback;
pub use problem::RecordingProblem;
pub use recorder::{Recorder, RecorderOptions, RecordingCounts, RecordingState, Tape};
pub use verify::{RecordingVerdict, Recovered, recover, verify_recording};
pub use writer::RecordingWriter;

/// The end of a recording's name.
pub const RECORDING_SUFFIX: &str = "mcap";
/// The version of what is in the file, not of the container.
const VERSION: &str = "1";
/// Name of the record that says what the recording is.
const HEADING: &str = "portsight.recording";
/// Name of the record that says how it ended.
const ENDING: &str = "portsight.end";
/// A chunk holds one frame; one that says it holds more than this, bytes, is damaged.
const LARGEST_CHUNK: u64 = 1 << 28;

/// What stands in a channel. The numbers are fixed: a file that lost its first chunk can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// One JSON object a frame: number, time, geometry, settings (see [`FrameHead`]).
    Frames,
    /// The samples of the frame before it in the same chunk, as bytes.
    Samples,
    /// Entries of the journal, as JSON.
    Events,
    /// Which frames were formed into pictures, in order, as JSON.
    Formed,
    /// What the detector was given, in order: frame, pump, needle, commands, as JSON.
    Reads,
    /// The advice on every frame read, as `analyze` prints it.
    Advice,
    /// Frames that are missing, and who lost them, as JSON.
    Gaps,
}

impl Channel {
    /// Every channel, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Frames,
        Self::Samples,
        Self::Events,
        Self::Formed,
        Self::Reads,
        Self::Advice,
        Self::Gaps,
    ];

    /// Its number in the file.
    pub fn id(self) -> u16 {
        match self {
            Self::Frames => 1,
            Self::Samples => 2,
            Self::Events => 3,
            Self::Formed => 4,
            Self::Reads => 5,
            Self::Advice => 6,
            Self::Gaps => 7,
        }
    }

    /// The channel of a number; `None` for numbers this version does not know.
    pub fn of(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.id() == id)
    }

    /// Its name in the file.
    pub fn topic(self) -> &'static str {
        match self {
            Self::Frames => "/frames",
            Self::Samples => "/samples",
            Self::Events => "/events",
            Self::Formed => "/formed",
            Self::Reads => "/reads",
            Self::Advice => "/advice",
            Self::Gaps => "/gaps",
        }
    }

    /// How its messages are written.
    fn encoding(self) -> &'static str {
        match self {
            Self::Samples => "x-portsight-samples",
            Self::Frames
            | Self::Events
            | Self::Formed
            | Self::Reads
            | Self::Advice
            | Self::Gaps => "json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_found_again_by_its_number() {
        for channel in Channel::ALL {
            assert_eq!(Channel::of(channel.id()), Some(channel));
        }
        assert_eq!(Channel::of(0), None);
    }
}
