//! Known USB probes by vendor and product number; tied to udev-rules/ by a test.
use super::list::SourceKind;

/// What a probe is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// It runs its firmware.
    Ready,
    /// It enumerates before its firmware was loaded.
    WantsFirmware,
}

/// One kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeModel {
    /// USB vendor number.
    pub vendor: u16,
    /// USB product number.
    pub product: u16,
    /// Name for people.
    pub name: &'static str,
    /// What it is waiting for under these numbers.
    pub state: ProbeState,
    /// Whether it is another maker's probe or speaks our reference protocol.
    pub kind: SourceKind,
}

impl ProbeModel {
    /// Whether `other` can be the same device, before or after its firmware was loaded.
    pub fn is_same_kind_as(&self, other: &Self) -> bool {
        let same_product = self.product == other.product || self.state != other.state;
        self.kind == other.kind && self.vendor == other.vendor && same_product
    }
}

/// Class, subclass and protocol of an interface that speaks our reference protocol, whatever the numbers of its device.
pub const REFERENCE_INTERFACE: [u8; 3] = [0xFF, 0x50, 0x53];

/// What a device with [`REFERENCE_INTERFACE`] is called until it was asked.
pub(super) const REFERENCE_NAME: &str = "probe with the portsight reference protocol";

/// Every kind of probe known by its numbers, in the order of those.
///
/// 1209:0001 is a number that pid.codes keeps free for tests; a device under it is taken for a reference probe only
/// if it has [`REFERENCE_INTERFACE`].
pub const KNOWN_PROBES: &[ProbeModel] = &[
    ProbeModel {
        vendor: 0x1209,
        product: 0x0001,
        name: REFERENCE_NAME,
        state: ProbeState::Ready,
        kind: SourceKind::ReferenceProbe,
    },
    ProbeModel {
        vendor: 0x1921,
        product: 0x0090,
        name: "Interson GP-3.5 / GP-7.5",
        state: ProbeState::Ready,
        kind: SourceKind::UsbProbe,
    },
    ProbeModel {
        vendor: 0x1921,
        product: 0x9090,
        name: "Interson GP-3.5 / GP-7.5, before its firmware",
        state: ProbeState::WantsFirmware,
        kind: SourceKind::UsbProbe,
    },
];

/// Which kind of probe has these numbers and (`has_reference_interface`) an interface of our protocol, if any.
pub(super) fn model_of(
    vendor: u16,
    product: u16,
    has_reference_interface: bool,
) -> Option<ProbeModel> {
    if has_reference_interface {
        return Some(ProbeModel {
            vendor,
            product,
            name: REFERENCE_NAME,
            state: ProbeState::Ready,
            kind: SourceKind::ReferenceProbe,
        });
    }
    KNOWN_PROBES
        .iter()
        .find(|m| m.vendor == vendor && m.product == product && m.kind == SourceKind::UsbProbe)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_probe_has_a_udev_rule_and_no_rule_is_for_an_unknown_one() {
        let rules = include_str!("../../udev-rules/70-portsight.rules");
        let named = rules.lines().filter(|l| l.contains("ATTR{idVendor}"));
        assert_eq!(named.count(), KNOWN_PROBES.len());
        for probe in KNOWN_PROBES {
            let rule = format!(
                "ATTR{{idVendor}}==\"{:04x}\", ATTR{{idProduct}}==\"{:04x}\", TAG+=\"uaccess\"",
                probe.vendor, probe.product
            );
            assert!(rules.contains(&rule), "no rule for {}", probe.name);
        }
        let [class, subclass, protocol] = REFERENCE_INTERFACE;
        let by_interface = format!(
            "ENV{{ID_USB_INTERFACES}}==\"*:{class:02x}{subclass:02x}{protocol:02x}:*\", TAG+=\"uaccess\""
        );
        assert!(rules.contains(&by_interface), "no rule by interface");
        let tags = rules.lines().filter(|l| l.contains("uaccess")).count();
        assert_eq!(
            tags,
            KNOWN_PROBES.len() + 1,
            "a rule that nothing here knows"
        );
    }

    #[test]
    fn the_test_number_is_a_probe_only_with_the_interface_of_our_protocol() {
        assert_eq!(model_of(0x1209, 0x0001, false), None);
        let known = model_of(0x1209, 0x0001, true).map(|m| m.kind);
        assert_eq!(known, Some(SourceKind::ReferenceProbe));
        let own_number = model_of(0xABCD, 0x0042, true).map(|m| m.kind);
        assert_eq!(own_number, Some(SourceKind::ReferenceProbe));
        assert_eq!(model_of(0xABCD, 0x0042, false), None);
    }

    #[test]
    fn a_probe_before_its_firmware_is_the_same_kind_as_after_it_and_no_other_is() {
        let [reference, ready, before] = KNOWN_PROBES else {
            panic!("three kinds");
        };
        assert!(ready.is_same_kind_as(before) && before.is_same_kind_as(ready));
        assert!(!ready.is_same_kind_as(reference));
    }
}
