//! The decoding of path segments, shared by scopes and by the choice of an upstream, and the looser readings of some
//! servers.

use std::borrow::Cow;

/// Returns a segment as servers understand it: decoded and without matrix parameters. Both are rare, and ambiguous
/// paths have already been rejected.
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
    // Servers that read ISO 8859-1 take invalid UTF-8 for letters; for other servers, it matches no rule.
    let text = String::from_utf8(decoded)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect());
    // Some servers take an encoded semicolon for the start of a parameter, others for a literal character.
    Cow::Owned(text.split(';').next().unwrap_or_default().to_owned())
}

/// Returns whether all servers read a text the same way: no capitals, no suffix, and nothing to decode.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/_-{}*".contains(&b);
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// Folds a name as the loosest servers compare it: ignores letter case (Express, ASP.NET, IIS), surrounding dots and
/// spaces (IIS), a trailing line feed (`$` in Python's patterns), and, to be safe, other control characters. Converts
/// to uppercase first, so that letters with two lowercase forms fold into one.
pub(super) fn fold(name: &str) -> String {
    let folded = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded
        .collect::<String>()
        .trim_matches(|c: char| c.is_control() || matches!(c, ' ' | '.'))
        .to_owned()
}

/// Returns what remains of a folded name without a possible format suffix (`export.json` in Rails).
pub(super) fn stems(folded: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 8;
    folded
        .match_indices('.')
        .take(MOST)
        .map(|(at, _)| &folded[..at])
        .filter(|stem| !stem.is_empty())
}
