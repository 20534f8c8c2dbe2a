//! Reminders of tokens that expire soon: 30, 7, and 1 days before, to their creators if they are still members, and to
//! the account's administrators.

use crate::{AppState, mail::Message};
use keydesk_model::{Actor, Event, Origin, Timestamp, audit::Rfc3339};
use keydesk_store::{AuditEntry, Expiring, StoreError};
use std::time::Duration;

/// The shortest first: if two are due, only the shorter is sent.
const DAYS: [u64; 3] = [1, 7, 30];

fn days(count: u64) -> Duration {
    Duration::from_hours(24 * count)
}

/// The number of active API tokens that expire within a day, a week, and a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiringSoon {
    pub within: [(u64, usize); 3],
}

/// Sends the reminders that are due and not sent yet. Safe on many nodes concurrently: each reminder is sent by one.
pub async fn send_reminders(app: &AppState) -> Result<ExpiringSoon, StoreError> {
    let now = app.now();
    let expiring = app.store.read().await?.list_expiring_tokens(now, now.plus(days(30))).await?;
    let count = |within: u64| {
        (within, expiring.iter().filter(|token| token.expires_at <= now.plus(days(within))).count())
    };
    let soon = ExpiringSoon { within: DAYS.map(count) };
    if app.mailer.can_send() {
        for token in &expiring {
            remind(app, token, now).await?;
        }
    }
    Ok(soon)
}

async fn remind(app: &AppState, token: &Expiring, now: Timestamp) -> Result<(), StoreError> {
    // A token with a lifetime of 30 days needs no 30-day reminder on its first day.
    let life = token.expires_at.since(token.created_at);
    let is_due =
        |within: &&u64| token.expires_at <= now.plus(days(**within)) && life > days(**within);
    let Some(within) = DAYS.iter().find(is_due) else { return Ok(()) };
    let mut write = app.store.write(now).await?;
    let within_days = i64::try_from(*within).unwrap_or(i64::MAX);
    if !write.note_reminder(token.token, token.expires_at, within_days).await? {
        return Ok(());
    }
    let recipients = write.list_whom_to_tell(token.account, token.token).await?;
    let entry = AuditEntry {
        event: Event::TokenExpiring {
            days: *within,
            expires_at: Rfc3339(token.expires_at),
            recipients: recipients.len(),
        },
        actor: Actor::Node,
        origin: Origin::default(),
        account: Some(token.account),
        target: token.token.to_string(),
    };
    for (email, language) in recipients {
        let message = Message::to(language, || Message::expiring(token, &app.settings.console_url));
        app.add_mail(&mut write, &email, message).await?;
    }
    write.commit(entry).await?;
    Ok(())
}
