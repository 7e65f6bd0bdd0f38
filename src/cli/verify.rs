//! `verify`: whether what a session left behind is whole and unaltered.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::procedure::{
    BadFile, JOURNAL_FILE, SessionVerdict, session_of, verify_file, verify_journal, verify_session,
};

use crate::recording::verify_recording;

use super::record::{is_recording, told};

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A session's folder, one file of it, a journal (.jsonl), a recording (.mcap), or a folder of sessions
    path: PathBuf,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let path = args.path.as_path();
    if path.extension().is_some_and(|e| e == "jsonl") {
        let verdict = verify_journal(path)?;
        println!("{}", verdict.line());
        if !verdict.holds() {
            bail!("{} does not hold", path.display());
        }
        return Ok(());
    }
    if path.is_dir() {
        return folder(path);
    }
    if is_recording(path) && session_of(path).is_none() {
        return recording(path);
    }
    let Some((session, file)) = session_of(path) else {
        bail!(
            "expected a file of a session, with {JOURNAL_FILE} in its folder; got {}",
            path.display()
        );
    };
    let verdict = verify_file(&session, &file)?;
    let is_sound = tell(&verdict);
    if is_recording(path) {
        recording(path)?;
    }
    if !is_sound {
        bail!("{} does not hold", path.display());
    }
    Ok(())
}

/// A recording is checked by what is in it; one of a session also by its journal.
fn recording(path: &Path) -> anyhow::Result<()> {
    let verdict = verify_recording(path).map_err(|problem| told(&problem))?;
    for line in verdict.lines() {
        println!("{line}");
    }
    if !verdict.holds() {
        bail!("{} does not hold", path.display());
    }
    Ok(())
}

fn folder(path: &Path) -> anyhow::Result<()> {
    let sessions = sessions(path)?;
    if sessions.is_empty() {
        bail!(
            "expected a session ({JOURNAL_FILE}) in {}, or sessions in folders of it; found none",
            path.display()
        );
    }
    let mut broken = 0;
    for session in &sessions {
        let verdict = verify_session(session)?;
        broken += u32::from(!tell(&verdict));
    }
    if broken > 0 {
        bail!("{broken} of {} sessions do not hold", sessions.len());
    }
    Ok(())
}

/// Says what was found; returns whether all of it holds.
fn tell(verdict: &SessionVerdict) -> bool {
    println!("{}", verdict.journal.line());
    for bad in &verdict.bad {
        println!("{}", BadFile::line(bad));
    }
    if !verdict.sound.is_empty() {
        println!("{} files hold", verdict.sound.len());
    }
    verdict.holds()
}

fn sessions(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.join(JOURNAL_FILE).is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = std::fs::read_dir(path)
        .with_context(|| format!("cannot read the folder {}", path.display()))?;
    for entry in entries {
        let entry = entry?.path();
        if entry.join(JOURNAL_FILE).is_file() {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}
