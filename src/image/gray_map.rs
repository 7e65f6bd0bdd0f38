//! The grey maps of the display. Detectors read the picture before it.
use crate::frame::GrayMap;

/// Exponent that darkens the middle tones.
const CONTRAST: f64 = 1.6;
/// Exponent that brightens the dark tones.
const SOFT: f64 = 0.65;

/// Display grey for each brightness. Black stays black and white stays white; brighter never looks darker.
pub fn display_table(map: GrayMap) -> [u8; 256] {
    let exponent = match map {
        GrayMap::Linear => 1.0,
        GrayMap::Contrast => CONTRAST,
        GrayMap::Soft => SOFT,
    };
    std::array::from_fn(|level| ((level as f64 / 255.0).powf(exponent) * 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_maps_keep_black_white_and_order() {
        let identity: [u8; 256] = std::array::from_fn(|level| level as u8);
        assert_eq!(display_table(GrayMap::Linear), identity);
        for map in [GrayMap::Contrast, GrayMap::Soft] {
            let table = display_table(map);
            assert_eq!((table[0], table[255]), (0, 255));
            assert!(table.is_sorted());
        }
        assert!(display_table(GrayMap::Contrast)[128] < 110);
        assert!(display_table(GrayMap::Soft)[64] > 80);
    }
}
