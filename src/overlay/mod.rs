//! Marks over the picture, as data: meaning first, looks later. Marks are in the picture's own unit, so the same
//! marks serve the screen, the snapshot and the export.

mod burn_in;
mod canvas;
mod marking;
mod ruler;

pub use burn_in::{Caption, burn_in};
pub use marking::marks;
pub use ruler::{DepthRuler, Tick, ruler};

use crate::frame::FrameId;
use crate::space::ScanPoint;

/// What a mark means; colour and shape come from the theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Look {
    /// Something seen in the picture.
    Seen,
    /// Something suggested to the operator.
    Suggested,
    /// Something placed by the operator.
    Placed,
    /// Something to beware of.
    Warning,
    /// Something remembered, not seen now.
    Held,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stroke {
    /// Continuous.
    Solid,
    /// Dashed.
    Dashed,
    /// Continuous, but thin and half transparent: an edge that must not hide what lies under it.
    Faint,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line.
    Line {
        /// One end.
        from: ScanPoint,
        /// The other end.
        to: ScanPoint,
        /// Its meaning.
        look: Look,
        /// How it is drawn.
        stroke: Stroke,
    },
    /// A ring.
    Ring {
        /// Its centre.
        center: ScanPoint,
        /// Its radius in the picture's unit.
        radius: f64,
        /// Its meaning.
        look: Look,
    },
    /// Words beside a point.
    Label {
        /// The point they belong to; words stand to its right.
        at: ScanPoint,
        /// The words, already in the user's language.
        text: String,
        /// Their meaning.
        look: Look,
    },
}

/// The marks of one frame.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Marks {
    /// The frame they were read from (H02).
    pub frame: FrameId,
    /// The marks, in drawing order.
    pub marks: Vec<Mark>,
}

/// Whether marks may be drawn over the picture of a frame: over their own and no other (H02).
pub fn may_draw(marks: &Marks, picture_frame: FrameId) -> bool {
    marks.frame == picture_frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_drawn_over_their_own_frame_only() {
        let marks = Marks {
            frame: FrameId(41),
            marks: Vec::new(),
        };
        assert!(may_draw(&marks, FrameId(41)));
        assert!(!may_draw(&marks, FrameId(42)));
        assert!(!may_draw(&marks, FrameId(40)));
    }
}
