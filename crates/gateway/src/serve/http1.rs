//! A client's HTTP/1.1 connection, on which each request is answered before the next is read.

use super::reply::{PipelinedRequest, Reply};
use crate::{
    Rejection, Response,
    handle::{Action, Decision},
    io::{Io, IoHalf},
    observe::RequestTrace,
    permission::Pulse,
    wire::{Buffer, Framing, Head, HeadError, MOST_FIELDS, answer_bytes},
    worker::{Stage, Worker},
};
use keydesk_listen::Deadline;
use std::{cell::RefCell, mem::MaybeUninit, net::IpAddr, pin::Pin, rc::Rc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// The preface of an HTTP/2 client with prior knowledge.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The size up to which an unwanted body is read so that the connection can be reused.
const MOST_DRAINED: u64 = 64 * 1024;
/// The first bytes of a TLS handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];
/// The time that a stopping gateway waits for the next request on an open connection.
const STOPPING_IDLE: Duration = Duration::from_secs(1);

pub(crate) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) io: RefCell<Io>,
    pub(super) inbox: Buffer,
    /// The output for the upstream and for the client.
    pub(super) out: Vec<u8>,
    pub(super) back: Vec<u8>,
    peer: IpAddr,
    pub(super) deadline: Deadline,
    pub(super) pulse: Pulse,
    /// Whether the rest of a request's body may still arrive.
    pub(super) has_unread_body: bool,
    pub(super) stage: watch::Receiver<Stage>,
    /// Resolves shortly after the gateway has begun to stop.
    stopped: Pin<Box<dyn Future<Output = ()>>>,
}

/// The next state of the connection.
pub(super) enum Next {
    Request,
    Close,
    Abort,
    Http2,
}

impl Connection {
    pub fn new(worker: Rc<Worker>, io: Io, peer: IpAddr) -> Self {
        let stage = worker.stage.clone();
        let deadline = Deadline::after(worker.settings.limits.header_timeout);
        let (io, inbox, mut signal) = (RefCell::new(io), Buffer::default(), stage.clone());
        let stopped = Box::pin(async move {
            let _ = signal.wait_for(|stage| *stage == Stage::Stopping).await;
            tokio::time::sleep(STOPPING_IDLE).await;
        });
        let (out, back) = (Vec::new(), Vec::new());
        let pulse = Pulse::new();
        let has_unread_body = false;
        Self {
            worker,
            io,
            inbox,
            out,
            back,
            peer,
            deadline,
            pulse,
            has_unread_body,
            stage,
            stopped,
        }
    }

    pub async fn serve(mut self) {
        let mut is_first = true;
        loop {
            let next = match self.next_turn(is_first).await {
                Ok(Some(turn)) => self.take(turn).await,
                Ok(None) => Next::Close,
                Err(next) => next,
            };
            is_first = false;
            match next {
                Next::Request => {}
                Next::Close => break,
                Next::Abort => return self.io.borrow().abort(),
                Next::Http2 => {
                    let said = self.inbox.filled().to_vec();
                    let io = self.io.into_inner();
                    return super::http2::serve(self.worker, said, io, self.peer).await;
                }
            }
        }
        self.close().await;
    }

    /// Waits for the next request's head. Returns `None` if the connection has ended or no head arrived in time.
    async fn next_turn(&mut self, is_first: bool) -> Result<Option<PipelinedRequest>, Next> {
        let limits = &self.worker.settings.limits;
        let (header_timeout, idle_timeout) = (limits.header_timeout, limits.keep_alive_timeout);
        let mut until = None;
        loop {
            if !self.inbox.is_empty() {
                let turn = match is_first.then(|| self.begins_http2()).flatten() {
                    Some(true) => return Err(Next::Http2),
                    Some(false) => None,
                    None if is_first && self.begins_tls() => {
                        let rejection = Rejection::TlsOnPlainPort;
                        Some(PipelinedRequest::broken(
                            self.worker.reject_unread(rejection, self.peer),
                        ))
                    }
                    None => self.look(),
                };
                if turn.is_some() {
                    return Ok(turn);
                }
            }
            // A head that has begun must end in time, however often one of its bytes arrives.
            let must_end = is_first || !self.inbox.is_empty();
            if must_end && until.is_none() {
                until = Some(Instant::now() + header_timeout);
            }
            if !self.read_on(until, idle_timeout).await {
                // Some clients send an extra empty line, which is not a request.
                if matches!(self.inbox.filled(), b"" | b"\r" | b"\r\n") {
                    return Ok(None);
                }
                let decision = self.worker.reject_unread(Rejection::HeaderTimeout, self.peer);
                return Ok(Some(PipelinedRequest::broken(decision)));
            }
        }
    }

    /// Returns whether the input is the whole HTTP/2 preface (`true`) or its beginning (`false`), or `None` if neither.
    fn begins_http2(&self) -> Option<bool> {
        let said = self.inbox.filled();
        let length = said.len().min(HTTP2_PREFACE.len());
        HTTP2_PREFACE.starts_with(&said[..length]).then_some(length == HTTP2_PREFACE.len())
    }

    fn begins_tls(&self) -> bool {
        matches!(&*self.io.borrow(), Io::Tcp(_)) && self.inbox.filled().starts_with(TLS_HANDSHAKE)
    }

    /// Reads once. Returns false on timeout or if the client has disconnected.
    async fn read_on(&mut self, until: Option<Instant>, idle_timeout: Duration) -> bool {
        let Self { io, inbox, deadline, stopped, .. } = self;
        let is_idle = inbox.is_empty();
        let read = async {
            if is_idle {
                // An idle connection holds no buffer.
                inbox.release();
                IoHalf(io).readable().await;
            }
            matches!(inbox.fill(&mut IoHalf(io)).await, Ok(count) if count > 0)
        };
        let came = async {
            tokio::select! {
                biased;
                came = read => came,
                () = stopped, if is_idle => false,
            }
        };
        let until = || until.unwrap_or_else(|| Instant::now() + idle_timeout);
        matches!(deadline.bound_by(until, came).await, Ok(true))
    }

    /// Decides on the first request in the buffer if its head is complete.
    fn look(&mut self) -> Option<PipelinedRequest> {
        let limits = &self.worker.settings.limits;
        let limit = limits.max_header_bytes;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let too_large = || {
            PipelinedRequest::broken(
                self.worker.reject_unread(Rejection::HeadersTooLarge { limit }, self.peer),
            )
        };
        let (turn, length) = match Head::read(self.inbox.filled(), &mut room) {
            Err(error) => {
                return Some(PipelinedRequest::broken(self.worker.reject_head(error, self.peer)));
            }
            Ok(None) if self.inbox.len() >= most => return Some(too_large()),
            Ok(None) => return None,
            Ok(Some((_, length))) if length > most => return Some(too_large()),
            Ok(Some((head, _))) if head.fields.len() > limits.max_headers as usize => {
                let error = HeadError::TooManyHeaders;
                return Some(PipelinedRequest::broken(self.worker.reject_head(error, self.peer)));
            }
            Ok(Some((head, length))) => {
                self.out.clear();
                let decision = self.worker.handle(&head, self.peer, &mut self.out);
                (PipelinedRequest::new(decision, &head), length)
            }
        };
        self.inbox.consume(length);
        Some(turn)
    }

    async fn take(&mut self, turn: PipelinedRequest) -> Next {
        let PipelinedRequest {
            decision,
            framing,
            is_head,
            mut keeps_open,
            speaks_http11,
            expects_continue,
        } = turn;
        let Decision { action, story, grant, .. } = decision;
        let (worker, stops) = (Rc::clone(&self.worker), *self.stage.borrow() == Stage::Stopping);
        keeps_open &= !stops;
        let reply = Reply { framing, is_head, keeps_open, speaks_http11, expects_continue };
        match action {
            Action::Forward(forward) => self.forward(forward, story, reply, grant.as_ref()).await,
            Action::Response(answer) => {
                let answer = Worker::finish(answer, &story, grant.as_ref());
                self.answer(answer, story, reply).await
            }
            Action::DeferredRequest(ask) => self.ask(ask, story, reply, grant.as_ref()).await,
            Action::RefuseAs { status, rejection } => {
                let mut answer = worker.refusal(&rejection, &story);
                *answer.status_mut() = status;
                let answer = Worker::finish(answer, &story, grant.as_ref());
                self.answer(answer, story, reply).await
            }
            Action::Refuse(rejection) => {
                let answer = worker.refusal(&rejection, &story);
                let answer = Worker::finish(answer, &story, grant.as_ref());
                let keeps_open = keeps_open && !rejection.breaks_connection();
                self.answer(answer, story, Reply { keeps_open, ..reply }).await
            }
        }
    }

    /// Sends one of the gateway's own responses. The rest of the request's body is read or the connection closed, so
    /// that it is not read as the next request.
    pub(super) async fn answer(
        &mut self,
        answer: Response,
        mut story: RequestTrace,
        reply: Reply,
    ) -> Next {
        let can_drain = match reply.framing {
            Framing::Empty => true,
            // A client that waits for 100 Continue may or may not send the body.
            Framing::Length(length) => length <= MOST_DRAINED && !reply.expects_continue,
            Framing::Chunked | Framing::UntilClose => false,
        };
        let keeps_open = reply.keeps_open && can_drain;
        self.back.clear();
        answer_bytes(&answer, story.arrival.at, reply.is_head, !keeps_open, &mut self.back);
        story.answers(answer.status().as_u16());
        let timeout = self.worker.settings.limits.header_timeout;
        let written =
            self.deadline.bound_after(timeout, IoHalf(&self.io).write_whole(&self.back)).await;
        self.has_unread_body = !can_drain;
        if !matches!(written, Ok(Ok(()))) {
            story.client_left();
            return Next::Close;
        }
        story.bytes_sent = if reply.is_head { 0 } else { answer.body().len() as u64 };
        story.completes();
        if !keeps_open {
            return Next::Close;
        }
        if self.drain(reply.framing).await { Next::Request } else { Next::Close }
    }
}
