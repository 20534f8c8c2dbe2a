//! The streams of an HTTP/2 connection: how many are open, whether their clients take what they are
//! handed, and the upstream's answers on their way to them.

use crate::{
    deadline::Deadline,
    handle::Worker,
    io::Half,
    upstream::{Answered, Link},
    wire::{Decoder, Step},
};
use bytes::Bytes;
use http_body::Frame;
use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Instant;

/// Whether any stream is open, and since when there is none.
#[derive(Debug)]
pub(super) struct Busy {
    streams: Cell<usize>,
    since: Cell<Instant>,
    /// When each open answer was last handed a piece that the client has yet to take.
    handed: RefCell<Vec<Weak<Cell<Option<Instant>>>>>,
}

/// An open stream of a connection.
#[derive(Debug)]
pub(super) struct Stream(Rc<Busy>);

impl Busy {
    pub fn new() -> Self {
        let (streams, since) = (Cell::new(0), Cell::new(Instant::now()));
        Self { streams, since, handed: RefCell::default() }
    }

    pub fn begin(self: &Rc<Self>) -> Stream {
        self.streams.set(self.streams.get() + 1);
        Stream(Rc::clone(self))
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
    /// Resolves when a client has not taken what it was handed for as long as `timeout`; hyper asks
    /// for no more of an answer before.
    pub async fn stalls(&self, timeout: Duration) {
        let is_late = |handed: &Rc<Cell<Option<Instant>>>| {
            handed.get().is_some_and(|since| since.elapsed() >= timeout)
        };
        loop {
            tokio::time::sleep((timeout / 4).min(Duration::from_secs(5))).await;
            let mut handed = self.handed.borrow_mut();
            handed.retain(|handed| handed.strong_count() > 0);
            if handed.iter().filter_map(Weak::upgrade).any(|handed| is_late(&handed)) {
                return;
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get() - 1);
        self.0.since.set(Instant::now());
    }
}

/// An upstream's answer on its way to a stream.
pub(super) struct AnswerBody {
    worker: Rc<Worker>,
    link: Option<Link>,
    decoder: Decoder,
    answered: Answered,
    deadline: Deadline,
    handed: Rc<Cell<Option<Instant>>>,
    _stream: Stream,
}

impl AnswerBody {
    pub fn new(worker: &Rc<Worker>, link: Link, answered: Answered, stream: Stream) -> Self {
        let deadline = Deadline::after(worker.upstreams.limits().response_timeout);
        let handed = Rc::<Cell<Option<Instant>>>::default();
        stream.0.handed.borrow_mut().push(Rc::downgrade(&handed));
        let mut body = Self {
            handed,
            worker: Rc::clone(worker),
            decoder: Decoder::new(answered.framing),
            link: Some(link),
            answered,
            deadline,
            _stream: stream,
        };
        if body.decoder.is_done() {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(link) = self.link.take() {
            self.worker.upstreams.keep_if_empty(link, self.answered);
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        this.handed.set(None);
        loop {
            let Some(link) = &mut this.link else { return Poll::Ready(None) };
            match this.decoder.step(link.inbox.filled()).map_err(io::Error::other)? {
                Step::Data { skip, length } => {
                    let data = Bytes::copy_from_slice(&link.inbox.filled()[skip..skip + length]);
                    link.inbox.consume(skip + length);
                    if this.decoder.is_done() {
                        this.end();
                    }
                    this.handed.set(Some(Instant::now()));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Step::End { skip } => {
                    link.inbox.consume(skip);
                    this.end();
                    return Poll::Ready(None);
                }
                Step::More { skip } => link.inbox.consume(skip),
            }
            let filled = match link.inbox.poll_fill(cx, &mut Half(&link.io)) {
                Poll::Ready(filled) => filled?,
                Poll::Pending => {
                    ready!(this.deadline.poll_passed(cx));
                    return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
                }
            };
            this.deadline.set_after(this.worker.upstreams.limits().response_timeout);
            if filled == 0 {
                let is_whole = this.decoder.ends_with_stream();
                this.link = None;
                return Poll::Ready((!is_whole).then(|| Err(io::ErrorKind::UnexpectedEof.into())));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.link.is_none()
    }
}
