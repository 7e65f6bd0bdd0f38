//! The body of an IMAGE message: numbers of any kind the protocol has, in one slice, with their place in space.
use super::header::{f32_at, u16_at};

/// Bytes before the numbers.
pub(super) const IMAGE_HEADER_BYTES: usize = 72;
/// Longest side of a picture, pixels; no scanner's picture is a third of that.
pub(super) const SIDE_LIMIT: usize = 8192;
/// How far a column's length may be from 1 and still be the 1 of a sender that knows no scale: rotation in 32-bit
/// numbers moves it by less.
const ONE: f64 = 1e-4;

/// Kind of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// 8 bits with sign.
    I8,
    /// 8 bits.
    U8,
    /// 16 bits with sign.
    I16,
    /// 16 bits.
    U16,
    /// 32 bits with sign.
    I32,
    /// 32 bits.
    U32,
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
}

impl Scalar {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            2 => Self::I8,
            3 => Self::U8,
            4 => Self::I16,
            5 => Self::U16,
            6 => Self::I32,
            7 => Self::U32,
            10 => Self::F32,
            11 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Its name in the words of the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }
}

/// Order of the bytes of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Most significant first.
    Big,
    /// Least significant first.
    Little,
}

/// Size of a pixel as a picture's matrix gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Millimetres from column to column and from row to row; not yet checked for sense.
    Given([f64; 2]),
    /// Exactly 1 and 1: what senders put that know no scale.
    Unknown,
}

/// Why a picture cannot be used. Everything else about its message is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageProblem {
    /// The body ends early.
    #[error("IMAGE: expected {IMAGE_HEADER_BYTES} bytes and the pixels, got {got} bytes")]
    Short {
        /// Bytes that came.
        got: usize,
    },
    /// A field holds a number the protocol does not have.
    #[error("IMAGE: expected a {field} of the protocol, got {got}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        got: u8,
    },
    /// Not one slice.
    #[error(
        "IMAGE: expected one slice of at most {SIDE_LIMIT} x {SIDE_LIMIT} pixels, got {} x {} x {}", .size[0], .size[1], .size[2]
    )]
    Size {
        /// Pixels along each index.
        size: [u16; 3],
    },
    /// Colours of more than 8 bits.
    #[error("IMAGE: expected 1 component, or 3 or 4 of uint8, got {components} of {}", .scalar.name())]
    Components {
        /// Numbers a pixel.
        components: u8,
        /// Their kind.
        scalar: Scalar,
    },
    /// The part sent does not lie in the picture.
    #[error(
        "IMAGE: expected a part within {} x {} x {} pixels, got one that reaches outside", .size[0], .size[1], .size[2]
    )]
    PartOutside {
        /// Pixels along each index.
        size: [u16; 3],
    },
}

/// One picture as it came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageMessage<'a> {
    /// Columns of the part that was sent (of the whole picture, nearly always).
    pub columns: usize,
    /// Rows of the part that was sent.
    pub rows: usize,
    /// Where the part begins in the whole picture: column and row.
    pub first: [usize; 2],
    /// Numbers a pixel: 1, 3 or 4.
    pub components: usize,
    /// Kind of the numbers.
    pub scalar: Scalar,
    /// Order of their bytes.
    pub endian: Endian,
    /// Size of a pixel.
    pub scale: Scale,
    /// The numbers: row by row, pixel by pixel, `columns * rows * components` of them.
    pub pixels: &'a [u8],
}

/// Bytes a body must have by what its own first 72 say; `None` when they say nothing sensible.
pub(super) fn promised_bytes(content: &[u8]) -> Option<u64> {
    let components = u64::from(*content.get(2)?);
    let scalar = Scalar::from_code(*content.get(3)?)?;
    let part = triple(content, 66)?;
    let pixels: u64 = part.iter().map(|n| u64::from(*n)).product();
    let numbers = pixels.checked_mul(components)?;
    numbers
        .checked_mul(scalar.bytes() as u64)?
        .checked_add(IMAGE_HEADER_BYTES as u64)
}

impl<'a> ImageMessage<'a> {
    pub(super) fn read(content: &'a [u8]) -> Result<Self, ImageProblem> {
        Self::fields(content).unwrap_or(Err(ImageProblem::Short { got: content.len() }))
    }

    fn fields(content: &'a [u8]) -> Option<Result<Self, ImageProblem>> {
        let components = *content.get(2)?;
        let code = *content.get(3)?;
        let endian = match *content.get(4)? {
            1 => Endian::Big,
            2 => Endian::Little,
            got => return Some(Err(field("byte order", got))),
        };
        let Some(scalar) = Scalar::from_code(code) else {
            return Some(Err(field("scalar type", code)));
        };
        let colours = matches!(components, 3 | 4) && scalar == Scalar::U8;
        if components != 1 && !colours {
            return Some(Err(ImageProblem::Components { components, scalar }));
        }
        let size = triple(content, 6)?;
        let (first, part) = (triple(content, 60)?, triple(content, 66)?);
        let Some([i, j]) = plane(size) else {
            return Some(Err(ImageProblem::Size { size }));
        };
        let inside = size
            .iter()
            .zip(first.iter().zip(&part))
            .all(|(all, (from, count))| {
                *count > 0 && u32::from(*from) + u32::from(*count) <= u32::from(*all)
            });
        if !inside {
            return Some(Err(ImageProblem::PartOutside { size }));
        }
        let pick = |of: [u16; 3]| [i, j].map(|axis| of.get(axis).copied().map_or(0, usize::from));
        let [columns, rows] = pick(part);
        let bytes = columns * rows * usize::from(components) * scalar.bytes();
        let pixels = content.get(IMAGE_HEADER_BYTES..)?.get(..bytes)?;
        Some(Ok(Self {
            columns,
            rows,
            first: pick(first),
            components: usize::from(components),
            scalar,
            endian,
            scale: scale(length_of_axis(content, i)?, length_of_axis(content, j)?),
            pixels,
        }))
    }
}

fn field(field: &'static str, got: u8) -> ImageProblem {
    ImageProblem::Field { field, got }
}

fn triple(bytes: &[u8], at: usize) -> Option<[u16; 3]> {
    Some([
        u16_at(bytes, at)?,
        u16_at(bytes, at + 2)?,
        u16_at(bytes, at + 4)?,
    ])
}

/// Which two indices run along rows and columns: i and j for one slice; the two that are left when a sender has
/// put its 2D picture into the others (pyigtl does, when it is given an array without a slice index).
fn plane(size: [u16; 3]) -> Option<[usize; 2]> {
    let sides = size.map(usize::from);
    if sides.iter().any(|side| !(1..=SIDE_LIMIT).contains(side)) {
        return None;
    }
    match sides {
        [_, _, 1] => Some([0, 1]),
        [1, _, _] => Some([1, 2]),
        [_, 1, _] => Some([0, 2]),
        _ => None,
    }
}

/// Length of the matrix column of one index, mm.
fn length_of_axis(content: &[u8], axis: usize) -> Option<f64> {
    let at = 12 + axis * 12;
    let squares = [at, at + 4, at + 8].map(|at| f32_at(content, at).map(|v| f64::from(v).powi(2)));
    let [x, y, z] = squares;
    Some((x? + y? + z?).sqrt())
}

fn scale(lateral: f64, axial: f64) -> Scale {
    if (lateral - 1.0).abs() < ONE && (axial - 1.0).abs() < ONE {
        Scale::Unknown
    } else {
        Scale::Given([lateral, axial])
    }
}

/// A picture to be sent: 8-bit grey, rows away from the probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct PictureToSend<'a> {
    /// Grey values, row by row.
    pub pixels: &'a [u8],
    /// Columns, 1 to [`SIDE_LIMIT`].
    pub columns: u16,
    /// Rows, 1 to [`SIDE_LIMIT`].
    pub rows: u16,
    /// Millimetres from column to column and from row to row; 1 and 1 when the scale is unknown.
    pub spacing: [f64; 2],
    /// Centre of the top-left pixel: toward the marked side, and away from the probe, mm.
    pub origin: [f64; 2],
}

/// Appends the body of an IMAGE message.
///
/// Our x (toward the marked side) becomes -R, our z (away from the probe) becomes -A, in the coordinates called RAS:
/// in 3D Slicer's axial view x then runs to the right and z down, as on our own screen.
pub(super) fn write_image(out: &mut Vec<u8>, picture: &PictureToSend<'_>) {
    let [lateral, axial] = picture.spacing;
    let [x, z] = picture.origin;
    let middle = |first: f64, step: f64, count: u16| first + step * (f64::from(count) - 1.0) / 2.0;
    out.extend_from_slice(&1_u16.to_be_bytes());
    // One component, uint8, big endian (no matter for bytes), RAS.
    out.extend_from_slice(&[1, 3, 1, 1]);
    for side in [picture.columns, picture.rows, 1] {
        out.extend_from_slice(&side.to_be_bytes());
    }
    let matrix = [
        [-lateral, 0.0, 0.0],
        [0.0, -axial, 0.0],
        [0.0, 0.0, 1.0],
        // The protocol places a picture by its middle.
        [
            -middle(x, lateral, picture.columns),
            -middle(z, axial, picture.rows),
            0.0,
        ],
    ];
    for number in matrix.as_flattened() {
        out.extend_from_slice(&(*number as f32).to_be_bytes());
    }
    for number in [0, 0, 0, picture.columns, picture.rows, 1] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(picture.pixels);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(columns: u16, rows: u16, spacing: [f64; 2]) -> Vec<u8> {
        let pixels: Vec<u8> = (0..usize::from(columns) * usize::from(rows))
            .map(|n| n as u8)
            .collect();
        let mut out = Vec::new();
        let picture = PictureToSend {
            pixels: &pixels,
            columns,
            rows,
            spacing,
            origin: [-3.0, 0.5],
        };
        write_image(&mut out, &picture);
        out
    }

    #[test]
    fn a_picture_is_read_back_with_its_scale() {
        let bytes = body(5, 3, [0.2, 0.3]);
        assert_eq!(promised_bytes(&bytes), Some(bytes.len() as u64));
        let image = ImageMessage::read(&bytes).expect("own picture");
        assert_eq!((image.columns, image.rows, image.first), (5, 3, [0, 0]));
        assert_eq!(image.pixels.len(), 15);
        let Scale::Given([lateral, axial]) = image.scale else {
            panic!("no scale");
        };
        assert!((lateral - 0.2).abs() < 1e-7 && (axial - 0.3).abs() < 1e-7);
    }

    #[test]
    fn one_and_one_is_no_scale() {
        let bytes = body(4, 4, [1.0, 1.0]);
        let image = ImageMessage::read(&bytes).expect("own picture");
        assert_eq!(image.scale, Scale::Unknown);
    }

    #[test]
    fn a_part_of_a_picture_knows_where_it_begins() {
        let mut bytes = body(5, 3, [0.2, 0.3]);
        for (at, value) in [(6, 100), (8, 50), (60, 7), (62, 9)] {
            bytes[at..at + 2].copy_from_slice(&u16::to_be_bytes(value));
        }
        let image = ImageMessage::read(&bytes).expect("a part");
        assert_eq!((image.columns, image.rows, image.first), (5, 3, [7, 9]));
        bytes[60..62].copy_from_slice(&96_u16.to_be_bytes());
        assert!(matches!(
            ImageMessage::read(&bytes),
            Err(ImageProblem::PartOutside { .. })
        ));
    }

    #[test]
    fn volumes_colours_of_16_bits_and_unknown_numbers_are_refused() {
        let good = body(5, 3, [0.2, 0.3]);
        let with = |changes: &[(usize, u8)]| {
            let mut bytes = good.clone();
            for (at, value) in changes {
                bytes[*at] = *value;
            }
            ImageMessage::read(&bytes).map(|_| ())
        };
        assert!(matches!(with(&[(11, 2)]), Err(ImageProblem::Size { .. })));
        assert!(matches!(with(&[(6, 0xFF)]), Err(ImageProblem::Size { .. })));
        let wide = with(&[(2, 3), (3, 5)]);
        assert!(matches!(wide, Err(ImageProblem::Components { .. })));
        assert!(matches!(with(&[(3, 9)]), Err(ImageProblem::Field { .. })));
        assert!(matches!(with(&[(4, 0)]), Err(ImageProblem::Field { .. })));
        assert!(matches!(
            ImageMessage::read(&good[..80]),
            Err(ImageProblem::Short { got: 80 })
        ));
    }
}
