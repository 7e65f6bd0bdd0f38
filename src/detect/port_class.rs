//! What an opening is taken for: a rule, a fitted sum, and what must be seen inside before either may lock.
use super::context::DetectorContext;
use super::face::Interface;
use super::opening::{
    ACCESS_FLOOR_MM, FILL_LEAST_MM, OPENING_TRAITS, Opening, OpeningClass, RIM_LEAST_MM,
};
use super::port::rise;
use super::weights::{OPENING, OPENING_BIAS, logit, probability};

/// The rule of what an opening of a pump shows, in parts from 0 to 1.
struct Rule {
    fit: f64,
    open: f64,
    septum: f64,
    recessed: f64,
    cup: f64,
    bottom: f64,
    inside: f64,
    beside: f64,
}

impl Rule {
    fn of(o: &Opening) -> Self {
        let fit = rise(o.fit, 0.45, 0.82);
        // a shadow is dark behind whatever casts it; a port is not
        let open = rise(o.behind, 2.0, 16.0).max(rise(o.through, 8.0, 22.0));
        let septum = rise(o.septum, 14.0, 34.0)
            * o.septum_in_reach()
            * rise(o.septum_cover, 0.4, 0.75)
            * rise(o.step.abs(), 0.55, 0.9)
            * (1.0 - rise(o.septum_rough, 0.16, 0.3))
            * (1.0 - rise(o.rest - 0.5 * o.septum, 0.0, 20.0));
        let cup = rise(o.cup, 14.0, 40.0);
        let recessed = if o.width() >= FILL_LEAST_MM {
            rise(o.step.abs(), 0.7, 1.05)
        } else {
            1.0
        };
        // the cup's bottom, flat and bright, seen through the hole in the metal's shadow: no look-alike has it
        let bottom = rise(o.cup, 45.0, 80.0)
            * rise(o.through, 2.0, 10.0)
            * rise(o.cup_cover, 0.75, 0.95)
            * (1.0 - rise(o.cup_rough, 0.06, 0.14));
        let inside = (septum * recessed * open * (0.85 + 0.15 * cup)).max(bottom);
        let beside = rise(o.left_face.min(o.right_face), 2.5, 6.0)
            * rise(o.left_face + o.right_face, 14.0, 21.0);
        Self {
            fit,
            open,
            septum,
            recessed,
            cup,
            bottom,
            inside,
            beside,
        }
    }
}

/// What speaks for or against an opening's being a pump's, in the order of [`OPENING`].
pub(super) fn traits(face: &Interface, o: &Opening) -> [f64; OPENING_TRAITS] {
    let rule = Rule::of(o);
    [
        o.fit.clamp(0.0, 1.0),
        (o.septum / 40.0).clamp(0.0, 2.0),
        o.septum_cover,
        (5.0 * o.septum_rough).clamp(0.0, 2.0),
        o.step.clamp(0.0, 3.5),
        (-o.step).clamp(0.0, 3.5),
        (o.rest / 40.0).clamp(0.0, 2.0),
        (o.behind / 30.0).clamp(-2.0, 3.0),
        (o.through / 30.0).clamp(-2.0, 3.0),
        (o.cup / 50.0).clamp(0.0, 3.0),
        o.cup_cover,
        (5.0 * o.cup_rough).clamp(0.0, 2.0),
        (o.cup_depth() / 5.0).clamp(0.0, 2.5),
        o.visible,
        (o.left_face.min(o.right_face) / 10.0).min(2.0),
        (o.left_face + o.right_face).min(50.0) / 20.0,
        (o.width() / 7.0).min(1.5),
        (o.width() - 7.0).max(0.0),
        rule.fit,
        rule.open,
        rule.septum,
        rule.septum * rule.recessed * rule.open,
        rule.cup,
        rule.bottom,
        rule.inside,
        rule.beside,
        face.logit.clamp(-6.0, 6.0),
        // how dark it is under the face beside it
        f64::from(face.drop / 50.0).clamp(-1.5, 2.0),
        (o.shoulder / 40.0).clamp(0.0, 2.0),
        (o.cup_depth() - 3.0).clamp(0.0, 4.0),
        (o.septum_low / 40.0).clamp(0.0, 2.0),
        (o.septum_high / 40.0).clamp(0.0, 2.0),
        something_inside(face, o, &HINT),
    ]
}

/// Whether anything of a port is seen inside, 0 to 1: a flat septum, a flat cup bottom or a rim. A shadow, a loop
/// of bowel or a gap between two layers has none of them, however dark it is. Echoes of a wide beam stray more: the limits double toward 40 mm.
fn something_inside(face: &Interface, o: &Opening, limits: &Inside) -> f64 {
    let wide = 1.0 + rise(face.depth, 15.0, 40.0);
    let ramp = |value: f64, (none, full): (f64, f64)| rise(value, none, full);
    let septum = ramp(o.septum, limits.septum)
        * o.septum_in_reach()
        * ramp(o.septum_cover, limits.septum_cover)
        * (1.0 - ramp(o.septum_rough / wide, limits.septum_rough));
    let cup = ramp(o.cup, limits.cup)
        * rise(o.cup_cover, 0.5, 0.8)
        * (1.0 - ramp(o.cup_rough / wide, limits.cup_rough));
    let rim = ramp(o.shoulder, limits.rim);
    septum.max(cup).max(rim)
}

/// Rises, covers and roughness between which something is seen inside an opening, grey levels and mm.
struct Inside {
    septum: (f64, f64),
    septum_cover: (f64, f64),
    septum_rough: (f64, f64),
    cup: (f64, f64),
    cup_rough: (f64, f64),
    rim: (f64, f64),
}

/// Enough for a candidate.
const HINT: Inside = Inside {
    septum: (8.0, 18.0),
    septum_cover: (0.4, 0.7),
    septum_rough: (0.2, 0.36),
    cup: (12.0, 28.0),
    cup_rough: (0.09, 0.22),
    rim: (18.0, 32.0),
};

/// Enough for a lock: on 60 virtual patients 1,380 frames lock instead of 1,388, and plain tissue in a hole no longer.
const PLAIN: Inside = Inside {
    septum: (12.0, 22.0),
    septum_cover: (0.6, 0.85),
    septum_rough: (0.09, 0.18),
    cup: (16.0, 34.0),
    cup_rough: (0.07, 0.18),
    rim: (18.0, 32.0),
};

/// Least fall of the levels under a face against those above it, grey levels: what lets as much through as that is tissue.
const OPAQUE_LEAST: f32 = 5.0;
/// Least share of its echo that metal still shows 1.2 to 2.2 mm below, and least rise of a cup's bottom, grey levels:
/// under bone there is neither.
const RINGS_LEAST: f32 = 0.2;
const BOTTOM_HINT: f64 = 15.0;
/// What a rule must say at least where nothing but the fitted sums speaks.
const RULE_LEAST: f64 = 0.1;

/// Whether what passes for a port in metal is more than a look-alike. A cup's bottom seen plainly is no fascia's and no
/// bone's. Without one the face must stop sound (a gap in a bright fascia shows tissue below it), must not be black from
/// its edge on (bone), and one of the two rules must agree. Of 764 frames of virtual patients that were locked rightly
/// (seeds 300001 to 300120 and 310001 to 310120, every sixth) this leaves 750.
fn no_look_alike(face: &Interface, o: &Opening) -> bool {
    if o.floor().is_some() {
        return true;
    }
    let copied = face.copy >= 0.5;
    let opaque = copied || face.drop >= OPAQUE_LEAST;
    let rings = copied || face.tail >= RINGS_LEAST || o.cup >= BOTTOM_HINT;
    opaque && rings && face.rule.max(o.rule) >= RULE_LEAST
}

/// Scores an opening and says what it may be. As with metal, the rule or the fitted sum may speak.
pub(super) fn classify(face: &Interface, context: &DetectorContext, o: &mut Opening) {
    let rule = Rule::of(o);
    o.rule = rule.fit * rule.inside * rise(o.visible, 0.45, 0.8) * rule.beside;
    let fitted = probability(logit(OPENING_BIAS, &OPENING, &traits(face, o)))
        * rise(o.visible, 0.3, 0.5)
        * rise(something_inside(face, o, &HINT), 0.25, 0.6)
        * rise(face.metal, 0.3, 0.7);
    o.score = (face.metal * o.rule).max(fitted);
    let plain = something_inside(face, o, &PLAIN) >= 0.8;
    o.settled = face.settled && plain && no_look_alike(face, o);
    let width = o.port_width();
    let most = context.port_width.1.0;
    o.class = match o.rim {
        Some(rim) if rim < RIM_LEAST_MM => {
            if width < FILL_LEAST_MM + 0.6 {
                OpeningClass::Access
            } else {
                OpeningClass::Other
            }
        }
        _ if width > most => OpeningClass::Other,
        _ if width < FILL_LEAST_MM + 0.6 && o.floor().is_some_and(|f| f <= ACCESS_FLOOR_MM) => {
            OpeningClass::Access
        }
        _ if o.may_be_fill() => OpeningClass::Fill,
        _ => OpeningClass::Access,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_sound_through_or_is_black_at_once_or_agrees_with_no_rule_is_not_locked() {
        let face = Interface {
            drop: 20.0,
            tail: 0.3,
            rule: 0.9,
            ..Interface::default()
        };
        let port = Opening::default();
        assert!(no_look_alike(&face, &port));
        let fascia = Interface {
            drop: 0.0,
            ..face.clone()
        };
        let bone = Interface {
            tail: -0.4,
            ..face.clone()
        };
        let thick_layer = Interface {
            rule: 0.0,
            ..face.clone()
        };
        // a cup's bottom is neither's
        let cup = Opening {
            cup: 60.0,
            cup_cover: 1.0,
            cup_rough: 0.05,
            cup_at: 7.0,
            ..Opening::default()
        };
        for look_alike in [&fascia, &bone, &thick_layer] {
            assert!(!no_look_alike(look_alike, &port));
            assert!(no_look_alike(look_alike, &cup));
        }
        // nor is a second picture of the face at twice its depth
        for twice in [fascia, bone] {
            assert!(no_look_alike(&Interface { copy: 1.0, ..twice }, &port));
        }
    }
}
