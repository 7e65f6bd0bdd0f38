//! The needle in the plane: a thin straight line that comes from the skin, followed over time.
//!
//! The brightest line of a picture is seldom the needle: layers of tissue, bone and the pump's face shine more. What
//! counts is where a line comes from, how straight, thin and unbroken it is, and that it grows (H17).
mod line;
mod map;
mod track;

use self::line::{Shaft, ShaftFit};
use self::map::{NeedleMap, Run};
use self::track::{NeedleTrack, Tracked};
use super::grid::Sampler;
use super::port::rise;
use super::{NeedleSeen, Still};
use crate::image::ScanImage;
use crate::space::{Radians, ScanPoint};

/// Angle to the skin and to the layers under a curved probe from which on a line is no layer, degrees.
const STEEP_DEG: f64 = 30.0;
const CLEAR_OF_SKIN_DEG: f64 = 18.0;
/// Depth down to which a line comes from the skin, mm; deeper it comes from the side of the picture.
const SKIN_MM: f64 = 6.5;
/// A flat run longer than these is fitted by its first part, too: what lies behind the tip leads the fit astray.
const FIRST_PARTS_MM: [f64; 2] = [10.0, 6.5];
/// Frames of a sequence per search of the whole picture: its runs are found on one and fitted on the others, so that no
/// frame takes much longer than the others.
const SEARCH_EVERY: usize = 3;
/// Runs that are fitted.
const FITTED: usize = 8;
/// Least likeness at which a line of a single picture is called a needle.
const SINGLE_LEAST: f64 = 0.6;

/// A shaft with how much it looks like a needle.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    pub shaft: Shaft,
    /// 0 to 1, as one of a sequence, and as a line of a single picture.
    pub likeness: f64,
    pub single: f64,
    /// Whether it comes from the skin too steeply for a layer of tissue.
    pub steep: bool,
    /// Depth of its shallow end under the skin, mm.
    pub depth: f64,
    /// Angle against the layers of tissue, degrees.
    pub across: f64,
}

/// Looks for a needle in the pictures of one source.
#[derive(Debug, Default)]
pub(super) struct NeedleSearch {
    map: NeedleMap,
    runs: Vec<Run>,
    fit: ShaftFit,
    candidates: Vec<Candidate>,
    track: NeedleTrack,
    /// Frames since the whole picture was searched, and how many of its runs were fitted since.
    since: usize,
    fitted: usize,
}

impl NeedleSearch {
    /// Forgets everything seen so far.
    pub(super) fn reset(&mut self) {
        self.track = NeedleTrack::default();
        self.since = SEARCH_EVERY;
        self.runs.clear();
    }

    /// Reads one picture; `scale` is analysis mm per unit of the picture.
    ///
    /// A picture of its own is searched whole. In a sequence the whole picture is searched every few frames only, and
    /// a line once found is measured in every frame in between.
    pub(super) fn read(
        &mut self,
        image: &ScanImage,
        scale: f64,
        still: Still,
        time: f64,
    ) -> Option<NeedleSeen> {
        self.candidates.clear();
        let picture = Sampler::new(image, scale);
        let seen = match still {
            Still::Picture => {
                self.search(image, scale);
                self.fit_runs(&picture, FITTED);
                let best = self
                    .candidates
                    .iter()
                    .filter(|c| c.single >= SINGLE_LEAST)
                    .max_by(|a, b| weight(a).total_cmp(&weight(b)))?;
                Tracked {
                    shaft: best.shaft,
                    probability: 0.8 * best.single,
                    tip: false,
                    leaving: false,
                }
            }
            Still::Sequence => {
                self.since += 1;
                if !self.map.fits(image, scale) {
                    self.reset();
                }
                if self.since >= SEARCH_EVERY {
                    self.since = 0;
                    self.search(image, scale);
                } else {
                    self.fit_runs(&picture, FITTED.div_ceil(SEARCH_EVERY - 1));
                }
                if let Some(run) = self.track.expected() {
                    self.measure(&picture, &run);
                }
                self.track.update(&self.candidates, time)?
            }
        };
        let shaft = seen.shaft;
        let point = |p: [f64; 2]| ScanPoint::new(p[0] / scale, p[1] / scale);
        let [dx, dz] = shaft.direction();
        let angle = if dx < 0.0 {
            (-dz).atan2(-dx)
        } else {
            dz.atan2(dx)
        };
        Some(NeedleSeen {
            a: point(shaft.from),
            b: point(shaft.to),
            angle: Radians(angle),
            tip: seen.tip.then(|| point(shaft.to)),
            confidence: seen.probability,
            in_plane: !seen.leaving,
        })
    }

    /// Searches the whole picture for runs.
    fn search(&mut self, image: &ScanImage, scale: f64) {
        self.runs.clear();
        self.fitted = 0;
        if self.map.read(image, scale) {
            self.map.find(&mut self.runs);
        }
    }

    /// Fits the next `count` of the strongest runs.
    fn fit_runs(&mut self, picture: &Sampler<'_>, count: usize) {
        for _ in 0..count {
            let Some(run) = self.runs.get(self.fitted).copied() else {
                return;
            };
            if self.fitted >= FITTED {
                return;
            }
            self.fitted += 1;
            let near_skin = self.map.place(run.from).0 <= SKIN_MM;
            let parts_fitted = if near_skin { 3 } else { 1 };
            for part in parts(&run).into_iter().take(parts_fitted).flatten() {
                self.measure(picture, &part);
            }
        }
    }

    /// Measures one run.
    fn measure(&mut self, picture: &Sampler<'_>, run: &Run) {
        if let Some(shaft) = self.fit.fit(picture, run) {
            let candidate = self.judge(shaft);
            self.candidates.push(candidate);
        }
    }

    /// How much a shaft looks like a needle.
    fn judge(&self, shaft: Shaft) -> Candidate {
        let (depth, _) = self.map.place(shaft.from);
        let layers = self.map.layers_at(shaft.from, shaft.to);
        let [dx, dz] = shaft.direction();
        let across = (dx * layers[1] - dz * layers[0]).abs().asin().to_degrees();
        let level = shaft.steepness();
        let steep = level >= STEEP_DEG && across >= CLEAR_OF_SKIN_DEG;
        let ramp = |v: f32, from: f64, to: f64| rise(f64::from(v), from, to);
        // a shaft is straight over its whole length, a layer or a fibre only over a piece
        let straight = shaft.length() / (f64::from(shaft.rough) + 0.05);
        let even = ramp(shaft.cover, 0.6, 0.85)
            * (1.0 - ramp(shaft.thick, 1.6, 2.4))
            * ramp(shaft.contrast, 8.0, 18.0)
            * (1.0 - rise(level, 87.0, 88.5));
        let (likeness, single) = if steep {
            let moving = even
                * (1.0 - ramp(shaft.step, 0.45, 0.8))
                * ramp(shaft.clear, 1.8, 3.0)
                * rise(shaft.length(), 4.0, 8.0)
                * ramp(shaft.score, 4.0, 8.0)
                * (1.0 - ramp(shaft.rough, 0.2, 0.3));
            let from_skin = depth <= SKIN_MM;
            let single = if from_skin {
                rise(straight, 60.0, 90.0)
            } else {
                rise(straight, 110.0, 170.0)
            };
            (moving, moving * single)
        } else {
            let straightest = rise(straight, 54.0, 62.0) * (1.0 - ramp(shaft.rough, 0.048, 0.062));
            // steeper lines are layers more seldom and may scatter more
            let steeper = rise(straight, 80.0, 95.0)
                * (1.0 - ramp(shaft.rough, 0.1, 0.13))
                * rise(level.min(across), 23.0, 25.0);
            let single = even
                * (1.0 - ramp(shaft.step, 0.5, 0.65))
                * (1.0 - ramp(shaft.thick, 0.65, 0.85))
                * ramp(shaft.clear, 2.5, 4.0)
                * ramp(shaft.score, 3.5, 5.0)
                * rise(level.min(across), 13.0, 14.2)
                * (1.0 - rise(depth, 5.8, 7.2))
                * straightest.max(steeper).max(rise(straight, 180.0, 240.0));
            (single, single)
        };
        Candidate {
            shaft,
            likeness,
            single,
            steep: steep && depth <= SKIN_MM,
            depth,
            across,
        }
    }

    /// What was measured on the last picture, a line for each shaft.
    pub(super) fn explain(&self) -> String {
        self.candidates.iter().map(|c| {
            let s = &c.shaft;
            format!(
                "N {:.1},{:.1} to {:.1},{:.1} like {:.2} {:.2} long {:.1} steep {:.1} score {:.0} contrast {:.0} \
                 clear {:.1} cover {:.2} rough {:.3} thick {:.2} step {:.2} depth {:.1} from_layers {:.1}\n",
                s.from[0], s.from[1], s.to[0], s.to[1], c.likeness, c.single, s.length(), s.steepness(), s.score, s.contrast,
                s.clear, s.cover, s.rough, s.thick, s.step, c.depth, c.across
            )
        }).chain(self.track.explain()).collect()
    }
}

/// What of a run is fitted: all of it, and its first parts when it is flat and long.
fn parts(run: &Run) -> [Option<Run>; 3] {
    let length = run.length();
    let d = [run.to[0] - run.from[0], run.to[1] - run.from[1]];
    let flat = d[1] < d[0].abs() * 0.6;
    let first = |part: f64| {
        let share = part / length.max(1e-6);
        (flat && share < 0.9).then(|| Run {
            to: [run.from[0] + d[0] * share, run.from[1] + d[1] * share],
            ..*run
        })
    };
    let [long, short] = FIRST_PARTS_MM.map(first);
    [Some(*run), long, short]
}

/// How strongly a shaft asks to be the needle among several.
fn weight(c: &Candidate) -> f64 {
    let straight = c.shaft.length() / (f64::from(c.shaft.rough) + 0.05);
    c.likeness * straight * f64::from(c.shaft.contrast).min(60.0) * if c.steep { 2.0 } else { 1.0 }
}
