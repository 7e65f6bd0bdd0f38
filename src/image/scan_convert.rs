//! Scan lines to a picture with square pixels (H06), by a table built once a geometry.
//!
//! Line `j` of `n` lies at `-width / 2 + width * j / (n - 1)`, or at the angle `-sector / 2 + sector * j / (n - 1)`;
//! sample `i` of `m` at depth `near + (i + 0.5) * (far - near) / m`. Between them the picture is bilinear; beyond the
//! centre of the first and last sample the nearest one is shown.
use super::bilinear::BilinearTable;
use super::picture_grid::{Area, PictureGrid, PictureSize};
use crate::frame::{Beams, ScanGeometry};
use crate::space::{Affine, Pixel, PixelPoint, Scan, ScanPoint};

/// What lies outside the outermost line or sample by no more than this share of a step is inside: rounding only.
const EDGE: f64 = 1e-9;

/// Forms pictures from the scan lines of one geometry.
#[derive(Clone, Debug)]
pub struct ScanConverter {
    grid: PictureGrid,
    table: BilinearTable,
}

impl ScanConverter {
    /// A converter for `lines` scan lines of `samples` samples, with the largest picture that fits into `size`.
    ///
    /// `None` for finished pictures, for less than two lines or samples, and for a geometry without sense.
    pub fn new(
        geometry: &ScanGeometry,
        lines: usize,
        samples: usize,
        size: PictureSize,
    ) -> Option<Self> {
        let grid = PictureGrid::covering(Area::around(geometry)?, size, 0.0)?;
        Self::onto(geometry, lines, samples, grid)
    }

    /// A converter onto given pixels: `size` columns and rows, `pitch` mm each, the first centred on `first`.
    ///
    /// `None` as for [`Self::new`], and for a pitch that is no positive number.
    pub fn onto_grid(
        geometry: &ScanGeometry,
        (lines, samples): (usize, usize),
        size: PictureSize,
        pitch: f64,
        first: ScanPoint,
    ) -> Option<Self> {
        let scan_from_pixel = Affine::new([pitch, pitch], [first.x, first.z])?;
        let grid = PictureGrid {
            columns: size.columns,
            rows: size.rows,
            pitch,
            scan_from_pixel,
        };
        (pitch > 0.0).then_some(())?;
        Self::onto(geometry, lines, samples, grid)
    }

    fn onto(
        geometry: &ScanGeometry,
        lines: usize,
        samples: usize,
        grid: PictureGrid,
    ) -> Option<Self> {
        if lines < 2 || samples < 2 {
            return None;
        }
        Area::around(geometry)?;
        let place = Place::new(geometry, lines, samples)?;
        let table = BilinearTable::build(
            (grid.columns, grid.rows),
            (lines, samples),
            |column, row| {
                let pixel = PixelPoint::new(column as f64, row as f64);
                place.of(grid.scan_from_pixel.apply(pixel))
            },
        )?;
        Some(Self { grid, table })
    }

    /// Width of the picture in pixels.
    pub fn columns(&self) -> usize {
        self.grid.columns
    }

    /// Height of the picture in pixels.
    pub fn rows(&self) -> usize {
        self.grid.rows
    }

    /// Edge of a pixel in millimetres.
    pub fn pitch(&self) -> f64 {
        self.grid.pitch
    }

    /// Where the pixels lie.
    pub fn scan_from_pixel(&self) -> Affine<Pixel, Scan> {
        self.grid.scan_from_pixel
    }

    /// Forms the picture `out` (row by row, `columns * rows`) from brightness samples (line by line), with vector
    /// instructions where the machine has them. Lengths other than those of the converter give a black picture.
    pub fn convert(&self, lines: &[u8], out: &mut [u8]) {
        self.table.fill(lines, out);
    }

    /// The same bytes without vector instructions.
    pub fn convert_scalar(&self, lines: &[u8], out: &mut [u8]) {
        self.table.fill_scalar(lines, out);
    }
}

/// Where a point of the body lies between lines and samples.
struct Place {
    beams: Beams,
    /// Lateral position, or angle, of the first line.
    first_line: f64,
    /// Lines a millimetre, or a radian.
    lines_each: f64,
    last_line: f64,
    /// Depth of the near edge of the first sample, from where depth is measured.
    near: f64,
    samples_each: f64,
    samples: f64,
}

impl Place {
    fn new(geometry: &ScanGeometry, lines: usize, samples: usize) -> Option<Self> {
        let depth = geometry.depth()?;
        let extent = match geometry {
            ScanGeometry::Linear { width, .. } => width.0,
            ScanGeometry::Curvilinear { sector, .. } | ScanGeometry::Phased { sector, .. } => {
                sector.0
            }
            ScanGeometry::Raster { .. } => return None,
        };
        let beams = geometry.beams();
        let near = match beams {
            Beams::Parallel => depth.near.0,
            Beams::Fan { near, .. } => near,
        };
        Some(Self {
            beams,
            first_line: -extent / 2.0,
            lines_each: (lines - 1) as f64 / extent,
            last_line: (lines - 1) as f64,
            near,
            samples_each: samples as f64 / depth.span().0,
            samples: samples as f64,
        })
    }

    /// Fractional line and sample; `None` outside the scanned area.
    fn of(&self, point: ScanPoint) -> Option<(f64, f64)> {
        let (across, along) = match self.beams {
            Beams::Parallel => (point.x, point.z),
            Beams::Fan { apex, .. } => {
                let (x, z) = (point.x - apex.x, point.z - apex.z);
                (x.atan2(z), (x * x + z * z).sqrt())
            }
        };
        let line = (across - self.first_line) * self.lines_each;
        let cell = (along - self.near) * self.samples_each;
        let inside = line >= -EDGE
            && line <= self.last_line + EDGE
            && cell >= -EDGE
            && cell <= self.samples + EDGE;
        inside.then_some((line, cell - 0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::DepthRange;
    use crate::space::{Millimeters, Radians};
    use proptest::prelude::*;

    fn geometry(kind: u8, extent: f64, radius: f64, near: f64, span: f64) -> ScanGeometry {
        let depth = DepthRange::new(Millimeters(near), Millimeters(near + span)).expect("sound");
        let sector = Radians::from_degrees(extent);
        match kind {
            0 => ScanGeometry::Linear {
                width: Millimeters(extent),
                depth,
            },
            1 => ScanGeometry::Curvilinear {
                radius: Millimeters(radius),
                sector,
                depth,
            },
            _ => ScanGeometry::Phased { sector, depth },
        }
    }

    /// The picture by its definition, in `f64`, without a table.
    fn by_definition(
        geometry: &ScanGeometry,
        (n, m): (usize, usize),
        data: &[u8],
        at: ScanPoint,
    ) -> Option<f64> {
        let depth = geometry.depth().expect("lines");
        let (line, d) = match geometry {
            ScanGeometry::Linear { width, .. } => {
                ((at.x + width.0 / 2.0) / width.0 * (n - 1) as f64, at.z)
            }
            ScanGeometry::Curvilinear { radius, sector, .. } => (
                (at.x.atan2(at.z + radius.0) / sector.0 + 0.5) * (n - 1) as f64,
                at.x.hypot(at.z + radius.0) - radius.0,
            ),
            ScanGeometry::Phased { sector, .. } => (
                (at.x.atan2(at.z) / sector.0 + 0.5) * (n - 1) as f64,
                at.x.hypot(at.z),
            ),
            ScanGeometry::Raster { .. } => return None,
        };
        if line < 0.0 || line > (n - 1) as f64 || d < depth.near.0 || d > depth.far.0 {
            return None;
        }
        let sample =
            ((d - depth.near.0) / depth.span().0 * m as f64 - 0.5).clamp(0.0, (m - 1) as f64);
        let (j, i) = ((line as usize).min(n - 2), (sample as usize).min(m - 2));
        let (a, b) = (line - j as f64, sample - i as f64);
        let v = |j: usize, i: usize| f64::from(data[j * m + i]);
        Some(
            (1.0 - a) * ((1.0 - b) * v(j, i) + b * v(j, i + 1))
                + a * ((1.0 - b) * v(j + 1, i) + b * v(j + 1, i + 1)),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_picture_is_its_definition_within_a_grey_level_on_both_paths(
            kind in 0u8..3,
            (extent, radius) in (12.0f64..170.0, 3.0f64..80.0),
            (near, span) in (0.0f64..20.0, 10.0f64..200.0),
            (n, m) in (2usize..70, 2usize..120),
            (columns, rows) in (2usize..160, 2usize..120),
            seed in any::<u32>(),
        ) {
            let geometry = geometry(kind, extent, radius, near, span);
            let size = PictureSize { columns, rows };
            let converter = ScanConverter::new(&geometry, n, m, size).expect("sound");
            let data: Vec<u8> = (0..n * m)
                .map(|k| (k as u32).wrapping_mul(2_654_435_761).wrapping_add(seed).rotate_left(9) as u8)
                .collect();
            let count = converter.columns() * converter.rows();
            let (mut fast, mut slow) = (vec![1; count], vec![2; count]);
            converter.convert(&data, &mut fast);
            converter.convert_scalar(&data, &mut slow);
            prop_assert_eq!(&fast, &slow);
            for (pixel, &got) in fast.iter().enumerate() {
                let (column, row) = (pixel % converter.columns(), pixel / converter.columns());
                let at = converter
                    .scan_from_pixel()
                    .apply(PixelPoint::new(column as f64, row as f64));
                let expected = by_definition(&geometry, (n, m), &data, at);
                // A pixel on the very edge may fall to either side by rounding.
                let edge = got == 0 && expected.is_some() || expected.is_none();
                let error = (f64::from(got) - expected.unwrap_or(0.0)).abs();
                prop_assert!(error < 1.0 || edge && on_edge(&geometry, at), "{} at {:?}", error, at);
            }
        }
    }

    fn on_edge(geometry: &ScanGeometry, at: ScanPoint) -> bool {
        [(-1e-6, 0.0), (1e-6, 0.0), (0.0, 1e-6), (0.0, -1e-6)]
            .iter()
            .map(|(dx, dz)| {
                let near = ScanPoint::new(at.x + dx, at.z + dz);
                by_definition(geometry, (2, 2), &[1; 4], near).is_some()
            })
            .fold((false, false), |(a, b), inside| (a || inside, b || !inside))
            == (true, true)
    }

    #[test]
    fn rows_that_cross_the_near_arc_have_two_runs() {
        let geometry = geometry(1, 70.0, 60.0, 0.0, 80.0);
        let converter =
            ScanConverter::new(&geometry, 192, 512, PictureSize::default()).expect("sound");
        let runs = |row| converter.table.runs_in_row(row, converter.columns());
        assert_eq!(runs(5), 2);
        assert_eq!(runs(converter.rows() / 2), 1);
        assert!(converter.table.pixels_inside() > 200_000);
        let mut out = vec![0; converter.columns() * converter.rows()];
        converter.convert(&vec![200; 192 * 512], &mut out);
        assert_eq!(
            out.iter().filter(|&&v| v > 0).count(),
            converter.table.pixels_inside()
        );
        assert!(out.iter().all(|&v| v == 0 || v == 200));
        assert_eq!(out[5 * converter.columns() + converter.columns() / 2], 0);
    }

    #[test]
    fn a_bright_sample_appears_where_its_line_and_depth_say() {
        let geometry = geometry(1, 60.0, 60.0, 0.0, 80.0);
        let (n, m) = (121, 400);
        let converter = ScanConverter::new(&geometry, n, m, PictureSize::default()).expect("sound");
        let (line, sample) = (90_usize, 250_usize);
        let mut data = vec![0; n * m];
        data[line * m + sample] = 255;
        let mut out = vec![0; converter.columns() * converter.rows()];
        converter.convert(&data, &mut out);
        let (mut x, mut z, mut sum) = (0.0, 0.0, 0.0);
        for (pixel, &v) in out.iter().enumerate() {
            let (c, r) = (pixel % converter.columns(), pixel / converter.columns());
            x += f64::from(v) * c as f64;
            z += f64::from(v) * r as f64;
            sum += f64::from(v);
        }
        let seen = converter
            .scan_from_pixel()
            .apply(PixelPoint::new(x / sum, z / sum));
        let angle = (-30.0 + 60.0 * line as f64 / (n - 1) as f64).to_radians();
        let r = 60.0 + (sample as f64 + 0.5) * 80.0 / m as f64;
        let expected = ScanPoint::new(r * angle.sin(), r * angle.cos() - 60.0);
        assert!(
            seen.distance(expected) < 0.3 * converter.pitch(),
            "{seen:?} for {expected:?}"
        );
    }

    #[test]
    fn too_few_lines_or_a_finished_picture_have_no_converter() {
        let size = PictureSize::default();
        let linear = geometry(0, 40.0, 0.0, 0.0, 50.0);
        assert!(ScanConverter::new(&linear, 1, 500, size).is_none());
        assert!(ScanConverter::new(&linear, 100, 1, size).is_none());
        assert!(ScanConverter::new(&linear, 2, 2, size).is_some());
    }
}
