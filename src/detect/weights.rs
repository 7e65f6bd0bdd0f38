//! Weights of the two linear scores (logits) of the detector: is this interface metal, is this opening a fill port.
//!
//! Provenance: ridge logistic regression (penalty 1e-4 of the mean loss, signs held to
//! what physics says) on virtual patients, seeds
//! 20001-20202 at 5 frames a second (23853 interfaces, 54941 openings), and as further negatives the real recordings
//! without a pump (anatomy, muscle, water tank and wire phantoms, each as one in twenty frames at 0.06 to 0.21 mm/px:
//! 3428 interfaces). Nothing of the full-wave stills and of the independent sequences was used.
use super::metal::TRAITS;
use super::port::OPENING_TRAITS;

/// Metal: in the order of `Interface::traits`.
pub(super) const METAL_BIAS: f64 = -19.1967;
pub(super) const METAL: [f64; TRAITS] = [
    -0.1876, // tail
    -1.7930, // late
    -0.7163, // fade
    -5.4265, // layered
    0.2816, // ringshare
    0.0000, // drop
    5.7065, // shadowshare
    -0.6185, // rough
    2.0821, // copy
    14.4509, // bright
    0.0000, // onset
    0.0472, // length
    3.0385, // cover
    -1.9305, // bend
    2.6835, // echo2
    -2.7408, // echoview
    1.2158, // tissue
    2.6572, // deep
    5.2448, // taild
    0.4938, // lated
    0.5087, // contrast
    -2.9845, // peak
    0.6999, // depth
    0.7177, // ringing
    2.4715, // shadow
    2.7609, // copied
    -1.7090, // above
];

/// Fill port: in the order of `Opening::traits`.
pub(super) const OPENING_BIAS: f64 = -21.8211;
pub(super) const OPENING: [f64; OPENING_TRAITS] = [
    0.7262, // fit
    0.0000, // septum
    0.0000, // septum_cover
    -0.3337, // septum_rough
    0.4414, // step_below
    0.1685, // step_above
    0.0000, // rest
    0.0000, // behind
    0.0000, // through
    0.3619, // cup
    1.4169, // cup_cover
    -1.1622, // cup_rough
    2.4228, // cup_below
    8.0989, // visible
    0.6517, // face_min
    0.0000, // face_sum
    1.2111, // width
    0.0357, // fit_ramp
    0.0000, // open_ramp
    1.0894, // septum_ramp
    1.4501, // cup_ramp
    1.0256, // bottom_ramp
    0.0000, // inside_ramp
    1.6666, // visible_ramp
    0.0000, // beside_ramp
    0.2128, // metal
    -0.0700, // width_off
    0.0000, // narrow
    0.0000, // face_layered
    0.7981, // face_drop
    -0.1295, // face_rough
    0.7818, // face_bright
    0.0000, // face_onset
    0.0000, // face_bend
    0.0000, // face_copy
    0.0632, // cup_deep
];

/// The logit of traits.
pub(super) fn logit(bias: f64, weights: &[f64], traits: &[f64]) -> f64 {
    weights.iter().zip(traits).fold(bias, |sum, (w, t)| sum + w * t)
}

/// Probability of a logit.
pub(super) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
