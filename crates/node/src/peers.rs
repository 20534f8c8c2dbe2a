//! Peer confirmation: while the database is unavailable, a node asks every other node it knows, since any may commit,
//! whether it has committed anything newer. Questions and answers are authenticated with a key that all nodes share.

use crate::{JoinError, Nodes};
use axum::{
    Json, Router,
    extract::State,
    http::{self, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use keydesk_model::{MonotonicClock, NodeId};
use keydesk_outbound::{Bounds, Outbound, OutboundError, Reach};
use keydesk_store::{Position, Store};
use keydesk_token::Entropy;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

const LARGEST: usize = 4 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    node: NodeId,
    epoch: String,
    seq: i64,
    /// The digest of the feed up to this position.
    chain: String,
    nonce: String,
    mac: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    vouches: bool,
    /// The node that answers.
    node: NodeId,
    mac: String,
}

/// The configuration of peer confirmation.
#[derive(Clone)]
pub struct Peers {
    /// The address on which this node answers.
    pub listen: SocketAddr,
    pub url: String,
    /// The key that all nodes share. Messages under another key are neither answered nor believed.
    pub key: Key,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peers({}, key redacted)", self.url)
    }
}

type Key = Zeroizing<Vec<u8>>;

/// The reason why a node's answer doesn't count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("its address is none")]
    NoAddress(#[from] http::Error),
    #[error("it answered {0}")]
    Refused(StatusCode),
    #[error("its answer cannot be read")]
    Unreadable,
    #[error("the answer is not authentic; do all nodes have the same peer_key_file?")]
    Forged,
}

/// Computes the MAC of all parts, of which the first is the kind of message.
fn mac(key: &Key, parts: &[&str]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part.as_bytes());
        mac.update(b"\0");
    }
    hex::encode(mac.finalize().into_bytes())
}

impl Question {
    fn mac(&self, key: &Key) -> String {
        let (node, seq) = (self.node.to_string(), self.seq.to_string());
        mac(key, &["keydesk question 2", &node, &self.epoch, &seq, &self.chain, &self.nonce])
    }
}

impl Answer {
    fn mac(&self, key: &Key, question: &Question) -> String {
        let (node, vouches) = (self.node.to_string(), self.vouches.to_string());
        mac(key, &["keydesk answer 1", &node, &vouches, &question.mac])
    }
}

fn is(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// The state from which a node answers.
#[derive(Clone)]
struct Answering {
    key: Key,
    nodes: Arc<Nodes>,
    store: Store,
    stopwatch: MonotonicClock,
}

/// Answers on its own listener, which only other nodes should be able to reach.
pub(crate) async fn listen(
    peers: &Peers,
    nodes: &Arc<Nodes>,
    store: &Store,
    stopwatch: &MonotonicClock,
) -> Result<(), JoinError> {
    let addr = peers.listen;
    let bound = TcpListener::bind(addr).await;
    let listener = bound.map_err(|source| JoinError::Peer { addr, source })?;
    let answering = Answering {
        key: peers.key.clone(),
        nodes: Arc::clone(nodes),
        store: store.clone(),
        stopwatch: stopwatch.clone(),
    };
    let router = Router::new()
        .route("/confirm", post(answer))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .with_state(answering);
    keydesk_listen::serve_few(listener, router);
    Ok(())
}

async fn answer(
    State(answering): State<Answering>,
    Json(question): Json<Question>,
) -> Result<Json<Answer>, StatusCode> {
    let Answering { key, nodes, store, stopwatch } = answering;
    if !is(&question.mac(&key), &question.mac) {
        return Err(StatusCode::FORBIDDEN);
    }
    // The position comes from memory, because nodes ask while the database doesn't answer.
    let position = store.newest().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    // A node with another position may have a history that a failover has ended.
    let is_same = question.seq == position.seq && question.chain == position.chain;
    let vouches = position.epoch == question.epoch
        && is_same
        && nodes.with_membership(|membership| {
            membership.confirm(question.node, question.seq, position.seq, stopwatch.now())
        });
    let mut answer = Answer { vouches, node: nodes.own, mac: String::new() };
    answer.mac = answer.mac(&key, &question);
    Ok(Json(answer))
}

/// Returns whether this node confirms: it answers in time, is authenticated, and agrees.
pub(crate) async fn vouches(
    key: &Key,
    entropy: &Entropy,
    other: (NodeId, &str),
    own: NodeId,
    position: &Position,
    patience: Duration,
) -> Result<bool, PeerError> {
    let (seq, epoch, chain) = (position.seq, position.epoch.clone(), position.chain.clone());
    let nonce = hex::encode(entropy.bytes::<16>());
    let mut question = Question { node: own, epoch, seq, chain, nonce, mac: String::new() };
    question.mac = question.mac(key);
    let body = serde_json::to_vec(&question).map_err(|_| PeerError::Unreadable)?;
    let request = http::Request::post(format!("{}/confirm", other.1))
        .header("content-type", "application/json")
        .body(body)?;
    let bounds = Bounds { timeout: patience, bytes: LARGEST };
    let response = Outbound::plain().send(request, bounds, Reach::Anywhere).await?;
    if !response.status().is_success() {
        return Err(PeerError::Refused(response.status()));
    }
    let answer = serde_json::from_slice::<Answer>(response.body());
    let answer = answer.map_err(|_| PeerError::Unreadable)?;
    let is_it = answer.node == other.0 && is(&answer.mac(key, &question), &answer.mac);
    if is_it { Ok(answer.vouches) } else { Err(PeerError::Forged) }
}
