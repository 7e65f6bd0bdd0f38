//! The refill in the window: rail, page, the one line, and every action by keyboard.
use std::sync::Arc;

use egui::{Event, Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;
use portsight::detect::FluidSeen;
use portsight::engine::{Command, Look};
use portsight::guide::{Way, Withheld};
use portsight::procedure::{
    Action, BackFlow, Counted, Field, FluidAnswer, GapKind, PathSeen, Refill, Refusal, Step,
};
use portsight::pump::Provenance;
use portsight::space::Millimeters;
use portsight::view::Notice;
use portsight::words::{say, say_with};

use crate::fake;
use crate::{changed, check_controls, check_texts, painted_texts, sized_window, window};

/// A look at a refill after some actions; the port is confirmed and its path shown.
fn after(actions: &[Action]) -> Look {
    let mut look = fake::look();
    let mut refill = Refill::default();
    for action in actions {
        let mut at = look.circumstances();
        at.planes_confirmed = true;
        // The probe was slid until the entry of the path lay under its middle.
        at.path = at.path.map(|path| PathSeen {
            offset_mm: 0.4,
            ..path
        });
        refill.take(action, &at);
    }
    look.refill = Arc::new(refill);
    look
}

fn enter(field: Field, text: &str) -> Action {
    Action::Enter(field, text.to_owned())
}

/// Actions up to a step, in which nothing goes wrong.
fn up_to(step: Step) -> Vec<Action> {
    let mut actions = vec![
        enter(Field::StudyCode, "S-7"),
        enter(Field::Drug, "drug"),
        enter(Field::ExpectedResidual, "3.2"),
    ];
    let steps: [&[Action]; 8] = [
        &[Action::Forward],
        &[Action::AnswerFluid(FluidAnswer::NoneSeen), Action::Forward],
        &[Action::Forward],
        &[Action::Forward],
        &[Action::Locate, Action::Forward],
        &[Action::Puncture, Action::FeelStop, Action::Forward],
        &[enter(Field::Aspirated, "3.0"), Action::Forward],
        &[
            Action::Inject("4.9".to_owned()),
            Action::Check(BackFlow::Seen),
            enter(Field::Programmed, "4.9"),
            Action::Forward,
        ],
    ];
    for part in steps.iter().take(step.number() - 1) {
        actions.extend_from_slice(part);
    }
    actions
}

fn at(step: Step) -> Look {
    let look = after(&up_to(step));
    assert_eq!(look.refill.step(), step);
    look
}

fn refill(action: Action) -> Command {
    Command::Refill(action)
}

#[test]
fn before_a_refill_the_line_is_the_pictures_and_enter_begins_one() {
    let (session, mut harness) = window(fake::look());
    assert!(harness.query_by_label(&say("missing-identity")).is_none());
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(session.take_sent(), [refill(Action::Forward)]);
    harness.get_by_label(&say("view-refill-begin"));
}

#[test]
fn the_line_says_what_each_step_wants() {
    for (step, key) in [
        (Step::ScanForFluid, "missing-fluid_scan"),
        (Step::Puncture, "missing-puncture"),
        (Step::EmptyAndCompare, "missing-aspirated"),
        (Step::Fill, "missing-aliquot"),
        (Step::Report, "missing-needle_out"),
    ] {
        let (_, harness) = window(at(step));
        assert!(harness.query_by_label(&say(key)).is_some(), "{step:?}");
        let now = say_with("view-rail-now", &[("step", &say(step.key()))]);
        harness.get_by_label(&now);
    }
    let (_, harness) = window(after(&[Action::Forward]));
    harness.get_by_label(&say("missing-identity"));
}

#[test]
fn the_skin_is_marked_only_when_the_entry_lies_under_the_middle_of_the_probe() {
    let (session, mut harness) = window(at(Step::Approach));
    harness.get_by_label(&say("step-mark-now"));
    let aside = |look: &mut Look| {
        let mut advice = (**look.advice.as_ref().expect("one")).clone();
        let path = advice.guidance.path.as_mut().expect("shown");
        path.entry.x = 4.0;
        look.advice = Some(Arc::new(advice));
    };
    session.change(aside);
    harness.run();
    assert!(harness.query_by_label(&say("step-mark-now")).is_none());
    let mut refill = Refill::default();
    let mut look = fake::look();
    aside(&mut look);
    let events = refill.take(&Action::Locate, &look.circumstances());
    assert_eq!(refill.refused(), Some(&Refusal::NotCentered), "{events:?}");
}

#[test]
fn the_way_a_count_and_a_gap_have_keys_of_their_own() {
    let mut actions = up_to(Step::EmptyAndCompare);
    actions.push(enter(Field::Aspirated, "1.0"));
    for (look, key, action) in [
        (
            at(Step::Approach),
            Key::W,
            Action::ChooseWay(Way::LiveOutOfPlane),
        ),
        (
            at(Step::Puncture),
            Key::Z,
            Action::TakeBack(Counted::Puncture),
        ),
        (at(Step::Report), Key::Z, Action::TakeBack(Counted::Aliquot)),
        (
            after(&actions),
            Key::K,
            Action::AcknowledgeGap(GapKind::Aspirated),
        ),
    ] {
        let (session, mut harness) = window(look);
        harness.key_press(key);
        harness.run();
        assert_eq!(session.take_sent(), [refill(action)]);
    }
}

#[test]
fn fluid_and_a_dead_picture_are_said_before_what_a_step_wants() {
    let mut look = at(Step::Puncture);
    let mut advice = (*fake::advice(7, 25.0)).clone();
    advice.finding.fluid = Some(FluidSeen {
        thickness: Millimeters(1.2),
        area_mm2: 20.0,
        since: fake::captured(1),
    });
    look.advice = Some(Arc::new(advice));
    let (_, harness) = window(look);
    assert!(harness.query_by_label(&say("missing-puncture")).is_none());
    harness.get_by_label(&say_with("headline-fluid", &[("thickness", "1.2")]));

    let mut look = at(Step::FindPort);
    look.advice = Some(fake::withheld(7, &[Withheld::AccessPortSuspected]));
    let (_, harness) = window(look);
    harness.get_by_label(&say("withheld-access_port_suspected"));
}

#[test]
fn a_step_is_passed_over_by_the_second_press_only() {
    let (session, mut harness) = window(at(Step::Puncture));
    let ask = |harness: &mut egui_kittest::Harness<'static, _>| {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
        harness.run();
    };
    ask(&mut harness);
    assert_eq!(session.take_sent(), []);
    harness.get_by_label(&say("step-pass-over-asked"));
    // Anything else in between takes the question back.
    harness.key_press(Key::O);
    harness.run();
    ask(&mut harness);
    assert_eq!(session.take_sent(), []);
    ask(&mut harness);
    assert_eq!(session.take_sent(), [refill(Action::PassOver)]);
}

#[test]
fn every_count_and_answer_has_a_key_and_holding_it_counts_once() {
    let (session, mut harness) = window(at(Step::Puncture));
    for (key, shift, action) in [
        (Key::Backspace, false, Action::Back),
        (Key::U, false, Action::Puncture),
        (Key::J, false, Action::Redirect),
        (Key::T, false, Action::FeelStop),
        (Key::X, false, Action::TakeNeedleOut),
        (Key::L, false, Action::Locate),
        (Key::A, false, Action::AnswerFluid(FluidAnswer::NoneSeen)),
        (Key::A, true, Action::AnswerFluid(FluidAnswer::Seen)),
        (Key::B, false, Action::Check(BackFlow::Seen)),
        (Key::B, true, Action::Check(BackFlow::None)),
    ] {
        let modifiers = if shift {
            Modifiers::SHIFT
        } else {
            Modifiers::NONE
        };
        // Down, held for a while, up.
        for pressed in [true, true, true, false] {
            harness.event(Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers,
            });
        }
        harness.run();
        assert_eq!(session.take_sent(), [refill(action)], "{key:?}");
    }
}

#[test]
fn the_emergency_card_is_one_key_away_and_goes_with_it() {
    let (session, mut harness) = window(fake::look());
    harness.key_press(Key::E);
    harness.run();
    harness.get_by_label(&say("card-title"));
    harness.get_by_label(&say("card-first-stop"));
    assert_eq!(session.take_sent(), [refill(Action::OpenCard)]);
    harness.key_press(Key::E);
    harness.run();
    assert!(harness.query_by_label(&say("card-title")).is_none());
}

#[test]
fn what_is_typed_is_entered_when_the_field_is_left_and_no_letter_counts_as_a_key() {
    let (session, mut harness) = window(after(&[Action::Forward]));
    harness.key_press(Key::Num6);
    harness.run();
    let code = say(Field::StudyCode.key());
    harness
        .get_by_role_and_label(Role::TextInput, &code)
        .focus();
    harness.run();
    harness
        .get_by_role_and_label(Role::TextInput, &code)
        .type_text("SUE-7");
    harness.key_press(Key::U);
    harness.run();
    assert_eq!(session.take_sent(), [], "nothing is sent while it is typed");
    harness.key_press(Key::Enter);
    harness.run();
    let sent = session.take_sent();
    assert_eq!(sent, [refill(enter(Field::StudyCode, "SUE-7"))]);
}

#[test]
fn a_large_gap_is_shown_with_its_figures_and_acknowledged_by_its_button() {
    let mut actions = up_to(Step::EmptyAndCompare);
    actions.push(enter(Field::Aspirated, "1.0"));
    let (session, mut harness) = window(after(&actions));
    harness.get_by_label(&say("missing-aspirated_gap"));
    harness.key_press(Key::Num6);
    harness.run();
    harness.get_by_label_contains("-2.2 mL (-69 %)");
    harness.get_by_label(&say("view-refill-gap-seen")).click();
    harness.run();
    let acknowledged = refill(Action::AcknowledgeGap(GapKind::Aspirated));
    assert_eq!(session.take_sent(), [acknowledged]);
}

#[test]
fn the_page_of_every_step_has_targets_for_a_glove() {
    for step in Step::ALL {
        let (_, mut harness) = window(at(step));
        harness.key_press(Key::Num6);
        harness.run();
        for role in [Role::Button, Role::TextInput] {
            for node in harness.query_all_by_role(role) {
                let rect = node.rect();
                assert!(rect.height() >= 43.5, "{role:?} at {step:?}: {rect}");
                assert!(rect.width() >= 43.5, "{role:?} at {step:?}: {rect}");
            }
        }
    }
}

#[test]
fn a_count_is_taken_back_by_its_button() {
    let mut actions = up_to(Step::Puncture);
    actions.push(Action::Puncture);
    let (session, mut harness) =
        sized_window(after(&actions), [1920.0, 1080.0], Notice::Acknowledged);
    harness.key_press(Key::Num6);
    harness.run();
    harness
        .get_by_label(&say("view-refill-puncture-back"))
        .click();
    harness.run();
    let back = refill(Action::TakeBack(Counted::Puncture));
    assert_eq!(session.take_sent(), [back]);
}

#[test]
fn the_picture_and_its_marks_do_not_wait_for_a_form() {
    let (session, mut harness) = window(changed(|look| look.refill = after(&[]).refill));
    harness.key_press(Key::Num6);
    harness.run();
    harness.get_by_label("needle stop 30 to 36 mm");
    assert!(session.shown().iter().any(|(_, marks)| marks.is_some()));
}

#[test]
fn the_page_of_every_step_fits_a_small_window_without_scrolling() {
    for step in Step::ALL {
        let mut look = at(step);
        // Most models bring this caution along, a thin needle a second one and a long needle a third.
        Arc::make_mut(&mut look.pump).needle_stop.provenance = Provenance::Guessed;
        look.needle = Some("24G:89".parse().expect("needle"));
        let (_, mut harness) = window(look);
        harness.key_press(Key::Num6);
        harness.run();
        let footer = harness.get_by_label(&say("notice-research")).rect();
        for node in harness.query_all_by_role(Role::Button) {
            let rect = node.rect();
            // The panel keeps a margin of 4 points above the footer, where nothing is seen.
            let is_seen = rect.bottom() <= footer.top().min(764.0) - 4.0;
            assert!(is_seen, "{step:?}: {rect} above {footer}");
        }
        check_controls(&harness, &format!("{step:?}"));
        check_texts(&painted_texts(&harness), &format!("{step:?}"));
    }
}

#[test]
fn enter_leads_to_the_field_that_the_step_still_wants() {
    for (actions, key) in [
        (vec![Action::Forward], Field::StudyCode.key()),
        (
            vec![enter(Field::StudyCode, "S-7"), Action::Forward],
            Field::Drug.key(),
        ),
        (
            [up_to(Step::EmptyAndCompare), vec![Action::Forward]].concat(),
            Field::Aspirated.key(),
        ),
        (
            [up_to(Step::Fill), vec![Action::Forward]].concat(),
            "view-refill-aliquot",
        ),
    ] {
        let (session, mut harness) = window(after(&actions));
        harness.key_press(Key::Num6);
        harness.run();
        let words = say(key);
        let field = harness.get_by_role_and_label(Role::TextInput, &words);
        assert!(field.is_focused(), "{key} has not got the keyboard");
        session.take_sent();
        harness.event(Event::Text("4.9".to_owned()));
        harness.run();
        harness.key_press(Key::Enter);
        harness.run();
        assert_eq!(
            session.take_sent().len(),
            1,
            "{key}: entered once, and no step taken"
        );
    }
}

#[test]
fn locked_settings_stay_as_they_are_and_the_line_says_how_to_unlock_them() {
    let (session, mut harness) = window(at(Step::Puncture));
    let press = |harness: &mut egui_kittest::Harness<'static, _>, key| {
        harness.key_press(key);
        harness.run();
    };
    press(&mut harness, Key::Q);
    for key in [Key::P, Key::N, Key::G, Key::D, Key::F] {
        press(&mut harness, key);
        assert_eq!(session.take_sent(), [], "{key:?}");
        harness.get_by_label(&say("view-lock-refused"));
    }
    // The refill itself goes on.
    press(&mut harness, Key::U);
    assert_eq!(session.take_sent(), [refill(Action::Puncture)]);
    assert!(harness.query_by_label(&say("view-lock-refused")).is_none());
    press(&mut harness, Key::Q);
    press(&mut harness, Key::F);
    assert_eq!(session.take_sent(), [Command::FlipShown(true)]);
}

#[test]
fn words_of_a_path_stand_only_with_its_marks_on_the_picture() {
    let mut look = at(Step::Approach);
    let mut advice = (*fake::advice(7, 25.0)).clone();
    if let Some(path) = advice.guidance.path.as_mut() {
        path.entry.x = 0.4;
    }
    look.advice = Some(Arc::new(advice));
    let (session, mut harness) = window(look);
    let (mark, late) = (say("step-mark-now"), say("view-headline-marks-late"));
    harness.get_by_label(&mark);
    // The next picture is there before it was read: it carries no marks, and nothing says that it does.
    session.change(|look| look.picture = Some(fake::picture(8)));
    harness.run();
    harness.get_by_label(&late);
    assert!(harness.query_by_label(&mark).is_none());
    assert_eq!(
        session.shown().last().map(|(_, marks)| *marks),
        Some(None),
        "no marks of an older picture"
    );
    // Marks that come and go do not make the line change with every frame.
    let read = |look: &mut Look, frame: u64| {
        let mut advice = (*fake::advice(frame, 25.0)).clone();
        if let Some(path) = advice.guidance.path.as_mut() {
            path.entry.x = 0.4;
        }
        look.picture = Some(fake::picture(frame));
        look.advice = Some(Arc::new(advice));
        look.now = fake::captured(frame);
    };
    session.change(|look| read(look, 9));
    harness.run();
    harness.get_by_label(&late);
    session.change(|look| read(look, 20));
    harness.run();
    harness.get_by_label(&mark);
    harness.key_press(Key::O);
    harness.run();
    harness.get_by_label(&say("view-headline-marks-hidden"));
    assert!(harness.query_by_label(&mark).is_none());
}
