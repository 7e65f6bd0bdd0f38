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
pub(super) const METAL_BIAS: f64 = -2.4461;
pub(super) const METAL: [f64; TRAITS] = [
    1.7717,  // tail
    0.0000,  // late
    -0.4639, // fade
    -3.5528, // layered
    0.0000,  // ringshare
    0.0000,  // drop
    2.8076,  // shadowshare
    -0.6200, // rough
    1.2296,  // copy
    0.4971,  // bright
    0.0000,  // onset
    0.6757,  // length
    0.0000,  // cover
    -0.9201, // bend
    1.5472,  // echo2
    -2.5176, // echoview
    0.0000,  // tissue
    0.0000,  // deep
    1.1659,  // taild
    0.0000,  // lated
    0.0000,  // contrast
    0.0000,  // peak
    0.0000,  // depth
    0.5780,  // ringing
    0.4683,  // shadow
    2.4015,  // copied
    0.0000,  // above
];

/// Fill port: in the order of `Opening::traits`.
pub(super) const OPENING_BIAS: f64 = -17.7998;
pub(super) const OPENING: [f64; OPENING_TRAITS] = [
    7.3378,  // fit
    0.0000,  // septum
    0.0000,  // septum_cover
    -0.6788, // septum_rough
    0.2682,  // step_below
    0.1410,  // step_above
    -0.5482, // rest
    0.0000,  // behind
    1.1264,  // through
    0.0000,  // cup
    2.5071,  // cup_cover
    -1.0660, // cup_rough
    1.3346,  // cup_below
    4.1733,  // visible
    0.7084,  // face_min
    0.0000,  // face_sum
    1.7804,  // width
    -0.5065, // wide
    0.8218,  // fit_ramp
    0.0000,  // open
    0.0000,  // septum_ramp
    0.0000,  // septum_all
    0.9758,  // cup_ramp
    2.1315,  // bottom
    0.0000,  // inside
    0.2932,  // beside
    0.1659,  // metal
    1.0926,  // drop
    0.0000,  // shoulder
    -0.0635, // cup_deep
];

/// The logit of traits.
pub(super) fn logit(bias: f64, weights: &[f64], traits: &[f64]) -> f64 {
    weights
        .iter()
        .zip(traits)
        .fold(bias, |sum, (w, t)| sum + w * t)
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
