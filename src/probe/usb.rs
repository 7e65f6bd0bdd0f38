//! What is plugged in, by libusb. The only file that knows rusb.
use rusb::UsbContext as _;

use super::catalog::{KNOWN_PROBES, ProbeModel};

/// A known probe that is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachedProbe {
    /// Which kind.
    pub model: ProbeModel,
    /// Bus number.
    pub bus: u8,
    /// Address on the bus.
    pub address: u8,
}

/// USB cannot be listed on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("USB devices cannot be listed: {cause}")]
pub struct ListProblem {
    /// What libusb said.
    pub cause: String,
}

/// Known probes plugged in now, in the order of bus and address. A machine without USB gives an error, not a panic.
pub fn attached() -> Result<Vec<AttachedProbe>, ListProblem> {
    let problem = |cause: rusb::Error| ListProblem {
        cause: cause.to_string(),
    };
    let context = rusb::Context::new().map_err(problem)?;
    let devices = context.devices().map_err(problem)?;
    let mut found: Vec<AttachedProbe> = devices
        .iter()
        .filter_map(|device| {
            let ids = device.device_descriptor().ok()?;
            let model = KNOWN_PROBES
                .iter()
                .find(|m| m.vendor == ids.vendor_id() && m.product == ids.product_id())?;
            Some(AttachedProbe {
                model: *model,
                bus: device.bus_number(),
                address: device.address(),
            })
        })
        .collect();
    found.sort_by_key(|p| (p.bus, p.address));
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn listing_probes_never_panics_even_without_usb() {
        match super::attached() {
            Ok(probes) => println!("{} known probes attached", probes.len()),
            Err(problem) => assert!(problem.to_string().contains("USB")),
        }
    }
}
