//! The virtual probe seen from outside: reproducible, coherent, and true to its own truth.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "the helpers of tests may panic as tests do"
)]
use std::sync::Arc;
use std::time::Duration;

use portsight::clock::{Clock, ManualClock};
use portsight::frame::{Frame, ImagingSettings, Orientation, ScanGeometry, Values};
use portsight::simulate::{
    Cue, FaultCue, Motion, OpeningClass, PoseStep, Preset, Scenario, Truth, VirtualProbe,
};
use portsight::space::Millimeters;
use portsight::stream::{Delivery, FrameSource, SourceProblem};

fn next(probe: &mut VirtualProbe) -> (Arc<Frame>, Arc<Truth>) {
    match probe.next_with_truth(Duration::ZERO) {
        Ok((Delivery::Frame(frame), Some(truth))) => (frame, truth),
        other => panic!("expected a frame with its truth, got {other:?}"),
    }
}

fn values(frame: &Frame) -> &[u16] {
    match frame.samples.values() {
        Values::U16(values) => values,
        Values::U8(_) => panic!("the virtual probe sends linear amplitude"),
    }
}

/// Even tissue without layers, pump, noise or motion.
fn even_tissue(seed: u64) -> Scenario {
    let mut scenario = Preset::NoPump.scenario(seed);
    scenario.tissue.septa = 0;
    scenario.tissue.texture_db = 0.0;
    scenario.tissue.fat_mm = 60.0;
    scenario.motion.clear();
    scenario.nuisance.noise_db = -40.0;
    scenario
}

/// Line (fractional) and sample (fractional) of a point of the Scan space.
fn locate(frame: &Frame, x: f64, z: f64) -> (f64, f64) {
    let gaps = (frame.samples.outer() - 1) as f64;
    let depth = frame.geometry.depth().expect("scan lines have a depth");
    let samples = frame.samples.inner() as f64;
    let (share, r) = match &*frame.geometry {
        ScanGeometry::Linear { width, .. } => (x / width.0 + 0.5, z),
        ScanGeometry::Curvilinear { radius, sector, .. } => (
            x.atan2(z + radius.0) / sector.0 + 0.5,
            x.hypot(z + radius.0) - radius.0,
        ),
        ScanGeometry::Phased { .. } | ScanGeometry::Raster { .. } => {
            panic!("unexpected geometry {:?}", frame.geometry)
        }
    };
    (
        share * gaps,
        (r - depth.near.0) / depth.span().0 * samples - 0.5,
    )
}

fn level_db(value: f64) -> f64 {
    20.0 * (value.max(1.0) / 65_535.0).log10()
}

/// Strongest sample of a line within `reach` samples of a place: how far off it is, and its level in dB.
fn strongest(frame: &Frame, line: usize, around: f64, reach: f64) -> (f64, f64) {
    let samples = frame.samples.inner();
    let first = (around - reach).max(0.0) as usize;
    let last = ((around + reach) as usize).min(samples - 1);
    let run = &values(frame)[line * samples..(line + 1) * samples];
    let best = (first..=last).max_by_key(|s| run[*s]).expect("not empty");
    (best as f64 - around, level_db(f64::from(run[best])))
}

#[test]
fn one_seed_gives_one_sequence_of_bytes_and_another_seed_another() {
    for preset in [Preset::Easy, Preset::Deep] {
        let mut a = VirtualProbe::new(preset.scenario(3));
        let mut b = VirtualProbe::new(preset.scenario(3));
        let mut c = VirtualProbe::new(preset.scenario(4));
        for _ in 0..4 {
            let (fa, ta) = next(&mut a);
            let (fb, tb) = next(&mut b);
            let (fc, _) = next(&mut c);
            assert_eq!(values(&fa), values(&fb));
            assert_eq!(ta, tb);
            assert_ne!(values(&fa), values(&fc));
        }
    }
}

#[test]
fn no_frame_depends_on_the_clock() {
    let clock = Arc::new(ManualClock::default());
    let mut free = VirtualProbe::new(Preset::Easy.scenario(3));
    let paced = Arc::clone(&clock) as Arc<dyn Clock>;
    let mut live = VirtualProbe::live(Preset::Easy.scenario(3), paced);
    for step_ms in [0, 40, 90, 34, 500] {
        clock.advance(Duration::from_millis(step_ms));
        let (a, ta) = next(&mut free);
        let (b, tb) = next(&mut live);
        assert_eq!(values(&a), values(&b));
        assert_eq!((a.id, a.source_seconds, ta), (b.id, b.source_seconds, tb));
        assert_eq!(b.captured_at, clock.now());
    }
}

#[test]
fn a_paced_probe_is_quiet_until_the_next_frame_is_due() {
    let clock = Arc::new(ManualClock::default());
    let paced = Arc::clone(&clock) as Arc<dyn Clock>;
    let mut probe = VirtualProbe::live(Preset::Easy.scenario(1), paced);
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Frame(_))));
    clock.advance(Duration::from_millis(20));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Quiet)));
    clock.advance(Duration::from_millis(14));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Frame(_))));
    // a late caller gets one frame, not a burst
    clock.advance(Duration::from_secs(3));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Frame(_))));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Quiet)));
}

#[test]
fn speckle_is_fully_developed() {
    let mut ratios = Vec::new();
    for seed in 0..6 {
        let mut scenario = even_tissue(seed);
        scenario.depth_mm = 40.0;
        let (frame, _) = next(&mut VirtualProbe::new(scenario));
        let samples = frame.samples.inner();
        for line in (10..170).step_by(16) {
            for sample in (80..460).step_by(40) {
                let window: Vec<f64> = (line..line + 16)
                    .flat_map(|l| (sample..sample + 40).map(move |s| l * samples + s))
                    .map(|i| f64::from(values(&frame)[i]))
                    .collect();
                let n = window.len() as f64;
                let mean = window.iter().sum::<f64>() / n;
                let square = window.iter().map(|v| v * v).sum::<f64>() / n;
                ratios.push((mean, square));
            }
        }
    }
    // mean and mean square of each window, put on one level
    let n = ratios.len() as f64;
    let share = ratios
        .iter()
        .map(|(mean, square)| mean * mean / square)
        .sum::<f64>()
        / n;
    let ratio = (share / (1.0 - share)).sqrt();
    println!("speckle mean/SD {ratio:.3} over {n} windows");
    assert!((1.80..=2.05).contains(&ratio), "{ratio}");
}

/// Shift in lines at which `b` fits a block of `a` best, with a parabola through the three best values.
fn lateral_shift(a: &Frame, b: &Frame, expected: f64) -> f64 {
    let samples = a.samples.inner();
    let (first, lines, from, to) = (70, 50, 120, 400);
    let fit = |shift: i64| {
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for line in first..first + lines {
            let other = (line as i64 + shift) as usize;
            for s in from..to {
                let va = f64::from(values(a)[line * samples + s]).sqrt();
                let vb = f64::from(values(b)[other * samples + s]).sqrt();
                ab += va * vb;
                aa += va * va;
                bb += vb * vb;
            }
        }
        ab / (aa * bb).sqrt()
    };
    let near = expected.round() as i64;
    let best = (near - 4..=near + 4)
        .max_by(|x, y| fit(*x).total_cmp(&fit(*y)))
        .expect("not empty");
    let (l, m, r) = (fit(best - 1), fit(best), fit(best + 1));
    best as f64 + 0.5 * (l - r) / (l - 2.0 * m + r)
}

#[test]
fn sliding_by_a_millimetre_moves_the_speckle_by_a_millimetre() {
    for seed in 0..4 {
        let mut probe = VirtualProbe::new(even_tissue(seed));
        let (before, _) = next(&mut probe);
        assert!(probe.control().nudge(PoseStep::Slide(1.0)));
        let (after, _) = next(&mut probe);
        let pitch = 40.0 / 191.0;
        // the probe slides toward the marked side, so tissue moves the other way
        let moved = -lateral_shift(&before, &after, -1.0 / pitch) * pitch;
        println!("seed {seed}: moved {moved:.3} mm");
        assert!((moved - 1.0).abs() < 0.1, "seed {seed}: {moved}");
    }
}

/// Correlation of echo power below the skin.
fn correlation(a: &Frame, b: &Frame) -> f64 {
    let power = |f: &Frame| -> Vec<f64> {
        values(f)
            .chunks(f.samples.inner())
            .flat_map(|line| line[80..460].iter().map(|v| f64::from(*v).powi(2)))
            .collect()
    };
    let (a, b) = (power(a), power(b));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (va, vb) in a.iter().zip(&b) {
        ab += (va - ma) * (vb - mb);
        aa += (va - ma).powi(2);
        bb += (vb - mb).powi(2);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn speckle_changes_across_the_plane_as_the_slice_is_thick() {
    let mut scenario = even_tissue(2);
    scenario.depth_mm = 40.0;
    let moved = |mm: f64| {
        let mut probe = VirtualProbe::new(scenario.clone());
        let (a, _) = next(&mut probe);
        probe.control().nudge(PoseStep::Elevation(mm));
        let (b, _) = next(&mut probe);
        correlation(&a, &b)
    };
    // power of a Gaussian slice of 0.95 mm standard deviation: exp(-d^2 / (2 sigma^2)), a half at 1.12 mm
    let (still, half, far) = (moved(0.0), moved(1.12), moved(4.5));
    println!("correlation: still {still:.3}, 1.12 mm {half:.3}, 4.5 mm {far:.3}");
    assert!(still > 0.99, "{still}");
    assert!((half - 0.5).abs() < 0.1, "{half}");
    assert!(far.abs() < 0.1, "{far}");
}

fn expected_class(preset: Preset) -> OpeningClass {
    match preset {
        Preset::Easy
        | Preset::Deep
        | Preset::Rotated
        | Preset::Tilted
        | Preset::Scar
        | Preset::Spastic
        | Preset::Haze
        | Preset::Faint => OpeningClass::FillPort,
        Preset::Access => OpeningClass::AccessPort,
        Preset::Fascia | Preset::Shadow => OpeningClass::Other,
        Preset::Inverted | Preset::NoPump | Preset::Bone => OpeningClass::None,
    }
}

#[test]
fn every_preset_runs_and_its_truth_has_the_right_class() {
    for preset in Preset::ALL {
        let mut probe = VirtualProbe::new(preset.scenario(11));
        for _ in 0..3 {
            let (frame, truth) = next(&mut probe);
            assert_eq!((frame.samples.outer(), frame.samples.inner()), (192, 512));
            assert_eq!(truth.class, expected_class(preset), "{}", preset.name());
            let port = truth.class == OpeningClass::FillPort;
            assert_eq!(truth.port.is_some(), port, "{}", preset.name());
            assert_eq!(truth.needle_stop.is_some(), port, "{}", preset.name());
            assert_eq!(truth.visibility.port_visible, port, "{}", preset.name());
        }
        assert!(probe.name().contains(preset.name()));
    }
}

#[test]
fn the_brightest_echo_lies_where_the_truth_has_the_face() {
    for preset in [Preset::Easy, Preset::Deep, Preset::Tilted, Preset::Inverted] {
        let (frame, truth) = next(&mut VirtualProbe::new(preset.scenario(5)));
        let [[ax, az], [bx, bz]] = truth.face.expect("a face");
        let gap = truth.port.map_or(-1.0, |port| 0.5 * port.width_mm + 1.0);
        let middle = truth.port.map_or(0.0, |port| port.x_mm);
        let depth = frame.geometry.depth().expect("lines").span().0;
        let step = depth / frame.samples.inner() as f64;
        let mut off = Vec::new();
        for i in -70..=70 {
            let x = f64::from(i) * 0.2;
            if (x - middle).abs() < gap {
                continue;
            }
            let z = az + (bz - az) * (x - ax) / (bx - ax);
            let (line, sample) = locate(&frame, x, z);
            let (miss, _) = strongest(&frame, line.round() as usize, sample, 3.0 / step);
            off.push((miss * step).abs());
        }
        off.sort_by(f64::total_cmp);
        let (median, worst) = (off[off.len() / 2], off[off.len() * 95 / 100]);
        println!(
            "{}: median {median:.3} mm, p95 {worst:.3} mm",
            preset.name()
        );
        assert!(median < 0.2, "{}: {median}", preset.name());
        assert!(worst < 0.5, "{}: {worst}", preset.name());
    }
}

#[test]
fn the_port_is_darker_than_its_flanks_and_its_cup_lies_at_the_needle_stop() {
    for preset in [Preset::Easy, Preset::Deep, Preset::Tilted, Preset::Rotated] {
        let (frame, truth) = next(&mut VirtualProbe::new(preset.scenario(5)));
        let port = truth.port.expect("a port");
        let slope = truth.tilt_deg.expect("a face").to_radians().tan();
        let rim = if preset == Preset::Rotated { 2.0 } else { 0.0 };
        let step = frame.geometry.depth().expect("lines").span().0 / 512.0;
        let level = |du: f64| {
            let (line, sample) = locate(&frame, port.x_mm + du, port.z_mm + rim + slope * du);
            strongest(&frame, line.round() as usize, sample, 0.5 / step).1
        };
        let mean = |places: [f64; 4]| places.map(level).iter().sum::<f64>() / 4.0;
        let inside = mean([-1.5, -0.5, 0.5, 1.5]);
        let flanks = mean([-8.0, -6.5, 6.5, 8.0]);
        println!(
            "{}: inside {inside:.1} dB, flanks {flanks:.1} dB",
            preset.name()
        );
        assert!(flanks > inside + 12.0, "{}", preset.name());
        let stop = truth.needle_stop.expect("a stop");
        let (line, sample) = locate(&frame, stop.x_mm, stop.z_mm);
        let (miss, cup) = strongest(&frame, line.round() as usize, sample, 2.0 / step);
        assert!(
            (miss * step).abs() < 0.4,
            "{}: cup off by {}",
            preset.name(),
            miss * step
        );
        assert!(cup > -35.0, "{}: cup {cup} dB", preset.name());
    }
}

#[test]
fn a_sweep_across_the_port_shows_chords_that_grow_and_shrink() {
    let mut scenario = Preset::Easy.scenario(5);
    scenario.motion = vec![Motion::Sweep {
        from_mm: -6.0,
        to_mm: 6.0,
        start_s: 0.0,
        duration_s: 2.0,
    }];
    let mut probe = VirtualProbe::new(scenario);
    let widths: Vec<f64> = (0..61)
        .map(|_| next(&mut probe).1.port.map_or(0.0, |port| port.width_mm))
        .collect();
    assert_eq!((widths[0], widths[60]), (0.0, 0.0));
    assert!((widths[30] - 7.0).abs() < 0.1, "{}", widths[30]);
    // 2 * sqrt(3.5^2 - 2^2) two millimetres off the middle
    assert!((widths[40] - 5.745).abs() < 0.1, "{}", widths[40]);
}

#[test]
fn faults_do_what_they_say() {
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(8));
    let control = probe.control();
    let (first, _) = next(&mut probe);
    control.send(Cue::Fault(FaultCue::Gap));
    let (second, _) = next(&mut probe);
    assert_eq!(second.id.0 - first.id.0, 11, "ten frames are lost");
    control.send(Cue::Fault(FaultCue::Stall));
    let (third, _) = next(&mut probe);
    assert_eq!(third.id.0 - second.id.0, 1, "a stall loses no number");
    let silence = third.captured_at.since(second.captured_at);
    assert!(silence >= Duration::from_millis(700), "{silence:?}");
    control.send(Cue::Fault(FaultCue::Unplug));
    for _ in 0..2 {
        let gone = probe.next(Duration::ZERO);
        assert!(
            matches!(gone, Err(SourceProblem::Unplugged { .. })),
            "{gone:?}"
        );
    }
}

#[test]
fn a_stall_on_a_clock_is_700_milliseconds_of_silence() {
    let clock = Arc::new(ManualClock::default());
    let paced = Arc::clone(&clock) as Arc<dyn Clock>;
    let mut probe = VirtualProbe::live(Preset::Easy.scenario(1), paced);
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Frame(_))));
    probe.control().send(Cue::Fault(FaultCue::Stall));
    clock.advance(Duration::from_millis(699));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Quiet)));
    clock.advance(Duration::from_millis(40));
    assert!(matches!(probe.next(Duration::ZERO), Ok(Delivery::Frame(_))));
}

#[test]
fn a_flip_mirrors_picture_and_truth_and_says_so() {
    let mut straight = VirtualProbe::new(Preset::Easy.scenario(8));
    let mut flipped = VirtualProbe::new(Preset::Easy.scenario(8));
    flipped.control().send(Cue::Fault(FaultCue::Flip));
    let (a, ta) = next(&mut straight);
    let (b, tb) = next(&mut flipped);
    assert_eq!(
        (a.orientation, b.orientation),
        (Orientation::Mf, Orientation::Uf)
    );
    let samples = a.samples.inner();
    let back: Vec<u16> = values(&b)
        .chunks(samples)
        .rev()
        .flatten()
        .copied()
        .collect();
    assert_eq!(values(&a), back);
    let (pa, pb) = (ta.port.expect("port"), tb.port.expect("port"));
    assert_eq!((pa.x_mm, pa.z_mm), (-pb.x_mm, pb.z_mm));
    assert_eq!(ta.tilt_deg, tb.tilt_deg.map(|t| -t));
}

#[test]
fn a_needle_by_hand_goes_in_shows_as_a_line_and_stops_on_metal() {
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(8));
    let (_, truth) = next(&mut probe);
    assert!(truth.needle.is_none());
    probe.control().send(Cue::Needle(12.0));
    let (frame, truth) = next(&mut probe);
    let needle = truth.needle.expect("a needle");
    let tip = needle.tip.expect("the tip lies in the slice");
    assert!(needle.in_plane);
    let step = frame.geometry.depth().expect("lines").span().0 / 512.0;
    let levels: Vec<f64> = [0.35, 0.5, 0.65, 0.8]
        .iter()
        .map(|share| {
            let x = needle.a[0] + (tip[0] - needle.a[0]) * share;
            let z = needle.a[1] + (tip[1] - needle.a[1]) * share;
            let (line, sample) = locate(&frame, x, z);
            strongest(&frame, line.round() as usize, sample, 0.4 / step).1
        })
        .collect();
    assert!(levels.iter().all(|db| *db > -27.0), "{levels:?}");
    probe.control().send(Cue::Needle(100.0));
    let (_, truth) = next(&mut probe);
    let tip = truth.needle.expect("a needle").tip.expect("a tip");
    let stop = truth.needle_stop.expect("a stop");
    let off = (tip[0] - stop.x_mm).hypot(tip[1] - stop.z_mm);
    assert!(
        off < 3.0,
        "the tip rests {off} mm from the middle of the stop"
    );
}

#[test]
fn fluid_grows_on_cue_dark_above_the_face() {
    let mut scenario = Preset::Easy.scenario(8);
    scenario.motion.clear();
    let mut probe = VirtualProbe::new(scenario);
    let (before, truth) = next(&mut probe);
    assert!(truth.fluid.is_none());
    probe.control().send(Cue::Fluid(true));
    let mut last = 0.0;
    let mut newest = None;
    for i in 0..151 {
        let (frame, truth) = next(&mut probe);
        let thick = truth.fluid.map_or(0.0, |fluid| fluid.thickness_mm);
        assert!(thick >= last, "fluid shrinks at frame {i}");
        last = thick;
        newest = Some((frame, truth));
    }
    let (frame, truth) = newest.expect("frames came");
    let fluid = truth.fluid.expect("fluid");
    // the pool's middle is in view: 5 mm thick, 4/3 * 15 * 5 = 100 mm^2 in the slice
    assert!((fluid.thickness_mm - 5.0).abs() < 0.1, "{fluid:?}");
    assert!((fluid.area_mm2 - 100.0).abs() < 5.0, "{fluid:?}");
    let port = truth.port.expect("a port");
    let mean = |frame: &Frame| {
        let (line, sample) = locate(frame, port.x_mm - 4.0, port.z_mm - 2.0);
        let at = line.round() as usize * 512 + sample.round() as usize;
        let run = &values(frame)[at - 8..at + 8];
        level_db(run.iter().map(|v| f64::from(*v)).sum::<f64>() / 16.0)
    };
    assert!(mean(&frame) < mean(&before) - 10.0);
    probe.control().send(Cue::Fluid(false));
    assert!(next(&mut probe).1.fluid.is_none());
}

#[test]
fn a_lifted_probe_loses_contact_and_the_truth_says_so() {
    use portsight::simulate::TrueContact;
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(8));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(next(&mut probe).1.visibility.contact);
        probe.control().nudge(PoseStep::Push(-0.5));
    }
    assert_eq!(seen[0], TrueContact::Good);
    assert_eq!(seen[1], TrueContact::Poor);
    assert_eq!(seen[3], TrueContact::None);
}

#[test]
fn settings_change_depth_and_frequency_and_odd_ones_are_limited() {
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(8));
    let wanted = ImagingSettings {
        depth: Millimeters(60.0),
        frequency_mhz: 50.0,
        ..ImagingSettings::default()
    };
    let granted = probe.request(&wanted);
    assert_eq!(granted.depth, Millimeters(60.0));
    assert_eq!(granted.frequency_mhz, 12.0);
    let (frame, truth) = next(&mut probe);
    assert_eq!(*frame.settings, granted);
    let depth = frame.geometry.depth().expect("lines");
    assert_eq!(depth.far, Millimeters(60.0));
    assert!(truth.port.is_some());
}

#[test]
fn the_truth_of_a_frame_can_be_asked_for_later() {
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(8));
    let log = probe.truth_log();
    let (frame, truth) = next(&mut probe);
    for _ in 0..5 {
        next(&mut probe);
    }
    assert_eq!(log.truth_of(frame.id), Some(truth));
}

#[test]
fn the_watermark_carries_the_frame_number() {
    use portsight::simulate::{read_watermark, watermark_centers};
    for preset in [Preset::Easy, Preset::Deep] {
        let mut probe = VirtualProbe::new(preset.scenario(8)).with_watermark(true);
        for _ in 0..3 {
            probe.control().send(Cue::Fault(FaultCue::Gap));
            let (frame, _) = next(&mut probe);
            let levels: Vec<f64> = watermark_centers(&frame.geometry, 192, 512)
                .iter()
                .map(|point| {
                    let (line, sample) = locate(&frame, point.x, point.z);
                    f64::from(values(&frame)[line.round() as usize * 512 + sample.round() as usize])
                })
                .collect();
            assert_eq!(read_watermark(&levels), Some(frame.id.0 as u16));
        }
    }
}

#[test]
fn an_ending_is_kept_and_a_hundred_random_patients_give_sound_frames() {
    for seed in 0..100 {
        let mut probe = VirtualProbe::new(Scenario::random(seed)).ending_after(1);
        let (frame, truth) = next(&mut probe);
        let loud = values(&frame).iter().filter(|v| **v > 200).count();
        assert!(
            loud > values(&frame).len() / 10,
            "seed {seed} is nearly black"
        );
        let json = serde_json::to_string(&*truth).expect("serialises");
        assert!(!json.contains("NaN"), "seed {seed}: {json}");
        let end = probe.next(Duration::ZERO);
        assert!(matches!(end, Ok(Delivery::Finished)), "{end:?}");
    }
}
