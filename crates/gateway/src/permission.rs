//! What an open exchange was permitted for, so that it ends when it no longer is: its token was revoked, has
//! expired, or may not do this anymore; its account was suspended; or the gateway lost its lease.

use crate::{
    Denial, LiveTable, Presented,
    handle::Worker,
    limit::{Call, Judgement},
    permit::Permitted,
    wire::Head,
};
use keydesk_model::Timestamp;
use keydesk_token::TokenHash;
use std::{net::IpAddr, pin::Pin, time::Duration};
use tokio::time::{Instant, Sleep, sleep};

/// How often an open exchange is checked again. It ends within twice this time, see `docs/reliability.md`.
pub(crate) const RECHECK: Duration = Duration::from_millis(200);

/// A request that was permitted, as far as the decision depends on it.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    secret: TokenHash,
    /// The method, a space, and the path that is forwarded.
    request: Box<str>,
    method_length: usize,
    client_addr: IpAddr,
}

impl Permission {
    pub fn new(permitted: &Permitted, head: &Head, path: &str, client_addr: IpAddr) -> Self {
        let secret = permitted.token().secret();
        let request = [head.method, " ", path].concat().into();
        Self { secret, request, method_length: head.method.len(), client_addr }
    }

    /// Decides again, by what is known now. Costs no rate and no quota.
    ///
    /// # Errors
    ///
    /// Why the request would be rejected now.
    pub fn check(&self, table: &LiveTable, now: Timestamp) -> Result<(), Denial> {
        let verified = table.verify(&Presented(self.secret), now)?;
        let identity = table.identify(&verified).ok_or(Denial::UnknownToken)?;
        let account = table.account(verified.number);
        Denial::of_account(account.state)?;
        let (method, path) = self.request.split_at(self.method_length);
        let call = Call { method, path: path.get(1..), client_addr: self.client_addr };
        let judgement = Judgement::of(call, &identity.limits, &account, &table.rules());
        judgement.denial.map_or(Ok(()), Err)
    }
}

/// Checks one exchange after the other on a connection. The timer is set once for many exchanges, so that short
/// ones cost next to nothing.
#[derive(Debug)]
pub(crate) struct Pulse(Pin<Box<Sleep>>);

impl Pulse {
    pub fn new() -> Self {
        Self(Box::pin(sleep(RECHECK)))
    }

    /// Waits until the exchange is no longer permitted, and returns why.
    pub async fn until_over(&mut self, worker: &Worker, permission: &Permission) -> Denial {
        // It has been permitted just now.
        if self.0.is_elapsed() {
            self.0.as_mut().reset(Instant::now() + RECHECK);
        }
        loop {
            self.0.as_mut().await;
            if let Err(denial) = permission.check(&worker.table, worker.clock.now()) {
                tracing::debug!(code = denial.code(), "an open exchange ends");
                return denial;
            }
            self.0.as_mut().reset(Instant::now() + RECHECK);
        }
    }
}
