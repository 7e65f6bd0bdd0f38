//! One short tone when something that was there is gone; off unless the user wants it.
//!
//! When a tone is due is decided here without any device; [`Speaker`] is the door to one. The tone is no alarm in the
//! sense of a medical device, and nothing depends on it: the screen says everything.
mod player;
mod wave;
mod when;

pub use player::{Player, Speaker, Standing};
pub use wave::wave;
pub use when::{Heard, Tone, ToneWatch};
