//! USB by libusb: the only folder that knows rusb.
mod device;
mod transfers;

use std::time::Duration;

use rusb::{Context, Device, UsbContext as _};

pub use device::UsbOpener;
pub use transfers::StreamEnd;

use super::catalog::{ProbeState, REFERENCE_INTERFACE, model_of};
use super::driver_for;
use super::interson::Variant;
use super::list::{Access, ListedSource};
use super::pipe::PipeProblem;
use super::usb_source::FoundDevice;
use crate::stream::Maturity;

/// USB cannot be listed on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("USB devices cannot be listed: {cause}")]
struct ListProblem {
    /// What libusb said.
    cause: String,
}

/// Looks for probes behind USB again and again.
///
/// A probe is opened for a moment when it is first seen, to see whether it may be and to ask for its serial number,
/// and again only as long as it could not be used: opening it claims its interface, and somebody else who opens it in
/// that moment would be refused.
#[derive(Debug, Default)]
pub struct UsbScout {
    known: Vec<(FoundDevice, ListedSource)>,
}

impl UsbScout {
    /// Every probe behind USB, and why there can be none on this machine, as a full sentence.
    pub fn look(&mut self) -> (Vec<ListedSource>, Option<String>) {
        match scan() {
            Ok(found) => {
                let known = std::mem::take(&mut self.known);
                self.known = found
                    .into_iter()
                    .map(|(found, device)| {
                        let settled = known
                            .iter()
                            .find(|(before, entry)| is_settled(before, entry, &found))
                            .map(|(_, entry)| entry.clone());
                        let entry = settled.unwrap_or_else(|| listed(&found, &device));
                        (found, entry)
                    })
                    .collect();
                let all = self.known.iter().map(|(_, entry)| entry.clone());
                (all.collect(), None)
            }
            Err(problem) => {
                self.known.clear();
                let reason = format!("{problem}; no USB probe can be used on this machine.");
                (Vec::new(), Some(reason))
            }
        }
    }
}

/// Whether what is known of a device still holds: it is the same plug of the same device, and it could be opened.
fn is_settled(before: &FoundDevice, entry: &ListedSource, now: &FoundDevice) -> bool {
    before == now && entry.access == Access::Allowed
}

fn listed(found: &FoundDevice, device: &Device<Context>) -> ListedSource {
    let (access, serial, cause) = match device.open() {
        Ok(handle) => {
            let serial = device::serial_of(&handle, device);
            // Claiming disturbs nobody: if another program holds it, this fails, and otherwise it is given back.
            match handle.claim_interface(found.interface) {
                Err(rusb::Error::Busy) => (Access::Busy, serial, None),
                Ok(()) | Err(_) => (Access::Allowed, serial, None),
            }
        }
        Err(rusb::Error::Access) => (Access::Refused, None, None),
        Err(rusb::Error::Busy) => (Access::Busy, None, None),
        Err(cause) => (Access::Unknown, None, Some(cause.to_string())),
    };
    ListedSource {
        spec: found.spec(),
        kind: found.model.kind,
        name: found.model.name.to_owned(),
        vendor: Some(found.model.vendor),
        product: Some(found.model.product),
        serial,
        state: found.model.state,
        access,
        experimental: driver_for(&found.model, Variant::default())
            .is_none_or(|driver| driver.maturity() == Maturity::NeverRunOnHardware),
        hint: hint(access, found.model.state, cause.as_deref()),
        firmware: None,
    }
}

/// What to do before a probe can be used; the gravest reason first.
fn hint(access: Access, state: ProbeState, cause: Option<&str>) -> Option<String> {
    match (access, state) {
        (Access::Refused, _) => Some(super::usb_source::UDEV_HINT.to_owned()),
        (Access::Busy, _) => {
            Some("Another program or session holds the probe; end that first.".to_owned())
        }
        (Access::Unknown, _) => Some(format!(
            "The probe could not be opened ({}); plug it in again.",
            cause.unwrap_or("no reason was given")
        )),
        (Access::Allowed, ProbeState::WantsFirmware) => {
            Some(super::usb_source::FIRMWARE_HINT.to_owned())
        }
        (Access::Allowed, ProbeState::Ready) => None,
    }
}

/// Every known probe on the bus, in the order of bus and address.
fn scan() -> Result<Vec<(FoundDevice, Device<Context>)>, ListProblem> {
    let problem = |cause: rusb::Error| ListProblem {
        cause: cause.to_string(),
    };
    let context = Context::new().map_err(problem)?;
    let devices = context.devices().map_err(problem)?;
    let mut found: Vec<(FoundDevice, Device<Context>)> = devices
        .iter()
        .filter_map(|device| Some((found_device(&device)?, device)))
        .collect();
    found.sort_by_key(|(f, _)| (f.bus, f.address));
    Ok(found)
}

fn found_device(device: &Device<Context>) -> Option<FoundDevice> {
    let ids = device.device_descriptor().ok()?;
    let interface = reference_interface(device);
    Some(FoundDevice {
        model: model_of(ids.vendor_id(), ids.product_id(), interface.is_some())?,
        bus: device.bus_number(),
        address: device.address(),
        ports: device.port_numbers().unwrap_or_default(),
        interface: interface.unwrap_or(0),
    })
}

/// The interface that speaks our reference protocol, if the device has one. Its descriptors are read without opening.
fn reference_interface(device: &Device<Context>) -> Option<u8> {
    let config = device
        .active_config_descriptor()
        .or_else(|_unconfigured| device.config_descriptor(0))
        .ok()?;
    config
        .interfaces()
        .flat_map(|interface| interface.descriptors())
        .find(|d| [d.class_code(), d.sub_class_code(), d.protocol_code()] == REFERENCE_INTERFACE)
        .map(|d| d.interface_number())
}

fn named(what: &str) -> String {
    what.to_owned()
}

/// What libusb said, in our words.
fn problem_of(cause: rusb::Error, what: &str, patience: Duration) -> PipeProblem {
    match cause {
        rusb::Error::Timeout => PipeProblem::Timeout { patience },
        rusb::Error::Pipe => PipeProblem::Stall {
            what: what.to_owned(),
        },
        rusb::Error::Overflow => PipeProblem::Overflow {
            what: what.to_owned(),
        },
        rusb::Error::NoDevice => PipeProblem::Gone,
        rusb::Error::Access => PipeProblem::AccessRefused,
        rusb::Error::Busy => PipeProblem::Busy,
        rusb::Error::Io
        | rusb::Error::InvalidParam
        | rusb::Error::NotFound
        | rusb::Error::Interrupted
        | rusb::Error::NoMem
        | rusb::Error::NotSupported
        | rusb::Error::BadDescriptor
        | rusb::Error::Other => PipeProblem::Usb {
            cause: format!("{what}: {cause}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_probes_never_panics_even_without_usb() {
        let (listed, reason) = UsbScout::default().look();
        assert!(listed.is_empty() || reason.is_none());
        assert!(reason.is_none_or(|r| r.contains("USB") && r.ends_with('.')));
    }

    #[test]
    fn a_probe_is_opened_again_only_while_it_cannot_be_used_or_after_another_plug() {
        let device = FoundDevice {
            model: model_of(0x1921, 0x0090, false).expect("known"),
            bus: 1,
            address: 4,
            ports: vec![2],
            interface: 0,
        };
        let entry = |access| ListedSource {
            spec: device.spec(),
            kind: device.model.kind,
            name: device.model.name.to_owned(),
            vendor: None,
            product: None,
            serial: None,
            state: device.model.state,
            access,
            experimental: true,
            hint: None,
            firmware: None,
        };
        assert!(is_settled(&device, &entry(Access::Allowed), &device));
        for open in [Access::Refused, Access::Busy, Access::Unknown] {
            assert!(!is_settled(&device, &entry(open), &device), "{open:?}");
        }
        let again = FoundDevice {
            address: 5,
            ..device.clone()
        };
        assert!(!is_settled(&device, &entry(Access::Allowed), &again));
    }

    #[test]
    fn what_keeps_a_probe_from_being_used_is_said_as_a_full_sentence() {
        let ready = ProbeState::Ready;
        assert_eq!(hint(Access::Allowed, ready, None), None);
        for (access, state, word) in [
            (Access::Refused, ready, "70-portsight.rules"),
            (
                Access::Refused,
                ProbeState::WantsFirmware,
                "70-portsight.rules",
            ),
            (Access::Busy, ready, "Another program"),
            (Access::Unknown, ready, "no reason"),
            (Access::Allowed, ProbeState::WantsFirmware, "firmware"),
        ] {
            let hint = hint(access, state, None).unwrap_or_default();
            assert!(hint.contains(word) && hint.ends_with('.'), "{hint}");
        }
    }
}
