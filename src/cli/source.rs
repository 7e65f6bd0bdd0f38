//! What the command line names: a source, a file and how to read it, a pump and a needle.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};

use crate::exchange::{FileSource, Geometry, OpenOptions};
use crate::frame::Frame;
use crate::image::recognise_fan;
use crate::notice::Problem;
use crate::pump::{self, Needle, PumpModel};
use crate::simulate::{Truth, VirtualProbe};
use crate::stream::Delivery;

use super::{FileArgs, SetupArgs};

/// Frames looked at to find the outline of a fan.
const FAN_FRAMES: usize = 16;

/// Two positive numbers, as `0.15,0.15`.
pub(super) fn pair(text: &str) -> Result<(f64, f64), String> {
    let wrong = || format!("expected two positive numbers such as 0.15,0.15, got {text:?}");
    let (a, b) = text.split_once(',').ok_or_else(wrong)?;
    let number = |t: &str| {
        t.trim()
            .parse::<f64>()
            .ok()
            .filter(|v| v.is_finite() && *v > 0.0)
    };
    number(a).zip(number(b)).ok_or_else(wrong)
}

/// Four whole numbers, as `X,Y,W,H`.
pub(super) fn rectangle(text: &str) -> Result<(usize, usize, usize, usize), String> {
    let wrong = || format!("expected X,Y,W,H in pixels, got {text:?}");
    let numbers: Vec<usize> = text
        .split(',')
        .map(|t| t.trim().parse().ok())
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    match numbers.as_slice() {
        [x, y, w, h] if *w > 0 && *h > 0 => Ok((*x, *y, *w, *h)),
        _ => Err(wrong()),
    }
}

/// Pump and needle, looked up.
pub(super) struct Chosen {
    pub pump: Arc<PumpModel>,
    pub needle: Option<Needle>,
}

impl Chosen {
    pub(super) fn of(setup: &SetupArgs) -> anyhow::Result<Self> {
        if setup.pump == "list" {
            for pump in pump::catalog() {
                println!("{:18} {}", pump.id, pump.name);
            }
            std::io::Write::flush(&mut std::io::stdout())?;
            bail!("choose one of these with --pump ID");
        }
        let pump = pump::find(&setup.pump)
            .map_err(|problem| anyhow!("{problem}; `--pump list` shows all"))?;
        Ok(Self {
            pump: Arc::new(pump.clone()),
            needle: setup.needle,
        })
    }
}

/// Opens a file and settles how sound ran through its pictures.
pub(super) fn open_file(path: &Path, how: &FileArgs) -> anyhow::Result<FileSource> {
    let geometry = how.geometry.as_deref().map(Geometry::read).transpose()?;
    let has_geometry = geometry.is_some();
    let options = OpenOptions {
        mm_per_px: how.mm_per_px,
        orientation: how.orientation,
        crop: how.crop,
        geometry,
        ..OpenOptions::default()
    };
    let mut file =
        crate::exchange::open(path, &options).map_err(|problem| match Problem::hint(&problem) {
            Some(hint) => anyhow!("{problem}. {hint}"),
            None => anyhow!("{problem}"),
        })?;
    if !has_geometry && file.geometry().depth().is_none() {
        let (pixels, columns, rows) = file.brightest_projection(FAN_FRAMES)?;
        if let Some(fan) = recognise_fan(&pixels, columns, rows)
            && let Some(beams) = file.fan_from_pixels(fan.apex, fan.near, fan.far, fan.half)
        {
            file.set_beams(beams);
        }
    }
    Ok(file)
}

/// The next frame of a free-running virtual probe, with its truth.
pub(super) fn virtual_frame(probe: &mut VirtualProbe) -> anyhow::Result<(Arc<Frame>, Arc<Truth>)> {
    match probe.next_with_truth(Duration::ZERO)? {
        (Delivery::Frame(frame), Some(truth)) => Ok((frame, truth)),
        _ => bail!("the virtual probe delivered no frame"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line_are_read_or_refused() {
        assert_eq!(pair("0.1, 0.2"), Ok((0.1, 0.2)));
        for bad in ["", "1", "1,-1", "1,x", "nan,1", "0,0"] {
            assert!(pair(bad).is_err(), "{bad}");
        }
        assert_eq!(rectangle("1,2,3,4"), Ok((1, 2, 3, 4)));
        for bad in ["1,2,3", "1,2,0,4", "-1,2,3,4", "1,2,3,4,5"] {
            assert!(rectangle(bad).is_err(), "{bad}");
        }
    }
}
