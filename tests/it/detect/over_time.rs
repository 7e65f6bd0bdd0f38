//! What only many frames show: fluid that comes, and a face swept over without an opening.
use std::sync::Arc;
use std::time::Duration;

use portsight::detect::{DetectorContext, Finding, PortDetector, PortState, Still};
use portsight::image::{ImageChain, PictureSize, ScanImage};
use portsight::simulate::{Motion, Preset, Scenario, Truth, VirtualProbe};
use portsight::stream::Delivery;

/// Reads so many frames of a scenario; `change` may alter the grey levels of a frame.
fn read(
    scenario: Scenario,
    frames: usize,
    change: impl Fn(usize, u8) -> u8,
) -> Vec<(Finding, Truth)> {
    let mut probe = VirtualProbe::new(scenario);
    let mut chain = ImageChain::new(PictureSize::default());
    let mut detector = PortDetector::new(DetectorContext::default());
    let mut all = Vec::new();
    for k in 0..frames {
        let (delivery, truth) = probe.next_with_truth(Duration::ZERO).expect("frame");
        let Delivery::Frame(frame) = delivery else {
            continue;
        };
        let mut image = ScanImage::clone(&chain.form(&frame));
        image.pixels = Arc::new(image.pixels.iter().map(|v| change(k, *v)).collect());
        let finding = detector.read(&image, Still::Sequence);
        all.push((finding, Truth::clone(&truth.expect("truth"))));
    }
    all
}

fn held(seed: u64) -> Scenario {
    let mut scenario = Preset::Easy.scenario(seed);
    scenario.pump.as_mut().expect("a pump").y_mm = 0.0;
    scenario.motion = vec![Motion::Tremor { mm: 0.3, hz: 0.7 }];
    scenario
}

fn swept(seed: u64, from_mm: f64, to_mm: f64) -> Scenario {
    let mut scenario = held(seed);
    scenario.motion.push(Motion::Sweep {
        from_mm,
        to_mm,
        start_s: 0.3,
        duration_s: 5.0,
    });
    scenario
}

fn turned_over(mut scenario: Scenario) -> Scenario {
    scenario.pump.as_mut().expect("a pump").inverted = true;
    scenario
}

fn inverted(read: &[(Finding, Truth)]) -> usize {
    let named = |f: &Finding| f.state == PortState::InvertedSuspected;
    read.iter().filter(|(f, _)| named(f)).count()
}

#[test]
fn fluid_that_grows_above_the_face_is_noticed_within_two_seconds_of_two_millimeters() {
    let mut scenario = held(11);
    scenario.fluid.start_s = Some(2.0);
    scenario.fluid.growth_s = 3.0;
    let frames = (7.0 * scenario.fps) as usize;
    let fps = scenario.fps;
    let all = read(scenario, frames, |_, v| v);
    let first = |is: &dyn Fn(&(Finding, Truth)) -> bool| all.iter().position(is);
    let due = first(&|(_, t)| t.fluid.is_some_and(|f| f.thickness_mm >= 2.0)).expect("fluid");
    let noticed = first(&|(f, _)| f.fluid.is_some()).expect("a notice");
    let delay = (noticed as f64 - due as f64) / fps;
    println!("noticed {delay:.2} s after 2 mm");
    assert!(delay <= 2.0, "{delay}");
    let early = |(f, t): &&(Finding, Truth)| f.fluid.is_some() && t.fluid.is_none();
    assert_eq!(all.iter().filter(early).count(), 0, "before there was any");
    let (last, truth) = all.last().expect("frames");
    let (seen, is) = (last.fluid.expect("it stays"), truth.fluid.expect("fluid"));
    assert!(
        (seen.thickness.0 - is.thickness_mm).abs() <= 2.0,
        "{seen:?} {is:?}"
    );
}

#[test]
fn a_gain_that_is_turned_raises_no_notice_of_fluid() {
    let turned: [fn(u8) -> u8; 2] = [|v| v.saturating_sub(35), |v| v.saturating_add(35)];
    for turn in turned {
        let all = read(held(12), 150, |k, v| if k < 80 { v } else { turn(v) });
        let locked = all
            .iter()
            .filter(|(f, _)| f.state == PortState::Locked)
            .count();
        assert!(locked > 80, "a baseline was learnt: {locked}");
        assert_eq!(all.iter().filter(|(f, _)| f.fluid.is_some()).count(), 0);
    }
}

#[test]
fn a_pump_that_lies_upside_down_is_named_by_the_end_of_a_sweep() {
    let all = read(turned_over(swept(21, -18.0, 18.0)), 165, |_, v| v);
    let named = inverted(&all[all.len() - 30..]);
    println!("named on {named} of the last 30 frames");
    assert!(named > 0);
    assert_eq!(inverted(&all[..40]), 0, "not before anything was swept");
}

#[test]
fn a_probe_held_still_or_swept_over_a_port_names_no_pump_upside_down() {
    assert_eq!(inverted(&read(turned_over(held(22)), 200, |_, v| v)), 0);
    assert_eq!(inverted(&read(swept(23, -18.0, 18.0), 165, |_, v| v)), 0);
}
