//! `evaluate`: the detector against known truth.
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::detect::Finding;
use crate::engine::{Moment, Reader};
use crate::evidence::{CaseScore, FrameTruth, Scorer, Truth, read_truth, table, table_json};
use crate::image::{ImageChain, PictureSize, ScanImage};
use crate::simulate::{Scenario, VirtualProbe};
use crate::space::ScanPoint;

use super::source::{Chosen, open_file, virtual_frame};
use super::{FileArgs, SetupArgs};

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// A folder of recordings, each with NAME.json (its truth) beside NAME.mha
    #[arg(required_unless_present = "virtual_patients")]
    folder: Option<PathBuf>,
    /// Score this many random virtual patients instead
    #[arg(long = "virtual", value_name = "N", conflicts_with = "folder")]
    virtual_patients: Option<u64>,
    /// Seed of the first virtual patient
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    setup: SetupArgs,
}

pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let chosen = Chosen::of(&args.setup)?;
    let mut cases = Vec::new();
    if let Some(folder) = &args.folder {
        for path in crate::exchange::supported_files(folder)? {
            let truth_path = path.with_extension("json");
            if truth_path == path || !truth_path.is_file() {
                continue;
            }
            let truth = read_truth(&truth_path)?;
            cases.push(file_case(&path, &truth, &chosen)?);
        }
        if cases.is_empty() {
            bail!(
                "no recording with a truth file beside it (NAME.mha and NAME.json) in {}",
                folder.display()
            );
        }
    }
    for offset in 0..args.virtual_patients.unwrap_or(0) {
        cases.push(virtual_case(args.seed + offset, &chosen)?);
    }
    if args.json {
        println!("{}", table_json(&cases));
    } else {
        print!("{}", table(&cases));
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn file_case(path: &Path, truth: &Truth, chosen: &Chosen) -> anyhow::Result<CaseScore> {
    let how = FileArgs {
        mm_per_px: None,
        orientation: None,
        crop: None,
        geometry: None,
    };
    let file = open_file(path, &how)?;
    let (frames, still) = match truth {
        Truth::Still(frame) => (std::slice::from_ref(frame), true),
        Truth::Sequence(frames) => (frames.as_slice(), false),
    };
    if frames.len() != file.frame_count() {
        bail!(
            "{}: the truth speaks of {} frames, the recording has {}",
            path.display(),
            frames.len(),
            file.frame_count()
        );
    }
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(still);
    reader.choose(chosen.pump.clone(), chosen.needle);
    let mut scorer = Scorer::new(&name_of(path), still);
    for (index, truth) in frames.iter().enumerate() {
        let frame = file.frame(index)?;
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        let seconds = image
            .source_seconds
            .unwrap_or_else(|| image.captured_at.as_seconds());
        let has_path = advice.guidance.path.is_some();
        scorer.note(
            &as_stored(&advice.finding, &image),
            has_path,
            truth,
            seconds,
        );
    }
    Ok(scorer.finish())
}

/// A finding with its port in the coordinates of the stored picture, in which truth is given.
fn as_stored(finding: &Finding, image: &ScanImage) -> Finding {
    let mut finding = finding.clone();
    if let Some(port) = &mut finding.port {
        let stored = image.stored_from_scan.apply(port.center);
        port.center = ScanPoint::new(stored.x, stored.z);
    }
    finding
}

/// Frames read of each virtual patient: three seconds.
const VIRTUAL_FRAMES: u32 = 90;

fn virtual_case(seed: u64, chosen: &Chosen) -> anyhow::Result<CaseScore> {
    let mut probe = VirtualProbe::new(Scenario::random(seed));
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(false);
    reader.choose(chosen.pump.clone(), chosen.needle);
    let mut scorer = Scorer::new(&format!("patient {seed}"), false);
    for _ in 0..VIRTUAL_FRAMES {
        let (frame, truth) = virtual_frame(&mut probe)?;
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        let has_path = advice.guidance.path.is_some();
        let seconds = image.captured_at.as_seconds();
        scorer.note(&advice.finding, has_path, &FrameTruth::of(&truth), seconds);
    }
    Ok(scorer.finish())
}
