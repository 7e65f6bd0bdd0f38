//! A pipe that notes what is said and fails where it is told to.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::probe::{ControlPipe, PipeProblem};

/// One thing that happened on the pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Out {
        request: u8,
        value: u16,
        bytes: Vec<u8>,
    },
    In {
        request: u8,
        value: u16,
    },
    Pause(u64),
}

#[derive(Debug, Default)]
pub(super) struct ScriptedPipe {
    pub(super) said: Vec<Said>,
    /// Which control requests fail, counted from 0.
    pub(super) fails: BTreeSet<usize>,
    requests: usize,
}

impl ScriptedPipe {
    pub(super) fn failing_at(fails: impl IntoIterator<Item = usize>) -> Self {
        Self {
            fails: fails.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Register writes only: register and value.
    pub(super) fn writes(&self) -> Vec<(u16, u8)> {
        let write = |said: &Said| match said {
            Said::Out {
                request: 0xD8,
                value,
                bytes,
            } => Some((*value, bytes[0])),
            Said::Out { .. } | Said::In { .. } | Said::Pause(_) => None,
        };
        self.said.iter().filter_map(write).collect()
    }

    fn outcome(&mut self) -> Result<(), PipeProblem> {
        let number = self.requests;
        self.requests += 1;
        if self.fails.contains(&number) {
            return Err(PipeProblem::Stall {
                what: format!("request number {number}"),
            });
        }
        Ok(())
    }
}

impl ControlPipe for ScriptedPipe {
    fn control_in(
        &mut self,
        request: u8,
        value: u16,
        _index: u16,
        into: &mut [u8],
    ) -> Result<usize, PipeProblem> {
        self.said.push(Said::In { request, value });
        self.outcome()?;
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
        self.said.push(Said::Out {
            request,
            value,
            bytes: bytes.to_vec(),
        });
        self.outcome()
    }

    fn pause(&mut self, span: Duration) {
        self.said.push(Said::Pause(span.as_millis() as u64));
    }
}
