//! Any bytes from an Interson probe, in pieces of any size: no panic, every frame whole and of one counter, no byte
//! counted twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portsight::clock::Timestamp;
use portsight::probe::LineDecoder;

const LINE_BYTES: usize = 1024;
const FRAME_BYTES: usize = 241 * LINE_BYTES;
/// How often the input is said again: a frame is longer than inputs usually are.
const MOST_BYTES: usize = 3 << 20;

fuzz_target!(|bytes: &[u8]| {
    let [piece, rest @ ..] = bytes else { return };
    if rest.is_empty() {
        return;
    }
    let stream: Vec<u8> = rest.iter().copied().cycle().take(MOST_BYTES.min(rest.len() * 4096)).collect();
    let piece = (usize::from(*piece) + 1) * 257;
    let mut decoder = LineDecoder::new();
    let mut frames = 0_u64;
    for piece in stream.chunks(piece) {
        decoder.take(piece, Timestamp::ZERO, &mut |raw| {
            frames += 1;
            assert_eq!(raw.lines.len(), FRAME_BYTES);
            assert!(raw.lines.iter().step_by(LINE_BYTES).all(|c| *c == raw.counter));
            assert!((1..=16).contains(&raw.step));
        });
    }
    let counts = decoder.counts();
    assert_eq!(counts.frames, frames);
    assert!(counts.skipped_bytes + frames * FRAME_BYTES as u64 <= stream.len() as u64);
    assert!(decoder.held_bytes() < 1 << 20);
});
