//! A picture with its advice as it is kept: marks, label, scale, one line and disclaimer burnt in.
use crate::detect::Finding;
use crate::guide::{Guidance, Withheld, headline};
use crate::image::ScanImage;
use crate::overlay::{Caption, Marks, burn_in};
use crate::pump::{Needle, PumpModel};

use super::Advice;

/// What stands beside a kept picture.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Name of the source.
    pub source_name: String,
    /// Pump model.
    pub pump: String,
    /// Needle, when given.
    pub needle: Option<Needle>,
    /// Whether the display was mirrored.
    pub mirrored: bool,
}

impl Beside {
    /// Beside a picture of `source_name`, planned for `pump` and `needle`, not mirrored.
    pub fn new(source_name: String, pump: &PumpModel, needle: Option<Needle>) -> Self {
        Self {
            source_name,
            pump: pump.name.clone(),
            needle,
            mirrored: false,
        }
    }
}

/// Draws a picture to be kept. Advice on another frame is not drawn (H02).
pub fn kept_picture(
    image: &ScanImage,
    advice: Option<&Advice>,
    beside: &Beside,
) -> ::image::RgbImage {
    let own = advice.filter(|a| a.finding.frame == image.frame);
    let (finding, guidance, marks) = match own {
        Some(advice) => (
            advice.finding.clone(),
            advice.guidance.clone(),
            advice.marks.clone(),
        ),
        None => (
            Finding {
                frame: image.frame,
                ..Finding::default()
            },
            Guidance {
                frame: image.frame,
                path: None,
                withheld: vec![Withheld::PortNotLocked],
                planes: crate::guide::Planes::None,
                plane_refused: None,
                way_obstacle: None,
            },
            Marks {
                frame: image.frame,
                marks: Vec::new(),
            },
        ),
    };
    let setup = match beside.needle {
        Some(needle) => format!("{}, {needle}", beside.pump),
        None => beside.pump.clone(),
    };
    let caption = Caption {
        headline: headline(&finding, &guidance),
        source_name: beside.source_name.clone(),
        seconds: image.source_seconds,
        setup: Some(setup),
        mirrored: beside.mirrored,
    };
    burn_in(image, &marks, &caption)
}
