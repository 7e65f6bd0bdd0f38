//! Numbers of a peer's picture to a raster of ours: grey values, orientation, scale.
use std::sync::Arc;

use super::image::{Endian, ImageMessage, Scalar, Scale};
use crate::exchange::gray::luminance;
use crate::exchange::layout::{Gather, Part, RasterPlan};
use crate::exchange::source::settings_for;
use crate::frame::{
    BufferPool, ImagingSettings, Orientation, PictureSetup, PixelSpacing, Samples, ScanGeometry,
    Values,
};

/// Buffers kept for use again; a frame is seen by three workers at most, with one waiting at each.
const BUFFERS: usize = 8;
/// A pixel size that moves by less, mm, has not changed: a turning matrix of 32-bit numbers makes it tremble.
const SAME_SPACING: f64 = 1e-5;

/// How the numbers of a stream become grey values from 0 to 255.
///
/// The rule of files, as far as a stream allows it: `uint8` stays; other whole numbers stay as long as all that came
/// lie within 0 to 255; otherwise the least that came becomes 0 and the greatest 255, linearly, rounded. The range
/// only widens, so that brightness settles within the first pictures; it begins anew when the kind of the numbers
/// changes. Floating-point numbers are always stretched; those that are none become 0. Colours become luminance.
#[derive(Clone, Copy, Debug, PartialEq)]
enum StreamGray {
    Keep,
    Stretch { least: f64, most: f64 },
    Luminance,
}

/// What decides where a picture lies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Form {
    columns: usize,
    rows: usize,
    first: [usize; 2],
    scale: Scale,
}

/// Where pictures of one form lie, worked out once.
struct Laid {
    form: Form,
    gather: Gather,
    spacing: Option<PixelSpacing>,
    geometry: Arc<ScanGeometry>,
    settings: Arc<ImagingSettings>,
}

/// A picture ready to become a frame.
pub(super) struct Formed {
    pub(super) samples: Samples,
    pub(super) geometry: Arc<ScanGeometry>,
    pub(super) settings: Arc<ImagingSettings>,
}

/// Turns pictures into grey rasters, and keeps what stays the same from one to the next.
pub(super) struct Pictures {
    pool: BufferPool<u8>,
    gray: Vec<u8>,
    kind: Option<(Scalar, usize)>,
    rule: StreamGray,
    laid: Option<Laid>,
    setup: PictureSetup,
    /// The picture size crop and scale of the setup were given for.
    setup_size: Option<(usize, usize)>,
    changes: u64,
}

impl Pictures {
    pub(super) fn new(orientation: Orientation) -> Self {
        Self {
            pool: BufferPool::new(BUFFERS),
            gray: Vec::new(),
            kind: None,
            rule: StreamGray::Keep,
            laid: None,
            setup: PictureSetup {
                orientation,
                ..PictureSetup::default()
            },
            setup_size: None,
            changes: 0,
        }
    }

    /// The orientation pictures are taken to have.
    pub(super) fn orientation(&self) -> Orientation {
        self.setup.orientation
    }

    /// What the user said of the pictures.
    pub(super) fn setup(&self) -> &PictureSetup {
        &self.setup
    }

    /// The depth the pictures show, where their scale is known.
    pub(super) fn settings(&self) -> Arc<ImagingSettings> {
        self.laid
            .as_ref()
            .map(|laid| Arc::clone(&laid.settings))
            .unwrap_or_default()
    }

    /// Grows with everything that [`Self::lines`] would say differently.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether pictures came and nobody has said how large their pixels are.
    pub(super) fn wants_scale(&self) -> bool {
        self.laid
            .as_ref()
            .is_some_and(|laid| laid.spacing.is_none())
    }

    /// Takes the user's crop, scale and orientation, from the next picture on. Returns what is wrong with them.
    pub(super) fn set_up(&mut self, setup: &PictureSetup) -> Result<(), String> {
        if setup.orientation.lines_are_rows() {
            return Err(format!(
                "expected the orientation of a finished picture (MF, UF, MN or UN), got {}",
                setup.orientation.letters()
            ));
        }
        if let Some(laid) = &self.laid {
            let Form { columns, rows, .. } = laid.form;
            if let Some(crop) = setup
                .crop
                .filter(|crop| part(*crop, columns, rows).is_none())
            {
                return Err(format!(
                    "expected a crop within {columns} x {rows} pixels, got {} x {} from column {}, row {}",
                    crop.width, crop.height, crop.x, crop.y
                ));
            }
            if setup.spacing.is_some() && sound(laid.form.scale).is_some() {
                return Err("the peer gives a scale of its own, which is used".to_owned());
            }
        }
        self.setup = setup.clone();
        self.setup_size = self
            .laid
            .take()
            .map(|laid| (laid.form.columns, laid.form.rows));
        self.changes += 1;
        Ok(())
    }

    /// What is known of the pictures, for people: one line a fact.
    pub(super) fn lines(&self, lines: &mut Vec<String>) {
        let Some(laid) = &self.laid else { return };
        let Form { columns, rows, .. } = laid.form;
        let kind = self.kind.map_or("", |(scalar, _)| scalar.name());
        lines.push(format!("picture: {columns} x {rows} pixels of {kind}"));
        lines.push(match (laid.spacing, laid.form.scale) {
            (Some(spacing), scale) => format!(
                "scale: {:.4} x {:.4} mm a pixel, {}",
                spacing.lateral.0,
                spacing.axial.0,
                if sound(scale).is_some() {
                    "as the peer says"
                } else {
                    "as you said"
                }
            ),
            (None, Scale::Unknown) => {
                "scale: unknown (the peer sends 1 x 1, which means that it knows none)".to_owned()
            }
            (None, Scale::Given([lateral, axial])) => {
                format!("scale: unknown (the peer sends {lateral} x {axial} mm a pixel)")
            }
        });
        lines.push(format!(
            "orientation: taken as {}",
            self.setup.orientation.letters()
        ));
        match self.rule {
            StreamGray::Stretch { least, most } => {
                lines.push(format!("grey: {least} to {most} become 0 to 255"));
            }
            StreamGray::Luminance => lines.push("grey: luminance of the colours".to_owned()),
            StreamGray::Keep => {}
        }
    }

    /// The picture in the internal orientation, or `None` when it has no pixels.
    pub(super) fn form(&mut self, image: &ImageMessage<'_>) -> Option<Formed> {
        self.lay(image);
        self.choose_rule(image);
        let laid = self.laid.as_ref()?;
        let gather = laid.gather;
        let plain = image.components == 1 && image.scalar == Scalar::U8;
        let stored = if plain {
            image.pixels
        } else {
            to_gray(image, self.rule, &mut self.gray);
            &self.gray
        };
        let values = self
            .pool
            .fill(gather.len(), |block| gather.fill(stored, block));
        Some(Formed {
            samples: Samples::new(gather.outer, gather.inner, Values::U8(values)).ok()?,
            geometry: Arc::clone(&laid.geometry),
            settings: Arc::clone(&laid.settings),
        })
    }

    /// Works out where the picture lies, if it is not as the one before.
    fn lay(&mut self, image: &ImageMessage<'_>) {
        let form = Form {
            columns: image.columns,
            rows: image.rows,
            first: image.first,
            scale: image.scale,
        };
        if self
            .laid
            .as_ref()
            .is_some_and(|laid| laid.form.is_like(&form))
        {
            return;
        }
        let size = (form.columns, form.rows);
        if *self.setup_size.get_or_insert(size) != size {
            self.setup_size = Some(size);
            self.setup.crop = None;
            self.setup.spacing = None;
        }
        let whole = Part {
            x: 0,
            y: 0,
            width: form.columns,
            height: form.rows,
        };
        let crop = self
            .setup
            .crop
            .and_then(|crop| part(crop, form.columns, form.rows));
        let part = crop.unwrap_or(whole);
        let spacing = sound(form.scale).or(self.setup.spacing);
        let orientation = self.setup.orientation;
        let (step_x, step_z) = spacing.map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
        let [first_x, first_z] = form.first.map(|n| n as f64);
        let plan = RasterPlan {
            columns: form.columns,
            rows: form.rows,
            part,
            orientation,
            spacing,
            // A part of a larger picture lies where it lay in that.
            offset: (form.first != [0, 0]).then_some([first_x * step_x, first_z * step_z]),
        };
        self.changes += 1;
        self.laid = plan.geometry().map(|geometry| Laid {
            form,
            gather: Gather::picture(part, form.columns, orientation),
            spacing,
            settings: Arc::new(settings_for(&geometry, part.height)),
            geometry: Arc::new(geometry),
        });
    }

    /// Chooses how numbers become grey, and widens the range by what this picture holds.
    fn choose_rule(&mut self, image: &ImageMessage<'_>) {
        let kind = (image.scalar, image.components);
        if self.kind != Some(kind) {
            self.kind = Some(kind);
            self.rule = StreamGray::Keep;
            self.changes += 1;
        }
        let before = self.rule;
        if image.components > 1 {
            self.rule = StreamGray::Luminance;
        } else if image.scalar != Scalar::U8 {
            let (mut least, mut most) = match before {
                StreamGray::Stretch { least, most } => (least, most),
                StreamGray::Keep | StreamGray::Luminance => (f64::INFINITY, f64::NEG_INFINITY),
            };
            for_each_number(image, |number| {
                if number.is_finite() {
                    least = least.min(number);
                    most = most.max(number);
                }
            });
            let floating = matches!(image.scalar, Scalar::F32 | Scalar::F64);
            let fits = !floating && before == StreamGray::Keep && least >= 0.0 && most <= 255.0;
            if !fits && least <= most {
                self.rule = StreamGray::Stretch { least, most };
            }
        }
        if self.rule != before {
            self.changes += 1;
        }
    }
}

impl Form {
    fn is_like(&self, other: &Self) -> bool {
        let scales = match (self.scale, other.scale) {
            (Scale::Given(a), Scale::Given(b)) => a
                .iter()
                .zip(&b)
                .all(|(a, b)| (a - b).abs() < SAME_SPACING || a.to_bits() == b.to_bits()),
            (a, b) => a == b,
        };
        scales && (self.columns, self.rows, self.first) == (other.columns, other.rows, other.first)
    }
}

/// A scale that makes sense, without the noise of 32-bit numbers.
fn sound(scale: Scale) -> Option<PixelSpacing> {
    let Scale::Given(given) = scale else {
        return None;
    };
    let [lateral, axial] = given.map(|mm| (mm * 1e6).round() / 1e6);
    PixelSpacing::new(lateral, axial)
}

fn part(crop: crate::frame::PixelRect, columns: usize, rows: usize) -> Option<Part> {
    let side = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let crop = (
        side(crop.x),
        side(crop.y),
        side(crop.width),
        side(crop.height),
    );
    Part::inside(crop, columns, rows)
}

fn to_gray(image: &ImageMessage<'_>, rule: StreamGray, gray: &mut Vec<u8>) {
    gray.clear();
    match (rule, image.components) {
        (StreamGray::Luminance, 3) => {
            let (pixels, _) = image.pixels.as_chunks::<3>();
            gray.extend(pixels.iter().map(|&[r, g, b]| luminance(r, g, b)));
        }
        (StreamGray::Luminance, _) => {
            let (pixels, _) = image.pixels.as_chunks::<4>();
            gray.extend(pixels.iter().map(|&[r, g, b, _]| luminance(r, g, b)));
        }
        (StreamGray::Keep, _) => for_each_number(image, |number| gray.push(number as u8)),
        (StreamGray::Stretch { least, most }, _) => {
            let span = (most - least).max(f64::MIN_POSITIVE);
            // Halves, so that the widest range of 64-bit numbers is no infinity.
            let (least, span) = (
                least / 2.0,
                if span.is_finite() {
                    span / 2.0
                } else {
                    f64::MAX
                },
            );
            // The cast saturates, and a number that is none becomes 0.
            for_each_number(image, |number| {
                gray.push(((number / 2.0 - least) / span * 255.0).round() as u8);
            });
        }
    }
}

/// Every number of a picture, in order.
fn for_each_number(image: &ImageMessage<'_>, mut take: impl FnMut(f64)) {
    fn each<const N: usize>(
        pixels: &[u8],
        endian: Endian,
        read: impl Fn([u8; N]) -> f64,
        take: &mut impl FnMut(f64),
    ) {
        for chunk in pixels.as_chunks::<N>().0 {
            let mut bytes = *chunk;
            if endian == Endian::Little {
                bytes.reverse();
            }
            take(read(bytes));
        }
    }
    let (pixels, endian) = (image.pixels, image.endian);
    let take = &mut take;
    match image.scalar {
        Scalar::I8 => each(pixels, endian, |b| f64::from(i8::from_be_bytes(b)), take),
        Scalar::U8 => each(pixels, endian, |b| f64::from(u8::from_be_bytes(b)), take),
        Scalar::I16 => each(pixels, endian, |b| f64::from(i16::from_be_bytes(b)), take),
        Scalar::U16 => each(pixels, endian, |b| f64::from(u16::from_be_bytes(b)), take),
        Scalar::I32 => each(pixels, endian, |b| f64::from(i32::from_be_bytes(b)), take),
        Scalar::U32 => each(pixels, endian, |b| f64::from(u32::from_be_bytes(b)), take),
        Scalar::F32 => each(pixels, endian, |b| f64::from(f32::from_be_bytes(b)), take),
        Scalar::F64 => each(pixels, endian, f64::from_be_bytes, take),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(scalar: Scalar, components: usize, columns: usize, pixels: &[u8]) -> ImageMessage<'_> {
        ImageMessage {
            columns,
            rows: pixels.len() / (columns * components * scalar.bytes()),
            first: [0, 0],
            components,
            scalar,
            endian: Endian::Little,
            scale: Scale::Given([0.2, 0.3]),
            pixels,
        }
    }

    fn gray(pictures: &mut Pictures, image: &ImageMessage<'_>) -> Vec<u8> {
        let formed = pictures.form(image).expect("a picture");
        match formed.samples.values() {
            Values::U8(values) => values.to_vec(),
            Values::U16(_) => panic!("16 bits from a finished picture"),
        }
    }

    fn bytes_of(numbers: &[i16]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    #[test]
    fn small_numbers_of_16_bits_stay_and_wide_ones_are_stretched_by_a_range_that_only_widens() {
        let mut pictures = Pictures::new(Orientation::Mf);
        let small = bytes_of(&[0, 7, 255, 128]);
        let kept = gray(&mut pictures, &image(Scalar::I16, 1, 2, &small));
        assert_eq!(kept, [0, 7, 255, 128]);
        let wide = bytes_of(&[-100, 410, 155, 0]);
        let stretched = gray(&mut pictures, &image(Scalar::I16, 1, 2, &wide));
        assert_eq!(stretched, [0, 255, 128, 50]);
        let narrow = bytes_of(&[155, 155, 155, 155]);
        let same = gray(&mut pictures, &image(Scalar::I16, 1, 2, &narrow));
        assert_eq!(same, [128; 4]);
    }

    #[test]
    fn numbers_that_are_none_are_black_and_change_nothing_for_the_others() {
        let mut pictures = Pictures::new(Orientation::Mf);
        let numbers = [
            0.0_f32,
            1.0,
            f32::NAN,
            f32::NEG_INFINITY,
            f32::INFINITY,
            0.5,
        ];
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let values = gray(&mut pictures, &image(Scalar::F32, 1, 3, &bytes));
        assert_eq!(values, [0, 255, 0, 0, 255, 128]);
        let far = [f64::MAX, f64::MIN, 0.0, 0.0];
        let bytes: Vec<u8> = far.iter().flat_map(|n| n.to_le_bytes()).collect();
        let values = gray(&mut pictures, &image(Scalar::F64, 1, 2, &bytes));
        assert_eq!((values[0], values[1]), (255, 0));
    }

    #[test]
    fn colours_become_luminance() {
        let mut pictures = Pictures::new(Orientation::Mf);
        let rgb = [9, 9, 9, 0, 255, 0];
        assert_eq!(
            gray(&mut pictures, &image(Scalar::U8, 3, 2, &rgb)),
            [9, 182]
        );
        let rgba = [9, 9, 9, 255, 0, 255, 0, 0];
        assert_eq!(
            gray(&mut pictures, &image(Scalar::U8, 4, 2, &rgba)),
            [9, 182]
        );
    }

    #[test]
    fn a_mirrored_picture_is_turned_and_the_crop_is_taken_out_of_it() {
        let mut pictures = Pictures::new(Orientation::Uf);
        let pixels = [1, 2, 3, 4, 5, 6];
        let whole = image(Scalar::U8, 1, 3, &pixels);
        assert_eq!(gray(&mut pictures, &whole), [3, 2, 1, 6, 5, 4]);
        let setup = PictureSetup {
            crop: Some(crate::frame::PixelRect {
                x: 1,
                y: 0,
                width: 2,
                height: 2,
            }),
            ..PictureSetup::default()
        };
        pictures.set_up(&setup).expect("a crop within the picture");
        assert_eq!(gray(&mut pictures, &whole), [2, 3, 5, 6]);
        // Another size: the crop is forgotten.
        assert_eq!(
            gray(&mut pictures, &image(Scalar::U8, 1, 2, &pixels)),
            pixels
        );
    }

    #[test]
    fn a_trembling_scale_is_one_geometry_and_an_absurd_one_is_none() {
        let pixels = [0; 6];
        let mut pictures = Pictures::new(Orientation::Mf);
        let mut picture = image(Scalar::U8, 1, 3, &pixels);
        let first = pictures.form(&picture).expect("a picture").geometry;
        picture.scale = Scale::Given([0.200_000_01, 0.299_999_99]);
        let second = pictures.form(&picture).expect("a picture").geometry;
        assert!(Arc::ptr_eq(&first, &second));
        for scale in [
            Scale::Unknown,
            Scale::Given([50.0, 50.0]),
            Scale::Given([f64::NAN, 0.2]),
        ] {
            picture.scale = scale;
            let geometry = pictures.form(&picture).expect("a picture").geometry;
            assert!(!geometry.has_scale(), "{scale:?}");
            assert!(pictures.wants_scale());
        }
    }

    #[test]
    fn the_users_scale_is_used_where_the_peer_has_none_and_goes_with_the_picture_size() {
        let pixels = [0; 12];
        let mut pictures = Pictures::new(Orientation::Mf);
        let mut picture = image(Scalar::U8, 1, 3, &pixels);
        pictures.form(&picture);
        let setup = PictureSetup {
            spacing: PixelSpacing::new(0.1, 0.1),
            ..PictureSetup::default()
        };
        assert!(pictures.set_up(&setup).is_err(), "the peer gives its own");
        picture.scale = Scale::Unknown;
        pictures.form(&picture);
        pictures.set_up(&setup).expect("no scale from the peer");
        assert!(
            pictures
                .form(&picture)
                .expect("a picture")
                .geometry
                .has_scale()
        );
        picture.columns = 4;
        picture.rows = 3;
        assert!(
            !pictures
                .form(&picture)
                .expect("a picture")
                .geometry
                .has_scale()
        );
    }
}
