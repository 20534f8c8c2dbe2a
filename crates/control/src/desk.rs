//! What every use-case is handed: the store, the keys, the clock, the dice, and the mailer.

use crate::{
    Keyring, Mailer, OpenApiSource, Settings, codes::SetupCode, passwords::PasswordHashing,
};
use keydesk_model::{Clock, SessionId, Timestamp, TokenId};
use keydesk_store::{Store, StoreError};
use keydesk_token::Entropy;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Clone, Debug)]
pub struct Desk(Arc<Parts>);

#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub keyring: Keyring,
    pub mailer: Mailer,
    pub openapi: OpenApiSource,
    pub clock: Clock,
    pub entropy: Entropy,
    pub(crate) passwords: PasswordHashing,
    pub(crate) setup: Mutex<Option<SetupCode>>,
    views: Mutex<HashSet<(SessionId, TokenId, i64)>>,
}

impl std::ops::Deref for Desk {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Desk {
    pub fn new(
        settings: Settings,
        store: Store,
        keyring: Keyring,
        mailer: Mailer,
        openapi: OpenApiSource,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let passwords = PasswordHashing::new(&keyring, &entropy);
        Self(Arc::new(Parts {
            settings,
            store,
            keyring,
            mailer,
            openapi,
            clock,
            entropy,
            passwords,
            setup: Mutex::default(),
            views: Mutex::default(),
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// While no account exists: the one-time link that creates the first, good for an hour.
    pub async fn offer_setup(&self) -> Result<Option<String>, StoreError> {
        if self.store.read().await?.count_accounts().await? > 0 {
            return Ok(None);
        }
        let (code, text) = SetupCode::generate(self.now(), &self.entropy);
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
        Ok(Some(format!("{}/setup/{}", self.settings.console_url, text.as_str())))
    }

    /// Whether this session sees this secret for the first time, as far as this process remembers:
    /// then the audit log should say so.
    pub(crate) fn is_first_view(&self, session: SessionId, token: TokenId, version: i64) -> bool {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() > 10_000 {
            views.clear();
        }
        views.insert((session, token, version))
    }
}
