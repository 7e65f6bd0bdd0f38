//! Files that are cut, damaged or lie: a clear error or an equal file, never a panic and never other pixels.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::panic_in_result_fn,
    reason = "the parts that tests share may fail them"
)]
use std::fs;
use std::path::{Path, PathBuf};

use portsight::exchange::{
    ExchangeError, FileSource, MetaImageWriter, OpenOptions, Packing, PngPixels, SequenceForm,
    open, write_png,
};
use portsight::frame::{Orientation, PixelSpacing, Values};
use portsight::notice::Problem;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

const COLUMNS: usize = 13;
const ROWS: usize = 7;
const FRAMES: usize = 5;

/// Speckle-like values that hardly shrink, so that cuts of the zlib stream fall into all frames.
fn picture(frame: usize) -> Vec<u8> {
    (0..COLUMNS * ROWS)
        .map(|i| {
            let mixed = (i + frame * 91 + 1).wrapping_mul(2_654_435_761);
            (mixed >> 13) as u8
        })
        .collect()
}

fn written(folder: &Path, packing: Packing) -> PathBuf {
    let path = folder.join("sequence.mha");
    let form = SequenceForm {
        columns: COLUMNS,
        rows: ROWS,
        spacing: PixelSpacing::new(0.15, 0.2),
        offset: [-3.5, 0.5],
        orientation: Orientation::Mf,
        packing,
    };
    let mut writer = MetaImageWriter::create(&path, form).expect("can be created");
    for frame in 0..FRAMES {
        writer
            .append(&picture(frame), Some(frame as f64 * 0.04), &[])
            .expect("fits");
    }
    writer.finish().expect("can be written");
    path
}

fn pixels(file: &FileSource) -> Vec<u8> {
    let mut all = Vec::new();
    for index in 0..file.frame_count() {
        let frame = file.frame(index).expect("frame of an opened file");
        match frame.samples.values() {
            Values::U8(values) => all.extend_from_slice(values),
            Values::U16(_) => panic!("pictures are 8 bit"),
        }
    }
    all
}

fn original() -> Vec<u8> {
    (0..FRAMES).flat_map(picture).collect()
}

fn header_length(bytes: &[u8]) -> usize {
    let mark = b"ElementDataFile = LOCAL\n";
    let at = bytes.windows(mark.len()).position(|w| w == mark);
    at.expect("a header") + mark.len()
}

#[test]
fn a_cut_file_is_refused_at_every_length_and_names_what_is_missing() {
    for packing in [Packing::Raw, Packing::Zlib] {
        let folder = tempfile::tempdir().expect("folder");
        let path = written(folder.path(), packing);
        let whole = fs::read(&path).expect("written");
        let header = header_length(&whole);
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("cut");
            let error = open(&path, &OpenOptions::default())
                .err()
                .unwrap_or_else(|| panic!("{packing:?} cut to {length} bytes was opened"));
            let text = error.to_string();
            if length >= header {
                let promised = COLUMNS * ROWS * FRAMES;
                assert!(text.contains(&format!("expected {promised}")), "{text}");
                assert!(text.contains("found"), "{text}");
                assert!(text.contains("of 5 frames"), "{text}");
            } else if length < header - 1 {
                assert!(text.contains("header"), "{text}");
            }
            assert!(error.hint().is_some(), "{text}");
        }
    }
}

#[test]
fn the_whole_frames_of_a_cut_file_are_opened_on_request_with_a_notice() {
    let keep = OpenOptions {
        keep_whole_frames: true,
        ..OpenOptions::default()
    };
    for packing in [Packing::Raw, Packing::Zlib] {
        let folder = tempfile::tempdir().expect("folder");
        let path = written(folder.path(), packing);
        let whole = fs::read(&path).expect("written");
        let header = header_length(&whole);
        let mut most = 0;
        for length in header..whole.len() {
            fs::write(&path, &whole[..length]).expect("cut");
            match open(&path, &keep) {
                Ok(file) => {
                    let kept = file.frame_count();
                    assert!(kept >= most && kept <= FRAMES);
                    most = kept;
                    assert_eq!(pixels(&file), original()[..kept * COLUMNS * ROWS]);
                    let told = file
                        .notices()
                        .iter()
                        .any(|n| n.text.contains("of 5 frames"));
                    assert!(told, "{:?}", file.notices());
                }
                Err(ExchangeError::PixelsMissing { whole, .. }) => assert_eq!(whole, 0),
                Err(other) => panic!("{other}"),
            }
        }
        assert!(most >= FRAMES - 1, "{packing:?}: at most {most} frames");
    }
}

#[test]
fn a_message_counts_bytes_and_whole_frames() {
    let folder = tempfile::tempdir().expect("folder");
    let path = written(folder.path(), Packing::Raw);
    let whole = fs::read(&path).expect("written");
    fs::write(&path, &whole[..whole.len() - 100]).expect("cut");
    let error = open(&path, &OpenOptions::default()).expect_err("cut");
    let text = error.to_string();
    let wanted = "pixels: expected 455 bytes, found 355; 3 of 5 frames are whole";
    assert!(text.starts_with(wanted), "{text}");
    assert!(text.ends_with("sequence.mha"), "{text}");
}

/// Replaces a piece of the header and opens the file.
fn lie(packing: Packing, from: &str, to: &str) -> Result<FileSource, ExchangeError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = written(folder.path(), packing);
    let whole = fs::read(&path).expect("written");
    let (head, rest) = whole.split_at(header_length(&whole));
    let head = String::from_utf8(head.to_vec()).expect("text");
    assert!(head.contains(from), "{from} stands in {head}");
    let mut bytes = head.replacen(from, to, 1).into_bytes();
    bytes.extend_from_slice(rest);
    fs::write(&path, bytes).expect("written");
    let file = open(&path, &OpenOptions::default());
    if let Ok(file) = &file {
        // The folder goes; whatever is read later must be read now.
        pixels(file);
    }
    file
}

#[test]
fn a_lying_header_is_refused_and_the_message_names_the_field() {
    let size = "DimSize = 13 7 5";
    let cases = [
        (size, "DimSize = 13 7 6", "expected 546 bytes, found 455"),
        (
            size,
            "DimSize = 13 7 4",
            "expected 364 bytes (13 x 7 x 4 frames",
        ),
        (size, "DimSize = 0 7 5", "DimSize"),
        (size, "DimSize = 13 7 0", "DimSize"),
        (
            size,
            "DimSize = 1000000000 1000000000 1000000000",
            "DimSize",
        ),
        (size, "DimSize = 99999999999999999999999 7 5", "DimSize"),
        (size, "DimSize = -13 7 5", "DimSize"),
        (size, "DimSize = 13 7", "DimSize"),
        (size, "DimSize = 13 x 7", "DimSize"),
        (size, "Other = 1", "DimSize"),
        (size, "DimSize = 13 7 5\nDimSize = 7 13 5", "DimSize"),
        ("NDims = 3", "NDims = 5", "NDims"),
        ("NDims = 3", "NDims = 2", "Kinds"),
        ("NDims = 3", "Other = 3", "NDims"),
        ("MET_UCHAR", "MET_FLOAT", "MET_FLOAT"),
        ("MET_UCHAR", "MET_USHORT", "expected 910 bytes"),
        ("ElementType = ", "Other = ", "ElementType"),
        ("CompressedData = ", "CompressedData = un", "CompressedData"),
        ("ObjectType = Image", "ObjectType = Tube", "ObjectType"),
        ("BinaryData = True", "BinaryData = False", "BinaryData"),
        (
            "ElementSpacing = 0.15",
            "ElementSpacing = wide",
            "ElementSpacing",
        ),
        (
            "ElementSpacing = 0.15 ",
            "ElementSpacing = ",
            "ElementSpacing",
        ),
        ("Offset = -3.5", "Offset = inf", "Offset"),
        ("Offset = -3.5", "Offset = 1e308", "Offset"),
        (
            "Orientation = MF",
            "Orientation = MM",
            "UltrasoundImageOrientation",
        ),
        ("Type = BRIGHTNESS", "Type = DOPPLER", "DOPPLER"),
        ("domain domain list", "list domain domain", "Kinds"),
        ("= LOCAL", "= LIST 2D", "LIST"),
        ("= LOCAL", "= slice%03d.raw 1 5 1", "slice"),
        (
            "= LOCAL",
            "= ../../etc/secret",
            "beside or below the header",
        ),
        ("= LOCAL", "= /etc/secret", "beside or below the header"),
        ("NDims = 3", "NDims 3", "header line 2"),
    ];
    for (from, to, named) in cases {
        for packing in [Packing::Raw, Packing::Zlib] {
            let error = lie(packing, from, to)
                .err()
                .unwrap_or_else(|| panic!("{to} was opened ({packing:?})"));
            let text = error.to_string();
            assert!(text.contains(named), "{to} ({packing:?}): {text}");
            assert!(error.hint().is_some(), "{text}");
        }
    }
}

#[test]
fn a_wrong_length_of_the_compressed_stream_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = fs::read(written(folder.path(), Packing::Zlib)).expect("written");
    let length = whole.len() - header_length(&whole);
    let said = format!("CompressedDataSize = {length}");
    for other in [length - 1, length + 1, 0] {
        let to = format!("CompressedDataSize = {other}");
        let error = lie(Packing::Zlib, &said, &to).expect_err("wrong length");
        let text = error.to_string();
        let wanted = format!("expected {other} bytes, found {length}").replace("expected", "says");
        let wanted = wanted.replace("says", "the header says");
        assert!(text.contains(&wanted), "{text}");
    }
    let file = lie(Packing::Zlib, &said, "Other = 1").expect("the length may be missing");
    assert_eq!(file.frame_count(), FRAMES);
}

#[test]
fn a_damaged_compressed_stream_is_refused_wherever_the_damage_is() {
    let folder = tempfile::tempdir().expect("folder");
    let path = written(folder.path(), Packing::Zlib);
    let whole = fs::read(&path).expect("written");
    for at in header_length(&whole)..whole.len() {
        for bit in [0_u8, 3, 7] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            fs::write(&path, &damaged).expect("damaged");
            match open(&path, &OpenOptions::default()) {
                Err(error) => assert!(!error.to_string().is_empty()),
                Ok(file) => assert_eq!(pixels(&file), original(), "byte {at}, bit {bit}"),
            }
        }
    }
}

#[test]
fn flipped_header_bytes_give_an_error_or_the_same_pixels() {
    let folder = tempfile::tempdir().expect("folder");
    let config = ProptestConfig {
        cases: 1500,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    for packing in [Packing::Raw, Packing::Zlib] {
        let path = written(folder.path(), packing);
        let whole = fs::read(&path).expect("written");
        let header = header_length(&whole);
        let flips = prop::collection::vec((0..header, any::<u8>()), 1..4);
        TestRunner::new(config.clone())
            .run(&flips, |flips| {
                let mut bytes = whole.clone();
                for (at, value) in flips {
                    bytes[at] = value;
                }
                fs::write(&path, &bytes).expect("written");
                let Ok(file) = open(&path, &OpenOptions::default()) else {
                    return Ok(());
                };
                prop_assert_eq!(file.frame_count(), FRAMES);
                // Another orientation may have come out of its letters: the same pixels in another order.
                let mut got = pixels(&file);
                let mut wanted = original();
                if file.orientation() != Orientation::Mf {
                    got.sort_unstable();
                    wanted.sort_unstable();
                }
                prop_assert_eq!(got, wanted);
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{packing:?}: {e}"));
    }
}

#[test]
fn noise_is_never_opened_and_never_panics() {
    let folder = tempfile::tempdir().expect("folder");
    let config = ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    for name in ["noise.mha", "noise.png", "noise.jpg"] {
        let path = folder.path().join(name);
        TestRunner::new(config.clone())
            .run(&prop::collection::vec(any::<u8>(), 0..600), |bytes| {
                fs::write(&path, &bytes).expect("written");
                prop_assert!(open(&path, &OpenOptions::default()).is_err());
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn a_picture_that_is_cut_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("still.png");
    write_png(&path, COLUMNS, ROWS, PngPixels::Gray(&picture(0))).expect("written");
    let whole = fs::read(&path).expect("written");
    for length in 0..whole.len() - 12 {
        fs::write(&path, &whole[..length]).expect("cut");
        assert!(
            open(&path, &OpenOptions::default()).is_err(),
            "cut to {length} of {} bytes",
            whole.len()
        );
    }
}
