//! `/audit`: the changes in the account with user and IP address, and for operators the entries of no account.

mod export;

use super::{Export, Filters, list, list_of_instance};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::{label, text, text_if_exists},
        layout::{Nav, PageLayout, page},
        list_query::PAGE,
        problem::{Problem, detail},
        when::When,
    },
    principal::{Caller, Operator},
    refusal::{Code, Kind, Refusal},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use export::{Format, chunks};
use keydesk_model::Timestamp;
use keydesk_store::AuditLine;

/// The options of the filter by area, where the empty one matches everything.
const AREAS: [&str; 9] =
    ["", "token", "member", "session", "user", "account", "receipt", "operator", "key"];

impl Filters {
    /// Returns the filters as a query string.
    fn query(&self) -> String {
        let pairs =
            [("event", &self.event), ("text", &self.text), ("from", &self.from), ("to", &self.to)];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// An entry as shown.
pub(crate) struct Row {
    number: i64,
    pub instant: Timestamp,
    pub at: When,
    pub what: String,
    /// The entry as a sentence: what happened, by whom, and to what.
    sentence: String,
    /// The name of the actor.
    pub who: String,
    email: Option<String>,
    pub target: String,
    /// Lines such as "name: before → after".
    pub changes: Vec<String>,
    client_ip: Option<String>,
    client: Option<String>,
    request_id: String,
}

impl Row {
    pub fn new(line: AuditLine, now: Timestamp) -> Self {
        let who = match line.actor.as_str() {
            "user" => line.actor_name.unwrap_or_else(|| text("audit-unknown-user").to_string()),
            "operator" => match line.actor_name {
                Some(name) => text("audit-operator").with("name", name).to_string(),
                None => text("audit-server").to_string(),
            },
            "management_key" => {
                let name = line.management_key_name.unwrap_or_default();
                text("audit-management-key").with("name", name).to_string()
            }
            "token" => text("audit-token").to_string(),
            "node" => "Keydesk".to_owned(),
            _ => text("audit-visitor").to_string(),
        };
        let detail = serde_json::from_str(&line.detail).unwrap_or_default();
        let what = event_name(&line.event);
        // Who is what it concerns needs no second mention.
        let subject = named(&detail).or(line.target_name).filter(|name| *name != who);
        let done = match line.actor.as_str() {
            "node" => what.clone(),
            _ => text("audit-sentence").with("what", &what).with("who", &who).to_string(),
        };
        Self {
            sentence: match &subject {
                Some(name) => text("audit-about").with("what", done).with("name", name).to_string(),
                None => done,
            },
            number: line.seq,
            instant: line.at,
            at: When::past(line.at, now),
            what,
            who,
            email: line.actor_email,
            target: line.target,
            changes: changes(&detail),
            client_ip: line.client_ip,
            client: line.user_agent.filter(|agent| !agent.is_empty()),
            request_id: line.request_id,
        }
    }
}

/// Returns the name that an entry has recorded, which may have changed or be gone since.
fn named(detail: &serde_json::Value) -> Option<String> {
    let places = [&detail["after"], &detail["before"], detail, &detail["client"]];
    let name = |place: &serde_json::Value| {
        ["name", "email", "client"]
            .into_iter()
            .find_map(|name| place[name].as_str().map(str::to_owned))
    };
    places.into_iter().find_map(name).filter(|name| !name.is_empty())
}

/// Returns the values before and after each change, and then the entry's other details by name.
fn changes(detail: &serde_json::Value) -> Vec<String> {
    let Some(detail) = detail.as_object() else { return Vec::new() };
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::Null => text("none").to_string(),
        serde_json::Value::String(value) if value.is_empty() => text("none").to_string(),
        serde_json::Value::String(value) => value.chars().take(300).collect(),
        other => other.to_string().chars().take(300).collect(),
    };
    let mut lines = Vec::new();
    let before = detail.get("before").and_then(serde_json::Value::as_object);
    let after = detail.get("after").and_then(serde_json::Value::as_object);
    for (name, value) in after.into_iter().flatten() {
        match before.and_then(|before| before.get(name)) {
            Some(old) if old != value => {
                lines.push(format!("{name}: {} → {}", plain(old), plain(value)));
            }
            Some(_) => {}
            None => lines.push(format!("{name}: {}", plain(value))),
        }
    }
    for (name, value) in before.into_iter().flatten() {
        if after.is_none_or(|after| !after.contains_key(name)) {
            lines
                .push(text("audit-was").with("name", name).with("value", plain(value)).to_string());
        }
    }
    // The page of a receipt shows its signature.
    let others =
        detail.iter().filter(|(name, _)| !["before", "after", "jws"].contains(&name.as_str()));
    lines.extend(others.map(|(name, value)| format!("{name}: {}", plain(value))));
    lines
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    chrome: PageLayout,
    lead: String,
    path: &'static str,
    filters: Filters,
    areas: [(&'static str, String); 9],
    query: String,
    rows: Vec<Row>,
    /// The entry number before which the next page starts.
    older: Option<i64>,
    error: Option<String>,
    may_export: bool,
}

impl AuditPage {
    fn new(chrome: PageLayout, path: &'static str, filters: Filters) -> Self {
        let query = filters.query();
        let (lead, may_export) = if path == "/audit" {
            (text("audit-lead").to_string(), true)
        } else {
            (text("audit-lead-instance").to_string(), false)
        };
        Self {
            chrome,
            lead,
            path,
            areas: AREAS.map(|area| {
                (area, label("audit-area", if area.is_empty() { "all" } else { area }))
            }),
            query,
            rows: Vec::new(),
            older: None,
            error: None,
            may_export,
            filters,
        }
    }

    /// Returns the page with the matching entries or the filter error.
    fn showing(
        self,
        found: Result<(Vec<AuditLine>, bool), Refusal>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let (lines, has_more) = match found {
            Err(refusal) if refusal.kind() == Kind::Invalid => {
                return Ok(Self { error: Some(detail(&refusal)), ..self });
            }
            found => found?,
        };
        let older = lines.last().filter(|_| has_more).map(|line| line.seq);
        let rows = lines.into_iter().map(|line| Row::new(line, now)).collect();
        Ok(Self { rows, older, ..self })
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(filters): Query<Filters>,
) -> Result<Response, Problem> {
    let shown =
        AuditPage::new(PageLayout::of(&caller, text("audit-log"), Nav::Audit), "/audit", filters);
    let found = list(&app, &caller, &shown.filters, PAGE).await;
    Ok(page(&shown.showing(found, app.now())?))
}

pub(crate) async fn show_instance(
    State(app): State<AppState>,
    operator: Operator,
    Query(filters): Query<Filters>,
) -> Result<Response, Problem> {
    let chrome = operator.chrome(text("audit-instance"), Nav::OperatorAudit);
    let shown = AuditPage::new(chrome, "/operator/audit", filters);
    let found = list_of_instance(&app, &operator, &shown.filters, PAGE).await;
    Ok(page(&shown.showing(found, app.now())?))
}

pub(crate) async fn export(
    State(app): State<AppState>,
    caller: Caller,
    Query(filters): Query<Filters>,
) -> Result<Response, Problem> {
    let export = Export::new(app, &caller, &filters)?;
    Ok(export_as(export, &filters.format)?)
}

/// Returns an export as a file.
pub(super) fn export_as(export: Export, format: &str) -> Result<Response, Refusal> {
    let format = match format {
        "csv" => Format::Csv,
        "jsonl" => Format::JsonLines,
        _ => return Err(Code::InvalidExportFormat.into()),
    };
    let headers =
        [(header::CONTENT_TYPE, format.media_type()), (header::CONTENT_DISPOSITION, format.file())];
    Ok((headers, Body::from_stream(chunks(export, format))).into_response())
}

/// Returns the name of an event. An event of a newer release is shown by its code.
pub(crate) fn event_name(event: &str) -> String {
    text_if_exists(&format!("event-{}", event.replace('.', "-")))
        .unwrap_or_else(|| event.to_owned())
}
