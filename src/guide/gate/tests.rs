//! Every reason against a path, one by one, and the sound finding that has none.
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::detect::Motion;
use crate::frame::{Beams, FrameId};
use crate::guide::Certificate;
use crate::pump::find;
use crate::space::{Millimeters, Radians, ScanPoint, Segment};

fn face(x: f64, z: f64, degrees: f64) -> Face {
    let tilt = Radians::from_degrees(degrees);
    let middle = ScanPoint::new(x, z);
    Face {
        segment: Segment::new(middle.along(tilt, -15.0), middle.along(tilt, 15.0)),
        tilt,
    }
}

fn sound() -> Finding {
    locked(2.0, 18.0, 4.0)
}

fn locked(x: f64, z: f64, degrees: f64) -> Finding {
    Finding {
        frame: FrameId(7),
        captured_at: Timestamp::from_seconds(1.0),
        state: PortState::Locked,
        port: Some(Port {
            center: ScanPoint::new(x, z),
            width: Millimeters(6.8),
            sigma: Millimeters(0.3),
        }),
        confidence: 0.95,
        face: Some(face(x, z, degrees)),
        contact: Contact::Good,
        motion: Motion {
            moving: false,
            speed_mm_s: 1.0,
        },
        ..Finding::default()
    }
}

fn linear() -> Basis {
    Basis {
        has_scale: true,
        beams: Beams::Parallel,
        half_width: Millimeters(20.0),
    }
}

fn setup() -> Setup<'static> {
    Setup {
        pump: find("synchromed2-20").expect("listed"),
        needle: Some("22G:51".parse().expect("a needle")),
        certificate: Certificate::NotNeeded,
        planes: crate::guide::Planes::None,
        plane_refused: None,
        way: crate::guide::Way::MarkThenStick,
    }
}

const FRESH: Standing = Standing::Stream {
    age: Duration::ZERO,
};

fn reasons(finding: &Finding) -> Vec<Withheld> {
    let guidance = advise(finding, &linear(), &setup(), &FRESH);
    assert_eq!(guidance.path.is_some(), guidance.withheld.is_empty());
    guidance.withheld
}

fn reasons_at(standing: Standing) -> Vec<Withheld> {
    advise(&sound(), &linear(), &setup(), &standing).withheld
}

#[test]
fn a_sound_locked_port_gets_a_provisional_path_of_its_own_frame() {
    let guidance = advise(&sound(), &linear(), &setup(), &FRESH);
    assert_eq!(guidance.withheld, []);
    assert_eq!(guidance.frame, FrameId(7));
    let path = guidance.path.expect("nothing speaks against it");
    assert!(path.provisional);
    assert!((path.tilt.degrees() - 4.0).abs() < 1e-9);
    assert!(path.entry.z.abs() < 1e-9);
}

#[test]
fn a_path_is_withheld_when_nothing_is_live() {
    assert_eq!(reasons_at(Standing::NoFrames), [Withheld::NotLive]);
    let age = Duration::from_millis(501);
    assert_eq!(
        reasons_at(Standing::Stream { age }),
        [Withheld::NotLive, Withheld::StalePicture]
    );
}

#[test]
fn a_path_is_withheld_when_the_picture_is_stale() {
    let age = Duration::from_millis(251);
    assert_eq!(
        reasons_at(Standing::Stream { age }),
        [Withheld::StalePicture]
    );
    let age = Duration::from_millis(250);
    assert_eq!(reasons_at(Standing::Stream { age }), []);
}

#[test]
fn a_path_is_withheld_when_the_operator_has_seen_something_in_its_way() {
    let mut guidance = advise(&sound(), &linear(), &setup(), &FRESH);
    assert!(guidance.path.is_some());
    for _ in 0..2 {
        guidance.veto();
        assert_eq!(guidance.path, None);
        assert_eq!(guidance.withheld, [Withheld::Vetoed]);
    }
    let mut moving = sound();
    moving.motion.moving = true;
    let mut guidance = advise(&moving, &linear(), &setup(), &FRESH);
    guidance.veto();
    assert_eq!(guidance.withheld, [Withheld::Vetoed, Withheld::Moving]);
}

#[test]
fn a_path_is_withheld_without_a_scale() {
    let basis = Basis {
        has_scale: false,
        ..linear()
    };
    let guidance = advise(&sound(), &basis, &setup(), &FRESH);
    assert_eq!(guidance.withheld, [Withheld::NoScale]);
    assert_eq!(guidance.path, None);
}

#[test]
fn a_path_is_withheld_without_a_certificate_that_holds() {
    for certificate in [
        Certificate::Missing,
        Certificate::Expired,
        Certificate::OtherSettings,
    ] {
        let setup = Setup {
            certificate,
            ..setup()
        };
        let guidance = advise(&sound(), &linear(), &setup, &FRESH);
        assert_eq!(
            guidance.withheld,
            [Withheld::NotCalibrated],
            "{certificate:?}"
        );
    }
    let valid = Setup {
        certificate: Certificate::Valid,
        ..setup()
    };
    assert!(advise(&sound(), &linear(), &valid, &FRESH).path.is_some());
}

#[test]
fn a_path_is_withheld_for_the_generic_pump() {
    let setup = Setup {
        pump: find("generic").expect("listed"),
        ..setup()
    };
    let guidance = advise(&sound(), &linear(), &setup, &FRESH);
    assert_eq!(guidance.withheld, [Withheld::PumpUnknown]);
}

#[test]
fn a_path_is_withheld_without_a_needle_that_exists() {
    let odd = Needle {
        gauge: 5,
        length: Millimeters(f64::NAN),
    };
    for needle in [None, Some(odd)] {
        let setup = Setup { needle, ..setup() };
        let guidance = advise(&sound(), &linear(), &setup, &FRESH);
        assert_eq!(guidance.withheld, [Withheld::NeedleUnknown]);
    }
}

#[test]
fn a_path_is_withheld_until_the_port_is_locked_in_this_very_frame() {
    let candidate = Finding {
        state: PortState::Candidate,
        ..sound()
    };
    assert_eq!(reasons(&candidate), [Withheld::PortNotLocked]);
    let held = Finding {
        held: true,
        ..sound()
    };
    assert_eq!(reasons(&held), [Withheld::PortNotLocked]);
    let faceless = Finding {
        face: None,
        ..sound()
    };
    assert_eq!(reasons(&faceless), [Withheld::PortNotLocked]);
    assert_eq!(reasons(&Finding::default()), [Withheld::PortNotLocked]);
}

#[test]
fn the_candidate_of_a_single_picture_gets_a_provisional_path() {
    let candidate = Finding {
        state: PortState::Candidate,
        ..sound()
    };
    let still = advise(&candidate, &linear(), &setup(), &Standing::Still);
    assert!(still.path.expect("a still's candidate").provisional);
    let remembered = Finding {
        held: true,
        ..candidate
    };
    let held = advise(&remembered, &linear(), &setup(), &Standing::Still);
    assert_eq!(held.withheld, [Withheld::PortNotLocked]);
}

#[test]
fn a_path_is_withheld_when_the_opening_may_be_the_access_port() {
    let access = Finding {
        state: PortState::AccessPortSuspected,
        port: None,
        other_port: sound().port,
        confidence: 0.0,
        ..sound()
    };
    assert_eq!(reasons(&access), [Withheld::AccessPortSuspected]);
}

#[test]
fn a_path_is_withheld_when_the_pump_may_be_upside_down() {
    let inverted = Finding {
        state: PortState::InvertedSuspected,
        port: None,
        confidence: 0.0,
        ..sound()
    };
    assert_eq!(reasons(&inverted), [Withheld::InvertedSuspected]);
}

#[test]
fn a_path_is_withheld_while_the_picture_moves() {
    for (moving, speed_mm_s) in [(true, 0.0), (false, 10.1), (false, f64::NAN)] {
        let finding = Finding {
            motion: Motion { moving, speed_mm_s },
            ..sound()
        };
        assert_eq!(
            reasons(&finding),
            [Withheld::Moving],
            "{moving} {speed_mm_s}"
        );
    }
}

#[test]
fn a_path_is_withheld_when_it_would_be_too_oblique() {
    for degrees in [20.5, -24.0, 40.0] {
        let found = reasons(&locked(0.0, 15.0, degrees));
        assert_eq!(found, [Withheld::TooTilted], "{degrees}");
    }
    assert_eq!(reasons(&locked(0.0, 15.0, 19.5)), []);
}

#[test]
fn a_path_that_would_start_beside_a_curved_probe_is_too_oblique() {
    let basis = Basis {
        has_scale: true,
        beams: Beams::Fan {
            apex: ScanPoint::new(0.0, -10.0),
            near: 10.0,
            far: 80.0,
            half: Radians::from_degrees(60.0),
        },
        half_width: Millimeters(9.0),
    };
    let guidance = advise(&locked(28.0, 20.0, 0.0), &basis, &setup(), &FRESH);
    assert_eq!(guidance.withheld, [Withheld::TooTilted]);
}

#[test]
fn a_path_is_withheld_when_the_needle_would_not_reach() {
    let short = Setup {
        needle: Some("22G:25".parse().expect("a needle")),
        ..setup()
    };
    let guidance = advise(&sound(), &linear(), &short, &FRESH);
    assert_eq!(guidance.withheld, [Withheld::NeedleTooShort]);
    let offered = advise(&sound(), &linear(), &setup(), &FRESH)
        .path
        .expect("reaches");
    assert!(offered.depth.most.0 + 2.0 <= 51.0);
}

#[test]
fn a_needle_that_is_too_short_is_named_beside_other_reasons() {
    let short = Setup {
        needle: Some("22G:25".parse().expect("a needle")),
        ..setup()
    };
    let moving = Finding {
        motion: Motion {
            moving: true,
            speed_mm_s: 90.0,
        },
        ..sound()
    };
    let guidance = advise(&moving, &linear(), &short, &FRESH);
    assert_eq!(
        guidance.withheld,
        [Withheld::Moving, Withheld::NeedleTooShort]
    );
}

#[test]
fn a_path_is_withheld_when_the_port_is_not_certain_enough() {
    let with_port = |change: fn(&mut Port)| {
        let mut finding = sound();
        change(finding.port.as_mut().expect("sound"));
        finding
    };
    let cases = [
        Finding {
            confidence: 0.79,
            ..sound()
        },
        Finding {
            confidence: f64::NAN,
            ..sound()
        },
        Finding {
            contact: Contact::None,
            ..sound()
        },
        with_port(|port| port.sigma = Millimeters(1.6)),
        with_port(|port| port.sigma = Millimeters(f64::NAN)),
        with_port(|port| port.width = Millimeters(10.0)),
        with_port(|port| port.width = Millimeters(0.0)),
        with_port(|port| port.width = Millimeters(4.1)),
        with_port(|port| port.center = ScanPoint::new(2.0, 40.0)),
        with_port(|port| port.center = ScanPoint::new(f64::INFINITY, 18.0)),
        locked(0.0, 1.0, 0.0),
        locked(0.0, 90.0, 0.0),
    ];
    for finding in &cases {
        assert!(
            reasons(finding).contains(&Withheld::LowConfidence),
            "{finding:?}"
        );
    }
    let mut bent = sound();
    bent.face.as_mut().expect("sound").tilt = Radians::from_degrees(12.0);
    assert_eq!(reasons(&bent), [Withheld::LowConfidence]);
}

#[test]
fn all_reasons_are_given_gravest_first() {
    let wild = Finding {
        port: Some(Port {
            center: ScanPoint::new(f64::NAN, 0.0),
            width: Millimeters(-1.0),
            sigma: Millimeters(-1.0),
        }),
        state: PortState::Candidate,
        face: Some(face(0.0, 15.0, 30.0)),
        motion: Motion {
            moving: true,
            speed_mm_s: 50.0,
        },
        ..Finding::default()
    };
    let basis = Basis {
        has_scale: false,
        ..linear()
    };
    let setup = Setup {
        pump: find("generic").expect("listed"),
        needle: None,
        certificate: Certificate::Expired,
        planes: crate::guide::Planes::None,
        plane_refused: None,
        way: crate::guide::Way::MarkThenStick,
    };
    let expected = [
        Withheld::NotLive,
        Withheld::NoScale,
        Withheld::NotCalibrated,
        Withheld::PumpUnknown,
        Withheld::NeedleUnknown,
        Withheld::PortNotLocked,
        Withheld::Moving,
        Withheld::TooTilted,
        Withheld::LowConfidence,
    ];
    let guidance = advise(&wild, &basis, &setup, &Standing::NoFrames);
    assert_eq!(guidance.withheld, expected);
}

#[test]
fn the_list_of_all_reasons_is_in_order_and_its_names_are_those_of_the_interface() {
    assert!(Withheld::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    for reason in Withheld::ALL {
        let written = serde_json::to_string(&reason).expect("a word");
        assert_eq!(written, format!("\"{}\"", reason.name()));
    }
}

/// A number that may be anything a broken detector could say.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -60.0f64..60.0,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => prop::num::f64::ANY,
    ]
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let states = prop_oneof![
        Just(PortState::None),
        Just(PortState::Candidate),
        Just(PortState::Locked),
        Just(PortState::AccessPortSuspected),
        Just(PortState::InvertedSuspected),
    ];
    let numbers = prop::collection::vec(any_number(), 11);
    (states, numbers, any::<[bool; 4]>()).prop_map(|(state, n, flags)| Finding {
        state,
        port: flags[0].then(|| Port {
            center: ScanPoint::new(n[0], n[1]),
            width: Millimeters(n[2]),
            sigma: Millimeters(n[3]),
        }),
        face: flags[1].then(|| Face {
            segment: Segment::new(ScanPoint::new(n[4], n[5]), ScanPoint::new(n[6], n[7])),
            tilt: Radians(n[8]),
        }),
        held: flags[2],
        confidence: n[9],
        motion: Motion {
            moving: flags[3],
            speed_mm_s: n[10],
        },
        ..Finding::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_the_detector_says_a_path_is_finite_and_square_or_there_is_a_reason(
        finding in any_finding(), still in any::<bool>(),
    ) {
        let standing = if still { Standing::Still } else { FRESH };
        let guidance = advise(&finding, &linear(), &setup(), &standing);
        prop_assert_eq!(guidance.path.is_some(), guidance.withheld.is_empty());
        if let Some(path) = guidance.path {
            let face = finding.face.expect("a path needs a face");
            prop_assert!(path.entry.is_finite() && path.aim.is_finite() && path.stop.is_finite());
            prop_assert!((path.tilt - face.tilt).degrees().abs() < 1.0);
            prop_assert!(path.depth.least < path.depth.most);
            prop_assert!(!finding.held);
        }
    }

    #[test]
    fn one_bad_number_in_a_sound_finding_withholds_the_path(which in 0usize..6, bad in prop_oneof![
        Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)
    ]) {
        let mut finding = sound();
        let port = finding.port.as_mut().expect("sound");
        match which {
            0 => port.center = ScanPoint::new(bad, 18.0),
            1 => port.center = ScanPoint::new(2.0, bad),
            2 => port.width = Millimeters(bad),
            3 => port.sigma = Millimeters(bad),
            4 => finding.confidence = bad,
            _ => finding.face.as_mut().expect("sound").tilt = Radians(bad),
        }
        prop_assert!(!reasons(&finding).is_empty());
    }

    #[test]
    fn no_bad_setup_is_ever_made_good_by_a_good_picture(
        scale in any::<bool>(), holds in any::<bool>(), pump in any::<bool>(), needle in any::<bool>(),
        age in 0u64..1000,
    ) {
        let basis = Basis { has_scale: scale, ..linear() };
        let setup = Setup {
            pump: find(if pump { "isomed-35" } else { "generic" }).expect("listed"),
            needle: needle.then(|| "22G:51".parse().expect("a needle")),
            certificate: if holds { Certificate::Valid } else { Certificate::Expired }, planes: crate::guide::Planes::None, plane_refused: None,
            way: crate::guide::Way::MarkThenStick, };
        let standing = Standing::Stream { age: Duration::from_millis(age) };
        let guidance = advise(&sound(), &basis, &setup, &standing);
        prop_assert_eq!(guidance.path.is_some(), scale && holds && pump && needle && age <= 250);
    }
}
