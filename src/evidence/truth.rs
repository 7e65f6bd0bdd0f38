//! The truth beside a recording, in the two forms of the synthetic data sets.
use std::path::{Path, PathBuf};

use serde::Deserialize;

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

/// The truth of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FrameTruth {
    /// The fill port, when it is in the slice.
    pub port: Option<PortTruth>,
    /// Tilt of the face, degrees, when there is a pump.
    pub tilt_deg: Option<f64>,
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
        }
    }
}

/// The truth of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// A single picture.
    Still(FrameTruth),
    /// A sequence, frame by frame.
    Sequence(Vec<FrameTruth>),
}

/// A truth file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TruthProblem {
    /// It cannot be read.
    #[error("truth file cannot be read: {cause}: {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is not of a known form.
    #[error("truth file: expected a still's or a sequence's truth, got {cause}: {}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        cause: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct RawStillPort {
    centre_mm: [f64; 2],
    width_mm: f64,
}

#[derive(Deserialize)]
struct RawPort {
    #[serde(rename = "x_mm")]
    x: f64,
    #[serde(rename = "z_mm")]
    z: f64,
    #[serde(rename = "width_mm")]
    width: f64,
}

#[derive(Deserialize)]
struct RawFrame {
    port: Option<RawPort>,
    tilt_deg: Option<f64>,
}

#[derive(Deserialize)]
struct RawSequence {
    frames: Vec<RawFrame>,
}

#[derive(Deserialize)]
struct RawStill {
    #[expect(
        dead_code,
        reason = "its presence tells a still's truth from other JSON"
    )]
    pump: bool,
    port: Option<RawStillPort>,
    tilt_deg: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Sequence(RawSequence),
    Still(RawStill),
}

/// Reads a truth file.
pub fn read_truth(path: &Path) -> Result<Truth, TruthProblem> {
    let text = std::fs::read(path).map_err(|cause| TruthProblem::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    parse(&text).map_err(|cause| TruthProblem::Malformed {
        path: path.to_owned(),
        cause,
    })
}

fn parse(text: &[u8]) -> Result<Truth, serde_json::Error> {
    Ok(match serde_json::from_slice(text)? {
        Raw::Sequence(sequence) => Truth::Sequence(
            sequence
                .frames
                .into_iter()
                .map(|frame| FrameTruth {
                    port: frame.port.map(|p| PortTruth {
                        x: p.x,
                        z: p.z,
                        width: p.width,
                    }),
                    tilt_deg: frame.tilt_deg,
                })
                .collect(),
        ),
        Raw::Still(still) => Truth::Still(FrameTruth {
            port: still.port.map(|p| {
                let [x, z] = p.centre_mm;
                PortTruth {
                    x,
                    z,
                    width: p.width_mm,
                }
            }),
            tilt_deg: still.tilt_deg,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_anything_else_is_refused() {
        let still = br#"{"pump":true,"port":{"centre_mm":[-2,16.25],"width_mm":7},"tilt_deg":-3}"#;
        assert!(matches!(
            parse(still),
            Ok(Truth::Still(FrameTruth { port: Some(_), .. }))
        ));
        let blank = br#"{"pump":false,"port":null}"#;
        assert!(matches!(
            parse(blank),
            Ok(Truth::Still(FrameTruth { port: None, .. }))
        ));
        let moving =
            br#"{"frames":[{"t":0,"port":null},{"t":1,"port":{"x_mm":1,"z_mm":2,"width_mm":3}}]}"#;
        assert!(matches!(parse(moving), Ok(Truth::Sequence(f)) if f.len() == 2));
        assert!(parse(br#"{"hello":1}"#).is_err());
        assert!(parse(b"").is_err());
    }
}
