//! `keydesk health`: asks the process on this machine whether it serves requests, for containers and supervisors.

use crate::{config::Config, data};
use anyhow::{Context, ensure};
use http::Request;
use keydesk_outbound::{Bounds, Reach};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpStream;

const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(5), bytes: 64 * 1024 };

/// Asks the status listener for readiness. Without one, connects to the listeners.
pub async fn run(config: Config) -> anyhow::Result<()> {
    if let Some(status) = config.observe.status {
        let url = format!("http://{}/readyz", data::reachable(status));
        let request = Request::get(&url).body(Vec::new())?;
        let answer = config.outbound.send(request, BOUNDS, Reach::Anywhere).await;
        let answer = answer.with_context(|| format!("{url} can’t be reached"))?;
        let text = String::from_utf8_lossy(answer.body()).trim().to_owned();
        ensure!(answer.status().is_success(), "not ready: {text}");
        print_line!("{text}");
        return Ok(());
    }
    let gateway = config.role.has_gateway().then(|| config.gateway.first());
    let console = config.role.has_console().then(|| config.console.first());
    for addr in gateway.into_iter().chain(console) {
        connect(data::reachable(addr)).await?;
    }
    print_line!("listening");
    Ok(())
}

async fn connect(addr: SocketAddr) -> anyhow::Result<()> {
    let connected = tokio::time::timeout(BOUNDS.timeout, TcpStream::connect(addr)).await;
    connected.with_context(|| format!("{addr} doesn’t answer"))?.with_context(|| {
        format!("{addr} can’t be reached; is Keydesk running with this configuration?")
    })?;
    Ok(())
}
