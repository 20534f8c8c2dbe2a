//! The state that a gateway needs: a snapshot at a sequence number, followed by changes with gap-free numbers, each
//! written in the same transaction as the change that it describes.

use crate::{
    AccountId, AccountNumber, AccountState, CanaryUse, Closing, EndedRequests, IpAllowlist,
    LiveAccount, LiveCanary, Mode, Moment, Month, QuotaUse, Revocation, Rules, ScopeSet, Timestamp,
    TokenId, TokenLimits, TokenOwner, Usage,
};
use keydesk_token::TokenHash;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A secret with everything that a decision about it needs. Revoked and expired secrets are kept so that a rejection
/// can state the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSecret {
    #[serde(with = "hex_hash")]
    pub hash: TokenHash,
    pub token: TokenId,
    pub account: AccountId,
    pub number: AccountNumber,
    pub token_owner: TokenOwner,
    pub name: String,
    pub scopes: ScopeSet,
    pub expires_at: Option<Timestamp>,
    pub revocation: Option<Revocation>,
    #[serde(default)]
    pub ip_allowlist: IpAllowlist,
    /// Observed limits, whose violations are recorded but not rejected.
    #[serde(default)]
    pub observed: Option<TokenLimits>,
    /// The grace period if the secret has been rotated.
    #[serde(default)]
    pub closing: Option<Closing>,
    /// In [`Change::SecretRestored`], the instant of the revocation that was undone.
    #[serde(default)]
    pub restored_from: Option<Timestamp>,
}

impl LiveSecret {
    pub fn grant(&self) -> TokenLimits {
        TokenLimits { scopes: self.scopes.clone(), ip_allowlist: self.ip_allowlist.clone() }
    }
}

/// The operation rules of the API and whether they are enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRules {
    pub rules: Rules,
    pub mode: Mode,
}

/// A change to the state of the gateways. Older releases must be able to reject changes that they can't read, so
/// variants are only added and never change their meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// The secret was issued, or its attributes have changed.
    SecretIssued(Box<LiveSecret>),
    SecretRevoked {
        #[serde(with = "hex_hash")]
        hash: TokenHash,
        revocation: Revocation,
        /// The expiration date of the token.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    /// The revocation at `restored_from` was undone. It undoes no other one.
    SecretRestored(Box<LiveSecret>),
    CanaryCreated(LiveCanary),
    CanaryRemoved(LiveCanary),
    RulesChanged(LiveRules),
    AccountChanged(LiveAccount),
    /// The account was suspended or closed; its other attributes are unchanged.
    AccountStopped {
        number: AccountNumber,
        state: AccountState,
        at: Timestamp,
    },
}

impl Change {
    /// Returns whether the change permits nothing that was rejected before, so that any node may publish it.
    pub fn only_rejects(&self) -> bool {
        match self {
            Self::SecretRevoked { .. } => true,
            Self::AccountStopped { state, .. } => *state != AccountState::Active,
            Self::SecretIssued(_)
            | Self::SecretRestored(_)
            | Self::CanaryCreated(_)
            | Self::CanaryRemoved(_)
            | Self::RulesChanged(_)
            | Self::AccountChanged(_) => false,
        }
    }
}

/// The complete state as of change number `seq`. Secrets are streamed one by one, because there may be millions.
pub struct Snapshot<'a> {
    pub seq: i64,
    /// The number of secrets.
    pub count: usize,
    pub rules: LiveRules,
    /// The accounts that have limits of their own.
    pub accounts: Vec<LiveAccount>,
    pub canaries: Vec<LiveCanary>,
    /// The revocations that were undone, by secret and instant.
    pub restored: Vec<(TokenHash, Timestamp)>,
    pub secrets: Box<dyn Iterator<Item = LiveSecret> + 'a>,
}

impl<'a> Snapshot<'a> {
    pub fn new<I>(seq: i64, secrets: I) -> Self
    where
        I: IntoIterator<Item = LiveSecret>,
        I::IntoIter: ExactSizeIterator + 'a,
    {
        let secrets = secrets.into_iter();
        Self {
            seq,
            count: secrets.len(),
            rules: LiveRules::default(),
            accounts: Vec::new(),
            canaries: Vec::new(),
            restored: Vec::new(),
            secrets: Box::new(secrets),
        }
    }
}

impl Snapshot<'_> {
    #[must_use]
    pub fn with_rules(self, rules: LiveRules) -> Self {
        Self { rules, ..self }
    }

    #[must_use]
    pub fn with_canaries(self, canaries: Vec<LiveCanary>) -> Self {
        Self { canaries, ..self }
    }

    #[must_use]
    pub fn with_restored(self, restored: Vec<(TokenHash, Timestamp)>) -> Self {
        Self { restored, ..self }
    }

    #[must_use]
    pub fn with_accounts(self, accounts: Vec<LiveAccount>) -> Self {
        Self { accounts, ..self }
    }
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} secrets at {})", self.count, self.seq)
    }
}

/// A subscriber of the change feed, such as the gateway's live table. Both methods are synchronous and fast.
pub trait Feed: Send + Sync {
    /// Replaces the complete state.
    fn load(&self, snapshot: Snapshot<'_>);
    /// Applies change number `seq`. Numbers arrive in order and without gaps.
    fn apply(&self, seq: i64, change: Change);
}

/// The state that a node keeps current and serves from: the gateway's live table.
pub trait Table: Feed {
    /// Sets the first moment at which no token is accepted. `None` means immediately.
    fn serve_until(&self, until: Option<Moment>);
    /// Returns whether tokens may be accepted.
    fn may_serve(&self) -> bool;
    /// Returns the number of the last applied change.
    fn seq(&self) -> i64;
    /// Returns the usage since the previous request. If there is too much for one batch, the entries that have waited
    /// longest come first, unless `all` is set.
    fn take_usage(&self, all: bool) -> Vec<Usage>;
    /// Returns the requests that have ended since the previous call.
    fn take_ended(&self) -> EndedRequests;
    /// Returns the uses of canary tokens since the previous request.
    fn take_canary_uses(&self) -> Vec<CanaryUse>;
    /// Returns whether a plan has a quota.
    fn has_quotas(&self) -> bool;
    /// Returns the requests that count against a quota and haven't been reported yet, by month. The caller must report
    /// them.
    fn take_counted(&self) -> HashMap<Month, Vec<QuotaUse>>;
    /// Sets the totals that all gateways have counted for these accounts, including the counts taken earlier.
    fn note_quota_use(&self, month: Month, totals: &[QuotaUse]);
}

pub(crate) mod hex_hash {
    //! Serialization of a digest as 64 hexadecimal digits.
    use keydesk_token::TokenHash;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &TokenHash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(hash.as_bytes()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TokenHash, D::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(String::deserialize(from)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(TokenHash::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RevocationReason;
    use keydesk_token::{Entropy, Kind, PlainToken, Prefix};

    #[test]
    fn a_change_survives_its_row() {
        let hash = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1)).hash();
        let revocation =
            Revocation { at: Timestamp::from_micros(5), reason: RevocationReason::PasswordChanged };
        let change = Change::SecretRevoked { hash, revocation, expires_at: None };
        let row = serde_json::to_string(&change).expect("serialises");
        assert_eq!(serde_json::from_str::<Change>(&row).expect("parses"), change);
    }
}
