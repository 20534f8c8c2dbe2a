//! A connection, with or without TLS, to a client or to an upstream.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{client, server};

#[derive(Debug)]
pub(crate) enum Io {
    Tcp(TcpStream),
    FromClient(Box<server::TlsStream<TcpStream>>),
    ToUpstream(Box<client::TlsStream<TcpStream>>),
    /// A connection with both ends in this process, for `probe`.
    #[cfg(feature = "probe")]
    Memory(tokio::io::DuplexStream),
}

/// A connection that both directions of an exchange use.
pub(crate) type SharedIo = Rc<RefCell<Io>>;

macro_rules! each {
    ($io:expr, $stream:ident => $do:expr) => {
        match $io {
            Io::Tcp($stream) => $do,
            Io::FromClient($stream) => $do,
            Io::ToUpstream($stream) => $do,
            #[cfg(feature = "probe")]
            Io::Memory($stream) => $do,
        }
    };
}

#[cfg(feature = "probe")]
thread_local! {
    /// Opens a connection to the upstream of this thread's probe, which replaces the network.
    pub(crate) static PROBE: RefCell<Option<Rc<dyn Fn() -> tokio::io::DuplexStream>>> =
        const { RefCell::new(None) };
}

/// Opens a connection to the upstream of this thread's probe, if there is one.
#[cfg(feature = "probe")]
pub(crate) fn to_probe() -> Option<tokio::io::DuplexStream> {
    let open = PROBE.with(|probe| probe.borrow().clone())?;
    Some(open())
}

impl Io {
    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::FromClient(stream) => Some(stream.get_ref().0),
            Self::ToUpstream(stream) => Some(stream.get_ref().0),
            #[cfg(feature = "probe")]
            Self::Memory(_) => None,
        }
    }

    /// Ends the connection so that the other side gets an error.
    pub fn abort(&self) {
        if let Some(tcp) = self.tcp() {
            let _ = socket2::SockRef::from(tcp).set_linger(Some(std::time::Duration::ZERO));
        }
    }

    /// Returns whether the other side has reset the connection or no longer responds.
    pub fn has_failed(&self) -> bool {
        let error = self.tcp().map(|tcp| socket2::SockRef::from(tcp).take_error());
        !matches!(error, Some(Ok(None)) | None)
    }

    /// Returns whether an unused connection is still open and has received nothing. Uses the state that the runtime
    /// already has, so no system call is made unless something has happened.
    pub fn is_quiet(&self) -> bool {
        let Some(tcp) = self.tcp() else { return false };
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        match tcp.poll_peek(&mut cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Pending => true,
            // TLS sends messages of its own, such as session tickets.
            Poll::Ready(Ok(count)) => count > 0 && matches!(self, Self::ToUpstream(_)),
            Poll::Ready(Err(_)) => false,
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}

/// One direction of a connection that a single task uses in both directions. Borrowed only for the duration of a poll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IoHalf<'a>(pub &'a RefCell<Io>);

impl AsyncRead for IoHalf<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_read(cx, buf)
    }
}

impl AsyncWrite for IoHalf<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(cx)
    }
}

impl IoHalf<'_> {
    /// Resolves when TCP has something to read.
    pub async fn readable(self) {
        let is_readable = |cx: &mut Context<'_>| match &*self.0.borrow() {
            Io::Tcp(stream) => stream.poll_read_ready(cx).map(drop),
            _ => Poll::Ready(()),
        };
        poll_fn(is_readable).await;
    }

    /// Writes all parts, in one system call if the other side accepts them.
    pub async fn write_parts(mut self, parts: [&[u8]; 3]) -> io::Result<()> {
        // A plain write is cheaper if there is only one part.
        if let [one, b"", b""] | [b"", one, b""] = parts {
            return self.write_whole(one).await;
        }
        let mut slices = parts.map(IoSlice::new);
        let mut slices = &mut slices[..];
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let count = self.write_vectored(slices).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut slices, count);
        }
        self.push_out().await
    }

    pub async fn write_whole(mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.push_out().await
    }

    /// Flushes TLS, which buffers what does not fit. TCP buffers nothing.
    async fn push_out(&mut self) -> io::Result<()> {
        let is_plain = matches!(*self.0.borrow(), Io::Tcp(_));
        if is_plain { Ok(()) } else { self.flush().await }
    }
}
