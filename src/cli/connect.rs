//! From the name of a source to the source itself, for the command line and for the connection screen.
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::{Connector, Feed, LiveFeed, Scout, SourceChoice};
use crate::exchange::IgtlClient;
use crate::probe::{GrabberSource, UsbSelector, UsbSource};

use super::live::virtual_feed;

/// File of crops and scales of frame grabbers, in the folder for settings.
const GRABBER_SETUPS: &str = "grabbers.toml";

/// What sources are opened with.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) clock: Arc<dyn Clock>,
    /// Seed of the virtual patient.
    pub(super) seed: u64,
    /// Firmware for a probe that asks for one.
    pub(super) firmware: Option<PathBuf>,
    /// The user's folder for settings.
    pub(super) settings: Option<PathBuf>,
}

impl Opening {
    /// The source chosen. Devices are not touched before the first frame is asked for.
    pub(super) fn open(&self, choice: &SourceChoice) -> Box<dyn Feed> {
        match choice {
            SourceChoice::Virtual(preset) => virtual_feed(*preset, self.seed, &self.clock),
            SourceChoice::Igtl(address) => {
                let client = IgtlClient::at(address.clone(), Arc::clone(&self.clock));
                Box::new(LiveFeed::new(Box::new(client)))
            }
            SourceChoice::Usb(bus_address) => {
                let selector = UsbSelector {
                    bus_address: *bus_address,
                    firmware: self.firmware.clone(),
                    ..UsbSelector::default()
                };
                let probe = UsbSource::new(selector, Arc::clone(&self.clock));
                Box::new(LiveFeed::new(Box::new(probe)))
            }
            SourceChoice::V4l2(node) => {
                // Without a home crops and scales cannot be kept; the source says so when one is to be saved.
                let folder = self.settings.clone().unwrap_or_default();
                let setups = folder.join(GRABBER_SETUPS);
                let grabber = GrabberSource::new(node, Arc::clone(&self.clock), &setups);
                Box::new(LiveFeed::new(Box::new(grabber)))
            }
        }
    }

    /// Opens whatever is chosen on the screen.
    pub(super) fn connector(&self) -> Connector {
        let opening = self.clone();
        Box::new(move |choice| Ok(opening.open(choice)))
    }
}

/// Lists what is plugged in.
pub(super) fn scout() -> Scout {
    Box::new(crate::probe::list_sources)
}
