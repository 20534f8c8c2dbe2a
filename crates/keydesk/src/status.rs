//! The status endpoints for operators: liveness, readiness, metrics, and the node's state in the cluster. They have a
//! listener of their own, which is off unless configured.

use crate::{background::Background, self_service::Expiring};
use anyhow::Context;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use keydesk_gateway::{LiveTable, Metrics};
use keydesk_node::Member;
use keydesk_store::Store;
use serde_json::{Value, json};
use std::{
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// Whether the node is stopping: it completes requests in flight, but should get no new ones.
pub type Stopping = Arc<AtomicBool>;

/// The maximum wait for the database's part of the response.
const PATIENCE: Duration = Duration::from_secs(1);

/// The sources of the status.
#[derive(Clone)]
pub struct Seen {
    /// The metrics of the gateway, if the node has one.
    pub metrics: Option<Metrics>,
    pub table: Arc<LiveTable>,
    pub member: Arc<Member>,
    pub store: Store,
    pub stopping: Stopping,
    pub expiring: Expiring,
    pub background: Background,
}

pub async fn start(addr: SocketAddr, seen: Seen) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(addr)
        .await
        .with_context(|| format!("observe.status: {addr} cannot be bound"))?;
    let addr = listener.local_addr()?;
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(seen);
    keydesk_listen::serve_few(listener, router);
    Ok(addr)
}

async fn ready(State(seen): State<Seen>) -> impl IntoResponse {
    let has_gateway = seen.metrics.is_some();
    if seen.stopping.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if has_gateway && !seen.table.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "loading tokens\n")
    } else if has_gateway && !seen.table.may_serve() {
        (StatusCode::SERVICE_UNAVAILABLE, "disconnected from the database\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics(State(seen): State<Seen>) -> Response {
    let mut text = seen.metrics.as_ref().map(Metrics::render).unwrap_or_default();
    let soon = *seen.expiring.lock().unwrap_or_else(PoisonError::into_inner);
    text.push_str("# HELP keydesk_tokens_expiring Live API tokens that end within so many days; known to nodes with a console.\n# TYPE keydesk_tokens_expiring gauge\n");
    for (days, count) in soon.within.iter().filter(|(days, _)| *days > 0) {
        let _ = writeln!(text, "keydesk_tokens_expiring{{days=\"{days}\"}} {count}");
    }
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn status(State(seen): State<Seen>) -> Json<Value> {
    let store = tokio::time::timeout(PATIENCE, store(&seen.store)).await;
    let store = store.unwrap_or_else(|_| json!({ "reachable": false }));
    Json(json!({
        "release": env!("CARGO_PKG_VERSION"),
        "node": seen.member.standing(),
        "store": store,
        "nodes": seen.member.others().await,
        "background": seen.background.to_json(),
    }))
}

async fn store(store: &Store) -> Value {
    match (store.durability().await, store.look().await) {
        (Ok(durability), Ok(head)) => json!({
            "reachable": true,
            "kind": if store.is_shared() { "postgresql" } else { "sqlite" },
            "server": store.server(),
            "durability": durability.as_str(),
            "seq": head.head,
            "epoch": head.epoch,
            "key": head.key_id,
        }),
        (Err(error), _) | (_, Err(error)) => {
            json!({ "reachable": false, "why": error.to_string() })
        }
    }
}
