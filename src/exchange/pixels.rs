//! The stored numbers of a MetaImage file: inflated once, or read frame by frame.
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::{Decompress, FlushDecompress, Status};

use super::ExchangeError;
use super::description::{DataPlace, Description, Stream};

/// Bytes one compressed stream may inflate to; it is kept in memory once.
pub(super) const MEMORY_LIMIT: u64 = 4 << 30;
/// No deflate stream grows by more than this factor.
const DEFLATE_GROWTH: u64 = 1040;
/// Bytes beyond the promised ones that are looked at before a message is made.
const SURPLUS_LOOKED_AT: u64 = 64 << 20;
const READ_BUFFER: usize = 1 << 16;

/// Access to the stored bytes of each frame.
#[derive(Debug)]
pub(super) enum Pixels {
    /// All frames, one after the other.
    Memory { bytes: Vec<u8>, frame_bytes: usize },
    /// Frames in a file, from `start` on.
    OnDisk {
        file: Mutex<File>,
        start: u64,
        frame_bytes: usize,
        path: PathBuf,
    },
}

/// Pixels, and what is wrong with them when only whole frames are kept.
pub(super) struct Opened {
    pub(super) pixels: Pixels,
    /// Frames that are whole.
    pub(super) frames: usize,
    /// Why it is not all of them.
    pub(super) shortage: Option<ExchangeError>,
}

impl Pixels {
    /// Finds the pixels that `description` promises in `path`, whose header takes `header_bytes`.
    ///
    /// With `keep_whole_frames`, pixels that end too early are no error as long as one frame is whole.
    pub(super) fn open(
        path: &Path,
        header_bytes: u64,
        description: &Description,
        keep_whole_frames: bool,
    ) -> Result<Opened, ExchangeError> {
        let (data_path, skip) = match &description.place {
            DataPlace::Local => (path, Some(header_bytes)),
            DataPlace::Beside { file, skip } => (file.as_path(), *skip),
        };
        let refused = |cause| ExchangeError::NotReadable {
            cause,
            path: data_path.to_owned(),
        };
        let mut file = File::open(data_path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        let extent = Extent {
            path: data_path,
            skip,
            length,
        };
        let opened = match description.stream {
            Stream::Zlib { size } => {
                file.seek(SeekFrom::Start(skip.unwrap_or(0)))
                    .map_err(refused)?;
                inflate(file, &extent, size, description)?
            }
            Stream::Raw => on_disk(file, &extent, description)?,
        };
        match opened.shortage {
            Some(shortage) if !keep_whole_frames || opened.frames == 0 => Err(shortage),
            _ => Ok(opened),
        }
    }

    /// The bytes of one frame; `scratch` may be used to hold them.
    pub(super) fn frame<'a>(
        &'a self,
        index: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], ExchangeError> {
        match self {
            Self::Memory { bytes, frame_bytes } => {
                let start = index * frame_bytes;
                Ok(bytes.get(start..start + frame_bytes).unwrap_or_default())
            }
            Self::OnDisk {
                file,
                start,
                frame_bytes,
                path,
            } => {
                scratch.resize(*frame_bytes, 0);
                let at = start + index as u64 * *frame_bytes as u64;
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| file.read_exact(scratch))
                    .map_err(|cause| ExchangeError::NotReadable {
                        cause,
                        path: path.clone(),
                    })?;
                Ok(scratch)
            }
        }
    }
}

struct Extent<'a> {
    path: &'a Path,
    /// Where the pixels begin; `None` when they are the last bytes of the file.
    skip: Option<u64>,
    length: u64,
}

fn on_disk(
    file: File,
    extent: &Extent<'_>,
    description: &Description,
) -> Result<Opened, ExchangeError> {
    let expected = description.total_bytes();
    let start = extent
        .skip
        .unwrap_or_else(|| extent.length.saturating_sub(expected));
    let found = extent.length.saturating_sub(start);
    if found > expected {
        return Err(left_over(found, extent, description));
    }
    let frame_bytes = description.frame_bytes();
    let whole = whole_frames(found, description);
    Ok(Opened {
        pixels: Pixels::OnDisk {
            file: Mutex::new(file),
            start,
            frame_bytes,
            path: extent.path.to_owned(),
        },
        frames: whole,
        shortage: (found < expected).then(|| ExchangeError::PixelsMissing {
            expected,
            found,
            whole,
            frames: description.frames,
            path: extent.path.to_owned(),
        }),
    })
}

fn inflate(
    file: File,
    extent: &Extent<'_>,
    size: Option<u64>,
    description: &Description,
) -> Result<Opened, ExchangeError> {
    let expected = description.total_bytes();
    let available = extent.length.saturating_sub(extent.skip.unwrap_or(0));
    if expected > MEMORY_LIMIT {
        return Err(ExchangeError::TooLarge {
            bytes: expected,
            limit: MEMORY_LIMIT,
            path: extent.path.to_owned(),
        });
    }
    let size_differs = |found| ExchangeError::CompressedSize {
        expected: size.unwrap_or(available),
        found,
        path: extent.path.to_owned(),
    };
    if size.is_some_and(|s| s < available) {
        return Err(size_differs(available));
    }
    let mut reader = BufReader::with_capacity(READ_BUFFER, file);
    let stream = inflate_stream(&mut reader, expected, available, extent.path)?;
    let found = stream.bytes.len() as u64 + stream.surplus;
    let whole = whole_frames(stream.bytes.len() as u64, description);
    let frames = description.frames;
    let path = extent.path.to_owned();
    let shortage = match stream.ending {
        Ending::Complete if found > expected => {
            return Err(left_over(found, extent, description));
        }
        Ending::Complete if found == expected => {
            if size.is_some_and(|s| s != stream.taken) {
                return Err(size_differs(stream.taken));
            }
            None
        }
        Ending::Damaged(cause) => Some(ExchangeError::StreamDamaged {
            cause,
            expected,
            found,
            whole,
            frames,
            path,
        }),
        // All pixels are there, but the stream's own check is not: it cannot be trusted.
        Ending::Cut if found >= expected => Some(ExchangeError::StreamDamaged {
            cause: "its checksum is missing".to_owned(),
            expected,
            found,
            whole,
            frames,
            path,
        }),
        Ending::Complete | Ending::Cut => Some(ExchangeError::PixelsMissing {
            expected,
            found,
            whole,
            frames,
            path,
        }),
    };
    Ok(Opened {
        pixels: Pixels::Memory {
            bytes: stream.bytes,
            frame_bytes: description.frame_bytes(),
        },
        frames: whole,
        shortage,
    })
}

fn whole_frames(bytes: u64, description: &Description) -> usize {
    let whole = bytes / description.frame_bytes().max(1) as u64;
    usize::try_from(whole).map_or(description.frames, |whole| whole.min(description.frames))
}

fn left_over(found: u64, extent: &Extent<'_>, description: &Description) -> ExchangeError {
    ExchangeError::PixelsLeftOver {
        expected: description.total_bytes(),
        found,
        dimensions: description.dimensions(),
        path: extent.path.to_owned(),
    }
}

enum Ending {
    /// The stream ended and its checksum was right.
    Complete,
    /// The file ended first.
    Cut,
    /// It is no stream of this kind, or its checksum is wrong.
    Damaged(String),
}

struct Inflated {
    bytes: Vec<u8>,
    /// Bytes beyond the expected ones, counted and thrown away.
    surplus: u64,
    /// Compressed bytes used.
    taken: u64,
    ending: Ending,
}

fn inflate_stream(
    reader: &mut impl BufRead,
    expected: u64,
    available: u64,
    path: &Path,
) -> Result<Inflated, ExchangeError> {
    let refused = |cause| ExchangeError::NotReadable {
        cause,
        path: path.to_owned(),
    };
    // A lying header must not make us reserve what the file cannot hold.
    let reserve = expected.min(available.saturating_mul(DEFLATE_GROWTH));
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(reserve).unwrap_or(usize::MAX))
        .map_err(|cause| refused(std::io::Error::new(std::io::ErrorKind::OutOfMemory, cause)))?;
    let mut decoder = Decompress::new(true);
    let mut spill = Vec::with_capacity(4096);
    let mut surplus = 0_u64;
    let ending = loop {
        let input = reader.fill_buf().map_err(refused)?;
        // At the end of the file the decoder may still hold pixels back.
        let at_end = input.is_empty();
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let full = bytes.len() == bytes.capacity();
        let into = if full { &mut spill } else { &mut bytes };
        let status = decoder.decompress_vec(input, into, FlushDecompress::None);
        surplus += spill.len() as u64;
        spill.clear();
        let taken = decoder.total_in() - before_in;
        let moved = taken > 0 || decoder.total_out() > before_out;
        reader.consume(usize::try_from(taken).unwrap_or(usize::MAX));
        match status {
            Ok(Status::StreamEnd) => break Ending::Complete,
            Ok(Status::Ok | Status::BufError) if moved && surplus <= SURPLUS_LOOKED_AT => {}
            Ok(Status::Ok | Status::BufError) if surplus > SURPLUS_LOOKED_AT => {
                break Ending::Complete;
            }
            Ok(Status::Ok | Status::BufError) if at_end => break Ending::Cut,
            Ok(Status::Ok | Status::BufError) => {
                break Ending::Damaged("the stream does not go on".to_owned());
            }
            Err(cause) => break Ending::Damaged(cause.to_string()),
        }
    };
    // Capacity may exceed what was asked for by a few bytes.
    let kept = usize::try_from(expected).unwrap_or(usize::MAX);
    surplus += bytes.len().saturating_sub(kept) as u64;
    bytes.truncate(kept);
    Ok(Inflated {
        bytes,
        surplus,
        taken: decoder.total_in(),
        ending,
    })
}
