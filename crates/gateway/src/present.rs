//! The bearer token of a request, with specific rejections for the mistakes that real clients make.

use crate::{
    Rejection,
    settings::TokenPlaces,
    wire::{Kind, Noted},
};
use keydesk_token::{PlainToken, TokenHash};

/// A well-formed token, which is not necessarily known.
#[derive(Debug)]
pub struct Presented(pub(crate) TokenHash);

/// The prefix of the subprotocol that carries a token, and a second subprotocol that a server can accept.
const PROTOCOL_WITH_TOKEN: &[u8] = b"keydesk.bearer.";
pub(crate) const OWN_PROTOCOL: &[u8] = b"keydesk";

/// Returns whether a subprotocol is for Keydesk and not for the upstream.
pub(crate) fn is_ours(protocol: &[u8]) -> bool {
    let start = protocol.get(..PROTOCOL_WITH_TOKEN.len()).unwrap_or_default();
    protocol.eq_ignore_ascii_case(OWN_PROTOCOL) || start.eq_ignore_ascii_case(PROTOCOL_WITH_TOKEN)
}

/// Returns whether the client offers Keydesk's own subprotocol, which is not secret.
pub(crate) fn offers_own_protocol(noted: &Noted) -> bool {
    noted.says(Kind::WebSocketProtocol, "keydesk")
}

impl Presented {
    /// Returns the one token of a request, from `Authorization` or another configured place, but never from the URL.
    pub(crate) fn of(
        noted: &Noted,
        places: TokenPlaces,
        is_websocket: bool,
    ) -> Result<Self, Rejection> {
        let authorization = noted.authorization;
        let key = noted.api_key.first.filter(|_| places.api_key);
        let is_read = places.websocket && is_websocket;
        let protocol = is_read.then(|| tokens_among_protocols(noted).next()).flatten();
        let protocols = if is_read { tokens_among_protocols(noted).count() } else { 0 };
        let others = usize::from(key.is_some()) + protocols;
        if others == 0 {
            let value = authorization.first;
            return match value.filter(|_| places.basic).and_then(user_of_basic) {
                Some(user) if authorization.count == 1 => Self::alone(&user),
                _ => Self::in_field(value, authorization.count),
            };
        }
        let is_repeated = places.api_key && noted.api_key.count > 1;
        if authorization.count > 0 || others > 1 || is_repeated {
            return Err(Rejection::DuplicateAuthorization);
        }
        Self::alone(key.or(protocol).unwrap_or_default())
    }

    /// Parses a token without surrounding characters.
    fn alone(token: &[u8]) -> Result<Self, Rejection> {
        let token = token.trim_ascii();
        if token.is_empty() {
            return Err(Rejection::EmptyToken);
        }
        if !token.is_ascii() {
            return Err(unreadable(token));
        }
        PlainToken::hash_presented_bytes(token).map(Self).map_err(|_| Rejection::MalformedToken)
    }

    /// Parses RFC 6750 section 2.1: one `Authorization: Bearer b64token` with the scheme in any case, followed by one
    /// or more spaces. `value` is that of the first such field, `count` their number.
    pub fn in_field(value: Option<&[u8]>, count: usize) -> Result<Self, Rejection> {
        let value = value.ok_or(Rejection::MissingToken)?;
        if count > 1 {
            return Err(Rejection::DuplicateAuthorization);
        }
        // The form of nearly all requests.
        if let Some(token) = value.strip_prefix(b"Bearer ") {
            if let Ok(hash) = PlainToken::hash_presented_bytes(token) {
                return Ok(Self(hash));
            }
            // Garbage must be cheap to reject; only likely mistakes are examined more closely.
            if is_one_word(token) && !token.eq_ignore_ascii_case(b"bearer") {
                return Err(Rejection::MalformedToken);
            }
        }
        Self::in_other_spelling(value)
    }

    #[cold]
    fn in_other_spelling(value: &[u8]) -> Result<Self, Rejection> {
        let is_text = value.iter().all(|b| matches!(b, b' '..=b'~' | b'\t'));
        let Some(text) = std::str::from_utf8(value).ok().filter(|_| is_text) else {
            return Err(unreadable(value));
        };
        let text = text.trim_matches(' ');
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim_start_matches(' ');
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(without_bearer(scheme, rest));
        }
        if rest.is_empty() {
            return Err(Rejection::EmptyToken);
        }
        if rest.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
            return Err(Rejection::DuplicateBearerScheme);
        }
        if is_variable(rest) {
            return Err(Rejection::UnexpandedVariable);
        }
        if !is_b64token(rest) {
            return Err(Rejection::MalformedHeader);
        }
        PlainToken::hash_presented(rest).map(Self).map_err(|_| Rejection::MalformedToken)
    }
}

/// Returns the user name of RFC 7617 if it could be a token. The password is ignored.
fn user_of_basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded.trim_ascii());
    decoded.ok()?.split(|byte| *byte == b':').next().map(<[u8]>::to_vec)
}

fn tokens_among_protocols<'a>(noted: &Noted<'a>) -> impl Iterator<Item = &'a [u8]> {
    noted
        .of_kind(Kind::WebSocketProtocol)
        .flat_map(|line| line.split(|byte| *byte == b','))
        .filter_map(|protocol| protocol.trim_ascii().strip_prefix(PROTOCOL_WITH_TOKEN))
}

/// Returns whether every character is allowed in a token68. No early exit, so that it can be vectorized.
fn is_one_word(text: &[u8]) -> bool {
    let is_inner =
        |b: u8| b.is_ascii_alphanumeric() | matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !text.is_empty() && text.iter().fold(true, |all, b| all & is_inner(*b))
}

/// Rejects bytes outside ASCII, most likely the dots of a masked token.
fn unreadable(value: &[u8]) -> Rejection {
    let is_masked = std::str::from_utf8(value).is_ok_and(|text| text.contains('•'));
    if is_masked { Rejection::MaskedToken } else { Rejection::MalformedHeader }
}

fn without_bearer(scheme: &str, rest: &str) -> Rejection {
    if rest.is_empty() && PlainToken::hash_presented(scheme).is_ok() {
        Rejection::MissingBearerScheme
    } else if rest.is_empty() || scheme.is_empty() || !scheme.bytes().all(is_scheme_char) {
        Rejection::MalformedHeader
    } else {
        Rejection::UnsupportedAuthScheme
    }
}

fn is_scheme_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns whether the text is an unexpanded variable of a shell or tool: `$TOKEN`, `${TOKEN}`, `$env:TOKEN`,
/// `%TOKEN%`, or `{{token}}`.
fn is_variable(text: &str) -> bool {
    let is_name = |name: &str| {
        let name = name.trim();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
    };
    let within = |open: &str, close: &str| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_name)
    };
    within("${", "}")
        || within("{{", "}}")
        || within("%", "%")
        || text.strip_prefix('$').is_some_and(is_name)
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

    fn present(values: &[&[u8]]) -> Result<(), Rejection> {
        Presented::in_field(values.first().copied(), values.len()).map(|_| ())
    }

    #[test]
    fn t04_every_way_to_write_the_header_has_one_answer() {
        let token = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(1));
        let t = token.expose();
        let cut = &t[..40];
        for (value, answer) in [
            (format!("Bearer {t}"), Ok(())),
            (format!("bearer {t}"), Ok(())),
            (format!("BEARER {t}"), Ok(())),
            (format!("Bearer   {t}"), Ok(())),
            (format!("Bearer {t} "), Ok(())),
            (format!(" Bearer {t}"), Ok(())),
            (format!("Bearer Bearer {t}"), Err(Rejection::DuplicateBearerScheme)),
            (format!("Bearer bearer {t}"), Err(Rejection::DuplicateBearerScheme)),
            ("Bearer Bearer".to_owned(), Err(Rejection::DuplicateBearerScheme)),
            (t.to_owned(), Err(Rejection::MissingBearerScheme)),
            ("Bearer".to_owned(), Err(Rejection::EmptyToken)),
            ("Bearer ".to_owned(), Err(Rejection::EmptyToken)),
            (String::new(), Err(Rejection::MalformedHeader)),
            ("rubbish".to_owned(), Err(Rejection::MalformedHeader)),
            (format!("Bearer\t{t}"), Err(Rejection::MalformedHeader)),
            (format!("Bearer \"{t}\""), Err(Rejection::MalformedHeader)),
            (format!("Bearer <{t}>"), Err(Rejection::MalformedHeader)),
            (format!("Bearer {t} {t}"), Err(Rejection::MalformedHeader)),
            (format!("Bearer {t},{t}"), Err(Rejection::MalformedHeader)),
            (format!("Bearer {cut}"), Err(Rejection::MalformedToken)),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x".to_owned(), Err(Rejection::MalformedToken)),
            ("Bearer ====".to_owned(), Err(Rejection::MalformedHeader)),
            ("Basic dXNlcjpwYXNz".to_owned(), Err(Rejection::UnsupportedAuthScheme)),
            (format!("Token {t}"), Err(Rejection::UnsupportedAuthScheme)),
            ("Bearer $TOKEN".to_owned(), Err(Rejection::UnexpandedVariable)),
            ("Bearer ${KEYDESK_TOKEN}".to_owned(), Err(Rejection::UnexpandedVariable)),
            ("Bearer {{ token }}".to_owned(), Err(Rejection::UnexpandedVariable)),
            ("Bearer %TOKEN%".to_owned(), Err(Rejection::UnexpandedVariable)),
            ("Bearer $env:TOKEN".to_owned(), Err(Rejection::UnexpandedVariable)),
            ("Bearer $".to_owned(), Err(Rejection::MalformedHeader)),
        ] {
            assert_eq!(present(&[value.as_bytes()]), answer, "{value:?}");
        }
    }

    #[test]
    fn t05_two_headers_are_rejected() {
        assert_eq!(present(&[b"Bearer a", b"Bearer a"]), Err(Rejection::DuplicateAuthorization));
        assert_eq!(present(&[]), Err(Rejection::MissingToken));
    }

    #[test]
    fn t07_bytes_outside_of_ascii_are_rejected() {
        assert_eq!(present(&["Bearer kd_u_••••••••3fQ9".as_bytes()]), Err(Rejection::MaskedToken));
        assert_eq!(present(&["Bearer kd_а_x".as_bytes()]), Err(Rejection::MalformedHeader));
        assert_eq!(present(&[b"Bearer \xff\xfe"]), Err(Rejection::MalformedHeader));
    }
}
