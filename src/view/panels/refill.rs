//! The page of the present step: its fields, its answers, its volumes. The picture beside it never waits for it.
use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Label, RichText, TextEdit, Ui, vec2};

use super::imaging::choice_ui;
use super::side::{glove_button, heading};
use crate::engine::Command;
use crate::guide::Way;
use crate::procedure::{
    Action, BackFlow, Counted, Field, FluidAnswer, GapKind, Missing, NeedlePlace, Refill, Refusal,
    Step, Volume, gap_line,
};
use crate::view::scene::{Act, Actions, Scene};
use crate::view::steps;
use crate::view::theme;
use crate::words::{say, say_with};

/// From this height of the window on the three ways stand below each other.
const WAYS_BELOW_EACH_OTHER_FROM: f32 = 1000.0;

/// The page and what is being typed.
#[derive(Default)]
pub(super) struct RefillPage {
    typed: BTreeMap<Field, String>,
    aliquot: String,
    /// The field that is being typed into, by the key of its name.
    typing: Option<&'static str>,
    /// The state the texts were taken from.
    known: Option<Arc<Refill>>,
    /// Ending early was asked for once; the second press does it.
    end_asked: bool,
    /// What the next step still wants to have typed: its field takes the keyboard with the next repaint.
    wanted: Option<Wanted>,
}

/// Something that is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Field(Field),
    Aliquot,
}

/// What has to be typed when a step was refused for want of it.
fn wanted_by(refusal: &Refusal) -> Option<Wanted> {
    let Refusal::Incomplete(missing) = refusal else {
        return None;
    };
    [
        (Missing::Identity, Wanted::Field(Field::StudyCode)),
        (Missing::Drug, Wanted::Field(Field::Drug)),
        (
            Missing::ExpectedResidual,
            Wanted::Field(Field::ExpectedResidual),
        ),
        (Missing::Aspirated, Wanted::Field(Field::Aspirated)),
        (
            Missing::OtherConfirmation,
            Wanted::Field(Field::OtherConfirmation),
        ),
        (Missing::Programmed, Wanted::Field(Field::Programmed)),
        (Missing::Aliquot, Wanted::Aliquot),
    ]
    .into_iter()
    .find_map(|(known, wanted)| (known == *missing).then_some(wanted))
}

impl RefillPage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        let refill = Arc::clone(&scene.look.refill);
        self.follow(&refill);
        let step = refill.step();
        // The whole page is to be seen at once on a small window.
        ui.spacing_mut().item_spacing.y = 1.5;
        let title = format!("{}  {}", step.number(), say(step.key()));
        let title = RichText::new(title).font(theme::strong(18.0));
        ui.add(Label::new(title).selectable(false));
        if !steps::is_begun(&refill) {
            quiet(ui, &say("view-refill-begin"));
        }
        match step {
            Step::Identify => self.identify_ui(ui, &refill, actions),
            Step::ScanForFluid => fluid_ui(ui, &refill, actions),
            Step::FindPort => quiet(ui, &say("view-refill-find")),
            Step::ConfirmPlanes => planes_ui(ui, actions),
            Step::Approach => approach_ui(ui, &refill, actions),
            Step::Puncture => puncture_ui(ui, &refill, actions),
            Step::EmptyAndCompare => self.empty_ui(ui, scene, &refill, actions),
            Step::Fill => self.fill_ui(ui, scene, &refill, actions),
            Step::Report => self.report_ui(ui, scene, &refill, actions),
        }
        self.foot_ui(ui, scene, actions);
    }

    /// Texts follow the state, but not one that was refused: what was typed stays to be corrected or repeated.
    fn follow(&mut self, refill: &Arc<Refill>) {
        let is_new = self.known.as_ref().is_none_or(|k| !Arc::ptr_eq(k, refill));
        if is_new && refill.refused().is_none() {
            self.typed = refill
                .fields()
                .iter()
                .map(|(field, value)| (*field, value.shown()))
                .collect();
            self.aliquot.clear();
            self.end_asked = false;
        }
        if is_new {
            // Enter on a step that wants something typed leads there, so that no mouse is needed.
            self.wanted = refill.refused().and_then(wanted_by);
            self.known = Some(Arc::clone(refill));
        }
    }

    /// Whether a field was typed into and is left now: once, so that nothing is entered twice by one press (H20).
    fn is_left(&mut self, key: &'static str, response: &egui::Response) -> bool {
        if response.has_focus() {
            self.typing = Some(key);
            return false;
        }
        let was_here = self.typing == Some(key);
        if was_here {
            self.typing = None;
        }
        was_here
    }

    /// One or two fields beside each other, each under its name.
    fn fields<const N: usize>(
        &mut self,
        ui: &mut Ui,
        fields: [Field; N],
        refill: &Refill,
        actions: &mut Actions,
    ) {
        ui.columns(N.max(1), |columns| {
            for (ui, field) in columns.iter_mut().zip(fields) {
                self.field(ui, field, refill, actions);
            }
        });
    }

    fn field(&mut self, ui: &mut Ui, field: Field, refill: &Refill, actions: &mut Actions) {
        let title = heading(ui, field.key());
        let text = self.typed.entry(field).or_default();
        let response = ui.add(edit(ui, text)).labelled_by(title.id);
        if self.wanted == Some(Wanted::Field(field)) {
            self.wanted = None;
            response.request_focus();
        }
        let stored = refill.field(field).map(crate::procedure::Value::shown);
        let text = text.clone();
        if self.is_left(field.key(), &response) && text != stored.unwrap_or_default() {
            actions.refill(Action::Enter(field, text));
        }
    }

    fn identify_ui(&mut self, ui: &mut Ui, refill: &Refill, actions: &mut Actions) {
        for row in [
            [Field::StudyCode, Field::ExpectedResidual],
            [Field::Drug, Field::Strength],
            [Field::Lot, Field::PumpSerial],
            [Field::FirstIdentifier, Field::SecondIdentifier],
        ] {
            self.fields(ui, row, refill, actions);
        }
    }

    fn empty_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, refill: &Refill, actions: &mut Actions) {
        if refill.aspiration_cannot_confirm() {
            warn(ui, &say("event-aspiration-cannot-confirm"));
        }
        let row = [Field::Aspirated, Field::AspirateLook];
        self.fields(ui, row, refill, actions);
        gap_ui(ui, scene, GapKind::Aspirated, actions);
        self.field(ui, Field::OtherConfirmation, refill, actions);
    }

    fn fill_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, refill: &Refill, actions: &mut Actions) {
        let capacity = Volume::capacity(&scene.look.pump);
        let line = say_with(
            "view-refill-injected",
            &[
                ("total", &refill.injected().to_string()),
                ("capacity", &capacity.to_string()),
            ],
        );
        ui.add(Label::new(RichText::new(line).font(theme::strong(16.0))).selectable(false));
        if refill.check_is_due() {
            warn(ui, &say("missing-check"));
        }
        ui.columns(2, |columns| {
            let [left, right] = columns else { return };
            self.aliquot_ui(left, actions);
            self.field(right, Field::Programmed, refill, actions);
        });
        let half = (ui.available_width() - 6.0) / 2.0;
        ui.horizontal(|ui| {
            for (key, back_flow) in [
                ("view-refill-back-flow", BackFlow::Seen),
                ("view-refill-no-back-flow", BackFlow::None),
            ] {
                if glove_button(ui, &say(key), half).clicked() {
                    actions.refill(Action::Check(back_flow));
                }
            }
        });
        gap_ui(ui, scene, GapKind::Injected, actions);
        take_back_ui(ui, "view-refill-aliquot-back", Counted::Aliquot, actions);
    }

    fn aliquot_ui(&mut self, ui: &mut Ui, actions: &mut Actions) {
        let title = heading(ui, "view-refill-aliquot");
        let response = ui.add(edit(ui, &mut self.aliquot)).labelled_by(title.id);
        if self.wanted == Some(Wanted::Aliquot) {
            self.wanted = None;
            response.request_focus();
        }
        let is_left = self.is_left("view-refill-aliquot", &response);
        if is_left && !self.aliquot.trim().is_empty() {
            actions.refill(Action::Inject(self.aliquot.clone()));
        }
    }

    fn report_ui(
        &mut self,
        ui: &mut Ui,
        scene: &Scene<'_>,
        refill: &Refill,
        actions: &mut Actions,
    ) {
        if refill.needle() != NeedlePlace::Out {
            let width = ui.available_width();
            if glove_button(ui, &say("view-refill-needle-out"), width).clicked() {
                actions.refill(Action::TakeNeedleOut);
            }
        }
        for kind in GapKind::ALL {
            gap_ui(ui, scene, kind, actions);
        }
        self.field(ui, Field::Remarks, refill, actions);
        if let Some(outcome) = refill.outcome() {
            ui.add(Label::new(say(outcome.key())).selectable(false));
            if let Some(journal) = &scene.look.journal_path {
                quiet(ui, &say_with("view-refill-report", &[("journal", journal)]));
            }
        }
    }

    fn foot_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
        if !steps::is_begun(&scene.look.refill) || scene.look.refill.outcome().is_some() {
            return;
        }
        let pass_over = if scene.display.pass_over_asked {
            "view-refill-pass-over-really"
        } else {
            "view-refill-pass-over"
        };
        let end = if self.end_asked {
            "view-refill-end-really"
        } else {
            "view-refill-end"
        };
        let is_complete = steps::missing(scene).is_empty();
        let half = (ui.available_width() - 6.0) / 2.0;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if !is_complete && glove_button(ui, &say(pass_over), half).clicked() {
                actions.ask(Act::PassOver);
            }
            if glove_button(ui, &say(end), half).clicked() {
                if self.end_asked {
                    actions.refill(Action::Abandon);
                }
                self.end_asked = !self.end_asked;
            }
        });
    }
}

/// A field wide as its column and high enough for a glove.
fn edit<'t>(ui: &Ui, text: &'t mut String) -> TextEdit<'t> {
    TextEdit::singleline(text)
        .font(theme::regular(16.0))
        .min_size(vec2(ui.available_width(), theme::TARGET))
        .desired_width(ui.available_width())
        .align(egui::Align2::LEFT_CENTER)
}

/// The three ways, and the limits of the one chosen. On a small window they stand beside each other under short names,
/// with the whole name below: the page has to be seen at once, also with cautions above it.
fn ways_ui(ui: &mut Ui, refill: &Refill, actions: &mut Actions) {
    let way = refill.way();
    let is_kept = refill.located().is_some();
    if ui.content_rect().height() >= WAYS_BELOW_EACH_OTHER_FROM {
        let width = ui.available_width();
        for offered in Way::ALL {
            let sign = if offered == way { "● " } else { "○ " };
            let words = format!("{sign}{}", say(offered.key()));
            if glove_button(ui, &words, width).clicked() {
                actions.refill(Action::ChooseWay(offered));
            }
        }
    } else {
        let choices = Way::ALL.map(|offered| (offered, short_name(offered)));
        let mut chosen = way;
        choice_ui(ui, &mut chosen, &choices);
        if chosen != way {
            actions.refill(Action::ChooseWay(chosen));
        }
        quiet(ui, &say(way.key()));
    }
    // Once a path is kept, its figures stand in the place of the words.
    if !is_kept {
        quiet(ui, &say(way.limits_key()));
    }
}

fn short_name(way: Way) -> &'static str {
    match way {
        Way::MarkThenStick => "view-way-mark",
        Way::LiveOutOfPlane => "view-way-out-of-plane",
        Way::LiveInPlane => "view-way-in-plane",
    }
}

fn fluid_ui(ui: &mut Ui, refill: &Refill, actions: &mut Actions) {
    quiet(ui, &say("view-refill-fluid"));
    let width = ui.available_width();
    for (key, answer) in [
        ("view-refill-fluid-none", FluidAnswer::NoneSeen),
        ("view-refill-fluid-seen", FluidAnswer::Seen),
    ] {
        let sign = if refill.fluid() == Some(answer) {
            "● "
        } else {
            "○ "
        };
        if glove_button(ui, &format!("{sign}{}", say(key)), width).clicked() {
            actions.refill(Action::AnswerFluid(answer));
        }
    }
}

fn planes_ui(ui: &mut Ui, actions: &mut Actions) {
    quiet(ui, &say("view-refill-planes"));
    let width = ui.available_width();
    if glove_button(ui, &say("view-refill-plane"), width).clicked() {
        actions.send(Command::ConfirmPlane);
    }
}

fn approach_ui(ui: &mut Ui, refill: &Refill, actions: &mut Actions) {
    ways_ui(ui, refill, actions);
    let width = ui.available_width();
    if glove_button(ui, &say("view-refill-locate"), width).clicked() {
        actions.refill(Action::Locate);
    }
    if let Some(path) = refill.located() {
        let line = say_with(
            "report-path",
            &[
                ("least", &format!("{:.0}", path.depth_mm[0].floor())),
                ("most", &format!("{:.0}", path.depth_mm[1].ceil())),
                ("tilt", &format!("{:.0}", path.tilt_deg.abs())),
                ("frame", &path.frame.0.to_string()),
            ],
        );
        ui.add(Label::new(line).selectable(false).wrap());
    }
}

fn puncture_ui(ui: &mut Ui, refill: &Refill, actions: &mut Actions) {
    let line = say_with(
        "view-refill-counts",
        &[
            ("punctures", &refill.punctures().to_string()),
            ("redirections", &refill.redirections().to_string()),
        ],
    );
    ui.add(Label::new(RichText::new(line).font(theme::strong(16.0))).selectable(false));
    let half = (ui.available_width() - 6.0) / 2.0;
    for row in [
        [
            ("view-refill-puncture", Action::Puncture),
            ("view-refill-redirect", Action::Redirect),
        ],
        [
            ("view-refill-stop-felt", Action::FeelStop),
            ("view-refill-needle-out", Action::TakeNeedleOut),
        ],
    ] {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (key, action) in row {
                if glove_button(ui, &say(key), half).clicked() {
                    actions.refill(action);
                }
            }
        });
    }
    take_back_ui(ui, "view-refill-puncture-back", Counted::Puncture, actions);
}

fn take_back_ui(ui: &mut Ui, key: &str, counted: Counted, actions: &mut Actions) {
    let width = ui.available_width();
    if glove_button(ui, &say(key), width).clicked() {
        actions.refill(Action::TakeBack(counted));
    }
}

fn gap_ui(ui: &mut Ui, scene: &Scene<'_>, kind: GapKind, actions: &mut Actions) {
    let look = scene.look;
    let Some(gap) = look.refill.gap(kind, &look.pump) else {
        return;
    };
    if gap.is_large {
        warn(ui, &gap_line(&gap));
    } else {
        ui.add(Label::new(gap_line(&gap)).selectable(false).wrap());
    }
    let width = ui.available_width();
    if look.refill.wants_word_on(kind, &look.pump)
        && glove_button(ui, &say("view-refill-gap-seen"), width).clicked()
    {
        actions.refill(Action::AcknowledgeGap(kind));
    }
}

fn quiet(ui: &mut Ui, text: &str) {
    let words = RichText::new(text)
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(words).selectable(false).wrap());
}

fn warn(ui: &mut Ui, text: &str) {
    let words = RichText::new(format!("▲ {text}"))
        .font(theme::strong(14.0))
        .color(theme::WARNING);
    ui.add(Label::new(words).selectable(false).wrap());
}
