//! `/api-docs/reference`: the operations, each with a page that describes it and sends requests, and Swagger UI.

use crate::{
    AppState,
    api_docs::{
        find_document,
        openapi::Operation,
        reference::{Answer, ApiChange, Body, Parameter, Reference, find_reference, list_changes},
        versions::{Difference, DocumentChange, list_document_changes},
    },
    door::{
        caller::SignedIn,
        guard,
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
        when::When,
    },
    principal::Caller,
    tokens,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Permission, Timestamp};
use keydesk_store::ClientOperation;
use keydesk_token::PlainToken;

#[derive(Template)]
#[template(path = "api_docs/operation.html")]
struct OperationPage {
    chrome: PageLayout,
    operation: Operation,
    description: Vec<String>,
    parameters: Vec<Parameter>,
    bodies: Vec<Body>,
    answers: Vec<Answer>,
    clients: Vec<ClientOperation>,
    sees_usage: bool,
    /// The endpoint URL and the path, with parameters in braces.
    url: String,
    curl: String,
    /// The bearer token, or `None` if the last password entry is too old.
    token: Option<PlainToken>,
}

/// Returns the operation as a request of curl, with examples where the document has some.
fn curl(reference: &Reference, url: &str) -> String {
    let Reference { operation, parameters, bodies, .. } = reference;
    let mut address = url.to_owned();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut headers = String::new();
    for one in parameters {
        match one.place.as_str() {
            "path" if !one.example.is_empty() => {
                address = address.replace(&format!("{{{}}}", one.name), &one.example);
            }
            "query" if one.is_required => {
                query.append_pair(&one.name, &one.example);
            }
            "header" if one.is_required => {
                let example = quoted(&one.example);
                headers = format!("{headers} \\\n  -H '{}: {example}'", quoted(&one.name));
            }
            _ => {}
        }
    }
    let query = query.finish();
    if !query.is_empty() {
        address = format!("{address}?{query}");
    }
    let method =
        if operation.method == "GET" { String::new() } else { format!(" -X {}", operation.method) };
    let body = bodies.first().map(|body| {
        let example = quoted(&body.example);
        format!(" \\\n  -H 'Content-Type: {}' \\\n  -d '{example}'", quoted(&body.media_type))
    });
    format!(
        "curl{method} '{}' \\\n  -H \"Authorization: Bearer $TOKEN\"{headers}{}",
        quoted(&address),
        body.unwrap_or_default()
    )
}

/// Escapes a text between single quotes of a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}

pub(crate) async fn show_operation(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let reference = find_reference(&app, &caller, &id).await?;
    let token = if caller.is_fresh(app.now()) {
        Some(tokens::view_bearer_token(&app, &caller).await?)
    } else {
        None
    };
    let endpoint_url = app.settings.endpoint_url(caller.account.number);
    let url = format!("{endpoint_url}{}", reference.operation.path);
    let paragraphs = reference.description.split("\n\n").map(str::trim).map(str::to_owned);
    Ok(page(&OperationPage {
        chrome: PageLayout::of(&caller, reference.operation.name(), Nav::ApiDocs),
        curl: curl(&reference, &url),
        description: paragraphs.filter(|text| !text.is_empty()).collect(),
        sees_usage: caller.may(Permission::SeeUsage),
        operation: reference.operation,
        parameters: reference.parameters,
        bodies: reference.bodies,
        answers: reference.answers,
        clients: reference.clients,
        url,
        token,
    }))
}

#[derive(Template)]
#[template(path = "api_docs/changes.html")]
struct ChangesPage {
    chrome: PageLayout,
    changes: Vec<ApiChange>,
    /// The changes of the document.
    history: Vec<HistoryRow>,
}

/// A change of the document as shown.
struct HistoryRow {
    at: When,
    operation: String,
    what: String,
    clients: String,
}

fn history_row(change: DocumentChange, now: Timestamp) -> HistoryRow {
    let (what, name) = match change.difference {
        Difference::Added => ("added", String::new()),
        Difference::Removed => ("removed", String::new()),
        Difference::Deprecated => ("deprecated", String::new()),
        Difference::NowRequired(name) => ("required", name),
        Difference::InputRemoved(name) => ("input_removed", name),
        Difference::InputAdded(name) => ("input_added", name),
        Difference::ScopeAdded(name) => ("scope_added", name),
    };
    HistoryRow {
        at: When::past(change.at, now),
        what: text(&format!("api-difference-{what}")).with("name", name).to_string(),
        operation: change.operation,
        clients: change.clients.join(", "),
    }
}

pub(crate) async fn show_changes(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let changes = list_changes(&app, &caller).await?;
    let now = app.now();
    let history = list_document_changes(&app, &caller).await?;
    let history = history.into_iter().map(|change| history_row(change, now)).collect();
    let chrome = PageLayout::of(&caller, text("api-changes"), Nav::ApiDocs);
    Ok(page(&ChangesPage { chrome, changes, history }))
}

#[derive(Template)]
#[template(path = "api_docs/reference.html")]
struct SwaggerPage {
    /// The path of the OpenAPI document.
    document: &'static str,
    token: Option<PlainToken>,
    back: &'static str,
}

/// Returns a reference page with the policy that Swagger UI needs.
fn swagger_page(app: &AppState, shown: &SwaggerPage) -> Response {
    let mut response = page(shown);
    if let Ok(policy) = HeaderValue::from_str(&guard::policy(&app.settings, "'self' data:")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Shows the reference of the management API, which everyone can read. Requests need a key, which the reader enters.
pub(crate) async fn management_reference(State(app): State<AppState>) -> Response {
    let document = "/api/v1/openapi.json";
    swagger_page(&app, &SwaggerPage { document, token: None, back: "/keys" })
}

/// Shows the whole document in Swagger UI, with the user's token filled in.
pub(crate) async fn swagger(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    find_document(&app, &caller).await?;
    if !caller.is_fresh(app.now()) {
        return Ok(Redirect::to("/confirm?next=/api-docs/swagger").into_response());
    }
    let token = tokens::view_bearer_token(&app, &caller).await?;
    let (document, back) = ("/api-docs/openapi.json", "/api-docs");
    Ok(swagger_page(&app, &SwaggerPage { document, token: Some(token), back }))
}
