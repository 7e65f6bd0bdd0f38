//! The frame counter as a block of bright and dark cells in the deep corner of the marked side, for latency tests.
//!
//! Three rows of six cells: bright, dark, then 16 bits of the counter's Gray code, most significant first. In Gray
//! code neighbouring counters differ in one cell, so a torn picture reads as one of the two.
use crate::frame::ScanGeometry;
use crate::space::ScanPoint;

/// Cells in the block.
pub const WATERMARK_CELLS: usize = 18;
const COLUMNS: usize = 6;
const ROWS: usize = 3;
/// Scan lines a cell is wide.
const CELL_LINES: usize = 5;
/// Share of the depth a cell is high, as 1 over this.
const CELL_SHARE: usize = 36;

/// Bright or dark, cell by cell, for a counter (its lower 16 bits).
fn pattern(counter: u64) -> [bool; WATERMARK_CELLS] {
    let low = counter & 0xFFFF;
    let gray = low ^ (low >> 1);
    std::array::from_fn(|cell| match cell {
        0 => true,
        1 => false,
        _ => (gray >> (WATERMARK_CELLS - 1 - cell)) & 1 == 1,
    })
}

/// First line and first sample of a cell in a frame of `lines` x `samples`.
fn corner(cell: usize, lines: usize, samples: usize) -> [usize; 2] {
    let height = (samples / CELL_SHARE).max(1);
    let (row, column) = (cell / COLUMNS, cell % COLUMNS);
    [
        lines.saturating_sub((COLUMNS - column) * CELL_LINES),
        samples.saturating_sub((ROWS - row) * height),
    ]
}

/// Draws the counter into scan lines.
pub(super) fn draw(counter: u64, lines: usize, samples: usize, values: &mut [u16]) {
    let height = (samples / CELL_SHARE).max(1);
    for (cell, bright) in pattern(counter).into_iter().enumerate() {
        let [first_line, first_sample] = corner(cell, lines, samples);
        for line in values
            .chunks_exact_mut(samples)
            .skip(first_line)
            .take(CELL_LINES)
        {
            for value in line.iter_mut().skip(first_sample).take(height) {
                *value = if bright { u16::MAX } else { 0 };
            }
        }
    }
}

/// Middle of every cell in the Scan space, to be read from a formed or shown picture; empty for finished pictures.
pub fn watermark_centers(geometry: &ScanGeometry, lines: usize, samples: usize) -> Vec<ScanPoint> {
    let height = (samples / CELL_SHARE).max(1);
    (0..WATERMARK_CELLS)
        .filter_map(|cell| {
            let [line, sample] = corner(cell, lines, samples);
            let line = line as f64 + 0.5 * (CELL_LINES as f64 - 1.0);
            let share = line / (lines.max(2) - 1) as f64 - 0.5;
            let down = (sample as f64 + 0.5 * height as f64) / samples.max(1) as f64;
            place(geometry, share, down)
        })
        .collect()
}

fn place(geometry: &ScanGeometry, share: f64, down: f64) -> Option<ScanPoint> {
    let depth = geometry.depth()?;
    let r = depth.near.0 + depth.span().0 * down;
    let fan = |radius: f64, sector: f64| {
        let (sin, cos) = (share * sector).sin_cos();
        ScanPoint::new((radius + r) * sin, (radius + r) * cos - radius)
    };
    match geometry {
        ScanGeometry::Linear { width, .. } => Some(ScanPoint::new(share * width.0, r)),
        ScanGeometry::Curvilinear { radius, sector, .. } => Some(fan(radius.0, sector.0)),
        ScanGeometry::Phased { sector, .. } => Some(fan(0.0, sector.0)),
        ScanGeometry::Raster { .. } => None,
    }
}

/// The counter (its lower 16 bits) from the brightness of the cells' middles; `None` when there is no such block.
pub fn read_watermark(levels: &[f64]) -> Option<u16> {
    let [bright, dark, bits @ ..] = levels else {
        return None;
    };
    if bits.len() != WATERMARK_CELLS - 2 || bright - dark < 1e-9 {
        return None;
    }
    let middle = 0.5 * (bright + dark);
    let mut gray = 0_u16;
    for level in bits {
        gray = (gray << 1) | u16::from(*level > middle);
    }
    let mut counter = gray;
    for shift in [1, 2, 4, 8] {
        counter ^= counter >> shift;
    }
    Some(counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_read_back_and_a_plain_picture_has_none() {
        for counter in [0, 1, 2, 255, 256, 40_000, 65_535, 65_536 + 7] {
            let levels = pattern(counter).map(|bright| if bright { 240.0 } else { 12.0 });
            assert_eq!(read_watermark(&levels), Some((counter & 0xFFFF) as u16));
        }
        assert_eq!(read_watermark(&[80.0; WATERMARK_CELLS]), None);
        assert_eq!(read_watermark(&[1.0, 0.0]), None);
    }
}
