//! Recognises the fan of a curved or phased array in a finished picture, by its outline alone.
//!
//! Two ways lead to a first guess: the two straight sides (their crossing is the apex), or, where water leaves the
//! sides dark, the bright arc of the probe face. A guess is fitted to all four parts of the outline together and then
//! has to be borne out by the picture; what is not certain is not said.
use super::fan_face::by_face;
use super::outline::Outline;
use crate::frame::Beams;
use crate::space::{Affine, Pixel, PixelPoint, Radians, Scan};

/// The least and the most half angle of a fan that is believed.
const HALF_LEAST_DEGREES: f64 = 5.0;
pub(super) const HALF_MOST_DEGREES: f64 = 88.0;
/// The most the two sides may differ in angle: a fan that is steered or cut on one side is not believed.
pub(super) const UNEVEN_MOST_DEGREES: f64 = 3.0;
/// A point this near to a line (pixels) is on it.
pub(super) const ON_LINE: f64 = 1.5;
/// A point this near to the fitted outline bears it out.
const ON_OUTLINE: f64 = 2.5;
/// The least a probe face must bulge (pixels): less is a straight top.
const BULGE_LEAST: f64 = 3.0;
/// A near arc below this radius (pixels) is the point of a phased array.
const POINTED: f64 = 8.0;
/// The most lit pixels outside the fan, lettering included.
pub(super) const OUTSIDE_MOST: f64 = 0.06;

/// A fan in pixels of the picture it was found in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FanInPicture {
    /// Where all beams meet; usually above the lit part, possibly above the picture.
    pub apex: PixelPoint,
    /// Radius of the probe face.
    pub near: f64,
    /// Radius of the deepest arc (of the deepest corner where the picture is cut off).
    pub far: f64,
    /// Half the opening angle.
    pub half: Radians,
}

impl FanInPicture {
    /// The same fan in the unit of the picture, given where its (square) pixels lie.
    pub fn beams(&self, scan_from_pixel: &Affine<Pixel, Scan>) -> Beams {
        let [scale, _] = scan_from_pixel.scale();
        Beams::Fan {
            apex: scan_from_pixel.apply(self.apex),
            near: self.near * scale.abs(),
            far: self.far * scale.abs(),
            half: self.half,
        }
    }

    /// The middle of the probe face.
    pub fn face(&self) -> PixelPoint {
        PixelPoint::new(self.apex.x, self.apex.z + self.near)
    }

    /// Distance from the apex, and angle against straight down, positive toward larger columns.
    pub(super) fn polar(&self, point: PixelPoint) -> (f64, f64) {
        let (x, z) = (point.x - self.apex.x, point.z - self.apex.z);
        (x.hypot(z), x.atan2(z))
    }
}

/// Recognises a fan in a finished picture (8 bit, row by row, probe on top), black outside.
///
/// `None` where the picture shows no fan or leaves a doubt: rectangles, trapezoids with a straight top, fans seen in
/// part. Dark parts inside, lettering outside and a cut-off bottom do not disturb it; where much of the fan is dark,
/// the brightest of several frames, pixel by pixel, shows it better than one.
pub fn recognise_fan(pixels: &[u8], columns: usize, rows: usize) -> Option<FanInPicture> {
    let outline = Outline::of(pixels, columns, rows)?;
    by_sides(&outline).or_else(|| by_face(&outline))
}

fn by_sides(outline: &Outline) -> Option<FanInPicture> {
    let left = side(&outline.left, -1.0)?;
    let right = side(&outline.right, 1.0)?;
    let (half_left, half_right) = ((-left.slope).atan(), right.slope.atan());
    let uneven = (half_left - half_right).abs().to_degrees();
    if uneven > UNEVEN_MOST_DEGREES {
        return None;
    }
    let z = (right.start - left.start) / (left.slope - right.slope);
    let mut fan = FanInPicture {
        apex: PixelPoint::new(left.start + left.slope * z, z),
        near: 0.0,
        far: 0.0,
        half: Radians(f64::midpoint(half_left, half_right)),
    };
    fan.near = usual_radius(&fan, &outline.top).unwrap_or(0.0);
    fan.far = far_radius(&fan, outline)?;
    for reach in [8.0, 4.0, 3.0, 3.0, 3.0, 3.0] {
        fan = refined(&fan, outline, reach, true)?;
    }
    fan.far = far_radius(&fan, outline)?;
    if fan.near < POINTED {
        // The outline of so small an arc says no more than that it is there.
        fan.near = 0.0;
    }
    let believed = is_sound(&fan)
        && sides_are_seen(&fan, outline)
        && face_is_seen(&fan, outline)
        && share_outside(&fan, outline, 0.0) <= OUTSIDE_MOST;
    believed.then_some(fan)
}

/// A line `x = start + slope * z`.
#[derive(Clone, Copy)]
struct Side {
    start: f64,
    slope: f64,
}

/// The line with most outline points on it and few beyond it, among lines that lead outward (`out` is -1 for the
/// left side, 1 for the right one) from top to bottom.
fn side(points: &[PixelPoint], out: f64) -> Option<Side> {
    let picked = spread(points, 72);
    let least_slope = HALF_LEAST_DEGREES.to_radians().tan();
    let mut best: Option<(f64, Side)> = None;
    for (k, a) in picked.iter().enumerate() {
        for b in picked.iter().skip(k + 1) {
            if b.z - a.z < 4.0 {
                continue;
            }
            let slope = (b.x - a.x) / (b.z - a.z);
            if slope * out < least_slope {
                continue;
            }
            let line = Side {
                start: a.x - slope * a.z,
                slope,
            };
            let across = 1.0 / (1.0 + slope * slope).sqrt();
            let score: f64 = points
                .iter()
                .map(|p| {
                    let beyond = (p.x - line.start - slope * p.z) * out * across;
                    if beyond > ON_OUTLINE {
                        -3.0
                    } else if beyond > -ON_LINE {
                        1.0
                    } else {
                        0.0
                    }
                })
                .sum();
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, line));
            }
        }
    }
    best.filter(|(score, _)| *score >= 16.0)
        .map(|(_, line)| line)
}

/// At most `most` of the points, evenly taken.
pub(super) fn spread(points: &[PixelPoint], most: usize) -> Vec<PixelPoint> {
    let step = points.len().div_ceil(most).max(1);
    points.iter().step_by(step).copied().collect()
}

/// The radius most points between the sides have, in pixels.
fn usual_radius(fan: &FanInPicture, points: &[PixelPoint]) -> Option<f64> {
    let inner = fan.half.0 - 2.0_f64.to_radians();
    let mut radii: Vec<f64> = points
        .iter()
        .map(|&point| fan.polar(point))
        .filter(|(_, angle)| angle.abs() < inner)
        .map(|(radius, _)| radius)
        .collect();
    radii.sort_by(f64::total_cmp);
    // The window of three pixels that holds most of them.
    let (mut best, mut from) = ((0, 0.0), 0);
    for (k, &radius) in radii.iter().enumerate() {
        while radii.get(from).is_some_and(|first| radius - first > 3.0) {
            from += 1;
        }
        let middle = radii
            .get(usize::midpoint(from, k))
            .copied()
            .unwrap_or(radius);
        if k + 1 - from > best.0 {
            best = (k + 1 - from, middle);
        }
    }
    (best.0 >= 8).then_some(best.1)
}

/// The radius of the deepest arc, or of the deepest corner where most of the arc lies below the picture.
fn far_radius(fan: &FanInPicture, outline: &Outline) -> Option<f64> {
    let below = outline.rows as f64 - 0.5 - fan.apex.z;
    if outline.cropped_columns * 2 > outline.bottom.len() {
        let across = (below * fan.half.0.tan())
            .min((outline.columns as f64 - 0.5 - fan.apex.x).max(fan.apex.x + 0.5));
        return Some(below.hypot(across));
    }
    let usual = usual_radius(fan, &outline.bottom)?;
    let inner = fan.half.0 - 2.0_f64.to_radians();
    let polar: Vec<(f64, f64)> = outline
        .bottom
        .iter()
        .map(|&p| fan.polar(p))
        .filter(|(_, angle)| angle.abs() < inner)
        .collect();
    let on = polar
        .iter()
        .filter(|(radius, _)| (radius - usual).abs() <= 2.0 * ON_OUTLINE)
        .count();
    (on * 3 >= polar.len()).then_some(usual)
}

/// One step of a weighted least-squares fit of all five figures to the outline points within `reach` pixels of it.
/// Without `sides` the half angle is left alone and only the arcs count.
pub(super) fn refined(
    fan: &FanInPicture,
    outline: &Outline,
    reach: f64,
    sides: bool,
) -> Option<FanInPicture> {
    let (sin, cos) = fan.half.0.sin_cos();
    let (cx, cz) = (fan.apex.x, fan.apex.z);
    let mut sums = Normal::default();
    let inner = fan.half.0 - 1.0_f64.to_radians();
    if sides {
        for p in &outline.left {
            let (x, z) = (p.x - cx, p.z - cz);
            sums.add(
                [-cos, -sin, 0.0, 0.0, z * cos - x * sin],
                x * cos + z * sin,
                reach,
            );
        }
        for p in &outline.right {
            let (x, z) = (p.x - cx, p.z - cz);
            sums.add(
                [cos, -sin, 0.0, 0.0, z * cos + x * sin],
                z * sin - x * cos,
                reach,
            );
        }
    }
    for (points, radius, column) in [(&outline.top, fan.near, 2), (&outline.bottom, fan.far, 3)] {
        for &point in points {
            let (r, angle) = fan.polar(point);
            if r > 1.0 && angle.abs() < inner {
                let mut row = [-(point.x - cx) / r, -(point.z - cz) / r, 0.0, 0.0, 0.0];
                if let Some(entry) = row.get_mut(column) {
                    *entry = -1.0;
                }
                sums.add(row, r - radius, reach);
            }
        }
    }
    let [dx, dz, near, far, half] = sums.solve()?;
    Some(FanInPicture {
        apex: PixelPoint::new(cx + dx, cz + dz),
        near: (fan.near + near).max(0.0),
        far: fan.far + far,
        half: Radians(fan.half.0 + half),
    })
}

/// Normal equations of five unknowns.
#[derive(Default)]
struct Normal {
    matrix: [[f64; 6]; 5],
}

impl Normal {
    /// Adds a distance and how it changes with each unknown; far points count less, those beyond `reach` not at all.
    fn add(&mut self, change: [f64; 5], distance: f64, reach: f64) {
        if distance.abs() > reach {
            return;
        }
        let weight = 1.0 / distance.abs().max(1.0);
        for (row, by) in self.matrix.iter_mut().zip(change) {
            for (sum, with) in row.iter_mut().zip(change.into_iter().chain([-distance])) {
                *sum += weight * by * with;
            }
        }
    }

    /// The unknowns, by elimination; an unknown nothing speaks of stays where it is.
    fn solve(mut self) -> Option<[f64; 5]> {
        for (k, row) in self.matrix.iter_mut().enumerate() {
            if let Some(pivot) = row.get_mut(k) {
                *pivot += 1e-6;
            }
        }
        for k in 0..5 {
            let pivot_row = *self.matrix.get(k)?;
            let pivot = *pivot_row.get(k)?;
            if !pivot.is_finite() || pivot.abs() < 1e-12 {
                return None;
            }
            for (j, row) in self.matrix.iter_mut().enumerate() {
                let factor = row.get(k)? / pivot;
                if j != k {
                    for (value, from) in row.iter_mut().zip(pivot_row) {
                        *value -= factor * from;
                    }
                }
            }
        }
        let mut unknowns = [0.0; 5];
        for (k, unknown) in unknowns.iter_mut().enumerate() {
            let row = self.matrix.get(k)?;
            *unknown = row.get(5)? / row.get(k)?;
        }
        unknowns.iter().all(|u| u.is_finite()).then_some(unknowns)
    }
}

pub(super) fn is_sound(fan: &FanInPicture) -> bool {
    let half = fan.half.degrees();
    let bulge = fan.near * (1.0 - fan.half.0.cos());
    fan.apex.is_finite()
        && (HALF_LEAST_DEGREES..=HALF_MOST_DEGREES).contains(&half)
        && fan.far > fan.near + 24.0
        && (bulge >= BULGE_LEAST || fan.near < POINTED)
}

/// Whether both sides are lit along a good part of their length.
fn sides_are_seen(fan: &FanInPicture, outline: &Outline) -> bool {
    let (sin, cos) = fan.half.0.sin_cos();
    [(&outline.left, -1.0), (&outline.right, 1.0)]
        .into_iter()
        .all(|(points, out)| {
            let length = |z: f64| (z - fan.apex.z) / cos;
            let visible = (0..outline.rows).filter(|&row| {
                let along = length(row as f64);
                let x = fan.apex.x + out * along * sin;
                along > fan.near && along < fan.far && x > 1.0 && x < outline.columns as f64 - 2.0
            });
            let on = points.iter().filter(|p| {
                let off = out * (p.x - fan.apex.x) * cos - (p.z - fan.apex.z) * sin;
                let along = length(p.z);
                off.abs() <= ON_OUTLINE && along > fan.near && along < fan.far
            });
            let (visible, on) = (visible.count(), on.count());
            on >= 12 && on * 20 >= visible * 7
        })
}

/// Whether the arc of the probe face is lit along most of its length (the point of a phased array has none).
pub(super) fn face_is_seen(fan: &FanInPicture, outline: &Outline) -> bool {
    if fan.near < POINTED {
        return true;
    }
    let inner = fan.half.0 - 1.0_f64.to_radians();
    let reach = fan.near * inner.sin();
    let columns = (0..outline.columns)
        .filter(|&column| (column as f64 - fan.apex.x).abs() < reach)
        .count();
    let on = outline
        .top
        .iter()
        .map(|&p| fan.polar(p))
        .filter(|(r, angle)| angle.abs() < inner && (r - fan.near).abs() <= ON_OUTLINE)
        .count();
    on >= 8 && on * 10 >= columns * 6
}

/// Share of all lit pixels that lie outside the fan by more than a few pixels; `slack` widens it (radians).
pub(super) fn share_outside(fan: &FanInPicture, outline: &Outline, slack: f64) -> f64 {
    let (sin, cos) = (fan.half.0 + slack)
        .min(std::f64::consts::FRAC_PI_2)
        .sin_cos();
    let (mut lit, mut outside) = (0_usize, 0_usize);
    for (row, line) in outline.lit.chunks_exact(outline.columns).enumerate() {
        let z = row as f64 - fan.apex.z;
        for (column, _) in line.iter().enumerate().filter(|&(_, &lit)| lit) {
            let x = column as f64 - fan.apex.x;
            let beyond = x.abs() * cos - z * sin;
            let radius = x.hypot(z);
            lit += 1;
            let out = beyond > 3.0 || radius < fan.near - 3.0 || radius > fan.far + 3.0;
            outside += usize::from(out);
        }
    }
    outside as f64 / lit.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of a fan with speckle, a few dark patches and, above, lettering.
    fn picture(fan: &FanInPicture, columns: usize, rows: usize) -> Vec<u8> {
        let mut pixels = vec![0_u8; columns * rows];
        for (pixel, grey) in pixels.iter_mut().enumerate() {
            let at = PixelPoint::new((pixel % columns) as f64, (pixel / columns) as f64);
            let (radius, angle) = fan.polar(at);
            let inside = radius >= fan.near && radius <= fan.far && angle.abs() <= fan.half.0;
            let hole = at.distance(PixelPoint::new(columns as f64 * 0.3, rows as f64 * 0.6));
            if inside && hole > 50.0 {
                let noise = (pixel as u32).wrapping_mul(2_654_435_761) >> 24;
                *grey = if noise < 30 { 0 } else { noise as u8 };
            }
        }
        for row in 8..16 {
            for column in (columns / 2 - 60..columns / 2 + 60).filter(|c| c % 5 < 3) {
                pixels[row * columns + column] = 250;
            }
        }
        pixels
    }

    fn fan(x: f64, z: f64, near: f64, far: f64, degrees: f64) -> FanInPicture {
        FanInPicture {
            apex: PixelPoint::new(x, z),
            near,
            far,
            half: Radians::from_degrees(degrees),
        }
    }

    fn assert_found(truth: &FanInPicture, columns: usize, rows: usize, limit: f64) {
        let pixels = picture(truth, columns, rows);
        let found = recognise_fan(&pixels, columns, rows);
        let found = found.unwrap_or_else(|| panic!("not found: {truth:?}"));
        let off = found.apex.distance(truth.apex);
        assert!(off < limit, "apex off by {off}: {found:?} for {truth:?}");
        assert!((found.face().z - truth.face().z).abs() < 1.0, "{found:?}");
        assert!((found.half - truth.half).abs().degrees() < 0.4, "{found:?}");
    }

    #[test]
    fn fans_of_many_shapes_are_found_with_lettering_and_dark_patches() {
        for truth in [
            fan(400.0, -180.0, 260.0, 700.0, 32.0),
            fan(380.4, 20.6, 70.0, 540.0, 70.0),
            fan(412.3, -90.2, 130.0, 650.0, 28.0),
        ] {
            assert_found(&truth, 800, 600, 2.0);
            let found = recognise_fan(&picture(&truth, 800, 600), 800, 600).expect("found");
            assert!(
                (found.far - truth.far).abs() < 2.0,
                "{found:?} for {truth:?}"
            );
        }
    }

    #[test]
    fn a_fan_whose_bottom_is_cut_off_keeps_its_apex() {
        assert_found(&fan(400.0, -180.0, 260.0, 900.0, 30.0), 800, 420, 3.0);
    }

    #[test]
    fn the_point_of_a_phased_array_is_its_apex() {
        assert_found(&fan(400.0, 30.0, 0.0, 520.0, 42.0), 800, 600, 3.0);
    }

    #[test]
    fn rectangles_trapezoids_and_one_sided_fans_are_no_fans() {
        let (columns, rows) = (640, 480);
        let shape = |inside: &dyn Fn(f64, f64) -> bool| -> Vec<u8> {
            (0..columns * rows)
                .map(|p| {
                    let lit = inside((p % columns) as f64, (p / columns) as f64);
                    if lit { 40 + (p * 7919 % 200) as u8 } else { 0 }
                })
                .collect()
        };
        let rectangle = shape(&|x, z| (150.0..490.0).contains(&x) && (40.0..440.0).contains(&z));
        let trapezoid =
            shape(&|x, z| (x - 320.0).abs() < 100.0 + z * 0.4 && (40.0..440.0).contains(&z));
        let one_sided =
            shape(&|x, z| x > 150.0 && x < 300.0 + z * 0.5 && (40.0..440.0).contains(&z));
        let disc = shape(&|x, z| (x - 320.0).hypot(z - 240.0) < 180.0);
        for (name, pixels) in [
            ("rectangle", rectangle),
            ("trapezoid", trapezoid),
            ("one-sided", one_sided),
            ("disc", disc),
            ("black", vec![0; columns * rows]),
            ("grey", vec![90; columns * rows]),
        ] {
            let found = recognise_fan(&pixels, columns, rows);
            assert!(found.is_none(), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_face_in_black_water_is_found_once_noise_shows_how_deep_the_picture_goes() {
        let truth = fan(400.0, 30.0, 67.0, 540.0, 70.0);
        let (columns, rows) = (800, 600);
        let mut pixels = vec![0_u8; columns * rows];
        let mut speckle = |radius: f64, degrees: f64, grey: u8| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let column = (truth.apex.x + radius * sin).round() as usize;
            let row = (truth.apex.z + radius * cos).round() as usize;
            if column < columns && row < rows {
                pixels[row * columns + column] = grey;
            }
        };
        for k in 0..28_000 {
            let degrees = f64::from(k % 1400) / 10.0 - 70.0;
            speckle(67.5 + f64::from(k / 1400), degrees, 200);
        }
        assert!(recognise_fan(&pixels, columns, rows).is_none());
        let mut speckle = |radius: f64, degrees: f64, grey: u8| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let column = (truth.apex.x + radius * sin).round() as usize;
            let row = (truth.apex.z + radius * cos).round() as usize;
            if column < columns && row < rows {
                pixels[row * columns + column] = grey;
            }
        };
        for k in 0..400 {
            let degrees = f64::from(k * 37 % 130) - 65.0;
            speckle(100.0 + f64::from(k * 53 % 441), degrees, 60);
        }
        for degrees in [-20.0, -10.0, -1.0, 8.0, 20.0] {
            speckle(539.5, degrees, 60);
        }
        let found = recognise_fan(&pixels, columns, rows).expect("found");
        assert!(found.apex.distance(truth.apex) < 2.0, "{found:?}");
        assert!((found.far - truth.far).abs() < 3.0, "{found:?}");
        assert!((found.half.degrees() - 70.0).abs() < 2.0, "{found:?}");
    }

    #[test]
    fn a_fan_can_be_given_in_millimetres() {
        let map = Affine::new([0.2, 0.2], [-64.6, -8.2]).expect("sound");
        let Beams::Fan { apex, near, .. } = fan(323.0, -259.0, 301.0, 640.0, 30.0).beams(&map)
        else {
            panic!("a fan");
        };
        assert!(apex.x.abs() < 1e-9 && (apex.z + 60.0).abs() < 1e-9 && (near - 60.2).abs() < 1e-9);
    }
}
