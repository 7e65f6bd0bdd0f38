//! One chunk of a recording in hand: checked against its checksum before anything of it is believed.
use std::io::Cursor;

use mcap::parse_record;
use mcap::read::LinearReader;
use mcap::records::{Record, op};

use super::form::FrameHead;
use super::{Channel, LARGEST_CHUNK};
use crate::clock::Timestamp;
use crate::frame::Frame;

/// Something said beside the frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it belongs.
    pub channel: Channel,
    /// When it was said, on the clock of the session.
    pub at: Timestamp,
    /// What was said: JSON.
    pub text: String,
}

/// What one chunk holds.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The head of its frame; `None` for a chunk of notes.
    pub head: Option<FrameHead>,
    /// The samples of its frame, as they are laid out.
    pub samples: Vec<u8>,
    /// What was said beside it.
    pub notes: Vec<Note>,
}

impl Chunk {
    /// Its frame, put together; `None` for a chunk of notes.
    pub fn frame(&self) -> Result<Option<Frame>, String> {
        self.head
            .as_ref()
            .map(|head| head.to_frame(&self.samples))
            .transpose()
            .map_err(|problem| problem.to_string())
    }

    /// Reads the body of a chunk record (what follows its length). Says what is wrong with one that does not hold.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let words = |problem: mcap::McapError| problem.to_string();
        let Record::Chunk { header, data } = parse_record(op::CHUNK, body).map_err(words)? else {
            return Err("expected a chunk, got another record".to_owned());
        };
        if header.uncompressed_size > LARGEST_CHUNK {
            return Err(format!(
                "it says that it holds {} bytes, more than any frame",
                header.uncompressed_size
            ));
        }
        if header.compressed_size != data.len() as u64 {
            return Err(format!(
                "expected {} bytes, got {}",
                header.compressed_size,
                data.len()
            ));
        }
        if header.compression != "zstd" {
            return Err(format!("expected zstd, got {:?}", header.compression));
        }
        let records = zstd::bulk::decompress(&data, header.uncompressed_size as usize)
            .map_err(|problem| format!("it cannot be unpacked: {problem}"))?;
        // Nothing of it is looked at before its checksum holds.
        let sum = crc32fast::hash(&records);
        if sum != header.uncompressed_crc || records.len() as u64 != header.uncompressed_size {
            return Err("its checksum does not hold".to_owned());
        }
        let mut chunk = Self::default();
        for record in LinearReader::sans_magic(&records) {
            if let Record::Message { header, data } = record.map_err(words)? {
                chunk.take(header.channel_id, header.publish_time, data.into_owned())?;
            }
        }
        Ok(chunk)
    }

    fn take(&mut self, channel: u16, at: u64, data: Vec<u8>) -> Result<(), String> {
        match Channel::of(channel) {
            // A later version may say more than this one understands.
            None => {}
            Some(Channel::Frames) => {
                let head = serde_json::from_reader(Cursor::new(&data))
                    .map_err(|problem| format!("the head of its frame: {problem}"))?;
                self.head = Some(head);
            }
            Some(Channel::Samples) => self.samples = data,
            Some(channel) => {
                let text = String::from_utf8(data).map_err(|cause| {
                    format!("a note in {} is no text: {cause}", channel.topic())
                })?;
                self.notes.push(Note {
                    channel,
                    at: Timestamp::from_nanos(at),
                    text,
                });
            }
        }
        Ok(())
    }
}
