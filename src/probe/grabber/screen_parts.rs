//! What on a scanner's screen is drawn (text, rulers, grey bars, logos) and what is scan: a crop to suggest. Pure.
//!
//! Nothing is erased by this: a pump face held still is as still as text, so that stillness alone says nothing. What
//! is drawn has flat strokes that end within two pixels on black; echo is textured, and its edges are as soft as the
//! sound is wide. Of all rectangles the one with the most echo and the fewest drawn parts is suggested; the user
//! decides.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel: every index comes from a loop over the picture or the cells it was made for"
)]
use crate::frame::PixelRect;

/// Pictures narrower than this are looked at in cells of 4 pixels, wider ones in cells of 8.
const FINE_BELOW: usize = 1000;
/// A stroke must be this bright.
const STROKE_LEAST: u8 = 40;
/// What a stroke is drawn on is no brighter than this.
const GROUND_MOST: u8 = 16;
/// Values along a stroke differ by no more than this share of it.
const FLAT_SHARE: f64 = 0.12;
/// Longest run across a stroke or bar, pixels of a picture 640 wide.
const RUN_MOST: usize = 20;
/// Echo is brighter than this; coding noise on black stays below.
const ECHO_LEAST: u8 = 12;
/// Brightness that counts as full evidence of echo; more says no more.
const ECHO_FULL: f64 = 64.0;
/// A pixel that changes by this much from frame to frame is echo in motion, however dark it is at times.
const MOTION_LEAST: u8 = 24;
/// What a cell with a drawn part costs, as a share of all evidence: a ruler of twenty ticks is worth a third of the
/// scan, a caliper in the middle of it nothing.
const DRAWN_COST: f64 = 0.015;
/// Evidence a crop must hold, as a share of all there is.
const KEPT_LEAST: f64 = 0.5;
/// Smallest crop suggested, as a share of the sides of the picture.
const SIDE_LEAST: f64 = 0.2;
/// How far a crop grows over black, as a share of the sides: the dark end of a scan belongs to it.
const GROWTH: f64 = 0.05;

/// The brightest and the darkest value each pixel took over some frames (of one frame: the same twice).
#[derive(Clone, Copy, Debug)]
pub struct Extremes<'a> {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Brightest values, row by row.
    pub brightest: &'a [u8],
    /// Darkest values, row by row.
    pub darkest: &'a [u8],
}

/// Pixels that are drawn, as far as their shape shows it: `true` for each that lies in a flat stroke on black.
pub fn drawn_pixels(screen: &Extremes<'_>) -> Vec<bool> {
    let Extremes { columns, rows, .. } = *screen;
    let mut drawn = vec![false; columns * rows];
    if screen.darkest.len() != columns * rows {
        return drawn;
    }
    let scale = (columns / 640).max(1);
    let most = RUN_MOST * scale;
    let steady = screen.darkest;
    for row in 0..rows {
        let at = |x: usize| row * columns + x;
        mark_strokes(
            columns,
            most,
            scale,
            |x| steady[at(x)],
            |x| drawn[at(x)] = true,
        );
    }
    for column in 0..columns {
        let at = |y: usize| y * columns + column;
        mark_strokes(
            rows,
            most,
            scale,
            |y| steady[at(y)],
            |y| drawn[at(y)] = true,
        );
    }
    drawn
}

/// Finds runs of like values on one line that end on black on both sides.
fn mark_strokes(
    length: usize,
    most: usize,
    scale: usize,
    value: impl Fn(usize) -> u8,
    mut mark: impl FnMut(usize),
) {
    // Within how many pixels a drawn edge has fallen to the ground.
    let fall = 1 + scale;
    let dark = |i: Option<usize>| i.is_none_or(|i| i >= length || value(i) <= GROUND_MOST);
    let mut start = 0;
    while start < length {
        let level = value(start);
        if level < STROKE_LEAST {
            start += 1;
            continue;
        }
        let slack = (f64::from(level) * FLAT_SHARE) as u8;
        let mut end = start + 1;
        while end < length && value(end).abs_diff(level) <= slack {
            end += 1;
        }
        let before = (1..=fall).any(|d| dark(start.checked_sub(d)));
        let after = (0..fall).any(|d| dark(Some(end + d)));
        if end - start <= most && before && after {
            (start..end).for_each(&mut mark);
        }
        start = end;
    }
}

/// The evidence a picture gives, in cells of `side` x `side` pixels.
struct Cells {
    side: usize,
    columns: usize,
    rows: usize,
    /// Evidence of echo, less what drawn parts cost.
    worth: Vec<f64>,
    drawn: Vec<bool>,
    /// Evidence of echo in all cells.
    total: f64,
}

impl Cells {
    fn of(screen: &Extremes<'_>) -> Self {
        let side = if screen.columns < FINE_BELOW { 4 } else { 8 };
        let (columns, rows) = (screen.columns / side, screen.rows / side);
        let drawn_pixels = drawn_pixels(screen);
        let mut cells = Self {
            side,
            columns,
            rows,
            worth: vec![0.0; columns * rows],
            drawn: vec![false; columns * rows],
            total: 0.0,
        };
        let area = (side * side) as f64;
        for cell in 0..columns * rows {
            let (left, top) = (cell % columns * side, cell / columns * side);
            let mut evidence = 0.0;
            for y in top..top + side {
                for x in left..left + side {
                    let at = y * screen.columns + x;
                    let (most, least) = (screen.brightest[at], screen.darkest[at]);
                    cells.drawn[cell] |= drawn_pixels[at];
                    if most - least.min(most) >= MOTION_LEAST {
                        evidence += 1.0;
                    } else if most >= ECHO_LEAST {
                        evidence += (f64::from(most) / ECHO_FULL).min(1.0);
                    }
                }
            }
            cells.worth[cell] = evidence / area;
        }
        // The soft rim of a letter is no echo either: neighbours of drawn cells count for nothing.
        for cell in 0..columns * rows {
            if cells.touches_drawn(cell) {
                cells.worth[cell] = 0.0;
            }
        }
        cells.total = cells.worth.iter().sum();
        for (worth, drawn) in cells.worth.iter_mut().zip(&cells.drawn) {
            if *drawn {
                *worth = -DRAWN_COST * cells.total;
            }
        }
        cells
    }

    fn touches_drawn(&self, cell: usize) -> bool {
        let (column, row) = (cell % self.columns, cell / self.columns);
        let near = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
        near(row, self.rows)
            .any(|y| near(column, self.columns).any(|x| self.drawn[y * self.columns + x]))
    }

    /// The rectangle of cells that is worth most: left, top, right, bottom, the last two behind it; and its worth.
    fn best(&self) -> Option<([usize; 4], f64)> {
        let mut best: Option<([usize; 4], f64)> = None;
        let mut sums = vec![0.0; self.columns];
        for top in 0..self.rows {
            sums.fill(0.0);
            for bottom in top..self.rows {
                let row = &self.worth[bottom * self.columns..(bottom + 1) * self.columns];
                let (mut start, mut run) = (0, 0.0);
                for (column, (sum, worth)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += worth;
                    if run <= 0.0 {
                        (start, run) = (column, 0.0);
                    }
                    run += *sum;
                    if best.is_none_or(|(_, most)| run > most) {
                        best = Some(([start, top, column + 1, bottom + 1], run));
                    }
                }
            }
        }
        best
    }

    /// Grows a rectangle over cells that are not next to anything drawn.
    fn grown(&self, [mut left, mut top, mut right, mut bottom]: [usize; 4]) -> [usize; 4] {
        let free = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            ys.clone().all(|y| {
                xs.clone()
                    .all(|x| !self.touches_drawn(y * self.columns + x))
            })
        };
        let steps = |side: usize| (side as f64 * GROWTH) as usize;
        for _ in 0..steps(self.columns) {
            if left > 0 && free(left - 1..left, top..bottom) {
                left -= 1;
            }
            if right < self.columns && free(right..right + 1, top..bottom) {
                right += 1;
            }
        }
        for _ in 0..steps(self.rows) {
            if top > 0 && free(left..right, top - 1..top) {
                top -= 1;
            }
            if bottom < self.rows && free(left..right, bottom..bottom + 1) {
                bottom += 1;
            }
        }
        [left, top, right, bottom]
    }
}

/// The part of a scanner's screen that holds the scan, without what is drawn around it; `None` when there is no telling.
pub fn suggest_crop(screen: &Extremes<'_>) -> Option<PixelRect> {
    let Extremes { columns, rows, .. } = *screen;
    let size = columns.checked_mul(rows)?;
    if screen.brightest.len() != size || screen.darkest.len() != size || columns.min(rows) < 64 {
        return None;
    }
    let cells = Cells::of(screen);
    let (found, worth) = cells.best()?;
    if worth < KEPT_LEAST * cells.total || cells.total < 1.0 {
        return None;
    }
    let [left, top, right, bottom] = cells.grown(found).map(|c| c * cells.side);
    let (width, height) = (right - left, bottom - top);
    let large = |side: usize, all: usize| side as f64 >= SIDE_LEAST * all as f64;
    if !large(width, columns) || !large(height, rows) {
        return None;
    }
    let number = |side: usize| u32::try_from(side).ok();
    PixelRect {
        x: number(left)?,
        y: number(top)?,
        width: number(width)?,
        height: number(height)?,
    }
    .within(number(columns)?, number(rows)?)
}
