//! The device end against a machine played by the test.
use super::*;
use crate::interson::{Content, Firmware, Interson, LINE_BYTES, LINES};
use std::sync::mpsc::sync_channel;

const FRAME: u32 = (LINES * LINE_BYTES) as u32;
const PATIENCE: Duration = Duration::from_secs(20);

/// The other end, as QEMU would be; the session runs on a thread of its own.
struct Machine {
    socket: UnixStream,
    events: SyncSender<Event>,
    record: Arc<Mutex<Record>>,
    next_id: u64,
}

impl Machine {
    fn with(mut device: Interson) -> Self {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let (events, waiting) = sync_channel(64);
        let record = Arc::new(Mutex::new(Record::default()));
        std::thread::spawn({
            let (events, record) = (events.clone(), Arc::clone(&record));
            move || {
                greet(&mut theirs).unwrap();
                let reading = theirs.try_clone().unwrap();
                std::thread::spawn(move || read_into(reading, &events));
                let begun = Instant::now();
                Session::new(theirs, &mut device, record, begun)
                    .run(&waiting)
                    .unwrap();
            }
        });
        write_packet(&mut ours, &hello(), false).unwrap();
        assert_eq!(
            caps_of(&read_packet(&mut ours, false).unwrap()).unwrap(),
            cap::NEEDED
        );
        Self {
            socket: ours,
            events,
            record,
            next_id: 1,
        }
    }

    fn plugged(device: Interson) -> Self {
        let mut machine = Self::with(device);
        machine.events.send(Event::Order(Order::Plug)).unwrap();
        machine.arrives();
        machine
    }

    fn next(&mut self) -> Packet {
        read_packet(&mut self.socket, true).unwrap()
    }

    /// Reads what tells of a new device; returns the last packet.
    fn arrives(&mut self) -> Packet {
        assert_eq!(self.next().kind, kind::INTERFACE_INFO);
        assert_eq!(self.next().kind, kind::EP_INFO);
        let connect = self.next();
        assert_eq!(connect.kind, kind::DEVICE_CONNECT);
        connect
    }

    fn send(&mut self, kind: u32, body: Vec<u8>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        write_packet(&mut self.socket, &Packet { kind, id, body }, true).unwrap();
        id
    }

    fn register(&mut self, register: u16, value: u8) {
        let header = ControlHeader {
            endpoint: 0,
            request: 0xd8,
            request_type: 0x40,
            value: register,
            index: 0,
            length: 1,
        };
        let body = header.answer(Status::Success, 1, &[value]);
        let id = self.send(kind::CONTROL_PACKET, body);
        let answer = self.next();
        assert_eq!((answer.kind, answer.id), (kind::CONTROL_PACKET, id));
        assert_eq!(answer.body[3], Status::Success as u8);
    }

    fn start(&mut self) {
        for register in [0x0800, 0x0000] {
            self.register(register, 1);
        }
    }

    fn ask(&mut self, length: u32) -> u64 {
        let header = BulkHeader {
            endpoint: 0x82,
            length,
            stream: 0,
        };
        self.send(
            kind::BULK_PACKET,
            header.answer(Status::Success, length, &[]),
        )
    }

    /// Id, status and bytes of the next bulk answer.
    fn bulk(&mut self) -> (u64, u8, Vec<u8>) {
        let answer = self.next();
        assert_eq!(answer.kind, kind::BULK_PACKET);
        let (header, data) = BulkHeader::parse(&answer.body).unwrap();
        assert_eq!(header.length as usize, data.len());
        (answer.id, answer.body[1], data.to_vec())
    }
}

fn probe() -> Interson {
    Interson::new(Content::Pattern, Firmware::Loaded)
}

#[test]
fn transfers_are_answered_in_order_and_whole() {
    let mut machine = Machine::plugged(probe());
    machine.start();
    let asked: Vec<u64> = (0..3).map(|_| machine.ask(FRAME)).collect();
    for id in asked {
        let (answered, status, bytes) = machine.bulk();
        assert_eq!(
            (answered, status, bytes.len()),
            (id, Status::Success as u8, FRAME as usize)
        );
    }
}

#[test]
fn a_silent_device_holds_its_transfers_until_they_are_taken_back() {
    let mut machine = Machine::plugged(probe());
    let (first, second) = (machine.ask(FRAME), machine.ask(FRAME));
    for id in [second, first] {
        let cancel = Packet {
            kind: kind::CANCEL_DATA_PACKET,
            id,
            body: Vec::new(),
        };
        write_packet(&mut machine.socket, &cancel, true).unwrap();
        let (answered, status, bytes) = machine.bulk();
        assert_eq!(
            (answered, status, bytes.len()),
            (id, Status::Cancelled as u8, 0)
        );
    }
    assert_eq!(machine.record.lock().unwrap().cancelled, 2);
}

#[test]
fn a_yank_comes_after_so_many_bytes_and_the_device_comes_back_when_the_other_end_knows() {
    let mut machine = Machine::plugged(probe());
    let yank = Order::Yank {
        after_bytes: 2 * u64::from(FRAME),
        away: Duration::ZERO,
    };
    machine.events.send(Event::Order(yank)).unwrap();
    machine.start();
    for _ in 0..4 {
        machine.ask(FRAME);
    }
    machine.bulk();
    machine.bulk();
    assert_eq!(machine.next().kind, kind::DEVICE_DISCONNECT);
    machine.send(kind::DEVICE_DISCONNECT_ACK, Vec::new());
    let connect = machine.arrives();
    assert_eq!(connect.body[4..8], [0x21, 0x19, 0x90, 0x00]);
    let record = machine.record.lock().unwrap();
    assert_eq!((record.plugged.len(), record.yanked.len()), (2, 1));
    assert_eq!(record.bytes, 2 * u64::from(FRAME));
}

#[test]
fn a_halt_stays_until_it_is_cleared() {
    let mut machine = Machine::plugged(probe());
    let stall = Order::Stall { after_bytes: 1 };
    machine.events.send(Event::Order(stall)).unwrap();
    machine.start();
    for wanted in [Status::Success, Status::Stall, Status::Stall] {
        machine.ask(FRAME);
        assert_eq!(machine.bulk().1, wanted as u8);
    }
    let clear = ControlHeader {
        endpoint: 0,
        request: 1,
        request_type: 2,
        value: 0,
        index: 0x82,
        length: 0,
    };
    machine.send(kind::CONTROL_PACKET, clear.answer(Status::Success, 0, &[]));
    assert_eq!(machine.next().kind, kind::CONTROL_PACKET);
    machine.ask(FRAME);
    assert_eq!(machine.bulk().1, Status::Success as u8);
}

#[test]
fn a_probe_whose_firmware_was_loaded_comes_back_under_its_other_number() {
    let mut machine = Machine::plugged(Interson::new(Content::Pattern, Firmware::Wanted));
    for (address, byte) in [(0xe600, 1), (0x0000, 0x42), (0xe600, 0)] {
        let header = ControlHeader {
            endpoint: 0,
            request: 0xa0,
            request_type: 0x40,
            value: address,
            index: 0,
            length: 1,
        };
        let body = header.answer(Status::Success, 1, &[byte]);
        machine.send(kind::CONTROL_PACKET, body);
        assert_eq!(machine.next().kind, kind::CONTROL_PACKET);
    }
    assert_eq!(machine.next().kind, kind::DEVICE_DISCONNECT);
    machine.send(kind::DEVICE_DISCONNECT_ACK, Vec::new());
    let connect = machine.arrives();
    assert_eq!(connect.body[4..8], [0x21, 0x19, 0x90, 0x00]);
}
