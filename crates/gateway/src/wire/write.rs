//! Writing of heads and chunks, always in the gateway's own framing.

use crate::Response;
use http::StatusCode;
use keydesk_model::Timestamp;
use std::{cell::RefCell, io::Write};

pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

pub(crate) fn push_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn push_status(out: &mut Vec<u8>, status: u16) {
    if status == 200 {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("")
}

thread_local! {
    /// The second written last, and its text.
    static DATE: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes the date (RFC 9110 section 5.6.7), which is formatted once per second.
pub(crate) fn push_date(out: &mut Vec<u8>, at: Timestamp) {
    with_date(at, |date| push_field(out, "date", date.as_bytes()));
}

pub(crate) fn with_date<T>(at: Timestamp, read: impl FnOnce(&str) -> T) -> T {
    let second = at.as_micros().div_euclid(1_000_000);
    DATE.with_borrow_mut(|(known, text)| {
        if *known != second {
            (*known, *text) = (second, http_date(at));
        }
        read(text)
    })
}

pub(crate) fn http_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns the bytes of one of the gateway's own responses. `HEAD` gets the head that `GET` would get.
pub(crate) fn answer_bytes(
    answer: &Response,
    at: Timestamp,
    is_head: bool,
    closes: bool,
    out: &mut Vec<u8>,
) {
    push_status(out, answer.status().as_u16());
    for (name, value) in answer.headers() {
        push_field(out, name.as_str(), value.as_bytes());
    }
    push_date(out, at);
    if answer.status() != StatusCode::NO_CONTENT {
        push_field(
            out,
            "content-length",
            itoa::Buffer::new().format(answer.body().len()).as_bytes(),
        );
    }
    if closes {
        push_field(out, "connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    if !is_head {
        out.extend_from_slice(answer.body());
    }
}

pub(crate) fn begin_chunk(out: &mut Vec<u8>, length: usize) {
    let _ = write!(out, "{length:x}\r\n");
}
