//! A recording, opened: any frame at any time.
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mcap::records::{Record, op};
use mcap::sans_io::summary_reader::{SummaryReadEvent, SummaryReader, SummaryReaderOptions};
use mcap::{Summary, parse_record};

use super::carve::Carver;
use super::chunk::{Chunk, Note};
use super::{Channel, ENDING, HEADING, LARGEST_CHUNK, RecordingProblem};
use crate::clock::Timestamp;
use crate::frame::{Frame, FrameId};

/// The index is read in pieces of this size, bytes.
const PIECE: usize = 1 << 20;
/// What is told of a file stands within its first bytes, and is no longer than this.
const LARGEST_HEADING: u64 = 1 << 16;

/// Length of the record that ends the index, bytes.
const FOOTER: u64 = 9 + 20;

/// What a recording says of itself: who made it, from what, when.
pub type Heading = BTreeMap<String, String>;

/// In what state a recording was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was ended in good order, and its index is sound.
    Closed,
    /// It has no sound index (a kill, a power cut, a full disk, damage): its chunks were looked for one by one.
    Searched {
        /// Where something is damaged, and what.
        damage: Vec<(u64, String)>,
    },
}

/// One chunk of the file.
#[derive(Clone, Copy, Debug)]
struct Spot {
    offset: u64,
    length: u64,
    at: Timestamp,
    /// A bit a channel: what is in it.
    channels: u16,
}

impl Spot {
    fn holds(&self, channel: Channel) -> bool {
        self.channels & bit(channel) != 0
    }
}

fn bit(channel: Channel) -> u16 {
    1 << channel.id()
}

/// An opened recording. Frames are counted from 0 in the order in which they were recorded.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: Mutex<File>,
    spots: Vec<Spot>,
    /// Places in `spots` that hold a frame.
    frames: Vec<usize>,
    heading: Heading,
    ending: Option<Heading>,
    condition: Condition,
}

impl Recording {
    /// Opens a recording by its index, or by looking for its chunks where it has none.
    pub fn open(path: &Path) -> Result<Self, RecordingProblem> {
        let unreadable = |cause| RecordingProblem::Unreadable {
            path: path.to_owned(),
            cause,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut opened = match indexed(&file, size) {
            Some(opened) => opened,
            None => searched(file.try_clone().map_err(unreadable)?).map_err(unreadable)?,
        };
        if opened.heading.is_empty() {
            opened.heading = heading(&mut file).unwrap_or_default();
        }
        let frames: Vec<usize> = opened
            .spots
            .iter()
            .enumerate()
            .filter(|(_, spot)| spot.holds(Channel::Frames))
            .map(|(place, _)| place)
            .collect();
        if frames.is_empty() {
            return Err(RecordingProblem::NoRecording {
                path: path.to_owned(),
                got: match size {
                    0 => "an empty file",
                    _ => "a file in which no frame is to be found",
                },
            });
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            spots: opened.spots,
            frames,
            heading: opened.heading,
            ending: opened.ending,
            condition: opened.condition,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frames in it.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Chunks in it: frames, and notes between them.
    pub fn chunk_count(&self) -> usize {
        self.spots.len()
    }

    /// When a frame was captured, by the index; `None` beyond the last one.
    pub fn time(&self, index: usize) -> Option<Timestamp> {
        self.spot_of(index).map(|spot| spot.at)
    }

    /// What it says of itself; empty when that was lost.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// How it ended: frames, and how many were lost; `None` when it was not ended in good order.
    pub fn ending(&self) -> Option<&Heading> {
        self.ending.as_ref()
    }

    /// In what state it was found.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Any frame, as it was captured.
    pub fn frame(&self, index: usize) -> Result<Arc<Frame>, RecordingProblem> {
        let spot = self
            .spot_of(index)
            .ok_or_else(|| RecordingProblem::FrameOutside {
                path: self.path.clone(),
                index,
                last: self.frame_count().saturating_sub(1),
            })?;
        let chunk = self.chunk_at(&spot)?;
        match chunk.frame() {
            Ok(Some(frame)) => Ok(Arc::new(frame)),
            Ok(None) => Err(self.damaged(&spot, "expected a frame, got notes".to_owned())),
            Err(cause) => Err(self.damaged(&spot, cause)),
        }
    }

    /// Any chunk, by its place among all chunks.
    pub fn chunk(&self, place: usize) -> Result<Chunk, RecordingProblem> {
        let spot = self.spots.get(place).copied();
        let spot = spot.ok_or_else(|| RecordingProblem::FrameOutside {
            path: self.path.clone(),
            index: place,
            last: self.chunk_count().saturating_sub(1),
        })?;
        self.chunk_at(&spot)
    }

    /// Where a chunk begins, bytes; 0 beyond the last one.
    pub(super) fn offset(&self, place: usize) -> u64 {
        self.spots.get(place).map_or(0, |spot| spot.offset)
    }

    /// The place of the frame of a number, when it was recorded and is whole.
    pub fn find(&self, id: FrameId) -> Option<usize> {
        let number = |index: usize| {
            let spot = self.spot_of(index)?;
            Some(self.chunk_at(&spot).ok()?.head?.id)
        };
        let (mut from, mut to) = (0, self.frame_count());
        while from < to {
            let middle = usize::midpoint(from, to);
            // A damaged chunk has no number to steer by: its nearest sound neighbour has.
            let Some((place, found)) = (middle..to).find_map(|p| Some((p, number(p)?))) else {
                to = middle;
                continue;
            };
            if found == id.0 {
                return Some(place);
            }
            if found < id.0 {
                from = place + 1;
            } else {
                to = middle;
            }
        }
        None
    }

    /// Every note of a channel, in order. Chunks that hold none are not read; damaged ones are passed over.
    pub fn notes(&self, channel: Channel) -> Vec<Note> {
        self.spots
            .iter()
            .filter(|spot| spot.holds(channel))
            .filter_map(|spot| self.chunk_at(spot).ok())
            .flat_map(|chunk| chunk.notes)
            .filter(|note| note.channel == channel)
            .collect()
    }

    fn spot_of(&self, index: usize) -> Option<Spot> {
        let place = self.frames.get(index)?;
        self.spots.get(*place).copied()
    }

    fn chunk_at(&self, spot: &Spot) -> Result<Chunk, RecordingProblem> {
        let bytes = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            read_at(&mut *file, spot.offset, spot.length)
        };
        let bytes = bytes.map_err(|cause| RecordingProblem::Unreadable {
            path: self.path.clone(),
            cause,
        })?;
        let body = match bytes.split_at_checked(9) {
            Some((front, body)) if front.first() == Some(&op::CHUNK) => body,
            _ => return Err(self.damaged(spot, "no chunk begins there".to_owned())),
        };
        Chunk::read(body).map_err(|cause| self.damaged(spot, cause))
    }

    fn damaged(&self, spot: &Spot, cause: String) -> RecordingProblem {
        RecordingProblem::Damaged {
            path: self.path.clone(),
            offset: spot.offset,
            cause,
        }
    }
}

/// What was found out about a file.
struct Opened {
    spots: Vec<Spot>,
    heading: Heading,
    ending: Option<Heading>,
    condition: Condition,
}

fn read_at(file: &mut (impl Read + Seek), offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The index at the end of a file; `None` when there is none, or it says what cannot be.
fn indexed(file: &File, size: u64) -> Option<Opened> {
    let summary = summary(file, size)?;
    let told = summary.stats.as_ref()?.chunk_count as usize;
    if summary.chunk_indexes.len() != told {
        return None;
    }
    let mut spots = Vec::with_capacity(told);
    for index in &summary.chunk_indexes {
        let end = index.chunk_start_offset.checked_add(index.chunk_length)?;
        if end > size || index.chunk_length > LARGEST_CHUNK || index.chunk_length < 9 {
            return None;
        }
        let channels = index
            .message_index_offsets
            .keys()
            .filter_map(|id| Channel::of(*id))
            .fold(0, |mask, channel| mask | bit(channel));
        spots.push(Spot {
            offset: index.chunk_start_offset,
            length: index.chunk_length,
            at: Timestamp::from_nanos(index.message_start_time),
            channels,
        });
    }
    spots.sort_by_key(|spot| spot.offset);
    let mut file = file;
    let mut told = |name: &str| {
        let index = summary.metadata_indexes.iter().find(|m| m.name == name)?;
        if index.length > LARGEST_HEADING || index.length < 9 {
            return None;
        }
        file.seek(SeekFrom::Start(index.offset)).ok()?;
        let mut bytes = Vec::new();
        file.take(index.length).read_to_end(&mut bytes).ok()?;
        metadata(bytes.get(9..)?, name)
    };
    Some(Opened {
        heading: told(HEADING).unwrap_or_default(),
        ending: told(ENDING),
        spots,
        condition: Condition::Closed,
    })
}

fn metadata(body: &[u8], name: &str) -> Option<Heading> {
    let Record::Metadata(told) = parse_record(op::METADATA, body).ok()? else {
        return None;
    };
    (told.name == name).then_some(told.metadata)
}

/// Whether the index at the end of a file has the checksum it says; nothing of it is looked at before.
fn index_holds(mut file: &File, size: u64) -> Option<()> {
    let end = size.checked_sub(mcap::MAGIC.len() as u64)?;
    let last = read_at(&mut file, end.checked_sub(FOOTER)?, FOOTER).ok()?;
    let (front, body) = last.split_at_checked(9)?;
    let Record::Footer(footer) = parse_record(op::FOOTER, body).ok()? else {
        return None;
    };
    // The sum covers all of the footer but itself.
    let covered = (end - 4).checked_sub(footer.summary_start)?;
    if front.first() != Some(&op::FOOTER) || footer.summary_start == 0 {
        return None;
    }
    let mut sum = crc32fast::Hasher::new();
    file.seek(SeekFrom::Start(footer.summary_start)).ok()?;
    let mut rest = BufReader::with_capacity(PIECE, file).take(covered);
    loop {
        let piece = rest.fill_buf().ok()?;
        if piece.is_empty() {
            break;
        }
        sum.update(piece);
        let count = piece.len();
        rest.consume(count);
    }
    (sum.finalize() == footer.summary_crc).then_some(())
}

fn summary(file: &File, size: u64) -> Option<Summary> {
    index_holds(file, size)?;
    let mut file = BufReader::with_capacity(PIECE, file);
    let options = SummaryReaderOptions::default()
        .with_file_size(size)
        .with_record_length_limit(LARGEST_CHUNK as usize);
    let mut reader = SummaryReader::new_with_options(options);
    while let Some(event) = reader.next_event() {
        match event.ok()? {
            SummaryReadEvent::ReadRequest(need) => {
                let read = file.read(reader.insert(need)).ok()?;
                reader.notify_read(read);
            }
            SummaryReadEvent::SeekRequest(to) => reader.notify_seeked(file.seek(to).ok()?),
        }
    }
    reader.finish()
}

fn searched(file: File) -> std::io::Result<Opened> {
    let mut carver = Carver::new(file)?;
    let mut spots = Vec::new();
    let mut damage = Vec::new();
    while let Some(found) = carver.next()? {
        let chunk = match found.chunk {
            Ok(chunk) => chunk,
            Err(why) => {
                damage.push((found.offset, why));
                continue;
            }
        };
        let mut channels = 0;
        let mut at = chunk.notes.first().map(|note| note.at);
        if let Some(head) = &chunk.head {
            channels |= bit(Channel::Frames) | bit(Channel::Samples);
            at = Some(Timestamp::from_nanos(head.captured_ns));
        }
        for note in &chunk.notes {
            channels |= bit(note.channel);
        }
        spots.push(Spot {
            offset: found.offset,
            length: found.length,
            at: at.unwrap_or_default(),
            channels,
        });
    }
    Ok(Opened {
        spots,
        heading: Heading::new(),
        ending: None,
        condition: Condition::Searched { damage },
    })
}

/// What a file says of itself at its beginning.
fn heading(file: &mut File) -> Option<Heading> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST_HEADING).read_to_end(&mut bytes).ok()?;
    let mut rest = bytes.get(mcap::MAGIC.len()..)?;
    loop {
        let (front, body) = rest.split_at_checked(9)?;
        let length = front.get(1..9)?.try_into().map(u64::from_le_bytes).ok()?;
        let (record, after) = body.split_at_checked(usize::try_from(length).ok()?)?;
        if front.first() == Some(&op::METADATA)
            && let Some(told) = metadata(record, HEADING)
        {
            return Some(told);
        }
        rest = after;
    }
}
