//! `analyze`: every frame of a file, as lines.
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::engine::{Moment, Reader};
use crate::evidence::LineWriter;
use crate::image::{ImageChain, PictureSize};

use super::source::{Chosen, open_file};
use super::{FileArgs, SetupArgs};

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// A recording, a picture, or a folder of numbered pictures
    file: PathBuf,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    how: FileArgs,
    /// Where to write; the terminal without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let file = open_file(&args.file, &args.how)?;
    let mut out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path)
                .with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(std::io::BufWriter::new(std::io::stdout().lock())),
    };
    for notice in file.notices() {
        eprintln!("portsight: {}", notice.line());
    }
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(file.is_still());
    reader.choose(chosen.pump.clone(), chosen.needle);
    let mut lines = LineWriter::default();
    for index in 0..file.frame_count() {
        let frame = file.frame(index)?;
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        let line = lines.line(index as u64, &image, &advice);
        writeln!(out, "{line}").context("advice could not be written")?;
    }
    let notices: Vec<String> = file.notices().iter().map(|n| n.text.clone()).collect();
    let needle = chosen.needle.map(|n| n.to_string());
    writeln!(
        out,
        "{}",
        lines.summary(&chosen.pump.id, needle.as_deref(), &notices)
    )
    .and_then(|()| out.flush())
    .context("advice could not be written")?;
    Ok(())
}
