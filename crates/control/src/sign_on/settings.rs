//! What an owner says of the provider, and the operator's yes to it.

use super::{SignOnError, belongs_to, provider};
use crate::{
    Desk,
    caller::Caller,
    operators::{self, Operator},
    problem::Problem,
    say,
};
use keydesk_model::{AccountId, AccountNumber, Action, Email, Right, Role};
use keydesk_store::{SignOn, StoreError};
use serde::Deserialize;

/// What an owner has typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignOnForm {
    pub issuer: String,
    pub client_id: String,
    /// Empty: the one that is there stays.
    pub client_secret: String,
    pub domain: String,
    pub default_role: String,
    pub role_claim: String,
    pub roles: String,
}

pub(crate) async fn find(desk: &Desk, caller: &Caller) -> Result<Option<SignOn>, Problem> {
    caller.permit(Right::ManageSignOn)?;
    Ok(desk.store.read().await?.find_sign_on(caller.account.id).await?)
}

/// Keeps what the owner says. With another issuer or domain the operator is asked anew.
pub(crate) async fn set(
    desk: &Desk,
    caller: &Caller,
    form: &SignOnForm,
) -> Result<Result<(), SignOnError>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageSignOn)?;
    let account = caller.account.id;
    let before = write.find_sign_on(account).await?;
    let sealed = match (form.client_secret.trim(), &before) {
        ("", Some(before)) => before.sealed.clone(),
        ("", None) => return Ok(Err(SignOnError::Secret)),
        (secret, _) => {
            let belongs_to = belongs_to(account);
            let keyring = &desk.keyring;
            keyring.seal_secret(&mut write, secret.as_bytes(), &belongs_to, &desk.entropy).await?
        }
    };
    let new = match read_form(account, form, sealed) {
        Ok(new) => new,
        Err(error) => return Ok(Err(error)),
    };
    write.set_sign_on(&new, caller.member.id).await?;
    let say = |sign_on: &SignOn| serde_json::json!({ "issuer": sign_on.issuer, "domain": sign_on.domain, "default_role": sign_on.default_role, "roles": sign_on.roles });
    let detail = serde_json::json!({ "before": before.as_ref().map(say), "after": say(&new) });
    write.commit(caller.entry(Action::SetSignOn, account, detail)).await?;
    Ok(Ok(()))
}

fn read_form(
    account: AccountId,
    form: &SignOnForm,
    sealed: Vec<u8>,
) -> Result<SignOn, SignOnError> {
    let issuer = form.issuer.trim().to_owned();
    provider::check_issuer(&issuer).ok_or(SignOnError::Issuer)?;
    let client_id = form.client_id.trim().to_owned();
    let is_deceptive = |text: &str| text.chars().any(keydesk_model::is_deceptive);
    if client_id.is_empty() || client_id.len() > 200 || is_deceptive(&client_id) {
        return Err(SignOnError::Client);
    }
    // A domain is one when it makes an address.
    let domain = form.domain.trim().trim_start_matches('@').to_lowercase();
    let is_domain =
        format!("x@{domain}").parse::<Email>().is_ok_and(|email| email.domain() == domain);
    if !is_domain {
        return Err(SignOnError::Domain);
    }
    let default_role = form.default_role.parse::<Role>().ok().filter(|role| *role != Role::Owner);
    let default_role = default_role.ok_or(SignOnError::Roles)?;
    let is_long = |text: &str, most: usize| text.chars().count() > most;
    if is_long(&issuer, 300) {
        return Err(SignOnError::Issuer);
    }
    if is_long(&form.client_secret, 1_000) {
        return Err(SignOnError::Secret);
    }
    if is_long(&form.role_claim, 100) || is_long(&form.roles, 8_000) {
        return Err(SignOnError::Roles);
    }
    if is_deceptive(&form.role_claim) || form.roles.lines().any(is_deceptive) {
        return Err(SignOnError::Roles);
    }
    read_roles(&form.roles)?;
    let (role_claim, roles) = (form.role_claim.trim().to_owned(), form.roles.trim().to_owned());
    let confirmed_at = None;
    Ok(SignOn {
        account,
        issuer,
        client_id,
        sealed,
        domain,
        default_role,
        role_claim,
        roles,
        confirmed_at,
    })
}

/// Lines of `value = role`. Nobody becomes owner by what a provider says.
pub(super) fn read_roles(text: &str) -> Result<Vec<(String, Role)>, SignOnError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| {
        let (value, role) = line.rsplit_once('=')?;
        let role = role.trim().parse::<Role>().ok().filter(|role| *role != Role::Owner)?;
        Some((value.trim().to_owned(), role))
    };
    lines.map(read).collect::<Option<_>>().ok_or(SignOnError::Roles)
}

pub(crate) async fn remove(desk: &Desk, caller: &Caller) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageSignOn)?;
    let account = caller.account.id;
    if !write.remove_sign_on(account).await? {
        return Err(Problem::not_found());
    }
    let detail = serde_json::json!({ "after": { "sign_on": null } });
    write.commit(caller.entry(Action::SetSignOn, account, detail)).await?;
    Ok(())
}

/// The operator says yes to provider and domain as they were shown.
pub(crate) async fn confirm(
    desk: &Desk,
    operator: &Operator,
    number: AccountNumber,
    (issuer, domain): (&str, &str),
) -> Result<(), Problem> {
    let mut write = operators::write_as(desk, operator).await?;
    let account = write.find_account_by_number(number).await?.ok_or_else(Problem::not_found)?;
    let found = write.find_sign_on(account.id).await?.ok_or_else(Problem::not_found)?;
    let seen = SignOn { issuer: issuer.to_owned(), domain: domain.to_owned(), ..found };
    write.confirm_sign_on(&seen).await.map_err(|error| match error {
        StoreError::Conflict => Problem::conflict(say("sign-on-changed")),
        error => error.into(),
    })?;
    let detail = serde_json::json!({ "after": { "issuer": issuer, "domain": domain } });
    write.commit(operator.entry(Action::ConfirmSignOn, account.id, detail)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_provider_makes_an_owner() {
        let roles = read_roles("staff = developer\n\n admins=administrator \na = b = viewer")
            .expect("reads");
        let expected =
            [("staff", Role::Developer), ("admins", Role::Administrator), ("a = b", Role::Viewer)];
        assert_eq!(roles, expected.map(|(value, role)| (value.to_owned(), role)));
        for wrong in ["staff = owner", "staff", "staff = boss"] {
            assert!(read_roles(wrong).is_err(), "{wrong}");
        }
    }
}
