//! Tissue as point scatterers fixed in the patient: gathered in the slice around the picture plane and added up
//! with their phase, so that speckle moves with the tissue and changes when the slice leaves it.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel: indices are checked once a scatterer, tables have fixed sizes"
)]
use super::array::{ArrayKind, ELEVATION_SIGMA, Grid};
use super::pose::{Placement, Vector};
use super::random::{Random, mix};

/// Different cells of 1 mm edge; each place in the patient takes one by its position.
const CELLS: usize = 512;
const WAVES: usize = 1024;
/// Steps of the elevation weight a millimetre, and its extent.
const WEIGHT_STEPS: f64 = 64.0;
const SLAB: f64 = 2.0 * ELEVATION_SIGMA;

#[derive(Clone, Copy, Debug, Default)]
struct Offset {
    x: f32,
    e: f32,
    z: f32,
}

/// The scatterers, ready to be gathered for one grid.
#[derive(Clone, Debug)]
pub(super) struct Scatterers {
    seed: u64,
    a_cell: usize,
    cells: Vec<[f64; 3]>,
    turned: Vec<Offset>,
    waves: Vec<[f32; 2]>,
    weights: Vec<f32>,
    /// For each sample, what brings the mean square of the sum to 1.
    norm: Vec<f32>,
}

impl Scatterers {
    pub(super) fn new(seed: u64, grid: &Grid) -> Self {
        let area = grid.pitch(0.5 * grid.depth()) * grid.lines as f64 * grid.depth();
        // About 170,000 in the slab: enough in every resolution cell for fully developed speckle.
        let a_cell = (170_000.0 / (area * 2.0 * SLAB)).round().clamp(4.0, 24.0) as usize;
        let mut random = Random::new(seed, 11);
        let cells: Vec<[f64; 3]> = (0..CELLS * a_cell)
            .map(|_| [random.unit(), random.unit(), random.unit()])
            .collect();
        let waves = (0..WAVES)
            .map(|i| {
                let angle = std::f64::consts::TAU * i as f64 / WAVES as f64;
                [angle.cos() as f32, -angle.sin() as f32]
            })
            .collect();
        let weight = |e: f64| (-0.5 * (e / ELEVATION_SIGMA).powi(2)).exp();
        let weights: Vec<f32> = (0..(SLAB * WEIGHT_STEPS) as usize)
            .map(|i| weight((i as f64 + 0.5) / WEIGHT_STEPS) as f32)
            .collect();
        let energy: f64 = weights.iter().map(|w| f64::from(*w).powi(2)).sum();
        let slab_energy = 2.0 * energy / WEIGHT_STEPS;
        let norm = (0..grid.samples)
            .map(|s| {
                let cell = grid.pitch(grid.depth_of(s)) * grid.step;
                (1.0 / (a_cell as f64 * cell * slab_energy).sqrt()) as f32
            })
            .collect();
        Self {
            seed,
            a_cell,
            turned: vec![Offset::default(); cells.len()],
            cells,
            waves,
            weights,
            norm,
        }
    }

    /// What brings a gathered field to unit mean square, for each sample.
    pub(super) fn norm(&self) -> &[f32] {
        &self.norm
    }

    /// Adds all scatterers of the slice into `field` (padded lines of `samples` complex numbers).
    pub(super) fn gather(&mut self, grid: &Grid, place: &Placement, field: &mut [f32]) {
        field.fill(0.0);
        self.turn(place);
        let bounds = Bounds::of(grid, place);
        let along_x = place.elevation.y.abs() >= place.elevation.x.abs();
        let [least, most] = if along_x { bounds.x } else { bounds.y };
        let [major_e, minor_e] = if along_x {
            [place.elevation.x, place.elevation.y]
        } else {
            [place.elevation.y, place.elevation.x]
        };
        let [major_o, minor_o] = if along_x {
            [place.origin.x, place.origin.y]
        } else {
            [place.origin.y, place.origin.x]
        };
        let half = SLAB + 0.75;
        for major in least..most {
            let off = (major as f64 + 0.5 - major_o) * major_e;
            let a = (-half - off) / minor_e + minor_o - 0.5;
            let b = (half - off) / minor_e + minor_o - 0.5;
            let (first, last) = (a.min(b).ceil() as i64, a.max(b).floor() as i64);
            for minor in first..=last {
                let column = if along_x {
                    [major, minor]
                } else {
                    [minor, major]
                };
                self.gather_column(grid, place, column, bounds.z, field);
            }
        }
    }

    fn turn(&mut self, place: &Placement) {
        for (to, from) in self.turned.iter_mut().zip(&self.cells) {
            let [x, y, z] = *from;
            let offset = Vector::new(x, y, z * place.squeeze);
            *to = Offset {
                x: offset.dot(place.lateral) as f32,
                e: offset.dot(place.elevation) as f32,
                z: offset.dot(place.axial) as f32,
            };
        }
    }

    fn gather_column(
        &self,
        grid: &Grid,
        place: &Placement,
        column: [i64; 2],
        deep: [i64; 2],
        field: &mut [f32],
    ) {
        let [ix, iy] = column;
        let gather = match grid.kind {
            ArrayKind::Linear { .. } => Self::gather_straight,
            ArrayKind::Curved { .. } => Self::gather_fan,
        };
        let near = (grid.rays[0], grid.rays[grid.rays.len() - 1]);
        let margin = 1.0;
        for iz in deep[0]..deep[1] {
            let corner = Vector::new(ix as f64, iy as f64, iz as f64 * place.squeeze);
            let middle = corner.plus(Vector::new(0.5, 0.5, 0.5 * place.squeeze), 1.0);
            let seen = place.to_scan(middle);
            let beside_left = (seen.x - near.0.x) * near.0.dz - (seen.z - near.0.z) * near.0.dx;
            let beside_right = (seen.x - near.1.x) * near.1.dz - (seen.z - near.1.z) * near.1.dx;
            if beside_left < -margin || beside_right > margin {
                continue;
            }
            let key = (ix as u64).wrapping_mul(0x9E37_79B1)
                ^ (iy as u64).wrapping_mul(0x85EB_CA77_0000_0001)
                ^ (iz as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
            let cell = (mix(self.seed ^ key) as usize) % CELLS;
            let from = place.to_scan(corner);
            let offsets = &self.turned[cell * self.a_cell..(cell + 1) * self.a_cell];
            gather(self, grid, from, offsets, field);
        }
    }

    fn gather_straight(&self, grid: &Grid, from: Vector, offsets: &[Offset], field: &mut [f32]) {
        let pitch = grid.pitch(0.0);
        let first = grid.rays[0].x;
        let (base_line, per_mm) = (
            ((from.x - first) / pitch + 0.5) as f32,
            (1.0 / pitch) as f32,
        );
        let (base_z, per_step) = ((from.z / grid.step) as f32, (1.0 / grid.step) as f32);
        // 64 whole turns keep the phase positive whatever the offset
        let base_phase = 64.0 + (2.0 * from.z / grid.wavelength).rem_euclid(1.0) as f32;
        let per_wave = (2.0 / grid.wavelength) as f32;
        let base_e = from.y as f32;
        for offset in offsets {
            let line = base_line + offset.x * per_mm;
            let sample = base_z + offset.z * per_step;
            let phase = base_phase + offset.z * per_wave;
            self.add(grid, [line, sample, phase, base_e + offset.e], field);
        }
    }

    fn gather_fan(&self, grid: &Grid, from: Vector, offsets: &[Offset], field: &mut [f32]) {
        let ArrayKind::Curved {
            radius_mm,
            sector_deg,
        } = grid.kind
        else {
            return;
        };
        let gaps = (grid.lines - 1).max(1) as f64;
        let per_radian = (gaps / sector_deg.to_radians()) as f32;
        let middle = (0.5 * gaps + grid.guard as f64 + 0.5) as f32;
        let (base_x, base_z) = (from.x as f32, (from.z + radius_mm) as f32);
        let radius = radius_mm as f32;
        let per_step = (1.0 / grid.step) as f32;
        let per_wave = (2.0 / grid.wavelength) as f32;
        let base_e = from.y as f32;
        for offset in offsets {
            let x = base_x + offset.x;
            let z = base_z + offset.z;
            let t = x / z;
            let t2 = t * t;
            // arctangent by its series; good to 1e-4 within a sector of 70 degrees
            let angle = t * (1.0 - t2 * (1.0 / 3.0 - t2 * (0.2 - t2 * (1.0 / 7.0 - t2 / 9.0))));
            let r = (x * x + z * z).sqrt() - radius;
            let line = middle + angle * per_radian;
            self.add(
                grid,
                [line, r * per_step, r * per_wave, base_e + offset.e],
                field,
            );
        }
    }

    /// Adds one scatterer given by line (rounding included), sample, phase in turns and elevation in mm.
    #[inline]
    fn add(&self, grid: &Grid, at: [f32; 4], field: &mut [f32]) {
        let [line, sample, phase, e] = at;
        if line < 0.0 || sample < 0.0 {
            return;
        }
        // casts to 32 bits are much cheaper than to 64
        let (line, sample) = (line as i32 as usize, sample as i32 as usize);
        let step = (e.abs() * WEIGHT_STEPS as f32) as i32 as usize;
        if line >= grid.rays.len() || sample >= grid.samples || step >= self.weights.len() {
            return;
        }
        let [cos, sin] = self.waves[(phase * WAVES as f32) as i32 as usize % WAVES];
        let weight = self.weights[step];
        let target = 2 * (line * grid.samples + sample);
        field[target] += weight * cos;
        field[target + 1] += weight * sin;
    }
}

/// Cells of the patient that the picture can reach.
struct Bounds {
    x: [i64; 2],
    y: [i64; 2],
    z: [i64; 2],
}

impl Bounds {
    fn of(grid: &Grid, place: &Placement) -> Self {
        let mut low = Vector::new(f64::MAX, f64::MAX, f64::MAX);
        let mut high = Vector::new(f64::MIN, f64::MIN, f64::MIN);
        for index in [0, grid.rays.len() / 2, grid.rays.len() - 1] {
            let ray = grid.rays[index];
            for r in [0.0, grid.depth()] {
                let point = place.to_patient(ray.x + ray.dx * r, 0.0, ray.z + ray.dz * r);
                low = Vector::new(low.x.min(point.x), low.y.min(point.y), low.z.min(point.z));
                high = Vector::new(
                    high.x.max(point.x),
                    high.y.max(point.y),
                    high.z.max(point.z),
                );
            }
        }
        let range = |a: f64, b: f64| [(a - 1.5).floor() as i64, (b + 1.5).ceil() as i64];
        Self {
            x: range(low.x, high.x),
            y: range(low.y, high.y),
            z: range(low.z / place.squeeze, high.z / place.squeeze),
        }
    }
}
