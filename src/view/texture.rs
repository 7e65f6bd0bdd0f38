//! The picture as a texture, made anew only when the frame or the grey map has changed.
use egui::{ColorImage, TextureHandle, TextureOptions};

use super::theme;
use crate::frame::{FrameId, GrayMap};
use crate::image::ScanImage;

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

/// Grey on the screen for every brightness of a picture.
fn display_table(gray_map: GrayMap) -> [u8; 256] {
    let bend = match gray_map {
        GrayMap::Linear => 1.0,
        GrayMap::Contrast => 1.5,
        GrayMap::Soft => 0.7,
    };
    std::array::from_fn(|value| {
        let bright = (value as f64 / 255.0).powf(bend);
        (bright * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grey_map_keeps_black_white_and_order() {
        for map in [GrayMap::Linear, GrayMap::Contrast, GrayMap::Soft] {
            let table = display_table(map);
            assert_eq!((table[0], table[255]), (0, 255));
            assert!(table.windows(2).all(|pair| pair[0] <= pair[1]));
        }
        assert!(display_table(GrayMap::Contrast)[128] < 128);
        assert!(display_table(GrayMap::Soft)[128] > 128);
    }
}
