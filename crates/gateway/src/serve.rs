//! Listens: one single-threaded runtime per worker, all on one port, each with its own
//! connections to the upstream, so that no request crosses a thread.

use crate::{
    Answer, LiveTable,
    arrival::RequestIds,
    forward::Upstream,
    handle::Worker,
    settings::{Limits, Settings},
};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use keydesk_model::Clock;
use keydesk_token::Entropy;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// The port, bound once for each worker.
#[derive(Debug)]
pub struct Listeners {
    pub local_addr: SocketAddr,
    each: Vec<std::net::TcpListener>,
}

impl Listeners {
    /// Fails where the port cannot be had. Port 0 takes a free one.
    pub fn bind(addr: SocketAddr, workers: usize) -> io::Result<Self> {
        if addr.port() != 0 {
            // Alone first: workers share the port with each other, not with another process.
            drop(bind(addr, false)?);
        }
        let first = bind(addr, true)?;
        let local_addr = first.local_addr()?;
        let mut each = vec![first];
        for _ in 1..workers.max(1) {
            each.push(bind(local_addr, true)?);
        }
        Ok(Self { local_addr, each })
    }
}

/// A gateway that is ready to serve.
#[derive(Debug)]
pub struct Gateway {
    settings: Settings,
    table: Arc<LiveTable>,
    clock: Clock,
    entropy: Entropy,
}

/// A gateway that listens; dropped, it stops at once, with [`Running::stop`] in good order.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

impl Gateway {
    pub fn new(settings: Settings, table: Arc<LiveTable>, clock: Clock, entropy: Entropy) -> Self {
        Self { settings, table, clock, entropy }
    }

    /// Starts a worker on each listener.
    pub fn start(self, listeners: Listeners) -> io::Result<Running> {
        let (stop, stopped) = watch::channel(false);
        let settings = Arc::new(self.settings);
        let request_ids = Arc::new(RequestIds::new(&self.entropy));
        let most = usize::try_from(settings.limits.max_connections).unwrap_or(usize::MAX);
        let places = most.div_ceil(listeners.each.len());
        let mut workers = Vec::with_capacity(listeners.each.len());
        for listener in listeners.each {
            let (settings, table, clock) =
                (Arc::clone(&settings), Arc::clone(&self.table), self.clock.clone());
            let (request_ids, stopped) = (Arc::clone(&request_ids), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let run = move || {
                runtime.block_on(async move {
                    let upstream = Upstream::new(settings.limits);
                    let worker = Worker { settings, table, clock, request_ids, upstream };
                    accept(worker, listener, places, stopped).await;
                });
            };
            workers.push(std::thread::Builder::new().name("gateway".to_owned()).spawn(run)?);
        }
        Ok(Running { stop, workers })
    }
}

impl Running {
    /// Takes no new connections, lets requests in flight finish, and returns when all is done.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        for worker in self.workers {
            let _ = worker.join();
        }
    }
}

fn bind(addr: SocketAddr, shares_port: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

async fn accept(
    worker: Worker,
    listener: std::net::TcpListener,
    places: usize,
    stopped: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a gateway worker cannot listen");
            return;
        }
    };
    let server = server(worker.settings.limits);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(places.max(1)));
    let mut stopping = stopped;
    loop {
        let accepted = tokio::select! {
            accepted = accept_one(&listener, &places) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        if let Some(accepted) = accepted {
            serve_connection(&server, &graceful, worker.clone(), accepted);
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(worker.settings.limits.drain_timeout, graceful.shutdown()).await;
}

type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// The next connection, as soon as there is a place for it.
async fn accept_one(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            // Out of file descriptors, most likely: let others go first.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

fn server(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    let head = usize::try_from(limits.max_header_bytes).unwrap_or(usize::MAX);
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(head.max(8 * 1024));
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.max_header_bytes)
        .max_concurrent_streams(200)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

fn serve_connection(
    server: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    worker: Worker,
    (stream, peer, place): Accepted,
) {
    let _ = stream.set_nodelay(true);
    let header_timeout = worker.settings.limits.header_timeout;
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoke = Arc::clone(&has_spoken);
    let service = service_fn(move |request: Request<Incoming>| {
        spoke.store(true, Ordering::Relaxed);
        let worker = worker.clone();
        async move { Ok::<Answer, Infallible>(worker.handle(request, peer.ip()).await) }
    });
    let connection =
        server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = watched => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended early");
                }
            }
            () = stays_silent(&has_spoken, header_timeout) => tracing::debug!("a silent connection is closed"),
        }
        drop(place);
    });
}

/// Resolves where no request has come in time. hyper's own timer starts only when it knows which
/// version is spoken, so a connection that never says would stay for ever.
async fn stays_silent(has_spoken: &AtomicBool, timeout: Duration) {
    tokio::time::sleep(timeout).await;
    if has_spoken.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
