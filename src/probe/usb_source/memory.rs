//! Which firmware file was used last: one line in the user's folder for settings.
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// No path is longer.
const LONGEST: u64 = 4096;

/// The firmware file used last, as `memory` has it; `None` when there is none, or nothing that can be one.
pub fn remembered_firmware(memory: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    std::fs::File::open(memory)
        .ok()?
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .ok()?;
    let line = text.trim_end_matches('\n');
    let is_path = !line.trim().is_empty()
        && line.len() as u64 <= LONGEST
        && !line.chars().any(char::is_control);
    is_path.then(|| PathBuf::from(line))
}

/// Remembers a file. Written beside and renamed, so that a power cut leaves the old line or the new one.
pub(super) fn remember_firmware(memory: &Path, file: &Path) -> io::Result<()> {
    // Where it is, whatever folder the program is started in next time.
    let file = std::path::absolute(file)?;
    let line = file
        .to_str()
        .filter(|line| !line.chars().any(char::is_control))
        .ok_or_else(|| io::Error::other("its name is not plain text"))?;
    if let Some(folder) = memory.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let draft = memory.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::File::create(&draft)
        .and_then(|mut out| {
            writeln!(out, "{line}")?;
            out.sync_all()
        })
        .and_then(|()| std::fs::rename(&draft, memory));
    if written.is_err() {
        // The draft is of no use; that it may stay behind is all that can go wrong here.
        let _removed = std::fs::remove_file(&draft).is_ok();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_remembered_and_what_is_no_path_is_not_believed() {
        let folder = tempfile::tempdir().expect("folder");
        let memory = folder.path().join("new/firmware");
        assert_eq!(remembered_firmware(&memory), None);
        let file = folder.path().join("my probe.bix");
        remember_firmware(&memory, &file).expect("remembered");
        assert_eq!(remembered_firmware(&memory), Some(file));
        remember_firmware(&memory, Path::new("other.hex")).expect("remembered");
        let other = remembered_firmware(&memory).expect("remembered");
        assert!(other.is_absolute() && other.ends_with("other.hex"));
        for bad in [&b""[..], b" \n", b"a\nb\n", b"\xff\xfe", &[b'a'; 5000]] {
            std::fs::write(&memory, bad).expect("written");
            assert_eq!(remembered_firmware(&memory), None, "{bad:?}");
        }
        assert!(remember_firmware(&memory.join("below"), Path::new("x.hex")).is_err());
    }
}
