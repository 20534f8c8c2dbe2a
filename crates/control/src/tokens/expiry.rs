//! The maximum lifetime of an account's new tokens: the operator's policy and the account's own, each enforced or only
//! observed.

use crate::{AppState, principal::Caller, refusal::Refusal};
use keydesk_model::{Expiry, ExpiryPolicy, Mode, Permission, Timestamp};
use keydesk_store::{Account, Token};

/// All policies for an account's new tokens, and the enforced part of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policies {
    all: ExpiryPolicy,
    pub held: ExpiryPolicy,
}

impl Policies {
    pub fn of(app: &AppState, account: Option<&Account>) -> Self {
        let operators = app.settings.expiry;
        let own = account.map(|account| ExpiryPolicy {
            max_days: account.max_lifetime_days,
            is_required: account.requires_expiry,
            mode: account.expiry_mode,
            ..ExpiryPolicy::default()
        });
        let own = own.unwrap_or_default();
        let enforced = [operators, own].into_iter().filter(|policy| policy.mode == Mode::Enforce);
        // The form's default is not a limit.
        let nothing = ExpiryPolicy { default: operators.default, ..ExpiryPolicy::default() };
        Self { all: operators.and(own), held: enforced.fold(nothing, ExpiryPolicy::and) }
    }

    /// Returns the end of a token that is created now, if it is permitted.
    pub fn permitted_end(
        self,
        expiry: Expiry,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let expires_at = expiry.resolve(now)?;
        self.held.check(now, expires_at)?;
        Ok(expires_at)
    }

    /// Returns whether a token that was created at `made` would be rejected if every policy were enforced.
    pub fn objects(self, made: Timestamp, expires_at: Option<Timestamp>) -> bool {
        self.all.check(made, expires_at).is_err()
    }
}

/// Returns the account's active API tokens that its policies would have rejected.
pub(crate) async fn list_over_expiry(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Token>, Refusal> {
    caller.permit(Permission::SeeLimits)?;
    let now = app.now();
    let found = app.store.read().await?.find_account(caller.account.id).await?;
    let policies = Policies::of(app, found.as_ref());
    let is_over = |token: &Token| policies.objects(token.created_at, token.expires_at);
    let active = app.store.read().await?.list_active_api_tokens(caller.account.id, now).await?;
    Ok(active.into_iter().filter(is_over).collect())
}
