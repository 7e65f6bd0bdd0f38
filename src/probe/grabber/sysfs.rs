//! What the kernel's tables say of video nodes, without opening them.
use std::io;
use std::path::{Path, PathBuf};

const CLASS: &str = "/sys/class/video4linux";
/// More nodes than any machine has; a list is not followed further.
const NODE_LIMIT: usize = 256;
/// Longest text taken from an entry, bytes.
const TEXT_LIMIT: usize = 256;

/// What is known of the USB device behind a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UsbFacts {
    pub(super) vendor: Option<u16>,
    pub(super) product: Option<u16>,
    pub(super) serial: Option<String>,
}

/// Video nodes in the order of their numbers; an error when the kernel has no such table.
pub(super) fn nodes() -> io::Result<Vec<PathBuf>> {
    nodes_in(Path::new(CLASS))
}

fn nodes_in(class: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbers: Vec<u32> = std::fs::read_dir(class)?
        .take(NODE_LIMIT)
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.strip_prefix("video")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    Ok(numbers
        .into_iter()
        .map(|number| PathBuf::from(format!("/dev/video{number}")))
        .collect())
}

/// Name of a node as its driver gives it.
pub(super) fn name(node: &Path) -> Option<String> {
    text(&entry(Path::new(CLASS), node)?.join("name"))
}

/// Ids of the USB device behind a node; all `None` for other devices.
pub(super) fn usb_facts(node: &Path) -> UsbFacts {
    entry(Path::new(CLASS), node).map_or_else(UsbFacts::default, |entry| usb_facts_of(&entry))
}

/// The `device` of a node is a USB interface; ids and serial number stand one folder up.
fn usb_facts_of(entry: &Path) -> UsbFacts {
    let Ok(interface) = std::fs::canonicalize(entry.join("device")) else {
        return UsbFacts::default();
    };
    let Some(device) = interface.parent() else {
        return UsbFacts::default();
    };
    let id = |file: &str| u16::from_str_radix(&text(&device.join(file))?, 16).ok();
    UsbFacts {
        vendor: id("idVendor"),
        product: id("idProduct"),
        serial: text(&device.join("serial")),
    }
}

fn entry(class: &Path, node: &Path) -> Option<PathBuf> {
    // A node may be named by a link, as in /dev/v4l/by-id.
    let node = std::fs::canonicalize(node).unwrap_or_else(|_| node.to_owned());
    Some(class.join(node.file_name()?))
}

fn text(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    let bytes = bytes.get(..TEXT_LIMIT).unwrap_or(&bytes);
    let text = String::from_utf8_lossy(bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_the_order_of_their_numbers_with_the_ids_of_their_usb_device() {
        let folder = tempfile::tempdir().expect("folder");
        let class = folder.path().join("class");
        let device = folder.path().join("devices/1-2");
        std::fs::create_dir_all(device.join("1-2:1.0")).expect("device");
        for (file, text) in [
            ("idVendor", "534d\n"),
            ("idProduct", "2109\n"),
            ("serial", "20210623\n"),
        ] {
            std::fs::write(device.join(file), text).expect("file");
        }
        for node in ["video10", "video2", "vbi0", "v4l-subdev3", "video"] {
            std::fs::create_dir_all(class.join(node)).expect("node");
        }
        std::os::unix::fs::symlink(device.join("1-2:1.0"), class.join("video2/device"))
            .expect("link");
        let found = nodes_in(&class).expect("listed");
        assert_eq!(
            found,
            [PathBuf::from("/dev/video2"), PathBuf::from("/dev/video10")]
        );
        assert_eq!(
            usb_facts_of(&class.join("video2")),
            UsbFacts {
                vendor: Some(0x534d),
                product: Some(0x2109),
                serial: Some("20210623".to_owned()),
            }
        );
        assert_eq!(usb_facts_of(&class.join("video10")), UsbFacts::default());
        assert!(nodes_in(&folder.path().join("none")).is_err());
    }
}
