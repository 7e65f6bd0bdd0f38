//! The depth ruler: a tick every half centimetre, a longer one with its number every centimetre. Always there when
//! there is a scale, never without one (H05).
use crate::image::{LengthUnit, ScanImage};
use crate::space::PixelPoint;

/// Distance between ticks, mm.
const STEP: f64 = 5.0;
/// No picture is deeper than this, mm; keeps the number of ticks bounded.
const DEEPEST: f64 = 400.0;

/// One tick of the ruler.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Depth below the probe face, mm.
    pub depth: f64,
    /// Whole centimetres, as text; `None` for the half ones.
    pub number: Option<String>,
}

/// The ticks that lie in a picture, from the skin downward.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DepthRuler {
    /// The ticks.
    pub ticks: Vec<Tick>,
}

/// The ruler of a picture; without a scale it has no ticks.
pub fn ruler(image: &ScanImage) -> DepthRuler {
    if image.unit == LengthUnit::Pixels {
        return DepthRuler::default();
    }
    let top = image.point_of(PixelPoint::new(0.0, -0.5)).z.max(0.0);
    let bottom = image
        .point_of(PixelPoint::new(0.0, image.rows as f64 - 0.5))
        .z
        .min(DEEPEST);
    let mut ticks = Vec::new();
    let mut index = (top / STEP).ceil().max(0.0) as u32;
    while f64::from(index) * STEP <= bottom {
        ticks.push(Tick {
            depth: f64::from(index) * STEP,
            number: index.is_multiple_of(2).then(|| (index / 2).to_string()),
        });
        index += 1;
    }
    DepthRuler { ticks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::marking::tests::picture;

    #[test]
    fn the_ruler_counts_centimetres_from_the_skin() {
        let ticks = ruler(&picture(300, 395, 0.1)).ticks;
        let numbers: Vec<String> = ticks.iter().filter_map(|t| t.number.clone()).collect();
        assert_eq!(numbers, ["0", "1", "2", "3"]);
        assert_eq!(ticks.len(), 8);
        assert_eq!(ticks[1].depth, 5.0);
        assert_eq!(ticks[1].number, None);
    }

    #[test]
    fn a_picture_without_a_scale_has_no_ruler() {
        let mut image = picture(300, 400, 1.0);
        image.unit = LengthUnit::Pixels;
        assert_eq!(ruler(&image), DepthRuler::default());
    }
}
