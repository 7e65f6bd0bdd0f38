//! docs/ACCURACY.md quotes what stands in docs/accuracy, and what stands there can be had again.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn kept(name: &str) -> Value {
    let path = docs().join("accuracy").join(name);
    let text = std::fs::read(&path).expect("a file of figures");
    serde_json::from_slice(&text).expect("JSON")
}

/// The figure as the page must show it.
fn shown(value: Option<&Value>, pointer: &str) -> String {
    let is_share = pointer.ends_with("/share") || pointer.contains("/interval_95/");
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(value) if is_share => {
            format!("{:.2} %", 100.0 * value.as_f64().expect("a share"))
        }
        Some(value) if value.is_u64() => value.to_string(),
        Some(value) => format!("{:.3}", value.as_f64().expect("a number")),
    }
}

#[test]
fn every_figure_quoted_stands_in_its_file() {
    let page = std::fs::read_to_string(docs().join("ACCURACY.md")).expect("the page");
    assert!(page.contains("Synthetic accuracy is not clinical accuracy"));
    let mut checked = 0;
    for line in page.lines().filter(|l| l.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [words, figure, file, pointer] = cells[..] else {
            panic!("not a row of four: {line}")
        };
        if words == "what" {
            continue;
        }
        let value = kept(file);
        let wanted = shown(value.pointer(pointer), pointer);
        assert_eq!(figure, wanted, "{words}: {file} {pointer}");
        checked += 1;
    }
    assert!(checked > 100, "{checked} figures");
    let prose = page.lines().filter(|l| !l.starts_with('|'));
    for line in prose {
        assert!(
            !line.contains(" % of") && !line.contains("median of"),
            "a figure outside the tables: {line}"
        );
    }
}

#[test]
fn the_small_subset_gives_the_figures_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let again = |name: &str, jobs: &str| -> Vec<u8> {
        let out = Command::new(env!("CARGO_BIN_EXE_portsight"))
            .current_dir(folder.path())
            .args(["evaluate", "--virtual", "3", "--seed", "200001"])
            .args(["--pump", "synchromed2-20", "--needle", "22G:51"])
            .args(["--jobs", jobs, "--summary", "again.json", "--report", name])
            .output()
            .expect("program runs");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        std::fs::read(folder.path().join(name)).expect("report")
    };
    let page = again("one.html", "1");
    let text = std::fs::read(folder.path().join("again.json")).expect("sums");
    let sums: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(
        sums,
        kept("subset.json"),
        "the detector has changed: run tests/bars/accuracy.sh"
    );
    assert_eq!(
        page,
        again("two.html", "2"),
        "two workers changed the report"
    );
    let page = String::from_utf8(page).expect("text");
    assert!(page.contains("research software") && !page.contains("src=\"http"));
}
