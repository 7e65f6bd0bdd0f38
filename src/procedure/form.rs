//! What is entered during a refill, field by field, as it is read from papers, programmer and syringe.
use super::volume::{Volume, VolumeError};

/// Longest text of a field.
const TEXT_MOST: usize = 80;
/// Longest study code.
const CODE_MOST: usize = 24;

/// One field. Drug fields are copied from the label as read; nothing is computed from them (H21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A code that stands for the patient.
    StudyCode,
    /// The first of two identifiers, when no study code is used.
    FirstIdentifier,
    /// The second.
    SecondIdentifier,
    /// Serial number of the pump, as read.
    PumpSerial,
    /// Name of the drug on the label.
    Drug,
    /// Its strength on the label.
    Strength,
    /// Its lot number on the label.
    Lot,
    /// Residual volume that the programmer expects, mL.
    ExpectedResidual,
    /// Volume aspirated, mL.
    Aspirated,
    /// What the aspirate looks like.
    AspirateLook,
    /// How the place of the needle was confirmed when aspiration cannot do it (H19).
    OtherConfirmation,
    /// Reservoir volume entered into the programmer after the refill, as read, mL.
    Programmed,
    /// Anything else worth keeping.
    Remarks,
}

impl Field {
    /// Every field, in the order of the procedure.
    pub const ALL: [Self; 13] = [
        Self::StudyCode,
        Self::FirstIdentifier,
        Self::SecondIdentifier,
        Self::PumpSerial,
        Self::Drug,
        Self::Strength,
        Self::Lot,
        Self::ExpectedResidual,
        Self::Aspirated,
        Self::AspirateLook,
        Self::OtherConfirmation,
        Self::Programmed,
        Self::Remarks,
    ];

    /// Whether it holds a volume.
    pub fn is_volume(self) -> bool {
        matches!(
            self,
            Self::ExpectedResidual | Self::Aspirated | Self::Programmed
        )
    }

    /// Whether what it holds can name a person: kept out of the journal (H27).
    pub fn is_identifying(self) -> bool {
        matches!(self, Self::FirstIdentifier | Self::SecondIdentifier)
    }

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::StudyCode => "field-study-code",
            Self::FirstIdentifier => "field-first-identifier",
            Self::SecondIdentifier => "field-second-identifier",
            Self::PumpSerial => "field-pump-serial",
            Self::Drug => "field-drug",
            Self::Strength => "field-strength",
            Self::Lot => "field-lot",
            Self::ExpectedResidual => "field-expected-residual",
            Self::Aspirated => "field-aspirated",
            Self::AspirateLook => "field-aspirate-look",
            Self::OtherConfirmation => "field-other-confirmation",
            Self::Programmed => "field-programmed",
            Self::Remarks => "field-remarks",
        }
    }
}

/// Why a text was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is no volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// It is too long, or has signs that cannot be printed.
    #[error("expected at most {TEXT_MOST} printable characters, got {got}")]
    Text {
        /// How many came.
        got: usize,
    },
    /// It is no study code.
    #[error("study code: expected up to {CODE_MOST} letters, digits, - or _, got {got:?}")]
    Code {
        /// What came.
        got: String,
    },
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Words.
    Text(String),
    /// A volume, mL.
    Volume(Volume),
}

impl Value {
    /// Reads what was typed into `field`; `None` when it was emptied.
    pub fn read(field: Field, typed: &str) -> Result<Option<Self>, FieldError> {
        let text = typed.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if field.is_volume() {
            return Ok(Some(Self::Volume(text.parse()?)));
        }
        let length = text.chars().count();
        if length > TEXT_MOST || text.chars().any(char::is_control) {
            return Err(FieldError::Text { got: length });
        }
        let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if field == Field::StudyCode && (length > CODE_MOST || !text.chars().all(is_code)) {
            return Err(FieldError::Code {
                got: text.to_owned(),
            });
        }
        Ok(Some(Self::Text(text.to_owned())))
    }

    /// As it is shown.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Volume(volume) => volume.to_string(),
        }
    }
}

/// What the operator saw over the pump before the puncture. Seeing none proves nothing (H18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FluidAnswer {
    /// No fluid was seen in this scan.
    NoneSeen,
    /// Fluid was seen.
    Seen,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::has;

    #[test]
    fn fields_take_what_fits_and_say_what_was_expected() {
        let read = |field, text| Value::read(field, text);
        assert_eq!(read(Field::Drug, "  "), Ok(None));
        assert_eq!(
            read(Field::Drug, " baclofen "),
            Ok(Some(Value::Text("baclofen".to_owned())))
        );
        for (field, bad) in [
            (Field::StudyCode, "Jane Doe"),
            (Field::StudyCode, "0123456789012345678901234"),
            (Field::Drug, "a\u{7}b"),
            (Field::Aspirated, "a few"),
        ] {
            let problem = read(field, bad).expect_err(bad);
            assert!(problem.to_string().contains("expected"), "{problem}");
        }
        assert!(read(Field::Remarks, &"x".repeat(81)).is_err());
    }

    #[test]
    fn every_field_has_words() {
        for field in Field::ALL {
            assert!(has(field.key()), "{}", field.key());
        }
    }
}
