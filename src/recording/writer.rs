//! Frames and notes into the container: one frame a chunk, whole on the disk before it counts.
use std::collections::BTreeMap;
use std::io::BufWriter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mcap::records::{MessageHeader, Metadata};
use mcap::write::NoSeek;
use mcap::{Compression, McapError, WriteOptions, Writer};

use super::chunk::{Chunk, Note};
use super::disk::{Appending, CLOSED, Disk};
use super::form::{FrameHead, lay_out};
use super::{Channel, ENDING, HEADING, RecordingProblem, VERSION};
use crate::clock::Timestamp;
use crate::frame::{Frame, FrameId};

/// Packing: the fastest level of zstd; a frame of 192 x 512 samples takes well under a millisecond.
const LEVEL: u32 = 1;
/// A frame is handed to the system in pieces of this size, bytes: most frames are one piece.
const PIECE: usize = 1 << 18;

/// Writes one recording. Dropped without [`Self::finish`], it leaves a file that opens without an index.
pub struct RecordingWriter {
    container: Writer<NoSeek<BufWriter<Appending>>>,
    disk: Arc<dyn Disk>,
    taken: Arc<AtomicU64>,
    /// Bytes that are whole chunks.
    whole: u64,
    frames: u64,
    lost_by_source: u64,
    lost_by_recording: u64,
    notes: Vec<Note>,
    last: Option<(FrameId, Timestamp)>,
    sequences: BTreeMap<u16, u32>,
    bytes: Vec<u8>,
    is_stopped: bool,
}

impl RecordingWriter {
    /// Begins a recording; `about` is what is told of it (source, time, program).
    pub fn begin(disk: Arc<dyn Disk>, about: &[(&str, String)]) -> Result<Self, RecordingProblem> {
        let (end, taken) = Appending::new(Arc::clone(&disk));
        let container = container(end, about).map_err(|cause| {
            taken.store(CLOSED, Ordering::Release);
            RecordingProblem::Stopped { frames: 0, cause }
        })?;
        let whole = taken.load(Ordering::Acquire);
        Ok(Self {
            container,
            disk,
            taken,
            whole,
            frames: 0,
            lost_by_source: 0,
            lost_by_recording: 0,
            notes: Vec::new(),
            last: None,
            sequences: BTreeMap::new(),
            bytes: Vec::new(),
            is_stopped: false,
        })
    }

    /// Frames that are whole in the file.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes that are whole in the file.
    pub fn bytes(&self) -> u64 {
        self.whole
    }

    /// Keeps a note for the next chunk.
    pub fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Writes a frame and the notes before it as one chunk; when it returns, a kill of the program cannot take them
    /// back. `refused` frames before it could not be taken. After a failure nothing more can be written.
    pub fn frame(&mut self, frame: &Frame, refused: u64) -> Result<(), RecordingProblem> {
        if self.is_stopped {
            return self.settle(Ok(()));
        }
        let head = FrameHead::of(frame);
        let words = head
            .to_json()
            .map_err(|cause| RecordingProblem::Unrecordable {
                id: frame.id.0,
                cause,
            });
        let words = match words {
            Ok(words) => words,
            Err(problem) => {
                self.lost_by_recording += 1;
                return Err(problem);
            }
        };
        self.note_gaps(frame, refused);
        self.last = Some((frame.id, frame.captured_at));
        let mut bytes = std::mem::take(&mut self.bytes);
        lay_out(&frame.samples, &mut bytes);
        let at = frame.captured_at;
        let written = self
            .put(Channel::Frames, at, at, &words)
            .and_then(|()| self.put(Channel::Samples, at, at, &bytes))
            .and_then(|()| self.put_notes(at))
            .and_then(|()| self.container.flush());
        self.bytes = bytes;
        self.settle(written)?;
        self.frames += 1;
        Ok(())
    }

    /// Writes the notes that wait for a frame, in a chunk of their own.
    pub fn flush_notes(&mut self) -> Result<(), RecordingProblem> {
        if self.is_stopped {
            return self.settle(Ok(()));
        }
        let Some(first) = self.notes.first() else {
            return Ok(());
        };
        let at = self.last.map_or(first.at, |(_, last)| last);
        let written = self.put_notes(at).and_then(|()| self.container.flush());
        self.settle(written)
    }

    /// Writes a chunk of another recording as it was; frames missing before it count as lost by damage.
    pub(super) fn copy(&mut self, chunk: Chunk) -> Result<(), RecordingProblem> {
        if self.is_stopped {
            return self.settle(Ok(()));
        }
        let told: u64 = chunk.notes.iter().map(gap_told).sum();
        self.notes.extend(chunk.notes);
        let Some(head) = chunk.head else {
            return self.flush_notes();
        };
        let at = Timestamp::from_nanos(head.captured_ns);
        let expected = self.last.map(|(last, _)| last.0 + 1 + told);
        let missing = expected.map_or(0, |expected| head.id.saturating_sub(expected));
        if missing > 0 {
            self.lost_by_recording += missing;
            self.notes
                .push(gap_note(FrameId(head.id), missing, "damage", at));
        }
        self.last = Some((FrameId(head.id), at));
        let words = head
            .to_json()
            .map_err(|cause| RecordingProblem::Unrecordable { id: head.id, cause })?;
        let written = self
            .put(Channel::Frames, at, at, &words)
            .and_then(|()| self.put(Channel::Samples, at, at, &chunk.samples))
            .and_then(|()| self.put_notes(at))
            .and_then(|()| self.container.flush());
        self.settle(written)?;
        self.frames += 1;
        Ok(())
    }

    /// Waits until everything written so far would survive a power cut.
    pub fn sync(&mut self) -> Result<(), RecordingProblem> {
        let synced = self.disk.sync().map_err(McapError::from);
        self.settle(synced)
    }

    /// Ends the recording with its index. `lost` frames after the last one could not be taken.
    pub fn finish(mut self, lost: u64) -> Result<u64, RecordingProblem> {
        if self.is_stopped {
            return Ok(self.frames);
        }
        self.flush_notes()?;
        self.lost_by_recording += lost;
        let ending = Metadata {
            name: ENDING.to_owned(),
            metadata: BTreeMap::from([
                ("frames".to_owned(), self.frames.to_string()),
                ("lost_by_source".to_owned(), self.lost_by_source.to_string()),
                (
                    "lost_by_recording".to_owned(),
                    self.lost_by_recording.to_string(),
                ),
            ]),
        };
        let ended = self
            .container
            .write_metadata(&ending)
            .and_then(|()| self.container.finish().map(|_| ()));
        self.settle(ended)?;
        self.sync()?;
        Ok(self.frames)
    }

    /// Says in the file which frames before this one are missing, and who lost them.
    fn note_gaps(&mut self, frame: &Frame, refused: u64) {
        self.lost_by_recording += refused;
        let expected = self.last.map(|(last, _)| last.0 + 1 + refused);
        let by_source = expected.map_or(0, |expected| frame.id.0.saturating_sub(expected));
        self.lost_by_source += by_source;
        for (count, by) in [(by_source, "source"), (refused, "recording")] {
            if count > 0 {
                self.notes
                    .push(gap_note(frame.id, count, by, frame.captured_at));
            }
        }
    }

    fn put_notes(&mut self, written_at: Timestamp) -> Result<(), McapError> {
        for note in std::mem::take(&mut self.notes) {
            self.put(note.channel, written_at, note.at, note.text.as_bytes())?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        channel: Channel,
        written_at: Timestamp,
        at: Timestamp,
        data: &[u8],
    ) -> Result<(), McapError> {
        let sequence = self.sequences.entry(channel.id()).or_default();
        let header = MessageHeader {
            channel_id: channel.id(),
            sequence: *sequence,
            log_time: written_at.nanos(),
            publish_time: at.nanos(),
        };
        *sequence = sequence.wrapping_add(1);
        self.container.write_to_known_channel(&header, data)
    }

    /// What was written is whole, or it is cut off and nothing follows it.
    fn settle(&mut self, written: Result<(), McapError>) -> Result<(), RecordingProblem> {
        let cause = match written {
            Ok(()) if !self.is_stopped => {
                self.whole = self.taken.load(Ordering::Acquire);
                return Ok(());
            }
            Ok(()) => McapError::AttemptedWriteAfterFailure,
            Err(cause) => cause,
        };
        if !self.is_stopped {
            self.is_stopped = true;
            self.taken.store(CLOSED, Ordering::Release);
            // A file that cannot be cut is read all the same: a torn chunk at its end costs nothing but itself.
            self.disk.cut(self.whole).ok();
        }
        Err(RecordingProblem::Stopped {
            frames: self.frames,
            cause,
        })
    }
}

impl Drop for RecordingWriter {
    fn drop(&mut self) {
        // The container would write its end when it is dropped; a recording that was not finished has none.
        self.taken.store(CLOSED, Ordering::Release);
    }
}

fn gap_note(before: FrameId, count: u64, by: &str, at: Timestamp) -> Note {
    Note {
        channel: Channel::Gaps,
        at,
        text: serde_json::json!({"before": before, "count": count, "by": by}).to_string(),
    }
}

/// How many frames a note says are missing; 0 for other notes.
pub(super) fn gap_told(note: &Note) -> u64 {
    if note.channel != Channel::Gaps {
        return 0;
    }
    serde_json::from_str::<serde_json::Value>(&note.text)
        .ok()
        .and_then(|gap| gap.get("count")?.as_u64())
        .unwrap_or(0)
}

fn container(
    end: Appending,
    about: &[(&str, String)],
) -> Result<Writer<NoSeek<BufWriter<Appending>>>, McapError> {
    let mut container = WriteOptions::new()
        .profile("portsight")
        .library(concat!("portsight ", env!("CARGO_PKG_VERSION")))
        .compression(Some(Compression::Zstd))
        .compression_level(LEVEL)
        // No thread but our own, so that what it costs shows where it is spent.
        .compression_threads(0)
        .chunk_size(None)
        .disable_seeking(true)
        .create(NoSeek::new(BufWriter::with_capacity(PIECE, end)))?;
    let mut metadata: BTreeMap<String, String> = about
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    metadata.insert("version".to_owned(), VERSION.to_owned());
    container.write_metadata(&Metadata {
        name: HEADING.to_owned(),
        metadata,
    })?;
    for channel in Channel::ALL {
        container.add_channel_with_id(
            channel.id(),
            0,
            channel.topic(),
            channel.encoding(),
            &BTreeMap::new(),
        )?;
    }
    container.flush()?;
    Ok(container)
}
