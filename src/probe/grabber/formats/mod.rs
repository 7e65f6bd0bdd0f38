//! From the bytes of one buffer to 8-bit brightness, with colour kept out. Pure: no device, no clock.
//!
//! Scanners draw echo in grey; what is coloured was drawn over it (text, rulers, needle guides, colour Doppler).
//! Coloured pixels are bridged along the row from the grey on both sides. Setting them to black would cut gaps into
//! bright lines, and a gap in a bright line is what a port looks like; bridged, graphics on black stay black and
//! graphics on echo give no edge.
use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, Limits, codecs::jpeg::JpegDecoder};

use super::device::{DeclaredRange, Granted, Mode, PixelFormat};

/// Chroma (of 0 to 255, 128 is grey) further from grey than this is colour. JPEG at the quality of grabbers moves
/// grey by up to a dozen; the palest colours that scanners draw text in stand 30 off.
const COLOUR_LEAST: i32 = 20;
/// The same as the spread of red, green and blue: 1.772 times the chroma (BT.601).
const SPREAD_LEAST: u8 = 36;
/// Pixels darker than this are not asked for their colour: chroma of black is noise.
const LIT_LEAST: u8 = 40;
/// More than this share of lit pixels in colour, and the scanner draws its echo tinted (sepia, blue): then colour
/// tells nothing. Less than the lower share, and it does again.
const TINTED_FROM: f64 = 0.5;
const TINTED_UNTIL: f64 = 0.3;
/// Brightness below or above these does not occur in limited range (16 to 235) but for noise.
const BELOW_LIMITED: u8 = 12;
const ABOVE_LIMITED: u8 = 246;
/// Share of a picture outside limited range that shows that it is full range.
const FULL_SHARE: f64 = 0.005;
/// Colour is known for pixels in pairs, and a grabber's scaler smears it: as many neighbours are taken for coloured.
const COLOUR_REACH: usize = 2;

/// Why a buffer became no picture. Each is one lost frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureProblem {
    /// A mode whose pixels cannot be found.
    #[error("{mode}: expected rows of at least {expected} bytes and even sides, got {got} bytes")]
    Layout {
        /// The mode.
        mode: String,
        /// Bytes of a row at least.
        expected: usize,
        /// Bytes from row to row, as the driver says.
        got: usize,
    },
    /// Fewer bytes than the picture has.
    #[error("expected {expected} bytes, got {got}")]
    Short {
        /// Bytes of the picture.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
    /// No whole JPEG: it does not begin or end as one.
    #[error("expected a whole JPEG, got {got} bytes that do not begin and end as one")]
    Torn {
        /// Bytes that came.
        got: usize,
    },
    /// A JPEG that cannot be read.
    #[error("the JPEG cannot be read: {cause}")]
    Jpeg {
        /// What the decoder said.
        cause: String,
    },
    /// A JPEG of another size.
    #[error("expected a JPEG of {width} x {height}, got {got_width} x {got_height}")]
    Size {
        /// Columns of the mode.
        width: u32,
        /// Rows of the mode.
        height: u32,
        /// Columns that came.
        got_width: u32,
        /// Rows that came.
        got_height: u32,
    },
}

/// Which values brightness takes, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LumaRange {
    /// 0 to 255: said by the driver, or a JPEG.
    Full,
    /// 0 to 255: values outside 16 to 235 were seen.
    FullAsSeen,
    /// 16 to 235: said by the driver.
    Limited,
    /// 16 to 235: the default of V4L2, and no value outside was seen so far.
    LimitedUntilSeen,
}

impl LumaRange {
    fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::FullAsSeen)
    }
}

/// What a decoder found out about the pictures of its stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureTraits {
    /// Values of brightness.
    pub range: LumaRange,
    /// The scanner draws echo in colour, so that graphics cannot be told from echo by colour.
    pub is_tinted: bool,
    /// Share of lit pixels of the last picture that are coloured.
    pub coloured_share: f64,
}

/// Where the pixels of a mode lie in a buffer.
#[derive(Clone, Copy, Debug)]
struct Layout {
    width: usize,
    height: usize,
    stride: usize,
    /// Bytes of a whole picture; 0 for JPEG.
    length: usize,
}

impl Layout {
    fn new(granted: &Granted) -> Result<Self, PictureProblem> {
        let Mode {
            format,
            width,
            height,
            ..
        } = granted.mode;
        let (width, height) = (width as usize, height as usize);
        let row = match format {
            PixelFormat::Yuyv => width * 2,
            PixelFormat::Nv12 | PixelFormat::Grey => width,
            PixelFormat::Mjpg => 0,
        };
        let stride = match granted.bytes_per_line as usize {
            0 => row,
            said => said,
        };
        let even = match format {
            PixelFormat::Yuyv => width.is_multiple_of(2),
            PixelFormat::Nv12 => width.is_multiple_of(2) && height.is_multiple_of(2),
            PixelFormat::Grey | PixelFormat::Mjpg => true,
        };
        let sides = 1..=SIDE_LIMIT;
        let sound = sides.contains(&width) && sides.contains(&height) && stride <= STRIDE_LIMIT;
        if !sound || !even || (stride < row) {
            return Err(PictureProblem::Layout {
                mode: granted.mode.name(),
                expected: row,
                got: stride,
            });
        }
        // Behind the last row nothing need follow.
        let rows = match format {
            PixelFormat::Nv12 => height + height / 2,
            PixelFormat::Yuyv | PixelFormat::Grey | PixelFormat::Mjpg => height,
        };
        let length = if format == PixelFormat::Mjpg {
            0
        } else {
            stride * (rows - 1) + row
        };
        Ok(Self {
            width,
            height,
            stride,
            length,
        })
    }
}

/// Largest side of a picture, pixels.
const SIDE_LIMIT: usize = 4096;
/// Largest distance from row to row, bytes.
const STRIDE_LIMIT: usize = 4 * SIDE_LIMIT;
/// The JPEG decoder may use this much memory: a picture of the largest size in colour, twice.
const JPEG_MEMORY: u64 = (SIDE_LIMIT * SIDE_LIMIT * 6) as u64;

/// Decodes the buffers of one stream. Its memory is its own and used again, but for what the JPEG decoder takes.
#[derive(Debug)]
pub struct PictureDecoder {
    mode: Mode,
    layout: Layout,
    traits: PictureTraits,
    luma: Vec<u8>,
    coloured: Vec<bool>,
    rgb: Vec<u8>,
}

impl PictureDecoder {
    /// A decoder for what the driver has granted.
    pub fn new(granted: &Granted) -> Result<Self, PictureProblem> {
        let layout = Layout::new(granted)?;
        let range = match (granted.mode.format, granted.range) {
            (PixelFormat::Mjpg, _) | (_, DeclaredRange::Full) => LumaRange::Full,
            (_, DeclaredRange::Limited) => LumaRange::Limited,
            (_, DeclaredRange::Unsaid) => LumaRange::LimitedUntilSeen,
        };
        let pixels = layout.width * layout.height;
        Ok(Self {
            mode: granted.mode,
            layout,
            traits: PictureTraits {
                range,
                is_tinted: false,
                coloured_share: 0.0,
            },
            luma: vec![0; pixels],
            coloured: vec![false; pixels],
            rgb: Vec::new(),
        })
    }

    /// What was found out so far.
    pub fn traits(&self) -> PictureTraits {
        self.traits
    }

    /// Brightness of one buffer, row by row without gaps.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<&[u8], PictureProblem> {
        if bytes.len() < self.layout.length {
            return Err(PictureProblem::Short {
                expected: self.layout.length,
                got: bytes.len(),
            });
        }
        match self.mode.format {
            PixelFormat::Yuyv => self.read_yuyv(bytes),
            PixelFormat::Nv12 => self.read_nv12(bytes),
            PixelFormat::Grey => self.read_grey(bytes),
            PixelFormat::Mjpg => self.read_jpeg(bytes)?,
        }
        self.settle_range();
        if self.mode.format != PixelFormat::Grey {
            self.settle_colour();
        }
        Ok(&self.luma)
    }

    fn read_yuyv(&mut self, bytes: &[u8]) {
        let Layout { width, stride, .. } = self.layout;
        let rows = self
            .luma
            .chunks_exact_mut(width)
            .zip(self.coloured.chunks_exact_mut(width));
        for ((luma, coloured), stored) in rows.zip(bytes.chunks(stride)) {
            let (cells, _) = stored.as_chunks::<4>();
            let pairs = luma
                .chunks_exact_mut(2)
                .zip(coloured.chunks_exact_mut(2))
                .zip(cells);
            for ((luma, coloured), &[first, u, second, v]) in pairs {
                luma.copy_from_slice(&[first, second]);
                coloured.fill(is_coloured(u, v));
            }
        }
    }

    fn read_nv12(&mut self, bytes: &[u8]) {
        let Layout {
            width,
            height,
            stride,
            ..
        } = self.layout;
        self.read_grey(bytes);
        let chroma = bytes.get(stride * height..).unwrap_or_default();
        let rows = self.coloured.chunks_exact_mut(2 * width);
        for (two_rows, stored) in rows.zip(chroma.chunks(stride)) {
            let (upper, lower) = two_rows.split_at_mut(width);
            let (cells, _) = stored.as_chunks::<2>();
            for (pair, &[u, v]) in upper.chunks_exact_mut(2).zip(cells) {
                pair.fill(is_coloured(u, v));
            }
            lower.copy_from_slice(upper);
        }
    }

    fn read_grey(&mut self, bytes: &[u8]) {
        let Layout { width, stride, .. } = self.layout;
        for (luma, stored) in self.luma.chunks_exact_mut(width).zip(bytes.chunks(stride)) {
            if let Some(row) = stored.get(..width) {
                luma.copy_from_slice(row);
            }
        }
    }

    fn read_jpeg(&mut self, bytes: &[u8]) -> Result<(), PictureProblem> {
        let whole = whole_jpeg(bytes).ok_or(PictureProblem::Torn { got: bytes.len() })?;
        let unreadable = |cause: image::ImageError| PictureProblem::Jpeg {
            cause: cause.to_string(),
        };
        let mut decoder = JpegDecoder::new(Cursor::new(whole)).map_err(unreadable)?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(JPEG_MEMORY);
        decoder.set_limits(limits).map_err(unreadable)?;
        let (got_width, got_height) = decoder.dimensions();
        let (width, height) = (self.mode.width, self.mode.height);
        if (got_width, got_height) != (width, height) {
            return Err(PictureProblem::Size {
                width,
                height,
                got_width,
                got_height,
            });
        }
        let color = decoder.color_type();
        if color == image::ColorType::L8 && decoder.total_bytes() == self.luma.len() as u64 {
            self.coloured.fill(false);
            return decoder.read_image(&mut self.luma).map_err(unreadable);
        }
        if color == image::ColorType::Rgb8 {
            self.rgb.resize(self.luma.len() * 3, 0);
            decoder.read_image(&mut self.rgb).map_err(unreadable)?;
        } else {
            // Four colours (CMYK): no grabber is known to send it.
            let picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
            self.rgb = picture.into_rgb8().into_raw();
        }
        let (pixels, _) = self.rgb.as_chunks::<3>();
        let targets = self.luma.iter_mut().zip(&mut self.coloured);
        for ((luma, coloured), &[r, g, b]) in targets.zip(pixels) {
            // BT.601, the weights of JPEG: the brightness that was stored.
            *luma =
                ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8;
            *coloured = r.max(g).max(b) - r.min(g).min(b) > SPREAD_LEAST;
        }
        Ok(())
    }

    /// Looks for values outside limited range, and spreads what is limited.
    fn settle_range(&mut self) {
        if self.traits.range == LumaRange::LimitedUntilSeen {
            let outside = |v: &&u8| **v < BELOW_LIMITED || **v >= ABOVE_LIMITED;
            let count = self.luma.iter().filter(outside).count();
            if count as f64 > FULL_SHARE * self.luma.len() as f64 {
                self.traits.range = LumaRange::FullAsSeen;
            }
        }
        if !self.traits.range.is_full() {
            for value in &mut self.luma {
                // 219 steps to 255, rounded.
                let above = u32::from(value.saturating_sub(16));
                *value = ((above * 255 + 109) / 219).min(255) as u8;
            }
        }
    }

    fn settle_colour(&mut self) {
        let (mut lit, mut lit_coloured) = (0_u32, 0_u32);
        for (value, coloured) in self.luma.iter().zip(&mut self.coloured) {
            let is_lit = *value >= LIT_LEAST;
            // Dark colours (blue text is dark) count as colour where they are bright enough to matter.
            *coloured &= *value >= LIT_LEAST / 2;
            lit += u32::from(is_lit);
            lit_coloured += u32::from(is_lit && *coloured);
        }
        let share = f64::from(lit_coloured) / f64::from(lit.max(1));
        let tinted = if self.traits.is_tinted {
            share > TINTED_UNTIL
        } else {
            share > TINTED_FROM
        };
        self.traits.is_tinted = tinted;
        self.traits.coloured_share = share;
        if tinted {
            return;
        }
        let width = self.layout.width;
        let rows = self
            .luma
            .chunks_exact_mut(width)
            .zip(self.coloured.chunks_exact(width));
        for (luma, coloured) in rows {
            bridge(luma, coloured);
        }
    }
}

fn is_coloured(u: u8, v: u8) -> bool {
    let off = |chroma: u8| (i32::from(chroma) - 128).abs();
    off(u) > COLOUR_LEAST || off(v) > COLOUR_LEAST
}

/// The part of a buffer that is one JPEG: drivers pad buffers with zeros behind its end.
fn whole_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|b| *b != 0)? + 1;
    let whole = bytes.get(..end)?;
    (whole.starts_with(&[0xff, 0xd8]) && whole.ends_with(&[0xff, 0xd9])).then_some(whole)
}

/// Replaces runs of coloured pixels, and their smeared edges, by a straight line between the grey on both sides;
/// at the edge of the picture, where there is one side only, by black.
fn bridge(luma: &mut [u8], coloured: &[bool]) {
    let mut at = 0;
    while let Some(found) = coloured.get(at..).and_then(|c| c.iter().position(|c| *c)) {
        let first = at + found;
        // The run ends where more grey follows than two smeared edges hide.
        let mut last = first;
        while let Some(next) = coloured
            .get(last + 1..(last + 2 + 2 * COLOUR_REACH).min(coloured.len()))
            .and_then(|c| c.iter().rposition(|c| *c))
        {
            last += 1 + next;
        }
        let from = first.saturating_sub(COLOUR_REACH);
        let until = (last + 1 + COLOUR_REACH).min(luma.len());
        let left = from.checked_sub(1).and_then(|i| luma.get(i).copied());
        let right = luma.get(until).copied();
        let span = (until - from + 1) as i32;
        if let Some(run) = luma.get_mut(from..until) {
            match (left, right) {
                (Some(left), Some(right)) => {
                    let (left, right) = (i32::from(left), i32::from(right));
                    for (step, value) in (1..).zip(run) {
                        *value = (left + (right - left) * step / span) as u8;
                    }
                }
                _ => run.fill(0),
            }
        }
        at = until;
    }
}

#[cfg(test)]
mod tests;
