//! `analyze`: every frame of a file, as lines.
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::engine::{Moment, Reader};
use crate::evidence::LineWriter;
use crate::frame::Frame;
use crate::image::{ImageChain, PictureSize};
use crate::notice::Notice;

use super::as_live::as_live;
use super::record::{is_recording, open_to_read};
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
    /// Read exactly the frames of a recording that the detector read while it was made, with the pump, needle and
    /// commands of then: the same lines again
    #[arg(long, conflicts_with_all = ["pump", "needle"])]
    as_live: bool,
}

/// Any frame of a file by its place; `None` behind the last one, `Ok(None)` for one that is damaged.
type Frames = Box<dyn FnMut(usize) -> Option<anyhow::Result<Option<Arc<Frame>>>>>;

fn frames_of(args: &AnalyzeArgs) -> anyhow::Result<(Frames, bool, Vec<Notice>)> {
    if is_recording(&args.file) {
        let playback = open_to_read(&args.file, &args.how)?;
        let count = playback.recording().frame_count();
        let frames = move |index| {
            let read = (index < count).then(|| playback.frame(index))?;
            Some(Ok(read
                .map(Arc::new)
                .inspect_err(|problem| eprintln!("portsight: {problem}"))
                .ok()))
        };
        return Ok((Box::new(frames), count == 1, Vec::new()));
    }
    let file = open_file(&args.file, &args.how)?;
    let (is_still, notices) = (file.is_still(), file.notices().to_vec());
    let frames = move |index| {
        let read = (index < file.frame_count()).then(|| file.frame(index))?;
        Some(read.map(Some).map_err(anyhow::Error::from))
    };
    Ok((Box::new(frames), is_still, notices))
}

pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let mut out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path)
                .with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(std::io::BufWriter::new(std::io::stdout().lock())),
    };
    if args.as_live {
        return as_live(&args.file, &mut *out);
    }
    let (mut frames, is_still, told) = frames_of(args)?;
    for notice in &told {
        eprintln!("portsight: {}", notice.line());
    }
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(is_still);
    reader.choose(chosen.pump.clone(), chosen.needle);
    let mut lines = LineWriter::default();
    let mut index = 0;
    while let Some(frame) = frames(index) {
        index += 1;
        let Some(frame) = frame? else { continue };
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        let line = lines.line(index as u64 - 1, &image, &advice);
        writeln!(out, "{line}").context("advice could not be written")?;
    }
    let notices: Vec<String> = told.iter().map(|n| n.text.clone()).collect();
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
