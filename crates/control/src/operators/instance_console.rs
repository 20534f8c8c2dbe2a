//! `/operator/plans`, `/operator/operations`, `/operator/operators`, `/operator/gateways`: tables to read.

use super::{
    Operator,
    instance::{gateways, operators, plans, rules},
};
use crate::{
    Desk,
    caller::Authenticated,
    chrome::{Chrome, Nav, page},
    language::Said,
    problem::Problem,
    say,
};
use askama::Template;
use axum::{extract::State, response::Response};
use keydesk_model::{Mode, Unlisted};

#[derive(Template)]
#[template(path = "operators/table.html")]
struct TablePage {
    chrome: Chrome,
    lead: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    none: String,
}

impl TablePage {
    fn new(
        operator: &Operator,
        (title, lead): (Said<'_>, Said<'_>),
        nav: Nav,
        headers: &[Said<'_>],
    ) -> Self {
        Self {
            chrome: operator.chrome(title, nav),
            lead: lead.to_string(),
            headers: headers.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
            none: say("operator-table-empty").to_string(),
        }
    }
}

pub(crate) async fn show_plans(State(desk): State<Desk>, operator: Operator) -> Response {
    let headers = [
        say("name"),
        say("limits-together"),
        say("limits-each"),
        say("limits-in-a-month"),
        say("operator-plan-mode"),
    ];
    let mut shown = TablePage::new(
        &operator,
        (say("operator-plans"), say("operator-plans-lead")),
        Nav::Plans,
        &headers,
    );
    let (all, default) = plans(&desk, &operator);
    shown.rows = all
        .iter()
        .map(|plan| {
            let is_default = Some(plan.name.as_str()) == default;
            let name = say("operator-default").with("default_plan", &plan.name).to_string();
            let rate = |rate: Option<keydesk_model::Rate>| {
                rate.map_or_else(|| say("none").to_string(), |rate| rate.to_string())
            };
            let calls = plan.monthly_quota.map(|calls| calls.to_string());
            vec![
                if is_default { name } else { plan.name.clone() },
                rate(plan.rate),
                rate(plan.token_rate),
                calls.unwrap_or_else(|| say("none").to_string()),
                mode(plan.mode),
            ]
        })
        .collect();
    page(&shown)
}

fn mode(mode: Mode) -> String {
    say(match mode {
        Mode::Enforce => "operator-enforced",
        Mode::Observe => "operator-observed",
    })
    .to_string()
}

pub(crate) async fn show_operations(
    State(desk): State<Desk>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [say("operation"), say("api-docs-scopes-any"), say("operator-rate")];
    let mut shown = TablePage::new(
        &operator,
        (say("operator-operations"), say("operator-operations-lead")),
        Nav::Operations,
        &headers,
    );
    if let Some(stored) = rules(&desk, &operator).await? {
        let rules = &stored.live.rules;
        shown.lead = format!("{} {}", shown.lead, mode(stored.live.mode));
        shown.rows = rules
            .operations
            .iter()
            .map(|rule| {
                let scopes = if rule.scopes.is_empty() {
                    say("operator-any-token").to_string()
                } else {
                    rule.scopes.to_string()
                };
                let rate = rule.rate.map(|rate| rate.to_string()).unwrap_or_default();
                vec![rule.name(), scopes, rate]
            })
            .collect();
        let others = say(match rules.unlisted {
            Unlisted::Everything => "operator-token-for-everything",
            Unlisted::Any => "operator-any-token",
        });
        let all_others = say("operator-all-others").to_string();
        shown.rows.push(vec![all_others, others.to_string(), String::new()]);
    }
    Ok(page(&shown))
}

pub(crate) async fn show_operators(
    State(desk): State<Desk>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [say("name"), say("e-mail"), say("operator-since-when")];
    let mut shown = TablePage::new(
        &operator,
        (say("operator-operators"), say("operator-operators-lead")),
        Nav::Operators,
        &headers,
    );
    let all = operators(&desk, &operator).await?.into_iter();
    let row =
        |one: keydesk_store::Operator| vec![one.name, one.email.to_string(), one.since.to_string()];
    shown.rows = all.map(row).collect();
    Ok(page(&shown))
}

pub(crate) async fn show_gateways(
    State(desk): State<Desk>,
    operator: Operator,
) -> Result<Response, Problem> {
    let headers = [
        say("name"),
        say("operator-release"),
        say("operator-last-seen"),
        say("operator-accepts-until"),
    ];
    let mut shown = TablePage::new(
        &operator,
        (say("operator-gateways"), say("operator-gateways-lead")),
        Nav::Gateways,
        &headers,
    );
    let (nodes, now) = gateways(&desk, &operator).await?;
    shown.rows = nodes
        .into_iter()
        .map(|listed| {
            let seconds = now.since(listed.node.seen_at).as_secs();
            let until = if listed.accepts_until <= now || !listed.node.row.is_gateway {
                say("none").to_string()
            } else {
                listed.accepts_until.to_string()
            };
            let seen = say("span-seconds").count("n", seconds).to_string();
            vec![listed.node.row.name, listed.node.release, seen, until]
        })
        .collect();
    Ok(page(&shown))
}
