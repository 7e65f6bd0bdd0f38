//! What is remembered from one run to the next, keys as the user wants them, and tones.
#![expect(
    clippy::expect_used,
    reason = "a test stops where its own set-up is wrong"
)]
use std::path::Path;
use std::sync::{Arc, Mutex};

use egui::{Key, Role, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use portsight::engine::{Command, Liveness};
use portsight::guide::Way;
use portsight::procedure::Action;
use portsight::settings::{Settings, SettingsKeeper, TextSize, Tones};
use portsight::sound::{Speaker, Standing, Tone};
use portsight::view::{GuidanceApp, Notice, SpeakerDoor, ViewOptions};
use portsight::words::say;

use crate::fake::{self, FakeSession};
use crate::painted_texts;

type Window = Harness<'static, GuidanceApp>;

fn open(options: ViewOptions) -> (Arc<FakeSession>, Window) {
    sized(options, [1280.0, 800.0])
}

fn sized(options: ViewOptions, size: [f32; 2]) -> (Arc<FakeSession>, Window) {
    let session = FakeSession::new(fake::look());
    let seen = Arc::clone(&session);
    let mut harness = Harness::builder()
        .with_size(Vec2::from(size))
        .with_max_steps(8)
        .build_eframe(move |creation| GuidanceApp::new(&creation.egui_ctx, seen, &options));
    harness.run();
    (session, harness)
}

/// A window that remembers in this file.
fn remembering(path: &Path) -> (Arc<FakeSession>, Window) {
    open(ViewOptions {
        notice: Notice::Acknowledged,
        settings: Some(Arc::new(SettingsKeeper::start(path).expect("starts"))),
        ..ViewOptions::default()
    })
}

fn press(harness: &mut Window, key: Key) {
    harness.key_press(key);
    harness.run();
}

fn click(harness: &mut Window, words: &str) {
    harness.get_by_role_and_label(Role::Button, words).click();
    harness.run();
}

#[test]
fn the_next_window_is_as_this_one_was_left_and_no_plan_and_no_lock_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("settings.toml");
    let (session, mut harness) = remembering(&path);
    assert_eq!(session.take_sent(), [], "nothing was remembered yet");
    press(&mut harness, Key::F);
    press(&mut harness, Key::W);
    press(&mut harness, Key::Q);
    press(&mut harness, Key::Q);
    press(&mut harness, Key::Num7);
    click(&mut harness, &say("settings-text-large"));
    click(&mut harness, &say("settings-tones-on"));
    press(&mut harness, Key::Escape);
    press(&mut harness, Key::Q);
    drop(harness);
    drop(session);
    let (session, mut harness) = remembering(&path);
    harness.get_by_label("FLIPPED");
    assert!(
        harness
            .query_by_label_contains(&say("view-locked"))
            .is_none()
    );
    assert!((harness.ctx.zoom_factor() - 1.15).abs() < 1e-3);
    let way = Command::Refill(Action::ChooseWay(Way::LiveOutOfPlane));
    assert_eq!(session.take_sent(), [Command::FlipShown(true), way]);
    press(&mut harness, Key::F);
    assert_eq!(
        session.take_sent(),
        [Command::FlipShown(false)],
        "not locked"
    );
    let saved = SettingsKeeper::start(&path).expect("starts");
    let saved: &Settings = saved.begun_with();
    assert_eq!((saved.text, saved.tones), (TextSize::Large, Tones::On));
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_and_a_key_in_use_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("settings.toml");
    let (session, mut harness) = remembering(&path);
    press(&mut harness, Key::Num7);
    let freeze = say("view-key-freeze");
    click(
        &mut harness,
        &format!("{}: {freeze}", say("view-cap-space")),
    );
    // F flips: it stays with that, and the sheet still waits.
    press(&mut harness, Key::F);
    let taken = format!("It is the key for: {}", say("view-key-flip"));
    harness.get_by_label_contains(&taken);
    assert_eq!(session.take_sent(), []);
    press(&mut harness, Key::F12);
    harness.get_by_role_and_label(Role::Button, &format!("F12: {freeze}"));
    press(&mut harness, Key::Escape);
    press(&mut harness, Key::Space);
    assert_eq!(session.take_sent(), []);
    press(&mut harness, Key::F12);
    assert_eq!(session.take_sent(), [Command::Freeze]);
    drop(harness);
    drop(session);
    // And it is remembered, until all keys are as on the first day.
    let (session, mut harness) = remembering(&path);
    press(&mut harness, Key::F12);
    assert_eq!(session.take_sent(), [Command::Freeze]);
    press(&mut harness, Key::Num7);
    click(&mut harness, &say("settings-keys-reset"));
    press(&mut harness, Key::Escape);
    press(&mut harness, Key::F12);
    assert_eq!(session.take_sent(), []);
    press(&mut harness, Key::Space);
    assert_eq!(session.take_sent(), [Command::Freeze]);
}

#[test]
fn every_action_has_its_key_on_a_page_of_the_settings() {
    let (_, mut harness) = open(ViewOptions {
        notice: Notice::Acknowledged,
        ..ViewOptions::default()
    });
    press(&mut harness, Key::Num7);
    let mut seen = Vec::new();
    for _ in 0..6 {
        for node in harness.query_all_by_role(Role::Button) {
            let rect = node.rect();
            assert!(rect.height() >= 43.5, "{rect}");
            if let Some(label) = node.accesskit_node().label() {
                seen.push(label);
            }
        }
        click(&mut harness, &say("settings-more-keys"));
    }
    for key in [
        "view-key-freeze",
        "view-key-puncture",
        "view-key-fault-unplug",
        "view-key-train-no-port",
    ] {
        let words = format!(": {}", say(key));
        assert!(seen.iter().any(|label| label.ends_with(&words)), "{words}");
    }
}

#[test]
fn locked_settings_are_not_changed_by_a_glove() {
    let (_, mut harness) = open(ViewOptions {
        notice: Notice::Acknowledged,
        ..ViewOptions::default()
    });
    press(&mut harness, Key::Q);
    press(&mut harness, Key::Num7);
    click(&mut harness, &say("settings-text-largest"));
    assert!((harness.ctx.zoom_factor() - 1.0).abs() < 1e-3);
    let refused = say("view-lock-refused");
    assert!(harness.query_all_by_label(&refused).count() >= 1);
}

#[test]
fn a_torn_file_of_settings_is_told_before_the_window_is_used() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, "version = 1\ntext = ").expect("written");
    let (_, harness) = open(ViewOptions {
        settings: Some(Arc::new(SettingsKeeper::start(&path).expect("starts"))),
        ..ViewOptions::default()
    });
    harness.get_by_label_contains("set aside");
    harness.get_by_label(&say("view-notice-acknowledge"));
}

#[test]
fn larger_words_leave_the_notice_the_line_and_the_buttons_of_the_rail_whole() {
    for (text, size) in [
        (TextSize::Large, [1280.0, 800.0]),
        (TextSize::Largest, [1280.0, 800.0]),
        (TextSize::Largest, [1920.0, 1080.0]),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("settings.toml");
        let keeper = SettingsKeeper::start(&path).expect("starts");
        keeper.put(Settings {
            text,
            ..Settings::default()
        });
        drop(keeper);
        let options = ViewOptions {
            notice: Notice::Acknowledged,
            settings: Some(Arc::new(SettingsKeeper::start(&path).expect("starts"))),
            ..ViewOptions::default()
        };
        let (_, mut harness) = sized(options, size);
        harness.run();
        let window = harness.ctx.content_rect();
        let texts = painted_texts(&harness);
        for wanted in [say("notice-research"), say("headline-centered")] {
            let found = texts
                .iter()
                .find(|(words, _, _)| words.starts_with(&wanted));
            let (words, ink, clip) = found.expect("painted");
            assert!(!words.contains('…'), "{size:?} {text:?}: {words}");
            assert!(
                clip.expand(1.5).contains_rect(*ink),
                "{size:?} {text:?}: {words}"
            );
        }
        let footer = harness.get_by_label(&say("notice-research")).rect();
        for words in ["view-rail-next", "view-rail-back", "view-rail-emergency"] {
            let rect = harness
                .get_by_role_and_label(Role::Button, &say(words))
                .rect();
            assert!(
                window.contains_rect(rect) && rect.bottom() < footer.top(),
                "{words}: {rect}"
            );
        }
    }
}

/// A speaker that a test holds in its hand.
#[derive(Default)]
struct Heard {
    tones: Mutex<Vec<Tone>>,
}

impl Speaker for Heard {
    fn play(&self, tone: Tone) {
        self.tones.lock().expect("not poisoned").push(tone);
    }

    fn standing(&self) -> Standing {
        Standing::Ready("fake".to_owned())
    }
}

#[test]
fn a_tone_is_heard_when_the_picture_is_not_live_and_only_if_the_user_wants_it() {
    for is_wanted in [false, true] {
        let speaker = Arc::new(Heard::default());
        let (session, mut harness) = open(ViewOptions {
            notice: Notice::Acknowledged,
            speaker: Some(SpeakerDoor(Arc::clone(&speaker) as Arc<dyn Speaker>)),
            ..ViewOptions::default()
        });
        if is_wanted {
            press(&mut harness, Key::Num7);
            harness.get_by_label_contains("Tones are played by fake");
            click(&mut harness, &say("settings-tones-on"));
            press(&mut harness, Key::Escape);
        }
        session.change(|look| look.liveness = Liveness::NotLive);
        harness.run();
        let heard = speaker.tones.lock().expect("not poisoned").clone();
        let expected: &[Tone] = if is_wanted { &[Tone::NotLive] } else { &[] };
        assert_eq!(heard, expected);
    }
}

#[test]
fn without_a_player_the_settings_say_so() {
    let (_, mut harness) = open(ViewOptions {
        notice: Notice::Acknowledged,
        ..ViewOptions::default()
    });
    press(&mut harness, Key::Num7);
    harness.get_by_label(&say("settings-tones-none"));
}
