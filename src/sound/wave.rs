//! The tones as WAV files.
use std::io::Cursor;

use super::Tone;

const RATE: u32 = 44_100;
/// Length of one beep and of the rest between two, seconds.
const BEEP_S: f64 = 0.14;
const REST_S: f64 = 0.06;
/// Fading in and out, so that it does not crack, seconds.
const FADE_S: f64 = 0.01;
/// Loudness against full scale.
const LOUD: f64 = 0.4;

/// Pitch, Hz, and how many beeps: told apart by their number as well.
fn shape(tone: Tone) -> (f64, u32) {
    match tone {
        Tone::PathGone => (660.0, 1),
        Tone::LockLost => (520.0, 2),
        Tone::NotLive => (392.0, 3),
    }
}

/// The bytes of a tone; `None` only if the encoder refuses, which it has no reason to.
pub fn wave(tone: Tone) -> Option<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let (pitch, beeps) = shape(tone);
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).ok()?;
    let count = |seconds: f64| (seconds * f64::from(RATE)) as u32;
    for _ in 0..beeps {
        for index in 0..count(BEEP_S) {
            let t = f64::from(index) / f64::from(RATE);
            let fade = (t / FADE_S).min((BEEP_S - t) / FADE_S).clamp(0.0, 1.0);
            let swing = (std::f64::consts::TAU * pitch * t).sin();
            let sample = swing * fade * LOUD * f64::from(i16::MAX);
            writer.write_sample(sample as i16).ok()?;
        }
        for _ in 0..count(REST_S) {
            writer.write_sample(0_i16).ok()?;
        }
    }
    writer.finalize().ok()?;
    Some(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tone_is_a_short_wav_file_that_begins_and_ends_in_silence() {
        for tone in Tone::ALL {
            let bytes = wave(tone).expect("encoded");
            let reader = hound::WavReader::new(Cursor::new(bytes)).expect("a WAV file");
            let seconds = f64::from(reader.duration()) / f64::from(reader.spec().sample_rate);
            assert!((0.1..1.0).contains(&seconds), "{tone:?}: {seconds} s");
            let samples: Vec<i16> = reader.into_samples().map(|s| s.expect("whole")).collect();
            assert_eq!(samples.first(), Some(&0));
            assert_eq!(samples.last(), Some(&0));
            let most = samples.iter().map(|s| s.unsigned_abs()).max();
            assert!(most.is_some_and(|m| m > 10_000), "{tone:?}");
        }
    }
}
