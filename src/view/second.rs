//! A second window for a second screen: the same picture with the same marks and the same line, and nothing to press.
use egui::{CentralPanel, Context, Frame, Margin, Panel, ViewportBuilder, ViewportId};

use super::canvas::Canvas;
use super::panels;
use super::scene::{Actions, Scene};
use super::theme;
use crate::words::say;

/// Its size when it is opened.
const SIZE: [f32; 2] = [1280.0, 800.0];
/// Height of the one line.
const LINE: f32 = 80.0;

/// The second window and its own copy of the picture.
#[derive(Default)]
pub(super) struct SecondWindow {
    canvas: Canvas,
}

impl SecondWindow {
    /// Draws it; returns whether the window system was asked to close it.
    pub(super) fn ui(&mut self, context: &Context, scene: &Scene<'_>) -> bool {
        let builder = ViewportBuilder::default()
            .with_title(say("view-second-title"))
            .with_inner_size(SIZE);
        let id = ViewportId::from_hash_of("second window");
        context.show_viewport_immediate(id, builder, |ui, _| {
            // Whatever is asked for here is not done: it has no controls.
            let mut unheard = Actions::default();
            let bar = Frame::new()
                .fill(theme::PANEL)
                .inner_margin(Margin::symmetric(14, 0));
            Panel::bottom("second headline")
                .exact_size(LINE)
                .resizable(false)
                .show_separator_line(false)
                .frame(bar)
                .show(ui, |ui| panels::headline_bar(ui, scene));
            CentralPanel::no_frame().show(ui, |ui| self.canvas.ui(ui, scene, &mut unheard));
            ui.ctx().input(|input| input.viewport().close_requested())
        })
    }
}
