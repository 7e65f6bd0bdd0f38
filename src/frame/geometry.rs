//! Where the samples of a frame lie: every frame brings its own scale (H05, H06).
use crate::space::{Affine, Millimeters, Radians, Scan, ScanPoint, Stored};

/// From where to where samples were taken along a scan line, measured from the probe face.
///
/// Sample `i` of `n` stands for the middle of its cell: `near + (i + 0.5) * (far - near) / n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthRange {
    /// Depth of the near edge of the first sample's cell.
    pub near: Millimeters,
    /// Depth of the far edge of the last sample's cell.
    pub far: Millimeters,
}

impl DepthRange {
    /// The range, if it is finite, ordered and within 1 to 400 mm of extent.
    pub fn new(near: Millimeters, far: Millimeters) -> Option<Self> {
        let span = far.0 - near.0;
        (near.0.is_finite() && near.0 >= 0.0 && (1.0..=400.0).contains(&span))
            .then_some(Self { near, far })
    }

    /// Its extent.
    pub fn span(self) -> Millimeters {
        self.far - self.near
    }
}

/// Size of one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSpacing {
    /// Along a row.
    pub lateral: Millimeters,
    /// Along a column.
    pub axial: Millimeters,
}

impl PixelSpacing {
    /// The spacing, if both figures lie within 0.005 to 5 mm.
    pub fn new(lateral: f64, axial: f64) -> Option<Self> {
        let sound = |s: f64| (0.005..=5.0).contains(&s);
        (sound(lateral) && sound(axial)).then_some(Self {
            lateral: Millimeters(lateral),
            axial: Millimeters(axial),
        })
    }
}

/// The direction in which sound ran through a finished picture, in the unit of that picture
/// (millimetres, or pixels when its scale is unknown).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beams {
    /// Straight down: a linear array.
    Parallel,
    /// From a common apex: curved and phased arrays.
    Fan {
        /// Where all beams meet; above the picture for curved arrays.
        apex: ScanPoint,
        /// Radius of the probe face (0 for phased arrays).
        near: f64,
        /// Radius of the deepest arc.
        far: f64,
        /// Half the opening angle.
        half: Radians,
    },
}

/// How a stored picture maps to the internal one, so that results can be given in its own coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoredGrid {
    /// Internal coordinates (mm, or px without a scale) to the coordinates of the stored picture.
    pub stored_from_scan: Affine<Scan, Stored>,
}

/// The geometry of a frame. Lines run from the unmarked side (first) to the marked side (last).
#[derive(Clone, Debug, PartialEq)]
pub enum ScanGeometry {
    /// Parallel scan lines.
    Linear {
        /// From the centre of the first line to the centre of the last.
        width: Millimeters,
        /// Depths sampled.
        depth: DepthRange,
    },
    /// Scan lines at right angles to a convex face.
    Curvilinear {
        /// Radius of the probe face.
        radius: Millimeters,
        /// From the first line to the last.
        sector: Radians,
        /// Depths sampled, from the face.
        depth: DepthRange,
    },
    /// Scan lines from one point.
    Phased {
        /// From the first line to the last.
        sector: Radians,
        /// Depths sampled, from the apex.
        depth: DepthRange,
    },
    /// A finished picture.
    Raster {
        /// Pixel size; `None` means the scale is unknown: no millimetres, no path.
        spacing: Option<PixelSpacing>,
        /// Centre of the top-left pixel of the internal (`MF`) picture, mm (0, 0 without a scale).
        origin: ScanPoint,
        /// How sound ran through it.
        beams: Beams,
        /// The way back to the stored picture.
        stored: StoredGrid,
    },
}

impl ScanGeometry {
    /// Whether lengths can be given in millimetres.
    pub fn has_scale(&self) -> bool {
        match self {
            Self::Linear { .. } | Self::Curvilinear { .. } | Self::Phased { .. } => true,
            Self::Raster { spacing, .. } => spacing.is_some(),
        }
    }

    /// Depth range of the scan lines; `None` for finished pictures.
    pub fn depth(&self) -> Option<DepthRange> {
        match self {
            Self::Linear { depth, .. }
            | Self::Curvilinear { depth, .. }
            | Self::Phased { depth, .. } => Some(*depth),
            Self::Raster { .. } => None,
        }
    }

    /// How sound runs, in millimetres from the middle of the probe face.
    pub fn beams(&self) -> Beams {
        let fan = |radius: f64, sector: Radians, depth: &DepthRange| Beams::Fan {
            apex: ScanPoint::new(0.0, -radius),
            near: radius + depth.near.0,
            far: radius + depth.far.0,
            half: sector / 2.0,
        };
        match self {
            Self::Linear { .. } => Beams::Parallel,
            Self::Curvilinear {
                radius,
                sector,
                depth,
            } => fan(radius.0, *sector, depth),
            Self::Phased { sector, depth } => fan(0.0, *sector, depth),
            Self::Raster { beams, .. } => *beams,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_scales_are_refused() {
        assert!(PixelSpacing::new(0.15, 0.15).is_some());
        for bad in [0.0, -0.1, f64::NAN, f64::INFINITY, 50.0] {
            assert!(PixelSpacing::new(bad, 0.15).is_none());
        }
        assert!(DepthRange::new(Millimeters(0.0), Millimeters(60.0)).is_some());
        assert!(DepthRange::new(Millimeters(60.0), Millimeters(0.0)).is_none());
        assert!(DepthRange::new(Millimeters(0.0), Millimeters(f64::NAN)).is_none());
    }
}
