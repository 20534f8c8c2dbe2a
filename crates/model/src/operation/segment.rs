//! One reading of a path's segments, for scopes and for the choice of an upstream alike, and the looser readings
//! that some servers give them.

use std::borrow::Cow;

/// A segment as servers understand it: decoded, without matrix parameters. Both are rare, and what servers could
/// understand in two ways has been rejected before.
pub fn segment_name(segment: &str) -> Cow<'_, str> {
    let name = segment.split(';').next().unwrap_or_default();
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let digits = (byte == b'%').then(|| (bytes.next(), bytes.next()));
        match digits {
            Some((Some(high), Some(low))) => {
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                decoded.push(digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0));
            }
            _ => decoded.push(byte),
        }
    }
    // What is not UTF-8 is letters to servers that read ISO 8859-1, and to the others nothing that a rule could name.
    let text = String::from_utf8(decoded)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect());
    // An encoded semicolon begins a parameter for one server and is a letter to the next.
    Cow::Owned(text.split(';').next().unwrap_or_default().to_owned())
}

/// Whether a text reads the same everywhere: no capitals, no suffix, nothing to decode.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/_-{}*".contains(&b);
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// A name as the loosest servers compare it: letter case does not count (Express, ASP.NET, IIS), nor do dots
/// and blanks around it (IIS), nor a line feed behind it (`$` in Python's patterns), nor other control characters
/// to be safe. Capitals first, so that letters with two small forms fold into one.
pub(super) fn fold(name: &str) -> String {
    let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded
        .collect::<String>()
        .trim_matches(|c: char| c.is_control() || matches!(c, ' ' | '.'))
        .to_owned()
}

/// What is left of a folded name without what could be a format suffix (`export.json` in Rails).
pub(super) fn stems(folded: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 8;
    folded
        .match_indices('.')
        .take(MOST)
        .map(|(at, _)| &folded[..at])
        .filter(|stem| !stem.is_empty())
}
