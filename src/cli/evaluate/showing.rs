//! Pictures of what went wrong: the first few of each kind, with the marks of the program and the truth.
use std::collections::BTreeMap;
use std::io::Cursor;

use anyhow::Context;
use image::imageops::FilterType;

use crate::engine::{Advice, Beside, kept_picture};
use crate::evidence::{Failure, FailurePicture, FrameTruth, PortTruth};
use crate::image::ScanImage;
use crate::overlay::{Look, Mark, Stroke};
use crate::space::ScanPoint;

use super::super::source::Chosen;

/// Pictures kept of each kind, one of a recording at most.
const OF_EACH: usize = 5;

/// A frame in which something went wrong.
pub(super) struct FailedFrame {
    pub(super) failure: Failure,
    pub(super) index: usize,
    pub(super) image: ScanImage,
    pub(super) advice: Advice,
    /// In the coordinates of the picture read, not of the stored one.
    pub(super) truth: FrameTruth,
}

/// The pictures kept so far.
pub(super) struct Gallery<'a> {
    chosen: &'a Chosen,
    counts: BTreeMap<Failure, usize>,
    pictures: Vec<FailurePicture>,
}

impl<'a> Gallery<'a> {
    pub(super) fn new(chosen: &'a Chosen) -> Self {
        Self {
            chosen,
            counts: BTreeMap::new(),
            pictures: Vec::new(),
        }
    }

    pub(super) fn pictures(&self) -> &[FailurePicture] {
        &self.pictures
    }

    /// Draws the failed frames of a recording, as long as there is room for their kind.
    pub(super) fn take(&mut self, name: &str, failed: Vec<FailedFrame>) -> anyhow::Result<()> {
        for frame in failed {
            let count = self.counts.entry(frame.failure).or_default();
            if *count >= OF_EACH {
                continue;
            }
            *count += 1;
            let caption = format!(
                "{name}, frame {}: {}. State {:?}, confidence {:.2}.",
                frame.index,
                frame.failure.words(),
                frame.advice.finding.state,
                frame.advice.finding.confidence
            );
            let png = drawn(name, &frame, self.chosen)
                .with_context(|| format!("the picture of {name} cannot be drawn"))?;
            self.pictures.push(FailurePicture {
                failure: frame.failure,
                caption,
                png,
            });
        }
        Ok(())
    }
}

fn opening(marks: &mut Vec<Mark>, port: PortTruth, tilt_deg: f64, words: &str, look: Look) {
    let (sin, cos) = tilt_deg.to_radians().sin_cos();
    let half = 0.5 * port.width;
    let end = |side: f64| ScanPoint::new(port.x + side * half * cos, port.z + side * half * sin);
    marks.push(Mark::Line {
        from: end(-1.0),
        to: end(1.0),
        look,
        stroke: Stroke::Dashed,
    });
    marks.push(Mark::Label {
        at: ScanPoint::new(port.x, port.z + 3.0),
        text: words.to_owned(),
        look,
    });
}

fn drawn(name: &str, frame: &FailedFrame, chosen: &Chosen) -> anyhow::Result<Vec<u8>> {
    let mut advice = frame.advice.clone();
    let marks = &mut advice.marks.marks;
    let truth = &frame.truth;
    let tilt = truth.tilt_deg.unwrap_or(0.0);
    if let Some(port) = truth.port {
        opening(marks, port, tilt, "truth: fill port", Look::Placed);
    }
    if let Some(port) = truth.access_port {
        opening(marks, port, tilt, "truth: access port", Look::Warning);
    }
    if let Some(needle) = truth.needle {
        let point = |[x, z]: [f64; 2]| ScanPoint::new(x, z);
        marks.push(Mark::Line {
            from: point(needle.a),
            to: point(needle.b),
            look: Look::Placed,
            stroke: Stroke::Dashed,
        });
    }
    let beside = Beside::new(name.to_owned(), &chosen.pump, chosen.needle);
    let picture = kept_picture(&frame.image, Some(&advice), &beside);
    let (wide, high) = (picture.width() / 2, picture.height() / 2);
    let small = ::image::imageops::resize(&picture, wide, high, FilterType::Triangle);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ::image::ImageFormat::Png)?;
    Ok(png.into_inner())
}
