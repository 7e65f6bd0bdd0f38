//! The virtual probe as a source of frames: pacing, cues, faults and the truth beside each frame.
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::anatomy::Fluid;
use super::control::{Cue, FaultCue, ProbeControl};
use super::implant::Face;
use super::motion::displacement;
use super::needle::Needle;
use super::pose::{Placement, Pose};
use super::render::{Moment, Renderer};
use super::scenario::Scenario;
use super::survey::survey;
use super::truth::{Truth, TruthLog};
use super::watermark;
use crate::clock::{Clock, Timestamp, seconds};
use crate::frame::{
    BufferPool, Frame, FrameId, ImagingSettings, Orientation, Origin, Samples, ScanGeometry,
    ScanStage, Values,
};
use crate::space::Millimeters;
use crate::stream::{Delivery, FrameSource, SourceProblem};
use crate::words;

/// How long a stall lasts.
const STALL: Duration = Duration::from_millis(700);
/// Frames a gap loses.
const GAP: u64 = 10;
/// Frames whose truth is remembered.
const REMEMBERED: usize = 512;

/// Where time comes from.
enum Pace {
    /// As fast as frames are asked for; frame k stands at k over the frame rate.
    Free {
        /// Time lost in stalls.
        lost: Duration,
    },
    /// At the frame rate of a clock.
    Live {
        clock: Arc<dyn Clock>,
        /// When the next frame is due; `None` before the first.
        due: Option<Timestamp>,
    },
}

/// What cues have changed since the start.
#[derive(Clone, Debug)]
struct Held {
    pose: Pose,
    needle_mm: f64,
    /// Second at which fluid began to collect.
    fluid_since: Option<f64>,
    fluid_cleared: bool,
    mirrored: bool,
}

/// The virtual probe on a virtual patient. What a frame shows depends on seed, frame number and cues alone.
pub struct VirtualProbe {
    scenario: Scenario,
    renderer: Renderer,
    settings: Arc<ImagingSettings>,
    geometry: Arc<ScanGeometry>,
    cues: Receiver<Cue>,
    control: ProbeControl,
    held: Held,
    pace: Pace,
    next_frame: u64,
    last_frame: Option<u64>,
    unplugged: bool,
    watermark: bool,
    pool: BufferPool<u16>,
    log: Arc<TruthLog>,
}

impl std::fmt::Debug for VirtualProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualProbe")
            .field("scenario", &self.scenario.name)
            .field("seed", &self.scenario.seed)
            .field("next_frame", &self.next_frame)
            .finish_non_exhaustive()
    }
}

impl VirtualProbe {
    /// A free-running probe: it hands out a frame whenever asked, stamped with simulated time.
    pub fn new(scenario: Scenario) -> Self {
        Self::with_pace(
            scenario,
            Pace::Free {
                lost: Duration::ZERO,
            },
        )
    }

    /// A probe that delivers at the scenario's frame rate on a clock and stamps frames with it.
    pub fn live(scenario: Scenario, clock: Arc<dyn Clock>) -> Self {
        Self::with_pace(scenario, Pace::Live { clock, due: None })
    }

    fn with_pace(scenario: Scenario, pace: Pace) -> Self {
        let scenario = scenario.limited();
        let (control, cues) = ProbeControl::new();
        let settings = ImagingSettings {
            depth: Millimeters(scenario.depth_mm),
            frequency_mhz: scenario.frequency_mhz,
            ..ImagingSettings::default()
        };
        let held = Held {
            pose: scenario.pose,
            needle_mm: 0.0,
            fluid_since: None,
            fluid_cleared: false,
            mirrored: false,
        };
        Self {
            renderer: Renderer::new(&scenario, scenario.depth_mm, scenario.frequency_mhz),
            geometry: Arc::new(scenario.array.geometry(scenario.depth_mm)),
            settings: Arc::new(settings),
            scenario,
            cues,
            control,
            held,
            pace,
            next_frame: 0,
            last_frame: None,
            unplugged: false,
            watermark: false,
            pool: BufferPool::new(12),
            log: Arc::new(TruthLog::new(REMEMBERED)),
        }
    }

    /// Draws the frame counter into the picture's deep corner (see [`super::watermark_centers`]).
    #[must_use]
    pub fn with_watermark(mut self, on: bool) -> Self {
        self.watermark = on;
        self
    }

    /// Ends the stream after `frames` frames.
    #[must_use]
    pub fn ending_after(mut self, frames: u64) -> Self {
        self.last_frame = Some(frames);
        self
    }

    /// A handle that moves it and makes it fail while it runs.
    pub fn control(&self) -> ProbeControl {
        self.control.clone()
    }

    /// The truth of the newest frames, for other workers.
    pub fn truth_log(&self) -> Arc<TruthLog> {
        Arc::clone(&self.log)
    }

    /// The number of the next frame.
    pub fn next_number(&self) -> u64 {
        self.next_frame
    }

    /// Where it is held, before what moves by itself is added.
    pub fn pose(&self) -> Pose {
        self.held.pose
    }

    /// The patient.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What frames look like with the settings in force.
    pub fn geometry(&self) -> Arc<ScanGeometry> {
        Arc::clone(&self.geometry)
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<ImagingSettings> {
        Arc::clone(&self.settings)
    }

    /// The next delivery with its truth; the truth is there whenever a frame is.
    pub fn next_with_truth(
        &mut self,
        patience: Duration,
    ) -> Result<(Delivery, Option<Arc<Truth>>), SourceProblem> {
        self.obey();
        if self.unplugged {
            return Err(SourceProblem::Unplugged {
                source_name: self.name(),
            });
        }
        if self.last_frame.is_some_and(|last| self.next_frame >= last) {
            return Ok((Delivery::Finished, None));
        }
        if !self.wait(patience) {
            return Ok((Delivery::Quiet, None));
        }
        let (frame, truth) = self.make_frame()?;
        self.log.note(frame.id, Arc::clone(&truth));
        Ok((Delivery::Frame(frame), Some(truth)))
    }

    fn obey(&mut self) {
        while let Ok(cue) = self.cues.try_recv() {
            match cue {
                Cue::Pose(step) => self.held.pose.nudge(step, &self.scenario.pose),
                Cue::Needle(mm) if mm.is_finite() => {
                    self.held.needle_mm = (self.held.needle_mm + mm).clamp(-200.0, 200.0);
                }
                Cue::Needle(_) => {}
                Cue::Fluid(on) => {
                    self.held.fluid_since = on.then(|| self.seconds_of(self.next_frame));
                    self.held.fluid_cleared = !on;
                }
                Cue::Fault(FaultCue::Stall) => self.stall(),
                Cue::Fault(FaultCue::Gap) => self.next_frame += GAP,
                Cue::Fault(FaultCue::Flip) => self.held.mirrored = !self.held.mirrored,
                Cue::Fault(FaultCue::Unplug) => self.unplugged = true,
            }
        }
    }

    fn stall(&mut self) {
        match &mut self.pace {
            Pace::Free { lost } => *lost += STALL,
            Pace::Live { clock, due } => {
                let from = due.unwrap_or_else(|| clock.now());
                *due = Some(from.plus(STALL));
            }
        }
    }

    fn seconds_of(&self, frame: u64) -> f64 {
        frame as f64 / self.scenario.fps
    }

    /// Waits until the next frame is due, but no longer than `patience`; whether it is due now.
    fn wait(&mut self, patience: Duration) -> bool {
        let period = seconds(1.0 / self.scenario.fps);
        let Pace::Live { clock, due } = &mut self.pace else {
            return true;
        };
        let mut now = clock.now();
        let at = *due.get_or_insert(now);
        if now < at {
            std::thread::sleep(at.since(now).min(patience));
            now = clock.now();
        }
        if now < at {
            return false;
        }
        // a probe that cannot keep its rate delivers later, not in a burst
        let late = now.since(at) > period;
        *due = Some(if late { now } else { at }.plus(period));
        true
    }

    fn make_frame(&mut self) -> Result<(Arc<Frame>, Arc<Truth>), SourceProblem> {
        let number = self.next_frame;
        self.next_frame += 1;
        let t = self.seconds_of(number);
        let moment = self.moment(number, t);
        let [lines, samples] = [self.scenario.lines, self.scenario.samples];
        let (renderer, scenario) = (&mut self.renderer, &self.scenario);
        let (mirrored, marked) = (self.held.mirrored, self.watermark);
        let values = self.pool.fill(lines * samples, |out| {
            renderer.render(scenario, &moment, out);
            if mirrored {
                mirror(out, samples);
            }
            if marked {
                watermark::draw(number, lines, samples, out);
            }
        });
        let mut truth = survey(&self.scenario, &moment, &self.renderer);
        if mirrored {
            truth = truth.mirrored();
        }
        let samples = Samples::new(lines, samples, Values::U16(values)).map_err(|problem| {
            SourceProblem::Unreadable {
                source_name: self.name(),
                what: problem.to_string(),
                hint: None,
            }
        })?;
        let captured_at = match &self.pace {
            Pace::Free { lost } => Timestamp::from_seconds(t).plus(*lost),
            Pace::Live { clock, .. } => clock.now(),
        };
        let frame = Frame {
            id: FrameId(number),
            captured_at,
            source_seconds: Some(t),
            origin: Origin::Simulation,
            stage: ScanStage::Envelope,
            orientation: if mirrored {
                Orientation::Uf
            } else {
                Orientation::Mf
            },
            geometry: Arc::clone(&self.geometry),
            settings: Arc::clone(&self.settings),
            samples,
        };
        Ok((Arc::new(frame), Arc::new(truth)))
    }

    /// Where everything stands at one frame.
    fn moment(&self, frame: u64, t: f64) -> Moment {
        let moved = displacement(&self.scenario.motion, t);
        let mut pose = self.held.pose;
        pose.slide_mm += moved.slide;
        pose.elevation_mm += moved.elevation;
        pose.tilt_deg += moved.tilt_deg;
        let depth = self.scenario.drawn_depth_mm();
        let pressed = 0.8 * pose.push_mm.max(0.0);
        let squeeze = ((depth + moved.pump_z - pressed) / depth).clamp(0.45, 1.6);
        let place = Placement::new(&pose, [moved.tissue_x, moved.tissue_y], squeeze);
        let face = Face::of(&self.scenario, squeeze);
        let advance = self.held.needle_mm + self.scripted_needle(t);
        Moment {
            frame,
            place,
            lift: (-pose.push_mm).max(0.0),
            fluid: self.fluid(t),
            needle: Needle::at(&self.scenario, face.as_ref(), squeeze, advance),
        }
    }

    fn scripted_needle(&self, t: f64) -> f64 {
        let plan = &self.scenario.needle;
        plan.start_s
            .map_or(0.0, |start| (t - start).max(0.0) * plan.speed_mm_s)
    }

    fn fluid(&self, t: f64) -> Fluid {
        let plan = &self.scenario.fluid;
        let scripted = plan
            .start_s
            .filter(|start| t >= *start && !self.held.fluid_cleared);
        let Some(since) = self.held.fluid_since.or(scripted) else {
            return Fluid::default();
        };
        let age = (t - since).max(0.0);
        // the first inflow carries bubbles: bright, then dark
        let level_db = -58.0 + 30.0 * (-age / 0.35).exp();
        Fluid {
            thickness: plan.thickness_mm * (age / plan.growth_s.max(0.01)).min(1.0),
            radius: plan.radius_mm.max(1.0),
            offset: plan.offset_mm,
            level: 10_f64.powf(level_db / 20.0),
        }
    }
}

/// Exchanges left and right.
fn mirror(values: &mut [u16], samples: usize) {
    let half = values.len() / samples.max(1) / 2;
    let middle = values.len() - half * samples;
    let (left, right) = values.split_at_mut(middle);
    let lines = left.chunks_exact_mut(samples);
    for (a, b) in lines.zip(right.chunks_exact_mut(samples).rev()) {
        a.swap_with_slice(b);
    }
}

impl FrameSource for VirtualProbe {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        self.next_with_truth(patience).map(|(delivery, _)| delivery)
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        let mut granted = wanted.limited();
        let [least, most] = self.scenario.array.band();
        granted.frequency_mhz = granted.frequency_mhz.clamp(least, most);
        let now = &self.settings;
        if granted.depth != now.depth || granted.frequency_mhz != now.frequency_mhz {
            self.renderer = Renderer::new(&self.scenario, granted.depth.0, granted.frequency_mhz);
            self.geometry = Arc::new(self.scenario.array.geometry(granted.depth.0));
        }
        self.settings = Arc::new(granted.clone());
        granted
    }

    fn name(&self) -> String {
        words::say_with("simulate-source-name", &[("patient", &self.scenario.name)])
    }
}
