//! Who is told that a secret has leaked: the members who can replace it, and for a member's own token the operators, too.

use super::{Leak, Remedy, entry};
use crate::{
    AppState,
    mail::{Message, members_with},
    refusal::Refusal,
};
use keydesk_model::{Event, Origin, Permission, Role, audit::LeakReport};
use keydesk_store::{Canary, ManagementKey, StoreError};

/// What the members should do about a leaked token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Create a successor on the page that is filled in for it.
    CreateSuccessor,
    /// The member has a new bearer token.
    UseNewBearerToken,
    /// Only clients with the previous secret must be updated.
    UpdateOldClients,
}

/// Tells the members who are responsible for a leaked token, and what stops working.
pub(super) async fn notify(app: &AppState, leak: &Leak<'_>) -> Result<(), StoreError> {
    let token = &leak.secret.token;
    let mut read = app.store.read().await?;
    let account = read.find_account(token.account).await?;
    let recipients = read.list_whom_to_tell(token.account, token.id).await?;
    let operators = match leak.remedy {
        Remedy::Replace(_) => read.list_operators().await?,
        _ => Vec::new(),
    };
    drop(read);
    let next = match leak.remedy {
        Remedy::Replace(_) => NextStep::UseNewBearerToken,
        Remedy::RevokePrevious => NextStep::UpdateOldClients,
        Remedy::Revoke | Remedy::EndHold(_) => NextStep::CreateSuccessor,
    };
    let account = account.map(|account| account.name).unwrap_or_default();
    let operators = operators.into_iter().map(|operator| (operator.email, None));
    let mut told = Vec::new();
    for (email, language) in recipients.into_iter().chain(operators) {
        // An operator may be a member, too.
        if told.contains(&email) {
            continue;
        }
        let message = Message::to(language, || {
            let of = (token, account.as_str());
            let what = (leak.report, next, leak.receipt.as_ref());
            Message::token_leaked(of, what, &leak.clients, &app.settings.console_url)
        });
        app.send_mail(&email, message);
        told.push(email);
    }
    Ok(())
}

/// Tells the administrators of the account, or the operators, that a management key has leaked.
pub(super) async fn notify_about_key(
    app: &AppState,
    key: &ManagementKey,
    report: &LeakReport,
) -> Result<(), StoreError> {
    let url = &app.settings.console_url;
    let mut read = app.store.read().await?;
    let Some(account) = key.account else {
        let operators = read.list_operators().await?;
        for operator in operators {
            app.send_mail(&operator.email, Message::key_leaked(key, "", report, url));
        }
        return Ok(());
    };
    let members = members_with(&mut read, account, |role| role >= Role::Administrator).await?;
    let account = read.find_account(account).await?.map(|account| account.name);
    let account = account.unwrap_or_default();
    app.send_mail_to(&members, || Message::key_leaked(key, &account, report, url));
    Ok(())
}

/// Raises the alarm for a canary token that somebody has found: at most one in ten minutes.
pub(super) async fn raise_canary_alarm(
    app: &AppState,
    canary: &Canary,
    report: &LeakReport,
    origin: &Origin,
) -> Result<(), Refusal> {
    let is_due = app.canary_reports.take(&canary.id.to_string(), app.now()).is_ok();
    if canary.removed_at.is_some() || !is_due {
        return Ok(());
    }
    let mut write = app.store.write(app.now()).await?;
    let may_see = |role: Role| role.may(Permission::SeeCanaries);
    let members = members_with(&mut write, canary.account, may_see).await?;
    let event = Event::CanaryLeaked { name: canary.name.clone(), report: report.clone() };
    let of = (Some(canary.account), &*canary.id.to_string());
    write.commit(entry(event, of, origin)).await?;
    tracing::warn!(canary = %canary.id, reporter = report.reporter.as_str(), "a canary token was found");
    let url = &app.settings.console_url;
    app.send_mail_to(&members, || Message::canary_leaked((&canary.name, report), origin, url));
    Ok(())
}
