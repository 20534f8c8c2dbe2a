//! Serves the console on its listener: slow and idle connections are closed, their number is
//! bounded, and shutting down lets requests finish.

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use keydesk_control::DirectTls;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt;

const MOST_CONNECTIONS: usize = 1_024;
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a quiet HTTP/2 connection is asked whether it is there, and how long it may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

type MaybeTls = tokio_util::either::Either<
    tokio::net::TcpStream,
    tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
>;

/// Serves until `stopped` resolves.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
    stopped: impl Future<Output = ()>,
) {
    let tls = tls.map(tokio_rustls::TlsAcceptor::from);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(64 * 1024);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(16 * 1024)
        .max_concurrent_streams(100)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stopped => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let has_spoken = Arc::new(AtomicBool::new(false));
        let (spoke, is_tls) = (Arc::clone(&has_spoken), tls.is_some());
        let router = router.clone().map_request(move |mut request: Request<Incoming>| {
            spoke.store(true, Ordering::Relaxed);
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo::<SocketAddr>(peer));
            if is_tls {
                extensions.insert(DirectTls);
            }
            request
        });
        let service = TowerToHyperService::new(router);
        let (server, tls, watcher) = (server.clone(), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            let stream = match tls {
                None => MaybeTls::Left(stream),
                Some(tls) => match tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => MaybeTls::Right(stream),
                    _ => return,
                },
            };
            let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
            tokio::select! {
                ended = watcher.watch(connection) => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a console connection ended early");
                    }
                }
                () = stays_silent(&has_spoken) => {}
            }
            drop(place);
        });
    }
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
}

/// Resolves where no request has come in time; hyper's own timer starts only when it knows which
/// version is spoken.
async fn stays_silent(has_spoken: &AtomicBool) {
    tokio::time::sleep(HEADER_TIMEOUT).await;
    if has_spoken.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

type Accepted = (tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(%error, "a console connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
