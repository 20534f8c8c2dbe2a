//! What the process tells the service manager that started it (systemd's `Type=notify-reload`): that it is ready, that it
//! reloads or stops, and that it is still alive.

use crate::process_environment::variable;
use std::{
    os::{linux::net::SocketAddrExt, unix::net::SocketAddr, unix::net::UnixDatagram},
    time::Duration,
};

/// Tells that the node serves requests.
pub fn ready() {
    tell("READY=1");
}

pub fn stopping() {
    tell("STOPPING=1");
}

/// Tells that a reload has begun; [`ready`] ends it.
pub fn reloading() {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}

/// Tells regularly that the process is alive, if the service manager restarts it otherwise (`WatchdogSec=`).
pub fn keep_alive() {
    let period = variable("WATCHDOG_USEC").and_then(|micros| micros.parse().ok());
    let Some(period) = period.map(Duration::from_micros).filter(|period| !period.is_zero()) else {
        return;
    };
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period / 2);
        loop {
            ticks.tick().await;
            tell("WATCHDOG=1");
        }
    });
}

/// Sends a message. Without a service manager, or if it is gone, there is nobody to tell.
fn tell(message: &str) {
    let Some(place) = variable("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&place, message) {
        tracing::debug!(%error, place, "the service manager can't be told");
    }
}

fn send(place: &str, message: &str) -> std::io::Result<()> {
    let address = match place.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(place)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(|_| ())
}
