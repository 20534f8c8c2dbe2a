//! One client's connection that speaks HTTP/1.1: request after request, each answered before the
//! next is looked at.

use super::relay::{
    Body, BrokenOff, Progress, Stopped, client_leaves, download, upload, wait_for_answer,
};
use super::reply::{Reply, Turn, write_head};
use crate::{
    Answer, Denial,
    handle::{Decision, Forward, Verdict, Worker},
    io::{Half, Io},
    observe::Story,
    permission::Pulse,
    tunnel,
    upstream::{AnswerRead, Answered, Link, Upstreams},
    wire::{Buffer, Decoder, Framing, Head, HeadError, MOST_FIELDS, Step, answer_bytes},
};
use http::HeaderValue;
use keydesk_listen::Deadline;
use std::{cell::RefCell, mem::MaybeUninit, net::IpAddr, pin::Pin, rc::Rc, time::Duration};
use tokio::{io::AsyncWriteExt, sync::watch, time::Instant};

/// What a client of HTTP/2 says first, where it knows beforehand that it is spoken here.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How much of a body that nobody wants is read, so that the connection can be used on.
const MOST_DRAINED: u64 = 64 * 1024;
/// How long a closing connection listens, so that the answer is not lost with what came unread.
const LINGER: Duration = Duration::from_secs(1);
/// How long a stopping gateway waits for the next request on a connection that is open.
const STOPPING_IDLE: Duration = Duration::from_secs(1);

pub(crate) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) io: RefCell<Io>,
    pub(super) inbox: Buffer,
    /// What goes to the upstream, and what comes back.
    out: Vec<u8>,
    back: Vec<u8>,
    peer: IpAddr,
    pub(super) deadline: Deadline,
    pulse: Pulse,
    stopping: watch::Receiver<bool>,
    /// Resolves a little after the gateway has begun to stop.
    stopped: Pin<Box<dyn Future<Output = ()>>>,
}

/// What becomes of the connection.
pub(super) enum Next {
    Request,
    Close,
    Abort,
    Http2,
}

impl Connection {
    pub fn new(worker: Rc<Worker>, io: Io, peer: IpAddr, stopping: watch::Receiver<bool>) -> Self {
        let deadline = Deadline::after(worker.settings.limits.header_timeout);
        let (io, inbox, mut signal) = (RefCell::new(io), Buffer::default(), stopping.clone());
        let stopped = Box::pin(async move {
            let _ = signal.wait_for(|stop| *stop).await;
            tokio::time::sleep(STOPPING_IDLE).await;
        });
        let (out, back) = (Vec::new(), Vec::new());
        let pulse = Pulse::new();
        Self { worker, io, inbox, out, back, peer, deadline, pulse, stopping, stopped }
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
                    return super::http2::serve(self.worker, said, io, self.peer, self.stopping)
                        .await;
                }
            }
        }
        self.close().await;
    }

    /// Waits for the next request's head. None: the connection has ended, or none came in time.
    async fn next_turn(&mut self, is_first: bool) -> Result<Option<Turn>, Next> {
        let limits = &self.worker.settings.limits;
        let (header_timeout, idle_timeout) = (limits.header_timeout, limits.idle_timeout);
        let mut until = None;
        loop {
            if !self.inbox.is_empty() {
                let turn = match is_first.then(|| self.begins_http2()).flatten() {
                    Some(true) => return Err(Next::Http2),
                    Some(false) => None,
                    None => self.look(),
                };
                if turn.is_some() {
                    return Ok(turn);
                }
            }
            // A head that has begun must end in time, however often a byte of it comes.
            let must_end = is_first || !self.inbox.is_empty();
            if must_end && until.is_none() {
                until = Some(Instant::now() + header_timeout);
            }
            if !self.read_on(until, idle_timeout).await {
                // Some clients send an empty line too many; that is no request.
                if matches!(self.inbox.filled(), b"" | b"\r" | b"\r\n") {
                    return Ok(None);
                }
                let decision = self.worker.refuse_unread(Denial::SlowHead, self.peer);
                return Ok(Some(Turn::broken(decision)));
            }
        }
    }

    /// Whether what was read is HTTP/2's preface, all of it or the beginning. None: neither.
    fn begins_http2(&self) -> Option<bool> {
        let said = self.inbox.filled();
        let length = said.len().min(HTTP2_PREFACE.len());
        HTTP2_PREFACE.starts_with(&said[..length]).then_some(length == HTTP2_PREFACE.len())
    }

    /// Reads once; false where the time is over or the client is gone.
    async fn read_on(&mut self, until: Option<Instant>, idle_timeout: Duration) -> bool {
        let Self { io, inbox, deadline, stopped, .. } = self;
        let is_idle = inbox.is_empty();
        let read = async {
            if is_idle {
                // Nothing is held for a connection that is idle.
                inbox.release();
                Half(io).readable().await;
            }
            matches!(inbox.fill(&mut Half(io)).await, Ok(count) if count > 0)
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

    /// A decision on the request at the front of what was read, if its head is all there.
    fn look(&mut self) -> Option<Turn> {
        let limit = self.worker.settings.limits.max_header_bytes;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let too_large =
            || Turn::broken(self.worker.refuse_head(HeadError::TooManyFields, self.peer));
        let (turn, length) = match Head::read(self.inbox.filled(), &mut room) {
            Err(error) => return Some(Turn::broken(self.worker.refuse_head(error, self.peer))),
            Ok(None) if self.inbox.len() >= most => return Some(too_large()),
            Ok(None) => return None,
            Ok(Some((_, length))) if length > most => return Some(too_large()),
            Ok(Some((head, length))) => {
                self.out.clear();
                let decision = self.worker.handle(&head, self.peer, &mut self.out);
                (Turn::new(decision, &head), length)
            }
        };
        self.inbox.consume(length);
        Some(turn)
    }

    async fn take(&mut self, turn: Turn) -> Next {
        let Turn { decision, framing, is_head, mut keeps_open, speaks_http11, expects_continue } =
            turn;
        let Decision { verdict, story, console, .. } = decision;
        let (worker, stops) = (Rc::clone(&self.worker), *self.stopping.borrow());
        keeps_open &= !stops;
        let reply = Reply { framing, is_head, keeps_open, speaks_http11, expects_continue };
        match verdict {
            Verdict::Forward(forward) => {
                self.forward(forward, story, reply, console.as_ref()).await
            }
            Verdict::Answer(answer) => {
                let answer = Worker::finish(answer, &story, console.as_ref());
                self.answer(answer, story, reply).await
            }
            Verdict::Ask(ask) => self.ask(ask, story, reply, console.as_ref()).await,
            Verdict::RefuseAs { status, denial } => {
                let mut answer = worker.refusal(&denial, &story);
                *answer.status_mut() = status;
                let answer = Worker::finish(answer, &story, console.as_ref());
                self.answer(answer, story, reply).await
            }
            Verdict::Refuse(denial) => {
                let answer = worker.refusal(&denial, &story);
                let answer = Worker::finish(answer, &story, console.as_ref());
                let keeps_open = keeps_open && !denial.breaks_connection();
                self.answer(answer, story, Reply { keeps_open, ..reply }).await
            }
        }
    }

    /// Sends an answer of our own. What is left of the request's body is read or the connection
    /// closed: it must not be taken for the next request.
    pub(super) async fn answer(&mut self, answer: Answer, mut story: Story, reply: Reply) -> Next {
        let can_drain = match reply.framing {
            Framing::Empty => true,
            // Whoever waits for 100 Continue may send the body or not: nobody can tell.
            Framing::Length(length) => length <= MOST_DRAINED && !reply.expects_continue,
            Framing::Chunked | Framing::UntilClose => false,
        };
        let keeps_open = reply.keeps_open && can_drain;
        self.back.clear();
        answer_bytes(&answer, story.arrival.at, reply.is_head, !keeps_open, &mut self.back);
        self.worker.observer.end(&mut story, answer.status().as_u16());
        let timeout = self.worker.settings.limits.header_timeout;
        let written =
            self.deadline.bound_after(timeout, Half(&self.io).write_whole(&self.back)).await;
        if !matches!(written, Ok(Ok(()))) || !keeps_open {
            return Next::Close;
        }
        if self.drain(reply.framing).await { Next::Request } else { Next::Close }
    }

    async fn drain(&mut self, framing: Framing) -> bool {
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
                    let read = self.deadline.bound(self.inbox.fill(&mut Half(&self.io))).await;
                    if !matches!(read, Ok(Ok(count)) if count > 0) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    }

    async fn forward(
        &mut self,
        forward: Forward,
        story: Story,
        reply: Reply,
        console: Option<&HeaderValue>,
    ) -> Next {
        let worker = Rc::clone(&self.worker);
        let (mut forward, mut story) = (forward, story);
        let taken = self.take_whole(&mut forward);
        let is_whole = taken.as_ref().is_ok_and(|is_whole| *is_whole);
        if !is_whole && reply.expects_continue && self.inbox.is_empty() {
            let ready = Half(&self.io).write_whole(b"HTTP/1.1 100 Continue\r\n\r\n");
            let timeout = worker.upstreams.limits().header_timeout;
            if !matches!(self.deadline.bound_after(timeout, ready).await, Ok(Ok(()))) {
                return Next::Close;
            }
        }
        let outcome = if let Err(denial) = taken {
            Err(Stopped::Refused(denial))
        } else if is_whole {
            self.forward_whole(&worker, &forward, &mut story, reply, console).await
        } else {
            self.forward_streaming(&worker, &mut forward, &mut story, reply, console).await
        };
        match outcome {
            Ok(next) => next,
            Err(Stopped::ClientGone) => {
                story.code = Some("client_gone");
                worker.observer.end(&mut story, 499);
                Next::Close
            }
            Err(Stopped::Refused(denial)) => {
                story.is_denied(&denial);
                let answer = worker.refusal(&denial, &story);
                let answer = Worker::finish(answer, &story, console);
                // The body may be half read.
                let keeps_open = reply.keeps_open && is_whole && !denial.breaks_connection();
                let framing = Framing::Empty;
                self.answer(answer, story, Reply { framing, keeps_open, ..reply }).await
            }
        }
    }

    /// Puts a body that is all there behind the head, so that both go at once.
    fn take_whole(&mut self, forward: &mut Forward) -> Result<bool, Denial> {
        match forward.framing {
            Framing::Empty => Ok(true),
            Framing::Length(length) => {
                let Ok(length) = usize::try_from(length) else { return Ok(false) };
                let Some(body) = self.inbox.filled().get(..length) else { return Ok(false) };
                if let Some(guard) = &mut forward.method_guard {
                    guard.read(body)?;
                    guard.end()?;
                }
                self.out.extend_from_slice(body);
                self.inbox.consume(length);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn forward_whole(
        &mut self,
        worker: &Worker,
        forward: &Forward,
        story: &mut Story,
        reply: Reply,
        console: Option<&HeaderValue>,
    ) -> Result<Next, Stopped> {
        let Self { io, inbox, out, back, deadline, pulse, .. } = self;
        back.clear();
        let mut read = |answer: &AnswerRead<'_>| write_head(back, answer, story, reply, console);
        let sent =
            worker.upstreams.send_whole(&forward.route, out, forward.asked, deadline, &mut read);
        let (link, answered, keeps_open) = tokio::select! {
            biased;
            sent = sent => sent.map_err(Stopped::Refused)?,
            () = client_leaves((io, inbox)) => return Err(Stopped::ClientGone),
            denial = pulse.until_over(worker, &forward.permission) => return Err(Stopped::Refused(denial)),
        };
        worker.observer.end(story, answered.status);
        self.bring_back(worker, forward, link, answered, reply, keeps_open).await
    }

    async fn bring_back(
        &mut self,
        worker: &Worker,
        forward: &Forward,
        mut link: Link,
        answered: Answered,
        reply: Reply,
        keeps_open: bool,
    ) -> Result<Next, Stopped> {
        let Self { io, inbox, back, deadline, pulse, .. } = self;
        if answered.switches {
            let timeout = worker.upstreams.limits().header_timeout;
            let switched = deadline.bound_after(timeout, Half(io).write_whole(back)).await;
            if matches!(switched, Ok(Ok(()))) {
                let upstream = (&*link.io, &mut link.inbox);
                let permission = (&forward.permission, pulse);
                tunnel::join(worker, permission, (io, inbox), upstream).await;
            }
            return Ok(Next::Close);
        }
        let answer = (back, answered, reply.sends_chunks(answered));
        let limits = worker.upstreams.limits();
        let brought = tokio::select! {
            biased;
            brought = download(io, &mut link, answer, deadline, limits) => brought,
            _ = pulse.until_over(worker, &forward.permission) => Err(BrokenOff),
        };
        if brought.is_err() {
            return Ok(broken_off(reply));
        }
        worker.upstreams.keep_if_empty(link, answered);
        Ok(Next::after(keeps_open))
    }

    async fn forward_streaming(
        &mut self,
        worker: &Worker,
        forward: &mut Forward,
        story: &mut Story,
        reply: Reply,
        console: Option<&HeaderValue>,
    ) -> Result<Next, Stopped> {
        let limits = worker.upstreams.limits();
        let Self { io, inbox, out, back, deadline, pulse, .. } = self;
        // Nothing is sent after a long wait for a connection, unless it is still permitted.
        let mut link = tokio::select! {
            biased;
            denial = pulse.until_over(worker, &forward.permission) => return Err(Stopped::Refused(denial)),
            opened = worker.upstreams.open(&forward.route, deadline) => opened.map_err(Stopped::Refused)?,
        };
        back.clear();
        let progress = Progress::new(limits.response_timeout);
        let upstream_io = Rc::clone(&link.io);
        link.address(out);
        let body = Body { framing: forward.framing, guard: forward.method_guard.take() };
        let sending = upload((io, inbox), &upstream_io, (out, body), &progress, limits);
        let mut sending = std::pin::pin!(sending);
        let mut read = |answer: &AnswerRead<'_>| {
            // Whoever is answered early is told that what is still to come is not waited for.
            let keeps_open = reply.keeps_open && progress.is_done();
            write_head(back, answer, story, Reply { keeps_open, ..reply }, console)
        };
        let answer = tokio::select! {
            biased;
            denial = pulse.until_over(worker, &forward.permission) => return Err(Stopped::Refused(denial)),
            answer = wait_for_answer(&mut link, forward.asked, deadline, &progress, &mut read) => answer,
            stopped = &mut sending => return Err(stopped),
        };
        let (answered, keeps_open) = answer.map_err(|denial| {
            Upstreams::note_failure(&link);
            Stopped::Refused(denial)
        })?;
        link.endpoint.is_well();
        worker.observer.end(story, answered.status);
        let answer = (&mut *back, answered, reply.sends_chunks(answered));
        let brought = tokio::select! {
            biased;
            brought = download(io, &mut link, answer, deadline, limits) => brought,
            _ = &mut sending => return Ok(Next::Close),
            _ = pulse.until_over(worker, &forward.permission) => Err(BrokenOff),
        };
        if brought.is_err() {
            return Ok(broken_off(reply));
        }
        if !progress.is_done() {
            return Ok(Next::Close);
        }
        let may_follow = answered.may_follow && progress.is_whole();
        worker.upstreams.keep_if_empty(link, Answered { may_follow, ..answered });
        Ok(Next::after(keeps_open))
    }

    /// Says that nothing more comes, and listens a little, so that the client can read what was
    /// sent before the kernel throws it away.
    async fn close(mut self) {
        let ended = async {
            if Half(&self.io).shutdown().await.is_err() {
                return;
            }
            let mut left = 256 * 1024_usize;
            while let Ok(count) = self.inbox.fill(&mut Half(&self.io)).await {
                if count == 0 || count > left {
                    return;
                }
                left -= count;
                self.inbox.consume(count);
            }
        };
        let _ = tokio::time::timeout(LINGER, ended).await;
    }
}

impl Next {
    fn after(keeps_open: bool) -> Self {
        if keeps_open { Self::Request } else { Self::Close }
    }
}

/// HTTP/1.0 knows the end of an answer by the end of its connection: an orderly one would say that
/// half an answer is whole.
fn broken_off(reply: Reply) -> Next {
    if reply.speaks_http11 { Next::Close } else { Next::Abort }
}
