//! The gateway's port, once for each worker.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// The port, bound once for each worker.
#[derive(Debug)]
pub struct Listeners {
    pub local_addr: SocketAddr,
    pub(super) each: Vec<TcpListener>,
}

impl Listeners {
    /// Fails where the port cannot be had. Port 0 takes a free one.
    pub fn bind(addr: SocketAddr, workers: usize) -> io::Result<Self> {
        if addr.port() != 0 {
            // Alone first: workers share the port with each other, not with another process.
            drop(bind(addr, false)?);
        }
        let first = bind(addr, true)?;
        let local_addr = first.local_addr()?;
        let mut each = vec![first];
        for _ in 1..workers.max(1) {
            each.push(bind(local_addr, true)?);
        }
        Ok(Self { local_addr, each })
    }

    /// A socket that somebody else has bound and keeps open while one process takes over from the
    /// next. All workers accept from its one queue.
    pub fn inherited(listener: TcpListener, workers: usize) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let mut each = Vec::new();
        for _ in 1..workers.max(1) {
            each.push(listener.try_clone()?);
        }
        each.push(listener);
        Ok(Self { local_addr, each })
    }
}

fn bind(addr: SocketAddr, shares_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}
