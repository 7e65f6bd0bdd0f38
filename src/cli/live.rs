//! `live` and `replay`: a running session, in the window or headless.
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::engine::{
    Advice, Engine, Feed, FileFeed, Picture, Session, SessionOptions, VirtualFeed,
};
use crate::evidence::LineWriter;
use crate::image::PictureSize;
use crate::pump;
use crate::simulate::{PortFamily, Preset, Scenario};
use crate::view;

use super::source::{Chosen, SourceSpec, open_file};
use super::{FileArgs, SetupArgs};

/// Frames a second of the virtual probe.
pub(super) const VIRTUAL_FPS: f64 = 30.0;
/// The virtual patients carry this pump; it is chosen for them unless the user chooses another.
pub(super) const VIRTUAL_PUMP: &str = "synchromed2-20";
/// Those with a raised port carry this one.
const VIRTUAL_RAISED_PUMP: &str = "medstream-20";
/// And this needle lies on the virtual tray.
pub(super) const VIRTUAL_NEEDLE: &str = "22G:51";
/// A source that sends nothing for this long ends a headless run.
const SILENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct LiveArgs {
    /// `virtual[:PRESET]`, `usb[:BUS.ADDR]`, `v4l2:/dev/videoN` or `igtl:HOST[:PORT]`
    #[arg(long, value_name = "SOURCE", default_value = "virtual")]
    source: SourceSpec,
    /// Run without a window
    #[arg(long)]
    headless: bool,
    /// Stop after this many frames were read (headless)
    #[arg(long, value_name = "N", default_value_t = 300, requires = "headless")]
    frames: u64,
    /// Write the advice on every frame read, as `analyze` does (headless)
    #[arg(long, value_name = "F", requires = "headless")]
    json: Option<PathBuf>,
    /// Seed of the virtual patient
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    window: WindowArgs,
}

/// For scripts that look at the window.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct WindowArgs {
    /// Size of the window in points
    #[arg(long, value_name = "WxH", hide = true, value_parser = window_size)]
    window_size: Option<(f32, f32)>,
    /// Write a picture of the window here, then close it; the start notice counts as read
    #[arg(long, value_name = "PNG", hide = true)]
    screenshot: Option<PathBuf>,
    /// After this many frames
    #[arg(long, value_name = "N", hide = true, default_value_t = 60)]
    screenshot_after: u32,
    /// Draw frame counters into picture and marks, for latency measurements, and log when each frame was captured
    #[arg(long, value_name = "LOG", hide = true)]
    latency_log: Option<PathBuf>,
}

fn window_size(text: &str) -> Result<(f32, f32), String> {
    let wrong = || format!("expected WIDTHxHEIGHT such as 1280x800, got {text:?}");
    let (wide, high) = text.split_once('x').ok_or_else(wrong)?;
    let side = |t: &str| {
        t.parse()
            .ok()
            .filter(|v: &f32| (100.0..=16_384.0).contains(v))
    };
    side(wide).zip(side(high)).ok_or_else(wrong)
}

impl WindowArgs {
    fn options(&self) -> view::ViewOptions {
        let is_scripted = self.latency_log.is_some() || self.screenshot.is_some();
        view::ViewOptions {
            size: self.window_size.map(|(wide, high)| [wide, high]),
            notice: if is_scripted {
                view::Notice::Acknowledged
            } else {
                view::Notice::Ask
            },
            latency_code: self.latency_log.is_some(),
            screenshot: self.screenshot.clone().map(|path| view::ScreenshotRequest {
                after_frames: self.screenshot_after,
                path,
                when_taken: view::WhenTaken::CloseWindow,
            }),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A recording, a picture, or a folder of numbered pictures
    file: PathBuf,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    how: FileArgs,
    #[command(flatten)]
    window: WindowArgs,
}

/// The user's folder for journals and kept pictures.
pub(super) fn data_folder() -> anyhow::Result<PathBuf> {
    directories::ProjectDirs::from("", "", "portsight")
        .map(|dirs| dirs.data_dir().to_owned())
        .context("no home folder: set HOME or XDG_DATA_HOME")
}

fn options(chosen: Chosen, clock: &Arc<dyn Clock>, folder: Option<PathBuf>) -> SessionOptions {
    SessionOptions {
        clock: Arc::clone(clock),
        pumps: Arc::new(pump::catalog().to_vec()),
        pump: chosen.pump,
        needle: chosen.needle,
        size: PictureSize::default(),
        folder,
        on_advice: None,
    }
}

/// What the virtual patient brings along, unless the user says otherwise.
pub(super) fn virtual_setup(mut setup: SetupArgs, preset: Preset) -> anyhow::Result<SetupArgs> {
    if setup.pump == "generic" {
        let is_raised = preset
            .scenario(1)
            .pump
            .is_some_and(|pump| pump.family == PortFamily::Raised);
        let own = if is_raised {
            VIRTUAL_RAISED_PUMP
        } else {
            VIRTUAL_PUMP
        };
        own.clone_into(&mut setup.pump);
    }
    if setup.needle.is_none() {
        let needle = VIRTUAL_NEEDLE.parse().map_err(|e| anyhow!("{e}"))?;
        setup.needle = Some(needle);
    }
    Ok(setup)
}

/// A preset's patient at a frame rate.
pub(super) fn virtual_scenario(preset: Preset, seed: u64, fps: f64) -> Scenario {
    Scenario {
        fps,
        ..preset.scenario(seed)
    }
}

pub(super) fn virtual_feed(preset: Preset, seed: u64, clock: &Arc<dyn Clock>) -> Box<dyn Feed> {
    Box::new(VirtualFeed::live(
        virtual_scenario(preset, seed, VIRTUAL_FPS),
        Arc::clone(clock),
    ))
}

pub(super) fn live(args: &LiveArgs) -> anyhow::Result<()> {
    let preset = match &args.source {
        SourceSpec::Virtual(preset) => *preset,
        SourceSpec::Hardware(name) => bail!(
            "{name} was asked for, but this version has no driver for it yet; \
             nothing is shown in its place. Use --source virtual, or replay a recording"
        ),
    };
    let chosen = Chosen::of(&virtual_setup(args.setup.clone(), preset)?)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let folder = data_folder()?;
    if args.headless {
        let feed = virtual_feed(preset, args.seed, &clock);
        let options = options(chosen, &clock, Some(folder));
        return headless(feed, options, args.frames, args.json.as_deref());
    }
    let scenario = virtual_scenario(preset, args.seed, VIRTUAL_FPS);
    let mut feed = VirtualFeed::live(scenario, Arc::clone(&clock));
    if let Some(log) = &args.window.latency_log {
        feed = feed.with_watermark(log, Arc::clone(&clock))?;
    }
    window(
        Box::new(feed),
        options(chosen, &clock, Some(folder)),
        args.window.options(),
    )
}

pub(super) fn replay(args: &ReplayArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let file = open_file(&args.file, &args.how)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let feed = FileFeed::new(file, Arc::clone(&clock));
    window(
        Box::new(feed),
        options(chosen, &clock, Some(data_folder()?)),
        args.window.options(),
    )
}

/// Opens the window on a session and stays until it is closed.
pub(super) fn window(
    feed: Box<dyn Feed>,
    options: SessionOptions,
    shown_as: view::ViewOptions,
) -> anyhow::Result<()> {
    let engine = Arc::new(Engine::start(feed, options)?);
    let session: Arc<dyn Session> = Arc::clone(&engine) as Arc<dyn Session>;
    let shown = view::run(session, shown_as);
    // The window has gone; its share of the session goes with it, and the workers stop in order.
    drop(engine);
    shown.map_err(|problem| anyhow!("{problem}"))
}

/// The default window: the virtual probe.
pub(super) fn default_window() -> anyhow::Result<()> {
    let setup = virtual_setup(
        SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        },
        Preset::Easy,
    )?;
    let chosen = Chosen::of(&setup)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let feed = virtual_feed(Preset::Easy, 1, &clock);
    window(
        feed,
        options(chosen, &clock, Some(data_folder()?)),
        view::ViewOptions::default(),
    )
}

#[expect(
    clippy::too_many_lines,
    reason = "one run from start to summary, read top down"
)]
fn headless(
    feed: Box<dyn Feed>,
    mut options: SessionOptions,
    frames: u64,
    json: Option<&Path>,
) -> anyhow::Result<()> {
    let pump = options.pump.id.clone();
    let needle = options.needle.map(|n| n.to_string());
    let mut out: Box<dyn Write + Send> = match json {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path)
                .with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(std::io::sink()),
    };
    let read = Arc::new(AtomicU64::new(0));
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = Arc::new(Mutex::new(LineWriter::default()));
    options.on_advice = Some(Box::new({
        let (read, heard, lines) = (Arc::clone(&read), Arc::clone(&heard), Arc::clone(&lines));
        move |picture: &Picture, advice: &Advice| {
            if read.fetch_add(1, Ordering::AcqRel) >= frames {
                return;
            }
            let index = picture.image.frame.0;
            let line = lines.lock().unwrap_or_else(PoisonError::into_inner).line(
                index,
                &picture.image,
                advice,
            );
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line.to_string());
        }
    }));
    let engine = Engine::start(feed, options)?;
    eprintln!("portsight: {}", crate::words::say("notice-research"));
    let mut written = 0_u64;
    let mut quiet = Duration::ZERO;
    let pause = Duration::from_millis(50);
    while written < frames && quiet < SILENCE && !(engine.has_ended() && quiet > Duration::ZERO) {
        std::thread::sleep(pause);
        let ready = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
        quiet = if ready.is_empty() {
            quiet + pause
        } else {
            Duration::ZERO
        };
        for line in ready {
            writeln!(out, "{line}").context("advice could not be written")?;
            written += 1;
            if written.is_multiple_of(100) {
                eprintln!("portsight: {written} of {frames} frames read");
            }
        }
    }
    let look = engine.look();
    for notice in look.notices.iter().cloned().chain(engine.stop()) {
        eprintln!("portsight: {}", notice.line());
    }
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(out, "{}", lines.summary(&pump, needle.as_deref(), &[]))
        .and_then(|()| out.flush())
        .context("advice could not be written")?;
    println!(
        "{written} frames read at {:.1}/s, {} locked, {} with a path; {} captured, {} lost, {} skipped by the detector",
        look.stations.read.rate_hz,
        lines.tally().locked,
        lines.tally().with_path,
        look.stations.capture.frames,
        look.stations.capture.missing,
        look.stations.read.skipped,
    );
    if let Some(journal) = &look.journal_path {
        println!("journal: {journal}");
    }
    if written < frames {
        bail!(
            "{frames} frames were asked for, {written} came before the source ended or fell silent"
        );
    }
    Ok(())
}
