//! Which needle reaches the stop (H13, H14), and why a depth is a range (H07).
use crate::guide::limits::{
    FAT_SHARE, NEEDLE_LONG, NEEDLE_RESERVE, NEEDLE_TIGHT, PRESSURE_SHARE, SPAN_SHARE,
    TILT_WARN_DEGREES, stop_uncertainty,
};
use crate::guide::{DepthSpan, Guidance, Setup, Way};
use crate::pump::{Known, Needle, Provenance};
use crate::space::{Millimeters, Radians};

/// Something to mind although a path is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caution {
    /// The needle is thinner than 22 G and could enter the catheter access port (H08).
    ThinNeedle,
    /// The face is tilted by more than 15 degrees in this plane (H12).
    FaceTilted,
    /// The needle leans by more than 15 degrees against the face on the way chosen (H12).
    NeedleLeans,
    /// The needle reaches the deepest stop with little to spare (H13).
    NeedleTight,
    /// Much of the needle stays outside; the stop is metal (H14).
    NeedleLong,
    /// The depth of the needle stop is a working guess for this model (H07).
    StopGuessed,
}

impl Caution {
    /// The key of its words.
    pub fn key(self) -> &'static str {
        match self {
            Self::ThinNeedle => "caution-thin_needle",
            Self::FaceTilted => "caution-face_tilted",
            Self::NeedleLeans => "caution-needle_leans",
            Self::NeedleTight => "caution-needle_tight",
            Self::NeedleLong => "caution-needle_long",
            Self::StopGuessed => "caution-stop_guessed",
        }
    }
}

/// The range of true depth from the skin to the needle stop, for `tissue` mm of soft tissue on the picture along the
/// path and a model's needle `stop` below the face.
///
/// Fat makes the picture too deep by up to 8 % of the tissue; pressure makes the free path longer by up to 20 % of
/// it; the stop is as uncertain as its provenance. Where the sum would be wider than 26 % of the depth, the allowance
/// for pressure gives way, never the other two.
pub fn depth_span(tissue: Millimeters, stop: Known<Millimeters>) -> DepthSpan {
    let shown = tissue + stop.value;
    let unsure = stop_uncertainty(stop.provenance);
    let fat = tissue * FAT_SHARE;
    let room = shown * SPAN_SHARE - fat - unsure * 2.0;
    let pressure = (tissue * PRESSURE_SHARE).min(room).max(Millimeters(0.0));
    DepthSpan {
        least: shown - fat - unsure,
        most: shown + pressure + unsure,
    }
}

/// The deepest stop, mm along the path, that a needle reaches with the reserve kept.
pub fn longest_reach(needle: Needle) -> Millimeters {
    needle.length - NEEDLE_RESERVE
}

/// The largest tilt against the face normal at which `needle` still reaches a stop `stop` below a face that lies
/// `depth` under the skin; `None` when it does not reach even at right angles.
pub fn largest_tilt(depth: Millimeters, stop: Millimeters, needle: Needle) -> Option<Radians> {
    let share = (depth + stop).0 / longest_reach(needle).0;
    (0.0..=1.0).contains(&share).then(|| Radians(share.acos()))
}

/// What to mind about a path that is offered; empty without one, except for the needle's gauge.
pub fn cautions(guidance: &Guidance, setup: &Setup<'_>) -> Vec<Caution> {
    let mut found = Vec::new();
    let thin = setup
        .needle
        .is_some_and(|needle| needle.is_thinner_than_refill());
    if thin {
        found.push(Caution::ThinNeedle);
    }
    let (Some(path), Some(needle)) = (guidance.path, setup.needle) else {
        return found;
    };
    // Along the picture the tilt of the path is the needle's, not the face's.
    if path.way != Way::LiveInPlane && path.tilt.degrees().abs() > TILT_WARN_DEGREES {
        found.push(Caution::FaceTilted);
    }
    if path.lean.degrees().abs() > TILT_WARN_DEGREES {
        found.push(Caution::NeedleLeans);
    }
    let spare = longest_reach(needle) - path.depth.most;
    if spare < NEEDLE_TIGHT {
        found.push(Caution::NeedleTight);
    }
    if spare > NEEDLE_LONG {
        found.push(Caution::NeedleLong);
    }
    if setup.pump.needle_stop.provenance == Provenance::Guessed {
        found.push(Caution::StopGuessed);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guessed(stop: f64) -> Known<Millimeters> {
        Known {
            value: Millimeters(stop),
            provenance: Provenance::Guessed,
        }
    }

    /// The table of the needle planner: depth of the face, largest tilt with 1.5, 2 and 2.5 in, stop 8 mm below.
    #[test]
    fn largest_tilts_are_those_of_the_needle_table() {
        let table = [
            (10.0, Some(60.0), Some(68.0), Some(73.0)),
            (15.0, Some(50.0), Some(62.0), Some(68.0)),
            (20.0, Some(39.0), Some(55.0), Some(63.0)),
            (25.0, Some(24.0), Some(47.0), Some(58.0)),
            (28.0, Some(4.0), Some(42.0), Some(54.0)),
            (30.0, None, Some(39.0), Some(52.0)),
            (40.0, None, Some(10.0), Some(39.0)),
            (50.0, None, None, Some(19.0)),
        ];
        for (depth, short, middle, long) in table {
            for (inches, expected) in [(1.5, short), (2.0, middle), (2.5, long)] {
                let needle = Needle {
                    gauge: 22,
                    length: Millimeters(inches * 25.4),
                };
                let tilt = largest_tilt(Millimeters(depth), Millimeters(8.0), needle)
                    .map(Radians::degrees);
                match (tilt, expected) {
                    (None, None) => {}
                    (Some(tilt), Some(expected)) => {
                        let off: f64 = tilt - expected;
                        assert!(off.abs() < 1.0, "{depth} mm, {inches} in: {tilt}");
                    }
                    other => panic!("{depth} mm, {inches} in: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_nonsense_needle_reaches_nothing() {
        let needle = Needle {
            gauge: 22,
            length: Millimeters(f64::NAN),
        };
        assert_eq!(
            largest_tilt(Millimeters(20.0), Millimeters(8.0), needle),
            None
        );
    }

    /// Shown depth = true fat x 1540 / c; the stop below the face is where the model says, give or take its guess.
    #[test]
    fn the_range_holds_the_true_stop_through_fat_and_under_moderate_pressure() {
        for fat in [5.0, 10.0, 20.0, 25.0, 30.0, 40.0, 50.0] {
            for speed in [1428.0, 1440.0, 1450.0, 1540.0] {
                for off in [-1.5, 0.0, 1.5] {
                    let (shown, truth) = (fat * 1540.0 / speed, fat + 8.0 + off);
                    let span = depth_span(Millimeters(shown), guessed(8.0));
                    assert!(
                        span.least.0 <= truth && truth <= span.most.0,
                        "{fat} mm at {speed} m/s, stop {off:+}: {truth} not in {span:?}"
                    );
                }
            }
            let pressed = depth_span(Millimeters(fat), guessed(8.0));
            if fat >= 15.0 {
                assert!(pressed.most.0 >= fat * 1.10 + 8.0, "{fat}: {pressed:?}");
            }
        }
    }

    #[test]
    fn a_sourced_stop_gives_a_narrower_range_than_a_guess() {
        let sourced = Known {
            value: Millimeters(8.0),
            provenance: Provenance::Sourced,
        };
        let (known, guess) = (
            depth_span(Millimeters(20.0), sourced),
            depth_span(Millimeters(20.0), guessed(8.0)),
        );
        assert!(known.most - known.least < guess.most - guess.least);
        assert!(known.least > guess.least);
    }

    proptest! {
        #[test]
        fn the_range_is_ordered_and_no_wider_than_thirty_percent(tissue in 3.0f64..80.0, stop in 8.0f64..12.0) {
            let span = depth_span(Millimeters(tissue), guessed(stop));
            let (shown, width) = (tissue + stop, (span.most - span.least).0);
            prop_assert!(span.least.0 < shown && shown < span.most.0);
            prop_assert!(width <= 0.30 * shown);
            if tissue >= 10.0 {
                prop_assert!(width <= 0.30 * span.least.0);
            }
        }
    }
}
