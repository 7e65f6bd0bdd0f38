//! The conversation with a probe that speaks the reference protocol, and the way from its packets to frames.
use std::sync::Arc;

use super::decoder::ReferenceDecoder;
use super::frames::{FrameMaker, millimeters, ones};
use super::wire::{BlockFault, Identity, Limits, Settings};
use crate::clock::Timestamp;
use crate::frame::{Frame, ImagingLimits, ImagingSettings};
use crate::probe::{ControlPipe, Driver, DriverProblem, PipeProblem, StreamPlan, WireCounts};
use crate::stream::Maturity;

const IDENTIFY: u8 = 0x50;
const GET_LIMITS: u8 = 0x51;
const GET_SETTINGS: u8 = 0x52;
const SET_SETTINGS: u8 = 0x53;
const START: u8 = 0x54;
const STOP: u8 = 0x55;
/// Room for blocks of later minor versions, which may be longer.
const BLOCK_ROOM: usize = 512;
/// The only bulk endpoint.
const ENDPOINT: u8 = 0x81;
/// Small transfers end soon after the last byte of a frame came; 16 of them are 90 ms at 11.8 MB/s.
const TRANSFER_BYTES: usize = 64 << 10;
const TRANSFERS: usize = 16;

/// Drives one probe that speaks the reference protocol.
#[derive(Debug)]
pub struct ReferenceDriver {
    name: String,
    limits: ImagingLimits,
    decoder: ReferenceDecoder,
    run: u16,
    frames: FrameMaker,
}

impl Default for ReferenceDriver {
    fn default() -> Self {
        Self::new()
    }
}

impl ReferenceDriver {
    /// A driver that has not spoken to its probe yet.
    pub fn new() -> Self {
        Self {
            name: "reference protocol probe".to_owned(),
            limits: ImagingLimits::default(),
            decoder: ReferenceDecoder::new(0),
            run: 0,
            frames: FrameMaker::new(),
        }
    }

    fn settings_in_force(pipe: &mut dyn ControlPipe) -> Result<Settings, DriverProblem> {
        let step = "asking which settings are in force";
        ask(pipe, step, GET_SETTINGS, "a settings block", Settings::read)
    }
}

/// Reads one block.
fn ask<T>(
    pipe: &mut dyn ControlPipe,
    step: &'static str,
    request: u8,
    expected: &str,
    read: impl Fn(&[u8]) -> Result<T, BlockFault>,
) -> Result<T, DriverProblem> {
    let mut room = [0; BLOCK_ROOM];
    let came = pipe
        .control_in(request, 0, 0, &mut room)
        .map_err(|problem| DriverProblem::Pipe { step, problem })?;
    let bytes = room.get(..came).unwrap_or(&room);
    read(bytes).map_err(|fault| DriverProblem::Unexpected {
        step,
        expected: format!("{expected} of protocol version 1"),
        got: fault.to_string(),
    })
}

fn tell(
    pipe: &mut dyn ControlPipe,
    step: &'static str,
    request: u8,
    value: u16,
    bytes: &[u8],
) -> Result<(), DriverProblem> {
    let told: Result<(), PipeProblem> = pipe.control_out(request, value, 0, bytes);
    told.map_err(|problem| DriverProblem::Pipe { step, problem })
}

/// Ones to thousandths; what no 32 bits hold, or is no number, becomes 0 ("leave as it is").
fn thousandths(ones: f64) -> u32 {
    let value = (ones * 1000.0).round();
    if (0.0..=f64::from(u32::MAX)).contains(&value) {
        value as u32
    } else {
        0
    }
}

impl Driver for ReferenceDriver {
    fn model_name(&self) -> String {
        self.name.clone()
    }

    fn maturity(&self) -> Maturity {
        Maturity::NeverRunOnHardware
    }

    fn stream_plan(&self) -> StreamPlan {
        StreamPlan {
            endpoint: ENDPOINT,
            transfer_bytes: TRANSFER_BYTES,
            transfers: TRANSFERS,
        }
    }

    fn identify(&mut self, pipe: &mut dyn ControlPipe) -> Result<Vec<String>, DriverProblem> {
        let identity = ask(
            pipe,
            "asking the probe what it is",
            IDENTIFY,
            "an identity block",
            Identity::read,
        )?;
        let limits = ask(
            pipe,
            "asking what can be set",
            GET_LIMITS,
            "a limits block",
            Limits::read,
        )?;
        let list = |values: &[u32]| values.iter().map(|v| ones(*v)).collect();
        self.limits = ImagingLimits {
            depth_mm: limits
                .depth_um
                .map(|(least, most)| (millimeters(least), millimeters(most))),
            frequency_mhz: list(&limits.frequencies_khz),
            receive_filter_mhz: list(&limits.filters_khz),
            frame_rate_hz: list(&limits.rates_mhz),
        };
        let (major, minor) = identity.version;
        let mut facts = vec![format!("reference protocol {major}.{minor}")];
        for (what, text) in [
            ("serial number", &identity.serial),
            ("firmware", &identity.firmware),
        ] {
            if !text.is_empty() {
                facts.push(format!("{what} {text}"));
            }
        }
        facts.push(format!(
            "at most {} lines of {} samples",
            identity.lines, identity.samples
        ));
        if !identity.name.is_empty() {
            self.name = identity.name;
        }
        Ok(facts)
    }

    fn configure(
        &mut self,
        pipe: &mut dyn ControlPipe,
        wanted: &ImagingSettings,
    ) -> Result<ImagingSettings, DriverProblem> {
        let wanted = wanted.limited();
        let clamped = |(least, most): (f64, f64)| wanted.depth.0.clamp(least, most);
        let nearest = |choices: &[f64], wish: Option<f64>| {
            let choice = wish.and_then(|w| ImagingLimits::nearest(choices, w));
            choice.map_or(0, thousandths)
        };
        let wish = Settings {
            depth_um: self.limits.depth_mm.map(clamped).map_or(0, thousandths),
            frequency_khz: nearest(&self.limits.frequency_mhz, Some(wanted.frequency_mhz)),
            filter_khz: nearest(&self.limits.receive_filter_mhz, wanted.receive_filter_mhz),
            rate_mhz: nearest(&self.limits.frame_rate_hz, wanted.frame_rate_hz),
        };
        tell(
            pipe,
            "setting depth, frequency, filter and frame rate",
            SET_SETTINGS,
            0,
            &wish.bytes(),
        )?;
        let granted = Self::settings_in_force(pipe)?;
        self.frames.ask_for(wanted);
        Ok(self.frames.settings(granted, None))
    }

    fn limits(&self) -> ImagingLimits {
        self.limits.clone()
    }

    fn start(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem> {
        // Never 0, the run of a probe that nobody started.
        self.run = self.run.checked_add(1).unwrap_or(1);
        self.decoder.begin_run(self.run);
        self.frames.begin_run();
        tell(pipe, "starting", START, self.run, &[])
    }

    fn stop(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem> {
        tell(pipe, "stopping", STOP, 0, &[])
    }

    fn restart_stream(&mut self) {
        self.decoder.forget_bytes();
    }

    fn take(&mut self, bytes: &[u8], at: Timestamp, frames: &mut Vec<Arc<Frame>>) {
        let Self {
            decoder,
            frames: maker,
            ..
        } = self;
        decoder.push(bytes, &mut |header, samples| {
            frames.extend(maker.make(header, samples, at));
        });
    }

    fn counts(&self) -> WireCounts {
        self.decoder.counts()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::wire::{FrameHeader, Layout, SampleFormat, closed, opened};
    use super::*;
    use crate::frame::{DepthRange, FrameId, ScanStage, Values};
    use crate::space::Millimeters;

    /// A probe that answers by the page, remembers what it was told, and can refuse one request.
    struct Script {
        told: Vec<(u8, u16)>,
        settings: Settings,
        refuses: Option<u8>,
        identity: Vec<u8>,
    }

    impl Script {
        fn new() -> Self {
            let mut identity = opened(*b"PSID", 96);
            identity.extend(4096u32.to_le_bytes());
            identity.extend([192, 0, 0, 4]);
            identity.extend(b"bench probe\0\x07");
            Self {
                told: Vec::new(),
                settings: Settings {
                    depth_um: 60_000,
                    frequency_khz: 5_000,
                    filter_khz: 0,
                    rate_mhz: 60_000,
                },
                refuses: None,
                identity: closed(identity, 96),
            }
        }

        fn check(&self, request: u8) -> Result<(), PipeProblem> {
            if self.refuses == Some(request) {
                return Err(PipeProblem::Stall {
                    what: format!("request {request:#x}"),
                });
            }
            Ok(())
        }

        fn limits() -> Vec<u8> {
            let mut limits = opened(*b"PSLM", 148);
            for word in [30_000u32, 120_000, 3_500, 5_000] {
                limits.extend(word.to_le_bytes());
            }
            limits.resize(112, 0);
            for word in [30_000u32, 60_000] {
                limits.extend(word.to_le_bytes());
            }
            closed(limits, 148)
        }
    }

    impl ControlPipe for Script {
        fn control_in(
            &mut self,
            request: u8,
            _: u16,
            _: u16,
            into: &mut [u8],
        ) -> Result<usize, PipeProblem> {
            self.check(request)?;
            let block = match request {
                0x50 => self.identity.clone(),
                0x51 => Self::limits(),
                _ => self.settings.bytes(),
            };
            into[..block.len()].copy_from_slice(&block);
            Ok(block.len())
        }

        fn control_out(
            &mut self,
            request: u8,
            value: u16,
            _: u16,
            bytes: &[u8],
        ) -> Result<(), PipeProblem> {
            self.check(request)?;
            self.told.push((request, value));
            if request == 0x53 {
                let wish = Settings::read(bytes).expect("a sound block");
                let keep = |wish: u32, now: u32| if wish == 0 { now } else { wish };
                self.settings = Settings {
                    depth_um: keep(wish.depth_um, self.settings.depth_um),
                    frequency_khz: keep(wish.frequency_khz, self.settings.frequency_khz),
                    filter_khz: keep(wish.filter_khz, self.settings.filter_khz),
                    rate_mhz: keep(wish.rate_mhz, self.settings.rate_mhz),
                };
            }
            Ok(())
        }

        fn pause(&mut self, _: Duration) {}
    }

    fn packet(run: u16, sequence: u64, format: SampleFormat) -> Vec<u8> {
        let payload = vec![sequence as u8; 32 * format.bytes()];
        let header = FrameHeader {
            sequence,
            device_nanos: 2_000_000_000 + sequence,
            run,
            layout: Layout::Linear { width_um: 38_000 },
            format,
            lines: 2,
            samples: 16,
            near_um: 0,
            settings: Settings {
                depth_um: 45_000,
                frequency_khz: 5_000,
                filter_khz: 0,
                rate_mhz: 60_000,
            },
            payload_crc: crc32fast::hash(&payload),
        };
        [header.bytes(), payload].concat()
    }

    fn taken(driver: &mut ReferenceDriver, bytes: &[u8]) -> Vec<Arc<Frame>> {
        let mut frames = Vec::new();
        driver.take(bytes, Timestamp::from_nanos(77), &mut frames);
        frames
    }

    const LOG: SampleFormat = SampleFormat::LogU8 { range_cdb: 5_500 };

    #[test]
    fn the_probe_says_what_it_is_and_gets_settings_within_its_limits() {
        let (mut driver, mut probe) = (ReferenceDriver::new(), Script::new());
        let facts = driver.identify(&mut probe).unwrap();
        assert_eq!(
            facts,
            [
                "reference protocol 1.0",
                "at most 192 lines of 1024 samples"
            ]
        );
        assert_eq!(driver.model_name(), "bench probe");
        let limits = driver.limits();
        assert_eq!(limits.depth_mm, Some((30.0, 120.0)));
        assert_eq!(limits.frequency_mhz, [3.5, 5.0]);
        assert!(limits.receive_filter_mhz.is_empty());
        let wanted = ImagingSettings {
            depth: Millimeters(20.0),
            frequency_mhz: 3.0,
            receive_filter_mhz: Some(4.0),
            frame_rate_hz: Some(50.0),
            gain_db: 6.0,
            ..ImagingSettings::default()
        };
        let granted = driver.configure(&mut probe, &wanted).unwrap();
        assert_eq!(granted.depth, Millimeters(30.0));
        assert_eq!(granted.frequency_mhz, 3.5);
        assert_eq!(granted.receive_filter_mhz, None);
        assert_eq!(granted.frame_rate_hz, Some(60.0));
        assert_eq!(granted.gain_db, 6.0);
    }

    #[test]
    fn frames_carry_ids_times_geometry_and_what_was_in_force() {
        let (mut driver, mut probe) = (ReferenceDriver::new(), Script::new());
        driver.identify(&mut probe).unwrap();
        driver.start(&mut probe).unwrap();
        assert_eq!(probe.told, [(0x54, 1)]);
        let bytes = [packet(1, 0, LOG), packet(1, 3, SampleFormat::LinearU16)].concat();
        let frames = taken(&mut driver, &bytes);
        let [first, second] = frames.as_slice() else {
            panic!("{frames:?}");
        };
        assert_eq!((first.id, second.id), (FrameId(0), FrameId(3)));
        assert_eq!(first.source_seconds, Some(2.0));
        assert_eq!(first.captured_at, Timestamp::from_nanos(77));
        assert_eq!(
            (first.stage, second.stage),
            (ScanStage::PreScan, ScanStage::Envelope)
        );
        assert_eq!(
            first.geometry.depth(),
            DepthRange::new(Millimeters(0.0), Millimeters(45.0))
        );
        assert_eq!(first.settings.dynamic_range_db, 55.0);
        assert!(
            matches!(second.samples.values(), Values::U16(v) if v.iter().all(|s| *s == 0x0303))
        );
        assert_eq!(driver.counts().lost_frames, 2);
    }

    #[test]
    fn ids_go_on_and_old_bytes_are_left_behind_when_it_starts_again() {
        let (mut driver, mut probe) = (ReferenceDriver::new(), Script::new());
        driver.start(&mut probe).unwrap();
        assert_eq!(
            taken(
                &mut driver,
                &[packet(1, 0, LOG), packet(1, 1, LOG)].concat()
            )
            .len(),
            2
        );
        driver.stop(&mut probe).unwrap();
        driver.restart_stream();
        driver.start(&mut probe).unwrap();
        let frames = taken(
            &mut driver,
            &[packet(1, 2, LOG), packet(2, 0, LOG)].concat(),
        );
        let ids: Vec<FrameId> = frames.iter().map(|f| f.id).collect();
        assert_eq!(ids, [FrameId(2)]);
        assert_eq!(driver.counts().frames, 3);
        assert_eq!(probe.told, [(0x54, 1), (0x55, 0), (0x54, 2)]);
    }

    #[test]
    fn a_running_stream_uses_its_buffers_again() {
        let (mut driver, mut probe) = (ReferenceDriver::new(), Script::new());
        driver.start(&mut probe).unwrap();
        let mut places = std::collections::BTreeSet::new();
        for sequence in 0..100 {
            let frames = taken(&mut driver, &packet(1, sequence, LOG));
            if let Values::U8(bytes) = frames[0].samples.values() {
                places.insert(bytes.as_ptr());
            }
        }
        assert_eq!(places.len(), 1);
    }

    #[test]
    fn what_a_probe_gets_wrong_is_said_with_the_step() {
        let (mut driver, mut probe) = (ReferenceDriver::new(), Script::new());
        probe.identity[4] = 2;
        let problem = driver.identify(&mut probe).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "asking the probe what it is: expected an identity block of protocol version 1, got protocol version 2.0"
        );
        probe.refuses = Some(0x55);
        let problem = driver.stop(&mut probe).unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("stopping: the probe refused"),
            "{problem}"
        );
    }
}
