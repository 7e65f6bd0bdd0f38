//! Weights of the two linear scores (logits) of the detector: is this interface metal, is this opening a fill port.
//!
//! Provenance: ridge logistic regression (penalty 2e-3 on standardised traits, signs held to what physics says, both
//! classes weighing the same) by `tests/fit/fit_detector.py` on virtual patients, seeds 20101-20160, 20201-20260,
//! 30101-30200 and 30201-30300 (every ninth frame of three seconds), on 60 full-wave stills of our own making (each
//! counting fifteen times), and as further negatives on real recordings without a pump (anatomy, muscle, water tank, wire
//! phantoms and screens, one frame in forty at 0.06 to 0.21 mm/px, each counting twice). The given full-wave stills and
//! sequences were not used.
use super::metal::TRAITS;
use super::opening::OPENING_TRAITS;

/// Metal: in the order of `Interface::traits`.
pub(super) const METAL_BIAS: f64 = -3.7362;
pub(super) const METAL: [f64; TRAITS] = [
    1.3129,  // tail
    0.0000,  // late
    -0.4553, // fade
    -3.8721, // layered
    0.0000,  // ringshare
    0.0000,  // drop
    2.1071,  // shadowshare
    -0.5550, // rough
    0.9588,  // copy
    1.6412,  // bright
    0.0000,  // onset
    0.5816,  // length
    0.0000,  // cover
    -1.2210, // bend
    1.5765,  // echo2
    -2.0981, // echoview
    0.0000,  // tissue
    0.0000,  // deep
    1.4868,  // taild
    0.4927,  // lated
    0.0433,  // contrast
    0.3070,  // peak
    0.0000,  // depth
    0.9178,  // ringing
    0.2566,  // shadow
    1.5737,  // copied
    0.0000,  // pieces
];

/// Fill port: in the order of `Opening::traits`.
pub(super) const OPENING_BIAS: f64 = -18.6814;
pub(super) const OPENING: [f64; OPENING_TRAITS] = [
    6.3163,  // fit
    0.0000,  // septum
    0.0000,  // septum_cover
    -0.4742, // septum_rough
    0.4341,  // step_below
    0.6892,  // step_above
    -0.0843, // rest
    0.0000,  // behind
    1.0677,  // through
    0.0000,  // cup
    1.2968,  // cup_cover
    -0.3192, // cup_rough
    1.3812,  // cup_below
    5.8640,  // visible
    0.8894,  // face_min
    0.0000,  // face_sum
    2.1801,  // width
    -0.7977, // wide
    1.2098,  // fit_ramp
    0.2407,  // open
    0.0903,  // septum_ramp
    0.0000,  // septum_all
    0.3737,  // cup_ramp
    3.4406,  // bottom
    0.2368,  // inside
    0.8110,  // beside
    0.1472,  // metal
    0.2562,  // drop
    0.6267,  // shoulder
    -0.1699, // cup_deep
    0.0000,  // septum_low
    -1.3343, // septum_high
    0.3711,  // seen_inside
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
