//! Whether a journal is whole and unaltered, and if not, which entry is the first to say so.
use std::path::{Path, PathBuf};

use super::chain::{Link, split};

/// The event that closes a journal.
const CLOSING: &str = "session_ended";

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// It is no line of a journal.
    #[error("expected a JSON object that ends with its chain value, got something else")]
    NotAnEntry,
    /// Its number is not the next one.
    #[error("expected number {expected}, got {got}")]
    WrongNumber {
        /// The next number.
        expected: u64,
        /// What stands there.
        got: String,
    },
    /// The chain value does not fit the entry and the one before it.
    #[error(
        "its chain value does not fit: this entry or the one before it was changed, removed or put in"
    )]
    ChainBroken,
    /// Entries follow the closing one.
    #[error("it follows the closing entry")]
    AfterTheEnd,
}

/// What was found in one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalVerdict {
    /// The file.
    pub path: PathBuf,
    /// Entries that are whole and in order, from the first.
    pub sound: u64,
    /// The first entry that is not, by its place in the file (from 0), and why.
    pub fault: Option<(u64, EntryFault)>,
    /// Whether it ends with its closing entry.
    pub closed: bool,
    /// Bytes of a last line that was never finished: the program was stopped while it wrote. It was not acknowledged.
    pub torn_bytes: usize,
}

impl JournalVerdict {
    /// Whether nothing is missing and nothing was altered, as far as a chain can show.
    pub fn holds(&self) -> bool {
        self.fault.is_none() && self.closed && self.torn_bytes == 0
    }

    /// The verdict in one line.
    pub fn line(&self) -> String {
        let path = self.path.display();
        let sound = self.sound;
        match &self.fault {
            Some((entry, fault)) => {
                format!(
                    "{path}: entry {entry} is the first that does not hold: {fault}; {sound} entries before it hold"
                )
            }
            None if self.holds() => format!("{path}: {sound} entries, whole and in order"),
            None => {
                let torn = match self.torn_bytes {
                    0 => String::new(),
                    bytes => format!(", then {bytes} bytes of an entry that was never finished"),
                };
                format!(
                    "{path}: {sound} entries hold{torn}; the closing entry is missing: the program was stopped, or \
                     entries after number {} were cut off",
                    sound.saturating_sub(1)
                )
            }
        }
    }
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("journal cannot be read: {cause}: {}", path.display())]
pub struct UnreadableJournal {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub cause: std::io::Error,
}

/// Reads a journal and checks every entry.
pub fn verify_journal(path: &Path) -> Result<JournalVerdict, UnreadableJournal> {
    read_journal(path, &mut |_, _| {})
}

/// Reads a journal, checks every entry, and hands on those that hold with their number.
pub(super) fn read_journal(
    path: &Path,
    hear: &mut dyn FnMut(u64, &serde_json::Value),
) -> Result<JournalVerdict, UnreadableJournal> {
    let bytes = std::fs::read(path).map_err(|cause| UnreadableJournal {
        path: path.to_owned(),
        cause,
    })?;
    Ok(judge(path, &bytes, hear))
}

fn judge(
    path: &Path,
    bytes: &[u8],
    hear: &mut dyn FnMut(u64, &serde_json::Value),
) -> JournalVerdict {
    let mut verdict = JournalVerdict {
        path: path.to_owned(),
        sound: 0,
        fault: None,
        closed: false,
        torn_bytes: 0,
    };
    let mut link = Link::START;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            verdict.torn_bytes = line.len();
            break;
        };
        match check(line, link, verdict.sound, verdict.closed) {
            Ok((next, entry)) => {
                link = next;
                hear(verdict.sound, &entry);
                verdict.sound += 1;
                verdict.closed = entry.get("event").and_then(|e| e.as_str()) == Some(CLOSING);
            }
            Err(fault) => {
                verdict.fault = Some((verdict.sound, fault));
                verdict.closed = false;
                break;
            }
        }
    }
    verdict
}

fn check(
    line: &[u8],
    before: Link,
    expected: u64,
    closed: bool,
) -> Result<(Link, serde_json::Value), EntryFault> {
    if closed {
        return Err(EntryFault::AfterTheEnd);
    }
    let (body, claimed) = split(line).ok_or(EntryFault::NotAnEntry)?;
    let entry: serde_json::Value =
        serde_json::from_slice(&body).map_err(|_cause| EntryFault::NotAnEntry)?;
    if before.after(&body) != claimed {
        return Err(EntryFault::ChainBroken);
    }
    let number = entry.get("seq").cloned().unwrap_or_default();
    if number.as_u64() != Some(expected) {
        return Err(EntryFault::WrongNumber {
            expected,
            got: number.to_string(),
        });
    }
    Ok((claimed, entry))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;
    use crate::frame::FrameId;
    use crate::procedure::{Event, Journal, SessionFolder};

    fn journal(entries: u64) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("folder");
        let session = SessionFolder::at(folder.path()).expect("empty");
        let mut journal =
            Journal::start(&session, Arc::new(ManualClock::default())).expect("starts");
        for frame in 0..entries {
            journal
                .write(Event::LockLost {
                    frame: FrameId(frame),
                })
                .expect("writes");
        }
        journal
            .write(Event::SessionEnded {
                frames: 1,
                missing: 0,
            })
            .expect("writes");
        std::fs::read(journal.path()).expect("reads")
    }

    fn lines_in(bytes: &[u8]) -> u64 {
        bytes.split(|b| *b == b'\n').count() as u64 - 1
    }

    fn verdict(bytes: &[u8]) -> JournalVerdict {
        judge(Path::new("j"), bytes, &mut |_, _| {})
    }

    #[test]
    fn a_whole_journal_holds() {
        let verdict = verdict(&journal(4));
        assert!(verdict.holds(), "{}", verdict.line());
        assert_eq!(verdict.sound, 5);
    }

    #[test]
    fn every_changed_byte_is_found_in_its_own_entry() {
        let sound = journal(3);
        for at in 0..sound.len() {
            let entry = lines_in(&sound[..at]);
            let mut changed = sound.clone();
            changed[at] ^= 0x01;
            let verdict = verdict(&changed);
            assert!(!verdict.holds(), "byte {at}");
            let first = verdict.fault.map(|(entry, _)| entry);
            // The last line feed only leaves the last entry unfinished.
            if at + 1 < sound.len() {
                assert_eq!(first, Some(entry), "byte {at}");
            }
        }
    }

    #[test]
    fn a_cut_tail_shows_by_the_missing_closing_entry_and_keeps_what_was_whole() {
        let sound = journal(3);
        for length in 0..sound.len() {
            let verdict = verdict(&sound[..length]);
            assert!(!verdict.holds(), "{length} bytes");
            assert_eq!(verdict.fault, None, "{length} bytes");
            let whole = lines_in(&sound[..length]);
            assert_eq!(verdict.sound, whole);
        }
    }

    #[test]
    fn lines_that_went_came_or_moved_are_found() {
        let text = String::from_utf8(journal(3)).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        for order in [
            vec![0, 2, 3],
            vec![0, 2, 1, 3],
            vec![0, 1, 1, 2, 3],
            vec![1, 2, 3],
        ] {
            let mut changed = String::new();
            for index in order {
                changed.push_str(lines[index]);
                changed.push('\n');
            }
            assert!(verdict(changed.as_bytes()).fault.is_some());
        }
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_there_is_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(!verdict(&bytes).holds());
        }
    }
}
