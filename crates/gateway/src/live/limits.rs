//! The limits of tokens, with each distinct set stored once, however many tokens share it.

use keydesk_model::{Closing, LiveSecret, ScopeSet, Timestamp, TokenLimits};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A token's limits in the form that checks and responses use.
#[derive(Debug)]
pub(crate) struct LiveTokenLimits {
    /// The scopes as sent to the upstream.
    pub scopes: Arc<str>,
    pub grant: TokenLimits,
    /// The limits in observe mode.
    pub observed: Option<TokenLimits>,
    /// The grace period of the rotated secret.
    pub closing: Option<Closing>,
    /// The expiration date of such a token, because its row holds only the earlier end.
    pub expires_at: Option<Timestamp>,
}

impl LiveTokenLimits {
    pub fn held(&self) -> &ScopeSet {
        &self.grant.scopes
    }

    pub fn are_of(&self, secret: &LiveSecret) -> bool {
        self.grant.scopes == secret.scopes
            && self.grant.ip_allowlist == secret.ip_allowlist
            && self.observed == secret.observed
            && self.closing == secret.closing
            && (self.closing.is_none() || self.expires_at == secret.expires_at)
    }
}

type Key = (TokenLimits, Option<TokenLimits>, Option<(Closing, Option<Timestamp>)>);

#[derive(Debug, Default)]
pub(super) struct KnownLimits(Mutex<HashMap<Key, Arc<LiveTokenLimits>>>);

impl KnownLimits {
    pub fn of(&self, secret: &LiveSecret) -> Arc<LiveTokenLimits> {
        let key = (
            secret.grant(),
            secret.observed.clone(),
            secret.closing.map(|closing| (closing, secret.expires_at)),
        );
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = |(grant, observed, closing): &Key| {
            let (scopes, grant, observed) =
                (grant.scopes.to_string().into(), grant.clone(), observed.clone());
            let (closing, expires_at) = (closing.map(|(at, _)| at), closing.and_then(|(_, at)| at));
            Arc::new(LiveTokenLimits { scopes, grant, observed, closing, expires_at })
        };
        Arc::clone(known.entry(key).or_insert_with_key(make))
    }

    /// Removes limits that no token has anymore.
    pub fn tidy(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, limits| Arc::strong_count(limits) > 1);
    }
}
