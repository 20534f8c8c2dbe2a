//! The languages of the console and its email.

use crate::text_form::text_form;
use std::fmt;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    #[default]
    English,
    Spanish,
    Portuguese,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("languages are en, es and pt")]
pub struct LanguageError;

text_form!(Language, LanguageError = LanguageError, {
    English = "en",
    Spanish = "es",
    Portuguese = "pt",
});

impl Language {
    /// Returns the language's own name for itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
            Self::Portuguese => "Português",
        }
    }

    /// Returns the supported language that an `Accept-Language` header (RFC 9110, section 12.5.4) prefers: `pt-BR`
    /// selects Portuguese. If several are equally preferred, the first one wins; without a match, the result is
    /// English.
    pub fn accepted(header: &str) -> Self {
        let ranges = header.split(',').filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
            let language = tag.trim().split('-').next()?.to_ascii_lowercase().parse().ok()?;
            (weight > 0.0).then_some((language, weight))
        });
        ranges
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map_or_else(Self::default, |(language, _)| language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_wishes_are_heard_in_their_order() {
        for (header, language) in [
            ("", Language::English),
            ("es", Language::Spanish),
            ("es-MX,es;q=0.9,en;q=0.8", Language::Spanish),
            ("pt-BR, en;q=0.7", Language::Portuguese),
            ("de-DE,de;q=0.9,pt;q=0.4,en;q=0.2", Language::Portuguese),
            ("en;q=0.5, ES ; q=0.8", Language::Spanish),
            ("en, es", Language::English),
            ("es;q=0, pt;q=0.1", Language::Portuguese),
            ("fr, *;q=0.5", Language::English),
            ("es;q=nan, ;;,q=1, pt;q=", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
