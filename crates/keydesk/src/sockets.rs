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
    pub gateway: Option<Listeners>,
    pub console: Option<tokio::net::TcpListener>,
}

pub async fn open(config: &Config) -> anyhow::Result<Sockets> {
    let mut handed_over = ListenFd::from_env();
    let mut take = |at: usize| -> anyhow::Result<Option<TcpListener>> {
        if at >= handed_over.len() {
            return Ok(None);
        }
        let taken = handed_over.take_tcp_listener(at);
        taken.with_context(|| format!("socket {at} of LISTEN_FDS is no TCP listener"))
    };
    let role = config.role;
    // In this order, as far as the node serves them.
    let places = usize::from(role.has_gateway());
    let gateway = if role.has_gateway() { take(0)? } else { None };
    let console = if role.has_console() { take(places)? } else { None };
    if handed_over.len() > places + usize::from(role.has_console()) {
        bail!(
            "LISTEN_FDS hands over {} sockets; the gateway's and the console's are expected, as far as role says",
            handed_over.len()
        );
    }
    Ok(Sockets {
        gateway: if role.has_gateway() { Some(open_gateway(config, gateway)?) } else { None },
        console: if role.has_console() { Some(open_console(config, console).await?) } else { None },
    })
}

fn open_gateway(config: &Config, handed_over: Option<TcpListener>) -> anyhow::Result<Listeners> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(match handed_over {
        Some(listener) => {
            Listeners::inherited(listener, workers).context("the gateway's socket")?
        }
        None => Listeners::bind(config.gateway, workers).with_context(|| {
            format!("gateway: {} cannot be bound; is Keydesk running already?", config.gateway)
        })?,
    })
}

async fn open_console(
    config: &Config,
    handed_over: Option<TcpListener>,
) -> anyhow::Result<tokio::net::TcpListener> {
    Ok(match handed_over {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener).context("the console's socket")?
        }
        None => tokio::net::TcpListener::bind(config.console).await.with_context(|| {
            format!("console: {} cannot be bound; is Keydesk running already?", config.console)
        })?,
    })
}
