//! The transducer: linear or curved array, its scan lines and how sharply it sees.
#![expect(
    clippy::indexing_slicing,
    reason = "kernel tables are filled by the loops that size them"
)]
use crate::frame::{DepthRange, ScanGeometry};
use crate::space::{Millimeters, Radians};

/// Speed of sound every scanner assumes, m/s.
pub(super) const ASSUMED_SPEED: f64 = 1540.0;

/// The kind of array.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ArrayKind {
    /// A flat array.
    Linear {
        /// From the first line to the last, mm.
        width_mm: f64,
    },
    /// A convex array.
    Curved {
        /// Radius of the face, mm.
        radius_mm: f64,
        /// From the first line to the last, degrees.
        sector_deg: f64,
    },
}

impl ArrayKind {
    /// The word for truth files: `linear` or `curved`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Curved { .. } => "curved",
        }
    }

    /// The frame's geometry at a depth setting in mm.
    pub(super) fn geometry(self, depth_mm: f64) -> ScanGeometry {
        let depth = DepthRange {
            near: Millimeters(0.0),
            far: Millimeters(depth_mm),
        };
        match self {
            Self::Linear { width_mm } => ScanGeometry::Linear {
                width: Millimeters(width_mm),
                depth,
            },
            Self::Curved {
                radius_mm,
                sector_deg,
            } => ScanGeometry::Curvilinear {
                radius: Millimeters(radius_mm),
                sector: Radians::from_degrees(sector_deg),
                depth,
            },
        }
    }

    /// Frequencies it can work at, MHz.
    pub(super) fn band(self) -> [f64; 2] {
        match self {
            Self::Linear { .. } => [3.0, 12.0],
            Self::Curved { .. } => [2.0, 6.0],
        }
    }
}

/// One scan line in the Scan space: where it starts on the probe face and where it goes (a unit vector).
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) x: f64,
    pub(super) z: f64,
    pub(super) dx: f64,
    pub(super) dz: f64,
}

/// The grid on which echoes are gathered: the frame's lines with a few guard lines on either side, so that the
/// picture's edge is as bright as its middle.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) kind: ArrayKind,
    /// Lines delivered.
    pub(super) lines: usize,
    /// Guard lines on each side.
    pub(super) guard: usize,
    /// Samples a line.
    pub(super) samples: usize,
    /// Spacing of samples, mm.
    pub(super) step: f64,
    /// Wavelength, mm.
    pub(super) wavelength: f64,
    /// Frequency, MHz.
    pub(super) frequency: f64,
    /// All lines, guards included.
    pub(super) rays: Vec<Line>,
    /// Axial kernel, of unit energy.
    pub(super) axial: Vec<f32>,
    /// Lateral kernel for each offset, then each sample twice (real and imaginary part), of unit energy.
    pub(super) lateral: Vec<f32>,
    /// Lateral half-width in lines.
    pub(super) reach: usize,
}

/// Standard deviation of the slice across the plane, mm.
pub(super) const ELEVATION_SIGMA: f64 = 0.95;

impl Grid {
    pub(super) fn new(kind: ArrayKind, size: [usize; 2], depth_mm: f64, frequency: f64) -> Self {
        let [lines, samples] = size;
        let guard = 9;
        let wavelength = ASSUMED_SPEED / frequency / 1000.0;
        let mut grid = Self {
            kind,
            lines,
            guard,
            samples,
            step: depth_mm / samples as f64,
            wavelength,
            frequency,
            rays: Vec::new(),
            axial: Vec::new(),
            lateral: Vec::new(),
            reach: 0,
        };
        grid.rays = (0..lines + 2 * guard).map(|l| grid.ray(l)).collect();
        grid.axial = grid.axial_kernel();
        grid.fill_lateral_kernel();
        grid
    }

    fn ray(&self, padded: usize) -> Line {
        let share = (padded as f64 - self.guard as f64) / (self.lines - 1).max(1) as f64 - 0.5;
        match self.kind {
            ArrayKind::Linear { width_mm } => Line {
                x: share * width_mm,
                z: 0.0,
                dx: 0.0,
                dz: 1.0,
            },
            ArrayKind::Curved {
                radius_mm,
                sector_deg,
            } => {
                let (sin, cos) = (share * sector_deg).to_radians().sin_cos();
                Line {
                    x: radius_mm * sin,
                    z: radius_mm * cos - radius_mm,
                    dx: sin,
                    dz: cos,
                }
            }
        }
    }

    /// Depth of a sample along its line, mm.
    pub(super) fn depth_of(&self, sample: usize) -> f64 {
        (sample as f64 + 0.5) * self.step
    }

    /// Deepest point of a line, mm.
    pub(super) fn depth(&self) -> f64 {
        self.step * self.samples as f64
    }

    /// Distance between neighbouring lines at depth `r`, mm.
    pub(super) fn pitch(&self, r: f64) -> f64 {
        let gaps = (self.lines - 1).max(1) as f64;
        match self.kind {
            ArrayKind::Linear { width_mm } => width_mm / gaps,
            ArrayKind::Curved {
                radius_mm,
                sector_deg,
            } => sector_deg.to_radians() / gaps * (radius_mm + r),
        }
    }

    /// Standard deviation of the beam across the line at depth `r`, mm: f-number 1.8 at best, a 20 mm aperture,
    /// widening away from the focus in the middle of the picture.
    pub(super) fn beam_sigma(&self, r: f64) -> f64 {
        let focus = 0.5 * self.depth();
        let off = (r - focus) / focus.max(1.0);
        0.425 * self.wavelength * (r / 20.0).max(1.8) * (1.0 + 0.5 * off * off)
    }

    /// Standard deviation of the pulse along the line, mm (1.2 wavelengths wide at half height).
    pub(super) fn pulse_sigma(&self) -> f64 {
        0.51 * self.wavelength
    }

    fn axial_kernel(&self) -> Vec<f32> {
        let sigma = (self.pulse_sigma() / self.step).max(0.6);
        let reach = ((3.0 * sigma).ceil() as usize).clamp(2, 24);
        unit_energy(sigma, reach)
    }

    fn fill_lateral_kernel(&mut self) {
        let sigma_of = |r: f64| (self.beam_sigma(r) / self.pitch(r)).max(0.5);
        let widest = (0..self.samples)
            .map(|s| sigma_of(self.depth_of(s)))
            .fold(0.0, f64::max);
        let reach = ((2.6 * widest).ceil() as usize).clamp(2, self.guard);
        let mut table = vec![0.0; (2 * reach + 1) * 2 * self.samples];
        for s in 0..self.samples {
            let kernel = unit_energy(sigma_of(self.depth_of(s)), reach);
            for (t, weight) in kernel.iter().enumerate() {
                let at = t * 2 * self.samples + 2 * s;
                table[at] = *weight;
                table[at + 1] = *weight;
            }
        }
        self.reach = reach;
        self.lateral = table;
    }

    /// The line (fractional, without guards) and depth along it of a point in the Scan space.
    pub(super) fn locate(&self, x: f64, z: f64) -> [f64; 2] {
        let gaps = (self.lines - 1).max(1) as f64;
        match self.kind {
            ArrayKind::Linear { width_mm } => [(x / width_mm + 0.5) * gaps, z],
            ArrayKind::Curved {
                radius_mm,
                sector_deg,
            } => {
                let angle = x.atan2(z + radius_mm);
                let r = x.hypot(z + radius_mm) - radius_mm;
                [(angle / sector_deg.to_radians() + 0.5) * gaps, r]
            }
        }
    }

    /// Whether the picture shows a point of the Scan space.
    pub(super) fn shows(&self, x: f64, z: f64) -> bool {
        let [line, r] = self.locate(x, z);
        (0.0..=(self.lines - 1) as f64).contains(&line) && (0.0..=self.depth()).contains(&r)
    }
}

fn unit_energy(sigma: f64, reach: usize) -> Vec<f32> {
    let raw: Vec<f64> = (0..=2 * reach)
        .map(|i| {
            let d = (i as f64 - reach as f64) / sigma;
            (-0.5 * d * d).exp()
        })
        .collect();
    let energy = raw.iter().map(|k| k * k).sum::<f64>().sqrt();
    raw.iter().map(|k| (k / energy) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_found_on_the_line_that_passes_through_it() {
        let curved = ArrayKind::Curved {
            radius_mm: 60.0,
            sector_deg: 60.0,
        };
        for kind in [ArrayKind::Linear { width_mm: 40.0 }, curved] {
            let grid = Grid::new(kind, [192, 512], 60.0, 5.0);
            for padded in [9, 57, 120, 200] {
                let ray = grid.rays[padded];
                let r = 33.0;
                let [line, depth] = grid.locate(ray.x + ray.dx * r, ray.z + ray.dz * r);
                assert!((line - (padded as f64 - 9.0)).abs() < 1e-6);
                assert!((depth - r).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn kernels_keep_the_energy_of_speckle() {
        let grid = Grid::new(ArrayKind::Linear { width_mm: 40.0 }, [192, 512], 50.0, 5.0);
        let energy: f32 = grid.axial.iter().map(|k| k * k).sum();
        assert!((energy - 1.0).abs() < 1e-4);
        let taps = 2 * grid.reach + 1;
        for s in [0, 200, 511] {
            let energy: f32 = (0..taps)
                .map(|t| grid.lateral[t * 1024 + 2 * s].powi(2))
                .sum();
            assert!((energy - 1.0).abs() < 1e-4);
        }
    }
}
