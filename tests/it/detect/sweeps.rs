//! Sweeps across the port: the slice called best runs through its middle.
use std::time::Duration;

use portsight::detect::{DetectorContext, PortDetector, Still};
use portsight::frame::FrameId;
use portsight::image::{ImageChain, PictureSize};
use portsight::pump;
use portsight::simulate::{Motion, Preset, VirtualProbe};
use portsight::stream::Delivery;

/// Distance of the slice called best from the middle of the port after one sweep, mm; `None` when none was called.
fn swept(seed: u64) -> Option<f64> {
    let mut scenario = Preset::Easy.scenario(seed);
    let pump = scenario.pump.as_mut().expect("a pump");
    pump.y_mm = 0.0;
    let radius = pump.port_width_mm / 2.0;
    // Another pace, another way and another hand for every seed.
    let pace = 1.5 + (seed % 5) as f64 * 0.5;
    let way = if seed.is_multiple_of(2) { 1.0 } else { -1.0 };
    scenario.motion = vec![
        Motion::Sweep {
            from_mm: -7.0 * way,
            to_mm: (5.0 + (seed % 3) as f64) * way,
            start_s: 0.2,
            duration_s: pace,
        },
        Motion::Tremor {
            mm: 0.1 + (seed % 4) as f64 * 0.1,
            hz: 0.7,
        },
    ];
    let frames = ((pace + 0.3) * scenario.fps) as usize;
    let mut probe = VirtualProbe::new(scenario);
    let mut chain = ImageChain::new(PictureSize::default());
    let model = pump::find("synchromed2-20").expect("known");
    let mut detector = PortDetector::new(DetectorContext::for_pump(model));
    let mut chords: Vec<(FrameId, f64)> = Vec::new();
    let mut best = None;
    for _ in 0..frames {
        let (delivery, truth) = probe.next_with_truth(Duration::ZERO).expect("frame");
        let Delivery::Frame(frame) = delivery else {
            continue;
        };
        let truth = truth.expect("truth");
        chords.push((frame.id, truth.port.map_or(0.0, |port| port.width_mm)));
        let finding = detector.read(&chain.form(&frame), Still::Sequence);
        best = finding.centring.and_then(|c| c.best).or(best);
    }
    let frame = best?.frame;
    let chord = chords.iter().find(|(id, _)| *id == frame)?.1;
    Some((radius * radius - chord * chord / 4.0).max(0.0).sqrt())
}

#[test]
fn the_slice_called_best_after_a_sweep_runs_through_the_middle_of_the_port() {
    let mut off: Vec<f64> = (301..309).filter_map(swept).collect();
    off.sort_by(f64::total_cmp);
    println!("{off:.2?}");
    assert!(
        off.len() >= 6,
        "a best slice is called in most sweeps: {off:?}"
    );
    assert!(
        off[off.len() / 2] <= 0.7,
        "median beside the middle: {off:?}"
    );
}
