//! What the kernel's usbfs does for one device: claims, transfers in order, halts, cancels, and the end of it all.
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use portsight_usb_devices::{Answer, Setup, VirtualDevice};

use crate::fault::{Cue, Fault};
use crate::ffi::{Call, Memory};

const ENOENT: i32 = 2;
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ENOTTY: i32 = 25;
const EPIPE: i32 = 32;
const ENODATA: i32 = 61;
const EPROTO: i32 = 71;
const EOVERFLOW: i32 = 75;
const ESHUTDOWN: i32 = 108;

/// `usbfs_memory_mb`: all transfers in flight together, 16 MiB unless the administrator says otherwise.
const MEMORY: usize = 16 << 20;
/// As behind xHCI: ZERO_PACKET, NO_PACKET_SIZE_LIM, BULK_SCATTER_GATHER, REAP_AFTER_DISCONNECT; but no MMAP: there is
/// nothing to map.
const CAPABILITIES: u32 = 0x01 | 0x04 | 0x08 | 0x10;
const URB_CONTROL: u8 = 2;
const URB_BULK: u8 = 3;
/// struct usbdevfs_urb on 64 bits.
const URB_BYTES: usize = 56;
const AT_STATUS: usize = 4;
const AT_BUFFER: usize = 16;
const AT_LENGTH: usize = 24;
const AT_ACTUAL: usize = 28;

struct Urb {
    memory: Memory,
    buffer: Option<Memory>,
    file: usize,
    endpoint: u8,
    length: usize,
}

impl Urb {
    fn end(mut self, status: i32, actual: usize) -> Self {
        self.memory.update(AT_STATUS, &status.to_ne_bytes());
        self.memory
            .update(AT_ACTUAL, &(actual as i32).to_ne_bytes());
        self
    }
}

/// What passed, for the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub submitted: u64,
    pub reaped: u64,
    pub cancelled: u64,
    pub bulk_bytes: u64,
    pub most_in_flight: usize,
    pub halts_cleared: u64,
    /// Bulk transfers asked of the endpoint after the client was told that it is halted, and before it cleared that.
    pub submitted_while_halted: u64,
    pub lost_in_transfers: u64,
    pub unplugged: u64,
    pub faults_left: usize,
}

/// A device in its port.
pub struct Port {
    pub device: Box<dyn VirtualDevice>,
    pub traffic: Traffic,
    /// Device node now, or the last one while it is away.
    pub node: String,
    /// Nodes it had before: files may still be open.
    old_nodes: Vec<String>,
    /// Set when it is to leave: how long it stays away.
    pub leaves_for: Option<Duration>,
    is_busy: bool,
    is_there: bool,
    since: Instant,
    claimed_by: Option<usize>,
    pending: VecDeque<Urb>,
    done: VecDeque<Urb>,
    is_halted: bool,
    is_halt_told: bool,
    is_read: bool,
    first_bytes: Option<Instant>,
    cues: VecDeque<Cue>,
    /// Faults whose time has come, for the next transfer or request they fit.
    armed: VecDeque<Fault>,
    held_until: Option<Instant>,
}

impl Port {
    pub fn new(device: Box<dyn VirtualDevice>, is_busy: bool) -> Self {
        Self {
            device,
            traffic: Traffic::default(),
            node: String::new(),
            old_nodes: Vec::new(),
            leaves_for: None,
            is_busy,
            is_there: false,
            since: Instant::now(),
            claimed_by: None,
            pending: VecDeque::new(),
            done: VecDeque::new(),
            is_halted: false,
            is_halt_told: false,
            is_read: false,
            first_bytes: None,
            cues: VecDeque::new(),
            armed: VecDeque::new(),
            held_until: None,
        }
    }

    pub fn follow(&mut self, mut cues: Vec<Cue>) {
        cues.sort_by_key(|c| c.after);
        self.traffic.faults_left = cues.len();
        self.cues = cues.into();
    }

    /// It is plugged in, as this node.
    pub fn arrive(&mut self, node: String) {
        let old = std::mem::replace(&mut self.node, node);
        self.old_nodes.push(old);
        self.is_there = true;
    }

    /// Whether an open file of this node is, or was, of this device.
    pub fn answers_for(&self, node: &str) -> bool {
        self.node == node || self.old_nodes.iter().any(|n| n == node)
    }

    /// It is pulled out; what was in flight comes back as "shut down".
    pub fn leave(&mut self) {
        self.is_there = false;
        self.claimed_by = None;
        self.is_halted = false;
        self.is_halt_told = false;
        self.leaves_for = None;
        self.traffic.unplugged += 1;
        while let Some(urb) = self.pending.pop_front() {
            self.done.push_back(urb.end(-ESHUTDOWN, 0));
        }
        self.is_read = false;
        self.device.power_cycle();
    }

    /// Leaves and stays what it has become.
    pub fn reenumerate(&mut self) {
        self.is_there = false;
        self.claimed_by = None;
        self.leaves_for = None;
    }

    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    /// The file was closed: the kernel takes back all of its transfers.
    pub fn closed(&mut self, file: usize) {
        self.pending.retain(|urb| urb.file != file);
        self.done.retain(|urb| urb.file != file);
        if self.claimed_by == Some(file) {
            self.claimed_by = None;
        }
        self.rest_if_idle();
    }

    fn rest_if_idle(&mut self) {
        if self.is_read && !self.pending.iter().any(|u| u.endpoint & 0x80 != 0) {
            self.is_read = false;
            let now = self.now();
            self.device.idle(0x82, now);
            self.device.idle(0x81, now);
        }
    }

    /// Faults that are due.
    fn take_cues(&mut self) {
        let Some(first) = self.first_bytes else {
            return;
        };
        while self
            .cues
            .front()
            .is_some_and(|cue| first.elapsed() >= cue.after)
        {
            let Some(cue) = self.cues.pop_front() else {
                return;
            };
            self.traffic.faults_left -= 1;
            match cue.fault {
                Fault::Unplug(span) => self.leaves_for = Some(span),
                Fault::Hold(span) => self.held_until = Some(Instant::now() + span),
                fault => self.armed.push_back(fault),
            }
        }
    }

    /// Moves what can be moved. Called often.
    pub fn serve(&mut self) {
        if !self.is_there {
            return;
        }
        self.take_cues();
        let now = self.now();
        if self.device.reenumerates(now) {
            self.leaves_for = Some(Duration::ZERO);
        }
        if self.leaves_for.is_some() {
            return;
        }
        if self.held_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        while let Some(urb) = self.pending.front() {
            if self.is_halted {
                self.end_first(-EPIPE, 0);
                continue;
            }
            let (endpoint, length) = (urb.endpoint, urb.length);
            self.is_read = true;
            match self.device.bulk_in(endpoint, length, now) {
                Answer::Data(bytes) => self.send(&bytes),
                Answer::Stall => self.is_halted = true,
                Answer::Wait => break,
            }
        }
        self.rest_if_idle();
    }

    fn send(&mut self, bytes: &[u8]) {
        self.first_bytes.get_or_insert_with(Instant::now);
        let at = self.armed.iter().position(|f| *f != Fault::RefuseControl);
        let fault = at.and_then(|at| self.armed.remove(at));
        let (status, kept) = match fault {
            None => (0, bytes.len()),
            Some(Fault::Stall) => {
                self.is_halted = true;
                (-EPIPE, 0)
            }
            // An odd number, so that the cut falls within a line or a packet.
            Some(Fault::Short) => (0, (bytes.len() / 3) | 1),
            Some(Fault::Overflow) => (-EOVERFLOW, 0),
            Some(Fault::Noise) => (-EPROTO, 0),
            Some(Fault::Empty | Fault::Unplug(_) | Fault::Hold(_) | Fault::RefuseControl) => (0, 0),
        };
        let kept = bytes.get(..kept).unwrap_or(bytes);
        self.traffic.lost_in_transfers += (bytes.len() - kept.len()) as u64;
        self.traffic.bulk_bytes += kept.len() as u64;
        if let Some(buffer) = self.pending.front_mut().and_then(|urb| urb.buffer.as_mut()) {
            buffer.update(0, kept);
        }
        self.end_first(status, kept.len());
    }

    fn end_first(&mut self, status: i32, actual: usize) {
        if let Some(urb) = self.pending.pop_front() {
            self.done.push_back(urb.end(status, actual));
        }
    }

    /// One ioctl; `None` for a reap that has nothing yet.
    pub fn ioctl(&mut self, call: &Call) -> Option<Result<i64, i32>> {
        let request = Request::of(call.request());
        let is_gone = !self.is_there || self.node != call.node();
        if let Some(Request::Reap) = request {
            return self.reap(call, is_gone);
        }
        if is_gone {
            return Some(Err(ENODEV));
        }
        let argument = call.argument();
        let answer = match request {
            Some(Request::Capabilities) => write(&argument, &CAPABILITIES.to_ne_bytes()),
            Some(Request::Claim) => self.claim(call.file()),
            Some(Request::Release) => {
                self.claimed_by = None;
                Ok(0)
            }
            // No kernel driver is bound to a vendor interface; another program's claim shows as "usbfs".
            Some(Request::Driver) => Err(ENODATA),
            Some(Request::ClearHalt) => {
                self.is_halted = false;
                self.is_halt_told = false;
                self.traffic.halts_cleared += 1;
                Ok(0)
            }
            Some(Request::Accept) => Ok(0),
            Some(Request::Submit) => self.submit(call.file(), &argument),
            Some(Request::Discard) => self.discard(&argument),
            Some(Request::Reap) | None => Err(ENOTTY),
        };
        Some(answer)
    }

    fn claim(&mut self, file: usize) -> Result<i64, i32> {
        if self.is_busy || self.claimed_by.is_some_and(|holder| holder != file) {
            return Err(EBUSY);
        }
        self.claimed_by = Some(file);
        Ok(0)
    }

    fn submit(&mut self, file: usize, argument: &Memory) -> Result<i64, i32> {
        let memory = argument.resolve(0, URB_BYTES).ok_or(EINVAL)?;
        let bytes = memory.bytes();
        let [kind, endpoint, ..] = bytes else {
            return Err(EINVAL);
        };
        let (kind, endpoint) = (*kind, *endpoint);
        let length = bytes
            .get(AT_LENGTH..AT_LENGTH + 4)
            .and_then(|b| b.try_into().ok());
        let length =
            usize::try_from(i32::from_ne_bytes(length.ok_or(EINVAL)?)).map_err(|_| EINVAL)?;
        let in_flight: usize = self.pending.iter().map(|u| u.length).sum::<usize>() + length;
        if in_flight > MEMORY {
            return Err(ENOMEM);
        }
        self.traffic.submitted += 1;
        self.traffic.most_in_flight = self.traffic.most_in_flight.max(in_flight);
        let buffer = memory.resolve(AT_BUFFER, length);
        let urb = Urb {
            memory,
            buffer,
            file,
            endpoint,
            length,
        };
        match kind {
            URB_CONTROL => self.control(urb),
            URB_BULK if endpoint & 0x80 != 0 => {
                self.traffic.submitted_while_halted += u64::from(self.is_halt_told);
                self.pending.push_back(urb);
                self.serve();
                Ok(0)
            }
            _ => Err(EINVAL),
        }
    }

    fn control(&mut self, mut urb: Urb) -> Result<i64, i32> {
        let now = self.now();
        let buffer = urb.buffer.as_mut().ok_or(EINVAL)?;
        let (head, data) = buffer.bytes().split_first_chunk::<8>().ok_or(EINVAL)?;
        let setup = Setup {
            request_type: head[0],
            request: head[1],
            value: u16::from_le_bytes([head[2], head[3]]),
            index: u16::from_le_bytes([head[4], head[5]]),
            length: u16::from_le_bytes([head[6], head[7]]),
        };
        let is_in = setup.request_type & 0x80 != 0;
        let is_vendor = setup.request_type & 0x60 == 0x40;
        let refused = self.armed.iter().position(|f| *f == Fault::RefuseControl);
        let answer = match refused {
            Some(at) if is_vendor => {
                self.armed.remove(at);
                Answer::Stall
            }
            _ if is_vendor => self
                .device
                .control(setup, if is_in { &[] } else { data }, now),
            _ => standard(self.device.as_ref(), setup),
        };
        let urb = match answer {
            Answer::Data(bytes) if is_in => {
                let sent = bytes.get(..usize::from(setup.length)).unwrap_or(&bytes);
                buffer.update(8, sent);
                let count = sent.len();
                urb.end(0, count)
            }
            Answer::Data(_) => urb.end(0, usize::from(setup.length)),
            Answer::Stall | Answer::Wait => urb.end(-EPIPE, 0),
        };
        self.done.push_back(urb);
        Ok(0)
    }

    fn discard(&mut self, argument: &Memory) -> Result<i64, i32> {
        let address = argument
            .bytes()
            .first_chunk()
            .copied()
            .map(u64::from_ne_bytes);
        let at = self
            .pending
            .iter()
            .position(|u| Some(u.memory.address()) == address);
        let urb = at.and_then(|at| self.pending.remove(at)).ok_or(EINVAL)?;
        self.done.push_back(urb.end(-ENOENT, 0));
        self.traffic.cancelled += 1;
        self.rest_if_idle();
        Ok(0)
    }

    fn reap(&mut self, call: &Call, is_gone: bool) -> Option<Result<i64, i32>> {
        self.serve();
        let Some(at) = self.done.iter().position(|u| u.file == call.file()) else {
            return is_gone.then_some(Err(ENODEV));
        };
        let urb = self.done.remove(at)?;
        self.traffic.reaped += 1;
        let status = urb.memory.bytes().get(AT_STATUS..AT_STATUS + 4);
        let is_stall = status == Some(&(-EPIPE).to_ne_bytes()[..]);
        self.is_halt_told |= is_stall && self.is_halted && urb.endpoint & 0x80 != 0;
        let Some(mut place) = call.argument().resolve(0, 8) else {
            return Some(Err(EINVAL));
        };
        Some(if place.point_at(0, &urb.memory) {
            Ok(0)
        } else {
            Err(EINVAL)
        })
    }

    pub fn nothing_yet() -> Result<i64, i32> {
        Err(EAGAIN)
    }
}

fn write(argument: &Memory, bytes: &[u8]) -> Result<i64, i32> {
    let mut place = argument.resolve(0, bytes.len()).ok_or(EINVAL)?;
    place.update(0, bytes);
    Ok(0)
}

/// Standard requests, from the descriptors.
fn standard(device: &dyn VirtualDevice, setup: Setup) -> Answer {
    let descriptors = device.descriptors();
    let [index, kind] = setup.value.to_le_bytes();
    match (setup.request_type, setup.request, kind) {
        (0x80, 6, 1) => Answer::Data(descriptors.device.to_vec()),
        (0x80, 6, 2) => Answer::Data(descriptors.configuration.clone()),
        (0x80, 6, 3) if index == 0 => Answer::Data(vec![4, 3, 0x09, 0x04]),
        (0x80, 6, 3) => match descriptors.strings.get(usize::from(index) - 1) {
            Some(text) => {
                let mut bytes = vec![0, 3];
                bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
                bytes[0] = bytes.len() as u8;
                Answer::Data(bytes)
            }
            None => Answer::Stall,
        },
        (0x80, 8, _) => Answer::Data(vec![1]),
        (0x80, 0, _) => Answer::Data(vec![0, 0]),
        (0x00, 9, _) => Answer::Data(Vec::new()),
        _ => Answer::Stall,
    }
}

/// The ioctls of usbfs that a client may use (linux/usbdevice_fs.h).
enum Request {
    Capabilities,
    Claim,
    Release,
    Driver,
    ClearHalt,
    Submit,
    Discard,
    Reap,
    /// Answered with success: set configuration and interface, reset.
    Accept,
}

impl Request {
    fn of(number: u64) -> Option<Self> {
        // _IOC: type 'U' in bits 8 to 15, number in 0 to 7.
        if (number >> 8) & 0xFF != u64::from(b'U') {
            return None;
        }
        Some(match number & 0xFF {
            3 | 21 => Self::ClearHalt,
            4 | 5 | 20 => Self::Accept,
            8 => Self::Driver,
            10 => Self::Submit,
            11 => Self::Discard,
            13 => Self::Reap,
            15 | 27 => Self::Claim,
            16 => Self::Release,
            26 => Self::Capabilities,
            _ => return None,
        })
    }
}
