//! `/audit` of the management API, and `/instance/audit` for operators.

use super::{Export, Filters, console, list, list_of_instance};
use crate::{
    AppState,
    door::api::{
        ApiError, ApiQuery, Instant, Position,
        page::{PageParams, list_schemas, read_text},
        principal::By,
    },
    principal::{Caller, Operator},
    refusal::{Code, Refusal},
};
use axum::{extract::State, response::Response};
use keydesk_store::AuditLine;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryObject {
    number: i64,
    at: Instant,
    /// What happened, such as `token.created`.
    event: String,
    /// Who did it: `user`, `management_key`, `operator`, `token`, `node`, or `visitor`.
    actor: String,
    actor_name: Option<String>,
    actor_email: Option<String>,
    /// The ID of the management key, if one was used.
    management_key: Option<String>,
    management_key_name: Option<String>,
    /// The ID of the changed object.
    target: String,
    /// The details of the event, such as the object before and after a change.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    client_ip: Option<String>,
    client: Option<String>,
    request_id: String,
}

impl From<AuditLine> for EntryObject {
    fn from(line: AuditLine) -> Self {
        let detail = serde_json::from_str(&line.detail).unwrap_or_default();
        Self {
            number: line.seq,
            at: Instant(line.at),
            event: line.event,
            actor: line.actor,
            actor_name: line.actor_name,
            actor_email: line.actor_email,
            management_key: line.management_key,
            management_key_name: line.management_key_name,
            target: line.target,
            detail,
            client_ip: line.client_ip,
            client: line.user_agent,
            request_id: line.request_id,
        }
    }
}

list_schemas! { AuditEntryList of EntryObject }

/// Which entries are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilterParams {
    /// An event, or its first part: `token.created` or `token`.
    #[param(required = false)]
    event: String,
    /// Text anywhere in an entry.
    #[param(required = false, max_length = 100)]
    text: String,
    /// The first day (UTC).
    #[param(required = false, format = Date)]
    from: Option<String>,
    /// The last day (UTC).
    #[param(required = false, format = Date)]
    to: Option<String>,
}

impl AuditFilterParams {
    fn filters(&self, before: Option<i64>) -> Result<Filters, ApiError> {
        let Self { event, text, from, to } = self;
        for (name, day) in [("from", from), ("to", to)] {
            if day.as_deref() == Some("") {
                return Err(Refusal::new(Code::InvalidDate).with_text("name", name).into());
            }
        }
        Ok(Filters {
            event: event.clone(),
            text: read_text(text)?.to_owned(),
            from: from.clone().unwrap_or_default(),
            to: to.clone().unwrap_or_default(),
            before,
            format: String::new(),
        })
    }
}

fn respond(
    app: &AppState,
    position: &Position<AuditFilterParams>,
    (lines, has_more): (Vec<AuditLine>, bool),
) -> Response {
    let next = lines.last().filter(|_| has_more).map(|last| last.seq);
    let items: Vec<_> = lines.into_iter().map(EntryObject::from).collect();
    position.respond(app, (items, next))
}

/// Lists the account’s audit log, newest first.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit_entries", tag = "Audit log", params(PageParams, AuditFilterParams),
    responses((status = 200, body = AuditEntryList, description = "A page of entries.")))]
pub(crate) async fn list_audit_entries(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<AuditFilterParams>,
) -> Result<Response, ApiError> {
    let filters = position.filter.filters(position.after()?)?;
    let found = list(&app, &caller, &filters, position.limit).await?;
    Ok(respond(&app, &position, found))
}

/// Lists the entries that belong to no account, newest first.
#[utoipa::path(get, path = "/instance/audit", operation_id = "list_instance_audit_entries", tag = "Instance", params(PageParams, AuditFilterParams),
    responses((status = 200, body = AuditEntryList, description = "A page of entries.")))]
pub(crate) async fn list_instance_audit_entries(
    State(app): State<AppState>,
    By(operator): By<Operator>,
    position: Position<AuditFilterParams>,
) -> Result<Response, ApiError> {
    let filters = position.filter.filters(position.after()?)?;
    let found = list_of_instance(&app, &operator, &filters, position.limit).await?;
    Ok(respond(&app, &position, found))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    Csv,
    #[default]
    Jsonl,
}

/// Which entries are exported, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditExportParams {
    #[param(inline, required = false)]
    format: ExportFormat,
    /// An event, or its first part: `token.created` or `token`.
    #[param(required = false)]
    event: String,
    /// Text anywhere in an entry.
    #[param(required = false, max_length = 100)]
    text: String,
    /// The first day (UTC).
    #[param(required = false, format = Date)]
    from: Option<String>,
    /// The last day (UTC).
    #[param(required = false, format = Date)]
    to: Option<String>,
}

/// Exports the account’s audit log as a file, newest first, however long it is.
#[utoipa::path(get, path = "/audit/export", operation_id = "export_audit_entries", tag = "Audit log", params(AuditExportParams),
    responses((status = 200, content((String = "application/x-ndjson"), (String = "text/csv")), description = "The entries.")))]
pub(crate) async fn export_audit_entries(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiQuery(query): ApiQuery<AuditExportParams>,
) -> Result<Response, ApiError> {
    let AuditExportParams { format, event, text, from, to } = query;
    let filters = AuditFilterParams { event, text, from, to }.filters(None)?;
    let export = Export::new(app, &caller, &filters)?;
    let format = match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Jsonl => "jsonl",
    };
    Ok(console::export_as(export, format)?)
}
