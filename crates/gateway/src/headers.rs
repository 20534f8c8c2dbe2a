//! Which headers cross the gateway, either way: passes what may pass, then says what only we may.

use crate::{
    arrival::Arrival,
    live::{Identity, Subject},
    observe::{Story, TraceContext},
    permit::Permitted,
    settings::Settings,
    signature::Signed,
    target::Target,
    upstream::Route,
    wire::{AnswerHead, Framing, Head, Kind, Noted, push_field, push_status},
};
use http::Version;
use keydesk_model::is_console_cookie;
use std::{io::Write, net::IpAddr};

/// All that a request to the upstream is made of.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub head: &'a Head<'a>,
    pub noted: &'a Noted<'a>,
    pub target: &'a Target<'a>,
    pub permitted: &'a Permitted,
    pub identity: &'a Identity,
    pub arrival: &'a Arrival,
    pub settings: &'a Settings,
    pub route: &'a Route,
    pub framing: Framing,
    pub is_websocket: bool,
    pub trace: Option<TraceContext>,
}

impl Outgoing<'_> {
    /// Writes the head. What the client sent comes first, ours after it and once.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.route.base_path.as_bytes());
        out.extend_from_slice(self.target.path.as_bytes());
        if let Some(query) = self.target.query {
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        }
        out.extend_from_slice(b" HTTP/1.1\r\n");
        // The upstream's own Host and our credential for it.
        out.extend_from_slice(&self.route.own_fields);
        self.write_passing(out);
        self.write_identity(out);
        self.write_origin(out);
        write_framing(out, self.framing);
        if self.is_websocket {
            out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_passing(&self, out: &mut Vec<u8>) {
        for (field, kind) in self.noted.fields.iter().zip(&self.noted.kinds) {
            let passes = match kind {
                Kind::Plain | Kind::SetCookie => !self.route.sets(field.name),
                Kind::UserAgent | Kind::Origin => true,
                Kind::TraceParent => self.trace.is_none(),
                _ => false,
            };
            if passes {
                push_field(out, field.name, field.value);
            }
        }
        write_cookies(out, self.noted);
    }

    fn write_identity(&self, out: &mut Vec<u8>) {
        let mut number = itoa::Buffer::new();
        let account = number.format(u32::from(self.permitted.token().number));
        let start = out.len();
        push_field(out, "keydesk-account", account.as_bytes());
        push_field(out, "keydesk-token", &self.identity.token.as_text());
        match self.identity.subject {
            Subject::Member(member) => push_field(out, "keydesk-subject", &member.as_text()),
            Subject::Account(account) => push_field(out, "keydesk-subject", &account.as_text()),
        }
        push_field(out, "keydesk-scopes", self.identity.limits.scopes.as_bytes());
        push_field(out, "x-request-id", self.arrival.request_id.as_str().as_bytes());
        if self.settings.signing_key.is_some() {
            let ours = String::from_utf8_lossy(&out[start..]).into_owned();
            self.write_signature(out, &ours);
        }
        if let Some(trace) = &self.trace {
            push_field(out, "traceparent", trace.to_string().as_bytes());
        }
    }

    /// Signs the lines that were just written, so that what is signed is what is sent.
    fn write_signature(&self, out: &mut Vec<u8>, ours: &str) {
        let Some(key) = &self.settings.signing_key else { return };
        let value = |name: &str| {
            ours.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .unwrap_or_default()
        };
        let path = format!("{}{}", self.route.base_path, self.target.path);
        let signed = Signed {
            method: self.head.method,
            path: &path,
            query: self.target.query,
            account: value("keydesk-account"),
            token: value("keydesk-token"),
            subject: value("keydesk-subject"),
            scopes: value("keydesk-scopes"),
            request_id: value("x-request-id"),
        };
        let (input, signature) = signed.sign(key, self.arrival.at);
        push_field(out, "signature-input", input.as_bytes());
        push_field(out, "signature", signature.as_bytes());
    }

    /// Where the request comes from, as far as we know or believe.
    fn write_origin(&self, out: &mut Vec<u8>) {
        let proto = if self.settings.public_url.starts_with("https:") { "https" } else { "http" };
        let client = self.arrival.client_addr;
        out.extend_from_slice(b"forwarded: for=");
        push_address(out, client, true);
        out.extend_from_slice(b";proto=");
        out.extend_from_slice(proto.as_bytes());
        out.extend_from_slice(b"\r\nx-forwarded-for: ");
        push_address(out, client, false);
        out.extend_from_slice(b"\r\n");
        push_field(out, "x-forwarded-proto", proto.as_bytes());
        let host = self.head.authority.map(str::as_bytes).or(self.noted.host.first);
        if let Some(host) = host {
            push_field(out, "x-forwarded-host", host);
        }
    }
}

/// RFC 7239 section 6: an IPv6 address in brackets and quotes. Nearly all are IPv4, and those are
/// written without the formatter's detours.
fn push_address(out: &mut Vec<u8>, addr: IpAddr, is_quoted: bool) {
    match addr {
        IpAddr::V4(addr) => {
            for (at, octet) in addr.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        IpAddr::V6(addr) => {
            let _ = if is_quoted { write!(out, "\"[{addr}]\"") } else { write!(out, "{addr}") };
        }
    }
}

/// Console and gateway may share a host, and cookies do not tell ports apart: the console's own
/// are left out. Several lines become one, as HTTP/2 may split them (RFC 9113 section 8.2.3).
fn write_cookies(out: &mut Vec<u8>, noted: &Noted) {
    for (at, pair) in foreign_pairs(noted.of_kind(Kind::Cookie)).enumerate() {
        out.extend_from_slice(if at == 0 { b"cookie: " } else { b"; " });
        out.extend_from_slice(pair);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
}

/// What an API gets of a request's cookies: one line without the console's own. None: nothing is left.
pub fn foreign_cookies<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let pairs: Vec<_> = foreign_pairs(lines).collect();
    (!pairs.is_empty()).then(|| pairs.join(&b"; "[..]))
}

fn foreign_pairs<'a>(lines: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    let is_foreign = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        !pair.is_empty() && !is_console_cookie(name)
    };
    lines
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(is_foreign)
}

pub(crate) fn write_framing(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            push_field(out, "content-length", itoa::Buffer::new().format(length).as_bytes());
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Empty | Framing::UntilClose => {}
    }
}

/// Which of the upstream's fields come back: none that belongs to a hop, none that only we set,
/// no cookie that would replace the console's session, and no CORS where the console's page asks.
pub(crate) fn comes_back(kind: Kind, name: &str, value: &[u8], for_console: bool) -> bool {
    match kind {
        Kind::Plain => !(for_console && is_cors(name)),
        Kind::SetCookie => {
            let cookie = value.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            !is_console_cookie(cookie)
        }
        Kind::Host
        | Kind::Authorization
        | Kind::Cookie
        | Kind::UserAgent
        | Kind::Origin
        | Kind::TraceParent
        | Kind::ForwardedFor
        | Kind::Expect => true,
        Kind::Withheld => !is_of_one_hop(name),
        Kind::NamedAway
        | Kind::Connection
        | Kind::ContentLength
        | Kind::TransferEncoding
        | Kind::Upgrade
        | Kind::RequestId => false,
    }
}

fn is_of_one_hop(name: &str) -> bool {
    ["keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer"]
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop))
}

fn is_cors(name: &str) -> bool {
    name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("access-control-"))
}

/// Writes the upstream's answer for an HTTP/1.1 client, up to the fields that follow from the
/// connection: those are the caller's to add.
pub(crate) fn write_answer(
    out: &mut Vec<u8>,
    head: &AnswerHead,
    noted: &Noted,
    story: &Story,
    for_console: bool,
) {
    push_status(out, head.status);
    for (field, kind) in noted.fields.iter().zip(&noted.kinds) {
        if comes_back(*kind, field.name, field.value, for_console) {
            push_field(out, field.name, field.value);
        }
    }
    for (name, value) in story.fields() {
        push_field(out, name, value.as_bytes());
    }
}

/// What `Host` should have said, and whether the request may be believed about it.
pub(crate) fn names_one_host(head: &Head, noted: &Noted) -> bool {
    let hosts = noted.host.count;
    let named_once = match head.version {
        Version::HTTP_2 => head.authority.is_some() || hosts == 1,
        Version::HTTP_10 => hosts <= 1,
        _ => hosts == 1,
    };
    let agrees = match (head.authority, noted.host.first) {
        (Some(authority), Some(host)) => host.eq_ignore_ascii_case(authority.as_bytes()),
        _ => true,
    };
    let named = head.authority.map(str::as_bytes).or(noted.host.first);
    // HTTP/1.1 allows an empty Host, but only where there is no authority; here there is one.
    named_once && agrees && named.is_none_or(is_authority)
}

/// `host[:port]`, nothing that could be read as more: no userinfo, no path, no list.
fn is_authority(host: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%".contains(b);
    !host.is_empty() && host.len() <= 300 && host.iter().all(is_part)
}
