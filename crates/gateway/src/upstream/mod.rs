//! The upstreams behind the gateway: their routes, their servers and their health, and each worker's connections to
//! them.

mod connect;
mod endpoint;
mod error;
mod exchange;
mod health;
mod metrics;

pub(crate) use endpoint::Route;
pub use error::UpstreamError;
pub(crate) use exchange::{
    ExchangeOptions, Fault, ResponseInfo, ResponseRead, UpstreamConnection, read_answer,
};
pub(crate) use health::watch;
pub(crate) use metrics::UpstreamMetrics;

use crate::{Rejection, Settings, observe::Reason};
use endpoint::Endpoint;
use keydesk_listen::Deadline;
use std::{cell::RefCell, sync::Arc};
use tokio::time::Instant;

/// The number of unused connections that a worker keeps to one upstream.
const MOST_IDLE: usize = 256;
/// The number of retries of a request on another connection.
const RETRIES: usize = 2;

/// The upstreams by path, the longest prefix first.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Arc<Route>>);

impl Routes {
    fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        for (number, route) in routes.iter_mut().enumerate() {
            route.number = number;
        }
        Self(routes.into_iter().map(Arc::new).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Finds the upstream of a path by whole segments: `/billing` is for `/billing` and `/billing/x`, not for
    /// `/billing-x`.
    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        self.0.iter().find(|route| route.serves(path))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.0.iter()
    }
}

/// One worker's connections.
#[derive(Debug)]
pub(crate) struct Upstreams {
    pub routes: Arc<Routes>,
    idle: RefCell<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    link: UpstreamConnection,
    since: Instant,
}

impl Upstreams {
    pub fn new(routes: Arc<Routes>) -> Self {
        Self { routes, idle: RefCell::default() }
    }

    /// Sends a complete request and waits for the response's head. Retries only if that is safe: nothing has been
    /// received, and a repetition has no further effect.
    pub async fn send_whole<T>(
        &self,
        route: &Arc<Route>,
        request: &[u8],
        asked: ExchangeOptions,
        deadline: &mut Deadline,
        read: &mut impl FnMut(&ResponseRead<'_>) -> T,
    ) -> Result<(UpstreamConnection, ResponseInfo, T), Rejection> {
        let mut retries = 0;
        let mut failed: Option<Arc<Endpoint>> = None;
        loop {
            let mut link = self.open(route, deadline).await?;
            let exchange = link.exchange(request, asked, read);
            match deadline.bound_after(route.limits.response_timeout, exchange).await {
                Ok(Ok((answered, framing))) => {
                    link.endpoint.is_healthy();
                    return Ok((link, answered, framing));
                }
                Ok(Err(Fault::Unreadable(reason))) => {
                    return Err(Rejection::InvalidUpstreamResponse(reason));
                }
                Ok(Err(Fault::Closed)) if asked.may_be_repeated && retries < RETRIES => {
                    route.metrics.retries.add(1);
                    retries += 1;
                }
                Ok(Err(Fault::Closed | Fault::Lost)) => {
                    Self::note_failure_once(&link, failed.as_ref());
                    return Err(Rejection::UpstreamLost);
                }
                Err(_) => {
                    Self::note_failure_once(&link, failed.as_ref());
                    return Err(Rejection::UpstreamTimeout);
                }
            }
            // A restarted server has closed all its connections, so they are not tried one by one.
            if link.is_reused {
                self.drop_idle(&link.endpoint);
            } else {
                Self::note_failure_once(&link, failed.as_ref());
                failed = Some(link.endpoint);
            }
        }
    }

    /// Counts a request's failure once per server, however often it was sent.
    fn note_failure_once(link: &UpstreamConnection, before: Option<&Arc<Endpoint>>) {
        if before.is_none_or(|endpoint| !Arc::ptr_eq(endpoint, &link.endpoint)) {
            Self::note_failure(link);
        }
    }

    pub fn note_failure(link: &UpstreamConnection) {
        link.endpoint.has_failed();
        link.route.metrics.failures.add(1);
    }

    /// Opens a connection to one of the upstream's servers: an unused one, or a new one. If a server does not accept a
    /// connection, the next one is tried, because nothing has been sent.
    pub async fn open(
        &self,
        route: &Arc<Route>,
        deadline: &mut Deadline,
    ) -> Result<UpstreamConnection, Rejection> {
        let endpoints = route.endpoints().await;
        let mut why = Reason::DnsError;
        for endpoint in endpoint::in_order(&endpoints, route) {
            if let Some(link) = self.take_idle(endpoint) {
                route.metrics.reused.add(1);
                return Ok(link);
            }
            let connecting = connect::connect(route, endpoint);
            let failed = match deadline.bound_after(route.limits.connect_timeout, connecting).await
            {
                Ok(Ok(io)) => {
                    route.metrics.opened.add(1);
                    endpoint.set_unreachable(false);
                    return Ok(UpstreamConnection::new(
                        io,
                        Arc::clone(route),
                        Arc::clone(endpoint),
                    ));
                }
                Ok(Err(failed)) => failed,
                Err(_) => (Reason::ConnectionTimeout, std::io::ErrorKind::TimedOut.into()),
            };
            why = failed.0;
            if endpoint.set_unreachable(true) {
                let (reason, error) = (why.as_str(), failed.1);
                tracing::warn!(upstream = &*route.name, server = %endpoint.addr, reason, %error, "cannot connect to the server");
            }
            route.metrics.failures.add(1);
        }
        Err(Rejection::UpstreamUnreachable(why))
    }

    /// Keeps a connection if no input is left and another response may follow.
    pub fn keep_if_empty(&self, mut link: UpstreamConnection, answered: ResponseInfo) {
        if !answered.may_follow || !link.inbox.is_empty() {
            return;
        }
        link.inbox.release();
        link.is_reused = true;
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MOST_IDLE {
            idle.push(Idle { link, since: Instant::now() });
        }
    }

    fn take_idle(&self, endpoint: &Arc<Endpoint>) -> Option<UpstreamConnection> {
        let mut idle = self.idle.borrow_mut();
        loop {
            // The most recently used one is the least likely to have been closed.
            let at = idle.iter().rposition(|idle| Arc::ptr_eq(&idle.link.endpoint, endpoint))?;
            let Idle { link, .. } = idle.remove(at);
            let is_quiet = link.io.borrow().is_quiet();
            if is_quiet {
                return Some(link);
            }
        }
    }

    fn drop_idle(&self, endpoint: &Arc<Endpoint>) {
        self.idle.borrow_mut().retain(|idle| !Arc::ptr_eq(&idle.link.endpoint, endpoint));
    }

    /// Closes connections that were unused for too long.
    pub fn drop_stale(&self) {
        self.idle.borrow_mut().retain(|idle| {
            let longest = idle.link.route.limits.upstream_idle_timeout;
            idle.since.elapsed() < longest && !idle.link.endpoint.is_gone()
        });
    }
}

pub(crate) fn make_routes(
    settings: &Settings,
    metrics: &[Arc<UpstreamMetrics>],
) -> Result<Routes, UpstreamError> {
    let make = |(upstream, metrics): (_, &Arc<UpstreamMetrics>)| {
        Route::new(upstream, settings.limits, Arc::clone(metrics))
    };
    let routes: Result<Vec<_>, _> = settings.upstreams.iter().zip(metrics).map(make).collect();
    routes.map(Routes::new)
}
