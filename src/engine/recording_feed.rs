//! A recording of ours as a feed: it plays in true time, waits while the picture is frozen, and starts again on
//! request.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::exchange::Pace;
use crate::frame::{ImagingSettings, Origin};
use crate::notice::Notice;
use crate::recording::Playback;
use crate::stream::{Delivery, FrameSource, SourceProblem};

use super::{Command, Feed};

/// A recording that is played.
pub struct RecordingFeed {
    playback: Playback,
    clock: Arc<dyn Clock>,
    paused: bool,
}

impl RecordingFeed {
    /// Plays a recording in true time by `clock`.
    pub fn new(mut playback: Playback, clock: Arc<dyn Clock>) -> Self {
        playback.set_pace(Pace::TrueTime(Arc::clone(&clock)));
        Self {
            playback,
            clock,
            paused: false,
        }
    }
}

impl FrameSource for RecordingFeed {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if self.paused {
            std::thread::sleep(patience);
            return Ok(Delivery::Quiet);
        }
        self.playback.next(patience)
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.playback.request(wanted)
    }

    fn name(&self) -> String {
        self.playback.name()
    }
}

impl Feed for RecordingFeed {
    fn origin(&self) -> Origin {
        Origin::Replay
    }

    fn is_still(&self) -> bool {
        self.playback.recording().frame_count() == 1
    }

    fn settings(&self) -> ImagingSettings {
        self.playback.settings().clone()
    }

    fn apply(&mut self, command: &Command) -> Option<Notice> {
        if matches!(command, Command::Freeze) {
            self.paused = true;
        } else if matches!(command, Command::Unfreeze) {
            self.paused = false;
            // The schedule starts anew from the present frame.
            self.playback
                .set_pace(Pace::TrueTime(Arc::clone(&self.clock)));
        } else if matches!(command, Command::Restart) {
            self.playback.restart();
        }
        None
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.playback.recording().path().to_owned())
    }
}
