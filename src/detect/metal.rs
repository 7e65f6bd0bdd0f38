//! Whether a straight interface is the metal of a pump: what it shows below itself, measured and weighed.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel; every index is bounded by the columns of the interface"
)]
use super::face::{Column, Interface, edge_near, median};
use super::grid::BeamGrid;
use super::port::rise;
use super::weights::{METAL, METAL_BIAS, logit, logit_of, probability};

/// What was measured along a face. Lengths mm, levels grey values, shares 0 to 1.
struct Signs {
    tissue: f64,
    layered: f64,
    pieces: f64,
    ringing_share: f64,
    shadow_share: f64,
    contrast: f32,
}

/// What lies below a line, each 0 to 1 but the fade: its late part against its early one.
struct Below {
    fade: f64,
    ringing: f64,
    shadow: f64,
    copied: f64,
}

impl Interface {
    /// Length, cover, ring-down and the score of being metal.
    pub(super) fn measure_metal(&mut self, grid: &BeamGrid) {
        let seen: Vec<&Column> = self.columns.iter().filter(|c| c.shows_face()).collect();
        if seen.len() < 10 {
            self.metal = 0.0;
            self.logit = NOT_METAL;
            return;
        }
        let count = seen.len();
        let tails = median(seen.iter().map(|c| c.tail - c.above));
        let lates = median(seen.iter().map(|c| c.late - c.above));
        let peak = median(seen.iter().map(|c| c.peak));
        let above = median(seen.iter().map(|c| c.above));
        self.length = (0..self.columns.len())
            .filter(|b| self.columns[*b].shows_face())
            .map(|b| self.width_of(b, grid.pitch))
            .sum();
        self.peak = peak;
        let met = self.columns.iter().filter(|c| c.met).count().max(1);
        self.cover = count as f64 / met as f64;
        self.tail = tails / (self.peak - above).max(10.0);
        self.late = lates / (self.peak - above).max(10.0);
        self.bright = self.peak / grid.brightest.max(1.0);
        let offs = self.columns.iter().filter(|c| c.shows_face());
        // the median: single beams stray with speckle, a bent layer strays over most of its length
        self.rough = 1.48 * f64::from(median(offs.map(|c| c.off.abs())));
        self.depth = f64::from(median(
            self.columns
                .iter()
                .filter(|c| c.shows_face())
                .map(|c| c.range as f32),
        ));
        self.drop = median(seen_again(&self.columns).map(|c| c.above - c.deep));
        self.copy = self.copy_seen(grid);
        let signs = Signs {
            tissue: self.tissue_above(grid),
            layered: self.layered(grid),
            pieces: self.layered_in_pieces(grid),
            ringing_share: self.ringing_share(),
            shadow_share: self.shadow_share(),
            contrast: peak - above,
        };
        let below = self.below(&signs);
        self.traits = self.weigh(grid, &signs, &below);
        self.score(&signs, &below);
    }

    /// What lies below the line, by rules that hold in any picture.
    fn below(&mut self, signs: &Signs) -> Below {
        // ring-down is there, decays, lasts longer than a layer is thick, and is there along the whole face
        let fade = f64::from(self.late) / f64::from(self.tail).max(0.05);
        // What rings is opaque: tissue that shines on below a line was not hidden by it, unless it is the ringing itself
        // that shines, as under the amplification of a deep picture. A second layer close below looks the same in some
        // pictures: such metal is good for a candidate, not for a lock.
        let dark = rise(f64::from(self.drop), -12.0, -4.0);
        let shines = rise(f64::from(self.tail), 0.5, 0.62) * rise(self.depth, 12.0, 20.0);
        let single = 1.0 - rise(signs.pieces, 0.2, 0.32);
        let opaque = dark.max(shines * (1.0 - rise(signs.layered, 0.09, 0.16)));
        self.settled = dark.max(shines * single) >= 0.5;
        let ringing = rise(f64::from(self.tail), 0.14, 0.32)
            * rise(f64::from(self.late), 0.02, 0.11)
            * (1.0 - rise(fade, 0.75, 1.0))
            * (1.0 - rise(signs.layered, 0.28, 0.42))
            * rise(signs.ringing_share, 0.6, 0.85)
            * opaque;
        // a shadow speaks for metal only under a line too straight for bone or a layer of muscle
        let shadow = rise(f64::from(self.drop), 18.0, 40.0)
            * rise(signs.shadow_share, 0.7, 0.9)
            * (1.0 - rise(self.rough, 0.08, 0.13));
        // what lies under the capsule of the pocket is darker than it only behind the metal, which is brighter still
        let leading = 1.0 - rise(f64::from(self.tail), 0.85, 1.0);
        // What sends enough sound back to be drawn twice lets none through: where tissue shines on below, a parallel
        // layer at twice the depth is a layer.
        let dark_below = rise(f64::from(self.drop), 0.0, 15.0);
        Below {
            fade,
            ringing,
            shadow: shadow * leading,
            copied: 0.9 * self.copy * leading * dark_below,
        }
    }

    /// The traits that are weighed, in the order of [`METAL`].
    fn weigh(&self, grid: &BeamGrid, signs: &Signs, below: &Below) -> [f64; TRAITS] {
        let (echo, view) = self.copy_profile(grid);
        let deeper = median(seen_again(&self.columns).map(|c| c.deep));
        let over = (self.peak - deeper).max(10.0);
        let to_deep = |levels: f32| f64::from((levels - deeper) / over);
        [
            f64::from(self.tail).clamp(-0.3, 1.2),
            f64::from(self.late).clamp(-0.5, 1.2),
            below.fade.clamp(-1.0, 1.5),
            signs.layered.clamp(0.0, 1.0),
            signs.ringing_share,
            f64::from(self.drop / 50.0).clamp(-1.5, 2.0),
            signs.shadow_share,
            (10.0 * self.rough).clamp(0.0, 4.0),
            self.copy,
            f64::from(self.bright).clamp(0.0, 1.2),
            f64::from(self.onset / 50.0).clamp(0.0, 2.2),
            (self.length / 20.0).clamp(0.0, 2.5),
            self.cover,
            (2.0 * self.bend()).clamp(0.0, 2.0),
            (echo / 30.0).clamp(-1.0, 2.0),
            view,
            (signs.tissue / 50.0).clamp(0.0, 2.0),
            f64::from(deeper / 50.0).clamp(0.0, 2.5),
            to_deep(median(seen_again(&self.columns).map(|c| c.tail))).clamp(-1.0, 1.2),
            to_deep(median(seen_again(&self.columns).map(|c| c.late))).clamp(-1.0, 1.2),
            f64::from(signs.contrast) / 50.0,
            f64::from(self.peak / 100.0),
            (self.depth / 30.0).clamp(0.0, 2.0),
            below.ringing,
            below.shadow,
            below.copied,
            signs.pieces,
        ]
    }

    /// The score. The rule knows what metal must show in any picture; the fitted sum knows what little is left of
    /// that in poor ones. Either may speak.
    fn score(&mut self, signs: &Signs, below: &Below) {
        let bright =
            rise(f64::from(self.onset), 24.0, 48.0) * rise(f64::from(self.bright), 0.72, 0.88);
        let straight = 1.0 - rise(2.0 * self.bend(), 0.15, 0.35);
        self.rule = below.ringing.max(below.shadow).max(below.copied)
            * bright
            * straight
            * (1.0 - rise(self.rough, 0.15, 0.21))
            * rise(self.length, 10.0, 18.0)
            * rise(signs.tissue, 3.0, 10.0)
            * rise(self.depth, 4.4, 6.0);
        // no sum of other signs makes up for these
        self.possible = (1.0 - rise(self.rough, 0.17, 0.27))
            * straight
            * rise(self.length, 8.0, 14.0)
            * rise(signs.tissue, 2.0, 5.0)
            * rise(self.depth, 4.4, 5.2);
        // Metal rings, is drawn twice or leaves it darker below; a fascia over muscle does none of these.
        let evidence = rise(f64::from(self.drop), 0.0, 12.0)
            .max((2.0 * below.ringing).min(1.0))
            .max((2.0 * self.copy).min(1.0));
        self.possible *= evidence;
        let fitted = probability(logit(METAL_BIAS, &METAL, &self.traits)) * self.possible;
        self.metal = self.rule.max(fitted);
        self.logit = logit_of(self.metal);
    }

    /// Level of everything between skin and face: metal in black water is no implant.
    fn tissue_above(&self, grid: &BeamGrid) -> f64 {
        f64::from(median(self.columns.iter().enumerate().filter_map(
            |(b, c)| {
                let wanted = c.shows_face() && b % 3 == 0;
                wanted.then(|| grid.mean(b, 2.5, c.range - 0.9))?
            },
        )))
    }

    /// Share of the face's columns with a shadow below.
    fn shadow_share(&self) -> f64 {
        let seen = || self.columns.iter().filter(|c| c.shows_face());
        let dark = seen().filter(|c| c.above - c.deep > 10.0).count();
        dark as f64 / seen().count().max(1) as f64
    }

    /// Whether the echo runs between probe and face once more: a parallel line at twice the range, 0 to 1.
    fn copy_seen(&self, grid: &BeamGrid) -> f64 {
        let (mut met, mut length) = (0_usize, 0.0);
        let mut offs: Vec<f32> = Vec::new();
        for (b, c) in self.columns.iter().enumerate() {
            let deepest = grid.beams[b].last as f64 * grid.step;
            if !c.shows_face() || 2.0 * c.range + 1.5 > deepest {
                continue;
            }
            met += 1;
            length += self.width_of(b, grid.pitch);
            if let Some((at, _)) = edge_near(grid, b, 2.0 * c.range, 0.9) {
                offs.push((at - 2.0 * c.range) as f32);
            }
        }
        let usual = median(offs.iter().copied());
        let rough = 1.48 * f64::from(median(offs.iter().map(|v| (v - usual).abs())));
        rise(length, 5.0, 10.0)
            * rise(offs.len() as f64 / met.max(1) as f64, 0.55, 0.85)
            * (1.0 - rise(rough, 0.12, 0.25))
    }

    /// How strong a second onset lies 1.2 to 3.5 mm below the line, against the line's own: ring-down has none, a
    /// second layer of tissue under the first has.
    fn layered(&self, grid: &BeamGrid) -> f64 {
        self.layered_in(grid, 0..self.columns.len())
    }

    /// The same in the worst quarter of pieces of [`PIECE_MM`]: a second layer that runs at a slant to the first is
    /// smeared in the mean of the whole line.
    fn layered_in_pieces(&self, grid: &BeamGrid) -> f64 {
        let step = ((PIECE_MM / grid.pitch) as usize).max(8);
        let mut pieces: Vec<f64> = (0..self.columns.len())
            .step_by(step)
            .map(|from| from..(from + step).min(self.columns.len()))
            .filter(|r| {
                let shown = self.columns[r.clone()].iter().filter(|c| c.shows_face());
                shown.count() * 2 >= step
            })
            .map(|r| self.layered_in(grid, r))
            .collect();
        pieces.sort_by(f64::total_cmp);
        pieces.get(pieces.len() * 3 / 4).copied().unwrap_or(0.0)
    }

    fn layered_in(&self, grid: &BeamGrid, columns: std::ops::Range<usize>) -> f64 {
        let (mut profile, mut counts) = ([0.0_f32; 28], [0.0_f32; 28]);
        for b in columns {
            let c = &self.columns[b];
            if b % 2 == 1 || !c.shows_face() {
                continue;
            }
            for (k, (sum, count)) in profile.iter_mut().zip(&mut counts).enumerate() {
                let from = c.range + 0.15 * k as f64;
                if let Some(level) = grid.mean(b, from, from + 0.15) {
                    *sum += level;
                    *count += 1.0;
                }
            }
        }
        for (sum, count) in profile.iter_mut().zip(&counts) {
            *sum /= count.max(1.0);
        }
        let mean =
            |from: usize, to: usize| profile[from..to].iter().sum::<f32>() / (to - from) as f32;
        let most = (8..24)
            .map(|k| mean(k, k + 3) - mean(k - 5, k - 1))
            .fold(0.0_f32, f32::max);
        f64::from(most / self.onset.clamp(20.0, 110.0))
    }

    /// Share of the face's columns that ring at all.
    fn ringing_share(&self) -> f64 {
        let seen = || self.columns.iter().filter(|c| c.shows_face());
        let rings = seen()
            .filter(|c| c.tail - c.above > 0.12 * (c.peak - c.above))
            .count();
        rings as f64 / seen().count().max(1) as f64
    }

    /// How far the line bends over 20 mm, mm: bone and muscle do, a pump's face does not.
    fn bend(&self) -> f64 {
        let seen: Vec<(f64, f64)> = seen_again(&self.columns)
            .map(|c| (c.u / 10.0, f64::from(c.off)))
            .collect();
        let n = seen.len() as f64;
        if seen.len() < 12 {
            return 0.0;
        }
        let mean =
            |f: &dyn Fn(f64, f64) -> f64| seen.iter().map(|(u, v)| f(*u, *v)).sum::<f64>() / n;
        let (mu, mv) = (mean(&|u, _| u), mean(&|_, v| v));
        let suu = mean(&|u, _| (u - mu) * (u - mu));
        let suv = mean(&|u, v| (u - mu) * (v - mv));
        if suu < 1e-6 {
            return 0.0;
        }
        let slope = suv / suu;
        // the square of u, freed of its mean and its linear part
        let mq = mean(&|u, _| (u - mu) * (u - mu));
        let skew = mean(&|u, _| (u - mu) * (u - mu) * (u - mu)) / suu;
        let q = |u: f64| (u - mu) * (u - mu) - mq - skew * (u - mu);
        let sqq = mean(&|u, _| q(u) * q(u));
        let sqv = mean(&|u, v| q(u) * (v - mv - slope * (u - mu)));
        if sqq < 1e-3 { 0.0 } else { (sqv / sqq).abs() }
    }

    /// Rise of the copy at twice the range in the mean profile of all columns that reach it, grey levels, and the
    /// share of the face that does. Averaging finds a copy too weak to be seen on one beam.
    fn copy_profile(&self, grid: &BeamGrid) -> (f64, f64) {
        let (mut profile, mut counts) = ([0.0_f32; 24], [0.0_f32; 24]);
        let (mut met, mut seen) = (0.0_f64, 0.0_f64);
        for (b, c) in self.columns.iter().enumerate() {
            if !c.shows_face() {
                continue;
            }
            seen += 1.0;
            let deepest = grid.beams[b].last as f64 * grid.step;
            if 2.0 * c.range + 2.5 > deepest {
                continue;
            }
            met += 1.0;
            for (k, (sum, count)) in profile.iter_mut().zip(&mut counts).enumerate() {
                let from = 2.0 * c.range - 2.1 + 0.15 * k as f64;
                if let Some(level) = grid.mean(b, from, from + 0.15) {
                    *sum += level;
                    *count += 1.0;
                }
            }
        }
        let share = met / seen.max(1.0);
        if share < 0.15 || met < 12.0 {
            return (0.0, 0.0);
        }
        for (sum, count) in profile.iter_mut().zip(&counts) {
            *sum /= count.max(1.0);
        }
        let mean =
            |from: usize, to: usize| profile[from..to].iter().sum::<f32>() / (to - from) as f32;
        let most = (9..20)
            .map(|k| mean(k, k + 3) - mean(k - 8, k - 1))
            .fold(f32::MIN, f32::max);
        (f64::from(most), share)
    }
}

/// The columns that show the face.
fn seen_again(columns: &[Column]) -> impl Iterator<Item = &Column> {
    columns.iter().filter(|c| c.shows_face())
}

/// Length of the pieces in which a second layer is looked for, mm.
const PIECE_MM: f64 = 8.0;
/// The logit of what cannot be judged.
pub(super) const NOT_METAL: f64 = -9.0;
/// Number of traits that tell metal from tissue.
pub(super) const TRAITS: usize = 27;
