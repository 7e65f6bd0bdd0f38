//! Whether a recording is whole, and what can be kept of one that is not.
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use mcap::sans_io::linear_reader::{LinearReadEvent, LinearReader, LinearReaderOptions};

use super::disk::FileDisk;
use super::open::{Condition, Recording};
use super::writer::{RecordingWriter, gap_told};
use super::{LARGEST_CHUNK, RecordingProblem};
use crate::words::{say, say_with};

/// A file is read in pieces of this size, bytes.
const PIECE: usize = 1 << 20;

/// What was found in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RecordingVerdict {
    /// Frames that are whole: their checksum holds and they can be put together.
    pub frames: u64,
    /// Frames the file itself says are missing: lost by the source, or not taken by the recording.
    pub told_missing: u64,
    /// Frames that are missing without a word about them, by their numbers.
    pub untold_missing: u64,
    /// Where something is damaged, and what.
    pub damage: Vec<(u64, String)>,
    /// Whether it was ended in good order with a sound index.
    pub is_closed: bool,
    /// Whether the checksums over the whole file and over its index hold; they cover what no chunk's does.
    pub sums_hold: bool,
    /// Frames by the index; `None` without one.
    pub indexed: Option<u64>,
}

impl RecordingVerdict {
    /// Whether nothing is wrong with it.
    pub fn holds(&self) -> bool {
        self.is_closed
            && self.sums_hold
            && self.damage.is_empty()
            && self.untold_missing == 0
            && self.indexed == Some(self.frames)
    }

    /// What was found, for people.
    pub fn lines(&self) -> Vec<String> {
        let frames = self.frames.to_string();
        let told = self.told_missing.to_string();
        let mut lines = vec![say_with(
            "recording-verdict-frames",
            &[("frames", &frames), ("told", &told)],
        )];
        if self.untold_missing > 0 {
            let count = self.untold_missing.to_string();
            lines.push(say_with("recording-verdict-untold", &[("count", &count)]));
        }
        for (offset, why) in &self.damage {
            let at = offset.to_string();
            lines.push(say_with(
                "recording-verdict-damage",
                &[("at", &at), ("why", why)],
            ));
        }
        if !self.is_closed {
            lines.push(say("recording-verdict-open"));
        } else if !self.sums_hold {
            lines.push(say("recording-verdict-sums"));
        }
        lines.push(say(if self.holds() {
            "recording-verdict-holds"
        } else {
            "recording-verdict-broken"
        }));
        lines
    }
}

/// Reads every byte of a recording and says what holds.
pub fn verify_recording(path: &Path) -> Result<RecordingVerdict, RecordingProblem> {
    let unreadable = |cause| RecordingProblem::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let opened = Recording::open(path)?;
    let mut verdict = RecordingVerdict {
        is_closed: *opened.condition() == Condition::Closed,
        ..RecordingVerdict::default()
    };
    if verdict.is_closed {
        verdict.indexed = Some(opened.frame_count() as u64);
        verdict.sums_hold = sums_hold(path).map_err(unreadable)?;
    }
    if let Condition::Searched { damage } = opened.condition() {
        verdict.damage.clone_from(damage);
    }
    let mut expected: Option<u64> = None;
    for place in 0..opened.chunk_count() {
        let chunk = match opened.chunk(place) {
            Ok(chunk) => chunk,
            Err(RecordingProblem::Damaged { offset, cause, .. }) => {
                verdict.damage.push((offset, cause));
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let told: u64 = chunk.notes.iter().map(gap_told).sum();
        verdict.told_missing += told;
        match chunk.frame() {
            Ok(None) => {}
            Ok(Some(frame)) => {
                verdict.frames += 1;
                let due = expected.map(|expected| expected.saturating_add(told));
                verdict.untold_missing += due.map_or(0, |due| frame.id.0.saturating_sub(due));
                expected = Some(frame.id.0.saturating_add(1));
            }
            Err(why) => verdict.damage.push((opened.offset(place), why)),
        }
    }
    Ok(verdict)
}

/// Whether the checksum over all data and the one over the index hold.
fn sums_hold(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut reader = LinearReader::new_with_options(
        LinearReaderOptions::default()
            .with_emit_chunks(true)
            .with_validate_data_section_crc(true)
            .with_validate_summary_section_crc(true)
            .with_check_finishes_after_end_magic(true)
            .with_record_length_limit(LARGEST_CHUNK as usize),
    );
    while let Some(event) = reader.next_event() {
        match event {
            Ok(LinearReadEvent::ReadRequest(need)) => {
                let read = file.read(reader.insert(need.min(PIECE)))?;
                reader.notify_read(read);
            }
            Ok(LinearReadEvent::Record { .. }) => {}
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// What was kept of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Frames kept.
    pub frames: u64,
    /// Places that were damaged.
    pub damaged: u64,
}

/// Writes everything that is whole in `from` into the new recording `to`, with an index and with what is missing told.
/// `from` is not touched.
pub fn recover(from: &Path, to: &Path) -> Result<Recovered, RecordingProblem> {
    let opened = Recording::open(from)?;
    let disk = FileDisk::create(to).map_err(|cause| RecordingProblem::NotBegun {
        path: to.to_owned(),
        cause,
    })?;
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let mut about: Vec<(&str, String)> = opened
        .heading()
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    about.push(("recovered_from", name.into_owned()));
    let mut writer = RecordingWriter::begin(Arc::new(disk), &about)?;
    let mut damaged = match opened.condition() {
        Condition::Closed => 0,
        Condition::Searched { damage } => damage.len() as u64,
    };
    for place in 0..opened.chunk_count() {
        match opened.chunk(place) {
            // A frame that cannot be put together is not worth keeping; its number shows that it is missing.
            Ok(chunk) if chunk.frame().is_ok() => writer.copy(chunk)?,
            Ok(_) | Err(_) => damaged += 1,
        }
    }
    let frames = writer.finish(0)?;
    Ok(Recovered { frames, damaged })
}
