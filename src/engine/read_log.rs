//! What the detector was given while a session ran, in words, so that a recording can be read exactly as it was.
use crate::frame::FrameId;
use crate::guide::Way;

use super::{Advice, Moment, Picture};

/// Puts the advice on a picture into one line, as `analyze` does; called on the read worker.
pub type Scribe = Box<dyn FnMut(&Picture, &Advice) -> String + Send>;

/// A picture was formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FormedNote {
    /// From this frame.
    pub frame: FrameId,
    /// Nothing of older frames was left in it.
    pub anew: bool,
}

/// The detector read a picture, or advised again on the one before.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReadNote {
    /// The frame.
    pub frame: FrameId,
    /// It was read; otherwise what was found in it before was advised on again.
    pub is_new: bool,
    /// The detector began anew before it: for a single picture or for a sequence.
    pub anew: Option<Sight>,
    /// How the picture stood to the present when it was advised on again.
    pub standing: Moment,
    /// Pump model.
    pub pump: String,
    /// Needle, as GAUGE:LENGTH.
    pub needle: Option<String>,
    /// The way to the port.
    pub way: Way,
    /// The operator took the path back.
    pub vetoed: bool,
    /// What the operator said of planes after the reading, in order.
    pub planes: Vec<PlaneWord>,
}

/// What a detector that begins anew looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// One picture.
    Still,
    /// Pictures one after the other.
    Sequence,
}

/// What the operator said of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaneWord {
    /// The one shown is to count.
    Confirm,
    /// None counts any more.
    Forget,
}
