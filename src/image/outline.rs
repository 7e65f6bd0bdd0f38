//! Where the lit part of a finished picture begins and ends, row by row and column by column.
#![expect(
    clippy::indexing_slicing,
    reason = "grids are built here with the sides they are walked with"
)]
use crate::space::PixelPoint;

/// Grey levels above black from which a pixel counts as lit: above what image compression leaves in black.
const LIT_ABOVE_BLACK: u8 = 6;
/// The most the black of a screen may be (video black is 16).
const BLACK_MOST: u8 = 24;
/// Edge of the cells in which stretches of lit pixels are joined.
const CELL: usize = 4;
/// Lit pixels a cell needs: a single one is noise.
const CELL_LIT: usize = 2;
/// Joined stretches whose shorter side is below this share of the picture's shorter side are lettering, ticks or bars.
const LETTERING: f64 = 0.04;

/// A picture as lit and dark pixels, and the outline of its larger lit stretches.
///
/// Outline points lie half way between the outermost lit pixel and its dark neighbour; those at the edge of the
/// picture are left out.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Row by row, lettering and all.
    pub(super) lit: Vec<bool>,
    /// Where the lit part begins in each row.
    pub(super) left: Vec<PixelPoint>,
    /// Where it ends in each row.
    pub(super) right: Vec<PixelPoint>,
    /// Where it begins in each column.
    pub(super) top: Vec<PixelPoint>,
    /// Where it ends in each column.
    pub(super) bottom: Vec<PixelPoint>,
    /// Columns that are lit down to the picture's last row.
    pub(super) cropped_columns: usize,
}

impl Outline {
    /// The outline; `None` when the picture's upper corners are not black.
    pub(super) fn of(pixels: &[u8], columns: usize, rows: usize) -> Option<Self> {
        if columns < 32 || rows < 32 || columns.checked_mul(rows)? != pixels.len() {
            return None;
        }
        let limit = black(pixels, columns, rows)? + LIT_ABOVE_BLACK;
        let lit: Vec<bool> = pixels.iter().map(|&grey| grey > limit).collect();
        let cells = Cells::of(&lit, columns, rows);
        let counts = |column: usize, row: usize| {
            lit[row * columns + column] && cells.keep(column / CELL, row / CELL)
        };
        let mut outline = Self {
            columns,
            rows,
            left: Vec::new(),
            right: Vec::new(),
            top: Vec::new(),
            bottom: Vec::new(),
            cropped_columns: 0,
            lit: Vec::new(),
        };
        for row in 0..rows {
            let z = row as f64;
            if let Some(first) = (0..columns).find(|&c| counts(c, row)).filter(|&c| c > 0) {
                outline.left.push(PixelPoint::new(first as f64 - 0.5, z));
            }
            let last = (0..columns).rfind(|&c| counts(c, row));
            if let Some(last) = last.filter(|&c| c + 1 < columns) {
                outline.right.push(PixelPoint::new(last as f64 + 0.5, z));
            }
        }
        for column in 0..columns {
            let x = column as f64;
            if let Some(first) = (0..rows).find(|&r| counts(column, r)).filter(|&r| r > 0) {
                outline.top.push(PixelPoint::new(x, first as f64 - 0.5));
            }
            match (0..rows).rfind(|&r| counts(column, r)) {
                Some(last) if last + 1 < rows => {
                    outline.bottom.push(PixelPoint::new(x, last as f64 + 0.5));
                }
                Some(_) => outline.cropped_columns += 1,
                None => {}
            }
        }
        outline.lit = lit;
        Some(outline)
    }

    /// Whether the pixel nearest to a point is lit; `None` outside the picture.
    pub(super) fn is_lit(&self, x: f64, z: f64) -> Option<bool> {
        let (column, row) = (x.round(), z.round());
        let inside =
            column >= 0.0 && row >= 0.0 && column < self.columns as f64 && row < self.rows as f64;
        inside.then(|| self.lit[row as usize * self.columns + column as usize])
    }
}

/// Grey level of the upper corners, when both are black over most of their area.
fn black(pixels: &[u8], columns: usize, rows: usize) -> Option<u8> {
    let (width, height) = (columns / 20 + 1, rows / 20 + 1);
    let corner = |from: usize| {
        let mut greys: Vec<u8> = (0..height)
            .flat_map(|row| pixels[row * columns + from..][..width].iter().copied())
            .collect();
        greys.sort_unstable();
        // Lettering may cover up to a third of a corner.
        let (middle, most) = (greys[greys.len() / 2], greys[greys.len() * 2 / 3]);
        (middle <= BLACK_MOST && most <= middle.saturating_add(LIT_ABOVE_BLACK)).then_some(middle)
    };
    Some(corner(0)?.max(corner(columns - width)?))
}

/// Lit cells, labelled by the stretch they belong to.
struct Cells {
    columns: usize,
    /// Stretch of each cell; 0 is dark.
    label: Vec<u32>,
    /// Whether each stretch is large enough.
    large: Vec<bool>,
}

impl Cells {
    fn of(lit: &[bool], picture_columns: usize, picture_rows: usize) -> Self {
        let columns = picture_columns.div_ceil(CELL);
        let rows = picture_rows.div_ceil(CELL);
        let mut counts = vec![0_usize; columns * rows];
        for (pixel, _) in lit.iter().enumerate().filter(|&(_, &lit)| lit) {
            let (column, row) = (pixel % picture_columns, pixel / picture_columns);
            counts[row / CELL * columns + column / CELL] += 1;
        }
        let mut cells = Self {
            columns,
            label: vec![0; columns * rows],
            large: vec![false],
        };
        let least = LETTERING * picture_columns.min(picture_rows) as f64;
        for start in 0..counts.len() {
            if counts[start] >= CELL_LIT && cells.label[start] == 0 {
                let shorter = cells.join(start, &counts);
                cells.large.push((shorter * CELL) as f64 >= least);
            }
        }
        cells
    }

    /// Labels the stretch around a cell and returns how many cells its shorter side has for certain: the outermost
    /// two may be touched only.
    fn join(&mut self, start: usize, counts: &[usize]) -> usize {
        let (columns, rows) = (self.columns, counts.len() / self.columns);
        let label = self.large.len() as u32;
        let (mut across, mut down) = ((usize::MAX, 0), (usize::MAX, 0));
        let mut open = vec![start];
        self.label[start] = label;
        while let Some(cell) = open.pop() {
            let (column, row) = (cell % columns, cell / columns);
            across = (across.0.min(column), across.1.max(column));
            down = (down.0.min(row), down.1.max(row));
            for r in row.saturating_sub(1)..(row + 2).min(rows) {
                for c in column.saturating_sub(1)..(column + 2).min(columns) {
                    let next = r * columns + c;
                    if counts[next] >= CELL_LIT && self.label[next] == 0 {
                        self.label[next] = label;
                        open.push(next);
                    }
                }
            }
        }
        (across.1 - across.0).min(down.1 - down.0)
    }

    fn keep(&self, column: usize, row: usize) -> bool {
        self.large[self.label[row * self.columns + column] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lettering_and_single_pixels_do_not_belong_to_the_outline() {
        let (columns, rows) = (200, 150);
        let mut pixels = vec![0_u8; columns * rows];
        for row in 40..120 {
            pixels[row * columns + 60..row * columns + 140].fill(90);
        }
        for row in 70..74 {
            pixels[row * columns + 5..row * columns + 40].fill(255);
        }
        pixels[100 * columns + 190] = 255;
        let outline = Outline::of(&pixels, columns, rows).expect("black corners");
        assert!(outline.left.iter().all(|p| p.x == 59.5));
        assert!(outline.right.iter().all(|p| p.x == 139.5));
        assert_eq!(outline.left.len(), 80);
        assert!(outline.top.iter().all(|p| p.z == 39.5));
        assert!(outline.bottom.iter().all(|p| p.z == 119.5));
    }

    #[test]
    fn a_picture_without_black_corners_has_no_outline() {
        assert!(Outline::of(&[200; 100 * 100], 100, 100).is_none());
        assert!(Outline::of(&[0; 100 * 100], 100, 99).is_none());
        assert!(Outline::of(&[0; 100 * 100], 100, 100).is_some());
    }
}
