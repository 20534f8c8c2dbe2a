//! The upstream's interim responses, 102 and 103, which a proxy forwards as they arrive (RFC 9110 section 15.2).

use super::{relay::Stopped, reply::Reply};
use crate::{
    Rejection,
    headers::{Returning, write_answer},
    io::{Io, IoHalf},
    upstream::ResponseRead,
};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// The number of bytes that can wait for a client.
const MOST_WAITING: usize = 64 * 1024;

/// The heads that the client has not received yet.
#[derive(Debug, Default)]
pub(super) struct Interim {
    waiting: RefCell<Vec<u8>>,
    /// Whether the client has received a part of the waiting bytes.
    is_torn: Cell<bool>,
    is_unflushed: Cell<bool>,
}

impl Interim {
    /// Returns whether a response is interim, and forwards it if the client can receive it. 100 is for the gateway,
    /// which has sent its own, and HTTP/1.0 has none.
    pub fn passes(
        &self,
        answer: &ResponseRead<'_>,
        reply: Reply,
        returning: &Returning<'_>,
    ) -> bool {
        if !answer.answered.is_interim() {
            return false;
        }
        let mut waiting = self.waiting.borrow_mut();
        if answer.answered.status != 100 && reply.speaks_http11 && waiting.len() < MOST_WAITING {
            write_answer(&mut waiting, answer, returning);
            waiting.extend_from_slice(b"\r\n");
        }
        true
    }

    /// Puts the unsent bytes before the final response.
    pub fn before<'a>(&self, back: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        back.append(&mut self.waiting.borrow_mut());
        back
    }

    /// Returns how a rejected exchange ends. In the middle of a head, no other response can be sent.
    pub fn reject(&self, rejection: Rejection) -> Stopped {
        if self.is_torn.get() { Stopped::ClientGone } else { Stopped::Refused(rejection) }
    }

    /// Sends the waiting bytes while it is polled, and resolves if the client does not accept them. Written bytes are
    /// removed immediately, so nothing is sent twice if this is dropped. The task that waits for the response polls
    /// this right after it, so no wake-up is needed.
    pub async fn flow(&self, io: &RefCell<Io>) {
        poll_fn(|cx| self.poll_flow(cx, io)).await;
    }

    fn poll_flow(&self, cx: &mut Context<'_>, io: &RefCell<Io>) -> Poll<()> {
        let mut waiting = self.waiting.borrow_mut();
        let mut half = IoHalf(io);
        while !waiting.is_empty() {
            match ready!(Pin::new(&mut half).poll_write(cx, &waiting)) {
                Ok(count) if count > 0 => {
                    self.is_torn.set(count < waiting.len());
                    waiting.drain(..count);
                    self.is_unflushed.set(true);
                }
                _ => return Poll::Ready(()),
            }
        }
        if self.is_unflushed.get() {
            if ready!(Pin::new(&mut half).poll_flush(cx)).is_err() {
                return Poll::Ready(());
            }
            self.is_unflushed.set(false);
        }
        Poll::Pending
    }
}
