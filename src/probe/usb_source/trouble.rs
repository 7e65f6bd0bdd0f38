//! What keeps a probe from being live, in words.
use std::time::Duration;

use super::super::driver::DriverProblem;
use super::super::pipe::PipeProblem;
use crate::stream::SourceProblem;

/// What to do when this user may not open the probe.
pub(in crate::probe) const UDEV_HINT: &str = "Install the rule udev-rules/70-portsight.rules \
     (sudo cp 70-portsight.rules /etc/udev/rules.d/, then sudo udevadm control --reload), and plug the probe in again.";
/// What to do when a probe asks for firmware.
pub(in crate::probe) const FIRMWARE_HINT: &str = "Give the maker's firmware file for this probe (.bix or .hex, from \
     the software that came with it); portsight ships none.";

/// Why there is no live picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Wait: what was begun takes its time. Never told.
    Underway,
    /// No device can be looked for on this machine.
    NoUsb { cause: String },
    /// It is not plugged in.
    NotFound,
    /// One of its kind is plugged in, but it is another one.
    OtherDevice,
    /// This build knows it, but cannot drive it.
    NoDriver,
    /// This user may not open it.
    Refused,
    /// Another program holds it.
    Busy,
    /// It asks for firmware, and there is no file.
    FirmwareMissing,
    /// The firmware file is no good, or could not be loaded.
    Firmware { cause: String },
    /// It did not come back with its firmware.
    FirmwareDidNotTake { span: Duration },
    /// The pipe failed while opening or streaming.
    Pipe { problem: PipeProblem },
    /// The conversation failed.
    Driver { problem: DriverProblem },
    /// Nothing whole came for too long.
    Silent { span: Duration },
    /// It could not be told to stop.
    StillInsonating { cause: String },
}

impl Trouble {
    /// The trouble of opening.
    pub(super) fn of_opening(problem: PipeProblem) -> Self {
        match problem {
            PipeProblem::AccessRefused => Self::Refused,
            PipeProblem::Busy => Self::Busy,
            PipeProblem::Timeout { .. }
            | PipeProblem::Stall { .. }
            | PipeProblem::Overflow { .. }
            | PipeProblem::Gone
            | PipeProblem::Usb { .. } => Self::Pipe { problem },
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Underway => "the probe is being made ready".to_owned(),
            Self::NotFound => "no such probe is plugged in".to_owned(),
            Self::OtherDevice => {
                "a probe of this kind is plugged in, but not the one that was used".to_owned()
            }
            Self::NoDriver => "this build has no driver for it".to_owned(),
            Self::Refused => "the probe was found, but may not be opened by this user".to_owned(),
            Self::Busy => "the probe was found, but another program holds it".to_owned(),
            Self::FirmwareMissing => {
                "the probe asks for its firmware, and no firmware file was given".to_owned()
            }
            Self::NoUsb { cause } | Self::Firmware { cause } => cause.clone(),
            Self::FirmwareDidNotTake { span } => format!(
                "the firmware was loaded, but the probe did not come back within {} s",
                span.as_secs()
            ),
            Self::Pipe { problem } => format!("{problem}; the picture is not live"),
            Self::Driver { problem } => format!("{problem}; the picture is not live"),
            Self::Silent { span } => format!(
                "no whole frame came within {} ms; the picture is not live",
                span.as_millis()
            ),
            Self::StillInsonating { cause } => {
                format!("the probe could not be told to stop ({cause}) and may still send sound")
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Underway => return None,
            Self::NoUsb { .. } => {
                "Start portsight where USB devices can be reached, or choose another source."
            }
            Self::NotFound => "Plug the probe in; `portsight probes` lists what is there.",
            Self::OtherDevice => {
                "Plug the first probe in again, or choose the other one as the source."
            }
            Self::NoDriver => "Choose another source.",
            Self::Refused => UDEV_HINT,
            Self::Busy => "End the other program; the probe is then opened by itself.",
            Self::FirmwareMissing | Self::Firmware { .. } => FIRMWARE_HINT,
            Self::FirmwareDidNotTake { .. } => {
                "Plug the probe in again; if that does not help, the firmware file is for another probe."
            }
            Self::Pipe { .. } => "Check the plug; the probe is opened again by itself.",
            Self::Driver { .. } | Self::Silent { .. } => {
                "Wait a moment; if it does not come back, plug the probe in again."
            }
            Self::StillInsonating { .. } => "Unplug the probe.",
        };
        Some(hint.to_owned())
    }

    /// The same, as it is told.
    pub(super) fn as_lost(&self, source_name: String) -> SourceProblem {
        SourceProblem::Lost {
            source_name,
            what: self.what(),
            hint: self.hint(),
        }
    }
}

/// What is said of transfers that libusb never gave back.
pub(super) fn given_up_fact(transfers: usize) -> String {
    format!(
        "{transfers} USB transfers never came back; their memory stays taken until the program ends"
    )
}
