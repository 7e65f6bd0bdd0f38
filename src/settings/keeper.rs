//! Keeps the file of settings on a worker of its own: the screen never waits for a disk.
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Settings, SettingsFile};
use crate::notice::Notice;
use crate::stream::{Newest, Taken, Worker};

/// How long the worker waits for a change before it looks whether it was told to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// The settings, and a worker that writes what was changed. Dropping it writes what is still to be written.
#[derive(Debug)]
pub struct SettingsKeeper {
    begun_with: Settings,
    changed: Arc<Newest<Settings>>,
    trouble: Arc<Mutex<Option<String>>>,
    file: SettingsFile,
    worker: Option<Worker>,
}

impl SettingsKeeper {
    /// Reads the file and begins to keep it.
    pub fn start(path: &Path) -> std::io::Result<Self> {
        let file = SettingsFile::new(path);
        let (begun_with, trouble) = match file.load() {
            Ok(settings) => (settings, None),
            Err(problem) => (Settings::default(), Some(Notice::of(&problem).line())),
        };
        let changed: Arc<Newest<Settings>> = Arc::default();
        let trouble = Arc::new(Mutex::new(trouble));
        let worker = {
            let (file, changed, trouble) =
                (file.clone(), Arc::clone(&changed), Arc::clone(&trouble));
            Worker::start("settings", move || match changed.take(PATIENCE) {
                Taken::Value(settings) => {
                    save(&file, &settings, &trouble);
                    ControlFlow::Continue(())
                }
                Taken::Nothing => ControlFlow::Continue(()),
                Taken::Closed => ControlFlow::Break(()),
            })?
        };
        Ok(Self {
            begun_with,
            changed,
            trouble,
            file,
            worker: Some(worker),
        })
    }

    /// The settings as they were read.
    pub fn begun_with(&self) -> &Settings {
        &self.begun_with
    }

    /// Writes these some time soon.
    pub fn put(&self, settings: Settings) {
        // One that was still waiting is older and no loss.
        let _older = self.changed.put(settings);
    }

    /// What is wrong with the file, in words for the screen.
    pub fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for SettingsKeeper {
    fn drop(&mut self) {
        self.worker = None;
        if let Some(settings) = self.changed.try_take() {
            save(&self.file, &settings, &self.trouble);
        }
    }
}

fn save(file: &SettingsFile, settings: &Settings, trouble: &Mutex<Option<String>>) {
    let outcome = file.save(settings).err();
    let told = outcome.map(|problem| Notice::of(&problem).line());
    *trouble.lock().unwrap_or_else(PoisonError::into_inner) = told;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::TextSize;

    #[test]
    fn the_last_change_is_on_the_disk_when_the_keeper_has_gone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("settings.toml");
        let keeper = SettingsKeeper::start(&path).expect("starts");
        assert_eq!(keeper.begun_with(), &Settings::default());
        for text in [TextSize::Large, TextSize::Largest] {
            keeper.put(Settings {
                text,
                ..Settings::default()
            });
        }
        drop(keeper);
        let again = SettingsKeeper::start(&path).expect("starts");
        assert_eq!(again.begun_with().text, TextSize::Largest);
        assert_eq!(again.trouble(), None);
    }

    #[test]
    fn a_torn_file_gives_the_usual_settings_and_a_message() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "version = 1\ntext = \"la").expect("written");
        let keeper = SettingsKeeper::start(&path).expect("starts");
        assert_eq!(keeper.begun_with(), &Settings::default());
        let told = keeper.trouble().expect("told");
        assert!(told.contains("set aside"), "{told}");
    }
}
