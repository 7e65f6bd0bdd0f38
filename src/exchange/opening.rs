//! From a path to a [`FileSource`]: what the file is, what the user adds to it, what is assumed and told.
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::ExchangeError;
use super::description::{Description, ImageType};
use super::geometry::Geometry;
use super::gray::{GrayRule, Range, rule_from_header};
use super::header::{FileMeta, read_header};
use super::layout::{Gather, Part, RasterPlan};
use super::pictures::{FileKind, decode, sequence};
use super::pixels::Pixels;
use super::source::{Backing, Content, FileSource, Findings};
use crate::frame::{Orientation, PixelSpacing, ScanGeometry};
use crate::notice::{Notice, Problem, Severity};
use crate::space::{PixelPoint, Radians, StoredPoint};
use crate::words::{say, say_with};

/// What the user says about a file. The default says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenOptions {
    /// Pixel size (lateral, axial), mm; wins over what the file says.
    pub mm_per_px: Option<(f64, f64)>,
    /// Orientation; wins over what the file says.
    pub orientation: Option<Orientation>,
    /// Part of the stored picture to look at: x, y, width, height in its pixels.
    pub crop: Option<(usize, usize, usize, usize)>,
    /// Geometry of scan lines, or of the fan in finished pictures.
    pub geometry: Option<Geometry>,
    /// Opens the whole frames of a file that is cut, instead of refusing it.
    pub keep_whole_frames: bool,
}

/// Opens a MetaImage file, a PNG or JPEG picture, or a folder of numbered pictures.
pub fn open(path: &Path, options: &OpenOptions) -> Result<FileSource, ExchangeError> {
    if let Some(geometry) = &options.geometry {
        geometry.check()?;
    }
    if path.is_dir() {
        return open_folder(path, options);
    }
    match FileKind::of(path) {
        Some(FileKind::MetaImage) => open_metaimage(path, options),
        Some(FileKind::Picture) => open_picture(path, options),
        None => Err(ExchangeError::UnknownKind {
            got: path
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.to_owned(),
        }),
    }
}

fn open_picture(path: &Path, options: &OpenOptions) -> Result<FileSource, ExchangeError> {
    let (columns, rows, gray) = decode(path)?;
    let picture = Stored {
        columns,
        rows,
        times: vec![None],
        ..Stored::bare(path)
    };
    picture.arrange(Backing::Still(gray), options)
}

fn open_folder(path: &Path, options: &OpenOptions) -> Result<FileSource, ExchangeError> {
    let (pictures, columns, rows) = sequence(path)?;
    let folder = Stored {
        columns,
        rows,
        times: vec![None; pictures.len()],
        ..Stored::bare(path)
    };
    let backing = Backing::Folder {
        pictures,
        columns,
        rows,
    };
    folder.arrange(backing, options)
}

fn open_metaimage(path: &Path, options: &OpenOptions) -> Result<FileSource, ExchangeError> {
    let file = File::open(path).map_err(|cause| ExchangeError::NotReadable {
        cause,
        path: path.to_owned(),
    })?;
    let (mut meta, header_bytes) = read_header(&mut BufReader::new(file), path)?;
    let description = Description::of(&meta, path)?;
    let lines = options
        .geometry
        .as_ref()
        .is_some_and(|g| !g.is_for_pictures());
    let orientation = options.orientation.or(description.orientation);
    // Refused before the pixels are read: the reason does not depend on them.
    if !lines {
        let orientation = orientation.unwrap_or_default();
        refuse_scan_lines(&description, orientation, options, path)?;
    }
    let opened = Pixels::open(path, header_bytes, &description, options.keep_whole_frames)?;
    meta.keep_frames(description.frames);
    let rule = gray_rule(&opened.pixels, &description, opened.frames)?;
    let times = frame_times(&meta, opened.frames);
    let mut notices = Vec::new();
    if let Some(shortage) = &opened.shortage {
        notices.push(Notice {
            severity: Severity::Warning,
            text: shortage.to_string(),
            hint: shortage.hint(),
        });
    }
    header_notices(&meta, &description, rule, &times, &mut notices);
    let stored = Stored {
        path,
        columns: description.columns,
        rows: description.rows,
        spacing: description.spacing,
        offset: description.offset,
        orientation: description.orientation,
        image_type: description.image_type,
        is_metaimage: true,
        meta,
        times,
        notices,
    };
    let backing = Backing::MetaImage {
        pixels: opened.pixels,
        description,
        rule,
    };
    stored.arrange(backing, options)
}

fn refuse_scan_lines(
    description: &Description,
    orientation: Orientation,
    options: &OpenOptions,
    path: &Path,
) -> Result<(), ExchangeError> {
    let what = if description.image_type.is_rf() {
        "radio-frequency samples"
    } else if orientation.lines_are_rows() {
        "scan lines before scan conversion"
    } else {
        return Ok(());
    };
    if let Some(geometry) = &options.geometry {
        return Err(ExchangeError::GeometryMisplaced {
            kind: geometry.kind(),
            meant_for: "finished pictures",
            holds: what,
            path: path.to_owned(),
        });
    }
    Err(ExchangeError::GeometryNeeded {
        what,
        image_type: description.image_type.word().to_owned(),
        orientation: orientation.letters().to_owned(),
        path: path.to_owned(),
    })
}

fn gray_rule(
    pixels: &Pixels,
    description: &Description,
    frames: usize,
) -> Result<GrayRule, ExchangeError> {
    if let Some(rule) = rule_from_header(description) {
        return Ok(rule);
    }
    let mut scratch = Vec::new();
    let mut range = Range::NONE;
    for index in 0..frames {
        range = range.meet(pixels.frame(index, &mut scratch)?, description);
    }
    Ok(range.rule())
}

fn frame_times(meta: &FileMeta, frames: usize) -> Vec<Option<f64>> {
    (0..frames)
        .map(|frame| {
            let word = meta.frame_field(frame, "Timestamp")?;
            word.parse().ok().filter(|time: &f64| time.is_finite())
        })
        .collect()
}

fn header_notices(
    meta: &FileMeta,
    description: &Description,
    rule: GrayRule,
    times: &[Option<f64>],
    notices: &mut Vec<Notice>,
) {
    let mut tell = |key: &str, values: &[(&str, &str)]| {
        notices.push(Notice::note(say_with(key, values)));
    };
    if let GrayRule::Stretch { least, most } = rule
        && !description.image_type.is_rf()
    {
        let (least, most) = (least.to_string(), most.to_string());
        tell(
            "exchange-note-stretch",
            &[("least", &least), ("most", &most)],
        );
    }
    if description.is_volume {
        tell("exchange-note-volume", &[]);
    }
    if description.is_turned {
        tell("exchange-note-turned", &[]);
    }
    let invalid = (0..times.len())
        .filter(|&frame| {
            meta.frame_field(frame, "ImageStatus")
                .is_some_and(|status| status != "OK")
        })
        .count();
    if invalid > 0 {
        tell("exchange-note-invalid", &[("count", &invalid.to_string())]);
    }
    let missing = times.iter().filter(|time| time.is_none()).count();
    if missing > 0 && missing < times.len() {
        tell("exchange-note-times", &[("count", &missing.to_string())]);
    }
    let known: Vec<f64> = times.iter().flatten().copied().collect();
    if known.windows(2).any(|pair| pair.last() < pair.first()) {
        tell("exchange-note-backwards", &[]);
    }
    let beyond = meta.fields_beyond_the_end();
    if beyond > 0 {
        tell("exchange-note-beyond", &[("count", &beyond.to_string())]);
    }
}

/// A stored picture, whatever kind of file it came from.
struct Stored<'a> {
    path: &'a Path,
    columns: usize,
    rows: usize,
    spacing: Option<PixelSpacing>,
    offset: [f64; 2],
    orientation: Option<Orientation>,
    image_type: ImageType,
    is_metaimage: bool,
    meta: FileMeta,
    times: Vec<Option<f64>>,
    notices: Vec<Notice>,
}

impl<'a> Stored<'a> {
    fn bare(path: &'a Path) -> Self {
        Self {
            path,
            columns: 0,
            rows: 0,
            spacing: None,
            offset: [0.0; 2],
            orientation: None,
            image_type: ImageType::Brightness,
            is_metaimage: false,
            meta: FileMeta::default(),
            times: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn arrange(
        mut self,
        backing: Backing,
        options: &OpenOptions,
    ) -> Result<FileSource, ExchangeError> {
        let orientation = self.orientation(options);
        let lines = options.geometry.as_ref().filter(|g| !g.is_for_pictures());
        let (content, gather) = if let Some(geometry) = lines {
            self.scan_lines(geometry, orientation, options)?
        } else {
            let plan = self.plan(orientation, options)?;
            let gather = Gather::picture(plan.part, self.columns, orientation);
            (Content::Pictures(plan), gather)
        };
        let plan = match &content {
            Content::Pictures(plan) => Some(*plan),
            Content::ScanLines(_) | Content::Amplitude(_) => None,
        };
        let path = self.path;
        let offset = self.offset;
        let mut source = FileSource::assemble(Findings {
            path: path.to_owned(),
            backing,
            content,
            gather,
            orientation,
            meta: self.meta,
            times: self.times,
            notices: self.notices,
        })
        .ok_or_else(|| ExchangeError::FieldUnusable {
            field: "Offset",
            expected: "millimetres within the reach of a probe".to_owned(),
            got: format!("{} {}", offset[0], offset[1]),
            path: path.to_owned(),
        })?;
        if let (Some(plan), Some(fan)) = (plan, options.geometry.as_ref()) {
            set_fan(&mut source, &plan, fan);
        }
        Ok(source)
    }

    fn orientation(&mut self, options: &OpenOptions) -> Orientation {
        if let Some(orientation) = options.orientation.or(self.orientation) {
            return orientation;
        }
        let key = if self.is_metaimage {
            "exchange-note-orientation"
        } else {
            "exchange-note-orientation-picture"
        };
        self.notices.push(Notice::note(say(key)));
        Orientation::default()
    }

    fn scan_lines(
        &self,
        geometry: &Geometry,
        orientation: Orientation,
        options: &OpenOptions,
    ) -> Result<(Content, Gather), ExchangeError> {
        if options.crop.is_some() {
            return Err(ExchangeError::CropOfScanLines {
                path: self.path.to_owned(),
            });
        }
        let placed = geometry.scan_lines()?;
        let (columns, rows) = (self.columns, self.rows);
        let gather = |columns, rows| Gather::scan_lines(columns, rows, orientation);
        match self.image_type {
            ImageType::Brightness | ImageType::RgbColor => {
                Ok((Content::ScanLines(placed), gather(columns, rows)))
            }
            ImageType::RfILineQLine if orientation.lines_are_rows() && rows % 2 == 0 => {
                Ok((Content::Amplitude(placed), gather(columns, rows / 2)))
            }
            ImageType::RfIqLine if orientation.lines_are_rows() && columns % 2 == 0 => {
                Ok((Content::Amplitude(placed), gather(columns / 2, rows)))
            }
            ImageType::RfReal | ImageType::RfILineQLine | ImageType::RfIqLine => {
                Err(ExchangeError::RfForm {
                    image_type: self.image_type.word(),
                    orientation: orientation.letters(),
                    columns,
                    rows,
                    path: self.path.to_owned(),
                })
            }
        }
    }

    fn plan(
        &mut self,
        orientation: Orientation,
        options: &OpenOptions,
    ) -> Result<RasterPlan, ExchangeError> {
        if orientation.lines_are_rows() {
            return Err(ExchangeError::GeometryNeeded {
                what: "scan lines before scan conversion",
                image_type: self.image_type.word().to_owned(),
                orientation: orientation.letters().to_owned(),
                path: self.path.to_owned(),
            });
        }
        let (columns, rows) = (self.columns, self.rows);
        let (x, y, width, height) = options.crop.unwrap_or((0, 0, columns, rows));
        let part = Part::inside((x, y, width, height), columns, rows).ok_or_else(|| {
            ExchangeError::CropOutside {
                columns,
                rows,
                x,
                y,
                width,
                height,
                path: self.path.to_owned(),
            }
        })?;
        let given = match options.mm_per_px {
            None => None,
            Some((lateral, axial)) => Some(
                PixelSpacing::new(lateral, axial)
                    .ok_or(ExchangeError::ScaleAbsurd { lateral, axial })?,
            ),
        };
        if given.is_none() && self.spacing.is_none() {
            self.notices.push(Notice {
                severity: Severity::Warning,
                text: say("exchange-note-no-scale"),
                hint: Some(say("exchange-hint-no-scale")),
            });
        }
        if let (Some(given), Some(told)) = (given, self.spacing)
            && given != told
        {
            let [g, t] = [given, told].map(|s| format!("{} x {}", s.lateral.0, s.axial.0));
            let values: &[(&str, &str)] = &[("given", &g), ("told", &t)];
            self.notices
                .push(Notice::note(say_with("exchange-note-scale-given", values)));
        }
        Ok(RasterPlan {
            columns,
            rows,
            part,
            orientation,
            spacing: given.or(self.spacing),
            // An offset is in millimetres only when the header's spacing is.
            offset: self.spacing.map(|_| self.offset),
        })
    }
}

/// Brings a fan given in pixels of the stored picture to the internal picture.
fn set_fan(source: &mut FileSource, plan: &RasterPlan, fan: &Geometry) {
    let Geometry::Fan {
        apex_px: [column, row],
        near_px,
        far_px,
        half_deg,
    } = fan
    else {
        return;
    };
    let ScanGeometry::Raster { stored, .. } = &**source.geometry() else {
        return;
    };
    let (lateral, axial) = plan
        .spacing
        .map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
    let [x, z] = plan.offset.unwrap_or([0.0, 0.0]);
    let apex_stored = StoredPoint::new(x + column * lateral, z + row * axial);
    let apex = stored.stored_from_scan.inverse().apply(apex_stored);
    let origin = match &**source.geometry() {
        ScanGeometry::Raster { origin, .. } => *origin,
        ScanGeometry::Linear { .. }
        | ScanGeometry::Curvilinear { .. }
        | ScanGeometry::Phased { .. } => return,
    };
    let internal = PixelPoint::new((apex.x - origin.x) / lateral, (apex.z - origin.z) / axial);
    let half = Radians::from_degrees(*half_deg);
    if let Some(beams) = source.fan_from_pixels(internal, *near_px, *far_px, half) {
        source.set_beams(beams);
    }
}

#[cfg(test)]
mod tests {
    use crate::words::has;

    #[test]
    fn every_key_of_the_room_has_its_words() {
        let sources = [include_str!("error.rs"), include_str!("opening.rs")];
        let mut count = 0;
        for source in sources {
            for word in source.split('"') {
                if word.starts_with("exchange-") && !word.ends_with('-') {
                    assert!(has(word), "{word} has no words");
                    count += 1;
                }
            }
        }
        assert!(count > 20, "only {count} keys found");
    }
}
