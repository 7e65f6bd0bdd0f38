//! The one line under the picture: the single most useful sentence now. Either what to do next, or why there is no
//! path; never both.
use super::scene::Scene;
use crate::engine::{Liveness, Look};
use crate::guide::{Guidance, NeedlePath, Withheld};
use crate::words::{has, say, say_with};

/// How the line is meant; each has a shape of its own beside its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Dots: nothing is wrong, nothing is found.
    Quiet,
    /// A tick: go on.
    Good,
    /// A triangle: something stands in the way.
    Caution,
    /// A cross: stop.
    Stop,
}

/// The line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Headline {
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// The line for what is on the screen now.
pub(super) fn headline(scene: &Scene<'_>) -> Headline {
    let look = scene.look;
    let plain = |tone, key: &str| Headline {
        tone,
        text: say(key),
    };
    match look.liveness {
        Liveness::Waiting => return plain(Tone::Quiet, "view-headline-waiting"),
        Liveness::NotLive => return of_reason(Withheld::NotLive),
        Liveness::Stale => return of_reason(Withheld::StalePicture),
        Liveness::Running | Liveness::Frozen | Liveness::Ended => {}
    }
    match scene.fresh_advice() {
        Some(advice) => of_guidance(&advice.guidance),
        None => plain(Tone::Quiet, "view-headline-reading"),
    }
}

fn of_guidance(guidance: &Guidance) -> Headline {
    if let Some(reason) = guidance.withheld.first() {
        return of_reason(*reason);
    }
    match &guidance.path {
        Some(path) => of_path(path),
        None => of_reason(Withheld::PortNotLocked),
    }
}

fn of_path(path: &NeedlePath) -> Headline {
    let (key, tone) = if path.provisional {
        ("view-headline-path-provisional", Tone::Caution)
    } else {
        ("view-headline-path", Tone::Good)
    };
    let least = format!("{:.0}", path.depth.least.0);
    let most = format!("{:.0}", path.depth.most.0);
    Headline {
        tone,
        text: say_with(key, &[("least", &least), ("most", &most)]),
    }
}

fn of_reason(reason: Withheld) -> Headline {
    let tone = match reason {
        Withheld::NotLive
        | Withheld::AccessPortSuspected
        | Withheld::InvertedSuspected
        | Withheld::NeedleTooShort => Tone::Stop,
        Withheld::StalePicture
        | Withheld::NoScale
        | Withheld::NotCalibrated
        | Withheld::PumpUnknown
        | Withheld::NeedleUnknown
        | Withheld::PortNotLocked
        | Withheld::Moving
        | Withheld::TooTilted
        | Withheld::LowConfidence => Tone::Caution,
    };
    Headline {
        tone,
        text: words_of(reason),
    }
}

/// The short reason that stands in place of a figure.
pub(super) fn short_reason(look: &Look) -> String {
    let first = look
        .advice
        .as_ref()
        .and_then(|advice| advice.guidance.withheld.first().copied());
    match look.liveness {
        Liveness::Waiting => say("view-why-waiting"),
        Liveness::Stale | Liveness::NotLive => say("view-why-not-current"),
        Liveness::Running | Liveness::Frozen | Liveness::Ended => match first {
            Some(reason) => say(&format!("view-why-{}", name_of(reason))),
            None => say("view-why-reading"),
        },
    }
}

/// The full sentence for a reason.
fn words_of(reason: Withheld) -> String {
    let shared = format!("withheld-{}", name_of(reason));
    if has(&shared) {
        say(&shared)
    } else {
        say(&format!("view-withheld-{}", name_of(reason)))
    }
}

/// The name of a reason in the `analyze` interface.
fn name_of(reason: Withheld) -> &'static str {
    match reason {
        Withheld::NotLive => "not_live",
        Withheld::StalePicture => "stale_picture",
        Withheld::NoScale => "no_scale",
        Withheld::NotCalibrated => "not_calibrated",
        Withheld::PumpUnknown => "pump_unknown",
        Withheld::NeedleUnknown => "needle_unknown",
        Withheld::PortNotLocked => "port_not_locked",
        Withheld::AccessPortSuspected => "access_port_suspected",
        Withheld::InvertedSuspected => "inverted_suspected",
        Withheld::Moving => "moving",
        Withheld::TooTilted => "too_tilted",
        Withheld::NeedleTooShort => "needle_too_short",
        Withheld::LowConfidence => "low_confidence",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_and_a_short_form() {
        let all = [
            Withheld::NotLive,
            Withheld::StalePicture,
            Withheld::NoScale,
            Withheld::NotCalibrated,
            Withheld::PumpUnknown,
            Withheld::NeedleUnknown,
            Withheld::PortNotLocked,
            Withheld::AccessPortSuspected,
            Withheld::InvertedSuspected,
            Withheld::Moving,
            Withheld::TooTilted,
            Withheld::NeedleTooShort,
            Withheld::LowConfidence,
        ];
        for reason in all {
            assert!(words_of(reason).contains(' '), "{reason:?}");
            assert!(has(&format!("view-why-{}", name_of(reason))), "{reason:?}");
            let serialized = serde_json::to_value(reason).expect("a name");
            assert_eq!(serialized, name_of(reason));
        }
    }
}
