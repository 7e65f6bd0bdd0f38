//! Calibration: a virtual wire phantom with its truth, wrong phantoms, and the real recordings when they are there.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot prepare its ground has failed; one that skips says so"
)]
use std::path::{Path, PathBuf};

use portsight::calibrate::{
    Calibration, Echo, Medium, Phantom, Picture, calibrate, find_echoes, plate_line,
};
use portsight::exchange::{FileSource, OpenOptions, open};
use portsight::frame::Values;

const PHANTOM: &str = r#"{"name":"three N layers, z is depth","wires_mm":{
    "a":[[5,0,15],[5,60,15]],"b":[[10,0,15],[30,60,15]],"c":[[35,0,15],[35,60,15]],
    "d":[[5,0,27],[5,60,27]],"e":[[30,0,27],[10,60,27]],"f":[[35,0,27],[35,60,27]],
    "g":[[10,0,38],[10,60,38]],"h":[[30,0,38],[15,60,38]],"i":[[35,0,38],[35,60,38]]}}"#;
const SIZE: (usize, usize) = (480, 420);

/// Numbers from 0 to 1 that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

fn spot(pixels: &mut [u8], x: f64, y: f64, peak: f64) {
    for v in (y as usize).saturating_sub(12)..(y as usize + 13).min(SIZE.1) {
        for u in (x as usize).saturating_sub(20)..(x as usize + 21).min(SIZE.0) {
            let r = ((u as f64 - x) / 5.0).powi(2) + ((v as f64 - y) / 2.2).powi(2);
            let pixel = pixels.get_mut(v * SIZE.0 + u).expect("a pixel");
            *pixel = pixel.saturating_add((peak * (-0.5 * r).exp()) as u8);
        }
    }
}

/// Echoes of frames of the phantom above: wires only up to a number, one false echo for every five true ones.
fn frames(scales: [f64; 2], offset: f64, wires: usize, seed: u64) -> Vec<Vec<Echo>> {
    let mut numbers = Numbers(seed);
    let lines = [
        (5.0, 5.0, 15.0),
        (10.0, 30.0, 15.0),
        (35.0, 35.0, 15.0),
        (5.0, 5.0, 27.0),
        (30.0, 10.0, 27.0),
        (35.0, 35.0, 27.0),
        (10.0, 10.0, 38.0),
        (30.0, 15.0, 38.0),
        (35.0, 35.0, 38.0),
    ];
    let frame = |numbers: &mut Numbers| {
        let mut pixels = vec![0_u8; SIZE.0 * SIZE.1];
        for pixel in &mut pixels {
            *pixel = numbers.between(0.0, 12.0) as u8;
        }
        let along = numbers.between(0.15, 0.85);
        let turn = numbers.between(-0.03, 0.03);
        let shift = numbers.between(-1.0, 1.0);
        for (from, to, depth) in lines.iter().take(wires) {
            let (x, z) = (from + along * (to - from) - 20.0, depth - 26.0);
            let across = x * turn.cos() - z * turn.sin() + 24.0 + shift;
            let deep = x * turn.sin() + z * turn.cos() + 26.0;
            let jitter = numbers.between(-0.04, 0.04);
            let (px, py) = ((across + jitter) / scales[0], (deep - offset) / scales[1]);
            spot(&mut pixels, px, py, numbers.between(110.0, 230.0));
        }
        for _ in 0..wires.div_ceil(5) {
            let (x, y) = (numbers.between(20.0, 460.0), numbers.between(20.0, 400.0));
            spot(&mut pixels, x, y, numbers.between(110.0, 230.0));
        }
        find_echoes(&Picture::new(SIZE.0, SIZE.1, &pixels).expect("a picture"))
    };
    (0..60).map(|_| frame(&mut numbers)).collect()
}

#[test]
fn the_virtual_phantom_gives_its_scale_back_at_any_speed_and_with_false_echoes() {
    let phantom = Phantom::parse(PHANTOM).expect("a phantom");
    for (seed, speed) in [(1, 0.97), (2, 1.0), (3, 1.03)] {
        let (scales, offset) = ([0.104, 0.098 * speed], 1.7);
        let found = calibrate(
            &phantom,
            &frames(scales, offset, 9, seed),
            Medium::Water(22.0),
        );
        assert!(found.accepted, "{found:?}");
        let lateral = found.lateral_mm_per_px.expect("lateral") / scales[0] - 1.0;
        let axial = found.axial_mm_per_px.expect("axial") / scales[1] - 1.0;
        let off = found.axial_offset_mm.expect("offset") - offset;
        let rms = found.residual_rms_mm.expect("residual");
        assert!(
            lateral.abs() < 0.003 && axial.abs() < 0.003,
            "{lateral} {axial}"
        );
        assert!(off.abs() < 0.10 && rms < 0.10, "{off} {rms}");
        assert_eq!(found.wires_used, 9);
        let [low, high] = found.leave_one_out_ci95_mm.expect("interval");
        let mean = found.leave_one_out_mm.expect("leave-one-out");
        assert!(low <= mean && mean <= high);
        let tissue = found.axial_mm_per_px_1540.expect("1540") / scales[1];
        assert!((tissue - 1540.0 / 1488.3).abs() < 0.004, "{tissue}");
    }
}

#[test]
fn a_wrong_phantom_and_too_few_wires_are_refused_with_a_reason() {
    let seen = frames([0.104, 0.098], 1.7, 9, 7);
    let narrow = PHANTOM.replace("35,", "27,");
    let wrong = calibrate(
        &Phantom::parse(&narrow).expect("a phantom"),
        &seen,
        Medium::Tissue,
    );
    assert!(!wrong.accepted && !wrong.reason.is_empty(), "{wrong:?}");
    let phantom = Phantom::parse(PHANTOM).expect("a phantom");
    let few = calibrate(&phantom, &frames([0.104, 0.098], 1.7, 3, 8), Medium::Tissue);
    assert!(!few.accepted && few.reason.contains("needed"), "{few:?}");
    let none = calibrate(&phantom, &[], Medium::Tissue);
    assert!(!none.accepted && none.lateral_mm_per_px.is_none());
}

fn data() -> PathBuf {
    std::env::var_os("PORTSIGHT_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    )
}

/// The recording, or nothing and a word about it.
fn recording(name: &str) -> Option<FileSource> {
    let path = data().join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(open(&path, &OpenOptions::default()).expect("a recording"))
}

fn pictures(file: &FileSource, mut each: impl FnMut(usize, &Picture<'_>)) {
    for index in 0..file.frame_count() {
        let frame = file.frame(index).expect("a frame");
        let Values::U8(values) = frame.samples.values() else {
            panic!("8 bits")
        };
        let picture = Picture::new(frame.samples.inner(), frame.samples.outer(), values);
        each(index, &picture.expect("a picture"));
    }
}

fn of_recording(name: &str, phantom: &str) -> Option<Calibration> {
    let file = recording(name)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/phantoms");
    let text = std::fs::read_to_string(path.join(phantom)).expect("a phantom file");
    let mut echoes = Vec::new();
    pictures(&file, |_, picture| echoes.push(find_echoes(picture)));
    let phantom = Phantom::parse(&text).expect("a phantom");
    Some(calibrate(&phantom, &echoes, Medium::Water(22.0)))
}

#[test]
fn real_wire_phantoms_are_read_within_two_percent_and_wrong_ones_refused() {
    let (ical, fcal) = ("ical-1.0-three-layers.json", "fcal-2.0.json");
    let freehand = "plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha";
    let stepper = "plus-nwire/USTC_3NWires_RandomStepperMotionCalibration.igs.mha";
    for (file, phantom, lateral, axial) in [
        (stepper, ical, 0.14695, 0.14315),
        (
            "plus-nwire/USTC_3NWires_TemplateTranslation.igs.mha",
            ical,
            0.14695,
            0.14315,
        ),
        (freehand, fcal, 0.07854, 0.07679),
    ] {
        if let Some(found) = of_recording(file, phantom) {
            assert!(found.accepted, "{file}: {}", found.reason);
            let off =
                |value: Option<f64>, truth: f64| (value.expect("a scale") / truth - 1.0).abs();
            assert!(off(found.lateral_mm_per_px, lateral) < 0.02, "{file}");
            assert!(off(found.axial_mm_per_px, axial) < 0.02, "{file}");
        }
    }
    for (file, phantom) in [(stepper, fcal), (freehand, ical)] {
        if let Some(found) = of_recording(file, phantom) {
            assert!(!found.accepted, "{file} with {phantom}");
        }
    }
}

#[test]
fn the_bottom_of_the_water_tank_is_followed() {
    let name = "plus-watertank/truth/watertank_000_099.lines.csv";
    let Some(file) = recording("plus-watertank/watertank_000_099.igs.mha") else {
        return;
    };
    let truth = std::fs::read_to_string(data().join(name)).expect("truth");
    let rows: Vec<Option<f64>> = truth
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().and_then(|cell| cell.parse().ok()))
        .collect();
    let (mut near, mut all) = (0, 0);
    pictures(&file, |index, picture| {
        let Some(row) = rows.get(index).copied().flatten() else {
            return;
        };
        all += 1;
        let found = plate_line(picture).map(|l| l.y_middle + l.slope * (410.0 - l.x_middle));
        near += usize::from(found.is_some_and(|y| (y - row).abs() <= 3.0));
    });
    assert!(100 * near >= 95 * all && all > 0, "{near} of {all}");
}
