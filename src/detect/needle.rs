//! The needle in the plane.
use super::needle_line::{Reader, Shaft, ShaftFit};
use super::needle_map::{NeedleMap, Run};
use crate::image::ScanImage;

/// Buffers of the search for a needle.
#[derive(Debug, Default)]
pub(super) struct NeedleSearch {
    pub map: NeedleMap,
    runs: Vec<Run>,
    fit: ShaftFit,
    pub shafts: Vec<Shaft>,
}

/// Runs that are fitted.
const FITTED: usize = 14;

impl NeedleSearch {
    pub(super) fn find(&mut self, image: &ScanImage, scale: f64) {
        self.shafts.clear();
        if !self.map.read(image, scale) {
            return;
        }
        self.map.find(&mut self.runs);
        let picture = Reader::new(image, scale);
        for run in self.runs.iter().take(FITTED) {
            if let Some(shaft) = self.fit.fit(&picture, run) {
                self.shafts.push(shaft);
            }
        }
    }
}

impl NeedleSearch {
    /// What was measured on the last picture, a line for each shaft.
    pub(super) fn explain(&self) -> impl Iterator<Item = String> {
        self.shafts.iter().map(|s| {
            let (depth, side) = self.map.place(s.from);
            format!(
                "shaft {:.1},{:.1} to {:.1},{:.1} long {:.1} steep {:.1} score {:.0} contrast {:.0} clear {:.1} \
                 cover {:.2} first {:.2} rough {:.3} thick {:.2} drop {:.2} step {:.2} depth {depth:.1} side {side:.1}\n",
                s.from[0], s.from[1], s.to[0], s.to[1], s.length(), s.steepness(), s.score, s.contrast, s.clear,
                s.cover, s.cover_first, s.rough, s.thick, s.drop, s.step
            )
        })
    }
}
