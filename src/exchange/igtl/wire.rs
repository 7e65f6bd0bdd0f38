//! Bytes to OpenIGTLink messages, whatever the bytes are. Reads nothing by itself.
//!
//! Damage is counted and skipped, never reported as a failure: after it the next header that can be believed is
//! looked for from the byte after the last one, so that a wrong length costs one message and not all that follow.
use super::header::{
    HEADER_BYTES, Header, Name, Reading, checksum, could_begin, f32_at, u16_at, u32_at,
};
use super::image::{IMAGE_HEADER_BYTES, ImageMessage, ImageProblem, promised_bytes};

/// Bytes of the fixed part of the extended header (header version 2 and later).
const EXTENDED_HEADER_BYTES: usize = 12;
/// Bytes of a TRANSFORM body.
const TRANSFORM_BYTES: usize = 48;
/// A body of a known kind has told its lengths within so many bytes, extended header included.
const LENGTHS_BYTES: usize = 256;
/// Characters of a peer's text that are kept.
const TEXT_LIMIT: usize = 200;

/// What passed through a decoder since it was made. Every loss is counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct IgtlCounts {
    /// Whole messages handed on.
    pub messages: u64,
    /// Messages thrown away because their checksum or their lengths were wrong.
    pub damaged: u64,
    /// Those of them that were called IMAGE.
    pub damaged_images: u64,
    /// Headers that announced a body above the limit.
    pub oversized: u64,
    /// Bytes skipped while looking for the next header.
    pub skipped_bytes: u64,
    /// How many times the place in the stream was lost.
    pub resyncs: u64,
}

/// A whole message whose checksum is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming<'a> {
    /// What stood before it.
    pub header: Header,
    /// The sender's number for it, where it gives one (header version 2 and later, not 0).
    pub message_id: Option<u32>,
    /// What is in it.
    pub content: Content<'a>,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    /// A picture.
    Image(ImageMessage<'a>),
    /// A picture that cannot be used, and why.
    Unusable(ImageProblem),
    /// A 4 x 4 matrix without its last row, column by column: three axes, then the position, mm.
    Transform([f32; 12]),
    /// Words, without control characters, at most 200 characters.
    Words(String),
    /// How a device is: 1 is well; the text is the sender's.
    Status {
        /// Code of the protocol.
        code: u16,
        /// The sender's words, cleaned as above.
        text: String,
    },
    /// Something is asked of us (`GET_`, `STT_`, `STP_`).
    Query,
    /// Another kind of message, or one whose insides make no sense.
    Other,
}

/// Finds messages in a stream of bytes.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the next message is looked for.
    start: usize,
    /// Whether the bytes before `start` were skipped for want of a header.
    searching: bool,
    /// How far behind `start` an unfinished message was looked through for one that hides in it.
    looked: usize,
    counts: IgtlCounts,
}

/// A whole message in the buffer.
struct Located {
    header: Header,
    body: std::ops::Range<usize>,
}

enum Step {
    Message(Located),
    /// Look again, from the new start.
    Again,
    /// More bytes are needed.
    Short,
}

impl Decoder {
    /// What passed so far.
    pub fn counts(&self) -> IgtlCounts {
        self.counts
    }

    /// Bytes kept: at most one message above the limit's size and what was pushed last.
    pub fn kept_bytes(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether a message has begun and not ended.
    pub fn is_within_message(&self) -> bool {
        self.kept_bytes() > 0
    }

    /// Forgets half a message: a new connection begins. Counts go on.
    pub fn restart(&mut self) {
        self.counts.skipped_bytes += self.kept_bytes() as u64;
        self.buffer.clear();
        self.start = 0;
        self.looked = 0;
        self.searching = false;
    }

    /// Takes bytes as they came. Call [`Self::next_message`] until it has none before the next push.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    pub fn next_message(&mut self) -> Option<Incoming<'_>> {
        let located = loop {
            match self.step() {
                Step::Message(located) => break located,
                Step::Again => {}
                Step::Short => return None,
            }
        };
        self.counts.messages += 1;
        self.searching = false;
        self.looked = 0;
        self.start = located.body.end;
        let body = self.buffer.get(located.body).unwrap_or_default();
        Some(open(located.header, body))
    }

    fn step(&mut self) -> Step {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        if rest.len() < HEADER_BYTES {
            if could_begin(rest) {
                return Step::Short;
            }
            return self.skip();
        }
        let header = match Header::read(rest) {
            Reading::Header(header) => header,
            Reading::Oversized => {
                self.counts.oversized += 1;
                return self.skip();
            }
            Reading::Nothing => return self.skip(),
        };
        let after = rest.get(HEADER_BYTES..).unwrap_or_default();
        let arrived = after.get(..header.body_bytes);
        let intact = match (arrived, length_of(&header, arrived.unwrap_or(after))) {
            (_, Length::Wrong) => false,
            (None, Length::Right) => return Step::Short,
            (None, Length::Unknown) => return self.look_inside(),
            (Some(body), Length::Right | Length::Unknown) => checksum(body) == header.checksum,
        };
        if !intact {
            self.counts.damaged += 1;
            if header.kind.text() == "IMAGE" {
                self.counts.damaged_images += 1;
            }
            return self.skip();
        }
        let body = self.start + HEADER_BYTES;
        Step::Message(Located {
            header,
            body: body..body + header.body_bytes,
        })
    }

    /// Moves on to the next place where a header could begin.
    fn skip(&mut self) -> Step {
        let next = self.candidate(self.start + 1);
        self.skip_to(next.unwrap_or(self.buffer.len()));
        if next.is_some() {
            Step::Again
        } else {
            Step::Short
        }
    }

    fn skip_to(&mut self, next: usize) {
        if !self.searching {
            self.searching = true;
            self.counts.resyncs += 1;
        }
        self.counts.skipped_bytes += (next - self.start) as u64;
        self.start = next;
        self.looked = 0;
    }

    /// The next place from `from` on where a header could begin.
    fn candidate(&self, from: usize) -> Option<usize> {
        let rest = self.buffer.get(from..).unwrap_or_default();
        let ahead = rest.iter().enumerate().position(|(at, byte)| {
            *byte == 0 && could_begin(rest.get(at..rest.len().min(at + 3)).unwrap_or_default())
        })?;
        Some(from + ahead)
    }

    /// A message of a kind whose length cannot be checked is not finished. If a whole message with a right checksum
    /// lies in it, its length was wrong, and waiting for the rest of it would swallow all that follow.
    fn look_inside(&mut self) -> Step {
        let mut from = self.start + 1 + self.looked;
        // Where to look again when more has come: the first place that may still become a message.
        let mut open = None;
        while let Some(at) = self.candidate(from) {
            match self.inner(at) {
                Inner::Whole => {
                    self.counts.damaged += 1;
                    self.skip_to(at);
                    return Step::Again;
                }
                Inner::Unfinished => {
                    open.get_or_insert(at);
                }
                Inner::Nothing => {}
            }
            from = at + 1;
        }
        self.looked = open.unwrap_or(self.buffer.len()) - self.start - 1;
        Step::Short
    }

    fn inner(&self, at: usize) -> Inner {
        let rest = self.buffer.get(at..).unwrap_or_default();
        if rest.len() < HEADER_BYTES {
            return Inner::Unfinished;
        }
        let Reading::Header(header) = Header::read(rest) else {
            return Inner::Nothing;
        };
        let after = rest.get(HEADER_BYTES..).unwrap_or_default();
        match after.get(..header.body_bytes) {
            // The checksum of nothing is 0, which proves nothing.
            Some(body) if !body.is_empty() && checksum(body) == header.checksum => Inner::Whole,
            Some(_) => Inner::Nothing,
            None => match length_of(&header, after) {
                Length::Right => Inner::Unfinished,
                Length::Unknown if after.len() < LENGTHS_BYTES => Inner::Unfinished,
                Length::Unknown | Length::Wrong => Inner::Nothing,
            },
        }
    }
}

/// What a place within an unfinished message may be.
enum Inner {
    Whole,
    Unfinished,
    Nothing,
}

/// What the lengths in a body, as far as it has arrived, say of the length in its header.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    Right,
    Wrong,
    /// A kind without lengths of its own, or they have not arrived yet.
    Unknown,
}

/// Compares the length in the header with those in the body. This finds a wrong one long before so many bytes came.
fn length_of(header: &Header, body: &[u8]) -> Length {
    let content = match content_bytes(header, body) {
        Inside::Contradiction => return Length::Wrong,
        Inside::Untold => return Length::Unknown,
        Inside::Bytes(content) => content,
    };
    let skip = header.body_bytes.min(extended_bytes(header, body));
    let begun = body.get(skip..).unwrap_or_default();
    let expected = match header.kind.text() {
        "IMAGE" if content < IMAGE_HEADER_BYTES => return Length::Wrong,
        "IMAGE" => promised_bytes(begun),
        "TRANSFORM" => Some(TRANSFORM_BYTES as u64),
        "STRING" => u16_at(begun, 2).map(|length| 4 + u64::from(length)),
        _ => None,
    };
    match expected {
        Some(expected) if expected == content as u64 => Length::Right,
        Some(_) => Length::Wrong,
        None => Length::Unknown,
    }
}

fn extended_bytes(header: &Header, body: &[u8]) -> usize {
    if header.version < 2 {
        return 0;
    }
    u16_at(body, 0).map_or(0, usize::from)
}

/// Room for the content between extended header and metadata.
enum Inside {
    Bytes(usize),
    /// Its lengths have not arrived yet.
    Untold,
    /// Its lengths are larger than the body.
    Contradiction,
}

fn content_bytes(header: &Header, body: &[u8]) -> Inside {
    if header.version < 2 {
        return Inside::Bytes(header.body_bytes);
    }
    if header.body_bytes < EXTENDED_HEADER_BYTES {
        return Inside::Contradiction;
    }
    let (Some(extended), Some(meta_header), Some(meta_body)) =
        (u16_at(body, 0), u16_at(body, 2), u32_at(body, 4))
    else {
        return Inside::Untold;
    };
    if usize::from(extended) < EXTENDED_HEADER_BYTES {
        return Inside::Contradiction;
    }
    let around = u64::from(extended) + u64::from(meta_header) + u64::from(meta_body);
    usize::try_from(around)
        .ok()
        .and_then(|around| header.body_bytes.checked_sub(around))
        .map_or(Inside::Contradiction, Inside::Bytes)
}

/// What is in a message whose checksum is right.
fn open(header: Header, body: &[u8]) -> Incoming<'_> {
    let skip = extended_bytes(&header, body);
    let content = match content_bytes(&header, body) {
        Inside::Bytes(length) => body.get(skip..).and_then(|rest| rest.get(..length)),
        Inside::Untold | Inside::Contradiction => None,
    };
    let content = content.unwrap_or_default();
    let message_id = (header.version >= 2)
        .then(|| u32_at(body, 8))
        .flatten()
        .filter(|id| *id != 0);
    Incoming {
        message_id,
        content: understand(&header.kind, content),
        header,
    }
}

fn understand<'a>(kind: &Name<12>, content: &'a [u8]) -> Content<'a> {
    match kind.text() {
        "IMAGE" => match ImageMessage::read(content) {
            Ok(image) => Content::Image(image),
            Err(problem) => Content::Unusable(problem),
        },
        "TRANSFORM" => transform(content).map_or(Content::Other, Content::Transform),
        "STRING" => Content::Words(cleaned(content.get(4..).unwrap_or_default())),
        "STATUS" => Content::Status {
            code: u16_at(content, 0).unwrap_or(0),
            // Code (2 bytes), subcode (8), name of the error (20), then the words.
            text: cleaned(content.get(30..).unwrap_or_default()),
        },
        text if ["GET_", "STT_", "STP_"].iter().any(|q| text.starts_with(q)) => Content::Query,
        _ => Content::Other,
    }
}

fn transform(content: &[u8]) -> Option<[f32; 12]> {
    let mut matrix = [0.0; 12];
    for (index, value) in matrix.iter_mut().enumerate() {
        *value = f32_at(content, index * 4)?;
    }
    Some(matrix)
}

/// A peer's text for the screen: control characters become blanks, and there is an end to it.
fn cleaned(bytes: &[u8]) -> String {
    // Characters have at most four bytes.
    let some = bytes
        .get(..bytes.len().min(TEXT_LIMIT * 4))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(some);
    let plain: String = text
        .trim_end_matches('\0')
        .chars()
        .take(TEXT_LIMIT)
        .map(|c| if is_invisible(c) { ' ' } else { c })
        .collect();
    plain.trim().to_owned()
}

/// Control characters, and those that turn or hide the text around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
