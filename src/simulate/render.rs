//! One frame: scatterers gathered, weighted with the tissue, blurred by beam and pulse, with the echoes of smooth
//! surfaces and noise added, and its envelope taken.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel: all buffers are sized together in `Renderer::new`"
)]
use super::anatomy::{Anatomy, Fluid};
use super::array::Grid;
use super::implant::{Column, Echo, Face};
use super::needle::Needle;
use super::pose::Placement;
use super::random::{Random, mix};
use super::scenario::Scenario;
use super::speckle::Scatterers;

/// Complex noise values kept; every line starts somewhere else in them.
const NOISE: usize = 1 << 15;
/// Attenuation the machine expects and makes up for, dB/cm/MHz.
const EXPECTED_LOSS: f64 = 0.6;
/// What a thin shaft lets through.
const BEHIND_NEEDLE: f64 = 0.45;

/// Everything that differs from frame to frame.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) frame: u64,
    pub(super) place: Placement,
    /// How far the probe is off the skin, mm.
    pub(super) lift: f64,
    pub(super) fluid: Fluid,
    pub(super) needle: Option<Needle>,
}

/// The buffers and tables of one scenario at one depth and frequency.
#[derive(Clone, Debug)]
pub(super) struct Renderer {
    pub(super) grid: Grid,
    scatterers: Scatterers,
    anatomy: Anatomy,
    /// Padded lines of complex samples.
    field: Vec<f32>,
    /// Delivered lines of complex samples with room for the pulse at both ends.
    beams: Vec<f32>,
    echoes: Vec<Echo>,
    levels: Vec<f32>,
    noise: Vec<f32>,
    noise_level: Vec<f32>,
    scratch: Vec<f32>,
    seed: u64,
    gain: f32,
    metal: f64,
    stop_mm: f64,
    /// What each padded line meets of the pump in the newest frame.
    pub(super) columns: Vec<Column>,
    /// What of the sound reaches the implant on each padded line in the newest frame (there and back).
    pub(super) above: Vec<f64>,
    /// How well each padded line touches in the newest frame, 0 to 1.
    pub(super) contact: Vec<f64>,
    needle_depth: Vec<f64>,
}

impl Renderer {
    pub(super) fn new(scenario: &Scenario, depth_mm: f64, frequency: f64) -> Self {
        let grid = Grid::new(
            scenario.array,
            [scenario.lines, scenario.samples],
            depth_mm,
            frequency,
        );
        let rays = grid.rays.len();
        let pad = grid.axial.len() / 2;
        let mut random = Random::new(scenario.seed, 31);
        let noise_level = |s| {
            let loss = 2.0 * EXPECTED_LOSS * frequency * 0.1 * grid.depth_of(s);
            let db: f64 = (-86.0 + loss).min(-36.0) + scenario.nuisance.noise_db;
            (10_f64.powf(db / 20.0) * std::f64::consts::FRAC_1_SQRT_2) as f32
        };
        let amplitude = |db: f64| 10_f64.powf(db / 20.0);
        Self {
            scatterers: Scatterers::new(scenario.seed, &grid),
            anatomy: Anatomy::new(scenario),
            field: vec![0.0; rays * 2 * grid.samples],
            beams: vec![0.0; grid.lines * 2 * (grid.samples + 2 * pad)],
            echoes: Vec::with_capacity(16 * 1024),
            levels: vec![0.0; grid.samples],
            noise: (0..2 * NOISE).map(|_| random.gauss() as f32).collect(),
            noise_level: (0..grid.samples).map(noise_level).collect(),
            scratch: vec![0.0; 2 * grid.samples],
            seed: scenario.seed,
            gain: amplitude(scenario.nuisance.gain_db) as f32,
            metal: amplitude(scenario.nuisance.face_db),
            stop_mm: scenario.pump.as_ref().map_or(0.0, |pump| {
                if pump.inverted {
                    0.0
                } else {
                    pump.drawn_stop_mm()
                }
            }),
            columns: vec![Column::default(); rays],
            above: vec![1.0; rays],
            contact: vec![1.0; rays],
            needle_depth: vec![f64::MAX; rays],
            grid,
        }
    }

    /// Renders one frame into `lines * samples` amplitudes.
    pub(super) fn render(&mut self, scenario: &Scenario, moment: &Moment, out: &mut [u16]) {
        self.scatterers
            .gather(&self.grid, &moment.place, &mut self.field);
        self.meet_implant(scenario, moment);
        self.weigh(moment);
        self.blur_across();
        self.add_echoes();
        self.add_noise(moment.frame);
        self.take_envelope(out);
    }

    /// Works out what every line meets of pump, shadow, contact and needle.
    fn meet_implant(&mut self, scenario: &Scenario, moment: &Moment) {
        let place = &moment.place;
        self.echoes.clear();
        self.columns.fill(Column::default());
        let face = Face::of(scenario, place.squeeze);
        if let Some(face) = &face {
            face.columns(&self.grid, place, &mut self.columns);
        }
        self.needle_depth.fill(f64::MAX);
        if let Some(needle) = &moment.needle {
            needle.shade(&self.grid, place, &mut self.needle_depth);
            needle.echoes(&self.grid, place, &mut self.echoes);
        }
        let lines = self.grid.lines as f64;
        for line in 0..self.grid.rays.len() {
            let share = (line as f64 - self.grid.guard as f64) / lines;
            let contact =
                ((1.15 - 1.3 * moment.lift - share.clamp(0.0, 1.0)) / 0.12).clamp(0.0, 1.0);
            let column = &self.columns[line];
            let mut above = contact * self.anatomy.above(&self.grid, place, line, column);
            if column.r.is_some_and(|r| self.needle_depth[line] < r) {
                above *= BEHIND_NEEDLE;
            }
            self.contact[line] = contact;
            self.above[line] = above;
        }
        if let Some(face) = &face {
            let lit: Vec<f64> = self.above.iter().map(|above| above * self.metal).collect();
            face.echoes(&self.grid, &self.columns, &lit, &mut self.echoes);
        }
    }

    /// Weighs the gathered scatterers with the tissue they lie in, line by line.
    fn weigh(&mut self, moment: &Moment) {
        let samples = self.grid.samples;
        for line in 0..self.grid.rays.len() {
            let before = self.echoes.len();
            let levels = &mut self.levels;
            self.anatomy
                .paint(&self.grid, &moment.place, line, levels, &mut self.echoes);
            self.hide_behind_face(line, before, moment.fluid);
            self.echo_between(line, before);
            let column = &self.columns[line];
            let levels = &mut self.levels;
            self.anatomy
                .paint_implant(&self.grid, column, self.stop_mm, moment.fluid, levels);
            let shade = self.needle_depth[line];
            if shade < self.grid.depth() {
                let first = ((shade / self.grid.step).max(0.0) as usize + 2).min(samples);
                for level in &mut levels[first..] {
                    *level *= 0.6;
                }
            }
            let contact = self.contact[line];
            let echoes = &mut self.echoes[before..];
            self.anatomy
                .finish(&self.grid, &moment.place, line, levels, echoes);
            self.add_air(line, contact);
            let field = &mut self.field[line * 2 * samples..(line + 1) * 2 * samples];
            let weights = self.levels.iter().zip(self.scatterers.norm());
            for (value, (level, norm)) in field.chunks_exact_mut(2).zip(weights) {
                let weight = level * norm * contact as f32;
                value[0] *= weight;
                value[1] *= weight;
            }
        }
    }

    /// Dims the echoes of tissue layers that lie behind metal, drown in fluid or are out of contact.
    fn hide_behind_face(&mut self, line: usize, first: usize, fluid: Fluid) {
        let column = &self.columns[line];
        let shade = self.contact[line];
        let pool = fluid.thickness_at(column.u, column.v);
        for echo in &mut self.echoes[first..] {
            echo.amplitude *= shade;
            if column.r.is_some_and(|r| echo.r > r - pool) {
                echo.amplitude *= 1.0 - column.covered;
            }
        }
    }

    /// Sound that ran between metal and a bright layer, or the probe and then the layer, draws that layer again
    /// behind the metal, once upside down.
    fn echo_between(&mut self, line: usize, first: usize) {
        let column = &self.columns[line];
        let Some(face) = column.r else { return };
        let share = 0.16 * column.metal * column.shine;
        if share < 0.01 {
            return;
        }
        for i in first..self.echoes.len() {
            let layer = self.echoes[i];
            if layer.r < face {
                for r in [2.0 * face - layer.r, face + layer.r] {
                    self.echoes.push(Echo {
                        r,
                        amplitude: layer.amplitude * share,
                        ..layer
                    });
                }
            }
        }
    }

    /// A probe in air sees bands at even depths and nothing else.
    fn add_air(&mut self, line: usize, contact: f64) {
        let lost = 1.0 - contact;
        if lost <= 0.0 {
            return;
        }
        for n in 0..14_i32 {
            self.echoes.push(Echo {
                line,
                r: 0.4 + 0.7 * f64::from(n),
                amplitude: 0.5 * lost * 0.62_f64.powi(n),
                turn: 0.0,
            });
        }
    }

    /// Blurs across the lines with the beam's width at each depth.
    fn blur_across(&mut self) {
        let width = 2 * self.grid.samples;
        let pad = self.grid.axial.len() / 2;
        let stride = width + 4 * pad;
        let reach = self.grid.reach;
        for line in 0..self.grid.lines {
            let target = &mut self.beams[line * stride..(line + 1) * stride];
            target.fill(0.0);
            let target = &mut target[2 * pad..2 * pad + width];
            let first = line + self.grid.guard - reach;
            for tap in 0..=2 * reach {
                let weights = &self.grid.lateral[tap * width..(tap + 1) * width];
                let from = (first + tap) * width;
                let source = &self.field[from..from + width];
                for ((sum, weight), value) in target.iter_mut().zip(weights).zip(source) {
                    *sum += weight * value;
                }
            }
        }
    }

    /// Adds the echoes of smooth surfaces, each shared between the two samples around it.
    fn add_echoes(&mut self) {
        let pad = self.grid.axial.len() / 2;
        let stride = 2 * self.grid.samples + 4 * pad;
        let peak = f64::from(self.grid.axial[pad]);
        for echo in &self.echoes {
            let Some(line) = echo.line.checked_sub(self.grid.guard) else {
                continue;
            };
            let at = echo.r / self.grid.step - 0.5;
            if line >= self.grid.lines || at < 0.0 || at >= (self.grid.samples - 1) as f64 {
                continue;
            }
            let sample = at as usize;
            let share = at - sample as f64;
            let turns = (2.0 * echo.r / self.grid.wavelength + echo.turn).rem_euclid(1.0);
            let (sin, cos) = (-std::f64::consts::TAU * turns).sin_cos();
            let amplitude = echo.amplitude / peak;
            let to = line * stride + 2 * (pad + sample);
            for (offset, weight) in [(0, 1.0 - share), (2, share)] {
                self.beams[to + offset] += (amplitude * weight * cos) as f32;
                self.beams[to + offset + 1] += (amplitude * weight * sin) as f32;
            }
        }
    }

    fn add_noise(&mut self, frame: u64) {
        let pad = self.grid.axial.len() / 2;
        let samples = self.grid.samples;
        let stride = 2 * samples + 4 * pad;
        for line in 0..self.grid.lines {
            let start = mix(self.seed ^ mix(frame) ^ (line as u64) << 40) as usize;
            let start = start % (NOISE - samples.min(NOISE - 1));
            let noise = &self.noise[2 * start..2 * (start + samples)];
            let beam = &mut self.beams[line * stride + 2 * pad..][..2 * samples];
            let values = beam.chunks_exact_mut(2).zip(noise.chunks_exact(2));
            for ((value, noise), level) in values.zip(&self.noise_level) {
                value[0] += noise[0] * level;
                value[1] += noise[1] * level;
            }
        }
    }

    /// Blurs along the lines with the pulse and takes the amplitude.
    fn take_envelope(&mut self, out: &mut [u16]) {
        let samples = self.grid.samples;
        let width = 2 * samples;
        let stride = width + 2 * (self.grid.axial.len() - 1);
        let scale = self.gain * f32::from(u16::MAX);
        for (line, out) in out.chunks_exact_mut(samples).enumerate() {
            let beam = &self.beams[line * stride..(line + 1) * stride];
            self.scratch.fill(0.0);
            for (tap, weight) in self.grid.axial.iter().enumerate() {
                let source = &beam[2 * tap..2 * tap + width];
                for (sum, value) in self.scratch.iter_mut().zip(source) {
                    *sum += weight * value;
                }
            }
            for (out, value) in out.iter_mut().zip(self.scratch.chunks_exact(2)) {
                let amplitude = (value[0] * value[0] + value[1] * value[1]).sqrt();
                *out = (amplitude * scale + 0.5) as u16;
            }
        }
    }
}
