//! Orientation of a stored picture in the field's two letters (H03, H04).
//!
//! The first letter says where the fastest-varying index runs, the second where the next one runs:
//! `M`/`U` toward the marked/unmarked side, `F`/`N` away from/toward the probe. `MF`: columns run toward the
//! marked side, rows away from the probe. `FM`, `FU`, `NM` and `NU` store scan lines as rows.
use std::str::FromStr;

/// How a picture or a set of scan lines is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Orientation {
    /// Columns toward the marked side, rows away from the probe: the internal orientation.
    #[default]
    Mf,
    /// Columns toward the unmarked side, rows away from the probe.
    Uf,
    /// Columns toward the marked side, rows toward the probe (probe at the bottom).
    Mn,
    /// Columns toward the unmarked side, rows toward the probe (probe at the bottom).
    Un,
    /// Scan lines as rows, samples away from the probe, lines toward the marked side.
    Fm,
    /// Scan lines as rows, samples away from the probe, lines toward the unmarked side.
    Fu,
    /// Scan lines as rows, samples toward the probe, lines toward the marked side.
    Nm,
    /// Scan lines as rows, samples toward the probe, lines toward the unmarked side.
    Nu,
}

/// Letters that name no orientation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("orientation: expected MF, UF, MN, UN, FM, FU, NM or NU, got {got:?}")]
pub struct OrientationError {
    /// What was given.
    pub got: String,
}

impl Orientation {
    /// The two letters.
    pub fn letters(self) -> &'static str {
        match self {
            Self::Mf => "MF",
            Self::Uf => "UF",
            Self::Mn => "MN",
            Self::Un => "UN",
            Self::Fm => "FM",
            Self::Fu => "FU",
            Self::Nm => "NM",
            Self::Nu => "NU",
        }
    }

    /// Whether the fastest index runs along the beam (scan lines as rows).
    pub fn lines_are_rows(self) -> bool {
        matches!(self, Self::Fm | Self::Fu | Self::Nm | Self::Nu)
    }

    /// Whether the lateral index must be reversed to run toward the marked side.
    pub fn is_mirrored(self) -> bool {
        matches!(self, Self::Uf | Self::Un | Self::Fu | Self::Nu)
    }

    /// Whether the axial index must be reversed to run away from the probe.
    pub fn is_upside_down(self) -> bool {
        matches!(self, Self::Mn | Self::Un | Self::Nm | Self::Nu)
    }
}

impl FromStr for Orientation {
    type Err = OrientationError;

    /// Reads two letters; a third one (elevation, `A`/`D`) is allowed and says nothing about the plane.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || OrientationError {
            got: text.to_owned(),
        };
        let upper = text.trim().to_ascii_uppercase();
        let plane = match upper.len() {
            2 => upper.as_str(),
            3 => upper.strip_suffix(['A', 'D']).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        match plane {
            "MF" => Ok(Self::Mf),
            "UF" => Ok(Self::Uf),
            "MN" => Ok(Self::Mn),
            "UN" => Ok(Self::Un),
            "FM" => Ok(Self::Fm),
            "FU" => Ok(Self::Fu),
            "NM" => Ok(Self::Nm),
            "NU" => Ok(Self::Nu),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_back_and_other_words_are_refused() {
        for word in ["MF", "UF", "MN", "UN", "FM", "FU", "NM", "NU"] {
            let orientation: Orientation = word.parse().expect("known letters");
            assert_eq!(orientation.letters(), word);
        }
        assert_eq!("mfa".parse(), Ok(Orientation::Mf));
        for bad in ["", "M", "MM", "XY", "MFX", "MFAA"] {
            assert!(bad.parse::<Orientation>().is_err(), "{bad}");
        }
    }
}
