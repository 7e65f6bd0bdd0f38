//! Image formation on real and simulated pictures: against another toolkit's scan conversion, and fans in pictures.
use std::path::PathBuf;

use portsight::frame::{DepthRange, ScanGeometry};
use portsight::image::{PictureSize, ScanConverter};
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

#[test]
fn probe_dump() {
    for name in [
        "physics/d01_linear_recessed_16mm",
        "physics/d02_curved_recessed_32mm",
        "physics/d03_linear_inverted",
        "physics/d04_curved_raised_34mm",
        "physics/d05_linear_access_port_only",
        "physics/d06_curved_no_pump",
        "physics/d07_linear_needle_in_plane",
        "plus-framegrab/SegmentationTest_VLCUS_RandomStepperMotionData2.igs",
        "plus-framegrab/USTC_FrameGrabber_TemplateTranslationData.igs",
        "plus-nwire/USTC_3NWires_RandomStepperMotionCalibration.igs",
        "plus-nwire/USTC_3NWires_TemplateTranslation.igs",
        "plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs",
        "plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedData.igs",
        "plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedDataGroundTruth.igs",
        "plus-scanconvert/truth/UltrasonixLinearScanConvertedData.igs",
        "plus-watertank/watertank_000_099.igs",
        "sequences/q01_hold_recessed",
        "sequences/q03_curved_breathing",
    ] {
        let Some(p) = Pictures::read(&format!("{name}.mha")) else {
            println!("no {name}");
            continue;
        };
        for n in [1, 20, 400] {
            let mut m = vec![0u8; p.columns * p.rows];
            for f in p.frames().take(n) {
                for (a, b) in m.iter_mut().zip(f) {
                    *a = (*a).max(*b);
                }
            }
            let t = std::time::Instant::now();
            let fan = portsight::image::recognise_fan(&m, p.columns, p.rows);
            println!(
                "{name} {n} {:?} {} {:?}",
                fan,
                fan.map_or(0.0, |f| f.half.degrees()),
                t.elapsed()
            );
            if let Some(f) = fan {
                let s = p.spacing;
                println!(
                    "   mm apex {:.3},{:.3} near {:.3} far {:.3}",
                    p.offset[0] + s * f.apex.x,
                    p.offset[1] + s * f.apex.z,
                    s * f.near,
                    s * f.far
                );
            }
        }
    }
}
