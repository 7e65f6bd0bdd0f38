//! The hash chain of a journal: every line carries a hash over itself and over the line before it (H26).
//!
//! A line is one JSON object whose last field is `chain`: the SHA-256 of the chain value before it (32 bytes, zero
//! before the first line) followed by the bytes of the object without that field. So no byte of a line can change,
//! and no line can go, come or move, without every later chain value being wrong. A chain cannot show that the whole
//! file was written anew, and a cut tail shows only by the missing closing entry.
use sha2::{Digest as _, Sha256};

/// What stands before the chain value in a line.
const FIELD: &[u8] = b",\"chain\":\"";
/// What stands after it.
const END: &[u8] = b"\"}";
/// Hexadecimal digits of a chain value.
const DIGITS: usize = 64;

/// The chain value after one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link([u8; 32]);

impl Link {
    /// Before the first line.
    pub(super) const START: Self = Self([0; 32]);

    /// The value after a line whose object, without its chain field, is `body`.
    pub(super) fn after(self, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(body);
        Self(hash.finalize().into())
    }

    /// `body` with its chain field, as it stands in the journal, and the value after it. `None` if `body` is not an
    /// object with at least one field.
    pub(super) fn seal(self, body: &[u8]) -> Option<(Vec<u8>, Self)> {
        let open = body.strip_suffix(b"}").filter(|open| open.len() > 1)?;
        let next = self.after(body);
        let mut line = Vec::with_capacity(body.len() + FIELD.len() + DIGITS + END.len());
        line.extend_from_slice(open);
        line.extend_from_slice(FIELD);
        line.extend_from_slice(hex::encode(next.0).as_bytes());
        line.extend_from_slice(END);
        Some((line, next))
    }
}

/// A line taken apart into its object without the chain field, and the chain value it claims. `None` without one.
pub(super) fn split(line: &[u8]) -> Option<(Vec<u8>, Link)> {
    let rest = line.strip_suffix(END)?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    let open = rest.strip_suffix(FIELD)?;
    // One spelling only: capitals would be another line with the same value.
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut value = [0; 32];
    hex::decode_to_slice(digits, &mut value).ok()?;
    let mut body = open.to_vec();
    body.push(b'}');
    Some((body, Link(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_comes_apart_again_and_depends_on_the_line_before() {
        let body = br#"{"seq":0,"event":"x"}"#;
        let (line, next) = Link::START.seal(body).expect("an object");
        assert_eq!(split(&line), Some((body.to_vec(), next)));
        assert_eq!(Link::START.after(body), next);
        assert_ne!(next.after(body), next);
        for bad in [&b"{}"[..], b"", b"[1]", b"}"] {
            assert!(Link::START.seal(bad).is_none());
        }
        for bad in [&b"{\"a\":1}"[..], b"", b"\"}"] {
            assert!(split(bad).is_none());
        }
    }
}
