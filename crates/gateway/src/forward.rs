//! Sends a permitted request to the upstream and brings its answer back, streaming both ways.

use crate::{
    Answer, Body, Denial,
    arrival::Arrival,
    headers,
    permit::Permitted,
    progress::{Progress, WatchedBody},
    settings::{Limits, Settings},
    target::Target,
    tunnel,
};
use http::{Request, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{pin::pin, time::Duration};

/// One worker's connections to the upstream.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, WatchedBody>,
}

impl Upstream {
    pub fn new(limits: Limits) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(limits.connect_timeout));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self { client }
    }

    /// Only what is permitted can be forwarded.
    pub async fn forward(
        &self,
        permitted: Permitted,
        target: &Target,
        arrival: &Arrival,
        settings: &Settings,
        clock: &keydesk_model::Clock,
        mut request: Request<Incoming>,
    ) -> Result<Answer, Denial> {
        let limit = settings.limits.max_body_bytes;
        if request.body().size_hint().lower() > limit {
            return Err(Denial::BodyTooLarge { limit });
        }
        let upgrade = tunnel::requested(&mut request);
        let (parts, body) = request.into_parts();
        let (body, progress) = WatchedBody::new(body, limit);
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = upstream_uri(&settings.upstream, target)?;
        *outgoing.version_mut() = Version::HTTP_11;
        *outgoing.headers_mut() = parts.headers;
        let asked_host = outgoing.headers_mut().remove(header::HOST).or_else(|| {
            parts.uri.authority().and_then(|authority| authority.as_str().parse().ok())
        });
        headers::strip_request(outgoing.headers_mut());
        headers::add_request(
            outgoing.headers_mut(),
            &permitted,
            arrival,
            settings,
            asked_host.as_ref(),
        );
        if upgrade.is_some() {
            tunnel::name_websocket(outgoing.headers_mut());
        }
        let mut response =
            wait_for_answer(self.client.request(outgoing), &progress, &settings.limits).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(upgrade) = upgrade else { return Err(Denial::UpstreamUnreachable) };
            return Ok(upgrade
                .open(response, permitted, clock.clone())
                .map(|()| Body::Left(http_body_util::Full::default())));
        }
        headers::strip_response(response.headers_mut());
        Ok(response.map(Body::Right))
    }
}

fn upstream_uri(upstream: &Uri, target: &Target) -> Result<Uri, Denial> {
    let base = upstream.path().trim_end_matches('/');
    let mut parts = upstream.clone().into_parts();
    let path = format!("{base}{}", target.path_and_query());
    parts.path_and_query = Some(path.parse().map_err(|_| Denial::AmbiguousPath)?);
    Uri::from_parts(parts).map_err(|_| Denial::AmbiguousPath)
}

/// Waits as long as something moves: a long upload is no time-out, a silent upstream is one.
async fn wait_for_answer(
    answer: ResponseFuture,
    progress: &Progress,
    limits: &Limits,
) -> Result<http::Response<Incoming>, Denial> {
    let mut answer = pin!(answer);
    loop {
        let (frames, was_finished) = (progress.frames(), progress.is_finished());
        match tokio::time::timeout(limits.response_timeout, &mut answer).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(_)) if progress.is_too_large() => {
                return Err(Denial::BodyTooLarge { limit: limits.max_body_bytes });
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the upstream did not answer"
                );
                return Err(Denial::UpstreamUnreachable);
            }
            Err(_) if progress.frames() != frames => {}
            Err(_) if !was_finished && progress.is_waiting_for_client() => {
                return Err(Denial::SlowBody);
            }
            Err(_) => return Err(Denial::UpstreamTimeout),
        }
    }
}
