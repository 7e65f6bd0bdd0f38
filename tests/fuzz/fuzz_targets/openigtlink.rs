//! Any bytes from a peer, in pieces of any size: messages or damage that is counted, never a panic, and no memory but
//! for what came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portsight::exchange::{IgtlContent, IgtlDecoder, igtl_checksum};

/// Longest piece pushed at once.
const PIECE: usize = 251;

/// Header fields that hold size and checksum.
const SIZE: std::ops::Range<usize> = 42..50;
const CHECKSUM: std::ops::Range<usize> = 50..58;
const HEADER: usize = 58;

fn read(bytes: &[u8], piece: usize) {
    let mut decoder = IgtlDecoder::default();
    let mut messages = 0_u64;
    for part in bytes.chunks(piece) {
        decoder.push(part);
        while let Some(message) = decoder.next_message() {
            messages += 1;
            if let IgtlContent::Image(image) = message.content {
                let expected = image.columns * image.rows * image.components * image.scalar.bytes();
                assert_eq!(image.pixels.len(), expected);
            }
        }
        assert!(decoder.kept_bytes() <= bytes.len());
    }
    assert_eq!(decoder.counts().messages, messages);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let piece = 1 + usize::from(*first) % PIECE;
    read(rest, piece);
    // Once more with length and checksum put right, so that what lies behind them is reached.
    let mut mended = rest.to_vec();
    if mended.len() >= HEADER {
        let (size, check) = {
            let body = &mended[HEADER..];
            (body.len() as u64, igtl_checksum(body))
        };
        mended[SIZE].copy_from_slice(&size.to_be_bytes());
        mended[CHECKSUM].copy_from_slice(&check.to_be_bytes());
        read(&mended, piece);
    }
});
