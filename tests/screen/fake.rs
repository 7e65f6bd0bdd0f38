//! A session that a test holds in its hand: what the screen sees is set, what it asks for is kept.
#![expect(
    clippy::expect_used,
    reason = "a test stops where its own set-up is wrong"
)]
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portsight::clock::Timestamp;
use portsight::detect::{Face, Finding, Port, PortState};
use portsight::engine::{
    Advice, Command, Liveness, Look, Picture, Session, Snapshot, SourceChoice, StageTimes, Stations,
};
use portsight::frame::{Beams, FrameId, ImagingSettings, Origin};
use portsight::guide::{DepthSpan, Guidance, NeedlePath, Withheld};
use portsight::image::{LengthUnit, ScanImage};
use portsight::overlay::{Look as Meaning, Mark, Marks, Stroke};
use portsight::pump::{FillPort, Known, Needle, Provenance, PumpModel};
use portsight::space::{Affine, Milliliters, Millimeters, Radians, ScanPoint, Segment};
use portsight::stream::StreamHealth;
use portsight::training::{TrainingAction, TrainingLook};

/// The session.
pub(crate) struct FakeSession {
    look: Mutex<Look>,
    sent: Mutex<Vec<Command>>,
    shown: Mutex<Vec<(FrameId, Option<FrameId>)>>,
    waker: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
    training: Mutex<Option<TrainingLook>>,
    trained: Mutex<Vec<TrainingAction>>,
}

impl FakeSession {
    /// A session that looks like this.
    pub(crate) fn new(look: Look) -> Arc<Self> {
        Arc::new(Self {
            look: Mutex::new(look),
            sent: Mutex::default(),
            shown: Mutex::default(),
            waker: Mutex::default(),
            training: Mutex::default(),
            trained: Mutex::default(),
        })
    }

    /// Makes it a session of training that looks like this.
    pub(crate) fn set_training(&self, training: TrainingLook) {
        *self.training.lock().expect("not poisoned") = Some(training);
        self.change(|_| {});
    }

    /// What a trainee asked for so far; forgets it.
    pub(crate) fn take_trained(&self) -> Vec<TrainingAction> {
        std::mem::take(&mut self.trained.lock().expect("not poisoned"))
    }

    /// Changes what the screen sees, and wakes it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Look)) {
        change(&mut self.look.lock().expect("not poisoned"));
        let waker = self.waker.lock().expect("not poisoned").clone();
        if let Some(wake) = waker {
            wake();
        }
    }

    /// What was asked for so far; forgets it.
    pub(crate) fn take_sent(&self) -> Vec<Command> {
        std::mem::take(&mut self.sent.lock().expect("not poisoned"))
    }

    /// Which frames were shown with which marks, in order.
    pub(crate) fn shown(&self) -> Vec<(FrameId, Option<FrameId>)> {
        self.shown.lock().expect("not poisoned").clone()
    }
}

impl Session for FakeSession {
    fn look(&self) -> Look {
        self.look.lock().expect("not poisoned").clone()
    }

    fn send(&self, command: Command) {
        self.sent.lock().expect("not poisoned").push(command);
    }

    fn set_waker(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        *self.waker.lock().expect("not poisoned") = Some(wake);
    }

    fn note_shown(&self, frame: FrameId, marks: Option<FrameId>) {
        self.shown
            .lock()
            .expect("not poisoned")
            .push((frame, marks));
    }

    fn training(&self) -> Option<TrainingLook> {
        self.training.lock().expect("not poisoned").clone()
    }

    fn train(&self, action: TrainingAction) {
        self.trained.lock().expect("not poisoned").push(action);
    }
}

/// When a frame of 30 a second was captured.
pub(crate) fn captured(frame: u64) -> Timestamp {
    Timestamp::from_seconds(frame as f64 / 30.0)
}

/// A picture of 60 x 50 mm.
pub(crate) fn picture(frame: u64) -> Arc<Picture> {
    let (columns, rows, pitch) = (600_usize, 500_usize, 0.1);
    let pixels = (0..columns * rows)
        .map(|i| u8::try_from((i % columns + i / columns) % 200).expect("below 200"))
        .collect();
    picture_of(frame, columns, rows, pitch, pixels)
}

/// A picture with the middle of the probe face at the middle of its upper edge.
pub(crate) fn picture_of(
    frame: u64,
    columns: usize,
    rows: usize,
    pitch: f64,
    pixels: Vec<u8>,
) -> Arc<Picture> {
    let half = (columns - 1) as f64 / 2.0 * pitch;
    let image = ScanImage {
        frame: FrameId(frame),
        captured_at: captured(frame),
        source_seconds: None,
        origin: Origin::Simulation,
        columns,
        rows,
        pixels: Arc::new(pixels),
        unit: LengthUnit::Millimeters,
        pitch,
        scan_from_pixel: Affine::new([pitch, pitch], [-half, 0.0]).expect("a scale"),
        beams: Beams::Parallel,
        stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).expect("a scale"),
    };
    Arc::new(Picture {
        image: Arc::new(image),
        settings: Arc::new(ImagingSettings::default()),
    })
}

/// Advice with a path to a port 3 mm away from the marker, at the depth `z`.
pub(crate) fn advice(frame: u64, z: f64) -> Arc<Advice> {
    let center = ScanPoint::new(-3.0, z);
    let ends = [
        ScanPoint::new(-24.0, z - 2.0),
        ScanPoint::new(20.0, z + 2.0),
    ];
    let finding = Finding {
        frame: FrameId(frame),
        captured_at: captured(frame),
        state: PortState::Locked,
        port: Some(Port {
            center,
            width: Millimeters(6.8),
            sigma: Millimeters(0.4),
        }),
        confidence: 0.94,
        face: Some(Face {
            segment: Segment::new(ends[0], ends[1]),
            tilt: Radians::from_degrees(4.0),
        }),
        ..Finding::default()
    };
    let path = NeedlePath {
        entry: ScanPoint::new(-1.0, 0.0),
        aim: ScanPoint::new(-3.2, z + 4.0),
        stop: ScanPoint::new(-3.6, z + 8.0),
        tilt: Radians::from_degrees(4.0),
        depth: DepthSpan {
            least: Millimeters(z + 5.0),
            most: Millimeters(z + 11.0),
        },
        provisional: false,
        way: portsight::guide::Way::MarkThenStick,
        lean: Radians(0.0),
        corridor: Millimeters(2.0),
    };
    Arc::new(Advice {
        finding,
        marks: marks(frame, &path, ends, center),
        guidance: Guidance {
            frame: FrameId(frame),
            path: Some(path),
            withheld: Vec::new(),
            planes: portsight::guide::Planes::None,
            plane_refused: None,
            way_obstacle: None,
        },
        has_scale: true,
    })
}

/// Advice that withholds the path.
pub(crate) fn withheld(frame: u64, reasons: &[Withheld]) -> Arc<Advice> {
    let mut advice = (*advice(frame, 25.0)).clone();
    advice.guidance.path = None;
    advice.guidance.withheld = reasons.to_vec();
    Arc::new(advice)
}

fn marks(frame: u64, path: &NeedlePath, face: [ScanPoint; 2], port: ScanPoint) -> Marks {
    let line = |from, to, look, stroke| Mark::Line {
        from,
        to,
        look,
        stroke,
    };
    let beside = |dx: f64, dz: f64| ScanPoint::new(port.x + dx, port.z + dz);
    let mut marks = vec![
        line(face[0], beside(-3.6, -0.8), Meaning::Seen, Stroke::Solid),
        line(beside(3.6, 0.0), face[1], Meaning::Seen, Stroke::Solid),
        line(
            beside(-3.4, -2.0),
            beside(-3.4, 2.0),
            Meaning::Seen,
            Stroke::Solid,
        ),
        line(
            beside(3.4, -2.0),
            beside(3.4, 2.0),
            Meaning::Seen,
            Stroke::Solid,
        ),
        line(path.entry, path.stop, Meaning::Suggested, Stroke::Dashed),
        Mark::Ring {
            center: path.entry,
            radius: 1.0,
            look: Meaning::Suggested,
        },
    ];
    for (at, text, look) in [
        (beside(3.4, -3.0), "fill port 6.8 of 7.0 mm", Meaning::Seen),
        (path.stop, "needle stop 30 to 36 mm", Meaning::Suggested),
        (beside(3.4, -3.0), "held", Meaning::Seen),
    ] {
        marks.push(Mark::Label {
            at,
            text: text.to_owned(),
            look,
        });
    }
    Marks {
        frame: FrameId(frame),
        marks,
    }
}

fn pump(id: &str, name: &str, plannable: bool) -> PumpModel {
    let known = |mm: f64| Known {
        value: Millimeters(mm),
        provenance: Provenance::Sourced,
    };
    PumpModel {
        id: id.to_owned(),
        name: name.to_owned(),
        plannable,
        diameter: known(87.5),
        fill_port: FillPort::Either,
        port_width: known(7.0),
        needle_stop: known(8.0),
        access_port: None,
        reservoir: Known {
            value: Milliliters(20.0),
            provenance: Provenance::Sourced,
        },
    }
}

/// A simulation that runs, with frame 7, its marks and a path.
pub(crate) fn look() -> Look {
    let model = pump("synchromed2-20", "SynchroMed II 20 mL", true);
    let pumps = vec![
        pump("generic", "Any pump (no path)", false),
        model.clone(),
        pump("synchromed2-40", "SynchroMed II 40 mL", true),
    ];
    let station = StreamHealth {
        frames: 8,
        rate_hz: 30.2,
        missing: 2,
        gaps: 1,
        skipped: 3,
    };
    let times = |p50_ms, p99_ms| StageTimes {
        p50_ms,
        p99_ms,
        count: 300,
    };
    Look {
        picture: Some(picture(7)),
        advice: Some(advice(7, 25.0)),
        liveness: Liveness::Running,
        age: Some(Duration::from_millis(22)),
        now: captured(7).plus(Duration::from_millis(22)),
        origin: Origin::Simulation,
        source_name: "virtual: easy".to_owned(),
        choice: Some(SourceChoice::Virtual(portsight::simulate::Preset::Easy)),
        facts: None,
        listing: None,
        pose: None,
        stations: Stations {
            capture: station,
            form: station,
            read: station,
            form_times: times(1.2, 2.5),
            read_times: times(4.8, 9.1),
            ..Stations::default()
        },
        settings: Arc::new(ImagingSettings::default()),
        pump: Arc::new(model),
        pumps: Arc::new(pumps),
        needle: Some(Needle {
            gauge: 22,
            length: Millimeters(51.0),
        }),
        notices: Arc::default(),
        snapshots: Arc::new(vec![Snapshot {
            number: 1,
            frame: FrameId(4),
            path: "portsight/snapshots/0001.png".to_owned(),
        }]),
        journal_path: Some("portsight/session/journal.jsonl".to_owned()),
        journalled: 0,
        refill: Arc::default(),
    }
}
