//! A moment by which something must have happened. Moving it further away costs nothing, so that a
//! connection can do that with every request.

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
    /// Rings at `at` or before it; then it is looked at the clock, and set anew.
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

    /// What the future gives, unless the deadline passes first.
    pub async fn bound<F: Future>(&mut self, future: F) -> Result<F::Output, Passed> {
        let at = self.at;
        self.bound_by(|| at, future).await
    }

    /// The same with a new deadline. The clock is looked at only where there is a wait.
    pub async fn bound_after<F: Future>(
        &mut self,
        timeout: Duration,
        future: F,
    ) -> Result<F::Output, Passed> {
        self.bound_by(|| Instant::now() + timeout, future).await
    }

    /// The same; `until` is asked when the wait begins.
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

/// How long a client is waited for: ten seconds, and more the more bytes it has moved. Only time
/// that is spent waiting for the client counts.
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
    /// A client must move so many bytes a second once its grace is over, and is never waited for longer than
    /// `longest`.
    pub fn new(bytes_per_second: u32, longest: Duration) -> Self {
        Self { bytes_per_second, longest, moved: 0, waited: Duration::ZERO, since: None }
    }

    /// A wait begins; returns when it must end.
    pub fn begin(&mut self) -> Instant {
        let now = Instant::now();
        self.since = Some(now);
        let earned = self.moved / u64::from(self.bytes_per_second.max(1));
        // Nobody is waited for longer than an idle connection is, however much came before.
        let left = (GRACE + Duration::from_secs(earned)).saturating_sub(self.waited);
        now + left.min(self.longest)
    }

    /// As [`ClientTimeout::begin`], for a wait that may have begun already.
    pub fn begin_once(&mut self) -> Instant {
        match self.since {
            None => self.begin(),
            Some(since) => since + self.longest,
        }
    }

    /// So many bytes have moved, with or without a wait.
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
        // A byte each second, for as long as that is borne.
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
