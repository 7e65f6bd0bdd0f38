//! Crop, scale and orientation in force: what they must be, and the way from a whole picture to the frame.
use std::sync::Arc;

use super::device::Mode;
use super::setup_store::DEPTH_NAME_LIMIT;
use crate::exchange::{Gather, Part, RasterPlan};
use crate::frame::{ImagingSettings, PictureSetup, PixelSpacing, ScanGeometry};

/// Smallest side of a crop, pixels: less holds no scan.
const CROP_LEAST: u32 = 32;
/// Least and most a picture may show, mm from edge to edge: a scale that gives less or more is a mistake (H05).
const EXTENT_MM: (f64, f64) = (10.0, 400.0);
/// Pixels of scanners are square but for anamorphic video (720x480 shown 16:9 has 1.33); beyond this it is a mistake.
const ASPECT_MOST: f64 = 2.0;

/// How the pictures of a mode become frames under a setup.
#[derive(Clone, Debug)]
pub(super) struct PictureForm {
    pub(super) setup: PictureSetup,
    pub(super) gather: Gather,
    pub(super) geometry: Arc<ScanGeometry>,
    pub(super) settings: Arc<ImagingSettings>,
}

impl PictureForm {
    /// The form, or what is wrong with the setup for pictures of this mode.
    pub(super) fn new(mode: &Mode, setup: &PictureSetup) -> Result<Self, String> {
        let (columns, rows) = (mode.width, mode.height);
        let crop = match setup.crop {
            None => (0, 0, columns, rows),
            Some(crop) => {
                let within = crop.within(columns, rows).ok_or_else(|| {
                    format!(
                        "crop: expected a part of {columns} x {rows} pixels, got {} x {} from {}, {} on",
                        crop.width, crop.height, crop.x, crop.y
                    )
                })?;
                (within.x, within.y, within.width, within.height)
            }
        };
        if crop.2.min(crop.3) < CROP_LEAST {
            return Err(format!(
                "crop: expected at least {CROP_LEAST} x {CROP_LEAST} pixels, got {} x {}",
                crop.2, crop.3
            ));
        }
        if setup.orientation.lines_are_rows() {
            return Err(format!(
                "orientation: expected MF, UF, MN or UN for a picture, got {}",
                setup.orientation.letters()
            ));
        }
        if let Some(spacing) = setup.spacing {
            check_scale(spacing, (crop.2, crop.3))?;
        }
        let size = |side: u32| side as usize;
        let part = Part::inside(
            (size(crop.0), size(crop.1), size(crop.2), size(crop.3)),
            size(columns),
            size(rows),
        );
        let part = part.ok_or("crop: it is empty")?;
        let plan = RasterPlan {
            columns: size(columns),
            rows: size(rows),
            part,
            orientation: setup.orientation,
            spacing: setup.spacing,
            offset: None,
        };
        let geometry = plan
            .geometry()
            .ok_or("scale: it gives no coordinates that can be computed")?;
        let gather = Gather::picture(part, size(columns), setup.orientation);
        let standard = ImagingSettings::default();
        let depth = setup
            .spacing
            .map_or(standard.depth, |s| s.axial * gather.outer as f64);
        Ok(Self {
            setup: setup.clone(),
            gather,
            geometry: Arc::new(geometry),
            settings: Arc::new(ImagingSettings { depth, ..standard }.limited()),
        })
    }
}

fn check_scale(spacing: PixelSpacing, (width, height): (u32, u32)) -> Result<(), String> {
    let (lateral, axial) = (spacing.lateral.0, spacing.axial.0);
    if PixelSpacing::new(lateral, axial).is_none() {
        return Err(format!(
            "scale: expected 0.005 to 5 mm a pixel, got {lateral} and {axial}"
        ));
    }
    let aspect = lateral / axial;
    if !(1.0 / ASPECT_MOST..=ASPECT_MOST).contains(&aspect) {
        return Err(format!(
            "scale: expected pixels about as wide as high, got {lateral} mm by {axial} mm"
        ));
    }
    let (least, most) = EXTENT_MM;
    for (way, extent) in [
        ("across", lateral * f64::from(width)),
        ("in depth", axial * f64::from(height)),
    ] {
        if !(least..=most).contains(&extent) {
            return Err(format!(
                "scale: expected {least} to {most} mm {way}, this crop would show {extent:.1} mm"
            ));
        }
    }
    Ok(())
}

/// What the user must have said before a scale is taken: which depth setting of the scanner it belongs to.
pub(super) fn check_depth_setting(setup: &PictureSetup) -> Result<(), String> {
    let name = setup.depth_setting.as_str();
    if setup.spacing.is_some() && name.trim().is_empty() {
        return Err(
            "depth setting: expected what the scanner shows (such as \"8 cm\"), got nothing; a scale holds for one \
             depth setting only"
                .to_owned(),
        );
    }
    if name.len() > DEPTH_NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(format!(
            "depth setting: expected up to {DEPTH_NAME_LIMIT} bytes on one line, got {} bytes",
            name.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::device::PixelFormat;
    use super::*;
    use crate::frame::{Orientation, PixelRect};
    use crate::space::ScanPoint;

    fn mode() -> Mode {
        Mode {
            format: PixelFormat::Yuyv,
            width: 640,
            height: 480,
            interval: None,
        }
    }

    fn setup(crop: (u32, u32, u32, u32), spacing: Option<(f64, f64)>) -> PictureSetup {
        PictureSetup {
            depth_setting: "8 cm".to_owned(),
            crop: Some(PixelRect {
                x: crop.0,
                y: crop.1,
                width: crop.2,
                height: crop.3,
            }),
            spacing: spacing.map(|(lateral, axial)| PixelSpacing {
                lateral: crate::space::Millimeters(lateral),
                axial: crate::space::Millimeters(axial),
            }),
            orientation: Orientation::Mf,
        }
    }

    #[test]
    fn setups_that_cannot_be_meant_are_refused_with_words() {
        let whole = (0, 0, 640, 480);
        for bad in [
            setup((600, 0, 100, 100), None),
            setup((0, 0, 640, 20), None),
            setup((u32::MAX, 0, 64, 64), None),
            setup(whole, Some((f64::NAN, 0.2))),
            setup(whole, Some((0.2, 0.5))),
            // 640 px of 2 mm are more than any scan; 40 px of 0.1 mm less.
            setup(whole, Some((2.0, 2.0))),
            setup((0, 0, 40, 40), Some((0.1, 0.1))),
            PictureSetup {
                orientation: Orientation::Fm,
                ..setup(whole, None)
            },
        ] {
            let words = PictureForm::new(&mode(), &bad).expect_err("it cannot be meant");
            assert!(words.contains("expected"), "{words}");
        }
        assert!(PictureForm::new(&mode(), &setup(whole, Some((0.2, 0.2)))).is_ok());
        let nameless = PictureSetup {
            depth_setting: " ".to_owned(),
            ..setup(whole, Some((0.2, 0.2)))
        };
        assert!(check_depth_setting(&nameless).is_err());
        assert!(check_depth_setting(&setup(whole, Some((0.2, 0.2)))).is_ok());
    }

    #[test]
    fn results_find_their_way_back_to_the_whole_picture_whatever_was_flipped() {
        for orientation in [
            Orientation::Mf,
            Orientation::Uf,
            Orientation::Mn,
            Orientation::Un,
        ] {
            let asked = PictureSetup {
                orientation,
                ..setup((100, 50, 400, 300), Some((0.25, 0.2)))
            };
            let form = PictureForm::new(&mode(), &asked).expect("sound");
            let stored: Vec<u32> = (0..640 * 480).collect();
            let mut block = vec![0_u32; form.gather.len()];
            form.gather.fill(&stored, &mut block);
            let ScanGeometry::Raster { stored: grid, .. } = &*form.geometry else {
                panic!("a picture");
            };
            for (column, row) in [(0_usize, 0_usize), (399, 0), (17, 299), (200, 150)] {
                let value = block[row * form.gather.inner + column];
                let point = ScanPoint::new(column as f64 * 0.25, row as f64 * 0.2);
                let back = grid.stored_from_scan.apply(point);
                let expected = (f64::from(value % 640) * 0.25, f64::from(value / 640) * 0.2);
                assert!(
                    (back.x - expected.0).abs() < 1e-9,
                    "{orientation:?} {back:?} {expected:?}"
                );
                assert!(
                    (back.z - expected.1).abs() < 1e-9,
                    "{orientation:?} {back:?} {expected:?}"
                );
            }
        }
    }
}
