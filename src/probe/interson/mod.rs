//! Interson GP-3.5 and GP-7.5, mechanical sector probes (1921:0090): experimental, never run on hardware.
//!
//! `registers` are the published facts, `firmware` loads what the user has, `wire` finds frames in a stream without
//! headers, `driver` holds the conversation.
mod driver;
mod firmware;
mod registers;
mod wire;

pub use driver::{IntersonDriver, Variant};
pub use firmware::{Firmware, FirmwareProblem};
pub use wire::{LineDecoder, RawFrame};

#[cfg(test)]
pub(in crate::probe) use wire::{LINE_BYTES, LINES};
