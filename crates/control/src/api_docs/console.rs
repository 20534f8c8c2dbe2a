//! `/api-docs`: the endpoint URL, the bearer token, snippets, and the operations.

pub(crate) mod reference;

use super::{
    agents::{self, Described},
    collection::collection,
    openapi::Operation,
    served,
    snippets::{Snippet, snippets},
};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        cookie::choice_in,
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page},
        problem::Problem,
        reauth::ReauthForm,
    },
    members,
    principal::Caller,
    service_status::{Diagnosis, ServiceStatus, find_service_status},
    tokens::{
        self, ObservedClient,
        console::{RotateForm, Row},
    },
    usage::{console::chart::Sparkline, read_month_by_token},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use keydesk_model::Permission;
use keydesk_store::{PageSearch, Token, TokenFilter};
use keydesk_token::PlainToken;
use std::collections::BTreeSet;

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
    status: StatusView,
    /// The text to begin with for an agent.
    prompt: String,
}

/// The status of gateways, API, and own requests.
struct StatusView {
    diagnosis: String,
    is_good: bool,
    gateways: i64,
    /// The shares of failed requests in percent, if there are enough.
    all: Option<String>,
    own: Option<String>,
}

impl StatusView {
    fn new(status: ServiceStatus) -> Self {
        let ServiceStatus { gateways, all, own, diagnosis } = status;
        let share = |part: u64, of: u64| {
            let tenths = part * 1000 / of.max(1);
            (of > 0).then(|| format!("{}.{}%", tenths / 10, tenths % 10))
        };
        let name = match diagnosis {
            Diagnosis::Works => "works",
            Diagnosis::You => "you",
            Diagnosis::YouAtLeast => "you-at-least",
            Diagnosis::Api => "api",
            Diagnosis::NoGateway => "no-gateway",
        };
        Self {
            diagnosis: label("service", name),
            is_good: diagnosis == Diagnosis::Works,
            gateways,
            all: share(all.server_errors, all.requests),
            own: share(own.errors, own.requests),
        }
    }
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
    headers: HeaderMap,
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
    let api_title = app.openapi.title().await;
    let status = StatusView::new(find_service_status(&app, &caller).await?);
    let months = read_month_by_token(&app, &caller).await?;
    let row = |token: Token| {
        let month = months.get(&token.id);
        let month = month.map(|points| Sparkline::of(points.iter().copied()));
        Row { month, ..Row::new(token, now) }
    };
    let scopes = operations.iter().flat_map(|operation| operation.scopes.clone());
    let scopes: BTreeSet<_> = scopes.collect();
    let prompt = agents::prompt(
        &described(&app, &api_title, &endpoint_url),
        &scopes.into_iter().collect::<Vec<_>>(),
    );
    Ok(page(&ShowPage {
        chrome,
        email: caller.user.email.to_string(),
        number: caller.account.number.to_string(),
        first_url: format!("{endpoint_url}{first}"),
        snippets: snippets(&endpoint_url, &first, choice_in("snippet", &headers).as_deref()),
        api_title,
        status,
        prompt,
        endpoint_url,
        whoami,
        bearer,
        clients: clients.current,
        left_behind: clients.left_behind,
        tokens: tokens.items.into_iter().map(row).collect(),
        operations,
    }))
}

fn described<'a>(app: &'a AppState, title: &'a str, endpoint_url: &'a str) -> Described<'a> {
    let title = if title.is_empty() { "API" } else { title };
    let settings = &app.settings;
    let (console_url, reserved_prefix) = (&*settings.console_url, &*settings.reserved_prefix);
    Described { title, endpoint_url, console_url, reserved_prefix }
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
    let ReauthForm { caller, form, .. } = fresh;
    let receipt = tokens::rotate_bearer_token(&app, &caller, form.version()?).await?;
    Ok(done("/api-docs", "token_rotated", receipt.as_ref()).into_response())
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

/// Returns a text about the API, made of its document.
async fn text_of(
    app: &AppState,
    caller: &Caller,
    media_type: &'static str,
    make: fn(&Described<'_>, &serde_json::Value) -> String,
) -> Result<Response, Problem> {
    let document = super::find_document(app, caller).await?;
    let (title, url) =
        (app.openapi.title().await, app.settings.endpoint_url(caller.account.number));
    let text = make(&described(app, &title, &url), &document);
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

pub(crate) async fn llms_txt(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    text_of(&app, &caller, "text/plain; charset=utf-8", agents::llms_txt).await
}

pub(crate) async fn markdown(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    text_of(&app, &caller, "text/markdown; charset=utf-8", agents::markdown).await
}

/// Returns a file with this name to download.
fn download(name: &'static str, media_type: &'static str, body: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, body).into_response()
}

/// Returns the requests of the API for Postman and Bruno.
pub(crate) async fn download_collection(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let document = super::find_document(&app, &caller).await?;
    let (title, url) =
        (app.openapi.title().await, app.settings.endpoint_url(caller.account.number));
    let made = collection(&document, (&title, &url));
    Ok(download("collection.json", "application/json", format!("{made:#}\n")))
}

/// Returns a file with the endpoint URL, and a place for the token.
pub(crate) async fn download_env(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let url = super::find_endpoint_url(&app, &caller)?;
    let body = format!("API_URL={url}\nAPI_TOKEN=\n");
    Ok(download("api.env", "text/plain; charset=utf-8", body))
}
