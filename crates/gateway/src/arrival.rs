//! A request's ID, arrival time, and client address, known before any decision.

use crate::{
    redaction::holds_token,
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
    /// The client IP address: the peer's or, behind trusted proxies, the nearest one that is not a trusted proxy.
    pub client_ip: IpAddr,
}

impl Arrival {
    pub fn new(
        request_id: RequestId,
        at: Timestamp,
        peer: IpAddr,
        noted: &Noted,
        settings: &Settings,
    ) -> Self {
        let kept = noted.request_id.first.filter(|_| settings.keeps_request_ids);
        let request_id = kept.and_then(RequestId::of_client).unwrap_or(request_id);
        let forwarded_for = noted.of_kind(Kind::ForwardedFor);
        let client_ip = settings.trusted_proxies.client_ip(peer, forwarded_for);
        Self { request_id, at, client_ip }
    }
}

/// A request ID: `req_` and 24 hexadecimal digits, or the ID that the client sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId {
    text: [u8; LONGEST_ID],
    length: u8,
}

/// The longest client-sent ID that is kept.
const LONGEST_ID: usize = 64;
const OWN_ID: usize = 28;

impl RequestId {
    #[expect(clippy::cast_possible_truncation, reason = "four bits are left")]
    fn new(start: u64, count: u32) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; LONGEST_ID];
        text[..4].copy_from_slice(b"req_");
        for (at, digit) in text[4..20].iter_mut().enumerate() {
            *digit = DIGITS[(start >> (60 - 4 * at)) as usize & 15];
        }
        for (at, digit) in text[20..OWN_ID].iter_mut().enumerate() {
            *digit = DIGITS[(count >> (28 - 4 * at)) as usize & 15];
        }
        Self { text, length: OWN_ID as u8 }
    }

    /// Returns the client's `X-Request-Id` if it is a single word and not a token.
    fn of_client(value: &[u8]) -> Option<Self> {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:+/=@".contains(b);
        if value.is_empty() || !value.iter().all(is_word) || holds_token(value) {
            return None;
        }
        let mut text = [0; LONGEST_ID];
        text.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self { text, length: u8::try_from(value.len()).ok()? })
    }

    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
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

/// One worker's source of request IDs: a random start, then a counter. Unique, not secret.
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
    fn a_clients_id_is_kept_where_it_can_do_no_harm() {
        let kept = |text: &str| RequestId::of_client(text.as_bytes()).map(|id| id.to_string());
        for id in
            ["7f0c1a52-0b1e-4b6f-8a57-5c1d7c3a9f10", "Root=1-67891233-abcdef012345678912345678"]
        {
            assert_eq!(kept(id).as_deref(), Some(id));
        }
        let token = keydesk_token::PlainToken::generate(
            &keydesk_token::Prefix::default(),
            keydesk_token::Kind::User,
            &Entropy::seeded(1),
        );
        for id in ["", "a b", "a\"b", "ä", &"x".repeat(65), token.expose()] {
            assert_eq!(kept(id), None, "{id}");
        }
    }

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
