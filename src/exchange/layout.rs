//! From the order of rows and columns in a file to the internal one (`MF`), and the way back for results.
use crate::frame::{Beams, Orientation, PixelSpacing, ScanGeometry, StoredGrid};
use crate::space::{Affine, ScanPoint};

/// A part of a stored picture, in its pixels; it lies inside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Part {
    /// The part, if it is not empty and inside a picture of `columns` x `rows`.
    pub fn inside(
        (x, y, width, height): (usize, usize, usize, usize),
        columns: usize,
        rows: usize,
    ) -> Option<Self> {
        let fits = |start: usize, side: usize, all: usize| {
            side > 0 && start.checked_add(side).is_some_and(|end| end <= all)
        };
        (fits(x, width, columns) && fits(y, height, rows)).then_some(Self {
            x,
            y,
            width,
            height,
        })
    }
}

/// How to pick the internal block out of a stored one: run `o`, value `i` stands at
/// `base + o * outer_step + i * inner_step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Runs: rows, or scan lines.
    pub outer: usize,
    /// Values a run.
    pub inner: usize,
    base: isize,
    outer_step: isize,
    inner_step: isize,
}

impl Gather {
    /// A picture: rows away from the probe, columns toward the marked side.
    pub fn picture(part: Part, stored_columns: usize, orientation: Orientation) -> Self {
        Self::new(
            Axis::new(
                part.y,
                part.height,
                stored_columns,
                orientation.is_upside_down(),
            ),
            Axis::new(part.x, part.width, 1, orientation.is_mirrored()),
        )
    }

    /// Scan lines: lines toward the marked side, samples away from the probe.
    pub(super) fn scan_lines(columns: usize, rows: usize, orientation: Orientation) -> Self {
        let (mirrored, upside_down) = (orientation.is_mirrored(), orientation.is_upside_down());
        if orientation.lines_are_rows() {
            Self::new(
                Axis::new(0, rows, columns, mirrored),
                Axis::new(0, columns, 1, upside_down),
            )
        } else {
            Self::new(
                Axis::new(0, columns, 1, mirrored),
                Axis::new(0, rows, columns, upside_down),
            )
        }
    }

    fn new(outer: Axis, inner: Axis) -> Self {
        Self {
            outer: outer.count,
            inner: inner.count,
            base: outer.base + inner.base,
            outer_step: outer.step,
            inner_step: inner.step,
        }
    }

    /// Number of values of the internal block.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a part of a picture is never empty"
    )]
    pub fn len(&self) -> usize {
        self.outer * self.inner
    }

    /// Copies the internal block; values the stored block lacks become zero.
    pub fn fill<T: Copy + Default>(&self, stored: &[T], block: &mut [T]) {
        for (o, run) in block.chunks_exact_mut(self.inner.max(1)).enumerate() {
            let start = self.base + o as isize * self.outer_step;
            if self.inner_step == 1 {
                let first = start as usize;
                if let Some(source) = stored.get(first..first + run.len()) {
                    run.copy_from_slice(source);
                }
                continue;
            }
            for (i, value) in run.iter_mut().enumerate() {
                let at = (start + i as isize * self.inner_step) as usize;
                *value = stored.get(at).copied().unwrap_or_default();
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Axis {
    count: usize,
    base: isize,
    step: isize,
}

impl Axis {
    fn new(first: usize, count: usize, stride: usize, reversed: bool) -> Self {
        let stride = stride as isize;
        if reversed {
            Self {
                count,
                base: (first + count).saturating_sub(1) as isize * stride,
                step: -stride,
            }
        } else {
            Self {
                count,
                base: first as isize * stride,
                step: stride,
            }
        }
    }
}

/// Everything that decides where a stored picture lies in internal coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RasterPlan {
    /// Columns stored.
    pub columns: usize,
    /// Rows stored.
    pub rows: usize,
    /// The part of them that is taken.
    pub part: Part,
    /// How they are stored.
    pub orientation: Orientation,
    /// Pixel size; `None` without a scale.
    pub spacing: Option<PixelSpacing>,
    /// Where stored column 0, row 0 lies, mm; `None` when the file does not place it in millimetres.
    pub offset: Option<[f64; 2]>,
}

impl RasterPlan {
    /// The geometry of the internal picture, with beams straight down.
    ///
    /// The uncropped internal picture keeps the offset of the stored one, whatever was flipped: its pixel (i, j) lies
    /// at offset + (i, j) x spacing. Without an offset in millimetres the top-left pixel of the *part* is (0, 0).
    /// `None` when an offset is so large that the way back is no number.
    pub fn geometry(&self) -> Option<ScanGeometry> {
        let axis = |index: usize| {
            let (first, count, all, flipped) = if index == 0 {
                let flipped = self.orientation.is_mirrored();
                (self.part.x, self.part.width, self.columns, flipped)
            } else {
                let flipped = self.orientation.is_upside_down();
                (self.part.y, self.part.height, self.rows, flipped)
            };
            let step = self
                .spacing
                .map_or(1.0, |s| if index == 0 { s.lateral.0 } else { s.axial.0 });
            let offset = self
                .offset
                .map_or(0.0, |[x, z]| if index == 0 { x } else { z });
            let inner_first = if flipped { all - first - count } else { first };
            let origin = if self.offset.is_some() {
                offset + inner_first as f64 * step
            } else {
                0.0
            };
            let (scale, stored_first) = if flipped {
                (-1.0, first + count - 1)
            } else {
                (1.0, first)
            };
            let shift = offset + stored_first as f64 * step - scale * origin;
            (origin, scale, shift)
        };
        let (x, scale_x, shift_x) = axis(0);
        let (z, scale_z, shift_z) = axis(1);
        let stored_from_scan = Affine::new([scale_x, scale_z], [shift_x, shift_z])?;
        Some(ScanGeometry::Raster {
            spacing: self.spacing,
            origin: ScanPoint::new(x, z),
            beams: Beams::Parallel,
            stored: StoredGrid { stored_from_scan },
        })
    }
}
