//! The folder of one session: journal, kept pictures, recording and report, for its owner's eyes only (H27).
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::notice::Problem;

/// How many other names are tried when a folder of this second exists already.
const NAME_TRIES: u32 = 1000;
/// Name of the journal in it.
pub const JOURNAL_FILE: &str = "journal.jsonl";
/// Name of the file that says what the session is.
pub const SESSION_FILE: &str = "session.json";
/// Name of the recording.
pub const RECORDING_FILE: &str = "recording.mha";
/// Name of the recording of every frame.
pub const FRAMES_FILE: &str = "frames.mcap";
/// Folder of kept pictures.
pub const IMAGES_FOLDER: &str = "images";
/// A file is read for its hash in pieces of this size, bytes.
const PIECE: usize = 1 << 16;

/// Why a session has no folder, or a file of it could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FolderProblem {
    /// The folder could not be made.
    #[error("session folder {} could not be made: {cause}", path.display())]
    NotMade {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// There is something in it already.
    #[error("session folder: expected a new or an empty folder, got {} with files in it", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be written or read back; nothing else is lost.
    #[error("{} could not be written: {cause}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl Problem for FolderProblem {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotEmpty { .. } => "Give a folder that does not exist yet.".to_owned(),
            Self::NotMade { .. } | Self::NotWritten { .. } => {
                "Free some space, or give a folder that may be written to.".to_owned()
            }
        })
    }
}

/// A finished file of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its place below the folder, with `/`.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// The folder of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFolder {
    path: PathBuf,
}

impl SessionFolder {
    /// A new folder `session-<UTC>` below `parent`; never one that is there already.
    pub fn new_within(parent: &Path, clock: &dyn Clock) -> Result<Self, FolderProblem> {
        let not_made = |cause| FolderProblem::NotMade {
            path: parent.to_owned(),
            cause,
        };
        builder(true).create(parent).map_err(not_made)?;
        let stamp: String = clock
            .wall()
            .chars()
            .take(19)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        for attempt in 0..NAME_TRIES {
            let name = match attempt {
                0 => format!("session-{stamp}Z"),
                n => format!("session-{stamp}Z-{n}"),
            };
            let path = parent.join(name);
            match builder(false).create(&path) {
                Ok(()) => return Self::with_images(path),
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(not_made(cause)),
            }
        }
        Err(not_made(std::io::ErrorKind::AlreadyExists.into()))
    }

    /// The folder `path`, which must not exist yet or be empty.
    pub fn at(path: &Path) -> Result<Self, FolderProblem> {
        let not_made = |cause| FolderProblem::NotMade {
            path: path.to_owned(),
            cause,
        };
        builder(true).create(path).map_err(not_made)?;
        let mut entries = std::fs::read_dir(path).map_err(not_made)?;
        if entries.next().is_some() {
            return Err(FolderProblem::NotEmpty {
                path: path.to_owned(),
            });
        }
        // A folder that was there already keeps the rights it was given, but for those of others.
        make_private(path, true).map_err(not_made)?;
        Self::with_images(path.to_owned())
    }

    /// Room left on its disk, MB; `None` where that cannot be asked.
    pub fn free_mb(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        {
            let disk = rustix::fs::statvfs(&self.path).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    fn with_images(path: PathBuf) -> Result<Self, FolderProblem> {
        let images = path.join(IMAGES_FOLDER);
        builder(true)
            .create(&images)
            .and_then(|()| sync_folder(&path))
            .map_err(|cause| FolderProblem::NotMade {
                path: images,
                cause,
            })?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The place of a file in it.
    pub fn place(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    /// Writes a file as a whole: it is there with all its bytes, or as it was before.
    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<FileRecord, FolderProblem> {
        let place = self.place(file);
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let draft = place.with_file_name(format!(".{name}.part"));
        let written = private_file(&draft).and_then(|mut out| {
            out.write_all(bytes)?;
            out.sync_all()?;
            std::fs::rename(&draft, &place)?;
            sync_folder(&self.path)
        });
        written.map_err(|cause| FolderProblem::NotWritten { path: place, cause })?;
        Ok(FileRecord {
            file: file.to_owned(),
            bytes: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        })
    }

    /// Reads a finished file that something else wrote, and keeps it from the eyes of others.
    pub fn record(&self, file: &str) -> Result<FileRecord, FolderProblem> {
        let place = self.place(file);
        make_private(&place, false)
            .and_then(|()| digest(&place))
            .map(|(bytes, sha256)| FileRecord {
                file: file.to_owned(),
                bytes,
                sha256,
            })
            .map_err(|cause| FolderProblem::NotWritten { path: place, cause })
    }
}

/// Length and SHA-256 (hexadecimal) of a file.
pub(super) fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0_u8; PIECE];
    let mut length = 0_u64;
    loop {
        let count = file.read(&mut piece)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else {
            return Ok((length, hex::encode(hash.finalize())));
        };
        hash.update(read);
        length += count as u64;
    }
}

/// The name itself must be on the disk, or what was written could go with it.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// A new file that only its owner may read; one of that name is written over.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    only_for_owner(&mut options).open(path)
}

#[cfg(unix)]
pub(super) fn only_for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(super) fn only_for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn builder(recursive: bool) -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = DirBuilder::new();
    builder.recursive(recursive).mode(0o700);
    builder
}

#[cfg(not(unix))]
fn builder(recursive: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(recursive);
    builder
}

#[cfg(unix)]
fn make_private(path: &Path, is_folder: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if is_folder { 0o700 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn make_private(_path: &Path, _is_folder: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn sessions_of_one_second_get_folders_of_their_own() {
        let parent = tempfile::tempdir().expect("folder");
        let clock = ManualClock::default();
        let first = SessionFolder::new_within(parent.path(), &clock).expect("made");
        let second = SessionFolder::new_within(parent.path(), &clock).expect("made");
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn a_folder_with_files_in_it_is_not_taken() {
        let parent = tempfile::tempdir().expect("folder");
        let folder = SessionFolder::at(&parent.path().join("new")).expect("made");
        folder.write("a.json", b"{}").expect("written");
        let problem = SessionFolder::at(folder.path()).expect_err("in use");
        assert!(problem.to_string().contains("expected a new"), "{problem}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let inside = file.path().join("journals");
        let problem = SessionFolder::new_within(&inside, &ManualClock::default());
        let text = problem.err().map(|p| p.to_string()).unwrap_or_default();
        assert!(text.contains("journals"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_files_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let parent = tempfile::tempdir().expect("folder");
        let folder = SessionFolder::at(&parent.path().join("session")).expect("made");
        let record = folder.write("session.json", b"{}").expect("written");
        std::fs::write(folder.place("recording.mha"), b"x").expect("written");
        assert_eq!(folder.record("session.json").expect("read"), record);
        folder.record("recording.mha").expect("read");
        let mode = |path: &Path| {
            let meta = std::fs::metadata(path).expect("there");
            meta.permissions().mode() & 0o777
        };
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.place(IMAGES_FOLDER)), 0o700);
        assert_eq!(mode(&folder.place("session.json")), 0o600);
        assert_eq!(mode(&folder.place("recording.mha")), 0o600);
    }
}
