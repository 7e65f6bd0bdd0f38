//! The 58 bytes before every OpenIGTLink message: what they say, and whether they can be believed.
use crc::{CRC_64_ECMA_182, Crc, Table};

/// Bytes of a message header (protocol versions 1 to 3).
pub(super) const HEADER_BYTES: usize = 58;
/// Bytes a body may have: a 4096 x 4096 picture of 32-bit numbers. Larger ones are refused before a byte is kept.
pub(super) const BODY_LIMIT: u64 = 64 << 20;
/// Header versions read: 1 (protocol 1 and 2) and 2 (protocol 3, with an extended header); 3 is reserved and laid
/// out like 2 by senders that use it.
const VERSIONS: std::ops::RangeInclusive<u16> = 1..=3;

/// CRC-64 as the protocol has it: polynomial 42F0E1EBA9EA3693, not reflected, starts at 0.
const CHECKSUM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_ECMA_182);

/// The checksum of a body.
pub fn checksum(body: &[u8]) -> u64 {
    // A `static` keeps the tables (32 KiB) from being copied on every call.
    static TABLES: Crc<u64, Table<16>> = CHECKSUM;
    TABLES.checksum(body)
}

/// A name of at most `N` bytes, padded with zeros (or blanks, as some senders do).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<const N: usize>([u8; N]);

impl<const N: usize> Name<N> {
    /// The name in `text`, cut after `N` bytes at a character's end.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        let mut end = text.len().min(N);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        for (into, from) in bytes.iter_mut().zip(text.bytes().take(end)) {
            *into = from;
        }
        Self(bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The text, without its padding; empty when it is no UTF-8.
    pub fn text(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        let text = self.0.get(..end).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default().trim_end()
    }

    /// The bytes as they are sent.
    pub fn bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> std::fmt::Debug for Name<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl<const N: usize> std::fmt::Display for Name<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// A header that can be believed; its body may still be damaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// Header version, 1 to 3.
    pub version: u16,
    /// Kind of message: `IMAGE`, `TRANSFORM`.
    pub kind: Name<12>,
    /// Name of the stream within the peer: `Image_Reference`.
    pub device: Name<20>,
    /// Seconds since 1970 (UTC) by the sender's clock, or any other origin; `None` when the sender gives none (0).
    pub seconds: Option<f64>,
    /// Bytes that follow.
    pub body_bytes: usize,
    /// Checksum of what follows.
    pub checksum: u64,
}

/// What 58 bytes are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// A header.
    Header(Header),
    /// A header in every respect but that its body would be larger than [`BODY_LIMIT`].
    Oversized,
    /// No header.
    Nothing,
}

impl Header {
    /// Reads the first 58 of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Reading {
        Self::fields(bytes).unwrap_or(Reading::Nothing)
    }

    fn fields(bytes: &[u8]) -> Option<Reading> {
        let version = u16_at(bytes, 0)?;
        if !VERSIONS.contains(&version) {
            return None;
        }
        let kind = Name::<12>::read(bytes.get(2..14)?).filter(is_kind)?;
        let device = Name::<20>::read(bytes.get(14..34)?).filter(is_device)?;
        let (whole, fraction) = (u32_at(bytes, 34)?, u32_at(bytes, 38)?);
        let size = u64_at(bytes, 42)?;
        let checksum = u64_at(bytes, 50)?;
        if size > BODY_LIMIT {
            return Some(Reading::Oversized);
        }
        let seconds = f64::from(whole) + f64::from(fraction) / 4_294_967_296.0;
        Some(Reading::Header(Self {
            version,
            kind,
            device,
            seconds: (whole != 0 || fraction != 0).then_some(seconds),
            body_bytes: usize::try_from(size).ok()?,
            checksum,
        }))
    }
}

/// Whether bytes that begin with these could be a header, so far.
pub(super) fn could_begin(bytes: &[u8]) -> bool {
    let zero = bytes.first().is_none_or(|b| *b == 0);
    let version = bytes
        .get(1)
        .is_none_or(|b| VERSIONS.contains(&u16::from(*b)));
    let letter = bytes.get(2).is_none_or(u8::is_ascii_uppercase);
    zero && version && letter
}

/// Letters, digits and underscores, at least one, padded to the end.
fn is_kind(kind: &Name<12>) -> bool {
    let text = kind.text();
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let padding = kind.bytes().iter().skip(text.len());
    text.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && word
        && padding.into_iter().all(|b| matches!(b, 0 | b' '))
}

/// Text without control characters; what stands behind the first zero is nobody's business.
fn is_device(device: &Name<20>) -> bool {
    device
        .bytes()
        .iter()
        .take_while(|b| **b != 0)
        .all(|b| *b >= 0x20 && *b != 0x7f)
}

/// Appends header and body of one message to `out`, with header version 1; `body` writes the body.
pub(super) fn write_message(
    out: &mut Vec<u8>,
    kind: &str,
    device: &str,
    seconds: f64,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&1_u16.to_be_bytes());
    out.extend_from_slice(Name::<12>::new(kind).bytes());
    out.extend_from_slice(Name::<20>::new(device).bytes());
    let (whole, fraction) = stamp(seconds);
    out.extend_from_slice(&whole.to_be_bytes());
    out.extend_from_slice(&fraction.to_be_bytes());
    // Size and checksum are known only after the body.
    out.extend_from_slice(&[0; 16]);
    body(out);
    let written = out.get(start + HEADER_BYTES..).unwrap_or_default();
    let (size, check) = (written.len() as u64, checksum(written));
    if let Some(late) = out.get_mut(start + HEADER_BYTES - 16..start + HEADER_BYTES) {
        let (for_size, for_check) = late.split_at_mut(8);
        for_size.copy_from_slice(&size.to_be_bytes());
        for_check.copy_from_slice(&check.to_be_bytes());
    }
}

/// Seconds as whole seconds and a fraction of 2^32; what does not fit becomes the nearest that does.
fn stamp(seconds: f64) -> (u32, u32) {
    let whole = seconds.floor();
    // Casts from float saturate, and a number that is none becomes 0.
    let fraction = (seconds - whole) * 4_294_967_296.0;
    (whole as u32, fraction as u32)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(field.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(field.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(field.try_into().ok()?))
}

pub(super) fn f32_at(bytes: &[u8], at: usize) -> Option<f32> {
    u32_at(bytes, at).map(f32::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_protocol() {
        // The check value of CRC-64/ECMA-182, and one computed by pyigtl 0.3.4 (crcmod).
        assert_eq!(checksum(b"123456789"), 0x6C40_DF5F_0B49_7347);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn a_header_is_read_back() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, "STRING", "Words", 1_700_000_000.25, |b| {
            b.extend_from_slice(b"body");
        });
        let Reading::Header(header) = Header::read(&bytes) else {
            panic!("no header in {bytes:?}");
        };
        assert_eq!(header.kind.text(), "STRING");
        assert_eq!(header.device.text(), "Words");
        assert_eq!(header.seconds, Some(1_700_000_000.25));
        assert_eq!(header.body_bytes, 4);
        assert_eq!(header.checksum, checksum(b"body"));
    }

    #[test]
    fn an_absurd_body_and_a_torn_header_are_no_header() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, "IMAGE", "Eye", 0.0, |_| {});
        assert_eq!(Header::read(&bytes[..57]), Reading::Nothing);
        bytes[42..50].copy_from_slice(&(BODY_LIMIT + 1).to_be_bytes());
        assert_eq!(Header::read(&bytes), Reading::Oversized);
        bytes[2] = b'i';
        assert_eq!(Header::read(&bytes), Reading::Nothing);
    }

    #[test]
    fn names_are_cut_at_a_characters_end_and_stamps_saturate() {
        assert_eq!(Name::<3>::new("aé").text(), "aé");
        assert_eq!(Name::<3>::new("abé").text(), "ab");
        for odd in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            let _ = stamp(odd);
        }
        assert_eq!(stamp(2.5), (2, 1 << 31));
    }
}
