//! The gateway's server: one single-threaded runtime per worker, each with its own connections to the upstreams, so
//! that no request crosses threads.

mod accept;
mod ask;
mod closing;
mod forward;
mod http1;
mod http2;
mod interim;
mod listeners;
mod pulled;
mod relay;
mod reply;
mod streams;

#[cfg(feature = "probe")]
pub(crate) use http1::Connection;

pub use listeners::{Listeners, bind};

use crate::{
    LiveTable, Metrics, Records, Settings, UpstreamError,
    arrival::RequestIds,
    observe::{ConnectionMetrics, Notices, Observer, TraceIds, WorkerMetrics},
    upstream::{Routes, UpstreamMetrics, Upstreams, make_routes, watch},
    worker::{Stage, Worker},
};
use accept::ConnectionSlots;
use keydesk_model::Clock;
use keydesk_token::Entropy;
use std::{cell::RefCell, io, rc::Rc, sync::Arc, thread::JoinHandle};
use tokio::{runtime, sync::watch as signal};

/// A gateway that is ready to serve.
#[derive(Debug)]
pub struct Gateway {
    settings: Arc<Settings>,
    table: Arc<LiveTable>,
    clock: Clock,
    entropy: Entropy,
    routes: Arc<Routes>,
    records: Records,
    tls: Option<Arc<rustls::ServerConfig>>,
}

/// A running gateway. Stops immediately if dropped, or gracefully with [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    stage: signal::Sender<Stage>,
    workers: Vec<JoinHandle<()>>,
    metrics: Metrics,
}

impl Gateway {
    pub fn new(
        settings: Settings,
        table: Arc<LiveTable>,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, UpstreamError> {
        let metrics: Vec<_> =
            settings.upstreams.iter().map(|_| Arc::<UpstreamMetrics>::default()).collect();
        let routes = Arc::new(make_routes(&settings, &metrics)?);
        let (settings, records) = (Arc::new(settings), Records::default());
        Ok(Self { settings, table, clock, entropy, routes, records, tls: None })
    }

    /// Sets the receivers of the request records.
    #[must_use]
    pub fn recording(self, records: Records) -> Self {
        Self { records, ..self }
    }

    /// Enables TLS on all listeners, with this certificate and ALPN.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self { tls, ..self }
    }

    /// Starts a worker on each listener.
    pub fn start(self, listeners: Listeners) -> io::Result<Running> {
        let (stage, staged) = signal::channel(Stage::Serving);
        let connections = Arc::<ConnectionMetrics>::default();
        let places = Arc::new(ConnectionSlots::new(&self.settings, Arc::clone(&connections)));
        let mut metrics = Metrics {
            workers: Vec::new(),
            connections,
            routes: self.routes.iter().cloned().collect(),
            table: Arc::clone(&self.table),
            lost: Arc::clone(&self.records.lost),
        };
        let mut workers = Vec::with_capacity(listeners.each.len());
        for (number, listeners) in listeners.each.into_iter().enumerate() {
            let counts = Arc::new(WorkerMetrics::new(self.routes.len()));
            metrics.workers.push(Arc::clone(&counts));
            let make = self.worker_maker(counts, staged.clone());
            let places = Arc::clone(&places);
            let watched = (number == 0).then(|| Arc::clone(&self.routes));
            let tls = self.tls.clone().map(tokio_rustls::TlsAcceptor::from);
            let serving = move || async move {
                if let Some(routes) = watched {
                    tokio::task::spawn_local(watch(routes));
                }
                let worker = Rc::new(make());
                let accepting = listeners.into_iter().map(|listener| {
                    accept::accept(Rc::clone(&worker), listener, &places, tls.clone())
                });
                futures_util::future::join_all(accepting).await;
            };
            workers.push(on_own_thread(serving)?);
        }
        Ok(Running { stage, workers, metrics })
    }

    /// Returns the function that creates a worker on its own thread.
    fn worker_maker(
        &self,
        counts: Arc<WorkerMetrics>,
        stage: signal::Receiver<Stage>,
    ) -> impl FnOnce() -> Worker + Send + 'static {
        let (settings, table, clock) =
            (Arc::clone(&self.settings), Arc::clone(&self.table), self.clock.clone());
        let (routes, records) = (Arc::clone(&self.routes), self.records.clone());
        let request_ids = RequestIds::new(&self.entropy);
        let trace_ids = TraceIds::new(&self.entropy);
        move || Worker {
            meter: table.meter(),
            upstreams: Upstreams::new(routes),
            observer: Rc::new(Observer {
                metrics: counts,
                records,
                trace_ids,
                notices: Notices::default(),
                ended: table.ended_log(),
                endings: RefCell::default(),
            }),
            stage,
            settings,
            table,
            clock,
            request_ids,
        }
    }
}

/// A handle that announces the stop of a gateway.
#[derive(Clone, Debug)]
pub struct Leaver(signal::Sender<Stage>);

impl Leaver {
    /// Makes the health path report that no more requests should be sent here. All are still served.
    pub fn leave(&self) {
        self.0.send_replace(Stage::Leaving);
    }
}

impl Running {
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    pub fn leaver(&self) -> Leaver {
        Leaver(self.stage.clone())
    }

    /// Accepts no new connections, lets requests in flight finish, and returns when all have ended.
    pub fn stop(self) {
        self.stage.send_replace(Stage::Stopping);
        for worker in self.workers {
            let _ = worker.join();
        }
    }
}

/// Runs a future on a thread of its own, with a runtime whose tasks never leave it.
fn on_own_thread<F: Future<Output = ()> + 'static>(
    serving: impl FnOnce() -> F + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let run = move || {
        let options = runtime::LocalOptions::default();
        match runtime::Builder::new_current_thread().enable_all().build_local(options) {
            Ok(runtime) => runtime.block_on(serving()),
            Err(error) => tracing::error!(%error, "a gateway worker cannot start"),
        }
    };
    std::thread::Builder::new().name("gateway".to_owned()).spawn(run)
}
