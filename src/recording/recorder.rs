//! The recording end of a session: a queue that refuses and counts, and the worker that writes what is in it.
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::disk::Disk;
use super::{Note, RecordingProblem, RecordingWriter};
use crate::clock::{Clock, Timestamp};
use crate::frame::Frame;
use crate::notice::{Notice, Severity};
use crate::stream::{Queue, Taken};
use crate::words::{say, say_with};

/// Frames waiting to be written: two seconds of a fast probe, 25 MB of 192 x 512 samples. More are refused and
/// counted; a disk that stands still for longer loses frames, and never holds up the picture.
const FRAMES_WAITING: usize = 128;
/// Notes waiting to be written: three of them come with a frame.
const NOTES_WAITING: usize = 4096;
/// What was written is synced this often: a power cut costs no more than this.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// With less room than this, MB, a recording ends in good order: the rest is the journal's (H25).
const RESERVE_MB: u64 = 300;

/// Whether frames are being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Nothing is recorded.
    #[default]
    Off,
    /// Frames are being recorded.
    Running,
    /// It ended early: the disk has no room to spare, or failed.
    Stopped,
}

/// What was recorded so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct RecordingCounts {
    /// Whether frames are being recorded.
    pub state: RecordingState,
    /// Frames that are whole in the file; a kill cannot take them back.
    pub stored: u64,
    /// Frames that came and are not in the file.
    pub lost: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Time spent writing, ms.
    pub busy_ms: u64,
}

#[derive(Debug, Default)]
struct Counters {
    state: AtomicU8,
    stored: AtomicU64,
    lost: AtomicU64,
    /// Refused since the last frame that was taken.
    refused: AtomicU64,
    bytes: AtomicU64,
    busy_ns: AtomicU64,
}

struct Taking {
    frame: Arc<Frame>,
    refused: u64,
}

/// The end that frames and notes are put into; clones share it.
#[derive(Clone)]
pub struct Tape {
    frames: Queue<Taking>,
    notes: Queue<Note>,
    counters: Arc<Counters>,
    told: Arc<Mutex<Option<Notice>>>,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            frames: Queue::new(FRAMES_WAITING),
            notes: Queue::new(NOTES_WAITING),
            counters: Arc::default(),
            told: Arc::default(),
        }
    }
}

impl Tape {
    /// Offers a frame; never waits. Returns whether it was taken; one that was not is counted.
    pub fn offer(&self, frame: &Arc<Frame>) -> bool {
        let is_running = self.state() == RecordingState::Running;
        let refused = self.counters.refused.swap(0, Ordering::AcqRel);
        let taking = Taking {
            frame: Arc::clone(frame),
            refused,
        };
        if is_running && self.frames.put(taking).is_ok() {
            return true;
        }
        self.counters
            .refused
            .fetch_add(refused + 1, Ordering::AcqRel);
        self.counters.lost.fetch_add(1, Ordering::AcqRel);
        false
    }

    /// Keeps a note; never waits. Returns whether it was taken.
    pub fn note(&self, note: Note) -> bool {
        self.state() == RecordingState::Running && self.notes.put(note).is_ok()
    }

    /// What was recorded so far.
    pub fn counts(&self) -> RecordingCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        RecordingCounts {
            state: self.state(),
            stored: read(&self.counters.stored),
            lost: read(&self.counters.lost),
            bytes: read(&self.counters.bytes),
            busy_ms: read(&self.counters.busy_ns) / 1_000_000,
        }
    }

    /// What the user has to know and was not told yet.
    pub fn take_notice(&self) -> Option<Notice> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn state(&self) -> RecordingState {
        match self.counters.state.load(Ordering::Acquire) {
            1 => RecordingState::Running,
            2 => RecordingState::Stopped,
            _ => RecordingState::Off,
        }
    }

    fn set_state(&self, state: RecordingState) {
        let number = match state {
            RecordingState::Off => 0,
            RecordingState::Running => 1,
            RecordingState::Stopped => 2,
        };
        self.counters.state.store(number, Ordering::Release);
    }

    fn tell(&self, notice: Notice) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice);
    }
}

/// What a recorder works with.
pub struct RecorderOptions {
    /// Times syncs, and what writing costs.
    pub clock: Arc<dyn Clock>,
    /// Where the bytes go.
    pub disk: Arc<dyn Disk>,
    /// What is told of the recording: source, time, program.
    pub about: Vec<(&'static str, String)>,
}

/// Writes what is on the tape. Dropped, it writes the rest and ends the file in good order.
pub struct Recorder {
    tape: Tape,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    writer: Option<RecordingWriter>,
    synced: Timestamp,
}

impl Recorder {
    /// Begins the file, and with it the recording.
    pub fn begin(tape: Tape, options: RecorderOptions) -> Result<Self, RecordingProblem> {
        let mut writer = RecordingWriter::begin(Arc::clone(&options.disk), &options.about)?;
        writer.sync()?;
        tape.set_state(RecordingState::Running);
        Ok(Self {
            tape,
            synced: options.clock.now(),
            clock: options.clock,
            disk: options.disk,
            writer: Some(writer),
        })
    }

    /// Writes the next frame, if one comes in time, and syncs when that is due.
    pub fn step(&mut self, patience: Duration) -> ControlFlow<()> {
        match self.tape.frames.take(patience) {
            Taken::Value(taking) => self.write(&taking),
            Taken::Nothing => {}
            Taken::Closed => return ControlFlow::Break(()),
        }
        if self.clock.now().since(self.synced) >= SYNC_EVERY {
            self.sync();
        }
        ControlFlow::Continue(())
    }

    fn write(&mut self, taking: &Taking) {
        self.take_notes();
        let Some(writer) = &mut self.writer else {
            self.count_lost(1);
            return;
        };
        let begun = self.clock.now();
        let written = writer.frame(&taking.frame, taking.refused);
        let busy = self.clock.now().since(begun);
        let counters = &self.tape.counters;
        counters.busy_ns.fetch_add(
            u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX),
            Ordering::AcqRel,
        );
        counters.stored.store(writer.frames(), Ordering::Release);
        counters.bytes.store(writer.bytes(), Ordering::Release);
        if let Err(problem) = written {
            self.count_lost(1);
            self.note_problem(&problem);
        }
    }

    fn take_notes(&mut self) {
        while let Taken::Value(note) = self.tape.notes.take(Duration::ZERO) {
            if let Some(writer) = &mut self.writer {
                writer.note(note);
            }
        }
    }

    fn sync(&mut self) {
        self.take_notes();
        self.synced = self.clock.now();
        let Some(writer) = &mut self.writer else {
            return;
        };
        let synced = writer.flush_notes().and_then(|()| writer.sync());
        self.tape
            .counters
            .bytes
            .store(writer.bytes(), Ordering::Release);
        if let Err(problem) = synced {
            self.note_problem(&problem);
            return;
        }
        if let Some(free) = self.disk.free_mb().filter(|free| *free < RESERVE_MB) {
            self.tape.set_state(RecordingState::Stopped);
            self.end();
            let free = free.to_string();
            self.tape.tell(Notice {
                severity: Severity::Error,
                text: say_with("recording-no-room", &[("free", &free)]),
                hint: Some(say("recording-no-room-hint")),
            });
        }
    }

    fn note_problem(&mut self, problem: &RecordingProblem) {
        let is_over = matches!(problem, RecordingProblem::Stopped { .. });
        if is_over {
            self.tape.set_state(RecordingState::Stopped);
            self.writer = None;
        }
        self.tape.tell(Notice::of(problem));
    }

    fn count_lost(&self, count: u64) {
        self.tape.counters.lost.fetch_add(count, Ordering::AcqRel);
    }

    /// Ends the file; frames that wait are written first.
    fn end(&mut self) {
        while let Taken::Value(taking) = self.tape.frames.take(Duration::ZERO) {
            self.write(&taking);
        }
        self.take_notes();
        let refused = self.tape.counters.refused.load(Ordering::Acquire);
        if let Some(Err(problem)) = self.writer.take().map(|writer| writer.finish(refused)) {
            self.note_problem(&problem);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let was_running = self.tape.state() == RecordingState::Running;
        self.end();
        if was_running && self.tape.state() == RecordingState::Running {
            self.tape.set_state(RecordingState::Off);
        }
    }
}
