//! Chunks found without an index, in a file that was cut or damaged anywhere.
//!
//! Records follow each other by their lengths; where that breaks, the next chunk is looked for by the form of its
//! head, and believed only with its checksum. So damage costs the chunks it lies in and no other.
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use mcap::records::op;

use super::LARGEST_CHUNK;
use super::chunk::Chunk;

/// Opcode and length of a record.
const FRONT: u64 = 9;
/// From the start of a chunk to the name of its packing.
const TO_PACKING: u64 = FRONT + 28;
/// The name of the packing with its length, as every chunk of ours carries it.
const PACKING: &[u8] = b"\x04\0\0\0zstd";
/// From the start of a chunk to its packed bytes: its head, the packing and the number of packed bytes.
const TO_DATA: u64 = TO_PACKING + 8 + 8;
/// Records between chunks (their indexes, what is told of the file) are no longer than this, bytes.
const LARGEST_BETWEEN: u64 = 1 << 16;
/// The file is read in pieces of this size, bytes.
const WINDOW: u64 = 1 << 22;

/// One chunk, or what is left of one.
pub(super) struct Found {
    /// Where it begins.
    pub(super) offset: u64,
    /// Its length with its front.
    pub(super) length: u64,
    /// What it holds, or what is wrong with it.
    pub(super) chunk: Result<Chunk, String>,
}

/// Walks through a file and hands out its chunks, sound or damaged, in their order.
pub(super) struct Carver {
    file: File,
    size: u64,
    at: u64,
    start: u64,
    window: Vec<u8>,
}

/// What stands at a place.
enum Standing {
    /// A chunk of this length.
    Chunk(u64),
    /// Another record, which ends there.
    Other(u64),
    /// The end of the data: what follows is the index.
    DataEnd,
    /// The end of the file.
    End,
    /// No record.
    Damage(&'static str),
}

impl Carver {
    /// Begins at the start of a file.
    pub(super) fn new(mut file: File) -> std::io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            size,
            at: mcap::MAGIC.len() as u64,
            start: 0,
            window: Vec::new(),
        })
    }

    /// The next chunk; `None` at the end of the data.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Found>> {
        // Where a search has to begin when the walk breaks: a wrong length may have led past sound chunks.
        let sure = self.at;
        let mut at = self.at;
        loop {
            match self.standing(at)? {
                Standing::Chunk(length) => {
                    if let Some(found) = self.take(at, length)? {
                        return Ok(Some(found));
                    }
                    at += length;
                }
                Standing::Other(end) => at = end,
                Standing::DataEnd | Standing::End => return Ok(None),
                Standing::Damage(why) => return self.search(sure, at, why).map(Some),
            }
        }
    }

    /// Reads the chunk at a place; goes on behind it, or searches behind its first byte when it does not hold.
    fn take(&mut self, offset: u64, length: u64) -> std::io::Result<Option<Found>> {
        let body = self.bytes(offset + FRONT, length - FRONT)?;
        let chunk = Chunk::read(body);
        self.at = match &chunk {
            Ok(_) => offset + length,
            // Its length may be what is wrong.
            Err(_) => self
                .find(offset + 1)?
                .map_or(self.size, |next| next.max(offset + 1)),
        };
        Ok(Some(Found {
            offset,
            length,
            chunk,
        }))
    }

    /// Damage at `broken`: goes on at the next chunk that looks like one, from `sure` on.
    fn search(&mut self, sure: u64, broken: u64, why: &str) -> std::io::Result<Found> {
        let next = self.find(sure)?.unwrap_or(self.size);
        self.at = next;
        Ok(Found {
            offset: broken.min(next),
            length: next.saturating_sub(broken),
            chunk: Err(why.to_owned()),
        })
    }

    fn standing(&mut self, at: u64) -> std::io::Result<Standing> {
        if at >= self.size {
            return Ok(Standing::End);
        }
        let front = self.bytes(at, FRONT.min(self.size - at))?;
        let (Some(code), Some(length)) = (front.first().copied(), number(front, 1)) else {
            return Ok(Standing::Damage("the file ends within a record"));
        };
        let whole = length.saturating_add(FRONT);
        let is_within = whole <= self.size - at;
        Ok(match code {
            op::CHUNK if !is_within => Standing::Damage("the file ends within a chunk"),
            op::CHUNK if self.chunk_at(at)? == Some(whole) => Standing::Chunk(whole),
            op::DATA_END if length == 4 => Standing::DataEnd,
            op::HEADER | op::METADATA | op::MESSAGE_INDEX | op::SCHEMA | op::CHANNEL
                if is_within && length <= LARGEST_BETWEEN =>
            {
                Standing::Other(at + whole)
            }
            _ => Standing::Damage("expected a record, got bytes that are none"),
        })
    }

    /// The length of the chunk that begins at a place, front and all, by its head alone.
    fn chunk_at(&mut self, at: u64) -> std::io::Result<Option<u64>> {
        if self.size.saturating_sub(at) < TO_DATA {
            return Ok(None);
        }
        let size = self.size;
        let head = self.bytes(at, TO_DATA)?;
        let is_chunk = head.first() == Some(&op::CHUNK)
            && head.get(TO_PACKING as usize..TO_PACKING as usize + 8) == Some(PACKING);
        let (length, packed) = (number(head, 1), number(head, TO_PACKING as usize + 8));
        Ok(match (length, packed) {
            (Some(length), Some(packed))
                if is_chunk
                    && packed <= LARGEST_CHUNK
                    && length == packed + TO_DATA - FRONT
                    && length + FRONT <= size - at =>
            {
                Some(length + FRONT)
            }
            _ => None,
        })
    }

    /// The next place from `from` on that looks like a chunk.
    fn find(&mut self, from: u64) -> std::io::Result<Option<u64>> {
        let mut at = from;
        while self.size.saturating_sub(at) >= TO_DATA {
            let span = WINDOW.min(self.size - at);
            let window = self.bytes(at, span)?;
            let places: Vec<u64> = window
                .windows(PACKING.len())
                .enumerate()
                .filter(|(_, bytes)| *bytes == PACKING)
                .filter_map(|(place, _)| (place as u64).checked_sub(TO_PACKING))
                .collect();
            for place in places {
                if self.chunk_at(at + place)?.is_some() {
                    return Ok(Some(at + place));
                }
            }
            if span < WINDOW {
                return Ok(None);
            }
            at += span - TO_DATA;
        }
        Ok(None)
    }

    /// Bytes of the file; the caller keeps within its size.
    fn bytes(&mut self, at: u64, length: u64) -> std::io::Result<&[u8]> {
        let end = self.start + self.window.len() as u64;
        if at < self.start || at + length > end {
            let span = length.max(WINDOW).min(self.size.saturating_sub(at));
            self.window.clear();
            self.start = at;
            self.file.seek(SeekFrom::Start(at))?;
            (&self.file).take(span).read_to_end(&mut self.window)?;
        }
        let from = (at - self.start) as usize;
        self.window
            .get(from..from + length as usize)
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Eight bytes, low first.
fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at + 8)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}
