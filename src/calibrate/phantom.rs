//! A phantom: straight wires by two end points, and how they look in a slice across them.
#![expect(
    clippy::indexing_slicing,
    reason = "fixed arrays of three coordinates, indices below three"
)]
use serde::Deserialize;

/// Wires a phantom may have.
const MOST_WIRES: usize = 60;
/// Wires are parallel when the sine of the angle between them is below this (half a degree).
const PARALLEL: f64 = 0.009;
/// A wire that runs less than this along the common direction (cosine) is not seen as a dot in a slice.
const ALONG_LEAST: f64 = 0.3;

/// A wire as a slice at right angles to the common direction sees it.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) name: String,
    /// Where it meets the slice at position 0, mm.
    pub(super) at: [f64; 2],
    /// How far it walks per millimetre of position; zero for wires of the common direction.
    pub(super) walk: [f64; 2],
    /// Whether it stays where it is.
    pub(super) fixed: bool,
}

/// A wire phantom.
#[derive(Clone, Debug)]
pub struct Phantom {
    /// Its name.
    pub name: String,
    pub(super) wires: Vec<Wire>,
    /// Positions along the common direction that have wires, mm.
    pub(super) reach: (f64, f64),
}

/// A phantom file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhantomProblem {
    /// Not the expected JSON.
    #[error(
        "phantom file: expected {{\"name\":..,\"wires_mm\":{{NAME:[[x,y,z],[x,y,z]]}}}}, got: {0}; no calibration without it"
    )]
    NotJson(String),
    /// A wire that has no direction or is not finite.
    #[error("phantom file: expected two different end points in mm for wire {0:?}, within 1000 mm")]
    BadWire(String),
    /// Too few or too many wires, or wires without a common direction.
    #[error(
        "phantom file: expected 3 to 60 wires, at least 3 of them parallel and not in one line; got {wires} wires, {parallel} parallel"
    )]
    NotEnough {
        /// Wires in the file.
        wires: usize,
        /// Wires of the most common direction.
        parallel: usize,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: String,
    wires_mm: std::collections::BTreeMap<String, [[f64; 3]; 2]>,
}

type Vector = [f64; 3];

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    a.map(|v| v / length)
}

impl Phantom {
    /// Reads a phantom file: `{"name":..,"wires_mm":{NAME:[[x,y,z],[x,y,z]]}}`, mm; other keys are ignored.
    ///
    /// # Errors
    /// JSON of another shape, wires without direction, or fewer than three parallel wires.
    pub fn parse(text: &str) -> Result<Self, PhantomProblem> {
        let file: File = serde_json::from_str(text)
            .map_err(|problem| PhantomProblem::NotJson(problem.to_string()))?;
        let mut ends = Vec::with_capacity(file.wires_mm.len());
        for (name, [a, b]) in file.wires_mm {
            let sound = a.iter().chain(&b).all(|v| v.abs() <= 1000.0);
            let run = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
            if !sound || dot(run, run) < 1e-4 {
                return Err(PhantomProblem::BadWire(name));
            }
            ends.push((name, a, b, unit(run)));
        }
        let few = |parallel| PhantomProblem::NotEnough {
            wires: ends.len(),
            parallel,
        };
        if !(3..=MOST_WIRES).contains(&ends.len()) {
            return Err(few(0));
        }
        let across = |a: Vector, b: Vector| dot(cross(a, b), cross(a, b)).sqrt();
        let alike = |d: Vector| ends.iter().filter(|e| across(e.3, d) < PARALLEL).count();
        let mut common = [0.0, 0.0, 1.0];
        let mut parallel = 0;
        for end in &ends {
            let count = alike(end.3);
            if count > parallel {
                (common, parallel) = (end.3, count);
            }
        }
        if parallel < 3 {
            return Err(few(parallel));
        }
        let (first, second) = plane_of(common);
        let mut wires = Vec::with_capacity(ends.len());
        let mut reach = (f64::INFINITY, f64::NEG_INFINITY);
        for (name, a, b, direction) in &ends {
            let along = dot(*direction, common);
            if along.abs() < ALONG_LEAST {
                continue;
            }
            let flat = |v: Vector| [dot(v, first), dot(v, second)];
            let fixed = across(*direction, common) < PARALLEL;
            let walk = if fixed {
                [0.0, 0.0]
            } else {
                flat(*direction).map(|v| v / along)
            };
            let (from, to) = (dot(*a, common), dot(*b, common));
            let at = flat(*a);
            let at = [at[0] - walk[0] * from, at[1] - walk[1] * from];
            reach = (reach.0.min(from).min(to), reach.1.max(from).max(to));
            wires.push(Wire {
                name: name.clone(),
                at,
                walk,
                fixed,
            });
        }
        let phantom = Self {
            name: file.name,
            wires,
            reach,
        };
        if phantom.triples().is_empty() {
            return Err(few(parallel));
        }
        Ok(phantom)
    }

    /// Number of wires a slice can show.
    pub fn wire_count(&self) -> usize {
        self.wires.len()
    }

    /// Largest distance between fixed wires, mm.
    pub(super) fn extent(&self) -> f64 {
        let fixed = || self.wires.iter().filter(|w| w.fixed);
        let mut extent = 0.0_f64;
        for a in fixed() {
            for b in fixed() {
                extent = extent.max((a.at[0] - b.at[0]).hypot(a.at[1] - b.at[1]));
            }
        }
        extent
    }

    /// Triples of fixed wires that span the most, as indices; at most 8, each wire missing from some.
    pub(super) fn triples(&self) -> Vec<[usize; 3]> {
        let fixed: Vec<usize> = (0..self.wires.len())
            .filter(|i| self.wires[*i].fixed)
            .collect();
        let mut all = Vec::new();
        for (n, a) in fixed.iter().enumerate() {
            for (m, b) in fixed.iter().enumerate().skip(n + 1) {
                for c in fixed.iter().skip(m + 1) {
                    let (p, q, r) = (self.wires[*a].at, self.wires[*b].at, self.wires[*c].at);
                    let area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
                    if area.abs() > 1.0 {
                        all.push((area.abs(), [*a, *b, *c]));
                    }
                }
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut used = vec![0_usize; self.wires.len()];
        let mut chosen = Vec::new();
        for (_, triple) in all {
            if chosen.len() < 8 && triple.iter().all(|i| used[*i] < 4) {
                for i in triple {
                    used[i] += 1;
                }
                chosen.push(triple);
            }
        }
        chosen
    }
}

/// Two directions at right angles to a third: the file's own axes as far as they lie across it.
fn plane_of(common: Vector) -> (Vector, Vector) {
    let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut axis = axes[0];
    for candidate in axes {
        if dot(candidate, common).abs() < dot(axis, common).abs() - 1e-9 {
            axis = candidate;
        }
    }
    let along = dot(axis, common);
    let first = unit([
        axis[0] - along * common[0],
        axis[1] - along * common[1],
        axis[2] - along * common[2],
    ]);
    let mut second = cross(common, first);
    // Toward positive coordinates, so that depths given as positive figures stay positive.
    if second.iter().sum::<f64>() < 0.0 {
        second = second.map(|v| -v);
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slanted_wire_walks_and_files_of_another_shape_are_refused() {
        let text = r#"{"name":"N","note":1,"wires_mm":{"a":[[0,0,0],[0,0,40]],"b":[[30,0,0],[30,0,40]],
            "c":[[0,20,0],[0,20,40]],"s":[[5,0,0],[25,0,40]]}}"#;
        let phantom = Phantom::parse(text).expect("a phantom");
        let slanted = phantom.wires.iter().find(|w| w.name == "s").expect("s");
        assert!(!slanted.fixed && (slanted.walk[0].abs() - 0.5).abs() < 1e-9);
        assert!((phantom.extent() - 30.0_f64.hypot(20.0)).abs() < 1e-9);
        let two = r#"{"wires_mm":{"a":[[0,0,0],[0,0,1]],"b":[[1,0,0],[1,0,1]]}}"#;
        let flat = r#"{"wires_mm":{"a":[[0,0,0],[0,0,0]]}}"#;
        for bad in ["", "{}", two, flat, r#"{"wires_mm":{"a":[[1,2],[3,4]]}}"#] {
            assert!(Phantom::parse(bad).is_err(), "{bad}");
        }
    }
}
