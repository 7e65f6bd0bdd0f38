//! A whole refill on a virtual patient by the built program, and what it leaves behind.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portsight"))
        .current_dir(folder)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", folder)
        .args(arguments)
        .output()
        .expect("program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn journal(session: &Path) -> Vec<Value> {
    std::fs::read_to_string(session.join("journal.jsonl"))
        .expect("journal")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect()
}

/// What a journal says beside times and what hangs on them: first the refill, then what the picture gave. When an entry
/// is on the disk depends on the machine, and with it which of the two comes first.
fn timeless(session: &Path) -> [Vec<Value>; 2] {
    let mut entries = journal(session);
    for entry in &mut entries {
        let entry = entry.as_object_mut().expect("an object");
        for field in ["utc", "t", "chain", "seq"] {
            entry.remove(field);
        }
    }
    let of = |kinds: &[&str]| {
        entries
            .iter()
            .filter(|entry| kinds.iter().any(|kind| entry["event"] == *kind))
            .cloned()
            .collect()
    };
    [
        of(&["refill"]),
        of(&[
            "lock_gained",
            "lock_lost",
            "path_suggested",
            "guidance_withheld",
            "plane_confirmed",
            "plane_refused",
        ]),
    ]
}

#[test]
fn a_rehearsed_refill_leaves_a_session_that_holds_and_shows_every_change() {
    let folder = tempfile::tempdir().expect("folder");
    let arguments = ["rehearse", "--preset", "scar", "--seed", "7", "--out", "s"];
    let out = run(folder.path(), &arguments);
    let said = text(&out.stdout);
    assert!(out.status.success(), "{said}{}", text(&out.stderr));
    assert!(said.contains("every step gone through"), "{said}");
    let session = folder.path().join("s");
    for file in [
        "session.json",
        "journal.jsonl",
        "recording.mha",
        "report.json",
        "report.html",
        "report.pdf",
        "images/001.png",
    ] {
        let length = std::fs::metadata(session.join(file)).map_or(0, |m| m.len());
        assert!(length > 100, "{file} has {length} bytes");
    }
    let report: Value =
        serde_json::from_slice(&std::fs::read(session.join("report.json")).expect("report"))
            .expect("json");
    assert_eq!(report["outcome"], "completed");
    assert_eq!(report["who"]["study_code"], "R-scar-7");
    assert_eq!(report["passed_over"], serde_json::json!([]));
    assert_eq!(report["localisation"]["provisional"], false);
    let kept: Vec<&str> = report["images"]
        .as_array()
        .expect("images")
        .iter()
        .filter_map(|image| image["why"].as_str())
        .collect();
    for why in [
        "baseline",
        "first_plane",
        "second_plane",
        "path",
        "after_filling",
    ] {
        assert!(kept.contains(&why), "{why} is missing in {kept:?}");
    }
    every_change_shows(folder.path(), &session);

    let again = run(
        folder.path(),
        &["rehearse", "--preset", "scar", "--seed", "7", "--out", "t"],
    );
    assert!(again.status.success(), "{}", text(&again.stderr));
    let [first, second] = [timeless(&session), timeless(&folder.path().join("t"))];
    assert!(first[0].len() > 25 && first[1].len() > 5, "{first:?}");
    assert_eq!(first, second);
}

/// `verify` holds as it is, and names file and entry after one byte of anything was changed.
fn every_change_shows(folder: &Path, session: &Path) {
    let verify = |what: &str| {
        let out = run(folder, &["verify", what]);
        (out.status.code(), text(&out.stdout) + &text(&out.stderr))
    };
    assert_eq!(verify("s").0, Some(0), "{}", verify("s").1);
    for file in ["s/report.pdf", "s/images/002.png", "s/journal.jsonl"] {
        assert_eq!(verify(file).0, Some(0), "{}", verify(file).1);
    }
    for (file, at) in [
        ("report.pdf", 1000),
        ("images/002.png", 500),
        ("session.json", 20),
        ("recording.mha", 4000),
    ] {
        let path = session.join(file);
        let sound = std::fs::read(&path).expect("file");
        let mut changed = sound.clone();
        *changed.get_mut(at).expect("long enough") ^= 1;
        std::fs::write(&path, &changed).expect("written");
        for asked in ["s".to_owned(), format!("s/{file}")] {
            let (status, said) = verify(&asked);
            assert_eq!(status, Some(1), "{said}");
            assert!(said.contains(file) && said.contains("entry"), "{said}");
        }
        std::fs::write(&path, &sound).expect("written");
    }
    let path = session.join("journal.jsonl");
    let sound = std::fs::read(&path).expect("journal");
    let at = sound.len() / 2;
    let entry = sound
        .split_at(at)
        .0
        .split(|b| *b == b'\n')
        .count()
        .saturating_sub(1);
    let mut changed = sound.clone();
    *changed.get_mut(at).expect("long enough") ^= 1;
    std::fs::write(&path, &changed).expect("written");
    let (status, said) = verify("s");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("journal.jsonl"), "{said}");
    assert!(
        said.contains(&format!("entry {entry} is the first")),
        "{said}"
    );
    std::fs::write(&path, &sound).expect("written");
}

#[test]
fn without_a_port_the_rehearsal_ends_before_any_puncture() {
    let folder = tempfile::tempdir().expect("folder");
    let out = run(
        folder.path(),
        &["rehearse", "--preset", "no-pump", "--out", "s"],
    );
    let said = text(&out.stdout);
    assert!(out.status.success(), "{said}{}", text(&out.stderr));
    assert!(said.contains("ended at step 3"), "{said}");
    let entries = journal(&folder.path().join("s"));
    let punctured = entries.iter().any(|e| e["what"] == "punctured");
    assert!(!punctured, "nothing was to be punctured");
    let taken = run(folder.path(), &["rehearse", "--out", "s"]);
    assert_eq!(
        taken.status.code(),
        Some(1),
        "an old session is not touched"
    );
}
