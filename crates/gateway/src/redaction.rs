//! Finding tokens in what is logged or passed on, and masking them.

use keydesk_token::PlainToken;

/// Masks tokens in a path. The logs of other systems may contain them already, but this one must not.
pub(crate) fn without_tokens(path: &str) -> String {
    let mask = |segment: &str| -> String {
        // Decoded as often as servers decode.
        let decoded = decode_leniently(&decode_leniently(segment.as_bytes()));
        if holds_token(&decoded) {
            return "[token]".to_owned();
        }
        segment.chars().filter(|c| !c.is_control()).collect()
    };
    path.split('/').map(mask).collect::<Vec<_>>().join("/")
}

/// Returns whether the bytes contain a token, or so much of one that the rest could be guessed.
pub(crate) fn holds_token(bytes: &[u8]) -> bool {
    const MOST_OF_ONE: usize = 20;
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        let kinds = [&b"_u_"[..], b"_a_", b"_m_"];
        kinds.iter().find_map(|kind| rest.strip_prefix(*kind)).is_some_and(|body| {
            body.iter().take_while(|b| b.is_ascii_alphanumeric()).count() >= MOST_OF_ONE
        })
    };
    PlainToken::is_within(bytes) || memchr::memchr_iter(b'_', bytes).any(begins)
}

/// Percent-decodes once, as lenient servers do: invalid escapes stay.
pub(crate) fn decode_leniently(once: &[u8]) -> Vec<u8> {
    let hex = |at: usize| once.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(once.len()), 0);
    while at < once.len() {
        if let (b'%', Some(high), Some(low)) = (once[at], hex(at + 1), hex(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            at += 3;
        } else {
            out.push(once[at]);
            at += 1;
        }
    }
    out
}
