//! A virtual probe that speaks the reference protocol (docs/PROBE_PROTOCOL.md), written from that page alone: it shares
//! no code with the driver, so that a slip in one of them shows.
mod encode;

use std::collections::VecDeque;
use std::time::Duration;

pub use encode::{FrameFields, Geometry, SampleFormat, frame_packet};

use crate::descriptor::{BULK_PACKET, Identity};
use crate::picture::{pattern_byte, pump_lines};
use crate::{Answer, Descriptors, Setup, VirtualDevice};
use encode::{LimitFields, SETTINGS_BYTES, SettingFields};

/// pid.codes' number for tests; the driver goes by the interface class and never by these.
pub const VENDOR: u16 = 0x1209;
pub const PRODUCT: u16 = 0x0001;
pub const INTERFACE_CLASS: [u8; 3] = [0xFF, 0x50, 0x53];
pub const ENDPOINT: u8 = 0x81;
/// Frames it can keep while the host does not read.
const FIFO_FRAMES: usize = 4;
/// With the host reading, frames may be this late (a test machine asleep) before they are dropped.
const LATEST: Duration = Duration::from_secs(1);
/// A running probe that nobody reads from stops by itself.
const WATCHDOG: Duration = Duration::from_secs(5);

/// What the lines carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// [`pattern_byte`] of sequence, line and sample; 16-bit samples carry it in both bytes.
    Pattern,
    /// A synthetic pump.
    Pump,
}

/// Size, rate and kind of the virtual probe.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub lines: u16,
    pub samples: u16,
    pub frames_per_second: f64,
    pub format: SampleFormat,
    pub geometry: Geometry,
    pub content: Content,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lines: 192,
            samples: 1024,
            frames_per_second: 60.0,
            format: SampleFormat::LogU8,
            geometry: Geometry::Curvilinear {
                radius_um: 60_000,
                sector_urad: 1_047_198,
            },
            content: Content::Pump,
        }
    }
}

/// Frames since the device was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FrameCounts {
    pub made: u64,
    pub dropped: u64,
    /// Thrown away by START, STOP or loss of power.
    pub flushed: u64,
    pub sent: u64,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    since: Duration,
    /// Frames made since then; the sequence number goes on when the rate changes.
    ticks: u64,
}

pub struct Reference {
    descriptors: Descriptors,
    config: Config,
    limits: LimitFields,
    settings: SettingFields,
    run: u16,
    sequence: u64,
    running: Option<Running>,
    pump: Vec<Vec<u8>>,
    fifo: VecDeque<Vec<u8>>,
    /// The packet on its way, and how much of it has gone.
    sending: Option<(Vec<u8>, usize)>,
    owes_empty_packet: bool,
    is_read: bool,
    /// When the host last read, or the run began.
    last_read: Duration,
    frames: FrameCounts,
    starts: u64,
    stops: u64,
    watchdog_stops: u64,
    unknown_requests: u64,
}

impl Reference {
    pub fn new(config: Config) -> Self {
        let rate_mhz = (config.frames_per_second * 1000.0).round() as u32;
        let mut rates = vec![10_000, 30_000, 60_000, rate_mhz];
        rates.sort_unstable();
        rates.dedup();
        let settings = SettingFields {
            depth_um: 60_000,
            frequency_khz: 5_000,
            filter_khz: 0,
            rate_mhz,
        };
        let mut probe = Self {
            descriptors: Identity {
                vendor: VENDOR,
                product: PRODUCT,
                interface_class: INTERFACE_CLASS,
                bulk_in: Some(ENDPOINT),
                strings: ["portsight tests", "Virtual reference probe", "VIRTUAL-1"],
            }
            .descriptors(),
            config,
            limits: LimitFields {
                depth_um: (30_000, 150_000),
                frequencies_khz: vec![2_500, 3_500, 5_000],
                filters_khz: Vec::new(),
                rates_mhz: rates,
            },
            settings,
            run: 0,
            sequence: 0,
            running: None,
            pump: Vec::new(),
            fifo: VecDeque::new(),
            sending: None,
            owes_empty_packet: false,
            is_read: false,
            last_read: Duration::ZERO,
            frames: FrameCounts::default(),
            starts: 0,
            stops: 0,
            watchdog_stops: 0,
            unknown_requests: 0,
        };
        probe.draw();
        probe
    }

    pub fn frames(&self) -> FrameCounts {
        self.frames
    }

    /// Whether it insonates.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    fn draw(&mut self) {
        if self.config.content == Content::Pump {
            let (lines, samples) = (
                usize::from(self.config.lines),
                usize::from(self.config.samples),
            );
            let far = f64::from(self.settings.depth_um) / 1000.0;
            self.pump = (0..4)
                .map(|phase| pump_lines(lines, samples, (0.0, far), phase))
                .collect();
        }
    }

    fn samples_of(&self, sequence: u64) -> Vec<u8> {
        let (lines, samples) = (
            usize::from(self.config.lines),
            usize::from(self.config.samples),
        );
        let logs: Vec<u8> = match self.config.content {
            Content::Pump => self.pump[(sequence % self.pump.len() as u64) as usize].clone(),
            Content::Pattern => (0..lines)
                .flat_map(|line| {
                    (0..samples).map(move |sample| pattern_byte(sequence, line, sample))
                })
                .collect(),
        };
        match (self.config.format, self.config.content) {
            (SampleFormat::LogU8, _) => logs,
            (SampleFormat::LinearU16, Content::Pattern) => {
                logs.iter().flat_map(|v| [*v, *v]).collect()
            }
            (SampleFormat::LinearU16, Content::Pump) => logs
                .iter()
                .flat_map(|v| {
                    let decibels = (f64::from(*v) - 255.0) / 255.0 * 60.0;
                    let linear = 65_535.0 * 10f64.powf(decibels / 20.0);
                    (linear as u16).to_le_bytes()
                })
                .collect(),
        }
    }

    fn next_packet(&mut self, done: Duration) -> Vec<u8> {
        let fields = FrameFields {
            sequence: self.sequence,
            device_nanos: done.as_nanos() as u64,
            run: self.run,
            geometry: self.config.geometry,
            format: self.config.format,
            lines: self.config.lines,
            samples: self.config.samples,
            near_um: 0,
            far_um: self.settings.depth_um,
            frequency_khz: self.settings.frequency_khz,
            filter_khz: self.settings.filter_khz,
            rate_mhz: self.settings.rate_mhz,
            dynamic_range_cdb: 6_000,
        };
        frame_packet(&fields, &self.samples_of(self.sequence))
    }

    /// Makes the frames that are due; with a host that reads, no further than the one it can have next.
    fn make_frames(&mut self, now: Duration) {
        while let Some(running) = &mut self.running {
            if self.is_read && (self.sending.is_some() || !self.fifo.is_empty()) {
                return;
            }
            let period = 1000.0 / f64::from(self.settings.rate_mhz.max(1));
            let due = running.since.as_secs_f64() + (running.ticks + 1) as f64 * period;
            if due > now.as_secs_f64() {
                return;
            }
            running.ticks += 1;
            let done = Duration::from_secs_f64(due);
            let is_too_late = self.is_read && now.saturating_sub(done) > LATEST;
            let is_full = !self.is_read && self.fifo.len() >= FIFO_FRAMES;
            if is_too_late || is_full {
                self.frames.dropped += 1;
            } else {
                let packet = self.next_packet(done);
                self.fifo.push_back(packet);
            }
            self.sequence += 1;
            self.frames.made += 1;
        }
    }

    fn flush(&mut self) {
        self.frames.flushed += self.fifo.len() as u64 + u64::from(self.sending.is_some());
        self.fifo.clear();
        self.sending = None;
        self.owes_empty_packet = false;
    }

    fn watch(&mut self, now: Duration) {
        if self.is_read {
            self.last_read = now;
        } else if self.running.is_some() && now.saturating_sub(self.last_read) > WATCHDOG {
            self.make_frames(now);
            self.running = None;
            self.watchdog_stops += 1;
        }
    }

    fn set(&mut self, data: &[u8], now: Duration) -> Answer {
        if data.len() != SETTINGS_BYTES {
            return Answer::Stall;
        }
        let Some(wanted) = SettingFields::read(data) else {
            return Answer::Stall;
        };
        self.make_frames(now);
        let granted = self.limits.grant(wanted, self.settings);
        if granted.rate_mhz != self.settings.rate_mhz
            && let Some(running) = &mut self.running
        {
            *running = Running {
                since: now,
                ticks: 0,
            };
        }
        let is_redrawn = granted.depth_um != self.settings.depth_um;
        self.settings = granted;
        if is_redrawn {
            self.draw();
        }
        Answer::Data(Vec::new())
    }
}

impl VirtualDevice for Reference {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn control(&mut self, setup: Setup, data: &[u8], now: Duration) -> Answer {
        self.watch(now);
        let block = |mut bytes: Vec<u8>| {
            bytes.truncate(usize::from(setup.length));
            Answer::Data(bytes)
        };
        let answer = match (setup.request_type, setup.request) {
            (0xC0, 0x50) => block(encode::identity(
                ["Virtual reference probe", "VIRTUAL-1", "1"],
                &self.config,
            )),
            (0xC0, 0x51) => block(self.limits.block()),
            (0xC0, 0x52) => block(self.settings.block()),
            (0x40, 0x53) => self.set(data, now),
            (0x40, 0x54) if setup.value != 0 => {
                self.make_frames(now);
                self.flush();
                self.run = setup.value;
                self.sequence = 0;
                self.running = Some(Running {
                    since: now,
                    ticks: 0,
                });
                self.last_read = now;
                self.starts += 1;
                Answer::Data(Vec::new())
            }
            (0x40, 0x55) => {
                self.make_frames(now);
                self.running = None;
                self.flush();
                self.stops += 1;
                Answer::Data(Vec::new())
            }
            _ => Answer::Stall,
        };
        if answer == Answer::Stall {
            self.unknown_requests += 1;
        }
        answer
    }

    fn bulk_in(&mut self, endpoint: u8, length: usize, now: Duration) -> Answer {
        if endpoint != ENDPOINT {
            return Answer::Stall;
        }
        self.watch(now);
        if !self.is_read {
            self.make_frames(now);
            self.is_read = true;
        }
        if std::mem::take(&mut self.owes_empty_packet) {
            return Answer::Data(Vec::new());
        }
        if self.sending.is_none() {
            self.make_frames(now);
            self.sending = self.fifo.pop_front().map(|packet| (packet, 0));
        }
        let Some((packet, gone)) = self.sending.take() else {
            return Answer::Wait;
        };
        let end = (gone + length).min(packet.len());
        let part = packet[gone..end].to_vec();
        if end < packet.len() {
            self.sending = Some((packet, end));
        } else {
            self.frames.sent += 1;
            self.owes_empty_packet =
                part.len() == length && packet.len().is_multiple_of(usize::from(BULK_PACKET));
        }
        Answer::Data(part)
    }

    fn idle(&mut self, endpoint: u8, now: Duration) {
        if endpoint == ENDPOINT && self.is_read {
            self.watch(now);
            self.is_read = false;
            self.make_frames(now);
        }
    }

    fn power_cycle(&mut self) {
        self.flush();
        self.run = 0;
        self.sequence = 0;
        self.running = None;
        self.is_read = false;
    }

    fn report(&self) -> String {
        let FrameCounts {
            made,
            dropped,
            flushed,
            sent,
        } = self.frames;
        format!(
            "{{\"kind\":\"reference\",\"frames_made\":{made},\"frames_dropped\":{dropped},\
             \"frames_flushed\":{flushed},\"frames_sent\":{sent},\"quiet\":{},\"starts\":{},\"stops\":{},\
             \"watchdog_stops\":{},\"refused_requests\":{}}}",
            self.running.is_none(),
            self.starts,
            self.stops,
            self.watchdog_stops,
            self.unknown_requests,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    fn request(
        probe: &mut Reference,
        request_type: u8,
        request: u8,
        value: u16,
        now: Duration,
    ) -> Answer {
        let setup = Setup {
            request_type,
            request,
            value,
            index: 0,
            length: 256,
        };
        probe.control(setup, &[], now)
    }

    fn small() -> Config {
        Config {
            lines: 4,
            samples: 100,
            frames_per_second: 10.0,
            content: Content::Pattern,
            ..Config::default()
        }
    }

    fn sequence(packet: &[u8]) -> u64 {
        u64::from_le_bytes(packet[8..16].try_into().expect("8 bytes"))
    }

    #[test]
    fn frames_are_cut_into_transfers_and_end_with_a_short_one() {
        let mut probe = Reference::new(small());
        assert_eq!(
            request(&mut probe, 0x40, 0x54, 7, seconds(0.0)),
            Answer::Data(Vec::new())
        );
        assert_eq!(probe.bulk_in(ENDPOINT, 256, seconds(0.05)), Answer::Wait);
        let Answer::Data(head) = probe.bulk_in(ENDPOINT, 256, seconds(0.11)) else {
            panic!("due");
        };
        let Answer::Data(tail) = probe.bulk_in(ENDPOINT, 256, seconds(0.11)) else {
            panic!("the rest");
        };
        assert_eq!((head.len(), tail.len()), (256, 480 - 256));
        assert_eq!((sequence(&head), head[24]), (0, 7));
        assert_eq!(probe.bulk_in(ENDPOINT, 256, seconds(0.11)), Answer::Wait);
    }

    #[test]
    fn a_packet_of_whole_usb_packets_is_followed_by_an_empty_one() {
        let mut probe = Reference::new(Config {
            lines: 4,
            samples: 108, // 80 + 432 = 512
            ..small()
        });
        request(&mut probe, 0x40, 0x54, 1, seconds(0.0));
        probe.bulk_in(ENDPOINT, 512, seconds(0.0));
        assert!(
            matches!(probe.bulk_in(ENDPOINT, 512, seconds(0.11)), Answer::Data(d) if d.len() == 512)
        );
        assert_eq!(
            probe.bulk_in(ENDPOINT, 512, seconds(0.11)),
            Answer::Data(Vec::new())
        );
        assert_eq!(probe.bulk_in(ENDPOINT, 512, seconds(0.11)), Answer::Wait);
    }

    #[test]
    fn what_nobody_reads_is_dropped_counted_and_seen_in_the_sequence() {
        let mut probe = Reference::new(small());
        request(&mut probe, 0x40, 0x54, 1, seconds(0.0));
        let mut seen = Vec::new();
        for _ in 0..6 {
            if let Answer::Data(packet) = probe.bulk_in(ENDPOINT, 4096, seconds(1.05)) {
                seen.push(sequence(&packet));
            }
        }
        if let Answer::Data(packet) = probe.bulk_in(ENDPOINT, 4096, seconds(1.15)) {
            seen.push(sequence(&packet));
        }
        assert_eq!(seen, [0, 1, 2, 3, 10]);
        let frames = probe.frames();
        assert_eq!((frames.made, frames.dropped, frames.sent), (11, 6, 5));
    }

    #[test]
    fn a_late_emulator_loses_nothing_while_the_host_reads() {
        let mut probe = Reference::new(small());
        request(&mut probe, 0x40, 0x54, 1, seconds(0.0));
        probe.bulk_in(ENDPOINT, 4096, seconds(0.0));
        for expected in 0..9 {
            assert!(
                matches!(probe.bulk_in(ENDPOINT, 4096, seconds(0.95)), Answer::Data(p) if sequence(&p) == expected)
            );
        }
        assert_eq!(probe.frames().dropped, 0);
    }

    #[test]
    fn it_stops_by_itself_when_its_host_is_dead() {
        let mut probe = Reference::new(small());
        request(&mut probe, 0x40, 0x54, 1, seconds(0.0));
        probe.bulk_in(ENDPOINT, 4096, seconds(0.0));
        probe.idle(ENDPOINT, seconds(1.0));
        request(&mut probe, 0xC0, 0x50, 0, seconds(5.5));
        assert!(probe.is_running());
        request(&mut probe, 0xC0, 0x50, 0, seconds(6.5));
        assert!(!probe.is_running());
    }
}
