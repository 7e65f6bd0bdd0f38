//! What is known about the pump before the picture is read.
use crate::pump::{FillPort, PumpModel};
use crate::space::Millimeters;

/// Where the septum lies against the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PortFamily {
    /// Below it.
    Recessed,
    /// Above it.
    Raised,
    /// Not known: both are looked for.
    #[default]
    Either,
}

impl PortFamily {
    /// Whether a septum at `step` mm against the face (negative: above it) belongs to the family.
    pub(super) fn allows(self, step: f64) -> bool {
        match self {
            Self::Recessed => step > 0.0,
            Self::Raised => step < 0.0,
            Self::Either => true,
        }
    }
}

/// What the detector looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorContext {
    /// Least and most width of the fill port's opening through its centre.
    pub port_width: (Millimeters, Millimeters),
    /// Its width through the centre, when the model is known.
    pub whole_width: Option<Millimeters>,
    /// Where its septum lies.
    pub family: PortFamily,
}

impl Default for DetectorContext {
    /// Any pump: nothing is known.
    fn default() -> Self {
        Self {
            port_width: (Millimeters(6.0), Millimeters(9.5)),
            whole_width: None,
            family: PortFamily::Either,
        }
    }
}

impl DetectorContext {
    /// What a pump model tells. Its width is widened by a quarter, more than any figure of it is wrong by.
    pub fn for_pump(pump: &PumpModel) -> Self {
        let width = pump.port_width.value;
        let standard = Self::default();
        if !(width.0.is_finite() && width.0 > 2.0) {
            return standard;
        }
        Self {
            port_width: (width * 0.75, width * 1.25),
            whole_width: pump.plannable.then_some(width),
            family: match pump.fill_port {
                FillPort::Recessed { .. } => PortFamily::Recessed,
                FillPort::Raised { .. } => PortFamily::Raised,
                FillPort::Either => PortFamily::Either,
            },
        }
    }
}
