//! The virtual probe as a feed: commands of the session become movements and faults of the probe.
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::frame::{ImagingSettings, Origin};
use crate::notice::Notice;
use crate::simulate::{Cue, FaultCue, PoseStep, Scenario, TruthLog, VirtualProbe};
use crate::stream::{Delivery, FrameSource, SourceProblem};

use super::{Command, Fault, Feed, Nudge, ProbePose};

/// Waits of this length for a rehearsal to let the next frame go.
const GATE_WAIT: Duration = Duration::from_millis(1);

/// The virtual probe, in real time or frame by frame.
pub struct VirtualFeed {
    probe: VirtualProbe,
    log: Option<CaptureLog>,
    gate: Option<FrameGate>,
}

/// Lets the frames of a rehearsal go one by one; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct FrameGate {
    allowed: Arc<AtomicU64>,
}

impl FrameGate {
    /// Lets every frame before number `frame` go.
    pub fn allow_before(&self, frame: u64) {
        self.allowed.fetch_max(frame, Ordering::AcqRel);
    }

    fn is_open(&self, frame: u64) -> bool {
        frame < self.allowed.load(Ordering::Acquire)
    }
}

/// Writes when each frame was captured, for latency measurements from outside.
struct CaptureLog {
    file: std::fs::File,
    clock: Arc<dyn Clock>,
}

impl VirtualFeed {
    /// A probe over `scenario`, at its frame rate by `clock`.
    pub fn live(scenario: Scenario, clock: Arc<dyn Clock>) -> Self {
        Self {
            probe: VirtualProbe::live(scenario, clock),
            log: None,
            gate: None,
        }
    }

    /// A probe that hands out frame `k` once `gate` lets it go, stamped with `k` over the frame rate.
    pub fn stepped(scenario: Scenario, gate: FrameGate) -> Self {
        Self {
            probe: VirtualProbe::new(scenario),
            log: None,
            gate: Some(gate),
        }
    }

    /// Draws the frame counter into every frame, and logs frame number and wall time of each capture into `path`.
    pub fn with_watermark(self, path: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let file = std::fs::File::create(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            probe: self.probe.with_watermark(true),
            log: Some(CaptureLog { file, clock }),
            gate: self.gate,
        })
    }

    /// The truth of the newest frames, for training and scoring.
    pub fn truth_log(&self) -> Arc<TruthLog> {
        self.probe.truth_log()
    }
}

impl FrameSource for VirtualFeed {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if let Some(gate) = &self.gate
            && !gate.is_open(self.probe.next_number())
        {
            std::thread::sleep(GATE_WAIT);
            return Ok(Delivery::Quiet);
        }
        let delivery = self.probe.next(patience)?;
        if let (Delivery::Frame(frame), Some(log)) = (&delivery, &mut self.log) {
            let wall = log.clock.wall();
            writeln!(log.file, "{} {wall}", frame.id.0).map_err(|cause| {
                SourceProblem::Unreadable {
                    source_name: self.probe.name(),
                    what: format!("the capture log could not be written: {cause}"),
                    hint: None,
                }
            })?;
        }
        Ok(delivery)
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.probe.request(wanted)
    }

    fn name(&self) -> String {
        self.probe.name()
    }
}

impl Feed for VirtualFeed {
    fn origin(&self) -> Origin {
        Origin::Simulation
    }

    fn is_still(&self) -> bool {
        false
    }

    fn settings(&self) -> ImagingSettings {
        self.probe.settings().as_ref().clone()
    }

    fn pose(&self) -> Option<ProbePose> {
        let pose = self.probe.pose();
        Some(ProbePose {
            slide_mm: pose.slide_mm,
            elevation_mm: pose.elevation_mm,
            tilt_deg: pose.tilt_deg,
            rotate_deg: pose.rotate_deg,
            push_mm: pose.push_mm,
        })
    }

    fn apply(&mut self, command: &Command) -> Option<Notice> {
        let cue = match command {
            Command::Nudge(nudge) => match *nudge {
                Nudge::Slide(mm) => Cue::Pose(PoseStep::Slide(mm)),
                Nudge::Elevation(mm) => Cue::Pose(PoseStep::Elevation(mm)),
                Nudge::Tilt(degrees) => Cue::Pose(PoseStep::Tilt(degrees)),
                Nudge::Rotate(degrees) => Cue::Pose(PoseStep::Rotate(degrees)),
                Nudge::Push(mm) => Cue::Pose(PoseStep::Push(mm)),
                Nudge::Needle(mm) => Cue::Needle(mm),
                Nudge::Reset => Cue::Pose(PoseStep::Reset),
            },
            Command::Fault(fault) => Cue::Fault(match fault {
                Fault::Stall => FaultCue::Stall,
                Fault::Gap => FaultCue::Gap,
                Fault::Flip => FaultCue::Flip,
                Fault::Unplug => FaultCue::Unplug,
            }),
            Command::Freeze
            | Command::Unfreeze
            | Command::SetImaging(_)
            | Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::GiveScale(_)
            | Command::TakeSnapshot
            | Command::ConfirmPlane
            | Command::DeleteSnapshot(_)
            | Command::Restart
            | Command::AcknowledgeResearchNotice
            | Command::FlipShown(_)
            | Command::SuggestCrop
            | Command::ChooseMode(_)
            | Command::SetFirmware(_)
            | Command::Refill(_)
            | Command::SetPicture(_)
            | Command::Connect(_) => return None,
        };
        // A full cue list means keys came faster than frames; the frames to come carry out the rest.
        self.probe.control().send(cue);
        None
    }
}
