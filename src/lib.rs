//! portsight: live ultrasound guidance for refilling implanted intrathecal drug pumps.
//!
//! Research software. Not a medical device. The rooms below stand in the order in which a frame passes them; a room
//! looks only at rooms above it.

// cellar: everyone stands on it
pub mod clock;
pub mod notice;
pub mod safekeeping;
pub mod space;
pub mod words;
// ground floor: what flows, how it moves, what lies under the skin
pub mod frame;
pub mod pump;
pub mod stream;
// sources
pub mod exchange;
pub mod probe;
pub mod recording;
pub mod simulate;
// the line of workrooms: pure, they cannot fail
pub mod image;
// what is in it, what may be said of it, and how that looks
pub mod calibrate;
pub mod detect;
pub mod guide;
pub mod overlay;
// the office
pub mod procedure;
pub mod report;
// the practice room
pub mod training;
// what the user chose, and what is heard
pub mod settings;
pub mod sound;
// the switchboard and the window
pub mod engine;
pub mod view;
// how right it was
pub mod evidence;
// the command line
pub mod cli;
