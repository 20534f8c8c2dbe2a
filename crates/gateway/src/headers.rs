//! The headers that cross the gateway in both directions, and those that only the gateway sets.

use crate::{
    arrival::Arrival,
    cors::TokenLimits,
    forward::Forward,
    live::{Identity, Subject},
    observe::{RequestTrace, TraceContext},
    permit::Permitted,
    present,
    rewrite::Rewriter,
    settings::Settings,
    signature::Signed,
    target::Target,
    upstream::{ResponseRead, Route},
    wire::{Field, Framing, Head, Kind, Noted, push_field, push_status, with_date},
    worker::Worker,
};
use http::Version;
use keydesk_model::is_console_cookie;
use std::{borrow::Cow, io::Write, net::IpAddr};

/// The parts of a request to the upstream.
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
    /// Writes the head: the client's fields first, then the gateway's, each once.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.method.as_bytes());
        out.push(b' ');
        for part in self.route.path_to_upstream(self.target.path) {
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(query) = self.target.query {
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        }
        out.extend_from_slice(b" HTTP/1.1\r\n");
        self.route.write_host(self.client_host(), out);
        out.extend_from_slice(&self.route.own_fields);
        self.write_passing(out);
        self.write_identity(out);
        self.write_origin(out);
        self.write_protocols(out);
        if self.framing == Framing::Empty && has_body_by_nature(self.head.method) {
            push_field(out, "content-length", b"0");
        }
        write_framing(out, self.framing);
        if self.is_websocket {
            out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_passing(&self, out: &mut Vec<u8>) {
        for (field, kind) in self.noted.fields.iter().zip(&self.noted.kinds) {
            let passes = match kind {
                Kind::Plain | Kind::SetCookie => {
                    !self.route.sets(field.name) && !self.may_hold_token(field.name)
                }
                Kind::UserAgent | Kind::Origin | Kind::Date | Kind::Location | Kind::Link => true,
                Kind::TraceParent => self.trace.is_none(),
                Kind::ApiKey => !self.settings.token_places.api_key && !self.route.sets(field.name),
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

    /// Writes the path prefix that the client uses and the upstream does not receive.
    fn write_prefix(&self, out: &mut Vec<u8>) {
        let (account, stripped) = (self.target.account, self.route.stripped.as_bytes());
        if account.is_none() && stripped.is_empty() {
            return;
        }
        out.extend_from_slice(b"x-forwarded-prefix: ");
        if let Some(account) = account {
            out.push(b'/');
            out.extend_from_slice(itoa::Buffer::new().format(u32::from(account)).as_bytes());
        }
        out.extend_from_slice(stripped);
        out.extend_from_slice(b"\r\n");
    }

    /// Signs the lines that were just written, so that the signature covers exactly the bytes that are sent.
    fn write_signature(&self, out: &mut Vec<u8>, ours: &str) {
        let Some(key) = &self.settings.signing_key else { return };
        let value = |name: &str| {
            ours.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .unwrap_or_default()
        };
        let path = self.route.path_to_upstream(self.target.path).concat();
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

    /// Writes the origin of the request, as far as it is known or trusted.
    fn write_origin(&self, out: &mut Vec<u8>) {
        let proto = if self.settings.public_url.starts_with("https:") { "https" } else { "http" };
        let client = self.arrival.client_ip;
        out.extend_from_slice(b"forwarded: for=");
        push_address(out, client, true);
        out.extend_from_slice(b";proto=");
        out.extend_from_slice(proto.as_bytes());
        out.extend_from_slice(b"\r\nx-forwarded-for: ");
        push_address(out, client, false);
        out.extend_from_slice(b"\r\n");
        push_field(out, "x-forwarded-proto", proto.as_bytes());
        if let Some(host) = self.client_host() {
            push_field(out, "x-forwarded-host", host);
        }
        self.write_prefix(out);
        if self.route.sends_via {
            let version: &[u8] = match self.head.version {
                Version::HTTP_2 => b"2",
                Version::HTTP_10 => b"1.0",
                _ => b"1.1",
            };
            out.extend_from_slice(b"via: ");
            out.extend_from_slice(version);
            out.extend_from_slice(b" keydesk\r\n");
        }
    }

    /// Returns whether a name is another spelling of a header that carries tokens here.
    fn may_hold_token(&self, name: &str) -> bool {
        let places = self.settings.token_places;
        (places.api_key || places.websocket)
            && match Kind::loosely(name) {
                Kind::ApiKey => places.api_key,
                Kind::WebSocketProtocol => places.websocket,
                _ => false,
            }
    }

    fn client_host(&self) -> Option<&[u8]> {
        self.head.authority.map(str::as_bytes).or(self.noted.host.first)
    }

    /// Writes the subprotocols that the client offers, without the one that carries a token.
    fn write_protocols(&self, out: &mut Vec<u8>) {
        let lines = self.noted.of_kind(Kind::WebSocketProtocol);
        if !self.settings.token_places.websocket {
            lines.for_each(|line| push_field(out, "sec-websocket-protocol", line));
            return;
        }
        let offered =
            lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let others: Vec<_> = offered.filter(|name| !present::is_ours(name)).collect();
        if !others.is_empty() {
            push_field(out, "sec-websocket-protocol", &others.join(&b", "[..]));
        }
    }
}

/// Returns whether RFC 9110 section 8.6 defines a body for the method: a server may require its length, even if it is
/// 0.
fn has_body_by_nature(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// Writes an address. RFC 7239 section 6 puts an IPv6 address in brackets and quotes. Nearly all addresses are IPv4,
/// which are written without the overhead of the formatter.
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

/// Writes cookies without the console's own, because console and gateway may share a host, and cookies do not
/// distinguish ports. Several lines become one, as HTTP/2 may split them (RFC 9113 section 8.2.3).
fn write_cookies(out: &mut Vec<u8>, noted: &Noted) {
    for (at, pair) in foreign_pairs(noted.of_kind(Kind::Cookie)).enumerate() {
        out.extend_from_slice(if at == 0 { b"cookie: " } else { b"; " });
        out.extend_from_slice(pair);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
}

/// Returns a request's cookies for the API as one line without the console's own, or `None` if none are left.
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

/// The context in which an upstream's response is rewritten for the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returning<'a> {
    pub worker: &'a Worker,
    pub forward: &'a Forward,
    pub story: &'a RequestTrace,
    /// The permission for a web page to read the response, which only the gateway grants.
    pub grant: Option<&'a TokenLimits>,
}

impl Returning<'_> {
    /// Returns the value with which an upstream's field is passed on, or `None` if it is not. Excluded are hop-by-hop
    /// fields, fields that only the gateway sets, cookies that would replace the console's session, and CORS fields if
    /// the gateway sets them.
    pub fn value<'v>(&self, kind: Kind, field: &Field<'v>) -> Option<Cow<'v, [u8]>> {
        let value = field.value;
        let changed = match kind {
            Kind::Plain if self.grant.is_some() && is_cors(field.name) => return None,
            Kind::SetCookie => {
                // Browsers keep `=a=b` as a cookie without a name, and send it as `a=b`.
                let named = value.trim_ascii().strip_prefix(b"=").unwrap_or(value);
                let name = named.split(|byte| *byte == b'=').next().unwrap_or_default();
                if is_console_cookie(name.trim_ascii()) {
                    return None;
                }
                self.rewriter().cookie(value)
            }
            Kind::Location => self.rewriter().location(value).map(String::into_bytes),
            Kind::Link => self.rewriter().link(value).map(String::into_bytes),
            Kind::Plain
            | Kind::Host
            | Kind::Authorization
            | Kind::Cookie
            | Kind::UserAgent
            | Kind::Origin
            | Kind::TraceParent
            | Kind::ForwardedFor
            | Kind::Expect
            | Kind::Date
            | Kind::ApiKey
            | Kind::WebSocketProtocol => None,
            Kind::Withheld if !is_of_one_hop(field.name) => None,
            Kind::Withheld
            | Kind::NamedAway
            | Kind::Connection
            | Kind::ContentLength
            | Kind::TransferEncoding
            | Kind::Upgrade
            | Kind::RequestId => return None,
        };
        Some(changed.map_or(Cow::Borrowed(value), Cow::Owned))
    }

    /// Adds fields to the response: RFC 9110 section 6.6.1 asks a proxy to add a missing date, and RFC 9209 can mark an
    /// error as the upstream's.
    pub fn additions(&self, answer: &ResponseRead<'_>, mut add: impl FnMut(&'static str, &[u8])) {
        let ResponseRead { noted, answered, .. } = answer;
        if answered.is_interim() {
            return;
        }
        if noted.date.count == 0 {
            with_date(self.story.arrival.at, |date| add("date", date.as_bytes()));
        }
        if answered.status >= 400 {
            let status = format!("keydesk; received-status={}", answered.status);
            add("proxy-status", status.as_bytes());
        }
        // nginx would buffer an event stream until its buffer is full.
        if is_event_stream(noted) {
            add("x-accel-buffering", b"no");
        }
        // Browsers fail if the response selects none of the protocols that they offered.
        if answered.switches && self.forward.offers_own_protocol && noted.protocols.count == 0 {
            add("sec-websocket-protocol", present::OWN_PROTOCOL);
        }
        for (name, value) in self.story.fields() {
            add(name, value.as_bytes());
        }
    }

    fn rewriter(&self) -> Rewriter<'_> {
        let Self { worker, forward, .. } = self;
        Rewriter {
            route: &forward.route,
            routes: &worker.upstreams.routes,
            settings: &worker.settings,
            account: forward.account,
            client_host: &forward.client_host,
        }
    }
}

const EVENT_STREAM: &[u8] = b"text/event-stream";

/// Returns whether a response is an event stream (the HTML standard's server-sent events) whose buffering the upstream
/// does not control itself.
fn is_event_stream(noted: &Noted) -> bool {
    let named = |name: &str| {
        let len = name.len();
        let mut fields = noted.fields.iter();
        fields.find(move |field| field.name.len() == len && field.name.eq_ignore_ascii_case(name))
    };
    let Some(kind) = named("content-type") else { return false };
    let start = kind.value.get(..EVENT_STREAM.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(EVENT_STREAM) && named("x-accel-buffering").is_none()
}

fn is_of_one_hop(name: &str) -> bool {
    ["keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer"]
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop))
}

fn is_cors(name: &str) -> bool {
    name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("access-control-"))
}

/// Writes the upstream's response for an HTTP/1.1 client, except the fields that depend on the connection, which the
/// caller adds.
pub(crate) fn write_answer(
    out: &mut Vec<u8>,
    answer: &ResponseRead<'_>,
    returning: &Returning<'_>,
) {
    push_status(out, answer.head.status);
    for (field, kind) in answer.noted.fields.iter().zip(&answer.noted.kinds) {
        if let Some(value) = returning.value(*kind, field) {
            push_field(out, field.name, &value);
        }
    }
    returning.additions(answer, |name, value| push_field(out, name, value));
    if let Some(grant) = returning.grant
        && !answer.answered.is_interim()
    {
        grant.write_allow(out);
    }
}

/// Returns whether the request names exactly one valid host, without contradiction between `Host` and authority.
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
    // HTTP/1.1 allows an empty Host only without an authority, and here there always is one.
    named_once && agrees && named.is_none_or(is_authority)
}

/// Returns whether the value is `host[:port]` without userinfo, path, or list.
fn is_authority(host: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%".contains(b);
    !host.is_empty() && host.len() <= 300 && host.iter().all(is_part)
}
