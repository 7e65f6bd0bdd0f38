//! From catalogue and finding to path, marks and words.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::time::Duration;

use portsight::detect::{Face, Finding, Port, PortState};
use portsight::frame::Beams;
use portsight::guide::{Basis, Caution, Certificate, Setup, Standing, advise, cautions, headline};
use portsight::pump::{Needle, catalog, find};
use portsight::space::{Millimeters, Radians, ScanPoint, Segment};

fn locked(z: f64) -> Finding {
    let center = ScanPoint::new(0.5, z);
    Finding {
        state: PortState::Locked,
        port: Some(Port {
            center,
            width: Millimeters(6.9),
            sigma: Millimeters(0.2),
        }),
        confidence: 0.97,
        face: Some(Face {
            segment: Segment::new(ScanPoint::new(-15.0, z), ScanPoint::new(15.0, z)),
            tilt: Radians(0.0),
        }),
        ..Finding::default()
    }
}

fn setup(pump: &str, needle: &str) -> Setup<'static> {
    Setup {
        pump: find(pump).expect("listed"),
        needle: Some(needle.parse().expect("a needle")),
        certificate: Certificate::NotNeeded,
        planes: portsight::guide::Planes::None,
        plane_refused: None,
        way: portsight::guide::Way::MarkThenStick,
    }
}

const BASIS: Basis = Basis {
    has_scale: true,
    beams: Beams::Parallel,
    half_width: Millimeters(20.0),
};
const FRESH: Standing = Standing::Stream {
    age: Duration::ZERO,
};

#[test]
fn every_plannable_pump_gets_a_path_and_a_next_step() {
    for pump in catalog().iter().filter(|pump| pump.plannable) {
        let finding = locked(18.0);
        let guidance = advise(&finding, &BASIS, &setup(&pump.id, "22G:51"), &FRESH);
        assert_eq!(guidance.withheld, [], "{}", pump.id);
        assert_eq!(headline(&finding, &guidance).key, "headline-centered");
    }
}

#[test]
fn a_long_needle_and_a_guessed_stop_are_cautioned() {
    let setup = setup("synchromed2-20", "24G:90");
    let guidance = advise(&locked(18.0), &BASIS, &setup, &FRESH);
    let expected = [
        Caution::ThinNeedle,
        Caution::NeedleLong,
        Caution::StopGuessed,
    ];
    assert_eq!(cautions(&guidance, &setup), expected);
    for caution in expected {
        assert!(portsight::words::has(caution.key()), "{caution:?}");
    }
}

/// The deepest face a standard needle is offered a path for stays inside the perpendicular reach of the needle table
/// (28, 41 and 53 mm for 1.5, 2 and 2.5 in), because the range's deep end must be reached.
#[test]
fn no_needle_is_offered_a_path_beyond_its_reach() {
    for (length, reach) in [(38.1, 28.0), (50.8, 41.0), (63.5, 53.6)] {
        let needle = Needle::new(22, Millimeters(length)).expect("a needle");
        let setup = Setup {
            needle: Some(needle),
            ..setup("synchromed2-20", "22G:38")
        };
        let offered = |tenths: u32| {
            let finding = locked(f64::from(tenths) / 10.0);
            advise(&finding, &BASIS, &setup, &FRESH).path.is_some()
        };
        let deepest = (30..700)
            .filter(|tenths| offered(*tenths))
            .max()
            .expect("some depth");
        let deepest = f64::from(deepest) / 10.0;
        assert!(
            deepest <= reach && deepest > reach * 0.7,
            "{length}: {deepest}"
        );
    }
}
