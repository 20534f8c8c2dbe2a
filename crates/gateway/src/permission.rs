//! The permission of an open exchange, which ends when its token is revoked, has expired, or no longer permits the
//! request; when its account is suspended; or when the gateway loses its lease.

use crate::{
    LiveTable, Presented, Rejection,
    limit::{Call, LimitCheck},
    permit::Permitted,
    worker::Worker,
};
use keydesk_model::Timestamp;
use keydesk_token::TokenHash;
use std::{net::IpAddr, pin::Pin, time::Duration};
use tokio::time::{Instant, Sleep, sleep};

/// The interval at which an open exchange is checked again. It ends within twice this time, see `docs/reliability.md`.
pub(crate) const RECHECK: Duration = Duration::from_millis(200);

/// The parts of a permitted request on which the decision depends.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    secret: TokenHash,
    /// The method, a space, and the forwarded path.
    request: Box<str>,
    method_length: usize,
    client_ip: IpAddr,
}

impl InFlight {
    pub fn new(permitted: &Permitted, method: &str, path: &str, client_ip: IpAddr) -> Self {
        let secret = permitted.token().secret();
        let request = [method, " ", path].concat().into();
        Self { secret, request, method_length: method.len(), client_ip }
    }

    /// Decides again with the current state, without consuming rate limits or quotas.
    ///
    /// # Errors
    ///
    /// The rejection that the request would get now.
    pub fn check(&self, table: &LiveTable, now: Timestamp) -> Result<(), Rejection> {
        let verified = table.verify(&Presented(self.secret), now)?;
        let identity = table.identify(&verified).ok_or(Rejection::UnknownToken)?;
        let account = table.account(verified.number);
        Rejection::of_account(account.state)?;
        let (method, path) = self.request.split_at(self.method_length);
        let call = Call { method, path: path.get(1..), client_ip: self.client_ip };
        let judgement =
            LimitCheck::of(call, (identity.token, &identity.limits), &account, &table.rules());
        judgement.rejection.map_or(Ok(()), Err)
    }
}

/// A checker for the consecutive exchanges of a connection. Its timer serves many exchanges, so that short ones cost
/// next to nothing.
#[derive(Debug)]
pub(crate) struct Pulse(Pin<Box<Sleep>>);

impl Pulse {
    pub fn new() -> Self {
        Self(Box::pin(sleep(RECHECK)))
    }

    /// Waits until the exchange is no longer permitted, and returns why.
    pub async fn until_over(&mut self, worker: &Worker, permission: &InFlight) -> Rejection {
        // The exchange has just been permitted.
        if self.0.is_elapsed() {
            self.0.as_mut().reset(Instant::now() + RECHECK);
        }
        loop {
            self.0.as_mut().await;
            if let Err(rejection) = permission.check(&worker.table, worker.clock.now()) {
                tracing::debug!(code = rejection.code(), "an open exchange ends");
                return rejection;
            }
            self.0.as_mut().reset(Instant::now() + RECHECK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::{
        AccountId, AccountNumber, AccountState, Change, Feed, IpAllowlist, LiveAccount, LiveRules,
        LiveSecret, Mode, Moment, MonotonicClock, Operation, Revocation, RevocationReason, Rules,
        Snapshot, Table, TokenId, TokenOwner,
    };
    use keydesk_token::Entropy;

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn secret() -> LiveSecret {
        let entropy = Entropy::seeded(2);
        LiveSecret {
            hash: TokenHash::from_bytes([7; 32]),
            token: TokenId::generate(at(0), &entropy),
            account: AccountId::generate(at(0), &entropy),
            number: number(),
            token_owner: TokenOwner::Account,
            name: "CRM sync".to_owned(),
            scopes: "contacts:read".parse().expect("scopes"),
            expires_at: Some(at(1000)),
            revocation: None,
            ip_allowlist: IpAllowlist::default(),
            observed: None,
            closing: None,
            restored_from: None,
        }
    }

    fn number() -> AccountNumber {
        AccountNumber::try_from(385_403).expect("a number")
    }

    fn account(ip_allowlist: &str, state: AccountState) -> LiveAccount {
        let ip_allowlist = ip_allowlist.parse().expect("networks");
        let account = AccountId::generate(at(0), &Entropy::seeded(2));
        let (number, plan) = (number(), String::new());
        let state_since = Timestamp::default();
        LiveAccount {
            account,
            number,
            plan,
            ip_allowlist,
            observed: None,
            state,
            state_since,
            cors: None,
        }
    }

    /// Returns the permission of a live token, and the table that contains it.
    fn permitted() -> (InFlight, LiveTable) {
        let table = LiveTable::with_lease_guard(MonotonicClock::new(|| Moment::from_micros(5)));
        table.load(Snapshot::new(1, vec![secret()]));
        table.serve_until(Some(Moment::from_micros(10)));
        let permission = InFlight {
            secret: secret().hash,
            request: "GET /contacts".into(),
            method_length: 3,
            client_ip: "10.0.0.1".parse().expect("an address"),
        };
        assert_eq!(permission.check(&table, at(999)), Ok(()));
        (permission, table)
    }

    #[test]
    fn a_permission_ends_with_its_token_its_account_and_the_lease() {
        let codes = |change: &dyn Fn(&LiveTable)| {
            let (permission, table) = permitted();
            change(&table);
            permission.check(&table, at(999)).err().map(|rejection| rejection.code())
        };
        let revocation = Revocation { at: at(500), reason: RevocationReason::Revoked };
        let hash = secret().hash;
        let ended = Change::SecretRevoked { hash, revocation, expires_at: None };
        assert_eq!(codes(&|table| table.apply(2, ended.clone())), Some("token_revoked"));
        let suspended = || Change::AccountChanged(account("", AccountState::Suspended));
        assert_eq!(codes(&|table| table.apply(2, suspended())), Some("account_suspended"));
        assert_eq!(codes(&|table| table.serve_until(None)), Some("gateway_disconnected"));
        let (permission, table) = permitted();
        assert_eq!(
            permission.check(&table, at(1000)).err().map(|rejection| rejection.code()),
            Some("token_expired")
        );
    }

    #[test]
    fn a_permission_is_judged_by_limits_that_came_later() {
        let (permission, table) = permitted();
        let rules = |scope: &str| {
            let operation = Operation {
                method: "GET".to_owned(),
                path: "/contacts".parse().expect("a path"),
                scopes: scope.parse().expect("scopes"),
                rate: None,
            };
            let rules = Rules { operations: vec![operation], ..Rules::default() };
            Change::RulesChanged(LiveRules { rules, mode: Mode::Enforce })
        };
        table.apply(2, rules("contacts:read"));
        assert_eq!(permission.check(&table, at(1)), Ok(()));
        table.apply(3, rules("contacts:write"));
        let rejection = permission.check(&table, at(1)).expect_err("it lacks the scope");
        assert_eq!(rejection.code(), "insufficient_scope");
        table.apply(4, rules(""));
        table.apply(5, Change::AccountChanged(account("192.0.2.0/24", AccountState::Active)));
        let rejection = permission.check(&table, at(1)).expect_err("it came from elsewhere");
        assert_eq!(rejection.code(), "ip_not_allowed");
    }
}
