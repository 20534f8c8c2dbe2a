//! What the console asks of other servers: one request at a time, no redirects followed, bounded in time and
//! size. Whom it asks is the operator's to say.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::time::Duration;

/// How much is waited for, and taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub timeout: Duration,
    pub bytes: usize,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("its answer is too large, or broke off")]
    Unreadable,
    #[error("it is neither https nor on this machine")]
    Unsafe,
    #[error("no answer in time")]
    Late,
}

pub(crate) async fn send(
    request: Request<Vec<u8>>,
    bounds: Bounds,
) -> Result<Response<Vec<u8>>, OutboundError> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .build();
    let client: Client<HttpsConnector<HttpConnector>, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let answer = async {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let (head, body) = client.request(request).await?.into_parts();
        let body = Limited::new(body, bounds.bytes).collect().await;
        let body = body.map_err(|_| OutboundError::Unreadable)?.to_bytes().to_vec();
        Ok(Response::from_parts(head, body))
    };
    tokio::time::timeout(bounds.timeout, answer).await.map_err(|_| OutboundError::Late)?
}
