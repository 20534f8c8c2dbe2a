//! The log of events by pull: the entries of the audit log in their order, with the digests that show that none is
//! missing.

pub(crate) mod api;

use super::WebhookOwner;
use crate::{
    AppState,
    principal::{Caller, Operator},
    refusal::Refusal,
};
use keydesk_store::LoggedEvent;

/// A part of the log, and whether more follows.
pub(crate) struct EventPage {
    pub events: Vec<LoggedEvent>,
    pub has_more: bool,
    /// Whether the caller can read the audit entries, too.
    pub has_entries: bool,
}

/// Returns the events of the account after a number, oldest first.
pub(crate) async fn list_events(
    app: &AppState,
    caller: &Caller,
    (after, limit): (i64, u32),
) -> Result<EventPage, Refusal> {
    caller.permit_to_see()?;
    let mut read = app.store.read().await?;
    let events = read.list_events_of(caller.account.id, after, limit + 1).await?;
    Ok(page(events, limit, caller))
}

/// Returns the events of all accounts and of the instance after a number, oldest first.
pub(crate) async fn list_all_events(
    app: &AppState,
    operator: &Operator,
    (after, limit): (i64, u32),
) -> Result<EventPage, Refusal> {
    operator.permit_to_see()?;
    let events = app.store.read().await?.list_events(after, limit + 1).await?;
    Ok(page(events, limit, operator))
}

fn page(mut events: Vec<LoggedEvent>, limit: u32, owner: &impl WebhookOwner) -> EventPage {
    let has_more = events.len() > limit as usize;
    events.truncate(limit as usize);
    EventPage { events, has_more, has_entries: owner.permit_audit_entries().is_ok() }
}
