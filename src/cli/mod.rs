//! The command line: verbs, their help, and exit statuses (0 all right, 1 a problem with the input or the machine,
//! 2 wrong usage).
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command line is the one room that talks to the terminal"
)]
mod analyze;
mod as_live;
mod bench;
mod calibrate;
mod connect;
mod demo;
mod evaluate;
mod export;
mod live;
mod probes;
mod record;
mod rehearse;
mod signals;
mod simulate;
mod snapshot;
mod source;
mod staging;
mod train;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::frame::Orientation;
use crate::pump::Needle;

const ABOUT: &str = "Live ultrasound guidance for refilling implanted intrathecal drug pumps.

Research and simulation software. Not a medical device, not for use on patients.

Without a verb the window opens on the virtual probe; on a machine without a display the same job runs headless
and leaves its picture, advice and journal in ./portsight-demo.";

const EXAMPLES: &str = "Examples:
  portsight                                         the window, on the virtual probe
  portsight live --source virtual:tilted            the window, on another virtual patient
  portsight live --source virtual --headless --frames 300 --json advice.jsonl
  portsight probes                                  what is plugged in, and what keeps it from being used
  portsight live --source usb                       the window, on the first probe that is ready
  portsight live --source v4l2:/dev/video0          the window, on a frame grabber
  portsight live --source igtl:localhost            the window, on a PLUS or 3D Slicer server
  portsight record --source virtual --seconds 10 --out session.mcap
  portsight verify session.mcap
  portsight analyze session.mcap --pump synchromed2-20 --needle 22G:51
  portsight export session.mcap --to mha
  portsight replay recording.mha --pump synchromed2-20 --needle 22G:51
  portsight analyze recording.mha --pump synchromed2-20 --needle 22G:51 --out advice.jsonl
  portsight calibrate wires.mha --phantom assets/phantoms/fcal-2.0.json --medium water:22 --json
  portsight snapshot recording.mha --frame 40 --out picture.png
  portsight evaluate FOLDER                         every recording that has a truth file beside it
  portsight simulate --preset scar --seed 7 --seconds 4 --out scar.mha
  portsight train --seed 7                          training on random virtual patients
  portsight rehearse --preset scar --seed 7 --out session
  portsight verify session                          names the file and the entry that do not hold
  portsight bench

Exit status: 0 all right, 1 a problem with the input or the machine, 2 wrong usage.";

/// Everything the command line can say.
#[derive(Debug, Parser)]
#[command(name = "portsight", version, about = ABOUT, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Watch a live source: in the window, or headless.
    Live(live::LiveArgs),
    /// Record a source into a file, without a window; every frame it could not take is counted.
    Record(record::RecordArgs),
    /// Write what is whole of a cut or damaged recording into a new one.
    Recover(record::RecoverArgs),
    /// Write a recording as files of other programs: MetaImage, PNG, CSV. Nothing is burnt in.
    Export(export::ExportArgs),
    /// List probes and frame grabbers: what they are, whether they may be opened, and what to do if not.
    Probes(probes::ProbesArgs),
    /// Play a recording in the window.
    Replay(live::ReplayArgs),
    /// Read every frame of a file and write what was found and advised, one JSON object a line.
    Analyze(analyze::AnalyzeArgs),
    /// Measure millimetres per pixel: from a wire phantom, a burnt-in ruler, or a tracked plate.
    Calibrate(calibrate::CalibrateArgs),
    /// Score the detector against known truth.
    Evaluate(evaluate::EvaluateArgs),
    /// Draw one frame with its marks, scale and disclaimer into a PNG. Needs no display.
    Snapshot(snapshot::SnapshotArgs),
    /// Write a recording of the virtual probe, with its truth beside it.
    Simulate(simulate::SimulateArgs),
    /// Run a whole refill on a virtual patient, headless, and leave its session folder with journal and report.
    Rehearse(rehearse::RehearseArgs),
    /// Training: random virtual patients with a hidden port, scored in mm and seconds. Leaves no session.
    Train(train::TrainArgs),
    /// Check that a session is whole and unaltered (its journal, and every file against it), or that a recording is.
    Verify(verify::VerifyArgs),
    /// Measure frames a second and the time of every stage on this machine.
    Bench(bench::BenchArgs),
}

/// Which pump and needle a path is planned for.
#[derive(Debug, Clone, Args)]
pub(crate) struct SetupArgs {
    /// Pump model: generic (gives no path), synchromed2-20, synchromed2-40, ... (`--pump list` shows all)
    #[arg(long, value_name = "ID", default_value = "generic")]
    pub pump: String,
    /// Needle as GAUGE:LENGTH in mm, such as 22G:38
    #[arg(long, value_name = "22G:38")]
    pub needle: Option<Needle>,
}

/// How a file is to be read.
#[derive(Debug, Clone, Args)]
pub(crate) struct FileArgs {
    /// Pixel size along rows and columns in mm, for pictures that carry none (or a wrong one)
    #[arg(long, value_name = "LATERAL,AXIAL", value_parser = source::pair)]
    pub mm_per_px: Option<(f64, f64)>,
    /// How the picture is stored: MF, UF, MN or UN (M/U: columns run toward the marked/unmarked side, F/N: rows
    /// run away from/toward the probe); FM, FU, NM, NU for scan lines
    #[arg(long, value_name = "CODE")]
    pub orientation: Option<Orientation>,
    /// The part of the stored picture that holds the scan, in pixels
    #[arg(long, value_name = "X,Y,W,H", value_parser = source::rectangle)]
    pub crop: Option<(usize, usize, usize, usize)>,
    /// Geometry of scan lines or fan, as JSON (docs/FORMATS.md)
    #[arg(long, value_name = "FILE")]
    pub geometry: Option<PathBuf>,
}

/// Parses the arguments, does the work, and says how it went.
pub fn run() -> ExitCode {
    // Clap prints help, versions and usage errors itself, with status 0 or 2.
    let cli = Cli::parse();
    let done = match &cli.verb {
        None => demo::without_verb(),
        Some(Verb::Live(args)) => live::live(args),
        Some(Verb::Record(args)) => record::run(args),
        Some(Verb::Recover(args)) => record::recover_file(args),
        Some(Verb::Export(args)) => export::run(args),
        Some(Verb::Probes(args)) => probes::run(args),
        Some(Verb::Replay(args)) => live::replay(args),
        Some(Verb::Analyze(args)) => analyze::run(args),
        Some(Verb::Calibrate(args)) => calibrate::run(args),
        Some(Verb::Evaluate(args)) => evaluate::run(args),
        Some(Verb::Snapshot(args)) => snapshot::run(args),
        Some(Verb::Simulate(args)) => simulate::run(args),
        Some(Verb::Rehearse(args)) => rehearse::run(args),
        Some(Verb::Train(args)) => train::run(args),
        Some(Verb::Verify(args)) => verify::run(args),
        Some(Verb::Bench(args)) => bench::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("portsight: {problem:#}");
            ExitCode::from(1)
        }
    }
}
