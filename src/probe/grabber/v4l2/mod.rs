//! `VideoDevice` over the V4L2 system calls: the only file of this room's grabbers with `unsafe` code.
//!
//! Pure-Rust crates for V4L2 drop the driver's stamp and frame number and cannot wait with a patience (see
//! docs/DEPENDENCIES.md), so the few structures of `linux/videodev2.h` that streaming needs stand here; their sizes
//! are checked when this file is compiled, and the request numbers follow from them.
#![expect(
    unsafe_code,
    reason = "V4L2 is spoken by ioctl and mmap; every structure has its checked size"
)]
mod kernel;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{self, Opcode, Setter, Updater};
use rustix::mm::{MapFlags, ProtFlags};

use kernel::{
    Buffer, Capability, DQBUF, ENUM_FMT, ENUM_FRAMEINTERVALS, ENUM_FRAMESIZES, EventSubscription,
    Format, FormatDescription, FrameInterval, FrameSize, QBUF, QUERYBUF, QUERYCAP, REQBUFS,
    RequestBuffers, S_FMT, S_PARM, STREAMOFF, STREAMON, SUBSCRIBE_EVENT, StreamParameters,
};

use super::device::{
    Captured, DeclaredRange, DeviceIdentity, DeviceProblem, Granted, Interval, Mode, PixelFormat,
    VideoDevice, VideoNodes, Waited,
};
use super::modes::{COMMON_SIZES, is_sensible};
use super::sysfs;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
const VIDEO_CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`.
const MEMORY_MMAP: u32 = 1;
const CAP_VIDEO_CAPTURE: u32 = 0x1;
const CAP_STREAMING: u32 = 0x0400_0000;
const CAP_DEVICE_CAPS: u32 = 0x8000_0000;
/// Says that the fields after `priv` are meant (`V4L2_PIX_FMT_PRIV_MAGIC`).
const EXTENDED_FORMAT: u32 = 0xfeed_cafe;
/// Whole pictures. What a driver answers to this is checked: half pictures are refused.
const FIELD_NONE: u32 = 1;
const COLORSPACE_JPEG: u32 = 7;
const QUANTIZATION_FULL: u32 = 1;
const QUANTIZATION_LIMITED: u32 = 2;
const FRAME_SIZE_DISCRETE: u32 = 1;
const FLAG_ERROR: u32 = 0x40;
const FLAG_STAMP_MASK: u32 = 0xe000;
const FLAG_STAMP_MONOTONIC: u32 = 0x2000;
const EVENT_SOURCE_CHANGE: u32 = 5;
/// Buffers asked of the driver: one being filled, one being read, two to bridge a stall of two frames.
const BUFFERS: u32 = 4;
/// No list of a driver is followed further than this.
const LIST_LIMIT: u32 = 64;
/// A buffer larger than this is not mapped: four times 1920 x 1200 in colour.
const BUFFER_LIMIT: u32 = 64 << 20;

/// A structure of `videodev2.h` that a request reads and fills in. Private: every implementor is listed here.
trait Argument: Copy {}
impl Argument for Capability {}
impl Argument for FormatDescription {}
impl Argument for FrameSize {}
impl Argument for FrameInterval {}
impl Argument for Format {}
impl Argument for StreamParameters {}
impl Argument for RequestBuffers {}
impl Argument for Buffer {}

/// Sends a request whose structure the kernel fills in.
fn exchange<const REQUEST: Opcode, T: Argument>(
    file: &OwnedFd,
    argument: &mut T,
) -> Result<(), Errno> {
    // SAFETY: REQUEST was made above from the type of its structure, so the kernel reads and writes exactly
    // `size_of::<T>()` bytes of a live, exclusive reference; all of its fields are plain numbers, so anything the
    // kernel writes is a valid value.
    unsafe { ioctl::ioctl(file, Updater::<REQUEST, T>::new(argument)) }
}

/// Sends a request that the kernel only reads.
fn tell<const REQUEST: Opcode, T: Copy>(file: &OwnedFd, argument: T) -> Result<(), Errno> {
    // SAFETY: REQUEST is one of the three `write` numbers above, made from the type of its structure.
    unsafe { ioctl::ioctl(file, Setter::<REQUEST, T>::new(argument)) }
}

/// One buffer of the driver, mapped for reading.
struct Mapping {
    start: *mut std::ffi::c_void,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone, is read through `&self` only and unmapped once, on drop; nothing
// about it is tied to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(file: &OwnedFd, length: usize, offset: u64) -> Result<Self, Errno> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ,
                MapFlags::SHARED,
                file,
                offset,
            )?
        };
        Ok(Self { start, length })
    }

    /// The first `used` bytes. Only while the buffer is out of the driver's queue.
    fn bytes(&self, used: usize) -> &[u8] {
        // SAFETY: `start` is the start of `length` readable bytes that live as long as `self`. The caller holds the
        // buffer dequeued, and the driver writes to queued buffers only.
        unsafe { std::slice::from_raw_parts(self.start.cast::<u8>(), used.min(self.length)) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this address and length, and never again used.
        let outcome = unsafe { rustix::mm::munmap(self.start, self.length) };
        debug_assert!(outcome.is_ok(), "a mapping of ours can be unmapped");
    }
}

/// One open capture node.
pub(super) struct V4l2Device {
    path: PathBuf,
    file: OwnedFd,
    identity: DeviceIdentity,
    mappings: Vec<Mapping>,
    streams: bool,
}

impl V4l2Device {
    /// Opens a node; one that captures no pictures is refused.
    pub(super) fn open(path: &Path) -> Result<Self, DeviceProblem> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, FileMode::empty()).map_err(|errno| {
            if errno == Errno::ACCESS || errno == Errno::PERM {
                DeviceProblem::Refused {
                    path: path.to_owned(),
                }
            } else {
                problem(path, "opening it", errno)
            }
        })?;
        let no_capture = |cause: String| DeviceProblem::NoCapture {
            path: path.to_owned(),
            cause,
        };
        let mut capability = Capability::default();
        exchange::<QUERYCAP, _>(&file, &mut capability).map_err(|errno| match errno {
            Errno::NODEV => DeviceProblem::Gone,
            other => no_capture(format!("asked what it is, it says {other}")),
        })?;
        let able = if capability.capabilities & CAP_DEVICE_CAPS == 0 {
            capability.capabilities
        } else {
            capability.device_caps
        };
        if able & CAP_VIDEO_CAPTURE == 0 {
            return Err(no_capture(
                "it is for metadata, output or several planes".to_owned(),
            ));
        }
        if able & CAP_STREAMING == 0 {
            return Err(no_capture("it does not stream".to_owned()));
        }
        let identity = DeviceIdentity {
            card: words(&capability.card),
            bus_info: words(&capability.bus_info),
            serial: sysfs::usb_facts(path).serial,
            driver: words(&capability.driver),
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            identity,
            mappings: Vec::new(),
            streams: false,
        })
    }

    fn problem(&self, step: &'static str) -> impl Fn(Errno) -> DeviceProblem {
        let path = self.path.clone();
        move |errno| problem(&path, step, errno)
    }

    fn sizes(&self, format: u32) -> Vec<(u32, u32)> {
        let mut sizes = Vec::new();
        for index in 0..LIST_LIMIT {
            let mut answer = FrameSize {
                index,
                pixel_format: format,
                ..FrameSize::default()
            };
            if exchange::<ENUM_FRAMESIZES, _>(&self.file, &mut answer).is_err() {
                break;
            }
            let [a, b, c, d, e, f] = answer.size;
            if answer.kind == FRAME_SIZE_DISCRETE {
                sizes.push((a, b));
                continue;
            }
            let on_step = |value: u32, least: u32, most: u32, step: u32| {
                (least..=most).contains(&value) && (value - least).is_multiple_of(step.max(1))
            };
            let fits = |&(w, h): &(u32, u32)| on_step(w, a, b, c) && on_step(h, d, e, f);
            sizes.extend(COMMON_SIZES.iter().copied().filter(fits));
            sizes.push((b, e));
            break;
        }
        sizes
    }

    fn shortest_interval(&self, format: u32, (width, height): (u32, u32)) -> Option<Interval> {
        let mut shortest: Option<Interval> = None;
        for index in 0..LIST_LIMIT {
            let mut answer = FrameInterval {
                index,
                pixel_format: format,
                width,
                height,
                ..FrameInterval::default()
            };
            if exchange::<ENUM_FRAMEINTERVALS, _>(&self.file, &mut answer).is_err() {
                break;
            }
            let [numerator, denominator, ..] = answer.interval;
            let interval = Interval {
                numerator,
                denominator,
            };
            if interval.rate_hz() > shortest.and_then(Interval::rate_hz) {
                shortest = Some(interval);
            }
            // Ranges (kinds 2 and 3) have one entry.
            if answer.kind != FRAME_SIZE_DISCRETE {
                break;
            }
        }
        shortest
    }

    fn set_format(&self, wanted: &Mode) -> Result<Granted, DeviceProblem> {
        let mut format = Format {
            kind: VIDEO_CAPTURE,
            hole: 0,
            width: wanted.width,
            height: wanted.height,
            pixels: number(wanted.format),
            field: FIELD_NONE,
            bytes_per_line: 0,
            size_image: 0,
            colorspace: 0,
            private: EXTENDED_FORMAT,
            flags: 0,
            encoding: 0,
            quantization: 0,
            transfer: 0,
            rest: [0; 38],
        };
        exchange::<S_FMT, _>(&self.file, &mut format)
            .map_err(self.problem("asking for a picture size"))?;
        let Some(pixels) = PixelFormat::of_fourcc(&format.pixels.to_le_bytes()) else {
            return Err(DeviceProblem::NoFormat {
                offered: words(&format.pixels.to_le_bytes()),
            });
        };
        // 0 and 1: progressive, or not said. Everything above is fields of half a picture each.
        if format.field > FIELD_NONE {
            return Err(DeviceProblem::NoFormat {
                offered: "interlaced pictures".to_owned(),
            });
        }
        let range = match (format.private, format.quantization) {
            (EXTENDED_FORMAT, QUANTIZATION_FULL) => DeclaredRange::Full,
            (EXTENDED_FORMAT, QUANTIZATION_LIMITED) => DeclaredRange::Limited,
            _ if format.colorspace == COLORSPACE_JPEG => DeclaredRange::Full,
            _ => DeclaredRange::Unsaid,
        };
        let interval = self.set_interval(wanted.interval);
        Ok(Granted {
            mode: Mode {
                format: pixels,
                width: format.width,
                height: format.height,
                interval,
            },
            bytes_per_line: format.bytes_per_line,
            range,
        })
    }

    /// The interval granted; drivers without one refuse, and what was asked for is not known to hold then.
    fn set_interval(&self, wanted: Option<Interval>) -> Option<Interval> {
        let Interval {
            numerator,
            denominator,
        } = wanted?;
        let mut parameters = StreamParameters {
            kind: VIDEO_CAPTURE,
            capability: 0,
            capture_mode: 0,
            interval: [numerator, denominator],
            rest: [0; 46],
        };
        exchange::<S_PARM, _>(&self.file, &mut parameters).ok()?;
        let [numerator, denominator] = parameters.interval;
        let granted = Interval {
            numerator,
            denominator,
        };
        granted.rate_hz().map(|_| granted)
    }

    fn map_buffers(&mut self) -> Result<(), DeviceProblem> {
        let mut request = RequestBuffers {
            count: BUFFERS,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_MMAP,
            ..RequestBuffers::default()
        };
        exchange::<REQBUFS, _>(&self.file, &mut request)
            .map_err(self.problem("asking for buffers"))?;
        for index in 0..request.count.min(LIST_LIMIT) {
            let mut buffer = mapped_buffer(index);
            exchange::<QUERYBUF, _>(&self.file, &mut buffer)
                .map_err(self.problem("asking where a buffer is"))?;
            if buffer.length == 0 || buffer.length > BUFFER_LIMIT {
                return Err(DeviceProblem::Driver {
                    step: "asking where a buffer is",
                    cause: format!("expected 1 to {BUFFER_LIMIT} bytes, got {}", buffer.length),
                });
            }
            let offset = buffer.place & 0xffff_ffff;
            let mapping = Mapping::new(&self.file, buffer.length as usize, offset)
                .map_err(self.problem("mapping a buffer"))?;
            self.mappings.push(mapping);
            exchange::<QBUF, _>(&self.file, &mut buffer)
                .map_err(self.problem("handing a buffer to the driver"))?;
        }
        Ok(())
    }

    /// Ends the stream and gives the buffers back; `Err` with the first thing that failed.
    fn release(&mut self) -> Result<(), Errno> {
        let mut outcome = Ok(());
        if self.streams {
            outcome = tell::<STREAMOFF, _>(&self.file, VIDEO_CAPTURE);
            self.streams = false;
        }
        if !self.mappings.is_empty() {
            self.mappings.clear();
            let mut none = RequestBuffers {
                kind: VIDEO_CAPTURE,
                memory: MEMORY_MMAP,
                ..RequestBuffers::default()
            };
            outcome = outcome.and(exchange::<REQBUFS, _>(&self.file, &mut none));
        }
        outcome
    }
}

impl VideoDevice for V4l2Device {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn modes(&mut self) -> Result<Vec<Mode>, DeviceProblem> {
        let (mut modes, mut offered) = (Vec::new(), Vec::new());
        for index in 0..LIST_LIMIT {
            let mut description = FormatDescription {
                index,
                kind: VIDEO_CAPTURE,
                ..FormatDescription::default()
            };
            match exchange::<ENUM_FMT, _>(&self.file, &mut description) {
                Ok(()) => {}
                Err(Errno::NODEV) => return Err(DeviceProblem::Gone),
                Err(_) => break,
            }
            let letters = description.pixel_format.to_le_bytes();
            offered.push(words(&letters));
            let Some(format) = PixelFormat::of_fourcc(&letters) else {
                continue;
            };
            for size in self.sizes(description.pixel_format) {
                let mode = Mode {
                    format,
                    width: size.0,
                    height: size.1,
                    interval: self.shortest_interval(description.pixel_format, size),
                };
                if is_sensible(&mode) && !modes.contains(&mode) {
                    modes.push(mode);
                }
            }
        }
        if modes.is_empty() {
            let offered = if offered.is_empty() {
                "nothing".to_owned()
            } else {
                offered.join(", ")
            };
            return Err(DeviceProblem::NoFormat { offered });
        }
        Ok(modes)
    }

    fn start(&mut self, wanted: &Mode) -> Result<Granted, DeviceProblem> {
        self.stop()?;
        let granted = self.set_format(wanted)?;
        self.map_buffers()?;
        let subscription = EventSubscription {
            kind: EVENT_SOURCE_CHANGE,
            ..EventSubscription::default()
        };
        // Most USB grabbers know no events; then a change shows in the frames only.
        let _known = tell::<SUBSCRIBE_EVENT, _>(&self.file, subscription).is_ok();
        tell::<STREAMON, _>(&self.file, VIDEO_CAPTURE)
            .map_err(self.problem("starting the stream"))?;
        self.streams = true;
        Ok(granted)
    }

    fn dequeue(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(Captured<'_>),
    ) -> Result<Waited, DeviceProblem> {
        let wait = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        let mut polled = [PollFd::new(&self.file, PollFlags::IN | PollFlags::PRI)];
        match rustix::event::poll(&mut polled, Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Waited::Nothing),
            Ok(_) => {}
            Err(errno) => return Err(problem(&self.path, "waiting for a frame", errno)),
        }
        let [answer] = polled;
        if answer.revents().contains(PollFlags::PRI) {
            return Err(DeviceProblem::SourceChanged);
        }
        let mut buffer = mapped_buffer(0);
        match exchange::<DQBUF, _>(&self.file, &mut buffer) {
            Ok(()) => {}
            Err(Errno::AGAIN) if answer.revents().contains(PollFlags::HUP) => {
                return Err(DeviceProblem::Gone);
            }
            Err(Errno::AGAIN) => return Ok(Waited::Nothing),
            Err(errno) => return Err(problem(&self.path, "taking a frame", errno)),
        }
        let Some(mapping) = self.mappings.get(buffer.index as usize) else {
            return Err(DeviceProblem::Driver {
                step: "taking a frame",
                cause: format!(
                    "expected buffer 0 to {}, got {}",
                    self.mappings.len().saturating_sub(1),
                    buffer.index
                ),
            });
        };
        take(Captured {
            bytes: mapping.bytes(buffer.bytes_used as usize),
            stamp: stamp(&buffer),
            sequence: buffer.sequence,
            is_damaged: buffer.flags & FLAG_ERROR != 0,
        });
        exchange::<QBUF, _>(&self.file, &mut buffer)
            .map_err(self.problem("handing a buffer back"))?;
        Ok(Waited::Captured)
    }

    fn stop(&mut self) -> Result<(), DeviceProblem> {
        self.release()
            .map_err(|errno| problem(&self.path, "stopping the stream", errno))
    }

    fn monotonic(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        span(now.tv_sec, now.tv_nsec)
    }
}

impl Drop for V4l2Device {
    fn drop(&mut self) {
        // Closing the node ends whatever this could not.
        let _ended = self.release().is_ok();
    }
}

/// The nodes of this machine.
#[derive(Debug, Default)]
pub(super) struct V4l2Nodes;

impl VideoNodes for V4l2Nodes {
    fn nodes(&mut self) -> Vec<PathBuf> {
        sysfs::nodes().unwrap_or_default()
    }

    fn open(&mut self, path: &Path) -> Result<Box<dyn VideoDevice>, DeviceProblem> {
        Ok(Box::new(V4l2Device::open(path)?))
    }

    fn pause(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

fn problem(path: &Path, step: &'static str, errno: Errno) -> DeviceProblem {
    match errno {
        Errno::NODEV | Errno::NXIO | Errno::NOENT => DeviceProblem::Gone,
        Errno::BUSY => DeviceProblem::Busy {
            path: path.to_owned(),
        },
        // The cable's picture went away or changed its size (drivers of HDMI bridges).
        Errno::PIPE | Errno::NOLINK | Errno::NOLCK => DeviceProblem::SourceChanged,
        Errno::NOTTY => DeviceProblem::NoCapture {
            path: path.to_owned(),
            cause: "it does not answer as a V4L2 device".to_owned(),
        },
        other => DeviceProblem::Driver {
            step,
            cause: other.to_string(),
        },
    }
}

fn mapped_buffer(index: u32) -> Buffer {
    Buffer {
        index,
        kind: VIDEO_CAPTURE,
        memory: MEMORY_MMAP,
        ..Buffer::default()
    }
}

fn stamp(buffer: &Buffer) -> Option<Duration> {
    let monotonic = buffer.flags & FLAG_STAMP_MASK == FLAG_STAMP_MONOTONIC;
    monotonic.then(|| span(buffer.seconds, buffer.micros.saturating_mul(1000)))
}

fn span(seconds: i64, nanos: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
        .saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

fn number(format: PixelFormat) -> u32 {
    let mut letters = [0; 4];
    for (to, from) in letters.iter_mut().zip(format.fourcc().bytes()) {
        *to = from;
    }
    u32::from_le_bytes(letters)
}

/// Text of a fixed field. A driver cuts long names anywhere, so that half a letter at the end is no surprise.
fn words(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default())
        .trim()
        .to_owned()
}
