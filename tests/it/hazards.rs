//! docs/HAZARDS.md is true: its tests exist, every reason has a row and words, and no words give an all-clear.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::fs;
use std::path::{Path, PathBuf};

use portsight::guide::Withheld;
use portsight::words;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn hazards() -> String {
    fs::read_to_string(root().join("docs/HAZARDS.md")).expect("docs/HAZARDS.md is there")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Names of all functions marked as tests, also inside `proptest!`.
fn tests_in_sources() -> Vec<String> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    rust_files(&root().join("tests"), &mut files);
    let mut names = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line == "#[test]" {
                marked = true;
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked) {
                let end = rest.find(['(', '<']).unwrap_or(rest.len());
                names.push(rest[..end].to_owned());
                marked = false;
            }
        }
    }
    names
}

/// Cells of the table rows that start with `first`.
fn cells(text: &str, first: &str) -> Option<Vec<String>> {
    let start = format!("| {first} |");
    let row = text.lines().find(|line| line.starts_with(&start))?;
    Some(
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect(),
    )
}

fn named_tests(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_hazard_has_a_row_with_control_test_and_residual_risk() {
    let text = hazards();
    for number in 1..=38 {
        let name = format!("H{number:02}");
        let row = cells(&text, &name).unwrap_or_else(|| panic!("{name} has no row"));
        assert_eq!(row.len(), 5, "{name}: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{name}: {row:?}");
        let honest = row[3].starts_with("not yet") || (name == "H38" && row[3].starts_with("none"));
        assert!(
            honest || !named_tests(&row[3]).is_empty(),
            "{name}: {}",
            row[3]
        );
    }
}

#[test]
fn every_test_named_in_the_hazard_table_exists() {
    let known = tests_in_sources();
    let text = hazards();
    let rows = (1..=38).map(|n| (format!("H{n:02}"), 3));
    let reasons = Withheld::ALL
        .iter()
        .map(|reason| (format!("{reason:?}"), 3));
    let mut checked = 0;
    for (name, column) in rows.chain(reasons) {
        let row = cells(&text, &name).unwrap_or_else(|| panic!("{name} has no row"));
        for test in named_tests(&row[column]) {
            assert!(
                known.contains(&test),
                "{name} names a test that does not exist: {test}"
            );
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} tests named");
}

#[test]
fn every_reason_against_a_path_has_a_row_a_test_and_words() {
    let text = hazards();
    for reason in Withheld::ALL {
        let name = format!("{reason:?}");
        let row = cells(&text, &name).unwrap_or_else(|| panic!("{name} has no row"));
        assert!(!named_tests(&row[3]).is_empty(), "{name} has no test");
        let said = words::say(&reason.key());
        assert!(
            words::has(&reason.key()) && said.ends_with('.'),
            "{name}: {said}"
        );
    }
}

#[test]
fn no_words_give_an_all_clear_or_a_dose() {
    let file = fs::read_to_string(root().join("assets/i18n/en.ftl")).expect("the words");
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let said = line
            .split_once('=')
            .map_or("", |(_, said)| said)
            .to_lowercase();
        for never in [
            "no pocket fill",
            "inject now",
            "safe to",
            "all clear",
            "dose",
            "mcg",
        ] {
            assert!(!said.contains(never), "{line}");
        }
    }
}
