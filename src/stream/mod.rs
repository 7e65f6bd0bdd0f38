//! The plumbing, ignorant of what is in a frame.
//!
//! Threading contract: a source is driven by one worker that asks for the next delivery with a patience; nobody
//! else touches it. The live path hands frames on through [`Newest`] (a mailbox of one: newer replaces unread, the
//! replaced are counted); the recording path through [`Queue`] (bounded, refuses and counts). Every worker is a
//! [`Worker`]: it has a name, it stops when told, and a stopped worker has ended. [`StreamHealth`] tells at every
//! station what came, how old it is and what was lost.
mod health;
mod live_source;
mod newest;
mod queue;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub use health::{HealthMeter, StreamHealth};
pub use live_source::{
    AcousticOutput, LiveSource, Maturity, SourceFacts, SourceOffers, WireCounts,
};
pub use newest::{Newest, Taken};
pub use queue::{Queue, QueueCounts};
pub use worker::{Ending, Worker};

use crate::frame::{Frame, ImagingSettings};
use crate::notice::{Problem, Severity};

/// What a source hands over when asked.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A frame.
    Frame(Arc<Frame>),
    /// Nothing within the patience given; the source is alive.
    Quiet,
    /// There will be no more.
    Finished,
}

/// Why a source or sink could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceProblem {
    /// The device or peer is gone or has stopped delivering, and the source tries by itself to get it back: what is
    /// shown is not live from now on; asked again it answers quiet until frames come again. Told once an outage.
    #[error("{source_name}: {what}; waiting for it to come back")]
    Lost {
        /// The source.
        source_name: String,
        /// What happened, and what is lost.
        what: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The device is gone, and nothing tries to get it back.
    #[error("{source_name} was unplugged")]
    Unplugged {
        /// The source.
        source_name: String,
    },
    /// A file or device sent something that could not be read.
    #[error("{source_name}: {what}")]
    Unreadable {
        /// The source.
        source_name: String,
        /// Expected and got, and what is lost.
        what: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A sink cannot take any more.
    #[error("{sink_name} stopped: {what}")]
    SinkStopped {
        /// The sink.
        sink_name: String,
        /// Expected and got, and what is lost.
        what: String,
    },
}

impl Problem for SourceProblem {
    fn severity(&self) -> Severity {
        Severity::Error
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unplugged { .. } => Some("Plug the probe in again.".to_owned()),
            Self::Unreadable { hint, .. } | Self::Lost { hint, .. } => hint.clone(),
            Self::SinkStopped { .. } => {
                Some("What was written so far is intact; free some space.".to_owned())
            }
        }
    }
}

/// Where frames come from: a probe, a recording, a simulation.
pub trait FrameSource: Send {
    /// The next delivery, waiting no longer than `patience`.
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem>;
    /// Asks for other settings; returns what was granted. Sources that cannot change return what they have.
    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings;
    /// A short name for picture and journal.
    fn name(&self) -> String;
}

/// Where frames go to.
pub trait FrameSink: Send {
    /// Takes one frame.
    fn accept(&mut self, frame: &Arc<Frame>) -> Result<(), SourceProblem>;
    /// Ends in good order.
    fn finish(self: Box<Self>) -> Result<(), SourceProblem>;
}
