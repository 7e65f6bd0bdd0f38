//! Motion scripts: how hand and patient move by themselves, as a function of simulated time alone.
use std::f64::consts::TAU;

/// One motion script. Several may run at once; their displacements add.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Motion {
    /// The hand: slow drift with a fine tremor of 9 Hz on top.
    Tremor {
        /// Amplitude of the drift, mm; the fine tremor has a quarter of it.
        mm: f64,
        /// Frequency of the drift, Hz.
        hz: f64,
    },
    /// The patient breathes.
    Breathing {
        /// Sideways travel from end to end, mm.
        lateral_mm: f64,
        /// Travel toward and away from the probe from end to end, mm.
        depth_mm: f64,
        /// Breaths a second.
        hz: f64,
    },
    /// The patient jerks: a jump within 0.12 s, clonus of 5 Hz that dies out, and half the way back.
    Spasm {
        /// Sideways jump, mm.
        mm: f64,
        /// First jerk, s.
        at_s: f64,
        /// Time between jerks, s; 0 means once.
        every_s: f64,
    },
    /// The hand sweeps across the picture plane.
    Sweep {
        /// Start, mm.
        from_mm: f64,
        /// End, mm.
        to_mm: f64,
        /// When it starts, s.
        start_s: f64,
        /// How long it takes, s.
        duration_s: f64,
    },
}

/// What all scripts together have moved at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Displacement {
    /// Tissue and pump under the probe, sideways, mm.
    pub(super) tissue_x: f64,
    /// Tissue and pump across the plane, mm.
    pub(super) tissue_y: f64,
    /// Pump away from the probe, mm.
    pub(super) pump_z: f64,
    /// Probe along its plane, mm.
    pub(super) slide: f64,
    /// Probe across its plane, mm.
    pub(super) elevation: f64,
    /// Probe rocked, degrees.
    pub(super) tilt_deg: f64,
}

impl Motion {
    fn add_to(&self, sum: &mut Displacement, t: f64) {
        match *self {
            Self::Tremor { mm, hz } => {
                let slow = TAU * hz * t;
                let fine = TAU * 9.0 * t;
                sum.slide += mm * slow.sin() + 0.25 * mm * (fine + 0.7).sin();
                sum.elevation += 0.6 * mm * (0.73 * slow + 1.1).sin() - 0.6 * mm * 1.1_f64.sin();
                sum.pump_z += 0.3 * mm * (1.31 * slow).sin() + 0.1 * mm * fine.sin();
                sum.tilt_deg += 0.4 * mm * (0.57 * slow).sin();
            }
            Self::Breathing {
                lateral_mm,
                depth_mm,
                hz,
            } => {
                let phase = 0.5 - 0.5 * (TAU * hz * t).cos();
                sum.tissue_x += lateral_mm * phase;
                sum.pump_z -= depth_mm * phase;
            }
            Self::Spasm { mm, at_s, every_s } => {
                if t >= at_s {
                    let count = if every_s > 0.0 {
                        ((t - at_s) / every_s).floor()
                    } else {
                        0.0
                    };
                    let side = if count % 2.0 == 0.0 { 1.0 } else { -1.0 };
                    let jerk = mm * side * jerk(t - at_s - count * every_s.max(0.0));
                    sum.tissue_x += jerk;
                    sum.tissue_y += 0.2 * jerk;
                    sum.pump_z -= 0.15 * jerk.abs();
                }
            }
            Self::Sweep {
                from_mm,
                to_mm,
                start_s,
                duration_s,
            } => {
                let share = ((t - start_s) / duration_s.max(1e-3)).clamp(0.0, 1.0);
                sum.elevation += from_mm + (to_mm - from_mm) * share;
            }
        }
    }
}

/// Course of one jerk, 0 before, near 1 at its height, settling at a half.
fn jerk(since: f64) -> f64 {
    let rise = 1.0 - (-since / 0.04).exp();
    let clonus = 0.35 * (TAU * 5.0 * since).sin() * (-since / 0.5).exp();
    let settle = 0.5 + 0.5 * (-since / 0.9).exp();
    rise * settle + clonus * rise
}

/// The sum of all scripts at time `t` in seconds.
pub(super) fn displacement(scripts: &[Motion], t: f64) -> Displacement {
    let mut sum = Displacement::default();
    for script in scripts {
        script.add_to(&mut sum, t);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spasm_jumps_within_an_eighth_of_a_second_and_half_of_it_stays() {
        let script = [Motion::Spasm {
            mm: 8.0,
            at_s: 1.0,
            every_s: 0.0,
        }];
        assert_eq!(displacement(&script, 0.99).tissue_x, 0.0);
        let height = (0..=12)
            .map(|i| displacement(&script, 1.0 + f64::from(i) * 0.01).tissue_x)
            .fold(0.0, f64::max);
        assert!((7.0..12.0).contains(&height), "{height}");
        let late = displacement(&script, 6.0).tissue_x;
        assert!((late - 4.0).abs() < 0.2, "{late}");
    }

    #[test]
    fn a_sweep_goes_from_end_to_end_and_stays_there() {
        let script = [Motion::Sweep {
            from_mm: -10.0,
            to_mm: 10.0,
            start_s: 0.5,
            duration_s: 2.0,
        }];
        let at = |t| displacement(&script, t).elevation;
        assert_eq!(at(0.0), -10.0);
        assert!(at(1.5).abs() < 1e-9);
        assert_eq!(at(9.0), 10.0);
    }
}
