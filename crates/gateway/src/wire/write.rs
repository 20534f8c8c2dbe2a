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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const AT: Timestamp = Timestamp::from_micros(784_111_777_000_000);

    fn written(status: u16, body: &'static str, is_head: bool, closes: bool) -> String {
        let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        answer.headers_mut().insert("x", http::HeaderValue::from_static("y"));
        let mut out = Vec::new();
        answer_bytes(&answer, AT, is_head, closes, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn an_answer_is_written_whole() {
        const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let ok = format!("HTTP/1.1 200 OK\r\nx: y\r\n{DATE}content-length: 2\r\n");
        assert_eq!(written(200, "ab", false, false), format!("{ok}\r\nab"));
        assert_eq!(written(200, "ab", true, false), format!("{ok}\r\n"), "HEAD");
        assert_eq!(written(200, "ab", false, true), format!("{ok}connection: close\r\n\r\nab"));
        let none = format!("HTTP/1.1 204 No Content\r\nx: y\r\n{DATE}\r\n");
        assert_eq!(written(204, "", false, false), none, "RFC 9110 section 8.6: no length");
        let rare = format!("HTTP/1.1 599 \r\nx: y\r\n{DATE}content-length: 0\r\n\r\n");
        assert_eq!(written(599, "", false, false), rare);
    }

    #[test]
    fn a_date_is_that_of_its_second() {
        let date = |micros| with_date(Timestamp::from_micros(micros), str::to_owned);
        assert_eq!(date(784_111_777_999_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(784_111_778_000_000), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(date(784_111_777_000_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_chunk_begins_with_its_length() {
        let mut out = Vec::new();
        begin_chunk(&mut out, 0x1f);
        assert_eq!(out, b"1f\r\n");
    }
}
