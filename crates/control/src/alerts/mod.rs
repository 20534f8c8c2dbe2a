//! Alerts: unusual use of tokens. This module decides who gets an email about it, and when; `watch` finds it.

pub(crate) mod api;
pub(crate) mod console;
mod watch;

pub use watch::AlertWatch;

use crate::{
    AppState,
    mail::{Message, members_with},
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    AccountId, AlertKind, AlertSettings, Email, Event, Language, Permission, Role, TokenId,
};
use keydesk_store::{AuditLine, StoreError, Write};
use std::collections::BTreeSet;

/// The number of alerts on a page.
const RECENT: u32 = 50;

/// Returns the alerts that the account gets by email.
pub(crate) async fn find_settings(
    app: &AppState,
    caller: &Caller,
) -> Result<AlertSettings, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let account = caller.account.id.to_string();
    Ok(app.store.read().await?.find_alert_settings(&account).await?)
}

/// Returns the newest alerts of the account.
pub(crate) async fn list_recent(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<AuditLine>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    Ok(app.store.read().await?.list_alerts(caller.account.id, RECENT).await?)
}

/// Sets the alerts that the account gets by email, and its quiet hours.
pub(crate) async fn set_settings(
    app: &AppState,
    caller: &Caller,
    after: AlertSettings,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    let account = caller.account.id;
    let before = write.find_alert_settings(&account.to_string()).await?;
    write.set_alert_settings(&account.to_string(), &after).await?;
    write.commit(caller.entry(Event::AccountAlertsChanged { before, after }, account)).await?;
    Ok(())
}

/// Returns the kinds of alerts that are off for a token.
pub(crate) async fn find_token_alerts(
    app: &AppState,
    caller: &Caller,
    token: TokenId,
) -> Result<BTreeSet<AlertKind>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let mut read = app.store.read().await?;
    read.find_token(caller.account.id, token).await?.ok_or(Code::NotFound)?;
    Ok(read.find_alert_settings(&token.to_string()).await?.off)
}

/// Sets the kinds of alerts that are off for a token.
pub(crate) async fn set_token_alerts(
    app: &AppState,
    caller: &Caller,
    token: TokenId,
    off: BTreeSet<AlertKind>,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let found = write.find_token(caller.account.id, token).await?.ok_or(Code::NotFound)?;
    if !caller.manages_tokens_of(found.token_owner) {
        return Err(Code::NotFound.into());
    }
    let before = write.find_alert_settings(&token.to_string()).await?;
    let after = AlertSettings { off, quiet_hours: None };
    write.set_alert_settings(&token.to_string(), &after).await?;
    write.commit(caller.entry(Event::TokenAlertsChanged { before, after }, token)).await?;
    Ok(())
}

/// Adds the email of an alert to a transaction, unless the account or the token doesn't want it. During quiet hours, it is
/// sent when they end.
pub(crate) async fn add_alert_mail(
    app: &AppState,
    write: &mut Write,
    (account, token): (AccountId, Option<TokenId>),
    kind: AlertKind,
    message: impl Fn() -> Message,
) -> Result<(), StoreError> {
    let settings = write.find_alert_settings(&account.to_string()).await?;
    let mut off = settings.off;
    if let Some(token) = token {
        off.extend(write.find_alert_settings(&token.to_string()).await?.off);
    }
    if off.contains(&kind) {
        return Ok(());
    }
    let not_before = settings.quiet_hours.and_then(|hours| hours.end(write.now()));
    for (email, language) in recipients(write, account, token).await? {
        let message = Message { not_before, ..Message::to(language, &message) };
        app.add_mail(write, &email, message).await?;
    }
    Ok(())
}

type Recipients = Vec<(Email, Option<Language>)>;

/// The creator of a token, and the administrators.
async fn recipients(
    write: &mut Write,
    account: AccountId,
    token: Option<TokenId>,
) -> Result<Recipients, StoreError> {
    if let Some(token) = token {
        return write.list_whom_to_tell(account, token).await;
    }
    let members = members_with(write, account, |role| role >= Role::Administrator).await?;
    Ok(members.into_iter().map(|member| (member.email, member.language)).collect())
}
