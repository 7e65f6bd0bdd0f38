//! The line decoder on whole, torn, shifted, repeated and random streams.
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::wire::{FRAME_BYTES, LINE_BYTES, LINES, LineDecoder};
use crate::clock::Timestamp;

/// What the samples of a stream look like.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// Any value anywhere.
    Noise,
    /// Bright and noisy near the probe, nothing but zeros below: zeros look like counters.
    Dark,
    /// Low noise everywhere, 0 to 3: any column looks like counters for a few lines.
    Dim,
}

fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Frame `number` of a stream; its first counter is that of `number`.
fn frame(look: Look, seed: u64, number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAME_BYTES);
    for line in 0..LINES {
        for sample in 0..LINE_BYTES {
            let place = (number * LINES as u64 + line as u64) * LINE_BYTES as u64 + sample as u64;
            let any = mixed(seed ^ place);
            bytes.push(match look {
                _ if sample == 0 => (number % 16) as u8,
                Look::Noise => any as u8,
                Look::Dark if sample < 600 => 16 + (any % 200) as u8,
                Look::Dark => 0,
                Look::Dim => (any % 4) as u8,
            });
        }
    }
    bytes
}

fn stream(look: Look, seed: u64, first: u64, frames: u64) -> Vec<u8> {
    (first..first + frames)
        .flat_map(|n| frame(look, seed, n))
        .collect()
}

/// Everything a decoder hands on, fed in pieces of `piece` bytes.
fn decoded(bytes: &[u8], piece: usize) -> (Vec<(u8, u64, Vec<u8>)>, LineDecoder) {
    let mut decoder = LineDecoder::new();
    let mut out = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        decoder.take(piece, Timestamp::ZERO, &mut |raw| {
            out.push((raw.counter, raw.step, raw.lines.to_vec()));
        });
    }
    (out, decoder)
}

#[test]
fn every_frame_but_the_first_of_a_whole_stream_comes_out_as_it_went_in() {
    for look in [Look::Noise, Look::Dark, Look::Dim] {
        // 18 frames: the counter turns over.
        let bytes = stream(look, 1, 9, 18);
        let (out, decoder) = decoded(&bytes, 16 * 1024);
        // The first may have begun before we looked; the last has nothing after it to prove it.
        assert_eq!(out.len(), 16, "{look:?}");
        for (number, (counter, step, lines)) in (10_u64..).zip(&out) {
            assert_eq!(u64::from(*counter), number % 16, "{look:?}");
            assert_eq!(*step, 1, "{look:?}");
            assert_eq!(*lines, frame(look, 1, number), "{look:?} {number}");
        }
        let counts = decoder.counts();
        assert_eq!(counts.frames, 16);
        assert_eq!(
            counts.lost_frames + counts.damaged_frames + counts.resyncs,
            0
        );
    }
}

#[test]
fn a_lost_line_costs_its_frame_and_shows_as_a_gap() {
    let mut bytes = stream(Look::Noise, 3, 0, 6);
    bytes.drain(2 * FRAME_BYTES + 100 * LINE_BYTES..2 * FRAME_BYTES + 101 * LINE_BYTES);
    let (out, decoder) = decoded(&bytes, 16 * 1024);
    let counters: Vec<u8> = out.iter().map(|(counter, ..)| *counter).collect();
    assert_eq!(counters, [1, 3, 4]);
    assert_eq!(out[1].1, 2, "a gap of one frame");
    let counts = decoder.counts();
    assert_eq!(counts.damaged_frames, 1);
    assert_eq!(counts.resyncs, 1);
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Bytes that never came.
    Torn,
    /// Bytes that came twice.
    Repeated,
    /// Bytes that were never sent.
    Strange,
}

fn damaged(bytes: &mut Vec<u8>, damage: Damage, at: usize, length: usize, seed: u64) {
    match damage {
        Damage::Torn => {
            bytes.drain(at..at + length);
        }
        Damage::Repeated => {
            let again: Vec<u8> = bytes[at - length..at].to_vec();
            bytes.splice(at..at, again);
        }
        Damage::Strange => {
            let strange: Vec<u8> = (0..length as u64).map(|i| mixed(seed ^ i) as u8).collect();
            bytes.splice(at..at, strange);
        }
    }
}

fn look() -> impl Strategy<Value = Look> {
    prop_oneof![Just(Look::Noise), Just(Look::Dark), Just(Look::Dim)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Damage anywhere in frame 3 of 10: no frame comes out that did not go in, none out of order, and after the
    /// damage at most two whole frames are missing.
    #[test]
    fn no_bad_frame_comes_out_and_the_place_is_found_within_two_frames(
        look in look(),
        seed in any::<u64>(),
        first in 0_u64..16,
        damage in prop_oneof![Just(Damage::Torn), Just(Damage::Repeated), Just(Damage::Strange)],
        at in 0..FRAME_BYTES,
        length in prop_oneof![1..64_usize, 1..3 * LINE_BYTES, 1..FRAME_BYTES, (1..40_usize).prop_map(|n| n * LINE_BYTES)],
        piece in prop_oneof![Just(1024_usize), Just(16 * 1024), 1000..50_000_usize],
    ) {
        // The one case that cannot be told without a frame's delay: see the head of wire.rs.
        let in_last_line = at / LINE_BYTES == LINES - 1 && at % LINE_BYTES != 0;
        prop_assume!(!(in_last_line && length % LINE_BYTES == 0));
        let whole: BTreeMap<Vec<u8>, u64> =
            (first..first + 10).map(|n| (frame(look, seed, n), n)).collect();
        let mut bytes = stream(look, seed, first, 10);
        damaged(&mut bytes, damage, 3 * FRAME_BYTES + at, length, seed);
        let (out, decoder) = decoded(&bytes, piece);
        let mut numbers = Vec::new();
        for (_, _, lines) in &out {
            let number = whole.get(lines);
            prop_assert!(number.is_some(), "a frame that never went in");
            numbers.extend(number);
        }
        prop_assert!(numbers.windows(2).all(|w| w[0] < w[1]), "{numbers:?}");
        let after = |n: &u64| *n >= first + 4;
        // Torn bytes may reach into frame 4, which is then not whole.
        let torn_into_next = matches!(damage, Damage::Torn) && at + length > FRAME_BYTES;
        let whole_after = 6 - u64::from(torn_into_next);
        // The last of the stream has nothing after it to prove it.
        let came = numbers.iter().filter(|n| after(n)).count() as u64;
        prop_assert!(came + 2 + 1 >= whole_after, "{came} of {whole_after}: {numbers:?}");
        prop_assert_eq!(decoder.counts().frames, out.len() as u64);
        // Steps count what is missing between two frames.
        for ((_, step, _), pair) in out.iter().skip(1).zip(numbers.windows(2)) {
            prop_assert_eq!(*step, pair[1] - pair[0]);
        }
    }

    /// Any bytes at all: no panic, and every byte is accounted for.
    #[test]
    fn random_bytes_are_counted_and_never_panic(
        bytes in proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => 0_u8..16], 0..700_000),
        piece in 1..100_000_usize,
    ) {
        let (out, decoder) = decoded(&bytes, piece);
        let counts = decoder.counts();
        prop_assert_eq!(counts.frames, out.len() as u64);
        prop_assert!(counts.skipped_bytes + (out.len() * FRAME_BYTES) as u64 <= bytes.len() as u64);
    }
}

#[test]
fn what_cannot_be_told_is_one_line_at_the_edge_and_is_counted_afterwards() {
    // Two lines' worth of bytes lost from the middle of the last line on.
    let mut bytes = stream(Look::Noise, 5, 0, 6);
    let at = 3 * FRAME_BYTES - LINE_BYTES + 500;
    bytes.drain(at..at + 2 * LINE_BYTES);
    let (out, decoder) = decoded(&bytes, 16 * 1024);
    let (_, _, torn) = out.iter().find(|(c, ..)| *c == 2).expect("frame 2");
    let sound = frame(Look::Noise, 5, 2);
    let edge = FRAME_BYTES - LINE_BYTES;
    assert_eq!(torn[..edge], sound[..edge]);
    assert_ne!(torn[edge..], sound[edge..]);
    assert_eq!(decoder.counts().damaged_frames, 1);
}

#[test]
fn endless_zeros_and_endless_counters_give_no_frame_and_hold_little_memory() {
    for filler in [
        vec![0_u8; 4 << 20],
        vec![7_u8; 4 << 20],
        (0..4 << 20).map(|i| (i % 16) as u8).collect(),
    ] {
        let (out, decoder) = decoded(&filler, 64 * 1024);
        assert!(out.is_empty());
        assert!(decoder.held_bytes() < 1 << 20);
    }
}
