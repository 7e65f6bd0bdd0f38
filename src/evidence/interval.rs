//! How sure a share is when it was counted on few.

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a share counted as `hits` of `n`; `None` without any. Frames of one recording resemble
/// each other: over frames the interval is narrower than it should be, over recordings it is sound.
pub fn wilson(hits: u64, n: u64) -> Option<[f64; 2]> {
    if n == 0 || hits > n {
        return None;
    }
    let (count, share) = (n as f64, hits as f64 / n as f64);
    let widen = 1.0 + Z * Z / count;
    let middle = share + Z * Z / (2.0 * count);
    let half = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let least = if hits == 0 {
        0.0
    } else {
        (middle - half) / widen
    };
    let most = if hits == n {
        1.0
    } else {
        (middle + half) / widen
    };
    Some([least.max(0.0), most.min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones_and_never_leave_zero_to_one() {
        // Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611.
        let [least, most] = wilson(81, 263).expect("counted");
        assert!((least - 0.2553).abs() < 5e-5 && (most - 0.3662).abs() < 5e-5);
        let [least, most] = wilson(0, 20).expect("counted");
        assert!(least == 0.0 && (most - 0.1611).abs() < 5e-5);
        assert_eq!(wilson(7, 7).map(|[_, most]| most), Some(1.0));
        assert_eq!(wilson(0, 0), None);
    }
}
