//! The lines of a report, the same for page and paper: one table of titles and values, group by group.
use super::Report;
use crate::frame::Origin;
use crate::procedure::{FluidAnswer, gap_line};
use crate::words::{say, say_with};

/// A group of lines.
pub(super) struct Group {
    /// Its heading.
    pub title: String,
    /// Title and value of each line.
    pub lines: Vec<(String, String)>,
    /// What has to be noticed.
    pub warnings: Vec<String>,
}

/// What stands for a value that was not entered.
const NOTHING: &str = "–";

fn group(title: &str, lines: &[(&str, Option<String>)]) -> Group {
    Group {
        title: say(title),
        lines: lines
            .iter()
            .map(|(key, value)| {
                let value = value.clone().unwrap_or_else(|| NOTHING.to_owned());
                (say(key), value)
            })
            .collect(),
        warnings: Vec::new(),
    }
}

/// Minutes and seconds.
pub(super) fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

impl Report {
    /// SIMULATION, REPLAY or LIVE.
    pub(super) fn origin_words(&self) -> String {
        say(match self.origin {
            Origin::Live => "source-live",
            Origin::Replay => "source-replay",
            Origin::Simulation => "source-simulation",
        })
    }

    /// The outcome in words.
    pub(super) fn outcome_words(&self) -> String {
        self.outcome
            .map_or_else(|| say("report-open"), |outcome| say(outcome.key()))
    }

    /// All groups, in order.
    pub(super) fn groups(&self) -> Vec<Group> {
        vec![self.session_group(), self.port_group(), self.volume_group()]
    }

    fn session_group(&self) -> Group {
        let drug = [&self.drug.name, &self.drug.strength, &self.drug.lot];
        let drug: Vec<&str> = drug.into_iter().flatten().map(String::as_str).collect();
        let pump = format!("{}, {}", self.pump.name, self.pump.reservoir_ml);
        let mut group = group(
            "report-group-session",
            &[
                ("report-who", self.who.as_ref().map(super::Who::line)),
                ("report-pump", Some(pump)),
                ("report-serial", self.pump.serial.clone()),
                (
                    "report-drug",
                    Some(drug.join(", ")).filter(|d| !d.is_empty()),
                ),
                ("report-needle", self.needle.clone()),
                ("report-started", Some(self.started_utc.clone())),
                ("report-source", Some(self.source.clone())),
                ("report-remarks", self.remarks.clone()),
            ],
        );
        for passed in &self.passed_over {
            let missing: Vec<&str> = passed.missing.iter().map(|m| m.name()).collect();
            group.warnings.push(say_with(
                "report-passed-over",
                &[
                    ("step", &say(passed.step.key())),
                    ("missing", &missing.join(", ")),
                ],
            ));
        }
        group
    }

    fn port_group(&self) -> Group {
        let place = self.localisation.map(|path| {
            say_with(
                "report-path",
                &[
                    ("least", &format!("{:.0}", path.depth_mm[0].floor())),
                    ("most", &format!("{:.0}", path.depth_mm[1].ceil())),
                    ("tilt", &format!("{:.0}", path.tilt_deg.abs())),
                    ("frame", &path.frame.0.to_string()),
                ],
            )
        });
        let fluid = self.fluid_over_pump.map(|answer| {
            say(match answer {
                FluidAnswer::NoneSeen => "event-fluid-none-seen",
                FluidAnswer::Seen => "event-fluid-seen",
            })
        });
        let guidance = say_with(
            "report-guidance-counts",
            &[
                ("locked", &self.guidance.locked.to_string()),
                ("shown", &self.guidance.path_shown.to_string()),
            ],
        );
        group(
            "report-group-port",
            &[
                ("report-fluid", fluid),
                ("report-localisation", place),
                ("report-way", Some(say(self.way.key()))),
                ("report-punctures", Some(self.punctures.to_string())),
                ("report-redirections", Some(self.redirections.to_string())),
                ("report-time-to-port", self.time_to_port_s.map(clock)),
                ("report-time-under-skin", self.time_under_skin_s.map(clock)),
                ("report-guidance", Some(guidance)),
            ],
        )
    }

    fn volume_group(&self) -> Group {
        let volumes = &self.volumes;
        let shown = |volume: Option<crate::procedure::Volume>| volume.map(|v| v.to_string());
        let aliquots: Vec<String> = volumes
            .aliquots
            .iter()
            .map(|volume| format!("{:.1}", volume.milliliters()))
            .collect();
        let mut group = group(
            "report-group-volumes",
            &[
                ("report-expected", shown(volumes.expected_residual)),
                ("report-aspirated", shown(volumes.aspirated)),
                ("report-aspirate-look", volumes.aspirate_look.clone()),
                (
                    "report-other-confirmation",
                    volumes.other_confirmation.clone(),
                ),
                (
                    "report-aliquots",
                    Some(aliquots.join(" + ")).filter(|a| !a.is_empty()),
                ),
                ("report-injected", Some(volumes.injected.to_string())),
                ("report-programmed", shown(volumes.programmed)),
            ],
        );
        for gap in &self.gaps {
            if gap.is_large {
                group.warnings.push(gap_line(gap));
            } else {
                group.lines.push((say("report-gap"), gap_line(gap)));
            }
        }
        if volumes.aspiration_cannot_confirm {
            group.warnings.push(say("event-aspiration-cannot-confirm"));
        }
        group
    }
}
