//! How long a probe that is there, but fails again and again, is let alone before it is started anew.
use std::time::Duration;

use super::FoundDevice;
use crate::clock::Timestamp;

/// After the first failure; then twice as long each time. Every start turns a motor and sends sound.
const FIRST: Duration = Duration::from_millis(300);
/// The longest wait.
const MOST: Duration = Duration::from_secs(5);
/// A start that brought so many frames was none in vain.
const STEADY_FRAMES: u64 = 30;

/// The starts of one source.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Starts in a row that came to nothing.
    vain: u32,
    /// Frames since the last start.
    frames: u64,
    /// The device that is let alone, and until when.
    rests: Option<(FoundDevice, Timestamp)>,
}

impl Patience {
    pub(super) fn note_start(&mut self) {
        self.frames = 0;
    }

    pub(super) fn note_frames(&mut self, count: usize) {
        self.frames = self.frames.saturating_add(count as u64);
    }

    /// The probe was lost while it ran.
    pub(super) fn note_loss(&mut self, device: Option<FoundDevice>, now: Timestamp) {
        self.vain = if self.frames >= STEADY_FRAMES {
            1
        } else {
            self.vain.saturating_add(1)
        };
        let doublings = self.vain.saturating_sub(1).min(16);
        let until = now.plus(FIRST.saturating_mul(1 << doublings).min(MOST));
        self.rests = device.map(|device| (device, until));
    }

    /// The device that is still to be let alone. Whoever finds that it was plugged in anew calls [`Self::renew`].
    pub(super) fn resting(&self, now: Timestamp) -> Option<&FoundDevice> {
        let (device, until) = self.rests.as_ref()?;
        (now < *until).then_some(device)
    }

    /// It is tried again at once, as often as at first.
    pub(super) fn renew(&mut self) {
        self.vain = 0;
        self.rests = None;
    }
}
