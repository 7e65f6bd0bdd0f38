//! Known USB probes by vendor and product number; tied to udev-rules/ by a test.

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
}

/// Every kind of probe known, in the order of its numbers.
pub const KNOWN_PROBES: &[ProbeModel] = &[
    ProbeModel {
        vendor: 0x1921,
        product: 0x0090,
        name: "Interson GP-3.5 / GP-7.5",
        state: ProbeState::Ready,
    },
    ProbeModel {
        vendor: 0x1921,
        product: 0x9090,
        name: "Interson GP-3.5 / GP-7.5, before its firmware",
        state: ProbeState::WantsFirmware,
    },
];

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
                "ATTR{{idVendor}}==\"{:04x}\", ATTR{{idProduct}}==\"{:04x}\"",
                probe.vendor, probe.product
            );
            assert!(rules.contains(&rule), "no rule for {}", probe.name);
        }
    }
}
