//! What the workers of a session share: two mailboxes, two queues and one board, locked only for a swap.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::frame::{Frame, FrameId, ImagingSettings, Origin};
use crate::notice::Notice;
use crate::probe::Listing;
use crate::procedure::{Event, Refill};
use crate::pump::{Needle, PumpModel};
use crate::recording::Tape as Reel;
use crate::stream::{Newest, Queue, SourceFacts};

use super::publish::Publisher;
use super::recorder::Tape;
use super::stopwatch::Stopwatch;
use super::{Advice, Command, Liveness, Picture, ProbePose, Snapshot, SourceChoice, Stations};

/// How long a finished picture may wait for its own marks before it is shown without them. It bounds the wait, so
/// a slow detector delays a picture by this much at most; without it every frame would be painted twice, first
/// without marks, and the marks would flicker.
pub(super) const COALESCE: Duration = Duration::from_millis(12);
/// Commands waiting for the capture worker; a person cannot press keys faster than it drains them.
const CAPTURE_COMMANDS: usize = 256;
/// Jobs waiting for the desk worker; each costs one disk flush.
const DESK_JOBS: usize = 1024;
/// Notices kept for the screen.
const NOTICES_KEPT: usize = 20;

/// What the operator says of the planes in which the port was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaneRequest {
    /// The plane shown is to count.
    Confirm,
    /// None counts any more.
    Forget,
}

/// Presses waiting for the read worker; it takes them all with the next picture.
const PLANE_REQUESTS: usize = 16;

/// Work for the desk worker, the only one that writes files.
pub(super) enum Job {
    /// The first entry; the session file follows it.
    Begin(Event),
    Command(Command),
    Event(Event),
    /// The last files, and the entry that closes the journal.
    End {
        frames: u64,
        missing: u64,
    },
    Trouble(Notice),
}

/// The source of a session, as far as everyone may know it.
#[derive(Clone)]
pub(super) struct Source {
    pub origin: Origin,
    pub name: String,
    pub choice: Option<SourceChoice>,
    pub is_still: bool,
    pub facts: Option<Arc<SourceFacts>>,
}

/// Whether the source delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// As far as is known.
    On,
    /// It has come to its end.
    Finished,
    /// Its device is gone, and it tries to get it back.
    Lost,
    /// It is gone, and nothing tries to get it back.
    Gone,
}

/// The state behind [`super::Look`].
pub(super) struct Board {
    pub source: Arc<Source>,
    /// Frames before this one belong to an older source, or to the time before an outage: they are not shown, not
    /// read, and nothing learnt from them holds any more.
    pub since: FrameId,
    pub listing: Option<Arc<Listing>>,
    pub staged: Option<Arc<Picture>>,
    pub staged_is_out: bool,
    pub picture: Option<Arc<Picture>>,
    pub advice: Option<Arc<Advice>>,
    pub liveness: Liveness,
    pub last_captured: Option<Timestamp>,
    pub flow: Flow,
    pub stations: Stations,
    pub pose: Option<ProbePose>,
    pub settings: Arc<ImagingSettings>,
    pub pump: Arc<PumpModel>,
    pub needle: Option<Needle>,
    pub notices: Arc<Vec<Notice>>,
    pub snapshots: Arc<Vec<Snapshot>>,
    pub journal_path: Option<String>,
    /// Entries of the journal that are on the disk.
    pub journalled: u64,
    pub refill: Arc<Refill>,
    pub shown_watch: Stopwatch,
}

/// Called when there is something new to show.
pub(super) type Waker = Arc<dyn Fn() + Send + Sync>;

/// Everything the workers share.
pub(super) struct Shared {
    pub clock: Arc<dyn Clock>,
    pub pumps: Arc<Vec<PumpModel>>,
    pub frames: Newest<Arc<Frame>>,
    pub pictures: Newest<Arc<Picture>>,
    pub to_capture: Queue<Command>,
    pub to_desk: Queue<Job>,
    pub publisher: Publisher,
    /// Where pictures go that are to be recorded; `None` records nothing.
    pub tape: Option<Tape>,
    /// Where every captured frame goes; `None` keeps none.
    pub reel: Option<Reel>,
    pub frozen: AtomicBool,
    /// Counts changes of pump and needle, so that the reader advises again on the picture it has.
    pub setup_changes: AtomicU64,
    /// What the operator said of planes, for the read worker.
    pub plane_requests: Queue<PlaneRequest>,
    board: Mutex<Board>,
    advised: Condvar,
    waker: Mutex<Option<Waker>>,
}

/// What a session starts with.
pub(super) struct Beginning {
    pub clock: Arc<dyn Clock>,
    pub source: Source,
    pub publisher: Publisher,
    pub tape: Option<Tape>,
    pub reel: Option<Reel>,
    pub pumps: Arc<Vec<PumpModel>>,
    pub pump: Arc<PumpModel>,
    pub needle: Option<Needle>,
    pub settings: Arc<ImagingSettings>,
    pub journal_path: Option<String>,
}

impl Shared {
    pub(super) fn new(with: Beginning) -> Self {
        Self {
            clock: with.clock,
            pumps: with.pumps,
            frames: Newest::default(),
            pictures: Newest::default(),
            to_capture: Queue::new(CAPTURE_COMMANDS),
            to_desk: Queue::new(DESK_JOBS),
            publisher: with.publisher,
            tape: with.tape,
            reel: with.reel,
            frozen: AtomicBool::new(false),
            setup_changes: AtomicU64::new(0),
            plane_requests: Queue::new(PLANE_REQUESTS),
            board: Mutex::new(Board {
                source: Arc::new(with.source),
                since: FrameId(0),
                listing: None,
                staged: None,
                staged_is_out: true,
                picture: None,
                advice: None,
                liveness: Liveness::Waiting,
                last_captured: None,
                flow: Flow::On,
                stations: Stations::default(),
                pose: None,
                settings: with.settings,
                pump: with.pump,
                needle: with.needle,
                notices: Arc::default(),
                snapshots: Arc::default(),
                journal_path: with.journal_path,
                journalled: 0,
                refill: Arc::default(),
                shown_watch: Stopwatch::default(),
            }),
            advised: Condvar::new(),
            waker: Mutex::new(None),
        }
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_waker(&self, waker: Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    pub(super) fn wake(&self) {
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(waker) = waker {
            waker();
        }
    }

    /// Asks the desk for something; a full desk is told on the screen, because then the journal has a hole.
    pub(super) fn desk(&self, job: Job) {
        if self.to_desk.put(job).is_err() {
            let refused = self.to_desk.counts().refused;
            self.add_notice(Notice {
                severity: crate::notice::Severity::Error,
                text: format!("the journal cannot keep up: {refused} entries are missing from it"),
                hint: Some("Check the disk; stop other programs that write to it.".to_owned()),
            });
        }
    }

    /// Tells the user, and the journal.
    pub(super) fn tell_trouble(&self, notice: Notice) {
        self.desk(Job::Trouble(notice.clone()));
        self.add_notice(notice);
    }

    /// Tells the user, once a text.
    pub(super) fn add_notice(&self, notice: Notice) {
        let mut board = self.board();
        let mut notices = board.notices.as_ref().clone();
        notices.retain(|n| n.text != notice.text);
        notices.push(notice);
        let surplus = notices.len().saturating_sub(NOTICES_KEPT);
        notices.drain(..surplus);
        board.notices = Arc::new(notices);
        drop(board);
        self.wake();
    }

    /// Tells the user something that stays true, without waking the screen again and again.
    pub(super) fn tell_once(&self, notice: Notice) {
        let known = self.board().notices.iter().any(|n| n.text == notice.text);
        if !known {
            self.add_notice(notice);
        }
    }

    /// A stream begins with frame `first`: what is known of older frames no longer holds.
    pub(super) fn begin_stream(&self, first: FrameId) {
        let mut board = self.board();
        board.since = first;
        board.advice = None;
    }

    /// Another source takes over from frame `first` on; nothing of the old one stays on the screen.
    pub(super) fn change_source(
        &self,
        source: Source,
        first: FrameId,
        settings: Arc<ImagingSettings>,
    ) {
        let mut board = self.board();
        board.source = Arc::new(source);
        board.since = first;
        board.staged = None;
        board.staged_is_out = true;
        board.picture = None;
        board.advice = None;
        board.last_captured = None;
        board.liveness = Liveness::Waiting;
        board.flow = Flow::On;
        board.pose = None;
        board.settings = settings;
        board.stations = Stations::default();
        drop(board);
        self.wake();
    }

    /// Puts a finished picture up, with its marks if they come in time. See [`COALESCE`].
    pub(super) fn stage(&self, picture: Arc<Picture>) {
        let mut board = self.board();
        if picture.image.frame < board.since {
            return;
        }
        board.staged = Some(picture);
        board.staged_is_out = false;
        let (mut board, _) = self
            .advised
            .wait_timeout_while(board, COALESCE, |b| !b.staged_is_out)
            .unwrap_or_else(PoisonError::into_inner);
        if !board.staged_is_out {
            board.staged_is_out = true;
            board.picture = board.staged.as_ref().map(Arc::clone);
        }
        drop(board);
        self.wake();
    }

    /// Puts advice up; with it the picture it was read from, if that still waits.
    pub(super) fn publish(&self, advice: Arc<Advice>) {
        let frame = advice.finding.frame;
        let mut board = self.board();
        if frame < board.since {
            return;
        }
        let staged_frame = board.staged.as_ref().map(|p| p.image.frame);
        let is_waiting = !board.staged_is_out && staged_frame == Some(frame);
        board.advice = Some(advice);
        if is_waiting {
            board.picture = board.staged.as_ref().map(Arc::clone);
            board.staged_is_out = true;
            drop(board);
            // The form worker wakes the screen when it goes on.
            self.advised.notify_all();
        } else {
            drop(board);
            self.wake();
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }
}
