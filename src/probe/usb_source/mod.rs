//! A probe behind USB as a live source: found, opened, driven, lost, found again.
//!
//! What touches the machine stands behind [`Opener`] and [`ProbeDevice`], so that tests put a script there.
mod memory;
mod patience;
mod session;
mod source;
mod trouble;

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use memory::remembered_firmware;
pub use source::UsbSource;
pub(super) use trouble::{FIRMWARE_HINT, UDEV_HINT};

use super::catalog::{ProbeModel, ProbeState};
use super::interson::Variant;
use super::pipe::{ControlPipe, PipeProblem, StreamPlan};
use super::usb::StreamEnd;

/// Which probe, and what it may need.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UsbSelector {
    /// Bus and address; without them the first probe that is ready, or else the first that asks for firmware.
    pub bus_address: Option<(u8, u8)>,
    /// Firmware for a probe that asks for it.
    pub firmware: Option<PathBuf>,
    /// Where the firmware file used last is remembered; `None` remembers nothing.
    pub firmware_memory: Option<PathBuf>,
    /// Which Interson probe it is, if it is one: they cannot be told apart over USB.
    pub variant: Variant,
}

/// A device on the bus that a driver may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDevice {
    /// Which kind.
    pub model: ProbeModel,
    /// Bus number.
    pub bus: u8,
    /// Address on the bus; another one after every plug.
    pub address: u8,
    /// The way from the root hub through hubs to its socket; stays the same when it is plugged in there again.
    pub ports: Vec<u8>,
    /// The interface to be claimed.
    pub interface: u8,
}

impl FoundDevice {
    /// The device as `--source` takes it.
    pub fn spec(&self) -> String {
        format!("usb:{}.{}", self.bus, self.address)
    }

    /// Whether it sits in the same socket as `other`.
    pub fn is_where(&self, other: &Self) -> bool {
        self.bus == other.bus && self.ports == other.ports
    }

    fn wants_firmware(&self) -> bool {
        self.model.state == ProbeState::WantsFirmware
    }
}

/// Finds devices and opens them.
pub trait Opener: Send {
    /// Every known device that is plugged in now; a sentence when none can be looked for.
    fn look(&mut self) -> Result<Vec<FoundDevice>, String>;
    /// Opens one that the last look found.
    fn open(&mut self, device: &FoundDevice) -> Result<Box<dyn ProbeDevice>, PipeProblem>;
    /// Waits, by the machine's clock or by the script's.
    fn pause(&mut self, span: Duration);
}

/// An opened device. Closing it (drop) takes back what is in flight.
pub trait ProbeDevice: ControlPipe + Send {
    /// Its serial number, if it has one.
    fn serial(&self) -> Option<&str>;
    /// Begins to read its stream.
    fn begin_stream(&mut self, plan: &StreamPlan) -> Result<(), PipeProblem>;
    /// Waits no longer than `patience` and hands over the bytes that came, in order. After a failure the stream has
    /// ended.
    fn poll(&mut self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> Result<(), PipeProblem>;
    /// Ends reading and takes back what is in flight.
    fn end_stream(&mut self) -> StreamEnd;
}
