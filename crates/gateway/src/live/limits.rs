//! What tokens may do, each distinct set of limits once, however many tokens share it.

use keydesk_model::{Grant, LiveSecret, ScopeSet};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A token's limits, ready to be asked and to be sent.
#[derive(Debug)]
pub(crate) struct TokenLimits {
    /// As the upstream is told.
    pub scopes: Arc<str>,
    pub grant: Grant,
    /// Limits that refuse nothing yet.
    pub trial: Option<Grant>,
}

impl TokenLimits {
    pub fn held(&self) -> &ScopeSet {
        &self.grant.scopes
    }

    pub fn are_of(&self, secret: &LiveSecret) -> bool {
        self.grant.scopes == secret.scopes
            && self.grant.addresses == secret.addresses
            && self.trial == secret.trial
    }
}

type Key = (Grant, Option<Grant>);

#[derive(Debug, Default)]
pub(super) struct KnownLimits(Mutex<HashMap<Key, Arc<TokenLimits>>>);

impl KnownLimits {
    pub fn of(&self, secret: &LiveSecret) -> Arc<TokenLimits> {
        let key = (secret.grant(), secret.trial.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = |(grant, trial): &Key| {
            let (scopes, grant, trial) =
                (grant.scopes.to_string().into(), grant.clone(), trial.clone());
            Arc::new(TokenLimits { scopes, grant, trial })
        };
        Arc::clone(known.entry(key).or_insert_with_key(make))
    }

    /// Forgets what no token has any more.
    pub fn tidy(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, limits| Arc::strong_count(limits) > 1);
    }
}
