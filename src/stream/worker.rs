//! The only place that starts, names, stops and joins a thread.
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop, or had nothing more to do.
    Done,
    /// It panicked; guidance must be withheld and the user told.
    Panicked,
}

/// A named thread that repeats one step until told to stop. Dropping it stops and joins it.
#[derive(Debug)]
pub struct Worker {
    name: &'static str,
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread called `name` that calls `step` until it breaks or the worker is stopped.
    ///
    /// A step must wait no longer than a few hundred milliseconds, or stopping takes that long.
    pub fn start(
        name: &'static str,
        mut step: impl FnMut() -> ControlFlow<()> + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while !told.load(Ordering::Acquire) {
                    if step().is_break() {
                        break;
                    }
                }
            })?;
        Ok(Self {
            name,
            stop,
            handle: Some(handle),
        })
    }

    /// The name of the thread.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the thread has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops the thread and waits until it has ended.
    pub fn stop(&mut self) -> Ending {
        self.stop.store(true, Ordering::Release);
        match self.handle.take().map(JoinHandle::join) {
            Some(Err(_)) => Ending::Panicked,
            Some(Ok(())) | None => Ending::Done,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn a_stopped_worker_has_ended_and_a_panic_is_told() {
        let count = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&count);
        let mut worker = Worker::start("counter", move || {
            shared.fetch_add(1, Ordering::SeqCst);
            ControlFlow::Continue(())
        })
        .expect("thread starts");
        while count.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(worker.stop(), Ending::Done);
        assert!(worker.has_ended());

        let mut faulty = Worker::start("faulty", || panic!("on purpose")).expect("thread starts");
        while !faulty.has_ended() {
            std::thread::yield_now();
        }
        assert_eq!(faulty.stop(), Ending::Panicked);
    }
}
