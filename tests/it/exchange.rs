//! Files of other programs: every real and synthetic recording opens with what its README says of it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the parts that tests share may fail them"
)]
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
        Some((546.997_347, 576.364_911)),
        None,
    ),
    sequence(
        "plus-nwire/USTC_3NWires_TemplateTranslation.igs.mha",
        (820, 616),
        223,
        Some((383.733_131, 414.679_216)),
        None,
    ),
    sequence(
        "plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha",
        (820, 616),
        190,
        Some((2_572.905_343, 2_588.069_843)),
        None,
    ),
    sequence(
        "plus-watertank/watertank_000_099.igs.mha",
        (820, 616),
        100,
        Some((7_417.731_3, 7_426.419_314)),
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
        Some((33.569_324, 35.039_616)),
        None,
    ),
    sequence(
        "plus-scanconvert/truth/UltrasonixLinearScanConvertedData.igs.mha",
        (260, 400),
        1,
        Some((116.045_605, 116.045_605)),
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

fn reader(file: &str, options: &OpenOptions) -> Option<Result<FileSource, ExchangeError>> {
    Some(open(&data(file)?, options))
}

#[test]
fn radio_frequency_samples_are_refused_without_a_geometry_and_become_amplitude_with_one() {
    let name = "plus-scanconvert/UltrasonixLinearRfData.igs.mha";
    let Some(refused) = reader(name, &OpenOptions::default()) else {
        return;
    };
    let refused = refused.expect_err("no geometry was given");
    let text = refused.to_string();
    assert!(text.contains("radio-frequency"), "{text}");
    assert!(text.contains("RF_I_LINE_Q_LINE"), "{text}");
    assert!(refused.hint().is_some());
    let geometry = r#"{"kind":"linear","width_mm":38,"near_mm":0,"far_mm":55}"#;
    let options = OpenOptions {
        geometry: Some(Geometry::parse(geometry).expect("sound")),
        ..OpenOptions::default()
    };
    let file = reader(name, &options).expect("is there").expect("opens");
    let frame = file.frame(0).expect("frame");
    assert_eq!(frame.stage, ScanStage::Envelope);
    assert_eq!((frame.samples.outer(), frame.samples.inner()), (128, 2080));
    let Values::U16(amplitude) = frame.samples.values() else {
        panic!("amplitude is 16 bit");
    };
    // A probe in air rings at its face and shows nothing far away.
    let mean = |from: usize, to: usize| {
        let near = amplitude.chunks(2080).flat_map(|line| &line[from..to]);
        near.map(|&v| f64::from(v)).sum::<f64>() / (128.0 * (to - from) as f64)
    };
    assert!(
        mean(0, 200) > 10.0 * mean(1800, 2000),
        "{} {}",
        mean(0, 200),
        mean(1800, 2000)
    );
}

#[test]
fn scan_lines_are_refused_without_a_geometry_and_placed_with_one() {
    let name = "plus-scanconvert/UltrasonixCurvilinearBrightnessData.igs.mha";
    let Some(refused) = reader(name, &OpenOptions::default()) else {
        return;
    };
    let text = refused.expect_err("no geometry was given").to_string();
    assert!(text.contains("scan lines before scan conversion"), "{text}");
    for geometry in [
        r#"{"kind":"curvilinear","radius_mm":10,"sector_deg":150,"near_mm":0,"far_mm":72}"#,
        r#"{"kind":"curvilinear_radii","radius_start_mm":10,"radius_stop_mm":82,"theta_deg":[-75,75]}"#,
    ] {
        let options = OpenOptions {
            geometry: Some(Geometry::parse(geometry).expect("sound")),
            ..OpenOptions::default()
        };
        let file = reader(name, &options).expect("is there").expect("opens");
        assert_eq!(file.frame_count(), 5);
        let frame = file.frame(4).expect("frame");
        assert_eq!(frame.stage, ScanStage::PreScan);
        assert_eq!((frame.samples.outer(), frame.samples.inner()), (96, 3640));
        let ScanGeometry::Curvilinear {
            radius,
            sector,
            depth,
        } = &*frame.geometry
        else {
            panic!("curved array");
        };
        assert_eq!((radius.0, depth.near.0, depth.far.0), (10.0, 0.0, 72.0));
        assert!((sector.degrees() - 150.0).abs() < 1e-9);
    }
    let fan = r#"{"kind":"fan","apex_px":[4,8],"near_px":1,"far_px":70,"half_deg":40}"#;
    let misplaced = OpenOptions {
        geometry: Some(Geometry::parse(fan).expect("sound")),
        ..OpenOptions::default()
    };
    let error = reader(name, &misplaced)
        .expect("is there")
        .expect_err("scan lines");
    assert!(
        error.to_string().contains("fan is for finished pictures"),
        "{error}"
    );
    let cropped = OpenOptions {
        crop: Some((0, 0, 10, 10)),
        geometry: Some(
            Geometry::parse(r#"{"kind":"phased","sector_deg":90,"far_mm":70}"#).expect("sound"),
        ),
        ..OpenOptions::default()
    };
    let error = reader(name, &cropped)
        .expect("is there")
        .expect_err("scan lines");
    assert!(
        matches!(error, ExchangeError::CropOfScanLines { .. }),
        "{error}"
    );
}

#[test]
fn pictures_open_as_stills_without_scale_or_time() {
    for (name, size) in [
        ("pocus-rulers/clarius-ocular-image.png", None),
        (
            "pocus-rulers/clarius_axial-lateral-resolution-2020.png",
            None,
        ),
        ("pocus-rulers/sonosite-anon-eye1.jpg", None),
        (
            "muscle-motion/jumping/gastroc_jumping_048.png",
            Some((800, 600)),
        ),
    ] {
        let Some(path) = data(name) else { continue };
        let file = opened(&path);
        assert!(file.is_still(), "{name}");
        assert_eq!(file.times(), [None], "{name}");
        assert!(!file.geometry().has_scale(), "{name}");
        assert!(size.is_none_or(|size| file.size() == size), "{name}");
        let told = file.notices().iter().any(|n| n.text.contains("no scale"));
        assert!(told, "{name}");
        file.frame(0).expect("decodes");
    }
}

#[test]
fn a_folder_of_numbered_pictures_is_a_sequence() {
    let Some(path) = data("muscle-motion/jumping") else {
        return;
    };
    let file = opened(&path);
    assert_eq!((file.frame_count(), file.size()), (23, (800, 600)));
    assert!(file.times().iter().all(Option::is_none));
    let scaled = OpenOptions {
        mm_per_px: Some((0.0866, 0.0866)),
        crop: Some((115, 50, 600, 480)),
        ..OpenOptions::default()
    };
    let file = open(&path, &scaled).expect("opens");
    assert_eq!(file.size(), (600, 480));
    assert!(file.geometry().has_scale());
    let (first, last) = (file.frame(0).expect("048"), file.frame(22).expect("092"));
    let still = open(&path.join("gastroc_jumping_092.png"), &scaled).expect("opens");
    let values = |frame: &portsight::frame::Frame| match frame.samples.values() {
        Values::U8(values) => values.to_vec(),
        Values::U16(_) => panic!("8 bit"),
    };
    assert_eq!(values(&last), values(&still.frame(0).expect("still")));
    assert_ne!(values(&first), values(&last));
}

#[test]
fn every_picture_of_the_folders_without_a_pump_opens() {
    for (folder, count) in [
        ("anatomy-negatives/usgra", 60),
        ("anatomy-negatives/vastus", 18),
    ] {
        let Some(path) = data(folder) else { continue };
        let files = supported_files(&path).expect("folder");
        assert_eq!(files.len(), count, "{folder}");
        for file in &files {
            opened(file).frame(0).expect("decodes");
        }
    }
}

#[test]
fn pictures_of_different_size_are_no_sequence() {
    let Some(path) = data("anatomy-negatives/usgra") else {
        return;
    };
    match open(&path, &OpenOptions::default()) {
        Err(ExchangeError::SizesDiffer {
            columns,
            rows,
            got_columns,
            got_rows,
            ..
        }) => {
            assert_ne!((columns, rows), (got_columns, got_rows));
        }
        Err(other) => panic!("{other}"),
        Ok(file) => panic!("opened as {:?}", file.size()),
    }
}

#[test]
fn per_frame_fields_are_kept_as_they_stand() {
    let Some(path) = data("plus-nwire/USTC_3NWires_TemplateTranslation.igs.mha") else {
        return;
    };
    let meta = opened(&path).meta().clone();
    assert_eq!(meta.frame_field(0, "ProbeRotation"), Some("-1.1588"));
    let transform = "0.999795 0.0202235 0 0 -0.0202235 0.999795 0 0 0 0 1 -51.5277 0 0 0 1";
    assert_eq!(
        meta.frame_field(0, "ProbeToStepperHomeTransform"),
        Some(transform)
    );
    assert_eq!(meta.frame_field(222, "Timestamp"), Some("414.679216"));
    assert_eq!(meta.field("UltrasoundImageOrientation"), Some("MFA"));
    assert_eq!(meta.field("AnatomicalOrientation"), Some("RAI"));
}

fn next(file: &mut FileSource) -> Delivery {
    file.next(Duration::ZERO).expect("readable")
}

#[test]
fn a_replay_keeps_the_times_of_the_recording() {
    let Some(path) = data("plus-watertank/watertank_000_099.igs.mha") else {
        return;
    };
    let mut file = opened(&path);
    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(5));
    file.set_pace(Pace::TrueTime(Arc::clone(&clock) as Arc<dyn Clock>));
    let Delivery::Frame(first) = next(&mut file) else {
        panic!("the first frame is due at once");
    };
    assert_eq!(first.captured_at, clock.now());
    assert!(matches!(next(&mut file), Delivery::Quiet));
    clock.advance(Duration::from_millis(84));
    assert!(
        matches!(next(&mut file), Delivery::Quiet),
        "due after 85.1 ms"
    );
    clock.advance(Duration::from_millis(2));
    let Delivery::Frame(second) = next(&mut file) else {
        panic!("the second frame is due");
    };
    let gap = second.captured_at.since(first.captured_at).as_secs_f64();
    assert!((gap - 0.085_114).abs() < 1e-6, "{gap}");
    assert_eq!(second.id.0, 1);
    // After a long halt it goes on from there instead of hurrying after its schedule.
    clock.advance(Duration::from_mins(1));
    let Delivery::Frame(third) = next(&mut file) else {
        panic!("the third frame is overdue");
    };
    assert_eq!(third.captured_at, clock.now());
    assert!(matches!(next(&mut file), Delivery::Quiet));
}

#[test]
fn a_free_running_replay_ends_and_can_start_again() {
    let Some(path) = data("plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedData.igs.mha")
    else {
        return;
    };
    let mut file = opened(&path);
    for _ in 0..2 {
        let mut seen = Vec::new();
        while let Delivery::Frame(frame) = next(&mut file) {
            seen.push((frame.id.0, frame.captured_at.as_seconds()));
        }
        assert!(matches!(next(&mut file), Delivery::Finished));
        let ids: Vec<u64> = seen.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [0, 1, 2, 3, 4]);
        assert!((seen[4].1 - 1.04).abs() < 1e-6, "{seen:?}");
        file.restart();
    }
}

#[test]
fn a_fan_and_a_scale_given_later_agree() {
    let Some(path) = data("plus-scanconvert/truth/UltrasonixCurvilinearScanConvertedData.igs.mha")
    else {
        return;
    };
    let fan = r#"{"kind":"fan","apex_px":[410,20],"near_px":67,"far_px":547,"half_deg":75}"#;
    let with_fan = |mm_per_px| OpenOptions {
        geometry: Some(Geometry::parse(fan).expect("sound")),
        mm_per_px,
        ..OpenOptions::default()
    };
    let given = open(&path, &with_fan(Some((0.15, 0.15)))).expect("opens");
    let mut later = open(&path, &with_fan(None)).expect("opens");
    assert!(!later.geometry().has_scale());
    let spacing = portsight::frame::PixelSpacing::new(0.15, 0.15).expect("sound");
    assert!(later.set_scale(spacing));
    let (
        Beams::Fan {
            apex, near, far, ..
        },
        Beams::Fan {
            apex: a,
            near: n,
            far: f,
            ..
        },
    ) = (given.geometry().beams(), later.geometry().beams())
    else {
        panic!("fans");
    };
    assert!(apex.distance(a) < 1e-9 && (near - n).abs() < 1e-9 && (far - f).abs() < 1e-9);
    assert!((apex.x - 61.5).abs() < 1e-9 && (near - 10.05).abs() < 1e-9);
    let (brightest, columns, rows) = later.brightest_projection(3).expect("reads");
    assert_eq!((columns, rows, brightest.len()), (820, 616, 820 * 616));
    let Values::U8(first) = later.frame(0).expect("frame").samples.values().clone() else {
        panic!("8 bit");
    };
    assert!(brightest.iter().zip(first.iter()).all(|(b, f)| b >= f));
}
