//! Header names as lenient servers read them, and those that change the caller or the operation.

use super::Kind;

/// The longest name with a meaning. Of longer ones, only the beginning counts.
const LONGEST: usize = 32;

/// A name as lenient servers compare it: CGI, WSGI, Rack, and PHP fold every unusual character into one, so
/// `X_Forwarded.For` is read as `X-Forwarded-For`.
pub(super) struct FoldedName {
    bytes: [u8; LONGEST],
    length: usize,
    /// Whether the name was written with letters, digits, and hyphens only.
    pub is_exact: bool,
}

impl FoldedName {
    pub fn of(name: &[u8]) -> Self {
        let start = name.iter().position(u8::is_ascii_alphanumeric).unwrap_or(name.len());
        let end = name.iter().rposition(u8::is_ascii_alphanumeric).map_or(start, |at| at + 1);
        let mut bytes = [0_u8; LONGEST];
        let mut is_exact = end - start == name.len();
        for (to, from) in bytes.iter_mut().zip(&name[start..end]) {
            *to = if from.is_ascii_alphanumeric() { from.to_ascii_lowercase() } else { b'-' };
            is_exact &= from.is_ascii_alphanumeric() || *from == b'-';
        }
        Self { bytes, length: (end - start).min(LONGEST), is_exact }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The identity headers, which no client can send in any spelling.
pub(crate) const IDENTITY_HEADERS: [&str; 6] = [
    "keydesk-account",
    "keydesk-token",
    "keydesk-subject",
    "keydesk-scopes",
    "keydesk-path",
    "keydesk-client-addr",
];

/// Names that make some servers use another method or path than the one that was checked.
const OVERRIDE_HEADERS: [&str; 7] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-rewrite-url",
];

/// Returns the header for which a server behind a proxy might take this field, if that changes the caller or the
/// operation. Returns `None` for fields that a proxy can pass on unchanged.
pub(crate) fn mistaken_for(name: &str) -> Option<&'static str> {
    let kind = Kind::of(name);
    if matches!(kind, Kind::Plain | Kind::Cookie | Kind::SetCookie | Kind::UserAgent) {
        return None;
    }
    let folded = FoldedName::of(name.as_bytes());
    let is = |known: &&&str| folded.as_bytes() == known.as_bytes();
    if let Some(known) = OVERRIDE_HEADERS.iter().find(is) {
        return Some(known);
    }
    if folded.as_bytes().starts_with(b"keydesk") {
        let is_known = IDENTITY_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name));
        return (!is_known).then_some("Keydesk-*");
    }
    (!folded.is_exact).then_some("another header")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_folded_as_lenient_servers_fold_it() {
        let folded = |name: &str| {
            let folded = FoldedName::of(name.as_bytes());
            (String::from_utf8(folded.as_bytes().to_vec()).expect("ASCII"), folded.is_exact)
        };
        assert_eq!(folded("X-Real-IP"), ("x-real-ip".to_owned(), true));
        assert_eq!(folded("X_Real.IP"), ("x-real-ip".to_owned(), false));
        assert_eq!(folded("_Host_"), ("host".to_owned(), false));
        assert_eq!(folded("-"), (String::new(), false));
        let long = "a".repeat(LONGEST + 1);
        assert_eq!(folded(&long), ("a".repeat(LONGEST), true));
        assert_eq!(folded("a!b-c"), ("a-b-c".to_owned(), false), "what comes later is exact");
    }

    #[test]
    fn a_field_is_mistaken_for_what_changes_the_caller_or_the_operation() {
        for (name, taken_for) in [
            ("Accept", None),
            ("Cookie", None),
            ("User-Agent", None),
            ("X-HTTP-Method-Override", Some("x-http-method-override")),
            ("x_rewrite_url", Some("x-rewrite-url")),
            ("Keydesk-Account", None),
            ("Keydesk_Account", Some("Keydesk-*")),
            ("Keydesk-Anything", Some("Keydesk-*")),
            ("Host", None),
            ("Content_Length", Some("another header")),
            ("X_Forwarded_For", Some("another header")),
        ] {
            assert_eq!(mistaken_for(name), taken_for, "{name}");
        }
    }
}
