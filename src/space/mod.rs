//! Units and coordinate spaces. A point carries its space, so that a pixel cannot be planned with.
//!
//! | Space | Unit | Origin | x | z |
//! |---|---|---|---|---|
//! | [`Scan`] | mm | middle of the probe face | toward the marked side (`MF`) | away from the probe |
//! | [`Pixel`] | px | centre of the top-left pixel of a [`crate::image::ScanImage`] | column | row |
//! | [`Stored`] | mm, or px without a scale | as the stored file says | column direction as stored | row direction as stored |
//!
//! Screen coordinates belong to the view alone; mirroring for display happens only there.
use std::marker::PhantomData;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);
        impl std::ops::Add for $name { type Output = Self; fn add(self, other: Self) -> Self { Self(self.0 + other.0) } }
        impl std::ops::Sub for $name { type Output = Self; fn sub(self, other: Self) -> Self { Self(self.0 - other.0) } }
        impl std::ops::Neg for $name { type Output = Self; fn neg(self) -> Self { Self(-self.0) } }
        impl std::ops::Mul<f64> for $name { type Output = Self; fn mul(self, by: f64) -> Self { Self(self.0 * by) } }
        impl std::ops::Div<f64> for $name { type Output = Self; fn div(self, by: f64) -> Self { Self(self.0 / by) } }
        impl $name {
            /// The absolute value.
            pub fn abs(self) -> Self { Self(self.0.abs()) }
            /// The smaller of two.
            pub fn min(self, other: Self) -> Self { Self(self.0.min(other.0)) }
            /// The larger of two.
            pub fn max(self, other: Self) -> Self { Self(self.0.max(other.0)) }
        }
    };
}

unit!(
    /// A length in millimetres.
    Millimeters
);
unit!(
    /// An angle in radians; shown in degrees, kept in radians.
    Radians
);
unit!(
    /// A volume in millilitres.
    Milliliters
);

impl Radians {
    /// From degrees.
    pub fn from_degrees(degrees: f64) -> Self {
        Self(degrees.to_radians())
    }
    /// In degrees.
    pub fn degrees(self) -> f64 {
        self.0.to_degrees()
    }
}

/// Millimetres seen from the middle of the probe face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {}
/// Pixels of a formed picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixel {}
/// Coordinates of a picture as it is stored in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {}

/// A point of a named space.
#[derive(Debug)]
pub struct Point<S> {
    /// Lateral coordinate.
    pub x: f64,
    /// Axial coordinate (depth, or row).
    pub z: f64,
    space: PhantomData<fn() -> S>,
}

impl<S> Clone for Point<S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Point<S> {}
impl<S> PartialEq for Point<S> {
    fn eq(&self, other: &Self) -> bool {
        self.x == other.x && self.z == other.z
    }
}

/// A point in millimetres.
pub type ScanPoint = Point<Scan>;
/// A point in pixels of a formed picture.
pub type PixelPoint = Point<Pixel>;
/// A point in the coordinates of the stored picture.
pub type StoredPoint = Point<Stored>;

impl<S> Point<S> {
    /// A point at (`x`, `z`).
    pub fn new(x: f64, z: f64) -> Self {
        Self {
            x,
            z,
            space: PhantomData,
        }
    }

    /// Euclidean distance, in the unit of the space.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.z - other.z)
    }

    /// The point `t` of the way from `self` to `other` (0 is `self`, 1 is `other`).
    pub fn toward(self, other: Self, t: f64) -> Self {
        Self::new(
            self.x + (other.x - self.x) * t,
            self.z + (other.z - self.z) * t,
        )
    }

    /// The point `along` the direction `angle` against the x axis (positive when larger x is deeper).
    pub fn along(self, angle: Radians, distance: f64) -> Self {
        Self::new(
            self.x + angle.0.cos() * distance,
            self.z + angle.0.sin() * distance,
        )
    }

    /// Whether both coordinates are finite numbers.
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.z.is_finite()
    }
}

/// A straight piece between two points of one space; `left` has the smaller x.
#[derive(Debug)]
pub struct Segment<S> {
    /// The end with the smaller x.
    pub left: Point<S>,
    /// The end with the larger x.
    pub right: Point<S>,
}

impl<S> Clone for Segment<S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Segment<S> {}
impl<S> PartialEq for Segment<S> {
    fn eq(&self, other: &Self) -> bool {
        self.left == other.left && self.right == other.right
    }
}

impl<S> Segment<S> {
    /// A segment between two points, in either order.
    pub fn new(a: Point<S>, b: Point<S>) -> Self {
        if a.x <= b.x {
            Self { left: a, right: b }
        } else {
            Self { left: b, right: a }
        }
    }

    /// Length in the unit of the space.
    pub fn length(self) -> f64 {
        self.left.distance(self.right)
    }

    /// Angle against the x axis, positive when the right end is deeper.
    pub fn tilt(self) -> Radians {
        Radians((self.right.z - self.left.z).atan2(self.right.x - self.left.x))
    }

    /// Depth of the (extended) line at lateral position `x`.
    pub fn z_at(self, x: f64) -> f64 {
        let run = self.right.x - self.left.x;
        if run.abs() < 1e-12 {
            return self.left.z;
        }
        self.left.z + (self.right.z - self.left.z) * (x - self.left.x) / run
    }
}

/// A scale and shift per axis between two spaces; named destination first where it is used.
#[derive(Debug)]
pub struct Affine<From, To> {
    scale: [f64; 2],
    shift: [f64; 2],
    spaces: PhantomData<fn(From) -> To>,
}

impl<From, To> Clone for Affine<From, To> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<From, To> Copy for Affine<From, To> {}
impl<From, To> PartialEq for Affine<From, To> {
    fn eq(&self, other: &Self) -> bool {
        self.scale == other.scale && self.shift == other.shift
    }
}

impl<From, To> Affine<From, To> {
    /// `to = from * scale + shift`; `None` for a scale that cannot be undone.
    pub fn new(scale: [f64; 2], shift: [f64; 2]) -> Option<Self> {
        let sound = scale.iter().all(|s| s.is_finite() && s.abs() > 1e-12)
            && shift.iter().all(|s| s.is_finite());
        sound.then_some(Self {
            scale,
            shift,
            spaces: PhantomData,
        })
    }

    /// Maps a point.
    pub fn apply(&self, point: Point<From>) -> Point<To> {
        let [sx, sz] = self.scale;
        let [tx, tz] = self.shift;
        Point::new(point.x * sx + tx, point.z * sz + tz)
    }

    /// Maps a segment; the ends are put in order again.
    pub fn apply_segment(&self, segment: Segment<From>) -> Segment<To> {
        Segment::new(self.apply(segment.left), self.apply(segment.right))
    }

    /// The way back.
    pub fn inverse(&self) -> Affine<To, From> {
        let [sx, sz] = self.scale;
        let [tx, tz] = self.shift;
        Affine {
            scale: [1.0 / sx, 1.0 / sz],
            shift: [-tx / sx, -tz / sz],
            spaces: PhantomData,
        }
    }

    /// Scale per axis.
    pub fn scale(&self) -> [f64; 2] {
        self.scale
    }

    /// Shift per axis, in the destination's unit.
    pub fn shift(&self) -> [f64; 2] {
        self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affine_map_and_its_inverse_cancel() {
        let map = Affine::<Pixel, Scan>::new([0.15, -0.2], [-20.0, 3.0]).expect("sound");
        let point = PixelPoint::new(17.0, 211.5);
        let back = map.inverse().apply(map.apply(point));
        assert!(back.distance(point) < 1e-9);
        assert!(Affine::<Pixel, Scan>::new([0.0, 1.0], [0.0, 0.0]).is_none());
        assert!(Affine::<Pixel, Scan>::new([f64::NAN, 1.0], [0.0, 0.0]).is_none());
    }

    #[test]
    fn tilt_is_positive_when_the_right_end_is_deeper() {
        let segment = Segment::new(ScanPoint::new(10.0, 12.0), ScanPoint::new(0.0, 10.0));
        assert!(segment.tilt().degrees() > 0.0);
        assert!((segment.z_at(5.0) - 11.0).abs() < 1e-12);
    }
}
