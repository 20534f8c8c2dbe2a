//! The roles that an identity provider assigns, and the bearer tokens that other rules for them would end.

use super::{
    claims::ProviderIdentity,
    settings::{SsoForm, read_form, read_roles},
};
use crate::{
    AppState,
    members::has_no_bearer_token,
    principal::Caller,
    refusal::Refusal,
    tokens::{self, ObservedClient},
};
use keydesk_model::{Permission, Role};
use keydesk_store::{Sso, StoreError, Write};

/// The longest text of a role claim that is kept: what is longer is as good as unknown.
const MOST_VALUES: usize = 200;

/// Returns the role from the provider's claim, or the default one if the claim contains no known role. Returns `None`
/// if no role claim is configured.
pub(super) fn role_of(sso: &Sso, values: &[String]) -> Option<Role> {
    if sso.role_claim.is_empty() {
        return None;
    }
    let roles = read_roles(&sso.roles).unwrap_or_default();
    let given = roles.into_iter().filter(|(value, _)| values.contains(value));
    Some(given.map(|(_, role)| role).max().unwrap_or(sso.default_role))
}

/// Keeps what the role claim contained, so that the consequences of other rules can be told.
pub(super) async fn keep_values(
    write: &mut Write,
    sso: &Sso,
    claimed: &ProviderIdentity,
) -> Result<(), StoreError> {
    if sso.role_claim.is_empty() || claimed.values.len() > MOST_VALUES {
        return Ok(());
    }
    write.set_role_values(sso, &claimed.subject, &claimed.values).await
}

/// Returns the clients whose bearer token would be revoked at the next login of its member, if these settings applied.
pub(crate) async fn list_clients_without_role(
    app: &AppState,
    caller: &Caller,
    form: &SsoForm,
) -> Result<Vec<ObservedClient>, Refusal> {
    caller.permit(Permission::ManageSso)?;
    let account = caller.account.id;
    let mut read = app.store.read().await?;
    let Some(before) = read.find_sso(account).await? else { return Ok(Vec::new()) };
    // Settings that are refused have no consequences.
    let Ok(after) = read_form(account, form, Vec::new()) else { return Ok(Vec::new()) };
    let is_same_claim = before.role_claim == after.role_claim;
    let rules = |sso: &Sso| (sso.roles.clone(), sso.default_role);
    if after.role_claim.is_empty() || (is_same_claim && rules(&before) == rules(&after)) {
        return Ok(Vec::new());
    }
    let mut clients = Vec::new();
    for (user, values) in read.list_role_values(&before).await? {
        let values = values.filter(|_| is_same_claim);
        let loses_token = match values {
            Some(values) => role_of(&after, &values).is_some_and(has_no_bearer_token),
            None => assigns_role_without_token(&after),
        };
        let member = read.find_member_of(account, user).await?;
        let member = member.filter(|member| {
            loses_token && member.role != Role::Owner && !has_no_bearer_token(member.role)
        });
        if let Some(member) = member {
            clients.extend(tokens::list_clients_of_member(app, &member).await?);
        }
    }
    Ok(clients)
}

/// Returns whether a user whose claim isn't known can get a role that has no bearer token.
fn assigns_role_without_token(sso: &Sso) -> bool {
    let roles = read_roles(&sso.roles).unwrap_or_default();
    let mut roles = roles.into_iter().map(|(_, role)| role);
    has_no_bearer_token(sso.default_role) || roles.any(has_no_bearer_token)
}
