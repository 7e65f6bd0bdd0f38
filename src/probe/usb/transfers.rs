//! Several bulk transfers in flight, behind one safe type: the only unsafe code of this room.
//!
//! rusb has blocking transfers only, and with one read at a time a probe's FIFO overflows whenever this thread is busy
//! (usb.md: 29 % of lines lost). So libusb's own asynchronous calls are used, all from the thread that owns the type;
//! the callback does nothing but mark its transfer done.
#![expect(
    unsafe_code,
    reason = "rusb does not wrap asynchronous transfers (rusb issue 62)"
)]
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusb::ffi;
use rusb::{Context, DeviceHandle, UsbContext as _};

use super::{named, problem_of};
use crate::probe::{PipeProblem, StreamPlan};

/// All transfers of a stream together stay under this (the usbfs limit, `usbfs_memory_mb`).
const MOST_IN_FLIGHT: usize = 16 << 20;
/// How long libusb is given to hand cancelled transfers back: rounds of [`REAP_PATIENCE`], 2 s together.
/// 24 ms were the longest measured.
const REAP_ROUNDS: usize = 100;
const REAP_PATIENCE: Duration = Duration::from_millis(20);

/// What a stream has to tell once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StreamEnd {
    /// Transfers that came back.
    pub reaped: usize,
    /// Transfers that did not come back within 2 s and were given up with their memory.
    pub given_up: usize,
}

/// One transfer with its memory. Raw pointers, because the kernel writes there while we hold them.
struct Flight {
    transfer: NonNull<ffi::libusb_transfer>,
    buffer: NonNull<[u8]>,
    /// Set by the callback.
    done: NonNull<AtomicBool>,
    is_out: bool,
}

impl Flight {
    fn new(
        handle: &DeviceHandle<Context>,
        endpoint: u8,
        bytes: usize,
    ) -> Result<Self, PipeProblem> {
        let length = i32::try_from(bytes).map_err(|_too_long| PipeProblem::Usb {
            cause: format!("a transfer of {bytes} bytes is too long"),
        })?;
        // SAFETY: no isochronous packets are asked for; the result is checked for null.
        let raw = unsafe { ffi::libusb_alloc_transfer(0) };
        let transfer = NonNull::new(raw).ok_or_else(|| PipeProblem::Usb {
            cause: "no memory for a transfer".to_owned(),
        })?;
        let buffer = NonNull::from(Box::leak(vec![0_u8; bytes].into_boxed_slice()));
        let done = NonNull::from(Box::leak(Box::new(AtomicBool::new(false))));
        // SAFETY: `transfer` was just allocated by libusb; buffer and flag live until `Drop`, which frees them only
        // when the transfer is not in flight. A timeout of 0 means none: the caller has a watchdog.
        unsafe {
            ffi::libusb_fill_bulk_transfer(
                transfer.as_ptr(),
                handle.as_raw(),
                endpoint,
                buffer.as_ptr().cast::<u8>(),
                length,
                mark_done,
                done.as_ptr().cast::<c_void>(),
                0,
            );
        }
        Ok(Self {
            transfer,
            buffer,
            done,
            is_out: false,
        })
    }

    fn is_done(&self) -> bool {
        // SAFETY: the flag lives as long as `self`, and is only ever touched as an atomic.
        unsafe { self.done.as_ref() }.load(Ordering::Acquire)
    }

    fn submit(&mut self) -> Result<(), PipeProblem> {
        // SAFETY: the flag lives as long as `self`; the transfer is filled and not in flight.
        let code = unsafe {
            self.done.as_ref().store(false, Ordering::Release);
            ffi::libusb_submit_transfer(self.transfer.as_ptr())
        };
        if code != 0 {
            return Err(submit_problem(code));
        }
        self.is_out = true;
        Ok(())
    }

    fn cancel(&self) {
        if self.is_out && !self.is_done() {
            // SAFETY: the transfer is in flight. "Not found" means that it is on its way back: nothing to do.
            let _code: i32 = unsafe { ffi::libusb_cancel_transfer(self.transfer.as_ptr()) };
        }
    }

    /// Status and bytes of a transfer that is done and no longer in flight.
    fn outcome(&self) -> (i32, &[u8]) {
        // SAFETY: libusb has handed the transfer back: nobody writes to it or to its buffer.
        unsafe {
            let transfer = self.transfer.as_ref();
            let came = usize::try_from(transfer.actual_length).unwrap_or(0);
            let buffer = self.buffer.as_ref();
            (transfer.status, buffer.get(..came).unwrap_or(buffer))
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.is_out && !self.is_done() {
            // Given up: libusb or the kernel may still write there, so its memory stays taken for ever.
            return;
        }
        // SAFETY: the transfer is not in flight, so neither libusb nor the kernel holds these pointers; they came
        // from libusb_alloc_transfer and from Box::leak and are freed once.
        unsafe {
            ffi::libusb_free_transfer(self.transfer.as_ptr());
            drop(Box::from_raw(self.buffer.as_ptr()));
            drop(Box::from_raw(self.done.as_ptr()));
        }
    }
}

/// Called by libusb from within its event loop, on the thread that polls. Only marks the transfer done.
extern "system" fn mark_done(transfer: *mut ffi::libusb_transfer) {
    // SAFETY: libusb calls this with a transfer that `Flight::new` filled; its flag is freed only after this call.
    unsafe {
        let done = (*transfer).user_data.cast::<AtomicBool>();
        (*done).store(true, Ordering::Release);
    }
}

fn submit_problem(code: i32) -> PipeProblem {
    match code {
        ffi::constants::LIBUSB_ERROR_NO_DEVICE => PipeProblem::Gone,
        ffi::constants::LIBUSB_ERROR_BUSY => PipeProblem::Busy,
        ffi::constants::LIBUSB_ERROR_NO_MEM => PipeProblem::Usb {
            cause: "the kernel has no memory for one more transfer (usbfs_memory_mb)".to_owned(),
        },
        other => PipeProblem::Usb {
            cause: format!("a transfer could not be submitted (libusb {other})"),
        },
    }
}

/// What the status of a transfer that came back means.
fn judge(endpoint: u8, status: i32) -> Result<(), PipeProblem> {
    let what = || format!("endpoint {endpoint:#04x}");
    match status {
        ffi::constants::LIBUSB_TRANSFER_COMPLETED | ffi::constants::LIBUSB_TRANSFER_TIMED_OUT => {
            Ok(())
        }
        ffi::constants::LIBUSB_TRANSFER_STALL => Err(PipeProblem::Stall { what: what() }),
        ffi::constants::LIBUSB_TRANSFER_OVERFLOW => Err(PipeProblem::Overflow { what: what() }),
        ffi::constants::LIBUSB_TRANSFER_NO_DEVICE => Err(PipeProblem::Gone),
        ffi::constants::LIBUSB_TRANSFER_CANCELLED => Err(PipeProblem::Usb {
            cause: "a transfer was cancelled that should run".to_owned(),
        }),
        // What a yank looks like before the device is taken off the bus.
        other => Err(PipeProblem::Usb {
            cause: format!("a transfer of {} failed (status {other})", what()),
        }),
    }
}

/// A running stream: transfers are submitted, and handed over, in one order.
pub(super) struct Transfers {
    handle: Arc<DeviceHandle<Context>>,
    endpoint: u8,
    /// Oldest first.
    flights: VecDeque<Flight>,
}

// SAFETY: the pointers belong to this value alone. libusb may be used from any thread, and `&mut self` on everything
// that touches a transfer makes sure that only one does at a time.
unsafe impl Send for Transfers {}

impl Transfers {
    /// Submits every transfer of `plan`.
    pub(super) fn start(
        handle: Arc<DeviceHandle<Context>>,
        plan: &StreamPlan,
    ) -> Result<Self, PipeProblem> {
        let together = plan.transfer_bytes.checked_mul(plan.transfers);
        if plan.transfers == 0
            || plan.transfer_bytes == 0
            || together.is_none_or(|t| t >= MOST_IN_FLIGHT)
        {
            return Err(PipeProblem::Usb {
                cause: format!(
                    "expected 1 byte to 16 MiB in flight, got {} transfers of {} bytes",
                    plan.transfers, plan.transfer_bytes
                ),
            });
        }
        let mut stream = Self {
            endpoint: plan.endpoint,
            flights: VecDeque::with_capacity(plan.transfers),
            handle,
        };
        for _ in 0..plan.transfers {
            let flight = Flight::new(&stream.handle, plan.endpoint, plan.transfer_bytes)?;
            stream.flights.push_back(flight);
        }
        for flight in &mut stream.flights {
            // What was submitted before a failure is cancelled and reaped by `Drop`.
            flight.submit()?;
        }
        Ok(stream)
    }

    /// Waits for bytes no longer than `patience`, hands over what came in the order in which it was asked for, and
    /// asks for more. Returns early when there is nothing to hand over. A stream that failed is to be ended.
    pub(super) fn poll(
        &mut self,
        patience: Duration,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), PipeProblem> {
        if !self.flights.front().is_some_and(Flight::is_done) {
            self.pump(patience)?;
        }
        // One round at most: a probe that is faster than we are must not keep us here.
        let landed = self.flights.iter().take_while(|f| f.is_done()).count();
        let mut outcome = Ok(());
        for flight in self.flights.iter_mut().take(landed) {
            flight.is_out = false;
            let (status, bytes) = flight.outcome();
            outcome = judge(self.endpoint, status);
            if outcome.is_err() {
                break;
            }
            if !bytes.is_empty() {
                // Should this unwind, the transfer is at rest and its memory is freed.
                take(bytes);
            }
        }
        // Only when all of them went well is anything asked again: one that stalled halts the endpoint, and what is
        // asked of a halted endpoint comes back late or never. The caller ends the stream and clears the halt first.
        outcome?;
        for _ in 0..landed {
            let Some(mut flight) = self.flights.pop_front() else {
                break;
            };
            let outcome = flight.submit();
            self.flights.push_back(flight);
            outcome?;
        }
        Ok(())
    }

    /// Cancels what is in flight and waits until it came back.
    pub(super) fn end(mut self) -> StreamEnd {
        self.reap()
    }

    fn pump(&self, patience: Duration) -> Result<(), PipeProblem> {
        match self.handle.context().handle_events(Some(patience)) {
            Ok(()) | Err(rusb::Error::Interrupted | rusb::Error::Timeout) => Ok(()),
            Err(cause) => Err(problem_of(cause, &named("the event loop"), patience)),
        }
    }

    fn reap(&mut self) -> StreamEnd {
        let all = self.flights.len();
        for flight in self.flights.iter().rev() {
            // Newest first, so that none of them starts when the one before it ends.
            flight.cancel();
        }
        for _ in 0..REAP_ROUNDS {
            for flight in &mut self.flights {
                flight.is_out &= !flight.is_done();
            }
            if !self.flights.iter().any(|f| f.is_out) {
                break;
            }
            if self.pump(REAP_PATIENCE).is_err() {
                std::thread::sleep(REAP_PATIENCE);
            }
        }
        let given_up = self
            .flights
            .iter()
            .filter(|f| f.is_out && !f.is_done())
            .count();
        self.flights.clear();
        StreamEnd {
            reaped: all - given_up,
            given_up,
        }
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        let _end: StreamEnd = self.reap();
    }
}
