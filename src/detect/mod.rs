//! Picture to what is in it, and what stays in it.
//!
//! Pure: no I/O, no clock, no thread; it cannot fail. Abstaining is an answer. It does not know where a picture
//! came from, nor what will be advised. All lengths are millimetres in the [`crate::space::Scan`] space.
mod centring;
mod context;
mod coverage;
mod detector;
mod face;
mod fluid;
mod grid;
mod hints;
mod lines;
mod metal;
mod needle;
mod opening;
mod port;
mod port_class;
mod surface;
mod track;
mod travel;
mod weights;

pub use context::DetectorContext;
pub use detector::{PortDetector, Still};

use crate::clock::Timestamp;
use crate::frame::FrameId;
use crate::space::Scan;
use crate::space::{Millimeters, Radians, ScanPoint, Segment};

/// What is said about the port in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// No opening that could be the fill port is seen.
    #[default]
    None,
    /// An opening is seen, or was seen up to half a second ago (`held`), but is not established.
    Candidate,
    /// The fill port is measured in this very frame and has been over time.
    Locked,
    /// An opening is seen that may be the catheter access port (H08).
    AccessPortSuspected,
    /// The face was seen over a sweep and has no opening (H11).
    InvertedSuspected,
}

/// The pump's titanium face in this slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// The part of it that is seen, on the leading edge of the metal echo's centre line.
    pub segment: Segment<Scan>,
    /// Against the x axis, positive when the right end is deeper.
    pub tilt: Radians,
}

/// An opening in the face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Port {
    /// Centre of the opening on the face plane (on top of the rim if raised).
    pub center: ScanPoint,
    /// Width of the opening in this slice (a chord of the port).
    pub width: Millimeters,
    /// One standard deviation of the lateral position.
    pub sigma: Millimeters,
}

/// The slice of a sweep that ran through the middle of the port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestSlice {
    /// Its frame.
    pub frame: FrameId,
    /// When that frame was captured.
    pub captured_at: Timestamp,
    /// Its chord, smoothed over a few slices.
    pub chord: Millimeters,
}

/// How this slice runs through the port. It never tells the side: one plane does not know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centring {
    /// Width of the port in this slice.
    pub chord: Millimeters,
    /// Width through its middle, when the pump is known.
    pub whole: Option<Millimeters>,
    /// Distance of the slice from the middle by its chord; `None` where the chord is too near the whole width to say.
    pub off_middle: Option<Millimeters>,
    /// The best slice of this sweep, once the chord has grown and fallen again.
    pub best: Option<BestSlice>,
}

/// A needle seen in the plane. Never a tip unless it was followed as one (H17).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeedleSeen {
    /// Shallow end of the shaft seen.
    pub a: ScanPoint,
    /// Deep end of the shaft seen.
    pub b: ScanPoint,
    /// Against x, positive when the end with the larger x is deeper.
    pub angle: Radians,
    /// The tip, when it was followed.
    pub tip: Option<ScanPoint>,
    /// Probability that this is a needle.
    pub confidence: f64,
    /// Whether the shaft lies in the plane.
    pub in_plane: bool,
}

/// A fluid-like change above the face against the first second of locked frames. Its absence proves nothing (H18).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FluidSeen {
    /// Largest thickness.
    pub thickness: Millimeters,
    /// Area in this slice, mm^2.
    pub area_mm2: f64,
    /// When it was first seen.
    pub since: Timestamp,
}

/// How well the probe touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// Over most of its width.
    #[default]
    Good,
    /// Over part of its width.
    Poor,
    /// Not at all.
    None,
}

/// A part of the probe's face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbePart {
    /// All of it, or nearly.
    Whole,
    /// The third on the marked side (larger x).
    MarkedEnd,
    /// The middle third.
    Middle,
    /// The third on the unmarked side.
    UnmarkedEnd,
}

/// What would show more. It asks; it withholds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// This part of the probe does not touch: more gel, or press there.
    NoContact(ProbePart),
    /// Tissue is too dark.
    RaiseGain,
    /// Tissue is too dark only where it is deep.
    RaiseDeepGain,
    /// Too much of the tissue is white.
    LowerGain,
    /// The face lies near the lower end of the picture.
    IncreaseDepth,
    /// The face lies in the upper third of the picture.
    DecreaseDepth,
}

impl Hint {
    /// Every hint, the most pressing first.
    pub const ALL: [Self; 9] = [
        Self::NoContact(ProbePart::Whole),
        Self::NoContact(ProbePart::MarkedEnd),
        Self::NoContact(ProbePart::Middle),
        Self::NoContact(ProbePart::UnmarkedEnd),
        Self::RaiseGain,
        Self::RaiseDeepGain,
        Self::LowerGain,
        Self::IncreaseDepth,
        Self::DecreaseDepth,
    ];

    /// Its name in the `analyze` interface; never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoContact(ProbePart::Whole) => "no_contact",
            Self::NoContact(ProbePart::MarkedEnd) => "no_contact_marked_end",
            Self::NoContact(ProbePart::Middle) => "no_contact_middle",
            Self::NoContact(ProbePart::UnmarkedEnd) => "no_contact_unmarked_end",
            Self::RaiseGain => "raise_gain",
            Self::RaiseDeepGain => "raise_deep_gain",
            Self::LowerGain => "lower_gain",
            Self::IncreaseDepth => "increase_depth",
            Self::DecreaseDepth => "decrease_depth",
        }
    }

    /// The key of its words.
    pub fn key(self) -> String {
        format!("hint-{}", self.name())
    }
}

/// What of contact, brightness and depth would show more, steady over half a second in a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Hints {
    /// Where the probe does not touch.
    pub contact: Option<Hint>,
    /// How to turn the gain.
    pub light: Option<Hint>,
    /// How to turn the depth.
    pub depth: Option<Hint>,
    /// Share of the probe's face that touches in this very picture, 0 to 1.
    pub contact_share: f64,
    /// The same of each third, from the unmarked end to the marked one; 0 where nothing is drawn.
    pub contact_parts: [f64; 3],
    /// Depth of the pump's face as a share of the picture's, when the face is seen.
    pub face_share: Option<f64>,
}

impl Hints {
    /// All that there are, the most pressing first.
    pub fn all(&self) -> impl Iterator<Item = Hint> {
        [self.contact, self.light, self.depth].into_iter().flatten()
    }
}

/// How the picture moves, measured on the face from frame to frame.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Motion {
    /// Whether it moves too fast for a path (H16).
    pub moving: bool,
    /// Speed of the face, mm/s: its largest travel within the last 0.12 s, over 0.12 s. A tremor that goes to and fro
    /// within a few tenths of a millimetre is fast but goes nowhere.
    pub speed_mm_s: f64,
}

/// Everything read from one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// The frame it was read from.
    pub frame: FrameId,
    /// When that frame was captured.
    pub captured_at: Timestamp,
    /// What is said about the port.
    pub state: PortState,
    /// The port, in `Candidate` and `Locked` only.
    pub port: Option<Port>,
    /// Whether `port` is remembered rather than measured in this frame.
    pub held: bool,
    /// How this slice runs through the port, while it is locked and measured.
    pub centring: Option<Centring>,
    /// The opening that may be the access port, in `AccessPortSuspected` only.
    pub other_port: Option<Port>,
    /// Probability that the reported opening is the fill port; 0 where `port` is none.
    pub confidence: f64,
    /// The pump's face.
    pub face: Option<Face>,
    /// The brightest long straight interface, whatever it is (px when the picture has no scale).
    pub surface: Option<Segment<Scan>>,
    /// A needle in the plane.
    pub needle: Option<NeedleSeen>,
    /// A fluid-like change.
    pub fluid: Option<FluidSeen>,
    /// How well the probe touches.
    pub contact: Contact,
    /// What would show more.
    pub hints: Hints,
    /// How the picture moves.
    pub motion: Motion,
}
