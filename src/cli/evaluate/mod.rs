//! `evaluate`: the detector against known truth.
mod cases;
mod ordered;
mod showing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use crate::evidence::{CaseScore, Evaluated, ReportHead, report, summary_json, table, table_json};

use self::cases::{Job, Kind, Outcome};
use self::showing::Gallery;
use super::SetupArgs;
use super::source::{Chosen, pair};

/// Most workers; each holds one recording in memory.
const JOBS_MOST: usize = 16;

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// Folders of recordings, each with NAME.json (its truth) beside NAME.mha
    #[arg(required_unless_present_any = ["virtual_patients", "needles", "fluid", "swept", "real", "real_each"])]
    folders: Vec<PathBuf>,
    /// Score this many random virtual patients as well
    #[arg(long = "virtual", value_name = "N")]
    virtual_patients: Option<u64>,
    /// Score this many virtual patients into whom a needle goes, as well
    #[arg(long, value_name = "N")]
    needles: Option<u64>,
    /// Score this many virtual patients into whose pocket fluid runs, as well
    #[arg(long, value_name = "N")]
    fluid: Option<u64>,
    /// Score this many virtual patients whose pump is swept, half of them upside down, as well
    #[arg(long, value_name = "N")]
    swept: Option<u64>,
    /// Seed of the first virtual patient
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A real recording without pump and needle, read as `analyze` reads it, with its scale; may be given often
    #[arg(long, value_name = "PATH[=LATERAL,AXIAL]", value_parser = real_of)]
    real: Vec<Real>,
    /// The same for every file of a folder, each a recording of its own
    #[arg(long, value_name = "FOLDER[=LATERAL,AXIAL]", value_parser = real_of)]
    real_each: Vec<Real>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write the sums as JSON, without the single recordings
    #[arg(long, value_name = "FILE.json")]
    summary: Option<PathBuf>,
    /// Write one self-contained HTML page with intervals, plots and pictures of failures
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// A date to stand in the report; without it the same evaluation gives the same bytes
    #[arg(long, value_name = "TEXT", requires = "report")]
    date: Option<String>,
    /// Recordings scored at a time; the figures do not depend on it [default: the cores of the machine, 4 at most]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    setup: SetupArgs,
}

/// A real recording and its scale, as given.
#[derive(Clone, Debug)]
struct Real {
    path: PathBuf,
    mm_per_px: Option<(f64, f64)>,
}

fn real_of(text: &str) -> Result<Real, String> {
    let (path, scale) = match text.rsplit_once('=') {
        Some((path, scale)) => (path, Some(pair(scale)?)),
        None => (text, None),
    };
    Ok(Real {
        path: path.into(),
        mm_per_px: scale,
    })
}

fn jobs_of(args: &EvaluateArgs) -> anyhow::Result<(Vec<Job>, Vec<String>)> {
    let (mut jobs, mut inputs) = (Vec::new(), Vec::new());
    for folder in &args.folders {
        let before = jobs.len();
        for path in crate::exchange::supported_files(folder)? {
            let truth = path.with_extension("json");
            if truth != path && truth.is_file() {
                jobs.push(Job::File { path, truth });
            }
        }
        let found = jobs.len() - before;
        if found == 0 {
            bail!(
                "no recording with a truth file beside it (NAME.mha and NAME.json) in {}",
                folder.display()
            );
        }
        inputs.push(format!(
            "{found} recordings of folder {}",
            cases::name_of(folder)
        ));
    }
    for real in &args.real {
        inputs.push(format!(
            "real: {}",
            cases::real_name(&real.path, real.mm_per_px)
        ));
        jobs.push(Job::real(real.path.clone(), real.mm_per_px));
    }
    for real in &args.real_each {
        let files = crate::exchange::supported_files(&real.path)?;
        let name = cases::real_name(&real.path, real.mm_per_px);
        inputs.push(format!("real: each of {} files of {name}", files.len()));
        jobs.extend(
            files
                .into_iter()
                .map(|path| Job::real(path, real.mm_per_px)),
        );
    }
    for (count, kind, words) in [
        (args.virtual_patients, Kind::Plain, "virtual patients"),
        (args.needles, Kind::Needle, "virtual patients with a needle"),
        (args.fluid, Kind::Fluid, "virtual patients with fluid"),
        (args.swept, Kind::Swept, "virtual patients swept"),
    ] {
        let Some(count) = count else { continue };
        let end = args.seed.checked_add(count).ok_or_else(|| {
            anyhow!("--seed plus the number of virtual patients is beyond the largest seed")
        })?;
        inputs.push(format!("{count} {words}, seeds from {}", args.seed));
        jobs.extend((args.seed..end).map(|seed| Job::Patient { seed, kind }));
    }
    Ok((jobs, inputs))
}

pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let chosen = Arc::new(Chosen::of(&args.setup)?);
    let (jobs, inputs) = jobs_of(args)?;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    let workers = args.jobs.unwrap_or(cores).clamp(1, JOBS_MOST);
    let with_pictures = args.report.is_some();
    let mut scores: Vec<CaseScore> = Vec::new();
    let mut gallery = Gallery::new(&chosen);
    let read = {
        let chosen = Arc::clone(&chosen);
        move |job: &Job| job.score(&chosen, with_pictures)
    };
    ordered::run(jobs, workers, read, |outcome: anyhow::Result<Outcome>| {
        let outcome = outcome?;
        gallery.take(&outcome.score.name, outcome.failures)?;
        scores.push(outcome.score);
        Ok(())
    })?;
    let needle = chosen
        .needle
        .map_or_else(|| "no needle".to_owned(), |n| n.to_string());
    let how = Evaluated {
        inputs,
        setup: format!("Pump {}, {needle}.", chosen.pump.id),
    };
    if args.json {
        println!("{}", table_json(&scores, &how));
    } else {
        print!("{}", table(&scores));
    }
    if let Some(path) = &args.summary {
        let text = serde_json::to_string_pretty(&summary_json(&scores, &how))?;
        write(path, &format!("{text}\n"))?;
    }
    if let Some(path) = &args.report {
        let head = ReportHead {
            how,
            date: args.date.clone(),
        };
        write(path, &report(&head, &scores, gallery.pictures()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
