//! The pump models of assets/pumps.toml, each figure with its provenance and the note that says where it is from.
use std::sync::OnceLock;

use crate::notice::Problem;
use crate::pump::{FillPort, Known, Provenance, PumpModel};
use crate::space::{Milliliters, Millimeters};

static FIGURES: &str = include_str!("../../assets/pumps.toml");

/// Where one figure of a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The figure's name in assets/pumps.toml.
    pub figure: &'static str,
    /// How well it is known.
    pub provenance: Provenance,
    /// The source, or why it is guessed.
    pub text: String,
}

/// A model and the notes on its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The model.
    pub model: PumpModel,
    /// One note a figure.
    pub notes: Vec<Note>,
}

/// A catalogue that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Not the expected TOML.
    #[error("pump catalogue: {what}")]
    Unreadable {
        /// What the reader expected and found.
        what: String,
    },
    /// A figure that cannot be right.
    #[error("pump catalogue: {id}: {figure} must lie within {least} to {most}, got {got}")]
    OutOfRange {
        /// The model.
        id: String,
        /// The figure.
        figure: &'static str,
        /// Least accepted.
        least: String,
        /// Most accepted.
        most: String,
        /// What was given.
        got: String,
    },
    /// A port that is recessed or raised needs to say by how much; one that is neither must not.
    #[error("pump catalogue: {id}: fill_port {family:?} and step do not fit together")]
    Step {
        /// The model.
        id: String,
        /// The family given.
        family: String,
    },
    /// An identifier given twice.
    #[error("pump catalogue: {id} is listed twice")]
    Twice {
        /// The identifier.
        id: String,
    },
}

impl Problem for CatalogError {}

/// An identifier that is not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pump: expected one of {known}, got {got:?}")]
pub struct UnknownPump {
    /// What was given.
    pub got: String,
    /// All identifiers, comma separated.
    pub known: String,
}

impl Problem for UnknownPump {
    fn hint(&self) -> Option<String> {
        Some(
            "Choose the model named in the patient's papers, or generic to look without a path."
                .to_owned(),
        )
    }
}

/// All models, in the order of the catalogue; the first is `generic`.
pub fn catalog() -> &'static [PumpModel] {
    static MODELS: OnceLock<Vec<PumpModel>> = OnceLock::new();
    MODELS.get_or_init(|| sheets().iter().map(|sheet| sheet.model.clone()).collect())
}

/// All models with the notes on their figures.
pub fn sheets() -> &'static [Sheet] {
    static SHEETS: OnceLock<Vec<Sheet>> = OnceLock::new();
    SHEETS.get_or_init(|| {
        // The embedded file is checked by a test. Should it ever be broken, only the model without a path remains.
        parse(FIGURES).unwrap_or_else(|_| {
            vec![Sheet {
                model: bare_generic(),
                notes: Vec::new(),
            }]
        })
    })
}

/// The model with this identifier.
pub fn find(id: &str) -> Result<&'static PumpModel, UnknownPump> {
    let wanted = id.trim();
    catalog()
        .iter()
        .find(|model| model.id.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| UnknownPump {
            got: id.to_owned(),
            known: catalog()
                .iter()
                .map(|model| model.id.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// The model to start with: nothing is known of it and no path is planned (H23).
pub fn generic() -> PumpModel {
    find("generic").cloned().unwrap_or_else(|_| bare_generic())
}

/// Reads a catalogue.
pub fn parse(text: &str) -> Result<Vec<Sheet>, CatalogError> {
    let file: CatalogFile = toml::from_str(text).map_err(|error| CatalogError::Unreadable {
        what: error.to_string(),
    })?;
    let mut sheets: Vec<Sheet> = Vec::with_capacity(file.pump.len());
    for entry in file.pump {
        let sheet = entry.into_sheet()?;
        if sheets.iter().any(|known| known.model.id == sheet.model.id) {
            return Err(CatalogError::Twice { id: sheet.model.id });
        }
        sheets.push(sheet);
    }
    Ok(sheets)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    pump: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    value: f64,
    provenance: Provenance,
    note: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Family {
    Recessed,
    Raised,
    Either,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    plannable: bool,
    diameter: Figure,
    fill_port: Family,
    step: Option<Figure>,
    port_width: Figure,
    needle_stop: Figure,
    access_port: Option<Figure>,
    reservoir: Figure,
}

/// Takes figures out of an entry, keeping a note of each.
struct Taker {
    id: String,
    notes: Vec<Note>,
}

impl Taker {
    fn take<T>(
        &mut self,
        name: &'static str,
        figure: Figure,
        (least, most): (f64, f64),
        unit: fn(f64) -> T,
    ) -> Result<Known<T>, CatalogError> {
        if !(least..=most).contains(&figure.value) {
            return Err(CatalogError::OutOfRange {
                id: self.id.clone(),
                figure: name,
                least: least.to_string(),
                most: most.to_string(),
                got: figure.value.to_string(),
            });
        }
        self.notes.push(Note {
            figure: name,
            provenance: figure.provenance,
            text: figure.note,
        });
        Ok(Known {
            value: unit(figure.value),
            provenance: figure.provenance,
        })
    }
}

impl Entry {
    fn into_sheet(self) -> Result<Sheet, CatalogError> {
        let mut taker = Taker {
            id: self.id.clone(),
            notes: Vec::new(),
        };
        let diameter = taker.take("diameter", self.diameter, (40.0, 120.0), Millimeters)?;
        let step = self
            .step
            .map(|step| taker.take("step", step, (0.0, 5.0), Millimeters))
            .transpose()?;
        let fill_port = match (self.fill_port, step) {
            (Family::Recessed, Some(by)) => FillPort::Recessed { by },
            (Family::Raised, Some(by)) => FillPort::Raised { by },
            (Family::Either, None) => FillPort::Either,
            (family, _) => {
                let family = match family {
                    Family::Recessed => "recessed",
                    Family::Raised => "raised",
                    Family::Either => "either",
                };
                return Err(CatalogError::Step {
                    id: self.id,
                    family: family.to_owned(),
                });
            }
        };
        let port_width = taker.take("port_width", self.port_width, (3.0, 20.0), Millimeters)?;
        let needle_stop = taker.take("needle_stop", self.needle_stop, (2.0, 20.0), Millimeters)?;
        let access_port = self
            .access_port
            .map(|distance| taker.take("access_port", distance, (5.0, 60.0), Millimeters))
            .transpose()?;
        let reservoir = taker.take("reservoir", self.reservoir, (5.0, 100.0), Milliliters)?;
        Ok(Sheet {
            model: PumpModel {
                id: self.id,
                name: self.name,
                plannable: self.plannable,
                diameter,
                fill_port,
                port_width,
                needle_stop,
                access_port,
                reservoir,
            },
            notes: taker.notes,
        })
    }
}

fn bare_generic() -> PumpModel {
    fn guess<T>(value: T) -> Known<T> {
        Known {
            value,
            provenance: Provenance::Guessed,
        }
    }
    PumpModel {
        id: "generic".to_owned(),
        name: "Unknown pump (no path)".to_owned(),
        plannable: false,
        diameter: guess(Millimeters(80.0)),
        fill_port: FillPort::Either,
        port_width: guess(Millimeters(7.0)),
        needle_stop: guess(Millimeters(8.0)),
        access_port: None,
        reservoir: guess(Milliliters(20.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_is_read_and_every_figure_has_a_note() {
        let sheets = parse(FIGURES).expect("assets/pumps.toml is sound");
        assert_eq!(sheets.len(), catalog().len());
        for sheet in &sheets {
            let id = &sheet.model.id;
            assert!(sheet.notes.len() >= 4, "{id}");
            for note in &sheet.notes {
                assert!(note.text.len() >= 8, "{id}: {} needs a source", note.figure);
                let hedged = [
                    "guess",
                    "memory",
                    "no figure",
                    "as SynchroMed",
                    "between",
                    "middle",
                    "commonest",
                ];
                let named_a_guess = hedged.iter().any(|word| note.text.contains(word))
                    || note.text.contains("about 1 oz");
                if note.provenance == Provenance::Guessed {
                    assert!(named_a_guess, "{id}: {}: {}", note.figure, note.text);
                } else {
                    assert!(!note.text.contains("guess"), "{id}: {}", note.figure);
                }
            }
        }
    }

    #[test]
    fn every_model_asked_for_is_there_once_and_only_generic_cannot_be_planned_with() {
        let ids: Vec<&str> = catalog().iter().map(|model| model.id.as_str()).collect();
        let expected = [
            "generic",
            "synchromed2-20",
            "synchromed2-40",
            "synchromed3-20",
            "synchromed3-40",
            "prometra2-20",
            "prometra2-40",
            "medstream-20",
            "medstream-40",
            "codman3000",
            "archimedes",
            "isomed-20",
            "isomed-35",
            "isomed-60",
        ];
        assert_eq!(ids, expected);
        for model in catalog() {
            assert_eq!(model.plannable, model.id != "generic", "{}", model.id);
        }
    }

    #[test]
    fn the_largest_recessed_pump_has_the_figures_of_its_product_page() {
        let model = find("SynchroMed2-40").expect("letters of either case");
        assert_eq!(model.diameter.value, Millimeters(87.5));
        assert_eq!(model.diameter.provenance, Provenance::Sourced);
        assert_eq!(model.reservoir.value, Milliliters(40.0));
        assert_eq!(model.needle_stop.provenance, Provenance::Guessed);
        assert!(matches!(model.fill_port, FillPort::Recessed { .. }));
    }

    #[test]
    fn an_unknown_model_is_answered_with_the_known_ones() {
        let error = find("synchromed9").expect_err("not a model");
        assert!(error.to_string().contains("synchromed2-20"));
        assert!(error.to_string().contains("synchromed9"));
        assert_eq!(generic().id, "generic");
    }

    #[test]
    fn a_broken_catalogue_is_refused_with_the_model_and_the_figure() {
        let wide = FIGURES.replacen("value = 87.5", "value = 875.0", 1);
        let error = parse(&wide).expect_err("a pump of 875 mm");
        assert!(
            error.to_string().contains("synchromed2-20: diameter"),
            "{error}"
        );
        let doubled = FIGURES.replacen("synchromed2-40", "synchromed2-20", 1);
        assert!(matches!(parse(&doubled), Err(CatalogError::Twice { .. })));
        let unstepped = FIGURES.replacen("fill_port = \"recessed\"", "fill_port = \"either\"", 1);
        assert!(matches!(parse(&unstepped), Err(CatalogError::Step { .. })));
        let unproven = FIGURES.replacen("provenance = \"sourced\", ", "", 1);
        assert!(matches!(
            parse(&unproven),
            Err(CatalogError::Unreadable { .. })
        ));
    }
}
