//! Random virtual patients for evaluation: every figure drawn from the seed.
use super::array::ArrayKind;
use super::motion::Motion;
use super::preset::Preset;
use super::random::Random;
use super::scenario::{LookAlike, NeedlePlan, PortFamily, PumpCase, Scar, Scenario};

impl Scenario {
    /// A random patient: about six in ten have a fill port in view for at least part of the time; the others are an
    /// access port alone, an inverted pump, no pump, or a look-alike.
    pub fn random(seed: u64) -> Self {
        let mut random = Random::new(seed, 41);
        let draw = random.unit();
        let mut scenario = Self::implanted("random", seed, &mut random);
        if draw < 0.62 {
            fill_port(&mut scenario, &mut random);
        } else if draw < 0.72 {
            access_port(&mut scenario, &mut random);
        } else if draw < 0.82 {
            blank_face(&mut scenario, &mut random);
        } else {
            no_pump(&mut scenario, &mut random);
        }
        motion(&mut scenario, &mut random);
        scenario.limited()
    }

    /// A random patient for training: four in five have a fill port, the others a blank face or no pump at all. The
    /// probe stands beside the place and turned, so that it has to be looked for.
    pub fn for_training(seed: u64) -> Self {
        let mut random = Random::new(seed, 47);
        let draw = random.unit();
        let mut scenario = Self::implanted("training", seed, &mut random);
        if draw < 0.8 {
            fill_port(&mut scenario, &mut random);
        } else if draw < 0.9 {
            blank_face(&mut scenario, &mut random);
        } else {
            no_pump(&mut scenario, &mut random);
        }
        // A sweep would move the trainee's own probe.
        scenario.motion.clear();
        motion(&mut scenario, &mut random);
        let aside = |random: &mut Random| {
            let far = random.range(6.0, 16.0);
            if random.chance(0.5) { far } else { -far }
        };
        scenario.pose.slide_mm = aside(&mut random);
        scenario.pose.elevation_mm = aside(&mut random);
        scenario.pose.rotate_deg = random.range(-25.0, 25.0);
        scenario.limited()
    }

    /// The random patient of this seed with a needle that goes in by itself, 10 to 60 degrees off square to the face.
    pub fn random_with_needle(seed: u64) -> Self {
        let mut scenario = Self::random(seed);
        needle(&mut scenario.needle, &mut Random::new(seed, 43));
        scenario
    }

    /// A patient with a fill port into whose pocket fluid runs from the third second on. The hand holds still but for
    /// its tremor.
    pub fn random_with_fluid(seed: u64) -> Self {
        let mut scenario = Self::random_implanted(seed);
        let mut random = Random::new(seed, 47);
        fill_port(&mut scenario, &mut random);
        // A sweep would carry the port away from the fluid.
        scenario.motion.clear();
        motion(&mut scenario, &mut random);
        let plan = &mut scenario.fluid;
        plan.thickness_mm = random.range(2.5, 7.0);
        plan.radius_mm = random.range(10.0, 22.0);
        plan.offset_mm = random.range(-8.0, 8.0);
        plan.start_s = Some(random.range(2.2, 3.2));
        plan.growth_s = random.range(1.0, 4.0);
        scenario.limited()
    }

    /// A patient whose pump is swept from side to side: upside down in one half of the cohort, the right way up in
    /// the other.
    pub fn random_swept(seed: u64) -> Self {
        let mut scenario = Self::random_implanted(seed);
        let mut random = Random::new(seed, 53);
        let is_inverted = random.chance(0.5);
        if let Some(pump) = scenario.pump.as_mut() {
            pump.inverted = is_inverted;
            pump.x_mm = random.range(-6.0, 6.0);
            pump.y_mm = 0.0;
        }
        motion(&mut scenario, &mut random);
        scenario
            .motion
            .retain(|m| !matches!(m, Motion::Spasm { .. }));
        let way = if random.chance(0.5) { 1.0 } else { -1.0 };
        scenario.motion.push(Motion::Sweep {
            from_mm: way * random.range(-20.0, -14.0),
            to_mm: way * random.range(14.0, 20.0),
            start_s: 0.4,
            duration_s: random.range(3.5, 6.5),
        });
        scenario.limited()
    }

    /// Machine, tissue and pump of a random patient, with nothing that moves.
    fn random_implanted(seed: u64) -> Self {
        let mut scenario = Self::implanted("random", seed, &mut Random::new(seed, 45));
        scenario.motion.clear();
        scenario
    }

    /// The preset that all are made of, with machine, tissue and pump drawn anew.
    fn implanted(name: &str, seed: u64, random: &mut Random) -> Self {
        let mut scenario = Preset::Easy.scenario(seed);
        name.clone_into(&mut scenario.name);
        machine(&mut scenario, random);
        if let Some(pump) = scenario.pump.as_mut() {
            implant(pump, random);
        }
        scenario
    }
}

fn needle(plan: &mut NeedlePlan, random: &mut Random) {
    let lean = random.range(10.0, 60.0);
    plan.angle_deg = if random.chance(0.5) { lean } else { -lean };
    // most are meant to lie in the plane; tremor and a tilted slice keep many of them out of it
    plan.elevation_mm = if random.chance(0.7) {
        0.0
    } else {
        random.range(-2.0, 2.0)
    };
    plan.start_s = Some(random.range(0.3, 1.0));
    plan.speed_mm_s = random.range(4.0, 14.0);
}

fn machine(scenario: &mut Scenario, random: &mut Random) {
    let tissue = &mut scenario.tissue;
    let curved = random.chance(0.4);
    tissue.fat_mm = if curved {
        random.range(18.0, 42.0)
    } else {
        random.range(6.0, 24.0)
    };
    tissue.skin_mm = random.range(1.5, 2.5);
    tissue.capsule_mm = random.range(0.4, 1.8);
    tissue.fat_speed = random.range(1428.0, 1470.0);
    tissue.septa = random.range(2.0, 12.0) as u32;
    if random.chance(0.2) {
        tissue.scar = Some(Scar {
            thickness_mm: random.range(1.5, 4.0),
            loss_db: random.range(2.0, 8.0),
            radius_mm: random.range(5.0, 14.0),
        });
    }
    if curved {
        scenario.array = ArrayKind::Curved {
            radius_mm: 60.0,
            sector_deg: random.range(55.0, 65.0),
        };
        scenario.frequency_mhz = random.range(2.8, 5.0);
    } else {
        scenario.array = ArrayKind::Linear {
            width_mm: random.range(38.0, 50.0),
        };
        scenario.frequency_mhz = random.range(4.5, 8.5);
    }
    let deep = scenario.drawn_depth_mm();
    scenario.depth_mm = (deep * random.range(1.5, 2.3)).clamp(deep + 16.0, 150.0);
    let nuisance = &mut scenario.nuisance;
    nuisance.gain_db = random.range(-6.0, 5.0);
    nuisance.noise_db = random.range(-4.0, 10.0);
    nuisance.face_db = random.range(-9.0, 0.0);
    nuisance.clutter_db = random.range(-4.0, 13.0);
    nuisance.tissue_db = random.range(-5.0, 4.0);
    if random.chance(0.15) {
        nuisance.haze_db = random.range(-46.0, -32.0);
    }
}

fn implant(pump: &mut PumpCase, random: &mut Random) {
    pump.family = if random.chance(0.3) {
        PortFamily::Raised
    } else {
        PortFamily::Recessed
    };
    pump.tilt_deg = (5.0 * random.gauss()).clamp(-13.0, 13.0);
    pump.elevation_tilt_deg = (2.5 * random.gauss()).clamp(-7.0, 7.0);
    pump.spin_deg = random.range(-180.0, 180.0);
    pump.port_width_mm = random.range(6.6, 7.4);
    if random.chance(0.15) {
        pump.access_port_mm = None;
    } else {
        pump.access_port_mm = Some(random.range(25.0, 32.0));
    }
}

fn fill_port(scenario: &mut Scenario, random: &mut Random) {
    let Some(pump) = scenario.pump.as_mut() else {
        return;
    };
    let reach = if matches!(scenario.array, ArrayKind::Curved { .. }) {
        14.0
    } else {
        7.0
    };
    pump.x_mm = random.range(-reach, reach);
    // off the middle of the port: the chord is shorter than the port is wide
    pump.y_mm = random.range(-2.6, 2.6);
    if random.chance(0.25) {
        scenario.motion.push(Motion::Sweep {
            from_mm: random.range(-14.0, -6.0),
            to_mm: random.range(2.0, 14.0),
            start_s: 0.4,
            duration_s: random.range(2.0, 5.0),
        });
    }
}

fn access_port(scenario: &mut Scenario, random: &mut Random) {
    let Some(pump) = scenario.pump.as_mut() else {
        return;
    };
    scenario.array = ArrayKind::Linear { width_mm: 40.0 };
    scenario.frequency_mhz = scenario.frequency_mhz.clamp(4.0, 8.0);
    pump.access_port_mm = Some(random.range(26.0, 31.0));
    pump.spin_deg = if random.chance(0.5) { 0.0 } else { 180.0 };
    let side = if pump.spin_deg == 0.0 { -1.0 } else { 1.0 };
    pump.x_mm = side * random.range(28.0, 34.0);
    pump.y_mm = random.range(-1.0, 1.0);
}

fn blank_face(scenario: &mut Scenario, random: &mut Random) {
    let Some(pump) = scenario.pump.as_mut() else {
        return;
    };
    pump.inverted = true;
    pump.x_mm = random.range(-12.0, 12.0);
    if random.chance(0.5) {
        scenario.look_alikes.push(LookAlike::Shadow {
            x_mm: random.range(-8.0, 8.0),
            width_mm: random.range(4.0, 9.0),
            from_mm: if random.chance(0.5) {
                0.0
            } else {
                random.range(1.0, 8.0)
            },
            loss_db: random.range(18.0, 40.0),
        });
    }
}

fn no_pump(scenario: &mut Scenario, random: &mut Random) {
    scenario.pump = None;
    scenario.tissue.scar = None;
    let deep = scenario.drawn_depth_mm();
    let kind = random.unit();
    if kind < 0.4 {
        scenario.look_alikes.push(LookAlike::Fascia {
            depth_mm: deep * random.range(0.7, 0.95),
            tilt_deg: random.range(-6.0, 6.0),
            gap_x_mm: random.range(-8.0, 8.0),
            gap_mm: random.range(4.0, 9.0),
        });
    } else if kind < 0.7 {
        scenario.look_alikes.push(LookAlike::Bone {
            depth_mm: deep * random.range(0.7, 1.0),
            x_mm: random.range(-8.0, 8.0),
            radius_mm: random.range(20.0, 50.0),
        });
    }
}

fn motion(scenario: &mut Scenario, random: &mut Random) {
    scenario
        .motion
        .retain(|m| matches!(m, Motion::Sweep { .. }));
    scenario.motion.push(Motion::Tremor {
        mm: random.range(0.1, 0.6),
        hz: random.range(0.4, 1.0),
    });
    if random.chance(0.6) {
        scenario.motion.push(Motion::Breathing {
            lateral_mm: random.range(0.0, 3.0),
            depth_mm: random.range(0.0, 3.0),
            hz: random.range(0.2, 0.4),
        });
    }
    if random.chance(0.15) {
        scenario.motion.push(Motion::Spasm {
            mm: random.range(4.0, 10.0),
            at_s: random.range(1.0, 3.0),
            every_s: 0.0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_with_fluid_get_it_late_and_half_of_those_swept_lie_upside_down() {
        for seed in 0..50 {
            let fluid = Scenario::random_with_fluid(seed);
            assert!(fluid.fluid.start_s.is_some_and(|s| s > 2.0));
            assert!(fluid.pump.is_some_and(|p| !p.inverted));
        }
        let inverted = (0..200)
            .filter(|seed| {
                Scenario::random_swept(*seed)
                    .pump
                    .is_some_and(|p| p.inverted)
            })
            .count();
        assert!(
            (75..125).contains(&inverted),
            "{inverted} of 200 upside down"
        );
    }

    #[test]
    fn patients_differ_by_seed_and_are_the_same_for_one() {
        assert_eq!(Scenario::random(5), Scenario::random(5));
        assert_ne!(Scenario::random(5), Scenario::random(6));
        let pumps = (0..300)
            .filter(|seed| Scenario::random(*seed).pump.is_some_and(|p| !p.inverted))
            .count();
        assert!((180..250).contains(&pumps), "{pumps} of 300 with a port");
    }

    #[test]
    fn patients_for_training_are_the_same_for_a_seed_and_mostly_have_a_port_to_look_for() {
        assert_eq!(Scenario::for_training(9), Scenario::for_training(9));
        let patients: Vec<Scenario> = (0..200).map(Scenario::for_training).collect();
        let has_port = |s: &&Scenario| s.pump.as_ref().is_some_and(|p| !p.inverted);
        let ports = patients.iter().filter(has_port).count();
        assert!((140..180).contains(&ports), "{ports} of 200 with a port");
        for patient in &patients {
            let pose = &patient.pose;
            assert!(pose.slide_mm.hypot(pose.elevation_mm) > 8.0, "{pose:?}");
            let is_swept = |m: &Motion| matches!(m, Motion::Sweep { .. });
            assert!(!patient.motion.iter().any(is_swept));
        }
    }
}
