//! `export`: a recording as files of other programs. Nothing is burnt in, and no names are in a recording.
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::engine::sequence_form;
use crate::exchange::{MetaImageWriter, Packing, PngPixels, SequenceForm, write_png};
use crate::frame::{Frame, Orientation, ScanGeometry, ScanStage, Values};
use crate::image::{ImageChain, PictureSize};
use crate::notice::Notice;
use crate::procedure::FRAMES_FILE;
use crate::recording::Recording;
use crate::words::say;

use super::record::told;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// A recording, or the folder of a session that has one
    from: PathBuf,
    /// What it is exported to
    #[arg(long, value_name = "FORM")]
    to: Form,
    /// The new file, or for PNG a new folder; beside the recording when not given
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// A form of other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A MetaImage sequence with the fields of PLUS a frame: pictures in the internal orientation, MF
    Mha,
    /// Numbered pictures in a folder
    Png,
    /// Number and times of every frame
    Csv,
}

/// A picture of a frame: as it came when it came as one, otherwise formed from its scan lines.
struct Shown {
    pixels: Vec<u8>,
    form: SequenceForm,
}

impl Shown {
    fn of(frame: &Arc<Frame>, chain: &mut ImageChain) -> Self {
        if let (
            ScanStage::PostScan,
            Values::U8(pixels),
            ScanGeometry::Raster {
                spacing, origin, ..
            },
        ) = (frame.stage, frame.samples.values(), &*frame.geometry)
        {
            return Self {
                pixels: pixels.to_vec(),
                form: SequenceForm {
                    columns: frame.samples.inner(),
                    rows: frame.samples.outer(),
                    spacing: *spacing,
                    offset: [origin.x, origin.z],
                    orientation: Orientation::Mf,
                    packing: Packing::Zlib,
                },
            };
        }
        let image = chain.form(frame);
        Self {
            pixels: image.pixels.to_vec(),
            form: sequence_form(&image),
        }
    }
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let from = if args.from.is_dir() {
        args.from.join(FRAMES_FILE)
    } else {
        args.from.clone()
    };
    let recording = Recording::open(&from).map_err(|p| told(&p))?;
    let out = args.out.clone().unwrap_or_else(|| match args.to {
        Form::Mha => from.with_extension("mha"),
        Form::Csv => from.with_extension("csv"),
        Form::Png => from.with_extension("pictures"),
    });
    if out.exists() {
        bail!(
            "expected a path that does not exist yet, got {}; give another with --out",
            out.display()
        );
    }
    let left_out = match args.to {
        Form::Mha => to_mha(&recording, &out)?,
        Form::Png => to_png(&recording, &out)?,
        Form::Csv => to_csv(&recording, &out)?,
    };
    println!(
        "{} frames of {} in {}",
        recording.frame_count() as u64 - left_out,
        from.display(),
        out.display()
    );
    if left_out > 0 {
        bail!(
            "{left_out} frames were left out: damaged, or of another size or scale than the first"
        );
    }
    Ok(())
}

/// Every frame that can be read; how many could not is returned.
fn each(
    recording: &Recording,
    mut take: impl FnMut(usize, &Arc<Frame>) -> anyhow::Result<bool>,
) -> anyhow::Result<u64> {
    let mut left_out = 0;
    for index in 0..recording.frame_count() {
        match recording.frame(index) {
            Ok(frame) => left_out += u64::from(!take(index, &frame)?),
            Err(problem) => {
                eprintln!("portsight: {}", Notice::of(&problem).line());
                left_out += 1;
            }
        }
    }
    Ok(left_out)
}

/// The time of the source where it gives one, else that of the session, s.
fn seconds_of(frame: &Frame) -> f64 {
    frame
        .source_seconds
        .unwrap_or_else(|| frame.captured_at.as_seconds())
}

fn to_mha(recording: &Recording, out: &Path) -> anyhow::Result<u64> {
    let mut chain = ImageChain::new(PictureSize::default());
    let mut writer: Option<(MetaImageWriter, SequenceForm)> = None;
    let left_out = each(recording, |_, frame| {
        let shown = Shown::of(frame, &mut chain);
        if writer.is_none() {
            let mut begun = MetaImageWriter::create(out, shown.form.clone())?;
            begun.set_field("PortsightNotice", &say("notice-research"))?;
            if let Some(source) = recording.heading().get("source") {
                begun.set_field("PortsightSource", source)?;
            }
            writer = Some((begun, shown.form.clone()));
        }
        let Some((writer, form)) = &mut writer else {
            return Ok(false);
        };
        // One MetaImage sequence has one size and one scale.
        if *form != shown.form {
            return Ok(false);
        }
        let number = frame.id.0.to_string();
        let captured = frame.captured_at.nanos().to_string();
        let fields = [
            ("FrameNumber", number.as_str()),
            ("CapturedNs", captured.as_str()),
        ];
        writer.append(&shown.pixels, Some(seconds_of(frame)), &fields)?;
        Ok(true)
    })?;
    if let Some((writer, _)) = writer {
        writer.finish()?;
    }
    Ok(left_out)
}

fn to_png(recording: &Recording, out: &Path) -> anyhow::Result<u64> {
    std::fs::create_dir(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut chain = ImageChain::new(PictureSize::default());
    each(recording, |index, frame| {
        let shown = Shown::of(frame, &mut chain);
        let form = &shown.form;
        let path = out.join(format!("{index:06}.png"));
        write_png(
            &path,
            form.columns,
            form.rows,
            PngPixels::Gray(&shown.pixels),
        )?;
        Ok(true)
    })
}

fn to_csv(recording: &Recording, out: &Path) -> anyhow::Result<u64> {
    let file = std::fs::File::create_new(out)
        .with_context(|| format!("cannot write {}", out.display()))?;
    let mut file = std::io::BufWriter::new(file);
    writeln!(file, "index,frame,captured_s,source_s,lines,samples")?;
    let left_out = each(recording, |index, frame| {
        let source = frame
            .source_seconds
            .map_or_else(String::new, |seconds| seconds.to_string());
        writeln!(
            file,
            "{index},{},{:.9},{source},{},{}",
            frame.id.0,
            frame.captured_at.as_seconds(),
            frame.samples.outer(),
            frame.samples.inner()
        )?;
        Ok(true)
    })?;
    file.flush()?;
    Ok(left_out)
}
