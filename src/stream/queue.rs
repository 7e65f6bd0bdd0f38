//! A bounded queue that refuses and counts; never drops in silence.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::Taken;

/// What passed through a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Values taken in.
    pub accepted: u64,
    /// Values refused because the queue was full or its taker had gone.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
}

/// One end to put, the same end to take; clones share the queue. It closes when all clones that put are gone.
#[derive(Debug)]
pub struct Queue<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    counters: Arc<Counters>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            counters: Arc::clone(&self.counters),
        }
    }
}

impl<T> Queue<T> {
    /// A queue that holds at most `capacity` values.
    pub fn new(capacity: usize) -> Self {
        let (sender, receiver) = bounded(capacity);
        Self {
            sender,
            receiver,
            counters: Arc::default(),
        }
    }

    /// Puts a value in, or hands it back when the queue is full; either is counted.
    pub fn put(&self, value: T) -> Result<(), T> {
        match self.sender.try_send(value) {
            Ok(()) => {
                self.counters.accepted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(TrySendError::Full(value) | TrySendError::Disconnected(value)) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(value)
            }
        }
    }

    /// Takes the oldest value, waiting no longer than `patience`.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        match self.receiver.recv_timeout(patience) {
            Ok(value) => Taken::Value(value),
            Err(RecvTimeoutError::Timeout) => Taken::Nothing,
            Err(RecvTimeoutError::Disconnected) => Taken::Closed,
        }
    }

    /// What passed through so far.
    pub fn counts(&self) -> QueueCounts {
        QueueCounts {
            accepted: self.counters.accepted.load(Ordering::Relaxed),
            refused: self.counters.refused.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_counts() {
        let queue = Queue::new(2);
        assert!(queue.put(1).is_ok());
        assert!(queue.put(2).is_ok());
        assert_eq!(queue.put(3), Err(3));
        assert_eq!(queue.take(Duration::ZERO), Taken::Value(1));
        assert!(queue.put(4).is_ok());
        let counts = queue.counts();
        assert_eq!((counts.accepted, counts.refused), (3, 1));
    }
}
