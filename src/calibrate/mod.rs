//! From pictures of a known object to millimetres: wires in water, a ruler burnt into a picture, a moving plate.
//!
//! Pure: it takes grey pictures in stored coordinates (row 0 on top, pixel centres at whole numbers) and gives
//! figures or a reason why not. It never guesses a scale: an object that does not fit is refused.

mod delay;
mod echo;
mod fit;
mod matching;
mod medium;
mod phantom;

mod plate;
mod verdict;

pub use delay::{Delay, DelayProblem, TrackerSample, delay};
pub use echo::{Echo, Picture, StillParts, find_echoes};
pub use medium::{Medium, MediumProblem, TISSUE_SPEED, water_speed};
pub use phantom::{Phantom, PhantomProblem};
pub use plate::{PlateLine, plate_line};
pub use verdict::{Calibration, WirePosition, calibrate};
