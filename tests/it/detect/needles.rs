//! Needles of virtual patients: seen, their tips where they are, and none where there is none.
use std::time::Duration;

use portsight::detect::{DetectorContext, PortDetector, Still};
use portsight::image::{ImageChain, PictureSize};
use portsight::simulate::{Preset, Scenario, VirtualProbe};
use portsight::stream::Delivery;

/// What became of the needles of some sequences.
#[derive(Debug, Default)]
struct Followed {
    /// Frames with 8 mm or more of a needle, and those of them in which one was seen.
    visible: usize,
    seen: usize,
    /// Distances of reported tips from the true ones, mm, and tips reported where the slice has none.
    tips: Vec<f64>,
    no_tips: usize,
    /// Angles between reported and true shafts, degrees.
    angles: Vec<f64>,
    /// Frames without a needle, and those of them in which one was seen.
    without: usize,
    lies: usize,
}

impl Followed {
    /// Follows one patient for so many frames.
    fn follow(&mut self, scenario: Scenario, frames: usize) {
        let mut probe = VirtualProbe::new(scenario);
        let mut chain = ImageChain::new(PictureSize::default());
        let mut detector = PortDetector::new(DetectorContext::default());
        for _ in 0..frames {
            let Ok((Delivery::Frame(frame), Some(truth))) = probe.next_with_truth(Duration::ZERO)
            else {
                continue;
            };
            let found = detector.read(&chain.form(&frame), Still::Sequence).needle;
            let Some(needle) = truth.needle else {
                self.without += 1;
                self.lies += usize::from(found.is_some());
                continue;
            };
            let ([ax, az], [bx, bz]) = (needle.a, needle.b);
            let long = (bx - ax).hypot(bz - az) >= 8.0;
            self.visible += usize::from(long);
            let Some(found) = found else { continue };
            self.seen += usize::from(long);
            if long {
                let said = (found.b.z - found.a.z).atan2(found.b.x - found.a.x);
                let turn = (said - (bz - az).atan2(bx - ax)).to_degrees();
                self.angles.push(turn.abs());
            }
            match (found.tip, needle.tip) {
                (Some(tip), Some([x, z])) => self.tips.push((tip.x - x).hypot(tip.z - z)),
                (Some(_), None) => self.no_tips += 1,
                (None, _) => {}
            }
        }
    }
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[test]
fn a_needle_that_goes_in_is_seen_and_its_tip_followed() {
    let mut scenario = Preset::Easy.scenario(3);
    scenario.needle.angle_deg = 40.0;
    scenario.needle.start_s = Some(0.2);
    scenario.needle.speed_mm_s = 8.0;
    let mut f = Followed::default();
    f.follow(scenario, 75);
    println!("{f:?}");
    assert_eq!((f.lies, f.no_tips), (0, 0));
    assert!(f.seen * 10 >= f.visible * 6, "{} of {}", f.seen, f.visible);
    // how often a tip is given is no bar; those given have to be right
    assert!(!f.tips.is_empty(), "no tip was given");
    assert!(middle(&mut f.tips) <= 0.7, "{:?}", f.tips);
    assert!(middle(&mut f.angles) <= 1.0, "{:?}", f.angles);
}

#[test]
fn a_tip_is_never_given_where_the_slice_has_none() {
    let mut f = Followed::default();
    for seed in 9_301..9_307 {
        f.follow(Scenario::random_with_needle(seed), 90);
    }
    println!("{} tips, {} false; {f:?}", f.tips.len(), f.no_tips);
    assert_eq!(f.no_tips, 0);
    assert!(f.lies * 100 <= f.without, "{} of {}", f.lies, f.without);
    assert!(f.tips.iter().all(|off| *off <= 3.0), "{:?}", f.tips);
}

#[test]
fn without_a_needle_none_is_seen() {
    let mut f = Followed::default();
    for preset in [Preset::Easy, Preset::Fascia, Preset::Bone, Preset::Haze] {
        f.follow(preset.scenario(11), 40);
        assert_eq!(f.lies, 0, "{}", preset.name());
    }
}
