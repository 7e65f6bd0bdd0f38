//! The source itself: one state, one thread, nothing that waits longer than it was told to.
use std::collections::VecDeque;
use std::mem::Discriminant;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::memory::{remember_firmware, remembered_firmware};
use super::patience::Patience;
use super::session::Session;
use super::trouble::{Trouble, given_up_fact};
use super::{FoundDevice, Opener, UsbSelector};
use crate::clock::{Clock, Timestamp};
use crate::frame::{Frame, ImagingLimits, ImagingSettings};
use crate::probe::{
    Driver, DriverProblem, Firmware, PipeProblem, StreamEnd, UsbOpener, driver_for,
};
use crate::stream::{
    AcousticOutput, Delivery, FrameSource, LiveSource, Maturity, SourceFacts, SourceOffers,
    SourceProblem, WireCounts,
};

/// Between two looks for a probe that is not there.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// A running probe that gives no whole frame for this long is lost: 5 frames of the slowest.
const WATCHDOG: Duration = Duration::from_millis(500);
/// The same until the first frame after a start: a motor has to come up to speed, and nothing is shown as live yet.
const WATCHDOG_AT_START: Duration = Duration::from_secs(2);
/// How long a refusal may be udev coming late with its permissions (usb.md, d).
const REFUSED_GRACE: Duration = Duration::from_secs(1);
/// A probe whose firmware runs is back within this; about 3 s are expected (usb.md).
const FIRMWARE_GRACE: Duration = Duration::from_secs(10);
/// Frames that wait to be asked for; the oldest give way and are counted. One poll can bring three.
const MOST_WAITING: usize = 4;
/// Polls within one call; each brings bytes or waits, so this ends only a clock that stands still.
const MOST_POLLS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No probe is in use; the next look is due then.
    Searching { at: Timestamp },
    /// The last frame, or the start, was then; patience with it.
    Running { since: Timestamp, allowed: Duration },
    /// The user has stopped it.
    Frozen,
}

/// A probe behind USB.
///
/// It comes back by itself after an outage, but only to the device that it had: the same kind, with the same serial
/// number; without one, in the same socket, or wherever it is when it is the only one of its kind.
pub struct UsbSource {
    opener: Box<dyn Opener>,
    clock: Arc<dyn Clock>,
    selector: UsbSelector,
    state: State,
    session: Option<Session>,
    /// The driver while there is no session.
    resting: Option<Box<dyn Driver>>,
    /// The device that is or was in use, and its serial number.
    known: Option<(FoundDevice, Option<String>)>,
    /// Sound may be on, and there is no session to stop it.
    is_doubtful: bool,
    wanted: ImagingSettings,
    granted: ImagingSettings,
    waiting: VecDeque<Arc<Frame>>,
    fresh: Vec<Arc<Frame>>,
    dropped: u64,
    given_up: usize,
    patience: Patience,
    /// Kinds of trouble told in this outage.
    told: Vec<Discriminant<Trouble>>,
    /// Trouble met outside `next`.
    untold: Option<Trouble>,
    refused_since: Option<Timestamp>,
    loaded_at: Option<Timestamp>,
    facts: SourceFacts,
    facts_version: u64,
}

impl UsbSource {
    /// A source that finds its probe by libusb when it is first asked for a frame.
    pub fn new(selector: UsbSelector, clock: Arc<dyn Clock>) -> Self {
        Self::with_opener(selector, clock, Box::new(UsbOpener::default()))
    }

    /// A source that finds its probe by `opener`.
    pub fn with_opener(
        selector: UsbSelector,
        clock: Arc<dyn Clock>,
        opener: Box<dyn Opener>,
    ) -> Self {
        let spec = match selector.bus_address {
            Some((bus, address)) => format!("usb:{bus}.{address}"),
            None => "usb".to_owned(),
        };
        Self {
            opener,
            state: State::Searching { at: clock.now() },
            clock,
            selector,
            session: None,
            resting: None,
            known: None,
            is_doubtful: false,
            wanted: ImagingSettings::default(),
            granted: ImagingSettings::default(),
            waiting: VecDeque::with_capacity(MOST_WAITING),
            fresh: Vec::new(),
            dropped: 0,
            given_up: 0,
            patience: Patience::default(),
            told: Vec::new(),
            untold: None,
            refused_since: None,
            loaded_at: None,
            facts: SourceFacts {
                name: format!("USB probe ({spec})"),
                spec,
                details: Vec::new(),
                acoustic: AcousticOutput::NotReportedByProbe,
                maturity: Maturity::NeverRunOnHardware,
                limits: ImagingLimits::default(),
                picture_setup: None,
                saved_setups: Vec::new(),
                wants_picture_setup: false,
                offers: SourceOffers::default(),
            },
            facts_version: 0,
        }
    }

    /// Looks for the probe when a look is due.
    fn seek(&mut self, due: Timestamp, patience: Duration) -> Result<Delivery, SourceProblem> {
        let now = self.clock.now();
        if due > now {
            self.opener.pause(due.since(now).min(patience));
            return Ok(Delivery::Quiet);
        }
        if self.is_resting(now) {
            if self.is_doubtful && self.reach().is_ok() {
                // Silenced, and let alone again.
                self.close();
            }
            self.state = State::Searching {
                at: now.plus(LOOK_EVERY),
            };
            return Ok(Delivery::Quiet);
        }
        match self.reach().and_then(|()| self.start()) {
            Ok(()) => Ok(Delivery::Quiet),
            Err(trouble) => self.lose(&trouble),
        }
    }

    /// Listens to a running probe until a frame is whole or `patience` is over.
    fn listen(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let end = self.clock.now().plus(patience);
        for _ in 0..MOST_POLLS {
            let State::Running { since, allowed } = self.state else {
                break;
            };
            let now = self.clock.now();
            let wait = end.since(now).min(since.plus(allowed).since(now));
            let Some(session) = &mut self.session else {
                break;
            };
            let outcome = session.poll(wait, self.clock.as_ref(), &mut self.fresh);
            if self.take_fresh() {
                self.state = State::Running {
                    since: self.clock.now(),
                    allowed: WATCHDOG,
                };
            }
            if let Err(trouble) = outcome {
                return self.lose(&trouble);
            }
            if let Some(frame) = self.waiting.pop_front() {
                return Ok(Delivery::Frame(frame));
            }
            let now = self.clock.now();
            // Only after a poll: what was on its way while this thread was busy has been taken.
            if now.since(since) >= allowed {
                return self.lose(&Trouble::Silent { span: allowed });
            }
            if now >= end {
                break;
            }
        }
        Ok(Delivery::Quiet)
    }

    /// Whether a probe that failed again and again is still to be let alone. One that was plugged in anew is not.
    fn is_resting(&mut self, now: Timestamp) -> bool {
        let Some(device) = self.patience.resting(now) else {
            return false;
        };
        let is_there = self.opener.look().is_ok_and(|found| found.contains(device));
        if !is_there {
            self.patience.renew();
        }
        is_there
    }

    /// Lets new frames wait; false when there were none.
    fn take_fresh(&mut self) -> bool {
        let any = !self.fresh.is_empty();
        if any {
            // The outage is over.
            self.told.clear();
        }
        self.patience.note_frames(self.fresh.len());
        for frame in self.fresh.drain(..) {
            if self.waiting.len() >= MOST_WAITING {
                self.waiting.pop_front();
                self.dropped += 1;
            }
            self.waiting.push_back(frame);
        }
        any
    }

    /// While frozen: nothing, unless sound may be on that could not be stopped.
    fn rest(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if self.is_doubtful && self.session.is_none() {
            self.opener.pause(patience.min(LOOK_EVERY));
            return match self.reach() {
                Ok(()) => Ok(Delivery::Quiet),
                Err(trouble) => self.tell(&trouble),
            };
        }
        self.opener.pause(patience);
        Ok(Delivery::Quiet)
    }

    /// Finds the probe, opens it and makes it ready; it is silent after that. Loads firmware if it asks for it.
    fn reach(&mut self) -> Result<(), Trouble> {
        let found = self.opener.look();
        let now = self.clock.now();
        let found = found.map_err(|cause| match self.loaded_at {
            // A look can fail while the device leaves the bus to come back with its firmware.
            Some(loaded) if now.since(loaded) < FIRMWARE_GRACE => Trouble::Underway,
            Some(_) | None => Trouble::NoUsb { cause },
        })?;
        let candidates = self.candidates(&found);
        if let (Some(loaded), true) = (
            self.loaded_at,
            candidates.iter().all(FoundDevice::wants_firmware),
        ) {
            if now.since(loaded) < FIRMWARE_GRACE {
                return Err(Trouble::Underway);
            }
            self.loaded_at = None;
            return Err(Trouble::FirmwareDidNotTake {
                span: FIRMWARE_GRACE,
            });
        }
        let mut trouble = Trouble::NotFound;
        for candidate in candidates {
            let outcome = if candidate.wants_firmware() {
                self.load_firmware(candidate)
            } else {
                self.open(candidate)
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(problem) => trouble = problem,
            }
            if trouble == Trouble::Underway {
                break;
            }
        }
        match (&trouble, self.refused_since) {
            (Trouble::Refused, None) => {
                self.refused_since = Some(now);
                Err(Trouble::Underway)
            }
            (Trouble::Refused, Some(since)) if now.since(since) < REFUSED_GRACE => {
                Err(Trouble::Underway)
            }
            (Trouble::Refused, Some(_)) => Err(trouble),
            _ => {
                self.refused_since = None;
                Err(trouble)
            }
        }
    }

    /// Devices that may be ours, the likeliest first.
    fn candidates(&self, found: &[FoundDevice]) -> Vec<FoundDevice> {
        let Some((known, serial)) = &self.known else {
            let chosen = |f: &&FoundDevice| match self.selector.bus_address {
                Some(place) => (f.bus, f.address) == place,
                None => true,
            };
            let mut chosen: Vec<FoundDevice> = found.iter().filter(chosen).cloned().collect();
            // Stable: ready ones first, in the order of their places.
            chosen.sort_by_key(FoundDevice::wants_firmware);
            chosen.truncate(1);
            return chosen;
        };
        let mut same: Vec<FoundDevice> = found
            .iter()
            .filter(|f| f.model.is_same_kind_as(&known.model))
            .cloned()
            .collect();
        same.sort_by_key(|f| !f.is_where(known));
        if serial.is_none() && same.len() > 1 {
            // Nothing but its place tells it from the others.
            same.retain(|f| f.is_where(known));
        }
        same
    }

    fn load_firmware(&mut self, device: FoundDevice) -> Result<(), Trouble> {
        let remembered = || remembered_firmware(self.selector.firmware_memory.as_deref()?);
        let path = self.selector.firmware.clone().or_else(remembered);
        let path = path.ok_or(Trouble::FirmwareMissing)?;
        let cause = |cause: String| Trouble::Firmware { cause };
        let firmware = Firmware::read(&path).map_err(|problem| cause(problem.to_string()))?;
        let mut opened = self.opener.open(&device).map_err(Trouble::of_opening)?;
        firmware
            .load(opened.as_mut())
            .map_err(|problem| cause(problem.to_string()))?;
        self.loaded_at = Some(self.clock.now());
        let serial = self.known.take().and_then(|(_, serial)| serial);
        self.known = Some((device, serial));
        Err(Trouble::Underway)
    }

    fn open(&mut self, found: FoundDevice) -> Result<(), Trouble> {
        let device = self.opener.open(&found).map_err(Trouble::of_opening)?;
        if let Some((_, Some(serial))) = &self.known
            && device.serial() != Some(serial.as_str())
        {
            return Err(Trouble::OtherDevice);
        }
        let driver = match self.resting.take() {
            Some(driver) => driver,
            None => driver_for(&found.model, self.selector.variant).ok_or(Trouble::NoDriver)?,
        };
        let (session, outcome) = Session::begin(device, driver);
        let details = match outcome {
            Ok(details) => details,
            Err(trouble) => {
                self.session = Some(session);
                let unstopped = self.close();
                if self.known.is_none() {
                    // The next look may choose a probe of another kind.
                    self.resting = None;
                }
                return Err(unstopped.unwrap_or(trouble));
            }
        };
        let session = self.session.insert(session);
        self.is_doubtful = false;
        self.refused_since = None;
        self.loaded_at = None;
        let serial = session.serial().map(str::to_owned);
        let driver = session.driver();
        self.facts = SourceFacts {
            name: format!(
                "{}, bus {} address {}",
                driver.model_name(),
                found.bus,
                found.address
            ),
            spec: found.spec(),
            details: serial
                .iter()
                .map(|s| format!("serial number {s}"))
                .chain(details)
                .chain((self.given_up > 0).then(|| given_up_fact(self.given_up)))
                .collect(),
            maturity: driver.maturity(),
            limits: driver.limits(),
            ..self.facts.clone()
        };
        self.facts_version += 1;
        self.known = Some((found, serial));
        Ok(())
    }

    /// Sets what was asked for last and starts.
    fn start(&mut self) -> Result<(), Trouble> {
        let Some(session) = &mut self.session else {
            return Err(Trouble::NotFound);
        };
        self.granted = session.configure(&self.wanted)?;
        session.start()?;
        self.facts.limits = session.driver().limits();
        self.facts_version += 1;
        self.patience.note_start();
        self.state = State::Running {
            since: self.clock.now(),
            allowed: WATCHDOG_AT_START,
        };
        Ok(())
    }

    /// Gives the probe up, silent if it can be reached, and looks for it again.
    fn lose(&mut self, trouble: &Trouble) -> Result<Delivery, SourceProblem> {
        let was_live = matches!(self.state, State::Running { .. });
        if was_live {
            let device = self.known.clone().map(|(device, _)| device);
            self.patience.note_loss(device, self.clock.now());
        }
        self.untold = self.close();
        // Whole frames that came together with the failure are older than it: shown now, they would say "live again".
        self.drop_waiting();
        self.state = State::Searching {
            at: self.clock.now().plus(LOOK_EVERY),
        };
        let answer = self.tell(trouble);
        if was_live {
            // That it is not there is part of what was told; and while a device leaves the bus, a look at it can fail.
            let cause = String::new();
            for implied in [Trouble::NotFound, Trouble::NoUsb { cause }] {
                self.told.push(std::mem::discriminant(&implied));
            }
        }
        answer
    }

    /// Tells every kind of trouble once an outage.
    fn tell(&mut self, trouble: &Trouble) -> Result<Delivery, SourceProblem> {
        let kind = std::mem::discriminant(trouble);
        if *trouble == Trouble::Underway || self.told.contains(&kind) {
            return Ok(Delivery::Quiet);
        }
        self.told.push(kind);
        Err(trouble.as_lost(self.facts.name.clone()))
    }

    /// Stops and closes the probe, if it is open. Returns why it could not be stopped, unless it is gone.
    fn close(&mut self) -> Option<Trouble> {
        let mut session = self.session.take()?;
        let (outcome, end) = session.stop();
        self.note_given_up(end);
        self.resting = Some(session.close());
        self.doubt(outcome)
    }

    fn drop_waiting(&mut self) {
        self.dropped += self.waiting.len() as u64;
        self.waiting.clear();
    }

    fn doubt(&mut self, outcome: Result<(), DriverProblem>) -> Option<Trouble> {
        let problem = outcome.err()?;
        let is_gone = matches!(
            problem,
            DriverProblem::Pipe {
                problem: PipeProblem::Gone,
                ..
            }
        );
        // A probe without power sends no sound.
        self.is_doubtful = !is_gone;
        (!is_gone).then(|| Trouble::StillInsonating {
            cause: problem.to_string(),
        })
    }

    fn note_given_up(&mut self, end: StreamEnd) {
        if end.given_up == 0 {
            return;
        }
        let before = given_up_fact(self.given_up);
        self.given_up += end.given_up;
        self.facts.details.retain(|line| *line != before);
        self.facts.details.push(given_up_fact(self.given_up));
        self.facts_version += 1;
    }
}

impl FrameSource for UsbSource {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if let Some(trouble) = self.untold.take() {
            return self.tell(&trouble);
        }
        if let Some(frame) = self.waiting.pop_front() {
            return Ok(Delivery::Frame(frame));
        }
        match self.state {
            State::Searching { at } => self.seek(at, patience),
            State::Running { .. } => self.listen(patience),
            State::Frozen => self.rest(patience),
        }
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.wanted = wanted.limited();
        self.patience.renew();
        let Some(session) = &mut self.session else {
            self.granted = self.wanted.clone();
            return self.granted.clone();
        };
        match session.configure(&self.wanted) {
            Ok(granted) => self.granted = granted,
            Err(trouble) => {
                let is_frozen = self.state == State::Frozen;
                let unstopped = self.close();
                self.untold = Some(unstopped.unwrap_or(trouble));
                if !is_frozen {
                    self.state = State::Searching {
                        at: self.clock.now().plus(LOOK_EVERY),
                    };
                }
            }
        }
        self.granted.clone()
    }

    fn name(&self) -> String {
        self.facts.name.clone()
    }
}

impl LiveSource for UsbSource {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn facts_version(&self) -> u64 {
        self.facts_version
    }

    fn wire_counts(&self) -> WireCounts {
        let resting = self.resting.as_deref();
        let driver = self.session.as_ref().map(Session::driver).or(resting);
        let counts = driver.map(Driver::counts).unwrap_or_default();
        WireCounts {
            lost_frames: counts.lost_frames + self.dropped,
            ..counts
        }
    }

    fn freeze(&mut self) {
        self.state = State::Frozen;
        self.drop_waiting();
        let Some(session) = &mut self.session else {
            return;
        };
        let (outcome, end) = session.stop();
        self.note_given_up(end);
        if outcome.is_err() {
            self.resting = self.session.take().map(Session::close);
            self.untold = self.doubt(outcome);
        }
    }

    fn resume(&mut self) {
        if self.state != State::Frozen {
            return;
        }
        self.patience.renew();
        self.state = State::Searching {
            at: self.clock.now(),
        };
        if self.session.is_some()
            && let Err(trouble) = self.start()
        {
            self.untold = Some(self.close().unwrap_or(trouble));
        }
    }

    fn set_firmware(&mut self, file: &Path) -> Result<(), String> {
        Firmware::read(file).map_err(|problem| problem.to_string())?;
        self.selector.firmware = Some(file.to_owned());
        self.patience.renew();
        if let State::Searching { at } = &mut self.state {
            *at = self.clock.now();
        }
        let Some(memory) = &self.selector.firmware_memory else {
            return Ok(());
        };
        remember_firmware(memory, file).map_err(|cause| {
            format!(
                "the firmware file is used now, but will not be remembered: {cause}: {}",
                memory.display()
            )
        })
    }
}

impl Drop for UsbSource {
    /// Also runs when the worker panics: a probe must not go on sending sound with nobody looking.
    fn drop(&mut self) {
        self.close();
        if self.is_doubtful && self.reach().is_ok() {
            // It would not hear the stop; opened anew it was silenced.
            self.close();
        }
    }
}
