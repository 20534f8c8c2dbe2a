//! A deadline that can be extended at no cost, so that a connection can do so with every request.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug)]
pub struct Deadline {
    at: Instant,
    /// A timer that fires at or before `at`; it is reset if it fired early.
    sleep: Pin<Box<Sleep>>,
}

#[derive(Debug)]
pub struct Passed;

impl Deadline {
    pub fn after(timeout: Duration) -> Self {
        let at = Instant::now() + timeout;
        Self { at, sleep: Box::pin(sleep_until(at)) }
    }

    pub fn set(&mut self, at: Instant) {
        self.at = at;
        if at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
        }
    }

    pub fn set_after(&mut self, timeout: Duration) {
        self.set(Instant::now() + timeout);
    }

    pub fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if Instant::now() >= self.at {
                return Poll::Ready(());
            }
            let at = self.at;
            self.sleep.as_mut().reset(at);
        }
    }

    /// Returns the output of the future, unless the deadline passes first.
    pub async fn bound<F: Future>(&mut self, future: F) -> Result<F::Output, Passed> {
        let at = self.at;
        self.bound_by(|| at, future).await
    }

    /// Sets a new deadline and behaves like [`Deadline::bound`]. Reads the clock only if the future isn't ready.
    pub async fn bound_after<F: Future>(
        &mut self,
        timeout: Duration,
        future: F,
    ) -> Result<F::Output, Passed> {
        self.bound_by(|| Instant::now() + timeout, future).await
    }

    /// Behaves like [`Deadline::bound`], with a deadline that `until` returns when the wait begins.
    pub async fn bound_by<F: Future>(
        &mut self,
        until: impl FnOnce() -> Instant,
        future: F,
    ) -> Result<F::Output, Passed> {
        let (mut future, mut until) = (pin!(future), Some(until));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => {
                if let Some(until) = until.take() {
                    self.set(until());
                }
                self.poll_passed(cx).map(|()| Err(Passed))
            }
        })
        .await
    }
}

/// The timeout for a client: ten seconds, plus more for each byte that it has transferred. Only the time spent waiting
/// for the client counts.
#[derive(Debug)]
pub struct ClientTimeout {
    bytes_per_second: u32,
    longest: Duration,
    moved: u64,
    waited: Duration,
    since: Option<Instant>,
}

const GRACE: Duration = Duration::from_secs(10);

impl ClientTimeout {
    /// Requires the client to transfer `bytes_per_second` after its initial ten seconds. A single wait is never longer
    /// than `longest`.
    pub fn new(bytes_per_second: u32, longest: Duration) -> Self {
        Self { bytes_per_second, longest, moved: 0, waited: Duration::ZERO, since: None }
    }

    /// Begins a wait and returns its deadline.
    pub fn begin(&mut self) -> Instant {
        let now = Instant::now();
        self.since = Some(now);
        let earned = self.moved / u64::from(self.bytes_per_second.max(1));
        // No wait is longer than for an idle connection, regardless of earlier transfers.
        let left = (GRACE + Duration::from_secs(earned)).saturating_sub(self.waited);
        now + left.min(self.longest)
    }

    /// Behaves like [`ClientTimeout::begin`], but doesn't restart a wait that has already begun.
    pub fn begin_once(&mut self) -> Instant {
        match self.since {
            None => self.begin(),
            Some(since) => since + self.longest,
        }
    }

    /// Records transferred bytes and ends the wait, if any.
    pub fn end(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        self.waited += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_can_be_moved_both_ways() {
        let start = Instant::now();
        let mut deadline = Deadline::after(Duration::from_secs(10));
        deadline.set(start + Duration::from_secs(20));
        assert!(deadline.bound(std::future::pending::<()>()).await.is_err());
        assert_eq!(start.elapsed().as_secs(), 20);
        deadline.set_after(Duration::from_mins(1));
        deadline.set_after(Duration::from_secs(5));
        assert!(deadline.bound(std::future::pending::<()>()).await.is_err());
        assert_eq!(start.elapsed().as_secs(), 25);
        assert!(deadline.bound(async { 1 }).await.is_ok_and(|one| one == 1));
    }

    #[tokio::test(start_paused = true)]
    async fn w18_who_moves_too_little_runs_out_of_patience() {
        let mut patience = ClientTimeout::new(240, Duration::from_mins(1));
        let mut seconds = 0;
        // One byte per second, until the timeout is used up.
        while patience.begin() > Instant::now() + Duration::from_secs(1) {
            tokio::time::advance(Duration::from_secs(1)).await;
            patience.end(1);
            seconds += 1;
        }
        assert!((9..=11).contains(&seconds), "{seconds}");
        let mut patience = ClientTimeout::new(240, Duration::from_mins(1));
        for _ in 0..100 {
            assert!(patience.begin() > Instant::now() + Duration::from_secs(1));
            tokio::time::advance(Duration::from_secs(1)).await;
            patience.end(1000);
        }
    }
}
