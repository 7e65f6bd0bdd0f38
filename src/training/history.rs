//! The history of all answers: a file of its own, one JSON object a line, only ever added to.
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::score::Score;
use crate::notice::Problem;
use crate::words::say;

/// Version of the lines written.
const VERSION: u32 = 1;
/// At most so much of the end of the file is read.
const READ_MOST: u64 = 1 << 20;
/// At most so many answers are shown.
const SHOWN_MOST: usize = 1000;

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum HistoryProblem {
    /// It cannot be read.
    #[error("history of training cannot be read: {cause}: {}", path.display())]
    Unreadable {
        /// What the operating system said.
        cause: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("this answer is not kept in the history of training: {cause}: {}", path.display())]
    Unwritable {
        /// What the operating system said.
        cause: io::Error,
        /// The file.
        path: PathBuf,
    },
}

impl Problem for HistoryProblem {
    fn hint(&self) -> Option<String> {
        Some(say("training-history-hint"))
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    version: u32,
    utc: String,
    #[serde(flatten)]
    score: Score,
}

/// What a file held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Answers, oldest first.
    pub scores: Vec<Score>,
    /// Lines that are none of ours, torn, or of a newer version; they stay where they are.
    pub passed_over: usize,
}

/// The file.
#[derive(Clone, Debug)]
pub struct HistoryFile {
    path: PathBuf,
}

impl HistoryFile {
    /// The history in this file, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Reads it. A line that cannot be understood is passed over and counted.
    pub fn load(&self) -> Result<Past, HistoryProblem> {
        match self.read_end() {
            Ok(text) => Ok(parse(&text)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Past::default()),
            Err(cause) => Err(HistoryProblem::Unreadable {
                cause,
                path: self.path.clone(),
            }),
        }
    }

    fn read_end(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let from = file.metadata()?.len().saturating_sub(READ_MOST);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(READ_MOST).read_to_end(&mut bytes)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if from > 0 {
            // The first line was met in its middle.
            let begins = text.find('\n').map_or(text.len(), |end| end + 1);
            text.drain(..begins);
        }
        Ok(text)
    }

    /// Adds one answer, on the disk when this returns. A line that was torn before is ended first.
    pub fn append(&self, score: &Score, utc: &str) -> Result<(), HistoryProblem> {
        self.add(score, utc)
            .map_err(|cause| HistoryProblem::Unwritable {
                cause,
                path: self.path.clone(),
            })
    }

    fn add(&self, score: &Score, utc: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&self.path)?;
        let line = Line {
            version: VERSION,
            utc: utc.to_owned(),
            score: score.clone(),
        };
        let mut bytes = Vec::new();
        if is_torn(&mut file)? {
            bytes.push(b'\n');
        }
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
        file.write_all(&bytes)?;
        file.sync_data()
    }
}

/// Whether the file ends in the middle of a line.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}

fn parse(text: &str) -> Past {
    let mut past = Past::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) if line.version == VERSION => past.scores.push(line.score),
            Ok(_) | Err(_) => past.passed_over += 1,
        }
    }
    let too_many = past.scores.len().saturating_sub(SHOWN_MOST);
    past.scores.drain(..too_many);
    past
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Answered, Miss, Verdict};

    fn score(seed: u64) -> Score {
        Score {
            seed,
            answer: Answered::AimPoint,
            aided: false,
            seconds: 12.25,
            verdict: Verdict::Off(Miss {
                lateral_mm: 1.5,
                elevational_mm: -0.25,
                depth_mm: Some(0.75),
            }),
        }
    }

    #[test]
    fn answers_are_read_back_and_torn_or_alien_lines_are_passed_over_and_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let file = HistoryFile::new(&folder.path().join("below/training.jsonl"));
        assert_eq!(file.load().expect("none yet"), Past::default());
        file.append(&score(1), "2026-01-01T00:00:00Z")
            .expect("kept");
        let path = folder.path().join("below/training.jsonl");
        let mut bytes = std::fs::read(&path).expect("there");
        bytes.extend_from_slice(b"not json\n{\"version\":99}\n{\"version\":1,\"se");
        std::fs::write(&path, &bytes).expect("written");
        file.append(&score(2), "2026-01-01T00:00:01Z")
            .expect("kept");
        let past = file.load().expect("read");
        assert_eq!(past.scores, [score(1), score(2)]);
        assert_eq!(past.passed_over, 3);
        assert!(std::fs::read(&path).expect("there").starts_with(&bytes));
    }

    #[test]
    fn a_history_that_cannot_be_written_says_so() {
        let folder = tempfile::tempdir().expect("folder");
        let file = HistoryFile::new(folder.path());
        let problem = file.append(&score(1), "").expect_err("a folder is no file");
        assert!(problem.to_string().contains("not kept"), "{problem}");
        assert!(file.load().is_err());
    }
}
