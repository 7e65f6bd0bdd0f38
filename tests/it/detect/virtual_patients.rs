//! The detector on virtual patients: many seeds, every kind of look-alike, truth in every frame.
use std::time::Duration;

use portsight::clock::{Clock, SystemClock};
use portsight::detect::{DetectorContext, Finding, PortDetector, PortState, Still};
use portsight::image::{ImageChain, PictureSize};
use portsight::simulate::{Preset, Scenario, Truth, VirtualProbe};
use portsight::stream::Delivery;

use super::cases::explain;
use super::letter_of;

/// What became of the frames of one patient.
#[derive(Debug, Default)]
struct Outcome {
    visible: usize,
    right: usize,
    wrong: usize,
    lies: usize,
    candidates: usize,
    inverted: usize,
    fluid: usize,
    absent: usize,
    lateral: Vec<f64>,
    depth: Vec<f64>,
    tilt: Vec<f64>,
    millis: Vec<f64>,
    states: String,
}

fn follow(scenario: Scenario, frames: u64) -> Outcome {
    let mut probe = VirtualProbe::new(scenario);
    let mut chain = ImageChain::new(PictureSize {
        columns: 800,
        rows: 600,
    });
    let mut detector = PortDetector::new(DetectorContext::default());
    let mut o = Outcome::default();
    let clock = SystemClock::start();
    let (mut wide, mut gone) = (0, 100);
    for k in 0..frames {
        let Ok((Delivery::Frame(frame), Some(truth))) =
            probe.next_with_truth(Duration::from_secs(5))
        else {
            continue;
        };
        let image = chain.form(&frame);
        let start = clock.now();
        let finding = detector.read(&image, Still::Sequence);
        o.millis.push(clock.now().since(start).as_secs_f64() * 1e3);
        if k == 30 {
            explain(&mut detector);
        }
        o.note(&finding, &truth, &mut wide, &mut gone);
    }
    o
}

impl Outcome {
    /// Compares one finding with its truth. `wide` counts frames with a chord of 4 mm or more, `gone` those since
    /// the port was last there.
    fn note(&mut self, finding: &Finding, truth: &Truth, wide: &mut usize, gone: &mut usize) {
        let locked = finding.state == PortState::Locked;
        self.states.push(letter_of(finding));
        self.inverted += usize::from(finding.state == PortState::InvertedSuspected);
        self.fluid += usize::from(finding.fluid.is_some());
        if let (Some(face), Some(tilt)) = (finding.face, truth.tilt_deg) {
            self.tilt.push((face.tilt.degrees() - tilt).abs());
        }
        let Some(port) = &truth.port else {
            *gone += 1;
            self.absent += 1;
            self.lies += usize::from(locked && *gone > 2);
            self.candidates += usize::from(finding.port.is_some() && !finding.held);
            return;
        };
        *gone = 0;
        let off = finding
            .port
            .map(|p| (p.center.x - port.x_mm, p.center.z - port.z_mm));
        let near = off.is_some_and(|(x, z)| x.abs() <= 2.0 && z.abs() <= 3.0);
        self.wrong += usize::from(locked && !near);
        if port.width_mm >= 4.0 {
            *wide += 1;
            if *wide >= 5 {
                self.visible += 1;
                if locked && near {
                    self.right += 1;
                    if let Some((x, z)) = off {
                        self.lateral.push(x.abs());
                        self.depth.push(z);
                    }
                }
            }
        }
    }
}

fn part(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get((values.len() as f64 * share) as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

fn show(name: &str, o: &mut Outcome) {
    println!(
        "{name:14} right {:4} of {:4} wrong {} | absent {:4} locked {} candidates {} inverted {} fluid {} | lateral {:.2} p95 {:.2} depth {:.2} tilt {:.2} | ms p50 {:.1} p99 {:.1}",
        o.right,
        o.visible,
        o.wrong,
        o.absent,
        o.lies,
        o.candidates,
        o.inverted,
        o.fluid,
        part(&mut o.lateral, 0.5),
        part(&mut o.lateral, 0.95),
        part(&mut o.depth, 0.5),
        part(&mut o.tilt, 0.5),
        part(&mut o.millis, 0.5),
        part(&mut o.millis, 0.99)
    );
    if std::env::var_os("PORTSIGHT_EXPLAIN").is_some() {
        println!("{}", o.states);
    }
}

#[test]
fn every_named_virtual_patient_is_read_honestly() {
    let only = std::env::var("PORTSIGHT_PRESET").ok();
    for preset in Preset::ALL {
        if only.as_deref().is_some_and(|p| p != preset.name()) {
            continue;
        }
        let mut o = follow(preset.scenario(7), 120);
        show(preset.name(), &mut o);
        assert_eq!(o.lies, 0, "{}: locked without a port", preset.name());
        assert_eq!(o.wrong, 0, "{}: locked in the wrong place", preset.name());
    }
}

#[test]
fn random_virtual_patients_are_never_told_a_false_port() {
    let count = std::env::var("PORTSIGHT_PATIENTS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(12);
    let mut all = Outcome::default();
    for seed in 0..count {
        let scenario = Scenario::random(5000 + seed);
        let mut o = follow(scenario, 60);
        show(&format!("seed {}", 5000 + seed), &mut o);
        all.visible += o.visible;
        all.right += o.right;
        all.wrong += o.wrong;
        all.lies += o.lies;
        all.absent += o.absent;
        all.candidates += o.candidates;
        all.lateral.append(&mut o.lateral);
        all.depth.append(&mut o.depth);
        all.tilt.append(&mut o.tilt);
        all.millis.append(&mut o.millis);
    }
    show("all", &mut all);
    assert_eq!(all.lies, 0, "locked without a port");
    assert_eq!(all.wrong, 0, "locked in the wrong place");
}
