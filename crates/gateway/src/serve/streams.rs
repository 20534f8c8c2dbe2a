//! The streams of an HTTP/2 connection: the number of open ones, the rechecks of their permissions, the detection of
//! clients that stop reading, and the transfer of the upstream's responses.

use super::relay::Progress;
use crate::{
    Rejection,
    io::IoHalf,
    observe::{Reason, RequestTrace},
    permission::{InFlight, RECHECK},
    upstream::{ResponseInfo, UpstreamConnection},
    wire::{Decoder, Step},
    worker::{Stage, Worker},
};
use bytes::Bytes;
use http_body::Frame;
use keydesk_listen::Deadline;
use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// The number of open streams, and the time since which none is open.
#[derive(Debug)]
pub(super) struct Busy {
    streams: Cell<usize>,
    since: Cell<Instant>,
    states: RefCell<Vec<Weak<StreamState>>>,
    /// Wakes the check of permissions when a stream begins.
    begun: Notify,
}

/// An open stream of a connection.
#[derive(Debug)]
pub(super) struct Stream {
    connection: Rc<Busy>,
    state: Rc<StreamState>,
}

/// The state of a stream while any part of its exchange is open.
#[derive(Debug, Default)]
pub(super) struct StreamState {
    /// The time at which the response last supplied a piece that the client has not read yet.
    handed: Cell<Option<Instant>>,
    permission: RefCell<Option<InFlight>>,
    over: RefCell<Option<Over>>,
    ended: Notify,
    waker: RefCell<Option<Waker>>,
}

/// The reason why a stream's request is no longer permitted, and the time since then.
#[derive(Clone, Debug)]
struct Over {
    rejection: Rejection,
    since: Instant,
}

impl StreamState {
    /// Starts to recheck the permission periodically.
    pub fn is_permitted(&self, permission: InFlight) {
        *self.permission.borrow_mut() = Some(permission);
    }

    /// Waits until the request is no longer permitted, and returns why.
    pub async fn until_over(&self) -> Rejection {
        loop {
            if let Some(over) = &*self.over.borrow() {
                return over.rejection.clone();
            }
            self.ended.notified().await;
        }
    }

    fn is_over(&self) -> bool {
        self.over.borrow().is_some()
    }

    /// Returns whether the permission ended so long ago that the client evidently does not read the end of the stream.
    fn recheck(&self, worker: &Worker) -> bool {
        if let Some(over) = &*self.over.borrow() {
            return over.since.elapsed() >= RECHECK;
        }
        let permission = self.permission.borrow();
        let Some(permission) = &*permission else { return false };
        if let Err(rejection) = permission.check(&worker.table, worker.clock.now()) {
            tracing::debug!(code = rejection.code(), "an open stream ends");
            *self.over.borrow_mut() = Some(Over { rejection, since: Instant::now() });
            self.ended.notify_waiters();
            if let Some(waker) = self.waker.borrow_mut().take() {
                waker.wake();
            }
        }
        false
    }
}

impl Busy {
    pub fn new() -> Self {
        let (streams, since) = (Cell::new(0), Cell::new(Instant::now()));
        Self { streams, since, states: RefCell::default(), begun: Notify::new() }
    }

    pub fn begin(self: &Rc<Self>) -> Stream {
        self.streams.set(self.streams.get() + 1);
        let state = Rc::<StreamState>::default();
        self.states.borrow_mut().push(Rc::downgrade(&state));
        self.begun.notify_one();
        Stream { connection: Rc::clone(self), state }
    }

    /// Returns the states of the streams of which any part is open.
    fn open_states(&self) -> Vec<Rc<StreamState>> {
        let mut states = self.states.borrow_mut();
        states.retain(|state| state.strong_count() > 0);
        states.iter().filter_map(Weak::upgrade).collect()
    }

    /// Rechecks the open streams periodically. Resolves when a client does not read the end of one, so that the
    /// connection must be closed.
    pub async fn recheck(&self, worker: &Worker) {
        loop {
            let states = self.open_states();
            if states.iter().any(|state| state.recheck(worker)) {
                return;
            }
            if states.is_empty() {
                self.begun.notified().await;
            }
            tokio::time::sleep(RECHECK).await;
        }
    }

    pub async fn idles(&self, timeout: Duration) {
        loop {
            tokio::time::sleep_until(self.since.get() + timeout).await;
            if self.streams.get() == 0 && self.since.get().elapsed() >= timeout {
                return;
            }
            if self.streams.get() > 0 {
                self.since.set(Instant::now());
            }
        }
    }
}

impl Busy {
    /// Resolves when a client has not read a supplied piece for `timeout`; hyper requests no more of a response before
    /// that.
    pub async fn stalls(&self, timeout: Duration) {
        let is_late = |state: &Rc<StreamState>| {
            state.handed.get().is_some_and(|since| since.elapsed() >= timeout)
        };
        loop {
            tokio::time::sleep((timeout / 4).min(Duration::from_secs(5))).await;
            if self.open_states().iter().any(is_late) {
                return;
            }
        }
    }
}

impl Stream {
    pub fn state(&self) -> Rc<StreamState> {
        Rc::clone(&self.state)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Busy { streams, since, .. } = &*self.connection;
        streams.set(streams.get() - 1);
        since.set(Instant::now());
    }
}

/// An upstream's response body for a stream.
pub(super) struct StreamBody {
    worker: Rc<Worker>,
    link: Option<UpstreamConnection>,
    decoder: Decoder,
    answered: ResponseInfo,
    deadline: Deadline,
    stream: Stream,
    story: RequestTrace,
    /// The progress of the request's body.
    progress: Rc<Progress>,
}

impl StreamBody {
    pub fn new(
        worker: &Rc<Worker>,
        link: UpstreamConnection,
        answered: ResponseInfo,
        (stream, story, progress): (Stream, RequestTrace, Rc<Progress>),
    ) -> Self {
        let deadline = Deadline::after(link.route.limits.stream_idle_timeout);
        let mut body = Self {
            worker: Rc::clone(worker),
            decoder: Decoder::new(answered.framing),
            link: Some(link),
            answered,
            deadline,
            stream,
            story,
            progress,
        };
        if body.decoder.is_done() {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        self.story.completes();
        if let Some(link) = self.link.take() {
            self.worker.upstreams.keep_if_empty(link, self.answered);
        }
    }

    /// Ends the response with an error, so that the client can detect that it is incomplete.
    fn cut(
        &mut self,
        reason: Reason,
        error: impl Into<io::Error>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.story.is_cut(reason);
        self.link = None;
        Poll::Ready(Some(Err(error.into())))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.story.bytes_received = self.progress.received();
        if self.link.is_some() {
            // The client has reset the stream, or its connection has ended.
            let is_stopping = *self.worker.stage.borrow() == Stage::Stopping;
            self.story.is_cut(if is_stopping { Reason::Shutdown } else { Reason::ClientGone });
        }
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let state = &this.stream.state;
        state.handed.set(None);
        if state.is_over() {
            return this.cut(Reason::PermissionEnded, io::ErrorKind::PermissionDenied);
        }
        loop {
            let Some(link) = &mut this.link else { return Poll::Ready(None) };
            let step = match this.decoder.step(link.inbox.filled()) {
                Ok(step) => step,
                Err(error) => {
                    return this.cut(Reason::ResponseBadChunk, io::Error::other(error));
                }
            };
            match step {
                Step::Data { skip, length } => {
                    let data = Bytes::copy_from_slice(&link.inbox.filled()[skip..skip + length]);
                    link.inbox.consume(skip + length);
                    this.story.bytes_sent += length as u64;
                    if this.decoder.is_done() {
                        this.end();
                    }
                    this.stream.state.handed.set(Some(Instant::now()));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Step::End { skip } => {
                    link.inbox.consume(skip);
                    this.end();
                    return Poll::Ready(None);
                }
                Step::More { skip } => link.inbox.consume(skip),
            }
            let silence = link.route.limits.stream_idle_timeout;
            let filled = match link.inbox.poll_fill(cx, &mut IoHalf(&link.io)) {
                Poll::Ready(Ok(filled)) => filled,
                Poll::Ready(Err(error)) => {
                    return this.cut(Reason::ResponseIncomplete, error);
                }
                Poll::Pending => {
                    *this.stream.state.waker.borrow_mut() = Some(cx.waker().clone());
                    ready!(this.deadline.poll_passed(cx));
                    return this.cut(Reason::ResponseStalled, io::ErrorKind::TimedOut);
                }
            };
            this.deadline.set_after(silence);
            if filled == 0 {
                if this.decoder.ends_with_stream() {
                    this.link = None;
                    this.story.completes();
                    return Poll::Ready(None);
                }
                let error = io::ErrorKind::UnexpectedEof;
                return this.cut(Reason::ResponseIncomplete, error);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.link.is_none()
    }
}
