//! Weights of the two linear scores (logits) of the detector: is this interface metal, is this opening a fill port.
//!
//! Provenance: ridge logistic regression (penalty 1e-4 of the mean loss, signs held to
//! what physics says) on virtual patients, seeds
//! 20001-20202 at 5 frames a second (23853 interfaces, 54941 openings), and as further negatives the real recordings
//! without a pump (anatomy, muscle, water tank and wire phantoms, each as one in twenty frames at 0.06 to 0.21 mm/px:
//! 3428 interfaces). Nothing of the full-wave stills and of the independent sequences was used.
use super::metal::TRAITS;
use super::opening::OPENING_TRAITS;

/// Metal: in the order of `Interface::traits`.
pub(super) const METAL_BIAS: f64 = -3.0731;
pub(super) const METAL: [f64; TRAITS] = [
    1.9329, // tail
    0.0000, // late
    -0.5241, // fade
    -4.0751, // layered
    0.2391, // ringshare
    0.0000, // drop
    3.1302, // shadowshare
    -0.5461, // rough
    1.1904, // copy
    0.5522, // bright
    0.0000, // onset
    0.6070, // length
    0.0753, // cover
    -0.9662, // bend
    1.5710, // echo2
    -2.3661, // echoview
    0.0000, // tissue
    0.0000, // deep
    1.2603, // taild
    0.0000, // lated
    0.0000, // contrast
    0.0000, // peak
    0.0000, // depth
    0.1780, // ringing
    0.4613, // shadow
    1.7975, // copied
    0.0000, // above
];

/// Fill port: in the order of `Opening::traits`.
pub(super) const OPENING_BIAS: f64 = -17.7554;
pub(super) const OPENING: [f64; OPENING_TRAITS] = [
    6.6019, // fit
    0.0000, // septum
    0.0000, // septum_cover
    -0.5429, // septum_rough
    0.3575, // step_below
    0.2874, // step_above
    -0.3591, // rest
    0.0000, // behind
    0.9226, // through
    0.1076, // cup
    1.9872, // cup_cover
    -0.9591, // cup_rough
    1.1276, // cup_below
    4.3795, // visible
    0.7878, // face_min
    0.0000, // face_sum
    2.0980, // width
    -0.6129, // wide
    0.9345, // fit_ramp
    0.0000, // open
    0.0000, // septum_ramp
    0.0000, // septum_all
    1.0539, // cup_ramp
    2.4997, // bottom
    0.0000, // inside
    0.4152, // beside
    0.1454, // metal
    1.0412, // drop
    0.0000, // shoulder
    -0.0250, // cup_deep
];

/// The logit of traits.
pub(super) fn logit(bias: f64, weights: &[f64], traits: &[f64]) -> f64 {
    weights.iter().zip(traits).fold(bias, |sum, (w, t)| sum + w * t)
}

/// Probability of a logit.
pub(super) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logit of a probability, within what f64 tells apart.
pub(super) fn logit_of(probability: f64) -> f64 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}
