//! Where the picture stands on the screen: square pixels always (H06), and the only place where left and right may
//! change places.
use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::scene::{Mirror, Zoom};
use crate::image::ScanImage;
use crate::space::{PixelPoint, ScanPoint};

/// The way from the picture to the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    /// Where the whole picture stands, which may reach beyond the window when magnified.
    pub(super) whole: Rect,
    /// The part of it that is seen.
    pub(super) seen: Rect,
    /// Points of the screen for one pixel of the picture.
    pub(super) scale: f32,
    mirror: Mirror,
}

impl Placement {
    /// The largest upright picture of `columns` x `rows` square pixels that fits into `room`, magnified as asked.
    pub(super) fn fit(room: Rect, columns: usize, rows: usize, zoom: Zoom, mirror: Mirror) -> Self {
        let size = vec2(columns.max(1) as f32, rows.max(1) as f32);
        let fitted = (room.width() / size.x).min(room.height() / size.y);
        let scale = (fitted * zoom.factor).max(1e-3);
        let middle = match mirror {
            Mirror::Off => zoom.center,
            Mirror::On => vec2(1.0 - zoom.center.x, zoom.center.y),
        };
        let whole_size = size * scale;
        let mut least = room.center() - whole_size * middle;
        // A side that fits stands in the middle of the room, wherever the magnified part lies.
        if whole_size.x <= room.width() {
            least.x = room.center().x - whole_size.x / 2.0;
        }
        if whole_size.y <= room.height() {
            least.y = room.center().y - whole_size.y / 2.0;
        }
        let whole = Rect::from_min_size(least, whole_size);
        Self {
            whole,
            seen: whole.intersect(room),
            scale,
            mirror,
        }
    }

    /// The texture coordinates that go with [`Self::whole`].
    pub(super) fn texture_window(&self) -> Rect {
        match self.mirror {
            Mirror::Off => Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)),
            Mirror::On => Rect::from_min_max(pos2(1.0, 0.0), pos2(0.0, 1.0)),
        }
    }

    /// Where a pixel of the picture stands; pixel (0, 0) is the middle of the first one.
    pub(super) fn screen_of_pixel(&self, pixel: PixelPoint) -> Pos2 {
        let along = (pixel.x as f32 + 0.5) * self.scale;
        let x = match self.mirror {
            Mirror::Off => self.whole.left() + along,
            Mirror::On => self.whole.right() - along,
        };
        pos2(x, self.whole.top() + (pixel.z as f32 + 0.5) * self.scale)
    }

    /// Where a point of the picture's own space stands.
    pub(super) fn screen_of(&self, image: &ScanImage, point: ScanPoint) -> Pos2 {
        self.screen_of_pixel(image.pixel_of(point))
    }

    /// The share of the picture's sides at which a place of the screen lies.
    pub(super) fn share_at(&self, place: Pos2) -> Vec2 {
        let share = (place - self.whole.min) / self.whole.size();
        match self.mirror {
            Mirror::Off => share,
            Mirror::On => vec2(1.0 - share.x, share.y),
        }
    }

    /// The point of the picture's own space under a place of the screen.
    pub(super) fn point_at(&self, image: &ScanImage, place: Pos2) -> ScanPoint {
        let share = self.share_at(place);
        image.point_of(PixelPoint::new(
            f64::from(share.x) * image.columns as f64 - 0.5,
            f64::from(share.y) * image.rows as f64 - 0.5,
        ))
    }

    /// The share of the picture's sides that a movement on the screen covers.
    pub(super) fn share_of(&self, movement: Vec2) -> Vec2 {
        let share = movement / self.whole.size();
        match self.mirror {
            Mirror::Off => share,
            Mirror::On => vec2(-share.x, share.y),
        }
    }

    /// Points of the screen for a length in the picture's own unit.
    pub(super) fn length(&self, image: &ScanImage, length: f64) -> f32 {
        (length / image.pitch.max(1e-9)) as f32 * self.scale
    }

    /// Whether the marked side is on the right of the screen.
    pub(super) fn marked_side_is_right(&self) -> bool {
        self.mirror == Mirror::Off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Rect = Rect {
        min: Pos2::new(10.0, 20.0),
        max: Pos2::new(910.0, 620.0),
    };

    fn place(zoom: Zoom, mirror: Mirror) -> Placement {
        Placement::fit(ROOM, 400, 800, zoom, mirror)
    }

    #[test]
    fn pixels_stay_square_in_a_room_of_any_shape() {
        for (width, height) in [(900.0, 100.0), (80.0, 900.0), (640.0, 640.0)] {
            let room = Rect::from_min_size(pos2(3.0, 4.0), vec2(width, height));
            let p = Placement::fit(room, 300, 500, Zoom::default(), Mirror::Off);
            assert!((p.whole.width() / 300.0 - p.whole.height() / 500.0).abs() < 1e-4);
            assert!(room.expand(1e-3).contains_rect(p.whole));
        }
    }

    #[test]
    fn a_mirrored_picture_changes_left_and_right_and_nothing_else() {
        let plain = place(Zoom::default(), Mirror::Off);
        let mirrored = place(Zoom::default(), Mirror::On);
        let point = PixelPoint::new(30.0, 700.0);
        let (a, b) = (
            plain.screen_of_pixel(point),
            mirrored.screen_of_pixel(point),
        );
        assert!((a.y - b.y).abs() < 1e-4);
        let middle = ROOM.center().x;
        assert!(((a.x - middle) + (b.x - middle)).abs() < 1e-3);
    }

    #[test]
    fn a_place_on_the_screen_and_its_share_of_the_picture_agree() {
        let zoom = Zoom::default().by(3.0, vec2(0.7, 0.3));
        for mirror in [Mirror::Off, Mirror::On] {
            let p = place(zoom, mirror);
            let at = p.screen_of_pixel(PixelPoint::new(99.5, 199.5));
            let share = p.share_at(at);
            assert!((share - vec2(0.25, 0.25)).length() < 1e-4, "{share:?}");
        }
    }
}
