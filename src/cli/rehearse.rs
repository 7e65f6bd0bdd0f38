//! `rehearse`: a whole refill on a virtual patient, through the same engine and the same steps as in the window.
//!
//! The operator is a script that knows only what the screen would show: the state of the port, the path, the line
//! that says why a plane did not count. It runs frame by frame in its own time, so that a rehearsal does not depend
//! on how fast the machine is.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use clap::Args;

use crate::clock::{Clock, SteppedClock, Timestamp};
use crate::detect::PortState;
use crate::engine::{
    Command, Engine, FrameGate, Look, Nudge, RecordingPlan, Session, SessionOptions, SourceChoice,
    VirtualFeed,
};
use crate::guide::{PlaneRefusal, Planes, Withheld, limits};
use crate::notice::Notice;
use crate::procedure::{
    Action, BackFlow, Field, FluidAnswer, GapKind, Missing, NeedlePlace, Outcome, Refusal,
    SessionFolder, Step, Volume, verify_session,
};
use crate::pump::Needle;
use crate::simulate::Preset;
use crate::space::Millimeters;

use super::SetupArgs;
use super::live::{VIRTUAL_FPS, options, virtual_scenario, virtual_setup};
use super::signals::Stop;
use super::source::Chosen;

/// The engine answers a frame or an action within this, or something is broken.
const ANSWER_MOST: Duration = Duration::from_mins(1);
/// Between two looks whether it has answered.
const LOOK_EVERY: Duration = Duration::from_micros(300);
/// One frame in so many is recorded.
const ONE_IN: u64 = 5;
/// Frames the operator takes to find the port, at most: 20 s.
const FIND_MOST: u64 = 600;
/// Presses for one plane before the operator gives up.
const PRESSES_MOST: u32 = 8;
/// Frames between two actions of a person.
const PAUSE: u64 = 6;
/// One careful movement, mm, and the frames it takes: slow enough not to count as moving.
const STEP_MM: f64 = 0.5;
const STEP_FRAMES: u64 = 4;
/// The longest needle on the virtual tray, mm: 3.5 in.
const LONG_NEEDLE_MM: f64 = 89.0;
/// One turn of the probe, degrees, and how many make a right angle.
const TURN_DEG: f64 = 5.0;
const TURNS: u32 = 18;

#[derive(Debug, Args)]
pub(super) struct RehearseArgs {
    /// Virtual patient
    #[arg(long, default_value = "easy")]
    preset: Preset,
    /// Seed: the same seed gives the same rehearsal, but for times of day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The session's folder; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print "acknowledged N" whenever N entries of the journal are on the disk (for tests that end the program)
    #[arg(long, hide = true)]
    acks: bool,
}

pub(super) fn run(args: &RehearseArgs) -> anyhow::Result<()> {
    println!("{}", crate::words::say("notice-research-long"));
    let mut rehearsal = Rehearsal::start(args)?;
    let done = rehearsal.go_through(args.preset, args.seed);
    let look = rehearsal.engine.look();
    let notices = rehearsal.engine.stop();
    for notice in look.notices.iter().chain(&notices) {
        eprintln!("portsight: {}", notice.line());
    }
    let outcome = done?;
    let verdict = verify_session(&args.out)?;
    ensure!(
        verdict.holds(),
        "the session that was just written does not hold: {}",
        verdict.journal.line()
    );
    println!("{}", crate::words::say(outcome.key()));
    println!(
        "{} punctures, {} injected, {} frames; {} files and {} entries of the journal hold",
        look.refill.punctures(),
        look.refill.injected(),
        look.stations.read.frames,
        verdict.sound.len(),
        verdict.journal.sound,
    );
    println!("session: {}", args.out.display());
    Ok(())
}

struct Rehearsal {
    engine: Engine,
    clock: Arc<SteppedClock>,
    gate: FrameGate,
    stop: Stop,
    sent: u64,
    acknowledged: Option<u64>,
}

impl Rehearsal {
    fn start(args: &RehearseArgs) -> anyhow::Result<Self> {
        let nothing_given = SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        };
        let chosen = Chosen::of(&virtual_setup(nothing_given, args.preset)?)?;
        let folder =
            SessionFolder::at(&args.out).map_err(|problem| anyhow!(Notice::of(&problem).line()))?;
        let clock = Arc::new(SteppedClock::start());
        let as_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let gate = FrameGate::default();
        let scenario = virtual_scenario(args.preset, args.seed, VIRTUAL_FPS);
        let stop = Stop::listen()?;
        let engine = Engine::start(
            Box::new(VirtualFeed::stepped(scenario, gate.clone())),
            SessionOptions {
                choice: Some(SourceChoice::Virtual(args.preset)),
                recording: Some(RecordingPlan { one_in: ONE_IN }),
                ..options(chosen, &as_clock, Some(folder))
            },
        )?;
        Ok(Self {
            engine,
            clock,
            gate,
            stop,
            sent: 0,
            acknowledged: args.acks.then_some(0),
        })
    }

    /// Waits until the session looks like this.
    fn until(&mut self, what: &str, is_so: impl Fn(&Look) -> bool) -> anyhow::Result<Look> {
        let mut waited = Duration::ZERO;
        loop {
            let look = self.engine.look();
            if let Some(known) = &mut self.acknowledged
                && look.journalled > *known
            {
                *known = look.journalled;
                println!("acknowledged {known}");
            }
            if is_so(&look) {
                return Ok(look);
            }
            if self.stop.is_asked() {
                bail!("stopped by a signal; the session was closed in good order");
            }
            if waited > ANSWER_MOST {
                bail!("expected {what} within {ANSWER_MOST:?}, it did not come");
            }
            std::thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
        }
    }

    /// Lets one frame go and waits until it was read.
    fn frame(&mut self) -> anyhow::Result<Look> {
        let number = self.sent;
        self.sent += 1;
        self.clock
            .go_to(Timestamp::from_seconds(number as f64 / VIRTUAL_FPS));
        self.gate.allow_before(number + 1);
        self.until("the next frame", |look| {
            let read = look.advice.as_ref().map(|a| a.finding.frame.0);
            let shown = look.picture.as_ref().map(|p| p.image.frame.0);
            read == Some(number) && shown == Some(number)
        })
    }

    fn frames(&mut self, count: u64) -> anyhow::Result<Look> {
        for _ in 1..count.max(1) {
            self.frame()?;
        }
        self.frame()
    }

    /// Does something and waits until it is in the journal; says what it was refused for, if it was.
    fn act(&mut self, action: Action) -> anyhow::Result<Option<Refusal>> {
        let before = self.engine.look().refill;
        self.engine.send(Command::Refill(action));
        let look = self.until("an answer of the desk", |look| {
            !Arc::ptr_eq(&look.refill, &before)
        })?;
        self.frames(PAUSE)?;
        Ok(look.refill.refused().cloned())
    }

    /// Does something that must be taken.
    fn must(&mut self, action: Action) -> anyhow::Result<()> {
        let named = format!("{action:?}");
        match self.act(action)? {
            None => Ok(()),
            Some(refusal) => bail!("{named} was expected to be taken, but: {refusal}"),
        }
    }

    fn enter(&mut self, field: Field, text: &str) -> anyhow::Result<()> {
        self.must(Action::Enter(field, text.to_owned()))
    }

    fn nudge(&mut self, nudge: Nudge) -> anyhow::Result<Look> {
        self.engine.send(Command::Nudge(nudge));
        self.frames(STEP_FRAMES)
    }

    /// All steps; ends early, and says so, where a person would.
    fn go_through(&mut self, preset: Preset, seed: u64) -> anyhow::Result<Outcome> {
        self.frame()?;
        self.engine.send(Command::AcknowledgeResearchNotice);
        self.identify(preset, seed)?;
        self.must(Action::Forward)?;
        self.sweep()?;
        self.must(Action::AnswerFluid(FluidAnswer::NoneSeen))?;
        self.must(Action::Forward)?;
        if !self.find()? || self.act(Action::Forward)?.is_some() {
            return self.give_up();
        }
        if !self.confirm_planes()? || self.act(Action::Forward)?.is_some() {
            return self.give_up();
        }
        if !self.locate()? {
            return self.give_up();
        }
        self.must(Action::Forward)?;
        self.puncture(seed)?;
        self.empty(seed)?;
        self.fill()?;
        self.must(Action::TakeNeedleOut)?;
        self.must(Action::Forward)?;
        Ok(Outcome::Completed)
    }

    /// Nothing was found that may be punctured: the refill ends here, as it should.
    fn give_up(&mut self) -> anyhow::Result<Outcome> {
        let look = self.frame()?;
        let line = look
            .advice
            .as_ref()
            .map(|advice| crate::guide::headline(&advice.finding, &advice.guidance).text());
        println!(
            "ended at step {}: {}",
            look.refill.step().number(),
            line.unwrap_or_default()
        );
        self.enter(Field::Remarks, "rehearsal: no port that may be punctured")?;
        self.must(Action::Abandon)?;
        Ok(Outcome::Abandoned)
    }

    fn identify(&mut self, preset: Preset, seed: u64) -> anyhow::Result<()> {
        self.enter(
            Field::StudyCode,
            &format!("R-{}-{}", preset.name(), seed % 1_000_000),
        )?;
        self.enter(Field::Drug, "rehearsal, no drug")?;
        // A residual between 2.1 and 4.0 mL; every tenth patient's pump is nearly empty.
        let tenths = if seed.is_multiple_of(10) {
            15
        } else {
            21 + seed % 20
        };
        self.enter(
            Field::ExpectedResidual,
            &format!("{}.{}", tenths / 10, tenths % 10),
        )
    }

    /// Once over the pump and back.
    fn sweep(&mut self) -> anyhow::Result<()> {
        for millimeters in [1.0, -1.0, -1.0, 1.0] {
            for _ in 0..6 {
                self.nudge(Nudge::Elevation(millimeters * STEP_MM))?;
            }
        }
        Ok(())
    }

    /// Slides across the pump until the port is established.
    fn find(&mut self) -> anyhow::Result<bool> {
        let begun = self.sent;
        let mut leg = 0_u32;
        while self.sent - begun < FIND_MOST {
            // Ever wider to and fro, as a hand does.
            leg += 1;
            let way = if leg.is_multiple_of(2) { -1.0 } else { 1.0 };
            for _ in 0..leg * 4 {
                let look = self.frames(STEP_FRAMES)?;
                if is_locked(&look) {
                    return self.center();
                }
                self.nudge(Nudge::Elevation(way * STEP_MM))?;
            }
        }
        Ok(false)
    }

    /// Brings the port, or the entry of the path, under the middle of the probe.
    fn center(&mut self) -> anyhow::Result<bool> {
        for _ in 0..80 {
            let look = self.frames(2)?;
            let Some(advice) = look.advice.as_ref() else {
                return Ok(false);
            };
            let path = advice.guidance.path.map(|path| path.entry.x);
            let port = advice.finding.port.map(|port| port.center.x);
            let Some(off) = path.or(port) else {
                continue;
            };
            if off.abs() < limits::CENTERED_WITHIN.0 * 0.8 {
                return Ok(is_locked(&look));
            }
            self.nudge(Nudge::Slide(off.clamp(-STEP_MM, STEP_MM)))?;
        }
        Ok(false)
    }

    /// Goes across the port to where it is widest.
    fn widest(&mut self) -> anyhow::Result<()> {
        let chord = |look: &Look| {
            let port = look.advice.as_ref().and_then(|a| a.finding.port);
            port.map_or(0.0, |port| port.width.0)
        };
        let mut best = chord(&self.frames(STEP_FRAMES)?);
        for way in [STEP_MM, -STEP_MM] {
            for _ in 0..10 {
                let now = chord(&self.nudge(Nudge::Elevation(way))?);
                if now < best - 0.05 {
                    self.nudge(Nudge::Elevation(-way))?;
                    break;
                }
                best = best.max(now);
            }
        }
        Ok(())
    }

    fn confirm_planes(&mut self) -> anyhow::Result<bool> {
        for plane in 1..=2 {
            if plane == 2 {
                for _ in 0..TURNS {
                    self.nudge(Nudge::Rotate(TURN_DEG))?;
                }
                self.frames(20)?;
            }
            if !self.confirm(plane)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Presses the key for a plane, and does what the line says when it did not count.
    fn confirm(&mut self, plane: u32) -> anyhow::Result<bool> {
        for _ in 0..PRESSES_MOST {
            if !self.center()? {
                self.widest()?;
            }
            self.engine.send(Command::ConfirmPlane);
            let look = self.frames(PAUSE)?;
            let Some(advice) = look.advice.as_ref() else {
                continue;
            };
            let counted = match advice.guidance.planes {
                Planes::None => 0,
                Planes::First(_) => 1,
                Planes::Both { .. } => 2,
            };
            if counted >= plane {
                return Ok(true);
            }
            match advice.guidance.plane_refused {
                Some(PlaneRefusal::OffMiddle | PlaneRefusal::NotLocked) => self.widest()?,
                Some(PlaneRefusal::TooTilted) => {
                    let tilt = advice.finding.face.map_or(0.0, |face| face.tilt.degrees());
                    self.nudge(Nudge::Tilt(tilt.clamp(-2.0, 2.0)))?;
                }
                Some(
                    PlaneRefusal::Moving
                    | PlaneRefusal::OffAxis
                    | PlaneRefusal::TooSoon
                    | PlaneRefusal::OtherDepth,
                )
                | None => {
                    self.frames(15)?;
                }
            }
        }
        Ok(false)
    }

    /// Keeps a path that waits for nothing, as soon as one is shown.
    fn locate(&mut self) -> anyhow::Result<bool> {
        for _ in 0..30 {
            let look = self.frame()?;
            let path = look.advice.as_ref().and_then(|a| a.guidance.path);
            let is_ready = path.is_some_and(|path| !path.provisional);
            if is_ready && self.act(Action::Locate)?.is_none() {
                return Ok(true);
            }
            let is_short = look
                .advice
                .as_ref()
                .is_some_and(|advice| advice.guidance.withheld == [Withheld::NeedleTooShort]);
            if let Some(needle) = look.needle.filter(|_| is_short) {
                // What the line says: take a longer one.
                let longer = Needle::new(needle.gauge, Millimeters(LONG_NEEDLE_MM)).ok();
                self.engine.send(Command::ChooseNeedle(longer));
            }
        }
        Ok(false)
    }

    fn puncture(&mut self, seed: u64) -> anyhow::Result<()> {
        self.must(Action::Puncture)?;
        if seed.is_multiple_of(3) {
            self.must(Action::Redirect)?;
        }
        self.must(Action::FeelStop)?;
        self.must(Action::Forward)
    }

    fn empty(&mut self, seed: u64) -> anyhow::Result<()> {
        let expected = self.engine.look().refill.volume(Field::ExpectedResidual);
        let expected = expected.unwrap_or(Volume::ZERO);
        // Every fifth patient's pump has lost more than it should.
        let less = Volume::from_tenths(if seed.is_multiple_of(5) { 14 } else { 2 });
        let aspirated = expected.minus(less.unwrap_or(Volume::ZERO));
        self.enter(Field::Aspirated, &aspirated.to_string())?;
        while let Some(refusal) = self.act(Action::Forward)? {
            if refusal == Refusal::Incomplete(Missing::OtherConfirmation) {
                self.enter(Field::OtherConfirmation, "stop felt, second person")?;
            } else if refusal == Refusal::Incomplete(Missing::AspiratedGap) {
                self.must(Action::AcknowledgeGap(GapKind::Aspirated))?;
            } else {
                bail!("emptying was expected to be complete, but: {refusal}");
            }
        }
        Ok(())
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let look = self.engine.look();
        let capacity = Volume::capacity(&look.pump);
        let left = match (
            look.refill.volume(Field::ExpectedResidual),
            look.refill.volume(Field::Aspirated),
        ) {
            (Some(expected), Some(aspirated)) => expected.minus(aspirated),
            _ => Volume::ZERO,
        };
        let room = capacity.minus(left);
        let aliquot = Volume::from_tenths(49).unwrap_or(Volume::ZERO);
        let mut total = Volume::ZERO;
        while total.plus(aliquot) <= room {
            self.must(Action::Inject(aliquot.to_string()))?;
            self.must(Action::Check(BackFlow::Seen))?;
            total = total.plus(aliquot);
        }
        self.enter(Field::Programmed, &total.to_string())?;
        self.must(Action::Forward)?;
        let look = self.frame()?;
        ensure!(
            look.refill.step() == Step::Report && look.refill.needle() != NeedlePlace::Out,
            "expected the last step with the needle still in"
        );
        Ok(())
    }
}

fn is_locked(look: &Look) -> bool {
    look.advice
        .as_ref()
        .is_some_and(|advice| advice.finding.state == PortState::Locked && !advice.finding.held)
}
