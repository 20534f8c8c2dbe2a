//! The owner's settings for the provider, and the operator's confirmation.

use super::{provider, secret::belongs_to};
use crate::{
    AppState,
    principal::{Administrator, Caller, Operator},
    refusal::{Code, Refusal, Value},
    throttling::attempts::{self, LoginAttempts},
};
use keydesk_model::{
    AccountId, AccountNumber, Email, Event, OperatorPermission, Permission, Role,
    audit::{ApprovedSso, SsoTerms},
};
use keydesk_store::{Domain, Sso, StoreError};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The form input of an owner.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SsoForm {
    pub issuer: String,
    pub client_id: String,
    /// If empty, the stored secret is kept.
    pub client_secret: String,
    /// One or more domains, separated by spaces or commas.
    pub domain: String,
    pub scopes: String,
    pub client_auth: String,
    /// Present if the checkbox is selected.
    pub trusts_emails: Option<String>,
    pub default_role: String,
    pub role_claim: String,
    pub roles: String,
}

pub(crate) async fn find(app: &AppState, caller: &Caller) -> Result<Option<Sso>, Refusal> {
    caller.permit(Permission::ManageSso)?;
    Ok(app.store.read().await?.find_sso(caller.account.id).await?)
}

/// Saves the owner's settings. Another issuer or domain requires a new confirmation by the operator. Then checks
/// whether the provider works with the settings; a fault undoes nothing, since it may be temporary.
pub(crate) async fn set(app: &AppState, caller: &Caller, form: &SsoForm) -> Result<(), Refusal> {
    let new = keep(app, caller, form).await?;
    attempts::begin(app, LoginAttempts::Sso, &caller.origin).await?;
    match provider::check(app, &new).await {
        Ok(None) => Ok(()),
        Ok(Some(issuer)) => {
            keep(app, caller, &SsoForm { issuer, ..form.clone() }).await.map(|_| ())
        }
        Err(fault) => {
            let why = Value::Refusal(Box::new(fault));
            Err(Refusal::new(Code::SsoSavedWithFault).with("why", why))
        }
    }
}

async fn keep(app: &AppState, caller: &Caller, form: &SsoForm) -> Result<Sso, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageSso).await?;
    let account = caller.account.id;
    let before = write.find_sso(account).await?;
    let sealed = match (form.client_secret.trim(), &before) {
        // The secret is sent only to the provider for which it was entered.
        ("", Some(before)) if is_for(before, form) => before.sealed.clone(),
        ("", _) => return Err(Refusal::new(Code::MissingClientSecret).at("client_secret")),
        (secret, _) => {
            let belongs_to = belongs_to(account);
            let keyring = &app.keyring;
            keyring.seal_secret(&mut write, secret.as_bytes(), &belongs_to, &app.entropy).await?
        }
    };
    let new = read_form(account, form, sealed)?;
    write.set_sso(&new, caller.member.id).await?;
    if before.as_ref().is_some_and(|before| before.role_claim != new.role_claim) {
        write.forget_role_values(account).await?;
    }
    let changed =
        Event::AccountSsoChanged { before: before.as_ref().map(terms), after: Some(terms(&new)) };
    // Reads back which domains are already confirmed.
    let kept = write.find_sso(account).await?.unwrap_or(new);
    write.commit(caller.entry(changed, account)).await?;
    Ok(kept)
}

fn terms(sso: &Sso) -> SsoTerms {
    SsoTerms {
        issuer: sso.issuer.clone(),
        domains: sso.domains.iter().map(|domain| domain.name.clone()).collect(),
        scopes: sso.scopes.clone(),
        client_auth: sso.client_auth.clone(),
        trusts_emails: sso.trusts_emails,
        default_role: sso.default_role,
        role_claim: sso.role_claim.clone(),
        roles: sso.roles.clone(),
    }
}

/// Returns whether a form names the stored provider and client.
fn is_for(before: &Sso, form: &SsoForm) -> bool {
    let bare = |issuer: &str| issuer.trim().trim_end_matches('/').to_owned();
    bare(&before.issuer) == bare(&form.issuer) && before.client_id == form.client_id.trim()
}

pub(super) fn read_form(
    account: AccountId,
    form: &SsoForm,
    sealed: Vec<u8>,
) -> Result<Sso, Refusal> {
    let issuer = form.issuer.trim().to_owned();
    provider::check_issuer(&issuer)
        .ok_or_else(|| Refusal::new(Code::InvalidIssuer).at("issuer"))?;
    let client_id = form.client_id.trim().to_owned();
    let is_deceptive = |text: &str| text.chars().any(keydesk_model::is_deceptive);
    if client_id.is_empty() || client_id.len() > 200 || is_deceptive(&client_id) {
        return Err(Refusal::new(Code::MissingClientId).at("client_id"));
    }
    let domains = read_domains(&form.domain)?;
    let scopes = read_scopes(&form.scopes)?;
    let client_auth = match form.client_auth.as_str() {
        way @ ("client_secret_basic" | "client_secret_post") => way,
        _ => "automatic",
    };
    let default_role = form.default_role.parse::<Role>().ok().filter(|role| *role != Role::Owner);
    let default_role =
        default_role.ok_or_else(|| Refusal::new(Code::InvalidRoleMapping).at("roles"))?;
    let is_long = |text: &str, most: usize| text.chars().count() > most;
    if is_long(&issuer, 300) {
        return Err(Refusal::new(Code::InvalidIssuer).at("issuer"));
    }
    if is_long(&form.client_secret, 1_000) {
        return Err(Refusal::new(Code::MissingClientSecret).at("client_secret"));
    }
    if is_long(&form.role_claim, 100) || is_long(&form.roles, 8_000) {
        return Err(Refusal::new(Code::InvalidRoleMapping).at("roles"));
    }
    if is_deceptive(&form.role_claim) || form.roles.lines().any(is_deceptive) {
        return Err(Refusal::new(Code::InvalidRoleMapping).at("roles"));
    }
    read_roles(&form.roles)?;
    let (role_claim, roles) = (form.role_claim.trim().to_owned(), form.roles.trim().to_owned());
    Ok(Sso {
        account,
        issuer,
        client_id,
        sealed,
        domains,
        scopes,
        client_auth: client_auth.to_owned(),
        trusts_emails: form.trusts_emails.is_some(),
        default_role,
        role_claim,
        roles,
    })
}

/// Parses one or more domains. A text is a domain if it forms a valid email address.
fn read_domains(text: &str) -> Result<Vec<Domain>, Refusal> {
    let words = text.split([' ', ',', ';', '\n', '\r', '\t']).filter(|word| !word.is_empty());
    let read = |word: &str| {
        // Mail can't come from `ann@localhost`.
        let word = word.contains('.').then_some(word)?;
        let email: Email = format!("x@{}", word.trim_start_matches('@')).parse().ok()?;
        Some(email.domain())
    };
    let names = words
        .map(read)
        .collect::<Option<BTreeSet<_>>>()
        .ok_or(Refusal::new(Code::InvalidDomain).at("domain"))?;
    if names.is_empty() || names.len() > 20 {
        return Err(Refusal::new(Code::InvalidDomain).at("domain"));
    }
    Ok(names.into_iter().map(|name| Domain { name, is_confirmed: false }).collect())
}

/// Parses scopes separated by spaces (RFC 6749, section 3.3). `openid` is always requested; by default, so are `email`
/// and `profile`.
fn read_scopes(text: &str) -> Result<String, Refusal> {
    let is_scope =
        |word: &&str| word.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    let words: Vec<_> = text.split_whitespace().filter(|word| *word != "openid").collect();
    if text.len() > 300 || !words.iter().all(is_scope) {
        return Err(Refusal::new(Code::InvalidSsoScopes).at("scopes"));
    }
    Ok(if text.trim().is_empty() { "email profile".to_owned() } else { words.join(" ") })
}

/// Parses lines of `value = role`. A provider's claim can't make a user an owner.
pub(super) fn read_roles(text: &str) -> Result<Vec<(String, Role)>, Refusal> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| {
        let (value, role) = line.rsplit_once('=')?;
        let role = role.trim().parse::<Role>().ok().filter(|role| *role != Role::Owner)?;
        Some((value.trim().to_owned(), role))
    };
    lines
        .map(read)
        .collect::<Option<_>>()
        .ok_or_else(|| Refusal::new(Code::InvalidRoleMapping).at("roles"))
}

pub(crate) async fn remove(app: &AppState, caller: &Caller) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageSso).await?;
    let account = caller.account.id;
    let before = write.find_sso(account).await?.ok_or(Code::NotFound)?;
    write.remove_sso(account).await?;
    let removed = Event::AccountSsoChanged { before: Some(terms(&before)), after: None };
    write.commit(caller.entry(removed, account)).await?;
    Ok(())
}

/// Confirms the provider and the domain as they were shown to the operator.
pub(crate) async fn confirm(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
    (issuer, domain): (&str, &str),
) -> Result<(), Refusal> {
    let mut write = Administrator::Operator(operator)
        .begin((&app.store, app.now()), OperatorPermission::ManageAccounts)
        .await?;
    let account = write.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    write.find_sso(account.id).await?.ok_or(Code::NotFound)?;
    let domains: Vec<_> = domain.split_whitespace().collect();
    write.confirm_sso(account.id, (issuer, &domains)).await.map_err(|error| match error {
        StoreError::Conflict => Refusal::new(Code::SsoSettingsChanged),
        error => error.into(),
    })?;
    let domains = domains.into_iter().map(str::to_owned).collect();
    let after = ApprovedSso { issuer: issuer.to_owned(), domains };
    let approved = Event::AccountSsoApproved { after };
    write.commit(Administrator::Operator(operator).entry(approved, account.id)).await?;
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
