//! Picture to advice: detector, plan and marks in one place, for live workers and for files alike.
use std::sync::Arc;
use std::time::Duration;

use crate::detect::{DetectorContext, Finding, PortDetector, Still};
use crate::guide::{
    Basis, Certificate, PlaneRefusal, Planes, Setup, Standing, TwoPlanes, Way, advise, limits,
};
use crate::image::{LengthUnit, ScanImage};
use crate::overlay::marks;
use crate::pump::{self, Needle, PumpModel};
use crate::space::Millimeters;

use super::Advice;

/// How the picture stands to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It is the newest and fresh, or time does not matter (a file read frame by frame).
    Now,
    /// It is too old to act on.
    Late,
    /// Its source is gone.
    Gone,
}

/// Reads pictures in their order and advises on each.
pub struct Reader {
    detector: PortDetector,
    still: Still,
    pump: Arc<PumpModel>,
    needle: Option<Needle>,
    way: Way,
    vetoed: bool,
    last: Option<Finding>,
    planes: TwoPlanes,
    planes_lost: bool,
}

impl Reader {
    /// A reader of one still or of a sequence, for the generic pump and no needle.
    pub fn new(is_still: bool) -> Self {
        let pump = Arc::new(pump::generic());
        Self {
            detector: PortDetector::new(DetectorContext::for_pump(&pump)),
            still: if is_still {
                Still::Picture
            } else {
                Still::Sequence
            },
            pump,
            needle: None,
            way: Way::default(),
            vetoed: false,
            last: None,
            planes: TwoPlanes::default(),
            planes_lost: false,
        }
    }

    /// Sets pump and needle. Another pump starts the detector afresh: what it looks for has changed.
    pub fn choose(&mut self, pump: Arc<PumpModel>, needle: Option<Needle>) {
        self.needle = needle;
        if *self.pump != *pump {
            self.detector = PortDetector::new(DetectorContext::for_pump(&pump));
            self.pump = pump;
            self.forget_planes();
        }
    }

    /// Sets the way to the port. It counts from the moment the port is confirmed; before that a path only shows
    /// where the port is.
    /// `vetoed` takes its path back: the operator has seen something in it.
    pub fn choose_way(&mut self, way: Way, vetoed: bool) {
        self.way = way;
        self.vetoed = vetoed;
    }

    /// Reads the next picture.
    pub fn read(&mut self, image: &ScanImage, moment: Moment) -> Advice {
        let finding = self.detector.read(image, self.still);
        self.planes_lost |= self.planes.note(&finding);
        self.last = Some(finding.clone());
        self.advise(image, finding, moment)
    }

    /// The operator says that the plane of the picture read last is to count.
    pub fn confirm_plane(&mut self) -> Result<Planes, PlaneRefusal> {
        match &self.last {
            Some(finding) => self.planes.take(finding),
            None => Err(PlaneRefusal::NotLocked),
        }
    }

    /// Forgets the planes that were confirmed: the display was flipped, or the operator begins again.
    pub fn forget_planes(&mut self) {
        self.planes_lost |= self.planes.planes() != Planes::None;
        self.planes = TwoPlanes::default();
    }

    /// Whether confirmed planes were lost since this was last asked.
    pub fn take_planes_lost(&mut self) -> bool {
        std::mem::take(&mut self.planes_lost)
    }

    /// Advises again on the picture read last, without reading it again.
    pub fn again(&mut self, image: &ScanImage, moment: Moment) -> Advice {
        match self.last.clone() {
            Some(finding) if finding.frame == image.frame => self.advise(image, finding, moment),
            _ => self.read(image, moment),
        }
    }

    /// Advises on what was found in a picture.
    pub fn advise(&self, image: &ScanImage, finding: Finding, moment: Moment) -> Advice {
        let has_scale = image.unit == LengthUnit::Millimeters;
        let basis = Basis {
            has_scale,
            beams: image.beams,
            half_width: Millimeters(image.pitch * image.columns as f64 / 2.0),
        };
        let setup = Setup {
            pump: &self.pump,
            needle: self.needle,
            // Every source of this version brings its scale along or was given it by the user.
            certificate: Certificate::NotNeeded,
            planes: self.planes.planes(),
            way: if self.planes.planes().confirmed() {
                self.way
            } else {
                Way::default()
            },
            plane_refused: self.planes.refusal(finding.captured_at),
        };
        let standing = match (moment, self.still) {
            (Moment::Gone, _) => Standing::NoFrames,
            (Moment::Late, _) => Standing::Stream {
                age: limits::STALE_AFTER + Duration::from_millis(1),
            },
            (Moment::Now, Still::Picture) => Standing::Still,
            (Moment::Now, Still::Sequence) => Standing::Stream {
                age: Duration::ZERO,
            },
        };
        let mut guidance = advise(&finding, &basis, &setup, &standing);
        if self.vetoed {
            guidance.veto();
        }
        let marks = match moment {
            Moment::Now => marks(&finding, &guidance, image, &self.pump),
            // Marks of a past picture would be taken for the present (H01).
            Moment::Late | Moment::Gone => crate::overlay::Marks {
                frame: finding.frame,
                marks: Vec::new(),
            },
        };
        Advice {
            finding,
            guidance,
            marks,
            has_scale,
        }
    }
}
