//! `/help`: questions and answers, with "Did this answer your question?" under each.

use crate::{
    AppState,
    door::{
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
        when::When,
    },
    principal::Caller,
    refusal::Code,
    tokens::{self, ObservedClient},
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Permission, TokenState};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "help/show.html")]
struct HelpPage {
    chrome: PageLayout,
    /// The question that just received feedback.
    thanked: String,
    endpoint_url: String,
    whoami: String,
    sees_tokens: bool,
    masked: String,
    issued: Option<When>,
    live_tokens: i64,
    clients: Vec<ObservedClient>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Thanked {
    thanked: Option<String>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<Thanked>,
) -> Result<Response, Problem> {
    let now = app.now();
    let sees_tokens = caller.may(Permission::SeeTokens);
    let bearer = tokens::find_own_bearer_token(&app, &caller).await?;
    let bearer = bearer.filter(|token| token.state(now) == TokenState::Active);
    let live_tokens =
        if sees_tokens { tokens::count_active_api_tokens(&app, &caller).await? } else { 0 };
    let endpoint_url = app.settings.endpoint_url(caller.account.number);
    Ok(page(&HelpPage {
        chrome: PageLayout::of(&caller, text("help"), Nav::Help),
        thanked: query.thanked.unwrap_or_default(),
        whoami: format!("{endpoint_url}/{}/whoami", app.settings.reserved_prefix),
        endpoint_url,
        sees_tokens,
        masked: bearer.as_ref().map(|token| token.masked.clone()).unwrap_or_default(),
        issued: bearer.as_ref().map(|token| When::past(token.issued_at, now)),
        live_tokens,
        clients: tokens::list_clients_of_member(&app, &caller.member).await?,
    }))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct FeedbackForm {
    question: String,
    answered: String,
    comment: String,
}

pub(crate) async fn give_feedback(
    State(app): State<AppState>,
    caller: Caller,
    Form(form): Form<FeedbackForm>,
) -> Result<Response, Problem> {
    let answered = match form.answered.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Code::InvalidAnswer.into()),
    };
    super::give_feedback(&app, &caller, &form.question, answered, &form.comment).await?;
    // The question is a known one here, so it is safe in a URL.
    let question = form.question;
    Ok(Redirect::to(&format!("/help?thanked={question}#{question}")).into_response())
}
