//! The fields of a head, classified in one pass, with the positions of the few that affect decisions.

/// The maximum number of fields in a readable head. Requests have a lower limit of their own, `max_headers`.
pub const MOST_FIELDS: usize = 256;

use super::name::FoldedName;
pub(crate) use httparse::Header as Field;

/// The role of a field for the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Passes unchanged.
    #[default]
    Plain,
    /// Set or consumed only by the gateway: never passes, in any spelling.
    Withheld,
    /// For this hop only, according to `Connection`.
    NamedAway,
    Host,
    Authorization,
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
    Expect,
    ForwardedFor,
    Cookie,
    SetCookie,
    UserAgent,
    Origin,
    TraceParent,
    RequestId,
    Date,
    /// `Location` and `Content-Location`: a URL.
    Location,
    /// `Link` and `Refresh`: a URL among other content.
    Link,
    ApiKey,
    WebSocketProtocol,
}

impl Kind {
    /// Returns the kind for which a lenient server would take a field of this name.
    pub fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        if means_nothing(bytes) {
            return Self::Plain;
        }
        let folded = FoldedName::of(bytes);
        let is_exact = folded.is_exact;
        let kind = Self::of_folded(folded.as_bytes());
        match kind {
            // Another spelling of a field that frames or authorizes a request is not that field, but a server behind
            // the gateway might read it as that field.
            Self::Host
            | Self::Authorization
            | Self::Connection
            | Self::ContentLength
            | Self::TransferEncoding
            | Self::Upgrade
            | Self::Expect
            | Self::ForwardedFor
            | Self::RequestId
                if !is_exact =>
            {
                Self::Withheld
            }
            Self::Cookie
            | Self::SetCookie
            | Self::UserAgent
            | Self::Origin
            | Self::TraceParent
            | Self::Date
            | Self::Location
            | Self::Link
            | Self::ApiKey
            | Self::WebSocketProtocol
                if !is_exact =>
            {
                Self::Plain
            }
            kind => kind,
        }
    }

    /// Returns the kind for servers that accept other spellings of a name.
    pub fn loosely(name: &str) -> Self {
        Self::of_folded(FoldedName::of(name.as_bytes()).as_bytes())
    }

    fn of_folded(name: &[u8]) -> Self {
        match name {
            b"host" => Self::Host,
            b"authorization" => Self::Authorization,
            b"connection" => Self::Connection,
            b"content-length" => Self::ContentLength,
            b"transfer-encoding" => Self::TransferEncoding,
            b"upgrade" => Self::Upgrade,
            b"expect" => Self::Expect,
            b"x-forwarded-for" => Self::ForwardedFor,
            b"cookie" => Self::Cookie,
            b"set-cookie" => Self::SetCookie,
            b"user-agent" => Self::UserAgent,
            b"origin" => Self::Origin,
            b"traceparent" => Self::TraceParent,
            b"x-request-id" => Self::RequestId,
            b"date" => Self::Date,
            b"location" | b"content-location" => Self::Location,
            b"link" | b"refresh" => Self::Link,
            b"x-api-key" => Self::ApiKey,
            b"sec-websocket-protocol" => Self::WebSocketProtocol,
            // Fields of RFC 9110 section 7.6.1 and others for one hop only; then names with which a client could forge
            // its identity or address, or name another method or path than the authorized one.
            b"keep-alive"
            | b"proxy-connection"
            | b"proxy-authenticate"
            | b"proxy-authorization"
            | b"te"
            | b"trailer"
            | b"http2-settings"
            | b"forwarded"
            | b"x-real-ip"
            | b"x-original-url"
            | b"x-original-uri"
            | b"x-original-method"
            | b"x-rewrite-url"
            | b"x-http-method"
            | b"x-http-method-override"
            | b"x-method-override"
            | b"keydesk"
            | b"signature"
            | b"signature-input" => Self::Withheld,
            name if name.starts_with(b"keydesk-") || name.starts_with(b"x-forwarded") => {
                Self::Withheld
            }
            _ => Self::Plain,
        }
    }
}

/// Returns whether the first letter and the length show that a name has no meaning here.
fn means_nothing(name: &[u8]) -> bool {
    let [first, .., last] = name else { return false };
    // Unusual characters at the ends are trimmed before names are compared.
    if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() {
        return false;
    }
    match (first | 0x20, name.len()) {
        (b'k' | b'x', _) => false,
        (b'h', length) => !matches!(length, 4 | 14),
        (b'a', length) => length != 13,
        (b'c', length) => !matches!(length, 6 | 10 | 14 | 16),
        (b'd', length) => length != 4,
        (b'l', length) => !matches!(length, 4 | 8),
        (b'r', length) => length != 7,
        (b't', length) => !matches!(length, 2 | 7 | 11 | 17),
        (b'u', length) => !matches!(length, 7 | 10),
        (b'e' | b'o', length) => length != 6,
        (b'f', length) => length != 9,
        (b's', length) => !matches!(length, 9 | 10 | 15 | 22),
        (b'p', length) => !matches!(length, 16 | 18 | 19),
        _ => true,
    }
}

/// The fields of one head with their kinds, and the values that affect decisions.
#[derive(Debug)]
pub(crate) struct Noted<'a> {
    pub fields: &'a [Field<'a>],
    pub kinds: [Kind; MOST_FIELDS],
    pub host: SingleHeader<'a>,
    pub authorization: SingleHeader<'a>,
    pub content_length: SingleHeader<'a>,
    pub transfer_encoding: SingleHeader<'a>,
    pub user_agent: SingleHeader<'a>,
    pub origin: SingleHeader<'a>,
    pub trace_parent: SingleHeader<'a>,
    pub expect: SingleHeader<'a>,
    pub date: SingleHeader<'a>,
    pub api_key: SingleHeader<'a>,
    pub protocols: SingleHeader<'a>,
    pub request_id: SingleHeader<'a>,
    pub has_connection: bool,
    pub has_upgrade: bool,
}

/// A field that should occur at most once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SingleHeader<'a> {
    pub first: Option<&'a [u8]>,
    pub count: usize,
}

impl<'a> SingleHeader<'a> {
    fn add(&mut self, value: &'a [u8]) {
        self.first = self.first.or(Some(value));
        self.count += 1;
    }
}

impl<'a> Noted<'a> {
    pub fn of(fields: &'a [Field<'a>]) -> Self {
        let mut noted = Self {
            fields,
            kinds: [Kind::Plain; MOST_FIELDS],
            host: SingleHeader::default(),
            authorization: SingleHeader::default(),
            content_length: SingleHeader::default(),
            transfer_encoding: SingleHeader::default(),
            user_agent: SingleHeader::default(),
            origin: SingleHeader::default(),
            trace_parent: SingleHeader::default(),
            expect: SingleHeader::default(),
            date: SingleHeader::default(),
            api_key: SingleHeader::default(),
            protocols: SingleHeader::default(),
            request_id: SingleHeader::default(),
            has_connection: false,
            has_upgrade: false,
        };
        for (field, noted_kind) in fields.iter().zip(noted.kinds.iter_mut()) {
            let kind = Kind::of(field.name);
            *noted_kind = kind;
            match kind {
                Kind::Host => noted.host.add(field.value),
                Kind::Authorization => noted.authorization.add(field.value),
                Kind::ContentLength => noted.content_length.add(field.value),
                Kind::TransferEncoding => noted.transfer_encoding.add(field.value),
                Kind::UserAgent => noted.user_agent.add(field.value),
                Kind::Origin => noted.origin.add(field.value),
                Kind::TraceParent => noted.trace_parent.add(field.value),
                Kind::Expect => noted.expect.add(field.value),
                Kind::Date => noted.date.add(field.value),
                Kind::ApiKey => noted.api_key.add(field.value),
                Kind::WebSocketProtocol => noted.protocols.add(field.value),
                Kind::RequestId => noted.request_id.add(field.value),
                Kind::Connection => noted.has_connection = true,
                Kind::Upgrade => noted.has_upgrade = true,
                _ => {}
            }
        }
        if noted.has_connection {
            noted.withhold_named_by_connection();
        }
        noted
    }

    pub fn of_kind(&self, wanted: Kind) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .zip(&self.kinds)
            .filter(move |(_, kind)| **kind == wanted)
            .map(|(field, _)| field.value)
    }

    /// Returns the fields that pass and that a lenient server could take for this one.
    pub fn spelled_like(&self, name: &[u8]) -> impl Iterator<Item = &'a Field<'a>> {
        self.fields
            .iter()
            .zip(&self.kinds)
            .filter(move |(field, kind)| {
                **kind == Kind::Plain && FoldedName::of(field.name.as_bytes()).as_bytes() == name
            })
            .map(|(field, _)| field)
    }

    /// Returns whether one of the comma-separated words of a kind of field is `word`.
    pub fn says(&self, kind: Kind, word: &str) -> bool {
        if kind == Kind::Connection && !self.has_connection {
            return false;
        }
        self.of_kind(kind)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Withholds the fields that `Connection` names for this hop (RFC 9110 section 7.6.1). Only fields that would pass
    /// can be named; the gateway's own are added later.
    fn withhold_named_by_connection(&mut self) {
        for at in 0..self.fields.len() {
            let name = self.fields[at].name.as_bytes();
            let may_go = matches!(
                self.kinds[at],
                Kind::Plain
                    | Kind::Cookie
                    | Kind::SetCookie
                    | Kind::UserAgent
                    | Kind::TraceParent
                    | Kind::Origin
                    | Kind::Date
                    | Kind::Location
                    | Kind::Link
            );
            if may_go && self.is_named_by_connection(name) {
                self.kinds[at] = Kind::NamedAway;
            }
        }
    }

    fn is_named_by_connection(&self, name: &[u8]) -> bool {
        self.of_kind(Kind::Connection)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every name with a meaning, as it is written, and what it is in another spelling.
    #[test]
    fn every_name_has_its_kind_and_another_spelling_none_that_is_used() {
        for (name, kind, spelled_otherwise) in [
            ("Host", Kind::Host, Kind::Withheld),
            ("Authorization", Kind::Authorization, Kind::Withheld),
            ("Connection", Kind::Connection, Kind::Withheld),
            ("Content-Length", Kind::ContentLength, Kind::Withheld),
            ("Transfer-Encoding", Kind::TransferEncoding, Kind::Withheld),
            ("Upgrade", Kind::Upgrade, Kind::Withheld),
            ("Expect", Kind::Expect, Kind::Withheld),
            ("X-Forwarded-For", Kind::ForwardedFor, Kind::Withheld),
            ("X-Request-Id", Kind::RequestId, Kind::Withheld),
            ("Cookie", Kind::Cookie, Kind::Plain),
            ("Set-Cookie", Kind::SetCookie, Kind::Plain),
            ("User-Agent", Kind::UserAgent, Kind::Plain),
            ("Origin", Kind::Origin, Kind::Plain),
            ("Traceparent", Kind::TraceParent, Kind::Plain),
            ("Date", Kind::Date, Kind::Plain),
            ("Location", Kind::Location, Kind::Plain),
            ("Content-Location", Kind::Location, Kind::Plain),
            ("Link", Kind::Link, Kind::Plain),
            ("Refresh", Kind::Link, Kind::Plain),
            ("X-Api-Key", Kind::ApiKey, Kind::Plain),
            ("Sec-WebSocket-Protocol", Kind::WebSocketProtocol, Kind::Plain),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
            assert_eq!(Kind::of(&name.to_uppercase()), kind, "{name}");
            let other = format!("_{name}");
            assert_eq!(Kind::of(&other), spelled_otherwise, "{other}");
            assert_eq!(Kind::loosely(&other), kind, "{other}");
        }
        for name in [
            "TE",
            "Trailer",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authorization",
            "HTTP2-Settings",
        ] {
            assert_eq!(Kind::of(name), Kind::Withheld, "{name} is for one hop");
        }
        assert_eq!(Kind::loosely("Accept"), Kind::Plain);
    }

    #[test]
    fn each_value_is_noted_once_with_its_count() {
        let names = [
            "host",
            "authorization",
            "content-length",
            "transfer-encoding",
            "user-agent",
            "origin",
            "traceparent",
            "expect",
            "date",
            "x-api-key",
            "sec-websocket-protocol",
            "x-request-id",
        ];
        let fields: Vec<_> = names
            .iter()
            .flat_map(|name| [(*name, &b"1"[..]), (*name, b"2")])
            .map(|(name, value)| Field { name, value })
            .collect();
        let noted = Noted::of(&fields);
        for (name, single) in names.iter().zip([
            noted.host,
            noted.authorization,
            noted.content_length,
            noted.transfer_encoding,
            noted.user_agent,
            noted.origin,
            noted.trace_parent,
            noted.expect,
            noted.date,
            noted.api_key,
            noted.protocols,
            noted.request_id,
        ]) {
            assert_eq!((single.first, single.count), (Some(&b"1"[..]), 2), "{name}");
        }
        assert!(!noted.has_connection && !noted.has_upgrade);
        let lengths: Vec<_> = noted.of_kind(Kind::ContentLength).collect();
        assert_eq!(lengths, [b"1", b"2"]);
    }

    #[test]
    fn words_of_a_field_are_found_whole_and_in_any_case() {
        let fields = [
            Field { name: "Connection", value: b"keep-alive, Upgrade" },
            Field { name: "Upgrade", value: b"websocket" },
        ];
        let noted = Noted::of(&fields);
        assert!(
            noted.says(Kind::Connection, "upgrade") && noted.says(Kind::Connection, "keep-alive")
        );
        assert!(!noted.says(Kind::Connection, "grade") && !noted.says(Kind::Connection, "close"));
        assert!(
            noted.says(Kind::Upgrade, "WebSocket") && noted.has_upgrade && noted.has_connection
        );
        assert!(!Noted::of(&fields[1..]).says(Kind::Connection, "upgrade"));
    }

    #[test]
    fn t28_no_spelling_of_an_identity_header_passes() {
        for name in [
            "Keydesk-Account",
            "keydesk_account",
            "KEYDESK.ACCOUNT",
            "keydesk!subject",
            "_keydesk-token",
            "keydesk-account.",
            "Keydesk",
            "X-Forwarded-For",
            "X_Forwarded_Proto",
            "x.forwarded.prefix",
            "X-Real-IP",
            "Forwarded",
            "x_http_method_override",
            "X-Original-URL",
            "Content_Length",
            "Transfer.Encoding",
            "Authorization_",
            "Signature-Input",
            "keydesk-a-name-longer-than-everything-that-is-known-here",
        ] {
            assert_ne!(Kind::of(name), Kind::Plain, "{name}");
        }
        for name in ["X-Trace", "Accept", "Key", "Xforwarded", "Range", "-", "X-Keydesk"] {
            assert_eq!(Kind::of(name), Kind::Plain, "{name}");
        }
    }

    #[test]
    fn no_name_that_means_something_is_passed_over() {
        const NAMES: &str = "host authorization connection content-length transfer-encoding upgrade expect \
            x-forwarded-for cookie set-cookie user-agent origin traceparent x-request-id keep-alive \
            proxy-connection proxy-authenticate proxy-authorization te trailer http2-settings \
            forwarded signature signature-input date location content-location link refresh x-api-key \
            sec-websocket-protocol";
        for name in NAMES.split(' ') {
            assert_ne!(Kind::of_folded(name.as_bytes()), Kind::Plain, "{name}");
            assert_ne!(Kind::of(name), Kind::Plain, "{name}");
            assert_ne!(Kind::of(&name.to_uppercase()), Kind::Plain, "{name}");
        }
    }

    proptest! {
        #[test]
        fn t28_one_and_two_separators_of_any_kind_make_no_difference(
            at in 0usize..4, separator in "[-_.!#$%&'*+^`|~]{1,2}", upper in any::<bool>()
        ) {
            let (first, second) =
                [("keydesk", "account"), ("x", "forwarded-for"), ("content", "length"), ("transfer", "encoding")][at];
            let name = format!("{first}{separator}{second}");
            let name = if upper { name.to_uppercase() } else { name };
            // Two separators fold to two dashes, as no server folds further, but the gateway's own names stay reserved.
            if separator.len() == 1 || first == "keydesk" {
                prop_assert_ne!(Kind::of(&name), Kind::Plain);
            }
        }
    }
}
