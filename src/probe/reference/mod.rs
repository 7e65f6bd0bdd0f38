//! Our own protocol for probes that others build: `docs/PROBE_PROTOCOL.md`. A protocol, not a product.
//!
//! `wire` knows the bytes, `decoder` finds packets among them, `frames` makes frames of those, `driver` holds the conversation. None of them does I/O.
mod decoder;
mod driver;
mod frames;
mod wire;

pub use decoder::ReferenceDecoder;
pub use driver::ReferenceDriver;
pub use wire::{
    BlockFault, FrameHeader, HeaderFault, Identity, Layout, Limits, MAX_PAYLOAD, SampleFormat,
    Settings,
};
