//! Virtual patients by name.
use std::str::FromStr;

use super::array::ArrayKind;
use super::motion::Motion;
use super::pose::Pose;
use super::scenario::{
    FluidPlan, LookAlike, NeedlePlan, Nuisance, PortFamily, PumpCase, Scar, Scenario, Tissue,
};
use crate::words;

/// A virtual patient by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// A recessed pump under 12 mm of fat, linear array.
    Easy,
    /// A recessed pump under 40 mm of fat, curved array.
    Deep,
    /// A pump turned in its own plane: the access port lies in the picture too; raised port, curved array.
    Rotated,
    /// A pump tilted by 11 degrees in the plane and 4 across it.
    Tilted,
    /// A pump whose blank side looks at the skin.
    Inverted,
    /// Thick scar over the port.
    Scar,
    /// A patient who jerks.
    Spastic,
    /// No pump: fat over muscle.
    NoPump,
    /// No pump: a bright flat fascia with a gap.
    Fascia,
    /// No pump: a curved band of bone with a shadow.
    Bone,
    /// A blank face under scar and a strip without contact.
    Shadow,
    /// A port behind clutter.
    Haze,
    /// A port in a face that hardly shines.
    Faint,
    /// The catheter access port alone in view.
    Access,
}

/// A word that names no preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("virtual patient: expected one of {expected}, got {got:?}")]
pub struct PresetError {
    /// What was given.
    pub got: String,
    /// The names there are.
    pub expected: String,
}

const LINEAR: ArrayKind = ArrayKind::Linear { width_mm: 40.0 };
const CURVED: ArrayKind = ArrayKind::Curved {
    radius_mm: 60.0,
    sector_deg: 60.0,
};

impl Preset {
    /// All presets.
    pub const ALL: [Self; 14] = [
        Self::Easy,
        Self::Deep,
        Self::Rotated,
        Self::Tilted,
        Self::Inverted,
        Self::Scar,
        Self::Spastic,
        Self::NoPump,
        Self::Fascia,
        Self::Bone,
        Self::Shadow,
        Self::Haze,
        Self::Faint,
        Self::Access,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Deep => "deep",
            Self::Rotated => "rotated",
            Self::Tilted => "tilted",
            Self::Inverted => "inverted",
            Self::Scar => "scar",
            Self::Spastic => "spastic",
            Self::NoPump => "no-pump",
            Self::Fascia => "fascia",
            Self::Bone => "bone",
            Self::Shadow => "shadow",
            Self::Haze => "haze",
            Self::Faint => "faint",
            Self::Access => "access",
        }
    }

    /// What it is, for people.
    pub fn description(self) -> String {
        words::say(&format!("simulate-preset-{}", self.name()))
    }

    /// The patient, with a seed for everything random.
    pub fn scenario(self, seed: u64) -> Scenario {
        let mut scenario = base(self.name(), seed);
        match self {
            Self::Easy => {}
            Self::Deep => deep(&mut scenario),
            Self::Rotated => rotated(&mut scenario),
            Self::Tilted => edit_pump(&mut scenario, |pump| {
                pump.tilt_deg = 11.0;
                pump.elevation_tilt_deg = 4.0;
            }),
            Self::Inverted => edit_pump(&mut scenario, |pump| {
                pump.inverted = true;
                pump.tilt_deg = 3.0;
            }),
            Self::Scar => {
                scenario.tissue.scar = Some(Scar {
                    thickness_mm: 3.5,
                    loss_db: 11.0,
                    radius_mm: 11.0,
                });
                scenario.tissue.fat_mm = 15.0;
            }
            Self::Spastic => scenario.motion.push(Motion::Spasm {
                mm: 8.0,
                at_s: 3.0,
                every_s: 6.0,
            }),
            Self::NoPump => no_pump(&mut scenario),
            Self::Fascia => fascia(&mut scenario),
            Self::Bone => bone(&mut scenario),
            Self::Shadow => shadow(&mut scenario),
            Self::Haze => {
                scenario.nuisance.haze_db = -34.0;
                scenario.nuisance.noise_db = 8.0;
                scenario.nuisance.face_db = -8.0;
            }
            Self::Faint => {
                scenario.nuisance.face_db = -13.0;
                edit_pump(&mut scenario, |pump| pump.elevation_tilt_deg = 4.0);
            }
            Self::Access => scenario.pose.slide_mm = 31.0,
        }
        scenario
    }
}

impl FromStr for Preset {
    type Err = PresetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == word)
            .ok_or_else(|| PresetError {
                got: text.to_owned(),
                expected: Self::ALL.map(Self::name).join(", "),
            })
    }
}

/// The easy patient, from which all others are made.
fn base(name: &str, seed: u64) -> Scenario {
    Scenario {
        name: name.to_owned(),
        seed,
        array: LINEAR,
        lines: 192,
        samples: 512,
        fps: 30.0,
        depth_mm: 42.0,
        frequency_mhz: 6.0,
        tissue: Tissue {
            skin_mm: 2.0,
            fat_mm: 14.0,
            fat_speed: 1450.0,
            capsule_mm: 1.0,
            septa: 7,
            texture_db: 2.0,
            scar: None,
        },
        pump: Some(PumpCase {
            family: PortFamily::Recessed,
            radius_mm: 43.75,
            port_width_mm: 7.0,
            x_mm: 2.0,
            y_mm: 0.0,
            tilt_deg: -3.0,
            elevation_tilt_deg: 1.0,
            spin_deg: if name == "access" { 0.0 } else { 65.0 },
            inverted: false,
            access_port_mm: Some(28.0),
        }),
        look_alikes: Vec::new(),
        nuisance: Nuisance::default(),
        pose: Pose::default(),
        motion: vec![
            Motion::Tremor { mm: 0.3, hz: 0.6 },
            Motion::Breathing {
                lateral_mm: 0.8,
                depth_mm: 0.8,
                hz: 0.27,
            },
        ],
        needle: NeedlePlan {
            angle_deg: 18.0,
            elevation_mm: 0.0,
            start_s: None,
            speed_mm_s: 4.0,
        },
        fluid: FluidPlan {
            thickness_mm: 5.0,
            radius_mm: 15.0,
            offset_mm: -2.0,
            start_s: None,
            growth_s: 5.0,
        },
    }
}

fn edit_pump(scenario: &mut Scenario, edit: impl FnOnce(&mut PumpCase)) {
    if let Some(pump) = scenario.pump.as_mut() {
        edit(pump);
    }
}

fn use_curved(scenario: &mut Scenario, depth_mm: f64) {
    scenario.array = CURVED;
    scenario.frequency_mhz = 3.5;
    scenario.depth_mm = depth_mm;
}

fn deep(scenario: &mut Scenario) {
    use_curved(scenario, 84.0);
    scenario.tissue.fat_mm = 40.0;
    scenario.tissue.septa = 12;
    edit_pump(scenario, |pump| pump.tilt_deg = 4.0);
}

fn rotated(scenario: &mut Scenario) {
    use_curved(scenario, 70.0);
    scenario.tissue.fat_mm = 27.0;
    scenario.tissue.septa = 9;
    edit_pump(scenario, |pump| {
        pump.family = PortFamily::Raised;
        pump.spin_deg = 178.5;
        pump.x_mm = 6.0;
    });
}

fn no_pump(scenario: &mut Scenario) {
    scenario.pump = None;
    scenario.tissue.fat_mm = 19.0;
    scenario.tissue.septa = 9;
}

fn fascia(scenario: &mut Scenario) {
    no_pump(scenario);
    scenario.tissue.fat_mm = 24.0;
    scenario.look_alikes.push(LookAlike::Fascia {
        depth_mm: 19.0,
        tilt_deg: -3.0,
        gap_x_mm: 4.5,
        gap_mm: 6.5,
    });
}

fn bone(scenario: &mut Scenario) {
    no_pump(scenario);
    scenario.look_alikes.push(LookAlike::Bone {
        depth_mm: 18.0,
        x_mm: 2.0,
        radius_mm: 32.0,
    });
}

fn shadow(scenario: &mut Scenario) {
    edit_pump(scenario, |pump| pump.inverted = true);
    scenario.tissue.scar = Some(Scar {
        thickness_mm: 2.5,
        loss_db: 5.0,
        radius_mm: 8.0,
    });
    scenario.look_alikes.push(LookAlike::Shadow {
        x_mm: 1.0,
        width_mm: 7.0,
        from_mm: 0.0,
        loss_db: 34.0,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_described_and_unknown_names_are_refused_with_the_list() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse(), Ok(preset));
            let key = format!("simulate-preset-{}", preset.name());
            assert!(words::has(&key), "{key} has no words");
            assert_ne!(preset.description(), key);
        }
        let error = "hard".parse::<Preset>().expect_err("no such preset");
        assert!(error.to_string().contains("no-pump"));
    }
}
