//! Serves the console on its listener.

use axum::{Router, extract::ConnectInfo};
use http::Extensions;
use keydesk_control::{DirectTls, SessionMark};
use keydesk_listen::{Bounds, Seen};
use keydesk_model::TrustedProxies;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Serves until `stopped` resolves.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    proxies: TrustedProxies,
    stopped: impl Future<Output = ()>,
) {
    let is_proxy = move |addr| proxies.contains(addr);
    let bounds = (Bounds::console(), is_proxy);
    keydesk_listen::serve(listener, router, tls, bounds, mark, stopped).await;
}

fn mark(extensions: &mut Extensions, seen: Seen) {
    extensions.insert(ConnectInfo::<SocketAddr>(seen.peer));
    extensions.insert(SessionMark(seen.holder));
    if seen.is_tls {
        extensions.insert(DirectTls);
    }
}
