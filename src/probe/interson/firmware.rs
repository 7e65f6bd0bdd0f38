//! Loads the firmware that an Interson probe asks for after power-on, from a file that the user has.
//!
//! The image is the maker's; portsight ships none. A raw image (`.bix`, `.bin`) starts at address 0; an Intel HEX file
//! brings its addresses. Only the RAM of a Cypress FX2 may be written, and never its registers.
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ihex::{Reader, Record};

use super::registers::{FX2_CPU_CONTROL, FX2_RAM};
use crate::probe::{ControlPipe, DriverProblem, PipeProblem};

/// Main RAM of an FX2LP ends here (an FX2 has half of it); Cypress, FX2 technical reference manual.
const MAIN_RAM_END: usize = 0x4000;
/// Scratch RAM.
const SCRATCH_RAM: std::ops::Range<usize> = 0xE000..0xE200;
/// No file for 16.5 KiB of RAM is larger, not even as text.
const LONGEST_FILE: u64 = 256 << 10;
/// Bytes a request; 64 in the captures of the sister probe (usb.md).
const CHUNK: usize = 64;
/// Between holding the CPU and writing, so that it has come to rest.
const HOLD_PAUSE: Duration = Duration::from_millis(10);

/// Why a file cannot be loaded as firmware.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirmwareProblem {
    /// It could not be read.
    #[error("firmware file could not be read: {cause}: {}", path.display())]
    Unreadable {
        /// What the operating system said.
        cause: String,
        /// The file.
        path: PathBuf,
    },
    /// Its name says that it is something else.
    #[error("firmware: expected a file called .bix, .bin or .hex, got {got:?}: {}", path.display())]
    Kind {
        /// What its name ends in.
        got: String,
        /// The file.
        path: PathBuf,
    },
    /// It is empty, or larger than the probe's memory.
    #[error("firmware: expected 1 to {most} bytes, got {got}")]
    Size {
        /// Bytes in the file.
        got: u64,
        /// Most that fit.
        most: u64,
    },
    /// Its Intel HEX text is broken.
    #[error("firmware: record {record} is no sound Intel HEX: {cause}")]
    Hex {
        /// Which record, from 1 on.
        record: usize,
        /// What is wrong.
        cause: String,
    },
    /// It wants to write where no program belongs.
    #[error(
        "firmware: {bytes} bytes at {address:#06x} are outside the probe's memory (0000 to 3fff, e000 to e1ff)"
    )]
    Address {
        /// Where.
        address: u32,
        /// How many.
        bytes: usize,
    },
}

/// A checked image: every piece lies in RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    pieces: Vec<(u16, Vec<u8>)>,
}

impl Firmware {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, FirmwareProblem> {
        let unreadable = |cause: std::io::Error| FirmwareProblem::Unreadable {
            cause: cause.to_string(),
            path: path.to_owned(),
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        // One byte more than allowed tells a file that is too long, without reading all of it.
        let mut limited = file.take(LONGEST_FILE + 1);
        limited.read_to_end(&mut bytes).map_err(unreadable)?;
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("bix" | "bin") => Self::from_image(&bytes),
            Some("hex" | "ihx" | "ihex") => Self::from_hex(&bytes),
            other => Err(FirmwareProblem::Kind {
                got: other.unwrap_or_default().to_owned(),
                path: path.to_owned(),
            }),
        }
    }

    /// A raw image that starts at address 0.
    pub fn from_image(bytes: &[u8]) -> Result<Self, FirmwareProblem> {
        check_size(bytes, MAIN_RAM_END as u64)?;
        let pieces = (0_u16..)
            .step_by(CHUNK)
            .zip(bytes.chunks(CHUNK).map(<[u8]>::to_vec));
        Ok(Self {
            pieces: pieces.collect(),
        })
    }

    /// Intel HEX text.
    pub fn from_hex(bytes: &[u8]) -> Result<Self, FirmwareProblem> {
        check_size(bytes, LONGEST_FILE)?;
        let broken = |record: usize, cause: String| FirmwareProblem::Hex { record, cause };
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.is_ascii())
            .ok_or_else(|| broken(1, "expected ASCII text".to_owned()))?;
        let (mut pieces, mut base, mut is_complete) = (Vec::new(), 0_u32, false);
        let mut records = 0;
        for (index, record) in Reader::new(text).enumerate() {
            records = index + 1;
            match record.map_err(|e| broken(records, e.to_string()))? {
                Record::Data { offset, value } => {
                    let address = base.saturating_add(u32::from(offset));
                    check_place(address, value.len())?;
                    let start =
                        u16::try_from(address).map_err(|_beyond| FirmwareProblem::Address {
                            address,
                            bytes: value.len(),
                        })?;
                    let chunks = value.chunks(CHUNK).map(<[u8]>::to_vec);
                    pieces.extend((start..).step_by(CHUNK).zip(chunks));
                }
                Record::EndOfFile => is_complete = true,
                Record::ExtendedSegmentAddress(segment) => base = u32::from(segment) << 4,
                Record::ExtendedLinearAddress(upper) => base = u32::from(upper) << 16,
                // Where a program starts is for other processors.
                Record::StartSegmentAddress { .. } | Record::StartLinearAddress(_) => {}
            }
        }
        if !is_complete {
            return Err(broken(
                records + 1,
                "expected an end-of-file record: the file is cut short".to_owned(),
            ));
        }
        if pieces.is_empty() {
            return Err(broken(records, "there is nothing to load".to_owned()));
        }
        Ok(Self { pieces })
    }

    /// Bytes to be loaded.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whether there is nothing to load; never so.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Holds the probe's CPU, writes the image, and lets it run. The probe then leaves the bus and comes back as
    /// another device, about 3 s later.
    pub fn load(&self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem> {
        let failed = |step| move |problem| DriverProblem::Pipe { step, problem };
        pipe.control_out(FX2_RAM, FX2_CPU_CONTROL, 0, &[1])
            .map_err(failed("holding the CPU of the probe"))?;
        pipe.pause(HOLD_PAUSE);
        for (address, bytes) in &self.pieces {
            pipe.control_out(FX2_RAM, *address, 0, bytes)
                .map_err(failed("writing the firmware"))?;
        }
        match pipe.control_out(FX2_RAM, FX2_CPU_CONTROL, 0, &[0]) {
            // It may leave the bus before it has answered.
            Ok(()) | Err(PipeProblem::Gone) => Ok(()),
            Err(problem) => Err(failed("starting the firmware")(problem)),
        }
    }
}

fn check_size(bytes: &[u8], most: u64) -> Result<(), FirmwareProblem> {
    let got = bytes.len() as u64;
    if got == 0 || got > most {
        return Err(FirmwareProblem::Size { got, most });
    }
    Ok(())
}

fn check_place(address: u32, bytes: usize) -> Result<(), FirmwareProblem> {
    let problem = || FirmwareProblem::Address { address, bytes };
    let start = usize::try_from(address).map_err(|_beyond| problem())?;
    let end = start.checked_add(bytes).ok_or_else(problem)?;
    let is_main = end <= MAIN_RAM_END;
    let is_scratch = start >= SCRATCH_RAM.start && end <= SCRATCH_RAM.end;
    (is_main || is_scratch).then_some(()).ok_or_else(problem)
}
