//! Hardware probes: which kinds are known, and which are plugged in.
//!
//! This version lists known USB probes, so that the virtual patient never takes the place of a real one in silence.
//! It has no driver for them yet; every place that names a probe says so. Frame grabbers and UVC probes are sources.
mod catalog;
mod driver;
mod grabber;
mod list;
mod pipe;
mod usb;

pub use catalog::{KNOWN_PROBES, ProbeModel, ProbeState};
pub use driver::{Driver, DriverProblem, WireCounts};
pub use grabber::{
    Captured, DeclaredRange, DeviceIdentity, DeviceProblem, Extremes, GrabberSource, Granted,
    Interval, LumaRange, Mode, PictureDecoder, PictureProblem, PictureTraits, PixelFormat,
    SCALE_OUTLIVES, SavedSetups, SetupStore, StoreProblem, VideoDevice, VideoNodes, Waited,
    drawn_pixels, list_grabbers, suggest_crop,
};
pub use list::{Access, ListedSource, SourceKind};
pub use pipe::{ControlPipe, PipeProblem, StreamPlan};
pub use usb::{AttachedProbe, ListProblem, attached};
