//! The OpenAPI document for tools that can't read OpenAPI 3.1.

use serde_json::Value;

/// Translates a document to OpenAPI 3.0.3, where `null` is not a type.
pub(super) fn older(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = "3.0.3".into();
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    // Only 3.1 has webhooks.
    if let Some(document) = document.as_object_mut() {
        document.remove("webhooks");
    }
    translate(&mut document);
    document
}

fn translate(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(translate),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get("type").cloned() {
                let kept: Vec<_> = types.iter().filter(|kind| *kind != "null").cloned().collect();
                if kept.len() < types.len() {
                    object.insert("nullable".to_owned(), true.into());
                }
                if let [only] = kept.as_slice() {
                    object.insert("type".to_owned(), only.clone());
                }
            }
            if let Some(Value::Array(options)) = object.get("oneOf").cloned() {
                let kept: Vec<_> =
                    options.iter().filter(|option| option["type"] != "null").cloned().collect();
                if kept.len() < options.len() {
                    object.remove("oneOf");
                    object.insert("nullable".to_owned(), true.into());
                    object.insert("allOf".to_owned(), kept.into());
                }
            }
            object.values_mut().for_each(translate);
        }
        _ => {}
    }
}
