//! Unfamiliar uses of API tokens, for accounts that want to know: a client that never used a token, from a network that it
//! was never used from. The token can be paused until a member has looked at it.

use crate::{AppState, mail::Message, tokens::is_restorable};
use keydesk_model::{
    Actor, Event, FirstUse, Origin, Timestamp, TokenState, UnfamiliarUse, audit::Rfc3339,
};
use keydesk_store::{AuditEntry, Happened, NoticeKind, StoreError};

/// Looks at the uses that began after `since`.
pub(super) async fn look_at_uses(app: &AppState, since: Timestamp) -> Result<(), StoreError> {
    let uses = app.store.read().await?.list_first_uses(since).await?;
    for found in uses {
        let others = app.store.read().await?.list_first_uses_of(found.token).await?;
        let (client, client_ip) = (found.client.clone(), found.client_ip.clone());
        if (FirstUse { client, client_ip, at: found.at }).is_unfamiliar(&others) {
            record(app, &found).await?;
        }
    }
    Ok(())
}

async fn record(app: &AppState, found: &Happened) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let subject = found.token.to_string();
    // Another node may have been first.
    if !write.note(&subject, NoticeKind::Unfamiliar, found.at.as_micros()).await? {
        return Ok(());
    }
    let account = write.find_account(found.account).await?;
    let token = write.find_token(found.account, found.token).await?;
    let (Some(account), Some(token)) = (account, token) else { return Ok(()) };
    let is_active = token.state(write.now()) == TokenState::Active;
    let paused = account.unfamiliar_use == UnfamiliarUse::Pause && is_active;
    if paused {
        write.hold_token(token.id, None).await?;
    }
    let recipients = write.list_whom_to_tell(account.id, token.id).await?;
    let entry = AuditEntry {
        event: Event::TokenUnfamiliarUse { at: Rfc3339(found.at), paused },
        actor: Actor::Node,
        origin: Origin {
            client_ip: found.client_ip.parse().ok(),
            user_agent: Some(found.client.clone()),
            request_id: String::new(),
        },
        account: Some(account.id),
        target: subject,
    };
    let is_paused = paused || is_restorable(&token, write.now());
    for (email, language) in recipients {
        let url = &app.settings.console_url;
        let message = Message::to(language, || {
            Message::unfamiliar_use((&token, &account.name), found, is_paused, url)
        });
        app.add_mail(&mut write, &email, message).await?;
    }
    app.commit_with_receipt(write, entry).await?;
    Ok(())
}
