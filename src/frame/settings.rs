//! What the picture is made with: depth, gain, TGC, frequency, dynamic range; and the limits of each.
use crate::space::Millimeters;

/// Number of time-gain sliders, spread evenly from the probe face to the full depth.
pub const TGC_SLIDERS: usize = 8;

/// How brightness is mapped to grey for display only; the detector never sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrayMap {
    /// Grey equals brightness.
    #[default]
    Linear,
    /// Darker middle tones: metal stands out.
    Contrast,
    /// Brighter dark tones: fat and scar stand out.
    Soft,
}

/// Settings of a source and of image formation. Every field is kept within its limits by [`Self::limited`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ImagingSettings {
    /// Depth of the picture, 20 to 160 mm.
    pub depth: Millimeters,
    /// Overall gain, -30 to +30 dB.
    pub gain_db: f64,
    /// Time-gain compensation at [`TGC_SLIDERS`] depths, -20 to +20 dB each.
    pub tgc_db: [f64; TGC_SLIDERS],
    /// Echo range between black and white, 30 to 90 dB.
    pub dynamic_range_db: f64,
    /// Transmit frequency, 1 to 20 MHz.
    pub frequency_mhz: f64,
    /// Centre of the receive band-pass, 1 to 20 MHz; `None` where the source has none to set.
    pub receive_filter_mhz: Option<f64>,
    /// Frames a second asked of the source, 1 to 120; `None` where the source sets its own.
    pub frame_rate_hz: Option<f64>,
    /// Share of the previous picture kept in the next, 0 (off) to 0.9. Off by default (H33).
    pub persistence: f64,
    /// Grey map of the display.
    pub gray_map: GrayMap,
}

impl Default for ImagingSettings {
    fn default() -> Self {
        Self {
            depth: Millimeters(50.0),
            gain_db: 0.0,
            tgc_db: [0.0; TGC_SLIDERS],
            dynamic_range_db: 60.0,
            frequency_mhz: 5.0,
            receive_filter_mhz: None,
            frame_rate_hz: None,
            persistence: 0.0,
            gray_map: GrayMap::Linear,
        }
    }
}

impl ImagingSettings {
    /// The same settings with every figure inside its limits (a figure that is no number takes its default).
    #[must_use]
    pub fn limited(&self) -> Self {
        let standard = Self::default();
        let keep = |value: f64, least: f64, most: f64, otherwise: f64| {
            if value.is_finite() {
                value.clamp(least, most)
            } else {
                otherwise
            }
        };
        Self {
            depth: Millimeters(keep(self.depth.0, 20.0, 160.0, standard.depth.0)),
            gain_db: keep(self.gain_db, -30.0, 30.0, 0.0),
            tgc_db: self.tgc_db.map(|db| keep(db, -20.0, 20.0, 0.0)),
            dynamic_range_db: keep(self.dynamic_range_db, 30.0, 90.0, 60.0),
            frequency_mhz: keep(self.frequency_mhz, 1.0, 20.0, standard.frequency_mhz),
            receive_filter_mhz: self
                .receive_filter_mhz
                .filter(|v| v.is_finite())
                .map(|v| v.clamp(1.0, 20.0)),
            frame_rate_hz: self
                .frame_rate_hz
                .filter(|v| v.is_finite())
                .map(|v| v.clamp(1.0, 120.0)),
            persistence: keep(self.persistence, 0.0, 0.9, 0.0),
            gray_map: self.gray_map,
        }
    }
}

/// What of a source can be set. An empty list or `None` means that it cannot.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ImagingLimits {
    /// Depths, mm, from the least to the most.
    pub depth_mm: Option<(f64, f64)>,
    /// Transmit frequencies to choose from, MHz, ascending.
    pub frequency_mhz: Vec<f64>,
    /// Receive band-passes to choose from, MHz, ascending.
    pub receive_filter_mhz: Vec<f64>,
    /// Frame rates to choose from, frames a second, ascending.
    pub frame_rate_hz: Vec<f64>,
}

impl ImagingLimits {
    /// The choice nearest to `wanted`; `None` when there is nothing to choose.
    pub fn nearest(choices: &[f64], wanted: f64) -> Option<f64> {
        choices
            .iter()
            .copied()
            .min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_brought_back() {
        let wild = ImagingSettings {
            depth: Millimeters(9000.0),
            gain_db: f64::NAN,
            persistence: 4.0,
            ..ImagingSettings::default()
        };
        let tame = wild.limited();
        assert_eq!(tame.depth, Millimeters(160.0));
        assert_eq!(tame.gain_db, 0.0);
        assert_eq!(tame.persistence, 0.9);
    }
}
