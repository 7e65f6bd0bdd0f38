//! What is known about the pump before the picture is read.
use crate::pump::PumpModel;
use crate::space::Millimeters;

/// What the detector looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorContext {
    /// Least and most width of the fill port's opening through its centre.
    pub port_width: (Millimeters, Millimeters),
    /// Its width through the centre, when the model is known.
    pub whole_width: Option<Millimeters>,
}

impl Default for DetectorContext {
    /// Any pump: nothing is known.
    fn default() -> Self {
        Self {
            port_width: (Millimeters(6.0), Millimeters(9.5)),
            whole_width: None,
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
        }
    }
}
