//! `/requests`: the newest requests of the account, and what one of them came to.

use super::{ShownRequest, find, find_label, is_logging, list, list_next_steps, set_logging};
use crate::{
    AppState,
    door::{
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page},
        list_query::{ListQuery, PAGE},
        problem::Problem,
        token_name::token_name,
        when::When,
    },
    failing_clients::console::Action,
    help::explain,
    principal::Caller,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{LoggedRequest, Permission, RequestOutcome, Timestamp};
use keydesk_store::{PageSearch, RequestFilter};
use serde::Deserialize;

/// What the list shows, as its address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RequestsQuery {
    outcome: String,
    token: String,
    text: String,
    after: String,
}

impl RequestsQuery {
    fn filter(&self) -> RequestFilter {
        RequestFilter { outcome: self.outcome.parse().ok(), token: self.token.parse().ok() }
    }

    fn list(&self) -> ListQuery {
        ListQuery::of(&self.text, &self.after)
    }

    /// Returns the address of the list with this outcome, or with all of them.
    fn address(&self, outcome: Option<RequestOutcome>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let text = self.list().text();
        let outcome = outcome.map_or("", RequestOutcome::as_str);
        for (name, value) in [("outcome", outcome), ("token", &self.token), ("text", &text)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/requests?{}", query.finish())
    }
}

struct Choice {
    name: String,
    address: String,
    is_chosen: bool,
}

/// A request as shown.
pub(crate) struct Row {
    pub request: LoggedRequest,
    token_name: Option<String>,
    pub at: When,
    took: String,
    has_failed: bool,
}

impl Row {
    pub fn new(shown: ShownRequest, now: Timestamp) -> Self {
        let ShownRequest { request, token } = shown;
        let token_name = token.as_ref().map(token_name);
        let millis = request.duration_us / 1_000;
        let took = if millis == 0 { "< 1 ms".to_owned() } else { format!("{millis} ms") };
        let has_failed = request.status >= 400;
        Self { at: When::past(request.at, now), took, has_failed, token_name, request }
    }
}

#[derive(Template)]
#[template(path = "requests/list.html")]
struct RequestsPage {
    chrome: PageLayout,
    choices: Vec<Choice>,
    text: String,
    outcome: String,
    token: String,
    /// The name of the token to which the list is restricted.
    token_name: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
    is_logging: bool,
    may_change: bool,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(notice): Query<Done>,
    Query(query): Query<RequestsQuery>,
) -> Result<Response, Problem> {
    // A whole ID leads to its request.
    if query.text.trim().starts_with("req_") && query.text.trim().len() == 28 {
        let found = find(&app, &caller, &query.text).await?;
        return Ok(Redirect::to(&format!("/requests/{}", found.request.id)).into_response());
    }
    let (filter, now) = (query.filter(), app.now());
    let wanted = query.list();
    let search = PageSearch { limit: PAGE, ..wanted.search()? };
    let found = list(&app, &caller, &filter, &search).await?;
    let token_name = match filter.token {
        Some(token) => Some(token_name(&find_label(&app, &caller, token).await?)),
        None => None,
    };
    let all = [
        None,
        Some(RequestOutcome::Failed),
        Some(RequestOutcome::Succeeded),
        Some(RequestOutcome::Unauthenticated),
    ];
    let choices = all.map(|outcome| Choice {
        name: label("requests-outcome", outcome.map_or("all", RequestOutcome::as_str)),
        address: query.address(outcome),
        is_chosen: outcome == filter.outcome,
    });
    let here = query.address(filter.outcome);
    Ok(page(&RequestsPage {
        chrome: PageLayout::of(&caller, text("requests-title"), Nav::Requests).with_notice(&notice),
        is_logging: is_logging(&app, &caller).await?,
        may_change: caller.may(Permission::LimitAccount),
        choices: choices.into(),
        text: wanted.text(),
        outcome: filter.outcome.map(|outcome| outcome.as_str().to_owned()).unwrap_or_default(),
        token: filter.token.map(|token| token.to_string()).unwrap_or_default(),
        token_name,
        rows: found.items.into_iter().map(|shown| Row::new(shown, now)).collect(),
        next: found.next.map(|next| ListQuery::of("", "").next(&here, &next)),
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoggingForm {
    log: String,
}

pub(crate) async fn save_logging(
    State(app): State<AppState>,
    caller: Caller,
    Form(form): Form<LoggingForm>,
) -> Result<Response, Problem> {
    let on = form.log == "on";
    set_logging(&app, &caller, on).await?;
    let notice = if on { "request_log_on" } else { "request_log_off" };
    Ok(done("/requests", notice, None).into_response())
}

#[derive(Template)]
#[template(path = "requests/request.html")]
struct RequestPage {
    chrome: PageLayout,
    row: Row,
    /// The text of the error code, in English.
    explanation: Option<String>,
    actions: Vec<Action>,
    may_manage: bool,
}

pub(crate) async fn show_one(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = Row::new(find(&app, &caller, &id).await?, app.now());
    let steps = list_next_steps(&app, &caller, &row.request).await?;
    Ok(page(&RequestPage {
        chrome: PageLayout::of(&caller, text("request-title"), Nav::Requests),
        explanation: explain(&row.request.code),
        actions: steps
            .iter()
            .map(|step| Action::new(step, app.settings.provider_contact.as_deref()))
            .collect(),
        may_manage: caller.may(Permission::ManageTokens),
        row,
    }))
}
