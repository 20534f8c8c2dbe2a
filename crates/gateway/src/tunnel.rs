//! WebSocket: passes an upgrade through and then bytes both ways, for as long as the token lives.

use crate::{headers, permit::Permitted};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use keydesk_model::{Clock, TokenState};
use std::time::Duration;

/// How often an open tunnel asks whether its token still lives.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// A client that asked for a WebSocket.
#[derive(Debug)]
pub(crate) struct Upgrade {
    client: OnUpgrade,
}

/// Only HTTP/1.1 and only `websocket` (RFC 6455); any other `Upgrade`, h2c above all, is dropped.
pub(crate) fn requested(request: &mut Request<Incoming>) -> Option<Upgrade> {
    let headers = request.headers();
    let names = |name, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(wanted))
    };
    let wanted = request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket");
    wanted.then(|| Upgrade { client: hyper::upgrade::on(request) })
}

/// Puts back the two headers of an upgrade, which are hop-by-hop, on a request or a 101.
pub(crate) fn name_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

impl Upgrade {
    /// Joins both sides once each has switched; returns the client's 101.
    pub fn open(
        self,
        mut response: Response<Incoming>,
        permitted: Permitted,
        clock: Clock,
    ) -> Response<()> {
        let upstream = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let (Ok(client), Ok(upstream)) = (self.client.await, upstream.await) else { return };
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => {}
                () = token_ends(&permitted, &clock) => {}
            }
        });
        let mut answer = response.map(drop);
        headers::strip_response(answer.headers_mut());
        name_websocket(answer.headers_mut());
        answer
    }
}

async fn token_ends(permitted: &Permitted, clock: &Clock) {
    while permitted.entry().state(clock.now()) == TokenState::Live {
        tokio::time::sleep(CHECK_EVERY).await;
    }
}
