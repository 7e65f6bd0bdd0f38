//! Writes what the detector measured on each picture, with the truth beside it, for `tests/fit/fit_detector.py`.
//!
//! usage: `detector_traits virtual FROM COUNT EVERY`, `detector_traits follow FRAMES SEED...` (a preset's name for its
//! seed 7) to see only the frames that were locked wrongly or show a port where none is, or `detector_traits files EVERY [--mm-per-px S] FILE...`
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]
use std::path::Path;
use std::time::Duration;

use portsight::detect::{DetectorContext, PortDetector, PortState, Still};
use portsight::exchange::{OpenOptions, open};
use portsight::frame::Frame;
use portsight::image::{ImageChain, PictureSize, recognise_fan};
use portsight::simulate::{Preset, Scenario, TruePort, VirtualProbe};
use portsight::stream::Delivery;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize| words[k].parse::<u64>().expect("a whole number");
    match words[0].as_str() {
        "virtual" => {
            for seed in number(1)..number(1) + number(2) {
                patient(seed, number(3));
            }
        }
        "follow" => {
            for name in &words[2..] {
                let preset = Preset::ALL.into_iter().find(|p| p.name() == name);
                let scenario = preset.map_or_else(
                    || Scenario::random(name.parse().expect("a seed or a preset")),
                    |p| p.scenario(7),
                );
                follow(name, scenario, number(1));
            }
        }
        "picture" => picture(number(1), number(2), Path::new(&words[3])),
        "files" => {
            let (mut scale, mut rest) = (None, &words[2..]);
            if rest[0] == "--mm-per-px" {
                scale = Some(rest[1].parse::<f64>().expect("a number"));
                rest = &rest[2..];
            }
            for path in rest {
                file(Path::new(path), scale, number(1) as usize);
            }
        }
        other => panic!("virtual or files expected, got {other:?}"),
    }
}

/// Reads pictures one by one and prints what was measured.
struct Printer {
    chain: ImageChain,
    detector: PortDetector,
}

impl Printer {
    fn new() -> Self {
        Self {
            chain: ImageChain::new(PictureSize::default()),
            detector: PortDetector::new(DetectorContext::default()),
        }
    }

    fn print(&mut self, head: &str, frame: &Frame) {
        let image = self.chain.form(frame);
        let _ = self.detector.read(&image, Still::Picture);
        println!("{head}");
        print!("{}", self.detector.explain());
    }
}

fn place(port: Option<TruePort>) -> String {
    port.map_or_else(
        || "- - -".into(),
        |p| format!("{:.3} {:.3} {:.3}", p.x_mm, p.z_mm, p.width_mm),
    )
}

fn patient(seed: u64, every: u64) {
    let scenario = Scenario::random(seed);
    let mut words = vec![scenario.array.word().to_owned()];
    let mut say = |holds: bool, word: &str| {
        if holds {
            words.push(word.to_owned());
        }
    };
    say(scenario.tissue.scar.is_some(), "scar");
    say(scenario.nuisance.haze_db < 0.0, "haze");
    say(scenario.nuisance.face_db <= -6.0, "faint");
    say(!scenario.look_alikes.is_empty(), "lookalike");
    match &scenario.pump {
        None => say(true, "nopump"),
        Some(p) if p.inverted => say(true, "inverted"),
        Some(p) => say(true, &format!("{:?}", p.family).to_lowercase()),
    }
    let mut probe = VirtualProbe::new(scenario);
    let mut printer = Printer::new();
    for k in 0..90 {
        let Ok((Delivery::Frame(frame), Some(truth))) = probe.next_with_truth(Duration::ZERO)
        else {
            continue;
        };
        if k % every != 0 {
            continue;
        }
        let face = truth.face.map_or_else(
            || "- - - -".to_owned(),
            |[a, b]| format!("{:.3} {:.3} {:.3} {:.3}", a[0], a[1], b[0], b[1]),
        );
        let head = format!(
            "F v{seed} {k} {} {} {face} {} {}",
            place(truth.port),
            place(truth.access_port),
            u8::from(truth.visibility.port_visible),
            words.join(",")
        );
        printer.print(&head, &frame);
    }
}

/// Follows a patient as a sequence; prints what was measured on every frame that was read wrongly.
fn follow(name: &str, scenario: Scenario, frames: u64) {
    let mut probe = VirtualProbe::new(scenario);
    let mut chain = ImageChain::new(PictureSize::default());
    let mut detector = PortDetector::new(DetectorContext::default());
    let mut states = String::new();
    let mut gone = 100;
    for k in 0..frames {
        let Ok((Delivery::Frame(frame), Some(truth))) = probe.next_with_truth(Duration::ZERO)
        else {
            continue;
        };
        let finding = detector.read(&chain.form(&frame), Still::Sequence);
        let off = truth.port.zip(finding.port).map(|(t, p)| {
            let (x, z) = (p.center.x - t.x_mm, p.center.z - t.z_mm);
            (x, z, x.abs() <= 2.0 && z.abs() <= 3.0)
        });
        gone = if truth.port.is_some() { 0 } else { gone + 1 };
        let locked = finding.state == PortState::Locked;
        let wrong = locked && !off.map_or(gone <= 2, |o| o.2);
        states.push(match (finding.state, finding.held, wrong, truth.port) {
            (_, _, true, _) => 'W',
            (PortState::Locked, ..) => 'L',
            (_, true, ..) => 'h',
            (PortState::Candidate, _, _, None) => '!',
            (PortState::Candidate, ..) => 'c',
            (PortState::AccessPortSuspected, ..) => 'a',
            (.., Some(t)) if t.width_mm >= 4.0 => '_',
            _ => '.',
        });
        if states.ends_with(['W', '!']) {
            let words = truth.face.map_or_else(
                || "- - - -".to_owned(),
                |[a, b]| format!("{:.3} {:.3} {:.3} {:.3}", a[0], a[1], b[0], b[1]),
            );
            println!(
                "F {name} {k} {} {} {words} {off:?}",
                place(truth.port),
                place(truth.access_port)
            );
            print!("{}", detector.explain());
        }
    }
    println!("S {name} {states}");
}

/// Writes one picture of a patient as a PGM file.
fn picture(seed: u64, index: u64, out: &Path) {
    let mut probe = VirtualProbe::new(Scenario::random(seed));
    let mut chain = ImageChain::new(PictureSize::default());
    for k in 0..=index {
        let Ok((Delivery::Frame(frame), _)) = probe.next_with_truth(Duration::ZERO) else {
            continue;
        };
        if k == index {
            let image = chain.form(&frame);
            let mut bytes = format!("P5 {} {} 255\n", image.columns, image.rows).into_bytes();
            bytes.extend_from_slice(&image.pixels);
            std::fs::write(out, bytes).expect("written");
            let [a, b] = image.scan_from_pixel.scale();
            let [x, z] = image.scan_from_pixel.shift();
            println!("{a} {b} {x} {z}");
        }
    }
}

fn file(path: &Path, scale: Option<f64>, every: usize) {
    let options = OpenOptions {
        mm_per_px: scale.map(|s| (s, s)),
        ..OpenOptions::default()
    };
    let Ok(mut file) = open(path, &options) else {
        eprintln!("cannot open {}", path.display());
        return;
    };
    if file.geometry().depth().is_none()
        && let Ok((pixels, columns, rows)) = file.brightest_projection(16)
        && let Some(fan) = recognise_fan(&pixels, columns, rows)
        && let Some(beams) = file.fan_from_pixels(fan.apex, fan.near, fan.far, fan.half)
    {
        file.set_beams(beams);
    }
    let mut printer = Printer::new();
    for k in (0..file.frame_count()).step_by(every) {
        let Ok(frame) = file.frame(k) else { continue };
        let name = path.file_stem().expect("name").to_string_lossy();
        let folder = path.parent().and_then(Path::file_name);
        let folder = folder.map_or_else(String::new, |f| f.to_string_lossy().into_owned());
        printer.print(
            &format!("F {folder}/{name} {k} - - - - - - - - - - 0 file"),
            &frame,
        );
    }
}
