//! The detector on recordings with a known truth: synthetic stills and sequences, and real pictures without a pump.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portsight::clock::Timestamp;
use portsight::detect::{DetectorContext, Finding, PortDetector, PortState, Still};
use portsight::frame::{Beams, FrameId, Origin};
use portsight::image::{LengthUnit, ScanImage};
use portsight::space::{Affine, Radians, ScanPoint};
use serde_json::Value;

/// The folder of recordings, when it is there.
fn data() -> Option<PathBuf> {
    let named = std::env::var_os("PORTSIGHT_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    named.into_iter().chain([beside]).find(|p| p.is_dir())
}

/// The folder `name` of the recordings; says so when it is missing.
fn folder(name: &str) -> Option<PathBuf> {
    let found = data().map(|d| d.join(name)).filter(|d| d.is_dir());
    if found.is_none() {
        println!("skipped: no {name}");
    }
    found
}

/// A sequence of 8-bit pictures with its header fields.
struct Mha {
    columns: usize,
    rows: usize,
    spacing: f64,
    offset: [f64; 2],
    frames: Vec<Arc<Vec<u8>>>,
    times: Vec<f64>,
}

fn read_mha(path: &Path) -> Mha {
    let bytes = std::fs::read(path).expect("readable");
    let mark = b"ElementDataFile = LOCAL";
    let at = bytes
        .windows(mark.len())
        .position(|w| w == mark)
        .expect("header");
    let start = at
        + bytes[at..]
            .iter()
            .position(|b| *b == b'\n')
            .expect("line end")
        + 1;
    let header = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let field = |name: &str| {
        header.lines().find_map(|l| {
            let (key, value) = l.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let numbers = |name: &str| -> Vec<f64> {
        field(name)
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|v| v.parse().ok())
            .collect()
    };
    let size = numbers("DimSize");
    let (columns, rows) = (size[0] as usize, size[1] as usize);
    let count = size.get(2).map_or(1, |n| *n as usize);
    let mut raw = bytes[start..].to_vec();
    if field("CompressedData").as_deref() == Some("True") {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::ZlibDecoder::new(raw.as_slice()),
            &mut plain,
        )
        .expect("zlib");
        raw = plain;
    }
    let frames = raw
        .chunks_exact(columns * rows)
        .take(count)
        .map(|c| Arc::new(c.to_vec()))
        .collect();
    let times = (0..count)
        .map(|k| {
            field(&format!("Seq_Frame{k:04}_Timestamp"))
                .and_then(|v| v.parse().ok())
                .unwrap_or(k as f64 * 0.04)
        })
        .collect();
    let offset = numbers("Offset");
    Mha {
        columns,
        rows,
        spacing: numbers("ElementSpacing")[0],
        offset: [
            offset.first().copied().unwrap_or(0.0),
            offset.get(1).copied().unwrap_or(0.0),
        ],
        frames,
        times,
    }
}

/// A picture with `pitch` mm pixels (or pixels of unknown size).
fn picture(
    pixels: Arc<Vec<u8>>,
    (columns, rows): (usize, usize),
    pitch: Option<f64>,
    offset: [f64; 2],
    curved: bool,
    (frame, time): (usize, f64),
) -> ScanImage {
    let edge = pitch.unwrap_or(1.0);
    let beams = if curved {
        Beams::Fan {
            apex: ScanPoint::new(0.0, -60.0),
            near: 60.0,
            far: 60.0 + rows as f64 * edge + offset[1],
            half: Radians::from_degrees(30.0),
        }
    } else {
        Beams::Parallel
    };
    ScanImage {
        frame: FrameId(frame as u64),
        captured_at: Timestamp::from_seconds(time),
        source_seconds: Some(time),
        origin: Origin::Replay,
        columns,
        rows,
        pixels,
        unit: if pitch.is_some() {
            LengthUnit::Millimeters
        } else {
            LengthUnit::Pixels
        },
        pitch: edge,
        scan_from_pixel: Affine::new([edge, edge], offset).expect("sound"),
        beams,
        stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).expect("sound"),
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("folder")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

fn truth_of(path: &Path) -> Value {
    let text = std::fs::read_to_string(path.with_extension("json")).expect("truth");
    serde_json::from_str(&text).expect("json")
}

fn name_of(path: &Path) -> String {
    path.file_stem()
        .expect("name")
        .to_string_lossy()
        .into_owned()
}

fn explain(detector: &PortDetector) {
    if std::env::var_os("PORTSIGHT_EXPLAIN").is_some() {
        print!("{}", detector.explain());
    }
}

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
        explain(&detector);
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
        let every = std::env::var("PORTSIGHT_EXPLAIN")
            .ok()
            .and_then(|v| v.parse::<usize>().ok());
        if every.is_some_and(|n| k % n.max(1) == 0) {
            println!(
                "-- {} {k} {:?} {:?} truth {}",
                name_of(path),
                finding.state,
                finding.port,
                frames[k]["port"]
            );
            explain(&detector);
        }
        let locked = finding.state == PortState::Locked;
        score.states.push(match finding.state {
            PortState::None => '.',
            PortState::Candidate if finding.held => 'h',
            PortState::Candidate => 'c',
            PortState::Locked => 'L',
            PortState::AccessPortSuspected => 'a',
            PortState::InvertedSuspected => 'i',
        });
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
