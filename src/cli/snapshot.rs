//! `snapshot`: one frame with its marks, scale and disclaimer, as a PNG.
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::engine::{Beside, Moment, Reader, kept_picture};
use crate::image::{ImageChain, PictureSize};

use super::source::{Chosen, open_file};
use super::{FileArgs, SetupArgs};

#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// A recording, a picture, or a folder of numbered pictures
    file: PathBuf,
    /// Which frame, from 0
    #[arg(long, default_value_t = 0)]
    frame: usize,
    /// Where the PNG goes
    #[arg(long, value_name = "X.png")]
    out: PathBuf,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    how: FileArgs,
}

pub(super) fn run(args: &SnapshotArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let file = open_file(&args.file, &args.how)?;
    let count = file.frame_count();
    if args.frame >= count {
        bail!(
            "frame {} was asked for, the file has {count} (0 to {})",
            args.frame,
            count.saturating_sub(1)
        );
    }
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(file.is_still());
    let name = crate::stream::FrameSource::name(&file);
    let beside = Beside::new(name, &chosen.pump, chosen.needle);
    reader.choose(chosen.pump, chosen.needle);
    // The marks of a frame depend on the frames before it: all of them are read.
    for index in 0..=args.frame {
        let frame = file.frame(index)?;
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        if index == args.frame {
            kept_picture(&image, Some(&advice), &beside)
                .save(&args.out)
                .with_context(|| format!("cannot write {}", args.out.display()))?;
            println!("frame {index} of {count} written to {}", args.out.display());
        }
    }
    Ok(())
}
