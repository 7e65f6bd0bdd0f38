//! `analyze --as-live`: a recording read exactly as the detector read it while it was made.
use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use crate::engine::{Advice, FormedNote, Moment, PlaneWord, ReadNote, Reader, Sight};
use crate::evidence::LineWriter;
use crate::frame::{Frame, FrameId};
use crate::image::{ImageChain, PictureSize, ScanImage};
use crate::pump;
use crate::recording::{Channel, Recording};

use super::record::told;

/// Forms the pictures that were formed, in their order.
struct Former {
    recording: Recording,
    formed: VecDeque<FormedNote>,
    /// The next frame that was not looked at.
    next: usize,
    chain: ImageChain,
    missing: u64,
}

impl Former {
    fn new(recording: Recording) -> anyhow::Result<Self> {
        let formed = read_notes(&recording, Channel::Formed)?;
        Ok(Self {
            recording,
            formed: formed.into(),
            next: 0,
            chain: ImageChain::new(PictureSize::default()),
            missing: 0,
        })
    }

    /// The picture of a frame, after all that were formed before it; `None` when its frame was not recorded.
    fn picture(&mut self, of: FrameId) -> Option<Arc<ScanImage>> {
        while let Some(note) = self.formed.pop_front() {
            if note.anew {
                self.chain = ImageChain::new(PictureSize::default());
            }
            let Some(frame) = self.frame(note.frame) else {
                self.missing += 1;
                continue;
            };
            let image = self.chain.form(&frame);
            if note.frame == of {
                return Some(image);
            }
        }
        None
    }

    fn frame(&mut self, id: FrameId) -> Option<Arc<Frame>> {
        while self.next < self.recording.frame_count() {
            match self.recording.frame(self.next) {
                Ok(frame) if frame.id > id => return None,
                Ok(frame) if frame.id == id => {
                    self.next += 1;
                    return Some(frame);
                }
                Ok(_) | Err(_) => self.next += 1,
            }
        }
        None
    }
}

fn read_notes<T: serde::de::DeserializeOwned>(
    recording: &Recording,
    channel: Channel,
) -> anyhow::Result<Vec<T>> {
    recording
        .notes(channel)
        .iter()
        .map(|note| {
            serde_json::from_str(&note.text)
                .with_context(|| format!("a note in {} cannot be read", channel.topic()))
        })
        .collect()
}

fn advice_of(note: &ReadNote, reader: &mut Reader, image: &ScanImage) -> anyhow::Result<Advice> {
    if let Some(sight) = note.anew {
        *reader = Reader::new(sight == Sight::Still);
    }
    let pump = pump::find(&note.pump)?;
    let needle = note.needle.as_deref().map(str::parse).transpose();
    let needle = needle.map_err(|problem| anyhow!("{problem}"))?;
    reader.choose(Arc::new(pump.clone()), needle);
    reader.choose_way(note.way, note.vetoed);
    let advice = if note.is_new {
        reader.read(image, Moment::Now)
    } else {
        reader.again(image, note.standing)
    };
    if note.planes.is_empty() {
        return Ok(advice);
    }
    for word in &note.planes {
        match word {
            // A plane that was refused then is refused again; the advice says so.
            PlaneWord::Confirm => drop(reader.confirm_plane()),
            PlaneWord::Forget => reader.forget_planes(),
        }
    }
    let moment = if note.is_new {
        Moment::Now
    } else {
        note.standing
    };
    Ok(reader.again(image, moment))
}

/// Reads a recording as it was read, and writes the lines; says whether they are those of then.
pub(super) fn as_live(path: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let recording = Recording::open(path).map_err(|p| told(&p))?;
    let reads: Vec<ReadNote> = read_notes(&recording, Channel::Reads)?;
    let then = recording.notes(Channel::Advice);
    if reads.is_empty() {
        bail!(
            "{}: expected the readings of a live session, got frames alone; read them without --as-live",
            path.display()
        );
    }
    let mut former = Former::new(recording)?;
    let mut reader = Reader::new(false);
    let mut lines = LineWriter::default();
    let mut last: Option<Arc<ScanImage>> = None;
    let (mut unread, mut differing) = (0_u64, 0_u64);
    for (place, note) in reads.iter().enumerate() {
        let is_at_hand = last.as_ref().is_some_and(|image| image.frame == note.frame);
        if !is_at_hand {
            last = former.picture(note.frame);
        }
        let Some(image) = &last else {
            unread += 1;
            continue;
        };
        let advice = advice_of(note, &mut reader, image)?;
        let line = lines.line(note.frame.0, image, &advice).to_string();
        let is_same = then.get(place).is_none_or(|then| then.text == line);
        differing += u64::from(!is_same);
        writeln!(out, "{line}").context("advice could not be written")?;
    }
    out.flush().context("advice could not be written")?;
    eprintln!(
        "portsight: {} readings, {unread} of frames that are not in the recording, {} pictures missing, {differing} lines differ from those of then",
        reads.len(),
        former.missing,
    );
    if unread > 0 || differing > 0 {
        bail!(
            "{}: the advice of then is not the advice of now",
            path.display()
        );
    }
    Ok(())
}
