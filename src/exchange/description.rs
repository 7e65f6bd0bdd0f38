//! What the header fields of a MetaImage file mean: size, kind, place and scale of its pixels.
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::ExchangeError;
use super::header::FileMeta;
use crate::frame::{Orientation, PixelSpacing};

/// Pixels along one side of a picture, at most.
pub(super) const SIDE_LIMIT: usize = 32_768;
/// Frames of one file, at most.
pub(super) const FRAME_LIMIT: usize = 1_000_000;
/// Distance of a picture from its origin, at most, mm.
const OFFSET_LIMIT: f64 = 1e5;

/// Type of one stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `MET_UCHAR`
    U8,
    /// `MET_USHORT`
    U16,
    /// `MET_SHORT`
    I16,
}

impl Element {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
        }
    }
}

/// `UltrasoundImageType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageType {
    Brightness,
    RgbColor,
    /// Real radio-frequency samples.
    RfReal,
    /// I and Q in turn along a line.
    RfIqLine,
    /// A line of I, then a line of Q.
    RfILineQLine,
}

impl ImageType {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Brightness => "BRIGHTNESS",
            Self::RgbColor => "RGB_COLOR",
            Self::RfReal => "RF_REAL",
            Self::RfIqLine => "RF_IQ_LINE",
            Self::RfILineQLine => "RF_I_LINE_Q_LINE",
        }
    }

    pub(super) fn is_rf(self) -> bool {
        matches!(self, Self::RfReal | Self::RfIqLine | Self::RfILineQLine)
    }
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    LittleEndian,
    BigEndian,
}

/// How the pixels are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Raw,
    /// One zlib stream, with its length where the header gives it.
    Zlib {
        size: Option<u64>,
    },
}

/// Where the pixels begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DataPlace {
    /// In the same file, after the header.
    Local,
    /// In a file of their own, after `skip` bytes; `None` when they are its last bytes.
    Beside { file: PathBuf, skip: Option<u64> },
}

/// Everything needed to find and read the pixels.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) frames: usize,
    pub(super) channels: usize,
    pub(super) element: Element,
    pub(super) byte_order: ByteOrder,
    pub(super) stream: Stream,
    pub(super) place: DataPlace,
    /// Both in-plane spacings, when they can be a scale.
    pub(super) spacing: Option<PixelSpacing>,
    /// In-plane offset, mm; zero when missing.
    pub(super) offset: [f64; 2],
    pub(super) orientation: Option<Orientation>,
    pub(super) image_type: ImageType,
    /// The third axis is space, not time.
    pub(super) is_volume: bool,
    /// `TransformMatrix` turns or mirrors the picture; it is not applied.
    pub(super) is_turned: bool,
}

impl Description {
    /// Reads the fields of a header.
    pub(super) fn of(meta: &FileMeta, path: &Path) -> Result<Self, ExchangeError> {
        let header = Header { meta, path };
        header.require_object_type()?;
        let sides = header.sides()?;
        let element = header.element()?;
        let channels = header.channels(element)?;
        let description = Self {
            columns: sides.columns,
            rows: sides.rows,
            frames: sides.frames,
            channels,
            element,
            byte_order: header.byte_order()?,
            stream: header.stream()?,
            place: header.place()?,
            spacing: header.spacing(sides.dimensions)?,
            offset: header.offset(sides.dimensions)?,
            orientation: header.orientation()?,
            image_type: header.image_type(channels)?,
            is_volume: sides.is_volume,
            is_turned: header.is_turned(sides.dimensions),
        };
        if header.flag("BinaryData")? == Some(false) {
            return Err(header.unusable("BinaryData", "True (text pixels are not read)", "False"));
        }
        Ok(description)
    }

    /// Bytes of one stored frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.columns * self.rows * self.channels * self.element.bytes()
    }

    /// Bytes of all frames; checked not to overflow when the header was read.
    pub(super) fn total_bytes(&self) -> u64 {
        self.frame_bytes() as u64 * self.frames as u64
    }

    /// Size and kind in words, for messages.
    pub(super) fn dimensions(&self) -> String {
        format!(
            "{} x {} x {} frames, {} channel(s) of {} byte(s)",
            self.columns,
            self.rows,
            self.frames,
            self.channels,
            self.element.bytes()
        )
    }
}

struct Sides {
    dimensions: usize,
    columns: usize,
    rows: usize,
    frames: usize,
    is_volume: bool,
}

struct Header<'a> {
    meta: &'a FileMeta,
    path: &'a Path,
}

impl Header<'_> {
    fn unusable(
        &self,
        field: &'static str,
        expected: impl Into<String>,
        got: &str,
    ) -> ExchangeError {
        ExchangeError::FieldUnusable {
            field,
            expected: expected.into(),
            got: got.chars().take(60).collect(),
            path: self.path.to_owned(),
        }
    }

    /// The value of a field; two different values for one field are a lie.
    fn value(&self, field: &'static str) -> Result<Option<&str>, ExchangeError> {
        let mut values = self
            .meta
            .fields()
            .iter()
            .filter(|(name, _)| name == field)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        match values.find(|other| Some(*other) != first) {
            Some(other) => Err(self.unusable(field, "one value", other)),
            None => Ok(first),
        }
    }

    fn required(&self, field: &'static str, expected: &'static str) -> Result<&str, ExchangeError> {
        self.value(field)?
            .ok_or_else(|| ExchangeError::FieldMissing {
                field,
                expected,
                path: self.path.to_owned(),
            })
    }

    fn flag(&self, field: &'static str) -> Result<Option<bool>, ExchangeError> {
        let Some(word) = self.value(field)? else {
            return Ok(None);
        };
        match word.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(Some(true)),
            "false" | "f" | "0" => Ok(Some(false)),
            _ => Err(self.unusable(field, "True or False", word)),
        }
    }

    fn number(&self, field: &'static str) -> Result<Option<u64>, ExchangeError> {
        let Some(word) = self.value(field)? else {
            return Ok(None);
        };
        match word.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.unusable(field, "a whole number of bytes", word)),
        }
    }

    fn byte_order(&self) -> Result<ByteOrder, ExchangeError> {
        let first = self.flag("BinaryDataByteOrderMSB")?;
        let second = self.flag("ElementByteOrderMSB")?;
        match (first, second) {
            (Some(true), Some(false)) | (Some(false), Some(true)) => {
                let expected = "the same as BinaryDataByteOrderMSB";
                Err(self.unusable("ElementByteOrderMSB", expected, "the contrary"))
            }
            (Some(true), _) | (_, Some(true)) => Ok(ByteOrder::BigEndian),
            (Some(false) | None, Some(false) | None) => Ok(ByteOrder::LittleEndian),
        }
    }

    fn stream(&self) -> Result<Stream, ExchangeError> {
        let size = self.number("CompressedDataSize")?;
        Ok(match self.flag("CompressedData")? {
            Some(true) => Stream::Zlib { size },
            Some(false) | None => Stream::Raw,
        })
    }

    fn numbers<T: FromStr>(
        &self,
        field: &'static str,
        value: &str,
        expected: &str,
    ) -> Result<Vec<T>, ExchangeError> {
        value
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()
            .ok_or_else(|| self.unusable(field, expected, value))
    }

    fn require_object_type(&self) -> Result<(), ExchangeError> {
        match self.value("ObjectType")? {
            None | Some("Image") => Ok(()),
            Some(other) => Err(self.unusable("ObjectType", "Image", other)),
        }
    }

    fn sides(&self) -> Result<Sides, ExchangeError> {
        let word = self.required("NDims", "2 or 3")?;
        let dimensions: usize = match word {
            "2" => 2,
            "3" => 3,
            "4" => 4,
            _ => return Err(self.unusable("NDims", "2, 3 or 4", word)),
        };
        let value = self.required("DimSize", "columns, rows and frames")?;
        let wanted = format!("{dimensions} whole numbers as NDims says");
        let sides: Vec<usize> = self.numbers("DimSize", value, &wanted)?;
        let kinds = self.kinds(dimensions)?;
        let (columns, rows, third, fourth) = match (dimensions, sides.as_slice()) {
            (2, &[columns, rows]) => (columns, rows, 1, 1),
            (3, &[columns, rows, third]) => (columns, rows, third, 1),
            (4, &[columns, rows, third, fourth]) => (columns, rows, third, fourth),
            _ => return Err(self.unusable("DimSize", wanted, value)),
        };
        let side = 1..=SIDE_LIMIT;
        if !side.contains(&columns) || !side.contains(&rows) {
            let expected = format!("sides of 1 to {SIDE_LIMIT} pixels");
            return Err(self.unusable("DimSize", expected, value));
        }
        if third > 1 && fourth > 1 {
            let expected = "one picture a frame (third side 1)";
            return Err(self.unusable("DimSize", expected, value));
        }
        let frames = third.max(fourth);
        if third == 0 || fourth == 0 || frames > FRAME_LIMIT {
            let expected = format!("1 to {FRAME_LIMIT} frames");
            return Err(self.unusable("DimSize", expected, value));
        }
        let is_volume = third > 1 && kinds.get(2).is_some_and(|kind| kind == "domain");
        Ok(Sides {
            dimensions,
            columns,
            rows,
            frames,
            is_volume,
        })
    }

    /// `Kinds`: the two fastest axes must be those of the picture.
    fn kinds(&self, dimensions: usize) -> Result<Vec<String>, ExchangeError> {
        let Some(value) = self.value("Kinds")? else {
            return Ok(Vec::new());
        };
        let kinds: Vec<String> = value
            .split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect();
        let in_plane = kinds.iter().take(2).all(|kind| kind == "domain");
        let rest = kinds
            .iter()
            .skip(2)
            .all(|kind| matches!(kind.as_str(), "domain" | "list" | "time"));
        if kinds.len() == dimensions && in_plane && rest {
            Ok(kinds)
        } else {
            let expected = format!("\"domain domain list\" or the like, {dimensions} words");
            Err(self.unusable("Kinds", expected, value))
        }
    }

    fn element(&self) -> Result<Element, ExchangeError> {
        let expected = "MET_UCHAR, MET_USHORT or MET_SHORT";
        match self.required("ElementType", expected)? {
            "MET_UCHAR" => Ok(Element::U8),
            "MET_USHORT" => Ok(Element::U16),
            "MET_SHORT" => Ok(Element::I16),
            other => Err(self.unusable("ElementType", expected, other)),
        }
    }

    fn channels(&self, element: Element) -> Result<usize, ExchangeError> {
        match (self.value("ElementNumberOfChannels")?, element) {
            (None | Some("1"), _) => Ok(1),
            (Some("3"), Element::U8) => Ok(3),
            (Some(other), _) => {
                Err(self.unusable("ElementNumberOfChannels", "1, or 3 with MET_UCHAR", other))
            }
        }
    }

    fn place(&self) -> Result<DataPlace, ExchangeError> {
        let name = self.required("ElementDataFile", "LOCAL or a file name")?;
        let skip = match self.value("HeaderSize")? {
            None => Some(0),
            Some("-1") => None,
            Some(word) => match word.parse() {
                Ok(bytes) => Some(bytes),
                Err(_) => return Err(self.unusable("HeaderSize", "-1, 0 or more", word)),
            },
        };
        if name.eq_ignore_ascii_case("LOCAL") {
            return match skip {
                None | Some(0) => Ok(DataPlace::Local),
                Some(bytes) => {
                    Err(self.unusable("HeaderSize", "0 with LOCAL pixels", &bytes.to_string()))
                }
            };
        }
        let field = "ElementDataFile";
        if name.is_empty() || name.starts_with("LIST") || name.contains('%') {
            let expected = "LOCAL or one file (lists of slice files are not read)";
            return Err(self.unusable(field, expected, name));
        }
        let relative = Path::new(name);
        // A header from elsewhere must not make us read a file from anywhere.
        let inside = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || name.contains('\\') {
            return Err(self.unusable(field, "a file beside or below the header", name));
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Ok(DataPlace::Beside {
            file: folder.join(relative),
            skip,
        })
    }

    fn spacing(&self, dimensions: usize) -> Result<Option<PixelSpacing>, ExchangeError> {
        let field = if self.value("ElementSpacing")?.is_some() {
            "ElementSpacing"
        } else {
            "ElementSize"
        };
        let Some(pair) = self.plane_pair(field, dimensions)? else {
            return Ok(None);
        };
        // Both exactly 1 is what writers put when they do not know (issue of the field, not of one program).
        if pair == [1.0, 1.0] {
            return Ok(None);
        }
        let [lateral, axial] = pair;
        Ok(PixelSpacing::new(lateral, axial))
    }

    fn offset(&self, dimensions: usize) -> Result<[f64; 2], ExchangeError> {
        for field in ["Offset", "Position", "Origin"] {
            let Some(pair) = self.plane_pair(field, dimensions)? else {
                continue;
            };
            if pair.iter().all(|n| n.abs() <= OFFSET_LIMIT) {
                return Ok(pair);
            }
            let expected = format!("at most {OFFSET_LIMIT} mm from the origin");
            return Err(self.unusable(field, expected, &format!("{pair:?}")));
        }
        Ok([0.0; 2])
    }

    /// The first two of as many numbers as the picture has axes.
    fn plane_pair(
        &self,
        field: &'static str,
        dimensions: usize,
    ) -> Result<Option<[f64; 2]>, ExchangeError> {
        let Some(value) = self.value(field)? else {
            return Ok(None);
        };
        let expected = format!("{dimensions} numbers as NDims says");
        let numbers: Vec<f64> = self.numbers(field, value, &expected)?;
        match numbers.as_slice() {
            [first, second, ..]
                if numbers.len() == dimensions && numbers.iter().all(|n| n.is_finite()) =>
            {
                Ok(Some([*first, *second]))
            }
            _ => Err(self.unusable(field, expected, value)),
        }
    }

    fn orientation(&self) -> Result<Option<Orientation>, ExchangeError> {
        let field = "UltrasoundImageOrientation";
        let Some(letters) = self.value(field)? else {
            return Ok(None);
        };
        match letters.parse() {
            Ok(orientation) => Ok(Some(orientation)),
            Err(_) => Err(self.unusable(field, "MF, UF, MN, UN, FM, FU, NM or NU", letters)),
        }
    }

    fn image_type(&self, channels: usize) -> Result<ImageType, ExchangeError> {
        let field = "UltrasoundImageType";
        let color = if channels == 3 {
            ImageType::RgbColor
        } else {
            ImageType::Brightness
        };
        let kind = match self.value(field)? {
            None => color,
            Some("BRIGHTNESS") => ImageType::Brightness,
            Some("RGB_COLOR") => ImageType::RgbColor,
            Some("RF_REAL") => ImageType::RfReal,
            Some("RF_IQ_LINE") => ImageType::RfIqLine,
            Some("RF_I_LINE_Q_LINE") => ImageType::RfILineQLine,
            Some(other) => {
                return Err(self.unusable(
                    field,
                    "BRIGHTNESS, RGB_COLOR, RF_REAL, RF_IQ_LINE or RF_I_LINE_Q_LINE",
                    other,
                ));
            }
        };
        if kind.is_rf() && channels != 1 {
            return Err(self.unusable(
                field,
                "BRIGHTNESS or RGB_COLOR with 3 channels",
                kind.word(),
            ));
        }
        Ok(kind)
    }

    fn is_turned(&self, dimensions: usize) -> bool {
        let Some(value) = self.meta.field("TransformMatrix") else {
            return false;
        };
        let entries: Vec<f64> = value
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let identity =
            (0..dimensions * dimensions).map(|i| f64::from(u8::from(i % (dimensions + 1) == 0)));
        entries.into_iter().ne(identity)
    }
}
