//! An HTTP/1.1 request as its connection handles it, and the format of its response.

use crate::{
    handle::Decision,
    headers::{Returning, write_answer, write_framing},
    upstream::{ResponseInfo, ResponseRead},
    wire::{Framing, Head, Noted, announced_length, push_field},
};
use http::Version;

/// A request that has been read and decided on.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct PipelinedRequest {
    pub decision: Decision,
    pub framing: Framing,
    pub is_head: bool,
    pub keeps_open: bool,
    pub speaks_http11: bool,
    pub expects_continue: bool,
}

/// The format of a response.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Reply {
    pub framing: Framing,
    pub is_head: bool,
    pub keeps_open: bool,
    pub speaks_http11: bool,
    pub expects_continue: bool,
}

impl Reply {
    /// Returns the same format, but closes the connection unless `may_keep`.
    pub fn kept(self, may_keep: bool) -> Self {
        Self { keeps_open: self.keeps_open && may_keep, ..self }
    }

    /// Returns whether to send chunks: the length is unknown and the client supports them.
    pub fn sends_chunks(self, answered: ResponseInfo) -> bool {
        self.speaks_http11 && matches!(answered.framing, Framing::Chunked | Framing::UntilClose)
    }
}

impl PipelinedRequest {
    pub fn new(decision: Decision, head: &Head) -> Self {
        let speaks_http11 = head.version == Version::HTTP_11;
        Self {
            framing: decision.facts.framing.unwrap_or(Framing::UntilClose),
            is_head: head.method == "HEAD",
            keeps_open: speaks_http11 && !decision.facts.asks_to_close,
            speaks_http11,
            expects_continue: decision.facts.expects_continue,
            decision,
        }
    }

    /// Returns the reply to a request that cannot be read, not even its end.
    pub fn broken(decision: Decision) -> Self {
        Self {
            decision,
            framing: Framing::UntilClose,
            is_head: false,
            keeps_open: false,
            speaks_http11: true,
            expects_continue: false,
        }
    }
}

/// Writes the response's head, and returns whether the client's connection stays open.
pub(super) fn write_head(
    back: &mut Vec<u8>,
    answer: &ResponseRead<'_>,
    returning: &Returning<'_>,
    reply: Reply,
) -> bool {
    let ResponseRead { noted, answered, .. } = answer;
    write_answer(back, answer, returning);
    if answered.switches {
        back.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n\r\n");
        return false;
    }
    let has_end =
        reply.speaks_http11 || matches!(answered.framing, Framing::Empty | Framing::Length(_));
    let keeps_open = reply.keeps_open && has_end;
    match answered.framing {
        Framing::Empty => {
            if let Some(length) = length_of_nothing(noted, *answered, reply.is_head) {
                push_field(back, "content-length", length);
            }
        }
        Framing::Length(_) => write_framing(back, answered.framing),
        _ if reply.sends_chunks(*answered) => write_framing(back, Framing::Chunked),
        _ => {}
    }
    if !keeps_open {
        back.extend_from_slice(b"connection: close\r\n");
    }
    back.extend_from_slice(b"\r\n");
    keeps_open
}

/// Returns the `Content-Length` if no body follows (RFC 9110 section 8.6): for a `HEAD` or a 304, that of the omitted
/// body if the upstream sends it.
pub(super) fn length_of_nothing<'a>(
    noted: &Noted<'a>,
    answered: ResponseInfo,
    is_head: bool,
) -> Option<&'a [u8]> {
    match announced_length(noted) {
        Some(length) if is_head || answered.status == 304 => Some(length),
        _ if is_head || matches!(answered.status, 204 | 304) => None,
        _ => Some(b"0"),
    }
}
