//! No verb: the window on the virtual probe, or the same job headless where there is no display.
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::SystemClock;
use crate::detect::PortState;
use crate::engine::{Advice, Beside, Moment, Reader, Transitions, kept_picture};
use crate::evidence::LineWriter;
use crate::image::{ImageChain, PictureSize, ScanImage};
use crate::procedure::{Event, Journal, SessionFolder};
use crate::simulate::{Preset, Truth, VirtualProbe};
use crate::view::{FirstSheet, ViewOptions};

use super::SetupArgs;
use super::live::{VIRTUAL_FPS, default_window, virtual_scenario, virtual_setup};
use super::source::{Chosen, virtual_frame};

/// Where the headless demonstration leaves its results.
const FOLDER: &str = "portsight-demo";
/// Five seconds of virtual time.
const FRAMES: u64 = 150;

pub(super) fn without_verb() -> anyhow::Result<()> {
    let listing = crate::probe::SourceScout::default().look();
    for source in &listing.sources {
        eprintln!(
            "portsight: {} is plugged in; --source {} shows it, what follows is a simulation",
            source.name, source.spec
        );
    }
    for reason in &listing.reasons {
        eprintln!("portsight: {reason}");
    }
    // A source that is plugged in is offered, never taken: sound goes into a patient only when a person asks for it.
    let first_sheet = if listing.sources.is_empty() {
        FirstSheet::Picture
    } else {
        FirstSheet::Sources
    };
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if has_display {
        match default_window(ViewOptions {
            first_sheet,
            training: Some(super::train::door(None)),
            ..ViewOptions::default()
        }) {
            Ok(()) => return Ok(()),
            Err(problem) => eprintln!("portsight: the window did not open: {problem:#}"),
        }
    }
    headless(Path::new(FOLDER))
}

/// The frame worth a picture: with a path before locked before any other, the latest of its kind.
fn worth(advice: &Advice) -> u8 {
    match (advice.guidance.path.is_some(), advice.finding.state) {
        (true, _) => 2,
        (false, PortState::Locked) => 1,
        (false, _) => 0,
    }
}

struct Best {
    worth: u8,
    image: Arc<ScanImage>,
    advice: Advice,
    truth: Arc<Truth>,
}

#[expect(
    clippy::too_many_lines,
    reason = "one run from start to summary, read top down"
)]
fn headless(folder: &Path) -> anyhow::Result<()> {
    println!("No display here: the same job runs headless, on the virtual patient.");
    println!("{}", crate::words::say("notice-research-long"));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let chosen = Chosen::of(&virtual_setup(
        SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        },
        Preset::Easy,
    )?)?;
    let mut probe = VirtualProbe::new(virtual_scenario(Preset::Easy, 1, VIRTUAL_FPS));
    let clock = SystemClock::start();
    let session = SessionFolder::new_within(folder, &clock)?;
    let mut journal = Journal::start(&session, Arc::new(clock))?;
    journal.write(Event::SessionStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: crate::stream::FrameSource::name(&probe),
        origin: crate::frame::Origin::Simulation,
        pump: chosen.pump.id.clone(),
        needle: chosen.needle,
        notice: crate::words::say("notice-research"),
    })?;
    let lines_path = folder.join("advice.jsonl");
    let mut out = std::io::BufWriter::new(
        std::fs::File::create(&lines_path)
            .with_context(|| format!("cannot write {}", lines_path.display()))?,
    );
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(false);
    reader.choose(chosen.pump.clone(), chosen.needle);
    let mut lines = LineWriter::default();
    let mut transitions = Transitions::default();
    let mut best: Option<Best> = None;
    for index in 0..FRAMES {
        let (frame, truth) = virtual_frame(&mut probe)?;
        let image = chain.form(&frame);
        let advice = reader.read(&image, Moment::Now);
        writeln!(out, "{}", lines.line(index, &image, &advice))?;
        for event in transitions.of(&advice) {
            journal.write(event)?;
        }
        if best.as_ref().is_none_or(|b| worth(&advice) >= b.worth) {
            best = Some(Best {
                worth: worth(&advice),
                image,
                advice,
                truth,
            });
        }
        if (index + 1) % 30 == 0 {
            println!("  {} of {FRAMES} frames", index + 1);
        }
    }
    let needle = chosen.needle.map(|n| n.to_string());
    writeln!(
        out,
        "{}",
        lines.summary(&chosen.pump.id, needle.as_deref(), &[])
    )?;
    out.flush()?;
    journal.write(Event::SessionEnded {
        frames: FRAMES,
        missing: 0,
    })?;
    let tally = lines.tally().clone();
    println!(
        "Port locked in {} of {FRAMES} frames, a path offered in {}.",
        tally.locked, tally.with_path
    );
    if let Some(best) = best {
        let picture = folder.join("picture.png");
        let name = crate::stream::FrameSource::name(&probe);
        let beside = Beside::new(name, &chosen.pump, chosen.needle);
        kept_picture(&best.image, Some(&best.advice), &beside)
            .save(&picture)
            .with_context(|| format!("cannot write {}", picture.display()))?;
        describe(&best);
        println!("Picture:  {}", picture.display());
    }
    println!("Advice:   {}", lines_path.display());
    println!("Journal:  {}", journal.path().display());
    Ok(())
}

fn describe(best: &Best) {
    let finding = &best.advice.finding;
    if let (Some(port), Some(truth)) = (finding.port, best.truth.port) {
        println!(
            "Frame {}: port at {:.1} mm lateral, {:.1} mm deep; off the simulated truth by {:.2} mm lateral, {:.2} mm \
             in depth. Accuracy on synthetic pictures is not clinical accuracy.",
            finding.frame.0,
            port.center.x,
            port.center.z,
            port.center.x - truth.x_mm,
            port.center.z - truth.z_mm,
        );
    }
    match (
        best.advice.guidance.path,
        best.advice.guidance.withheld.first(),
    ) {
        (Some(path), _) => println!(
            "Path: {:.1} degrees from the beam, {:.0} to {:.0} mm to the needle stop; to be confirmed in a second plane.",
            path.tilt.degrees(),
            path.depth.least.0.floor(),
            path.depth.most.0.ceil(),
        ),
        (None, Some(reason)) => println!("{}", crate::words::say(&reason.key())),
        (None, None) => {}
    }
}
