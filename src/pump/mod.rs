//! The implant: pump models with the provenance of every figure, and refill needles.
mod catalog;
mod needle;

pub use catalog::{CatalogError, Note, Sheet, UnknownPump, catalog, find, generic, parse, sheets};
pub use needle::NeedleError;

use crate::space::{Milliliters, Millimeters};

/// How well a figure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Read in a source.
    Sourced,
    /// Measured by us.
    Measured,
    /// A working guess; widens every span it enters and is named as a guess.
    Guessed,
}

/// A figure and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Known<T> {
    /// The figure.
    pub value: T,
    /// How well it is known.
    pub provenance: Provenance,
}

/// Where the septum lies against the face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FillPort {
    /// Below the face.
    Recessed {
        /// By how much.
        by: Known<Millimeters>,
    },
    /// Above the face.
    Raised {
        /// By how much.
        by: Known<Millimeters>,
    },
    /// Not known: either is looked for.
    Either,
}

/// One model of implanted pump.
#[derive(Clone, Debug, PartialEq)]
pub struct PumpModel {
    /// Identifier on the command line, such as `synchromed2-20`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Whether a path may be planned with it (`generic` may not).
    pub plannable: bool,
    /// Outer diameter.
    pub diameter: Known<Millimeters>,
    /// The fill port's family.
    pub fill_port: FillPort,
    /// Width of the fill port.
    pub port_width: Known<Millimeters>,
    /// Depth of the metal needle stop below the face plane (top of the rim if raised).
    pub needle_stop: Known<Millimeters>,
    /// Distance of the catheter access port from the centre; `None` when it has none.
    pub access_port: Option<Known<Millimeters>>,
    /// Reservoir volume.
    pub reservoir: Known<Milliliters>,
}

/// A refill needle.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Needle {
    /// Gauge, 18 to 27.
    pub gauge: u8,
    /// Length from hub to tip.
    pub length: Millimeters,
}
