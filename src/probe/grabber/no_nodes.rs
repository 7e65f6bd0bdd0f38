//! The way to devices on an operating system without V4L2: none, and it says so.
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::device::{DeviceProblem, VideoDevice, VideoNodes};

/// No nodes.
pub(super) struct NoNodes;

impl VideoNodes for NoNodes {
    fn nodes(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn open(&mut self, _path: &Path) -> Result<Box<dyn VideoDevice>, DeviceProblem> {
        Err(DeviceProblem::NoVideo4Linux)
    }

    fn pause(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}
