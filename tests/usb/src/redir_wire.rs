//! Packets of the usb-redir protocol, version 0.7, from bytes and back: only what a device end with control and bulk
//! endpoints needs. All numbers are little-endian.
use std::io::{self, Read, Write};

/// Longest body taken: one bulk transfer is at most 16 MiB (the limit of the guest's usbfs) and its header.
const LONGEST_BODY: u32 = (16 << 20) + 64;
/// A version string for people, padded with zeros.
const VERSION_BYTES: usize = 64;

/// Kinds of packets, by their numbers on the wire.
pub mod kind {
    pub const HELLO: u32 = 0;
    pub const DEVICE_CONNECT: u32 = 1;
    pub const DEVICE_DISCONNECT: u32 = 2;
    pub const RESET: u32 = 3;
    pub const INTERFACE_INFO: u32 = 4;
    pub const EP_INFO: u32 = 5;
    pub const SET_CONFIGURATION: u32 = 6;
    pub const GET_CONFIGURATION: u32 = 7;
    pub const CONFIGURATION_STATUS: u32 = 8;
    pub const SET_ALT_SETTING: u32 = 9;
    pub const GET_ALT_SETTING: u32 = 10;
    pub const ALT_SETTING_STATUS: u32 = 11;
    pub const CANCEL_DATA_PACKET: u32 = 21;
    pub const FILTER_REJECT: u32 = 22;
    pub const FILTER_FILTER: u32 = 23;
    pub const DEVICE_DISCONNECT_ACK: u32 = 24;
    pub const CONTROL_PACKET: u32 = 100;
    pub const BULK_PACKET: u32 = 101;
}

/// What both ends can do, as bits of the hello.
pub mod cap {
    pub const CONNECT_DEVICE_VERSION: u32 = 1 << 1;
    pub const DEVICE_DISCONNECT_ACK: u32 = 1 << 3;
    pub const EP_INFO_MAX_PACKET_SIZE: u32 = 1 << 4;
    pub const IDS_64_BITS: u32 = 1 << 5;
    pub const BULK_LENGTH_32_BITS: u32 = 1 << 6;
    /// Everything this device end counts on.
    pub const NEEDED: u32 = CONNECT_DEVICE_VERSION
        | DEVICE_DISCONNECT_ACK
        | EP_INFO_MAX_PACKET_SIZE
        | IDS_64_BITS
        | BULK_LENGTH_32_BITS;
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Success = 0,
    Cancelled = 1,
    Stall = 4,
    Babble = 6,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// One of [`kind`].
    pub kind: u32,
    /// Ties an answer to its question.
    pub id: u64,
    /// Header of the kind, and data.
    pub body: Vec<u8>,
}

/// The header of a control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlHeader {
    pub endpoint: u8,
    pub request: u8,
    pub request_type: u8,
    pub value: u16,
    pub index: u16,
    pub length: u16,
}

/// The header of a bulk packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkHeader {
    pub endpoint: u8,
    pub length: u32,
    pub stream: u32,
}

const CONTROL_HEADER_BYTES: usize = 10;
const BULK_HEADER_BYTES: usize = 10;

impl ControlHeader {
    /// The header, and the data behind it.
    pub fn parse(body: &[u8]) -> Option<(Self, &[u8])> {
        let (head, data) = body.split_first_chunk::<CONTROL_HEADER_BYTES>()?;
        let [
            endpoint,
            request,
            request_type,
            _status,
            v0,
            v1,
            i0,
            i1,
            l0,
            l1,
        ] = *head;
        let header = Self {
            endpoint,
            request,
            request_type,
            value: u16::from_le_bytes([v0, v1]),
            index: u16::from_le_bytes([i0, i1]),
            length: u16::from_le_bytes([l0, l1]),
        };
        Some((header, data))
    }

    /// The answer to this request.
    pub fn answer(&self, status: Status, length: u16, data: &[u8]) -> Vec<u8> {
        let mut body = vec![self.endpoint, self.request, self.request_type, status as u8];
        for number in [self.value, self.index, length] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(data);
        body
    }
}

impl BulkHeader {
    /// The header, and the data behind it.
    pub fn parse(body: &[u8]) -> Option<(Self, &[u8])> {
        let (head, data) = body.split_first_chunk::<BULK_HEADER_BYTES>()?;
        let [endpoint, _status, l0, l1, s0, s1, s2, s3, h0, h1] = *head;
        let header = Self {
            endpoint,
            length: u32::from_le_bytes([l0, l1, h0, h1]),
            stream: u32::from_le_bytes([s0, s1, s2, s3]),
        };
        Some((header, data))
    }

    /// The answer to this transfer: an IN transfer brings its data, an OUT transfer says how much was taken.
    pub fn answer(&self, status: Status, length: u32, data: &[u8]) -> Vec<u8> {
        let [l0, l1, h0, h1] = length.to_le_bytes();
        let mut body = vec![self.endpoint, status as u8, l0, l1];
        body.extend_from_slice(&self.stream.to_le_bytes());
        body.extend_from_slice(&[h0, h1]);
        body.extend_from_slice(data);
        body
    }
}

/// The hello of this end.
pub fn hello() -> Packet {
    let mut body = vec![0; VERSION_BYTES];
    let name = b"portsight virtual USB devices";
    body[..name.len()].copy_from_slice(name);
    body.extend_from_slice(&cap::NEEDED.to_le_bytes());
    Packet {
        kind: kind::HELLO,
        id: 0,
        body,
    }
}

/// What the other end can do, from its hello.
pub fn caps_of(hello: &Packet) -> io::Result<u32> {
    let caps = hello.body.get(VERSION_BYTES..VERSION_BYTES + 4);
    match (hello.kind, caps) {
        (kind::HELLO, Some(bytes)) => Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))),
        (kind::HELLO, None) => Ok(0),
        (other, _) => Err(io::Error::other(format!(
            "expected a hello (type 0), got type {other}"
        ))),
    }
}

/// The next packet. The hello has ids of 32 bits (`wide_ids` false), everything behind it those agreed on.
pub fn read_packet(from: &mut impl Read, wide_ids: bool) -> io::Result<Packet> {
    let kind = read_u32(from)?;
    let length = read_u32(from)?;
    let low = read_u32(from)?;
    let high = if wide_ids { read_u32(from)? } else { 0 };
    if length > LONGEST_BODY {
        return Err(io::Error::other(format!(
            "a packet of type {kind} claims {length} bytes; at most {LONGEST_BODY} can be"
        )));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(Packet {
        kind,
        id: u64::from(high) << 32 | u64::from(low),
        body,
    })
}

/// Sends a packet in one piece.
pub fn write_packet(to: &mut impl Write, packet: &Packet, wide_ids: bool) -> io::Result<()> {
    let length = u32::try_from(packet.body.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(packet.body.len() + 16);
    bytes.extend_from_slice(&packet.kind.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    if wide_ids {
        bytes.extend_from_slice(&packet.id.to_le_bytes());
    } else {
        bytes.extend_from_slice(&(packet.id as u32).to_le_bytes());
    }
    bytes.extend_from_slice(&packet.body);
    to.write_all(&bytes)
}

fn read_u32(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_the_wire_with_both_widths_of_ids() {
        for wide in [false, true] {
            let packet = Packet {
                kind: kind::BULK_PACKET,
                id: if wide { 0x1_2345_6789 } else { 0x2345_6789 },
                body: vec![1, 2, 3],
            };
            let mut bytes = Vec::new();
            write_packet(&mut bytes, &packet, wide).unwrap();
            assert_eq!(bytes.len(), 3 + if wide { 16 } else { 12 });
            assert_eq!(read_packet(&mut bytes.as_slice(), wide).unwrap(), packet);
        }
    }

    #[test]
    fn long_bulk_lengths_use_the_high_half() {
        let header = BulkHeader {
            endpoint: 0x82,
            length: 246_784,
            stream: 0,
        };
        let body = header.answer(Status::Success, 246_784, &[]);
        assert_eq!(body, [0x82, 0, 0x00, 0xc4, 0, 0, 0, 0, 3, 0]);
        assert_eq!(BulkHeader::parse(&body).unwrap().0, header);
    }

    #[test]
    fn absurd_sizes_are_refused_before_they_are_allocated() {
        let mut bytes = Vec::new();
        for number in [kind::BULK_PACKET, u32::MAX, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        assert!(read_packet(&mut bytes.as_slice(), false).is_err());
    }
}
