//! The refill at the desk: actions become journal entries first and a new state after that, so that whatever the
//! screen shows is on the disk already (H24).
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::notice::Notice;
use crate::procedure::{
    Action, Event, FRAMES_FILE, Kept, Move, RECORDING_FILE, Refill, RefillEvent, SESSION_FILE, Step,
};
use crate::report::{
    GuidanceCounts, Report, ReportImage, SessionAbout, SessionNow, TimelineEntry, session_file,
};

use super::desk::Desk;
use super::state::circumstances;

/// What the desk remembers of a refill for its report.
pub(super) struct RefillLog {
    about: SessionAbout,
    refill: Refill,
    timeline: Vec<TimelineEntry>,
    images: Vec<ReportImage>,
    guidance: GuidanceCounts,
    /// Whether something happened since the report was written.
    is_new: bool,
    /// The last action.
    acted: Option<Timestamp>,
}

/// Entries of a timeline: a refill has about a hundred; beyond this the journal alone has them.
const TIMELINE_MOST: usize = 2000;

impl RefillLog {
    pub(super) fn new(about: SessionAbout) -> Self {
        Self {
            about,
            refill: Refill::default(),
            timeline: Vec::new(),
            images: Vec::new(),
            guidance: GuidanceCounts::default(),
            is_new: false,
            acted: None,
        }
    }

    pub(super) fn refill(&self) -> &Refill {
        &self.refill
    }

    /// How long nothing was done; `None` before the first action.
    pub(super) fn idle(&self, now: Timestamp) -> Option<Duration> {
        self.acted.map(|at| now.since(at))
    }

    /// Counts what was shown and withheld.
    pub(super) fn hear(&mut self, event: &Event) {
        self.guidance.hear(event);
    }

    pub(super) fn keep(&mut self, image: ReportImage) {
        self.images.push(image);
        self.is_new = true;
    }

    pub(super) fn throw_away(&mut self, file: &str) {
        self.images.retain(|image| image.file != file);
        self.is_new = true;
    }
}

impl Desk {
    /// Carries out an action of the refill.
    pub(super) fn take_action(&mut self, action: &Action) {
        let (pump, needle, advice, liveness) = {
            let board = self.shared.board();
            let advice = board.advice.clone();
            (
                Arc::clone(&board.pump),
                board.needle,
                advice,
                board.liveness,
            )
        };
        let now = self.shared.clock.now();
        let at = circumstances(&pump, needle, advice.as_deref(), liveness, now);
        let mut next = self.log.refill.clone();
        let events = next.take(action, &at);
        for event in &events {
            self.record(Event::Refill {
                what: event.clone(),
            });
            if self.log.timeline.len() < TIMELINE_MOST {
                self.log.timeline.push(TimelineEntry {
                    t_s: at.now.as_seconds(),
                    text: event.line(),
                });
            }
        }
        let way_of = |refill: &Refill| (refill.way_in_force(), refill.is_vetoed());
        let way_changed = way_of(&next) != way_of(&self.log.refill);
        self.log.refill = next;
        self.log.acted = Some(now);
        self.log.is_new = true;
        self.follow_up(action, &events);
        self.shared.board().refill = Arc::new(self.log.refill.clone());
        if way_changed {
            self.shared.setup_changes.fetch_add(1, Ordering::AcqRel);
        }
        self.shared.wake();
        // Pages and paper take a while: the screen need not wait for them, the journal has everything.
        let is_closed = |event: &RefillEvent| matches!(event, RefillEvent::Closed { .. });
        if events.iter().any(is_closed) {
            self.write_report();
        }
    }

    /// Pictures and files that belong to what just happened.
    fn follow_up(&mut self, action: &Action, events: &[RefillEvent]) {
        if let Action::Enter(field, _) = action
            && (field.is_identifying() || *field == crate::procedure::Field::StudyCode)
        {
            self.write_session_file(None);
        }
        for event in events {
            if let Some(why) = worth_a_picture(event) {
                self.keep_picture(why);
            }
        }
    }

    /// Writes `session.json`; with `ended` the frames captured and lost.
    pub(super) fn write_session_file(&mut self, ended: Option<(u64, u64)>) {
        let now = self.session_now();
        let file = session_file(&self.log.about, &now, &self.log.refill, ended);
        let bytes = serde_json::to_vec_pretty(&file);
        drop(file);
        match bytes {
            Ok(bytes) => self.write_file(SESSION_FILE, &bytes),
            Err(cause) => self.shared.add_notice(Notice::note(format!(
                "{SESSION_FILE} was not written: {cause}"
            ))),
        }
    }

    fn session_now(&self) -> SessionNow {
        let board = self.shared.board();
        SessionNow {
            utc: self.shared.clock.wall(),
            source: board.source.name.clone(),
            origin: board.source.origin,
            pump: Arc::clone(&board.pump),
            needle: board.needle,
            entries: board.journalled,
        }
    }

    /// Writes the report in its three forms.
    pub(super) fn write_report(&mut self) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let now = self.session_now();
        let log = &self.log;
        let mut report = Report::new(&log.about, &now, &log.refill);
        report.events.clone_from(&log.timeline);
        report.images.clone_from(&log.images);
        report.guidance = log.guidance.clone();
        let pictures: Vec<Vec<u8>> = report
            .images
            .iter()
            .map(|image| std::fs::read(folder.place(&image.file)).unwrap_or_default())
            .collect();
        match serde_json::to_vec_pretty(&report) {
            Ok(bytes) => self.write_file("report.json", &bytes),
            Err(cause) => self.tell_report("report.json", &cause.to_string()),
        }
        self.write_file("report.html", report.html().as_bytes());
        match report.pdf(&pictures) {
            Ok(bytes) => self.write_file("report.pdf", &bytes),
            Err(problem) => self.tell_report("report.pdf", &problem.to_string()),
        }
        self.log.is_new = false;
    }

    fn tell_report(&self, file: &str, cause: &str) {
        self.shared.tell_trouble(Notice {
            severity: crate::notice::Severity::Error,
            text: format!("{file} was not written: {cause}"),
            hint: Some("The journal has everything; close the refill again.".to_owned()),
        });
    }

    fn write_file(&mut self, file: &str, bytes: &[u8]) {
        let Some(folder) = &self.folder else { return };
        match folder.write(file, bytes) {
            Ok(record) => self.record_file(record),
            Err(problem) => self.shared.tell_trouble(Notice::of(&problem)),
        }
    }

    /// The last work of a session: recording, report and session file, then the entry that closes the journal.
    pub(super) fn end(&mut self, frames: u64, missing: u64) {
        for file in [RECORDING_FILE, FRAMES_FILE] {
            let folder = self.folder.as_ref();
            let recording = folder
                .filter(|folder| folder.place(file).is_file())
                .map(|folder| folder.record(file));
            match recording {
                Some(Ok(record)) => self.record_file(record),
                Some(Err(problem)) => self.shared.tell_trouble(Notice::of(&problem)),
                None => {}
            }
        }
        let has_refill = self.log.refill.moments().begun.is_some();
        if has_refill && self.log.is_new {
            self.write_report();
        }
        if self.folder.is_some() {
            self.write_session_file(Some((frames, missing)));
        }
        self.close_journal(Event::SessionEnded { frames, missing });
    }
}

/// Why the picture shown belongs in the report when this happened; `None` when it does not.
fn worth_a_picture(event: &RefillEvent) -> Option<Kept> {
    if let RefillEvent::FluidAnswered { .. } = event {
        return Some(Kept::Baseline);
    }
    if let RefillEvent::Located { .. } = event {
        return Some(Kept::Path);
    }
    if let RefillEvent::StepEntered { step, how, .. } = event
        && *step == Step::Report
        && *how != Move::Back
    {
        return Some(Kept::AfterFilling);
    }
    None
}
