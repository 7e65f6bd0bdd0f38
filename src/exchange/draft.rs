//! A file that appears under its name only when it is complete.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ExchangeError;

/// A file being written beside its place. Dropped before [`Self::publish`], it is removed.
#[derive(Debug)]
pub(super) struct Draft {
    place: PathBuf,
    hidden: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Draft {
    /// Begins a file that shall lie at `place`.
    pub(super) fn begin(place: &Path) -> Result<Self, ExchangeError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        // Process and count keep writers of one name apart; the dot keeps the draft out of picture folders.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let hidden = place.with_file_name(format!(".{name}.{}-{number}.part", std::process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&hidden)
            .map_err(|cause| refused(cause, place))?;
        Ok(Self {
            place: place.to_owned(),
            hidden,
            file: Some(BufWriter::new(file)),
        })
    }

    /// The file, for reading back what was written; all of it is on its way to the disk.
    pub(super) fn reopen(&mut self) -> Result<File, ExchangeError> {
        self.flush().map_err(|cause| refused(cause, &self.place))?;
        File::open(&self.hidden).map_err(|cause| refused(cause, &self.place))
    }

    /// Gives the file its name.
    pub(super) fn publish(mut self) -> Result<(), ExchangeError> {
        let Some(writer) = self.file.take() else {
            return Ok(());
        };
        let place = &self.place;
        writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&self.hidden, place))
            .map_err(|cause| {
                // The draft is of no use to anyone; that it may stay behind changes nothing about the error.
                std::fs::remove_file(&self.hidden).ok();
                refused(cause, place)
            })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nobody can be told here, and a draft that stays has a name no reader takes.
            std::fs::remove_file(&self.hidden).ok();
        }
    }
}

pub(super) fn refused(cause: std::io::Error, place: &Path) -> ExchangeError {
    ExchangeError::NotWritable {
        cause,
        path: place.to_owned(),
    }
}
