//! The page of the virtual probe: its pose against the virtual patient, its needle, and faults on cue.
use egui::{Label, RichText, Slider, Ui, vec2};

use super::imaging::choice_ui;
use super::side::{glove_button, heading, sign_button};
use crate::clock::Timestamp;
use crate::engine::{Command, Fault, Nudge, ProbePose};
use crate::view::scene::{Act, Actions, Mirror, Scene};
use crate::view::theme;
use crate::words::say;

/// How long a moved slider shows what was asked for before it shows where the probe really is, ms.
const EDIT_MILLIS: u128 = 600;
/// From this height of the window on the page shows pose, needle and faults together.
const ALL_FROM: f32 = 1000.0;
const NAME_WIDTH: f32 = 44.0;
const VALUE_WIDTH: f32 = 48.0;
/// A smaller change of a slider is no movement, mm or degrees.
const LEAST_CHANGE: f64 = 1e-3;

/// One degree of freedom of the probe.
struct Axis {
    words: &'static str,
    unit: &'static str,
    /// Reach of the slider to both sides; keys and buttons reach further.
    least: f64,
    most: f64,
    /// Whether it follows the picture when left and right change places.
    turns_with_mirror: bool,
    of: fn(&mut ProbePose) -> &mut f64,
    back: (&'static str, &'static str, Act),
    forth: (&'static str, &'static str, Act),
}

static AXES: [Axis; 5] = [
    Axis {
        words: "view-probe-slide",
        unit: "mm",
        least: -40.0,
        most: 40.0,
        turns_with_mirror: true,
        of: |pose| &mut pose.slide_mm,
        back: ("←", "view-key-slide-left", Act::SlideOnScreen(-1.0)),
        forth: ("→", "view-key-slide-right", Act::SlideOnScreen(1.0)),
    },
    Axis {
        words: "view-probe-elevation",
        unit: "mm",
        least: -40.0,
        most: 40.0,
        turns_with_mirror: false,
        of: |pose| &mut pose.elevation_mm,
        back: (
            "↓",
            "view-key-elevate-back",
            Act::Nudge(Nudge::Elevation(-1.0)),
        ),
        forth: (
            "↑",
            "view-key-elevate-forward",
            Act::Nudge(Nudge::Elevation(1.0)),
        ),
    },
    Axis {
        words: "view-probe-tilt",
        unit: "°",
        least: -30.0,
        most: 30.0,
        turns_with_mirror: false,
        of: |pose| &mut pose.tilt_deg,
        back: ("−", "view-key-tilt-away", Act::Nudge(Nudge::Tilt(-2.0))),
        forth: ("+", "view-key-tilt-marker", Act::Nudge(Nudge::Tilt(2.0))),
    },
    Axis {
        words: "view-probe-rotate",
        unit: "°",
        least: -180.0,
        most: 180.0,
        turns_with_mirror: false,
        of: |pose| &mut pose.rotate_deg,
        back: ("−", "view-key-rotate-left", Act::Nudge(Nudge::Rotate(-5.0))),
        forth: ("+", "view-key-rotate-right", Act::Nudge(Nudge::Rotate(5.0))),
    },
    Axis {
        words: "view-probe-push",
        unit: "mm",
        least: -5.0,
        most: 15.0,
        turns_with_mirror: false,
        of: |pose| &mut pose.push_mm,
        back: ("−", "view-key-ease", Act::Nudge(Nudge::Push(-1.0))),
        forth: ("+", "view-key-push", Act::Nudge(Nudge::Push(1.0))),
    },
];

/// What the page shows; a small window has room for one part at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Pose,
    NeedleAndFaults,
}

/// The page and the pose that was asked for.
#[derive(Debug, Default)]
pub(super) struct ProbePage {
    edit: Option<(ProbePose, Timestamp)>,
    part: Part,
}

impl ProbePage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        ui.spacing_mut().item_spacing.y = 0.0;
        if ui.content_rect().height() >= ALL_FROM {
            self.pose_ui(ui, scene, actions);
            ui.add_space(8.0);
            needle_and_faults_ui(ui, actions);
            return;
        }
        let parts = [
            (Part::Pose, "view-probe-part-pose"),
            (Part::NeedleAndFaults, "view-probe-part-faults"),
        ];
        choice_ui(ui, &mut self.part, &parts);
        match self.part {
            Part::Pose => self.pose_ui(ui, scene, actions),
            Part::NeedleAndFaults => needle_and_faults_ui(ui, actions),
        }
    }

    fn pose_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let look = scene.look;
        self.edit
            .take_if(|(_, at)| look.now.since(*at).as_millis() > EDIT_MILLIS);
        let known = self.edit.map(|(pose, _)| pose).or(look.pose);
        for axis in &AXES {
            let mut wanted = known;
            axis_ui(ui, axis, wanted.as_mut(), scene.display.mirror, actions);
            let (Some(before), Some(after)) = (known, wanted) else {
                continue;
            };
            let nudges = nudges_between(&before, &after);
            if !nudges.is_empty() {
                for nudge in nudges {
                    actions.ask(Act::Nudge(nudge));
                }
                self.edit = Some((after, look.now));
            }
        }
    }
}

/// The movements that bring the probe from one pose to another. The probe slides along its own axes, which are turned
/// against those of the patient in which the pose is told.
fn nudges_between(before: &ProbePose, after: &ProbePose) -> Vec<Nudge> {
    let along = after.slide_mm - before.slide_mm;
    let across = after.elevation_mm - before.elevation_mm;
    let (sin, cos) = before.rotate_deg.to_radians().sin_cos();
    let nudges = [
        Nudge::Slide(along * cos + across * sin),
        Nudge::Elevation(across * cos - along * sin),
        Nudge::Tilt(after.tilt_deg - before.tilt_deg),
        Nudge::Rotate(after.rotate_deg - before.rotate_deg),
        Nudge::Push(after.push_mm - before.push_mm),
    ];
    let moves = |nudge: &Nudge| match nudge {
        Nudge::Slide(by)
        | Nudge::Elevation(by)
        | Nudge::Tilt(by)
        | Nudge::Rotate(by)
        | Nudge::Push(by)
        | Nudge::Needle(by) => by.abs() > LEAST_CHANGE,
        Nudge::Reset => true,
    };
    nudges.into_iter().filter(moves).collect()
}

/// Name, button, slider, button and figure on one line, as high as a glove needs.
fn axis_ui(
    ui: &mut Ui,
    axis: &Axis,
    pose: Option<&mut ProbePose>,
    mirror: Mirror,
    actions: &mut Actions,
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        let font = theme::regular(13.0);
        let words = RichText::new(say(axis.words)).font(font.clone());
        let name = Label::new(words.color(theme::QUIET)).selectable(false);
        let name = ui.add_sized(vec2(NAME_WIDTH, theme::TARGET), name);
        press(ui, &axis.back, actions);
        let free = ui.available_width() - theme::TARGET - VALUE_WIDTH;
        ui.spacing_mut().slider_width = (free - 3.0 * ui.spacing().item_spacing.x).max(60.0);
        let (least, most) = if axis.turns_with_mirror && mirror == Mirror::On {
            (axis.most, axis.least)
        } else {
            (axis.least, axis.most)
        };
        let mut shown = 0.0;
        let value = pose.map_or(&mut shown, |pose| (axis.of)(pose));
        let before = *value;
        let mut moved = before;
        let slider = Slider::new(&mut moved, least..=most)
            .show_value(false)
            .step_by(0.5);
        if ui.add(slider).labelled_by(name.id).changed() {
            *value = moved;
        }
        press(ui, &axis.forth, actions);
        let gap = if axis.unit == "°" { "" } else { " " };
        // Adding zero turns a rounded "-0" into "0".
        let figure = RichText::new(format!("{:.0}{gap}{}", value.round() + 0.0, axis.unit));
        let figure = Label::new(figure.font(font)).selectable(false);
        ui.add_sized(vec2(VALUE_WIDTH, theme::TARGET), figure);
    });
}

fn press(ui: &mut Ui, button: &(&str, &str, Act), actions: &mut Actions) {
    let (sign, words, act) = button;
    if sign_button(ui, sign, theme::TARGET, &say(words)).clicked() {
        actions.ask(act.clone());
    }
}

fn needle_and_faults_ui(ui: &mut Ui, actions: &mut Actions) {
    ui.spacing_mut().item_spacing.y = 3.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let out = ("−", "view-key-needle-out", Act::Nudge(Nudge::Needle(-2.0)));
        let further = ("+", "view-key-needle-in", Act::Nudge(Nudge::Needle(2.0)));
        press(ui, &out, actions);
        let words = RichText::new(say("view-probe-needle")).font(theme::regular(14.0));
        let label = Label::new(words).selectable(false);
        ui.add_sized(vec2(64.0, theme::TARGET), label);
        press(ui, &further, actions);
        let width = ui.available_width();
        if glove_button(ui, &say("view-key-pose-reset"), width).clicked() {
            actions.ask(Act::Nudge(Nudge::Reset));
        }
    });
    heading(ui, "view-probe-faults");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 2.0;
        let width = (ui.available_width() - 12.0) / 4.0;
        for (key, fault) in [
            ("view-fault-stall", Fault::Stall),
            ("view-fault-gap", Fault::Gap),
            ("view-fault-flip", Fault::Flip),
            ("view-fault-unplug", Fault::Unplug),
        ] {
            if glove_button(ui, &say(key), width).clicked() {
                actions.send(Command::Fault(fault));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of `simulate::Pose::nudge`, told in the patient's axes.
    fn moved(pose: &ProbePose, nudges: &[Nudge]) -> ProbePose {
        let mut pose = *pose;
        let (sin, cos) = pose.rotate_deg.to_radians().sin_cos();
        for nudge in nudges {
            match nudge {
                Nudge::Slide(by) => {
                    pose.slide_mm += by * cos;
                    pose.elevation_mm += by * sin;
                }
                Nudge::Elevation(by) => {
                    pose.slide_mm -= by * sin;
                    pose.elevation_mm += by * cos;
                }
                Nudge::Tilt(by) => pose.tilt_deg += by,
                Nudge::Rotate(by) => pose.rotate_deg += by,
                Nudge::Push(by) => pose.push_mm += by,
                Nudge::Needle(_) | Nudge::Reset => {}
            }
        }
        pose
    }

    #[test]
    fn a_slider_moves_its_own_figure_and_no_other_even_with_the_probe_turned() {
        let before = ProbePose {
            rotate_deg: 35.0,
            slide_mm: 4.0,
            ..ProbePose::default()
        };
        for axis in &AXES {
            let mut after = before;
            *(axis.of)(&mut after) += 7.0;
            let reached = moved(&before, &nudges_between(&before, &after));
            for other in &AXES {
                let (mut wanted, mut got) = (after, reached);
                let off = *(other.of)(&mut wanted) - *(other.of)(&mut got);
                assert!(off.abs() < 1e-9, "{} by {}", other.words, axis.words);
            }
        }
        assert!(nudges_between(&before, &before).is_empty());
    }
}
