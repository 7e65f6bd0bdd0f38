//! The four numbers and the confidence, as words and figures ready to be shown. A figure that does not hold now is
//! a dash with its reason, never an old figure.
use super::headline::short_reason;
use super::scene::Scene;
use crate::detect::{Face, Port, PortState};
use crate::engine::Advice;
use crate::frame::FrameId;
use crate::guide::{self, Guidance, Withheld};
use crate::pump::Needle;
use crate::words::{say, say_with};

/// Nearer than this the port counts as centred, mm.
const CENTRED_WITHIN: f64 = 0.5;
/// Flatter than this the face counts as level, degrees.
const LEVEL_WITHIN: f64 = 0.5;

/// How firmly a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Measured now.
    Plain,
    /// Measured now, and good.
    Good,
    /// Measured now, and a reason to stop.
    Bad,
    /// Remembered, not seen now.
    Held,
    /// Not there: a dash.
    Missing,
}

/// One of the numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) title: String,
    /// The figure or word; `None` is a dash.
    pub(super) value: Option<String>,
    pub(super) unit: &'static str,
    /// What it means, or why it is missing.
    pub(super) note: String,
    pub(super) standing: Standing,
    /// What to mind about it, gravest first.
    pub(super) cautions: Vec<String>,
}

impl Reading {
    fn new(title: String, value: String, unit: &'static str, note: String) -> Self {
        Self {
            title,
            value: Some(value),
            unit,
            note,
            standing: Standing::Plain,
            cautions: Vec::new(),
        }
    }

    fn missing(title: String, why: String) -> Self {
        Self {
            title,
            value: None,
            unit: "",
            note: why,
            standing: Standing::Missing,
            cautions: Vec::new(),
        }
    }
}

/// How sure it is that the opening is the fill port, in a word and as a share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Confidence {
    pub(super) word: String,
    pub(super) share: f32,
}

/// Depth, tilt, offset and reach, in this order.
pub(super) fn readings(scene: &Scene<'_>) -> [Reading; 4] {
    let advice = scene.fresh_advice();
    [
        depth(scene, advice),
        tilt(scene, advice),
        off_centre(scene, advice),
        reach(scene, advice),
    ]
}

fn depth(scene: &Scene<'_>, advice: Option<&Advice>) -> Reading {
    let title = say("view-number-depth");
    match advice.and_then(|a| a.guidance.path.as_ref()) {
        Some(path) => {
            let (least, most) = (path.depth.least.0, path.depth.most.0);
            // Rounded outward, as beside the mark: a range must not shrink by rounding.
            let value = format!("{:.0} – {:.0}", least.floor(), most.ceil());
            Reading::new(title, value, "mm", say("view-number-depth-note"))
        }
        None => Reading::missing(title, short_reason(scene.look)),
    }
}

fn tilt(scene: &Scene<'_>, advice: Option<&Advice>) -> Reading {
    let title = say("view-number-tilt");
    let Some(advice) = advice else {
        return Reading::missing(title, short_reason(scene.look));
    };
    if !advice.has_scale {
        return Reading::missing(title, say("view-why-no_scale"));
    }
    let Some(Face { tilt, .. }) = advice.finding.face else {
        return Reading::missing(title, say("view-why-no-face"));
    };
    let degrees = tilt.degrees();
    let note = if degrees.abs() < LEVEL_WITHIN {
        "view-number-tilt-level"
    } else if degrees > 0.0 {
        "view-number-tilt-marker"
    } else {
        "view-number-tilt-away"
    };
    let mut reading = Reading::new(title, format!("{:.0}", degrees.abs()), "°", say(note));
    reading.standing = held_or_plain(advice);
    reading
}

fn off_centre(scene: &Scene<'_>, advice: Option<&Advice>) -> Reading {
    let title = say("view-number-offset");
    let Some(advice) = advice else {
        return Reading::missing(title, short_reason(scene.look));
    };
    if !advice.has_scale {
        return Reading::missing(title, say("view-why-no_scale"));
    }
    let Some(Port { center, .. }) = advice.finding.port else {
        return Reading::missing(title, say("view-why-no-port"));
    };
    let note = if center.x.abs() < CENTRED_WITHIN {
        "view-number-offset-centred"
    } else if center.x > 0.0 {
        "view-number-offset-marker"
    } else {
        "view-number-offset-away"
    };
    let mut reading = Reading::new(title, format!("{:.0}", center.x.abs()), "mm", say(note));
    reading.standing = held_or_plain(advice);
    reading
}

fn held_or_plain(advice: &Advice) -> Standing {
    if advice.finding.held {
        Standing::Held
    } else {
        Standing::Plain
    }
}

/// Whether the needle reaches, and what to mind about it.
fn reach(scene: &Scene<'_>, advice: Option<&Advice>) -> Reading {
    let Some(needle) = scene.look.needle else {
        let title = say("view-number-needle-none");
        return Reading::missing(title, say("view-why-needle_unknown"));
    };
    let title = say_with("view-number-needle", &[("needle", &needle_name(needle))]);
    let guidance = advice.map(|advice| &advice.guidance);
    let mut reading = match guidance {
        Some(Guidance {
            path: Some(path), ..
        }) => {
            let most = format!("{:.0}", path.depth.most.0.ceil());
            let note = say_with("view-needle-needs", &[("most", &most)]);
            let mut reading = Reading::new(title, say("view-needle-reaches"), "", note);
            reading.standing = Standing::Good;
            reading
        }
        Some(guidance) if guidance.withheld.contains(&Withheld::NeedleTooShort) => {
            let note = say("view-needle-longer");
            let mut reading = Reading::new(title, say("view-needle-too-short"), "", note);
            reading.standing = Standing::Bad;
            reading
        }
        Some(_) | None => Reading::missing(title, short_reason(scene.look)),
    };
    reading.cautions = cautions(scene, guidance);
    reading
}

/// The tilt of the face is left out: it has a number of its own, and the one line.
fn cautions(scene: &Scene<'_>, guidance: Option<&Guidance>) -> Vec<String> {
    let nothing = Guidance {
        frame: FrameId::default(),
        path: None,
        withheld: Vec::new(),
        planes: crate::guide::Planes::None,
        plane_refused: None,
        way_obstacle: None,
    };
    let setup = guide::Setup {
        pump: &scene.look.pump,
        needle: scene.look.needle,
        certificate: guide::Certificate::NotNeeded,
        planes: guide::Planes::None,
        plane_refused: None,
        way: guide::Way::default(),
    };
    guide::cautions(guidance.unwrap_or(&nothing), &setup)
        .into_iter()
        .filter(|caution| *caution != guide::Caution::FaceTilted)
        .map(|caution| say(caution.key()))
        .collect()
}

/// A needle as it stands on its pack, such as `22G × 38 mm`.
pub(super) fn needle_name(needle: Needle) -> String {
    format!("{}G × {:.0} mm", needle.gauge, needle.length.0)
}

/// How sure it is that the opening is the fill port.
pub(super) fn confidence(scene: &Scene<'_>) -> Confidence {
    let Some(advice) = scene.fresh_advice() else {
        return Confidence {
            word: "–".to_owned(),
            share: 0.0,
        };
    };
    let finding = &advice.finding;
    let share = finding.confidence.clamp(0.0, 1.0) as f32;
    let key = match finding.state {
        PortState::None => "view-confidence-none",
        PortState::Candidate if finding.held => "view-confidence-held",
        PortState::Candidate => "view-confidence-candidate",
        PortState::Locked if share >= 0.9 => "view-confidence-high",
        PortState::Locked if share >= 0.7 => "view-confidence-fair",
        PortState::Locked => "view-confidence-low",
        PortState::AccessPortSuspected => "view-confidence-access",
        PortState::InvertedSuspected => "view-confidence-inverted",
    };
    Confidence {
        word: say(key),
        share,
    }
}
