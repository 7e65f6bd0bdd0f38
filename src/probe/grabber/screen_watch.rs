//! Keeps what the last seconds of whole pictures showed, so that a crop can be suggested at any time.
use super::screen_parts::{Extremes, suggest_crop};
use crate::frame::PixelRect;

/// Every so many pictures one is looked at: ten a second at most, so that the watch costs little.
const EVERY: u32 = 6;
/// Pictures looked at before a round begins anew: some ten seconds at 30 frames a second.
const ROUND: u32 = 50;
/// Pictures of the present round from which it is used instead of the last one.
const ENOUGH: u32 = 10;

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
    }

    /// Where the scan lies; `None` before the first picture and when there is no telling.
    pub(super) fn suggest(&self) -> Option<PixelRect> {
        let round = if self.now.looks >= ENOUGH || self.before.looks == 0 {
            &self.now
        } else {
            &self.before
        };
        if round.looks == 0 {
            return None;
        }
        suggest_crop(&Extremes {
            columns: self.columns,
            rows: self.rows,
            brightest: &round.brightest,
            darkest: &round.darkest,
        })
    }
}
