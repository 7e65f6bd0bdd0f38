//! The driver's clock on the session's clock, and the driver's frame numbers on ours. Pure but for the clocks read.
use std::time::Duration;

use super::device::VideoDevice;
use crate::clock::{Clock, Timestamp};
use crate::frame::FrameId;

/// How often the two clocks are read beside each other; the closest pair counts.
const READINGS: usize = 5;

/// The way from `CLOCK_MONOTONIC`, by which drivers stamp, to the session's clock.
///
/// Both run at the same rate (the session's clock is `CLOCK_MONOTONIC` less its start), so one offset, measured when
/// the stream starts, holds for all of it. It is as good as the time between two readings: microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockMap {
    /// Session less driver, nanoseconds.
    offset: i128,
}

impl ClockMap {
    pub(super) fn measure(clock: &dyn Clock, device: &dyn VideoDevice) -> Self {
        let mut best: Option<(Duration, i128)> = None;
        for _ in 0..READINGS {
            let before = clock.now();
            let driver = device.monotonic();
            let width = clock.now().since(before);
            if best.is_none_or(|(narrowest, _)| width < narrowest) {
                let middle = before.plus(width / 2);
                best = Some((width, i128::from(middle.nanos()) - nanos(driver)));
            }
        }
        Self {
            offset: best.map_or(0, |(_, offset)| offset),
        }
    }

    /// A stamp of the driver on the session's clock; never before its start.
    pub(super) fn to_session(self, driver: Duration) -> Timestamp {
        let at = (nanos(driver) + self.offset).max(0);
        Timestamp::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
    }
}

fn nanos(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX / 2)
}

/// Frame ids out of the driver's 32-bit numbers. Ids go on across restarts of the stream; what was lost while there
/// was no stream has no number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbering {
    last: Option<u32>,
    next: u64,
    stands_still: bool,
}

impl Numbering {
    /// A new stream: its first number follows on whatever came before.
    pub(super) fn restart(&mut self) {
        self.last = None;
        self.stands_still = false;
    }

    /// The id of a frame, and how many were lost before it.
    pub(super) fn number(&mut self, sequence: u32) -> (FrameId, u64) {
        let lost = match self.last.map(|last| sequence.wrapping_sub(last)) {
            // Some drivers do not count.
            Some(0) => {
                self.stands_still = true;
                0
            }
            Some(step) if step <= u32::MAX / 2 => u64::from(step - 1),
            // The first of a stream; or backwards: the driver began anew.
            None | Some(_) => 0,
        };
        self.last = Some(sequence);
        let id = self.next.saturating_add(lost);
        self.next = id.saturating_add(1);
        (FrameId(id), lost)
    }

    /// Whether the driver gave one number to two frames: then lost frames cannot be seen.
    pub(super) fn stands_still(&self) -> bool {
        self.stands_still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_loss_also_across_the_wrap_and_ids_go_on_across_streams() {
        let mut numbering = Numbering::default();
        let mut check = |sequence: u32, id: u64, lost: u64| {
            assert_eq!(
                numbering.number(sequence),
                (FrameId(id), lost),
                "{sequence}"
            );
        };
        check(u32::MAX - 1, 0, 0);
        check(u32::MAX, 1, 0);
        check(2, 4, 2);
        check(3, 5, 0);
        // The driver begins anew in the middle of a stream.
        check(0, 6, 0);
        check(1, 7, 0);
        numbering.restart();
        assert_eq!(numbering.number(900), (FrameId(8), 0));
        assert!(!numbering.stands_still());
        assert_eq!(numbering.number(900), (FrameId(9), 0));
        assert!(numbering.stands_still());
    }
}
