//! What a scan found, as text, JSON, or SARIF 2.1.0. None of them contains a token.

use super::{Format, finding::Finding};
use keydesk_model::is_deceptive;
use keydesk_token::without_tokens;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

/// The characters that a path in a URI does not contain.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

pub fn print(format: Format, findings: &[Finding]) -> anyhow::Result<()> {
    match format {
        Format::Text => findings.iter().for_each(|finding| print_line!("{}", line(finding))),
        Format::Json => {
            let all: Vec<_> = findings.iter().map(object).collect();
            print_line!("{}", serde_json::to_string_pretty(&all)?);
        }
        Format::Sarif => print_line!("{}", serde_json::to_string_pretty(&sarif(findings))?),
    }
    Ok(())
}

/// Returns a text without tokens, and without characters that change the terminal or hide others.
pub fn printable(text: &str) -> String {
    let shown = |c: char| if is_deceptive(c) { '\u{fffd}' } else { c };
    without_tokens(text).chars().map(shown).collect()
}

fn line(finding: &Finding) -> String {
    let commit = finding.commit.as_deref().map(|id| format!("{} ", &id[..id.len().min(12)]));
    let state = finding.state.as_deref().map(|state| format!(", {state}"));
    format!(
        "{}{}:{}:{}: {} {}{}",
        commit.unwrap_or_default(),
        printable(&finding.path),
        finding.line,
        finding.column,
        finding.kind,
        finding.masked,
        state.unwrap_or_default()
    )
}

fn object(finding: &Finding) -> Value {
    json!({
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "commit": finding.commit,
        "kind": finding.kind,
        "masked": finding.masked,
        "state": finding.state,
        "fingerprint": finding.fingerprint(),
    })
}

fn sarif(findings: &[Finding]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keydesk",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": [{
                    "id": "keydesk-token",
                    "name": "KeydeskToken",
                    "shortDescription": { "text": "Keydesk token" },
                    "fullDescription": { "text": "Anyone who can read this file can use the token." },
                    "help": { "text": "Revoke the token in the console, create a replacement, and keep it out of the repository." },
                    "defaultConfiguration": { "level": "error" },
                    "properties": { "tags": ["security"], "security-severity": "9.0" },
                }],
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let state = finding.state.as_deref().map(|state| format!(" Its state is “{state}”."));
    let place = match finding.commit.as_deref() {
        Some(id) => format!("was added to this file in commit {id}."),
        None => "is in this file.".to_owned(),
    };
    let (kind, masked) = (finding.kind, &finding.masked);
    let text = format!("The {kind} {masked} {place}{}", state.unwrap_or_default());
    let path = finding.path.trim_start_matches('/');
    json!({
        "ruleId": "keydesk-token",
        "ruleIndex": 0,
        "level": if finding.is_live() { "error" } else { "note" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": utf8_percent_encode(path, NOT_IN_PATHS).to_string() },
            "region": {
                "startLine": finding.line,
                "startColumn": finding.column,
                "endColumn": finding.column + finding.length,
            },
        } }],
        "partialFingerprints": { "keydeskToken/v1": finding.fingerprint() },
    })
}
