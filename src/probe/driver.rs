//! What a family of probes has to say for itself: the conversation, and the way from bytes to frames.
use std::sync::Arc;

use super::pipe::{ControlPipe, PipeProblem, StreamPlan};
use crate::clock::Timestamp;
use crate::frame::{Frame, ImagingLimits, ImagingSettings};
use crate::stream::Maturity;

pub use crate::stream::WireCounts;

/// What a driver can run into while it talks to its probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverProblem {
    /// The pipe failed during one step of the conversation.
    #[error("{step}: {problem}")]
    Pipe {
        /// The step, in words.
        step: &'static str,
        /// What happened.
        problem: PipeProblem,
    },
    /// The probe answered, but not as this driver knows it.
    #[error("{step}: expected {expected}, got {got}")]
    Unexpected {
        /// The step, in words.
        step: &'static str,
        /// What was expected.
        expected: String,
        /// What came.
        got: String,
    },
}

/// One family of probes behind USB. Pure but for the pipe it is given: no thread, no clock.
///
/// Order of calls: `identify`, `configure`, `start`, then `take` with every byte of the stream; `stop` ends acoustic
/// output and may be called at any time, in any state. After a stop or a lost device the stream begins anew:
/// `restart_stream` is called, then `identify` again for a device that came back. Frame ids go on across all of it.
pub trait Driver: Send {
    /// What it is called, for people.
    fn model_name(&self) -> String;
    /// How far it was tried.
    fn maturity(&self) -> Maturity;
    /// Where and how the stream is read.
    fn stream_plan(&self) -> StreamPlan;
    /// Asks the probe what it is. Returns facts to be shown, one line each.
    fn identify(&mut self, pipe: &mut dyn ControlPipe) -> Result<Vec<String>, DriverProblem>;
    /// Sets what was asked for, within the probe's limits; returns what was granted. Allowed while stopped and while
    /// running.
    fn configure(
        &mut self,
        pipe: &mut dyn ControlPipe,
        wanted: &ImagingSettings,
    ) -> Result<ImagingSettings, DriverProblem>;
    /// What can be set.
    fn limits(&self) -> ImagingLimits;
    /// Begins insonation and streaming.
    fn start(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem>;
    /// Ends insonation. Tries every step, whatever fails; returns the first failure.
    fn stop(&mut self, pipe: &mut dyn ControlPipe) -> Result<(), DriverProblem>;
    /// Forgets half a frame and where it was in the stream; counts and frame ids go on.
    fn restart_stream(&mut self);
    /// Takes bytes as they came, at `at`; appends whole frames. Never fails: damage is counted and skipped.
    fn take(&mut self, bytes: &[u8], at: Timestamp, frames: &mut Vec<Arc<Frame>>);
    /// What passed so far.
    fn counts(&self) -> WireCounts;
}
