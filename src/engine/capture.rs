//! The capture worker: the only one that touches the source. It carries out commands that concern it, hands frames
//! on, notices outages and returns, and changes to another source when a person asks for one; never by itself.
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::frame::{Frame, FrameId, Orientation};
use crate::notice::Notice;
use crate::procedure::Event;
use crate::stream::{Delivery, HealthMeter, SourceFacts, SourceProblem, Taken};

use super::board::{Flow, Job, Shared, Source};
use super::{Command, Connector, Feed, SourceChoice};

/// How long the source is waited for before commands are looked at again.
const PATIENCE: Duration = Duration::from_millis(50);

/// Whether the source is asked for frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// Again and again.
    On,
    /// It has come to its end, or is gone for good; a command may change that.
    Until,
}

/// What the capture worker owns.
pub(super) struct Capture {
    feed: Box<dyn Feed>,
    connector: Option<Connector>,
    shared: Arc<Shared>,
    meter: HealthMeter,
    orientation: Option<Orientation>,
    asking: Asking,
    /// The source lost its device and is trying to get it back.
    is_lost: bool,
    /// Added to the source's own frame numbers, so that numbers grow over every change of source: no mark of an
    /// older source can ever fit a frame of a newer one.
    offset: u64,
    is_new_source: bool,
    last: Option<FrameId>,
    facts_version: Option<u64>,
    /// The facts the board has.
    described: Option<Arc<SourceFacts>>,
}

impl Capture {
    pub(super) fn new(
        feed: Box<dyn Feed>,
        connector: Option<Connector>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            feed,
            connector,
            shared,
            meter: HealthMeter::default(),
            orientation: None,
            asking: Asking::On,
            is_lost: false,
            offset: 0,
            is_new_source: false,
            last: None,
            facts_version: None,
            described: None,
        }
    }

    /// Carries out what was asked for, then takes one delivery.
    pub(super) fn step(&mut self) -> ControlFlow<()> {
        while let Taken::Value(command) = self.shared.to_capture.take(Duration::ZERO) {
            self.carry_out(&command);
            self.asking = Asking::On;
        }
        if self.asking == Asking::Until {
            std::thread::sleep(PATIENCE);
            return ControlFlow::Continue(());
        }
        let delivery = self.feed.next(PATIENCE);
        self.note_facts();
        match delivery {
            Ok(Delivery::Frame(frame)) => self.hand_on(frame),
            Ok(Delivery::Quiet) => {}
            Ok(Delivery::Finished) => {
                self.asking = Asking::Until;
                self.shared.board().flow = Flow::Finished;
            }
            Err(problem) => self.note_trouble(&problem),
        }
        ControlFlow::Continue(())
    }

    fn note_trouble(&mut self, problem: &SourceProblem) {
        match problem {
            SourceProblem::Lost { .. } => {
                self.is_lost = true;
                let mut board = self.shared.board();
                board.flow = Flow::Lost;
                board.stations.outages += 1;
            }
            SourceProblem::Unplugged { .. }
            | SourceProblem::Unreadable { .. }
            | SourceProblem::SinkStopped { .. } => {
                self.asking = Asking::Until;
                self.shared.board().flow = Flow::Gone;
            }
        }
        self.shared.tell_trouble(Notice::of(problem));
    }

    fn hand_on(&mut self, mut frame: Arc<Frame>) {
        let shared = Arc::clone(&self.shared);
        self.number(&mut frame);
        if std::mem::take(&mut self.is_lost) {
            // What was followed before the outage may have moved any distance: everything begins anew.
            shared.begin_stream(frame.id);
            shared.desk(Job::Event(Event::SourceBack { frame: frame.id }));
            shared.add_notice(Notice::note(format!("{}: live again", self.feed.name())));
        }
        let before = self.meter.health().missing;
        self.meter.note(frame.id, frame.captured_at);
        self.meter.set_skipped(shared.frames.replaced());
        let lost = self.meter.health().missing - before;
        if lost > 0 {
            shared.desk(Job::Event(Event::FramesLost {
                count: lost,
                before: frame.id,
            }));
        }
        if self.orientation.replace(frame.orientation) != Some(frame.orientation) {
            shared.desk(Job::Event(Event::OrientationChanged {
                frame: frame.id,
                orientation: frame.orientation.letters().to_owned(),
            }));
        }
        let mut board = shared.board();
        if board.source.origin != frame.origin {
            // A peer on the network may hand on a simulation or a recording: the picture says what it is (H28).
            Arc::make_mut(&mut board.source).origin = frame.origin;
        }
        board.last_captured = Some(frame.captured_at);
        board.flow = Flow::On;
        board.stations.capture = self.meter.health();
        board.stations.wire = self.feed.wire_counts();
        board.pose = self.feed.pose();
        board.settings = Arc::clone(&frame.settings);
        drop(board);
        shared.keep_frame(&frame);
        shared.frames.put(frame);
    }

    /// Gives the frame its number in this session.
    fn number(&mut self, frame: &mut Arc<Frame>) {
        if std::mem::take(&mut self.is_new_source) {
            let next = self.last.map_or(0, |last| last.0 + 1);
            self.offset = next.wrapping_sub(frame.id.0);
        }
        if self.offset != 0 {
            // Only its head is copied, and only after a change of source; the samples stay where they are.
            let frame = Arc::make_mut(frame);
            frame.id = FrameId(frame.id.0.wrapping_add(self.offset));
        }
        self.last = Some(frame.id);
    }

    /// Puts what the source says of itself on the board and into the journal, whenever it has changed.
    fn note_facts(&mut self) {
        let version = self.feed.facts_version();
        if self.facts_version == Some(version) {
            return;
        }
        self.facts_version = Some(version);
        let Some(facts) = self.feed.facts() else {
            return;
        };
        // What it is belongs in the journal; words that change by the second (a peer's, a wait) do not.
        let is_as_described = self.described.as_ref().is_some_and(|before| {
            before.name == facts.name
                && before.spec == facts.spec
                && before.acoustic == facts.acoustic
                && before.maturity == facts.maturity
        });
        if !is_as_described {
            self.shared.desk(Job::Event(Event::SourceDescribed {
                name: facts.name.clone(),
                spec: facts.spec.clone(),
                details: facts.details.clone(),
                acoustic: facts.acoustic,
                maturity: facts.maturity,
            }));
        }
        let facts = Arc::new(facts.clone());
        self.described = Some(Arc::clone(&facts));
        let mut board = self.shared.board();
        let source = Arc::make_mut(&mut board.source);
        source.name.clone_from(&facts.name);
        source.facts = Some(facts);
        drop(board);
        self.shared.wake();
    }

    fn carry_out(&mut self, command: &Command) {
        match command {
            Command::SetImaging(wanted) => {
                let granted = self.feed.request(&wanted.limited());
                self.shared.board().settings = Arc::new(granted.clone());
                self.shared
                    .desk(Job::Event(Event::SettingsChanged { settings: granted }));
            }
            Command::Connect(choice) => self.connect(choice),
            Command::Freeze
            | Command::Unfreeze
            | Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::GiveScale(_)
            | Command::SetPicture(_)
            | Command::TakeSnapshot
            | Command::ConfirmPlane
            | Command::DeleteSnapshot(_)
            | Command::Restart
            | Command::Nudge(_)
            | Command::Fault(_)
            | Command::AcknowledgeResearchNotice
            | Command::FlipShown(_)
            | Command::SuggestCrop
            | Command::ChooseMode(_)
            | Command::SetFirmware(_)
            | Command::Refill(_) => {
                if let Some(notice) = self.feed.apply(command) {
                    self.shared.tell_trouble(notice);
                }
            }
        }
        if matches!(command, Command::Restart) {
            self.shared.board().flow = Flow::On;
        }
    }

    /// Lets go of the present source and takes the one chosen. A source that cannot be taken changes nothing.
    fn connect(&mut self, choice: &SourceChoice) {
        let opened = match &mut self.connector {
            Some(connector) => connector(choice),
            None => Err(Notice::note("this session keeps the source it began with")),
        };
        let feed = match opened {
            Ok(feed) => feed,
            Err(notice) => {
                self.shared.tell_trouble(notice);
                return;
            }
        };
        // Dropping the old source stops its acoustic output before the new one begins.
        self.feed = feed;
        self.meter = HealthMeter::default();
        self.orientation = None;
        self.is_lost = false;
        self.is_new_source = true;
        self.facts_version = None;
        self.described = None;
        let first = FrameId(self.last.map_or(0, |last| last.0 + 1));
        let source = Source {
            origin: self.feed.origin(),
            name: self.feed.name(),
            choice: Some(choice.clone()),
            is_still: self.feed.is_still(),
            facts: None,
        };
        self.shared.desk(Job::Event(Event::SourceConnected {
            source: source.name.clone(),
            spec: choice.to_string(),
            origin: source.origin,
        }));
        self.shared
            .change_source(source, first, Arc::new(self.feed.settings()));
    }
}
