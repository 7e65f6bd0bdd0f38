//! `simulate`: a recording of the virtual probe, with its truth beside it.
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::exchange::{MetaImageWriter, Packing, SequenceForm};
use crate::frame::{Orientation, PixelSpacing};
use crate::image::{ImageChain, PictureSize};
use crate::simulate::{Preset, TruthFile, VirtualProbe};

use super::live::virtual_scenario;
use super::source::virtual_frame;

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Virtual patient
    #[arg(long, default_value = "easy")]
    preset: Preset,
    /// Seed: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Frames a second
    #[arg(long, default_value_t = 25.0)]
    fps: f64,
    /// Length
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// The recording, X.mha; its truth goes into X.json beside it
    #[arg(long, value_name = "X.mha")]
    out: PathBuf,
}

/// Longest recording, frames: ten minutes at 60 frames/s.
const LONGEST: f64 = 36_000.0;

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        (1.0..=120.0).contains(&args.fps),
        "expected 1 to 120 frames a second, got {}",
        args.fps
    );
    let wanted = (args.fps * args.seconds).round();
    anyhow::ensure!(
        (1.0..=LONGEST).contains(&wanted),
        "expected 1 to {LONGEST} frames, got {wanted} ({} s at {} frames/s)",
        args.seconds,
        args.fps
    );
    let count = wanted as u64;
    let mut probe = VirtualProbe::new(virtual_scenario(args.preset, args.seed, args.fps));
    let mut chain = ImageChain::new(PictureSize::default());
    let mut writer: Option<MetaImageWriter> = None;
    let mut truth_file: Option<TruthFile> = None;
    let name = args
        .out
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    for index in 0..count {
        let (frame, truth) = virtual_frame(&mut probe)?;
        let image = chain.form(&frame);
        let shift = image.scan_from_pixel.shift();
        if writer.is_none() {
            writer = Some(MetaImageWriter::create(
                &args.out,
                SequenceForm {
                    columns: image.columns,
                    rows: image.rows,
                    spacing: PixelSpacing::new(image.pitch, image.pitch),
                    offset: shift,
                    orientation: Orientation::Mf,
                    packing: Packing::Zlib,
                },
            )?);
        }
        let file = truth_file
            .get_or_insert_with(|| TruthFile::new(&name, probe.scenario(), image.pitch, shift));
        let seconds = frame.source_seconds.unwrap_or(index as f64 / args.fps);
        file.push(seconds, &truth);
        if let Some(writer) = &mut writer {
            writer.append(&image.pixels, Some(seconds), &[])?;
        }
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    if let Some(file) = truth_file {
        let path = args.out.with_extension("json");
        std::fs::write(&path, serde_json::to_vec(&file)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!(
            "{count} frames of {} (seed {}) in {}, truth in {}",
            args.preset.name(),
            args.seed,
            args.out.display(),
            path.display()
        );
    }
    Ok(())
}
