//! Header and blocks of the reference protocol, from bytes and back; `docs/PROBE_PROTOCOL.md` gives every field.

/// Most bytes of samples in a frame.
pub const MAX_PAYLOAD: usize = 4 << 20;
/// Longest frame header of any minor version.
pub(super) const MAX_HEADER: usize = 256;
/// Where every frame header begins.
pub(super) const MAGIC: [u8; 4] = [0x50, 0x53, 0x46, 0xA7];
/// Header of version 1.0, with its checksum.
pub(super) const HEADER_BYTES: usize = 80;
const MAJOR: u8 = 1;
const MINOR: u8 = 0;
const CRC_BYTES: usize = 4;
const LINES: std::ops::RangeInclusive<u16> = 2..=1024;
const SAMPLES: std::ops::RangeInclusive<u16> = 16..=8192;
/// Extents in depth and width, um.
const EXTENT_UM: std::ops::RangeInclusive<u32> = 1_000..=400_000;
/// Radius of a curved face, um.
const RADIUS_UM: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// From the first line to the last, microradians (0.6 to 180 degrees).
const SECTOR_URAD: std::ops::RangeInclusive<u32> = 10_000..=3_141_592;
const IDENTITY: [u8; 4] = *b"PSID";
const LIMITS: [u8; 4] = *b"PSLM";
const SETTINGS: [u8; 4] = *b"PSST";
const IDENTITY_BYTES: usize = 96;
const LIMITS_BYTES: usize = 148;
const SETTINGS_BYTES: usize = 32;
const FREQUENCIES: usize = 16;
const FILTERS: usize = 8;
const RATES: usize = 8;

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleFormat {
    /// Log-compressed brightness; 0 to 255 is this echo range, hundredths of a decibel (0: not known).
    LogU8 {
        /// Echo range between 0 and 255, hundredths of a decibel.
        range_cdb: u32,
    },
    /// Linear echo amplitude.
    LinearU16,
}

impl SampleFormat {
    /// Bytes a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::LogU8 { .. } => 1,
            Self::LinearU16 => 2,
        }
    }
}

/// Where the lines lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Parallel lines.
    Linear {
        /// From the first line to the last, um.
        width_um: u32,
    },
    /// At right angles to a convex face.
    Curvilinear {
        /// Radius of the face, um.
        radius_um: u32,
        /// From the first line to the last, microradians.
        sector_urad: u32,
    },
    /// From one point.
    Phased {
        /// From the first line to the last, microradians.
        sector_urad: u32,
    },
}

/// Settings as they travel; 0 means "leave as it is" on the way out, and "none" or "not known" on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    /// Depth, um.
    pub depth_um: u32,
    /// Transmit frequency, kHz.
    pub frequency_khz: u32,
    /// Centre of the receive filter, kHz.
    pub filter_khz: u32,
    /// Frames in a thousand seconds.
    pub rate_mhz: u32,
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Frames made since START before this one.
    pub sequence: u64,
    /// Device time when the last line had been received, ns since any fixed moment.
    pub device_nanos: u64,
    /// The run that START named.
    pub run: u16,
    /// Where the lines lie.
    pub layout: Layout,
    /// What a sample is.
    pub format: SampleFormat,
    /// Lines.
    pub lines: u16,
    /// Samples a line.
    pub samples: u16,
    /// Near edge of the first sample, um.
    pub near_um: u32,
    /// What was in force; its depth is the far edge of the last sample.
    pub settings: Settings,
    /// Checksum of the samples.
    pub payload_crc: u32,
}

/// Why bytes that begin like a header are none, or one that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Magic, length or checksum is wrong: whatever it is, it is no header.
    NotOne,
    /// A sound header of another major version.
    Version {
        /// Its major version.
        major: u8,
    },
    /// A sound header that promises what the protocol does not allow.
    Absurd {
        /// Its sequence number.
        sequence: u64,
        /// Its run.
        run: u16,
    },
}

impl FrameHeader {
    /// Bytes of samples: at most [`MAX_PAYLOAD`] in a header that was read.
    pub fn payload_bytes(&self) -> usize {
        usize::from(self.lines) * usize::from(self.samples) * self.format.bytes()
    }

    /// Reads a whole header, checksum included, as long as its own length field says.
    pub fn read(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let fields = sealed(bytes).ok_or(HeaderFault::NotOne)?;
        let is_one = fields.starts_with(&MAGIC) && header_length(bytes) == Some(bytes.len());
        if !is_one {
            return Err(HeaderFault::NotOne);
        }
        let major = byte(fields, 4).ok_or(HeaderFault::NotOne)?;
        if major != MAJOR {
            return Err(HeaderFault::Version { major });
        }
        let sequence = long(fields, 8).ok_or(HeaderFault::NotOne)?;
        let run = short(fields, 24).ok_or(HeaderFault::NotOne)?;
        Self::fields(fields, sequence, run).ok_or(HeaderFault::Absurd { sequence, run })
    }

    fn fields(from: &[u8], sequence: u64, run: u16) -> Option<Self> {
        let (radius_um, width_um, sector_urad) =
            (word(from, 40)?, word(from, 44)?, word(from, 48)?);
        let layout = match byte(from, 26)? {
            1 => Layout::Linear { width_um },
            2 => Layout::Curvilinear {
                radius_um,
                sector_urad,
            },
            3 => Layout::Phased { sector_urad },
            _ => return None,
        };
        let range_cdb = word(from, 64)?;
        let format = match byte(from, 27)? {
            1 => SampleFormat::LogU8 { range_cdb },
            2 => SampleFormat::LinearU16,
            _ => return None,
        };
        let header = Self {
            sequence,
            device_nanos: long(from, 16)?,
            run,
            layout,
            format,
            lines: short(from, 28)?,
            samples: short(from, 30)?,
            near_um: word(from, 32)?,
            settings: Settings {
                depth_um: word(from, 36)?,
                frequency_khz: word(from, 52)?,
                filter_khz: word(from, 56)?,
                rate_mhz: word(from, 60)?,
            },
            payload_crc: word(from, 72)?,
        };
        let promised = usize::try_from(word(from, 68)?).ok()?;
        (header.is_sound() && promised == header.payload_bytes()).then_some(header)
    }

    /// Whether sizes and geometry lie within the limits of the protocol.
    pub fn is_sound(&self) -> bool {
        let is_laid_out = match self.layout {
            Layout::Linear { width_um } => EXTENT_UM.contains(&width_um),
            Layout::Curvilinear {
                radius_um,
                sector_urad,
            } => RADIUS_UM.contains(&radius_um) && SECTOR_URAD.contains(&sector_urad),
            Layout::Phased { sector_urad } => SECTOR_URAD.contains(&sector_urad),
        };
        let extent = self.settings.depth_um.checked_sub(self.near_um);
        is_laid_out
            && extent.is_some_and(|e| EXTENT_UM.contains(&e))
            && LINES.contains(&self.lines)
            && SAMPLES.contains(&self.samples)
            && self.payload_bytes() <= MAX_PAYLOAD
    }

    /// The header of version 1.0.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, radius, width, sector) = match self.layout {
            Layout::Linear { width_um } => (1, 0, width_um, 0),
            Layout::Curvilinear {
                radius_um,
                sector_urad,
            } => (2, radius_um, 0, sector_urad),
            Layout::Phased { sector_urad } => (3, 0, 0, sector_urad),
        };
        let (format, range_cdb) = match self.format {
            SampleFormat::LogU8 { range_cdb } => (1, range_cdb),
            SampleFormat::LinearU16 => (2, 0),
        };
        let mut bytes = opened(MAGIC, HEADER_BYTES);
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.device_nanos.to_le_bytes());
        bytes.extend(self.run.to_le_bytes());
        bytes.extend([kind, format]);
        bytes.extend(self.lines.to_le_bytes());
        bytes.extend(self.samples.to_le_bytes());
        for field in [
            self.near_um,
            self.settings.depth_um,
            radius,
            width,
            sector,
            self.settings.frequency_khz,
            self.settings.filter_khz,
            self.settings.rate_mhz,
            range_cdb,
            u32::try_from(self.payload_bytes()).unwrap_or(u32::MAX),
            self.payload_crc,
        ] {
            bytes.extend(field.to_le_bytes());
        }
        closed(bytes, HEADER_BYTES)
    }
}

/// How long a header says it is; `None` while that cannot be told or when it is not allowed.
pub(super) fn header_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(short(bytes, 6)?);
    ((HEADER_BYTES..=MAX_HEADER).contains(&length) && length.is_multiple_of(4)).then_some(length)
}

/// A block of the conversation that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// Too short, or of another kind.
    #[error("{bytes} bytes that are no such block")]
    NotOne {
        /// Bytes that came.
        bytes: usize,
    },
    /// Another major version.
    #[error("protocol version {major}.{minor}")]
    Version {
        /// Its major version.
        major: u8,
        /// Its minor version.
        minor: u8,
    },
    /// The checksum is wrong.
    #[error("a block with checksum {got:08x} where {computed:08x} is right")]
    Checksum {
        /// In the block.
        got: u32,
        /// Of what came.
        computed: u32,
    },
}

/// What a probe says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Protocol version, major and minor.
    pub version: (u8, u8),
    /// Most lines.
    pub lines: u16,
    /// Most samples a line.
    pub samples: u16,
    /// Name.
    pub name: String,
    /// Serial number.
    pub serial: String,
    /// Firmware version.
    pub firmware: String,
}

impl Identity {
    /// Reads an identity block.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockFault> {
        let block = open_block(bytes, IDENTITY, IDENTITY_BYTES)?;
        let wrong = BlockFault::NotOne { bytes: bytes.len() };
        let text = |at: usize, room: usize| {
            let field = block.get(at..at + room)?;
            let text = field.split(|b| *b == 0).next()?;
            let text = String::from_utf8_lossy(text);
            Some(text.chars().filter(|c| !c.is_control()).collect::<String>())
        };
        let read = || {
            Some(Self {
                version: (byte(block, 4)?, byte(block, 5)?),
                lines: short(block, 12)?,
                samples: short(block, 14)?,
                name: text(16, 32)?,
                serial: text(48, 24)?,
                firmware: text(72, 16)?,
            })
        };
        read().ok_or(wrong)
    }
}

/// What of a probe can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Least and greatest depth, um; `None` when it cannot be set.
    pub depth_um: Option<(u32, u32)>,
    /// Transmit frequencies, kHz, ascending.
    pub frequencies_khz: Vec<u32>,
    /// Centres of the receive filters, kHz, ascending.
    pub filters_khz: Vec<u32>,
    /// Frames in a thousand seconds, ascending.
    pub rates_mhz: Vec<u32>,
}

impl Limits {
    /// Reads a limits block.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockFault> {
        let block = open_block(bytes, LIMITS, LIMITS_BYTES)?;
        let list = |at: usize, room: usize| {
            let words = (0..room).map_while(|i| word(block, at + 4 * i));
            let mut list: Vec<u32> = words.take_while(|w| *w != 0).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let (least, most) = (word(block, 8).unwrap_or(0), word(block, 12).unwrap_or(0));
        Ok(Self {
            depth_um: (0 < least && least <= most).then_some((least, most)),
            frequencies_khz: list(16, FREQUENCIES),
            filters_khz: list(80, FILTERS),
            rates_mhz: list(112, RATES),
        })
    }
}

impl Settings {
    /// Reads a settings block.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockFault> {
        let block = open_block(bytes, SETTINGS, SETTINGS_BYTES)?;
        let read = || {
            Some(Self {
                depth_um: word(block, 8)?,
                frequency_khz: word(block, 12)?,
                filter_khz: word(block, 16)?,
                rate_mhz: word(block, 20)?,
            })
        };
        read().ok_or(BlockFault::NotOne { bytes: bytes.len() })
    }

    /// The settings block of version 1.0.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = opened(SETTINGS, SETTINGS_BYTES);
        for field in [
            self.depth_um,
            self.frequency_khz,
            self.filter_khz,
            self.rate_mhz,
        ] {
            bytes.extend(field.to_le_bytes());
        }
        closed(bytes, SETTINGS_BYTES)
    }
}

/// A block without its checksum, once magic, version, length and checksum have been found right.
fn open_block(bytes: &[u8], magic: [u8; 4], least: usize) -> Result<&[u8], BlockFault> {
    let wrong = BlockFault::NotOne { bytes: bytes.len() };
    let length = short(bytes, 6).map(usize::from).ok_or(wrong)?;
    let (Some(major), Some(minor)) = (byte(bytes, 4), byte(bytes, 5)) else {
        return Err(wrong);
    };
    if !bytes.starts_with(&magic) {
        return Err(wrong);
    }
    if major != MAJOR {
        return Err(BlockFault::Version { major, minor });
    }
    let block = bytes
        .get(..length)
        .filter(|b| b.len() >= least)
        .ok_or(wrong)?;
    let (fields, crc) = block.split_last_chunk::<CRC_BYTES>().ok_or(wrong)?;
    let (got, computed) = (u32::from_le_bytes(*crc), crc32fast::hash(fields));
    if got != computed {
        return Err(BlockFault::Checksum { got, computed });
    }
    Ok(fields)
}

/// Everything before the checksum at the end, if that is right.
fn sealed(bytes: &[u8]) -> Option<&[u8]> {
    let (fields, crc) = bytes.split_last_chunk::<CRC_BYTES>()?;
    (u32::from_le_bytes(*crc) == crc32fast::hash(fields)).then_some(fields)
}

pub(super) fn opened(magic: [u8; 4], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(magic);
    bytes.extend([MAJOR, MINOR]);
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    bytes
}

pub(super) fn closed(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(length - CRC_BYTES, 0);
    let crc = crc32fast::hash(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes under a vector's name in the protocol page.
    fn vector(name: &str) -> Vec<u8> {
        let page = include_str!("../../../docs/PROBE_PROTOCOL.md");
        let (_, after) = page.split_once(&format!("`{name}`")).unwrap();
        let block = after.split("```").nth(1).unwrap();
        let digits: Vec<char> = block.chars().filter(char::is_ascii_hexdigit).collect();
        let digits = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
        digits
            .map(|d| u8::from_str_radix(&d, 16).unwrap())
            .collect()
    }

    #[test]
    fn settings_are_what_the_page_says() {
        let settings = Settings {
            depth_um: 60_000,
            frequency_khz: 5_000,
            filter_khz: 0,
            rate_mhz: 60_000,
        };
        assert_eq!(settings.bytes(), vector("vector-settings"));
        assert_eq!(Settings::read(&vector("vector-settings")), Ok(settings));
    }

    #[test]
    fn frames_are_what_the_page_says() {
        let linear = FrameHeader {
            sequence: 2,
            device_nanos: 3_000_000,
            run: 1,
            layout: Layout::Linear { width_um: 38_400 },
            format: SampleFormat::LogU8 { range_cdb: 6_000 },
            lines: 2,
            samples: 16,
            near_um: 0,
            settings: Settings {
                depth_um: 40_000,
                frequency_khz: 7_500,
                filter_khz: 0,
                rate_mhz: 30_000,
            },
            payload_crc: 0x9126_7E8A,
        };
        let curved = FrameHeader {
            sequence: 1 << 32,
            device_nanos: 5_000_000_000,
            run: u16::MAX,
            layout: Layout::Curvilinear {
                radius_um: 60_000,
                sector_urad: 1_047_198,
            },
            format: SampleFormat::LinearU16,
            near_um: 2_500,
            settings: Settings {
                depth_um: 92_500,
                frequency_khz: 3_500,
                filter_khz: 3_370,
                rate_mhz: 12_500,
            },
            payload_crc: 0x2691_F187,
            ..linear
        };
        for (name, header) in [("vector-linear", linear), ("vector-curved", curved)] {
            let page = vector(name);
            let (head, samples) = page.split_at(HEADER_BYTES);
            assert_eq!(FrameHeader::read(head), Ok(header), "{name}");
            assert_eq!(header.bytes(), head, "{name}");
            assert_eq!(header.payload_bytes(), samples.len());
            assert_eq!(header.payload_crc, crc32fast::hash(samples));
        }
    }

    #[test]
    fn the_checksum_is_the_one_the_page_names() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_block_says_what_is_wrong_with_it() {
        let sound = Settings::default().bytes();
        assert_eq!(Settings::read(&sound), Ok(Settings::default()));
        assert!(matches!(
            Settings::read(&[]),
            Err(BlockFault::NotOne { bytes: 0 })
        ));
        assert!(matches!(
            Identity::read(&sound),
            Err(BlockFault::NotOne { bytes: 32 })
        ));
        let short = sound.get(..31).unwrap();
        assert!(matches!(
            Settings::read(short),
            Err(BlockFault::NotOne { bytes: 31 })
        ));
        let mut other = sound.clone();
        other[4] = 2;
        assert_eq!(
            Settings::read(&other),
            Err(BlockFault::Version { major: 2, minor: 0 })
        );
        let mut torn = sound;
        torn[9] ^= 1;
        assert!(matches!(
            Settings::read(&torn),
            Err(BlockFault::Checksum { .. })
        ));
    }
}
