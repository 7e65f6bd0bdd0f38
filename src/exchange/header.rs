//! The text header of a MetaImage file: lines of `Name = value` up to `ElementDataFile`.
use std::io::{BufRead, Read};
use std::path::Path;

use super::ExchangeError;

/// Bytes a header may have: tens of thousands of frames with transforms fit.
const HEADER_LIMIT: u64 = 64 << 20;
/// Bytes a line may have.
const LINE_LIMIT: u64 = 64 << 10;
/// Characters of a faulty line shown in a message.
const LINE_SHOWN: usize = 60;

/// Names, as they stood in the file, with their values, in the order of the file.
pub type Fields = Vec<(String, String)>;

/// What the header of a file said, every field kept in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileMeta {
    fields: Fields,
    frames: Vec<Fields>,
    beyond: usize,
}

impl FileMeta {
    /// Fields of the whole file, unknown ones included.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The value of a field of the whole file.
    pub fn field(&self, name: &str) -> Option<&str> {
        find(&self.fields, name)
    }

    /// Fields of one frame (`Seq_FrameNNNN_Name` without its prefix), in the order of the file.
    pub fn frame_fields(&self, frame: usize) -> &[(String, String)] {
        self.frames.get(frame).map_or(&[], Vec::as_slice)
    }

    /// The value of a field of one frame, such as `Timestamp` or `ImageStatus`.
    pub fn frame_field(&self, frame: usize, name: &str) -> Option<&str> {
        find(self.frame_fields(frame), name)
    }

    /// Number of fields that belong to frames the file does not have.
    pub fn fields_beyond_the_end(&self) -> usize {
        self.beyond
    }

    /// Forgets the fields of frames from `count` on, and counts them.
    pub(super) fn keep_frames(&mut self, count: usize) {
        self.beyond = self.frames.iter().skip(count).map(Vec::len).sum();
        self.frames.truncate(count);
    }

    fn add(&mut self, name: &str, value: &str) {
        if let Some((frame, name)) = frame_field_name(name) {
            if self.frames.len() <= frame {
                self.frames.resize(frame + 1, Fields::new());
            }
            if let Some(fields) = self.frames.get_mut(frame) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        } else {
            self.fields.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// Splits `Seq_Frame0012_Timestamp` into 12 and `Timestamp`. Numbers that no file can reach are ordinary fields.
fn frame_field_name(name: &str) -> Option<(usize, &str)> {
    let (digits, rest) = name.strip_prefix("Seq_Frame")?.split_once('_')?;
    let sound = (4..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let frame = digits.parse().ok()?;
    (sound && !rest.is_empty()).then_some((frame, rest))
}

/// Reads a header; returns it with the number of bytes it took. The reader stands at the first pixel.
pub(super) fn read_header(
    reader: &mut impl BufRead,
    path: &Path,
) -> Result<(FileMeta, u64), ExchangeError> {
    let mut meta = FileMeta::default();
    let mut taken = 0_u64;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let got = reader
            .by_ref()
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut line)
            .map_err(|cause| ExchangeError::NotReadable {
                cause,
                path: path.to_owned(),
            })?;
        taken += got as u64;
        let ended = line.ends_with(b"\n");
        let endless = || ExchangeError::HeaderWithoutEnd {
            got: taken,
            limit: HEADER_LIMIT,
            path: path.to_owned(),
        };
        if got == 0 || taken > HEADER_LIMIT {
            return Err(endless());
        }
        let (name, value) = split_line(&line).ok_or_else(|| ExchangeError::HeaderLine {
            line: number,
            got: shown(&line),
            path: path.to_owned(),
        })?;
        // A line without its end may lack part of its value; only the last one of a separate header may end so.
        let separate = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("mhd"));
        let complete = ended || (separate && name == "ElementDataFile");
        if !complete {
            return Err(endless());
        }
        meta.add(name, value);
        if name == "ElementDataFile" {
            return Ok((meta, taken));
        }
    }
    Ok((meta, taken))
}

fn split_line(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let plain = is_field_name(name);
    let clean = !value.trim().chars().any(|c| c.is_control() && c != '\t');
    (plain && clean).then_some((name, value.trim()))
}

/// Whether a word can stand before the equals sign.
pub(super) fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'=')
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut short: String = text.trim_end().chars().take(LINE_SHOWN).collect();
    if short.len() < text.trim_end().len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(FileMeta, u64), ExchangeError> {
        read_header(&mut text.as_bytes(), Path::new("x.mha"))
    }

    #[test]
    fn fields_keep_their_order_and_frames_their_own() {
        let text = "ObjectType = Image\nOdd = a = b\nSeq_Frame0001_Timestamp = 1.5 \n\
                    Seq_Frame0001_ImageStatus = OK\nElementDataFile = LOCAL\nrest";
        let (meta, taken) = read(text).expect("sound header");
        assert_eq!(taken as usize, text.len() - 4);
        let names: Vec<_> = meta.fields().iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["ObjectType", "Odd", "ElementDataFile"]);
        assert_eq!(meta.field("Odd"), Some("a = b"));
        assert!(meta.frame_fields(0).is_empty());
        assert_eq!(meta.frame_field(1, "Timestamp"), Some("1.5"));
        assert_eq!(meta.frame_fields(1).len(), 2);
        assert!(meta.frame_fields(9).is_empty());
    }

    #[test]
    fn an_endless_or_broken_header_is_told_with_its_line() {
        let cut = read("ObjectType = Image\nNDims = 3").expect_err("no end");
        assert!(cut.to_string().contains("ElementDataFile"), "{cut}");
        let odd = read("ObjectType = Image\nnonsense\n").expect_err("no field");
        assert!(odd.to_string().contains("line 2"), "{odd}");
        let empty = read("").expect_err("empty");
        assert!(matches!(
            empty,
            ExchangeError::HeaderWithoutEnd { got: 0, .. }
        ));
        let long = format!("Name = {}", "x".repeat(100_000));
        assert!(read(&long).is_err());
    }

    #[test]
    fn frame_numbers_that_no_file_reaches_are_plain_fields() {
        assert_eq!(frame_field_name("Seq_Frame0012_A_B"), Some((12, "A_B")));
        for plain in [
            "Seq_Frame_A",
            "Seq_Frame9999999_A",
            "Seq_Frame12_A",
            "Seq_Frame0001_",
            "Seq_Frame+001_A",
        ] {
            assert_eq!(frame_field_name(plain), None, "{plain}");
        }
    }
}
