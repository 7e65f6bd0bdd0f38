//! The checks, run by run, in the order of tests/usb/guest_plan.sh.
use std::collections::BTreeMap;
use std::path::Path;

use portsight_usb_devices::{interson, reference};
use serde_json::Value;

use crate::Verdict;
use crate::run::Run;

/// Bytes of one frame of the virtual Interson probe.
const INTERSON_FRAME: u64 = (interson::LINES * interson::LINE_BYTES) as u64;
/// Frames that may be on their way when a probe is pulled out or stopped: what is in flight is at most 16 MiB.
const FRAMES_IN_FLIGHT: u64 = (16 << 20) / INTERSON_FRAME;
/// The same for the reference probe: transfers in flight, and what it keeps itself.
const REFERENCE_IN_FLIGHT: u64 = 16;
/// The reference voltage, the only one allowed.
const VOLTAGE: u64 = 100;
/// Register numbers (docs of the driver).
const ACQUISITION: u64 = 0x0000;
const HIGH_VOLTAGE: u64 = 0x0200;
const VOLTAGE_LEVEL: u64 = 0x0201;
const MOTOR: u64 = 0x0800;
/// Vendor requests of the two protocols.
const INTERSON_REGISTER: u64 = 0xd8;

pub fn all(verdict: &mut Verdict, results: &Path, records: &Path) {
    probes(verdict, &Run::read(results, "probes"));
    client(
        verdict,
        results,
        "grab_client",
        "every pixel of 2 x 30 grabbed frames",
    );
    grabber(
        verdict,
        &Run::read(results, "grabber"),
        &record(records, "grabber"),
    );
    let interson = record(records, "interson");
    let run = Run::read(results, "interson");
    frames(verdict, &run, 200);
    outage(verdict, &run, 1);
    accounts(verdict, &run, &interson);
    plugs(verdict, &run.name, &interson);
    voltage(verdict, &run.name, &interson);
    let faults = record(records, "interson-faults");
    let run = Run::read(results, "faults");
    frames(verdict, &run, 60);
    outage(verdict, &run, 1);
    let cleared = faults["halts_cleared"].as_u64().unwrap_or(0);
    verdict.expect(
        cleared > 0,
        "faults: the halted endpoint was cleared by the program",
        &format!("{} stalls, {cleared} halts cleared", faults["stalls"]),
    );
    voltage(verdict, &run.name, &faults);
    let probe = record(records, "reference");
    let run = Run::read(results, "reference");
    frames(verdict, &run, 60);
    outage(verdict, &run, 1);
    reference_accounts(verdict, &run, &probe);
    client(
        verdict,
        results,
        "pattern_client",
        "every byte of 7230 lines of a pattern",
    );
    for name in portsight_usb_devices::DEVICES {
        let unknown = &record(records, name)["unknown_packets"];
        verdict.expect(
            unknown == &Value::Array(Vec::new()),
            &format!("{name}: the device end understood every packet of QEMU"),
            &format!("unknown {unknown}"),
        );
    }
}

fn record(records: &Path, name: &str) -> Value {
    let text = std::fs::read(records.join(format!("{name}.json"))).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

/// `portsight probes --json`: everything plugged in, and whether it may be opened.
fn probes(verdict: &mut Verdict, run: &Run) {
    let listing: Value = serde_json::from_str(&run.words).unwrap_or(Value::Null);
    let sources = listing["sources"].as_array().cloned().unwrap_or_default();
    let find = |kind: &str, vendor: u64, product: u64| {
        sources.iter().find(|s| {
            s["kind"] == kind
                && s["vendor"].as_u64().is_none_or(|v| v == vendor)
                && s["product"].as_u64().is_none_or(|p| p == product)
        })
    };
    for (kind, vendor, product) in [
        (
            "usb_probe",
            u64::from(interson::VENDOR),
            u64::from(interson::PRODUCT),
        ),
        (
            "reference_probe",
            u64::from(reference::VENDOR),
            u64::from(reference::PRODUCT),
        ),
        ("grabber", 0x1209, 0x000d),
    ] {
        let found = find(kind, vendor, product);
        verdict.expect(
            found.is_some_and(|s| s["access"] == "allowed" && s["state"] == "ready"),
            &format!("probes: the {kind} is listed and may be opened"),
            &found.map_or(format!("status {}, {}", run.status, run.complaint), |s| {
                format!("{} {} {}", s["spec"], s["name"], s["access"])
            }),
        );
    }
    verdict.expect(
        find("usb_probe", 0x1921, 0x0090).is_some_and(|s| s["experimental"] == true),
        "probes: the Interson probe is offered as experimental",
        &run.status,
    );
}

/// A client of our own that says itself whether it saw something wrong.
fn client(verdict: &mut Verdict, results: &Path, name: &str, what: &str) {
    let run = Run::read(results, name);
    let said = run.words.trim().replace('\n', "; ");
    verdict.expect(
        run.status == "0" && !said.is_empty(),
        &format!("{name}: {what}"),
        &format!("status {}; {said} {}", run.status, run.complaint),
    );
}

/// As many frames as asked for, in order, and the program ended well.
fn frames(verdict: &mut Verdict, run: &Run, wanted: u64) {
    let name = &run.name;
    verdict.expect(
        run.status == "0",
        &format!("{name}: the program ended well"),
        &format!("status {}; {}", run.status, run.complaint),
    );
    let frames = run.frames();
    verdict.expect(
        frames.len() as u64 == wanted && run.summary["frames"].as_u64() == Some(wanted),
        &format!("{name}: {wanted} frames were read"),
        &format!(
            "{} advice lines, summary {}",
            frames.len(),
            run.summary["frames"]
        ),
    );
    verdict.expect(
        frames.len() > 1 && frames.windows(2).all(|pair| pair[0] < pair[1]),
        &format!("{name}: their numbers only grow"),
        &format!("{:?} to {:?}", frames.first(), frames.last()),
    );
    let (captured, lost) = (run.count("captured"), run.count("lost"));
    let skipped = run.count("skipped_by_detector");
    verdict.expect(
        matches!((captured, lost, skipped), (Some(captured), Some(_), Some(_)) if captured >= wanted),
        &format!("{name}: captured, lost and skipped frames are reported"),
        &format!("{captured:?} captured, {lost:?} lost, {skipped:?} skipped by the detector"),
    );
    // Every number up to the last one read belongs to a frame that was captured, or counted as lost.
    let known = captured.unwrap_or(0) + lost.unwrap_or(0);
    let spanned = frames.last().map_or(0, |last| last + 1);
    verdict.expect(
        spanned > 0 && spanned <= known,
        &format!("{name}: no frame number is unaccounted for"),
        &format!("{spanned} numbers, {known} captured or lost"),
    );
}

/// The source was lost, the journal says so, and frames came again by themselves.
fn outage(verdict: &mut Verdict, run: &Run, at_least: u64) {
    let name = &run.name;
    let outages = run.count("outages");
    verdict.expect(
        outages.is_some_and(|count| count >= at_least),
        &format!("{name}: the outage is reported"),
        &format!("{outages:?} outages"),
    );
    verdict.expect(
        run.outage_in_journal(),
        &format!("{name}: the journal says that it was lost, and that it came back"),
        &format!("{} journal entries", run.journal.len()),
    );
    let back = run.came_back_at();
    let frames = run.frames();
    let after = back.last().map_or(0, |first| {
        frames.iter().filter(|frame| *frame >= first).count()
    });
    let before = back.first().map_or(0, |first| {
        frames.iter().filter(|frame| *frame < first).count()
    });
    verdict.expect(
        before > 0 && after > 0,
        &format!("{name}: frames were read before the outage and after it"),
        &format!("{before} before, {after} after, back at {back:?}"),
    );
}

/// What the device sent is what the program counted, up to what was on its way when it was pulled out or stopped.
fn accounts(verdict: &mut Verdict, run: &Run, device: &Value) {
    let name = &run.name;
    let wire = |field: &str| run.count(&format!("wire/{field}"));
    let (Some(whole), Some(lost), Some(damaged), Some(skipped)) = (
        wire("frames"),
        wire("lost_frames"),
        wire("damaged_frames"),
        wire("skipped_bytes"),
    ) else {
        verdict.expect(
            false,
            &format!("{name}: the wire is accounted for"),
            "no wire counts",
        );
        return;
    };
    let report = &device["report"];
    let number = |field: &str| report[field].as_u64().unwrap_or(u64::MAX);
    let (dropped, taken_back) = (number("lines_dropped"), number("lines_taken_back"));
    let seen = format!(
        "{whole} whole, {lost} lost, {damaged} damaged, {skipped} bytes skipped, {} resyncs; device: {} lines sent, \
         {dropped} dropped, {taken_back} taken back",
        wire("resyncs").unwrap_or(0),
        number("lines_sent"),
    );
    // A gap spoils the frame it falls into and, until the place is found again, the next one; a frame is cut off at
    // each end. Anything damaged beyond that was spoilt on the way: a bad line that nobody dropped.
    let gaps = number("drop_runs");
    let unspoilt = gaps == 0 && taken_back == 0;
    let explained = if unspoilt { 0 } else { 2 * (gaps + 1 + yanks(device)) };
    verdict.expect(
        damaged <= explained,
        &format!("{name}: 0 bad lines but for those where the device itself dropped some"),
        &format!("{damaged} damaged frames, {explained} explained by {gaps} gaps; {seen}"),
    );
    // The device also makes lines while nobody reads: before the first transfer, and after the last one.
    let idle_lines = 2 * interson::LINES as u64;
    verdict.expect(
        dropped <= idle_lines || damaged + lost > 0,
        &format!("{name}: what the device dropped in mid-stream was counted"),
        &seen,
    );
    let bytes = device["bytes"].as_u64().unwrap_or(0);
    let endings = 1 + yanks(device);
    let missing = bytes as i64 - (whole * INTERSON_FRAME + skipped) as i64;
    let allowed = (endings * FRAMES_IN_FLIGHT + damaged) * INTERSON_FRAME;
    verdict.expect(
        missing >= 0 && missing as u64 <= allowed,
        &format!("{name}: every byte sent became a frame, was skipped and counted, or was on its way at an end"),
        &format!("{bytes} bytes sent, {missing} of them on their way at {endings} ends"),
    );
}

/// Times the program lost the device: the last time it was pulled out, nobody read from it any more.
fn yanks(device: &Value) -> u64 {
    let all = device["yanked_ms"].as_array().map_or(0, Vec::len) as u64;
    all.saturating_sub(1)
}

/// It was pulled out in mid-stream, plugged in again, and set up again.
fn plugs(verdict: &mut Verdict, name: &str, device: &Value) {
    let plugged = device["plugged_ms"].as_array().map_or(0, Vec::len);
    let last = register_writes(device).last().map_or(0, |write| write.plug);
    verdict.expect(
        plugged == 2 && last == 2,
        &format!("{name}: it was plugged in twice and driven both times"),
        &format!(
            "plugged in at {} ms, pulled out at {} ms",
            device["plugged_ms"], device["yanked_ms"]
        ),
    );
}

struct Write {
    plug: u64,
    register: u64,
    value: u64,
}

fn register_writes(device: &Value) -> Vec<Write> {
    let requests = device["requests"].as_array().cloned().unwrap_or_default();
    requests
        .iter()
        .filter(|r| r["request_type"] == 0x40 && r["request"] == INTERSON_REGISTER)
        .filter_map(|r| {
            Some(Write {
                plug: r["plug"].as_u64()?,
                register: r["value"].as_u64()?,
                value: r["data"].get(0)?.as_u64()?,
            })
        })
        .collect()
}

/// High voltage: the reference level and no other, set before it is switched on, and off at the end.
fn voltage(verdict: &mut Verdict, name: &str, device: &Value) {
    let writes = register_writes(device);
    let levels: Vec<u64> = writes
        .iter()
        .filter(|w| w.register == VOLTAGE_LEVEL)
        .map(|w| w.value)
        .collect();
    verdict.expect(
        !levels.is_empty() && levels.iter().all(|level| *level == VOLTAGE),
        &format!("{name}: the high voltage was set to {VOLTAGE} and to nothing else"),
        &format!("levels {levels:?}"),
    );
    let mut on_without_level = 0;
    let mut state: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for write in &writes {
        if write.register == HIGH_VOLTAGE
            && write.value != 0
            && state.get(&(write.plug, VOLTAGE_LEVEL)) != Some(&VOLTAGE)
        {
            on_without_level += 1;
        }
        state.insert((write.plug, write.register), write.value);
    }
    let last = writes.last().map_or(0, |write| write.plug);
    let at_end = [ACQUISITION, MOTOR, HIGH_VOLTAGE].map(|r| state.get(&(last, r)).copied());
    verdict.expect(
        on_without_level == 0 && !writes.is_empty(),
        &format!("{name}: it was switched on only after its level was set"),
        &format!("{} register writes", writes.len()),
    );
    verdict.expect(
        at_end == [Some(0); 3],
        &format!("{name}: acquisition, motor and high voltage are off at the end"),
        &format!("{at_end:?}"),
    );
}

fn reference_accounts(verdict: &mut Verdict, run: &Run, device: &Value) {
    let name = &run.name;
    let report = &device["report"];
    let number = |field: &str| report[field].as_u64();
    let wire = |field: &str| run.count(&format!("wire/{field}"));
    let seen = format!(
        "{:?} whole, {:?} lost, {:?} damaged; device: {report}",
        wire("frames"),
        wire("lost_frames"),
        wire("damaged_frames")
    );
    verdict.expect(
        wire("damaged_frames") == Some(0),
        &format!("{name}: no frame was damaged, by its CRC"),
        &seen,
    );
    let count = |field: &str| number(field).unwrap_or(0);
    let sent = count("frames_sent");
    let whole = wire("frames").unwrap_or(u64::MAX);
    let ended_early = sent.saturating_sub(whole);
    verdict.expect(
        whole <= sent && ended_early <= REFERENCE_IN_FLIGHT * (1 + yanks(device)),
        &format!("{name}: every frame sent arrived, but for those on their way at an end"),
        &seen,
    );
    // Nothing but the device loses frames, and what it drops is missed.
    let dropped = count("frames_dropped") + count("frames_flushed");
    let lost = wire("lost_frames").unwrap_or(u64::MAX);
    verdict.expect(
        lost <= dropped + ended_early && (dropped <= REFERENCE_IN_FLIGHT || lost > 0),
        &format!("{name}: what the device dropped was counted, and nothing else was lost"),
        &seen,
    );
    let requests = device["requests"].as_array().cloned().unwrap_or_default();
    let last_start = requests.iter().rposition(|r| r["request"] == 0x54);
    let last_stop = requests.iter().rposition(|r| r["request"] == 0x55);
    verdict.expect(
        matches!((last_start, last_stop), (Some(start), Some(stop)) if start < stop),
        &format!("{name}: it was stopped at the end"),
        &format!("start is request {last_start:?}, stop {last_stop:?}"),
    );
}

/// 100 frames through uvcvideo and V4L2.
fn grabber(verdict: &mut Verdict, run: &Run, device: &Value) {
    frames(verdict, run, 100);
    let sent = device["report"]["frames_sent"].as_u64().unwrap_or(0);
    let captured = run.count("captured").unwrap_or(u64::MAX);
    verdict.expect(
        captured <= sent,
        "grabber: no more frames than the device sent",
        &format!(
            "{captured} captured, {sent} sent in all, in {}",
            device["report"]["last_format"]
        ),
    );
    let modes: Vec<u64> = device["requests"]
        .as_array()
        .cloned()
        .unwrap_or_default()
        .iter()
        .filter(|r| r["request_type"] == 0x21 && r["value"] == 0x0200)
        .filter_map(|r| r["data"].get(2)?.as_u64())
        .collect();
    verdict.expect(
        modes.len() >= 3,
        "grabber: the mode was agreed on by VS_COMMIT for both clients",
        &format!("formats {modes:?}"),
    );
}
