//! Weights of the two linear scores (logits) of the detector: is this interface metal, is this opening a fill port.
//!
//! Provenance: ridge logistic regression (penalty 2e-3 on standardised traits, signs held to what physics says, both
//! classes weighing the same) by `tests/fit/fit_detector.py` on virtual patients, seeds 20101-20160 and 20201-20260
//! (every ninth frame of three seconds), on 60 full-wave stills of our own making (each counting six times), and as
//! further negatives on real recordings without a pump (anatomy, muscle, water tank, wire phantoms and screens, one
//! frame in forty at 0.06 to 0.21 mm/px, each counting twice). The given full-wave stills and sequences were not used.
use super::metal::TRAITS;
use super::opening::OPENING_TRAITS;

/// Metal: in the order of `Interface::traits`.
pub(super) const METAL_BIAS: f64 = -2.8069;
pub(super) const METAL: [f64; TRAITS] = [
    1.3496,  // tail
    0.0000,  // late
    -0.3876, // fade
    -3.8277, // layered
    0.0000,  // ringshare
    0.0000,  // drop
    2.0677,  // shadowshare
    -0.6181, // rough
    1.0940,  // copy
    0.1624,  // bright
    0.0000,  // onset
    0.7615,  // length
    0.0000,  // cover
    -1.1381, // bend
    1.4508,  // echo2
    -2.3313, // echoview
    0.0000,  // tissue
    0.0000,  // deep
    1.4316,  // taild
    0.4256,  // lated
    0.0000,  // contrast
    0.5975,  // peak
    0.0000,  // depth
    0.7089,  // ringing
    0.4845,  // shadow
    2.3504,  // copied
    0.0000,  // above
];

/// Fill port: in the order of `Opening::traits`.
pub(super) const OPENING_BIAS: f64 = -18.3162;
pub(super) const OPENING: [f64; OPENING_TRAITS] = [
    6.2103,  // fit
    0.0000,  // septum
    0.0000,  // septum_cover
    -0.4980, // septum_rough
    0.3253,  // step_below
    0.2955,  // step_above
    -0.5528, // rest
    0.0000,  // behind
    0.8441,  // through
    0.0000,  // cup
    1.9400,  // cup_cover
    -0.4310, // cup_rough
    1.4490,  // cup_below
    5.8398,  // visible
    1.0011,  // face_min
    0.0000,  // face_sum
    2.5158,  // width
    -0.8192, // wide
    0.6893,  // fit_ramp
    0.1312,  // open
    0.0000,  // septum_ramp
    0.0000,  // septum_all
    0.0000,  // cup_ramp
    2.7203,  // bottom
    0.0000,  // inside
    0.5282,  // beside
    0.1395,  // metal
    0.4269,  // drop
    0.0000,  // shoulder
    -0.1173, // cup_deep
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
