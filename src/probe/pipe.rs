//! The seam under every USB protocol: control requests, and bytes from one bulk endpoint. Tests put a script here.
use std::time::Duration;

/// What a control request or a stream can run into. Every one leaves the pipe clean for the next call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PipeProblem {
    /// Nothing within the patience given.
    #[error("no answer within {} ms", patience.as_millis())]
    Timeout {
        /// The patience given.
        patience: Duration,
    },
    /// The device refused a request, or halted an endpoint (the halt has been cleared).
    #[error("the probe refused {what} (stall)")]
    Stall {
        /// The request or endpoint, in words.
        what: String,
    },
    /// The device sent more than was asked for.
    #[error("the probe sent more than was asked for by {what} (overflow)")]
    Overflow {
        /// The request or endpoint, in words.
        what: String,
    },
    /// The device is gone.
    #[error("the probe is gone")]
    Gone,
    /// The operating system does not let this user open the device.
    #[error("the probe may not be opened by this user")]
    AccessRefused,
    /// Another program holds the device.
    #[error("another program holds the probe")]
    Busy,
    /// Anything else libusb says.
    #[error("USB: {cause}")]
    Usb {
        /// What libusb said.
        cause: String,
    },
}

/// Vendor requests to the device, over endpoint 0.
pub trait ControlPipe {
    /// `bmRequestType 0xC0`: reads up to `into.len()` bytes; returns how many came.
    fn control_in(
        &mut self,
        request: u8,
        value: u16,
        index: u16,
        into: &mut [u8],
    ) -> Result<usize, PipeProblem>;

    /// `bmRequestType 0x40`: writes `bytes`.
    fn control_out(
        &mut self,
        request: u8,
        value: u16,
        index: u16,
        bytes: &[u8],
    ) -> Result<(), PipeProblem>;

    /// Waits, by the machine's clock or by the script's.
    fn pause(&mut self, span: Duration);
}

/// How the bulk stream of a device is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// Endpoint address, with its IN bit.
    pub endpoint: u8,
    /// Bytes a transfer; a multiple of 1024.
    pub transfer_bytes: usize,
    /// Transfers in flight. All of them together stay under 16 MiB (the usbfs limit).
    pub transfers: usize,
}
