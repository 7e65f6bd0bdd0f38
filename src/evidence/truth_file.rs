//! The truth file beside a recording, in the two forms of the synthetic data sets.
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::truth::{CaseFacts, FrameTruth, NeedleTruth, Origin, PortTruth, RecordingTruth, Truth};

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

impl From<RawStillPort> for PortTruth {
    fn from(port: RawStillPort) -> Self {
        let [x, z] = port.centre_mm;
        Self {
            x,
            z,
            width: port.width_mm,
        }
    }
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

impl From<RawPort> for PortTruth {
    fn from(port: RawPort) -> Self {
        Self {
            x: port.x,
            z: port.z,
            width: port.width,
        }
    }
}

#[derive(Deserialize)]
struct RawNeedle {
    a: [f64; 2],
    b: [f64; 2],
    tip: Option<[f64; 2]>,
    #[serde(default)]
    in_plane: bool,
}

#[derive(Deserialize)]
struct RawFluid {
    thickness_mm: f64,
}

#[derive(Deserialize)]
struct RawFrame {
    #[serde(default)]
    t: f64,
    port: Option<RawPort>,
    tilt_deg: Option<f64>,
    access_port: Option<RawPort>,
    needle: Option<RawNeedle>,
    fluid: Option<RawFluid>,
    entry_to_stop_mm: Option<f64>,
    /// Only the virtual probe says what can be seen.
    visibility: Option<serde::de::IgnoredAny>,
}

/// Fluid that grows from `t0` on over `dur` seconds to `mm`.
#[derive(Deserialize, Clone, Copy)]
struct RawGrowth {
    t0: f64,
    dur: f64,
    mm: f64,
}

#[derive(Deserialize)]
struct RawMotion {
    kind: String,
}

#[derive(Deserialize, Default)]
struct RawPump {
    #[serde(default)]
    inverted: bool,
}

#[derive(Deserialize)]
struct RawLine {
    from_mm: [f64; 2],
    to_mm: [f64; 2],
}

/// The phantom, as far as scoring needs it. The virtual probe's own scenario has other words for some of it.
#[derive(Deserialize, Default)]
struct RawCase {
    pump: Option<RawPump>,
    #[serde(default)]
    motion: Vec<RawMotion>,
    #[serde(default)]
    fluid: Option<serde_json::Value>,
    #[serde(default)]
    needle: Option<serde_json::Value>,
}

impl RawCase {
    fn growth(&self) -> Option<RawGrowth> {
        RawGrowth::deserialize(self.fluid.as_ref()?).ok()
    }

    fn needle(&self) -> Option<NeedleTruth> {
        let line = RawLine::deserialize(self.needle.as_ref()?).ok()?;
        Some(NeedleTruth {
            a: line.from_mm,
            b: line.to_mm,
            tip: Some(line.to_mm),
            in_plane: true,
        })
    }
}

#[derive(Deserialize)]
struct RawSequence {
    probe: Option<String>,
    #[serde(default)]
    case: RawCase,
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
    other_port: Option<RawStillPort>,
    tilt_deg: Option<f64>,
    probe: Option<String>,
    #[serde(default)]
    case: RawCase,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Sequence(RawSequence),
    Still(RawStill),
}

/// Reads a truth file.
pub fn read_truth(path: &Path) -> Result<RecordingTruth, TruthProblem> {
    let text = std::fs::read(path).map_err(|cause| TruthProblem::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    parse(&text).map_err(|cause| TruthProblem::Malformed {
        path: path.to_owned(),
        cause,
    })
}

fn facts(origin: Origin, probe: Option<String>, case: &RawCase) -> CaseFacts {
    let mut features: Vec<String> = probe.into_iter().map(|p| format!("array {p}")).collect();
    let mut kinds: Vec<&str> = case.motion.iter().map(|m| m.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    features.extend(kinds.into_iter().map(|kind| format!("motion {kind}")));
    CaseFacts {
        origin,
        is_inverted: case.pump.as_ref().is_some_and(|p| p.inverted),
        is_sweep: case.motion.iter().any(|m| m.kind == "sweep"),
        features,
    }
}

fn sequence(raw: RawSequence) -> RecordingTruth {
    let is_virtual = raw.frames.iter().any(|f| f.visibility.is_some());
    let origin = if is_virtual {
        Origin::Virtual
    } else {
        Origin::Sequences
    };
    let growth = raw.case.growth();
    let facts = facts(origin, raw.probe, &raw.case);
    let frame = |frame: RawFrame| {
        let grown = growth.map_or(0.0, |g| {
            g.mm * ((frame.t - g.t0) / g.dur.max(1e-9)).clamp(0.0, 1.0)
        });
        FrameTruth {
            port: frame.port.map(PortTruth::from),
            tilt_deg: frame.tilt_deg,
            access_port: frame.access_port.map(PortTruth::from),
            needle: frame.needle.map(|n| NeedleTruth {
                a: n.a,
                b: n.b,
                tip: n.tip,
                in_plane: n.in_plane,
            }),
            fluid_mm: frame.fluid.map_or(grown, |f| f.thickness_mm),
            stop_mm: frame.entry_to_stop_mm,
        }
    };
    RecordingTruth {
        facts,
        truth: Truth::Sequence(raw.frames.into_iter().map(frame).collect()),
    }
}

fn still(raw: RawStill) -> RecordingTruth {
    RecordingTruth {
        facts: facts(Origin::Physics, raw.probe, &raw.case),
        truth: Truth::Still(FrameTruth {
            port: raw.port.map(PortTruth::from),
            tilt_deg: raw.tilt_deg,
            access_port: raw.other_port.map(PortTruth::from),
            needle: raw.case.needle(),
            ..FrameTruth::default()
        }),
    }
}

fn parse(text: &[u8]) -> Result<RecordingTruth, serde_json::Error> {
    Ok(match serde_json::from_slice(text)? {
        Raw::Sequence(raw) => sequence(raw),
        Raw::Still(raw) => still(raw),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &[u8]) -> Vec<FrameTruth> {
        match parse(text).expect("well formed").truth {
            Truth::Sequence(frames) => frames,
            Truth::Still(frame) => vec![frame],
        }
    }

    #[test]
    fn both_forms_are_read_and_anything_else_is_refused() {
        let still = br#"{"pump":true,"port":{"centre_mm":[-2,16.25],"width_mm":7},"tilt_deg":-3,"case":{"needle":{"from_mm":[-11,1],"to_mm":[1,18]}}}"#;
        let read = parse(still).expect("well formed");
        assert_eq!(read.facts.origin, Origin::Physics);
        let [frame] = frames(still)[..] else {
            panic!("one frame")
        };
        assert!(frame.port.is_some());
        assert_eq!(frame.needle.and_then(|n| n.tip), Some([1.0, 18.0]));
        assert!(frames(br#"{"pump":false,"port":null}"#)[0].port.is_none());
        let moving =
            br#"{"frames":[{"t":0,"port":null},{"t":1,"port":{"x_mm":1,"z_mm":2,"width_mm":3}}]}"#;
        assert_eq!(frames(moving).len(), 2);
        assert!(parse(br#"{"hello":1}"#).is_err());
        assert!(parse(b"").is_err());
    }

    #[test]
    fn growing_fluid_and_an_inverted_pump_under_a_sweep_are_known() {
        let filling =
            br#"{"case":{"fluid":{"t0":2,"dur":3,"mm":6}},"frames":[{"t":1},{"t":3},{"t":9}]}"#;
        let thick: Vec<f64> = frames(filling).iter().map(|f| f.fluid_mm).collect();
        assert_eq!(thick, [0.0, 2.0, 6.0]);
        let flipped =
            br#"{"case":{"pump":{"inverted":true},"motion":[{"kind":"sweep"}]},"frames":[]}"#;
        let facts = parse(flipped).expect("well formed").facts;
        assert!(facts.is_inverted && facts.is_sweep);
        assert_eq!(facts.origin, Origin::Sequences);
    }
}
