//! Frames out of a stream without headers: 241 lines of 1024 bytes, of which the first is the frame counter, 0 to 15.
//!
//! The column of counters is the only mark there is. Lines lost in the probe's FIFO make a run of equal counters short;
//! a slip inside a line puts samples where counters should be. So a run is a frame only if
//! - it has exactly 241 lines, and was entered by a counter going up by one,
//! - it is followed by the next counter for [`LOOK_AHEAD`] lines (2 ms at 15 frames/s), and
//! - no other column of those lines could be the counters. Else the frame waits until the next one is proven too: a
//!   slip cannot do that twice.
//!
//! What cannot be told without a frame's delay: whole multiples of 1024 bytes lost from the middle of a frame's very
//! last line on. That line is then made of two; the frame after it is found short and is thrown away.
//! What cannot be told at all: samples changed in place, and 16 frames lost to the byte.
use crate::clock::Timestamp;
use crate::stream::WireCounts;

/// Bytes of a line: the counter and 1023 samples.
pub(in crate::probe) const LINE_BYTES: usize = 1024;
/// Lines of a frame.
pub(in crate::probe) const LINES: usize = 241;
/// Bytes of a frame.
pub(super) const FRAME_BYTES: usize = LINES * LINE_BYTES;
const LAST_COUNTER: u8 = 15;
/// Lines of the next frame that are looked at before a frame is handed on.
const LOOK_AHEAD: usize = 8;
/// Lines in which a lost place is looked for: more than a frame, so that the counter changes at least once.
const SEARCH_LINES: usize = LINES + 16;
/// Lines after which a search with several answers is given up: three frames tell any two columns apart.
const SEARCH_LINES_MOST: usize = 3 * LINES;
/// Lines by which a search moves on when it found nothing.
const SEARCH_STRIDE: usize = 32;
/// Bytes taken in one go; with two frames and a search kept, memory stays under 1 MiB.
const BITE: usize = 32 * 1024;

/// One whole frame, for as long as it takes to copy it.
#[derive(Clone, Copy, Debug)]
pub struct RawFrame<'a> {
    /// Its counter on the wire.
    pub counter: u8,
    /// Frames since the one before it, itself counted: 1 when none was lost.
    pub step: u64,
    /// When its last line had come.
    pub at: Timestamp,
    /// 241 lines of 1024 bytes; the first byte of each is the counter.
    pub lines: &'a [u8],
}

/// Lines in a row with the same counter.
#[derive(Clone, Copy, Debug)]
struct Run {
    counter: u8,
    lines: usize,
    /// Found by a search, or the first of a stream: it may have begun before we looked.
    is_first: bool,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Nothing is known of what is in the buffer.
    Lost,
    /// The buffer holds the lines of `done`, if any, then those of `run`, then what was not looked at yet.
    Found { done: Option<Run>, run: Option<Run> },
}

/// Finds frames in the stream. Never fails: what is damaged is counted and skipped.
#[derive(Debug)]
pub struct LineDecoder {
    buffer: Vec<u8>,
    place: Place,
    /// Runs in a row that were no frames.
    bad_runs: u32,
    last_counter: Option<u8>,
    damaged_since_last: u64,
    counts: WireCounts,
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl LineDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self {
            buffer: Vec::with_capacity((SEARCH_LINES_MOST + 1) * LINE_BYTES + BITE),
            place: Place::Lost,
            bad_runs: 0,
            last_counter: None,
            damaged_since_last: 0,
            counts: WireCounts::default(),
        }
    }

    /// Forgets half a frame and the place in the stream; counts go on.
    pub fn restart(&mut self) {
        self.counts.skipped_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        self.place = Place::Lost;
        self.bad_runs = 0;
        self.last_counter = None;
        self.damaged_since_last = 0;
    }

    /// What passed so far.
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// Takes bytes that came at `at` and gives every frame that is whole to `sink`.
    pub fn take(&mut self, bytes: &[u8], at: Timestamp, sink: &mut dyn FnMut(RawFrame<'_>)) {
        for bite in bytes.chunks(BITE) {
            self.buffer.extend_from_slice(bite);
            while self.advance(at, sink) {}
        }
    }

    /// One step through the buffer; false when it needs more bytes.
    fn advance(&mut self, at: Timestamp, sink: &mut dyn FnMut(RawFrame<'_>)) -> bool {
        let (done, run) = match self.place {
            Place::Lost => return self.search(),
            Place::Found { done, run } => (done, run),
        };
        let seen = done.map_or(0, |d| d.lines) + run.map_or(0, |r| r.lines);
        let start = seen * LINE_BYTES;
        if self.buffer.len() < start + LINE_BYTES {
            return false;
        }
        let counter = self.buffer.get(start).copied().unwrap_or(u8::MAX);
        match run {
            _ if counter > LAST_COUNTER => self.lose_place(done, run),
            None => self.begin_run(done, counter, true, at),
            Some(run) if counter == run.counter => self.lengthen(done, run, at, sink),
            Some(run) if counter == next(run.counter) => {
                self.end_run(done, run, sink);
                if let Place::Found { done, .. } = self.place {
                    self.begin_run(done, counter, false, at);
                }
            }
            Some(run) => self.lose_place(done, Some(run)),
        }
        true
    }

    fn begin_run(&mut self, done: Option<Run>, counter: u8, is_first: bool, at: Timestamp) {
        let run = Run {
            counter,
            lines: 1,
            is_first,
            at,
        };
        self.place = Place::Found {
            done,
            run: Some(run),
        };
    }

    fn lengthen(
        &mut self,
        mut done: Option<Run>,
        mut run: Run,
        at: Timestamp,
        sink: &mut dyn FnMut(RawFrame<'_>),
    ) {
        run.lines += 1;
        run.at = at;
        if run.lines > LINES {
            self.lose_place(done, Some(run));
            return;
        }
        if run.lines == LOOK_AHEAD
            && let Some(frame) = done
            && self.is_only_column(frame)
        {
            self.hand_on(frame, sink);
            done = None;
        }
        self.place = Place::Found {
            done,
            run: Some(run),
        };
    }

    /// The counter went up by one after `run`: it is a frame, or it is not.
    fn end_run(&mut self, done: Option<Run>, run: Run, sink: &mut dyn FnMut(RawFrame<'_>)) {
        if run.lines == LINES && !run.is_first {
            if let Some(frame) = done {
                // It could not be told from a slip before; two whole frames in a row can.
                self.hand_on(frame, sink);
            }
            self.bad_runs = 0;
            self.place = Place::Found {
                done: Some(run),
                run: None,
            };
            return;
        }
        if run.is_first {
            self.drop_lines(run.lines);
            self.place = Place::Found {
                done: None,
                run: None,
            };
            return;
        }
        self.counts.resyncs += 1;
        self.throw_away(done);
        self.throw_away(Some(run));
        self.bad_runs += 1;
        self.place = if self.bad_runs > 1 {
            Place::Lost
        } else {
            Place::Found {
                done: None,
                run: None,
            }
        };
    }

    /// What stands where counters should be is none. A frame waiting for proof cannot be proven any more.
    fn lose_place(&mut self, done: Option<Run>, run: Option<Run>) {
        self.counts.resyncs += 1;
        self.throw_away(done);
        if run.is_some_and(|r| !r.is_first) {
            self.note_damage();
        }
        // The slip may lie anywhere in the run: only its first line is given up unseen.
        self.drop_lines(1);
        self.place = Place::Lost;
    }

    fn throw_away(&mut self, run: Option<Run>) {
        if let Some(run) = run {
            self.note_damage();
            self.drop_lines(run.lines);
        }
    }

    fn note_damage(&mut self) {
        self.counts.damaged_frames += 1;
        self.damaged_since_last += 1;
    }

    fn drop_lines(&mut self, lines: usize) {
        self.drop_bytes(lines * LINE_BYTES);
    }

    fn drop_bytes(&mut self, bytes: usize) {
        let bytes = bytes.min(self.buffer.len());
        self.buffer.drain(..bytes);
        self.counts.skipped_bytes += bytes as u64;
    }

    /// Whether no column but the first could hold the counters of the lines after `frame`.
    fn is_only_column(&self, frame: Run) -> bool {
        let ahead = self
            .buffer
            .get(FRAME_BYTES..FRAME_BYTES + LOOK_AHEAD * LINE_BYTES);
        let Some(ahead) = ahead else { return false };
        let follows = next(frame.counter);
        let possible = [frame.counter, follows, next(follows)];
        let could_count = |column: usize| {
            let mut values = ahead.iter().skip(column).step_by(LINE_BYTES);
            values.all(|v| possible.contains(v))
        };
        !(1..LINE_BYTES).any(could_count)
    }

    fn hand_on(&mut self, frame: Run, sink: &mut dyn FnMut(RawFrame<'_>)) {
        let step = match self.last_counter {
            None => 1,
            // A full turn without a frame between cannot be told from more of them.
            Some(last) if last == frame.counter => u64::from(LAST_COUNTER) + 1,
            Some(last) => u64::from((frame.counter + LAST_COUNTER + 1 - last) % (LAST_COUNTER + 1)),
        };
        self.counts.lost_frames += (step - 1).saturating_sub(self.damaged_since_last);
        self.damaged_since_last = 0;
        self.last_counter = Some(frame.counter);
        if let Some(lines) = self.buffer.get(..FRAME_BYTES) {
            self.counts.frames += 1;
            sink(RawFrame {
                counter: frame.counter,
                step,
                at: frame.at,
                lines,
            });
        }
        self.buffer.drain(..FRAME_BYTES.min(self.buffer.len()));
    }

    /// Looks for the only column that counts as frame counters do.
    fn search(&mut self) -> bool {
        // One line more, so that every column has as many lines.
        if self.buffer.len() < (SEARCH_LINES + 1) * LINE_BYTES {
            return false;
        }
        let mut columns = (0..LINE_BYTES).filter(|column| self.counts_as_frames_do(*column));
        let (first, second) = (columns.next(), columns.next());
        match (first, second) {
            (Some(column), None) => {
                self.drop_bytes(column);
                self.bad_runs = 0;
                self.place = Place::Found {
                    done: None,
                    run: None,
                };
                true
            }
            // More lines will tell them apart.
            (Some(_), Some(_)) if self.buffer.len() < SEARCH_LINES_MOST * LINE_BYTES => false,
            _ => {
                self.drop_lines(SEARCH_STRIDE);
                true
            }
        }
    }

    /// Whether `column` holds runs of at most 241 equal values, each one more than the one before it, and at least two.
    fn counts_as_frames_do(&self, column: usize) -> bool {
        let mut values = self.buffer.iter().skip(column).step_by(LINE_BYTES);
        let Some(mut last) = values.next().copied().filter(|v| *v <= LAST_COUNTER) else {
            return false;
        };
        let most_changes = self.buffer.len() / FRAME_BYTES + 2;
        let (mut lines, mut changes) = (1, 0);
        for value in values {
            if *value == last {
                lines += 1;
            } else if *value == next(last) {
                (last, lines) = (*value, 1);
                changes += 1;
            } else {
                return false;
            }
            if lines > LINES || changes > most_changes {
                return false;
            }
        }
        changes > 0
    }
}

fn next(counter: u8) -> u8 {
    (counter + 1) % (LAST_COUNTER + 1)
}
