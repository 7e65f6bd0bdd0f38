//! Finds frames in a stream of bytes, and the next good one after damage. No I/O; bounded memory and bounded work.
use super::wire::{FrameHeader, HeaderFault, MAGIC, MAX_PAYLOAD, header_length};
use crate::probe::WireCounts;

/// A sequence that jumps further than this is damage: half an hour at 60 frames a second, and an unread probe stops
/// after seconds.
const LONGEST_JUMP: u64 = 100_000;
/// Bytes of samples whose checksum may be computed for one byte that came. A good stream needs one; a stream made of
/// headers within frames within frames would need thousands.
const CHECKS_A_BYTE: u64 = 16;
/// Bytes from magic to length field.
const PREFIX: usize = 8;

/// Takes bytes, gives frames.
#[derive(Debug)]
pub struct ReferenceDecoder {
    buffer: Vec<u8>,
    /// Where the packet being looked at begins in the buffer.
    start: usize,
    /// The header at `start`, once it was read, and its length.
    header: Option<(FrameHeader, usize)>,
    run: u16,
    next_sequence: u64,
    /// Sequence of the newest frame counted as damaged, and how many were since the last good one.
    damaged: (Option<u64>, u64),
    is_in_step: bool,
    check_credit: u64,
    counts: WireCounts,
}

/// What is at the place being looked at.
enum Look {
    /// More bytes are needed to tell.
    Wants(usize),
    /// Nothing good for this many bytes.
    Skip(usize),
    /// A frame: header, its length, and that of the samples.
    Frame(FrameHeader, usize, usize),
}

impl ReferenceDecoder {
    /// A decoder that takes the frames of one run.
    pub fn new(run: u16) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            header: None,
            run,
            next_sequence: 0,
            damaged: (None, 0),
            is_in_step: true,
            check_credit: MAX_PAYLOAD as u64,
            counts: WireCounts::default(),
        }
    }

    /// Waits for sequence 0 of another run; counts go on.
    pub fn begin_run(&mut self, run: u16) {
        self.forget_bytes();
        self.run = run;
        self.next_sequence = 0;
        self.damaged = (None, 0);
    }

    /// Forgets half a frame.
    pub fn forget_bytes(&mut self) {
        self.counts.skipped_bytes += self.left().len() as u64;
        self.buffer.clear();
        self.start = 0;
        self.header = None;
        self.is_in_step = true;
    }

    /// What passed so far. Within a run, good, damaged and lost frames add up to the sequence of the last good one
    /// and one more.
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// Bytes kept in memory: room for one packet of the largest size, twice at most.
    pub fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// Takes bytes as they came; hands over whole frames with their samples.
    pub fn push(&mut self, mut bytes: &[u8], frame: &mut dyn FnMut(&FrameHeader, &[u8])) {
        self.check_credit = self
            .check_credit
            .saturating_add(CHECKS_A_BYTE.saturating_mul(bytes.len() as u64))
            .min(CHECKS_A_BYTE * MAX_PAYLOAD as u64);
        loop {
            let wants = match self.look() {
                Look::Wants(more) => more,
                Look::Skip(count) => {
                    self.skip(count);
                    continue;
                }
                Look::Frame(header, length, payload) => {
                    self.deliver(&header, length, payload, frame);
                    continue;
                }
            };
            if bytes.is_empty() {
                return;
            }
            let (now, later) = bytes.split_at(wants.min(bytes.len()));
            self.append(now);
            bytes = later;
        }
    }

    fn left(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start * 2 >= self.buffer.len() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn look(&mut self) -> Look {
        let left = self.left();
        if self.header.is_none() {
            let found = magic_at(left);
            if found > 0 {
                return Look::Skip(found);
            }
            if left.len() < PREFIX {
                return Look::Wants(PREFIX - left.len());
            }
            let Some(length) = header_length(left) else {
                return Look::Skip(1);
            };
            let Some(header) = left.get(..length) else {
                return Look::Wants(length - left.len());
            };
            match FrameHeader::read(header) {
                Ok(header) if header.run == self.run && self.is_next(header.sequence) => {
                    let whole = length + header.payload_bytes();
                    self.buffer
                        .reserve_exact(whole.saturating_sub(self.left().len()));
                    self.header = Some((header, length));
                }
                Ok(header) => return self.refuse(header.run, header.sequence, length),
                Err(HeaderFault::Absurd { sequence, run }) => {
                    return self.refuse(run, sequence, length);
                }
                Err(HeaderFault::Version { .. }) => return Look::Skip(length),
                Err(HeaderFault::NotOne) => return Look::Skip(1),
            }
        }
        self.look_at_samples()
    }

    fn look_at_samples(&mut self) -> Look {
        let Some((header, length)) = self.header else {
            return Look::Wants(PREFIX);
        };
        let payload = header.payload_bytes();
        let left = self.left();
        let Some(samples) = left.get(length..length + payload) else {
            return Look::Wants(length + payload - left.len());
        };
        let cost = payload as u64;
        if self.check_credit < cost {
            self.count_damaged(header.sequence);
            return Look::Skip(length + payload);
        }
        let is_right = crc32fast::hash(samples) == header.payload_crc;
        self.check_credit -= cost;
        if is_right {
            return Look::Frame(header, length, payload);
        }
        // What was taken for its samples may hold the next header: only this header is skipped.
        self.count_damaged(header.sequence);
        Look::Skip(length)
    }

    fn is_next(&self, sequence: u64) -> bool {
        sequence
            .checked_sub(self.next_sequence)
            .is_some_and(|jump| jump <= LONGEST_JUMP)
    }

    /// Steps over a sound header that is not wanted: of an earlier run, repeated, or absurd.
    fn refuse(&mut self, run: u16, sequence: u64, length: usize) -> Look {
        if run == self.run && self.is_next(sequence) {
            self.count_damaged(sequence);
        }
        Look::Skip(length)
    }

    fn count_damaged(&mut self, sequence: u64) {
        let (newest, since) = self.damaged;
        if newest.is_none_or(|n| n < sequence) {
            self.damaged = (Some(sequence), since + 1);
            self.counts.damaged_frames += 1;
        }
    }

    fn skip(&mut self, count: usize) {
        if self.is_in_step {
            self.is_in_step = false;
            self.counts.resyncs += 1;
        }
        self.counts.skipped_bytes += count as u64;
        self.advance(count);
    }

    fn advance(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
        self.header = None;
    }

    fn deliver(
        &mut self,
        header: &FrameHeader,
        length: usize,
        payload: usize,
        frame: &mut dyn FnMut(&FrameHeader, &[u8]),
    ) {
        let gap = header.sequence.saturating_sub(self.next_sequence);
        let (newest, mut damaged) = self.damaged;
        if newest == Some(header.sequence) {
            // Counted as damaged before it came whole: its header had been sent twice.
            damaged = damaged.saturating_sub(1);
            self.counts.damaged_frames = self.counts.damaged_frames.saturating_sub(1);
        }
        self.counts.lost_frames += gap.saturating_sub(damaged);
        self.counts.frames += 1;
        self.damaged = (None, 0);
        self.next_sequence = header.sequence.saturating_add(1);
        self.is_in_step = true;
        let samples = self.left().get(length..length + payload);
        frame(header, samples.unwrap_or_default());
        self.advance(length + payload);
    }
}

/// Where the magic begins, or might begin at the end; the length if it does nowhere.
fn magic_at(bytes: &[u8]) -> usize {
    let [first, ..] = MAGIC;
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let Some(at) = rest.iter().position(|b| *b == first) else {
            break;
        };
        let seen = rest.get(at..).unwrap_or_default();
        let seen = seen.get(..MAGIC.len()).unwrap_or(seen);
        if MAGIC.starts_with(seen) {
            return from + at;
        }
        from += at + 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::{Layout, MAX_HEADER, SampleFormat, Settings};
    use super::*;

    const LINES: u16 = 4;
    const SAMPLES: u16 = 24;
    const FRAME: usize = 80 + LINES as usize * SAMPLES as usize;

    fn header(sequence: u64, payload: &[u8]) -> FrameHeader {
        FrameHeader {
            sequence,
            device_nanos: sequence * 1000,
            run: 9,
            layout: Layout::Phased {
                sector_urad: 1_500_000,
            },
            format: SampleFormat::LogU8 { range_cdb: 6000 },
            lines: LINES,
            samples: SAMPLES,
            near_um: 0,
            settings: Settings {
                depth_um: 50_000,
                frequency_khz: 3_000,
                filter_khz: 0,
                rate_mhz: 30_000,
            },
            payload_crc: crc32fast::hash(payload),
        }
    }

    fn payload(sequence: u64) -> Vec<u8> {
        (0..FRAME - 80)
            .map(|i| (sequence as u8).wrapping_mul(37).wrapping_add(i as u8))
            .collect()
    }

    fn packet(sequence: u64) -> Vec<u8> {
        let samples = payload(sequence);
        let mut bytes = header(sequence, &samples).bytes();
        bytes.extend(samples);
        bytes
    }

    fn stream(sequences: std::ops::Range<u64>) -> Vec<u8> {
        sequences.flat_map(packet).collect()
    }

    /// Pushes in pieces of the lengths given, over and over; checks that what comes out was sent, in order.
    fn sequences(decoder: &mut ReferenceDecoder, bytes: &[u8], pieces: &[usize]) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut lengths = pieces.iter().cycle();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*lengths.next().unwrap()).clamp(1, rest.len()));
            decoder.push(now, &mut |header, samples| {
                assert_eq!(samples, payload(header.sequence));
                assert!(seen.last().is_none_or(|last| *last < header.sequence));
                seen.push(header.sequence);
            });
            rest = later;
        }
        seen
    }

    fn assert_adds_up(counts: WireCounts, seen: &[u64]) {
        let Some(last) = seen.last() else { return };
        assert_eq!(counts.frames, seen.len() as u64);
        assert_eq!(
            counts.frames + counts.lost_frames + counts.damaged_frames,
            last + 1
        );
    }

    #[derive(Clone, Debug)]
    enum Damage {
        Cut,
        Flip(u8),
        Insert(Vec<u8>),
        Repeat,
    }

    fn damage() -> impl Strategy<Value = Damage> {
        prop_oneof![
            Just(Damage::Cut),
            (1u8..).prop_map(Damage::Flip),
            proptest::collection::vec(any::<u8>(), 1..3 * FRAME).prop_map(Damage::Insert),
            Just(Damage::Repeat),
        ]
    }

    proptest! {
        #[test]
        fn cuts_between_transfers_mean_nothing(pieces in proptest::collection::vec(1usize..700, 1..20)) {
            let mut decoder = ReferenceDecoder::new(9);
            let seen = sequences(&mut decoder, &stream(0..20), &pieces);
            prop_assert_eq!(seen, (0..20).collect::<Vec<_>>());
            prop_assert_eq!(decoder.counts(), WireCounts { frames: 20, ..WireCounts::default() });
        }

        #[test]
        fn damage_costs_the_frames_it_touches_and_no_others(
            damage in damage(),
            from in 0usize..FRAME * 8,
            length in 1usize..FRAME * 2,
            pieces in proptest::collection::vec(1usize..700, 1..20),
        ) {
            let whole = stream(0..12);
            let to = from + length;
            let (before, hit, after) = (&whole[..from], &whole[from..to], &whole[to..]);
            let (touched, middle) = match damage {
                Damage::Cut => (to, Vec::new()),
                Damage::Flip(mask) => (to, hit.iter().map(|b| b ^ mask).collect()),
                Damage::Insert(noise) => (from, [&noise, hit].concat()),
                Damage::Repeat => (to, [hit, hit].concat()),
            };
            let bytes = [before, &middle, after].concat();
            let mut decoder = ReferenceDecoder::new(9);
            let seen = sequences(&mut decoder, &bytes, &pieces);
            for sequence in 0..12u64 {
                let (begin, end) = (sequence as usize * FRAME, (sequence as usize + 1) * FRAME);
                if end <= from || begin >= touched {
                    prop_assert!(seen.contains(&sequence), "frame {} of {:?}", sequence, seen);
                }
            }
            assert_adds_up(decoder.counts(), &seen);
        }

        #[test]
        fn random_bytes_give_nothing_and_hide_nothing(
            noise in proptest::collection::vec(any::<u8>(), 0..4096),
            pieces in proptest::collection::vec(1usize..700, 1..20),
        ) {
            let mut decoder = ReferenceDecoder::new(9);
            let seen = sequences(&mut decoder, &[noise, stream(0..2)].concat(), &pieces);
            prop_assert_eq!(seen, vec![0, 1]);
        }

        #[test]
        fn torn_headers_in_any_order_never_break_it(
            parts in proptest::collection::vec((0u64..40, 0usize..FRAME, 0usize..FRAME), 1..60),
        ) {
            let bytes: Vec<u8> = parts
                .iter()
                .flat_map(|(sequence, a, b)| packet(*sequence)[*a.min(b)..*a.max(b)].to_vec())
                .collect();
            let mut decoder = ReferenceDecoder::new(9);
            sequences(&mut decoder, &bytes, &[64]);
            decoder.begin_run(9);
            prop_assert_eq!(sequences(&mut decoder, &stream(0..3), &[64]), vec![0, 1, 2]);
        }
    }

    #[test]
    fn a_dropped_frame_is_lost_and_a_spoilt_one_is_damaged() {
        let mut spoilt = packet(3);
        spoilt[100] ^= 1;
        let bytes = [stream(0..2), spoilt, stream(4..6)].concat();
        let mut decoder = ReferenceDecoder::new(9);
        assert_eq!(sequences(&mut decoder, &bytes, &[512]), [0, 1, 4, 5]);
        let counts = decoder.counts();
        assert_eq!(
            (counts.frames, counts.lost_frames, counts.damaged_frames),
            (4, 1, 1)
        );
        assert_eq!((counts.skipped_bytes, counts.resyncs), (FRAME as u64, 1));
    }

    #[test]
    fn frames_of_another_run_repeated_ones_and_leaps_are_not_shown() {
        let mut stale = header(7, &payload(7));
        stale.run = 8;
        let leap = packet(2 + LONGEST_JUMP + 1);
        let bytes = [
            [stale.bytes(), payload(7)].concat(),
            stream(0..2),
            packet(0),
            packet(1),
            leap,
            stream(2..4),
        ]
        .concat();
        let mut decoder = ReferenceDecoder::new(9);
        assert_eq!(sequences(&mut decoder, &bytes, &[300]), [0, 1, 2, 3]);
        assert_eq!(decoder.counts().lost_frames, 0);
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_with_nothing_kept_for_it() {
        let sound = header(0, &payload(0));
        let absurd: [fn(&mut FrameHeader); 8] = [
            |h| h.lines = 1,
            |h| h.samples = 8193,
            |h| (h.lines, h.samples) = (1024, 8192),
            |h| h.settings.depth_um = 900_000,
            |h| h.near_um = 60_000,
            |h| h.layout = Layout::Linear { width_um: 0 },
            |h| {
                h.layout = Layout::Phased {
                    sector_urad: 4_000_000,
                }
            },
            |h| {
                h.layout = Layout::Curvilinear {
                    radius_um: u32::MAX,
                    sector_urad: 1_000_000,
                }
            },
        ];
        for spoil in absurd {
            let mut header = sound;
            spoil(&mut header);
            assert!(!header.is_sound(), "{header:?}");
            let mut decoder = ReferenceDecoder::new(9);
            let bytes = [header.bytes(), payload(0), packet(1)].concat();
            assert_eq!(sequences(&mut decoder, &bytes, &[512]), [1], "{header:?}");
            assert_eq!(decoder.counts().damaged_frames, 1);
            assert!(decoder.memory() < 4096);
        }
    }

    #[test]
    fn memory_and_work_stay_bounded_whatever_is_sent() {
        let greedy = FrameHeader {
            lines: 1024,
            samples: 4096,
            ..header(1, &[])
        };
        assert!(greedy.is_sound());
        let headers = greedy.bytes().repeat(100_000);
        let mut decoder = ReferenceDecoder::new(9);
        let mut most = 0;
        for piece in headers.chunks(60_000) {
            decoder.push(piece, &mut |_, _| panic!("no frame is right"));
            most = most.max(decoder.memory());
        }
        assert!(most <= 2 * (MAX_PAYLOAD + MAX_HEADER), "{most} bytes");
        // Without a limit this test would take minutes.
        assert_eq!(decoder.counts().frames, 0);
    }

    #[test]
    fn a_long_stream_needs_no_more_memory_than_its_first_frames() {
        let mut decoder = ReferenceDecoder::new(9);
        sequences(&mut decoder, &stream(0..4), &[777]);
        let memory = decoder.memory();
        sequences(&mut decoder, &stream(4..500), &[777]);
        assert_eq!(decoder.memory(), memory);
        assert_eq!(decoder.counts().frames, 500);
    }

    #[test]
    fn a_longer_header_of_a_later_minor_version_is_read() {
        let samples = payload(0);
        let mut bytes = header(0, &samples).bytes();
        bytes.truncate(76);
        bytes[5] = 3;
        bytes[6] = 88;
        bytes.extend([0xAB; 8]);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(samples);
        let mut decoder = ReferenceDecoder::new(9);
        assert_eq!(
            sequences(&mut decoder, &[bytes, packet(1)].concat(), &[60]),
            [0, 1]
        );
        assert_eq!(decoder.counts().skipped_bytes, 0);
    }
}
