//! How long a recording takes to open, and to seek to any of its frames.
//!
//! `record_seek FILE` measures a recording that is there. `record_seek --hour FILE` first makes one of an hour at 60
//! frames a second there: 216,000 frames, small ones, because what opening costs is the index, and that is as long
//! whatever a frame holds. Fails when opening takes 1 s or more, or any of 1,000 seeks 100 ms or more.
#![expect(
    clippy::print_stdout,
    reason = "what was measured is what it is run for"
)]
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portsight::clock::{Clock, SystemClock, Timestamp};
use portsight::frame::{
    Beams, Frame, FrameId, ImagingSettings, Orientation, Origin, Samples, ScanGeometry, ScanStage,
    StoredGrid, Values,
};
use portsight::recording::{Condition, FileDisk, Recording, RecordingWriter};
use portsight::space::{Affine, ScanPoint};

const FRAMES: u64 = 3600 * 60;
const SEEKS: usize = 1000;
const SIDE: usize = 16;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, file] if flag == "--hour" => {
            make(Path::new(file))?;
            measure(Path::new(file))
        }
        [file] => measure(Path::new(file)),
        _ => bail!("expected FILE or --hour FILE"),
    }
}

fn make(path: &Path) -> anyhow::Result<()> {
    let mut writer = RecordingWriter::begin(Arc::new(FileDisk::create(path)?), &[])?;
    let geometry = Arc::new(ScanGeometry::Raster {
        spacing: None,
        origin: ScanPoint::new(0.0, 0.0),
        beams: Beams::Parallel,
        stored: StoredGrid {
            stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).context("an affine")?,
        },
    });
    for id in 0..FRAMES {
        let values: Vec<u8> = (0..SIDE * SIDE)
            .map(|i| ((i as u64 + id).wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let frame = Frame {
            id: FrameId(id),
            captured_at: Timestamp::from_nanos(id * 16_666_667),
            source_seconds: None,
            origin: Origin::Live,
            stage: ScanStage::PostScan,
            orientation: Orientation::Mf,
            geometry: Arc::clone(&geometry),
            settings: Arc::new(ImagingSettings::default()),
            samples: Samples::new(SIDE, SIDE, Values::U8(Arc::new(values)))?,
        };
        writer.frame(&frame, 0)?;
    }
    writer.finish(0)?;
    Ok(())
}

fn measure(path: &Path) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let begun = clock.now();
    let recording = Recording::open(path)?;
    let opening = clock.now().since(begun).as_secs_f64() * 1e3;
    if *recording.condition() != Condition::Closed {
        bail!("{} has no index: it was searched", path.display());
    }
    let count = recording.frame_count();
    let mut seeks = Vec::with_capacity(SEEKS);
    let mut place = 1_usize;
    for _ in 0..SEEKS {
        place = place
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = (place >> 20) % count;
        let begun = clock.now();
        let frame = recording.frame(index)?;
        seeks.push(clock.now().since(begun).as_secs_f64() * 1e3);
        if recording.time(index) != Some(frame.captured_at) {
            bail!("frame {index} is not the one that was asked for");
        }
    }
    seeks.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * (SEEKS - 1) as f64).round() as usize;
        seeks.get(place).copied().unwrap_or(f64::INFINITY)
    };
    println!(
        "record_seek: {count} frames opened in {opening:.0} ms; {SEEKS} seeks: half {:.2} ms, 99 % {:.2} ms, most {:.2} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    if opening >= 1000.0 || at(1.0) >= 100.0 {
        bail!("opening must take less than 1000 ms, and every seek less than 100 ms");
    }
    Ok(())
}
