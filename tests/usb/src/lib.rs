//! Virtual USB devices for tests: what they answer is theirs, how they are plugged in (`umock`, `usbredir`) is not.
pub mod record;
pub mod redir_wire;
pub mod standard;
pub mod usbredir;
pub mod uvc;

use std::time::Duration;

/// What a device says when it is enumerated.
#[derive(Clone, Debug)]
pub struct Descriptors {
    /// Device descriptor, 18 bytes.
    pub device: [u8; 18],
    /// Configuration descriptor with its interfaces and endpoints.
    pub configuration: Vec<u8>,
    /// String descriptors from index 1 on.
    pub strings: Vec<String>,
}

/// A control request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// bmRequestType.
    pub request_type: u8,
    /// bRequest.
    pub request: u8,
    /// wValue.
    pub value: u16,
    /// wIndex.
    pub index: u16,
    /// wLength.
    pub length: u16,
}

/// What a device does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It sends these bytes (IN), or has taken what came (OUT, empty).
    Data(Vec<u8>),
    /// It has nothing yet (NAK): the request stays pending, and is asked again later.
    Wait,
    /// It refuses.
    Stall,
}

/// One virtual device. Time is given from outside, since it was plugged in.
pub trait VirtualDevice: Send {
    /// What it says when it is enumerated.
    fn descriptors(&self) -> &Descriptors;
    /// A vendor or class request on endpoint 0 (standard requests are answered for it).
    fn control(&mut self, setup: Setup, data: &[u8], now: Duration) -> Answer;
    /// Up to `length` bytes of an IN endpoint.
    fn bulk_in(&mut self, endpoint: u8, length: usize, now: Duration) -> Answer;
    /// It was unplugged and plugged in again: firmware state and streams are gone, counters of the test are not.
    fn power_cycle(&mut self);
}

/// The virtual devices there are, by their names on a command line.
pub const DEVICES: &[&str] = &["grabber"];

/// One of [`DEVICES`].
pub fn device_named(name: &str) -> Option<Box<dyn VirtualDevice>> {
    match name {
        "grabber" => Some(Box::new(uvc::Grabber::new())),
        _ => None,
    }
}
