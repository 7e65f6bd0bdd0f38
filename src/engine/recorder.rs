//! The record worker: pictures as they are formed, one in so many, into the session's MetaImage recording.
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::exchange::{ExchangeError, MetaImageWriter, Packing, SequenceForm};
use crate::frame::{Orientation, Origin, PixelSpacing};
use crate::image::{LengthUnit, ScanImage};
use crate::notice::{Notice, Severity};
use crate::stream::{Queue, Taken};

use super::Picture;
use super::board::Shared;

/// Pictures waiting to be written; more are left out and told.
const WAITING: usize = 16;

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingPlan {
    /// One picture in so many; 0 counts as 1.
    pub one_in: u64,
}

/// The end that pictures are put into.
#[derive(Clone)]
pub(super) struct Tape {
    plan: RecordingPlan,
    queue: Queue<Arc<Picture>>,
    stopped: Arc<AtomicBool>,
}

impl Tape {
    pub(super) fn new(plan: RecordingPlan) -> Self {
        Self {
            plan,
            queue: Queue::new(WAITING),
            stopped: Arc::default(),
        }
    }

    /// Takes no more pictures: the room on the disk is kept for the journal (H25).
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Offers a picture; never waits. Returns how many were left out so far, when this one was.
    pub(super) fn offer(&self, picture: &Arc<Picture>) -> Option<u64> {
        let is_due = picture
            .image
            .frame
            .0
            .is_multiple_of(self.plan.one_in.max(1));
        let is_stopped = self.stopped.load(Ordering::Acquire);
        if !is_due || is_stopped || self.queue.put(Arc::clone(picture)).is_ok() {
            return None;
        }
        Some(self.queue.counts().refused)
    }
}

/// Writes what is on the tape; dropped, it writes the rest and gives the file its name.
pub(super) struct Recorder {
    tape: Tape,
    path: PathBuf,
    writer: Option<MetaImageWriter>,
    form: Option<SequenceForm>,
    failed: bool,
    shared: Arc<Shared>,
}

impl Recorder {
    pub(super) fn new(tape: Tape, path: PathBuf, shared: Arc<Shared>) -> Self {
        Self {
            tape,
            path,
            writer: None,
            form: None,
            failed: false,
            shared,
        }
    }

    pub(super) fn step(&mut self, patience: Duration) -> ControlFlow<()> {
        match self.tape.queue.take(patience) {
            Taken::Value(picture) => self.write(&picture),
            Taken::Nothing => {}
            Taken::Closed => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn write(&mut self, picture: &Picture) {
        if self.failed {
            return;
        }
        let form = sequence_form(&picture.image);
        if self.form.get_or_insert_with(|| form.clone()) != &form {
            // One MetaImage sequence has one size and one scale.
            self.shared.tell_once(Notice {
                severity: Severity::Warning,
                text: "the recording leaves out pictures of another size or scale".to_owned(),
                hint: Some("Keep the depth setting for what is to be recorded.".to_owned()),
            });
            return;
        }
        if let Err(problem) = self.append(&form, picture) {
            self.fail(&problem);
        }
    }

    fn append(&mut self, form: &SequenceForm, picture: &Picture) -> Result<(), ExchangeError> {
        let image = &picture.image;
        if self.writer.is_none() {
            let mut writer = MetaImageWriter::create(&self.path, form.clone())?;
            writer.set_field("PortsightNotice", &crate::words::say("notice-research"))?;
            writer.set_field(
                "PortsightSource",
                &crate::words::say(origin_key(image.origin)),
            )?;
            self.writer = Some(writer);
        }
        let seconds = image
            .source_seconds
            .unwrap_or_else(|| image.captured_at.as_seconds());
        let frame = image.frame.0.to_string();
        match &mut self.writer {
            Some(writer) => writer.append(&image.pixels, Some(seconds), &[("FrameNumber", &frame)]),
            None => Ok(()),
        }
    }

    fn fail(&mut self, problem: &ExchangeError) {
        self.failed = true;
        self.writer = None;
        self.shared.tell_trouble(Notice {
            severity: Severity::Error,
            text: format!("the recording stopped and is not kept: {problem}"),
            hint: Some("Free some space; journal and pictures go on.".to_owned()),
        });
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        while let Taken::Value(picture) = self.tape.queue.take(Duration::ZERO) {
            self.write(&picture);
        }
        if let Some(Err(problem)) = self.writer.take().map(MetaImageWriter::finish) {
            self.fail(&problem);
        }
    }
}

fn origin_key(origin: Origin) -> &'static str {
    match origin {
        Origin::Live => "source-live",
        Origin::Replay => "source-replay",
        Origin::Simulation => "source-simulation",
    }
}

/// How a picture is stored as one of a MetaImage sequence: in the internal orientation, with its scale where it has one.
pub fn sequence_form(image: &ScanImage) -> SequenceForm {
    SequenceForm {
        columns: image.columns,
        rows: image.rows,
        spacing: match image.unit {
            LengthUnit::Millimeters => PixelSpacing::new(image.pitch, image.pitch),
            LengthUnit::Pixels => None,
        },
        offset: image.scan_from_pixel.shift(),
        orientation: Orientation::Mf,
        packing: Packing::Zlib,
    }
}
