//! Marks say what was found and no more.
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::frame::{Beams, FrameId, Origin};
use crate::guide::{Basis, Certificate, Guidance, Setup, Standing, Withheld, advise};
use crate::pump::find;
use crate::space::{Affine, Millimeters, Segment};

/// A grey picture with its top edge at the probe face and x = 0 in its middle.
pub(crate) fn picture(columns: usize, rows: usize, pitch: f64) -> ScanImage {
    let half = (columns as f64 - 1.0) / 2.0 * pitch;
    ScanImage {
        frame: FrameId(7),
        captured_at: Timestamp::from_seconds(1.0),
        source_seconds: Some(1.0),
        origin: Origin::Simulation,
        columns,
        rows,
        pixels: Arc::new(vec![40; columns * rows]),
        unit: LengthUnit::Millimeters,
        pitch,
        scan_from_pixel: Affine::new([pitch, pitch], [-half, pitch / 2.0]).expect("sound"),
        beams: Beams::Parallel,
        stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).expect("sound"),
    }
}

/// A locked port 18 mm deep on a face tilted by 4 degrees.
pub(crate) fn locked() -> Finding {
    let tilt = Radians::from_degrees(4.0);
    let center = ScanPoint::new(2.0, 18.0);
    Finding {
        frame: FrameId(7),
        state: PortState::Locked,
        port: Some(Port {
            center,
            width: Millimeters(6.8),
            sigma: Millimeters(0.3),
        }),
        confidence: 0.95,
        face: Some(Face {
            segment: Segment::new(center.along(tilt, -16.0), center.along(tilt, 14.0)),
            tilt,
        }),
        ..Finding::default()
    }
}

/// What is advised on a finding with a SynchroMed II and a 51 mm needle.
pub(crate) fn advice(finding: &Finding) -> Guidance {
    let basis = Basis {
        has_scale: true,
        beams: Beams::Parallel,
        half_width: Millimeters(20.0),
    };
    let setup = Setup {
        pump: find("synchromed2-20").expect("listed"),
        needle: Some("22G:51".parse().expect("a needle")),
        certificate: Certificate::NotNeeded,
        planes: crate::guide::Planes::None,
        plane_refused: None,
        way: crate::guide::Way::MarkThenStick,
    };
    let standing = Standing::Stream {
        age: Duration::ZERO,
    };
    advise(finding, &basis, &setup, &standing)
}

fn drawn(finding: &Finding) -> Vec<Mark> {
    let pump = find("synchromed2-20").expect("listed");
    marks(finding, &advice(finding), &picture(400, 400, 0.1), pump).marks
}

fn labels(marks: &[Mark]) -> Vec<String> {
    let text = |mark: &Mark| match mark {
        Mark::Label { text, .. } => Some(text.clone()),
        Mark::Line { .. } | Mark::Ring { .. } => None,
    };
    marks.iter().filter_map(text).collect()
}

#[test]
fn a_locked_port_has_brackets_path_stop_and_words_beside_it() {
    let finding = locked();
    let marks = drawn(&finding);
    let words = labels(&marks);
    assert!(
        words.iter().any(|w| w == "fill port 6.8 of 7.0 mm"),
        "{words:?}"
    );
    assert!(
        words
            .iter()
            .any(|w| w.starts_with("needle stop 2") && w.ends_with(" mm")),
        "{words:?}"
    );
    let port = finding.port.expect("locked");
    for mark in &marks {
        if let Mark::Label { at, .. } = mark {
            let beside = at.x > port.center.x + port.width.0 / 2.0;
            assert!(beside || (at.z - port.center.z).abs() > 5.0);
        }
    }
    let dashed = |mark: &&Mark| {
        matches!(
            mark,
            Mark::Line {
                look: Look::Suggested,
                stroke: Stroke::Dashed,
                ..
            }
        )
    };
    assert_eq!(marks.iter().filter(dashed).count(), 1);
    assert_eq!(
        marks
            .iter()
            .filter(|mark| matches!(mark, Mark::Ring { .. }))
            .count(),
        1
    );
}

#[test]
fn the_face_line_stays_off_the_metal_and_off_the_port() {
    let finding = locked();
    let (face, port) = (finding.face.expect("seen"), finding.port.expect("locked"));
    let seen = drawn(&finding).into_iter().filter_map(|mark| match mark {
        Mark::Line {
            from,
            to,
            look: Look::Seen,
            ..
        } if (to.x - from.x).abs() > 5.0 => Some((from, to)),
        Mark::Line { .. } | Mark::Ring { .. } | Mark::Label { .. } => None,
    });
    let lines: Vec<_> = seen.collect();
    assert_eq!(lines.len(), 2, "one either side of the port");
    for (from, to) in lines {
        for point in [from, to] {
            assert!(point.z < face.segment.z_at(point.x) - 0.4);
            assert!((point.x - port.center.x).abs() >= port.width.0 / 2.0);
        }
    }
}

#[test]
fn a_withheld_path_leaves_no_suggested_mark() {
    let mut finding = locked();
    finding.motion.moving = true;
    assert_eq!(advice(&finding).withheld, [Withheld::Moving]);
    let suggested = drawn(&finding).into_iter().any(|mark| match mark {
        Mark::Line { look, .. } | Mark::Ring { look, .. } | Mark::Label { look, .. } => {
            look == Look::Suggested
        }
    });
    assert!(!suggested);
}

#[test]
fn a_remembered_port_is_dashed_and_held() {
    let mut finding = locked();
    finding.state = PortState::Candidate;
    finding.held = true;
    let marks = drawn(&finding);
    assert!(marks.iter().all(|mark| match mark {
        Mark::Line { look, .. } | Mark::Ring { look, .. } | Mark::Label { look, .. } =>
            *look == Look::Held,
    }));
    assert_eq!(labels(&marks), ["port was here"]);
}

#[test]
fn an_access_port_is_bracketed_as_a_warning_and_named() {
    let mut finding = locked();
    finding.state = PortState::AccessPortSuspected;
    finding.other_port = finding.port.take();
    finding.confidence = 0.0;
    let marks = drawn(&finding);
    assert_eq!(labels(&marks), ["access port? do not inject"]);
    assert!(marks.iter().any(|mark| matches!(
        mark,
        Mark::Line {
            look: Look::Warning,
            ..
        }
    )));
}

#[test]
fn a_dot_is_never_called_a_tip() {
    let needle = |in_plane, tip| NeedleSeen {
        a: ScanPoint::new(-10.0, 3.0),
        b: ScanPoint::new(-2.0, 14.0),
        angle: Radians::from_degrees(54.0),
        tip,
        confidence: 0.9,
        in_plane,
    };
    let words_of = |needle| {
        let finding = Finding {
            frame: FrameId(7),
            needle: Some(needle),
            ..Finding::default()
        };
        labels(&drawn(&finding)).join(" ")
    };
    let end = ScanPoint::new(-2.0, 14.0);
    assert_eq!(words_of(needle(true, None)), "needle");
    assert_eq!(words_of(needle(false, None)), "needle: shaft or tip");
    assert_eq!(words_of(needle(false, Some(end))), "needle: shaft or tip");
    assert_eq!(words_of(needle(true, Some(end))), "needle tip");
    let mut finding = locked();
    finding.needle = Some(needle(true, Some(end)));
    let words = labels(&drawn(&finding)).join(" ");
    assert!(words.contains("needle tip: "), "{words}");
    assert!(words.contains(" mm to the port, "), "{words}");
}

#[test]
fn a_picture_without_a_scale_or_of_another_frame_gets_no_marks() {
    let finding = locked();
    let pump = find("synchromed2-20").expect("listed");
    let mut image = picture(400, 400, 0.1);
    image.frame = FrameId(8);
    assert_eq!(marks(&finding, &advice(&finding), &image, pump).marks, []);
    image.frame = FrameId(7);
    image.unit = LengthUnit::Pixels;
    assert_eq!(marks(&finding, &advice(&finding), &image, pump).marks, []);
}

#[test]
fn numbers_that_are_none_draw_nothing() {
    let mut finding = locked();
    let port = finding.port.as_mut().expect("locked");
    port.center = ScanPoint::new(f64::NAN, f64::NAN);
    for mark in drawn(&finding) {
        match mark {
            Mark::Line { from, to, .. } => assert!(from.is_finite() && to.is_finite()),
            Mark::Ring { center, .. } => assert!(center.is_finite()),
            Mark::Label { at, .. } => assert!(at.is_finite()),
        }
    }
}

/// The marks of a locked port, centred, on each way, the port confirmed in two planes.
fn by_way(way: crate::guide::Way, center: ScanPoint) -> (Guidance, Vec<Mark>) {
    let finding = Finding {
        port: locked().port.map(|port| Port { center, ..port }),
        face: Some(Face {
            segment: Segment::new(
                ScanPoint::new(center.x - 15.0, center.z),
                ScanPoint::new(center.x + 15.0, center.z),
            ),
            tilt: Radians(0.0),
        }),
        ..locked()
    };
    let seen = crate::guide::PlaneSeen {
        frame: FrameId(3),
        captured_at: Timestamp::ZERO,
        depth: Millimeters(center.z),
        tilt: Radians(0.0),
    };
    let pump = find("synchromed2-20").expect("listed");
    let basis = Basis {
        has_scale: true,
        beams: Beams::Parallel,
        half_width: Millimeters(20.0),
    };
    let setup = Setup {
        pump,
        needle: Some("22G:76".parse().expect("a needle")),
        certificate: Certificate::NotNeeded,
        planes: crate::guide::Planes::Both {
            first: seen,
            second: seen,
        },
        plane_refused: None,
        way,
    };
    let fresh = Standing::Stream {
        age: Duration::ZERO,
    };
    let guidance = advise(&finding, &basis, &setup, &fresh);
    let marks = marks(&finding, &guidance, &picture(400, 500, 0.1), pump).marks;
    (guidance, marks)
}

fn lanes(marks: &[Mark]) -> usize {
    let is_lane = |mark: &&Mark| {
        matches!(
            mark,
            Mark::Line {
                look: Look::Suggested,
                stroke: Stroke::Dashed,
                ..
            }
        )
    };
    marks.iter().filter(is_lane).count()
}

#[test]
fn every_way_to_the_port_has_a_drawing_of_its_own() {
    use crate::guide::Way;
    let (_, mark) = by_way(Way::MarkThenStick, ScanPoint::new(0.5, 25.0));
    assert!(labels(&mark).contains(&"entry under the middle".to_owned()));
    assert_eq!(lanes(&mark), 1);
    let (_, aside) = by_way(Way::MarkThenStick, ScanPoint::new(4.2, 25.0));
    assert!(labels(&aside).contains(&"4 mm".to_owned()), "{aside:?}");
    assert!(!labels(&aside).contains(&"entry under the middle".to_owned()));

    // Across the picture no line leads to the port: a frame where the needle crosses, and words for the rest.
    let (guidance, across) = by_way(Way::LiveOutOfPlane, ScanPoint::new(0.5, 25.0));
    let path = guidance.path.expect("deep enough");
    assert!(path.lean.degrees() > 10.0);
    let words = labels(&across);
    assert!(
        words.contains(&"needle crosses here".to_owned()),
        "{words:?}"
    );
    assert!(
        words.contains(&"in 8 mm beside, leaning 15°".to_owned()),
        "{words:?}"
    );
    assert_eq!(lanes(&across), 0);

    let (guidance, along) = by_way(Way::LiveInPlane, ScanPoint::new(12.5, 34.0));
    let path = guidance.path.expect("near enough to the end");
    assert!(path.entry.x > 20.0);
    let words = labels(&along);
    assert!(
        words
            .iter()
            .any(|w| w.starts_with("in 5 mm beside this end")),
        "{words:?}"
    );
    assert_eq!(lanes(&along), 1);
}

#[test]
fn a_way_that_cannot_be_gone_has_no_path_and_says_what_would_help() {
    use crate::guide::{Way, headline};
    for (way, at, words) in [
        (
            Way::LiveOutOfPlane,
            ScanPoint::new(0.0, 12.0),
            "Too shallow for this way",
        ),
        (
            Way::LiveInPlane,
            ScanPoint::new(1.0, 34.0),
            "away from the marker",
        ),
        (
            Way::LiveInPlane,
            ScanPoint::new(-1.0, 34.0),
            "toward the marker",
        ),
        (
            Way::LiveInPlane,
            ScanPoint::new(1.0, 15.0),
            "Too shallow for this way",
        ),
    ] {
        let (guidance, marks) = by_way(way, at);
        assert_eq!(guidance.withheld, [Withheld::TooTilted], "{way:?}");
        assert_eq!(lanes(&marks), 0);
        let line = headline(&locked(), &guidance).text();
        assert!(line.contains(words), "{way:?} at {at:?}: {line}");
    }
}
