//! HTTP/1.1 requests to Keydesk itself whose body must be read first.

use super::{
    http1::{Connection, Next},
    reply::Reply,
};
use crate::{
    Rejection,
    cors::TokenLimits,
    endpoints::{DeferredRequest, MOST_FORM},
    io::IoHalf,
    observe::RequestTrace,
    wire::{Decoder, Framing, Step},
    worker::Worker,
};
use std::rc::Rc;

impl Connection {
    /// Reads the body of a request to Keydesk itself and answers it.
    pub(super) async fn ask(
        &mut self,
        ask: DeferredRequest,
        mut story: RequestTrace,
        reply: Reply,
        grant: Option<&TokenLimits>,
    ) -> Next {
        let worker = Rc::clone(&self.worker);
        let answer = match self.read_form(reply).await {
            Some(Ok(body)) => worker.answer(ask, &body, &story).await,
            Some(Err(rejection)) => Err(rejection),
            None => {
                story.client_left();
                return Next::Close;
            }
        };
        let was_read =
            !matches!(answer, Err(Rejection::BodyTooLarge { .. } | Rejection::InvalidFraming));
        let answer = answer.unwrap_or_else(|rejection| {
            story.is_denied(&rejection);
            worker.refusal(&rejection, &story)
        });
        let answer = Worker::finish(answer, &story, grant);
        let reply = Reply {
            framing: Framing::Empty,
            keeps_open: reply.keeps_open && was_read,
            expects_continue: false,
            ..reply
        };
        self.answer(answer, story, reply).await
    }

    /// Reads a small body completely. Returns `None` if the client has disconnected.
    async fn read_form(&mut self, reply: Reply) -> Option<Result<Vec<u8>, Rejection>> {
        if reply.expects_continue && self.inbox.is_empty() {
            let ready = IoHalf(&self.io).write_whole(b"HTTP/1.1 100 Continue\r\n\r\n");
            let timeout = self.worker.settings.limits.header_timeout;
            self.deadline.bound_after(timeout, ready).await.ok()?.ok()?;
        }
        let (mut body, mut whole) = (Decoder::new(reply.framing), Vec::new());
        self.deadline.set_after(self.worker.settings.limits.header_timeout);
        loop {
            match body.step(self.inbox.filled()) {
                Ok(Step::Data { skip, length }) => {
                    whole.extend_from_slice(&self.inbox.filled()[skip..skip + length]);
                    self.inbox.consume(skip + length);
                    if whole.len() > MOST_FORM {
                        return Some(Err(Rejection::BodyTooLarge { limit: MOST_FORM as u64 }));
                    }
                }
                Ok(Step::End { skip }) => {
                    self.inbox.consume(skip);
                    return Some(Ok(whole));
                }
                Ok(Step::More { .. }) => {
                    let read = self.deadline.bound(self.inbox.fill(&mut IoHalf(&self.io))).await;
                    if !matches!(read, Ok(Ok(count)) if count > 0) {
                        return None;
                    }
                }
                Err(_) => return Some(Err(Rejection::InvalidFraming)),
            }
        }
    }
}
