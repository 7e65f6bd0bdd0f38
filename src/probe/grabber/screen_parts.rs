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
/// What a cell with a drawn part costs, as a share of all evidence: a ruler of twenty ticks, two cells each, is worth a
/// sixth of the scan, a caliper in the middle of it nothing.
const DRAWN_COST: f64 = 0.004;
/// Pixels this near to a stroke are its rim.
const RIM: usize = 2;
/// How many cells to each side are asked whether a stroke lies in echo.
const AROUND: usize = 3;
/// So many moving pixels for each drawn one, and it is a moving echo with a bright middle.
const MOVING_LEAST: usize = 2;
/// So much of the surroundings lit, and a stroke lies in echo.
const LIT_SHARE: f64 = 0.25;
/// Evidence a crop must hold, as a share of all there is.
const KEPT_LEAST: f64 = 0.5;
/// Smallest crop suggested, as a share of the sides of the picture.
const SIDE_LEAST: f64 = 0.2;
/// Longest side of a patch that may be a logo, as a share of the shorter side of the picture.
const EMBLEM_MOST: f64 = 0.08;
/// Greys this near to each other are one.
const GREY_SLACK: usize = 4;
/// Share of all strokes that must have about the same grey.
const GREY_LEAST: f64 = 0.05;
/// Share of lit pixels from which a strip beside a crop belongs to the scan.
const BESIDE_LIT: f64 = 0.3;
/// Lit pixels from which a row or column at the edge belongs to the scan.
const EDGE_LIT: usize = 3;

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
    let steady = screen.darkest;
    if columns.checked_mul(rows) != Some(steady.len()) {
        return Vec::new();
    }
    let mut drawn = vec![false; columns * rows];
    let mut flat = drawn.clone();
    let scale = (columns / 640).max(1);
    let most = RUN_MOST * scale;
    for row in 0..rows {
        let at = |x: usize| row * columns + x;
        let value = |x: usize| steady[at(x)];
        mark_strokes(columns, most, scale, value, |x| drawn[at(x)] = true);
    }
    for column in 0..columns {
        let at = |y: usize| y * columns + column;
        let value = |y: usize| steady[at(y)];
        mark_strokes(rows, most, scale, value, |y| flat[at(y)] = true);
    }
    keep_common_greys(steady, &mut flat);
    for (drawn, flat) in drawn.iter_mut().zip(&flat) {
        *drawn |= flat;
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

/// What the pixels of one cell are, counted.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Brightness as evidence of echo, of pixels that are not drawn.
    evidence: f64,
    /// Pixels in a flat stroke on black.
    drawn: usize,
    /// Pixels that move and are not drawn.
    moving: usize,
    /// Pixels that are lit, with no drawn pixel near.
    lit: usize,
}

fn tallies(screen: &Extremes<'_>, side: usize) -> Vec<Tally> {
    let drawn = drawn_pixels(screen);
    let (columns, rows) = (screen.columns / side, screen.rows / side);
    let near_drawn = |x: usize, y: usize| {
        let around = |at: usize, all: usize| at.saturating_sub(RIM)..(at + RIM + 1).min(all);
        around(y, screen.rows)
            .any(|y| around(x, screen.columns).any(|x| drawn[y * screen.columns + x]))
    };
    let mut tallies = vec![Tally::default(); columns * rows];
    for (cell, tally) in tallies.iter_mut().enumerate() {
        let (left, top) = (cell % columns * side, cell / columns * side);
        for y in top..top + side {
            for x in left..left + side {
                let at = y * screen.columns + x;
                let (most, least) = (screen.brightest[at], screen.darkest[at]);
                if drawn[at] {
                    tally.drawn += 1;
                } else if most - least.min(most) >= MOTION_LEAST {
                    tally.moving += 1;
                    tally.evidence += 1.0;
                } else if most >= ECHO_LEAST {
                    tally.evidence += (f64::from(most) / ECHO_FULL).min(1.0);
                }
                tally.lit += usize::from(most >= ECHO_LEAST && !drawn[at] && !near_drawn(x, y));
            }
        }
    }
    tallies
}

/// Whether what looks drawn in a cell has echo around it: a caliper in the scan, or a bright echo with sharp ends.
fn lies_in_echo(tallies: &[Tally], cell: usize, columns: usize, area: f64) -> bool {
    let rows = tallies.len() / columns.max(1);
    let around = |at: usize, all: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(all);
    let (mut drawn, mut moving, mut lit, mut cells) = (0, 0, 0, 0);
    for row in around(cell / columns, rows) {
        for column in around(cell % columns, columns) {
            let tally = &tallies[row * columns + column];
            drawn += tally.drawn;
            moving += tally.moving;
            lit += tally.lit;
            cells += 1;
        }
    }
    moving >= MOVING_LEAST * drawn || lit as f64 >= LIT_SHARE * area * f64::from(cells)
}

/// Takes strokes that are thin in depth back when few of them have their grey: a layer is thin in depth too, but it
/// has all greys along its length, and graphics are drawn in a handful.
fn keep_common_greys(steady: &[u8], drawn: &mut [bool]) {
    let mut counts = [0_usize; 256];
    for (level, _) in steady.iter().zip(&*drawn).filter(|(_, drawn)| **drawn) {
        counts[usize::from(*level)] += 1;
    }
    let all: usize = counts.iter().sum();
    let common: Vec<bool> = (0..256_usize)
        .map(|level| {
            let like = level.saturating_sub(GREY_SLACK)..(level + GREY_SLACK + 1).min(256);
            counts[like].iter().sum::<usize>() as f64 >= GREY_LEAST * all as f64
        })
        .collect();
    for (drawn, level) in drawn.iter_mut().zip(steady) {
        *drawn &= common[usize::from(*level)];
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
    /// Share of the pixels that are lit and nowhere near a stroke.
    lit: Vec<f64>,
    /// Evidence of echo in all cells.
    total: f64,
}

impl Cells {
    fn of(screen: &Extremes<'_>) -> Self {
        let side = if screen.columns < FINE_BELOW { 4 } else { 8 };
        let (columns, rows) = (screen.columns / side, screen.rows / side);
        let tallies = tallies(screen, side);
        let area = (side * side) as f64;
        let mut cells = Self {
            side,
            columns,
            rows,
            worth: tallies.iter().map(|t| t.evidence / area).collect(),
            drawn: vec![false; columns * rows],
            lit: tallies.iter().map(|t| t.lit as f64 / area).collect(),
            total: 0.0,
        };
        for (cell, tally) in tallies.iter().enumerate() {
            cells.drawn[cell] = tally.drawn > 0 && !lies_in_echo(&tallies, cell, columns, area);
        }
        cells.forget_emblems(&tallies);
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

    /// Small lit patches that stand still and by themselves are logos or icons as likely as echo: they say nothing.
    fn forget_emblems(&mut self, tallies: &[Tally]) {
        let most = EMBLEM_MOST * (self.columns.min(self.rows) as f64);
        let mut seen = vec![false; self.worth.len()];
        let mut open = Vec::new();
        let mut patch = Vec::new();
        for start in 0..self.worth.len() {
            if seen[start] || self.worth[start] <= 0.0 {
                continue;
            }
            seen[start] = true;
            open.push(start);
            patch.clear();
            let (mut across, mut down) = ((usize::MAX, 0), (usize::MAX, 0));
            while let Some(cell) = open.pop() {
                patch.push(cell);
                let (column, row) = (cell % self.columns, cell / self.columns);
                across = (across.0.min(column), across.1.max(column));
                down = (down.0.min(row), down.1.max(row));
                for next in self.around(cell) {
                    if !seen[next] && self.worth[next] > 0.0 {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
            let longer = (across.1 - across.0).max(down.1 - down.0) + 1;
            let moves = patch.iter().any(|cell| tallies[*cell].moving > 0);
            if longer as f64 <= most && !moves {
                for cell in &patch {
                    self.worth[*cell] = 0.0;
                }
            }
        }
    }

    /// A cell and those next to it.
    fn around(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let (column, row) = (cell % self.columns, cell / self.columns);
        let (columns, rows) = (self.columns, self.rows);
        let near = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
        near(row, rows).flat_map(move |y| near(column, columns).map(move |x| y * columns + x))
    }

    fn touches_drawn(&self, cell: usize) -> bool {
        self.around(cell).any(|near| self.drawn[near])
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

    /// Moves the edges of a rectangle outward as long as what lies there is textured: a bright flat echo at the edge
    /// of a scan looks drawn, and must not cut off what surrounds it.
    fn with_echo_beside(&self, found: [usize; 4]) -> [usize; 4] {
        let [mut left, mut top, mut right, mut bottom] = found;
        let is_echo = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            let count = xs.len() * ys.len();
            let lit: f64 = ys
                .map(|y| y * self.columns)
                .flat_map(|row| xs.clone().map(move |x| row + x))
                .map(|cell| self.lit[cell])
                .sum();
            count > 0 && lit >= BESIDE_LIT * count as f64
        };
        loop {
            let before = [left, top, right, bottom];
            top -= usize::from(top > 0 && is_echo(left..right, top - 1..top));
            bottom += usize::from(bottom < self.rows && is_echo(left..right, bottom..bottom + 1));
            left -= usize::from(left > 0 && is_echo(left - 1..left, top..bottom));
            right += usize::from(right < self.columns && is_echo(right..right + 1, top..bottom));
            if before == [left, top, right, bottom] {
                return before;
            }
        }
    }

    /// Pixels of a rectangle of cells, one cell wider on every side that is not next to anything drawn, and then drawn
    /// in to where echo begins: the near edge of the crop is taken for the probe face.
    fn tight(&self, screen: &Extremes<'_>, found: [usize; 4]) -> [usize; 4] {
        let [left, top, right, bottom] = found;
        let free = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            ys.clone()
                .all(|y| xs.clone().all(|x| !self.drawn[y * self.columns + x]))
        };
        let wider = [
            left - usize::from(left > 0 && free(left - 1..left, top..bottom)),
            top - usize::from(top > 0 && free(left..right, top - 1..top)),
            right + usize::from(right < self.columns && free(right..right + 1, top..bottom)),
            bottom + usize::from(bottom < self.rows && free(left..right, bottom..bottom + 1)),
        ];
        let [mut left, mut top, mut right, mut bottom] = wider.map(|cell| cell * self.side);
        let lit = |x: usize, y: usize| screen.brightest[y * screen.columns + x] >= ECHO_LEAST;
        let row_lit =
            |y: usize, xs: std::ops::Range<usize>| xs.filter(|x| lit(*x, y)).count() >= EDGE_LIT;
        let column_lit =
            |x: usize, ys: std::ops::Range<usize>| ys.filter(|y| lit(x, *y)).count() >= EDGE_LIT;
        while top + 1 < bottom && !row_lit(top, left..right) {
            top += 1;
        }
        while top + 1 < bottom && !row_lit(bottom - 1, left..right) {
            bottom -= 1;
        }
        while left + 1 < right && !column_lit(left, top..bottom) {
            left += 1;
        }
        while left + 1 < right && !column_lit(right - 1, top..bottom) {
            right -= 1;
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
    let [left, top, right, bottom] = cells.tight(screen, cells.with_echo_beside(found));
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

/// Cells (of 4 or 8 pixels a side) inside an area that hold strokes on black with no echo around them.
pub(super) fn drawn_cells_inside(screen: &Extremes<'_>, area: PixelRect) -> usize {
    let size = screen.columns.checked_mul(screen.rows);
    if size != Some(screen.brightest.len()) || size != Some(screen.darkest.len()) {
        return 0;
    }
    let cells = Cells::of(screen);
    let span = |from: u32, length: u32| {
        let from = from as usize;
        from.div_ceil(cells.side)..from.saturating_add(length as usize) / cells.side
    };
    let (xs, ys) = (span(area.x, area.width), span(area.y, area.height));
    (0..cells.drawn.len())
        .filter(|cell| cells.drawn[*cell])
        .filter(|cell| xs.contains(&(cell % cells.columns)) && ys.contains(&(cell / cells.columns)))
        .count()
}

#[cfg(test)]
#[path = "screen_parts_tests.rs"]
mod tests;
