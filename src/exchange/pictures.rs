//! PNG and JPEG pictures, one or a folder of them, and the order in which people number files.
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};

use super::ExchangeError;
use super::description::SIDE_LIMIT;
use super::gray::luminance;

/// Kind of a file by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    MetaImage,
    Picture,
}

impl FileKind {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "mha" | "mhd" => Some(Self::MetaImage),
            "png" | "jpg" | "jpeg" => Some(Self::Picture),
            _ => None,
        }
    }
}

/// Files of a folder that [`super::open`] reads, in natural order (`frame2` before `frame10`). Folders in it are not
/// entered; a folder of pictures may itself be opened as a sequence.
pub fn supported_files(folder: &Path) -> Result<Vec<PathBuf>, ExchangeError> {
    Ok(list(folder)?
        .into_iter()
        .filter(|path| FileKind::of(path).is_some())
        .collect())
}

/// The pictures of a folder in natural order, all of one size: paths, columns, rows.
pub(super) fn sequence(folder: &Path) -> Result<(Vec<PathBuf>, usize, usize), ExchangeError> {
    let all = list(folder)?;
    let count = all.len();
    let pictures: Vec<PathBuf> = all
        .into_iter()
        .filter(|path| FileKind::of(path) == Some(FileKind::Picture))
        .collect();
    let Some(first) = pictures.first() else {
        return Err(ExchangeError::NoPictures {
            others: count,
            path: folder.to_owned(),
        });
    };
    let (columns, rows) = size(first)?;
    for path in pictures.iter().skip(1) {
        let (got_columns, got_rows) = size(path)?;
        if (got_columns, got_rows) != (columns, rows) {
            return Err(ExchangeError::SizesDiffer {
                columns,
                rows,
                got_columns,
                got_rows,
                path: path.clone(),
            });
        }
    }
    Ok((pictures, columns, rows))
}

/// Decodes a picture to grey values: columns, rows, values row by row. Transparent parts become dark.
pub(super) fn decode(path: &Path) -> Result<(usize, usize, Vec<u8>), ExchangeError> {
    let picture = reader(path)?
        .decode()
        .map_err(|cause| damaged(path, &cause))?;
    let (columns, rows) = (picture.width() as usize, picture.height() as usize);
    let gray = if let DynamicImage::ImageLuma8(gray) = picture {
        gray.into_raw()
    } else {
        // Whatever else there is (colour, 16 bit, alpha) is brought to 8-bit RGBA first.
        let rgba = picture.into_rgba8();
        let (pixels, _) = rgba.as_raw().as_chunks::<4>();
        let dimmed = |&[r, g, b, a]: &[u8; 4]| {
            ((u32::from(luminance(r, g, b)) * u32::from(a) + 127) / 255) as u8
        };
        pixels.iter().map(dimmed).collect()
    };
    Ok((columns, rows, gray))
}

fn size(path: &Path) -> Result<(usize, usize), ExchangeError> {
    let (columns, rows) = reader(path)?
        .into_dimensions()
        .map_err(|cause| damaged(path, &cause))?;
    Ok((columns as usize, rows as usize))
}

fn reader(path: &Path) -> Result<ImageReader<std::io::BufReader<std::fs::File>>, ExchangeError> {
    let refused = |cause| ExchangeError::NotReadable {
        cause,
        path: path.to_owned(),
    };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(refused)?;
    let mut limits = image::Limits::default();
    let side = u32::try_from(SIDE_LIMIT).unwrap_or(u32::MAX);
    limits.max_image_width = Some(side);
    limits.max_image_height = Some(side);
    reader.limits(limits);
    Ok(reader)
}

fn damaged(path: &Path, cause: &image::ImageError) -> ExchangeError {
    ExchangeError::PictureDamaged {
        cause: cause.to_string(),
        path: path.to_owned(),
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ExchangeError> {
    let refused = |cause| ExchangeError::NotReadable {
        cause,
        path: folder.to_owned(),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort_by(|a, b| {
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        natural_order(&name(a), &name(b))
    });
    Ok(files)
}

/// Compares names as people do: runs of digits by their number, the rest letter by letter.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left.chars().next(), right.chars().next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                let (left_run, left_rest) = digits(left);
                let (right_run, right_rest) = digits(right);
                let by_number = left_run
                    .len()
                    .cmp(&right_run.len())
                    .then_with(|| left_run.cmp(right_run));
                if by_number != Ordering::Equal {
                    return by_number;
                }
                (left, right) = (left_rest, right_rest);
            }
            (Some(l), Some(r)) => {
                let by_letter = l.to_ascii_lowercase().cmp(&r.to_ascii_lowercase());
                if by_letter != Ordering::Equal {
                    return by_letter;
                }
                (left, right) = (
                    left.get(l.len_utf8()..).unwrap_or(""),
                    right.get(r.len_utf8()..).unwrap_or(""),
                );
            }
        }
    }
}

/// The leading run of digits without its leading zeros, and what follows.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    (run.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["f10.png", "F2.png", "f1.png", "f02b.png", "e9.png", "f.png"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            ["e9.png", "f.png", "f1.png", "F2.png", "f02b.png", "f10.png"]
        );
        let long = "f123456789012345678901234567890";
        assert_eq!(natural_order(long, "f2"), Ordering::Greater);
        assert_eq!(natural_order("f2", "f2"), Ordering::Equal);
        assert_ne!(natural_order("f02", "f2"), Ordering::Equal);
    }
}
