//! The application state that every use case receives: store, keys, clock, random number generator, and mailer.

use crate::{
    Keyring, OpenApiSource, Settings,
    leaks::partners::{keys::PartnerKeys, slots::ReportSlots},
    mail::Mailer,
    one_time::codes::SetupCode,
    passkeys::relying_party::relying_party,
    passwords::PasswordHashing,
    service_status::KnownReliability,
    throttling::throttle::Throttle,
};
use keydesk_model::{Clock, RotationTerms, SessionId, Timestamp, TokenId};
use keydesk_node::Nodes;
use keydesk_outbound::Outbound;
use keydesk_store::{Store, StoreError};
use keydesk_token::Entropy;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The services that the console depends on.
#[derive(Debug)]
pub struct AppServices {
    pub store: Store,
    pub keyring: Arc<Keyring>,
    pub nodes: Arc<Nodes>,
    pub outbound: Outbound,
}

#[derive(Clone, Debug)]
pub struct AppState(Arc<Parts>);

#[derive(Debug)]
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub keyring: Arc<Keyring>,
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) outbound: Outbound,
    pub mailer: Mailer,
    /// The tasks that are sending email.
    pub openapi: OpenApiSource,
    pub clock: Clock,
    pub entropy: Entropy,
    pub(crate) passwords: PasswordHashing,
    /// The `WebAuthn` relying party, or `None` if the console's URL has no host name.
    pub(crate) relying_party: Option<webauthn_rs::Webauthn>,
    pub(crate) setup: Mutex<Option<SetupCode>>,
    views: Mutex<HashSet<(SessionId, TokenId, i64)>>,
    /// The throttle for changes by one session.
    pub(crate) changes: Throttle,
    /// The throttle for requests with one management key.
    pub(crate) management_requests: Throttle,
    /// The throttle for devices that begin a login, by IP address.
    pub(crate) device_logins: Throttle,
    /// The throttle for all devices that begin a login.
    pub(crate) all_device_logins: Throttle,
    /// The throttle for a user who enters codes of devices.
    pub(crate) device_codes: Throttle,
    /// The throttle for a device that waits for its login.
    pub(crate) device_polls: Throttle,
    /// The throttle for rotations of a token by itself.
    pub(crate) rotations: Throttle,
    /// The throttle for reports of leaked secrets by anyone.
    pub(crate) leak_reports: Throttle,
    /// The throttle for checks of secrets by anyone.
    pub(crate) secret_checks: Throttle,
    /// The throttle for emails to operators about one bearer token.
    pub(crate) leak_notices: Throttle,
    /// The throttle for log lines about rejected reports.
    pub(crate) leak_warnings: Throttle,
    /// When this console started.
    pub(crate) started_at: Timestamp,
    /// The keys with which GitHub and GitLab sign their reports.
    pub(crate) partner_keys: PartnerKeys,
    /// The reports of GitHub and GitLab that are being read.
    pub(crate) report_slots: ReportSlots,
    /// The requests of all accounts, as they were added up last.
    pub(crate) reliability: KnownReliability,
    /// The throttle for browsers' reports about the content security policy.
    pub(crate) reports: Throttle,
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    pub fn new(
        settings: Settings,
        base: AppServices,
        mailer: Mailer,
        openapi: OpenApiSource,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let AppServices { store, keyring, nodes, outbound } = base;
        let passwords = PasswordHashing::new(Arc::clone(&keyring), &entropy);
        Self(Arc::new(Parts {
            started_at: clock.now(),
            relying_party: relying_party(&settings),
            settings,
            store,
            keyring,
            nodes,
            outbound,
            mailer,
            openapi,
            clock,
            entropy,
            passwords,
            setup: Mutex::default(),
            views: Mutex::default(),
            changes: Throttle::new("300/m"),
            management_requests: Throttle::new("600/m"),
            device_logins: Throttle::new("10/m"),
            all_device_logins: Throttle::new("300/m"),
            device_codes: Throttle::new("30/m"),
            device_polls: Throttle::new("15/m"),
            rotations: Throttle::new(RotationTerms::BY_ITSELF),
            leak_reports: Throttle::new("30/m"),
            secret_checks: Throttle::new("60/m"),
            leak_notices: Throttle::new("1/10m"),
            leak_warnings: Throttle::new("10/m"),
            partner_keys: PartnerKeys::default(),
            report_slots: ReportSlots::default(),
            reliability: KnownReliability::default(),
            reports: Throttle::new("60/h"),
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the one-time link that creates the first account, valid for an hour, if no account exists.
    pub async fn offer_setup(&self) -> Result<Option<String>, StoreError> {
        if self.store.read().await?.count_accounts().await? > 0 {
            return Ok(None);
        }
        let (code, text) = SetupCode::generate(self.now(), &self.entropy);
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
        Ok(Some(format!("{}/setup/{}", self.settings.console_url, text.as_str())))
    }

    /// Returns whether the audit log already records that this session has viewed this secret, as far as this process
    /// remembers.
    pub(crate) fn has_viewed(&self, session: SessionId, token: TokenId, version: i64) -> bool {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.contains(&(session, token, version))
    }

    /// Notes a view that the audit log has recorded.
    pub(crate) fn note_view(&self, session: SessionId, token: TokenId, version: i64) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() > 10_000 {
            views.clear();
        }
        views.insert((session, token, version));
    }
}
