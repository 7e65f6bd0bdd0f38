//! Plugs virtual devices into a QEMU machine over usb-redir and does with them what the guest asks for.
//!
//! usage: `redir_host --orders SOCKET --records FOLDER DEVICE=SOCKET...`
//!
//! `--list` names the devices there are. Orders come line by line over the first socket (a serial port of
//! the guest) and are answered with `ok` or `no: why`:
//! `plug D`, `unplug D`, `yank D BYTES MS`, `silence D BYTES MS`, `stall D BYTES`. When that socket closes, the record
//! of every device is written to `FOLDER/DEVICE.json` and the program ends.
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portsight_usb_devices::record::Record;
use portsight_usb_devices::usbredir::{Event, Order, Session, greet, read_into};
use portsight_usb_devices::{DEVICES, VirtualDevice, device_named};

/// How long QEMU may take to open its sockets.
const PATIENCE: Duration = Duration::from_secs(20);
/// Packets and orders waiting for a device.
const WAITING: usize = 1024;

struct Plugged {
    events: SyncSender<Event>,
    record: Arc<Mutex<Record>>,
    session: JoinHandle<()>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("redir_host: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut orders = None;
    let mut records = None;
    let mut devices = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => {
                println!("{}", DEVICES.join("\n"));
                return Ok(());
            }
            "--orders" => orders = arguments.next().map(PathBuf::from),
            "--records" => records = arguments.next().map(PathBuf::from),
            other => match other.split_once('=') {
                Some((name, path)) => devices.push((name.to_owned(), PathBuf::from(path))),
                None => return Err(io::Error::other(format!("unknown argument {other}"))),
            },
        }
    }
    let (Some(orders), Some(records)) = (orders, records) else {
        return Err(io::Error::other("--orders and --records are needed"));
    };
    let begun = Instant::now();
    let orders = connect(&orders, begun)?;
    let mut plugged = BTreeMap::new();
    for (name, path) in devices {
        let device = device_named(&name)
            .ok_or_else(|| io::Error::other(format!("there is no virtual device {name}")))?;
        plugged.insert(name.clone(), start(name, device, &path, begun)?);
    }
    obey(orders, &plugged)?;
    for (name, device) in plugged {
        // A session that has ended already needs no order; one that ended badly has said so.
        device.events.try_send(Event::Order(Order::Stop)).ok();
        device.session.join().ok();
        let record = device.record.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_string(&record.as_json(&name))?;
        std::fs::write(records.join(format!("{name}.json")), text)?;
    }
    Ok(())
}

/// Waits for a socket of QEMU.
fn connect(path: &Path, begun: Instant) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path) {
            Ok(socket) => return Ok(socket),
            Err(problem) if begun.elapsed() > PATIENCE => {
                return Err(io::Error::other(format!("{}: {problem}", path.display())));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// One thread reads the socket, one is the device.
fn start(
    name: String,
    mut device: Box<dyn VirtualDevice>,
    path: &Path,
    begun: Instant,
) -> io::Result<Plugged> {
    let mut socket = connect(path, begun)?;
    greet(&mut socket)?;
    let (events, waiting) = sync_channel(WAITING);
    let record = Arc::new(Mutex::new(Record::default()));
    let (reading, into) = (socket.try_clone()?, events.clone());
    std::thread::spawn(move || read_into(reading, &into));
    let session = std::thread::spawn({
        let record = Arc::clone(&record);
        move || {
            let mut session = Session::new(socket, device.as_mut(), record, begun);
            if let Err(problem) = session.run(&waiting) {
                eprintln!("redir_host: {name}: {problem}");
            }
        }
    });
    Ok(Plugged {
        events,
        record,
        session,
    })
}

/// Takes orders until their socket closes.
fn obey(orders: UnixStream, plugged: &BTreeMap<String, Plugged>) -> io::Result<()> {
    let mut answers = orders.try_clone()?;
    for line in BufReader::new(orders).lines() {
        // QEMU is gone, and with it whoever gives orders.
        let Ok(line) = line else { break };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let answer = match order(line) {
            None => format!("no: unknown order {line}"),
            Some((name, order)) => match plugged.get(name) {
                None => format!("no: there is no device {name}"),
                Some(device) => match device.events.send(Event::Order(order)) {
                    Ok(()) => "ok".to_owned(),
                    Err(_) => format!("no: {name} has ended"),
                },
            },
        };
        eprintln!("redir_host: {line}: {answer}");
        if writeln!(answers, "{answer}").is_err() {
            break;
        }
    }
    Ok(())
}

fn order(line: &str) -> Option<(&str, Order)> {
    let mut words = line.split_whitespace();
    let (what, name) = (words.next()?, words.next()?);
    let mut number = || words.next()?.parse::<u64>().ok();
    let order = match what {
        "plug" => Order::Plug,
        "unplug" => Order::Unplug,
        "yank" => Order::Yank {
            after_bytes: number()?,
            away: Duration::from_millis(number()?),
        },
        "silence" => Order::Silence {
            after_bytes: number()?,
            span: Duration::from_millis(number()?),
        },
        "stall" => Order::Stall {
            after_bytes: number()?,
        },
        _ => return None,
    };
    Some((name, order))
}
