//! A picture from a grid of samples by table: four neighbours and two weights a pixel, 8 bytes a pixel.
//!
//! Fixed point throughout, so that the scalar and the vector path agree bit for bit. Weights have 14 bits and
//! the sums after the first step 7 bits below the grey level: within 1 level of the same sum in `f64`.
#![expect(
    clippy::indexing_slicing,
    reason = "runs and table are built together here; lengths of input and output are checked on entry"
)]
use super::separable::{Entry, SeparableTable};
use super::simd::Gather;

/// Bits of a weight.
pub(super) const WEIGHT_BITS: u32 = 14;
/// The weight of a whole sample.
pub(super) const WHOLE: u32 = 1 << WEIGHT_BITS;
/// Bits below the grey level kept between the two steps.
pub(super) const MIDDLE_BITS: u32 = 7;
/// Shift and rounding of the first step (along the inner axis).
pub(super) const FIRST_SHIFT: u32 = WEIGHT_BITS - MIDDLE_BITS;
/// Rounding of the first step.
pub(super) const FIRST_HALF: u32 = 1 << (FIRST_SHIFT - 1);
/// Shift of the second step (along the outer axis).
pub(super) const SECOND_SHIFT: u32 = WEIGHT_BITS + MIDDLE_BITS;
/// Rounding of the second step.
pub(super) const SECOND_HALF: u32 = 1 << (SECOND_SHIFT - 1);

/// A stretch of neighbouring pixels that show something.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    /// First pixel, counted through the whole picture.
    pixel: usize,
    /// First table entry.
    entry: usize,
    length: usize,
    /// Whether four bytes may be read at every sample this run names.
    wide: bool,
}

/// The table of one picture.
#[derive(Clone, Debug)]
pub(super) struct BilinearTable {
    outer: usize,
    inner: usize,
    pixels: usize,
    runs: Vec<Run>,
    /// Upper left neighbour of each pixel inside: `outer index * inner + inner index`.
    index: Vec<u32>,
    /// Weight of the next inner neighbour (low half) and of the next outer neighbour (high half).
    weights: Vec<u32>,
    gather: Option<Gather>,
    /// The same table by rows and columns, where it falls apart into them: the faster way without vector
    /// instructions.
    separable: Option<SeparableTable>,
}

impl BilinearTable {
    /// Asks `place` for every pixel (column, row) where it lies in a grid of `outer` runs of `inner` samples, as
    /// fractional (outer, inner) indices; `None` is outside and stays black.
    ///
    /// `None` for grids with less than two samples a side and for grids beyond 2^31 samples.
    pub(super) fn build(
        (columns, rows): (usize, usize),
        (outer, inner): (usize, usize),
        place: impl Fn(usize, usize) -> Option<(f64, f64)>,
    ) -> Option<Self> {
        let mut table = Self::with_entries((columns, rows), (outer, inner), place)?;
        table.separable = SeparableTable::of((columns, rows), (outer, inner), table.entries());
        table.index.shrink_to_fit();
        table.weights.shrink_to_fit();
        Some(table)
    }

    fn with_entries(
        (columns, rows): (usize, usize),
        (outer, inner): (usize, usize),
        place: impl Fn(usize, usize) -> Option<(f64, f64)>,
    ) -> Option<Self> {
        let samples = outer.checked_mul(inner)?;
        if outer < 2 || inner < 2 || samples > i32::MAX as usize {
            return None;
        }
        let mut table = Self {
            outer,
            inner,
            pixels: columns.checked_mul(rows)?,
            runs: Vec::with_capacity(rows * 2),
            index: Vec::with_capacity(columns * rows),
            weights: Vec::with_capacity(columns * rows),
            gather: Gather::detect(),
            separable: None,
        };
        for row in 0..rows {
            for column in 0..columns {
                if let Some(at) = place(column, row) {
                    table.push(row * columns + column, column == 0, at);
                }
            }
        }
        Some(table)
    }

    fn push(&mut self, pixel: usize, begins_row: bool, (outer, inner): (f64, f64)) {
        let (line, line_weight) = split(outer, self.outer);
        let (sample, sample_weight) = split(inner, self.inner);
        let index = line * self.inner + sample;
        let wide = index + self.inner + 4 <= self.outer * self.inner;
        let entry = self.index.len();
        self.index.push(index as u32);
        self.weights.push(sample_weight | (line_weight << 16));
        match self.runs.last_mut() {
            Some(run) if run.pixel + run.length == pixel && run.wide == wide && !begins_row => {
                run.length += 1;
            }
            Some(_) | None => self.runs.push(Run {
                pixel,
                entry,
                length: 1,
                wide,
            }),
        }
    }

    /// Every pixel that shows something, in the order of pixels.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.runs.iter().flat_map(move |run| {
            (0..run.length).map(move |step| {
                let weights = self.weights[run.entry + step];
                Entry {
                    pixel: run.pixel + step,
                    index: self.index[run.entry + step] as usize,
                    along: weights & 0xFFFF,
                    across: weights >> 16,
                }
            })
        })
    }

    /// Number of pixels that show something.
    #[cfg(test)]
    pub(super) fn pixels_inside(&self) -> usize {
        self.runs.iter().map(|run| run.length).sum()
    }

    /// Number of runs in one row of so many columns.
    #[cfg(test)]
    pub(super) fn runs_in_row(&self, row: usize, columns: usize) -> usize {
        let in_row = |run: &&Run| run.pixel / columns == row;
        self.runs.iter().filter(in_row).count()
    }

    /// Fills the picture `out` from `samples`, with vector instructions where the machine has them.
    ///
    /// Lengths that are not those the table was built for leave a black picture.
    pub(super) fn fill(&self, samples: &[u8], out: &mut [u8]) {
        self.fill_with(samples, out, self.gather);
    }

    /// The same without vector instructions; the same bytes.
    pub(super) fn fill_scalar(&self, samples: &[u8], out: &mut [u8]) {
        self.fill_with(samples, out, None);
    }

    #[cfg(test)]
    pub(super) fn is_separable(&self) -> bool {
        self.separable.is_some()
    }

    /// The same table without its short cut, to hold the two against each other.
    #[cfg(test)]
    pub(super) fn in_full(
        picture: (usize, usize),
        grid: (usize, usize),
        place: impl Fn(usize, usize) -> Option<(f64, f64)>,
    ) -> Option<Self> {
        let mut table = Self::with_entries(picture, grid, place)?;
        table.separable = None;
        Some(table)
    }

    fn fill_with(&self, samples: &[u8], out: &mut [u8], gather: Option<Gather>) {
        if samples.len() != self.outer * self.inner || out.len() != self.pixels {
            out.fill(0);
            return;
        }
        if let (Some(separable), None) = (&self.separable, gather) {
            separable.fill(samples, out);
            return;
        }
        let mut done = 0;
        for run in &self.runs {
            out[done..run.pixel].fill(0);
            done = run.pixel + run.length;
            let pixels = &mut out[run.pixel..done];
            let index = &self.index[run.entry..run.entry + run.length];
            let weights = &self.weights[run.entry..run.entry + run.length];
            match gather {
                Some(gather) if run.wide => {
                    let vectored = gather.fill(samples, self.inner, index, weights, pixels);
                    let (index, weights) = (&index[vectored..], &weights[vectored..]);
                    fill_run(samples, self.inner, index, weights, &mut pixels[vectored..]);
                }
                Some(_) | None => fill_run(samples, self.inner, index, weights, pixels),
            }
        }
        out[done..].fill(0);
    }
}

/// Splits a fractional index into the lower neighbour (so that there is a next one) and the weight of the next.
fn split(position: f64, count: usize) -> (usize, u32) {
    let position = position.clamp(0.0, (count - 1) as f64);
    let lower = (position as usize).min(count - 2);
    let weight = ((position - lower as f64) * f64::from(WHOLE)).round();
    (lower, weight as u32)
}

/// The scalar path over neighbouring pixels.
fn fill_run(samples: &[u8], inner: usize, index: &[u32], weights: &[u32], out: &mut [u8]) {
    // Both slices have one length, so one look at an index serves both.
    let reach = samples.len() - inner;
    let (these, those) = (&samples[..reach], &samples[inner..][..reach]);
    for ((pixel, &index), &weights) in out.iter_mut().zip(index).zip(weights) {
        let at = index as usize;
        let (this, that) = (&these[at..at + 2], &those[at..at + 2]);
        let (along, across) = ((weights & 0xFFFF) as i32, (weights >> 16) as i32);
        // `a * (whole - w) + b * w` with one multiplication. Nothing overflows; saying so spares the checks.
        let mix = |a: i32, b: i32, weight: i32| {
            (a << WEIGHT_BITS).wrapping_add(b.wrapping_sub(a).wrapping_mul(weight))
        };
        let first = |pair: &[u8]| {
            let sum = mix(i32::from(pair[0]), i32::from(pair[1]), along);
            sum.wrapping_add(FIRST_HALF as i32) >> FIRST_SHIFT
        };
        let sum = mix(first(this), first(that), across).wrapping_add(SECOND_HALF as i32);
        *pixel = (sum >> SECOND_SHIFT) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pseudo-random bytes, extremes among them more often than by chance.
    fn bytes(seed: u64, count: usize) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..count)
            .map(|_| {
                let word = next();
                match word & 7 {
                    0 => 0,
                    1 => 255,
                    _ => (word >> 32) as u8,
                }
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn the_short_cut_for_linear_arrays_gives_the_bytes_of_the_full_table(
            (outer, inner) in (2usize..40, 2usize..60),
            (columns, rows) in (1usize..70, 1usize..40),
            (shift_x, shift_z) in (-3.0f64..3.0, -3.0f64..3.0),
            seed in any::<u64>(),
        ) {
            let place = |column: usize, row: usize| {
                let line = column as f64 * 0.31 + shift_x;
                let sample = row as f64 * 0.77 + shift_z;
                let inside = (-0.5..outer as f64).contains(&line) && (-0.5..inner as f64).contains(&sample);
                inside.then_some((line, sample))
            };
            let picture = (columns, rows);
            let short = BilinearTable::build(picture, (outer, inner), place).expect("grid");
            let full = BilinearTable::in_full(picture, (outer, inner), place).expect("grid");
            prop_assert_eq!(short.is_separable(), full.pixels_inside() > 0);
            let samples = bytes(seed, outer * inner);
            let (mut a, mut b) = (vec![9; columns * rows], vec![7; columns * rows]);
            short.fill_scalar(&samples, &mut a);
            full.fill_scalar(&samples, &mut b);
            prop_assert_eq!(a, b);
        }

        #[test]
        fn vector_and_scalar_paths_agree_bit_for_bit_over_random_maps(
            (outer, inner) in (2usize..40, 2usize..60),
            (columns, rows) in (1usize..70, 1usize..12),
            seed in any::<u64>(),
            (step_outer, step_inner, shear) in (0.01f64..2.0, 0.01f64..2.0, -1.0f64..1.0),
            hole in 0usize..9,
        ) {
            let place = |column: usize, row: usize| {
                ((column * 7 + row * 3) % 10 >= hole).then_some((
                    row as f64 * step_outer + column as f64 * shear,
                    column as f64 * step_inner - 1.0,
                ))
            };
            let table = BilinearTable::build((columns, rows), (outer, inner), place)
                .expect("a grid of two by two or more");
            let samples = bytes(seed, outer * inner);
            let mut fast = vec![17; columns * rows];
            let mut slow = vec![99; columns * rows];
            table.fill(&samples, &mut fast);
            table.fill_scalar(&samples, &mut slow);
            prop_assert_eq!(&fast, &slow);
            for row in 0..rows {
                for column in 0..columns {
                    let expected = place(column, row).map_or(0.0, |at| exact(&samples, (outer, inner), at));
                    let got = f64::from(fast[row * columns + column]);
                    prop_assert!((got - expected).abs() < 0.6, "{} for {}", got, expected);
                }
            }
        }
    }

    fn exact(samples: &[u8], (outer, inner): (usize, usize), (u, v): (f64, f64)) -> f64 {
        let u = u.clamp(0.0, (outer - 1) as f64);
        let v = v.clamp(0.0, (inner - 1) as f64);
        let (i, j) = ((u as usize).min(outer - 2), (v as usize).min(inner - 2));
        let (a, b) = (u - i as f64, v - j as f64);
        let at = |i: usize, j: usize| f64::from(samples[i * inner + j]);
        (at(i, j) * (1.0 - b) + at(i, j + 1) * b) * (1.0 - a)
            + (at(i + 1, j) * (1.0 - b) + at(i + 1, j + 1) * b) * a
    }

    #[test]
    fn wrong_lengths_leave_a_black_picture() {
        let table = BilinearTable::build((3, 3), (4, 4), |_, _| Some((1.0, 1.0))).expect("sound");
        let mut out = vec![9; 9];
        table.fill(&[255; 15], &mut out);
        assert_eq!(out, vec![0; 9]);
    }

    #[test]
    fn grids_without_neighbours_are_refused() {
        assert!(BilinearTable::build((3, 3), (1, 9), |_, _| None).is_none());
        assert!(BilinearTable::build((3, 3), (9, 1), |_, _| None).is_none());
    }
}
