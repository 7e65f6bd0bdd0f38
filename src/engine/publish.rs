//! What other programs are told: the picture that was read, and the port while it is locked in this very picture.
use std::sync::Arc;

use crate::detect::PortState;
use crate::exchange::{IgtlServer, PortPose, Publication};
use crate::frame::PixelSpacing;
use crate::image::LengthUnit;
use crate::space::{Millimeters, PixelPoint};

use super::{Advice, Liveness, Picture};

/// Publishes to one server; nothing without one.
#[derive(Clone, Default)]
pub(super) struct Publisher {
    server: Option<Arc<IgtlServer>>,
}

impl Publisher {
    pub(super) fn new(server: Option<IgtlServer>) -> Self {
        Self {
            server: server.map(Arc::new),
        }
    }

    /// Hands a picture over with what was read from it; never waits.
    pub(super) fn publish(&self, picture: &Picture, advice: &Advice) {
        if let Some(server) = &self.server {
            // A picture of our own forming has the sides it promises; one that had not would not be sent.
            server.publish(publication(picture, advice)).ok();
        }
    }

    /// Takes the port back when the picture is no longer what is there now (H01).
    pub(super) fn follow(&self, state: Liveness) {
        let why = match state {
            Liveness::Running => return,
            Liveness::Waiting => "no picture yet",
            Liveness::Stale => "the picture is late",
            Liveness::NotLive => "not live",
            Liveness::Frozen => "frozen",
            Liveness::Ended => "the recording has ended",
        };
        if let Some(server) = &self.server {
            server.withdraw(why);
        }
    }
}

fn publication(picture: &Picture, advice: &Advice) -> Publication {
    let image = &picture.image;
    let finding = &advice.finding;
    let spacing = match image.unit {
        LengthUnit::Millimeters => Some(PixelSpacing {
            lateral: Millimeters(image.pitch),
            axial: Millimeters(image.pitch),
        }),
        LengthUnit::Pixels => None,
    };
    let is_locked = finding.state == PortState::Locked && !finding.held;
    let is_same = finding.frame == image.frame;
    let port = finding
        .port
        .zip(finding.face)
        .filter(|_| is_locked && is_same)
        .map(|(port, face)| PortPose {
            center: port.center,
            tilt: face.tilt,
        });
    Publication {
        frame: image.frame,
        captured_at: image.captured_at,
        origin: image.origin,
        pixels: Arc::clone(&image.pixels),
        columns: image.columns,
        rows: image.rows,
        spacing,
        top_left: image.point_of(PixelPoint::new(0.0, 0.0)),
        port,
        state: state_word(finding.state).to_owned(),
        confidence: finding.confidence,
    }
}

fn state_word(state: PortState) -> &'static str {
    match state {
        PortState::None => "none",
        PortState::Candidate => "candidate",
        PortState::Locked => "locked",
        PortState::AccessPortSuspected => "access_port_suspected",
        PortState::InvertedSuspected => "inverted_suspected",
    }
}
