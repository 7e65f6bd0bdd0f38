//! A source with its controls, as the capture worker drives it.
use std::path::PathBuf;
use std::time::Duration;

use crate::frame::{ImagingSettings, Origin};
use crate::stream::{Delivery, FrameSource, SourceProblem};

use super::{Command, ProbePose};

/// A frame source that can also be commanded.
pub trait Feed: FrameSource {
    /// What kind of source it is.
    fn origin(&self) -> Origin;
    /// Whether it is one single picture.
    fn is_still(&self) -> bool;
    /// Settings in force at the start.
    fn settings(&self) -> ImagingSettings;
    /// Does what concerns the source of a command; other commands are passed over.
    fn apply(&mut self, command: &Command);
    /// Where the virtual probe stands; `None` for every other source.
    fn pose(&self) -> Option<ProbePose> {
        None
    }
    /// The file it reads, when it reads one.
    fn path(&self) -> Option<PathBuf> {
        None
    }
}

impl FrameSource for Box<dyn Feed> {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        self.as_mut().next(patience)
    }
    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.as_mut().request(wanted)
    }
    fn name(&self) -> String {
        self.as_ref().name()
    }
}
