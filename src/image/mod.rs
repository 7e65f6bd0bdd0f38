//! Frame to picture: the fixed order of steps that makes a [`ScanImage`] from a [`Frame`].
//!
//! Pure: no I/O, no clock, no thread; it cannot fail. A picture always has square pixels (H06). Filters are off
//! by default (H33). It does not know what is in the picture.
mod bilinear;
mod brightness;
mod chain;
mod fan;
mod fan_face;
mod fan_watch;
mod gray_map;
mod outline;
mod persistence;
mod picture_grid;
mod resample;
mod scan_convert;
mod separable;
mod simd;

use std::sync::Arc;

pub use chain::ImageChain;
pub use fan::{FanInPicture, recognise_fan};
pub use fan_watch::FanWatch;
pub use gray_map::display_table;
pub use picture_grid::PictureSize;
pub use resample::Resampler;
pub use scan_convert::ScanConverter;

use crate::clock::Timestamp;
use crate::frame::{Beams, FrameId, Origin};
use crate::space::{Affine, Pixel, PixelPoint, Scan, ScanPoint, Stored};

/// What the numbers of a picture's coordinates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum LengthUnit {
    /// Millimetres.
    #[serde(rename = "mm")]
    Millimeters,
    /// Pixels of the picture: its scale is unknown, so no path can be given.
    #[serde(rename = "px")]
    Pixels,
}

/// A formed picture: `rows * columns` grey values, row by row from the probe downward, 0 outside the fan.
#[derive(Clone, Debug)]
pub struct ScanImage {
    /// The frame it was formed from.
    pub frame: FrameId,
    /// When that frame was captured.
    pub captured_at: Timestamp,
    /// The source's own time of that frame in seconds.
    pub source_seconds: Option<f64>,
    /// Where that frame came from.
    pub origin: Origin,
    /// Width in pixels.
    pub columns: usize,
    /// Height in pixels.
    pub rows: usize,
    /// Grey values before the display's grey map.
    pub pixels: Arc<Vec<u8>>,
    /// Unit of [`Self::pitch`], [`Self::scan_from_pixel`] and [`Self::beams`].
    pub unit: LengthUnit,
    /// Edge of one (square) pixel; 1 when the unit is pixels.
    pub pitch: f64,
    /// Pixel coordinates to millimetres (or to pixels of the internal picture without a scale).
    pub scan_from_pixel: Affine<Pixel, Scan>,
    /// How sound ran through the picture.
    pub beams: Beams,
    /// The way to the coordinates of the stored picture; identity for frames of scan lines.
    pub stored_from_scan: Affine<Scan, Stored>,
}

impl ScanImage {
    /// Grey value at a column and row; `None` outside.
    pub fn at(&self, column: usize, row: usize) -> Option<u8> {
        if column >= self.columns {
            return None;
        }
        self.pixels.get(row * self.columns + column).copied()
    }

    /// The pixel (fractional) that shows a point.
    pub fn pixel_of(&self, point: ScanPoint) -> PixelPoint {
        self.scan_from_pixel.inverse().apply(point)
    }

    /// The point shown by a pixel.
    pub fn point_of(&self, pixel: PixelPoint) -> ScanPoint {
        self.scan_from_pixel.apply(pixel)
    }
}
