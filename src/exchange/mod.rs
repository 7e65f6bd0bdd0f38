//! What comes from and goes to other programs: an imported file is just another frame source.
//!
//! [`open`] reads MetaImage (`.mha`, `.mhd`), PNG, JPEG and folders of numbered pictures into a [`FileSource`].
//! Promises: every frame stands in the internal orientation and knows the way back to the stored picture; a scale is
//! never guessed; a file that is cut or lies is refused with what was expected and what was found. It does not know
//! what is in a picture (a fan is recognised by `image`, and told to the source with [`FileSource::set_beams`]).
mod description;
mod draft;
mod error;
mod geometry;
mod gray;
mod header;
mod igtl;
mod layout;
mod opening;
mod pictures;
mod pixels;
mod source;
mod writing;

pub use error::ExchangeError;
pub use geometry::Geometry;
pub use gray::GrayRule;
pub use header::{Fields, FileMeta};
pub use igtl::{
    AddressProblem, Endian, IGTL_CLIENTS, IGTL_PORT, IgtlAddress, IgtlClient, IgtlContent,
    IgtlCounts, IgtlDecoder, IgtlHeader, IgtlMessage, IgtlName, IgtlServer, ImageMessage,
    ImageProblem, PORT_DEVICE, PortPose, Publication, PublishProblem, STATE_DEVICE, Scalar, Scale,
    ServeProblem, ServerCounts, igtl_checksum, serve_address,
};
pub use opening::{OpenOptions, open};
pub use pictures::supported_files;
pub use source::{FileSource, Pace};
pub use writing::{MetaImageWriter, Packing, PngPixels, SequenceForm, write_png};
