//! What is typed: keys become what the table of keys says they ask for.
use egui::{Event, Key};

use super::keymap::Press;
use super::keys::Situation;
use super::scene::{Act, Actions, Change, Display, Setting, Sheet};

/// Turns the keys pressed since the last repaint into what they ask for.
///
/// While a sheet is open only the keys that close it count. Space freezes even when a button has the focus (Enter
/// presses it); the arrows stay with a focused widget; while figures are typed no key counts.
pub(super) fn read(
    context: &egui::Context,
    situation: Situation,
    display: &Display,
    actions: &mut Actions,
) {
    if context.text_edit_focused() {
        return;
    }
    let sheet = display.sheet;
    let focused = context.memory(|memory| memory.focused().is_some());
    context.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key {
                key,
                pressed,
                repeat,
                modifiers,
                ..
            } = event
            else {
                return true;
            };
            if modifiers.ctrl || modifiers.alt || modifiers.command {
                return true;
            }
            if display.listening.is_some() {
                if *pressed && !*repeat {
                    listen(*key, modifiers.shift, actions);
                }
                return false;
            }
            if focused && belongs_to_the_focus(*key) {
                return true;
            }
            if let Some(sheet) = sheet {
                if *pressed && !*repeat {
                    close_by_key(sheet, *key, actions);
                }
                // The connection screen has controls of its own, which Space and Enter press.
                return matches!(sheet, Sheet::Sources | Sheet::Settings)
                    || !matches!(key, Key::Space | Key::Enter | Key::Escape);
            }
            let press = Press {
                key: *key,
                shift: modifiers.shift,
            };
            let binding = display.keys.find(press, situation);
            let Some(binding) = binding else { return true };
            if *binding.act() == Act::MoveFocus {
                return true;
            }
            if *pressed && (!*repeat || binding.repeats()) {
                actions.ask(binding.act().clone());
            }
            false
        });
    });
}

/// The keys that take the first nine rows of the connection screen.
const ROWS: [Key; 9] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

/// The new key of an action; Escape leaves the old one.
fn listen(key: Key, shift: bool, actions: &mut Actions) {
    let press = Press { key, shift };
    actions.ask(Act::Set(if press.is_kept() {
        Setting::StopListening
    } else {
        Setting::Press(press)
    }));
}

fn belongs_to_the_focus(key: Key) -> bool {
    matches!(
        key,
        Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown | Key::Enter
    )
}

fn close_by_key(sheet: Sheet, key: Key, actions: &mut Actions) {
    match (sheet, key) {
        (Sheet::Notice, Key::Enter) => actions.ask(Act::Acknowledge),
        (Sheet::Sources | Sheet::Settings, Key::Escape) => actions.ask(Act::Display(Change::Close)),
        (Sheet::Sources, _) => {
            let row = ROWS.iter().position(|digit| *digit == key);
            if let Some(row) = row {
                actions.ask(Act::PickSource(row + 1));
            }
        }
        (Sheet::Keys, Key::Escape | Key::Questionmark | Key::Slash | Key::Enter)
        | (Sheet::Emergency, Key::Escape | Key::E | Key::Enter) => {
            actions.ask(Act::Display(Change::Close));
        }
        _ => {}
    }
}
