//! What scripts ask of the window: a picture of itself after so many frames, and a code on the screen by which a
//! grabber can tell which frame it sees.
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use egui::{ColorImage, LayerId, Order, Rect, Ui, ViewportCommand, pos2, vec2};

use super::canvas::Painted;
use super::theme;
use super::{ScreenshotRequest, ViewOptions, WhenTaken};
use crate::engine::Command;
use crate::frame::FrameId;

/// Repaints with marks in a row before a picture of the window is taken, and frames to wait for them at most.
const CALM_FRAMES: u32 = 14;
const WAITED_FRAMES: u32 = 400;

/// Edge of one cell of the latency code, in pixels of the screen.
const CELL_PIXELS: f32 = 8.0;
/// How often the window looks whether the program was asked to end.
const END_LOOKED_FOR_EVERY: Duration = Duration::from_millis(500);
/// Bits of the frame number in the latency code.
const BITS: u32 = 16;

/// What is left to be done for a script.
pub(super) struct Script {
    screenshot: Option<ScreenshotRequest>,
    /// Frames after which the picture of the window was wished for.
    wished_at: u32,
    /// Repaints in a row that had marks.
    marked_in_a_row: u32,
    frames_left: u32,
    last: Option<FrameId>,
    frames_shown: u32,
    staging: VecDeque<(u32, Command)>,
    latency_code: bool,
    stop: Option<Arc<AtomicBool>>,
}

impl Script {
    /// The wishes of `options`.
    pub(super) fn new(options: &ViewOptions) -> Self {
        let screenshot = options.screenshot.clone();
        Self {
            frames_left: screenshot.as_ref().map_or(0, |wish| wish.after_frames),
            wished_at: screenshot.as_ref().map_or(0, |wish| wish.after_frames),
            marked_in_a_row: 0,
            screenshot,
            last: None,
            frames_shown: 0,
            staging: options.staging.iter().cloned().collect(),
            latency_code: options.latency_code,
            stop: options.stop.clone(),
        }
    }

    /// Closes the window when the program was asked to end from outside.
    pub(super) fn look_for_end(&self, context: &egui::Context) {
        if let Some(stop) = &self.stop {
            if stop.load(Ordering::Acquire) {
                context.send_viewport_cmd(ViewportCommand::Close);
            }
            // A signal wakes nobody.
            context.request_repaint_after(END_LOOKED_FOR_EVERY);
        }
    }

    /// What a script asks of the session by now.
    pub(super) fn due(&mut self) -> Vec<Command> {
        let mut due = Vec::new();
        while let Some((_, command)) = self
            .staging
            .pop_front_if(|(after, _)| *after <= self.frames_shown)
        {
            due.push(command);
        }
        due
    }

    /// Does what is due once everything is painted.
    pub(super) fn after_painting(&mut self, ui: &Ui, painted: Option<Painted>) {
        if self.latency_code {
            paint_code(ui, painted);
        }
        let frame = painted.map(|p| p.frame);
        if frame.is_some() && frame != self.last {
            self.last = frame;
            self.frames_left = self.frames_left.saturating_sub(1);
            self.frames_shown += 1;
        }
        let has_marks = painted.is_some_and(|p| p.marks.is_some());
        if has_marks {
            self.marked_in_a_row = self.marked_in_a_row.saturating_add(1);
        } else {
            self.marked_in_a_row = 0;
        }
        // A busy machine shows pictures before their marks: wait for a calm moment, but not for ever.
        let is_calm = self.marked_in_a_row >= CALM_FRAMES;
        let has_waited = self.frames_shown >= self.wished_at.saturating_add(WAITED_FRAMES);
        if self.frames_left == 0
            && frame.is_some()
            && (is_calm || has_waited)
            && let Some(wish) = self.screenshot.take()
        {
            take(ui.ctx(), wish);
        }
        if self.frames_left == 0 && self.screenshot.is_some() {
            // A picture that stands still would not be painted again by itself.
            ui.ctx().request_repaint();
        }
    }
}

fn take(context: &egui::Context, wish: ScreenshotRequest) {
    let window = context.clone();
    context.request_screenshot(move |image| {
        // The script that asked looks for the file; there is nobody else to tell.
        if let Err(problem) = save(&image, &wish.path) {
            eprintln_problem(&wish.path, &problem);
        }
        if wish.when_taken == WhenTaken::CloseWindow {
            window.send_viewport_cmd(ViewportCommand::Close);
            window.request_repaint();
        }
    });
}

#[expect(
    clippy::print_stderr,
    reason = "a script that asked for a file reads this"
)]
fn eprintln_problem(path: &std::path::Path, problem: &::image::ImageError) {
    eprintln!("screenshot was not saved: {problem}: {}", path.display());
}

fn save(image: &Arc<ColorImage>, path: &PathBuf) -> Result<(), ::image::ImageError> {
    let [width, height] = image.size.map(|side| u32::try_from(side).unwrap_or(0));
    let bytes: Vec<u8> = image
        .pixels
        .iter()
        .flat_map(|pixel| {
            let [r, g, b, _] = pixel.to_array();
            [r, g, b]
        })
        .collect();
    ::image::save_buffer(
        path,
        &bytes,
        width,
        height,
        ::image::ExtendedColorType::Rgb8,
    )
}

/// The frame numbers as black and white cells in the window's top left corner: the upper row is the picture's, the
/// lower one that of its marks (all black without marks). Each row is one white cell, one black cell, and the lowest
/// [`BITS`] bits of the number in Gray code, highest bit first.
fn paint_code(ui: &Ui, painted: Option<Painted>) {
    let Some(painted) = painted else { return };
    let cell = CELL_PIXELS / ui.ctx().pixels_per_point();
    let painter = ui
        .ctx()
        .layer_painter(LayerId::new(Order::Foreground, egui::Id::unique("latency")));
    let rows = [Some(painted.frame), painted.marks];
    for (row, frame) in rows.into_iter().enumerate() {
        for (column, lit) in code_cells(frame).into_iter().enumerate() {
            let least = pos2(column as f32 * cell, row as f32 * cell);
            let rect = Rect::from_min_size(least, vec2(cell, cell));
            let color = if lit {
                theme::CODE_LIT
            } else {
                theme::CODE_DARK
            };
            painter.rect_filled(rect, 0.0, color);
        }
    }
}

/// The cells of one row.
fn code_cells(frame: Option<FrameId>) -> Vec<bool> {
    let mut cells = vec![frame.is_some(), false];
    let number = frame.map_or(0, |frame| frame.0);
    let gray = number ^ (number >> 1);
    for bit in (0..BITS).rev() {
        cells.push(frame.is_some() && (gray >> bit) & 1 == 1);
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(cells: &[bool]) -> u64 {
        let mut number = 0;
        let mut bit = false;
        for cell in &cells[2..] {
            bit ^= *cell;
            number = number * 2 + u64::from(bit);
        }
        number
    }

    #[test]
    fn the_latency_code_is_read_back_and_neighbours_differ_in_one_cell() {
        for number in [0, 1, 2, 255, 256, 4711, 65_534] {
            let now = code_cells(Some(FrameId(number)));
            let next = code_cells(Some(FrameId(number + 1)));
            assert_eq!(decode(&now), number);
            assert_eq!(decode(&next), number + 1);
            let different = now.iter().zip(&next).filter(|(a, b)| a != b).count();
            assert_eq!(different, 1);
        }
        assert!(code_cells(None).iter().all(|cell| !cell));
    }
}
