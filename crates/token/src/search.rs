//! Tokens within other bytes: in files, in logs, and in pasted text.

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
    // No token begins before the end of the previous one.
    let (mut floor, mut at) = (0, 0);
    std::iter::from_fn(move || {
        while let Some(next) = bytes.get(at..)?.iter().position(|byte| *byte == b'_') {
            at += next + 1;
            if let Some(found) = token_around(bytes, floor, at - 1) {
                (floor, at) = (found.end, found.end);
                return Some(found);
            }
        }
        None
    })
}

/// Returns the place of the token that begins at `floor` or later, and whose kind begins with the underscore at
/// `underscore`.
fn token_around(bytes: &[u8], floor: usize, underscore: usize) -> Option<Range<usize>> {
    let secret = underscore + KIND.len();
    let [kind, b'_'] = *bytes.get(underscore + 1..secret)? else { return None };
    Kind::from_letter(kind)?;
    let end = secret + SECRET_LENGTH;
    if end > bytes.len() {
        return None;
    }
    let mut starts = secret.saturating_sub(LONGEST_FRONT).max(floor)..underscore;
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
    fn two_tokens_that_share_characters_are_one() {
        let first = token(4);
        // A token whose prefix is the end of the first one's checksum, if that is a valid prefix.
        let shared = (0..20_000).map(token_of).find_map(|first| {
            let end = &first[first.len() - 2..];
            let prefix: Prefix = end.parse().ok()?;
            let other = PlainToken::generate(&prefix, Kind::Account, &Entropy::seeded(1));
            Some((first.clone(), format!("{first}{}", &other.expose()[2..])))
        });
        let (first_of_two, both) = shared.expect("some checksum ends in a prefix");
        assert_eq!(found(&both), [&first_of_two]);
        assert_eq!(found(&format!("{both}{first}")), [&first_of_two, &first]);
    }

    fn token_of(seed: u64) -> String {
        PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(seed))
            .expose()
            .to_owned()
    }

    #[test]
    fn the_longest_token_is_as_long_as_it_says() {
        assert_eq!(token(1).len(), LONGEST_TOKEN);
    }
}
