//! Tests of the decoder: messages of another program, and bytes that are torn, shifted, damaged or no messages at all.
use std::sync::Arc;

use proptest::prelude::*;

use super::header::{HEADER_BYTES, write_message};
use super::image::{PictureToSend, Scale, write_image};
use super::intake::Intake;
use super::wire::{Content, Decoder};
use crate::clock::Timestamp;
use crate::frame::{Frame, Orientation, Values};

/// Messages as pyigtl 0.3.4 packs them.
const PYIGTL_IMAGE: &str = "0001494d414745000000000000004579650000000000000000000000000000000000000003e880000000000000000000004e707a97e9587d1be10001010302020003000200013e4ccccd0000000000000000000000003e99999a0000000000000000000000003f8000003e4ccccd3e19999a00000000000000000000000300020001000102030405";
const PYIGTL_STRING_WITH_METADATA: &str = "0002535452494e470000000000004d6f757468000000000000000000000000000000000003e8800000000000000000000022924ffc0da137fd1f000c000a00000003000000070003000568656c6c6f00010001000300000002616263";
const PYIGTL_TRANSFORM: &str = "00015452414e53464f524d00000048616e6400000000000000000000000000000000000003e880000000000000000000003085ba806caa4670123f8000000000000000000000000000003f8000000000000000000000000000003f80000040a0000040c0000040e00000";
/// A 2 x 3 array of int16 without a slice index: pyigtl sends it as 1 x 3 x 2.
const PYIGTL_FLAT_IMAGE: &str = "0001494d41474500000000000000466c617400000000000000000000000000000000000003e880000000000000000000005449993218efc417240001010402020001000300023e4ccccd0000000000000000000000003e99999a0000000000000000000000003f800000000000003e99999a3f000000000000000000000100030002000001000200030004000500";

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect()
}

fn image(device: &str, seconds: f64, pixels: &[u8], columns: u16) -> Vec<u8> {
    let mut out = Vec::new();
    write_message(&mut out, "IMAGE", device, seconds, |body| {
        let picture = PictureToSend {
            pixels,
            columns,
            rows: (pixels.len() / usize::from(columns)) as u16,
            spacing: [0.2, 0.3],
            origin: [0.0, 0.0],
        };
        write_image(body, &picture);
    });
    out
}

fn words(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_message(&mut out, "STRING", "Mouth", 1.0, |body| {
        body.extend_from_slice(&3_u16.to_be_bytes());
        body.extend_from_slice(&(text.len() as u16).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    });
    out
}

/// Devices of all whole messages.
fn devices(decoder: &mut Decoder) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(message) = decoder.next_message() {
        all.push(message.header.device.to_string());
    }
    all
}

fn frames(intake: &mut Intake, bytes: &[u8]) -> Option<Arc<Frame>> {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    intake.take_all(&mut decoder, Timestamp::from_seconds(3.0))
}

#[test]
fn what_pyigtl_packs_is_read() {
    let mut decoder = Decoder::default();
    decoder.push(&bytes_of(PYIGTL_IMAGE));
    let message = decoder.next_message().expect("a whole message");
    assert_eq!(message.header.device.text(), "Eye");
    assert_eq!(message.header.seconds, Some(1000.5));
    let Content::Image(image) = message.content else {
        panic!("{message:?}");
    };
    assert_eq!((image.columns, image.rows), (3, 2));
    assert_eq!(image.pixels, [0, 1, 2, 3, 4, 5]);
    assert!(
        matches!(image.scale, Scale::Given([x, z]) if (x - 0.2).abs() < 1e-7 && (z - 0.3).abs() < 1e-7)
    );

    decoder.push(&bytes_of(PYIGTL_STRING_WITH_METADATA));
    let message = decoder.next_message().expect("a whole message");
    assert_eq!(message.message_id, Some(7));
    assert_eq!(message.content, Content::Words("hello".to_owned()));

    decoder.push(&bytes_of(PYIGTL_TRANSFORM));
    let message = decoder.next_message().expect("a whole message");
    let Content::Transform(matrix) = message.content else {
        panic!("{message:?}");
    };
    assert_eq!(matrix[9..], [5.0, 6.0, 7.0]);

    decoder.push(&bytes_of(PYIGTL_FLAT_IMAGE));
    let message = decoder.next_message().expect("a whole message");
    let Content::Image(image) = message.content else {
        panic!("{message:?}");
    };
    assert_eq!((image.columns, image.rows, image.pixels.len()), (3, 2, 12));
    assert_eq!(decoder.counts().damaged, 0);
}

#[test]
fn an_absurd_length_is_refused_before_anything_is_kept_and_the_next_message_is_found() {
    let mut absurd = image("Liar", 1.0, &[1; 12], 4);
    absurd[42..50].copy_from_slice(&u64::MAX.to_be_bytes());
    absurd.extend(words("after"));
    let mut decoder = Decoder::default();
    decoder.push(&absurd);
    assert_eq!(devices(&mut decoder), ["Mouth"]);
    assert_eq!(decoder.counts().oversized, 1);
    assert_eq!(decoder.kept_bytes(), 0);
}

#[test]
fn a_length_that_contradicts_the_picture_is_seen_at_once_not_after_so_many_bytes() {
    let mut wrong = image("Liar", 1.0, &[1; 12], 4);
    wrong[42..50].copy_from_slice(&(60_u64 << 20).to_be_bytes());
    wrong.extend(words("after"));
    let mut decoder = Decoder::default();
    decoder.push(&wrong);
    assert_eq!(devices(&mut decoder), ["Mouth"]);
    assert_eq!(decoder.counts().damaged_images, 1);
}

#[test]
fn a_damaged_picture_is_skipped_and_counted_as_a_lost_frame() {
    let mut intake = Intake::new(None, Orientation::Mf);
    let mut bytes = image("Eye", 1.0, &[1; 12], 4);
    let mut damaged = image("Eye", 2.0, &[2; 12], 4);
    *damaged.last_mut().expect("bytes") ^= 1;
    bytes.extend(damaged);
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    assert_eq!(
        intake
            .take_all(&mut decoder, Timestamp::ZERO)
            .expect("a frame")
            .id
            .0,
        0
    );
    decoder.push(&image("Eye", 3.0, &[3; 12], 4));
    assert_eq!(
        intake
            .take_all(&mut decoder, Timestamp::ZERO)
            .expect("a frame")
            .id
            .0,
        2
    );
    let mut lines = Vec::new();
    intake.lines(&mut lines);
    assert!(
        lines.iter().any(|l| l.starts_with("damage: 1 messages")),
        "{lines:?}"
    );
}

#[test]
fn of_several_pictures_the_newest_is_taken_and_the_others_are_counted() {
    let mut intake = Intake::new(None, Orientation::Mf);
    let all: Vec<u8> = (0..5_u8)
        .flat_map(|n| image("Eye", f64::from(n), &[n; 12], 4))
        .collect();
    let frame = frames(&mut intake, &all).expect("a frame");
    assert_eq!(frame.id.0, 4);
    assert_eq!(frame.source_seconds, Some(4.0));
    assert!(matches!(frame.samples.values(), Values::U8(v) if v[..] == [4; 12]));
}

#[test]
fn a_picture_sent_again_with_the_same_stamp_is_not_new() {
    let mut intake = Intake::new(None, Orientation::Mf);
    let picture = image("Eye", 7.0, &[7; 12], 4);
    assert!(frames(&mut intake, &picture).is_some());
    assert!(frames(&mut intake, &picture).is_none());
    let later = image("Eye", 7.1, &[7; 12], 4);
    assert_eq!(frames(&mut intake, &later).expect("a new stamp").id.0, 1);
}

#[test]
fn one_stream_is_shown_and_others_are_named() {
    let mut intake = Intake::new(None, Orientation::Mf);
    assert!(frames(&mut intake, &image("A", 1.0, &[1; 12], 4)).is_some());
    assert!(frames(&mut intake, &image("B", 2.0, &[1; 12], 4)).is_none());
    let mut lines = Vec::new();
    intake.lines(&mut lines);
    assert!(
        lines.contains(&"image stream: A, the first that came".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"other image streams, not shown: B".to_owned()),
        "{lines:?}"
    );
    let mut wanted = Intake::new(Some("B"), Orientation::Mf);
    assert!(frames(&mut wanted, &image("A", 1.0, &[1; 12], 4)).is_none());
    assert_eq!(wanted.missed(), Some("B"));
    assert!(frames(&mut wanted, &image("B", 2.0, &[1; 12], 4)).is_some());
}

#[test]
fn after_a_reconnect_the_stream_shown_before_is_waited_for_and_then_another_is_taken() {
    let mut intake = Intake::new(None, Orientation::Mf);
    let mut decoder = Decoder::default();
    let mut take = |intake: &mut Intake, device: &str, at: f64| {
        decoder.push(&image(device, at, &[1; 12], 4));
        intake
            .take_all(&mut decoder, Timestamp::from_seconds(at))
            .is_some()
    };
    assert!(take(&mut intake, "A", 1.0));
    intake.begin(Timestamp::from_seconds(10.0));
    assert!(!take(&mut intake, "B", 10.5));
    assert!(take(&mut intake, "B", 11.5));
}

/// A picture with header version 2 and the sender's number.
fn numbered(device: &str, number: u32) -> Vec<u8> {
    let plain = image(device, f64::from(number), &[1; 12], 4);
    let mut body = vec![0, 12, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(&number.to_be_bytes());
    body.extend_from_slice(&plain[HEADER_BYTES..]);
    let mut out = Vec::new();
    write_message(&mut out, "IMAGE", device, f64::from(number), |b| {
        b.extend(body);
    });
    out[1] = 2;
    out
}

#[test]
fn what_a_numbering_peer_left_out_is_counted() {
    let mut intake = Intake::new(None, Orientation::Mf);
    let ids: Vec<u64> = [1, 2, 5, 6]
        .iter()
        .map(|n| {
            frames(&mut intake, &numbered("Eye", *n))
                .expect("a frame")
                .id
                .0
        })
        .collect();
    assert_eq!(ids, [0, 1, 4, 5]);
}

#[test]
fn a_peers_words_come_without_control_characters_and_with_an_end() {
    let mut decoder = Decoder::default();
    let text = format!("a\u{1b}[31m\u{202e}b\n{}", "x".repeat(4000));
    decoder.push(&words(&text));
    let message = decoder.next_message().expect("a whole message");
    let Content::Words(shown) = message.content else {
        panic!("no words");
    };
    assert!(shown.starts_with("a [31m b x"), "{shown}");
    assert_eq!(shown.chars().count(), 200);
}

/// A run of messages of all kinds.
fn stream(count: usize) -> (Vec<Vec<u8>>, Vec<String>) {
    let messages: Vec<Vec<u8>> = (0..count)
        .map(|n| match n % 4 {
            0 => image(&format!("Eye{n}"), n as f64, &vec![n as u8; 40 + n], 1),
            1 => words(&format!("word {n}")),
            2 => bytes_of(PYIGTL_TRANSFORM),
            _ => numbered(&format!("Eye{n}"), n as u32),
        })
        .collect();
    let names = messages
        .iter()
        .map(|m| {
            let mut decoder = Decoder::default();
            decoder.push(m);
            devices(&mut decoder).remove(0)
        })
        .collect();
    (messages, names)
}

#[test]
fn a_wrong_length_of_a_kind_nobody_knows_does_not_swallow_what_follows() {
    let mut bytes = words("lost");
    bytes[2..14].copy_from_slice(b"UNHEARD_OF\0\0");
    bytes[42..50].copy_from_slice(&(60_u64 << 20).to_be_bytes());
    bytes.extend(words("after"));
    let mut decoder = Decoder::default();
    let mut got = Vec::new();
    for piece in bytes.chunks(7) {
        decoder.push(piece);
        got.extend(devices(&mut decoder));
    }
    assert_eq!(got, ["Mouth"]);
    assert_eq!(decoder.kept_bytes(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn torn_anywhere_all_messages_come_whole_and_in_order(
        cuts in proptest::collection::vec(1..300_usize, 1..60),
    ) {
        let (messages, names) = stream(12);
        let bytes = messages.concat();
        let mut decoder = Decoder::default();
        let mut got = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            decoder.push(piece);
            got.extend(devices(&mut decoder));
            rest = after;
        }
        prop_assert_eq!(got, names);
        prop_assert_eq!(decoder.counts().resyncs, 0);
    }

    #[test]
    fn after_damage_the_second_message_at_the_latest_is_read(
        hit in 0..4_usize,
        at in any::<proptest::sample::Index>(),
        run in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let (messages, names) = stream(8);
        let mut bytes = messages.concat();
        let begin: usize = messages.iter().take(hit).map(Vec::len).sum();
        let at = begin + at.index(messages[hit].len() - 1);
        let end = (at + run.len()).min(begin + messages[hit].len());
        bytes[at..end].copy_from_slice(&run[..end - at]);
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let got = devices(&mut decoder);
        prop_assert!(got.ends_with(&names[hit + 1..]), "{:?}", got);
    }

    #[test]
    fn shifted_or_repeated_bytes_cost_their_own_message_and_the_next_at_most(
        hit in 0..6_usize,
        drop in any::<proptest::sample::Index>(),
        repeat in 0..80_usize,
    ) {
        let (mut messages, names) = stream(8);
        let message = &mut messages[hit];
        let at = drop.index(message.len());
        if repeat == 0 {
            message.remove(at);
        } else {
            let end = (at + repeat).min(message.len());
            let again = message[at..end].to_vec();
            message.splice(at..at, again);
        }
        let mut decoder = Decoder::default();
        decoder.push(&messages.concat());
        let got = devices(&mut decoder);
        // A missing last byte may be the same as the first of the next message, which then lacks it.
        prop_assert!(got.ends_with(&names[hit + 2..]), "{:?}", got);
    }

    #[test]
    fn random_bytes_are_no_message_and_keep_no_memory(
        bytes in proptest::collection::vec(any::<u8>(), 0..4096),
    ) {
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        prop_assert!(devices(&mut decoder).is_empty());
        decoder.push(&bytes);
        decoder.push(&bytes);
        prop_assert!(decoder.kept_bytes() <= 3 * bytes.len());
    }

    #[test]
    fn any_body_of_a_picture_is_a_frame_or_a_reason(
        head in proptest::collection::vec(any::<u8>(), 72),
        tame in any::<bool>(),
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut head = head;
        if tame {
            // Near enough to a picture that its insides are read.
            head[2] = [1, 3, 4][usize::from(head[2]) % 3];
            head[3] = [2, 3, 4, 5, 6, 7, 10, 11][usize::from(head[3]) % 8];
            head[4] = 1 + head[4] % 2;
            for at in [6, 8, 66, 68] {
                head[at] = 0;
                head[at + 1] = 1 + head[at + 1] % 8;
            }
            (head[10], head[11], head[70], head[71]) = (0, 1, 0, 1);
            for at in [60, 62, 64] {
                head[at] = 0;
                head[at + 1] = 0;
            }
        }
        let mut bytes = Vec::new();
        write_message(&mut bytes, "IMAGE", "Eye", 1.0, |b| {
            b.extend_from_slice(&head);
            b.extend_from_slice(&body);
        });
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let mut intake = Intake::new(None, Orientation::Un);
        if let Some(frame) = intake.take_all(&mut decoder, Timestamp::ZERO) {
            prop_assert_eq!(frame.samples.outer() * frame.samples.inner() > 0, true);
        }
    }
}
