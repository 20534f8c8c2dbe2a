//! The audit log as people read it: who may, in what words, and the files that it is taken away in.

pub(crate) mod console;
mod export;

use crate::{Desk, caller::Caller, problem::Problem};
use keydesk_model::{AccountId, Right, Timestamp};
use keydesk_store::{AuditLine, AuditSearch};

/// How many entries stand on a page.
const PAGE: u32 = 50;

/// What someone looks for, as typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub action: String,
    pub text: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub before: Option<i64>,
}

impl Wanted {
    fn search(self, account: Option<AccountId>, limit: u32) -> AuditSearch {
        let Self { action, text, since, until, before } = self;
        AuditSearch { account, action, text, since, until, before, limit }
    }
}

/// A page of the caller's account's log, and whether more follows.
pub(crate) async fn list(
    desk: &Desk,
    caller: &Caller,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Problem> {
    caller.permit(Right::SeeAudit)?;
    search(desk, Some(caller.account.id), wanted).await
}

/// A page of what concerns no account, for operators.
pub(crate) async fn list_of_instance(
    desk: &Desk,
    _: &crate::operators::Operator,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Problem> {
    search(desk, None, wanted).await
}

async fn search(
    desk: &Desk,
    account: Option<AccountId>,
    wanted: Wanted,
) -> Result<(Vec<AuditLine>, bool), Problem> {
    let search = wanted.search(account, PAGE + 1);
    let mut lines = desk.store.read().await?.search_audit(&search).await?;
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    Ok((lines, has_more))
}

/// What an action is called on the page; a name that a newer release has written stands for itself.
pub(crate) fn words(action: &str) -> &str {
    match action {
        "account.open" => "Account opened",
        "account.limit" => "Account's limits or plan changed",
        "account.limit_expiry" => "Longest life of tokens changed",
        "account.suspend" => "Account suspended",
        "account.close" => "Account closed",
        "account.restore" => "Account restored",
        "account.forget" => "Closed account's tokens ended for good",
        "session.log_in" => "Logged in",
        "session.log_out" => "Logged out",
        "session.end" => "Session ended",
        "session.confirm_password" => "Password confirmed",
        "session.switch_account" => "Switched to this account",
        "session.log_in_refused" => "Log-in refused",
        "member.log_out_everywhere" => "Logged out from all sessions",
        "person.change_password" => "Password changed",
        "person.request_reset" => "Password reset asked for",
        "person.reset_password" => "Password reset",
        "person.ask_for_email" => "Another e-mail address asked for",
        "person.confirm_email" => "E-mail address confirmed by one side",
        "person.stop_email" => "Change of e-mail address stopped",
        "person.change_email" => "E-mail address changed",
        "account.ask_to_sign_up" => "Sign-up asked for",
        "member.resend_invitation" => "Invitation sent again",
        "account.set_sign_on" => "Single sign-on changed",
        "account.confirm_sign_on" => "Single sign-on confirmed",
        "person.add_second_factor" => "Second factor added",
        "person.remove_second_factor" => "Second factor removed",
        "person.renew_recovery_codes" => "Recovery codes made anew",
        "account.require_second_factor" => "Second factor required, or no more",
        "member.invite" => "Member invited",
        "member.withdraw_invitation" => "Invitation withdrawn",
        "member.accept_invitation" => "Invitation accepted",
        "member.change_role" => "Role changed",
        "member.remove" => "Member removed",
        "token.view" => "Bearer token shown",
        "token.issue" => "API token created",
        "token.rotate" => "Token rotated",
        "token.revoke" => "Token revoked",
        "token.close_old" => "Old secrets closed",
        "token.limit" => "Token's limits changed",
        "token.remind" => "Reminded of a token's end",
        "token.replace" => "Bearer token replaced",
        "token.write_back_endings" => "Forgotten endings written back",
        "operations.change" => "API's rules changed",
        "receipt.issue" => "Receipt issued",
        "key.add" => "Master key added",
        "key.rotate" => "Master key rotated",
        "help.feedback" => "Feedback given",
        "operator.add" => "Operator added",
        "operator.remove" => "Operator removed",
        other => other,
    }
}
