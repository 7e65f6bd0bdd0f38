//! An opened file: any frame at any time, or one after the other as a source.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ExchangeError;
use super::description::Description;
use super::gray::{GrayRule, to_amplitude, to_gray};
use super::header::FileMeta;
use super::layout::{Gather, RasterPlan};
use super::pictures::decode;
use super::pixels::Pixels;
use crate::clock::{Clock, Timestamp, seconds};
use crate::frame::{
    Beams, BufferPool, Frame, FrameId, ImagingSettings, Orientation, Origin, PixelSpacing, Samples,
    ScanGeometry, ScanStage, Values,
};
use crate::notice::Notice;
use crate::space::{PixelPoint, Radians, ScanPoint};
use crate::stream::{Delivery, FrameSource, SourceProblem};

/// Seconds from frame to frame of a sequence that gives no times (25 frames a second).
const NOMINAL_INTERVAL: f64 = 0.04;
/// A pause in a recording is replayed no longer than this.
const LONGEST_PAUSE: f64 = 2.0;
/// A replay that is later than this does not hurry after its schedule; it goes on from where it is.
const LATEST: Duration = Duration::from_millis(250);
/// Buffers kept for use again; a frame is seen by three workers at most, with one waiting at each.
const BUFFERS: usize = 8;

/// How fast a source hands over its frames.
#[derive(Clone)]
pub enum Pace {
    /// As fast as they are asked for; `captured_at` is the time within the recording.
    FreeRunning,
    /// At the times of the recording, by this clock; `captured_at` is when the frame was due.
    TrueTime(Arc<dyn Clock>),
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FreeRunning => "FreeRunning",
            Self::TrueTime(_) => "TrueTime",
        })
    }
}

/// Where stored values come from.
#[derive(Debug)]
pub(super) enum Backing {
    MetaImage {
        pixels: Pixels,
        description: Description,
        rule: GrayRule,
    },
    Still(Vec<u8>),
    Folder {
        pictures: Vec<PathBuf>,
        columns: usize,
        rows: usize,
    },
}

/// What a file turned out to hold.
#[derive(Debug)]
pub(super) enum Content {
    /// Finished pictures.
    Pictures(RasterPlan),
    /// Brightness along scan lines.
    ScanLines(ScanGeometry),
    /// I and Q along scan lines: echo amplitude.
    Amplitude(ScanGeometry),
}

/// Everything [`super::open`] has found out.
pub(super) struct Findings {
    pub(super) path: PathBuf,
    pub(super) backing: Backing,
    pub(super) content: Content,
    pub(super) gather: Gather,
    pub(super) orientation: Orientation,
    pub(super) meta: FileMeta,
    pub(super) times: Vec<Option<f64>>,
    pub(super) notices: Vec<Notice>,
}

/// A file, open for replay and for looking up single frames.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    backing: Backing,
    plan: Option<RasterPlan>,
    gather: Gather,
    stage: ScanStage,
    orientation: Orientation,
    geometry: Arc<ScanGeometry>,
    settings: Arc<ImagingSettings>,
    meta: FileMeta,
    times: Vec<Option<f64>>,
    /// When each frame is due, from the first on; never decreasing.
    due: Vec<Duration>,
    notices: Vec<Notice>,
    workspace: Mutex<Workspace>,
    pace: Pace,
    position: usize,
    anchor: Option<Timestamp>,
}

#[derive(Debug)]
struct Workspace {
    bytes: Vec<u8>,
    gray: Vec<u8>,
    amplitude: Vec<u16>,
    pictures: BufferPool<u8>,
    amplitudes: BufferPool<u16>,
}

impl FileSource {
    /// `None` when the offset is so large that no coordinates can be given.
    pub(super) fn assemble(found: Findings) -> Option<Self> {
        let (plan, stage, geometry) = match found.content {
            Content::Pictures(plan) => (Some(plan), ScanStage::PostScan, plan.geometry()?),
            Content::ScanLines(geometry) => (None, ScanStage::PreScan, geometry),
            Content::Amplitude(geometry) => (None, ScanStage::Envelope, geometry),
        };
        let settings = Arc::new(settings_for(&geometry, found.gather.outer));
        Some(Self {
            path: found.path,
            backing: found.backing,
            plan,
            gather: found.gather,
            stage,
            orientation: found.orientation,
            geometry: Arc::new(geometry),
            settings,
            meta: found.meta,
            due: schedule(&found.times),
            times: found.times,
            notices: found.notices,
            workspace: Mutex::new(Workspace {
                bytes: Vec::new(),
                gray: Vec::new(),
                amplitude: Vec::new(),
                pictures: BufferPool::new(BUFFERS),
                amplitudes: BufferPool::new(BUFFERS),
            }),
            pace: Pace::FreeRunning,
            position: 0,
            anchor: None,
        })
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of frames.
    pub fn frame_count(&self) -> usize {
        self.times.len()
    }

    /// Whether it is a single picture.
    pub fn is_still(&self) -> bool {
        self.frame_count() == 1
    }

    /// Time of each frame as the file gives it, seconds of any origin; `None` where it gives none.
    pub fn times(&self) -> &[Option<f64>] {
        &self.times
    }

    /// What the header said; empty for pictures.
    pub fn meta(&self) -> &FileMeta {
        &self.meta
    }

    /// How 16-bit and coloured values became grey.
    pub fn gray_rule(&self) -> GrayRule {
        match &self.backing {
            Backing::MetaImage { rule, .. } => *rule,
            Backing::Still(_) | Backing::Folder { .. } => GrayRule::Luminance,
        }
    }

    /// What is worth knowing about this file: assumptions made, frames missing.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The geometry all frames share.
    pub fn geometry(&self) -> &Arc<ScanGeometry> {
        &self.geometry
    }

    /// The orientation in which the file was read.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Columns and rows of the internal picture (samples and lines for scan lines).
    pub fn size(&self) -> (usize, usize) {
        (self.gather.inner, self.gather.outer)
    }

    /// Any frame; `captured_at` is its time within the recording, and its id its number in the file.
    pub fn frame(&self, index: usize) -> Result<Arc<Frame>, ExchangeError> {
        let captured_at = Timestamp::ZERO.plus(self.due.get(index).copied().unwrap_or_default());
        self.frame_at(index, captured_at)
    }

    /// Sets the pace; the replay goes on at its present frame.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.anchor = None;
    }

    /// Starts again at the first frame.
    pub fn restart(&mut self) {
        self.position = 0;
        self.anchor = None;
    }

    /// Tells how sound ran through finished pictures (see [`Self::fan_from_pixels`]); scan lines know it already.
    pub fn set_beams(&mut self, beams: Beams) {
        if let ScanGeometry::Raster {
            spacing,
            origin,
            stored,
            ..
        } = &*self.geometry
        {
            self.geometry = Arc::new(ScanGeometry::Raster {
                spacing: *spacing,
                origin: *origin,
                beams,
                stored: *stored,
            });
        }
    }

    /// A fan measured in pixels of the internal picture, in the unit of its geometry; radii count in rows.
    /// `None` for scan lines.
    pub fn fan_from_pixels(
        &self,
        apex: PixelPoint,
        near: f64,
        far: f64,
        half: Radians,
    ) -> Option<Beams> {
        let ScanGeometry::Raster {
            spacing, origin, ..
        } = &*self.geometry
        else {
            return None;
        };
        let (lateral, axial) = spacing.map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
        Some(Beams::Fan {
            apex: ScanPoint::new(origin.x + apex.x * lateral, origin.z + apex.z * axial),
            near: near * axial,
            far: far * axial,
            half,
        })
    }

    /// Gives pictures a scale, as the user measured it: column 0 and row 0 are 0 mm from then on. A fan told before
    /// is kept. Returns whether it was taken: scan lines have their scale from their geometry.
    pub fn set_scale(&mut self, spacing: PixelSpacing) -> bool {
        let Some(mut plan) = self.plan else {
            return false;
        };
        let before = plan
            .spacing
            .map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
        if plan.spacing.is_none() {
            plan.offset = None;
        }
        plan.spacing = Some(spacing);
        let Some(geometry) = plan.geometry() else {
            return false;
        };
        let beams = self.geometry.beams();
        let (ScanGeometry::Raster { origin: old, .. }, ScanGeometry::Raster { origin: new, .. }) =
            (&*self.geometry, &geometry)
        else {
            return false;
        };
        let (wider, deeper) = (spacing.lateral.0 / before.0, spacing.axial.0 / before.1);
        let moved = match beams {
            Beams::Parallel => Beams::Parallel,
            Beams::Fan {
                apex,
                near,
                far,
                half,
            } => Beams::Fan {
                apex: ScanPoint::new(
                    new.x + (apex.x - old.x) * wider,
                    new.z + (apex.z - old.z) * deeper,
                ),
                near: near * deeper,
                far: far * deeper,
                half,
            },
        };
        self.plan = Some(plan);
        self.settings = Arc::new(settings_for(&geometry, self.gather.outer));
        self.geometry = Arc::new(geometry);
        self.set_beams(moved);
        true
    }

    /// The brightest value each internal pixel takes in up to `most` frames spread over the file: values, columns,
    /// rows. What a moving target and speckle leave dark in one frame is bright in another, so a fan shows whole.
    pub fn brightest_projection(
        &self,
        most: usize,
    ) -> Result<(Vec<u8>, usize, usize), ExchangeError> {
        let count = self.frame_count();
        let looks = most.clamp(1, count.max(1));
        let mut brightest = vec![0_u8; self.gather.len()];
        for look in 0..looks {
            let frame = self.frame(look * count / looks)?;
            match frame.samples.values() {
                Values::U8(values) => {
                    for (best, value) in brightest.iter_mut().zip(values.iter()) {
                        *best = (*best).max(*value);
                    }
                }
                Values::U16(values) => {
                    for (best, value) in brightest.iter_mut().zip(values.iter()) {
                        *best = (*best).max((value >> 8) as u8);
                    }
                }
            }
        }
        Ok((brightest, self.gather.inner, self.gather.outer))
    }

    fn frame_at(&self, index: usize, captured_at: Timestamp) -> Result<Arc<Frame>, ExchangeError> {
        let Some(source_seconds) = self.times.get(index) else {
            return Err(ExchangeError::FrameOutside {
                index,
                last: self.frame_count().saturating_sub(1),
                path: self.path.clone(),
            });
        };
        Ok(Arc::new(Frame {
            id: FrameId(index as u64),
            captured_at,
            source_seconds: *source_seconds,
            origin: Origin::Replay,
            stage: self.stage,
            orientation: self.orientation,
            geometry: Arc::clone(&self.geometry),
            settings: Arc::clone(&self.settings),
            samples: self.samples(index)?,
        }))
    }

    fn samples(&self, index: usize) -> Result<Samples, ExchangeError> {
        let mut workspace = self
            .workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Workspace {
            bytes,
            gray,
            amplitude,
            pictures,
            amplitudes,
        } = &mut *workspace;
        let gather = self.gather;
        let length = gather.len();
        let mut picture =
            |stored: &[u8]| Values::U8(pictures.fill(length, |block| gather.fill(stored, block)));
        let values = match &self.backing {
            Backing::Still(stored) => picture(stored),
            Backing::Folder {
                pictures,
                columns,
                rows,
            } => picture(&folder_picture(pictures, index, *columns, *rows)?),
            Backing::MetaImage {
                pixels,
                description,
                rule,
            } => {
                let stored = pixels.frame(index, bytes)?;
                if self.stage == ScanStage::Envelope {
                    to_amplitude(stored, description, amplitude);
                    Values::U16(amplitudes.fill(length, |block| gather.fill(amplitude, block)))
                } else if *rule == GrayRule::Keep && description.element.bytes() == 1 {
                    picture(stored)
                } else {
                    to_gray(stored, description, *rule, gray);
                    picture(gray)
                }
            }
        };
        Samples::new(gather.outer, gather.inner, values).map_err(|cause| ExchangeError::Block {
            cause,
            path: self.path.clone(),
        })
    }

    /// When the frame at the present position is due by `clock`; anchors the replay at its first frame.
    fn due_at(&mut self, now: Timestamp, due: Duration) -> Timestamp {
        let start_for =
            |moment: Timestamp| Timestamp::from_nanos(moment.nanos().saturating_sub(nanos(due)));
        let anchor = self.anchor.unwrap_or_else(|| start_for(now));
        let scheduled = anchor.plus(due);
        if now.since(scheduled) > LATEST {
            self.anchor = Some(start_for(now));
            return now;
        }
        self.anchor = Some(anchor);
        scheduled
    }
}

impl FrameSource for FileSource {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let Some(due) = self.due.get(self.position).copied() else {
            return Ok(Delivery::Finished);
        };
        let captured_at = match self.pace.clone() {
            Pace::FreeRunning => Timestamp::ZERO.plus(due),
            Pace::TrueTime(clock) => {
                let scheduled = self.due_at(clock.now(), due);
                let wait = scheduled.since(clock.now()).min(patience);
                if wait > Duration::ZERO {
                    std::thread::sleep(wait);
                }
                if clock.now() < scheduled {
                    return Ok(Delivery::Quiet);
                }
                scheduled
            }
        };
        let index = self.position;
        // A frame that cannot be read is lost once, not asked for again and again.
        self.position += 1;
        self.frame_at(index, captured_at)
            .map(Delivery::Frame)
            .map_err(|error| error.into_problem(self.name()))
    }

    fn request(&mut self, _wanted: &ImagingSettings) -> ImagingSettings {
        (*self.settings).clone()
    }

    fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or(self.path.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn folder_picture(
    pictures: &[PathBuf],
    index: usize,
    columns: usize,
    rows: usize,
) -> Result<Vec<u8>, ExchangeError> {
    let path = pictures
        .get(index)
        .ok_or_else(|| ExchangeError::FrameOutside {
            index,
            last: pictures.len().saturating_sub(1),
            path: PathBuf::new(),
        })?;
    let (got_columns, got_rows, gray) = decode(path)?;
    // The folder may have changed since it was opened.
    if (got_columns, got_rows) != (columns, rows) {
        return Err(ExchangeError::SizesDiffer {
            columns,
            rows,
            got_columns,
            got_rows,
            path: path.clone(),
        });
    }
    Ok(gray)
}

/// The depth a picture shows, so that image formation and the screen agree on it.
pub(super) fn settings_for(geometry: &ScanGeometry, rows: usize) -> ImagingSettings {
    let standard = ImagingSettings::default();
    let depth = match geometry {
        ScanGeometry::Raster { spacing, .. } => {
            spacing.map_or(standard.depth, |s| s.axial * rows as f64)
        }
        ScanGeometry::Linear { depth, .. }
        | ScanGeometry::Curvilinear { depth, .. }
        | ScanGeometry::Phased { depth, .. } => depth.far,
    };
    ImagingSettings { depth, ..standard }.limited()
}

/// When each frame is due after the first: by its time, or at the nominal rate where the file gives none.
fn schedule(times: &[Option<f64>]) -> Vec<Duration> {
    let mut at = 0.0;
    let mut before: Option<f64> = None;
    let mut due = Vec::with_capacity(times.len());
    for (index, time) in times.iter().enumerate() {
        if index > 0 {
            at += match (before, time) {
                (Some(before), Some(time)) => (time - before).clamp(0.0, LONGEST_PAUSE),
                _ => NOMINAL_INTERVAL,
            };
        }
        before = *time;
        due.push(seconds(at));
    }
    due
}
