//! What may be told to the operator: a needle path, or every reason why there is none.
//!
//! Pure and withheld by default: a path is offered only when nothing speaks against it. It computes no dose.
use crate::frame::FrameId;
use crate::space::{Millimeters, Radians, ScanPoint};

/// Why no path is shown, gravest first. Names are part of the `analyze` interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// No source delivers frames.
    NotLive,
    /// The newest frame is too old (H01).
    StalePicture,
    /// The picture has no scale (H05).
    NoScale,
    /// The scale needs a certificate that is missing, expired or for other settings.
    NotCalibrated,
    /// No pump model was chosen, or the generic one (H23).
    PumpUnknown,
    /// Needle gauge and length were not given (H13).
    NeedleUnknown,
    /// The fill port is not established.
    PortNotLocked,
    /// The opening may be the catheter access port (H08).
    AccessPortSuspected,
    /// The pump may be upside down (H11).
    InvertedSuspected,
    /// The picture moves (H16).
    Moving,
    /// The path would be too oblique (H12).
    TooTilted,
    /// The needle would not reach the stop (H13).
    NeedleTooShort,
    /// The port is not certain enough (H10).
    LowConfidence,
}

/// A depth is never one number (H07).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthSpan {
    /// The least it may be.
    pub least: Millimeters,
    /// The most it may be.
    pub most: Millimeters,
}

/// A suggested needle path in this plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeedlePath {
    /// Where it enters the skin (the probe face).
    pub entry: ScanPoint,
    /// Mid-depth of the port axis.
    pub aim: ScanPoint,
    /// Where the needle stop is expected on the picture.
    pub stop: ScanPoint,
    /// Against z, with the sign of the face tilt: equal to it when perpendicular to the face.
    pub tilt: Radians,
    /// Along the path from entry to the needle stop.
    pub depth: DepthSpan,
    /// Offered on a still's candidate or a single plane: to be confirmed.
    pub provisional: bool,
}

/// What is advised on one frame. Either `path` is there and `withheld` is empty, or the other way round.
#[derive(Clone, Debug, PartialEq)]
pub struct Guidance {
    /// The frame it was read from.
    pub frame: FrameId,
    /// The path, when nothing speaks against it.
    pub path: Option<NeedlePath>,
    /// Every reason against it, gravest first.
    pub withheld: Vec<Withheld>,
}
