//! The lookup of a presented token in the live table: whether it is known and valid, and its account.

use super::{
    LiveTable,
    limits::LiveTokenLimits,
    row::Digest,
    shard::{Shard, Subject},
};
use crate::{Presented, Rejection};
use keydesk_model::{AccountNumber, Timestamp, TokenId, TokenState};
use keydesk_token::TokenHash;
use std::sync::Arc;

/// A token that is known and live at the time of the request.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    pub(crate) number: AccountNumber,
    hash: TokenHash,
    limits: u32,
    details: u32,
    generation: u32,
}

/// The details of a token other than the decision, for the upstream and for its holder through whoami.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub token: TokenId,
    pub subject: Subject,
    pub limits: Arc<LiveTokenLimits>,
}

impl Verified {
    pub(crate) fn secret(&self) -> TokenHash {
        self.hash
    }
}

impl LiveTable {
    /// Returns whether a secret is live, or an error if that cannot be determined.
    pub(crate) fn is_live(&self, secret: TokenHash, now: Timestamp) -> Result<bool, Rejection> {
        match self.verify(&Presented(secret), now) {
            Ok(_) => Ok(true),
            Err(rejection @ (Rejection::NotReady | Rejection::GatewayDisconnected)) => {
                Err(rejection)
            }
            Err(_) => Ok(false),
        }
    }

    /// Decides with one lookup whether the token is known and live.
    pub fn verify(&self, presented: &Presented, now: Timestamp) -> Result<Verified, Rejection> {
        if !self.may_serve() {
            return Err(if self.is_ready() {
                Rejection::GatewayDisconnected
            } else {
                Rejection::NotReady
            });
        }
        let hash = presented.0;
        let shard = self.read(&hash);
        let Some(row) = shard.find(Digest::of(&hash)) else {
            return Err(if self.is_ready() {
                Rejection::UnknownToken
            } else {
                Rejection::NotReady
            });
        };
        match row.state(now) {
            TokenState::Active => Ok(Verified {
                number: row.number(),
                hash,
                limits: row.limits,
                details: row.details,
                generation: shard.generation,
            }),
            TokenState::Expired(at) => {
                Err(Rejection::Expired { at, token: shard.details(row.details).token })
            }
            TokenState::Revoked(revocation) => {
                let details = shard.details(row.details);
                let (token, token_owner) = (details.token, details.token_owner());
                Err(Rejection::Revoked { revocation, token, token_owner })
            }
        }
    }

    /// Returns the account and the token of a known secret, in whatever state.
    pub(crate) fn token_of(&self, presented: &Presented) -> Option<(AccountNumber, TokenId)> {
        self.token_of_hash(&presented.0)
    }

    pub(crate) fn token_of_hash(&self, hash: &TokenHash) -> Option<(AccountNumber, TokenId)> {
        let shard = self.read(hash);
        let row = shard.find(Digest::of(hash))?;
        Some((row.number(), shard.details(row.details).token))
    }

    /// Returns `None` if the token was removed after it was verified.
    pub(crate) fn identify(&self, verified: &Verified) -> Option<Identity> {
        self.look_up(verified, |shard, details, limits| {
            let details = shard.details(details);
            let limits = Arc::clone(shard.limits(limits));
            Identity { token: details.token, subject: details.subject, limits }
        })
    }

    pub(crate) fn name(&self, verified: &Verified) -> Option<String> {
        self.look_up(verified, |shard, details, _| shard.name(details).to_owned())
    }

    pub(crate) fn expires_at(&self, verified: &Verified) -> Option<Timestamp> {
        self.read(&verified.hash).find(Digest::of(&verified.hash))?.expires_at()
    }

    fn look_up<T>(
        &self,
        verified: &Verified,
        tell: impl FnOnce(&Shard, u32, u32) -> T,
    ) -> Option<T> {
        let shard = self.read(&verified.hash);
        if shard.generation == verified.generation {
            return Some(tell(&shard, verified.details, verified.limits));
        }
        let row = shard.find(Digest::of(&verified.hash))?;
        Some(tell(&shard, row.details, row.limits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LiveTable, live::UsageEvent};
    use keydesk_model::{
        AccountId, AccountNumber, Called, Change, Feed, IpAllowlist, LiveSecret, Moment,
        MonotonicClock, Revocation, RevocationReason, ScopeSet, Snapshot, Table, TokenId,
        TokenOwner,
    };
    use keydesk_token::{Entropy, Kind, PlainToken, Prefix};

    const fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn present(token: &PlainToken) -> Presented {
        let value = format!("Bearer {}", token.expose());
        Presented::in_field(Some(value.as_bytes()), 1).expect("well-formed")
    }

    fn secret(token: &PlainToken, expires_at: Option<Timestamp>) -> LiveSecret {
        let entropy = Entropy::seeded(2);
        LiveSecret {
            hash: token.hash(),
            token: TokenId::generate(at(0), &entropy),
            account: AccountId::generate(at(0), &entropy),
            number: AccountNumber::try_from(385_403).expect("a number"),
            token_owner: TokenOwner::Account,
            name: "CRM sync".to_owned(),
            scopes: ScopeSet::everything(),
            expires_at,
            revocation: None,
            ip_allowlist: IpAllowlist::default(),
            observed: None,
            closing: None,
            restored_from: None,
        }
    }

    fn token(seed: u64) -> PlainToken {
        PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(seed))
    }

    fn table(secrets: Vec<LiveSecret>) -> LiveTable {
        let table = LiveTable::default();
        table.load(Snapshot::new(7, secrets));
        table
    }

    #[test]
    fn s9_expiry_bites_at_the_very_microsecond_of_the_clock_passed_in() {
        let token = token(1);
        let table = table(vec![secret(&token, Some(at(1_000_000)))]);
        assert!(table.verify(&present(&token), at(999_999)).is_ok());
        for now in [1_000_000, 1_000_001, i64::MAX] {
            assert_eq!(
                table.verify(&present(&token), at(now)).err(),
                Some(Rejection::Expired { at: at(1_000_000), token: secret(&token, None).token })
            );
        }
    }

    #[test]
    fn t19_a_clock_that_is_put_back_revives_nothing_that_was_rejected_as_expired() {
        let token = token(1);
        let table = table(vec![secret(&token, Some(at(1_000_000)))]);
        assert!(table.verify(&present(&token), at(2_000_000)).is_err());
        assert!(table.verify(&present(&token), at(1)).is_err());
    }

    #[test]
    fn before_the_snapshot_is_there_nobody_is_told_that_a_token_is_wrong() {
        let table = LiveTable::default();
        assert_eq!(table.verify(&present(&token(1)), at(0)).err(), Some(Rejection::NotReady));
        table.load(Snapshot::new(0, Vec::new()));
        assert_eq!(table.verify(&present(&token(1)), at(0)).err(), Some(Rejection::UnknownToken));
    }

    #[test]
    fn changes_follow_the_snapshot_and_an_ended_secret_never_comes_back() {
        let (old, new) = (token(1), token(2));
        let table = table(vec![secret(&old, None)]);
        let revocation = Revocation { at: at(500), reason: RevocationReason::Revoked };
        table.apply(8, Change::SecretRevoked { hash: old.hash(), revocation, expires_at: None });
        table.apply(9, Change::SecretIssued(Box::new(secret(&new, None))));
        assert_eq!(table.seq(), 9);
        let (id, token_owner) = (secret(&old, None).token, TokenOwner::Account);
        let rejection = Rejection::Revoked { revocation, token: id, token_owner };
        assert_eq!(table.verify(&present(&old), at(500)).err(), Some(rejection.clone()));
        assert!(table.verify(&present(&new), at(500)).is_ok());
        // A restored database lists it as live.
        table.load(Snapshot::new(7, vec![secret(&old, None)]));
        assert_eq!(table.verify(&present(&old), at(600)).err(), Some(rejection.clone()));
        table.apply(8, Change::SecretIssued(Box::new(secret(&old, None))));
        assert_eq!(table.verify(&present(&old), at(600)).err(), Some(rejection.clone()));
        assert_eq!(
            table.verify(&present(&old), at(1)).err(),
            Some(rejection.clone()),
            "nor does a clock that was put back revive it"
        );
        assert_eq!(
            table.verify(&present(&new), at(500)).err(),
            Some(Rejection::UnknownToken),
            "nobody could end it"
        );
    }

    /// Whatever token is presented, an isolated gateway cannot decide and does not respond with 401.
    #[test]
    fn without_lease_guard_nothing_is_accepted_and_nothing_called_wrong() {
        let (token, now) = (token(1), Arc::new(std::sync::atomic::AtomicU64::new(5)));
        let clock = Arc::clone(&now);
        let read = move || Moment::from_micros(clock.load(std::sync::atomic::Ordering::Relaxed));
        let table = LiveTable::with_lease_guard(MonotonicClock::new(read));
        let verify = |table: &LiveTable| table.verify(&present(&token), at(1)).map(|_| ());
        assert_eq!(verify(&table), Err(Rejection::NotReady));
        table.load(Snapshot::new(1, [secret(&token, None)]));
        assert_eq!(verify(&table), Err(Rejection::GatewayDisconnected));
        table.serve_until(Some(Moment::from_micros(10)));
        assert_eq!(verify(&table), Ok(()));
        now.store(10, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(verify(&table), Err(Rejection::GatewayDisconnected), "at the very moment");
        table.serve_until(None);
        now.store(0, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(verify(&table), Err(Rejection::GatewayDisconnected));
    }

    #[test]
    fn use_is_reported_once_by_client_and_address() {
        let token = token(1);
        let table = table(vec![secret(&token, None)]);
        let meters = [table.meter(), table.meter()];
        for (agent, addr, now) in
            [("curl/8", "10.0.0.1", 1), ("curl/7", "10.0.0.1", 2), ("okhttp", "10.0.0.1", 3)]
        {
            let verified = table.verify(&present(&token), at(now)).expect("live");
            let token = table.identify(&verified).expect("known").token;
            let meter = &meters[usize::try_from(now % 2).expect("small")];
            meter.note(UsageEvent {
                token,
                agent: Some(agent.as_bytes()),
                client_ip: addr.parse().expect("an address"),
                at: at(now),
                called: &Called::default(),
            });
        }
        let mut report = table.take_usage(false);
        report.sort_by(|a, b| a.client.cmp(&b.client));
        let rows: Vec<_> = report
            .iter()
            .map(|u| (u.client.as_str(), u.requests, u.last_used_at.as_micros()))
            .collect();
        assert_eq!(rows, [("curl", 2, 2), ("okhttp", 1, 3)]);
        assert!(table.take_usage(false).is_empty());
    }
}
