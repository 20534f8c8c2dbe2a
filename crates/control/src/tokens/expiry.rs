//! How long an account's new tokens may live: the operator's policy, and the account's own. Each rejects,
//! or is only observed.

use super::list_api_tokens;
use crate::{AppState, principal::Caller, refusal::Refusal};
use keydesk_model::{Expiry, ExpiryPolicy, Mode, Timestamp, TokenState};
use keydesk_store::{Account, Token};

/// What is said of an account's new tokens in all, and what of it is enforced.
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
        // What the form begins with is no limit.
        let nothing = ExpiryPolicy { default: operators.default, ..ExpiryPolicy::default() };
        Self { all: operators.and(own), held: enforced.fold(nothing, ExpiryPolicy::and) }
    }

    /// When a token that is made now ends, if it may be made so.
    pub fn permitted_end(
        self,
        expiry: Expiry,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let expires_at = expiry.resolve(now)?;
        self.held.check(now, expires_at)?;
        Ok(expires_at)
    }

    /// Whether a token that was made at `made` would be rejected, were everything enforced.
    pub fn objects(self, made: Timestamp, expires_at: Option<Timestamp>) -> bool {
        self.all.check(made, expires_at).is_err()
    }
}

/// The account's live API tokens that its policies would have rejected.
pub(crate) async fn list_over_expiry(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Token>, Refusal> {
    let now = app.now();
    let found = app.store.read().await?.find_account(caller.account.id).await?;
    let policies = Policies::of(app, found.as_ref());
    let is_over = |token: &Token| {
        token.state(now) == TokenState::Active
            && policies.objects(token.created_at, token.expires_at)
    };
    Ok(list_api_tokens(app, caller).await?.into_iter().filter(is_over).collect())
}
