//! The window over a real session: the virtual probe fails on cue, on a clock that the test moves by hand, and the
//! screen says what is the matter and shows no path.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::sync::Arc;
use std::time::Duration;

use egui::Vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use portsight::clock::{Clock, ManualClock};
use portsight::engine::{
    Command, Engine, Fault, Liveness, Look, Nudge, Session, SessionOptions, VirtualFeed,
};
use portsight::guide::Withheld;
use portsight::pump;
use portsight::simulate::Preset;
use portsight::view::{GuidanceApp, Notice, ViewOptions};
use portsight::words::say;

/// A little more than the time between two frames.
const PERIOD: Duration = Duration::from_millis(34);

struct Bench {
    clock: Arc<ManualClock>,
    engine: Arc<Engine>,
    harness: Harness<'static, GuidanceApp>,
}

impl Bench {
    /// The window over a virtual patient, before its first frame.
    fn open(preset: Preset) -> Self {
        let clock = Arc::new(ManualClock::default());
        let as_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let feed = VirtualFeed::live(preset.scenario(1), Arc::clone(&as_clock));
        let model = Arc::new(pump::find("synchromed2-20").expect("known").clone());
        let needle = "22G:51".parse().expect("needle");
        let options = SessionOptions::new(as_clock, model, Some(needle));
        let engine = Arc::new(Engine::start(Box::new(feed), options).expect("session starts"));
        let session: Arc<dyn Session> = Arc::clone(&engine) as Arc<dyn Session>;
        let options = ViewOptions {
            notice: Notice::Acknowledged,
            ..ViewOptions::default()
        };
        let harness = Harness::builder()
            .with_size(Vec2::new(1280.0, 800.0))
            .build_eframe(move |creation| GuidanceApp::new(&creation.egui_ctx, session, &options));
        Self {
            clock,
            engine,
            harness,
        }
    }

    /// Waits for something the workers do by themselves, and paints it; gives up after very many looks.
    fn until(&mut self, what: &str, is_so: impl Fn(&Look) -> bool) -> Look {
        for _ in 0..20_000 {
            let look = self.engine.look();
            if is_so(&look) {
                self.harness.step();
                return look;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never came about: {what}");
    }

    /// Lets the next frame come and be read.
    fn frame(&mut self) -> Look {
        let frame_of = |look: &Look| look.advice.as_ref().map(|a| a.finding.frame);
        let before = frame_of(&self.engine.look());
        self.clock.advance(PERIOD);
        self.until("the next frame", |look| {
            let shown = look.picture.as_ref().map(|p| p.image.frame);
            frame_of(look) > before && frame_of(look) == shown
        })
    }

    fn send(&self, command: Command) {
        self.engine.send(command);
    }

    /// Whether a path is drawn and its depth stands beside the picture.
    fn shows_a_path(&self) -> bool {
        let marks = self.harness.query_all_by_label_contains("needle stop ");
        marks.count() > 0
    }

    /// Lets frames come until a path is on the screen.
    fn until_a_path_is_shown(&mut self) {
        for _ in 0..60 {
            self.frame();
            if self.shows_a_path() {
                return;
            }
        }
        panic!("no path within 60 frames");
    }

    /// Lets frames come, moving the probe, until this reason stands against a path; says whether it ever did.
    fn meets(&mut self, reason: Withheld, nudge: Option<Nudge>) -> bool {
        for _ in 0..90 {
            if let Some(nudge) = nudge {
                self.send(Command::Nudge(nudge));
            }
            let look = self.frame();
            let withheld = look.advice.map(|a| a.guidance.withheld.clone());
            if withheld.is_some_and(|withheld| withheld.contains(&reason)) {
                assert!(!self.shows_a_path(), "{reason:?} with a path on the screen");
                return true;
            }
        }
        false
    }
}

#[test]
fn in_a_stall_the_overlay_is_gone_by_350_ms_and_the_picture_says_not_live_by_600_ms() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    bench.send(Command::Fault(Fault::Stall));
    // Nothing shows that the cue was taken; while the clock stands still no frame can come.
    std::thread::sleep(Duration::from_millis(150));
    let mut oldest = Duration::ZERO;
    let mut ages_with_path = Duration::ZERO;
    for _ in 0..90 {
        bench.clock.advance(Duration::from_millis(10));
        // The watch looks by itself, on its own worker; here it is only waited for.
        let look = bench.until("the age is judged", |look| {
            let age = look.age.unwrap_or_default();
            look.liveness
                == if age > Duration::from_millis(500) {
                    Liveness::NotLive
                } else if age > Duration::from_millis(250) {
                    Liveness::Stale
                } else {
                    Liveness::Running
                }
        });
        bench.harness.step();
        let age = look.age.unwrap_or_default();
        oldest = oldest.max(age);
        if age >= Duration::from_millis(700) {
            // From here on the next frame may come at any moment.
            break;
        }
        if bench.shows_a_path() {
            ages_with_path = ages_with_path.max(age);
        }
        let says_so = bench.harness.query_all_by_label("NOT LIVE").count() == 2;
        if age >= Duration::from_millis(600) {
            assert!(says_so, "{age:?}: not said in picture and bar");
        }
        if age <= Duration::from_millis(490) {
            assert!(!says_so, "{age:?}: said too early");
        }
    }
    assert!(oldest >= Duration::from_millis(650), "{oldest:?}");
    assert!(
        ages_with_path < Duration::from_millis(350),
        "{ages_with_path:?}"
    );
    bench.until_a_path_is_shown();
    assert_eq!(bench.harness.query_all_by_label("NOT LIVE").count(), 0);
}

#[test]
fn an_unplugged_probe_leaves_no_path_on_the_screen_and_says_not_live() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    bench.send(Command::Fault(Fault::Unplug));
    bench.until("gone", |look| look.liveness == Liveness::NotLive);
    bench.harness.step();
    assert!(!bench.shows_a_path());
    assert_eq!(bench.harness.query_all_by_label("NOT LIVE").count(), 2);
    bench.harness.get_by_label(&say(&Withheld::NotLive.key()));
}

#[test]
fn lost_frames_do_not_keep_the_path_away() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    bench.send(Command::Fault(Fault::Gap));
    bench.until_a_path_is_shown();
}

#[test]
fn what_is_not_chosen_or_does_not_fit_withholds_in_its_own_words() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    let needle = |text: &str| Command::ChooseNeedle(Some(text.parse().expect("needle")));
    for (spoil, reason, mend) in [
        (
            Command::ChooseNeedle(None),
            Withheld::NeedleUnknown,
            needle("22G:51"),
        ),
        (needle("22G:20"), Withheld::NeedleTooShort, needle("22G:51")),
        (
            Command::ChoosePump("generic".to_owned()),
            Withheld::PumpUnknown,
            Command::ChoosePump("synchromed2-20".to_owned()),
        ),
    ] {
        bench.send(spoil);
        assert!(bench.meets(reason, None), "{reason:?} never came");
        if reason != Withheld::PumpUnknown {
            bench.harness.get_by_label(&say(&reason.key()));
        }
        bench.send(mend);
        bench.until_a_path_is_shown();
    }
}

#[test]
fn moving_and_tilting_the_probe_takes_the_path_away() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    assert!(bench.meets(Withheld::Moving, Some(Nudge::Slide(0.8))));
    bench.send(Command::Nudge(Nudge::Reset));
    bench.until_a_path_is_shown();
    assert!(bench.meets(Withheld::TooTilted, Some(Nudge::Tilt(3.0))));
}

#[test]
fn patients_without_a_port_to_puncture_get_no_path_and_their_own_words() {
    for (preset, reason) in [
        (Preset::NoPump, Withheld::PortNotLocked),
        (Preset::Access, Withheld::AccessPortSuspected),
    ] {
        let mut bench = Bench::open(preset);
        assert!(
            bench.meets(reason, None),
            "{preset:?}: {reason:?} never came"
        );
        if reason != Withheld::PortNotLocked {
            bench.harness.get_by_label(&say(&reason.key()));
        }
    }
}

#[test]
fn something_in_the_way_takes_the_path_off_the_screen_until_it_is_allowed_again() {
    let mut bench = Bench::open(Preset::Easy);
    bench.until_a_path_is_shown();
    bench.harness.key_press(egui::Key::H);
    bench.harness.step();
    assert!(bench.meets(Withheld::Vetoed, None));
    bench.harness.key_press(egui::Key::H);
    bench.harness.step();
    bench.until_a_path_is_shown();
}
