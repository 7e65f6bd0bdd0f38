//! The panels around the picture. Each owns its widget state, reads the scene, and asks.
mod bars;
mod emergency;
mod grabber;
mod health;
mod imaging;
mod numbers;
mod probe;
mod rail;
mod refill;
mod saved;
mod settings;
mod setup;
mod sheets;
mod side;
mod source;
mod sources;
mod training;

pub(super) use bars::{footer, headline_bar, top_bar};
pub(super) use rail::{rail, rail_is_wide};
pub(super) use settings::SettingsSheet;
pub(super) use setup::with_length;
pub(super) use sheets::sheet;
pub(super) use side::SidePanel;
pub(super) use sources::SourcesSheet;
