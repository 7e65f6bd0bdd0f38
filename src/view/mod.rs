//! The window: the only room that knows egui.
//!
//! It looks at a [`Session`], draws what it sees and sends commands; it never acts on the patient's data itself. It
//! repaints when the session wakes it and when the picture grows too old, and otherwise not at all. Left and right
//! are mirrored here and nowhere else. Nothing drawn decides anything.
mod app;
mod canvas;
mod headline;
mod hint;
mod key_table;
mod keymap;
mod keys;
mod marks;
mod panels;
mod placement;
mod readings;
mod ruler;
mod scene;
mod script;
mod second;
mod settings_desk;
mod signs;
mod steps;
mod texture;
mod theme;
mod training_desk;
mod typing;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use app::GuidanceApp;

use crate::engine::{Command, Session};
use crate::notice::Problem;
use crate::settings::SettingsKeeper;
use crate::sound::Speaker;
use crate::words::say;

/// The smallest window everything is laid out for, in points.
const LEAST_SIZE: [f32; 2] = [1280.0, 800.0];

/// Whether the start notice has to be acknowledged in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Notice {
    /// It is shown and must be acknowledged.
    #[default]
    Ask,
    /// A script runs the window and nobody is there to read it; nothing is sent to the session.
    Acknowledged,
}

/// What the window shows first, once the notice was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FirstSheet {
    /// The picture.
    #[default]
    Picture,
    /// The connection screen.
    Sources,
}

/// What happens to the window once its picture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WhenTaken {
    /// It closes.
    #[default]
    CloseWindow,
    /// It stays open.
    StayOpen,
}

/// A device that plays tones.
#[derive(Clone)]
pub struct SpeakerDoor(pub Arc<dyn Speaker>);

impl std::fmt::Debug for SpeakerDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SpeakerDoor")
    }
}

/// Opens a session for training; called when training is asked for in the window.
#[derive(Clone)]
pub struct TrainingDoor(pub Arc<dyn Fn() -> Result<Arc<dyn Session>, String> + Send + Sync>);

impl std::fmt::Debug for TrainingDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrainingDoor")
    }
}

/// A picture of the window, asked for by a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenshotRequest {
    /// After so many different frames were shown.
    pub after_frames: u32,
    /// The PNG file to write.
    pub path: PathBuf,
    /// What then happens to the window.
    pub when_taken: WhenTaken,
}

/// How the window is opened.
#[derive(Clone, Debug, Default)]
pub struct ViewOptions {
    /// Size of the window in points; 1280 x 800 when not given.
    pub size: Option<[f32; 2]>,
    /// Whether the start notice has to be acknowledged.
    pub notice: Notice,
    /// What is shown first.
    pub first_sheet: FirstSheet,
    /// Whether the numbers of the frames on the screen stand in its top left corner as a code for a grabber.
    pub latency_code: bool,
    /// The window closes once this is set: the program was asked to end from outside.
    pub stop: Option<Arc<AtomicBool>>,
    /// A picture of the window to be taken.
    pub screenshot: Option<ScreenshotRequest>,
    /// What a script asks of the session, each after so many different frames were shown.
    pub staging: Vec<(u32, Command)>,
    /// What is remembered, and where; `None` remembers nothing.
    pub settings: Option<Arc<SettingsKeeper>>,
    /// Where tones are heard; `None` plays none.
    pub speaker: Option<SpeakerDoor>,
    /// The way to training; `None` where there is none.
    pub training: Option<TrainingDoor>,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// No desktop can be reached from here.
    #[error("no window could be opened: this machine has no display")]
    NoDisplay,
    /// The window system refused, or its OpenGL is not there.
    #[error("no window could be opened: {reason}")]
    NoWindow {
        /// What the window system said.
        reason: String,
    },
}

impl Problem for ViewError {
    fn hint(&self) -> Option<String> {
        Some(say("view-no-window-hint"))
    }
}

/// Opens the window and shows `session` until it is closed.
pub fn run(session: Arc<dyn Session>, options: ViewOptions) -> Result<(), ViewError> {
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title(say("app-name"))
            .with_app_id("portsight")
            .with_inner_size(options.size.unwrap_or(LEAST_SIZE))
            .with_min_inner_size(LEAST_SIZE),
        renderer: eframe::Renderer::Glow,
        // Grey values on the screen stay exact, and the same on every machine.
        dithering: false,
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "portsight",
        native,
        Box::new(move |creation| {
            let app = GuidanceApp::new(&creation.egui_ctx, session, &options);
            Ok(Box::new(app))
        }),
    )
    .map_err(|problem| {
        if matches!(problem, eframe::Error::WinitEventLoop(_)) {
            ViewError::NoDisplay
        } else {
            ViewError::NoWindow {
                reason: problem.to_string(),
            }
        }
    })
}
