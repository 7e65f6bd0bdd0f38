//! The table of a linear array: rows of the picture name samples, columns name scan lines, so one interpolation
//! along each line serves a whole row. Same bytes as the general table; the faster way without vector instructions.
#![expect(
    clippy::indexing_slicing,
    reason = "indices are checked against the grid when the table is made, lengths on entry"
)]
use super::bilinear::{FIRST_HALF, FIRST_SHIFT, SECOND_HALF, SECOND_SHIFT, WHOLE};

/// Scan lines a row of intermediate values has room for, on the stack.
const LINES_MOST: usize = 1024;

/// One picture row: the sample above it and the weight of the one below.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    place: usize,
    sample: usize,
    weight: u32,
}

/// One picture column: the scan line to its left and the weight of the one to its right.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Column {
    line: u16,
    weight: u16,
}

/// A table that falls apart into rows and columns.
#[derive(Clone, Debug)]
pub(super) struct SeparableTable {
    outer: usize,
    inner: usize,
    width: usize,
    pixels: usize,
    first_column: usize,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// One pixel of a general table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) pixel: usize,
    pub(super) index: usize,
    pub(super) along: u32,
    pub(super) across: u32,
}

impl SeparableTable {
    /// The same table as `entries` (in the order of their pixels), if it falls apart.
    pub(super) fn of(
        (width, height): (usize, usize),
        (outer, inner): (usize, usize),
        entries: impl Iterator<Item = Entry>,
    ) -> Option<Self> {
        if outer > LINES_MOST || width == 0 {
            return None;
        }
        let mut table = Self {
            outer,
            inner,
            width,
            pixels: width * height,
            first_column: 0,
            columns: Vec::new(),
            rows: Vec::new(),
        };
        let mut in_row = 0;
        for entry in entries {
            let (row, column) = (entry.pixel / width, entry.pixel % width);
            let own_row = Row {
                place: row,
                sample: entry.index % inner,
                weight: entry.along,
            };
            if table.rows.last().is_none_or(|r| r.place != row) {
                // The row before must have been as wide as the first.
                if table.rows.len() > 1 && in_row != table.columns.len() {
                    return None;
                }
                table.rows.push(own_row);
                in_row = 0;
            }
            let own_column = Column {
                line: u16::try_from(entry.index / inner).ok()?,
                weight: u16::try_from(entry.across).ok()?,
            };
            if table.rows.len() == 1 {
                if in_row == 0 {
                    table.first_column = column;
                }
                table.columns.push(own_column);
            }
            let fits = table.rows.last() == Some(&own_row)
                && column == table.first_column + in_row
                && table.columns.get(in_row) == Some(&own_column);
            if !fits {
                return None;
            }
            in_row += 1;
        }
        (in_row == table.columns.len() && in_row > 0).then_some(table)
    }

    /// Fills the picture; lengths must be those the table was made for.
    pub(super) fn fill(&self, samples: &[u8], out: &mut [u8]) {
        if samples.len() != self.outer * self.inner || out.len() != self.pixels {
            out.fill(0);
            return;
        }
        let mut middle = [0_u32; LINES_MOST];
        let mut done = 0;
        for row in &self.rows {
            let start = row.place * self.width + self.first_column;
            out[done..start].fill(0);
            done = start + self.columns.len();
            for (value, line) in middle.iter_mut().zip(samples.chunks_exact(self.inner)) {
                let pair = &line[row.sample..row.sample + 2];
                let sum =
                    u32::from(pair[0]) * (WHOLE - row.weight) + u32::from(pair[1]) * row.weight;
                *value = (sum + FIRST_HALF) >> FIRST_SHIFT;
            }
            for (pixel, column) in out[start..done].iter_mut().zip(&self.columns) {
                let left = usize::from(column.line) & (LINES_MOST - 1);
                let right = (left + 1) & (LINES_MOST - 1);
                let weight = u32::from(column.weight);
                // At most 255 * 2^21 + 2^20: no overflow.
                let sum = middle[left]
                    .wrapping_mul(WHOLE - weight)
                    .wrapping_add(middle[right].wrapping_mul(weight));
                *pixel = (sum.wrapping_add(SECOND_HALF) >> SECOND_SHIFT) as u8;
            }
        }
        out[done..].fill(0);
    }
}
