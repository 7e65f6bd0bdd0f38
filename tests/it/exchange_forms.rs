//! The forms a file may have: orientation, crop, scale, 16 bit, colour, separate pixels; and what is written.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the parts that tests share may fail them"
)]
use std::fs;
use std::path::Path;

use portsight::exchange::{
    ExchangeError, FileSource, Geometry, GrayRule, MetaImageWriter, OpenOptions, Packing,
    PngPixels, SequenceForm, open, supported_files, write_png,
};
use portsight::frame::{Beams, Frame, Orientation, PixelSpacing, ScanGeometry, Values};
use portsight::space::ScanPoint;
use portsight::stream::FrameSource;

const COLUMNS: usize = 11;
const ROWS: usize = 6;

/// Every pixel has a value of its own.
fn numbered() -> Vec<u8> {
    (0..COLUMNS * ROWS).map(|i| i as u8).collect()
}

fn values(frame: &Frame) -> Vec<u8> {
    match frame.samples.values() {
        Values::U8(values) => values.to_vec(),
        Values::U16(_) => panic!("8 bit expected"),
    }
}

/// Writes a header with `fields` and the pixels after it.
fn metaimage(path: &Path, fields: &[(&str, &str)], pixels: &[u8]) {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.extend_from_slice(format!("{name} = {value}\n").as_bytes());
    }
    bytes.extend_from_slice(pixels);
    fs::write(path, bytes).expect("written");
}

fn raster(file: &FileSource) -> (Option<PixelSpacing>, ScanPoint, Beams) {
    let ScanGeometry::Raster {
        spacing,
        origin,
        beams,
        ..
    } = &**file.geometry()
    else {
        panic!("a finished picture, got {:?}", file.geometry());
    };
    (*spacing, *origin, *beams)
}

/// Opens the numbered picture in each form and compares every internal pixel with the stored one its coordinates name.
fn check_coordinates(orientation: Orientation, stated: Option<(f64, f64)>, options: &OpenOptions) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("one.mha");
    let spacing = stated.map_or("1 1 1".to_owned(), |(x, z)| format!("{x} {z} 1"));
    let fields = [
        ("NDims", "3"),
        ("Offset", "-2.25 1.5 0"),
        ("ElementSpacing", spacing.as_str()),
        ("DimSize", "11 6 1"),
        ("ElementType", "MET_UCHAR"),
        ("UltrasoundImageOrientation", orientation.letters()),
        ("ElementDataFile", "LOCAL"),
    ];
    metaimage(&path, &fields, &numbered());
    let file = open(&path, options).expect("opens");
    let frame = file.frame(0).expect("frame");
    let (spacing, origin, _) = raster(&file);
    let step = spacing.map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
    let offset = if stated.is_some() {
        (-2.25, 1.5)
    } else {
        (0.0, 0.0)
    };
    let ScanGeometry::Raster { stored, .. } = &*frame.geometry else {
        panic!("a finished picture");
    };
    let (columns, rows) = file.size();
    for row in 0..rows {
        for column in 0..columns {
            let scan = ScanPoint::new(
                origin.x + column as f64 * step.0,
                origin.z + row as f64 * step.1,
            );
            let there = stored.stored_from_scan.apply(scan);
            let stored_column = ((there.x - offset.0) / step.0).round() as usize;
            let stored_row = ((there.z - offset.1) / step.1).round() as usize;
            let value = values(&frame)[row * columns + column];
            assert_eq!(
                usize::from(value),
                stored_row * COLUMNS + stored_column,
                "{orientation:?} {stated:?} {options:?}: column {column}, row {row}"
            );
            let back = stored.stored_from_scan.inverse().apply(there);
            assert!(back.distance(scan) < 1e-9);
        }
    }
    // Depth runs away from the probe: the first internal row is the one nearest to it.
    let last = *values(&frame).last().expect("pixels") as usize / COLUMNS;
    let first = values(&frame)[0] as usize / COLUMNS;
    assert_eq!(first > last, orientation.is_upside_down());
}

#[test]
fn results_come_back_in_coordinates_of_the_stored_picture_in_every_orientation() {
    for orientation in [
        Orientation::Mf,
        Orientation::Uf,
        Orientation::Mn,
        Orientation::Un,
    ] {
        for crop in [None, Some((2, 1, 5, 4)), Some((10, 0, 1, 6))] {
            for stated in [None, Some((0.2, 0.25))] {
                for mm_per_px in [None, Some((0.3, 0.4))] {
                    let options = OpenOptions {
                        crop,
                        mm_per_px,
                        ..OpenOptions::default()
                    };
                    check_coordinates(orientation, stated, &options);
                }
            }
        }
    }
}

fn one_picture(spacing: &str, options: &OpenOptions) -> FileSource {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("one.mha");
    let fields = [
        ("NDims", "2"),
        ("Offset", "-2 4"),
        ("ElementSpacing", spacing),
        ("DimSize", "11 6"),
        ("ElementType", "MET_UCHAR"),
        ("UltrasoundImageOrientation", "MF"),
        ("ElementDataFile", "LOCAL"),
    ];
    metaimage(&path, &fields, &numbered());
    open(&path, options).expect("opens")
}

#[test]
fn a_stored_mf_picture_keeps_its_own_coordinates() {
    let (spacing, origin, _) = raster(&one_picture("0.2 0.2", &OpenOptions::default()));
    assert_eq!(spacing.map(|s| s.lateral.0), Some(0.2));
    assert_eq!((origin.x, origin.z), (-2.0, 4.0));
    let cropped = OpenOptions {
        crop: Some((5, 2, 3, 3)),
        ..OpenOptions::default()
    };
    let (_, origin, _) = raster(&one_picture("0.2 0.2", &cropped));
    assert!((origin.x + 1.0).abs() < 1e-9 && (origin.z - 4.4).abs() < 1e-9);
}

#[test]
fn a_spacing_that_says_nothing_is_no_scale_and_the_scale_of_the_user_wins() {
    for unknown in ["1 1", "0 0", "1e9 1e9", "-0.2 0.2", "0.2 77", "1.0 1.000"] {
        let (spacing, origin, _) = raster(&one_picture(unknown, &OpenOptions::default()));
        assert_eq!(spacing, None, "{unknown}");
        assert_eq!((origin.x, origin.z), (0.0, 0.0), "{unknown}");
    }
    let given = OpenOptions {
        mm_per_px: Some((0.1, 0.3)),
        ..OpenOptions::default()
    };
    let (spacing, origin, _) = raster(&one_picture("1 1", &given));
    assert_eq!(spacing, PixelSpacing::new(0.1, 0.3));
    assert_eq!(
        (origin.x, origin.z),
        (0.0, 0.0),
        "an offset without a scale says nothing"
    );
    let (spacing, origin, _) = raster(&one_picture("0.2 0.2", &given));
    assert_eq!(spacing, PixelSpacing::new(0.1, 0.3));
    assert_eq!((origin.x, origin.z), (-2.0, 4.0));
    // One of the two may be 1.
    let (spacing, ..) = raster(&one_picture("1 0.5", &OpenOptions::default()));
    assert_eq!(spacing, PixelSpacing::new(1.0, 0.5));
}

#[test]
fn a_crop_outside_and_an_absurd_scale_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("still.png");
    write_png(&path, COLUMNS, ROWS, PngPixels::Gray(&numbered())).expect("written");
    for crop in [
        (0, 0, 12, 1),
        (11, 0, 1, 1),
        (0, 0, 0, 3),
        (3, 3, usize::MAX, 1),
    ] {
        let options = OpenOptions {
            crop: Some(crop),
            ..OpenOptions::default()
        };
        let error = open(&path, &options).expect_err("outside");
        assert!(error.to_string().contains("11 x 6 picture"), "{error}");
    }
    for scale in [(0.0, 0.1), (f64::NAN, 0.1), (0.1, 100.0)] {
        let options = OpenOptions {
            mm_per_px: Some(scale),
            ..OpenOptions::default()
        };
        let error = open(&path, &options).expect_err("absurd");
        assert!(
            matches!(error, ExchangeError::ScaleAbsurd { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_fan_given_in_stored_pixels_follows_the_orientation_and_the_crop() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("still.png");
    write_png(&path, COLUMNS, ROWS, PngPixels::Gray(&numbered())).expect("written");
    let fan = r#"{"kind":"fan","apex_px":[4,8],"near_px":1,"far_px":7,"half_deg":40}"#;
    let options = OpenOptions {
        orientation: Some(Orientation::Un),
        crop: Some((1, 1, 8, 5)),
        mm_per_px: Some((0.2, 0.5)),
        geometry: Some(Geometry::parse(fan).expect("sound")),
        ..OpenOptions::default()
    };
    let file = open(&path, &options).expect("opens");
    let (
        _,
        _,
        Beams::Fan {
            apex,
            near,
            far,
            half,
        },
    ) = raster(&file)
    else {
        panic!("a fan");
    };
    // Internal column 0 is stored column 8, internal row 0 is stored row 5: the apex lies at (4, -3).
    assert!(
        apex.distance(ScanPoint::new(4.0 * 0.2, -3.0 * 0.5)) < 1e-9,
        "{apex:?}"
    );
    assert!((near - 0.5).abs() < 1e-9 && (far - 3.5).abs() < 1e-9);
    assert!((half.degrees() - 40.0).abs() < 1e-9);
}

#[test]
fn figures_of_a_geometry_are_checked() {
    for (bad, named) in [
        (r#"{"kind":"linear","width_mm":0,"far_mm":50}"#, "width_mm"),
        (
            r#"{"kind":"linear","width_mm":38,"near_mm":60,"far_mm":50}"#,
            "depths",
        ),
        (
            r#"{"kind":"linear","width_mm":38,"far_mm":50,"depth":3}"#,
            "depth",
        ),
        (
            r#"{"kind":"curvilinear","radius_mm":60,"sector_deg":400,"far_mm":90}"#,
            "sector_deg",
        ),
        (
            r#"{"kind":"phased","sector_deg":90,"far_mm":9000}"#,
            "depths",
        ),
        (
            r#"{"kind":"fan","apex_px":[1,2],"near_px":9,"far_px":3,"half_deg":30}"#,
            "far_px",
        ),
        (r#"{"kind":"matrix"}"#, "matrix"),
        ("{", "expected kind"),
    ] {
        let text = Geometry::parse(bad).expect_err(bad).to_string();
        assert!(text.contains(named), "{bad}: {text}");
    }
}

fn wide(element: &str, msb: &str, numbers: &[i32]) -> FileSource {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("wide.mha");
    let frames = (numbers.len() / 2).to_string();
    let size = format!("2 1 {frames}");
    let fields = [
        ("NDims", "3"),
        ("BinaryDataByteOrderMSB", msb),
        ("DimSize", size.as_str()),
        ("ElementType", element),
        ("ElementDataFile", "LOCAL"),
    ];
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|&n| {
            if msb == "True" {
                (n as u16).to_be_bytes()
            } else {
                (n as u16).to_le_bytes()
            }
        })
        .collect();
    metaimage(&path, &fields, &bytes);
    open(&path, &OpenOptions::default()).expect("opens")
}

#[test]
fn sixteen_bits_become_eight_by_one_rule_for_the_whole_sequence() {
    for msb in ["True", "False"] {
        let dark = wide("MET_USHORT", msb, &[0, 7, 200, 255]);
        assert_eq!(dark.gray_rule(), GrayRule::Keep);
        assert_eq!(values(&dark.frame(1).expect("frame")), [200, 255]);

        let bright = wide("MET_USHORT", msb, &[0, 100, 1000, 65_535]);
        assert_eq!(
            bright.gray_rule(),
            GrayRule::Stretch {
                least: 0,
                most: 65_535
            }
        );
        assert_eq!(values(&bright.frame(0).expect("frame")), [0, 0]);
        assert_eq!(values(&bright.frame(1).expect("frame")), [4, 255]);
        assert!(bright.notices().iter().any(|n| n.text.contains("65535")));

        let signed = wide("MET_SHORT", msb, &[-100, 0, 50, 100]);
        assert_eq!(
            signed.gray_rule(),
            GrayRule::Stretch {
                least: -100,
                most: 100
            }
        );
        assert_eq!(values(&signed.frame(0).expect("frame")), [0, 128]);
        assert_eq!(values(&signed.frame(1).expect("frame")), [191, 255]);
    }
}

#[test]
fn colour_becomes_luminance() {
    let folder = tempfile::tempdir().expect("folder");
    let colors = [255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90];
    let path = folder.path().join("color.mha");
    let fields = [
        ("NDims", "3"),
        ("DimSize", "2 2 1"),
        ("ElementNumberOfChannels", "3"),
        ("ElementType", "MET_UCHAR"),
        ("UltrasoundImageType", "RGB_COLOR"),
        ("ElementDataFile", "LOCAL"),
    ];
    metaimage(&path, &fields, &colors);
    let wanted = [54, 182, 18, 90];
    let file = open(&path, &OpenOptions::default()).expect("opens");
    assert_eq!(values(&file.frame(0).expect("frame")), wanted);
    let told = file
        .notices()
        .iter()
        .any(|n| n.text.contains("orientation"));
    assert!(told, "a missing orientation is assumed aloud");
    let png = folder.path().join("color.png");
    write_png(&png, 2, 2, PngPixels::Rgb(&colors)).expect("written");
    let file = open(&png, &OpenOptions::default()).expect("opens");
    assert_eq!(values(&file.frame(0).expect("frame")), wanted);
}

#[test]
fn pixels_may_lie_in_a_file_of_their_own() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("two.mhd");
    let write = |extra: (&str, &str), pixels: &[u8]| {
        let fields = [
            ("NDims", "2"),
            extra,
            ("DimSize", "11 6"),
            ("ElementType", "MET_UCHAR"),
        ];
        let lines = fields.map(|(name, value)| format!("{name} = {value}\r\n"));
        let text = lines.concat() + "ElementDataFile = two.raw";
        fs::write(&path, text).expect("header");
        fs::write(folder.path().join("two.raw"), pixels).expect("pixels");
        open(&path, &OpenOptions::default())
    };
    let mut led = vec![9_u8; 5];
    led.extend(numbered());
    for (extra, pixels) in [
        (("Comment", "none"), numbered()),
        (("HeaderSize", "5"), led.clone()),
        (("HeaderSize", "-1"), led.clone()),
    ] {
        let file = write(extra, &pixels).expect("opens");
        assert_eq!(
            values(&file.frame(0).expect("frame")),
            numbered(),
            "{extra:?}"
        );
        assert_eq!(file.name(), "two.mhd");
    }
    let error = write(("HeaderSize", "5"), &numbered()).expect_err("five bytes short");
    let text = error.to_string();
    assert!(text.contains("expected 66 bytes, found 61"), "{text}");
    assert!(text.ends_with("two.raw"), "{text}");
    fs::remove_file(folder.path().join("two.raw")).expect("removed");
    let error = open(&path, &OpenOptions::default()).expect_err("no pixels");
    assert!(error.to_string().ends_with("two.raw"), "{error}");
}

#[test]
fn what_is_written_is_read_back_with_all_its_fields() {
    let folder = tempfile::tempdir().expect("folder");
    for packing in [Packing::Raw, Packing::Zlib] {
        let path = folder.path().join("written.mha");
        let form = SequenceForm {
            columns: COLUMNS,
            rows: ROWS,
            spacing: PixelSpacing::new(0.15, 0.123_456_789),
            offset: [-20.0, 0.1 + 0.2],
            orientation: Orientation::Uf,
            packing,
        };
        let mut writer = MetaImageWriter::create(&path, form).expect("created");
        writer.set_field("Seed", "42").expect("free name");
        for frame in 0..3_u8 {
            let mut pixels = numbered();
            pixels[0] = 200 + frame;
            let depth = format!("{frame}.5");
            let extra = [("NeedleDepth", depth.as_str())];
            let time = Some(f64::from(frame) * 0.1);
            writer.append(&pixels, time, &extra).expect("fits");
        }
        assert!(writer.append(&[1, 2, 3], None, &[]).is_err());
        assert!(
            !path.exists() || packing == Packing::Zlib,
            "nothing lies there before the end"
        );
        writer.finish().expect("written");
        let file = open(&path, &OpenOptions::default()).expect("opens");
        assert_eq!(file.times(), [Some(0.0), Some(0.1), Some(0.2)]);
        assert_eq!(file.meta().field("Seed"), Some("42"));
        assert_eq!(file.meta().frame_field(2, "NeedleDepth"), Some("2.5"));
        assert_eq!(file.meta().frame_field(2, "ImageStatus"), Some("OK"));
        let (spacing, origin, _) = raster(&file);
        assert_eq!(spacing, PixelSpacing::new(0.15, 0.123_456_789));
        assert_eq!((origin.x, origin.z), (-20.0, 0.1 + 0.2));
        assert_eq!(file.orientation(), Orientation::Uf);
        // Mirrored: the first stored column is the last internal one.
        let read = values(&file.frame(2).expect("frame"));
        assert_eq!(read[COLUMNS - 1], 202);
    }
    let names: Vec<_> = fs::read_dir(folder.path())
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    assert_eq!(names, ["written.mha"], "no draft stays behind");
}

#[test]
fn a_writer_that_is_given_up_leaves_nothing_and_bad_entries_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("given_up.mha");
    let form = SequenceForm {
        columns: COLUMNS,
        rows: ROWS,
        spacing: None,
        offset: [0.0; 2],
        orientation: Orientation::Mf,
        packing: Packing::Zlib,
    };
    let mut writer = MetaImageWriter::create(&path, form.clone()).expect("created");
    writer.append(&numbered(), None, &[]).expect("fits");
    for (name, value) in [
        ("DimSize", "1 1 1"),
        ("Seq_Frame0000_Timestamp", "1"),
        ("two words", "1"),
        ("a=b", "1"),
        ("", "1"),
        ("Comment", "two\nlines"),
    ] {
        assert!(writer.set_field(name, value).is_err(), "{name} = {value}");
    }
    assert!(
        writer
            .append(&numbered(), None, &[("Timestamp", "3")])
            .is_err()
    );
    drop(writer);
    let empty = MetaImageWriter::create(&path, form).expect("created");
    assert!(matches!(
        empty.finish(),
        Err(ExchangeError::NothingToWrite { .. })
    ));
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 0);
}

#[test]
fn supported_files_come_in_natural_order() {
    let folder = tempfile::tempdir().expect("folder");
    let pixels = numbered();
    for name in ["f10.png", "f9.png", "F1.PNG"] {
        let path = folder.path().join(name);
        write_png(&path, COLUMNS, ROWS, PngPixels::Gray(&pixels)).expect("written");
    }
    for other in ["notes.txt", ".hidden.png", "a.json"] {
        fs::write(folder.path().join(other), "x").expect("written");
    }
    let files = supported_files(folder.path()).expect("folder");
    let names: Vec<_> = files
        .iter()
        .map(|f| f.file_name().expect("name").to_string_lossy())
        .collect();
    assert_eq!(names, ["F1.PNG", "f9.png", "f10.png"]);
    let file = open(folder.path(), &OpenOptions::default()).expect("a sequence");
    assert_eq!(file.frame_count(), 3);
    let empty = tempfile::tempdir().expect("folder");
    let error = open(empty.path(), &OpenOptions::default()).expect_err("nothing in it");
    assert!(
        matches!(error, ExchangeError::NoPictures { others: 0, .. }),
        "{error}"
    );
    let error = open(&folder.path().join("notes.txt"), &OpenOptions::default());
    assert!(error.expect_err("text").to_string().contains("\"txt\""));
}
