//! The end of an HTTP/1.1 connection. Remaining input is read, because a connection that is closed with unread bytes is
//! reset, and the client may lose its last response.

use super::http1::Connection;
use crate::{
    io::IoHalf,
    wire::{Decoder, Framing, Step},
};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The time that a closing connection is read if no more input is expected.
const LINGER: Duration = Duration::from_secs(1);
/// The time that it is read if the client may still be sending a body: in total, and without a byte. Like nginx's
/// `lingering_time` and `lingering_timeout`.
const LINGER_FOR_BODY: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(5);

impl Connection {
    /// Reads and discards a body, so that the next request can be read.
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

    /// Closes the sending half and reads until the client closes its own, limited by time and not by bytes.
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
