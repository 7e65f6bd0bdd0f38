//! Hardware probes: which kinds are known, which are plugged in, and how they become sources of frames.
//!
//! `UsbSource` is a live source over any `Driver`; a driver knows one protocol and does no I/O but through the
//! `ControlPipe` it is given. Only `usb/` knows rusb. `GrabberSource` is a live source over V4L2. Every place that names a probe says how far it was tried.
mod catalog;
mod driver;
mod grabber;
mod interson;
mod list;
mod pipe;
mod reference;
mod usb;
mod usb_source;

pub use catalog::{KNOWN_PROBES, ProbeModel, ProbeState, REFERENCE_INTERFACE};
pub use driver::{Driver, DriverProblem, WireCounts};
pub use grabber::{
    Captured, DeclaredRange, DeviceIdentity, DeviceProblem, Extremes, GrabberSource, Granted,
    Interval, LumaRange, Mode, PictureDecoder, PictureProblem, PictureTraits, PixelFormat,
    SCALE_OUTLIVES, SavedSetups, SetupStore, StoreProblem, VideoDevice, VideoNodes, Waited,
    drawn_pixels, list_grabbers, suggest_crop,
};
pub use interson::{Firmware, FirmwareProblem, IntersonDriver, LineDecoder, RawFrame, Variant};
pub use list::{Access, ListedSource, Listing, SourceKind};
pub use pipe::{ControlPipe, PipeProblem, StreamPlan};
pub use reference::{
    BlockFault, FrameHeader, HeaderFault, Identity, Layout, Limits, MAX_PAYLOAD, ReferenceDecoder,
    ReferenceDriver, SampleFormat, Settings,
};
pub use usb::{StreamEnd, UsbOpener, UsbScout};
pub use usb_source::{
    FoundDevice, Opener, ProbeDevice, UsbSelector, UsbSource, remembered_firmware,
};

/// Lists everything that could be a source on this machine, again and again.
#[derive(Debug, Default)]
pub struct SourceScout {
    usb: UsbScout,
}

impl SourceScout {
    /// One look. Takes a few milliseconds; opens nothing for longer than it takes to see whether it may be opened.
    pub fn look(&mut self) -> Listing {
        let (mut sources, no_usb) = self.usb.look();
        let (grabbers, no_video) = list_grabbers();
        sources.extend(grabbers);
        Listing {
            sources,
            reasons: no_usb.into_iter().chain(no_video).collect(),
        }
    }
}

/// The driver for a kind of probe; `None` for a kind that is known but has no driver in this build.
fn driver_for(model: &ProbeModel, variant: Variant) -> Option<Box<dyn Driver>> {
    match model.kind {
        SourceKind::UsbProbe => Some(Box::new(IntersonDriver::new(variant))),
        SourceKind::ReferenceProbe => Some(Box::new(ReferenceDriver::new())),
        SourceKind::Grabber => None,
    }
}
