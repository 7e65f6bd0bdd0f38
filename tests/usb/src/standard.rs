//! The standard requests of USB 2.0, chapter 9, answered from a device's descriptors, and what can be read from them.
use crate::{Answer, Descriptors, Setup};

const GET_STATUS: u8 = 0;
const CLEAR_FEATURE: u8 = 1;
const SET_FEATURE: u8 = 3;
const GET_DESCRIPTOR: u8 = 6;
const DEVICE: u8 = 1;
const CONFIGURATION: u8 = 2;
const STRING: u8 = 3;
const INTERFACE: u8 = 4;
const ENDPOINT: u8 = 5;
/// bmRequestType of a request to an endpoint, without its direction.
const TO_ENDPOINT: u8 = 0x02;
/// English (United States), the one language of our strings.
const LANGUAGES: [u8; 4] = [4, STRING, 0x09, 0x04];

/// One interface of a configuration, in its first alternate setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    pub number: u8,
    pub class: u8,
    pub subclass: u8,
    pub protocol: u8,
}

/// One endpoint beside endpoint 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: u8,
    /// 1 isochronous, 2 bulk, 3 interrupt.
    pub kind: u8,
    pub interface: u8,
    pub interval: u8,
    pub max_packet: u16,
}

/// What the other end is told of interfaces and endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Layout {
    pub interfaces: Vec<Interface>,
    pub endpoints: Vec<Endpoint>,
}

/// Whether a request asks for a halt of an endpoint to be cleared; which one.
pub fn halt_to_clear(setup: Setup) -> Option<u8> {
    (setup.request_type == TO_ENDPOINT && setup.request == CLEAR_FEATURE && setup.value == 0)
        .then_some(setup.index as u8)
}

/// The answer to a standard request; `None` for a vendor or class request, which is the device's own to answer.
pub fn answer(descriptors: &Descriptors, setup: Setup) -> Option<Answer> {
    if setup.request_type & 0x60 != 0 {
        return None;
    }
    let data = match setup.request {
        GET_STATUS => vec![0, 0],
        CLEAR_FEATURE | SET_FEATURE => Vec::new(),
        GET_DESCRIPTOR => {
            let [index, kind] = setup.value.to_le_bytes();
            match descriptor(descriptors, kind, index) {
                Some(bytes) => bytes,
                None => return Some(Answer::Stall),
            }
        }
        _ => return Some(Answer::Stall),
    };
    let length = data.len().min(usize::from(setup.length));
    Some(Answer::Data(data[..length].to_vec()))
}

fn descriptor(descriptors: &Descriptors, kind: u8, index: u8) -> Option<Vec<u8>> {
    match (kind, index) {
        (DEVICE, _) => Some(descriptors.device.to_vec()),
        (CONFIGURATION, 0) => Some(descriptors.configuration.clone()),
        (STRING, 0) => Some(LANGUAGES.to_vec()),
        (STRING, _) => {
            let text = descriptors.strings.get(usize::from(index) - 1)?;
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let mut bytes = vec![u8::try_from(units.len() + 2).ok()?, STRING];
            bytes.extend(units);
            Some(bytes)
        }
        _ => None,
    }
}

/// Interfaces and endpoints of a configuration descriptor.
pub fn layout(configuration: &[u8]) -> Layout {
    let mut layout = Layout::default();
    let mut rest = configuration;
    let mut alternate = 0;
    while let [length, kind, ..] = *rest {
        let length = usize::from(length);
        if length < 2 || length > rest.len() {
            break;
        }
        let (this, behind) = rest.split_at(length);
        match (kind, this) {
            (INTERFACE, &[_, _, number, setting, _, class, subclass, protocol, ..]) => {
                alternate = setting;
                if setting == 0 {
                    layout.interfaces.push(Interface {
                        number,
                        class,
                        subclass,
                        protocol,
                    });
                }
            }
            (ENDPOINT, &[_, _, address, attributes, low, high, interval, ..]) if alternate == 0 => {
                layout.endpoints.push(Endpoint {
                    address,
                    kind: attributes & 3,
                    interface: layout.interfaces.last().map_or(0, |i| i.number),
                    interval,
                    max_packet: u16::from_le_bytes([low, high]) & 0x7ff,
                });
            }
            _ => {}
        }
        rest = behind;
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Descriptors {
        Descriptors {
            device: [18; 18],
            configuration: vec![
                9, 2, 25, 0, 1, 1, 0, 0x80, 50, //
                9, 4, 0, 0, 1, 0xff, 0, 0, 0, //
                7, 5, 0x82, 2, 0x00, 0x02, 0,
            ],
            strings: vec!["Maker".to_owned()],
        }
    }

    fn get(value: u16, length: u16) -> Setup {
        Setup {
            request_type: 0x80,
            request: GET_DESCRIPTOR,
            value,
            index: 0,
            length,
        }
    }

    #[test]
    fn descriptors_are_cut_to_the_length_asked_for() {
        let first = answer(&device(), get(0x0200, 9));
        assert_eq!(
            first,
            Some(Answer::Data(device().configuration[..9].to_vec()))
        );
        let string = answer(&device(), get(0x0301, 255));
        assert_eq!(
            string,
            Some(Answer::Data(b"\x0c\x03M\0a\0k\0e\0r\0".to_vec()))
        );
        assert_eq!(answer(&device(), get(0x0302, 255)), Some(Answer::Stall));
        assert_eq!(answer(&device(), get(0x0600, 10)), Some(Answer::Stall));
    }

    #[test]
    fn vendor_requests_are_left_to_the_device() {
        let setup = Setup {
            request_type: 0xc0,
            request: 0xd8,
            value: 0,
            index: 0,
            length: 1,
        };
        assert_eq!(answer(&device(), setup), None);
    }

    #[test]
    fn the_layout_is_read_from_the_configuration() {
        let layout = layout(&device().configuration);
        assert_eq!(layout.interfaces.len(), 1);
        assert_eq!(layout.interfaces[0].class, 0xff);
        assert_eq!(
            layout.endpoints,
            [Endpoint {
                address: 0x82,
                kind: 2,
                interface: 0,
                interval: 0,
                max_packet: 512
            }]
        );
    }
}
