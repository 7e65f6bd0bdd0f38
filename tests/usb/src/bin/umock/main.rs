//! A mocked usbfs with virtual probes behind it, for one client: the client's own code, rusb and libusb are real, the
//! kernel is not. Run under umockdev-wrapper:
//!
//! `umockdev-wrapper umock --device interson --fault stall@2 --report R -- portsight live --source usb …`
//!
//! `--device` (repeated): `interson[:pump]`, `interson-new` (before its firmware), `reference[:LINESxSAMPLES@FPS]`; with
//! `,refused` (may not be opened by this user) or `,busy` (held by another program). `--fault` (repeated): see `fault`;
//! it happens to the first device. The exit code is that of the client; 124 when it ran longer than `--timeout`.
mod fault;
mod ffi;
mod usbfs;

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fault::Cue;
use ffi::{Call, Kernel, Testbed};
use portsight_usb_devices::reference::Config;
use portsight_usb_devices::{VirtualDevice, interson, reference};
use usbfs::Port;

/// How long a reap waits for something: libusb asks again at once, and would take a whole core.
const REAP_PATIENCE: Duration = Duration::from_millis(2);
const LOOK_AGAIN: Duration = Duration::from_micros(200);
const NOBODY: u32 = 65_534;

struct Board {
    ports: Mutex<Vec<Port>>,
}

impl Board {
    fn ports(&self) -> MutexGuard<'_, Vec<Port>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The board, for the library's thread.
struct Answering(Arc<Board>);

impl Kernel for Answering {
    fn ioctl(&self, call: &Call) -> Result<i64, i32> {
        let node = call.node();
        let asked = Instant::now();
        loop {
            {
                let mut ports = self.0.ports();
                // A file of a device that left is still open under its old node.
                let Some(port) = ports.iter_mut().find(|p| p.answers_for(&node)) else {
                    return Err(19);
                };
                if let Some(answer) = port.ioctl(call) {
                    return answer;
                }
            }
            if asked.elapsed() >= REAP_PATIENCE {
                return Port::nothing_yet();
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn closed(&self, node: &str, file: usize) {
        if let Some(port) = self.0.ports().iter_mut().find(|p| p.answers_for(node)) {
            port.closed(file);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Allowed,
    Refused,
}

struct Arguments {
    devices: Vec<(Port, Access)>,
    cues: Vec<Cue>,
    report: Option<PathBuf>,
    timeout: Duration,
    client: Vec<String>,
}

fn device(text: &str) -> Result<(Port, Access), String> {
    let (what, how) = text.split_once(',').unwrap_or((text, ""));
    let (kind, detail) = what.split_once(':').unwrap_or((what, ""));
    let device: Box<dyn VirtualDevice> = match (kind, detail) {
        ("interson", "") => Box::new(interson::Interson::new(
            interson::Content::Pattern,
            interson::Firmware::Loaded,
        )),
        ("interson", "pump") => Box::new(interson::Interson::new(
            interson::Content::Pump,
            interson::Firmware::Loaded,
        )),
        ("interson-new", "") => Box::new(interson::Interson::new(
            interson::Content::Pump,
            interson::Firmware::Wanted,
        )),
        ("reference", _) => Box::new(reference::Reference::new(reference_size(detail)?)),
        _ => return Err(format!("--device: unknown kind {what:?}")),
    };
    let access = if how == "refused" {
        Access::Refused
    } else {
        Access::Allowed
    };
    match how {
        "" | "refused" | "busy" => Ok((Port::new(device, how == "busy"), access)),
        _ => Err(format!(
            "--device: expected refused or busy after the comma, got {how:?}"
        )),
    }
}

fn reference_size(text: &str) -> Result<Config, String> {
    if text.is_empty() {
        return Ok(Config::default());
    }
    let wrong = || format!("--device reference: expected LINESxSAMPLES@FPS, got {text:?}");
    let (size, rate) = text.split_once('@').ok_or_else(wrong)?;
    let (lines, samples) = size.split_once('x').ok_or_else(wrong)?;
    Ok(Config {
        lines: lines.parse().map_err(|_| wrong())?,
        samples: samples.parse().map_err(|_| wrong())?,
        frames_per_second: rate.parse().map_err(|_| wrong())?,
        ..Config::default()
    })
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        devices: Vec::new(),
        cues: Vec::new(),
        report: None,
        timeout: Duration::from_secs(60),
        client: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--" {
            found.client = words.collect();
            break;
        }
        let value = words
            .next()
            .ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--device" => found.devices.push(device(&value)?),
            "--fault" => found.cues.push(fault::cue(&value)?),
            "--report" => found.report = Some(value.into()),
            "--timeout" => {
                let seconds = value
                    .parse()
                    .map_err(|_| format!("--timeout: expected seconds, got {value:?}"))?;
                found.timeout = Duration::from_secs(seconds);
            }
            _ => return Err(format!("unknown argument {word:?}")),
        }
    }
    if found.client.is_empty() || found.devices.is_empty() {
        return Err("expected --device KIND … -- CLIENT ARGUMENTS…".to_owned());
    }
    if let Some((port, _)) = found.devices.first_mut() {
        port.follow(std::mem::take(&mut found.cues));
    }
    Ok(found)
}

/// Where a port is in /sys, and its device node under an address.
fn places(port: usize, address: u8) -> (String, String) {
    let path = format!("/devices/pci0000:00/0000:00:14.0/usb1/1-{}", port + 1);
    (path, format!("/dev/bus/usb/001/{address:03}"))
}

fn description(device: &dyn VirtualDevice, port: usize, address: u8) -> String {
    let descriptors = device.descriptors();
    let (path, node) = places(port, address);
    let name = node.strip_prefix("/dev/").unwrap_or(&node);
    let hex: String = descriptors
        .device
        .iter()
        .chain(&descriptors.configuration)
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02X}");
            hex
        });
    let minor = address - 1;
    format!(
        "P: {path}\nN: {name}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNAME={node}\nE: BUSNUM=001\n\
         E: DEVNUM={address:03}\nE: MAJOR=189\nE: MINOR={minor}\nA: busnum=1\\n\nA: devnum={address}\\n\n\
         A: speed=480\\n\nA: bConfigurationValue=1\\n\nH: descriptors={hex}\n\n"
    )
}

/// The bus: which address each port has, and who is away until when.
struct Bus {
    testbed: Testbed,
    board: Arc<Board>,
    root: PathBuf,
    access: Vec<Access>,
    next_address: u8,
    away: Vec<Option<Instant>>,
}

impl Bus {
    fn plug_in(&mut self, port: usize) -> Result<(), String> {
        let address = self.next_address;
        self.next_address = self
            .next_address
            .checked_add(1)
            .ok_or("more than 255 plugs")?;
        let (_, node) = places(port, address);
        let description = {
            let mut ports = self.board.ports();
            ports[port].arrive(node.clone());
            description(ports[port].device.as_ref(), port, address)
        };
        self.testbed.add(&description, &node)?;
        self.open_to_all();
        if self.access[port] == Access::Refused {
            let real = self.root.join(node.trim_start_matches('/'));
            set_mode(&real, 0o000)?;
        }
        Ok(())
    }

    /// The client may run as somebody else: everything but refused nodes is open to it.
    fn open_to_all(&self) {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let _ = set_mode(&folder, 0o777);
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let mode = entry
                    .metadata()
                    .map_or(0, |m| m.permissions().mode() & 0o777);
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if !kind.is_symlink() && mode != 0 {
                    let _ = set_mode(&entry.path(), 0o666);
                }
            }
        }
    }

    /// Unplugs and plugs in as the ports ask for it.
    fn follow(&mut self) -> Result<(), String> {
        for port in 0..self.away.len() {
            match self.away[port] {
                None => {
                    let (node, span) = {
                        let mut ports = self.board.ports();
                        ports[port].serve();
                        let Some(span) = ports[port].leaves_for else {
                            continue;
                        };
                        let node = ports[port].node.clone();
                        if span.is_zero() {
                            ports[port].reenumerate();
                        } else {
                            ports[port].leave();
                        }
                        (node, span)
                    };
                    let (path, _) = places(port, 1);
                    self.testbed.remove(&path, &node);
                    self.away[port] = Some(Instant::now() + span);
                }
                Some(until) if until <= Instant::now() => {
                    self.away[port] = None;
                    self.plug_in(port)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|e| format!("mode of {}: {e}", path.display()))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Resident memory, KiB.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

struct Watched {
    code: u8,
    /// Resident memory of the client, KiB, once a second.
    memory: Vec<u64>,
}

fn watch(client: &mut Child, bus: &mut Bus, timeout: Duration) -> Result<Watched, String> {
    let started = Instant::now();
    let mut memory = Vec::new();
    loop {
        if let Some(status) = client.try_wait().map_err(|e| format!("client: {e}"))? {
            let code = status
                .code()
                .and_then(|c| u8::try_from(c).ok())
                .unwrap_or(125);
            return Ok(Watched { code, memory });
        }
        if started.elapsed() > timeout {
            eprintln!("umock: the client ran longer than {} s", timeout.as_secs());
            client.kill().map_err(|e| format!("client: {e}"))?;
            client.wait().map_err(|e| format!("client: {e}"))?;
            return Ok(Watched { code: 124, memory });
        }
        bus.follow()?;
        if started.elapsed().as_secs() as usize >= memory.len() {
            memory.extend(resident(client.id()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn report(board: &Board, watched: &Watched) -> String {
    let ports = board.ports();
    let devices: Vec<String> = ports
        .iter()
        .map(|port| {
            let t = port.traffic;
            format!(
                "{{\"device\":{},\"submitted\":{},\"reaped\":{},\"cancelled\":{},\"bulk_bytes\":{},\
                 \"most_in_flight\":{},\"halts_cleared\":{},\"submitted_while_halted\":{},\"lost_in_transfers\":{},\"unplugged\":{},\
                 \"faults_left\":{}}}",
                port.device.report(),
                t.submitted,
                t.reaped,
                t.cancelled,
                t.bulk_bytes,
                t.most_in_flight,
                t.halts_cleared,
                t.submitted_while_halted,
                t.lost_in_transfers,
                t.unplugged,
                t.faults_left,
            )
        })
        .collect();
    format!(
        "{{\"client_exit\":{},\"client_rss_kib\":{:?},\"devices\":[{}]}}\n",
        watched.code,
        watched.memory,
        devices.join(",")
    )
}

fn run() -> Result<u8, String> {
    let Arguments {
        devices,
        cues: _,
        report: report_file,
        timeout,
        client,
    } = arguments()?;
    let (ports, access): (Vec<Port>, Vec<Access>) = devices.into_iter().unzip();
    let board = Arc::new(Board {
        ports: Mutex::new(ports),
    });
    let testbed = Testbed::new(Box::new(Answering(Arc::clone(&board))))
        .ok_or("run me under umockdev-wrapper")?;
    let root = PathBuf::from(testbed.root());
    let is_refusing = access.contains(&Access::Refused);
    let mut bus = Bus {
        testbed,
        board: Arc::clone(&board),
        root,
        away: vec![None; access.len()],
        access,
        next_address: 2,
    };
    for port in 0..bus.away.len() {
        bus.plug_in(port)?;
    }
    let mut words = client.iter();
    let program = words.next().ok_or("no client")?;
    let mut command = Command::new(program);
    command.args(words);
    if is_refusing && is_root() {
        // Root is refused nothing; the client has to be somebody for whom the mode of the node counts.
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut client = command.spawn().map_err(|e| format!("{program}: {e}"))?;
    let watched = watch(&mut client, &mut bus, timeout)?;
    // The library hears of the closed file a moment after the client has ended.
    std::thread::sleep(Duration::from_millis(50));
    let text = report(&board, &watched);
    match report_file {
        Some(file) => {
            std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?
        }
        None => eprint!("{text}"),
    }
    Ok(watched.code)
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            eprintln!("umock: {problem}");
            ExitCode::from(126)
        }
    }
}
