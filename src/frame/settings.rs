//! What the picture is made with: depth, gain, TGC, frequency, dynamic range; and the limits of each.
use crate::space::Millimeters;

/// Number of time-gain sliders, spread evenly from the probe face to the full depth.
pub const TGC_SLIDERS: usize = 8;

/// How brightness is mapped to grey for display only; the detector never sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
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
    /// Centre frequency, 1 to 20 MHz.
    pub frequency_mhz: f64,
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
            persistence: keep(self.persistence, 0.0, 0.9, 0.0),
            gray_map: self.gray_map,
        }
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
