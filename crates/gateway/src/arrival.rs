//! What is known of a request before anything is decided: its id, when it came, and from where.

use crate::settings::Settings;
use http::{HeaderMap, HeaderValue};
use keydesk_model::Timestamp;
use keydesk_token::Entropy;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

#[derive(Clone, Debug)]
pub struct Arrival {
    pub request_id: String,
    pub at: Timestamp,
    /// The caller's address: the peer's, or behind trusted proxies the nearest one that is none.
    pub client_addr: IpAddr,
}

impl Arrival {
    pub fn new(
        request_id: String,
        at: Timestamp,
        peer: IpAddr,
        headers: &HeaderMap,
        settings: &Settings,
    ) -> Self {
        let forwarded_for = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes);
        let client_addr = settings.trusted_proxies.client_addr(peer, forwarded_for);
        Self { request_id, at, client_addr }
    }
}

/// Request ids: a random start for this process, then a counter. Unique, not secret.
#[derive(Debug)]
pub struct RequestIds {
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub fn new(entropy: &Entropy) -> Self {
        Self { start: u64::from_le_bytes(entropy.bytes()), count: AtomicU64::new(0) }
    }

    pub fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("req_{:016x}{:08x}", self.start, count & 0xffff_ffff)
    }
}
