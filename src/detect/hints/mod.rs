//! How well each part of the probe touches, and what of gain and depth would show more.
//!
//! Read from the grey values alone. A probe in air draws its own ringing: bands that are the same on every beam, and
//! nothing below. Tissue is speckled, so no two beams of it are alike. A part without gel is dark from the top, beside
//! parts that are not. What is told changes no guidance but for [`Contact::None`]; a part of the face without contact
//! is not seen, which is not the same as not being there.
use super::grid::{BeamGrid, Line};
use super::{Contact, Face, Hint, Hints, ProbePart, Still};
use crate::frame::Beams;
use crate::image::ScanImage;
use crate::space::{Scan, Segment};

/// Strips across the probe that are judged on their own: about 2.5 mm each of a linear array.
const STRIPS: usize = 16;
/// Skin, or the strongest ringing; where the ringing of a probe in air may still show and tissue is seen in any patient, mm; where tissue goes on and
/// ringing has died away, mm; and how far down a strip without anything is no part of the picture (the corner of a fan
/// in a finished picture), mm.
const TOP_MM: [f64; 2] = [0.6, 4.0];
const NEAR_MM: [f64; 2] = [4.0, 9.0];
const BELOW_MM: [f64; 2] = [10.5, 16.0];
const BLANK_MM: f64 = 25.0;
/// Mean level of a beam in which nothing is drawn and share of such beams in a strip beside the picture; mean level of
/// a strip that is dark, and of one in which ringing can be told.
const BLANK: f32 = 1.0;
const BLANK_SHARE: f32 = 0.2;
const DARK: f32 = 7.0;
const LIT: f32 = 24.0;
/// Least mean level near the probe of ringing that lasts so far.
const RINGING: f32 = 36.0;
/// A strip is dark beside lit ones below this share of their level and this much below it: 14 dB of 60. Fat and muscle
/// differ by less over a strip.
const BESIDE: f32 = 0.3;
const LESS: f32 = 60.0;
/// How far apart two beams are compared, mm: real scanners smooth speckle over several tenths of a millimetre.
const APART_MM: f64 = 1.2;
/// Mean difference of their levels below which beams are alike, and as a share of their level: speckle
/// differs by 15 and more.
const ALIKE: f32 = 8.0;
const ALIKE_SHARE: f32 = 0.25;
/// Ringing falls off: its level below against that near the probe.
const FALLEN: f32 = 0.5;
/// A part is named when at least one strip in so many does not touch.
const NAMED_FROM: usize = 8;

/// Deepest tissue judged where no interface ends it, mm and share of the picture's depth; least depth of an interface
/// above which tissue is judged, mm; and what is left out above it, mm.
const TISSUE_MOST_MM: f64 = 25.0;
const TISSUE_SHARE: f64 = 0.6;
const TISSUE_LEAST_MM: f64 = 7.0;
const OFF_INTERFACE_MM: f64 = 1.0;
/// The deep part of the tissue, mm above its end, and the least depth of that end, mm. It is long enough that fluid on
/// a face does not make it dark (H18).
const DEEP_MM: [f64; 2] = [12.0, 2.0];
const DEEP_FROM_MM: f64 = 18.0;
/// Mean level of tissue from which it is too dark, and to which it is once said to be; grey levels of 255. Random virtual
/// patients have 55 and more.
const DIM: [f32; 2] = [26.0, 34.0];
/// The same of tissue that is too bright; random virtual patients have 140 at most.
const BRIGHT: [f32; 2] = [190.0, 180.0];
/// Level from which a sample is saturated, and share of such samples in tissue above which it is too bright, and to
/// which it is once said to be.
const WHITE: f32 = 250.0;
const WHITE_SHARE: [f32; 2] = [0.06, 0.03];

/// Share of the picture's depth from which the face lies too deep in it, and to which it does once said to: needle
/// stop and cup lie 8 to 10 mm under the face.
const TOO_DEEP: [f64; 2] = [0.82, 0.76];
/// The same for a face too high up, and how much picture there must be below it, mm: less would hide what lies under it.
const TOO_HIGH: [f64; 2] = [0.33, 0.38];
const BELOW_FACE_MM: f64 = 24.0;

/// A hint appears and goes when the picture has asked for it this long, s.
const HOLD_S: f64 = 0.5;

/// How a strip of the probe touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Touch {
    /// Nothing is drawn there: beside the picture.
    #[default]
    Outside,
    /// Tissue is seen.
    Tissue,
    /// Ringing and nothing below.
    Air,
    /// Dark beside lit strips.
    Shaded,
    /// Dark in a picture that is dark: no contact, or no gain.
    Dark,
}

/// A hint that appears and goes only after the picture has asked for it for a while.
#[derive(Clone, Copy, Debug, Default)]
struct Latch {
    shown: Option<Hint>,
    /// What was asked for instead, and since when.
    next: Option<(Option<Hint>, f64)>,
}

impl Latch {
    /// Takes what the picture of this moment asks for; returns what is shown.
    fn take(&mut self, asked: Option<Hint>, still: Still, time: f64) -> Option<Hint> {
        if still == Still::Picture {
            return asked;
        }
        if asked == self.shown {
            self.next = None;
            return self.shown;
        }
        let since = match self.next {
            Some((hint, since)) if hint == asked && time >= since => since,
            Some(_) | None => time,
        };
        self.next = Some((asked, since));
        if time - since >= HOLD_S {
            self.shown = asked;
            self.next = None;
        }
        self.shown
    }
}

/// Judges contact, brightness and depth, and keeps hints from flickering.
#[derive(Debug, Default)]
pub(super) struct HintWatch {
    strips: [Touch; STRIPS],
    contact: Latch,
    light: Latch,
    depth: Latch,
}

/// Levels of one strip: at the skin, near the probe, below that; how much its beams differ in the first two; and the
/// share of its beams in which nothing is drawn down to [`BLANK_MM`].
#[derive(Clone, Copy, Debug, Default)]
struct Strip {
    top: f32,
    near: f32,
    below: f32,
    rough_top: f32,
    rough_near: f32,
    blank: f32,
}

impl Strip {
    /// How it touches, held against what lit strips of the picture show.
    fn touch(&self, lit: &Strip) -> Touch {
        let shaded = |level: f32, lit: f32| level < BESIDE * lit && lit - level > LESS;
        let alike = |rough: f32, level: f32| level > LIT && rough < ALIKE.min(ALIKE_SHARE * level);
        let is_shaded = shaded(self.near, lit.near) && shaded(self.below, lit.below);
        let is_dark = self.near < DARK && self.below < DARK;
        // muscle drawn smooth is alike too, and dark below fat: ringing is strong where it lasts this far
        let rings_on = self.near > RINGING
            && alike(self.rough_near, self.near)
            && self.below < FALLEN * self.near;
        // ringing is strong: alike and faint is what clipping leaves of skin in a dark picture
        let rings_short = self.top > LESS && alike(self.rough_top, self.top);
        let rings = rings_short && (is_shaded || is_dark);
        if rings_on || rings {
            Touch::Air
        } else if is_shaded && lit.top - self.top > LESS {
            // dark tissue under bright skin is muscle, fluid or a vessel
            Touch::Shaded
        } else if is_dark {
            Touch::Dark
        } else {
            Touch::Tissue
        }
    }
}

impl HintWatch {
    /// Forgets what was shown.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// How well the probe touches in this very picture.
    pub(super) fn touch(&mut self, grid: &BeamGrid) -> Contact {
        let mut strips = [Strip::default(); STRIPS];
        for (k, strip) in strips.iter_mut().enumerate() {
            *strip = measure(grid, k);
        }
        let lit = Strip {
            top: lit(strips.map(|s| s.top)),
            near: lit(strips.map(|s| s.near)),
            below: lit(strips.map(|s| s.below)),
            ..Strip::default()
        };
        for (touch, strip) in self.strips.iter_mut().zip(&strips) {
            *touch = strip.touch(&lit);
        }
        self.leave_out_sides(&strips);
        let (touching, count) = self.count(|_| true);
        if count == 0 || touching * 4 < count {
            Contact::None
        } else if touching * 5 < count * 4 {
            Contact::Poor
        } else {
            Contact::Good
        }
    }

    /// Strips at the sides in which nothing is drawn lie beside the picture: corners of a fan, margins of a screen.
    fn leave_out_sides(&mut self, strips: &[Strip; STRIPS]) {
        let blank = |s: &&Strip| s.blank > BLANK_SHARE;
        let left = strips.iter().take_while(blank).count();
        let right = strips.iter().rev().take_while(blank).count();
        for (k, touch) in self.strips.iter_mut().enumerate() {
            if k < left || k + right >= STRIPS {
                *touch = Touch::Outside;
            }
        }
    }

    /// Strips that touch, and all that could, among those chosen.
    fn count(&self, chosen: impl Fn(usize) -> bool) -> (usize, usize) {
        let mut touching = 0;
        let mut count = 0;
        for (k, touch) in self.strips.iter().enumerate() {
            if chosen(k) && *touch != Touch::Outside {
                count += 1;
                touching += usize::from(*touch == Touch::Tissue);
            }
        }
        (touching, count)
    }

    /// The same of each third of the probe, from the unmarked end on.
    fn thirds(&self) -> [(usize, usize); 3] {
        let third = STRIPS.div_ceil(3);
        [0..third, third..STRIPS - third, STRIPS - third..STRIPS]
            .map(|part| self.count(|k| part.contains(&k)))
    }

    /// What would show more, after [`Self::touch`] of the same picture.
    pub(super) fn read(
        &mut self,
        grid: &BeamGrid,
        image: &ScanImage,
        seen: (Option<Face>, Option<Segment<Scan>>),
        (still, time): (Still, f64),
    ) -> Hints {
        let (face, surface) = seen;
        let share = |(touching, count): (usize, usize)| touching as f64 / count.max(1) as f64;
        let contact = self.contact_asked();
        let light = self.light_asked(grid, surface);
        let placed = face.and_then(|face| place_of(grid, image, &face));
        let depth = placed.and_then(|place| self.depth_asked(place));
        Hints {
            contact: self.contact.take(contact, still, time),
            light: self.light.take(light, still, time),
            depth: self.depth.take(depth, still, time),
            contact_share: share(self.count(|_| true)),
            contact_parts: self.thirds().map(share),
            face_share: placed.map(|(share, _)| share),
        }
    }

    /// Where the probe does not touch. A picture that is dark all over may want gain as well as gel, and says so by
    /// its light; ringing never does.
    fn contact_asked(&self) -> Option<Hint> {
        let (touching, count) = self.count(|_| true);
        let is_told = |touch: &Touch| matches!(touch, Touch::Air | Touch::Shaded);
        let lost = count - touching;
        if lost * NAMED_FROM < count || !self.strips.iter().any(is_told) {
            return None;
        }
        if touching * 4 < count {
            return Some(Hint::NoContact(ProbePart::Whole));
        }
        let [unmarked, middle, marked] = self.thirds().map(|(touching, count)| count - touching);
        Some(Hint::NoContact(if marked >= unmarked && marked > middle {
            ProbePart::MarkedEnd
        } else if unmarked > marked && unmarked > middle {
            ProbePart::UnmarkedEnd
        } else {
            ProbePart::Middle
        }))
    }

    /// Whether tissue above the strongest interface is too dark or too bright where the probe touches.
    fn light_asked(&self, grid: &BeamGrid, surface: Option<Segment<Scan>>) -> Option<Hint> {
        let line = surface.map(|s| Line {
            pivot: s.left.x * grid.scale,
            z0: s.left.z * grid.scale,
            slope: s.tilt().0.tan(),
        });
        let bottom = TISSUE_MOST_MM.min(TISSUE_SHARE * grid.samples as f64 * grid.step);
        let (mut all, mut deep, mut white) = (Sum::default(), Sum::default(), Sum::default());
        for b in 0..grid.beams.len() {
            let strip = (b * STRIPS / grid.beams.len()).min(STRIPS - 1);
            let touch = self.strips.get(strip).copied().unwrap_or_default();
            if !matches!(touch, Touch::Tissue | Touch::Dark) {
                continue;
            }
            let end = line
                .and_then(|line| grid.meet(b, &line))
                .map_or(bottom, |range| range - OFF_INTERFACE_MM);
            let from = NEAR_MM[0].min(end / 2.0);
            if end < TISSUE_LEAST_MM {
                continue;
            }
            all.take(grid.mean(b, from, end));
            if end >= DEEP_FROM_MM {
                deep.take(grid.mean(b, end - DEEP_MM[0], end - DEEP_MM[1]));
            }
            white.take(white_share(grid, b, (from, end)));
        }
        let (touching, count) = self.count(|_| true);
        let is_dark = self.strips.contains(&Touch::Dark);
        if touching * 2 < count && !is_dark {
            return None;
        }
        let is_shown = |hint: Hint| self.light.shown == Some(hint);
        if all.mean()? < bound(DIM, is_shown(Hint::RaiseGain)) {
            return Some(Hint::RaiseGain);
        }
        let is_white = white.mean()? > bound(WHITE_SHARE, is_shown(Hint::LowerGain));
        if is_white || all.mean()? > bound(BRIGHT, is_shown(Hint::LowerGain)) {
            return Some(Hint::LowerGain);
        }
        let is_dim = deep.mean()? < bound(DIM, is_shown(Hint::RaiseDeepGain));
        is_dim.then_some(Hint::RaiseDeepGain)
    }

    /// Whether the face lies too near an end of the picture; `share` of its depth, with so many mm below.
    fn depth_asked(&self, (share, below): (f64, f64)) -> Option<Hint> {
        let is_shown = |hint: Hint| self.depth.shown == Some(hint);
        if share >= bound(TOO_DEEP, is_shown(Hint::IncreaseDepth)) {
            return Some(Hint::IncreaseDepth);
        }
        let is_high =
            share <= bound(TOO_HIGH, is_shown(Hint::DecreaseDepth)) && below >= BELOW_FACE_MM;
        is_high.then_some(Hint::DecreaseDepth)
    }
}

/// The limit at which a hint appears, or the one to which it stays.
fn bound<T>([appears, stays]: [T; 2], is_shown: bool) -> T {
    if is_shown { stays } else { appears }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: f32,
    count: f32,
}

impl Sum {
    fn take(&mut self, value: Option<f32>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1.0;
        }
    }

    fn mean(self) -> Option<f32> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// Levels of strip `k`.
fn measure(grid: &BeamGrid, k: usize) -> Strip {
    let beams = grid.beams.len();
    let own = k * beams / STRIPS..(k + 1) * beams / STRIPS;
    let [mut top, mut near, mut below, mut blank] = [Sum::default(); 4];
    let [mut rough_top, mut rough_near] = [Sum::default(); 2];
    for b in own {
        top.take(grid.mean(b, TOP_MM[0], TOP_MM[1]));
        near.take(grid.mean(b, NEAR_MM[0], NEAR_MM[1]));
        below.take(grid.mean(b, BELOW_MM[0], BELOW_MM[1]));
        let all = grid.mean(b, 0.0, BLANK_MM);
        blank.take(all.map(|level| if level < BLANK { 1.0 } else { 0.0 }));
        rough_top.take(difference(grid, b, TOP_MM));
        rough_near.take(difference(grid, b, NEAR_MM));
    }
    let of = |sum: Sum| sum.mean().unwrap_or(0.0);
    Strip {
        top: of(top),
        near: of(near),
        below: of(below),
        rough_top: of(rough_top),
        rough_near: of(rough_near),
        blank: of(blank),
    }
}

/// Mean difference between a beam and one [`APART_MM`] beside it, over the depths between two ranges.
fn difference(grid: &BeamGrid, beam: usize, range: [f64; 2]) -> Option<f32> {
    let apart = ((APART_MM / grid.pitch).round() as usize).max(2);
    let other = if beam + apart < grid.beams.len() {
        beam + apart
    } else {
        beam.checked_sub(apart)?
    };
    let [from, to] = range.map(|mm| (mm / grid.step) as usize);
    let pairs = grid.row(beam).iter().zip(grid.row(other));
    let mut sum = Sum::default();
    for (a, b) in pairs.take(to).skip(from) {
        sum.take(Some((a - b).abs()));
    }
    sum.mean()
}

/// Level of lit strips: the upper quartile of all.
fn lit(mut levels: [f32; STRIPS]) -> f32 {
    levels.sort_unstable_by(f32::total_cmp);
    levels.get(STRIPS * 3 / 4).copied().unwrap_or(0.0)
}

/// Share of a beam's samples between two ranges that are saturated.
fn white_share(grid: &BeamGrid, beam: usize, (from, to): (f64, f64)) -> Option<f32> {
    let [from, to] = [from, to].map(|mm| (mm / grid.step) as usize);
    let samples = grid.row(beam).get(from..to.min(grid.samples))?;
    let white = samples.iter().filter(|level| **level >= WHITE).count();
    (!samples.is_empty()).then(|| white as f32 / samples.len() as f32)
}

/// How deep the middle of a face lies, as a share of the picture's depth, and how much picture there is below it, mm.
fn place_of(grid: &BeamGrid, image: &ScanImage, face: &Face) -> Option<(f64, f64)> {
    let (left, right) = (face.segment.left, face.segment.right);
    let x = f64::midpoint(left.x, right.x) * grid.scale;
    let z = f64::midpoint(left.z, right.z) * grid.scale;
    let (_, range) = grid.beam_at(x, z)?;
    let depth = grid.scale
        * match image.beams {
            Beams::Parallel => image.rows as f64 * image.pitch,
            Beams::Fan { near, far, .. } => far - near,
        };
    (depth > 0.0).then(|| (range / depth, depth - range))
}

#[cfg(test)]
mod tests;
