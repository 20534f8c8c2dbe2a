//! Interim responses of an upstream, 102 and 103: a proxy passes them on (RFC 9110 section 15.2), as they come.

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

/// More than this waits for no client.
const MOST_WAITING: usize = 64 * 1024;

/// Heads that the client has yet to take.
#[derive(Debug, Default)]
pub(super) struct Interim {
    waiting: RefCell<Vec<u8>>,
    /// Whether the client has got a part of what waits.
    is_torn: Cell<bool>,
    is_unflushed: Cell<bool>,
}

impl Interim {
    /// Whether a response is an interim one; it is passed on to whom may get it. 100 is for the gateway, which has sent
    /// its own, and HTTP/1.0 has none.
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

    /// What has not gone yet goes before the final response.
    pub fn before<'a>(&self, back: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        back.append(&mut self.waiting.borrow_mut());
        back
    }

    /// How an exchange ends that is rejected. In the middle of a head nothing else can be said.
    pub fn reject(&self, rejection: Rejection) -> Stopped {
        if self.is_torn.get() { Stopped::ClientGone } else { Stopped::Refused(rejection) }
    }

    /// Sends what waits, for as long as it is awaited; resolves where the client does not take it. A piece that was
    /// written is gone from what waits, so that nothing is sent twice wherever this is dropped. The task that
    /// waits for the response polls this right after it, so no wake-up is needed.
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
