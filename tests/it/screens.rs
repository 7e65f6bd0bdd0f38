//! Scan areas suggested on real screens: how much of the graphics stays inside, how much of the scan is kept.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "helpers of tests: a panic is a failed test"
)]
use std::path::{Path, PathBuf};

use portsight::exchange::{OpenOptions, open};
use portsight::frame::Values;
use portsight::probe::{Extremes, suggest_crop};

/// Brighter pixels outside the scan are text, rulers, bars and logos.
const GRAPHICS: u8 = 40;
/// Brighter pixels inside it are echo.
const ECHO: u8 = 12;
/// Frames looked at, as many as the watch over a grabber sees in some seconds.
const FRAMES: usize = 60;

/// One screen: its file, and where the scan lies by eye, in the internal orientation: left, top, right, bottom.
const SCREENS: [(&str, [usize; 4]); 6] = [
    (
        "plus-framegrab/SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha",
        [28, 65, 498, 428],
    ),
    (
        "plus-framegrab/USTC_FrameGrabber_TemplateTranslationData.igs.mha",
        [60, 100, 515, 405],
    ),
    (
        "pocus-rulers/clarius-ocular-image.png",
        [263, 86, 1016, 874],
    ),
    ("pocus-rulers/sonosite-anon-eye1.jpg", [387, 41, 723, 640]),
    (
        "pocus-rulers/clarius_axial-lateral-resolution-2020.png",
        [342, 158, 937, 801],
    ),
    // The ruler lies over the scan itself: no rectangle parts them.
    ("needle-tissue/frames/ph_128.png", [0, 0, 1080, 860]),
];

fn recordings() -> PathBuf {
    std::env::var_os("PORTSIGHT_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    )
}

struct Seen {
    columns: usize,
    rows: usize,
    brightest: Vec<u8>,
    darkest: Vec<u8>,
}

fn look(path: &Path) -> Seen {
    let file = open(path, &OpenOptions::default()).expect("a picture");
    let mut seen: Option<Seen> = None;
    for index in 0..file.frame_count().min(FRAMES) {
        let frame = file.frame(index).expect("a frame");
        let values = match frame.samples.values() {
            Values::U8(values) => Some(values),
            Values::U16(_) => None,
        };
        let values = values.expect("8 bits");
        let seen = seen.get_or_insert_with(|| Seen {
            columns: frame.samples.inner(),
            rows: frame.samples.outer(),
            brightest: values.to_vec(),
            darkest: values.to_vec(),
        });
        for (at, value) in values.iter().enumerate() {
            seen.brightest[at] = seen.brightest[at].max(*value);
            seen.darkest[at] = seen.darkest[at].min(*value);
        }
    }
    seen.expect("frames")
}

fn holds([left, top, right, bottom]: [usize; 4], x: usize, y: usize) -> bool {
    (left..right).contains(&x) && (top..bottom).contains(&y)
}

#[test]
fn on_real_screens_the_area_suggested_keeps_the_scan_and_leaves_the_graphics_out() {
    for (name, scan) in SCREENS {
        let path = recordings().join(name);
        if !path.is_file() {
            println!("skipped: {name} is not there");
            continue;
        }
        let seen = look(&path);
        let crop = suggest_crop(&Extremes {
            columns: seen.columns,
            rows: seen.rows,
            brightest: &seen.brightest,
            darkest: &seen.darkest,
        });
        let crop = crop.unwrap_or_else(|| panic!("{name}: nothing is suggested"));
        let crop = [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height].map(|c| c as usize);
        let (mut graphics, mut left_inside, mut echo, mut kept) = (0, 0, 0, 0);
        for (at, value) in seen.brightest.iter().enumerate() {
            let (x, y) = (at % seen.columns, at / seen.columns);
            let inside = usize::from(holds(crop, x, y));
            if holds(scan, x, y) {
                echo += usize::from(*value > ECHO);
                kept += usize::from(*value > ECHO) * inside;
            } else {
                graphics += usize::from(*value >= GRAPHICS);
                left_inside += usize::from(*value >= GRAPHICS) * inside;
            }
        }
        println!(
            "{name}: {crop:?}, {left_inside} of {graphics} graphics pixels inside, {:.3} of the echo kept",
            kept as f64 / echo as f64
        );
        assert!(
            left_inside * 50 <= graphics,
            "{name}: {left_inside} of {graphics}"
        );
        assert!(kept * 100 >= echo * 96, "{name}: {kept} of {echo} kept");
        // The near edge is taken for the probe face (the stored VLCUS screen has black there).
        let near = crop[1].abs_diff(scan[1]);
        assert!(near <= 8, "{name}: near edge off by {near} px");
    }
}
