//! A frame in words and bytes, and back: everything but the samples as one JSON object, the samples as bytes.
//!
//! Every frame carries its own geometry and settings: no frame depends on another one being whole.
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::frame::{
    Beams, DepthRange, Frame, FrameId, GrayMap, ImagingSettings, Orientation, Origin, PixelSpacing,
    Samples, ScanGeometry, ScanStage, StoredGrid, TGC_SLIDERS, Values,
};
use crate::space::{Affine, Millimeters, Radians, ScanPoint};

/// A frame of more values than this is refused.
const MOST_VALUES: usize = 1 << 26;
/// A probe's face and its radius are not larger than this, mm.
const LARGEST_ARRAY: f64 = 1000.0;

/// Why a frame cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FormProblem {
    /// A figure that is no number has no JSON.
    #[error("expected finite figures, got one that is no number")]
    NotFinite,
    /// The words cannot be read.
    #[error("its description cannot be read: {0}")]
    Words(#[from] serde_json::Error),
    /// A figure lies outside what can be true.
    #[error("{what}: expected a figure within its limits, got {got}")]
    Outside {
        /// Which figure.
        what: &'static str,
        /// What was found.
        got: String,
    },
    /// The samples are not as many as promised.
    #[error("samples: expected {expected} bytes, got {got}")]
    Length {
        /// Bytes promised.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
}

/// Everything of a frame but its samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameHead {
    /// Its number within the session.
    pub id: u64,
    /// When it was complete, ns on the clock of the session.
    pub captured_ns: u64,
    /// The time the source gave it, s; `null` when it gave none.
    pub source_seconds: Option<f64>,
    /// `live`, `replay` or `simulation`.
    pub origin: Kind,
    /// `envelope`, `pre_scan` or `post_scan`.
    pub stage: Stage,
    /// How the source stored it, in two letters. The samples here stand in the internal orientation.
    pub orientation: String,
    /// Scan lines, or rows.
    pub outer: usize,
    /// Samples a line, or columns.
    pub inner: usize,
    /// Bits a sample: 8, or 16.
    pub bits: u8,
    /// How the bytes lie: see [`Layout`].
    pub layout: Layout,
    /// Where the samples lie.
    pub geometry: Geometry,
    /// What the source was set to.
    pub settings: Settings,
}

/// What kind of source a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A probe on a living patient or phantom.
    Live,
    /// A recording.
    Replay,
    /// The virtual probe.
    Simulation,
}

/// How far image formation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Linear echo amplitude along scan lines.
    Envelope,
    /// Brightness along scan lines.
    PreScan,
    /// A finished picture.
    PostScan,
}

/// How the bytes of the samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One byte a sample, line by line.
    Bytes,
    /// Two bytes a sample: all low bytes, then all high bytes. High bytes beside each other pack better.
    Planes,
}

/// Where the samples of a frame lie; lengths in mm (px without a scale), angles in radians.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Geometry {
    /// Parallel scan lines.
    Linear {
        /// From the first line to the last.
        width: f64,
        /// Near and far edge of what was sampled.
        depth: [f64; 2],
    },
    /// Scan lines at right angles to a convex face.
    Curvilinear {
        /// Radius of the face.
        radius: f64,
        /// From the first line to the last.
        sector: f64,
        /// Near and far edge of what was sampled, from the face.
        depth: [f64; 2],
    },
    /// Scan lines from one point.
    Phased {
        /// From the first line to the last.
        sector: f64,
        /// Near and far edge of what was sampled.
        depth: [f64; 2],
    },
    /// A finished picture.
    Raster {
        /// Size of a pixel along a row and along a column; `null` without a scale.
        spacing: Option<[f64; 2]>,
        /// Centre of the first pixel.
        origin: [f64; 2],
        /// Apex x, z, near and far radius, half angle of a fan; `null` for parallel beams.
        fan: Option<[f64; 5]>,
        /// Scale and shift to the coordinates of the picture as it was stored.
        stored: [[f64; 2]; 2],
    },
}

/// What a source was set to; units as in [`ImagingSettings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    depth: f64,
    gain_db: f64,
    tgc_db: [f64; TGC_SLIDERS],
    dynamic_range_db: f64,
    frequency_mhz: f64,
    receive_filter_mhz: Option<f64>,
    frame_rate_hz: Option<f64>,
    persistence: f64,
    gray_map: GrayMap,
}

impl FrameHead {
    /// The words of a frame.
    pub fn of(frame: &Frame) -> Self {
        let (bits, layout) = match frame.samples.values() {
            Values::U8(_) => (8, Layout::Bytes),
            Values::U16(_) => (16, Layout::Planes),
        };
        Self {
            id: frame.id.0,
            captured_ns: frame.captured_at.nanos(),
            source_seconds: frame.source_seconds,
            origin: match frame.origin {
                Origin::Live => Kind::Live,
                Origin::Replay => Kind::Replay,
                Origin::Simulation => Kind::Simulation,
            },
            stage: match frame.stage {
                ScanStage::Envelope => Stage::Envelope,
                ScanStage::PreScan => Stage::PreScan,
                ScanStage::PostScan => Stage::PostScan,
            },
            orientation: frame.orientation.letters().to_owned(),
            outer: frame.samples.outer(),
            inner: frame.samples.inner(),
            bits,
            layout,
            geometry: Geometry::of(&frame.geometry),
            settings: Settings::of(&frame.settings),
        }
    }

    /// The words as they are written.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, FormProblem> {
        let seconds = self.source_seconds.unwrap_or_default();
        if !(seconds.is_finite() && self.geometry.is_finite() && self.settings.is_finite()) {
            return Err(FormProblem::NotFinite);
        }
        Ok(serde_json::to_vec(self)?)
    }

    /// The frame of these words and bytes.
    pub(super) fn to_frame(&self, bytes: &[u8]) -> Result<Frame, FormProblem> {
        let values = self.values(bytes)?;
        let samples = Samples::new(self.outer, self.inner, values).map_err(|problem| {
            FormProblem::Outside {
                what: "samples",
                got: problem.to_string(),
            }
        })?;
        let orientation: Orientation =
            self.orientation
                .parse()
                .map_err(
                    |problem: crate::frame::OrientationError| FormProblem::Outside {
                        what: "orientation",
                        got: problem.got,
                    },
                )?;
        Ok(Frame {
            id: FrameId(self.id),
            captured_at: Timestamp::from_nanos(self.captured_ns),
            source_seconds: self.source_seconds,
            origin: match self.origin {
                Kind::Live => Origin::Live,
                Kind::Replay => Origin::Replay,
                Kind::Simulation => Origin::Simulation,
            },
            stage: match self.stage {
                Stage::Envelope => ScanStage::Envelope,
                Stage::PreScan => ScanStage::PreScan,
                Stage::PostScan => ScanStage::PostScan,
            },
            orientation,
            geometry: Arc::new(self.geometry.read()?),
            settings: Arc::new(self.settings.read()),
            samples,
        })
    }

    fn values(&self, bytes: &[u8]) -> Result<Values, FormProblem> {
        let count = self.outer.checked_mul(self.inner);
        let count = count
            .filter(|count| (1..=MOST_VALUES).contains(count))
            .ok_or_else(|| FormProblem::Outside {
                what: "lines and samples",
                got: format!("{} x {}", self.outer, self.inner),
            })?;
        let expected = match self.layout {
            Layout::Bytes => count,
            Layout::Planes => count * 2,
        };
        if bytes.len() != expected {
            return Err(FormProblem::Length {
                expected,
                got: bytes.len(),
            });
        }
        Ok(match self.layout {
            Layout::Bytes => Values::U8(Arc::new(bytes.to_vec())),
            Layout::Planes => {
                let (low, high) = bytes.split_at(count);
                let pairs = low.iter().zip(high);
                let values = pairs.map(|(l, h)| u16::from_le_bytes([*l, *h])).collect();
                Values::U16(Arc::new(values))
            }
        })
    }
}

/// The bytes of a frame's samples, in the layout its head names; into `bytes`, whose room is used again.
pub(super) fn lay_out(samples: &Samples, bytes: &mut Vec<u8>) {
    bytes.clear();
    match samples.values() {
        Values::U8(values) => bytes.extend_from_slice(values),
        Values::U16(values) => {
            bytes.extend(values.iter().map(|value| (*value & 0xff) as u8));
            bytes.extend(values.iter().map(|value| (*value >> 8) as u8));
        }
    }
}

fn depth_of(depth: &DepthRange) -> [f64; 2] {
    [depth.near.0, depth.far.0]
}

fn depth_from([near, far]: [f64; 2]) -> Result<DepthRange, FormProblem> {
    DepthRange::new(Millimeters(near), Millimeters(far)).ok_or_else(|| FormProblem::Outside {
        what: "depth",
        got: format!("{near} to {far} mm"),
    })
}

fn within(
    what: &'static str,
    value: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64, FormProblem> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(FormProblem::Outside {
            what,
            got: value.to_string(),
        })
    }
}

impl Geometry {
    fn of(geometry: &ScanGeometry) -> Self {
        match geometry {
            ScanGeometry::Linear { width, depth } => Self::Linear {
                width: width.0,
                depth: depth_of(depth),
            },
            ScanGeometry::Curvilinear {
                radius,
                sector,
                depth,
            } => Self::Curvilinear {
                radius: radius.0,
                sector: sector.0,
                depth: depth_of(depth),
            },
            ScanGeometry::Phased { sector, depth } => Self::Phased {
                sector: sector.0,
                depth: depth_of(depth),
            },
            ScanGeometry::Raster {
                spacing,
                origin,
                beams,
                stored,
            } => Self::Raster {
                spacing: spacing.map(|s| [s.lateral.0, s.axial.0]),
                origin: [origin.x, origin.z],
                fan: match *beams {
                    Beams::Parallel => None,
                    Beams::Fan {
                        apex,
                        near,
                        far,
                        half,
                    } => Some([apex.x, apex.z, near, far, half.0]),
                },
                stored: [
                    stored.stored_from_scan.scale(),
                    stored.stored_from_scan.shift(),
                ],
            },
        }
    }

    fn is_finite(&self) -> bool {
        let all = |values: &[f64]| values.iter().all(|value| value.is_finite());
        match self {
            Self::Linear { width, depth } => all(&[*width]) && all(depth),
            Self::Curvilinear {
                radius,
                sector,
                depth,
            } => all(&[*radius, *sector]) && all(depth),
            Self::Phased { sector, depth } => all(&[*sector]) && all(depth),
            Self::Raster {
                spacing,
                origin,
                fan,
                stored,
            } => {
                let [scale, shift] = stored;
                spacing.is_none_or(|s| all(&s))
                    && all(origin)
                    && fan.is_none_or(|f| all(&f))
                    && all(scale)
                    && all(shift)
            }
        }
    }

    fn read(&self) -> Result<ScanGeometry, FormProblem> {
        let turn = std::f64::consts::TAU;
        let sector_of = |sector| within("sector", sector, 0.0..=turn).map(Radians);
        Ok(match self {
            Self::Linear { width, depth } => ScanGeometry::Linear {
                width: Millimeters(within("width", *width, 0.0..=LARGEST_ARRAY)?),
                depth: depth_from(*depth)?,
            },
            Self::Curvilinear {
                radius,
                sector,
                depth,
            } => ScanGeometry::Curvilinear {
                radius: Millimeters(within("radius", *radius, 0.0..=LARGEST_ARRAY)?),
                sector: sector_of(*sector)?,
                depth: depth_from(*depth)?,
            },
            Self::Phased { sector, depth } => ScanGeometry::Phased {
                sector: sector_of(*sector)?,
                depth: depth_from(*depth)?,
            },
            Self::Raster {
                spacing,
                origin: [x, z],
                fan,
                stored: [scale, shift],
            } => {
                let outside = |what, got: String| FormProblem::Outside { what, got };
                let pixel = |[lateral, axial]: [f64; 2]| {
                    PixelSpacing::new(lateral, axial)
                        .ok_or_else(|| outside("pixel size", format!("{lateral}, {axial}")))
                };
                ScanGeometry::Raster {
                    spacing: spacing.map(pixel).transpose()?,
                    origin: ScanPoint::new(*x, *z),
                    beams: fan.map_or(Beams::Parallel, |[x, z, near, far, half]| Beams::Fan {
                        apex: ScanPoint::new(x, z),
                        near,
                        far,
                        half: Radians(half),
                    }),
                    stored: StoredGrid {
                        stored_from_scan: Affine::new(*scale, *shift)
                            .ok_or_else(|| outside("stored grid", format!("{scale:?}")))?,
                    },
                }
            }
        })
    }
}

impl Settings {
    fn of(settings: &ImagingSettings) -> Self {
        Self {
            depth: settings.depth.0,
            gain_db: settings.gain_db,
            tgc_db: settings.tgc_db,
            dynamic_range_db: settings.dynamic_range_db,
            frequency_mhz: settings.frequency_mhz,
            receive_filter_mhz: settings.receive_filter_mhz,
            frame_rate_hz: settings.frame_rate_hz,
            persistence: settings.persistence,
            gray_map: settings.gray_map,
        }
    }

    fn is_finite(&self) -> bool {
        [
            self.depth,
            self.gain_db,
            self.dynamic_range_db,
            self.frequency_mhz,
            self.persistence,
            self.receive_filter_mhz.unwrap_or_default(),
            self.frame_rate_hz.unwrap_or_default(),
        ]
        .iter()
        .chain(&self.tgc_db)
        .all(|value| value.is_finite())
    }

    /// As they were: they were within their limits when they were in force, and JSON holds no infinity.
    fn read(&self) -> ImagingSettings {
        ImagingSettings {
            depth: Millimeters(self.depth),
            gain_db: self.gain_db,
            tgc_db: self.tgc_db,
            dynamic_range_db: self.dynamic_range_db,
            frequency_mhz: self.frequency_mhz,
            receive_filter_mhz: self.receive_filter_mhz,
            frame_rate_hz: self.frame_rate_hz,
            persistence: self.persistence,
            gray_map: self.gray_map,
        }
    }
}
