//! Between a node and its database: passes bytes on, late, not at all, or not any more.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass = 0,
    /// Connections are closed, and no new ones taken.
    Cut = 1,
    /// Drops everything in both directions without an error.
    Hole = 2,
}

#[derive(Clone)]
pub struct Proxy {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    mode: AtomicU8,
    delay_ms: AtomicU64,
    changed: Notify,
}

impl Proxy {
    pub async fn to(target: SocketAddr) -> Self {
        Self::between(([127, 0, 0, 1], 0).into(), target).await
    }

    pub async fn between(listens_on: SocketAddr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind(listens_on).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            mode: AtomicU8::new(0),
            delay_ms: AtomicU64::new(0),
            changed: Notify::new(),
        });
        let proxy = Self { addr, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).serve(client));
            }
        });
        proxy
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::SeqCst);
        self.shared.changed.notify_waiters();
    }

    pub fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("short");
        self.shared.delay_ms.store(millis, Ordering::SeqCst);
    }

    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("not poisoned") = target;
    }
}

impl Shared {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    async fn serve(self: Arc<Self>, client: TcpStream) {
        if self.is(Mode::Cut) {
            return;
        }
        while self.is(Mode::Hole) {
            self.change().await;
        }
        let target = *self.target.lock().expect("not poisoned");
        let Ok(server) = TcpStream::connect(target).await else { return };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = self.pass(from_client, to_server) => {}
            () = self.pass(from_server, to_client) => {}
            () = self.is_cut() => {}
        }
    }

    async fn change(&self) {
        let _ = tokio::time::timeout(Duration::from_millis(20), self.changed.notified()).await;
    }

    async fn is_cut(&self) {
        while !self.is(Mode::Cut) {
            self.change().await;
        }
    }

    async fn pass(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let delay = self.delay_ms.load(Ordering::SeqCst);
            if delay > 0 {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            // What was swallowed once never arrives: the connection is of no use afterwards.
            let mut was_swallowed = false;
            while self.is(Mode::Hole) {
                was_swallowed = true;
                self.change().await;
            }
            if was_swallowed || self.is(Mode::Cut) || to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }
}
