//! MetaImage sequences and PNG pictures for other programs. A file appears only when it is complete.
use std::fmt::Write as _;
use std::io::{Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::ExchangeError;
use super::description::FRAME_LIMIT;
use super::draft::{Draft, refused};
use super::header::is_field_name;
use crate::frame::{Orientation, PixelSpacing};

/// How pixels are kept in a MetaImage file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Packing {
    /// As they are.
    Raw,
    /// As one zlib stream.
    #[default]
    Zlib,
}

/// What all frames of a sequence share.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceForm {
    /// Pixels a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Pixel size; `None` writes the 1 that means "scale unknown".
    pub spacing: Option<PixelSpacing>,
    /// Where the centre of the top-left pixel lies, mm; written as 0 without a scale.
    pub offset: [f64; 2],
    /// How rows and columns run.
    pub orientation: Orientation,
    /// How pixels are kept.
    pub packing: Packing,
}

#[derive(Debug)]
enum PixelSink {
    Raw(Draft),
    Zlib(ZlibEncoder<Draft>),
}

/// Writes 8-bit pictures as a MetaImage sequence with the fields of the PLUS toolkit.
///
/// Pixels go to a draft beside the file as they come, so memory does not grow with the sequence; the header, which
/// must know all frames, is put before them at the end. A writer dropped before [`Self::finish`] leaves nothing.
#[derive(Debug)]
pub struct MetaImageWriter {
    form: SequenceForm,
    pixels: PixelSink,
    fields: String,
    frame_fields: String,
    frames: usize,
    place: std::path::PathBuf,
}

impl MetaImageWriter {
    /// Begins a file at `path`; an older file there stays until the new one is finished.
    pub fn create(path: &Path, form: SequenceForm) -> Result<Self, ExchangeError> {
        let mut hidden = path.file_name().unwrap_or_default().to_owned();
        hidden.push(".pixels");
        let draft = Draft::begin(&path.with_file_name(hidden))?;
        let pixels = match form.packing {
            Packing::Raw => PixelSink::Raw(draft),
            // Speckle hardly shrinks; the fast level loses few per cent and keeps up with live frames.
            Packing::Zlib => PixelSink::Zlib(ZlibEncoder::new(draft, Compression::fast())),
        };
        Ok(Self {
            form,
            pixels,
            fields: String::new(),
            frame_fields: String::new(),
            frames: 0,
            place: path.to_owned(),
        })
    }

    /// Adds a field for the whole file, such as the seed of a simulation.
    pub fn set_field(&mut self, name: &str, value: &str) -> Result<(), ExchangeError> {
        let reserved = RESERVED.contains(&name) || name.starts_with("Seq_Frame");
        self.check_entry(name, value, reserved)?;
        entry(&mut self.fields, name, value);
        Ok(())
    }

    /// Adds a frame: `columns * rows` grey values row by row, its time in seconds, and further fields of its own.
    pub fn append(
        &mut self,
        pixels: &[u8],
        seconds: Option<f64>,
        extra: &[(&str, &str)],
    ) -> Result<(), ExchangeError> {
        let expected = self.form.columns * self.form.rows;
        if pixels.len() != expected || expected == 0 {
            return Err(ExchangeError::FrameSize {
                expected,
                got: pixels.len(),
                path: self.place.clone(),
            });
        }
        if self.frames >= FRAME_LIMIT {
            return Err(ExchangeError::FrameOutside {
                index: self.frames,
                last: FRAME_LIMIT - 1,
                path: self.place.clone(),
            });
        }
        for (name, value) in extra {
            self.check_entry(name, value, ["Timestamp", "ImageStatus"].contains(name))?;
        }
        match &mut self.pixels {
            PixelSink::Raw(sink) => sink.write_all(pixels),
            PixelSink::Zlib(sink) => sink.write_all(pixels),
        }
        .map_err(|cause| refused(cause, &self.place))?;
        let frame = self.frames;
        let own = [("ImageStatus", "OK")];
        let time = seconds.filter(|s| s.is_finite()).map(|s| s.to_string());
        let stamp = time.as_deref().map(|time| ("Timestamp", time));
        for (name, value) in stamp.iter().chain(&own).chain(extra) {
            entry(
                &mut self.frame_fields,
                &format!("Seq_Frame{frame:04}_{name}"),
                value,
            );
        }
        self.frames += 1;
        Ok(())
    }

    /// Number of frames written so far.
    pub fn frame_count(&self) -> usize {
        self.frames
    }

    /// Puts the header before the pixels and gives the file its name.
    pub fn finish(self) -> Result<(), ExchangeError> {
        if self.frames == 0 {
            return Err(ExchangeError::NothingToWrite { path: self.place });
        }
        let place = self.place;
        let failed = |cause| refused(cause, &place);
        let mut pixels = match self.pixels {
            PixelSink::Raw(draft) => draft,
            PixelSink::Zlib(encoder) => encoder.finish().map_err(failed)?,
        };
        let mut source = pixels.reopen()?;
        let bytes = source.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
        source.rewind().map_err(failed)?;
        let mut text = head(&self.form, self.frames, bytes);
        text.push_str(&self.fields);
        text.push_str(&self.frame_fields);
        entry(&mut text, "ElementDataFile", "LOCAL");
        let mut draft = Draft::begin(&place)?;
        draft.write_all(text.as_bytes()).map_err(failed)?;
        std::io::copy(&mut source, &mut draft).map_err(failed)?;
        draft.publish()
    }

    fn check_entry(&self, name: &str, value: &str, reserved: bool) -> Result<(), ExchangeError> {
        let clean = value.trim() == value && !value.chars().any(char::is_control);
        // What a reader would not take for a line of a header must not be written as one.
        if is_field_name(name) && clean && value.len() <= 32_768 && !reserved {
            return Ok(());
        }
        Err(ExchangeError::EntryUnusable {
            name: name.to_owned(),
            value: value.chars().take(60).collect(),
            path: self.place.clone(),
        })
    }
}

/// Fields the writer itself gives.
const RESERVED: [&str; 19] = [
    "ObjectType",
    "NDims",
    "BinaryData",
    "BinaryDataByteOrderMSB",
    "CompressedData",
    "CompressedDataSize",
    "TransformMatrix",
    "Offset",
    "Position",
    "Origin",
    "CenterOfRotation",
    "AnatomicalOrientation",
    "ElementSpacing",
    "DimSize",
    "Kinds",
    "ElementType",
    "ElementDataFile",
    "UltrasoundImageOrientation",
    "UltrasoundImageType",
];

fn entry(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(" = ");
    text.push_str(value);
    text.push('\n');
}

/// The fixed fields, in the order in which the toolkits of the field write them.
fn head(form: &SequenceForm, frames: usize, bytes: u64) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &str| entry(&mut text, name, value);
    put("ObjectType", "Image");
    put("NDims", "3");
    put("BinaryData", "True");
    put("BinaryDataByteOrderMSB", "False");
    match form.packing {
        Packing::Raw => put("CompressedData", "False"),
        Packing::Zlib => {
            put("CompressedData", "True");
            put("CompressedDataSize", &bytes.to_string());
        }
    }
    put("TransformMatrix", "1 0 0 0 1 0 0 0 1");
    let (spacing, offset) = match form.spacing {
        Some(spacing) => ([spacing.lateral.0, spacing.axial.0], form.offset),
        None => ([1.0, 1.0], [0.0, 0.0]),
    };
    let three = |[x, z]: [f64; 2], third: u8| {
        let mut numbers = String::new();
        // Writing to a string cannot fail.
        write!(numbers, "{x} {z} {third}").ok();
        numbers
    };
    put("Offset", &three(offset, 0));
    put("CenterOfRotation", "0 0 0");
    put("AnatomicalOrientation", "RAI");
    put("ElementSpacing", &three(spacing, 1));
    put(
        "DimSize",
        &format!("{} {} {frames}", form.columns, form.rows),
    );
    put("Kinds", "domain domain list");
    put("ElementType", "MET_UCHAR");
    put("UltrasoundImageOrientation", form.orientation.letters());
    put("UltrasoundImageType", "BRIGHTNESS");
    text
}

/// Pixels for a PNG, row by row.
#[derive(Clone, Copy, Debug)]
pub enum PngPixels<'a> {
    /// One value a pixel.
    Gray(&'a [u8]),
    /// Red, green, blue.
    Rgb(&'a [u8]),
    /// Red, green, blue, opacity.
    Rgba(&'a [u8]),
}

/// Writes an 8-bit PNG. The same pixels give the same bytes.
pub fn write_png(
    path: &Path,
    columns: usize,
    rows: usize,
    pixels: PngPixels<'_>,
) -> Result<(), ExchangeError> {
    let (values, channels, color) = match pixels {
        PngPixels::Gray(values) => (values, 1, ExtendedColorType::L8),
        PngPixels::Rgb(values) => (values, 3, ExtendedColorType::Rgb8),
        PngPixels::Rgba(values) => (values, 4, ExtendedColorType::Rgba8),
    };
    let wrong = || ExchangeError::FrameSize {
        expected: columns.saturating_mul(rows).saturating_mul(channels),
        got: values.len(),
        path: path.to_owned(),
    };
    let sides = u32::try_from(columns).ok().zip(u32::try_from(rows).ok());
    let Some((width, height)) = sides.filter(|_| {
        !values.is_empty()
            && columns
                .checked_mul(rows)
                .and_then(|n| n.checked_mul(channels))
                == Some(values.len())
    }) else {
        return Err(wrong());
    };
    let mut draft = Draft::begin(path)?;
    image::codecs::png::PngEncoder::new(&mut draft)
        .write_image(values, width, height, color)
        .map_err(|cause| refused(std::io::Error::other(cause), path))?;
    draft.publish()
}
