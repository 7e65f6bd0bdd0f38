//! Our ends of the OpenIGTLink conversation, for `igtl_peer.py`: what comes is told line by line, as JSON.
//!
//! `igtl_peer receive HOST:PORT FRAMES` reads frames; `igtl_peer serve PORT` publishes a known pattern until its input
//! ends.
#![expect(clippy::print_stdout, reason = "standard output is what is read")]
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use portsight::clock::{Clock, SystemClock};
use portsight::exchange::{
    IgtlClient, IgtlServer, PortPose, Publication, igtl_checksum, serve_address,
};
use portsight::frame::{FrameId, Origin, PixelSpacing, ScanGeometry, Values};
use portsight::space::{Radians, ScanPoint};
use portsight::stream::{Delivery, FrameSource as _, LiveSource as _, Worker};

const PATIENCE: Duration = Duration::from_millis(50);
/// A run ends after this long, whatever comes.
const LONGEST: Duration = Duration::from_mins(1);
/// From publication to publication.
const INTERVAL: Duration = Duration::from_millis(40);
const COLUMNS: usize = 320;
const ROWS: usize = 240;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["receive", address, frames] => receive(address, frames.parse()?),
        ["serve", address] => serve(address),
        _ => bail!("expected receive HOST:PORT FRAMES or serve PORT"),
    }
}

fn receive(address: &str, frames: u64) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut client = IgtlClient::at(address.parse()?, Arc::clone(&clock));
    let begun = clock.now();
    let mut come = 0;
    while come < frames {
        if clock.now().since(begun) > LONGEST {
            bail!("{come} of {frames} frames after {LONGEST:?}");
        }
        match client.next(PATIENCE) {
            Ok(Delivery::Frame(frame)) => {
                come += 1;
                let Values::U8(pixels) = frame.samples.values() else {
                    bail!("16 bits from a finished picture");
                };
                let ScanGeometry::Raster { spacing, .. } = &*frame.geometry else {
                    bail!("no raster");
                };
                println!(
                    "{}",
                    serde_json::json!({
                        "frame": frame.id,
                        "stamp": frame.source_seconds,
                        "columns": frame.samples.inner(),
                        "rows": frame.samples.outer(),
                        "spacing": spacing.map(|s| [s.lateral.0, s.axial.0]),
                        "checksum": format!("{:016x}", igtl_checksum(pixels)),
                    })
                );
            }
            Ok(Delivery::Quiet) => {}
            Ok(Delivery::Finished) => bail!("a live source does not finish"),
            Err(problem) => println!("{}", serde_json::json!({ "lost": problem.to_string() })),
        }
    }
    // The facts follow the frames by a moment.
    for _ in 0..10 {
        client.next(PATIENCE)?;
    }
    println!("{}", serde_json::json!({ "facts": client.facts().details }));
    Ok(())
}

fn serve(address: &str) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let server = IgtlServer::start(serve_address(address)?, Arc::clone(&clock))?;
    println!("{}", server.address());
    let ended = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&ended);
    let mut listener = Worker::start("input", move || {
        let mut one = [0];
        if std::io::stdin().read(&mut one).is_ok_and(|count| count > 0) {
            return std::ops::ControlFlow::Continue(());
        }
        told.store(true, Ordering::SeqCst);
        std::ops::ControlFlow::Break(())
    })?;
    let begun = clock.now();
    let mut number = 0_usize;
    while !ended.load(Ordering::SeqCst) && clock.now().since(begun) < LONGEST {
        let pixels = (0..COLUMNS * ROWS).map(|n| (n % COLUMNS + 3 * (n / COLUMNS) + number) as u8);
        let locked = (number / 10).is_multiple_of(2);
        let publication = Publication {
            frame: FrameId(number as u64),
            captured_at: clock.now(),
            origin: Origin::Live,
            pixels: Arc::new(pixels.collect()),
            columns: COLUMNS,
            rows: ROWS,
            spacing: PixelSpacing::new(0.2, 0.3),
            top_left: ScanPoint::new(-31.9, 0.15),
            port: locked.then_some(PortPose {
                center: ScanPoint::new(number as f64 / 16.0, 24.5),
                tilt: Radians::from_degrees(10.0),
            }),
            state: if locked { "locked" } else { "searching" }.to_owned(),
            confidence: 0.875,
        };
        server.publish(publication)?;
        number += 1;
        std::thread::sleep(INTERVAL);
    }
    let counts = serde_json::to_string(&server.counts()).context("counts")?;
    println!("{counts}");
    if ended.load(Ordering::SeqCst) {
        listener.stop();
    }
    Ok(())
}
