//! A whole session with its workers, on a clock and a source that the test moves by hand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot prepare its ground has failed"
)]
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portsight::clock::{Clock, ManualClock};
use portsight::engine::{
    Command, Engine, Feed, Liveness, Look, Session, SessionOptions, SourceChoice, VirtualFeed,
};
use portsight::frame::{Frame, FrameId, ImagingSettings, Origin};
use portsight::guide::{Planes, Withheld};

use portsight::notice::Notice;
use portsight::procedure::{Action, NeedlePlace, Outcome, SessionFolder};
use portsight::pump;
use portsight::simulate::{Preset, Scenario, VirtualProbe};
use portsight::stream::{Delivery, FrameSource, SourceProblem};

/// What the test lets the source do next.
#[derive(Default)]
struct Script {
    frames: Vec<Arc<Frame>>,
    unplugged: bool,
    /// Told once, as sources that come back by themselves do.
    lost: bool,
}

struct ScriptedFeed {
    script: Arc<Mutex<Script>>,
    origin: Origin,
}

impl FrameSource for ScriptedFeed {
    fn next(&mut self, _: Duration) -> Result<Delivery, SourceProblem> {
        let mut script = self.script.lock().expect("lock");
        if script.unplugged {
            return Err(SourceProblem::Unplugged {
                source_name: "scripted probe".to_owned(),
            });
        }
        if std::mem::take(&mut script.lost) {
            return Err(SourceProblem::Lost {
                source_name: "scripted probe".to_owned(),
                what: "the probe stopped answering".to_owned(),
                hint: None,
            });
        }
        if script.frames.is_empty() {
            drop(script);
            std::thread::sleep(Duration::from_millis(1));
            return Ok(Delivery::Quiet);
        }
        Ok(Delivery::Frame(script.frames.remove(0)))
    }
    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        wanted.clone()
    }
    fn name(&self) -> String {
        "scripted probe".to_owned()
    }
}

impl Feed for ScriptedFeed {
    fn origin(&self) -> Origin {
        self.origin
    }
    fn is_still(&self) -> bool {
        false
    }
    fn settings(&self) -> ImagingSettings {
        ImagingSettings::default()
    }
    fn apply(&mut self, _: &Command) -> Option<Notice> {
        None
    }
}

struct Stage {
    clock: Arc<ManualClock>,
    script: Arc<Mutex<Script>>,
    probe: VirtualProbe,
    engine: Engine,
    folder: tempfile::TempDir,
    sent: u64,
    origin: Origin,
}

impl Stage {
    fn open(origin: Origin) -> Self {
        let clock = Arc::new(ManualClock::default());
        let script = Arc::<Mutex<Script>>::default();
        let folder = tempfile::tempdir().expect("folder");
        let feed = ScriptedFeed {
            script: Arc::clone(&script),
            origin,
        };
        let engine = Engine::start(
            Box::new(feed),
            SessionOptions {
                folder: Some(SessionFolder::at(folder.path()).expect("empty")),
                connector: Some(Box::new({
                    let script = Arc::clone(&script);
                    move |choice| match choice {
                        SourceChoice::Virtual(_) => Ok(Box::new(ScriptedFeed {
                            script: Arc::clone(&script),
                            origin: Origin::Simulation,
                        })),
                        SourceChoice::Usb(_) | SourceChoice::V4l2(_) | SourceChoice::Igtl(_) => {
                            Err(Notice::note("no such source here"))
                        }
                    }
                })),
                ..SessionOptions::new(
                    Arc::clone(&clock) as Arc<dyn Clock>,
                    Arc::new(pump::find("synchromed2-20").expect("known").clone()),
                    Some("22G:51".parse().expect("needle")),
                )
            },
        )
        .expect("session starts");
        Self {
            clock,
            script,
            probe: VirtualProbe::new(Preset::Easy.scenario(1)),
            engine,
            folder,
            sent: 0,
            origin,
        }
    }

    /// Lets one frame arrive 33 ms after the last, and waits until it was read.
    fn frame(&mut self) -> Look {
        self.frame_numbered(self.sent)
    }

    /// The same, for a frame that gets another number in the session than its source gives it.
    fn frame_numbered(&mut self, number: u64) -> Look {
        let delivered = self.probe.next_with_truth(Duration::ZERO).expect("frame");
        let (Delivery::Frame(frame), _) = delivered else {
            panic!("no frame");
        };
        self.clock.advance(Duration::from_millis(33));
        let mut frame = frame.as_ref().clone();
        frame.captured_at = self.clock.now();
        frame.id = FrameId(self.sent);
        frame.origin = self.origin;
        self.sent += 1;
        let id = FrameId(number);
        self.script
            .lock()
            .expect("lock")
            .frames
            .push(Arc::new(frame));
        self.until("the frame is read", |look| {
            look.advice.as_ref().is_some_and(|a| a.finding.frame == id)
                && look.picture.as_ref().is_some_and(|p| p.image.frame == id)
        })
    }

    /// Waits for something the workers do by themselves; gives up after very many looks.
    fn until(&self, what: &str, is_so: impl Fn(&Look) -> bool) -> Look {
        for _ in 0..20_000 {
            let look = self.engine.look();
            if is_so(&look) {
                return look;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never came about: {what}");
    }

    fn journal(self) -> Vec<serde_json::Value> {
        let path = self.engine.look().journal_path.expect("journal");
        let folder = self.folder;
        assert!(self.engine.stop().is_empty(), "no worker failed");
        let text = std::fs::read_to_string(path).expect("journal");
        drop(folder);
        let entries: Vec<serde_json::Value> = text
            .lines()
            .map(|l| serde_json::from_str(l).expect("json"))
            .collect();
        let last = entries.last().expect("entries");
        assert_eq!(
            last["event"], "session_ended",
            "nothing asked is left undone"
        );
        entries
    }
}

fn reasons(look: &Look) -> Vec<Withheld> {
    look.advice
        .as_ref()
        .map(|a| a.guidance.withheld.clone())
        .unwrap_or_default()
}

#[test]
fn marks_and_path_go_when_frames_stop_and_come_back_with_them() {
    let mut stage = Stage::open(Origin::Live);
    for _ in 0..12 {
        stage.frame();
    }
    let running = stage.until("running", |l| l.liveness == Liveness::Running);
    let marks = |look: &Look| look.advice.as_ref().map_or(0, |a| a.marks.marks.len());
    assert!(marks(&running) > 0, "a good picture has marks");

    stage.clock.advance(Duration::from_millis(260));
    let stale = stage.until("stale", |l| l.liveness == Liveness::Stale);
    assert_eq!(marks(&stale), 0);
    assert_eq!(reasons(&stale).first(), Some(&Withheld::StalePicture));

    stage.clock.advance(Duration::from_millis(260));
    let dead = stage.until("not live", |l| l.liveness == Liveness::NotLive);
    assert_eq!(reasons(&dead).first(), Some(&Withheld::NotLive));

    // Another needle is advised on, but not as if the old picture were there now.
    stage.engine.send(Command::ChooseNeedle(None));
    let advised = stage.until("advised again", |l| {
        reasons(l).contains(&Withheld::NeedleUnknown)
    });
    assert_eq!(reasons(&advised).first(), Some(&Withheld::NotLive));
    stage.engine.send(Command::ChooseNeedle(Some(
        "22G:51".parse().expect("needle"),
    )));

    let back = stage.frame();
    assert!(!reasons(&back).contains(&Withheld::NotLive));
    stage.until("running again", |l| l.liveness == Liveness::Running);

    let journal = stage.journal();
    let states: Vec<&str> = journal
        .iter()
        .filter(|e| e["event"] == "liveness_changed")
        .filter_map(|e| e["state"].as_str())
        .collect();
    assert_eq!(states, ["running", "stale", "not_live", "running"]);
    for (index, entry) in journal.iter().enumerate() {
        assert_eq!(entry["seq"], index);
    }
}

#[test]
fn an_unplugged_probe_is_not_live_at_once_and_the_user_is_told() {
    let mut stage = Stage::open(Origin::Live);
    stage.frame();
    stage.script.lock().expect("lock").unplugged = true;
    let look = stage.until("not live", |l| l.liveness == Liveness::NotLive);
    assert!(stage.engine.has_ended());
    assert!(look.notices.iter().any(|n| n.text.contains("unplugged")));
    let journal = stage.journal();
    assert!(journal.iter().any(|e| e["event"] == "trouble"));
}

#[test]
fn a_lost_probe_is_not_live_at_once_and_live_again_with_its_first_frame() {
    let mut stage = Stage::open(Origin::Live);
    for _ in 0..12 {
        stage.frame();
    }
    stage.script.lock().expect("lock").lost = true;
    let look = stage.until("not live", |l| l.liveness == Liveness::NotLive);
    let age = look.age.expect("a frame came before");
    assert!(age < Duration::from_millis(250), "not by its age: {age:?}");
    assert_eq!(look.stations.outages, 1);
    assert!(!stage.engine.has_ended(), "the source comes back by itself");
    let back = stage.frame();
    // Nothing followed before the outage counts: the port has to be established anew.
    assert!(reasons(&back).contains(&Withheld::PortNotLocked));
    stage.until("running again", |l| l.liveness == Liveness::Running);
    let journal = stage.journal();
    let kinds: Vec<&str> = journal.iter().filter_map(|e| e["event"].as_str()).collect();
    let at = |kind| kinds.iter().position(|k| *k == kind);
    assert!(at("trouble") < at("source_back"), "{kinds:?}");
}

#[test]
fn another_source_takes_over_with_growing_numbers_and_nothing_of_the_old_one() {
    let mut stage = Stage::open(Origin::Live);
    for _ in 0..12 {
        stage.frame();
    }
    let old = stage.engine.look().picture.expect("picture").image.frame;
    stage
        .engine
        .send(Command::Connect("usb:1.1".parse().expect("source")));
    stage.until("told", |l| {
        l.notices.iter().any(|n| n.text.contains("no such source"))
    });
    assert_eq!(stage.engine.look().origin, Origin::Live, "nothing changed");
    stage
        .engine
        .send(Command::Connect("virtual".parse().expect("source")));
    let look = stage.until("connected", |l| l.origin == Origin::Simulation);
    assert!(look.picture.is_none() && look.advice.is_none());
    assert_eq!(look.liveness, Liveness::Waiting);
    // The new source numbers its frames from 0 again.
    stage.sent = 0;
    stage.origin = Origin::Simulation;
    let before = stage.frame_numbered(old.0 + 1);
    assert!(reasons(&before).contains(&Withheld::PortNotLocked));
    assert_eq!(before.stations.capture.missing, 0, "a change is no loss");
    let journal = stage.journal();
    assert!(journal.iter().any(|e| e["event"] == "source_connected"));
}

#[test]
fn a_frozen_live_picture_stays_but_offers_no_path() {
    let mut stage = Stage::open(Origin::Live);
    for _ in 0..10 {
        stage.frame();
    }
    stage.engine.send(Command::Freeze);
    let frozen = stage.until("frozen", |l| l.liveness == Liveness::Frozen);
    let shown = frozen.picture.as_ref().map(|p| p.image.frame);
    assert!(
        frozen
            .advice
            .as_ref()
            .is_some_and(|a| a.guidance.path.is_none())
    );
    stage.engine.send(Command::Unfreeze);
    stage.until("thawed", |l| l.liveness != Liveness::Frozen);
    let next = stage.frame();
    assert!(next.picture.as_ref().map(|p| p.image.frame) > shown);
}

#[test]
fn lost_frames_are_counted_and_journalled() {
    let mut stage = Stage::open(Origin::Live);
    stage.frame();
    stage.sent += 10;
    let look = stage.frame();
    assert_eq!(look.stations.capture.missing, 10);
    let journal = stage.journal();
    let lost = journal.iter().find(|e| e["event"] == "frames_lost");
    assert_eq!(lost.map(|e| e["count"].clone()), Some(10.into()));
}

#[test]
fn two_planes_make_the_path_more_than_provisional_and_a_flip_takes_it_back() {
    let mut stage = Stage::open(Origin::Live);
    let provisional = |look: &Look| {
        look.advice
            .as_ref()
            .and_then(|a| a.guidance.path)
            .map(|path| path.provisional)
    };
    stage.engine.send(Command::ConfirmPlane);
    stage.frame();
    for _ in 0..20 {
        stage.frame();
    }
    assert_eq!(provisional(&stage.engine.look()), Some(true));
    for plane in 1..=2 {
        stage.engine.send(Command::ConfirmPlane);
        stage.until("it counts", |l| {
            l.advice.as_ref().is_some_and(|a| match a.guidance.planes {
                Planes::None => false,
                Planes::First(_) => plane == 1,
                Planes::Both { .. } => plane == 2,
            })
        });
        // Time to turn the probe.
        for _ in 0..40 {
            stage.frame();
        }
    }
    assert_eq!(provisional(&stage.engine.look()), Some(false));
    stage.engine.send(Command::FlipShown(true));
    stage.until("provisional again", |l| provisional(l) == Some(true));
    let journal = stage.journal();
    let count = |event: &str| journal.iter().filter(|e| e["event"] == event).count();
    assert_eq!(count("plane_refused"), 1, "nothing was locked at the start");
    assert_eq!(count("plane_confirmed"), 2);
    assert_eq!(count("planes_lost"), 1);
}

#[test]
fn another_needle_is_advised_on_without_a_new_frame() {
    let mut stage = Stage::open(Origin::Simulation);
    for _ in 0..10 {
        stage.frame();
    }
    stage.engine.send(Command::ChooseNeedle(None));
    stage.until("needle unknown", |l| {
        reasons(l).contains(&Withheld::NeedleUnknown)
    });
}

#[test]
fn a_refill_left_lying_open_is_closed_but_not_with_a_needle_in_the_skin() {
    let stage = Stage::open(Origin::Live);
    let wait = Duration::from_mins(31);
    stage.engine.send(Command::Refill(Action::Puncture));
    stage.until("punctured", |l| l.refill.punctures() == 1);
    stage.clock.advance(wait);
    // The desk looks after it between two jobs, of which this is one.
    stage.engine.send(Command::TakeSnapshot);
    stage.until("looked after", |l| l.journalled > 0);
    assert_eq!(stage.engine.look().refill.outcome(), None);
    stage.engine.send(Command::Refill(Action::TakeNeedleOut));
    stage.until("out", |l| l.refill.needle() == NeedlePlace::Out);
    assert_eq!(stage.engine.look().refill.outcome(), None);
    stage.clock.advance(wait);
    let look = stage.until("closed", |l| l.refill.outcome().is_some());
    assert_eq!(look.refill.outcome(), Some(Outcome::Abandoned));
    let journal = stage.journal();
    assert!(journal.iter().any(|e| {
        let text = e["text"].as_str().unwrap_or_default();
        e["event"] == "trouble" && text.contains("30 minutes")
    }));
}

#[test]
fn a_kept_picture_is_a_file_and_can_be_thrown_away() {
    let mut stage = Stage::open(Origin::Simulation);
    stage.frame();
    stage.engine.send(Command::TakeSnapshot);
    let look = stage.until("kept", |l| !l.snapshots.is_empty());
    let kept = look.snapshots[0].clone();
    assert!(std::fs::metadata(&kept.path).expect("file").len() > 0);
    stage.engine.send(Command::DeleteSnapshot(kept.number));
    stage.until("gone", |l| l.snapshots.is_empty());
    stage.until("deleted", |_| !std::path::Path::new(&kept.path).exists());
}

#[test]
fn the_virtual_probe_feeds_a_session_and_obeys_its_commands() {
    let clock: Arc<dyn Clock> = Arc::new(portsight::clock::SystemClock::start());
    let scenario = Scenario {
        fps: 60.0,
        ..Preset::Easy.scenario(3)
    };
    let feed = VirtualFeed::live(scenario, Arc::clone(&clock));
    let engine = Engine::start(
        Box::new(feed),
        SessionOptions::new(clock, Arc::new(pump::generic()), None),
    )
    .expect("starts");
    let until = |what: &str, is_so: &dyn Fn(&Look) -> bool| {
        for _ in 0..20_000 {
            let look = engine.look();
            if is_so(&look) {
                return look;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("never came about: {what}");
    };
    until("frames are read", &|l| l.stations.read.frames > 5);
    let settings = ImagingSettings {
        gain_db: 7.0,
        ..engine.look().settings.as_ref().clone()
    };
    engine.send(Command::SetImaging(settings));
    until("gain is granted", &|l| {
        l.picture
            .as_ref()
            .is_some_and(|p| (p.settings.gain_db - 7.0).abs() < 1e-9)
    });
    engine.send(Command::Fault(portsight::engine::Fault::Unplug));
    until("not live", &|l| l.liveness == Liveness::NotLive);
}

#[test]
fn what_goes_wrong_at_the_very_end_stands_before_the_closing_entry() {
    let stage = Stage::open(Origin::Simulation);
    stage
        .engine
        .send(Command::Refill(portsight::procedure::Action::Forward));
    stage.until("begun", |look| look.refill.moments().begun.is_some());
    // A folder where the report should go: it cannot be written, as on a disk that is full.
    std::fs::create_dir(stage.folder.path().join("report.pdf")).expect("made");
    let Stage { engine, folder, .. } = stage;
    let notices = engine.stop();
    assert!(notices.is_empty(), "no worker died: {notices:?}");
    let journal = std::fs::read_to_string(folder.path().join("journal.jsonl")).expect("journal");
    let events: Vec<String> = journal
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an entry"))
        .map(|entry| entry["event"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(events.last().map(String::as_str), Some("session_ended"));
    let troubles = events.iter().filter(|event| *event == "trouble");
    assert_eq!(troubles.count(), 1, "{events:?}");
}
