//! One recording or one virtual patient, read and scored.
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::detect::Finding;
use crate::engine::{Advice, Moment, Reader};
use crate::evidence::{
    CaseFacts, CaseScore, Failure, FrameTruth, Origin, Reading, Scorer, Truth, read_truth,
};
use crate::guide::Guidance;
use crate::image::{ImageChain, PictureSize, ScanImage};
use crate::simulate::{ArrayKind, LookAlike, Motion, PortFamily, PumpCase, Scenario, VirtualProbe};
use crate::space::{Radians, ScanPoint};

use super::super::FileArgs;
use super::super::source::{Chosen, open_file, virtual_frame};
use super::showing::FailedFrame;

/// Frames read of each virtual patient: three seconds; and of one that is swept or into whom fluid runs: eight.
const VIRTUAL_FRAMES: usize = 90;
const LONG_FRAMES: usize = 240;

/// What a virtual patient is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything.
    Plain,
    /// A needle goes in.
    Needle,
    /// Fluid runs into the pocket.
    Fluid,
    /// The probe sweeps over the pump, which lies upside down in every second.
    Swept,
}

impl Kind {
    fn scenario(self, seed: u64) -> Scenario {
        match self {
            Self::Plain => Scenario::random(seed),
            Self::Needle => Scenario::random_with_needle(seed),
            Self::Fluid => Scenario::random_with_fluid(seed),
            Self::Swept => Scenario::random_swept(seed),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "patient",
            Self::Needle => "patient with needle",
            Self::Fluid => "patient with fluid",
            Self::Swept => "patient swept",
        }
    }

    fn frames(self) -> usize {
        match self {
            Self::Plain | Self::Needle => VIRTUAL_FRAMES,
            Self::Fluid | Self::Swept => LONG_FRAMES,
        }
    }
}

/// One thing to score.
#[derive(Debug)]
pub(super) enum Job {
    /// A recording with its truth.
    File { path: PathBuf, truth: PathBuf },
    /// A real recording without pump and needle.
    Real {
        path: PathBuf,
        mm_per_px: Option<(f64, f64)>,
    },
    /// A random virtual patient.
    Patient { seed: u64, kind: Kind },
}

/// How it went.
pub(super) struct Outcome {
    pub(super) score: CaseScore,
    pub(super) failures: Vec<FailedFrame>,
}

impl Job {
    pub(super) fn real(path: PathBuf, mm_per_px: Option<(f64, f64)>) -> Self {
        Self::Real { path, mm_per_px }
    }

    /// Reads and scores it; keeps the first frame of each failure if asked.
    pub(super) fn score(&self, chosen: &Chosen, with_pictures: bool) -> anyhow::Result<Outcome> {
        match self {
            Self::File { path, truth } => file_case(path, truth, chosen, with_pictures),
            Self::Real { path, mm_per_px } => real_case(path, *mm_per_px, chosen, with_pictures),
            Self::Patient { seed, kind } => patient(*seed, *kind, chosen, with_pictures),
        }
    }
}

/// The name of a file or folder, without where it lies.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The name of a real recording read at a scale.
pub(super) fn real_name(path: &Path, mm_per_px: Option<(f64, f64)>) -> String {
    match mm_per_px {
        Some((lateral, axial)) => format!("{} at {lateral} x {axial} mm/px", name_of(path)),
        None => name_of(path),
    }
}

/// Reads frames, scores them, and keeps the first of each failure.
struct Bench {
    chain: ImageChain,
    reader: Reader,
    scorer: Scorer,
    with_pictures: bool,
    failures: Vec<FailedFrame>,
    index: usize,
}

impl Bench {
    fn new(
        name: &str,
        still: bool,
        facts: CaseFacts,
        chosen: &Chosen,
        with_pictures: bool,
    ) -> Self {
        let mut reader = Reader::new(still);
        reader.choose(chosen.pump.clone(), chosen.needle);
        Self {
            chain: ImageChain::new(PictureSize::default()),
            reader,
            scorer: Scorer::new(name, still, facts, chosen.needle),
            with_pictures,
            failures: Vec::new(),
            index: 0,
        }
    }

    fn read(&mut self, frame: &crate::frame::Frame, truth: &FrameTruth) {
        let image = self.chain.form(frame);
        let advice = self.reader.read(&image, Moment::Now);
        let seconds = image
            .source_seconds
            .unwrap_or_else(|| image.captured_at.as_seconds());
        let (finding, guidance) = as_stored(&advice, &image);
        let read = Reading {
            finding: &finding,
            guidance: &guidance,
        };
        for failure in self.scorer.note(&read, truth, seconds) {
            self.keep(failure, &image, &advice, truth);
        }
        self.index += 1;
    }

    fn keep(&mut self, failure: Failure, image: &ScanImage, advice: &Advice, truth: &FrameTruth) {
        let is_known = self.failures.iter().any(|f| f.failure == failure);
        if !self.with_pictures || is_known {
            return;
        }
        self.failures.push(FailedFrame {
            failure,
            index: self.index,
            image: image.clone(),
            advice: advice.clone(),
            truth: *truth,
        });
    }

    fn finish(self) -> Outcome {
        Outcome {
            score: self.scorer.finish(),
            failures: self.failures,
        }
    }
}

/// What was read, in the coordinates of the stored picture, in which truth is given.
fn as_stored(advice: &Advice, image: &ScanImage) -> (Finding, Guidance) {
    let [sx, sz] = image.stored_from_scan.scale();
    // -1 when the stored picture is mirrored or upside down (not both): angles change their sign.
    let hand = (sx * sz).signum();
    let moved = |point: ScanPoint| {
        let stored = image.stored_from_scan.apply(point);
        ScanPoint::new(stored.x, stored.z)
    };
    let mut finding = advice.finding.clone();
    if let Some(port) = &mut finding.port {
        port.center = moved(port.center);
    }
    if let Some(face) = &mut finding.face {
        face.tilt = Radians(face.tilt.0 * hand);
    }
    if let Some(needle) = &mut finding.needle {
        needle.a = moved(needle.a);
        needle.b = moved(needle.b);
        needle.tip = needle.tip.map(moved);
    }
    let mut guidance = advice.guidance.clone();
    if let Some(path) = &mut guidance.path {
        path.tilt = Radians(path.tilt.0 * hand);
    }
    (finding, guidance)
}

fn file_case(
    path: &Path,
    truth: &Path,
    chosen: &Chosen,
    with_pictures: bool,
) -> anyhow::Result<Outcome> {
    let truth = read_truth(truth)?;
    let how = FileArgs {
        mm_per_px: None,
        orientation: None,
        crop: None,
        geometry: None,
    };
    let file = open_file(path, &how)?;
    let (frames, still) = match &truth.truth {
        Truth::Still(frame) => (std::slice::from_ref(frame), true),
        Truth::Sequence(frames) => (frames.as_slice(), false),
    };
    if frames.len() != file.frame_count() {
        bail!(
            "{}: the truth speaks of {} frames, the recording has {}",
            path.display(),
            frames.len(),
            file.frame_count()
        );
    }
    let facts = truth.facts.clone();
    let mut bench = Bench::new(&name_of(path), still, facts, chosen, with_pictures);
    for (index, truth) in frames.iter().enumerate() {
        bench.read(&*file.frame(index)?, truth);
    }
    Ok(bench.finish())
}

fn real_case(
    path: &Path,
    mm_per_px: Option<(f64, f64)>,
    chosen: &Chosen,
    with_pictures: bool,
) -> anyhow::Result<Outcome> {
    let how = FileArgs {
        mm_per_px,
        orientation: None,
        crop: None,
        geometry: None,
    };
    let file = open_file(path, &how)?;
    let facts = CaseFacts {
        origin: Origin::Real,
        features: vec![format!(
            "folder {}",
            path.parent().map(name_of).unwrap_or_default()
        )],
        ..CaseFacts::default()
    };
    let name = real_name(path, mm_per_px);
    let mut bench = Bench::new(&name, file.is_still(), facts, chosen, with_pictures);
    for index in 0..file.frame_count() {
        bench.read(&*file.frame(index)?, &FrameTruth::default());
    }
    Ok(bench.finish())
}

fn patient(seed: u64, kind: Kind, chosen: &Chosen, with_pictures: bool) -> anyhow::Result<Outcome> {
    let scenario = kind.scenario(seed);
    let facts = facts_of(&scenario);
    let name = format!("{} {seed}", kind.word());
    let mut probe = VirtualProbe::new(scenario);
    let mut bench = Bench::new(&name, false, facts, chosen, with_pictures);
    for _ in 0..kind.frames() {
        let (frame, truth) = virtual_frame(&mut probe)?;
        bench.read(&frame, &FrameTruth::of(&truth));
    }
    Ok(bench.finish())
}

fn facts_of(scenario: &Scenario) -> CaseFacts {
    let mut features = vec![format!("array {}", scenario.array.word())];
    let mut say = |words: &str, holds: bool| {
        if holds {
            features.push(words.to_owned());
        }
    };
    let tissue = &scenario.tissue;
    say("fat below 15 mm", tissue.fat_mm < 15.0);
    say("fat 15 to 30 mm", (15.0..30.0).contains(&tissue.fat_mm));
    say("fat 30 mm or more", tissue.fat_mm >= 30.0);
    say("needle", scenario.needle.start_s.is_some());
    say("fluid", scenario.fluid.start_s.is_some());
    say("scar", tissue.scar.is_some());
    say("haze", scenario.nuisance.haze_db < 0.0);
    say(
        "faint face (-6 dB or less)",
        scenario.nuisance.face_db <= -6.0,
    );
    let is_sweep = scenario
        .motion
        .iter()
        .any(|m| matches!(m, Motion::Sweep { .. }));
    say("motion sweep", is_sweep);
    let is_jerked = scenario
        .motion
        .iter()
        .any(|m| matches!(m, Motion::Spasm { .. }));
    say("motion spasm", is_jerked);
    for kind in &scenario.look_alikes {
        match kind {
            LookAlike::Fascia { .. } => say("look-alike fascia", true),
            LookAlike::Bone { .. } => say("look-alike bone", true),
            LookAlike::Shadow { .. } => say("look-alike shadow", true),
        }
    }
    let is_inverted = scenario.pump.as_ref().is_some_and(|p| p.inverted);
    match &scenario.pump {
        None => say("no pump", true),
        Some(_) if is_inverted => say("inverted pump", true),
        Some(pump) => {
            say("port recessed", pump.family == PortFamily::Recessed);
            say("port raised", pump.family == PortFamily::Raised);
            say("access port alone", is_access_alone(pump, &scenario.array));
            say("tilt 8 degrees or more", pump.tilt_deg.abs() >= 8.0);
        }
    }
    CaseFacts {
        origin: Origin::Virtual,
        is_inverted,
        is_sweep,
        features,
    }
}

/// Whether the fill port lies beside a linear array's picture.
fn is_access_alone(pump: &PumpCase, array: &ArrayKind) -> bool {
    match array {
        ArrayKind::Linear { width_mm } => pump.x_mm.abs() > 0.5 * width_mm,
        ArrayKind::Curved { .. } => false,
    }
}
