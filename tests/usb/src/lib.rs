//! Virtual USB devices for tests: what they answer is theirs, how they are plugged in (`umock`, `usbredir`) is not.
pub mod descriptor;
pub mod interson;
pub mod picture;
pub mod record;
pub mod redir_wire;
pub mod reference;
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
    /// It sends these bytes (IN), or has taken what came (OUT, empty). Fewer bytes than asked for of a bulk endpoint
    /// end the host's transfer (a short packet).
    Data(Vec<u8>),
    /// It has nothing yet (NAK): the request stays pending, and is asked again later.
    Wait,
    /// It refuses.
    Stall,
}

/// One virtual device. Time is given from outside, since it was plugged in.
///
/// Between a `bulk_in` and [`Self::idle`] the host has transfers waiting, so whatever the device makes in that time
/// goes out, however late it is asked for: a test machine that falls asleep does not look like a slow host. After
/// `idle` the device has only its own small memory, and drops (and counts) what does not fit.
pub trait VirtualDevice: Send {
    /// What it says when it is enumerated.
    fn descriptors(&self) -> &Descriptors;
    /// A vendor or class request on endpoint 0 (standard requests are answered for it).
    fn control(&mut self, setup: Setup, data: &[u8], now: Duration) -> Answer;
    /// Up to `length` bytes of an IN endpoint, for the oldest transfer that is waiting.
    fn bulk_in(&mut self, endpoint: u8, length: usize, now: Duration) -> Answer;
    /// The host has no transfer waiting on this endpoint any more: all were answered, or taken back. A transfer that
    /// was taken back takes along what the device had already put into it.
    fn idle(&mut self, endpoint: u8, now: Duration) {
        let _ = (endpoint, now);
    }
    /// Whether it wants to leave the bus and come back as something else (its firmware was loaded). Asked now and
    /// then; a device that answers true has changed its descriptors.
    fn reenumerates(&mut self, now: Duration) -> bool {
        let _ = now;
        false
    }
    /// It was unplugged and plugged in again: firmware state and streams are gone, counters of the test are not.
    fn power_cycle(&mut self);
    /// What a test wants to know afterwards, as one JSON object.
    fn report(&self) -> String;
}

/// The virtual devices there are, by their names on a command line.
pub const DEVICES: &[&str] = &[
    "grabber",
    "interson",
    "interson-faults",
    "interson-listed",
    "interson-pattern",
    "reference",
];

/// One of [`DEVICES`].
pub fn device_named(name: &str) -> Option<Box<dyn VirtualDevice>> {
    match name {
        "grabber" => Some(Box::new(uvc::Grabber::new())),
        "interson" | "interson-faults" | "interson-listed" => Some(Box::new(
            interson::Interson::new(interson::Content::Pump, interson::Firmware::Loaded),
        )),
        "interson-pattern" => Some(Box::new(interson::Interson::new(
            interson::Content::Pattern,
            interson::Firmware::Loaded,
        ))),
        "reference" => Some(Box::new(reference::Reference::new(reference::Config {
            // An emulated machine is ten times slower than a real one.
            frames_per_second: 15.0,
            ..reference::Config::default()
        }))),
        _ => None,
    }
}
