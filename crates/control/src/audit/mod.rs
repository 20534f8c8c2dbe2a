//! The audit log as people read it: who may, in what words, and the files that it is taken away in.

pub(crate) mod console;

use crate::{AppState, principal::Caller, refusal::Refusal};
use keydesk_model::{AccountId, Permission, Timestamp};
use keydesk_store::{AuditLine, AuditSearch};

/// How many entries stand on a page.
const PAGE: u32 = 50;

/// What someone looks for, as typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub event: String,
    pub text: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub before: Option<i64>,
}

impl Wanted {
    fn search(self, account: Option<AccountId>, limit: u32) -> AuditSearch {
        let Self { event, text, since, until, before } = self;
        AuditSearch { account, event, text, since, until, before, limit }
    }
}

/// A page of the caller's account's log, and whether more follows.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    caller.permit(Permission::SeeAudit)?;
    search(app, Some(caller.account.id), wanted).await
}

/// A page of what concerns no account, for operators.
pub(crate) async fn list_of_instance(
    app: &AppState,
    _: &crate::principal::Operator,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    search(app, None, wanted).await
}

async fn search(
    app: &AppState,
    account: Option<AccountId>,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Refusal> {
    let search = wanted.search(account, PAGE + 1);
    let mut lines = app.store.read().await?.search_audit(&search).await?;
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    Ok((lines, has_more))
}
