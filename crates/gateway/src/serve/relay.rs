//! The transfer of bodies between an HTTP/1.1 client and an upstream in both directions, piece by piece.

use crate::{
    Rejection,
    io::{Io, IoHalf},
    method_guard::MethodGuard,
    observe::Reason,
    settings::Limits,
    upstream::{
        ExchangeOptions, Fault, ResponseInfo, ResponseRead, UpstreamConnection, read_answer,
    },
    wire::{Buffer, Decoder, Framing, LAST_CHUNK, Step, begin_chunk},
};
use keydesk_listen::{ClientTimeout, Deadline};
use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    time::Duration,
};
use tokio::time::Instant;

/// The size up to which pieces are copied to be written together with other bytes.
const SMALL: usize = 4 * 1024;

/// The progress of a request's body, for the code that waits for the response.
#[derive(Debug)]
pub(super) struct Progress {
    moved: Cell<Instant>,
    is_done: Cell<bool>,
    /// Whether the whole body was sent.
    is_whole: Cell<bool>,
    /// The number of bytes received.
    received: Cell<u64>,
    timeout: Duration,
}

impl Progress {
    /// Creates the progress of a body that must not pause for longer than `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self {
            moved: Cell::new(Instant::now()),
            is_done: Cell::new(false),
            is_whole: Cell::new(false),
            received: Cell::new(0),
            timeout,
        }
    }

    pub fn moves(&self) {
        self.moved.set(Instant::now());
    }

    /// Records received bytes.
    pub fn receives(&self, count: u64) {
        self.received.set(self.received.get() + count);
    }

    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Records that the client sends nothing more. `is_whole` means that the upstream accepted it all.
    pub fn ends(&self, is_whole: bool) {
        self.moves();
        self.is_whole.set(is_whole);
        self.is_done.set(true);
    }

    /// Returns whether the whole body was sent. Only then can another request follow on the upstream's connection.
    pub fn is_whole(&self) -> bool {
        self.is_whole.get()
    }

    pub fn is_done(&self) -> bool {
        self.is_done.get()
    }
}

/// The reason why a request's body did not arrive.
#[derive(Clone, Debug)]
pub(super) enum Stopped {
    /// The client gets a rejection.
    Refused(Rejection),
    /// The client has disconnected.
    ClientGone,
}

impl Stopped {
    /// Returns the reason why a response that has already begun ends.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(rejection) => rejection.reason().unwrap_or(Reason::MalformedRequest),
            Self::ClientGone => Reason::ClientGone,
        }
    }
}

/// A request's body in transfer.
pub(super) struct Body {
    pub framing: Framing,
    pub guard: Option<MethodGuard>,
}

/// Sends the contents of `out` and then the client's body in the gateway's own framing, and then watches for the
/// client's disconnection. Returns only on failure.
pub(super) async fn upload(
    client: (&RefCell<Io>, &mut Buffer),
    upstream: &RefCell<Io>,
    (out, Body { framing, mut guard }): (&mut Vec<u8>, Body),
    progress: &Progress,
    limits: &Limits,
) -> Stopped {
    let (io, inbox) = client;
    let (mut body, mut sent) = (Decoder::new(framing), 0_u64);
    let mut patience = limits.patience();
    let mut deadline = Deadline::after(limits.response_timeout);
    let mut takes = true;
    loop {
        match body.step(inbox.filled()) {
            Err(_) => return Stopped::Refused(Rejection::InvalidFraming),
            Ok(Step::Data { skip, length }) => {
                sent += length as u64;
                progress.receives(length as u64);
                if sent > limits.max_body_bytes {
                    return Stopped::Refused(Rejection::BodyTooLarge {
                        limit: limits.max_body_bytes,
                    });
                }
                let data = &inbox.filled()[skip..skip + length];
                if let Some(Err(rejection)) = guard.as_mut().map(|guard| guard.read(data)) {
                    return Stopped::Refused(rejection);
                }
                // An upstream that stops reading the body may still respond.
                takes = takes && send(upstream, out, data, framing, &mut deadline, limits).await;
                inbox.consume(skip + length);
            }
            Ok(Step::End { skip }) => {
                if let Some(Err(rejection)) = guard.as_mut().map(MethodGuard::end) {
                    return Stopped::Refused(rejection);
                }
                inbox.consume(skip);
                if framing == Framing::Chunked {
                    out.extend_from_slice(LAST_CHUNK);
                }
                let _ =
                    takes && send(upstream, out, &[], Framing::Empty, &mut deadline, limits).await;
                break;
            }
            Ok(Step::More { skip }) => {
                inbox.consume(skip);
                if !out.is_empty() {
                    takes = takes
                        && send(upstream, out, &[], Framing::Empty, &mut deadline, limits).await;
                }
                inbox.enlarge();
                match deadline.bound_by(|| patience.begin(), inbox.fill(&mut IoHalf(io))).await {
                    Err(_) => return Stopped::Refused(Rejection::BodyTimeout),
                    Ok(Ok(count)) if count > 0 => patience.end(count),
                    Ok(_) => return Stopped::ClientGone,
                }
            }
        }
        progress.moves();
    }
    progress.ends(takes);
    client_leaves((io, inbox), limits).await;
    Stopped::ClientGone
}

/// The interval of the check whether a client that has closed its sending half has disconnected.
const LOOK: Duration = Duration::from_secs(1);

/// Resolves when the client has disconnected, or has closed its sending half if that means the same. Bytes that it
/// sends early are kept.
pub(super) async fn client_leaves(client: (&RefCell<Io>, &mut Buffer), limits: &Limits) {
    const IN_ADVANCE: usize = 8 * 1024;
    let (io, inbox) = client;
    while inbox.len() < IN_ADVANCE {
        match inbox.fill(&mut IoHalf(io)).await {
            Ok(count) if count > 0 => {}
            Ok(_) if limits.allows_half_close => loop {
                tokio::time::sleep(LOOK).await;
                if io.borrow().has_failed() {
                    return;
                }
            },
            _ => return,
        }
    }
    pending::<()>().await;
}

/// Writes `out` and one piece of a body. Returns false if the upstream does not accept it.
pub(super) async fn send(
    upstream: &RefCell<Io>,
    out: &mut Vec<u8>,
    data: &[u8],
    framing: Framing,
    deadline: &mut Deadline,
    limits: &Limits,
) -> bool {
    let is_chunk = framing == Framing::Chunked && !data.is_empty();
    if is_chunk {
        begin_chunk(out, data.len());
    }
    let end: &[u8] = if is_chunk { b"\r\n" } else { b"" };
    let sending = IoHalf(upstream).write_parts([out, data, end]);
    let sent = deadline.bound_after(limits.response_timeout, sending).await;
    out.clear();
    matches!(sent, Ok(Ok(())))
}

/// Writes `head` and then the upstream's body to the client, and counts it in `sent`. Fails if the response is
/// incomplete, which the client must be able to detect.
pub(super) async fn download(
    client: &RefCell<Io>,
    link: &mut UpstreamConnection,
    (head, answered, chunks): (&mut Vec<u8>, ResponseInfo, bool),
    deadline: &mut Deadline,
    sent: &mut u64,
) -> Result<(), Reason> {
    let limits = link.route.limits;
    let mut body = Decoder::new(answered.framing);
    let mut patience = limits.patience();
    loop {
        match body.step(link.inbox.filled()).map_err(|_| Reason::ResponseBadChunk)? {
            Step::Data { skip, length } => {
                let data = &link.inbox.filled()[skip..skip + length];
                if chunks {
                    begin_chunk(head, length);
                }
                let end: &[u8] = if chunks { b"\r\n" } else { b"" };
                if length <= SMALL {
                    head.extend_from_slice(data);
                    head.extend_from_slice(end);
                } else {
                    let parts = [&**head, data, end];
                    write(client, parts, deadline, &mut patience).await?;
                    head.clear();
                }
                link.inbox.consume(skip + length);
                *sent += length as u64;
            }
            Step::End { skip } => {
                link.inbox.consume(skip);
                if chunks {
                    head.extend_from_slice(LAST_CHUNK);
                }
                return write(client, [&**head, b"", b""], deadline, &mut patience).await;
            }
            Step::More { skip } => {
                link.inbox.consume(skip);
                if !head.is_empty() {
                    write(client, [&**head, b"", b""], deadline, &mut patience).await?;
                    head.clear();
                }
                if let Framing::Length(length) = answered.framing
                    && length > 16 * 1024
                {
                    link.inbox.enlarge();
                }
                let mut half = IoHalf(&link.io);
                let reading = link.inbox.fill(&mut half);
                let read = deadline.bound_after(limits.stream_idle_timeout, reading).await;
                let read = read.map_err(|_| Reason::ResponseStalled)?;
                match read.map_err(|_| Reason::ResponseIncomplete)? {
                    0 if body.ends_with_stream() => {
                        let last: &[u8] = if chunks { LAST_CHUNK } else { b"" };
                        return write(client, [last, b"", b""], deadline, &mut patience).await;
                    }
                    0 => return Err(Reason::ResponseIncomplete),
                    _ => {}
                }
            }
        }
    }
}

async fn write(
    client: &RefCell<Io>,
    parts: [&[u8]; 3],
    deadline: &mut Deadline,
    patience: &mut ClientTimeout,
) -> Result<(), Reason> {
    let writing = IoHalf(client).write_parts(parts);
    let written = deadline.bound_by(|| patience.begin(), writing).await;
    patience.end(parts.iter().map(|part| part.len()).sum());
    written.map_err(|_| Reason::ClientTooSlow)?.map_err(|_| Reason::ClientGone)
}

/// Waits for the response as long as there is progress: a long upload is not a timeout, but a silent upstream is.
pub(super) async fn wait_for_answer<T>(
    link: &mut UpstreamConnection,
    asked: ExchangeOptions,
    deadline: &mut Deadline,
    progress: &Progress,
    read: &mut impl FnMut(&ResponseRead<'_>) -> T,
) -> Result<(ResponseInfo, T), Rejection> {
    let io = Rc::clone(&link.io);
    let mut answer = std::pin::pin!(read_answer(&io, &mut link.inbox, asked, read));
    loop {
        deadline.set(progress.moved.get() + progress.timeout);
        match deadline.bound(answer.as_mut()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(Fault::Closed | Fault::Lost)) => return Err(Rejection::UpstreamLost),
            Ok(Err(Fault::Unreadable(reason))) => {
                return Err(Rejection::InvalidUpstreamResponse(reason));
            }
            // The upload itself enforces the client's timeout.
            Err(_) if !progress.is_done() => progress.moves(),
            Err(_) if progress.moved.get() + progress.timeout > Instant::now() => {}
            Err(_) => return Err(Rejection::UpstreamTimeout),
        }
    }
}
