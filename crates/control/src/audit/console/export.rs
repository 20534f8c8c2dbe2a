//! Exports of the audit log as JSON lines and CSV, written in chunks.

use crate::audit::{Export, console::event_name};
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

    fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => {
                "\u{feff}number,at,event,what,actor,actor_name,actor_email,target,detail,client_ip,client,request_id\r\n"
            }
        }
    }

    fn line(self, line: &AuditLine) -> String {
        match self {
            Self::JsonLines => {
                let detail = serde_json::from_str::<serde_json::Value>(&line.detail);
                let whole = serde_json::json!({
                    "number": line.seq,
                    "at": line.at.to_string(),
                    "event": line.event,
                    "actor": line.actor,
                    "actor_name": line.actor_name,
                    "actor_email": line.actor_email,
                    "target": line.target,
                    "detail": detail.unwrap_or_default(),
                    "client_ip": line.client_ip,
                    "client": line.user_agent,
                    "request_id": line.request_id,
                });
                format!("{whole}\n")
            }
            Self::Csv => {
                let (number, at) = (line.seq.to_string(), line.at.to_string());
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let cells = [
                    number,
                    at,
                    line.event.clone(),
                    event_name(&line.event),
                    line.actor.clone(),
                    text(&line.actor_name),
                    text(&line.actor_email),
                    line.target.clone(),
                    line.detail.clone(),
                    text(&line.client_ip),
                    text(&line.user_agent),
                    line.request_id.clone(),
                ];
                let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
                format!("{}\r\n", cells.join(","))
            }
        }
    }
}

/// Quotes a CSV cell (RFC 4180). An apostrophe keeps spreadsheets from evaluating the text as a formula.
fn cell(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
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
        let mut text = if is_first { format.head().to_owned() } else { String::new() };
        for line in &lines {
            text.push_str(&format.line(line));
        }
        Ok(Some((text, (rest, false))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t48_no_cell_is_a_formula_and_quotes_stay_inside() {
        for (text, written) in [
            ("=HYPERLINK(\"http://evil\")", "\"'=HYPERLINK(\"\"http://evil\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("a,b\"c\n", "\"a,b\"\"c\n\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
