//! Stored numbers to 8-bit grey, by one rule for a whole sequence, and to echo amplitude.
use super::description::{ByteOrder, Description, Element, ImageType};

/// How the numbers of a sequence become grey values from 0 to 255.
///
/// 8-bit numbers stay. 16-bit numbers stay too when all of the sequence lie within 0 to 255; otherwise the least of
/// the sequence becomes 0 and the greatest 255, linearly, rounded. Three channels become their luminance (ITU-R
/// BT.709 weights). One rule a sequence, so that brightness does not jump from frame to frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrayRule {
    /// Numbers are grey values already.
    Keep,
    /// `least` becomes 0, `most` becomes 255.
    Stretch {
        /// Least number of the sequence.
        least: i32,
        /// Greatest number of the sequence.
        most: i32,
    },
    /// Red, green and blue become luminance.
    Luminance,
}

/// The range of numbers met so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    least: i32,
    most: i32,
}

impl Range {
    pub(super) const NONE: Self = Self {
        least: i32::MAX,
        most: i32::MIN,
    };

    /// Takes the numbers of one stored frame into account.
    pub(super) fn meet(self, stored: &[u8], description: &Description) -> Self {
        numbers(stored, description).fold(self, |range, number| Self {
            least: range.least.min(number),
            most: range.most.max(number),
        })
    }

    pub(super) fn rule(self) -> GrayRule {
        if self.least >= 0 && self.most <= 255 {
            GrayRule::Keep
        } else {
            GrayRule::Stretch {
                least: self.least,
                most: self.most,
            }
        }
    }
}

/// Whether a rule can be named without reading the pixels.
pub(super) fn rule_from_header(description: &Description) -> Option<GrayRule> {
    match (description.channels, description.element) {
        (1, Element::U8) => Some(GrayRule::Keep),
        (1, Element::U16 | Element::I16) => None,
        _ => Some(GrayRule::Luminance),
    }
}

/// Writes the grey values of one stored frame, in stored order.
pub(super) fn to_gray(
    stored: &[u8],
    description: &Description,
    rule: GrayRule,
    gray: &mut Vec<u8>,
) {
    gray.clear();
    match rule {
        GrayRule::Luminance => {
            let (pixels, _) = stored.as_chunks::<3>();
            gray.extend(pixels.iter().map(|&[r, g, b]| luminance(r, g, b)));
        }
        GrayRule::Keep => {
            gray.extend(numbers(stored, description).map(|n| n.clamp(0, 255) as u8));
        }
        GrayRule::Stretch { least, most } => {
            let span = (most - least).max(1);
            gray.extend(numbers(stored, description).map(|n| {
                let above = (n - least).clamp(0, span);
                ((above * 255 + span / 2) / span) as u8
            }));
        }
    }
}

/// ITU-R BT.709 luminance in whole numbers, so that it is the same on every machine.
pub(super) fn luminance(r: u8, g: u8, b: u8) -> u8 {
    ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) + 5000) / 10_000) as u8
}

/// Writes the echo amplitude of one stored frame of I and Q samples, line by line in stored order.
pub(super) fn to_amplitude(stored: &[u8], description: &Description, amplitude: &mut Vec<u16>) {
    amplitude.clear();
    let samples: Vec<i32> = numbers(stored, description).collect();
    // A square root is the same on every machine, `hypot` is not; the squares are exact.
    let length = |(i, q): (i32, i32)| {
        let (i, q) = (f64::from(i), f64::from(q));
        (i * i + q * q).sqrt().round() as u16
    };
    if description.image_type == ImageType::RfILineQLine {
        let columns = description.columns.max(1);
        for pair in samples.chunks_exact(2 * columns) {
            let (i_line, q_line) = pair.split_at(columns);
            let both = i_line.iter().copied().zip(q_line.iter().copied());
            amplitude.extend(both.map(length));
        }
    } else {
        let (pairs, _) = samples.as_chunks::<2>();
        amplitude.extend(pairs.iter().map(|&[i, q]| length((i, q))));
    }
}

fn numbers<'a>(stored: &'a [u8], description: &Description) -> Box<dyn Iterator<Item = i32> + 'a> {
    let big = description.byte_order == ByteOrder::BigEndian;
    let (pairs, _) = stored.as_chunks::<2>();
    match description.element {
        Element::U8 => Box::new(stored.iter().map(|&n| i32::from(n))),
        Element::U16 => Box::new(pairs.iter().map(move |&pair| {
            i32::from(if big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            })
        })),
        Element::I16 => Box::new(pairs.iter().map(move |&pair| {
            i32::from(if big {
                i16::from_be_bytes(pair)
            } else {
                i16::from_le_bytes(pair)
            })
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_keeps_grey_and_weighs_colours() {
        for gray in 0..=255 {
            assert_eq!(luminance(gray, gray, gray), gray);
        }
        assert!(luminance(0, 255, 0) > luminance(255, 0, 0));
        assert!(luminance(255, 0, 0) > luminance(0, 0, 255));
    }

    #[test]
    fn a_sequence_of_one_value_is_stretched_without_dividing_by_zero() {
        let flat = Range {
            least: 900,
            most: 900,
        };
        assert_eq!(
            flat.rule(),
            GrayRule::Stretch {
                least: 900,
                most: 900
            }
        );
        assert_eq!(
            Range {
                least: 0,
                most: 255
            }
            .rule(),
            GrayRule::Keep
        );
        assert_eq!(
            Range { least: -1, most: 9 }.rule(),
            GrayRule::Stretch { least: -1, most: 9 }
        );
    }
}
