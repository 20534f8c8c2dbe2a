//! The merge of several OpenAPI documents: grouped by upstream, with unique components and operation IDs.

use super::source::Part;
use serde_json::{Map, Value, json};
use std::{collections::HashSet, sync::Arc};

/// The field of an operation that names its document.
pub(super) const GROUP: &str = "x-keydesk-group";

/// Merges documents, each with the prefix of its paths.
pub(super) fn merge(parts: &[(Part, Arc<Value>)]) -> Value {
    let mut merged = json!({ "openapi": "3.0.3", "info": {}, "paths": {}, "tags": [] });
    let mut taken = HashSet::new();
    for (number, (part, document)) in parts.iter().enumerate() {
        let prefix = part.prefix.as_str();
        let group = group(document, prefix, number);
        let mut document = (**document).clone();
        rename_references(&mut document, &component_prefix(number));
        if number == 0 {
            let info = document["info"].as_object().cloned().unwrap_or_default();
            merged["info"] = Value::Object(info);
        } else if let Some(title) = document["info"]["title"].as_str() {
            let so_far = merged["info"]["title"].as_str().unwrap_or_default();
            merged["info"]["title"] = json!(format!("{so_far}, {title}"));
        }
        // The newest version applies: its fields are nearly a superset of those of the older ones.
        if document["openapi"].as_str() > merged["openapi"].as_str() {
            merged["openapi"] = document["openapi"].clone();
        }
        add_components(&mut merged, &document, number);
        add_scopes(&mut merged, &document);
        let security = document["security"].clone();
        let tags = document["tags"].as_array().cloned().unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        for (path, mut item) in paths {
            for operation in operations_of(&mut item) {
                finish_operation(operation, (&group, number), &security, &mut taken);
            }
            let at = format!("{prefix}{path}");
            if !part.speaks_for(&at) {
                continue;
            }
            match merged["paths"][&at].as_object_mut() {
                // If two documents describe the same operation, the first one applies.
                Some(known) => {
                    for (name, value) in item.as_object().cloned().unwrap_or_default() {
                        known.entry(name).or_insert(value);
                    }
                }
                None => merged["paths"][&at] = item,
            }
        }
        add_tags(&mut merged, &group, &tags);
    }
    merged
}

fn group(document: &Value, prefix: &str, number: usize) -> String {
    let title = document["info"]["title"].as_str().unwrap_or_default();
    match (title, prefix) {
        ("", "") => format!("API {}", number + 1),
        ("", prefix) => prefix.to_owned(),
        (title, _) => title.to_owned(),
    }
}

fn component_prefix(number: usize) -> String {
    if number == 0 { String::new() } else { format!("api{}_", number + 1) }
}

/// The fields of a path item that are operations.
pub(super) const METHODS: [&str; 8] =
    ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

fn operations_of(item: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let fields = item.as_object_mut().into_iter().flatten();
    fields
        .filter(|(name, _)| METHODS.contains(&name.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// Sets an operation's group, a unique ID, and the document-wide security requirements.
fn finish_operation(
    operation: &mut Map<String, Value>,
    (group, number): (&str, usize),
    security: &Value,
    taken: &mut HashSet<String>,
) {
    let tags = operation.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let tag = |tag: &Value| format!("{group}: {}", tag.as_str().unwrap_or_default());
    let tags: Vec<String> =
        if tags.is_empty() { vec![group.to_owned()] } else { tags.iter().map(tag).collect() };
    operation.insert("tags".to_owned(), json!(tags));
    operation.insert(GROUP.to_owned(), json!(group));
    if let Some(id) = operation.get("operationId").and_then(Value::as_str).map(str::to_owned)
        && !taken.insert(id.clone())
    {
        let id = format!("{}{id}", component_prefix(number));
        taken.insert(id.clone());
        operation.insert("operationId".to_owned(), json!(id));
    }
    if !operation.contains_key("security") && security.is_array() {
        operation.insert("security".to_owned(), security.clone());
    }
}

/// Renames references so that they resolve to the components of their own document.
fn rename_references(value: &mut Value, prefix: &str) {
    match value {
        _ if prefix.is_empty() => {}
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                match value {
                    Value::String(text) if name == "$ref" => *text = renamed(text, prefix),
                    Value::Object(mapping) if name == "mapping" => rename_mapping(mapping, prefix),
                    value => rename_references(value, prefix),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename_references(value, prefix)),
        _ => {}
    }
}

/// Renames the values of a discriminator mapping, which are references too.
fn rename_mapping(mapping: &mut Map<String, Value>, prefix: &str) {
    for target in mapping.values_mut() {
        if let Value::String(text) = target {
            *text = renamed(text, prefix);
        }
    }
}

/// Renames `#/components/schemas/Order` to `#/components/schemas/api2_Order`.
fn renamed(reference: &str, prefix: &str) -> String {
    let Some(rest) = reference.strip_prefix("#/components/") else { return reference.to_owned() };
    match rest.split_once('/') {
        Some((kind, name)) => format!("#/components/{kind}/{prefix}{name}"),
        None => reference.to_owned(),
    }
}

fn add_components(merged: &mut Value, document: &Value, number: usize) {
    let prefix = component_prefix(number);
    for (kind, named) in document["components"].as_object().into_iter().flatten() {
        // Security requirements refer to their schemes by name, without a reference.
        let prefix = if kind == "securitySchemes" { "" } else { prefix.as_str() };
        for (name, component) in named.as_object().into_iter().flatten() {
            let place = &mut merged["components"][kind][format!("{prefix}{name}")];
            if place.is_null() {
                *place = component.clone();
            }
        }
    }
}

fn add_scopes(merged: &mut Value, document: &Value) {
    for (scope, text) in document["x-keydesk-scopes"].as_object().into_iter().flatten() {
        merged["x-keydesk-scopes"][scope] = text.clone();
    }
}

fn add_tags(merged: &mut Value, group: &str, tags: &[Value]) {
    let Some(all) = merged["tags"].as_array_mut() else { return };
    all.push(json!({ "name": group }));
    for tag in tags.iter().filter(|tag| tag.is_object()) {
        let mut tag = tag.clone();
        let name = format!("{group}: {}", tag["name"].as_str().unwrap_or_default());
        tag["name"] = json!(name);
        all.push(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(prefix: &str) -> Part {
        let all = Arc::from(["/".to_owned(), "/billing".to_owned()]);
        let own = if prefix.is_empty() { "/" } else { prefix };
        Part::for_tests(prefix, (own, all))
    }

    /// Ignores paths of other upstreams and tolerates unusual documents.
    #[test]
    fn a_document_speaks_for_its_own_upstream() {
        let orders = json!({
            "openapi": "3.0.1", "info": "Orders", "tags": ["orders", 7], "components": { "schemas": 1 },
            "paths": { "/billing/secret": { "get": {} }, "/orders": { "get": [] }, "/x": null },
        });
        let billing = json!({ "openapi": "3.0.1", "info": { "title": "Billing" },
            "paths": { "/secret": { "get": { "security": [{ "o": ["b:secret"] }] } } } });
        let merged = merge(&[(part(""), Arc::new(orders)), (part("/billing"), Arc::new(billing))]);
        assert_eq!(
            merged["paths"]["/billing/secret"]["get"]["security"],
            json!([{ "o": ["b:secret"] }])
        );
        assert!(merged["paths"].get("/orders").is_some());
    }

    #[test]
    fn documents_are_grouped_and_do_not_collide() {
        let orders = json!({
            "openapi": "3.0.1", "info": { "title": "Orders" },
            "tags": [{ "name": "orders", "description": "All orders" }],
            "security": [{ "oauth": ["orders:read"] }],
            "paths": { "/orders": { "get": { "operationId": "list", "tags": ["orders"],
                "responses": { "200": { "$ref": "#/components/responses/List" } } } } },
            "components": { "responses": { "List": { "description": "orders" } } },
        });
        let billing = json!({
            "openapi": "3.1.0", "info": { "title": "Billing" },
            "paths": { "/invoices": { "get": { "operationId": "list",
                "responses": { "200": { "$ref": "#/components/responses/List" } } } } },
            "components": { "responses": { "List": { "description": "invoices" } } },
        });
        let merged = merge(&[(part(""), Arc::new(orders)), (part("/billing"), Arc::new(billing))]);
        assert_eq!(merged["openapi"], "3.1.0");
        let first = &merged["paths"]["/orders"]["get"];
        assert_eq!(first["tags"], json!(["Orders: orders"]));
        assert_eq!(first["security"], json!([{ "oauth": ["orders:read"] }]));
        let second = &merged["paths"]["/billing/invoices"]["get"];
        assert_eq!(second["tags"], json!(["Billing"]));
        assert_eq!(second["operationId"], "api2_list");
        assert_eq!(second["responses"]["200"]["$ref"], "#/components/responses/api2_List");
        assert_eq!(merged["components"]["responses"]["api2_List"]["description"], "invoices");
        assert_eq!(merged["components"]["responses"]["List"]["description"], "orders");
        assert!(second.get("security").is_none(), "the other document's is not its");
        let tags: Vec<_> =
            merged["tags"].as_array().expect("a list").iter().map(|tag| &tag["name"]).collect();
        assert_eq!(tags, ["Orders", "Orders: orders", "Billing"]);
    }
}
