//! What a session leaves for people: the report of a refill as data, as a page and as paper.
//!
//! A study code stands for the patient; identifiers appear only when they were entered (H27). Every form says what
//! this software is not. Nothing here is computed but differences of volumes and times.
mod about;
mod html;
mod pdf;
mod sheet;

use std::collections::BTreeMap;

use serde::Serialize;

pub use about::{SessionAbout, SessionNow, Who, session_file};
pub use pdf::PdfProblem;

use crate::frame::{FrameId, Origin};
use crate::guide::Way;
use crate::procedure::{
    Event, Field, Filling, FluidAnswer, Gap, GapKind, Kept, Missing, Outcome, PathSeen, Refill,
    Step, Value, Volume,
};
use crate::words::{say, say_with};

/// Something that happened, for the report's list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// Seconds on the session's clock.
    pub t_s: f64,
    /// What, in words.
    pub text: String,
}

/// A kept picture of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportImage {
    /// Its place below the session's folder.
    pub file: String,
    /// The frame it shows.
    pub frame: FrameId,
    /// Why it was kept.
    pub why: Kept,
}

impl ReportImage {
    /// What stands under it.
    pub(crate) fn caption(&self) -> String {
        let frame = self.frame.0.to_string();
        say_with(
            "report-caption",
            &[("why", &say(self.why.key())), ("frame", &frame)],
        )
    }
}

/// How often guidance was shown and withheld.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GuidanceCounts {
    /// Times the port was established.
    pub locked: u64,
    /// Times a path came up.
    pub path_shown: u64,
    /// Least certainty with which the port was established, 0 to 1.
    pub least_confidence: Option<f64>,
    /// Times a path was withheld, by reason.
    pub withheld: BTreeMap<&'static str, u64>,
}

impl GuidanceCounts {
    /// Takes note of an event.
    pub fn hear(&mut self, event: &Event) {
        if let Event::LockGained { confidence, .. } = event {
            self.locked += 1;
            let least = self.least_confidence.unwrap_or(1.0).min(*confidence);
            self.least_confidence = Some(least);
        }
        if let Event::PathSuggested { .. } = event {
            self.path_shown += 1;
        }
        if let Event::GuidanceWithheld { reasons, .. } = event {
            for reason in reasons {
                *self.withheld.entry(reason.name()).or_default() += 1;
            }
        }
    }
}

/// The pump of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PumpLine {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// What its reservoir holds, mL.
    pub reservoir_ml: Volume,
    /// Serial number, as read.
    pub serial: Option<String>,
}

/// The drug's label, as read; nothing is computed from it (H21).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrugLabel {
    /// Name.
    pub name: Option<String>,
    /// Strength.
    pub strength: Option<String>,
    /// Lot.
    pub lot: Option<String>,
}

/// Volumes of a refill, mL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Volumes {
    /// Residual that the programmer expects.
    pub expected_residual: Option<Volume>,
    /// Aspirated.
    pub aspirated: Option<Volume>,
    /// What the aspirate looked like.
    pub aspirate_look: Option<String>,
    /// What confirmed the place beside aspiration.
    pub other_confirmation: Option<String>,
    /// Aliquots, in order.
    pub aliquots: Vec<Volume>,
    /// All aliquots together.
    pub injected: Volume,
    /// Reservoir volume in the programmer after the refill, as read.
    pub programmed: Option<Volume>,
    /// Whether the expected residual was so small that aspiration could not confirm the place (H19).
    pub aspiration_cannot_confirm: bool,
}

/// A step that was passed over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassedOver {
    /// The step.
    pub step: Step,
    /// What it lacked.
    pub missing: Vec<Missing>,
}

/// The report of one refill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What this software is not.
    pub notice: String,
    /// What its accuracy is not.
    pub accuracy_notice: String,
    /// Version of the program.
    pub version: String,
    /// Name of the session.
    pub session: String,
    /// When it began, UTC.
    pub started_utc: String,
    /// When this report was written, UTC.
    pub written_utc: String,
    /// Name of the source.
    pub source: String,
    /// Kind of source.
    pub origin: Origin,
    /// The patient.
    pub who: Option<Who>,
    /// The pump.
    pub pump: PumpLine,
    /// The needle, as GAUGE:LENGTH in mm.
    pub needle: Option<String>,
    /// The drug's label.
    pub drug: DrugLabel,
    /// The way to the port.
    pub way: Way,
    /// Whether fluid was seen over the pump before the puncture. None seen proves nothing (H18).
    pub fluid_over_pump: Option<FluidAnswer>,
    /// The path under which the skin was marked or the needle brought up.
    pub localisation: Option<PathSeen>,
    /// Punctures of the skin.
    pub punctures: u32,
    /// Redirections under the skin.
    pub redirections: u32,
    /// From the search to the stop, s.
    pub time_to_port_s: Option<f64>,
    /// From the first puncture until the needle was out, s.
    pub time_under_skin_s: Option<f64>,
    /// Volumes.
    pub volumes: Volumes,
    /// Gaps between them.
    pub gaps: Vec<Gap>,
    /// Steps passed over.
    pub passed_over: Vec<PassedOver>,
    /// How the refill ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Remarks.
    pub remarks: Option<String>,
    /// How often guidance was shown and withheld.
    pub guidance: GuidanceCounts,
    /// Kept pictures.
    pub images: Vec<ReportImage>,
    /// What happened.
    pub events: Vec<TimelineEntry>,
    /// Entries of the journal when this was written; `portsight verify` checks them.
    pub journal_entries: u64,
}

impl Report {
    /// The report of a refill as it stands, without pictures and events.
    pub fn new(about: &SessionAbout, now: &SessionNow, refill: &Refill) -> Self {
        let text = |field| refill.field(field).map(Value::shown);
        Self {
            notice: say("notice-research-long"),
            accuracy_notice: say("notice-accuracy"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            session: about.name.clone(),
            started_utc: about.started_utc.clone(),
            written_utc: now.utc.clone(),
            source: now.source.clone(),
            origin: now.origin,
            who: Who::of(refill),
            pump: PumpLine {
                id: now.pump.id.clone(),
                name: now.pump.name.clone(),
                reservoir_ml: Volume::capacity(&now.pump),
                serial: text(Field::PumpSerial),
            },
            needle: now.needle.map(|needle| needle.to_string()),
            drug: DrugLabel {
                name: text(Field::Drug),
                strength: text(Field::Strength),
                lot: text(Field::Lot),
            },
            way: refill.way(),
            fluid_over_pump: refill.fluid(),
            localisation: refill.located(),
            punctures: refill.punctures(),
            redirections: refill.redirections(),
            time_to_port_s: refill.time_to_port().map(|t| t.as_secs_f64()),
            time_under_skin_s: refill.time_under_skin().map(|t| t.as_secs_f64()),
            volumes: volumes(refill),
            gaps: GapKind::ALL
                .into_iter()
                .filter_map(|kind| refill.gap(kind, &now.pump))
                .collect(),
            passed_over: refill
                .passed_over()
                .iter()
                .map(|(step, missing)| PassedOver {
                    step: *step,
                    missing: missing.clone(),
                })
                .collect(),
            outcome: refill.outcome(),
            remarks: text(Field::Remarks),
            guidance: GuidanceCounts::default(),
            images: Vec::new(),
            events: Vec::new(),
            journal_entries: now.entries,
        }
    }
}

fn volumes(refill: &Refill) -> Volumes {
    let text = |field| refill.field(field).map(Value::shown);
    Volumes {
        expected_residual: refill.volume(Field::ExpectedResidual),
        aspirated: refill.volume(Field::Aspirated),
        aspirate_look: text(Field::AspirateLook),
        other_confirmation: text(Field::OtherConfirmation),
        aliquots: refill
            .filling()
            .iter()
            .filter_map(|filling| match filling {
                Filling::Aliquot(volume) => Some(*volume),
                Filling::Check(_) => None,
            })
            .collect(),
        injected: refill.injected(),
        programmed: refill.volume(Field::Programmed),
        aspiration_cannot_confirm: refill.aspiration_cannot_confirm(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Timestamp;
    use crate::procedure::{Action, Circumstances};
    use crate::pump;

    fn refill(actions: &[Action]) -> Refill {
        let mut refill = Refill::default();
        let at = Circumstances {
            now: Timestamp::from_seconds(1.0),
            pump: pump::find("synchromed2-20").expect("known"),
            needle: "22G:51".parse().ok(),
            port_locked: true,
            planes_confirmed: true,
            path: None,
        };
        for action in actions {
            refill.take(action, &at);
            assert_eq!(refill.refused(), None, "{action:?}");
        }
        refill
    }

    fn report(refill: &Refill) -> Report {
        let about = SessionAbout {
            name: "session-1".to_owned(),
            started_utc: "2026-01-02T03:04:05Z".to_owned(),
        };
        let now = SessionNow {
            utc: "2026-01-02T03:14:05Z".to_owned(),
            source: "virtual patient: easy".to_owned(),
            origin: Origin::Simulation,
            pump: Arc::new(pump::find("synchromed2-20").expect("known").clone()),
            needle: "22G:51".parse().ok(),
            entries: 12,
        };
        Report::new(&about, &now, refill)
    }

    fn enter(field: Field, text: &str) -> Action {
        Action::Enter(field, text.to_owned())
    }

    #[test]
    fn every_form_carries_notice_code_volumes_and_gap() {
        let refill = refill(&[
            enter(Field::StudyCode, "S-7"),
            enter(Field::Drug, "drug <b>"),
            enter(Field::ExpectedResidual, "3.2"),
            enter(Field::Aspirated, "1.0"),
        ]);
        let mut report = report(&refill);
        report.events.push(TimelineEntry {
            t_s: 61.0,
            text: "something & more".to_owned(),
        });
        let json = serde_json::to_string(&report).expect("json");
        let html = report.html();
        for form in [&json, &html] {
            assert!(form.contains("Not a medical device"), "{form}");
            assert!(form.contains("not clinical accuracy"), "{form}");
            assert!(form.contains("S-7"), "{form}");
        }
        assert!(html.contains("drug &lt;b&gt;") && !html.contains("drug <b>"));
        assert!(html.contains("-2.2 mL") && html.contains("-69 %"), "{html}");
        assert!(html.contains("SIMULATION"), "{html}");
        let pdf = report.pdf(&[]).expect("paper");
        assert!(
            pdf.starts_with(b"%PDF-") && pdf.len() > 5_000,
            "{}",
            pdf.len()
        );
    }

    #[test]
    fn names_appear_only_when_they_were_entered_and_no_code_was() {
        let named = refill(&[
            enter(Field::FirstIdentifier, "Ada Example"),
            enter(Field::SecondIdentifier, "1970-02-03"),
        ]);
        assert!(report(&named).html().contains("Ada Example"));
        let coded = refill(&[
            enter(Field::FirstIdentifier, "Ada Example"),
            enter(Field::SecondIdentifier, "1970-02-03"),
            enter(Field::StudyCode, "S-7"),
        ]);
        let report = report(&coded);
        let json = serde_json::to_string(&report).expect("json");
        assert!(!report.html().contains("Ada") && !json.contains("Ada"));
    }

    #[test]
    fn a_picture_that_cannot_be_read_is_said_on_paper_and_a_long_story_takes_more_pages() {
        let mut report = report(&refill(&[enter(Field::StudyCode, "S-7")]));
        report.images.push(ReportImage {
            file: "images/001.png".to_owned(),
            frame: FrameId(4),
            why: Kept::Baseline,
        });
        let short = report.pdf(&[b"no png".to_vec()]).expect("paper");
        report.events = (0..300)
            .map(|n| TimelineEntry {
                t_s: f64::from(n),
                text: format!("event {n} with words enough to fill a line of a page, ünd µ"),
            })
            .collect();
        let long = report.pdf(&[b"no png".to_vec()]).expect("paper");
        assert!(long.len() > short.len());
    }
}
