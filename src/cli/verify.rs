//! `verify`: whether what a session left behind is whole and unaltered.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::procedure::verify_journal;

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A journal (.jsonl), or a folder of them
    path: PathBuf,
}

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let journals = journals(&args.path)?;
    if journals.is_empty() {
        bail!("no journal (*.jsonl) in {}", args.path.display());
    }
    let mut broken = 0;
    for path in &journals {
        let verdict = verify_journal(path)?;
        println!("{}", verdict.line());
        broken += u32::from(!verdict.holds());
    }
    if broken > 0 {
        bail!("{broken} of {} journals do not hold", journals.len());
    }
    Ok(())
}

fn journals(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = std::fs::read_dir(path)
        .with_context(|| format!("cannot read the folder {}", path.display()))?;
    for entry in entries {
        let entry = entry?.path();
        let is_journal = entry.extension().is_some_and(|e| e == "jsonl")
            && entry
                .file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n.starts_with("session-") || n == "journal.jsonl");
        if is_journal {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}
