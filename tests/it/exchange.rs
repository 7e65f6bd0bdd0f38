//! Files of other programs: every real and synthetic recording opens with what its README says of it.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portsight::clock::{Clock, ManualClock};
use portsight::exchange::{
    ExchangeError, FileSource, Geometry, OpenOptions, Pace, open, supported_files,
};
use portsight::frame::{Beams, ScanGeometry, ScanStage, Values};
use portsight::notice::Problem;
use portsight::stream::{Delivery, FrameSource};

/// The folder of test input, or `None` (said by name) where it is not.
fn data(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PORTSIGHT_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = root.join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {what} is not there");
    None
}

fn opened(path: &Path) -> FileSource {
    open(path, &OpenOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

struct Expected {
    file: &'static str,
    size: (usize, usize),
    frames: usize,
    times: Option<(f64, f64)>,
    mm_per_px: Option<f64>,
}

const fn sequence(
    file: &'static str,
    size: (usize, usize),
    frames: usize,
    times: Option<(f64, f64)>,
    mm_per_px: Option<f64>,
) -> Expected {
    Expected {
        file,
        size,
        frames,
        times,
        mm_per_px,
    }
}

const FILES: [Expected; 23] = [
    sequence(
        "plus-framegrab/SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha",
        (640, 480),
        201,
        None,
        None,
    ),
    sequence(
        "plus-framegrab/USTC_FrameGrabber_TemplateTranslationData.igs.mha",
        (640, 480),
        100,
        Some((0.0, 9.9)),
        None,
    ),
    sequence(
        "plus-nwire/USTC_3NWires_RandomStepperMotionCalibration.igs.mha",
        (820, 616),
        212,
        Some((546.997347, 576.364911)),
        None,
    ),
    sequence(
        "plus-nwire/USTC_3NWires_TemplateTranslation.igs.mha",
        (820, 616),
        223,
        Some((383.733131, 414.679216)),
        None,
    ),
    sequence(
        "plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha",
        (820, 616),
        190,
        Some((2572.905343, 2588.069843)),
        None,
    ),
    sequence(
        "plus-watertank/watertank_000_099.igs.mha",
        (820, 616),
        100,
        Some((7417.7313, 7426.419314)),
        None,
    ),
    sequence(
        "plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedData.igs.mha",
        (820, 616),
        5,
        Some((98.0, 99.04)),
        None,
    ),
    sequence(
        "plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedDataGroundTruth.igs.mha",
        (820, 616),
        5,
        Some((33.569324, 35.039616)),
        None,
    ),
    sequence(
        "plus-scanconvert/truth/UltrasonixLinearScanConvertedData.igs.mha",
        (260, 400),
        1,
        Some((116.045605, 116.045605)),
        None,
    ),
    sequence(
        "sequences/q01_hold_recessed.mha",
        (267, 267),
        100,
        Some((0.0, 3.96)),
        Some(0.15),
    ),
    sequence(
        "sequences/q02_sweep_recessed.mha",
        (267, 267),
        175,
        Some((0.0, 6.96)),
        Some(0.15),
    ),
    sequence(
        "sequences/q03_curved_breathing.mha",
        (588, 355),
        125,
        Some((0.0, 4.96)),
        Some(0.22),
    ),
    sequence(
        "sequences/q04_spasm.mha",
        (267, 267),
        125,
        Some((0.0, 4.96)),
        Some(0.15),
    ),
    sequence(
        "sequences/q05_inverted_sweep.mha",
        (267, 267),
        150,
        Some((0.0, 5.96)),
        Some(0.15),
    ),
    sequence(
        "sequences/q06_pocket_fill.mha",
        (267, 280),
        150,
        Some((0.0, 5.96)),
        Some(0.15),
    ),
    sequence(
        "sequences/q07_broken_fascia_no_pump.mha",
        (267, 267),
        100,
        Some((0.0, 3.96)),
        Some(0.15),
    ),
    sequence(
        "physics/d01_linear_recessed_16mm.mha",
        (321, 254),
        1,
        Some((0.0, 0.0)),
        Some(0.15),
    ),
    sequence(
        "physics/d02_curved_recessed_32mm.mha",
        (647, 382),
        1,
        Some((0.0, 0.0)),
        Some(0.2),
    ),
    sequence(
        "physics/d03_linear_inverted.mha",
        (321, 267),
        1,
        Some((0.0, 0.0)),
        Some(0.15),
    ),
    sequence(
        "physics/d04_curved_raised_34mm.mha",
        (647, 382),
        1,
        Some((0.0, 0.0)),
        Some(0.2),
    ),
    sequence(
        "physics/d05_linear_access_port_only.mha",
        (321, 267),
        1,
        Some((0.0, 0.0)),
        Some(0.15),
    ),
    sequence(
        "physics/d06_curved_no_pump.mha",
        (647, 382),
        1,
        Some((0.0, 0.0)),
        Some(0.2),
    ),
    sequence(
        "physics/d07_linear_needle_in_plane.mha",
        (321, 267),
        1,
        Some((0.0, 0.0)),
        Some(0.15),
    ),
];

#[test]
fn every_recording_opens_with_the_figures_of_its_readme() {
    for expected in &FILES {
        let Some(path) = data(expected.file) else {
            continue;
        };
        let file = opened(&path);
        let name = expected.file;
        assert_eq!(file.size(), expected.size, "{name}");
        assert_eq!(file.frame_count(), expected.frames, "{name}");
        let times = file.times();
        let ends = times
            .first()
            .copied()
            .flatten()
            .zip(times.last().copied().flatten());
        assert_eq!(ends, expected.times, "{name}");
        let ScanGeometry::Raster { spacing, .. } = &**file.geometry() else {
            panic!("{name} is a finished picture");
        };
        assert_eq!(spacing.map(|s| s.lateral.0), expected.mm_per_px, "{name}");
        assert_eq!(spacing.map(|s| s.axial.0), expected.mm_per_px, "{name}");
        let last = file.frame(expected.frames - 1).expect("last frame");
        assert_eq!(last.stage, ScanStage::PostScan);
        let Values::U8(values) = last.samples.values() else {
            panic!("{name} is 8 bit");
        };
        assert!(values.iter().any(|&v| v > 0), "{name} is not black");
        assert!(file.frame(expected.frames).is_err());
    }
}
