//! What a grabber says of itself, for picture, screen and journal.
use std::path::Path;

use super::device::{DeviceIdentity, Granted};
use super::formats::{LumaRange, PictureTraits};
use crate::frame::{ImagingLimits, PictureSetup};
use crate::stream::{AcousticOutput, Maturity, SourceFacts, SourceOffers};

/// Share of lit pixels in colour from which it is told, and below which it is no more.
const COLOUR_TOLD_FROM: f64 = 0.03;
const COLOUR_TOLD_UNTIL: f64 = 0.02;

/// What a stream shows of itself, coarse enough not to change with every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) range: LumaRange,
    pub(super) is_tinted: bool,
    pub(super) shows_colour: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            range: LumaRange::Full,
            is_tinted: false,
            shows_colour: false,
        }
    }
}

impl Traits {
    /// These, brought up to date.
    pub(super) fn settled(self, now: PictureTraits) -> Self {
        let least = if self.shows_colour {
            COLOUR_TOLD_UNTIL
        } else {
            COLOUR_TOLD_FROM
        };
        Self {
            range: now.range,
            is_tinted: now.is_tinted,
            shows_colour: now.coloured_share > least,
        }
    }
}

/// Everything told that is not identity or setup.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Telling {
    pub(super) granted: Option<Granted>,
    pub(super) traits: Traits,
    pub(super) stamps_by_driver: bool,
    pub(super) counts_frames: bool,
    /// What keeps it from delivering.
    pub(super) waits_for: Option<String>,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            granted: None,
            traits: Traits::default(),
            stamps_by_driver: true,
            counts_frames: true,
            waits_for: None,
        }
    }
}

/// The facts of a grabber at a node.
pub(super) fn facts(
    node: &Path,
    identity: Option<&DeviceIdentity>,
    telling: &Telling,
    picture: Option<&PictureSetup>,
    saved: &[PictureSetup],
    offers: SourceOffers,
) -> SourceFacts {
    let spec = format!("v4l2:{}", node.display());
    let name = identity.map_or_else(
        || format!("frame grabber {}", node.display()),
        |device| format!("{}, {}", device.card, node.display()),
    );
    SourceFacts {
        name,
        spec,
        details: details(identity, telling),
        acoustic: AcousticOutput::ShownByScanner,
        maturity: Maturity::NeverRunOnHardware,
        limits: ImagingLimits::default(),
        // Nothing given yet is nothing: the whole picture without a scale is not a setup of the user's.
        picture_setup: picture
            .filter(|setup| **setup != PictureSetup::default())
            .cloned(),
        saved_setups: saved.to_vec(),
        wants_picture_setup: true,
        offers,
    }
}

fn details(identity: Option<&DeviceIdentity>, telling: &Telling) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(device) = identity {
        lines.push(format!("driver {}, at {}", device.driver, device.bus_info));
        if let Some(serial) = &device.serial {
            lines.push(format!("serial number {serial}"));
        }
    }
    if let Some(granted) = &telling.granted {
        lines.push(granted.mode.label());
        lines.push(range_line(telling.traits.range).to_owned());
    }
    if telling.traits.is_tinted {
        lines.push("the scanner draws echo in colour: graphics cannot be told from it".to_owned());
    } else if telling.traits.shows_colour {
        lines.push("colour in the picture (Doppler or graphics) is left out".to_owned());
    }
    if !telling.stamps_by_driver {
        lines.push("the driver gives no usable times: frames count from their arrival".to_owned());
    }
    if !telling.counts_frames {
        lines.push("the driver does not number frames: lost ones cannot be counted".to_owned());
    }
    lines.push("what the grabber itself takes to pass a picture on is not known".to_owned());
    if let Some(what) = &telling.waits_for {
        lines.push(format!("waiting: {what}"));
    }
    lines
}

fn range_line(seen: LumaRange) -> &'static str {
    match seen {
        LumaRange::Full => "grey 0 to 255",
        LumaRange::FullAsSeen => "grey 0 to 255, as seen; the driver says nothing",
        LumaRange::Limited => "grey 16 to 235, spread to 0 to 255",
        LumaRange::LimitedUntilSeen => {
            "grey 16 to 235 by default, spread to 0 to 255; the driver says nothing"
        }
    }
}
