//! From the name of a source to the source itself, for the command line and for the connection screen.
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::{Connector, Feed, LiveFeed, Scout, SourceChoice};
use crate::exchange::IgtlClient;
use crate::probe::{
    GrabberSource, ProbeState, SourceScout, UsbSelector, UsbSource, remembered_firmware,
};

use super::live::virtual_feed;

/// File of crops and scales of frame grabbers, in the folder for settings.
const GRABBER_SETUPS: &str = "grabbers.toml";
/// File that names the firmware used last, there too.
const FIRMWARE: &str = "firmware";

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
                    firmware_memory: self.firmware_memory(),
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

    fn firmware_memory(&self) -> Option<PathBuf> {
        self.settings.as_ref().map(|folder| folder.join(FIRMWARE))
    }

    /// Lists what is plugged in, with the firmware file that a probe that asks for one would get.
    pub(super) fn scout(&self) -> Scout {
        let (given, memory) = (self.firmware.clone(), self.firmware_memory());
        let mut scout = SourceScout::default();
        Box::new(move || {
            let mut listing = scout.look();
            for source in &mut listing.sources {
                if source.state == ProbeState::WantsFirmware {
                    let remembered = || remembered_firmware(memory.as_deref()?);
                    source.firmware = given.clone().or_else(remembered);
                }
            }
            listing
        })
    }

    /// Opens whatever is chosen on the screen.
    pub(super) fn connector(&self) -> Connector {
        let opening = self.clone();
        Box::new(move |choice| Ok(opening.open(choice)))
    }
}
