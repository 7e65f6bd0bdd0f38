//! Screens that are drawn here: speckle with letters, a ruler, a grey bar and a logo around it.
use super::*;

const COLUMNS: usize = 640;
const ROWS: usize = 480;
/// Where the scan lies: left, top, right, bottom.
const SCAN: [usize; 4] = [120, 60, 500, 420];

fn noise(at: usize, seed: u32) -> u32 {
    (at as u32 ^ seed.wrapping_mul(977))
        .wrapping_mul(2_654_435_761)
        .rotate_left(13)
        .wrapping_mul(2_246_822_519)
}

fn fill(pixels: &mut [u8], [left, top, right, bottom]: [usize; 4], grey: u8) {
    for row in top..bottom {
        pixels[row * COLUMNS + left..row * COLUMNS + right].fill(grey);
    }
}

/// Smooth speckle in the scan.
fn scan(pixels: &mut [u8], seed: u32) {
    let [left, top, right, bottom] = SCAN;
    for row in top..bottom {
        for column in left..right {
            let coarse = noise(row / 3 * COLUMNS + column / 5, seed) >> 26;
            let fine = noise(row * COLUMNS + column, seed) >> 28;
            pixels[row * COLUMNS + column] = 20 + (coarse + fine) as u8;
        }
    }
}

/// Two lines of letters above, a ruler at the right, a grey bar at the left, a logo beside it.
fn graphics(pixels: &mut [u8]) {
    for line in [10, 30] {
        for letter in 0..30 {
            let x = 150 + letter * 12;
            fill(pixels, [x, line, x + 2, line + 12], 210);
            fill(pixels, [x, line + 5, x + 7, line + 7], 210);
        }
    }
    for tick in 0..13 {
        let long = if tick % 5 == 0 { 12 } else { 6 };
        let y = 60 + tick * 30;
        fill(pixels, [520, y, 520 + long, y + 2], 210);
    }
    for row in 80..280 {
        fill(pixels, [40, row, 56, row + 1], (280 - row) as u8);
    }
    fill(pixels, [70, 20, 96, 44], 130);
}

fn extremes_of(pictures: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let mut brightest = vec![0; COLUMNS * ROWS];
    let mut darkest = vec![255; COLUMNS * ROWS];
    for picture in pictures {
        for (at, grey) in picture.iter().enumerate() {
            brightest[at] = brightest[at].max(*grey);
            darkest[at] = darkest[at].min(*grey);
        }
    }
    (brightest, darkest)
}

fn screen((brightest, darkest): &(Vec<u8>, Vec<u8>)) -> Extremes<'_> {
    Extremes {
        columns: COLUMNS,
        rows: ROWS,
        brightest,
        darkest,
    }
}

fn edges(crop: PixelRect) -> [usize; 4] {
    [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height].map(|edge| edge as usize)
}

#[test]
fn the_scan_is_found_among_letters_ruler_bar_and_logo_in_one_picture_and_in_many() {
    for seeds in [1..2, 1..9_u32] {
        let pictures: Vec<Vec<u8>> = seeds
            .map(|seed| {
                let mut pixels = vec![0; COLUMNS * ROWS];
                scan(&mut pixels, seed);
                graphics(&mut pixels);
                pixels
            })
            .collect();
        let seen = extremes_of(&pictures);
        let crop = suggest_crop(&screen(&seen)).expect("a scan");
        for (edge, truth) in edges(crop).into_iter().zip(SCAN) {
            assert!(edge.abs_diff(truth) <= 2, "{crop:?} for {SCAN:?}");
        }
        assert_eq!(drawn_cells_inside(&screen(&seen), crop), 0);
    }
}

#[test]
fn a_bright_flat_echo_at_the_near_edge_does_not_cut_the_scan_off_below_it() {
    let mut pixels = vec![0; COLUMNS * ROWS];
    scan(&mut pixels, 3);
    graphics(&mut pixels);
    // A membrane on black, as thin and as bright as a line that was drawn, in the first rows of the scan.
    fill(&mut pixels, [220, 60, 400, 90], 0);
    fill(&mut pixels, [240, 70, 380, 73], 210);
    let seen = extremes_of(&[pixels]);
    let crop = suggest_crop(&screen(&seen)).expect("a scan");
    assert!(edges(crop)[1].abs_diff(SCAN[1]) <= 2, "{crop:?}");
}

#[test]
fn text_inside_an_area_is_told_and_a_caliper_in_echo_is_not() {
    let mut pixels = vec![0; COLUMNS * ROWS];
    scan(&mut pixels, 5);
    fill(&mut pixels, [300, 200, 302, 214], 230);
    fill(&mut pixels, [294, 206, 308, 208], 230);
    let seen = extremes_of(std::slice::from_ref(&pixels));
    let whole = PixelRect {
        x: 0,
        y: 0,
        width: COLUMNS as u32,
        height: ROWS as u32,
    };
    assert_eq!(drawn_cells_inside(&screen(&seen), whole), 0);
    graphics(&mut pixels);
    let seen = extremes_of(&[pixels]);
    assert!(drawn_cells_inside(&screen(&seen), whole) > 100);
    let scan_only = PixelRect {
        x: 120,
        y: 60,
        width: 380,
        height: 360,
    };
    assert_eq!(drawn_cells_inside(&screen(&seen), scan_only), 0);
}

#[test]
fn a_screen_without_a_scan_and_blocks_that_do_not_fit_suggest_nothing() {
    let mut letters = vec![0; COLUMNS * ROWS];
    graphics(&mut letters);
    let black = extremes_of(&[vec![0; COLUMNS * ROWS]]);
    let letters = extremes_of(&[letters]);
    for (name, seen) in [("black", &black), ("letters", &letters)] {
        let crop = suggest_crop(&screen(seen));
        assert!(crop.is_none(), "{name}: {crop:?}");
    }
    let short = Extremes {
        columns: COLUMNS,
        rows: ROWS,
        brightest: &black.0,
        darkest: &black.1[1..],
    };
    assert!(suggest_crop(&short).is_none());
    assert_eq!(drawn_pixels(&short), Vec::<bool>::new());
    let none = Extremes {
        columns: usize::MAX,
        rows: 2,
        brightest: &[],
        darkest: &[],
    };
    assert!(suggest_crop(&none).is_none());
}
