//! Small files that must survive a power cut: written beside their name and renamed, and set aside when they cannot be
//! understood. What stands in them is the business of their rooms.
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Files set aside beside each other before it is left to the user to clear up.
const ASIDE_LIMIT: u32 = 100;

/// The bytes of a file, one more than `most` at most; `None` when there is no such file.
pub fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a whole file: after a power cut it is the old one or the new one. Makes its folder.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
    }
    let draft = with_ending(path, &format!(".new-{}", std::process::id()));
    let written = File::create(&draft).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&draft, path));
    if moved.is_err() {
        // The draft is of no use; that it may stay behind is all that can go wrong here.
        let _removed = std::fs::remove_file(&draft).is_ok();
    }
    moved?;
    // The rename itself is on disk only when the folder is.
    match folder.map(File::open) {
        Some(Ok(folder)) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// Gives a file a name of its own: `NAME.damaged`, `NAME.damaged-2` and so on.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=ASIDE_LIMIT {
        let ending = match number {
            1 => ".damaged".to_owned(),
            _ => format!(".damaged-{number}"),
        };
        let aside = with_ending(path, &ending);
        if !aside.exists() {
            std::fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::Error::other(format!(
        "it is damaged, and {ASIDE_LIMIT} damaged ones stand beside it already"
    )))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
