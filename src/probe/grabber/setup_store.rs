//! Crops and scales that users gave, kept in a TOML file: one entry a device, mode and depth setting.
//!
//! Written to a file beside it and renamed, so that a power cut leaves the old file or the new one. What this version
//! does not know in it is kept. A file that cannot be read is set aside under another name, never overwritten.
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::device::{DeviceIdentity, Mode};
use crate::frame::{Orientation, PictureSetup, PixelRect, PixelSpacing};
use crate::notice::Problem;
use crate::safekeeping;

/// A file larger than this is none of ours (an entry has some 200 bytes).
const FILE_LIMIT: u64 = 1 << 20;
/// Entries kept for one device and mode; a scanner has a dozen depth settings.
const ENTRIES_LIMIT: usize = 64;
/// Entries kept in all.
const ALL_LIMIT: usize = 1000;
/// Longest name of a depth setting, bytes.
pub(super) const DEPTH_NAME_LIMIT: usize = 60;
const ENTRIES: &str = "picture";
const LAST: &str = "last_used";

/// What is wrong with the file of picture setups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreProblem {
    /// It cannot be read as what it should be, and was set aside.
    #[error(
        "saved crops and scales: expected TOML, got {cause}; none of them is used, the file was set aside as {}",
        aside.display()
    )]
    Damaged {
        /// What is wrong in it.
        cause: String,
        /// Where it is now.
        aside: PathBuf,
    },
    /// It cannot be read or moved.
    #[error("saved crops and scales cannot be read: {cause}: {}", path.display())]
    Unreadable {
        /// What the operating system said.
        cause: String,
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("crop and scale hold until the end of this session, they could not be saved: {cause}: {}", path.display())]
    Unwritable {
        /// What the operating system said.
        cause: String,
        /// The file.
        path: PathBuf,
    },
    /// There is no room for another entry.
    #[error(
        "expected at most {most} saved crops and scales, this would be one more; it is not saved"
    )]
    Full {
        /// Entries at most.
        most: usize,
    },
}

impl Problem for StoreProblem {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Damaged { .. } => {
                "Give crop and scale again, or mend the file and put it back under its name."
            }
            Self::Unreadable { .. } => "Look at the rights of the file and its folder.",
            Self::Unwritable { .. } => {
                "Free some space or look at the rights of the folder, then give crop and scale again."
            }
            Self::Full { .. } => "Remove entries that are not used any more from the file.",
        };
        Some(hint.to_owned())
    }
}

/// The file of picture setups.
#[derive(Clone, Debug)]
pub struct SetupStore {
    path: PathBuf,
}

/// What is saved for one device and mode.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SavedSetups {
    /// By depth setting, in the order of the file.
    pub setups: Vec<PictureSetup>,
    /// The depth setting used last.
    pub last_depth: Option<String>,
}

impl SavedSetups {
    /// The setup used last.
    pub fn last(&self) -> Option<&PictureSetup> {
        let name = self.last_depth.as_ref()?;
        self.setups.iter().find(|s| s.depth_setting == *name)
    }
}

impl SetupStore {
    /// The store in this file, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// What is saved for a device and mode. Entries that cannot be understood are passed over and kept.
    pub fn load(&self, device: &DeviceIdentity, mode: &Mode) -> Result<SavedSetups, StoreProblem> {
        let file = self.read()?;
        let setups = entries(&file, ENTRIES)
            .filter(|entry| is_for(entry, device, mode))
            .filter_map(|entry| setup_of(entry, mode))
            .take(ENTRIES_LIMIT)
            .collect();
        let last_depth = entries(&file, LAST)
            .find(|entry| is_for(entry, device, mode))
            .and_then(|entry| text(entry, "depth_setting"))
            .map(str::to_owned);
        Ok(SavedSetups { setups, last_depth })
    }

    /// Saves a setup under its device, mode and depth setting, in place of an older one, and remembers that it was
    /// used last.
    pub fn save(
        &self,
        device: &DeviceIdentity,
        mode: &Mode,
        setup: &PictureSetup,
    ) -> Result<(), StoreProblem> {
        let mut file = self.read()?;
        let depth = setup.depth_setting.as_str();
        put(&mut file, ENTRIES, |entry| {
            is_for(entry, device, mode) && text(entry, "depth_setting") == Some(depth)
        })
        .map(|entry| {
            describe(entry, device, mode);
            write_setup(entry, setup);
        })
        .ok_or(StoreProblem::Full { most: ALL_LIMIT })?;
        put(&mut file, LAST, |entry| is_for(entry, device, mode))
            .map(|entry| {
                describe(entry, device, mode);
                insert(entry, "depth_setting", depth);
            })
            .ok_or(StoreProblem::Full { most: ALL_LIMIT })?;
        self.write(&file).map_err(|cause| StoreProblem::Unwritable {
            cause: cause.to_string(),
            path: self.path.clone(),
        })
    }

    fn read(&self) -> Result<Table, StoreProblem> {
        let unreadable = |cause: io::Error| StoreProblem::Unreadable {
            cause: cause.to_string(),
            path: self.path.clone(),
        };
        let Some(bytes) = safekeeping::read(&self.path, FILE_LIMIT).map_err(unreadable)? else {
            return Ok(Table::new());
        };
        let parsed = if bytes.len() as u64 > FILE_LIMIT {
            Err(format!("more than {FILE_LIMIT} bytes"))
        } else {
            parse(&bytes)
        };
        parsed.or_else(|cause| {
            let aside = safekeeping::set_aside(&self.path).map_err(unreadable)?;
            Err(StoreProblem::Damaged { cause, aside })
        })
    }

    fn write(&self, file: &Table) -> io::Result<()> {
        let text = toml::to_string_pretty(file).map_err(io::Error::other)?;
        if text.len() as u64 > FILE_LIMIT {
            return Err(io::Error::other(format!("more than {FILE_LIMIT} bytes")));
        }
        safekeeping::write(&self.path, text.as_bytes())
    }
}

fn parse(bytes: &[u8]) -> Result<Table, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|cause| format!("bytes that are no text after byte {}", cause.valid_up_to()))?;
    let file: Table = toml::from_str(text).map_err(|cause| cause.message().to_owned())?;
    for list in [ENTRIES, LAST] {
        let sound = match file.get(list) {
            None => true,
            Some(Value::Array(entries)) => entries.iter().all(Value::is_table),
            Some(_) => false,
        };
        if !sound {
            return Err(format!("`{list}` that is no list of tables"));
        }
    }
    Ok(file)
}

fn entries<'a>(file: &'a Table, list: &str) -> impl Iterator<Item = &'a Table> + use<'a> {
    file.get(list)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_table)
}

/// The entry that fits, or a new one; `None` when there is no room.
fn put<'a>(
    file: &'a mut Table,
    list: &str,
    fits: impl Fn(&Table) -> bool,
) -> Option<&'a mut Table> {
    let entries = file
        .entry(list)
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()?;
    let place = entries
        .iter()
        .position(|entry| entry.as_table().is_some_and(&fits));
    let place = if let Some(place) = place {
        place
    } else {
        if entries.len() >= ALL_LIMIT {
            return None;
        }
        entries.push(Value::Table(Table::new()));
        entries.len() - 1
    };
    entries.get_mut(place)?.as_table_mut()
}

fn text<'a>(entry: &'a Table, key: &str) -> Option<&'a str> {
    entry.get(key)?.as_str()
}

fn insert(entry: &mut Table, key: &str, value: impl Into<Value>) {
    entry.insert(key.to_owned(), value.into());
}

fn is_for(entry: &Table, device: &DeviceIdentity, mode: &Mode) -> bool {
    let saved = DeviceIdentity {
        card: text(entry, "card").unwrap_or_default().to_owned(),
        bus_info: text(entry, "place").unwrap_or_default().to_owned(),
        serial: text(entry, "serial").map(str::to_owned),
        driver: String::new(),
    };
    saved.is_same(device) && text(entry, "mode") == Some(mode.name().as_str())
}

fn describe(entry: &mut Table, device: &DeviceIdentity, mode: &Mode) {
    insert(entry, "card", device.card.as_str());
    insert(entry, "place", device.bus_info.as_str());
    if let Some(serial) = &device.serial {
        insert(entry, "serial", serial.as_str());
    }
    insert(entry, "mode", mode.name());
}

/// The setup of an entry; `None` if anything in it is no crop, scale or orientation of such a picture.
fn setup_of(entry: &Table, mode: &Mode) -> Option<PictureSetup> {
    let crop = match entry.get("crop") {
        None => None,
        Some(value) => {
            let side = |key: &str| u32::try_from(value.get(key)?.as_integer()?).ok();
            let rect = PixelRect {
                x: side("x")?,
                y: side("y")?,
                width: side("width")?,
                height: side("height")?,
            };
            Some(rect.within(mode.width, mode.height)?)
        }
    };
    let spacing = match entry.get("mm_per_px") {
        None => None,
        Some(value) => {
            let figure = |key: &str| value.get(key)?.as_float();
            Some(PixelSpacing::new(figure("lateral")?, figure("axial")?)?)
        }
    };
    let orientation: Orientation = text(entry, "orientation")?.parse().ok()?;
    Some(PictureSetup {
        depth_setting: text(entry, "depth_setting")?.to_owned(),
        crop,
        spacing,
        orientation,
    })
}

fn write_setup(entry: &mut Table, setup: &PictureSetup) {
    insert(entry, "depth_setting", setup.depth_setting.as_str());
    insert(entry, "orientation", setup.orientation.letters());
    entry.remove("crop");
    if let Some(crop) = setup.crop {
        let mut sides = Table::new();
        for (key, side) in [
            ("x", crop.x),
            ("y", crop.y),
            ("width", crop.width),
            ("height", crop.height),
        ] {
            insert(&mut sides, key, i64::from(side));
        }
        insert(entry, "crop", sides);
    }
    entry.remove("mm_per_px");
    if let Some(spacing) = setup.spacing {
        let mut figures = Table::new();
        insert(&mut figures, "lateral", spacing.lateral.0);
        insert(&mut figures, "axial", spacing.axial.0);
        insert(entry, "mm_per_px", figures);
    }
}

#[cfg(test)]
mod tests {
    use super::super::device::PixelFormat;
    use super::*;

    fn device(serial: Option<&str>) -> DeviceIdentity {
        DeviceIdentity {
            card: "USB Video".to_owned(),
            bus_info: "usb-0000:00:14.0-2".to_owned(),
            serial: serial.map(str::to_owned),
            driver: "uvcvideo".to_owned(),
        }
    }

    fn mode(width: u32, height: u32) -> Mode {
        Mode {
            format: PixelFormat::Yuyv,
            width,
            height,
            interval: None,
        }
    }

    fn setup(depth: &str, spacing: f64) -> PictureSetup {
        PictureSetup {
            depth_setting: depth.to_owned(),
            crop: Some(PixelRect {
                x: 100,
                y: 50,
                width: 400,
                height: 380,
            }),
            spacing: PixelSpacing::new(spacing, spacing),
            orientation: Orientation::Un,
        }
    }

    #[test]
    fn setups_come_back_by_device_mode_and_depth_setting() {
        let folder = tempfile::tempdir().expect("folder");
        let store = SetupStore::new(&folder.path().join("new/grabbers.toml"));
        let (stick, small) = (device(None), mode(640, 480));
        assert_eq!(store.load(&stick, &small), Ok(SavedSetups::default()));
        for depth in [setup("6 cm", 0.15), setup("8 cm", 0.2), setup("6 cm", 0.16)] {
            store.save(&stick, &small, &depth).expect("saved");
        }
        let saved = store.load(&stick, &small).expect("loaded");
        assert_eq!(saved.setups, [setup("6 cm", 0.16), setup("8 cm", 0.2)]);
        assert_eq!(saved.last(), Some(&setup("6 cm", 0.16)));
        // Another mode, and the same stick in another place, are other pictures.
        assert!(
            store
                .load(&stick, &mode(720, 480))
                .expect("loaded")
                .setups
                .is_empty()
        );
        let mut elsewhere = device(None);
        elsewhere.bus_info = "usb-0000:00:14.0-3".to_owned();
        assert!(
            store
                .load(&elsewhere, &small)
                .expect("loaded")
                .setups
                .is_empty()
        );
        let only: Vec<_> = std::fs::read_dir(folder.path().join("new"))
            .expect("folder")
            .collect();
        assert_eq!(only.len(), 1, "no draft stays behind");
    }

    #[test]
    fn what_is_not_known_in_the_file_is_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("grabbers.toml");
        let store = SetupStore::new(&path);
        let stick = device(Some("7"));
        store
            .save(&stick, &mode(640, 480), &setup("6 cm", 0.15))
            .expect("saved");
        let text = std::fs::read_to_string(&path).expect("text");
        let text = format!(
            "later = \"kept\"\n{}",
            text.replace("[[picture]]", "[[picture]]\nnote = \"left port\"")
        );
        std::fs::write(&path, text).expect("written");
        store
            .save(&stick, &mode(640, 480), &setup("6 cm", 0.17))
            .expect("saved");
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(
            text.contains("later = \"kept\"") && text.contains("note = \"left port\""),
            "{text}"
        );
        let saved = store.load(&stick, &mode(640, 480)).expect("loaded");
        assert_eq!(saved.setups, [setup("6 cm", 0.17)]);
    }

    #[test]
    fn a_torn_file_is_told_once_and_set_aside_word_for_word() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("grabbers.toml");
        let store = SetupStore::new(&path);
        let stick = device(None);
        store
            .save(&stick, &mode(640, 480), &setup("6 cm", 0.15))
            .expect("saved");
        let whole = std::fs::read(&path).expect("bytes");
        for (round, cut) in [whole.len() - 3, whole.len() - 20].into_iter().enumerate() {
            let torn = [&whole[..cut], b"\xff\x00"].concat();
            std::fs::write(&path, &torn).expect("written");
            let problem = store
                .load(&stick, &mode(640, 480))
                .expect_err("it cannot be read");
            let StoreProblem::Damaged { aside, .. } = &problem else {
                panic!("{problem}");
            };
            assert_eq!(std::fs::read(aside).expect("set aside"), torn);
            assert!(problem.hint().is_some());
            assert!(!path.exists(), "round {round}");
            assert_eq!(
                store.load(&stick, &mode(640, 480)),
                Ok(SavedSetups::default())
            );
        }
        store
            .save(&stick, &mode(640, 480), &setup("8 cm", 0.2))
            .expect("a new file");
    }

    #[test]
    fn entries_that_make_no_sense_are_passed_over_and_a_place_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("grabbers.toml");
        let store = SetupStore::new(&path);
        let stick = device(None);
        store
            .save(&stick, &mode(640, 480), &setup("6 cm", 0.15))
            .expect("saved");
        let text = std::fs::read_to_string(&path).expect("text");
        for (from, to) in [
            ("width = 400", "width = 4000"),
            ("x = 100", "x = -1"),
            ("axial = 0.15", "axial = 99.0"),
            ("\"UN\"", "\"XX\""),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            std::fs::write(&path, text.replace(from, to)).expect("written");
            let saved = store.load(&stick, &mode(640, 480)).expect("readable");
            assert!(saved.setups.is_empty(), "{to}");
        }
        let blocked = SetupStore::new(&path.join("below/a/file.toml"));
        assert!(matches!(
            blocked.save(&stick, &mode(640, 480), &setup("6 cm", 0.15)),
            Err(StoreProblem::Unwritable { .. } | StoreProblem::Unreadable { .. })
        ));
    }
}
