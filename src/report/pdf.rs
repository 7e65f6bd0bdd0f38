//! The report on A4 paper. Lines are laid out here, in points from the upper left corner; fonts, pictures and the
//! file itself are krilla's.
use ab_glyph::{Font as _, FontRef};
use krilla::color::rgb;
use krilla::geom::{Point, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::text::{Font, TextDirection};

use super::Report;
use super::sheet::{Group, clock};
use crate::words::{say, say_with};

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
static STRONG: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

/// A4, points.
const PAGE: [f32; 2] = [595.0, 842.0];
const MARGIN: f32 = 42.0;
const WIDTH: f32 = PAGE[0] - 2.0 * MARGIN;
/// Lowest place of a line; the footer stands below it.
const FLOOR: f32 = PAGE[1] - 52.0;
const BODY: f32 = 9.0;
const LEADING: f32 = 1.35;
/// Room of the titles of lines.
const TITLES: f32 = 118.0;
/// Pictures stand side by side.
const PER_ROW: usize = 3;
const GUTTER: f32 = 8.0;

const INK: [u8; 3] = [0x12, 0x17, 0x1d];
const QUIET: [u8; 3] = [0x4a, 0x56, 0x63];
const WARNING: [u8; 3] = [0xb3, 0x26, 0x1e];
const LABEL: [u8; 3] = [0x8a, 0x5a, 0x00];

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum PdfProblem {
    /// A font that comes with the program cannot be read.
    #[error("expected the fonts of the program, got none: this build is damaged")]
    Font,
    /// The library refused the document.
    #[error("the document could not be made: {cause}")]
    Document {
        /// What it said.
        cause: String,
    },
}

/// How a line is written.
#[derive(Clone, Copy)]
struct Pen {
    size: f32,
    strong: bool,
    color: [u8; 3],
}

const PLAIN: Pen = Pen {
    size: BODY,
    strong: false,
    color: INK,
};

/// Something on a page.
enum Ink {
    Line {
        at: [f32; 2],
        pen: Pen,
        text: String,
    },
    Picture {
        at: [f32; 2],
        size: [f32; 2],
        image: Image,
    },
}

/// Fonts for measuring; the paper has its own.
struct Faces {
    regular: FontRef<'static>,
    strong: FontRef<'static>,
}

impl Faces {
    fn load() -> Result<Self, PdfProblem> {
        let load = |bytes| FontRef::try_from_slice(bytes).map_err(|_no_font| PdfProblem::Font);
        Ok(Self {
            regular: load(REGULAR)?,
            strong: load(STRONG)?,
        })
    }

    /// Width of a text, points.
    fn width(&self, text: &str, pen: Pen) -> f32 {
        let face = if pen.strong {
            &self.strong
        } else {
            &self.regular
        };
        let em = face.units_per_em().unwrap_or(1000.0);
        let units: f32 = text
            .chars()
            .map(|c| face.h_advance_unscaled(face.glyph_id(c)))
            .sum();
        units / em * pen.size
    }
}

/// Pages as they fill.
struct Paper {
    faces: Faces,
    pages: Vec<Vec<Ink>>,
    y: f32,
}

impl Paper {
    fn new() -> Result<Self, PdfProblem> {
        Ok(Self {
            faces: Faces::load()?,
            pages: vec![Vec::new()],
            y: MARGIN,
        })
    }

    fn put(&mut self, ink: Ink) {
        if let Some(page) = self.pages.last_mut() {
            page.push(ink);
        }
    }

    /// Makes room for `height`, on a new page if need be.
    fn room(&mut self, height: f32) {
        if self.y + height > FLOOR {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
    }

    /// Breaks a text into lines no wider than `width`; a word that is wider alone stands alone.
    fn broken(&self, text: &str, pen: Pen, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let Some(line) = lines.last_mut() else { break };
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if line.is_empty() || self.faces.width(&longer, pen) <= width {
                *line = longer;
            } else {
                lines.push(word.to_owned());
            }
        }
        lines
    }

    /// A paragraph that begins at `x` and is no wider than `width`.
    fn paragraph(&mut self, text: &str, pen: Pen, x: f32, width: f32) {
        for text in self.broken(text, pen, width) {
            self.room(pen.size * LEADING);
            let at = [x, self.y + pen.size];
            self.put(Ink::Line { at, pen, text });
            self.y += pen.size * LEADING;
        }
    }

    fn heading(&mut self, text: &str) {
        // A heading does not stand alone at the foot of a page.
        self.room(48.0);
        self.y += 9.0;
        let pen = Pen {
            size: 11.0,
            strong: true,
            ..PLAIN
        };
        self.paragraph(text, pen, MARGIN, WIDTH);
        self.y += 2.0;
    }

    fn titled(&mut self, title: &str, value: &str) {
        self.room(BODY * LEADING);
        let quiet = Pen {
            color: QUIET,
            ..PLAIN
        };
        let at = [MARGIN, self.y + BODY];
        self.put(Ink::Line {
            at,
            pen: quiet,
            text: title.to_owned(),
        });
        self.paragraph(value, PLAIN, MARGIN + TITLES, WIDTH - TITLES);
    }

    fn group(&mut self, group: &Group) {
        self.heading(&group.title);
        for (title, value) in &group.lines {
            self.titled(title, value);
        }
        let pen = Pen {
            strong: true,
            color: WARNING,
            ..PLAIN
        };
        for warning in &group.warnings {
            self.paragraph(&format!("! {warning}"), pen, MARGIN, WIDTH);
        }
    }

    fn head(&mut self, report: &Report) {
        let title = Pen {
            size: 17.0,
            strong: true,
            ..PLAIN
        };
        let label = Pen {
            size: 12.0,
            strong: true,
            color: LABEL,
        };
        let words = report.origin_words();
        let at = [
            MARGIN + WIDTH - self.faces.width(&words, label),
            self.y + title.size,
        ];
        self.put(Ink::Line {
            at,
            pen: label,
            text: words,
        });
        self.paragraph(&say("report-title"), title, MARGIN, WIDTH);
        let strong = Pen {
            strong: true,
            ..PLAIN
        };
        self.paragraph(&report.outcome_words(), strong, MARGIN, WIDTH);
        self.y += 3.0;
        let notice = Pen {
            color: WARNING,
            ..strong
        };
        let text = format!("{} {}", report.notice, report.accuracy_notice);
        self.paragraph(&text, notice, MARGIN, WIDTH);
    }

    fn images(&mut self, report: &Report, pictures: &[Vec<u8>]) {
        if report.images.is_empty() {
            return;
        }
        self.heading(&say("report-group-images"));
        let wide = (WIDTH - GUTTER * (PER_ROW - 1) as f32) / PER_ROW as f32;
        let small = Pen {
            size: 7.5,
            color: QUIET,
            ..PLAIN
        };
        let all: Vec<(String, Option<Image>)> = report
            .images
            .iter()
            .enumerate()
            .map(|(index, image)| {
                let png = pictures.get(index).cloned().unwrap_or_default();
                (image.caption(), Image::from_png(png.into(), true).ok())
            })
            .collect();
        for row in all.chunks(PER_ROW) {
            let height = |image: &Option<Image>| {
                image.as_ref().map_or(12.0, |image| {
                    let (columns, rows) = image.size();
                    wide * rows as f32 / columns.max(1) as f32
                })
            };
            let tallest = row.iter().map(|(_, i)| height(i)).fold(0.0, f32::max);
            self.room(tallest + 2.0 * small.size * LEADING);
            for (place, (caption, image)) in row.iter().enumerate() {
                let x = MARGIN + place as f32 * (wide + GUTTER);
                let top = self.y;
                match image {
                    Some(picture) => self.put(Ink::Picture {
                        at: [x, top],
                        size: [wide, height(image)],
                        image: picture.clone(),
                    }),
                    None => self.put(Ink::Line {
                        at: [x, top + small.size],
                        pen: small,
                        text: say("report-no-picture"),
                    }),
                }
                self.put(Ink::Line {
                    at: [x, top + tallest + small.size * LEADING],
                    pen: small,
                    text: caption.clone(),
                });
            }
            self.y += tallest + 2.0 * small.size * LEADING;
        }
    }

    fn events(&mut self, report: &Report) {
        if report.events.is_empty() {
            return;
        }
        self.heading(&say("report-group-events"));
        let small = Pen { size: 7.5, ..PLAIN };
        for event in &report.events {
            self.room(small.size * LEADING);
            let at = [MARGIN, self.y + small.size];
            self.put(Ink::Line {
                at,
                pen: Pen {
                    color: QUIET,
                    ..small
                },
                text: clock(event.t_s),
            });
            self.paragraph(&event.text, small, MARGIN + 34.0, WIDTH - 34.0);
        }
    }

    /// Notice, version and number at the foot of every page.
    fn feet(&mut self, report: &Report) {
        let small = Pen {
            size: 7.0,
            color: QUIET,
            ..PLAIN
        };
        let lines = self.broken(&report.footer(), small, WIDTH);
        for (index, page) in self.pages.iter_mut().enumerate() {
            let number = say_with("report-page", &[("page", &(index + 1).to_string())]);
            let notice = format!("{}   {number}", say("notice-research"));
            for (row, text) in std::iter::once(&notice).chain(&lines).enumerate() {
                page.push(Ink::Line {
                    at: [MARGIN, FLOOR + 14.0 + row as f32 * small.size * LEADING],
                    pen: small,
                    text: text.clone(),
                });
            }
        }
    }
}

impl Report {
    /// The report as PDF; `pictures` are the PNG files of [`Self::images`], in order. One that cannot be read is
    /// said to be missing.
    pub fn pdf(&self, pictures: &[Vec<u8>]) -> Result<Vec<u8>, PdfProblem> {
        let mut paper = Paper::new()?;
        paper.head(self);
        for group in self.groups() {
            paper.group(&group);
        }
        paper.images(self, pictures);
        paper.events(self);
        paper.feet(self);
        print(paper.pages)
    }
}

fn print(pages: Vec<Vec<Ink>>) -> Result<Vec<u8>, PdfProblem> {
    let font = |bytes: &'static [u8]| Font::new(bytes.to_vec().into(), 0).ok_or(PdfProblem::Font);
    let (regular, strong) = (font(REGULAR)?, font(STRONG)?);
    let refused = |cause: &str| PdfProblem::Document {
        cause: cause.to_owned(),
    };
    let mut document = krilla::Document::new();
    document.set_metadata(
        Metadata::new()
            .title(say("report-title"))
            .description(say("notice-research"))
            .language("en".to_owned()),
    );
    for page in pages {
        let settings =
            PageSettings::from_wh(PAGE[0], PAGE[1]).ok_or_else(|| refused("a page of no size"))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        for ink in page {
            match ink {
                Ink::Line { at, pen, text } => {
                    let [red, green, blue] = pen.color;
                    surface.set_fill(Some(Fill {
                        paint: rgb::Color::new(red, green, blue).into(),
                        opacity: NormalizedF32::ONE,
                        rule: krilla::paint::FillRule::default(),
                    }));
                    let font = if pen.strong { &strong } else { &regular };
                    surface.draw_text(
                        Point::from_xy(at[0], at[1]),
                        font.clone(),
                        pen.size,
                        &text,
                        false,
                        TextDirection::Auto,
                    );
                }
                Ink::Picture { at, size, image } => {
                    if let Some(size) = Size::from_wh(size[0], size[1]) {
                        surface.push_transform(&Transform::from_translate(at[0], at[1]));
                        surface.draw_image(image, size);
                        surface.pop();
                    }
                }
            }
        }
        surface.finish();
        sheet.finish();
    }
    document
        .finish()
        .map_err(|cause| refused(&format!("{cause:?}")))
}
