//! Looks in the background where an upstream's names lead to, and how its servers are.

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

/// How often a server is tried that could not be connected to.
const TRY: Duration = Duration::from_secs(1);

/// How often names are looked up again: a server that has moved is found within this time.
const LOOK_UP: Duration = Duration::from_secs(10);
/// How often a server is asked how it is, and how long it may take to say so.
const ASK: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(2);

/// Looks the names of a route's servers up. What cannot be looked up now stays as it was.
pub(super) async fn resolve(route: &Route) {
    let mut found = Vec::new();
    for (server, named) in route.servers.iter().enumerate() {
        match tokio::net::lookup_host((named.host.as_str(), named.port)).await {
            Ok(addrs) => found.push((server, addrs.collect::<Vec<SocketAddr>>())),
            Err(error) => {
                tracing::warn!(upstream = route.name(), host = named.host, %error, "the name cannot be looked up");
                let known = route.known_endpoints();
                let known = known.iter().filter(|e| e.server == server).map(|e| e.addr);
                found.push((server, known.collect()));
            }
        }
    }
    route.take_over(&found);
}

/// Goes on until it is dropped. No upstream waits for another.
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

/// Requests are not to find out at their own cost that a server is still away.
fn try_unreachable(route: &Arc<Route>, trying: &mut JoinSet<()>) {
    for endpoint in route.known_endpoints().iter().filter(|endpoint| endpoint.begins_attempt()) {
        let (route, endpoint) = (Arc::clone(route), Arc::clone(endpoint));
        trying.spawn_local(async move {
            let connecting = connect::connect(&route, &endpoint);
            let connected = tokio::time::timeout(route.limits.connect_timeout, connecting).await;
            if matches!(connected, Ok(Ok(_))) && endpoint.set_unreachable(false) {
                tracing::info!(upstream = route.name(), server = %endpoint.addr, "the server accepts connections again");
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
            tracing::warn!(upstream = route.name(), server = %endpoint.addr, is_healthy, "a server's health has changed");
        }
        endpoint.set_health(is_healthy);
    });
    futures_util::future::join_all(asking).await;
}

/// Whether the server answers its health path with 2xx.
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
