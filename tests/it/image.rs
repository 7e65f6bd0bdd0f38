//! Image formation on real and simulated pictures: against another toolkit's scan conversion, and fans in pictures.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests: a panic is a failed test"
)]
use std::path::PathBuf;

use ::image as image_files;
use portsight::frame::{DepthRange, ScanGeometry};
use portsight::image::{FanInPicture, PictureSize, ScanConverter, recognise_fan};
use portsight::space::{Millimeters, Radians, ScanPoint};

/// The folder of shared recordings, if this machine has it.
fn recordings() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTSIGHT_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

/// An 8-bit picture sequence.
struct Pictures {
    columns: usize,
    rows: usize,
    values: Vec<u8>,
    /// Millimetres a pixel and of the first pixel, as the header says.
    spacing: f64,
    offset: [f64; 2],
}

impl Pictures {
    /// Reads the plain subset of MetaImage that the files named here use; `None` when the file is not there.
    fn read(name: &str) -> Option<Self> {
        let path = recordings()?.join(name);
        let bytes = std::fs::read(path).ok()?;
        let marker = b"ElementDataFile = LOCAL\n";
        let start = bytes.windows(marker.len()).position(|w| w == marker)? + marker.len();
        let header = String::from_utf8_lossy(&bytes[..start]).into_owned();
        let field = |key: &str| -> Option<Vec<f64>> {
            let line = header
                .lines()
                .find(|line| line.split('=').next().map(str::trim) == Some(key))?;
            let values = line.split('=').nth(1)?.split_whitespace();
            Some(values.filter_map(|v| v.parse().ok()).collect())
        };
        let body = &bytes[start..];
        let values = if header.contains("CompressedData = True") {
            let mut values = Vec::new();
            let mut stream = flate2::read::ZlibDecoder::new(body);
            std::io::Read::read_to_end(&mut stream, &mut values).ok()?;
            values
        } else {
            body.to_vec()
        };
        let size = field("DimSize")?;
        let offset = field("Offset")?;
        Some(Self {
            columns: size[0] as usize,
            rows: size[1] as usize,
            values,
            spacing: field("ElementSpacing")?[0],
            offset: [offset[0], offset[1]],
        })
    }

    fn frames(&self) -> std::slice::ChunksExact<'_, u8> {
        self.values.chunks_exact(self.columns * self.rows)
    }
}

/// Normalised cross-correlation of pairs of grey values.
fn correlation(pairs: impl Iterator<Item = (u8, u8)> + Clone) -> f64 {
    let count = pairs.clone().count() as f64;
    let mean_a = pairs.clone().map(|(a, _)| f64::from(a)).sum::<f64>() / count;
    let mean_b = pairs.clone().map(|(_, b)| f64::from(b)).sum::<f64>() / count;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab / (aa * bb).sqrt()
}

/// The geometry in plus-scanconvert/truth/geometry.json: the scan's origin is the middle of the transducer's face, and
/// the apex of the fan lies one radius above it.
fn endocavity() -> ScanGeometry {
    ScanGeometry::Curvilinear {
        radius: Millimeters(10.0),
        sector: Radians::from_degrees(150.0),
        depth: DepthRange::new(Millimeters(0.0), Millimeters(72.0)).expect("sound"),
    }
}

#[test]
fn real_curvilinear_lines_become_the_toolkits_picture() {
    let folder = "plus-scanconvert";
    let lines = Pictures::read(&format!(
        "{folder}/UltrasonixCurvilinearBrightnessData.igs.mha"
    ));
    let truth = Pictures::read(&format!(
        "{folder}/truth/UltrasonixCurvilinearScanConvertedData.igs.mha"
    ));
    let (Some(lines), Some(truth)) = (lines, truth) else {
        println!("skipped: {folder} is not on this machine");
        return;
    };
    assert_eq!((lines.columns, lines.rows), (3640, 96));
    let size = PictureSize {
        columns: truth.columns,
        rows: truth.rows,
    };
    let first = ScanPoint::new(-410.0 * 0.15, -87.0 * 0.15);
    let converter = ScanConverter::onto_grid(
        &endocavity(),
        (lines.rows, lines.columns),
        size,
        0.15,
        first,
    )
    .expect("sound geometry");
    // The fan of either picture: what an all-white scan covers, and what is not black in any frame.
    let mut fan = vec![0; size.columns * size.rows];
    converter.convert(&vec![255; lines.rows * lines.columns], &mut fan);
    let mut out = vec![0; fan.len()];
    let mut ever = vec![false; fan.len()];
    for picture in truth.frames() {
        for (ever, &value) in ever.iter_mut().zip(picture) {
            *ever |= value > 0;
        }
    }
    let differ = fan.iter().zip(&ever).filter(|&(&a, &b)| (a > 0) != b);
    let mismatch = differ.count() as f64 / fan.len() as f64;
    println!("fan outline mismatch {:.3} %", mismatch * 100.0);
    assert!(mismatch <= 0.01, "fan outline mismatch {mismatch}");
    for (frame, (samples, picture)) in lines.frames().zip(truth.frames()).enumerate() {
        converter.convert(samples, &mut out);
        let inside = fan.iter().zip(out.iter().zip(picture));
        let pairs = inside
            .filter(|&(&fan, _)| fan > 0)
            .map(|(_, (&a, &b))| (a, b));
        let correlation = correlation(pairs);
        println!("frame {frame}: correlation {correlation:.4}");
        assert!(correlation >= 0.93, "frame {frame}: {correlation}");
    }
}

/// The brightest of the first frames of a sequence, pixel by pixel.
fn brightest(pictures: &Pictures, frames: usize) -> Vec<u8> {
    let mut brightest = vec![0_u8; pictures.columns * pictures.rows];
    for frame in pictures.frames().take(frames) {
        for (most, &grey) in brightest.iter_mut().zip(frame) {
            *most = grey.max(*most);
        }
    }
    brightest
}

/// The fan seen in a file (`None`: none is seen), and its pictures.
struct Seen {
    fan: Option<FanInPicture>,
    pictures: Pictures,
}

/// Looks for a fan; says so and returns `None` when the file is not there.
fn look(name: &str, frames: usize) -> Option<Seen> {
    let Some(pictures) = Pictures::read(&format!("{name}.mha")) else {
        println!("skipped: {name} is not on this machine");
        return None;
    };
    let pixels = brightest(&pictures, frames);
    let fan = recognise_fan(&pixels, pictures.columns, pictures.rows);
    Some(Seen { fan, pictures })
}

#[test]
fn the_apex_of_simulated_curved_arrays_lies_one_radius_above_the_face() {
    // Both sets were made with a face of 60 mm radius that touches z = 0 at x = 0.
    for (name, far_mm) in [
        ("physics/d02_curved_recessed_32mm", 128.0),
        ("physics/d04_curved_raised_34mm", 128.0),
        ("physics/d06_curved_no_pump", 128.0),
        ("sequences/q03_curved_breathing", 130.0),
    ] {
        let Some(Seen { fan, pictures }) = look(name, 1) else {
            continue;
        };
        let fan = fan.unwrap_or_else(|| panic!("{name}: no fan"));
        let mm = |pixels: f64, axis: usize| pictures.offset[axis] + pixels * pictures.spacing;
        let apex = (mm(fan.apex.x, 0), mm(fan.apex.z, 1));
        let (near, far) = (fan.near * pictures.spacing, fan.far * pictures.spacing);
        let degrees = fan.half.degrees();
        println!("{name}: apex {apex:.2?} mm, near {near:.2}, far {far:.2}, half {degrees:.2}");
        assert!(apex.0.abs() < 0.1 && (apex.1 + 60.0).abs() < 0.3, "{name}");
        assert!(
            (near - 60.0).abs() < 0.4 && (far - far_mm).abs() < 0.4,
            "{name}"
        );
    }
}

#[test]
fn an_endocavity_fan_is_found_in_converted_pictures_and_in_water() {
    let folder = "plus-scanconvert/truth";
    let name = format!("{folder}/UltrasonixCurvilinearScanConvertedData.igs");
    if let Some(seen) = look(&name, 1) {
        // geometry.json: face in the middle of 820 columns, row 87; apex 10 mm of 0.15 mm above it.
        let fan = seen.fan.expect("a fan");
        assert!((fan.apex.x - 409.5).abs() < 1.0, "{fan:?}");
        assert!((fan.apex.z - (87.0 - 10.0 / 0.15)).abs() < 1.5, "{fan:?}");
        assert!((fan.half.degrees() - 75.0).abs() < 0.5, "{fan:?}");
        assert!((fan.far - 82.0 / 0.15).abs() < 3.0, "{fan:?}");
    }
    // The same kind of probe over water on the scanner's own screen: nothing but the face, wires and noise is lit.
    for name in [
        "plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedDataGroundTruth.igs",
        "plus-nwire/USTC_3NWires_RandomStepperMotionCalibration.igs",
        "plus-nwire/USTC_3NWires_TemplateTranslation.igs",
    ] {
        let Some(seen) = look(name, usize::MAX) else {
            continue;
        };
        let fan = seen.fan.unwrap_or_else(|| panic!("{name}: no fan"));
        println!("{name}: {fan:?}, half {:.2}", fan.half.degrees());
        assert!(
            (fan.apex.x - 409.0).abs() < 1.0 && (fan.apex.z - 27.5).abs() < 1.5,
            "{name}"
        );
        assert!(
            (fan.near - 67.4).abs() < 1.5 && (fan.far - 541.0).abs() < 4.0,
            "{name}"
        );
        assert!((fan.half.degrees() - 74.0).abs() < 2.0, "{name}");
    }
}

#[test]
fn no_fan_is_seen_in_pictures_of_linear_arrays() {
    for name in [
        "physics/d01_linear_recessed_16mm",
        "physics/d03_linear_inverted",
        "physics/d05_linear_access_port_only",
        "physics/d07_linear_needle_in_plane",
        "plus-scanconvert/truth/UltrasonixLinearScanConvertedData.igs",
        "plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs",
        "plus-watertank/watertank_000_099.igs",
        "sequences/q01_hold_recessed",
        "sequences/q05_inverted_sweep",
    ] {
        for frames in [1, usize::MAX] {
            if let Some(Seen { fan, .. }) = look(name, frames) {
                assert!(fan.is_none(), "{name}: {fan:?}");
            }
        }
    }
    let mut stills = 0;
    for folder in [
        "anatomy-negatives/usgra",
        "anatomy-negatives/vastus",
        "muscle-motion/jumping",
        "pocus-rulers",
    ] {
        let Some(files) = recordings().and_then(|r| std::fs::read_dir(r.join(folder)).ok()) else {
            println!("skipped: {folder} is not on this machine");
            continue;
        };
        for file in files.flatten() {
            let Ok(picture) = image_files::open(file.path()) else {
                continue;
            };
            let picture = picture.into_luma8();
            let (columns, rows) = (picture.width() as usize, picture.height() as usize);
            let found = recognise_fan(picture.as_raw(), columns, rows);
            assert!(found.is_none(), "{}: {found:?}", file.path().display());
            stills += 1;
        }
    }
    println!("{stills} stills of linear arrays looked at");
}
