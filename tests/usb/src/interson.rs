//! A virtual Interson GP probe, from the published register map; no real one was at hand to compare it with.
//!
//! Bulk IN 0x82 gives an endless stream without packet headers: 241 lines a frame, 1024 bytes a line, of which the
//! first is the frame counter, 0 to 15. Motor and acquisition must both be on, or it is silent. Taken to be so, for
//! want of hardware: the FPGA version (0x25), and that the FIFO keeps its last lines over a stop.
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::descriptor::Identity;
use crate::picture::{pattern_byte, pump_lines};
use crate::{Answer, Descriptors, Setup, VirtualDevice};

pub const VENDOR: u16 = 0x1921;
pub const PRODUCT: u16 = 0x0090;
/// The number it has until its firmware was loaded.
pub const PRODUCT_BEFORE_FIRMWARE: u16 = 0x9090;
pub const ENDPOINT: u8 = 0x82;
pub const LINE_BYTES: usize = 1024;
pub const LINES: usize = 241;
/// What is on the wire before the host has to have taken it: an FX2 has four bulk buffers of 512 or 1024 bytes.
const FIFO_LINES: usize = 4;
/// The CPU control register of the FX2, and its RAM (Cypress, FX2 technical reference manual).
const CPU_CONTROL: u16 = 0xE600;
const RAM_BYTES: u16 = 0x4000;
/// From the start of the firmware until the probe is on the bus again.
const RENUMERATION: Duration = Duration::from_millis(300);
/// Motor speeds, registers 0x0801 to 0x0807.
const SPEEDS: [(f64, [u8; 7]); 3] = [
    (15.0, [0x7A, 0x0D, 0x00, 0x00, 0x80, 0xA4, 0x32]),
    (12.5, [0x93, 0x07, 0x00, 0x00, 0x93, 0xA4, 0x32]),
    (10.0, [0xB9, 0x04, 0x00, 0x00, 0xB7, 0xA4, 0x32]),
];

/// What the lines carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// [`pattern_byte`] of frame number, line and sample.
    Pattern,
    /// A synthetic pump.
    Pump,
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    Loaded,
    Wanted,
}

/// One write to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterWrite {
    pub at: Duration,
    pub register: u16,
    pub value: u8,
}

/// Lines since the device was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineCounts {
    pub made: u64,
    pub dropped: u64,
    /// How many times it began to drop lines: each leaves one gap in what is sent.
    pub drop_runs: u64,
    /// Lost in transfers that the host took back.
    pub taken_back: u64,
    pub sent: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sweep {
    /// When line 0 of this sweep was due.
    since: Duration,
    /// Lines due that were made, since then.
    lines: u64,
    frames_per_second: f64,
}

#[derive(Debug)]
pub struct Interson {
    descriptors: Descriptors,
    content: Content,
    firmware: Firmware,
    born: Firmware,
    registers: BTreeMap<u16, u8>,
    writes: Vec<RegisterWrite>,
    unknown_requests: u64,
    image: BTreeMap<u16, u8>,
    is_cpu_held: bool,
    renumerates_at: Option<Duration>,
    sweep: Option<Sweep>,
    frame: u64,
    line: usize,
    pump: Vec<Vec<u8>>,
    fifo: VecDeque<Vec<u8>>,
    /// Bytes already in the oldest transfer of the host; whole lines and the rest of a cut one.
    staged: VecDeque<u8>,
    is_read: bool,
    /// The last line made found no room.
    is_dropping: bool,
    lines: LineCounts,
}

impl Interson {
    pub fn new(content: Content, firmware: Firmware) -> Self {
        let pump = match content {
            Content::Pattern => Vec::new(),
            Content::Pump => (0..4)
                .map(|phase| pump_lines(LINES, LINE_BYTES, (0.0, 106.2), phase))
                .collect(),
        };
        Self {
            descriptors: descriptors(firmware),
            content,
            firmware,
            born: firmware,
            registers: BTreeMap::new(),
            writes: Vec::new(),
            unknown_requests: 0,
            image: BTreeMap::new(),
            is_cpu_held: false,
            renumerates_at: None,
            sweep: None,
            frame: 5, // the first counter is whatever it was
            line: 0,
            pump,
            fifo: VecDeque::new(),
            staged: VecDeque::new(),
            is_read: false,
            is_dropping: false,
            lines: LineCounts::default(),
        }
    }

    /// Every register write since it was made, in order.
    pub fn writes(&self) -> &[RegisterWrite] {
        &self.writes
    }

    pub fn lines(&self) -> LineCounts {
        self.lines
    }

    /// The firmware that was loaded, by address.
    pub fn image(&self) -> &BTreeMap<u16, u8> {
        &self.image
    }

    /// Whether acquisition, motor and high voltage are all off.
    pub fn is_quiet(&self) -> bool {
        [0x0000, 0x0800, 0x0200]
            .iter()
            .all(|r| self.register(*r) == 0)
    }

    /// The highest level the high voltage was ever set to; `None` when it never was.
    pub fn highest_voltage(&self) -> Option<u8> {
        let levels = self.writes.iter().filter(|w| w.register == 0x0201);
        levels.map(|w| w.value).max()
    }

    fn register(&self, register: u16) -> u8 {
        self.registers.get(&register).copied().unwrap_or(0)
    }

    fn frames_per_second(&self) -> f64 {
        let set: [u8; 7] = std::array::from_fn(|i| self.register(0x0801 + i as u16));
        let known = SPEEDS.iter().find(|(_, bytes)| *bytes == set);
        known.map_or(SPEEDS[0].0, |(rate, _)| *rate)
    }

    fn write_register(&mut self, register: u16, value: u8, now: Duration) -> Answer {
        self.make_lines(now, usize::MAX);
        self.writes.push(RegisterWrite {
            at: now,
            register,
            value,
        });
        self.registers.insert(register, value);
        let runs = self.register(0x0000) == 1 && self.register(0x0800) == 1;
        match (&self.sweep, runs) {
            (None, true) => {
                self.sweep = Some(Sweep {
                    since: now,
                    lines: 0,
                    frames_per_second: self.frames_per_second(),
                });
            }
            (Some(_), false) => self.sweep = None,
            (Some(sweep), true) if sweep.frames_per_second != self.frames_per_second() => {
                self.sweep = Some(Sweep {
                    since: now,
                    lines: 0,
                    frames_per_second: self.frames_per_second(),
                });
            }
            _ => {}
        }
        Answer::Data(Vec::new())
    }

    fn load_firmware(&mut self, address: u16, data: &[u8], now: Duration) -> Answer {
        if address == CPU_CONTROL {
            let [hold] = data else { return Answer::Stall };
            let was_held = std::mem::replace(&mut self.is_cpu_held, *hold != 0);
            if was_held
                && !self.is_cpu_held
                && !self.image.is_empty()
                && self.firmware == Firmware::Wanted
            {
                self.renumerates_at = Some(now + RENUMERATION);
            }
            return Answer::Data(Vec::new());
        }
        let fits = usize::from(address) + data.len() <= usize::from(RAM_BYTES);
        if !self.is_cpu_held || !fits || data.is_empty() {
            return Answer::Stall;
        }
        for (offset, byte) in data.iter().enumerate() {
            self.image.insert(address + offset as u16, *byte);
        }
        Answer::Data(Vec::new())
    }

    /// Makes the lines that are due, until `room` bytes are staged for the host.
    fn make_lines(&mut self, now: Duration, room: usize) {
        while let Some(sweep) = &mut self.sweep {
            if self.is_read && self.staged.len() >= room {
                return;
            }
            let line_seconds = 1.0 / (sweep.frames_per_second * LINES as f64);
            let done = sweep.since.as_secs_f64() + (sweep.lines + 1) as f64 * line_seconds;
            if done > now.as_secs_f64() {
                return;
            }
            sweep.lines += 1;
            let line = self.next_line();
            self.lines.made += 1;
            if self.is_read {
                self.is_dropping = false;
                self.drain_fifo();
                self.staged.extend(line);
            } else if self.fifo.len() < FIFO_LINES {
                self.fifo.push_back(line);
            } else {
                self.lines.dropped += 1;
                self.lines.drop_runs += u64::from(!self.is_dropping);
                self.is_dropping = true;
            }
        }
    }

    fn drain_fifo(&mut self) {
        for line in self.fifo.drain(..) {
            self.staged.extend(line);
        }
    }

    fn next_line(&mut self) -> Vec<u8> {
        let (frame, line) = (self.frame, self.line);
        self.line += 1;
        if self.line == LINES {
            self.line = 0;
            self.frame += 1;
        }
        let mut bytes: Vec<u8> = match self.content {
            Content::Pattern => (0..LINE_BYTES)
                .map(|s| pattern_byte(frame, line, s))
                .collect(),
            Content::Pump => {
                let picture = &self.pump[(frame % self.pump.len() as u64) as usize];
                picture[line * LINE_BYTES..(line + 1) * LINE_BYTES].to_vec()
            }
        };
        bytes[0] = (frame % 16) as u8;
        bytes
    }
}

fn descriptors(firmware: Firmware) -> Descriptors {
    let (product, bulk_in, strings) = match firmware {
        Firmware::Loaded => (
            PRODUCT,
            Some(ENDPOINT),
            ["", "USB Ultrasound Probe (virtual)", ""],
        ),
        Firmware::Wanted => (PRODUCT_BEFORE_FIRMWARE, None, ["", "", ""]),
    };
    Identity {
        vendor: VENDOR,
        product,
        interface_class: [0xFF, 0, 0],
        bulk_in,
        strings,
    }
    .descriptors()
}

impl VirtualDevice for Interson {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn control(&mut self, setup: Setup, data: &[u8], now: Duration) -> Answer {
        let wanted = usize::from(setup.length);
        let answer = match (self.firmware, setup.request_type, setup.request) {
            (_, 0x40, 0xA0) => self.load_firmware(setup.value, data, now),
            (Firmware::Loaded, 0x40, 0xD8) => match data {
                [value] => self.write_register(setup.value, *value, now),
                _ => Answer::Stall,
            },
            (Firmware::Loaded, 0xC0, 0xD8) => {
                let value = if setup.value == 0 {
                    0x25
                } else {
                    self.register(setup.value)
                };
                Answer::Data(vec![value; wanted.min(1)])
            }
            (Firmware::Loaded, 0xC0, 0xDA) => Answer::Data(vec![0; wanted.min(1)]),
            (Firmware::Loaded, 0xC0, 0xD7) => {
                let at = |i: usize| (usize::from(setup.value) + i) as u8;
                Answer::Data((0..wanted).map(at).collect())
            }
            _ => Answer::Stall,
        };
        if answer == Answer::Stall {
            self.unknown_requests += 1;
        }
        answer
    }

    fn bulk_in(&mut self, endpoint: u8, length: usize, now: Duration) -> Answer {
        if endpoint != ENDPOINT || self.firmware == Firmware::Wanted {
            return Answer::Stall;
        }
        if !self.is_read {
            self.make_lines(now, usize::MAX);
            self.is_read = true;
            self.drain_fifo();
        }
        self.make_lines(now, length);
        if length == 0 || self.staged.len() < length {
            return Answer::Wait;
        }
        let bytes: Vec<u8> = self.staged.drain(..length).collect();
        self.lines.sent += (length / LINE_BYTES) as u64;
        Answer::Data(bytes)
    }

    fn idle(&mut self, endpoint: u8, now: Duration) {
        if endpoint != ENDPOINT || !self.is_read {
            return;
        }
        // What is staged is in a transfer that was taken back.
        self.lines.taken_back += self.staged.len().div_ceil(LINE_BYTES) as u64;
        self.staged.clear();
        self.is_read = false;
        self.make_lines(now, usize::MAX);
    }

    fn reenumerates(&mut self, now: Duration) -> bool {
        let is_due = self.renumerates_at.is_some_and(|at| at <= now);
        if is_due {
            self.renumerates_at = None;
            self.firmware = Firmware::Loaded;
            self.descriptors = descriptors(Firmware::Loaded);
        }
        is_due
    }

    fn power_cycle(&mut self) {
        self.firmware = self.born;
        self.descriptors = descriptors(self.born);
        self.registers.clear();
        self.image.clear();
        self.is_cpu_held = false;
        self.renumerates_at = None;
        self.sweep = None;
        self.fifo.clear();
        self.staged.clear();
        self.is_read = false;
        self.line = 0;
    }

    fn report(&self) -> String {
        let LineCounts {
            made,
            dropped,
            drop_runs,
            taken_back,
            sent,
        } = self.lines;
        format!(
            "{{\"kind\":\"interson\",\"lines_made\":{made},\"lines_dropped\":{dropped},\
             \"drop_runs\":{drop_runs},\"lines_taken_back\":{taken_back},\"lines_sent\":{sent},\"quiet\":{},\"highest_voltage\":{},\
             \"register_writes\":{},\"refused_requests\":{},\"firmware_bytes\":{}}}",
            self.is_quiet(),
            self.highest_voltage()
                .map_or("null".to_owned(), |v| v.to_string()),
            self.writes.len(),
            self.unknown_requests,
            self.image.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = LINES * LINE_BYTES;

    fn write(probe: &mut Interson, register: u16, value: u8, now: Duration) {
        let setup = Setup {
            request_type: 0x40,
            request: 0xD8,
            value: register,
            index: 0,
            length: 1,
        };
        assert_eq!(
            probe.control(setup, &[value], now),
            Answer::Data(Vec::new())
        );
    }

    fn started(now: Duration) -> Interson {
        let mut probe = Interson::new(Content::Pattern, Firmware::Loaded);
        for (register, value) in [(0x0201, 100), (0x0200, 1), (0x0800, 1), (0x0000, 1)] {
            write(&mut probe, register, value, now);
        }
        probe
    }

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn it_is_silent_until_motor_and_acquisition_are_on_and_after_stop() {
        let mut probe = Interson::new(Content::Pattern, Firmware::Loaded);
        assert_eq!(
            probe.bulk_in(ENDPOINT, LINE_BYTES, seconds(1.0)),
            Answer::Wait
        );
        write(&mut probe, 0x0000, 1, seconds(1.0));
        assert_eq!(
            probe.bulk_in(ENDPOINT, LINE_BYTES, seconds(2.0)),
            Answer::Wait
        );
        let mut probe = started(seconds(0.0));
        assert_ne!(
            probe.bulk_in(ENDPOINT, LINE_BYTES, seconds(0.1)),
            Answer::Wait
        );
        probe.idle(ENDPOINT, seconds(0.1));
        for register in [0x0000, 0x0800, 0x0200] {
            assert!(!probe.is_quiet());
            write(&mut probe, register, 0, seconds(0.1));
        }
        assert!(probe.is_quiet());
        let made = probe.lines().made;
        probe.bulk_in(ENDPOINT, FRAME, seconds(9.0));
        assert_eq!(probe.lines().made, made);
        assert_eq!(probe.highest_voltage(), Some(100));
    }

    #[test]
    fn a_host_that_reads_gets_every_line_in_order_however_late_the_emulator_runs() {
        let mut probe = started(seconds(0.0));
        probe.bulk_in(ENDPOINT, FRAME, seconds(0.0));
        for frame in 0..15u64 {
            let Answer::Data(bytes) = probe.bulk_in(ENDPOINT, FRAME, seconds(1.001)) else {
                panic!("frame {frame} is due");
            };
            for (index, line) in bytes.chunks_exact(LINE_BYTES).enumerate() {
                assert_eq!(line[0], ((frame + 5) % 16) as u8);
                assert_eq!(line[900], pattern_byte(frame + 5, index, 900));
            }
        }
        assert_eq!(probe.bulk_in(ENDPOINT, FRAME, seconds(1.001)), Answer::Wait);
        assert_eq!(probe.lines().dropped, 0);
    }

    #[test]
    fn what_nobody_reads_is_dropped_by_whole_lines_and_counted() {
        let mut probe = started(seconds(0.0));
        let Answer::Data(first) = probe.bulk_in(ENDPOINT, LINE_BYTES, seconds(1.0)) else {
            panic!("lines are kept in the FIFO");
        };
        assert_eq!(first[0], 5);
        let lines = probe.lines();
        assert_eq!(lines.made, lines.dropped + FIFO_LINES as u64);
        // On line 3615 of the sweep the host reads again; what it gets next are the three kept lines, then news.
        let mut after = Vec::new();
        for i in 0..4 {
            if let Answer::Data(line) =
                probe.bulk_in(ENDPOINT, LINE_BYTES, seconds(1.0 + 0.001 * f64::from(i)))
            {
                after.push(line);
            }
        }
        assert_eq!(after[2][0], 5);
        assert_eq!(after[3][0], ((5 + lines.made / LINES as u64) % 16) as u8);
    }

    #[test]
    fn the_rate_follows_the_motor() {
        for (rate, bytes) in SPEEDS {
            let mut probe = Interson::new(Content::Pump, Firmware::Loaded);
            for (offset, byte) in bytes.iter().enumerate() {
                write(&mut probe, 0x0801 + offset as u16, *byte, seconds(0.0));
            }
            write(&mut probe, 0x0800, 1, seconds(0.0));
            write(&mut probe, 0x0000, 1, seconds(0.0));
            probe.idle(ENDPOINT, seconds(0.0));
            probe.bulk_in(ENDPOINT, 1, seconds(2.0));
            assert_eq!(probe.lines().made, (rate * 2.0 * LINES as f64) as u64);
        }
    }

    #[test]
    fn it_comes_back_as_a_probe_when_its_firmware_runs_and_forgets_it_without_power() {
        let mut probe = Interson::new(Content::Pattern, Firmware::Wanted);
        let load = |probe: &mut Interson, value: u16, bytes: &[u8]| {
            let setup = Setup {
                request_type: 0x40,
                request: 0xA0,
                value,
                index: 0,
                length: bytes.len() as u16,
            };
            probe.control(setup, bytes, seconds(0.0))
        };
        assert_eq!(load(&mut probe, 0, &[1, 2]), Answer::Stall);
        assert_eq!(
            load(&mut probe, CPU_CONTROL, &[1]),
            Answer::Data(Vec::new())
        );
        assert_eq!(load(&mut probe, 0, &[2; 64]), Answer::Data(Vec::new()));
        assert_eq!(
            load(&mut probe, CPU_CONTROL, &[0]),
            Answer::Data(Vec::new())
        );
        assert!(!probe.reenumerates(seconds(0.1)));
        assert!(probe.reenumerates(seconds(0.4)));
        assert_eq!(probe.descriptors().device[10..12], [0x90, 0x00]);
        assert_eq!(probe.image().len(), 64);
        probe.power_cycle();
        assert_eq!(probe.descriptors().device[10..12], [0x90, 0x90]);
    }
}
