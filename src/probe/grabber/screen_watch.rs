//! Keeps what the last seconds of whole pictures showed, so that a crop can be suggested at any time.
use super::screen_parts::{Extremes, drawn_cells_inside, suggest_crop};
use crate::frame::PixelRect;

/// Every so many pictures one is looked at: ten a second at most, so that the watch costs little.
const EVERY: u32 = 6;
/// Pictures looked at before a round begins anew: some ten seconds at 30 frames a second.
const ROUND: u32 = 50;
/// Pictures of the present round from which it is used instead of the last one.
const ENOUGH: u32 = 10;

/// Cells with strokes inside an area from which something drawn is said to lie there: a few are bright flat echoes.
const DRAWN_LEAST: usize = 12;

/// Brightest and darkest values of one round of pictures.
#[derive(Debug, Default)]
struct Round {
    brightest: Vec<u8>,
    darkest: Vec<u8>,
    looks: u32,
}

impl Round {
    fn new(pixels: usize) -> Self {
        Self {
            brightest: vec![0; pixels],
            darkest: vec![u8::MAX; pixels],
            looks: 0,
        }
    }

    fn note(&mut self, luma: &[u8]) {
        let extremes = self.brightest.iter_mut().zip(&mut self.darkest);
        for ((most, least), value) in extremes.zip(luma) {
            *most = (*most).max(*value);
            *least = (*least).min(*value);
        }
        self.looks += 1;
    }

    fn clear(&mut self) {
        self.brightest.fill(0);
        self.darkest.fill(u8::MAX);
        self.looks = 0;
    }
}

/// The watch over the pictures of one stream. Takes no memory after it was made.
#[derive(Debug, Default)]
pub(super) struct ScreenWatch {
    columns: usize,
    rows: usize,
    passed: u32,
    now: Round,
    before: Round,
    is_due: bool,
}

impl ScreenWatch {
    pub(super) fn new(columns: u32, rows: u32) -> Self {
        let (columns, rows) = (columns as usize, rows as usize);
        Self {
            columns,
            rows,
            passed: 0,
            now: Round::new(columns * rows),
            before: Round::new(columns * rows),
            is_due: false,
        }
    }

    /// Takes note of a whole picture.
    pub(super) fn note(&mut self, luma: &[u8]) {
        let is_turn = self.passed == 0;
        self.passed = (self.passed + 1) % EVERY;
        if !is_turn || luma.len() != self.now.brightest.len() {
            return;
        }
        if self.now.looks >= ROUND {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.clear();
        }
        self.now.note(luma);
        self.is_due |= self.now.looks == ENOUGH;
    }

    /// Whether enough was seen anew since the last call to look at it once more: every ten seconds or so.
    pub(super) fn take_due(&mut self) -> bool {
        std::mem::take(&mut self.is_due)
    }

    /// Whether something drawn seems to lie inside an area.
    pub(super) fn shows_drawings(&self, area: PixelRect) -> bool {
        self.extremes()
            .is_some_and(|screen| drawn_cells_inside(&screen, area) >= DRAWN_LEAST)
    }

    /// Where the scan lies; `None` before the first picture and when there is no telling.
    pub(super) fn suggest(&self) -> Option<PixelRect> {
        suggest_crop(&self.extremes()?)
    }

    /// What the last seconds showed; `None` before the first picture.
    fn extremes(&self) -> Option<Extremes<'_>> {
        let round = if self.now.looks >= ENOUGH || self.before.looks == 0 {
            &self.now
        } else {
            &self.before
        };
        if round.looks == 0 {
            return None;
        }
        Some(Extremes {
            columns: self.columns,
            rows: self.rows,
            brightest: &round.brightest,
            darkest: &round.darkest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: usize = 320;
    const ROWS: usize = 240;

    /// A scan of moving speckle at 80..240 x 40..200, and a stroke at 10..16 x 10..30.
    fn picture(seed: u32) -> Vec<u8> {
        let mut luma = vec![0; COLUMNS * ROWS];
        for (at, grey) in luma.iter_mut().enumerate() {
            let (x, y) = (at % COLUMNS, at / COLUMNS);
            if (80..240).contains(&x) && (40..200).contains(&y) {
                let noise = (at as u32 ^ seed.wrapping_mul(977)).wrapping_mul(2_654_435_761);
                *grey = (noise.rotate_left(9).wrapping_mul(2_246_822_519) >> 25) as u8;
            } else if (10..16).contains(&x) && (10..30).contains(&y) {
                *grey = 220;
            }
        }
        luma
    }

    #[test]
    fn nothing_is_suggested_before_the_first_picture_and_the_scan_after_some() {
        let mut watch = ScreenWatch::new(COLUMNS as u32, ROWS as u32);
        assert_eq!(watch.suggest(), None);
        assert!(!watch.take_due());
        for k in 0..EVERY * ENOUGH {
            watch.note(&picture(k));
        }
        assert!(watch.take_due(), "enough was seen");
        assert!(!watch.take_due(), "told once");
        let found = watch.suggest().expect("the scan");
        let edges = [
            found.x,
            found.y,
            found.x + found.width,
            found.y + found.height,
        ];
        for (edge, truth) in edges.into_iter().zip([80, 40, 240, 200]) {
            assert!(edge.abs_diff(truth) <= 2, "{found:?}");
        }
    }

    #[test]
    fn what_was_long_ago_is_forgotten_and_a_picture_of_another_size_is_none() {
        let mut watch = ScreenWatch::new(COLUMNS as u32, ROWS as u32);
        for k in 0..EVERY * ENOUGH {
            watch.note(&picture(k));
        }
        // The scanner goes black; after two rounds nothing of the scan is left.
        for _ in 0..EVERY * (2 * ROUND + ENOUGH) {
            watch.note(&vec![0; COLUMNS * ROWS]);
        }
        assert_eq!(watch.suggest(), None);
        for k in 0..EVERY * ENOUGH * 2 {
            watch.note(&picture(k)[1..]);
        }
        assert_eq!(watch.suggest(), None, "a damaged picture says nothing");
    }

    #[test]
    fn a_picture_is_looked_at_now_and_then_only() {
        let mut watch = ScreenWatch::new(COLUMNS as u32, ROWS as u32);
        for k in 0..EVERY * 3 {
            watch.note(&picture(k));
        }
        assert_eq!(watch.now.looks, 3);
    }
}
