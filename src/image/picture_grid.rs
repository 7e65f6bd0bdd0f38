//! Where the square pixels of a formed picture lie in millimetres.
use crate::frame::{Beams, ScanGeometry};
use crate::space::{Affine, Pixel, Scan};

/// The largest picture that may be formed; a picture keeps its shape inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// Most pixels in a row.
    pub columns: usize,
    /// Most rows.
    pub rows: usize,
}

impl Default for PictureSize {
    fn default() -> Self {
        Self {
            columns: 800,
            rows: 600,
        }
    }
}

/// A grid of square pixels: so many columns and rows of one pitch from a corner on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PictureGrid {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Edge of a pixel, mm.
    pub(super) pitch: f64,
    pub(super) scan_from_pixel: Affine<Pixel, Scan>,
}

/// Edges of an area in millimetres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// The smallest area around all scan lines; `None` for finished pictures and for figures without sense.
    pub(super) fn around(geometry: &ScanGeometry) -> Option<Self> {
        let depth = geometry.depth()?;
        let area = match geometry {
            ScanGeometry::Linear { width, .. } => Self {
                left: -width.0 / 2.0,
                right: width.0 / 2.0,
                top: depth.near.0,
                bottom: depth.far.0,
            },
            ScanGeometry::Curvilinear { .. }
            | ScanGeometry::Phased { .. }
            | ScanGeometry::Raster { .. } => match geometry.beams() {
                Beams::Fan {
                    apex,
                    near,
                    far,
                    half,
                } => {
                    if !(half.0 > 0.0 && half.0 < std::f64::consts::PI && near >= 0.0) {
                        return None;
                    }
                    // Beyond 90 degrees to a side the fan is widest at the height of its apex, and its highest
                    // point is the end of the deepest arc.
                    let reach = far * half.0.min(std::f64::consts::FRAC_PI_2).sin();
                    let cos = half.0.cos();
                    Self {
                        left: apex.x - reach,
                        right: apex.x + reach,
                        top: apex.z + (near * cos).min(far * cos),
                        bottom: apex.z + far,
                    }
                }
                Beams::Parallel => return None,
            },
        };
        area.is_sound().then_some(area)
    }

    fn is_sound(&self) -> bool {
        let sound = |extent: f64| extent.is_finite() && extent > 1e-3 && extent < 1e4;
        sound(self.right - self.left) && sound(self.bottom - self.top)
    }
}

impl PictureGrid {
    /// The grid that covers an area with the smallest pixels that still fit into `size`, but none smaller than `least`.
    pub(super) fn covering(area: Area, size: PictureSize, least: f64) -> Option<Self> {
        let width = area.right - area.left;
        let height = area.bottom - area.top;
        let (most_columns, most_rows) = (size.columns.max(2), size.rows.max(2));
        let pitch = (width / most_columns as f64)
            .max(height / most_rows as f64)
            .max(least);
        let count = |extent: f64, most: usize| ((extent / pitch).round() as usize).clamp(1, most);
        let columns = count(width, most_columns);
        let rows = count(height, most_rows);
        // Pixels lie evenly around the middle of the area: at most half a pixel is lost or gained in all.
        let first_x = f64::midpoint(area.left, area.right) - pitch * (columns - 1) as f64 / 2.0;
        let first_z = f64::midpoint(area.top, area.bottom) - pitch * (rows - 1) as f64 / 2.0;
        let scan_from_pixel = Affine::new([pitch, pitch], [first_x, first_z])?;
        Some(Self {
            columns,
            rows,
            pitch,
            scan_from_pixel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::DepthRange;
    use crate::space::{Millimeters, PixelPoint, Radians};

    fn depth(near: f64, far: f64) -> DepthRange {
        DepthRange::new(Millimeters(near), Millimeters(far)).expect("sound")
    }

    #[test]
    fn a_curved_picture_begins_at_the_ends_of_the_probe_face() {
        let geometry = ScanGeometry::Curvilinear {
            radius: Millimeters(60.0),
            sector: Radians::from_degrees(60.0),
            depth: depth(0.0, 80.0),
        };
        let area = Area::around(&geometry).expect("a fan");
        assert!((area.top - (60.0 * 30.0_f64.to_radians().cos() - 60.0)).abs() < 1e-9);
        assert!((area.bottom - 80.0).abs() < 1e-9);
        assert!((area.right - 70.0).abs() < 1e-9);
        let grid = PictureGrid::covering(area, PictureSize::default(), 0.0).expect("fits");
        assert!(grid.columns <= 800 && grid.rows <= 600);
        assert!(grid.columns == 800 || grid.rows == 600);
        let middle = (grid.columns - 1) as f64 / 2.0;
        let center = grid.scan_from_pixel.apply(PixelPoint::new(middle, 0.0));
        assert!(center.x.abs() < 1e-9);
        assert!((center.z - area.top).abs() <= grid.pitch);
    }

    #[test]
    fn figures_without_sense_give_no_area() {
        for width in [f64::NAN, 0.0, -4.0, f64::INFINITY] {
            let geometry = ScanGeometry::Linear {
                width: Millimeters(width),
                depth: depth(0.0, 50.0),
            };
            assert!(Area::around(&geometry).is_none(), "{width}");
        }
        for sector in [f64::NAN, 0.0, 7.0] {
            let geometry = ScanGeometry::Phased {
                sector: Radians(sector),
                depth: depth(0.0, 50.0),
            };
            assert!(Area::around(&geometry).is_none(), "{sector}");
        }
    }
}
