//! The acceptance of connections, limited in total and per address.

use super::http1::Connection;
use crate::{
    io::Io,
    observe::{ConnectionMetrics, Reason},
    settings::Settings,
    worker::{Stage, Worker},
};
use socket2::{SockRef, TcpKeepalive};
use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;

/// The number of connections, in total and by address.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    /// The permits for which connections wait before they are accepted.
    all: Arc<Semaphore>,
    each: Arc<keydesk_listen::ConnectionSlots>,
    metrics: Arc<ConnectionMetrics>,
}

/// A connection's slot, released when dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    metrics: Arc<ConnectionMetrics>,
    _share: keydesk_listen::ConnectionSlot,
    _one: OwnedSemaphorePermit,
}

impl ConnectionSlots {
    pub fn new(settings: &Settings, metrics: Arc<ConnectionMetrics>) -> Self {
        let (limits, proxies) = (&settings.limits, settings.trusted_proxies.clone());
        let most = usize::try_from(limits.max_connections).unwrap_or(Semaphore::MAX_PERMITS);
        let each = usize::try_from(limits.max_connections_per_ip).unwrap_or(usize::MAX);
        let each = Arc::new(keydesk_listen::ConnectionSlots::new(usize::MAX, each, move |addr| {
            proxies.contains(addr)
        }));
        Self { all: Arc::new(Semaphore::new(most)), each, metrics }
    }

    /// Returns `None` if the address has reached its limit.
    fn take(&self, peer: IpAddr, one: OwnedSemaphorePermit) -> Option<ConnectionSlot> {
        let Some(share) = self.each.take(peer) else {
            self.metrics.rejected_per_address.add(1);
            return None;
        };
        self.metrics.accepted.add(1);
        self.metrics.open.fetch_add(1, Ordering::Relaxed);
        Some(ConnectionSlot { metrics: Arc::clone(&self.metrics), _share: share, _one: one })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.metrics.open.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) async fn accept(
    worker: Rc<Worker>,
    listener: std::net::TcpListener,
    places: &Arc<ConnectionSlots>,
    tls: Option<TlsAcceptor>,
) {
    let stopping = worker.stage.clone();
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a gateway worker cannot listen");
            return;
        }
    };
    let mut connections = JoinSet::new();
    let mut tidying = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            biased;
            () = stops(stopping.clone()) => break,
            accepted = accept_one(&worker, &listener, places) => {
                if let Some((stream, peer, place)) = accepted {
                    prepare(&stream);
                    let worker = Rc::clone(&worker);
                    connections.spawn_local(serve(worker, stream, peer, place, tls.clone()));
                }
            }
            _ = tidying.tick() => {
                worker.upstreams.drop_stale();
                while connections.try_join_next().is_some() {}
            }
        }
    }
    // Connections that have completed their handshake are still served.
    while let Some(accepted) = ready(accept_one(&worker, &listener, places)).await {
        let Some((stream, peer, place)) = accepted else { continue };
        connections.spawn_local(serve(Rc::clone(&worker), stream, peer, place, tls.clone()));
    }
    drop(listener);
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(worker.settings.limits.drain_timeout, all_gone).await;
}

async fn stops(mut stage: watch::Receiver<Stage>) {
    let _ = stage.wait_for(|stage| *stage == Stage::Stopping).await;
}

/// Sends small responses immediately, and detects vanished peers, also in a tunnel.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keep_alive = TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_secs(15));
    let _ = SockRef::from(stream).set_tcp_keepalive(&keep_alive);
}

/// Returns the output of a future if it is ready.
async fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    timeout(Duration::ZERO, future).await.ok()
}

/// Accepts the next connection when a slot is free.
async fn accept_one(
    worker: &Worker,
    listener: &TcpListener,
    places: &Arc<ConnectionSlots>,
) -> Option<(TcpStream, SocketAddr, ConnectionSlot)> {
    let one = if let Ok(one) = Arc::clone(&places.all).try_acquire_owned() {
        one
    } else {
        worker.observer.metrics.has_failed(Reason::TooManyConnections);
        let what =
            "no more connections are accepted until others close; see limits.max_connections";
        worker.observer.notices.tell(Reason::TooManyConnections, what);
        Arc::clone(&places.all).acquire_owned().await.ok()?
    };
    match listener.accept().await {
        Ok((stream, peer)) => {
            let place = places.take(peer.ip(), one);
            if place.is_none() {
                worker.observer.note(Reason::TooManyPerAddress, peer.ip());
            }
            Some((stream, peer, place?))
        }
        Err(error) => {
            // Most likely out of file descriptors: yields so that other connections can end.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Serves a connection, which keeps its slot until it ends.
async fn serve(
    worker: Rc<Worker>,
    stream: TcpStream,
    peer: SocketAddr,
    place: ConnectionSlot,
    tls: Option<TlsAcceptor>,
) {
    let peer = peer.ip();
    let Some(tls) = tls else {
        Connection::new(worker, Io::Tcp(stream), peer).serve().await;
        return;
    };
    let started = Instant::now();
    let stream = match timeout(worker.settings.limits.header_timeout, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        failed => {
            let waited_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(%peer, waited_ms, failed = ?failed.err(), "a TLS handshake failed");
            worker.observer.note(Reason::TlsHandshake, peer);
            place.metrics.rejected_tls.add(1);
            return;
        }
    };
    let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = Io::FromClient(Box::new(stream));
    if speaks_http2 {
        super::http2::serve(worker, Vec::new(), io, peer).await;
    } else {
        Connection::new(worker, io, peer).serve().await;
    }
}
