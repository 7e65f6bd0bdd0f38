//! What is told to other programs about one picture, and how it is put into messages.
use std::sync::Arc;

use super::header::write_message;
use super::image::{PictureToSend, SIDE_LIMIT, write_image};
use crate::clock::Timestamp;
use crate::frame::{FrameId, Origin, PixelSpacing};
use crate::space::{Radians, ScanPoint};

/// Name of the TRANSFORM that carries the port, and of the STATUS that says that there is none.
pub const PORT_DEVICE: &str = "PortToScan";
/// Name of the STRING that carries the state.
pub const STATE_DEVICE: &str = "PortsightState";
/// Status codes of the protocol.
const STATUS_NOT_READY: u16 = 13;
const STATUS_BUSY: u16 = 6;
const STATUS_WELL: u16 = 1;

/// A port that is locked: where it is, and how its face lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortPose {
    /// Centre of the opening, mm, in the coordinates of the picture.
    pub center: ScanPoint,
    /// Tilt of the face against x, positive when larger x is deeper.
    pub tilt: Radians,
}

/// One picture and what was read from it. The pose is that of this very picture.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The frame it was formed from.
    pub frame: FrameId,
    /// When that frame was captured, on the clock of the session.
    pub captured_at: Timestamp,
    /// What kind of source it came from; other programs are told, and a simulation has a name of its own.
    pub origin: Origin,
    /// Grey values, row by row, `columns * rows` of them.
    pub pixels: Arc<Vec<u8>>,
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Pixel size; `None` when the scale is unknown (no pose is sent then: it has no millimetres).
    pub spacing: Option<PixelSpacing>,
    /// Centre of the top-left pixel, mm.
    pub top_left: ScanPoint,
    /// The port, only while it is locked.
    pub port: Option<PortPose>,
    /// State of the detector, in one word: "locked", "searching".
    pub state: String,
    /// Probability that the opening is the fill port, 0 to 1.
    pub confidence: f64,
}

/// Why a publication was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "picture to publish: expected {columns} x {rows} grey values and sides of 1 to {SIDE_LIMIT}, got {got} values; it was not sent"
)]
pub struct PublishProblem {
    /// Columns promised.
    pub columns: usize,
    /// Rows promised.
    pub rows: usize,
    /// Values that came.
    pub got: usize,
}

/// What is put into one block of messages that stays together.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// A picture, and a pose or the word that there is none.
    Picture(Box<Publication>),
    /// What was told before holds no longer.
    Withdrawn { why: String },
}

impl Publication {
    pub(super) fn check(&self) -> Result<(), PublishProblem> {
        let side = 1..=SIDE_LIMIT;
        let fits = side.contains(&self.columns)
            && side.contains(&self.rows)
            && self.columns * self.rows == self.pixels.len();
        if fits {
            Ok(())
        } else {
            Err(PublishProblem {
                columns: self.columns,
                rows: self.rows,
                got: self.pixels.len(),
            })
        }
    }

    /// The pose, if it can be given in millimetres.
    fn pose(&self) -> Option<PortPose> {
        self.port
            .filter(|port| port.center.is_finite() && port.tilt.0.is_finite())
            .filter(|_| self.spacing.is_some())
    }
}

impl News {
    /// Whether other programs show a pose after this.
    pub(super) fn has_pose(&self) -> bool {
        match self {
            Self::Picture(publication) => publication.pose().is_some(),
            Self::Withdrawn { .. } => false,
        }
    }

    /// Writes the messages, all with the time `seconds` (since 1970, UTC).
    pub(super) fn write(&self, seconds: f64, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::Picture(publication) => write_picture(publication, seconds, out),
            Self::Withdrawn { why } => {
                write_status(out, PORT_DEVICE, seconds, STATUS_NOT_READY, why);
                let state = serde_json::json!({
                    "state": "withdrawn",
                    "why": why,
                    "port_locked": false,
                });
                write_words(out, STATE_DEVICE, seconds, &state.to_string());
            }
        }
    }
}

/// A STATUS that all is well, as an answer to `GET_STATUS`.
pub(super) fn write_well(seconds: f64, out: &mut Vec<u8>) {
    write_status(out, "portsight", seconds, STATUS_WELL, "");
}

/// A STATUS for a client that is one too many.
pub(super) fn write_busy(seconds: f64, out: &mut Vec<u8>) {
    let why = "portsight serves as many clients as it can already";
    write_status(out, "portsight", seconds, STATUS_BUSY, why);
}

fn write_picture(publication: &Publication, seconds: f64, out: &mut Vec<u8>) {
    let pose = publication.pose();
    let (lateral, axial) = publication
        .spacing
        .map_or((1.0, 1.0), |s| (s.lateral.0, s.axial.0));
    let origin = match publication.spacing {
        Some(_) => [publication.top_left.x, publication.top_left.z],
        None => [0.0, 0.0],
    };
    let device = match publication.origin {
        Origin::Live => "PortsightImage",
        Origin::Replay => "PortsightReplay",
        Origin::Simulation => "PortsightSimulation",
    };
    write_message(out, "IMAGE", device, seconds, |body| {
        let picture = PictureToSend {
            pixels: &publication.pixels,
            // Checked when it was taken.
            columns: publication.columns as u16,
            rows: publication.rows as u16,
            spacing: [lateral, axial],
            origin,
        };
        write_image(body, &picture);
    });
    if let Some(pose) = pose {
        write_message(out, "TRANSFORM", PORT_DEVICE, seconds, |body| {
            for number in matrix(pose) {
                body.extend_from_slice(&number.to_be_bytes());
            }
        });
    } else {
        let why = if publication.spacing.is_none() {
            "the scale of the picture is unknown: no position can be given"
        } else {
            "no port is locked: a position given before holds no longer"
        };
        write_status(out, PORT_DEVICE, seconds, STATUS_NOT_READY, why);
    }
    write_words(out, STATE_DEVICE, seconds, &state(publication, pose));
}

fn state(publication: &Publication, pose: Option<PortPose>) -> String {
    let round = |mm: f64| (mm * 1e3).round() / 1e3;
    let confidence = publication.confidence;
    serde_json::json!({
        "frame": publication.frame.0,
        "source": publication.origin,
        "state": publication.state,
        "confidence": if confidence.is_finite() { round(confidence) } else { 0.0 },
        "port_locked": pose.is_some(),
        "port_mm": pose.map(|p| [round(p.center.x), round(p.center.z)]),
        "tilt_deg": pose.map(|p| round(p.tilt.degrees())),
        "scale_known": publication.spacing.is_some(),
        "notice": "research software, not a medical device",
    })
    .to_string()
}

/// The port's own axes (along the face toward the marked side, into the pump, and their cross product) and its centre
/// in the picture's coordinates, column by column. The signs are those of [`write_image`].
fn matrix(pose: PortPose) -> [f32; 12] {
    let (sine, cosine) = pose.tilt.0.sin_cos();
    let columns = [
        [-cosine, -sine, 0.0],
        [sine, -cosine, 0.0],
        [0.0, 0.0, 1.0],
        [-pose.center.x, -pose.center.z, 0.0],
    ];
    let mut matrix = [0.0; 12];
    for (into, from) in matrix.iter_mut().zip(columns.as_flattened()) {
        *into = *from as f32;
    }
    matrix
}

fn write_status(out: &mut Vec<u8>, device: &str, seconds: f64, code: u16, words: &str) {
    write_message(out, "STATUS", device, seconds, |body| {
        body.extend_from_slice(&code.to_be_bytes());
        // A subcode of our own does not exist.
        body.extend_from_slice(&[0; 8]);
        let name: &[u8; 20] = match code {
            STATUS_WELL => b"OK\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            STATUS_BUSY => b"BUSY\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            _ => b"PORT_NOT_LOCKED\0\0\0\0\0",
        };
        body.extend_from_slice(name);
        body.extend_from_slice(words.as_bytes());
        body.push(0);
    });
}

fn write_words(out: &mut Vec<u8>, device: &str, seconds: f64, words: &str) {
    // Our words are plain ASCII or UTF-8; 106 is UTF-8 in the register of character sets.
    let encoding: u16 = if words.is_ascii() { 3 } else { 106 };
    // Far more than any of our own words; the length field has 16 bits.
    let mut end = words.len().min(usize::from(u16::MAX));
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    write_message(out, "STRING", device, seconds, |body| {
        body.extend_from_slice(&encoding.to_be_bytes());
        body.extend_from_slice(&(end as u16).to_be_bytes());
        body.extend_from_slice(words.get(..end).unwrap_or_default().as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::super::image::Scale;
    use super::super::wire::{Content, Decoder};
    use super::*;

    fn publication() -> Publication {
        Publication {
            frame: FrameId(12),
            captured_at: Timestamp::ZERO,
            origin: Origin::Live,
            pixels: Arc::new((0..12).collect()),
            columns: 4,
            rows: 3,
            spacing: PixelSpacing::new(0.2, 0.3),
            top_left: ScanPoint::new(-10.0, 0.0),
            port: Some(PortPose {
                center: ScanPoint::new(3.0, 21.5),
                tilt: Radians::from_degrees(90.0),
            }),
            state: "locked".to_owned(),
            confidence: 0.9375,
        }
    }

    /// Kind, device and content of each message, in words.
    fn told(news: &News) -> Vec<(String, String, String)> {
        let mut bytes = Vec::new();
        news.write(1000.5, &mut bytes);
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let mut all = Vec::new();
        while let Some(message) = decoder.next_message() {
            assert_eq!(message.header.seconds, Some(1000.5));
            let content = match &message.content {
                Content::Image(image) => format!("{:?}", image.scale),
                Content::Transform(matrix) => format!("{matrix:.1?}"),
                Content::Words(words) => words.clone(),
                Content::Status { code, .. } => format!("code {code}"),
                Content::Unusable(_) | Content::Query | Content::Other => {
                    panic!("{:?}", message.content)
                }
            };
            let header = message.header;
            all.push((header.kind.to_string(), header.device.to_string(), content));
        }
        assert_eq!(decoder.counts().damaged, 0);
        assert!(!decoder.is_within_message());
        all
    }

    #[test]
    fn a_locked_port_is_told_after_its_own_picture() {
        let news = News::Picture(Box::new(publication()));
        assert!(news.has_pose());
        let told = told(&news);
        let kinds: Vec<&str> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
        assert_eq!(kinds, ["IMAGE", "TRANSFORM", "STRING"]);
        assert_eq!(told[0].1, "PortsightImage");
        assert_eq!(
            told[1].2,
            "[0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -3.0, -21.5, 0.0]"
                .replace("[0.0", "[-0.0")
                .replace(
                    "1.0, 0.0, 0.0, 0.0, 0.0, 1.0",
                    "1.0, -0.0, 0.0, 0.0, 0.0, 1.0"
                )
        );
        assert!(
            told[2].2.contains("\"port_mm\":[3.0,21.5]"),
            "{}",
            told[2].2
        );
        assert!(told[2].2.contains("\"frame\":12"), "{}", told[2].2);
    }

    #[test]
    fn without_a_lock_or_a_scale_a_status_takes_the_place_of_the_pose() {
        for change in [
            |p: &mut Publication| p.port = None,
            |p: &mut Publication| p.spacing = None,
            |p: &mut Publication| {
                p.port = p.port.map(|port| PortPose {
                    tilt: Radians(f64::NAN),
                    ..port
                });
            },
        ] {
            let mut publication = publication();
            change(&mut publication);
            let without_scale = publication.spacing.is_none();
            let news = News::Picture(Box::new(publication));
            assert!(!news.has_pose());
            let told = told(&news);
            let kinds: Vec<&str> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
            assert_eq!(kinds, ["IMAGE", "STATUS", "STRING"]);
            assert_eq!(told[1].1, PORT_DEVICE);
            assert_eq!(told[1].2, "code 13");
            assert_eq!(told[0].2 == format!("{:?}", Scale::Unknown), without_scale);
        }
    }

    #[test]
    fn a_simulation_has_a_name_of_its_own_and_what_is_withdrawn_says_so() {
        let mut simulated = publication();
        simulated.origin = Origin::Simulation;
        let news = News::Picture(Box::new(simulated));
        assert_eq!(told(&news)[0].1, "PortsightSimulation");
        let why = "the picture is stale".to_owned();
        let told = told(&News::Withdrawn { why });
        assert_eq!(told[0].0, "STATUS");
        assert!(told[1].2.contains("the picture is stale"));
    }

    #[test]
    fn a_picture_that_is_not_what_it_says_is_refused() {
        assert!(publication().check().is_ok());
        for (columns, rows) in [(4, 4), (0, 0), (9000, 1), (usize::MAX, 2)] {
            let bad = Publication {
                columns,
                rows,
                ..publication()
            };
            assert!(bad.check().is_err(), "{columns} x {rows}");
        }
    }
}
