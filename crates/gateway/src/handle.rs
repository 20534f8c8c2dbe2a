//! A request's way through the gateway, phase by phase.

use crate::{
    Answer, Denial, LiveTable, Presented,
    arrival::{Arrival, RequestIds},
    cors,
    forward::Upstream,
    permit::Permitted,
    settings::Settings,
    target::Target,
    whoami,
};
use http::{HeaderValue, Method, Request, Version, header};
use hyper::body::Incoming;
use keydesk_model::{Clock, program_of};
use std::{net::IpAddr, sync::Arc};

/// What every request of one worker is handled with.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub settings: Arc<Settings>,
    pub table: Arc<LiveTable>,
    pub clock: Clock,
    pub request_ids: Arc<RequestIds>,
    pub upstream: Upstream,
}

impl Worker {
    pub async fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        let (id, now) = (self.request_ids.next(), self.clock.now());
        let arrival = Arrival::new(id, now, peer, request.headers(), &self.settings);
        let console = cors::console_origin(request.headers(), &self.settings);
        if let Some(answer) = console.as_ref().and_then(|origin| cors::preflight(&request, origin))
        {
            return answer;
        }
        let mut answer = match self.answer(request, &arrival).await {
            Ok(answer) => answer,
            Err(denial) => self.refuse(denial, &arrival),
        };
        if let Some(origin) = &console {
            cors::allow(answer.headers_mut(), origin);
        }
        if let Ok(id) = HeaderValue::from_str(&arrival.request_id) {
            answer.headers_mut().insert("x-request-id", id);
        }
        answer
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        arrival: &Arrival,
    ) -> Result<Answer, Denial> {
        refuse_malformed(&request)?;
        let target = Target::of(request.uri(), self.settings.forms)?;
        let presented = Presented::in_headers(request.headers())?;
        let verified = self.table.verify(&presented, arrival.at)?;
        let permitted = Permitted::new(verified, &target)?;
        self.note_use(&permitted, &request, arrival);
        match whoami::reserved(&target, &self.settings) {
            Some(operation) => whoami::answer(operation, request.method(), &permitted, arrival),
            None => {
                self.upstream
                    .forward(permitted, &target, arrival, &self.settings, &self.clock, request)
                    .await
            }
        }
    }

    fn note_use(&self, permitted: &Permitted, request: &Request<Incoming>, arrival: &Arrival) {
        let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        self.table.note_use(permitted.entry(), &program_of(agent), arrival.client_addr, arrival.at);
    }

    fn refuse(&self, denial: Denial, arrival: &Arrival) -> Answer {
        tracing::debug!(code = denial.code(), client_addr = %arrival.client_addr, request_id = arrival.request_id, "refused");
        denial.into_response(&self.settings, &arrival.request_id)
    }
}

/// RFC 9112 section 3.2: one Host, which hyper does not insist on. Methods that would turn the
/// gateway into something else are refused here, before any routing.
fn refuse_malformed<B>(request: &Request<B>) -> Result<(), Denial> {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Err(Denial::MethodNotAllowed);
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let authority = request.uri().authority();
    let named_once = match request.version() {
        Version::HTTP_2 => authority.is_some() || hosts == 1,
        Version::HTTP_10 => hosts <= 1,
        _ => hosts == 1,
    };
    let agrees = match (authority, request.headers().get(header::HOST)) {
        (Some(authority), Some(host)) => {
            host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
        }
        _ => true,
    };
    if named_once && agrees { Ok(()) } else { Err(Denial::BadHost) }
}
