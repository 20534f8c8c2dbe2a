//! A request body on its way upstream: bounded in size, and watched for whether it still moves.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

/// What the waiting side may know of a body that another task sends.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    frames: AtomicU64,
    finished: AtomicBool,
    waiting: AtomicBool,
    too_large: AtomicBool,
}

impl Progress {
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// Whether the next part is the client's to send; else the upstream does not take what is there.
    pub fn is_waiting_for_client(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    pub fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }
}

/// Passes data on frame by frame and drops trailers, which must not be merged into headers.
#[derive(Debug)]
pub(crate) struct WatchedBody {
    inner: Incoming,
    left: u64,
    progress: Arc<Progress>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than the limit")]
    TooLarge,
    #[error("the client broke off the body")]
    Client(#[from] hyper::Error),
}

impl WatchedBody {
    pub fn new(inner: Incoming, limit: u64) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        progress.finished.store(inner.is_end_stream(), Ordering::Relaxed);
        (Self { inner, left: limit, progress: Arc::clone(&progress) }, progress)
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let polled = Pin::new(&mut self.inner).poll_frame(cx);
            self.progress.waiting.store(polled.is_pending(), Ordering::Relaxed);
            let Poll::Ready(next) = polled else { return Poll::Pending };
            self.progress.frames.fetch_add(1, Ordering::Relaxed);
            let frame = match next {
                None => {
                    self.progress.finished.store(true, Ordering::Relaxed);
                    return Poll::Ready(None);
                }
                Some(frame) => frame?,
            };
            let Some(data) = frame.data_ref() else { continue };
            let size = data.len() as u64;
            let Some(left) = self.left.checked_sub(size) else {
                self.progress.too_large.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(BodyError::TooLarge)));
            };
            self.left = left;
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
