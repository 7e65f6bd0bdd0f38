//! The pump: where its face and ports lie in this slice, and what echoes its metal and silicone send.
#![expect(
    clippy::indexing_slicing,
    reason = "one column for each line of the grid, made together"
)]
use super::array::{ELEVATION_SIGMA, Grid, Line};
use super::pose::{Placement, Vector};
use super::scenario::{PumpCase, Scenario};

/// Radius of the access port, mm.
pub(super) const ACCESS_RADIUS: f64 = 2.0;
/// Width of the metal rim around a raised port, mm.
const RIM_WIDTH: f64 = 1.2;
/// Where the face begins to round off before its edge, mm.
const ROUNDING: f64 = 2.5;
/// Attenuation of silicone, dB/cm/MHz.
const SILICONE_LOSS: f64 = 1.3;
/// Spacing of the echoes that ring in the plate, as drawn, mm.
const RING_STEP: f64 = 0.2;

/// One echo of a smooth surface on one (padded) line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    pub(super) line: usize,
    /// Depth along the line, mm.
    pub(super) r: f64,
    /// Amplitude of its peak against full scale.
    pub(super) amplitude: f64,
    /// Phase against that of the depth, in turns.
    pub(super) turn: f64,
}

/// The pump's face in patient space at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Face<'a> {
    pub(super) case: &'a PumpCase,
    pub(super) center: Vector,
    /// Along the face, mostly X.
    pub(super) u: Vector,
    /// Along the face, mostly Y.
    pub(super) v: Vector,
    /// Into the pump.
    pub(super) inward: Vector,
}

/// What one line meets of the pump, each as a share of the beam's cross-section.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    /// Depth of the face plane along the line, mm; `None` when the line does not meet it in the picture.
    pub(super) r: Option<f64>,
    /// Bare face.
    pub(super) metal: f64,
    /// Opening of the fill port.
    pub(super) port: f64,
    /// Bottom of the fill port's cup seen through its opening.
    pub(super) cup: f64,
    /// Metal rim of a raised port.
    pub(super) rim: f64,
    /// Opening of the access port.
    pub(super) access: f64,
    /// Catheter on the face.
    pub(super) tube: f64,
    /// Everything that stops sound.
    pub(super) covered: f64,
    /// Share of the echo that comes back, by angle.
    pub(super) shine: f64,
    /// Cosine of the angle between beam and face normal.
    pub(super) cos: f64,
    /// Place on the face, mm.
    pub(super) u: f64,
    /// Place on the face, mm.
    pub(super) v: f64,
    /// How far the rounded edge drops, mm.
    pub(super) drop: f64,
}

impl<'a> Face<'a> {
    /// The face of the scenario's pump, if any.
    pub(super) fn of(scenario: &'a Scenario, squeeze: f64) -> Option<Self> {
        let case = scenario.pump.as_ref()?;
        let (sin_u, cos_u) = case.tilt_deg.to_radians().sin_cos();
        let (sin_v, cos_v) = case.elevation_tilt_deg.to_radians().sin_cos();
        let u = Vector::new(cos_u, 0.0, sin_u);
        let inward = u.cross(Vector::new(0.0, cos_v, sin_v)).unit();
        Some(Self {
            case,
            center: Vector::new(case.x_mm, case.y_mm, scenario.drawn_depth_mm() * squeeze),
            u,
            v: inward.cross(u),
            inward,
        })
    }

    /// Where on the face the access port lies (u, v).
    pub(super) fn access_center(&self) -> Option<[f64; 2]> {
        let distance = self.case.access_port_mm.filter(|_| !self.case.inverted)?;
        let (sin, cos) = self.case.spin_deg.to_radians().sin_cos();
        Some([distance * cos, distance * sin])
    }

    /// Place of a patient point on the face: (u, v).
    pub(super) fn on_face(&self, point: Vector) -> [f64; 2] {
        let from = point.plus(self.center, -1.0);
        [from.dot(self.u), from.dot(self.v)]
    }

    /// Depth at which a ray of the slice, `e` mm off its plane, meets the plane `below` mm under the face.
    pub(super) fn depth_along(
        &self,
        place: &Placement,
        ray: &Line,
        e: f64,
        below: f64,
    ) -> Option<f64> {
        let start = place.to_patient(ray.x, e, ray.z);
        let along = place
            .lateral
            .plus(place.lateral, ray.dx - 1.0)
            .plus(place.axial, ray.dz);
        let speed = along.dot(self.inward);
        let gap = self
            .center
            .plus(self.inward, below)
            .plus(start, -1.0)
            .dot(self.inward);
        let r = gap / speed;
        (speed > 0.2 && r > 0.0).then_some(r)
    }

    /// What every line of the grid meets.
    pub(super) fn columns(&self, grid: &Grid, place: &Placement, into: &mut [Column]) {
        for (column, ray) in into.iter_mut().zip(&grid.rays) {
            *column = self.column(grid, place, ray);
        }
    }

    fn column(&self, grid: &Grid, place: &Placement, ray: &Line) -> Column {
        let mut column = Column::default();
        let Some(r) = self.depth_along(place, ray, 0.0, 0.0) else {
            return column;
        };
        if r > grid.depth() + 5.0 {
            return column;
        }
        let along = place
            .lateral
            .plus(place.lateral, ray.dx - 1.0)
            .plus(place.axial, ray.dz);
        let point = place.to_patient(ray.x + ray.dx * r, 0.0, ray.z + ray.dz * r);
        let [u, v] = self.on_face(point);
        column.r = Some(r);
        column.cos = along.dot(self.inward);
        [column.u, column.v] = [u, v];
        column.shine = self.shine(place, along);
        let edge = (u.hypot(v) - (self.case.radius_mm - ROUNDING)).max(0.0);
        column.drop = edge * edge / 6.0;
        column.shine *= (-(edge / 1.3).powi(2)).exp();
        self.fill_shares(&mut column, grid.beam_sigma(r), place, along);
        column
    }

    /// Averages what lies around the line over the beam's cross-section.
    fn fill_shares(&self, column: &mut Column, beam: f64, place: &Placement, along: Vector) {
        let cup = self.case.drawn_stop_mm();
        let lean = [
            along.dot(self.u) / column.cos,
            along.dot(self.v) / column.cos,
        ];
        let mut total = 0.0;
        let mut sum = Column::default();
        for across in -3..=3_i32 {
            for beside in -2..=2_i32 {
                let (a, b) = (f64::from(across) / 1.5, f64::from(beside) / 1.25);
                let weight = (-0.5 * (a * a + b * b)).exp();
                let shift = place
                    .elevation
                    .plus(place.elevation, a * ELEVATION_SIGMA - 1.0)
                    .plus(place.lateral, b * beam);
                let u = column.u + shift.dot(self.u);
                let v = column.v + shift.dot(self.v);
                let bottom = [u + cup * lean[0], v + cup * lean[1]];
                self.classify(&mut sum, [u, v], bottom, weight);
                total += weight;
            }
        }
        column.metal = sum.metal / total;
        column.port = sum.port / total;
        column.cup = sum.cup / total;
        column.rim = sum.rim / total;
        column.access = sum.access / total;
        column.tube = sum.tube / total;
        column.covered = sum.covered / total;
    }

    fn classify(&self, sum: &mut Column, [u, v]: [f64; 2], bottom: [f64; 2], weight: f64) {
        let radius = 0.5 * self.case.port_width_mm;
        let rho = u.hypot(v);
        if let Some([au, av]) = self.access_center() {
            let out = au.hypot(av);
            let along = (u * au + v * av) / out;
            let aside = (v * au - u * av) / out;
            if aside.abs() < 0.9 && along > out + 2.5 && along < self.case.radius_mm + 8.0 {
                sum.tube += weight;
            }
            if (u - au).hypot(v - av) < ACCESS_RADIUS {
                sum.access += weight;
                sum.covered += weight;
                return;
            }
        }
        if rho > self.case.radius_mm {
            return;
        }
        sum.covered += weight;
        if !self.case.inverted && rho < radius {
            sum.port += weight;
            if bottom[0].hypot(bottom[1]) < radius {
                sum.cup += weight;
            }
        } else if !self.case.inverted && self.case.rim_mm() > 0.0 && rho < radius + RIM_WIDTH {
            sum.rim += weight;
        } else {
            sum.metal += weight;
        }
    }

    /// Share of a mirror's echo that comes back at this angle of beam and face, with a little rough scatter.
    fn shine(&self, place: &Placement, along: Vector) -> f64 {
        let across = self.inward.dot(place.elevation).clamp(-1.0, 1.0).asin();
        let side = along.cross(place.elevation);
        let within = self.inward.dot(side).clamp(-1.0, 1.0).asin();
        let mirror = |angle: f64, width: f64| (-0.5 * (angle.to_degrees() / width).powi(2)).exp();
        0.07 + 0.93 * mirror(within, 8.0) * mirror(across, 7.0)
    }

    /// Echoes of metal, septum and cup on every line; `above` is what tissue and contact let through.
    pub(super) fn echoes(
        &self,
        grid: &Grid,
        columns: &[Column],
        above: &[f64],
        out: &mut Vec<Echo>,
    ) {
        let level = 0.9;
        for line in 0..columns.len() {
            let column = &columns[line];
            let Some(r) = column.r else { continue };
            let strength = level * above[line] * column.shine;
            if strength * column.covered.max(column.tube) < 1e-4 {
                continue;
            }
            let mut line_out = OnLine {
                line,
                wavelength: grid.wavelength,
                out,
            };
            let plane = r + column.drop;
            line_out.ring(plane, strength * column.metal, 16);
            let rim = self.case.rim_mm() / column.cos;
            line_out.ring(plane - rim, 0.9 * strength * column.rim, 8);
            self.port_echoes(&mut line_out, column, grid.frequency, plane, strength);
            line_out.add(plane - 1.3, 0.25 * level * above[line] * column.tube, 0.2);
            line_out.add(plane - 0.4, 0.12 * level * above[line] * column.tube, 0.5);
            Self::copies(&mut line_out, column, grid, plane, strength);
        }
    }

    fn port_echoes(&self, out: &mut OnLine<'_>, column: &Column, mhz: f64, r: f64, strength: f64) {
        let loss = |mm: f64| 10_f64.powf(-2.0 * mm * 0.1 * SILICONE_LOSS * mhz / 20.0);
        let per = 1.0 / column.cos;
        let top = r + self.case.septum_top_mm() * per;
        out.add(top, 0.24 * strength * column.port, 0.5);
        let bottom = r + self.case.drawn_stop_mm() * per;
        let cup = 0.8 * loss(self.case.septum_mm()) * strength * column.cup;
        out.add(bottom, cup, 0.0);
        out.add(bottom + 0.25, 0.4 * cup, 0.2);
        out.add(bottom + 0.5, 0.2 * cup, 0.4);
        // corners of the opening scatter at any angle
        let corner = 4.0 * column.port * (1.0 - column.port).max(0.0) * column.covered;
        out.add(r + 0.3, 0.10 * strength * corner, 0.3);
        out.add(r + 0.5, 0.22 * strength * column.access, 0.5);
        let shallow = r + 0.5 + 3.9 * per;
        out.add(shallow, 0.5 * loss(2.2) * strength * column.access, 0.0);
        out.add(
            shallow + 0.25,
            0.2 * loss(2.2) * strength * column.access,
            0.2,
        );
    }

    /// Sound that ran between face and probe twice and three times.
    fn copies(out: &mut OnLine<'_>, column: &Column, grid: &Grid, r: f64, strength: f64) {
        let shine = column.shine * column.metal;
        for (times, level) in [(2.0, 0.11), (3.0, 0.022)] {
            let depth = times * r;
            if depth < grid.depth() {
                out.ring(depth, level * strength * shine * shine, 7);
            }
        }
    }
}

/// Echoes being added to one line.
struct OnLine<'a> {
    line: usize,
    wavelength: f64,
    out: &'a mut Vec<Echo>,
}

impl OnLine<'_> {
    fn add(&mut self, r: f64, amplitude: f64, turn: f64) {
        if amplitude > 5e-5 {
            self.out.push(Echo {
                line: self.line,
                r,
                amplitude,
                turn,
            });
        }
    }

    /// A plate's echo with its ringing.
    fn ring(&mut self, r: f64, amplitude: f64, echoes: u32) {
        self.add(r, amplitude, 0.0);
        for n in 1..=echoes {
            let after = f64::from(n) * RING_STEP;
            let decay = 0.50 * (-after / 0.45).exp() + 0.075 * (-after / 1.5).exp();
            // each round trip in the plate turns the phase a little, so that neighbouring echoes partly cancel
            let turn = 0.09 * f64::from(n) - 2.0 * after / self.wavelength;
            self.add(r + after, amplitude * decay, turn);
        }
    }
}
