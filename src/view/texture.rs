//! The picture as a texture, made anew only when the frame or the grey map has changed.
use egui::{ColorImage, TextureHandle, TextureOptions};

use super::theme;
use crate::frame::{FrameId, GrayMap};
use crate::image::{ScanImage, display_table};

/// What a texture was made from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Made {
    frame: FrameId,
    gray_map: GrayMap,
    /// Tells two sources apart that use the same numbers.
    pixels: usize,
}

/// The texture of the picture on the screen.
#[derive(Default)]
pub(super) struct PictureTexture {
    handle: Option<TextureHandle>,
    made: Option<Made>,
}

impl PictureTexture {
    /// The texture of a picture.
    pub(super) fn of(
        &mut self,
        context: &egui::Context,
        image: &ScanImage,
        gray_map: GrayMap,
    ) -> Option<egui::TextureId> {
        let wanted = Made {
            frame: image.frame,
            gray_map,
            pixels: image.pixels.as_ptr().addr(),
        };
        if self.made != Some(wanted) {
            let colored = colored(image, gray_map)?;
            if let Some(handle) = &mut self.handle {
                handle.set(colored, TextureOptions::LINEAR);
            } else {
                let fresh = context.load_texture("scan", colored, TextureOptions::LINEAR);
                self.handle = Some(fresh);
            }
            self.made = Some(wanted);
        }
        self.handle.as_ref().map(TextureHandle::id)
    }
}

/// The picture in shades of grey; `None` when it does not hold the pixels it promises.
fn colored(image: &ScanImage, gray_map: GrayMap) -> Option<ColorImage> {
    let size = [image.columns, image.rows];
    if image.columns.checked_mul(image.rows)? != image.pixels.len() || image.pixels.is_empty() {
        return None;
    }
    let shades = display_table(gray_map).map(theme::gray);
    let pixels = image
        .pixels
        .iter()
        .filter_map(|value| shades.get(usize::from(*value)).copied())
        .collect();
    Some(ColorImage::new(size, pixels))
}
