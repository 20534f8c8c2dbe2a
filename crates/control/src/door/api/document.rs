//! The OpenAPI document of the management API: made from the handlers, and completed with what they share.

use super::older::older;
use crate::{
    AppState,
    api_routes::{ApiAccess, api_document},
    webhooks::events::api::{describe_events, event_schemas},
};
use axum::{Json, extract::State, http::header, response::IntoResponse};
use keydesk_model::{KeyScope, OperatorPermission, Permission};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use utoipa::openapi::{OpenApi, PathItem, security::SecurityRequirement};
use utoipa_axum::router::UtoipaMethodRouter;

const ABOUT: &str = "Everything that people do in the Keydesk console, a program can do with this API.\n\n\
    Send a management key, which you create in the console, as `Authorization: Bearer kd_m_…`. Errors are problems \
    (RFC 9457) with a stable `code`. Send an `Idempotency-Key` with a POST request to be able to repeat it.";

/// The operations that need the `ETag` of their consequences in `If-Match`.
const NEEDS_IF_MATCH: [&str; 8] = [
    "revoke_token",
    "pause_token",
    "revoke_previous_secrets",
    "rotate_bearer_token",
    "remove_member",
    "log_out_member",
    "suspend_account",
    "close_account",
];
/// The operations that take the `ETag` of the object, or of the consequences that some requests have.
const TAKES_IF_MATCH: [&str; 12] = [
    "update_account",
    "update_account_limits",
    "update_token",
    "limit_token",
    "rotate_token",
    "update_member",
    "save_sso",
    "remove_sso",
    "update_key",
    "update_webhook",
    "remove_webhook",
    "update_managed_account",
];

/// The names of enumerations, by the parameters that have them.
const ENUMERATIONS: [(&str, &str); 3] =
    [("of", "TokenChange"), ("state", "TokenStateFilter"), ("format", "ExportFormat")];

const TAGS: [(&str, &str); 12] = [
    ("Tokens", "API tokens, which programs send to the API, and your own bearer token."),
    ("Account", "The account that the key belongs to: its name, limits, and plan."),
    ("Usage", "The clients that send requests, and the requests that violated limits."),
    ("Receipts", "For every revoked token: which gateways rejected it, and when."),
    ("Members", "The members of the account, their sessions, and invitations."),
    ("Single sign-on", "How members log in with the account’s identity provider."),
    ("Audit log", "Who changed what, and when."),
    ("Management keys", "The keys of this API."),
    ("Canary tokens", "Tokens that never work, and whose use raises an alarm."),
    ("Webhooks", "Endpoints that receive events, their deliveries, and the log of events."),
    ("Accounts", "All accounts, for operators."),
    ("Instance", "Plans, operations, gateways, and operators, for operators."),
];

fn first_scope(grants: impl Fn(KeyScope) -> bool) -> Vec<&'static str> {
    KeyScope::ALL
        .into_iter()
        .find(|scope| grants(*scope))
        .map(KeyScope::as_str)
        .into_iter()
        .collect()
}

fn scope_of(permission: Permission) -> Vec<&'static str> {
    first_scope(|scope| scope.permissions().contains(&permission))
}

fn operator_scope_of(permission: OperatorPermission) -> Vec<&'static str> {
    first_scope(|scope| scope.operator_permissions().contains(&permission))
}

/// Adds the scopes that each operation requires.
pub(crate) fn with_access(
    (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
    access: ApiAccess,
) -> UtoipaMethodRouter<AppState> {
    let scopes = match access {
        ApiAccess::Account | ApiAccess::Key => Vec::new(),
        ApiAccess::Needs(permission) | ApiAccess::Either(permission, _) => scope_of(permission),
        ApiAccess::Operator(permission) => operator_scope_of(permission),
    };
    let note = match (access, scopes.first()) {
        (ApiAccess::Key, _) => "Any management key can send this request.".to_owned(),
        (ApiAccess::Account, _) => "Any account key can send this request.".to_owned(),
        (ApiAccess::Operator(_), Some(scope)) => {
            format!("Requires an instance key with the scope `{scope}`.")
        }
        (ApiAccess::Either(..), Some(scope)) => {
            format!("Requires an account key or an instance key, with the scope `{scope}`.")
        }
        (_, Some(scope)) => format!("Requires the scope `{scope}`."),
        (_, None) => String::new(),
    };
    for item in paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.security =
                Some(vec![SecurityRequirement::new("managementKey", scopes.clone())]);
            let about = operation.description.take().unwrap_or_default();
            let about = if about.is_empty() { note.clone() } else { format!("{about}\n\n{note}") };
            operation.description = Some(about);
        }
    }
    (schemas, paths, router)
}

/// Returns the methods of a path.
pub(crate) fn methods((path, item): (&String, &PathItem)) -> Vec<(&'static str, String)> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
    ];
    let with = all.into_iter().filter(|(_, operation)| operation.is_some());
    with.map(|(method, _)| (method, path.clone())).collect()
}

/// The statuses of problems: where each can occur, and why.
const PROBLEMS: [(&str, &str, &str); 13] = [
    (
        "",
        "400",
        "The request isn’t valid: `invalid_parameter`, `invalid_header`, `invalid_json`, `invalid_cursor`, `invalid_date`, `invalid_instant`, `invalid_usage_range`, or `invalid_export_format`.",
    ),
    ("", "401", "The management key is missing or not valid."),
    ("", "403", "The key, its role, or its IP allowlist doesn’t permit this."),
    ("/", "404", "There is no such object in the account."),
    ("write", "404", "There is no such object in the account."),
    ("write", "409", "The object is in another state."),
    ("condition", "412", "Something has changed since you read it: `detail` says what."),
    ("write", "413", "The body is larger than 64 KiB."),
    ("body", "415", "The body isn’t JSON."),
    ("write", "422", "A field isn’t valid: `errors` says which."),
    ("condition", "428", "`If-Match` is missing."),
    ("", "429", "Too many requests. Wait for the number of seconds in `Retry-After`."),
    (
        "",
        "503",
        "Keydesk is temporarily unavailable. Repeat the request with the same `Idempotency-Key`.",
    ),
];

/// Completes the document with what all operations share.
pub(crate) fn complete(document: OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["info"] = json!({
        "title": "Keydesk management API",
        "description": ABOUT,
        "version": "1",
        "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
    });
    document["servers"] = json!([{ "url": crate::door::api::BASE }]);
    document["components"]["securitySchemes"] = json!({
        "managementKey": { "type": "http", "scheme": "bearer", "description": "A management key, which looks like kd_m_…." }
    });
    document["components"]["schemas"]["Problem"] = problem_schema();
    document["components"]["schemas"]["ProblemPlace"] = place_schema();
    document["components"]["responses"] = responses();
    document["components"]["headers"] = json!({
        "RateLimit": { "description": "The remaining requests (`r`), and the seconds until the full rate limit is available again (`t`).", "schema": { "type": "string" } },
        "RateLimit-Policy": { "description": "The rate limit of the key: `q` requests in `w` seconds.", "schema": { "type": "string" } },
        "Retry-After": { "description": "The seconds to wait.", "schema": { "type": "integer" } },
    });
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(operation, (method, path));
        }
    }
    name_enumerations(&mut document);
    document["webhooks"] = describe_events();
    for (name, schema) in event_schemas() {
        document["components"]["schemas"][name] = schema;
    }
    document["tags"] =
        TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    document
}

/// Describes an optional body by its absence, not as one that can be `null`, for which generated clients send nonsense.
fn without_null_body(operation: &mut Value) {
    let schema = operation.pointer_mut("/requestBody/content/application~1json/schema");
    let Some(schema) = schema else { return };
    let kinds = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    let kinds = kinds.filter(|kinds| kinds.len() == 2);
    if let Some(kinds) = kinds
        && let Some(null) = kinds.iter().position(|kind| kind["type"] == "null")
    {
        *schema = kinds.remove(1 - null);
    }
}

fn complete_operation(operation: &mut Value, (method, path): (&str, &str)) {
    without_null_body(operation);
    let is_write = method != "get";
    let has_body = operation["requestBody"].is_object();
    for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for name in ["RateLimit", "RateLimit-Policy"] {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
    let id = operation["operationId"].as_str().unwrap_or_default();
    let is_required = NEEDS_IF_MATCH.contains(&id);
    let is_conditional = is_required || TAKES_IF_MATCH.contains(&id);
    // Its query names a token.
    let names_object = path.contains('{') || id == "read_usage";
    for (place, status, _) in PROBLEMS {
        let applies = match place {
            "" => true,
            "/" => names_object,
            "write" => is_write,
            "condition" => is_conditional,
            _ => has_body,
        };
        if applies {
            operation["responses"][status] =
                json!({ "$ref": format!("#/components/responses/{}", response_name(status)) });
        }
    }
    if path.ends_with("/consequences") {
        for status in ["409", "422"] {
            operation["responses"][status] =
                json!({ "$ref": format!("#/components/responses/{}", response_name(status)) });
        }
    }
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    if method == "post" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A key of your choice for this request, such as a UUID. Repeating the request with the same key within 24 hours changes nothing more.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$" },
        }));
    }
    if is_conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": is_required,
            "description": "The ETag that you read, or `*`. The request is carried out only if the object hasn’t changed or, for requests with consequences, if the clients that would stop working are still the same.",
            "schema": { "type": "string", "pattern": "^(\\*|(W/)?\"[!#-~]*\"(, ?(W/)?\"[!#-~]*\")*)$" },
        }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
}

fn response_name(status: &str) -> String {
    format!("Problem{status}")
}

fn responses() -> Value {
    let mut responses = Map::new();
    for (_, status, about) in PROBLEMS {
        let mut headers = json!({});
        if ["429", "503"].contains(&status) {
            headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
        }
        responses.insert(response_name(status), json!({
            "description": about,
            "headers": headers,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        }));
    }
    responses.into()
}

/// The schema of a problem (RFC 9457).
fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "A page about the code." },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong, and what to do." },
            "code": { "type": "string", "description": "The stable name of the error.", "example": "not_found" },
            "errors": {
                "type": "array",
                "description": "The places in the request that the error is about.",
                "items": { "$ref": "#/components/schemas/ProblemPlace" },
            },
            "request_id": { "type": "string", "description": "For the operator, who finds the request in the log by it." },
        },
    })
}

fn place_schema() -> Value {
    json!({
        "type": "object",
        "description": "A place in the request that an error is about.",
        "required": ["code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "A place in the body, as a JSON pointer (RFC 6901)." },
            "parameter": { "type": "string", "description": "The name of a parameter or header." },
            "code": { "type": "string" },
            "detail": { "type": "string" },
        },
    })
}

/// Gives the enumerations of parameters a name, so that generated clients have one for them.
fn name_enumerations(document: &mut Value) {
    let mut named = Map::new();
    for item in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let operations = item.as_object_mut().into_iter().flat_map(Map::values_mut);
        let parameters = operations.filter_map(|operation| operation.get_mut("parameters"));
        for parameter in parameters.filter_map(Value::as_array_mut).flatten() {
            let name = ENUMERATIONS.iter().find(|(name, _)| parameter["name"] == *name);
            let Some((_, name)) = name.filter(|_| parameter["schema"]["enum"].is_array()) else {
                continue;
            };
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            let schema = std::mem::replace(&mut parameter["schema"], reference);
            named.insert((*name).to_owned(), schema);
        }
    }
    for (name, schema) in named {
        document["components"]["schemas"][name] = schema;
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(api_document);
static OLDER: LazyLock<Value> = LazyLock::new(|| older(&DOCUMENT));

/// Returns the document with the URL of this console.
fn at(app: &AppState, document: &Value) -> Json<Value> {
    let mut document = document.clone();
    document["servers"][0]["url"] = format!("{}{}", app.settings.console_url, super::BASE).into();
    Json(document)
}

pub(crate) async fn serve(State(app): State<AppState>) -> Json<Value> {
    at(&app, &DOCUMENT)
}

/// Serves the document for tools that can't read OpenAPI 3.1.
pub(crate) async fn serve_older(State(app): State<AppState>) -> Json<Value> {
    at(&app, &OLDER)
}

/// Serves the catalog of the APIs of this host (RFC 9727), as a link set (RFC 9264).
pub(crate) async fn catalog(State(app): State<AppState>) -> impl IntoResponse {
    let base = format!("{}{}", app.settings.console_url, super::BASE);
    let links = json!({ "linkset": [{
        "anchor": base,
        "service-desc": [
            { "href": format!("{base}/openapi.json"), "type": "application/vnd.oai.openapi+json;version=3.1" },
            { "href": format!("{base}/openapi-3.0.json"), "type": "application/vnd.oai.openapi+json;version=3.0" },
        ],
        "service-doc": [{ "href": format!("{}/management-api", app.settings.console_url), "type": "text/html" }],
    }] });
    let profile = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
    ([(header::CONTENT_TYPE, profile)], links.to_string())
}
