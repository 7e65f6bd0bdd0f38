//! Scores as a table for people and as JSON for programs.
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::interval::wilson;
use super::measure::{Measures, Reliability, Share};
use super::plots::add;
use super::score::CaseScore;
use super::truth::Origin;

const LEGEND: &str = "Errors: mean/median/95th percentile of absolute values. Accuracy on synthetic pictures is not clinical accuracy.\n";

fn spread(values: &[f64], digits: usize) -> String {
    CaseScore::spread(values).map_or_else(
        || "-".to_owned(),
        |[median, p95, mean]| format!("{mean:.digits$}/{median:.digits$}/{p95:.digits$}"),
    )
}

fn total<'a>(cases: impl IntoIterator<Item = &'a CaseScore>) -> CaseScore {
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
    for (origin, sum) in by_origin(cases) {
        text.push_str(&beside(origin, &sum));
    }
    text
}

/// What was counted beside the table, a line each; nothing is printed that was not counted.
fn beside(origin: Origin, sum: &CaseScore) -> String {
    let mut text = format!("\n{} ({}):\n", origin.letter(), origin.meaning());
    for (name, share) in shares(sum) {
        if let (Some(value), Some([least, most])) = (share.value(), wilson(share.hits, share.n)) {
            add!(
                text,
                "  {name:32} {:>7}/{:<7} {:6.2} % (95 %: {:.2} to {:.2})\n",
                share.hits,
                share.n,
                100.0 * value,
                100.0 * least,
                100.0 * most
            );
        }
    }
    for (reason, frames) in &sum.measures.withheld {
        let name = format!("no path on a lock: {}", reason.name());
        add!(text, "  {name:45} {frames} frames\n");
    }
    for (name, values) in sum.measures.errors() {
        if !values.is_empty() {
            let n = values.len();
            add!(text, "  {name:32} {} (n {n})\n", spread(values, 2));
        }
    }
    if let Some(ece) = sum.measures.reliability.ece() {
        let n = sum.measures.reliability.count();
        add!(text, "  {:32} {ece:.4} (n {n})\n", "calibration_error");
    }
    text
}

/// The sum of every source that has cases, apart.
pub(super) fn by_origin(cases: &[CaseScore]) -> Vec<(Origin, CaseScore)> {
    Origin::ALL
        .into_iter()
        .filter_map(|origin| {
            let own = || cases.iter().filter(|c| c.facts.origin == origin);
            own().next().is_some().then(|| {
                let mut sum = total(own());
                sum.facts.origin = origin;
                origin.letter().clone_into(&mut sum.name);
                (origin, sum)
            })
        })
        .collect()
}

/// The sum of every feature of every source, in alphabetical order: source, feature, recordings, sum.
pub(super) fn by_feature(cases: &[CaseScore]) -> Vec<(Origin, String, usize, CaseScore)> {
    let mut found = Vec::new();
    for origin in Origin::ALL {
        let own: Vec<&CaseScore> = cases.iter().filter(|c| c.facts.origin == origin).collect();
        let mut features: Vec<&String> = own.iter().flat_map(|c| &c.facts.features).collect();
        features.sort_unstable();
        features.dedup();
        for feature in features {
            let with: Vec<&CaseScore> = own
                .iter()
                .copied()
                .filter(|c| c.facts.features.contains(feature))
                .collect();
            let sum = total(with.iter().copied());
            found.push((origin, feature.clone(), with.len(), sum));
        }
    }
    found
}

/// The shares of the table proper and of everything beside it, with their names.
pub(super) fn shares(sum: &CaseScore) -> Vec<(&'static str, Share)> {
    let of = |hits: u32, n: u32| Share {
        hits: u64::from(hits),
        n: u64::from(n),
    };
    let mut all = vec![
        ("port_right", of(sum.right, sum.visible)),
        ("port_false", of(sum.false_locks, sum.empty)),
        ("path_false", of(sum.false_paths, sum.empty)),
    ];
    all.extend(sum.measures.shares());
    all
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
        "source": case.facts.origin.letter(),
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
        "beside": measures_json(&case.measures),
    })
}

/// A number with six decimals: short, and the same on every machine.
fn rounded(value: f64) -> Value {
    json!((value * 1e6).round() / 1e6 + 0.0)
}

fn share_json(share: Share) -> Value {
    let bounds = wilson(share.hits, share.n).map(|b| b.map(rounded));
    json!({
        "hits": share.hits,
        "n": share.n,
        "share": share.value().map(rounded),
        "interval_95": bounds,
    })
}

fn errors_json(values: &[f64]) -> Value {
    let Some([median, p95, mean]) = CaseScore::spread(values) else {
        return Value::Null;
    };
    let squares: f64 = values.iter().map(|v| v * v).sum();
    json!({
        "n": values.len(),
        "mean": rounded(mean),
        "median": rounded(median),
        "p95": rounded(p95),
        "rms": rounded((squares / values.len() as f64).sqrt()),
    })
}

fn reliability_json(reliability: &Reliability) -> Value {
    let bins: Vec<Value> = reliability
        .bins
        .iter()
        .enumerate()
        .map(|(i, bin)| {
            let n = bin.right.n;
            json!({
                "from": rounded(i as f64 / 10.0),
                "n": n,
                "mean_confidence": (n > 0).then(|| rounded(bin.claimed / n as f64)),
                "right": share_json(bin.right),
            })
        })
        .collect();
    json!({
        "n": reliability.count(),
        "ece": reliability.ece().map(rounded),
        "brier": reliability.brier().map(rounded),
        "bins": bins,
    })
}

fn measures_json(measures: &Measures) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, share) in measures.shares() {
        map.insert(name.to_owned(), share_json(share));
    }
    map.insert("withheld_on_locked".into(), json!(measures.withheld));
    for (name, values) in measures.errors() {
        map.insert(name.to_owned(), errors_json(values));
    }
    map
}

/// Recordings rather than frames: frames of one recording resemble each other.
fn recordings_json<'a>(cases: impl IntoIterator<Item = &'a CaseScore>) -> Value {
    let (mut found, mut fooled) = (Share::default(), Share::default());
    let mut count = 0_u64;
    for case in cases {
        count += 1;
        if case.visible > 0 {
            found.note(2 * case.right >= case.visible);
        }
        if case.empty > 0 {
            fooled.note(case.false_locks > 0);
        }
    }
    json!({
        "n": count,
        "found_on_half_of_visible_frames": share_json(found),
        "with_any_false_lock": share_json(fooled),
    })
}

fn sum_json(sum: &CaseScore) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, share) in shares(sum).into_iter().take(3) {
        map.insert(name.to_owned(), share_json(share));
    }
    map.insert("port_wrong_place".into(), json!(sum.wrong));
    map.insert("port_lateral_mm".into(), errors_json(&sum.lateral));
    map.insert("port_depth_mm".into(), errors_json(&sum.depth));
    map.insert("face_tilt_deg".into(), errors_json(&sum.tilt));
    map.extend(measures_json(&sum.measures));
    let reliability = reliability_json(&sum.measures.reliability);
    map.insert("reliability".into(), reliability);
    map
}

fn sources_json(cases: &[CaseScore]) -> Value {
    let mut sources = Map::new();
    for (origin, sum) in by_origin(cases) {
        let own = cases.iter().filter(|c| c.facts.origin == origin);
        let mut entry = Map::new();
        entry.insert("meaning".into(), json!(origin.meaning()));
        entry.insert("recordings".into(), recordings_json(own));
        entry.insert("read_frames".into(), json!(sum.frames));
        entry.extend(sum_json(&sum));
        sources.insert(origin.letter().into(), Value::Object(entry));
    }
    Value::Object(sources)
}

fn features_json(cases: &[CaseScore]) -> Value {
    by_feature(cases)
        .into_iter()
        .map(|(origin, feature, recordings, sum)| {
            let of = |index: usize| shares(&sum).get(index).map(|(_, s)| share_json(*s));
            json!({
                "source": origin.letter(),
                "feature": feature,
                "recordings": recordings,
                "port_right": of(0),
                "port_false": of(1),
                "port_lateral_mm": errors_json(&sum.lateral),
            })
        })
        .collect()
}

/// What an evaluation was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluated {
    /// Folders, recordings and seeds, in words without paths.
    pub inputs: Vec<String>,
    /// Pump model and needle.
    pub setup: String,
}

const NOTE: &str = "accuracy on synthetic pictures is not clinical accuracy";

/// The program and its version.
pub(super) const PROGRAM: &str = concat!("portsight ", env!("CARGO_PKG_VERSION"));

/// The same as JSON.
pub fn table_json(cases: &[CaseScore], how: &Evaluated) -> Value {
    json!({
        "program": PROGRAM,
        "inputs": how.inputs,
        "setup": how.setup,
        "sources": sources_json(cases),
        "by_feature": features_json(cases),
        "cases": cases.iter().map(case_json).collect::<Vec<_>>(),
        "all": case_json(&total(cases)),
        "note": NOTE,
    })
}

/// Only the sums, small enough to be kept.
pub fn summary_json(cases: &[CaseScore], how: &Evaluated) -> Value {
    json!({
        "program": PROGRAM,
        "inputs": how.inputs,
        "setup": how.setup,
        "sources": sources_json(cases),
        "by_feature": features_json(cases),
        "note": NOTE,
    })
}
