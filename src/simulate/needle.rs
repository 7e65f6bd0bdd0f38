//! The needle: its path from the skin to the needle stop, how far it has gone, and what of it the slice shows.
use super::array::{ELEVATION_SIGMA, Grid};
use super::implant::{Echo, Face};
use super::pose::{Placement, Vector};
use super::scenario::Scenario;

/// Distance off the plane up to which a point of the shaft counts as seen, mm.
const SEEN: f64 = 1.5;

/// The needle at one moment, in patient space as drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needle {
    pub(super) entry: Vector,
    pub(super) tip: Vector,
}

impl Needle {
    /// The needle after `advance` true millimetres along its path; `None` before it touches the skin.
    pub(super) fn at(
        scenario: &Scenario,
        face: Option<&Face<'_>>,
        squeeze: f64,
        advance: f64,
    ) -> Option<Self> {
        if advance <= 0.0 {
            return None;
        }
        let plan = &scenario.needle;
        let angle = plan.angle_deg.to_radians();
        let (aim, direction, slow) = Self::path(scenario, face, angle, squeeze)?;
        let along_skin = direction.z.max(0.2);
        let entry = aim.plus(direction, -aim.z / along_skin);
        let to_surface = slow.first / along_skin.max(1e-3);
        let tissue = scenario.true_per_drawn();
        let true_to_surface = to_surface * tissue;
        let drawn = if advance <= true_to_surface {
            advance / tissue
        } else {
            let deeper = advance - true_to_surface;
            to_surface + (deeper * slow.stretch).min(slow.room)
        };
        Some(Self {
            entry,
            tip: entry.plus(direction, drawn),
        })
    }

    /// Where it aims, where it goes, and the slow stretch at its end.
    fn path(
        scenario: &Scenario,
        face: Option<&Face<'_>>,
        angle: f64,
        squeeze: f64,
    ) -> Option<(Vector, Vector, SlowEnd)> {
        let (sin, cos) = angle.sin_cos();
        let Some(face) = face else {
            let depth = scenario.drawn_depth_mm() * squeeze;
            let aim = Vector::new(0.0, scenario.needle.elevation_mm, depth);
            let end = SlowEnd {
                first: depth,
                stretch: 1.0,
                room: 0.0,
            };
            return Some((aim, Vector::new(-sin, 0.0, cos), end));
        };
        let direction = Vector::new(
            face.inward.x * cos - face.u.x * sin,
            face.inward.y * cos - face.u.y * sin,
            face.inward.z * cos - face.u.z * sin,
        );
        let stop = face.case.drawn_stop_mm();
        let middle = 0.5 * (stop - face.case.rim_mm());
        let below = if face.case.inverted { 0.0 } else { middle };
        let aim = face
            .center
            .plus(face.inward, below)
            .plus(face.v, scenario.needle.elevation_mm);
        // where the path passes the plane of the port's top decides whether it enters the opening
        let rise = (below + face.case.rim_mm()) / cos.max(0.2);
        let top = aim.plus(direction, -rise);
        let [u, v] = face.on_face(top);
        let enters = !face.case.inverted && u.hypot(v) < 0.5 * face.case.port_width_mm - 0.36;
        let true_room = face.case.needle_stop_mm() / cos.max(0.2);
        let drawn_room = (stop + face.case.rim_mm()) / cos.max(0.2);
        let surface = if enters {
            top.z
        } else {
            aim.plus(direction, -below / cos.max(0.2)).z
        };
        let end = SlowEnd {
            first: surface,
            stretch: if enters { drawn_room / true_room } else { 1.0 },
            room: if enters { drawn_room } else { 0.0 },
        };
        (direction.z > 0.2).then_some((aim, direction, end))
    }

    /// The echoes of shaft and tip, with the repeats below the shaft.
    pub(super) fn echoes(&self, grid: &Grid, place: &Placement, out: &mut Vec<Echo>) {
        let (a, b) = (place.to_scan(self.entry), place.to_scan(self.tip));
        let span = b.plus(a, -1.0);
        let length = span.length();
        let step = 0.12;
        let count = (length / step) as usize;
        for i in 0..=count {
            let point = a.plus(span, i as f64 * step / length.max(1e-6));
            let weight = (-0.5 * (point.y / ELEVATION_SIGMA).powi(2)).exp();
            let [line, r] = grid.locate(point.x, point.z);
            if weight < 0.02 || r < 0.3 || r > grid.depth() {
                continue;
            }
            let ray_index = ((line.max(0.0)) as usize + grid.guard).min(grid.rays.len() - 1);
            let shine = grid.rays.get(ray_index).map_or(0.0, |ray| {
                let along = (span.x * ray.dx + span.z * ray.dz).abs() / length.max(1e-6);
                // a shaft square to the beam shines, one along the beam hardly does
                0.05 + 0.55 * (1.0 - along * along).max(0.0)
            });
            let tip = if i + 3 > count { 2.0 } else { 1.0 };
            spread(grid, [line, r], weight * shine * tip * step, out);
        }
    }

    /// Notes for every line how deep the shaft lies that shades it.
    pub(super) fn shade(&self, grid: &Grid, place: &Placement, depths: &mut [f64]) {
        let (a, b) = (place.to_scan(self.entry), place.to_scan(self.tip));
        let span = b.plus(a, -1.0);
        let count = (span.length() / 0.12) as usize;
        for i in 0..=count {
            let point = a.plus(span, i as f64 / count.max(1) as f64);
            let [line, r] = grid.locate(point.x, point.z);
            let index = line.round() + grid.guard as f64;
            if point.y.abs() < ELEVATION_SIGMA
                && index >= 0.0
                && let Some(depth) = depths.get_mut(index as usize)
            {
                *depth = depth.min(r);
            }
        }
    }

    /// What the slice shows of it: both ends seen, the tip if it lies in the slice, and whether it all does.
    pub(super) fn seen(&self, grid: &Grid, place: &Placement) -> Option<SeenNeedle> {
        let (a, b) = (place.to_scan(self.entry), place.to_scan(self.tip));
        let span = b.plus(a, -1.0);
        let shows = |p: &Vector| p.y.abs() <= SEEN && grid.shows(p.x, p.z);
        let points: Vec<Vector> = (0..=200)
            .map(|i| a.plus(span, f64::from(i) / 200.0))
            .filter(shows)
            .collect();
        let (first, last) = (points.first()?, points.last()?);
        Some(SeenNeedle {
            a: [first.x, first.z],
            b: [last.x, last.z],
            tip: shows(&b).then_some([b.x, b.z]),
            in_plane: a.y.abs() <= SEEN && b.y.abs() <= SEEN,
        })
    }
}

/// The last part of the path, in which sound runs slower than the scanner believes.
#[derive(Clone, Copy, Debug)]
struct SlowEnd {
    /// Depth at which it begins, as drawn, mm.
    first: f64,
    /// Drawn over true length.
    stretch: f64,
    /// Drawn length until metal stops the needle, mm.
    room: f64,
}

/// What a slice shows of the needle, in the Scan space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeenNeedle {
    pub(super) a: [f64; 2],
    pub(super) b: [f64; 2],
    pub(super) tip: Option<[f64; 2]>,
    pub(super) in_plane: bool,
}

/// Spreads one point of a thin shaft over the lines its beam covers, with three fading repeats below.
fn spread(grid: &Grid, [line, r]: [f64; 2], amplitude: f64, out: &mut Vec<Echo>) {
    let sigma = (grid.beam_sigma(r) / grid.pitch(r)).max(0.5);
    let middle = line + grid.guard as f64;
    let first = (middle - 2.5 * sigma).ceil().max(0.0) as usize;
    let last = (middle + 2.5 * sigma).floor().max(0.0) as usize;
    for l in first..=last.min(grid.rays.len() - 1) {
        let d = (l as f64 - middle) / sigma;
        let here = amplitude * (-0.5 * d * d).exp() / (2.5 * sigma * grid.pitch(r)).max(0.05);
        for (repeat, share) in [(0.0, 1.0), (0.9, 0.22), (1.8, 0.08)] {
            out.push(Echo {
                line: l,
                r: r + repeat,
                amplitude: here * share,
                // all points of the shaft in one phase, so that they do not cancel
                turn: -2.0 * (r + repeat) / grid.wavelength,
            });
        }
    }
}
