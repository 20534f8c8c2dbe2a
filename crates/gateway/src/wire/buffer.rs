//! Bytes read from a connection and not yet used. Buffers are borrowed from the thread's pool, so that an idle
//! connection holds none.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// The buffer size for every head that the defaults allow.
const SMALL: usize = 16 * 1024;
/// The buffer size for larger bodies, with fewer, larger reads.
const LARGE: usize = 64 * 1024;
/// The number of buffers of each size that a thread keeps.
const STOCK: usize = 64;

thread_local! {
    static STOCKS: [RefCell<Vec<Vec<u8>>>; 2] = const { [RefCell::new(Vec::new()), RefCell::new(Vec::new())] };
}

#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Removes the first bytes.
    pub fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Returns the memory to the pool if the buffer is empty.
    pub fn release(&mut self) {
        if self.is_empty() {
            give_back(std::mem::take(&mut self.bytes));
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for at least one more byte. A full buffer doubles in size.
    fn make_room(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = take(SMALL);
        }
        if self.end < self.bytes.len() {
            return;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.len());
        } else {
            let larger = self.bytes.len() * 2;
            self.bytes.resize(larger, 0);
        }
    }

    /// Switches to larger reads for a streamed body.
    pub fn enlarge(&mut self) {
        if self.bytes.len() < LARGE {
            let mut larger = take(LARGE);
            let length = self.len();
            larger[..length].copy_from_slice(self.filled());
            give_back(std::mem::replace(&mut self.bytes, larger));
            (self.start, self.end) = (0, length);
        }
    }

    /// Reads once. Returns 0 at the end of the stream.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(from).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    pub async fn fill<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill(cx, from)).await
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.bytes));
    }
}

fn stock_of(size: usize) -> Option<usize> {
    match size {
        SMALL => Some(0),
        LARGE => Some(1),
        _ => None,
    }
}

fn take(size: usize) -> Vec<u8> {
    let spare = stock_of(size)
        .and_then(|at| STOCKS.try_with(|stocks| stocks[at].borrow_mut().pop()).ok().flatten());
    spare.unwrap_or_else(|| vec![0; size])
}

fn give_back(bytes: Vec<u8>) {
    let Some(at) = stock_of(bytes.len()) else { return };
    let _ = STOCKS.try_with(|stocks| {
        let mut stock = stocks[at].borrow_mut();
        if stock.len() < STOCK {
            stock.push(bytes);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_is_kept_until_it_is_consumed() {
        let source = vec![7_u8; 100_000];
        let (mut from, mut buffer) = (source.as_slice(), Buffer::default());
        while buffer.fill(&mut from).await.expect("reads") > 0 {}
        assert_eq!(buffer.filled(), source);
        buffer.consume(99_999);
        assert_eq!(buffer.len(), 1);
        buffer.release();
        assert_eq!(buffer.len(), 1, "what is not used is not given away");
        buffer.enlarge();
        assert_eq!(buffer.filled(), [7]);
        buffer.consume(1);
        buffer.release();
        assert!(buffer.is_empty());
    }

    #[tokio::test]
    async fn a_buffer_grows_shifts_and_returns_to_the_pool() {
        let mut buffer = Buffer::default();
        assert!(buffer.bytes.is_empty(), "an idle one has no memory");
        let long = vec![7_u8; 40_000];
        let mut from = &long[..];
        assert_eq!(buffer.fill(&mut from).await.expect("reads"), 16_384);
        // Full and unread: it doubles.
        assert_eq!(buffer.fill(&mut from).await.expect("reads"), 16_384);
        assert_eq!((buffer.len(), buffer.bytes.len()), (32_768, 32_768));
        // Full and partly read: what is left moves to the front.
        buffer.consume(30_000);
        assert_eq!(buffer.fill(&mut from).await.expect("reads"), 40_000 - 32_768);
        assert_eq!((buffer.start, buffer.len(), buffer.bytes.len()), (0, 10_000, 32_768));
        buffer.consume(usize::MAX);
        assert!(buffer.is_empty() && (buffer.start, buffer.end) == (0, 0));
        buffer.release();
        assert!(buffer.bytes.is_empty());
    }

    #[tokio::test]
    async fn a_buffer_is_enlarged_once_with_what_it_holds() {
        let mut buffer = Buffer::default();
        let mut from = &b"abcdef"[..];
        buffer.fill(&mut from).await.expect("reads");
        buffer.consume(2);
        buffer.enlarge();
        assert_eq!((buffer.filled(), buffer.bytes.len()), (&b"cdef"[..], 65_536));
        let at = buffer.bytes.as_ptr();
        buffer.enlarge();
        assert_eq!(buffer.bytes.as_ptr(), at, "it is large already");
        buffer.release();
        assert_eq!(buffer.filled(), b"cdef", "it is not empty");
    }

    #[test]
    fn the_pool_keeps_buffers_of_both_sizes_and_not_too_many() {
        STOCKS.with(|stocks| stocks.iter().for_each(|stock| stock.borrow_mut().clear()));
        let kept = || STOCKS.with(|stocks| stocks.each_ref().map(|stock| stock.borrow().len()));
        assert_eq!(kept(), [0, 0]);
        let small: Vec<_> = (0..STOCK + 3).map(|_| take(SMALL)).collect();
        small.into_iter().for_each(give_back);
        give_back(take(LARGE));
        give_back(vec![0; SMALL + 1]);
        assert_eq!(kept(), [STOCK, 1]);
        assert_eq!((take(SMALL).len(), take(LARGE).len(), take(7).len()), (SMALL, LARGE, 7));
        assert_eq!(kept(), [STOCK - 1, 0]);
    }
}
