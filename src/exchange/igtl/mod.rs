//! The network door: OpenIGTLink, in both directions.
//!
//! [`IgtlClient`] makes a source of any peer that sends IMAGE messages (a PLUS server, and with it every device PLUS
//! drives); [`IgtlServer`] gives our picture, port and state to programs such as 3D Slicer. The wire format is read
//! and written by pure functions ([`IgtlDecoder`]); docs/OPENIGTLINK.md tells what is understood.
//! Promises: no length a peer announces is believed before it is checked; damage is counted and skipped; a scale is
//! never guessed; no pose is sent but with the picture it was read from. There is no encryption and no password in
//! this protocol: it belongs on this machine or on a network of its own.
mod address;
mod client;
mod dial;
mod header;
mod image;
mod intake;
mod picture;
mod publication;
mod server;
#[cfg(test)]
mod torn;
mod wire;

pub use address::{AddressProblem, DEFAULT_PORT as IGTL_PORT, IgtlAddress};
pub use client::IgtlClient;
pub use header::{Header as IgtlHeader, Name as IgtlName, checksum as igtl_checksum};
pub use image::{Endian, ImageMessage, ImageProblem, Scalar, Scale};
pub use publication::{PORT_DEVICE, PortPose, Publication, PublishProblem, STATE_DEVICE};
pub use server::{CLIENTS as IGTL_CLIENTS, IgtlServer, ServeProblem, ServerCounts, serve_address};
pub use wire::{
    Content as IgtlContent, Decoder as IgtlDecoder, IgtlCounts, Incoming as IgtlMessage,
};
