//! Descriptors of a device with one vendor interface and one bulk IN endpoint.
use crate::Descriptors;

/// What distinguishes one virtual device from another when it is enumerated.
pub struct Identity<'a> {
    pub vendor: u16,
    pub product: u16,
    /// Class, subclass and protocol of interface 0.
    pub interface_class: [u8; 3],
    /// Address of the bulk IN endpoint; `None` for a device that has only endpoint 0.
    pub bulk_in: Option<u8>,
    /// Manufacturer, product and serial number; an empty one is left out.
    pub strings: [&'a str; 3],
}

/// Packet size of a bulk endpoint at high speed (USB 2.0, 5.8.3).
pub const BULK_PACKET: u16 = 512;

impl Identity<'_> {
    /// The descriptors of a high-speed, bus-powered device.
    pub fn descriptors(&self) -> Descriptors {
        let mut strings = Vec::new();
        let indices = self.strings.map(|text| {
            if text.is_empty() {
                return 0;
            }
            strings.push(text.to_owned());
            strings.len() as u8
        });
        let [vendor_low, vendor_high] = self.vendor.to_le_bytes();
        let [product_low, product_high] = self.product.to_le_bytes();
        let device = [
            18,
            1,
            0x00,
            0x02,
            0,
            0,
            0,
            64,
            vendor_low,
            vendor_high,
            product_low,
            product_high,
            0x00,
            0x01,
            indices[0],
            indices[1],
            indices[2],
            1,
        ];
        let endpoints = u8::from(self.bulk_in.is_some());
        let [class, subclass, protocol] = self.interface_class;
        let mut configuration = vec![9, 2, 0, 0, 1, 1, 0, 0x80, 250];
        configuration.extend([9, 4, 0, 0, endpoints, class, subclass, protocol, 0]);
        if let Some(address) = self.bulk_in {
            let [size_low, size_high] = BULK_PACKET.to_le_bytes();
            configuration.extend([7, 5, address, 2, size_low, size_high, 0]);
        }
        let [total_low, total_high] = (configuration.len() as u16).to_le_bytes();
        configuration[2] = total_low;
        configuration[3] = total_high;
        Descriptors {
            device,
            configuration,
            strings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_indices_agree() {
        let descriptors = Identity {
            vendor: 0x1921,
            product: 0x0090,
            interface_class: [0xFF, 0, 0],
            bulk_in: Some(0x82),
            strings: ["", "a probe", ""],
        }
        .descriptors();
        let total =
            u16::from_le_bytes([descriptors.configuration[2], descriptors.configuration[3]]);
        assert_eq!(usize::from(total), descriptors.configuration.len());
        assert_eq!(descriptors.device[14..17], [0, 1, 0]);
        assert_eq!(descriptors.strings, ["a probe"]);
    }
}
