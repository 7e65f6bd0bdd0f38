//! The fixed order of steps from a frame to a picture.
//!
//! Scan lines: log compression (amplitudes only), gain and time gain, persistence, scan conversion. Finished
//! pictures keep their grey values; they are only brought to square pixels. Tables are built once a geometry and
//! picture buffers are used again, so a running stream allocates none.
use std::sync::Arc;

use super::bilinear::BilinearTable;
use super::brightness::Brightness;
use super::persistence::Persistence;
use super::picture_grid::{Area, PictureGrid, PictureSize};
use super::scan_convert::ScanConverter;
use super::{LengthUnit, ScanImage};
use crate::frame::{
    Beams, BufferPool, DepthRange, Frame, PixelSpacing, Samples, ScanGeometry, ScanStage,
    StoredGrid, Values,
};
use crate::space::{Affine, Pixel, Scan, ScanPoint};

/// Pictures that may be looked at (mailboxes, screen, detector, snapshot list) before buffers are allocated anew.
const PICTURES_IN_FLIGHT: usize = 12;
/// Pixels whose sides differ by no more than this share are square: less than 0.1 pixel over a whole picture.
const SQUARE: f64 = 1e-4;

/// Forms pictures, one stream of frames at a time.
#[derive(Debug)]
pub struct ImageChain {
    target: PictureSize,
    brightness: Brightness,
    persistence: Persistence,
    /// Brightness of the scan lines of the frame at hand.
    lines: Vec<u8>,
    converter: Option<LineTable>,
    squarer: Option<SquareTable>,
    pool: BufferPool<u8>,
}

/// The scan converter and what it was built for.
#[derive(Debug)]
struct LineTable {
    geometry: Arc<ScanGeometry>,
    lines: usize,
    samples: usize,
    converter: Option<ScanConverter>,
}

/// The table that squares pixels and what it was built for.
#[derive(Debug)]
struct SquareTable {
    spacing: PixelSpacing,
    origin: ScanPoint,
    rows: usize,
    columns: usize,
    squared: Option<(PictureGrid, BilinearTable)>,
}

/// The figures of a picture that differ from way to way.
struct Formed {
    columns: usize,
    rows: usize,
    pixels: Arc<Vec<u8>>,
    unit: LengthUnit,
    pitch: f64,
    scan_from_pixel: Affine<Pixel, Scan>,
    beams: Beams,
    stored: StoredGrid,
}

/// A finished picture as it came.
struct Raster<'a> {
    samples: &'a Samples,
    origin: ScanPoint,
    beams: Beams,
    stored: StoredGrid,
}

impl ImageChain {
    /// A chain that forms pictures of scan lines no larger than `target`.
    pub fn new(target: PictureSize) -> Self {
        Self {
            target,
            brightness: Brightness::default(),
            persistence: Persistence::default(),
            lines: Vec::new(),
            converter: None,
            squarer: None,
            pool: BufferPool::new(PICTURES_IN_FLIGHT),
        }
    }

    /// Forms the picture of one frame.
    pub fn form(&mut self, frame: &Frame) -> Arc<ScanImage> {
        let formed = match (&*frame.geometry, frame.geometry.depth()) {
            (
                ScanGeometry::Raster {
                    spacing,
                    origin,
                    beams,
                    stored,
                },
                _,
            ) => {
                let raster = Raster {
                    samples: &frame.samples,
                    origin: *origin,
                    beams: *beams,
                    stored: *stored,
                };
                self.finished(&raster, *spacing)
            }
            (_, Some(depth)) => self.scanned(frame, depth),
            (_, None) => self.blank(frame),
        };
        Arc::new(ScanImage {
            frame: frame.id,
            captured_at: frame.captured_at,
            source_seconds: frame.source_seconds,
            origin: frame.origin,
            columns: formed.columns,
            rows: formed.rows,
            pixels: formed.pixels,
            unit: formed.unit,
            pitch: formed.pitch,
            scan_from_pixel: formed.scan_from_pixel,
            beams: formed.beams,
            stored_from_scan: formed.stored.stored_from_scan,
        })
    }

    /// Scan lines to a picture.
    fn scanned(&mut self, frame: &Frame, depth: DepthRange) -> Formed {
        let (lines, samples) = (frame.samples.outer(), frame.samples.inner());
        self.prepare_converter(&frame.geometry, lines, samples);
        let as_they_are = self.prepare_lines(frame, depth);
        let Some(converter) = self.converter.as_ref().and_then(|t| t.converter.as_ref()) else {
            return self.blank(frame);
        };
        let brightness = match (frame.samples.values(), as_they_are) {
            (Values::U8(values), true) => values.as_slice(),
            (Values::U8(_) | Values::U16(_), _) => self.lines.as_slice(),
        };
        let (columns, rows) = (converter.columns(), converter.rows());
        let pixels = self
            .pool
            .fill(columns * rows, |out| converter.convert(brightness, out));
        Formed {
            columns,
            rows,
            pixels,
            unit: LengthUnit::Millimeters,
            pitch: converter.pitch(),
            scan_from_pixel: converter.scan_from_pixel(),
            beams: frame.geometry.beams(),
            stored: StoredGrid {
                stored_from_scan: unmoved(),
            },
        }
    }

    fn prepare_converter(&mut self, geometry: &Arc<ScanGeometry>, lines: usize, samples: usize) {
        let fits = self.converter.as_ref().is_some_and(|table| {
            table.lines == lines
                && table.samples == samples
                && (Arc::ptr_eq(&table.geometry, geometry) || table.geometry == *geometry)
        });
        if !fits {
            self.persistence.clear();
            self.converter = Some(LineTable {
                geometry: Arc::clone(geometry),
                lines,
                samples,
                converter: ScanConverter::new(geometry, lines, samples, self.target),
            });
        }
    }

    /// Brings `self.lines` to the brightness of the frame, or says that its samples are that already.
    fn prepare_lines(&mut self, frame: &Frame, depth: DepthRange) -> bool {
        let compress = frame.stage == ScanStage::Envelope;
        let samples = &frame.samples;
        self.brightness
            .prepare(&frame.settings, depth, samples.inner(), compress);
        let share = frame.settings.limited().persistence;
        let persists = share > 0.0;
        if !persists {
            self.persistence.clear();
        }
        if let Values::U8(_) = samples.values()
            && !compress
            && !persists
            && self.brightness.is_neutral()
        {
            return true;
        }
        self.lines.resize(samples.outer() * samples.inner(), 0);
        match (samples.values(), compress) {
            (Values::U16(values), true) => self.brightness.compress(values, &mut self.lines),
            (Values::U16(values), false) => self.brightness.amplify_fine(values, &mut self.lines),
            (Values::U8(values), true) => self.brightness.compress_coarse(values, &mut self.lines),
            (Values::U8(values), false) => self.brightness.amplify(values, &mut self.lines),
        }
        if persists {
            self.persistence.apply(share, frame.id, &mut self.lines);
        }
        false
    }

    /// A finished picture, with square pixels if it has a scale.
    fn finished(&mut self, raster: &Raster<'_>, spacing: Option<PixelSpacing>) -> Formed {
        let as_it_is = |scale: [f64; 2], unit: LengthUnit, pixels: Arc<Vec<u8>>| Formed {
            columns: raster.samples.inner(),
            rows: raster.samples.outer(),
            pixels,
            unit,
            pitch: scale[0],
            scan_from_pixel: Affine::new(scale, [raster.origin.x, raster.origin.z])
                .unwrap_or_else(unmoved),
            beams: raster.beams,
            stored: raster.stored,
        };
        let pixels = self.eight_bits(raster.samples.values());
        let Some(spacing) = spacing else {
            return as_it_is([1.0, 1.0], LengthUnit::Pixels, pixels);
        };
        let scale = [spacing.lateral.0, spacing.axial.0];
        if is_square(spacing) {
            return as_it_is(scale, LengthUnit::Millimeters, pixels);
        }
        self.prepare_squarer(raster, spacing);
        let Some((grid, table)) = self.squarer.as_ref().and_then(|t| t.squared.as_ref()) else {
            // A picture of a single row or column: nothing lies between its pixels.
            return as_it_is(scale, LengthUnit::Millimeters, pixels);
        };
        let squared = self
            .pool
            .fill(grid.columns * grid.rows, |out| table.fill(&pixels, out));
        Formed {
            columns: grid.columns,
            rows: grid.rows,
            pixels: squared,
            unit: LengthUnit::Millimeters,
            pitch: grid.pitch,
            scan_from_pixel: grid.scan_from_pixel,
            beams: raster.beams,
            stored: raster.stored,
        }
    }

    /// Grey values in 8 bits: shared when they are, the high byte of 16-bit ones.
    fn eight_bits(&mut self, values: &Values) -> Arc<Vec<u8>> {
        match values {
            Values::U8(pixels) => Arc::clone(pixels),
            Values::U16(fine) => self.pool.fill(fine.len(), |out| {
                for (grey, &fine) in out.iter_mut().zip(fine.iter()) {
                    *grey = (fine >> 8) as u8;
                }
            }),
        }
    }

    fn prepare_squarer(&mut self, raster: &Raster<'_>, spacing: PixelSpacing) {
        let (rows, columns) = (raster.samples.outer(), raster.samples.inner());
        let origin = raster.origin;
        let fits = self.squarer.as_ref().is_some_and(|table| {
            table.spacing == spacing
                && table.origin == origin
                && (table.rows, table.columns) == (rows, columns)
        });
        if !fits {
            self.squarer = Some(SquareTable {
                spacing,
                origin,
                rows,
                columns,
                squared: square(spacing, origin, (columns, rows), self.target),
            });
        }
    }

    /// A black picture: the frame has a geometry nobody can draw.
    fn blank(&mut self, frame: &Frame) -> Formed {
        let (columns, rows) = (self.target.columns.max(2), self.target.rows.max(2));
        Formed {
            columns,
            rows,
            pixels: self.pool.fill(columns * rows, |out| out.fill(0)),
            unit: LengthUnit::Pixels,
            pitch: 1.0,
            scan_from_pixel: unmoved(),
            beams: match frame.geometry.beams() {
                beams @ Beams::Parallel => beams,
                Beams::Fan { .. } => Beams::Parallel,
            },
            stored: StoredGrid {
                stored_from_scan: unmoved(),
            },
        }
    }
}

fn is_square(spacing: PixelSpacing) -> bool {
    (spacing.lateral.0 / spacing.axial.0 - 1.0).abs() <= SQUARE
}

/// Square pixels of the finer of the two spacings, but neither side beyond the larger of picture and target.
fn square(
    spacing: PixelSpacing,
    origin: ScanPoint,
    (columns, rows): (usize, usize),
    target: PictureSize,
) -> Option<(PictureGrid, BilinearTable)> {
    let (lateral, axial) = (spacing.lateral.0, spacing.axial.0);
    let (left, top) = (origin.x - lateral / 2.0, origin.z - axial / 2.0);
    let area = Area {
        left,
        right: left + lateral * columns as f64,
        top,
        bottom: top + axial * rows as f64,
    };
    let most = PictureSize {
        columns: columns.max(target.columns),
        rows: rows.max(target.rows),
    };
    let grid = PictureGrid::covering(area, most, lateral.min(axial))?;
    let [pitch, _] = grid.scan_from_pixel.scale();
    let [first_x, first_z] = grid.scan_from_pixel.shift();
    let table = BilinearTable::build((grid.columns, grid.rows), (rows, columns), |column, row| {
        let x = first_x + pitch * column as f64;
        let z = first_z + pitch * row as f64;
        Some(((z - origin.z) / axial, (x - origin.x) / lateral))
    })?;
    Some((grid, table))
}

/// The map that leaves everything where it is.
fn unmoved<From, To>() -> Affine<From, To> {
    loop {
        // A scale of one is always sound, so this returns at once.
        if let Some(map) = Affine::new([1.0, 1.0], [0.0, 0.0]) {
            return map;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::frame::{FrameId, ImagingSettings, Orientation, Origin};
    use crate::space::{Millimeters, PixelPoint, Radians, Stored};

    fn frame(geometry: ScanGeometry, stage: ScanStage, samples: Samples) -> Frame {
        Frame {
            id: FrameId(3),
            captured_at: Timestamp::from_nanos(42),
            source_seconds: Some(1.5),
            origin: Origin::Replay,
            stage,
            orientation: Orientation::Mf,
            geometry: Arc::new(geometry),
            settings: Arc::new(ImagingSettings::default()),
            samples,
        }
    }

    fn grey(outer: usize, inner: usize, values: Vec<u8>) -> Samples {
        Samples::new(outer, inner, Values::U8(Arc::new(values))).expect("sound")
    }

    fn raster(spacing: Option<PixelSpacing>, origin: ScanPoint) -> ScanGeometry {
        ScanGeometry::Raster {
            spacing,
            origin,
            beams: Beams::Parallel,
            stored: StoredGrid {
                stored_from_scan: Affine::<Scan, Stored>::new([-1.0, 1.0], [7.0, 2.0])
                    .expect("sound"),
            },
        }
    }

    fn curved(lines: usize, samples: usize, values: Vec<u16>) -> Frame {
        let geometry = ScanGeometry::Curvilinear {
            radius: Millimeters(60.0),
            sector: Radians::from_degrees(60.0),
            depth: DepthRange::new(Millimeters(0.0), Millimeters(80.0)).expect("sound"),
        };
        let values = Values::U16(Arc::new(values));
        let samples = Samples::new(lines, samples, values).expect("sound");
        frame(geometry, ScanStage::Envelope, samples)
    }

    #[test]
    fn a_finished_picture_with_square_pixels_is_shared_not_copied() {
        let spacing = PixelSpacing::new(0.2, 0.2);
        let origin = ScanPoint::new(-3.0, 0.5);
        let frame = frame(
            raster(spacing, origin),
            ScanStage::PostScan,
            grey(3, 4, (0..12).collect()),
        );
        let image = ImageChain::new(PictureSize::default()).form(&frame);
        let Values::U8(came) = frame.samples.values() else {
            panic!("8-bit picture");
        };
        assert!(Arc::ptr_eq(came, &image.pixels));
        assert_eq!((image.columns, image.rows, image.pitch), (4, 3, 0.2));
        assert_eq!(image.unit, LengthUnit::Millimeters);
        assert_eq!(
            (image.frame, image.captured_at),
            (frame.id, frame.captured_at)
        );
        assert_eq!(
            (image.source_seconds, image.origin),
            (Some(1.5), Origin::Replay)
        );
        let corner = image.point_of(PixelPoint::new(0.0, 0.0));
        assert_eq!(corner, origin);
        assert_eq!(image.stored_from_scan.apply(corner).x, 10.0);
    }

    #[test]
    fn a_picture_without_scale_stays_in_pixels() {
        let frame = frame(
            raster(None, ScanPoint::new(0.0, 0.0)),
            ScanStage::PostScan,
            grey(2, 2, vec![1, 2, 3, 4]),
        );
        let image = ImageChain::new(PictureSize::default()).form(&frame);
        assert_eq!((image.unit, image.pitch), (LengthUnit::Pixels, 1.0));
        let point = image.point_of(PixelPoint::new(1.0, 1.0));
        assert_eq!((point.x, point.z), (1.0, 1.0));
    }

    #[test]
    fn unequal_pixels_are_squared_and_everything_stays_in_its_place() {
        let (columns, rows) = (60, 90);
        let (bright_column, bright_row) = (41, 30);
        let mut values = vec![0; columns * rows];
        values[bright_row * columns + bright_column] = 255;
        let frame = frame(
            raster(PixelSpacing::new(0.3, 0.1), ScanPoint::new(-9.0, 1.0)),
            ScanStage::PostScan,
            grey(rows, columns, values),
        );
        let image = ImageChain::new(PictureSize::default()).form(&frame);
        assert!((image.pitch - 0.1).abs() < 1e-9);
        assert_eq!((image.columns, image.rows), (180, 90));
        let expected = ScanPoint::new(-9.0 + 0.3 * 41.0, 1.0 + 0.1 * 30.0);
        let at = image.pixel_of(expected);
        let brightest = (0..image.pixels.len())
            .max_by_key(|&i| image.pixels[i])
            .expect("pixels");
        assert!((at.x - (brightest % image.columns) as f64).abs() <= 1.0);
        assert!((at.z - (brightest / image.columns) as f64).abs() <= 0.01);
    }

    #[test]
    fn very_long_pixels_do_not_make_a_giant_picture() {
        let (columns, rows) = (96, 3640);
        let frame = frame(
            raster(PixelSpacing::new(0.4, 0.02), ScanPoint::new(0.0, 0.0)),
            ScanStage::PostScan,
            grey(rows, columns, vec![9; columns * rows]),
        );
        let image = ImageChain::new(PictureSize::default()).form(&frame);
        assert_eq!(image.columns, 800);
        assert!((image.rows as f64 * image.pitch - 72.8).abs() <= image.pitch);
        assert!(image.pixels.iter().all(|&v| v == 9));
    }

    #[test]
    fn sixteen_bit_pictures_keep_their_high_byte() {
        let samples = Samples::new(1, 2, Values::U16(Arc::new(vec![0x7FFF, 0xFF00])));
        let frame = frame(
            raster(None, ScanPoint::new(0.0, 0.0)),
            ScanStage::PostScan,
            samples.expect("sound"),
        );
        let image = ImageChain::new(PictureSize::default()).form(&frame);
        assert_eq!(*image.pixels, vec![0x7F, 0xFF]);
    }

    #[test]
    fn scan_lines_become_a_picture_in_millimetres_whose_buffer_is_used_again() {
        let frame = curved(64, 200, vec![655; 64 * 200]);
        let mut chain = ImageChain::new(PictureSize::default());
        let first = chain.form(&frame);
        assert_eq!(first.unit, LengthUnit::Millimeters);
        assert!(first.columns <= 800 && first.rows <= 600);
        // 655 of 65,535 lie 40 dB down: a third of the range of 60 dB is left.
        let middle = first.pixel_of(ScanPoint::new(0.0, 40.0));
        let level = first.at(middle.x.round() as usize, middle.z.round() as usize);
        assert_eq!(level, Some(85));
        assert_eq!(first.at(0, 0), Some(0));
        let above = first.pixel_of(ScanPoint::new(0.0, -2.0));
        assert_eq!(first.at(above.x as usize, above.z as usize), Some(0));
        assert!(matches!(first.beams, Beams::Fan { near, .. } if near == 60.0));
        let address = first.pixels.as_ptr();
        let kept = Arc::clone(&first.pixels);
        drop(first);
        assert_ne!(chain.form(&frame).pixels.as_ptr(), address);
        drop(kept);
        let again: Vec<_> = (0..2).map(|_| chain.form(&frame)).collect();
        assert!(again.iter().any(|image| image.pixels.as_ptr() == address));
    }

    #[test]
    fn settings_change_the_picture_of_scan_lines_and_not_its_source() {
        let mut frame = curved(64, 200, vec![655; 64 * 200]);
        let mut chain = ImageChain::new(PictureSize::default());
        let before = chain.form(&frame);
        frame.settings = Arc::new(ImagingSettings {
            gain_db: 20.0,
            ..ImagingSettings::default()
        });
        let after = chain.form(&frame);
        let brightest = |image: &ScanImage| image.pixels.iter().copied().max();
        assert_eq!(
            (brightest(&before), brightest(&after)),
            (Some(85), Some(170))
        );
    }

    #[test]
    fn persistence_is_off_by_default_and_keeps_a_share_when_asked() {
        let mut chain = ImageChain::new(PictureSize::default());
        let loud = curved(16, 50, vec![65_535; 800]);
        let mut silent = curved(16, 50, vec![0; 800]);
        silent.id = FrameId(4);
        let brightest = |image: Arc<ScanImage>| image.pixels.iter().copied().max();
        assert_eq!(brightest(chain.form(&loud)), Some(255));
        assert_eq!(brightest(chain.form(&silent)), Some(0));
        let persistent = Arc::new(ImagingSettings {
            persistence: 0.5,
            ..ImagingSettings::default()
        });
        let loud = Frame {
            settings: Arc::clone(&persistent),
            ..loud
        };
        let silent = Frame {
            settings: persistent,
            ..silent
        };
        assert_eq!(brightest(chain.form(&loud)), Some(255));
        assert_eq!(brightest(chain.form(&silent)), Some(128));
    }

    #[test]
    fn a_geometry_nobody_can_draw_gives_a_black_picture() {
        let single_line = curved(1, 200, vec![65_535; 200]);
        let mut chain = ImageChain::new(PictureSize {
            columns: 40,
            rows: 30,
        });
        let image = chain.form(&single_line);
        assert_eq!((image.columns, image.rows), (40, 30));
        assert_eq!(image.unit, LengthUnit::Pixels);
        assert!(image.pixels.iter().all(|&v| v == 0));
    }
}
