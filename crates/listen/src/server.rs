//! An HTTP/1.1 and HTTP/2 server for a router on a listener, with or without TLS.

use crate::{
    ConnectionSlots,
    connection::{Activity, Minded, MindedIo},
    places::ConnectionSlot,
};
use axum::{Router, body::Body};
use http::{Extensions, Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;
use tower::ServiceExt;

/// The time for which requests in flight may continue after the listener closes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The time that a client has to receive the notice that its connection is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The limits for clients.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connections: usize,
    /// The limit for one address. For IPv6, it applies to a /64; its /56 and /48 have a multiple of it.
    pub connections_per_address: usize,
    /// The limit for receiving the head of a request, and for the preceding TLS handshake.
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    /// The time for which a client may receive nothing of its response.
    pub write_timeout: Duration,
    /// The minimum rate at which the client must receive beyond that.
    pub min_bytes_per_second: u32,
}

impl Bounds {
    /// Returns the limits for a listener with few clients.
    pub fn small() -> Self {
        Self { connections: 256, connections_per_address: 32, ..Self::console() }
    }

    /// Returns the limits for users' browsers.
    pub fn console() -> Self {
        Self {
            connections: 1_024,
            connections_per_address: 64,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(10),
            min_bytes_per_second: 1_024,
        }
    }

    /// Returns the time that a client may take to receive a number of bytes.
    pub(crate) fn patience(&self, bytes: usize) -> Duration {
        let rate = f64::from(self.min_bytes_per_second.max(1));
        #[expect(clippy::cast_precision_loss, reason = "pieces of answers are small")]
        let earned = bytes as f64 / rate;
        self.write_timeout + Duration::from_secs_f64(earned)
    }
}

/// The connection of a request, as known to the listener.
#[derive(Clone, Debug)]
pub struct Seen {
    pub peer: SocketAddr,
    pub is_tls: bool,
    /// The holder of the connection. If set to a number of the user when a request has a session, the connection keeps
    /// its slot.
    pub holder: Arc<AtomicU64>,
}

/// Serves in the background until the process ends, for few, known clients such as other nodes and monitoring.
pub fn serve_few(listener: TcpListener, router: Router) {
    let bounds = (Bounds::small(), |_| false);
    tokio::spawn(serve(listener, router, None, bounds, |_, _| {}, std::future::pending()));
}

/// Serves until `stopped` resolves. `mark` adds the connection of a request to its extensions.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    (bounds, is_proxy): (Bounds, impl Fn(IpAddr) -> bool + Send + Sync + 'static),
    mark: fn(&mut Extensions, Seen),
    stopped: impl Future<Output = ()>,
) {
    let (all, each) = (bounds.connections, bounds.connections_per_address);
    let places = Arc::new(ConnectionSlots::new(all, each, is_proxy));
    let tls = tls.map(TlsAcceptor::from);
    let protocols = protocols(&bounds);
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            tracing::debug!(%peer, "the connection limit is reached");
            continue;
        };
        let connection = Connection {
            protocols: protocols.clone(),
            router: router.clone(),
            tls: tls.clone(),
            bounds,
            mark,
            place,
            peer,
        };
        connections.spawn(connection.serve(stream, stopping.clone()));
    }
    drop(listener);
    let _ = stop.send(true);
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all_gone).await;
}

fn protocols(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.idle_timeout)
        .max_buf_size(64 * 1024);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(16 * 1024)
        .max_concurrent_streams(100)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256);
    server
}

/// A connection and its server settings.
struct Connection {
    protocols: auto::Builder<TokioExecutor>,
    router: Router,
    tls: Option<TlsAcceptor>,
    bounds: Bounds,
    mark: fn(&mut Extensions, Seen),
    place: ConnectionSlot,
    peer: SocketAddr,
}

type MaybeTls = Either<TcpStream, TlsStream<TcpStream>>;

impl Connection {
    async fn serve(self, stream: TcpStream, mut stopping: watch::Receiver<bool>) {
        let Self { protocols, router, tls, bounds, mark, place, peer } = self;
        let (is_tls, activity) = (tls.is_some(), Activity::new());
        let shaking = shake_hands(stream, tls);
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(bounds.header_timeout, shaking) => shaken,
            () = place.is_needed() => return,
        };
        let Ok(Some(stream)) = shaken else { return };
        let seen = Seen { peer, is_tls, holder: place.holder() };
        let exchanges = activity.clone();
        let router = router.map_request(move |mut request: Request<Incoming>| {
            mark(request.extensions_mut(), seen.clone());
            request.map(Body::new)
        });
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let (router, exchange) = (router.clone(), exchanges.begin());
            async move {
                let answer = router.oneshot(request).await?;
                Ok::<_, std::convert::Infallible>(answer.map(|body| Minded {
                    body,
                    exchange,
                    bounds,
                }))
            }
        });
        let io = TokioIo::new(MindedIo::new(stream, activity.clone(), &bounds));
        let service = TowerToHyperService::new(service);
        let connection = protocols.serve_connection(io, service).into_owned();
        let mut connection = std::pin::pin!(connection);
        let (why, grace) = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended early");
                }
                return;
            }
            why = activity.is_over(&bounds) => (why, LAST_WORDS),
            () = place.is_needed() => ("another connection needs its place", Duration::ZERO),
            _ = stopping.wait_for(|stop| *stop) => ("the listener closes", DRAIN_TIMEOUT),
        };
        tracing::debug!(%peer, why, "a connection is closed");
        // GOAWAY tells an HTTP/2 client which of its requests were accepted.
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(grace, connection).await;
    }
}

async fn shake_hands(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<MaybeTls> {
    match tls {
        None => Some(Either::Left(stream)),
        Some(tls) => tls.accept(stream).await.ok().map(Either::Right),
    }
}
