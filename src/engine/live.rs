//! A running session: five workers and what they share.
//!
//! capture owns the source, form the image chain, read detector and plan, desk the files, watch the time. The watch
//! for stale frames depends on no repaint and on no other worker (H01).
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Clock;
use crate::exchange::IgtlServer;
use crate::frame::FrameId;
use crate::image::{ImageChain, PictureSize};
use crate::notice::Notice;
use crate::procedure::{Event, Journal, RECORDING_FILE, SessionFolder};
use crate::pump::{Needle, PumpModel};
use crate::recording::{Channel, Tape as Reel};
use crate::report::SessionAbout;
use crate::stream::{Ending, HealthMeter, Taken, Worker};

use super::board::{Beginning, Flow, Job, PlaneRequest, Shared, Source};
use super::capture::Capture;
use super::desk::Desk;
use super::keep_frames;
use super::publish::Publisher;
use super::read_log::{FormedNote, PlaneWord, ReadNote, Scribe, Sight};
use super::reader::{Moment, Reader};
use super::recorder::{Recorder, RecordingPlan, Tape};
use super::refill_desk::RefillLog;
use super::stopwatch::Stopwatch;
use super::transitions::Transitions;
use super::watch::{self, moment_of};
use super::{
    Advice, Command, Connector, Feed, Liveness, Look, Picture, Scout, Session, SourceChoice,
};

/// How long a worker waits for something before it looks whether it was told to stop.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);
/// Waits of [`PATIENCE`] between two looks for sources: about a second.
const SCOUT_RESTS: u32 = 20;
/// Hears every picture that was read, with its advice, on the read worker.
pub type Listener = Box<dyn FnMut(&Picture, &Advice) + Send>;

/// What a session is run with.
pub struct SessionOptions {
    /// The clock all stamps come from; the feed must stamp its frames with the same one.
    pub clock: Arc<dyn Clock>,
    /// Pump models to choose from.
    pub pumps: Arc<Vec<PumpModel>>,
    /// The one chosen.
    pub pump: Arc<PumpModel>,
    /// The needle, when given.
    pub needle: Option<Needle>,
    /// Largest picture formed from scan lines.
    pub size: PictureSize,
    /// Folder for journal, kept pictures and report; `None` keeps none of them.
    pub folder: Option<SessionFolder>,
    /// What is recorded into the folder; `None` records nothing.
    pub recording: Option<RecordingPlan>,
    /// Puts advice into lines for the recording of every frame, into the folder; `None` keeps no frames.
    pub keep_frames: Option<Scribe>,
    /// The source as it was chosen; `None` for files.
    pub choice: Option<SourceChoice>,
    /// Opens other sources on request; `None` keeps the one the session begins with.
    pub connector: Option<Connector>,
    /// Lists what is plugged in; `None` looks for nothing.
    pub scout: Option<Scout>,
    /// Where pictures and port are published for other programs; `None` publishes nothing.
    pub server: Option<IgtlServer>,
    /// Called on the read worker with every picture that was read and its advice.
    pub on_advice: Option<Listener>,
}

impl SessionOptions {
    /// A session that keeps nothing on the disk and stays with its source.
    pub fn new(clock: Arc<dyn Clock>, pump: Arc<PumpModel>, needle: Option<Needle>) -> Self {
        Self {
            clock,
            pumps: Arc::new(crate::pump::catalog().to_vec()),
            pump,
            needle,
            size: PictureSize::default(),
            folder: None,
            recording: None,
            keep_frames: None,
            choice: None,
            connector: None,
            scout: None,
            server: None,
            on_advice: None,
        }
    }
}

/// A running session. Dropping it stops every worker.
pub struct Engine {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
}

impl Engine {
    /// Starts the workers. The journal is started first, so that nothing happens unrecorded.
    pub fn start(feed: Box<dyn Feed>, options: SessionOptions) -> anyhow::Result<Self> {
        let journal = options
            .folder
            .as_ref()
            .map(|folder| Journal::start(folder, Arc::clone(&options.clock)))
            .transpose()?;
        let shared = Arc::new(Shared::new(Beginning {
            clock: Arc::clone(&options.clock),
            source: Source {
                origin: feed.origin(),
                name: feed.name(),
                choice: options.choice.clone(),
                is_still: feed.is_still(),
                facts: None,
            },
            publisher: Publisher::new(options.server),
            tape: options
                .recording
                .filter(|_| options.folder.is_some())
                .map(Tape::new),
            reel: options
                .keep_frames
                .as_ref()
                .filter(|_| options.folder.is_some())
                .map(|_| Reel::default()),
            pumps: options.pumps,
            pump: Arc::clone(&options.pump),
            needle: options.needle,
            settings: Arc::new(feed.settings()),
            journal_path: journal.as_ref().map(|j| j.path().display().to_string()),
        }));
        shared.desk(Job::Begin(Event::SessionStarted {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: feed.name(),
            origin: feed.origin(),
            pump: options.pump.id.clone(),
            needle: options.needle,
            notice: crate::words::say("notice-research"),
        }));
        let about = SessionAbout {
            name: session_name(options.folder.as_ref()),
            started_utc: options.clock.wall(),
        };
        let recorder = recorder(options.folder.as_ref(), &shared);
        let frames = keep_frames::start(options.folder.as_ref(), &shared)?;
        let log = RefillLog::new(about);
        let desk = Desk::new(journal, options.folder, Arc::clone(&shared), log);
        let capture = Capture::new(feed, options.connector, Arc::clone(&shared));
        let mut workers = vec![start_desk(desk)?];
        // Stopped after the workers that feed it, and before the desk, which then finds the file finished.
        workers.extend(frames);
        if let Some(recorder) = recorder {
            workers.push(start_recorder(recorder)?);
        }
        workers.extend([
            start_read(Arc::clone(&shared), options.on_advice, options.keep_frames)?,
            start_form(Arc::clone(&shared), options.size)?,
            watch::start(Arc::clone(&shared))?,
            start_capture(capture)?,
        ]);
        if let Some(scout) = options.scout {
            workers.push(start_scout(scout, Arc::clone(&shared))?);
        }
        Ok(Self { shared, workers })
    }

    /// Whether the source has come to its end or is gone for good.
    pub fn has_ended(&self) -> bool {
        matches!(self.shared.board().flow, Flow::Finished | Flow::Gone)
    }

    /// Stops every worker, from the source to the desk, and closes the journal.
    pub fn stop(mut self) -> Vec<Notice> {
        self.stop_workers()
    }

    fn stop_workers(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Some(mut worker) = self.workers.pop() {
            if self.workers.is_empty() {
                let stations = self.shared.board().stations;
                self.shared.desk(Job::End {
                    frames: stations.capture.frames,
                    missing: stations.capture.missing,
                });
            }
            if worker.stop() == Ending::Panicked {
                notices.push(worker_died(worker.name()));
            }
        }
        notices
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_workers();
    }
}

impl Session for Engine {
    fn look(&self) -> Look {
        let shared = &self.shared;
        let dead = self.workers.iter().find(|worker| worker.has_ended());
        if let Some(worker) = dead {
            shared.tell_once(worker_died(worker.name()));
        }
        let now = shared.clock.now();
        let board = shared.board();
        Look {
            picture: board.picture.clone(),
            // A worker that died may have left advice behind that nobody will take back.
            advice: board.advice.clone().filter(|_| dead.is_none()),
            liveness: if dead.is_some() {
                Liveness::NotLive
            } else {
                board.liveness
            },
            age: board.last_captured.map(|at| now.since(at)),
            now,
            origin: board.source.origin,
            source_name: board.source.name.clone(),
            choice: board.source.choice.clone(),
            facts: board.source.facts.clone(),
            listing: board.listing.clone(),
            pose: board.pose,
            stations: board.stations,
            settings: Arc::clone(&board.settings),
            pump: Arc::clone(&board.pump),
            pumps: Arc::clone(&shared.pumps),
            needle: board.needle,
            notices: Arc::clone(&board.notices),
            snapshots: Arc::clone(&board.snapshots),
            journal_path: board.journal_path.clone(),
            journalled: board.journalled,
            refill: Arc::clone(&board.refill),
        }
    }

    fn send(&self, command: Command) {
        // A refill is the desk's business alone.
        if matches!(command, Command::Refill(_)) {
            self.shared.desk(Job::Command(command));
            return;
        }
        if self.shared.to_capture.put(command.clone()).is_err() {
            self.shared.add_notice(Notice {
                severity: crate::notice::Severity::Warning,
                text: "the source does not take commands: one was not carried out".to_owned(),
                hint: None,
            });
        }
        self.shared.desk(Job::Command(command));
    }

    fn set_waker(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.shared.set_waker(wake);
    }

    fn note_shown(&self, frame: FrameId, marks: Option<FrameId>) {
        let now = self.shared.clock.now();
        let mut board = self.shared.board();
        if marks.is_some_and(|m| m != frame) {
            board.stations.shown_mismatches += 1;
        }
        let captured = board
            .picture
            .as_ref()
            .filter(|p| p.image.frame == frame)
            .map(|p| p.image.captured_at);
        if let Some(captured) = captured {
            board.shown_watch.note(now.since(captured));
            board.stations.shown_times = board.shown_watch.times();
        }
    }
}

fn worker_died(name: &str) -> Notice {
    Notice {
        severity: crate::notice::Severity::Error,
        text: format!("worker {name} failed: no guidance from here on"),
        hint: Some("Close the program and start it again; the journal is intact.".to_owned()),
    }
}

fn start_desk(mut desk: Desk) -> std::io::Result<Worker> {
    Worker::start("desk", move || desk.step(PATIENCE))
}

/// The name of the session's folder; a session without one has none.
fn session_name(folder: Option<&SessionFolder>) -> String {
    folder
        .and_then(|folder| folder.path().file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn recorder(folder: Option<&SessionFolder>, shared: &Arc<Shared>) -> Option<Recorder> {
    let tape = shared.tape.clone()?;
    let path = folder?.place(RECORDING_FILE);
    Some(Recorder::new(tape, path, Arc::clone(shared)))
}

fn start_recorder(mut recorder: Recorder) -> std::io::Result<Worker> {
    Worker::start("record", move || recorder.step(PATIENCE))
}

fn start_capture(mut capture: Capture) -> std::io::Result<Worker> {
    Worker::start("capture", move || capture.step())
}

/// Looks for sources on this machine, again and again, so that the screen knows what is plugged in.
fn start_scout(mut scout: Scout, shared: Arc<Shared>) -> std::io::Result<Worker> {
    let mut rest = 0_u32;
    Worker::start("scout", move || {
        if rest > 0 {
            rest -= 1;
            std::thread::sleep(PATIENCE);
            return ControlFlow::Continue(());
        }
        rest = SCOUT_RESTS;
        let found = scout();
        let mut board = shared.board();
        if board.listing.as_deref() == Some(&found) {
            return ControlFlow::Continue(());
        }
        let found = Arc::new(found);
        let before = board.listing.replace(Arc::clone(&found));
        drop(board);
        for source in before.iter().flat_map(|before| found.new_since(before)) {
            let name = source.name.as_str();
            let text = crate::words::say_with("engine-plugged-in", &[("name", name)]);
            shared.add_notice(Notice::note(text));
        }
        shared.wake();
        ControlFlow::Continue(())
    })
}

fn start_form(shared: Arc<Shared>, size: PictureSize) -> std::io::Result<Worker> {
    let mut chain = ImageChain::new(size);
    let mut meter = HealthMeter::default();
    let mut watch = Stopwatch::default();
    let mut since = FrameId(0);
    Worker::start("form", move || {
        let frame = match shared.frames.take(PATIENCE) {
            Taken::Value(frame) => frame,
            Taken::Nothing => return ControlFlow::Continue(()),
            Taken::Closed => return ControlFlow::Break(()),
        };
        let since_now = shared.board().since;
        if shared.is_frozen() || frame.id < since_now {
            return ControlFlow::Continue(());
        }
        let anew = std::mem::replace(&mut since, since_now) != since_now;
        if anew {
            // Nothing of an older stream may stay in the picture (persistence).
            chain = ImageChain::new(size);
            meter = HealthMeter::default();
        }
        let begun = shared.clock.now();
        let image = chain.form(&frame);
        let note = FormedNote {
            frame: frame.id,
            anew,
        };
        shared.keep_note(Channel::Formed, frame.captured_at, &note);
        let ended = shared.clock.now();
        meter.note(frame.id, ended);
        meter.set_skipped(shared.pictures.replaced());
        watch.note(ended.since(begun));
        let picture = Arc::new(Picture {
            image,
            settings: Arc::clone(&frame.settings),
        });
        {
            let mut board = shared.board();
            board.stations.form = meter.health();
            board.stations.form_times = watch.times();
        }
        shared.pictures.put(Arc::clone(&picture));
        if let Some(left_out) = shared.tape.as_ref().and_then(|tape| tape.offer(&picture)) {
            shared.tell_once(Notice {
                severity: crate::notice::Severity::Warning,
                text: "the recording cannot keep up and leaves out pictures".to_owned(),
                hint: Some(format!("Check the disk; {left_out} are missing so far.")),
            });
        }
        shared.stage(picture);
        ControlFlow::Continue(())
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one picture from its mailbox to the board, read top down"
)]
fn start_read(
    shared: Arc<Shared>,
    mut on_advice: Option<Listener>,
    mut scribe: Option<Scribe>,
) -> std::io::Result<Worker> {
    let is_first_still = shared.board().source.is_still;
    let mut reader = Reader::new(is_first_still);
    let mut is_first = true;
    let mut since = FrameId(0);
    let mut meter = HealthMeter::default();
    let mut watch = Stopwatch::default();
    let mut transitions = Transitions::default();
    let mut last: Option<Arc<Picture>> = None;
    let mut setup_seen = 0;
    Worker::start("read", move || {
        let setup_now = shared.setup_changes.load(Ordering::Acquire);
        let taken = shared.pictures.take(PATIENCE);
        let (picture, is_new) = match (taken, &last) {
            (Taken::Value(picture), _) => (picture, true),
            (Taken::Nothing, Some(picture)) if setup_now != setup_seen => {
                (Arc::clone(picture), false)
            }
            (Taken::Nothing, _) => return ControlFlow::Continue(()),
            (Taken::Closed, _) => return ControlFlow::Break(()),
        };
        setup_seen = setup_now;
        let (pump, needle, way, since_now, is_still, standing) = {
            let board = shared.board();
            let pump = Arc::clone(&board.pump);
            let standing = moment_of(board.liveness, board.source.origin);
            (
                pump,
                board.needle,
                (board.refill.way_in_force(), board.refill.is_vetoed()),
                board.since,
                board.source.is_still,
                standing,
            )
        };
        if picture.image.frame < since_now {
            last = None;
            return ControlFlow::Continue(());
        }
        let mut anew = std::mem::take(&mut is_first).then(|| sight(is_first_still));
        if std::mem::replace(&mut since, since_now) != since_now {
            anew = Some(sight(is_still));
            // Nothing learnt from an older stream holds: the detector begins anew.
            reader.forget_planes();
            if reader.take_planes_lost() {
                shared.desk(Job::Event(Event::PlanesLost));
            }
            reader = Reader::new(is_still);
            meter = HealthMeter::default();
        }
        let mut note = ReadNote {
            frame: picture.image.frame,
            is_new,
            anew,
            standing,
            pump: pump.id.clone(),
            needle: needle.map(|needle| needle.to_string()),
            way: way.0,
            vetoed: way.1,
            planes: Vec::new(),
        };
        reader.choose(pump, needle);
        reader.choose_way(way.0, way.1);
        let begun = shared.clock.now();
        let advice = if is_new {
            reader.read(&picture.image, Moment::Now)
        } else {
            reader.again(&picture.image, standing)
        };
        let advice = if hear_of_planes(&mut reader, &shared, &mut note.planes) {
            let moment = if is_new { Moment::Now } else { standing };
            reader.again(&picture.image, moment)
        } else {
            advice
        };
        let ended = shared.clock.now();
        let advice = Arc::new(advice);
        for event in transitions.of(&advice) {
            shared.desk(Job::Event(event));
        }
        if is_new {
            meter.note(picture.image.frame, ended);
            meter.set_skipped(shared.pictures.replaced());
            watch.note(ended.since(begun));
            let mut board = shared.board();
            board.stations.read = meter.health();
            board.stations.read_times = watch.times();
        }
        if is_new {
            shared.publisher.publish(&picture, &advice);
        }
        if let Some(scribe) = &mut scribe {
            let at = picture.image.captured_at;
            shared.keep_note(Channel::Reads, at, &note);
            shared.keep_text(Channel::Advice, at, scribe(&picture, &advice));
        }
        if let Some(hear) = &mut on_advice {
            hear(&picture, &advice);
        }
        last = Some(picture);
        shared.publish(advice);
        ControlFlow::Continue(())
    })
}

fn sight(is_still: bool) -> Sight {
    if is_still {
        Sight::Still
    } else {
        Sight::Sequence
    }
}

/// Takes what the operator said of planes; returns whether it changes what is advised.
fn hear_of_planes(reader: &mut Reader, shared: &Shared, words: &mut Vec<PlaneWord>) -> bool {
    while let Taken::Value(request) = shared.plane_requests.take(Duration::ZERO) {
        match request {
            PlaneRequest::Confirm => {
                words.push(PlaneWord::Confirm);
                let event = match reader.confirm_plane() {
                    Ok(planes) => Event::plane_confirmed(&planes),
                    Err(reason) => Some(Event::PlaneRefused { reason }),
                };
                if let Some(event) = event {
                    shared.desk(Job::Event(event));
                }
            }
            PlaneRequest::Forget => {
                words.push(PlaneWord::Forget);
                reader.forget_planes();
            }
        }
    }
    if reader.take_planes_lost() {
        shared.desk(Job::Event(Event::PlanesLost));
    }
    !words.is_empty()
}
