//! A session for training: the same engine over random virtual patients, without folder, journal or refill.
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::frame::FrameId;
use crate::notice::Notice;
use crate::pump::{self, Needle, PumpModel};
use crate::simulate::{PortFamily, Preset, Scenario, Truth, TruthLog};
use crate::space::{Millimeters, ScanPoint};
use crate::stream::{Queue, Taken, Worker};
use crate::training::{
    Aid, Answer, Course, HistoryFile, Reveal, Score, TrainingAction, TrainingLook,
};
use crate::words::{say, say_with};

use super::{
    Command, Engine, Liveness, Look, Nudge, Picture, Session, SessionOptions, SourceChoice,
    VirtualFeed,
};

/// Answers waiting for the history worker; a trainee gives one in some seconds.
const ANSWERS: usize = 64;
/// How long the history worker waits for an answer before it looks whether it was told to stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// The needle on the tray.
const NEEDLE: Needle = Needle {
    gauge: 22,
    length: Millimeters(51.0),
};

/// What training is started with.
pub struct TrainingOptions {
    /// The clock everything runs by.
    pub clock: Arc<dyn Clock>,
    /// Seed of the first patient; the next ones follow it.
    pub seed: u64,
    /// Whether the detector's marks are shown at first.
    pub aid: Aid,
    /// Where the history is kept; `None` keeps none.
    pub history: Option<PathBuf>,
}

/// The patient on the couch.
struct Couch {
    /// The seed to open next.
    seed: u64,
    /// The truth of the patient that was opened last.
    truth: Option<Arc<TruthLog>>,
}

/// What the screen asks for, what is known, and what was said.
struct State {
    course: Course,
    history: Arc<Vec<Score>>,
    reveal: Option<Reveal>,
    note: Option<String>,
}

/// The session.
pub struct TrainingSession {
    engine: Engine,
    clock: Arc<dyn Clock>,
    couch: Arc<Mutex<Couch>>,
    state: Arc<Mutex<State>>,
    answers: Queue<(Score, String)>,
    file: Option<HistoryFile>,
    keeper: Option<Worker>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TrainingSession {
    /// Starts with the first patient.
    pub fn start(options: TrainingOptions) -> anyhow::Result<Self> {
        let TrainingOptions {
            clock,
            seed,
            aid,
            history,
        } = options;
        let couch = Arc::new(Mutex::new(Couch { seed, truth: None }));
        let first = open(&couch, &clock);
        let connector = {
            let (couch, clock) = (Arc::clone(&couch), Arc::clone(&clock));
            move |_: &SourceChoice| -> Result<Box<dyn super::Feed>, Notice> {
                Ok(Box::new(open(&couch, &clock)))
            }
        };
        let engine = Engine::start(
            Box::new(first),
            SessionOptions {
                connector: Some(Box::new(connector)),
                ..SessionOptions::new(Arc::clone(&clock), Arc::new(model(seed)), Some(NEEDLE))
            },
        )?;
        let state = Arc::new(Mutex::new(State {
            course: Course::new(seed, aid),
            history: Arc::default(),
            reveal: None,
            note: None,
        }));
        let answers = Queue::new(ANSWERS);
        let file = history.map(|path| HistoryFile::new(&path));
        let keeper = file
            .clone()
            .map(|file| start_keeper(file, answers.clone(), Arc::clone(&state)))
            .transpose()?;
        Ok(Self {
            engine,
            clock,
            couch,
            state,
            answers,
            file,
            keeper,
        })
    }

    /// The truth of a picture of the present patient, to judge by; `None` when it is not known (any more).
    fn truth(&self, picture: &Picture) -> Option<Arc<Truth>> {
        let couch = lock(&self.couch);
        let log = couch.truth.as_ref()?;
        // Frames of a session are numbered on over every change of source; seconds begin anew with each patient.
        let fps = Scenario::for_training(couch.seed).fps;
        let number = (picture.image.source_seconds? * fps).round().max(0.0);
        log.truth_of(FrameId(number as u64))
    }

    fn answer(&self, answer: &Answer) {
        let look = self.engine.look();
        let truth = look.picture.as_deref().and_then(|p| self.truth(p));
        let mut state = lock(&self.state);
        let Some(truth) = truth else {
            state.note = Some(say("training-too-late"));
            return;
        };
        state.note = None;
        let Some(score) = state.course.answer(answer, truth.place, look.now) else {
            return;
        };
        let history = Arc::make_mut(&mut state.history);
        history.push(score.clone());
        if self.file.is_some() && self.answers.put((score, self.clock.wall())).is_err() {
            state.note = Some(say("training-not-kept"));
        }
        drop(state);
        // The picture stands still, so that the truth can be looked at over it.
        self.engine.send(Command::Freeze);
    }

    fn go_on(&self) {
        let mut state = lock(&self.state);
        state.course.go_on();
        state.reveal = None;
        state.note = None;
        let seed = state.course.seed();
        drop(state);
        let mut couch = lock(&self.couch);
        couch.seed = seed;
        couch.truth = None;
        drop(couch);
        self.engine.send(Command::ChoosePump(model(seed).id));
        // Which virtual patient it is, the couch says.
        let choice = SourceChoice::Virtual(Preset::Easy);
        self.engine.send(Command::Connect(choice));
        self.engine.send(Command::Unfreeze);
    }

    /// The truth over the picture shown, once the patient was judged.
    fn reveal(&self, state: &mut State, picture: &Picture) {
        let frame = picture.image.frame;
        if state.course.scored().is_none() || state.reveal.is_some_and(|r| r.frame == frame) {
            return;
        }
        let Some(truth) = self.truth(picture) else {
            return;
        };
        let port = truth.place.map(|place| {
            let [along, across, deep] = place.middle_mm;
            (ScanPoint::new(along, deep), across)
        });
        state.reveal = Some(Reveal {
            frame,
            port,
            aim: state.course.aim(),
        });
    }
}

impl Session for TrainingSession {
    fn look(&self) -> Look {
        let look = self.engine.look();
        let mut state = lock(&self.state);
        if let Some(picture) = look.picture.as_deref()
            && look.liveness != Liveness::Waiting
        {
            state.course.note_picture(look.now);
            self.reveal(&mut state, picture);
        }
        look
    }

    fn send(&self, command: Command) {
        // Movements of the probe and how the picture looks; nothing of a refill, of other sources or of files.
        let is_taken = match &command {
            Command::Freeze
            | Command::Unfreeze
            | Command::SetImaging(_)
            | Command::FlipShown(_) => true,
            Command::Nudge(nudge) => !matches!(nudge, Nudge::Needle(_)),
            Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::GiveScale(_)
            | Command::SetPicture(_)
            | Command::SuggestCrop
            | Command::ChooseMode(_)
            | Command::SetFirmware(_)
            | Command::Connect(_)
            | Command::ConfirmPlane
            | Command::TakeSnapshot
            | Command::DeleteSnapshot(_)
            | Command::Restart
            | Command::Fault(_)
            | Command::AcknowledgeResearchNotice
            | Command::Refill(_) => false,
        };
        if is_taken {
            self.engine.send(command);
        }
    }

    fn set_waker(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.engine.set_waker(wake);
    }

    fn note_shown(&self, frame: FrameId, marks: Option<FrameId>) {
        self.engine.note_shown(frame, marks);
    }

    fn training(&self) -> Option<TrainingLook> {
        let now = self.clock.now();
        let state = lock(&self.state);
        let course = &state.course;
        Some(TrainingLook {
            seed: course.seed(),
            number: course.number(),
            aid: course.aid(),
            scored: course.scored().cloned(),
            reveal: state.reveal,
            history: Arc::clone(&state.history),
            seconds: course.seconds(now),
            note: state.note.clone(),
        })
    }

    fn train(&self, action: TrainingAction) {
        let is_scored = lock(&self.state).course.scored().is_some();
        match action {
            TrainingAction::Forward if is_scored => self.go_on(),
            TrainingAction::Forward => self.answer(&Answer::SkinMark),
            TrainingAction::Aim(at) => self.answer(&Answer::AimPoint(at)),
            TrainingAction::NoPort => self.answer(&Answer::NoPort),
            TrainingAction::ToggleAid => lock(&self.state).course.toggle_aid(),
        }
    }
}

impl Drop for TrainingSession {
    fn drop(&mut self) {
        // Answers that the worker had no time for are kept all the same.
        self.keeper = None;
        if let Some(file) = &self.file {
            while let Taken::Value((score, utc)) = self.answers.take(Duration::ZERO) {
                // There is no screen any more to tell.
                if file.append(&score, &utc).is_err() {
                    break;
                }
            }
        }
    }
}

/// Opens the patient that is next and lays its truth aside.
fn open(couch: &Mutex<Couch>, clock: &Arc<dyn Clock>) -> VirtualFeed {
    let seed = lock(couch).seed;
    let feed = VirtualFeed::live(Scenario::for_training(seed), Arc::clone(clock));
    lock(couch).truth = Some(feed.truth_log());
    feed
}

/// The model of a training patient's pump.
fn model(seed: u64) -> PumpModel {
    let is_raised = Scenario::for_training(seed)
        .pump
        .is_some_and(|pump| pump.family == PortFamily::Raised);
    let id = if is_raised {
        "medstream-20"
    } else {
        "synchromed2-20"
    };
    pump::find(id).map_or_else(|_| pump::generic(), Clone::clone)
}

/// Reads the history, then writes every answer; the only one that touches the file.
fn start_keeper(
    file: HistoryFile,
    answers: Queue<(Score, String)>,
    state: Arc<Mutex<State>>,
) -> std::io::Result<Worker> {
    let mut is_read = false;
    Worker::start("training history", move || {
        if !is_read {
            is_read = true;
            match file.load() {
                Ok(past) => {
                    let mut state = lock(&state);
                    let mut history = past.scores;
                    history.extend(state.history.iter().cloned());
                    state.history = Arc::new(history);
                    if past.passed_over > 0 {
                        let count = past.passed_over.to_string();
                        state.note = Some(say_with("training-passed-over", &[("count", &count)]));
                    }
                }
                Err(problem) => lock(&state).note = Some(Notice::of(&problem).line()),
            }
        }
        match answers.take(PATIENCE) {
            Taken::Value((score, utc)) => {
                if let Err(problem) = file.append(&score, &utc) {
                    lock(&state).note = Some(Notice::of(&problem).line());
                }
                ControlFlow::Continue(())
            }
            Taken::Nothing => ControlFlow::Continue(()),
            Taken::Closed => ControlFlow::Break(()),
        }
    })
}
