//! The request log of an account: its newest requests, and why one failed.

pub(crate) mod api;
pub(crate) mod console;

use crate::{
    AppState,
    failing_clients::{Rejected, Remedy, list_remedies},
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{Event, LoggedRequest, Permission, TokenId, without_version};
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
    let text = without_version(&search.text).to_owned();
    let search = PageSearch { text, ..search.clone() };
    let mut read = app.store.read().await?;
    let Page { items, next } = read.list_requests(account.number, filter, &search).await?;
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

/// Returns what can be done about a request that failed.
pub(crate) async fn list_next_steps(
    app: &AppState,
    caller: &Caller,
    request: &LoggedRequest,
) -> Result<Vec<Remedy>, Refusal> {
    if is_providers_fault(request) {
        return Ok(vec![Remedy::AskProvider]);
    }
    if request.code == "client_closed_request" || !(400..500).contains(&request.status) {
        return Ok(Vec::new());
    }
    list_remedies(app, caller, Rejected::from(request)).await
}

/// Returns whether the API itself responded with an error, or could not be reached.
fn is_providers_fault(request: &LoggedRequest) -> bool {
    (request.is_upstreams && request.status >= 400)
        || request.code.starts_with("upstream_")
        || request.code == "invalid_upstream_response"
}
