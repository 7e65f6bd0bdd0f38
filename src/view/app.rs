//! The application: receive, draw, ask. It holds no knowledge of its own about the patient.
use std::sync::Arc;
use std::time::Duration;

use egui::{Frame, Margin, Panel, Ui};

use super::canvas::{Canvas, Painted};
use super::keymap::KeyMap;
use super::panels::{self, SettingsSheet, SidePanel, SourcesSheet};
use super::scene::{
    Act, Actions, Change, Display, Lock, MarksShown, Mirror, Scene, Sheet, Tab, Zoom,
};
use super::script::Script;
use super::second::SecondWindow;
use super::settings_desk::SettingsDesk;
use super::steps::{self, is_begun};
use super::theme;
use super::training_desk::{TrainingDesk, Turned};
use super::typing;
use super::{FirstSheet, Notice, ViewOptions};
use crate::engine::{Command, Liveness, Look, Nudge, Session};
use crate::frame::{ImagingSettings, Origin};
use crate::procedure::Action;
use crate::settings::Flip;
use crate::sound::Standing;

/// A repaint is asked for this long after it is due, so that the session has seen the limit pass.
const LIMIT_SLACK: Duration = Duration::from_millis(5);
/// Ages at which the picture changes its standing (H01).
const LIMITS: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(500)];
/// How often the age of a picture that is not live is written anew.
const AGE_EVERY: Duration = Duration::from_millis(500);
/// Below this height in points the window is a small one; above, everything grows with it.
const TALL: f32 = 1300.0;
const TALL_UNIT: f32 = 1080.0;

/// The window's content.
pub struct GuidanceApp {
    session: Arc<dyn Session>,
    look: Look,
    display: Display,
    canvas: Canvas,
    second: SecondWindow,
    side: SidePanel,
    sources: SourcesSheet,
    /// What opens once the notice was read.
    then: Option<Sheet>,
    script: Script,
    told: Option<Painted>,
    desk: TrainingDesk,
    memory: SettingsDesk,
    settings: SettingsSheet,
}

impl GuidanceApp {
    /// An application that looks at `session`; puts fonts and colours in force and asks to be woken.
    pub fn new(context: &egui::Context, session: Arc<dyn Session>, options: &ViewOptions) -> Self {
        theme::install(context);
        wake(session.as_ref(), context);
        let sheet = match options.notice {
            Notice::Ask => Some(Sheet::Notice),
            Notice::Acknowledged => after_notice(options.first_sheet),
        };
        let look = session.look();
        let look_training = session.training();
        let memory = SettingsDesk::new(options);
        let settings = memory.begun_with();
        SettingsDesk::begin(&settings, session.as_ref());
        Self {
            look,
            session,
            display: Display {
                marks: MarksShown::Yes,
                mirror: match settings.flip {
                    Flip::Off => Mirror::Off,
                    Flip::On => Mirror::On,
                },
                zoom: Zoom::default(),
                sheet,
                tab: if options.staging.is_empty() {
                    Tab::Setup
                } else {
                    Tab::Refill
                },
                pass_over_asked: false,
                lock: Lock::Open,
                marks_late_at: None,
                second: false,
                refused: None,
                keys: KeyMap::of(&settings.keys),
                settings,
                listening: None,
                key_taken: None,
                settings_trouble: None,
                speaker: Standing::NoProgram,
            },
            canvas: Canvas::default(),
            second: SecondWindow::default(),
            side: SidePanel::default(),
            sources: SourcesSheet::default(),
            then: after_notice(options.first_sheet),
            script: Script::new(options),
            told: None,
            desk: TrainingDesk::new(options.training.clone(), look_training),
            memory,
            settings: SettingsSheet::default(),
        }
    }

    fn perform(&mut self, context: &egui::Context, act: Act) {
        // Whatever is done in between takes back the question.
        let asked = std::mem::take(&mut self.display.pass_over_asked);
        self.display.refused = None;
        if self.is_held_by_lock(&act) || !self.counts(&act) {
            return;
        }
        match act {
            Act::ToggleLock => {
                self.display.lock = match self.display.lock {
                    Lock::Open => Lock::Locked,
                    Lock::Locked | Lock::Refused => Lock::Open,
                };
            }
            Act::NextStep | Act::NextWay | Act::TakeBack | Act::AcknowledgeGap => {
                if act == Act::NextStep {
                    self.display.tab = Tab::Refill;
                }
                if let Some(action) = steps::action_of(&act, &self.look) {
                    self.send(Command::Refill(action));
                }
            }
            Act::PassOver if asked => self.session.send(Command::Refill(Action::PassOver)),
            Act::PassOver => self.display.pass_over_asked = is_begun(&self.look.refill),
            Act::ToggleFreeze => self.toggle_freeze(),
            Act::TakeSnapshot => self.session.send(Command::TakeSnapshot),
            Act::Restart => self.session.send(Command::Restart),
            Act::Gain(db) => self.set_imaging(|now| now.gain_db += db),
            Act::Depth(mm) => self.set_imaging(|now| now.depth.0 += mm),
            Act::StepPump(step) => self.step_pump(step),
            Act::StepNeedle(step) => {
                let needle = panels::with_length(self.look.needle, step);
                self.session.send(Command::ChooseNeedle(Some(needle)));
            }
            Act::Nudge(nudge) => self.session.send(Command::Nudge(nudge)),
            Act::SlideOnScreen(mm) => {
                let along = match self.display.mirror {
                    Mirror::Off => mm,
                    Mirror::On => -mm,
                };
                self.session.send(Command::Nudge(Nudge::Slide(along)));
            }
            Act::Acknowledge => {
                self.display.sheet = self.then.take();
                self.session.send(Command::AcknowledgeResearchNotice);
            }
            Act::PickSource(number) => {
                let mut actions = Actions::default();
                self.sources.pick(&self.look, number, &mut actions);
                for act in actions.into_list() {
                    self.perform(context, act);
                }
            }
            Act::Train => self.train_or_return(context),
            Act::Training(action) => {
                self.session.train(action);
                context.request_repaint();
            }
            Act::Send(command) => self.send(command),
            Act::Display(change) => {
                self.change_display(context, change);
                self.memory.note(&act, &mut self.display);
            }
            Act::Set(_) => self.memory.note(&act, &mut self.display),
            // Focus is the window system's own business.
            Act::MoveFocus => {}
        }
    }

    /// Sends what was asked for, and remembers what of it is remembered.
    fn send(&mut self, command: Command) {
        let asked = Act::Send(command.clone());
        self.memory.note(&asked, &mut self.display);
        self.session.send(command);
    }

    fn toggle_freeze(&self) {
        let frozen = self.look.liveness == Liveness::Frozen;
        self.session.send(if frozen {
            Command::Unfreeze
        } else {
            Command::Freeze
        });
    }

    /// In training nothing of a refill is done, whatever asked for it.
    fn counts(&self, act: &Act) -> bool {
        self.desk.look().is_none() || act.counts_in_training()
    }

    /// Into training, or back to the session that was left for it. Not out of a refill, and a running probe stops.
    fn train_or_return(&mut self, context: &egui::Context) {
        let is_in_refill = is_begun(&self.look.refill) && self.look.refill.outcome().is_none();
        let is_live = self.look.origin == Origin::Live && self.look.liveness == Liveness::Running;
        let turned = self.desk.turn(&self.session, is_in_refill);
        match turned {
            Ok(session) => {
                if is_live {
                    self.session.send(Command::Freeze);
                }
                self.session.set_waker(Arc::new(|| {}));
                wake(session.as_ref(), context);
                self.session = session;
                self.look = self.session.look();
                self.desk.note(self.session.training());
                self.display.sheet = None;
                self.display.zoom = Zoom::default();
                self.display.tab = if self.desk.look().is_some() {
                    Tab::Training
                } else {
                    Tab::Refill
                };
            }
            Err(Turned::Refused(key)) => self.display.refused = Some(key),
            Err(Turned::Over) => context.send_viewport_cmd(egui::ViewportCommand::Close),
        }
    }

    /// Whether the lock keeps this from being done; the one line then says so until the next key (H35).
    fn is_held_by_lock(&mut self, act: &Act) -> bool {
        if self.display.lock == Lock::Open {
            return false;
        }
        let is_kept = act.is_kept_by_lock();
        self.display.lock = if is_kept { Lock::Refused } else { Lock::Locked };
        is_kept
    }

    fn change_display(&mut self, context: &egui::Context, change: Change) {
        let display = &mut self.display;
        match change {
            Change::ToggleMarks => {
                display.marks = match display.marks {
                    MarksShown::Yes => MarksShown::No,
                    MarksShown::No => MarksShown::Yes,
                };
            }
            Change::Mirror => {
                display.mirror = match display.mirror {
                    Mirror::Off => Mirror::On,
                    Mirror::On => Mirror::Off,
                };
                let flipped = display.mirror == Mirror::On;
                self.session.send(Command::FlipShown(flipped));
            }
            Change::Zoom(factor, anchor) => display.zoom = display.zoom.by(factor, anchor),
            Change::Pan(by) => display.zoom = display.zoom.moved(by),
            Change::ZoomReset => display.zoom = Zoom::default(),
            Change::Show(tab) => display.tab = tab,
            Change::ToggleSecond => display.second = !display.second,
            Change::ShowKeys => display.sheet = Some(Sheet::Keys),
            Change::ShowEmergency => {
                display.sheet = Some(Sheet::Emergency);
                self.session.send(Command::Refill(Action::OpenCard));
            }
            Change::ShowSettings => display.sheet = Some(Sheet::Settings),
            Change::ShowSources => display.sheet = Some(Sheet::Sources),
            Change::Close => {
                // The notice is closed by reading it only.
                if display.sheet != Some(Sheet::Notice) {
                    display.sheet = None;
                }
                self.sources.closed();
                display.listening = None;
                context.memory_mut(|memory| {
                    if let Some(focused) = memory.focused() {
                        memory.surrender_focus(focused);
                    }
                });
            }
        }
    }

    fn set_imaging(&self, change: impl FnOnce(&mut ImagingSettings)) {
        let mut wanted = self.look.settings.as_ref().clone();
        change(&mut wanted);
        self.session.send(Command::SetImaging(wanted.limited()));
    }

    fn step_pump(&self, step: i32) {
        let pumps = &self.look.pumps;
        let now = pumps.iter().position(|pump| pump.id == self.look.pump.id);
        let count = i64::try_from(pumps.len()).unwrap_or(0);
        if count == 0 {
            return;
        }
        let now = now.and_then(|index| i64::try_from(index).ok()).unwrap_or(0);
        let next = (now + i64::from(step)).rem_euclid(count);
        let next = usize::try_from(next).unwrap_or(0);
        if let Some(pump) = pumps.get(next) {
            self.session.send(Command::ChoosePump(pump.id.clone()));
        }
    }

    /// Asks for a repaint at the moment the picture grows too old, so that it is said without a new frame.
    fn watch_the_age(&self, context: &egui::Context) {
        let age = self.look.age.unwrap_or_default();
        let due = match self.look.liveness {
            Liveness::Running | Liveness::Stale => LIMITS
                .iter()
                .filter_map(|limit| limit.checked_sub(age))
                .find(|left| !left.is_zero())
                .map_or(AGE_EVERY, |left| left + LIMIT_SLACK),
            Liveness::NotLive => AGE_EVERY,
            Liveness::Waiting | Liveness::Frozen | Liveness::Ended => return,
        };
        context.request_repaint_after(due);
    }

    /// Takes note of a picture that is shown before it was read (H02: it then carries no marks).
    fn note_late_marks(&mut self) {
        let picture = self.look.picture.as_ref().map(|p| p.image.frame);
        let read = self.look.advice.as_ref().map(|a| a.marks.frame);
        if self.look.liveness == Liveness::Running && read.is_some() && picture != read {
            self.display.marks_late_at = Some(self.look.now);
        }
    }

    fn tell(&mut self, painted: Option<Painted>) {
        if let Some(now) = painted
            && self.told != painted
        {
            self.session.note_shown(now.frame, now.marks);
            self.told = painted;
        }
    }
}

impl eframe::App for GuidanceApp {
    fn logic(&mut self, context: &egui::Context, _frame: &mut eframe::Frame) {
        self.look = self.session.look();
        self.desk.note(self.session.training());
        self.note_late_marks();
        self.memory
            .look(&self.look, &mut self.display, self.session.as_ref());
        self.watch_the_age(context);
        self.script.look_for_end(context);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(seconds) = frame.info().cpu_usage {
            self.side.note_drawing(seconds);
        }
        let context = ui.ctx().clone();
        scale_to_window(&context, self.display.settings.text.factor());
        let mut actions = Actions::default();
        let scene = Scene {
            look: &self.look,
            picture: self.look.picture.as_ref(),
            display: &self.display,
            training: self.desk.look(),
        };
        typing::read(&context, scene.situation(), &self.display, &mut actions);
        let painted = draw(ui, &scene, &mut self.canvas, &mut self.side, &mut actions);
        let (sources, settings) = (&mut self.sources, &mut self.settings);
        panels::sheet(ui, &scene, sources, settings, &mut actions);
        if self.display.second && self.second.ui(&context, &scene) {
            actions.ask(Act::Display(Change::ToggleSecond));
        }
        self.script.after_painting(ui, painted);
        for command in self.script.due() {
            self.session.send(command);
        }
        for act in actions.into_list() {
            self.perform(&context, act);
        }
        self.tell(painted);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        // The window is black already where the picture stands: filling it once more costs a software renderer dear.
        theme::OUTSIDE_SCAN.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.session.set_waker(Arc::new(|| {}));
    }
}

fn after_notice(first: FirstSheet) -> Option<Sheet> {
    match first {
        FirstSheet::Picture => None,
        FirstSheet::Sources => Some(Sheet::Sources),
    }
}

fn draw(
    ui: &mut Ui,
    scene: &Scene<'_>,
    canvas: &mut Canvas,
    side: &mut SidePanel,
    actions: &mut Actions,
) -> Option<Painted> {
    let bar = Frame::new()
        .fill(theme::PANEL)
        .inner_margin(Margin::symmetric(14, 0));
    Panel::top("top")
        .exact_size(38.0)
        .resizable(false)
        .frame(bar)
        .show(ui, |ui| panels::top_bar(ui, scene));
    Panel::bottom("footer")
        .exact_size(36.0)
        .resizable(false)
        .frame(bar)
        .show(ui, |ui| panels::footer(ui, scene));
    let rail_width = if panels::rail_is_wide(ui) {
        184.0
    } else {
        74.0
    };
    let rail_frame = Frame::new()
        .fill(theme::PANEL)
        .inner_margin(Margin::symmetric(6, 8));
    // The steps of a refill stand beside a refill only.
    if scene.training.is_none() {
        Panel::left("rail")
            .exact_size(rail_width)
            .resizable(false)
            .frame(rail_frame)
            .show(ui, |ui| panels::rail(ui, scene, actions));
    }
    let width = if ui.content_rect().width() >= 1600.0 {
        380.0
    } else {
        316.0
    };
    let side_frame = Frame::new()
        .fill(theme::PANEL)
        .inner_margin(Margin::symmetric(14, 4));
    Panel::right("side")
        .exact_size(width)
        .resizable(false)
        .frame(side_frame)
        .show(ui, |ui| side.ui(ui, scene, actions));
    Panel::bottom("headline")
        .exact_size(80.0)
        .resizable(false)
        .show_separator_line(false)
        .frame(bar)
        .show(ui, |ui| panels::headline_bar(ui, scene));
    egui::CentralPanel::no_frame()
        .show(ui, |ui| canvas.ui(ui, scene, actions))
        .inner
}

/// Has the window repainted whenever the session has something new.
fn wake(session: &dyn Session, context: &egui::Context) {
    let to_wake = context.clone();
    // A plain request repaints twice; one nanosecond later repaints once.
    session.set_waker(Arc::new(move || {
        to_wake.request_repaint_after(Duration::from_nanos(1));
    }));
}

/// Lets everything grow on a window much taller than a full-HD screen that reports no scale of its own, and by as
/// much as the user wants words larger.
fn scale_to_window(context: &egui::Context, text: f32) {
    let now = context.zoom_factor();
    let height = context.content_rect().height() * now;
    let wanted = if height > TALL {
        ((height / TALL_UNIT) * 4.0).round() / 4.0
    } else {
        1.0
    } * text;
    if (wanted - now).abs() > 0.01 {
        context.set_zoom_factor(wanted.clamp(1.0, 4.0));
    }
}
