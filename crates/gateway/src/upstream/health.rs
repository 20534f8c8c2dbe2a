//! Background name resolution and health checks for an upstream's servers.

use super::{
    Routes, connect,
    endpoint::{Endpoint, Route},
};
use crate::io::Io;
use std::{cell::RefCell, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

/// The interval of connection attempts to an unreachable server.
const TRY: Duration = Duration::from_secs(1);

/// The interval of name resolution, within which a moved server is found.
const LOOK_UP: Duration = Duration::from_secs(10);
/// The interval of health checks, and the time limit for each.
const ASK: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(2);

/// Resolves the names of a route's servers. Names that cannot be resolved keep their addresses.
pub(super) async fn resolve(route: &Route) {
    let mut found = Vec::new();
    for (server, named) in route.servers.iter().enumerate() {
        match tokio::net::lookup_host((named.host.as_str(), named.port)).await {
            Ok(addrs) => found.push((server, addrs.collect::<Vec<SocketAddr>>())),
            Err(error) => {
                tracing::warn!(upstream = &*route.name, host = named.host, %error, "failed to resolve the name");
                let known = route.known_endpoints();
                let known = known.iter().filter(|e| e.server == server).map(|e| e.addr);
                found.push((server, known.collect()));
            }
        }
    }
    route.take_over(&found);
}

/// Runs until it is dropped. No upstream waits for another.
pub(crate) async fn watch(routes: Arc<Routes>) {
    futures_util::future::join_all(routes.iter().map(|route| watch_one(Arc::clone(route)))).await;
}

async fn watch_one(route: Arc<Route>) {
    let mut round = 0_u64;
    let mut trying = JoinSet::new();
    loop {
        if round.is_multiple_of(LOOK_UP.as_secs() / TRY.as_secs()) {
            resolve(&route).await;
        }
        if let Some(path) = &route.health_check_path
            && round.is_multiple_of(ASK.as_secs() / TRY.as_secs())
        {
            ask_all(&route, path).await;
        }
        while trying.try_join_next().is_some() {}
        try_unreachable(&route, &mut trying);
        round += 1;
        tokio::time::sleep(TRY).await;
    }
}

/// Tries unreachable servers, so that requests do not wait for a server that is still down.
fn try_unreachable(route: &Arc<Route>, trying: &mut JoinSet<()>) {
    for endpoint in route.known_endpoints().iter().filter(|endpoint| endpoint.begins_attempt()) {
        let (route, endpoint) = (Arc::clone(route), Arc::clone(endpoint));
        trying.spawn_local(async move {
            let connecting = connect::connect(&route, &endpoint);
            let connected = tokio::time::timeout(route.limits.connect_timeout, connecting).await;
            if matches!(connected, Ok(Ok(_))) && endpoint.set_unreachable(false) {
                tracing::info!(upstream = &*route.name, server = %endpoint.addr, "the server accepts connections again");
            }
            endpoint.ends_attempt();
        });
    }
}

async fn ask_all(route: &Route, path: &str) {
    let endpoints = route.known_endpoints();
    let asking = endpoints.iter().map(|endpoint| async move {
        let answer = tokio::time::timeout(ANSWER, ask(route, endpoint, path)).await;
        let is_healthy = matches!(answer, Ok(Ok(true)));
        if is_healthy != endpoint.is_usable() {
            tracing::warn!(upstream = &*route.name, server = %endpoint.addr, is_healthy, "a server's health has changed");
        }
        endpoint.set_health(is_healthy);
    });
    futures_util::future::join_all(asking).await;
}

/// Returns whether the server responds to its health path with 2xx.
async fn ask(route: &Route, endpoint: &Endpoint, path: &str) -> std::io::Result<bool> {
    let connected = connect::connect(route, endpoint).await;
    let io: RefCell<Io> = RefCell::new(connected.map_err(|(_, error)| error)?);
    let mut request = format!("GET {}{path} HTTP/1.1\r\n", route.base_path).into_bytes();
    route.write_host(None, &mut request);
    request.extend_from_slice(b"connection: close\r\n\r\n");
    let request = route.addressed(&request, endpoint);
    let mut half = crate::io::IoHalf(&io);
    half.write_all(&request).await?;
    half.flush().await?;
    let mut start = [0; 12];
    half.read_exact(&mut start).await?;
    Ok(start.starts_with(b"HTTP/1.") && start[9] == b'2')
}
