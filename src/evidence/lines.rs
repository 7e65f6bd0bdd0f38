//! One JSON object a frame, in the coordinates of the stored picture.
use serde_json::{Map, Value, json};

use crate::detect::{Centring, Face, Finding, FluidSeen, Hint, Port, PortState};
use crate::engine::Advice;
use crate::guide::{NeedlePath, needle_aim};
use crate::image::{LengthUnit, ScanImage};
use crate::space::{Affine, Millimeters, Scan, ScanPoint, Segment, Stored};

/// What a whole run amounted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames read.
    pub frames: u64,
    /// Frames in state `locked`.
    pub locked: u64,
    /// Frames in state `candidate`.
    pub candidate: u64,
    /// Frames in state `access_port_suspected`.
    pub access_port_suspected: u64,
    /// Frames in state `inverted_suspected`.
    pub inverted_suspected: u64,
    /// Frames with a path.
    pub with_path: u64,
}

/// Writes advice as lines. Numbers are rounded (coordinates to 0.001) so that the text is stable and short.
#[derive(Clone, Debug, Default)]
pub struct LineWriter {
    first_seconds: Option<f64>,
    first_stamp: Option<f64>,
    tally: Tally,
    first_locked: Option<u64>,
}

impl LineWriter {
    /// The line of one frame; `index` is its place in the file.
    pub fn line(&mut self, index: u64, image: &ScanImage, advice: &Advice) -> Value {
        let finding = &advice.finding;
        let write = Writer::of(image);
        self.count(index, advice);
        let time = image.source_seconds.map(|seconds| {
            let first = *self.first_seconds.get_or_insert(seconds);
            round(seconds - first, 6)
        });
        let stamp = finding.captured_at.as_seconds();
        let began = *self.first_stamp.get_or_insert(stamp);
        let mut line = Map::new();
        line.insert("frame".into(), json!(index));
        line.insert("time_s".into(), json!(time));
        line.insert("units".into(), json!(image.unit));
        line.insert("state".into(), json!(finding.state));
        if finding.held {
            line.insert("held".into(), json!(true));
        }
        line.insert("confidence".into(), json!(round(finding.confidence, 4)));
        line.insert("port".into(), write.port(finding.port));
        line.insert("other_port".into(), write.port(finding.other_port));
        line.insert("face".into(), write.face(finding.face));
        line.insert("surface".into(), write.segment(finding.surface));
        line.insert("path".into(), write.path(advice.guidance.path));
        line.insert("withheld".into(), json!(advice.guidance.withheld));
        line.insert("centring".into(), Writer::centring(finding.centring));
        line.insert("needle".into(), write.needle(finding));
        line.insert("fluid".into(), write.fluid(finding.fluid, began));
        line.insert("contact".into(), json!(finding.contact));
        let parts = finding.hints.contact_parts.map(|share| round(share, 3));
        line.insert("contact_parts".into(), json!(parts));
        let hints: Vec<&str> = finding.hints.all().map(Hint::name).collect();
        line.insert("hints".into(), json!(hints));
        Value::Object(line)
    }

    fn count(&mut self, index: u64, advice: &Advice) {
        let tally = &mut self.tally;
        tally.frames += 1;
        tally.with_path += u64::from(advice.guidance.path.is_some());
        match advice.finding.state {
            PortState::None => {}
            PortState::Candidate => tally.candidate += 1,
            PortState::Locked => {
                tally.locked += 1;
                self.first_locked.get_or_insert(index);
            }
            PortState::AccessPortSuspected => tally.access_port_suspected += 1,
            PortState::InvertedSuspected => tally.inverted_suspected += 1,
        }
    }

    /// Counts so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The closing line.
    pub fn summary(&self, pump: &str, needle: Option<&str>, notices: &[String]) -> Value {
        let t = &self.tally;
        json!({"summary": {
            "frames": t.frames,
            "locked": t.locked,
            "candidate": t.candidate,
            "access_port_suspected": t.access_port_suspected,
            "inverted_suspected": t.inverted_suspected,
            "with_path": t.with_path,
            "first_locked_frame": self.first_locked,
            "pump": pump,
            "needle": needle,
            "notices": notices,
            "program": concat!("portsight ", env!("CARGO_PKG_VERSION")),
            "notice": crate::words::say("notice-research"),
        }})
    }
}

/// `value` with `places` decimals; never minus zero, never a number JSON cannot hold.
fn round(value: f64, places: i32) -> f64 {
    if !value.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powi(places);
    let rounded = (value * unit).round() / unit;
    rounded + 0.0
}

struct Writer {
    stored_from_scan: Affine<Scan, Stored>,
    unit: &'static str,
    /// -1 when the stored picture is mirrored or upside down (not both): angles change their sign.
    hand: f64,
}

impl Writer {
    fn of(image: &ScanImage) -> Self {
        let [sx, sz] = image.stored_from_scan.scale();
        Self {
            stored_from_scan: image.stored_from_scan,
            unit: match image.unit {
                LengthUnit::Millimeters => "mm",
                LengthUnit::Pixels => "px",
            },
            hand: (sx * sz).signum(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{name}_{}", self.unit)
    }

    fn point(&self, point: ScanPoint) -> Value {
        let stored = self.stored_from_scan.apply(point);
        json!([round(stored.x, 3), round(stored.z, 3)])
    }

    fn object<const N: usize>(fields: [(String, Value); N]) -> Value {
        Value::Object(fields.into_iter().collect())
    }

    fn port(&self, port: Option<Port>) -> Value {
        let Some(port) = port else { return Value::Null };
        let center = self.stored_from_scan.apply(port.center);
        Self::object([
            (self.key("x"), json!(round(center.x, 3))),
            (self.key("z"), json!(round(center.z, 3))),
            (self.key("width"), json!(round(port.width.0, 3))),
            (self.key("sigma"), json!(round(port.sigma.0, 3))),
        ])
    }

    fn segment(&self, segment: Option<Segment<Scan>>) -> Value {
        let Some(segment) = segment else {
            return Value::Null;
        };
        let stored = self.stored_from_scan.apply_segment(segment);
        Self::object([
            (
                self.key("left"),
                json!([round(stored.left.x, 3), round(stored.left.z, 3)]),
            ),
            (
                self.key("right"),
                json!([round(stored.right.x, 3), round(stored.right.z, 3)]),
            ),
        ])
    }

    fn face(&self, face: Option<Face>) -> Value {
        let Some(face) = face else { return Value::Null };
        let mut value = self.segment(Some(face.segment));
        if let Value::Object(fields) = &mut value {
            let tilt = face.tilt.degrees() * self.hand;
            fields.insert("tilt_deg".into(), json!(round(tilt, 3)));
        }
        value
    }

    fn path(&self, path: Option<NeedlePath>) -> Value {
        let Some(path) = path else { return Value::Null };
        let tilt = path.tilt.degrees() * self.hand;
        Self::object([
            (self.key("entry"), self.point(path.entry)),
            (self.key("aim"), self.point(path.aim)),
            ("tilt_deg".into(), json!(round(tilt, 3))),
            (
                self.key("depth"),
                json!([round(path.depth.least.0, 3), round(path.depth.most.0, 3)]),
            ),
        ])
    }

    /// Widths and distances have no direction: the same however the picture is stored.
    fn centring(centring: Option<Centring>) -> Value {
        let Some(centring) = centring else {
            return Value::Null;
        };
        let mm = |length: Option<Millimeters>| length.map(|l| round(l.0, 3));
        json!({
            "chord_mm": round(centring.chord.0, 3),
            "whole_mm": mm(centring.whole),
            "off_middle_mm": mm(centring.off_middle),
            "best_frame": centring.best.map(|best| best.frame),
        })
    }

    fn needle(&self, finding: &Finding) -> Value {
        let Some(needle) = finding.needle else {
            return Value::Null;
        };
        let aim = needle_aim(finding);
        let mm = |length: Option<Millimeters>| length.map(|l| round(l.0, 3));
        let off = aim.map(|aim| round(aim.off_square.degrees(), 3));
        let shaft = Segment::new(needle.a, needle.b);
        let angle = shaft.tilt().degrees() * self.hand;
        Self::object([
            (self.key("a"), self.point(needle.a)),
            (self.key("b"), self.point(needle.b)),
            ("angle_deg".into(), json!(round(angle, 3))),
            (
                self.key("tip"),
                needle.tip.map_or(Value::Null, |tip| self.point(tip)),
            ),
            ("confidence".into(), json!(round(needle.confidence, 4))),
            ("in_plane".into(), json!(needle.in_plane)),
            (self.key("to_port"), json!(mm(aim.and_then(|a| a.to_port)))),
            ("off_square_deg".into(), json!(off)),
        ])
    }

    fn fluid(&self, fluid: Option<FluidSeen>, began: f64) -> Value {
        let Some(fluid) = fluid else {
            return Value::Null;
        };
        let since = fluid.since.as_seconds() - began;
        Self::object([
            (self.key("thickness"), json!(round(fluid.thickness.0, 3))),
            (
                format!("area_{}2", self.unit),
                json!(round(fluid.area_mm2, 3)),
            ),
            ("since_s".into(), json!(round(since, 3))),
        ])
    }
}
