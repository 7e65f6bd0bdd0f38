//! The command line as a user meets it: the built program, its output and its exit status.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::program::program;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder)
        .args(arguments)
        .output()
        .expect("program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn simulated(folder: &Path, preset: &str, seconds: &str) -> PathBuf {
    let name = format!("{preset}.mha");
    let out = run(
        folder,
        &[
            "simulate",
            "--preset",
            preset,
            "--seed",
            "5",
            "--seconds",
            seconds,
            "--out",
            &name,
        ],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    folder.join(name)
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes)
        .lines()
        .map(|l| serde_json::from_str(l).expect("one JSON object a line"))
        .collect()
}

const KEYS: [&str; 16] = [
    "frame",
    "time_s",
    "units",
    "state",
    "confidence",
    "port",
    "other_port",
    "face",
    "surface",
    "path",
    "withheld",
    "needle",
    "fluid",
    "contact",
    "contact_parts",
    "hints",
];

#[test]
fn without_a_verb_and_a_display_the_job_is_done_headless_and_leaves_picture_advice_and_journal() {
    let folder = tempfile::tempdir().expect("folder");
    let out = run(folder.path(), &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    assert!(
        said.contains("No display") && said.contains("Not a medical device"),
        "{said}"
    );
    let demo = folder.path().join("portsight-demo");
    let picture = ::image::open(demo.join("picture.png")).expect("a PNG");
    assert!(picture.width() >= 1000);
    let advice = lines(&std::fs::read(demo.join("advice.jsonl")).expect("advice"));
    let locked = advice.iter().filter(|l| l["state"] == "locked").count();
    let paths = advice.iter().filter(|l| l["path"].is_object()).count();
    assert!(locked > 100, "{locked} of {} frames locked", advice.len());
    assert!(paths > 50, "a path in {paths} frames");
    let journal = std::fs::read_dir(&demo)
        .expect("folder")
        .filter_map(Result::ok)
        .find(|e| e.file_name().to_string_lossy().starts_with("session-"))
        .expect("journal");
    let journal = lines(&std::fs::read(journal.path().join("journal.jsonl")).expect("journal"));
    let events: Vec<&str> = journal.iter().filter_map(|e| e["event"].as_str()).collect();
    for wanted in [
        "session_started",
        "lock_gained",
        "path_suggested",
        "session_ended",
    ] {
        assert!(
            events.contains(&wanted),
            "{wanted} is missing in {events:?}"
        );
    }
}

#[test]
fn two_runs_of_analyze_give_identical_bytes_and_every_promised_key() {
    let folder = tempfile::tempdir().expect("folder");
    simulated(folder.path(), "easy", "1");
    let arguments = [
        "analyze",
        "easy.mha",
        "--pump",
        "synchromed2-20",
        "--needle",
        "22G:51",
    ];
    let first = run(folder.path(), &arguments);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let to_file = run(
        folder.path(),
        &[arguments.as_slice(), &["--out", "advice.jsonl"]].concat(),
    );
    assert!(to_file.status.success());
    let second = std::fs::read(folder.path().join("advice.jsonl")).expect("file");
    assert_eq!(first.stdout, second);
    let lines = lines(&first.stdout);
    assert_eq!(lines.len(), 26);
    for line in &lines[..25] {
        for key in KEYS {
            assert!(line.get(key).is_some(), "{key} is missing in {line}");
        }
        let withheld = line["withheld"].as_array().expect("list");
        assert_eq!(line["path"].is_null(), !withheld.is_empty(), "{line}");
        let has_port = matches!(line["state"].as_str(), Some("candidate" | "locked"));
        assert_eq!(line["port"].is_object(), has_port, "{line}");
    }
    assert_eq!(lines[25]["summary"]["frames"], 25);
}

#[test]
fn a_picture_without_scale_is_read_in_pixels_and_gets_no_path() {
    let folder = tempfile::tempdir().expect("folder");
    let picture = ::image::GrayImage::from_fn(300, 240, |x, y| {
        let speckle = (x * 7919 + y * 104_729 + x * y * 31) % 60;
        ::image::Luma([if (118..122).contains(&y) {
            250
        } else {
            speckle as u8
        }])
    });
    picture.save(folder.path().join("a.png")).expect("saved");
    let out = run(
        folder.path(),
        &[
            "analyze",
            "a.png",
            "--pump",
            "synchromed2-20",
            "--needle",
            "22G:51",
        ],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    let line = &lines(&out.stdout)[0];
    assert_eq!(line["units"], "px");
    assert_eq!(line["withheld"][0], "no_scale");
    assert!(line["path"].is_null() && line["port"].is_null());
    assert_eq!(line["time_s"], Value::Null);
    let surface = &line["surface"];
    let left = surface["left_px"][1].as_f64().expect("a surface in pixels");
    assert!((left - 120.0).abs() < 4.0, "{line}");
    let scaled = run(
        folder.path(),
        &["analyze", "a.png", "--mm-per-px", "0.1,0.1"],
    );
    assert_eq!(lines(&scaled.stdout)[0]["units"], "mm");
}

#[test]
fn exit_statuses_are_0_for_help_1_for_bad_input_and_2_for_bad_usage() {
    let folder = tempfile::tempdir().expect("folder");
    let status = |arguments: &[&str]| run(folder.path(), arguments).status.code();
    assert_eq!(status(&["--help"]), Some(0));
    assert_eq!(status(&["--version"]), Some(0));
    assert_eq!(status(&["analyze", "--help"]), Some(0));
    assert_eq!(status(&["analyze"]), Some(2));
    assert_eq!(status(&["juggle"]), Some(2));
    assert_eq!(status(&["analyze", "x.mha", "--needle", "thick"]), Some(2));
    assert_eq!(status(&["live", "--source", "virtual:nobody"]), Some(2));
    assert_eq!(status(&["analyze", "missing.mha"]), Some(1));
    assert_eq!(
        status(&["analyze", "missing.mha", "--pump", "bicycle"]),
        Some(1)
    );
    assert_eq!(status(&["evaluate", "."]), Some(1));
}

#[test]
fn a_probe_named_on_the_command_line_is_never_replaced_by_the_virtual_patient() {
    let folder = tempfile::tempdir().expect("folder");
    for source in ["usb", "usb:1.4", "v4l2:/dev/video0", "igtl:localhost"] {
        let out = run(
            folder.path(),
            &[
                "live",
                "--source",
                source,
                "--headless",
                "--frames",
                "5",
                "--wait",
                "1",
            ],
        );
        assert_eq!(out.status.code(), Some(1), "{source}");
        assert!(text(&out.stderr).contains(source), "{}", text(&out.stderr));
        assert!(!text(&out.stdout).contains("5 frames read"));
    }
}

#[test]
fn a_live_session_without_a_window_reads_as_many_frames_as_asked() {
    let folder = tempfile::tempdir().expect("folder");
    let out = run(
        folder.path(),
        &[
            "live",
            "--source",
            "virtual:deep",
            "--headless",
            "--frames",
            "20",
            "--json",
            "a.jsonl",
        ],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    let lines = lines(&std::fs::read(folder.path().join("a.jsonl")).expect("lines"));
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[20]["summary"]["frames"], 20);
}

#[test]
fn the_truth_beside_a_simulation_is_what_evaluate_reads() {
    let folder = tempfile::tempdir().expect("folder");
    simulated(folder.path(), "easy", "1.2");
    simulated(folder.path(), "no-pump", "0.6");
    let out = run(folder.path(), &["evaluate", ".", "--json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let table: Value = serde_json::from_slice(&out.stdout).expect("json");
    assert_eq!(table["cases"].as_array().map(Vec::len), Some(2));
    assert_eq!(table["cases"][0]["visible"], 26);
    assert_eq!(table["cases"][1]["visible"], 0);
    assert_eq!(table["all"]["false_locks"], 0);
    let found = table["cases"][0]["found"].as_u64().expect("count");
    assert!(found >= 20, "{table}");
}

#[test]
fn a_snapshot_is_a_picture_and_a_frame_beyond_the_end_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    simulated(folder.path(), "tilted", "0.4");
    let out = run(
        folder.path(),
        &["snapshot", "tilted.mha", "--frame", "3", "--out", "s.png"],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(::image::open(folder.path().join("s.png")).is_ok());
    let out = run(
        folder.path(),
        &["snapshot", "tilted.mha", "--frame", "99", "--out", "t.png"],
    );
    assert_eq!(out.status.code(), Some(1));
    assert!(
        text(&out.stderr).contains("the file has 10"),
        "{}",
        text(&out.stderr)
    );
}

#[test]
fn a_broken_fascia_over_a_layer_at_twice_its_depth_is_not_locked() {
    let folder = tempfile::tempdir().expect("folder");
    let out = run(
        folder.path(),
        &["evaluate", "--virtual", "1", "--seed", "7024", "--json"],
    );
    let table: Value = serde_json::from_slice(&out.stdout).expect("json");
    assert_eq!(table["all"]["empty"], 90, "the patient has no pump");
    assert_eq!(table["all"]["false_locks"], 0);
}
