//! Scores as a table for people and as JSON for programs.
use serde_json::{Value, json};

use super::score::CaseScore;

const LEGEND: &str = "Errors: mean/median/95th percentile of absolute values. Accuracy on synthetic pictures is not clinical accuracy.\n";

fn spread(values: &[f64], digits: usize) -> String {
    CaseScore::spread(values).map_or_else(
        || "-".to_owned(),
        |[median, p95, mean]| format!("{mean:.digits$}/{median:.digits$}/{p95:.digits$}"),
    )
}

fn total(cases: &[CaseScore]) -> CaseScore {
    let mut sum = CaseScore {
        name: "all".to_owned(),
        ..CaseScore::default()
    };
    for case in cases {
        sum.add(case);
    }
    sum
}

/// A table of every case and their sum; errors as mean/median/95th percentile of absolute values.
pub fn table(cases: &[CaseScore]) -> String {
    let wide = cases.iter().map(|c| c.name.len()).max().unwrap_or(4).max(4);
    let mut text = format!(
        "{:wide$}  frames visible found missed wrong  false/empty  lateral mm      depth mm        tilt deg        lock s\n",
        "case"
    );
    for case in cases.iter().chain(std::iter::once(&total(cases))) {
        let lock = case
            .seconds_to_lock
            .map_or_else(|| "-".to_owned(), |s| format!("{s:.2}"));
        text.push_str(&row(case, wide, &lock));
    }
    text.push_str(LEGEND);
    text
}

fn row(case: &CaseScore, wide: usize, lock: &str) -> String {
    format!(
        "{:wide$}  {:6} {:7} {:5} {:6} {:5} {:6}/{:<5}  {:14}  {:14}  {:14}  {lock}\n",
        case.name,
        case.frames,
        case.visible,
        case.right,
        case.missed,
        case.wrong,
        case.false_locks,
        case.empty,
        spread(&case.lateral, 2),
        spread(&case.depth, 2),
        spread(&case.tilt, 2),
    )
}

fn case_json(case: &CaseScore) -> Value {
    let spread = |values: &[f64]| {
        CaseScore::spread(values).map(
            |[median, p95, mean]| json!({"n": values.len(), "mean": mean, "median": median, "p95": p95}),
        )
    };
    json!({
        "name": case.name,
        "still": case.still,
        "frames": case.frames,
        "visible": case.visible,
        "found": case.right,
        "missed": case.missed,
        "wrong": case.wrong,
        "empty": case.empty,
        "false_locks": case.false_locks,
        "false_paths": case.false_paths,
        "candidates": case.candidates,
        "inverted_suspected": case.inverted,
        "lateral_mm": spread(&case.lateral),
        "depth_mm": spread(&case.depth),
        "tilt_deg": spread(&case.tilt),
        "seconds_to_lock": case.seconds_to_lock,
    })
}

/// The same as JSON.
pub fn table_json(cases: &[CaseScore]) -> Value {
    json!({
        "cases": cases.iter().map(case_json).collect::<Vec<_>>(),
        "all": case_json(&total(cases)),
        "note": "accuracy on synthetic pictures is not clinical accuracy",
    })
}
