//! Exports of the audit log as JSON lines and CSV, written in chunks.

use crate::{
    audit::{Export, console::event_name},
    door::csv::record,
};
use futures_util::{Stream, stream};
use keydesk_store::{AuditLine, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    JsonLines,
    Csv,
}

impl Format {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    pub fn file(self) -> &'static str {
        match self {
            Self::JsonLines => "attachment; filename=\"keydesk-audit.jsonl\"",
            Self::Csv => "attachment; filename=\"keydesk-audit.csv\"",
        }
    }

    fn head(self) -> String {
        match self {
            Self::JsonLines => String::new(),
            // The byte order mark tells spreadsheets the encoding.
            Self::Csv => format!("\u{feff}{}", COLUMNS.join(",") + "\r\n"),
        }
    }

    fn line(self, line: &AuditLine) -> String {
        match self {
            Self::JsonLines => json_line(line),
            Self::Csv => csv_line(line),
        }
    }
}

const COLUMNS: [&str; 14] = [
    "number",
    "at",
    "event",
    "what",
    "actor",
    "actor_name",
    "actor_email",
    "management_key",
    "management_key_name",
    "target",
    "detail",
    "client_ip",
    "client",
    "request_id",
];

fn json_line(line: &AuditLine) -> String {
    let detail = serde_json::from_str::<serde_json::Value>(&line.detail);
    let whole = serde_json::json!({
        "number": line.seq,
        "at": line.at.to_string(),
        "event": line.event,
        "actor": line.actor,
        "actor_name": line.actor_name,
        "actor_email": line.actor_email,
        "management_key": line.management_key,
        "management_key_name": line.management_key_name,
        "target": line.target,
        "detail": detail.unwrap_or_default(),
        "client_ip": line.client_ip,
        "client": line.user_agent,
        "request_id": line.request_id,
    });
    format!("{whole}\n")
}

fn csv_line(line: &AuditLine) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        line.seq.to_string(),
        line.at.to_string(),
        line.event.clone(),
        event_name(&line.event),
        line.actor.clone(),
        text(&line.actor_name),
        text(&line.actor_email),
        text(&line.management_key),
        text(&line.management_key_name),
        line.target.clone(),
        line.detail.clone(),
        text(&line.client_ip),
        text(&line.user_agent),
        line.request_id.clone(),
    ];
    record(&cells)
}

/// Returns an export as text, in chunks.
pub(super) fn chunks(
    export: Export,
    format: Format,
) -> impl Stream<Item = Result<String, StoreError>> {
    stream::try_unfold((export, true), move |(export, is_first)| async move {
        let Some((lines, rest)) = export.next().await? else {
            return Ok::<_, StoreError>(None);
        };
        let mut text = if is_first { format.head() } else { String::new() };
        for line in &lines {
            text.push_str(&format.line(line));
        }
        Ok(Some((text, (rest, false))))
    })
}
