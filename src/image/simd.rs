//! The vector path of [`super::bilinear`]: eight pixels at a time with AVX2 gathers. The only file of this room
//! with `unsafe` code; its results are those of the scalar path, bit for bit.
#![expect(
    unsafe_code,
    reason = "vector loads and gathers have no safe form; every address is bounded on the spot"
)]
#![expect(
    clippy::cast_ptr_alignment,
    reason = "the loads, gathers and stores used here need no alignment"
)]

/// Proof that this machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gather {
    _detected: (),
}

impl Gather {
    /// Looks whether the machine can do it.
    pub(super) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Some(Self { _detected: () });
        }
        None
    }

    /// Fills as many pixels as whole groups of eight hold and returns their number; see
    /// [`super::bilinear::BilinearTable`] for the meaning of the slices.
    ///
    /// Right wherever `index + inner + 4 <= samples.len()`; an index beyond that reads other samples, never memory
    /// outside.
    #[expect(
        clippy::unused_self,
        reason = "holding it is the proof that the instructions are there"
    )]
    pub(super) fn fill(
        self,
        samples: &[u8],
        inner: usize,
        index: &[u32],
        weights: &[u32],
        out: &mut [u8],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: a `Gather` exists only where AVX2 was detected.
            unsafe { avx2::fill(samples, inner, index, weights, out) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _nothing_to_do = (samples, inner, index, weights, out);
            0
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_storel_epi64, _mm_unpacklo_epi32, _mm256_add_epi16, _mm256_add_epi32,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_i32gather_epi32,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_min_epu32, _mm256_or_si256,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_sign_epi16,
        _mm256_slli_epi32, _mm256_srli_epi32,
    };

    use super::super::bilinear::{FIRST_HALF, FIRST_SHIFT, SECOND_HALF, SECOND_SHIFT, WEIGHT_BITS};

    /// Pixels a step.
    const GROUP: usize = 8;

    #[target_feature(enable = "avx2")]
    pub(super) fn fill(
        samples: &[u8],
        inner: usize,
        index: &[u32],
        weights: &[u32],
        out: &mut [u8],
    ) -> usize {
        // The last index at which four bytes can be read, there and one run on.
        let Some(last) = samples
            .len()
            .checked_sub(4)
            .and_then(|room| room.checked_sub(inner))
            .and_then(|last| i32::try_from(last).ok())
        else {
            return 0;
        };
        let last = _mm256_set1_epi32(last);
        let mut filled = 0;
        let groups = out.chunks_exact_mut(GROUP);
        for ((out, index), weights) in groups
            .zip(index.chunks_exact(GROUP))
            .zip(weights.chunks_exact(GROUP))
        {
            // SAFETY: both slices hold exactly eight 32-bit values; the load needs no alignment.
            let (index, weights) = unsafe {
                (
                    _mm256_loadu_si256(index.as_ptr().cast::<__m256i>()),
                    _mm256_loadu_si256(weights.as_ptr().cast::<__m256i>()),
                )
            };
            let index = _mm256_min_epu32(index, last);
            // SAFETY: every index is at most `samples.len() - 4 - inner`, so the four bytes read there and the four
            // read `inner` further on lie inside `samples`; the offset of the second base pointer stays inside too.
            let (this, that) = unsafe {
                let base = samples.as_ptr();
                (
                    _mm256_i32gather_epi32::<1>(base.cast::<i32>(), index),
                    _mm256_i32gather_epi32::<1>(base.add(inner).cast::<i32>(), index),
                )
            };
            let grey = blend(this, that, weights);
            // SAFETY: `out` holds exactly eight bytes; the store needs no alignment.
            unsafe { _mm_storel_epi64(out.as_mut_ptr().cast::<__m128i>(), grey) };
            filled += GROUP;
        }
        filled
    }

    /// Two steps of the bilinear sum on eight pixels; the eight grey values in the low half.
    #[target_feature(enable = "avx2")]
    fn blend(this: __m256i, that: __m256i, weights: __m256i) -> __m128i {
        // Bytes 0 and 1 of each lane as two 16-bit numbers (-1 makes a zero byte).
        let pair = _mm256_setr_epi8(
            0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1, 0, -1, 1, -1, 4, -1, 5, -1,
            8, -1, 9, -1, 12, -1, 13, -1,
        );
        // The low, or the high, 16-bit number of each lane twice.
        let low_twice = _mm256_setr_epi8(
            0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13, 0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9,
            12, 13, 12, 13,
        );
        let high_twice = _mm256_setr_epi8(
            2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15, 2, 3, 2, 3, 6, 7, 6, 7, 10, 11,
            10, 11, 14, 15, 14, 15,
        );
        // (-1, +1) and (whole, 0): turns a weight w into the pair (whole - w, w).
        let sign = _mm256_set1_epi32(0x0001_FFFF);
        let whole = _mm256_set1_epi32(1 << WEIGHT_BITS);
        let both = |twice: __m256i| {
            let twice = _mm256_shuffle_epi8(weights, twice);
            _mm256_add_epi16(_mm256_sign_epi16(twice, sign), whole)
        };
        let along = both(low_twice);
        let across = both(high_twice);
        let first_half = _mm256_set1_epi32(FIRST_HALF as i32);
        let first = |lane: __m256i| {
            let sum = _mm256_madd_epi16(_mm256_shuffle_epi8(lane, pair), along);
            _mm256_srli_epi32::<{ FIRST_SHIFT as i32 }>(_mm256_add_epi32(sum, first_half))
        };
        // At most 255 << 7 each: two fit side by side as positive 16-bit numbers.
        let sides = _mm256_or_si256(first(this), _mm256_slli_epi32::<16>(first(that)));
        let sum = _mm256_add_epi32(
            _mm256_madd_epi16(sides, across),
            _mm256_set1_epi32(SECOND_HALF as i32),
        );
        let grey = _mm256_srli_epi32::<{ SECOND_SHIFT as i32 }>(sum);
        // The low byte of each lane, four together at the bottom of each half.
        let bottom = _mm256_setr_epi8(
            0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1,
            -1, -1, -1, -1, -1, -1, -1, -1, -1,
        );
        let grey = _mm256_shuffle_epi8(grey, bottom);
        _mm_unpacklo_epi32(
            _mm256_castsi256_si128(grey),
            _mm256_extracti128_si256::<1>(grey),
        )
    }
}
