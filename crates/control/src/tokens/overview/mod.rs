//! Everything about one token: its facts, its usage, its clients, its last failed requests, and its changes.

pub(crate) mod console;

use super::{ObservedClients, clients::sort_clients};
use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
    usage::{Bucket, Grouping, MONTH, Usage, UsageQuery, read},
};
use jiff::tz::TimeZone;
use keydesk_model::{AlertKind, LoggedRequest, Permission, RequestOutcome, TokenId};
use keydesk_store::{AuditLine, PageSearch, RequestFilter, Token};
use std::collections::BTreeSet;

/// The number of failed requests, and of changes.
const MOST: u32 = 5;

pub(crate) struct TokenOverview {
    pub token: Token,
    /// By day and client.
    pub usage: Usage,
    pub clients: ObservedClients,
    pub failed: Vec<LoggedRequest>,
    /// The newest entries of the audit log, or `None` if the caller may not see it.
    pub changes: Option<Vec<AuditLine>>,
    /// The kinds of alerts that are off for the token.
    pub alerts_off: BTreeSet<AlertKind>,
}

/// Returns a token of the account, with what was observed of it.
pub(crate) async fn find_token_overview(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<TokenOverview, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let account = &caller.account;
    let found = app.store.read().await?.find_token(account.id, id).await?;
    let token = found.ok_or(Code::NotFound)?;
    let until = Bucket::Day.end(app.now(), &TimeZone::UTC);
    let wanted = UsageQuery {
        since: until.minus(MONTH),
        until,
        bucket: Bucket::Day,
        zone: TimeZone::UTC,
        grouping: Grouping::Client,
        token: Some(id),
    };
    let usage = read(app, caller, &wanted).await?;
    let clients = sort_clients(app, id).await?;
    let mut store = app.store.read().await?;
    let filter = RequestFilter { outcome: Some(RequestOutcome::Failed), token: Some(id) };
    let newest = PageSearch { text: String::new(), after: None, limit: MOST };
    let failed = store.list_requests(account.number, &filter, &newest).await?.items;
    let changes = if caller.may(Permission::SeeAudit) {
        Some(store.list_audit_of(account.id, &id.to_string(), MOST).await?)
    } else {
        None
    };
    let alerts_off = store.find_alert_settings(&id.to_string()).await?.off;
    Ok(TokenOverview { token, usage, clients, failed, changes, alerts_off })
}
