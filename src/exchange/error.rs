//! What can go wrong between a file and a frame: what was expected, what came, what is lost.
use std::path::PathBuf;

use crate::frame::SamplesError;
use crate::notice::Problem;
use crate::stream::SourceProblem;
use crate::words::say;

/// Why a file could not be read or written. Paths stand last in every message.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The operating system would not let us read.
    #[error("cannot be read ({cause}): {path}")]
    NotReadable {
        /// What the system said.
        cause: std::io::Error,
        /// The file or folder.
        path: PathBuf,
    },
    /// The operating system would not let us write.
    #[error("cannot be written ({cause}): {path}")]
    NotWritable {
        /// What the system said.
        cause: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The name says nothing we read.
    #[error(
        "kind of file: expected .mha, .mhd, .png, .jpg, .jpeg or a folder of pictures, got {got:?}: {path}"
    )]
    UnknownKind {
        /// The ending of the name.
        got: String,
        /// The file.
        path: PathBuf,
    },
    /// The text header does not end.
    #[error(
        "header: expected it to end with a line ElementDataFile within {limit} bytes, got none in the first {got}: {path}"
    )]
    HeaderWithoutEnd {
        /// Bytes looked at.
        got: u64,
        /// Bytes a header may have.
        limit: u64,
        /// The file.
        path: PathBuf,
    },
    /// A header line that is not `Name = value`.
    #[error("header line {line}: expected \"Name = value\", got {got:?}: {path}")]
    HeaderLine {
        /// Line number, from 1.
        line: usize,
        /// The line, shortened.
        got: String,
        /// The file.
        path: PathBuf,
    },
    /// A field without which the pixels cannot be read.
    #[error("header field {field} is missing, expected {expected}: {path}")]
    FieldMissing {
        /// Name of the field.
        field: &'static str,
        /// What it should say.
        expected: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A field says something that cannot be.
    #[error("header field {field}: expected {expected}, got {got:?}: {path}")]
    FieldUnusable {
        /// Name of the field.
        field: &'static str,
        /// What it should say.
        expected: String,
        /// What it says.
        got: String,
        /// The file.
        path: PathBuf,
    },
    /// More than is taken into memory.
    #[error(
        "pixels: {bytes} bytes in one compressed stream, the limit is {limit}; nothing was read: {path}"
    )]
    TooLarge {
        /// Bytes promised.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
        /// The file.
        path: PathBuf,
    },
    /// The pixels end too early.
    #[error(
        "pixels: expected {expected} bytes, found {found}; {whole} of {frames} frames are whole: {path}"
    )]
    PixelsMissing {
        /// Bytes the header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
        /// Frames of which all pixels are there.
        whole: usize,
        /// Frames the header promises.
        frames: usize,
        /// The file with the pixels.
        path: PathBuf,
    },
    /// There are more pixels than the header says: one of the two is wrong.
    #[error("pixels: expected {expected} bytes ({dimensions}), found {found}: {path}")]
    PixelsLeftOver {
        /// Bytes the header promises.
        expected: u64,
        /// Bytes that are there (at least).
        found: u64,
        /// Size and kind as the header gives them.
        dimensions: String,
        /// The file with the pixels.
        path: PathBuf,
    },
    /// The compressed stream is shorter or longer than the header says.
    #[error("compressed pixels: the header says {expected} bytes, found {found}: {path}")]
    CompressedSize {
        /// `CompressedDataSize`.
        expected: u64,
        /// Bytes that are there.
        found: u64,
        /// The file with the pixels.
        path: PathBuf,
    },
    /// The compressed stream is damaged.
    #[error(
        "compressed pixels are damaged ({cause}): expected {expected} bytes, found {found}; {whole} of {frames} frames could be read, none of them can be checked: {path}"
    )]
    StreamDamaged {
        /// What the decoder said.
        cause: String,
        /// Bytes the header promises.
        expected: u64,
        /// Bytes read before the damage.
        found: u64,
        /// Frames of which all pixels were read.
        whole: usize,
        /// Frames the header promises.
        frames: usize,
        /// The file with the pixels.
        path: PathBuf,
    },
    /// Scan lines or radio-frequency samples, and no word on where they lie.
    #[error(
        "{what} (type {image_type}, orientation {orientation}): expected a geometry to place the scan lines, got none: {path}"
    )]
    GeometryNeeded {
        /// What the file holds.
        what: &'static str,
        /// `UltrasoundImageType`.
        image_type: String,
        /// `UltrasoundImageOrientation`.
        orientation: String,
        /// The file.
        path: PathBuf,
    },
    /// A geometry that does not belong to this kind of file.
    #[error("geometry: {kind} is for {meant_for}, the file holds {holds}: {path}")]
    GeometryMisplaced {
        /// Kind of the geometry given.
        kind: &'static str,
        /// What it describes.
        meant_for: &'static str,
        /// What the file holds.
        holds: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A geometry that cannot be.
    #[error("geometry: {what}")]
    GeometryUnusable {
        /// Expected and got.
        what: String,
    },
    /// A part of the picture that is not inside it.
    #[error(
        "crop: expected a part of the {columns} x {rows} picture, got x {x}, y {y}, width {width}, height {height}: {path}"
    )]
    CropOutside {
        /// Width of the stored picture.
        columns: usize,
        /// Height of the stored picture.
        rows: usize,
        /// Left edge asked for.
        x: usize,
        /// Upper edge asked for.
        y: usize,
        /// Width asked for.
        width: usize,
        /// Height asked for.
        height: usize,
        /// The file.
        path: PathBuf,
    },
    /// Scan lines are placed by their geometry; a part of them would be misplaced.
    #[error("crop: expected a finished picture, got scan lines: {path}")]
    CropOfScanLines {
        /// The file.
        path: PathBuf,
    },
    /// Radio-frequency samples of a form that is not read.
    #[error(
        "radio-frequency samples: expected I and Q as RF_IQ_LINE or RF_I_LINE_Q_LINE with lines as rows, got {image_type}, orientation {orientation}, {columns} x {rows}: {path}"
    )]
    RfForm {
        /// `UltrasoundImageType`.
        image_type: &'static str,
        /// Orientation in force.
        orientation: &'static str,
        /// Stored columns.
        columns: usize,
        /// Stored rows.
        rows: usize,
        /// The file.
        path: PathBuf,
    },
    /// A scale that cannot be.
    #[error("scale: expected 0.005 to 5 mm a pixel, got {lateral} lateral and {axial} axial")]
    ScaleAbsurd {
        /// Lateral, mm a pixel.
        lateral: f64,
        /// Axial, mm a pixel.
        axial: f64,
    },
    /// A picture that cannot be decoded.
    #[error("picture cannot be decoded ({cause}): {path}")]
    PictureDamaged {
        /// What the decoder said.
        cause: String,
        /// The file.
        path: PathBuf,
    },
    /// Pictures of a sequence must have one size.
    #[error(
        "picture sizes: expected {columns} x {rows} as in the first picture, got {got_columns} x {got_rows}: {path}"
    )]
    SizesDiffer {
        /// Width of the first picture.
        columns: usize,
        /// Height of the first picture.
        rows: usize,
        /// Width of this one.
        got_columns: usize,
        /// Height of this one.
        got_rows: usize,
        /// The file that differs.
        path: PathBuf,
    },
    /// Nothing to show in a folder.
    #[error("folder: expected PNG or JPEG pictures, found none ({others} other files): {path}")]
    NoPictures {
        /// Other files in it.
        others: usize,
        /// The folder.
        path: PathBuf,
    },
    /// A frame number beyond the end.
    #[error("frame: expected 0 to {last}, got {index}: {path}")]
    FrameOutside {
        /// Number asked for.
        index: usize,
        /// Number of the last frame.
        last: usize,
        /// The file.
        path: PathBuf,
    },
    /// Our own arithmetic and the file disagree.
    #[error("{cause}: {path}")]
    Block {
        /// What does not fit.
        cause: SamplesError,
        /// The file.
        path: PathBuf,
    },
    /// A frame given to a writer does not fit to those before it.
    #[error("frame for writing: expected {expected} pixels, got {got}: {path}")]
    FrameSize {
        /// Pixels of a frame.
        expected: usize,
        /// Pixels that came.
        got: usize,
        /// The file.
        path: PathBuf,
    },
    /// A sequence without frames is no file.
    #[error("sequence for writing: expected one frame or more, got none: {path}")]
    NothingToWrite {
        /// The file.
        path: PathBuf,
    },
    /// A header entry that would break the header.
    #[error(
        "header entry for writing: expected a name of its own without blanks and a value on one line, got {name:?} = {value:?}: {path}"
    )]
    EntryUnusable {
        /// Name given.
        name: String,
        /// Value given.
        value: String,
        /// The file.
        path: PathBuf,
    },
}

impl ExchangeError {
    /// The same trouble as a stream knows it.
    pub fn into_problem(self, source_name: String) -> SourceProblem {
        SourceProblem::Unreadable {
            source_name,
            what: self.to_string(),
            hint: self.hint(),
        }
    }
}

impl Problem for ExchangeError {
    fn hint(&self) -> Option<String> {
        let key = match self {
            Self::NotReadable { .. } => "exchange-hint-readable",
            Self::NotWritable { .. } => "exchange-hint-writable",
            Self::UnknownKind { .. } => "exchange-hint-kind",
            Self::HeaderWithoutEnd { .. } | Self::HeaderLine { .. } => "exchange-hint-header",
            Self::FieldMissing { .. } | Self::FieldUnusable { .. } => "exchange-hint-field",
            Self::TooLarge { .. } => "exchange-hint-large",
            Self::PixelsMissing { whole: 0, .. }
            | Self::StreamDamaged { whole: 0, .. }
            | Self::PictureDamaged { .. } => "exchange-hint-copy",
            Self::PixelsMissing { .. } | Self::StreamDamaged { .. } => "exchange-hint-cut",
            Self::PixelsLeftOver { .. } | Self::CompressedSize { .. } => "exchange-hint-size",
            Self::RfForm { .. } => "exchange-hint-rf",
            Self::GeometryNeeded { .. } => "exchange-hint-geometry",
            Self::GeometryMisplaced { .. } | Self::GeometryUnusable { .. } => {
                "exchange-hint-geometry-form"
            }
            Self::CropOutside { .. } | Self::CropOfScanLines { .. } => "exchange-hint-crop",
            Self::ScaleAbsurd { .. } => "exchange-hint-scale",
            Self::SizesDiffer { .. } => "exchange-hint-sizes",
            Self::NoPictures { .. } => "exchange-hint-folder",
            Self::FrameOutside { .. }
            | Self::Block { .. }
            | Self::FrameSize { .. }
            | Self::NothingToWrite { .. }
            | Self::EntryUnusable { .. } => return None,
        };
        Some(say(key))
    }
}
