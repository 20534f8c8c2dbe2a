//! Texts from elsewhere that may contain a token.

use crate::PlainToken;

/// Returns the text with each word that contains a token replaced.
pub fn without_tokens(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (before, after) = rest.split_at(word);
        out.push_str(if PlainToken::is_within(before.as_bytes()) { "[token]" } else { before });
        let other = after.find(is_word).unwrap_or(after.len());
        out.push_str(&after[..other]);
        rest = &after[other..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, Kind, Prefix};

    #[test]
    fn a_token_is_replaced_wherever_it_stands() {
        let plain = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1));
        let text = format!("{{\"authorization\":\"Bearer {}\"}} ümlaut", plain.expose());
        assert_eq!(without_tokens(&text), "{\"authorization\":\"Bearer [token]\"} ümlaut");
        assert_eq!(without_tokens(&format!("x{}y", plain.expose())), "[token]");
        assert_eq!(without_tokens("kd_u_short and nothing"), "kd_u_short and nothing");
        assert_eq!(without_tokens(""), "");
    }
}
