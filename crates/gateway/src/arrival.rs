//! What is known of a request before anything is decided: its id, when it came, and from where.

use crate::{
    settings::Settings,
    wire::{Kind, Noted},
};
use keydesk_model::Timestamp;
use keydesk_token::Entropy;
use std::{
    fmt,
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub request_id: RequestId,
    pub at: Timestamp,
    /// The caller's address: the peer's, or behind trusted proxies the nearest one that is none.
    pub client_addr: IpAddr,
}

impl Arrival {
    pub fn new(
        request_id: RequestId,
        at: Timestamp,
        peer: IpAddr,
        noted: &Noted,
        settings: &Settings,
    ) -> Self {
        let forwarded_for = noted.of_kind(Kind::ForwardedFor);
        let client_addr = settings.trusted_proxies.client_addr(peer, forwarded_for);
        Self { request_id, at, client_addr }
    }
}

/// `req_` and 24 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 28]);

impl RequestId {
    #[expect(clippy::cast_possible_truncation, reason = "four bits are left")]
    fn new(start: u64, count: u32) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = *b"req_000000000000000000000000";
        for (at, digit) in text[4..20].iter_mut().enumerate() {
            *digit = DIGITS[(start >> (60 - 4 * at)) as usize & 15];
        }
        for (at, digit) in text[20..].iter_mut().enumerate() {
            *digit = DIGITS[(count >> (28 - 4 * at)) as usize & 15];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Request ids of one worker: a random start, then a counter. Unique, not secret.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU32,
}

impl RequestIds {
    pub fn new(entropy: &Entropy) -> Self {
        Self { start: u64::from_le_bytes(entropy.bytes()), count: AtomicU32::new(0) }
    }

    pub fn next(&self) -> RequestId {
        RequestId::new(self.start, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_start_and_count_in_full() {
        let id = RequestId::new(0x0123_4567_89ab_cdef, 0xdead_beef);
        assert_eq!(id.as_str(), "req_0123456789abcdefdeadbeef");
        assert_eq!(
            id.as_str(),
            format!("req_{:016x}{:08x}", 0x0123_4567_89ab_cdef_u64, 0xdead_beef_u32)
        );
    }
}
