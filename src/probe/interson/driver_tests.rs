//! What the driver says to its probe, word for word, and what it makes of the answers.
use std::sync::Arc;

use super::script::{Said, ScriptedPipe};
use super::wire::{FRAME_BYTES, LINE_BYTES, LINES};
use super::{Firmware, FirmwareProblem, IntersonDriver, Variant};
use crate::clock::Timestamp;
use crate::frame::{ImagingSettings, ScanGeometry, ScanStage, Values};
use crate::probe::Driver as _;

fn out(value: u16, byte: u8) -> Said {
    Said::Out {
        request: 0xD8,
        value,
        bytes: vec![byte],
    }
}

fn asked(
    frequency_mhz: f64,
    receive_filter_mhz: Option<f64>,
    rate: Option<f64>,
) -> ImagingSettings {
    ImagingSettings {
        frequency_mhz,
        receive_filter_mhz,
        frame_rate_hz: rate,
        ..ImagingSettings::default()
    }
}

#[test]
fn the_whole_conversation_is_the_published_one() {
    let mut pipe = ScriptedPipe::default();
    let mut driver = IntersonDriver::new(Variant::Gp35);
    driver.identify(&mut pipe).unwrap();
    driver
        .configure(&mut pipe, &asked(3.5, Some(3.4), Some(12.0)))
        .unwrap();
    driver.start(&mut pipe).unwrap();
    driver.stop(&mut pipe).unwrap();
    let expected = [
        // init
        out(0x0101, 0),
        out(0x0300, 0),
        out(0x0900, 39),
        out(0x0901, 25),
        Said::In {
            request: 0xD8,
            value: 0x0000,
        },
        // 12.5 frames/s
        out(0x0801, 0x93),
        out(0x0802, 0x07),
        out(0x0803, 0x00),
        out(0x0804, 0x00),
        out(0x0805, 0x93),
        out(0x0806, 0xA4),
        out(0x0807, 0x32),
        // 60 MHz / (14 + 3) = 3.53 MHz; 3.37 MHz
        out(0x0100, 14),
        out(0x0400, 1),
        out(0x0201, 100),
        // start
        out(0x0200, 1),
        out(0x0600, 64),
        out(0x0800, 1),
        Said::Pause(100),
        out(0x0000, 1),
        // stop
        out(0x0000, 0),
        Said::Pause(100),
        out(0x0800, 0),
        out(0x0200, 0),
    ];
    assert_eq!(pipe.said, expected);
}

#[test]
fn no_code_path_sets_another_high_voltage_or_touches_the_tgc() {
    // Every request that can fail does so once; settings go to every limit and beyond.
    for variant in [Variant::Gp35, Variant::Gp75] {
        for fails in 0..30 {
            let mut pipe = ScriptedPipe::failing_at([fails]);
            let mut driver = IntersonDriver::new(variant);
            let _may_fail = driver.identify(&mut pipe);
            for mhz in [0.0, 1.0, 2.9, 5.0, 7.5, 20.0, f64::NAN, f64::INFINITY, -4.0] {
                for rate in [None, Some(0.0), Some(11.0), Some(1e9), Some(f64::NAN)] {
                    let _may_fail = driver.configure(&mut pipe, &asked(mhz, Some(mhz), rate));
                }
            }
            let _may_fail = driver.start(&mut pipe);
            let _may_fail = driver.stop(&mut pipe);
            for (register, value) in pipe.writes() {
                assert!(register != 0x0201 || value == 100, "level {value}");
                let is_tgc =
                    (0x0500..=0x050F).contains(&register) || (0x0700..=0x0702).contains(&register);
                assert!(!is_tgc, "{register:#06x}");
                assert!(register != 0x0100 || value <= 31, "index {value}");
                assert!(register != 0x0400 || value <= 3, "filter {value}");
            }
            assert!(
                pipe.writes()
                    .iter()
                    .any(|(register, _)| *register == 0x0201)
            );
        }
    }
}

#[test]
fn the_level_is_set_before_the_high_voltage_is_switched_on() {
    let mut pipe = ScriptedPipe::default();
    let mut driver = IntersonDriver::new(Variant::Gp35);
    driver.identify(&mut pipe).unwrap();
    driver
        .configure(&mut pipe, &ImagingSettings::default())
        .unwrap();
    driver.start(&mut pipe).unwrap();
    let place = |wanted: (u16, u8)| pipe.writes().iter().position(|w| *w == wanted).unwrap();
    assert!(place((0x0201, 100)) < place((0x0200, 1)));
}

#[test]
fn every_step_of_a_stop_is_tried_whatever_fails() {
    for fails in [vec![0], vec![1], vec![2], vec![0, 1, 2]] {
        let mut pipe = ScriptedPipe::failing_at(fails);
        let outcome = IntersonDriver::new(Variant::Gp35).stop(&mut pipe);
        assert!(outcome.is_err());
        assert_eq!(pipe.writes(), [(0x0000, 0), (0x0800, 0), (0x0200, 0)]);
    }
}

#[test]
fn what_is_granted_is_what_the_registers_say() {
    for (variant, wanted, mhz, filter, rate) in [
        (Variant::Gp35, asked(5.0, None, None), 5.0, 4.37, 15.0),
        (
            Variant::Gp35,
            asked(20.0, Some(1.0), Some(1.0)),
            5.0,
            2.87,
            10.0,
        ),
        (Variant::Gp75, asked(7.4, None, Some(13.0)), 7.5, 7.75, 12.5),
    ] {
        let mut pipe = ScriptedPipe::default();
        let mut driver = IntersonDriver::new(variant);
        let granted = driver.configure(&mut pipe, &wanted).unwrap();
        assert_eq!(granted.frequency_mhz, mhz);
        assert_eq!(granted.receive_filter_mhz, Some(filter));
        assert_eq!(granted.frame_rate_hz, Some(rate));
        let limits = driver.limits();
        assert!(limits.frequency_mhz.contains(&mhz));
        assert!(limits.frequency_mhz.is_sorted() && limits.receive_filter_mhz.is_sorted());
    }
}

#[test]
fn settings_are_written_again_only_when_they_change_or_the_writing_failed() {
    let mut driver = IntersonDriver::new(Variant::Gp35);
    let mut pipe = ScriptedPipe::failing_at([3]);
    assert!(
        driver
            .configure(&mut pipe, &ImagingSettings::default())
            .is_err()
    );
    driver
        .configure(&mut pipe, &ImagingSettings::default())
        .unwrap();
    let before = pipe.said.len();
    driver
        .configure(&mut pipe, &ImagingSettings::default())
        .unwrap();
    assert_eq!(pipe.said.len(), before);
    assert_eq!(before, 4 + 10);
}

#[test]
fn frames_carry_the_published_geometry_and_echoes_without_the_counter() {
    let mut driver = IntersonDriver::new(Variant::Gp35);
    let mut bytes = Vec::new();
    for number in 0..5_u8 {
        for line in 0..LINES {
            bytes.push(number);
            bytes.extend((1..LINE_BYTES).map(|s| ((s * 7 + line * 13) % 251) as u8 | 0x10));
        }
    }
    let mut frames = Vec::new();
    driver.take(&bytes, Timestamp::from_nanos(42), &mut frames);
    assert_eq!(frames.iter().map(|f| f.id.0).collect::<Vec<_>>(), [0, 1, 2]);
    let frame = Arc::clone(&frames[0]);
    assert_eq!(frame.captured_at, Timestamp::from_nanos(42));
    assert_eq!(frame.stage, ScanStage::PreScan);
    assert_eq!((frame.samples.outer(), frame.samples.inner()), (241, 1023));
    let Values::U8(values) = frame.samples.values() else {
        panic!("8 bits");
    };
    assert_eq!(values[0], 7 | 0x10, "the first value is an echo");
    assert_eq!(values[1023 * 2], (7 + 2 * 13) | 0x10);
    let ScanGeometry::Curvilinear {
        radius,
        sector,
        depth,
    } = *frame.geometry
    else {
        panic!("a sector");
    };
    assert_eq!(radius.0, 32.8);
    assert!((sector.degrees() - 90.0).abs() < 1e-9);
    // Sample 1 of 1024 stays where it was when the counter is left out.
    assert!((depth.far.0 - 106.2).abs() < 1e-9);
    assert!((depth.near.0 - 106.2 / 1024.0).abs() < 1e-9);
}

#[test]
fn after_an_outage_frame_numbers_go_on() {
    let mut driver = IntersonDriver::new(Variant::Gp35);
    let run: Vec<u8> = (3..8_u8)
        .flat_map(|n| {
            let mut frame = vec![200; FRAME_BYTES];
            frame.iter_mut().step_by(LINE_BYTES).for_each(|b| *b = n);
            frame
        })
        .collect();
    let mut frames = Vec::new();
    driver.take(&run, Timestamp::ZERO, &mut frames);
    driver.restart_stream();
    driver.take(&run, Timestamp::ZERO, &mut frames);
    let ids: Vec<u64> = frames.iter().map(|f| f.id.0).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn firmware_is_written_in_small_pieces_while_the_cpu_is_held() {
    let image: Vec<u8> = (0..150_u8).collect();
    let firmware = Firmware::from_image(&image).unwrap();
    let mut pipe = ScriptedPipe::default();
    firmware.load(&mut pipe).unwrap();
    let ram = |value: u16, bytes: &[u8]| Said::Out {
        request: 0xA0,
        value,
        bytes: bytes.to_vec(),
    };
    let expected = [
        ram(0xE600, &[1]),
        Said::Pause(10),
        ram(0, &image[..64]),
        ram(64, &image[64..128]),
        ram(128, &image[128..]),
        ram(0xE600, &[0]),
    ];
    assert_eq!(pipe.said, expected);
    // A write that fails ends it: a CPU with half a program is never started.
    let mut pipe = ScriptedPipe::failing_at([2]);
    assert!(firmware.load(&mut pipe).is_err());
    assert_eq!(pipe.said.len(), 4);
}

#[test]
fn intel_hex_is_taken_with_its_addresses_and_refused_where_no_program_belongs() {
    let text = b":0300000002006F8C\r\n:02006F00A5C327\r\n:00000001FF\r\n";
    let firmware = Firmware::from_hex(text).unwrap();
    assert_eq!(firmware.len(), 5);
    let mut pipe = ScriptedPipe::default();
    firmware.load(&mut pipe).unwrap();
    assert!(pipe.said.contains(&Said::Out {
        request: 0xA0,
        value: 0x006F,
        bytes: vec![0xA5, 0xC3],
    }));
    let beyond = |text: &[u8]| Firmware::from_hex(text);
    // 0xE600 is the CPU control register.
    assert!(matches!(
        beyond(b":01E60000FF1A\n:00000001FF\n"),
        Err(FirmwareProblem::Address {
            address: 0xE600,
            ..
        })
    ));
    assert!(matches!(
        beyond(b":020000040001F9\n:0100000055AA\n:00000001FF\n"),
        Err(FirmwareProblem::Address {
            address: 0x1_0000,
            ..
        })
    ));
    for broken in [
        &b":0300000002006F8D\n:00000001FF\n"[..],
        b":0300000002006F8C\n",
        b":00000001FF\n",
        b"no hex at all",
        b":\xC3\xA4",
        b"\xFF\xFE",
    ] {
        let problem = beyond(broken).unwrap_err();
        assert!(matches!(problem, FirmwareProblem::Hex { .. }), "{problem}");
    }
}

#[test]
fn files_that_are_no_firmware_are_refused_with_a_reason() {
    assert!(matches!(
        Firmware::from_image(&[]),
        Err(FirmwareProblem::Size { got: 0, .. })
    ));
    assert!(Firmware::from_image(&vec![0; 0x4000]).is_ok());
    assert!(Firmware::from_image(&vec![0; 0x4001]).is_err());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Firmware::read(&path)
    };
    assert!(file("probe.BIX", &[2, 0, 0x6F]).is_ok());
    assert!(matches!(
        file("probe.exe", &[2]),
        Err(FirmwareProblem::Kind { .. })
    ));
    assert!(matches!(
        file("probe", &[2]),
        Err(FirmwareProblem::Kind { .. })
    ));
    assert!(matches!(
        file("big.bix", &vec![0; 1 << 20]),
        Err(FirmwareProblem::Size { .. })
    ));
    let absent = Firmware::read(&folder.path().join("absent.bix"));
    assert!(matches!(absent, Err(FirmwareProblem::Unreadable { .. })));
}
