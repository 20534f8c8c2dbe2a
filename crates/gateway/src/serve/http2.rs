//! One client's connection that speaks HTTP/2: hyper takes the frames apart, the decision and the
//! way to the upstream are the same as for HTTP/1.1.

use super::relay::{Progress, wait_for_answer};
use crate::{
    Answer, Denial,
    deadline::{Deadline, Patience},
    handle::{Decision, Forward, Verdict, Worker},
    headers::comes_back,
    io::{Half, Io},
    observe::Story,
    upstream::{AnswerRead, Answered, Link},
    wire::{Decoder, Field, Framing, Head, LAST_CHUNK, MOST_FIELDS, Step, begin_chunk},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    io,
    net::IpAddr,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::Instant,
};

/// Bodies up to this size are taken whole before they are sent on.
const SMALL_BODY: u64 = 64 * 1024;

type Reply = Response<Either<Full<Bytes>, AnswerBody>>;

/// `said` is what was read of the connection already.
pub(super) async fn serve(
    worker: Rc<Worker>,
    said: Vec<u8>,
    io: Io,
    peer: IpAddr,
    mut stopping: watch::Receiver<bool>,
) {
    let limits = worker.settings.limits;
    let mut server = http2::Builder::new(OnThisThread);
    server
        .timer(TokioTimer::new())
        .max_header_list_size(limits.max_header_bytes)
        .max_concurrent_streams(200)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let busy = Rc::new(Busy { streams: Cell::new(0), since: Cell::new(Instant::now()) });
    let streams = Rc::clone(&busy);
    let service = service_fn(move |request: Request<Incoming>| {
        let (worker, stream) = (Rc::clone(&worker), streams.begin());
        async move { Ok::<Reply, Infallible>(answer(&worker, request, peer, stream).await) }
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(Rewound { said, io }), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.wait_for(|stop| *stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = busy.idles(limits.idle_timeout) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(limits.header_timeout, connection).await;
            return;
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP/2 connection ended early");
    }
}

/// Whether any stream is open, and since when there is none.
#[derive(Debug)]
struct Busy {
    streams: Cell<usize>,
    since: Cell<Instant>,
}

/// An open stream of a connection.
#[derive(Debug)]
struct Stream(Rc<Busy>);

impl Busy {
    fn begin(self: &Rc<Self>) -> Stream {
        self.streams.set(self.streams.get() + 1);
        Stream(Rc::clone(self))
    }

    async fn idles(&self, timeout: Duration) {
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

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get() - 1);
        self.0.since.set(Instant::now());
    }
}

async fn answer(
    worker: &Rc<Worker>,
    request: Request<Incoming>,
    peer: IpAddr,
    stream: Stream,
) -> Reply {
    let mut out = Vec::new();
    let Decision { verdict, mut story, console, .. } = decide(worker, &request, peer, &mut out);
    let verdict = match verdict {
        Verdict::Forward(forward) => {
            match send(worker, &forward, request, out, &story, console.as_ref()).await {
                Ok((mut reply, link, answered)) => {
                    if let Some(origin) = &console {
                        crate::cors::allow(reply.headers_mut(), origin);
                    }
                    worker.observer.end(&mut story, answered.status);
                    let body = AnswerBody::new(worker, link, answered, stream);
                    return reply.map(|()| Either::Right(body));
                }
                Err(denial) => {
                    story.is_denied(denial);
                    Verdict::Refuse(denial)
                }
            }
        }
        verdict => verdict,
    };
    let answer: Answer = match verdict {
        Verdict::Answer(answer) => answer,
        Verdict::Refuse(denial) => worker.refusal(denial, &story),
        Verdict::Forward(_) => Response::default(),
    };
    let answer = Worker::finish(answer, &story, console.as_ref());
    worker.observer.end(&mut story, answer.status().as_u16());
    answer.map(|body| Either::Left(Full::new(body)))
}

/// Shows the request to the same eyes as one of HTTP/1.1.
fn decide(
    worker: &Worker,
    request: &Request<Incoming>,
    peer: IpAddr,
    out: &mut Vec<u8>,
) -> Decision {
    let uri = request.uri();
    let fields: Vec<Field<'_>> = request
        .headers()
        .iter()
        .map(|(name, value)| Field { name: name.as_str(), value: value.as_bytes() })
        .collect();
    if fields.len() > MOST_FIELDS {
        return worker.refuse_head(crate::wire::HeadError::TooManyFields, peer);
    }
    let head = Head {
        method: request.method().as_str(),
        version: Version::HTTP_2,
        authority: uri.authority().map(http::uri::Authority::as_str),
        target: uri.path_and_query().map_or(uri.path(), http::uri::PathAndQuery::as_str),
        fields: &fields,
    };
    let mut decision = worker.handle(&head, peer, out);
    if let Verdict::Forward(forward) = &mut decision.verdict
        && forward.framing == Framing::Empty
        && !request.body().is_end_stream()
    {
        // A length that was not told: our own framing then is chunks.
        forward.framing = Framing::Chunked;
        let end = out.len() - 2;
        out.truncate(end);
        out.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
    }
    decision
}

async fn send(
    worker: &Rc<Worker>,
    forward: &Forward,
    request: Request<Incoming>,
    mut out: Vec<u8>,
    story: &Story,
    console: Option<&HeaderValue>,
) -> Result<(Response<()>, Link, Answered), Denial> {
    let limits = worker.upstreams.limits();
    let mut deadline = Deadline::after(limits.response_timeout);
    let mut read = |answer: &AnswerRead<'_>| head_of(answer, story, console.is_some());
    let mut body = Pulled::new(request.into_body(), worker);
    let is_small = matches!(forward.framing, Framing::Length(length) if length <= SMALL_BODY);
    if forward.framing == Framing::Empty || is_small {
        while let Some(data) = body.next().await? {
            out.extend_from_slice(&data);
        }
        let sent = worker.upstreams.send_whole(
            &forward.route,
            &out,
            forward.asked,
            &mut deadline,
            &mut read,
        );
        let (link, answered, reply) = sent.await?;
        return Ok((reply, link, answered));
    }
    let mut link = worker.upstreams.open(&forward.route, &mut deadline).await?;
    let progress = Rc::new(Progress::new(limits.response_timeout));
    let (io, seen, framing) = (Rc::clone(&link.io), Rc::clone(&progress), forward.framing);
    let mut uploading = Box::pin(async move { upload(&mut body, &io, out, framing, &seen).await });
    let answer = wait_for_answer(&mut link, forward.asked, &mut deadline, &progress, &mut read);
    let (answered, reply) = tokio::select! {
        biased;
        answer = answer => answer?,
        Err(denial) = &mut uploading => return Err(denial),
    };
    if progress.is_done() {
        return Ok((reply, link, answered));
    }
    // What is still to be sent goes on; such a connection is not used again.
    tokio::task::spawn_local(uploading);
    Ok((reply, link, Answered { may_follow: false, ..answered }))
}

async fn upload(
    body: &mut Pulled,
    io: &RefCell<Io>,
    head: Vec<u8>,
    framing: Framing,
    progress: &Progress,
) -> Result<(), Denial> {
    let mut head = head;
    let chunks = framing == Framing::Chunked;
    let end: &[u8] = if chunks { b"\r\n" } else { b"" };
    while let Some(data) = body.next().await? {
        if chunks && !data.is_empty() {
            begin_chunk(&mut head, data.len());
            let _ = Half(io).write_parts([&head, &data, end]).await;
        } else {
            let _ = Half(io).write_parts([&head, &data, b""]).await;
        }
        head.clear();
        progress.moves();
    }
    let last: &[u8] = if chunks { LAST_CHUNK } else { b"" };
    let _ = Half(io).write_parts([&head, last, b""]).await;
    progress.ends();
    Ok(())
}

/// A request's body, bounded in size and in how long it may take. Trailers are dropped.
struct Pulled {
    body: Incoming,
    left: u64,
    limit: u64,
    patience: Patience,
    deadline: Deadline,
}

impl Pulled {
    fn new(body: Incoming, worker: &Worker) -> Self {
        let limits = worker.upstreams.limits();
        Self {
            body,
            left: limits.max_body_bytes,
            limit: limits.max_body_bytes,
            patience: Patience::new(limits),
            deadline: Deadline::after(limits.response_timeout),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Denial> {
        loop {
            let Self { patience, deadline, body, .. } = self;
            let frame = match deadline.bound_by(|| patience.begin(), body.frame()).await {
                Err(_) => return Err(Denial::SlowBody),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Denial::BadFraming),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.patience.end(data.len());
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or(Denial::BodyTooLarge { limit: self.limit })?;
            return Ok(Some(data));
        }
    }
}

fn head_of(answer: &AnswerRead<'_>, story: &Story, for_console: bool) -> Response<()> {
    let AnswerRead { head, noted, answered } = answer;
    let mut fields = HeaderMap::new();
    for (field, kind) in noted.fields.iter().zip(&noted.kinds) {
        if comes_back(*kind, field.name, field.value, for_console)
            && let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(field.name.as_bytes()),
                HeaderValue::from_bytes(field.value),
            )
        {
            fields.append(name, value);
        }
    }
    if let Framing::Length(length) = answered.framing {
        fields.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Ok(id) = HeaderValue::from_str(story.arrival.request_id.as_str()) {
        fields.insert("x-request-id", id);
    }
    let mut reply = Response::new(());
    *reply.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY);
    *reply.headers_mut() = fields;
    reply
}

/// An upstream's answer on its way to a stream.
pub(super) struct AnswerBody {
    worker: Rc<Worker>,
    link: Option<Link>,
    decoder: Decoder,
    may_follow: bool,
    deadline: Deadline,
    _stream: Stream,
}

impl AnswerBody {
    fn new(worker: &Rc<Worker>, link: Link, answered: Answered, stream: Stream) -> Self {
        let deadline = Deadline::after(worker.upstreams.limits().response_timeout);
        let mut body = Self {
            worker: Rc::clone(worker),
            decoder: Decoder::new(answered.framing),
            link: Some(link),
            may_follow: answered.may_follow,
            deadline,
            _stream: stream,
        };
        if body.decoder.is_done() {
            body.end();
        }
        body
    }

    fn end(&mut self) {
        if let Some(link) = self.link.take().filter(|link| self.may_follow && link.inbox.is_empty())
        {
            self.worker.upstreams.keep(link);
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
        loop {
            let Some(link) = &mut this.link else { return Poll::Ready(None) };
            match this.decoder.step(link.inbox.filled()).map_err(io::Error::other)? {
                Step::Data { skip, length } => {
                    let data = Bytes::copy_from_slice(&link.inbox.filled()[skip..skip + length]);
                    link.inbox.consume(skip + length);
                    if this.decoder.is_done() {
                        this.end();
                    }
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

/// Reads first what was read before.
struct Rewound {
    said: Vec<u8>,
    io: Io,
}

impl AsyncRead for Rewound {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.said.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let count = this.said.len().min(buf.remaining());
        buf.put_slice(&this.said[..count]);
        this.said.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// Streams are served on the thread of their connection.
#[derive(Clone, Copy, Debug)]
struct OnThisThread;

impl<F> hyper::rt::Executor<F> for OnThisThread
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
