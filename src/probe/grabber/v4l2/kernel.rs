//! The structures of `linux/videodev2.h` that streaming needs, with their sizes checked, and the requests made from them.
use rustix::ioctl::{self, Opcode};

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Capability {
    pub(super) driver: [u8; 16],
    pub(super) card: [u8; 32],
    pub(super) bus_info: [u8; 32],
    pub(super) version: u32,
    pub(super) capabilities: u32,
    pub(super) device_caps: u32,
    pub(super) reserved: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FormatDescription {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) description: [u8; 32],
    pub(super) pixel_format: u32,
    pub(super) media_bus_code: u32,
    pub(super) reserved: [u32; 3],
}

/// `v4l2_frmsizeenum`; a discrete size takes the first two places, a range all six: least, most and step of columns,
/// then of rows.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FrameSize {
    pub(super) index: u32,
    pub(super) pixel_format: u32,
    pub(super) kind: u32,
    pub(super) size: [u32; 6],
    pub(super) reserved: [u32; 2],
}

/// `v4l2_frmivalenum`; the shortest interval stands first, alone or as the least of a range.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct FrameInterval {
    pub(super) index: u32,
    pub(super) pixel_format: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kind: u32,
    pub(super) interval: [u32; 6],
    pub(super) reserved: [u32; 2],
}

#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub(super) kind: u32,
    pub(super) hole: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: u32,
    pub(super) field: u32,
    pub(super) bytes_per_line: u32,
    pub(super) size_image: u32,
    pub(super) colorspace: u32,
    pub(super) private: u32,
    pub(super) flags: u32,
    pub(super) encoding: u32,
    pub(super) quantization: u32,
    pub(super) transfer: u32,
    pub(super) rest: [u32; 38],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct StreamParameters {
    pub(super) kind: u32,
    pub(super) capability: u32,
    pub(super) capture_mode: u32,
    pub(super) interval: [u32; 2],
    pub(super) rest: [u32; 46],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct RequestBuffers {
    pub(super) count: u32,
    pub(super) kind: u32,
    pub(super) memory: u32,
    pub(super) capabilities: u32,
    pub(super) flags: u32,
}

/// `v4l2_buffer` where a pointer has 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Buffer {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) bytes_used: u32,
    pub(super) flags: u32,
    pub(super) field: u32,
    pub(super) hole: u32,
    pub(super) seconds: i64,
    pub(super) micros: i64,
    pub(super) timecode: [u32; 4],
    pub(super) sequence: u32,
    pub(super) memory: u32,
    /// A union; for mapped memory its low half is the offset to map.
    pub(super) place: u64,
    pub(super) length: u32,
    pub(super) reserved: u32,
    pub(super) request: u32,
    pub(super) tail: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct EventSubscription {
    pub(super) kind: u32,
    pub(super) id: u32,
    pub(super) flags: u32,
    pub(super) reserved: [u32; 5],
}

const _: () = assert!(size_of::<Capability>() == 104);
const _: () = assert!(size_of::<FormatDescription>() == 64);
const _: () = assert!(size_of::<FrameSize>() == 44);
const _: () = assert!(size_of::<FrameInterval>() == 52);
const _: () = assert!(size_of::<Format>() == 208);
const _: () = assert!(size_of::<StreamParameters>() == 204);
const _: () = assert!(size_of::<RequestBuffers>() == 20);
const _: () = assert!(size_of::<Buffer>() == 88);
const _: () = assert!(size_of::<EventSubscription>() == 32);

pub(super) const QUERYCAP: Opcode = ioctl::opcode::read::<Capability>(b'V', 0);
pub(super) const ENUM_FMT: Opcode = ioctl::opcode::read_write::<FormatDescription>(b'V', 2);
pub(super) const S_FMT: Opcode = ioctl::opcode::read_write::<Format>(b'V', 5);
pub(super) const REQBUFS: Opcode = ioctl::opcode::read_write::<RequestBuffers>(b'V', 8);
pub(super) const QUERYBUF: Opcode = ioctl::opcode::read_write::<Buffer>(b'V', 9);
pub(super) const QBUF: Opcode = ioctl::opcode::read_write::<Buffer>(b'V', 15);
pub(super) const DQBUF: Opcode = ioctl::opcode::read_write::<Buffer>(b'V', 17);
pub(super) const STREAMON: Opcode = ioctl::opcode::write::<u32>(b'V', 18);
pub(super) const STREAMOFF: Opcode = ioctl::opcode::write::<u32>(b'V', 19);
pub(super) const S_PARM: Opcode = ioctl::opcode::read_write::<StreamParameters>(b'V', 22);
pub(super) const ENUM_FRAMESIZES: Opcode = ioctl::opcode::read_write::<FrameSize>(b'V', 74);
pub(super) const ENUM_FRAMEINTERVALS: Opcode = ioctl::opcode::read_write::<FrameInterval>(b'V', 75);
pub(super) const SUBSCRIBE_EVENT: Opcode = ioctl::opcode::write::<EventSubscription>(b'V', 90);
