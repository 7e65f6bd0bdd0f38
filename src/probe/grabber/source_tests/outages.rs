//! What is lost, what comes back, and what is asked again.
use super::*;

#[test]
fn a_setup_crops_turns_and_scales_the_frames_from_then_on() {
    let room = Room::new();
    let mut source = room.source();
    assert!(source.set_picture(&eight_cm()).is_err(), "no mode yet");
    let mut picture = vec![0_u8; 640 * 480 * 2];
    for (i, pixel) in picture.chunks_exact_mut(2).enumerate() {
        let (column, row) = (i % 640, i / 640);
        let corner = (column, row) == (499, 439);
        pixel.copy_from_slice(&[if corner { 200 } else { 10 }, 128]);
    }
    room.script([plain(0), Step::Bytes(1, picture)]);
    let before = frame(&mut source);
    assert!(!before.geometry.has_scale());
    assert!(source.facts().wants_picture_setup && source.facts().picture_setup.is_none());
    let version = source.facts_version();
    source.set_picture(&eight_cm()).expect("taken and saved");
    assert!(source.facts_version() > version);
    let after = frame(&mut source);
    assert!(after.geometry.has_scale());
    assert_eq!((after.samples.inner(), after.samples.outer()), (400, 400));
    let Values::U8(values) = after.samples.values() else {
        panic!("bytes");
    };
    assert_eq!(
        values[0], 200,
        "the far corner of the crop is the first pixel"
    );
    let ScanGeometry::Raster { stored, .. } = &*after.geometry else {
        panic!("a picture");
    };
    let back = stored
        .stored_from_scan
        .apply(crate::space::ScanPoint::new(0.0, 0.0));
    assert!((back.x - 499.0 * 0.2).abs() < 1e-9 && (back.z - 439.0 * 0.2).abs() < 1e-9);
    assert_eq!(after.settings.depth.0, 80.0);
    let outside = PictureSetup {
        crop: Some(PixelRect {
            x: 400,
            y: 0,
            width: 400,
            height: 400,
        }),
        ..eight_cm()
    };
    assert!(source.set_picture(&outside).is_err());
    assert_eq!(source.facts().picture_setup, Some(eight_cm()), "kept");
}

#[test]
fn a_remembered_scale_is_offered_and_not_in_force_until_it_is_picked() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    frame(&mut source);
    source.set_picture(&eight_cm()).expect("saved");
    drop(source);
    // The next day.
    let mut source = room.source();
    room.script([plain(0), plain(1)]);
    let remembered = frame(&mut source);
    assert!(
        !remembered.geometry.has_scale(),
        "the depth may have been turned"
    );
    assert_eq!(remembered.samples.inner(), 400, "the crop is in force");
    let offered = source.facts().saved_setups.clone();
    assert_eq!(offered, [eight_cm()]);
    assert_eq!(
        source
            .facts()
            .picture_setup
            .as_ref()
            .and_then(|s| s.spacing),
        None
    );
    source.set_picture(&offered[0]).expect("picked");
    assert!(frame(&mut source).geometry.has_scale());
}

/// Frames without and with a scale after an outage of this long.
fn has_scale_after(outage: Duration) -> bool {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    frame(&mut source);
    source.set_picture(&eight_cm()).expect("saved");
    room.script([plain(1), Step::Fails(DeviceProblem::Gone)]);
    frame(&mut source);
    lost(&mut source);
    room.clock.advance(outage);
    room.script([plain(0)]);
    frame(&mut source).geometry.has_scale()
}

#[test]
fn a_picked_scale_outlives_a_short_outage_and_no_long_one() {
    assert!(has_scale_after(Duration::from_secs(3)));
    assert!(!has_scale_after(SCALE_OUTLIVES + Duration::from_secs(1)));
}

#[test]
fn another_picture_size_after_a_replug_asks_again_and_the_old_one_is_offered_no_more() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    frame(&mut source);
    source.set_picture(&eight_cm()).expect("saved");
    room.script([Step::Fails(DeviceProblem::SourceChanged)]);
    assert!(lost(&mut source).contains("changed"));
    room.with(|bench| bench.plugged[0].grants = Some(mode(320, 240)));
    room.clock.advance(Duration::from_secs(1));
    room.script([plain(0)]);
    let small = frame(&mut source);
    assert_eq!((small.samples.inner(), small.samples.outer()), (320, 240));
    assert!(!small.geometry.has_scale());
    assert!(source.facts().saved_setups.is_empty());
    assert_eq!(source.facts().picture_setup, None);
    // Back in the first size within a minute: what was picked for it holds.
    room.with(|bench| bench.plugged[0].grants = None);
    room.script([Step::Fails(DeviceProblem::SourceChanged)]);
    lost(&mut source);
    room.clock.advance(Duration::from_secs(1));
    room.script([plain(0)]);
    assert!(frame(&mut source).geometry.has_scale());
}

#[test]
fn a_mode_that_the_user_chooses_is_streamed() {
    let room = Room::new();
    let mut source = room.source();
    room.script([plain(0)]);
    assert_eq!(frame(&mut source).samples.inner(), 640);
    assert_eq!(source.modes().len(), 2);
    let offers = source.facts().offers.clone();
    assert_eq!(
        offers.modes,
        ["320x240 YUYV, 30.0 frames/s", "640x480 YUYV, 30.0 frames/s"]
    );
    assert_eq!(offers.mode.as_ref(), Some(&offers.modes[1]));
    assert!(source.choose_mode("8000x6000 YUYV").is_err());
    source.choose_mode(&offers.modes[0]).expect("offered");
    room.script([plain(0)]);
    assert_eq!(frame(&mut source).samples.inner(), 320);
    assert_eq!(source.mode(), Some(mode(320, 240)));
    assert_eq!(source.facts().offers.mode.as_ref(), Some(&offers.modes[0]));
    let starts = room.with(|bench| bench.starts);
    source.choose_mode(&offers.modes[0]).expect("offered");
    room.script([plain(1)]);
    frame(&mut source);
    assert_eq!(
        room.with(|bench| bench.starts),
        starts,
        "it is in it already"
    );
}

/// A screen of 640 x 480: a scan of speckle at 100..500 x 60..400, and strokes at its left.
fn screen(seed: u32) -> Vec<u8> {
    (0..640 * 480_u32)
        .flat_map(|at| {
            let (x, y) = (at % 640, at / 640);
            let noise = (at ^ seed.wrapping_mul(977)).wrapping_mul(2_654_435_761);
            let grey = if (100..500).contains(&x) && (60..400).contains(&y) {
                20 + (noise.rotate_left(9).wrapping_mul(2_246_822_519) >> 25) as u8
            } else if (20..60).contains(&x) && x % 10 < 3 && (60..360).contains(&y) && y % 20 < 12 {
                220
            } else {
                0
            };
            [grey, 128]
        })
        .collect()
}

#[test]
fn a_scan_area_is_suggested_on_request_and_strokes_inside_the_area_in_force_are_told() {
    let room = Room::new();
    let mut source = room.source();
    assert!(source.suggest_crop().is_err(), "nothing was seen yet");
    room.script((0..80).map(|k| Step::Bytes(k, screen(k))));
    for _ in 0..80 {
        frame(&mut source);
    }
    assert_eq!(source.facts().offers.suggested_crop, None, "nobody asked");
    assert!(
        source.facts().offers.drawn_inside,
        "the whole picture is shown"
    );
    source.suggest_crop().expect("there is a scan");
    let crop = source.facts().offers.suggested_crop.expect("told");
    let edges = [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height];
    for (edge, truth) in edges.into_iter().zip([100, 60, 500, 400]) {
        assert!(edge.abs_diff(truth) <= 2, "{crop:?}");
    }
    assert_eq!(source.facts().picture_setup, None, "it is not in force");
    let setup = PictureSetup {
        crop: Some(crop),
        ..eight_cm()
    };
    source.set_picture(&setup).expect("taken");
    assert!(!source.facts().offers.drawn_inside, "they lie outside now");
}

#[test]
fn a_torn_file_of_setups_is_told_and_set_aside_and_the_picture_goes_on() {
    let room = Room::new();
    std::fs::write(room.file(), "[[picture]\ncard =").expect("written");
    let mut source = room.source();
    room.script([plain(0)]);
    let problem = source.next(PATIENCE).expect_err("told");
    assert!(problem.to_string().contains("set aside"), "{problem}");
    assert!(!room.file().exists());
    frame(&mut source);
    source.set_picture(&eight_cm()).expect("a new file");
    assert!(room.file().exists());
    // Torn while the session runs: the setup is taken and saved, and the damage told.
    std::fs::write(room.file(), "[[picture]\ncard =").expect("written");
    let words = source.set_picture(&eight_cm()).expect_err("told");
    assert!(words.contains("set aside"), "{words}");
    room.script([plain(1)]);
    assert!(frame(&mut source).geometry.has_scale());
    assert_eq!(source.saved_setups(), [eight_cm()]);
}

#[test]
fn buffers_are_used_again_in_steady_state() {
    let room = Room::new();
    let mut source = room.source();
    room.script((0..40).map(plain));
    let mut places = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let frame = frame(&mut source);
        let Values::U8(values) = frame.samples.values() else {
            panic!("bytes");
        };
        places.insert(values.as_ptr() as usize);
    }
    assert_eq!(places.len(), 1, "one buffer serves one reader");
}

#[test]
fn nodes_are_listed_with_what_to_do_and_those_that_capture_nothing_are_left_out() {
    let room = Room::new();
    room.with(|bench| {
        let mut refused = stick("/dev/video1", "usb-3");
        refused.refusal = Some(DeviceProblem::Refused {
            path: refused.node.clone(),
        });
        let mut metadata = stick("/dev/video2", "usb-1");
        metadata.refusal = Some(DeviceProblem::NoCapture {
            path: metadata.node.clone(),
            cause: "it is for metadata".to_owned(),
        });
        let mut odd = stick("/dev/video3", "usb-4");
        odd.modes.clear();
        bench.plugged.extend([refused, metadata, odd]);
    });
    let mut nodes = ScriptNodes(Arc::clone(&room.bench), Arc::clone(&room.clock));
    let listed = crate::probe::grabber::listing::list(&mut nodes);
    let said: Vec<_> = listed
        .iter()
        .map(|l| (l.spec.as_str(), l.access, l.hint.is_some()))
        .collect();
    assert_eq!(
        said,
        [
            ("v4l2:/dev/video0", Access::Allowed, false),
            ("v4l2:/dev/video1", Access::Refused, true),
            ("v4l2:/dev/video3", Access::Unknown, true),
        ]
    );
}
