//! The conversation with an Interson GP probe, and the way from its lines to frames.
//!
//! Acoustic output is as the reference code has it: level 100 of the high voltage, never another, and no control for it.
//! The probe reports neither MI nor TI. The gain over depth (TGC) is left as the firmware sets it.
use std::sync::Arc;
use std::time::Duration;

use super::registers::{
    BULK_IN, DYNAMIC_RANGE, FILTERS_GP35_MHZ, FILTERS_GP75_MHZ, HIGH_VOLTAGE_LEVEL,
    LAST_TRANSMIT_INDEX, MOTOR_SPEEDS, REGISTER, Register, SAMPLER_INCREMENT, transmit_mhz,
};
use super::wire::{LINE_BYTES, LINES, LineDecoder, RawFrame};
use crate::clock::Timestamp;
use crate::frame::{
    BufferPool, DepthRange, Frame, FrameId, ImagingLimits, ImagingSettings, Orientation, Origin,
    Samples, ScanGeometry, ScanStage, Values,
};
use crate::probe::{ControlPipe, Driver, DriverProblem, StreamPlan, WireCounts};
use crate::space::{Millimeters, Radians};
use crate::stream::Maturity;

/// Samples of a line that are echoes: all bytes but the counter.
const SAMPLES: usize = LINE_BYTES - 1;
/// Radius of the face and of the deepest arc of a GP-3.5, and half its opening angle: PlusToolkit/PlusLib,
/// docs/devices/DeviceIntersonSDKCxx.md.
const RADIUS_MM: f64 = 32.8;
const FAR_RADIUS_MM: f64 = 139.0;
const HALF_SECTOR_DEGREES: f64 = 45.0;
/// Between motor and acquisition, and back (reference code).
const MOTOR_PAUSE: Duration = Duration::from_millis(100);
/// Small transfers end soon after their last line came: 16 lines are 4.4 ms at 15 frames/s. 48 of them hold 0.2 s of
/// lines, which is the longest stall measured on a loaded machine (usb.md).
const TRANSFER_BYTES: usize = 16 * LINE_BYTES;
const TRANSFERS: usize = 48;
/// Frames that can be looked at downstream while the next one is filled.
const POOLED_FRAMES: usize = 8;

/// Which of the two probes it is. Nothing published tells them apart over USB, so the user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Variant {
    /// 3.5 MHz.
    #[default]
    Gp35,
    /// 7.5 MHz. Its geometry is not published; that of the GP-3.5 is assumed, and said so.
    Gp75,
}

impl Variant {
    fn name(self) -> &'static str {
        match self {
            Self::Gp35 => "Interson GP-3.5",
            Self::Gp75 => "Interson GP-7.5",
        }
    }

    fn filters_mhz(self) -> [f64; 4] {
        match self {
            Self::Gp35 => FILTERS_GP35_MHZ,
            Self::Gp75 => FILTERS_GP75_MHZ,
        }
    }

    /// Transmit frequencies offered: those around the receive filters, out of the 32 that the register takes.
    fn transmit_range_mhz(self) -> (f64, f64) {
        match self {
            Self::Gp35 => (2.5, 5.0),
            Self::Gp75 => (5.0, 10.0),
        }
    }

    /// Indices whose frequency is offered, lowest frequency first.
    fn transmit_indices(self) -> impl Iterator<Item = u8> {
        let (least, most) = self.transmit_range_mhz();
        (0..=LAST_TRANSMIT_INDEX)
            .rev()
            .filter(move |n| (least..=most).contains(&transmit_mhz(*n)))
    }
}

/// What the registers of the settings were last set to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Chosen {
    transmit_index: u8,
    filter: u8,
    speed: [u8; 7],
}

/// Drives one Interson probe.
#[derive(Debug)]
pub struct IntersonDriver {
    variant: Variant,
    wire: LineDecoder,
    chosen: Option<Chosen>,
    frames: FrameMaker,
}

/// Copies lines into frames.
#[derive(Debug)]
struct FrameMaker {
    pool: BufferPool<u8>,
    geometry: Option<Arc<ScanGeometry>>,
    settings: Arc<ImagingSettings>,
    next: u64,
}

impl IntersonDriver {
    /// A driver that has not spoken to its probe yet.
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            wire: LineDecoder::new(),
            chosen: None,
            frames: FrameMaker {
                pool: BufferPool::new(POOLED_FRAMES),
                geometry: geometry().map(Arc::new),
                settings: Arc::new(ImagingSettings::default()),
                next: 0,
            },
        }
    }

    /// The registers for `wanted`, and what they amount to.
    fn choose(&self, wanted: &ImagingSettings) -> (Chosen, ImagingSettings) {
        let wanted = wanted.limited();
        let transmit_index = self
            .variant
            .transmit_indices()
            .min_by(|a, b| {
                let off = |n: u8| (transmit_mhz(n) - wanted.frequency_mhz).abs();
                off(*a).total_cmp(&off(*b))
            })
            .unwrap_or(LAST_TRANSMIT_INDEX);
        let frequency_mhz = transmit_mhz(transmit_index);
        // Where no filter is asked for, the one around what is sent.
        let filter_wanted = wanted.receive_filter_mhz.unwrap_or(frequency_mhz);
        let filters = self.variant.filters_mhz();
        let (filter, filter_mhz) = (0_u8..)
            .zip(filters)
            .min_by(|(_, a), (_, b)| {
                (a - filter_wanted)
                    .abs()
                    .total_cmp(&(b - filter_wanted).abs())
            })
            .unwrap_or((0, filter_wanted));
        // The fastest, unless another is asked for.
        let rate_wanted = wanted.frame_rate_hz.unwrap_or(120.0);
        let (rate, speed) = MOTOR_SPEEDS
            .into_iter()
            .min_by(|(a, _), (b, _)| (a - rate_wanted).abs().total_cmp(&(b - rate_wanted).abs()))
            .unwrap_or((15.0, [0; 7]));
        let granted = ImagingSettings {
            depth: Millimeters(FAR_RADIUS_MM - RADIUS_MM),
            frequency_mhz,
            receive_filter_mhz: Some(filter_mhz),
            frame_rate_hz: Some(rate),
            ..wanted
        };
        let chosen = Chosen {
            transmit_index,
            filter,
            speed,
        };
        (chosen, granted)
    }
}

fn write(
    pipe: &mut dyn ControlPipe,
    step: &'static str,
    register: Register,
    value: u8,
) -> Result<(), DriverProblem> {
    pipe.control_out(REGISTER, register.address(), 0, &[value])
        .map_err(|problem| DriverProblem::Pipe { step, problem })
}

/// Samples 1 to 1023 of 1024: the counter stands where the first cell would be.
fn geometry() -> Option<ScanGeometry> {
    let far = FAR_RADIUS_MM - RADIUS_MM;
    let depth = DepthRange::new(Millimeters(far / LINE_BYTES as f64), Millimeters(far))?;
    Some(ScanGeometry::Curvilinear {
        radius: Millimeters(RADIUS_MM),
        sector: Radians::from_degrees(2.0 * HALF_SECTOR_DEGREES),
        depth,
    })
}

impl FrameMaker {
    fn make(&mut self, raw: RawFrame<'_>) -> Option<Frame> {
        // The first frame is number 0, and after that every number stands for one frame of the probe.
        let id = self.next + (raw.step - 1);
        self.next = id + 1;
        let bytes = self.pool.fill(LINES * SAMPLES, |into| {
            let lines = raw.lines.chunks_exact(LINE_BYTES);
            for (echoes, line) in into.chunks_exact_mut(SAMPLES).zip(lines) {
                if let Some(samples) = line.get(1..) {
                    echoes.copy_from_slice(samples);
                }
            }
        });
        Some(Frame {
            id: FrameId(id),
            captured_at: raw.at,
            source_seconds: None,
            origin: Origin::Live,
            stage: ScanStage::PreScan,
            orientation: Orientation::Fm,
            geometry: Arc::clone(self.geometry.as_ref()?),
            settings: Arc::clone(&self.settings),
            samples: Samples::new(LINES, SAMPLES, Values::U8(bytes)).ok()?,
        })
    }
}

impl Driver for IntersonDriver {
    fn model_name(&self) -> String {
        self.variant.name().to_owned()
    }

    fn maturity(&self) -> Maturity {
        Maturity::NeverRunOnHardware
    }

    fn stream_plan(&self) -> StreamPlan {
        StreamPlan {
            endpoint: BULK_IN,
            transfer_bytes: TRANSFER_BYTES,
            transfers: TRANSFERS,
        }
    }

    fn identify(&mut self, pipe: &mut dyn ControlPipe) -> Result<Vec<String>, DriverProblem> {
        self.chosen = None;
        let step = "setting the probe up";
        write(pipe, step, Register::FrequencyInitTransmit, 0)?;
        write(pipe, step, Register::FrequencyInitReceive, 0)?;
        write(pipe, step, Register::DynamicRangeFirst, DYNAMIC_RANGE.0)?;
        write(pipe, step, Register::DynamicRangeSecond, DYNAMIC_RANGE.1)?;
        let step = "reading the version of the FPGA";
        let mut version = [0];
        let came = pipe
            .control_in(REGISTER, Register::Acquisition.address(), 0, &mut version)
            .map_err(|problem| DriverProblem::Pipe { step, problem })?;
        let [version] = version;
        if came != 1 {
            return Err(DriverProblem::Unexpected {
                step,
                expected: "1 byte".to_owned(),
                got: format!("{came} bytes"),
            });
        }
        let geometry = match self.variant {
            Variant::Gp35 => {
                "geometry of a GP-3.5 as published: 32.8 mm radius, 90 degrees, 106.2 mm deep; its sampling rate gives \
                 105.1 mm at 1540 m/s: depths may be 1 % too large"
            }
            Variant::Gp75 => {
                "geometry of a GP-7.5 is not published: that of a GP-3.5 is assumed, so lengths may be wrong"
            }
        };
        Ok(vec![
            format!("FPGA version {version:#04x}"),
            format!(
                "taken for a {} because the settings say so: the probe does not tell",
                self.variant.name()
            ),
            geometry.to_owned(),
            "which side of the picture is the marked side was never tried: touch one end of the probe and look".to_owned(),
            format!("high voltage fixed at level {HIGH_VOLTAGE_LEVEL} of 178, as in the reference code"),
            "gain over depth as the firmware sets it".to_owned(),
        ])
    }

    fn configure(
        &mut self,
        pipe: &mut dyn ControlPipe,
        wanted: &ImagingSettings,
    ) -> Result<ImagingSettings, DriverProblem> {
        let (chosen, granted) = self.choose(wanted);
        if self.chosen != Some(chosen) {
            // Half of it may be written if this fails, so nothing is known until all of it is.
            self.chosen = None;
            let step = "setting the frame rate";
            for (byte, value) in (0_u8..).zip(chosen.speed) {
                write(pipe, step, Register::MotorSpeed(byte), value)?;
            }
            let step = "setting the frequency";
            write(pipe, step, Register::TransmitIndex, chosen.transmit_index)?;
            write(pipe, step, Register::ReceiveFilter, chosen.filter)?;
            let step = "setting the high voltage to its fixed level";
            write(pipe, step, Register::HighVoltageLevel, HIGH_VOLTAGE_LEVEL)?;
            self.chosen = Some(chosen);
        }
        self.frames.settings = Arc::new(granted.clone());
        Ok(granted)
    }

    fn limits(&self) -> ImagingLimits {
        ImagingLimits {
            depth_mm: None,
            frequency_mhz: self.variant.transmit_indices().map(transmit_mhz).collect(),
            receive_filter_mhz: self.variant.filters_mhz().to_vec(),
            frame_rate_hz: MOTOR_SPEEDS.map(|(rate, _)| rate).to_vec(),
        }
    }

    fn start(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem> {
        let step = "starting";
        write(pipe, step, Register::HighVoltage, 1)?;
        write(pipe, step, Register::SamplerIncrement, SAMPLER_INCREMENT)?;
        write(pipe, step, Register::Motor, 1)?;
        pipe.pause(MOTOR_PAUSE);
        write(pipe, step, Register::Acquisition, 1)
    }

    fn stop(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem> {
        let step = "stopping";
        let acquisition = write(pipe, step, Register::Acquisition, 0);
        pipe.pause(MOTOR_PAUSE);
        let motor = write(pipe, step, Register::Motor, 0);
        let voltage = write(pipe, step, Register::HighVoltage, 0);
        acquisition.and(motor).and(voltage)
    }

    fn restart_stream(&mut self) {
        self.wire.restart();
    }

    fn take(&mut self, bytes: &[u8], at: Timestamp, frames: &mut Vec<Arc<Frame>>) {
        let maker = &mut self.frames;
        self.wire.take(bytes, at, &mut |raw| {
            frames.extend(maker.make(raw).map(Arc::new));
        });
    }

    fn counts(&self) -> WireCounts {
        self.wire.counts()
    }
}
