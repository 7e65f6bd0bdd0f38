//! A source as people name it, on the command line and on the screen.
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::exchange::{AddressProblem, IgtlAddress};
use crate::simulate::{Preset, PresetError};

/// A source that can be connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceChoice {
    /// The virtual probe over one of its patients.
    Virtual(Preset),
    /// A probe behind USB; without bus and address the first one that is ready.
    Usb(Option<(u8, u8)>),
    /// A frame grabber or UVC probe.
    V4l2(PathBuf),
    /// A peer that sends pictures over OpenIGTLink.
    Igtl(IgtlAddress),
}

/// What a source can be called, for messages.
const FORMS: &str =
    "virtual[:PRESET], usb[:BUS.ADDR], v4l2:/dev/videoN or igtl:HOST[:PORT][/STREAM]";

/// Words that name no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceProblem {
    /// No such kind of source.
    #[error("source: expected {FORMS}, got {got:?}")]
    Kind {
        /// What was given.
        got: String,
    },
    /// The kind is known, what follows it is not of its form.
    #[error("source: expected {expected}, got {got:?}")]
    Form {
        /// What was expected.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// No address of a peer.
    #[error(transparent)]
    Peer(#[from] AddressProblem),
    /// No such virtual patient.
    #[error(transparent)]
    Preset(#[from] PresetError),
}

impl FromStr for SourceChoice {
    type Err = ChoiceProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let form = |expected| ChoiceProblem::Form {
            expected,
            got: text.to_owned(),
        };
        match kind {
            "virtual" if rest.is_empty() => Ok(Self::Virtual(Preset::Easy)),
            "virtual" => Ok(Self::Virtual(rest.parse()?)),
            "usb" if rest.is_empty() => Ok(Self::Usb(None)),
            "usb" => rest
                .split_once('.')
                .and_then(|(bus, address)| Some((bus.parse().ok()?, address.parse().ok()?)))
                .map(|place| Self::Usb(Some(place)))
                .ok_or_else(|| form("usb:BUS.ADDR with two numbers, such as usb:1.4")),
            "v4l2" if rest.starts_with('/') => Ok(Self::V4l2(PathBuf::from(rest))),
            "v4l2" => Err(form("v4l2:/dev/videoN")),
            "igtl" => Ok(Self::Igtl(rest.parse()?)),
            _ => Err(ChoiceProblem::Kind {
                got: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for SourceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtual(preset) => write!(f, "virtual:{}", preset.name()),
            Self::Usb(None) => f.write_str("usb"),
            Self::Usb(Some((bus, address))) => write!(f, "usb:{bus}.{address}"),
            Self::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            Self::Igtl(address) => write!(f, "igtl:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_back_from_the_words_they_are_shown_in() {
        for (text, shown) in [
            ("virtual", "virtual:easy"),
            ("virtual:scar", "virtual:scar"),
            ("usb", "usb"),
            ("usb:1.14", "usb:1.14"),
            ("v4l2:/dev/video2", "v4l2:/dev/video2"),
            ("igtl:localhost", "igtl:localhost:18944"),
            ("igtl:10.0.0.7:18945", "igtl:10.0.0.7:18945"),
            ("igtl:[::1]:5", "igtl:[::1]:5"),
            ("igtl:scanner/Image_Probe", "igtl:scanner:18944/Image_Probe"),
        ] {
            let choice: SourceChoice = text.parse().expect(text);
            assert_eq!(choice.to_string(), shown);
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }

    #[test]
    fn words_that_name_no_source_are_refused_with_the_form_expected() {
        for bad in [
            "",
            "tape",
            "usb:1",
            "usb:1.300",
            "usb:a.b",
            "v4l2",
            "v4l2:video0",
            "igtl",
            "igtl:",
            "igtl:h:0",
            "igtl:h:99999",
            "igtl:a b",
            "virtual:nonsense",
        ] {
            let problem = bad.parse::<SourceChoice>().expect_err(bad);
            assert!(problem.to_string().contains("expected"), "{bad}: {problem}");
        }
    }
}
