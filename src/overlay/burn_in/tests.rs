//! A kept picture says what it is.
use super::*;
use crate::frame::FrameId;
use crate::guide::headline;
use crate::overlay::marking::tests::{advice, locked, picture};
use crate::overlay::marks;
use crate::pump::find;

fn caption(mirrored: bool) -> Caption {
    let finding = locked();
    Caption {
        headline: headline(&finding, &advice(&finding)),
        source_name: "virtual:easy".to_owned(),
        seconds: Some(1.0),
        setup: None,
        mirrored,
    }
}

fn locked_marks(image: &ScanImage) -> Marks {
    let finding = locked();
    let pump = find("synchromed2-20").expect("listed");
    marks(&finding, &advice(&finding), image, pump)
}

fn count(picture: &::image::RgbImage, color: Color, top: u32, bottom: u32) -> usize {
    let near = |pixel: &::image::Rgb<u8>| pixel.0.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 8);
    picture
        .enumerate_pixels()
        .filter(|(_, y, pixel)| (top..bottom).contains(y) && near(pixel))
        .count()
}

#[test]
fn a_kept_picture_is_large_and_carries_marks_source_line_and_disclaimer() {
    let image = picture(400, 400, 0.1);
    let kept = burn_in(&image, &locked_marks(&image), &caption(false));
    assert_eq!(kept.width(), 1280);
    let area = kept.height() - 130;
    assert!(count(&kept, SUGGESTED, 0, area) > 300, "path");
    assert!(count(&kept, SEEN, 0, area) > 600, "face, port and marker");
    assert!(
        count(&kept, WARNING, 0, 80) > 300,
        "SIMULATION in the top left corner"
    );
    assert!(count(&kept, TEXT, area, area + 64) > 500, "the one line");
    assert!(
        count(&kept, QUIET, area + 96, area + 130) > 200,
        "disclaimer"
    );
}

#[test]
fn marks_of_another_frame_are_not_burnt_in() {
    let image = picture(400, 400, 0.1);
    let mut other = locked_marks(&image);
    other.frame = FrameId(8);
    let kept = burn_in(&image, &other, &caption(false));
    let bare = burn_in(
        &image,
        &Marks {
            frame: FrameId(7),
            marks: Vec::new(),
        },
        &caption(false),
    );
    assert!(kept == bare);
}

#[test]
fn a_mirrored_display_moves_picture_marks_and_marker_together() {
    let mut image = picture(400, 400, 0.1);
    let mut pixels = vec![20u8; 400 * 400];
    for row in pixels.chunks_mut(400) {
        row[..40].fill(200);
    }
    image.pixels = pixels.into();
    let bright = |kept: &::image::RgbImage| {
        let xs: Vec<u32> = kept
            .enumerate_pixels()
            .filter(|(_, y, pixel)| (300..400).contains(y) && pixel.0 == [200; 3])
            .map(|(x, _, _)| x)
            .collect();
        f64::from(xs.iter().sum::<u32>()) / xs.len() as f64
    };
    let center = |kept: &::image::RgbImage, color: Color, rows: std::ops::Range<u32>| {
        let near =
            |pixel: &::image::Rgb<u8>| pixel.0.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 8);
        let xs: Vec<u32> = kept
            .enumerate_pixels()
            .filter(|(_, y, pixel)| rows.contains(y) && near(pixel))
            .map(|(x, _, _)| x)
            .collect();
        f64::from(xs.iter().sum::<u32>()) / xs.len() as f64
    };
    let marks = locked_marks(&image);
    let (plain, mirrored) = (
        burn_in(&image, &marks, &caption(false)),
        burn_in(&image, &marks, &caption(true)),
    );
    let middle = f64::from(MARGIN) + f64::from(WIDTH as f32 - RULER - MARGIN) / 2.0;
    assert!(bright(&plain) < middle && bright(&mirrored) > middle);
    // The path enters at the right of the middle, and its part between skin and face carries no words.
    let (right, left) = (
        center(&plain, SUGGESTED, 120..300),
        center(&mirrored, SUGGESTED, 120..300),
    );
    assert!(right > middle && left < middle, "{right} {left}");
    assert!((right + left - 2.0 * middle).abs() < 3.0, "{right} {left}");
    assert!(center(&plain, SEEN, 0..100) > middle && center(&mirrored, SEEN, 0..100) < middle);
}

#[test]
fn without_a_scale_the_picture_has_no_ruler_and_says_so() {
    let mut image = picture(400, 400, 1.0);
    let with_ruler = burn_in(&image, &Marks::default(), &caption(false));
    image.unit = LengthUnit::Pixels;
    let without = burn_in(&image, &Marks::default(), &caption(false));
    assert!(count(&without, QUIET, 0, 700) * 4 < count(&with_ruler, QUIET, 0, 700));
    assert!(without != with_ruler);
}

#[test]
fn odd_pictures_are_drawn_without_harm_and_twice_alike() {
    for (columns, rows) in [(1, 1), (3, 900), (2000, 7), (820, 616)] {
        let image = picture(columns, rows, 0.05);
        let kept = burn_in(&image, &locked_marks(&image), &caption(true));
        assert!(kept.width() == 1280 && kept.height() >= 600);
        assert!(kept == burn_in(&image, &locked_marks(&image), &caption(true)));
    }
}
