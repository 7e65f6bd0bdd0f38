//! Messages of a peer to frames and facts: which stream is taken, what its numbers mean, what the peer says.
use std::sync::Arc;
use std::time::Duration;

use super::header::{Header, Name};
use super::image::{ImageMessage, ImageProblem};
use super::picture::Pictures;
use super::wire::{Content, Decoder, IgtlCounts, Incoming};
use crate::clock::Timestamp;
use crate::frame::{Frame, FrameId, Orientation, Origin, ScanStage};

/// How long after a reconnect pictures of another name are passed over, for the stream that was shown before.
const LOYALTY: Duration = Duration::from_secs(1);
/// A step of message numbers above this is a sender that began anew, not loss.
const STEP_LIMIT: u32 = 1000;
/// Other streams that are named; further ones are only said to be there.
const OTHERS_NAMED: usize = 4;

/// What makes a picture the same one sent again.
#[derive(Clone, Copy, PartialEq)]
struct Print {
    seconds: Option<u64>,
    checksum: u64,
    device: Name<20>,
}

/// Takes messages in, gives frames and facts out.
pub(super) struct Intake {
    pub(super) pictures: Pictures,
    /// The stream the user asked for.
    wanted: Option<Name<20>>,
    /// The stream that is taken.
    device: Option<Name<20>>,
    others: Vec<Name<20>>,
    connected_at: Timestamp,
    /// Whether a picture has come over the present connection.
    seen: bool,
    last: Option<Print>,
    next_id: u64,
    /// Number of the last message of any kind, and of the last picture, where the peer numbers its messages.
    last_number: Option<u32>,
    last_picture_number: Option<u32>,
    header_version: u16,
    numbered: bool,
    repeated: u64,
    unusable: Option<ImageProblem>,
    words: Option<String>,
    status: Option<String>,
    counts: IgtlCounts,
    changes: u64,
}

impl Intake {
    pub(super) fn new(wanted: Option<&str>, orientation: Orientation) -> Self {
        Self {
            pictures: Pictures::new(orientation),
            wanted: wanted.map(Name::new),
            device: None,
            others: Vec::new(),
            connected_at: Timestamp::ZERO,
            seen: false,
            last: None,
            next_id: 0,
            last_number: None,
            last_picture_number: None,
            header_version: 0,
            numbered: false,
            repeated: 0,
            unusable: None,
            words: None,
            status: None,
            counts: IgtlCounts::default(),
            changes: 0,
        }
    }

    /// A connection begins. Frame numbers go on.
    pub(super) fn begin(&mut self, at: Timestamp) {
        self.connected_at = at;
        self.seen = false;
        self.last_number = None;
        self.last_picture_number = None;
        self.others.clear();
        self.unusable = None;
        self.changes += 1;
    }

    /// The number of the next frame, to be given back by [`Self::forget_since`].
    pub(super) fn mark(&self) -> u64 {
        self.next_id
    }

    /// Frames since `mark` were let go on purpose: their numbers are used again, so that they are no loss.
    pub(super) fn forget_since(&mut self, mark: u64) {
        self.next_id = mark;
    }

    /// Grows with everything that [`Self::lines`] would say differently.
    pub(super) fn changes(&self) -> u64 {
        self.changes + self.pictures.changes()
    }

    /// Why the last picture of the stream could not be used, if it could not.
    pub(super) fn unusable(&self) -> Option<ImageProblem> {
        self.unusable
    }

    /// The name of the stream that is waited for, when others come and it does not.
    pub(super) fn missed(&self) -> Option<&str> {
        let awaited = self.wanted.as_ref().or(self.device.as_ref())?;
        (!self.seen && !self.others.is_empty()).then(|| awaited.text())
    }

    /// Takes every whole message of `decoder`, at `at`; returns the newest frame. Frames that were replaced by it are
    /// counted by its number.
    pub(super) fn take_all(&mut self, decoder: &mut Decoder, at: Timestamp) -> Option<Arc<Frame>> {
        let mut newest = None;
        loop {
            let message = decoder.next_message();
            let ended = message.is_none();
            if let Some(frame) = message.and_then(|message| self.take(&message, at)) {
                newest = Some(frame);
            }
            self.note_counts(decoder.counts());
            if ended {
                return newest;
            }
        }
    }

    fn note_counts(&mut self, counts: IgtlCounts) {
        let before = std::mem::replace(&mut self.counts, counts);
        // A picture that came damaged is a frame that is lost.
        self.next_id += counts.damaged_images.saturating_sub(before.damaged_images);
        if (before.damaged, before.oversized, before.resyncs)
            != (counts.damaged, counts.oversized, counts.resyncs)
        {
            self.changes += 1;
        }
    }

    fn take(&mut self, message: &Incoming<'_>, at: Timestamp) -> Option<Arc<Frame>> {
        let header = &message.header;
        if header.version != self.header_version {
            self.header_version = header.version;
            self.changes += 1;
        }
        let before = self.last_number;
        if message.message_id.is_some() {
            self.last_number = message.message_id;
        }
        match &message.content {
            Content::Image(image) => {
                if !self.is_ours(header, at) {
                    return None;
                }
                self.count_lost(message.message_id, before);
                self.frame(header, image, at)
            }
            Content::Unusable(problem) => {
                if self.is_ours(header, at) {
                    // It was a picture, and it is lost.
                    self.next_id += 1;
                    self.tell(|intake| &mut intake.unusable, *problem);
                }
                None
            }
            Content::Words(words) => {
                let words = format!("{}: {words}", plain(header.device.text()));
                self.tell(|intake| &mut intake.words, words);
                None
            }
            Content::Status { code, text } => {
                let status = if *code == 1 {
                    "well".to_owned()
                } else {
                    format!("code {code} {text}").trim_end().to_owned()
                };
                self.tell(|intake| &mut intake.status, status);
                None
            }
            Content::Transform(_) | Content::Query | Content::Other => None,
        }
    }

    fn tell<T: PartialEq>(&mut self, place: impl Fn(&mut Self) -> &mut Option<T>, value: T) {
        if place(self).as_ref() != Some(&value) {
            *place(self) = Some(value);
            self.changes += 1;
        }
    }

    /// Whether a picture belongs to the stream that is shown; chooses that stream if none is.
    fn is_ours(&mut self, header: &Header, at: Timestamp) -> bool {
        let device = header.device;
        let ours = match (self.wanted, self.device) {
            (Some(wanted), _) => wanted == device,
            (None, None) => true,
            (None, Some(chosen)) => {
                chosen == device || (!self.seen && at.since(self.connected_at) > LOYALTY)
            }
        };
        if !ours {
            if !self.others.contains(&device) && self.others.len() <= OTHERS_NAMED {
                self.others.push(device);
                self.changes += 1;
            }
            return false;
        }
        if self.device != Some(device) {
            self.device = Some(device);
            self.others.retain(|other| *other != device);
            self.changes += 1;
        }
        self.seen = true;
        true
    }

    /// Adds what is missing by the peer's own numbers. A peer may number all its messages or each stream by itself;
    /// the smaller of both steps is surely loss.
    fn count_lost(&mut self, number: Option<u32>, any_before: Option<u32>) {
        let picture_before = self.last_picture_number;
        let Some(number) = number else { return };
        self.last_picture_number = Some(number);
        if !std::mem::replace(&mut self.numbered, true) {
            self.changes += 1;
        }
        let (Some(any), Some(picture)) = (any_before, picture_before) else {
            return;
        };
        let step = number.wrapping_sub(any).min(number.wrapping_sub(picture));
        if (2..=STEP_LIMIT).contains(&step) {
            self.next_id += u64::from(step - 1);
        }
    }

    fn frame(
        &mut self,
        header: &Header,
        image: &ImageMessage<'_>,
        at: Timestamp,
    ) -> Option<Arc<Frame>> {
        let print = Print {
            seconds: header.seconds.map(f64::to_bits),
            checksum: header.checksum,
            device: header.device,
        };
        // The same picture with the same stamp is old, however fresh its message is: a frozen scanner is not live.
        if self.last.replace(print) == Some(print) {
            if self.repeated == 0 {
                self.changes += 1;
            }
            self.repeated += 1;
            return None;
        }
        let id = FrameId(self.next_id);
        self.next_id += 1;
        if self.unusable.take().is_some() {
            self.changes += 1;
        }
        let formed = self.pictures.form(image)?;
        Some(Arc::new(Frame {
            id,
            captured_at: at,
            source_seconds: header.seconds,
            origin: Origin::Live,
            stage: ScanStage::PostScan,
            orientation: self.pictures.orientation(),
            geometry: formed.geometry,
            settings: formed.settings,
            samples: formed.samples,
        }))
    }

    /// What is known of peer and pictures, for people: one line a fact.
    pub(super) fn lines(&self, lines: &mut Vec<String>) {
        if self.header_version > 0 {
            lines.push(format!(
                "OpenIGTLink, header version {}",
                self.header_version
            ));
        }
        if let Some(device) = &self.device {
            let how = if self.wanted.is_some() {
                "as asked for"
            } else {
                "the first that came"
            };
            lines.push(format!("image stream: {}, {how}", plain(device.text())));
        }
        if !self.others.is_empty() {
            let some = self.others.iter().take(OTHERS_NAMED);
            let names: Vec<String> = some.map(|name| plain(name.text())).collect();
            lines.push(format!(
                "other image streams, not shown: {}",
                names.join(", ")
            ));
        }
        self.pictures.lines(lines);
        if self.seen {
            lines.push(if self.numbered {
                "frame numbers: pictures that came and, by the peer's message numbers, those it left out".to_owned()
            } else {
                "frame numbers: pictures that came (the peer does not number them: what it left out is not known)"
                    .to_owned()
            });
        }
        if let Some(status) = &self.status {
            lines.push(format!("the peer's state: {status}"));
        }
        if let Some(words) = &self.words {
            lines.push(format!("the peer says: {words}"));
        }
        if let Some(problem) = &self.unusable {
            lines.push(format!("not shown: {problem}"));
        }
        if self.repeated > 0 {
            lines.push(
                "the peer sends its last picture again and again: such pictures are not new"
                    .to_owned(),
            );
        }
        let IgtlCounts {
            damaged,
            oversized,
            resyncs,
            skipped_bytes,
            ..
        } = self.counts;
        if damaged + oversized + resyncs > 0 {
            lines.push(format!(
                "damage: {damaged} messages with a wrong checksum or length, {oversized} too large, {skipped_bytes} bytes skipped"
            ));
        }
    }
}

/// A peer's name without what would upset a screen.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if plain.trim().is_empty() {
        "(no name)".to_owned()
    } else {
        plain
    }
}
