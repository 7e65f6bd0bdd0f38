//! The seam under every frame grabber: formats, buffers with the driver's own stamp and number. Tests put a script here.
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::notice::Problem;

/// Pixel formats that are read. Anything else a device offers is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelFormat {
    /// Brightness and colour in turn, two bytes a pixel (4:2:2).
    Yuyv,
    /// A plane of brightness, then one of colour at half size (4:2:0).
    Nv12,
    /// Brightness only, one byte a pixel.
    Grey,
    /// One JPEG a frame.
    Mjpg,
}

impl PixelFormat {
    /// All of them, the most welcome first: uncompressed and with colour, so that graphics can be told from echo.
    pub const ALL: [Self; 4] = [Self::Yuyv, Self::Nv12, Self::Grey, Self::Mjpg];

    /// The four letters of V4L2.
    pub fn fourcc(self) -> &'static str {
        match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Grey => "GREY",
            Self::Mjpg => "MJPG",
        }
    }

    /// The format of these four letters, if it is one that is read.
    pub fn of_fourcc(letters: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.fourcc().as_bytes() == letters)
    }

    /// Whether pixels come as they were digitised.
    pub fn is_uncompressed(self) -> bool {
        self != Self::Mjpg
    }
}

/// Time from frame to frame in seconds, as a fraction, as drivers give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Seconds, above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Interval {
    /// Frames a second; `None` for an interval of nothing.
    pub fn rate_hz(self) -> Option<f64> {
        (self.numerator > 0 && self.denominator > 0)
            .then(|| f64::from(self.denominator) / f64::from(self.numerator))
    }
}

/// One way in which a device can deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// How pixels are stored.
    pub format: PixelFormat,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Shortest time from frame to frame; `None` where the driver does not say.
    pub interval: Option<Interval>,
}

impl Mode {
    /// "1280x720 YUYV": what a setup is saved under.
    pub fn name(&self) -> String {
        format!("{}x{} {}", self.width, self.height, self.format.fourcc())
    }

    /// "1280x720 YUYV, 30.0 frames/s": for people.
    pub fn label(&self) -> String {
        let rate = self.interval.and_then(Interval::rate_hz);
        let rate = rate.map_or_else(
            || "frame rate not told".to_owned(),
            |hz| format!("{hz:.1} frames/s"),
        );
        format!("{}, {rate}", self.name())
    }

    /// Whether pictures of the two have the same pixels at the same places.
    pub fn is_same_picture(&self, other: &Self) -> bool {
        (self.format, self.width, self.height) == (other.format, other.width, other.height)
    }
}

/// Which values brightness takes, as the driver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredRange {
    /// 0 to 255.
    Full,
    /// 16 to 235.
    Limited,
    /// Nothing said: the V4L2 default is limited, which cheap sticks do not always keep.
    Unsaid,
}

/// What the driver has agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The mode, which may differ from the one asked for.
    pub mode: Mode,
    /// Bytes from row to row; 0 where the driver does not say.
    pub bytes_per_line: u32,
    /// Values of brightness.
    pub range: DeclaredRange,
}

/// Which device it is, whatever number its node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// Name by its maker ("USB3. 0 capture").
    pub card: String,
    /// Where it is plugged in ("usb-0000:00:14.0-2").
    pub bus_info: String,
    /// Serial number, where it tells one.
    pub serial: Option<String>,
    /// Driver of the kernel ("uvcvideo").
    pub driver: String,
}

impl DeviceIdentity {
    /// Whether this is the same device in the same place. Cheap sticks share names and even serial numbers, and two of
    /// them may hang on two scanners, so the place counts.
    pub fn is_same(&self, other: &Self) -> bool {
        let one_serial = match (&self.serial, &other.serial) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.card == other.card && self.bus_info == other.bus_info && one_serial
    }
}

/// A filled buffer, lent for the time of one call.
#[derive(Clone, Copy, Debug)]
pub struct Captured<'a> {
    /// The bytes used.
    pub bytes: &'a [u8],
    /// The driver's stamp on `CLOCK_MONOTONIC`; `None` when it stamps by another clock.
    pub stamp: Option<Duration>,
    /// The driver's number of the frame; wraps around.
    pub sequence: u32,
    /// The driver says that bytes are damaged.
    pub is_damaged: bool,
}

/// What came of waiting for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A buffer was lent.
    Captured,
    /// Nothing within the patience given.
    Nothing,
}

/// What a device can run into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceProblem {
    /// The node or the device behind it is gone.
    #[error("the grabber is gone")]
    Gone,
    /// The operating system does not let this user open the node.
    #[error("{} may not be opened by this user", path.display())]
    Refused {
        /// The node.
        path: PathBuf,
    },
    /// Another program is streaming from it.
    #[error("another program is using {}", path.display())]
    Busy {
        /// The node.
        path: PathBuf,
    },
    /// A node that captures no pictures (metadata, output, codec), or no V4L2 node at all.
    #[error("{} captures no pictures: {cause}", path.display())]
    NoCapture {
        /// The node.
        path: PathBuf,
        /// What it is instead.
        cause: String,
    },
    /// Nothing on offer can be read.
    #[error("expected YUYV, NV12, GREY or MJPG pictures, the grabber offers {offered}")]
    NoFormat {
        /// What it offers.
        offered: String,
    },
    /// The picture on the cable has changed; the stream has to be started anew.
    #[error("the picture on the cable has changed")]
    SourceChanged,
    /// Anything else the driver says.
    #[error("{step}: {cause}")]
    Driver {
        /// The step, in words.
        step: &'static str,
        /// What the operating system said.
        cause: String,
    },
    /// This build has no way to frame grabbers.
    #[error("frame grabbers are read through V4L2, which this operating system lacks")]
    NoVideo4Linux,
}

impl Problem for DeviceProblem {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Gone => "Plug the grabber in again.",
            Self::Refused { .. } => {
                "Add yourself to the group that owns the node (usually `video`), then log in again."
            }
            Self::Busy { .. } => "Close the other program.",
            Self::NoCapture { .. } => {
                "Choose another node: `portsight probes` lists those that capture."
            }
            Self::NoFormat { .. } => {
                "Use a grabber that follows the USB Video Class and offers YUYV or MJPG."
            }
            Self::SourceChanged => "Check crop and scale: they belong to one picture size.",
            Self::Driver { .. } => "Unplug the grabber and plug it in again.",
            Self::NoVideo4Linux => "Use Linux, or a recording.",
        };
        Some(hint.to_owned())
    }
}

/// One open capture device. Dropping it stops streaming and closes it.
pub trait VideoDevice: Send {
    /// Which device it is.
    fn identity(&self) -> &DeviceIdentity;
    /// Every mode on offer that can be read; [`DeviceProblem::NoFormat`] when there is none.
    fn modes(&mut self) -> Result<Vec<Mode>, DeviceProblem>;
    /// Asks for a mode and begins to stream in the one granted.
    fn start(&mut self, wanted: &Mode) -> Result<Granted, DeviceProblem>;
    /// Lends the oldest filled buffer to `take`, waiting no longer than `patience`. Called again it goes on.
    fn dequeue(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<Waited, DeviceProblem>;
    /// Ends streaming; [`Self::start`] begins anew.
    fn stop(&mut self) -> Result<(), DeviceProblem>;
    /// `CLOCK_MONOTONIC` now: the clock of [`Captured::stamp`].
    fn monotonic(&self) -> Duration;
}

/// The way to devices: nodes there are now, and opening one.
pub trait VideoNodes: Send {
    /// Nodes there are now, in the order of their numbers.
    fn nodes(&mut self) -> Vec<PathBuf>;
    /// Opens one that captures.
    fn open(&mut self, path: &Path) -> Result<Box<dyn VideoDevice>, DeviceProblem>;
    /// Waits, by the machine's clock or by the script's.
    fn pause(&mut self, span: Duration);
}
