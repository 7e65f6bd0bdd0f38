//! The way into training and back: the session left behind stays as it is, and nothing of it goes along.
use std::sync::Arc;

use super::TrainingDoor;
use crate::engine::Session;
use crate::training::TrainingLook;

/// Why the session was not changed.
#[derive(Debug)]
pub(super) enum Turned {
    /// It may not be changed now; the key of the words that say why.
    Refused(&'static str),
    /// Training was all there was: the window closes.
    Over,
}

/// What the window knows of training.
pub(super) struct TrainingDesk {
    door: Option<TrainingDoor>,
    /// The session to return to.
    left: Option<Arc<dyn Session>>,
    look: Option<TrainingLook>,
}

impl TrainingDesk {
    pub(super) fn new(door: Option<TrainingDoor>, look: Option<TrainingLook>) -> Self {
        Self {
            door,
            left: None,
            look,
        }
    }

    /// The course, as it was when this repaint began.
    pub(super) fn look(&self) -> Option<&TrainingLook> {
        self.look.as_ref()
    }

    /// Takes note of the course.
    pub(super) fn note(&mut self, look: Option<TrainingLook>) {
        self.look = look;
    }

    /// The session to go on with: training, or the one that was left for it.
    pub(super) fn turn(
        &mut self,
        present: &Arc<dyn Session>,
        is_in_refill: bool,
    ) -> Result<Arc<dyn Session>, Turned> {
        if self.look.is_some() {
            return self.left.take().ok_or(Turned::Over);
        }
        if is_in_refill {
            return Err(Turned::Refused("training-not-in-a-refill"));
        }
        let Some(door) = &self.door else {
            return Err(Turned::Refused("training-not-here"));
        };
        match (door.0)() {
            Ok(session) => {
                self.left = Some(Arc::clone(present));
                Ok(session)
            }
            Err(_) => Err(Turned::Refused("training-not-started")),
        }
    }
}
