//! Everything that could be a source on this machine: what it is, whether it may be opened, and what to do if not.
use std::path::PathBuf;

use super::catalog::ProbeState;

/// What kind of source was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A probe by another maker, behind USB.
    UsbProbe,
    /// A probe that speaks our own reference protocol.
    ReferenceProbe,
    /// A frame grabber or UVC probe behind V4L2.
    Grabber,
}

/// Whether this user may open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It can be opened.
    Allowed,
    /// The operating system refuses this user.
    Refused,
    /// Another program holds it.
    Busy,
    /// It could not be tried; the hint says why.
    Unknown,
}

/// Everything found in one look, and why some of it could not be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Listing {
    /// What was found, probes first, in the order of their places.
    pub sources: Vec<ListedSource>,
    /// Why a kind of source could not be listed, one full sentence each.
    pub reasons: Vec<String>,
}

impl Listing {
    /// The sources that were not there `before`.
    pub fn new_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a ListedSource> {
        self.sources
            .iter()
            .filter(|source| !before.sources.iter().any(|old| old.spec == source.spec))
    }
}

/// One source found on this machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListedSource {
    /// The source as `--source` takes it: `usb:1.4`, `v4l2:/dev/video0`.
    pub spec: String,
    /// What kind it is.
    pub kind: SourceKind,
    /// Name for people.
    pub name: String,
    /// USB vendor number, where there is one.
    pub vendor: Option<u16>,
    /// USB product number, where there is one.
    pub product: Option<u16>,
    /// Serial number, when the device tells one to this user.
    pub serial: Option<String>,
    /// What it is waiting for.
    pub state: ProbeState,
    /// Whether this user may open it.
    pub access: Access,
    /// Whether its driver was never run on hardware.
    pub experimental: bool,
    /// What to do before it can be used, as a full sentence; `None` when it can be used as it is.
    pub hint: Option<String>,
    /// The firmware file used last, for a probe that asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<PathBuf>,
}
