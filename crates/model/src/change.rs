//! What a gateway must know, and how it learns of it: a snapshot at a sequence number, then
//! changes with gap-free numbers, written in the transaction of what they tell.

use crate::{
    AccountId, AccountNumber, AccountState, Closing, IpAllowlist, LiveAccount, Mode, Moment, Month,
    QuotaUse, Revocation, Rules, ScopeSet, Timestamp, TokenId, TokenLimits, TokenOwner, Usage,
};
use keydesk_token::TokenHash;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One secret with all that a decision about it needs. Ended ones stay, so that their holder can
/// be told why they are rejected.
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
    /// Limits that are only tried: what they would reject is written down.
    #[serde(default)]
    pub observed: Option<TokenLimits>,
    /// It was rotated and goes on for a while.
    #[serde(default)]
    pub closing: Option<Closing>,
}

impl LiveSecret {
    pub fn grant(&self) -> TokenLimits {
        TokenLimits { scopes: self.scopes.clone(), ip_allowlist: self.ip_allowlist.clone() }
    }
}

/// What the API's operations ask for, and whether that is enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRules {
    pub rules: Rules,
    pub mode: Mode,
}

/// One change of what gateways know. Old releases must be able to reject what they cannot read,
/// so variants are added and never change their meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Issued, or what is said of it has changed.
    SecretIssued(Box<LiveSecret>),
    SecretRevoked {
        #[serde(with = "hex_hash")]
        hash: TokenHash,
        revocation: Revocation,
        /// When the token would have expired by itself.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    RulesChanged(LiveRules),
    AccountChanged(LiveAccount),
    /// An account is suspended or closed; what else is said of it stays.
    AccountStopped {
        number: AccountNumber,
        state: AccountState,
        at: Timestamp,
    },
}

impl Change {
    /// Whether nothing is let through by it that was not before: any node may say so.
    pub fn only_rejects(&self) -> bool {
        match self {
            Self::SecretRevoked { .. } => true,
            Self::AccountStopped { state, .. } => *state != AccountState::Active,
            Self::SecretIssued(_) | Self::RulesChanged(_) | Self::AccountChanged(_) => false,
        }
    }
}

/// Everything a gateway knows as of change number `seq`; the secrets come one by one, as there may
/// be millions.
pub struct Snapshot<'a> {
    pub seq: i64,
    /// How many secrets there are.
    pub count: usize,
    pub rules: LiveRules,
    /// Those with limits of their own.
    pub accounts: Vec<LiveAccount>,
    pub secrets: Box<dyn Iterator<Item = LiveSecret> + 'a>,
}

impl<'a> Snapshot<'a> {
    pub fn new<I>(seq: i64, secrets: I) -> Self
    where
        I: IntoIterator<Item = LiveSecret>,
        I::IntoIter: ExactSizeIterator + 'a,
    {
        let secrets = secrets.into_iter();
        let (rules, accounts) = (LiveRules::default(), Vec::new());
        Self { seq, count: secrets.len(), rules, accounts, secrets: Box::new(secrets) }
    }
}

impl Snapshot<'_> {
    #[must_use]
    pub fn with_rules(self, rules: LiveRules) -> Self {
        Self { rules, ..self }
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

/// Someone who follows the feed: the gateway's live table. Both calls are synchronous and quick.
pub trait Feed: Send + Sync {
    /// Replaces everything known.
    fn load(&self, snapshot: Snapshot<'_>);
    /// Applies change number `seq`; numbers come without gaps and in order.
    fn apply(&self, seq: i64, change: Change);
}

/// What a node keeps current and lets serve: the gateway's live table.
pub trait Table: Feed {
    /// The first moment at which no token is accepted any more. None: that is now.
    fn serve_until(&self, until: Option<Moment>);
    /// Whether tokens may be accepted at all.
    fn may_serve(&self) -> bool;
    /// The number of the last change taken over.
    fn seq(&self) -> i64;
    /// Who has used what since the last time this was asked; where many have, those who have waited
    /// longest for it, unless `all`.
    fn take_usage(&self, all: bool) -> Vec<Usage>;
    /// Whether there is a plan with a quota.
    fn has_quotas(&self) -> bool;
    /// Calls that count against a quota and have not been told yet, by month. The caller reports them.
    fn take_counted(&self) -> HashMap<Month, Vec<QuotaUse>>;
    /// What all gateways together have counted of these accounts; what was taken before is among it.
    fn note_quota_use(&self, month: Month, totals: &[QuotaUse]);
}

mod hex_hash {
    //! A digest as 64 hexadecimal digits.
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
