//! One opened device: vendor requests on endpoint 0, and its bulk stream.
use std::sync::Arc;
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle};

use super::transfers::{StreamEnd, Transfers};
use super::{named, problem_of};
use crate::probe::usb_source::{FoundDevice, Opener, ProbeDevice};
use crate::probe::{ControlPipe, PipeProblem, StreamPlan};

/// How long a control request may take (usb.md).
const CONTROL_TIMEOUT: Duration = Duration::from_millis(1000);
const VENDOR_OUT: u8 = 0x40;
const VENDOR_IN: u8 = 0xC0;

/// An opened device whose interface is claimed; closing it cancels what is in flight.
pub(super) struct UsbPipe {
    /// Before the handle, so that it is dropped first.
    stream: Option<Transfers>,
    handle: Arc<DeviceHandle<Context>>,
    endpoint: u8,
    serial: Option<String>,
}

impl UsbPipe {
    /// Opens `device`, sets its configuration if it has none, and claims `interface`.
    pub(super) fn open(device: &Device<Context>, interface: u8) -> Result<Self, PipeProblem> {
        let during = |what: &'static str| {
            move |cause: rusb::Error| problem_of(cause, &named(what), CONTROL_TIMEOUT)
        };
        let handle = device.open().map_err(during("opening"))?;
        // Where the kernel has no driver for it, as with every probe we know, there is nothing to detach.
        let _unsupported: rusb::Result<()> = handle.set_auto_detach_kernel_driver(true);
        // Setting it anew would reset a probe that has one.
        if handle.active_configuration().is_ok_and(|c| c == 0) {
            handle
                .set_active_configuration(1)
                .map_err(during("set configuration"))?;
        }
        handle
            .claim_interface(interface)
            .map_err(during("claim interface"))?;
        let serial = serial_of(&handle, device);
        Ok(Self {
            stream: None,
            handle: Arc::new(handle),
            endpoint: 0,
            serial,
        })
    }
}

/// The serial number, when the device tells one.
pub(super) fn serial_of(
    handle: &DeviceHandle<Context>,
    device: &Device<Context>,
) -> Option<String> {
    let descriptor = device.device_descriptor().ok()?;
    let text = handle.read_serial_number_string_ascii(&descriptor).ok()?;
    let text: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl ControlPipe for UsbPipe {
    fn control_in(
        &mut self,
        request: u8,
        value: u16,
        index: u16,
        into: &mut [u8],
    ) -> Result<usize, PipeProblem> {
        self.handle
            .read_control(VENDOR_IN, request, value, index, into, CONTROL_TIMEOUT)
            .map_err(|cause| {
                let what = format!("request {request:#04x}, value {value:#06x}");
                problem_of(cause, &what, CONTROL_TIMEOUT)
            })
    }

    fn control_out(
        &mut self,
        request: u8,
        value: u16,
        index: u16,
        bytes: &[u8],
    ) -> Result<(), PipeProblem> {
        let what = || format!("request {request:#04x}, value {value:#06x}");
        let went = self
            .handle
            .write_control(VENDOR_OUT, request, value, index, bytes, CONTROL_TIMEOUT)
            .map_err(|cause| problem_of(cause, &what(), CONTROL_TIMEOUT))?;
        if went == bytes.len() {
            return Ok(());
        }
        Err(PipeProblem::Usb {
            cause: format!(
                "{}: expected to send {} bytes, {went} went",
                what(),
                bytes.len()
            ),
        })
    }

    fn pause(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

impl ProbeDevice for UsbPipe {
    fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    fn begin_stream(&mut self, plan: &StreamPlan) -> Result<(), PipeProblem> {
        self.end_stream();
        self.endpoint = plan.endpoint;
        self.stream = Some(Transfers::start(Arc::clone(&self.handle), plan)?);
        Ok(())
    }

    fn poll(&mut self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> Result<(), PipeProblem> {
        let Some(stream) = &mut self.stream else {
            std::thread::sleep(patience);
            return Ok(());
        };
        let outcome = stream.poll(patience, take);
        if let Err(problem) = &outcome {
            let stalled = matches!(problem, PipeProblem::Stall { .. });
            self.end_stream();
            if stalled {
                // If this fails too, opening it again will tell.
                let _cleared: rusb::Result<()> = self.handle.clear_halt(self.endpoint);
            }
        }
        outcome
    }

    fn end_stream(&mut self) -> StreamEnd {
        self.stream.take().map(Transfers::end).unwrap_or_default()
    }
}

/// Looks for devices and opens them by libusb.
///
/// Every look makes a context of its own: devices are then found by a scan of the bus, which works with and without
/// hot-plug messages, in containers and in guests. The global context of rusb is never used: it panics without usbfs.
#[derive(Debug, Default)]
pub struct UsbOpener {
    seen: Vec<(FoundDevice, Device<Context>)>,
}

impl Opener for UsbOpener {
    fn look(&mut self) -> Result<Vec<FoundDevice>, String> {
        self.seen = super::scan().map_err(|problem| problem.to_string())?;
        Ok(self.seen.iter().map(|(found, _)| found.clone()).collect())
    }

    fn open(&mut self, wanted: &FoundDevice) -> Result<Box<dyn ProbeDevice>, PipeProblem> {
        let device = self.seen.iter().find(|(found, _)| found == wanted);
        let (found, device) = device.ok_or(PipeProblem::Gone)?;
        Ok(Box::new(UsbPipe::open(device, found.interface)?))
    }

    fn pause(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}
