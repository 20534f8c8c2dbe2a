//! The check as a tower layer around a whole router, so that the checked path is the routed path.

use crate::{
    Guard,
    guard::{Call, withhold},
};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, uri::PathAndQuery,
};
use keydesk_gateway::Pass;
use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// A function that finds the peer's IP address in the request extensions that the server has set.
pub type PeerOf = fn(&http::Extensions) -> Option<IpAddr>;

/// A layer that passes only valid requests to the inner service, with the path without the account number, with
/// `keydesk-*` headers that can't be forged, and with [`Pass`] in the request extensions.
#[derive(Clone, Debug)]
pub struct GuardLayer {
    guard: Guard,
    peer_of: PeerOf,
}

impl GuardLayer {
    pub fn new(guard: Guard, peer_of: PeerOf) -> Self {
        Self { guard, peer_of }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, guard: self.guard.clone(), peer_of: self.peer_of }
    }
}

#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    guard: Guard,
    peer_of: PeerOf,
}

type Answered<A, E> = Pin<Box<dyn Future<Output = Result<Response<A>, E>> + Send>>;

impl<S, B, A> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    S::Error: Send,
    A: From<Bytes> + Send + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Answered<A, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.judge(&request) {
            Err(refusal) => Box::pin(std::future::ready(Ok(refusal.map(A::from)))),
            Ok(pass) => {
                let added = pass.added.clone();
                // The instance that was polled must be the one that is called.
                let next = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, next);
                let answer = ready.call(with_pass(request, pass));
                Box::pin(async move {
                    let mut answer = answer.await?;
                    let fields = added.iter().filter_map(|(name, value)| {
                        Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
                    });
                    for (name, value) in fields {
                        answer.headers_mut().append(name, value);
                    }
                    Ok(answer)
                })
            }
        }
    }
}

impl<S> Guarded<S> {
    fn judge<B>(&self, request: &Request<B>) -> Result<Pass, Box<Response<Bytes>>> {
        let Some(peer) = (self.peer_of)(request.extensions()) else {
            tracing::error!("failed to read a connection's peer address");
            let text =
                Bytes::from_static(b"The server cannot tell where the request comes from.\n");
            let mut answer = Response::new(text);
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Err(Box::new(answer));
        };
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        self.guard.check(&Call { method, uri, headers, peer })
    }
}

/// Returns the request for the inner service.
fn with_pass<B>(mut request: Request<B>, pass: Pass) -> Request<B> {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = request.uri().clone().into_parts();
    // The checked path remains valid when the query is appended.
    if let Ok(target) = format!("{}{query}", pass.path).parse::<PathAndQuery>() {
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    let headers = request.headers_mut();
    withhold(headers);
    for (name, value) in pass.identity() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.remove(header::PROXY_AUTHORIZATION);
    request.extensions_mut().insert(pass);
    request
}
