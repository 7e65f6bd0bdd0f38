//! What happened in a refill, for the journal and the report.
use super::form::{Field, FluidAnswer, Value};
use super::missing::Missing;
use super::refill::{BackFlow, Counted, Outcome, PathSeen};
use super::step::Step;
use super::volume::{Gap, GapKind, Volume};
use crate::guide::Way;
use crate::words::{say, say_with};

/// How a step was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// From the one before it, complete.
    Forward,
    /// From the one after it.
    Back,
    /// From the one before it, which was passed over although something was missing.
    PassedOver,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RefillEvent {
    /// A step began.
    StepEntered {
        /// The step.
        step: Step,
        /// How.
        how: Move,
        /// What the step before it still needed.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        missing: Vec<Missing>,
    },
    /// A field was filled in, changed or emptied.
    Entered {
        /// The field.
        field: Field,
        /// What it holds now; `null` when it was emptied or may not be written here (H27).
        value: Option<Value>,
        /// Whether it held something before: this entry corrects an earlier one.
        is_correction: bool,
    },
    /// The way to the port was chosen.
    WayChosen {
        /// It.
        way: Way,
    },
    /// The operator forbade the path of a way because something is in it, or allowed it again.
    Veto {
        /// The way.
        way: Way,
        /// Whether it is forbidden now.
        is_set: bool,
    },
    /// The operator answered whether fluid lies over the pump.
    FluidAnswered {
        /// The answer.
        answer: FluidAnswer,
    },
    /// The skin was marked, or the needle is about to be brought up, under this path.
    Located {
        /// The path shown.
        path: PathSeen,
        /// The way.
        way: Way,
    },
    /// The skin was punctured.
    Punctured {
        /// How often so far.
        count: u32,
    },
    /// The needle was redirected under the skin.
    Redirected {
        /// How often so far.
        count: u32,
    },
    /// The operator felt the metal stop.
    StopFelt,
    /// The needle is out.
    NeedleOut,
    /// Something counted by mistake was taken back.
    TakenBack {
        /// What.
        counted: Counted,
        /// What it was, when it was a volume.
        #[serde(skip_serializing_if = "Option::is_none")]
        volume: Option<Volume>,
    },
    /// Two volumes were compared.
    Compared {
        /// The outcome.
        #[serde(flatten)]
        gap: Gap,
    },
    /// The expected residual is so small that aspiration cannot confirm the place (H19).
    AspirationCannotConfirm {
        /// The expected residual.
        expected: Volume,
    },
    /// The operator has seen a large gap.
    GapAcknowledged {
        /// Which.
        kind: GapKind,
    },
    /// An aliquot was injected.
    Injected {
        /// Its volume.
        volume: Volume,
        /// All so far.
        total: Volume,
    },
    /// A volume above the reservoir's capacity was entered a second time, and taken.
    AboveCapacityTaken {
        /// What the reservoir would hold.
        total: Volume,
        /// What it can hold.
        capacity: Volume,
    },
    /// The place of the needle was checked by aspiration.
    Checked {
        /// What came back.
        back_flow: BackFlow,
        /// Injected so far.
        after: Volume,
    },
    /// The emergency card was opened.
    EmergencyCardOpened,
    /// The refill ended.
    Closed {
        /// How.
        outcome: Outcome,
    },
    /// A closed refill was opened again.
    Reopened,
    /// An action was not taken.
    Refused {
        /// Why, by name.
        reason: String,
    },
}

impl RefillEvent {
    /// One line for people.
    pub fn line(&self) -> String {
        match self {
            Self::StepEntered { step, how, missing } => step_line(*step, *how, missing),
            Self::Entered {
                field,
                value,
                is_correction,
            } => entered_line(*field, value.as_ref(), *is_correction),
            Self::WayChosen { way } => say(way.key()),
            Self::Veto { way, is_set } => {
                let key = if *is_set {
                    "event-veto-set"
                } else {
                    "event-veto-lifted"
                };
                say_with(key, &[("way", &say(way.key()))])
            }
            Self::FluidAnswered { answer } => say(match answer {
                FluidAnswer::NoneSeen => "event-fluid-none-seen",
                FluidAnswer::Seen => "event-fluid-seen",
            }),
            Self::Located { path, .. } => say_with(
                "event-located",
                &[
                    ("frame", &path.frame.0.to_string()),
                    ("least", &format!("{:.0}", path.depth_mm[0].floor())),
                    ("most", &format!("{:.0}", path.depth_mm[1].ceil())),
                ],
            ),
            Self::Punctured { count } => counted_line("event-punctured", *count),
            Self::Redirected { count } => counted_line("event-redirected", *count),
            Self::StopFelt => say("event-stop-felt"),
            Self::NeedleOut => say("event-needle-out"),
            Self::TakenBack { counted, .. } => say(counted.key()),
            Self::Compared { gap } => gap_line(gap),
            Self::AspirationCannotConfirm { .. } => say("event-aspiration-cannot-confirm"),
            Self::GapAcknowledged { .. } => say("event-gap-acknowledged"),
            Self::Injected { volume, total } => say_with(
                "event-injected",
                &[
                    ("volume", &volume.to_string()),
                    ("total", &total.to_string()),
                ],
            ),
            Self::AboveCapacityTaken { total, capacity } => say_with(
                "event-above-capacity",
                &[
                    ("total", &total.to_string()),
                    ("capacity", &capacity.to_string()),
                ],
            ),
            Self::Checked { back_flow, after } => say_with(
                match back_flow {
                    BackFlow::Seen => "event-back-flow",
                    BackFlow::None => "event-no-back-flow",
                },
                &[("after", &after.to_string())],
            ),
            Self::EmergencyCardOpened => say("event-card"),
            Self::Closed { outcome } => say(outcome.key()),
            Self::Reopened => say("event-reopened"),
            Self::Refused { reason } => say_with("event-refused", &[("reason", reason)]),
        }
    }
}

fn counted_line(key: &str, count: u32) -> String {
    say_with(key, &[("count", &count.to_string())])
}

fn step_line(step: Step, how: Move, missing: &[Missing]) -> String {
    let name = say(step.key());
    let key = match how {
        Move::Forward => "event-step-forward",
        Move::Back => "event-step-back",
        Move::PassedOver => "event-step-passed-over",
    };
    let missing: Vec<&str> = missing.iter().map(|m| m.name()).collect();
    say_with(key, &[("step", &name), ("missing", &missing.join(", "))])
}

fn entered_line(field: Field, value: Option<&Value>, is_correction: bool) -> String {
    let key = if is_correction {
        "event-corrected"
    } else {
        "event-entered"
    };
    let value = value.map_or_else(|| "–".to_owned(), Value::shown);
    say_with(key, &[("field", &say(field.key())), ("value", &value)])
}

/// A gap in words: both volumes, the difference in mL and percent, and whether it is above the limit.
pub fn gap_line(gap: &Gap) -> String {
    let key = match (gap.kind, gap.is_large) {
        (GapKind::Aspirated, false) => "gap-aspirated",
        (GapKind::Aspirated, true) => "gap-aspirated-large",
        (GapKind::Injected, false) => "gap-injected",
        (GapKind::Injected, true) => "gap-injected-large",
    };
    let percent = gap
        .percent
        .map_or_else(|| "–".to_owned(), |p| format!("{p:+.0} %"));
    say_with(
        key,
        &[
            ("expected", &gap.expected.to_string()),
            ("found", &gap.found.to_string()),
            ("gap", &format!("{:+.1} mL", gap.by_ml)),
            ("percent", &percent),
            ("limit", &gap.limit.to_string()),
        ],
    )
}
