//! A source with its controls, as the capture worker drives it.
use std::path::PathBuf;
use std::time::Duration;

use crate::frame::{ImagingSettings, Origin};
use crate::notice::Notice;
use crate::probe::Listing;
use crate::stream::{Delivery, FrameSource, SourceFacts, SourceProblem, WireCounts};

use super::{Command, ProbePose, SourceChoice};

/// Opens a source that was chosen; says what is wrong when it cannot. Called on the capture worker: it must not wait
/// for a device (live sources open themselves when they are first asked for a frame).
pub type Connector = Box<dyn FnMut(&SourceChoice) -> Result<Box<dyn Feed>, Notice> + Send>;

/// Lists the sources found on this machine. Called on a worker of its own.
pub type Scout = Box<dyn FnMut() -> Listing + Send>;

/// A frame source that can also be commanded.
pub trait Feed: FrameSource {
    /// What kind of source it is.
    fn origin(&self) -> Origin;
    /// Whether it is one single picture.
    fn is_still(&self) -> bool;
    /// Settings in force at the start.
    fn settings(&self) -> ImagingSettings;
    /// Does what concerns the source of a command; other commands are passed over. Returns what the user must know
    /// when it could not be done.
    fn apply(&mut self, command: &Command) -> Option<Notice>;
    /// What a live source says of itself.
    fn facts(&self) -> Option<&SourceFacts> {
        None
    }
    /// What passed and what was lost between device and source; `None` for files and simulations.
    fn wire_counts(&self) -> Option<WireCounts> {
        None
    }
    /// Grows with every change of [`Self::facts`].
    fn facts_version(&self) -> u64 {
        0
    }
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
