//! `train`: the window over random virtual patients whose port is hidden.
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::engine::{Session, TrainingOptions, TrainingSession};
use crate::training::Aid;
use crate::view::{self, TrainingDoor};

use super::live::{WindowArgs, data_folder, remembered};
use super::signals::Stop;

/// File of the history, in the user's folder; no session lies there under this name.
const HISTORY: &str = "training.jsonl";
/// Seeds chosen by the clock lie below this, so that they can be said and typed again.
const SEEDS: i64 = 1_000_000;

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Seed of the first patient; the next ones follow it (chosen by the clock when not given)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Show the detector's marks from the start; answers then count as aided
    #[arg(long)]
    marks: bool,
    #[command(flatten)]
    window: WindowArgs,
}

/// A course from this seed on, or from one of the clock's.
fn start(seed: Option<u64>, aid: Aid) -> anyhow::Result<TrainingSession> {
    let by_clock = || jiff::Timestamp::now().as_second().rem_euclid(SEEDS);
    let seed = seed.unwrap_or_else(|| u64::try_from(by_clock()).unwrap_or(1));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    TrainingSession::start(TrainingOptions {
        clock,
        seed,
        aid,
        history: data_folder().ok().map(|folder| folder.join(HISTORY)),
    })
}

/// The way to training from a window that shows something else.
pub(super) fn door(seed: Option<u64>) -> TrainingDoor {
    TrainingDoor(Arc::new(move || {
        start(seed, Aid::Hidden)
            .map(|session| Arc::new(session) as Arc<dyn Session>)
            .map_err(|problem| format!("{problem:#}"))
    }))
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let aid = if args.marks { Aid::Shown } else { Aid::Hidden };
    let session = Arc::new(start(args.seed, aid)?);
    let mut shown_as = args.window.options();
    shown_as.stop = Some(Stop::listen()?.flag());
    remembered(&mut shown_as)?;
    let shown = view::run(Arc::clone(&session) as Arc<dyn Session>, shown_as);
    drop(session);
    shown.map_err(|problem| anyhow!("{problem}"))
}
