//! The detector: one picture in, one finding out, with what it remembers of those before.
use super::centring::Sweep;
use super::context::DetectorContext;
use super::coverage::{Coverage, Opened};
use super::face::{FROM_AFAR, FROM_NEAR, Interface, refine};
use super::fluid::{FluidWatch, Place};
use super::grid::{BeamGrid, Line};
use super::hints::HintWatch;
use super::lines::LineSearch;
use super::needle::NeedleSearch;
use super::opening::{Opening, OpeningClass};
use super::port::PortSearch;
use super::port_class::traits as traits_of;
use super::surface;
use super::track::{Placed, PortTrack, Verdict};
use super::travel::Travel;
use super::weights::logit_of;
use super::{Face, Finding, Motion, Port, PortState};
use crate::image::{LengthUnit, ScanImage};
use crate::space::{Millimeters, Radians, ScanPoint, Segment};

/// Speed of the face from which on a picture moves too fast for a path, mm/s (H16).
const MOVING_MM_S: f64 = 25.0;
/// Least score at which an interface is called the pump's face, and at which openings in it are looked at: an
/// opening of the right kind speaks for the metal around it too.
const METAL_LEAST: f64 = 0.6;
const METAL_POSSIBLE: f64 = 0.12;
/// Most interfaces whose openings are looked at.
const FACES: usize = 3;

/// How far under a line the next one is looked for, mm, and under how many of the strongest lines.
const UNDER_MM: [f64; 2] = [0.9, 1.6];
const UNDER_LINES: usize = 4;

/// Middle part of an opening, to each side of its centre as a share of its width, under which a face must run on to
/// close it; how far under, mm; and by how much its logit must be the greater.
const CLOSED_PART: f64 = 0.35;
const CLOSED_MM: std::ops::Range<f64> = 0.6..6.0;
const CLOSED_LOGIT: f64 = 1.0;

/// Least score of an opening that keeps a pump from being called upside down.
const MAY_BE_PORT: f64 = 0.5;

/// Whether a picture stands alone or is one of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Still {
    /// A single picture: a candidate at most, nothing remembered.
    Picture,
    /// One of a sequence.
    Sequence,
}

/// Reads pictures of one source in the order of their stamps.
#[derive(Debug, Default)]
pub struct PortDetector {
    context: DetectorContext,
    grid: BeamGrid,
    search: LineSearch,
    ports: PortSearch,
    track: PortTrack,
    sweep: Sweep,
    needle: NeedleSearch,
    fluid: FluidWatch,
    coverage: Coverage,
    hints: HintWatch,
    lines: Vec<Line>,
    points: Vec<(f64, f64, f64)>,
    interfaces: Vec<Interface>,
    openings: Vec<Opening>,
    /// How many of `interfaces` belong to this picture.
    count: usize,
    travel: Travel,
}

impl PortDetector {
    /// A detector that knows this much about the pump.
    pub fn new(context: DetectorContext) -> Self {
        Self {
            context,
            ..Self::default()
        }
    }

    /// Forgets everything seen so far.
    pub fn reset(&mut self) {
        self.track.reset();
        self.sweep.reset();
        self.needle.reset();
        self.travel.reset();
        self.fluid.reset();
        self.coverage.reset();
        self.hints.reset();
    }

    /// Reads one picture.
    pub fn read(&mut self, image: &ScanImage, still: Still) -> Finding {
        let mut finding = Finding {
            frame: image.frame,
            captured_at: image.captured_at,
            ..Finding::default()
        };
        let time = image
            .source_seconds
            .filter(|t| t.is_finite())
            .unwrap_or_else(|| image.captured_at.as_seconds());
        if !self.grid.read(image) {
            finding.contact = super::Contact::None;
            return finding;
        }
        finding.contact = self.hints.touch(&self.grid);
        self.openings.clear();
        self.search.find(&self.grid, &mut self.lines);
        let count = self.look();
        self.count = count;
        finding.surface = self.surface(count);
        finding.needle = self.needle.read(image, self.grid.scale, still, time);
        if image.unit == LengthUnit::Pixels {
            self.hint(&mut finding, image, (still, time));
            return finding;
        }
        let placed = self.all_openings(count);
        let verdict = match still {
            Still::Picture => PortTrack::single(&placed),
            Still::Sequence => self.track.update(&placed, time),
        };
        let face = verdict
            .port
            .filter(|_| !verdict.held)
            .map(|p| p.face)
            .or_else(|| self.metal(count));
        finding.face = face.and_then(|k| self.face_of(k));
        if still == Still::Sequence {
            finding.motion = self.motion(face, &verdict, time);
        }
        report(&mut finding, &verdict);
        if still == Still::Sequence {
            self.centre(&mut finding, time);
            self.over_time(&mut finding, &verdict, face, &placed, time);
        }
        self.hint(&mut finding, image, (still, time));
        finding
    }

    /// What would show more, once face and surface are known.
    fn hint(&mut self, finding: &mut Finding, image: &ScanImage, when: (Still, f64)) {
        let seen = (finding.face, finding.surface);
        finding.hints = self.hints.read(&self.grid, image, seen, when);
    }

    /// What was measured on the last picture, a line for each interface (`I`) and each opening of it (`O`), for
    /// evaluation reports and for fitting.
    pub fn explain(&mut self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let tail = |traits: &[f64]| {
            let words: Vec<String> = traits.iter().map(|t| format!(" {t:.4}")).collect();
            words.concat()
        };
        for k in 0..self.count {
            let placed = self.openings_of(k);
            let Some((i, line)) = self.interfaces.get(k).and_then(|i| Some((i, i.line?))) else {
                continue;
            };
            let (z, slope, pivot) = (line.z0, line.slope, line.pivot);
            let scores = format!("{:.4} {:.4} {:.4}", i.metal, i.rule, i.possible);
            let traits = tail(&i.traits);
            lines.push(format!(
                "I {k} {z:.3} {slope:.4} {pivot:.3} {scores}{traits}\n"
            ));
            for p in &placed {
                let (o, traits) = (&p.opening, tail(&traits_of(i, &p.opening)));
                let place = format!("{:.3} {:.3} {:.3}", p.x, p.z, o.width());
                let (class, score, rule) = (o.class, o.score, o.rule);
                lines.push(format!(
                    "O {k} {place} {class:?} {score:.4} {rule:.4}{traits}\n"
                ));
            }
        }
        lines.push(self.needle.explain());
        lines.push(self.fluid.explain());
        lines.push(self.coverage.explain());
        lines.concat()
    }

    /// Refines and reads the lines found; returns how many interfaces that gave.
    ///
    /// The capsule of the pocket runs close above the metal and parallel to it. Its edge may be the stronger one, so
    /// under every line the next one is looked for too.
    fn look(&mut self) -> usize {
        let mut count = 0;
        for k in 0..self.lines.len() {
            let Some(start) = self.lines.get(k).copied() else {
                continue;
            };
            let Some(line) = self.look_at(start, &FROM_AFAR, &mut count) else {
                continue;
            };
            if k < UNDER_LINES {
                for under in UNDER_MM {
                    let lower = Line {
                        z0: line.z0 + under,
                        ..line
                    };
                    self.look_at(lower, &FROM_NEAR, &mut count);
                }
            }
        }
        count
    }

    /// Fits a line and reads it as an interface unless it is one already; returns the fitted line.
    fn look_at(&mut self, start: Line, reaches: &[f64], count: &mut usize) -> Option<Line> {
        let (line, rough) = refine(&self.grid, start, reaches, &mut self.points)?;
        let again = self
            .interfaces
            .iter()
            .take(*count)
            .filter_map(|i| i.line)
            .any(|l| (l.z0 - line.z0).abs() < 0.3 && (l.slope - line.slope).abs() < 0.01);
        if !again {
            if self.interfaces.len() == *count {
                self.interfaces.push(Interface::default());
            }
            if let Some(interface) = self.interfaces.get_mut(*count) {
                interface.read(&self.grid, line, rough);
                *count += 1;
            }
        }
        Some(line)
    }

    /// The interface that is the pump's face, if any is metal.
    fn metal(&self, count: usize) -> Option<usize> {
        self.strongest(count, METAL_LEAST).next()
    }

    /// Interfaces that may be metal, most likely first.
    fn strongest(&self, count: usize, least: f64) -> impl Iterator<Item = usize> {
        let mut likely: Vec<(f64, usize)> = self
            .interfaces
            .iter()
            .enumerate()
            .take(count)
            .filter(|(_, i)| i.metal >= least)
            .map(|(k, i)| (i.logit + i.length.min(40.0) / 20.0, k))
            .collect();
        likely.sort_by(|a, b| b.0.total_cmp(&a.0));
        likely.into_iter().map(|(_, k)| k)
    }

    /// The openings of every interface that may be metal; of the same one seen twice, the better.
    fn all_openings(&mut self, count: usize) -> Vec<Placed> {
        let mut all: Vec<Placed> = Vec::new();
        let faces: Vec<usize> = self.strongest(count, METAL_POSSIBLE).take(FACES).collect();
        for face in faces {
            let mut openings = self.openings_of(face);
            openings.retain(|p| !self.closed_below(count, p));
            all.append(&mut openings);
        }
        // the same opening is seen in every line that runs near the face: the better face places it better
        let rank = |p: &Placed| {
            let face = self.interfaces.get(p.face).map_or(0.0, |i| i.logit);
            logit_of(p.opening.score) + 0.5 * face.clamp(-4.0, 4.0)
        };
        all.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        let mut kept: Vec<Placed> = Vec::with_capacity(all.len());
        for p in all {
            if !kept.iter().any(|k| (k.x - p.x).abs() < 1.5) {
                kept.push(p);
            }
        }
        kept
    }

    /// Whether metal that is the more convincing face runs on unbroken under an opening: then that is a gap in a layer
    /// above the pump.
    fn closed_below(&self, count: usize, placed: &Placed) -> bool {
        let Some(face) = self.interfaces.get(placed.face) else {
            return false;
        };
        let (center, half) = (
            placed.opening.center(),
            CLOSED_PART * placed.opening.width(),
        );
        let runs_on = |below: &Interface| {
            let (mut met, mut shown) = (0_usize, 0_usize);
            for (c, b) in face.columns.iter().zip(&below.columns) {
                if c.met && (c.u - center).abs() <= half {
                    met += 1;
                    let under = CLOSED_MM.contains(&(b.range - c.range));
                    shown += usize::from(b.shows_face() && under);
                }
            }
            shown * 10 >= met * 7 && met > 0
        };
        self.interfaces.iter().take(count).any(|below| {
            below.metal >= METAL_LEAST && below.logit > face.logit + CLOSED_LOGIT && runs_on(below)
        })
    }

    fn openings_of(&mut self, face: usize) -> Vec<Placed> {
        let Some(interface) = self.interfaces.get(face) else {
            return Vec::new();
        };
        self.ports
            .find(&self.grid, interface, &self.context, &mut self.openings);
        let Some(line) = interface.line else {
            return Vec::new();
        };
        self.openings
            .iter()
            .map(|o| place(&line, o, face))
            .collect()
    }

    fn face_of(&self, face: usize) -> Option<Face> {
        let interface = self.interfaces.get(face)?;
        let line = interface.line?;
        let (first, last) = interface.ends(self.grid.pitch)?;
        Some(Face {
            segment: self.segment(interface, &line, first, last),
            tilt: Radians(line.slope.atan()),
        })
    }

    fn segment(
        &self,
        interface: &Interface,
        line: &Line,
        first: usize,
        last: usize,
    ) -> Segment<crate::space::Scan> {
        let end = |k: usize| {
            let u = interface.columns.get(k).map_or(0.0, |c| c.u);
            let x = line.pivot + u / (1.0 + line.slope * line.slope).sqrt();
            ScanPoint::new(x / self.grid.scale, line.z_at(x) / self.grid.scale)
        };
        Segment::new(end(first), end(last))
    }

    /// The brightest long straight interface, in the unit of the picture.
    fn surface(&mut self, count: usize) -> Option<Segment<crate::space::Scan>> {
        let best = self
            .interfaces
            .iter()
            .take(count)
            .enumerate()
            .max_by(|(_, a), (_, b)| surface::weight(a).total_cmp(&surface::weight(b)))
            .filter(|(_, i)| surface::weight(i) > 0.0)?
            .0;
        let interface = self.interfaces.get(best)?;
        let (line, first, last) = surface::brightest(&self.grid, interface, &mut self.points)?;
        Some(self.segment(interface, &line, first, last))
    }

    /// Follows the chord of the port over the sweep, from the first measure on: the lock comes only when the slice is
    /// near the middle already. It is told while the port is locked.
    fn centre(&mut self, finding: &mut Finding, time: f64) {
        let Some(port) = finding.port.filter(|_| !finding.held) else {
            return;
        };
        let chord = port.width.0;
        self.sweep
            .note(finding.frame, finding.captured_at, time, chord);
        if finding.state != PortState::Locked {
            return;
        }
        let whole = self.context.whole_width.map(|w| w.0);
        finding.centring = Some(self.sweep.read(chord, whole));
    }

    /// What only many frames show: fluid that came, and a face swept over without an opening.
    fn over_time(
        &mut self,
        finding: &mut Finding,
        verdict: &Verdict,
        face: Option<usize>,
        placed: &[Placed],
        time: f64,
    ) {
        let interface = face.and_then(|k| self.interfaces.get(k));
        let place = Place {
            time,
            captured_at: finding.captured_at,
            locked: finding.state == PortState::Locked,
            shown: finding.port.is_some(),
            x: verdict.port.filter(|_| !verdict.held).map(|p| p.x),
        };
        finding.fluid = match interface.filter(|_| !finding.motion.moving) {
            Some(interface) => self.fluid.read(&self.grid, interface, &place),
            None => self.fluid.pass(time),
        };
        let may_be_port =
            |p: &Placed| p.opening.class != OpeningClass::Other && p.opening.score >= MAY_BE_PORT;
        let opened = if verdict.locked {
            Opened::Locked
        } else if verdict.port.is_some() || verdict.other.is_some() {
            Opened::Shown
        } else if placed.iter().any(may_be_port) {
            Opened::Maybe
        } else {
            Opened::No
        };
        let is_covered = self.coverage.read(&self.grid, interface, opened, time);
        if is_covered && finding.state == PortState::None {
            finding.state = PortState::InvertedSuspected;
        }
    }

    /// How far the face, and the port in it, have moved while a mark comes to the eye.
    fn motion(&mut self, face: Option<usize>, verdict: &Verdict, time: f64) -> Motion {
        let line = face
            .and_then(|k| self.interfaces.get(k))
            .and_then(|i| i.line);
        let Some(line) = line else {
            self.travel.reset();
            return Motion::default();
        };
        let port = verdict.port.filter(|_| !verdict.held).map(|p| p.x);
        let speed = self.travel.note(time, line.z0, port);
        Motion {
            moving: speed > MOVING_MM_S,
            speed_mm_s: speed,
        }
    }
}

/// Puts an opening into the picture: on the face plane, or on the rim when raised.
fn place(line: &Line, opening: &Opening, face: usize) -> Placed {
    let stretch = (1.0 + line.slope * line.slope).sqrt();
    let x = line.pivot + opening.center() / stretch;
    let up = opening.raised() / stretch;
    Placed {
        opening: *opening,
        face,
        x: x + up * line.slope,
        z: line.z_at(x) + opening.base - up,
    }
}

fn port_of(placed: &Placed) -> Port {
    let o = &placed.opening;
    // edges are found to about a beam; a shadowed or narrow opening is less certain
    let sigma = 0.15 + 0.3 * (1.0 - o.score).max(0.0) + 0.5 * (1.0 - o.visible).max(0.0);
    Port {
        center: ScanPoint::new(placed.x, placed.z),
        width: Millimeters(o.port_width()),
        sigma: Millimeters(sigma),
    }
}

/// Puts the verdict into the finding.
fn report(finding: &mut Finding, verdict: &Verdict) {
    if let Some(port) = &verdict.port {
        finding.state = if verdict.locked && !verdict.held {
            PortState::Locked
        } else {
            PortState::Candidate
        };
        finding.port = Some(port_of(port));
        finding.held = verdict.held;
        finding.confidence = verdict.confidence;
    } else if let Some(other) = &verdict.other {
        finding.state = PortState::AccessPortSuspected;
        finding.other_port = Some(port_of(other));
    }
}
