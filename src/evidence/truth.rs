//! What is truly in a picture, and what is true of a whole recording.
/// Where a fill port truly is, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortTruth {
    /// Lateral.
    pub x: f64,
    /// Depth of the face plane there.
    pub z: f64,
    /// Chord in this slice.
    pub width: f64,
}

/// The part of a needle that is in the slice, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeedleTruth {
    /// Shallow end.
    pub a: [f64; 2],
    /// Deep end.
    pub b: [f64; 2],
    /// The tip, when it lies in the slice.
    pub tip: Option<[f64; 2]>,
    /// Whether the shaft lies in the slice; otherwise it crosses it in a dot.
    pub in_plane: bool,
}

/// The truth of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FrameTruth {
    /// The fill port, when it is in the slice.
    pub port: Option<PortTruth>,
    /// Tilt of the face, degrees, when there is a pump.
    pub tilt_deg: Option<f64>,
    /// The catheter access port, when it is in the slice.
    pub access_port: Option<PortTruth>,
    /// The needle, when some of it is in the slice.
    pub needle: Option<NeedleTruth>,
    /// Thickness of fluid above the face, mm; 0 without any.
    pub fluid_mm: f64,
    /// True distance from skin to needle stop, square to the face, mm (virtual probe only).
    pub stop_mm: Option<f64>,
}

/// Where pictures come from; figures of different sources are never added up without saying so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Origin {
    /// V: the virtual probe.
    #[default]
    Virtual,
    /// P: stills of a physics simulation.
    Physics,
    /// S: sequences of another simulation.
    Sequences,
    /// Rl: real recordings without a pump.
    Real,
}

impl Origin {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Virtual, Self::Physics, Self::Sequences, Self::Real];

    /// Its letter.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Virtual => "V",
            Self::Physics => "P",
            Self::Sequences => "S",
            Self::Real => "Rl",
        }
    }

    /// What it is.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Virtual => "virtual probe (synthetic)",
            Self::Physics => "physics stills (synthetic)",
            Self::Sequences => "sequences (synthetic)",
            Self::Real => "real recordings without a pump",
        }
    }
}

/// What is true of a whole recording.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CaseFacts {
    /// Where its pictures come from.
    pub origin: Origin,
    /// Whether the pump lies upside down.
    pub is_inverted: bool,
    /// Whether the probe sweeps across the pump.
    pub is_sweep: bool,
    /// Words by which recall is broken down, such as `array linear`.
    pub features: Vec<String>,
}

impl FrameTruth {
    /// The truth a virtual probe hands out with a frame.
    pub fn of(truth: &crate::simulate::Truth) -> Self {
        Self {
            port: truth.port.map(|p| PortTruth {
                x: p.x_mm,
                z: p.z_mm,
                width: p.width_mm,
            }),
            tilt_deg: truth.tilt_deg,
            access_port: truth.access_port.map(|p| PortTruth {
                x: p.x_mm,
                z: p.z_mm,
                width: p.width_mm,
            }),
            needle: truth.needle.map(|n| NeedleTruth {
                a: n.a,
                b: n.b,
                tip: n.tip,
                in_plane: n.in_plane,
            }),
            fluid_mm: truth.fluid.map_or(0.0, |f| f.thickness_mm),
            stop_mm: truth.entry_to_stop_mm,
        }
    }
}

/// The truth of a recording and of its frames.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingTruth {
    /// What is true of the whole.
    pub facts: CaseFacts,
    /// Its frames.
    pub truth: Truth,
}

/// The truth of the frames of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// A single picture.
    Still(FrameTruth),
    /// A sequence, frame by frame.
    Sequence(Vec<FrameTruth>),
}
