//! `/canaries`: the account's canary tokens, and the page that shows the bait once.

use crate::{
    AppState,
    door::{
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        list_query::ListQuery,
        problem::Problem,
        reauth::ReauthForm,
        when::When,
    },
    principal::Caller,
    refusal::{Code, Kind},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::Timestamp;
use keydesk_store::{Canary, Cursor, Page};
use serde::Deserialize;

/// A canary token as shown.
struct Row {
    id: String,
    name: String,
    masked: String,
    created: When,
    uses: i64,
    last_used: Option<When>,
    last_used_by: String,
}

impl Row {
    fn new(canary: Canary, now: Timestamp) -> Self {
        Self {
            id: canary.id.to_string(),
            created: When::past(canary.created_at, now),
            uses: canary.uses,
            last_used: canary.last_used_at.map(|at| When::past(at, now)),
            last_used_by: match (canary.last_used_by, canary.last_used_from) {
                (Some(client), Some(address)) => {
                    text("client-from").with("client", client).with("address", address).to_string()
                }
                _ => String::new(),
            },
            name: canary.name,
            masked: canary.masked,
        }
    }
}

#[derive(Template)]
#[template(path = "canaries/list.html")]
struct ListPage {
    chrome: PageLayout,
    search: Option<String>,
    listed: Vec<Row>,
    next: Option<String>,
    name: String,
    error: FormError,
}

fn list_page(
    app: &AppState,
    caller: &Caller,
    (query, found): (&ListQuery, Page<Canary>),
    (name, error): (String, FormError),
) -> ListPage {
    let now = app.now();
    ListPage {
        chrome: PageLayout::of(caller, text("canaries-title"), Nav::Tokens),
        search: query.field(found.next.is_some()),
        next: found.next.map(|last: Cursor| query.next("/canaries", &last)),
        listed: found.items.into_iter().map(|canary| Row::new(canary, now)).collect(),
        name,
        error,
    }
}

pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Query(notice): Query<Done>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let found = super::list_canaries(&app, &caller, &query.search()?).await?;
    let empty = (String::new(), FormError::default());
    let mut shown = list_page(&app, &caller, (&query, found), empty);
    shown.chrome = shown.chrome.with_notice(&notice);
    Ok(page(&shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CanaryForm {
    name: String,
}

#[derive(Template)]
#[template(path = "canaries/shown_once.html")]
struct ShownOncePage {
    chrome: PageLayout,
    name: String,
    /// Ready bait: where it fits, and the text.
    bait: Vec<(&'static str, String)>,
}

/// Returns ready bait with the token and the endpoint URL of the account.
fn bait(token: &str, endpoint_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("canary-bait-token", token.to_owned()),
        ("canary-bait-env", format!("API_URL={endpoint_url}\nAPI_TOKEN_OLD={token}")),
        (
            "canary-bait-json",
            format!("{{\n  \"base_url\": \"{endpoint_url}\",\n  \"api_key\": \"{token}\"\n}}"),
        ),
        (
            "canary-bait-curl",
            format!("curl -H \"Authorization: Bearer {token}\" {endpoint_url}/api/v1/export"),
        ),
    ]
}

pub(crate) async fn create(
    State(app): State<AppState>,
    fresh: ReauthForm<CanaryForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match super::create_canary(&app, &caller, &form.name).await {
        Ok((canary, plain)) => {
            let endpoint_url = app.settings.endpoint_url(caller.account.number);
            let title = text("canary-ready").with("name", &canary.name);
            Ok(page(&ShownOncePage {
                chrome: PageLayout::of(&caller, title, Nav::Tokens),
                name: canary.name,
                bait: bait(plain.expose(), &endpoint_url),
            }))
        }
        Err(refusal) if refusal.kind() == Kind::Invalid => {
            let query = ListQuery::default();
            let found = super::list_canaries(&app, &caller, &query.search()?).await?;
            let again = (form.name, FormError::new(&refusal, &["name"]));
            let shown = list_page(&app, &caller, (&query, found), again);
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

pub(crate) async fn remove(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    super::remove_canary(&app, &caller, id).await?;
    Ok(done("/canaries", "canary_removed", None).into_response())
}
