//! Emails about leaked secrets: to the members who can replace them and, for bearer tokens, also to the operators.

use super::{Leak, Remedy, entry};
use crate::{
    AppState,
    mail::{LeakedToken, Message, NextStep, members_with},
    refusal::Refusal,
};
use keydesk_model::{CANARY_SUMMARY, Event, Origin, Permission, Role, audit::LeakReport};
use keydesk_store::{Canary, ManagementKey, NoticeKind, StoreError};

/// Notifies the members who are responsible for a leaked token, and what stops working. The email names the receipt of the
/// revocation, so it is added after that.
pub(super) async fn notify(app: &AppState, leak: &Leak<'_>) -> Result<(), StoreError> {
    let token = &leak.secret.token;
    let mut write = app.store.write(app.now()).await?;
    let account = write.find_account(token.account).await?;
    let recipients = write.list_whom_to_tell(token.account, token.id).await?;
    let operators = match leak.remedy {
        // A member could report their own token again and again.
        Remedy::Replace(_) if app.leak_notices.take(&token.id.to_string(), app.now()).is_ok() => {
            write.list_operators().await?
        }
        _ => Vec::new(),
    };
    let next = match leak.remedy {
        Remedy::Replace(_) => NextStep::UseNewBearerToken,
        Remedy::RevokePrevious => NextStep::UpdateOldClients,
        Remedy::Revoke | Remedy::EndHold(_) => NextStep::CreateReplacement,
    };
    let account = account.map(|account| account.name).unwrap_or_default();
    let clients: Vec<_> = leak.clients.iter().map(|client| &*client.name).collect();
    let receipt = leak.receipt.as_ref();
    let receipt = receipt.and_then(|issued| issued.number.zip(issued.effective_at));
    let (account, report, clients) = (account.as_str(), leak.report, clients.as_slice());
    let described = LeakedToken { token, account, report, clients, receipt, next };
    let operators = operators.into_iter().map(|operator| (operator.email, None));
    let mut notified = Vec::new();
    for (email, language) in recipients.into_iter().chain(operators) {
        // An operator may be a member, too.
        if notified.contains(&email) {
            continue;
        }
        let message =
            Message::to(language, || Message::token_leaked(&described, &app.settings.console_url));
        app.add_mail(&mut write, &email, message).await?;
        notified.push(email);
    }
    write.keep().await
}

/// Notifies the administrators of the account, or the operators, that a management key has leaked.
pub(super) async fn notify_about_key(
    app: &AppState,
    key: &ManagementKey,
    report: &LeakReport,
) -> Result<(), StoreError> {
    let url = &app.settings.console_url;
    let mut write = app.store.write(app.now()).await?;
    let Some(account) = key.account else {
        for operator in write.list_operators().await? {
            let message = Message::key_leaked(key, "", report, url);
            app.add_mail(&mut write, &operator.email, message).await?;
        }
        return write.keep().await;
    };
    let members = members_with(&mut write, account, |role| role >= Role::Administrator).await?;
    let account = write.find_account(account).await?.map(|account| account.name);
    let account = account.unwrap_or_default();
    let message = || Message::key_leaked(key, &account, report, url);
    app.add_mail_to(&mut write, &members, message).await?;
    write.keep().await
}

/// Raises the alarm for a canary token that someone has found: at most one in ten minutes.
pub(super) async fn raise_canary_alarm(
    app: &AppState,
    canary: &Canary,
    report: &LeakReport,
    origin: &Origin,
) -> Result<(), Refusal> {
    if canary.removed_at.is_some() {
        return Ok(());
    }
    let mut write = app.store.write(app.now()).await?;
    let period = write.now().as_micros() / i64::try_from(CANARY_SUMMARY.as_micros()).unwrap_or(1);
    // Who checks a digest first doesn't hide the report of a known service.
    let subject = format!("{} {}", canary.id, report.reporter.as_str());
    if !write.note(&subject, NoticeKind::CanaryFound, period).await? {
        return Ok(());
    }
    let may_see = |role: Role| role.may(Permission::SeeCanaries);
    let members = members_with(&mut write, canary.account, may_see).await?;
    let event = Event::CanaryLeaked { name: canary.name.clone(), report: report.clone() };
    let of = (Some(canary.account), &*canary.id.to_string());
    let url = &app.settings.console_url;
    let message = || Message::canary_leaked((&canary.name, report), origin, url);
    app.add_mail_to(&mut write, &members, message).await?;
    write.commit(entry(event, of, origin)).await?;
    tracing::warn!(canary = %canary.id, reporter = report.reporter.as_str(), "a canary token was found");
    Ok(())
}
