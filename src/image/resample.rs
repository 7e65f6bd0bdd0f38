//! A formed picture read at fixed places again and again: the places are worked out once, each frame is a table.
use super::ScanImage;
use super::bilinear::BilinearTable;

/// Reads pictures of one size at the same places, bilinear between pixels.
#[derive(Clone, Debug)]
pub struct Resampler {
    table: BilinearTable,
    pixels: (usize, usize),
}

impl Resampler {
    /// Asks `place` for each of `count` outputs (column, row) which fractional (column, row) of a picture of `pixels`
    /// columns and rows it shows; `None` stays black. A place beyond the picture's edge shows the edge.
    ///
    /// `None` for pictures with less than two columns or rows.
    pub fn new(
        count: (usize, usize),
        pixels: (usize, usize),
        place: impl Fn(usize, usize) -> Option<(f64, f64)>,
    ) -> Option<Self> {
        let (columns, rows) = pixels;
        let table = BilinearTable::build(count, (rows, columns), |column, row| {
            place(column, row).map(|(x, z)| (z, x))
        })?;
        Some(Self { table, pixels })
    }

    /// Reads a picture into `out`, row by row of the outputs. Black when a size is not the one it was made for.
    pub fn fill(&self, image: &ScanImage, out: &mut [u8]) {
        if (image.columns, image.rows) == self.pixels {
            self.table.fill(&image.pixels, out);
        } else {
            out.fill(0);
        }
    }
}
