//! The body of an HTTP/2 request on the way to the upstream.

use super::relay::{self, Progress};
use crate::{
    Rejection,
    io::Io,
    method_guard::MethodGuard,
    settings::Limits,
    wire::{Framing, LAST_CHUNK},
    worker::Worker,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keydesk_listen::{ClientTimeout, Deadline};
use std::cell::RefCell;

/// Sends the contents of `head` and then the request's body, like its HTTP/1.1 counterpart. Ends when the body does.
pub(super) async fn upload(
    body: &mut Pulled,
    io: &RefCell<Io>,
    head: Vec<u8>,
    framing: Framing,
    progress: &Progress,
    limits: &Limits,
) -> Result<(), Rejection> {
    let (mut out, mut takes) = (head, true);
    let mut deadline = Deadline::after(limits.response_timeout);
    while let Some(data) = body.next().await? {
        takes = takes && relay::send(io, &mut out, &data, framing, &mut deadline, limits).await;
        progress.receives(data.len() as u64);
        progress.moves();
    }
    if framing == Framing::Chunked {
        out.extend_from_slice(LAST_CHUNK);
    }
    takes = takes && relay::send(io, &mut out, &[], Framing::Empty, &mut deadline, limits).await;
    progress.ends(takes);
    Ok(())
}

/// A request's body, limited in size and duration. Trailers are dropped.
pub(super) struct Pulled {
    body: Incoming,
    left: u64,
    limit: u64,
    patience: ClientTimeout,
    deadline: Deadline,
    pub guard: Option<MethodGuard>,
}

impl Pulled {
    pub fn new(body: Incoming, worker: &Worker) -> Self {
        let limits = &worker.settings.limits;
        Self {
            body,
            left: limits.max_body_bytes,
            limit: limits.max_body_bytes,
            patience: limits.patience(),
            deadline: Deadline::after(limits.response_timeout),
            guard: None,
        }
    }

    pub async fn next(&mut self) -> Result<Option<Bytes>, Rejection> {
        loop {
            let Self { patience, deadline, body, .. } = self;
            let frame = match deadline.bound_by(|| patience.begin(), body.frame()).await {
                Err(_) => return Err(Rejection::BodyTimeout),
                Ok(None) => {
                    self.guard.as_mut().map_or(Ok(()), MethodGuard::end)?;
                    return Ok(None);
                }
                Ok(Some(Err(_))) => return Err(Rejection::InvalidFraming),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.patience.end(data.len());
            if let Some(guard) = &mut self.guard {
                guard.read(&data)?;
            }
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or(Rejection::BodyTooLarge { limit: self.limit })?;
            return Ok(Some(data));
        }
    }
}
