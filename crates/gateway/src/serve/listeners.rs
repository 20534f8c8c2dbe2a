//! The gateway's addresses, once for each worker.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// The listening sockets of each worker.
#[derive(Debug)]
pub struct Listeners {
    /// The first address, as bound.
    pub local_addr: SocketAddr,
    pub(super) each: Vec<Vec<TcpListener>>,
}

impl Listeners {
    /// Binds the addresses, and fails if one of them is not available. Port 0 selects a free one.
    pub fn bind(addrs: &[SocketAddr], workers: usize) -> io::Result<Self> {
        let mut each: Vec<Vec<TcpListener>> = Vec::new();
        each.resize_with(workers.max(1), Vec::new);
        let mut first = None;
        for addr in addrs {
            if addr.port() != 0 {
                // Bound exclusively first, because workers share the port with each other but not with another process.
                drop(bind(*addr, false)?);
            }
            let listener = bind(*addr, true)?;
            let local_addr = listener.local_addr()?;
            first = first.or(Some(local_addr));
            each[0].push(listener);
            for worker in each.iter_mut().skip(1) {
                worker.push(bind(local_addr, true)?);
            }
        }
        let local_addr = first.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { local_addr, each })
    }

    /// Takes a socket that another process has bound and keeps open while one process replaces the next. All workers
    /// accept from its single queue.
    pub fn inherited(listener: TcpListener, workers: usize) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local_addr = listener.local_addr()?;
        let mut each = Vec::new();
        for _ in 1..workers.max(1) {
            each.push(vec![listener.try_clone()?]);
        }
        each.push(vec![listener]);
        Ok(Self { local_addr, each })
    }
}

/// Binds and listens. IPv6 does not include IPv4, so that both can be configured.
pub fn bind(addr: SocketAddr, shares_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}
