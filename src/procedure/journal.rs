//! The journal on disk: append-only JSON Lines, flushed to the disk line by line.
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::notice::Problem;

use super::{Entry, Event};

/// How many other names are tried when a journal of this second exists already.
const NAME_TRIES: u32 = 1000;

/// Why the journal could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalProblem {
    /// The folder or file could not be made.
    #[error("journal could not be started in {}: {cause}", path.display())]
    NotStarted {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// An entry could not be written; what was written before is intact.
    #[error("journal stopped after entry {last}: {cause}; {} is intact up to there", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
        /// Entries on disk.
        last: u64,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl Problem for JournalProblem {
    fn hint(&self) -> Option<String> {
        Some("Free some space or give another folder; without a journal nothing proves what was shown.".to_owned())
    }
}

/// A journal being written. A journal that failed once stays failed.
pub struct Journal {
    file: File,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    next: u64,
    broken: bool,
}

impl Journal {
    /// Starts a new journal `session-<UTC>.jsonl` in `folder`; never writes to one that is there already.
    pub fn start(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, JournalProblem> {
        let not_started = |cause| JournalProblem::NotStarted {
            path: folder.to_owned(),
            cause,
        };
        std::fs::create_dir_all(folder).map_err(not_started)?;
        let stamp: String = clock
            .wall()
            .chars()
            .take(19)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        for attempt in 0..NAME_TRIES {
            let name = match attempt {
                0 => format!("session-{stamp}Z.jsonl"),
                n => format!("session-{stamp}Z-{n}.jsonl"),
            };
            let path = folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        clock,
                        next: 0,
                        broken: false,
                    });
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(not_started(cause)),
            }
        }
        Err(not_started(std::io::ErrorKind::AlreadyExists.into()))
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one event and waits until it is on the disk.
    pub fn write(&mut self, what: Event) -> Result<(), JournalProblem> {
        if self.broken {
            return Ok(());
        }
        let entry = Entry {
            seq: self.next,
            utc: self.clock.wall(),
            t: self.clock.now().as_seconds(),
            what,
        };
        let written = serde_json::to_vec(&entry)
            .map_err(std::io::Error::other)
            .and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)?;
                self.file.sync_data()
            });
        match written {
            Ok(()) => {
                self.next += 1;
                Ok(())
            }
            Err(cause) => {
                self.broken = true;
                Err(JournalProblem::Stopped {
                    path: self.path.clone(),
                    last: self.next,
                    cause,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::frame::FrameId;

    #[test]
    fn entries_are_numbered_lines_and_an_old_journal_is_never_touched() {
        let folder = tempfile::tempdir().expect("folder");
        let clock = Arc::new(ManualClock::default());
        let mut first = Journal::start(folder.path(), clock.clone()).expect("starts");
        first
            .write(Event::LockLost { frame: FrameId(7) })
            .expect("writes");
        first
            .write(Event::ResearchNoticeAcknowledged)
            .expect("writes");
        let second = Journal::start(folder.path(), clock).expect("starts");
        assert_ne!(first.path(), second.path());
        let text = std::fs::read_to_string(first.path()).expect("reads");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|l| serde_json::from_str(l).expect("json"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["event"], "lock_lost");
        assert_eq!(lines[0]["frame"], 7);
        assert_eq!(lines[1]["seq"], 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let inside = file.path().join("journals");
        let problem = Journal::start(&inside, Arc::new(ManualClock::default()));
        let text = problem.err().map(|p| p.to_string()).unwrap_or_default();
        assert!(text.contains("journals"), "{text}");
    }
}
