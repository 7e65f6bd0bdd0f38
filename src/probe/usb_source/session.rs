//! One stretch of use of one opened device: from the first request to the end of acoustic output.
use std::sync::Arc;
use std::time::Duration;

use super::ProbeDevice;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::frame::{Frame, ImagingSettings};
use crate::probe::{Driver, DriverProblem, StreamEnd};

/// An opened device and the driver that speaks to it. The driver outlives it: frame ids and counts go on.
pub(super) struct Session {
    device: Box<dyn ProbeDevice>,
    driver: Box<dyn Driver>,
    /// Whether the probe may be sending sound.
    may_insonate: bool,
}

impl Session {
    /// Silences the device, whatever state it was left in, and asks it what it is.
    pub(super) fn begin(
        device: Box<dyn ProbeDevice>,
        driver: Box<dyn Driver>,
    ) -> (Self, Result<Vec<String>, Trouble>) {
        let mut session = Self {
            device,
            driver,
            may_insonate: true,
        };
        let outcome = session.silence().and_then(|()| {
            session.driver.restart_stream();
            session.driver.identify(session.device.as_mut())
        });
        (
            session,
            outcome.map_err(|problem| Trouble::Driver { problem }),
        )
    }

    /// Sets what was asked for.
    pub(super) fn configure(
        &mut self,
        wanted: &ImagingSettings,
    ) -> Result<ImagingSettings, Trouble> {
        self.driver
            .configure(self.device.as_mut(), wanted)
            .map_err(|problem| Trouble::Driver { problem })
    }

    /// Reads, then insonates: whatever the probe sends first finds a transfer that waits for it.
    pub(super) fn start(&mut self) -> Result<(), Trouble> {
        self.driver.restart_stream();
        self.device
            .begin_stream(&self.driver.stream_plan())
            .map_err(|problem| Trouble::Pipe { problem })?;
        self.may_insonate = true;
        self.driver
            .start(self.device.as_mut())
            .map_err(|problem| Trouble::Driver { problem })
    }

    /// Ends acoustic output, then reading.
    pub(super) fn stop(&mut self) -> (Result<(), DriverProblem>, StreamEnd) {
        let outcome = if self.may_insonate {
            self.silence()
        } else {
            Ok(())
        };
        (outcome, self.device.end_stream())
    }

    /// Takes what came within `patience` and appends whole frames.
    pub(super) fn poll(
        &mut self,
        patience: Duration,
        clock: &dyn Clock,
        frames: &mut Vec<Arc<Frame>>,
    ) -> Result<(), Trouble> {
        let driver = &mut self.driver;
        self.device
            .poll(patience, &mut |bytes| {
                driver.take(bytes, clock.now(), frames);
            })
            .map_err(|problem| Trouble::Pipe { problem })
    }

    pub(super) fn driver(&self) -> &dyn Driver {
        self.driver.as_ref()
    }

    pub(super) fn serial(&self) -> Option<&str> {
        self.device.serial()
    }

    /// Closes the device and gives the driver back.
    pub(super) fn close(self) -> Box<dyn Driver> {
        self.driver
    }

    fn silence(&mut self) -> Result<(), DriverProblem> {
        let outcome = self.driver.stop(self.device.as_mut());
        if outcome.is_ok() {
            self.may_insonate = false;
        }
        outcome
    }
}
