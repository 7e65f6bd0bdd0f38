//! What a key is and for what it counts; the table of all of them stands in `key_table`.
use egui::Key;

use super::scene::{Act, Change};
use crate::engine::{Command, Fault};
use crate::frame::Origin;
use crate::procedure::Action;
use crate::training::TrainingAction;
use crate::words::say;

pub(super) use super::key_table::KEYS;

/// In what the window is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    /// What kind of source it is.
    pub(super) origin: Origin,
    /// Whether it is training, where nothing of a refill counts.
    pub(super) is_training: bool,
}

impl Situation {
    /// Every one there is.
    pub(super) const ALL: [Self; 4] = [
        Self::of(Origin::Live, false),
        Self::of(Origin::Replay, false),
        Self::of(Origin::Simulation, false),
        Self::of(Origin::Simulation, true),
    ];

    const fn of(origin: Origin, is_training: bool) -> Self {
        Self {
            origin,
            is_training,
        }
    }
}

/// Whether the shift key matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    /// It must be up.
    Up,
    /// It must be down.
    Down,
    /// Where a sign needs it is up to the keyboard's layout.
    Any,
}

/// For which sources a key does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    All,
    Only(Origin),
    Training,
}

/// Whether holding a key repeats what it does, and whether it is named in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Once a press, named in the footer.
    Main,
    /// Once a press.
    Once,
    /// Again and again while it is held.
    Repeats,
}

/// One key and what it does.
#[derive(Debug)]
pub(super) struct Binding {
    keys: &'static [Key],
    shift: Shift,
    /// The key's legend: a sign, or the name of words.
    legend: &'static str,
    /// The name of the words that say what it does.
    words: &'static str,
    act: Act,
    source: For,
    manner: Manner,
}

impl Binding {
    /// The key's legend as a person reads it.
    pub(super) fn legend(&self) -> String {
        let sign = if self.legend.starts_with("view-") {
            say(self.legend)
        } else {
            self.legend.to_owned()
        };
        match self.shift {
            Shift::Down => format!("{} {sign}", say("view-cap-shift")),
            Shift::Up | Shift::Any => sign,
        }
    }

    /// What the key does, in words.
    pub(super) fn meaning(&self) -> String {
        say(self.words)
    }

    /// Whether it does something in this situation.
    pub(super) fn serves(&self, situation: Situation) -> bool {
        let counts = !situation.is_training || self.act.counts_in_training();
        match self.source {
            For::All => counts,
            For::Only(wanted) => counts && wanted == situation.origin,
            For::Training => situation.is_training,
        }
    }

    /// The name of those words.
    pub(super) fn words(&self) -> &'static str {
        self.words
    }

    /// What it asks for.
    pub(super) fn act(&self) -> &Act {
        &self.act
    }

    /// The name under which another key for it is saved.
    pub(super) fn name(&self) -> &'static str {
        self.words.strip_prefix("view-key-").unwrap_or(self.words)
    }

    /// Whether the user may give it another key: not the ways out and between controls.
    pub(super) fn is_editable(&self) -> bool {
        !matches!(self.act, Act::MoveFocus | Act::Display(Change::Close))
    }

    /// Whether it asks again and again while it is held.
    pub(super) fn repeats(&self) -> bool {
        self.manner == Manner::Repeats
    }

    /// Whether it is named in the footer.
    pub(super) fn is_main(&self) -> bool {
        self.manner == Manner::Main
    }

    /// Whether it is the binding of this key.
    pub(super) fn answers(&self, key: Key, shift: bool) -> bool {
        let shift_fits = match self.shift {
            Shift::Up => !shift,
            Shift::Down => shift,
            Shift::Any => true,
        };
        shift_fits && self.keys.contains(&key)
    }
}

pub(super) const fn bind(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
    manner: Manner,
) -> Binding {
    Binding {
        keys,
        shift: Shift::Up,
        legend,
        words,
        act,
        source: For::All,
        manner,
    }
}

pub(super) const fn shifted(mut binding: Binding) -> Binding {
    binding.shift = Shift::Down;
    binding
}

pub(super) const fn any_shift(mut binding: Binding) -> Binding {
    binding.shift = Shift::Any;
    binding
}

/// A key of the virtual probe.
pub(super) const fn probe(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
) -> Binding {
    let mut binding = bind(keys, legend, words, act, Manner::Repeats);
    binding.source = For::Only(Origin::Simulation);
    binding
}

/// A fault of the virtual probe: once a press.
pub(super) const fn fault(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    fault: Fault,
) -> Binding {
    let mut binding = probe(keys, legend, words, Act::Send(Command::Fault(fault)));
    binding.manner = Manner::Once;
    binding
}

/// A key of the refill: once a press, so that nothing is counted twice by holding it.
pub(super) const fn refill(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    action: Action,
) -> Binding {
    bind(
        keys,
        legend,
        words,
        Act::Send(Command::Refill(action)),
        Manner::Once,
    )
}

/// A key that only a recording answers to.
pub(super) const fn replay(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    act: Act,
) -> Binding {
    let mut binding = bind(keys, legend, words, act, Manner::Once);
    binding.source = For::Only(Origin::Replay);
    binding
}

/// A key of training: once a press, so that nothing is answered twice by holding it.
pub(super) const fn training(
    keys: &'static [Key],
    legend: &'static str,
    words: &'static str,
    action: TrainingAction,
) -> Binding {
    let mut binding = bind(keys, legend, words, Act::Training(action), Manner::Main);
    binding.source = For::Training;
    binding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::has;

    #[test]
    fn no_key_does_two_things_for_one_source() {
        for situation in Situation::ALL {
            for key in Key::ALL {
                for shift in [false, true] {
                    let answers = KEYS
                        .iter()
                        .filter(|b| b.serves(situation) && b.answers(*key, shift));
                    assert!(answers.count() <= 1, "{key:?} with shift {shift}");
                }
            }
        }
    }

    #[test]
    fn every_key_has_words_and_a_legend() {
        for binding in KEYS {
            assert!(has(binding.words), "{}", binding.words);
            assert!(!binding.legend().starts_with("view-"), "{}", binding.legend);
        }
    }
}
