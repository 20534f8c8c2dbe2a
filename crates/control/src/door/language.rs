//! Localization: the messages of `messages/`, found by ID. The language is task-local, like a request's trace, and
//! defaults to English.

use askama::filters::{Html, HtmlSafe, escape};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use keydesk_model::Language;
use rust_embed::Embed;
use std::{cell::Cell, fmt, sync::LazyLock};
use unic_langid::LanguageIdentifier;

#[derive(Embed)]
#[folder = "messages"]
struct Messages;

tokio::task_local! {
    static SPOKEN: Cell<Language>;
}

/// Runs `work` in `language`.
pub(crate) async fn speaking<F: Future>(language: Language, work: F) -> F::Output {
    SPOKEN.scope(Cell::new(language), work).await
}

/// Runs synchronous code in `language`, such as writing an email to a user of another language. See [`speaking`].
pub(crate) fn in_language<T>(language: Language, write: impl FnOnce() -> T) -> T {
    SPOKEN.sync_scope(Cell::new(language), write)
}

/// Switches the rest of the request to the language that the user chose.
pub(crate) fn switch_to(language: Language) {
    let _ = SPOKEN.try_with(|spoken| spoken.set(language));
}

pub(crate) fn spoken() -> Language {
    SPOKEN.try_with(Cell::get).unwrap_or_default()
}

/// Returns a message as plain text.
pub(crate) fn text(id: &str) -> LocalizedText<'_> {
    LocalizedText { id, arguments: FluentArgs::new() }
}

/// Returns a message as HTML, with escaped arguments.
pub(crate) fn html(id: &str) -> Markup<'_> {
    Markup(text(id))
}

/// Returns the message for an external name, if it exists.
pub(crate) fn text_if_exists(id: &str) -> Option<String> {
    bundle().has_message(id).then(|| text(id).to_string())
}

/// Returns the label of an internal value, such as a role: `role-owner`.
pub(crate) fn label(kind: &str, value: impl fmt::Display) -> String {
    text(&format!("{kind}-{value}")).to_string()
}

/// Returns the messages of the page's script as JSON, by ID without the prefix `script-`.
pub(crate) fn for_scripts() -> String {
    let said = SCRIPT_IDS.iter().map(|id| (*id, label("script", id)));
    said.collect::<serde_json::Value>().to_string()
}

const SCRIPT_IDS: [&str; 15] = [
    "copied",
    "press",
    "no-copy",
    "works",
    "unreachable",
    "no-scope",
    "all-scopes",
    "passkey-name",
    "passkey-known",
    "passkey-unable",
    "passkey-nothing",
    "one-more",
    "more",
    "one-thing",
    "long-enough",
];

#[derive(Debug)]
pub(crate) struct LocalizedText<'a> {
    id: &'a str,
    arguments: FluentArgs<'static>,
}

impl LocalizedText<'_> {
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.arguments.set(name, value.to_string());
        self
    }

    /// Sets a number, by which a message can select a plural form.
    pub fn count(mut self, name: &'static str, value: impl Number) -> Self {
        self.arguments.set(name, value.value());
        self
    }
}

impl fmt::Display for LocalizedText<'_> {
    /// Writes the ID of a missing message. A test ensures that all messages exist.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bundle = bundle();
        let Some(pattern) = bundle.get_message(self.id).and_then(|message| message.value()) else {
            return f.write_str(self.id);
        };
        let mut errors = Vec::new();
        f.write_str(&bundle.format_pattern(pattern, Some(&self.arguments), &mut errors))
    }
}

impl From<LocalizedText<'_>> for String {
    fn from(said: LocalizedText<'_>) -> Self {
        said.to_string()
    }
}

#[derive(Debug)]
pub(crate) struct Markup<'a>(LocalizedText<'a>);

impl Markup<'_> {
    pub fn with(self, name: &'static str, value: impl fmt::Display) -> Self {
        let Ok(value) = escape(value, Html);
        Self(self.0.with(name, value))
    }

    pub fn count(self, name: &'static str, value: impl Number) -> Self {
        Self(self.0.count(name, value))
    }

    /// Sets an argument that is already HTML.
    pub fn with_unescaped(self, name: &'static str, value: impl HtmlSafe) -> Self {
        Self(self.0.with(name, value))
    }
}

impl fmt::Display for Markup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HtmlSafe for Markup<'_> {}

/// A type that can be counted.
pub(crate) trait Number {
    fn value(&self) -> FluentValue<'static>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Number for $kind {
            fn value(&self) -> FluentValue<'static> {
                (*self).into()
            }
        })*
    };
}

numbers!(usize, u64, u32, i64, i32);

impl<T: Number + ?Sized> Number for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

type Bundle = FluentBundle<FluentResource>;

fn bundle() -> &'static Bundle {
    static BUNDLES: LazyLock<[Bundle; Language::ALL.len()]> =
        LazyLock::new(|| Language::ALL.map(bundle_of));
    &BUNDLES[spoken() as usize]
}

fn bundle_of(language: Language) -> Bundle {
    let id = LanguageIdentifier::from_bytes(language.as_str().as_bytes());
    let mut bundle = Bundle::new_concurrent(id.into_iter().collect());
    // Isolation marks around arguments are for bidirectional text, and all three languages are left-to-right.
    bundle.set_use_isolating(false);
    for path in Messages::iter().filter(|path| path.starts_with(language.as_str())) {
        if let Some(resource) = resource(&path) {
            let _ = bundle.add_resource(resource);
        }
    }
    bundle
}

/// Parses a file, without the messages that have errors. A test ensures that no file has any.
fn resource(path: &str) -> Option<FluentResource> {
    let file = Messages::get(path)?;
    let text = String::from_utf8(file.data.into_owned()).ok()?;
    Some(FluentResource::try_new(text).unwrap_or_else(|(resource, _)| resource))
}

#[cfg(test)]
mod tests;
