//! Draws a picture with its marks, source, scale, the one line and the disclaimer into pixels, for pictures that are
//! kept or made without a display. Nothing that identifies a patient is drawn (H27).
use crate::frame::Origin;
use crate::guide::{Headline, Tone};
use crate::image::{LengthUnit, ScanImage};
use crate::overlay::canvas::{Canvas, Color, Spot, Weight, width_of};
use crate::overlay::{Look, Mark, Marks, Stroke, may_draw, ruler};
use crate::space::{PixelPoint, ScanPoint};
use crate::words;

const BACKGROUND: Color = [0x0b, 0x0e, 0x12];
const PANEL: Color = [0x12, 0x17, 0x1d];
const RULE: Color = [0x23, 0x2b, 0x34];
const TEXT: Color = [0xe8, 0xed, 0xf2];
const QUIET: Color = [0x8b, 0x98, 0xa7];
const SEEN: Color = [0x5c, 0xc8, 0xff];
const SUGGESTED: Color = [0x7c, 0xff, 0xb2];
const WARNING: Color = [0xff, 0xc2, 0x4b];
const STOP: Color = [0xff, 0x6b, 0x6b];
const BLACK: Color = [0, 0, 0];

/// Canvas width, px.
const WIDTH: u32 = 1280;
/// Kept at the right of the picture for the depth ruler, px.
const RULER: f32 = 84.0;
const MARGIN: f32 = 16.0;
/// Kept above the picture so that the ring at the skin is whole, px.
const HEADROOM: f32 = 18.0;
/// Least and most height of the picture's area, px.
const AREA_HEIGHTS: (f32, f32) = (560.0, 880.0);
/// Heights of the strips below the picture, px.
const HEADLINE: f32 = 64.0;
const FOOTER: f32 = 66.0;

const LINE: f32 = 2.0;
const OUTLINE: f32 = 4.5;
const LABEL_SIZE: f32 = 21.0;
const HEADLINE_SIZE: f32 = 31.0;
const SMALL_SIZE: f32 = 19.0;

/// What is written beside the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Caption {
    /// The one line.
    pub headline: Headline,
    /// Name of the source, such as a file's; no patient's name.
    pub source_name: String,
    /// Time since the first frame, seconds.
    pub seconds: Option<f64>,
    /// What was chosen, such as pump and needle, ready-made text.
    pub setup: Option<String>,
    /// Whether left and right change places on the display: picture, marks and marker together (H03).
    pub mirrored: bool,
}

/// The picture with everything that belongs to it. Marks of another frame are not drawn (H02).
pub fn burn_in(image: &ScanImage, marks: &Marks, caption: &Caption) -> ::image::RgbImage {
    let placed = Placed::new(image, caption.mirrored);
    let height = placed.area_height + HEADLINE + FOOTER;
    let mut canvas = Canvas::new(WIDTH, height.round() as u32, BACKGROUND);
    canvas.rectangle((0.0, 0.0), (WIDTH as f32, placed.area_height), BLACK, 1.0);
    draw_picture(&mut canvas, image, &placed);
    draw_ruler(&mut canvas, image, &placed);
    if may_draw(marks, image.frame) {
        for mark in &marks.marks {
            draw_mark(&mut canvas, mark, image, &placed);
        }
    }
    draw_source(&mut canvas, image.origin, &placed);
    draw_marker(&mut canvas, &placed);
    draw_headline(&mut canvas, &caption.headline, placed.area_height);
    draw_footer(&mut canvas, image, caption, placed.area_height + HEADLINE);
    canvas.finish()
}

/// Where the picture lies on the canvas.
struct Placed {
    left: f32,
    top: f32,
    /// Canvas pixels per picture pixel.
    zoom: f32,
    width: f32,
    height: f32,
    area_height: f32,
    mirrored: bool,
}

impl Placed {
    fn new(image: &ScanImage, mirrored: bool) -> Self {
        let (columns, rows) = (image.columns.max(1) as f32, image.rows.max(1) as f32);
        let room = WIDTH as f32 - RULER - MARGIN;
        let (least, most) = AREA_HEIGHTS;
        let area_height = (room * rows / columns + HEADROOM)
            .clamp(least, most)
            .round();
        let zoom = (room / columns).min((area_height - HEADROOM) / rows);
        let (width, height) = (columns * zoom, rows * zoom);
        Self {
            left: MARGIN + (room - width) / 2.0,
            top: HEADROOM + (area_height - HEADROOM - height) / 2.0,
            zoom,
            width,
            height,
            area_height,
            mirrored,
        }
    }

    /// The canvas spot of a pixel of the picture; its first pixel's centre is half a pixel inside the corner.
    fn spot(&self, pixel: PixelPoint) -> Spot {
        let across = (pixel.x as f32 + 0.5) * self.zoom;
        let across = if self.mirrored {
            self.width - across
        } else {
            across
        };
        (
            self.left + across,
            self.top + (pixel.z as f32 + 0.5) * self.zoom,
        )
    }

    fn spot_of(&self, image: &ScanImage, point: ScanPoint) -> Spot {
        self.spot(image.pixel_of(point))
    }
}

fn draw_picture(canvas: &mut Canvas, image: &ScanImage, placed: &Placed) {
    let gray = |column: i64, row: i64| {
        let column = column.clamp(0, image.columns as i64 - 1) as usize;
        let row = row.clamp(0, image.rows as i64 - 1) as usize;
        f32::from(image.at(column, row).unwrap_or(0))
    };
    for y in 0..placed.height.round() as i64 {
        let v = (y as f32 + 0.5) / placed.zoom - 0.5;
        let (row, down) = (v.floor() as i64, v - v.floor());
        for x in 0..placed.width.round() as i64 {
            let across = if placed.mirrored {
                placed.width - x as f32 - 0.5
            } else {
                x as f32 + 0.5
            };
            let u = across / placed.zoom - 0.5;
            let (column, right) = (u.floor() as i64, u - u.floor());
            let upper = gray(column, row) * (1.0 - right) + gray(column + 1, row) * right;
            let lower = gray(column, row + 1) * (1.0 - right) + gray(column + 1, row + 1) * right;
            let value = (upper * (1.0 - down) + lower * down + 0.5) as u8;
            let (left, top) = (placed.left.round() as i64, placed.top.round() as i64);
            canvas.mix(left + x, top + y, [value; 3], 1.0);
        }
    }
}

fn draw_ruler(canvas: &mut Canvas, image: &ScanImage, placed: &Placed) {
    let x = placed.left + placed.width + 14.0;
    let mut last = None;
    for tick in ruler(image).ticks {
        let (_, y) = placed.spot_of(image, ScanPoint::new(0.0, tick.depth));
        let length = if tick.number.is_some() { 16.0 } else { 8.0 };
        canvas.line((x, y), (x + length, y), 1.5, QUIET, 1.0);
        if let Some(number) = &tick.number {
            let lowest = placed.area_height - 6.0;
            let baseline = (y + 7.0).clamp(18.0, lowest);
            canvas.words(
                (x + 24.0, baseline),
                SMALL_SIZE,
                Weight::Regular,
                QUIET,
                number,
            );
            last = Some((
                x + 24.0 + width_of(SMALL_SIZE, Weight::Regular, number) + 5.0,
                baseline,
            ));
        }
    }
    if let Some(at) = last {
        let unit = words::say("overlay-depth-unit");
        canvas.words(at, SMALL_SIZE, Weight::Regular, QUIET, &unit);
    }
}

fn color_of(look: Look) -> Color {
    match look {
        Look::Seen => SEEN,
        Look::Suggested => SUGGESTED,
        Look::Placed => TEXT,
        Look::Warning => WARNING,
        Look::Held => QUIET,
    }
}

fn draw_mark(canvas: &mut Canvas, mark: &Mark, image: &ScanImage, placed: &Placed) {
    match mark {
        Mark::Line {
            from,
            to,
            look,
            stroke,
        } => {
            let (a, b) = (placed.spot_of(image, *from), placed.spot_of(image, *to));
            draw_line(canvas, a, b, color_of(*look), *stroke);
        }
        Mark::Ring {
            center,
            radius,
            look,
        } => {
            let middle = placed.spot_of(image, *center);
            let radius = ((*radius / image.pitch) as f32 * placed.zoom).clamp(6.0, 10.0);
            canvas.ring(middle, radius, OUTLINE, BLACK, 0.7);
            canvas.ring(middle, radius, LINE, color_of(*look), 1.0);
        }
        Mark::Label { at, text, look } => {
            let spot = placed.spot_of(image, *at);
            draw_label(canvas, spot, text, color_of(*look), placed);
        }
    }
}

fn draw_line(canvas: &mut Canvas, a: Spot, b: Spot, color: Color, stroke: Stroke) {
    let (dash, gap) = match stroke {
        Stroke::Solid | Stroke::Faint => (f32::INFINITY, 0.0),
        Stroke::Dashed => (11.0, 7.0),
    };
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).sqrt();
    if !(length.is_finite() && length > 0.0) {
        return;
    }
    let at = |s: f32| (a.0 + dx * s / length, a.1 + dy * s / length);
    for (width, ink, share) in [(OUTLINE, BLACK, 0.6), (LINE, color, 1.0)] {
        let mut start = 0.0;
        while start < length {
            let end = (start + dash).min(length);
            canvas.line(at(start), at(end), width, ink, share);
            start = end + gap;
        }
    }
}

/// Words to the right of a spot on a dark plate; moved left when the picture ends there, never over the spot itself.
fn draw_label(canvas: &mut Canvas, (x, y): Spot, text: &str, color: Color, placed: &Placed) {
    let width = width_of(LABEL_SIZE, Weight::SemiBold, text);
    let right_end = placed.left + placed.width - 6.0;
    // On a mirrored display "to the right" in the picture is to the left on the canvas.
    let wanted = if placed.mirrored { x - width } else { x };
    let left = wanted.min(right_end - width).max(placed.left + 6.0);
    let baseline = (y + 7.0)
        .min(placed.top + placed.height - 10.0)
        .max(placed.top + 24.0);
    let plate = ((left - 6.0, baseline - 20.0), (width + 12.0, 27.0));
    canvas.rectangle(plate.0, plate.1, BLACK, 0.55);
    canvas.words((left, baseline), LABEL_SIZE, Weight::SemiBold, color, text);
}

/// What the picture is, inside it, so that no copy can lose it (H28).
fn draw_source(canvas: &mut Canvas, origin: Origin, placed: &Placed) {
    let (key, color) = match origin {
        Origin::Live => ("source-live", SUGGESTED),
        Origin::Replay => ("source-replay", SEEN),
        Origin::Simulation => ("source-simulation", WARNING),
    };
    let text = words::say(key);
    let width = width_of(24.0, Weight::SemiBold, &text);
    let corner = (placed.left + 14.0, placed.top + 14.0);
    canvas.rectangle(corner, (width + 28.0, 40.0), BLACK, 0.7);
    canvas.frame(corner, (width + 28.0, 40.0), color);
    let at = (corner.0 + 14.0, corner.1 + 29.0);
    canvas.words(at, 24.0, Weight::SemiBold, color, &text);
}

/// A dot at the top of the marked side: right in `MF`, left when the display is mirrored (H03).
fn draw_marker(canvas: &mut Canvas, placed: &Placed) {
    let inset = 26.0;
    let x = if placed.mirrored {
        // Clear of the source label, which keeps its corner.
        placed.left + inset
    } else {
        placed.left + placed.width - inset
    };
    let y = if placed.mirrored { 80.0 } else { inset };
    let middle = (x, placed.top + y);
    canvas.disc(middle, 10.0, BLACK);
    canvas.disc(middle, 8.0, SEEN);
    let text = words::say("overlay-marker");
    let width = width_of(17.0, Weight::Regular, &text);
    let left = if placed.mirrored {
        x + 16.0
    } else {
        x - 16.0 - width
    };
    let plate = ((left - 4.0, middle.1 - 12.0), (width + 8.0, 24.0));
    canvas.rectangle(plate.0, plate.1, BLACK, 0.55);
    canvas.words((left, middle.1 + 6.0), 17.0, Weight::Regular, SEEN, &text);
}

fn draw_headline(canvas: &mut Canvas, headline: &Headline, top: f32) {
    canvas.rectangle((0.0, top), (WIDTH as f32, HEADLINE), PANEL, 1.0);
    canvas.line((0.0, top), (WIDTH as f32, top), 1.0, RULE, 1.0);
    let middle = (MARGIN + 24.0, top + HEADLINE / 2.0);
    let (color, ink) = match headline.tone {
        Tone::Go => (SUGGESTED, TEXT),
        Tone::Caution => (WARNING, WARNING),
        Tone::Stop => (STOP, STOP),
        Tone::Quiet => (QUIET, TEXT),
    };
    draw_tone(canvas, headline.tone, middle, color);
    let text = headline.text();
    let room = WIDTH as f32 - middle.0 - 34.0 - MARGIN;
    let wanted = width_of(HEADLINE_SIZE, Weight::SemiBold, &text);
    let size = HEADLINE_SIZE * (room / wanted.max(1.0)).min(1.0);
    let at = (middle.0 + 34.0, middle.1 + size * 0.32);
    canvas.words(at, size, Weight::SemiBold, ink, &text);
}

/// Each tone has a shape of its own: tick, triangle, cross, ring (H32).
fn draw_tone(canvas: &mut Canvas, tone: Tone, (x, y): Spot, color: Color) {
    let mut stroke = |a: Spot, b: Spot| {
        canvas.line((x + a.0, y + a.1), (x + b.0, y + b.1), 3.0, color, 1.0);
    };
    match tone {
        Tone::Go => {
            stroke((-7.0, 0.0), (-2.0, 6.0));
            stroke((-2.0, 6.0), (8.0, -6.0));
            canvas.ring((x, y), 17.0, 2.5, color, 1.0);
        }
        Tone::Caution => {
            stroke((0.0, -16.0), (18.0, 15.0));
            stroke((18.0, 15.0), (-18.0, 15.0));
            stroke((-18.0, 15.0), (0.0, -16.0));
            stroke((0.0, -4.0), (0.0, 4.0));
            stroke((0.0, 10.0), (0.0, 10.0));
        }
        Tone::Stop => {
            stroke((-12.0, -12.0), (12.0, 12.0));
            stroke((12.0, -12.0), (-12.0, 12.0));
        }
        Tone::Quiet => canvas.ring((x, y), 14.0, 2.5, color, 1.0),
    }
}

fn draw_footer(canvas: &mut Canvas, image: &ScanImage, caption: &Caption, top: f32) {
    let scale = match image.unit {
        LengthUnit::Millimeters => {
            let pitch = format!("{:.3}", image.pitch);
            words::say_with("overlay-scale", &[("pitch", &pitch)])
        }
        LengthUnit::Pixels => words::say("overlay-scale-unknown"),
    };
    let number = image.frame.0.to_string();
    let frame = match caption.seconds.filter(|seconds| seconds.is_finite()) {
        Some(seconds) => {
            let seconds = format!("{seconds:.2}");
            let values = [("number", number.as_str()), ("seconds", seconds.as_str())];
            words::say_with("overlay-frame-time", &values)
        }
        None => words::say_with("overlay-frame", &[("number", &number)]),
    };
    let mut parts = vec![caption.source_name.as_str(), &frame, &scale];
    parts.extend(caption.setup.as_deref());
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let facts = parts.join("   ·   ");
    draw_fitted(canvas, top + 25.0, SMALL_SIZE, TEXT, &facts);
    let notice = words::say("notice-research");
    draw_fitted(canvas, top + 53.0, SMALL_SIZE, QUIET, &notice);
}

/// A line of words at the left margin, made smaller when it would not fit.
fn draw_fitted(canvas: &mut Canvas, baseline: f32, size: f32, color: Color, text: &str) {
    let room = WIDTH as f32 - MARGIN * 2.0;
    let wanted = width_of(size, Weight::Regular, text);
    let size = size * (room / wanted.max(1.0)).min(1.0);
    canvas.words((MARGIN, baseline), size, Weight::Regular, color, text);
}

#[cfg(test)]
mod tests;
