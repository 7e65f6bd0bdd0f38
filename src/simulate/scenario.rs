//! A virtual patient with an implant and the look of the machine, as plain figures. Lengths are true millimetres.
use super::array::{ASSUMED_SPEED, ArrayKind};
use super::motion::Motion;
use super::pose::Pose;

/// Speed of sound in skin, m/s.
const SKIN_SPEED: f64 = 1650.0;
/// Speed of sound in the capsule, m/s.
const CAPSULE_SPEED: f64 = 1570.0;
/// Speed of sound in the silicone of a septum, m/s.
const SILICONE_SPEED: f64 = 975.0;

/// What lies over the pump.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Tissue {
    /// Thickness of the skin, mm.
    pub skin_mm: f64,
    /// Thickness of fat over the middle of the pump (over the muscle when there is no pump), mm.
    pub fat_mm: f64,
    /// Speed of sound in this fat, m/s.
    pub fat_speed: f64,
    /// Thickness of the capsule on the pump, mm.
    pub capsule_mm: f64,
    /// Number of connective septa in the fat.
    pub septa: u32,
    /// Standard deviation of slow variation of the echo level (lobules), dB.
    pub texture_db: f64,
    /// A thick scar over the port that hides its edges.
    pub scar: Option<Scar>,
}

/// Scar tissue on the pump's face.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Scar {
    /// Thickness, mm.
    pub thickness_mm: f64,
    /// Loss of echo through it, one way and back, dB.
    pub loss_db: f64,
    /// Radius over the middle of the pump, mm.
    pub radius_mm: f64,
}

/// Where the septum lies against the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortFamily {
    /// Below the face.
    Recessed,
    /// Above the face, within a metal rim.
    Raised,
}

/// An implanted pump. Recess, septum and needle-stop depths are working guesses: nobody has measured them here.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PumpCase {
    /// Recessed or raised fill port.
    pub family: PortFamily,
    /// Radius of the face, mm.
    pub radius_mm: f64,
    /// Diameter of the fill port, mm.
    pub port_width_mm: f64,
    /// Middle of the face along X, mm.
    pub x_mm: f64,
    /// Middle of the face along Y, mm.
    pub y_mm: f64,
    /// Tilt of the face as drawn, along X, degrees; positive when larger X is deeper.
    pub tilt_deg: f64,
    /// Tilt of the face as drawn, along Y, degrees.
    pub elevation_tilt_deg: f64,
    /// Direction of the access port in the face, degrees from X.
    pub spin_deg: f64,
    /// Whether the face without ports looks at the skin.
    pub inverted: bool,
    /// Distance of the catheter access port from the middle, mm; `None` without one.
    pub access_port_mm: Option<f64>,
}

impl PumpCase {
    /// How far the septum's surface lies below the face plane (negative above), mm.
    pub fn septum_top_mm(&self) -> f64 {
        match self.family {
            PortFamily::Recessed => 1.5,
            PortFamily::Raised => -2.0,
        }
    }
    /// Thickness of the silicone, mm.
    pub fn septum_mm(&self) -> f64 {
        match self.family {
            PortFamily::Recessed => 5.0,
            PortFamily::Raised => 4.5,
        }
    }
    /// Height of the rim above the face plane, mm.
    pub fn rim_mm(&self) -> f64 {
        match self.family {
            PortFamily::Recessed => 0.0,
            PortFamily::Raised => 2.0,
        }
    }
    /// True depth of the needle stop below the port's top (face plane, or top of the rim), mm.
    pub fn needle_stop_mm(&self) -> f64 {
        8.0
    }
    /// The same depth below the face plane as drawn at 1540 m/s, mm.
    pub fn drawn_stop_mm(&self) -> f64 {
        let top = -self.rim_mm();
        let slow = self.septum_mm() * (ASSUMED_SPEED / SILICONE_SPEED - 1.0);
        top + self.needle_stop_mm() + slow
    }
}

/// Things that look like a pump and are none, or a gap that is no port.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LookAlike {
    /// A bright flat fascia with a gap and no metal.
    Fascia {
        /// Depth as drawn at X = 0, mm.
        depth_mm: f64,
        /// Tilt as drawn, degrees.
        tilt_deg: f64,
        /// Middle of the gap, mm.
        gap_x_mm: f64,
        /// Width of the gap, mm.
        gap_mm: f64,
    },
    /// A curved band with a clean shadow.
    Bone {
        /// Depth of its top, mm.
        depth_mm: f64,
        /// Where its top lies, mm.
        x_mm: f64,
        /// Radius of its surface, mm.
        radius_mm: f64,
    },
    /// A strip without contact or under gas: a shadow from the skin downward.
    Shadow {
        /// Middle of the strip, mm.
        x_mm: f64,
        /// Width, mm.
        width_mm: f64,
        /// Depth from which it shadows, mm.
        from_mm: f64,
        /// Loss, dB.
        loss_db: f64,
    },
}

/// How well machine and contact serve this patient.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Nuisance {
    /// Overall level, dB.
    pub gain_db: f64,
    /// Level of electronic noise against the usual, dB.
    pub noise_db: f64,
    /// Level of clutter over the whole picture below full scale, dB; 0 means none.
    pub haze_db: f64,
    /// Level of clutter behind metal against the usual, dB.
    pub clutter_db: f64,
    /// Level of the metal echoes against the usual, dB.
    pub face_db: f64,
    /// Level of tissue against the usual, dB.
    pub tissue_db: f64,
}

impl Default for Nuisance {
    fn default() -> Self {
        Self {
            gain_db: 0.0,
            noise_db: 0.0,
            haze_db: 0.0,
            clutter_db: 0.0,
            face_db: 0.0,
            tissue_db: 0.0,
        }
    }
}

/// The needle, entering in the picture plane of the starting pose.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct NeedlePlan {
    /// Against the normal of the face, degrees; positive enters from the marked side.
    pub angle_deg: f64,
    /// Off the axis of the port across the plane, mm.
    pub elevation_mm: f64,
    /// When it goes in by itself, s; `None` means by hand only.
    pub start_s: Option<f64>,
    /// How fast it goes in by itself, mm/s.
    pub speed_mm_s: f64,
}

/// Fluid that collects outside the pump, on its face.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct FluidPlan {
    /// Largest thickness, mm.
    pub thickness_mm: f64,
    /// Radius of the pool, mm.
    pub radius_mm: f64,
    /// Where its middle lies on the face along X, mm.
    pub offset_mm: f64,
    /// When it begins by itself, s; `None` means on cue only.
    pub start_s: Option<f64>,
    /// How long it grows, s.
    pub growth_s: f64,
}

/// Everything that decides what the virtual probe sees.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Scenario {
    /// Name of the preset, or `random`.
    pub name: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The array.
    pub array: ArrayKind,
    /// Scan lines a frame.
    pub lines: usize,
    /// Samples a line.
    pub samples: usize,
    /// Frames a second.
    pub fps: f64,
    /// Depth of the picture at the start, mm.
    pub depth_mm: f64,
    /// Frequency at the start, MHz.
    pub frequency_mhz: f64,
    /// What lies over the pump.
    pub tissue: Tissue,
    /// The pump.
    pub pump: Option<PumpCase>,
    /// Look-alikes.
    pub look_alikes: Vec<LookAlike>,
    /// Machine and contact.
    pub nuisance: Nuisance,
    /// Where the probe starts.
    pub pose: Pose,
    /// What moves by itself.
    pub motion: Vec<Motion>,
    /// The needle.
    pub needle: NeedlePlan,
    /// The fluid.
    pub fluid: FluidPlan,
}

impl Scenario {
    /// True thickness of tissue over the middle of the face, mm.
    pub fn true_depth_mm(&self) -> f64 {
        self.tissue.skin_mm + self.tissue.fat_mm + self.tissue.capsule_mm
    }

    /// The same as drawn at 1540 m/s, mm.
    pub fn drawn_depth_mm(&self) -> f64 {
        let tissue = &self.tissue;
        ASSUMED_SPEED
            * (tissue.skin_mm / SKIN_SPEED
                + tissue.fat_mm / tissue.fat_speed
                + tissue.capsule_mm / CAPSULE_SPEED)
    }

    /// True thickness over drawn thickness of the tissue above the face.
    pub(super) fn true_per_drawn(&self) -> f64 {
        self.true_depth_mm() / self.drawn_depth_mm().max(1e-6)
    }

    /// The scenario with sizes that can be rendered (lines, samples, rate and lengths inside sane limits).
    #[must_use]
    pub fn limited(mut self) -> Self {
        let keep = |value: f64, least: f64, most: f64, otherwise: f64| {
            if value.is_finite() {
                value.clamp(least, most)
            } else {
                otherwise
            }
        };
        self.lines = self.lines.clamp(32, 512);
        self.samples = self.samples.clamp(64, 2048);
        self.fps = keep(self.fps, 1.0, 240.0, 30.0);
        self.depth_mm = keep(self.depth_mm, 20.0, 160.0, 50.0);
        self.frequency_mhz = keep(self.frequency_mhz, 1.0, 20.0, 5.0);
        self.tissue.skin_mm = keep(self.tissue.skin_mm, 0.5, 5.0, 2.0);
        self.tissue.fat_mm = keep(self.tissue.fat_mm, 1.0, 100.0, 12.0);
        self.tissue.fat_speed = keep(self.tissue.fat_speed, 1400.0, 1600.0, 1450.0);
        self.tissue.capsule_mm = keep(self.tissue.capsule_mm, 0.1, 5.0, 1.0);
        self.tissue.texture_db = keep(self.tissue.texture_db, 0.0, 6.0, 2.0);
        self.tissue.septa = self.tissue.septa.min(24);
        self.pose = self.pose.limited();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::Preset;

    #[test]
    fn fat_is_drawn_too_thick_and_silicone_more_so() {
        let deep = Preset::Deep.scenario(1);
        let over = deep.drawn_depth_mm() - deep.true_depth_mm();
        // 40 mm of fat at 1450 m/s draws 2.5 mm too deep; skin and capsule give a little back.
        assert!((2.0..2.6).contains(&over), "{over}");
        let pump = deep.pump.expect("deep has a pump");
        let stretch = pump.drawn_stop_mm() - pump.needle_stop_mm();
        assert!((2.5..3.5).contains(&stretch), "{stretch}");
    }
}
