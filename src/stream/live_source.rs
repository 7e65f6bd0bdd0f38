//! What every source that is there now has in common: a probe, a frame grabber, a peer on the network.
use std::path::Path;

use super::FrameSource;
use crate::frame::{ImagingLimits, PictureSetup, PixelRect};

/// What is known of the sound a source puts into the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AcousticOutput {
    /// The probe does not report MI and TI.
    NotReportedByProbe,
    /// Another machine insonates and shows its own MI and TI (grabbers, network peers).
    ShownByScanner,
    /// There is no sound: a recording or a simulation.
    None,
}

/// How far a driver has been tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Maturity {
    /// Tried with what it is meant for.
    Tried,
    /// Never run on hardware; said wherever the source is offered or shown.
    NeverRunOnHardware,
}

/// What passed from a device or peer since the source was made, for the screen and the journal. Every loss is counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct WireCounts {
    /// Whole frames handed on.
    pub frames: u64,
    /// Frames known to be lost, by their counters.
    pub lost_frames: u64,
    /// Frames thrown away because something in them was damaged.
    pub damaged_frames: u64,
    /// Bytes skipped while looking for the next good place.
    pub skipped_bytes: u64,
    /// How many times the place in the stream was lost.
    pub resyncs: u64,
}

/// What a frame grabber offers besides its settings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SourceOffers {
    /// The ways in which it can deliver, in words for people; each is a choice of [`LiveSource::choose_mode`].
    pub modes: Vec<String>,
    /// The one it delivers in.
    pub mode: Option<String>,
    /// Where the scan seems to lie, by the pictures of the last seconds, if that was asked for and can be told: pixels
    /// of the whole picture.
    pub suggested_crop: Option<PixelRect>,
    /// Text, a ruler or a grey bar seem to lie inside the picture area in force.
    pub drawn_inside: bool,
}

/// What a source says of itself, for picture, screen and journal.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFacts {
    /// What it is, for people: "Interson GP-3.5, bus 1 address 4".
    pub name: String,
    /// The source as `--source` takes it: "usb:1.4".
    pub spec: String,
    /// Serial number, firmware or FPGA version, driver, mode: one line a fact, in the order to be shown.
    pub details: Vec<String>,
    /// What is known of its acoustic output.
    pub acoustic: AcousticOutput,
    /// How far its driver has been tried.
    pub maturity: Maturity,
    /// What can be set, and within which limits.
    pub limits: ImagingLimits,
    /// The user's crop and scale for the present device, mode and depth setting; `None` for a source whose frames
    /// carry their own, or when the user has not given them yet.
    pub picture_setup: Option<PictureSetup>,
    /// Crops and scales saved for the present device and mode, to be picked again by their depth setting.
    pub saved_setups: Vec<PictureSetup>,
    /// Whether crop and scale have to be given by the user (frame grabbers).
    pub wants_picture_setup: bool,
    /// What it offers besides (frame grabbers).
    pub offers: SourceOffers,
}

/// A source that is there now.
///
/// It opens itself on the first call of `next`, comes back by itself after [`super::SourceProblem::Lost`], and stops
/// acoustic output on [`Self::freeze`] and when it is dropped (a panic of its worker drops it).
pub trait LiveSource: FrameSource {
    /// What it says of itself now; cheap, called for every frame.
    fn facts(&self) -> &SourceFacts;

    /// A number that grows with every change of [`Self::facts`].
    fn facts_version(&self) -> u64;

    /// What passed and what was lost so far; cheap, called for every frame.
    fn wire_counts(&self) -> WireCounts {
        WireCounts::default()
    }

    /// Stops insonation or capture. `next` answers quiet until [`Self::resume`].
    fn freeze(&mut self);

    /// Goes on after [`Self::freeze`].
    fn resume(&mut self);

    /// The user's crop and scale for the present mode. Returns what is wrong with them, if anything.
    fn set_picture(&mut self, setup: &PictureSetup) -> Result<(), String> {
        let _ = setup;
        Err("this source brings its own picture area and scale".to_owned())
    }

    /// Looks where the scan lies in the pictures of the last seconds; the answer stands in [`SourceFacts::offers`].
    /// Returns why it cannot be told.
    fn suggest_crop(&mut self) -> Result<(), String> {
        Err("this source brings its own picture area".to_owned())
    }

    /// Delivers in another of [`SourceOffers::modes`]. Returns why it cannot.
    fn choose_mode(&mut self, mode: &str) -> Result<(), String> {
        Err(format!("this source has no mode {mode:?} to choose"))
    }

    /// A firmware file the user chose. Returns what is wrong with it, if anything.
    fn set_firmware(&mut self, file: &Path) -> Result<(), String> {
        let _ = file;
        Err("this source takes no firmware".to_owned())
    }
}
