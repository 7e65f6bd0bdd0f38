//! What the user chose for the window, remembered from one run to the next in one file.
//!
//! How things are shown, heard and pressed: never a plan, a lock on a port, a pump, a needle or a confirmed plane (H37),
//! and never whether settings are locked. A file that is torn or none of ours is set aside and told; the settings of the
//! first day then hold. It knows nothing of the window.
mod keeper;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use keeper::SettingsKeeper;
pub use store::{SettingsFile, SettingsProblem};

use crate::frame::GrayMap;
use crate::guide::Way;

/// How large words and everything else are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSize {
    /// As designed.
    #[default]
    Usual,
    /// 15 % larger.
    Large,
    /// 30 % larger.
    Largest,
}

impl TextSize {
    /// How many times as large as usual.
    pub fn factor(self) -> f32 {
        match self {
            Self::Usual => 1.0,
            Self::Large => 1.15,
            Self::Largest => 1.3,
        }
    }
}

/// Whether the picture is shown with left and right exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// Marked side on the right.
    #[default]
    Off,
    /// Marked side on the left.
    On,
}

/// Whether tones are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tones {
    /// None.
    #[default]
    Off,
    /// When a lock is lost, a path goes, or the picture is not live.
    On,
}

/// Everything that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How large words are.
    pub text: TextSize,
    /// Left and right on the screen.
    pub flip: Flip,
    /// Grey map of the picture.
    pub gray_map: GrayMap,
    /// The usual way to the port.
    pub way: Way,
    /// Tones.
    pub tones: Tones,
    /// The live source used last, as it is named on the command line; it is shown, never taken by itself.
    pub last_source: Option<String>,
    /// Keys that are not those of the first day: the name of what they do, and the key.
    pub keys: BTreeMap<String, String>,
}
