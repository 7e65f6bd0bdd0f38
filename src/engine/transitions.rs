//! What of a stream of advice belongs in the journal: changes, not frames.
use crate::detect::PortState;
use crate::guide::Withheld;
use crate::procedure::Event;

use super::Advice;

/// Remembers what was journalled last, and tells what is new.
#[derive(Debug, Default)]
pub struct Transitions {
    locked: bool,
    path: bool,
    reasons: Option<Vec<Withheld>>,
}

impl Transitions {
    /// The events of one piece of advice.
    pub fn of(&mut self, advice: &Advice) -> Vec<Event> {
        let mut events = Vec::new();
        self.lock(advice, &mut events);
        self.guidance(advice, &mut events);
        events
    }

    fn lock(&mut self, advice: &Advice, events: &mut Vec<Event>) {
        let finding = &advice.finding;
        let locked = finding.state == PortState::Locked;
        if locked == self.locked {
            return;
        }
        self.locked = locked;
        match (locked, finding.port) {
            (true, Some(port)) => events.push(Event::LockGained {
                frame: finding.frame,
                x_mm: port.center.x,
                z_mm: port.center.z,
                width_mm: port.width.0,
                confidence: finding.confidence,
            }),
            (true, None) => self.locked = false,
            (false, _) => events.push(Event::LockLost {
                frame: finding.frame,
            }),
        }
    }

    fn guidance(&mut self, advice: &Advice, events: &mut Vec<Event>) {
        let guidance = &advice.guidance;
        if let Some(path) = guidance.path {
            if !self.path {
                events.push(Event::PathSuggested {
                    frame: guidance.frame,
                    tilt_deg: path.tilt.degrees(),
                    depth_mm: [path.depth.least.0, path.depth.most.0],
                    provisional: path.provisional,
                });
            }
            self.path = true;
            self.reasons = None;
        } else {
            self.path = false;
            if self.reasons.as_ref() != Some(&guidance.withheld) {
                self.reasons = Some(guidance.withheld.clone());
                events.push(Event::GuidanceWithheld {
                    frame: Some(guidance.frame),
                    reasons: guidance.withheld.clone(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Finding, Port};
    use crate::frame::FrameId;
    use crate::guide::Guidance;
    use crate::overlay::Marks;
    use crate::space::{Millimeters, ScanPoint};

    fn advice(frame: u64, locked: bool) -> Advice {
        let port = Port {
            center: ScanPoint::new(1.0, 20.0),
            width: Millimeters(7.0),
            sigma: Millimeters(0.3),
        };
        Advice {
            finding: Finding {
                frame: FrameId(frame),
                state: if locked {
                    PortState::Locked
                } else {
                    PortState::None
                },
                port: locked.then_some(port),
                ..Finding::default()
            },
            guidance: Guidance {
                frame: FrameId(frame),
                path: None,
                withheld: vec![if locked {
                    Withheld::NeedleUnknown
                } else {
                    Withheld::PortNotLocked
                }],
                planes: crate::guide::Planes::None,
                plane_refused: None,
                way_obstacle: None,
            },
            marks: Marks::default(),
            has_scale: true,
        }
    }

    #[test]
    fn only_changes_reach_the_journal() {
        let mut transitions = Transitions::default();
        let counts: Vec<usize> = [false, false, true, true, false]
            .iter()
            .enumerate()
            .map(|(i, locked)| transitions.of(&advice(i as u64, *locked)).len())
            .collect();
        assert_eq!(counts, [1, 0, 2, 0, 2]);
    }
}
