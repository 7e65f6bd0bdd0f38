//! Plays tones through a program of this machine: no sound library is needed to build or to start.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Tone, wave};
use crate::stream::{Queue, Taken, Worker};

/// Programs that play a WAV file, in the order in which they are looked for.
const PROGRAMS: [&str; 3] = ["pw-play", "paplay", "aplay"];
/// A tone is over in half a second; a program that takes longer than this is ended.
const LONGEST: Duration = Duration::from_secs(3);
/// How often it is looked whether the program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_millis(100);
/// Tones that wait behind the one that is heard: an old tone says nothing about now.
const WAITING: usize = 1;

/// What can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A program of this name plays tones.
    Ready(String),
    /// None is installed.
    NoProgram,
    /// The program did not play the last tone, and why.
    Failed(String),
}

/// A device that plays tones. Neither call waits.
pub trait Speaker: Send + Sync {
    /// Plays a tone; one that cannot be played now is left out.
    fn play(&self, tone: Tone);
    /// What can be heard.
    fn standing(&self) -> Standing;
}

/// A program of this machine as a speaker. Dropping it ends the program.
#[derive(Debug)]
pub struct Player {
    tones: Queue<Tone>,
    standing: Arc<Mutex<Standing>>,
    worker: Option<Worker>,
}

impl Player {
    /// Looks for a program in the folders of `path` (as in PATH); tones are written into `folder` when the first one
    /// is played.
    pub fn start(path: Option<&OsStr>, folder: &Path) -> std::io::Result<Self> {
        let program = path.and_then(find);
        let standing = Arc::new(Mutex::new(match &program {
            Some((name, _)) => Standing::Ready((*name).to_owned()),
            None => Standing::NoProgram,
        }));
        let tones = Queue::new(WAITING);
        let worker = program
            .map(|(name, program)| {
                let (tones, standing) = (tones.clone(), Arc::clone(&standing));
                let folder = folder.to_owned();
                let mut files = BTreeMap::new();
                Worker::start("sound", move || match tones.take(PATIENCE) {
                    Taken::Value(tone) => {
                        let said = match play(&program, &folder, tone, &mut files) {
                            Ok(()) => Standing::Ready(name.to_owned()),
                            Err(why) => Standing::Failed(format!("{name}: {why}")),
                        };
                        *standing.lock().unwrap_or_else(PoisonError::into_inner) = said;
                        ControlFlow::Continue(())
                    }
                    Taken::Nothing => ControlFlow::Continue(()),
                    Taken::Closed => ControlFlow::Break(()),
                })
            })
            .transpose()?;
        Ok(Self {
            tones,
            standing,
            worker,
        })
    }
}

impl Speaker for Player {
    fn play(&self, tone: Tone) {
        if self.worker.is_some() {
            // A full queue means that tones come faster than they are played: the screen says it all the same.
            let _left_out = self.tones.put(tone);
        }
    }

    fn standing(&self) -> Standing {
        self.standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn find(path: &OsStr) -> Option<(&'static str, PathBuf)> {
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    PROGRAMS.into_iter().find_map(|name| {
        let found = folders.iter().map(|folder| folder.join(name));
        let program = found.into_iter().find(|program| program.is_file())?;
        Some((name, program))
    })
}

/// Plays one tone to its end, or ends the program that does not.
fn play(
    program: &Path,
    folder: &Path,
    tone: Tone,
    files: &mut BTreeMap<Tone, PathBuf>,
) -> Result<(), String> {
    let file = if let Some(file) = files.get(&tone) {
        file.clone()
    } else {
        let file = folder.join(format!("tone-{tone:?}.wav"));
        let bytes = wave(tone).ok_or("the tone was not made")?;
        crate::safekeeping::write(&file, &bytes).map_err(|cause| cause.to_string())?;
        files.insert(tone, file.clone());
        file
    };
    let mut child = Command::new(program)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| cause.to_string())?;
    let mut waited = Duration::ZERO;
    while waited < LONGEST {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("ended with {status}")),
            Ok(None) => {}
            Err(cause) => return Err(cause.to_string()),
        }
        std::thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
    let ended = child.kill().and_then(|()| child.wait());
    let how = ended.map_or_else(|cause| cause.to_string(), |_| "ended".to_owned());
    Err(format!("took longer than {} s: {how}", LONGEST.as_secs()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A program that writes down what it was asked to play, or fails.
    fn program(folder: &Path, name: &str, script: &str) {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        let rights = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, rights).expect("may be run");
    }

    fn until(what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if is_so() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never came about: {what}");
    }

    #[test]
    fn a_tone_is_played_through_the_first_program_there_is() {
        let folder = tempfile::tempdir().expect("folder");
        let played = folder.path().join("played");
        let script = format!("test -s \"$1\" && echo \"$1\" >> {}", played.display());
        program(folder.path(), "aplay", &script);
        let path = folder.path().as_os_str();
        let player = Player::start(Some(path), &folder.path().join("tones")).expect("starts");
        assert_eq!(player.standing(), Standing::Ready("aplay".to_owned()));
        player.play(Tone::LockLost);
        until("played", || played.exists());
        let text = std::fs::read_to_string(played).expect("text");
        assert!(text.contains("tone-LockLost.wav"), "{text}");
    }

    #[test]
    fn without_a_program_nothing_is_played_and_it_says_so() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().as_os_str();
        let player = Player::start(Some(path), folder.path()).expect("starts");
        player.play(Tone::NotLive);
        assert_eq!(player.standing(), Standing::NoProgram);
    }

    #[test]
    fn a_program_that_fails_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        program(folder.path(), "paplay", "exit 3");
        let path = folder.path().as_os_str();
        let player = Player::start(Some(path), folder.path()).expect("starts");
        player.play(Tone::PathGone);
        until("told", || matches!(player.standing(), Standing::Failed(_)));
    }
}
