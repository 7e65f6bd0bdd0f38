//! `live` and `replay`: a running session, in the window or headless.
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;

use crate::clock::{Clock, SystemClock};
use crate::engine::{
    Advice, Command, Engine, Feed, FileFeed, Look, Picture, RecordingFeed, Scribe, Session,
    SessionOptions, SourceChoice, VirtualFeed,
};
use crate::evidence::LineWriter;
use crate::exchange::{IgtlServer, serve_address};
use crate::guide::Way;
use crate::notice::Notice;
use crate::procedure::SessionFolder;
use crate::settings::SettingsKeeper;
use crate::simulate::{PortFamily, Preset, Scenario};
use crate::sound::Player;
use crate::view;

use super::connect::Opening;
use super::record::{is_recording, open_to_read};
use super::signals::Stop;
use super::source::{Chosen, open_file};
use super::staging::{STAGED_BY, WAY_STAGED_BY, approach_by, staging};
use super::train;
use super::{FileArgs, SetupArgs};

/// File of what is remembered of the window, in the folder for settings.
const SETTINGS: &str = "settings.toml";
/// Frames a second of the virtual probe.
pub(super) const VIRTUAL_FPS: f64 = 30.0;
/// The virtual patients carry this pump; it is chosen for them unless the user chooses another.
pub(super) const VIRTUAL_PUMP: &str = "synchromed2-20";
/// Those with a raised port carry this one.
const VIRTUAL_RAISED_PUMP: &str = "medstream-20";
/// And this needle lies on the virtual tray.
pub(super) const VIRTUAL_NEEDLE: &str = "22G:51";
/// A source that has sent frames and then sends nothing for this long ends a headless run: time enough to plug a
/// probe in again.
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct LiveArgs {
    /// `virtual[:PRESET]`, `usb[:BUS.ADDR]`, `v4l2:/dev/videoN` or `igtl:HOST[:PORT]`
    #[arg(long, value_name = "SOURCE", default_value = "virtual")]
    source: SourceChoice,
    /// Run without a window
    #[arg(long)]
    headless: bool,
    /// Stop after this many frames were read (headless; 300 when neither this nor --seconds is given)
    #[arg(
        long,
        value_name = "N",
        requires = "headless",
        conflicts_with = "seconds"
    )]
    frames: Option<u64>,
    /// Stop after this many seconds (headless)
    #[arg(long, value_name = "S", requires = "headless")]
    seconds: Option<u64>,
    /// End when the source sends nothing for this long (headless): seconds before its first frame, and at least 30
    /// between two frames
    #[arg(long, value_name = "S", requires = "headless", default_value_t = 10)]
    wait: u64,
    /// Firmware for a probe that asks for one; portsight ships none
    #[arg(long, value_name = "FILE")]
    firmware: Option<PathBuf>,
    /// Write the advice on every frame read, as `analyze` does (headless)
    #[arg(long, value_name = "F", requires = "headless")]
    json: Option<PathBuf>,
    /// Publish picture, port and state over OpenIGTLink: a port of this machine (18945 is a good choice), or an
    /// address to be reached from other machines, as in 0.0.0.0:18945
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    publish: Option<String>,
    /// Do not record the frames into the session's folder
    #[arg(long)]
    no_recording: bool,
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
    /// Stand at this step of a refill (1 to 9) when the picture is taken
    #[arg(long, value_name = "N", hide = true, requires = "screenshot", value_parser = clap::value_parser!(u8).range(1..=9))]
    screenshot_step: Option<u8>,
    /// Stand at the approach by this way (1 to 3) when the picture is taken
    #[arg(long, value_name = "N", hide = true, requires = "screenshot", conflicts_with = "screenshot_step", value_parser = clap::value_parser!(u8).range(1..=3))]
    screenshot_way: Option<u8>,
    /// After a slide of so many millimetres
    #[arg(
        long,
        value_name = "MM",
        hide = true,
        requires = "screenshot_way",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    screenshot_slide: f64,
    /// Open on the connection screen
    #[arg(long, hide = true)]
    show_sources: bool,
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
    pub(super) fn options(&self) -> view::ViewOptions {
        let is_scripted = self.latency_log.is_some() || self.screenshot.is_some();
        view::ViewOptions {
            size: self.window_size.map(|(wide, high)| [wide, high]),
            notice: if is_scripted {
                view::Notice::Acknowledged
            } else {
                view::Notice::Ask
            },
            first_sheet: if self.show_sources {
                view::FirstSheet::Sources
            } else {
                view::FirstSheet::Picture
            },
            stop: None,
            settings: None,
            speaker: None,
            training: Some(train::door(None)),
            latency_code: self.latency_log.is_some(),
            staging: self.staged(),
            screenshot: self.screenshot.clone().map(|path| view::ScreenshotRequest {
                after_frames: match (self.screenshot_step, self.screenshot_way) {
                    (Some(_), _) => STAGED_BY,
                    (None, Some(_)) => WAY_STAGED_BY,
                    (None, None) => self.screenshot_after,
                },
                path,
                when_taken: view::WhenTaken::CloseWindow,
            }),
        }
    }

    /// What is asked of the session before the picture is taken.
    fn staged(&self) -> Vec<(u32, Command)> {
        let way = self
            .screenshot_way
            .and_then(|number| Way::ALL.get(usize::from(number).wrapping_sub(1)).copied());
        match (self.screenshot_step, way) {
            (Some(step), _) => staging(usize::from(step)),
            (None, Some(way)) => approach_by(way, self.screenshot_slide),
            (None, None) => Vec::new(),
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

/// A new folder for a session, below the user's data folder.
fn session_folder(clock: &Arc<dyn Clock>) -> anyhow::Result<SessionFolder> {
    SessionFolder::new_within(&data_folder()?, clock.as_ref())
        .map_err(|problem| anyhow!(Notice::of(&problem).line()))
}

pub(super) fn options(
    chosen: Chosen,
    clock: &Arc<dyn Clock>,
    folder: Option<SessionFolder>,
) -> SessionOptions {
    SessionOptions {
        folder,
        ..SessionOptions::new(Arc::clone(clock), chosen.pump, chosen.needle)
    }
}

/// Puts advice into lines, for the recording.
fn scribe() -> Scribe {
    let mut lines = LineWriter::default();
    Box::new(move |picture, advice| {
        let image = &picture.image;
        lines.line(image.frame.0, image, advice).to_string()
    })
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

/// The user's folder for settings; `None` where there is no home.
pub(super) fn settings_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "portsight").map(|dirs| dirs.config_dir().to_owned())
}

pub(super) fn live(args: &LiveArgs) -> anyhow::Result<()> {
    let setup = match &args.source {
        SourceChoice::Virtual(preset) => virtual_setup(args.setup.clone(), *preset)?,
        SourceChoice::Usb(_) | SourceChoice::V4l2(_) | SourceChoice::Igtl(_) => args.setup.clone(),
    };
    let chosen = Chosen::of(&setup)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let opening = Opening {
        clock: Arc::clone(&clock),
        seed: args.seed,
        firmware: args.firmware.clone(),
        settings: settings_folder(),
    };
    let feed = match (&args.window.latency_log, &args.source) {
        (Some(log), SourceChoice::Virtual(preset)) => {
            let scenario = virtual_scenario(*preset, args.seed, VIRTUAL_FPS);
            let feed = VirtualFeed::live(scenario, Arc::clone(&clock));
            Box::new(feed.with_watermark(log, Arc::clone(&clock))?)
        }
        _ => opening.open(&args.source),
    };
    let options = SessionOptions {
        choice: Some(args.source.clone()),
        keep_frames: (!args.no_recording).then(scribe),
        server: args
            .publish
            .as_deref()
            .map(|address| serve(address, &clock))
            .transpose()?,
        ..options(chosen, &clock, Some(session_folder(&clock)?))
    };
    if args.headless {
        let until = Until::of(args);
        return headless(feed, options, until, args.json.as_deref());
    }
    let options = SessionOptions {
        connector: Some(opening.connector()),
        scout: Some(opening.scout()),
        ..options
    };
    window(feed, options, args.window.options())
}

pub(super) fn replay(args: &ReplayArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let feed: Box<dyn Feed> = if is_recording(&args.file) {
        let playback = open_to_read(&args.file, &args.how)?;
        Box::new(RecordingFeed::new(playback, Arc::clone(&clock)))
    } else {
        let file = open_file(&args.file, &args.how)?;
        Box::new(FileFeed::new(file, Arc::clone(&clock)))
    };
    window(
        feed,
        options(chosen, &clock, Some(session_folder(&clock)?)),
        args.window.options(),
    )
}

/// Opens the window on a session and stays until it is closed.
pub(super) fn window(
    feed: Box<dyn Feed>,
    options: SessionOptions,
    mut shown_as: view::ViewOptions,
) -> anyhow::Result<()> {
    shown_as.stop = Some(Stop::listen()?.flag());
    remembered(&mut shown_as)?;
    let engine = Arc::new(Engine::start(feed, options)?);
    let session: Arc<dyn Session> = Arc::clone(&engine) as Arc<dyn Session>;
    let shown = view::run(session, shown_as);
    // The window has gone; its share of the session goes with it, and the workers stop in order.
    drop(engine);
    shown.map_err(|problem| anyhow!("{problem}"))
}

/// Gives a window the user's settings and a speaker; one that a script looks at is always as on the first day.
pub(super) fn remembered(shown_as: &mut view::ViewOptions) -> anyhow::Result<()> {
    if shown_as.notice == view::Notice::Acknowledged {
        return Ok(());
    }
    if let Some(folder) = settings_folder() {
        let keeper = SettingsKeeper::start(&folder.join(SETTINGS))?;
        shown_as.settings = Some(Arc::new(keeper));
    }
    let cache = directories::ProjectDirs::from("", "", "portsight");
    if let Some(cache) = cache {
        let programs = std::env::var_os("PATH");
        let player = Player::start(programs.as_deref(), cache.cache_dir())?;
        shown_as.speaker = Some(view::SpeakerDoor(Arc::new(player)));
    }
    Ok(())
}

/// The default window: the virtual probe.
pub(super) fn default_window(shown_as: view::ViewOptions) -> anyhow::Result<()> {
    let setup = virtual_setup(
        SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        },
        Preset::Easy,
    )?;
    let chosen = Chosen::of(&setup)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let opening = Opening {
        clock: Arc::clone(&clock),
        seed: 1,
        firmware: None,
        settings: settings_folder(),
    };
    let feed = virtual_feed(Preset::Easy, 1, &clock);
    let options = SessionOptions {
        choice: Some(SourceChoice::Virtual(Preset::Easy)),
        keep_frames: Some(scribe()),
        connector: Some(opening.connector()),
        scout: Some(opening.scout()),
        ..options(chosen, &clock, Some(session_folder(&clock)?))
    };
    window(feed, options, shown_as)
}

/// When a headless run ends.
#[derive(Clone, Copy, Debug)]
enum Span {
    Frames(u64),
    Seconds(u64),
}

/// A server for other programs; says where it serves.
fn serve(address: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<IgtlServer> {
    let problem = |p: crate::exchange::ServeProblem| anyhow!(Notice::of(&p).line());
    let address = serve_address(address).map_err(problem)?;
    let server = IgtlServer::start(address, Arc::clone(clock)).map_err(problem)?;
    eprintln!(
        "portsight: publishing over OpenIGTLink at {}",
        server.address()
    );
    Ok(server)
}

/// When a headless run ends, and how long it waits for a source that sends nothing.
#[derive(Clone, Copy, Debug)]
struct Until {
    span: Span,
    wait: Duration,
}

impl Until {
    fn of(args: &LiveArgs) -> Self {
        Self {
            span: match (args.frames, args.seconds) {
                (_, Some(seconds)) => Span::Seconds(seconds),
                (frames, None) => Span::Frames(frames.unwrap_or(300)),
            },
            wait: Duration::from_secs(args.wait),
        }
    }

    fn is_over(self, written: u64, ran: Duration) -> bool {
        match self.span {
            Span::Frames(frames) => written >= frames,
            Span::Seconds(seconds) => ran >= Duration::from_secs(seconds),
        }
    }

    /// Frames read at most.
    fn most(self) -> u64 {
        match self.span {
            Span::Frames(frames) => frames,
            Span::Seconds(_) => u64::MAX,
        }
    }

    /// How long nothing may come, after so many frames.
    fn patience(self, written: u64) -> Duration {
        if written == 0 {
            self.wait
        } else {
            self.wait.max(SILENCE)
        }
    }
}

/// What a headless run says of its source, at the end of its advice.
fn source_summary(look: &Look) -> serde_json::Value {
    let stations = &look.stations;
    json!({
        "name": look.source_name,
        "source": look.choice.as_ref().map(ToString::to_string),
        "origin": look.origin,
        "captured": stations.capture.frames,
        // Lost are frames that never came; damaged ones came and were thrown away, and are not among the lost.
        "lost": stations.capture.missing,
        "damaged": stations.wire.map_or(0, |wire| wire.damaged_frames),
        "gaps": stations.capture.gaps,
        "skipped_by_detector": stations.read.skipped,
        "outages": stations.outages,
        "form_times": stations.form_times,
        "read_times": stations.read_times,
        "wire": stations.wire,
        "details": look.facts.as_ref().map(|f| f.details.clone()),
        "acoustic": look.facts.as_ref().map(|f| f.acoustic),
        "maturity": look.facts.as_ref().map(|f| f.maturity),
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one run from start to summary, read top down"
)]
fn headless(
    feed: Box<dyn Feed>,
    mut options: SessionOptions,
    until: Until,
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
    let clock = Arc::clone(&options.clock);
    let most = until.most();
    let read = Arc::new(AtomicU64::new(0));
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = Arc::new(Mutex::new(LineWriter::default()));
    options.on_advice = Some(Box::new({
        let (read, heard, lines) = (Arc::clone(&read), Arc::clone(&heard), Arc::clone(&lines));
        move |picture: &Picture, advice: &Advice| {
            if read.fetch_add(1, Ordering::AcqRel) >= most {
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
    let begun = clock.now();
    let stop = Stop::listen()?;
    loop {
        let is_over = stop.is_asked()
            || until.is_over(written, clock.now().since(begun))
            || quiet >= until.patience(written)
            || (engine.has_ended() && quiet > Duration::ZERO);
        if is_over {
            break;
        }
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
                eprintln!("portsight: {written} frames read");
            }
        }
    }
    let look = engine.look();
    let source = source_summary(&look);
    for notice in look.notices.iter().cloned().chain(engine.stop()) {
        eprintln!("portsight: {}", notice.line());
    }
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let mut summary = lines.summary(&pump, needle.as_deref(), &[]);
    if let Some(fields) = summary.get_mut("summary").and_then(|s| s.as_object_mut()) {
        fields.insert("source".to_owned(), source);
    }
    writeln!(out, "{summary}")
        .and_then(|()| out.flush())
        .context("advice could not be written")?;
    println!(
        "{written} frames read at {:.1}/s, {} locked, {} with a path; {} captured, {} lost, {} damaged, {} skipped by the detector, {} outages",
        look.stations.read.rate_hz,
        lines.tally().locked,
        lines.tally().with_path,
        look.stations.capture.frames,
        look.stations.capture.missing,
        look.stations.wire.map_or(0, |wire| wire.damaged_frames),
        look.stations.read.skipped,
        look.stations.outages,
    );
    if let Some(journal) = &look.journal_path {
        println!("journal: {journal}");
    }
    if stop.is_asked() {
        bail!("stopped by a signal after {written} frames; the source was stopped in good order");
    }
    if let Span::Frames(frames) = until.span
        && written < frames
    {
        bail!(
            "{frames} frames were asked for, {written} came before {} ended or fell silent",
            look.choice
                .as_ref()
                .map_or_else(|| look.source_name.clone(), ToString::to_string),
        );
    }
    Ok(())
}
