//! A recording as a feed: it plays in true time, waits while the picture is frozen, and starts again on request.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::exchange::{FileSource, Pace};
use crate::frame::{ImagingSettings, Origin};
use crate::notice::Notice;
use crate::stream::{Delivery, FrameSource, SourceProblem};

use super::{Command, Feed};

/// A file that is played.
pub struct FileFeed {
    file: FileSource,
    clock: Arc<dyn Clock>,
    paused: bool,
}

impl FileFeed {
    /// Plays `file` in true time by `clock`.
    pub fn new(mut file: FileSource, clock: Arc<dyn Clock>) -> Self {
        file.set_pace(Pace::TrueTime(Arc::clone(&clock)));
        Self {
            file,
            clock,
            paused: false,
        }
    }
}

impl FrameSource for FileFeed {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if self.paused {
            std::thread::sleep(patience);
            return Ok(Delivery::Quiet);
        }
        self.file.next(patience)
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.file.request(wanted)
    }

    fn name(&self) -> String {
        self.file.name()
    }
}

impl Feed for FileFeed {
    fn origin(&self) -> Origin {
        Origin::Replay
    }

    fn is_still(&self) -> bool {
        self.file.is_still()
    }

    fn settings(&self) -> ImagingSettings {
        ImagingSettings::default()
    }

    fn apply(&mut self, command: &Command) -> Option<Notice> {
        match command {
            Command::Freeze => self.paused = true,
            Command::Unfreeze => {
                self.paused = false;
                // The schedule starts anew from the present frame.
                self.file.set_pace(Pace::TrueTime(Arc::clone(&self.clock)));
            }
            Command::Restart => self.file.restart(),
            Command::GiveScale(spacing) => {
                if self.file.set_scale(*spacing) {
                    self.file.restart();
                }
            }
            Command::SetImaging(_)
            | Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::TakeSnapshot
            | Command::ConfirmPlane
            | Command::DeleteSnapshot(_)
            | Command::Nudge(_)
            | Command::Fault(_)
            | Command::AcknowledgeResearchNotice
            | Command::FlipShown(_)
            | Command::SuggestCrop
            | Command::ChooseMode(_)
            | Command::SetFirmware(_)
            | Command::Refill(_)
            | Command::SetPicture(_)
            | Command::Connect(_) => {}
        }
        None
    }

    fn path(&self) -> Option<PathBuf> {
        Some(self.file.path().to_owned())
    }
}
