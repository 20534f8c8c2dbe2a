//! The job that raises alarms for used canary tokens: one at the first use, then at most one in ten minutes. Safe on many
//! nodes concurrently: the uses of an alarm are taken in its transaction.

use crate::{
    AppState,
    mail::{Message, members_with},
};
use keydesk_model::{
    Actor, CANARY_SUMMARY, Event, Origin, Permission, Role, Timestamp, audit::Rfc3339,
};
use keydesk_store::{AuditEntry, Canary, StoreError};

/// Raises the alarms that are due.
pub async fn raise_canary_alarms(app: &AppState) -> Result<(), StoreError> {
    let before = app.now().minus(CANARY_SUMMARY);
    let used = app.store.read().await?.list_used_canaries(before).await?;
    for canary in &used {
        raise(app, canary, before).await?;
    }
    Ok(())
}

async fn raise(app: &AppState, canary: &Canary, before: Timestamp) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    // Another node may have been first.
    let now = write.find_canary(canary.account, canary.id).await?;
    let is_due = now.is_some_and(|canary| canary.alarmed_at.is_none_or(|at| at <= before));
    let uses = write.take_canary_uses(canary.id).await?;
    let Some(first) = uses.first().filter(|_| is_due) else {
        // A removed canary raises no alarm.
        return write.keep().await;
    };
    let count: i64 = uses.iter().map(|used| used.uses).sum();
    let may_see = |role: Role| role.may(Permission::SeeCanaries);
    let members = members_with(&mut write, canary.account, may_see).await?;
    let entry = AuditEntry {
        event: Event::CanaryUsed {
            name: canary.name.clone(),
            uses: count,
            at: Rfc3339(first.at),
            method: first.method.clone(),
            path: first.path.clone(),
        },
        actor: Actor::AnonymousUser,
        origin: Origin {
            client_ip: first.client_ip.parse().ok(),
            user_agent: Some(first.client.clone()),
            request_id: first.request_id.clone(),
        },
        account: Some(canary.account),
        target: canary.id.to_string(),
    };
    let url = &app.settings.console_url;
    let message = || Message::canary_used((&canary.name, count), first, url);
    app.add_mail_to(&mut write, &members, message).await?;
    write.commit(entry).await?;
    tracing::warn!(canary = %canary.id, uses = count, "a canary token was used");
    Ok(())
}
