//! What may be told to the operator: a needle path, or every reason why there is none.
//!
//! Pure and withheld by default: a path is offered only when nothing speaks against it. It computes no dose.
mod aim;
mod gate;
mod headline;
pub mod limits;
mod planner;
mod reach;
mod two_planes;
mod way;

use std::time::Duration;

pub use aim::{NeedleAim, needle_aim};
pub use gate::advise;
pub use headline::{Headline, Tone, headline};
pub use planner::entry_on_skin;
pub use reach::{Caution, cautions, depth_span, largest_tilt, longest_reach};

pub use two_planes::{PlaneRefusal, PlaneSeen, Planes, TwoPlanes};
pub use way::{Side, Way, WayObstacle};

use crate::frame::{Beams, FrameId};
use crate::pump::{Needle, PumpModel};
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
    /// The operator has said that something is in the way (H15).
    Vetoed,
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
    /// Against z, with the sign of the face tilt: equal to it when perpendicular to the face in the picture.
    pub tilt: Radians,
    /// Along the path from entry to the needle stop.
    pub depth: DepthSpan,
    /// Offered on a still's candidate or before two planes have shown the port: to be confirmed.
    pub provisional: bool,
    /// The way it is meant for.
    pub way: Way,
    /// The needle against the normal of the face: along the picture when it goes there, across it when it goes in
    /// from beside the probe, 0 when it stands square to the face.
    pub lean: Radians,
    /// Half the width of the corridor about it: a needle that stays within ends in the port.
    pub corridor: Millimeters,
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
    /// The planes in which the operator has confirmed the port.
    pub planes: Planes,
    /// Why the operator's last press did not count, while that is worth showing.
    pub plane_refused: Option<PlaneRefusal>,
    /// Why the way chosen cannot be gone here, when that is what stands against the path.
    pub way_obstacle: Option<WayObstacle>,
}

impl Guidance {
    /// No path, for these reasons.
    pub fn withheld(frame: FrameId, reasons: Vec<Withheld>) -> Self {
        Self {
            frame,
            path: None,
            withheld: reasons,
            planes: Planes::None,
            plane_refused: None,
            way_obstacle: None,
        }
    }

    /// Takes the path back because the operator has seen something in its way: a vessel, a catheter, a wound (H15).
    pub fn veto(&mut self) {
        self.path = None;
        if let Err(place) = self.withheld.binary_search(&Withheld::Vetoed) {
            self.withheld.insert(place, Withheld::Vetoed);
        }
    }
}

/// What the picture is measured with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Basis {
    /// Whether its coordinates are millimetres.
    pub has_scale: bool,
    /// How sound runs through it; says where the skin (the probe face) is.
    pub beams: Beams,
    /// Half the width of the picture: where a linear probe ends.
    pub half_width: Millimeters,
}

/// Whether the scale of a source has been checked, where it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Certificate {
    /// Every frame brings its own scale: no certificate is needed.
    #[default]
    NotNeeded,
    /// Needed, and valid for these settings.
    Valid,
    /// Needed, and there is none.
    Missing,
    /// Needed, and too old.
    Expired,
    /// Needed, and made for another depth or mode.
    OtherSettings,
}

impl Certificate {
    /// Whether millimetres may be relied on.
    pub fn holds(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Valid)
    }
}

/// What the operator has chosen.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The implant.
    pub pump: &'a PumpModel,
    /// The needle, when given.
    pub needle: Option<Needle>,
    /// Whether the scale holds.
    pub certificate: Certificate,
    /// The planes in which the port was confirmed.
    pub planes: Planes,
    /// Why the last press did not count.
    pub plane_refused: Option<PlaneRefusal>,
    /// The way the needle is to be brought to the port.
    pub way: Way,
}

/// How the picture stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No frame has come, or the source is gone.
    NoFrames,
    /// One of a stream, this old now. A recording read frame by frame has age zero.
    Stream {
        /// Age of the newest frame.
        age: Duration,
    },
    /// A single picture: nothing follows it, so it can reach `Candidate` at most.
    Still,
}

impl Withheld {
    /// Every reason, gravest first.
    pub const ALL: [Self; 14] = [
        Self::NotLive,
        Self::StalePicture,
        Self::NoScale,
        Self::NotCalibrated,
        Self::PumpUnknown,
        Self::NeedleUnknown,
        Self::PortNotLocked,
        Self::AccessPortSuspected,
        Self::InvertedSuspected,
        Self::Vetoed,
        Self::Moving,
        Self::TooTilted,
        Self::NeedleTooShort,
        Self::LowConfidence,
    ];

    /// Its name in the `analyze` interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotLive => "not_live",
            Self::StalePicture => "stale_picture",
            Self::NoScale => "no_scale",
            Self::NotCalibrated => "not_calibrated",
            Self::PumpUnknown => "pump_unknown",
            Self::NeedleUnknown => "needle_unknown",
            Self::PortNotLocked => "port_not_locked",
            Self::AccessPortSuspected => "access_port_suspected",
            Self::InvertedSuspected => "inverted_suspected",
            Self::Vetoed => "vetoed",
            Self::Moving => "moving",
            Self::TooTilted => "too_tilted",
            Self::NeedleTooShort => "needle_too_short",
            Self::LowConfidence => "low_confidence",
        }
    }

    /// The key of its words: one short sentence that says what to do.
    pub fn key(self) -> String {
        format!("withheld-{}", self.name())
    }
}
