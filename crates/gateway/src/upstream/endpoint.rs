//! The addresses of an upstream's servers, their health, and the order in which they are used.

use super::{
    connect::TlsTo,
    error::{Addrs, UpstreamError},
    metrics::UpstreamMetrics,
};
use crate::{
    settings::{Limits, UpstreamHost, UpstreamSettings},
    spellings::Spellings,
    wire::push_field,
};
use arc_swap::ArcSwap;
use keydesk_model::segment_name;
use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// The number of consecutive failures after which a server is set aside.
const FAILURES: u32 = 3;
/// The time for which a server is set aside before it is tried again.
const ASIDE: Duration = Duration::from_secs(10);

/// An upstream: its constant settings, and the current state of its servers.
#[derive(Debug)]
pub(crate) struct Route {
    /// The number that identifies the upstream in metrics.
    pub number: usize,
    pub prefix: String,
    /// The name in metrics and logs.
    pub name: Arc<str>,
    pub base_path: String,
    /// The prefix if it is removed from the path, otherwise empty.
    pub stripped: String,
    stripped_segments: usize,
    host: UpstreamHost,
    /// The credential in the format in which it is sent.
    pub own_fields: Vec<u8>,
    pub keeps: Spellings,
    pub sends_via: bool,
    /// The gateway's limits with this upstream's overrides.
    pub limits: Limits,
    credential_name: Option<String>,
    pub servers: Vec<Server>,
    pub tls: Option<TlsTo>,
    pub health_check_path: Option<String>,
    pub metrics: Arc<UpstreamMetrics>,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub host: String,
    pub port: u16,
    pub authority: String,
}

/// One address of a server.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub addr: SocketAddr,
    /// The index of the server in the route.
    pub server: usize,
    failures: AtomicU32,
    /// The time until which the server is set aside, in milliseconds of this process.
    aside_until: AtomicU64,
    /// Whether the last health check failed.
    is_ejected: AtomicBool,
    /// Whether the last attempt to connect failed. Connecting is retried in the background.
    is_unreachable: AtomicBool,
    /// Whether a background attempt is in progress.
    is_tried: AtomicBool,
    /// Whether the name no longer resolves to this address.
    is_gone: AtomicBool,
}

fn millis() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Endpoint {
    pub fn new(addr: SocketAddr, server: usize) -> Self {
        Self {
            addr,
            server,
            failures: AtomicU32::new(0),
            aside_until: AtomicU64::new(0),
            is_ejected: AtomicBool::new(false),
            is_unreachable: AtomicBool::new(false),
            is_tried: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Sets the state, and returns whether it has changed.
    pub fn set_unreachable(&self, is_unreachable: bool) -> bool {
        self.is_unreachable.load(Ordering::Relaxed) != is_unreachable
            && self.is_unreachable.swap(is_unreachable, Ordering::Relaxed) != is_unreachable
    }

    /// Returns whether to start an attempt: the server is unreachable, and no attempt is in progress.
    pub fn begins_attempt(&self) -> bool {
        self.is_unreachable() && !self.is_tried.swap(true, Ordering::Relaxed)
    }

    pub fn ends_attempt(&self) {
        self.is_tried.store(false, Ordering::Relaxed);
    }

    pub fn is_unreachable(&self) -> bool {
        self.is_unreachable.load(Ordering::Relaxed)
    }

    pub fn is_healthy(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.aside_until.store(0, Ordering::Relaxed);
        }
    }

    pub fn has_failed(&self) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES {
            let aside = u64::try_from(ASIDE.as_millis()).unwrap_or(u64::MAX);
            self.aside_until.store(millis() + aside, Ordering::Relaxed);
            // After that, one more failure sets it aside again.
            self.failures.store(FAILURES - 1, Ordering::Relaxed);
        }
    }

    pub fn set_health(&self, is_healthy: bool) {
        self.is_ejected.store(!is_healthy, Ordering::Relaxed);
        if is_healthy {
            self.aside_until.store(0, Ordering::Relaxed);
            self.set_unreachable(false);
            self.is_healthy();
        }
    }

    pub fn is_usable(&self) -> bool {
        let aside_until = self.aside_until.load(Ordering::Relaxed);
        !self.is_ejected.load(Ordering::Relaxed)
            && !self.is_unreachable()
            && (aside_until == 0 || millis() >= aside_until)
    }

    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }
}

/// Returns the servers in the order to try them, the next in turn first and those set aside last: if none is healthy, a
/// guess is better than a rejection.
pub(super) fn in_order<'a>(
    endpoints: &'a [Arc<Endpoint>],
    route: &Route,
) -> impl Iterator<Item = &'a Arc<Endpoint>> {
    let count = endpoints.len().max(1);
    let first = if count == 1 { 0 } else { route.turn.fetch_add(1, Ordering::Relaxed) % count };
    let turn = move || (0..endpoints.len()).map(move |at| &endpoints[(first + at) % count]);
    let usable = turn().filter(|endpoint| endpoint.is_usable());
    usable.chain(turn().filter(|endpoint| !endpoint.is_usable()))
}

impl Route {
    pub fn new(
        settings: &UpstreamSettings,
        limits: Limits,
        metrics: Arc<UpstreamMetrics>,
    ) -> Result<Self, UpstreamError> {
        let first = settings.servers.first().ok_or(UpstreamError::NoServers)?;
        let mut servers = Vec::new();
        for uri in &settings.servers {
            if uri.scheme() != first.scheme() || uri.path() != first.path() {
                return Err(UpstreamError::Unlike(uri.clone()));
            }
            servers.push(Server::of(uri)?);
        }
        let is_tls = first.scheme_str() == Some("https");
        let tls = is_tls.then(|| TlsTo::new(&servers, settings.ca_pem.as_deref())).transpose()?;
        let mut own_fields = Vec::new();
        if let Some(credential) = &settings.credential {
            push_field(&mut own_fields, credential.header.as_str(), credential.value.as_bytes());
        }
        let times = settings.times;
        let limits = Limits {
            connect_timeout: times.connect.unwrap_or(limits.connect_timeout),
            response_timeout: times.response.unwrap_or(limits.response_timeout),
            stream_idle_timeout: times.stream_idle.unwrap_or(limits.stream_idle_timeout),
            ..limits
        };
        let prefix = settings.prefix.trim_end_matches('/');
        let stripped = if settings.strips_prefix { prefix } else { "" }.to_owned();
        Ok(Self {
            number: 0,
            host: settings.host.clone(),
            keeps: settings.keeps,
            sends_via: settings.sends_via,
            limits,
            prefix: prefix.to_owned(),
            name: if prefix.is_empty() { "/" } else { prefix }.into(),
            stripped_segments: segments(&stripped).count(),
            stripped,
            base_path: first.path().trim_end_matches('/').to_owned(),
            own_fields,
            credential_name: settings.credential.as_ref().map(|c| c.header.as_str().to_owned()),
            servers,
            tls,
            health_check_path: settings.health_check_path.clone(),
            metrics,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
        })
    }

    /// Returns a request's path for the upstream, in two parts. The prefix is removed by segments, regardless of their
    /// spelling, because the route was chosen that way.
    pub fn path_to_upstream<'p>(&'p self, path: &'p str) -> [&'p str; 2] {
        let rest = below_segments(path, self.stripped_segments);
        let is_nothing = self.base_path.is_empty() && rest.is_empty();
        [&self.base_path, if is_nothing { "/" } else { rest }]
    }

    /// Returns a request addressed to one of the servers, with its own `Host`.
    pub fn addressed<'a>(&self, request: &'a [u8], endpoint: &Endpoint) -> Cow<'a, [u8]> {
        // Requests are written for the first server.
        if endpoint.server == 0 || self.host != UpstreamHost::Own {
            return Cow::Borrowed(request);
        }
        let authority = |number: usize| self.servers.get(number).map(|server| &server.authority);
        let (Some(first), Some(own)) = (authority(0), authority(endpoint.server)) else {
            return Cow::Borrowed(request);
        };
        let line = memchr::memchr(b'\n', request);
        match line.and_then(|end| request.split_at_checked(end + 1 + "host: ".len())) {
            Some((before, rest)) if first != own && rest.starts_with(first.as_bytes()) => {
                Cow::Owned([before, own.as_bytes(), &rest[first.len()..]].concat())
            }
            _ => Cow::Borrowed(request),
        }
    }

    /// Writes the `Host` line of a request. `clients` is the host that the client used.
    pub fn write_host(&self, clients: Option<&[u8]>, out: &mut Vec<u8>) {
        let own = self.servers.first().map_or("", |server| &server.authority).as_bytes();
        let host = match &self.host {
            UpstreamHost::Own => own,
            UpstreamHost::Clients => clients.unwrap_or(own),
            UpstreamHost::Named(name) => name.as_bytes(),
        };
        push_field(out, "host", host);
    }

    /// Returns whether an authority in an upstream's URL is one of its servers, regardless of the scheme.
    pub fn is_at(&self, authority: &str) -> bool {
        let named = match &self.host {
            UpstreamHost::Named(name) => name.eq_ignore_ascii_case(authority),
            _ => false,
        };
        named || self.servers.iter().any(|server| server.is_at(authority))
    }

    /// Returns whether a cookie's domain is the host of a server.
    pub fn is_server(&self, domain: &str) -> bool {
        let domain = domain.trim_start_matches('.');
        self.servers.iter().any(|server| server.host.eq_ignore_ascii_case(domain))
    }

    /// Returns whether the path is below the prefix, by whole segments that are read as the scope rules read them, so
    /// that checks and routing agree.
    pub fn serves(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.prefix.as_str());
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return true;
        }
        if !path.contains(['%', ';']) {
            return false;
        }
        let mut names = path.split('/').map(segment_name);
        self.prefix.split('/').all(|own| names.next().is_some_and(|name| name == own))
    }

    /// Returns whether the gateway sets a field for this upstream, so that the client's is removed.
    pub fn sets(&self, name: &str) -> bool {
        self.credential_name.as_deref().is_some_and(|ours| is_the_same(ours, name))
    }

    /// Returns the servers' addresses. Resolves names only before the first lookup in the background.
    pub async fn endpoints(&self) -> arc_swap::Guard<Arc<Vec<Arc<Endpoint>>>> {
        let known = self.endpoints.load();
        if !known.is_empty() {
            return known;
        }
        let _ =
            tokio::time::timeout(self.limits.connect_timeout, super::health::resolve(self)).await;
        self.endpoints.load()
    }

    pub fn known_endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Applies the resolved addresses, and keeps the state of those that stay.
    pub fn take_over(&self, addrs: &[(usize, Addrs)]) {
        let known = self.endpoints.load_full();
        let mut next: Vec<Arc<Endpoint>> = Vec::new();
        for (server, addrs) in addrs {
            for addr in addrs {
                let same = known.iter().find(|e| e.addr == *addr && e.server == *server);
                next.push(same.map_or_else(|| Arc::new(Endpoint::new(*addr, *server)), Arc::clone));
            }
        }
        for endpoint in known.iter() {
            let stays = next.iter().any(|next| Arc::ptr_eq(next, endpoint));
            endpoint.is_gone.store(!stays, Ordering::Relaxed);
        }
        if next.len() != known.len()
            || next.iter().zip(known.iter()).any(|(a, b)| !Arc::ptr_eq(a, b))
        {
            self.endpoints.store(Arc::new(next));
        }
    }

    /// Returns the numbers of usable servers and of those set aside.
    pub fn servers_by_state(&self) -> (usize, usize) {
        let endpoints = self.endpoints.load();
        let usable = endpoints.iter().filter(|endpoint| endpoint.is_usable()).count();
        (usable, endpoints.len() - usable)
    }
}

/// Compares names as lenient servers do.
fn is_the_same(ours: &str, theirs: &str) -> bool {
    let fold = |b: u8| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'-' };
    ours.bytes().map(fold).eq(theirs.bytes().map(fold))
}

impl Server {
    fn of(uri: &http::Uri) -> Result<Self, UpstreamError> {
        let authority = uri.authority().ok_or_else(|| UpstreamError::NoHost(uri.clone()))?;
        let standard = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(standard),
            authority: authority.as_str().to_owned(),
        })
    }

    /// Returns whether the host and port are the same. A default port can be omitted.
    fn is_at(&self, authority: &str) -> bool {
        if self.authority.eq_ignore_ascii_case(authority) {
            return true;
        }
        let Ok(other) = authority.parse::<http::uri::Authority>() else { return false };
        let is_port = match other.port_u16() {
            Some(port) => port == self.port,
            None => matches!(self.port, 80 | 443),
        };
        is_port && other.host().trim_matches(['[', ']']).eq_ignore_ascii_case(&self.host)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Returns the part after the first `count` segments: empty, or a path that begins with a slash.
fn below_segments(path: &str, count: usize) -> &str {
    let mut rest = path;
    for _ in 0..count {
        let segment = rest.trim_start_matches('/');
        rest = segment.find('/').map_or("", |end| &segment[end..]);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, servers: &[&str]) -> Route {
        let servers: Vec<_> = servers.iter().map(|url| url.parse().expect("a URL")).collect();
        let settings = UpstreamSettings {
            prefix: prefix.to_owned(),
            servers: servers.clone(),
            ..UpstreamSettings::single(servers[0].clone())
        };
        Route::new(&settings, Limits::default(), Arc::default()).expect("is valid")
    }

    #[test]
    fn t34_a_prefix_matches_by_whole_segments() {
        let billing = route("/billing", &["http://127.0.0.1:1"]);
        for (path, serves) in [
            ("/billing", true),
            ("/billing/", true),
            ("/billing/x", true),
            ("/billing-x", false),
            ("/billingx", false),
            ("/Billing", false),
            ("/%62illing/7", true),
            ("/billin%67/7", true),
            ("/billing;v=1/7", true),
            ("/%62illing-x", false),
            ("/x/%62illing", false),
            ("/", false),
        ] {
            assert_eq!(billing.serves(path), serves, "{path}");
        }
        assert!(route("/", &["http://127.0.0.1:1"]).serves("/anything"));
    }

    #[test]
    fn a_server_that_fails_is_set_aside_and_comes_last() {
        let route = route("/", &["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
        route.take_over(&[(0, vec![addr(1)]), (1, vec![addr(2)])]);
        let endpoints = route.known_endpoints();
        let ports = || in_order(&endpoints, &route).map(|e| e.addr.port()).collect::<Vec<_>>();
        assert_eq!([ports(), ports()], [[1, 2], [2, 1]], "in turn");
        for _ in 0..FAILURES {
            endpoints[0].has_failed();
        }
        assert_eq!([ports(), ports()], [[2, 1], [2, 1]]);
        assert_eq!(route.servers_by_state(), (1, 1));
        endpoints[0].set_health(true);
        assert_eq!(route.servers_by_state(), (2, 0));
        assert!(endpoints[0].set_unreachable(true) && !endpoints[0].set_unreachable(true));
        assert_eq!([ports(), ports()], [[2, 1], [2, 1]], "one failure to connect is enough");
        endpoints[0].set_unreachable(false);
        route.take_over(&[(0, vec![addr(1)]), (1, vec![addr(3)])]);
        assert!(endpoints[1].is_gone() && !endpoints[0].is_gone());
    }
}
