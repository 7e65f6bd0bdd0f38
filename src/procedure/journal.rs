//! The journal on disk: append-only JSON Lines, flushed to the disk line by line.
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::notice::Problem;

use super::chain::Link;
use super::folder::{JOURNAL_FILE, SessionFolder, only_for_owner, sync_folder};
use super::{Entry, Event};

/// The wall clock may go this far beyond the monotonic one between two entries: time servers slew by less, s.
const CLOCK_JUMP_S: f64 = 1.0;

/// Why the journal could not be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalProblem {
    /// The file could not be made.
    #[error("journal {} could not be started: {cause}", path.display())]
    NotStarted {
        /// The file.
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
    link: Link,
    /// Wall clock and monotonic clock at the last entry, s.
    last_times: Option<(f64, f64)>,
}

impl Journal {
    /// Starts the journal of a session in its folder; never writes to one that is there already.
    pub fn start(folder: &SessionFolder, clock: Arc<dyn Clock>) -> Result<Self, JournalProblem> {
        let path = folder.place(JOURNAL_FILE);
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        let file = only_for_owner(&mut options)
            .open(&path)
            // The name itself must be on the disk, or the first entries could go with it.
            .and_then(|file| sync_folder(folder.path()).map(|()| file))
            .map_err(|cause| JournalProblem::NotStarted {
                path: path.clone(),
                cause,
            })?;
        Ok(Self {
            file,
            path,
            clock,
            next: 0,
            broken: false,
            link: Link::START,
            last_times: None,
        })
    }

    /// Entries that are on the disk.
    pub fn entries(&self) -> u64 {
        self.next
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one event and waits until it is on the disk. A wall clock that was set since the last entry gets an
    /// entry of its own first.
    pub fn write(&mut self, what: Event) -> Result<(), JournalProblem> {
        if self.broken {
            return Ok(());
        }
        let utc = self.clock.wall();
        let t = self.clock.now().as_seconds();
        if let Some(by_s) = self.clock_jump(&utc, t) {
            self.append(utc.clone(), t, Event::ClockJumped { by_s })?;
        }
        self.append(utc, t, what)
    }

    /// How far the wall clock went beyond the monotonic one since the last entry, when that is more than it may.
    fn clock_jump(&mut self, utc: &str, t: f64) -> Option<f64> {
        let wall: jiff::Timestamp = utc.parse().ok()?;
        let wall = wall.as_microsecond() as f64 * 1e-6;
        let (wall_before, t_before) = self.last_times.replace((wall, t))?;
        let by_s = (wall - wall_before) - (t - t_before);
        (by_s.abs() > CLOCK_JUMP_S).then_some((by_s * 1e3).round() / 1e3)
    }

    fn append(&mut self, utc: String, t: f64, what: Event) -> Result<(), JournalProblem> {
        let entry = Entry {
            seq: self.next,
            utc,
            t,
            what,
        };
        let written = serde_json::to_vec(&entry)
            .map_err(std::io::Error::other)
            .and_then(|body| {
                let sealed = self.link.seal(&body);
                let (mut line, link) =
                    sealed.ok_or_else(|| std::io::Error::other("an entry is an object"))?;
                line.push(b'\n');
                self.file.write_all(&line)?;
                self.file.sync_data()?;
                Ok(link)
            });
        match written {
            Ok(link) => {
                self.next += 1;
                self.link = link;
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
        let session = SessionFolder::at(folder.path()).expect("empty");
        let mut first = Journal::start(&session, clock.clone()).expect("starts");
        first
            .write(Event::LockLost { frame: FrameId(7) })
            .expect("writes");
        first
            .write(Event::ResearchNoticeAcknowledged)
            .expect("writes");
        let again = Journal::start(&session, clock);
        assert!(matches!(again, Err(JournalProblem::NotStarted { .. })));
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

    /// A wall clock that a test sets.
    struct SetClock(std::sync::Mutex<(f64, f64)>);

    impl Clock for SetClock {
        fn now(&self) -> crate::clock::Timestamp {
            crate::clock::Timestamp::from_seconds(self.0.lock().expect("lock").0)
        }
        fn wall(&self) -> String {
            let micros = (self.0.lock().expect("lock").1 * 1e6) as i64;
            jiff::Timestamp::from_microsecond(micros)
                .expect("a time")
                .to_string()
        }
    }

    #[test]
    fn a_wall_clock_that_was_set_is_told_before_the_next_entry() {
        let folder = tempfile::tempdir().expect("folder");
        let clock = Arc::new(SetClock(std::sync::Mutex::new((0.0, 1_000.0))));
        let session = SessionFolder::at(folder.path()).expect("empty");
        let mut journal =
            Journal::start(&session, Arc::clone(&clock) as Arc<dyn Clock>).expect("starts");
        for (t, wall) in [
            (1.0, 1_001.0),
            (2.0, 1_002.4),
            (3.0, 4_603.4),
            (4.0, 1_004.4),
        ] {
            *clock.0.lock().expect("lock") = (t, wall);
            journal
                .write(Event::ResearchNoticeAcknowledged)
                .expect("writes");
        }
        let text = std::fs::read_to_string(journal.path()).expect("reads");
        let jumps: Vec<f64> = text
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("json"))
            .filter(|e| e["event"] == "clock_jumped")
            .filter_map(|e| e["by_s"].as_f64())
            .collect();
        assert_eq!(jumps, [3_600.0, -3_600.0]);
    }
}
