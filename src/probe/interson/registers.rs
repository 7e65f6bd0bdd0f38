//! The register map of the Interson GP probes, as far as it is published, and what we never touch.
//!
//! Source of every figure, unless another is named: KitwareMedical/IntersonManager at df2e9ac (`IntersonManager.cpp`,
//! `.h`, `main.cpp`) and its pull request 1; facts only, that code has no licence.
//!
//! Not in this list, so that no code can write them: the analogue TGC (0x0700 to 0x0702; its values are not
//! published), the digital TGC (0x0500, 0x0501, 0x0508 to 0x050F; unproven) and the RF decimator (0x0003).

/// Vendor request for one register: write with one byte, read one byte. The register is `wValue`.
pub(super) const REGISTER: u8 = 0xD8;

/// Cypress FX2 request that writes RAM; the address is `wValue` (Cypress, FX2 technical reference manual).
pub(super) const FX2_RAM: u8 = 0xA0;
/// CPU control register of the FX2: 1 holds the CPU, 0 lets it run.
pub(super) const FX2_CPU_CONTROL: u16 = 0xE600;

/// The stream: 241 lines of 1024 bytes a frame, endlessly, without headers.
pub(super) const BULK_IN: u8 = 0x82;

/// A register that this driver writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    /// 0 stop, 1 B-mode (2 would be RF). Read, it gives the version of the FPGA.
    Acquisition,
    /// Transmit frequency index n: 60 MHz / (n + 3), n from 0 to 31.
    TransmitIndex,
    /// "Frequency init": 0 at the start.
    FrequencyInitTransmit,
    /// High voltage, 0 off, 1 on.
    HighVoltage,
    /// Its level; see [`HIGH_VOLTAGE_LEVEL`].
    HighVoltageLevel,
    /// "Frequency init": 0 at the start.
    FrequencyInitReceive,
    /// Receive band-pass, 0 to 3.
    ReceiveFilter,
    /// Sampler increment; see [`SAMPLER_INCREMENT`].
    SamplerIncrement,
    /// Motor, 0 off, 1 on.
    Motor,
    /// One of the seven bytes of the motor speed, 0 to 6.
    MotorSpeed(u8),
    /// Dynamic range, first figure.
    DynamicRangeFirst,
    /// Dynamic range, second figure.
    DynamicRangeSecond,
}

impl Register {
    /// Its address.
    pub(super) fn address(self) -> u16 {
        match self {
            Self::Acquisition => 0x0000,
            Self::TransmitIndex => 0x0100,
            Self::FrequencyInitTransmit => 0x0101,
            Self::HighVoltage => 0x0200,
            Self::HighVoltageLevel => 0x0201,
            Self::FrequencyInitReceive => 0x0300,
            Self::ReceiveFilter => 0x0400,
            Self::SamplerIncrement => 0x0600,
            Self::Motor => 0x0800,
            Self::MotorSpeed(byte) => 0x0801 + u16::from(byte.min(6)),
            Self::DynamicRangeFirst => 0x0900,
            Self::DynamicRangeSecond => 0x0901,
        }
    }
}

/// The only level of high voltage that is ever written: what the reference code uses. The register takes 0 to 178.
pub(super) const HIGH_VOLTAGE_LEVEL: u8 = 100;
/// What the reference code writes; other values are undocumented.
pub(super) const SAMPLER_INCREMENT: u8 = 64;
/// What the reference code writes into the two registers of the dynamic range.
pub(super) const DYNAMIC_RANGE: (u8, u8) = (39, 25);

/// Frames a second and the motor speed that gives them, slowest first.
pub(super) const MOTOR_SPEEDS: [(f64, [u8; 7]); 3] = [
    (10.0, [0xB9, 0x04, 0x00, 0x00, 0xB7, 0xA4, 0x32]),
    (12.5, [0x93, 0x07, 0x00, 0x00, 0x93, 0xA4, 0x32]),
    (15.0, [0x7A, 0x0D, 0x00, 0x00, 0x80, 0xA4, 0x32]),
];

/// Centres of the receive band-passes 0 to 3, MHz, of a GP-3.5.
pub(super) const FILTERS_GP35_MHZ: [f64; 4] = [2.87, 3.37, 3.87, 4.37];
/// The same of a GP-7.5.
pub(super) const FILTERS_GP75_MHZ: [f64; 4] = [5.75, 6.75, 7.75, 8.75];

/// Highest transmit index.
pub(super) const LAST_TRANSMIT_INDEX: u8 = 31;

/// Transmit frequency of an index, MHz. Every entry of the published table fits this.
pub(super) fn transmit_mhz(index: u8) -> f64 {
    60.0 / (f64::from(index) + 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_entries_of_the_frequency_table_fit_the_formula() {
        for (index, mhz) in [
            (0, 20.0),
            (1, 15.0),
            (3, 10.0),
            (5, 7.5),
            (9, 5.0),
            (14, 3.53),
            (17, 3.0),
            (31, 1.76),
        ] {
            let ours = transmit_mhz(index);
            assert!((ours - mhz).abs() < 0.006, "{index}: {ours}");
        }
    }
}
