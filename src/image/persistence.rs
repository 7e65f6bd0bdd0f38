//! Persistence: a share of the previous picture kept in the next. Off unless asked for (H33).
use crate::frame::FrameId;

/// Exponential mean over the scan lines of a stream, with 8 bits below the grey level so that it settles.
#[derive(Debug, Default)]
pub(super) struct Persistence {
    state: Vec<u16>,
    last: Option<FrameId>,
}

impl Persistence {
    /// Forgets what was shown.
    pub(super) fn clear(&mut self) {
        self.state.clear();
        self.last = None;
    }

    /// Mixes a frame into the state and puts the mean in its place. A frame of another length, or one that does not
    /// come after the last one, begins anew.
    pub(super) fn apply(&mut self, share: f64, id: FrameId, lines: &mut [u8]) {
        let follows = self.last.is_some_and(|last| id > last);
        self.last = Some(id);
        if !follows || self.state.len() != lines.len() {
            self.state.clear();
            self.state.extend(lines.iter().map(|&v| u16::from(v) << 8));
            return;
        }
        let kept = (share.clamp(0.0, 1.0) * 256.0).round() as u32;
        for (mean, value) in self.state.iter_mut().zip(lines) {
            let mixed =
                (u32::from(*mean) * kept + (u32::from(*value) << 8) * (256 - kept) + 128) >> 8;
            *mean = mixed as u16;
            *value = ((mixed + 128) >> 8).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persistence_settles_on_a_still_scene_and_fades_from_a_gone_one() {
        let mut persistence = Persistence::default();
        let mut out = [0_u8; 1];
        for id in 0..100 {
            out = [if id == 0 { 255 } else { 40 }];
            persistence.apply(0.5, FrameId(id), &mut out);
            if id == 1 {
                assert_eq!(out, [148]);
            }
        }
        assert_eq!(out, [40]);
    }

    #[test]
    fn a_frame_that_goes_back_in_time_begins_anew() {
        let mut persistence = Persistence::default();
        persistence.apply(0.9, FrameId(7), &mut [255]);
        let mut out = [10];
        persistence.apply(0.9, FrameId(0), &mut out);
        assert_eq!(out, [10]);
        persistence.clear();
        let mut out = [99];
        persistence.apply(0.9, FrameId(1), &mut out);
        assert_eq!(out, [99]);
    }
}
