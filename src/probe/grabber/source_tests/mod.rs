//! The grabber source over scripted devices: gaps, stamps, yank and re-plug, modes, setups.
mod outages;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::device::{
    Captured, DeclaredRange, DeviceIdentity, DeviceProblem, Granted, Interval, Mode, PixelFormat,
    VideoDevice, VideoNodes, Waited,
};
use super::source::{GrabberSource, SCALE_OUTLIVES};
use crate::clock::{Clock, ManualClock};
use crate::frame::{
    Frame, Orientation, PictureSetup, PixelRect, PixelSpacing, ScanGeometry, Values,
};
use crate::notice::Problem;
use crate::probe::Access;
use crate::stream::{Delivery, FrameSource, LiveSource, SourceProblem};

const PATIENCE: Duration = Duration::from_millis(100);
/// The driver's clock began this long before the session's.
const DRIVER_AHEAD: Duration = Duration::from_secs(5000);

/// What a scripted device does when a frame is asked for.
#[derive(Clone)]
enum Step {
    /// A buffer with this number, filled with this byte, stamped this long before now.
    Frame(u32, u8, Duration),
    /// A buffer that the driver calls damaged.
    Damaged(u32),
    /// A buffer of these bytes.
    Bytes(u32, Vec<u8>),
    /// A buffer without a usable stamp.
    Unstamped(u32),
    Fails(DeviceProblem),
}

/// A device as it is plugged in.
#[derive(Clone)]
struct Plugged {
    node: PathBuf,
    identity: DeviceIdentity,
    modes: Vec<Mode>,
    /// What `S_FMT` answers, whatever was asked for.
    grants: Option<Mode>,
    refusal: Option<DeviceProblem>,
}

#[derive(Default)]
struct Bench {
    plugged: Vec<Plugged>,
    steps: VecDeque<Step>,
    starts: usize,
    closed: usize,
}

type Shared = Arc<Mutex<Bench>>;

struct ScriptNodes(Shared, Arc<ManualClock>);

struct ScriptDevice {
    bench: Shared,
    clock: Arc<ManualClock>,
    plugged: Plugged,
    granted: Option<Mode>,
}

impl VideoNodes for ScriptNodes {
    fn nodes(&mut self) -> Vec<PathBuf> {
        let bench = self.0.lock().expect("bench");
        bench.plugged.iter().map(|p| p.node.clone()).collect()
    }

    fn open(&mut self, path: &Path) -> Result<Box<dyn VideoDevice>, DeviceProblem> {
        let bench = self.0.lock().expect("bench");
        let found = bench.plugged.iter().find(|p| p.node == path);
        let plugged = found.ok_or(DeviceProblem::Gone)?.clone();
        if let Some(refusal) = &plugged.refusal {
            return Err(refusal.clone());
        }
        Ok(Box::new(ScriptDevice {
            bench: Arc::clone(&self.0),
            clock: Arc::clone(&self.1),
            plugged,
            granted: None,
        }))
    }

    fn pause(&mut self, span: Duration) {
        self.1.advance(span);
    }
}

impl VideoDevice for ScriptDevice {
    fn identity(&self) -> &DeviceIdentity {
        &self.plugged.identity
    }

    fn modes(&mut self) -> Result<Vec<Mode>, DeviceProblem> {
        if self.plugged.modes.is_empty() {
            return Err(DeviceProblem::NoFormat {
                offered: "H264".to_owned(),
            });
        }
        Ok(self.plugged.modes.clone())
    }

    fn start(&mut self, wanted: &Mode) -> Result<Granted, DeviceProblem> {
        self.bench.lock().expect("bench").starts += 1;
        let mode = self.plugged.grants.unwrap_or(*wanted);
        self.granted = Some(mode);
        Ok(Granted {
            mode,
            bytes_per_line: 0,
            range: DeclaredRange::Full,
        })
    }

    fn dequeue(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<Waited, DeviceProblem> {
        let step = self.bench.lock().expect("bench").steps.pop_front();
        let mode = self.granted.expect("started");
        let size = (mode.width * mode.height * 2) as usize;
        let now = self.monotonic();
        let (sequence, bytes, stamp, is_damaged) = match step {
            None => {
                self.clock.advance(patience);
                return Ok(Waited::Nothing);
            }
            Some(Step::Fails(problem)) => return Err(problem),
            Some(Step::Frame(n, value, age)) => (
                n,
                [value, 128].repeat(size / 2),
                Some(now.saturating_sub(age)),
                false,
            ),
            Some(Step::Damaged(n)) => (n, vec![0; 3], Some(now), true),
            Some(Step::Bytes(n, bytes)) => (n, bytes, Some(now), false),
            Some(Step::Unstamped(n)) => (n, [90, 128].repeat(size / 2), None, false),
        };
        take(Captured {
            bytes: &bytes,
            stamp,
            sequence,
            is_damaged,
        });
        Ok(Waited::Captured)
    }

    fn stop(&mut self) -> Result<(), DeviceProblem> {
        Ok(())
    }

    fn monotonic(&self) -> Duration {
        DRIVER_AHEAD + Duration::from_nanos(self.clock.now().nanos())
    }
}

impl Drop for ScriptDevice {
    fn drop(&mut self) {
        if self.granted.is_some() {
            self.bench.lock().expect("bench").closed += 1;
        }
    }
}

fn mode(width: u32, height: u32) -> Mode {
    Mode {
        format: PixelFormat::Yuyv,
        width,
        height,
        interval: Some(Interval {
            numerator: 1,
            denominator: 30,
        }),
    }
}

fn stick(node: &str, place: &str) -> Plugged {
    Plugged {
        node: PathBuf::from(node),
        identity: DeviceIdentity {
            card: "USB Video".to_owned(),
            bus_info: place.to_owned(),
            serial: None,
            driver: "uvcvideo".to_owned(),
        },
        modes: vec![mode(320, 240), mode(640, 480)],
        grants: None,
        refusal: None,
    }
}

struct Room {
    bench: Shared,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        let bench = Bench {
            plugged: vec![stick("/dev/video0", "usb-1")],
            ..Bench::default()
        };
        let clock = Arc::new(ManualClock::default());
        clock.advance(Duration::from_secs(10));
        Self {
            bench: Arc::new(Mutex::new(bench)),
            clock,
            folder: tempfile::tempdir().expect("folder"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("grabbers.toml")
    }

    fn source(&self) -> GrabberSource {
        let nodes = ScriptNodes(Arc::clone(&self.bench), Arc::clone(&self.clock));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        GrabberSource::over(
            Box::new(nodes),
            Path::new("/dev/video0"),
            clock,
            &self.file(),
        )
    }

    fn with<T>(&self, change: impl FnOnce(&mut Bench) -> T) -> T {
        change(&mut self.bench.lock().expect("bench"))
    }

    fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.with(|bench| bench.steps.extend(steps));
    }
}

fn plain(sequence: u32) -> Step {
    Step::Frame(sequence, 90, Duration::ZERO)
}

fn frame(source: &mut GrabberSource) -> Arc<Frame> {
    match source.next(PATIENCE) {
        Ok(Delivery::Frame(frame)) => frame,
        other => panic!("expected a frame, got {other:?}"),
    }
}

fn quiet(source: &mut GrabberSource) {
    let outcome = source.next(PATIENCE);
    assert!(matches!(outcome, Ok(Delivery::Quiet)), "{outcome:?}");
}

fn lost(source: &mut GrabberSource) -> String {
    match source.next(PATIENCE) {
        Err(problem @ SourceProblem::Lost { .. }) => {
            assert!(problem.hint().is_some(), "{problem}");
            problem.to_string()
        }
        other => panic!("expected an outage, got {other:?}"),
    }
}

fn eight_cm() -> PictureSetup {
    PictureSetup {
        depth_setting: "8 cm".to_owned(),
        crop: Some(PixelRect {
            x: 100,
            y: 40,
            width: 400,
            height: 400,
        }),
        spacing: PixelSpacing::new(0.2, 0.2),
        orientation: Orientation::Un,
    }
}

#[test]
fn numbers_and_stamps_of_the_driver_travel_with_the_frames_and_losses_are_counted() {
    let room = Room::new();
    let mut source = room.source();
    let age = Duration::from_millis(30);
    room.script([
        Step::Frame(u32::MAX, 90, age),
        Step::Frame(2, 90, age),
        Step::Damaged(3),
        Step::Bytes(4, vec![1; 100]),
        Step::Frame(5, 90, Duration::ZERO),
    ]);
    let first = frame(&mut source);
    assert_eq!(first.id.0, 0);
    assert_eq!(room.clock.now().since(first.captured_at), age);
    let second = frame(&mut source);
    assert_eq!(second.id.0, 3, "two lost across the wrap");
    quiet(&mut source);
    quiet(&mut source);
    assert_eq!(frame(&mut source).id.0, 6, "two damaged are gaps");
    let counts = source.counts();
    assert_eq!(
        (counts.frames, counts.lost_frames, counts.damaged_frames),
        (3, 2, 2)
    );
    let Values::U8(values) = second.samples.values() else {
        panic!("bytes");
    };
    assert_eq!(
        (second.samples.outer(), second.samples.inner()),
        (480, 640),
        "the larger mode"
    );
    assert!(values.iter().all(|v| *v == 90));
}

#[test]
fn a_stamp_from_the_future_or_none_at_all_is_replaced_by_the_arrival() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0), Step::Unstamped(1)]);
    let now = room.clock.now();
    assert_eq!(frame(&mut source).captured_at, now);
    room.clock.advance(Duration::from_millis(33));
    let unstamped = frame(&mut source);
    assert_eq!(unstamped.captured_at, room.clock.now());
    assert_eq!(unstamped.source_seconds, None);
    assert!(
        source
            .facts()
            .details
            .iter()
            .any(|line| line.contains("no usable times"))
    );
    // A stamp from long ago makes a frame no younger than the one before it, and no younger than it is.
    room.clock.advance(Duration::from_millis(33));
    room.script([Step::Frame(2, 90, Duration::from_secs(4000))]);
    let before = unstamped.captured_at;
    assert_eq!(frame(&mut source).captured_at, before);
}

#[test]
fn a_yanked_grabber_is_told_once_and_found_again_under_another_number_among_others() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(7), Step::Fails(DeviceProblem::Gone)]);
    let first = frame(&mut source);
    room.with(|bench| bench.plugged.clear());
    assert!(lost(&mut source).contains("gone"));
    for _ in 0..20 {
        quiet(&mut source);
    }
    // Another stick of the same name takes its number; the one of this session comes back as video3.
    room.with(|bench| {
        bench.plugged = vec![stick("/dev/video0", "usb-2"), stick("/dev/video3", "usb-1")];
    });
    room.script([plain(0), plain(1)]);
    let mut again = None;
    for _ in 0..10 {
        if let Ok(Delivery::Frame(frame)) = source.next(PATIENCE) {
            again = Some(frame);
            break;
        }
    }
    let again = again.expect("live again by itself");
    assert_eq!(again.id.0, first.id.0 + 1, "ids go on");
    assert_eq!(frame(&mut source).id.0, first.id.0 + 2);
    assert_eq!(room.with(|bench| (bench.starts, bench.closed)), (2, 1));
    // The next outage is told again.
    room.script([Step::Fails(DeviceProblem::Gone)]);
    lost(&mut source);
}

#[test]
fn what_keeps_a_grabber_from_opening_is_told_with_what_to_do() {
    let path = PathBuf::from("/dev/video0");
    for (refusal, word) in [
        (
            DeviceProblem::Refused { path: path.clone() },
            "may not be opened",
        ),
        (DeviceProblem::Busy { path }, "another program"),
    ] {
        let room = Room::new();
        room.with(|bench| bench.plugged[0].refusal = Some(refusal));
        let mut source = room.source();
        let words = lost(&mut source);
        assert!(words.contains(word), "{words}");
        quiet(&mut source);
        assert!(source.facts().details.iter().any(|l| l.contains(word)));
        room.with(|bench| bench.plugged[0].refusal = None);
        room.script([plain(0)]);
        room.clock.advance(Duration::from_secs(1));
        frame(&mut source);
        assert!(!source.facts().details.iter().any(|l| l.contains(word)));
    }
    let room = Room::new();
    room.with(|bench| bench.plugged[0].modes.clear());
    assert!(lost(&mut room.source()).contains("H264"));
}

#[test]
fn silence_and_endless_damage_are_outages_after_two_seconds() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    frame(&mut source);
    for _ in 0..19 {
        quiet(&mut source);
    }
    assert!(lost(&mut source).contains("no picture for 2 s"));
    room.clock.advance(Duration::from_secs(1));
    room.script([plain(0)]);
    frame(&mut source);
    for n in 1..=2 {
        room.script([Step::Bytes(n, vec![0; 64])]);
        room.clock.advance(Duration::from_millis(900));
        quiet(&mut source);
    }
    room.script([Step::Bytes(3, vec![0; 64])]);
    room.clock.advance(Duration::from_millis(900));
    assert!(lost(&mut source).contains("all were damaged: expected 614400 bytes, got 64"));
}

#[test]
fn freeze_stops_the_stream_and_resume_brings_it_back() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    let before = frame(&mut source);
    source.freeze();
    assert_eq!(room.with(|bench| bench.closed), 1);
    room.script([plain(50)]);
    for _ in 0..5 {
        quiet(&mut source);
    }
    source.resume();
    assert_eq!(frame(&mut source).id.0, before.id.0 + 1);
}
