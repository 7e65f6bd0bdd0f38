//! The device end of usb-redir: plugs a virtual device into a QEMU machine from outside, over a socket, so that the
//! guest's own USB stack (xhci_hcd, usbcore, usbfs, uvcvideo) does the rest.
//!
//! A bulk transfer the device has nothing for is held, as a NAK holds it on the wire: timeouts in the guest are real.
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::record::{Outcome, Record, Request};
use crate::redir_wire::{
    BulkHeader, ControlHeader, Packet, Status, cap, caps_of, hello, kind, read_packet, write_packet,
};
use crate::standard::{self, Layout};
use crate::{Answer, Setup, VirtualDevice};

/// How often a held transfer is offered to the device again.
const HELD_RETRY: Duration = Duration::from_millis(1);
/// How often a device with nothing to do looks at its schedule.
const IDLE: Duration = Duration::from_millis(10);
/// Transfers answered before orders and requests are looked at again.
const TRANSFERS_AT_ONCE: usize = 64;
/// Places in the numbering of endpoints by usb-redir: 16 OUT, then 16 IN.
const ENDPOINTS: usize = 32;
/// Endpoint types of usb-redir.
const TYPE_CONTROL: u8 = 0;
const TYPE_NONE: u8 = 255;
/// High speed, 480 Mbit/s.
const SPEED_HIGH: u8 = 2;

/// What the test wants done with the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Plug it in.
    Plug,
    /// Pull it out.
    Unplug,
    /// Pull it out once so many more bytes have been streamed, and plug it in again after a while.
    Yank { after_bytes: u64, away: Duration },
    /// Say nothing on bulk endpoints for a while, once so many more bytes have been streamed.
    Silence { after_bytes: u64, span: Duration },
    /// Halt the endpoint of the next bulk transfer after so many more bytes; the halt stays until it is cleared.
    Stall { after_bytes: u64 },
    /// End the session.
    Stop,
}

/// What a session waits for.
#[derive(Debug)]
pub enum Event {
    Packet(Packet),
    Order(Order),
    Closed,
}

/// A bulk transfer the guest waits for.
struct Transfer {
    id: u64,
    header: BulkHeader,
}

/// A control request the device has no answer to yet.
struct Held {
    id: u64,
    header: ControlHeader,
    data: Vec<u8>,
}

/// One device on one socket.
pub struct Session<'a> {
    socket: UnixStream,
    device: &'a mut dyn VirtualDevice,
    layout: Layout,
    record: Arc<Mutex<Record>>,
    begun: Instant,
    /// When it got its power; `None` while it is unplugged.
    powered_at: Option<Instant>,
    /// The guest was told of it.
    is_connected: bool,
    /// Disconnected, and the other end has not said that it knows.
    leaving: bool,
    /// When to plug in again.
    back_at: Option<Instant>,
    faults: Faults,
    transfers: VecDeque<Transfer>,
    requests: VecDeque<Held>,
    halted: BTreeSet<u8>,
    configuration: u8,
}

/// What is to go wrong: bytes still to be streamed before it does, and how long it lasts.
#[derive(Default)]
struct Faults {
    yank: Option<(u64, Duration)>,
    silence: Option<(u64, Duration)>,
    silent_until: Option<Instant>,
    stall: Option<u64>,
}

/// Reads packets of one socket into the queue of a session until the socket closes. The hello has been read.
pub fn read_into(mut socket: UnixStream, events: &SyncSender<Event>) {
    while let Ok(packet) = read_packet(&mut socket, true) {
        if events.send(Event::Packet(packet)).is_err() {
            return;
        }
    }
    // The session may have ended before its socket did.
    events.send(Event::Closed).ok();
}

/// Exchanges hellos. Fails when the other end lacks something needed.
pub fn greet(socket: &mut UnixStream) -> io::Result<()> {
    write_packet(socket, &hello(), false)?;
    let caps = caps_of(&read_packet(socket, false)?)?;
    if caps & cap::NEEDED == cap::NEEDED {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "the other end can do {caps:#x}; needed is {:#x}",
            cap::NEEDED
        )))
    }
}

impl<'a> Session<'a> {
    /// A session on a socket whose hellos were exchanged. `begun` is the origin of the times in the record.
    pub fn new(
        socket: UnixStream,
        device: &'a mut dyn VirtualDevice,
        record: Arc<Mutex<Record>>,
        begun: Instant,
    ) -> Self {
        Self {
            socket,
            device,
            layout: Layout::default(),
            record,
            begun,
            powered_at: None,
            is_connected: false,
            leaving: false,
            back_at: None,
            faults: Faults::default(),
            transfers: VecDeque::new(),
            requests: VecDeque::new(),
            halted: BTreeSet::new(),
            configuration: 0,
        }
    }

    /// Serves until the socket closes or the session is told to stop; then the device says what it saw.
    pub fn run(&mut self, events: &Receiver<Event>) -> io::Result<()> {
        let ending = self.serve_until_told(events);
        let report = self.device.report();
        self.note(|record| record.report = report);
        ending
    }

    fn serve_until_told(&mut self, events: &Receiver<Event>) -> io::Result<()> {
        let mut busy = false;
        loop {
            let patience = if busy {
                Duration::ZERO
            } else if self.transfers.is_empty() && self.requests.is_empty() {
                IDLE
            } else {
                HELD_RETRY
            };
            match events.recv_timeout(patience) {
                Ok(Event::Packet(packet)) => self.packet(packet)?,
                Ok(Event::Order(Order::Stop) | Event::Closed)
                | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Event::Order(order)) => self.order(order)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            busy = self.work()?;
        }
    }

    fn note(&self, write: impl FnOnce(&mut Record)) {
        write(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn send(&mut self, kind: u32, id: u64, body: Vec<u8>) -> io::Result<()> {
        write_packet(&mut self.socket, &Packet { kind, id, body }, true)
    }

    fn order(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Plug if self.powered_at.is_none() => self.back_at = Some(Instant::now()),
            Order::Plug | Order::Stop => {}
            Order::Unplug => {
                self.back_at = None;
                self.unplug()?;
            }
            Order::Yank { after_bytes, away } => self.faults.yank = Some((after_bytes, away)),
            Order::Silence { after_bytes, span } => self.faults.silence = Some((after_bytes, span)),
            Order::Stall { after_bytes } => self.faults.stall = Some(after_bytes),
        }
        Ok(())
    }

    /// Tells the guest that the device is there.
    fn connect(&mut self) -> io::Result<()> {
        self.layout = standard::layout(&self.device.descriptors().configuration);
        let (mut kinds, mut intervals, mut owners) =
            ([TYPE_NONE; ENDPOINTS], [0; ENDPOINTS], [0; ENDPOINTS]);
        let mut sizes = [0_u16; ENDPOINTS];
        // Endpoint 0, both ways, is there on every device.
        (kinds[0], kinds[16]) = (TYPE_CONTROL, TYPE_CONTROL);
        (sizes[0], sizes[16]) = (64, 64);
        for endpoint in &self.layout.endpoints {
            let place = place_of(endpoint.address);
            kinds[place] = endpoint.kind;
            intervals[place] = endpoint.interval;
            owners[place] = endpoint.interface;
            sizes[place] = endpoint.max_packet;
        }
        let mut interfaces = (self.layout.interfaces.len() as u32).to_le_bytes().to_vec();
        let fields: [fn(&standard::Interface) -> u8; 4] =
            [|i| i.number, |i| i.class, |i| i.subclass, |i| i.protocol];
        for field in fields {
            let mut column = [0; ENDPOINTS];
            for (to, from) in column.iter_mut().zip(&self.layout.interfaces) {
                *to = field(from);
            }
            interfaces.extend_from_slice(&column);
        }
        self.send(kind::INTERFACE_INFO, 0, interfaces)?;
        let mut endpoints = [kinds, intervals, owners].concat();
        endpoints.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        self.send(kind::EP_INFO, 0, endpoints)?;
        let device = self.device.descriptors().device;
        let [class, subclass, protocol] = [device[4], device[5], device[6]];
        let mut connect = vec![SPEED_HIGH, class, subclass, protocol];
        // idVendor, idProduct, bcdDevice
        connect.extend_from_slice(&device[8..14]);
        self.send(kind::DEVICE_CONNECT, 0, connect)?;
        self.is_connected = true;
        let at = self.begun.elapsed();
        self.note(|record| record.plugged.push(at));
        Ok(())
    }

    /// Tells the guest that it is gone.
    fn disconnect(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_connected) {
            return Ok(());
        }
        self.forget();
        self.leaving = true;
        let at = self.begun.elapsed();
        self.note(|record| record.yanked.push(at));
        self.send(kind::DEVICE_DISCONNECT, 0, Vec::new())
    }

    /// Out of the socket, and without power.
    fn unplug(&mut self) -> io::Result<()> {
        if self.powered_at.take().is_some() {
            self.device.power_cycle();
        }
        self.disconnect()
    }

    /// What a device forgets when it is reset or unplugged.
    fn forget(&mut self) {
        let endpoints: BTreeSet<u8> = self.transfers.iter().map(|t| t.header.endpoint).collect();
        self.transfers.clear();
        for endpoint in endpoints {
            self.tell_if_idle(endpoint);
        }
        self.requests.clear();
        self.halted.clear();
        self.configuration = 0;
    }

    fn packet(&mut self, packet: Packet) -> io::Result<()> {
        let Packet { kind, id, body } = packet;
        if kind == kind::DEVICE_DISCONNECT_ACK {
            self.leaving = false;
        }
        if !self.is_connected {
            // Sent before the other end knew that the device is gone.
            return Ok(());
        }
        match (kind, body.as_slice()) {
            (kind::RESET, _) => self.forget(),
            (kind::SET_CONFIGURATION, &[configuration]) => {
                self.configuration = configuration;
                // USB 2.0, 9.4.5: it ends every halt.
                self.halted.clear();
                self.send(kind::CONFIGURATION_STATUS, id, vec![0, configuration])?;
            }
            (kind::GET_CONFIGURATION, _) => {
                self.send(kind::CONFIGURATION_STATUS, id, vec![0, self.configuration])?;
            }
            (kind::SET_ALT_SETTING, &[interface, setting]) => {
                // Devices here have one setting an interface.
                let status = if setting == 0 {
                    Status::Success
                } else {
                    Status::Stall
                };
                let body = vec![status as u8, interface, 0];
                self.send(kind::ALT_SETTING_STATUS, id, body)?;
            }
            (kind::GET_ALT_SETTING, &[interface]) => {
                self.send(kind::ALT_SETTING_STATUS, id, vec![0, interface, 0])?;
            }
            (kind::CANCEL_DATA_PACKET, _) => self.cancel(id)?,
            (kind::CONTROL_PACKET, _) => {
                if let Some((header, data)) = ControlHeader::parse(&body) {
                    let data = data.to_vec();
                    self.control(Held { id, header, data })?;
                }
            }
            (kind::BULK_PACKET, _) => {
                if let Some((header, _)) = BulkHeader::parse(&body) {
                    self.bulk(id, header)?;
                }
            }
            (kind::FILTER_FILTER | kind::FILTER_REJECT | kind::DEVICE_DISCONNECT_ACK, _) => {}
            _ => self.note(|record| record.unknown_packets.push(kind)),
        }
        Ok(())
    }

    /// Since the device was plugged in.
    fn now(&self) -> Duration {
        self.powered_at.map_or(Duration::ZERO, |at| at.elapsed())
    }

    fn control(&mut self, held: Held) -> io::Result<()> {
        let header = held.header;
        let setup = Setup {
            request_type: header.request_type,
            request: header.request,
            value: header.value,
            index: header.index,
            length: header.length,
        };
        if let Some(endpoint) = standard::halt_to_clear(setup) {
            self.halted.remove(&endpoint);
            self.note(|record| record.halts_cleared += 1);
        }
        let own = standard::answer(self.device.descriptors(), setup);
        let is_own = own.is_none();
        let now = self.now();
        let answer = own.unwrap_or_else(|| self.device.control(setup, &held.data, now));
        let inward = header.request_type & 0x80 != 0;
        let (status, sent) = match answer {
            Answer::Data(bytes) => (Status::Success, bytes),
            Answer::Stall => (Status::Stall, Vec::new()),
            Answer::Wait => {
                self.requests.push_back(held);
                return Ok(());
            }
        };
        if is_own {
            let (at, refused) = (self.begun.elapsed(), status == Status::Stall);
            let data = if inward { sent.clone() } else { held.data };
            self.note(|record| {
                record.note(Request {
                    at,
                    plug: record.plugged.len() as u32,
                    setup,
                    data,
                    outcome: if refused {
                        Outcome::Refused
                    } else {
                        Outcome::Taken
                    },
                });
            });
        }
        let length = match (status, inward) {
            (Status::Success, false) => header.length,
            _ => sent.len() as u16,
        };
        let body = header.answer(status, length, &sent);
        self.send(kind::CONTROL_PACKET, held.id, body)
    }

    fn bulk(&mut self, id: u64, header: BulkHeader) -> io::Result<()> {
        if header.endpoint & 0x80 == 0 {
            // Devices here take nothing on bulk endpoints.
            self.note(|record| record.stalls += 1);
            let body = header.answer(Status::Stall, 0, &[]);
            return self.send(kind::BULK_PACKET, id, body);
        }
        self.transfers.push_back(Transfer { id, header });
        Ok(())
    }

    fn cancel(&mut self, id: u64) -> io::Result<()> {
        self.note(|record| record.cancelled += 1);
        if let Some(at) = self.transfers.iter().position(|t| t.id == id)
            && let Some(transfer) = self.transfers.remove(at)
        {
            self.tell_if_idle(transfer.header.endpoint);
            let body = transfer.header.answer(Status::Cancelled, 0, &[]);
            return self.send(kind::BULK_PACKET, id, body);
        }
        if let Some(at) = self.requests.iter().position(|r| r.id == id)
            && let Some(held) = self.requests.remove(at)
        {
            let body = held.header.answer(Status::Cancelled, 0, &[]);
            return self.send(kind::CONTROL_PACKET, id, body);
        }
        // Answered already; the two packets crossed.
        Ok(())
    }

    /// Does what is due. Returns whether there may be more to do at once.
    fn work(&mut self) -> io::Result<bool> {
        if !self.leaving
            && self.powered_at.is_none()
            && self.back_at.is_some_and(|at| at <= Instant::now())
        {
            self.back_at = None;
            self.powered_at = Some(Instant::now());
            self.connect()?;
        }
        if self.powered_at.is_none() {
            return Ok(false);
        }
        if !self.is_connected && !self.leaving {
            self.connect()?;
        }
        let now = self.now();
        if self.device.reenumerates(now) {
            self.disconnect()?;
        }
        if !self.is_connected {
            return Ok(false);
        }
        for held in std::mem::take(&mut self.requests) {
            self.control(held)?;
        }
        if self
            .faults
            .silent_until
            .is_some_and(|at| at > Instant::now())
        {
            return Ok(false);
        }
        self.faults.silent_until = None;
        let endpoints: BTreeSet<u8> = self.transfers.iter().map(|t| t.header.endpoint).collect();
        let mut answered = 0;
        for endpoint in endpoints {
            while answered < TRANSFERS_AT_ONCE && self.serve(endpoint)? {
                answered += 1;
                if !self.is_connected || self.faults.silent_until.is_some() {
                    return Ok(false);
                }
            }
        }
        Ok(answered >= TRANSFERS_AT_ONCE)
    }

    /// Tries to answer the oldest transfer of an endpoint. Returns whether it could.
    fn serve(&mut self, endpoint: u8) -> io::Result<bool> {
        let Some(at) = self
            .transfers
            .iter()
            .position(|t| t.header.endpoint == endpoint)
        else {
            return Ok(false);
        };
        let Some(header) = self.transfers.get(at).map(|t| t.header) else {
            return Ok(false);
        };
        let room = header.length as usize;
        let now = self.now();
        let answer = if self.halted.contains(&endpoint) {
            Answer::Stall
        } else {
            self.device.bulk_in(endpoint, room, now)
        };
        let (status, mut bytes) = match answer {
            Answer::Wait => return Ok(false),
            Answer::Stall => (Status::Stall, Vec::new()),
            Answer::Data(bytes) if bytes.len() > room => (Status::Babble, bytes),
            Answer::Data(bytes) => (Status::Success, bytes),
        };
        bytes.truncate(room);
        let Some(transfer) = self.transfers.remove(at) else {
            return Ok(false);
        };
        let count = bytes.len() as u64;
        if status == Status::Stall {
            self.halted.insert(endpoint);
            self.note(|record| record.stalls += 1);
        } else {
            self.note(|record| {
                record.transfers += 1;
                record.bytes += count;
            });
        }
        let body = header.answer(status, bytes.len() as u32, &bytes);
        self.send(kind::BULK_PACKET, transfer.id, body)?;
        self.tell_if_idle(endpoint);
        self.fault(endpoint, count)?;
        Ok(true)
    }

    /// The device has to know when nobody waits for its bytes any more.
    fn tell_if_idle(&mut self, endpoint: u8) {
        if !self.transfers.iter().any(|t| t.header.endpoint == endpoint) {
            let now = self.now();
            self.device.idle(endpoint, now);
        }
    }

    /// Lets go wrong what is due after so many more bytes.
    fn fault(&mut self, endpoint: u8, streamed: u64) -> io::Result<()> {
        let due = |left: &mut u64| {
            *left = left.saturating_sub(streamed);
            *left == 0
        };
        if let Some(left) = &mut self.faults.stall
            && due(left)
        {
            self.faults.stall = None;
            self.halted.insert(endpoint);
        }
        if let Some((left, span)) = &mut self.faults.silence
            && due(left)
        {
            self.faults.silent_until = Some(Instant::now() + *span);
            self.faults.silence = None;
        }
        if let Some((left, away)) = &mut self.faults.yank
            && due(left)
        {
            self.back_at = Some(Instant::now() + *away);
            self.faults.yank = None;
            self.unplug()?;
        }
        Ok(())
    }
}

/// The place of an endpoint in usb-redir's tables.
fn place_of(address: u8) -> usize {
    usize::from(address & 0x0f) | usize::from(address & 0x80) >> 3
}

#[cfg(test)]
#[path = "usbredir_tests.rs"]
mod tests;
