//! Real pictures without a pump, and recordings spoilt on purpose: what must not fool the detector.
use std::path::Path;
use std::sync::Arc;

use portsight::detect::{DetectorContext, Finding, PortDetector, PortState, Still};

use super::cases::{explain, files, folder, name_of, picture, read_mha, truth_of};

/// How often something was said over a set of frames.
#[derive(Debug, Default)]
struct Tally {
    frames: usize,
    faces: usize,
    candidates: usize,
    access: usize,
    locked: usize,
}

impl Tally {
    fn add(&mut self, finding: &Finding) {
        self.frames += 1;
        self.faces += usize::from(finding.face.is_some());
        self.candidates += usize::from(finding.state == PortState::Candidate);
        self.access += usize::from(finding.state == PortState::AccessPortSuspected);
        self.locked += usize::from(finding.state == PortState::Locked);
    }
}

/// A picture as grey values.
fn gray(path: &Path) -> (Arc<Vec<u8>>, (usize, usize)) {
    let image = image::open(path).expect("picture").to_luma8();
    let size = (image.width() as usize, image.height() as usize);
    (Arc::new(image.into_raw()), size)
}

/// Reads each picture alone and then several times over as if the probe were held still.
fn tally_pictures(paths: &[std::path::PathBuf], pitch: f64) -> Tally {
    let mut tally = Tally::default();
    for path in paths {
        let (pixels, size) = gray(path);
        let mut detector = PortDetector::new(DetectorContext::default());
        for k in 0..8 {
            let image = picture(
                pixels.clone(),
                size,
                Some(pitch),
                [0.0, 0.0],
                false,
                (k, k as f64 * 0.04),
            );
            let finding = detector.read(&image, Still::Sequence);
            if k == 0 && finding.face.is_some() {
                println!(
                    "{} at {pitch}: {:?} {:?}",
                    name_of(path),
                    finding.state,
                    finding.face.map(|f| f.segment)
                );
                explain(&mut detector);
            }
            tally.add(&finding);
        }
    }
    tally
}

#[test]
fn people_without_a_pump_have_no_port() {
    for part in ["anatomy-negatives/usgra", "anatomy-negatives/vastus"] {
        let Some(folder) = folder(part) else { continue };
        let paths = files(&folder, ".png");
        for pitch in [0.06, 0.09, 0.12] {
            let tally = tally_pictures(&paths, pitch);
            println!("{part} at {pitch}: {tally:?}");
            assert_eq!(tally.locked + tally.candidates, 0, "{part} at {pitch}");
        }
    }
}

#[test]
fn a_moving_calf_has_no_port() {
    let Some(folder) = folder("muscle-motion/jumping") else {
        return;
    };
    let mut tally = Tally::default();
    let mut detector = PortDetector::new(DetectorContext::default());
    for (k, path) in files(&folder, ".png").iter().enumerate() {
        let (pixels, size) = gray(path);
        let image = picture(
            pixels,
            size,
            Some(0.0866),
            [0.0, 0.0],
            false,
            (k, k as f64 * 0.06),
        );
        let finding = detector.read(&image, Still::Sequence);
        if finding.face.is_some() {
            println!("{} {:?}", name_of(path), finding.state);
            explain(&mut detector);
        }
        tally.add(&finding);
    }
    println!("muscle-motion: {tally:?}");
    assert_eq!(tally.locked + tally.candidates, 0);
}

#[test]
fn wires_tanks_and_screens_have_no_port() {
    for part in ["plus-nwire", "plus-watertank", "plus-framegrab"] {
        let Some(folder) = folder(part) else { continue };
        for path in files(&folder, ".mha") {
            let mha = read_mha(&path);
            for pitch in [None, Some(0.075), Some(0.15), Some(0.21)] {
                let mut detector = PortDetector::new(DetectorContext::default());
                let mut tally = Tally::default();
                for (k, pixels) in mha.frames.iter().enumerate() {
                    let stamp = (k, k as f64 * 0.06);
                    let image = picture(
                        pixels.clone(),
                        (mha.columns, mha.rows),
                        pitch,
                        [0.0, 0.0],
                        false,
                        stamp,
                    );
                    let finding = detector.read(&image, Still::Sequence);
                    if finding.face.is_some() && tally.faces == 0 {
                        explain(&mut detector);
                    }
                    tally.add(&finding);
                }
                println!("{} at {pitch:?}: {tally:?}", name_of(&path));
                assert_eq!(
                    tally.locked + tally.candidates,
                    0,
                    "{} at {pitch:?}",
                    name_of(&path)
                );
            }
        }
    }
}

#[test]
fn the_floor_of_a_water_tank_is_the_surface() {
    let Some(folder) = folder("plus-watertank") else {
        return;
    };
    let mha = read_mha(&folder.join("watertank_000_099.igs.mha"));
    let lines =
        std::fs::read_to_string(folder.join("truth/watertank_000_099.lines.csv")).expect("truth");
    let mut detector = PortDetector::new(DetectorContext::default());
    let (mut near, mut count) = (0, 0);
    let mut worst = Vec::new();
    for line in lines.lines().skip(1) {
        let parts: Vec<&str> = line.split(',').collect();
        if parts[2] != "OK" {
            continue;
        }
        let k: usize = parts[0].parse().expect("frame");
        let y: f64 = parts[7].parse().expect("y");
        let image = picture(
            mha.frames[k].clone(),
            (mha.columns, mha.rows),
            None,
            [0.0, 0.0],
            false,
            (k, mha.times[k]),
        );
        let finding = detector.read(&image, Still::Sequence);
        count += 1;
        let off = finding.surface.map_or(999.0, |s| s.z_at(410.0) - y);
        near += usize::from(off.abs() <= 3.0);
        if off.abs() > 3.0 {
            worst.push((k, off));
        }
    }
    println!("water tank: {near} of {count} within 3 px; others {worst:?}");
    assert!(near * 100 >= count * 95, "{near} of {count}");
}

/// A repeatable stream of numbers in -1..1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

type Spoil = fn(&mut [f64], usize, f64, &mut Noise);

/// Changes every pixel inside the picture (black outside the fan stays black).
fn spoilt(pixels: &[u8], columns: usize, pitch: f64, spoil: Spoil, seed: u64) -> Vec<u8> {
    let mut values: Vec<f64> = pixels.iter().map(|v| f64::from(*v)).collect();
    let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    spoil(&mut values, columns, pitch, &mut noise);
    values
        .iter()
        .zip(pixels)
        .map(|(v, old)| {
            if *old == 0 {
                0
            } else {
                v.clamp(1.0, 255.0) as u8
            }
        })
        .collect()
}

fn each(values: &mut [f64], mut change: impl FnMut(f64) -> f64) {
    for v in values {
        *v = change(*v);
    }
}

/// Smears along rows and columns.
fn blur(values: &mut [f64], columns: usize) {
    let old = values.to_vec();
    let rows = old.len() / columns;
    for r in 1..rows - 1 {
        for c in 1..columns - 1 {
            let mut sum = 0.0;
            for dr in 0..3 {
                for dc in 0..3 {
                    sum += old[(r + dr - 1) * columns + c + dc - 1];
                }
            }
            values[r * columns + c] = sum / 9.0;
        }
    }
}

/// Ways to spoil a picture that leave the port where it is.
const SPOILS: [(&str, Spoil); 7] = [
    ("gain +10 dB", |v, _, _, _| each(v, |p| p + 42.0)),
    ("gain -10 dB", |v, _, _, _| each(v, |p| p - 42.0)),
    ("noise", |v, _, _, n| each(v, |p| p + 24.0 * n.next())),
    ("haze", |v, _, _, n| {
        each(v, |p| p.max(95.0 + 18.0 * n.next()))
    }),
    ("blur", |v, c, _, _| blur(v, c)),
    ("range 80 dB", |v, _, _, _| each(v, |p| 64.0 + p * 0.75)),
    ("range 45 dB", |v, _, _, _| {
        each(v, |p| 255.0 - (255.0 - p) * 1.33)
    }),
];

#[test]
fn spoilt_stills_keep_their_ports_and_gain_none() {
    let Some(folder) = folder("physics") else {
        return;
    };
    let mut found = 0;
    let mut failures = Vec::new();
    for (name, spoil) in SPOILS {
        for path in files(&folder, ".mha") {
            let truth = truth_of(&path);
            let mha = read_mha(&path);
            let pixels = spoilt(&mha.frames[0], mha.columns, mha.spacing, spoil, 7);
            let curved = truth["probe"] == "curved";
            let image = picture(
                Arc::new(pixels),
                (mha.columns, mha.rows),
                Some(mha.spacing),
                mha.offset,
                curved,
                (0, 0.0),
            );
            let mut detector = PortDetector::new(DetectorContext::default());
            let finding = detector.read(&image, Still::Picture);
            let wrong = match (&finding.port, truth["port"]["centre_mm"][0].as_f64()) {
                (Some(p), Some(x)) if (p.center.x - x).abs() <= 2.0 => {
                    found += 1;
                    continue;
                }
                (Some(_), _) => "false port",
                (None, Some(_)) => "missed",
                (None, None) => continue,
            };
            println!("{name}: {} {wrong} {:?}", name_of(&path), finding.state);
            explain(&mut detector);
            if wrong == "false port" {
                failures.push((name, name_of(&path)));
            }
        }
    }
    println!("spoilt stills: {found} of {} ports found", 4 * SPOILS.len());
    assert!(failures.is_empty(), "{failures:?}");
    assert!(found >= 3 * SPOILS.len() - 3, "{found}");
}

/// Counts right and wrong frames of a spoilt sequence: (visible, right, wrong, false).
fn spoilt_sequence(path: &Path, spoil: Spoil) -> (usize, usize, usize, usize) {
    let truth = truth_of(path);
    let mha = read_mha(path);
    let mut detector = PortDetector::new(DetectorContext::default());
    let (mut wide, mut gone) = (0, 100);
    let (mut visible, mut right, mut wrong, mut lies) = (0, 0, 0, 0);
    for (k, pixels) in mha.frames.iter().enumerate() {
        let frame = &truth["frames"][k];
        let pixels = spoilt(pixels, mha.columns, mha.spacing, spoil, k as u64 + 1);
        let stamp = (k, frame["t"].as_f64().expect("t"));
        let curved = truth["probe"] == "curved";
        let image = picture(
            Arc::new(pixels),
            (mha.columns, mha.rows),
            Some(mha.spacing),
            mha.offset,
            curved,
            stamp,
        );
        let finding = detector.read(&image, Still::Sequence);
        if k % 20 == 0 {
            explain(&mut detector);
        }
        let locked = finding.state == PortState::Locked;
        let Some(x) = frame["port"]["x_mm"].as_f64() else {
            gone += 1;
            lies += usize::from(locked && gone > 2);
            continue;
        };
        gone = 0;
        let near = finding.port.is_some_and(|p| (p.center.x - x).abs() <= 2.0);
        wrong += usize::from(locked && !near);
        if frame["port"]["width_mm"].as_f64().expect("width") >= 4.0 {
            wide += 1;
            visible += usize::from(wide >= 5);
            right += usize::from(wide >= 5 && locked && near);
        }
    }
    (visible, right, wrong, lies)
}

#[test]
fn spoilt_sequences_never_lock_where_no_port_is() {
    let Some(folder) = folder("sequences") else {
        return;
    };
    let mut bad = Vec::new();
    for (name, spoil) in SPOILS {
        for path in files(&folder, ".mha") {
            let (visible, right, wrong, lies) = spoilt_sequence(&path, spoil);
            println!(
                "{name:12} {:28} right {right} of {visible}, wrong {wrong}, false {lies}",
                name_of(&path)
            );
            if wrong + lies > 0 || right * 100 < visible * 90 {
                bad.push((name, name_of(&path), right, visible, wrong, lies));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}

/// Darkens columns between two lateral positions (mm from the left) from a depth on, as a shadow does.
fn shadow(
    values: &mut [f64],
    columns: usize,
    pitch: f64,
    (from, to, top): (f64, f64, f64),
    grey: f64,
    soft: f64,
) {
    for (k, v) in values.iter_mut().enumerate() {
        let (x, z) = ((k % columns) as f64 * pitch, (k / columns) as f64 * pitch);
        if z >= top {
            let inside = ((x - from).min(to - x) / soft + 0.5).clamp(0.0, 1.0);
            *v = (*v - grey * inside).max(20.0);
        }
    }
}

/// Things painted over blank metal that are no port.
const LOOKALIKES: [(&str, Spoil); 8] = [
    ("contact shadow", |v, c, p, _| {
        shadow(v, c, p, (14.0, 21.0, 0.0), 120.0, 0.6)
    }),
    ("weak contact shadow", |v, c, p, _| {
        shadow(v, c, p, (14.0, 21.0, 0.0), 60.0, 0.6)
    }),
    ("scar shadow", |v, c, p, _| {
        shadow(v, c, p, (14.0, 21.0, 8.0), 100.0, 0.5)
    }),
    ("faint scar shadow", |v, c, p, _| {
        shadow(v, c, p, (14.0, 21.0, 12.0), 45.0, 0.5)
    }),
    ("scar with its shadow", |v, c, p, _| {
        shadow(v, c, p, (14.0, 20.0, 14.0), 110.0, 0.5);
        band(v, c, p, (14.0, 20.0), (14.0, 14.9), 215.0);
    }),
    ("scar close to the face", |v, c, p, _| {
        shadow(v, c, p, (12.0, 18.0, 16.4), 90.0, 0.5);
        band(v, c, p, (12.0, 18.0), (16.4, 17.2), 215.0);
    }),
    ("layer close to the face", |v, c, p, _| {
        band(v, c, p, (10.0, 18.0), (15.5, 16.3), 225.0)
    }),
    ("hole filled with plain tissue", |v, c, p, _| {
        let old = v.to_vec();
        let rows = v.len() / c;
        for r in (15.5 / p) as usize..rows {
            for col in (14.0 / p) as usize..(21.0 / p) as usize {
                v[r * c + col] = old[(r % 25 + 75) * c + col];
            }
        }
    }),
];

/// Paints a bright flat band.
fn band(
    values: &mut [f64],
    columns: usize,
    pitch: f64,
    (from, to): (f64, f64),
    (top, low): (f64, f64),
    grey: f64,
) {
    for (k, v) in values.iter_mut().enumerate() {
        let (x, z) = ((k % columns) as f64 * pitch, (k / columns) as f64 * pitch);
        if x >= from && x <= to && z >= top && z <= low {
            *v = grey;
        }
    }
}

#[test]
fn shadows_and_scars_on_blank_metal_are_no_port() {
    let Some(folder) = folder("sequences") else {
        return;
    };
    let mut bad = Vec::new();
    for (name, spoil) in LOOKALIKES {
        let (_, _, _, lies) = spoilt_sequence(&folder.join("q05_inverted_sweep.mha"), spoil);
        println!("{name}: locked {lies}");
        if lies > 0 {
            bad.push((name, lies));
        }
    }
    let Some(stills) = super::cases::folder("physics") else {
        return;
    };
    for (name, spoil) in LOOKALIKES {
        let mha = read_mha(&stills.join("d03_linear_inverted.mha"));
        let pixels = spoilt(&mha.frames[0], mha.columns, mha.spacing, spoil, 3);
        let image = picture(
            Arc::new(pixels),
            (mha.columns, mha.rows),
            Some(mha.spacing),
            mha.offset,
            false,
            (0, 0.0),
        );
        let mut detector = PortDetector::new(DetectorContext::default());
        let finding = detector.read(&image, Still::Picture);
        println!(
            "still {name}: {:?} {:?}",
            finding.state,
            finding.port.map(|p| (p.center.x, p.width.0))
        );
        explain(&mut detector);
        if finding.port.is_some() {
            bad.push((name, 1));
        }
    }
    assert!(bad.is_empty(), "{bad:?}");
}
