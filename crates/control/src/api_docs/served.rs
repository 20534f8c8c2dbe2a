//! The document as the console serves it: with the user's endpoint URL as the only server and Keydesk's bearer token,
//! which "Try it out" uses, as the only security scheme. The gateway handles the API's own authentication.

use super::merge::METHODS;
use serde_json::{Value, json};

const SCHEME: &str = "keydesk";

pub(super) fn serve(document: &Value, endpoint_url: &str) -> Value {
    let mut document = document.clone();
    document["servers"] = json!([{ "url": endpoint_url }]);
    document["security"] = json!([{ SCHEME: [] }]);
    if !document["components"].is_object() {
        document["components"] = json!({});
    }
    document["components"]["securitySchemes"] = json!({ SCHEME: { "type": "http", "scheme": "bearer", "description": "Your bearer token or an API token" } });
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        let Some(item) = item.as_object_mut() else { continue };
        // The servers of a path or an operation would bypass the gateway.
        item.remove("servers");
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                operation.remove("servers");
                operation.remove("security");
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_document_asks_for_the_reader_needs_one_token() {
        for schemes in [
            Value::Null,
            json!({ "OAuth2PasswordBearer": { "type": "oauth2", "flows": { "password": {
                "tokenUrl": "token", "scopes": {} } } } }),
            json!({ "api_key": { "type": "apiKey", "name": "api_key", "in": "header" } }),
        ] {
            let document = json!({
                "openapi": "3.1.0",
                "servers": [{ "url": "https://petstore.example/api/v3" }],
                "paths": { "/pet": { "servers": [{ "url": "https://elsewhere.example" }],
                    "get": { "security": [{ "OAuth2PasswordBearer": ["read"] }] } } },
                "components": { "securitySchemes": schemes },
            });
            let served = serve(&document, "https://api.example.com/385403");
            assert_eq!(served["servers"], json!([{ "url": "https://api.example.com/385403" }]));
            assert_eq!(served["security"], json!([{ "keydesk": [] }]));
            let schemes = served["components"]["securitySchemes"].as_object().expect("an object");
            assert_eq!(schemes.keys().collect::<Vec<_>>(), ["keydesk"]);
            assert_eq!(served["paths"]["/pet"], json!({ "get": {} }));
        }
    }
}
