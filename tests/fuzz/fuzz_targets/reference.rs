//! Any bytes from a probe of the reference protocol: whole, right frames in order or nothing; never a panic, never more
//! memory than two packets. Checksums are set right for some of the input, or nothing would get past them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portsight::probe::{
    FrameHeader, Layout, MAX_PAYLOAD, ReferenceDecoder, SampleFormat, Settings,
};

const RUN: u16 = 3;
/// Longest header there is.
const MAX_HEADER: usize = 256;

/// The next bytes of the input, as many as there are.
fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (now, later) = input.split_at(count.min(input.len()));
    *input = later;
    now
}

/// A packet whose header is mostly the input's, with right checksums.
fn packet(input: &mut &[u8]) -> Vec<u8> {
    let fields = take(input, 8);
    let field = |i: usize| fields.get(i).copied().unwrap_or(0);
    let (lines, samples) = (u16::from(field(0) % 5), u16::from(field(1) % 40));
    let format = if field(2) % 2 == 0 {
        SampleFormat::LogU8 { range_cdb: 6000 }
    } else {
        SampleFormat::LinearU16
    };
    let payload = vec![field(3); usize::from(lines) * usize::from(samples) * format.bytes()];
    let header = FrameHeader {
        sequence: u64::from(field(4)),
        device_nanos: 1,
        run: RUN + u16::from(field(5) % 8 == 0),
        layout: match field(6) % 3 {
            0 => Layout::Linear { width_um: 40_000 },
            1 => Layout::Curvilinear {
                radius_um: 60_000,
                sector_urad: 1_000_000,
            },
            _ => Layout::Phased {
                sector_urad: u32::from(field(6)) << 14,
            },
        },
        format,
        lines,
        samples,
        near_um: u32::from(field(7)) << 8,
        settings: Settings {
            depth_um: 50_000,
            ..Settings::default()
        },
        payload_crc: crc32fast::hash(&payload),
    };
    [header.bytes(), payload].concat()
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = bytes;
    let mut stream = Vec::new();
    while let [what, rest @ ..] = input {
        input = rest;
        let length = usize::from(what >> 2);
        match what % 4 {
            0 => stream.extend(take(&mut input, length)),
            1 => stream.extend(packet(&mut input)),
            2 => stream.extend(packet(&mut input).into_iter().take(length * 4)),
            _ => {
                let mut spoilt = packet(&mut input);
                if let Some(byte) = spoilt.get_mut(length * 2) {
                    *byte ^= 0x40;
                }
                stream.extend(spoilt);
            }
        }
    }
    let mut decoder = ReferenceDecoder::new(RUN);
    let mut last = None;
    for piece in stream.chunks(usize::from(bytes.first().copied().unwrap_or(0)) + 1) {
        decoder.push(piece, &mut |header, samples| {
            assert!(header.is_sound());
            assert_eq!(header.run, RUN);
            assert_eq!(samples.len(), header.payload_bytes());
            assert_eq!(crc32fast::hash(samples), header.payload_crc);
            assert!(last.is_none_or(|l| l < header.sequence));
            last = Some(header.sequence);
        });
    }
    assert!(decoder.memory() <= 2 * (MAX_PAYLOAD + MAX_HEADER));
});
