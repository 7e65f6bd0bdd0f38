//! The blocks and packets of the reference protocol, byte by byte, as docs/PROBE_PROTOCOL.md lays them out.
use super::Config;

/// Bytes of a settings block.
pub const SETTINGS_BYTES: usize = 32;
const FREQUENCIES: usize = 16;
const FILTERS: usize = 8;
const RATES: usize = 8;

/// Samples of one of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleFormat {
    LogU8,
    LinearU16,
}

/// Where the lines lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    Linear { width_um: u32 },
    Curvilinear { radius_um: u32, sector_urad: u32 },
    Phased { sector_urad: u32 },
}

/// Everything in a frame header but lengths and checksums.
#[derive(Clone, Copy, Debug)]
pub struct FrameFields {
    pub sequence: u64,
    pub device_nanos: u64,
    pub run: u16,
    pub geometry: Geometry,
    pub format: SampleFormat,
    pub lines: u16,
    pub samples: u16,
    pub near_um: u32,
    pub far_um: u32,
    pub frequency_khz: u32,
    pub filter_khz: u32,
    pub rate_mhz: u32,
    pub dynamic_range_cdb: u32,
}

/// One frame packet: 80 bytes of header, then the samples.
pub fn frame_packet(fields: &FrameFields, payload: &[u8]) -> Vec<u8> {
    let (kind, radius, width, sector) = match fields.geometry {
        Geometry::Linear { width_um } => (1, 0, width_um, 0),
        Geometry::Curvilinear {
            radius_um,
            sector_urad,
        } => (2, radius_um, 0, sector_urad),
        Geometry::Phased { sector_urad } => (3, 0, 0, sector_urad),
    };
    let format = match fields.format {
        SampleFormat::LogU8 => 1,
        SampleFormat::LinearU16 => 2,
    };
    let mut packet = Vec::with_capacity(80 + payload.len());
    packet.extend([0x50, 0x53, 0x46, 0xA7, 1, 0]);
    packet.extend(80u16.to_le_bytes());
    packet.extend(fields.sequence.to_le_bytes());
    packet.extend(fields.device_nanos.to_le_bytes());
    packet.extend(fields.run.to_le_bytes());
    packet.extend([kind, format]);
    packet.extend(fields.lines.to_le_bytes());
    packet.extend(fields.samples.to_le_bytes());
    for word in [
        fields.near_um,
        fields.far_um,
        radius,
        width,
        sector,
        fields.frequency_khz,
        fields.filter_khz,
        fields.rate_mhz,
        fields.dynamic_range_cdb,
        payload.len() as u32,
        crc32fast::hash(payload),
    ] {
        packet.extend(word.to_le_bytes());
    }
    packet.extend(crc32fast::hash(&packet).to_le_bytes());
    packet.extend(payload);
    packet
}

fn block(magic: &[u8; 4], length: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(magic);
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(body);
    bytes.resize(length - 4, 0);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The identity block: 96 bytes.
pub fn identity([name, serial, firmware]: [&str; 3], config: &Config) -> Vec<u8> {
    let width = match config.format {
        SampleFormat::LogU8 => 1u32,
        SampleFormat::LinearU16 => 2,
    };
    let mut body = Vec::new();
    body.extend((80 + u32::from(config.lines) * u32::from(config.samples) * width).to_le_bytes());
    body.extend(config.lines.to_le_bytes());
    body.extend(config.samples.to_le_bytes());
    for (text, room) in [(name, 32), (serial, 24), (firmware, 16)] {
        let mut field = text.as_bytes().to_vec();
        field.resize(room, 0);
        body.extend(field);
    }
    block(b"PSID", 96, &body)
}

/// What can be set.
#[derive(Clone, Debug)]
pub struct LimitFields {
    pub depth_um: (u32, u32),
    pub frequencies_khz: Vec<u32>,
    pub filters_khz: Vec<u32>,
    pub rates_mhz: Vec<u32>,
}

impl LimitFields {
    /// The limits block: 148 bytes.
    pub fn block(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.depth_um.0.to_le_bytes());
        body.extend(self.depth_um.1.to_le_bytes());
        for (list, room) in [
            (&self.frequencies_khz, FREQUENCIES),
            (&self.filters_khz, FILTERS),
            (&self.rates_mhz, RATES),
        ] {
            for place in 0..room {
                body.extend(list.get(place).copied().unwrap_or(0).to_le_bytes());
            }
        }
        block(b"PSLM", 148, &body)
    }

    /// What is granted of `wanted`: nearest choice, clamped depth; 0 leaves a setting as it is.
    pub fn grant(&self, wanted: SettingFields, now: SettingFields) -> SettingFields {
        let nearest = |list: &[u32], wish: u32, otherwise: u32| {
            let choice = list.iter().copied().min_by_key(|v| v.abs_diff(wish));
            if wish == 0 {
                otherwise
            } else {
                choice.unwrap_or(otherwise)
            }
        };
        SettingFields {
            depth_um: match wanted.depth_um {
                0 => now.depth_um,
                wish => wish.clamp(self.depth_um.0, self.depth_um.1),
            },
            frequency_khz: nearest(
                &self.frequencies_khz,
                wanted.frequency_khz,
                now.frequency_khz,
            ),
            filter_khz: nearest(&self.filters_khz, wanted.filter_khz, now.filter_khz),
            rate_mhz: nearest(&self.rates_mhz, wanted.rate_mhz, now.rate_mhz),
        }
    }
}

/// What is set, or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingFields {
    pub depth_um: u32,
    pub frequency_khz: u32,
    pub filter_khz: u32,
    pub rate_mhz: u32,
}

impl SettingFields {
    /// The settings block: 32 bytes.
    pub fn block(&self) -> Vec<u8> {
        let words = [
            self.depth_um,
            self.frequency_khz,
            self.filter_khz,
            self.rate_mhz,
        ];
        let body: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        block(b"PSST", SETTINGS_BYTES, &body)
    }

    /// Reads a settings block; `None` when magic, major version, length or checksum is wrong.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SETTINGS_BYTES] = bytes.try_into().ok()?;
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let is_sound = bytes.starts_with(b"PSST")
            && bytes[4] == 1
            && bytes[6..8] == [SETTINGS_BYTES as u8, 0]
            && word(28) == crc32fast::hash(&bytes[..28]);
        is_sound.then(|| Self {
            depth_um: word(8),
            frequency_khz: word(12),
            filter_khz: word(16),
            rate_mhz: word(20),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes under a vector's name in the protocol page.
    fn vector(name: &str) -> Vec<u8> {
        let page = include_str!("../../../../docs/PROBE_PROTOCOL.md");
        let (_, after) = page
            .split_once(&format!("`{name}`"))
            .expect("named in the page");
        let block = after.split("```").nth(1).expect("a block");
        let digits: String = block.chars().filter(char::is_ascii_hexdigit).collect();
        (0..digits.len() / 2)
            .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).expect("hex"))
            .collect()
    }

    fn check(name: &str, bytes: &[u8]) {
        let page = vector(name);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(page, bytes, "{name} is {hex}");
    }

    #[test]
    fn what_this_device_sends_is_what_the_page_says() {
        let settings = SettingFields {
            depth_um: 60_000,
            frequency_khz: 5_000,
            filter_khz: 0,
            rate_mhz: 60_000,
        };
        check("vector-settings", &settings.block());
        let linear = FrameFields {
            sequence: 2,
            device_nanos: 3_000_000,
            run: 1,
            geometry: Geometry::Linear { width_um: 38_400 },
            format: SampleFormat::LogU8,
            lines: 2,
            samples: 16,
            near_um: 0,
            far_um: 40_000,
            frequency_khz: 7_500,
            filter_khz: 0,
            rate_mhz: 30_000,
            dynamic_range_cdb: 6_000,
        };
        let ramp: Vec<u8> = (0..32).collect();
        check("vector-linear", &frame_packet(&linear, &ramp));
        let curved = FrameFields {
            sequence: 4_294_967_296,
            device_nanos: 5_000_000_000,
            run: 65_535,
            geometry: Geometry::Curvilinear {
                radius_um: 60_000,
                sector_urad: 1_047_198,
            },
            format: SampleFormat::LinearU16,
            near_um: 2_500,
            far_um: 92_500,
            frequency_khz: 3_500,
            filter_khz: 3_370,
            rate_mhz: 12_500,
            dynamic_range_cdb: 0,
            ..linear
        };
        let ramp: Vec<u8> = (0..32u16).flat_map(|i| (i * 2000).to_le_bytes()).collect();
        check("vector-curved", &frame_packet(&curved, &ramp));
    }
}
