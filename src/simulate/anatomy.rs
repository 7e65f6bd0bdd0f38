//! Soft tissue: how strongly each sample scatters, and the smooth layers that shine.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel: profile and tile indices are clamped or masked to their sizes"
)]
use std::f64::consts::TAU;

use super::array::{Grid, Line};
use super::implant::{Column, Echo};
use super::pose::Placement;
use super::random::Random;
use super::scenario::{LookAlike, Scenario};

/// Steps of the depth profile a millimetre, and its length.
const PROFILE_STEPS: f64 = 10.0;
const PROFILE: usize = 2400;
/// Edge of the tile of slow variation, in cells of half a millimetre.
const TILE: usize = 128;
/// How deep the probe's pressure bends the layers, mm.
const BEND: f64 = 30.0;
/// What bone lets through, there and back.
const BEHIND_BONE: f64 = 0.012;

fn db(level: f64) -> f64 {
    10_f64.powf(level / 20.0)
}

/// One connective septum: a wavy bright layer with holes.
#[derive(Clone, Debug)]
struct Septum {
    depth: f64,
    waves: [[f64; 3]; 2],
    holes: [f64; 3],
    level: f64,
    half: f64,
}

impl Septum {
    fn new(random: &mut Random, depth: f64) -> Self {
        let slow = [random.range(0.5, 1.7), random.range(8.0, 15.0)];
        let fast = [random.range(0.1, 0.4), random.range(2.5, 5.0)];
        Self {
            depth,
            waves: [
                [slow[0], slow[1], random.range(0.0, TAU)],
                [fast[0], fast[1], random.range(0.0, TAU)],
            ],
            holes: [
                random.range(5.0, 14.0),
                random.range(0.0, TAU),
                random.range(-0.9, 0.1),
            ],
            level: random.range(-21.0, -13.0),
            half: random.range(0.12, 0.28),
        }
    }

    fn depth_at(&self, x: f64, y: f64) -> f64 {
        let mut z = self.depth + 0.08 * y;
        for (wave, across) in self.waves.iter().zip([0.05, 0.12]) {
            z += wave[0] * (x / wave[1] + wave[2] + across * y).sin();
        }
        z
    }

    /// How much of it is there, 0 to 1.
    fn presence(&self, x: f64, y: f64) -> f64 {
        let swing = (x / self.holes[0] + self.holes[1] + 0.07 * y).sin();
        ((swing - self.holes[2]) * 4.0).clamp(0.0, 1.0)
    }
}

/// The tissue of one scenario.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    profile: Vec<f32>,
    tile: Vec<f32>,
    septa: Vec<Septum>,
    /// Phases of the uneven strength with which fat lets the beam through.
    aberration: [f64; 3],
    look_alikes: Vec<LookAlike>,
    capsule_mm: f64,
    scar: Option<super::scenario::Scar>,
    haze: f32,
    /// Scatter level of sound that goes astray behind metal, against full scale.
    clutter: f64,
}

/// What a line needs to know of its patient.
struct Ray<'a> {
    line: usize,
    grid: &'a Grid,
    place: &'a Placement,
    beam: &'a Line,
    start_x: f64,
    start_y: f64,
    start_z: f64,
    along_x: f64,
    along_y: f64,
    along_z: f64,
}

impl<'a> Ray<'a> {
    fn new(line: usize, grid: &'a Grid, place: &'a Placement) -> Self {
        let ray = &grid.rays[line];
        let start = place.to_patient(ray.x, 0.0, ray.z);
        let next = place.to_patient(ray.x + ray.dx, 0.0, ray.z + ray.dz);
        Self {
            line,
            grid,
            place,
            beam: ray,
            start_x: start.x,
            start_y: start.y,
            start_z: start.z,
            along_x: next.x - start.x,
            along_y: next.y - start.y,
            along_z: next.z - start.z,
        }
    }

    /// Depth below the skin at rest, at `r` along the line: layers follow the probe near it and lie flat deep down.
    fn nominal(&self, r: f64) -> f64 {
        let follow = (-r / BEND).exp();
        (r * follow + (self.start_z + r * self.along_z) * (1.0 - follow)) / self.place.squeeze
    }

    /// Where the line meets a layer of nominal depth `layer(x, y)`.
    fn meet(&self, layer: impl Fn(f64, f64) -> f64) -> f64 {
        let mut r = layer(self.start_x, self.start_y) * self.place.squeeze;
        for _ in 0..4 {
            let want = layer(
                self.start_x + r * self.along_x,
                self.start_y + r * self.along_y,
            );
            r += (want - self.nominal(r)) * self.place.squeeze / self.along_z.max(0.4);
        }
        r
    }

    fn x(&self, r: f64) -> f64 {
        self.start_x + r * self.along_x
    }

    fn y(&self, r: f64) -> f64 {
        self.start_y + r * self.along_y
    }
}

/// Adds a layer of Gaussian thickness around depth `r`.
fn bump(levels: &mut [f32], step: f64, r: f64, sigma: f64, level: f64) {
    let first = (((r - 3.0 * sigma) / step).floor().max(0.0)) as usize;
    let last = (((r + 3.0 * sigma) / step).ceil().max(0.0)) as usize;
    for s in first..last.min(levels.len()) {
        let d = ((s as f64 + 0.5) * step - r) / sigma;
        let here = (level * (-0.5 * d * d).exp()) as f32;
        levels[s] = levels[s].max(here);
    }
}

impl Anatomy {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut random = Random::new(scenario.seed, 21);
        let face = scenario.drawn_depth_mm();
        let skin = scenario.tissue.skin_mm * 0.93;
        let count = scenario.tissue.septa;
        let room = (face - skin - 4.0).max(1.0);
        let mut septa: Vec<Septum> = (0..count)
            .map(|i| {
                let share = (f64::from(i) + random.range(0.1, 0.9)) / f64::from(count);
                Septum::new(&mut random, skin + 1.2 + room * share)
            })
            .collect();
        let muscle: f64 = if scenario.pump.is_some() {
            face + 14.0
        } else {
            face
        };
        septa.push(Septum {
            level: -10.0,
            half: 0.3,
            holes: [30.0, 0.0, -2.0],
            ..Septum::new(&mut random, muscle)
        });
        let mut phase = || random.range(0.0, TAU);
        let aberration = [phase(), phase(), phase()];
        Self {
            profile: profile(scenario, skin, muscle),
            tile: tile(&mut random, scenario.tissue.texture_db),
            septa,
            aberration,
            look_alikes: scenario.look_alikes.clone(),
            capsule_mm: scenario.tissue.capsule_mm,
            scar: scenario.tissue.scar,
            clutter: db(-47.0 + scenario.nuisance.clutter_db),
            haze: if scenario.nuisance.haze_db < 0.0 {
                db(scenario.nuisance.haze_db) as f32
            } else {
                0.0
            },
        }
    }

    /// Share of sound that tissue lets through to the implant on one line (there and back).
    pub(super) fn above(
        &self,
        grid: &Grid,
        place: &Placement,
        line: usize,
        column: &Column,
    ) -> f64 {
        let ray = Ray::new(line, grid, place);
        let (x, y) = (ray.x(0.0), ray.y(0.0));
        let [a, b, c] = self.aberration;
        let uneven =
            (x / 3.1 + a).sin() + (x / 1.3 + b + 0.4 * y).sin() + (x / 7.7 + c - 0.2 * y).sin();
        let mut share = db(0.9 * (uneven - 1.5));
        if let (Some(scar), Some(_)) = (self.scar, column.r) {
            let rho = column.u.hypot(column.v) / scar.radius_mm;
            let patchy = 0.75 + 0.25 * (1.3 * column.u + 0.4 * column.v).sin();
            let loss = scar.loss_db * (1.2 - rho).clamp(0.0, 1.0).sqrt() * patchy;
            share *= db(-loss);
        }
        let deep = column.r.unwrap_or(grid.depth());
        for look in &self.look_alikes {
            if let LookAlike::Shadow {
                from_mm, loss_db, ..
            } = look
                && deep > *from_mm
            {
                share *= db(-loss_db * strip(look, ray.x(*from_mm)));
            }
        }
        share
    }

    /// Fills the scatter level of one line and adds the echoes of smooth layers.
    pub(super) fn paint(
        &self,
        grid: &Grid,
        place: &Placement,
        line: usize,
        levels: &mut [f32],
        echoes: &mut Vec<Echo>,
    ) {
        let ray = Ray::new(line, grid, place);
        let before = echoes.len();
        self.paint_base(&ray, levels);
        for septum in &self.septa {
            let r = ray.meet(|x, y| septum.depth_at(x, y));
            let (x, y) = (ray.x(r), ray.y(r));
            let presence = septum.presence(x, y);
            if presence > 0.02 && r > 0.5 {
                let level = presence * db(septum.level);
                bump(levels, grid.step, r, septum.half, 0.75 * level);
                echoes.push(Echo {
                    line,
                    r,
                    amplitude: 0.35 * level,
                    turn: 0.0,
                });
            }
        }
        for look in &self.look_alikes {
            let shadow_from = paint_look_alike(look, &ray, levels, echoes);
            for echo in &mut echoes[before..] {
                if echo.r > shadow_from {
                    echo.amplitude *= BEHIND_BONE;
                }
            }
        }
    }

    fn paint_base(&self, ray: &Ray<'_>, levels: &mut [f32]) {
        let grid = ray.grid;
        let follow_step = (-grid.step / BEND).exp();
        let mut follow = (-0.5 * grid.step / BEND).exp();
        let per_squeeze = PROFILE_STEPS / ray.place.squeeze;
        for (s, level) in levels.iter_mut().enumerate() {
            let r = grid.depth_of(s);
            let flat = ray.start_z + r * ray.along_z;
            let d = (r * follow + flat * (1.0 - follow)) * per_squeeze;
            follow *= follow_step;
            let at = (d.max(0.0) as i32 as usize).min(PROFILE - 1);
            // a whole number of tiles is added, so that the cut to an integer always rounds down
            let across = 2.0 * (ray.x(r) + 0.6 * ray.y(r)) + (64 * TILE) as f64;
            let across = across as i32 as usize % TILE;
            let down = (d * (2.0 / PROFILE_STEPS)).max(0.0) as i32 as usize % TILE;
            *level = self.profile[at] * self.tile[down * TILE + across];
        }
    }

    /// Capsule, fluid, silicone and shadow of the implant on one line.
    pub(super) fn paint_implant(
        &self,
        grid: &Grid,
        column: &Column,
        drawn_stop_mm: f64,
        fluid: Fluid,
        levels: &mut [f32],
    ) {
        let Some(r) = column.r else { return };
        let face = r + column.drop;
        let per = 1.0 / column.cos;
        let pool = fluid.thickness_at(column.u, column.v) * per;
        let on_pump = column.covered.max(column.tube);
        if on_pump > 0.02 {
            self.paint_capsule(grid, column, face - pool, levels);
        }
        let step = grid.step;
        let count = levels.len();
        let first = |r: f64| ((r / step).max(0.0) as usize).min(count);
        if pool > 0.05 {
            let (top, bottom) = (first(face - pool), first(face));
            for level in &mut levels[top..bottom] {
                *level = fluid.level as f32;
            }
        }
        let clutter = self.clutter;
        let stop = face + drawn_stop_mm * per;
        let open = (1.0 - column.covered) as f32;
        let start = first(face);
        for (s, level) in levels.iter_mut().enumerate().skip(start) {
            let below = (s as f64 + 0.5) * step - face;
            let dark = clutter * (-below / 22.0).exp();
            let silicone = if face + below < stop { db(-50.0) } else { 0.0 };
            let inside = (column.port + column.access).min(1.0) * silicone;
            *level = *level * open + (column.covered * dark + inside) as f32;
        }
    }

    fn paint_capsule(&self, grid: &Grid, column: &Column, face: f64, levels: &mut [f32]) {
        let weight = column.covered.max(0.5 * column.tube);
        let top = face - self.capsule_mm / column.cos;
        bump(levels, grid.step, top, 0.16, weight * db(-15.0));
        bump(
            levels,
            grid.step,
            0.5 * (top + face),
            0.3,
            weight * db(-27.0),
        );
        if let Some(scar) = self.scar {
            let rho = column.u.hypot(column.v) / scar.radius_mm;
            let here = (1.15 - rho).clamp(0.0, 1.0) * weight;
            let thick = scar.thickness_mm * (1.0 - 0.3 * rho * rho).max(0.2);
            for band in 0..4 {
                let share = f64::from(band) / 4.0;
                let wavy = 0.25 * (0.9 * column.u + 2.1 * share + 0.3 * column.v).sin();
                let level = here * db(-9.0 - 6.0 * share);
                bump(
                    levels,
                    grid.step,
                    face - thick * share - 0.2 + wavy,
                    0.35,
                    level,
                );
            }
        }
    }

    /// Shadow strips and clutter over everything already painted on one line, and over its tissue echoes.
    pub(super) fn finish(
        &self,
        grid: &Grid,
        place: &Placement,
        line: usize,
        levels: &mut [f32],
        echoes: &mut [Echo],
    ) {
        let ray = Ray::new(line, grid, place);
        let mut shades = [(usize::MAX, 1.0_f32); 4];
        for (shade, look) in shades.iter_mut().zip(&self.look_alikes) {
            if let LookAlike::Shadow {
                from_mm, loss_db, ..
            } = look
            {
                let share = db(-loss_db * strip(look, ray.x(*from_mm)));
                *shade = ((from_mm / grid.step).max(0.0) as usize, share as f32);
            }
        }
        let haze2 = self.haze * self.haze;
        for (s, level) in levels.iter_mut().enumerate() {
            for (from, share) in shades {
                if s >= from {
                    *level *= share;
                }
            }
            *level = (*level * *level + haze2).sqrt();
        }
        for echo in echoes {
            for (from, share) in shades {
                if echo.r / grid.step >= from as f64 {
                    echo.amplitude *= f64::from(share);
                }
            }
        }
    }
}

/// How much of a strip lies over lateral position `x`, 0 to 1, with soft edges.
fn strip(look: &LookAlike, x: f64) -> f64 {
    let LookAlike::Shadow { x_mm, width_mm, .. } = look else {
        return 0.0;
    };
    (0.5 + (0.5 * width_mm - (x - x_mm).abs()) / 1.2).clamp(0.0, 1.0)
}

/// Paints one look-alike on a line; returns the depth below which it shadows everything.
fn paint_look_alike(
    look: &LookAlike,
    ray: &Ray<'_>,
    levels: &mut [f32],
    echoes: &mut Vec<Echo>,
) -> f64 {
    let step = ray.grid.step;
    let mut shadow_from = f64::MAX;
    match *look {
        LookAlike::Fascia {
            depth_mm,
            tilt_deg,
            gap_x_mm,
            gap_mm,
        } => {
            let slope = tilt_deg.to_radians().tan();
            let r = ray.meet(|x, _| depth_mm + slope * x);
            let off = (ray.x(r) - gap_x_mm).abs() - 0.5 * gap_mm;
            let share = (0.5 + off / 0.6).clamp(0.0, 1.0);
            bump(levels, step, r + 0.35, 0.3, share * db(-8.0));
            echoes.push(Echo {
                line: ray.line,
                r,
                amplitude: 0.30 * share,
                turn: 0.0,
            });
        }
        LookAlike::Bone {
            depth_mm,
            x_mm,
            radius_mm,
        } => {
            let limit = 0.8 * radius_mm;
            let sag = |x: f64| {
                let off = (x - x_mm).clamp(-limit, limit);
                depth_mm + radius_mm - (radius_mm * radius_mm - off * off).sqrt()
                    + 0.10 * (2.3 * x).sin()
            };
            let r = ray.meet(|x, _| sag(x));
            let off = ray.x(r) - x_mm;
            if off.abs() > limit {
                return shadow_from;
            }
            shadow_from = r + 1.2;
            let normal = (off / radius_mm).clamp(-1.0, 1.0).asin();
            let beam = ray.beam.dx.atan2(ray.beam.dz);
            let angle = (normal + beam).to_degrees();
            let mirror = 0.1 + 0.9 * (-0.5 * (angle / 16.0).powi(2)).exp();
            bump(levels, step, r + 0.3, 0.35, 0.4 * mirror);
            echoes.push(Echo {
                line: ray.line,
                r,
                amplitude: 0.55 * mirror,
                turn: 0.0,
            });
            let first = ((shadow_from / step).max(0.0) as usize).min(levels.len());
            for level in &mut levels[first..] {
                *level *= BEHIND_BONE as f32;
            }
        }
        LookAlike::Shadow { .. } => {}
    }
    shadow_from
}

/// The fluid outside the pump at one moment, and how strongly it scatters (bubbles at first).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fluid {
    /// Largest thickness, mm.
    pub(super) thickness: f64,
    /// Radius of the pool, mm.
    pub(super) radius: f64,
    /// Where its middle lies along u, mm.
    pub(super) offset: f64,
    /// Scatter level against full scale.
    pub(super) level: f64,
}

impl Fluid {
    /// Thickness over a place on the face, mm.
    pub(super) fn thickness_at(&self, u: f64, v: f64) -> f64 {
        if self.thickness <= 0.0 {
            return 0.0;
        }
        let rho = (u - self.offset).hypot(v) / self.radius;
        self.thickness * (1.0 - rho * rho).max(0.0)
    }
}

fn profile(scenario: &Scenario, skin: f64, muscle: f64) -> Vec<f32> {
    let near = |d: f64, at: f64, sigma: f64| (-0.5 * ((d - at) / sigma).powi(2)).exp();
    let tissue = db(scenario.nuisance.tissue_db);
    (0..PROFILE)
        .map(|i| {
            let d = (i as f64 + 0.5) / PROFILE_STEPS;
            let body = if d < skin {
                db(-25.0)
            } else if d < muscle {
                db(-36.0)
            } else {
                db(-31.0) * (1.0 + 0.5 * (1.9 * d).sin() * (0.7 * d).cos())
            };
            let skin_lines = db(-9.0) * near(d, 0.35, 0.16) + db(-15.0) * near(d, skin, 0.16);
            let sheath = db(-20.0) * near(d, muscle + 9.0, 0.2);
            (tissue * body + skin_lines + tissue * sheath) as f32
        })
        .collect()
}

/// Slow variation of echo level: lobules of fat, a few millimetres wide and flatter than wide.
fn tile(random: &mut Random, texture_db: f64) -> Vec<f32> {
    let waves: Vec<[f64; 4]> = (0..14)
        .map(|_| {
            let across = random.range(1.0, 13.0).floor();
            let down = random.range(1.0, 26.0).floor();
            [across, down, random.range(0.0, TAU), random.range(0.3, 1.0)]
        })
        .collect();
    let energy: f64 = waves.iter().map(|w| 0.5 * w[3] * w[3]).sum();
    let scale = texture_db / energy.sqrt();
    let turn = TAU / TILE as f64;
    (0..TILE * TILE)
        .map(|i| {
            let (down, across) = ((i / TILE) as f64, (i % TILE) as f64);
            let sum: f64 = waves
                .iter()
                .map(|w| w[3] * (turn * (w[0] * across + w[1] * down) + w[2]).sin())
                .sum();
            db(scale * sum) as f32
        })
        .collect()
}
