//! `calibrate`: millimetres per pixel of a recording, on one line.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use crate::calibrate::{
    Calibration, Echo, Medium, Phantom, Picture, StillParts, TrackerSample, calibrate, delay,
    find_echoes, plate_line,
};
use crate::exchange::FileSource;
use crate::frame::{Frame, Values};

use super::FileArgs;
use super::source::open_file;

/// Frames looked at to tell what stands still in a recording.
const STILL_FRAMES: usize = 40;
/// Frames read at most of a recording.
const MOST_FRAMES: usize = 2000;

#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// A recording, a picture, or a folder of numbered pictures
    file: PathBuf,
    #[command(flatten)]
    how: FileArgs,
    /// The wire phantom, as JSON (docs/CALIBRATION.md)
    #[arg(long, value_name = "P.json")]
    phantom: Option<PathBuf>,
    /// What lies between probe and wires: water:TEMPERATURE in degrees Celsius, or tissue (1540 m/s)
    #[arg(long, value_name = "MEDIUM", default_value = "tissue")]
    medium: Medium,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write every wire seen: `frame,status,wire,x_px,y_px`
    #[arg(long, value_name = "F.csv", requires = "phantom")]
    wires_out: Option<PathBuf>,
    /// Poses of the probe over a flat plate, for the delay between the two clocks: CSV with the columns `t_s`,
    /// `status`, `m03`, `m13`, `m23`
    #[arg(long, value_name = "T.csv", conflicts_with = "phantom")]
    tracker: Option<PathBuf>,
}

pub(super) fn run(args: &CalibrateArgs) -> anyhow::Result<()> {
    let file = open_file(&args.file, &args.how)?;
    if file.geometry().depth().is_some() {
        bail!("expected pictures, got scan lines: their scale is known from their geometry");
    }
    match (&args.phantom, &args.tracker) {
        (Some(phantom), _) => with_phantom(args, &file, phantom),
        (None, Some(tracker)) => with_tracker(args, &file, tracker),
        (None, None) => bail!("nothing to measure with: give --phantom P.json or --tracker T.csv"),
    }
}

fn with_tracker(args: &CalibrateArgs, file: &FileSource, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read tracker poses {}", path.display()))?;
    let tracker = tracker_samples(&text)
        .with_context(|| format!("{} cannot be used; no delay", path.display()))?;
    let mut line = Vec::new();
    for (index, time) in file.times().iter().enumerate().take(MOST_FRAMES) {
        let stored = Stored::of(&*file.frame(index)?, file)?;
        if let (Some(time), Some(plate)) = (time, plate_line(&stored.picture()?)) {
            line.push((*time, plate.y_middle));
        }
    }
    let found = delay(&line, &tracker)?;
    if args.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        println!(
            "tracker time = video time {:+.3} s (explains {:.2} of the motion in {} frames)",
            found.delay_s, found.explained, found.frames_used
        );
    }
    Ok(())
}

/// Time and position of every pose whose status is OK.
fn tracker_samples(text: &str) -> anyhow::Result<Vec<TrackerSample>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        let found = names.iter().position(|n| n.trim() == name);
        found.ok_or_else(|| {
            anyhow!("expected the columns t_s, status, m03, m13, m23; {name} is missing")
        })
    };
    let status = column("status")?;
    let wanted = [
        column("t_s")?,
        column("m03")?,
        column("m13")?,
        column("m23")?,
    ];
    let mut samples = Vec::new();
    for (number, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.get(status) != Some(&"OK") {
            continue;
        }
        let number_at = |column: usize| {
            let value = cells.get(column).and_then(|c| c.parse::<f64>().ok());
            value
                .filter(|v| v.is_finite())
                .ok_or_else(|| anyhow!("line {}: expected numbers, got {line:?}", number + 2))
        };
        let [t, x, y, z] = wanted;
        samples.push(TrackerSample {
            seconds: number_at(t)?,
            position: [number_at(x)?, number_at(y)?, number_at(z)?],
        });
    }
    Ok(samples)
}

fn with_phantom(args: &CalibrateArgs, file: &FileSource, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read phantom {}", path.display()))?;
    let phantom =
        Phantom::parse(&text).map_err(|problem| anyhow!("{}: {problem}", path.display()))?;
    let mut result = calibrate(&phantom, &echoes(file, None)?, args.medium);
    if !result.accepted {
        // Screen text makes bright spots too: once more without what stands still.
        let still = still_parts(file)?;
        let second = calibrate(&phantom, &echoes(file, Some(&still))?, args.medium);
        if second.accepted || result.lateral_mm_per_px.is_none() {
            result = second;
        }
    }
    if let Some(out) = &args.wires_out {
        std::fs::write(out, wire_table(&result, file.frame_count()))
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&result)?);
    } else {
        println!("{}", sentence(&result, args.medium));
    }
    if result.accepted {
        Ok(())
    } else {
        bail!("not accepted: {}", result.reason)
    }
}

fn sentence(result: &Calibration, medium: Medium) -> String {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.5}"));
    format!(
        "lateral {} mm/px, axial {} mm/px at {:.0} m/s ({} at 1540), offset {} mm, residual {} mm, \
         leave-one-out {} mm: {}",
        figure(result.lateral_mm_per_px),
        figure(result.axial_mm_per_px),
        medium.speed(),
        figure(result.axial_mm_per_px_1540),
        figure(result.axial_offset_mm),
        figure(result.residual_rms_mm),
        figure(result.leave_one_out_mm),
        result.reason
    )
}

/// One row a wire seen, and one row a frame in which the phantom was not recognised.
fn wire_table(result: &Calibration, frames: usize) -> String {
    let mut table = vec!["frame,status,wire,x_px,y_px\n".to_owned()];
    let mut wires = result.wires.iter().peekable();
    for frame in 0..frames {
        let mut any = false;
        while let Some(wire) = wires.next_if(|w| w.frame == frame) {
            any = true;
            let name = if wire.wire.contains([',', '"', '\n']) {
                format!("\"{}\"", wire.wire.replace('"', "\"\""))
            } else {
                wire.wire.clone()
            };
            table.push(format!(
                "{frame},OK,{name},{:.3},{:.3}\n",
                wire.x_px, wire.y_px
            ));
        }
        if !any {
            table.push(format!("{frame},Failed,,,\n"));
        }
    }
    table.concat()
}

fn echoes(file: &FileSource, still: Option<&StillParts>) -> anyhow::Result<Vec<Vec<Echo>>> {
    let mut all = Vec::new();
    for index in 0..file.frame_count().min(MOST_FRAMES) {
        let stored = Stored::of(&*file.frame(index)?, file)?;
        let picture = stored.picture()?;
        all.push(match still {
            None => find_echoes(&picture),
            Some(still) => {
                let cleared = still.cleared(&picture);
                let (columns, rows) = picture.size();
                Picture::new(columns, rows, &cleared).map_or_else(Vec::new, |p| find_echoes(&p))
            }
        });
    }
    Ok(all)
}

fn still_parts(file: &FileSource) -> anyhow::Result<StillParts> {
    let mut still = StillParts::default();
    let count = file.frame_count();
    let looks = STILL_FRAMES.min(count);
    for look in 0..looks {
        let stored = Stored::of(&*file.frame(look * count / looks)?, file)?;
        still.add(&stored.picture()?);
    }
    Ok(still)
}

/// A frame's picture, row 0 on top as in the file.
struct Stored {
    pixels: Vec<u8>,
    columns: usize,
    rows: usize,
}

impl Stored {
    fn of(frame: &Frame, file: &FileSource) -> anyhow::Result<Self> {
        let (columns, rows) = (frame.samples.inner(), frame.samples.outer());
        let Values::U8(values) = frame.samples.values() else {
            bail!("expected pictures of 8 bits, got echo amplitudes");
        };
        let orientation = file.orientation();
        let mut lines: Vec<Vec<u8>> = values.chunks(columns.max(1)).map(<[u8]>::to_vec).collect();
        if orientation.is_upside_down() {
            lines.reverse();
        }
        if orientation.is_mirrored() {
            for line in &mut lines {
                line.reverse();
            }
        }
        Ok(Self {
            pixels: lines.concat(),
            columns,
            rows,
        })
    }

    fn picture(&self) -> anyhow::Result<Picture<'_>> {
        Picture::new(self.columns, self.rows, &self.pixels).ok_or_else(|| {
            anyhow!(
                "expected a picture of 8 x 8 pixels or more, got {} x {}",
                self.columns,
                self.rows
            )
        })
    }
}
