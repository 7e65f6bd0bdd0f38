//! What a user says and asks of a grabber: area, scale, mode, and where the scan seems to lie.
use super::super::device::Mode;
use super::super::modes;
use super::super::picture::{PictureForm, check_depth_setting};
use super::super::setup_store::StoreProblem;
use super::{GrabberSource, Picked};
use crate::frame::{PictureSetup, PixelRect};
use crate::stream::SourceOffers;

impl GrabberSource {
    pub(super) fn offers(&self) -> SourceOffers {
        SourceOffers {
            modes: self
                .modes
                .iter()
                .filter(|mode| modes::is_sensible(mode))
                .map(Mode::label)
                .collect(),
            mode: self.mode().map(|mode| mode.label()),
            suggested_crop: self.suggested,
            drawn_inside: self.drawn_inside,
        }
    }

    /// Looks whether something drawn lies inside the area in force.
    pub(super) fn look_for_drawings(&mut self) {
        if let Some(stream) = &self.stream {
            let mode = stream.granted.mode;
            let area = stream.form.setup.crop.unwrap_or(PixelRect {
                x: 0,
                y: 0,
                width: mode.width,
                height: mode.height,
            });
            self.drawn_inside = self.watch.shows_drawings(area);
        }
    }

    pub(super) fn apply(&mut self, setup: &PictureSetup) -> Result<(), String> {
        let now = self.clock.now();
        let (Some(stream), Some(identity)) = (&mut self.stream, &self.identity) else {
            return Err(
                "expected a grabber that delivers, there is none yet: crop and scale belong to its mode"
                    .to_owned(),
            );
        };
        check_depth_setting(setup)?;
        let setup = PictureSetup {
            depth_setting: setup.depth_setting.trim().to_owned(),
            ..setup.clone()
        };
        let mode = stream.granted.mode;
        stream.form = PictureForm::new(&mode, &setup)?;
        self.picked = Some(Picked {
            device: identity.clone(),
            mode,
            setup: setup.clone(),
            seen_at: now,
        });
        let mut outcome = self.store.save(identity, &mode, &setup);
        if let Err(problem @ StoreProblem::Damaged { .. }) = outcome {
            // What was damaged stands aside now; the setup is saved all the same, and the damage told.
            outcome = self.store.save(identity, &mode, &setup).and(Err(problem));
        }
        if let Ok(saved) = self.store.load(identity, &mode) {
            stream.saved = saved;
        }
        self.look_for_drawings();
        self.refresh();
        outcome.map_err(|problem| problem.to_string())
    }

    pub(super) fn look_for_scan(&mut self) -> Result<(), String> {
        self.suggested = self.watch.suggest();
        self.refresh();
        match self.suggested {
            Some(_) => Ok(()),
            None => Err(
                "where the scan lies cannot be told from the pictures of the last seconds: give its edges yourself"
                    .to_owned(),
            ),
        }
    }

    pub(super) fn take_mode(&mut self, mode: &str) -> Result<(), String> {
        let wish = self.modes.iter().find(|known| known.label() == mode);
        let wish = *wish.ok_or_else(|| format!("the grabber does not offer {mode:?}"))?;
        self.wish = Some(wish);
        if self.mode().is_none_or(|now| now != wish) {
            // Closed and opened again: what was in force for the old mode is not for the new one.
            self.device = None;
            self.retry_at = self.clock.now();
        }
        Ok(())
    }
}
