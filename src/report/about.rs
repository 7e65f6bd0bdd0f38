//! What a session is: `session.json`, and the patient in it.
use std::sync::Arc;

use serde::Serialize;

use crate::frame::Origin;
use crate::procedure::{Field, Refill, Value};
use crate::pump::{Needle, PumpModel};
use crate::words::say;

/// What stays the same over a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAbout {
    /// Name of its folder.
    pub name: String,
    /// When it began, UTC.
    pub started_utc: String,
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionNow {
    /// The time, UTC.
    pub utc: String,
    /// Name of the source.
    pub source: String,
    /// Kind of source.
    pub origin: Origin,
    /// The pump chosen.
    pub pump: Arc<PumpModel>,
    /// The needle chosen.
    pub needle: Option<Needle>,
    /// Entries of the journal.
    pub entries: u64,
}

/// Who was refilled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A code that stands for the patient.
    StudyCode(String),
    /// Two identifiers, entered because no code was.
    Identifiers([String; 2]),
}

impl Who {
    /// The patient of a refill: the code when there is one, else both identifiers.
    pub fn of(refill: &Refill) -> Option<Self> {
        let text = |field| refill.field(field).map(Value::shown);
        if let Some(code) = text(Field::StudyCode) {
            return Some(Self::StudyCode(code));
        }
        Some(Self::Identifiers([
            text(Field::FirstIdentifier)?,
            text(Field::SecondIdentifier)?,
        ]))
    }

    /// In one line.
    pub fn line(&self) -> String {
        match self {
            Self::StudyCode(code) => code.clone(),
            Self::Identifiers([first, second]) => format!("{first}, {second}"),
        }
    }
}

/// Version of the form of `session.json`.
const FORM: u32 = 1;

#[derive(Serialize)]
struct SessionFile<'a> {
    form: u32,
    notice: String,
    version: &'static str,
    session: &'a str,
    started_utc: &'a str,
    ended_utc: Option<&'a str>,
    source: &'a str,
    origin: Origin,
    pump: &'a str,
    needle: Option<String>,
    who: Option<Who>,
    frames_captured: Option<u64>,
    frames_lost: Option<u64>,
}

/// The content of `session.json`; `ended` are frames captured and lost, once it has ended.
pub fn session_file<'a>(
    about: &'a SessionAbout,
    now: &'a SessionNow,
    refill: &Refill,
    ended: Option<(u64, u64)>,
) -> impl Serialize + use<'a> {
    SessionFile {
        form: FORM,
        notice: say("notice-research-long"),
        version: env!("CARGO_PKG_VERSION"),
        session: &about.name,
        started_utc: &about.started_utc,
        ended_utc: ended.map(|_| now.utc.as_str()),
        source: &now.source,
        origin: now.origin,
        pump: &now.pump.id,
        needle: now.needle.map(|needle| needle.to_string()),
        who: Who::of(refill),
        frames_captured: ended.map(|(captured, _)| captured),
        frames_lost: ended.map(|(_, lost)| lost),
    }
}
