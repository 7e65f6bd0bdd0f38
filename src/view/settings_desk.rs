//! What is remembered and what is heard: follows what is asked for, and hands it to the keeper and the speaker.
use std::sync::Arc;

use super::ViewOptions;
use super::keymap::KeyMap;
use super::keys::{Binding, KEYS};
use super::scene::{Act, Change, Display, Mirror, Setting};
use crate::detect::PortState;
use crate::engine::{Command, Liveness, Look, Session, SourceChoice};
use crate::frame::GrayMap;
use crate::guide::Way;
use crate::procedure::Action;
use crate::settings::{Flip, Settings, SettingsKeeper, Tones};
use crate::sound::{Heard, Speaker, Standing, ToneWatch};

/// The desk.
pub(super) struct SettingsDesk {
    keeper: Option<Arc<SettingsKeeper>>,
    speaker: Option<Arc<dyn Speaker>>,
    tones: ToneWatch,
    /// The source to which the grey map was given.
    served: String,
}

impl SettingsDesk {
    pub(super) fn new(options: &ViewOptions) -> Self {
        Self {
            keeper: options.settings.clone(),
            speaker: options.speaker.as_ref().map(|door| Arc::clone(&door.0)),
            tones: ToneWatch::default(),
            served: String::new(),
        }
    }

    /// The settings to begin with.
    pub(super) fn begun_with(&self) -> Settings {
        let keeper = self.keeper.as_ref();
        keeper.map_or_else(Settings::default, |keeper| keeper.begun_with().clone())
    }

    /// Puts in force what the session has a share in.
    pub(super) fn begin(settings: &Settings, session: &dyn Session) {
        if settings.flip == Flip::On {
            session.send(Command::FlipShown(true));
        }
        if settings.way != Way::default() {
            session.send(Command::Refill(Action::ChooseWay(settings.way)));
        }
    }

    /// Takes note of a look at the session: a tone may be due, and a new source has not got the grey map yet.
    pub(super) fn look(&mut self, look: &Look, display: &mut Display, session: &dyn Session) {
        if let Some(speaker) = &self.speaker {
            display.speaker = speaker.standing();
            let tone = self
                .tones
                .look(look.now, heard(look), is_meant(look.liveness));
            if let Some(tone) = tone
                && display.settings.tones == Tones::On
                && session.training().is_none()
            {
                speaker.play(tone);
            }
        } else {
            display.speaker = Standing::NoProgram;
        }
        display.settings_trouble = self.keeper.as_ref().and_then(|keeper| keeper.trouble());
        let wanted = display.settings.gray_map;
        if self.served != look.source_name && look.picture.is_some() {
            self.served.clone_from(&look.source_name);
            if wanted != GrayMap::default() && look.settings.gray_map != wanted {
                let mut imaging = look.settings.as_ref().clone();
                imaging.gray_map = wanted;
                session.send(Command::SetImaging(imaging));
            }
        }
    }

    /// Takes note of what was asked for, and keeps what is to be remembered.
    pub(super) fn note(&self, act: &Act, display: &mut Display) {
        let before = display.settings.clone();
        remember(act, display);
        if display.settings != before
            && let Some(keeper) = &self.keeper
        {
            keeper.put(display.settings.clone());
        }
    }
}

/// What something that was done changes in what is remembered.
fn remember(act: &Act, display: &mut Display) {
    if let Act::Set(setting) = act {
        set(*setting, display);
    } else if *act == Act::Display(Change::Mirror) {
        display.settings.flip = match display.mirror {
            Mirror::Off => Flip::Off,
            Mirror::On => Flip::On,
        };
    } else if let Act::Send(Command::SetImaging(imaging)) = act {
        display.settings.gray_map = imaging.gray_map;
    } else if let Act::Send(Command::Refill(Action::ChooseWay(way))) = act {
        display.settings.way = *way;
    } else if let Act::Send(Command::Connect(choice)) = act
        && !matches!(choice, SourceChoice::Virtual(_))
    {
        display.settings.last_source = Some(choice.to_string());
    }
}

fn set(setting: Setting, display: &mut Display) {
    display.key_taken = None;
    match setting {
        Setting::Text(size) => display.settings.text = size,
        Setting::Tones(tones) => display.settings.tones = tones,
        Setting::Listen(name) => display.listening = Some(name),
        Setting::StopListening => display.listening = None,
        Setting::KeysReset => {
            display.keys = KeyMap::default();
            display.listening = None;
        }
        Setting::Press(press) => {
            let listening = display.listening;
            let wanted = |b: &&'static Binding| Some(b.name()) == listening;
            let binding = KEYS.iter().find(wanted);
            match binding.map(|binding| display.keys.assign(binding, press)) {
                Some(Err(other)) => display.key_taken = Some((press, other.words())),
                Some(Ok(())) | None => display.listening = None,
            }
        }
    }
    display.settings.keys = display.keys.saved();
}

fn heard(look: &Look) -> Heard {
    let advice = look.advice.as_deref();
    let is_live = look.liveness == Liveness::Running;
    Heard {
        is_live,
        is_locked: is_live && advice.is_some_and(|a| a.finding.state == PortState::Locked),
        has_path: is_live && advice.is_some_and(|a| a.guidance.path.is_some()),
    }
}

/// Whether the picture stands still because somebody wants it to.
fn is_meant(liveness: Liveness) -> bool {
    matches!(
        liveness,
        Liveness::Frozen | Liveness::Ended | Liveness::Waiting
    )
}
