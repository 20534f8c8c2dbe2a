//! Common guesses: 19,640 leaked passwords, each alone, repeated, or two in a row.

use std::{collections::HashSet, sync::LazyLock};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../vendor/common-passwords.txt").lines().collect());

/// Returns the text in lower case without accents, so that spelling variants match.
pub(super) fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase()
}

/// Returns the common part that a lower-case password consists of, if there is one.
pub(super) fn find_common(password: &str) -> Option<String> {
    if COMMON.contains(password) {
        return Some(password.to_owned());
    }
    repeated_unit(password).or_else(|| first_of_two(password)).map(str::to_owned)
}

/// Returns the shortest unit that makes up the password by repetition, if the unit is short or common.
fn repeated_unit(password: &str) -> Option<&str> {
    let length = password.len();
    (1..=length / 2)
        .filter(|size| length.is_multiple_of(*size) && password.is_char_boundary(*size))
        .map(|size| &password[..size])
        .find(|unit| unit.repeat(length / unit.len()) == password)
        .filter(|unit| unit.chars().count() <= 4 || COMMON.contains(unit))
}

/// Returns the first of two common passwords that make up this one.
fn first_of_two(password: &str) -> Option<&str> {
    (4..password.len().saturating_sub(3))
        .filter(|at| password.is_char_boundary(*at))
        .map(|at| password.split_at(at))
        .find(|(first, second)| COMMON.contains(first) && COMMON.contains(second))
        .map(|(first, _)| first)
}

/// Returns a word that others know, if the password has fewer than eight characters besides it. Punctuation and spaces
/// within the word are ignored.
pub(super) fn find_personal(password: &str, words: &[&str]) -> Option<String> {
    let joined = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let bare = joined(password);
    let left_without = |text: &str, word: &str| {
        let taken = text.chars().count() - text.replace(word, "").chars().count();
        password.chars().count() - taken
    };
    let reveals = |text: &str, word: &str| {
        word.chars().count() >= 4 && text.contains(word) && left_without(text, word) < 8
    };
    words.iter().map(|word| folded(word)).find_map(|word| {
        let own = joined(&word);
        let whole = reveals(password, &word).then_some(word);
        whole.or_else(|| reveals(&bare, &own).then_some(own))
    })
}
