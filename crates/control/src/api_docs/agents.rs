//! The API for programs that read text: `llms.txt`, the reference as Markdown, and a prompt. None of them has a secret.

use super::{
    merge::METHODS,
    openapi::{resolved, scopes_of},
};
use serde_json::Value;
use std::fmt::Write as _;

/// What a text is about.
pub(super) struct Described<'a> {
    pub title: &'a str,
    pub endpoint_url: &'a str,
    pub console_url: &'a str,
    pub reserved_prefix: &'a str,
}

/// The rejections that a client meets first, each with what to do.
const ERRORS: [(&str, &str, &str); 8] = [
    ("401", "missing_token", "Send the header `Authorization: Bearer $TOKEN`."),
    ("401", "unknown_token", "The token is wrong. Ask for the right one; don't retry."),
    (
        "401",
        "token_expired, token_revoked, token_rotated",
        "The token no longer works. Ask for a new one; `renew` is where.",
    ),
    (
        "403",
        "insufficient_scope",
        "The token lacks a scope, which `WWW-Authenticate` names. Ask for it; don't retry.",
    ),
    ("403", "ip_not_allowed", "The token isn't allowed from this IP address."),
    ("429", "rate_limited, quota_exceeded", "Wait for the number of seconds in `Retry-After`."),
    (
        "502",
        "upstream_unreachable",
        "The API is unavailable. Retry safe requests with a growing delay.",
    ),
    ("504", "upstream_timeout", "The API was too slow. Retry safe requests with a growing delay."),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns a text on one line, so that it is no heading and ends no table.
fn line(value: &Value) -> String {
    let words: Vec<_> = text(value).split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn authentication(of: &Described<'_>, out: &mut String) {
    let Described { endpoint_url, reserved_prefix, console_url, .. } = of;
    let _ = write!(
        out,
        "## Requests\n\n- Base URL: `{endpoint_url}`. Append the path of an operation.\n\
         - Authentication: the header `Authorization: Bearer $TOKEN` in every request. Read the token from the environment \
         variable `API_TOKEN`; never write it into code, a URL, or a log.\n\
         - `GET {endpoint_url}/{reserved_prefix}/whoami` returns the account, the scopes, and the expiration date of the \
         token.\n- Each response has `X-Request-Id`. {console_url}/requests explains a request by this ID.\n\n"
    );
}

fn errors(out: &mut String) {
    out.push_str(
        "## Errors\n\nThe gateway responds with problem details (RFC 9457): `code`, `detail`, `help`, `request_id`.\n\n\
         | Status | `code` | What to do |\n|---|---|---|\n",
    );
    for (status, code, todo) in ERRORS {
        let _ = writeln!(out, "| {status} | {code} | {todo} |");
    }
    out.push('\n');
}

/// Returns the reference as Markdown: each operation with its parameters, body, responses, and scopes.
pub(super) fn markdown(of: &Described<'_>, document: &Value) -> String {
    let mut out = format!("# {}\n\n", of.title);
    let about = text(&document["info"]["description"]).trim();
    if !about.is_empty() {
        let _ = write!(out, "{about}\n\n");
    }
    authentication(of, &mut out);
    out.push_str("## Operations\n\n");
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if item[method].is_object() {
                operation(document, (method, path), (item, &item[method]), &mut out);
            }
        }
    }
    errors(&mut out);
    out
}

fn operation(
    document: &Value,
    (method, path): (&str, &str),
    (item, operation): (&Value, &Value),
    out: &mut String,
) {
    let _ = write!(out, "### {} {path}\n\n", method.to_uppercase());
    for part in [&operation["summary"], &operation["description"]] {
        let part = line(part);
        if !part.is_empty() {
            let _ = write!(out, "{part}\n\n");
        }
    }
    let scopes = scopes_of(document, operation);
    if !scopes.is_empty() {
        let _ = write!(out, "Scopes (any one): {}\n\n", scopes.join(", "));
    }
    let lists = [&item["parameters"], &operation["parameters"]];
    let parameters: Vec<_> = lists.into_iter().filter_map(Value::as_array).flatten().collect();
    for parameter in parameters.iter().map(|parameter| resolved(document, parameter)) {
        let required = if parameter["required"] == true { ", required" } else { "" };
        let _ = writeln!(
            out,
            "- `{}` ({}{required}): {}",
            text(&parameter["name"]),
            text(&parameter["in"]),
            line(&parameter["description"])
        );
    }
    if !parameters.is_empty() {
        out.push('\n');
    }
    let body = resolved(document, &operation["requestBody"]);
    for (media_type, content) in body["content"].as_object().into_iter().flatten() {
        let schema = resolved(document, &content["schema"]);
        let _ = write!(out, "Body ({media_type}):\n\n```json\n{schema:#}\n```\n\n");
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let response = resolved(document, response);
        let _ = writeln!(out, "- {status}: {}", line(&response["description"]));
    }
    out.push('\n');
}

/// Returns the list of texts about the API, as <https://llmstxt.org> describes it.
pub(super) fn llms_txt(of: &Described<'_>, document: &Value) -> String {
    let Described { title, endpoint_url, console_url, .. } = of;
    let mut out = format!("# {title}\n\n");
    let about = line(&document["info"]["description"]);
    if !about.is_empty() {
        let _ = write!(out, "> {about}\n\n");
    }
    let _ = write!(
        out,
        "Base URL: {endpoint_url}. Authenticate with `Authorization: Bearer $TOKEN`.\n\n## Reference\n\n\
         - [Reference as Markdown]({console_url}/api-docs/reference.md): operations, parameters, scopes, errors\n\
         - [OpenAPI document]({console_url}/api-docs/openapi.json): the same for tools\n\
         - [Error codes]({console_url}/errors): what each code means\n"
    );
    out
}

/// Returns a prompt with which an agent can begin to write a client.
pub(super) fn prompt(of: &Described<'_>, scopes: &[String]) -> String {
    let mut out = format!("Write a client for the API “{}”.\n\n", of.title);
    authentication(of, &mut out);
    if !scopes.is_empty() {
        let _ = write!(out, "Scopes of the API: {}.\n\n", scopes.join(", "));
    }
    errors(&mut out);
    let _ = writeln!(
        out,
        "The reference is in `openapi.json` and `reference.md`, which I downloaded from {}/api-docs. Ask me for them if you \
         need an operation.",
        of.console_url
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OF: Described<'_> = Described {
        title: "Contacts",
        endpoint_url: "https://api.example.com/385403",
        console_url: "https://console.example.com",
        reserved_prefix: "keydesk",
    };

    #[test]
    fn the_reference_has_what_the_document_says() {
        let document = json!({
            "openapi": "3.1.0",
            "info": { "title": "Contacts", "description": "People\nand firms | more" },
            "security": [{ "key": ["contacts:read"] }],
            "paths": { "/contacts/{id}": {
                "parameters": [{ "$ref": "#/components/parameters/id" }],
                "get": { "summary": "Read a contact", "responses": { "200": { "description": "It" } } },
                "put": { "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Contact" } } } } },
            } },
            "components": {
                "parameters": { "id": { "name": "id", "in": "path", "required": true, "description": "The\nID" } },
                "schemas": { "Contact": { "type": "object" } },
            },
        });
        let text = markdown(&OF, &document);
        for part in [
            "# Contacts\n",
            "### GET /contacts/{id}\n\nRead a contact\n",
            "Scopes (any one): contacts:read",
            "- `id` (path, required): The ID",
            "### PUT /contacts/{id}",
            "\"type\": \"object\"",
            "- 200: It",
            "insufficient_scope",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let list = llms_txt(&OF, &document);
        assert!(list.starts_with("# Contacts\n\n> People and firms"), "{list}");
        let prompt = prompt(&OF, &["contacts:read".to_owned()]);
        assert!(prompt.contains("https://api.example.com/385403") && prompt.contains("$TOKEN"));
    }

    #[test]
    fn a_document_of_another_shape_makes_a_text_and_no_panic() {
        for document in
            [json!([]), json!({ "paths": { "/a": { "get": { "parameters": [1, {}] } } } })]
        {
            assert!(markdown(&OF, &document).starts_with("# Contacts"));
        }
    }
}
