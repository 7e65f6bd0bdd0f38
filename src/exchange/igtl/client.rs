//! A peer on the network as a source: it is reached, read, lost and reached again without anybody's help.
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::address::IgtlAddress;
use super::dial::{DialProblem, Dialer};
use super::intake::Intake;
use super::wire::{Decoder, IgtlCounts};
use crate::clock::{Clock, Timestamp};
use crate::frame::{Frame, ImagingLimits, ImagingSettings, Orientation, PictureSetup};
use crate::stream::{
    AcousticOutput, Delivery, FrameSource, LiveSource, Maturity, SourceFacts, SourceOffers,
    SourceProblem, WireCounts,
};
use crate::words::say;

/// First and longest wait between two attempts to connect.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// A connection without a usable picture for this long is told as lost. The engine's own watch has long said
/// NOT LIVE by then (after 0.5 s); this says why.
const PICTURE_LIMIT: Duration = Duration::from_secs(2);
/// A connection without a byte for this long, or half a message, is given up: a cable that was pulled ends no
/// connection by itself.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// Likewise in the middle of a message.
const HALF_MESSAGE_LIMIT: Duration = Duration::from_secs(2);
/// Bytes asked of the system at once.
const CHUNK: usize = 1 << 16;
/// Bytes read in one call of `next` at most, so that a peer that never stops does not hold the worker: one message
/// of the largest size.
const BYTES_A_CALL: usize = 64 << 20;
/// Facts that change with every message (a peer's words) are shown anew this often.
const FACTS_PERIOD: Duration = Duration::from_millis(250);
/// Sockets refuse a wait of nothing.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// A reader of OpenIGTLink IMAGE messages.
///
/// Threading: driven by one worker; names are looked up on a second one that it owns. Of the pictures that have come
/// since the last call the newest is delivered and the others are counted by the frame number, so that a backlog
/// never shows old pictures as new ones.
pub struct IgtlClient {
    address: IgtlAddress,
    clock: Arc<dyn Clock>,
    dialer: Option<Dialer>,
    link: Link,
    back_off: Duration,
    decoder: Decoder,
    intake: Intake,
    chunk: Box<[u8]>,
    outage: Outage,
    frozen: bool,
    facts: SourceFacts,
    facts_version: u64,
    shown: Shown,
}

/// What the facts were last made from.
#[derive(Default, PartialEq)]
struct Shown {
    at: Option<Timestamp>,
    intake: u64,
    pictures: u64,
    state: &'static str,
}

enum Link {
    /// No connection, and none is asked for before this moment.
    Down { not_before: Timestamp },
    /// A connection is asked for.
    Dialing,
    /// There is one.
    Up(Line),
}

/// A connection and when it last did something.
struct Line {
    stream: TcpStream,
    bytes_at: Timestamp,
    picture_at: Timestamp,
}

/// Whether the user was told that there are no pictures.
#[derive(Clone, Copy, PartialEq)]
enum Outage {
    No,
    Told,
}

enum Received {
    Frame(Arc<Frame>),
    Nothing,
    Ended(String),
}

impl IgtlClient {
    /// A client of the peer at `host`; nothing is sent or asked before the first call of `next`.
    pub fn new(host: &str, port: u16, clock: Arc<dyn Clock>) -> Self {
        let address = IgtlAddress {
            host: host.to_owned(),
            port,
            device: None,
        };
        Self::at(address, clock)
    }

    /// A client of the peer, and of the image stream, that `address` names.
    pub fn at(address: IgtlAddress, clock: Arc<dyn Clock>) -> Self {
        let facts = SourceFacts {
            name: format!("OpenIGTLink peer {address}"),
            spec: format!("igtl:{address}"),
            details: Vec::new(),
            acoustic: AcousticOutput::ShownByScanner,
            maturity: Maturity::Tried,
            limits: ImagingLimits::default(),
            picture_setup: None,
            saved_setups: Vec::new(),
            wants_picture_setup: false,
            offers: SourceOffers::default(),
        };
        Self {
            intake: Intake::new(address.device.as_deref(), Orientation::Mf),
            address,
            clock,
            dialer: None,
            link: Link::Down {
                not_before: Timestamp::ZERO,
            },
            back_off: BACK_OFF.0,
            decoder: Decoder::default(),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            outage: Outage::No,
            frozen: false,
            facts,
            facts_version: 0,
            shown: Shown::default(),
        }
    }

    /// What passed through so far, over all connections.
    pub fn counts(&self) -> IgtlCounts {
        self.decoder.counts()
    }

    fn lost(&mut self, what: String, hint: &str) -> Result<Delivery, SourceProblem> {
        if std::mem::replace(&mut self.outage, Outage::Told) == Outage::Told {
            return Ok(Delivery::Quiet);
        }
        Err(SourceProblem::Lost {
            source_name: self.name(),
            what,
            hint: Some(say(hint)),
        })
    }

    /// Ends what there is of a connection, and sets the time of the next attempt.
    fn hang_up(&mut self) {
        let not_before = self.clock.now().plus(self.back_off);
        self.back_off = (self.back_off * 2).min(BACK_OFF.1);
        self.link = Link::Down { not_before };
        self.decoder.restart();
    }

    fn reach(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if let Link::Down { not_before } = self.link {
            let wait = not_before.since(self.clock.now());
            if wait > Duration::ZERO {
                std::thread::sleep(wait.min(patience));
                return Ok(Delivery::Quiet);
            }
        }
        let dialer = match self.dialer.take() {
            Some(dialer) => dialer,
            None => match Dialer::start(self.address.host.clone(), self.address.port) {
                Ok(dialer) => dialer,
                Err(problem) => return self.unreached(&problem),
            },
        };
        if !matches!(self.link, Link::Dialing) {
            dialer.ask();
            self.link = Link::Dialing;
        }
        let answer = dialer.answer(patience);
        self.dialer = Some(dialer);
        match answer {
            None => Ok(Delivery::Quiet),
            Some(Err(problem)) => self.unreached(&problem),
            Some(Ok(stream)) => {
                let now = self.clock.now();
                // Small messages (the peer's words) must not wait for large ones; nothing is lost if it cannot be set.
                stream.set_nodelay(true).ok();
                self.link = Link::Up(Line {
                    stream,
                    bytes_at: now,
                    picture_at: now,
                });
                self.intake.begin(now);
                Ok(Delivery::Quiet)
            }
        }
    }

    fn unreached(&mut self, problem: &DialProblem) -> Result<Delivery, SourceProblem> {
        self.hang_up();
        let hint = match problem {
            DialProblem::Unresolved { .. } => "exchange-hint-igtl-name",
            DialProblem::NotReached { .. } | DialProblem::NoWorker { .. } => {
                "exchange-hint-igtl-server"
            }
        };
        self.lost(problem.to_string(), hint)
    }

    /// What silence means, after `now` without a picture.
    fn judge_silence(&mut self) -> Result<Delivery, SourceProblem> {
        let now = self.clock.now();
        let Link::Up(line) = &self.link else {
            return Ok(Delivery::Quiet);
        };
        let (silent, pictureless) = (now.since(line.bytes_at), now.since(line.picture_at));
        let within = self.decoder.is_within_message();
        if silent > SILENCE_LIMIT || (within && silent > HALF_MESSAGE_LIMIT) {
            self.hang_up();
            let what = if within {
                format!(
                    "it stopped in the middle of a message {} ms ago",
                    silent.as_millis()
                )
            } else {
                format!("it has sent nothing for {} ms", silent.as_millis())
            };
            return self.lost(what, "exchange-hint-igtl-silent");
        }
        if pictureless > PICTURE_LIMIT && !self.frozen {
            let missing = self.why_pictureless(silent);
            return self.lost(missing, "exchange-hint-igtl-image");
        }
        Ok(Delivery::Quiet)
    }

    fn why_pictureless(&self, silent: Duration) -> String {
        if let Some(problem) = self.intake.unusable() {
            return problem.to_string();
        }
        if let Some(name) = self.intake.missed() {
            return format!("expected the image stream {name:?}, got only others");
        }
        let counts = self.decoder.counts();
        if counts.messages == 0 && counts.skipped_bytes > 0 {
            return format!(
                "expected OpenIGTLink messages, got {} bytes that are none",
                counts.skipped_bytes
            );
        }
        if silent > PICTURE_LIMIT {
            return "it is connected and sends nothing".to_owned();
        }
        "it is connected and sends no new picture".to_owned()
    }

    fn refresh_facts(&mut self) {
        let now = self.clock.now();
        let state = match self.link {
            Link::Down { .. } | Link::Dialing => "not connected",
            Link::Up(_) => "connected",
        };
        let next = Shown {
            at: self.shown.at,
            intake: self.intake.changes(),
            pictures: self.intake.pictures.changes(),
            state,
        };
        if next == self.shown {
            return;
        }
        let soon = (next.pictures, next.state) == (self.shown.pictures, self.shown.state)
            && self.shown.at.is_some_and(|at| now.since(at) < FACTS_PERIOD);
        if soon {
            return;
        }
        self.shown = Shown {
            at: Some(now),
            ..next
        };
        self.facts.details.clear();
        self.facts.details.push(state.to_owned());
        self.intake.lines(&mut self.facts.details);
        let setup = self.intake.pictures.setup();
        self.facts.picture_setup = (*setup != PictureSetup::default()).then(|| setup.clone());
        self.facts.wants_picture_setup = self.intake.pictures.wants_scale();
        self.facts_version += 1;
    }
}

impl Line {
    /// Reads until there is a frame, the patience ends, or the peer does.
    fn receive(
        &mut self,
        patience: Duration,
        chunk: &mut [u8],
        (decoder, intake): (&mut Decoder, &mut Intake),
        clock: &dyn Clock,
    ) -> Received {
        let begun = clock.now();
        let mut newest: Option<Arc<Frame>> = None;
        let mut budget = BYTES_A_CALL;
        loop {
            let left = patience.saturating_sub(clock.now().since(begun));
            // With a frame in hand only what has come already is looked at; with no time left, likewise.
            let waits = newest.is_none() && left > Duration::ZERO;
            match self.read(waits.then_some(left), chunk) {
                Ok(0) => {
                    let ended = || Received::Ended("the peer ended the connection".to_owned());
                    return newest.map_or_else(ended, Received::Frame);
                }
                Ok(count) => {
                    let now = clock.now();
                    self.bytes_at = now;
                    decoder.push(chunk.get(..count).unwrap_or_default());
                    if let Some(frame) = intake.take_all(decoder, now) {
                        self.picture_at = now;
                        newest = Some(frame);
                    }
                    budget = budget.saturating_sub(count);
                    if budget == 0 {
                        break;
                    }
                }
                Err(cause) if is_wait(&cause) => break,
                Err(cause) => {
                    let ended = || Received::Ended(format!("the connection broke: {cause}"));
                    return newest.map_or_else(ended, Received::Frame);
                }
            }
        }
        newest.map_or(Received::Nothing, Received::Frame)
    }

    /// One read, waiting no longer than `wait`, or not at all.
    fn read(&mut self, wait: Option<Duration>, chunk: &mut [u8]) -> std::io::Result<usize> {
        self.stream.set_nonblocking(wait.is_none())?;
        if let Some(wait) = wait {
            self.stream.set_read_timeout(Some(wait.max(LEAST_WAIT)))?;
        }
        self.stream.read(chunk)
    }
}

fn is_wait(cause: &std::io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

impl FrameSource for IgtlClient {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let delivery = match &mut self.link {
            Link::Down { .. } | Link::Dialing => self.reach(patience),
            Link::Up(line) => {
                let mark = self.intake.mark();
                let readers = (&mut self.decoder, &mut self.intake);
                match line.receive(patience, &mut self.chunk, readers, &*self.clock) {
                    // What a frozen source sends is read, so that nothing old waits in the line, and let go.
                    Received::Frame(_) if self.frozen => {
                        self.intake.forget_since(mark);
                        Ok(Delivery::Quiet)
                    }
                    Received::Frame(frame) => {
                        self.back_off = BACK_OFF.0;
                        self.outage = Outage::No;
                        Ok(Delivery::Frame(frame))
                    }
                    Received::Nothing => self.judge_silence(),
                    Received::Ended(what) => {
                        self.hang_up();
                        self.lost(what, "exchange-hint-igtl-server")
                    }
                }
            }
        };
        self.refresh_facts();
        delivery
    }

    fn request(&mut self, _wanted: &ImagingSettings) -> ImagingSettings {
        (*self.intake.pictures.settings()).clone()
    }

    fn name(&self) -> String {
        self.facts.name.clone()
    }
}

impl LiveSource for IgtlClient {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn facts_version(&self) -> u64 {
        self.facts_version
    }

    fn wire_counts(&self) -> WireCounts {
        let counts = self.decoder.counts();
        WireCounts {
            frames: self.intake.frames(),
            lost_frames: 0,
            damaged_frames: counts.damaged_images,
            skipped_bytes: counts.skipped_bytes,
            resyncs: counts.resyncs,
        }
    }

    fn freeze(&mut self) {
        self.frozen = true;
    }

    fn resume(&mut self) {
        self.frozen = false;
        if let Link::Up(line) = &mut self.link {
            line.picture_at = self.clock.now();
        }
    }

    fn set_picture(&mut self, setup: &PictureSetup) -> Result<(), String> {
        self.intake.pictures.set_up(setup)?;
        self.refresh_facts();
        Ok(())
    }
}
