//! The virtual probe over a virtual patient: a source like any other, with its ground truth beside each frame.
//!
//! Tissue is a field of point scatterers fixed in the patient (`speckle`), weighted by what they lie in (`anatomy`);
//! the pump's metal and silicone send echoes of their own (`implant`), as does the needle. What a frame shows
//! depends on seed, frame number and cues alone, never on a clock.
//!
//! Everything is laid out in *drawn* millimetres, as a scanner that assumes 1540 m/s draws them; true thicknesses
//! are stretched once, straight down. For the slanted lines of a curved array this is an approximation (the true
//! stretch runs along the line): under 40 mm of fat it is off by about 0.3 mm at the edge of a 60 degree sector.
//! Levels: amplitude 65,535 is the reference (0 dB), a face square to the beam comes close to it.
mod anatomy;
mod array;
mod cohort;
mod control;
mod implant;
mod motion;
mod needle;
mod pose;
mod preset;
mod random;
mod render;
mod scenario;
mod speckle;
mod survey;
mod truth;
mod virtual_probe;
mod watermark;

pub use array::ArrayKind;
pub use control::{Cue, FaultCue, ProbeControl};
pub use motion::Motion;
pub use pose::{Pose, PoseStep};
pub use preset::{Preset, PresetError};
pub use scenario::{
    FluidPlan, LookAlike, NeedlePlan, Nuisance, PortFamily, PumpCase, Scar, Scenario, Tissue,
};
pub use truth::{
    OpeningClass, PortPlace, TrueContact, TrueFluid, TrueNeedle, TruePort, TrueStop, Truth,
    TruthFile, TruthLine, TruthLog, Visibility,
};
pub use virtual_probe::VirtualProbe;
pub use watermark::{WATERMARK_CELLS, read_watermark, watermark_centers};
