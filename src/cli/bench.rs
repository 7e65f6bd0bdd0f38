//! `bench`: how long every stage takes on this machine, and whether the stream holds its rate.
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::clock::{Clock, SystemClock};
use crate::engine::{
    Beside, Engine, Moment, Reader, Session as _, SessionOptions, StageTimes, Stopwatch,
    VirtualFeed, kept_picture,
};
use crate::frame::{Samples, Values};
use crate::image::{ImageChain, PictureSize, ScanConverter};
use crate::simulate::{Preset, VirtualProbe};

use super::SetupArgs;
use super::live::{VIRTUAL_FPS, virtual_scenario, virtual_setup};
use super::source::{Chosen, virtual_frame};

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Frames behind every figure
    #[arg(long, default_value_t = 300)]
    frames: u32,
    /// Seconds of the live run at 30 frames/s; 0 leaves it out
    #[arg(long, default_value_t = 6)]
    live_seconds: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

struct Stage {
    name: &'static str,
    times: StageTimes,
}

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stages = measure_stages(args.frames.max(2), &clock)?;
    let live = (args.live_seconds > 0)
        .then(|| measure_live(args.live_seconds))
        .transpose()?;
    if args.json {
        let stages: Vec<_> = stages
            .iter()
            .map(|s| json!({"stage": s.name, "p50_ms": s.times.p50_ms, "p99_ms": s.times.p99_ms, "n": s.times.count}))
            .collect();
        println!("{}", json!({"stages": stages, "live": live}));
        return Ok(());
    }
    println!("192 x 512 lines, picture up to 800 x 600, one thread, wall time");
    println!("{:34} {:>9} {:>9} {:>6}", "stage", "p50 ms", "p99 ms", "n");
    for stage in &stages {
        println!(
            "{:34} {:9.3} {:9.3} {:6}",
            stage.name, stage.times.p50_ms, stage.times.p99_ms, stage.times.count
        );
    }
    if let Some(live) = live {
        println!("live run at {VIRTUAL_FPS} frames/s, all workers, no window: {live}");
    }
    Ok(())
}

fn timed<T>(clock: &Arc<dyn Clock>, watch: &mut Stopwatch, work: impl FnOnce() -> T) -> T {
    let begun = clock.now();
    let result = work();
    watch.note(clock.now().since(begun));
    result
}

fn measure_stages(frames: u32, clock: &Arc<dyn Clock>) -> anyhow::Result<Vec<Stage>> {
    let chosen = Chosen::of(&virtual_setup(
        SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        },
        Preset::Easy,
    )?)?;
    let mut probe = VirtualProbe::new(virtual_scenario(Preset::Easy, 1, VIRTUAL_FPS));
    let mut chain = ImageChain::new(PictureSize::default());
    let mut reader = Reader::new(false);
    let beside = Beside::new("bench".to_owned(), &chosen.pump, chosen.needle);
    reader.choose(chosen.pump, chosen.needle);
    let [
        mut simulate,
        mut form,
        mut read,
        mut draw,
        mut simd,
        mut scalar,
    ] = std::array::from_fn(|_| Stopwatch::default());
    let mut converter: Option<(ScanConverter, Vec<u8>, Vec<u8>)> = None;
    for _ in 0..frames {
        let (frame, _) = timed(clock, &mut simulate, || virtual_frame(&mut probe))?;
        let image = timed(clock, &mut form, || chain.form(&frame));
        let advice = timed(clock, &mut read, || reader.read(&image, Moment::Now));
        if converter.is_none() {
            converter = ScanConverter::new(
                &frame.geometry,
                frame.samples.outer(),
                frame.samples.inner(),
                PictureSize::default(),
            )
            .map(|c| {
                let out = vec![0; c.columns() * c.rows()];
                (c, lines_of(&frame.samples), out)
            });
        }
        if let Some((converter, lines, out)) = &mut converter {
            timed(clock, &mut simd, || converter.convert(lines, out));
            timed(clock, &mut scalar, || converter.convert_scalar(lines, out));
        }
        if advice.finding.frame.0 % 10 == 0 {
            timed(clock, &mut draw, || {
                kept_picture(&image, Some(&advice), &beside)
            });
        }
    }
    let stage = |name, watch: &Stopwatch| Stage {
        name,
        times: watch.times(),
    };
    Ok(vec![
        stage("virtual probe", &simulate),
        stage("form (compress, scan-convert)", &form),
        stage("read (detect, guide, mark)", &read),
        stage("scan conversion, as built", &simd),
        stage("scan conversion, scalar", &scalar),
        stage("kept picture (every 10th frame)", &draw),
    ])
}

/// Sample values brought to 8 bits by their high byte: what scan conversion costs does not depend on them.
fn lines_of(samples: &Samples) -> Vec<u8> {
    match samples.values() {
        Values::U8(values) => values.as_ref().clone(),
        Values::U16(values) => values.iter().map(|v| (v >> 8) as u8).collect(),
    }
}

fn measure_live(seconds: u64) -> anyhow::Result<serde_json::Value> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let chosen = Chosen::of(&virtual_setup(
        SetupArgs {
            pump: "generic".to_owned(),
            needle: None,
        },
        Preset::Easy,
    )?)?;
    let feed = VirtualFeed::live(
        virtual_scenario(Preset::Easy, 1, VIRTUAL_FPS),
        Arc::clone(&clock),
    );
    let engine = Engine::start(
        Box::new(feed),
        SessionOptions::new(clock, chosen.pump, chosen.needle),
    )?;
    std::thread::sleep(Duration::from_secs(seconds));
    let stations = engine.look().stations;
    engine.stop();
    Ok(json!({
        "captured_per_s": stations.capture.rate_hz,
        "formed_per_s": stations.form.rate_hz,
        "read_per_s": stations.read.rate_hz,
        "lost": stations.capture.missing,
        "skipped_by_detector": stations.read.skipped,
        "form": stations.form_times,
        "read": stations.read_times,
    }))
}
