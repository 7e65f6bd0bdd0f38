//! The geometry a user gives for scan lines, or for the fan in a finished picture, as a small JSON file.
use std::path::Path;

use super::ExchangeError;
use crate::frame::{DepthRange, ScanGeometry};
use crate::space::{Millimeters, Radians};

/// A geometry in words and numbers; docs/FORMATS.md describes the file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Geometry {
    /// Parallel scan lines.
    Linear {
        /// From the centre of the first line to the centre of the last, mm.
        width_mm: f64,
        /// Depth at which sampling begins, mm.
        #[serde(default)]
        near_mm: f64,
        /// Depth at which sampling ends, mm.
        far_mm: f64,
    },
    /// Scan lines at right angles to a convex face.
    Curvilinear {
        /// Radius of the probe face, mm.
        #[serde(alias = "radius_start_mm")]
        radius_mm: f64,
        /// From the first line to the last, degrees.
        sector_deg: f64,
        /// Depth below the face at which sampling begins, mm.
        #[serde(default)]
        near_mm: f64,
        /// Depth below the face at which sampling ends, mm.
        far_mm: f64,
    },
    /// Scan lines from one point.
    Phased {
        /// From the first line to the last, degrees.
        sector_deg: f64,
        /// Distance from the apex at which sampling begins, mm.
        #[serde(default)]
        near_mm: f64,
        /// Distance from the apex at which sampling ends, mm.
        far_mm: f64,
    },
    /// A curved probe in the words of the PLUS toolkit: radii from the centre of curvature, angles of both edges.
    CurvilinearRadii {
        /// Radius at which sampling begins (the probe face), mm.
        radius_start_mm: f64,
        /// Radius at which sampling ends, mm.
        radius_stop_mm: f64,
        /// Angles of the first and last line, degrees.
        theta_deg: [f64; 2],
    },
    /// A fan in a finished picture, in pixels of the stored picture (centre of the top-left pixel = 0, 0).
    Fan {
        /// Column and row where all beams meet; may lie outside the picture.
        apex_px: [f64; 2],
        /// From the apex to the probe face, in rows.
        near_px: f64,
        /// From the apex to the deepest arc, in rows.
        far_px: f64,
        /// Half the opening angle, degrees.
        half_deg: f64,
    },
}

impl Geometry {
    /// Reads a geometry file.
    pub fn read(path: &Path) -> Result<Self, ExchangeError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ExchangeError::NotReadable {
            cause,
            path: path.to_owned(),
        })?;
        Self::parse(&text)
    }

    /// Reads a geometry from JSON text and checks its figures.
    pub fn parse(text: &str) -> Result<Self, ExchangeError> {
        let geometry: Self =
            serde_json::from_str(text).map_err(|cause| ExchangeError::GeometryUnusable {
                what: format!(
                    "expected kind linear, curvilinear, curvilinear_radii, phased or fan with its figures, got: {cause}"
                ),
            })?;
        geometry.check()?;
        Ok(geometry)
    }

    /// The kind as it stands in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Curvilinear { .. } => "curvilinear",
            Self::Phased { .. } => "phased",
            Self::CurvilinearRadii { .. } => "curvilinear_radii",
            Self::Fan { .. } => "fan",
        }
    }

    /// Whether it is meant for a finished picture.
    pub fn is_for_pictures(&self) -> bool {
        matches!(self, Self::Fan { .. })
    }

    /// Checks every figure.
    pub fn check(&self) -> Result<(), ExchangeError> {
        if let Self::Fan {
            apex_px: [column, row],
            near_px,
            far_px,
            half_deg,
        } = self
        {
            within("apex_px (column)", *column, -1e5, 1e5)?;
            within("apex_px (row)", *row, -1e5, 1e5)?;
            within("near_px", *near_px, 0.0, 1e5)?;
            within("far_px", *far_px, near_px + 1.0, 1e6)?;
            return within("half_deg", *half_deg, 1.0, 100.0);
        }
        self.scan_lines().map(|_| ())
    }

    /// The geometry of scan lines.
    pub(super) fn scan_lines(&self) -> Result<ScanGeometry, ExchangeError> {
        match self {
            Self::Linear {
                width_mm,
                near_mm,
                far_mm,
            } => {
                within("width_mm", *width_mm, 1.0, 400.0)?;
                Ok(ScanGeometry::Linear {
                    width: Millimeters(*width_mm),
                    depth: depth(*near_mm, *far_mm)?,
                })
            }
            Self::Curvilinear {
                radius_mm,
                sector_deg,
                near_mm,
                far_mm,
            } => curvilinear(*radius_mm, *sector_deg, *near_mm, *far_mm),
            Self::CurvilinearRadii {
                radius_start_mm,
                radius_stop_mm,
                theta_deg: [first, last],
            } => {
                within("theta_deg (first)", *first, -100.0, 0.0)?;
                if (first + last).abs() > 1e-6 {
                    return Err(ExchangeError::GeometryUnusable {
                        what: format!(
                            "theta_deg: expected two angles that mirror each other, got {first} and {last}"
                        ),
                    });
                }
                let far = radius_stop_mm - radius_start_mm;
                curvilinear(*radius_start_mm, last - first, 0.0, far)
            }
            Self::Phased {
                sector_deg,
                near_mm,
                far_mm,
            } => {
                within("sector_deg", *sector_deg, 1.0, 180.0)?;
                Ok(ScanGeometry::Phased {
                    sector: Radians::from_degrees(*sector_deg),
                    depth: depth(*near_mm, *far_mm)?,
                })
            }
            Self::Fan { .. } => Err(ExchangeError::GeometryUnusable {
                what: "expected a geometry of scan lines, got a fan in a finished picture"
                    .to_owned(),
            }),
        }
    }
}

fn curvilinear(
    radius: f64,
    sector: f64,
    near: f64,
    far: f64,
) -> Result<ScanGeometry, ExchangeError> {
    within("radius_mm", radius, 1.0, 500.0)?;
    within("sector_deg", sector, 1.0, 200.0)?;
    Ok(ScanGeometry::Curvilinear {
        radius: Millimeters(radius),
        sector: Radians::from_degrees(sector),
        depth: depth(near, far)?,
    })
}

fn depth(near: f64, far: f64) -> Result<DepthRange, ExchangeError> {
    DepthRange::new(Millimeters(near), Millimeters(far)).ok_or_else(|| {
        ExchangeError::GeometryUnusable {
            what: format!(
                "expected depths from 0 mm on that span 1 to 400 mm, got {near} to {far}"
            ),
        }
    })
}

fn within(name: &str, figure: f64, least: f64, most: f64) -> Result<(), ExchangeError> {
    if (least..=most).contains(&figure) {
        Ok(())
    } else {
        Err(ExchangeError::GeometryUnusable {
            what: format!("{name}: expected {least} to {most}, got {figure}"),
        })
    }
}
