//! The request log of an account: its newest requests, and why one failed.

pub(crate) mod api;
pub(crate) mod console;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{Event, LoggedRequest, Permission, TokenId};
use keydesk_store::{Page, PageSearch, RequestFilter, TokenLabel};
use std::collections::HashMap;

/// A request, and what its token is called.
#[derive(Debug)]
pub(crate) struct ShownRequest {
    pub request: LoggedRequest,
    pub token: Option<TokenLabel>,
}

/// Returns a page of the account's requests, newest first.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    filter: &RequestFilter,
    search: &PageSearch,
) -> Result<Page<ShownRequest>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let account = &caller.account;
    let mut read = app.store.read().await?;
    let Page { items, next } = read.list_requests(account.number, filter, search).await?;
    let labels = read.list_token_names(account.id).await?;
    let labels: HashMap<_, _> = labels.into_iter().map(|label| (label.id, label)).collect();
    let items = items.into_iter().map(|request| ShownRequest {
        token: request.token.and_then(|token| labels.get(&token).cloned()),
        request,
    });
    Ok(Page { items: items.collect(), next })
}

/// Returns a request of the account by its ID, which every response has.
pub(crate) async fn find(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<ShownRequest, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let account = &caller.account;
    let mut read = app.store.read().await?;
    let request = read.find_request(account.number, id.trim()).await?;
    let request = request.ok_or(Code::UnknownRequest)?;
    let token = match request.token {
        Some(token) => read.find_token_label(account.id, token).await?,
        None => None,
    };
    Ok(ShownRequest { request, token })
}

/// Returns what one of the account's tokens is called.
pub(crate) async fn find_label(
    app: &AppState,
    caller: &Caller,
    token: TokenId,
) -> Result<TokenLabel, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let found = app.store.read().await?.find_token_label(caller.account.id, token).await?;
    Ok(found.ok_or(Code::NotFound)?)
}

/// Returns whether the account's requests are logged.
pub(crate) async fn is_logging(app: &AppState, caller: &Caller) -> Result<bool, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    Ok(app.store.read().await?.logs_requests(caller.account.id).await?)
}

/// Turns the request log of the account on or off. When it is turned off, what is in it is deleted.
pub(crate) async fn set_logging(app: &AppState, caller: &Caller, on: bool) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    let account = caller.account.id;
    let before = write.logs_requests(account).await?;
    write.set_logs_requests(account, on).await?;
    let event = Event::AccountRequestLogChanged { before, after: on };
    write.commit(caller.entry(event, account)).await?;
    Ok(())
}

/// What can be done about a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Restore or replace the token.
    ReplaceToken(TokenId),
    /// Add the scope or the IP address to the limits of the token.
    ChangeLimits(TokenId),
    /// The account uses more than its plan permits.
    SeeAccountLimits,
    /// Copy endpoint URL and token from *API Docs*.
    CheckCredentials,
    /// The API itself responded, or could not be reached.
    AskProvider,
}

/// Returns what can be done, or `None` if nothing is known, or nothing has failed.
pub(crate) fn next_step(request: &LoggedRequest) -> Option<NextStep> {
    if request.is_upstreams {
        return (request.status >= 400).then_some(NextStep::AskProvider);
    }
    let step = match (request.code.as_str(), request.token) {
        ("insufficient_scope" | "ip_not_allowed", Some(token)) => NextStep::ChangeLimits(token),
        ("rate_limited" | "quota_exceeded", _) => NextStep::SeeAccountLimits,
        ("client_closed_request", _) => return None,
        ("account_suspended" | "account_closed", _) => NextStep::AskProvider,
        (code, _) if code.starts_with("upstream_") || code == "invalid_upstream_response" => {
            NextStep::AskProvider
        }
        (_, Some(token)) if request.status == 401 => NextStep::ReplaceToken(token),
        (_, None) => NextStep::CheckCredentials,
        _ => return None,
    };
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::{RequestOutcome, Timestamp};

    #[test]
    fn each_failure_has_a_next_step() {
        let token = TokenId::from_bytes([7; 16]);
        let step = |status, code: &str, of: Option<TokenId>, is_upstreams| {
            next_step(&LoggedRequest {
                id: "req_1".to_owned(),
                at: Timestamp::from_micros(0),
                account: "385403".parse().expect("a number"),
                token: of,
                outcome: RequestOutcome::Failed,
                method: "GET".to_owned(),
                path: "/contacts".to_owned(),
                operation: String::new(),
                status,
                is_upstreams,
                code: code.to_owned(),
                duration_us: 1,
                client: "curl".to_owned(),
                client_ip: "192.0.2.1".to_owned(),
                upstream: String::new(),
            })
        };
        let own = Some(token);
        assert_eq!(step(401, "token_expired", own, false), Some(NextStep::ReplaceToken(token)));
        assert_eq!(
            step(403, "insufficient_scope", own, false),
            Some(NextStep::ChangeLimits(token))
        );
        assert_eq!(step(429, "rate_limited", own, false), Some(NextStep::SeeAccountLimits));
        assert_eq!(step(401, "missing_token", None, false), Some(NextStep::CheckCredentials));
        assert_eq!(step(404, "", own, true), Some(NextStep::AskProvider));
        assert_eq!(step(504, "upstream_timeout", own, false), Some(NextStep::AskProvider));
        assert_eq!(step(200, "", own, true), None);
        assert_eq!(step(499, "client_closed_request", own, false), None);
    }
}
