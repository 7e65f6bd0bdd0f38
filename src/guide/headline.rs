//! The one line: the single most useful sentence now.
use crate::detect::{Finding, PortState};
use crate::guide::limits::{
    BEST_HELD_S, BEST_PAST, CENTERED_WITHIN, IN_PLANE_STANDOFF, OFF_MIDDLE_WARN,
    OUT_OF_PLANE_STANDOFF, TILT_WARN_DEGREES,
};
use crate::guide::{Guidance, NeedlePath, Planes, Side, Way, WayObstacle, Withheld};
use crate::words;

/// How a headline is meant; each has a shape and a colour of its own on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// A path is there: tick.
    Go,
    /// Something to put right: triangle.
    Caution,
    /// Something to stop for: cross.
    Stop,
    /// Searching: a quiet ring.
    Quiet,
}

/// The one most useful sentence now, as a key of assets/i18n and the values that go into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// Key of the words.
    pub key: String,
    /// Values, ready-made text.
    pub values: Vec<(&'static str, String)>,
    /// How it is meant.
    pub tone: Tone,
}

impl Headline {
    /// The sentence in the user's language.
    pub fn text(&self) -> String {
        let values: Vec<(&str, &str)> = self
            .values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        words::say_with(&self.key, &values)
    }

    fn plain(key: impl Into<String>, tone: Tone) -> Self {
        Self {
            key: key.into(),
            values: Vec::new(),
            tone,
        }
    }
}

/// The sentence for what was found and advised: a picture that is not live first, then fluid (H18), then the next
/// step along the path or the gravest reason against it.
pub fn headline(finding: &Finding, guidance: &Guidance) -> Headline {
    let gravest = guidance.withheld.first().copied();
    if let Some(reason @ (Withheld::NotLive | Withheld::StalePicture)) = gravest {
        return Headline::plain(reason.key(), Tone::Stop);
    }
    if let Some(fluid) = finding.fluid {
        return Headline {
            key: "headline-fluid".to_owned(),
            values: vec![("thickness", millimeters(fluid.thickness.0))],
            tone: Tone::Stop,
        };
    }
    // The operator has just pressed a key and looks for what it did.
    if let Some(refusal) = guidance.plane_refused {
        return Headline::plain(refusal.key(), Tone::Caution);
    }
    match (guidance.path, gravest) {
        (Some(path), _) => {
            beside_the_middle(finding).unwrap_or_else(|| next_step(&path, &guidance.planes))
        }
        (None, Some(reason)) => obstacle(finding, guidance, reason),
        (None, None) => Headline::plain("headline-searching", Tone::Quiet),
    }
}

/// A slice well beside the middle of the port comes before the way along it: the middle is not in this picture. When
/// the sweep has already shown where it is, the line says to go back.
fn beside_the_middle(finding: &Finding) -> Option<Headline> {
    let centring = finding.centring?;
    if let Some(best) = centring.best {
        let ago = finding.captured_at.since(best.captured_at).as_secs_f64();
        let is_past = centring.chord.0 < best.chord.0 - BEST_PAST.0;
        if is_past && ago <= BEST_HELD_S {
            return Some(Headline {
                key: "headline-best-slice".to_owned(),
                values: vec![("ago", format!("{ago:.1}"))],
                tone: Tone::Caution,
            });
        }
    }
    let off = centring.off_middle.filter(|off| *off >= OFF_MIDDLE_WARN)?;
    Some(Headline {
        key: "headline-off-middle".to_owned(),
        values: vec![
            ("chord", millimeters(centring.chord.0)),
            ("whole", millimeters(centring.whole?.0)),
            ("off", format!("{:.0}", off.0)),
        ],
        tone: Tone::Caution,
    })
}

fn next_step(path: &NeedlePath, planes: &Planes) -> Headline {
    if path.way == Way::LiveInPlane {
        return in_plane(path);
    }
    let degrees = path.tilt.degrees();
    if degrees.abs() > TILT_WARN_DEGREES {
        return Headline {
            key: "headline-tilted".to_owned(),
            values: vec![("tilt", format!("{:.0}", degrees.abs()))],
            tone: Tone::Caution,
        };
    }
    let off = path.entry.x;
    if path.way == Way::LiveOutOfPlane && off.abs() <= CENTERED_WITHIN.0 {
        return Headline {
            key: "headline-out-of-plane".to_owned(),
            values: vec![
                ("away", whole(OUT_OF_PLANE_STANDOFF.0)),
                ("lean", whole(path.lean.degrees())),
            ],
            tone: Tone::Go,
        };
    }
    if off.abs() <= CENTERED_WITHIN.0 {
        let key = match planes {
            Planes::None => "headline-centered",
            Planes::First(_) => "headline-first-plane",
            Planes::Both { .. } => "headline-confirmed",
        };
        return Headline::plain(key, Tone::Go);
    }
    let key = match (off > 0.0, planes.confirmed()) {
        (true, false) => "headline-slide-toward-marker",
        (false, false) => "headline-slide-away-from-marker",
        (true, true) => "headline-confirmed-toward-marker",
        (false, true) => "headline-confirmed-away-from-marker",
    };
    Headline {
        key: key.to_owned(),
        values: vec![("distance", format!("{:.0}", off.abs()))],
        tone: Tone::Go,
    }
}

fn in_plane(path: &NeedlePath) -> Headline {
    let key = if path.entry.x > path.aim.x {
        "headline-in-plane-marked"
    } else {
        "headline-in-plane-unmarked"
    };
    Headline {
        key: key.to_owned(),
        values: vec![
            ("away", whole(IN_PLANE_STANDOFF.0)),
            ("lean", whole(path.lean.degrees())),
        ],
        tone: Tone::Go,
    }
}

/// What would make the way chosen possible, or that nothing does.
fn way_line(obstacle: &WayObstacle) -> Headline {
    let (key, values) = match obstacle {
        WayObstacle::TooShallow { lean } => {
            ("way-too-shallow", vec![("lean", whole(lean.degrees()))])
        }
        WayObstacle::SlideFrom { end, by } => {
            let key = match end {
                Side::Marked => "way-slide-away-from-marker",
                Side::Unmarked => "way-slide-toward-marker",
            };
            (key, vec![("distance", format!("{:.0}", by.0.ceil()))])
        }
    };
    Headline {
        key: key.to_owned(),
        values,
        tone: Tone::Caution,
    }
}

/// The gravest reason; a port that is merely not locked yet is told apart by what is in sight, and what is already
/// known to stand in the way (no pump, no needle) does not hide what was seen.
fn obstacle(finding: &Finding, guidance: &Guidance, gravest: Withheld) -> Headline {
    // Access port and inverted pump are hazards in themselves; missing entries of the form are not.
    for seen in [Withheld::AccessPortSuspected, Withheld::InvertedSuspected] {
        if guidance.withheld.contains(&seen) {
            return Headline::plain(seen.key(), Tone::Stop);
        }
    }
    if let Some(obstacle) = &guidance.way_obstacle
        && gravest == Withheld::TooTilted
    {
        return way_line(obstacle);
    }
    if gravest == Withheld::PortNotLocked {
        return match finding.state {
            _ if matches!(guidance.planes, Planes::First(_)) => {
                Headline::plain("headline-turning", Tone::Quiet)
            }
            PortState::Candidate if finding.held => Headline::plain("headline-held", Tone::Caution),
            PortState::Candidate => Headline::plain("headline-candidate", Tone::Caution),
            PortState::None
            | PortState::Locked
            | PortState::AccessPortSuspected
            | PortState::InvertedSuspected => Headline::plain("headline-searching", Tone::Quiet),
        };
    }
    Headline::plain(gravest.key(), Tone::Caution)
}

fn whole(value: f64) -> String {
    format!("{:.0}", value.abs())
}

fn millimeters(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::detect::{BestSlice, Centring, FluidSeen};
    use crate::frame::FrameId;
    use crate::guide::{DepthSpan, PlaneSeen};
    use crate::space::{Millimeters, Radians, ScanPoint};

    fn guidance(entry_x: f64, degrees: f64) -> Guidance {
        let path = NeedlePath {
            entry: ScanPoint::new(entry_x, 0.0),
            aim: ScanPoint::new(entry_x, 22.0),
            stop: ScanPoint::new(entry_x, 26.0),
            tilt: Radians::from_degrees(degrees),
            depth: DepthSpan {
                least: Millimeters(23.0),
                most: Millimeters(29.0),
            },
            provisional: true,
            way: crate::guide::Way::MarkThenStick,
            lean: Radians(0.0),
            corridor: Millimeters(2.0),
        };
        Guidance {
            frame: FrameId(1),
            path: Some(path),
            withheld: Vec::new(),
            planes: Planes::None,
            plane_refused: None,
            way_obstacle: None,
        }
    }

    fn withheld(reasons: &[Withheld]) -> Guidance {
        Guidance::withheld(FrameId(1), reasons.to_vec())
    }

    #[test]
    fn the_line_leads_from_the_first_plane_to_the_second() {
        let seen = PlaneSeen {
            frame: FrameId(1),
            captured_at: Timestamp::ZERO,
            depth: Millimeters(20.0),
            tilt: Radians(0.0),
        };
        let both = Planes::Both {
            first: seen,
            second: seen,
        };
        let line = |mut guidance: Guidance, planes| {
            guidance.planes = planes;
            headline(&Finding::default(), &guidance).key
        };
        let lost = [Withheld::PortNotLocked];
        for (planes, centered, aside, unseen) in [
            (
                Planes::None,
                "headline-centered",
                "headline-slide-toward-marker",
                "headline-searching",
            ),
            (
                Planes::First(seen),
                "headline-first-plane",
                "headline-slide-toward-marker",
                "headline-turning",
            ),
            (
                both,
                "headline-confirmed",
                "headline-confirmed-toward-marker",
                "headline-searching",
            ),
        ] {
            assert_eq!(line(guidance(0.0, 0.0), planes), centered);
            assert_eq!(line(guidance(4.0, 0.0), planes), aside);
            assert_eq!(line(withheld(&lost), planes), unseen);
        }
        let mut refused = guidance(0.0, 0.0);
        refused.plane_refused = Some(crate::guide::PlaneRefusal::OffMiddle);
        assert_eq!(
            headline(&Finding::default(), &refused).key,
            "plane-off-middle"
        );
    }

    #[test]
    fn a_slice_beside_the_middle_is_said_before_the_way_along_it() {
        let centring = |chord: f64, best: Option<f64>| Centring {
            chord: Millimeters(chord),
            whole: Some(Millimeters(7.0)),
            off_middle: (chord < 6.5).then(|| Millimeters(((49.0 - chord * chord) / 4.0).sqrt())),
            best: best.map(|seconds| BestSlice {
                frame: FrameId(1),
                captured_at: Timestamp::from_seconds(seconds),
                chord: Millimeters(7.0),
            }),
        };
        let line = |centring| {
            let finding = Finding {
                captured_at: Timestamp::from_seconds(10.0),
                centring: Some(centring),
                ..Finding::default()
            };
            headline(&finding, &guidance(0.0, 0.0)).key
        };
        assert_eq!(line(centring(6.9, None)), "headline-centered");
        assert_eq!(line(centring(5.8, None)), "headline-off-middle");
        assert_eq!(line(centring(5.8, Some(9.2))), "headline-best-slice");
        // Long past, or back again: the sweep has nothing more to say.
        assert_eq!(line(centring(5.8, Some(2.0))), "headline-off-middle");
        assert_eq!(line(centring(6.9, Some(9.2))), "headline-centered");
    }

    #[test]
    fn with_a_path_the_line_says_how_to_center_the_entry() {
        let finding = Finding::default();
        let toward = headline(&finding, &guidance(3.2, 0.0));
        assert!(
            toward.text().contains("3 mm toward the marker"),
            "{}",
            toward.text()
        );
        let away = headline(&finding, &guidance(-2.6, 0.0));
        assert!(
            away.text().contains("3 mm away from the marker"),
            "{}",
            away.text()
        );
        assert_eq!(
            headline(&finding, &guidance(0.4, 0.0)).key,
            "headline-centered"
        );
        let tilted = headline(&finding, &guidance(0.0, -17.0));
        assert_eq!(tilted.tone, Tone::Caution);
        assert!(tilted.text().contains("17"), "{}", tilted.text());
    }

    #[test]
    fn fluid_comes_before_everything_but_a_dead_picture() {
        let finding = Finding {
            fluid: Some(FluidSeen {
                thickness: Millimeters(1.24),
                area_mm2: 22.0,
                since: Timestamp::ZERO,
            }),
            ..Finding::default()
        };
        let line = headline(&finding, &guidance(0.0, 0.0));
        assert_eq!(line.tone, Tone::Stop);
        assert!(line.text().contains("1.2 mm"), "{}", line.text());
        let dead = headline(&finding, &withheld(&[Withheld::NotLive]));
        assert_eq!(dead.key, "withheld-not_live");
    }

    #[test]
    fn an_access_port_is_named_even_when_the_pump_is_not_chosen() {
        let line = headline(
            &Finding::default(),
            &withheld(&[Withheld::PumpUnknown, Withheld::AccessPortSuspected]),
        );
        assert_eq!(line.key, "withheld-access_port_suspected");
        assert_eq!(line.tone, Tone::Stop);
    }

    #[test]
    fn a_port_that_is_not_locked_is_told_apart_by_what_is_in_sight() {
        let line = |state, held| {
            let finding = Finding {
                state,
                held,
                ..Finding::default()
            };
            headline(&finding, &withheld(&[Withheld::PortNotLocked])).key
        };
        assert_eq!(line(PortState::None, false), "headline-searching");
        assert_eq!(line(PortState::Candidate, false), "headline-candidate");
        assert_eq!(line(PortState::Candidate, true), "headline-held");
    }

    #[test]
    fn every_headline_has_words() {
        for key in [
            "headline-fluid",
            "headline-tilted",
            "headline-centered",
            "headline-first-plane",
            "headline-confirmed",
            "headline-turning",
            "headline-confirmed-toward-marker",
            "headline-confirmed-away-from-marker",
            "headline-best-slice",
            "headline-off-middle",
            "headline-slide-toward-marker",
            "headline-slide-away-from-marker",
            "headline-searching",
            "headline-candidate",
            "headline-held",
            "headline-out-of-plane",
            "headline-in-plane-marked",
            "headline-in-plane-unmarked",
            "way-too-shallow",
            "way-slide-toward-marker",
            "way-slide-away-from-marker",
        ] {
            assert!(words::has(key), "{key}");
        }
        for reason in Withheld::ALL {
            assert!(words::has(&reason.key()), "{}", reason.name());
        }
    }
}
