//! The window, driven through its accessibility tree: no display and no graphics needed.
mod fake;
mod faults;
mod refill;
mod settings;
mod sources;
mod training;

use std::sync::Arc;
use std::time::Duration;

use egui::{Key, Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use fake::FakeSession;
use portsight::engine::{Command, Fault, Liveness, Look, Nudge, ProbePose};
use portsight::frame::{FrameId, Origin, PixelSpacing};
use portsight::guide::Withheld;
use portsight::image::LengthUnit;
use portsight::pump::Needle;
use portsight::space::Millimeters;
use portsight::view::{GuidanceApp, Notice, ViewOptions};
use portsight::words::say;

const SMALL: [f32; 2] = [1280.0, 800.0];

/// The window at work on `look`, its notice out of the way.
fn window(look: Look) -> (Arc<FakeSession>, Harness<'static, GuidanceApp>) {
    sized_window(look, SMALL, Notice::Acknowledged)
}

fn sized_window(
    look: Look,
    size: [f32; 2],
    notice: Notice,
) -> (Arc<FakeSession>, Harness<'static, GuidanceApp>) {
    let session = FakeSession::new(look);
    let seen = Arc::clone(&session);
    let options = ViewOptions {
        notice,
        ..ViewOptions::default()
    };
    let mut harness = Harness::builder()
        .with_size(Vec2::from(size))
        .with_max_steps(8)
        .build_eframe(move |creation| GuidanceApp::new(&creation.egui_ctx, seen, &options));
    harness.run();
    (session, harness)
}

fn changed(change: impl FnOnce(&mut Look)) -> Look {
    let mut look = fake::look();
    change(&mut look);
    look
}

#[test]
fn the_picture_says_what_it_is() {
    for (origin, words) in [
        (Origin::Live, "LIVE"),
        (Origin::Replay, "REPLAY"),
        (Origin::Simulation, "SIMULATION"),
    ] {
        let (_, harness) = window(changed(|look| look.origin = origin));
        harness.get_by_label(words);
        for other in ["LIVE", "REPLAY", "SIMULATION"] {
            let there = harness.query_by_label(other).is_some();
            assert_eq!(there, other == words, "{other} on a {words} picture");
        }
    }
}

#[test]
fn the_label_stands_inside_the_picture_at_its_top_left() {
    let (_, harness) = window(fake::look());
    let label = harness.get_by_label("SIMULATION").rect();
    let marker = harness.get_by_label(&say("view-marked-side")).rect();
    assert!(label.left() < 150.0 && label.top() < 150.0, "{label}");
    assert!(
        marker.left() > 700.0,
        "the marked side is on the right: {marker}"
    );
}

#[test]
fn a_picture_that_is_too_old_says_not_live_and_carries_no_marks() {
    for (liveness, words, times) in [
        (Liveness::Stale, "STALE", 1),
        (Liveness::NotLive, "NOT LIVE", 2),
        (Liveness::Frozen, "FROZEN", 1),
        (Liveness::Ended, "ENDED", 1),
    ] {
        let (session, harness) = window(changed(|look| look.liveness = liveness));
        let found = harness.query_all_by_label(words).count();
        assert_eq!(found, times, "{words}");
        let current = matches!(liveness, Liveness::Frozen | Liveness::Ended);
        let marks = session.shown().last().map(|(_, marks)| *marks);
        assert_eq!(marks, Some(current.then_some(FrameId(7))), "{words}");
        let number = harness.query_by_label("30 – 36");
        assert_eq!(number.is_some(), current, "an old depth beside {words}");
    }
}

#[test]
fn the_screen_learns_by_itself_that_the_picture_has_grown_old() {
    let (_, harness) = window(fake::look());
    let delay = harness
        .output()
        .viewport_output
        .values()
        .map(|viewport| viewport.repaint_delay)
        .min();
    let delay = delay.expect("one viewport");
    // The picture is 22 ms old: the limit of 250 ms is due in 228 ms.
    assert!(delay > Duration::from_millis(200), "{delay:?}");
    assert!(delay < Duration::from_millis(260), "{delay:?}");
}

#[test]
fn marks_are_painted_over_their_own_frame_only() {
    let (session, mut harness) = window(fake::look());
    assert_eq!(session.shown(), [(FrameId(7), Some(FrameId(7)))]);
    harness.get_by_label("needle stop 30 to 36 mm");
    // A newer picture, its marks not there in time: it is shown at once, and alone.
    session.change(|look| {
        look.picture = Some(fake::picture(8));
        look.now = fake::captured(8);
    });
    harness.run();
    assert!(harness.query_by_label("needle stop 30 to 36 mm").is_none());
    session.change(|look| look.advice = Some(fake::advice(8, 25.0)));
    harness.run();
    // Picture and marks together, as the session publishes them in time.
    session.change(|look| {
        look.picture = Some(fake::picture(9));
        look.advice = Some(fake::advice(9, 25.0));
        look.now = fake::captured(9);
    });
    harness.run();
    let expected = [
        (FrameId(7), Some(FrameId(7))),
        (FrameId(8), None),
        (FrameId(8), Some(FrameId(8))),
        (FrameId(9), Some(FrameId(9))),
    ];
    assert_eq!(session.shown(), expected);
}

#[test]
fn one_key_hides_all_marks() {
    let (session, mut harness) = window(fake::look());
    harness.key_press(Key::O);
    harness.run();
    assert!(harness.query_by_label("needle stop 30 to 36 mm").is_none());
    assert_eq!(session.shown().last(), Some(&(FrameId(7), None)));
    harness.get_by_label("SIMULATION");
    harness.key_press(Key::O);
    harness.run();
    harness.get_by_label("needle stop 30 to 36 mm");
}

#[test]
fn the_gravest_reason_is_said_in_words() {
    for (reason, word) in [
        (Withheld::NoScale, "scale"),
        (Withheld::PumpUnknown, "pump"),
        (Withheld::NeedleUnknown, "needle"),
        (Withheld::AccessPortSuspected, "access port"),
        (Withheld::InvertedSuspected, "upside down"),
        (Withheld::Moving, "moving"),
        (Withheld::NeedleTooShort, "short"),
    ] {
        let reasons = [reason, Withheld::LowConfidence];
        let (_, harness) = window(changed(|look| {
            look.advice = Some(fake::withheld(7, &reasons));
        }));
        let node = harness
            .query_all_by_label_contains(word)
            .find(|node| node.rect().top() > 600.0 && node.rect().height() > 60.0);
        assert!(node.is_some(), "{reason:?} is not said under the picture");
        assert!(harness.query_by_label("30 – 36").is_none());
    }
}

#[test]
fn keys_send_their_commands() {
    let plain = Modifiers::NONE;
    let shift = Modifiers::SHIFT;
    let settings = |change: fn(&mut portsight::frame::ImagingSettings)| {
        let mut settings = (*fake::look().settings).clone();
        change(&mut settings);
        Command::SetImaging(settings)
    };
    let expected = [
        (plain, Key::Space, Command::Freeze),
        (plain, Key::S, Command::TakeSnapshot),
        (plain, Key::G, settings(|s| s.gain_db = 2.0)),
        (shift, Key::G, settings(|s| s.gain_db = -2.0)),
        (plain, Key::D, settings(|s| s.depth = Millimeters(55.0))),
        (shift, Key::D, settings(|s| s.depth = Millimeters(45.0))),
        (plain, Key::P, Command::ChoosePump("synchromed2-40".into())),
        (shift, Key::P, Command::ChoosePump("generic".into())),
        (plain, Key::ArrowRight, Command::Nudge(Nudge::Slide(1.0))),
        (plain, Key::ArrowUp, Command::Nudge(Nudge::Elevation(1.0))),
        (plain, Key::Comma, Command::Nudge(Nudge::Tilt(-2.0))),
        (plain, Key::CloseBracket, Command::Nudge(Nudge::Rotate(5.0))),
        (plain, Key::PageDown, Command::Nudge(Nudge::Push(1.0))),
        (shift, Key::I, Command::Nudge(Nudge::Needle(-2.0))),
        (plain, Key::Home, Command::Nudge(Nudge::Reset)),
        (plain, Key::F8, Command::Fault(Fault::Unplug)),
        (plain, Key::F, Command::FlipShown(true)),
    ];
    let (session, mut harness) = window(fake::look());
    for (modifiers, key, command) in expected {
        harness.key_press_modifiers(modifiers, key);
        harness.run();
        assert_eq!(session.take_sent(), [command], "{key:?}");
    }
}

#[test]
fn keys_of_the_virtual_probe_do_nothing_on_a_living_patient() {
    let (session, mut harness) = window(changed(|look| look.origin = Origin::Live));
    for key in [Key::ArrowRight, Key::PageDown, Key::I, Key::F8, Key::R] {
        harness.key_press(key);
        harness.run();
    }
    assert_eq!(session.take_sent(), []);
    harness.key_press(Key::Num5);
    harness.run();
    assert!(harness.query_by_label(&say("view-probe-slide")).is_none());
    assert!(harness.query_by_label(&say("view-fault-unplug")).is_none());
}

#[test]
fn a_frozen_picture_runs_again_and_a_recording_starts_again() {
    let (session, mut harness) = window(changed(|look| {
        look.liveness = Liveness::Frozen;
        look.origin = Origin::Replay;
    }));
    harness.key_press(Key::Space);
    harness.key_press(Key::R);
    harness.run();
    assert_eq!(session.take_sent(), [Command::Unfreeze, Command::Restart]);
}

/// Where the ruler's second centimetre is written; the rail and the side panel have figures of their own.
fn ruler_at(harness: &Harness<'_, GuidanceApp>) -> f32 {
    painted_texts(harness)
        .into_iter()
        .find(|(words, ink, _)| words == "2" && ink.left() > 80.0 && ink.right() < 960.0)
        .map_or(f32::NAN, |(_, ink, _)| ink.center().x)
}

#[test]
fn flipping_moves_the_marker_and_says_so_and_turns_the_arrows() {
    let (session, mut harness) = window(fake::look());
    let before = harness
        .get_by_label("fill port 6.8 of 7.0 mm")
        .rect()
        .center();
    let ruler_before = ruler_at(&harness);
    assert!(ruler_before > 700.0, "the ruler stands at the marked side");
    harness.key_press(Key::F);
    harness.run();
    harness.get_by_label("FLIPPED");
    let ruler = ruler_at(&harness);
    assert!(
        ruler < 300.0,
        "the ruler has gone with the marked side: {ruler}"
    );
    let marker = harness.get_by_label(&say("view-marked-side")).rect();
    assert!(marker.right() < 300.0, "{marker}");
    // Its words stay away from the port on the other side.
    let after = harness
        .get_by_label("fill port 6.8 of 7.0 mm")
        .rect()
        .center();
    assert!((before.x - after.x).abs() > 20.0);
    // Words that name the marker stay true: the port lies away from it, wherever it is drawn.
    harness.get_by_label(&say("view-number-offset-away"));
    harness.key_press(Key::ArrowRight);
    harness.run();
    let expected = [Command::FlipShown(true), Command::Nudge(Nudge::Slide(-1.0))];
    assert_eq!(session.take_sent(), expected);
}

#[test]
fn the_second_window_shows_picture_marks_and_line_and_has_nothing_to_press() {
    let (_, mut harness) = window(fake::look());
    let buttons = harness.query_all_by_role(egui::Role::Button).count();
    let badges = harness.query_all_by_label("SIMULATION").count();
    harness.key_press(Key::M);
    harness.run();
    assert_eq!(harness.query_all_by_label("SIMULATION").count(), badges + 1);
    let marks = harness.query_all_by_label("needle stop 30 to 36 mm");
    assert_eq!(marks.count(), 2);
    // Without a window system it is a window inside the window, which brings a button to close it at most.
    let now = harness.query_all_by_role(egui::Role::Button).count();
    assert!(now <= buttons + 2, "{now} buttons after {buttons}");
    harness.key_press(Key::M);
    harness.run();
    assert_eq!(harness.query_all_by_label("SIMULATION").count(), badges);
}

#[test]
fn the_notice_must_be_acknowledged_and_is_asked_for_once() {
    let (session, mut harness) = sized_window(fake::look(), SMALL, Notice::Ask);
    harness.get_by_label(&say("notice-research-long"));
    for key in [Key::Escape, Key::S, Key::Space, Key::Questionmark] {
        harness.key_press(key);
        harness.run();
    }
    assert_eq!(session.take_sent(), [], "no key works before");
    harness.get_by_label(&say("notice-research-long"));
    harness
        .get_by_label(&say("view-notice-acknowledge"))
        .click();
    harness.run();
    assert!(
        harness
            .query_by_label(&say("notice-research-long"))
            .is_none()
    );
    assert_eq!(session.take_sent(), [Command::AcknowledgeResearchNotice]);
    harness.get_by_label(&say("notice-research"));
}

#[test]
fn the_help_lists_every_key_and_closes() {
    let (_, mut harness) = window(fake::look());
    harness.key_press(Key::Questionmark);
    harness.run();
    let words = include_str!("../../assets/i18n/en.ftl");
    let keys: Vec<&str> = words
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, _)| key)
        .filter(|key| key.starts_with("view-key-"))
        .collect();
    assert!(keys.len() > 35, "{}", keys.len());
    for key in keys {
        assert!(harness.query_all_by_label(&say(key)).count() > 0, "{key}");
    }
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label(&say("view-help-close")).is_none());
}

#[test]
fn a_picture_without_a_scale_shows_no_millimetres_and_asks_for_one() {
    let (session, mut harness) = window(changed(|look| {
        let mut picture = (**look.picture.as_ref().expect("one")).clone();
        let mut image = (*picture.image).clone();
        image.unit = LengthUnit::Pixels;
        picture.image = Arc::new(image);
        look.picture = Some(Arc::new(picture));
        let mut advice = (*fake::withheld(7, &[Withheld::NoScale])).clone();
        advice.has_scale = false;
        look.advice = Some(Arc::new(advice));
    }));
    harness.get_by_label("SCALE UNKNOWN");
    assert!(
        harness.query_by_label("3").is_none(),
        "an offset without a scale"
    );
    harness.get_by_label(&say("view-scale-use")).click();
    harness.run();
    let spacing = PixelSpacing::new(0.1, 0.1).expect("sound");
    assert_eq!(session.take_sent(), [Command::GiveScale(spacing)]);
}

#[test]
fn a_snapshot_is_deleted_by_the_second_press_only() {
    let (session, mut harness) = window(fake::look());
    harness.key_press(Key::Num3);
    harness.run();
    harness.get_by_label(&say("view-snapshot-delete")).click();
    harness.run();
    assert_eq!(session.take_sent(), []);
    harness.get_by_label(&say("view-snapshot-really")).click();
    harness.run();
    assert_eq!(session.take_sent(), [Command::DeleteSnapshot(1)]);
}

#[test]
fn a_moved_slider_asks_for_its_setting_and_shows_it_until_it_is_in_force() {
    let (session, mut harness) = window(fake::look());
    harness.key_press(Key::Num2);
    harness.run();
    harness
        .get_by_role_and_label(egui::Role::Slider, &say("view-gain"))
        .set_value_accesskit(12.0);
    harness.run();
    let mut settings = (*fake::look().settings).clone();
    settings.gain_db = 12.0;
    assert_eq!(session.take_sent(), [Command::SetImaging(settings)]);
    harness.get_by_label("12 dB");
    // The session refused: what is in force is shown again.
    session.change(|look| look.now = look.now.plus(Duration::from_secs(1)));
    harness.run();
    assert!(harness.query_by_label("12 dB").is_none());
    assert_eq!(session.take_sent(), []);
}

#[test]
fn folded_gain_moves_the_sliders_it_stands_for_and_no_other() {
    let (session, mut harness) = window(fake::look());
    harness.key_press(Key::Num2);
    harness.run();
    harness.get_by_label(&say("view-part-folded")).click();
    harness.run();
    harness
        .get_by_role_and_label(egui::Role::Slider, &say("view-tgc-far"))
        .set_value_accesskit(6.0);
    harness.run();
    let mut settings = (*fake::look().settings).clone();
    settings.tgc_db = [0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 6.0, 6.0];
    assert_eq!(session.take_sent(), [Command::SetImaging(settings)]);
}

#[test]
fn the_notice_is_acknowledged_by_enter_too() {
    let (session, mut harness) = sized_window(fake::look(), SMALL, Notice::Ask);
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(session.take_sent(), [Command::AcknowledgeResearchNotice]);
}

#[test]
fn controls_are_large_enough_for_a_glove() {
    let (_, mut harness) = window(fake::look());
    for page in [Key::Num1, Key::Num2, Key::Num3, Key::Num5, Key::Num6] {
        harness.key_press(page);
        harness.run();
        for role in [egui::Role::Button, egui::Role::Slider, egui::Role::ComboBox] {
            for node in harness.query_all_by_role(role) {
                let rect = node.rect();
                assert!(rect.height() >= 43.5, "{role:?} on {page:?}: {rect}");
                assert!(rect.width() >= 43.5, "{role:?} on {page:?}: {rect}");
            }
        }
    }
}

#[test]
fn a_slider_of_the_virtual_probe_shows_its_pose_and_sends_the_difference() {
    let pose = ProbePose {
        tilt_deg: 6.0,
        ..ProbePose::default()
    };
    let (session, mut harness) = window(changed(|look| look.pose = Some(pose)));
    harness.key_press(Key::Num5);
    harness.run();
    harness.get_by_label("6°");
    let move_to = |harness: &mut Harness<'_, GuidanceApp>, key: &str, value: f64| {
        harness
            .get_by_role_and_label(egui::Role::Slider, &say(key))
            .set_value_accesskit(value);
        harness.run();
    };
    move_to(&mut harness, "view-probe-tilt", 10.0);
    assert_eq!(session.take_sent(), [Command::Nudge(Nudge::Tilt(4.0))]);
    // The probe has not moved yet: the next step counts from what was asked for, not from where it still stands.
    move_to(&mut harness, "view-probe-tilt", 12.0);
    assert_eq!(session.take_sent(), [Command::Nudge(Nudge::Tilt(2.0))]);
    harness.get_by_label("12°");
    move_to(&mut harness, "view-probe-slide", -5.0);
    assert_eq!(session.take_sent(), [Command::Nudge(Nudge::Slide(-5.0))]);
    // Where the probe really is counts again after a while.
    session.change(|look| {
        look.now = look.now.plus(Duration::from_secs(1));
        look.pose = Some(ProbePose {
            tilt_deg: 11.0,
            ..pose
        });
    });
    harness.run();
    harness.get_by_label("11°");
    assert_eq!(session.take_sent(), []);
}

#[test]
fn what_to_mind_about_the_needle_stands_by_its_number() {
    let (session, mut harness) = window(fake::look());
    let caution = say("caution-thin_needle");
    assert!(harness.query_by_label_contains(&caution).is_none());
    session.change(|look| {
        look.needle = Some(Needle {
            gauge: 24,
            length: Millimeters(51.0),
        });
    });
    harness.run();
    let words = harness.get_by_label_contains(&caution).rect();
    let title = harness.get_by_label_contains("Needle 24G × 51 mm").rect();
    assert!(words.top() - title.bottom() < 60.0, "{words} under {title}");
    check_texts(&painted_texts(&harness), "a thin needle");
}

/// Every text that is painted: its words, where its ink lies, and to where it is clipped.
fn painted_texts(harness: &Harness<'_, GuidanceApp>) -> Vec<(String, egui::Rect, egui::Rect)> {
    fn collect(
        shape: &egui::Shape,
        clip: egui::Rect,
        texts: &mut Vec<(String, egui::Rect, egui::Rect)>,
    ) {
        if let egui::Shape::Vec(shapes) = shape {
            for shape in shapes {
                collect(shape, clip, texts);
            }
        } else if let egui::Shape::Text(text) = shape
            && !text.galley.text().trim().is_empty()
        {
            let ink = text.galley.mesh_bounds.translate(text.pos.to_vec2());
            // What is left out stands in the text but not on the screen.
            let mut words = text.galley.text().to_owned();
            if text.galley.elided {
                words.push('…');
            }
            texts.push((words, ink, clip));
        }
    }
    let mut texts = Vec::new();
    for clipped in &harness.output().shapes {
        collect(&clipped.shape, clipped.clip_rect, &mut texts);
    }
    texts
}

#[test]
fn no_words_are_cut_off_or_lie_over_each_other() {
    let cases = [
        fake::look(),
        changed(|look| look.advice = Some(fake::withheld(7, &[Withheld::PortNotLocked]))),
        changed(|look| look.liveness = Liveness::Stale),
        changed(|look| look.origin = Origin::Live),
        changed(|look| {
            look.origin = Origin::Replay;
            look.picture = None;
            look.advice = None;
            look.liveness = Liveness::Waiting;
            look.needle = None;
        }),
    ];
    for size in [SMALL, [1920.0, 1080.0], [3840.0, 2160.0]] {
        for look in &cases {
            let (_, mut harness) = sized_window(look.clone(), size, Notice::Acknowledged);
            for page in [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5] {
                harness.key_press(page);
                harness.run();
                check_texts(&painted_texts(&harness), &format!("{size:?} {page:?}"));
                check_controls(&harness, &format!("{size:?} {page:?}"));
            }
        }
    }
}

#[test]
fn every_reason_fits_under_the_picture_of_a_small_window() {
    for reason in Withheld::ALL {
        let advice = fake::withheld(7, &[reason]);
        let (_, harness) = window(changed(|look| look.advice = Some(advice)));
        check_texts(&painted_texts(&harness), &format!("{reason:?}"));
    }
}

fn check_controls(harness: &Harness<'_, GuidanceApp>, place: &str) {
    let window = harness.ctx.content_rect();
    let footer = harness.get_by_label(&say("notice-research")).rect();
    for role in [egui::Role::Button, egui::Role::Slider, egui::Role::ComboBox] {
        for node in harness.query_all_by_role(role) {
            let rect = node.rect();
            let seen = window.contains_rect(rect) && rect.bottom() <= footer.top();
            assert!(seen, "{place}: {role:?} at {rect} needs scrolling");
        }
    }
}

fn check_texts(texts: &[(String, egui::Rect, egui::Rect)], place: &str) {
    assert!(texts.len() > 20, "{place}: only {} texts", texts.len());
    for (index, (words, ink, clip)) in texts.iter().enumerate() {
        assert!(!words.contains('…'), "{place}: {words:?} is shortened");
        assert!(
            clip.expand(1.5).contains_rect(*ink),
            "{place}: {words:?} is cut off"
        );
        for (other, other_ink, _) in texts.iter().skip(index + 1) {
            let over = ink.shrink(1.0).intersects(other_ink.shrink(1.0));
            assert!(!over || words == other, "{place}: {words:?} over {other:?}");
        }
    }
}

#[test]
fn the_research_notice_is_whole_on_every_window() {
    let notice = say("notice-research");
    for size in [SMALL, [1440.0, 900.0], [1920.0, 1080.0], [3840.0, 2160.0]] {
        let (_, harness) = sized_window(fake::look(), size, Notice::Acknowledged);
        let texts = painted_texts(&harness);
        let window = harness.ctx.content_rect();
        let whole = texts.iter().find(|(words, _, _)| *words == notice);
        let (_, ink, clip) = whole.expect("it is painted");
        assert!(
            window.contains_rect(*ink) && clip.contains_rect(*ink),
            "{size:?}"
        );
    }
}
