//! A probe, a grabber or a network peer as a feed.
use std::time::Duration;

use crate::frame::{ImagingSettings, Origin, PictureSetup};
use crate::notice::{Notice, Severity};
use crate::stream::{Delivery, FrameSource, LiveSource, SourceFacts, SourceProblem, WireCounts};

use super::{Command, Feed};

/// A live source with its controls.
pub struct LiveFeed {
    source: Box<dyn LiveSource>,
    settings: ImagingSettings,
}

impl LiveFeed {
    /// A feed of `source`, which opens itself when it is first asked for a frame.
    pub fn new(source: Box<dyn LiveSource>) -> Self {
        Self {
            source,
            settings: ImagingSettings::default(),
        }
    }

    fn set_picture(&mut self, setup: &PictureSetup) -> Option<Notice> {
        self.source.set_picture(setup).err().map(|text| Notice {
            severity: Severity::Warning,
            text: format!("picture area and scale were not taken: {text}"),
            hint: None,
        })
    }
}

impl FrameSource for LiveFeed {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        self.source.next(patience).map_err(|problem| match problem {
            // A live source goes on after whatever it could not read; nobody should have to start it again.
            SourceProblem::Unreadable {
                source_name,
                what,
                hint,
            } => SourceProblem::Lost {
                source_name,
                what,
                hint,
            },
            SourceProblem::Lost { .. }
            | SourceProblem::Unplugged { .. }
            | SourceProblem::SinkStopped { .. } => problem,
        })
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.settings = self.source.request(wanted);
        self.settings.clone()
    }

    fn name(&self) -> String {
        self.source.name()
    }
}

impl Feed for LiveFeed {
    fn origin(&self) -> Origin {
        Origin::Live
    }

    fn is_still(&self) -> bool {
        false
    }

    fn settings(&self) -> ImagingSettings {
        self.settings.clone()
    }

    fn facts(&self) -> Option<&SourceFacts> {
        Some(self.source.facts())
    }

    fn wire_counts(&self) -> Option<WireCounts> {
        Some(self.source.wire_counts())
    }

    fn facts_version(&self) -> u64 {
        self.source.facts_version()
    }

    fn apply(&mut self, command: &Command) -> Option<Notice> {
        match command {
            Command::Freeze => self.source.freeze(),
            Command::Unfreeze => self.source.resume(),
            Command::SetPicture(setup) => return self.set_picture(setup),
            Command::GiveScale(spacing) => {
                let present = self.source.facts().picture_setup.clone();
                let setup = PictureSetup {
                    spacing: Some(*spacing),
                    ..present.unwrap_or_default()
                };
                return self.set_picture(&setup);
            }
            Command::SetImaging(_)
            | Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::TakeSnapshot
            | Command::ConfirmPlane
            | Command::DeleteSnapshot(_)
            | Command::Restart
            | Command::Nudge(_)
            | Command::Fault(_)
            | Command::AcknowledgeResearchNotice
            | Command::FlipShown(_)
            | Command::Refill(_)
            | Command::Connect(_) => {}
        }
        None
    }
}
