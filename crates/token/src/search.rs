//! Tokens within other bytes: in files, in logs, and in text that somebody pasted.

use crate::{
    Kind,
    plain::{SECRET_LENGTH, is_well_formed},
};
use std::ops::Range;

/// The maximum length of what stands before a token's secret part: the prefix, and the kind with its underscores.
const LONGEST_FRONT: usize = 16 + KIND.len();
/// The form of the kind.
const KIND: &str = "_a_";
/// The maximum length of a token.
pub const LONGEST_TOKEN: usize = LONGEST_FRONT + SECRET_LENGTH;

/// Returns the places of all tokens in the bytes, with anything before and after them. The checksum excludes other text
/// that looks like a token.
pub fn find_tokens(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(next) = bytes.get(at..)?.iter().position(|byte| *byte == b'_') {
            at += next + 1;
            if let Some(found) = token_around(bytes, at - 1) {
                at = found.end;
                return Some(found);
            }
        }
        None
    })
}

/// Returns the place of the token whose kind begins with the underscore at `underscore`.
fn token_around(bytes: &[u8], underscore: usize) -> Option<Range<usize>> {
    let secret = underscore + KIND.len();
    let [kind, b'_'] = *bytes.get(underscore + 1..secret)? else { return None };
    Kind::from_letter(kind)?;
    let end = secret + SECRET_LENGTH;
    if end > bytes.len() {
        return None;
    }
    let mut starts = secret.saturating_sub(LONGEST_FRONT)..underscore;
    starts.find(|start| is_well_formed(&bytes[*start..end])).map(|start| start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, PlainToken, Prefix};

    fn token(seed: u64) -> String {
        let prefix: Prefix = if seed.is_multiple_of(2) { "kd" } else { "a234567890123456" }
            .parse()
            .expect("a prefix");
        PlainToken::generate(&prefix, Kind::Account, &Entropy::seeded(seed)).expose().to_owned()
    }

    fn found(text: &str) -> Vec<&str> {
        find_tokens(text.as_bytes()).map(|place| &text[place]).collect()
    }

    #[test]
    fn every_token_is_found_where_it_stands() {
        let (first, second) = (token(1), token(2));
        let text = format!("A={first}\nx{second}{first}_a_ {second}");
        assert_eq!(found(&text), [&first, &second, &first, &second]);
        assert_eq!(found(&first[1..]), Vec::<&str>::new());
        assert_eq!(found(&first[..first.len() - 1]), Vec::<&str>::new());
        assert!(
            found("").is_empty() && found("_a_").is_empty() && found(&"_".repeat(99)).is_empty()
        );
    }

    #[test]
    fn the_longest_token_is_as_long_as_it_says() {
        assert_eq!(token(1).len(), LONGEST_TOKEN);
    }
}
