//! The bytes of a frame, shared and handed back for reuse.
use std::sync::Arc;

/// Sample values of one of the two widths that probes and files use.
#[derive(Clone, Debug)]
pub enum Values {
    /// Log-compressed brightness, 0 to 255.
    U8(Arc<Vec<u8>>),
    /// Linear echo amplitude, 0 to 65,535.
    U16(Arc<Vec<u16>>),
}

/// A block of `outer` runs of `inner` samples: scan lines of depth samples, or rows of columns.
#[derive(Clone, Debug)]
pub struct Samples {
    outer: usize,
    inner: usize,
    values: Values,
}

/// A block whose length is not the product of its sides, or that has an empty side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("samples: expected {outer} x {inner} values, got {got}")]
pub struct SamplesError {
    /// Runs promised.
    pub outer: usize,
    /// Values a run promised.
    pub inner: usize,
    /// Values that came.
    pub got: usize,
}

impl Samples {
    /// A block of values, if their number is `outer * inner` and not zero.
    pub fn new(outer: usize, inner: usize, values: Values) -> Result<Self, SamplesError> {
        let got = match &values {
            Values::U8(v) => v.len(),
            Values::U16(v) => v.len(),
        };
        if got == 0 || outer.checked_mul(inner) != Some(got) {
            return Err(SamplesError { outer, inner, got });
        }
        Ok(Self {
            outer,
            inner,
            values,
        })
    }

    /// Number of scan lines, or rows.
    pub fn outer(&self) -> usize {
        self.outer
    }

    /// Samples a scan line, or columns a row.
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// The values, `outer * inner` of them, run by run.
    pub fn values(&self) -> &Values {
        &self.values
    }
}

/// Buffers that are used again once nobody looks at them, so that a running stream does not allocate.
#[derive(Debug)]
pub struct BufferPool<T> {
    slots: Vec<Arc<Vec<T>>>,
    limit: usize,
}

impl<T: Clone + Default> BufferPool<T> {
    /// A pool that keeps at most `limit` buffers.
    pub fn new(limit: usize) -> Self {
        Self {
            slots: Vec::with_capacity(limit),
            limit,
        }
    }

    /// Fills a buffer of `len` values and shares it; reuses one that nobody holds any more.
    pub fn fill(&mut self, len: usize, write: impl FnOnce(&mut [T])) -> Arc<Vec<T>> {
        let free = self.slots.iter().position(|s| Arc::strong_count(s) == 1);
        let mut buffer = match free {
            Some(index) => self.slots.swap_remove(index),
            None => Arc::new(Vec::new()),
        };
        let target = Arc::make_mut(&mut buffer);
        target.resize(len, T::default());
        write(target);
        if self.slots.len() < self.limit {
            self.slots.push(Arc::clone(&buffer));
        }
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_must_have_the_length_it_promises() {
        let three = || Values::U8(Arc::new(vec![1, 2, 3]));
        assert!(Samples::new(1, 3, three()).is_ok());
        assert!(Samples::new(2, 3, three()).is_err());
        assert!(Samples::new(usize::MAX, 3, three()).is_err());
        assert!(Samples::new(0, 0, Values::U8(Arc::new(vec![]))).is_err());
    }

    #[test]
    fn a_buffer_is_used_again_only_when_nobody_holds_it() {
        let mut pool = BufferPool::<u8>::new(2);
        let first = pool.fill(4, |b| b.fill(7));
        let address = first.as_ptr();
        let second = pool.fill(4, |b| b.fill(9));
        assert_eq!(*first, vec![7; 4]);
        assert_ne!(second.as_ptr(), address);
        drop(first);
        let third = pool.fill(4, |b| b.fill(1));
        assert_eq!(third.as_ptr(), address);
        assert_eq!(*second, vec![9; 4]);
    }
}
