//! Where the bytes of a recording go: a file, or in tests something that fails on cue.
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place to append to. All calls block until the system has done what was asked.
pub trait Disk: Send + Sync {
    /// Appends bytes; returns how many were taken, as [`Write::write`] does.
    fn append(&self, bytes: &[u8]) -> std::io::Result<usize>;
    /// Waits until everything appended would survive a power cut.
    fn sync(&self) -> std::io::Result<()>;
    /// Cuts off everything after the first `length` bytes.
    fn cut(&self, length: u64) -> std::io::Result<()>;
    /// Room left, MB; `None` where that cannot be asked.
    fn free_mb(&self) -> Option<u64>;
}

/// A file on a disk.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
}

impl FileDisk {
    /// A new file for its owner's eyes only (H27); one that is there already is left alone and refused.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        only_for_owner(&mut options);
        let file = options.open(path)?;
        // The name itself must be on the disk, or what was written could go with it.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if cfg!(unix) {
            File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        }
        Ok(Self { file })
    }
}

#[cfg(unix)]
fn only_for_owner(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn only_for_owner(_options: &mut OpenOptions) {}

impl Disk for FileDisk {
    fn append(&self, bytes: &[u8]) -> std::io::Result<usize> {
        (&self.file).write(bytes)
    }

    fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&self, length: u64) -> std::io::Result<()> {
        self.file.set_len(length)
    }

    fn free_mb(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        {
            let disk = rustix::fs::fstatvfs(&self.file).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// A disk as the container's writer wants it; counts what was taken, and takes nothing more once it was closed.
pub(super) struct Appending {
    disk: Arc<dyn Disk>,
    taken: Arc<AtomicU64>,
}

/// The count of an [`Appending`] that was closed.
pub(super) const CLOSED: u64 = u64::MAX;

impl Appending {
    /// The writing end, and its count of bytes.
    pub(super) fn new(disk: Arc<dyn Disk>) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        (Self { disk, taken }, count)
    }
}

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.taken.load(Ordering::Acquire) == CLOSED {
            // What a buffer still holds of a chunk that failed must not follow the cut.
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        let count = self.disk.append(bytes)?;
        self.taken.fetch_add(count as u64, Ordering::AcqRel);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
