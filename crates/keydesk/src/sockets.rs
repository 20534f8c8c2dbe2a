//! The listeners' sockets, which are bound here or inherited from a supervisor that keeps them open across restarts
//! (systemd socket activation).

use crate::config::{Addresses, Config};
use anyhow::{Context, bail};
use keydesk_gateway::Listeners;
use listenfd::ListenFd;
use std::net::{SocketAddr, TcpListener};

/// The inherited listeners of the gateway and the console, in this order, if any.
#[derive(Debug)]
pub struct Sockets {
    pub gateway: Option<Listeners>,
    pub console: Option<Vec<tokio::net::TcpListener>>,
}

pub fn open(config: &Config) -> anyhow::Result<Sockets> {
    let mut handed_over = ListenFd::from_env();
    let mut take = |at: usize| -> anyhow::Result<Option<TcpListener>> {
        if at >= handed_over.len() {
            return Ok(None);
        }
        let taken = handed_over.take_tcp_listener(at);
        taken.with_context(|| format!("socket {at} of LISTEN_FDS is no TCP listener"))
    };
    let role = config.role;
    // In this order, if the node serves them.
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
        console: if role.has_console() { Some(open_console(config, console)?) } else { None },
    })
}

fn open_gateway(config: &Config, handed_over: Option<TcpListener>) -> anyhow::Result<Listeners> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(match handed_over {
        Some(listener) => {
            Listeners::inherited(listener, workers).context("the gateway's socket")?
        }
        None => bind_all(&config.gateway, "gateway", |addrs| Listeners::bind(addrs, workers))?,
    })
}

fn open_console(
    config: &Config,
    handed_over: Option<TcpListener>,
) -> anyhow::Result<Vec<tokio::net::TcpListener>> {
    let listen = |listener: TcpListener| {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    };
    if let Some(listener) = handed_over {
        return Ok(vec![listen(listener).context("the console's socket")?]);
    }
    bind_all(&config.console, "console", |addrs| {
        addrs.iter().map(|addr| listen(keydesk_gateway::bind(*addr, false)?)).collect()
    })
}

/// Binds all addresses, except for those that this machine lacks and that weren't named individually.
fn bind_all<T>(
    addresses: &Addresses,
    key: &str,
    bind: impl Fn(&[SocketAddr]) -> std::io::Result<T>,
) -> anyhow::Result<T> {
    let all: Vec<_> = addresses.iter().map(|address| address.addr).collect();
    let certain: Vec<_> =
        addresses.iter().filter(|one| !one.may_be_missing).map(|one| one.addr).collect();
    let bound = match bind(&all) {
        Err(error) if is_missing(&error) && !certain.is_empty() => bind(&certain),
        bound => bound,
    };
    bound.with_context(|| {
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        format!("{key}: {} cannot be bound; is Keydesk running already?", all.join(", "))
    })
}

/// Returns whether the error means that this machine has no IPv6.
fn is_missing(error: &std::io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == std::io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

/// Returns the address of the console, bound or not.
pub fn first_of(
    console: Option<&Vec<tokio::net::TcpListener>>,
    configured: &Addresses,
) -> std::io::Result<SocketAddr> {
    let first = console.and_then(|listeners| listeners.first());
    first.map_or(Ok(configured.first()), tokio::net::TcpListener::local_addr)
}
