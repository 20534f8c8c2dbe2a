//! `/api-docs`: the endpoint URL, the bearer token, snippets, and the operations.

use super::{
    openapi::Operation,
    served,
    snippets::{Snippet, snippets},
};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        guard,
        language::text,
        layout::{Done, Nav, PageLayout, done, page},
        problem::Problem,
        reauth::ReauthForm,
    },
    members,
    principal::Caller,
    tokens::{
        self, ObservedClient,
        console::{RotateForm, Row},
    },
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::Permission;
use keydesk_store::{PageSearch, TokenFilter};
use keydesk_token::PlainToken;

#[derive(Template)]
#[template(path = "api_docs/show.html")]
struct ShowPage {
    chrome: PageLayout,
    email: String,
    number: String,
    endpoint_url: String,
    whoami: String,
    /// The URL that "call it from this browser" requests, the same as in the snippets.
    first_url: String,
    api_title: String,
    /// The bearer token, or `None` if the last password entry is too old.
    bearer: Option<PlainToken>,
    snippets: Vec<Snippet>,
    clients: Vec<ObservedClient>,
    /// The clients that used the bearer token before it was rotated.
    left_behind: Vec<ObservedClient>,
    tokens: Vec<Row>,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "api_docs/viewer.html")]
struct ViewerPage {
    chrome: PageLayout,
    ask: Vec<(String, String)>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let chrome = PageLayout::of(&caller, text("api-docs"), Nav::ApiDocs).with_notice(&query);
    if !caller.may(Permission::UseApiDocs) {
        let ask = members::list_administrators(&app, &caller).await?.into_iter();
        let ask = ask.map(|member| (member.name, member.email.to_string())).collect();
        return Ok(page(&ViewerPage { chrome, ask }));
    }
    let now = app.now();
    let bearer = if caller.is_fresh(now) {
        Some(tokens::view_bearer_token(&app, &caller).await?)
    } else {
        None
    };
    let clients = tokens::sort_clients_of_member(&app, &caller.member).await?;
    let newest = PageSearch { text: String::new(), after: None, limit: 5 };
    let tokens = tokens::list_api_tokens(&app, &caller, TokenFilter::Active, &newest).await?;
    let operations = app.openapi.operations().await;
    let endpoint_url = app.settings.endpoint_url(caller.account.number);
    let whoami = format!("{endpoint_url}/{}/whoami", app.settings.reserved_prefix);
    let first = first_path(&app, &operations);
    Ok(page(&ShowPage {
        chrome,
        email: caller.user.email.to_string(),
        number: caller.account.number.to_string(),
        first_url: format!("{endpoint_url}{first}"),
        api_title: app.openapi.title().await,
        snippets: snippets(&endpoint_url, &first),
        endpoint_url,
        whoami,
        bearer,
        clients: clients.current,
        left_behind: clients.left_behind,
        tokens: tokens.items.into_iter().map(|token| Row::new(token, now)).collect(),
        operations,
    }))
}

/// Returns the path of the first operation that a plain GET can request, or else of `whoami`.
fn first_path(app: &AppState, operations: &[Operation]) -> String {
    operations
        .iter()
        .find(|operation| operation.method == "GET" && !operation.path.contains('{'))
        .map_or_else(
            || format!("/{}/whoami", app.settings.reserved_prefix),
            |operation| operation.path.clone(),
        )
}

#[derive(Template)]
#[template(path = "api_docs/rotate.html")]
struct RotatePage {
    chrome: PageLayout,
    version: i64,
    clients: Vec<ObservedClient>,
}

pub(crate) async fn rotate_page(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let (token, clients) = tokens::prepare_bearer_rotation(&app, &caller).await?;
    let chrome = PageLayout::of(&caller, text("rotate-bearer"), Nav::ApiDocs);
    Ok(page(&RotatePage { chrome, version: token.version, clients }))
}

pub(crate) async fn rotate(
    State(app): State<AppState>,
    fresh: ReauthForm<RotateForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form } = fresh;
    let receipt = tokens::rotate_bearer_token(&app, &caller, form.version()?).await?;
    Ok(done("/api-docs", "token_rotated", receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "api_docs/reference.html")]
struct ReferencePage {
    /// The path of the OpenAPI document.
    document: &'static str,
    token: Option<PlainToken>,
    back: &'static str,
}

/// Returns a reference page with the policy that Swagger UI needs.
fn reference_page(app: &AppState, shown: &ReferencePage) -> Response {
    let mut response = page(shown);
    if let Ok(policy) = HeaderValue::from_str(&guard::policy(&app.settings, "'self' data:")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Shows the reference of the management API, which everyone can read. Requests need a key, which the reader enters.
pub(crate) async fn management_reference(State(app): State<AppState>) -> Response {
    let document = "/api/v1/openapi.json";
    reference_page(&app, &ReferencePage { document, token: None, back: "/keys" })
}

/// Returns the API reference on a page of its own: Swagger UI with the user's token filled in.
pub(crate) async fn reference(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    super::find_document(&app, &caller).await?;
    if !caller.is_fresh(app.now()) {
        return Ok(Redirect::to("/confirm?next=/api-docs/reference").into_response());
    }
    let token = tokens::view_bearer_token(&app, &caller).await?;
    let (document, back) = ("/api-docs/openapi.json", "/api-docs");
    Ok(reference_page(&app, &ReferencePage { document, token: Some(token), back }))
}

/// Returns the operator's document, adapted to this user.
pub(crate) async fn document(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let document = super::find_document(&app, &caller).await?;
    let document = served::serve(&document, &app.settings.endpoint_url(caller.account.number));
    Ok(([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response())
}
