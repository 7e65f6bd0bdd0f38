//! Every format, right and torn.
use proptest::prelude::*;

use super::*;

fn granted(format: PixelFormat, width: u32, height: u32, bytes_per_line: u32) -> Granted {
    Granted {
        mode: Mode {
            format,
            width,
            height,
            interval: None,
        },
        bytes_per_line,
        range: DeclaredRange::Full,
    }
}

#[test]
fn rows_are_found_by_their_stride_in_every_format() {
    let yuyv = [10, 128, 20, 128, 99, 99, 30, 128, 40, 128, 99, 99];
    let nv12 = [10, 20, 9, 9, 30, 40, 9, 9, 128, 128];
    let grey = [10, 20, 9, 30, 40];
    for (granted, bytes) in [
        (granted(PixelFormat::Yuyv, 2, 2, 6), &yuyv[..]),
        (granted(PixelFormat::Nv12, 2, 2, 4), &nv12[..]),
        (granted(PixelFormat::Grey, 2, 2, 3), &grey[..]),
    ] {
        let mut decoder = PictureDecoder::new(&granted).expect("layout");
        assert_eq!(decoder.decode(bytes), Ok(&[10, 20, 30, 40][..]));
    }
    // Without the padding behind the last row it is whole; one byte less and it is not.
    let mut decoder = PictureDecoder::new(&granted(PixelFormat::Yuyv, 2, 2, 6)).expect("layout");
    assert!(decoder.decode(&yuyv[..10]).is_ok());
    assert_eq!(
        decoder.decode(&yuyv[..9]),
        Err(PictureProblem::Short {
            expected: 10,
            got: 9
        })
    );
}

#[test]
fn layouts_that_cannot_be_are_refused() {
    for bad in [
        granted(PixelFormat::Yuyv, 641, 480, 0),
        granted(PixelFormat::Yuyv, 640, 480, 1279),
        granted(PixelFormat::Nv12, 640, 481, 640),
        granted(PixelFormat::Grey, 0, 480, 0),
        granted(PixelFormat::Grey, 640, 0, 0),
        granted(PixelFormat::Grey, 100_000, 10, 0),
        granted(PixelFormat::Grey, 640, 480, u32::MAX),
        granted(PixelFormat::Mjpg, 0, 0, 0),
    ] {
        assert!(PictureDecoder::new(&bad).is_err(), "{}", bad.mode.name());
    }
    assert!(PictureDecoder::new(&granted(PixelFormat::Grey, 641, 481, 0)).is_ok());
}

#[test]
fn limited_range_is_spread_and_full_range_is_seen() {
    let mut said = granted(PixelFormat::Grey, 4, 1, 0);
    said.range = DeclaredRange::Limited;
    let mut decoder = PictureDecoder::new(&said).expect("layout");
    assert_eq!(
        decoder.decode(&[16, 126, 235, 255]),
        Ok(&[0, 128, 255, 255][..])
    );
    said.range = DeclaredRange::Unsaid;
    let mut decoder = PictureDecoder::new(&said).expect("layout");
    assert_eq!(
        decoder.decode(&[16, 126, 235, 20]),
        Ok(&[0, 128, 255, 5][..])
    );
    assert_eq!(decoder.traits().range, LumaRange::LimitedUntilSeen);
    // A black below 16: from here on nothing is spread.
    assert_eq!(
        decoder.decode(&[0, 126, 235, 20]),
        Ok(&[0, 126, 235, 20][..])
    );
    assert_eq!(decoder.traits().range, LumaRange::FullAsSeen);
    assert_eq!(
        decoder.decode(&[16, 126, 235, 20]),
        Ok(&[16, 126, 235, 20][..])
    );
}

/// A row of YUYV: grey levels and whether each pair is red.
fn yuyv_row(pairs: &[(u8, bool)]) -> Vec<u8> {
    pairs
        .iter()
        .flat_map(|&(y, red)| [y, 128, y, if red { 220 } else { 128 }])
        .collect()
}

#[test]
fn colour_on_black_becomes_black_and_colour_on_a_bright_line_makes_no_gap() {
    let pairs = [
        (0, false),
        (0, false),
        (90, true),
        (0, false),
        (0, false),
        (200, false),
        (200, false),
        (76, true),
        (76, true),
        (200, false),
        (200, false),
        (200, false),
    ];
    let bytes = yuyv_row(&pairs);
    let mut decoder = PictureDecoder::new(&granted(PixelFormat::Yuyv, 24, 1, 0)).expect("layout");
    let luma = decoder.decode(&bytes).expect("whole");
    assert!(luma[..10].iter().all(|v| *v == 0), "{luma:?}");
    assert!(luma[10..].iter().all(|v| *v == 200), "{luma:?}");
}

#[test]
fn a_tinted_picture_is_left_as_it_is_and_grey_after_it_is_looked_at_again() {
    let tinted = yuyv_row(&[(100, true); 8]);
    let mut marked = [(100, false); 8];
    marked[4] = (30, true);
    let marked = yuyv_row(&marked);
    let mut decoder = PictureDecoder::new(&granted(PixelFormat::Yuyv, 16, 1, 0)).expect("layout");
    assert_eq!(decoder.decode(&tinted), Ok(&[100; 16][..]));
    assert!(decoder.traits().is_tinted);
    assert_eq!(decoder.decode(&marked), Ok(&[100; 16][..]));
    assert!(!decoder.traits().is_tinted);
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            image::Rgb([120, 120, 120])
        } else {
            image::Rgb([120, 120, 120 + u8::try_from(x % 8).unwrap_or(0)])
        }
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&picture)
        .expect("encoded");
    bytes
}

#[test]
fn a_jpeg_is_read_with_padding_and_refused_when_torn_or_of_another_size() {
    let mut decoder = PictureDecoder::new(&granted(PixelFormat::Mjpg, 64, 32, 0)).expect("layout");
    let mut bytes = jpeg(64, 32);
    let length = bytes.len();
    bytes.extend([0; 100]);
    let luma = decoder.decode(&bytes).expect("whole");
    assert!(luma.iter().all(|v| (118..=123).contains(v)), "{luma:?}");
    let torn = decoder.decode(&bytes[..length - 10]);
    assert!(matches!(torn, Err(PictureProblem::Torn { .. })));
    let other = decoder.decode(&jpeg(32, 32));
    assert!(matches!(
        other,
        Err(PictureProblem::Size { got_width: 32, .. })
    ));
    assert!(matches!(
        decoder.decode(&[]),
        Err(PictureProblem::Torn { got: 0 })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_and_sizes_never_panic_and_short_ones_are_refused(
        format in prop::sample::select(PixelFormat::ALL.to_vec()),
        (width, height) in (0_u32..40, 0_u32..40),
        stride in prop_oneof![Just(0_u32), 0_u32..120, any::<u32>()],
        bytes in prop::collection::vec(any::<u8>(), 0..6000),
    ) {
        if let Ok(mut decoder) = PictureDecoder::new(&granted(format, width, height, stride)) {
            let needed = decoder.layout.length;
            let enough = bytes.len() >= needed;
            let outcome = decoder.decode(&bytes).map(<[u8]>::len);
            if format == PixelFormat::Mjpg {
                prop_assert!(outcome.is_err());
            } else {
                prop_assert_eq!(outcome.is_ok(), enough);
            }
        }
    }

    #[test]
    fn a_jpeg_with_any_bytes_changed_never_panics(
        at in prop::collection::vec((2_usize..600, any::<u8>()), 1..6),
    ) {
        let mut bytes = jpeg(64, 32);
        let last = bytes.len() - 3;
        for (place, value) in at {
            bytes[place.min(last)] = value;
        }
        let mut decoder = PictureDecoder::new(&granted(PixelFormat::Mjpg, 64, 32, 0)).expect("layout");
        if let Ok(luma) = decoder.decode(&bytes) {
            prop_assert_eq!(luma.len(), 64 * 32);
        }
    }
}
