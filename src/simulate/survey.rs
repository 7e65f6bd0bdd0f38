//! The ground truth of one frame, from the geometry that the frame was rendered with.
use super::array::Grid;
use super::implant::{ACCESS_RADIUS, Face};
use super::pose::Placement;
use super::render::{Moment, Renderer};
use super::scenario::{LookAlike, Scenario};
use super::truth::{
    OpeningClass, PortPlace, TrueContact, TrueFluid, TrueNeedle, TruePort, TrueStop, Truth,
    Visibility,
};

/// A line of the picture: z = start + slope * x.
#[derive(Clone, Copy, Debug)]
struct Trace {
    start: f64,
    slope: f64,
}

impl Trace {
    /// Where the picture plane cuts the plane `below` mm under the face.
    fn of(face: &Face<'_>, place: &Placement, below: f64) -> Option<Self> {
        let down = face.inward.dot(place.axial);
        let gap = face.center.plus(place.origin, -1.0).dot(face.inward) + below;
        (down > 0.2).then_some(Self {
            start: gap / down,
            slope: -face.inward.dot(place.lateral) / down,
        })
    }

    fn at(&self, x: f64) -> [f64; 2] {
        [x, self.start + self.slope * x]
    }

    fn stretch(&self) -> f64 {
        self.slope.hypot(1.0)
    }

    /// From where to where it runs through a disc on the face.
    fn chord(
        &self,
        face: &Face<'_>,
        place: &Placement,
        center: [f64; 2],
        radius: f64,
    ) -> Option<[f64; 2]> {
        let on_face = |x: f64| {
            let [x, z] = self.at(x);
            let [u, v] = face.on_face(place.to_patient(x, 0.0, z));
            [u - center[0], v - center[1]]
        };
        let [u0, v0] = on_face(0.0);
        let [u1, v1] = on_face(1.0);
        let (du, dv) = (u1 - u0, v1 - v0);
        let a = du * du + dv * dv;
        let b = u0 * du + v0 * dv;
        let c = u0 * u0 + v0 * v0 - radius * radius;
        let inside = b * b - a * c;
        if inside <= 0.0 || a < 1e-9 {
            return None;
        }
        let root = inside.sqrt();
        Some([(-b - root) / a, (-b + root) / a])
    }
}

/// The truth of the frame that `renderer` has just rendered.
pub(super) fn survey(scenario: &Scenario, moment: &Moment, renderer: &Renderer) -> Truth {
    let grid = &renderer.grid;
    let place = &moment.place;
    let mut truth = Truth {
        needle: moment
            .needle
            .and_then(|needle| needle.seen(grid, place))
            .map(|seen| TrueNeedle {
                a: seen.a,
                b: seen.b,
                tip: seen.tip,
                in_plane: seen.in_plane,
            }),
        ..Truth::default()
    };
    if let Some(face) = Face::of(scenario, place.squeeze) {
        truth.place = place_of(&face, place);
        survey_face(&mut truth, scenario, moment, grid, &face);
    }
    truth.class = class_of(&truth, scenario, place, grid);
    truth.visibility = visibility(&truth, renderer);
    truth
}

/// Where the port lies against the probe, whether the slice cuts it or not.
fn place_of(face: &Face<'_>, place: &Placement) -> Option<PortPlace> {
    if face.case.inverted {
        return None;
    }
    let top = face.center.plus(face.inward, -face.case.rim_mm());
    let middle = place.to_scan(top);
    // One step along the way a needle square to the face takes, as the probe sees it.
    let further = place.to_scan(top.plus(face.inward, 1.0));
    let down = (further.z - middle.z).max(0.2);
    let back = middle.z / down;
    Some(PortPlace {
        middle_mm: [middle.x, middle.y, middle.z],
        entry_mm: [
            middle.x - back * (further.x - middle.x),
            middle.y - back * (further.y - middle.y),
        ],
    })
}

fn survey_face(
    truth: &mut Truth,
    scenario: &Scenario,
    moment: &Moment,
    grid: &Grid,
    face: &Face<'_>,
) {
    let place = &moment.place;
    let Some(plane) = Trace::of(face, place, 0.0) else {
        return;
    };
    let Some([left, right]) = plane.chord(face, place, [0.0, 0.0], face.case.radius_mm) else {
        return;
    };
    truth.face = Some([plane.at(left), plane.at(right)]);
    truth.tilt_deg = Some(plane.slope.atan().to_degrees());
    let opening = |trace: &Trace, center: [f64; 2], radius: f64| {
        let [a, b] = trace.chord(face, place, center, radius)?;
        let [x_mm, z_mm] = trace.at(0.5 * (a + b));
        grid.shows(x_mm, z_mm).then_some(TruePort {
            x_mm,
            z_mm,
            width_mm: (b - a) * trace.stretch(),
        })
    };
    if let Some(center) = face.access_center() {
        truth.access_port = opening(&plane, center, ACCESS_RADIUS);
    }
    let to_face = face.center.z / face.inward.z * scenario.true_per_drawn();
    if !face.case.inverted
        && let Some(top) = Trace::of(face, place, -face.case.rim_mm())
    {
        truth.port = opening(&top, [0.0, 0.0], 0.5 * face.case.port_width_mm);
        let along = to_face - face.case.rim_mm() + face.case.needle_stop_mm();
        truth.entry_to_stop_mm = Some(along);
        truth.needle_stop = truth.port.map(|port| {
            let down = face.case.drawn_stop_mm() + face.case.rim_mm();
            TrueStop {
                x_mm: port.x_mm - down * top.slope / top.stretch(),
                z_mm: port.z_mm + down / top.stretch(),
                along_axis_mm: along,
            }
        });
    }
    truth.fluid = fluid_in_view(moment, grid, face, &plane);
}

/// Thickness and area of the pool where the picture shows it, by small steps along the face.
fn fluid_in_view(
    moment: &Moment,
    grid: &Grid,
    face: &Face<'_>,
    plane: &Trace,
) -> Option<TrueFluid> {
    let fluid = &moment.fluid;
    if fluid.thickness <= 0.0 {
        return None;
    }
    let place = &moment.place;
    let [from, to] = plane.chord(face, place, [fluid.offset, 0.0], fluid.radius)?;
    let steps = 200;
    let width = (to - from) / f64::from(steps);
    let mut sum = TrueFluid {
        thickness_mm: 0.0,
        area_mm2: 0.0,
    };
    for i in 0..steps {
        let [x, z] = plane.at(from + (f64::from(i) + 0.5) * width);
        if grid.shows(x, z) {
            let [u, v] = face.on_face(place.to_patient(x, 0.0, z));
            let thick = fluid.thickness_at(u, v);
            sum.thickness_mm = f64::max(sum.thickness_mm, thick);
            sum.area_mm2 += thick * width * plane.stretch();
        }
    }
    (sum.area_mm2 > 0.0).then_some(sum)
}

fn class_of(truth: &Truth, scenario: &Scenario, place: &Placement, grid: &Grid) -> OpeningClass {
    if truth.port.is_some() {
        return OpeningClass::FillPort;
    }
    if truth.access_port.is_some() {
        return OpeningClass::AccessPort;
    }
    let gap = scenario.look_alikes.iter().any(|look| match look {
        LookAlike::Fascia {
            gap_x_mm, depth_mm, ..
        } => sees(place, grid, *gap_x_mm, *depth_mm),
        LookAlike::Shadow { x_mm, .. } => {
            truth.face.is_some() && sees(place, grid, *x_mm, scenario.drawn_depth_mm())
        }
        LookAlike::Bone { .. } => false,
    });
    if gap {
        OpeningClass::Other
    } else {
        OpeningClass::None
    }
}

/// Whether the picture shows the depth `z` under patient position `x` on the plane.
fn sees(place: &Placement, grid: &Grid, x: f64, z: f64) -> bool {
    let point = super::pose::Vector::new(x, place.origin.y, z * place.squeeze);
    let seen = place.to_scan(point);
    grid.shows(seen.x, seen.z)
}

fn visibility(truth: &Truth, renderer: &Renderer) -> Visibility {
    let grid = &renderer.grid;
    let inner = grid.guard..grid.guard + grid.lines;
    let touching = renderer
        .contact
        .get(inner.clone())
        .map_or(0.0, |c| c.iter().sum::<f64>() / c.len().max(1) as f64);
    let contact = if touching > 0.8 {
        TrueContact::Good
    } else if touching > 0.05 {
        TrueContact::Poor
    } else {
        TrueContact::None
    };
    let mut shining = 0.0;
    let lines = renderer.columns.iter().zip(&renderer.above);
    for (column, above) in lines.skip(inner.start).take(grid.lines) {
        if let Some(r) = column.r
            && column.metal > 0.5
            && r < grid.depth()
            && column.shine * above > 0.1
        {
            shining += grid.pitch(r);
        }
    }
    let spot = truth.port.map(|port| [port.x_mm, port.z_mm]).or_else(|| {
        let [[ax, az], [bx, bz]] = truth.face?;
        Some([0.5 * (ax + bx), 0.5 * (az + bz)])
    });
    let lit = spot.map_or(1.0, |[x, z]| {
        let [line, _] = grid.locate(x, z);
        let index = line.max(0.0) as usize + grid.guard;
        renderer.above.get(index).copied().unwrap_or(1.0)
    });
    let wide = truth.port.is_some_and(|port| port.width_mm >= 4.0);
    Visibility {
        port_visible: wide && lit > 0.25,
        face_visible: shining >= 10.0,
        shadowed: lit <= 0.25,
        contact,
    }
}
