//! The one line under the picture: the single most useful sentence now, as the guide words it. The view adds only
//! what the guide cannot know: that there is no picture yet, or that nothing was read from it.
use super::scene::{Lock, Scene, Undrawn};
use super::steps::step_line;
use crate::detect::Finding;
use crate::engine::{Advice, Liveness, Look};
use crate::guide::{self, Guidance, Headline, Tone, Withheld};
use crate::training::{Miss, Score, TrainingLook, Verdict};
use crate::words::say;

/// The line for what is on the screen now: what the step of the refill wants, where that comes first.
pub(super) fn headline(scene: &Scene<'_>) -> Headline {
    if scene.display.lock == Lock::Refused {
        return Headline {
            key: "view-lock-refused".to_owned(),
            values: Vec::new(),
            tone: Tone::Caution,
        };
    }
    if let Some(key) = scene.display.refused {
        return Headline {
            key: key.to_owned(),
            values: Vec::new(),
            tone: Tone::Caution,
        };
    }
    if let Some(training) = scene.training {
        return training_line(scene, training);
    }
    let picture = picture_line(scene);
    step_line(scene, &picture).unwrap_or(picture)
}

/// The line of training: nothing of what the detector found, before the answer.
fn training_line(scene: &Scene<'_>, training: &TrainingLook) -> Headline {
    match scene.look.liveness {
        Liveness::Waiting => return quiet("view-headline-waiting"),
        Liveness::NotLive => return not_current(scene, Withheld::NotLive),
        Liveness::Stale | Liveness::Running | Liveness::Frozen | Liveness::Ended => {}
    }
    let Some(score) = &training.scored else {
        return quiet("training-line");
    };
    let (key, tone) = match score.verdict {
        Verdict::Off(miss) => return miss_line(score, &miss),
        Verdict::RightlyNone => ("training-rightly-none", Tone::Go),
        Verdict::PortMissed => ("training-port-missed", Tone::Caution),
        Verdict::NoSuchPort => ("training-no-such-port", Tone::Stop),
    };
    Headline {
        key: key.to_owned(),
        values: vec![("seconds", format!("{:.0}", score.seconds))],
        tone,
    }
}

fn miss_line(score: &Score, miss: &Miss) -> Headline {
    let key = match miss.depth_mm {
        None => "training-off-mark",
        Some(depth) if depth < 0.0 => "training-off-shallow",
        Some(_) => "training-off-deep",
    };
    Headline {
        key: key.to_owned(),
        values: vec![
            ("off", format!("{:.1}", miss.distance_mm())),
            ("along", format!("{:.1}", miss.lateral_mm.abs())),
            ("across", format!("{:.1}", miss.elevational_mm.abs())),
            ("deep", format!("{:.1}", miss.depth_mm.unwrap_or(0.0).abs())),
            ("seconds", format!("{:.0}", score.seconds)),
        ],
        tone: if miss.is_good() {
            Tone::Go
        } else {
            Tone::Caution
        },
    }
}

fn picture_line(scene: &Scene<'_>) -> Headline {
    match scene.look.liveness {
        Liveness::Waiting => quiet("view-headline-waiting"),
        Liveness::NotLive => not_current(scene, Withheld::NotLive),
        Liveness::Stale => not_current(scene, Withheld::StalePicture),
        Liveness::Running | Liveness::Frozen | Liveness::Ended => match scene.fresh_advice() {
            Some(Advice {
                finding, guidance, ..
            }) => match scene.undrawn() {
                // Whatever was found, only a path may be spoken of as if it stood on the picture.
                Some(undrawn) if speaks_of_a_path(finding, guidance) => unseen(undrawn),
                Some(_) | None => guide::headline(finding, guidance),
            },
            None => quiet("view-headline-reading"),
        },
    }
}

/// Whether the line would lead along a path; fluid and a refused plane come before it and need no marks.
fn speaks_of_a_path(finding: &Finding, guidance: &Guidance) -> bool {
    guidance.path.is_some() && finding.fluid.is_none() && guidance.plane_refused.is_none()
}

/// What stands in place of a path that is not on the picture: words must agree with what is drawn (H02, H10).
fn unseen(undrawn: Undrawn) -> Headline {
    let key = match undrawn {
        Undrawn::Late => "view-headline-marks-late",
        Undrawn::Hidden => "view-headline-marks-hidden",
    };
    Headline {
        key: key.to_owned(),
        values: Vec::new(),
        tone: Tone::Caution,
    }
}

fn quiet(key: &str) -> Headline {
    Headline {
        key: key.to_owned(),
        values: Vec::new(),
        tone: Tone::Quiet,
    }
}

/// The screen knows that the picture has grown old before the next advice does.
fn not_current(scene: &Scene<'_>, reason: Withheld) -> Headline {
    let guidance = Guidance {
        frame: scene.frame().unwrap_or_default(),
        path: None,
        withheld: vec![reason],
        planes: crate::guide::Planes::None,
        plane_refused: None,
        way_obstacle: None,
    };
    guide::headline(&Finding::default(), &guidance)
}

/// The short reason that stands in place of a figure.
pub(super) fn short_reason(look: &Look) -> String {
    let first = look
        .advice
        .as_ref()
        .and_then(|advice| advice.guidance.withheld.first().copied());
    let guidance = look.advice.as_ref().map(|advice| &advice.guidance);
    let is_way =
        guidance.is_some_and(|g| g.way_obstacle.is_some() && first == Some(Withheld::TooTilted));
    match look.liveness {
        Liveness::Waiting => say("view-why-waiting"),
        Liveness::Stale | Liveness::NotLive => say("view-why-not-current"),
        Liveness::Running | Liveness::Frozen | Liveness::Ended => match first {
            Some(_) if is_way => say("view-why-way"),
            Some(reason) => say(&format!("view-why-{}", reason.name())),
            None => say("view-why-reading"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::has;

    #[test]
    fn every_reason_has_a_sentence_and_a_short_form() {
        for reason in Withheld::ALL {
            assert!(has(&reason.key()), "{reason:?}");
            assert!(has(&format!("view-why-{}", reason.name())), "{reason:?}");
        }
    }
}
