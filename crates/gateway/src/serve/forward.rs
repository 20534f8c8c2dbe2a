//! An HTTP/1.1 request to an upstream, and its response.

use super::{
    http1::{Connection, Next},
    interim::Interim,
    relay::{Body, Progress, Stopped, client_leaves, download, upload, wait_for_answer},
    reply::{Reply, write_head},
};
use crate::{
    Rejection,
    cors::TokenLimits,
    forward::Forward,
    headers::Returning,
    io::IoHalf,
    observe::{Reason, RequestTrace},
    tunnel::{End, Tunnel},
    upstream::{ResponseInfo, ResponseRead, UpstreamConnection, Upstreams},
    wire::Framing,
    worker::{Stage, Worker},
};
use std::rc::Rc;

/// The result of an exchange, for the client.
struct Brought {
    link: UpstreamConnection,
    answered: ResponseInfo,
    keeps_open: bool,
}

impl Connection {
    pub(super) async fn forward(
        &mut self,
        forward: Forward,
        story: RequestTrace,
        reply: Reply,
        grant: Option<&TokenLimits>,
    ) -> Next {
        let worker = Rc::clone(&self.worker);
        let (mut forward, mut story) = (forward, story);
        let taken = self.take_whole(&mut forward, &mut story);
        let is_whole = taken.as_ref().is_ok_and(|is_whole| *is_whole);
        if !is_whole && reply.expects_continue && self.inbox.is_empty() {
            let ready = IoHalf(&self.io).write_whole(b"HTTP/1.1 100 Continue\r\n\r\n");
            let timeout = worker.settings.limits.header_timeout;
            if !matches!(self.deadline.bound_after(timeout, ready).await, Ok(Ok(()))) {
                story.client_left();
                return Next::Close;
            }
        }
        let outcome = if let Err(rejection) = taken {
            Err(Stopped::Refused(rejection))
        } else if is_whole {
            self.forward_whole(&worker, &forward, &mut story, (reply, grant)).await
        } else {
            self.forward_streaming(&worker, &mut forward, &mut story, (reply, grant)).await
        };
        match outcome {
            Ok(next) => next,
            Err(Stopped::ClientGone) => {
                story.client_left();
                Next::Close
            }
            Err(Stopped::Refused(rejection)) => {
                story.is_denied(&rejection);
                let answer = worker.refusal(&rejection, &story);
                let answer = Worker::finish(answer, &story, grant);
                // The body may be only partly read.
                let keeps_open = reply.keeps_open && is_whole && !rejection.breaks_connection();
                let framing = if is_whole { Framing::Empty } else { Framing::UntilClose };
                self.answer(answer, story, Reply { framing, keeps_open, ..reply }).await
            }
        }
    }

    /// Appends a completely received body to the head, so that both are sent together.
    fn take_whole(
        &mut self,
        forward: &mut Forward,
        story: &mut RequestTrace,
    ) -> Result<bool, Rejection> {
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
                story.bytes_received = length as u64;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn forward_whole(
        &mut self,
        worker: &Worker,
        forward: &Forward,
        story: &mut RequestTrace,
        (reply, grant): (Reply, Option<&TokenLimits>),
    ) -> Result<Next, Stopped> {
        let Self { io, inbox, out, back, deadline, pulse, .. } = self;
        back.clear();
        let interim = Interim::default();
        let returning = Returning { worker, forward, story, grant };
        let mut read = |answer: &ResponseRead<'_>| {
            interim.passes(answer, reply, &returning)
                || write_head(interim.before(back), answer, &returning, reply)
        };
        let sent =
            worker.upstreams.send_whole(&forward.route, out, forward.asked, deadline, &mut read);
        let limits = &worker.settings.limits;
        let (link, answered, keeps_open) = tokio::select! {
            biased;
            sent = sent => sent.map_err(|rejection| interim.reject(rejection))?,
            () = interim.flow(io) => return Err(Stopped::ClientGone),
            () = client_leaves((io, inbox), limits) => return Err(Stopped::ClientGone),
            rejection = pulse.until_over(worker, &forward.permission) => return Err(interim.reject(rejection)),
        };
        story.is_answered_by(link.endpoint.addr, answered.status);
        self.bring_back(worker, forward, story, (Brought { link, answered, keeps_open }, reply))
            .await
    }

    async fn bring_back(
        &mut self,
        worker: &Worker,
        forward: &Forward,
        story: &mut RequestTrace,
        (brought, reply): (Brought, Reply),
    ) -> Result<Next, Stopped> {
        let Brought { mut link, answered, keeps_open } = brought;
        if answered.switches {
            self.join(worker, forward, story, link).await;
            return Ok(Next::Close);
        }
        let Self { io, inbox, back, deadline, pulse, .. } = self;
        let answer = (back, answered, reply.sends_chunks(answered));
        let (sent, limits) = (&mut story.bytes_sent, &worker.settings.limits);
        let brought = tokio::select! {
            biased;
            brought = download(io, &mut link, answer, deadline, sent) => brought,
            () = client_leaves((io, inbox), limits) => Err(Reason::ClientGone),
            _ = pulse.until_over(worker, &forward.permission) => Err(Reason::PermissionEnded),
        };
        if let Err(reason) = brought {
            story.is_cut(reason);
            return Ok(broken_off(reply));
        }
        story.completes();
        worker.upstreams.keep_if_empty(link, answered);
        Ok(Next::after(keeps_open))
    }

    /// Relays bytes in both directions.
    async fn join(
        &mut self,
        worker: &Worker,
        forward: &Forward,
        story: &mut RequestTrace,
        mut link: UpstreamConnection,
    ) {
        let Self { io, inbox, back, deadline, pulse, stage, .. } = self;
        let timeout = worker.settings.limits.header_timeout;
        let switched = deadline.bound_after(timeout, IoHalf(io).write_whole(back)).await;
        if !matches!(switched, Ok(Ok(()))) {
            return story.client_left();
        }
        let end = async {
            tokio::select! {
                _ = stage.wait_for(|stage| *stage == Stage::Stopping) => End::GoingAway,
                _ = pulse.until_over(worker, &forward.permission) => End::NotPermitted,
            }
        };
        let tunnel = Tunnel { client: (io, inbox), upstream: (&*link.io, &mut link.inbox) };
        tunnel.join(end, timeout, story).await;
    }

    async fn forward_streaming(
        &mut self,
        worker: &Worker,
        forward: &mut Forward,
        story: &mut RequestTrace,
        (reply, grant): (Reply, Option<&TokenLimits>),
    ) -> Result<Next, Stopped> {
        let Self { io, inbox, out, back, deadline, pulse, .. } = self;
        // After a long wait for a connection, the request is sent only if it is still permitted.
        let mut link = tokio::select! {
            biased;
            rejection = pulse.until_over(worker, &forward.permission) => return Err(Stopped::Refused(rejection)),
            opened = worker.upstreams.open(&forward.route, deadline) => opened.map_err(Stopped::Refused)?,
        };
        back.clear();
        let limits = forward.route.limits;
        let progress = Progress::new(limits.response_timeout);
        let upstream_io = Rc::clone(&link.io);
        link.address(out);
        let body = Body { framing: forward.framing, guard: forward.method_guard.take() };
        let sending = upload((io, inbox), &upstream_io, (out, body), &progress, &limits);
        let mut sending = std::pin::pin!(sending);
        let interim = Interim::default();
        let returning = Returning { worker, forward, story, grant };
        let mut read = |answer: &ResponseRead<'_>| {
            // An early response means that the rest of the body is not read.
            let keeps_open = progress.is_done();
            interim.passes(answer, reply, &returning)
                || write_head(interim.before(back), answer, &returning, reply.kept(keeps_open))
        };
        let answer = tokio::select! {
            biased;
            rejection = pulse.until_over(worker, &forward.permission) => return Err(interim.reject(rejection)),
            answer = wait_for_answer(&mut link, forward.asked, deadline, &progress, &mut read) => answer,
            () = interim.flow(io) => return Err(Stopped::ClientGone),
            stopped = &mut sending => return Err(stopped),
        };
        let (answered, keeps_open) = answer.map_err(|rejection| {
            Upstreams::note_failure(&link);
            interim.reject(rejection)
        })?;
        link.endpoint.is_healthy();
        story.is_answered_by(link.endpoint.addr, answered.status);
        let answer = (&mut *back, answered, reply.sends_chunks(answered));
        let sent = &mut story.bytes_sent;
        let brought = tokio::select! {
            biased;
            brought = download(io, &mut link, answer, deadline, sent) => brought,
            stopped = &mut sending => Err(stopped.reason()),
            _ = pulse.until_over(worker, &forward.permission) => Err(Reason::PermissionEnded),
        };
        story.bytes_received = progress.received();
        self.has_unread_body = !progress.is_done();
        if let Err(reason) = brought {
            story.is_cut(reason);
            return Ok(broken_off(reply));
        }
        story.completes();
        if !progress.is_done() {
            return Ok(Next::Close);
        }
        let may_follow = answered.may_follow && progress.is_whole();
        worker.upstreams.keep_if_empty(link, ResponseInfo { may_follow, ..answered });
        Ok(Next::after(keeps_open))
    }
}

impl Next {
    fn after(keeps_open: bool) -> Self {
        if keeps_open { Self::Request } else { Self::Close }
    }
}

/// Ends an incomplete response with an error. In HTTP/1.0 the end of the connection ends the response, so a normal
/// close would make half a response look complete.
fn broken_off(reply: Reply) -> Next {
    if reply.speaks_http11 { Next::Close } else { Next::Abort }
}
