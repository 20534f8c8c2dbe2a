//! For whoever operates it: whether it lives, whether it is ready, and how it does. On a listener of
//! its own, off unless configured.

use anyhow::Context;
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use keydesk_gateway::{LiveTable, Metrics};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::net::TcpListener;

/// Set while requests in flight finish: no new ones should be sent here.
pub type Stopping = Arc<AtomicBool>;

pub async fn start(
    addr: SocketAddr,
    metrics: Metrics,
    table: Arc<LiveTable>,
    stopping: Stopping,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(addr)
        .await
        .with_context(|| format!("observe.status: {addr} cannot be bound"))?;
    let addr = listener.local_addr()?;
    let ready = move || {
        let (table, stopping) = (Arc::clone(&table), Arc::clone(&stopping));
        async move { readiness(table.is_ready(), stopping.load(Ordering::Relaxed)) }
    };
    let exposition = move || {
        let text = metrics.render();
        async move { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

fn readiness(has_tokens: bool, is_stopping: bool) -> impl IntoResponse {
    match (has_tokens, is_stopping) {
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "loading tokens\n"),
        (true, false) => (StatusCode::OK, "ready\n"),
    }
}
