//! `/failing-clients`: who fails, why, and what to do about it.

use super::{
    Decision, FailingClient, FailingClientFilter, Rejected, Remedy, decide, find, find_any_token,
    list, list_remedies,
};
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
    help::explain,
    principal::Caller,
    tokens::console::Row as TokenRow,
    usage::console::chart::Sparkline,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use keydesk_model::{FailingClientState, OTHER, Permission, Timestamp, TokenId};
use keydesk_store::PageSearch;
use serde::Deserialize;

/// What the list shows, as its address says. Without a state, it shows open ones.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FailingClientsQuery {
    state: String,
    token: String,
    text: String,
    after: String,
}

impl FailingClientsQuery {
    fn filter(&self) -> FailingClientFilter {
        let state = match self.state.as_str() {
            "" => Some(FailingClientState::Open),
            state => state.parse().ok(),
        };
        FailingClientFilter { state, token: self.token.parse().ok() }
    }

    fn address(&self, state: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let text = ListQuery::of(&self.text, "").text();
        for (name, value) in [("state", state), ("token", &self.token), ("text", &text)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/failing-clients?{}", query.finish())
    }
}

struct Choice {
    name: String,
    address: String,
    is_chosen: bool,
}

struct Row {
    failing: FailingClient,
    token_name: Option<String>,
    /// The name of the client, or what is known of it.
    client: String,
    first: When,
    last: When,
    last_accepted: Option<When>,
    works_again: bool,
    muted_until: Option<When>,
    state: String,
    hours: Sparkline,
}

impl Row {
    fn new(failing: FailingClient, now: Timestamp) -> Self {
        let client = match failing.group.client.as_str() {
            "" => text("failing-unknown-client").to_string(),
            OTHER => text("usage-other").to_string(),
            client => client.to_owned(),
        };
        Self {
            client,
            token_name: failing.token.as_ref().map(token_name),
            first: When::past(failing.rejected.first_at, now),
            last: When::past(failing.rejected.last_at, now),
            last_accepted: failing.last_accepted_at.map(|at| When::past(at, now)),
            works_again: failing.works_again(),
            muted_until: failing.muted_until.map(|at| When::future(at, now)),
            state: label("failing-state", failing.state.as_str()),
            hours: Sparkline::of(failing.hours.iter().copied()),
            failing,
        }
    }
}

#[derive(Template)]
#[template(path = "failing_clients/list.html")]
struct ListPage {
    chrome: PageLayout,
    choices: Vec<Choice>,
    state: String,
    token: String,
    text: String,
    rows: Vec<Row>,
    next: Option<String>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<FailingClientsQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let wanted = ListQuery::of(&query.text, &query.after);
    let search = PageSearch { limit: PAGE, ..wanted.search()? };
    let (found, open) = list(&app, &caller, query.filter(), &search).await?;
    let choices = ["", "muted", "resolved", "all"].map(|state| Choice {
        name: match state {
            "" => text("failing-open").count("open", open).to_string(),
            state => label("failing-state", state),
        },
        address: query.address(state),
        is_chosen: state == query.state,
    });
    let here = query.address(&query.state);
    Ok(page(&ListPage {
        chrome: PageLayout::of(&caller, text("failing-title"), Nav::Requests),
        choices: choices.into(),
        text: wanted.text(),
        next: found.next.map(|next| ListQuery::of("", "").next(&here, &next)),
        rows: found.items.into_iter().map(|one| Row::new(one, now)).collect(),
        state: query.state,
        token: query.token,
    }))
}

/// An action with its consequences, and the page on which it is taken.
pub(crate) struct Action {
    pub name: String,
    pub consequences: String,
    address: Option<String>,
}

impl Action {
    /// `contact`: the API provider.
    pub fn new(remedy: &Remedy, contact: Option<&str>) -> Self {
        let limits = |token: &TokenId, name: &str, value: &str| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair(name, value);
            Some(format!("/tokens/{token}/limits?{}#new-limits", query.finish()))
        };
        let api_docs = || Some("/api-docs".to_owned());
        let (id, value, address) = match remedy {
            Remedy::Restore(token) => ("restore", "", Some(format!("/tokens/{token}/restore"))),
            Remedy::Replace(token) => {
                ("replace", "", Some(format!("/tokens/new?successor_of={token}")))
            }
            Remedy::UpdateSecret(token) => {
                ("update-secret", "", Some(format!("/tokens/{token}/rotate")))
            }
            Remedy::AddScope(token, scope) => {
                ("add-scope", scope.as_str(), limits(token, "add_scope", scope))
            }
            Remedy::AllowNetwork(token, network) => {
                ("allow", network.as_str(), limits(token, "allow", network))
            }
            Remedy::ChangeAccountLimits => ("account-limits", "", Some("/limits".to_owned())),
            Remedy::SeePlan => ("plan", "", Some("/limits".to_owned())),
            Remedy::UseNewBearerToken => ("new-bearer-token", "", api_docs()),
            Remedy::AskMember(name) => ("ask-member", name.as_str(), None),
            Remedy::MoveToApiTokens(member) => {
                ("move", "", Some(format!("/members/{member}/move")))
            }
            Remedy::CreateToken => ("create", "", Some("/tokens/new".to_owned())),
            Remedy::SendToken => ("send", "", api_docs()),
            Remedy::CheckToken => ("check", "", api_docs()),
            Remedy::CorrectUrl => ("url", "", api_docs()),
            Remedy::RotateExposed(token) => {
                ("exposed", "", Some(format!("/tokens/{token}/rotate")))
            }
            Remedy::ChangeRequest(code) => ("request", "", Some(format!("/errors/{code}"))),
            Remedy::SeeReference => ("reference", "", api_docs()),
            Remedy::AskProvider => ("provider", "", contact.map(address_of)),
        };
        let said = |kind: &str| text(&format!("{kind}-{id}")).with("value", value).to_string();
        Self { name: said("remedy"), consequences: said("remedy-consequences"), address }
    }

    /// Returns the page, if it changes nothing or if the caller may change what it is about.
    pub fn link(&self, may_manage: bool) -> Option<&str> {
        let changes_nothing = |address: &&str| {
            ["/api-docs", "/errors/", "mailto:", "http"].iter().any(|one| address.starts_with(one))
        };
        self.address.as_deref().filter(|address| may_manage || changes_nothing(address))
    }
}

/// Returns a contact as a link.
fn address_of(contact: &str) -> String {
    if contact.contains("://") { contact.to_owned() } else { format!("mailto:{contact}") }
}

#[derive(Template)]
#[template(path = "failing_clients/show.html")]
struct ShowPage {
    chrome: PageLayout,
    row: Row,
    /// What the code means, in English.
    explanation: Option<String>,
    actions: Vec<Action>,
    may_manage: bool,
    notified: Option<When>,
    /// Why and when the token stopped working.
    over: Option<(String, When)>,
}

pub(crate) async fn show_one(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(notice): Query<Done>,
) -> Result<Response, Problem> {
    let now = app.now();
    let found = find(&app, &caller, &id).await?;
    let works_again = found.works_again();
    let remedies = if works_again {
        Vec::new()
    } else {
        list_remedies(&app, &caller, Rejected::from(&found)).await?
    };
    let token = match found.group.token {
        Some(token) => find_any_token(&app, &caller, token).await?,
        None => None,
    };
    let contact = app.settings.provider_contact.as_deref();
    Ok(page(&ShowPage {
        over: token.and_then(|token| TokenRow::new(token, now).over),
        chrome: PageLayout::of(&caller, text("failing-one"), Nav::Requests).with_notice(&notice),
        explanation: explain(&found.group.code),
        actions: remedies.iter().map(|one| Action::new(one, contact)).collect(),
        may_manage: caller.may(Permission::ManageTokens),
        notified: found.notified_at.map(|at| When::past(at, now)),
        row: Row::new(found, now),
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DecisionForm {
    days: Option<u32>,
}

async fn decided(
    (app, caller): (&AppState, &Caller),
    id: &str,
    (decision, notice): (Decision, &str),
) -> Result<Response, Problem> {
    decide(app, caller, id, decision).await?;
    Ok(done(&format!("/failing-clients/{id}"), notice, None).into_response())
}

pub(crate) async fn mute(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Problem> {
    let decision = Decision::Mute(form.days.unwrap_or(7));
    decided((&app, &caller), &id, (decision, "failing_muted")).await
}

pub(crate) async fn resolve(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    decided((&app, &caller), &id, (Decision::Resolve, "failing_resolved")).await
}

pub(crate) async fn reopen(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    decided((&app, &caller), &id, (Decision::Reopen, "failing_reopened")).await
}

pub(crate) async fn report(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    super::report(&app, &caller, &id).await?;
    Ok(done(&format!("/failing-clients/{id}"), "failing_reported", None).into_response())
}
