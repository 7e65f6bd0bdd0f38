//! Training without a window: what is scored is how far the answer lies from the hidden truth.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its own set-up is wrong"
)]
use std::sync::Arc;
use std::time::Duration;

use portsight::clock::{Clock, SystemClock};
use portsight::engine::{
    Command, Liveness, Look, Nudge, Session as _, TrainingOptions, TrainingSession,
};
use portsight::procedure::Action;
use portsight::simulate::{PortPlace, Scenario, VirtualProbe};
use portsight::space::ScanPoint;
use portsight::stream::Delivery;
use portsight::training::{Aid, Answered, HistoryFile, TrainingAction, Verdict};

/// Where the port of a patient lies in the first picture, from a probe of our own.
fn place(seed: u64) -> Option<PortPlace> {
    let mut probe = VirtualProbe::new(Scenario::for_training(seed));
    let (delivery, truth) = probe.next_with_truth(Duration::ZERO).expect("a frame");
    assert!(matches!(delivery, Delivery::Frame(_)));
    truth.expect("with truth").place
}

fn seed_where(is_so: impl Fn(Option<PortPlace>) -> bool) -> u64 {
    (500..540)
        .find(|seed| is_so(place(*seed)))
        .expect("there are such patients")
}

fn until(session: &TrainingSession, what: &str, is_so: impl Fn(&Look) -> bool) -> Look {
    for _ in 0..20_000 {
        let look = session.look();
        if is_so(&look) {
            return look;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never came about: {what}");
}

fn start(seed: u64, history: Option<std::path::PathBuf>) -> TrainingSession {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    TrainingSession::start(TrainingOptions {
        clock,
        seed,
        aid: Aid::Hidden,
        history,
    })
    .expect("starts")
}

#[test]
fn a_mark_at_the_true_entry_is_near_and_a_mark_at_the_start_is_as_far_off_as_the_probe_stood() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("training.jsonl");
    let seed = seed_where(|place| place.is_some());
    let there = place(seed).expect("a port");
    let session = start(seed, Some(path.clone()));
    until(&session, "a picture", |look| look.picture.is_some());
    session.train(TrainingAction::Forward);
    let course = session.training().expect("training");
    let first = course.scored.expect("scored");
    let Verdict::Off(miss) = first.verdict else {
        panic!("there is a port: {first:?}");
    };
    // Breathing, tremor and a spasm move the patient between the two pictures.
    let [along, across] = there.entry_mm;
    assert!((miss.lateral_mm + along).abs() < 6.0, "{miss:?} {there:?}");
    assert!(
        (miss.elevational_mm + across).abs() < 6.0,
        "{miss:?} {there:?}"
    );
    assert!(
        miss.distance_mm() > 3.0,
        "it stood beside the place: {miss:?}"
    );
    let look = until(&session, "frozen", |look| look.liveness == Liveness::Frozen);
    let frame = look.picture.expect("a picture").image.frame;
    let reveal = session.training().expect("training").reveal;
    assert_eq!(reveal.expect("may be seen now").frame, frame);

    // The same patient again: this time the probe is brought over the entry first.
    let session_again = start(seed, Some(path.clone()));
    until(&session_again, "a picture", |look| look.picture.is_some());
    session_again.send(Command::Nudge(Nudge::Slide(along)));
    session_again.send(Command::Nudge(Nudge::Elevation(across)));
    let before = session_again.look().picture.expect("there").image.frame.0;
    let is_later = |look: &Look| {
        let frame = look.picture.as_ref().map(|p| p.image.frame.0);
        frame.is_some_and(|f| f > before + 3)
    };
    until(&session_again, "a later picture", is_later);
    session_again.train(TrainingAction::Forward);
    let again = session_again.training().expect("training").scored;
    let again = again.expect("scored");
    let Verdict::Off(near) = again.verdict else {
        panic!("there is a port: {again:?}");
    };
    assert!(near.distance_mm() < miss.distance_mm(), "{near:?} {miss:?}");
    assert!(near.distance_mm() < 6.0, "only the patient moved: {near:?}");
    assert_eq!(near.depth_mm, None);
    drop(session);
    drop(session_again);
    let past = HistoryFile::new(&path).load().expect("read");
    assert_eq!(past.scores.len(), 2, "both answers are kept");
    assert!(past.scores.contains(&first) && past.scores.contains(&again));
}

#[test]
fn pointing_is_scored_in_depth_too_and_the_next_patient_begins_anew() {
    let seed = seed_where(|place| place.is_some());
    let session = start(seed, None);
    until(&session, "a picture", |look| look.picture.is_some());
    let [along, _, deep] = place(seed).expect("a port").middle_mm;
    session.train(TrainingAction::Aim(ScanPoint::new(along, deep + 5.0)));
    let score = session
        .training()
        .expect("training")
        .scored
        .expect("scored");
    assert_eq!((score.answer, score.aided), (Answered::AimPoint, false));
    let Verdict::Off(miss) = score.verdict else {
        panic!("there is a port: {score:?}");
    };
    let depth = miss.depth_mm.expect("pointed at");
    assert!((depth - 5.0).abs() < 4.0, "{miss:?}");
    // A second answer changes nothing.
    session.train(TrainingAction::NoPort);
    assert_eq!(session.training().expect("training").scored, Some(score));
    session.train(TrainingAction::Forward);
    let next = session.training().expect("training");
    assert_eq!((next.seed, next.number), (seed + 1, 2));
    assert_eq!((next.scored, next.reveal), (None, None));
    let look = until(&session, "the next patient runs", |look| {
        look.liveness == Liveness::Running
    });
    assert_eq!(look.origin, portsight::frame::Origin::Simulation);
}

#[test]
fn a_patient_without_a_port_is_answered_rightly_by_saying_so() {
    let session = start(seed_where(|place| place.is_none()), None);
    until(&session, "a picture", |look| look.picture.is_some());
    session.train(TrainingAction::NoPort);
    let score = session
        .training()
        .expect("training")
        .scored
        .expect("scored");
    assert_eq!(score.verdict, Verdict::RightlyNone);
}

#[test]
fn training_is_no_refill_and_leaves_nothing_that_looks_like_one() {
    let folder = tempfile::tempdir().expect("folder");
    let session = start(500, Some(folder.path().join("training.jsonl")));
    until(&session, "a picture", |look| look.picture.is_some());
    for command in [
        Command::Refill(Action::Forward),
        Command::Refill(Action::Puncture),
        Command::ConfirmPlane,
        Command::TakeSnapshot,
    ] {
        session.send(command);
    }
    session.train(TrainingAction::NoPort);
    let look = until(&session, "frozen", |look| look.liveness == Liveness::Frozen);
    assert!(look.refill.moments().begun.is_none(), "no refill was begun");
    assert_eq!(look.journal_path, None);
    assert!(look.snapshots.is_empty());
    drop(session);
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    assert_eq!(left, ["training.jsonl"]);
}
