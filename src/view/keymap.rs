//! Keys as the user wants them: what was chosen stands before the table, and no key does two things.
use std::collections::BTreeMap;

use egui::Key;

use super::keys::{Binding, KEYS, Situation};
use crate::words::say;

/// A key with or without the shift key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press {
    pub(super) key: Key,
    pub(super) shift: bool,
}

impl Press {
    /// As it is saved: `F9`, `Shift+F9`.
    fn saved(self) -> String {
        let shift = if self.shift { "Shift+" } else { "" };
        format!("{shift}{}", self.key.name())
    }

    fn read(text: &str) -> Option<Self> {
        let (shift, name) = match text.strip_prefix("Shift+") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let key = Key::from_name(name)?;
        Some(Self { key, shift })
    }

    /// As a person reads it.
    pub(super) fn legend(self) -> String {
        let name = self.key.symbol_or_name();
        if self.shift {
            format!("{} {name}", say("view-cap-shift"))
        } else {
            name.to_owned()
        }
    }

    /// Keys that the window itself needs: out of everything, and between controls.
    pub(super) fn is_kept(self) -> bool {
        matches!(self.key, Key::Escape | Key::Tab)
    }
}

/// Which key does what.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct KeyMap {
    chosen: BTreeMap<&'static str, Press>,
}

impl KeyMap {
    /// From saved settings; what names no action or no key, or a key twice, is passed over.
    pub(super) fn of(saved: &BTreeMap<String, String>) -> Self {
        let mut map = Self::default();
        let known = |name: &str| KEYS.iter().find(|b| b.is_editable() && b.name() == name);
        // Two that have changed places are taken together: each is free once the other has its new key.
        for (name, text) in saved {
            if let Some(binding) = known(name)
                && let Some(press) = Press::read(text).filter(|press| !press.is_kept())
            {
                map.chosen.insert(binding.name(), press);
            }
        }
        for binding in KEYS {
            let press = map.chosen.get(binding.name()).copied();
            if press.is_some_and(|press| map.taken_by(press, binding).is_some()) {
                map.chosen.remove(binding.name());
            }
        }
        map
    }

    /// As they are saved.
    pub(super) fn saved(&self) -> BTreeMap<String, String> {
        let saved = |(name, press): (&&str, &Press)| ((*name).to_owned(), press.saved());
        self.chosen.iter().map(saved).collect()
    }

    /// The key of a binding as a person reads it.
    pub(super) fn legend(&self, binding: &Binding) -> String {
        let chosen = self.chosen.get(binding.name());
        chosen.map_or_else(|| binding.legend(), |press| press.legend())
    }

    fn answers(&self, binding: &Binding, press: Press) -> bool {
        match self.chosen.get(binding.name()) {
            Some(chosen) => *chosen == press,
            None => binding.answers(press.key, press.shift),
        }
    }

    /// What a press does in this situation.
    pub(super) fn find(&self, press: Press, situation: Situation) -> Option<&'static Binding> {
        KEYS.iter()
            .find(|b| b.serves(situation) && self.answers(b, press))
    }

    /// Another binding that this key belongs to where both count.
    fn taken_by(&self, press: Press, binding: &Binding) -> Option<&'static Binding> {
        KEYS.iter().find(|other| {
            let meet = Situation::ALL
                .iter()
                .any(|s| other.serves(*s) && binding.serves(*s));
            other.name() != binding.name() && meet && self.answers(other, press)
        })
    }

    /// Gives a binding another key; refused with what the key does already.
    pub(super) fn assign(
        &mut self,
        binding: &'static Binding,
        press: Press,
    ) -> Result<(), &'static Binding> {
        if let Some(other) = self.taken_by(press, binding) {
            return Err(other);
        }
        if binding.answers(press.key, press.shift) {
            self.chosen.remove(binding.name());
        } else {
            self.chosen.insert(binding.name(), press);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Origin;

    const PLAIN: Situation = Situation {
        origin: Origin::Live,
        is_training: false,
    };

    fn press(key: Key) -> Press {
        Press { key, shift: false }
    }

    fn named(name: &str) -> &'static Binding {
        KEYS.iter().find(|b| b.name() == name).expect("known")
    }

    #[test]
    fn a_key_that_is_chosen_takes_the_place_of_the_old_one_and_is_read_back() {
        let mut map = KeyMap::default();
        let freeze = named("freeze");
        assert!(map.assign(freeze, press(Key::F12)).is_ok());
        let found = |map: &KeyMap, key| map.find(press(key), PLAIN).map(Binding::name);
        assert_eq!(found(&map, Key::F12), Some("freeze"));
        assert_eq!(found(&map, Key::Space), None);
        assert_eq!(KeyMap::of(&map.saved()), map);
        assert_eq!(map.legend(freeze), "F12");
        // Back to its own key: nothing is left to remember.
        assert!(map.assign(freeze, press(Key::Space)).is_ok());
        assert_eq!(map, KeyMap::default());
    }

    #[test]
    fn a_key_that_does_something_already_is_refused_with_what_it_does() {
        let mut map = KeyMap::default();
        let other = map
            .assign(named("freeze"), press(Key::F))
            .expect_err("taken");
        assert_eq!(other.name(), "flip");
        assert_eq!(map, KeyMap::default());
        // Keys that never count at the same time do not meet.
        assert!(map.assign(named("train-no-port"), press(Key::K)).is_ok());
        assert!(map.assign(named("restart"), press(Key::F5)).is_ok());
    }

    #[test]
    fn saved_keys_that_make_no_sense_or_meet_others_are_passed_over() {
        let saved = [
            ("freeze", "F"),
            ("nonsense", "F12"),
            ("snapshot", "NoSuchKey"),
            ("marks", "Escape"),
            ("flip", "Shift+F11"),
        ];
        let saved = saved
            .map(|(name, key)| (name.to_owned(), key.to_owned()))
            .into();
        let map = KeyMap::of(&saved);
        // F is free once flip has another key.
        let names: Vec<&str> = map.chosen.keys().copied().collect();
        assert_eq!(names, ["flip", "freeze"]);
    }

    #[test]
    fn every_name_is_given_once() {
        for binding in KEYS {
            let same = KEYS.iter().filter(|b| b.name() == binding.name());
            assert_eq!(same.count(), 1, "{}", binding.name());
        }
    }
}
