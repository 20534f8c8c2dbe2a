//! Looks in the background where an upstream's names lead to, and how its servers are.

use super::{
    Routes, connect,
    endpoint::{Endpoint, Route},
};
use crate::io::Io;
use std::{cell::RefCell, net::SocketAddr, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

/// Goes on until it is dropped.
pub(crate) async fn watch(routes: Arc<Routes>) {
    let mut round = 0_u64;
    loop {
        for route in routes.iter() {
            if round.is_multiple_of(LOOK_UP.as_secs() / ASK.as_secs()) {
                resolve(route).await;
            }
            if let Some(path) = &route.health_path {
                ask_all(route, path).await;
            }
        }
        round += 1;
        tokio::time::sleep(ASK).await;
    }
}

async fn ask_all(route: &Route, path: &str) {
    for endpoint in route.known_endpoints().iter() {
        let answer = tokio::time::timeout(ANSWER, ask(route, endpoint, path)).await;
        let is_well = matches!(answer, Ok(Ok(true)));
        if is_well != endpoint.is_usable() {
            tracing::warn!(upstream = route.name(), server = %endpoint.addr, is_well, "a server's health has changed");
        }
        endpoint.set_health(is_well);
    }
}

/// Whether the server answers its health path with 2xx.
async fn ask(route: &Route, endpoint: &Endpoint, path: &str) -> std::io::Result<bool> {
    let io: RefCell<Io> = RefCell::new(connect::connect(route, endpoint).await?);
    let authority = route.servers.get(endpoint.server).map_or("", |server| &server.authority);
    let request = format!(
        "GET {}{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n",
        route.base_path
    );
    let mut half = crate::io::Half(&io);
    half.write_all(request.as_bytes()).await?;
    half.flush().await?;
    let mut start = [0; 12];
    half.read_exact(&mut start).await?;
    Ok(start.starts_with(b"HTTP/1.") && start[9] == b'2')
}
