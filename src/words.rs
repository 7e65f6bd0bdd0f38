//! Every word a person reads, from the Fluent files in assets/i18n. A missing key shows itself as the key.
use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

static ENGLISH: &str = include_str!("../assets/i18n/en.ftl");

fn bundle() -> &'static FluentBundle<FluentResource> {
    static BUNDLE: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let mut bundle = FluentBundle::new_concurrent(vec![english()]);
        // Marks that isolate text direction show as boxes in most fonts.
        bundle.set_use_isolating(false);
        let resource = match FluentResource::try_new(ENGLISH.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
        bundle
    })
}

fn english() -> unic_langid::LanguageIdentifier {
    "en".parse().unwrap_or_default()
}

/// The words of `key`.
pub fn say(key: &str) -> String {
    say_with(key, &[])
}

/// The words of `key` with values put in. Values are ready-made text (numbers already rounded and with units).
pub fn say_with(key: &str, values: &[(&str, &str)]) -> String {
    let bundle = bundle();
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        return key.to_owned();
    };
    let mut arguments = FluentArgs::new();
    for (name, value) in values {
        arguments.set(
            Cow::from((*name).to_owned()),
            FluentValue::from((*value).to_owned()),
        );
    }
    let mut errors = Vec::new();
    bundle
        .format_pattern(pattern, Some(&arguments), &mut errors)
        .into_owned()
}

/// Whether a key has words, for tests.
pub fn has(key: &str) -> bool {
    bundle().has_message(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_file_has_no_syntax_error_and_no_key_twice() {
        let resource = FluentResource::try_new(ENGLISH.to_owned());
        assert!(resource.is_ok(), "syntax errors: {:?}", resource.err());
        let mut strict = FluentBundle::new_concurrent(vec![english()]);
        let resource = resource.expect("checked above");
        let doubles = strict.add_resource(resource);
        assert!(doubles.is_ok(), "keys given twice: {:?}", doubles.err());
    }

    #[test]
    fn a_missing_key_shows_itself() {
        assert_eq!(say("no-such-key"), "no-such-key");
        assert_eq!(say("source-live"), "LIVE");
    }
}
