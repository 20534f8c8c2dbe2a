//! Tracking of the activity of one connection: its open requests, and since when it has been idle.

use crate::{ClientTimeout, server::Bounds};
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// The first bytes of an HTTP/2 client.
const HTTP2: &[u8] = b"PRI";
/// The interval at which a connection is checked.
const LOOK: Duration = Duration::from_secs(1);

/// The state of a connection, shared by its reader, handlers, and writer.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The number of requests with incomplete responses.
    open: usize,
    since: Instant,
    /// The time when the first byte of an incomplete head arrived. In HTTP/2, frames are checked instead.
    head_since: Option<Instant>,
    is_http2: bool,
    has_read: bool,
    /// The deadline by which the client must have received the last part of a response.
    must_take_by: Option<Instant>,
}

impl Activity {
    pub fn new() -> Self {
        let now = Instant::now();
        let state = State {
            open: 0,
            since: now,
            head_since: Some(now),
            is_http2: false,
            has_read: false,
            must_take_by: None,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the start of a request.
    pub fn begin(&self) -> Exchange {
        let mut state = self.state();
        state.open += 1;
        state.head_since = None;
        Exchange(self.clone())
    }

    fn has_read(&self, bytes: &[u8]) {
        let mut state = self.state();
        if !state.has_read {
            state.has_read = true;
            state.is_http2 = bytes.starts_with(HTTP2);
        }
        if state.open == 0 && !state.is_http2 {
            state.head_since.get_or_insert_with(Instant::now);
        }
    }

    /// Waits until the client exceeds a time limit, and returns the reason.
    pub async fn is_over(&self, bounds: &Bounds) -> &'static str {
        loop {
            tokio::time::sleep(LOOK).await;
            let state = self.state();
            let is_late =
                |since: Option<Instant>, most| since.is_some_and(|since| since.elapsed() >= most);
            if state.open == 0 && is_late(state.head_since, bounds.header_timeout) {
                return "its head did not come in time";
            }
            if state.open == 0 && state.since.elapsed() >= bounds.idle_timeout {
                return "it was idle";
            }
            if state.must_take_by.is_some_and(|by| Instant::now() >= by) {
                return "it did not take its answer";
            }
        }
    }
}

/// A request, until its response is complete.
#[derive(Debug)]
pub(crate) struct Exchange(Activity);

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open -= 1;
        state.since = Instant::now();
        state.must_take_by = None;
    }
}

/// A response body with a deadline by which the client must receive it.
#[derive(Debug)]
pub(crate) struct Minded<B> {
    pub body: B,
    pub exchange: Exchange,
    pub bounds: Bounds,
}

impl<B: Body + Unpin> Body for Minded<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let Exchange(activity) = &this.exchange;
        activity.state().must_take_by = None;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Buf::remaining);
            activity.state().must_take_by = Some(Instant::now() + this.bounds.patience(bytes));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that records reads, and fails if the client doesn't receive data.
pub(crate) struct MindedIo<S> {
    stream: S,
    activity: Activity,
    patience: ClientTimeout,
    /// The timeout of a pending write.
    wait: Option<Pin<Box<Sleep>>>,
}

impl<S> MindedIo<S> {
    pub fn new(stream: S, activity: Activity, bounds: &Bounds) -> Self {
        let patience = ClientTimeout::new(bounds.min_bytes_per_second, bounds.write_timeout);
        Self { stream, activity, patience, wait: None }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = polled {
            if self.wait.take().is_some() {
                self.patience.end(*result.as_ref().unwrap_or(&0));
            }
            return Poll::Ready(result);
        }
        let until = self.patience.begin_once();
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep_until(until)));
        match wait.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MindedIo<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.activity.has_read(&buf.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MindedIo<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.written(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx).map_ok(|()| 0);
        this.written(cx, polled).map_ok(drop)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx).map_ok(|()| 0);
        this.written(cx, polled).map_ok(drop)
    }
}
