//! The audit log: searching and streaming exports.

pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod forwarding;

use crate::{
    AppState,
    principal::{Caller, Operator},
    refusal::{Code, Refusal, Value},
};
use keydesk_model::{AccountId, Expiry, OperatorPermission, Permission, Timestamp};
use keydesk_store::{AuditLine, AuditSearch, StoreError};
use serde::Deserialize;

/// The number of entries that an export reads at a time.
const PIECE: u32 = 500;

/// The filters of a search, as entered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filters {
    pub event: String,
    pub text: String,
    /// The first and the last day in UTC, both inclusive, such as 2026-11-25.
    pub from: String,
    pub to: String,
    pub before: Option<i64>,
    pub format: String,
}

/// The parsed filters of a search.
#[derive(Clone, Debug)]
struct Wanted {
    event: String,
    text: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    before: Option<i64>,
}

impl Wanted {
    fn search(self, account: Option<AccountId>, limit: u32) -> AuditSearch {
        let Self { event, text, since, until, before } = self;
        AuditSearch { account, event, text, since, until, before, limit }
    }
}

fn day(input: &str, name: &'static str) -> Result<Option<(Timestamp, Timestamp)>, Refusal> {
    if input.is_empty() {
        return Ok(None);
    }
    let invalid = || {
        let label = Value::Sentence { id: name, detail: String::new() };
        Refusal::new(Code::InvalidDate).with("name", label).at(name)
    };
    let Ok(expiry @ Expiry::Through(_)) = input.parse::<Expiry>() else { return Err(invalid()) };
    // Days are in UTC, from midnight to midnight.
    let end =
        expiry.resolve(Timestamp::from_micros(i64::MIN)).ok().flatten().ok_or_else(invalid)?;
    Ok(Some((end.minus(std::time::Duration::from_hours(24)), end)))
}

impl Filters {
    fn wanted(&self) -> Result<Wanted, Refusal> {
        let (since, until) = (day(&self.from, "from")?, day(&self.to, "to")?);
        Ok(Wanted {
            event: self.event.trim().to_owned(),
            text: self.text.chars().take(100).collect(),
            since: since.map(|(start, _)| start),
            until: until.map(|(_, end)| end),
            before: self.before,
        })
    }
}

/// Returns a page of the caller's account's log and whether more entries follow.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    filters: &Filters,
    limit: u32,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    caller.permit(Permission::SeeAudit)?;
    search(app, (Some(caller.account.id), limit), filters).await
}

/// Returns a page of the entries that belong to no account, for operators.
pub(crate) async fn list_of_instance(
    app: &AppState,
    operator: &Operator,
    filters: &Filters,
    limit: u32,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    operator.permit(OperatorPermission::SeeInstance)?;
    search(app, (None, limit), filters).await
}

async fn search(
    app: &AppState,
    (account, limit): (Option<AccountId>, u32),
    filters: &Filters,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    let search = filters.wanted()?.search(account, limit + 1);
    let mut lines = app.store.read().await?.search_audit(&search).await?;
    let has_more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    Ok((lines, has_more))
}

/// The account's matching entries, newest first. Paging by entry number skips entries that are added during the export.
#[derive(Clone)]
pub(crate) struct Export {
    app: AppState,
    account: AccountId,
    /// The remaining entries, or `None` if all have been read.
    rest: Option<Wanted>,
}

impl Export {
    pub fn new(app: AppState, caller: &Caller, filters: &Filters) -> Result<Self, Refusal> {
        caller.permit(Permission::SeeAudit)?;
        Ok(Self { app, account: caller.account.id, rest: Some(filters.wanted()?) })
    }

    /// Returns the next entries and the rest of the export.
    pub async fn next(self) -> Result<Option<(Vec<AuditLine>, Self)>, StoreError> {
        let Some(wanted) = self.rest else { return Ok(None) };
        let search = wanted.clone().search(Some(self.account), PIECE);
        let lines = self.app.store.read().await?.search_audit(&search).await?;
        let last = lines.last().filter(|_| lines.len() == PIECE as usize).map(|line| line.seq);
        let rest = last.map(|before| Wanted { before: Some(before), ..wanted });
        Ok(Some((lines, Self { rest, ..self })))
    }
}
