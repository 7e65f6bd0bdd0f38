//! A fan from the bright arc of the probe face: the way for pictures of water, where the sides are dark.
use super::fan::{
    FanInPicture, HALF_MOST_DEGREES, ON_LINE, OUTSIDE_MOST, UNEVEN_MOST_DEGREES, face_is_seen,
    is_sound, refined, share_outside, spread,
};
use super::outline::Outline;
use crate::space::{PixelPoint, Radians};

/// The other way: from the bright arc of the probe face, for pictures of water.
pub(super) fn by_face(outline: &Outline) -> Option<FanInPicture> {
    let mut fan = face_circle(outline)?;
    for reach in [4.0, 3.0, 2.0, 2.0] {
        fan = refined(&fan, outline, reach, false)?;
    }
    fan.half = face_half(&fan, outline)?;
    fan.far = lit_reach(&fan, outline)?;
    let slack = 3.0_f64.to_radians();
    let believed = is_sound(&fan)
        && fan.half.degrees() >= 25.0
        && face_is_seen(&fan, outline)
        && share_outside(&fan, outline, slack) <= OUTSIDE_MOST / 3.0;
    believed.then_some(fan)
}

/// The circle with most of the upper outline on its lower half.
fn face_circle(outline: &Outline) -> Option<FanInPicture> {
    let picked = spread(&outline.top, 44);
    let (least, most) = (0.02 * outline.columns as f64, outline.columns as f64);
    let mut best: Option<(i64, FanInPicture)> = None;
    for (i, &a) in picked.iter().enumerate() {
        for (j, &b) in picked.iter().enumerate().skip(i + 1) {
            for &c in picked.iter().skip(j + 1) {
                let Some((center, radius)) = circle(a, b, c) else {
                    continue;
                };
                let lower = [a, b, c].iter().all(|p| p.z > center.z);
                if !lower || radius < least || radius > most {
                    continue;
                }
                // Nothing lies between the face and its apex, so lit points there speak against a circle.
                let on: i64 = outline
                    .top
                    .iter()
                    .map(|p| match p.distance(center) - radius {
                        off if off < -3.0 => -3,
                        off if off.abs() <= ON_LINE && p.z > center.z => 1,
                        _ => 0,
                    })
                    .sum();
                if best.is_none_or(|(so_far, _)| on > so_far) {
                    best = Some((
                        on,
                        FanInPicture {
                            apex: center,
                            near: radius,
                            far: f64::INFINITY,
                            half: Radians::from_degrees(HALF_MOST_DEGREES),
                        },
                    ));
                }
            }
        }
    }
    best.filter(|(on, _)| *on >= 24).map(|(_, fan)| fan)
}

/// Centre and radius of the circle through three points.
fn circle(a: PixelPoint, b: PixelPoint, c: PixelPoint) -> Option<(PixelPoint, f64)> {
    let (bx, bz) = (b.x - a.x, b.z - a.z);
    let (cx, cz) = (c.x - a.x, c.z - a.z);
    let twice = 2.0 * (bx * cz - bz * cx);
    if twice.abs() < 1e-6 {
        return None;
    }
    let (b2, c2) = (bx * bx + bz * bz, cx * cx + cz * cz);
    let (x, z) = ((cz * b2 - bz * c2) / twice, (bx * c2 - cx * b2) / twice);
    Some((PixelPoint::new(a.x + x, a.z + z), x.hypot(z)))
}

/// How far to both sides the probe face is lit without a gap, black just above it.
fn face_half(fan: &FanInPicture, outline: &Outline) -> Option<Radians> {
    let step = 0.25_f64.to_radians();
    let seen = |angle: f64| {
        let at = |radius: f64| {
            let point = (
                fan.apex.x + radius * angle.sin(),
                fan.apex.z + radius * angle.cos(),
            );
            outline.is_lit(point.0, point.1) == Some(true)
        };
        (at(fan.near + 1.5) || at(fan.near + 3.0)) && !at(fan.near - 3.0)
    };
    let extent = |side: f64| {
        let (mut last, mut gap) = (0.0, 0);
        for k in 1..360 {
            let angle = step * f64::from(k);
            if seen(side * angle) {
                (last, gap) = (angle, 0);
            } else {
                gap += 1;
            }
            if gap > 8 {
                break;
            }
        }
        last
    };
    let (left, right) = (extent(-1.0), extent(1.0));
    let even = (left - right).abs().to_degrees() <= UNEVEN_MOST_DEGREES;
    even.then_some(Radians(f64::midpoint(left, right)))
}

/// The deepest radius at which anything is lit, if several beams well apart end there and none beyond: in water
/// only the noise of many frames shows it. `None` where nothing ends in common.
fn lit_reach(fan: &FanInPicture, outline: &Outline) -> Option<f64> {
    let step = 2.0_f64.to_radians();
    let bins = (fan.half.0 / step) as i32;
    let mut reaches: Vec<(f64, f64)> = Vec::new();
    for bin in -bins..=bins {
        let middle = f64::from(bin) * step;
        let mut reach = 0.0;
        for part in -4..=4 {
            let (sin, cos) = (middle + step * f64::from(part) / 8.0).sin_cos();
            let mut radius = fan.near;
            while let Some(lit) =
                outline.is_lit(fan.apex.x + radius * sin, fan.apex.z + radius * cos)
            {
                if lit && radius > reach {
                    reach = radius;
                }
                radius += 1.0;
            }
            // Beams that leave the picture at its side say nothing of the deepest arc.
            if reach + 3.0 > radius {
                reach = 0.0;
                break;
            }
        }
        if reach > 0.0 {
            reaches.push((reach, middle));
        }
    }
    let far = reaches.iter().map(|(reach, _)| *reach).fold(0.0, f64::max);
    let at_it: Vec<f64> = reaches
        .iter()
        .filter(|(reach, _)| far - reach <= 3.0)
        .map(|(_, angle)| *angle)
        .collect();
    let first = at_it.first()?;
    let last = at_it.last()?;
    let common = at_it.len() >= 4 && last - first >= 10.0_f64.to_radians();
    common.then_some(far + 0.5)
}
