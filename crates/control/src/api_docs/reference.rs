//! The reference: what the OpenAPI document says about one operation, and who of the account uses it; and the operations
//! that the account uses and that are deprecated or gone.

use super::{
    find_document,
    openapi::{Operation, operations, resolved},
};
use crate::{
    AppState,
    operations::LATELY,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::Permission;
use keydesk_store::ClientOperation;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The depth of an example body.
const DEEPEST: usize = 5;

/// A parameter in the path, the query, or a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub name: String,
    /// `path`, `query`, or `header`.
    pub place: String,
    pub is_required: bool,
    /// The type, such as `integer` or `string (date-time)`.
    pub kind: String,
    /// The allowed values, if they are listed.
    pub values: Vec<String>,
    pub description: String,
    pub example: String,
}

/// A form of a request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub media_type: String,
    pub example: String,
    pub schema: String,
}

/// A response by status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: String,
    pub description: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub operation: Operation,
    pub description: String,
    pub parameters: Vec<Parameter>,
    pub bodies: Vec<Body>,
    pub answers: Vec<Answer>,
    /// The requests of each client in the last 30 days, the most first.
    pub clients: Vec<ClientOperation>,
}

/// Returns what is known about an operation.
pub(crate) async fn find_reference(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Reference, Refusal> {
    let document = find_document(app, caller).await?;
    let found = operations(&document).into_iter().find(|operation| operation.id == id);
    let found = found.ok_or(Code::NotFound)?;
    let name = found.name();
    let used = list_use(app, caller).await?.into_iter();
    let clients = used.filter(|one| one.operation == name).collect();
    Ok(Reference { clients, ..describe(&document, found) })
}

/// Returns what the clients of the account used in the last 30 days, or nothing if the caller may not see it.
pub(super) async fn list_use(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<ClientOperation>, Refusal> {
    if !caller.may(Permission::SeeUsage) {
        return Ok(Vec::new());
    }
    let since = app.now().minus(LATELY);
    Ok(app.store.read().await?.list_client_operations_of_account(caller.account.id, since).await?)
}

fn describe(document: &Value, operation: Operation) -> Reference {
    let item = &document["paths"][&operation.path];
    let described = &item[operation.method.to_lowercase()];
    let lists = [&item["parameters"], &described["parameters"]];
    let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
    let body = resolved(document, &described["requestBody"]);
    let bodies = body["content"].as_object().into_iter().flatten();
    let answers = described["responses"].as_object().into_iter().flatten();
    Reference {
        description: text(&described["description"]),
        parameters: parameters
            .map(|one| parameter(document, resolved(document, one)))
            .filter(|one| ["path", "query", "header"].contains(&&*one.place))
            .collect(),
        bodies: bodies
            .map(|(media_type, content)| self::body(document, media_type, content))
            .collect(),
        answers: answers
            .map(|(status, answer)| Answer {
                status: status.clone(),
                description: text(&resolved(document, answer)["description"]),
            })
            .collect(),
        clients: Vec::new(),
        operation,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

/// Returns a value as it stands in a URL.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

fn parameter(document: &Value, one: &Value) -> Parameter {
    let schema = resolved(document, &one["schema"]);
    let kind = text(&schema["type"]);
    let format = text(&schema["format"]);
    let examples = [&one["example"], &schema["example"], &schema["default"]];
    Parameter {
        name: text(&one["name"]),
        place: text(&one["in"]),
        is_required: one["required"] == true,
        kind: if format.is_empty() { kind } else { format!("{kind} ({format})") },
        values: schema["enum"].as_array().into_iter().flatten().map(bare).collect(),
        description: text(&one["description"]),
        example: examples.into_iter().map(bare).find(|text| !text.is_empty()).unwrap_or_default(),
    }
}

fn body(document: &Value, media_type: &str, content: &Value) -> Body {
    let schema = resolved(document, &content["schema"]);
    let first = content["examples"].as_object().and_then(|all| all.values().next());
    let first = first.map_or(&Value::Null, |one| &resolved(document, one)["value"]);
    let given = [&content["example"], first].into_iter().find(|example| !example.is_null());
    let example = given.cloned().unwrap_or_else(|| sample(document, schema, 0));
    Body {
        media_type: media_type.to_owned(),
        example: if example.is_null() { String::new() } else { format!("{example:#}") },
        schema: format!("{schema:#}"),
    }
}

/// Returns a value that has the shape of a schema.
fn sample(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    let given =
        [&schema["example"], &schema["default"], &schema["examples"][0], &schema["enum"][0]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    if depth >= DEEPEST {
        return Value::Null;
    }
    if let Some(first) = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|of| schema[of].get(0)) {
        return sample(document, first, depth + 1);
    }
    match (schema["type"].as_str(), schema["properties"].as_object()) {
        (_, Some(properties)) => {
            let part = |(name, schema): (&String, &Value)| {
                (name.clone(), sample(document, schema, depth + 1))
            };
            Value::Object(properties.iter().map(part).collect())
        }
        (Some("array"), _) => json!([sample(document, &schema["items"], depth + 1)]),
        (Some("integer" | "number"), _) => json!(0),
        (Some("boolean"), _) => json!(false),
        (Some("string"), _) => json!(""),
        (Some("object"), _) => json!({}),
        _ => Value::Null,
    }
}

/// An operation that the account uses and that is deprecated or no longer in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiChange {
    /// Method and path.
    pub operation: String,
    /// The ID of a deprecated operation. `None` if it is gone.
    pub id: Option<String>,
    /// The accepted requests of the last 30 days.
    pub requests: i64,
    /// The clients, the most used first.
    pub clients: Vec<String>,
}

/// Compares the OpenAPI document with what the account has used in the last 30 days.
pub(crate) async fn list_changes(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<ApiChange>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let document = find_document(app, caller).await?;
    Ok(changes(&operations(&document), list_use(app, caller).await?))
}

/// `used`: the most used first.
fn changes(operations: &[Operation], used: Vec<ClientOperation>) -> Vec<ApiChange> {
    let known: HashMap<_, _> = operations.iter().map(|one| (one.name(), one)).collect();
    let mut changes: Vec<ApiChange> = Vec::new();
    // What no rule covers has another name.
    for one in used.into_iter().filter(|one| one.accepted() > 0 && one.operation.contains(" /")) {
        let known = known.get(&one.operation);
        if known.is_some_and(|known| !known.is_deprecated) {
            continue;
        }
        match changes.iter_mut().find(|change| change.operation == one.operation) {
            Some(change) => {
                change.requests += one.accepted();
                change.clients.push(one.client);
            }
            None => changes.push(ApiChange {
                id: known.map(|known| known.id.clone()),
                requests: one.accepted(),
                clients: vec![one.client],
                operation: one.operation,
            }),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_described_with_parameters_examples_and_responses() {
        let document = json!({
            "components": {
                "schemas": {"New": {"type": "object", "properties": {
                    "name": {"type": "string", "example": "Ann"}, "tags": {"type": "array", "items": {"type": "string"}},
                    "parent": {"$ref": "#/components/schemas/New"}, "age": {"type": "integer"}}}},
                "parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}}},
            },
            "paths": {"/things/{id}": {
                "parameters": [{"$ref": "#/components/parameters/Id"}],
                "put": {
                    "summary": "Change", "deprecated": true, "description": " More. ",
                    "parameters": [
                        {"name": "mode", "in": "query", "schema": {"enum": ["a", "b"], "default": "a"}},
                        {"name": "c", "in": "cookie", "schema": {}}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                    "responses": {"200": {"description": "Changed."}},
                },
            }},
        });
        let found = operations(&document).remove(0);
        assert_eq!((&*found.id, &*found.name()), ("put-things-id", "PUT /things/{id}"));
        assert!(found.is_deprecated);
        let described = describe(&document, found);
        let names: Vec<_> = described
            .parameters
            .iter()
            .map(|one| (&*one.name, &*one.kind, &*one.example))
            .collect();
        assert_eq!(names, [("id", "string (uuid)", ""), ("mode", "", "a")], "no cookie");
        assert_eq!(described.parameters[1].values, ["a", "b"]);
        let example: Value = serde_json::from_str(&described.bodies[0].example).expect("JSON");
        assert_eq!((&example["name"], &example["tags"]), (&json!("Ann"), &json!([""])));
        assert!(example["parent"]["parent"]["parent"]["parent"]["parent"].is_null(), "{example}");
        assert_eq!(described.answers[0].description, "Changed.");
        assert_eq!(described.description, "More.");
    }

    #[test]
    fn nothing_in_a_document_can_break_the_page() {
        for odd in [
            json!(null),
            json!([1]),
            json!({"get": 7}),
            json!({"get": {"parameters": {"a": 1}, "responses": []}}),
        ] {
            let document = json!({"paths": {"/x": odd}});
            for found in operations(&document) {
                describe(&document, found);
            }
        }
        let endless = json!({"components": {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}});
        assert_eq!(sample(&endless, &json!({"$ref": "#/components/schemas/A"}), 0), Value::Null);
    }
}
