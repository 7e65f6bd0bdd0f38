//! Which of a device's modes is asked for when the user has not chosen one.
use super::device::Mode;

/// Largest picture taken, pixels: no scanner screen shows more detail of a scan, and every pixel costs time.
const MOST: (u32, u32) = (1920, 1200);
/// Smallest picture taken, pixels; below it a port is a few pixels wide.
const LEAST: (u32, u32) = (160, 120);
/// Frame rate that counts as smooth (PAL), less half a frame for drivers that round.
const SMOOTH_HZ: f64 = 24.5;
/// Sizes offered of a device that takes any size in a range.
pub(super) const COMMON_SIZES: &[(u32, u32)] = &[
    (1920, 1200),
    (1920, 1080),
    (1600, 1200),
    (1280, 1024),
    (1280, 960),
    (1280, 720),
    (1024, 768),
    (800, 600),
    (720, 576),
    (720, 480),
    (640, 480),
];

/// Whether a mode is worth offering.
pub(super) fn is_sensible(mode: &Mode) -> bool {
    let pairs = mode.width.is_multiple_of(2) && mode.height.is_multiple_of(2);
    (LEAST.0..=MOST.0).contains(&mode.width) && (LEAST.1..=MOST.1).contains(&mode.height) && pairs
}

/// The best of the sensible modes: smooth before slow, then large; what is uncompressed counts twice its pixels, so
/// that a stick with 640x480 raw and 1920x1080 JPEG is not squeezed, and one with both at a like size gives raw.
pub(super) fn best(modes: &[Mode]) -> Option<Mode> {
    let worth = |mode: &Mode| {
        let rate = mode.interval.and_then(super::device::Interval::rate_hz);
        let smooth = rate.is_none_or(|hz| hz >= SMOOTH_HZ);
        let pixels = u64::from(mode.width) * u64::from(mode.height);
        let weight = if mode.format.is_uncompressed() { 2 } else { 1 };
        // Of slow modes the faster one: a slow picture is stale before it is large.
        let slow_rate = if smooth {
            0
        } else {
            (rate.unwrap_or(0.0) * 1000.0) as u64
        };
        (
            smooth,
            slow_rate,
            pixels * weight,
            std::cmp::Reverse(mode.format),
        )
    };
    modes
        .iter()
        .filter(|mode| is_sensible(mode))
        .max_by_key(|mode| worth(mode))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::super::device::{Interval, PixelFormat};
    use super::*;

    fn mode(format: PixelFormat, width: u32, height: u32, hz: u32) -> Mode {
        Mode {
            format,
            width,
            height,
            interval: (hz > 0).then_some(Interval {
                numerator: 1,
                denominator: hz,
            }),
        }
    }

    #[test]
    fn smooth_large_and_uncompressed_is_chosen_in_this_order() {
        use PixelFormat::{Grey, Mjpg, Yuyv};
        let cases = [
            // A USB 2 stick: raw at full size is too slow, raw at a smooth rate too small.
            (
                vec![
                    mode(Yuyv, 1920, 1080, 5),
                    mode(Yuyv, 640, 480, 30),
                    mode(Mjpg, 1920, 1080, 30),
                ],
                mode(Mjpg, 1920, 1080, 30),
            ),
            // A USB 3 stick.
            (
                vec![mode(Mjpg, 1920, 1080, 60), mode(Yuyv, 1920, 1080, 60)],
                mode(Yuyv, 1920, 1080, 60),
            ),
            // Colour tells graphics from echo.
            (
                vec![mode(Grey, 640, 480, 30), mode(Yuyv, 640, 480, 30)],
                mode(Yuyv, 640, 480, 30),
            ),
            // Nothing smooth: the fastest.
            (
                vec![mode(Yuyv, 1280, 720, 10), mode(Yuyv, 640, 480, 15)],
                mode(Yuyv, 640, 480, 15),
            ),
            // Too large a picture is not taken; a driver that gives no rate is believed.
            (
                vec![mode(Yuyv, 3840, 2160, 30), mode(Yuyv, 1280, 720, 0)],
                mode(Yuyv, 1280, 720, 0),
            ),
        ];
        for (offered, expected) in cases {
            assert_eq!(best(&offered), Some(expected));
        }
        assert_eq!(best(&[mode(Yuyv, 3840, 2160, 30)]), None);
        assert_eq!(best(&[]), None);
    }
}
