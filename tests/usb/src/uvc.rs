//! A virtual frame grabber: USB Video Class 1.0, one bulk endpoint, 640 x 480 in YUYV or GREY at 30 frames/s.
//!
//! Its picture is made for checks: a strip of squares at the top says the number of the frame and its complement, and
//! every other pixel follows from that number, so that a single wrong byte shows. Under the strip stands a sector as a
//! scanner would show it, with a ruler and a grey bar beside it.
use std::time::Duration;

use crate::{Answer, Descriptors, Setup, VirtualDevice};

/// Pixels a row.
pub const COLUMNS: usize = 640;
/// Rows.
pub const ROWS: usize = 480;
/// Frames a second.
pub const RATE: u32 = 30;
/// Side of one square of the strip, in pixels.
pub const SQUARE: usize = 8;
/// Bits of the frame number in the strip; the same number of squares behind it holds their complement.
pub const NUMBER_BITS: usize = 24;
/// Vendor and product number: from the range pid.codes sets aside for tests.
pub const IDS: [u16; 2] = [0x1209, 0x000d];

/// One payload of the stream, its header included: a multiple of the packet size, so that only the last one of a
/// frame is shorter.
const PAYLOAD_BYTES: usize = 16 * 1024;
const PAYLOAD_HEADER: usize = 2;
/// Header flags: the frame's parity, its end, and that the header ends here.
const FID: u8 = 1;
const EOF: u8 = 2;
const EOH: u8 = 0x80;
/// A reader that stays away for this long starts again with a whole frame.
const STALE: Duration = Duration::from_millis(500);

const VIDEO_ENDPOINT: u8 = 0x81;
const SET_CUR: u8 = 0x01;
const GET_CUR: u8 = 0x81;
const GET_MIN: u8 = 0x82;
const GET_MAX: u8 = 0x83;
const GET_LEN: u8 = 0x85;
const GET_INFO: u8 = 0x86;
const GET_DEF: u8 = 0x87;
const VS_PROBE: u8 = 1;
const VS_COMMIT: u8 = 2;
/// The streaming interface.
const VS_INTERFACE: u8 = 1;
/// Length of the probe and commit block in UVC 1.0.
const BLOCK_BYTES: usize = 26;
/// 100 ns units.
const FRAME_INTERVAL: u32 = 10_000_000 / RATE;

/// How pixels are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Two bytes a pixel, chroma at rest.
    Yuyv,
    /// One byte a pixel.
    Grey,
}

impl Format {
    /// By bFormatIndex.
    fn of(index: u8) -> Option<Self> {
        match index {
            1 => Some(Self::Yuyv),
            2 => Some(Self::Grey),
            _ => None,
        }
    }

    fn index(self) -> u8 {
        match self {
            Self::Yuyv => 1,
            Self::Grey => 2,
        }
    }

    fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Yuyv => 2,
            Self::Grey => 1,
        }
    }

    fn frame_bytes(self) -> usize {
        COLUMNS * ROWS * self.bytes_per_pixel()
    }

    /// GUID of the format, as UVC spells it.
    fn guid(self) -> [u8; 16] {
        let mut guid = *b"....\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
        guid[..4].copy_from_slice(match self {
            Self::Yuyv => b"YUY2",
            Self::Grey => b"Y800",
        });
        guid
    }
}

/// The device.
pub struct Grabber {
    descriptors: Descriptors,
    probed: Format,
    streaming: Option<Format>,
    /// The still part of the picture, once and for all.
    scene: Vec<u8>,
    frame: Vec<u8>,
    number: Option<u64>,
    sent: usize,
    last_read: Duration,
    parity: u8,
    frames_sent: u64,
    last_format: Option<Format>,
}

impl Default for Grabber {
    fn default() -> Self {
        Self::new()
    }
}

impl Grabber {
    /// A grabber, not plugged in.
    pub fn new() -> Self {
        Self {
            descriptors: descriptors(),
            probed: Format::Yuyv,
            streaming: None,
            scene: scene(),
            frame: Vec::new(),
            number: None,
            sent: 0,
            last_read: Duration::ZERO,
            parity: 0,
            frames_sent: 0,
            last_format: None,
        }
    }

    /// Probe and commit block for a format.
    fn block(format: Format) -> Vec<u8> {
        let mut block = vec![1, 0, format.index(), 1];
        block.extend_from_slice(&FRAME_INTERVAL.to_le_bytes());
        // Key frame rate, P frame rate, compression quality, compression window, delay: none of it applies.
        block.extend_from_slice(&[0; 10]);
        block.extend_from_slice(&(format.frame_bytes() as u32).to_le_bytes());
        block.extend_from_slice(&(PAYLOAD_BYTES as u32).to_le_bytes());
        block
    }

    fn settle(&mut self, selector: u8, block: &[u8]) -> Answer {
        let Some(format) = block.get(2).copied().and_then(Format::of) else {
            return Answer::Stall;
        };
        self.probed = format;
        if selector == VS_COMMIT {
            self.streaming = Some(format);
            self.last_format = Some(format);
            self.number = None;
        }
        Answer::Data(Vec::new())
    }

    /// Takes up the frame that is due, when there is a new one.
    fn next_frame(&mut self, format: Format, now: Duration) -> bool {
        let due = (now.as_micros() * u128::from(RATE) / 1_000_000) as u64;
        if self.number.is_some_and(|number| number >= due) {
            return false;
        }
        self.number = Some(due);
        self.parity ^= FID;
        self.sent = 0;
        let luma = picture(&self.scene, due);
        self.frame = match format {
            Format::Grey => luma,
            Format::Yuyv => luma.into_iter().flat_map(|y| [y, 128]).collect(),
        };
        true
    }
}

impl VirtualDevice for Grabber {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn control(&mut self, setup: Setup, data: &[u8], _now: Duration) -> Answer {
        let [interface, entity] = setup.index.to_le_bytes();
        let [_, selector] = setup.value.to_le_bytes();
        let known = matches!(selector, VS_PROBE | VS_COMMIT);
        if interface != VS_INTERFACE || entity != 0 || !known {
            return Answer::Stall;
        }
        match (setup.request_type, setup.request) {
            (0x21, SET_CUR) => self.settle(selector, data),
            (0xa1, GET_CUR | GET_MIN | GET_MAX | GET_DEF) => {
                let mut block = Self::block(self.probed);
                block.truncate(usize::from(setup.length));
                Answer::Data(block)
            }
            (0xa1, GET_LEN) => Answer::Data((BLOCK_BYTES as u16).to_le_bytes().to_vec()),
            // GET and SET are there.
            (0xa1, GET_INFO) => Answer::Data(vec![3]),
            _ => Answer::Stall,
        }
    }

    fn bulk_in(&mut self, endpoint: u8, length: usize, now: Duration) -> Answer {
        let Some(format) = self.streaming.filter(|_| endpoint == VIDEO_ENDPOINT) else {
            return Answer::Wait;
        };
        let stale = now.saturating_sub(self.last_read) > STALE;
        if (self.sent >= self.frame.len() || stale) && !self.next_frame(format, now) {
            return Answer::Wait;
        }
        self.last_read = now;
        let room = length.min(PAYLOAD_BYTES).saturating_sub(PAYLOAD_HEADER);
        let end = (self.sent + room).min(self.frame.len());
        let last = if end == self.frame.len() { EOF } else { 0 };
        let mut payload = vec![PAYLOAD_HEADER as u8, EOH | self.parity | last];
        payload.extend_from_slice(&self.frame[self.sent..end]);
        self.sent = end;
        self.frames_sent += u64::from(last != 0);
        Answer::Data(payload)
    }

    fn power_cycle(&mut self) {
        self.streaming = None;
        self.probed = Format::Yuyv;
        self.frame.clear();
        self.number = None;
        self.sent = 0;
        self.last_read = Duration::ZERO;
        self.parity = 0;
    }

    fn report(&self) -> String {
        let format = match self.last_format {
            None => "null",
            Some(Format::Yuyv) => "\"YUYV\"",
            Some(Format::Grey) => "\"GREY\"",
        };
        format!(
            "{{\"kind\":\"grabber\",\"frames_sent\":{},\"last_format\":{format}}}",
            self.frames_sent
        )
    }
}

/// The luma of one frame.
fn picture(scene: &[u8], number: u64) -> Vec<u8> {
    let mut luma = scene.to_vec();
    // One row of the picture moves, so that two frames never look alike.
    let row = SQUARE * 2 + (number as usize % (ROWS - SQUARE * 2));
    for pixel in &mut luma[row * COLUMNS..(row + 1) * COLUMNS] {
        *pixel = 255 - *pixel;
    }
    for bit in 0..NUMBER_BITS {
        let set = number >> bit & 1 == 1;
        for (place, on) in [(bit, set), (bit + NUMBER_BITS, !set)] {
            for y in 0..SQUARE {
                let from = y * COLUMNS + place * SQUARE;
                luma[from..from + SQUARE].fill(if on { 255 } else { 0 });
            }
        }
    }
    luma
}

/// The number of a grabbed picture, and how many of its pixels are not what the device sent; `None` when the strip
/// cannot be read at all.
pub fn check(luma: &[u8]) -> Option<(u64, usize)> {
    if luma.len() != COLUMNS * ROWS {
        return None;
    }
    let square = |place: usize| luma[SQUARE / 2 * COLUMNS + place * SQUARE + SQUARE / 2] > 127;
    let mut number = 0;
    for bit in 0..NUMBER_BITS {
        if square(bit) == square(bit + NUMBER_BITS) {
            return None;
        }
        number |= u64::from(square(bit)) << bit;
    }
    let wrong = picture(&scene(), number)
        .iter()
        .zip(luma)
        .filter(|(sent, got)| sent != got)
        .count();
    Some((number, wrong))
}

/// What every frame shows: a sector of 90 degrees with a bright face across it, a ruler, and a grey bar.
fn scene() -> Vec<u8> {
    let mut luma = vec![16_u8; COLUMNS * ROWS];
    let (apex_x, apex_y) = (COLUMNS as f64 / 2.0, 20.0);
    let mut noise = 0x2545_f491_u32;
    for y in SQUARE * 2..ROWS {
        for x in 0..COLUMNS {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let (dx, dy) = (x as f64 - apex_x, y as f64 - apex_y);
            let radius = dx.hypot(dy);
            let inside = radius > 60.0 && radius < 440.0 && dy > dx.abs();
            let pixel = &mut luma[y * COLUMNS + x];
            if inside {
                let face = (y as f64 - 250.0).abs() < 3.0 && dx.abs() < 120.0 && dx.abs() > 18.0;
                *pixel = if face {
                    230
                } else {
                    30 + (noise >> 26) as u8 + if y < 250 { 30 } else { 0 }
                };
            } else if x == 40 || (x > 40 && x < 48 && y % 40 == 0) {
                *pixel = 200;
            } else if x > 600 && x < 616 && (100..356).contains(&y) {
                *pixel = (355 - y) as u8;
            }
        }
    }
    luma
}

fn descriptors() -> Descriptors {
    let [vendor, product] = IDS.map(u16::to_le_bytes);
    let device = [
        18, 1, 0x00, 0x02, // USB 2.0
        0xef, 0x02, 0x01, // by interface association
        64, vendor[0], vendor[1], product[0], product[1], 0x00, 0x01, 1, 2, 0, 1,
    ];
    let mut control = vec![
        // Input terminal 1: a camera without controls.
        18, 0x24, 0x02, 1, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
        // Output terminal 2, streaming, fed by terminal 1.
        9, 0x24, 0x03, 2, 0x01, 0x01, 0, 1, 0,
    ];
    let mut header = vec![13, 0x24, 0x01, 0x00, 0x01];
    header.extend_from_slice(&((control.len() + 13) as u16).to_le_bytes());
    // Clock of 48 MHz; one streaming interface, number 1.
    header.extend_from_slice(&48_000_000_u32.to_le_bytes());
    header.extend_from_slice(&[1, VS_INTERFACE]);
    header.append(&mut control);

    let mut formats: Vec<u8> = [Format::Yuyv, Format::Grey]
        .into_iter()
        .flat_map(format_descriptors)
        .collect();
    let mut input = vec![15, 0x24, 0x01, 2];
    input.extend_from_slice(&((formats.len() + 15) as u16).to_le_bytes());
    // No still pictures, no trigger; one control byte a format.
    input.extend_from_slice(&[VIDEO_ENDPOINT, 0, 2, 0, 0, 0, 1, 0, 0]);
    input.append(&mut formats);

    let mut body = vec![
        8, 0x0b, 0, 2, 0x0e, 0x03, 0x00, 0, // association of both interfaces
        9, 4, 0, 0, 0, 0x0e, 0x01, 0x00, 0, // video control
    ];
    body.append(&mut header);
    body.extend_from_slice(&[9, 4, VS_INTERFACE, 0, 1, 0x0e, 0x02, 0x00, 0]);
    body.append(&mut input);
    body.extend_from_slice(&[7, 5, VIDEO_ENDPOINT, 2, 0x00, 0x02, 0]);
    let [low, high] = ((body.len() + 9) as u16).to_le_bytes();
    let mut configuration = vec![9, 2, low, high, 2, 1, 0, 0x80, 250];
    configuration.append(&mut body);
    Descriptors {
        device,
        configuration,
        strings: vec!["portsight tests".to_owned(), "Virtual grabber".to_owned()],
    }
}

/// Format, its one frame size, and its colors.
fn format_descriptors(format: Format) -> Vec<u8> {
    let mut bytes = vec![27, 0x24, 0x04, format.index(), 1];
    bytes.extend_from_slice(&format.guid());
    bytes.extend_from_slice(&[8 * format.bytes_per_pixel() as u8, 1, 0, 0, 0, 0]);
    let frame = format.frame_bytes() as u32;
    let rate = frame * 8 * RATE;
    bytes.extend_from_slice(&[30, 0x24, 0x05, 1, 0]);
    bytes.extend_from_slice(&(COLUMNS as u16).to_le_bytes());
    bytes.extend_from_slice(&(ROWS as u16).to_le_bytes());
    for number in [rate, rate, frame, FRAME_INTERVAL] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.push(1);
    bytes.extend_from_slice(&FRAME_INTERVAL.to_le_bytes());
    bytes.extend_from_slice(&[6, 0x24, 0x0d, 1, 1, 4]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::layout;

    fn commit(grabber: &mut Grabber, format: Format) {
        let setup = Setup {
            request_type: 0x21,
            request: SET_CUR,
            value: u16::from(VS_COMMIT) << 8,
            index: u16::from(VS_INTERFACE),
            length: BLOCK_BYTES as u16,
        };
        let answer = grabber.control(setup, &Grabber::block(format), Duration::ZERO);
        assert_eq!(answer, Answer::Data(Vec::new()));
    }

    fn read_frame(grabber: &mut Grabber, now: Duration) -> (Vec<u8>, u8) {
        let mut frame = Vec::new();
        loop {
            let Answer::Data(payload) = grabber.bulk_in(VIDEO_ENDPOINT, PAYLOAD_BYTES, now) else {
                panic!("no frame at {now:?}");
            };
            let flags = payload[1];
            assert_eq!(payload.len() == PAYLOAD_BYTES, flags & EOF == 0);
            frame.extend_from_slice(&payload[PAYLOAD_HEADER..]);
            if flags & EOF != 0 {
                assert!(!payload.len().is_multiple_of(512));
                return (frame, flags & FID);
            }
        }
    }

    #[test]
    fn descriptors_add_up() {
        let descriptors = descriptors();
        let configuration = &descriptors.configuration;
        assert_eq!(
            u16::from_le_bytes([configuration[2], configuration[3]]) as usize,
            configuration.len()
        );
        let layout = layout(configuration);
        assert_eq!(layout.interfaces.len(), 2);
        assert_eq!(layout.endpoints.len(), 1);
        assert_eq!(Grabber::block(Format::Grey).len(), BLOCK_BYTES);
    }

    #[test]
    fn every_frame_says_its_number_in_both_formats() {
        let mut grabber = Grabber::new();
        let mut parity = None;
        for (format, second) in [(Format::Grey, 1), (Format::Yuyv, 2), (Format::Grey, 3)] {
            commit(&mut grabber, format);
            let (frame, fid) = read_frame(&mut grabber, Duration::from_secs(second));
            assert_eq!(frame.len(), format.frame_bytes());
            let luma: Vec<u8> = frame
                .chunks(format.bytes_per_pixel())
                .map(|p| p[0])
                .collect();
            assert_eq!(check(&luma), Some((second * u64::from(RATE), 0)));
            assert_ne!(Some(fid), parity, "the parity toggles with every frame");
            parity = Some(fid);
        }
    }

    #[test]
    fn between_two_frames_there_is_nothing() {
        let mut grabber = Grabber::new();
        let nothing = grabber.bulk_in(VIDEO_ENDPOINT, PAYLOAD_BYTES, Duration::from_secs(1));
        assert_eq!(nothing, Answer::Wait, "not committed yet");
        commit(&mut grabber, Format::Grey);
        read_frame(&mut grabber, Duration::from_secs(1));
        let early = Duration::from_millis(1030);
        assert_eq!(
            grabber.bulk_in(VIDEO_ENDPOINT, PAYLOAD_BYTES, early),
            Answer::Wait
        );
        read_frame(&mut grabber, Duration::from_millis(1034));
    }

    #[test]
    fn a_wrong_pixel_is_found() {
        let mut luma = picture(&scene(), 77);
        luma[100_000] ^= 1;
        assert_eq!(check(&luma), Some((77, 1)));
        luma[SQUARE / 2 * COLUMNS + SQUARE / 2] ^= 0xff;
        assert_eq!(check(&luma), None, "a damaged strip gives no number");
    }
}
