//! Recordings with a known truth, and ways to spoil them.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portsight::clock::Timestamp;
use portsight::detect::PortDetector;
use portsight::frame::{Beams, FrameId, Origin};
use portsight::image::{LengthUnit, ScanImage};
use portsight::space::{Affine, Radians, ScanPoint};
use serde_json::Value;

/// The folder of recordings, when it is there.
pub(super) fn data() -> Option<PathBuf> {
    let named = std::env::var_os("PORTSIGHT_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    named.into_iter().chain([beside]).find(|p| p.is_dir())
}

/// The folder `name` of the recordings; says so when it is missing.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let found = data().map(|d| d.join(name)).filter(|d| d.is_dir());
    if found.is_none() {
        println!("skipped: no {name}");
    }
    found
}

/// A sequence of 8-bit pictures with its header fields.
pub(super) struct Mha {
    pub columns: usize,
    pub rows: usize,
    pub spacing: f64,
    pub offset: [f64; 2],
    pub frames: Vec<Arc<Vec<u8>>>,
    pub times: Vec<f64>,
}

pub(super) fn read_mha(path: &Path) -> Mha {
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
pub(super) fn picture(
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

pub(super) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("folder")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

pub(super) fn truth_of(path: &Path) -> Value {
    let text = std::fs::read_to_string(path.with_extension("json")).expect("truth");
    serde_json::from_str(&text).expect("json")
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_stem()
        .expect("name")
        .to_string_lossy()
        .into_owned()
}

pub(super) fn explain(detector: &mut PortDetector) {
    if std::env::var_os("PORTSIGHT_EXPLAIN").is_some() {
        print!("{}", detector.explain());
    }
}
