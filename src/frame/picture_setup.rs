//! What the user says of a grabbed picture: where the scan lies in it, and how large a pixel is.
use super::{Orientation, PixelSpacing};

/// A rectangle of a stored picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PixelRect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl PixelRect {
    /// The rectangle, if it is not empty and lies within `columns` x `rows`.
    pub fn within(self, columns: u32, rows: u32) -> Option<Self> {
        let right = self.x.checked_add(self.width)?;
        let bottom = self.y.checked_add(self.height)?;
        (self.width > 0 && self.height > 0 && right <= columns && bottom <= rows).then_some(self)
    }
}

/// Crop, scale and orientation of a grabbed picture, valid for one device, mode and depth setting of the scanner.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PictureSetup {
    /// The scanner's depth setting, in the user's words ("8 cm"): part of what the setup is saved under.
    pub depth_setting: String,
    /// The part of the picture that holds the scan; `None` for all of it.
    pub crop: Option<PixelRect>,
    /// Pixel size; `None` means the scale is unknown.
    pub spacing: Option<PixelSpacing>,
    /// How the scanner stores its picture.
    pub orientation: Orientation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_must_lie_in_the_picture() {
        let rect = |x, y, width, height| PixelRect {
            x,
            y,
            width,
            height,
        };
        assert!(rect(0, 0, 640, 480).within(640, 480).is_some());
        for bad in [
            rect(1, 0, 640, 480),
            rect(0, 0, 0, 4),
            rect(u32::MAX, 0, 2, 2),
        ] {
            assert!(bad.within(640, 480).is_none());
        }
    }
}
