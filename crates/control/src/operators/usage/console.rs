//! `/operator/usage`: who sends requests, and how many fail.

use super::{AccountUsage, list_account_usage};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
    },
    principal::Operator,
    usage::console::chart::Sparkline,
};
use askama::Template;
use axum::{extract::State, response::Response};

struct Row {
    number: String,
    name: String,
    month: Sparkline,
    requests: u64,
    errors: String,
    server_errors: String,
}

impl Row {
    fn new(usage: AccountUsage) -> Self {
        let share = |part: u64| {
            let tenths = part * 1_000 / usage.total.requests.max(1);
            format!("{}.{}%", tenths / 10, tenths % 10)
        };
        Self {
            number: usage.number.to_string(),
            month: Sparkline::of(usage.days.iter().copied()),
            requests: usage.total.requests,
            errors: share(usage.total.errors),
            server_errors: share(usage.total.server_errors),
            name: usage.name,
        }
    }
}

#[derive(Template)]
#[template(path = "operators/usage.html")]
struct UsagePage {
    chrome: PageLayout,
    rows: Vec<Row>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    operator: Operator,
) -> Result<Response, Problem> {
    let (accounts, _) = list_account_usage(&app, &operator).await?;
    let chrome = operator.chrome(text("usage-title"), Nav::OperatorUsage);
    Ok(page(&UsagePage { chrome, rows: accounts.into_iter().map(Row::new).collect() }))
}
