//! Hardware probes: which kinds are known, and which are plugged in.
//!
//! This version lists known USB probes, so that the virtual patient never takes the place of a real one in silence.
//! It has no driver yet; every place that names a probe says so.
mod catalog;
mod driver;
mod grabber;
mod list;
mod pipe;
mod usb;

pub use catalog::{KNOWN_PROBES, ProbeModel, ProbeState};
pub use driver::{Driver, DriverProblem, WireCounts};
pub use grabber::{
    DeviceProblem, Extremes, GrabberSource, Interval, LumaRange, Mode, PictureDecoder, PictureProblem, PixelFormat,
    SCALE_OUTLIVES, SetupStore, StoreProblem, drawn_pixels, list_grabbers, suggest_crop,
};
pub use list::{Access, ListedSource, SourceKind};
pub use pipe::{ControlPipe, PipeProblem, StreamPlan};
pub use usb::{AttachedProbe, ListProblem, attached};
