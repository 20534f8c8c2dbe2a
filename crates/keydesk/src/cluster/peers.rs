//! When the database is away: a gateway asks every console that it knows whether it has committed
//! anything newer. Questions and answers are authenticated with a key that all nodes share.

use crate::config::Peers;
use anyhow::{Context, ensure};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use keydesk_control::Nodes;
use keydesk_model::{NodeId, Stopwatch};
use keydesk_store::{Position, Store};
use keydesk_token::Entropy;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

const LARGEST: usize = 4 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    node: NodeId,
    epoch: String,
    seq: i64,
    /// The digest over the feed up to there.
    chain: String,
    nonce: String,
    mac: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    vouches: bool,
    /// The console that answers.
    node: NodeId,
    mac: String,
}

type Key = Zeroizing<Vec<u8>>;

/// Over all of it, with what kind of message it is in front.
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

/// What a console answers from.
#[derive(Clone)]
struct Answering {
    key: Key,
    nodes: Arc<Nodes>,
    store: Store,
    stopwatch: Stopwatch,
}

/// Answers on its own listener, which only other nodes should reach.
pub async fn listen(
    peers: &Peers,
    nodes: &Arc<Nodes>,
    store: &Store,
    stopwatch: &Stopwatch,
) -> anyhow::Result<()> {
    let Some(addr) = peers.listen else { return Ok(()) };
    let listener = TcpListener::bind(addr)
        .await
        .with_context(|| format!("cluster.peer: {addr} cannot be bound"))?;
    let answering = Answering {
        key: peers.key.clone(),
        nodes: Arc::clone(nodes),
        store: store.clone(),
        stopwatch: stopwatch.clone(),
    };
    let router = Router::new()
        .route("/vouch", post(answer))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .with_state(answering);
    tokio::spawn(async move { axum::serve(listener, router).await });
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
    // From memory: it is asked when the database does not answer.
    let position = store.newest().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    // Whoever stands elsewhere may stand in a history that a failover has ended.
    let is_same = question.seq == position.seq && question.chain == position.chain;
    let vouches = position.epoch == question.epoch
        && is_same
        && nodes.with_roster(|roster| {
            roster.vouch(question.node, question.seq, position.seq, stopwatch.now())
        });
    let mut answer = Answer { vouches, node: nodes.own, mac: String::new() };
    answer.mac = answer.mac(&key, &question);
    Ok(Json(answer))
}

/// Whether this console vouches: it answers in time, is who it should be, and says yes.
pub async fn vouches(
    key: &Key,
    entropy: &Entropy,
    console: (NodeId, &str),
    own: NodeId,
    position: &Position,
    patience: Duration,
) -> anyhow::Result<bool> {
    let (seq, epoch, chain) = (position.seq, position.epoch.clone(), position.chain.clone());
    let nonce = hex::encode(entropy.bytes::<16>());
    let mut question = Question { node: own, epoch, seq, chain, nonce, mac: String::new() };
    question.mac = question.mac(key);
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::post(format!("{}/vouch", console.1))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(&question)?)))?;
    let asked = async {
        let response = client.request(request).await?;
        ensure!(response.status().is_success(), "it answered {}", response.status());
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| anyhow::anyhow!("its answer cannot be read"))?.to_bytes();
        Ok(serde_json::from_slice::<Answer>(&body)?)
    };
    let answer = tokio::time::timeout(patience, asked).await.context("it does not answer")??;
    let is_it = answer.node == console.0 && is(&answer.mac(key, &question), &answer.mac);
    ensure!(is_it, "the answer is not authentic; do all nodes have the same peer_key_file?");
    Ok(answer.vouches)
}
