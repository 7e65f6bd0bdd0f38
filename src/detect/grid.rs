//! The picture resampled along its beams: the one form in which everything below reads it.
//!
//! Shadows, ring-down and copies of metal run along beams, so a column of this grid is one beam, whether the
//! array is linear or curved. Lengths are analysis millimetres: true ones when the picture has a scale, else
//! pixels times a nominal factor, so that the same windows serve both.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the sizes set in `shape`"
)]
use crate::frame::Beams;
use crate::image::{LengthUnit, Resampler, ScanImage};

/// Axial distance of two samples, mm.
pub(super) const AXIAL_MM: f64 = 0.15;
/// Lateral distance of two beams in the middle of the picture, mm.
const LATERAL_MM: f64 = 0.3;
/// Least range of a row of tissue, mm: above lies the skin's own echo.
const SKIN_MM: f64 = 1.5;
/// Deepest range read, mm: no refill needle reaches further.
const DEEPEST_MM: f64 = 90.0;
/// Most beams and most samples a grid may have: bounds time and memory for any picture.
const MOST_BEAMS: usize = 320;
const MOST_SAMPLES: usize = 600;
/// Height in millimetres that a picture without a scale is taken to show, for window sizes only.
const NOMINAL_HEIGHT_MM: f64 = 46.0;

/// A straight line `z = z0 + slope * (x - pivot)`, analysis mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub pivot: f64,
    pub z0: f64,
    pub slope: f64,
}

impl Line {
    pub(super) fn z_at(&self, x: f64) -> f64 {
        self.z0 + self.slope * (x - self.pivot)
    }
}

/// One beam: where it starts, where it goes, and which of its samples lie inside the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Beam {
    pub ox: f64,
    pub oz: f64,
    pub dx: f64,
    pub dz: f64,
    pub first: usize,
    pub last: usize,
}

/// Grey levels along beams, beam by beam, with running sums for window means.
#[derive(Debug, Default)]
pub(super) struct BeamGrid {
    pub beams: Vec<Beam>,
    pub samples: usize,
    /// Axial distance of samples, analysis mm.
    pub step: f64,
    /// Samples a millimetre.
    per_step: f64,
    /// Lateral distance of beams in the middle of the picture, analysis mm.
    pub pitch: f64,
    /// Analysis mm per unit of the picture.
    pub scale: f64,
    /// Middle of the picture's width, analysis mm.
    pub middle: f64,
    /// Level that one sample in 150 below the skin exceeds.
    pub brightest: f32,
    /// Least rise of an edge: what speckle of this picture reaches, less in black water.
    pub edge_least: f32,
    level: Vec<f32>,
    sums: Vec<f32>,
    /// Rise of the echo at every sample: the mean of the next [`BELOW_MM`] less that above it.
    rise: Vec<f32>,
    /// Grey levels as read from the picture, several rows a beam where its pixels are finer than the grid.
    raw: Vec<u8>,
    reading: Option<Reading>,
    windows: Windows,
}

/// Windows of an edge, mm: how much below it counts, how much is left out above it, and how much counts above that.
pub(super) const BELOW_MM: f64 = 0.45;
const GAP_MM: f64 = 0.15;
const ABOVE_MM: f64 = 0.6;

/// The same in samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Windows {
    pub below: usize,
    pub gap: usize,
    pub above: usize,
}

impl Windows {
    /// Windows of these lengths, mm, at samples `step` mm apart.
    pub(super) fn of(below: f64, gap: f64, above: f64, step: f64) -> Self {
        let count = |mm: f64| (mm / step).round() as usize;
        Self {
            below: count(below).max(1),
            gap: count(gap),
            above: count(above).max(1),
        }
    }
}

/// Where the samples of pictures of one geometry lie, worked out once.
#[derive(Debug)]
struct Reading {
    of: Geometry,
    table: Resampler,
    /// Rows of the table for each beam: so many beside each other times so many along it.
    finer: usize,
}

/// What the places of the samples hang on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Geometry {
    pixels: (usize, usize),
    scale: [f64; 2],
    shift: [f64; 2],
    unit: LengthUnit,
    beams: Beams,
}

impl Geometry {
    fn of(image: &ScanImage) -> Self {
        Self {
            pixels: (image.columns, image.rows),
            scale: image.scan_from_pixel.scale(),
            shift: image.scan_from_pixel.shift(),
            unit: image.unit,
            beams: image.beams,
        }
    }
}

impl BeamGrid {
    /// Reads a picture into the grid. `false` when it is too small to hold anything.
    pub(super) fn read(&mut self, image: &ScanImage) -> bool {
        if image.columns < 16
            || image.rows < 16
            || image.pixels.len() < image.columns * image.rows
            || !image.pitch.is_finite()
        {
            return false;
        }
        let geometry = Geometry::of(image);
        if self.reading.as_ref().is_none_or(|r| r.of != geometry) {
            self.reading = self.place(image, geometry);
        }
        let Some(reading) = self.reading.take() else {
            return false;
        };
        self.fill(image, &reading);
        self.reading = Some(reading);
        let (middle, brightest) = self.levels_below(5.0);
        self.brightest = brightest;
        self.edge_least = 4.0 + 12.0 * (middle / 30.0).min(1.0);
        true
    }

    /// Lays the beams out. Returns `false` for a picture without extent.
    fn shape(&mut self, image: &ScanImage, edge: f64) -> bool {
        let [sx, sz] = image.scan_from_pixel.scale().map(|s| s * self.scale);
        let [tx, tz] = image.scan_from_pixel.shift().map(|s| s * self.scale);
        let (x0, x1) = span(tx, sx, image.columns);
        let (z0, z1) = span(tz, sz, image.rows);
        self.middle = f64::midpoint(x0, x1);
        self.beams.clear();
        let (depth, count);
        match image.beams {
            Beams::Parallel => {
                depth = z1 - z0;
                self.pitch = LATERAL_MM.max((x1 - x0) / (MOST_BEAMS - 1) as f64);
                count = ((x1 - x0) / self.pitch) as usize + 1;
                let start = self.middle - (count - 1) as f64 * self.pitch / 2.0;
                for i in 0..count {
                    self.beams.push(Beam {
                        ox: start + i as f64 * self.pitch,
                        oz: z0,
                        dx: 0.0,
                        dz: 1.0,
                        first: 0,
                        last: 0,
                    });
                }
            }
            Beams::Fan {
                apex,
                near,
                far,
                half,
            } => {
                let (near, far) = (near * self.scale, far * self.scale);
                let (ax, az) = (apex.x * self.scale, apex.z * self.scale);
                let half = half.0.abs().min(1.4);
                depth = far - near;
                let mid = near + depth.min(DEEPEST_MM) * 0.5;
                let arc = 2.0 * half * mid;
                if !(arc.is_finite() && arc > 1.0 && near.is_finite()) {
                    return false;
                }
                self.middle = ax;
                self.pitch = LATERAL_MM.max(arc / (MOST_BEAMS - 1) as f64);
                count = (arc / self.pitch) as usize + 1;
                let turn = self.pitch / mid;
                let start = -((count - 1) as f64) * turn / 2.0;
                for i in 0..count {
                    let (sin, cos) = (start + i as f64 * turn).sin_cos();
                    self.beams.push(Beam {
                        ox: ax + near * sin,
                        oz: az + near * cos,
                        dx: sin,
                        dz: cos,
                        first: 0,
                        last: 0,
                    });
                }
            }
        }
        let depth = depth.min(DEEPEST_MM);
        if !(depth.is_finite() && depth > 4.0 && edge > 0.0) || count < 16 {
            return false;
        }
        self.step = AXIAL_MM.max(depth / (MOST_SAMPLES - 1) as f64);
        self.per_step = 1.0 / self.step;
        self.samples = (depth / self.step) as usize + 1;
        true
    }

    /// Works out where the samples of pictures of one geometry lie, several to a sample where their pixels are finer
    /// than the grid; `None` for a picture without extent.
    fn place(&mut self, image: &ScanImage, of: Geometry) -> Option<Reading> {
        let edge = image.scan_from_pixel.scale()[0].abs();
        self.scale = match image.unit {
            LengthUnit::Millimeters => 1.0,
            LengthUnit::Pixels => NOMINAL_HEIGHT_MM / (image.rows as f64 * edge),
        };
        let edge = edge * self.scale;
        if !self.shape(image, edge) {
            return None;
        }
        self.windows = Windows::of(BELOW_MM, GAP_MM, ABOVE_MM, self.step);
        let across = ((self.pitch / edge).round() as usize).clamp(1, 2);
        let along = ((self.step / edge).round() as usize).clamp(1, 2);
        let finer = across * along;
        let sampler = Sampler::new(image, self.scale);
        for beam in &mut self.beams {
            (beam.first, beam.last) = sampler.inside(beam, self.step, self.samples);
        }
        let part = |k: usize, n: usize| (k as f64 + 0.5) / n as f64 - 0.5;
        let table = Resampler::new(
            (self.samples, self.beams.len() * finer),
            of.pixels,
            |sample, row| {
                let (beam, sub) = (&self.beams[row / finer], row % finer);
                if sample < beam.first || sample >= beam.last {
                    return None;
                }
                let aside = part(sub / along, across) * self.pitch;
                let range = (sample as f64 + part(sub % along, along)) * self.step;
                let x = beam.ox + aside * beam.dz + range * beam.dx;
                let z = beam.oz - aside * beam.dx + range * beam.dz;
                Some(sampler.pixel(x, z))
            },
        )?;
        Some(Reading { of, table, finer })
    }

    /// Reads the levels of a picture along every beam, their running sums and the rises.
    fn fill(&mut self, image: &ScanImage, reading: &Reading) {
        let (n, finer) = (self.samples, reading.finer);
        self.raw.resize(self.beams.len() * finer * n, 0);
        reading.table.fill(image, &mut self.raw);
        self.level.resize(self.beams.len() * n, 0.0);
        self.sums.resize(self.beams.len() * (n + 1), 0.0);
        self.rise.resize(self.beams.len() * n, 0.0);
        let weight = 1.0 / finer as f32;
        for b in 0..self.beams.len() {
            let row = &mut self.level[b * n..(b + 1) * n];
            row.fill(0.0);
            for raw in self.raw[b * finer * n..(b + 1) * finer * n].chunks_exact(n) {
                for (level, raw) in row.iter_mut().zip(raw) {
                    *level += f32::from(*raw) * weight;
                }
            }
            let sums = &mut self.sums[b * (n + 1)..(b + 1) * (n + 1)];
            let mut total = 0.0_f32;
            for (sum, level) in sums[1..].iter_mut().zip(&*row) {
                total += *level;
                *sum = total;
            }
            rises(sums, self.windows, &mut self.rise[b * n..(b + 1) * n]);
        }
    }

    /// The median level deeper than `from` mm, and the level that one sample in 150 there exceeds.
    fn levels_below(&self, from: f64) -> (f32, f32) {
        let mut counts = [0_u32; 256];
        let mut total = 0;
        let skip = (from / self.step) as usize;
        for (b, beam) in self.beams.iter().enumerate() {
            let row = self.row(b);
            for value in &row[beam.first.max(skip).min(beam.last)..beam.last] {
                counts[(*value as usize).min(255)] += 1;
                total += 1;
            }
        }
        let exceeded_by = |share: u32| {
            let mut left = share;
            for level in (1..256).rev() {
                if counts[level] >= left {
                    return level as f32;
                }
                left -= counts[level];
            }
            0.0
        };
        (exceeded_by(total / 2), exceeded_by(total / 150))
    }

    /// Grey levels of one beam.
    pub(super) fn row(&self, beam: usize) -> &[f32] {
        &self.level[beam * self.samples..(beam + 1) * self.samples]
    }

    /// How far along a beam edges can be told: from the first to one past the last sample with its windows inside.
    pub(super) fn edges(&self, beam: usize) -> std::ops::Range<usize> {
        let (b, w) = (&self.beams[beam], self.windows);
        b.first + w.above + w.gap..b.last.saturating_sub(w.below)
    }

    /// The windows of an edge.
    pub(super) fn windows(&self) -> Windows {
        self.windows
    }

    /// Rises of one beam; 0 outside [`Self::edges`].
    pub(super) fn rise(&self, beam: usize) -> &[f32] {
        &self.rise[beam * self.samples..(beam + 1) * self.samples]
    }

    /// Running sums of one beam, one longer than its levels.
    pub(super) fn sums(&self, beam: usize) -> &[f32] {
        &self.sums[beam * (self.samples + 1)..(beam + 1) * (self.samples + 1)]
    }

    /// Mean level of a beam from range `from` to `to` (mm from its start), cut to the picture; `None` when less
    /// than half of the window lies inside.
    pub(super) fn mean(&self, beam: usize, from: f64, to: f64) -> Option<f32> {
        let b = self.beams.get(beam)?;
        let from = nearest(from * self.per_step) as i32;
        let to = nearest(to * self.per_step) as i32;
        let low = from.max(b.first as i32);
        let high = to.max(from + 1).min(b.last as i32);
        if high <= low || (high - low) * 2 < (to - from).max(1) {
            return None;
        }
        let sums = self.sums(beam);
        Some((sums[high as usize] - sums[low as usize]) / (high - low) as f32)
    }

    /// Mean levels of a beam in rows of `row` mm from `floor` mm above a range up to the skin; `None` for a row outside
    /// the picture.
    pub(super) fn rows_above(
        &self,
        beam: usize,
        range: f64,
        (floor, row): (f64, f64),
    ) -> impl Iterator<Item = Option<f32>> {
        (0..)
            .map(move |k| range - floor - f64::from(k) * row)
            .take_while(move |to| to - row >= SKIN_MM)
            .map(move |to| self.mean(beam, to - row, to))
    }

    /// Range along a beam at which it meets a line; `None` when that lies outside the picture.
    pub(super) fn meet(&self, beam: usize, line: &Line) -> Option<f64> {
        let b = self.beams.get(beam)?;
        let across = b.dz - line.slope * b.dx;
        if across < 0.2 {
            return None;
        }
        let range = (line.z_at(b.ox) - b.oz) / across;
        let inside = range >= b.first as f64 * self.step && range < b.last as f64 * self.step;
        inside.then_some(range)
    }

    /// The beam through a point, as a fractional number, and the range at which it meets it; `None` beside the beams.
    pub(super) fn beam_at(&self, x: f64, z: f64) -> Option<(f64, f64)> {
        let (first, last) = (self.beams.first()?, self.beams.last()?);
        let count = (self.beams.len() - 1) as f64;
        // where the outer beams cross, when they do: the apex of the fan
        let cross = first.dx * last.dz - last.dx * first.dz;
        let (beam, range) = if cross.abs() < 1e-9 {
            ((x - first.ox) / (last.ox - first.ox) * count, z - first.oz)
        } else {
            let (ax, az) = (last.ox - first.ox, last.oz - first.oz);
            let back = (ax * last.dz - az * last.dx) / cross;
            let (apex_x, apex_z) = (first.ox + back * first.dx, first.oz + back * first.dz);
            let turn = |dx: f64, dz: f64| dx.atan2(dz);
            let (from, to) = (turn(first.dx, first.dz), turn(last.dx, last.dz));
            let here = turn(x - apex_x, z - apex_z);
            let beam = (here - from) / (to - from) * count;
            (beam, (x - apex_x).hypot(z - apex_z) - back.abs())
        };
        (-0.5..=count + 0.5)
            .contains(&beam)
            .then(|| (beam.clamp(0.0, count), range))
    }

    /// The point of a beam at a range.
    pub(super) fn point(&self, beam: usize, range: f64) -> (f64, f64) {
        let b = &self.beams[beam];
        (b.ox + range * b.dx, b.oz + range * b.dz)
    }
}

/// The nearest whole number, halves away from zero. `f64::round` is a call where the processor is not known to have it.
pub(super) fn nearest(value: f64) -> i64 {
    (value + 0.5_f64.copysign(value)) as i64
}

/// The rise at every sample: mean of the window below it less that of the window above. 0 where one does not fit.
pub(super) fn rises(sums: &[f32], windows: Windows, out: &mut [f32]) {
    let Windows { below, gap, above } = windows;
    out.fill(0.0);
    let before = gap + above;
    let Some(count) = out.len().checked_sub(before + below) else {
        return;
    };
    let (part_below, part_above) = (1.0 / below as f32, 1.0 / above as f32);
    let (up, here) = (&sums[before + below..], &sums[before..]);
    let (near, far) = (&sums[above..], sums);
    let out = &mut out[before..before + count];
    for (i, rise) in out.iter_mut().enumerate() {
        *rise = (up[i] - here[i]) * part_below - (near[i] - far[i]) * part_above;
    }
}

/// Where the centres of the first and last pixel of an axis lie, in order.
fn span(shift: f64, scale: f64, count: usize) -> (f64, f64) {
    let other = shift + scale * (count - 1) as f64;
    (shift.min(other), shift.max(other))
}

/// Bilinear reading of a picture at analysis millimetres.
pub(super) struct Sampler<'a> {
    pixels: &'a [u8],
    columns: usize,
    rows: usize,
    per_mm: [f64; 2],
    shift: [f64; 2],
}

impl<'a> Sampler<'a> {
    pub(super) fn new(image: &'a ScanImage, scale: f64) -> Self {
        let back = image.scan_from_pixel.inverse();
        Self {
            pixels: &image.pixels,
            columns: image.columns,
            rows: image.rows,
            per_mm: back.scale().map(|s| s / scale),
            shift: back.shift(),
        }
    }

    /// First and one-past-last sample of a beam inside the picture.
    fn inside(&self, beam: &Beam, step: f64, samples: usize) -> (usize, usize) {
        let holds = |i: usize| {
            let r = i as f64 * step;
            let px = (beam.ox + r * beam.dx) * self.per_mm[0] + self.shift[0];
            let pz = (beam.oz + r * beam.dz) * self.per_mm[1] + self.shift[1];
            px >= -0.5
                && px <= self.columns as f64 - 0.5
                && pz >= -0.5
                && pz <= self.rows as f64 - 0.5
        };
        let first = (0..samples).find(|i| holds(*i)).unwrap_or(samples);
        let last = (first..samples)
            .rev()
            .find(|i| holds(*i))
            .map_or(first, |i| i + 1);
        (first, last)
    }

    /// The fractional column and row of a point.
    fn pixel(&self, x: f64, z: f64) -> (f64, f64) {
        (
            x * self.per_mm[0] + self.shift[0],
            z * self.per_mm[1] + self.shift[1],
        )
    }

    /// Level at a point; 0 outside the picture.
    pub(super) fn at(&self, x: f64, z: f64) -> f32 {
        let (px, pz) = self.pixel(x, z);
        if !(px >= 0.0 && pz >= 0.0) {
            return 0.0;
        }
        let (c, r) = (px as usize, pz as usize);
        if c + 1 >= self.columns || r + 1 >= self.rows {
            return 0.0;
        }
        self.blend((c, r), ((px - c as f64) as f32, (pz - r as f64) as f32))
    }

    /// Level between a pixel, its right neighbour and the two below, by how far the point is from the first.
    fn blend(&self, (column, row): (usize, usize), (fx, fz): (f32, f32)) -> f32 {
        let at = row * self.columns + column;
        let top = &self.pixels[at..at + 2];
        let low = &self.pixels[at + self.columns..at + self.columns + 2];
        let (a, b) = (f32::from(top[0]), f32::from(top[1]));
        let (c, d) = (f32::from(low[0]), f32::from(low[1]));
        let upper = a + (b - a) * fx;
        let lower = c + (d - c) * fx;
        upper + (lower - upper) * fz
    }
}
