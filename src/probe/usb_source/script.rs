//! A bus by script: one clock moved by hand, one Interson probe at most, and every fault that USB has.
#![expect(
    clippy::panic_in_result_fn,
    reason = "a script that is not followed ends its test"
)]
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{FoundDevice, Opener, ProbeDevice};
use crate::clock::{Clock as _, ManualClock, Timestamp};
use crate::probe::catalog::{ProbeModel, model_of};
use crate::probe::interson::{LINE_BYTES, LINES};
use crate::probe::{ControlPipe, PipeProblem, StreamEnd, StreamPlan};

/// Bytes that come with one poll: 40 ms of a real probe.
const PIECE: usize = 145 * LINE_BYTES;
const PIECE_TAKES: Duration = Duration::from_millis(40);

/// What the bus and its probe do, and what was done to them.
#[derive(Default)]
pub(super) struct Bus {
    /// What is plugged in; `None` for nothing.
    pub(super) plugged: Option<FoundDevice>,
    /// Others that are plugged in beside it.
    pub(super) beside: Vec<FoundDevice>,
    pub(super) serial: Option<String>,
    /// What the next openings run into.
    pub(super) refusals: VecDeque<PipeProblem>,
    /// Refuses every opening while set.
    pub(super) refuses: Option<PipeProblem>,
    pub(super) opened: usize,
    pub(super) looks: usize,
    /// What the next polls run into.
    pub(super) faults: VecDeque<PipeProblem>,
    /// The next fault comes together with so many frames' worth of bytes.
    pub(super) frames_with_fault: usize,
    /// The stream brings nothing while set.
    pub(super) is_mute: bool,
    /// Control requests are refused while set.
    pub(super) is_deaf: bool,
    /// The driver's bytes make it panic, by way of the test.
    pub(super) panics: bool,
    pub(super) registers: BTreeMap<u16, u8>,
    pub(super) firmware: usize,
    /// Transfers that never come back.
    pub(super) given_up: usize,
    pub(super) pieces: u64,
    /// Lines sent so far.
    lines: u64,
    /// When the firmware that was loaded runs.
    renumerates_at: Option<Timestamp>,
    addresses: u8,
}

impl Bus {
    /// Whether the probe sends sound.
    pub(super) fn insonates(&self) -> bool {
        let on = |register: u16| self.registers.get(&register).is_some_and(|v| *v != 0);
        on(0x0200) || on(0x0800) || on(0x0000)
    }

    /// Plugs a probe in: it has a new address and knows nothing of before.
    pub(super) fn plug(&mut self, product: u16, ports: &[u8]) {
        self.addresses += 1;
        self.registers.clear();
        self.plugged = Some(found(0x1921, product, self.addresses, ports));
    }

    /// Pulls it out.
    pub(super) fn yank(&mut self) {
        self.plugged = None;
        self.registers.clear();
    }

    /// The firmware never runs.
    pub(super) fn cancel_renumeration(&mut self) {
        self.renumerates_at = None;
    }

    fn is_open(&self, address: u8) -> bool {
        self.plugged.as_ref().is_some_and(|p| p.address == address)
    }
}

pub(super) fn found(vendor: u16, product: u16, address: u8, ports: &[u8]) -> FoundDevice {
    let model: ProbeModel = model_of(vendor, product, vendor == 0x1209).expect("known");
    FoundDevice {
        model,
        bus: 1,
        address,
        ports: ports.to_vec(),
        interface: 0,
    }
}

/// The bus and the clock, shared between test and source.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) clock: Arc<ManualClock>,
    bus: Arc<Mutex<Bus>>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(ManualClock::default()),
            bus: Arc::new(Mutex::new(Bus::default())),
        }
    }

    pub(super) fn bus(&self) -> MutexGuard<'_, Bus> {
        self.bus
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Opener for Script {
    fn look(&mut self) -> Result<Vec<FoundDevice>, String> {
        let now = self.clock.now();
        let mut bus = self.bus();
        bus.looks += 1;
        if bus.plugged.is_none() && bus.looks.is_multiple_of(2) {
            // As while a device leaves the bus.
            return Err("USB devices cannot be listed: Input/Output Error".to_owned());
        }
        if bus.renumerates_at.is_some_and(|at| at <= now) {
            bus.renumerates_at = None;
            bus.plug(0x0090, &[2]);
        }
        Ok(bus.plugged.iter().chain(&bus.beside).cloned().collect())
    }

    fn open(&mut self, device: &FoundDevice) -> Result<Box<dyn ProbeDevice>, PipeProblem> {
        let mut bus = self.bus();
        bus.opened += 1;
        if let Some(refusal) = bus.refusals.pop_front().or_else(|| bus.refuses.clone()) {
            return Err(refusal);
        }
        Ok(Box::new(ScriptedDevice {
            script: self.clone(),
            address: device.address,
            serial: bus.serial.clone(),
            streams: false,
        }))
    }

    fn pause(&mut self, span: Duration) {
        self.clock.advance(span);
    }
}

struct ScriptedDevice {
    script: Script,
    address: u8,
    serial: Option<String>,
    streams: bool,
}

impl ControlPipe for ScriptedDevice {
    fn control_in(
        &mut self,
        _request: u8,
        _value: u16,
        _index: u16,
        into: &mut [u8],
    ) -> Result<usize, PipeProblem> {
        let bus = self.script.bus();
        if !bus.is_open(self.address) {
            return Err(PipeProblem::Gone);
        }
        into.fill(0x25);
        Ok(into.len())
    }

    fn control_out(
        &mut self,
        request: u8,
        value: u16,
        _index: u16,
        bytes: &[u8],
    ) -> Result<(), PipeProblem> {
        let now = self.script.clock.now();
        let mut bus = self.script.bus();
        if !bus.is_open(self.address) {
            return Err(PipeProblem::Gone);
        }
        if bus.is_deaf {
            return Err(PipeProblem::Timeout {
                patience: Duration::from_secs(1),
            });
        }
        match (request, value, bytes) {
            (0xA0, 0xE600, [0]) => {
                bus.plugged = None;
                bus.renumerates_at = Some(now.plus(Duration::from_secs(3)));
            }
            (0xA0, 0xE600, _) => {}
            (0xA0, _, bytes) => bus.firmware += bytes.len(),
            (_, register, [value]) => {
                bus.registers.insert(register, *value);
            }
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self, span: Duration) {
        self.script.clock.advance(span);
    }
}

impl ProbeDevice for ScriptedDevice {
    fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    fn begin_stream(&mut self, plan: &StreamPlan) -> Result<(), PipeProblem> {
        assert!(plan.transfers * plan.transfer_bytes < 16 << 20);
        self.streams = true;
        Ok(())
    }

    fn poll(&mut self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> Result<(), PipeProblem> {
        let mut bus = self.script.bus();
        if !bus.is_open(self.address) {
            self.streams = false;
            return Err(PipeProblem::Gone);
        }
        if let Some(fault) = bus.faults.pop_front() {
            self.streams = false;
            let lines = std::mem::take(&mut bus.frames_with_fault) * LINES;
            let first = bus.lines;
            bus.lines += lines as u64;
            drop(bus);
            take(&lines_from(first, lines));
            return Err(fault);
        }
        assert!(!bus.panics, "told to panic");
        let is_on = bus.registers.get(&0x0000) == Some(&1);
        if bus.is_mute || !is_on || !self.streams {
            drop(bus);
            self.script.clock.advance(patience);
            return Ok(());
        }
        self.script.clock.advance(PIECE_TAKES);
        let first = bus.lines;
        bus.lines += (PIECE / LINE_BYTES) as u64;
        bus.pieces += 1;
        drop(bus);
        take(&lines_from(first, PIECE / LINE_BYTES));
        Ok(())
    }

    fn end_stream(&mut self) -> StreamEnd {
        self.streams = false;
        StreamEnd {
            reaped: 0,
            given_up: std::mem::take(&mut self.script.bus().given_up),
        }
    }
}

fn lines_from(first: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![200; count * LINE_BYTES];
    for (line, byte) in (first..).zip(bytes.iter_mut().step_by(LINE_BYTES)) {
        *byte = (line / LINES as u64 % 16) as u8;
    }
    bytes
}
