//! The handle on a running virtual probe: moves, faults, needle and fluid, sent from any thread.
use crossbeam_channel::{Receiver, Sender, bounded};

use super::pose::PoseStep;

/// How many cues can wait for the next frame; more are refused.
const WAITING: usize = 256;

/// A fault of the virtual probe, on cue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCue {
    /// No frame for 700 ms.
    Stall,
    /// Ten frames lost.
    Gap,
    /// Left and right change places (the probe was turned in the hand).
    Flip,
    /// The probe is gone for good.
    Unplug,
}

/// Something asked of the virtual probe; it takes effect at the next frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cue {
    /// Move the probe.
    Pose(PoseStep),
    /// Move the needle along its path, mm (positive is deeper).
    Needle(f64),
    /// Let fluid collect outside the pump, or take it away.
    Fluid(bool),
    /// Fail.
    Fault(FaultCue),
}

/// A handle on a virtual probe; clones steer the same one.
#[derive(Clone, Debug)]
pub struct ProbeControl {
    sender: Sender<Cue>,
}

impl ProbeControl {
    pub(super) fn new() -> (Self, Receiver<Cue>) {
        let (sender, receiver) = bounded(WAITING);
        (Self { sender }, receiver)
    }

    /// Sends a cue without waiting; false when too many wait already or the probe is gone.
    pub fn send(&self, cue: Cue) -> bool {
        self.sender.try_send(cue).is_ok()
    }

    /// Moves the probe by one step.
    pub fn nudge(&self, step: PoseStep) -> bool {
        self.send(Cue::Pose(step))
    }
}
