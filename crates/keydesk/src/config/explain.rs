//! Error messages for an invalid configuration file, which name the key and the fix.

use super::{
    environment::{self, is_top_level},
    file::Source,
};

/// The minimum similarity of a name for it to be suggested.
const ALIKE: f64 = 0.6;

/// Returns the message of a TOML error, prefixed with its location.
pub(super) fn explain(source: &Source, error: &toml::de::Error) -> String {
    let offset = error.span().map_or(0, |span| span.start);
    let place = source.place("", offset);
    let place = place.trim_end_matches(": ");
    let message = error.message().replace("expected u64", "expected a whole number");
    let message = message.replace("expected f64", "expected a number");
    if let Some(key) = between(&message, "unknown field `", "`") {
        return format!("{place}: {}", unknown(source, offset, key, &message));
    }
    let line = source.text.get(offset..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if let Some(table) = line.trim().strip_prefix('[') {
        let table = table.split('#').next().unwrap_or_default().trim().trim_matches(['[', ']']);
        return match environment::section_like(table) {
            Some(name) if message.starts_with("invalid type") => {
                format!("{place}: there is no table [[{table}]]; did you mean [[{name}]]?")
            }
            _ => format!("{place}: [{table}]: {message}"),
        };
    }
    match key_at(source, offset) {
        Some(key) if message.starts_with("invalid ") => format!("{place}: {key}: {message}"),
        _ => format!("{place}: {message}"),
    }
}

fn unknown(source: &Source, offset: usize, key: &str, message: &str) -> String {
    let table = table_at(source, offset);
    if let Some(table) = table
        && is_top_level(key)
    {
        return format!(
            "{key} stands under [{table}], where TOML takes it for a key of that table. Move it above the first line in brackets"
        );
    }
    let expected = message.split_once("expected ").map_or("", |(_, expected)| expected);
    let known = expected.split('`').skip(1).step_by(2);
    let alike = |name: &str| strsim::normalized_damerau_levenshtein(key, name);
    let nearest = known.map(|name| (alike(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    let elsewhere = environment::sections_with(key);
    match (nearest, elsewhere.as_slice()) {
        (Some((alike, name)), _) if alike >= ALIKE => {
            format!("there is no key “{key}” here; did you mean “{name}”?")
        }
        (_, [section]) => format!("there is no key “{key}” here; it belongs under [{section}]"),
        _ => format!("there is no key “{key}” here; {}", expected_of(expected)),
    }
}

fn expected_of(expected: &str) -> String {
    let names: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    if names.is_empty() {
        "none is known".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split(end).next()
}

/// Returns the table that contains an offset, or `None` for the top level.
fn table_at(source: &Source, offset: usize) -> Option<&str> {
    let before = source.text.get(..offset)?;
    let header = before.lines().rev().map(str::trim).find(|line| line.starts_with('['))?;
    Some(header.split('#').next()?.trim().trim_matches(['[', ']']))
}

/// Returns the key of the value at an offset.
fn key_at(source: &Source, offset: usize) -> Option<String> {
    let start = source.text.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let (key, _) = source.text.get(start..)?.lines().next()?.split_once('=')?;
    let key = key.trim();
    let is_key =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let table = table_at(source, offset);
    is_key.then(|| table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::File;
    use std::path::PathBuf;

    #[test]
    fn a_mistake_is_told_with_its_key_and_what_to_do() {
        for (text, says) in [
            (
                "upsteam = \"http://a\"",
                "k.toml:1: there is no key “upsteam” here; did you mean “upstream”?",
            ),
            (
                "[limits]\nmax_body_bytes = 1\nupstream = \"http://a\"",
                "k.toml:3: upstream stands under [limits], where TOML takes it for a key of that table. Move it above the first line in brackets",
            ),
            (
                "[limits]\nmax_body_bytes = \"1\"",
                "k.toml:2: limits.max_body_bytes: invalid type: string \"1\", expected a whole number",
            ),
            (
                "sign_up = \"yes\"",
                "k.toml:1: sign_up: invalid type: string \"yes\", expected a boolean",
            ),
            (
                "max_body_bytes = 1",
                "k.toml:1: there is no key “max_body_bytes” here; it belongs under [limits]",
            ),
        ] {
            let source = Source { path: PathBuf::from("k.toml"), text: text.to_owned() };
            let error = toml::from_str::<File>(text).expect_err(text);
            assert_eq!(explain(&source, &error), says);
        }
    }
}
