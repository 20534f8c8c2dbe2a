//! How long an account's new tokens may live: the operator's policy, and the account's own.

use super::TokenError;
use crate::Desk;
use keydesk_model::{Expiry, ExpiryPolicy, Mode, Timestamp};
use keydesk_store::Account;

/// What holds for an account's new tokens: the operator's policy and its own.
pub(super) fn expiry_policy(desk: &Desk, account: Option<&Account>) -> ExpiryPolicy {
    desk.settings.expiry.and(of_account(account))
}

/// When a token that is made now ends, if it may be made so. The operator's policy may only be
/// observed; the account's own holds.
pub(super) fn permitted_end(
    policy: ExpiryPolicy,
    account: Option<&Account>,
    expiry: Expiry,
    now: Timestamp,
) -> Result<Option<Timestamp>, TokenError> {
    let expires_at = expiry.resolve(now)?;
    let holds = if policy.mode == Mode::Observe { of_account(account) } else { policy };
    holds.check(now, expires_at)?;
    Ok(expires_at)
}

fn of_account(account: Option<&Account>) -> ExpiryPolicy {
    let policy = ExpiryPolicy { mode: Mode::Enforce, ..ExpiryPolicy::default() };
    account.map_or(policy, |account| ExpiryPolicy {
        max_days: account.max_life_days,
        is_required: account.requires_expiry,
        ..policy
    })
}
