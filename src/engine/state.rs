//! What passes between a session and the screen: immutable values one way, commands the other.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::detect::{Finding, PortState};
use crate::frame::{FrameId, ImagingSettings, Origin, PictureSetup, PixelSpacing};
use crate::guide::Guidance;
use crate::image::ScanImage;
use crate::notice::Notice;
use crate::overlay::Marks;
use crate::probe::Listing;
use crate::procedure::{Action, Circumstances, PathSeen, Refill};
use crate::pump::{Needle, PumpModel};
use crate::recording::RecordingCounts;
use crate::stream::{SourceFacts, StreamHealth, WireCounts};
use crate::training::{TrainingAction, TrainingLook};

use super::SourceChoice;

/// Whether what is shown is what is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// No frame has come yet.
    #[default]
    Waiting,
    /// Frames arrive in time.
    Running,
    /// The newest frame is older than 250 ms: marks are gone (H01).
    Stale,
    /// The newest frame is older than 500 ms, or the source is gone: the picture is dimmed, NOT LIVE.
    NotLive,
    /// The operator froze the picture.
    Frozen,
    /// A recording has come to its end.
    Ended,
}

/// A picture ready to be shown.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The picture.
    pub image: Arc<ScanImage>,
    /// What it was formed with.
    pub settings: Arc<ImagingSettings>,
}

/// What is said about one picture once it was read.
#[derive(Clone, Debug)]
pub struct Advice {
    /// What was found.
    pub finding: Finding,
    /// What is advised.
    pub guidance: Guidance,
    /// The marks, to be drawn over the picture of `marks.frame` and no other.
    pub marks: Marks,
    /// Whether the picture had a scale.
    pub has_scale: bool,
}

/// Duration of one stage over the last few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Default, serde::Serialize)]
pub struct StageTimes {
    /// Median, ms.
    pub p50_ms: f64,
    /// 99th percentile, ms.
    pub p99_ms: f64,
    /// Number of frames behind the figures.
    pub count: u64,
}

/// What every station of the stream reports.
#[derive(Clone, Copy, Debug, PartialEq, Default, serde::Serialize)]
pub struct Stations {
    /// At the capture worker.
    pub capture: StreamHealth,
    /// Between device or peer and the source; `None` for files and simulations.
    pub wire: Option<WireCounts>,
    /// Times the source was lost and waited for.
    pub outages: u64,
    /// At image formation.
    pub form: StreamHealth,
    /// At the detector.
    pub read: StreamHealth,
    /// Time to form a picture.
    pub form_times: StageTimes,
    /// Time to read a picture and advise on it.
    pub read_times: StageTimes,
    /// From capture until the picture was handed to the screen.
    pub shown_times: StageTimes,
    /// What the recording of every frame has and has not.
    pub recording: RecordingCounts,
    /// Pictures shown with the marks of another frame; must stay 0 (H02).
    pub shown_mismatches: u64,
}

/// A picture the operator kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number in this session.
    pub number: u32,
    /// The frame it shows.
    pub frame: FrameId,
    /// Where it lies, as text for the screen.
    pub path: String,
}

/// Where the virtual probe stands against the virtual patient.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct ProbePose {
    /// Along the picture plane, mm.
    pub slide_mm: f64,
    /// Across the picture plane, mm.
    pub elevation_mm: f64,
    /// Rocked in the picture plane, degrees.
    pub tilt_deg: f64,
    /// Turned about the beam axis, degrees.
    pub rotate_deg: f64,
    /// Pressed toward the patient, mm.
    pub push_mm: f64,
}

/// Everything the screen needs for one repaint, taken in one go.
#[derive(Clone, Debug)]
pub struct Look {
    /// The newest picture.
    pub picture: Option<Arc<Picture>>,
    /// The newest advice; draw its marks only over the picture of the same frame.
    pub advice: Option<Arc<Advice>>,
    /// Whether what is shown is what is there now.
    pub liveness: Liveness,
    /// Age of the newest frame.
    pub age: Option<Duration>,
    /// The moment of this look.
    pub now: Timestamp,
    /// What kind of source it is.
    pub origin: Origin,
    /// The source's name.
    pub source_name: String,
    /// The source as it was chosen; `None` when the session began with a file.
    pub choice: Option<SourceChoice>,
    /// What a live source says of itself.
    pub facts: Option<Arc<SourceFacts>>,
    /// Sources found on this machine, looked for about once a second; `None` until the first look.
    pub listing: Option<Arc<Listing>>,
    /// Where the virtual probe stands; `None` for every other source.
    pub pose: Option<ProbePose>,
    /// Health of the stream at every station.
    pub stations: Stations,
    /// Imaging settings in force.
    pub settings: Arc<ImagingSettings>,
    /// The pump model chosen.
    pub pump: Arc<PumpModel>,
    /// All pump models to choose from.
    pub pumps: Arc<Vec<PumpModel>>,
    /// The needle chosen.
    pub needle: Option<Needle>,
    /// Trouble worth telling, newest last.
    pub notices: Arc<Vec<Notice>>,
    /// Pictures kept in this session.
    pub snapshots: Arc<Vec<Snapshot>>,
    /// Where the journal is written, as text.
    pub journal_path: Option<String>,
    /// Entries of the journal that are on the disk: what is shown is never ahead of them (H24).
    pub journalled: u64,
    /// The refill, as far as it is in the journal.
    pub refill: Arc<Refill>,
}

impl Look {
    /// What is so now, as far as a refill asks for it.
    pub fn circumstances(&self) -> Circumstances<'_> {
        let advice = self.advice.as_deref();
        circumstances(&self.pump, self.needle, advice, self.liveness, self.now)
    }
}

/// What is so, as far as a refill asks for it. Advice on a picture that is not current counts for nothing.
pub(super) fn circumstances<'a>(
    pump: &'a PumpModel,
    needle: Option<Needle>,
    advice: Option<&Advice>,
    liveness: Liveness,
    now: Timestamp,
) -> Circumstances<'a> {
    let is_current = matches!(liveness, Liveness::Running | Liveness::Frozen);
    let advice = advice.filter(|_| is_current);
    let path = advice.and_then(|advice| {
        let path = advice.guidance.path?;
        Some(PathSeen {
            frame: advice.guidance.frame,
            offset_mm: path.entry.x,
            depth_mm: [path.depth.least.0, path.depth.most.0],
            tilt_deg: path.tilt.degrees(),
            lean_deg: path.lean.degrees(),
            provisional: path.provisional,
        })
    });
    Circumstances {
        now,
        pump,
        needle,
        port_locked: advice.is_some_and(|a| a.finding.state == PortState::Locked),
        planes_confirmed: advice.is_some_and(|a| a.guidance.planes.confirmed()),
        path,
    }
}

/// A movement of the virtual probe against the virtual patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nudge {
    /// Along the picture plane, mm.
    Slide(f64),
    /// Across the picture plane, mm.
    Elevation(f64),
    /// Rock in the picture plane, degrees.
    Tilt(f64),
    /// Turn about the beam axis, degrees.
    Rotate(f64),
    /// Press toward the patient, mm.
    Push(f64),
    /// Move the needle along its path, mm (positive is deeper).
    Needle(f64),
    /// Back to the preset's pose.
    Reset,
}

/// A fault of the virtual probe, on cue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No frame for 700 ms.
    Stall,
    /// Ten frames lost.
    Gap,
    /// Left and right change places.
    Flip,
    /// The probe is gone for good.
    Unplug,
}

/// Everything a person can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Hold the picture.
    Freeze,
    /// Let it run again.
    Unfreeze,
    /// Change imaging settings.
    SetImaging(ImagingSettings),
    /// Choose a pump model by its identifier.
    ChoosePump(String),
    /// Choose a needle, or none.
    ChooseNeedle(Option<Needle>),
    /// Give a source without a scale its pixel size.
    GiveScale(PixelSpacing),
    /// Say where the scan lies in a grabbed picture, and how large a pixel is.
    SetPicture(PictureSetup),
    /// Look where the scan lies in a grabbed picture; the answer is among the source's facts.
    SuggestCrop,
    /// Let a grabber deliver in another of the modes among its facts.
    ChooseMode(String),
    /// Give a probe that asks for firmware the maker's file.
    SetFirmware(PathBuf),
    /// Let go of the present source and take another.
    Connect(SourceChoice),
    /// The plane shown is to count as one in which the port was seen.
    ConfirmPlane,
    /// Keep the picture shown, with its marks.
    TakeSnapshot,
    /// Throw a kept picture away.
    DeleteSnapshot(u32),
    /// Start a recording from its first frame again.
    Restart,
    /// Move the virtual probe.
    Nudge(Nudge),
    /// Make the virtual probe fail.
    Fault(Fault),
    /// The operator has read the notice that this is research software.
    AcknowledgeResearchNotice,
    /// Something the operator does or says in the refill.
    Refill(Action),
    /// The display was flipped (for the journal; the mirror itself is the view's).
    FlipShown(bool),
}

/// A running session as the screen sees it.
pub trait Session: Send + Sync {
    /// Everything needed for one repaint.
    fn look(&self) -> Look;
    /// Asks for something; never blocks.
    fn send(&self, command: Command);
    /// Calls `wake` whenever there is something new to show. Replaces any earlier waker.
    fn set_waker(&self, wake: Arc<dyn Fn() + Send + Sync>);
    /// Tells the session that the picture of `frame` was put on the screen, and whether marks were drawn over it.
    fn note_shown(&self, frame: FrameId, marks: Option<FrameId>);
    /// What the screen may know of a course of training; `None` for every session that is none.
    fn training(&self) -> Option<TrainingLook> {
        None
    }
    /// Something a trainee does; a session that is no training passes it over.
    fn train(&self, _action: TrainingAction) {}
}
