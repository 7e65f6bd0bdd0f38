//! What a journal can say.
use serde::Serialize;

use super::RefillEvent;
use crate::frame::{FrameId, ImagingSettings, Orientation, Origin, PixelRect};
use crate::guide::{PlaneRefusal, PlaneSeen, Planes, Withheld};
use crate::pump::Needle;
use crate::stream::{AcousticOutput, Maturity};

/// One event of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The session began.
    SessionStarted {
        /// Version of the program.
        version: String,
        /// Name of the source.
        source: String,
        /// Kind of source.
        origin: Origin,
        /// Pump model.
        pump: String,
        /// Needle, when given.
        needle: Option<Needle>,
        /// That this is research software, in words.
        notice: String,
    },
    /// The operator has read that this is research software.
    ResearchNoticeAcknowledged,
    /// Imaging settings in force from now on.
    SettingsChanged {
        /// The settings.
        settings: ImagingSettings,
    },
    /// A pump model was chosen.
    PumpChosen {
        /// Its identifier.
        pump: String,
    },
    /// A needle was chosen, or taken back.
    NeedleChosen {
        /// The needle.
        needle: Option<Needle>,
    },
    /// The operator gave the picture a scale.
    ScaleGiven {
        /// mm a pixel along rows.
        lateral_mm: f64,
        /// mm a pixel along columns.
        axial_mm: f64,
    },
    /// Another source was connected, by a person.
    SourceConnected {
        /// Name of the source.
        source: String,
        /// The source as it was chosen.
        spec: String,
        /// Kind of source.
        origin: Origin,
    },
    /// What a live source says of itself, when it was opened or has changed.
    SourceDescribed {
        /// What it is.
        name: String,
        /// The source as it can be chosen.
        spec: String,
        /// Serial number, versions, mode and the like.
        details: Vec<String>,
        /// What is known of its acoustic output (H36).
        acoustic: AcousticOutput,
        /// How far its driver was tried.
        maturity: Maturity,
    },
    /// Frames come again after an outage.
    SourceBack {
        /// The first of them.
        frame: FrameId,
    },
    /// The operator said where the scan lies in a grabbed picture, and how large a pixel is (H05).
    PictureSetupGiven {
        /// The scanner's depth setting, in the operator's words.
        depth_setting: String,
        /// The part of the picture that holds the scan.
        crop: Option<PixelRect>,
        /// mm a pixel along rows and columns.
        mm_per_px: Option<[f64; 2]>,
        /// How the scanner stores its picture.
        orientation: Orientation,
    },
    /// The display was mirrored, or mirrored back (H03).
    FlipShown {
        /// Whether it is mirrored now.
        mirrored: bool,
    },
    /// The source changed its own orientation (H03).
    OrientationChanged {
        /// First frame that has it.
        frame: FrameId,
        /// The orientation letters.
        orientation: String,
    },
    /// The fill port is measured from this frame on.
    LockGained {
        /// The frame.
        frame: FrameId,
        /// Centre of the opening, mm.
        x_mm: f64,
        /// Depth of the face plane there, mm.
        z_mm: f64,
        /// Chord, mm.
        width_mm: f64,
        /// Probability that it is the fill port.
        confidence: f64,
    },
    /// The fill port is no longer measured.
    LockLost {
        /// First frame without it.
        frame: FrameId,
    },
    /// The operator confirmed the port in one plane, or in the second one (H08).
    PlaneConfirmed {
        /// 1 or 2.
        plane: u8,
        /// The frame.
        frame: FrameId,
        /// Depth of the port in it, mm.
        depth_mm: f64,
        /// Tilt of the face in it, degrees.
        tilt_deg: f64,
        /// Tilt of the face in space, degrees; `None` before the second plane.
        tilt_in_space_deg: Option<f64>,
    },
    /// The operator asked for a plane to count, and it does not.
    PlaneRefused {
        /// Why.
        reason: PlaneRefusal,
    },
    /// What was confirmed in planes does not count any more: the port was lost, or pump or display were changed.
    PlanesLost,
    /// A path is shown from this frame on.
    PathSuggested {
        /// The frame.
        frame: FrameId,
        /// Against z, degrees.
        tilt_deg: f64,
        /// Least and most depth to the needle stop, mm.
        depth_mm: [f64; 2],
        /// Whether it waits for a second plane.
        provisional: bool,
    },
    /// No path is shown from this frame on, or the reasons changed.
    GuidanceWithheld {
        /// The frame, when there is one.
        frame: Option<FrameId>,
        /// Every reason, gravest first.
        reasons: Vec<Withheld>,
    },
    /// Frames did not arrive.
    FramesLost {
        /// How many by their numbers.
        count: u64,
        /// The frame after the gap.
        before: FrameId,
    },
    /// What is shown became live, stale, dead, frozen or ended.
    LivenessChanged {
        /// The new state.
        state: String,
        /// Age of the newest frame, ms.
        age_ms: Option<f64>,
    },
    /// A picture was kept.
    SnapshotTaken {
        /// Its number.
        number: u32,
        /// The frame it shows.
        frame: FrameId,
        /// Its file name.
        file: String,
        /// Why it was kept.
        why: Kept,
    },
    /// Something happened in the refill.
    Refill {
        /// What.
        #[serde(flatten)]
        what: RefillEvent,
    },
    /// A file of the session was finished; from now on it is not to change.
    FileWritten {
        /// Its place below the session's folder.
        file: String,
        /// Its length.
        bytes: u64,
        /// Its SHA-256, hexadecimal.
        sha256: String,
    },
    /// A kept picture was thrown away.
    SnapshotDeleted {
        /// Its number.
        number: u32,
        /// Its file name.
        file: String,
    },
    /// A fault was asked of the virtual probe.
    FaultCued {
        /// The fault.
        fault: String,
    },
    /// The machine's wall clock was set while the session ran: times in UTC before and after do not compare (H26).
    ClockJumped {
        /// How far it went beyond the monotonic clock, s; negative when it was set back.
        by_s: f64,
    },
    /// Trouble the user was told about.
    Trouble {
        /// What was said.
        text: String,
    },
    /// The session ended in good order.
    SessionEnded {
        /// Frames captured.
        frames: u64,
        /// Frames lost before capture.
        missing: u64,
    },
}

/// Why a picture was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The operator asked for it.
    Asked,
    /// Over the pump, before anything was punctured.
    Baseline,
    /// The first plane in which the port was confirmed.
    FirstPlane,
    /// The second.
    SecondPlane,
    /// The path under which the skin was marked.
    Path,
    /// After the filling.
    AfterFilling,
}

impl Kept {
    /// The key of its words.
    pub fn key(self) -> &'static str {
        match self {
            Self::Asked => "kept-asked",
            Self::Baseline => "kept-baseline",
            Self::FirstPlane => "kept-first-plane",
            Self::SecondPlane => "kept-second-plane",
            Self::Path => "kept-path",
            Self::AfterFilling => "kept-after-filling",
        }
    }
}

impl Event {
    /// The event of a plane that was just confirmed; `None` when none was.
    pub fn plane_confirmed(planes: &Planes) -> Option<Self> {
        let event = |plane, seen: &PlaneSeen| Self::PlaneConfirmed {
            plane,
            frame: seen.frame,
            depth_mm: seen.depth.0,
            tilt_deg: seen.tilt.degrees(),
            tilt_in_space_deg: planes.tilt_in_space().map(crate::space::Radians::degrees),
        };
        match planes {
            Planes::None => None,
            Planes::First(seen) => Some(event(1, seen)),
            Planes::Both { second, .. } => Some(event(2, second)),
        }
    }
}

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Running number from 0.
    pub seq: u64,
    /// Wall-clock time, RFC 3339, UTC.
    pub utc: String,
    /// Seconds on the session's monotonic clock.
    pub t: f64,
    /// What happened.
    #[serde(flatten)]
    pub what: Event,
}
