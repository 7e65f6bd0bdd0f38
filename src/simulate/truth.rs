//! Ground truth beside each frame, in the Scan space *as drawn* (1540 m/s), and the files it is kept in.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::scenario::Scenario;
use crate::frame::FrameId;

/// What kind of opening lies in the slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpeningClass {
    /// The fill port.
    FillPort,
    /// The catheter access port, and no fill port.
    AccessPort,
    /// A gap that is no port: a hole in a fascia, a shadow over a face.
    Other,
    /// No opening.
    #[default]
    None,
}

/// An opening in the face.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TruePort {
    /// Middle of the opening on the face plane (on top of the rim if raised).
    pub x_mm: f64,
    /// Depth of the same point.
    pub z_mm: f64,
    /// Width in this slice (a chord of the opening).
    pub width_mm: f64,
}

/// Where the fill port lies against the probe, in view or not; for training, where a mark is judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct PortPlace {
    /// Middle of its opening: along the picture, across it, deep, mm.
    pub middle_mm: [f64; 3],
    /// Where a needle square to the face enters the skin: along the picture, across it, mm.
    pub entry_mm: [f64; 2],
}

/// Where the needle must come to rest.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrueStop {
    /// The point as drawn.
    pub x_mm: f64,
    /// Its depth as drawn.
    pub z_mm: f64,
    /// True distance from skin to stop along the port's axis, mm.
    pub along_axis_mm: f64,
}

/// The part of the needle in the slice.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrueNeedle {
    /// Shallow end seen.
    pub a: [f64; 2],
    /// Deep end seen.
    pub b: [f64; 2],
    /// The tip, if it lies in the slice.
    pub tip: Option<[f64; 2]>,
    /// Whether the whole shaft lies in the slice.
    pub in_plane: bool,
}

/// Fluid outside the pump, in this slice.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrueFluid {
    /// Largest thickness in view, mm.
    pub thickness_mm: f64,
    /// Area in view, mm^2.
    pub area_mm2: f64,
}

/// How well the probe touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrueContact {
    /// Over most of its width.
    #[default]
    Good,
    /// Over part of its width.
    Poor,
    /// Not at all.
    None,
}

/// What of it all can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Visibility {
    /// A chord of 4 mm or more of the fill port lies in the picture, in contact and out of shadow.
    pub port_visible: bool,
    /// At least 10 mm of the face shine.
    pub face_visible: bool,
    /// Something above hides the port (or the middle of the face without one).
    pub shadowed: bool,
    /// How well the probe touches.
    pub contact: TrueContact,
}

/// The ground truth of one frame.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Truth {
    /// What kind of opening lies in the slice.
    pub class: OpeningClass,
    /// The fill port.
    pub port: Option<TruePort>,
    /// The catheter access port.
    pub access_port: Option<TruePort>,
    /// Both ends of the face in this slice, smaller x first; they may lie beyond the picture.
    pub face: Option<[[f64; 2]; 2]>,
    /// Angle of the drawn face against x, positive when the right end is deeper.
    pub tilt_deg: Option<f64>,
    /// Where the needle must come to rest.
    pub needle_stop: Option<TrueStop>,
    /// The needle.
    pub needle: Option<TrueNeedle>,
    /// Fluid outside the pump.
    pub fluid: Option<TrueFluid>,
    /// What can be seen.
    pub visibility: Visibility,
    /// True distance from the skin over the port to the needle stop, square to the face, mm.
    pub entry_to_stop_mm: Option<f64>,
    /// Where the fill port lies, also beside the slice; `None` for a patient without one. Not part of truth files.
    #[serde(skip)]
    pub place: Option<PortPlace>,
}

impl Truth {
    /// The truth of the picture with left and right exchanged.
    #[must_use]
    pub(super) fn mirrored(mut self) -> Self {
        let flip = |p: &mut [f64; 2]| {
            let [x, _] = p;
            *x = -*x;
        };
        for port in [&mut self.port, &mut self.access_port]
            .into_iter()
            .flatten()
        {
            port.x_mm = -port.x_mm;
        }
        if let Some(place) = self.place.as_mut() {
            let [along, _, _] = &mut place.middle_mm;
            *along = -*along;
            let [along, _] = &mut place.entry_mm;
            *along = -*along;
        }
        if let Some(face) = self.face.as_mut() {
            face.iter_mut().for_each(flip);
            face.reverse();
        }
        self.tilt_deg = self.tilt_deg.map(|tilt| -tilt);
        if let Some(stop) = self.needle_stop.as_mut() {
            stop.x_mm = -stop.x_mm;
        }
        if let Some(needle) = self.needle.as_mut() {
            flip(&mut needle.a);
            flip(&mut needle.b);
            needle.tip.iter_mut().for_each(flip);
        }
        self
    }
}

/// The truth of the newest frames, to be asked for by frame number from another worker.
#[derive(Debug)]
pub struct TruthLog {
    kept: Mutex<VecDeque<(FrameId, Arc<Truth>)>>,
    limit: usize,
}

impl TruthLog {
    /// A log of at most `limit` frames; older ones are forgotten.
    pub fn new(limit: usize) -> Self {
        Self {
            kept: Mutex::new(VecDeque::with_capacity(limit)),
            limit: limit.max(1),
        }
    }

    pub(super) fn note(&self, frame: FrameId, truth: Arc<Truth>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.limit {
            kept.pop_front();
        }
        kept.push_back((frame, truth));
    }

    /// The truth of a frame, while it is remembered.
    pub fn truth_of(&self, frame: FrameId) -> Option<Arc<Truth>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.binary_search_by_key(&frame, |(id, _)| *id).ok()?;
        kept.get(found).map(|(_, truth)| Arc::clone(truth))
    }
}

/// One frame of a truth file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TruthLine {
    /// Position of the frame in the file beside it.
    pub frame: usize,
    /// Seconds since the first frame.
    pub t: f64,
    /// The truth.
    #[serde(flatten)]
    pub truth: Truth,
}

/// The truth of a recorded sequence, in the form of its JSON file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TruthFile {
    /// Name of the sequence.
    pub name: String,
    /// `linear` or `curved`.
    pub probe: String,
    /// Pixel size of the pictures beside it, mm.
    pub spacing_mm: f64,
    /// Centre of their top-left pixel, mm.
    pub origin_mm: [f64; 2],
    /// The whole scenario.
    pub case: Scenario,
    /// One entry a frame.
    pub frames: Vec<TruthLine>,
}

impl TruthFile {
    /// The file of a sequence still without frames.
    pub fn new(name: &str, scenario: &Scenario, spacing_mm: f64, origin_mm: [f64; 2]) -> Self {
        Self {
            name: name.to_owned(),
            probe: scenario.array.word().to_owned(),
            spacing_mm,
            origin_mm,
            case: scenario.clone(),
            frames: Vec::new(),
        }
    }

    /// Adds the truth of the next frame.
    pub fn push(&mut self, seconds: f64, truth: &Truth) {
        self.frames.push(TruthLine {
            frame: self.frames.len(),
            t: seconds,
            truth: truth.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_forgets_the_oldest_and_finds_the_rest() {
        let log = TruthLog::new(3);
        for id in [0, 1, 12, 13] {
            let truth = Truth {
                tilt_deg: Some(id as f64),
                ..Truth::default()
            };
            log.note(FrameId(id), Arc::new(truth));
        }
        assert!(log.truth_of(FrameId(0)).is_none());
        assert!(log.truth_of(FrameId(5)).is_none());
        let found = log.truth_of(FrameId(12)).expect("kept");
        assert_eq!(found.tilt_deg, Some(12.0));
    }

    #[test]
    fn a_truth_file_has_the_fields_of_the_sequences() {
        let scenario = crate::simulate::Preset::Easy.scenario(1);
        let mut file = TruthFile::new("easy", &scenario, 0.15, [-20.0, 0.0]);
        file.push(0.0, &Truth::default());
        let json = serde_json::to_value(&file).expect("serialises");
        for key in ["name", "probe", "spacing_mm", "origin_mm", "case", "frames"] {
            assert!(json.get(key).is_some(), "{key} is missing");
        }
        let frame = &json["frames"][0];
        for key in ["t", "frame", "port", "access_port", "face", "tilt_deg"] {
            assert!(frame.get(key).is_some(), "{key} is missing");
        }
        assert_eq!(frame["class"], "none");
    }
}
