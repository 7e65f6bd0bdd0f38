//! A small client for the virtual devices, with nothing of the program in it: tells a fault of the emulator from one of
//! the driver. `probe_client list | interson LINES | reference FRAMES`; exits with 1 when something was not as it was.
use std::process::ExitCode;
use std::time::Duration;

use portsight_usb_devices::picture::pattern_byte;
use portsight_usb_devices::{interson, reference};
use rusb::{Context, Device, DeviceHandle, UsbContext};

const PATIENCE: Duration = Duration::from_secs(1);
/// One frame of an Interson probe.
const READ: usize = interson::LINES * interson::LINE_BYTES;

fn find(context: &Context, vendor: u16, product: u16) -> Result<Device<Context>, String> {
    let devices = context.devices().map_err(|e| format!("list: {e}"))?;
    devices
        .iter()
        .find(|d| {
            d.device_descriptor()
                .is_ok_and(|ids| ids.vendor_id() == vendor && ids.product_id() == product)
        })
        .ok_or_else(|| format!("no {vendor:04x}:{product:04x}"))
}

fn open(context: &Context, vendor: u16, product: u16) -> Result<DeviceHandle<Context>, String> {
    let handle = find(context, vendor, product)?
        .open()
        .map_err(|e| format!("open: {e}"))?;
    handle
        .claim_interface(0)
        .map_err(|e| format!("claim: {e}"))?;
    Ok(handle)
}

fn list(context: &Context) -> Result<(), String> {
    for device in context.devices().map_err(|e| format!("list: {e}"))?.iter() {
        let ids = device
            .device_descriptor()
            .map_err(|e| format!("descriptor: {e}"))?;
        let opened = match device.open() {
            Ok(handle) => match handle.claim_interface(0) {
                Ok(()) => "opens".to_owned(),
                Err(problem) => format!("claim: {problem}"),
            },
            Err(problem) => format!("open: {problem}"),
        };
        let (bus, address) = (device.bus_number(), device.address());
        println!(
            "{bus}.{address} {:04x}:{:04x} {opened}",
            ids.vendor_id(),
            ids.product_id()
        );
    }
    Ok(())
}

fn interson(context: &Context, lines: usize) -> Result<(), String> {
    let handle = open(context, interson::VENDOR, interson::PRODUCT)?;
    let write = |register: u16, value: u8| {
        let sent = handle.write_control(0x40, 0xD8, register, 0, &[value], PATIENCE);
        sent.map_err(|e| format!("register {register:#06x}: {e}"))
    };
    for (register, value) in [(0x0201, 100), (0x0200, 1), (0x0800, 1), (0x0000, 1)] {
        write(register, value)?;
    }
    let mut bytes = vec![0; READ];
    let (mut seen, mut bad, mut leaps) = (0, 0, 0);
    // The frame begins anywhere; the pattern tells where. A whole-frame read loses lines between reads on purpose.
    while seen < lines {
        let came = handle.read_bulk(interson::ENDPOINT, &mut bytes, PATIENCE);
        let came = came.map_err(|e| format!("bulk: {e}"))?;
        let mut last = None;
        for line in bytes[..came].chunks_exact(interson::LINE_BYTES) {
            let place = (0..256u64)
                .flat_map(|frame| (0..interson::LINES).map(move |l| (frame, l)))
                .filter(|(frame, _)| frame % 16 == u64::from(line[0]))
                .find(|(frame, l)| {
                    (1..interson::LINE_BYTES).all(|s| line[s] == pattern_byte(*frame, *l, s))
                });
            match place {
                None => bad += 1,
                Some((frame, l)) => {
                    let number = frame * interson::LINES as u64 + l as u64;
                    leaps += u64::from(last.is_some_and(|n| n + 1 != number));
                    last = Some(number);
                }
            }
            seen += 1;
        }
    }
    for register in [0x0000, 0x0800, 0x0200] {
        write(register, 0)?;
    }
    println!("{seen} lines, {bad} bad, {leaps} leaps within reads");
    if bad > 0 {
        Err(format!("{bad} bad lines"))
    } else {
        Ok(())
    }
}

fn packet_length(bytes: &[u8]) -> Option<usize> {
    let payload = bytes.get(68..72)?.try_into().ok()?;
    Some(80 + u32::from_le_bytes(payload) as usize)
}

fn reference(context: &Context, frames: u64) -> Result<(), String> {
    let handle = open(context, reference::VENDOR, reference::PRODUCT)?;
    let mut block = [0; 512];
    let came = handle.read_control(0xC0, 0x50, 0, 0, &mut block, PATIENCE);
    println!(
        "identity: {} bytes",
        came.map_err(|e| format!("identify: {e}"))?
    );
    let started = handle.write_control(0x40, 0x54, 1, 0, &[], PATIENCE);
    started.map_err(|e| format!("start: {e}"))?;
    let mut packet = Vec::new();
    let mut bytes = vec![0; 1 << 20];
    let (mut seen, mut gaps, mut next) = (0, 0, 0);
    while seen < frames {
        let came = handle.read_bulk(reference::ENDPOINT, &mut bytes, PATIENCE);
        packet.extend_from_slice(&bytes[..came.map_err(|e| format!("bulk: {e}"))?]);
        while let Some(length) = packet_length(&packet).filter(|length| *length <= packet.len()) {
            let sequence = u64::from_le_bytes(packet[8..16].try_into().expect("8 bytes"));
            let crc = u32::from_le_bytes(packet[72..76].try_into().expect("4 bytes"));
            if !packet.starts_with(b"PSF\xA7") || crc != crc32fast::hash(&packet[80..length]) {
                return Err(format!("frame {sequence} is torn"));
            }
            gaps += sequence - next;
            next = sequence + 1;
            packet.drain(..length);
            seen += 1;
        }
    }
    let stopped = handle.write_control(0x40, 0x55, 0, 0, &[], PATIENCE);
    stopped.map_err(|e| format!("stop: {e}"))?;
    println!("{seen} frames, {gaps} lost by sequence");
    Ok(())
}

fn run() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = words.get(1).and_then(|w| w.parse().ok()).unwrap_or(100);
    let context = Context::new().map_err(|e| format!("libusb: {e}"))?;
    match words.first().map(String::as_str) {
        Some("list") => list(&context),
        Some("interson") => interson(&context, count),
        Some("reference") => reference(&context, count as u64),
        _ => Err("expected list, interson LINES or reference FRAMES".to_owned()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("probe_client: {problem}");
            ExitCode::FAILURE
        }
    }
}
