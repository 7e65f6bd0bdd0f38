//! The file of settings.
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Settings;
use crate::notice::{Problem, Severity};
use crate::safekeeping;
use crate::words::say;

/// Version of the file written; another one is none of ours.
const VERSION: u32 = 1;
/// A file larger than this is none of ours (a full one has some 4 kB).
const FILE_LIMIT: u64 = 1 << 16;

/// What is wrong with the file of settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsProblem {
    /// It cannot be understood, and was set aside.
    #[error("saved settings: expected {expected}, got {got}; the usual ones hold, the file was set aside as {}", aside.display())]
    Damaged {
        /// What was expected.
        expected: &'static str,
        /// What came.
        got: String,
        /// Where it is now.
        aside: PathBuf,
    },
    /// It cannot be read or moved.
    #[error("saved settings cannot be read, the usual ones hold: {cause}: {}", path.display())]
    Unreadable {
        /// What the operating system said.
        cause: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("settings hold until the end of this run, they could not be saved: {cause}: {}", path.display())]
    Unwritable {
        /// What the operating system said.
        cause: io::Error,
        /// The file.
        path: PathBuf,
    },
}

impl Problem for SettingsProblem {
    fn severity(&self) -> Severity {
        Severity::Warning
    }

    fn hint(&self) -> Option<String> {
        let key = match self {
            Self::Damaged { .. } => "settings-hint-damaged",
            Self::Unreadable { .. } | Self::Unwritable { .. } => "settings-hint-rights",
        };
        Some(say(key))
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u32,
    #[serde(flatten)]
    settings: Settings,
}

/// The version alone: that of a newer file is read although its settings are not understood.
#[derive(Deserialize)]
struct OnlyVersion {
    version: u32,
}

/// The file.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// The settings in this file, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Reads them; those of the first day when there is no file. A file that is not understood is set aside.
    pub fn load(&self) -> Result<Settings, SettingsProblem> {
        let unreadable = |cause| SettingsProblem::Unreadable {
            cause,
            path: self.path.clone(),
        };
        let Some(bytes) = safekeeping::read(&self.path, FILE_LIMIT).map_err(unreadable)? else {
            return Ok(Settings::default());
        };
        parse(&bytes).or_else(|(expected, got)| {
            let aside = safekeeping::set_aside(&self.path).map_err(unreadable)?;
            Err(SettingsProblem::Damaged {
                expected,
                got,
                aside,
            })
        })
    }

    /// Writes them, whole or not at all.
    pub fn save(&self, settings: &Settings) -> Result<(), SettingsProblem> {
        let versioned = Versioned {
            version: VERSION,
            settings: settings.clone(),
        };
        toml::to_string_pretty(&versioned)
            .map_err(io::Error::other)
            .and_then(|text| safekeeping::write(&self.path, text.as_bytes()))
            .map_err(|cause| SettingsProblem::Unwritable {
                cause,
                path: self.path.clone(),
            })
    }
}

/// Settings from bytes, or what was expected and what came.
fn parse(bytes: &[u8]) -> Result<Settings, (&'static str, String)> {
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(("a small file", format!("more than {FILE_LIMIT} bytes")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|cause| ("text", format!("other bytes after {}", cause.valid_up_to())))?;
    let only: OnlyVersion = toml::from_str(text)
        .map_err(|cause| ("TOML with a version", cause.message().to_owned()))?;
    if only.version != VERSION {
        return Err(("version 1", format!("version {}", only.version)));
    }
    toml::from_str::<Versioned>(text)
        .map(|versioned| versioned.settings)
        .map_err(|cause| ("settings of this program", cause.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Way;
    use crate::settings::{Flip, TextSize, Tones};

    fn chosen() -> Settings {
        Settings {
            text: TextSize::Large,
            flip: Flip::On,
            way: Way::LiveInPlane,
            tones: Tones::On,
            last_source: Some("usb:1.4".to_owned()),
            keys: [("freeze".to_owned(), "F9".to_owned())].into(),
            ..Settings::default()
        }
    }

    #[test]
    fn settings_are_read_back_as_they_were_saved() {
        let folder = tempfile::tempdir().expect("folder");
        let file = SettingsFile::new(&folder.path().join("below/settings.toml"));
        assert_eq!(file.load().expect("none yet"), Settings::default());
        file.save(&chosen()).expect("saved");
        assert_eq!(file.load().expect("read"), chosen());
    }

    #[test]
    fn a_file_cut_at_any_byte_gives_settings_or_a_message_and_is_never_lost() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("settings.toml");
        let file = SettingsFile::new(&path);
        file.save(&chosen()).expect("saved");
        let whole = std::fs::read(&path).expect("bytes");
        for end in 0..whole.len() {
            let cut = whole.get(..end).expect("shorter");
            std::fs::write(&path, cut).expect("written");
            match file.load() {
                Ok(_) => assert_eq!(std::fs::read(&path).expect("kept"), cut),
                Err(SettingsProblem::Damaged { aside, .. }) => {
                    assert_eq!(std::fs::read(&aside).expect("kept"), cut);
                    std::fs::remove_file(aside).expect("removed");
                }
                Err(other) => panic!("{end}: {other}"),
            }
        }
    }

    #[test]
    fn alien_files_are_set_aside_with_what_was_expected_and_what_came() {
        for (bytes, word) in [
            (&b"\xff\xfe"[..], "text"),
            (b"version = 2\ntext = \"huge\"\n", "version 2"),
            (
                b"version = 1\ntext = \"huge\"\n",
                "settings of this program",
            ),
            (b"[[picture]]\nmode = 3\n", "TOML with a version"),
            (&vec![b'#'; 70_000], "more than"),
        ] {
            let folder = tempfile::tempdir().expect("folder");
            let path = folder.path().join("settings.toml");
            std::fs::write(&path, bytes).expect("written");
            let problem = SettingsFile::new(&path).load().expect_err("none of ours");
            assert!(problem.to_string().contains(word), "{word}: {problem}");
            assert!(problem.hint().is_some());
            assert!(!path.exists(), "set aside");
        }
    }

    #[test]
    fn no_plan_no_lock_no_pump_and_no_needle_is_ever_remembered() {
        let versioned = Versioned {
            version: VERSION,
            settings: chosen(),
        };
        let table = toml::Table::try_from(versioned).expect("a table");
        let mut names: Vec<&str> = table.keys().map(String::as_str).collect();
        names.sort_unstable();
        let known = [
            "flip",
            "gray_map",
            "keys",
            "last_source",
            "text",
            "tones",
            "version",
            "way",
        ];
        assert_eq!(
            names, known,
            "a new one must be how something is shown, heard or pressed"
        );
    }
}
