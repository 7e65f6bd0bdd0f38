//! Training in the window: it cannot be taken for a procedure, hides the truth, and is left as it was entered.
use std::sync::Arc;

use egui::{Key, Role, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use portsight::engine::{Command, Session};
use portsight::frame::{FrameId, Origin};
use portsight::procedure::{Action, Refill, Step};
use portsight::space::ScanPoint;
use portsight::training::{
    Aid, Answered, Miss, Reveal, Score, TrainingAction, TrainingLook, Verdict,
};
use portsight::view::{GuidanceApp, Notice, TrainingDoor, ViewOptions};
use portsight::words::say;

use crate::fake::{self, FakeSession};
use crate::{check_controls, check_texts, painted_texts};

fn course() -> TrainingLook {
    TrainingLook {
        seed: 500,
        number: 1,
        aid: Aid::Hidden,
        scored: None,
        reveal: None,
        history: Arc::default(),
        seconds: 12.0,
        note: None,
    }
}

fn score(verdict: Verdict) -> Score {
    Score {
        seed: 500,
        answer: Answered::AimPoint,
        aided: false,
        seconds: 12.0,
        verdict,
    }
}

const OFF: Verdict = Verdict::Off(Miss {
    lateral_mm: 1.5,
    elevational_mm: -2.0,
    depth_mm: Some(-0.5),
});

/// A window on a session that begins as one of a refill, with a door to training.
fn window(
    look: portsight::engine::Look,
) -> (
    Arc<FakeSession>,
    Arc<FakeSession>,
    Harness<'static, GuidanceApp>,
) {
    let session = FakeSession::new(look);
    let training = FakeSession::new(fake::look());
    training.set_training(course());
    let door = {
        let training = Arc::clone(&training);
        TrainingDoor(Arc::new(move || {
            Ok(Arc::clone(&training) as Arc<dyn Session>)
        }))
    };
    let options = ViewOptions {
        notice: Notice::Acknowledged,
        training: Some(door),
        ..ViewOptions::default()
    };
    let seen = Arc::clone(&session);
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_max_steps(8)
        .build_eframe(move |creation| GuidanceApp::new(&creation.egui_ctx, seen, &options));
    harness.run();
    (session, training, harness)
}

fn press(harness: &mut Harness<'static, GuidanceApp>, key: Key) {
    harness.key_press(key);
    harness.run();
}

#[test]
fn training_says_so_in_the_picture_and_has_nothing_of_a_procedure() {
    let (session, training, mut harness) = window(fake::look());
    assert!(harness.query_by_label("TRAINING").is_none());
    press(&mut harness, Key::Y);
    harness.get_by_label("TRAINING");
    harness.get_by_label("SIMULATION");
    // No rail, no steps, no numbers, no emergency card, no refill.
    assert!(harness.query_by_label(&say("view-rail-next")).is_none());
    assert!(harness.query_by_label(&say("view-number-depth")).is_none());
    session.take_sent();
    for key in [
        Key::L,
        Key::U,
        Key::V,
        Key::E,
        Key::S,
        Key::P,
        Key::W,
        Key::C,
        Key::Backspace,
    ] {
        press(&mut harness, key);
    }
    assert_eq!(session.take_sent(), []);
    assert_eq!(training.take_sent(), []);
    assert_eq!(training.take_trained(), []);
    check_controls(&harness, "training");
    check_texts(&painted_texts(&harness), "training");
    // Back to where it came from.
    press(&mut harness, Key::Y);
    assert!(harness.query_by_label("TRAINING").is_none());
    harness.get_by_label(&say("view-rail-next"));
}

#[test]
fn the_truth_and_the_marks_stay_hidden_until_the_answer() {
    let (_, training, mut harness) = window(fake::look());
    press(&mut harness, Key::Y);
    harness.get_by_label(&say("training-line"));
    assert!(harness.query_by_label("needle stop 30 to 36 mm").is_none());
    assert!(training.shown().iter().all(|(_, marks)| marks.is_none()));
    press(&mut harness, Key::Enter);
    press(&mut harness, Key::X);
    press(&mut harness, Key::O);
    assert_eq!(
        training.take_trained(),
        [
            TrainingAction::Forward,
            TrainingAction::NoPort,
            TrainingAction::ToggleAid
        ]
    );
    training.set_training(TrainingLook {
        scored: Some(score(OFF)),
        reveal: Some(Reveal {
            frame: FrameId(7),
            port: Some((ScanPoint::new(2.0, 20.0), 1.0)),
            aim: Some(ScanPoint::new(-2.0, 22.0)),
        }),
        history: Arc::new(vec![score(OFF), score(Verdict::PortMissed)]),
        ..course()
    });
    harness.run();
    harness
        .get_by_label_contains("2.5\u{a0}mm off: 1.5 along, 2.0 across, 0.5\u{a0}mm too shallow");
    harness.get_by_role_and_label(Role::Button, &say("training-next"));
    let texts = painted_texts(&harness);
    assert!(
        texts
            .iter()
            .any(|(words, _, _)| *words == say("training-aimed"))
    );
    assert!(
        training
            .shown()
            .iter()
            .any(|(_, marks)| *marks == Some(FrameId(7)))
    );
    // The truth belongs to its own frame.
    training.change(|look| look.picture = Some(fake::picture(8)));
    harness.run();
    let texts = painted_texts(&harness);
    assert!(
        !texts
            .iter()
            .any(|(words, _, _)| *words == say("training-aimed"))
    );
}

#[test]
fn a_press_on_the_picture_points_at_the_port_where_it_was_pressed() {
    let (_, training, mut harness) = window(fake::look());
    press(&mut harness, Key::Y);
    let at = egui::pos2(420.0, 300.0);
    harness.hover_at(at);
    harness.run();
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run();
    let trained = training.take_trained();
    let [TrainingAction::Aim(point)] = trained[..] else {
        panic!("{trained:?}");
    };
    // The picture is 60 mm wide and 50 mm deep, its middle under the middle of the panel.
    assert!(
        point.x.abs() < 15.0 && (10.0..30.0).contains(&point.z),
        "{point:?}"
    );
}

#[test]
fn training_is_not_entered_from_a_refill_and_stops_a_running_probe() {
    let mut look = fake::look();
    let mut refill = Refill::default();
    refill.take(&Action::Forward, &look.circumstances());
    assert_eq!(refill.step(), Step::Identify);
    look.refill = Arc::new(refill);
    let (_, _, mut harness) = window(look);
    press(&mut harness, Key::Y);
    harness.get_by_label(&say("training-not-in-a-refill"));
    assert!(harness.query_by_label("TRAINING").is_none());

    let mut look = fake::look();
    look.origin = Origin::Live;
    let (session, _, mut harness) = window(look);
    press(&mut harness, Key::C);
    harness
        .get_by_role_and_label(Role::Button, &say("training-begin"))
        .click();
    harness.run();
    harness.get_by_label("TRAINING");
    assert!(
        session.take_sent().contains(&Command::Freeze),
        "sound stops"
    );
}
