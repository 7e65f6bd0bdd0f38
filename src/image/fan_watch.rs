//! Recognises the fan in a stream of finished pictures, steadily: one look is believed only when others bear it out.
//!
//! Pure: it counts pictures, not time, so that the same pictures give the same answer.
#![expect(
    clippy::indexing_slicing,
    reason = "numeric kernel: every index comes from a loop over the picture it was made for"
)]
use super::fan::{FanInPicture, OUTSIDE_MOST, recognise_fan, share_outside};
use super::outline::Outline;
use crate::frame::{Beams, Frame, ScanGeometry, StoredGrid, Values};
use crate::space::{PixelPoint, ScanPoint};

/// Pictures laid over each other for one look: what speckle and motion leave dark in one is lit in another.
const PICTURES_A_LOOK: u32 = 8;
/// Looks in a row that must agree before a fan is believed, or that must speak against one before it is given up.
const LOOKS: u32 = 3;
/// Pictures passed over between two looks once a fan is known.
const REST: u32 = 60;
/// Widest picture looked at, pixels; larger ones are thinned out, because a look must not hold the pictures up.
const WIDEST: usize = 700;
/// Two fans agree when their apexes and faces lie this near to each other, as a share of the deepest radius.
const AGREE_SHARE: f64 = 0.015;
/// And their half angles differ by no more than this.
const AGREE_DEGREES: f64 = 1.5;
/// So much more of the lit pixels outside than a fan may have, and the picture speaks against it.
const SPEAKS_AGAINST: f64 = 3.0 * OUTSIDE_MOST;

/// The sides of a picture and what a step from pixel to pixel is, in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    columns: usize,
    rows: usize,
    lateral: f64,
    axial: f64,
    origin: ScanPoint,
    /// Tells one crop from another of the same size.
    stored: StoredGrid,
}

impl Layout {
    fn of(frame: &Frame) -> Option<Self> {
        let ScanGeometry::Raster {
            spacing,
            origin,
            stored,
            ..
        } = &*frame.geometry
        else {
            return None;
        };
        let (lateral, axial) = spacing.map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
        Some(Self {
            columns: frame.samples.inner(),
            rows: frame.samples.outer(),
            lateral,
            axial,
            origin: *origin,
            stored: *stored,
        })
    }

    /// Rows (and, in the same length, columns) of a thinned-out picture with square pixels: columns, rows, and how
    /// many rows of the picture one of it stands for.
    fn thinned(&self) -> (usize, usize, f64) {
        let wide = self.columns as f64 * self.lateral / self.axial;
        let step = (wide.max(self.rows as f64) / WIDEST as f64).max(1.0);
        let side = |length: f64| (length / step).floor().max(0.0) as usize;
        (side(wide), side(self.rows as f64), step)
    }

    /// A fan of the thinned-out picture in the unit of the frame's geometry.
    fn beams(&self, fan: &FanInPicture) -> Beams {
        let (_, _, step) = self.thinned();
        let edge = step * self.axial;
        // The middle of a thinned pixel is the middle of the span it stands for.
        let place = |at: f64, pixel: f64| (at + 0.5) * edge - 0.5 * pixel;
        Beams::Fan {
            apex: ScanPoint::new(
                self.origin.x + place(fan.apex.x, self.lateral),
                self.origin.z + place(fan.apex.z, self.axial),
            ),
            near: fan.near * edge,
            far: fan.far * edge,
            half: fan.half,
        }
    }
}

/// What one look at the pictures says.
#[derive(Clone, Copy)]
enum Seen {
    Fan(FanInPicture),
    /// Too much is lit outside the fan that is believed.
    Against,
    /// Nothing either way: a dark picture, a probe in air.
    Nothing,
}

/// The watch over one stream of finished pictures.
///
/// A fan is believed after [`LOOKS`] looks in a row agree, changed after as many agree on another one, and given up
/// after as many show much outside it. A look that shows nothing changes nothing. Another size, crop or scale of the
/// pictures begins anew.
#[derive(Debug, Default)]
pub struct FanWatch {
    layout: Option<Layout>,
    brightest: Vec<u8>,
    /// Pictures laid over each other so far.
    laid: u32,
    resting: u32,
    believed: Option<FanInPicture>,
    /// A fan seen last that is not the one believed, and in how many looks in a row.
    rival: Option<(FanInPicture, u32)>,
    against: u32,
}

impl FanWatch {
    /// Takes note of a frame. Returns whether the answer of [`Self::beams`] may have changed.
    pub fn note(&mut self, frame: &Frame) -> bool {
        let layout = Layout::of(frame);
        let mut changed = false;
        if layout != self.layout {
            changed = self.believed.is_some();
            *self = Self {
                layout,
                brightest: std::mem::take(&mut self.brightest),
                ..Self::default()
            };
        }
        let (Some(layout), Values::U8(pixels)) = (layout, frame.samples.values()) else {
            return changed;
        };
        if self.resting > 0 {
            self.resting -= 1;
            return changed;
        }
        self.lay(&layout, pixels);
        if self.laid < PICTURES_A_LOOK {
            return changed;
        }
        let (columns, rows, _) = layout.thinned();
        let seen = self.look(columns, rows);
        self.laid = 0;
        changed |= self.judge(seen);
        if self.believed.is_some() && self.rival.is_none() && self.against == 0 {
            self.resting = REST;
        }
        changed
    }

    /// How sound ran, in the unit of the frames' geometry, if a fan is believed; `None` says nothing.
    pub fn beams(&self) -> Option<Beams> {
        let layout = self.layout.as_ref()?;
        self.believed.as_ref().map(|fan| layout.beams(fan))
    }

    /// Lays a picture over those before it, thinned out and with square pixels.
    fn lay(&mut self, layout: &Layout, pixels: &[u8]) {
        let (columns, rows, step) = layout.thinned();
        if self.laid == 0 {
            self.brightest.clear();
            self.brightest.resize(columns * rows, 0);
        }
        let along = step * layout.axial / layout.lateral;
        let places: Vec<usize> = (0..columns)
            .map(|column| (((column as f64 + 0.5) * along) as usize).min(layout.columns - 1))
            .collect();
        for row in 0..rows {
            let from = (((row as f64 + 0.5) * step) as usize).min(layout.rows - 1);
            let line = &pixels[from * layout.columns..(from + 1) * layout.columns];
            let out = &mut self.brightest[row * columns..(row + 1) * columns];
            for (most, place) in out.iter_mut().zip(&places) {
                *most = (*most).max(line[*place]);
            }
        }
        self.laid += 1;
    }

    fn look(&self, columns: usize, rows: usize) -> Seen {
        if let Some(fan) = recognise_fan(&self.brightest, columns, rows) {
            return Seen::Fan(fan);
        }
        let Some(believed) = &self.believed else {
            return Seen::Nothing;
        };
        match Outline::of(&self.brightest, columns, rows) {
            // Corners that are not black lie outside every fan.
            None => Seen::Against,
            Some(outline) if share_outside(believed, &outline, 0.0) > SPEAKS_AGAINST => {
                Seen::Against
            }
            Some(_) => Seen::Nothing,
        }
    }

    /// Returns whether what is believed has changed.
    fn judge(&mut self, seen: Seen) -> bool {
        match seen {
            Seen::Nothing => {
                self.against = 0;
                false
            }
            Seen::Against => {
                self.rival = None;
                self.against += 1;
                let given_up = self.against >= LOOKS;
                if given_up {
                    self.believed = None;
                    self.against = 0;
                }
                given_up
            }
            Seen::Fan(fan) => {
                self.against = 0;
                if self.believed.is_some_and(|known| agree(&known, &fan)) {
                    self.rival = None;
                    return false;
                }
                let before = self.rival.filter(|(rival, _)| agree(rival, &fan));
                let looks = before.map_or(1, |(_, looks)| looks + 1);
                self.rival = Some((fan, looks));
                if looks >= LOOKS {
                    self.believed = Some(fan);
                    self.rival = None;
                }
                looks >= LOOKS
            }
        }
    }
}

fn agree(a: &FanInPicture, b: &FanInPicture) -> bool {
    let reach = a.far.max(b.far) * AGREE_SHARE;
    let near = |p: PixelPoint, q: PixelPoint| p.distance(q) <= reach;
    near(a.apex, b.apex)
        && near(a.face(), b.face())
        && (a.half - b.half).abs().degrees() <= AGREE_DEGREES
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Timestamp;
    use crate::frame::{
        FrameId, ImagingSettings, Orientation, Origin, PixelSpacing, Samples, ScanStage,
    };
    use crate::space::{Affine, Radians};

    const COLUMNS: usize = 400;
    const ROWS: usize = 300;

    fn fan(x: f64, degrees: f64) -> FanInPicture {
        FanInPicture {
            apex: PixelPoint::new(x, -60.0),
            near: 90.0,
            far: 330.0,
            half: Radians::from_degrees(degrees),
        }
    }

    /// A picture of speckle inside a fan (everywhere for `None`); two thirds of it are dark in any one frame. Pixels
    /// are `wide` times as wide as high.
    fn picture(fan: Option<&FanInPicture>, seed: u32, wide: f64) -> Vec<u8> {
        let columns = (COLUMNS as f64 / wide) as usize;
        (0..columns * ROWS)
            .map(|pixel| {
                let (column, row) = (pixel % columns, pixel / columns);
                let at = PixelPoint::new((column as f64 + 0.5) * wide - 0.5, row as f64);
                let inside = fan.is_none_or(|fan| {
                    let (radius, angle) = fan.polar(at);
                    radius >= fan.near && radius <= fan.far && angle.abs() <= fan.half.0
                });
                let noise = (pixel as u32 ^ seed.wrapping_mul(0x9E37_79B9))
                    .wrapping_mul(2_654_435_761)
                    .rotate_left(13)
                    .wrapping_mul(2_246_822_519);
                if inside && noise.is_multiple_of(3) {
                    90 + (noise >> 25) as u8
                } else {
                    0
                }
            })
            .collect()
    }

    fn frame(pixels: Vec<u8>, wide: f64, scale: Option<f64>) -> Frame {
        let samples = Samples::new(ROWS, pixels.len() / ROWS, Values::U8(Arc::new(pixels)));
        Frame {
            id: FrameId(0),
            captured_at: Timestamp::ZERO,
            source_seconds: None,
            origin: Origin::Live,
            stage: ScanStage::PostScan,
            orientation: Orientation::Mf,
            geometry: Arc::new(ScanGeometry::Raster {
                spacing: scale.and_then(|mm| PixelSpacing::new(mm * wide, mm)),
                origin: ScanPoint::new(0.0, 0.0),
                beams: Beams::Parallel,
                stored: StoredGrid {
                    stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).expect("unmoved"),
                },
            }),
            settings: Arc::new(ImagingSettings::default()),
            samples: samples.expect("a picture"),
        }
    }

    /// Shows pictures of a fan; returns after how many the answer changed, for every change.
    fn show(watch: &mut FanWatch, fan: Option<&FanInPicture>, count: u32) -> Vec<u32> {
        (0..count)
            .filter(|k| watch.note(&frame(picture(fan, k + 1, 1.0), 1.0, None)))
            .collect()
    }

    fn half(watch: &FanWatch) -> Option<f64> {
        match watch.beams()? {
            Beams::Fan { half, .. } => Some(half.degrees()),
            Beams::Parallel => None,
        }
    }

    #[test]
    fn a_fan_is_believed_after_three_looks_that_agree_and_in_the_unit_of_the_frame() {
        for (scale, wide) in [(None, 1.0), (Some(0.2), 1.0), (Some(0.2), 1.25)] {
            let truth = fan(200.0, 35.0);
            let mut watch = FanWatch::default();
            let mut changes = Vec::new();
            for k in 0..100 {
                if watch.note(&frame(picture(Some(&truth), k + 1, wide), wide, scale)) {
                    changes.push(k);
                }
            }
            assert_eq!(changes, [LOOKS * PICTURES_A_LOOK - 1], "{scale:?} {wide}");
            let Some(Beams::Fan {
                apex, near, half, ..
            }) = watch.beams()
            else {
                panic!("a fan is seen");
            };
            let mm = scale.unwrap_or(1.0);
            // Column 0 of the frame is at 0 whatever the width of its pixels.
            let x = (truth.apex.x + 0.5 - 0.5 * wide) * mm;
            assert!((apex.x - x).abs() < 2.0 * mm, "{apex:?} for {x}");
            let face = truth.face().z * mm;
            assert!((apex.z + near - face).abs() < 1.5 * mm, "{apex:?} {near}");
            assert!((half.degrees() - 35.0).abs() < 0.6, "{half:?}");
        }
    }

    #[test]
    fn one_odd_picture_or_a_dark_one_changes_nothing() {
        let (truth, odd) = (fan(200.0, 35.0), fan(170.0, 28.0));
        let mut watch = FanWatch::default();
        show(&mut watch, Some(&truth), 100);
        let before = watch.beams();
        assert!(before.is_some());
        // An odd fan for two looks, and then the true one again, time after time: it never gets to three in a row.
        for _ in 0..3 {
            assert!(show(&mut watch, Some(&odd), PICTURES_A_LOOK * 2).is_empty());
            assert!(show(&mut watch, Some(&truth), REST + PICTURES_A_LOOK * 2).is_empty());
        }
        // The probe is lifted: nothing but a black screen for a long time.
        for _ in 0..400 {
            assert!(!watch.note(&frame(vec![0; COLUMNS * ROWS], 1.0, None)));
        }
        assert_eq!(watch.beams(), before);
    }

    #[test]
    fn another_probe_is_believed_in_the_end_and_a_full_picture_has_no_fan() {
        let (first, second) = (fan(200.0, 35.0), fan(200.0, 24.0));
        let mut watch = FanWatch::default();
        show(&mut watch, Some(&first), 100);
        let changes = show(&mut watch, Some(&second), REST + PICTURES_A_LOOK * 6);
        assert_eq!(changes.len(), 1, "it changes once");
        assert!(half(&watch).is_some_and(|h| (h - 24.0).abs() < 0.6));
        let changes = show(&mut watch, None, REST + PICTURES_A_LOOK * 6);
        assert_eq!(changes.len(), 1, "it changes once");
        assert_eq!(watch.beams(), None);
    }

    #[test]
    fn another_scale_begins_anew_and_scan_lines_are_left_alone() {
        let truth = fan(200.0, 35.0);
        let mut watch = FanWatch::default();
        show(&mut watch, Some(&truth), 100);
        assert!(watch.note(&frame(picture(Some(&truth), 1, 1.0), 1.0, Some(0.1))));
        assert_eq!(watch.beams(), None);
        let mut lines = frame(picture(Some(&truth), 1, 1.0), 1.0, None);
        lines.geometry = Arc::new(ScanGeometry::Phased {
            sector: Radians(1.0),
            depth: crate::frame::DepthRange {
                near: crate::space::Millimeters(0.0),
                far: crate::space::Millimeters(80.0),
            },
        });
        for _ in 0..100 {
            assert!(!watch.note(&lines));
        }
        assert_eq!(watch.beams(), None);
    }
}
