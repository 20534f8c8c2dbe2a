//! A token in plain text: `<prefix>_<kind>_<32 random base62><6 base62 of CRC32>`.

use crate::{Entropy, Kind, Prefix, TokenHash, base62, find_tokens};
use std::fmt;
use zeroize::Zeroizing;

const RANDOM: usize = 32;
const CHECKSUM: usize = 6;
/// The length of a token after its prefix and kind.
pub(crate) const SECRET_LENGTH: usize = RANDOM + CHECKSUM;

/// A pattern for secret scanners, which matches every token with the default prefix.
pub const SCANNER_PATTERN: &str = r"\bkd_[uam]_[0-9A-Za-z]{38}\b";

/// A usable token. It has no `Display`, its `Debug` is redacted, and its memory is wiped; [`PlainToken::expose`] marks
/// each place where it leaves the process.
#[derive(Clone)]
pub struct PlainToken(Zeroizing<String>);

/// An error for text without the format of a token or with a wrong checksum, because it was truncated or mistyped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a complete token")]
pub struct MalformedToken;

impl PlainToken {
    /// Returns a new token with 190 bits from `entropy` (32 characters of base62).
    pub fn generate(prefix: &Prefix, kind: Kind, entropy: &Entropy) -> Self {
        let random = Zeroizing::new(base62::random::<RANDOM>(entropy));
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(prefix.as_str());
        text.push('_');
        text.push(kind.letter());
        text.push('_');
        text.extend(random.iter().copied().map(char::from));
        let checksum = base62::encode_u32(crc32fast::hash(text.as_bytes()));
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// Parses a token. Accepts any vendor prefix, so that a changed prefix invalidates no token. Malformed text is
    /// rejected here, without a lookup.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if is_well_formed(text.as_bytes()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(MalformedToken)
        }
    }

    /// Hashes a presented token without copying it.
    pub fn hash_presented(text: &str) -> Result<TokenHash, MalformedToken> {
        Self::hash_presented_bytes(text.as_bytes())
    }

    /// Hashes presented bytes as [`PlainToken::hash_presented`] does.
    pub fn hash_presented_bytes(bytes: &[u8]) -> Result<TokenHash, MalformedToken> {
        if is_well_formed(bytes) { Ok(TokenHash::of(bytes)) } else { Err(MalformedToken) }
    }

    /// Returns whether the bytes contain a whole token, with anything before and after it.
    pub fn is_within(bytes: &[u8]) -> bool {
        find_tokens(bytes).next().is_some()
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    /// Returns the secret, only for the page that shows it and the cipher that encrypts it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the kind, which is only a label: see [`Kind`].
    pub fn kind(&self) -> Option<Kind> {
        let letter = self.0.len().checked_sub(SECRET_LENGTH + "u_".len())?;
        Kind::from_letter(self.0.as_bytes()[letter])
    }

    /// Returns the last four characters, by which users distinguish their tokens. They belong to the checksum, and
    /// more than 160 bits remain to be guessed.
    pub fn hint(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// Returns whether a text looks like a masked token of this kind.
    pub fn is_masked(text: &str, kind: Kind) -> bool {
        let Some((front, hint)) = text.split_once("••••••••") else { return false };
        let prefix = front.strip_suffix(['_']).and_then(|front| front.strip_suffix(kind.letter()));
        let prefix = prefix.and_then(|front| front.strip_suffix('_'));
        prefix.is_some_and(|prefix| Prefix::is_valid(prefix.as_bytes()))
            && hint.len() == 4
            && hint.bytes().all(base62::is_digit)
    }

    /// Returns the masked token: `kd_u_••••••••3fQ9`.
    pub fn masked(&self) -> String {
        let start = self.0.rfind('_').map_or(0, |at| at + 1);
        format!("{}••••••••{}", &self.0[..start], self.hint())
    }
}

/// Checks for `prefix _ kind _ body`, parsed from the end, where the lengths are known. The checksum is checked last,
/// because it costs the most.
pub(crate) fn is_well_formed(bytes: &[u8]) -> bool {
    let Some(start) = bytes.len().checked_sub(SECRET_LENGTH) else { return false };
    let (front, body) = bytes.split_at(start);
    let Some((prefix, kind)) = front
        .strip_suffix(b"_")
        .and_then(|front| front.split_last())
        .and_then(|(kind, front)| Some((front.strip_suffix(b"_")?, *kind)))
    else {
        return false;
    };
    if Kind::from_letter(kind).is_none()
        || !Prefix::is_valid(prefix)
        // Doesn't stop early, so that the loop can be vectorized.
        || !body.iter().fold(true, |all, byte| all & base62::is_digit(*byte))
    {
        return false;
    }
    let (signed, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    base62::encode_u32(crc32fast::hash(signed)) == checksum
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(seed: u64, kind: Kind) -> PlainToken {
        PlainToken::generate(&Prefix::default(), kind, &Entropy::seeded(seed))
    }

    #[test]
    fn a_token_has_the_documented_shape() {
        let token = token(7, Kind::User);
        assert_eq!(token.expose().len(), 43);
        assert!(token.expose().starts_with("kd_u_"));
        assert_eq!(token.masked(), format!("kd_u_••••••••{}", token.hint()));
    }

    /// A text with a right checksum, whatever else is wrong with it.
    fn signed(front: &str, random: &str) -> String {
        let text = format!("{front}{random}");
        let checksum = base62::encode_u32(crc32fast::hash(text.as_bytes()));
        text + std::str::from_utf8(&checksum).expect("ASCII")
    }

    #[test]
    fn a_right_checksum_makes_no_other_format_a_token() {
        let random = "0123456789abcdefghijABCDEFGHIJxy";
        for front in ["kd_u_", "kd_a_", "k9_a_", "a234567890123456_u_"] {
            assert!(PlainToken::parse(&signed(front, random)).is_ok(), "{front}");
        }
        for front in [
            "k_u_",
            "9k_u_",
            "kD_u_",
            "a2345678901234567_u_",
            "kd_x_",
            "kd-u_",
            "kd_u-",
            "_u_",
            "u_",
            "",
        ] {
            assert!(PlainToken::parse(&signed(front, random)).is_err(), "{front}");
        }
        for at in 0..32 {
            let mut wrong = random.to_owned();
            wrong.replace_range(at..=at, "!");
            assert!(PlainToken::parse(&signed("kd_u_", &wrong)).is_err(), "{wrong}");
            // Two errors don't make up for each other.
            wrong.replace_range(31 - at / 2..=31 - at / 2, "!");
            assert!(PlainToken::parse(&signed("kd_u_", &wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_found_with_the_shortest_and_the_longest_prefix_only() {
        let random = "0123456789abcdefghijABCDEFGHIJxy";
        let is_within = |text: &str| PlainToken::is_within(text.as_bytes());
        for front in ["kd_u_", "a234567890123456_a_"] {
            let text = signed(front, random);
            for text in [text.clone(), format!("?key={text}&x"), format!("_u_ _a_{text}_u_")] {
                assert!(is_within(&text), "{text}");
            }
        }
        // Its checksum belongs to a longer text.
        assert!(!is_within(&signed("a2345678901234567_a_", random)));
        for text in ["", "_u_", "kd_u_", &"_".repeat(50), &"a".repeat(50), &"_u_".repeat(20)] {
            assert!(!is_within(text), "{text}");
        }
        assert!(!is_within(&signed("kd-u_", random)) && !is_within(&signed("kd_u-", random)));
        assert!(!is_within(&signed("kd_x_", random)));
    }

    #[test]
    fn a_masked_token_is_recognized_by_its_kind() {
        let masked = token(7, Kind::Account).masked();
        assert!(PlainToken::is_masked(&masked, Kind::Account));
        assert!(!PlainToken::is_masked(&masked, Kind::Management));
        for wrong in [
            "",
            "kd_a_",
            "kd_a_••••••••",
            "kd_a_••••••••3fQ",
            "kd_a_••••••••3fQ99",
            "kd_a_•••3fQ9",
            "_a_••••••••3fQ9",
            "kd_a_••••••••3f<9",
        ] {
            assert!(!PlainToken::is_masked(wrong, Kind::Account), "{wrong}");
        }
    }

    #[test]
    fn the_hint_is_the_end() {
        let token = token(7, Kind::User);
        assert_eq!(token.hint(), &token.expose()[39..]);
    }

    #[test]
    fn debug_output_tells_nothing() {
        assert_eq!(format!("{:?}", token(1, Kind::Account)), "PlainToken(redacted)");
    }

    proptest! {
        #[test]
        fn what_was_made_parses_to_the_same_hash(seed: u64, account: bool) {
            let made = token(seed, if account { Kind::Account } else { Kind::User });
            let parsed = PlainToken::parse(made.expose()).expect("own tokens parse");
            prop_assert_eq!(parsed.hash(), made.hash());
            prop_assert_eq!(PlainToken::hash_presented(made.expose()).expect("parses"), made.hash());
        }

        #[test]
        fn a_token_is_found_in_whatever_it_stands(seed: u64, before in "[ -~]{0,20}", behind in "[ -~]{0,20}") {
            let made = token(seed, Kind::User);
            let text = [&*before, made.expose(), &*behind].concat();
            prop_assert!(PlainToken::is_within(text.as_bytes()));
            let part = &made.expose()[..made.expose().len() - 1];
            prop_assert!(!PlainToken::is_within(part.as_bytes()));
        }

        #[test]
        fn any_flipped_character_is_rejected(seed: u64, at in 0usize..43, with in "[ -~]") {
            let made = token(seed, Kind::Account);
            let mut text = made.expose().to_owned();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert_eq!(PlainToken::hash_presented(&text), Err(MalformedToken));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = PlainToken::parse(&text);
        }

        #[test]
        fn a_token_cut_short_is_rejected(seed: u64, keep in 0usize..43) {
            prop_assert!(PlainToken::parse(&token(seed, Kind::User).expose()[..keep]).is_err());
        }
    }
}
