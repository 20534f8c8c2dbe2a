//! The API as a collection of requests for Postman and Bruno (which imports it), with the endpoint URL and without a token.

use super::{merge::METHODS, openapi::resolved};
use serde_json::{Value, json};

/// Returns a collection in the format 2.1.0.
pub(super) fn collection(document: &Value, (title, endpoint_url): (&str, &str)) -> Value {
    let mut items = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if item[method].is_object() {
                items.push(request(document, (method, path), (item, &item[method])));
            }
        }
    }
    json!({
        "info": {
            "name": title,
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }] },
        "variable": [
            { "key": "endpoint", "value": endpoint_url },
            { "key": "token", "value": "", "description": "Your bearer token or an API token. Set it in your environment, not here." },
        ],
        "item": items,
    })
}

fn request(
    document: &Value,
    (method, path): (&str, &str),
    (item, operation): (&Value, &Value),
) -> Value {
    let lists = [&item["parameters"], &operation["parameters"]];
    let parameters = lists.into_iter().filter_map(Value::as_array).flatten();
    let parameters: Vec<_> = parameters.map(|parameter| resolved(document, parameter)).collect();
    let named = |place: &str| -> Vec<Value> {
        let of_place = parameters.iter().filter(|parameter| parameter["in"] == place);
        let value = |parameter: &&Value| {
            json!({
                "key": parameter["name"],
                "value": parameter["example"].as_str().unwrap_or_default(),
                "description": parameter["description"].as_str().unwrap_or_default(),
            })
        };
        of_place.map(value).collect()
    };
    // Optional ones are there and switched off.
    let query: Vec<_> = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| {
            json!({ "key": parameter["name"], "value": "", "disabled": parameter["required"] != true })
        })
        .collect();
    // A path parameter is written with a colon.
    let segments = path.trim_start_matches('/').split('/').map(|segment| {
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => segment.to_owned(),
        }
    });
    let segments: Vec<_> = segments.collect();
    let raw = format!("{{{{endpoint}}}}/{}", segments.join("/"));
    let mut request = json!({
        "method": method.to_uppercase(),
        "url": {
            "raw": raw,
            "host": ["{{endpoint}}"],
            "path": segments,
            "query": query,
            "variable": named("path"),
        },
        "header": named("header"),
        "description": operation["description"].as_str().unwrap_or_default(),
    });
    let body = resolved(document, &operation["requestBody"]);
    if let Some(content) = body["content"].get("application/json") {
        let example = &content["example"];
        let text = if example.is_null() { "{}".to_owned() } else { format!("{example:#}") };
        request["body"] =
            json!({ "mode": "raw", "raw": text, "options": { "raw": { "language": "json" } } });
    }
    let name = operation["summary"].as_str().filter(|summary| !summary.is_empty());
    let fallback = format!("{} {path}", method.to_uppercase());
    json!({ "name": name.unwrap_or(&fallback), "request": request })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_a_request_without_a_token() {
        let document = json!({
            "paths": { "/contacts/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "example": "7" }],
                "get": { "summary": "Read", "parameters": [{ "name": "fields", "in": "query" }] },
                "put": { "requestBody": { "content": { "application/json": { "example": { "name": "Ann" } } } } },
            } },
        });
        let made = collection(&document, ("Contacts", "https://api.example.com/385403"));
        assert_eq!(made["variable"][0]["value"], "https://api.example.com/385403");
        assert_eq!(made["variable"][1]["value"], "");
        let [read, write] = made["item"].as_array().expect("items").as_slice() else {
            panic!("{made}")
        };
        assert_eq!((&read["name"], &read["request"]["method"]), (&json!("Read"), &json!("GET")));
        assert_eq!(read["request"]["url"]["raw"], "{{endpoint}}/contacts/:id");
        assert_eq!(read["request"]["url"]["variable"][0]["value"], "7");
        assert_eq!(read["request"]["url"]["query"][0]["disabled"], true);
        assert_eq!(write["name"], "PUT /contacts/{id}");
        assert!(write["request"]["body"]["raw"].as_str().expect("a text").contains("Ann"));
        assert!(collection(&json!([]), ("x", "y"))["item"].as_array().expect("items").is_empty());
    }
}
