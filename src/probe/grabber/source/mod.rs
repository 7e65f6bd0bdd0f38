//! A frame grabber or UVC probe as a live source.
//!
//! It opens itself, streams, and after an outage finds the same device again, whatever number its node has then.
//! Crop and orientation used last with a device and mode are applied at once. A scale is not: the scanner's depth may
//! have been changed since, and a wrong scale puts the needle at a wrong depth (H05). Scales are offered with their
//! depth settings and hold once the user has picked one; they hold on across an outage of up to [`SCALE_OUTLIVES`].
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::device::{
    Captured, DeviceIdentity, DeviceProblem, Granted, Mode, VideoDevice, VideoNodes, Waited,
};
use super::formats::{PictureDecoder, PictureProblem};
use super::modes;
use super::picture::PictureForm;
use super::screen_watch::ScreenWatch;
use super::setup_store::{SavedSetups, SetupStore, StoreProblem};
use super::telling::{Telling, facts};
use super::timing::{ClockMap, Numbering};
use crate::clock::{Clock, Timestamp};
use crate::frame::{
    BufferPool, Frame, FrameId, ImagingSettings, Origin, PictureSetup, PixelRect, Samples,
    ScanStage, Values,
};
use crate::notice::Problem as _;
use crate::probe::WireCounts;
use crate::stream::{Delivery, FrameSource, LiveSource, SourceFacts, SourceOffers, SourceProblem};

mod setup;

/// Buffers kept for use again; a frame is seen by three workers at most, with one waiting at each.
const BUFFERS: usize = 8;
/// The first picture of a stream may take this long: grabbers wait for a lock on the cable's signal.
const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// Without a whole picture for this long the stream counts as lost and is started anew.
const STALL: Duration = Duration::from_secs(2);
/// How often a lost device is looked for.
const RETRY: Duration = Duration::from_millis(500);
/// A scale that the user picked is asked for again after an outage or freeze longer than this: someone may have turned
/// the depth meanwhile.
pub const SCALE_OUTLIVES: Duration = Duration::from_mins(1);

/// What there is while a device is known to deliver in a mode; kept across freezes.
struct Stream {
    granted: Granted,
    decoder: PictureDecoder,
    clocks: ClockMap,
    form: PictureForm,
    saved: SavedSetups,
    /// When it was started or last gave a whole picture.
    alive_at: Timestamp,
    has_pictures: bool,
    last_damage: Option<PictureProblem>,
    stamps_by_driver: bool,
}

/// A scale picked in this session, and what it holds for.
struct Picked {
    device: DeviceIdentity,
    mode: Mode,
    setup: PictureSetup,
    /// When the picture was last seen with it.
    seen_at: Timestamp,
}

/// A frame grabber or UVC probe behind V4L2.
pub struct GrabberSource {
    clock: Arc<dyn Clock>,
    nodes: Box<dyn VideoNodes>,
    asked: PathBuf,
    store: SetupStore,
    wish: Option<Mode>,
    modes: Vec<Mode>,
    /// The device of this session.
    identity: Option<DeviceIdentity>,
    device: Option<Box<dyn VideoDevice>>,
    stream: Option<Stream>,
    picked: Option<Picked>,
    frozen: bool,
    /// What keeps it from delivering; told once an outage.
    outage: Option<String>,
    retry_at: Timestamp,
    problem: Option<SourceProblem>,
    numbering: Numbering,
    last_at: Timestamp,
    counts: WireCounts,
    pool: BufferPool<u8>,
    watch: ScreenWatch,
    /// Where the scan seems to lie, when it was asked for.
    suggested: Option<PixelRect>,
    drawn_inside: bool,
    telling: Telling,
    facts: SourceFacts,
    version: u64,
}

impl GrabberSource {
    /// The device at this node, opened by the first call of `next`; crops and scales are kept in `setups`.
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    pub fn new(node: &Path, clock: Arc<dyn Clock>, setups: &Path) -> Self {
        Self::over(Box::new(super::v4l2::V4l2Nodes), node, clock, setups)
    }

    /// The device at this node; `next` says that there is no way to it on this operating system.
    #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
    pub fn new(node: &Path, clock: Arc<dyn Clock>, setups: &Path) -> Self {
        Self::over(Box::new(super::no_nodes::NoNodes), node, clock, setups)
    }

    /// The same over any way to devices: a script in tests.
    pub fn over(
        nodes: Box<dyn VideoNodes>,
        node: &Path,
        clock: Arc<dyn Clock>,
        setups: &Path,
    ) -> Self {
        let telling = Telling::default();
        Self {
            clock,
            nodes,
            asked: node.to_owned(),
            store: SetupStore::new(setups),
            wish: None,
            modes: Vec::new(),
            identity: None,
            device: None,
            stream: None,
            picked: None,
            frozen: false,
            outage: None,
            retry_at: Timestamp::ZERO,
            problem: None,
            numbering: Numbering::default(),
            last_at: Timestamp::ZERO,
            counts: WireCounts::default(),
            pool: BufferPool::new(BUFFERS),
            watch: ScreenWatch::default(),
            suggested: None,
            drawn_inside: false,
            facts: facts(node, None, &telling, None, &[], SourceOffers::default()),
            telling,
            version: 0,
        }
    }

    /// Modes the device offers that can be read; empty until it was opened.
    pub fn modes(&self) -> &[Mode] {
        &self.modes
    }

    /// The mode it delivers in.
    pub fn mode(&self) -> Option<Mode> {
        self.stream.as_ref().map(|stream| stream.granted.mode)
    }

    /// What passed so far: frames, and those lost by their numbers or damaged.
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// Crops and scales saved for the present device and mode.
    pub fn saved_setups(&self) -> Vec<PictureSetup> {
        self.stream
            .as_ref()
            .map(|stream| stream.saved.setups.clone())
            .unwrap_or_default()
    }

    fn label(&self) -> String {
        self.facts.name.clone()
    }

    fn refresh(&mut self) {
        let picture = self.stream.as_ref().map(|s| &s.form.setup);
        let saved = self
            .stream
            .as_ref()
            .map(|s| s.saved.setups.as_slice())
            .unwrap_or_default();
        let fresh = facts(
            &self.asked,
            self.identity.as_ref(),
            &self.telling,
            picture,
            saved,
            self.offers(),
        );
        if fresh != self.facts {
            self.facts = fresh;
            self.version += 1;
        }
    }

    /// Brings what is told up to date, if anything in it has changed.
    fn retell(&mut self) {
        let Some(stream) = &self.stream else {
            return;
        };
        let fresh = Telling {
            granted: Some(stream.granted),
            traits: self.telling.traits.settled(stream.decoder.traits()),
            stamps_by_driver: stream.stamps_by_driver,
            counts_frames: !self.numbering.stands_still(),
            waits_for: self.outage.clone(),
        };
        if fresh != self.telling {
            self.telling = fresh;
            self.refresh();
        }
    }

    /// The device is closed; it is looked for from now on.
    fn lose(&mut self, what: String, hint: Option<String>) -> Result<Delivery, SourceProblem> {
        self.device = None;
        self.retry_at = self.clock.now().plus(RETRY);
        let told = self.outage.is_some();
        self.telling.waits_for = Some(what.clone());
        self.outage = Some(what.clone());
        self.refresh();
        if told {
            return Ok(Delivery::Quiet);
        }
        Err(SourceProblem::Lost {
            source_name: self.label(),
            what,
            hint,
        })
    }

    fn lose_by(&mut self, problem: &DeviceProblem) -> Result<Delivery, SourceProblem> {
        let what = if matches!(problem, DeviceProblem::SourceChanged) {
            "the picture on the cable has changed".to_owned()
        } else {
            problem.to_string()
        };
        self.lose(what, problem.hint())
    }

    /// Opens the device of this session, or any at the node asked for if there was none yet.
    fn find(&mut self) -> Result<Box<dyn VideoDevice>, DeviceProblem> {
        let asked = self.nodes.open(&self.asked);
        let Some(known) = &self.identity else {
            return asked;
        };
        let mut refusal = DeviceProblem::Gone;
        match asked {
            Ok(device) if device.identity().is_same(known) => return Ok(device),
            Ok(_) | Err(DeviceProblem::Gone) => {}
            Err(problem) => refusal = problem,
        }
        for node in self.nodes.nodes() {
            if node == self.asked {
                continue;
            }
            match self.nodes.open(&node) {
                Ok(device) if device.identity().is_same(known) => return Ok(device),
                // Another device, or one that is none of ours to speak of.
                Ok(_) | Err(_) => {}
            }
        }
        Err(refusal)
    }

    fn open(&mut self) -> Result<(), DeviceProblem> {
        let mut device = self.find()?;
        self.identity = Some(device.identity().clone());
        let offered = device.modes()?;
        let wished = self.wish.filter(|wish| offered.contains(wish));
        let mode =
            wished
                .or_else(|| modes::best(&offered))
                .ok_or_else(|| DeviceProblem::NoFormat {
                    offered: "none of a sensible size".to_owned(),
                })?;
        self.modes = offered;
        let granted = device.start(&mode)?;
        self.begin(device, granted)
    }

    /// Takes a stream that was started: decoder, clock, and the setup that may be in force for it.
    fn begin(
        &mut self,
        device: Box<dyn VideoDevice>,
        granted: Granted,
    ) -> Result<(), DeviceProblem> {
        let driver = |cause: String| DeviceProblem::Driver {
            step: "reading its pictures",
            cause,
        };
        let decoder = PictureDecoder::new(&granted).map_err(|p| driver(p.to_string()))?;
        let identity = device.identity().clone();
        let saved = match self.store.load(&identity, &granted.mode) {
            Ok(saved) => saved,
            Err(problem) => {
                self.problem = Some(unreadable(&self.label(), &problem));
                SavedSetups::default()
            }
        };
        let now = self.clock.now();
        let picked = self.picked.as_ref().filter(|picked| {
            picked.mode.is_same_picture(&granted.mode)
                && picked.device.is_same(&identity)
                && now.since(picked.seen_at) <= SCALE_OUTLIVES
        });
        let setup = match (picked, saved.last()) {
            (Some(picked), _) => picked.setup.clone(),
            (None, Some(last)) => PictureSetup {
                spacing: None,
                ..last.clone()
            },
            (None, None) => PictureSetup::default(),
        };
        // Whatever was saved for this mode fits it; a file written by hand may not.
        let form = PictureForm::new(&granted.mode, &setup)
            .or_else(|_| PictureForm::new(&granted.mode, &PictureSetup::default()))
            .map_err(driver)?;
        let clocks = ClockMap::measure(&*self.clock, &*device);
        self.numbering.restart();
        self.watch = ScreenWatch::new(granted.mode.width, granted.mode.height);
        self.suggested = None;
        self.drawn_inside = false;
        self.stream = Some(Stream {
            granted,
            decoder,
            clocks,
            form,
            saved,
            alive_at: now,
            has_pictures: false,
            last_damage: None,
            stamps_by_driver: true,
        });
        self.device = Some(device);
        self.retell();
        self.refresh();
        Ok(())
    }

    fn look_for_device(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let wait = self.retry_at.since(self.clock.now());
        if wait > Duration::ZERO {
            self.nodes.pause(wait.min(patience));
            return Ok(Delivery::Quiet);
        }
        match self.open() {
            Ok(()) => match self.problem.take() {
                Some(problem) => Err(problem),
                None => self.read(patience),
            },
            Err(problem) => self.lose_by(&problem),
        }
    }

    /// One buffer of the running stream.
    fn read(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let (Some(device), Some(stream)) = (&mut self.device, &mut self.stream) else {
            return Ok(Delivery::Quiet);
        };
        let mut outcome = None;
        let (pool, watch) = (&mut self.pool, &mut self.watch);
        let (decoder, gather) = (&mut stream.decoder, stream.form.gather);
        let mut take = |captured: Captured<'_>| {
            let picture = if captured.is_damaged {
                Err(None)
            } else {
                decoder.decode(captured.bytes).map_err(Some)
            };
            let block = picture.map(|luma| {
                watch.note(luma);
                pool.fill(gather.len(), |block| gather.fill(luma, block))
            });
            outcome = Some((captured.sequence, captured.stamp, block));
        };
        let waited = device.dequeue(patience, &mut take);
        let now = self.clock.now();
        match waited {
            Err(problem) => return self.lose_by(&problem),
            Ok(Waited::Nothing) => return self.check_stall(now),
            Ok(Waited::Captured) => {}
        }
        let Some((sequence, stamp, block)) = outcome else {
            return self.check_stall(now);
        };
        let (id, lost) = self.numbering.number(sequence);
        self.counts.lost_frames += lost;
        match block {
            Ok(values) => self.deliver(id, stamp, values, now),
            Err(damage) => {
                self.counts.damaged_frames += 1;
                stream.last_damage = damage;
                self.check_stall(now)
            }
        }
    }

    fn deliver(
        &mut self,
        id: FrameId,
        stamp: Option<Duration>,
        values: Arc<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Delivery, SourceProblem> {
        let name = self.label();
        let Some(stream) = &mut self.stream else {
            return Ok(Delivery::Quiet);
        };
        // A stamp from the future or from before the frame that came last says nothing true; a late one makes the
        // picture older than it is, never younger.
        let stamped = stamp.map_or(now, |driver| stream.clocks.to_session(driver));
        let captured_at = stamped.min(now).max(self.last_at.min(now));
        self.last_at = captured_at;
        stream.alive_at = now;
        stream.has_pictures = true;
        stream.last_damage = None;
        stream.stamps_by_driver = stamp.is_some();
        let form = &stream.form;
        let samples = Samples::new(form.gather.outer, form.gather.inner, Values::U8(values))
            .map_err(|cause| SourceProblem::Unreadable {
                source_name: name,
                what: cause.to_string(),
                hint: None,
            })?;
        let frame = Frame {
            id,
            captured_at,
            source_seconds: stamp.map(|s| s.as_secs_f64()),
            origin: Origin::Live,
            stage: ScanStage::PostScan,
            orientation: form.setup.orientation,
            geometry: Arc::clone(&form.geometry),
            settings: Arc::clone(&form.settings),
            samples,
        };
        self.counts.frames += 1;
        self.outage = None;
        if let Some(picked) = &mut self.picked {
            picked.seen_at = now;
        }
        if self.watch.take_due() {
            self.look_for_drawings();
            self.refresh();
        }
        self.retell();
        Ok(Delivery::Frame(Arc::new(frame)))
    }

    /// Nothing whole came: after a while that is an outage.
    fn check_stall(&mut self, now: Timestamp) -> Result<Delivery, SourceProblem> {
        let Some(stream) = &self.stream else {
            return Ok(Delivery::Quiet);
        };
        let limit = if stream.has_pictures {
            STALL
        } else {
            FIRST_PICTURE
        };
        if now.since(stream.alive_at) < limit {
            return Ok(Delivery::Quiet);
        }
        self.counts.resyncs += 1;
        let seconds = limit.as_secs();
        let (what, hint) = match &stream.last_damage {
            Some(damage) => (
                format!("no whole picture for {seconds} s, all were damaged: {damage}"),
                "Plug the grabber into a port of its own, or choose a smaller picture.",
            ),
            None => (
                format!("no picture for {seconds} s"),
                "Look whether the scanner is on and its video cable plugged in.",
            ),
        };
        self.lose(what, Some(hint.to_owned()))
    }
}

fn unreadable(name: &str, problem: &StoreProblem) -> SourceProblem {
    SourceProblem::Unreadable {
        source_name: name.to_owned(),
        what: problem.to_string(),
        hint: problem.hint(),
    }
}

impl FrameSource for GrabberSource {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        if self.frozen {
            self.nodes.pause(patience);
            return Ok(Delivery::Quiet);
        }
        if self.device.is_none() {
            return self.look_for_device(patience);
        }
        self.read(patience)
    }

    fn request(&mut self, _wanted: &ImagingSettings) -> ImagingSettings {
        // The scanner sets its own; what can be said of it is the depth shown.
        self.stream
            .as_ref()
            .map_or_else(ImagingSettings::default, |s| (*s.form.settings).clone())
    }

    fn name(&self) -> String {
        self.label()
    }
}

impl LiveSource for GrabberSource {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn facts_version(&self) -> u64 {
        self.version
    }

    fn freeze(&mut self) {
        self.frozen = true;
        // Closing it is the surest way to stop; whoever opens it again goes the way of a re-plug.
        self.device = None;
        self.retry_at = self.clock.now();
    }

    fn resume(&mut self) {
        self.frozen = false;
        self.retry_at = self.clock.now();
    }

    fn set_picture(&mut self, setup: &PictureSetup) -> Result<(), String> {
        self.apply(setup)
    }

    fn suggest_crop(&mut self) -> Result<(), String> {
        self.look_for_scan()
    }

    fn choose_mode(&mut self, mode: &str) -> Result<(), String> {
        self.take_mode(mode)
    }
}
