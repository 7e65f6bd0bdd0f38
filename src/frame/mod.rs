//! The pulse of data: one immutable frame, with everything needed to read it in millimetres.
//!
//! A frame never changes after the source has let go of it. Samples are kept as they came; only the
//! order of rows and columns has been brought to the internal orientation (`MF`).
mod geometry;
mod orientation;
mod picture_setup;
mod samples;
mod settings;

use std::sync::Arc;

pub use geometry::{Beams, DepthRange, PixelSpacing, ScanGeometry, StoredGrid};
pub use orientation::{Orientation, OrientationError};
pub use picture_setup::{PictureSetup, PixelRect};
pub use samples::{BufferPool, Samples, SamplesError, Values};
pub use settings::{GrayMap, ImagingLimits, ImagingSettings, TGC_SLIDERS};

use crate::clock::Timestamp;

/// The number of a frame within its source; a gap is loss.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct FrameId(pub u64);

/// How far image formation had come when the frame was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStage {
    /// Scan lines of linear echo amplitude (envelope), not yet compressed.
    Envelope,
    /// Scan lines, log-compressed by the probe, before scan conversion.
    PreScan,
    /// A finished picture.
    PostScan,
}

/// What kind of source a frame came from. A label for picture, journal and export; nothing decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A probe on a living patient or phantom, now.
    Live,
    /// A recording.
    Replay,
    /// The virtual probe.
    Simulation,
}

/// One frame of one source.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its number within the source.
    pub id: FrameId,
    /// When it was complete, on the clock of the session.
    pub captured_at: Timestamp,
    /// The time the source gives it (seconds, any origin); `None` when the source gives none.
    pub source_seconds: Option<f64>,
    /// Where it came from.
    pub origin: Origin,
    /// What the samples are.
    pub stage: ScanStage,
    /// How it was stored or sent before it was brought to `MF`.
    pub orientation: Orientation,
    /// Where the samples lie.
    pub geometry: Arc<ScanGeometry>,
    /// What the source was set to.
    pub settings: Arc<ImagingSettings>,
    /// The samples: scan lines (line by line, near to far) or a picture (row by row, near to far).
    pub samples: Samples,
}
