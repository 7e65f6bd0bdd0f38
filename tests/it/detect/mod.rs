//! The detector on recordings with a known truth: synthetic stills and sequences, and real pictures without a pump.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::semicolon_if_nothing_returned,
    reason = "helpers of tests; the tables they print are the evidence"
)]
mod cases;
mod needles;
mod over_time;
mod sweeps;
mod trials;
mod virtual_patients;

use std::path::Path;
use std::sync::Arc;

use portsight::detect::{DetectorContext, Finding, PortDetector, PortState, Still};
use serde_json::Value;

use cases::{explain, files, folder, name_of, picture, read_mha, truth_of};

/// Reads every still of `physics`; returns (name, truth, finding).
fn stills(change: impl Fn(&mut Vec<u8>)) -> Option<Vec<(String, Value, Finding)>> {
    let folder = folder("physics")?;
    let mut all = Vec::new();
    for path in files(&folder, ".mha") {
        let truth = truth_of(&path);
        let mha = read_mha(&path);
        let mut pixels = mha.frames[0].to_vec();
        change(&mut pixels);
        let image = picture(
            Arc::new(pixels),
            (mha.columns, mha.rows),
            Some(mha.spacing),
            mha.offset,
            truth["probe"] == "curved",
            (0, 0.0),
        );
        let mut detector = PortDetector::new(DetectorContext::default());
        let finding = detector.read(&image, Still::Picture);
        println!(
            "{:28} {:?} conf {:.2} port {:?} other {:?} tilt {:?} (truth {:?} {} {})",
            name_of(&path),
            finding.state,
            finding.confidence,
            finding
                .port
                .map(|p| (round(p.center.x), round(p.center.z), round(p.width.0))),
            finding
                .other_port
                .map(|p| (round(p.center.x), round(p.center.z), round(p.width.0))),
            finding.face.map(|f| round(f.tilt.degrees())),
            truth["port"]["centre_mm"].to_string(),
            truth["other_port"]["centre_mm"],
            truth["tilt_deg"],
        );
        explain(&mut detector);
        all.push((name_of(&path), truth, finding));
    }
    Some(all)
}

fn round(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

/// How a still or frame compares with its truth.
fn error_of(finding: &Finding, x: f64, z: f64) -> Option<(f64, f64)> {
    finding.port.map(|p| (p.center.x - x, p.center.z - z))
}

#[test]
fn full_wave_stills_show_their_ports_and_no_others() {
    let Some(all) = stills(|_| {}) else { return };
    let mut found = 0;
    for (name, truth, finding) in &all {
        assert_ne!(
            finding.state,
            PortState::Locked,
            "{name}: a still never locks"
        );
        if truth["port"].is_null() {
            assert!(finding.port.is_none(), "{name}: a port where there is none");
            continue;
        }
        let centre = &truth["port"]["centre_mm"];
        let (x, z) = (
            centre[0].as_f64().expect("x"),
            centre[1].as_f64().expect("z"),
        );
        if let Some((dx, dz)) = error_of(finding, x, z) {
            println!("{name}: lateral {dx:.2} depth {dz:.2} mm");
            assert!(
                dx.abs() <= 2.0 && dz.abs() <= 2.5,
                "{name}: {dx:.2} {dz:.2}"
            );
            found += 1;
        }
        let tilt = finding.face.expect("a face").tilt.degrees();
        let error = tilt - truth["tilt_deg"].as_f64().expect("tilt");
        assert!(error.abs() < 1.0, "{name}: tilt off by {error:.2}");
    }
    assert!(found >= 3, "{found} of 4 ports found");
}

/// Score of one sequence by the rules of `evaluate`.
#[derive(Debug, Default)]
struct Score {
    visible: usize,
    right: usize,
    wrong: usize,
    locked_without_port: usize,
    candidate_without_port: usize,
    lateral: Vec<f64>,
    depth: Vec<f64>,
    first_lock: Option<usize>,
    states: String,
}

/// One letter for what a frame was said to show.
fn letter_of(finding: &Finding) -> char {
    match finding.state {
        PortState::None => '.',
        PortState::Candidate if finding.held => 'h',
        PortState::Candidate => 'c',
        PortState::Locked => 'L',
        PortState::AccessPortSuspected => 'a',
        PortState::InvertedSuspected => 'i',
    }
}

fn sequence(path: &Path) -> Score {
    let truth = truth_of(path);
    let mha = read_mha(path);
    let mut detector = PortDetector::new(DetectorContext::default());
    let mut score = Score::default();
    let (mut wide, mut gone) = (0, 100);
    let frames = truth["frames"].as_array().expect("frames");
    for (k, pixels) in mha.frames.iter().enumerate() {
        let image = picture(
            pixels.clone(),
            (mha.columns, mha.rows),
            Some(mha.spacing),
            mha.offset,
            truth["probe"] == "curved",
            (k, frames[k]["t"].as_f64().expect("t")),
        );
        let finding = detector.read(&image, Still::Sequence);
        if k == 20 {
            explain(&mut detector);
        }
        let locked = finding.state == PortState::Locked;
        score.states.push(letter_of(&finding));
        if locked && score.first_lock.is_none() {
            score.first_lock = Some(k);
        }
        let port = &frames[k]["port"];
        if port.is_null() {
            gone += 1;
            if locked && gone > 2 {
                score.locked_without_port += 1;
            }
            score.candidate_without_port += usize::from(finding.port.is_some() && gone > 2);
            continue;
        }
        gone = 0;
        let number = |name: &str| port[name].as_f64().expect("number");
        let off = error_of(&finding, number("x_mm"), number("z_mm"));
        let near = off.is_some_and(|(dx, dz)| dx.abs() <= 2.0 && dz.abs() <= 3.0);
        if locked && !near {
            score.wrong += 1;
        }
        if number("width_mm") >= 4.0 {
            wide += 1;
            if wide >= 5 {
                score.visible += 1;
                if locked && near {
                    score.right += 1;
                    let (dx, dz) = off.expect("near");
                    score.lateral.push(dx);
                    score.depth.push(dz);
                }
            }
        }
    }
    score
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[test]
fn moving_pictures_lock_on_the_port_and_nowhere_else() {
    let Some(folder) = folder("sequences") else {
        return;
    };
    for path in files(&folder, ".mha") {
        let name = name_of(&path);
        let s = sequence(&path);
        println!(
            "{name:28} visible {} right {} wrong {} false {} (candidates {}) first {:?} lateral {:.2} depth {:.2}",
            s.visible,
            s.right,
            s.wrong,
            s.locked_without_port,
            s.candidate_without_port,
            s.first_lock,
            middle(&s.lateral),
            middle(&s.depth)
        );
        println!("{}", s.states);
        assert_eq!(s.locked_without_port, 0, "{name}: locked without a port");
        assert_eq!(s.wrong, 0, "{name}: locked in the wrong place");
        assert!(
            s.right * 100 >= s.visible * 95,
            "{name}: {} of {}",
            s.right,
            s.visible
        );
    }
}

#[test]
fn without_a_scale_there_is_no_port_whatever_the_picture_shows() {
    let Some(folder) = folder("physics") else {
        return;
    };
    let mha = read_mha(&folder.join("d01_linear_recessed_16mm.mha"));
    let size = (mha.columns, mha.rows);
    let mut detector = PortDetector::new(DetectorContext::default());
    for k in 0..10 {
        let stamp = (k, k as f64 * 0.04);
        let image = picture(mha.frames[0].clone(), size, None, [0.0, 0.0], false, stamp);
        let finding = detector.read(&image, Still::Sequence);
        assert_eq!(finding.state, PortState::None);
        assert!(finding.port.is_none() && finding.face.is_none());
        assert!(finding.surface.is_some(), "the surface needs no scale");
    }
}

#[test]
fn odd_pictures_are_answered_with_nothing() {
    let mut detector = PortDetector::new(DetectorContext::default());
    for (columns, rows) in [
        (0, 0),
        (1, 1),
        (15, 400),
        (400, 15),
        (17, 17),
        (64, 64),
        (3000, 20),
    ] {
        for grey in [0, 128, 255] {
            let pixels = Arc::new(vec![grey; columns * rows]);
            for pitch in [None, Some(0.005), Some(0.15), Some(5.0)] {
                for curved in [false, true] {
                    let image = picture(
                        pixels.clone(),
                        (columns, rows),
                        pitch,
                        [0.0, 0.0],
                        curved,
                        (0, 0.0),
                    );
                    let finding = detector.read(&image, Still::Sequence);
                    assert_eq!(
                        finding.state,
                        PortState::None,
                        "{columns} x {rows} of {grey}"
                    );
                    assert!(finding.confidence == 0.0 && finding.face.is_none());
                }
            }
        }
    }
}

#[test]
fn the_same_pictures_give_the_same_findings_bit_for_bit() {
    let Some(folder) = folder("sequences") else {
        return;
    };
    let mha = read_mha(&folder.join("q03_curved_breathing.mha"));
    let run = || -> Vec<Finding> {
        let mut detector = PortDetector::new(DetectorContext::default());
        let pictures = mha.frames.iter().take(12).enumerate();
        pictures
            .map(|(k, pixels)| {
                let size = (mha.columns, mha.rows);
                let stamp = (k, k as f64 * 0.04);
                let image = picture(
                    pixels.clone(),
                    size,
                    Some(mha.spacing),
                    mha.offset,
                    true,
                    stamp,
                );
                detector.read(&image, Still::Sequence)
            })
            .collect()
    };
    assert_eq!(run(), run());
}
