//! Delay between two clocks that saw the same motion: a plate in the picture, and a tracker on the probe.
use super::fit::median;

/// Largest delay looked for, seconds either way, and the step of the search.
const LARGEST: f64 = 0.5;
const STEP: f64 = 0.001;
/// Frames needed, and the least share of the motion the tracker must explain.
const FRAMES_NEEDED: usize = 20;
const EXPLAINED: f64 = 0.8;
/// Least motion in the picture, rows (standard deviation).
const MOTION: f64 = 4.0;

/// A tracker's word: when, and where (mm).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackerSample {
    /// Seconds on the tracker's clock.
    pub seconds: f64,
    /// Position of the probe, mm.
    pub position: [f64; 3],
}

/// A delay and how well it explains the picture.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Delay {
    /// Tracker time = video time + delay, seconds.
    pub delay_s: f64,
    /// Share of the line's motion that the tracker explains then, 0 to 1.
    pub explained: f64,
    /// Frames used.
    pub frames_used: usize,
}

/// Why no delay can be given.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DelayProblem {
    /// Too few frames with a line while the tracker ran.
    #[error("only {0} frames show the plate while the tracker ran, 20 needed; no delay")]
    FewFrames(usize),
    /// The probe stood still.
    #[error(
        "the plate moves by only {0:.1} rows (standard deviation), 4 needed: move the probe up and down"
    )]
    Still(f64),
    /// The two motions do not belong together, or not within half a second.
    #[error(
        "the tracker explains {0:.2} of the motion, 0.80 needed: do both files come from one recording?"
    )]
    Unlike(f64),
}

/// The delay at which the tracker's motion along its main direction explains most of the line's. `line` holds video
/// seconds and rows of the plate; the sign of the motion does not matter.
///
/// # Errors
/// Too few frames, no motion, or motions that do not belong together.
pub fn delay(line: &[(f64, f64)], tracker: &[TrackerSample]) -> Result<Delay, DelayProblem> {
    let mut sorted = tracker.to_vec();
    sorted.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let along = main_motion(&sorted);
    let (first, last) = match (along.first(), along.last()) {
        (Some(first), Some(last)) => (first.0, last.0),
        _ => return Err(DelayProblem::FewFrames(0)),
    };
    // the same frames at every delay, or shares could not be compared
    let inside = |t: f64| t - LARGEST >= first && t + LARGEST <= last;
    let used: Vec<(f64, f64)> = line.iter().copied().filter(|(t, _)| inside(*t)).collect();
    if used.len() < FRAMES_NEEDED {
        return Err(DelayProblem::FewFrames(used.len()));
    }
    let rows: Vec<f64> = used.iter().map(|p| p.1).collect();
    let middle = median(rows.clone());
    let motion =
        (rows.iter().map(|r| (r - middle).powi(2)).sum::<f64>() / rows.len() as f64).sqrt();
    if motion < MOTION {
        return Err(DelayProblem::Still(motion));
    }
    let steps = (LARGEST / STEP) as i64;
    let share = |k: i64| explained(&used, &along, k as f64 * STEP);
    let best = (-steps..=steps)
        .max_by(|a, b| share(*a).total_cmp(&share(*b)))
        .unwrap_or(0);
    let most = share(best);
    if most < EXPLAINED || best.abs() == steps {
        return Err(DelayProblem::Unlike(most));
    }
    Ok(Delay {
        delay_s: best as f64 * STEP,
        explained: most,
        frames_used: used.len(),
    })
}

/// Square of the correlation of rows with the tracker's motion `delay` later.
fn explained(line: &[(f64, f64)], along: &[(f64, f64)], delay: f64) -> f64 {
    let pairs: Vec<(f64, f64)> = line
        .iter()
        .filter_map(|(t, y)| Some((at(along, t + delay)?, *y)))
        .collect();
    let n = pairs.len().max(1) as f64;
    let mx = pairs.iter().map(|p| p.0).sum::<f64>() / n;
    let my = pairs.iter().map(|p| p.1).sum::<f64>() / n;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx).powi(2);
        xy += (x - mx) * (y - my);
        yy += (y - my).powi(2);
    }
    if xx * yy > 0.0 {
        xy * xy / (xx * yy)
    } else {
        0.0
    }
}

/// Value at a time, between the two samples around it.
fn at(along: &[(f64, f64)], time: f64) -> Option<f64> {
    let after = along.partition_point(|s| s.0 < time);
    let (a, b) = (along.get(after.checked_sub(1)?)?, along.get(after)?);
    let part = (time - a.0) / (b.0 - a.0).max(1e-9);
    Some(a.1 + part * (b.1 - a.1))
}

/// Seconds and millimetres along the direction of largest motion (power iteration on the covariance).
fn main_motion(samples: &[TrackerSample]) -> Vec<(f64, f64)> {
    let n = samples.len().max(1) as f64;
    let mean = [0, 1, 2].map(|k: usize| {
        samples
            .iter()
            .filter_map(|s| s.position.get(k))
            .sum::<f64>()
            / n
    });
    let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>();
    let centred = |s: &TrackerSample| {
        let mut off = s.position;
        off.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        off
    };
    let mut direction = [1.0, 0.9, 0.8];
    for _ in 0..60 {
        let mut next = [0.0; 3];
        for sample in samples {
            let off = centred(sample);
            let length = dot(off, direction);
            next.iter_mut().zip(off).for_each(|(v, o)| *v += o * length);
        }
        let length = dot(next, next).sqrt();
        if length < 1e-9 {
            break;
        }
        direction = next.map(|v| v / length);
    }
    samples
        .iter()
        .map(|s| (s.seconds, dot(centred(s), direction)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_delay_comes_back_with_its_sign() {
        let depth = |t: f64| 40.0 * (1.7 * t).sin() + 9.0 * (4.1 * t).cos();
        let line: Vec<(f64, f64)> = (0..100)
            .map(|k| 1.0 + f64::from(k) * 0.087)
            .map(|t| (t, 300.0 + depth(t)))
            .collect();
        for lag in [-0.065, 0.12] {
            let tracker: Vec<TrackerSample> = (0..480)
                .map(|k| f64::from(k) * 0.025)
                .map(|t| TrackerSample {
                    seconds: t,
                    position: [3.0 - 0.08 * depth(t - lag), 1.0, 0.02 * depth(t - lag)],
                })
                .collect();
            let found = delay(&line, &tracker).expect("a delay");
            assert!((found.delay_s - lag).abs() < 0.003, "{found:?}");
        }
        let still: Vec<(f64, f64)> = line.iter().map(|p| (p.0, 300.0)).collect();
        assert_eq!(delay(&still, &[]), Err(DelayProblem::FewFrames(0)));
    }
}
