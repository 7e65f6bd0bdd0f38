//! A mailbox of one: newer replaces unread, and the replaced are counted.
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What came out of a [`Newest`].
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing in time.
    Nothing,
    /// The sender has closed the mailbox and nothing is left in it.
    Closed,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    replaced: u64,
    closed: bool,
}

/// A mailbox of one value. The lock is held only for a swap.
#[derive(Debug)]
pub struct Newest<T> {
    slot: Mutex<Slot<T>>,
    arrived: Condvar,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self {
            slot: Mutex::new(Slot {
                value: None,
                replaced: 0,
                closed: false,
            }),
            arrived: Condvar::new(),
        }
    }
}

impl<T> Newest<T> {
    /// Puts a value in; returns the unread one it replaced.
    pub fn put(&self, value: T) -> Option<T> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let old = slot.value.replace(value);
        if old.is_some() {
            slot.replaced += 1;
        }
        drop(slot);
        self.arrived.notify_one();
        old
    }

    /// Takes the newest value, waiting no longer than `patience`.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut slot, _) = self
            .arrived
            .wait_timeout_while(slot, patience, |s| s.value.is_none() && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match slot.value.take() {
            Some(value) => Taken::Value(value),
            None if slot.closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// Takes the newest value if there is one, without waiting.
    pub fn try_take(&self) -> Option<T> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.value.take()
    }

    /// How many values were replaced unread.
    pub fn replaced(&self) -> u64 {
        self.slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replaced
    }

    /// Tells the taker that nothing more will come.
    pub fn close(&self) {
        self.slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_replaces_unread_and_the_loss_is_counted() {
        let mailbox = Newest::default();
        assert_eq!(mailbox.put(1), None);
        assert_eq!(mailbox.put(2), Some(1));
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Value(2));
        assert_eq!(mailbox.replaced(), 1);
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Nothing);
        mailbox.put(3);
        mailbox.close();
        assert_eq!(mailbox.take(Duration::MAX), Taken::Value(3));
        assert_eq!(mailbox.take(Duration::MAX), Taken::Closed);
    }
}
