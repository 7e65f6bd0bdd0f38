//! The house rules that can be checked: who looks at whom, how long a file is, what a file is called.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::path::{Path, PathBuf};

/// Rooms in reading order; a room looks only at rooms above it.
const ROOMS: &[&str] = &[
    "clock",
    "notice",
    "safekeeping",
    "space",
    "words",
    "frame",
    "pump",
    "stream",
    "exchange",
    "probe",
    "recording",
    "simulate",
    "image",
    "calibrate",
    "detect",
    "guide",
    "overlay",
    "procedure",
    "report",
    "training",
    "settings",
    "sound",
    "engine",
    "view",
    "evidence",
    "cli",
];
/// The rooms that are pure: no I/O, no clock, no thread.
const PURE: &[&str] = &["space", "image", "calibrate", "detect", "guide", "overlay"];
const LONGEST_FILE: usize = 600;
const BANNED_NAMES: &[&str] = &["utils", "helpers", "common", "misc", "types"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| e.expect("entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn every_source() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root.join("src"))
                .expect("below src")
                .to_string_lossy()
                .replace('\\', "/");
            (name, std::fs::read_to_string(&path).expect("source"))
        })
        .collect()
}

fn room_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The part of a file that ships: what stands before its test module.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn looks_at(text: &str) -> Vec<String> {
    text.match_indices("crate::")
        .filter(|(at, _)| !text[..*at].ends_with('$'))
        .map(|(at, _)| {
            text[at + "crate::".len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn the_floor_plan_in_lib_is_the_one_checked_here() {
    let lib = include_str!("../../src/lib.rs");
    let declared: Vec<&str> = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(declared, ROOMS);
}

#[test]
fn a_room_looks_only_at_rooms_above_it() {
    let place = |room: &str| ROOMS.iter().position(|r| *r == room);
    for (file, text) in every_source() {
        let Some(own) = place(room_of(&file)) else {
            continue;
        };
        let code: String = shipped(&text)
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for room in looks_at(&code) {
            let Some(other) = place(&room) else { continue };
            assert!(other <= own, "{file} looks down at {room}");
        }
    }
}

#[test]
fn files_have_a_first_line_a_decent_length_and_a_name_that_says_something() {
    for (file, text) in every_source() {
        assert!(
            text.starts_with("//!"),
            "{file} does not say what it is for"
        );
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{file} has {lines} lines");
        let stem = file.rsplit('/').next().unwrap_or(&file);
        let stem = stem.strip_suffix(".rs").unwrap_or(stem);
        assert!(
            !BANNED_NAMES.contains(&stem),
            "{file} has a name that says nothing"
        );
    }
}

#[test]
fn pure_rooms_read_no_clock_start_no_thread_and_touch_no_file() {
    for (file, text) in every_source() {
        if !PURE.contains(&room_of(&file)) {
            continue;
        }
        for banned in [
            "std::fs",
            "std::net",
            "std::thread",
            "Instant",
            "SystemTime",
            "HashMap",
            "HashSet",
            "mul_add",
        ] {
            assert!(!shipped(&text).contains(banned), "{file} uses {banned}");
        }
    }
}

#[test]
fn special_crates_stay_in_their_rooms() {
    let homes: &[(&str, &[&str])] = &[
        ("rusb::", &["probe/usb/"]),
        (
            "rustix::",
            &[
                "probe/grabber/v4l2/",
                "procedure/folder.rs",
                "recording/disk.rs",
            ],
        ),
        ("krilla::", &["report/pdf.rs"]),
        ("mcap::", &["recording/"]),
        ("zstd::", &["recording/"]),
        ("hound::", &["sound/wave.rs"]),
        // Other programs are started in one place only.
        ("Stdio::", &["sound/player.rs"]),
        ("maud::", &["report/html.rs"]),
        ("eframe::", &["view/"]),
        ("egui::", &["view/"]),
        ("std::thread::Builder", &["stream/worker.rs"]),
        (
            "unsafe {",
            &[
                "probe/usb/transfers.rs",
                "probe/grabber/v4l2/mod.rs",
                "image/simd.rs",
                "detect/simd.rs",
            ],
        ),
    ];
    for (file, text) in every_source() {
        for (word, home) in homes {
            let at_home = home.iter().any(|h| file.starts_with(h));
            assert!(
                at_home || !shipped(&text).contains(word),
                "{file} uses {word}"
            );
        }
    }
}

#[test]
fn nothing_ever_says_no_pocket_fill_and_no_dose_is_computed() {
    let words = include_str!("../../assets/i18n/en.ftl").to_lowercase();
    assert!(!words.contains("no pocket fill"));
    for (file, text) in every_source() {
        let text = shipped(&text).to_lowercase();
        let code: String = text
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect();
        assert!(!code.contains("no pocket fill"), "{file}");
    }
}
