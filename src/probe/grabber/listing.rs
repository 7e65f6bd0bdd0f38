//! Every node that captures pictures: what it is, whether it may be opened, and what to do if not.
use std::path::Path;

use super::device::{DeviceIdentity, DeviceProblem, VideoNodes};
use super::sysfs::{self, UsbFacts};
use crate::notice::Problem as _;
use crate::probe::{Access, ListedSource, ProbeState, SourceKind};

/// Grabbers of this machine in the order of their nodes, and why there may be more than those (or none).
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub fn list_grabbers() -> (Vec<ListedSource>, Option<String>) {
    match sysfs::nodes() {
        Ok(_) => (list(&mut super::v4l2::V4l2Nodes), None),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => (
            Vec::new(),
            Some("this kernel has no video devices at present (no video4linux)".to_owned()),
        ),
        Err(cause) => (
            Vec::new(),
            Some(format!("video devices cannot be listed: {cause}")),
        ),
    }
}

/// Grabbers of this machine: none, and why.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub fn list_grabbers() -> (Vec<ListedSource>, Option<String>) {
    let reason = DeviceProblem::NoVideo4Linux.to_string();
    (list(&mut super::no_nodes::NoNodes), Some(reason))
}

pub(super) fn list(nodes: &mut dyn VideoNodes) -> Vec<ListedSource> {
    let mut listed = Vec::new();
    for node in nodes.nodes() {
        let opened = nodes.open(&node).and_then(|mut device| {
            // A node without a format that can be read is of no use, and is said to be so.
            let identity = device.identity().clone();
            device.modes().map(|_| identity)
        });
        let facts = sysfs::usb_facts(&node);
        let entry = match opened {
            // Metadata, output and codec nodes, and what went away meanwhile.
            Err(DeviceProblem::NoCapture { .. } | DeviceProblem::Gone) => continue,
            Ok(identity) => entry(&node, Some(&identity), facts, Access::Allowed, None),
            Err(problem) => {
                let access = match problem {
                    DeviceProblem::Refused { .. } => Access::Refused,
                    DeviceProblem::Busy { .. } => Access::Busy,
                    DeviceProblem::Gone
                    | DeviceProblem::NoCapture { .. }
                    | DeviceProblem::NoFormat { .. }
                    | DeviceProblem::SourceChanged
                    | DeviceProblem::Driver { .. }
                    | DeviceProblem::NoVideo4Linux => Access::Unknown,
                };
                let hint = match access {
                    Access::Unknown => Some(sentence(&problem)),
                    Access::Allowed | Access::Refused | Access::Busy => problem.hint(),
                };
                entry(&node, None, facts, access, hint)
            }
        };
        listed.push(entry);
    }
    listed
}

fn sentence(problem: &DeviceProblem) -> String {
    let mut words = problem.to_string();
    if let Some(first) = words.get(..1) {
        let first = first.to_uppercase();
        words.replace_range(..1, &first);
    }
    match problem.hint() {
        Some(hint) => format!("{words}. {hint}"),
        None => format!("{words}."),
    }
}

fn entry(
    node: &Path,
    identity: Option<&DeviceIdentity>,
    usb: UsbFacts,
    access: Access,
    hint: Option<String>,
) -> ListedSource {
    let name = identity
        .map(|device| device.card.clone())
        .or_else(|| sysfs::name(node))
        .unwrap_or_else(|| "frame grabber".to_owned());
    ListedSource {
        spec: format!("v4l2:{}", node.display()),
        kind: SourceKind::Grabber,
        name,
        vendor: usb.vendor,
        product: usb.product,
        serial: usb
            .serial
            .or_else(|| identity.and_then(|device| device.serial.clone())),
        state: ProbeState::Ready,
        access,
        experimental: true,
        hint,
        firmware: None,
    }
}
