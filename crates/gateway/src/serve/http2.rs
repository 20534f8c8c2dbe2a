//! A client's HTTP/2 connection: hyper handles the frames, while the decision and the forwarding are the same as for
//! HTTP/1.1.

use super::{
    pulled::{Pulled, upload},
    relay::{Progress, wait_for_answer},
    reply::length_of_nothing,
    streams::{Busy, Stream, StreamBody, StreamState},
};
use crate::{
    Rejection, Response,
    cors::TokenLimits,
    endpoints::MOST_FORM,
    forward::Forward,
    handle::{Action, Decision},
    headers::Returning,
    io::Io,
    observe::RequestTrace,
    upstream::{ResponseInfo, ResponseRead, UpstreamConnection},
    wire::{Field, Framing, Head, MOST_FIELDS},
    worker::{Stage, Worker},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version, header};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use keydesk_listen::Deadline;
use std::{
    convert::Infallible,
    io,
    net::IpAddr,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The size up to which bodies are received completely before they are forwarded.
const SMALL_BODY: u64 = 64 * 1024;

type Reply = http::Response<Either<Full<Bytes>, StreamBody>>;

/// Serves a connection. `said` is the input that was already read.
pub(super) async fn serve(worker: Rc<Worker>, said: Vec<u8>, io: Io, peer: IpAddr) {
    let mut stage = worker.stage.clone();
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
    let busy = Rc::new(Busy::new());
    let (streams, watched) = (Rc::clone(&busy), Rc::clone(&worker));
    let service = service_fn(move |request: Request<Incoming>| {
        let (worker, stream) = (Rc::clone(&worker), streams.begin());
        async move { Ok::<Reply, Infallible>(answer(&worker, request, peer, stream).await) }
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(Rewound { said, io }), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stage.wait_for(|stage| *stage == Stage::Stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = busy.stalls(limits.idle_timeout) => {
            tracing::debug!("an HTTP/2 client does not read its responses");
            return;
        }
        () = busy.recheck(&watched) => {
            tracing::debug!("an HTTP/2 client does not read the end of a response");
            return;
        }
        () = busy.idles(limits.keep_alive_timeout) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(limits.header_timeout, connection).await;
            return;
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP/2 connection ended early");
    }
}

async fn answer(
    worker: &Rc<Worker>,
    request: Request<Incoming>,
    peer: IpAddr,
    stream: Stream,
) -> Reply {
    let mut out = Vec::new();
    let Decision { action, mut story, grant, .. } = decide(worker, &request, peer, &mut out);
    let action = match action {
        Action::Forward(mut forward) => {
            let state = stream.state();
            state.is_permitted(forward.permission.clone());
            let sending =
                send(worker, &mut forward, (request, out), &story, grant.as_ref(), &state);
            let sent = tokio::select! {
                biased;
                sent = sending => sent,
                rejection = state.until_over() => Err(rejection),
            };
            match sent {
                Ok(Sent { mut reply, link, answered, progress }) => {
                    if let Some(grant) = &grant {
                        grant.allow(reply.headers_mut());
                    }
                    story.is_answered_by(link.endpoint.addr, answered.status);
                    let body = StreamBody::new(worker, link, answered, (stream, story, progress));
                    return reply.map(|()| Either::Right(body));
                }
                Err(rejection) => {
                    story.is_denied(&rejection);
                    Action::Refuse(rejection)
                }
            }
        }
        Action::DeferredRequest(ask) => {
            let answer = match read_form(request.into_body(), worker).await {
                Ok(body) => worker.answer(ask, &body, &story).await,
                Err(rejection) => Err(rejection),
            };
            answer.map_or_else(
                |rejection| {
                    story.is_denied(&rejection);
                    Action::Refuse(rejection)
                },
                Action::Response,
            )
        }
        action => action,
    };
    let answer: Response = match action {
        Action::Response(answer) => answer,
        Action::Refuse(rejection) => worker.refusal(&rejection, &story),
        Action::RefuseAs { status, rejection } => {
            let mut answer = worker.refusal(&rejection, &story);
            *answer.status_mut() = status;
            answer
        }
        Action::Forward(_) | Action::DeferredRequest(_) => Response::default(),
    };
    let answer = Worker::finish(answer, &story, grant.as_ref());
    story.answers(answer.status().as_u16());
    story.bytes_sent = answer.body().len() as u64;
    story.completes();
    answer.map(|body| Either::Left(Full::new(body)))
}

/// Reads a small body completely.
async fn read_form(body: Incoming, worker: &Worker) -> Result<Vec<u8>, Rejection> {
    let (mut body, mut whole) = (Pulled::new(body, worker), Vec::new());
    while let Some(data) = body.next().await? {
        whole.extend_from_slice(&data);
        if whole.len() > MOST_FORM {
            return Err(Rejection::BodyTooLarge { limit: MOST_FORM as u64 });
        }
    }
    Ok(whole)
}

/// Decides on the request with the same code as for HTTP/1.1.
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
        // Spaces around a value have no meaning in HTTP/1.1 and must have none here.
        .map(|(name, value)| Field { name: name.as_str(), value: value.as_bytes().trim_ascii() })
        .collect();
    let most = worker.settings.limits.max_headers as usize;
    if fields.len() > most.min(MOST_FIELDS) {
        return worker.reject_head(crate::wire::HeadError::TooManyHeaders, peer);
    }
    let head = Head {
        method: request.method().as_str(),
        version: Version::HTTP_2,
        authority: uri.authority().map(http::uri::Authority::as_str),
        target: uri.path_and_query().map_or(uri.path(), http::uri::PathAndQuery::as_str),
        fields: &fields,
        has_unsized_body: !request.body().is_end_stream(),
    };
    worker.handle(&head, peer, out)
}

/// A response whose head has arrived.
struct Sent {
    reply: http::Response<()>,
    link: UpstreamConnection,
    answered: ResponseInfo,
    /// The progress of the request's body.
    progress: Rc<Progress>,
}

async fn send(
    worker: &Rc<Worker>,
    forward: &mut Forward,
    (request, mut out): (Request<Incoming>, Vec<u8>),
    story: &RequestTrace,
    grant: Option<&TokenLimits>,
    state: &Rc<StreamState>,
) -> Result<Sent, Rejection> {
    let limits = forward.route.limits;
    let mut deadline = Deadline::after(limits.response_timeout);
    let mut body = Pulled::new(request.into_body(), worker);
    body.guard = forward.method_guard.take();
    let returning = Returning { worker, forward, story, grant };
    let mut read = |answer: &ResponseRead<'_>| head_of(answer, &returning);
    let progress = Rc::new(Progress::new(limits.response_timeout));
    let is_small = matches!(forward.framing, Framing::Length(length) if length <= SMALL_BODY);
    if forward.framing == Framing::Empty || is_small {
        while let Some(data) = body.next().await? {
            progress.receives(data.len() as u64);
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
        return Ok(Sent { reply, link, answered, progress });
    }
    let mut link = worker.upstreams.open(&forward.route, &mut deadline).await?;
    link.address(&mut out);
    let (io, seen, framing) = (Rc::clone(&link.io), Rc::clone(&progress), forward.framing);
    let mut uploading =
        Box::pin(async move { upload(&mut body, &io, out, framing, &seen, &limits).await });
    let answer = wait_for_answer(&mut link, forward.asked, &mut deadline, &progress, &mut read);
    let (answered, reply) = tokio::select! {
        biased;
        answer = answer => answer?,
        Err(rejection) = &mut uploading => return Err(rejection),
    };
    link.endpoint.is_healthy();
    if progress.is_done() {
        let may_follow = answered.may_follow && progress.is_whole();
        return Ok(Sent {
            reply,
            link,
            answered: ResponseInfo { may_follow, ..answered },
            progress,
        });
    }
    // The rest of the body is sent while it is permitted; such a connection is not reused.
    let state = Rc::clone(state);
    tokio::task::spawn_local(async move {
        tokio::select! {
            _ = uploading => {}
            _ = state.until_over() => {}
        }
    });
    Ok(Sent { reply, link, answered: ResponseInfo { may_follow: false, ..answered }, progress })
}

/// Returns the response's head. hyper sends no interim responses, so the result for one is dropped.
fn head_of(answer: &ResponseRead<'_>, returning: &Returning<'_>) -> http::Response<()> {
    let ResponseRead { head, noted, answered } = answer;
    let mut fields = HeaderMap::new();
    let mut add = |name: &str, value: &[u8]| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    };
    for (field, kind) in noted.fields.iter().zip(&noted.kinds) {
        if let Some(value) = returning.value(*kind, field) {
            add(field.name, &value);
        }
    }
    returning.additions(answer, &mut add);
    match answered.framing {
        Framing::Length(length) => drop(fields.insert(header::CONTENT_LENGTH, length.into())),
        // RFC 9110 section 8.6: the length of the body that would have been sent.
        Framing::Empty => {
            let length_field = length_of_nothing(noted, *answered, returning.forward.asked.is_head);
            if let Some(length) =
                length_field.and_then(|length| HeaderValue::from_bytes(length).ok())
            {
                fields.insert(header::CONTENT_LENGTH, length);
            }
        }
        Framing::Chunked | Framing::UntilClose => {}
    }
    let mut reply = http::Response::new(());
    *reply.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY);
    *reply.headers_mut() = fields;
    reply
}

/// A connection that first returns the bytes that were already read.
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

/// An executor that runs streams on the thread of their connection.
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
