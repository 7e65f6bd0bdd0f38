//! Thin smooth lines and words in pixels, for pictures that are kept. Plain scalar arithmetic: the same marks give the
//! same bytes on every machine.
use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

/// A colour, red green blue.
pub(super) type Color = [u8; 3];

/// A place on the canvas, pixels from its top-left corner.
pub(super) type Spot = (f32, f32);

/// Which cut of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    SemiBold,
}

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
static SEMI_BOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

/// The embedded font; `None` only if the file in assets/fonts were damaged, which a test excludes.
fn font(weight: Weight) -> Option<&'static FontRef<'static>> {
    static FONTS: OnceLock<[Option<FontRef<'static>>; 2]> = OnceLock::new();
    let [regular, semi_bold] = FONTS.get_or_init(|| {
        [
            FontRef::try_from_slice(REGULAR).ok(),
            FontRef::try_from_slice(SEMI_BOLD).ok(),
        ]
    });
    match weight {
        Weight::Regular => regular.as_ref(),
        Weight::SemiBold => semi_bold.as_ref(),
    }
}

/// A picture being drawn.
pub(super) struct Canvas {
    picture: ::image::RgbImage,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, background: Color) -> Self {
        Self {
            picture: ::image::RgbImage::from_pixel(width, height, ::image::Rgb(background)),
        }
    }

    pub(super) fn finish(self) -> ::image::RgbImage {
        self.picture
    }

    /// Mixes a colour into one pixel; outside the canvas nothing happens.
    pub(super) fn mix(&mut self, x: i64, y: i64, color: Color, share: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if let Some(pixel) = self.picture.get_pixel_mut_checked(x, y) {
            let share = share.clamp(0.0, 1.0);
            for (old, new) in pixel.0.iter_mut().zip(color) {
                let mixed = f32::from(*old) * (1.0 - share) + f32::from(new) * share;
                *old = (mixed + 0.5) as u8;
            }
        }
    }

    pub(super) fn rectangle(
        &mut self,
        (left, top): Spot,
        (width, height): Spot,
        color: Color,
        share: f32,
    ) {
        let (x0, y0) = (left.round() as i64, top.round() as i64);
        let (x1, y1) = ((left + width).round() as i64, (top + height).round() as i64);
        for y in y0..y1 {
            for x in x0..x1 {
                self.mix(x, y, color, share);
            }
        }
    }

    pub(super) fn frame(&mut self, (left, top): Spot, (width, height): Spot, color: Color) {
        let (right, bottom) = (left + width, top + height);
        for (a, b) in [
            ((left, top), (right, top)),
            ((right, top), (right, bottom)),
            ((right, bottom), (left, bottom)),
            ((left, bottom), (left, top)),
        ] {
            self.line(a, b, 1.5, color, 1.0);
        }
    }

    /// A smooth line of this width.
    pub(super) fn line(&mut self, a: Spot, b: Spot, width: f32, color: Color, share: f32) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let squared = dx * dx + dy * dy;
        let distance = |x: f32, y: f32| {
            let along = if squared > 0.0 {
                (((x - a.0) * dx + (y - a.1) * dy) / squared).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let (ex, ey) = (x - a.0 - along * dx, y - a.1 - along * dy);
            (ex * ex + ey * ey).sqrt()
        };
        let corners = ((a.0.min(b.0), a.1.min(b.1)), (a.0.max(b.0), a.1.max(b.1)));
        self.shade(corners, width / 2.0, color, share, distance);
    }

    /// A smooth ring of this stroke width.
    pub(super) fn ring(&mut self, center: Spot, radius: f32, width: f32, color: Color, share: f32) {
        let corners = (
            (center.0 - radius, center.1 - radius),
            (center.0 + radius, center.1 + radius),
        );
        self.shade(corners, width / 2.0, color, share, |x, y| {
            let (ex, ey) = (x - center.0, y - center.1);
            ((ex * ex + ey * ey).sqrt() - radius).abs()
        });
    }

    /// A smooth filled disc.
    pub(super) fn disc(&mut self, center: Spot, radius: f32, color: Color) {
        self.line(center, center, radius * 2.0, color, 1.0);
    }

    /// Colours every pixel nearer than `half` to a shape, softly over one pixel at its rim.
    fn shade(
        &mut self,
        (least, most): (Spot, Spot),
        half: f32,
        color: Color,
        share: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) {
        let sound = [least.0, least.1, most.0, most.1]
            .iter()
            .all(|v| v.is_finite());
        if !sound {
            return;
        }
        let (width, height) = self.picture.dimensions();
        let margin = half + 1.0;
        let first = |v: f32| ((v - margin).floor() as i64).max(0);
        let last = |v: f32, limit: u32| ((v + margin).ceil() as i64).min(i64::from(limit) - 1);
        for y in first(least.1)..=last(most.1, height) {
            for x in first(least.0)..=last(most.0, width) {
                let cover = half + 0.5 - distance(x as f32 + 0.5, y as f32 + 0.5);
                if cover > 0.0 {
                    self.mix(x, y, color, cover.min(1.0) * share);
                }
            }
        }
    }

    /// Draws words with their left end at `x` and their baseline at `y`.
    pub(super) fn words(
        &mut self,
        (x, y): Spot,
        size: f32,
        weight: Weight,
        color: Color,
        text: &str,
    ) {
        for (font, glyph) in laid_out((x, y), size, weight, text) {
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
                outline.draw(|dx, dy, cover| {
                    self.mix(left + i64::from(dx), top + i64::from(dy), color, cover);
                });
            }
        }
    }
}

/// Width of words in pixels.
pub(super) fn width_of(size: f32, weight: Weight, text: &str) -> f32 {
    let Some(font) = font(weight) else { return 0.0 };
    let scaled = font.as_scaled(PxScale::from(size));
    let mut width = 0.0;
    let mut previous = None;
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        width += previous.map_or(0.0, |before| scaled.kern(before, id)) + scaled.h_advance(id);
        previous = Some(id);
    }
    width
}

fn laid_out(
    (x, y): Spot,
    size: f32,
    weight: Weight,
    text: &str,
) -> Vec<(&'static FontRef<'static>, Glyph)> {
    let Some(font) = font(weight) else {
        return Vec::new();
    };
    let scale = PxScale::from(size);
    let scaled = font.as_scaled(scale);
    let mut pen = x;
    let mut previous = None;
    let mut glyphs = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        pen += previous.map_or(0.0, |before| scaled.kern(before, id));
        glyphs.push((font, id.with_scale_and_position(scale, point(pen, y))));
        pen += scaled.h_advance(id);
        previous = Some(id);
    }
    glyphs
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Color = [0, 0, 0];
    const WHITE: Color = [255, 255, 255];

    fn lit(canvas: Canvas) -> usize {
        canvas
            .finish()
            .pixels()
            .filter(|pixel| pixel.0[0] > 0)
            .count()
    }

    #[test]
    fn both_cuts_of_the_font_are_there_and_digits_share_one_width() {
        for weight in [Weight::Regular, Weight::SemiBold] {
            assert!(font(weight).is_some());
            let one = width_of(30.0, weight, "1");
            for digit in "023456789".chars() {
                let width = width_of(30.0, weight, &digit.to_string());
                assert!((width - one).abs() < 0.05, "{digit}: {width} against {one}");
            }
        }
        let mut canvas = Canvas::new(200, 40, BLACK);
        canvas.words((5.0, 30.0), 24.0, Weight::Regular, WHITE, "fill port");
        assert!(lit(canvas) > 200);
    }

    #[test]
    fn drawing_outside_or_at_no_number_changes_nothing() {
        let mut canvas = Canvas::new(20, 20, BLACK);
        canvas.line((-90.0, -90.0), (-50.0, -60.0), 3.0, WHITE, 1.0);
        canvas.line((f32::NAN, 1.0), (4.0, 5.0), 3.0, WHITE, 1.0);
        canvas.ring((500.0, 5.0), 4.0, 1.0, WHITE, 1.0);
        canvas.words((900.0, 900.0), 24.0, Weight::Regular, WHITE, "far");
        assert_eq!(lit(canvas), 0);
    }

    #[test]
    fn a_line_is_solid_inside_and_soft_at_its_rim() {
        let mut canvas = Canvas::new(20, 20, BLACK);
        canvas.line((2.0, 10.0), (18.0, 10.0), 3.0, WHITE, 1.0);
        let picture = canvas.finish();
        assert_eq!(picture.get_pixel(10, 9).0, WHITE);
        let rim = picture.get_pixel(10, 11).0[0];
        assert!(rim > 0 && rim < 255, "{rim}");
        assert_eq!(picture.get_pixel(10, 15).0, BLACK);
    }
}
