//! `/operator/plans`, `/operator/operations`, `/operator/operators`, `/operator/gateways`: read-only tables.

use super::{gateways, operators, plans, rules};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::{LocalizedText, text},
        layout::{Nav, PageLayout, page},
        problem::Problem,
    },
    principal::Operator,
};
use askama::Template;
use axum::{extract::State, response::Response};
use keydesk_model::{Mode, Unlisted};

#[derive(Template)]
#[template(path = "operators/table.html")]
struct TablePage {
    chrome: PageLayout,
    lead: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    none: String,
}

impl TablePage {
    fn new(
        operator: &Operator,
        (title, lead): (LocalizedText<'_>, LocalizedText<'_>),
        nav: Nav,
        headers: &[LocalizedText<'_>],
    ) -> Self {
        Self {
            chrome: operator.chrome(title, nav),
            lead: lead.to_string(),
            headers: headers.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
            none: text("operator-table-empty").to_string(),
        }
    }
}

pub(crate) async fn show_plans(
    State(app): State<AppState>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [
        text("name"),
        text("limits-together"),
        text("limits-each"),
        text("limits-in-a-month"),
        text("operator-plan-mode"),
    ];
    let mut shown = TablePage::new(
        &operator,
        (text("operator-plans"), text("operator-plans-lead")),
        Nav::Plans,
        &headers,
    );
    let (all, default) = plans(&app, &operator)?;
    shown.rows = all
        .iter()
        .map(|plan| {
            let is_default = Some(plan.name.as_str()) == default;
            let name = text("operator-default").with("default_plan", &plan.name).to_string();
            let rate = |rate: Option<keydesk_model::Rate>| {
                rate.map_or_else(|| text("none").to_string(), |rate| rate.to_string())
            };
            let requests = plan.monthly_quota.map(|requests| requests.to_string());
            vec![
                if is_default { name } else { plan.name.clone() },
                rate(plan.rate),
                rate(plan.token_rate),
                requests.unwrap_or_else(|| text("none").to_string()),
                mode(plan.mode),
            ]
        })
        .collect();
    Ok(page(&shown))
}

fn mode(mode: Mode) -> String {
    text(match mode {
        Mode::Enforce => "operator-enforced",
        Mode::Observe => "operator-observed",
    })
    .to_string()
}

pub(crate) async fn show_operations(
    State(app): State<AppState>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [text("operation"), text("api-docs-scopes-any"), text("operator-rate")];
    let mut shown = TablePage::new(
        &operator,
        (text("operator-operations"), text("operator-operations-lead")),
        Nav::Operations,
        &headers,
    );
    if let Some(stored) = rules(&app, &operator).await? {
        let rules = &stored.live.rules;
        shown.lead = format!("{} {}", shown.lead, mode(stored.live.mode));
        shown.rows = rules
            .operations
            .iter()
            .map(|rule| {
                let scopes = if rule.scopes.is_empty() {
                    text("operator-any-token").to_string()
                } else {
                    rule.scopes.to_string()
                };
                let rate = rule.rate.map(|rate| rate.to_string()).unwrap_or_default();
                vec![rule.name(), scopes, rate]
            })
            .collect();
        let others = text(match rules.unlisted {
            Unlisted::Everything => "operator-token-with-full-access",
            Unlisted::Any => "operator-any-token",
        });
        let all_others = text("operator-all-others").to_string();
        shown.rows.push(vec![all_others, others.to_string(), String::new()]);
    }
    Ok(page(&shown))
}

pub(crate) async fn show_operators(
    State(app): State<AppState>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [text("name"), text("email"), text("operator-since-when")];
    let mut shown = TablePage::new(
        &operator,
        (text("operator-operators"), text("operator-operators-lead")),
        Nav::Operators,
        &headers,
    );
    let all = operators(&app, &operator).await?.into_iter();
    let row =
        |one: keydesk_store::Operator| vec![one.name, one.email.to_string(), one.since.to_string()];
    shown.rows = all.map(row).collect();
    Ok(page(&shown))
}

pub(crate) async fn show_gateways(
    State(app): State<AppState>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [
        text("name"),
        text("operator-release"),
        text("operator-last-seen"),
        text("operator-accepts-until"),
    ];
    let mut shown = TablePage::new(
        &operator,
        (text("operator-gateways"), text("operator-gateways-lead")),
        Nav::Gateways,
        &headers,
    );
    let (nodes, now) = gateways(&app, &operator).await?;
    shown.rows = nodes
        .into_iter()
        .map(|listed| {
            let seconds = now.since(listed.node.seen_at).as_secs();
            let until = if listed.accepts_until <= now || !listed.node.row.is_gateway {
                text("none").to_string()
            } else {
                listed.accepts_until.to_string()
            };
            let seen = text("span-seconds").count("n", seconds).to_string();
            vec![listed.node.row.name, listed.node.release, seen, until]
        })
        .collect();
    Ok(page(&shown))
}
