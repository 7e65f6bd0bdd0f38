//! Which picture is on the screen: the newest one, as soon as it is there.
//!
//! A picture and the marks read from it arrive a few milliseconds apart. Shown at once, every frame would first
//! flash up without marks. So while the detector keeps up, a new picture is given [`GRACE`] to be joined by its
//! marks; a detector that is slower than that is not waited for again until it is back in time. The picture is
//! therefore never later than [`GRACE`], and marks never stand on another frame (H02).
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::{Liveness, Look, Picture};
use crate::frame::FrameId;

/// How long a picture may wait for its marks: well under one frame at 30 frames/s.
pub(super) const GRACE: Duration = Duration::from_millis(15);

/// Keeps account of the picture on the screen.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    shown: Option<Arc<Picture>>,
    /// The newest picture known and when it was first seen.
    seen: Option<(FrameId, Timestamp)>,
    /// Since when something newer than the picture on the screen has been there.
    waiting_since: Option<Timestamp>,
    detector_is_late: bool,
}

impl Pairing {
    /// The picture on the screen.
    pub(super) fn shown(&self) -> Option<&Arc<Picture>> {
        self.shown.as_ref()
    }

    /// Decides what to show; returns after how long it wants to be asked again.
    pub(super) fn settle(&mut self, look: &Look) -> Option<Duration> {
        let Some(newest) = look.picture.as_ref() else {
            *self = Self::default();
            return None;
        };
        let frame = newest.image.frame;
        if self.seen.is_none_or(|(id, _)| id != frame) {
            self.seen = Some((frame, look.now));
        }
        let marks = look.advice.as_ref().map(|advice| &advice.marks);
        let read = marks.is_some_and(|marks| marks.frame == frame);
        if read {
            let since = self.seen.map_or(look.now, |(_, at)| at);
            self.detector_is_late = look.now.since(since) > GRACE;
        }
        let nothing_to_lose = marks.is_none_or(|marks| marks.marks.is_empty());
        let running = look.liveness == Liveness::Running;
        if read || nothing_to_lose || !running || self.shown.is_none() || self.detector_is_late {
            self.show(newest);
            return None;
        }
        if self.shown.as_ref().is_some_and(|p| p.image.frame == frame) {
            return None;
        }
        let since = *self.waiting_since.get_or_insert(look.now);
        let waited = look.now.since(since);
        if waited >= GRACE {
            self.detector_is_late = true;
            self.show(newest);
            return None;
        }
        Some(GRACE.saturating_sub(waited))
    }

    fn show(&mut self, picture: &Arc<Picture>) {
        self.shown = Some(Arc::clone(picture));
        self.waiting_since = None;
    }
}
