//! The end of a connection of HTTP/1.1: what is still to come is read, so that the client can read what was sent. A
//! connection that is closed with unread bytes is reset, and its last response is lost with it.

use super::http1::Connection;
use crate::{
    io::IoHalf,
    wire::{Decoder, Framing, Step},
};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long a closing connection listens where nothing is to come.
const LINGER: Duration = Duration::from_secs(1);
/// How long where the client may still be sending a body: in all, and without a byte. As nginx's `lingering_time` and
/// `lingering_timeout`.
const LINGER_FOR_BODY: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(5);

impl Connection {
    /// Reads a body that nobody wants, so that the next request can be told from it.
    pub(super) async fn drain(&mut self, framing: Framing) -> bool {
        let mut body = Decoder::new(framing);
        self.deadline.set_after(LINGER);
        loop {
            match body.step(self.inbox.filled()) {
                Ok(Step::Data { skip, length }) => self.inbox.consume(skip + length),
                Ok(Step::End { skip }) => {
                    self.inbox.consume(skip);
                    return true;
                }
                Ok(Step::More { .. }) => {
                    let read = self.deadline.bound(self.inbox.fill(&mut IoHalf(&self.io))).await;
                    if !matches!(read, Ok(Ok(count)) if count > 0) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    }

    /// Says that nothing more comes, and listens until the client has ended, too, by time and not by bytes.
    pub(super) async fn close(mut self) {
        let longest = if self.has_unread_body { LINGER_FOR_BODY } else { LINGER };
        let ended = async {
            if IoHalf(&self.io).shutdown().await.is_err() {
                return;
            }
            loop {
                let mut half = IoHalf(&self.io);
                let reading = self.inbox.fill(&mut half);
                let Ok(Ok(count)) = tokio::time::timeout(SILENCE, reading).await else { return };
                if count == 0 {
                    return;
                }
                self.inbox.consume(count);
            }
        };
        let _ = tokio::time::timeout(longest, ended).await;
    }
}
