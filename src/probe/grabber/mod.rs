//! Frame grabbers and UVC probes behind V4L2: finished pictures of another machine's screen.
//!
//! Promises: every frame carries the driver's time on the session's clock and a number in which every loss is a gap;
//! damaged pictures are counted, not shown; a scale is in force only after the user picked it in this session; colour
//! is left out. It does not know what is in a picture but for what scanners draw around their scan.
mod device;
mod formats;
mod listing;
mod modes;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod no_nodes;
mod picture;
mod screen_parts;
mod screen_watch;
mod setup_store;
mod source;
#[cfg(test)]
mod source_tests;
mod sysfs;
mod telling;
mod timing;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod v4l2;

pub use device::{
    Captured, DeclaredRange, DeviceIdentity, DeviceProblem, Granted, Interval, Mode, PixelFormat,
    VideoDevice, VideoNodes, Waited,
};
pub use formats::{LumaRange, PictureDecoder, PictureProblem, PictureTraits};
pub use listing::list_grabbers;
pub use screen_parts::{Extremes, drawn_pixels, suggest_crop};
pub use setup_store::{SavedSetups, SetupStore, StoreProblem};
pub use source::{GrabberSource, SCALE_OUTLIVES};
