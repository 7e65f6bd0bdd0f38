//! Whether everything a session left behind is whole and unaltered: the journal by its chain, every other finished
//! file by the hash that the journal holds of it.
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::folder::{JOURNAL_FILE, digest};
use super::verify::{JournalVerdict, UnreadableJournal, read_journal};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is not there, or cannot be read.
    #[error("expected a file, but it cannot be read: {cause}")]
    Unreadable {
        /// What the system said.
        cause: String,
    },
    /// Its bytes are not those that were written.
    #[error("expected {bytes} bytes with SHA-256 {sha256}, got {got_bytes} with {got}")]
    Changed {
        /// Its length when it was written.
        bytes: u64,
        /// Its hash when it was written.
        sha256: String,
        /// Its length now.
        got_bytes: u64,
        /// Its hash now.
        got: String,
    },
    /// The journal does not speak of it.
    #[error("expected an entry of the journal that says what was written, found none")]
    NotListed,
    /// The journal names a place outside the session's folder.
    #[error("expected a place inside the session's folder")]
    Outside,
}

/// One file that does not hold, and the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// Its place below the folder.
    pub file: String,
    /// The entry of the journal that speaks of it.
    pub entry: Option<u64>,
    /// What is wrong.
    pub fault: FileFault,
}

impl BadFile {
    /// It in one line.
    pub fn line(&self) -> String {
        match self.entry {
            Some(entry) => format!(
                "{}: does not hold against entry {entry} of the journal: {}",
                self.file, self.fault
            ),
            None => format!("{}: {}", self.file, self.fault),
        }
    }
}

/// What was found in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionVerdict {
    /// The journal.
    pub journal: JournalVerdict,
    /// Files that hold.
    pub sound: Vec<String>,
    /// Files that do not.
    pub bad: Vec<BadFile>,
}

impl SessionVerdict {
    /// Whether journal and files hold.
    pub fn holds(&self) -> bool {
        self.journal.holds() && self.bad.is_empty()
    }
}

/// What the journal says of one file.
struct Told {
    entry: u64,
    bytes: u64,
    sha256: String,
}

/// Checks the journal of the session in `folder`, and every file the sound part of it speaks of.
pub fn verify_session(folder: &Path) -> Result<SessionVerdict, UnreadableJournal> {
    let (journal, told) = told_in(folder)?;
    let mut verdict = SessionVerdict {
        journal,
        sound: Vec::new(),
        bad: Vec::new(),
    };
    for (file, told) in told {
        match check(folder, &file, &told) {
            Ok(()) => verdict.sound.push(file),
            Err(fault) => verdict.bad.push(BadFile {
                file,
                entry: Some(told.entry),
                fault,
            }),
        }
    }
    Ok(verdict)
}

/// Checks one file of a session against its journal. The journal's own chain is checked with it.
pub fn verify_file(folder: &Path, file: &str) -> Result<SessionVerdict, UnreadableJournal> {
    let (journal, mut told) = told_in(folder)?;
    let mut verdict = SessionVerdict {
        journal,
        sound: Vec::new(),
        bad: Vec::new(),
    };
    let (entry, checked) = match told.remove(file) {
        Some(told) => (Some(told.entry), check(folder, file, &told)),
        None => (None, Err(FileFault::NotListed)),
    };
    match checked {
        Ok(()) => verdict.sound.push(file.to_owned()),
        Err(fault) => verdict.bad.push(BadFile {
            file: file.to_owned(),
            entry,
            fault,
        }),
    }
    Ok(verdict)
}

/// The folder of the session that a file belongs to, and its place below it; `None` when no journal lies there.
pub fn session_of(path: &Path) -> Option<(PathBuf, String)> {
    let mut folder = path.parent()?;
    // A bare file name has an empty parent: the folder it is looked up in.
    if folder.as_os_str().is_empty() {
        folder = Path::new(".");
    }
    for candidate in [Some(folder), folder.parent()].into_iter().flatten() {
        let candidate = if candidate.as_os_str().is_empty() {
            Path::new(".")
        } else {
            candidate
        };
        if candidate.join(JOURNAL_FILE).is_file() {
            let below = path.strip_prefix(candidate).unwrap_or(path);
            return Some((
                candidate.to_owned(),
                below.to_string_lossy().replace('\\', "/"),
            ));
        }
    }
    None
}

fn told_in(folder: &Path) -> Result<(JournalVerdict, BTreeMap<String, Told>), UnreadableJournal> {
    let mut told = BTreeMap::new();
    let journal = read_journal(&folder.join(JOURNAL_FILE), &mut |number, entry| {
        let text = |name: &str| entry.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        match (text("event").as_deref(), text("file")) {
            (Some("file_written"), Some(file)) => {
                let now = Told {
                    entry: number,
                    bytes: entry
                        .get("bytes")
                        .and_then(serde_json::Value::as_u64)
                        .unwrap_or(0),
                    sha256: text("sha256").unwrap_or_default(),
                };
                told.insert(file, now);
            }
            (Some("snapshot_deleted"), Some(file)) => {
                told.remove(&file);
            }
            _ => {}
        }
    })?;
    Ok((journal, told))
}

fn check(folder: &Path, file: &str, told: &Told) -> Result<(), FileFault> {
    let is_inside = Path::new(file)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        return Err(FileFault::Outside);
    }
    let (got_bytes, got) = digest(&folder.join(file)).map_err(|cause| FileFault::Unreadable {
        cause: cause.to_string(),
    })?;
    if (got_bytes, &got) != (told.bytes, &told.sha256) {
        return Err(FileFault::Changed {
            bytes: told.bytes,
            sha256: told.sha256.clone(),
            got_bytes,
            got,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::procedure::{Event, Journal, SessionFolder};

    /// A session with two files, closed.
    fn session(parent: &Path) -> SessionFolder {
        let folder = SessionFolder::at(&parent.join("s")).expect("made");
        let mut journal =
            Journal::start(&folder, Arc::new(ManualClock::default())).expect("starts");
        for (file, bytes) in [("session.json", &b"{}"[..]), ("images/001.png", b"png")] {
            let record = folder.write(file, bytes).expect("written");
            journal
                .write(Event::FileWritten {
                    file: record.file,
                    bytes: record.bytes,
                    sha256: record.sha256,
                })
                .expect("writes");
        }
        journal
            .write(Event::SessionEnded {
                frames: 1,
                missing: 0,
            })
            .expect("writes");
        folder
    }

    #[test]
    fn a_changed_or_missing_file_is_named_with_its_entry() {
        let parent = tempfile::tempdir().expect("folder");
        let folder = session(parent.path());
        let verdict = verify_session(folder.path()).expect("read");
        assert!(verdict.holds(), "{verdict:?}");
        assert_eq!(verdict.sound, ["images/001.png", "session.json"]);
        std::fs::write(folder.place("images/001.png"), b"pnh").expect("written");
        std::fs::remove_file(folder.place("session.json")).expect("removed");
        let verdict = verify_session(folder.path()).expect("read");
        assert!(!verdict.holds());
        let lines: Vec<String> = verdict.bad.iter().map(BadFile::line).collect();
        assert!(
            lines[0].contains("images/001.png") && lines[0].contains("entry 1"),
            "{lines:?}"
        );
        assert!(
            lines[1].contains("session.json") && lines[1].contains("entry 0"),
            "{lines:?}"
        );
    }

    #[test]
    fn one_file_is_checked_by_its_own_path_and_one_that_is_not_listed_does_not_hold() {
        let parent = tempfile::tempdir().expect("folder");
        let folder = session(parent.path());
        let (found, file) = session_of(&folder.place("images/001.png")).expect("a session");
        assert_eq!(
            (found.as_path(), file.as_str()),
            (folder.path(), "images/001.png")
        );
        assert!(verify_file(&found, &file).expect("read").holds());
        std::fs::write(folder.place("report.pdf"), b"x").expect("written");
        let verdict = verify_file(folder.path(), "report.pdf").expect("read");
        assert_eq!(verdict.bad[0].fault, FileFault::NotListed);
        assert_eq!(session_of(Path::new("/nowhere/x.png")), None);
    }

    #[test]
    fn a_journal_that_names_a_place_outside_is_not_followed() {
        let told = Told {
            entry: 0,
            bytes: 0,
            sha256: String::new(),
        };
        for file in ["../x", "/etc/hostname", "images/../../x"] {
            let fault = check(Path::new("."), file, &told).expect_err(file);
            assert_eq!(fault, FileFault::Outside);
        }
    }
}
