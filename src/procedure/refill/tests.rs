//! Rules of a refill, one by one, and on random actions.
use proptest::prelude::*;

use super::*;
use crate::procedure::form::FluidAnswer;
use crate::pump;

fn path(provisional: bool) -> PathSeen {
    PathSeen {
        frame: FrameId(40),
        offset_mm: 0.6,
        depth_mm: [23.0, 29.0],
        tilt_deg: 3.0,
        lean_deg: 0.0,
        provisional,
    }
}

/// All is well: known pump, needle, confirmed port, and a path that waits for nothing.
fn good(pump: &PumpModel, seconds: f64) -> Circumstances<'_> {
    Circumstances {
        now: Timestamp::from_seconds(seconds),
        pump,
        needle: "22G:51".parse().ok(),
        port_locked: true,
        planes_confirmed: true,
        path: Some(path(false)),
    }
}

fn known() -> &'static PumpModel {
    pump::find("synchromed2-20").expect("known")
}

fn enter(field: Field, text: &str) -> Action {
    Action::Enter(field, text.to_owned())
}

fn inject(text: &str) -> Action {
    Action::Inject(text.to_owned())
}

/// Takes all actions under good circumstances, one a second; none may be refused.
fn taken(refill: &mut Refill, actions: &[Action]) -> Vec<RefillEvent> {
    let mut events = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        events.extend(refill.take(action, &good(known(), index as f64)));
        assert_eq!(refill.refused(), None, "{action:?}");
    }
    events
}

fn refusal(refill: &mut Refill, action: &Action) -> Refusal {
    let before = refill.clone();
    let events = refill.take(action, &good(known(), 100.0));
    assert!(matches!(events.as_slice(), [RefillEvent::Refused { .. }]));
    let refused = refill.refused().expect("refused").clone();
    // Nothing but the refusal itself, and the question it asks, has changed.
    let mut after = refill.clone();
    after.refused = before.refused.clone();
    after.asked_twice = before.asked_twice;
    after.moments = before.moments;
    assert_eq!(after, before);
    refused
}

fn identified() -> Vec<Action> {
    vec![
        enter(Field::StudyCode, "S-0147"),
        enter(Field::Drug, "baclofen"),
        enter(Field::Strength, "2000 micrograms per mL"),
        enter(Field::ExpectedResidual, "3.2"),
    ]
}

/// All actions of a refill in which nothing goes wrong.
fn whole() -> Vec<Action> {
    let mut actions = identified();
    actions.extend([
        Action::Forward,
        Action::AnswerFluid(FluidAnswer::NoneSeen),
        Action::Forward,
        Action::Forward,
        Action::Forward,
        Action::Locate,
        Action::Forward,
        Action::Puncture,
        Action::FeelStop,
        Action::Forward,
        enter(Field::Aspirated, "3,0"),
        Action::Forward,
    ]);
    for _ in 0..4 {
        actions.extend([inject("4.9"), Action::Check(BackFlow::Seen)]);
    }
    actions.extend([
        enter(Field::Programmed, "19.6"),
        Action::Forward,
        Action::TakeNeedleOut,
        Action::Forward,
    ]);
    actions
}

/// A refill that stands at a step, everything before it done.
fn standing_at(step: Step) -> Refill {
    let mut refill = Refill::default();
    for action in whole() {
        if refill.step() == step {
            break;
        }
        refill.take(&action, &good(known(), 1.0));
        assert_eq!(refill.refused(), None, "{action:?}");
    }
    assert_eq!(refill.step(), step);
    refill
}

#[test]
fn a_whole_refill_goes_through_every_step_and_closes() {
    let mut refill = Refill::default();
    let events = taken(&mut refill, &whole());
    assert_eq!(refill.outcome(), Some(Outcome::Completed));
    assert!(refill.passed_over().is_empty());
    let entered: Vec<Step> = events
        .iter()
        .filter_map(|event| {
            if let RefillEvent::StepEntered { step, .. } = event {
                return Some(*step);
            }
            None
        })
        .collect();
    assert_eq!(entered, Step::ALL[1..]);
    assert_eq!(refill.injected().to_string(), "19.6 mL");
    assert_eq!((refill.punctures(), refill.redirections()), (1, 0));
    assert!(refill.time_to_port() > Some(std::time::Duration::ZERO));
    assert!(refill.time_under_skin() > Some(std::time::Duration::ZERO));
    for event in events {
        let line = event.line();
        assert!(!line.starts_with("event-") && !line.is_empty(), "{line}");
    }
}

#[test]
fn every_step_names_what_it_needs_and_is_passed_over_only_by_the_override() {
    let generic = pump::generic();
    let bare = Circumstances {
        now: Timestamp::from_seconds(9.0),
        pump: &generic,
        needle: None,
        port_locked: false,
        planes_confirmed: false,
        path: None,
    };
    let mut refill = Refill::default();
    for step in &Step::ALL[..8] {
        assert_eq!(refill.step(), *step);
        assert!(!refill.missing(&bare).is_empty(), "{step:?}");
        refill.take(&Action::Forward, &bare);
        assert!(matches!(refill.refused(), Some(Refusal::Incomplete(_))));
        let events = refill.take(&Action::PassOver, &bare);
        let [RefillEvent::StepEntered { how, missing, .. }] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(*how, Move::PassedOver);
        assert_eq!(refill.passed_over().get(step), Some(missing));
    }
    // Passing over has shown no path: there is nothing to mark.
    refill.take(&Action::Locate, &bare);
    assert_eq!(refill.refused(), Some(&Refusal::NoPath));
    assert_eq!(refill.located(), None);
}

#[test]
fn a_provisional_path_is_not_marked() {
    let mut refill = standing_at(Step::Approach);
    let at = Circumstances {
        path: Some(path(true)),
        ..good(known(), 3.0)
    };
    refill.take(&Action::Locate, &at);
    assert_eq!(refill.refused(), Some(&Refusal::NoPath));
}

#[test]
fn back_is_always_possible_and_opens_a_closed_refill_again() {
    let mut refill = Refill::default();
    taken(&mut refill, &whole());
    assert_eq!(refusal(&mut refill, &Action::Puncture), Refusal::Closed);
    taken(&mut refill, &[Action::Back]);
    assert_eq!((refill.step(), refill.outcome()), (Step::Report, None));
    for step in Step::ALL[..8].iter().rev() {
        taken(&mut refill, &[Action::Back]);
        assert_eq!(refill.step(), *step);
    }
    assert_eq!(refusal(&mut refill, &Action::Back), Refusal::FirstStep);
}

#[test]
fn fluid_over_the_pump_stops_the_way_forward() {
    let mut refill = standing_at(Step::ScanForFluid);
    taken(&mut refill, &[Action::AnswerFluid(FluidAnswer::Seen)]);
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::FluidSeen));
    taken(&mut refill, &[Action::Abandon]);
    assert_eq!(refill.outcome(), Some(Outcome::Abandoned));
}

#[test]
fn a_small_expected_residual_says_that_aspiration_cannot_confirm_and_wants_another_confirmation() {
    let mut refill = standing_at(Step::EmptyAndCompare);
    let events = taken(
        &mut refill,
        &[
            enter(Field::ExpectedResidual, "2.0"),
            enter(Field::Aspirated, "1.5"),
        ],
    );
    let said = events
        .iter()
        .any(|e| matches!(e, RefillEvent::AspirationCannotConfirm { .. }));
    assert!(said, "{events:?}");
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::OtherConfirmation));
    taken(
        &mut refill,
        &[
            enter(Field::OtherConfirmation, "stop felt, colour Doppler"),
            Action::Forward,
        ],
    );
    let mut other = standing_at(Step::EmptyAndCompare);
    let events = taken(&mut other, &[enter(Field::ExpectedResidual, "2.1")]);
    assert!(!other.aspiration_cannot_confirm(), "{events:?}");
}

#[test]
fn a_large_gap_has_to_be_acknowledged_and_a_correction_asks_anew() {
    let mut refill = standing_at(Step::EmptyAndCompare);
    taken(&mut refill, &[enter(Field::Aspirated, "2.1")]);
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::AspiratedGap));
    taken(&mut refill, &[Action::AcknowledgeGap(GapKind::Aspirated)]);
    assert!(refill.missing(&good(known(), 1.0)).is_empty());
    let events = taken(&mut refill, &[enter(Field::Aspirated, "1.9")]);
    assert!(
        matches!(
            events[0],
            RefillEvent::Entered {
                is_correction: true,
                ..
            }
        ),
        "{events:?}"
    );
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::AspiratedGap));
    taken(&mut refill, &[enter(Field::Aspirated, "3.0")]);
    let refused = refusal(&mut refill, &Action::AcknowledgeGap(GapKind::Aspirated));
    assert_eq!(refused, Refusal::NoGap);
}

#[test]
fn a_volume_above_capacity_is_taken_only_when_it_is_entered_twice_in_a_row() {
    let mut refill = standing_at(Step::Fill);
    // 0.2 mL of the expected 3.2 mL did not come and may still be inside.
    taken(
        &mut refill,
        &[inject("19.8"), Action::Check(BackFlow::Seen)],
    );
    let refused = refusal(&mut refill, &inject("0.5"));
    assert!(matches!(refused, Refusal::AboveCapacity { .. }));
    // Something else in between, or another volume, begins anew.
    taken(&mut refill, &[Action::OpenCard]);
    assert!(matches!(
        refusal(&mut refill, &inject("0.5")),
        Refusal::AboveCapacity { .. }
    ));
    assert!(matches!(
        refusal(&mut refill, &inject("0.6")),
        Refusal::AboveCapacity { .. }
    ));
    assert!(matches!(
        refusal(&mut refill, &enter(Field::Programmed, "40")),
        Refusal::AboveCapacity { .. }
    ));
    let events = refill.take(&inject("0.6"), &good(known(), 9.0));
    assert!(matches!(events.as_slice(), [RefillEvent::Refused { .. }]));
    let events = taken(&mut refill, &[inject("0.6")]);
    let said = events
        .iter()
        .any(|e| matches!(e, RefillEvent::AboveCapacityTaken { .. }));
    assert!(said, "{events:?}");
    assert_eq!(refill.injected().to_string(), "20.4 mL");
    let mut typed = standing_at(Step::Fill);
    let refused = refusal(&mut typed, &enter(Field::Programmed, "40"));
    assert!(matches!(refused, Refusal::AboveCapacity { .. }));
    taken(&mut typed, &[enter(Field::Programmed, "40")]);
}

#[test]
fn a_check_is_due_after_the_first_aliquot_and_after_every_five_milliliters() {
    let mut refill = standing_at(Step::Fill);
    assert!(!refill.check_is_due());
    taken(&mut refill, &[inject("1.0")]);
    assert!(refill.check_is_due(), "the test aliquot");
    taken(&mut refill, &[Action::Check(BackFlow::Seen), inject("4.9")]);
    assert!(!refill.check_is_due());
    taken(&mut refill, &[inject("0.1")]);
    assert!(refill.check_is_due());
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::Check));
    taken(&mut refill, &[Action::Check(BackFlow::None)]);
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::NoBackFlow));
}

#[test]
fn punctures_and_redirections_are_counted_and_taken_back() {
    let mut refill = standing_at(Step::Puncture);
    assert_eq!(refusal(&mut refill, &Action::Redirect), Refusal::NoNeedleIn);
    assert_eq!(refusal(&mut refill, &Action::FeelStop), Refusal::NoNeedleIn);
    taken(
        &mut refill,
        &[
            Action::Puncture,
            Action::Redirect,
            Action::Redirect,
            Action::TakeNeedleOut,
            Action::Puncture,
            Action::FeelStop,
        ],
    );
    assert_eq!((refill.punctures(), refill.redirections()), (2, 2));
    assert_eq!(refusal(&mut refill, &Action::Puncture), Refusal::NeedleIsIn);
    taken(
        &mut refill,
        &[
            Action::TakeBack(Counted::Redirection),
            Action::TakeBack(Counted::Puncture),
        ],
    );
    assert_eq!((refill.punctures(), refill.redirections()), (1, 1));
    let refused = refusal(&mut refill, &Action::TakeBack(Counted::Aliquot));
    assert_eq!(refused, Refusal::NothingToTakeBack);
}

#[test]
fn identifiers_stay_out_of_events_and_a_session_needs_a_code_or_two_of_them() {
    let mut refill = Refill::default();
    let events = taken(&mut refill, &[enter(Field::FirstIdentifier, "Ada Example")]);
    assert!(!format!("{events:?}").contains("Ada"), "{events:?}");
    assert!(
        !serde_json::to_string(&events)
            .expect("json")
            .contains("Ada")
    );
    assert!(!refill.is_identified());
    taken(&mut refill, &[enter(Field::SecondIdentifier, "1970-02-03")]);
    assert!(refill.is_identified());
}

#[test]
fn the_needle_comes_out_before_the_refill_is_closed() {
    let mut refill = standing_at(Step::Report);
    let refused = refusal(&mut refill, &Action::Forward);
    assert_eq!(refused, Refusal::Incomplete(Missing::NeedleOut));
}

fn any_action() -> impl Strategy<Value = Action> {
    let text = prop_oneof![
        (0_u16..450).prop_map(|t| format!("{}.{}", t / 10, t % 10)),
        Just(String::new()),
        Just("21.5".to_owned()),
        "[a-z0-9,.-]{0,6}",
    ];
    let field = prop::sample::select(Field::ALL.to_vec());
    prop_oneof![
        4 => (field, text.clone()).prop_map(|(field, text)| Action::Enter(field, text)),
        4 => text.prop_map(Action::Inject),
        10 => prop::sample::select(vec![
            Action::Forward,
            Action::Forward,
            Action::PassOver,
            Action::PassOver,
            Action::Back,
            Action::Locate,
            Action::Puncture,
            Action::Redirect,
            Action::FeelStop,
            Action::TakeNeedleOut,
            Action::AnswerFluid(FluidAnswer::NoneSeen),
            Action::AnswerFluid(FluidAnswer::Seen),
            Action::Check(BackFlow::Seen),
            Action::Check(BackFlow::None),
            Action::AcknowledgeGap(GapKind::Aspirated),
            Action::AcknowledgeGap(GapKind::Injected),
            Action::TakeBack(Counted::Puncture),
            Action::TakeBack(Counted::Redirection),
            Action::TakeBack(Counted::Aliquot),
            Action::ChooseWay(Way::LiveInPlane),
            Action::OpenCard,
            Action::Abandon,
        ]),
    ]
}

/// What must hold between one action and the next.
fn check(before: &Refill, after: &Refill, events: &[RefillEvent], at: &Circumstances<'_>) {
    let moved = after.step.number().abs_diff(before.step.number());
    assert!(moved <= 1, "steps are never jumped over");
    if after.step > before.step {
        let was_missing = before.missing(at);
        let said = after.passed_over.get(&before.step);
        assert_eq!(said.cloned().unwrap_or_default(), was_missing);
    }
    assert!(after.punctures.abs_diff(before.punctures) <= 1);
    assert!(after.located.is_none_or(|path| !path.provisional));
    let capacity = Volume::capacity(at.pump);
    let above = |refill: &Refill| {
        let fields = Field::ALL.into_iter().filter_map(|f| refill.volume(f));
        fields
            .chain([refill.injected()])
            .filter(|v| *v > capacity)
            .count()
    };
    let said = events
        .iter()
        .any(|e| matches!(e, RefillEvent::AboveCapacityTaken { .. }));
    assert!(above(after) <= above(before) || said, "above capacity");
    if matches!(events, [RefillEvent::Refused { .. }]) {
        assert_eq!(after.injected(), before.injected());
        assert_eq!(after.step, before.step);
        assert_eq!(after.fields, before.fields);
    }
}

proptest! {
    #[test]
    fn whatever_is_done_in_whatever_order_the_rules_hold(
        actions in prop::collection::vec((any_action(), 0_u8..8), 0..120)
    ) {
        let known = known();
        let mut refill = Refill::default();
        for (index, (action, mood)) in actions.iter().enumerate() {
            let at = Circumstances {
                port_locked: mood & 1 == 0,
                planes_confirmed: mood & 2 == 0,
                path: (mood & 4 == 0).then(|| path(mood & 2 != 0)),
                ..good(known, index as f64)
            };
            let before = refill.clone();
            let events = refill.take(action, &at);
            check(&before, &refill, &events, &at);
            for event in &events {
                prop_assert!(!event.line().is_empty());
                prop_assert!(serde_json::to_string(event).is_ok());
            }
        }
    }
}
