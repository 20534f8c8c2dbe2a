//! `/api-docs`: the page that everything else is there for.

use super::{
    openapi::Operation,
    served,
    snippets::{Snippet, snippets},
};
use crate::{
    Desk,
    caller::{Authenticated, Caller},
    chrome::{Chrome, Done, Nav, done, page},
    freshness::FreshForm,
    guard,
    problem::Problem,
    say,
    tokens::{
        self, Program,
        console::{RotateForm, Row},
    },
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Right, Role};
use keydesk_token::PlainToken;

#[derive(Template)]
#[template(path = "api_docs/show.html")]
struct ShowPage {
    chrome: Chrome,
    email: String,
    number: String,
    endpoint_url: String,
    whoami: String,
    /// What "call it from this browser" calls: the same as the snippets.
    first_url: String,
    api_title: String,
    /// None: the password was given too long ago.
    bearer: Option<PlainToken>,
    snippets: Vec<Snippet>,
    programs: Vec<Program>,
    /// They used the bearer token before it was replaced.
    left_behind: Vec<Program>,
    tokens: Vec<Row>,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "api_docs/viewer.html")]
struct ViewerPage {
    chrome: Chrome,
    ask: Vec<(String, String)>,
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let chrome = Chrome::of(&caller, say("api-docs"), Nav::ApiDocs).with_notice(&query);
    if !caller.member.role.may(Right::UseApiDocs) {
        return Ok(page(&ViewerPage { chrome, ask: whom_to_ask(&desk, &caller).await? }));
    }
    let now = desk.now();
    let bearer = if caller.is_fresh(now) {
        Some(tokens::view_bearer_token(&desk, &caller).await?)
    } else {
        None
    };
    let programs = tokens::sort_programs_of_member(&desk, &caller.member).await?;
    let tokens = tokens::list_api_tokens(&desk, &caller).await?;
    let live = tokens.into_iter().map(|token| Row::new(token, now)).filter(|row| row.is_live);
    let operations = desk.openapi.operations().await;
    let endpoint_url = desk.settings.endpoint_url(caller.account.number);
    let whoami = format!("{endpoint_url}/{}/whoami", desk.settings.reserved_prefix);
    let first = first_path(&desk, &operations);
    Ok(page(&ShowPage {
        chrome,
        email: caller.person.email.to_string(),
        number: caller.account.number.to_string(),
        first_url: format!("{endpoint_url}{first}"),
        api_title: desk.openapi.title().await,
        snippets: snippets(&endpoint_url, &first),
        endpoint_url,
        whoami,
        bearer,
        programs: programs.current,
        left_behind: programs.left_behind,
        tokens: live.take(5).collect(),
        operations,
    }))
}

/// The first operation that a plain GET can try; else who am I.
fn first_path(desk: &Desk, operations: &[Operation]) -> String {
    operations
        .iter()
        .find(|operation| operation.method == "GET" && !operation.path.contains('{'))
        .map_or_else(
            || format!("/{}/whoami", desk.settings.reserved_prefix),
            |operation| operation.path.clone(),
        )
}

/// The owners and administrators, whom a viewer asks.
async fn whom_to_ask(desk: &Desk, caller: &Caller) -> Result<Vec<(String, String)>, Problem> {
    let members = desk.store.read().await?.list_members(caller.account.id).await?;
    let asked = members.into_iter().filter(|member| member.role >= Role::Administrator);
    Ok(asked.map(|member| (member.name, member.email.to_string())).collect())
}

#[derive(Template)]
#[template(path = "api_docs/rotate.html")]
struct RotatePage {
    chrome: Chrome,
    version: i64,
    programs: Vec<Program>,
}

pub(crate) async fn rotate_page(
    State(desk): State<Desk>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.permit(Right::UseApiDocs)?;
    let found = desk.store.read().await?.find_bearer_token(caller.member.id).await?;
    let token = found.ok_or_else(Problem::not_found)?;
    let programs = tokens::list_programs(&desk, token.id).await?;
    let chrome = Chrome::of(&caller, say("rotate-bearer"), Nav::ApiDocs);
    Ok(page(&RotatePage { chrome, version: token.version, programs }))
}

pub(crate) async fn rotate(
    State(desk): State<Desk>,
    fresh: FreshForm<RotateForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    let receipt = tokens::rotate_bearer_token(&desk, &caller, form.version()?).await?;
    Ok(done("/api-docs", "token_rotated", receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "api_docs/reference.html")]
struct ReferencePage {
    token: PlainToken,
}

/// The API reference on a page of its own: Swagger UI, with the reader's token filled in.
pub(crate) async fn reference(
    State(desk): State<Desk>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.permit(Right::UseApiDocs)?;
    if !caller.is_fresh(desk.now()) {
        return Ok(Redirect::to("/confirm?next=/api-docs/reference").into_response());
    }
    if desk.openapi.document().await.is_none() {
        let detail = say("reference-none-why");
        return Err(Problem::new(StatusCode::NOT_FOUND, say("reference-none"), detail));
    }
    let token = tokens::view_bearer_token(&desk, &caller).await?;
    let mut response = page(&ReferencePage { token });
    if let Ok(policy) = HeaderValue::from_str(&guard::policy(&desk.settings, "'self' data:")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The operator's document, for this reader.
pub(crate) async fn document(
    State(desk): State<Desk>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.permit(Right::UseApiDocs)?;
    let document = desk.openapi.document().await.ok_or_else(Problem::not_found)?;
    let document = served::serve(&document, &desk.settings.endpoint_url(caller.account.number));
    Ok(([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response())
}
