//! One line in the picture about contact, gain or depth: the most pressing hint, and no more than one.
use super::scene::{Scene, Undrawn};
use crate::detect::Hints;
use crate::words::say_with;

/// The line for the picture on the screen. It goes with the marks: who hides them wants to see tissue only, and in
/// training a hint would tell where the face is.
pub(super) fn hint_line(scene: &Scene<'_>) -> Option<String> {
    let advice = scene.fresh_advice()?;
    let is_hidden = scene.undrawn() == Some(Undrawn::Hidden);
    words_of(&advice.finding.hints).filter(|_| !is_hidden)
}

/// The words of the most pressing hint.
fn words_of(hints: &Hints) -> Option<String> {
    let hint = hints.all().next()?;
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    let contact = percent(hints.contact_share);
    let face = hints.face_share.map(percent).unwrap_or_default();
    Some(say_with(
        &hint.key(),
        &[("contact", &contact), ("face", &face)],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Hint, ProbePart};
    use crate::words::has;

    #[test]
    fn every_hint_has_words_and_the_most_pressing_one_stands_alone() {
        for hint in Hint::ALL {
            assert!(has(&hint.key()), "{hint:?}");
        }
        let mut hints = Hints {
            depth: Some(Hint::IncreaseDepth),
            face_share: Some(0.853),
            contact_share: 0.624,
            ..Hints::default()
        };
        let words = words_of(&hints).expect("a hint");
        assert!(words.contains("85 %"), "{words}");
        hints.contact = Some(Hint::NoContact(ProbePart::MarkedEnd));
        let words = words_of(&hints).expect("a hint");
        assert!(
            words.contains("marker's end") && words.contains("62 %"),
            "{words}"
        );
        assert_eq!(words_of(&Hints::default()), None);
    }
}
