//! The handling of a request, phase by phase. Nothing here waits.

use crate::{
    Presented, Rejection, Response,
    arrival::Arrival,
    check::{Gate, reject_method},
    cors::TokenLimits,
    endpoints::{
        AuthEndpoint, Credentials, DeferredAction, DeferredRequest, Forwarded, SelfServiceRoute,
        pass_answer,
    },
    forward::Forward,
    headers,
    headers::Outgoing,
    limit::Call,
    live::Identity,
    method_guard::{self, METHODS, MethodGuard},
    observe::RequestTrace,
    permission::InFlight,
    permit::Permitted,
    present,
    target::Target,
    tunnel,
    upstream::ExchangeOptions,
    whoami,
    wire::{Framing, Head, HeadError, Kind, Noted},
    worker::{Stage, Worker},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, Version, header};
use std::{net::IpAddr, sync::Arc};

/// The decision on a request.
#[derive(Debug)]
pub(crate) struct Decision {
    pub action: Action,
    pub story: RequestTrace,
    /// The permission for a web page to read the response, if CORS applies.
    pub grant: Option<TokenLimits>,
    pub facts: MessageInfo,
}

/// The parts of a request that affect its connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageInfo {
    /// The framing, or `None` if it cannot be determined.
    pub framing: Option<Framing>,
    pub asks_to_close: bool,
    pub expects_continue: bool,
}

#[derive(Debug)]
pub(crate) enum Action {
    Refuse(Rejection),
    /// The same for a proxy that supports only 401 and 403.
    RefuseAs {
        status: StatusCode,
        rejection: Rejection,
    },
    Response(Response),
    /// To be answered after its body has been read.
    DeferredRequest(DeferredRequest),
    Forward(Forward),
}

impl Worker {
    /// Decides on a request, and writes the upstream's request into `out` if it is forwarded.
    pub fn handle(&self, head: &Head, peer: IpAddr, out: &mut Vec<u8>) -> Decision {
        let noted = Noted::of(head.fields);
        let (id, now) = (self.request_ids.next(), self.clock.now());
        let arrival = Arrival::new(id, now, peer, &noted, &self.settings);
        let client = (noted.trace_parent.first, noted.user_agent.first);
        let mut story = self.observer.begin(arrival, peer, Some(head), client);
        let grant = TokenLimits::of(&noted, head.target, &self.table, &self.settings);
        let framing = match Framing::of_request(&noted, head.version) {
            Ok(Framing::Empty) if head.has_unsized_body => Ok(Framing::Chunked),
            framing => framing,
        };
        let preflight = grant.as_ref().and_then(|grant| grant.preflight(head));
        let action = match preflight {
            Some(answer) => Action::Response(answer),
            None => self
                .decide(head, &noted, framing.clone(), &mut story, out)
                .unwrap_or_else(Action::Refuse),
        };
        if let Action::Refuse(rejection) | Action::RefuseAs { rejection, .. } = &action {
            story.is_denied(rejection);
        }
        let facts = MessageInfo {
            framing: framing.ok(),
            asks_to_close: noted.says(Kind::Connection, "close"),
            expects_continue: head.version == Version::HTTP_11
                && noted.expect.first.is_some_and(|v| v.eq_ignore_ascii_case(b"100-continue")),
        };
        Decision { action, story, grant, facts }
    }

    fn decide(
        &self,
        head: &Head,
        noted: &Noted,
        framing: Result<Framing, Rejection>,
        story: &mut RequestTrace,
        out: &mut Vec<u8>,
    ) -> Result<Action, Rejection> {
        reject_malformed(head, noted)?;
        let framing = framing?;
        if let Some(answer) = self.answer_openly(head) {
            return Ok(Action::Response(answer));
        }
        if let Some(endpoint) = AuthEndpoint::of(head.method, head.target, &self.settings) {
            return self.open(endpoint, noted, story);
        }
        let target = Target::of(head.target, self.settings.forms).inspect_err(|_| {
            if let Some(target) = Target::of_rejected(head.target, self.settings.forms) {
                story.is_to(&target, head.method, noted.user_agent.first);
            }
        })?;
        story.is_to(&target, head.method, noted.user_agent.first);
        if !target.spellings.is_empty() {
            let route = self.upstreams.routes.find(target.path);
            target.reject_beyond(route.map(|route| route.keeps).unwrap_or_default())?;
        }
        // A body would have to end before the switch; no client sends one.
        let is_websocket = framing == Framing::Empty && tunnel::is_asked_for(head, noted);
        let own = SelfServiceRoute::of(head.method, &target, &self.settings);
        let path = own.is_none().then_some(target.path);
        target.reject_token_in_query(path.is_some()).inspect_err(|_| {
            self.gate().note_token_in_query(&target, story);
        })?;
        let call = Call { method: head.method, path, client_ip: story.arrival.client_ip };
        let presented = Presented::of(noted, self.settings.token_places, is_websocket)?;
        let (permitted, identity) = self.gate().permit(call, &target, (noted, presented), story)?;
        if let Some(own) = own {
            return self.answer_own(own, &permitted, &identity, (noted, &target), story);
        }
        reject_large(framing, self.settings.limits.max_body_bytes)?;
        let forward = Assigned { head, noted, target: &target, permitted: &permitted };
        self.assign(&forward, &identity, (framing, is_websocket), story, out).map(Action::Forward)
    }

    /// Chooses the upstream and writes the request for it.
    fn assign(
        &self,
        assigned: &Assigned<'_>,
        identity: &Identity,
        (framing, is_websocket): (Framing, bool),
        story: &mut RequestTrace,
        out: &mut Vec<u8>,
    ) -> Result<Forward, Rejection> {
        let Assigned { head, noted, target, permitted } = *assigned;
        let mut method_guard = None;
        if self.settings.rejects_method_override {
            method_guard::check_query(target.query)?;
            if head.method == "POST" {
                method_guard = MethodGuard::of(noted)?;
            }
        }
        let route = self.upstreams.routes.find(target.path).ok_or(Rejection::NoRoute)?;
        story.goes_to(route.number, &route.name, target);
        Outgoing {
            head,
            noted,
            target,
            permitted,
            identity,
            arrival: &story.arrival,
            settings: &self.settings,
            route,
            framing,
            is_websocket,
            trace: story.trace,
        }
        .write(out);
        let asked = ExchangeOptions {
            is_head: head.method == "HEAD",
            is_websocket,
            may_be_repeated: is_idempotent(head.method),
        };
        let client_ip = story.arrival.client_ip;
        let permission = InFlight::new(permitted, head.method, target.path, client_ip);
        let host = head.authority.map(str::as_bytes).or(noted.host.first).unwrap_or_default();
        Ok(Forward {
            permission,
            route: Arc::clone(route),
            asked,
            framing,
            method_guard,
            account: target.account,
            client_host: std::str::from_utf8(host).unwrap_or_default().into(),
            offers_own_protocol: is_websocket
                && self.settings.token_places.websocket
                && present::offers_own_protocol(noted),
        })
    }

    /// Answers requests that need no token: `OPTIONS *` (RFC 9110 section 9.3.7) and the health path.
    fn answer_openly(&self, head: &Head) -> Option<Response> {
        if head.target == "*" && head.method == "OPTIONS" {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NO_CONTENT;
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(METHODS));
            return Some(answer);
        }
        let path = head.target.split('?').next();
        if self.settings.health_check_path.as_deref() != path
            || !matches!(head.method, "GET" | "HEAD")
        {
            return None;
        }
        let is_healthy = self.table.is_ready() && self.table.may_serve();
        let is_healthy = is_healthy && *self.stage.borrow() == Stage::Serving;
        let mut answer =
            Response::new(Bytes::from_static(if is_healthy { b"ok\n" } else { b"unavailable\n" }));
        if !is_healthy {
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    fn gate(&self) -> Gate<'_> {
        Gate { settings: &self.settings, table: &self.table, meter: &self.meter }
    }

    /// Answers a token's request to Keydesk itself.
    fn answer_own(
        &self,
        own: SelfServiceRoute,
        permitted: &Permitted,
        identity: &Identity,
        (noted, target): (&Noted, &Target),
        story: &RequestTrace,
    ) -> Result<Action, Rejection> {
        let secret = permitted.token().secret();
        let wanted = match own {
            SelfServiceRoute::WhoAmI => {
                let answer = whoami::answer(permitted, identity, &self.table, &story.arrival);
                return Ok(Action::Response(answer));
            }
            SelfServiceRoute::Rotate => DeferredAction::Rotate(secret),
            SelfServiceRoute::Revoke => DeferredAction::Revoke(secret),
            SelfServiceRoute::Otherwise { allowed } => {
                return Err(Rejection::MethodNotAllowed { allowed });
            }
            SelfServiceRoute::Nothing => return Err(Rejection::UnknownEndpoint),
        };
        let is_strict = self.settings.self_service.rotate_path.as_deref() != Some(target.path);
        Ok(Action::DeferredRequest(DeferredRequest::new(wanted, noted, target.query, is_strict)))
    }

    /// Answers a request of another server.
    fn open(
        &self,
        endpoint: AuthEndpoint,
        noted: &Noted,
        story: &mut RequestTrace,
    ) -> Result<Action, Rejection> {
        let wanted = match endpoint {
            AuthEndpoint::Introspect if self.settings.introspection.is_empty() => {
                return Err(Rejection::UnknownEndpoint);
            }
            AuthEndpoint::Introspect => {
                DeferredAction::Introspect(Credentials::in_field(noted.authorization.first))
            }
            AuthEndpoint::Revoke => DeferredAction::RevokeNamed,
            AuthEndpoint::Describe(document) => {
                return Ok(Action::Response(document.answer(&self.settings)));
            }
            AuthEndpoint::Otherwise { allowed } => {
                return Err(Rejection::MethodNotAllowed { allowed });
            }
            AuthEndpoint::ForwardAuth { knows_two_refusals } => {
                let answer = self.ask_for(noted, story);
                return match answer {
                    Err(rejection) if knows_two_refusals => {
                        Ok(Action::RefuseAs { status: one_of_two(&rejection), rejection })
                    }
                    answer => answer.map(Action::Response),
                };
            }
        };
        Ok(Action::DeferredRequest(DeferredRequest::new(wanted, noted, None, false)))
    }

    /// Decides whether to forward the request that a proxy holds.
    fn ask_for(&self, noted: &Noted, story: &mut RequestTrace) -> Result<Response, Rejection> {
        let forwarded = Forwarded::of(noted, story.peer, &self.settings)?;
        story.arrival.client_ip = forwarded.client_ip;
        let pass = self.gate().check(forwarded.method, forwarded.uri, noted, story)?;
        Ok(pass_answer(&pass, &self.settings))
    }

    /// Reads the body of a request to Keydesk itself and answers it.
    pub async fn answer(
        &self,
        ask: DeferredRequest,
        body: &[u8],
        story: &RequestTrace,
    ) -> Result<Response, Rejection> {
        ask.answer(body, &story.arrival, (&self.table, &self.meter), &self.settings).await
    }

    /// Returns the decision for a request that cannot be read.
    pub fn reject_unread(&self, rejection: Rejection, peer: IpAddr) -> Decision {
        let arrival = Arrival {
            request_id: self.request_ids.next(),
            at: self.clock.now(),
            client_ip: peer.to_canonical(),
        };
        let mut story = self.observer.begin(arrival, peer, None, (None, None));
        story.is_denied(&rejection);
        let action = Action::Refuse(rejection);
        Decision { action, story, grant: None, facts: MessageInfo::default() }
    }

    pub fn reject_head(&self, error: HeadError, peer: IpAddr) -> Decision {
        let limit = self.settings.limits.max_headers;
        let rejection = match error {
            HeadError::Malformed => Rejection::MalformedRequest,
            HeadError::TooManyHeaders => Rejection::TooManyHeaders { limit },
        };
        self.reject_unread(rejection, peer)
    }

    /// Completes one of the gateway's own responses.
    pub fn finish(answer: Response, story: &RequestTrace, grant: Option<&TokenLimits>) -> Response {
        let mut answer = answer;
        if let Some(grant) = grant {
            grant.allow(answer.headers_mut());
        }
        story.add_fields(answer.headers_mut());
        answer
    }

    pub fn refusal(&self, rejection: &Rejection, story: &RequestTrace) -> Response {
        let arrival = &story.arrival;
        tracing::debug!(code = rejection.code(), client_ip = %arrival.client_ip, request_id = %arrival.request_id, "rejected");
        rejection.to_response(&self.settings, arrival.request_id.as_str())
    }
}

/// A request assigned to an upstream.
struct Assigned<'a> {
    head: &'a Head<'a>,
    noted: &'a Noted<'a>,
    target: &'a Target<'a>,
    permitted: &'a Permitted,
}

/// Returns the status for a proxy that turns statuses other than 401, 403, and 5xx into a 500: 401 for problems with
/// credentials, otherwise 403.
fn one_of_two(rejection: &Rejection) -> StatusCode {
    let status = rejection.status();
    if status.is_server_error() || status == StatusCode::FORBIDDEN {
        status
    } else if rejection.is_about_credentials() {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::FORBIDDEN
    }
}

/// Rejects requests without exactly one `Host` (RFC 9112 section 3.2), and methods that would change the gateway's
/// role, before any routing.
fn reject_malformed(head: &Head, noted: &Noted) -> Result<(), Rejection> {
    reject_method(head.method)?;
    if headers::names_one_host(head, noted) { Ok(()) } else { Err(Rejection::InvalidHost) }
}

fn reject_large(framing: Framing, limit: u64) -> Result<(), Rejection> {
    match framing {
        Framing::Length(length) if length > limit => Err(Rejection::BodyTooLarge { limit }),
        _ => Ok(()),
    }
}

/// Returns whether a method is idempotent (RFC 9110 section 9.2.2).
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}
