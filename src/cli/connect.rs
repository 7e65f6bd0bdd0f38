//! From the name of a source to the source itself, for the command line and for the connection screen.
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::{Connector, Feed, LiveFeed, Scout, SourceChoice};
use crate::exchange::IgtlClient;
use crate::notice::Notice;
use crate::probe::{UsbSelector, UsbSource};

use super::live::virtual_feed;

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
    pub(super) fn open(&self, choice: &SourceChoice) -> Result<Box<dyn Feed>, Notice> {
        match choice {
            SourceChoice::Virtual(preset) => Ok(virtual_feed(*preset, self.seed, &self.clock)),
            SourceChoice::Igtl(address) => {
                let client = IgtlClient::at(address.clone(), Arc::clone(&self.clock));
                Ok(Box::new(LiveFeed::new(Box::new(client))))
            }
            SourceChoice::Usb(bus_address) => {
                let selector = UsbSelector {
                    bus_address: *bus_address,
                    firmware: self.firmware.clone(),
                    ..UsbSelector::default()
                };
                let probe = UsbSource::new(selector, Arc::clone(&self.clock));
                Ok(Box::new(LiveFeed::new(Box::new(probe))))
            }
            SourceChoice::V4l2(_) => Err(Notice::note("not yet")),
        }
    }

    /// Opens whatever is chosen on the screen.
    pub(super) fn connector(&self) -> Connector {
        let opening = self.clone();
        Box::new(move |choice| opening.open(choice))
    }
}

/// Lists what is plugged in.
pub(super) fn scout() -> Scout {
    Box::new(crate::probe::list_sources)
}
