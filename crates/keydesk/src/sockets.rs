//! Where the listeners come from: bound here, or handed over by whoever keeps them open while one
//! Keydesk takes over from the next (systemd's socket activation).

use crate::config::Config;
use anyhow::{Context, bail};
use keydesk_gateway::Listeners;
use listenfd::ListenFd;
use std::net::TcpListener;

/// The gateway's listener and the console's, in this order, as far as they are handed over.
#[derive(Debug)]
pub struct Sockets {
    pub gateway: Listeners,
    pub console: tokio::net::TcpListener,
}

pub async fn open(config: &Config) -> anyhow::Result<Sockets> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut handed_over = ListenFd::from_env();
    let mut take = |at: usize| -> anyhow::Result<Option<TcpListener>> {
        if at >= handed_over.len() {
            return Ok(None);
        }
        let taken = handed_over.take_tcp_listener(at);
        taken.with_context(|| format!("socket {at} of LISTEN_FDS is no TCP listener"))
    };
    let (gateway, console) = (take(0)?, take(1)?);
    if handed_over.len() > 2 {
        bail!(
            "LISTEN_FDS hands over {} sockets; two are expected, the gateway's and the console's",
            handed_over.len()
        );
    }
    let gateway = match gateway {
        Some(listener) => {
            Listeners::inherited(listener, workers).context("the gateway's socket")?
        }
        None => Listeners::bind(config.gateway, workers).with_context(|| {
            format!("gateway: {} cannot be bound; is Keydesk running already?", config.gateway)
        })?,
    };
    let console = match console {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener).context("the console's socket")?
        }
        None => tokio::net::TcpListener::bind(config.console).await.with_context(|| {
            format!("console: {} cannot be bound; is Keydesk running already?", config.console)
        })?,
    };
    Ok(Sockets { gateway, console })
}
