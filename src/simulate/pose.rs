//! Where the virtual probe stands on the virtual patient, and the way between their two spaces.
//!
//! Patient space, in *drawn* millimetres (1540 m/s): X and Y along the skin, Z into the body, skin at Z = 0.

/// How the probe is held. Zero everywhere: flat on the skin, middle of the face over the patient's origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pose {
    /// Along the picture plane, mm.
    pub slide_mm: f64,
    /// Across the picture plane, mm.
    pub elevation_mm: f64,
    /// Rocked in the picture plane, degrees; positive when the beam leans toward the marked side.
    pub tilt_deg: f64,
    /// Turned about the beam, degrees.
    pub rotate_deg: f64,
    /// Pressed toward the patient, mm; negative lifts the probe off the skin.
    pub push_mm: f64,
}

/// One movement of the probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PoseStep {
    /// Along the picture plane, mm.
    Slide(f64),
    /// Across the picture plane, mm.
    Elevation(f64),
    /// Rock in the picture plane, degrees.
    Tilt(f64),
    /// Turn about the beam, degrees.
    Rotate(f64),
    /// Press toward the patient, mm.
    Push(f64),
    /// Back to where the scenario starts.
    Reset,
}

impl Pose {
    /// Moves the probe by one step. Slide and elevation follow the probe's own axes, as a hand would move it.
    /// `home` is where [`PoseStep::Reset`] goes. Steps that are no number are ignored; limits are kept.
    pub fn nudge(&mut self, step: PoseStep, home: &Pose) {
        let turn = self.rotate_deg.to_radians();
        let (sin, cos) = turn.sin_cos();
        let next = match step {
            PoseStep::Slide(mm) => Self {
                slide_mm: self.slide_mm + mm * cos,
                elevation_mm: self.elevation_mm + mm * sin,
                ..*self
            },
            PoseStep::Elevation(mm) => Self {
                slide_mm: self.slide_mm - mm * sin,
                elevation_mm: self.elevation_mm + mm * cos,
                ..*self
            },
            PoseStep::Tilt(deg) => Self {
                tilt_deg: self.tilt_deg + deg,
                ..*self
            },
            PoseStep::Rotate(deg) => Self {
                rotate_deg: self.rotate_deg + deg,
                ..*self
            },
            PoseStep::Push(mm) => Self {
                push_mm: self.push_mm + mm,
                ..*self
            },
            PoseStep::Reset => *home,
        };
        if next.is_finite() {
            *self = next.limited();
        }
    }

    fn is_finite(&self) -> bool {
        [
            self.slide_mm,
            self.elevation_mm,
            self.tilt_deg,
            self.rotate_deg,
            self.push_mm,
        ]
        .iter()
        .all(|v| v.is_finite())
    }

    /// The pose with every figure inside its limits.
    #[must_use]
    pub fn limited(&self) -> Self {
        Self {
            slide_mm: self.slide_mm.clamp(-120.0, 120.0),
            elevation_mm: self.elevation_mm.clamp(-120.0, 120.0),
            tilt_deg: self.tilt_deg.clamp(-45.0, 45.0),
            rotate_deg: self.rotate_deg.clamp(-180.0, 180.0),
            push_mm: self.push_mm.clamp(-5.0, 15.0),
        }
    }
}

/// A vector of patient space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vector {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

impl Vector {
    pub(super) fn new(x: f64, y: f64, z: f64) -> Self {
        Self { x, y, z }
    }
    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }
    pub(super) fn plus(self, other: Self, times: f64) -> Self {
        Self::new(
            self.x + other.x * times,
            self.y + other.y * times,
            self.z + other.z * times,
        )
    }
    pub(super) fn cross(self, other: Self) -> Self {
        Self::new(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }
    pub(super) fn length(self) -> f64 {
        self.dot(self).sqrt()
    }
    pub(super) fn unit(self) -> Self {
        let length = self.length().max(1e-12);
        Self::new(self.x / length, self.y / length, self.z / length)
    }
}

/// The probe's frame of axes in patient space for one frame, and how far tissue is squeezed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    /// Middle of the probe face.
    pub(super) origin: Vector,
    /// Lateral axis of the picture.
    pub(super) lateral: Vector,
    /// Across the picture.
    pub(super) elevation: Vector,
    /// Depth axis of the picture.
    pub(super) axial: Vector,
    /// Thickness of tissue over the pump against its thickness at rest.
    pub(super) squeeze: f64,
}

impl Placement {
    /// The axes of a pose; `drift` is how far tissue has moved under the probe (X, Y).
    pub(super) fn new(pose: &Pose, drift: [f64; 2], squeeze: f64) -> Self {
        let (sin_tilt, cos_tilt) = pose.tilt_deg.to_radians().sin_cos();
        let (sin_turn, cos_turn) = pose.rotate_deg.to_radians().sin_cos();
        let [drift_x, drift_y] = drift;
        Self {
            origin: Vector::new(pose.slide_mm - drift_x, pose.elevation_mm - drift_y, 0.0),
            lateral: Vector::new(cos_tilt * cos_turn, cos_tilt * sin_turn, -sin_tilt),
            elevation: Vector::new(-sin_turn, cos_turn, 0.0),
            axial: Vector::new(sin_tilt * cos_turn, sin_tilt * sin_turn, cos_tilt),
            squeeze,
        }
    }

    /// A point of the picture plane, or `e` mm off it, in patient space.
    pub(super) fn to_patient(self, x: f64, e: f64, z: f64) -> Vector {
        self.origin
            .plus(self.lateral, x)
            .plus(self.elevation, e)
            .plus(self.axial, z)
    }

    /// A point of patient space as (lateral, elevation, depth) seen from the probe.
    pub(super) fn to_scan(self, point: Vector) -> Vector {
        let from = point.plus(self.origin, -1.0);
        Vector::new(
            from.dot(self.lateral),
            from.dot(self.elevation),
            from.dot(self.axial),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_patient_and_back_cancels() {
        let pose = Pose {
            slide_mm: 3.0,
            elevation_mm: -2.0,
            tilt_deg: 12.0,
            rotate_deg: 70.0,
            push_mm: 0.0,
        };
        let place = Placement::new(&pose, [1.0, -0.5], 1.0);
        let there = place.to_patient(7.0, -1.5, 22.0);
        let back = place.to_scan(there);
        assert!((back.x - 7.0).abs() < 1e-9);
        assert!((back.y + 1.5).abs() < 1e-9);
        assert!((back.z - 22.0).abs() < 1e-9);
    }

    #[test]
    fn a_turned_probe_slides_along_its_own_plane_and_reset_brings_it_home() {
        let home = Pose::default();
        let mut pose = home;
        pose.nudge(PoseStep::Rotate(90.0), &home);
        pose.nudge(PoseStep::Slide(4.0), &home);
        assert!(pose.slide_mm.abs() < 1e-9);
        assert!((pose.elevation_mm - 4.0).abs() < 1e-9);
        pose.nudge(PoseStep::Tilt(f64::NAN), &home);
        assert_eq!(pose.tilt_deg, 0.0);
        pose.nudge(PoseStep::Push(900.0), &home);
        assert_eq!(pose.push_mm, 15.0);
        pose.nudge(PoseStep::Reset, &home);
        assert_eq!(pose, home);
    }
}
