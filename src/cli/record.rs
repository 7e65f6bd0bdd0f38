//! `record` and `recover`: a source into a recording without a window, and what is whole of one that was cut.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::engine::{Feed, SourceChoice, VirtualFeed};
use crate::notice::Notice;
use crate::recording::{
    FileDisk, Recorder, RecorderOptions, RecordingProblem, RecordingState, Tape, recover,
};
use crate::stream::{Delivery, Ending, Worker};
use crate::words::say;

use super::connect::Opening;
use super::live::{VIRTUAL_FPS, settings_folder, virtual_scenario};
use super::signals::Stop;

/// How long the source is waited for before the end is looked at.
const PATIENCE: Duration = Duration::from_millis(50);
/// What is stored is told this often.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// A source that sends nothing for this long ends the recording.
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// `virtual[:PRESET]`, `usb[:BUS.ADDR]`, `v4l2:/dev/videoN` or `igtl:HOST[:PORT]`
    #[arg(long, value_name = "SOURCE", default_value = "virtual")]
    source: SourceChoice,
    /// Stop after this many seconds
    #[arg(long, value_name = "N")]
    seconds: u64,
    /// The recording; a file that is there already is never written over
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Firmware for a probe that asks for one; portsight ships none
    #[arg(long, value_name = "FILE")]
    firmware: Option<PathBuf>,
    /// Seed of the virtual patient
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Frames a second of the virtual probe
    #[arg(long, value_name = "F", default_value_t = VIRTUAL_FPS, value_parser = frame_rate)]
    fps: f64,
    /// Print the number of frames stored ten times a second: none of them can be lost to a kill any more
    #[arg(long)]
    acknowledge: bool,
}

#[derive(Debug, Args)]
pub(super) struct RecoverArgs {
    /// A recording that was cut or damaged; it is not touched
    file: PathBuf,
    /// The new recording; beside the old one, with `.recovered` in its name, when not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn frame_rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|fps| (1.0..=120.0).contains(fps))
        .ok_or_else(|| format!("expected 1 to 120 frames a second, got {text:?}"))
}

/// A problem with what to do about it, as the last line of a command.
pub(super) fn told(problem: &RecordingProblem) -> anyhow::Error {
    anyhow!(Notice::of(problem).line())
}

/// The file of a new recording.
pub(super) fn new_file(path: &Path) -> anyhow::Result<FileDisk> {
    FileDisk::create(path).map_err(|cause| {
        told(&RecordingProblem::NotBegun {
            path: path.to_owned(),
            cause,
        })
    })
}

fn feed(args: &RecordArgs, clock: &Arc<dyn Clock>) -> Box<dyn Feed> {
    if let SourceChoice::Virtual(preset) = &args.source {
        let scenario = virtual_scenario(*preset, args.seed, args.fps);
        return Box::new(VirtualFeed::live(scenario, Arc::clone(clock)));
    }
    let opening = Opening {
        clock: Arc::clone(clock),
        seed: args.seed,
        firmware: args.firmware.clone(),
        settings: settings_folder(),
    };
    opening.open(&args.source)
}

pub(super) fn run(args: &RecordArgs) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stop = Stop::listen()?;
    let mut feed = feed(args, &clock);
    let tape = Tape::default();
    let options = RecorderOptions {
        clock: Arc::clone(&clock),
        disk: Arc::new(new_file(&args.out)?),
        about: vec![
            ("source", args.source.to_string()),
            ("source_name", feed.name()),
            ("started_utc", clock.wall()),
            ("notice", say("notice-research")),
        ],
    };
    let mut recorder = Recorder::begin(tape.clone(), options).map_err(|p| told(&p))?;
    let mut worker = Worker::start("record", move || recorder.step(PATIENCE))?;
    let ended = capture(&mut *feed, &tape, &clock, args, &stop);
    // The source stops before the file is ended.
    drop(feed);
    if worker.stop() == Ending::Panicked {
        bail!(
            "the recording failed; what was stored is in {}",
            args.out.display()
        );
    }
    let counts = tape.counts();
    if args.acknowledge {
        println!("stored {}", counts.stored);
    }
    println!(
        "{} frames stored, {} lost, {:.1} MB, {:.2} s spent writing in {:.1} s",
        counts.stored,
        counts.lost,
        counts.bytes as f64 / 1e6,
        counts.busy_ms as f64 / 1e3,
        clock.now().as_seconds(),
    );
    if let Some(notice) = tape.take_notice() {
        bail!(notice.line());
    }
    ended
}

fn capture(
    feed: &mut dyn Feed,
    tape: &Tape,
    clock: &Arc<dyn Clock>,
    args: &RecordArgs,
    stop: &Stop,
) -> anyhow::Result<()> {
    let begun = clock.now();
    let (mut heard, mut told_at) = (begun, begun);
    loop {
        let now = clock.now();
        if args.acknowledge && now.since(told_at) >= TOLD_EVERY {
            told_at = now;
            println!("stored {}", tape.counts().stored);
        }
        let is_over = now.since(begun) >= Duration::from_secs(args.seconds);
        if is_over || stop.is_asked() || tape.counts().state == RecordingState::Stopped {
            return Ok(());
        }
        if now.since(heard) >= SILENCE {
            bail!("{} sent nothing for {} s", args.source, SILENCE.as_secs());
        }
        match feed.next(PATIENCE) {
            Ok(Delivery::Frame(frame)) => {
                heard = now;
                tape.offer(&frame);
            }
            Ok(Delivery::Quiet) => {}
            Ok(Delivery::Finished) => return Ok(()),
            Err(problem) => {
                eprintln!("portsight: {}", Notice::of(&problem).line());
                if !matches!(problem, crate::stream::SourceProblem::Lost { .. }) {
                    bail!(problem);
                }
            }
        }
    }
}

pub(super) fn recover_file(args: &RecoverArgs) -> anyhow::Result<()> {
    let out = args.out.clone().unwrap_or_else(|| {
        let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
        args.file.with_file_name(format!(
            "{stem}.recovered.{}",
            crate::recording::RECORDING_SUFFIX
        ))
    });
    let kept = recover(&args.file, &out).map_err(|problem| told(&problem))?;
    println!(
        "{} frames are whole and stand in {}; {} places were damaged",
        kept.frames,
        out.display(),
        kept.damaged
    );
    Ok(())
}

/// Opens a recording to be read anew; refuses what is told of other files, which a recording knows by itself.
pub(super) fn open_to_read(
    path: &Path,
    how: &super::FileArgs,
) -> anyhow::Result<crate::recording::Playback> {
    let told = [
        ("--mm-per-px", how.mm_per_px.is_some()),
        ("--orientation", how.orientation.is_some()),
        ("--crop", how.crop.is_some()),
        ("--geometry", how.geometry.is_some()),
    ];
    if let Some((name, _)) = told.into_iter().find(|(_, is_given)| *is_given) {
        anyhow::bail!(
            "{name} was given, but a recording holds its frames as they came, with scale, orientation and geometry of \
             their own; nothing was read. Leave {name} out."
        );
    }
    open_recording(path)
}

/// Opens a recording, and says so when it had to be searched.
pub(super) fn open_recording(path: &Path) -> anyhow::Result<crate::recording::Playback> {
    let recording = crate::recording::Recording::open(path).map_err(|p| told(&p))?;
    let playback = crate::recording::Playback::new(Arc::new(recording));
    for notice in playback.notices() {
        eprintln!("portsight: {}", notice.line());
    }
    Ok(playback)
}

/// Whether a path names a recording.
pub(super) fn is_recording(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case(crate::recording::RECORDING_SUFFIX))
}
